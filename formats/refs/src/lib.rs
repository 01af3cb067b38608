//! What the reference graph of a node answers.
//!
//! ```text
//! Why         what keeps a blob, snapshot, image or lease, and until when
//! Simulation  what a collection keeps, deletes and leaves for ever, one line each
//! Owners      whose a path, a snapshot's number, an inode or a mount is
//! Df          where the space is: shared, unique, and what could be had back
//! ```
//!
//! The graph is [`node::graph`], the rules are those of one release ([`Judged`]), and `docs/gc.md`
//! says how they were compared with real daemons. Nothing here asks or prints: `examples/kept.rs`
//! is a program of forty lines that does.

pub mod df;
pub mod gc;
mod judged;
pub mod owner;
pub mod why;

pub use df::Df;
pub use gc::Simulation;
pub use judged::Judged;
pub use owner::Owners;
pub use why::Why;
