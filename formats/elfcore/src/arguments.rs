//! Arguments and environment, from the bottom of the first thread's stack.
//!
//! ```text
//! argc  argv[0] … argv[argc-1]  0  envp[0] …  0  auxiliary vector  …  strings  path of the program
//! ```

use finding::Text;

use crate::{Auxv, Memory};

/// Bytes below the path of the program that are searched for the auxiliary vector.
const REACH: u64 = 4 << 20;
/// Words of arguments and environment.
const WORDS: usize = 1 << 16;
/// Bytes of one string.
const STRING: u64 = 1 << 17;

/// What a process was started with.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Arguments {
    /// Its arguments, the program's name first.
    pub arguments: Vec<Text>,
    /// Its environment: it may hold secrets, and is shown to nobody who did not ask for it.
    pub environment: Vec<Text>,
}

impl Arguments {
    /// Finds them in the memory of a core.
    pub fn find(memory: &dyn Memory, auxv: &Auxv) -> Option<Self> {
        let name = auxv.get(Auxv::EXECFN)?;
        // The vector as it was noted begins with these two words, in memory too.
        let (first, value) = auxv.pairs.first()?;
        let (second, _) = auxv.pairs.get(1)?;
        let pattern = [*first, *value, *second];
        let at = find_below(memory, name, pattern)?;
        let mut words = Words { memory, at };
        if words.back()? != 0 {
            return None;
        }
        let environment = words.until(|word, _| word == 0)?;
        let arguments = words.until(|word, count| u64::try_from(count) == Ok(word))?;
        let strings = |pointers: Vec<u64>| {
            let texts = pointers.into_iter().rev().map(|at| string(memory, at));
            texts.collect::<Vec<Text>>()
        };
        Some(Self {
            arguments: strings(arguments),
            environment: strings(environment),
        })
    }
}

/// Walks words of memory downwards.
struct Words<'m> {
    memory: &'m dyn Memory,
    at: u64,
}

impl Words<'_> {
    fn back(&mut self) -> Option<u64> {
        self.at = self.at.checked_sub(8)?;
        self.memory.u64(self.at)
    }

    /// All words down to the one at which `end` says so, which is not one of them.
    fn until(&mut self, end: impl Fn(u64, usize) -> bool) -> Option<Vec<u64>> {
        let mut words = Vec::new();
        while words.len() < WORDS {
            let word = self.back()?;
            if end(word, words.len()) {
                return Some(words);
            }
            words.push(word);
        }
        None
    }
}

fn find_below(memory: &dyn Memory, end: u64, pattern: [u64; 3]) -> Option<u64> {
    let mut low = end & !0xfff;
    let bottom = end.saturating_sub(REACH);
    while low >= bottom && low > 0 {
        let page = memory.some(low, 4096 + 16);
        let words: Vec<u64> = page
            .chunks_exact(8)
            .filter_map(|word| word.first_chunk().copied().map(u64::from_le_bytes))
            .collect();
        if words.is_empty() {
            return None;
        }
        let places = words.windows(3).rposition_of(&pattern);
        if let Some(place) = places {
            return low.checked_add(u64::try_from(place).ok()?.checked_mul(8)?);
        }
        low = low.checked_sub(4096)?;
    }
    None
}

trait LastPosition<'w> {
    fn rposition_of(self, pattern: &[u64; 3]) -> Option<usize>;
}

impl<'w, I: Iterator<Item = &'w [u64]>> LastPosition<'w> for I {
    fn rposition_of(self, pattern: &[u64; 3]) -> Option<usize> {
        self.enumerate()
            .filter(|(_, words)| *words == pattern)
            .map(|(place, _)| place)
            .last()
    }
}

fn string(memory: &dyn Memory, at: u64) -> Text {
    let mut text = Vec::new();
    let mut place = at;
    // Most are short: a little at a time, never over the end of what is there.
    while u64::try_from(text.len()).is_ok_and(|len| len < STRING) {
        let piece = memory.some(place, 256);
        if let Some(end) = piece.iter().position(|byte| *byte == 0) {
            text.extend_from_slice(piece.get(..end).unwrap_or_default());
            break;
        }
        text.extend_from_slice(&piece);
        if piece.len() < 256 {
            break;
        }
        let Some(next) = place.checked_add(256) else {
            break;
        };
        place = next;
    }
    Text::from(text)
}
