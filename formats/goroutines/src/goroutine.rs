//! Goroutines.

use core::fmt;
use std::sync::Arc;

use finding::{Text, hex_number};
use serde::Serialize;

use crate::{Await, Frame, Held, Site};

/// The state of a goroutine (`runtime2.go`, `_Gidle` and so on).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Status {
    /// Allocated, not used yet.
    Idle,
    /// On a run queue.
    Runnable,
    /// It runs on a thread.
    Running,
    /// Its thread is in a system call.
    Syscall,
    /// It waits: the reason says for what.
    Waiting,
    /// It has ended.
    Dead,
    /// Its stack is being moved.
    CopyStack,
    /// It stopped itself for the scheduler.
    Preempted,
    /// It waits for what nobody can reach any more (Go 1.26 and later, only where it was asked for).
    Leaked,
    /// An unused goroutine of a C thread (Go 1.26 and later).
    DeadExtra,
    /// None of those that are known.
    Unknown(u32),
}

impl Status {
    /// From the runtime's number, without the bit that says that its stack is scanned.
    pub const fn from_number(number: u32) -> Self {
        match number & !0x1000 {
            0 => Self::Idle,
            1 => Self::Runnable,
            2 => Self::Running,
            3 => Self::Syscall,
            4 => Self::Waiting,
            6 => Self::Dead,
            8 => Self::CopyStack,
            9 => Self::Preempted,
            10 => Self::Leaked,
            11 => Self::DeadExtra,
            other => Self::Unknown(other),
        }
    }

    /// The word that Go prints (`gStatusStrings` of traceback.go).
    pub const fn word(self) -> &'static str {
        match self {
            Self::Idle => "idle",
            Self::Runnable => "runnable",
            Self::Running => "running",
            Self::Syscall => "syscall",
            Self::Waiting => "waiting",
            Self::Dead => "dead",
            Self::CopyStack => "copystack",
            Self::Preempted => "preempted",
            Self::Leaked => "leaked",
            Self::DeadExtra => "waiting for cgo callback",
            Self::Unknown(_) => "???",
        }
    }

    /// The status that Go means by a word; of any other word, which is a reason, `Waiting`.
    pub fn from_word(word: &str) -> Self {
        [
            Self::Idle,
            Self::Runnable,
            Self::Running,
            Self::Syscall,
            Self::Dead,
            Self::CopyStack,
            Self::Preempted,
            Self::Leaked,
        ]
        .into_iter()
        .find(|status| status.word() == word)
        .unwrap_or(Self::Waiting)
    }
}

/// How long a goroutine has waited. The runtime notes it at a garbage collection, not when the
/// wait begins: the true wait is never shorter than `least`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Waited {
    /// At least so many seconds.
    pub least: u64,
    /// At most so many, where that can be said.
    pub most: Option<u64>,
}

impl Waited {
    /// The time between two collections that the runtime forces: so much longer may a wait have been.
    pub const PERIOD: u64 = 120;

    /// Of a wait that was noted so many seconds ago, by a clock that is exact.
    pub const fn noted(seconds: u64) -> Self {
        Self {
            least: seconds,
            most: Some(seconds.saturating_add(Self::PERIOD)),
        }
    }

    /// Whole minutes, as Go prints them.
    pub const fn minutes(self) -> u64 {
        self.least / 60
    }
}

/// Where a goroutine was started.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Creator {
    /// The statement `go …`.
    pub site: Arc<Site>,
    /// Id of the goroutine that made it (Go 1.21 and later).
    pub parent: Option<u64>,
}

/// How the walk of a stack ended. Only [`Top`](End::Top) is the end of the stack.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case", tag = "end", content = "detail")]
pub enum End {
    /// At the function in which every goroutine begins.
    Top,
    /// There is no stack to walk: it runs just now, or it has none.
    None(&'static str),
    /// It changed while it was read, each time that it was tried: it is at work.
    Moving,
    /// It had to stop in the middle: what is below is right, what is above is not known.
    Cut(String),
    /// The source is text and does not tell.
    Unknown,
}

/// One goroutine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Goroutine {
    /// Its number.
    pub id: u64,
    /// Address of its `g`; 0 where the source does not tell.
    pub address: u64,
    /// Its state.
    pub status: Status,
    /// Why it waits, in Go's words: `chan receive`, `sync.Mutex.Lock`, `select`.
    pub reason: Option<Text>,
    /// How long it has waited; nothing if no garbage collection has seen it wait.
    pub waited: Option<Waited>,
    /// Whether it is tied to its thread (`runtime.LockOSThread`).
    pub locked: bool,
    /// The thread that runs it, or in whose system call it is.
    pub thread: Option<u64>,
    /// Its stack, the innermost frame first; inlined frames, and those that Go hides, too.
    pub frames: Vec<Frame>,
    /// How the walk of the stack ended.
    pub end: End,
    /// Where it was started; nothing for the first.
    pub creator: Option<Creator>,
    /// The function in which it began.
    pub start: Option<Arc<Site>>,
    /// Whether it is one of the runtime's own.
    pub system: bool,
    /// What it waits for; several in a `select`.
    pub awaits: Vec<Await>,
    /// What it holds.
    pub holds: Vec<Held>,
}

impl Goroutine {
    /// A goroutine of which nothing is known but its number and state.
    pub const fn new(id: u64, status: Status) -> Self {
        Self {
            id,
            address: 0,
            status,
            reason: None,
            waited: None,
            locked: false,
            thread: None,
            frames: Vec::new(),
            end: End::Unknown,
            creator: None,
            start: None,
            system: false,
            awaits: Vec::new(),
            holds: Vec::new(),
        }
    }

    /// Its state as Go prints it: the reason of a wait, else the status.
    pub fn state(&self) -> String {
        match (&self.status, &self.reason) {
            (Status::Waiting | Status::Leaked, Some(reason)) if !reason.is_empty() => {
                reason.to_string()
            }
            (status, _) => status.word().to_owned(),
        }
    }

    /// The frames that Go's own dumps show.
    pub fn shown(&self) -> impl Iterator<Item = &Frame> {
        self.frames.iter().filter(|frame| !frame.site.hidden)
    }

    /// The innermost frame that is neither the runtime's nor of package sync: where the program waits.
    pub fn place(&self) -> Option<&Frame> {
        self.shown()
            .find(|frame| crate::deadlock::is_program(frame.site.function.bytes()))
    }

    /// Whether a function of that name is on its stack; see [`Site::is`].
    pub fn calls(&self, name: &str) -> bool {
        self.frames.iter().any(|frame| frame.site.is(name))
    }
}

impl fmt::Display for Goroutine {
    /// The line that heads its stack: `goroutine 7 [chan receive, 5 minutes, locked to thread]`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "goroutine {} [{}", self.id, self.state())?;
        match self.waited.map(Waited::minutes) {
            Some(minutes) if minutes >= 1 => write!(f, ", {minutes} minutes")?,
            _ => {}
        }
        if self.locked {
            f.write_str(", locked to thread")?;
        }
        f.write_str("]")
    }
}

/// A creator as JSON has it.
#[derive(Serialize)]
struct CreatorJson<'a> {
    function: &'a Text,
    file: &'a Text,
    line: u32,
    parent: Option<u64>,
}

impl Serialize for Creator {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        CreatorJson {
            function: &self.site.function,
            file: &self.site.file,
            line: self.site.line,
            parent: self.parent,
        }
        .serialize(serializer)
    }
}

/// A goroutine as JSON has it.
#[derive(Serialize)]
struct GoroutineJson<'a> {
    id: u64,
    #[serde(serialize_with = "hex_number")]
    address: u64,
    status: &'static str,
    reason: &'a Option<Text>,
    waited: Option<Waited>,
    locked: bool,
    thread: Option<u64>,
    system: bool,
    created_by: &'a Option<Creator>,
    start: Option<&'a Text>,
    #[serde(flatten)]
    end: &'a End,
    awaits: &'a [Await],
    holds: &'a [Held],
    frames: &'a [Frame],
}

impl Serialize for Goroutine {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        GoroutineJson {
            id: self.id,
            address: self.address,
            status: self.status.word(),
            reason: &self.reason,
            waited: self.waited,
            locked: self.locked,
            thread: self.thread,
            system: self.system,
            created_by: &self.creator,
            start: self.start.as_ref().map(|site| &site.function),
            end: &self.end,
            awaits: &self.awaits,
            holds: &self.holds,
            frames: &self.frames,
        }
        .serialize(serializer)
    }
}
