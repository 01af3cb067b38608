//! The memory of a core: its own bytes, and those of the files that were mapped.

use crate::{Bytes, Elf, Memory, Segment};

/// A piece of memory that has bytes in a file.
#[derive(Debug, Clone, Copy)]
struct Piece {
    start: u64,
    /// The address after the last byte.
    end: u64,
    offset: u64,
}

/// The bytes of a core and of its executable as one memory. A byte that is in both is the core's.
#[expect(missing_debug_implementations, reason = "files have nothing to show")]
pub struct Image<'b> {
    core: &'b dyn Bytes,
    pieces: Vec<Piece>,
    files: Vec<(&'b dyn Bytes, Vec<Piece>)>,
}

impl<'b> Image<'b> {
    /// The memory of a core.
    pub fn new(core: &'b dyn Bytes, segments: &[Segment]) -> Self {
        let len = core.len();
        let pieces = segments.iter().filter(|segment| !segment.is_notes);
        Self {
            core,
            pieces: sorted(pieces.map(|segment| piece(segment, 0, len))),
            files: Vec::new(),
        }
    }

    /// What the core lacks may be taken from this program, which was loaded with this slide. What
    /// could be written to is never taken: it was another in memory.
    pub fn add(&mut self, file: &'b dyn Bytes, elf: &Elf, slide: u64) {
        let len = file.len();
        let constant = elf.loads().filter(|segment| !segment.rights.1);
        let pieces = sorted(constant.map(|segment| piece(segment, slide, len)));
        self.files.push((file, pieces));
    }
}

impl Memory for Image<'_> {
    fn read_memory(&self, at: u64, into: &mut [u8]) -> usize {
        let mut done = 0_usize;
        let mut place = at;
        while done < into.len() {
            let Some(rest) = into.get_mut(done..) else {
                break;
            };
            let mut read = read_piece(self.core, &self.pieces, place, rest);
            for (file, pieces) in &self.files {
                if read == 0 {
                    read = read_piece(*file, pieces, place, rest);
                }
            }
            if read == 0 {
                break;
            }
            done = done.saturating_add(read);
            place = match place.checked_add(crate::elf::wide(read)) {
                Some(next) => next,
                None => break,
            };
        }
        done
    }
}

fn piece(segment: &Segment, slide: u64, len: u64) -> Piece {
    let start = segment.address.wrapping_add(slide);
    let held = len.saturating_sub(segment.offset).min(segment.held);
    Piece {
        start,
        end: start.saturating_add(held),
        offset: segment.offset,
    }
}

fn sorted(pieces: impl Iterator<Item = Piece>) -> Vec<Piece> {
    let mut pieces: Vec<Piece> = pieces.filter(|piece| piece.end > piece.start).collect();
    pieces.sort_by_key(|piece| piece.start);
    pieces
}

fn read_piece(bytes: &dyn Bytes, pieces: &[Piece], at: u64, into: &mut [u8]) -> usize {
    let after = pieces.partition_point(|piece| piece.start <= at);
    let Some(piece) = after.checked_sub(1).and_then(|index| pieces.get(index)) else {
        return 0;
    };
    let left = piece.end.saturating_sub(at);
    let count = usize::try_from(left).unwrap_or(into.len()).min(into.len());
    let offset = piece.offset.saturating_add(at.saturating_sub(piece.start));
    into.get_mut(..count)
        .map_or(0, |into| bytes.read_at(offset, into))
}
