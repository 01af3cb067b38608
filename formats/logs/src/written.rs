//! Lines as a text log again: what a bundle takes along of journals and logs that are too large for it.

use crate::gather::Gathered;
use crate::line::{Line, Program};

/// The folder and the name of that log in a bundle; `places` has it, too.
pub const TAKEN: &str = "/var/log/coroner/daemons.log";

impl Program {
    /// What a line of syslog calls it.
    const fn identifier(self) -> &'static str {
        match self {
            Self::Shim => "containerd-shim",
            _ => self.name(),
        }
    }
}

/// The lines of `gathered`, in at most `most` bytes: the newest. Each begins as one of syslog does with a whole time;
/// `mask` is asked for every text. How many older ones are left out is told, too.
pub fn written(
    gathered: &Gathered,
    most: usize,
    mask: &dyn Fn(Vec<u8>) -> Vec<u8>,
) -> (Vec<u8>, usize) {
    let mut room = most;
    let mut newest: Vec<Vec<u8>> = Vec::new();
    for line in gathered.lines.iter().rev() {
        let text = entry(line, mask);
        let Some(left) = room.checked_sub(text.len()) else {
            break;
        };
        room = left;
        newest.push(text);
    }
    let left_out = gathered.lines.len().saturating_sub(newest.len());
    newest.reverse();
    (newest.concat(), left_out)
}

fn entry(line: &Line, mask: &dyn Fn(Vec<u8>) -> Vec<u8>) -> Vec<u8> {
    let Some(time) = line.time else {
        return Vec::new();
    };
    let pid = line.pid.map_or_else(String::new, |pid| format!("[{pid}]"));
    let head = format!("{time} node {}{pid}: ", line.program.identifier());
    let mut entry = Vec::new();
    let more = line
        .more
        .split(|byte| *byte == b'\n')
        .filter(|more| !more.is_empty());
    for text in std::iter::once(line.text.bytes()).chain(more) {
        entry.extend_from_slice(head.as_bytes());
        // One line each, as rsyslog writes them.
        let one = text
            .split(|byte| *byte == b'\n')
            .collect::<Vec<_>>()
            .join(&b"#012"[..]);
        entry.extend_from_slice(&mask(one));
        entry.push(b'\n');
    }
    entry
}
