//! Stacks (`runtime/traceback.go`, `unwinder`).
//!
//! ```text
//! amd64   frame pointer = sp + size(pc) + 8    return address at fp-8    next sp = fp
//! arm64   frame pointer = sp + size(pc)        return address at sp, or in the link register
//! ```

use std::sync::Arc;

use elfcore::{Arch, Memory};
use finding::Text;
use goroutines::{End, Frame, Site};

use crate::cache::Cache;
use crate::names;

/// Frames of one goroutine.
const FRAMES: usize = 4096;

/// Where a walk begins, and how far it may go.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Start {
    pub(crate) pc: u64,
    pub(crate) sp: u64,
    pub(crate) lr: u64,
    /// The stack: its lowest and highest address.
    pub(crate) stack: (u64, u64),
    /// Whether a signal stopped it there: then the instruction is the one that stands there.
    pub(crate) exact: bool,
}

/// The words of a stack, read a piece at a time.
struct Words<'m> {
    memory: &'m dyn Memory,
    stack: (u64, u64),
    start: u64,
    held: Vec<u8>,
}

impl Words<'_> {
    fn word(&mut self, at: u64) -> Option<u64> {
        if at < self.stack.0 || at.checked_add(8)? > self.stack.1 {
            return None;
        }
        let end = self
            .start
            .saturating_add(u64::try_from(self.held.len()).ok()?);
        if at < self.start || at.checked_add(8)? > end {
            let left = self.stack.1.saturating_sub(at);
            // Most stacks are short.
            let want = if self.held.is_empty() { 1024 } else { 8192 };
            self.held = self.memory.some(at, left.min(want));
            self.start = at;
        }
        let offset = usize::try_from(at.checked_sub(self.start)?).ok()?;
        let bytes = self.held.get(offset..)?.first_chunk()?;
        Some(u64::from_le_bytes(*bytes))
    }
}

/// Walks a stack; at most `most` frames.
pub(crate) fn unwind(
    cache: &mut Cache<'_>,
    memory: &dyn Memory,
    arch: Arch,
    start: Start,
    most: usize,
) -> (Vec<Frame>, End) {
    let mut frames = Vec::new();
    let mut words = Words {
        memory,
        stack: start.stack,
        start: 0,
        held: Vec::new(),
    };
    let Start {
        mut pc,
        mut sp,
        mut lr,
        mut exact,
        ..
    } = start;
    let mut innermost = true;
    let mut callee: Vec<u8> = Vec::new();
    if pc == 0 {
        // A call of a nil function: the return address is on top.
        match (arch, words.word(sp)) {
            (Arch::Amd64, Some(word)) => {
                pc = word;
                sp = sp.saturating_add(8);
            }
            (Arch::Arm64, _) => {
                pc = lr;
                lr = 0;
            }
            (Arch::Amd64, None) => {}
        }
    }
    let cut = |why: &str, pc: u64| End::Cut(format!("{why} ({pc:#x})"));
    loop {
        if frames.len() >= most.min(FRAMES) {
            return (frames, End::Cut("it has more frames than are shown".into()));
        }
        let Some(place) = cache.place(pc) else {
            return (frames, cut("an address that is in no function", pc));
        };
        // The line is that of the call, which stands before the return address.
        let at_entry = pc == place.func.entry;
        let lookup = if exact || at_entry {
            pc
        } else {
            pc.saturating_sub(1)
        };
        let Some(size) = place.size else {
            return (frames, cut("an address without a frame size", pc));
        };
        let mut fp = sp.wrapping_add(size);
        if arch == Arch::Amd64 {
            fp = fp.wrapping_add(8);
        }
        push(
            &mut frames,
            cache,
            &place,
            pc,
            lookup,
            fp,
            innermost,
            &mut callee,
        );
        let name = place.name.bytes();
        if place.func.is_top() || names::is_top(name) {
            return (frames, End::Top);
        }
        let goes_on = innermost || matches!(name, b"runtime.systemstack" | b"runtime.cgocallback");
        if place.func.writes_sp() && !goes_on {
            return (frames, cut("a function that moves the stack pointer", pc));
        }
        if fp < sp || fp > start.stack.1 {
            return (frames, cut("a frame that leads out of the stack", pc));
        }
        let next = match arch {
            Arch::Amd64 => fp.checked_sub(8).and_then(|at| words.word(at)),
            Arch::Arm64 if (innermost && sp < fp) || lr == 0 => words.word(sp),
            Arch::Arm64 => Some(lr),
        };
        let Some(next) = next else {
            return (frames, cut("a return address that is not there", pc));
        };
        if next == 0 {
            return (frames, cut("a return address that is zero", pc));
        }
        lr = 0;
        let progressed = fp > sp || arch == Arch::Arm64;
        if !progressed || (fp == sp && !innermost && next == pc) {
            return (frames, cut("a frame of no size", pc));
        }
        exact = names::is_injected(name);
        sp = fp;
        pc = next;
        if exact && arch == Arch::Arm64 {
            // The handler saved the link register before it faked the call.
            let saved = words.word(sp).unwrap_or(0);
            sp = sp.saturating_add(16);
            match cache.place(pc) {
                None => pc = saved,
                Some(place) if place.size == Some(0) => lr = saved,
                Some(_) => {}
            }
        }
        innermost = false;
    }
}

/// Appends the frames of one program counter: what is inlined there, and the function.
#[expect(clippy::too_many_arguments, reason = "all of them are one frame")]
fn push(
    frames: &mut Vec<Frame>,
    cache: &mut Cache<'_>,
    place: &crate::cache::Place,
    pc: u64,
    lookup: u64,
    fp: u64,
    innermost: bool,
    callee: &mut Vec<u8>,
) {
    let sites = cache.sites(place, pc, lookup, innermost);
    for (site, id) in sites.iter() {
        let wrapper = cache.is_wrapper(*id) && !names::shows_wrapper(callee);
        let site = if wrapper && !site.hidden {
            Arc::new(Site {
                hidden: true,
                ..Site::clone(site)
            })
        } else {
            Arc::clone(site)
        };
        callee.clear();
        callee.extend_from_slice(site.function.bytes());
        frames.push(Frame {
            site,
            pc,
            fp,
            arguments: None::<Box<Text>>,
        });
    }
}
