//! Any bytes as a packed layer: both digests within the limits, every entry and its bytes, or an
//! error.
#![no_main]

#[macro_use]
#[path = "../shared/costs.rs"]
mod costs;

use std::io::Read;

use layer::{Inflating, Layer, Limits, Watch};

bounded_target!(|data: &[u8]| {
    let limits = Limits {
        bytes: 1 << 20,
        ratio: 100,
        free: 1 << 16,
        entries: 10_000,
        record: 1 << 16,
    };
    let mut inflating = Inflating::new(data, limits, Watch::default());
    let mut out = Vec::new();
    let _ = inflating.read_to_end(&mut out);
    // What came out before the limit was met is at most the limit and one buffer.
    assert!(out.len() <= (1 << 20) + (1 << 20), "{}", out.len());
    let flat = inflating.finish();

    let mut layer = Layer::open(data, limits, Watch::default());
    let mut bytes = 0_u64;
    while let Some(entry) = layer.next_entry() {
        let _ = format!("{entry:?} {:?} {:?}", entry.absolute(), entry.target());
        let _ = layer.each_piece(|piece| {
            bytes += u64::try_from(piece.len()).unwrap_or(u64::MAX);
        });
    }
    assert!(bytes <= (1 << 20) + (1 << 20), "{bytes}");
    let summary = layer.finish();
    for fault in &summary.faults {
        let _ = fault.to_string();
    }
    // Both ways to read it give the same digests, unless holes took the budget.
    if let (Ok(one), Ok(other)) = (&flat, &summary.inflated) {
        assert_eq!(one, other);
    }
});
