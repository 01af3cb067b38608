//! Files as bbolt writes them give no finding, and every key is found.

use std::io::Cursor;

use bolt::{CheckOptions, Db, Layout, TreeState, Value, Visit, Writer, check};
use view::View;

use crate::testdata::{SCHEMAS, good, goods};

#[test]
fn healthy_files_give_no_finding() {
    for name in goods() {
        let bytes = good(&name);
        let report = check(&View::new(&bytes), &CheckOptions::default()).unwrap();
        assert!(report.faults.is_empty(), "{name}: {:?}", report.faults);
        assert_eq!(report.tree, TreeState::Whole, "{name}");
        assert_eq!(report.previous, TreeState::Whole, "{name}");
        assert!(report.is_valid, "{name}");
        let lost = Db::open(View::new(&bytes))
            .db
            .unwrap()
            .lost_writes(&report, SCHEMAS);
        assert!(lost.is_empty(), "{name}: {lost:?}");
    }
}

#[test]
fn walk_and_check_count_the_same() {
    for name in goods() {
        let bytes = good(&name);
        let opened = Db::open(View::new(&bytes));
        assert!(opened.faults.is_empty(), "{name}");
        let db = opened.db.unwrap();
        let totals = db.check().totals;
        let (mut keys, mut buckets, mut inline) = (0, 1, 0);
        for step in db.walk() {
            let Visit::Entry(entry) = step.what else {
                panic!("{name}: {step:?}")
            };
            keys += 1;
            if let Value::Bucket(bucket) = &entry.value {
                buckets += 1;
                inline += u64::from(bucket.is_inline());
            }
        }
        assert_eq!(
            (keys, buckets, inline),
            (totals.keys, totals.buckets, totals.inline),
            "{name}"
        );
    }
}

#[test]
fn a_long_value_is_no_fault() {
    // 20 MiB in one value: more than is held in memory without need.
    let mut file = Cursor::new(Vec::new());
    let mut writer = Writer::new(&mut file, Layout::default()).unwrap();
    writer.open_bucket(b"long", 7).unwrap();
    writer.put(b"a", &vec![1; 20 << 20]).unwrap();
    writer.put(b"b", &vec![2; 100_000]).unwrap();
    writer.close_bucket().unwrap();
    writer.finish().unwrap();
    let bytes = file.into_inner();
    let report = check(&View::new(&bytes), &CheckOptions::default()).unwrap();
    assert!(report.faults.is_empty(), "{:?}", report.faults);
    assert_eq!(report.totals.keys, 3);
}

/// Keys of which no page holds two.
pub(crate) fn with_long_keys(page_size: u64) -> Vec<u8> {
    let layout = Layout {
        page_size,
        ..Layout::default()
    };
    let mut writer = Writer::new(Cursor::new(Vec::new()), layout).unwrap();
    writer.open_bucket(b"long", 0).unwrap();
    for number in 0..100_u8 {
        let mut key = vec![number; 32_768 - usize::from(number)];
        key[0] = 1;
        writer.put(&key, &[number]).unwrap();
    }
    writer.close_bucket().unwrap();
    writer.finish().unwrap().into_inner()
}

#[test]
fn a_tree_of_long_keys_comes_to_a_root() {
    for page_size in [1024, 4096, 65536] {
        let bytes = with_long_keys(page_size);
        assert!(bytes.len() < 12 << 20, "{page_size}: {}", bytes.len());
        let report = check(&View::new(&bytes), &CheckOptions::default()).unwrap();
        assert!(report.faults.is_empty(), "{:?}", report.faults);
        assert_eq!(report.totals.keys, 101);
    }
}
