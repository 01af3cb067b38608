//! What a runc or crun that runs was asked to do, from its arguments.

use finding::Text;
use process::Process;

/// The verbs that matter here.
const VERBS: &[&str] = &[
    "create", "run", "start", "exec", "delete", "kill", "pause", "resume", "update", "state", "ps",
];

/// Options that stand before the verb and take the next word, if no `=` follows.
const GLOBALS: &[&str] = &[
    "--root",
    "--log",
    "--log-format",
    "--criu",
    "--rootless",
    "--cgroup-manager",
];

/// Options of `exec` that take the next word.
const EXEC: &[&str] = &[
    "--process",
    "-p",
    "--pid-file",
    "--console-socket",
    "--cwd",
    "--env",
    "-e",
    "--user",
    "-u",
    "--additional-gids",
    "-g",
    "--process-label",
    "--apparmor",
    "--cap",
    "-c",
    "--preserve-fds",
    "--cgroup",
    "--exec-args",
];

/// A call of a runtime.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Command<'p> {
    pub(crate) process: &'p Process,
    pub(crate) verb: &'static str,
    pub(crate) id: &'p Text,
    pub(crate) root: Option<&'p Text>,
    pub(crate) log: Option<&'p Text>,
}

impl<'p> Command<'p> {
    pub(crate) fn runc_command(process: &'p Process) -> Option<Self> {
        let program = process.program();
        if ![b"runc".as_slice(), b"crun"]
            .iter()
            .any(|name| program.starts_with(name))
        {
            return None;
        }
        let words = process.cmdline.as_ref()?.get(1..)?;
        let mut root = None;
        let mut log = None;
        let mut at = 0_usize;
        let verb = loop {
            let word = words.get(at)?;
            let text = word.utf8()?;
            at = at.checked_add(1)?;
            if !text.starts_with('-') {
                break VERBS.iter().find(|verb| **verb == text)?;
            }
            if GLOBALS.contains(&text) {
                let value = words.get(at)?;
                at = at.checked_add(1)?;
                match text {
                    "--root" => root = Some(value),
                    "--log" => log = Some(value),
                    _ => {}
                }
            }
        };
        let rest = words.get(at..)?;
        let id = if *verb == "exec" {
            positional(rest)?
        } else {
            // Some take more words after it.
            let last = rest.last()?;
            if matches!(*verb, "kill") {
                positional(rest)?
            } else {
                last
            }
        };
        Some(Self {
            process,
            verb,
            id,
            root,
            log,
        })
    }

    /// Whether it makes containers.
    pub(crate) fn creates(&self) -> bool {
        matches!(self.verb, "create" | "run")
    }

    /// Whether it lets a container go.
    pub(crate) fn starts(&self) -> bool {
        self.verb == "start"
    }
}

/// The first word that is no option nor an option's value.
fn positional(words: &[Text]) -> Option<&Text> {
    let mut words = words.iter();
    while let Some(word) = words.next() {
        match word.utf8() {
            Some(text) if EXEC.contains(&text) => {
                words.next();
            }
            Some(text) if text.starts_with('-') => {}
            _ => return Some(word),
        }
    }
    None
}
