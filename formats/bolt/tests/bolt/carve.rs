//! What is carved, and that nothing which lives is called deleted.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use bolt::{Carve, CarveOptions, Carved, Db, Status, Top, Value, Visit};
use view::View;

use crate::testdata::{cases, good, goods};

/// A debug build is some thirty times slower than a release build, for which the bound is a second.
const SOON: Duration = Duration::from_secs(if cfg!(debug_assertions) { 30 } else { 1 });

type Keys = BTreeMap<Vec<Vec<u8>>, Option<Vec<u8>>>;

/// Every key of the tree in use by its path; a bucket has no value.
fn keys(bytes: &[u8]) -> Keys {
    let Some(db) = Db::open(View::new(bytes)).db else {
        return Keys::new();
    };
    let mut keys = Keys::new();
    for step in db.walk() {
        if let Visit::Entry(entry) = step.what {
            let mut path: Vec<Vec<u8>> = step.bucket.iter().map(|key| key.to_vec()).collect();
            path.push(entry.key.to_vec());
            let value = match entry.value {
                Value::Bytes(bytes) => Some(bytes.to_vec()),
                Value::Bucket(_) => None,
            };
            keys.insert(path, value);
        }
    }
    keys
}

/// Everything that is wrong with what `carve` says of a file with these keys.
fn untrue(carve: &Carve<'_>, keys: &Keys) -> Vec<String> {
    let mut wrong = Vec::new();
    for record in &carve.records {
        let (top, bucket) = carve.bucket_of(record);
        let mut path: Vec<Vec<u8>> = bucket.iter().map(|key| key.to_vec()).collect();
        path.push(record.key.to_vec());
        let live = keys.get(&path);
        let is_wrong = match (record.status, top) {
            (Status::Deleted, Top::Root) => live.is_some(),
            (Status::Deleted, Top::Page(_)) => keys
                .keys()
                .any(|path| path.last().is_some_and(|key| key == record.key)),
            (Status::Older, _) => match (record.value, live) {
                (Carved::Bytes(bytes), Some(Some(live))) => bytes == live,
                (_, None) => true,
                _ => false,
            },
            _ => false,
        };
        if is_wrong {
            wrong.push(format!("{record:?}"));
        }
    }
    wrong
}

#[test]
fn of_healthy_files_nothing_that_lives_is_called_deleted() {
    for name in goods() {
        let bytes = good(&name);
        let carve = Carve::of(View::new(&bytes), &CarveOptions::default()).unwrap();
        assert!(carve.is_whole && carve.is_previous_whole, "{name}");
        assert_eq!(
            untrue(&carve, &keys(&bytes)),
            Vec::<String>::new(),
            "{name}"
        );
        let is_unknown = |status| matches!(status, Status::Unknown | Status::Uncommitted);
        assert!(
            carve
                .records
                .iter()
                .all(|record| !is_unknown(record.status)),
            "{name}"
        );
    }
}

#[test]
fn of_damaged_files_nothing_that_lived_is_called_deleted() {
    for (name, case, bytes) in cases() {
        let start = Instant::now();
        let carve = Carve::of(View::new(&bytes), &CarveOptions::default());
        assert!(start.elapsed() < SOON, "{name} takes too long");
        let Ok(carve) = carve else { continue };
        let good = good(&case.good);
        let wrong = untrue(&carve, &keys(&good));
        // Damage may make it another tree: many objects at once are missing in this one, which is
        // legal.
        if name != "w01-many-gone" {
            assert_eq!(wrong, Vec::<String>::new(), "{name}");
        }
    }
}
