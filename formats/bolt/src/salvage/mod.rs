//! Everything that can be proven, gathered for a new database.
//!
//! First a tree is chosen: that of the newest valid meta, else that of a meta whose checksum alone
//! is wrong, else that of the page from which most keys can be reached. Where it is damaged, keys
//! in the gaps are taken from the tree of the transaction before, which no later transaction may
//! have touched. Every choice is written down.

mod best;

use std::collections::{BTreeMap, BTreeSet};
use std::io::{Seek, Write};

use serde::Serialize;
use view::View;

use crate::{
    bucket::{Bucket, Value},
    db::Db,
    fault::{Fault, KeyRange},
    walk::{Step, Visit},
    write::{Layout, WriteError, Writer},
};

pub use best::Choice;

/// The keys from the root bucket to a bucket.
type Path = Vec<Vec<u8>>;

/// What was saved of one file.
#[derive(Debug)]
pub struct Salvage {
    root: Saved,
    layout: Layout,
    /// Which tree it was taken from; none: nothing was found.
    pub choice: Option<Choice>,
    /// What was damaged, and what became of it.
    pub gaps: Vec<Gap>,
    /// What is in the new database.
    pub kept: Kept,
}

/// What is in the new database.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Kept {
    /// Keys with a value.
    pub values: u64,
    /// Buckets, without the root bucket.
    pub buckets: u64,
    /// Of all these, how many are from the tree of the transaction before.
    pub older: u64,
}

/// A place where keys are missing, and what was done about it.
#[derive(Debug)]
pub struct Gap {
    /// The bucket, from the outside in.
    pub path: Path,
    /// What is wrong there.
    pub fault: Fault,
    /// Keys that were taken from the tree of the transaction before.
    pub filled: u64,
    /// Whether that tree was whole there, so that only what the last transaction changed is lost.
    pub older_is_whole: bool,
}

/// A bucket in memory.
#[derive(Debug, Default)]
struct Saved {
    sequence: u64,
    entries: BTreeMap<Vec<u8>, Item>,
}

#[derive(Debug)]
enum Item {
    Value(Vec<u8>),
    Bucket(Saved),
}

impl Saved {
    /// The bucket at `path`, if it is there.
    fn at(&mut self, path: &[impl AsRef<[u8]>]) -> Option<&mut Self> {
        let mut bucket = self;
        for key in path {
            bucket = match bucket.entries.get_mut(key.as_ref())? {
                Item::Bucket(below) => below,
                Item::Value(_) => return None,
            };
        }
        Some(bucket)
    }
}

impl Salvage {
    /// Gathers what can be proven of the file in `view`.
    pub fn of(view: View<'_>) -> Self {
        let mut salvage = Self {
            root: Saved::default(),
            layout: Layout::default(),
            choice: None,
            gaps: Vec::new(),
            kept: Kept::default(),
        };
        let Some((db, choice)) = best::tree(view) else {
            return salvage;
        };
        salvage.choice = Some(choice);
        salvage.layout = Layout {
            page_size: db.page_size(),
            freelist: db.meta().is_freelist_synced(),
            txid: db.meta().txid.saturating_add(1),
            sequence: db.meta().sequence,
        };
        let mut gaps = Vec::new();
        salvage.root.sequence = db.meta().sequence;
        for step in db.walk() {
            salvage.take(&[], &step, false, &mut gaps);
        }
        let older = db.previous();
        for (path, fault) in gaps {
            salvage.fill(older.as_ref(), path, fault);
        }
        salvage
    }

    /// Takes one step of a walk below `base`.
    fn take(
        &mut self,
        base: &[Vec<u8>],
        step: &Step<'_>,
        is_older: bool,
        gaps: &mut Vec<(Path, Fault)>,
    ) {
        let path = || -> Path {
            let below = step.bucket.iter().map(|key| key.to_vec());
            base.iter().cloned().chain(below).collect()
        };
        let entry = match &step.what {
            Visit::Fault(fault) => {
                if fault.unknown.is_some() {
                    gaps.push((path(), fault.clone()));
                }
                return;
            }
            Visit::Entry(entry) => entry,
        };
        let Some(bucket) = self.root.at(base).and_then(|base| base.at(&step.bucket)) else {
            return;
        };
        if entry.key.is_empty() || bucket.entries.contains_key(entry.key) {
            return;
        }
        let (item, count) = match &entry.value {
            Value::Bytes(bytes) => (Item::Value(bytes.to_vec()), &mut self.kept.values),
            Value::Bucket(below) => {
                let saved = Saved {
                    sequence: below.sequence(),
                    entries: BTreeMap::new(),
                };
                (Item::Bucket(saved), &mut self.kept.buckets)
            }
        };
        *count = count.saturating_add(1);
        if is_older {
            self.kept.older = self.kept.older.saturating_add(1);
        }
        bucket.entries.insert(entry.key.to_vec(), item);
    }

    /// Fills a gap from the tree of the transaction before.
    fn fill(&mut self, older: Option<&Db<'_>>, path: Path, fault: Fault) {
        let mut gap = Gap {
            path,
            fault,
            filled: 0,
            older_is_whole: false,
        };
        if let Some(bucket) = older.and_then(|older| descend(older.root(), &gap.path)) {
            let range = gap.fault.unknown.as_deref().cloned().unwrap_or_default();
            gap.older_is_whole = self.fill_from(&bucket, &gap.path, &range, &mut gap.filled);
        }
        self.gaps.push(gap);
    }

    /// Takes the keys in `range` that are not there; whether all of them could be read.
    fn fill_from(
        &mut self,
        bucket: &Bucket<'_>,
        path: &Path,
        range: &KeyRange,
        filled: &mut u64,
    ) -> bool {
        let before = self.kept.older;
        let mut gaps = Vec::new();
        let Some(known) = self.root.at(path) else {
            return false;
        };
        // What the newest tree has is newer, wherever it stands.
        let known: BTreeSet<Vec<u8>> = known.entries.keys().cloned().collect();
        for step in bucket.walk() {
            let top = step.bucket.first().copied().or(match &step.what {
                Visit::Entry(entry) => Some(entry.key),
                Visit::Fault(_) => None,
            });
            if top.is_some_and(|top| !range.may_hold(top) || known.contains(top)) {
                continue;
            }
            self.take(path, &step, true, &mut gaps);
        }
        *filled = self.kept.older.saturating_sub(before);
        gaps.is_empty()
    }

    /// Whether nothing is missing.
    pub const fn is_whole(&self) -> bool {
        matches!(self.choice, Some(Choice::Newest { .. })) && self.gaps.is_empty()
    }

    /// What the new file will be like: as the old one, one transaction later.
    pub const fn layout(&self) -> Layout {
        self.layout
    }

    /// Writes the new database.
    pub fn write<W: Write + Seek>(self, to: W, layout: Layout) -> Result<W, WriteError> {
        let mut writer = Writer::new(to, layout)?;
        let mut stack = vec![self.root.entries.into_iter()];
        while let Some(top) = stack.last_mut() {
            match top.next() {
                Some((key, Item::Value(value))) => writer.put(&key, &value)?,
                Some((key, Item::Bucket(saved))) => {
                    writer.open_bucket(&key, saved.sequence)?;
                    stack.push(saved.entries.into_iter());
                }
                None => {
                    stack.pop();
                    if !stack.is_empty() {
                        writer.close_bucket()?;
                    }
                }
            }
        }
        writer.finish()
    }
}

/// The bucket at `path` below `bucket`.
fn descend<'s>(mut bucket: Bucket<'s>, path: &Path) -> Option<Bucket<'s>> {
    for key in path {
        let contents = bucket.contents();
        bucket = contents.get(key)?.value.bucket()?.clone();
    }
    Some(bucket)
}
