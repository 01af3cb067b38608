//! What containerd of each release does with a node: schema, start-up, messages.
//!
//! A daemon that is started on a damaged node may refuse, come up green and dead, or destroy what
//! could still be saved; and which of these differs by release. Each
//! [`StartRule`](start::StartRule) says so, and whether it was tested with the real daemon or read in its source.
//!
//! ```
//! use daemon::{Release, at_start};
//! let does = at_start("runtime/address-damaged", Release::V1_7).unwrap();
//! assert!(does.contains("kills the container"));
//! ```

pub mod config;
mod detect;
pub mod gc;
mod release;
mod rules;
pub mod start;

pub use detect::{Detected, detect};
pub use release::{Release, Source};
pub use rules::{at_start, rules, told, told_of, with_start};
