//! The bytes of a packed core, held without its holes.

use std::collections::BTreeMap;
use std::io::{self, Read};

use crate::Bytes;

/// Bytes of a page.
const PAGE: usize = 4096;

/// What was unpacked: pages that are not all zero, by their offsets.
#[derive(Debug, Clone, Default)]
pub struct Sparse {
    pages: BTreeMap<u64, Box<[u8]>>,
    len: u64,
    /// Whether all of it was unpacked.
    pub whole: bool,
}

impl Sparse {
    /// Reads a stream: at most `most` bytes of it, and no more than `held` that are not zero.
    pub fn read_sparse(mut stream: impl Read, most: u64, held: u64) -> io::Result<Self> {
        let mut found = Self::default();
        let mut kept = 0_u64;
        let mut chunk = vec![0; 256 * PAGE];
        loop {
            let mut count = 0;
            while count < chunk.len() {
                let into = chunk.get_mut(count..).unwrap_or_default();
                match stream.read(into)? {
                    0 => break,
                    read => count = count.saturating_add(read),
                }
            }
            for page in chunk.get(..count).unwrap_or_default().chunks(PAGE) {
                let size = u64::try_from(page.len()).unwrap_or(0);
                if page.iter().any(|byte| *byte != 0) {
                    kept = kept.saturating_add(size);
                    if kept > held {
                        return Ok(found);
                    }
                    found.pages.insert(found.len, page.into());
                }
                found.len = found.len.saturating_add(size);
            }
            if count < chunk.len() {
                found.whole = true;
                return Ok(found);
            }
            if found.len >= most {
                return Ok(found);
            }
        }
    }
}

impl Bytes for Sparse {
    fn len(&self) -> u64 {
        self.len
    }

    fn read_at(&self, at: u64, into: &mut [u8]) -> usize {
        let room = usize::try_from(self.len.saturating_sub(at)).unwrap_or(usize::MAX);
        let count = into.len().min(room);
        let into = into.get_mut(..count).unwrap_or_default();
        into.fill(0);
        let mut done = 0;
        while done < count {
            let place = at.saturating_add(u64::try_from(done).unwrap_or(0));
            let start = place & !0xfff;
            let skip = usize::try_from(place & 0xfff).unwrap_or(0);
            let step = PAGE.saturating_sub(skip).min(count.saturating_sub(done));
            if let Some(page) = self.pages.get(&start)
                && let Some(from) = page.get(skip..)
                && let Some(to) = into.get_mut(done..)
            {
                let step = from.len().min(to.len());
                if let (Some(to), Some(from)) = (to.get_mut(..step), from.get(..step)) {
                    to.copy_from_slice(from);
                }
            }
            done = done.saturating_add(step);
        }
        count
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn holes_are_zero_and_limits_hold() {
        let mut bytes = vec![0; 3 * PAGE + 5];
        bytes[2 * PAGE + 7] = 9;
        let last = bytes.len() - 1;
        bytes[last] = 4;
        let sparse = Sparse::read_sparse(bytes.as_slice(), 1 << 30, 1 << 20).unwrap();
        assert!(sparse.whole);
        assert_eq!(sparse.pages.len(), 2);
        assert_eq!(sparse.some(0, 1 << 20, 1 << 20), bytes);
        assert_eq!(sparse.some(2 * 4096 + 7, 1, 1), [9]);
        assert_eq!(sparse.some(u64::MAX, 1, 1), Vec::<u8>::new());
        let cut = Sparse::read_sparse(bytes.as_slice(), 1 << 30, 4096).unwrap();
        assert!(!cut.whole && Bytes::len(&cut) < sparse.len);
    }
}
