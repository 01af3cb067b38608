//! All of a merged tree, directory by directory.

use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use finding::{Known, Text, Unknown};

use super::ahead::Ahead;
use super::{Merged, MergedEntry, join};

/// Something that a walk came across.
#[derive(Debug, Clone)]
pub enum Seen {
    /// A file, a directory, …; its path starts at the root of the tree: `/`, `/etc/passwd`.
    Entry(PathBuf, Box<MergedEntry>),
    /// Something of this directory is not known.
    Unknown(PathBuf, Unknown),
}

/// A walk through a merged tree: a directory comes before what it holds, and names in the order of
/// their bytes.
#[derive(Debug)]
pub struct MergedWalk<'m, 'e> {
    merged: &'m Merged<'e>,
    /// What is to come, the next one last.
    stack: Vec<Seen>,
    left: u64,
    /// Threads that list what comes next.
    ahead: Option<&'m Ahead<'m, 'e>>,
}

/// Redirects can show one directory many times over: a walk of a hostile chain must end.
const MOST: u64 = 50_000_000;

impl<'e> Merged<'e> {
    /// Walks through all of the tree.
    pub fn walk(&self) -> MergedWalk<'_, 'e> {
        let root = Path::new("/").to_owned();
        self.walk_at(root, self.root().map_err(|why| why.to_string()))
    }

    /// Walks through what `entry`, found at `path`, holds, itself first. Directories are listed ahead by so many other
    /// threads, which changes nothing of the order; it ends when `each` breaks.
    pub fn walk_ahead(
        &self,
        path: &Path,
        entry: MergedEntry,
        threads: usize,
        each: &mut dyn FnMut(Seen) -> ControlFlow<()>,
    ) {
        let ahead = Ahead::new(self);
        std::thread::scope(|scope| {
            // However this ends, the threads are told.
            let _end = ahead.end_when_dropped();
            for number in 0..threads {
                let name = format!("list-{number}");
                let builder = std::thread::Builder::new().name(name);
                // One that cannot be started is done without.
                if builder.spawn_scoped(scope, || ahead.work()).is_err() {
                    break;
                }
            }
            let mut walk = self.walk_at(path.to_owned(), Ok(entry));
            walk.ahead = Some(&ahead).filter(|_| threads > 0);
            for seen in walk {
                if each(seen).is_break() {
                    break;
                }
            }
        });
    }

    fn walk_at(&self, path: PathBuf, entry: Result<MergedEntry, String>) -> MergedWalk<'_, 'e> {
        let first = match entry {
            Ok(entry) => Seen::Entry(path, Box::new(entry)),
            Err(why) => {
                let what = self
                    .layers
                    .first()
                    .map(|layer| Text::from(layer.as_os_str().as_encoded_bytes()).to_string());
                Seen::Unknown(path, Unknown::new(what.unwrap_or_default(), why))
            }
        };
        MergedWalk {
            merged: self,
            stack: vec![first],
            left: MOST,
            ahead: None,
        }
    }
}

impl Iterator for MergedWalk<'_, '_> {
    type Item = Seen;

    fn next(&mut self) -> Option<Seen> {
        let seen = self.stack.pop()?;
        if let Some(left) = self.left.checked_sub(1) {
            self.left = left;
        } else {
            self.stack.clear();
            let unknown = Unknown::new("the rest of the tree", "it has too many entries");
            return Some(Seen::Unknown(PathBuf::from("/"), unknown));
        }
        if let Seen::Entry(path, entry) = &seen
            && entry.depth() > 0
        {
            let list = match self.ahead {
                Some(ahead) => ahead.list(path, entry),
                None => self.merged.list_parts(&entry.parts),
            };
            let unknown = list.unknown().to_vec();
            if let Known::Whole(entries) | Known::Partial(entries, _) = list {
                let below = entries.into_iter().rev();
                self.stack.extend(
                    below.map(|(name, entry)| Seen::Entry(join(path, &name), Box::new(entry))),
                );
            }
            let unknown = unknown.into_iter().rev();
            self.stack
                .extend(unknown.map(|unknown| Seen::Unknown(path.clone(), unknown)));
        }
        Some(seen)
    }
}
