//! An image out of a dead node, as an OCI layout or an archive.
//!
//! ```text
//! Order ──plan──▶ Plan      which manifests, which blobs, what is rebuilt, what is left out
//!       ──write─▶ Exported  written, read again from the disk, compared
//! ```
//!
//! Blobs are hashed before they are taken. A layer whose blob is gone or damaged is rebuilt from
//! the snapshot that it was unpacked to: a new digest, in a new configuration and manifest, which
//! say so. A platform that is not there is left out, by name.
//!
//! Nothing asks or prints here: `examples/image.rs` is a program of forty lines that does.

mod documents;
mod order;
mod output;
mod plan;
mod rebuild;
mod write;

pub use order::{Exported, Order, needed};
pub use output::{Output, Unproven, Wrote};
pub use plan::{From, LeftOut, Piece, Plan, Planner, Rebuilt, Whole};
pub use rebuild::{Source, Written, sources};
