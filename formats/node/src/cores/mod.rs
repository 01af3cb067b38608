//! Cores of containerd, shims and runc that lie on the node: who ended, when, and why.
//!
//! ```text
//! /var/lib/systemd/coredump/core.COMM.UID.BOOT.PID.MICROSECONDS.zst   systemd-coredump; attributes user.coredump.*
//! /var/crash/_usr_bin_containerd.0.crash                              apport: a text, the core in it as base64
//! /var/lib/apport/coredump/core.EXE.UID.BOOT.PID.TIME                 apport
//! FOLDER/core*                                                        kernel.core_pattern (sysctl(5)), else where it ran:
//! <bundle>/core*, /core*                                              a shim's bundle, the daemon's folder
//! ```
//!
//! Names come first: only what is named as a core is opened, and of those only the newest are read whole.

mod crashed;
mod report;

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use evidence::{Entry, Evidence, FileKind, Xattrs};
use finding::{Text, Time, Unknown};
use goruntime::Crash;
use runc::Runtime;

use crate::path_text;
use crate::sysctl::sysctl;

/// Cores that are told one by one, the newest first.
const TOLD: usize = 16;
/// Cores that are read for the goroutine that ended them.
const READ: usize = 4;
/// Files named as cores that are looked into for their process.
const LOOKED: usize = 64;
/// Where cores are kept.
const FOLDERS: [&str; 4] = [
    "/var/lib/systemd/coredump",
    "/var/crash",
    "/var/lib/apport/coredump",
    "/",
];

/// The cores of a node.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Cores {
    /// Those of containerd, shims and runc, the newest first.
    pub found: Vec<CoreFile>,
    /// How many more there are.
    pub more: usize,
}

/// One of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CoreFile {
    /// Its path.
    pub path: Text,
    /// Its bytes on the disk.
    pub size: u64,
    /// When the process ended: as it is named, else when the file was written.
    pub when: Time,
    /// The process's name, as the kernel keeps it: at most 15 bytes.
    pub name: Text,
    /// Its id.
    pub pid: Option<u32>,
    /// The container that it served.
    pub container: Option<(Text, Text)>,
    /// The signal that ended it.
    pub signal: Option<i32>,
    /// Whether gdb took it of a process that kept running.
    pub taken: bool,
    /// The goroutine that ended it.
    pub crash: Option<Crash>,
    /// Why that is not known.
    pub unread: Option<String>,
}

/// Whether a process of that name is one of containerd's.
fn is_ours(name: &[u8]) -> bool {
    name.starts_with(b"containerd") || name == b"runc" || name.starts_with(b"runc:")
}

/// A file that is named as a core.
#[derive(Debug)]
struct Candidate {
    path: PathBuf,
    entry: Entry,
    /// The process's name, its id and the time, where the file's name has them.
    said: Option<(Text, Option<u32>, Option<Time>)>,
    is_report: bool,
}

impl Cores {
    /// Looks for them.
    pub(crate) fn read_cores(
        evidence: &Evidence,
        runtime: Option<&Runtime>,
        unknown: &mut Vec<Unknown>,
    ) -> Self {
        let mut folders: Vec<PathBuf> = FOLDERS.iter().map(PathBuf::from).collect();
        folders.extend(pattern_folder(evidence));
        let bundles = runtime.map(|runtime| runtime.bundles.as_slice());
        let bundles = bundles.unwrap_or_default().iter();
        folders.extend(bundles.map(|bundle| PathBuf::from(OsStr::from_bytes(bundle.path.bytes()))));
        folders.sort();
        folders.dedup();
        let mut candidates: Vec<Candidate> = folders
            .iter()
            .flat_map(|folder| candidates(evidence, folder, unknown))
            .collect();
        candidates.sort_by(|a, b| {
            let time = |one: &Candidate| one.entry.stat.mtime;
            time(b).cmp(&time(a)).then_with(|| a.path.cmp(&b.path))
        });
        let mut found = Self::default();
        let (mut looked, mut read, mut passed) = (0_usize, 0_usize, 0_usize);
        for candidate in candidates {
            let named = candidate.said.is_some();
            if found.found.len() >= TOLD || (!named && looked >= LOOKED) {
                found.more = found.more.saturating_add(usize::from(named));
                passed = passed.saturating_add(usize::from(!named));
                continue;
            }
            looked = looked.saturating_add(usize::from(!named));
            let one = if candidate.is_report {
                report::read_crash_report(evidence, &candidate)
            } else {
                crashed::read_crashed_core(evidence, &candidate, read < READ)
            };
            if let Some(one) = one {
                read = read.saturating_add(usize::from(!candidate.is_report));
                found.found.push(one);
            }
        }
        if passed > 0 {
            unknown.push(Unknown::new(
                format!("whether {passed} older cores are containerd's"),
                format!("only {LOOKED} without the name of a program are looked at"),
            ));
        }
        found
    }
}

/// Files of a folder that are named as cores of containerd's, or as cores of an unknown process.
fn candidates(evidence: &Evidence, folder: &Path, unknown: &mut Vec<Unknown>) -> Vec<Candidate> {
    if !evidence
        .stat(folder)
        .is_ok_and(|stat| stat.kind == FileKind::Dir)
    {
        return Vec::new();
    }
    let list = evidence.list(folder);
    // A bundle holds what was taken along, and says so itself.
    if folder != Path::new("/") && list.read().is_none() {
        unknown.extend(list.unknown().iter().cloned());
    }
    let files = list.read().into_iter().flatten();
    let files = files.filter(|entry| entry.stat.kind == FileKind::File);
    files
        .filter_map(|entry| {
            let name = entry.name.bytes();
            let is_report = name.ends_with(b".crash");
            let said = if is_report {
                let program = name.rsplit(|byte| *byte == b'_').next()?;
                let program = program.split(|byte| *byte == b'.').next()?;
                Some((Text::from(program), None, None))
            } else if name == b"core" || name.starts_with(b"core.") || name.starts_with(b"core-") {
                named(name)
            } else {
                return None;
            };
            if said
                .as_ref()
                .is_some_and(|(name, ..)| !is_ours(name.bytes()))
            {
                return None;
            }
            Some(Candidate {
                path: folder.join(OsStr::from_bytes(entry.name.bytes())),
                entry: entry.clone(),
                said,
                is_report,
            })
        })
        .collect()
}

/// What the name of a core says, as systemd-coredump and apport write it.
fn named(name: &[u8]) -> Option<(Text, Option<u32>, Option<Time>)> {
    let name = std::str::from_utf8(name).ok()?.strip_prefix("core.")?;
    let packed = [".zst", ".lz4", ".xz"];
    let bare = packed.iter().find_map(|ending| name.strip_suffix(ending));
    let mut parts = bare.unwrap_or(name).rsplitn(5, '.');
    let (time, pid, boot) = (parts.next()?, parts.next()?, parts.next()?);
    let _uid: u32 = parts.next()?.parse().ok()?;
    let program = parts.next()?;
    let is_boot = boot.len() >= 32 && boot.bytes().all(|b| b.is_ascii_hexdigit() || b == b'-');
    if !is_boot {
        return None;
    }
    let micros: i64 = time.parse().ok()?;
    // apport counts something else there; no node is older than 2001.
    let time =
        (micros > 1_000_000_000_000_000).then(|| Time::from_nanos(micros.saturating_mul(1000)));
    let program = program.rsplit('_').next().unwrap_or(program);
    Some((Text::from(program), pid.parse().ok(), time))
}

/// The folder that `kernel.core_pattern` names, where it is no pipe.
fn pattern_folder(evidence: &Evidence) -> Option<PathBuf> {
    let pattern = sysctl(evidence, "kernel.core_pattern")?;
    let folder = Path::new(pattern.trim()).parent()?;
    // A folder by process is not looked for.
    let fixed = folder.is_absolute() && !folder.as_os_str().as_encoded_bytes().contains(&b'%');
    fixed.then(|| folder.to_path_buf())
}

/// An attribute that systemd-coredump keeps, as text.
fn attribute(xattrs: &Xattrs, name: &str) -> Option<Text> {
    let value = xattrs.get(&Text::from(format!("user.coredump.{name}")))?;
    Some(Text::from(value.to_vec()))
}

/// The container among the arguments of a shim.
fn container(words: &[Text]) -> Option<(Text, Text)> {
    let after = |flag: &str| {
        let at = words.iter().position(|word| *word == *flag)?;
        words.get(at.saturating_add(1)).cloned()
    };
    after("-namespace").zip(after("-id"))
}

impl Candidate {
    /// What is known without opening it.
    fn told(&self) -> CoreFile {
        let said = self.said.as_ref();
        CoreFile {
            path: path_text(&self.path),
            size: self.entry.stat.size,
            when: said
                .and_then(|said| said.2)
                .unwrap_or(self.entry.stat.mtime),
            name: said.map(|said| said.0.clone()).unwrap_or_default(),
            pid: said.and_then(|said| said.1),
            container: None,
            signal: None,
            taken: false,
            crash: None,
            unread: None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_systemd_tell_who_and_when() {
        let boot = "0123456789abcdef0123456789abcdef";
        let name = format!("core.containerd-shim.0.{boot}.4711.1732165288000000.zst");
        let (who, pid, when) = named(name.as_bytes()).unwrap();
        assert_eq!(who, *"containerd-shim");
        assert_eq!(pid, Some(4711));
        assert_eq!(when.unwrap().to_string(), "2024-11-21T05:01:28Z");
        let apport = format!("core._usr_bin_containerd.0.{boot}.77.123456");
        let (who, pid, when) = named(apport.as_bytes()).unwrap();
        assert_eq!((who, pid, when), (Text::from("containerd"), Some(77), None));
        for other in ["core", "core.4711", "core.a.b.c.d.e", "corefile", "core.é"] {
            assert_eq!(named(other.as_bytes()), None, "{other}");
        }
        assert!(is_ours(b"runc") && is_ours(b"runc:[2:INIT]") && !is_ours(b"runcible"));
    }
}
