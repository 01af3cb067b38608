//! Goroutines that a process wrote itself: on SIGUSR1 (containerd, shims), SIGQUIT, or in a panic;
//! alone in a file or between the lines of a log.
//!
//! ```text
//! goroutine 7 [chan receive, 5 minutes, locked to thread]:
//! main.wait(0xc000012345, {0x1, 0x2}, ...)
//!     /src/main.go:12 +0x1a
//! created by main.main in goroutine 1
//!     /src/main.go:30 +0x45
//! ```
//!
//! A log may hold a whole dump as one message, with `\n` and `\t` written out.

use std::sync::Arc;

use finding::Text;

use crate::{
    Access, Await, Creator, End, Frame, Goroutine, Object, ObjectKind, Site, Status, Waited,
};

/// Goroutines of one text.
const GOROUTINES: usize = 1 << 20;
/// Frames of one goroutine.
const FRAMES: usize = 4096;
/// Bytes of a line that are looked at.
const LINE: usize = 1 << 16;

/// The dumps in a text, each a list of goroutines: a new one begins where a number comes again.
pub fn parse(text: &[u8]) -> Vec<Vec<Goroutine>> {
    let mut dumps: Vec<Vec<Goroutine>> = Vec::new();
    let mut seen = std::collections::HashSet::new();
    let mut current: Option<Goroutine> = None;
    let mut call: Option<Call> = None;
    let mut count = 0_usize;
    let mut close = |current: &mut Option<Goroutine>, dumps: &mut Vec<Vec<Goroutine>>| {
        if let Some(mut one) = current.take() {
            note_waits(&mut one);
            if dumps.is_empty() || !seen.insert(one.id) {
                seen.clear();
                seen.insert(one.id);
                dumps.push(Vec::new());
            }
            if let Some(dump) = dumps.last_mut() {
                dump.push(one);
            }
        }
    };
    for line in lines(text) {
        let line = line.get(..LINE).unwrap_or(line);
        if let Some(one) = head(line) {
            close(&mut current, &mut dumps);
            call = None;
            count = count.saturating_add(1);
            if count > GOROUTINES {
                break;
            }
            current = Some(one);
            continue;
        }
        let Some(one) = &mut current else { continue };
        // A name without a position after it was no call.
        if let Some(place) = call.take()
            && let Some((file, number, offset)) = position(line)
        {
            place.put(one, file, number, offset);
            continue;
        }
        call = Call::parse_call(line);
        if call.is_none() && !goes_on(line) {
            close(&mut current, &mut dumps);
        }
    }
    close(&mut current, &mut dumps);
    dumps
}

/// The lines of a text; of a message with `\n` written out, its lines.
fn lines(text: &[u8]) -> impl Iterator<Item = &[u8]> {
    text.split(|byte| *byte == b'\n').flat_map(|line| {
        let mut rest = Some(line);
        core::iter::from_fn(move || {
            let line = rest?;
            let at = line.windows(2).position(|two| two == b"\\n");
            let (first, after) = match at {
                Some(at) => (line.get(..at)?, line.get(at.saturating_add(2)..)),
                None => (line, None),
            };
            rest = after;
            Some(first)
        })
    })
}

/// The line that heads a goroutine, wherever in a line of a log it begins.
fn head(line: &[u8]) -> Option<Goroutine> {
    let text = core::str::from_utf8(line).ok()?.trim_end();
    let at = text.rfind("goroutine ")?;
    let rest = text.get(at..)?.strip_prefix("goroutine ")?;
    let (id, rest) = rest.split_once(' ')?;
    let id = id.parse().ok()?;
    // In a crash, addresses of g and m stand before the state.
    let open = rest.find('[')?;
    let between = rest.get(..open)?;
    if !between.split_whitespace().all(|word| word.contains('=')) {
        return None;
    }
    let inside = rest.get(open..)?.strip_prefix('[')?.strip_suffix("]:")?;
    let mut words = inside.split(", ");
    let state = words.next()?.trim_end_matches(" (scan)");
    let mut one = Goroutine::new(id, Status::from_word(state));
    if one.status == Status::Waiting {
        one.reason = Some(Text::from(state));
    }
    for word in words {
        if word == "locked to thread" {
            one.locked = true;
        } else if let Some(minutes) = word.strip_suffix(" minutes") {
            let least = minutes.parse::<u64>().ok()?.saturating_mul(60);
            // Whole minutes were printed, and the collection noted the wait late.
            let most = least.checked_add(60 + Waited::PERIOD);
            one.waited = Some(Waited { least, most });
        }
    }
    Some(one)
}

/// A call, whose position is in the line that follows.
enum Call {
    Frame(Text, Option<Box<Text>>),
    Creator(Text, Option<u64>),
}

impl Call {
    fn parse_call(line: &[u8]) -> Option<Self> {
        let text = core::str::from_utf8(line).ok()?.trim_end();
        if text.starts_with(['\t', ' ']) || text.starts_with("\\t") || text.is_empty() {
            return None;
        }
        if let Some(rest) = text.strip_prefix("created by ") {
            let (name, parent) = match rest.rsplit_once(" in goroutine ") {
                Some((name, parent)) => (name, parent.parse().ok()),
                None => (rest, None),
            };
            return Some(Self::Creator(Text::from(name), parent));
        }
        let inside = text.strip_suffix(')')?;
        let open = opening(inside)?;
        let (name, arguments) = (inside.get(..open)?, inside.get(open.checked_add(1)?..)?);
        if name.is_empty() || name.contains(char::is_whitespace) && !name.contains("...") {
            return None;
        }
        let arguments = (arguments != "...").then(|| Box::new(Text::from(arguments)));
        Some(Self::Frame(Text::from(name), arguments))
    }

    fn put(self, one: &mut Goroutine, file: Text, line: u32, offset: Option<u64>) {
        let site = |function: Text, inlined: bool| {
            let hidden = false;
            Arc::new(Site {
                function,
                file,
                line,
                offset,
                inlined,
                hidden,
            })
        };
        match self {
            Self::Frame(name, arguments) if one.frames.len() < FRAMES => {
                let inlined = offset.is_none() && arguments.is_none();
                one.frames.push(Frame {
                    site: site(name, inlined),
                    pc: 0,
                    fp: 0,
                    arguments,
                });
            }
            Self::Frame(..) => {}
            Self::Creator(name, parent) => {
                one.creator = Some(Creator {
                    site: site(name, false),
                    parent,
                });
            }
        }
    }
}

/// Where the bracket opens that ends with the text: names hold brackets, too (`(*T).f`).
fn opening(inside: &str) -> Option<usize> {
    let mut depth = 0_usize;
    for (at, letter) in inside.char_indices().rev() {
        match letter {
            ')' => depth = depth.saturating_add(1),
            '(' if depth == 0 => return Some(at),
            '(' => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    None
}

/// A file, a line, and a distance: `/src/main.go:12 +0x1a`.
fn position(line: &[u8]) -> Option<(Text, u32, Option<u64>)> {
    let text = core::str::from_utf8(line).ok()?.trim_end();
    let text = text
        .strip_prefix('\t')
        .or_else(|| text.strip_prefix("\\t"))
        .or_else(|| text.strip_prefix("    "))?;
    let mut words = text.split(" +0x");
    let place = words.next()?;
    let offset = words.next().and_then(|rest| {
        let digits = rest.split(' ').next()?;
        u64::from_str_radix(digits, 16).ok()
    });
    let (file, line) = place.rsplit_once(':')?;
    Some((Text::from(file), line.parse().ok()?, offset))
}

/// Whether a line is part of a goroutine although it is neither a call nor a position.
fn goes_on(line: &[u8]) -> bool {
    let text = String::from_utf8_lossy(line);
    text.contains("frames elided") || text.trim_start().starts_with("goroutine running on other")
}

/// What it waits for, by the reason and by the first argument of the functions that wait.
fn note_waits(one: &mut Goroutine) {
    one.end = End::Unknown;
    let first = |names: &[&str]| {
        one.frames.iter().find_map(|frame| {
            if !names.iter().any(|name| frame.site.function == **name) {
                return None;
            }
            let arguments = frame.arguments.as_ref()?.to_string();
            // One with a question mark is what was left in the register, which may be something else.
            let word = arguments.split([',', ' ']).next()?;
            u64::from_str_radix(word.strip_prefix("0x")?, 16).ok()
        })
    };
    let object = |kind: ObjectKind, address: Option<u64>, access: Access| {
        address.map(|address| Await {
            object: Object { kind, address },
            access,
        })
    };
    let rwmutex = ObjectKind::RwMutex {
        readers: None,
        departing: None,
    };
    let found = object(
        rwmutex.clone(),
        first(&["sync.(*RWMutex).RLock"]),
        Access::ReadLock,
    )
    .or_else(|| object(rwmutex, first(&["sync.(*RWMutex).Lock"]), Access::Lock))
    .or_else(|| {
        let names = [
            "internal/sync.(*Mutex).lockSlow",
            "sync.(*Mutex).lockSlow",
            "sync.(*Mutex).Lock",
        ];
        object(
            ObjectKind::Mutex { state: None },
            first(&names),
            Access::Lock,
        )
    })
    .or_else(|| {
        let kind = ObjectKind::WaitGroup { counter: None };
        object(kind, first(&["sync.(*WaitGroup).Wait"]), Access::Wait)
    });
    if let Some(found) = found {
        one.awaits.push(found);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DUMP: &str = "panic: oops\n\ngoroutine 1 [running]:\nmain.(*T).f(0xc000012345, {0x1, 0x2})\n\
        \t/src/main.go:12 +0x1a\nmain.main()\n\t/src/main.go:30 +0x45\n\n\
        goroutine 7 [sync.Mutex.Lock, 5 minutes, locked to thread]:\n\
        sync.(*Mutex).lockSlow(0xc000020208)\n\t/go/sync/mutex.go:171 +0x15d\n\
        sync.(*Mutex).Lock(...)\n\t/go/sync/mutex.go:90\n\
        main.wait()\n\t/src/main.go:14 +0x1b\n\
        created by main.main in goroutine 1\n\t/src/main.go:31 +0x55\nexit status 2\n";

    #[test]
    fn a_panic_is_read() {
        let dumps = parse(DUMP.as_bytes());
        assert_eq!(dumps.len(), 1);
        let [first, second] = dumps[0].as_slice() else {
            panic!("{dumps:?}")
        };
        assert_eq!((first.id, first.status), (1, Status::Running));
        assert_eq!(first.frames[0].site.function, "main.(*T).f");
        assert_eq!(first.frames[0].site.line, 12);
        assert_eq!(
            second.to_string(),
            "goroutine 7 [sync.Mutex.Lock, 5 minutes, locked to thread]"
        );
        assert_eq!(second.frames.len(), 3);
        assert!(second.frames[1].site.inlined);
        assert_eq!(second.awaits[0].object.address, 0xc0_0002_0208);
        let creator = second.creator.as_ref().unwrap();
        assert_eq!((creator.parent, creator.site.line), (Some(1), 31));
    }

    #[test]
    fn what_was_read_is_written_as_it_was() {
        let dumps = parse(DUMP.as_bytes());
        let mut text = Vec::new();
        crate::traceback::write(&mut text, &dumps[0], true).unwrap();
        let from = DUMP.find("goroutine 1").unwrap();
        let to = DUMP.find("exit").unwrap();
        assert_eq!(String::from_utf8(text).unwrap(), DUMP[from..to]);
    }

    #[test]
    fn a_message_of_a_log_is_read_and_the_next_dump_is_another() {
        let message = DUMP.replace('\n', "\\n").replace('\t', "\\t");
        let log = format!("time=1 level=info msg=\"{message}\"\ntime=2 msg=\"{message}\"\n");
        let dumps = parse(log.as_bytes());
        assert_eq!(dumps.len(), 2);
        assert_eq!(dumps[0], dumps[1]);
        assert_eq!(dumps[0].len(), 2);
        assert_eq!(dumps[0][1].frames.len(), 3);
    }

    #[test]
    fn no_text_is_too_odd() {
        for text in [
            "goroutine ",
            "goroutine 1 [",
            "goroutine 1 []:\n)\n\t:",
            "goroutine 99999999999999999999 [x]:",
            "goroutine 1 [x]:\n()\n\ta:1\ncreated by \n\tb:2",
            "goroutine 1 [x]:\nf(\n\t\u{202e}:1 +0x",
        ] {
            let _odd = parse(text.as_bytes());
        }
    }
}
