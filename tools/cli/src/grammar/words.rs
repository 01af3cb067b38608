//! Which word of a command line is what.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt;

use clap::{Arg, Command};

/// The words of a command line.
#[derive(Debug)]
pub(crate) struct Words<'a> {
    /// The tool and its verb.
    pub(crate) verb: Vec<&'a str>,
    /// The verb's command.
    pub(crate) leaf: &'a Command,
    /// Where its positional arguments stand.
    pub(crate) positionals: Vec<usize>,
    /// The ids of the options that are given.
    pub(crate) options: Vec<&'a str>,
    /// Where a word may be added as a positional argument.
    pub(crate) end: usize,
    /// Help or the version is asked for.
    pub(crate) asks_for_help: bool,
}

impl<'a> Words<'a> {
    /// Walks over `argv` as clap does.
    pub(crate) fn parse_words(command: &'a Command, argv: &[OsString]) -> Self {
        let mut above = vec![command];
        let mut words = Self {
            verb: tool_of(command).into_iter().collect(),
            leaf: command,
            positionals: Vec::new(),
            options: Vec::new(),
            end: argv.len(),
            asks_for_help: false,
        };
        let mut only_words = false;
        let mut at = 1_usize;
        while let Some(word) = argv.get(at) {
            let here = at;
            at = at.saturating_add(1);
            let bytes = word.as_bytes();
            if only_words || bytes == b"-" || !bytes.starts_with(b"-") {
                if let Some(next) = words.below(word) {
                    words.verb.push(next.get_name());
                    words.leaf = next;
                    above.push(next);
                } else {
                    words.positionals.push(here);
                }
            } else if bytes == b"--" {
                only_words = true;
                words.end = here;
            } else {
                let (arg, has_value) = option(&above, word);
                let Some(arg) = arg else {
                    words.asks_for_help |=
                        [&b"--help"[..], b"-h", b"--version", b"-V"].contains(&bytes);
                    continue;
                };
                words.options.push(arg.get_id().as_str());
                if takes_a_word(arg) && !has_value {
                    at = at.saturating_add(1);
                }
            }
        }
        words.asks_for_help |= words.verb.is_empty();
        words
    }

    /// Whether it is this verb.
    pub(crate) fn is(&self, verb: &[&str]) -> bool {
        self.verb == verb
    }

    /// The command that a word leads to, where no argument has been given before it.
    fn below(&self, word: &OsStr) -> Option<&'a Command> {
        let word = word.to_str()?;
        let leaf = self.leaf;
        let found = leaf.find_subcommand(word)?;
        self.positionals.is_empty().then_some(found)
    }
}

/// The tool that a command is by itself, as `coroner-meta` is.
pub(super) fn tool_of(command: &Command) -> Option<&str> {
    let name = command.get_name();
    let tool = name.strip_prefix("coroner-").unwrap_or(name);
    (tool != "coroner").then_some(tool)
}

/// The argument that an option names, and whether its value stands in the same word.
fn option<'a>(above: &[&'a Command], word: &OsStr) -> (Option<&'a Arg>, bool) {
    let arguments = || {
        above
            .iter()
            .rev()
            .flat_map(|command| command.get_arguments())
    };
    let text = word.to_string_lossy();
    if let Some(long) = text.strip_prefix("--") {
        let (name, value) = match long.split_once('=') {
            Some((name, value)) => (name, Some(value)),
            None => (long, None),
        };
        let named = |arg: &&Arg| {
            arg.get_long() == Some(name)
                || arg
                    .get_all_aliases()
                    .is_some_and(|aliases| aliases.contains(&name))
        };
        return (arguments().find(named), value.is_some());
    }
    // `-an5`: flags, and at the end perhaps one that takes a value.
    let mut letters = text.get(1..).unwrap_or_default().chars();
    let mut found = None;
    while let Some(letter) = letters.next() {
        found = arguments().find(|arg| arg.get_short() == Some(letter));
        if found.is_some_and(takes_a_word) {
            return (found, !letters.as_str().is_empty());
        }
    }
    (found, false)
}

/// Whether an option takes the next word as its value.
fn takes_a_word(arg: &Arg) -> bool {
    arg.get_action().takes_values() && !arg.is_require_equals_set()
}
