//! Any bytes as a bundle, to be verified: an end, and never as it was written if a byte of it moved.
#![no_main]

#[macro_use]
#[path = "../shared/costs.rs"]
mod costs;

use evidence::Budget;
use evidence::bundle::verify::verify;

bounded_target!(|data: &[u8]| {
    let budget = Budget {
        inflated: 16 << 20,
        ratio: 64,
        memory: 32 << 20,
        spool: 0,
        entries: 10_000,
        ..Budget::default()
    };
    let verified = costs::within(512 << 20, || verify(data, &budget));
    let Ok(verified) = verified else { return };
    // Without a trailer nothing is proven.
    assert!(verified.trailer.is_some() || !verified.complete || !verified.problems.is_empty());
});
