//! Layers of images: a tar of what one step of a build changed, packed or not.
//!
//! ```text
//! blob        gzip, zstd or plain; SHA-256 of these bytes is its name in the content store
//!   └ tar     SHA-256 of these bytes is the diffID in the image's configuration
//!       usr/bin/app              a file as it is to be
//!       usr/bin/.wh.old          usr/bin/old of the layers below is gone
//!       var/cache/.wh..wh..opq   nothing of the layers below is seen in var/cache
//! ```
//!
//! Upstream: `archive/tar_opts.go`, `archive/compression` and `diff/apply` of containerd (2.x:
//! `pkg/archive`, `core/diff/apply`); the OCI image specification, `layer.md`.
//!
//! [`Inflating`] is the stream: it hashes what goes in and what comes out, and ends where a few
//! bytes become too many. [`Layer`] reads the entries from it, one pass, nothing kept:
//!
//! ```
//! use layer::{Kind, Layer, Limits, Watch};
//! # let mut tar = vec![0_u8; 1024];
//! # let blob = tar.as_slice();
//! let mut layer = Layer::open(blob, Limits::default(), Watch::default());
//! while let Some(entry) = layer.next_entry() {
//!     if entry.kind == Kind::File {
//!         let sha256 = layer.sha256(); // or `read`, or nothing at all
//!     }
//! }
//! let summary = layer.finish();
//! assert!(summary.faults.is_empty());
//! println!("{}", summary.inflated.unwrap().diff_id);
//! ```
//!
//! # What is promised
//!
//! - No panic, no recursion, no memory by a number from the layer: what is kept is one entry.
//! - A bomb ends at its [`Limits`]; holes of sparse files count as bytes that came out.
//! - Damage is data: whatever ends the entries is in [`Summary::faults`], with the entries before
//!   it. A blob whose bytes could not be read is not called damaged.
//! - Names are bytes. They are cleaned as containerd cleans them (`filepath.Clean`, confined to the
//!   root); one that climbs above the root says so.

mod clean;
mod data;
mod entry;
mod fault;
mod inflating;
mod limits;
mod reader;
mod tree;

pub use clean::clean;
pub use entry::{Entry, Kind};
pub use fault::{Fault, InflateError};
pub use inflating::{Inflated, Inflating};
pub use limits::{Limits, Watch};
pub use reader::{Layer, Summary};
pub use tree::{Leaf, NoPath, Tree};
