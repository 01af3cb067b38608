//! The plugins' programs: what stands where libcni looks for them.
//!
//! `pkg/invoke/find.go`, `FindInPath`: the first regular file of that name (links are followed) is
//! taken, whether it can be run or not.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use evidence::{Evidence, Kind, Stat};
use finding::{Text, Unread};

use super::{Folder, Settings};
use crate::path_text;

/// What libcni finds of a plugin.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Program {
    /// A regular file.
    Found {
        /// Its path, before links are followed.
        path: Text,
        /// Its size and mode; nothing where only its name is known.
        size_and_mode: Option<(u64, u32)>,
    },
    /// No folder has it. Those that have something else of its name, or a link that leads nowhere.
    Missing {
        /// What stands there instead, by path.
        instead: Vec<(Text, String)>,
        /// A folder that has it, and is not looked into.
        elsewhere: Option<&'static str>,
    },
    /// It cannot be known.
    Unknown,
}

/// The programs of all plugins, by their type.
pub type Programs = BTreeMap<String, Program>;

/// Where packages put the programs: upstream and Kubernetes, Debian, Fedora.
pub const PLACES: &[&str] = &["/opt/cni/bin", "/usr/lib/cni", "/usr/libexec/cni"];

/// Looks for all of them.
pub(super) fn read_cni_programs(
    evidence: &Evidence,
    settings: &Settings,
    folders: &[Folder],
) -> Programs {
    let mut found = Programs::new();
    let plugins = folders
        .iter()
        .flat_map(|folder| folder.loaded().0)
        .flat_map(super::ConfFile::plugins);
    let mut wanted: Vec<&str> = plugins.flat_map(cni::Plugin::programs).collect();
    if !settings.internal_loopback {
        wanted.push("loopback");
    }
    for kind in wanted {
        // What has a slash is never looked for.
        if !kind.contains('/') && !found.contains_key(kind) && found.len() < 1000 {
            found.insert(kind.to_owned(), find(evidence, &settings.bin_dirs, kind));
        }
    }
    found
}

fn find(evidence: &Evidence, dirs: &[PathBuf], kind: &str) -> Program {
    let mut instead = Vec::new();
    let mut unknown = dirs.is_empty() && !has_programs(evidence);
    for dir in dirs {
        let path = dir.join(kind);
        match followed(evidence, &path) {
            Ok(stat) if stat.is_file() && !unknown => {
                return Program::Found {
                    path: path_text(&path),
                    size_and_mode: (!stat.only_kind).then_some((stat.size, stat.mode)),
                };
            }
            // One before it may be taken instead.
            Ok(stat) if stat.is_file() => return Program::Unknown,
            Ok(stat) => instead.push((path_text(&path), format!("is a {}", stat.kind.word()))),
            // Beside other plugins, this one would have been copied, too.
            Err(Unread::Absent) => unknown |= !is_used(evidence, dir) && !is_taken(evidence, dir),
            Err(unread @ Unread::Dangling(_)) => {
                instead.push((path_text(&path), unread.to_string()));
            }
            Err(_) => unknown = true,
        }
    }
    if unknown {
        Program::Unknown
    } else {
        let elsewhere = PLACES.iter().copied().find(|place| {
            let place = Path::new(place);
            !dirs.iter().any(|dir| dir == place)
                && followed(evidence, &place.join(kind)).is_ok_and(|stat| stat.is_file())
        });
        Program::Missing { instead, elsewhere }
    }
}

/// A program that every Linux has; with it, the system's own programs are in the evidence.
const SYSTEM: &[&str] = &["/usr/bin/env", "/bin/sh"];

/// Folders that a root file system has, in use or on a disk, and that no one copies.
const ROOT: &[&str] = &["/proc", "/sys", "/dev", "/usr"];

/// Whether the evidence holds the programs of the machine: those that somebody added to a copy, or a
/// unit of /usr/lib, prove nothing of others.
pub(crate) fn has_programs(evidence: &Evidence) -> bool {
    // Our own bundle has what was read of them.
    let is_told = || {
        evidence
            .manifest()
            .is_some_and(|bundle| !bundle.programs.is_empty())
    };
    let is_there = |path: &&str| evidence.stat(Path::new(path)).is_ok();
    evidence.is_machine() || is_told() || SYSTEM.iter().any(is_there)
}

/// Whether a program that is not in a folder was not in it on the node, either: the machine's programs
/// are in the evidence, and so is the part that holds this folder: below /usr its folder there, else the
/// one below the root. A machine without /opt has none, if the rest is there.
pub(crate) fn is_taken(evidence: &Evidence, dir: &Path) -> bool {
    let there = |path: &Path| evidence.stat(path).is_ok();
    let depth = if dir.starts_with("/usr") { 3 } else { 2 };
    let top: PathBuf = dir.components().take(depth).collect();
    // What our own bundle calls absent was looked for; a machine, or the root of its disk, is all there.
    let of_disk = evidence.kind() == Kind::Directory && ROOT.iter().all(|it| there(Path::new(it)));
    let is_whole = evidence.kind() == Kind::Bundle || evidence.is_machine() || of_disk;
    has_programs(evidence)
        && (is_whole || there(&top) || depth == 2 && there(Path::new("/usr/lib")))
}

/// Whether a folder is in the evidence with all that it holds, and holds something.
fn is_used(evidence: &Evidence, dir: &Path) -> bool {
    let list = evidence.list(dir);
    list.whole().is_some_and(|all| !all.is_empty())
}

/// What stands at a path; of one with `..` in it that a bundle does not have, at the plain one.
fn at_or_plain(evidence: &Evidence, path: &Path) -> Result<Stat, Unread> {
    let stat = evidence.stat(path);
    if !matches!(stat, Err(Unread::NotCollected)) {
        return stat;
    }
    let mut plain = PathBuf::new();
    for part in path.components() {
        if part == std::path::Component::ParentDir {
            plain.pop();
        } else {
            plain.push(part);
        }
    }
    evidence.stat(&plain)
}

/// What stands at a place, links followed.
pub(crate) fn followed(evidence: &Evidence, path: &Path) -> Result<Stat, Unread> {
    let mut at = path.to_path_buf();
    let mut first = None;
    for _ in 0..16 {
        let stat = match (at_or_plain(evidence, &at), &first) {
            (Err(Unread::Absent), Some(target)) => {
                return Err(Unread::Dangling(Text::clone(target)));
            }
            (stat, _) => stat?,
        };
        if !stat.is_symlink() {
            return Ok(stat);
        }
        let target = evidence.read_link(&at)?;
        let parent = at.parent().unwrap_or(Path::new("/"));
        at = parent.join(OsStr::from_bytes(target.bytes()));
        first.get_or_insert(target);
    }
    Err(Unread::Io("too many symbolic links".into()))
}
