//! runc's state directories, the exec FIFO, bundles and shims.

pub mod address;
pub mod codes;
mod cri;
mod crun;
mod doc;
mod fault;
mod folder;
pub mod json;
mod phase;
mod read;
mod record;
mod runtime;
mod small;
mod spec;
mod state;

pub use address::{Address, SOCKETS, socket_name};
pub use codes::CODES;
pub use cri::{CriState, Status};
pub use crun::CrunStatus;
pub use doc::{Doc, LIMIT};
pub use fault::{Fault, File};
pub use phase::{Derived, Phase, Signs};
pub use read::{CRI, SHIM_ROOT, TASKS, read};
pub use runtime::{
    Bundle, Container, CriStatus, Leftover, Program, Runtime, ShimSocket, Whole, WorkDir,
};
pub use small::{LOG_LINES, LogLine, Options, init_pid, log};
pub use spec::{GROUP, Pod, SANDBOX_ID, Spec};
pub use state::{Config, State, TICKS};
