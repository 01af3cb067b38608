//! Any bytes as a bolt file: salvage, write, and our own check finds nothing in what was written.
#![no_main]

#[macro_use]
#[path = "../shared/costs.rs"]
mod costs;

use std::io::Cursor;

use bolt::{Action, CheckOptions, Db, Decision, Salvage, SalvageOptions, What, check, compact};
use view::View;

fn is_healthy(bytes: &[u8]) {
    let report = check(&View::new(bytes), &CheckOptions::default()).unwrap();
    // A value is kept as it is: that a page of it is zeroes is noted again, and nothing else is.
    let is_kept = |what: &What| matches!(what, What::ValueZeroes { .. });
    if let Some(found) = report.faults.iter().find(|found| !is_kept(&found.fault.what)) {
        panic!("{} at {:#x}", found.fault, found.fault.span.start);
    }
}

bounded_target!(|data: &[u8]| {
    let view = View::new(data);
    let way = data.len() / 7;
    let options = SalvageOptions {
        lost_found: way % 2 == 0,
        only_proven: way % 4 > 1,
        previous: way % 5 == 0,
        schemas: metadb::SCHEMAS,
        is_given: false,
    };
    let salvage = Salvage::with(view, options);
    // Each entry takes 16 bytes of the file, in the tree and in lost+found.
    let kept = salvage.kept.values + salvage.kept.buckets;
    assert!(kept <= (data.len() as u64 / 16 + 1) * 4);
    let layout = salvage.layout();
    let had_tree = salvage.choice.is_some();
    let new = salvage.write(Cursor::new(Vec::new()), layout).unwrap();
    let new = new.into_inner();
    is_healthy(&new);
    // A second salvage finds nothing to do.
    let again = Salvage::salvage_file(View::new(&new));
    let doubts = |decision: &Decision| decision.action == Action::Doubtful;
    assert!(again.decisions.iter().all(doubts));
    assert_eq!(again.is_whole(), again.decisions.is_empty());
    let Some(db) = Db::open(view).db.filter(|_| had_tree) else {
        return;
    };
    if db.check().faults.is_empty() {
        let copy = compact(
            &view,
            db.meta(),
            Cursor::new(Vec::new()),
            layout,
            &mut |_| {},
        );
        is_healthy(&copy.unwrap().into_inner());
    }
});
