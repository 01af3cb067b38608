//! What the tree in use says of a record, a page or a bucket that was carved.

use super::{Compared, Held, Home, Live};
use crate::{
    carve::paths::{PathId, Paths},
    page::PageId,
};

/// More different keys in the buckets of one bucket are no names of fields.
pub(super) const FIELDS: usize = 1000;

impl<'s> Live<'s> {
    /// Whether one of the two trees has the bucket `key` at `page`.
    pub(crate) fn has_link(&self, key: &[u8], page: PageId) -> bool {
        self.links.contains(&(self.hash_key(key), page))
    }

    /// The bucket that holds `key`, if the tree has that key at all.
    pub(crate) fn home_of_key(&self, key: &[u8]) -> Option<Home> {
        self.keys.get(&self.hash_key(key)).copied()
    }

    /// The bucket that holds `key` with this value.
    pub(crate) fn home_of_pair(&self, key: &[u8], value: &[u8]) -> Option<Home> {
        self.pairs.get(&self.hash_pair(key, value)).copied()
    }

    /// The bucket whose buckets have exactly these keys.
    pub(crate) fn home_of_shape<'k>(&self, keys: impl Iterator<Item = &'k [u8]>) -> Option<Home> {
        let sum = |sum: u64, key| sum.wrapping_add(self.hash_key(key));
        self.shapes.get(&keys.fold(0, sum)).copied()
    }

    /// Whether a page with these keys can be one of bucket `path`, as far as the tree in use tells:
    /// it is like the bucket itself, or like those beside it.
    pub(crate) fn is_like(&self, paths: &Paths<'s>, path: PathId, keys: &[(&[u8], bool)]) -> bool {
        let Some((first, _)) = keys.first() else {
            return true;
        };
        let mut names = keys.iter().map(|(key, _)| *key);
        if let Some(looks) = self.looks.get(&path) {
            let shared = |key: &[u8]| self.entries.contains_key(&(path, self.hash_key(key)));
            let is_list = looks.has(first) && keys.iter().all(|(_, kind)| looks.has_kind(*kind));
            return is_list || names.any(shared);
        }
        let fields = paths.up(path).and_then(|(up, _)| self.fields.get(&up));
        fields.is_none_or(|fields| {
            fields.len() > FIELDS || names.any(|key| fields.contains(&self.hash_key(key)))
        })
    }

    /// Whether the tree has the bucket `path`.
    pub(crate) fn has_bucket(&self, path: PathId) -> bool {
        self.sequences.contains_key(&path)
    }

    fn may_hide(&self, path: PathId, key: &[u8]) -> bool {
        let ranges = self.hidden.get(&path);
        ranges.is_some_and(|ranges| ranges.iter().any(|range| range.may_hold(key)))
    }

    /// Compares what stands under `key` in bucket `path`: a value, or a bucket.
    pub(crate) fn compare(
        &self,
        paths: &Paths<'s>,
        path: PathId,
        key: &[u8],
        value: Option<&[u8]>,
    ) -> Compared {
        if !self.is_valid {
            return Compared::Unknown;
        }
        let mut next = path;
        let mut missing = key;
        while !self.has_bucket(next) {
            let Some((up, key)) = paths.up(next) else {
                return Compared::Unknown;
            };
            (next, missing) = (up, key);
            // A value where there was a bucket: its flag may be lost.
            let held = self.entries.get(&(next, self.hash_key(missing)));
            if matches!(held, Some(Held::Value(_))) {
                return Compared::Unknown;
            }
        }
        let held = (next == path)
            .then(|| self.entries.get(&(path, self.hash_key(key))))
            .flatten();
        match (held, value) {
            (Some(Held::Bucket), None) => Compared::Same,
            (Some(Held::Value(pair)), Some(value)) if *pair == self.hash_pair(key, value) => {
                Compared::Same
            }
            (Some(_), _) => Compared::Differs,
            (None, _) if self.may_hide(next, missing) => Compared::Unknown,
            (None, _) => Compared::Absent,
        }
    }
}
