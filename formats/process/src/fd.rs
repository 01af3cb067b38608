//! Open files of a process: the text of a link, and its line of flags.

use finding::Text;
use serde::Serialize;

/// Flag of a file that is held without being open: `O_PATH`.
pub const O_PATH: u64 = 0o10_000_000;
/// Flag of one that an exec closes: `O_CLOEXEC`.
pub const CLOEXEC: u64 = 0o2_000_000;
/// Bits that say how it is open: 0 to read, 1 to write, 2 both.
pub const ACCESS: u64 = 3;

/// One open file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Fd {
    /// Its number.
    pub number: u32,
    /// What it is: a path, `pipe:[inode]`, `socket:[inode]`, `anon_inode:…`.
    pub target: Text,
    /// How it was opened, as `fdinfo` says; nothing where that was not read.
    pub flags: Option<u64>,
    /// Its inode, as `fdinfo` says (Linux 5.14 and later).
    pub ino: Option<u64>,
}

impl Fd {
    /// Adds what `fdinfo` says.
    pub(crate) fn info(&mut self, bytes: &[u8]) {
        for line in bytes.split(|byte| *byte == b'\n').take(16) {
            let Ok(line) = core::str::from_utf8(line) else {
                continue;
            };
            match line.split_once(':') {
                Some(("flags", value)) => {
                    self.flags = u64::from_str_radix(value.trim(), 8).ok();
                }
                Some(("ino", value)) => self.ino = value.trim().parse().ok(),
                _ => {}
            }
        }
    }

    /// Whether it only holds the name, and cannot read or write.
    pub fn is_path_only(&self) -> Option<bool> {
        Some(self.flags? & O_PATH != 0)
    }

    /// Whether it can be read.
    pub fn reads(&self) -> Option<bool> {
        let flags = self.flags?;
        Some(flags & O_PATH == 0 && matches!(flags & ACCESS, 0 | 2))
    }

    /// Whether it can be written.
    pub fn writes(&self) -> Option<bool> {
        let flags = self.flags?;
        Some(flags & O_PATH == 0 && matches!(flags & ACCESS, 1 | 2))
    }

    /// Whether it is this file, by its path, deleted or not.
    pub fn is_at(&self, path: &[u8]) -> bool {
        let target = self.target.bytes();
        target.strip_suffix(b" (deleted)").unwrap_or(target) == path
    }

    /// Whether it is this path and was deleted.
    pub fn is_deleted(&self) -> bool {
        self.target.bytes().ends_with(b" (deleted)")
    }

    /// The inode in `pipe:[…]` or `socket:[…]`.
    pub fn number_in(&self, kind: &str) -> Option<u64> {
        let text = self.target.utf8()?.strip_prefix(kind)?;
        text.strip_prefix(":[")?.strip_suffix(']')?.parse().ok()
    }

    /// How it is held, in words.
    pub fn how(&self) -> &'static str {
        match self.flags {
            None => "held",
            Some(flags) if flags & O_PATH != 0 => "O_PATH",
            Some(flags) => match flags & ACCESS {
                0 => "O_RDONLY",
                1 => "O_WRONLY",
                _ => "O_RDWR",
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flags_are_octal() {
        let mut fd = Fd {
            number: 5,
            target: Text::from("/run/runc/a/exec.fifo (deleted)"),
            flags: None,
            ino: None,
        };
        assert_eq!(fd.how(), "held");
        fd.info(b"pos:\t0\nflags:\t012000000\nmnt_id:\t24\nino:\t77\n");
        assert_eq!(
            (fd.is_path_only(), fd.ino, fd.how()),
            (Some(true), Some(77), "O_PATH")
        );
        assert!(fd.is_at(b"/run/runc/a/exec.fifo") && fd.is_deleted());
        fd.info(b"flags:\t02100001\n\xff\n");
        assert_eq!((fd.writes(), fd.reads()), (Some(true), Some(false)));
        fd.target = Text::from("pipe:[5551]");
        assert_eq!(
            (fd.number_in("pipe"), fd.number_in("socket")),
            (Some(5551), None)
        );
    }
}
