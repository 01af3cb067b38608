//! The node as it was given, for a command that goes on with it.

use std::ffi::OsStr;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use finding::{Command, Draft, program};

use crate::Pen;

/// The node as it was given; nothing where it cannot be given again, because it came on standard input.
#[derive(Debug, Clone, Default)]
pub struct Again(Option<PathBuf>);

impl Again {
    /// The node of a command line.
    pub fn from_path(given: &Path) -> Self {
        Self((given != Path::new("-")).then(|| given.to_owned()))
    }

    /// A verb on the node, or on `NODE` where it cannot be given again.
    pub fn verb(&self, verb: &[&'static str]) -> Option<Command> {
        let draft = Draft::new(program::CORONER).words(verb);
        let draft = match self.0.as_deref().map(Path::as_os_str).map(OsStr::as_bytes) {
            Some(node) => draft.operand(node),
            None => draft.word("NODE"),
        };
        draft.command()
    }

    /// The verbs that go on where an answer ends, each with what it says.
    pub fn write_next(
        &self,
        pen: &mut Pen<'_>,
        verbs: &[(&[&'static str], &'static str)],
    ) -> io::Result<()> {
        let commands = verbs
            .iter()
            .filter_map(|(verb, why)| self.verb(verb).map(|command| (command, *why)));
        write_next(pen, &commands.collect::<Vec<_>>())
    }
}

/// Commands that go on where an answer ends, each with what it says.
pub fn write_next(pen: &mut Pen<'_>, commands: &[(Command, &str)]) -> io::Result<()> {
    if commands.is_empty() {
        return Ok(());
    }
    pen.gap()?;
    pen.heading("Next")?;
    for (command, why) in commands {
        pen.verbatim(format_args!("  {command}"))?;
        pen.paragraph("      ", why)?;
    }
    Ok(())
}
