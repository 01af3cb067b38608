//! Any bytes as triages that were saved: they are compared, or are none. One that is compared with itself
//! has nothing new and nothing gone.
#![no_main]

#[macro_use]
#[path = "../shared/costs.rs"]
mod costs;

use coroner_triage::compare_saved;

bounded_target!(|data: &[u8]| {
    costs::within((16 << 20) + 256 * data.len(), || {
        let mut halves = data.split(|byte| *byte == 0);
        let (old, new) = (
            halves.next().unwrap_or_default(),
            halves.next().unwrap_or_default(),
        );
        let _ = compare_saved(old, new);
        if let Ok([new, _, gone]) = compare_saved(old, old) {
            assert_eq!((new, gone), (0, 0));
        }
    });
});
