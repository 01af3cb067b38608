//! Files as bbolt writes them give no finding, and every key is found.

use bolt::{CheckOptions, Db, TreeState, Value, Visit, check};
use view::View;

use crate::testdata::{good, goods};

#[test]
fn healthy_files_give_no_finding() {
    for name in goods() {
        let bytes = good(&name);
        let report = check(&View::new(&bytes), &CheckOptions::default()).unwrap();
        assert!(report.faults.is_empty(), "{name}: {:?}", report.faults);
        assert_eq!(report.tree, TreeState::Whole, "{name}");
        assert_eq!(report.previous, TreeState::Whole, "{name}");
        assert!(report.is_valid, "{name}");
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
