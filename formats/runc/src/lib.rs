//! runc's state directories, the exec FIFO, bundles and shims.

pub mod address;
pub mod codes;
mod cri;
mod crun;
mod fault;
pub mod json;
mod record;
mod small;
mod spec;
mod state;

pub use address::{Address, SOCKETS, socket_name};
pub use codes::CODES;
pub use cri::{CriState, Status};
pub use crun::CrunStatus;
pub use fault::{Fault, File};
pub use small::{LogLine, Options, init_pid, log};
pub use spec::{GROUP, Pod, SANDBOX_ID, Spec};
pub use state::{Config, State, TICKS};
