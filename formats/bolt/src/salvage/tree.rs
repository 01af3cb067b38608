//! What goes into the new database: buckets whose keys and values stay where they are in the file.

use std::collections::{BTreeMap, BTreeSet};

use view::View;

use crate::{
    bucket::{Bucket, Value},
    page::PageId,
    space::Space,
    walk::Visit,
};

/// The keys from the root bucket to a bucket.
pub(super) type Path<'s> = Vec<&'s [u8]>;

/// A bucket of which something was damaged, or changed here.
#[derive(Debug, Default)]
pub(super) struct Saved<'s> {
    pub(super) sequence: u64,
    pub(super) entries: BTreeMap<&'s [u8], Item<'s>>,
}

/// What stands under a key.
#[derive(Debug)]
pub(super) enum Item<'s> {
    Value(&'s [u8]),
    Bucket(Saved<'s>),
    Whole(Whole<'s>),
}

/// A bucket without a fault in it or below: only where it stands is kept.
#[derive(Debug, Clone, Copy)]
pub(super) struct Whole<'s> {
    pub(super) root: Root<'s>,
    pub(super) sequence: u64,
    /// Values in it and in all buckets below.
    pub(super) values: u64,
    /// Buckets below.
    pub(super) buckets: u64,
}

/// Where the entries of a whole bucket stand.
#[derive(Debug, Clone, Copy)]
pub(super) enum Root<'s> {
    Page(PageId),
    /// In the value; the page in which that is.
    Inline(View<'s>, PageId),
}

impl<'s> Whole<'s> {
    pub(super) fn bucket(&self, space: Space<'s>) -> Bucket<'s> {
        match self.root {
            Root::Page(page) => Bucket::at_page(space, page, self.sequence),
            Root::Inline(page, leaf) => Bucket::of_inline(space, page, leaf, self.sequence),
        }
    }

    /// The same bucket, its own entries one by one.
    pub(super) fn opened(&self, space: Space<'s>) -> Saved<'s> {
        let mut saved = Saved {
            sequence: self.sequence,
            entries: BTreeMap::new(),
        };
        for entry in self.bucket(space).contents().entries {
            let item = match entry.value {
                Value::Bytes(bytes) => Item::Value(bytes),
                Value::Bucket(below) => Item::Whole(Self::from_bucket(&below)),
            };
            saved.entries.insert(entry.key, item);
        }
        saved
    }

    /// A bucket that is known to be whole, with everything in it counted.
    fn from_bucket(bucket: &Bucket<'s>) -> Self {
        let (mut values, mut buckets) = (0_u64, 0_u64);
        for step in bucket.walk() {
            match step.what {
                Visit::Entry(entry) if entry.value.bucket().is_some() => {
                    buckets = buckets.saturating_add(1);
                }
                Visit::Entry(_) => values = values.saturating_add(1),
                Visit::Fault(_) => {}
            }
        }
        let root = match (bucket.page(), bucket.inline_page()) {
            (_, Some((page, leaf))) => Root::Inline(page, leaf),
            (page, None) => Root::Page(page.unwrap_or_default()),
        };
        Self {
            root,
            sequence: bucket.sequence(),
            values,
            buckets,
        }
    }
}

impl<'s> Item<'s> {
    /// How many values and buckets it is, with all below.
    pub(super) fn count(&self) -> (u64, u64) {
        let (mut values, mut buckets) = (0_u64, 0_u64);
        let mut stack = vec![self];
        while let Some(item) = stack.pop() {
            match item {
                Self::Value(_) => values = values.saturating_add(1),
                Self::Whole(whole) => {
                    values = values.saturating_add(whole.values);
                    buckets = buckets.saturating_add(whole.buckets).saturating_add(1);
                }
                Self::Bucket(saved) => {
                    buckets = buckets.saturating_add(1);
                    stack.extend(saved.entries.values());
                }
            }
        }
        (values, buckets)
    }

    /// Values and buckets together.
    pub(super) fn size(&self) -> u64 {
        let (values, buckets) = self.count();
        values.saturating_add(buckets)
    }

    /// The keys of the bucket itself; none, if it is a value.
    pub(super) fn shallow(&self, space: Space<'s>) -> Option<BTreeSet<Vec<u8>>> {
        match self {
            Self::Value(_) => None,
            Self::Bucket(saved) => Some(saved.entries.keys().map(|key| key.to_vec()).collect()),
            Self::Whole(whole) => {
                let entries = whole.bucket(space).contents().entries;
                Some(entries.iter().map(|entry| entry.key.to_vec()).collect())
            }
        }
    }

    /// The bucket with its entries one by one; none, if it is a value.
    pub(super) fn open(&mut self, space: Space<'s>) -> Option<&mut Saved<'s>> {
        if let Self::Whole(whole) = self {
            *self = Self::Bucket(whole.opened(space));
        }
        match self {
            Self::Bucket(saved) => Some(saved),
            Self::Value(_) | Self::Whole(_) => None,
        }
    }
}

impl<'s> Saved<'s> {
    /// The bucket at `path`, opened all the way.
    pub(super) fn at(&mut self, path: &[&[u8]], space: Space<'s>) -> Option<&mut Self> {
        let mut bucket = self;
        for key in path {
            bucket = bucket.entries.get_mut::<[u8]>(key)?.open(space)?;
        }
        Some(bucket)
    }
}
