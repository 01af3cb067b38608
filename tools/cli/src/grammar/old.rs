//! Spellings of the release before: they work for one release, with a note.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::{OsStrExt, OsStringExt};

use clap::Command;

use super::words::Words;
use super::{Line, is_node_like};

/// Verbs whose NODE stood last.
const NODE_WAS_LAST: &[&[&str]] = &[
    &["meta", "ls"],
    &["meta", "show"],
    &["meta", "history"],
    &["runtime", "show"],
    &["runtime", "fifo"],
];

/// An option that has another name now.
struct Renamed {
    verb: &'static [&'static str],
    was: &'static str,
    is: &'static str,
}

const RENAMED: &[Renamed] = &[
    Renamed {
        verb: &["timeline"],
        was: "--output-format",
        is: "--format",
    },
    Renamed {
        verb: &["df"],
        was: "--fast",
        is: "--no-usage",
    },
    Renamed {
        verb: &["logs"],
        was: "-n",
        is: "--starts",
    },
    Renamed {
        verb: &["bolt", "check"],
        was: "--threads",
        is: "--jobs",
    },
    Renamed {
        verb: &["bolt", "carve"],
        was: "--since",
        is: "--from",
    },
    Renamed {
        verb: &["bolt", "carve"],
        was: "--until",
        is: "--to",
    },
];

/// Gives options their names of now.
pub(super) fn options(command: &Command, line: &mut Line) {
    let verb = Words::parse_words(command, &line.argv).verb;
    for renamed in RENAMED.iter().filter(|renamed| verb == renamed.verb) {
        let ended = line.argv.iter().position(|word| word == "--");
        let options = line.argv.iter_mut().take(ended.unwrap_or(usize::MAX));
        let mut is_used = false;
        for word in options {
            if let Some(new) = renamed.spell(word) {
                *word = new;
                is_used = true;
            }
        }
        if is_used {
            line.notes.push(format!(
                "{} is now {}; the next release does not know the old name",
                renamed.was, renamed.is
            ));
        }
    }
}

impl Renamed {
    /// The word as it is written now, if it is this option.
    fn spell(&self, word: &OsStr) -> Option<OsString> {
        let rest = word.as_bytes().strip_prefix(self.was.as_bytes())?;
        let mut new = self.is.as_bytes().to_vec();
        let is_short = !self.was.starts_with("--");
        match rest.first() {
            None => {}
            Some(b'=') => new.extend_from_slice(rest),
            // `-n5`
            Some(_) if is_short => {
                new.push(b'=');
                new.extend_from_slice(rest);
            }
            Some(_) => return None,
        }
        Some(OsString::from_vec(new))
    }
}

/// The words in the order of now, where NODE stands last.
pub(super) fn order(words: &Words<'_>, argv: &[OsString]) -> Option<(Vec<OsString>, String)> {
    let verb = NODE_WAS_LAST.iter().find(|verb| words.is(verb))?;
    let wanted = words.leaf.get_positionals().count();
    let (first, last) = (words.positionals.first()?, words.positionals.last()?);
    if words.positionals.len() != wanted {
        return None;
    }
    let (head, node) = (argv.get(*first)?, argv.get(*last)?);
    if !is_node_like(node) || is_node_like(head) && !is_kind(words, head, argv) {
        return None;
    }
    let mut order = argv.to_vec();
    order.remove(*last);
    order.insert(*first, node.clone());
    let names: Vec<String> = words
        .leaf
        .get_positionals()
        .filter_map(|arg| {
            arg.get_value_names()?
                .first()
                .map(|name| format!(" {name}"))
        })
        .collect();
    let verb = verb.join(" ");
    let told = format!(
        "NODE comes first: coroner {verb}{}; the next release does not know the old order",
        names.concat()
    );
    Some((order, told))
}

/// Whether the first word is a kind of object, and the second none: then it is the old order, though
/// something in this folder is called like a kind.
fn is_kind(words: &Words<'_>, first: &OsStr, argv: &[OsString]) -> bool {
    let kinds = words.leaf.get_positionals().nth(1);
    let kinds = kinds.map_or_else(Vec::new, clap::Arg::get_possible_values);
    let known = |word: &OsStr| {
        let word = word.to_string_lossy();
        kinds.iter().any(|kind| kind.matches(&word, true))
    };
    let second = words.positionals.get(1).and_then(|at| argv.get(*at));
    known(first) && !second.is_some_and(|second| known(second))
}
