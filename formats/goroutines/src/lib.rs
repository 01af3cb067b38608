//! Goroutines of a Go process, wherever they come from: a core, a process that runs, a dump that
//! the process wrote itself.
//!
//! Whoever reads them makes a [`Goroutine`] of each; here they are grouped ([`groups`]), written as
//! Go writes them ([`traceback`]), and judged.
//!
//! What a source does not tell is `None` or empty: a dump as text has no stack pointers, a core
//! does not say what its clock was.

mod deadlock;
mod dump;
mod frame;
mod goroutine;
mod graph;
mod group;
mod object;
mod signature;
mod signatures;
pub mod traceback;

pub use deadlock::{Contended, Deadlocks, Edge, Holder, Root, Waiter, deadlocks, has_waited};
pub use dump::parse as dumps;
pub use frame::{Frame, Site};
pub use goroutine::{Creator, End, Goroutine, Status, Waited};
pub use graph::Graph;
pub use group::{Group, groups};
pub use object::{Access, Await, Grade, Held, Object, ObjectKind};
pub use signature::{Basis, Bond, Hit, Part, Role, Signature, Wants, lost_ends, signatures};
pub use signatures::{CODES, KNOWN};
