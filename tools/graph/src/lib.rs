//! `coroner gc`, `coroner why`, `coroner owner`, `coroner df`: the reference graph of a node.
//!
//! ```text
//! $ coroner gc NODE --simulate                  what the daemon's garbage collector would delete
//! $ coroner gc NODE --simulate --at +24h        … after tomorrow's leases have ended
//! $ coroner why NODE sha256:4bcf                what keeps this blob or snapshot, and until when
//! $ coroner owner NODE /var/lib/containerd/io.containerd.snapshotter.v1.overlayfs/snapshots/232/fs/etc/passwd
//! $ coroner df NODE                             what takes the space, and what can be reclaimed
//! ```
//!
//! The rules are those of one release, the node's own or that of `--daemon`; `docs/gc.md` says how
//! they were compared with real daemons.

mod df;
mod gc;
mod judged;
mod owner;
mod why;

pub use df::DF;
pub use gc::GC;
pub use owner::OWNER;
pub use why::WHY;
