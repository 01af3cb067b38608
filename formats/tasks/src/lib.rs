//! Containers and their shims, joined from everything that knows them, and what they left.
//!
//! A container is known to runc or crun by its state, to containerd by its bundle and its record in meta.db, to the CRI plugin by its
//! status, to the kernel by its processes. [`parts`] joins what files tell, [`judge`] adds what processes tell, [`shims`] says who
//! serves what, and [`Kernel`] what of all that nobody owns any more.

mod judged;
mod kernel;
mod shims;
mod task;

use finding::Text;

pub use judged::{Judged, judge, judged, places};
pub use kernel::{CgroupRow, Kernel, Left, MountRow, NetnsRow, SnapshotRef, UnitRow};
pub use shims::{Child, Condition, KnownBy, Reparented, Shim, ShimProcess, shims};
pub use task::{Key, Parts, Sure, Task, parts, pick, unknown};

/// The first twelve letters of an id that is a hash.
pub fn short(id: &Text) -> String {
    let bytes = id.bytes();
    if bytes.len() == 64 && bytes.iter().all(u8::is_ascii_hexdigit) {
        Text::from(bytes.get(..12).unwrap_or(bytes)).to_string()
    } else {
        id.to_string()
    }
}
