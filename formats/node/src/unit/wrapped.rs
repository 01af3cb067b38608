//! Programs that start the one which stands behind them: another environment, priority or limit, a shell's line.

use super::syntax::words;

/// How many of them may stand before a program.
pub(super) const WRAPPED: usize = 8;

/// Programs that start the one which stands behind their own options.
pub(super) const WRAPPERS: &[&str] = &[
    "chrt", "choom", "env", "exec", "ionice", "nice", "nohup", "numactl", "prlimit", "setpriv",
    "setsid", "stdbuf", "taskset",
];

/// Those that are given a line of their own language.
pub(super) const SHELLS: &[&str] = &["ash", "bash", "dash", "sh"];

pub(super) fn name_of(program: &str) -> &str {
    program.rsplit('/').next().unwrap_or_default()
}

fn is_wrapper(word: &str) -> bool {
    WRAPPERS.contains(&name_of(word)) || SHELLS.contains(&name_of(word))
}

/// Where the program stands that a wrapper starts: behind options, numbers and what it assigns. Nothing where another
/// word stands before it, which may be a script that is given the daemon's name.
pub(super) fn behind(command: &[String]) -> Option<usize> {
    for (at, word) in command.iter().enumerate().skip(1) {
        if name_of(word) == "containerd" || is_wrapper(word) {
            return Some(at);
        }
        let is_number = word.starts_with(|letter: char| letter.is_ascii_digit());
        if !is_number && !word.starts_with('-') && !word.contains('=') {
            return None;
        }
    }
    None
}

/// `NAME=VALUE`, where the value is known.
pub(super) fn assigned(word: &str) -> Option<(String, String)> {
    let (name, value) = word.split_once('=')?;
    let is_name = name
        .chars()
        .all(|letter| letter.is_ascii_alphanumeric() || letter == '_');
    (is_name && !name.is_empty() && !value.contains('$'))
        .then(|| (name.to_owned(), value.to_owned()))
}

/// The command of `sh -c "exec containerd …"`; nothing where the line is more than one plain command.
pub(super) fn script(command: &[String]) -> Option<Vec<String>> {
    let mut rest = command.iter().skip(1);
    let is_line = |word: &&String| word.starts_with('-') && word.ends_with('c');
    rest.find(is_line)?;
    let line = rest.next()?;
    if line.contains([';', '&', '|', '<', '>', '`', '$', '(', '\n', '*']) {
        return None;
    }
    let words = words(line).into_iter();
    Some(words.skip_while(|word| assigned(word).is_some()).collect())
}
