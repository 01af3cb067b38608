//! Commands that copy out what containers wrote.

use std::io;

use cli::Pen;
use finding::{Command, Draft, Text, program};
use node::Units;

/// Copies the files of the snapshot `namespace/key` of a node into a folder of this name.
pub(crate) fn saving(node: impl Into<Text>, snapshot: &str, folder: &str) -> Option<Command> {
    let draft = Draft::new(program::CORONER).words(&["snapshots", "extract"]);
    let draft = draft.value("--output", folder);
    draft.operand(node).operand(snapshot).command()
}

/// What starts the node again, after what its containers wrote was saved.
pub(crate) fn start_again(
    node: &str,
    containers: &[String],
    units: &Units,
    pen: &mut Pen<'_>,
) -> io::Result<()> {
    before_the_kubelet(node, containers, pen)?;
    for command in units.starting() {
        pen.verbatim(format_args!("    # {command}"))?;
    }
    match units.starting_words() {
        Some(words) => pen.paragraph("  ", &words),
        None => Ok(()),
    }
}

/// What is to be copied out before the kubelet is started: it replaces these containers (`namespace/id`), and deletes them.
fn before_the_kubelet(node: &str, containers: &[String], pen: &mut Pen<'_>) -> io::Result<()> {
    if containers.is_empty() {
        return Ok(());
    }
    pen.paragraph(
        "  ",
        "First copy out what these containers wrote: the kubelet restarts them, and later deletes it.",
    )?;
    for name in containers {
        let id = name.rsplit('/').next().unwrap_or_default();
        let short: String = id.chars().take(12).collect();
        if let Some(command) = saving(node, name, &format!("saved-{short}")) {
            pen.verbatim(format_args!("    # {command}"))?;
        }
    }
    pen.paragraph("  ", "Then:")
}
