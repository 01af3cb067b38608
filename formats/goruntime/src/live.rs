//! Goroutines of a process that goes on running.
//!
//! A goroutine may wake, run and wait again between two reads, at the same place and with the same
//! pointers: its stack would be half of one wait and half of another. So each is read as
//!
//! ```text
//! g    its stack    its stack again    g again
//! ```
//!
//! and believed only if both stacks are the same, both `g` are the same byte for byte (the runtime
//! counts in `g.trackingSeq` how often it ran), all of it took no longer than the counter needs to
//! come round, and the walk ends where stacks end. Else it is tried again, then once more after a rest, and
//! then said to run or to be moving: nothing is guessed.
//!
//! A large stack takes longer to read than that. It is read a piece at a time, with a look at `g` after each:
//! who did not run between any two looks did not run at all. One that has not run since the rest before, and
//! whose walk does not end where stacks end (it is deeper than is read), is said to be cut.

use std::time::Duration;

use elfcore::Memory;
use goroutines::{End, Frame, Goroutine, Status};

use crate::GoVersion;
use crate::cache::Cache;
use crate::find::RawG;
use crate::process::{Go, Threads};
use crate::unwind::{Start, unwind};

/// Nanoseconds between two looks at a `g`: a byte counts at most two million times a second.
const WINDOW: u64 = 25_000;
/// Bytes of a stack that are read between two looks.
const PIECE: usize = 16 << 10;
/// Releases that count how often a goroutine ran; the later ones do not count its system calls.
const COUNTS: GoVersion = GoVersion::new(17);
const COUNTS_NO_CALLS: GoVersion = GoVersion::new(26);
/// How often a goroutine is tried.
const TRIES: u32 = 4;
/// Rounds for those that did not settle: a reader that was put aside by the scheduler is no sign that
/// they move, and one that runs will wait again. Before each, the reader rests for longer than before.
const ROUNDS: u32 = 10;
const REST: Duration = Duration::from_micros(50);
/// Nanoseconds after which no round is begun.
const PATIENCE: u64 = 10_000_000_000;
/// Bytes of a stack that are copied.
const STACK: u64 = 1 << 20;

/// The status of a goroutine that runs, and why it has no stack.
const RUNNING: u32 = 2;
const RUNS: &str = "it runs";

/// A copy of a stack.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Copy {
    start: u64,
    bytes: Vec<u8>,
}

impl Memory for Copy {
    fn read_memory(&self, at: u64, into: &mut [u8]) -> usize {
        let from = at
            .checked_sub(self.start)
            .and_then(|offset| usize::try_from(offset).ok())
            .and_then(|offset| self.bytes.get(offset..))
            .unwrap_or_default();
        let count = from.len().min(into.len());
        if let (Some(into), Some(from)) = (into.get_mut(..count), from.get(..count)) {
            into.copy_from_slice(from);
        }
        count
    }
}

/// A goroutine of a process that runs, as it was accepted.
#[derive(Debug, Clone)]
pub struct Accepted {
    /// The goroutine.
    pub goroutine: Goroutine,
    /// The bytes of its `g`.
    pub g: Vec<u8>,
    /// Its stack from the stack pointer on: address and bytes; empty where it has none that holds.
    pub stack: (u64, Vec<u8>),
    /// How often it was tried.
    pub tries: u32,
    /// Nanoseconds that the last try took.
    pub took: u64,
    raw: RawG,
    /// It did not move, but the walk of its stack was cut: that stack, its frames, and why.
    halted: Option<(Copy, Vec<Frame>, End)>,
}

impl Accepted {
    fn new(goroutine: Goroutine, raw: RawG, stack: (u64, Vec<u8>), tries: u32, took: u64) -> Self {
        Self {
            goroutine,
            g: raw.bytes().to_vec(),
            stack,
            tries,
            took,
            raw,
            halted: None,
        }
    }

    /// Whether there is nothing left to try.
    const fn is_settled(&self) -> bool {
        matches!(self.goroutine.end, End::Top | End::Cut(_))
    }

    /// Takes the stack that was cut for its own if it is as it was before the rest.
    fn settle_halted(&mut self, before: &Self) {
        if self.raw == before.raw
            && self.halted == before.halted
            && let Some((copy, frames, end)) = self.halted.take()
        {
            self.stack = (copy.start, copy.bytes);
            self.goroutine.frames = frames;
            self.goroutine.end = end;
        }
    }
}

impl Go<'_> {
    /// Reads every goroutine of a process that runs. `clock` gives the machine's monotonic clock in
    /// nanoseconds.
    pub fn goroutines_live(&self, clock: &dyn Fn() -> u64) -> Vec<Goroutine> {
        let accepted = self.accepted_live(clock);
        accepted.into_iter().map(|one| one.goroutine).collect()
    }

    /// As [`goroutines_live`](Self::goroutines_live), with the bytes that were accepted.
    pub(crate) fn accepted_live(&self, clock: &dyn Fn() -> u64) -> Vec<Accepted> {
        let mut cache = Cache::new(self.table());
        let threads = Threads::default();
        let mut all: Vec<Accepted> = self
            .addresses()
            .iter()
            .filter_map(|at| self.settled(*at, &threads, &mut cache, clock))
            .collect();
        let began = clock();
        let mut ended: Vec<usize> = Vec::new();
        for round in 0..ROUNDS {
            let again: Vec<usize> = all
                .iter()
                .enumerate()
                .filter(|(_, one)| !one.is_settled())
                .map(|(index, _)| index)
                .collect();
            if again.is_empty() || clock().saturating_sub(began) > PATIENCE {
                break;
            }
            std::thread::sleep(REST.saturating_mul(1 << round));
            for index in again {
                let Some(one) = all.get_mut(index) else {
                    continue;
                };
                match self.settled(one.raw.at, &threads, &mut cache, clock) {
                    Some(mut new) => {
                        new.settle_halted(one);
                        new.tries = new.tries.saturating_add(one.tries);
                        *one = new;
                    }
                    // It ended meanwhile. (Where another has its place by now, that one is as true.)
                    None => ended.push(index),
                }
            }
            for index in ended.drain(..).rev() {
                all.swap_remove(index);
            }
        }
        let mut found: Vec<Goroutine> = all.iter().map(|one| one.goroutine.clone()).collect();
        self.note_waits(&mut found);
        self.note_holders(&mut found, &mut cache);
        // What was found in lists belongs to the wait that was read only if that goes on.
        for (mut one, accepted) in found.into_iter().zip(&mut all) {
            let still = RawG::read_raw_g(self.memory(), one.address, self.layout());
            if one.address != 0 && still.as_ref() != Some(&accepted.raw) {
                // Neither is what it held then held now.
                one.holds.clear();
                if one.awaits.iter().any(|it| it.object.address != 0) {
                    one.awaits.clear();
                }
            }
            accepted.goroutine = one;
        }
        all.sort_by_key(|one| one.goroutine.id);
        all
    }

    /// One goroutine, as it was at one moment.
    fn settled(
        &self,
        at: u64,
        threads: &Threads,
        cache: &mut Cache<'_>,
        clock: &dyn Fn() -> u64,
    ) -> Option<Accepted> {
        let mut last = None;
        for tries in 1..=TRIES {
            let began = clock();
            let raw = RawG::read_raw_g(self.memory(), at, self.layout())?;
            let start = match self.place(&raw) {
                Ok(start) => start,
                Err(End::Top) => return None,
                Err(end) => {
                    let mut one = self.described(&raw, threads, cache, clock())?;
                    one.end = end;
                    let took = clock().saturating_sub(began);
                    last = Some(Accepted::new(one, raw, (0, Vec::new()), tries, took));
                    continue;
                }
            };
            let copy = self.copied(&raw, start, began, clock);
            let took = clock().saturating_sub(began);
            let mut one = self.described(&raw, threads, cache, clock())?;
            if one.status == Status::Running {
                one.end = End::None(RUNS);
                return Some(Accepted::new(one, raw, (0, Vec::new()), tries, took));
            }
            one.end = End::Moving;
            let Some(copy) = copy.filter(|_| one.status != Status::CopyStack) else {
                last = Some(Accepted::new(one, raw, (0, Vec::new()), tries, took));
                continue;
            };
            let (frames, end) = unwind(cache, &copy, self.arch(), start, usize::MAX);
            if end == End::Top {
                (one.frames, one.end) = (frames, end);
                let stack = (copy.start, copy.bytes);
                return Some(Accepted::new(one, raw, stack, tries, took));
            }
            let mut moved = Accepted::new(one, raw, (0, Vec::new()), tries, took);
            moved.halted = Some((copy, frames, end));
            last = Some(moved);
        }
        last
    }

    /// A stack as it was at one moment, unless the goroutine may have run since its `g` was read.
    fn copied(
        &self,
        raw: &RawG,
        start: Start,
        began: u64,
        clock: &dyn Fn() -> u64,
    ) -> Option<Copy> {
        let mut since = began;
        let mut stands_still = || {
            let before = clock();
            let g = RawG::read_raw_g(self.memory(), raw.at, self.layout());
            let took = clock().saturating_sub(since);
            since = before;
            took <= WINDOW && g.as_ref() == Some(raw)
        };
        let calls = Status::from_number(raw.status(self.layout())) == Status::Syscall;
        let counts = self.version >= COUNTS && !(calls && self.version >= COUNTS_NO_CALLS);
        let len = start.stack.1.saturating_sub(start.sp).min(STACK);
        let mut bytes = vec![0; usize::try_from(len).ok()?];
        let mut again = bytes.clone();
        let mut unseen = 0_usize;
        for into in [&mut bytes, &mut again] {
            let mut at = start.sp;
            for piece in into.chunks_mut(PIECE) {
                if counts && unseen.saturating_add(piece.len()) > PIECE {
                    stands_still().then_some(())?;
                    unseen = 0;
                }
                unseen = unseen.saturating_add(piece.len());
                if self.memory().read_memory(at, piece) != piece.len() {
                    return None;
                }
                at = at.saturating_add(u64::try_from(piece.len()).ok()?);
            }
        }
        let start = start.sp;
        (stands_still() && bytes == again).then_some(Copy { start, bytes })
    }

    /// Where the walk of a waiting goroutine's stack begins; `Top` if it has ended.
    fn place(&self, raw: &RawG) -> Result<Start, End> {
        let layout = self.layout();
        let status = raw.status(layout);
        if matches!(status, 0 | 6 | 11) || !raw.is_sound(layout) {
            return Err(End::Top);
        }
        match self.start(raw, Status::from_number(status), None) {
            // Whoever runs has no stack pointer there; whoever waits without one has just begun to run.
            Err(End::None(_)) if status == RUNNING => Err(End::None(RUNS)),
            Err(End::Cut(_) | End::None(_)) => Err(End::Moving),
            other => other,
        }
    }
}
