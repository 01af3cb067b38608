//! Secrets in files of lines: units, environment files, INI, `name: value`, logs, anything else.

use crate::json::{self, blot};
use crate::judge::{self, Arguments, Kind};
use crate::quoted::Quoted;
use crate::shape::{self, Range, runs};
use crate::{harmless, words};

/// What the lines of a file are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Style {
    /// `NAME=value`, and each value is somebody's.
    Environment,
    /// `[Section]`, `Name=value`, `name: value`, or words.
    Any,
    /// What programs said: JSON or words.
    Log,
    /// What containerd, a plugin or the kernel wrote, and nobody chose.
    Known,
    /// `/proc/<pid>/status`: fields of the kernel.
    Status,
    /// The same in one line or two: what follows is not theirs.
    First(Holds),
}

/// What the first lines of a file hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Holds {
    /// A number, or an address.
    Fact,
    /// A path, an address of a shim, a name.
    Name,
    /// The number of a process.
    Pid,
    /// What an image or a container is found by.
    Key,
    /// An id, and the name of an interface.
    Lease,
}

impl Holds {
    /// What the line with this number is.
    const fn kind(self, number: usize) -> Kind {
        match (self, number) {
            (Self::Fact, 0) => Kind::Unknown,
            (Self::Pid, 0) => Kind::Short,
            (Self::Name, 0) | (Self::Lease, 0 | 1) => Kind::Known,
            (Self::Key, 0) => Kind::Line,
            _ => Kind::Text,
        }
    }
}

/// What a line that goes on is about.
#[derive(Debug, Clone)]
struct Goes {
    kind: Kind,
    words: Option<Arguments>,
    variables: bool,
    /// How deep its name stands: what is deeper belongs to it.
    indent: usize,
}

/// Masks the values; how many.
pub(crate) fn mask(bytes: &mut [u8], style: Style) -> u64 {
    let mut masked = 0_u64;
    let mut goes_on: Option<Goes> = None;
    let mut start = 0;
    let mut number = 0_usize;
    while start < bytes.len() {
        let end = line_end(bytes, start);
        masked = masked.saturating_add(match style {
            Style::Known => hide(bytes, start, end, Kind::Line),
            Style::Status => hide(bytes, start, end, status(bytes.get(start..end))),
            Style::First(holds) => first(bytes, start, end, holds.kind(number), number),
            Style::Log => log(bytes, start, end),
            Style::Environment | Style::Any => line(bytes, start, end, style, &mut goes_on),
        });
        start = end.saturating_add(1);
        number = number.saturating_add(1);
    }
    masked
}

/// Where the line that begins at `start` ends, without its line feed.
pub(crate) fn line_end(bytes: &[u8], start: usize) -> usize {
    let rest = bytes.get(start..).unwrap_or_default();
    let mut rest = rest.iter();
    rest.position(|byte| *byte == b'\n')
        .map_or(bytes.len(), |len| start.saturating_add(len))
}

/// What a line of `/proc/<pid>/status` is: no kernel writes other fields there.
fn status(line: Option<&[u8]>) -> Kind {
    let line = line.unwrap_or_default();
    let name = line.split(|byte| *byte == b':').next().unwrap_or_default();
    let name = core::str::from_utf8(name).unwrap_or_default();
    let is_known = STATUS.contains(&name)
        || STATUS_STARTS.iter().any(|start| {
            let rest = name.strip_prefix(start);
            rest.is_some_and(|rest| {
                rest.len() <= 12 && rest.bytes().all(|byte| byte.is_ascii_alphabetic())
            })
        });
    if is_known { Kind::Line } else { Kind::Secret }
}

/// Fields of `/proc/<pid>/status` (Linux, `fs/proc/array.c`).
const STATUS: [&str; 31] = [
    "Name",
    "Umask",
    "State",
    "Tgid",
    "Ngid",
    "Pid",
    "PPid",
    "TracerPid",
    "Uid",
    "Gid",
    "FDSize",
    "Groups",
    "NStgid",
    "NSpid",
    "NSpgid",
    "NSsid",
    "Kthread",
    "HugetlbPages",
    "CoreDumping",
    "THP_enabled",
    "untag_mask",
    "Threads",
    "NoNewPrivs",
    "Seccomp",
    "Seccomp_filters",
    "Speculation_Store_Bypass",
    "SpeculationIndirectBranch",
    "x86_Thread_features",
    "x86_Thread_features_locked",
    "voluntary_ctxt_switches",
    "nonvoluntary_ctxt_switches",
];

/// What others of them begin with: sizes, signals, capabilities, processors, nodes.
const STATUS_STARTS: [&str; 9] = [
    "Vm",
    "Rss",
    "Sig",
    "Shd",
    "Cap",
    "Cpus_",
    "Mems_",
    "Cpus_allowed_",
    "Mems_allowed_",
];

/// Bytes of the longest name of an interface.
const INTERFACE: usize = 15;

/// A line of a file that has one or two.
fn first(bytes: &mut [u8], from: usize, until: usize, kind: Kind, number: usize) -> u64 {
    let text = bytes.get(from..until).unwrap_or_default();
    let until = until.saturating_sub(usize::from(text.ends_with(b"\r")));
    // An id of a process, a size: a number, however long.
    let is_number = !text.is_empty() && text.trim_ascii().iter().all(u8::is_ascii_digit);
    if kind == Kind::Unknown && is_number && text.len() <= 20 {
        return 0;
    }
    // What is no number there, or too long a one, is of no kind.
    let kind = match kind {
        Kind::Short if !is_number => Kind::Unknown,
        // The kernel takes no longer name for an interface.
        Kind::Known if number == 1 && (text.len() > INTERFACE || is_number) => Kind::Unknown,
        // An id of digits alone is one of a length that ids have, or a short one.
        Kind::Known if is_number && !matches!(text.len(), 0..=10 | 12 | 32 | 64) => Kind::Unknown,
        Kind::Short if !is_process(text) => Kind::Secret,
        kind => kind,
    };
    hide(bytes, from, until, kind)
}

/// Whether a number is one that a process can have: `PID_MAX_LIMIT` is 4,194,304.
fn is_process(text: &[u8]) -> bool {
    let number = core::str::from_utf8(text.trim_ascii()).unwrap_or_default();
    number
        .parse::<u32>()
        .is_ok_and(|number| number <= 4_194_304)
}

fn hide(bytes: &mut [u8], from: usize, until: usize, kind: Kind) -> u64 {
    let quoted = Quoted::literal(bytes, from, until);
    let hidden = judge::hidden(kind, &quoted.text);
    u64::from(quoted.mask(bytes, &hidden))
}

fn log(bytes: &mut [u8], start: usize, end: usize) -> u64 {
    let line = bytes.get_mut(start..end).unwrap_or_default();
    if line.trim_ascii_start().starts_with(b"{") {
        return json::mask(line);
    }
    hide(bytes, start, end, Kind::Text)
}

fn line(
    bytes: &mut [u8],
    start: usize,
    end: usize,
    style: Style,
    goes_on: &mut Option<Goes>,
) -> u64 {
    let text = bytes.get(start..end).unwrap_or_default();
    let bare = text.trim_ascii();
    if bare.is_empty() {
        *goes_on = None;
        return 0;
    }
    if matches!(bare.first(), Some(b'#' | b';')) {
        return u64::from(blot(bytes, start, end));
    }
    let ends_open = bare.ends_with(b"\\");
    let before = goes_on.take();
    let indent = text.len().saturating_sub(text.trim_ascii_start().len());
    let is_open = |goes: &Goes| goes.words.is_some() || goes.variables || indent > goes.indent;
    if let Some(mut goes) = before.filter(is_open) {
        let is_row = goes.words.is_some() || goes.variables;
        if goes.kind == Kind::Secret || is_row || member(bytes, start, end).is_none() {
            if goes.kind.is_known() {
                goes.kind = Kind::Text;
            }
            let (masked, goes) = value(bytes, start, end, goes);
            *goes_on = (ends_open || !is_row).then_some(goes);
            return masked;
        }
    }
    if bare.starts_with(b"[") && bare.ends_with(b"]") {
        let is_kept = harmless::is_harmless(
            bare.get(1..bare.len().saturating_sub(1))
                .unwrap_or_default(),
        );
        return if is_kept {
            0
        } else {
            hide(bytes, start, end, Kind::Text)
        };
    }
    let Some((name, from, sign)) = member(bytes, start, end) else {
        let kind = if style == Style::Environment {
            Kind::Secret
        } else {
            Kind::Text
        };
        return hide(bytes, start, end, kind);
    };
    let mut masked = 0_u64;
    let plain = words::plain(&name);
    let goes = match plain.as_str() {
        _ if style == Style::Environment => Goes {
            kind: Kind::Secret,
            words: None,
            variables: false,
            indent,
        },
        "environment" | "passenvironment" | "setenv" | "env" if sign == b'=' => Goes {
            kind: Kind::Secret,
            words: None,
            variables: true,
            indent,
        },
        _ if plain.starts_with("exec") && sign == b'=' => Goes {
            kind: Kind::Unknown,
            words: Some(Arguments::default()),
            variables: false,
            indent,
        },
        "description" | "documentation" | "message" => Goes {
            kind: Kind::Text,
            words: None,
            variables: false,
            indent,
        },
        _ => Goes {
            kind: judge::of_name(&name),
            words: None,
            variables: false,
            indent,
        },
    };
    let name_end = from.saturating_sub(1);
    let name = Quoted::literal(bytes, start, name_end);
    let is_masked = name.mask(
        bytes,
        &shape::of_field(bytes.get(start..name_end).unwrap_or_default()),
    );
    masked = masked.saturating_add(u64::from(is_masked));
    let (more, goes) = value(bytes, from, end, goes);
    let keeps = ends_open || goes.words.is_none();
    *goes_on = keeps.then_some(goes);
    if !ends_open && let Some(goes) = goes_on {
        // `Name: value` may go on in a deeper line, `Name=value` does not.
        goes.variables = false;
        goes.words = None;
    }
    masked.saturating_add(more)
}

/// `name = value`, `name: value`, `export NAME=value`: the name, where its value begins, the sign.
fn member(bytes: &[u8], start: usize, end: usize) -> Option<(Vec<u8>, usize, u8)> {
    let text = bytes.get(start..end)?;
    let sign = text.iter().enumerate().position(|(at, byte)| {
        *byte == b'='
            || (*byte == b':'
                && text
                    .get(at.saturating_add(1))
                    .is_none_or(u8::is_ascii_whitespace))
    })?;
    let name = text.get(..sign)?.trim_ascii();
    let name = name.strip_prefix(b"export ").unwrap_or(name).trim_ascii();
    let is_name = !name.is_empty()
        && name
            .iter()
            .all(|byte| byte.is_ascii_alphanumeric() || b"_.-/".contains(byte))
        && !name.first().is_some_and(u8::is_ascii_digit);
    let sign_byte = *text.get(sign)?;
    is_name.then(|| {
        (
            name.to_vec(),
            start.saturating_add(sign).saturating_add(1),
            sign_byte,
        )
    })
}

/// Masks a value, or a part of one that goes on.
fn value(bytes: &mut [u8], from: usize, end: usize, mut goes: Goes) -> (u64, Goes) {
    let text = bytes.get(from..end).unwrap_or_default().to_vec();
    let lead = text.len().saturating_sub(text.trim_ascii_start().len());
    let from = from.saturating_add(lead);
    let mut bare = text.trim_ascii();
    bare = bare
        .strip_suffix(b"\\")
        .map_or(bare, <[u8]>::trim_ascii_end);
    let until = from.saturating_add(bare.len());
    let mut masked = 0_u64;
    if goes.variables || goes.words.is_some() {
        for (start, stop) in split(bare) {
            let word = bare_word(bare.get(start..stop).unwrap_or_default());
            let kind = match &mut goes.words {
                Some(arguments) => {
                    let program = word
                        .iter()
                        .position(|byte| !b"-@:+!|".contains(byte))
                        .unwrap_or(0);
                    let is_first = arguments.is_empty();
                    let word = if is_first {
                        word.get(program..).unwrap_or_default()
                    } else {
                        word
                    };
                    Kind::Argument(arguments.next(word))
                }
                None => Kind::Variable,
            };
            let quote = usize::from(matches!(
                bytes.get(from.saturating_add(start)),
                Some(b'"' | b'\'')
            ));
            let begin = from.saturating_add(start).saturating_add(quote);
            masked = masked.saturating_add(hide(
                bytes,
                begin,
                begin.saturating_add(word_len(start, stop, quote)),
                kind,
            ));
        }
        return (masked, goes);
    }
    let quote = bare
        .first()
        .copied()
        .filter(|byte| matches!(byte, b'"' | b'\''));
    let (begin, stop) = match quote {
        Some(quote) if bare.len() > 1 && bare.last() == Some(&quote) => {
            (from.saturating_add(1), until.saturating_sub(1))
        }
        _ => (from, until),
    };
    (hide(bytes, begin, stop, goes.kind), goes)
}

const fn word_len(start: usize, stop: usize, quote: usize) -> usize {
    stop.saturating_sub(start)
        .saturating_sub(quote.saturating_mul(2))
}

fn bare_word(word: &[u8]) -> &[u8] {
    match word.first() {
        Some(quote @ (b'"' | b'\'')) if word.len() > 1 && word.last() == Some(quote) => word
            .get(1..word.len().saturating_sub(1))
            .unwrap_or_default(),
        _ => word,
    }
}

/// Words, where quotes hold blanks together.
fn split(text: &[u8]) -> Vec<Range> {
    let mut quote: Option<u8> = None;
    let mut blanks = vec![false; text.len()];
    for (at, byte) in text.iter().enumerate() {
        match (quote, byte) {
            (Some(open), byte) if open == *byte => quote = None,
            (None, b'"' | b'\'') => quote = Some(*byte),
            (None, byte) if byte.is_ascii_whitespace() => {
                if let Some(blank) = blanks.get_mut(at) {
                    *blank = true;
                }
            }
            _ => {}
        }
    }
    let marks: Vec<u8> = blanks.into_iter().map(u8::from).collect();
    runs(&marks, |mark| mark == 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(text: &str, style: Style) -> String {
        let mut bytes = text.as_bytes().to_vec();
        mask(&mut bytes, style);
        assert_eq!(bytes.len(), text.len());
        String::from_utf8(bytes).unwrap()
    }

    #[test]
    fn units_keep_what_they_start() {
        let text = "[Unit]\nDescription=containerd container runtime\n# hunter2\n[Service]\nEnvironment=\"HTTPS_PROXY=http://me:hunter2@proxy:3128\" 'B=hunter2 x' C=hunter2\nEnvironmentFile=-/etc/default/containerd\nExecStartPre=-/sbin/modprobe overlay\nExecStart=/usr/bin/containerd --config /etc/containerd/config.toml \\\n  --token hunter2\nLimitNOFILE=infinity\n[Install]\nWantedBy=multi-user.target\n";
        let shown = shown(text, Style::Any);
        assert!(!shown.contains("hunter2"), "{shown}");
        for kept in [
            "Description=containerd container runtime",
            "HTTPS_PROXY=*",
            "'B=*",
            " C=*",
            "ExecStart=/usr/bin/containerd --config /etc/containerd/config.toml \\",
            "ExecStartPre=-/sbin/modprobe",
            "EnvironmentFile=-/etc/default/containerd",
            "WantedBy=multi-user.target",
        ] {
            assert!(shown.contains(kept), "{kept}: {shown}");
        }
    }

    #[test]
    fn other_files_of_lines() {
        for (text, style) in [
            (
                "A=hunter2\nexport B='hunter2'\nhunter2\n",
                Style::Environment,
            ),
            (
                "[Interface]\nPrivateKey = hunter2\n[Peer]\nPresharedKey=hunter2\n",
                Style::Any,
            ),
            (
                "zork hunter2\nmode hunter2\npassword: hunter2\n  hunter2\nUser=hunter2\n",
                Style::Any,
            ),
            (
                "time=1 level=info msg=\"with token hunter2\"\n{\"msg\":\"Bearer hunter2\",\"level\":\"info\"}\n",
                Style::Log,
            ),
        ] {
            let shown = shown(text, style);
            assert!(!shown.contains("hunter2"), "{shown}");
        }
        let dpkg = "Package: containerd\nStatus: install ok installed\nVersion: 1.6.20~ds1-1+deb12u1\nDescription: open\n hunter2\n";
        let shown = shown(dpkg, Style::Any);
        assert!(
            shown.contains("Version: 1.6.20~ds1-1+deb12u1")
                && shown.contains("Package: containerd"),
            "{shown}"
        );
        assert!(!shown.contains("hunter2"), "{shown}");
    }
}
