//! runc's state directories, the exec FIFO, bundles, shims, and the CRI plugin's status files.
//!
//! # What stands where
//!
//! ```text
//! /run/containerd/runc/<namespace>/<id>/         runc's state; a fixed path for every containerd
//!     exec.fifo      p 0622   from create to start; NEVER opened here, not even O_NONBLOCK
//!     state.json     - 0600   [`State`]; written when init has its root file system
//!     state-<n>      - 0600   the same, before its rename: runc was killed in that instant
//!     runc.XXXXXX    -        init's private copy of runc, for milliseconds (up to 1.1.14)
//! /run/crun/<id>/status                          crun's state: [`CrunStatus`]
//! /run/youki/<id>/state.json                     youki's: [`YoukiState`]
//! <state>/io.containerd.runtime.v2.task/<namespace>/<id>/        a [`Bundle`]
//!     config.json    - 0644   [`Spec`]: what was to be run
//!     address        -        [`Address`] of the shim, up to 1.7
//!     bootstrap.json -        the same, 2.x
//!     init.pid       -        written last by a creation
//!     log.json       -        runc's own errors, a line each: [`LogLine`]
//!     options.json   -        [`Options`]: another program than runc, another root
//!     log            p 0700   the shim's log; never opened
//!     rootfs/                 where the root file system is mounted; not looked into
//!     work           l        -> <root>/io.containerd.runtime.v2.task/<namespace>/<id>
//! /run/containerd/s/<sha256>                     sockets of shims: [`socket_name`]
//! <root>/io.containerd.grpc.v1.cri/containers/<id>/status        [`Status`]
//! ```
//!
//! # The FIFO
//!
//! `runc create` makes the FIFO and leaves an init that opens it for writing, which blocks. `runc
//! start` opens it for reading, which lets init go on: it writes one byte, runs the startContainer
//! hooks and becomes the workload; the start removes the FIFO. So whoever opens the FIFO for
//! reading takes the place of the start: a blocking read starts the container, one with
//! `O_NONBLOCK` kills it ("write exec fifo … broken pipe"). Here it is only ever seen by `lstat`,
//! whose times tell most of what can be known: see [`Phase`].
//!
//! # How it is read
//!
//! Every file is small and is read as [`json`], which keeps what stands before a
//! damage; a [`Doc`] says whether a file is absent, whole, damaged or could not be read. Wrong
//! types are [`Fault`]s of one key. Nothing here judges: `checks` does.
//!
//! ```
//! use runc::State;
//! use view::View;
//! // Cut in the middle, as by a full /run: the pid is still told.
//! let cut = br#"{"id":"web","init_process_pid":4127,"init_proc"#;
//! let (state, faults) = State::parse(View::new(cut));
//! assert_eq!(state.init_process_pid, Some(4127));
//! assert_eq!(faults[0].to_string(), "state.json ends at 0x2e, inside a value");
//! ```

pub mod address;
pub mod codes;
mod cri;
mod crun;
mod doc;
mod fault;
mod folder;
mod gvisor;
mod keeper;
mod phase;
mod places;
mod read;
mod record;
mod runtime;
mod small;
mod spec;
mod state;
mod youki;

pub use address::{Address, SOCKETS, socket_name};
pub use codes::CODES;
pub use cri::{CriState, Status};
pub use crun::CrunStatus;
pub use doc::{Doc, LIMIT};
pub use fault::{Fault, File};
pub use gvisor::{Gvisor, GvisorStatus};
pub use keeper::Keeper;
pub use phase::{Derived, Phase, Signs};
pub use places::{Places, Seen};
pub use read::{CRI, Hint, SHIM_ROOT, TASKS, read_of, read_runtime};
pub use runtime::{
    Bundle, Container, CriStatus, Leftover, Program, Runtime, ShimSocket, Whole, WorkDir,
};
pub use small::{LOG_LINES, LogLine, Options, init_pid, log};
pub use spec::{GROUP, KernelNeed, Pod, SANDBOX_ID, Spec};
pub use state::{Config, State, TICKS};
pub use youki::YoukiState;
