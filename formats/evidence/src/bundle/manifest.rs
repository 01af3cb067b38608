//! The first member of our own bundle.

use finding::{Text, Time};

use crate::Host;

/// What our own bundle says of itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Manifest {
    /// Version of the format: 1.
    pub format: u32,
    /// Who wrote it: `coroner 0.1.0`.
    pub tool: String,
    /// When the walk over the node began.
    pub captured: Time,
    /// The node, and the rights that the writer had on it.
    pub host: Host,
    /// The paths that were asked for, absolute inside the evidence.
    pub roots: Vec<Text>,
}
