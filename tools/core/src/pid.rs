//! A process that runs, read without stopping it.

use std::path::Path;
use std::sync::mpsc::channel;
use std::time::Duration;

use cli::Failure;
use elfcore::{Auxv, Elf, Memory, Overlay};
use evidence::{LiveMemory, LiveProc, LiveProcess};
use finding::{Text, Unknown, Unread};

use goruntime::{Go, NotGo, Outline};

use crate::goroutines::Origin;
use crate::taken::Taken;

/// How long a process may keep us from its memory.
const DEADLINE: Duration = Duration::from_secs(20);
/// How often a list that changes is looked for.
const TRIES: u32 = 5;
/// Bytes of the auxiliary vector.
const AUXV: usize = 4096;
/// Threads that are told when a process does not answer.
const THREADS: usize = 64;

/// The memory of a process.
struct Target(LiveMemory);

impl Memory for Target {
    fn read(&self, at: u64, into: &mut [u8]) -> usize {
        self.0.read(at, into)
    }
}

/// Nanoseconds on the machine's monotonic clock, which is that of Go's waits.
fn clock() -> u64 {
    let now = nix::time::clock_gettime(nix::time::ClockId::CLOCK_MONOTONIC);
    now.map(Duration::from)
        .map_or(0, |now| u64::try_from(now.as_nanos()).unwrap_or(u64::MAX))
}

/// Reads the goroutines of a process that runs: no signal, no ptrace, no stop.
///
/// A thread reads, which is left behind if the process holds the lock of its memory for good.
pub(crate) fn take(pid: u32) -> Result<Taken, Failure> {
    let door = LiveProc::open(Path::new("/"))
        .ok_or_else(|| Failure::unread("/proc is not mounted, or is of another root"))?;
    let process = door
        .process(pid)
        .map_err(|why| Failure::unread(format!("process {pid} {why}")))?;
    let (give, receive) = channel();
    let started = std::thread::Builder::new().spawn(move || {
        // Nobody may be waiting any more.
        let _ = give.send(read(&process, pid));
    });
    started.map_err(|error| Failure::unread(format!("no thread: {error}")))?;
    match receive.recv_timeout(DEADLINE) {
        Ok(taken) => taken,
        Err(_) => Err(stuck(&door, pid)),
    }
}

fn read(process: &LiveProcess, pid: u32) -> Result<Taken, Failure> {
    let failed = |why: &Unread| Failure::unread(format!("process {pid} {why}"));
    let program = process.program().map_err(|why| failed(&why))?;
    let elf = Elf::read(&program)
        .map_err(|why| Failure::unread(format!("the program of process {pid}: {why}")))?;
    let auxv = process.file("auxv", AUXV).map_err(|why| failed(&why))?;
    let auxv = Auxv::parse(&auxv);
    let memory = process.memory().map_err(|why| {
        failed(&why).hint("run as root; where kernel.yama.ptrace_scope is 3, nobody may read it")
    })?;
    let target = Target(memory);
    let slide = match auxv.get(Auxv::ENTRY) {
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
            Err(why) => return Err(Failure::unread(format!("process {pid}: {why}"))),
        }
    };
    let goroutines = go.goroutines_live(&clock);
    if process.file("stat", 16).is_err() {
        return Err(Failure::unread(format!(
            "process {pid} ended while it was read"
        )));
    }
    let path = process.link("exe").unwrap_or_default();
    let origin = Origin::of(
        Text::from(format!("process {pid}")),
        Some(path),
        Some(true),
        &go,
    );
    let moving = goroutines
        .iter()
        .filter(|one| one.end == goroutines::End::Moving)
        .count();
    let mut unknown = Vec::new();
    if moving > 0 {
        unknown.push(Unknown::new(
            format!("the stacks of {moving} goroutines"),
            "they were at work each time that they were read",
        ));
    }
    Ok(Taken {
        origin,
        goroutines,
        unknown,
    })
}

/// What the threads of a process wait for that does not let us read its memory.
fn stuck(door: &LiveProc, pid: u32) -> Failure {
    let mut places = Vec::new();
    if let Ok(process) = door.process(pid) {
        for tid in process.tasks(THREADS).unwrap_or_default() {
            let wchan = process.file(&format!("task/{tid}/wchan"), 128);
            let wchan = Text::from(wchan.unwrap_or_default());
            places.push(format!("{tid} in {wchan}"));
        }
    }
    Failure::unread(format!(
        "process {pid} holds the lock of its memory and does not let go: a thread of it is stuck in \
         the kernel; its threads: {}",
        places.join(", ")
    ))
}
