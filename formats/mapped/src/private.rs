//! A copy of our own, on disk instead of in memory.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::path::Path;

/// Bytes in a file that has no name and that nobody else has: mapped, they cost no memory that the
/// kernel could not take back.
///
/// Nobody can change or shorten them, so here, other than in [`Mapped`](crate::Mapped), they are
/// plain bytes.
///
/// ```
/// let copy = mapped::Private::filled(&std::env::temp_dir(), 6, |file| file.write_at(b"bytes", 1))?;
/// assert_eq!(copy.bytes(), b"\0bytes");
/// # std::io::Result::Ok(())
/// ```
#[derive(Debug)]
pub struct Private {
    /// None: there are no bytes, and of none there can be no map.
    map: Option<memmap2::Mmap>,
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
        self.file.write_all_at(bytes, at)
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
        let map = unsafe { memmap2::Mmap::map(&file) }?;
        Ok(Self { map: Some(map) })
    }

    /// The bytes.
    pub fn bytes(&self) -> &[u8] {
        self.map.as_deref().unwrap_or_default()
    }
}
