//! Everything in a database, bucket after bucket.

use std::{collections::HashSet, sync::Arc, vec};

use crate::{
    bucket::{Bucket, Contents, Entry, Value},
    db::Db,
    fault::Fault,
    page::PageId,
};

/// The keys from the root bucket to a bucket.
pub type BucketPath<'s> = Arc<Vec<&'s [u8]>>;

/// One thing that a walk comes by.
#[derive(Debug, Clone)]
pub struct Step<'s> {
    /// The bucket in which it is.
    pub bucket: BucketPath<'s>,
    /// What it is.
    pub what: Visit<'s>,
}

/// What a walk comes by.
#[derive(Debug, Clone)]
pub enum Visit<'s> {
    /// An entry; if it is a bucket, what it holds comes next.
    Entry(Entry<'s>),
    /// Something wrong in the bucket's own pages.
    Fault(Fault),
}

/// Iterator of [`Db::walk`].
///
/// Every page is taken once in the whole walk, so that it ends on any file.
#[derive(Debug)]
pub struct Walk<'s> {
    seen: HashSet<PageId>,
    stack: Vec<Level<'s>>,
    next: Option<(BucketPath<'s>, Bucket<'s>)>,
}

#[derive(Debug)]
struct Level<'s> {
    path: BucketPath<'s>,
    entries: vec::IntoIter<Entry<'s>>,
    faults: vec::IntoIter<Fault>,
}

impl<'s> Db<'s> {
    /// Everything in the tree in use, in the order of the keys, faults before entries.
    pub fn walk(&self) -> Walk<'s> {
        self.root().walk()
    }
}

impl<'s> Bucket<'s> {
    /// Everything in the bucket and in the buckets inside; paths start at this bucket.
    pub fn walk(&self) -> Walk<'s> {
        Walk {
            seen: HashSet::new(),
            stack: Vec::new(),
            next: Some((Arc::default(), self.clone())),
        }
    }
}

impl Walk<'_> {
    /// The pages with elements that it came by so far, in no order.
    pub(crate) fn pages(&self) -> impl Iterator<Item = PageId> + '_ {
        self.seen.iter().copied()
    }
}

impl<'s> Iterator for Walk<'s> {
    type Item = Step<'s>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            if let Some((path, bucket)) = self.next.take() {
                let Contents { entries, faults } = bucket.contents_of(&mut self.seen);
                self.stack.push(Level {
                    path,
                    entries: entries.into_iter(),
                    faults: faults.into_iter(),
                });
            }
            let top = self.stack.last_mut()?;
            if let Some(fault) = top.faults.next() {
                return Some(Step {
                    bucket: Arc::clone(&top.path),
                    what: Visit::Fault(fault),
                });
            }
            let Some(entry) = top.entries.next() else {
                self.stack.pop();
                continue;
            };
            if let Value::Bucket(bucket) = &entry.value {
                let mut path = Vec::clone(&top.path);
                path.push(entry.key);
                self.next = Some((Arc::new(path), bucket.clone()));
            }
            return Some(Step {
                bucket: Arc::clone(&top.path),
                what: Visit::Entry(entry),
            });
        }
    }
}
