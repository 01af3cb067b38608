//! A bucket that is being gathered: what is found of it, and what is still to be read.

use std::collections::BTreeMap;

use view::View;

use super::{
    mend::Hole,
    tree::{Item, Root, Saved, Whole},
};
use crate::{page::PageId, space::Pointer};

/// A page that is still to be read.
#[derive(Debug, Clone, Copy)]
pub(super) struct Next<'s> {
    pub(super) pointer: Pointer,
    pub(super) bounds: Hole<'s>,
    pub(super) depth: u64,
    /// Its first key, as the branch above says.
    pub(super) first: Option<&'s [u8]>,
}

impl Next<'_> {
    /// The root page of a bucket.
    pub(super) const fn root(pointer: Pointer) -> Self {
        Self {
            pointer,
            bounds: (None, None),
            depth: 0,
            first: None,
        }
    }
}

/// A bucket that is being gathered.
pub(super) struct Frame<'s> {
    pub(super) key: &'s [u8],
    pub(super) root: Root<'s>,
    sequence: u64,
    pub(super) entries: Vec<(&'s [u8], Item<'s>)>,
    pub(super) nodes: Vec<Next<'s>>,
    pub(super) below: Vec<(&'s [u8], View<'s>, PageId)>,
    pub(super) is_clean: bool,
    values: u64,
    buckets: u64,
}

impl<'s> Frame<'s> {
    pub(super) fn new(key: &'s [u8], root: Root<'s>, sequence: u64) -> Self {
        Self {
            key,
            root,
            sequence,
            entries: Vec::new(),
            nodes: Vec::new(),
            below: Vec::new(),
            is_clean: true,
            values: 0,
            buckets: 0,
        }
    }

    pub(super) fn add(&mut self, key: &'s [u8], item: Item<'s>) {
        match &item {
            Item::Value(_) => self.values = self.values.saturating_add(1),
            Item::Whole(whole) => {
                self.values = self.values.saturating_add(whole.values);
                self.buckets = self.buckets.saturating_add(whole.buckets).saturating_add(1);
            }
            Item::Bucket(_) => self.is_clean = false,
        }
        self.entries.push((key, item));
    }

    pub(super) fn finish(self) -> Item<'s> {
        if self.is_clean {
            return Item::Whole(Whole {
                root: self.root,
                sequence: self.sequence,
                values: self.values,
                buckets: self.buckets,
            });
        }
        Item::Bucket(self.saved())
    }

    pub(super) fn saved(self) -> Saved<'s> {
        let mut saved = Saved {
            sequence: self.sequence,
            entries: BTreeMap::new(),
        };
        for (key, item) in self.entries {
            // Of two with one key, the one that the tree comes to first.
            saved.entries.entry(key).or_insert(item);
        }
        saved
    }
}
