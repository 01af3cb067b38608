//! Where an export goes: a new archive, or a new directory; written once, then read again.

use std::collections::BTreeMap;
use std::fs::{DirBuilder, File, OpenOptions};
use std::io::{self, BufReader, BufWriter, Read, Seek, SeekFrom, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use content::{Algorithm, Digest, Hasher};
use evidence::archive::{End, Members};
use finding::{Refused, Text, size_number};
use serde::Serialize;
use tar::{Builder, EntryType, Header};

use crate::order::shown;

/// A file of the export.
#[derive(Debug, Clone, Serialize)]
pub struct Wrote {
    /// Its path.
    pub path: String,
    /// Its size.
    #[serde(serialize_with = "size_number")]
    pub size: u64,
    /// The SHA-256 of its bytes.
    pub sha256: String,
    /// `blob`, `inflated`, `rebuilt`, `document`, `rewritten`, `made`.
    pub from: &'static str,
}

/// Where it goes.
pub enum Output {
    /// An archive.
    Archive {
        /// Its path.
        path: PathBuf,
        /// What writes it.
        builder: Box<Builder<BufWriter<File>>>,
    },
    /// An OCI layout.
    Directory {
        /// Its path.
        path: PathBuf,
    },
}

impl core::fmt::Debug for Output {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        let kind = match self {
            Self::Archive { .. } => "archive",
            Self::Directory { .. } => "directory",
        };
        write!(f, "{kind} {}", shown(self.path()))
    }
}

/// Passes bytes on and hashes them.
struct Hashing<R> {
    reader: R,
    hasher: Hasher,
    size: u64,
}

impl<R: Read> Read for Hashing<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let count = self.reader.read(into)?;
        self.hasher.update(into.get(..count).unwrap_or_default());
        let more = u64::try_from(count).unwrap_or(u64::MAX);
        self.size = self.size.saturating_add(more);
        Ok(count)
    }
}

/// `O_NOFOLLOW`
const NO_FOLLOW: i32 = 0o400_000;

fn usage(path: &Path, error: &io::Error) -> Refused {
    Refused::question(format!("could not create {}: {error}", shown(path)))
        .hint("choose a path that does not exist yet, outside the evidence")
}

/// Whether it is a directory, no link, and nothing is in it.
fn is_empty(path: &Path) -> bool {
    let is_directory = std::fs::symlink_metadata(path).is_ok_and(|stat| stat.is_dir());
    is_directory && std::fs::read_dir(path).is_ok_and(|mut names| names.next().is_none())
}

/// Creates a file that must not be there, to be written and then read again.
fn create(path: &Path) -> io::Result<File> {
    OpenOptions::new()
        .read(true)
        .write(true)
        .create_new(true)
        .mode(0o644)
        .custom_flags(NO_FOLLOW)
        .open(path)
}

impl Output {
    /// A new archive at `path`.
    ///
    /// # Errors
    /// It is there already, or cannot be made.
    pub fn archive(path: PathBuf) -> Result<Self, Refused> {
        let file = create(&path).map_err(|error| usage(&path, &error))?;
        let builder = Builder::new(BufWriter::with_capacity(1 << 20, file));
        Ok(Self::Archive {
            path,
            builder: Box::new(builder),
        })
    }

    /// A new directory at `path`, or the empty one that a failed try left there: who has given up
    /// writing elsewhere cannot remove it.
    ///
    /// # Errors
    /// It is there already, or cannot be made.
    pub fn directory(path: PathBuf) -> Result<Self, Refused> {
        match DirBuilder::new().mode(0o755).create(&path) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists && is_empty(&path) => {}
            made => made.map_err(|error| usage(&path, &error))?,
        }
        Ok(Self::Directory { path })
    }

    /// Its path.
    pub fn path(&self) -> &Path {
        match self {
            Self::Archive { path, .. } | Self::Directory { path } => path,
        }
    }

    /// Writes one file of exactly `size` bytes.
    ///
    /// # Errors
    /// Of either side; fewer bytes.
    pub fn put(
        &mut self,
        name: &str,
        size: u64,
        from: &'static str,
        reader: impl Read,
    ) -> io::Result<Wrote> {
        let mut bytes = Hashing {
            reader: reader.take(size),
            hasher: Algorithm::Sha256.hasher(),
            size: 0,
        };
        match self {
            Self::Archive { builder, .. } => {
                let mut header = Header::new_gnu();
                header.set_entry_type(EntryType::Regular);
                header.set_mode(0o644);
                header.set_uid(0);
                header.set_gid(0);
                header.set_mtime(0);
                header.set_size(size);
                builder.append_data(&mut header, name, &mut bytes)?;
            }
            Self::Directory { path } => {
                let at = path.join(name);
                let mut folders = DirBuilder::new();
                folders.recursive(true).mode(0o755);
                at.parent()
                    .map_or(Ok(()), |folder| folders.create(folder))?;
                let mut file = BufWriter::with_capacity(1 << 18, create(&at)?);
                io::copy(&mut bytes, &mut file)?;
                file.flush()?;
                file.get_ref().sync_data()?;
            }
        }
        if bytes.size != size {
            return Err(io::Error::other(format!(
                "{name} has {} bytes instead of {size}: the evidence changed while it was read",
                bytes.size
            )));
        }
        Ok(Wrote {
            path: name.to_owned(),
            size,
            sha256: bytes.hasher.finish().hex().to_owned(),
            from,
        })
    }

    /// Ends it, reads all of it again from the disk, and compares. Gives size and SHA-256 of an
    /// archive.
    ///
    /// # Errors
    /// It is not as it was written.
    pub fn prove(self, wrote: &[Wrote]) -> Result<Option<(u64, Digest)>, String> {
        match self {
            Self::Archive { builder, .. } => prove_archive(*builder, wrote).map(Some),
            Self::Directory { path } => {
                prove_directory(&path, wrote)?;
                Ok(None)
            }
        }
    }

    /// Takes back what was written of an archive: nobody shall take half of one for a whole.
    pub fn discard(self) {
        if let Self::Archive { builder, .. } = self
            && let Ok(writer) = builder.into_inner()
            && let Ok(file) = writer.into_inner()
        {
            // What cannot be emptied is still an archive without an end.
            let _ = file.set_len(0);
        }
    }
}

fn prove_archive(
    builder: Builder<BufWriter<File>>,
    wrote: &[Wrote],
) -> Result<(u64, Digest), String> {
    let words = |error: io::Error| error.to_string();
    let writer = builder.into_inner().map_err(words)?;
    let mut file = writer.into_inner().map_err(|error| error.to_string())?;
    file.sync_all().map_err(words)?;
    file.seek(SeekFrom::Start(0)).map_err(words)?;
    let mut want: BTreeMap<&[u8], &Wrote> = wrote
        .iter()
        .map(|wrote| (wrote.path.as_bytes(), wrote))
        .collect();
    let whole = Hashing {
        reader: file,
        hasher: Algorithm::Sha256.hasher(),
        size: 0,
    };
    let mut members = Members::new(BufReader::with_capacity(1 << 18, whole), 1 << 20);
    let mut chunk = vec![0; 1 << 18];
    while let Some(member) = members.next_member() {
        let shown = Text::from(member.name.as_slice());
        let Some(wrote) = want.remove(member.name.as_slice()) else {
            return Err(format!("{shown} was not written"));
        };
        let mut hasher = Algorithm::Sha256.hasher();
        loop {
            match members.data(&mut chunk) {
                Ok(0) => break,
                Ok(count) => hasher.update(chunk.get(..count).unwrap_or_default()),
                Err(error) => return Err(format!("{shown}: {error}")),
            }
        }
        let found = hasher.finish();
        if found.hex() != wrote.sha256 || member.size != wrote.size {
            return Err(format!(
                "{shown} has other bytes on the disk than were written"
            ));
        }
    }
    if let Some(path) = want.keys().next() {
        return Err(format!("{} is not there", Text::from(*path)));
    }
    if members.end() != Some(&End::Whole) {
        return Err("the archive has no end".to_owned());
    }
    let whole = members.into_inner().into_inner();
    Ok((whole.size, whole.hasher.finish()))
}

fn prove_directory(folder: &Path, wrote: &[Wrote]) -> Result<(), String> {
    for wrote in wrote {
        let words = |error: io::Error| format!("{}: {error}", wrote.path);
        let mut file = OpenOptions::new()
            .read(true)
            .custom_flags(NO_FOLLOW)
            .open(folder.join(&wrote.path))
            .map_err(words)?;
        let mut hasher = Algorithm::Sha256.hasher();
        let mut chunk = vec![0; 1 << 18];
        loop {
            match file.read(&mut chunk).map_err(words)? {
                0 => break,
                count => hasher.update(chunk.get(..count).unwrap_or_default()),
            }
        }
        if hasher.finish().hex() != wrote.sha256 {
            return Err(format!(
                "{} has other bytes on the disk than were written",
                wrote.path
            ));
        }
    }
    Ok(())
}
