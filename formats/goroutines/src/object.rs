//! What goroutines wait for and hold.

use core::fmt;

use finding::{Text, hex_number};
use serde::Serialize;

/// What a thing is that goroutines wait for, with what is known of its inside.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case", tag = "kind")]
pub enum ObjectKind {
    /// A channel.
    Channel {
        /// The type of its elements.
        element: Option<Text>,
        /// Elements in its buffer.
        len: Option<u64>,
        /// Room in its buffer.
        capacity: Option<u64>,
        /// Whether it was closed.
        closed: Option<bool>,
    },
    /// A `sync.Mutex`.
    Mutex {
        /// Its state word: 1 locked, 2 woken, 4 starving, the rest counts waiters.
        state: Option<u32>,
    },
    /// A `sync.RWMutex`.
    RwMutex {
        /// How many read it: negative while a writer waits or writes.
        readers: Option<i32>,
        /// How many readers a writer waits for.
        departing: Option<i32>,
    },
    /// A `sync.WaitGroup`.
    WaitGroup {
        /// What is still to be done.
        counter: Option<i32>,
    },
    /// A `sync.Cond`.
    Cond,
    /// A semaphore of the runtime that is none of these, or not known to be one.
    Semaphore,
    /// A file descriptor: a socket, a pipe, a FIFO.
    Descriptor {
        /// Its number.
        fd: Option<i64>,
        /// What it is, if that is known.
        path: Option<Text>,
    },
    /// A child process.
    Child {
        /// Its pid.
        pid: Option<u32>,
    },
    /// A path that is opened: a FIFO without a reader.
    Path {
        /// The path.
        path: Text,
    },
    /// Time passes.
    Timer,
    /// A channel that is nil, or a `select` without cases: nobody can ever wake it.
    Nothing,
}

/// A thing that goroutines wait for: the same address is the same thing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Object {
    /// What it is.
    #[serde(flatten)]
    pub kind: ObjectKind,
    /// Its address, of the whole lock or channel; 0 where there is none.
    #[serde(serialize_with = "hex_number")]
    pub address: u64,
}

/// How a thing is wanted or held.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Access {
    /// To lock it alone.
    Lock,
    /// To read under it.
    ReadLock,
    /// To receive.
    Receive,
    /// To send.
    Send,
    /// To wait until it is done.
    Wait,
    /// To read from it.
    Read,
    /// To write to it.
    Write,
    /// Not known.
    Unknown,
}

impl Access {
    /// In words.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Lock => "to lock it",
            Self::ReadLock => "to read under it",
            Self::Receive => "to receive",
            Self::Send => "to send",
            Self::Wait => "until it is done",
            Self::Read => "to read",
            Self::Write => "to write",
            Self::Unknown => "how is not known",
        }
    }
}

/// What one goroutine waits for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Await {
    /// The thing.
    pub object: Object,
    /// How it is wanted.
    pub access: Access,
}

/// How well it is known who holds something: Go writes it nowhere.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Grade {
    /// It has a pointer to it on its stack.
    Weak,
    /// One of its functions has taken it before the place where it is now, as far as the code tells.
    Likely,
    /// A deferred call that will release exactly this one is pending.
    Proven,
}

/// What one goroutine holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Held {
    /// The thing.
    pub object: Object,
    /// How it is held.
    pub access: Access,
    /// How well that is known.
    pub grade: Grade,
    /// The function that holds it.
    pub function: Text,
    /// What tells: `deferred sync.(*Mutex).Unlock`.
    pub by: String,
}

impl fmt::Display for Grade {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Proven => "proven",
            Self::Likely => "likely",
            Self::Weak => "weak",
        })
    }
}

impl fmt::Display for Object {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.kind {
            ObjectKind::Channel {
                element,
                len,
                capacity,
                closed,
            } => {
                match element {
                    Some(element) => write!(f, "chan {element}")?,
                    None => f.write_str("channel")?,
                }
                match (len, capacity) {
                    (_, Some(0)) => f.write_str(" (unbuffered)")?,
                    (Some(len), Some(capacity)) => {
                        write!(f, " ({len} of {capacity} places filled)")?;
                    }
                    _ => {}
                }
                if *closed == Some(true) {
                    f.write_str(" closed")?;
                }
            }
            ObjectKind::Mutex { .. } => f.write_str("Mutex")?,
            ObjectKind::RwMutex { .. } => f.write_str("RWMutex")?,
            ObjectKind::WaitGroup { counter } => match counter {
                Some(counter) => write!(f, "WaitGroup ({counter} to go)")?,
                None => f.write_str("WaitGroup")?,
            },
            ObjectKind::Cond => f.write_str("Cond")?,
            ObjectKind::Semaphore => f.write_str("semaphore")?,
            ObjectKind::Descriptor { fd, path } => {
                match fd {
                    Some(fd) => write!(f, "fd {fd}")?,
                    None => f.write_str("a descriptor")?,
                }
                if let Some(path) = path {
                    write!(f, " ({path})")?;
                }
            }
            ObjectKind::Child { pid } => match pid {
                Some(pid) => write!(f, "process {pid}")?,
                None => f.write_str("a child process")?,
            },
            ObjectKind::Path { path } => write!(f, "{path}")?,
            ObjectKind::Timer => f.write_str("a timer")?,
            ObjectKind::Nothing => f.write_str("nothing that can happen")?,
        }
        if self.address != 0 {
            write!(f, " {:#x}", self.address)?;
        }
        Ok(())
    }
}
