//! Two triages of a node that were written down: what is new, gone and changed.
//!
//! ```text
//! Taken       what `coroner triage --format json` wrote, or a report of now
//! Difference  of two of them; what the newer one could not have found is not gone
//! ```
//!
//! Nothing here asks or prints: `examples/difference.rs` is a program that does.

mod difference;
mod taken;

pub use difference::{Changed, Difference};
pub use taken::{Entry, Taken};
