//! Commands that a person may paste.
//!
//! Everything that a tool prints to be run is a [`Command`]: a program, and arguments with a type.
//! It is quoted once, here. What stands in the evidence gets into one as the value of a named option
//! (`--root=VALUE`, a single word), as an operand after `--`, or as a number; never where a shell or
//! the program could read anything else in it:
//!
//! ```
//! use finding::{Draft, program};
//!
//! let hostile = "--log=/etc/passwd; reboot";
//! let delete = Draft::new(program::RUNC)
//!     .value("--root", "/run/my runc")
//!     .words(&["delete", "--force"])
//!     .operand(hostile)
//!     .command();
//! assert_eq!(
//!     delete.unwrap().to_string(),
//!     "runc '--root=/run/my runc' delete --force -- '--log=/etc/passwd; reboot'"
//! );
//! ```

pub mod program;
mod shell;

use core::fmt;

use serde::{Serialize, Serializer, ser::SerializeMap};

use self::program::{Dashes, Program};
use self::shell::{LINE_FEED, Word, needs_line_feed};
use crate::Text;

/// A command that a person may paste; made by a [`Draft`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Command {
    program: Text,
    arguments: Vec<Text>,
    into: Option<Text>,
}

impl Command {
    /// The program, by name or by path.
    pub const fn program(&self) -> &Text {
        &self.program
    }

    /// Its arguments, as it gets them.
    pub fn arguments(&self) -> &[Text] {
        &self.arguments
    }

    /// The same, run from outside in the pid and mount namespaces of this process: of a node that is a
    /// container. This toolkit's own commands stay: they take a node by its path.
    #[must_use]
    pub fn inside(self, process: u32) -> Self {
        if self.program == *program::CORONER.name() {
            return self;
        }
        let mut arguments: Vec<Text> = vec![
            Text::from(format!("--target={process}")),
            Text::from("--pid"),
            Text::from("--mount"),
            // Of a node that has a root of its own in its mounts.
            Text::from("--root"),
            Text::from("--"),
        ];
        // A shell out here would open the file out here.
        if self.into.is_some() {
            let line = self.to_string();
            arguments.extend([Text::from("sh"), Text::from("-c"), Text::from(line)]);
        } else {
            arguments.push(self.program);
            arguments.extend(self.arguments);
        }
        Self {
            program: Text::from(program::NSENTER.name()),
            arguments,
            into: None,
        }
    }

    /// The file that its output goes into.
    pub const fn into_file(&self) -> Option<&Text> {
        self.into.as_ref()
    }
}

/// As a shell takes it, in a single line.
impl fmt::Display for Command {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let words = || core::iter::once(&self.program).chain(&self.arguments);
        if words()
            .chain(&self.into)
            .any(|word| needs_line_feed(word.bytes()))
        {
            f.write_str(LINE_FEED)?;
        }
        for (number, word) in words().enumerate() {
            let gap = if number == 0 { "" } else { " " };
            write!(f, "{gap}{}", Word(word.bytes()))?;
        }
        match &self.into {
            Some(file) => write!(f, " > {}", Word(file.bytes())),
            None => Ok(()),
        }
    }
}

impl Serialize for Command {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("program", &self.program)?;
        map.serialize_entry("arguments", &self.arguments)?;
        if let Some(file) = &self.into {
            map.serialize_entry("into", file)?;
        }
        map.serialize_entry("rendered", &self.to_string())?;
        map.end()
    }
}

/// A command that is being put together.
///
/// Options and verbs are ours (`&'static str`); what may come from elsewhere has a method of its own.
/// There is no command at all where a value cannot be given safely: a NUL, which no argument holds,
/// or a dash where the program would read an option.
#[derive(Debug, Clone)]
pub struct Draft {
    dashes: Dashes,
    command: Command,
    operands: Vec<Text>,
    is_refused: bool,
}

impl Draft {
    /// A call of `program`.
    pub fn new(program: Program) -> Self {
        Self {
            dashes: program.dashes,
            command: Command {
                program: Text::from(program.name),
                arguments: Vec::new(),
                into: None,
            },
            operands: Vec::new(),
            is_refused: false,
        }
    }

    /// By this path, which must be absolute and end in the program's name.
    #[must_use]
    pub fn at(mut self, path: &Text) -> Self {
        let name = path.bytes().strip_suffix(self.command.program.bytes());
        let is_its_path =
            name.is_some_and(|folder| folder.starts_with(b"/") && folder.ends_with(b"/"));
        self.is_refused |= !is_its_path;
        self.command.program = path.clone();
        self
    }

    /// A verb, an option, a fixed operand.
    #[must_use]
    pub fn word(mut self, word: &'static str) -> Self {
        self.command.arguments.push(Text::from(word));
        self
    }

    /// Several [words](Self::word).
    #[must_use]
    pub fn words(self, words: &[&'static str]) -> Self {
        words.iter().fold(self, |draft, word| draft.word(word))
    }

    /// A long option with its value, as the single word `--name=value`.
    #[must_use]
    pub fn value(mut self, name: &'static str, value: impl Into<Text>) -> Self {
        let word = [name.as_bytes(), b"=", value.into().bytes()].concat();
        self.command.arguments.push(Text::from(word));
        self
    }

    /// A number.
    #[must_use]
    pub fn number(mut self, number: impl Into<u64>) -> Self {
        let number = number.into().to_string();
        self.command.arguments.push(Text::from(number));
        self
    }

    /// What the command works on. Operands stand last, after `--`.
    #[must_use]
    pub fn operand(mut self, operand: impl Into<Text>) -> Self {
        self.operands.push(operand.into());
        self
    }

    /// A file or folder that the command works on: an absolute path that does not climb.
    #[must_use]
    pub fn path(mut self, path: impl Into<Text>) -> Self {
        let path = path.into();
        self.is_refused |= !is_safe_path(&path);
        self.operand(path)
    }

    /// With its output in a file, by such a path.
    #[must_use]
    pub fn into_file(mut self, path: impl Into<Text>) -> Self {
        let path = path.into();
        self.is_refused |= !is_safe_path(&path);
        self.command.into = Some(path);
        self
    }

    /// The command, if every value can be given safely.
    pub fn command(self) -> Option<Command> {
        let Self {
            dashes,
            mut command,
            operands,
            is_refused,
        } = self;
        let is_option = |operand: &Text| operand.bytes().starts_with(b"-");
        if is_refused || (dashes == Dashes::Refused && operands.iter().any(is_option)) {
            return None;
        }
        if dashes == Dashes::End && !operands.is_empty() {
            command.arguments.push(Text::from("--"));
        }
        command.arguments.extend(operands);
        let has_nul = |word: &Text| word.bytes().contains(&0);
        let mut words = command.arguments.iter().chain(&command.into);
        (!words.any(has_nul) && !has_nul(&command.program)).then_some(command)
    }
}

/// Whether a path leads from `/` to something below it, and nowhere else.
fn is_safe_path(path: &Text) -> bool {
    let mut names = path.bytes().split(|byte| *byte == b'/');
    let is_absolute = names.next().is_some_and(<[u8]>::is_empty);
    let mut is_below = false;
    for name in names {
        if name == b".." {
            return false;
        }
        is_below |= !name.is_empty() && name != b".";
    }
    is_absolute && is_below
}
