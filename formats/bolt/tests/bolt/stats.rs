//! Pages, bytes and keys are counted as bbolt counts them.

use bolt::{BucketRoot, Db, PageId, Stats, stats};
use serde::Deserialize;
use std::collections::BTreeMap;
use view::View;

use crate::testdata::{cases, folder, good, goods};

/// As `bolt.BucketStats` is written by Go.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct Upstream {
    branch_page_n: u64,
    branch_overflow_n: u64,
    leaf_page_n: u64,
    leaf_overflow_n: u64,
    key_n: u64,
    depth: u64,
    branch_alloc: u64,
    branch_inuse: u64,
    leaf_alloc: u64,
    leaf_inuse: u64,
    bucket_n: u64,
    inline_bucket_n: u64,
    inline_bucket_inuse: u64,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct Truth {
    root: Upstream,
    buckets: BTreeMap<String, Upstream>,
}

impl Upstream {
    fn ours(&self) -> Stats {
        Stats {
            branch_pages: self.branch_page_n,
            branch_overflow: self.branch_overflow_n,
            leaf_pages: self.leaf_page_n,
            leaf_overflow: self.leaf_overflow_n,
            keys: self.key_n,
            depth: self.depth,
            branch_bytes: self.branch_alloc,
            branch_used: self.branch_inuse,
            leaf_bytes: self.leaf_alloc,
            leaf_used: self.leaf_inuse,
            buckets: self.bucket_n,
            inline_buckets: self.inline_bucket_n,
            inline_used: self.inline_bucket_inuse,
        }
    }
}

pub(crate) fn count(bytes: &[u8]) -> Option<bolt::Counted> {
    let db = Db::open(View::new(bytes)).db?;
    let end = PageId(db.meta().high_water.0.min(db.pages_in_file()));
    let root = BucketRoot {
        page: db.meta().root,
        inline: None,
    };
    Some(stats(&View::new(bytes), db.page_size(), end, root))
}

#[test]
fn good_files_are_counted_as_bbolt_counts_them() {
    let text = std::fs::read_to_string(folder("stats.json")).unwrap();
    let truth: BTreeMap<String, Truth> = serde_json::from_str(&text).unwrap();
    for name in goods() {
        let counted = count(&good(&name)).unwrap();
        let want = &truth[&name];
        assert!(counted.faults.is_empty(), "{name}: {:?}", counted.faults);
        assert_eq!(counted.total, want.root.ours(), "{name}");
        let buckets: BTreeMap<String, Stats> = counted
            .buckets
            .into_iter()
            .map(|(key, stats)| (String::from_utf8(key).unwrap(), stats))
            .collect();
        let want: BTreeMap<String, Stats> = want
            .buckets
            .iter()
            .map(|(key, stats)| (key.clone(), stats.ours()))
            .collect();
        assert_eq!(buckets, want, "{name}");
    }
}

#[test]
fn damaged_files_are_counted_as_far_as_that_goes() {
    let mut with_faults = 0;
    for (name, _, bytes) in cases() {
        let Some(counted) = count(&bytes) else {
            continue;
        };
        let pages = counted.total.leaf_pages + counted.total.branch_pages;
        assert!(
            pages <= u64::try_from(bytes.len() / 1024).unwrap(),
            "{name}"
        );
        with_faults += u32::from(!counted.faults.is_empty());
    }
    assert!(with_faults > 40, "{with_faults}");
}
