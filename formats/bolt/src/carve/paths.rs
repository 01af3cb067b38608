//! Names of buckets, each kept once.

use std::collections::HashMap;

use crate::page::PageId;

/// Deeper buckets are taken for unnamed ones: no program nests them so deep, and a hostile chain
/// of pages must not make names of any length.
const DEEPEST: u32 = 64;

/// The name of a bucket in [`Paths`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct PathId(usize);

impl PathId {
    /// The root bucket.
    pub(crate) const ROOT: Self = Self(0);
    /// No bucket.
    pub(crate) const NONE: Self = Self(usize::MAX);
}

/// What a path starts from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Top {
    /// The root bucket.
    Root,
    /// A bucket without a name: the one whose entries start on this page.
    Page(PageId),
}

#[derive(Debug, Clone, Copy)]
struct Step<'s> {
    up: Option<PathId>,
    top: Top,
    key: &'s [u8],
    depth: u32,
}

/// All names of buckets that occur.
#[derive(Debug)]
pub(crate) struct Paths<'s> {
    steps: Vec<Step<'s>>,
    below: HashMap<(PathId, &'s [u8]), PathId>,
    tops: HashMap<PageId, PathId>,
}

impl<'s> Paths<'s> {
    pub(crate) fn new() -> Self {
        let root = Step {
            up: None,
            top: Top::Root,
            key: &[],
            depth: 0,
        };
        Self {
            steps: vec![root],
            below: HashMap::new(),
            tops: HashMap::new(),
        }
    }

    fn step(&self, path: PathId) -> Option<&Step<'s>> {
        self.steps.get(path.0)
    }

    fn push(&mut self, step: Step<'s>) -> PathId {
        let id = PathId(self.steps.len());
        self.steps.push(step);
        id
    }

    /// The bucket without a name that starts on `page`.
    pub(crate) fn unnamed(&mut self, page: PageId) -> PathId {
        if let Some(known) = self.tops.get(&page) {
            return *known;
        }
        let id = self.push(Step {
            up: None,
            top: Top::Page(page),
            key: &[],
            depth: 0,
        });
        self.tops.insert(page, id);
        id
    }

    /// The bucket `key` in bucket `up`; none if that is too deep.
    pub(crate) fn below(&mut self, up: PathId, key: &'s [u8]) -> Option<PathId> {
        if let Some(known) = self.below.get(&(up, key)) {
            return Some(*known);
        }
        let step = *self.step(up)?;
        let depth = step
            .depth
            .checked_add(1)
            .filter(|depth| *depth <= DEEPEST)?;
        let id = self.push(Step {
            up: Some(up),
            top: step.top,
            key,
            depth,
        });
        self.below.insert((up, key), id);
        Some(id)
    }

    /// The bucket `key` in bucket `up`, if that name occurs.
    pub(crate) fn find(&self, up: PathId, key: &[u8]) -> Option<PathId> {
        self.below.get(&(up, key)).copied()
    }

    /// The bucket that holds the bucket `path`, and its key in it.
    pub(crate) fn up(&self, path: PathId) -> Option<(PathId, &'s [u8])> {
        let step = self.step(path)?;
        Some((step.up?, step.key))
    }

    /// What it starts from.
    pub(crate) fn top(&self, path: PathId) -> Top {
        self.step(path).map_or(Top::Root, |step| step.top)
    }

    /// The keys from its top on.
    pub(crate) fn keys(&self, path: PathId) -> Vec<&'s [u8]> {
        let mut keys = Vec::new();
        let mut next = path;
        while let Some((up, key)) = self.up(next) {
            keys.push(key);
            next = up;
        }
        keys.reverse();
        keys
    }
}
