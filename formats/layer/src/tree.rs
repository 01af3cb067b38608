//! Layers on top of each other: which entry of which layer a path of the image is.

use std::collections::BTreeMap;
use std::io::Read;

use crate::{Kind, Layer};

/// What a path of an image is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Leaf {
    /// What it is; a hard link whose target is in none of the layers stays one.
    pub kind: Kind,
    /// The layer that has it, counted from the lowest.
    pub layer: usize,
    /// Which of its entries it is, counted from 0.
    pub number: u64,
    /// Bytes of a regular file.
    pub size: u64,
    /// The target of a symbolic link, as it stands there.
    pub link: Option<Vec<u8>>,
}

/// Why a path leads to nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NoPath {
    /// There is no such name.
    Absent,
    /// More symbolic links than Linux follows.
    Loop,
}

impl core::fmt::Display for NoPath {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.pad(match self {
            Self::Absent => "is not in the image's layers",
            Self::Loop => "leads through more than 40 symbolic links",
        })
    }
}

/// The paths of an image: layers added from the lowest up, later entries over earlier ones. It
/// keeps a name for each file, no bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tree {
    leaves: BTreeMap<Vec<u8>, Leaf>,
    /// Bytes that the names take in memory, about, and may take.
    held: u64,
    most: u64,
}

/// Bytes that the names of any image may take, and more of them for each byte of its layers.
const ROOM: (u64, u64) = (64 << 20, 16);

impl Default for Tree {
    fn default() -> Self {
        Self::of_layers(0)
    }
}

impl Tree {
    /// For an image whose layers have so many bytes, packed.
    pub const fn of_layers(bytes: u64) -> Self {
        Self {
            leaves: BTreeMap::new(),
            held: 0,
            most: ROOM.0.saturating_add(bytes.saturating_mul(ROOM.1)),
        }
    }

    /// Whether names were left out: they take more memory than the budget.
    pub const fn is_cut(&self) -> bool {
        self.held > self.most
    }

    /// Adds all entries of the next layer, as far as there is [room](Self::is_cut).
    pub fn add<R: Read>(&mut self, number: usize, layer: &mut Layer<'_, R>) {
        let mut at = 0_u64;
        while let Some(entry) = layer.next_entry() {
            let this = at;
            at = at.saturating_add(1);
            let letters = entry.link.as_ref().map_or(0, |link| link.bytes().len());
            let bytes = letters.saturating_add(entry.path.len());
            let bytes = bytes.saturating_add(size_of::<Leaf>()).saturating_add(64);
            let bytes = u64::try_from(bytes).unwrap_or(u64::MAX);
            self.held = self.held.saturating_add(bytes);
            if self.is_cut() {
                return;
            }
            let leaf = Leaf {
                kind: entry.kind,
                layer: number,
                number: this,
                size: entry.size,
                link: entry.link.as_ref().map(|link| link.bytes().to_vec()),
            };
            match entry.kind {
                Kind::Whiteout => {
                    self.cut(&entry.path, number);
                    let below = |leaf: &Leaf| leaf.layer < number;
                    if self.leaves.get(&entry.path).is_some_and(below) {
                        self.leaves.remove(&entry.path);
                    }
                }
                Kind::Opaque => self.cut(&entry.path, number),
                Kind::Aufs | Kind::Other(_) => {}
                Kind::Dir => {
                    self.leaves.insert(entry.path, leaf);
                }
                Kind::HardLink => {
                    let target = entry.target().unwrap_or_default();
                    let leaf = self.leaves.get(&target).cloned().unwrap_or(leaf);
                    self.cut(&entry.path, usize::MAX);
                    self.leaves.insert(entry.path, leaf);
                }
                _ => {
                    self.cut(&entry.path, usize::MAX);
                    self.leaves.insert(entry.path, leaf);
                }
            }
        }
    }

    /// Removes what layers before `number` have below `path`.
    fn cut(&mut self, path: &[u8], number: usize) {
        let mut from = path.to_vec();
        if !from.is_empty() {
            from.push(b'/');
        }
        let below: Vec<Vec<u8>> = self
            .leaves
            .range(from.clone()..)
            .take_while(|(path, _)| path.starts_with(&from))
            .filter(|(path, leaf)| leaf.layer < number && !path.is_empty())
            .map(|(path, _)| path.clone())
            .collect();
        for path in below {
            self.leaves.remove(&path);
        }
    }

    /// What lies at `path`, as a process in the container would find it: symbolic links are
    /// followed, and none leads out.
    ///
    /// # Errors
    /// Where it leads to nothing.
    pub fn resolve(&self, path: &[u8]) -> Result<(Vec<u8>, &Leaf), NoPath> {
        let mut left: Vec<Vec<u8>> = parts(path);
        let mut at: Vec<u8> = Vec::new();
        let mut links = 0_u32;
        while let Some(part) = left.pop() {
            if part == b".." {
                let end = at.iter().rposition(|byte| *byte == b'/').unwrap_or(0);
                at.truncate(end);
                continue;
            }
            let mut next = at.clone();
            if !next.is_empty() {
                next.push(b'/');
            }
            next.extend_from_slice(&part);
            let leaf = self.leaves.get(&next);
            if let Some(link) = leaf.filter(|leaf| leaf.kind == Kind::Symlink) {
                links = links.saturating_add(1);
                if links > 40 {
                    return Err(NoPath::Loop);
                }
                let target = link.link.as_deref().unwrap_or_default();
                if target.starts_with(b"/") {
                    at.clear();
                }
                left.extend(parts(target));
                continue;
            }
            // A directory need not have an entry of its own.
            at = next;
        }
        let leaf = self.leaves.get(&at).ok_or(NoPath::Absent)?;
        Ok((at, leaf))
    }
}

/// The components of a path, the last one first.
fn parts(path: &[u8]) -> Vec<Vec<u8>> {
    let parts = path.split(|byte| *byte == b'/');
    let parts = parts.filter(|part| !part.is_empty() && *part != b".");
    parts.rev().map(<[u8]>::to_vec).collect()
}
