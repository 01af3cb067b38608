//! One value, two ways to write it.

use std::io;

use serde::Serialize;

use crate::{Exit, Pen};

/// What a verb answers: one value, written as text or as JSON.
pub trait Answer: Serialize {
    /// Name and version of its JSON schema, such as `bolt-info/1`; see `docs/json.md`.
    const SCHEMA: &'static str;

    /// Whether it says itself that a daemon runs (`write_running`), below what matters more; else that is
    /// the first line.
    const SAYS_RUNNING: bool = false;

    /// Writes it for people.
    fn write_text(&self, pen: &mut Pen<'_>) -> io::Result<()>;

    /// What it means for the exit code.
    fn exit(&self) -> Exit {
        Exit::CLEAN
    }
}
