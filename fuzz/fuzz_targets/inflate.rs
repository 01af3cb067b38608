//! Any bytes as a packed layer: both digests within the limits, or an error.
#![no_main]

use libfuzzer_sys::fuzz_target;
use measure::{Control, InflateLimits};

fuzz_target!(|data: &[u8]| {
    let limits = InflateLimits {
        bytes: 1 << 20,
        ratio: 100,
        free: 1 << 16,
    };
    let mut out = 0_u64;
    let done = measure::inflate_as(data, &limits, &Control::default(), &mut |bytes| {
        out += u64::try_from(bytes.len()).unwrap_or(u64::MAX);
    });
    // What came out before the limit was met is at most the limit and one buffer.
    assert!(out <= (1 << 20) + (1 << 20), "{out}");
    if let Err(error) = done {
        let _ = error.to_string();
    }
});
