//! The files of a bundle: names are look-up keys, never paths to open.

use std::collections::{BTreeMap, VecDeque};
use std::path::Path;

use finding::{Known, Text, Unknown, Unread};

use crate::content::Content;
use crate::directory::Xattrs;
use crate::{Budget, Entry, FileKind, Stat, path};

/// Number of an inode in its tree.
pub(crate) type Id = usize;

/// What became of a file's bytes.
#[derive(Debug, Clone)]
pub(crate) enum Data {
    /// Kept.
    Kept(Content),
    /// Not kept, or never there.
    Not(Unread),
}

/// A file, a directory, or anything else, under however many names.
#[derive(Debug)]
pub(crate) struct Inode {
    pub(crate) stat: Stat,
    /// Of a symbolic link.
    pub(crate) target: Option<Text>,
    pub(crate) xattrs: Xattrs,
    /// Why not all extended attributes are known.
    pub(crate) xattrs_unknown: Option<String>,
    pub(crate) data: Data,
    pub(crate) sha256: Option<[u8; 32]>,
    /// Of a directory.
    pub(crate) children: BTreeMap<Box<[u8]>, Id>,
    /// Of a directory: all of its names are in the bundle.
    pub(crate) listed: bool,
}

impl Inode {
    pub(crate) fn new(stat: Stat) -> Self {
        let data = stat.kind.unread().unwrap_or(Unread::NotCollected);
        Self {
            stat,
            target: None,
            xattrs: Xattrs::new(),
            xattrs_unknown: None,
            data: Data::Not(data),
            sha256: None,
            children: BTreeMap::new(),
            listed: false,
        }
    }
}

/// All files of a bundle.
#[derive(Debug)]
pub(crate) struct Tree {
    inodes: Vec<Inode>,
    links: u32,
    depth: usize,
    entries: usize,
}

/// The root's number.
pub(crate) const ROOT: Id = 0;

/// Why a name could not be put into the tree.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Refused {
    /// The budget for entries is spent.
    Full,
    /// More components than the budget allows, or too many links.
    Deep,
    /// A directory on the way is not one.
    NotDir,
    /// It names the root, or ends in `..`.
    Nameless,
}

impl Tree {
    pub(crate) fn new(budget: &Budget) -> Self {
        Self {
            inodes: vec![Inode::new(Stat::only(FileKind::Dir))],
            links: budget.links,
            depth: usize::try_from(budget.depth).unwrap_or(usize::MAX),
            entries: usize::try_from(budget.entries).unwrap_or(usize::MAX),
        }
    }

    pub(crate) fn get(&self, id: Id) -> Option<&Inode> {
        self.inodes.get(id)
    }

    pub(crate) fn get_mut(&mut self, id: Id) -> Option<&mut Inode> {
        self.inodes.get_mut(id)
    }

    /// Every inode, the nameless ones too.
    pub(crate) fn all_mut(&mut self) -> impl Iterator<Item = &mut Inode> {
        self.inodes.iter_mut()
    }

    /// Adds an inode without a name.
    pub(crate) fn add(&mut self, inode: Inode) -> Result<Id, Refused> {
        if self.inodes.len() >= self.entries {
            return Err(Refused::Full);
        }
        let id = self.inodes.len();
        self.inodes.push(inode);
        Ok(id)
    }

    /// The directory of `name`, made where it is missing, and the last component. Links on the way
    /// are followed inside the tree, as unpacking in a chroot would.
    pub(crate) fn place(&mut self, name: &[u8]) -> Result<(Id, Box<[u8]>), Refused> {
        let mut todo: VecDeque<Vec<u8>> = path::components(name).map(<[u8]>::to_vec).collect();
        let mut way = vec![ROOT];
        let mut links = 0_u32;
        while let Some(part) = todo.pop_front() {
            let here = way.last().copied().unwrap_or(ROOT);
            if part == b".." {
                if way.len() > 1 {
                    way.pop();
                }
                continue;
            }
            if todo.is_empty() {
                return Ok((here, part.into()));
            }
            if way.len() > self.depth {
                return Err(Refused::Deep);
            }
            let child = self
                .get(here)
                .and_then(|inode| inode.children.get(part.as_slice()).copied());
            let child = if let Some(child) = child {
                child
            } else {
                let made = self.add(Inode::new(Stat::only(FileKind::Dir)))?;
                self.name(here, part.into(), made);
                made
            };
            let inode = self.get(child).ok_or(Refused::NotDir)?;
            match (inode.stat.kind, &inode.target) {
                (FileKind::Dir, _) => way.push(child),
                (FileKind::Symlink, Some(target)) => {
                    links = links.saturating_add(1);
                    if links > self.links {
                        return Err(Refused::Deep);
                    }
                    if target.bytes().starts_with(b"/") {
                        way.truncate(1);
                    }
                    let parts: Vec<Vec<u8>> = path::components(target.bytes())
                        .map(<[u8]>::to_vec)
                        .collect();
                    for part in parts.into_iter().rev() {
                        todo.push_front(part);
                    }
                }
                _ => return Err(Refused::NotDir),
            }
        }
        Err(Refused::Nameless)
    }

    /// Gives an inode a name; what had it before loses it.
    pub(crate) fn name(&mut self, directory: Id, name: Box<[u8]>, id: Id) {
        if let Some(inode) = self.get_mut(directory) {
            inode.children.insert(name, id);
        }
    }

    /// The inode that has this name in a directory.
    pub(crate) fn child(&self, directory: Id, name: &[u8]) -> Option<Id> {
        self.get(directory)?.children.get(name).copied()
    }

    /// The inode that `path` names; a link in the last place is not followed.
    pub(crate) fn find(&self, path: &Path) -> Result<Id, Unread> {
        let bytes = path.as_os_str().as_encoded_bytes();
        let mut todo: VecDeque<&[u8]> = path::components(bytes).collect();
        let mut way = vec![ROOT];
        let mut links = 0_u32;
        while let Some(part) = todo.pop_front() {
            if part == b".." {
                if way.len() > 1 {
                    way.pop();
                }
                continue;
            }
            let here = way.last().copied().unwrap_or(ROOT);
            let directory = self.get(here).ok_or(Unread::Absent)?;
            let Some(child) = directory.children.get(part).copied() else {
                return Err(if directory.listed && !may_be_socket(part, directory) {
                    Unread::Absent
                } else {
                    Unread::NotCollected
                });
            };
            if todo.is_empty() {
                return Ok(child);
            }
            let inode = self.get(child).ok_or(Unread::Absent)?;
            match (inode.stat.kind, &inode.target) {
                (FileKind::Dir, _) if way.len() <= self.depth => way.push(child),
                (FileKind::Dir, _) => return Err(Unread::Io("path is too deep".into())),
                (FileKind::Symlink, Some(target)) => {
                    links = links.saturating_add(1);
                    if links > self.links {
                        return Err(Unread::Io("too many symbolic links".into()));
                    }
                    if target.bytes().starts_with(b"/") {
                        way.truncate(1);
                    }
                    for part in path::components(target.bytes()).rev() {
                        todo.push_front(part);
                    }
                }
                // A component that is a file has no names in it.
                _ => return Err(Unread::Absent),
            }
        }
        Ok(way.last().copied().unwrap_or(ROOT))
    }

    /// As [`find`](Self::find), and links in the last place are followed.
    pub(crate) fn find_followed(&self, path: &Path) -> Result<Id, Unread> {
        let mut at = path.to_owned();
        let mut first: Option<&Text> = None;
        for _ in 0..=self.links {
            let id = match (self.find(&at), first) {
                (Err(Unread::Absent), Some(target)) => {
                    return Err(Unread::Dangling(target.clone()));
                }
                (found, _) => found?,
            };
            let Some(target) = self.get(id).and_then(|inode| inode.target.as_ref()) else {
                return Ok(id);
            };
            at =
                path::follow(&at, target.bytes()).ok_or_else(|| Unread::Escapes(target.clone()))?;
            first = first.or(Some(target));
        }
        Err(Unread::Io("too many symbolic links".into()))
    }

    /// The entries of a directory.
    pub(crate) fn list(&self, path: &Path) -> Result<Known<Vec<Entry>>, Unread> {
        let id = self.find_followed(path)?;
        let inode = self.get(id).ok_or(Unread::Absent)?;
        if !inode.stat.is_dir() {
            return Err(Unread::Special(inode.stat.kind.word()));
        }
        if !inode.listed && inode.children.is_empty() {
            return Err(Unread::NotCollected);
        }
        let entries = inode.children.iter().filter_map(|(name, id)| {
            let name = Text::new(name.to_vec());
            let stat = self.get(*id)?.stat.clone();
            Some(Entry { name, stat })
        });
        let entries = entries.collect();
        Ok(if inode.listed {
            Known::Whole(entries)
        } else {
            let what = format!("entries of {}", path::shown(path));
            let why = "the bundle does not say that it holds all of them";
            Known::Partial(entries, vec![Unknown::new(what, why)])
        })
    }

    /// The first link on the way to `path` that leads above the root, taken as text.
    pub(crate) fn clamped(&self, path: &Path) -> Option<Text> {
        let mut at = std::path::PathBuf::from("/");
        for part in path::components(path.as_os_str().as_encoded_bytes()) {
            at.push(path::path(part));
            for _ in 0..self.links {
                let inode = self.get(self.find(&at).ok()?)?;
                let Some(target) = &inode.target else {
                    break;
                };
                match path::follow(&at, target.bytes()) {
                    Some(next) => at = next,
                    None => return Some(target.clone()),
                }
            }
        }
        None
    }
}

/// Whether a name that a tar of somebody's making does not have could be a socket: tar leaves
/// those out, so that nothing follows from their absence.
fn may_be_socket(name: &[u8], directory: &Inode) -> bool {
    let keeps_inodes = directory.stat.ino.is_some();
    let looks = name.ends_with(b".sock") || name.ends_with(b".sock.ttrpc");
    looks && !keeps_inodes
}
