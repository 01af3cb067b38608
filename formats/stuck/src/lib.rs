//! Why a container does not start, or does not go on; and what is safe to do about it.
//!
//! runc keeps no status: it computes one from a freezer, a pid and the presence of `exec.fifo`, and
//! is wrong or silent in many states that last. Here the state folder, the bundle, the processes
//! and the cgroups are joined, and every container gets one of the [`State`]s by name, with the
//! evidence for it, the chain of those who wait, and the way out.
//!
//! ```text
//! Facts (folders: runc::Runtime; processes: process::Processes)
//!   ── subject.rs   which processes belong to which container
//!   ── judge.rs     the order of questions: ended.rs, parked.rs, creating.rs, workload.rs, exec.rs
//!   ── state/       a file for each state: name, usual cause, what must not be done, the way out
//!   ── remedy.rs    what ways out are made of, and those that several states have
//!   ── lines.rs, chain.rs, series.rs
//!   ──▶ Verdicts
//! ```
//!
//! Without processes ([`Facts::processes`] is none), folders tell how far a container came, and
//! nothing of who lives: the state is then [`State::Unknowable`] but for what folders do prove, and
//! [`Diagnosis::may_be`] has every state that they allow.
//!
//! Where less is known, less is claimed: `sure` says whether anything else explains the evidence.

mod chain;
pub mod codes;
mod command;
mod creating;
mod daemon;
mod diagnosis;
mod ended;
mod ends;
mod exec;
mod facts;
mod found;
mod gvisor;
mod judge;
mod left;
mod limits;
mod lines;
mod may;
mod offline;
mod parked;
mod remedy;
mod series;
mod state;
mod subject;
mod unread;
mod whose;
mod workload;

pub use chain::Waiter;
pub use daemon::{Daemon, DaemonChild, DaemonThread, Making, daemon};
pub use diagnosis::{Diagnosis, Verdicts, diagnose};
pub use ends::{End, fifo_ends};
pub use facts::Facts;
pub use left::LeftShim;
pub use series::Series;
pub use state::at_limit::slowed;
pub use state::rootfs_busy::holders;
pub use state::{ROWS, Row, State};
pub use whose::{Belongs, Host, Other, Shim};

/// What can be done where no process was seen.
const WITHOUT_PROCESSES: &str = "Examine the node while it runs (`coroner runtime stuck /`), or take a bundle of \
    it with `coroner collect`.";
