//! `/proc/<pid>/syscall`: what a blocked task asked the kernel for.

use serde::Serialize;

/// A system call and its arguments.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Syscall {
    /// Its number on that machine; -1 if it is blocked outside of one (a page fault).
    pub number: i64,
    /// Its six arguments.
    pub args: Vec<u64>,
}

impl Syscall {
    /// Reads one; nothing if it was running, or if we may not know.
    pub fn parse(bytes: &[u8]) -> Option<Self> {
        let text = core::str::from_utf8(bytes).ok()?;
        let mut words = text.split_ascii_whitespace();
        let number = words.next()?.parse().ok()?;
        let hex = |word: &str| u64::from_str_radix(word.strip_prefix("0x")?, 16).ok();
        let args = if number < 0 {
            Vec::new()
        } else {
            words.take(6).map_while(hex).collect()
        };
        Some(Self { number, args })
    }

    /// An argument.
    pub fn arg(&self, nth: usize) -> Option<u64> {
        self.args.get(nth).copied()
    }

    /// Flags of an `openat`, if it is one: number 257 on x86_64, 56 on arm64 and riscv64.
    pub fn opens_with(&self) -> Option<u64> {
        matches!(self.number, 257 | 56)
            .then(|| self.arg(2))
            .flatten()
    }

    /// How it is shown: `257 0xffffffffffffff9c …`.
    pub fn words(&self) -> String {
        let args = self.args.iter().map(|arg| format!(" {arg:#x}"));
        format!("{}{}", self.number, args.collect::<String>())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_blocked_call_is_read() {
        assert_eq!(Syscall::parse(b"running\n"), None);
        let fault = Syscall::parse(b"-1 0x7ffd 0x4a\n").unwrap();
        assert_eq!((fault.number, fault.args.len()), (-1, 0));
        let open = Syscall::parse(b"257 0x5 0xc0 0x80001 0x0 0x0 0x0 0x7 0x4").unwrap();
        assert_eq!(open.opens_with(), Some(0x80001));
        assert_eq!(open.words(), "257 0x5 0xc0 0x80001 0x0 0x0 0x0");
        assert_eq!(Syscall::parse(b"\xff"), None);
        assert_eq!(Syscall::parse(b""), None);
    }
}
