//! What is different between two merged trees.

use std::collections::BTreeMap;
use std::io::Read;
use std::path::{Path, PathBuf};

use evidence::{Evidence, FileKind, Xattrs};
use finding::{Known, Text, Unknown};
use serde::Serialize;

use super::{Merged, MergedEntry, join};

/// What is different of one file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Aspect {
    /// It is another kind of file.
    Kind,
    /// Its bytes.
    Content,
    /// Where a symbolic link leads.
    Target,
    /// The numbers of a device.
    Device,
    /// Permission bits.
    Mode,
    /// setuid or setgid was not set, and is.
    Setuid,
    /// Owner or group.
    Owner,
    /// `security.capability`.
    Capability,
    /// Other extended attributes.
    Xattrs,
    /// The time of the last change of its contents.
    Mtime,
}

impl Aspect {
    /// The word for it.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Kind => "kind",
            Self::Content => "content",
            Self::Target => "target",
            Self::Device => "device",
            Self::Mode => "mode",
            Self::Setuid => "setuid",
            Self::Owner => "owner",
            Self::Capability => "capability",
            Self::Xattrs => "xattrs",
            Self::Mtime => "mtime",
        }
    }
}

/// How one name differs.
#[derive(Debug, Clone)]
pub enum Change {
    /// It is in the second tree only.
    Added(MergedEntry),
    /// It is in the first tree only, with all that it holds.
    Deleted(MergedEntry),
    /// It is in both.
    Changed {
        /// As it was.
        before: Box<MergedEntry>,
        /// As it is.
        after: MergedEntry,
        /// In what they differ, in order.
        how: Vec<Aspect>,
    },
    /// It was copied into a layer of its own, and is what it was.
    Same(MergedEntry),
    /// It cannot be told.
    Unknown(Unknown),
}

/// A walk through two merged trees at once, in the order of paths.
#[derive(Debug)]
pub struct Comparison<'m, 'e> {
    before: &'m Merged<'e>,
    after: &'m Merged<'e>,
    stack: Vec<(PathBuf, Pair)>,
}

#[derive(Debug)]
enum Pair {
    Both(Box<MergedEntry>, Box<MergedEntry>),
    Ready(Box<Change>),
    /// Below something that was added.
    New(Box<MergedEntry>),
}

impl<'m, 'e> Comparison<'m, 'e> {
    /// Compares `before` with `after`, which are of the same evidence.
    pub fn compare_trees(before: &'m Merged<'e>, after: &'m Merged<'e>) -> Self {
        let root = PathBuf::from("/");
        let first = match (before.root(), after.root()) {
            (Ok(before), Ok(after)) => Pair::Both(Box::new(before), Box::new(after)),
            (Err(why), _) | (_, Err(why)) => Pair::Ready(Box::new(Change::Unknown(Unknown::new(
                "the root of the tree",
                why.to_string(),
            )))),
        };
        Self {
            before,
            after,
            stack: vec![(root, first)],
        }
    }

    /// Puts what two directories hold on the stack.
    fn open(&mut self, path: &Path, before: &MergedEntry, after: &MergedEntry) {
        let mut unknown = Vec::new();
        let mut names: BTreeMap<Text, (Option<MergedEntry>, Option<MergedEntry>)> = BTreeMap::new();
        let old = self.before.list(before).ok();
        let new = self.after.list(after).ok();
        let (old_whole, new_whole) = (is_whole(old.as_ref()), is_whole(new.as_ref()));
        for (name, entry) in take(old, &mut unknown) {
            names.entry(name).or_default().0 = Some(entry);
        }
        for (name, entry) in take(new, &mut unknown) {
            names.entry(name).or_default().1 = Some(entry);
        }
        for (name, pair) in names.into_iter().rev() {
            let path = join(path, &name);
            let pair = match pair {
                (Some(before), Some(after)) => Pair::Both(Box::new(before), Box::new(after)),
                (Some(before), None) if new_whole => Pair::Ready(Box::new(Change::Deleted(before))),
                (None, Some(after)) if old_whole => Pair::New(Box::new(after)),
                // Whether it is in the other tree is not known; why is told once, below.
                _ => continue,
            };
            self.stack.push((path, pair));
        }
        for unknown in unknown.into_iter().rev() {
            let change = Pair::Ready(Box::new(Change::Unknown(unknown)));
            self.stack.push((path.to_owned(), change));
        }
    }

    /// What is different of something that is in both trees.
    fn both(&mut self, path: &Path, before: MergedEntry, after: MergedEntry) -> Option<Change> {
        if before.is_same(&after) {
            return None;
        }
        if before.stat.is_dir() && after.stat.is_dir() {
            self.open(path, &before, &after);
        }
        if before.place == after.place {
            return None;
        }
        if before.stat.kind != after.stat.kind {
            if after.stat.is_dir() {
                self.below(path, &after);
            }
            return Some(Change::Changed {
                before: Box::new(before),
                after,
                how: vec![Aspect::Kind],
            });
        }
        Some(match self.differs(&before, &after) {
            Err(unknown) => Change::Unknown(unknown),
            Ok(how) if how.is_empty() => Change::Same(after),
            Ok(how) => Change::Changed {
                before: Box::new(before),
                after,
                how,
            },
        })
    }

    /// Puts what an added directory holds on the stack.
    fn below(&mut self, path: &Path, entry: &MergedEntry) {
        let mut unknown = Vec::new();
        let entries = take(self.after.list(entry).ok(), &mut unknown);
        for (name, entry) in entries.into_iter().rev() {
            self.stack
                .push((join(path, &name), Pair::New(Box::new(entry))));
        }
        for unknown in unknown {
            let change = Pair::Ready(Box::new(Change::Unknown(unknown)));
            self.stack.push((path.to_owned(), change));
        }
    }

    fn differs(&self, old: &MergedEntry, new: &MergedEntry) -> Result<Vec<Aspect>, Unknown> {
        let mut how = Vec::new();
        let (a, b) = (&old.stat, &new.stat);
        match a.kind {
            FileKind::File => {
                let same = a.size == b.size && same_bytes(self.before.evidence, old, new)?;
                if !same {
                    how.push(Aspect::Content);
                }
            }
            FileKind::Symlink => {
                let target = |entry: &MergedEntry| {
                    let target = self.before.link_target(entry);
                    target.map_err(|why| unread(&entry.place, &why.to_string()))
                };
                if target(old)? != target(new)? {
                    how.push(Aspect::Target);
                }
            }
            FileKind::Char | FileKind::Block if a.rdev != b.rdev => how.push(Aspect::Device),
            _ => {}
        }
        if a.mode != b.mode {
            how.push(Aspect::Mode);
        }
        if b.mode & !a.mode & 0o6000 != 0 && a.kind == FileKind::File {
            how.push(Aspect::Setuid);
        }
        if (a.uid, a.gid) != (b.uid, b.gid) {
            how.push(Aspect::Owner);
        }
        let (old_x, new_x) = (self.before.xattrs(old), self.after.xattrs(new));
        if let (Some(old_x), Some(new_x)) = (old_x.read(), new_x.read()) {
            if old_x.get(&Text::from(CAPABILITY)) != new_x.get(&Text::from(CAPABILITY)) {
                how.push(Aspect::Capability);
            }
            if others(old_x).ne(others(new_x)) {
                how.push(Aspect::Xattrs);
            }
        }
        if a.mtime != b.mtime {
            how.push(Aspect::Mtime);
        }
        Ok(how)
    }
}

const CAPABILITY: &str = "security.capability";

fn others(xattrs: &Xattrs) -> impl Iterator<Item = (&Text, &std::sync::Arc<[u8]>)> {
    let is_other =
        |(name, _): &(&Text, &std::sync::Arc<[u8]>)| name.bytes() != CAPABILITY.as_bytes();
    xattrs.iter().filter(is_other)
}

fn unread(path: &Path, why: &str) -> Unknown {
    let path = Text::from(path.as_os_str().as_encoded_bytes());
    Unknown::new(path.to_string(), why)
}

type List = Known<Vec<(Text, MergedEntry)>>;

fn is_whole(list: Option<&List>) -> bool {
    list.is_some_and(Known::is_whole)
}

fn take(list: Option<List>, unknown: &mut Vec<Unknown>) -> Vec<(Text, MergedEntry)> {
    let Some(list) = list else {
        return Vec::new();
    };
    unknown.extend(list.unknown().iter().cloned());
    match list {
        Known::Whole(entries) | Known::Partial(entries, _) => entries,
        Known::Lost(_) => Vec::new(),
    }
}

/// Whether two files of the same size have the same bytes. Both are read to the first difference.
fn same_bytes(
    evidence: &Evidence,
    one: &MergedEntry,
    other: &MergedEntry,
) -> Result<bool, Unknown> {
    let open = |entry: &MergedEntry| {
        let Some(path) = entry.bytes_at() else {
            return Err(unread(&entry.place, "no layer has its bytes"));
        };
        let reader = evidence.reader(path);
        reader.map_err(|why| unread(path, &why.to_string()))
    };
    if one.bytes_at().is_some() && one.bytes_at() == other.bytes_at() {
        return Ok(true);
    }
    let (mut a, mut b) = (open(one)?, open(other)?);
    let mut left = vec![0; CHUNK];
    let mut right = vec![0; CHUNK];
    loop {
        let count = fill(&mut a, &mut left).map_err(|why| unread(&one.place, &why))?;
        let others = fill(&mut b, &mut right).map_err(|why| unread(&other.place, &why))?;
        if count != others || left.get(..count) != right.get(..count) {
            return Ok(false);
        }
        if count < CHUNK {
            return Ok(true);
        }
    }
}

const CHUNK: usize = 64 << 10;

fn fill(reader: &mut impl Read, chunk: &mut [u8]) -> Result<usize, String> {
    let mut count = 0_usize;
    while let Some(rest) = chunk.get_mut(count..).filter(|rest| !rest.is_empty()) {
        match reader.read(rest) {
            Ok(0) => break,
            Ok(read) => count = count.saturating_add(read),
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error.to_string()),
        }
    }
    Ok(count)
}

impl MergedEntry {
    /// Whether both are the same directories and files of the same layers.
    fn is_same(&self, other: &Self) -> bool {
        let paths = |entry: &Self| entry.parts.iter().map(|part| part.path.clone()).collect();
        let (one, two): (Vec<_>, Vec<_>) = (paths(self), paths(other));
        self.place == other.place && self.data == other.data && one == two
    }
}

impl Iterator for Comparison<'_, '_> {
    type Item = (PathBuf, Change);

    fn next(&mut self) -> Option<(PathBuf, Change)> {
        while let Some((path, pair)) = self.stack.pop() {
            let change = match pair {
                Pair::Ready(change) => *change,
                Pair::New(entry) => {
                    if entry.depth() > 0 {
                        self.below(&path, &entry);
                    }
                    Change::Added(*entry)
                }
                Pair::Both(before, after) => match self.both(&path, *before, *after) {
                    Some(change) => change,
                    None => continue,
                },
            };
            return Some((path, change));
        }
        None
    }
}
