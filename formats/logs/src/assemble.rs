//! Lines that belong together: a panic with its goroutines, pieces that a bound had cut.

use std::collections::HashMap;

use crate::level::{begins_a_panic, find};
use crate::line::Line;

/// Most of what goes on with a line: 256 KiB.
const MORE: usize = 256 << 10;
/// Streams that are followed at one time.
const STREAMS: usize = 4_096;

/// Whose lines go on with each other: the source, the boot, and the process.
pub(crate) type Stream = (usize, Option<[u8; 16]>, Option<u32>);

/// Puts lines together, and holds no more of them than it may.
#[derive(Debug)]
pub(crate) struct Assembler {
    pub(crate) lines: Vec<Line>,
    open: HashMap<Stream, Open>,
    bytes: usize,
    /// Lines that were left out since there are too many.
    pub(crate) dropped: u64,
    most: usize,
    /// Whether lines come in the order of their times: then the oldest go where there are too many.
    in_order: bool,
}

#[derive(Debug, Clone, Copy)]
struct Open {
    index: usize,
    /// A panic, or a piece that was cut.
    is_cut: bool,
}

impl Assembler {
    /// At most so many bytes of lines, which come in the order of their times.
    pub(crate) fn new(most: usize) -> Self {
        Self {
            lines: Vec::new(),
            open: HashMap::new(),
            bytes: 0,
            dropped: 0,
            most,
            in_order: true,
        }
    }

    /// From now on at most so many bytes, of lines that come as files have them: later ones are left out.
    pub(crate) const fn in_no_order(&mut self, most: usize) {
        self.most = most;
        self.in_order = false;
    }

    /// Whether `text` goes on with what that stream said last, and is put to it.
    pub(crate) fn goes_on(&mut self, stream: Stream, text: &[u8]) -> bool {
        let Some(open) = self.open.get(&stream).copied() else {
            return false;
        };
        if !open.is_cut && !continues(text) {
            self.open.remove(&stream);
            return false;
        }
        let Some(line) = self.lines.get_mut(open.index) else {
            return false;
        };
        line.more_lines = line.more_lines.saturating_add(1);
        if line.more.len().saturating_add(text.len()) < MORE && self.bytes < self.most {
            self.bytes = self.bytes.saturating_add(text.len());
            line.more.extend_from_slice(text);
            line.more.push(b'\n');
        }
        if open.is_cut {
            self.open.remove(&stream);
        }
        true
    }

    /// Adds a line; what follows in its stream may belong to it.
    pub(crate) fn add(&mut self, stream: Stream, line: Line, is_cut: bool) {
        let size = size_of(&line);
        if self.bytes.saturating_add(size) > self.most {
            if !self.in_order {
                self.dropped = self.dropped.saturating_add(1);
                return;
            }
            self.make_room();
        }
        self.bytes = self.bytes.saturating_add(size);
        if is_cut || begins_a_panic(line.text.bytes()) {
            if self.open.len() >= STREAMS {
                self.open.clear();
            }
            let index = self.lines.len();
            self.open.insert(stream, Open { index, is_cut });
        }
        self.lines.push(line);
    }
}

impl Assembler {
    /// Gives the older half up: what was said last tells most.
    fn make_room(&mut self) {
        let half = self.lines.len().div_ceil(2);
        let older: Vec<Line> = self.lines.drain(..half).collect();
        let freed = older.iter().map(size_of).fold(0, usize::saturating_add);
        self.bytes = self.bytes.saturating_sub(freed);
        let dropped = u64::try_from(older.len()).unwrap_or(u64::MAX);
        self.dropped = self.dropped.saturating_add(dropped);
        self.open
            .retain(|_, open| match open.index.checked_sub(half) {
                Some(index) => {
                    open.index = index;
                    true
                }
                None => false,
            });
    }
}

/// What a line takes, nearly.
fn size_of(line: &Line) -> usize {
    let text = line.text.bytes().len();
    text.saturating_add(line.more.len()).saturating_add(192)
}

/// Whether a line can stand in the middle of what Go's runtime prints when it dies.
fn continues(text: &[u8]) -> bool {
    let begins = |prefix: &[u8]| text.starts_with(prefix);
    if find(text, b"level=").is_some() || crate::level::is_klog(text) || begins(b"{\"") {
        return false;
    }
    let is_register = || {
        let name = text.split(|byte| *byte == b' ').next().unwrap_or_default();
        (2..=6).contains(&name.len()) && find(text, b" 0x").is_some()
    };
    text.is_empty()
        || begins(b"\t")
        || begins(b"goroutine ")
        || begins(b"created by ")
        || begins(b"[signal ")
        || begins(b"exit status ")
        || begins(b"runtime stack:")
        || begins(b"panic: ")
        || begins(b"PC=")
        || begins(b"...additional frames")
        || text.ends_with(b")")
        || text.ends_with(b"[recovered]")
        || is_register()
}
