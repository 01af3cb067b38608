//! `/proc/<pid>/status`: a name, a colon and a value a line.

use serde::Serialize;

/// What is used of a `status`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Status {
    /// Who traces it; a traced process stops whenever its tracer likes.
    pub tracer: Option<u32>,
    /// Its number in each pid namespace, the outermost that we see first. The last is 1 for the
    /// first process of a container.
    pub nspid: Vec<u32>,
    /// Its real user.
    pub uid: Option<u32>,
    /// 0 none, 1 strict, 2 filter.
    pub seccomp: Option<u32>,
    /// Signals that were sent to it, or to its first thread, and were not taken: bit 0 is signal 1.
    pub pending: u64,
}

/// Pid namespaces may be this deep.
const DEPTH: usize = 33;

impl Status {
    /// Reads one, or what there is of it.
    pub fn parse(bytes: &[u8]) -> Self {
        let mut status = Self::default();
        for line in bytes.split(|byte| *byte == b'\n') {
            let Some((name, rest)) = core::str::from_utf8(line)
                .ok()
                .and_then(|l| l.split_once(':'))
            else {
                continue;
            };
            if matches!(name, "SigPnd" | "ShdPnd") {
                status.pending |= u64::from_str_radix(rest.trim(), 16).unwrap_or(0);
            }
            let mut words = rest.split_ascii_whitespace().map(|word| word.parse().ok());
            match name {
                "TracerPid" => status.tracer = words.next().flatten().filter(|pid| *pid != 0),
                "Uid" => status.uid = words.next().flatten(),
                "Seccomp" => status.seccomp = words.next().flatten(),
                "NSpid" => status.nspid = words.map_while(|pid| pid).take(DEPTH).collect(),
                _ => {}
            }
        }
        status
    }

    /// Whether it was killed, and has not ended: it does not wake up, or is frozen or being ended.
    pub const fn is_killed(&self) -> bool {
        self.pending & (1 << 8) != 0
    }

    /// Whether it is the first process of a pid namespace below ours; nothing where that is not
    /// told.
    pub fn is_init(&self) -> Option<bool> {
        let last = self.nspid.last()?;
        Some(self.nspid.len() > 1 && *last == 1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_read_by_name() {
        let text = "Name:\trunc:[2:INIT]\nTracerPid:\t0\nUid:\t100000\t0\t0\t0\nNSpid:\t14925\t1\nSeccomp:\t2\n";
        let status = Status::parse(text.as_bytes());
        assert_eq!(
            (status.tracer, status.uid, status.seccomp),
            (None, Some(100_000), Some(2))
        );
        assert_eq!(
            (status.is_init(), status.nspid),
            (Some(true), vec![14925, 1])
        );
        assert_eq!(Status::parse(b"NSpid:\t1\n").is_init(), Some(false));
        let killed = b"SigPnd:\t0000000000000000\nShdPnd:\t0000000000000100\n";
        assert!(Status::parse(killed).is_killed() && !Status::parse(b"ShdPnd:\tx\n").is_killed());
        assert_eq!(
            Status::parse(b"NSpid\n\xff:\nTracerPid: -1").is_init(),
            None
        );
    }
}
