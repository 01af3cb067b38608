//! What differs between two databases, or between two trees of one.

use core::{cmp::Ordering, iter::Peekable};

use serde::Serialize;

use crate::{
    bucket::{Entry, Value},
    db::Db,
    fault::Fault,
    walk::{BucketPath, Step, Visit, Walk},
};

/// How a key differs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Differs {
    /// Only the new one has it.
    Added,
    /// Only the old one has it.
    Removed,
    /// The value is another, or a bucket took the place of a value, or its sequence changed.
    Changed,
}

/// One difference.
#[derive(Debug, Clone)]
pub struct Change<'s> {
    /// The bucket.
    pub bucket: BucketPath<'s>,
    /// The key in it.
    pub key: &'s [u8],
    /// How it differs.
    pub differs: Differs,
    /// Its entry in the old tree.
    pub old: Option<Entry<'s>>,
    /// Its entry in the new tree.
    pub new: Option<Entry<'s>>,
}

/// Iterator of [`Db::changes_since`].
#[derive(Debug)]
pub struct Diff<'s> {
    old: Side<'s>,
    new: Side<'s>,
}

/// One of the two walks; faults are put aside.
#[derive(Debug)]
struct Side<'s> {
    walk: Peekable<Walk<'s>>,
    faults: Vec<Fault>,
}

impl<'s> Side<'s> {
    /// The next entry, and where it is.
    fn peek(&mut self) -> Option<(BucketPath<'s>, Entry<'s>)> {
        loop {
            match self.walk.peek()? {
                Step {
                    bucket,
                    what: Visit::Entry(entry),
                } => return Some((BucketPath::clone(bucket), entry.clone())),
                Step {
                    what: Visit::Fault(fault),
                    ..
                } => {
                    self.faults.push(fault.clone());
                    self.walk.next();
                }
            }
        }
    }
}

impl<'s> Db<'s> {
    /// What changed from `old` to this database, in the order of the keys.
    ///
    /// Of a bucket that was added or removed, everything in it is, too.
    pub fn changes_since(&self, old: &Self) -> Diff<'s> {
        let side = |db: &Self| Side {
            walk: db.walk().peekable(),
            faults: Vec::new(),
        };
        Diff {
            old: side(old),
            new: side(self),
        }
    }
}

impl Diff<'_> {
    /// What is wrong in the old tree, and in the new one, as far as the iterator came: keys that
    /// are hidden there seem to be added or removed.
    pub fn faults(&self) -> (&[Fault], &[Fault]) {
        (&self.old.faults, &self.new.faults)
    }
}

/// Where an entry stands in the order of the walk: its bucket and itself.
fn order(one: &(BucketPath<'_>, Entry<'_>), other: &(BucketPath<'_>, Entry<'_>)) -> Ordering {
    let path = |at: &(BucketPath<'_>, Entry<'_>)| -> Vec<Vec<u8>> {
        let above = at.0.iter().map(|key| key.to_vec());
        above.chain([at.1.key.to_vec()]).collect()
    };
    // Most neighbours are in the same bucket.
    if one.0 == other.0 {
        one.1.key.cmp(other.1.key)
    } else {
        path(one).cmp(&path(other))
    }
}

fn is_same(old: &Entry<'_>, new: &Entry<'_>) -> bool {
    match (&old.value, &new.value) {
        (Value::Bytes(old), Value::Bytes(new)) => old == new,
        (Value::Bucket(old), Value::Bucket(new)) => old.sequence() == new.sequence(),
        _ => false,
    }
}

impl<'s> Iterator for Diff<'s> {
    type Item = Change<'s>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            let (old, new) = (self.old.peek(), self.new.peek());
            let order = match (&old, &new) {
                (None, None) => return None,
                (Some(_), None) => Ordering::Less,
                (None, Some(_)) => Ordering::Greater,
                (Some(old), Some(new)) => order(old, new),
            };
            if order != Ordering::Greater {
                self.old.walk.next();
            }
            if order != Ordering::Less {
                self.new.walk.next();
            }
            let change = |differs, old: Option<Entry<'s>>, new: Option<Entry<'s>>, bucket| Change {
                bucket,
                key: new
                    .as_ref()
                    .or(old.as_ref())
                    .map_or(&[][..], |entry| entry.key),
                differs,
                old,
                new,
            };
            match (order, old, new) {
                (Ordering::Less, Some((bucket, old)), _) => {
                    return Some(change(Differs::Removed, Some(old), None, bucket));
                }
                (Ordering::Greater, _, Some((bucket, new))) => {
                    return Some(change(Differs::Added, None, Some(new), bucket));
                }
                (Ordering::Equal, Some((_, old)), Some((bucket, new))) => {
                    if !is_same(&old, &new) {
                        return Some(change(Differs::Changed, Some(old), Some(new), bucket));
                    }
                }
                _ => return None,
            }
        }
    }
}
