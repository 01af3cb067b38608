//! Any bytes as triages that were saved: they are compared, or are none. One that is compared with itself
//! has nothing new and nothing gone.
#![no_main]

#[macro_use]
#[path = "../shared/costs.rs"]
mod costs;

use compared::{Difference, Taken};

bounded_target!(|data: &[u8]| {
    costs::within((16 << 20) + 256 * data.len(), || {
        let mut halves = data.split(|byte| *byte == 0);
        let (old, new) = (
            halves.next().unwrap_or_default(),
            halves.next().unwrap_or_default(),
        );
        let (old, new) = (Taken::parse(old, "old"), Taken::parse(new, "new"));
        if let (Ok(old), Ok(new)) = (&old, &new) {
            let _ = Difference::between(old, new).counts();
        }
        if let Ok(old) = &old {
            let same = Difference::between(old, old);
            assert!(same.new.is_empty() && same.gone.is_empty());
        }
    });
});
