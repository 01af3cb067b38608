//! Sequences that must not fall behind.
//!
//! containerd numbers snapshots with the sequence of a bucket. A number that is given twice makes two
//! snapshots share one directory: the daemon then removes a layer that is in use. So, where anything
//! was changed, the sequence is raised to the highest number that is in use:
//!
//! - `metadata.db`: `v1/snapshots`, and `id` (unsigned varint) in each of its buckets;
//! - `meta.db`: `v1/<namespace>/snapshots/<snapshotter>`, and the number in `name`,
//!   `<namespace>/<number>/<key>`.
//!
//! (`core/snapshots/storage/bolt.go`, `core/metadata/snapshot.go`.)

use super::{
    Salvage,
    decision::{Action, Proof},
    tree::{Item, Path, Saved, Whole},
};
use crate::{
    bucket::{Bucket, Value},
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
    fn of(whole: &Whole<'s>, space: Space<'s>) -> Self {
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
                        Item::Whole(whole) => Child::Bucket(Look::of(whole, space)),
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

    fn bucket(&self, key: &[u8], space: Space<'s>) -> Option<Self> {
        let mut all = self.buckets(space).into_iter();
        all.find(|(name, _)| *name == key).map(|(_, look)| look)
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

/// An unsigned varint.
fn varint(bytes: &[u8]) -> Option<u64> {
    let mut number = 0_u64;
    for (place, byte) in bytes.iter().take(9).enumerate() {
        let shift = u32::try_from(place).ok()?.checked_mul(7)?;
        number |= u64::from(byte & 0x7f).checked_shl(shift)?;
        if byte & 0x80 == 0 {
            return Some(number);
        }
    }
    None
}

/// The number in `<namespace>/<number>/<key>`.
fn number(name: &[u8]) -> Option<u64> {
    let part = name.split(|byte| *byte == b'/').nth(1)?;
    core::str::from_utf8(part).ok()?.parse().ok()
}

/// Numbers that are skipped where the newest transactions are lost: they may have been given.
const SKIPPED: u64 = 1024;

/// Raises every counter of containerd that is lower than a number in use, or that may be.
///
/// `is_newest`: whether the tree is surely that of the newest transaction.
pub(super) fn raise<'s>(salvage: &mut Salvage<'s>, space: Space<'s>, is_newest: bool) {
    if is_newest && salvage.gaps.is_empty() && salvage.decisions.is_empty() {
        return;
    }
    let mut counters: Vec<(Path<'s>, u64, u64)> = Vec::new();
    let root = Look::Saved(&salvage.root);
    let Some(v1) = root.bucket(b"v1", space) else {
        return;
    };
    for (namespace, look) in v1.buckets(space) {
        if namespace == b"snapshots" {
            let most = look.highest(b"id", space, varint).unwrap_or(0);
            counters.push((vec![b"v1", namespace], look.sequence(), most));
            continue;
        }
        let Some(snapshots) = look.bucket(b"snapshots", space) else {
            continue;
        };
        for (snapshotter, look) in snapshots.buckets(space) {
            let most = look.highest(b"name", space, number).unwrap_or(0);
            let path = vec![b"v1".as_slice(), namespace, b"snapshots", snapshotter];
            counters.push((path, look.sequence(), most));
        }
    }
    for (path, sequence, most) in counters {
        let used = sequence.max(most);
        // The sequence stands in the bucket above: if keys are missing there, it may be an older one.
        let is_sure = is_newest
            && salvage.gaps.iter().all(|gap| {
                let above = gap.path.iter().map(Vec::as_slice);
                gap.path.len() >= path.len() || !above.eq(path.iter().take(gap.path.len()).copied())
            });
        let (safe, why) = if is_sure {
            let why = "a snapshot has this number, and the next one must not get it again";
            (used, why)
        } else {
            let why = "the newest transaction may be lost: 1024 numbers are skipped, as the daemon removes \
                       the directory of a snapshot whose number it gives a second time";
            (used.saturating_add(SKIPPED), why)
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
