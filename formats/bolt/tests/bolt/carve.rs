//! What is carved, and that nothing which lives is called deleted.

use std::collections::BTreeMap;
use std::time::Duration;

use testcase::Effort;

use bolt::{Carve, Carved, Db, Status, Top, Value, Visit};
use view::View;

use crate::{
    hostile::{branch, file, header, leaf_with_bucket},
    testdata::{carve_options, cases, good, goods, packed},
};

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
        let carve = Carve::carve_file(View::new(&bytes), &carve_options()).unwrap();
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
        let start = Effort::start();
        let carve = Carve::carve_file(View::new(&bytes), &carve_options());
        assert!(start.spent() < SOON, "{name} takes too long");
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

/// Carves a file, reads every carved bucket, and gives how many entries that were.
fn carve_all(bytes: &[u8]) -> usize {
    let Ok(carve) = Carve::carve_file(View::new(bytes), &carve_options()) else {
        return 0;
    };
    let records = carve.records.iter();
    let named: usize = records
        .filter_map(|record| carve.bucket(record))
        .map(|bucket| bucket.contents().entries.len())
        .sum();
    let unnamed: usize = carve
        .unnamed()
        .iter()
        .map(|unnamed| unnamed.bucket.contents().entries.len())
        .sum();
    named + unnamed
}

/// What a file of one pattern is called, and one page of it.
type Pattern<'p> = (&'p str, &'p dyn Fn(usize) -> Vec<u8>);

#[test]
fn free_pages_made_to_break_a_carver_do_not() {
    let size = if cfg!(debug_assertions) {
        8 << 20
    } else {
        64 << 20
    };
    let pages = size / 4096;
    let root = |id| {
        let mut page = header(id, 2, 0, 0);
        page.resize(4096, 0);
        page
    };
    let patterns: [Pattern<'_>; 6] = [
        ("each branch names itself", &|id| {
            branch(id, &[id as u64; 200])
        }),
        ("each bucket is in itself", &|id| {
            leaf_with_bucket(id, id as u64)
        }),
        ("a chain of buckets", &|id| {
            leaf_with_bucket(id, id as u64 + 1)
        }),
        ("a chain back", &|id| leaf_with_bucket(id, id as u64 - 1)),
        ("all branches name the same 200 pages", &|id| {
            let children: Vec<u64> = (3..203).collect();
            branch(id, &children)
        }),
        ("each page claims the rest of the file", &|id| {
            let mut page = branch(id, &[id as u64 + 1; 200]);
            let rest = u32::try_from(pages + 1 - id).unwrap();
            page[12..16].copy_from_slice(&rest.to_le_bytes());
            page
        }),
    ];
    for (name, pattern) in patterns {
        let page = |id| if id == 2 { root(id) } else { pattern(id) };
        let bytes = file(2, pages, page);
        let start = Effort::start();
        let entries = carve_all(&bytes);
        let took = start.spent();
        // About a second of one core; the machine may have other things to do.
        assert!(took < SOON * 8, "{name} took {took:?}");
        assert!(entries <= bytes.len() * 4, "{name}: {entries}");
    }
}

#[test]
fn mutants_of_churned_files_neither_panic_nor_hang() {
    let mut seed = 20_261_121_u64;
    let mut below = |end: usize| {
        seed ^= seed << 13;
        seed ^= seed >> 7;
        seed ^= seed << 17;
        usize::try_from(seed >> 11).unwrap() % end
    };
    let names = ["1.4.3-churn-unsynced", "1.4.3-drain-synced"];
    let files = names.map(|name| packed(&format!("churn/{name}.db.zst")));
    let mutants = if cfg!(debug_assertions) { 60 } else { 2000 };
    for number in 0..mutants {
        let mut bytes = files[below(files.len())].clone();
        for _ in 0..=below(6) {
            let page = below(bytes.len() / 4096) * 4096;
            let at = page + below(128);
            match below(4) {
                0 => bytes[at] ^= 1 << below(8),
                1 => bytes[at..at + 4].copy_from_slice(&[0xff; 4]),
                2 => bytes[page..page + 512].fill(0),
                _ => {
                    let from = below(bytes.len() / 4096) * 4096;
                    let other = bytes[from..from + 4096].to_vec();
                    bytes[page..page + 4096].copy_from_slice(&other);
                }
            }
        }
        let start = Effort::start();
        carve_all(&bytes);
        assert!(start.spent() < SOON, "mutant {number}");
    }
}
