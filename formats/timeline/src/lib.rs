//! When things happened: the times that all stores of a node keep, deleted objects included.
//!
//! ```text
//! meta.db, metadata.db     objects, and those carved from pages that were freed
//! content                  blobs, ingests
//! snapshots                the files of containers, and of layers
//! runtime, cri, logs       tasks, pods, logs
//! network, config, files   leases of addresses, configurations, the databases themselves
//! ```
//!
//! [`gather`] gives [`Subject`]s, store by store; each has its [`moments`](Subject::moments).
//! Nothing is sorted or written here: `examples/first_and_last.rs` is a program of forty lines.

mod carved;
mod content;
mod files;
mod gather;
mod logs;
mod objects;
mod only;
mod owners;
mod runtime;
mod said;
mod settings;
mod subject;

pub use gather::{Options, gather};
pub use only::{Only, Wanted};
pub use subject::{Recovered, Store, Subject, What};
