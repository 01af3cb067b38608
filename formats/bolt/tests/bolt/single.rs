//! One fault at a time, in every page in use of real files: what is lost is named, and nothing else is.

use std::collections::BTreeMap;
use std::io::Cursor;

use bolt::{Action, Db, PageState, Salvage, Value, Visit};
use view::View;

use crate::testdata::{good, salvage_options};

pub(crate) type Keys = BTreeMap<Vec<Vec<u8>>, Option<Vec<u8>>>;

pub(crate) fn keys(db: &Db<'_>) -> Keys {
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

/// Whether salvage says that this key may be missing, or older than it should be.
pub(crate) fn is_named(salvage: &Salvage<'_>, path: &[Vec<u8>]) -> bool {
    let in_gap = |gap: &bolt::Gap| {
        let key = path.get(gap.path.len());
        !gap.is_closed
            && path.starts_with(&gap.path)
            && key.is_some_and(|key| gap.range.may_hold(key))
    };
    let is_left_out = |one: &bolt::Decision| {
        matches!(one.action, Action::LeftOut | Action::Distrusted) && path.starts_with(&one.path)
    };
    salvage.gaps.iter().any(in_gap)
        || salvage.decisions.iter().any(is_left_out)
        || salvage.may_be_older()
}

/// What the page is filled with: nothing, or bytes without a meaning.
fn spoil(page: &mut [u8], with_noise: bool) {
    for (place, byte) in page.iter_mut().enumerate() {
        let noise = u8::try_from((place * 7919 + place / 251 * 31 + 13) % 251).unwrap();
        *byte = if with_noise { noise } else { 0 };
    }
}

/// The pages in use of the newest tree, its metas and freelist.
fn pages(db: &Db<'_>) -> Vec<u64> {
    let report = db.check();
    let rows = report.pages().filter(|row| {
        matches!(
            row.state,
            PageState::Used | PageState::Meta | PageState::Freelist
        )
    });
    rows.map(|row| row.id.0).collect()
}

#[test]
fn what_one_fault_takes_is_named_and_nothing_else_is_gone() {
    let mut files: Vec<(String, Vec<u8>)> = ["synced", "unsynced"]
        .map(|freelist| format!("1.4.3-churn-4096-{freelist}.db"))
        .map(|name| (name.clone(), good(&name)))
        .into();
    let tar = testcase::node("2.1-stopped");
    let is_backend = |path: &[u8]| path.ends_with(b"overlayfs/metadata.db");
    let member = tar.members.iter().find(|one| is_backend(&one.path));
    files.push(("metadata.db".to_owned(), member.unwrap().data.clone()));
    let (mut faults, mut whole) = (0, 0);
    for (name, bytes) in &files {
        let db = Db::open(View::new(bytes)).db.unwrap();
        let live = keys(&db);
        let before = db.previous().map(|db| keys(&db)).unwrap_or_default();
        let size = usize::try_from(db.page_size()).unwrap();
        for page in pages(&db) {
            for with_noise in [false, true] {
                let mut bad = bytes.clone();
                let at = usize::try_from(page).unwrap() * size;
                spoil(&mut bad[at..at + size], with_noise);
                let mut salvage = Salvage::with(View::new(&bad), salvage_options());
                let layout = salvage.layout();
                let is_whole = salvage.is_whole();
                let gaps = core::mem::take(&mut salvage.gaps);
                let decisions = salvage.decisions.clone();
                let new = salvage.write(Cursor::new(Vec::new()), layout).unwrap();
                let new = new.into_inner();
                let saved = keys(&Db::open(View::new(&new)).db.unwrap());
                // As it was before it was written.
                let mut said = Salvage::with(View::new(&bad), salvage_options());
                said.gaps = gaps;
                said.decisions = decisions;
                faults += 1;
                whole += usize::from(is_whole);
                for (path, value) in &live {
                    if saved.get(path) != Some(value) {
                        assert!(!is_whole, "{name} page {page}: {path:?}");
                        assert!(is_named(&said, path), "{name} page {page}: {path:?}");
                    }
                }
                for (path, value) in &saved {
                    let is_true = live.get(path) == Some(value) || before.get(path) == Some(value);
                    assert!(
                        is_true || path[0].starts_with(b"lost+found"),
                        "{name} page {page}: {path:?}"
                    );
                }
            }
        }
    }
    assert!(faults > 100 && whole > 0, "{whole} of {faults}");
}
