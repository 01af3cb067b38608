//! Where an export goes: a new archive, or a new directory; written once, then read again.

use std::collections::BTreeMap;
use std::fs::{DirBuilder, File, OpenOptions};
use std::io::{self, BufReader, BufWriter, Read, Seek, SeekFrom, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use content::{Algorithm, Digest, Hasher};
use evidence::archive::{End, Members};
use evidence::floor::Guard;
use finding::{Text, size_number};
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
        builder: Box<Builder<BufWriter<Box<dyn Stream>>>>,
    },
    /// An OCI layout.
    Directory {
        /// Its path.
        path: PathBuf,
        /// Where it is until all of it is there.
        meanwhile: PathBuf,
        /// Keeps its disk from being filled.
        guard: Guard,
    },
}

/// Where an archive is written and then read again.
pub trait Stream: Read + Write + Seek {}

impl<S: Read + Write + Seek> Stream for S {}

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
    /// A new archive that is going to stand at `path`, and is written to `stream`.
    pub fn archive(path: PathBuf, stream: Box<dyn Stream>) -> Self {
        let builder = Builder::new(BufWriter::with_capacity(1 << 20, stream));
        Self::Archive {
            path,
            builder: Box::new(builder),
        }
    }

    /// A new directory that is going to stand at `path`, and is `meanwhile`, where it is there and
    /// empty.
    pub fn directory(path: PathBuf, meanwhile: PathBuf) -> Self {
        Self::Directory {
            path,
            meanwhile,
            guard: Guard::default(),
        }
    }

    /// Its path.
    pub fn path(&self) -> &Path {
        match self {
            Self::Archive { path, .. } | Self::Directory { path, .. } => path,
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
            Self::Directory {
                meanwhile, guard, ..
            } => {
                let at = meanwhile.join(name);
                let mut folders = DirBuilder::new();
                folders.recursive(true).mode(0o755);
                at.parent()
                    .map_or(Ok(()), |folder| folders.create(folder))?;
                let guarded = Guarded {
                    file: create(&at)?,
                    guard,
                };
                let mut file = BufWriter::with_capacity(1 << 18, guarded);
                io::copy(&mut bytes, &mut file)?;
                file.flush()?;
                file.get_ref().file.sync_data()?;
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
    /// Its end could not be written, or it is not as it was written.
    pub fn prove(self, wrote: &[Wrote]) -> Result<Option<(u64, Digest)>, Unproven> {
        match self {
            Self::Archive { builder, .. } => prove_archive(*builder, wrote).map(Some),
            Self::Directory { meanwhile, .. } => {
                prove_directory(&meanwhile, wrote)?;
                Ok(None)
            }
        }
    }
}

/// Why what was written is no export.
#[derive(Debug)]
pub enum Unproven {
    /// Its end could not be written.
    Unwritten(io::Error),
    /// Something else is on the disk than was written.
    Differs(String),
}

impl From<String> for Unproven {
    fn from(why: String) -> Self {
        Self::Differs(why)
    }
}

/// A file whose disk is not filled.
struct Guarded<'g> {
    file: File,
    guard: &'g mut Guard,
}

impl Write for Guarded<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.guard.take(&self.file, bytes.len())?;
        self.file.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

fn prove_archive(
    builder: Builder<BufWriter<Box<dyn Stream>>>,
    wrote: &[Wrote],
) -> Result<(u64, Digest), Unproven> {
    // What was left in memory goes to the disk here: it may be full.
    let writer = builder.into_inner().map_err(Unproven::Unwritten)?;
    let file = writer.into_inner();
    let mut file = file.map_err(|error| Unproven::Unwritten(error.into_error()))?;
    file.seek(SeekFrom::Start(0)).map_err(Unproven::Unwritten)?;
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
            return Err(format!("{shown} was not written").into());
        };
        let mut hasher = Algorithm::Sha256.hasher();
        loop {
            match members.data(&mut chunk) {
                Ok(0) => break,
                Ok(count) => hasher.update(chunk.get(..count).unwrap_or_default()),
                Err(error) => return Err(format!("{shown}: {error}").into()),
            }
        }
        let found = hasher.finish();
        if found.hex() != wrote.sha256 || member.size != wrote.size {
            let why = format!("{shown} has other bytes on the disk than were written");
            return Err(why.into());
        }
    }
    if let Some(path) = want.keys().next() {
        return Err(format!("{} is not there", Text::from(*path)).into());
    }
    if members.end() != Some(&End::Whole) {
        return Err("the archive has no end".to_owned().into());
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
