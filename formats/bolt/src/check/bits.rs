//! One bit a page, allocated where bits are set.

use crate::page::PageId;

/// Pages of one block.
const BLOCK: u64 = 1 << 15;
/// Words of one block.
const WORDS: usize = 1 << 9;

/// A set of pages. A sparse file of a terabyte costs a few kilobytes.
#[derive(Debug, Clone, Default)]
pub(crate) struct Bits {
    blocks: Vec<Option<Box<[u64; WORDS]>>>,
}

/// Where the bit of a page stands: block, word, mask.
fn place(page: PageId) -> Option<(usize, usize, u64)> {
    let block = usize::try_from(page.0.div_euclid(BLOCK)).ok()?;
    let word = usize::try_from(page.0.rem_euclid(BLOCK).div_euclid(64)).ok()?;
    Some((
        block,
        word,
        1_u64.rotate_left(u32::try_from(page.0.rem_euclid(64)).ok()?),
    ))
}

impl Bits {
    /// A set of pages before `end`.
    pub(crate) fn new(end: PageId) -> Self {
        let blocks = usize::try_from(end.0.div_ceil(BLOCK)).unwrap_or(0);
        Self {
            blocks: vec![None; blocks],
        }
    }

    /// Whether `page` is in it.
    pub(crate) fn has(&self, page: PageId) -> bool {
        place(page)
            .and_then(|(block, word, mask)| {
                let words = self.blocks.get(block)?.as_deref()?;
                Some(words.get(word)? & mask != 0)
            })
            .unwrap_or(false)
    }

    fn word(&mut self, block: usize, word: usize) -> Option<&mut u64> {
        let words = self.blocks.get_mut(block)?;
        words
            .get_or_insert_with(|| Box::new([0; WORDS]))
            .get_mut(word)
    }

    /// Puts `page` in; whether it was not there before. Pages past the end are not taken.
    pub(crate) fn insert(&mut self, page: PageId) -> bool {
        place(page).is_some_and(|(block, word, mask)| {
            self.word(block, word).is_some_and(|word| {
                let is_new = *word & mask == 0;
                *word |= mask;
                is_new
            })
        })
    }

    /// Takes `page` out.
    pub(crate) fn remove(&mut self, page: PageId) {
        if let Some((block, word, mask)) = place(page)
            && let Some(word) = self.word(block, word)
        {
            *word &= !mask;
        }
    }

    /// How many pages are in it.
    pub(crate) fn count(&self) -> u64 {
        self.blocks
            .iter()
            .flatten()
            .flat_map(|words| words.iter())
            .map(|word| u64::from(word.count_ones()))
            .sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_are_in_or_out() {
        let mut bits = Bits::new(PageId(100_000));
        assert!(bits.insert(PageId(70_000)) && !bits.insert(PageId(70_000)));
        assert!(bits.has(PageId(70_000)) && !bits.has(PageId(69_999)));
        assert!(!bits.insert(PageId(u64::MAX)) && !bits.has(PageId(u64::MAX)));
        assert_eq!(bits.count(), 1);
        bits.remove(PageId(70_000));
        assert_eq!(bits.count(), 0);
    }
}
