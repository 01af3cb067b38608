//! A new database: written beside its place, checked, and only then put there.

use std::fs::{File, Permissions};
use std::io::{self, BufWriter, Write as _};
use std::os::unix::fs::{FileExt, PermissionsExt};
use std::path::{Path, PathBuf};

use bolt::{CheckOptions, CheckReport, PageSource, check};
use cli::Failure;
use finding::{Escaped, Unread};
use nix::fcntl::{AT_FDCWD, RenameFlags, renameat2};
use tempfile::NamedTempFile;

use crate::frozen::Bytes;

/// A file that is not in its place yet; dropped, it is gone.
#[derive(Debug)]
pub(crate) struct NewFile {
    place: PathBuf,
    file: NamedTempFile,
}

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
    pub(crate) fn at(place: PathBuf) -> Result<Self, Failure> {
        let parent = place
            .parent()
            .filter(|parent| !parent.as_os_str().is_empty());
        let made = tempfile::Builder::new()
            .prefix(".coroner-")
            .suffix(".new")
            .tempfile_in(parent.unwrap_or(Path::new(".")));
        let file = made.map_err(|error| failed(&place, &error))?;
        Ok(Self { place, file })
    }

    /// Where it is written.
    pub(crate) fn writer(&mut self) -> BufWriter<&mut File> {
        BufWriter::with_capacity(1 << 20, self.file.as_file_mut())
    }

    /// Checks what was written.
    pub(crate) fn check(&self) -> Result<CheckReport, Failure> {
        let file = self.file.as_file();
        let stat = file
            .metadata()
            .map_err(|error| failed(&self.place, &error))?;
        let own = Own {
            file,
            len: stat.len(),
        };
        check(&own, &CheckOptions::default())
            .map_err(|why| Failure::unread(format!("the new database {why}")))
    }

    /// What was written; of a big file, a copy in `directory`.
    pub(crate) fn bytes(&self, directory: &Path) -> Result<Bytes, Failure> {
        let read = Bytes::of(self.file.as_file(), self.len(), directory);
        read.map_err(|error| failed(&self.place, &error))
    }

    /// Bytes that were written.
    pub(crate) fn len(&self) -> u64 {
        self.file.as_file().metadata().map_or(0, |stat| stat.len())
    }

    /// Puts it in its place, on disk for good; whatever came there meanwhile stays.
    pub(crate) fn put(mut self, mode: u32) -> Result<(), Failure> {
        let place = self.place;
        let fail = |error: &io::Error| failed(&place, error);
        let file = self.file.as_file_mut();
        // What nobody may read or write is no use to the next one who looks at it.
        let mode = match mode & 0o777 {
            0 => 0o600,
            mode => mode,
        };
        let set = file.set_permissions(Permissions::from_mode(mode));
        set.and_then(|()| file.flush())
            .and_then(|()| file.sync_all())
            .map_err(|error| fail(&error))?;
        let temporary = self.file.into_temp_path();
        let from: &Path = temporary.as_ref();
        renameat2(
            AT_FDCWD,
            from,
            AT_FDCWD,
            place.as_path(),
            RenameFlags::RENAME_NOREPLACE,
        )
        .map_err(|errno| fail(&io::Error::from(errno)))?;
        // The name is another one now: there is nothing to be removed.
        let _ = temporary.keep();
        let parent = place
            .parent()
            .filter(|parent| !parent.as_os_str().is_empty());
        #[expect(clippy::disallowed_methods, reason = "the directory of our own output")]
        let synced = File::open(parent.unwrap_or(Path::new("."))).and_then(|dir| dir.sync_all());
        synced.map_err(|error| fail(&error))
    }
}

fn failed(place: &Path, error: &io::Error) -> Failure {
    let place = Escaped(place.as_os_str().as_encoded_bytes());
    Failure::usage(format!("{place} could not be written: {error}"))
        .hint("choose a path that does not exist yet, outside the evidence")
}
