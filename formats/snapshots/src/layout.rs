//! The directories of one snapshotter.

use core::fmt;
use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use evidence::{Entry, Evidence, FileKind, Stat};
use finding::{Known, Text, Unknown, Unread};
use serde::Serialize;

use crate::Rules;

/// The directory (or file) of one snapshot.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SnapshotDir {
    /// Where it lies.
    pub path: PathBuf,
    /// What it is.
    pub stat: Stat,
    /// `fs` in it: the layer. Nothing where the snapshotter has none, or where it is not there.
    pub fs: Option<Stat>,
    /// Whether nothing is in `fs`; nothing where that could not be listed.
    pub is_empty: Option<bool>,
    /// `work` in it: the kernel's scratch space. A view has none.
    pub work: Option<Stat>,
    /// Whatever else lies in it, by name: `layer.erofs`, `.erofslayer`, strays.
    pub others: Vec<Entry>,
    /// What is not known of it. While this is empty, what is not here is not there.
    pub unknown: Vec<Unknown>,
}

/// Something that is not a snapshot's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stray {
    /// Where it lies.
    pub path: PathBuf,
    /// What it is.
    pub stat: Stat,
    /// Why it is none of a snapshot's.
    pub why: Why,
}

/// Why something is no snapshot's directory.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Why {
    /// `new-…`: made by a Prepare that never ended.
    New,
    /// `rm-…`: renamed by a Remove that never ended.
    Removed,
    /// A number, but another kind of file than a snapshot is.
    WrongKind,
    /// A second directory of the same number, in another folder or with leading zeroes.
    Twice,
    /// A name that is no number.
    NotANumber,
}

impl fmt::Display for Why {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::New => "half made",
            Self::Removed => "half removed",
            Self::WrongKind => "a snapshot's number on another kind of file",
            Self::Twice => "a snapshot's number for the second time",
            Self::NotANumber => "not a snapshot's name",
        })
    }
}

/// The directories of one snapshotter, as they lie there.
///
/// It is [`Known::Whole`] only if all of them could be listed: only then may be concluded that a
/// snapshot's directory is missing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Layout {
    /// The snapshotter's root.
    pub root: PathBuf,
    /// Its name: `overlayfs`.
    pub name: String,
    /// How it lays out its files.
    pub rules: Rules,
    /// The snapshots' directories, by id.
    pub dirs: BTreeMap<u64, Box<SnapshotDir>>,
    /// What was half made or half removed when the daemon died.
    pub temporaries: Vec<Stray>,
    /// What does not belong among the snapshots.
    pub strays: Vec<Stray>,
    /// `metadata.db`, if it is there.
    pub metadata: Option<Stat>,
    /// What lies beside `metadata.db` and the folders of snapshots.
    pub beside: Vec<Entry>,
    /// What this snapshotter keeps where we do not look: volumes, images, datasets.
    pub unread: Option<&'static str>,
}

impl Layout {
    /// Lists the directories of the snapshotter `name` at `root`.
    pub fn read_layout(evidence: &Evidence, root: &Path, name: &str) -> Known<Self> {
        let rules = Rules::for_snapshotter(name);
        let mut layout = Self {
            root: root.to_owned(),
            name: name.to_owned(),
            rules,
            dirs: BTreeMap::new(),
            temporaries: Vec::new(),
            strays: Vec::new(),
            metadata: None,
            beside: Vec::new(),
            unread: rules.unread(),
        };
        let mut unknown = Vec::new();
        let entries = match evidence.try_list(root) {
            Ok(entries) => keep(entries, &mut unknown),
            // Never used, or wiped: both are known. Without its parent, nothing is.
            Err(Unread::Absent) if is_dir(evidence, root.parent()) => return Known::Whole(layout),
            Err(why) => {
                let root = Text::from(root.as_os_str().as_bytes());
                return Known::lost(format!("the directories in {root}"), why.to_string());
            }
        };
        for entry in entries {
            let path = join(root, &entry.name);
            let folder = rules.folders().iter().find(|name| entry.name == **name);
            match (folder, entry.stat.kind) {
                (Some(_), FileKind::Dir | FileKind::Symlink) => {
                    layout.read_folder(evidence, &path, &mut unknown);
                }
                _ if entry.name == "metadata.db" => layout.metadata = Some(entry.stat),
                _ => layout.beside.push(entry),
            }
        }
        for dir in layout.dirs.values() {
            unknown.extend(dir.unknown.iter().cloned());
        }
        Known::with(layout, unknown)
    }

    fn read_folder(&mut self, evidence: &Evidence, folder: &Path, unknown: &mut Vec<Unknown>) {
        for Entry { name, stat } in keep(evidence.list(folder), unknown) {
            let path = join(folder, &name);
            let id = name.utf8().and_then(number);
            let why = match id {
                Some(id) if self.dirs.contains_key(&id) => Why::Twice,
                Some(id)
                    if stat.kind == FileKind::Symlink && self.rules.kind() == FileKind::Dir =>
                {
                    // The kernel follows it, and so does the daemon.
                    match target_of(evidence, &path) {
                        Ok(stat) => {
                            let dir =
                                SnapshotDir::read_snapshot_dir(evidence, path, stat, self.rules);
                            self.dirs.insert(id, Box::new(dir));
                        }
                        Err(why) => {
                            let what = Text::from(path.as_os_str().as_bytes());
                            unknown.push(Unknown::new(
                                format!("what the link {what} leads to"),
                                format!("{why} (is its disk mounted, was it taken?)"),
                            ));
                        }
                    }
                    continue;
                }
                Some(id) if stat.kind == self.rules.kind() => {
                    let dir = SnapshotDir::read_snapshot_dir(evidence, path, stat, self.rules);
                    self.dirs.insert(id, Box::new(dir));
                    continue;
                }
                Some(_) => Why::WrongKind,
                None if name.bytes().starts_with(b"new-") => Why::New,
                None if name.bytes().starts_with(b"rm-") => Why::Removed,
                None => Why::NotANumber,
            };
            let stray = Stray { path, stat, why };
            match why {
                Why::New | Why::Removed => self.temporaries.push(stray),
                _ => self.strays.push(stray),
            }
        }
    }

    /// Where the directory of snapshot `id` lies, or would lie.
    pub fn directory(&self, id: u64) -> PathBuf {
        if let Some(dir) = self.dirs.get(&id) {
            return dir.path.clone();
        }
        let folder = self.rules.folders().first().copied().unwrap_or("snapshots");
        self.root.join(folder).join(id.to_string())
    }

    /// Where the files of snapshot `id` lie: in `fs`, or in its directory itself.
    pub fn files(&self, id: u64) -> PathBuf {
        let directory = self.directory(id);
        if self.has_fs() {
            directory.join("fs")
        } else {
            directory
        }
    }

    /// Whether a snapshot that its database names must have a directory (or file) here.
    pub const fn is_understood(&self) -> bool {
        self.rules.is_understood()
    }

    /// Whether a snapshot's files lie in a folder `fs` of its directory.
    pub const fn has_fs(&self) -> bool {
        self.rules.has_fs()
    }
}

impl SnapshotDir {
    fn read_snapshot_dir(evidence: &Evidence, path: PathBuf, stat: Stat, rules: Rules) -> Self {
        let mut dir = Self {
            path,
            stat,
            fs: None,
            is_empty: None,
            work: None,
            others: Vec::new(),
            unknown: Vec::new(),
        };
        if !rules.has_fs() || !dir.stat.is_dir() {
            return dir;
        }
        let fs = dir.path.join("fs");
        for entry in keep(evidence.list(&dir.path), &mut dir.unknown) {
            match (entry.name.bytes(), entry.stat.kind) {
                (b"fs", FileKind::Dir) => {
                    dir.is_empty = is_empty(evidence, &fs, &entry.stat);
                    dir.fs = Some(entry.stat);
                }
                (b"fs", FileKind::Symlink) => match target_of(evidence, &fs) {
                    Ok(stat) => {
                        dir.is_empty = is_empty(evidence, &fs, &stat);
                        dir.fs = Some(stat);
                    }
                    Err(why) => {
                        let what = Text::from(fs.as_os_str().as_bytes());
                        dir.unknown.push(Unknown::new(
                            format!("what the link {what} leads to"),
                            why.to_string(),
                        ));
                    }
                },
                (b"work", FileKind::Dir) => dir.work = Some(entry.stat),
                _ => dir.others.push(entry),
            }
        }
        dir
    }
}

/// Links that are followed one after the other.
const LINKS: usize = 8;

/// The folder that a link leads to.
fn target_of(evidence: &Evidence, path: &Path) -> Result<Stat, Unread> {
    let mut path = path.to_owned();
    for _ in 0..LINKS {
        let stat = evidence.stat(&path)?;
        match stat.kind {
            FileKind::Dir => return Ok(stat),
            FileKind::Symlink => {
                let target = evidence.read_link(&path)?;
                let folder = path.parent().unwrap_or_else(|| Path::new("/"));
                path = folder.join(OsStr::from_bytes(target.bytes()));
            }
            other => return Err(Unread::Special(other.word())),
        }
    }
    Err(Unread::Special("loop of links"))
}

/// Whether nothing is in a folder: its links tell of folders in it where the file system counts them.
fn is_empty(evidence: &Evidence, path: &Path, stat: &Stat) -> Option<bool> {
    if stat.nlink.is_some_and(|links| links > 2) {
        return Some(false);
    }
    let list = evidence.list(path);
    let entries = list.whole()?;
    Some(entries.is_empty())
}

/// An id as Go's `strconv.Itoa` writes it: no sign, no leading zero.
fn number(name: &str) -> Option<u64> {
    let id: u64 = name.parse().ok()?;
    (id.to_string() == name).then_some(id)
}

fn is_dir(evidence: &Evidence, path: Option<&Path>) -> bool {
    path.is_some_and(|path| evidence.stat(path).is_ok_and(|stat| stat.is_dir()))
}

fn join(folder: &Path, name: &Text) -> PathBuf {
    folder.join(OsStr::from_bytes(name.bytes()))
}

fn keep(entries: Known<Vec<Entry>>, unknown: &mut Vec<Unknown>) -> Vec<Entry> {
    unknown.extend(entries.unknown().iter().cloned());
    match entries {
        Known::Whole(entries) | Known::Partial(entries, _) => entries,
        Known::Lost(_) => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::number;

    #[test]
    fn ids_are_written_in_one_way() {
        assert_eq!(number("0"), Some(0));
        assert_eq!(number("42"), Some(42));
        for name in [
            "",
            "-1",
            "+1",
            "007",
            "1 ",
            "0x1",
            "18446744073709551616",
            "rm-1",
        ] {
            assert_eq!(number(name), None, "{name}");
        }
    }
}
