//! What a node's own logs say of a finding.

use serde::Serialize;

use crate::{Text, Time};

/// A line of the node's logs, and how often it was said.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Logged {
    /// When it was said last.
    pub at: Option<Time>,
    /// Who said it.
    pub by: &'static str,
    /// What it says.
    pub said: Text,
    /// How many lines say the same but for numbers and ids.
    pub times: u64,
    /// The file that it stands in.
    pub file: Text,
    /// The message's name in `coroner explain`.
    pub message: &'static str,
}
