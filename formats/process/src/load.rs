//! Processes of evidence in which `/proc` was stored.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use evidence::{Entry, Evidence, FileKind};
use finding::{Known, Text, Unread};

use crate::tree::{Item, Tree};

/// Bytes of one file; a table of mounts may be large.
const LIMIT: u64 = 4 << 20;
/// Bytes of all files.
const TOTAL: usize = 512 << 20;
/// Processes, and files of one.
const MOST: usize = 1 << 17;

/// Folders of a process that are looked into, and whether they have folders in them.
const FOLDERS: &[&str] = &["fd", "fdinfo", "ns", "task"];

/// What is left to be spent.
struct Loader<'e> {
    evidence: &'e Evidence,
    room: usize,
    whole: bool,
}

impl Tree {
    /// Reads what evidence holds of `/proc`; nothing if it holds no process, or if a machine's own
    /// processes are there, which are [captured](Self::capture).
    pub fn load(evidence: &Evidence) -> Option<Self> {
        let proc = Path::new("/proc");
        if evidence.mount(proc).is_some_and(|mount| mount.is_procfs()) {
            return None;
        }
        let listing = evidence.try_list(proc).ok()?;
        let mut loader = Loader {
            evidence,
            room: TOTAL,
            whole: listing.is_whole(),
        };
        let mut tree = Self::default();
        let entries = entries(listing);
        let mut global: Vec<PathBuf> = vec!["/proc/self/mountinfo".into(), "/proc/net/unix".into()];
        for Entry { name, stat } in entries.iter().take(MOST) {
            let path = Path::new("/proc").join(os(name));
            if stat.kind == FileKind::File {
                global.push(path);
            } else if let Some(pid) = name.utf8().and_then(|name| name.parse().ok())
                && stat.is_dir()
            {
                let process = loader.process(pid, &path, &mut tree);
                tree.processes.insert(pid, process);
            }
        }
        if tree.processes.is_empty() {
            return None;
        }
        for path in global {
            if let Some(item) = loader.file(&path) {
                tree.global
                    .insert(path.as_os_str().as_encoded_bytes().into(), item);
            }
        }
        loader.cgroups(&mut tree);
        // Some collectors take the first process for its tables of mounts, and no other.
        let is_one = tree.processes.len() < 2;
        tree.whole = loader.whole && entries.len() <= MOST && !is_one;
        if tree.whole {
            tree.listed.insert("/proc".into());
        }
        Some(tree)
    }
}

fn os(name: &Text) -> &std::ffi::OsStr {
    std::os::unix::ffi::OsStrExt::from_bytes(name.bytes())
}

fn entries(known: Known<Vec<Entry>>) -> Vec<Entry> {
    match known {
        Known::Whole(entries) | Known::Partial(entries, _) => entries,
        Known::Lost(_) => Vec::new(),
    }
}

impl Loader<'_> {
    /// A file; nothing if there is none.
    fn file(&mut self, path: &Path) -> Option<Item> {
        match self.evidence.source(path, LIMIT) {
            Ok(source) => {
                let bytes = source.bytes();
                match self.room.checked_sub(bytes.len()) {
                    Some(room) => {
                        self.room = room;
                        Some(Item::File(bytes.to_vec()))
                    }
                    None => Some(Item::Unread(Unread::TooLarge {
                        size: u64::try_from(bytes.len()).unwrap_or(u64::MAX),
                        limit: u64::try_from(self.room).unwrap_or(u64::MAX),
                    })),
                }
            }
            Err(Unread::Absent | Unread::NotCollected) => None,
            Err(unread) => Some(Item::Unread(unread)),
        }
    }

    fn item(&mut self, path: &Path, kind: FileKind) -> Option<Item> {
        match kind {
            FileKind::File => self.file(path),
            FileKind::Symlink => Some(match self.evidence.read_link(path) {
                Ok(target) => Item::Link(target),
                Err(unread) => Item::Unread(unread),
            }),
            // A process has no other files.
            _ => None,
        }
    }

    fn process(&mut self, pid: u32, path: &Path, tree: &mut Tree) -> BTreeMap<Box<str>, Item> {
        let mut files = BTreeMap::new();
        let mut todo: Vec<(String, u8)> = vec![(String::new(), 0)];
        while let Some((folder, depth)) = todo.pop() {
            let at = path.join(&folder);
            let listed = match self.evidence.try_list(&at) {
                Ok(listed) => listed,
                Err(unread) => {
                    files.insert(folder.into(), Item::Unread(unread));
                    continue;
                }
            };
            if listed.is_whole() {
                tree.listed
                    .insert(format!("/proc/{pid}/{folder}").trim_end_matches('/').into());
            }
            for Entry { name, stat } in entries(listed) {
                let Some(name) = name.utf8().filter(|_| files.len() < MOST) else {
                    continue;
                };
                let relative = if folder.is_empty() {
                    name.to_owned()
                } else {
                    format!("{folder}/{name}")
                };
                let known =
                    FOLDERS.contains(&relative.as_str()) || (folder == "task" && depth == 1);
                if stat.is_dir() && known {
                    todo.push((relative, depth.saturating_add(1)));
                } else if let Some(item) = self.item(&path.join(&relative), stat.kind) {
                    files.insert(relative.into(), item);
                }
            }
        }
        files
    }

    /// Files of cgroups, wherever they are mounted below `/sys/fs/cgroup`.
    fn cgroups(&mut self, tree: &mut Tree) {
        let mut todo = vec![PathBuf::from("/sys/fs/cgroup")];
        let mut seen = 0_usize;
        while let Some(folder) = todo.pop() {
            let Ok(listed) = self.evidence.try_list(&folder) else {
                continue;
            };
            for Entry { name, stat } in entries(listed) {
                seen = seen.saturating_add(1);
                if seen > MOST {
                    self.whole = false;
                    return;
                }
                let path = folder.join(os(&name));
                if stat.is_dir() {
                    todo.push(path);
                } else if let Some(item) = self.item(&path, stat.kind) {
                    tree.global
                        .insert(path.as_os_str().as_encoded_bytes().into(), item);
                }
            }
        }
    }
}
