//! The head of the line table.
//!
//! ```text
//! 0  4  magic: fffffffa Go 1.16 and 1.17, fffffff0 1.18 and 1.19, fffffff1 since 1.20
//! 4  2  zero
//! 6  1  bytes between two instructions: 1 amd64, 4 arm64
//! 7  1  size of a pointer: 8
//! 8     words: functions, files, (since 1.18: start of text,) and offsets of names, units, files,
//!       tables, functions
//! ```

use elfcore::{Arch, Memory};

use crate::outline::{Outline, search};

/// The form of a line table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Form {
    /// Go 1.16 and 1.17.
    V116,
    /// Go 1.18 and 1.19.
    V118,
    /// Go 1.20 and later.
    V120,
}

impl Form {
    const fn magic(self) -> [u8; 4] {
        match self {
            Self::V116 => [0xfa, 0xff, 0xff, 0xff],
            Self::V118 => [0xf0, 0xff, 0xff, 0xff],
            Self::V120 => [0xf1, 0xff, 0xff, 0xff],
        }
    }
}

/// The head of a line table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Head {
    /// Where it is.
    pub(crate) at: u64,
    /// Its form.
    pub(crate) form: Form,
    /// How many functions it has.
    pub(crate) functions: u64,
    /// Where its parts are: names, units, files, tables, functions.
    pub(crate) parts: [u64; 5],
}

impl Head {
    /// Reads one.
    pub(crate) fn read_pclntab_head(memory: &dyn Memory, at: u64, arch: Arch) -> Option<Self> {
        let bytes = memory.all(at, 72)?;
        let form = [Form::V116, Form::V118, Form::V120]
            .into_iter()
            .find(|form| bytes.starts_with(&form.magic()))?;
        if bytes.get(4..8)? != [0, 0, Outline::quantum(arch), 8] {
            return None;
        }
        let word = |index: usize| {
            let at = index.checked_mul(8)?.checked_add(8)?;
            let word = bytes.get(at..)?.first_chunk::<8>()?;
            Some(u64::from_le_bytes(*word))
        };
        let first: usize = if form == Form::V116 { 2 } else { 3 };
        let functions = word(0)?;
        let mut parts = [0; 5];
        for (index, part) in parts.iter_mut().enumerate() {
            *part = at.checked_add(word(first.checked_add(index)?)?)?;
        }
        // A program has a function, and no more than fit into its text.
        (functions > 0 && functions < 1 << 26).then_some(Self {
            at,
            form,
            functions,
            parts,
        })
    }

    /// Finds it: where the sections say, else anywhere in the program.
    pub(crate) fn find(memory: &dyn Memory, outline: &Outline, arch: Arch) -> Vec<Self> {
        let said = outline
            .pclntab
            .and_then(|at| Self::read_pclntab_head(memory, at, arch));
        if let Some(head) = said {
            return vec![head];
        }
        let mut found = Vec::new();
        let ranges = [outline.constant.as_slice(), &outline.writable].concat();
        let tail = [0xff, 0xff, 0xff, 0, 0, Outline::quantum(arch), 8];
        // The first byte of the magic differs: its other bytes are searched for.
        search(memory, &ranges, &tail, 1, |place| {
            let at = place.checked_sub(1).filter(|at| at.is_multiple_of(8))?;
            found.extend(Self::read_pclntab_head(memory, at, arch));
            (found.len() > 16).then_some(())
        });
        found
    }
}
