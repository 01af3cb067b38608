//! A copy of our own, on disk instead of in memory.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::sync::Arc;

use view::{Meter, View};

/// Bytes that are looked at before their pages are given back to the kernel, which keeps them in its cache: they would
/// else count as memory of ours until the map ends.
const KEPT: u64 = 64 << 20;
/// Bytes that are written at once: as many as the kernel maps around a byte that is read.
const TOGETHER: usize = 64 << 10;

/// Bytes in a file that has no name and that nobody else has: mapped, they cost no memory that the
/// kernel could not take back.
///
/// Nobody can change or shorten them, so here, other than in [`Mapped`](crate::Mapped), they are
/// plain bytes.
///
/// ```
/// let copy = mapped::Private::filled(&std::env::temp_dir(), 6, |file| file.write_at(b"bytes", 1))?;
/// assert_eq!(copy.view().bytes(), b"\0bytes");
/// # std::io::Result::Ok(())
/// ```
#[derive(Debug)]
pub struct Private {
    /// None: there are no bytes, and of none there can be no map.
    map: Option<(Arc<memmap2::Mmap>, Meter)>,
}

/// Writes the bytes of a [`Private`], before they are mapped.
#[derive(Debug)]
pub struct Filler<'f> {
    file: &'f File,
    len: u64,
}

impl Filler<'_> {
    /// Writes `bytes` at `at`; what is never written is zero.
    pub fn write_at(&self, bytes: &[u8], at: u64) -> io::Result<()> {
        let len = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
        if at.saturating_add(len) > self.len {
            return Err(io::Error::from(io::ErrorKind::InvalidInput));
        }
        // What is written at once lies together in the cache, and all of it is mapped where one byte is read.
        let mut at = at;
        for piece in bytes.chunks(TOGETHER) {
            self.file.write_all_at(piece, at)?;
            at = at.saturating_add(u64::try_from(piece.len()).unwrap_or(u64::MAX));
        }
        Ok(())
    }
}

impl Private {
    /// `len` bytes in a file without a name in `directory`, as `write` writes them.
    pub fn filled<E: From<io::Error>>(
        directory: &Path,
        len: u64,
        write: impl FnOnce(&Filler<'_>) -> Result<(), E>,
    ) -> Result<Self, E> {
        let file = tempfile::tempfile_in(directory)?;
        file.set_len(len)?;
        write(&Filler { file: &file, len })?;
        if len == 0 {
            return Ok(Self { map: None });
        }
        // SAFETY: the file was made here, has no name, and its only descriptor ends with this
        // function: nobody can write to it or cut it while it is mapped.
        #[expect(unsafe_code, reason = "maps a file that only we have")]
        let map = Arc::new(unsafe { memmap2::Mmap::map(&file) }?);
        let all = Arc::clone(&map);
        let meter = Meter::new(KEPT, move || give_back(&all));
        Ok(Self {
            map: Some((map, meter)),
        })
    }

    /// The bytes. Of what is read through the view, no more than 64 MiB stay in memory.
    pub fn view(&self) -> View<'_> {
        match &self.map {
            Some((map, meter)) => View::new(map).metered(meter),
            None => View::new(&[]),
        }
    }
}

fn give_back(map: &memmap2::Mmap) {
    // SAFETY: the map is only ever read, of a file that nobody else has: the next read of a page fetches
    // the same bytes again.
    #[expect(unsafe_code, reason = "drops pages that can be read again")]
    let given = unsafe { map.unchecked_advise(memmap2::UncheckedAdvice::DontNeed) };
    // Nothing rests on it.
    drop(given);
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Bytes of memory that this process has.
    fn resident() -> u64 {
        #[expect(clippy::disallowed_methods, reason = "of our own process")]
        let text = std::fs::read_to_string("/proc/self/statm").unwrap();
        let pages: u64 = text.split(' ').nth(1).unwrap().parse().unwrap();
        pages.saturating_mul(4096)
    }

    #[test]
    fn what_was_read_of_a_large_copy_is_not_kept_in_memory() {
        let len = 4 * KEPT;
        let fill = |to: &Filler<'_>| {
            let piece = vec![7; 1 << 20];
            let mut at = 0;
            while at < len {
                to.write_at(&piece, at)?;
                at += 1 << 20;
            }
            io::Result::Ok(())
        };
        let copy = Private::filled(&std::env::temp_dir(), len, fill).unwrap();
        let before = resident();
        let mut sum = 0_u64;
        // In leaps, each to a place of its own.
        for page in 0..len / 4096 {
            let at = page * 4096 * 257 % len;
            sum += u64::from(copy.view().u8(at, "byte").unwrap());
            if page % 256 == 0 {
                let kept = resident().saturating_sub(before);
                assert!(kept < 2 * KEPT, "{kept} bytes at {at}");
            }
        }
        assert_eq!(sum, 7 * len / 4096);
    }
}
