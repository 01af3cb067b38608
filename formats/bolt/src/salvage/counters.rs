//! Sequences that must not fall behind.
//!
//! A program may number its objects with the sequence of a bucket. A number that is given twice can
//! do harm: two objects share what goes by it. So, where anything was changed, the sequence is raised
//! to the highest number in use; which buckets count is asked of the [`Schema`].

use super::{
    Salvage,
    decision::{Action, Proof},
    tree::{Item, Path, Saved, Whole},
};
use crate::{
    bucket::{Bucket, Value},
    schema::{Counter, Counts, Schema},
    space::Space,
};

/// A bucket, wherever it is.
enum Look<'a, 's> {
    Saved(&'a Saved<'s>),
    Whole(Bucket<'s>),
}

/// What stands under a key.
enum Child<'a, 's> {
    Value(&'s [u8]),
    Bucket(Look<'a, 's>),
}

impl<'a, 's> Look<'a, 's> {
    fn from_whole(whole: &Whole<'s>, space: Space<'s>) -> Self {
        Self::Whole(whole.bucket(space))
    }

    fn sequence(&self) -> u64 {
        match self {
            Self::Saved(saved) => saved.sequence,
            Self::Whole(bucket) => bucket.sequence(),
        }
    }

    fn children(&self, space: Space<'s>) -> Vec<(&'s [u8], Child<'a, 's>)> {
        match self {
            Self::Saved(saved) => saved
                .entries
                .iter()
                .map(|(key, item)| {
                    let child = match item {
                        Item::Value(value) => Child::Value(value),
                        Item::Bucket(below) => Child::Bucket(Look::Saved(below)),
                        Item::Whole(whole) => Child::Bucket(Look::from_whole(whole, space)),
                    };
                    (*key, child)
                })
                .collect(),
            Self::Whole(bucket) => bucket
                .contents()
                .entries
                .into_iter()
                .map(|entry| {
                    let child = match entry.value {
                        Value::Bytes(bytes) => Child::Value(bytes),
                        Value::Bucket(below) => Child::Bucket(Look::Whole(below)),
                    };
                    (entry.key, child)
                })
                .collect(),
        }
    }

    /// The buckets in it.
    fn buckets(&self, space: Space<'s>) -> Vec<(&'s [u8], Self)> {
        let children = self.children(space).into_iter();
        children
            .filter_map(|(key, child)| match child {
                Child::Bucket(look) => Some((key, look)),
                Child::Value(_) => None,
            })
            .collect()
    }

    fn value(&self, key: &[u8], space: Space<'s>) -> Option<&'s [u8]> {
        let mut all = self.children(space).into_iter();
        all.find_map(|(name, child)| match child {
            Child::Value(value) if name == key => Some(value),
            _ => None,
        })
    }

    /// The highest number of the objects in it, and the numbers are read by `read`.
    fn highest(
        &self,
        key: &[u8],
        space: Space<'s>,
        read: impl Fn(&[u8]) -> Option<u64>,
    ) -> Option<u64> {
        let objects = self.buckets(space).into_iter();
        objects
            .filter_map(|(_, object)| read(object.value(key, space)?))
            .max()
    }
}

/// A counter, with its sequence and the highest number in use.
struct Count<'s> {
    path: Path<'s>,
    sequence: u64,
    most: u64,
    counter: Counter,
}

/// All counters of the tree.
fn counters<'s>(
    root: &Saved<'s>,
    space: Space<'s>,
    schemas: &[&'static dyn Schema],
) -> Vec<Count<'s>> {
    let mut found = Vec::new();
    for schema in schemas {
        let mut stack: Vec<(Path<'s>, Look<'_, 's>)> = vec![(Vec::new(), Look::Saved(root))];
        while let Some((path, look)) = stack.pop() {
            match schema.counts(&path) {
                Counts::Nothing => {}
                Counts::Here(counter) => found.push(Count {
                    sequence: look.sequence(),
                    most: look.highest(counter.key, space, counter.read).unwrap_or(0),
                    path,
                    counter,
                }),
                Counts::Below => {
                    for (key, below) in look.buckets(space).into_iter().rev() {
                        let path = path.iter().copied().chain([key]).collect();
                        stack.push((path, below));
                    }
                }
            }
        }
    }
    found
}

/// Raises every counter that is lower than a number in use, or that may be.
///
/// `is_newest`: whether the tree is surely that of the newest transaction.
pub(super) fn raise<'s>(
    salvage: &mut Salvage<'s>,
    space: Space<'s>,
    schemas: &[&'static dyn Schema],
    is_newest: bool,
) {
    if is_newest && salvage.gaps.is_empty() && salvage.decisions.is_empty() {
        return;
    }
    for count in counters(&salvage.root, space, schemas) {
        let Count {
            path,
            sequence,
            most,
            counter,
        } = count;
        let used = sequence.max(most);
        // The sequence stands in the bucket above: if keys are missing there, it may be an older one.
        let is_sure = is_newest
            && salvage.gaps.iter().all(|gap| {
                let above = gap.path.iter().map(Vec::as_slice);
                gap.path.len() >= path.len() || !above.eq(path.iter().take(gap.path.len()).copied())
            });
        let (safe, why) = if is_sure {
            (used, counter.why)
        } else {
            (used.saturating_add(counter.skipped), counter.why_skipped)
        };
        if safe <= sequence || used == 0 {
            continue;
        }
        let Some(saved) = salvage.root.at(&path, space) else {
            continue;
        };
        saved.sequence = safe;
        salvage.decide(
            Action::SequenceRaised,
            Proof::Proven,
            &path,
            None,
            safe,
            why,
        );
    }
}
