//! Snapshotter directories: overlayfs and native layouts, whiteouts, opaque directories.
//!
//! A snapshotter keeps a database (`metadata.db`, read by `metadb`) and, for each snapshot, a
//! directory named after the snapshot's id. Keys and parents stand in the database only; files
//! stand in the directory only; nothing on disk ties one to the other but the number.
//!
//! ```text
//! ROOT/io.containerd.snapshotter.v1.overlayfs/           plugins/snapshots/overlay/overlay.go
//!     metadata.db
//!     snapshots/            0700
//!         <id>/             0700
//!             fs/           the layer, with the mode of its root
//!             work/         0711, for the kernel; a view has none
//!         new-<random>/     made before the transaction, renamed to <id> before its commit
//! ROOT/io.containerd.snapshotter.v1.native/              plugins/snapshots/native/native.go
//!     metadata.db
//!     snapshots/<id>/       a full copy; new-<random> and rm-<id> while it is made and removed
//! ```
//!
//! The number survives a commit: an active snapshot and the committed one that it became share
//! their directory. Nothing in it is synced, so after a power loss a committed layer may hold
//! files of no bytes.
//!
//! [`Layout`] lists what is there, for every snapshotter that containerd knows as far as a
//! directory shows it; [`Rules`] says how far that is. [`Marks`] decodes what overlayfs writes into
//! a layer. This crate gives facts; `checks` compares them with the databases.

mod archive;
mod layout;
mod merged;
mod overlay;
mod rules;
mod steps;

use finding::Code;

pub use archive::{Archive, Most, Put};
pub use layout::{Layout, SnapshotDir, Stray, Why};
pub use merged::{Aspect, Change, Comparison, Data, Merged, MergedEntry, MergedWalk, Seen};
pub use overlay::{LayerName, Marks, Opaque, Origin, Prefix, is_whiteout_device};
pub use rules::{Rules, SNAPSHOTTERS, Snapshotter};
pub use steps::{Lone, Step, change_steps, tree_steps};

/// Every code of this crate: none, since a directory by itself is neither right nor wrong.
pub const CODES: &[&Code] = &[];
