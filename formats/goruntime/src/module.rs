//! moduledata: where the parts of a program are (`runtime/symtab.go`).
//!
//! Its first 256 bytes are the same since Go 1.16; what follows moves.

use elfcore::Memory;
use view::View;

use crate::GoVersion;
use crate::outline::{Outline, search};
use crate::pclntab::{Form, Head};

/// What is read of a moduledata.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ModuleData {
    /// Where it is.
    pub(crate) at: u64,
    /// The line table.
    pub(crate) head: Head,
    /// Code: start and end.
    pub(crate) text: (u64, u64),
    /// Data without pointers, data, bss, bss without pointers.
    pub(crate) data: [(u64, u64); 4],
    /// Descriptors of types: start and end.
    pub(crate) types: (u64, u64),
    /// Where offsets of funcdata begin (Go 1.18 and later).
    pub(crate) gofunc: u64,
    /// Pieces of text; more than one only in very large programs.
    pub(crate) text_pieces: u64,
    /// The next module: a plugin's.
    pub(crate) next: u64,
}

/// Where types, funcdata, pieces of text and the next module are told.
struct Offsets {
    types: u64,
    etypes: u64,
    gofunc: Option<u64>,
    pieces: u64,
    next: u64,
}

impl Offsets {
    const fn for_version(version: GoVersion) -> Self {
        let minor = version.minor;
        let (types, etypes, gofunc, pieces, next) = match minor {
            0..=17 => (280, 288, None, 296, 528),
            18 | 19 => (280, 288, Some(304), 312, 544),
            20 => (296, 304, Some(320), 328, 560),
            21 | 22 => (296, 304, Some(320), 328, 584),
            23..=25 => (296, 304, Some(320), 328, 576),
            26 => (296, 304, Some(320), 336, 584),
            _ => (296, 312, Some(344), 360, 560),
        };
        Self {
            types,
            etypes,
            gofunc,
            pieces,
            next,
        }
    }
}

impl ModuleData {
    /// Finds that of one of these line tables.
    pub(crate) fn find(
        memory: &dyn Memory,
        outline: &Outline,
        heads: &[Head],
        version: GoVersion,
    ) -> Option<Self> {
        heads.iter().find_map(|head| {
            let pattern = head.at.to_le_bytes();
            search(memory, &outline.writable, &pattern, 8, |at| {
                Self::read_module_data(memory, at, *head, version)
            })
        })
    }

    /// Reads one, if it is one.
    pub(crate) fn read_module_data(
        memory: &dyn Memory,
        at: u64,
        head: Head,
        version: GoVersion,
    ) -> Option<Self> {
        let bytes = memory.all(at, 600)?;
        let view = View::new(&bytes);
        let word = |at: u64| view.u64_le(at, "moduledata").ok();
        if word(0)? != head.at {
            return None;
        }
        // The slices of names, units, files, tables and functions, and the table of functions.
        for (index, part) in (0_u64..).zip(head.parts) {
            if word(index.checked_mul(24)?.checked_add(8)?)? != part {
                return None;
            }
        }
        if word(128)? != *head.parts.last()? || word(136)? != head.functions.checked_add(1)? {
            return None;
        }
        let pair = |at: u64| Some((word(at)?, word(at.checked_add(8)?)?));
        let offsets = Offsets::for_version(version);
        let found = Self {
            at,
            head,
            text: pair(176)?,
            data: [pair(192)?, pair(208)?, pair(224)?, pair(240)?],
            types: (word(offsets.types)?, word(offsets.etypes)?),
            gofunc: match offsets.gofunc {
                Some(at) if head.form >= Form::V118 => word(at)?,
                _ => 0,
            },
            text_pieces: word(offsets.pieces.checked_add(8)?)?,
            next: word(offsets.next)?,
        };
        let ordered = found.data.iter().all(|(start, end)| start <= end);
        (ordered && found.text.0 < found.text.1).then_some(found)
    }

    /// Whether an address is in code.
    pub(crate) const fn has(&self, pc: u64) -> bool {
        self.text.0 <= pc && pc < self.text.1
    }
}
