//! A process that runs, without a signal, ptrace or a stop.
//!
//! Whoever reads its memory waits while a thread of it holds the lock of that memory, and a thread
//! that is stuck in the kernel may hold it for good. So a thread of ours reads, which is left behind
//! when its time is over; where the threads of the process are in the kernel is told instead.

use core::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::time::Duration;

use elfcore::{Auxv, Elf, Memory, NotElf, Overlay};
use evidence::{LiveMemory, LiveProc, LiveProcess};
use finding::{Text, Unread};
use goroutines::{End, Goroutine, Hit, lost_ends};
use mapped::Mapped;

use crate::{Go, NotGo, Outline};

/// How long one read may be kept from the memory of a process before a thread of it is said to hold it.
const DEADLINE: Duration = Duration::from_secs(10);
/// How many such times the rest may take: a machine may be so busy that we are hardly run at all.
const TIMES: u32 = 60;
/// As many without any sign of life.
const SILENT: u32 = 6;
/// How often a list that changes is looked for.
const TRIES: u32 = 5;
/// Bytes of the auxiliary vector.
const AUXV: usize = 4096;
/// Bytes of the arguments.
const ARGUMENTS: usize = 1 << 16;
/// Threads whose children are counted, and bytes of the list of each.
const TASKS: usize = 4096;
const CHILDREN: usize = 1 << 20;
/// How long a shim may take to handle an end.
const HANDLED: Duration = Duration::from_secs(2);
/// Threads that are told when a process does not answer.
const THREADS: usize = 64;

/// The memory of a process. What is counted is odd while a read of it goes on.
struct Target {
    memory: LiveMemory,
    beat: Arc<AtomicU64>,
}

impl Memory for Target {
    fn read_memory(&self, at: u64, into: &mut [u8]) -> usize {
        self.beat.fetch_add(1, Ordering::Relaxed);
        let count = self.memory.read_live_memory(at, into);
        self.beat.fetch_add(1, Ordering::Relaxed);
        count
    }
}

/// A process that is read.
#[expect(missing_debug_implementations, reason = "memory has nothing to show")]
pub struct Attached<'a> {
    /// The process.
    pub process: &'a LiveProcess,
    /// Its memory.
    pub memory: &'a dyn Memory,
    /// Its program.
    pub program: &'a Mapped,
    /// The headers of its program.
    pub elf: &'a Elf,
    /// What was added to the program's addresses.
    pub slide: u64,
    /// Its auxiliary vector, as it stands.
    pub auxv: &'a [u8],
    /// Its runtime.
    pub go: &'a Go<'a>,
    /// The machine's monotonic clock in nanoseconds, which is that of Go's waits.
    pub clock: &'a dyn Fn() -> u64,
}

impl Attached<'_> {
    /// Its goroutines, each as it was at one moment.
    pub fn goroutines(&self) -> Vec<Goroutine> {
        self.go.goroutines_live(self.clock)
    }

    /// Its goroutines, and ends of its children that it lost, if it is a shim.
    pub fn with_lost_ends(&self) -> (Vec<Goroutine>, Option<Hit>) {
        let look = || {
            // The children come first: one that is gone from them has been handled when the goroutines are read.
            let children = self.children();
            let goroutines = self.goroutines();
            let lost = children.and_then(|count| lost_ends(&goroutines, count));
            (goroutines, lost)
        };
        let first = look();
        if first.1.is_none() {
            return first;
        }
        // It may have been about to handle it.
        std::thread::sleep(HANDLED);
        look()
    }

    /// How many children it has, those that ended and were not waited for included.
    fn children(&self) -> Option<usize> {
        let tasks = self.process.tasks(TASKS).ok()?;
        if tasks.len() >= TASKS {
            return None;
        }
        let mut count = 0_usize;
        for tid in tasks {
            // A thread that has just ended gave its children to another: counted again, they are too many.
            let name = format!("task/{tid}/children");
            let text = match self.process.file(&name, CHILDREN) {
                Ok(text) => text,
                Err(_) if self.process.file(&format!("task/{tid}/comm"), 64).is_err() => continue,
                Err(_) => return None,
            };
            let words = text.split(u8::is_ascii_whitespace);
            count = count.saturating_add(words.filter(|word| !word.is_empty()).count());
        }
        Some(count)
    }

    /// Its arguments.
    pub fn arguments(&self) -> Vec<Text> {
        let words = self.process.file("cmdline", ARGUMENTS).unwrap_or_default();
        let words = words.strip_suffix(b"\0").unwrap_or(&words);
        words.split(|byte| *byte == 0).map(Text::from).collect()
    }

    /// The path of its program.
    pub fn path(&self) -> Text {
        self.process.link("exe").unwrap_or_default()
    }
}

/// Goroutines whose stacks could not be had at one moment.
pub fn moving(goroutines: &[Goroutine]) -> usize {
    let moving = goroutines.iter().filter(|one| one.end == End::Moving);
    moving.count()
}

/// Why a process cannot be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NotAttached {
    /// It is not there, or may not be looked at.
    Unread(Unread),
    /// Its memory may not be read.
    Memory(Unread),
    /// Its program is none that is known.
    Program(NotElf),
    /// It is no program of Go's, or of none that is known.
    NotGo(NotGo),
    /// It ended meanwhile.
    Ended,
    /// A thread of it holds the lock of its memory: threads, and the kernel's function each is in.
    Held(Vec<(u32, Text)>),
    /// No thread could be started here.
    Thread(String),
}

impl fmt::Display for NotAttached {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unread(why) => write!(f, "{why}"),
            Self::Memory(why) => write!(f, "its memory {why}"),
            Self::Program(why) => write!(f, "its program: {why}"),
            Self::NotGo(why) => write!(f, "{why}"),
            Self::Ended => f.write_str("ended while it was read"),
            Self::Held(threads) => {
                f.write_str(
                    "holds the lock of its memory and does not let go: a thread of it is stuck in the \
                     kernel; its threads:",
                )?;
                for (index, (tid, place)) in threads.iter().enumerate() {
                    let comma = if index == 0 { "" } else { "," };
                    // The kernel writes 0 of one that runs.
                    if place.bytes() == b"0" {
                        write!(f, "{comma} {tid} runs")?;
                    } else {
                        write!(f, "{comma} {tid} in {place}")?;
                    }
                }
                Ok(())
            }
            Self::Thread(why) => write!(f, "was not read by the thread that should: {why}"),
        }
    }
}

impl core::error::Error for NotAttached {}

/// Reads a process that runs. `clock` gives the machine's monotonic clock in nanoseconds.
///
/// # Errors
/// It cannot be read, or `work` says so.
pub fn attach<T: Send + 'static>(
    door: &LiveProc,
    pid: u32,
    clock: fn() -> u64,
    work: impl FnOnce(&Attached<'_>) -> T + Send + 'static,
) -> Result<T, NotAttached> {
    let process = door.process(pid).map_err(NotAttached::Unread)?;
    let (give, receive) = channel();
    // The files of /proc that come first may be kept from us, too.
    let beat = Arc::new(AtomicU64::new(1));
    let own = Arc::clone(&beat);
    let started = std::thread::Builder::new().spawn(move || {
        // Nobody may be waiting any more.
        let _ = give.send(read_process(&process, own, clock, work));
    });
    started.map_err(|error| NotAttached::Thread(error.to_string()))?;
    let mut silent = 0_u32;
    for _ in 0..TIMES {
        let before = beat.load(Ordering::Relaxed);
        match receive.recv_timeout(DEADLINE) {
            Ok(taken) => return taken,
            Err(RecvTimeoutError::Disconnected) => {
                return Err(NotAttached::Thread("it ended by itself".to_owned()));
            }
            Err(RecvTimeoutError::Timeout) => {}
        }
        let now = beat.load(Ordering::Relaxed);
        silent = if now == before {
            silent.saturating_add(1)
        } else {
            0
        };
        // It is one and the same read that was begun before, or none at all for a minute.
        if now == before && (now % 2 == 1 || silent >= SILENT) {
            return Err(held(door, pid));
        }
    }
    Err(NotAttached::Thread(
        "it had not ended after ten minutes: the machine hardly runs it".to_owned(),
    ))
}

/// Reads processes from a thread of its own.
///
/// Whoever examines a node gives up its rights before it opens it (landlock), and with them the right
/// to read the memory of others. A thread that is older keeps them; it does nothing but read the
/// processes that it is asked for.
#[derive(Debug)]
pub struct Apart<T> {
    ask: Sender<u32>,
    answers: Receiver<Result<T, NotAttached>>,
}

impl<T: Send + 'static> Apart<T> {
    /// Starts it, before rights are given up.
    pub fn start(door: LiveProc, clock: fn() -> u64, work: fn(&Attached<'_>) -> T) -> Option<Self> {
        let (ask, asked) = channel::<u32>();
        let (give, answers) = channel();
        let started = std::thread::Builder::new().spawn(move || {
            for pid in asked {
                if give.send(attach(&door, pid, clock, work)).is_err() {
                    break;
                }
            }
        });
        started.ok().map(|_| Self { ask, answers })
    }

    /// What it makes of a process.
    ///
    /// # Errors
    /// The process cannot be read.
    pub fn wait_for_process(&self, pid: u32) -> Result<T, NotAttached> {
        let gone = || NotAttached::Thread("the thread that reads is gone".to_owned());
        self.ask.send(pid).map_err(|_| gone())?;
        self.answers.recv().map_err(|_| gone())?
    }
}

fn read_process<T>(
    process: &LiveProcess,
    beat: Arc<AtomicU64>,
    clock: fn() -> u64,
    work: impl FnOnce(&Attached<'_>) -> T,
) -> Result<T, NotAttached> {
    let program = process.program().map_err(NotAttached::Unread)?;
    let elf = Elf::read_elf(&program).map_err(NotAttached::Program)?;
    let auxv = process.file("auxv", AUXV).map_err(NotAttached::Unread)?;
    let memory = process.memory().map_err(NotAttached::Memory)?;
    beat.fetch_add(1, Ordering::Relaxed);
    let target = Target { memory, beat };
    let slide = match Auxv::parse(&auxv).get(Auxv::ENTRY) {
        Some(entry) if elf.is_pie => entry.wrapping_sub(elf.entry),
        _ => 0,
    };
    let overlay = Overlay::new(&program, &elf, slide, &target);
    let outline = Outline::of_file(&program, &elf, slide);
    let mut tries = 0;
    let go = loop {
        match Go::find(&overlay, &outline, elf.arch) {
            Ok(go) => break go,
            // The list may have grown just now.
            Err(NotGo::NoGoroutines) if tries < TRIES => {
                tries = tries.saturating_add(1);
                std::thread::sleep(Duration::from_millis(2));
            }
            Err(why) => return Err(NotAttached::NotGo(why)),
        }
    };
    let done = work(&Attached {
        process,
        memory: &target,
        program: &program,
        elf: &elf,
        slide,
        auxv: &auxv,
        go: &go,
        clock: &clock,
    });
    if process.file("stat", 16).is_err() {
        return Err(NotAttached::Ended);
    }
    Ok(done)
}

/// What the threads of a process wait for that does not let us read its memory.
fn held(door: &LiveProc, pid: u32) -> NotAttached {
    let mut places = Vec::new();
    if let Ok(process) = door.process(pid) {
        for tid in process.tasks(THREADS).unwrap_or_default() {
            let wchan = process.file(&format!("task/{tid}/wchan"), 128);
            places.push((tid, Text::from(wchan.unwrap_or_default())));
        }
    }
    NotAttached::Held(places)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_holds_its_memory_is_told_with_the_place_of_each_thread() {
        let threads = vec![
            (7, Text::from("percpu_rwsem_wait")),
            (9, Text::from("0")),
            (11, Text::from("vm_mmap_pgoff")),
        ];
        let told = NotAttached::Held(threads).to_string();
        let after = told.split_once("its threads:").map(|pair| pair.1);
        assert_eq!(
            after,
            Some(" 7 in percpu_rwsem_wait, 9 runs, 11 in vm_mmap_pgoff")
        );
    }
}
