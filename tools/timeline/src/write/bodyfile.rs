//! The body file of The Sleuth Kit 3, for mactime:
//!
//! ```text
//! MD5|name|inode|mode_as_string|UID|GID|size|atime|mtime|ctime|crtime
//! ```
//!
//! Times are whole seconds since 1970; 0: not known. mactime splits a line at every `|` and only
//! then decodes `%XX`, so these two stand in a name as `%7C` and `%25`; it drops a name with a line
//! end. What else does not show is written as `\xNN`, a backslash as two, as Plaso reads it.

use std::fmt::Write as _;

use evidence::{FileKind, Stat};
use finding::{Text, Time};

use timeline::{Store, Subject, What};

/// The lines of a subject: nothing for one whose times cannot be told in this format. A line is
/// wanted if one of its times is.
pub(super) fn bodies(subject: &Subject, wanted: impl Fn(Time) -> bool) -> Vec<Option<String>> {
    let mut times: [Option<Time>; 4] = [None; 4];
    let mut others = Vec::new();
    for (what, time) in &subject.times {
        let at = match what {
            What::Accessed => 0,
            What::Modified | What::Updated => 1,
            What::Changed => 2,
            What::Born | What::Created => 3,
            // These are none of the four: each has a line of its own.
            What::Started | What::Finished | What::Rotated | What::Said | What::Expires => {
                others.push((*what, *time));
                continue;
            }
        };
        if let Some(place) = times.get_mut(at) {
            *place = Some(*time);
        }
    }
    let mut lines = Vec::new();
    if times.iter().flatten().any(|time| wanted(*time)) {
        lines.push(line(subject, "", times));
    }
    for (what, time) in others {
        if wanted(time) {
            lines.push(line(subject, what.word(), [None, Some(time), None, None]));
        }
    }
    lines
}

fn line(subject: &Subject, word: &str, times: [Option<Time>; 4]) -> Option<String> {
    // mactime sorts texts of ten digits.
    let seconds = times.map(|time| time.map_or(0, |time| time.seconds).clamp(0, 9_999_999_999));
    let lost = times
        .iter()
        .zip(seconds)
        .all(|(time, seconds)| time.is_none_or(|time| time.seconds != seconds || seconds == 0));
    if lost {
        return None;
    }
    let mut line = String::from("0|");
    name(&mut line, subject, word);
    let stat = subject.stat.as_ref().filter(|stat| !stat.only_kind);
    let [read, modified, changed, born] = seconds;
    let _ = writeln!(
        line,
        "|{}|{}|{}|{}|{}|{read}|{modified}|{changed}|{born}",
        stat.and_then(|stat| stat.ino).unwrap_or(0),
        stat.map_or_else(|| "-/----------".to_owned(), mode),
        stat.map_or(0, |stat| stat.uid),
        stat.map_or(0, |stat| stat.gid),
        stat.map_or(0, |stat| stat.size),
    );
    Some(line)
}

/// `containerd:/<namespace>/<container>/etc/passwd`, `containerd:meta:/<namespace>/image/<name>`.
fn name(into: &mut String, subject: &Subject, word: &str) {
    let part = |into: &mut String, text: Option<&Text>| {
        into.push('/');
        escape(into, text.map_or(&b"-"[..], Text::bytes));
    };
    if subject.store == Store::Files {
        into.push_str("containerd:");
        if let Some(container) = &subject.container {
            part(into, subject.namespace.as_ref());
            part(into, Some(container));
        } else {
            // Nobody's: by where it lies, so that two of them are not one.
            escape(into, subject.place.as_ref().map_or(&b""[..], Text::bytes));
            return finish(into, subject, word);
        }
        escape(into, subject.name.bytes());
    } else if subject.stat.is_some() {
        into.push_str("containerd:");
        escape(into, subject.place.as_ref().map_or(&b""[..], Text::bytes));
    } else {
        let _ = write!(into, "containerd:{}:", subject.store.word());
        if let Some(snapshotter) = &subject.snapshotter {
            part(into, Some(snapshotter));
        }
        part(into, subject.namespace.as_ref());
        let _ = write!(into, "/{}", subject.kind);
        part(into, Some(&subject.name));
    }
    finish(into, subject, word);
}

fn finish(into: &mut String, subject: &Subject, word: &str) {
    let is_link = subject.stat.as_ref().is_some_and(Stat::is_symlink);
    if let Some(target) = subject.target.as_ref().filter(|_| is_link) {
        into.push_str(" -> ");
        escape(into, target.bytes());
    }
    if !word.is_empty() {
        let _ = write!(into, " ({word})");
    }
    if subject.kind == "whiteout" {
        into.push_str(" (whiteout)");
    }
    if let Some(found) = &subject.recovered {
        // Several versions of one object are several lines: mactime keeps one size for a name.
        let _ = write!(
            into,
            " ({}) page {} at {:#x}",
            found.word(),
            found.page,
            found.offset
        );
    }
}

/// A name without anything that ends a field or a line, or that does not show.
fn escape(into: &mut String, bytes: &[u8]) {
    let mut rest = bytes;
    while !rest.is_empty() {
        let (text, bad) = match core::str::from_utf8(rest) {
            Ok(text) => (text, 0),
            Err(error) => {
                let (good, tail) = rest.split_at(error.valid_up_to());
                let bad = error.error_len().unwrap_or(tail.len());
                (core::str::from_utf8(good).unwrap_or_default(), bad)
            }
        };
        for (at, letter) in text.char_indices() {
            match letter {
                '|' => into.push_str("%7C"),
                '%' if is_encoded(text.get(at..).unwrap_or_default()) => into.push_str("%25"),
                '\\' => into.push_str("\\\\"),
                letter if letter.is_control() || finding::is_treacherous(letter) => {
                    for byte in letter.encode_utf8(&mut [0; 4]).bytes() {
                        let _ = write!(into, "\\x{byte:02x}");
                    }
                }
                letter => into.push(letter),
            }
        }
        let (_, tail) = rest.split_at(text.len());
        let (odd, tail) = tail.split_at(bad.min(tail.len()));
        for byte in odd {
            let _ = write!(into, "\\x{byte:02x}");
        }
        rest = tail;
    }
}

/// Whether mactime would decode what begins here.
fn is_encoded(text: &str) -> bool {
    let mut letters = text.bytes().skip(1);
    let mut is_hex = || letters.next().is_some_and(|byte| byte.is_ascii_hexdigit());
    is_hex() && is_hex()
}

/// `r/rrwxr-xr-x`, as `fls -m` writes it.
fn mode(stat: &Stat) -> String {
    let letter = match stat.kind {
        FileKind::File => 'r',
        FileKind::Dir => 'd',
        FileKind::Symlink => 'l',
        FileKind::Fifo => 'p',
        FileKind::Socket => 's',
        FileKind::Char => 'c',
        FileKind::Block => 'b',
    };
    let bit = |at: u32| stat.mode & (1 << at) != 0;
    let mut text = format!("{letter}/{letter}");
    for (shift, special, both, alone) in [(6, 11, 's', 'S'), (3, 10, 's', 'S'), (0, 9, 't', 'T')] {
        text.push(if stat.mode >> shift & 4 != 0 {
            'r'
        } else {
            '-'
        });
        text.push(if stat.mode >> shift & 2 != 0 {
            'w'
        } else {
            '-'
        });
        text.push(match (stat.mode >> shift & 1 != 0, bit(special)) {
            (true, true) => both,
            (false, true) => alone,
            (true, false) => 'x',
            (false, false) => '-',
        });
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn escaped(bytes: &[u8]) -> String {
        let mut text = String::new();
        escape(&mut text, bytes);
        text
    }

    #[test]
    fn names_stay_one_field_of_one_line() {
        for (name, want) in [
            (&b"plain name"[..], "plain name"),
            (b"a|b", "a%7Cb"),
            (b"100%", "100%"),
            (b"%41 %4", "%2541 %4"),
            (b"line\nend\r", "line\\x0aend\\x0d"),
            (b"back\\slash", "back\\\\slash"),
            (b"\xff\xfe|", "\\xff\\xfe%7C"),
            ("é\u{202e}\u{85}".as_bytes(), "é\\xe2\\x80\\xae\\xc2\\x85"),
            (b"cut \xe2\x80", "cut \\xe2\\x80"),
        ] {
            assert_eq!(escaped(name), want);
        }
    }

    #[test]
    fn a_line_has_eleven_fields() {
        let mut subject = Subject::new(Store::Cri, "status of container", "web|1");
        subject.namespace = Some(Text::from("k8s.io"));
        subject.times = vec![
            (What::Created, Time::new(1000, 5)),
            (What::Started, Time::new(1001, 5)),
            (What::Finished, Time::new(-5, 0)),
        ];
        let lines = bodies(&subject, |_| true);
        let want = "0|containerd:cri:/k8s.io/status of container/web%7C1|0|-/----------|0|0|0|0|0|0|1000\n";
        assert_eq!(lines[0].as_deref(), Some(want));
        assert!(lines[1].as_ref().unwrap().contains("web%7C1 (started)|"));
        // Before 1970: there is no such time in this format.
        assert_eq!(lines[2], None);
        assert!(
            lines
                .iter()
                .flatten()
                .all(|line| line.split('|').count() == 11)
        );
        assert_eq!(bodies(&subject, |time| time.seconds == 1001).len(), 1);
    }
}
