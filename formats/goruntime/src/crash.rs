//! Why a process ended by itself: the goroutine that panicked, what it said, and where.
//!
//! `runtime/panic.go`: `gopanic` keeps each panic in `g._panic`; before it prints them, `preprintpanics`
//! makes strings of errors. `throw` and `fatal` keep their text in their own frame alone, in the closure that prints
//! it on the system's stack:
//!
//! ```text
//! the code of runtime.throw.func1    address of the text    its length
//! ```

use std::sync::Arc;

use elfcore::Memory;
use finding::Text;
use goroutines::{Frame, Goroutine, Site, Status};
use serde::Serialize;

use crate::Go;
use crate::types;

/// Bytes of a message.
const MESSAGE: u64 = 512;
/// Bytes of the frame of what ends a program.
const FRAME: u64 = 4096;
/// Panics within panics.
const NESTED: usize = 64;

/// Functions that end a program.
const PANICS: [&[u8]; 6] = [
    b"runtime.gopanic",
    b"runtime.throw",
    b"runtime.fatal",
    b"runtime.fatalthrow",
    b"runtime.fatalpanic",
    b"runtime.sigpanic",
];

/// Where a process ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Crash {
    /// The goroutine.
    pub goroutine: u64,
    /// Whether it panicked or the runtime gave up, and not only a signal came.
    pub panicked: bool,
    /// Whether the runtime gave up by itself (a fatal error), and no panic of the program's ended it.
    pub fatal: bool,
    /// What the panic or the runtime said; nothing where neither keeps a text.
    pub message: Option<Text>,
    /// The innermost frame of the program itself.
    pub site: Option<Arc<Site>>,
}

impl Serialize for Crash {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        use serde::ser::SerializeStruct as _;
        let mut map = serializer.serialize_struct("Crash", 5)?;
        map.serialize_field("goroutine", &self.goroutine)?;
        map.serialize_field("panicked", &self.panicked)?;
        map.serialize_field("fatal", &self.fatal)?;
        map.serialize_field("message", &self.message)?;
        let site = self.site.as_ref();
        map.serialize_field("function", &site.map(|site| &site.function))?;
        map.end()
    }
}

impl Go<'_> {
    /// The goroutine that ended the process: one that panics, else the one whose id is `first`, which ran
    /// on the thread that got the signal.
    pub fn crash(&self, goroutines: &[Goroutine], first: Option<u64>) -> Option<Crash> {
        let ends = |one: &&Goroutine| {
            matches!(one.status, Status::Running | Status::Syscall) && panics(one).is_some()
        };
        let mine = |one: &&Goroutine| Some(one.id) == first;
        let panicked = goroutines
            .iter()
            .filter(mine)
            .find(ends)
            .or_else(|| goroutines.iter().find(ends));
        let one = panicked.or_else(|| goroutines.iter().find(mine))?;
        let site = match panics(one) {
            Some(at) => {
                let mut after = one.frames.iter().skip(at.saturating_add(1));
                let is_own = |frame: &&Frame| {
                    let name = frame.site.function.bytes();
                    !name.starts_with(b"runtime.") && !name.starts_with(b"internal/runtime/")
                };
                after.find(is_own)
            }
            None => one.place(),
        };
        let site = site.map(|frame| &frame.site);
        let said = panicked.and_then(|one| self.panic_message(one.address));
        let thrown = panicked
            .filter(|_| said.is_none())
            .and_then(|one| self.thrown(one));
        Some(Crash {
            goroutine: one.id,
            panicked: panicked.is_some(),
            fatal: thrown.is_some(),
            message: said.or(thrown),
            site: site.map(Arc::clone),
        })
    }

    /// What the runtime said when it gave up.
    fn thrown(&self, one: &Goroutine) -> Option<Text> {
        let memory = self.memory();
        for pair in one.frames.windows(2) {
            let [inner, frame] = pair else { continue };
            let printer: &[u8] = match frame.site.function.bytes() {
                b"runtime.throw" => b"runtime.throw.func1",
                b"runtime.fatal" => b"runtime.fatal.func1",
                _ => continue,
            };
            let len = frame.fp.checked_sub(inner.fp)?.min(FRAME);
            let held = memory.some(inner.fp, len);
            let words: Vec<u64> = held
                .chunks_exact(8)
                .filter_map(|word| word.first_chunk().copied().map(u64::from_le_bytes))
                .collect();
            let found = words.windows(3).find_map(|triple| {
                let [code, start, len] = *triple else {
                    return None;
                };
                let name = self.function(code).filter(|name| name.bytes() == printer);
                name.filter(|_| (1..=MESSAGE).contains(&len))?;
                let len = usize::try_from(len).ok()?;
                memory.all(start, len).map(Text::from)
            });
            if found.is_some() {
                return found;
            }
        }
        None
    }

    /// What the first panic of a goroutine said: those that came while it was handled are not the cause.
    fn panic_message(&self, g: u64) -> Option<Text> {
        let memory = self.memory();
        let word = |at: u64, field: u64| memory.u64(at.checked_add(field)?);
        let link = self.field("_panic", "link")?;
        let mut at = word(g, self.field("g", "_panic")?).filter(|at| *at != 0)?;
        for _ in 0..NESTED {
            match word(at, link) {
                Some(next) if next != 0 => at = next,
                _ => break,
            }
        }
        let argument = self.field("_panic", "arg")?;
        let kind = word(at, argument).filter(|kind| *kind != 0)?;
        let data = word(at, argument.checked_add(8)?)?;
        said(memory, kind, data).or_else(|| {
            let name = types::type_name(memory, self.module(), self.version, kind)?;
            Some(Text::from(format!("a value of type {name}")))
        })
    }
}

/// The outermost of the innermost frames that end a program.
fn panics(one: &Goroutine) -> Option<usize> {
    one.frames
        .iter()
        .position(|frame| PANICS.contains(&frame.site.function.bytes()))
}

/// Kinds of types (`internal/abi/type.go`).
const POINTER: u8 = 22;
const STRING: u8 = 24;
const STRUCT: u8 = 25;

/// The text of an interface's value: a string, or the first field of a struct, which in errors is one.
fn said(memory: &dyn Memory, kind: u64, data: u64) -> Option<Text> {
    let tag = |kind: u64| Some(memory.u8(kind.checked_add(23)?)? & 31);
    let mut kind = kind;
    if tag(kind)? == POINTER {
        kind = memory.u64(kind.checked_add(48)?)?;
    }
    if tag(kind)? == STRUCT {
        let fields = memory.u64(kind.checked_add(56)?)?;
        if memory.u64(kind.checked_add(64)?)? == 0 {
            return None;
        }
        kind = memory.u64(fields.checked_add(8)?)?;
    }
    if tag(kind)? != STRING {
        return None;
    }
    let start = memory.u64(data)?;
    let len = memory.u64(data.checked_add(8)?)?;
    let bytes = memory.some(start, len.min(MESSAGE));
    (!bytes.is_empty() || len == 0).then(|| Text::from(bytes))
}
