//! Build ids: what tells whether an executable is the one that ran.

use finding::Text;
use serde::Serialize;

use crate::{Bytes, Elf, Memory, notes};

/// Bytes of a build id that are kept.
const LIMIT: usize = 256;
/// Bytes of notes that are looked at.
const NOTES: u64 = 1 << 16;
/// Program headers of a program that are looked at.
const HEADERS: u64 = 128;

/// The ids that linkers leave in a program.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct BuildIds {
    /// Of `.note.gnu.build-id`, in hex.
    pub gnu: Option<String>,
    /// Of `.note.go.buildid`.
    pub go: Option<Text>,
}

impl BuildIds {
    /// Of an executable.
    pub fn of_file(bytes: &(impl Bytes + ?Sized), elf: &Elf) -> Self {
        let mut found = Self::default();
        for segment in elf.segments.iter().filter(|segment| segment.is_notes) {
            found.take(bytes, segment.offset, segment.held.min(NOTES));
        }
        if found == Self::default() {
            for section in elf.sections(bytes) {
                if section.name.starts_with(b".note") && section.has_bytes {
                    found.take(bytes, section.offset, section.size.min(NOTES));
                }
            }
        }
        found
    }

    fn take(&mut self, bytes: &(impl Bytes + ?Sized), at: u64, len: u64) {
        for note in notes(bytes, at, len).take(64) {
            let value = bytes.some(note.at, note.len, LIMIT);
            match (note.owner.as_slice(), note.kind) {
                (b"GNU", 3) if self.gnu.is_none() => {
                    self.gnu = Some(hex::encode(&value));
                }
                (b"Go", 4) if self.go.is_none() => self.go = Some(Text::from(value)),
                _ => {}
            }
        }
    }

    /// Whether none is known.
    pub const fn is_empty(&self) -> bool {
        self.gnu.is_none() && self.go.is_none()
    }

    /// The one by which a person finds the program: that of the linker, else Go's own.
    pub fn shown(&self) -> Option<String> {
        let go = || self.go.as_ref().map(ToString::to_string);
        self.gnu.clone().or_else(go)
    }

    /// Whether two programs are the same; nothing if they have no id in common.
    pub fn same(&self, other: &Self) -> Option<bool> {
        let gnu = self.gnu.as_ref().zip(other.gnu.as_ref());
        let go = self.go.as_ref().zip(other.go.as_ref());
        match (gnu, go) {
            (None, None) => None,
            (gnu, go) => Some(gnu.is_none_or(|(a, b)| a == b) && go.is_none_or(|(a, b)| a == b)),
        }
    }
}

/// The ids of the program that ran, from its memory: `headers_at` is where the kernel put its
/// program headers (`AT_PHDR`), `count` how many there are (`AT_PHNUM`).
pub fn of_memory(memory: &dyn Memory, headers_at: u64, count: u64, slide: Option<u64>) -> BuildIds {
    let count = count.min(HEADERS);
    let table = memory.some(headers_at, count.saturating_mul(56));
    let words = |header: &[u8], at: usize| {
        let word = header.get(at..)?.first_chunk::<8>()?;
        Some(u64::from_le_bytes(*word))
    };
    let kind = |header: &[u8]| header.first_chunk::<4>().copied().map(u32::from_le_bytes);
    // PT_PHDR says where the headers themselves wanted to be.
    let own = table
        .chunks_exact(56)
        .find(|header| kind(header) == Some(6))
        .and_then(|header| words(header, 16));
    let slide = own.map_or(slide.unwrap_or(0), |own| headers_at.wrapping_sub(own));
    let mut found = BuildIds::default();
    for header in table.chunks_exact(56) {
        if kind(header) != Some(4) {
            continue;
        }
        let (Some(address), Some(len)) = (words(header, 16), words(header, 40)) else {
            continue;
        };
        let bytes = memory.some(address.wrapping_add(slide), len.min(NOTES));
        found.take(&bytes, 0, NOTES);
    }
    found
}
