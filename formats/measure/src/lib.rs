//! The costly facts, asked for by name: hashes, disk usage, tree walks.
//!
//! Whatever takes longer than opening the databases is here, and only done when somebody asks:
//!
//! - [`hash`]: the digest of every blob's bytes, on all cores, in one pass over each;
//! - [`tars`]: every layer inflated and its tar read through, both digests in the same pass;
//! - [`usage`]: what a layer takes on disk, counted as containerd counts it at a commit;
//! - [`tree`], [`trees`]: what trees take together, no inode twice;
//! - [`verify_layers`]: unpacked layers against the tars that they were unpacked from;
//! - [`Walk`]: everything below a directory, without following a link or opening anything.
//!
//! Each takes a [`Control`]: how many jobs, how many bytes or entries at most, where to report
//! progress, and a flag that ends it. What was cut short says so; it never looks complete.

mod control;
mod hash;
mod layers;
mod pool;
mod space;
mod tars;
mod usage;
mod walk;

pub use control::{Control, Cut};
pub use hash::{Hashed, HashedBlob, Hashes, Tally, hash, hash_each, hash_ingests};
pub use layers::{Departure, Difference, LayerFound, LayerJob, LayerTold, verify_layers};
pub use space::{Links, Space, Tree, tree, trees};
pub use tars::tars;
pub use usage::{Usage, usage, usages};
pub use walk::{Step, Walk, WalkLimits};
