//! What Go's linker leaves in a program: the version of Go, the main package, the modules and the
//! settings that it was built with.
//!
//! The section `.go.buildinfo`, since Go 1.18 (`debug/buildinfo` in Go's standard library):
//!
//! ```text
//! 0   14  "\xff Go buildinf:"
//! 14   1  size of a pointer
//! 15   1  flags: 2 = the strings follow; otherwise pointers to them do (before Go 1.18: only in memory)
//! 32      length (varint) and bytes of Go's version
//!         length (varint) and bytes of the lines, between two marks of 16 bytes
//! ```
//!
//! The lines are `path`, `mod`, `dep` (and `=>`, what replaced it) and `build`, with tabs between.

mod elf;

use std::fmt;

use elfcore::Memory;

/// The bytes before everything else.
const MAGIC: &[u8] = b"\xff Go buildinf:";
/// Where the strings begin.
const STRINGS: usize = 32;
/// The marks around the lines.
const MARK: usize = 16;
/// No program has more: k3s, of some thousand modules, has 40 KiB.
pub const LIMIT: usize = 1 << 20;

/// What Go's linker wrote.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BuildInfo {
    go: String,
    lines: String,
}

/// A module of a program.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Module<'a> {
    /// Its path: `github.com/containerd/containerd/v2`.
    pub path: &'a str,
    /// Its version, `v1.7.23`; `(devel)` where it was built from a folder.
    pub version: &'a str,
}

/// Why nothing is known of how a program was built.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NoBuildInfo {
    /// The file could not be read to the end of what was looked for.
    Unread,
    /// It is no ELF file of 32 or 64 bits, or its tables lead out of it.
    NotElf,
    /// It has no build info: it is no program of Go's, or of one before 1.18.
    NotGo,
}

impl fmt::Display for NoBuildInfo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Unread => "it could not be read",
            Self::NotElf => "it is no whole ELF file",
            Self::NotGo => "it has no build info of Go 1.18 or later",
        })
    }
}

impl BuildInfo {
    /// The build info of an ELF file. `read_at` fills a buffer from an offset on, and says how much
    /// there was; a few kilobytes of the file are asked for.
    ///
    /// # Errors
    /// As [`NoBuildInfo`] says.
    pub fn read_build_info(
        mut read_at: impl FnMut(u64, &mut [u8]) -> Option<usize>,
    ) -> Result<Self, NoBuildInfo> {
        let section = elf::section(&mut read_at, ".go.buildinfo", LIMIT)?;
        Self::parse(&section).ok_or(NoBuildInfo::NotGo)
    }

    /// The bytes of the section.
    pub fn parse(section: &[u8]) -> Option<Self> {
        let header = section.strip_prefix(MAGIC)?;
        let inline = header.get(1)? & 2 != 0;
        let (go, rest) = string(section.get(STRINGS..)?).filter(|_| inline)?;
        let (lines, _) = string(rest)?;
        let lines = match lines.len().checked_sub(MARK) {
            Some(end) if end > MARK => lines.get(MARK..end)?,
            _ => &[],
        };
        Self::of_text(
            core::str::from_utf8(go).ok()?,
            core::str::from_utf8(lines).ok()?,
        )
    }

    /// The build info at `at` in the memory of a process: of Go before 1.18, too, where pointers
    /// lead to the strings.
    pub(crate) fn in_memory(memory: &dyn Memory, at: u64) -> Option<Self> {
        let section = memory.some(at, LIMIT.try_into().unwrap_or(u64::MAX));
        if section.get(15)? & 2 != 0 {
            return Self::parse(&section);
        }
        section.strip_prefix(MAGIC)?;
        // Each is the address of a string's header: address and length.
        let text = |offset: u64| {
            let header = memory.u64(at.checked_add(offset)?)?;
            let start = memory.u64(header)?;
            let len = memory.u64(header.checked_add(8)?)?;
            let len = usize::try_from(len).ok().filter(|len| *len <= LIMIT)?;
            String::from_utf8_lossy(&memory.all(start, len)?)
                .into_owned()
                .into()
        };
        let go: String = text(16)?;
        let lines: Option<String> = text(24);
        let lines = lines.unwrap_or_default();
        let end = lines.len().saturating_sub(MARK);
        Self::of_text(&go, lines.get(MARK..end).unwrap_or_default())
    }

    /// From the two texts, as [`build_text`](Self::build_text) gives them.
    pub fn of_text(go: &str, lines: &str) -> Option<Self> {
        (go.len().saturating_add(lines.len()) <= LIMIT).then(|| Self {
            go: go.to_owned(),
            lines: lines.to_owned(),
        })
    }

    /// The version of Go: `go1.24.4`.
    pub fn go(&self) -> &str {
        &self.go
    }

    /// The lines as they were written.
    pub fn build_text(&self) -> &str {
        &self.lines
    }

    /// The package of the program: `github.com/containerd/containerd/v2/cmd/containerd`.
    pub fn package(&self) -> Option<&str> {
        self.fields("path").next()
    }

    /// The module that it is of.
    pub fn module(&self) -> Option<Module<'_>> {
        self.fields("mod").next().and_then(module)
    }

    /// The module of that path: the program's own, or one that it uses, as it was replaced.
    pub fn uses(&self, path: &str) -> Option<Module<'_>> {
        let mut lines = self.lines.lines().peekable();
        while let Some(line) = lines.next() {
            let Some((kind @ ("mod" | "dep"), rest)) = line.split_once('\t') else {
                continue;
            };
            let Some(found) = module(rest).filter(|found| found.path == path) else {
                continue;
            };
            let next = lines.peek().and_then(|line| line.strip_prefix("=>\t"));
            let replaced = next.filter(|_| kind == "dep").and_then(module);
            return Some(
                replaced
                    .filter(|new| !new.version.is_empty())
                    .unwrap_or(found),
            );
        }
        None
    }

    /// What the linker was told to set a variable to: `-X importpath.name=value`.
    pub fn linked(&self, variable: &str) -> Option<&str> {
        let flags = self.setting("-ldflags")?;
        let at = flags.match_indices(variable).find_map(|(at, _)| {
            let after = flags.get(at..)?.get(variable.len()..)?.strip_prefix('=')?;
            let before = flags.get(..at)?.chars().next_back();
            let alone = before.is_none_or(|c| c.is_whitespace() || matches!(c, '=' | '\'' | '"'));
            alone.then_some(after)
        })?;
        let end = at.find(|c: char| c.is_whitespace() || matches!(c, '\'' | '"' | '\\'));
        Some(at.get(..end.unwrap_or(at.len()))?).filter(|value| !value.is_empty())
    }

    /// A setting of the build: `GOARCH`, `vcs.revision`, `-ldflags`.
    pub fn setting(&self, name: &str) -> Option<&str> {
        self.fields("build")
            .find_map(|line| line.strip_prefix(name)?.strip_prefix('='))
    }

    /// All settings of the build, by their names.
    pub fn settings(&self) -> impl Iterator<Item = (&str, &str)> {
        self.fields("build").filter_map(|line| line.split_once('='))
    }

    /// The modules that it uses, as they were asked for.
    pub fn modules(&self) -> impl Iterator<Item = Module<'_>> {
        self.fields("dep").filter_map(module)
    }

    fn fields<'a>(&'a self, kind: &'a str) -> impl Iterator<Item = &'a str> {
        let lines = self.lines.lines();
        lines.filter_map(move |line| line.strip_prefix(kind)?.strip_prefix('\t'))
    }
}

fn module(fields: &str) -> Option<Module<'_>> {
    let mut fields = fields.split('\t');
    Some(Module {
        path: fields.next()?,
        version: fields.next().unwrap_or_default(),
    })
}

/// A length as a varint, and so many bytes; and what is after them.
fn string(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let mut length = 0_usize;
    for (index, byte) in bytes.iter().take(4).enumerate() {
        let shift = u32::try_from(index).ok()?.checked_mul(7)?;
        length |= usize::from(byte & 0x7f).checked_shl(shift)?;
        if byte & 0x80 == 0 {
            return bytes.get(index.checked_add(1)?..)?.split_at_checked(length);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use testcase::program;

    fn read_from_bytes(bytes: &[u8]) -> Result<BuildInfo, NoBuildInfo> {
        BuildInfo::read_build_info(|at, into| {
            let from = bytes.get(usize::try_from(at).ok()?..).unwrap_or_default();
            let count = from.len().min(into.len());
            into[..count].copy_from_slice(&from[..count]);
            Some(count)
        })
    }

    #[test]
    fn debian_tells_the_package_and_no_more() {
        for (release, go, package) in [
            (
                "bookworm",
                "go1.19.8",
                "github.com/containerd/containerd/cmd/containerd",
            ),
            (
                "trixie",
                "go1.24.4",
                "github.com/containerd/containerd/cmd/containerd",
            ),
            (
                "sid",
                "go1.27.1",
                "github.com/containerd/containerd/v2/cmd/containerd",
            ),
        ] {
            let info = read_from_bytes(&program(&format!("debian-{release}.elf"))).unwrap();
            assert_eq!(info.go(), go);
            assert_eq!(info.package(), Some(package));
            assert_eq!(info.setting("-trimpath"), Some("true"));
            assert_eq!(info.module(), None);
            let variable = "github.com/containerd/containerd/version.Version";
            assert_eq!(info.linked(variable), None);
        }
    }

    #[test]
    fn flags_of_the_linker_tell_the_version() {
        let info = read_from_bytes(&program("upstream.elf")).unwrap();
        let of = |name: &str| format!("github.com/containerd/containerd/v2/version.{name}");
        assert_eq!(info.linked(&of("Version")), Some("v2.1.4"));
        let revision = "75cb2b7193e4e490e9fbdc236c0e811ccaba3376";
        assert_eq!(info.linked(&of("Revision")), Some(revision));
        assert_eq!(info.linked("version.Version"), None, "part of a name");
        assert_eq!(info.linked(&of("Vers")), None);
        let own = info.module().unwrap();
        assert_eq!(own.version, "(devel)");
        assert_eq!(info.uses(own.path), Some(own));
    }

    #[test]
    fn a_module_is_what_replaced_it() {
        let info = read_from_bytes(&program("k3s.elf")).unwrap();
        let used = info.uses("github.com/containerd/containerd").unwrap();
        assert_eq!(used.path, "github.com/k3s-io/containerd");
        assert_eq!(used.version, "v1.7.23-k3s2");
        assert_eq!(info.uses("github.com/containerd"), None);
    }

    #[test]
    fn damage_is_no_build_info() {
        let whole = program("upstream.elf");
        assert_eq!(read_from_bytes(b"#!/bin/sh\n"), Err(NoBuildInfo::NotElf));
        assert_eq!(read_from_bytes(&[]), Err(NoBuildInfo::NotElf));
        assert!(BuildInfo::read_build_info(|_, _| None).is_err());
        for length in 0..whole.len() {
            let _cut = read_from_bytes(&whole[..length]);
        }
        // Every byte of the headers and of the lengths, as bad as can be.
        for at in 0..whole.len() {
            for byte in [0, 0xff, whole[at] ^ 1, whole[at] ^ 0x80] {
                let mut bytes = whole.clone();
                bytes[at] = byte;
                let _garbled = read_from_bytes(&bytes);
            }
        }
        let at = whole
            .windows(MAGIC.len())
            .position(|bytes| bytes == MAGIC)
            .unwrap();
        let mut old = whole.clone();
        old[at + 15] = 0;
        assert_eq!(read_from_bytes(&old), Err(NoBuildInfo::NotGo), "pointers");
    }
}
