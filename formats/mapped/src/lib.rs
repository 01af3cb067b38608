//! Read-only maps of files that survive a truncation under them: the only `unsafe` of the house.
//!
//! A map is for what is too big to copy and is read here and there: cores of many gigabytes. Its
//! danger is that the file may shrink while it is mapped: a read behind the new end raises
//! `SIGBUS`, which ends the process. Here such a read gives zeros instead, and the map says
//! afterwards that it happened:
//!
//! ```
//! # use std::io::Write;
//! # let mut file = tempfile::tempfile()?;
//! # file.write_all(&[7; 10_000])?;
//! let map = mapped::Mapped::new(&file)?;
//! assert_eq!(map.copy_range(9_998, 100), [7, 7]);
//! assert!(!map.has_changed());
//! file.set_len(0)?;
//! assert_eq!(map.copy_range(5_000, 2), [0, 0]);
//! assert!(map.has_changed());
//! # std::io::Result::Ok(())
//! ```
//!
//! # How
//!
//! The handler for `SIGBUS` is installed once, with the first map. It looks the faulting address up
//! in a fixed table of maps (atomics only: it may take no lock and allocate nothing). If the
//! address lies in one, it puts a page of zeros over the page that is gone
//! (`mmap(MAP_FIXED|MAP_ANONYMOUS)`, a plain system call), marks the map as changed, and returns: the read is
//! repeated and succeeds. If it does not, the handler that was there before is put back, and the
//! signal comes again, to it.
//!
//! # Why bytes are copied out
//!
//! The file belongs to others, who may write to it at any time: a `&[u8]` into the map would be a
//! promise to the compiler that nobody can keep. [`Mapped::copy_range`] copies with volatile reads, so
//! that no promise is made.

mod guard;
mod private;

use std::fs::File;
use std::io;
use std::sync::atomic::{AtomicUsize, Ordering};

use guard::Slot;

pub use private::{Filler, Private};

/// A file, mapped to be read.
#[derive(Debug)]
pub struct Mapped {
    map: memmap2::MmapRaw,
    slot: &'static Slot,
    len: usize,
    /// The block that was read last, and how many were begun since pages were given back.
    last: AtomicUsize,
    seen: AtomicUsize,
}

/// Bytes around a page that was not there which the kernel maps with it.
const BLOCK: usize = 64 << 10;
/// Blocks that are kept: at most 64 MiB.
const KEPT: usize = 1024;

impl Mapped {
    /// Maps a whole file, privately and to be read only. An empty file, one that does not fit into
    /// the address space, and more than 64 maps at once are errors.
    pub fn new(file: &File) -> io::Result<Self> {
        guard::install()?;
        let map = memmap2::MmapOptions::new().map_raw_read_only(file)?;
        let len = map.len();
        let slot = guard::take(map.as_ptr().addr(), len)
            .ok_or_else(|| io::Error::other("too many files are mapped at once"))?;
        Ok(Self {
            map,
            slot,
            len,
            last: AtomicUsize::new(usize::MAX),
            seen: AtomicUsize::new(0),
        })
    }

    /// Length of the file in bytes, when it was mapped.
    pub fn len(&self) -> u64 {
        u64::try_from(self.len).unwrap_or(u64::MAX)
    }

    /// Whether there is nothing in it.
    pub const fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Copies up to `len` bytes from `at` on: fewer at the end of the file, zeros where the file
    /// has shrunk.
    pub fn copy_range(&self, at: u64, len: usize) -> Vec<u8> {
        let start = usize::try_from(at).unwrap_or(usize::MAX).min(self.len);
        let end = start.saturating_add(len).min(self.len);
        let mut bytes = vec![0; end.saturating_sub(start)];
        self.read_into(at, &mut bytes);
        bytes
    }

    /// Fills `into` from `at` on; how many bytes there were before the end of the file.
    pub fn read_into(&self, at: u64, into: &mut [u8]) -> usize {
        let start = usize::try_from(at).unwrap_or(usize::MAX).min(self.len);
        let count = self.len.saturating_sub(start).min(into.len());
        self.forget(start, count);
        let base = self.map.as_ptr().wrapping_add(start);
        let mut done = 0;
        // Words, from the first address on that is one's.
        let before = base.align_offset(8).min(count);
        let words = count.saturating_sub(before) / 8;
        if words > 0 {
            self.bytes(base, into.get_mut(..before).unwrap_or_default());
            let end = before.saturating_add(words.saturating_mul(8));
            let middle = into.get_mut(before..end).unwrap_or_default();
            for (index, to) in middle.chunks_exact_mut(8).enumerate() {
                #[expect(
                    clippy::cast_ptr_alignment,
                    reason = "`before` makes it a word's address"
                )]
                let place = base.wrapping_add(before).cast::<u64>().wrapping_add(index);
                // SAFETY: `place` is aligned, and its 8 bytes end before start + count <= self.len. All
                // else is as in `bytes`: any value is valid, and the read is volatile.
                #[expect(unsafe_code, reason = "reads a mapped word")]
                #[expect(clippy::host_endian_bytes, reason = "bytes as they stand there")]
                let word = unsafe { place.read_volatile() }.to_ne_bytes();
                to.copy_from_slice(&word);
            }
            done = end;
        }
        let rest = into.get_mut(done..count).unwrap_or_default();
        self.bytes(base.wrapping_add(done), rest);
        count
    }

    /// Copies single bytes; `from` and as many bytes as `into` has lie inside the map.
    #[expect(clippy::unused_self, reason = "the map lives as long as it is read")]
    fn bytes(&self, from: *const u8, into: &mut [u8]) {
        for (offset, to) in into.iter_mut().enumerate() {
            let place = from.wrapping_add(offset);
            // SAFETY: the caller's bytes end before self.len, so `place` lies inside the map, which lives as
            // long as `self` does. A byte needs no alignment and has no invalid values. Others may
            // write to the file: the read is volatile, so nothing is concluded from its value. If
            // the file has shrunk, the handler puts zeros there before the read returns.
            #[expect(unsafe_code, reason = "reads a mapped byte")]
            let byte = unsafe { place.read_volatile() };
            *to = byte;
        }
    }

    /// Gives pages that were read back to the kernel now and then, which keeps them in its cache: a core
    /// of a hundred thousand stacks would else count as ours.
    fn forget(&self, start: usize, count: usize) {
        let block = start / BLOCK;
        if self.last.swap(block, Ordering::Relaxed) == block && count < BLOCK {
            return;
        }
        let new = (count / BLOCK).saturating_add(1);
        let seen = self.seen.fetch_add(new, Ordering::Relaxed);
        if seen.saturating_add(new) < KEPT {
            return;
        }
        self.seen.store(0, Ordering::Relaxed);
        // SAFETY: the map is private and only ever read, so no byte of it is lost: the next read fetches
        // the page from the file again, and a page of zeros that the handler put there is one again.
        #[expect(unsafe_code, reason = "drops pages that can be read again")]
        let dropped = unsafe {
            self.map
                .unchecked_advise(memmap2::UncheckedAdvice::DontNeed)
        };
        // Nothing rests on it.
        drop(dropped);
    }

    /// Whether the file has shrunk under a read: some of what was read were not its bytes. Ask
    /// after reading, and before concluding.
    pub fn has_changed(&self) -> bool {
        self.slot.hit.load(Ordering::SeqCst)
    }
}

impl Drop for Mapped {
    fn drop(&mut self) {
        // First the guard, then (when the fields are dropped) the map: an address that somebody
        // else gets next must not be ours any more.
        guard::release(self.slot);
    }
}
