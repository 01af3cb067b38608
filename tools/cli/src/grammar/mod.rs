//! One grammar for all verbs: NODE first, `/` where it is left out; spellings of the release before
//! still work, with a note; a guessed word leads to the verb that was meant.
//!
//! A command line is brought into this shape before clap sees it, so that a verb declares its
//! arguments once, in the order in which they are written.

mod guess;
mod old;
mod words;

use core::fmt::Write as _;
use std::ffi::{OsStr, OsString};
use std::path::Path;

use clap::{Arg, Command};

pub use guess::guesses;

use clap::error::{ContextKind, ContextValue, ErrorKind};
use words::Words;

/// A command line in the grammar of this release.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Line {
    /// What clap parses.
    pub(crate) argv: Vec<OsString>,
    /// What to say on standard error: which spellings will go, and what takes their place.
    pub(crate) notes: Vec<String>,
}

/// The value name of an argument that is a node.
const NODE: &str = "NODE";

/// Verbs that change a node: it is always named.
const NAMED_NODE: &[&[&str]] = &[&["repair", "undo"], &["repair", "purge"]];

/// Verbs that want one more word unless this option is given, which clap does not tell.
const UNLESS: &[(&[&str], &str)] = &[(&["owner"], "inode")];

/// Brings a command line into the grammar of this release.
pub(crate) fn modern(command: &Command, argv: Vec<OsString>) -> Line {
    let mut line = Line {
        argv,
        notes: Vec::new(),
    };
    old::options(command, &mut line);
    let words = Words::parse_words(command, &line.argv);
    if words.asks_for_help {
        return line;
    }
    if let Some((order, note)) = old::order(&words, &line.argv) {
        line.argv = order;
        line.notes.push(note);
        return line;
    }
    if let Some(at) = left_out(&words, &line.argv) {
        line.argv.insert(at, OsString::from("/"));
    }
    line
}

/// Where `/` is put in: at the place of a NODE that was left out.
fn left_out(words: &Words<'_>, argv: &[OsString]) -> Option<usize> {
    let first = words.leaf.get_positionals().next()?;
    if value_name(first) != NODE || !first.is_required_set() || is_in(NAMED_NODE, words) {
        return None;
    }
    let wanted = words.leaf.get_positionals();
    let mut wanted = wanted.filter(|arg| arg.is_required_set()).count();
    let more = UNLESS.iter().find(|(verb, _)| words.is(verb));
    if more.is_some_and(|(_, option)| !words.options.contains(option)) {
        wanted = wanted.saturating_add(1);
    }
    if words.positionals.len().saturating_add(1) != wanted {
        return None;
    }
    // `coroner why /mnt/image`: it is the name that was left out.
    let is_there = words.positionals.iter().find_map(|at| argv.get(*at));
    if is_there.is_some_and(|word| is_node_like(word)) {
        return None;
    }
    let end = words.end.min(argv.len());
    Some(words.positionals.first().copied().unwrap_or(end))
}

/// The commands with `[NODE]` in their usage where `/` is meant if it is left out.
pub(crate) fn shown(command: Command) -> Command {
    let name = command.get_name().to_owned();
    let tool = words::tool_of(&command).map(str::to_owned);
    let program = if name.starts_with("coroner") {
        name
    } else {
        format!("coroner {name}")
    };
    shown_below(command, &program, &Vec::from_iter(tool))
}

fn shown_below(command: Command, program: &str, verb: &[String]) -> Command {
    let names: Vec<String> = command
        .get_subcommands()
        .map(|below| below.get_name().to_owned())
        .collect();
    let mut command = command;
    for name in names {
        command = command.mut_subcommand(&name, |below| {
            let verb = [verb, std::slice::from_ref(&name)].concat();
            shown_below(below, &format!("{program} {name}"), &verb)
        });
    }
    let first = command.get_positionals().next();
    let may_be_left_out = first.is_some_and(|first| {
        value_name(first) == NODE
            && first.is_required_set()
            && !NAMED_NODE.iter().any(|named| verb == *named)
    });
    if !may_be_left_out {
        return command;
    }
    let words = command.get_positionals().enumerate().map(|(number, arg)| {
        let name = value_name(arg);
        let many = arg.get_num_args();
        let is_many = many.is_some_and(|range| range.max_values() > 1);
        let dots = if is_many { "..." } else { "" };
        if number == 0 || !arg.is_required_set() {
            format!(" [{name}]{dots}")
        } else {
            format!(" <{name}>{dots}")
        }
    });
    let usage = format!("{program} [OPTIONS]{}", words.collect::<String>());
    command.override_usage(usage)
}

fn value_name(arg: &Arg) -> &str {
    let names = arg.get_value_names().and_then(<[_]>::first);
    names.map_or_else(|| arg.get_id().as_str(), |name| name.as_str())
}

/// The text for a word that is no command: which one may be meant.
pub(crate) fn meant(command: &Command, error: &clap::Error) -> Option<String> {
    if error.kind() == ErrorKind::MissingRequiredArgument {
        return missing(command, error);
    }
    if error.kind() == ErrorKind::UnknownArgument {
        return unexpected(error);
    }
    if error.kind() != ErrorKind::InvalidSubcommand {
        return None;
    }
    let Some(ContextValue::String(word)) = error.get(ContextKind::InvalidSubcommand) else {
        return None;
    };
    // `Usage: coroner meta [OPTIONS] <COMMAND>`: the tool in which it was looked for.
    let usage = match error.get(ContextKind::Usage) {
        Some(ContextValue::StyledStr(usage)) => usage.to_string(),
        _ => String::new(),
    };
    let tool = command
        .get_subcommands()
        .map(Command::get_name)
        .find(|name| usage.contains(&format!("coroner {name} ")));
    guess::guess(command, tool, word)
}

/// The text for a word that has no place: a number where a process is an option, and no advice to take an
/// option for a name.
fn unexpected(error: &clap::Error) -> Option<String> {
    let text = error.render().to_string();
    let Some(ContextValue::String(word)) = error.get(ContextKind::InvalidArg) else {
        return None;
    };
    let is_number = !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_digit());
    if is_number && text.contains("--pid") {
        let says = format!("error: unexpected argument '{word}' found\n");
        let tip = format!("{says}\n  tip: a process is named with --pid {word}\n");
        return Some(text.replacen(&says, &tip, 1));
    }
    let advice = format!("  tip: to pass '{word}' as a value, use '-- {word}'\n\n");
    text.contains(&advice)
        .then(|| text.replacen(&advice, "", 1))
}

/// What to give for an argument that is missing: the words that it may be, or what it is and who lists it.
fn missing(command: &Command, error: &clap::Error) -> Option<String> {
    let Some(ContextValue::Strings(lacking)) = error.get(ContextKind::InvalidArg) else {
        return None;
    };
    let usage = match error.get(ContextKind::Usage) {
        Some(ContextValue::StyledStr(usage)) => usage.to_string(),
        _ => String::new(),
    };
    let mut verb = command;
    let words = usage
        .split_whitespace()
        .skip_while(|word| *word != "coroner");
    for word in words.skip(1) {
        match verb.find_subcommand(word) {
            Some(below) => verb = below,
            None => break,
        }
    }
    let mut text = format!("error: {} is missing\n\n", lacking.join(", "));
    for one in lacking {
        let name = one.trim_matches(['<', '>', '.', '[', ']']);
        let is_it = |argument: &&clap::Arg| {
            let names = argument.get_value_names().unwrap_or_default();
            names.iter().any(|one| *one == name)
        };
        let Some(argument) = verb.get_arguments().find(is_it) else {
            continue;
        };
        let values = argument.get_possible_values();
        let values: Vec<&str> = values
            .iter()
            .filter(|value| !value.is_hide_set())
            .map(clap::builder::PossibleValue::get_name)
            .collect();
        let help = argument.get_help().map(ToString::to_string);
        let says = if values.is_empty() {
            help.unwrap_or_default()
        } else {
            format!("one of {}", values.join(", "))
        };
        let _ = writeln!(text, "  {name}: {says}");
        if matches!(name, "NAME" | "ID") {
            text.push_str(
                "        `coroner meta ls NODE containers` and `coroner meta ls NODE images` list names\n",
            );
        }
    }
    Some(format!(
        "{text}\n{usage}\n\nFor more information, try '--help'.\n"
    ))
}

fn is_in(all: &[&[&str]], words: &Words<'_>) -> bool {
    all.iter().any(|verb| words.is(verb))
}

/// Whether a word names something that can be evidence: standard input, or a path that is there.
fn is_node_like(word: &OsStr) -> bool {
    word == "-" || std::fs::symlink_metadata(Path::new(word)).is_ok()
}

#[cfg(test)]
mod tests;
