//! The history of a daemon's starts: when, which release, how long it lived, how it ended.

use std::sync::Arc;

use finding::{Text, Time};
use serde::Serialize;

use crate::Level;
use crate::level::{begins_a_panic, find};
use crate::line::{Line, Program};

/// How a start ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case", tag = "how")]
pub enum Ended {
    /// The log ends, and it had not.
    Running,
    /// It was told to stop, and did.
    Stopped,
    /// A signal ended it.
    Killed {
        /// The signal's name: KILL, TERM, ABRT.
        signal: Text,
    },
    /// Go's runtime ended it; exit status 2.
    Panicked,
    /// It ended itself.
    Exited {
        /// The status.
        status: Text,
    },
    /// The node went down, or was reset, while it ran.
    NodeDown,
    /// Another start follows, and no line says how this one ended.
    Unknown,
}

/// A start of a daemon.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Start {
    /// Which daemon.
    pub program: Program,
    /// Its unit, where systemd started it.
    pub unit: Option<Arc<Text>>,
    /// When.
    pub at: Option<Time>,
    /// Its process.
    pub pid: Option<u32>,
    /// Its release, as it says.
    pub release: Option<Text>,
    /// When it said that it serves.
    pub served: Option<Time>,
    /// When it ended.
    pub end: Option<Time>,
    /// How it ended.
    pub ended: Ended,
    /// Index of the line in which it says why: a panic, last words, the last error.
    pub because: Option<usize>,
    /// Indices of its first line and of the line after its last.
    pub lines: (usize, usize),
}

impl Start {
    /// Whether it ended without being told to.
    pub const fn has_failed(&self) -> bool {
        matches!(
            self.ended,
            Ended::Killed { .. } | Ended::Panicked | Ended::Exited { .. }
        )
    }

    /// Seconds that it lived, as far as that is known.
    pub fn lived(&self) -> Option<i64> {
        Some(self.end?.since(self.at?))
    }
}

/// Whether the last starts are a loop: three or more that failed within a minute each, one after
/// the other.
pub fn is_loop(starts: &[Start]) -> bool {
    let failing = starts
        .iter()
        .rev()
        .take_while(|start| start.has_failed() && start.lived().is_none_or(|seconds| seconds < 60));
    failing.count() >= 3
}

/// The starts of the daemon `program`, in order. Lines must be in order, too.
pub fn starts(lines: &[Line], program: Program) -> Vec<Start> {
    let mut history = History {
        program,
        starts: Vec::new(),
    };
    for (index, line) in lines.iter().enumerate() {
        history.line(index, line);
    }
    history.finish(lines)
}

/// What a daemon says when it begins, and when it serves.
fn words(program: Program) -> (&'static [&'static [u8]], &'static [&'static [u8]]) {
    match program {
        Program::Containerd => (
            &[b"starting containerd"],
            &[b"containerd successfully booted"],
        ),
        Program::Dockerd => (&[b"msg=\"Starting up\""], &[b"API listen on"]),
        Program::Kubelet => (
            &[b"\"Kubelet version\""],
            &[b"Starting kubelet main sync loop"],
        ),
        Program::Distribution => (
            &[b"Starting k3s ", b"Starting rke2 "],
            &[b"is up and running"],
        ),
        _ => (&[], &[]),
    }
}

/// Whether a line at the level of information begins a start, or ends its first part.
pub(crate) fn is_told(program: Program, text: &[u8]) -> bool {
    let (begins, serves) = words(program);
    begins
        .iter()
        .chain(serves)
        .any(|word| find(text, word).is_some())
}

struct History {
    program: Program,
    starts: Vec<Known>,
}

/// A start, and what is known of it besides.
struct Known {
    start: Start,
    boot: Option<[u8; 16]>,
    has_panicked: bool,
    /// Its last words without a level: `containerd: failed to …`.
    last_words: Option<usize>,
    /// The last error that it reported.
    error: Option<usize>,
}

impl History {
    fn line(&mut self, index: usize, line: &Line) {
        if let (Some(open), Some(boot)) = (self.open(), line.boot)
            && open.boot.is_some_and(|before| before != boot)
        {
            open.start.ended = Ended::NodeDown;
        }
        match line.program {
            Program::Systemd => {
                let unit = line.unit.as_deref().map(Text::bytes);
                if unit.and_then(Program::of_unit) == Some(self.program) {
                    self.systemd(index, line);
                }
            }
            program if program == self.program => self.own(index, line),
            _ => {}
        }
    }

    /// The start that has not ended.
    fn open(&mut self) -> Option<&mut Known> {
        let last = self.starts.last_mut()?;
        (last.start.ended == Ended::Running).then_some(last)
    }

    fn begin(&mut self, index: usize, line: &Line) -> &mut Known {
        if let Some(open) = self.open() {
            open.start.ended = open.silent_end();
        }
        let start = Start {
            program: self.program,
            unit: line.unit.clone(),
            at: line.time,
            pid: None,
            release: None,
            served: None,
            end: None,
            ended: Ended::Running,
            because: None,
            lines: (index, index),
        };
        self.starts.push(Known {
            start,
            boot: line.boot,
            has_panicked: false,
            last_words: None,
            error: None,
        });
        let last = self.starts.len().saturating_sub(1);
        #[expect(clippy::indexing_slicing, reason = "it was put there just now")]
        &mut self.starts[last]
    }

    /// What systemd says of the unit.
    fn systemd(&mut self, index: usize, line: &Line) {
        let text = line.text.bytes();
        if text.starts_with(b"Starting ") {
            self.begin(index, line);
        } else if find(text, b"Main process exited").is_some() {
            let is_stopped = self
                .starts
                .last()
                .is_some_and(|last| last.start.ended == Ended::Stopped);
            if is_stopped {
                return;
            }
            if self.open().is_none() {
                // Its beginning is not in the log.
                self.begin(index, line).start.at = None;
            }
            if let Some(open) = self.open() {
                open.start.ended = open.end_of(exited(text));
                open.start.end = line.time;
            }
        } else if (text.starts_with(b"Stopping ") || text.starts_with(b"Stopped "))
            && let Some(open) = self.open()
        {
            open.start.ended = Ended::Stopped;
            open.start.end = line.time;
        }
    }

    /// What the daemon says itself.
    fn own(&mut self, index: usize, line: &Line) {
        let text = line.text.bytes();
        let (begins, serves) = words(self.program);
        let says = |words: &[&[u8]]| words.iter().any(|word| find(text, word).is_some());
        if line.level <= Level::Info && says(begins) {
            let is_new = self.open().is_none_or(|open| open.start.release.is_some());
            let open = if is_new {
                self.begin(index, line)
            } else {
                let last = self.starts.len().saturating_sub(1);
                #[expect(clippy::indexing_slicing, reason = "there is one that is open")]
                &mut self.starts[last]
            };
            open.start.release = release(text);
            open.start.pid = line.pid;
            return;
        }
        if begins_a_panic(text) && self.open().is_none() && self.starts.is_empty() {
            self.begin(index, line).start.at = None;
        }
        let Some(open) = self.open() else {
            return;
        };
        open.start.pid = open.start.pid.or(line.pid);
        if line.level <= Level::Info && says(serves) {
            open.start.served = line.time;
        } else if begins_a_panic(text) {
            if !open.has_panicked {
                open.start.because = Some(index);
                open.start.end = line.time;
            }
            open.has_panicked = true;
        } else if line.level == Level::Fatal || is_last_word(text) {
            open.last_words = Some(index);
        } else if line.level == Level::Error {
            open.error = Some(index);
        }
    }

    fn finish(mut self, lines: &[Line]) -> Vec<Start> {
        if let Some(open) = self.open()
            && (open.has_panicked || open.last_words.is_some())
        {
            open.start.ended = open.silent_end();
        }
        let firsts: Vec<_> = self
            .starts
            .iter()
            .map(|known| known.start.lines.0)
            .collect();
        let next = firsts.into_iter().skip(1).chain([lines.len()]);
        let starts = self.starts.into_iter().zip(next);
        let starts = starts.map(|(known, next)| {
            let mut start = known.start;
            start.lines.1 = next;
            start.because = start.because.or(known.last_words);
            if start.has_failed() || start.ended == Ended::Unknown {
                start.because = start.because.or(known.error);
            }
            start
        });
        starts.collect()
    }
}

impl Known {
    /// How it ended, where systemd says this of its process.
    fn end_of(&self, said: Ended) -> Ended {
        if self.has_panicked {
            Ended::Panicked
        } else {
            said
        }
    }

    /// How it ended, where nobody says so.
    fn silent_end(&self) -> Ended {
        if self.has_panicked {
            Ended::Panicked
        } else if self.last_words.is_some() {
            Ended::Exited {
                status: Text::from("1"),
            }
        } else {
            Ended::Unknown
        }
    }
}

/// `containerd: failed to load TOML …`: what a daemon writes to its standard error and ends.
fn is_last_word(text: &[u8]) -> bool {
    text.starts_with(b"containerd: ") || text.starts_with(b"failed to start daemon: ")
}

/// `…: Main process exited, code=killed, status=9/KILL`
fn exited(text: &[u8]) -> Ended {
    let after = |key: &[u8]| {
        let at = find(text, key)?;
        let rest = text.get(at.checked_add(key.len())?..)?;
        rest.split(|byte| matches!(byte, b',' | b' ' | b'\n'))
            .next()
    };
    let status = after(b"status=").unwrap_or_default();
    let mut parts = status.splitn(2, |byte| *byte == b'/');
    let (number, name) = (parts.next(), parts.next());
    match after(b"code=") {
        Some(b"killed" | b"dumped") => Ended::Killed {
            signal: Text::from(name.or(number).unwrap_or_default()),
        },
        _ => Ended::Exited {
            status: Text::from(number.unwrap_or_default()),
        },
    }
}

/// `version=1.7.24~ds1`, `"version":"1.7.24"`, `Starting k3s v1.30.4+k3s1 (98262b5d)`.
fn release(text: &[u8]) -> Option<Text> {
    let keys: [&[u8]; 5] = [
        b"version=\"",
        b"version=",
        b"\"version\":\"",
        b"kubeletVersion=\"",
        b"Starting k3s ",
    ];
    let (at, key) = keys.iter().find_map(|key| Some((find(text, key)?, key)))?;
    let rest = text.get(at.checked_add(key.len())?..)?;
    let end = rest
        .iter()
        .position(|byte| matches!(byte, b' ' | b'"' | b'\n'))
        .unwrap_or(rest.len());
    Some(Text::from(rest.get(..end)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ends_are_read_from_the_sentence_of_systemd() {
        let of = |text: &str| exited(text.as_bytes());
        assert_eq!(
            of("containerd.service: Main process exited, code=killed, status=9/KILL"),
            Ended::Killed {
                signal: Text::from("KILL")
            }
        );
        assert_eq!(
            of("containerd.service: Main process exited, code=exited, status=1/FAILURE"),
            Ended::Exited {
                status: Text::from("1")
            }
        );
        assert_eq!(
            of("containerd.service: Main process exited, code=dumped, status=6/ABRT"),
            Ended::Killed {
                signal: Text::from("ABRT")
            }
        );
    }

    #[test]
    fn the_release_is_what_the_daemon_says() {
        let of = |text: &str| release(text.as_bytes()).map(|text| text.to_string());
        let text = r#"time="t" level=info msg="starting containerd" revision=1.7.24~ds1 version=1.7.24~ds1"#;
        assert_eq!(of(text).as_deref(), Some("1.7.24~ds1"));
        let text = r#"{"level":"info","msg":"starting containerd","version":"v2.0.1"}"#;
        assert_eq!(of(text).as_deref(), Some("v2.0.1"));
        let text = r#"time="t" level=info msg="Starting k3s v1.30.4+k3s1 (98262b5d)""#;
        assert_eq!(of(text).as_deref(), Some("v1.30.4+k3s1"));
    }
}
