//! Two whole trees of which nothing proves which is the newer one: what the other one holds is lost by name, and
//! what both hold is not.

use bolt::Db;
use checks::salvaged::{Salvage, Verdict, salvaged};
use metadb::ObjectKind;
use view::View;

/// The meta.db of a capture.
fn meta(node: &str) -> Vec<u8> {
    let tar = testcase::node(node);
    let mut members = tar.members.into_iter();
    let found = members.find(|one| one.path.ends_with(b"/meta.db"));
    found.unwrap().data
}

/// What a start on `new` comes to, where `rival` may be the newer tree, and the blobs and snapshots that it loses.
fn judged(new: &[u8], rival: &[u8]) -> (Verdict, usize) {
    let rivals = [Db::open(View::new(rival)).db.unwrap()];
    let salvage = Salvage {
        gaps: &[],
        rivals: &rivals,
        is_whole: false,
        may_be_older: false,
        has_tree: true,
        is_named_so: true,
    };
    let judged = salvaged(View::new(new), View::new(new), salvage).unwrap();
    let is_collected = |kind: ObjectKind| matches!(kind, ObjectKind::Snapshot | ObjectKind::Blob);
    assert!(judged.loses.iter().all(|loss| is_collected(loss.kind)));
    (judged.verdict, judged.loses.len())
}

#[test]
fn what_the_other_tree_holds_is_lost_by_name() {
    let (full, other) = (meta("2.1-running"), meta("1.6-discarded"));
    let (verdict, count) = judged(&other, &full);
    assert_eq!(verdict, Verdict::Destructive);
    assert!(count > 5, "{count}");
}

#[test]
fn what_both_hold_is_not() {
    for node in ["1.6-running", "1.7-stopped", "2.1-running"] {
        let file = meta(node);
        assert_eq!(judged(&file, &file), (Verdict::Incomplete, 0), "{node}");
    }
}
