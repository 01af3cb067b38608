//! Damage in one row of a real database.
#![expect(clippy::disallowed_methods, reason = "tests read their own data")]

use std::path::Path;

use bolt::Db;
use metadb::MetaDb;
use view::View;

/// A value that does not decode is its own row's: those before and after it are whole.
#[test]
fn damage_stays_in_its_row() {
    let path = "../../testdata/cases/meta-value-undecodable/meta.db.zst";
    let packed = std::fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join(path)).unwrap();
    let bytes = zstd::decode_all(packed.as_slice()).unwrap();
    let opened = Db::open(View::new(&bytes));
    let meta = MetaDb::read_meta(opened.db.as_ref().unwrap());
    let space = meta.namespaces().iter().find(|ns| ns.name == *"default");
    let rows = space.unwrap().containers.read().unwrap();
    let of = |whole: bool| {
        let rows = rows.iter().filter(move |row| row.whole == whole);
        rows.map(|row| row.key.to_string()).collect::<Vec<_>>()
    };
    assert_eq!(of(false), ["record"]);
    assert_eq!(of(true), ["fresh", "odd", "once", "paused", "sleeper"]);
    let record = rows.iter().find(|row| row.key == *"record").unwrap();
    assert!(record.readable);
    assert!(record.undecodable.keys().any(|key| *key == *"createdat"));
}
