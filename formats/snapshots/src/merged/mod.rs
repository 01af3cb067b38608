//! A chain of layers as a container saw it, without mounting anything.
//!
//! The rules are the kernel's (`fs/overlayfs/namei.c`, `readdir.c`, `xattrs.c`):
//!
//! - a name is what the topmost layer that has it says; a whiteout there says that it is gone;
//! - a directory that several layers have shows the names of all of them, and has the mode, owner,
//!   times and attributes of the topmost; an opaque one, a whiteout or a file in between ends that;
//! - a directory with `redirect` goes on below under another name, or from the root of the layers;
//! - a file with `metacopy` has its bytes in the next layer that has it;
//! - `trusted.overlay.*` (`user.overlay.*`) is not seen; `trusted.overlay.overlay.x` is seen as
//!   `trusted.overlay.x`.
//!
//! A single layer is not an overlay: containerd binds it, so that whiteouts and marks are seen as
//! they lie there ([`Merged::plain`]).
//!
//! Links are never followed, neither in a layer nor by a redirect: only what `lstat` calls a
//! directory is gone into. What could not be listed, or attributes that could not be read, are
//! unknown, and named.

mod ahead;
mod compare;
mod list;
mod redirect;
mod walk;

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use evidence::{Evidence, Stat, Xattrs};
use finding::{Known, Text, Unread};

use crate::overlay::Prefix;

pub use compare::{Aspect, Change, Comparison};
pub use walk::{MergedWalk, Seen};

/// A chain of layers, seen as one tree.
#[derive(Debug, Clone)]
pub struct Merged<'e> {
    evidence: &'e Evidence,
    /// Directories, the topmost first.
    layers: Vec<PathBuf>,
    /// The prefix of marks; none: the one layer is seen as it lies there.
    prefix: Option<Prefix>,
    /// Whether listings have the targets of links.
    targets: bool,
}

/// A directory of one layer that is seen in a directory of the merged tree.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Part {
    layer: usize,
    path: PathBuf,
    /// Empty files with the mark `whiteout` are whiteouts here (`opaque = "x"`).
    xwhiteouts: bool,
}

/// Where the bytes of a file lie.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Data {
    /// Where its metadata lie.
    Here,
    /// Its metadata alone were copied up; its bytes lie here.
    Below(PathBuf),
    /// Its metadata alone were copied up, and no layer below has its bytes.
    Missing,
}

/// Something in the merged tree.
#[derive(Debug, Clone)]
pub struct MergedEntry {
    /// What it is.
    pub stat: Stat,
    /// The layer that says so, counted from the topmost.
    pub layer: usize,
    /// Where it lies in that layer.
    pub place: PathBuf,
    /// Where its bytes lie.
    pub data: Data,
    /// The target of a symbolic link, where it was read with the name.
    target: Option<Result<Text, Unread>>,
    parts: Vec<Part>,
}

impl MergedEntry {
    /// How many layers' directories are seen in this one; none if it is no directory.
    pub fn depth(&self) -> usize {
        self.parts.len()
    }

    /// Where its bytes lie; nothing if no layer has them.
    pub fn bytes_at(&self) -> Option<&Path> {
        match &self.data {
            Data::Here => Some(&self.place),
            Data::Below(path) => Some(path),
            Data::Missing => None,
        }
    }
}

impl<'e> Merged<'e> {
    /// The overlay of `layers`, the topmost first.
    pub fn overlay(evidence: &'e Evidence, layers: Vec<PathBuf>, prefix: Prefix) -> Self {
        Self {
            evidence,
            layers,
            prefix: Some(prefix),
            targets: false,
        }
    }

    /// One directory as it lies there: a bound layer, or a snapshot of `native`.
    pub fn plain(evidence: &'e Evidence, layer: PathBuf) -> Self {
        Self {
            evidence,
            layers: vec![layer],
            prefix: None,
            targets: false,
        }
    }

    /// With the targets of symbolic links in every listing and walk.
    #[must_use]
    pub const fn with_targets(mut self) -> Self {
        self.targets = true;
        self
    }

    /// The target of a symbolic link of this tree.
    ///
    /// # Errors
    /// Why it is not known; another kind of file has none.
    pub fn link_target(&self, entry: &MergedEntry) -> Result<Text, Unread> {
        let known = entry.target.clone();
        known.unwrap_or_else(|| self.evidence.read_link(&entry.place))
    }

    /// The layers, the topmost first.
    pub fn layers(&self) -> &[PathBuf] {
        &self.layers
    }

    /// The root of the tree: that of the topmost layer, with the names of all.
    ///
    /// # Errors
    /// Why the topmost layer's directory is not known. A lower one that is not there is told when
    /// the root is listed.
    pub fn root(&self) -> Result<MergedEntry, Unread> {
        let top = self.layers.first().ok_or(Unread::Absent)?;
        let stat = self.evidence.stat(top)?;
        if !stat.is_dir() {
            return Err(stat
                .kind
                .unread()
                .unwrap_or(Unread::Special("regular file")));
        }
        let mut parts = Vec::with_capacity(self.layers.len());
        for (layer, path) in self.layers.iter().enumerate() {
            // The root is one of all layers, whatever its marks say: but whiteouts may be files.
            let marks = self.marks(path).map(|(marks, _)| marks);
            let xwhiteouts = marks.is_some_and(|marks| list::has_xwhiteouts(&marks));
            parts.push(Part {
                layer,
                path: path.clone(),
                xwhiteouts,
            });
        }
        Ok(MergedEntry {
            stat,
            layer: 0,
            place: top.clone(),
            data: Data::Here,
            target: None,
            parts,
        })
    }

    /// The extended attributes as they are seen through the mount.
    pub fn xattrs(&self, entry: &MergedEntry) -> Known<Xattrs> {
        let known = self.evidence.xattrs(&entry.place);
        let Some(prefix) = self.prefix else {
            return known;
        };
        known.map(|xattrs| outer(xattrs, prefix))
    }

    /// What `path` is, from the root of the tree; no link is followed.
    ///
    /// # Errors
    /// [`Unread::Absent`] where the tree surely has no such name; another reason where that is not
    /// known.
    pub fn stat(&self, path: &Path) -> Result<MergedEntry, Unread> {
        let mut entry = self.root()?;
        for name in path.components() {
            let std::path::Component::Normal(name) = name else {
                continue;
            };
            entry = self.child(&entry, &Text::from(name.as_bytes()))?;
        }
        Ok(entry)
    }
}

/// Links that are followed on the way to a file, as the kernel would.
const LINKS: usize = 40;

impl Merged<'_> {
    /// What `path` is, with every link followed inside the tree, as a process whose root it is
    /// would: `..` does not climb above it. With the path that the links lead to.
    ///
    /// # Errors
    /// As for [`stat`](Self::stat); [`Unread::Dangling`] after too many links.
    pub fn resolve(&self, path: &Path) -> Result<(PathBuf, MergedEntry), Unread> {
        let mut todo = components(path.as_os_str().as_bytes());
        let mut at = vec![(PathBuf::from("/"), self.root()?)];
        let mut links = 0_usize;
        while let Some(name) = todo.pop() {
            if name.bytes() == b".." {
                if at.len() > 1 {
                    at.pop();
                }
                continue;
            }
            let Some((folder, entry)) = at.last() else {
                return Err(Unread::Absent);
            };
            let (place, found) = (join(folder, &name), self.child(entry, &name)?);
            if found.stat.kind != evidence::FileKind::Symlink {
                at.push((place, found));
                continue;
            }
            let target = self.evidence.read_link(&found.place)?;
            links = links.saturating_add(1);
            if links > LINKS {
                return Err(Unread::Dangling(target));
            }
            if target.bytes().starts_with(b"/") {
                at.truncate(1);
            }
            todo.extend(components(target.bytes()));
        }
        at.pop().ok_or(Unread::Absent)
    }

    /// What a directory of the tree holds under `name`.
    fn child(&self, folder: &MergedEntry, name: &Text) -> Result<MergedEntry, Unread> {
        let list = self.list(folder)?;
        let entries = list.read().into_iter().flatten();
        let mut found = entries.filter(|(other, _)| other == name);
        if let Some((_, entry)) = found.next() {
            return Ok(entry.clone());
        }
        match list.unknown().first() {
            None => Err(Unread::Absent),
            Some(unknown) => Err(Unread::Io(format!(
                "is not known: {}: {}",
                unknown.what, unknown.why
            ))),
        }
    }
}

/// The names of a path, the last one first.
fn components(path: &[u8]) -> Vec<Text> {
    let names = path.split(|byte| *byte == b'/');
    let names = names.filter(|name| !matches!(*name, b"" | b"."));
    names.rev().map(Text::from).collect()
}

/// What a mount shows of the attributes of one file.
fn outer(xattrs: Xattrs, prefix: Prefix) -> Xattrs {
    xattrs
        .into_iter()
        .filter_map(|(name, value)| {
            let Some(own) = name.bytes().strip_prefix(prefix.bytes()) else {
                return Some((name, value));
            };
            let escaped = own.strip_prefix(b"overlay.")?;
            Some((Text::from([prefix.bytes(), escaped].concat()), value))
        })
        .collect()
}

fn join(folder: &Path, name: &Text) -> PathBuf {
    folder.join(OsStr::from_bytes(name.bytes()))
}
