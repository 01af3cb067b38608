//! `/proc/<pid>/stat`, one line.
//!
//! The name stands in parentheses and may hold any byte, parentheses and blanks too; what follows
//! it is numbers. Parsed by `procfs`, once it is known to have that shape (it panics otherwise).

use finding::Text;
use procfs::FromRead;
use serde::Serialize;

/// The bit of `flags` that says that it is a thread of the kernel (`PF_KTHREAD`).
const KERNEL: u32 = 0x0020_0000;

/// What is used of a `stat`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Stat {
    /// Its name: the first 15 bytes of the program's, or what it calls itself.
    pub comm: Text,
    /// `R S D T t Z X I`.
    pub state: char,
    /// Its parent: who waits for it, or who took it over.
    pub ppid: u32,
    /// Threads.
    pub threads: u32,
    /// When it started, in clock ticks since boot. Pid and this together name a process.
    pub start_ticks: u64,
    /// Whether it is a thread of the kernel.
    pub kernel: bool,
}

impl Stat {
    /// Reads one; nothing where it is damaged.
    pub fn parse(bytes: &[u8]) -> Option<Self> {
        let bytes = bytes.trim_ascii();
        let open = bytes.iter().position(|byte| *byte == b'(')?;
        let close = bytes.iter().rposition(|byte| *byte == b')')?;
        let pid = bytes.get(..open)?.strip_suffix(b" ")?;
        let comm = bytes.get(open.checked_add(1)?..close)?;
        let rest = bytes.get(close.checked_add(1)?..)?.strip_prefix(b" ")?;
        let is_number = |byte: &u8| byte.is_ascii_digit();
        // procfs cuts without looking: a state, a letter, must be there after the name.
        let has_state = rest.first().is_some_and(u8::is_ascii_alphabetic);
        if pid.is_empty() || !pid.iter().all(is_number) || !rest.is_ascii() || !has_state {
            return None;
        }
        // The name is ours: theirs would have lost what is not UTF-8.
        let line = [pid, b" (x) ".as_slice(), rest].concat();
        let stat = procfs::process::Stat::from_read(line.as_slice()).ok()?;
        Some(Self {
            comm: Text::from(comm),
            state: stat.state,
            ppid: u32::try_from(stat.ppid).ok()?,
            threads: u32::try_from(stat.num_threads).unwrap_or(0),
            start_ticks: stat.starttime,
            kernel: stat.flags & KERNEL != 0,
        })
    }

    /// Whether it has ended and only waits for its parent to notice.
    pub const fn is_dead(&self) -> bool {
        matches!(self.state, 'Z' | 'X' | 'x')
    }

    /// Whether it was stopped, by a signal or by a tracer.
    pub const fn is_stopped(&self) -> bool {
        matches!(self.state, 'T' | 't')
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const REST: &str = "S 1 4127 4127 0 -1 4194560 1 0 0 0 0 0 0 0 20 0 5 0 101377 1 1 18446744073709551615 1 1 0 0 0 0 0 0 0 0 0 0 17 1 0 0 0 0 0 0 0 0 0 0 0 0 0";

    #[test]
    fn a_name_may_hold_anything() {
        for name in ["runc:[2:INIT]", ") S 1 (", "", "a b", "(", ")", "\n"] {
            let stat = Stat::parse(format!("7 ({name}) {REST}\n").as_bytes()).unwrap();
            assert_eq!(stat.comm, name);
            assert_eq!((stat.state, stat.start_ticks), ('S', 101_377));
        }
        let mut odd = b"7 (\xff\xfe) ".to_vec();
        odd.extend_from_slice(REST.as_bytes());
        assert_eq!(Stat::parse(&odd).unwrap().comm.bytes(), b"\xff\xfe");
    }

    #[test]
    fn what_is_cut_or_odd_is_nothing() {
        let whole = format!("7 (x) {REST}");
        for end in 0..60 {
            assert_eq!(Stat::parse(&whole.as_bytes()[..end]), None, "{end}");
        }
        for odd in [
            "(",
            ")(",
            "() ",
            " () S",
            "1 () é",
            "x () S 1",
            "1 (a)S 1 1",
            "2 (a) \u{b}\n\u{b}",
            &whole.replace('S', "\0"),
            &whole.replace('S', "\x1b"),
            "1 )(",
        ] {
            assert_eq!(Stat::parse(odd.as_bytes()), None, "{odd}");
        }
    }
}
