//! What the keys of a bucket look like: whether some page can be one of its own.

use std::collections::HashSet;

/// Beginnings that are kept.
const STARTS: usize = 1000;
/// Letters by which keys of one kind begin alike.
const PREFIX: usize = 4;
/// A bucket with fewer keys is no list: how they begin says nothing.
const FEW: u64 = 8;
/// Keys of this length that begin differently are alike all the same: they are digests, or ids.
const LONG: usize = 16;

/// What the keys of a bucket look like.
#[derive(Debug, Clone, Default)]
pub(crate) struct Looks {
    /// Their lengths, modulo 64, as bits.
    lengths: u64,
    count: u64,
    has_values: bool,
    has_buckets: bool,
    /// How they begin; only some.
    starts: HashSet<[u8; PREFIX]>,
}

impl Looks {
    pub(crate) fn add(&mut self, key: &[u8], is_bucket: bool) {
        self.lengths |= length_bit(key);
        self.count = self.count.saturating_add(1);
        *if is_bucket {
            &mut self.has_buckets
        } else {
            &mut self.has_values
        } = true;
        if let Some(start) = key.first_chunk().filter(|_| self.starts.len() < STARTS) {
            self.starts.insert(*start);
        }
    }

    /// Whether `key` looks like one of them.
    pub(crate) fn has(&self, key: &[u8]) -> bool {
        let begins = key
            .first_chunk()
            .is_some_and(|start| self.starts.contains(start));
        (begins && self.count >= FEW) || (key.len() >= LONG && self.lengths & length_bit(key) != 0)
    }

    pub(crate) const fn has_kind(&self, is_bucket: bool) -> bool {
        if is_bucket {
            self.has_buckets
        } else {
            self.has_values
        }
    }
}

fn length_bit(key: &[u8]) -> u64 {
    let length = u32::try_from(key.len() % 64).unwrap_or(0);
    1_u64.rotate_left(length)
}
