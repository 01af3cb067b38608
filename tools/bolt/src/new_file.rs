//! A new database: written beside its place, checked, and only then put there.

use std::fs::File;
use std::io::{self, BufWriter};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use bolt::{CheckOptions, CheckReport, PageSource, WriteError, check};
use cli::{Failure, FileWriter};
use finding::{Escaped, Unread};

use crate::frozen::Bytes;

/// A file that is not in its place yet; dropped, it is gone.
#[derive(Debug)]
pub(crate) struct NewFile(cli::NewFile);

/// A file of ours, to be checked.
struct Own<'f> {
    file: &'f File,
    len: u64,
}

impl PageSource for Own<'_> {
    fn len(&self) -> u64 {
        self.len
    }

    fn read_at(&self, at: u64, into: &mut [u8]) -> Result<(), Unread> {
        let read = self.file.read_exact_at(into, at);
        read.map_err(|error| Unread::Io(error.to_string()))
    }
}

impl NewFile {
    /// A file that is going to stand at `place`.
    #[expect(
        clippy::needless_pass_by_value,
        reason = "places are made for this call"
    )]
    pub(crate) fn at(place: PathBuf) -> Result<Self, Failure> {
        cli::NewFile::at(&place).map(Self)
    }

    /// Where it is written.
    pub(crate) fn writer(&mut self) -> BufWriter<FileWriter> {
        BufWriter::with_capacity(1 << 20, self.0.writer())
    }

    /// Checks what was written.
    pub(crate) fn check(&self) -> Result<CheckReport, Failure> {
        let file = self.0.file();
        let stat = file.metadata().map_err(|error| self.failed(&error))?;
        let own = Own {
            file,
            len: stat.len(),
        };
        check(&own, &CheckOptions::default())
            .map_err(|why| Failure::unread(format!("the new database {why}")))
    }

    /// What was written; of a big file, a copy in `directory`.
    pub(crate) fn bytes(&self, directory: &Path) -> Result<Bytes, Failure> {
        let read = Bytes::freeze_bytes(self.0.file(), self.len(), directory);
        read.map_err(|error| self.failed(&error))
    }

    /// Bytes that were written.
    pub(crate) fn len(&self) -> u64 {
        self.0.file().metadata().map_or(0, |stat| stat.len())
    }

    /// Puts it in its place, on disk for good; whatever came there meanwhile stays.
    pub(crate) fn put(self, mode: u32) -> Result<(), Failure> {
        // What nobody may read or write is no use to the next one who looks at it.
        self.0.put_with(match mode & 0o777 {
            0 => 0o600,
            mode => mode,
        })
    }

    fn failed(&self, error: &io::Error) -> Failure {
        let place = Escaped(self.0.place().as_os_str().as_encoded_bytes());
        Failure::unread(format!("{place} could not be looked at: {error}"))
    }
}

/// Why the new database was not written.
pub(crate) fn unwritten(error: WriteError) -> Failure {
    match error {
        WriteError::Io(error) => Failure::from(error),
        other => Failure::usage(other.to_string()),
    }
}
