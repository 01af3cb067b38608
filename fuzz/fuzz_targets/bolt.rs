//! Any bytes as a bolt file: open, check, walk, print; bounded by the size of the file.
#![no_main]

#[macro_use]
#[path = "../shared/costs.rs"]
mod costs;

use bolt::Db;
use view::View;

bounded_target!(|data: &[u8]| {
    let opened = Db::open(View::new(data));
    for fault in &opened.faults {
        let _ = fault.to_string();
    }
    let Some(db) = opened.db else { return };
    for found in &db.check().faults {
        let _ = found.fault.to_string();
    }
    let root = db.root().contents();
    // Claims bound the walk: no entry is given twice, and each takes 16 bytes of the file.
    assert!(root.entries.len() <= data.len() / 16 + 1);
});
