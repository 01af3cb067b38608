//! Where bytes come from: a directory, or a tar bundle, never written and never followed out of.
//!
//! Whoever examines a node asks an [`Evidence`] and never the file system. The same questions have
//! the same answers, whatever the node is handed in as:
//!
//! | [`Kind`]                | what                                       | what it cannot tell                     |
//! |-------------------------|--------------------------------------------|-----------------------------------------|
//! | [`Directory`](Kind::Directory) | `/`, a mounted image, any folder    | `trusted.*` attributes without `CAP_SYS_ADMIN` |
//! | [`Bundle`](Kind::Bundle) | what `coroner collect` wrote (`docs/bundle.md`) | nothing that was seen            |
//! | [`Tar`](Kind::Tar)      | anybody's tar, plain, gzip or zstd         | sockets, link counts, inodes, what was excluded |
//!
//! ```
//! use std::path::Path;
//! use evidence::{Evidence, Options};
//! # let folder = tempfile::tempdir()?;
//! # let node = folder.path();
//! # std::fs::create_dir_all(node.join("var/lib"))?;
//! # std::fs::write(node.join("var/lib/meta.db"), b"bytes")?;
//! let evidence = Evidence::open(node, &Options::default()).map_err(std::io::Error::other)?;
//! let source = evidence.source(Path::new("/var/lib/meta.db"), 16 << 20);
//! assert_eq!(source.map(|source| source.bytes().to_vec()), Ok(b"bytes".to_vec()));
//! # std::io::Result::Ok(())
//! ```
//!
//! # What is promised
//!
//! - **Nothing is written**, no lock is taken, and access times stay where they are: `O_NOATIME`
//!   where we may, and [`private_view`] for the rest.
//! - **Nothing but regular files and directories is opened.** A path is first held with `O_PATH`,
//!   which touches nothing; only what is then seen to be a regular file is opened through
//!   `/proc/self/fd`. Opening a FIFO in any other way could start or kill a container, opening a
//!   device could arm a watchdog.
//! - **Nothing leads out.** Paths are resolved inside the evidence's root as `chroot` would
//!   (`openat2` with `RESOLVE_IN_ROOT`, or component by component). A link in the last place that
//!   climbs above the root is [`Escapes`](finding::Unread::Escapes); one in the middle is clamped,
//!   and [`Evidence::clamped`] tells.
//! - **Nothing hangs.** FUSE, network and automount mounts below the root are not looked into.
//! - **Nothing is allocated on a file's word.** [`Budget`] bounds what is kept, inflated and
//!   listed; a sparse file of a tebibyte costs what its data cost.
//! - **Unknown is not absent.** A name that a bundle may have left out is
//!   [`NotCollected`](finding::Unread::NotCollected), not [`Absent`](finding::Unread::Absent); a
//!   directory's listing is [`Whole`](finding::Known::Whole) only if all of it was seen.
//!
//! # What a tar of somebody's making proves
//!
//! A directory that has a member of its own was walked by the tar that wrote it: if the archive is
//! whole, so is the directory's listing, and a name that is not in it is absent. A directory that
//! is only implied (`var/lib` in `tar c var/lib/containerd`) proves nothing about its other names.
//! Three things are left out by tars without a trace, and nothing follows from their absence:
//! sockets ([`Evidence::keeps_sockets`]; names that end in `.sock` are never absent), extended
//! attributes if the whole archive has none, and excluded blobs (an empty `blobs/<algorithm>`
//! counts as not collected).

mod budget;
pub mod bundle;
mod content;
mod cuts;
mod directory;
mod disk;
mod encoded;
pub mod floor;
mod host;
mod image;
mod inflate;
mod live_memory;
mod live_proc;
mod lockdown;
mod locks;
mod node;
mod pages;
mod path;
mod patience;
mod private;
mod source;
mod staged;
mod stat;
mod tar;
mod zframe;

pub use budget::{Budget, Options, WHOLE_COPY};
pub use bundle::Hidden;
pub use bundle::manifest::{Manifest, pax_time};
pub use directory::{Detailed, HeldRoot, Mount, Wants, Xattrs};
pub use disk::{Flags, Room, refuses_writes};
pub use host::Host;
pub use image::Image;
pub use live_memory::LiveMemory;
pub use live_proc::{LiveProc, LiveProcess, Numbered};
pub use lockdown::{Lockdown, Needs, Place, Placing, lockdown, lockdown_writer};
pub use locks::{Lock, locks};
pub use node::{Evidence, Kind, OpenError, open_archive};
pub use pages::{Chunk, Chunks, Pages};
pub use private::{PrivateView, private_view};
pub use source::Source;
pub use staged::Change;
pub use stat::{Entry, FileKind, Stat};
pub use tar::pax_record;

/// Archives as streams: for layers, which are tars in the evidence.
pub mod archive {
    pub use crate::tar::{End, Member, Members, What};
}
