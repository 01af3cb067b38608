//! A file as it was when it was read: in memory if it is small, else copied to disk and mapped.

use std::io;
use std::path::{Path, PathBuf};

use cli::{Failure, Progress};
use evidence::Pages;
use finding::Unread;
use mapped::{Filler, Private};
use view::{Span, View};

use crate::file::{FileArgs, used};

/// Bytes up to which a file is kept in memory.
const IN_MEMORY: u64 = 16 << 20;
/// Bytes that a file may have, holes included: the largest databases of nodes have a thousandth of
/// it, and a hole costs as many looks as data do.
const LIMIT: u64 = 16 << 30;
/// Bytes that are read at once.
const CHUNK: u64 = 1 << 20;
/// Bytes that are given up where the disk does not give them.
const SECTOR: u64 = 512;

/// A file, frozen.
#[derive(Debug)]
pub(crate) struct Frozen {
    pages: Pages,
    bytes: Bytes,
    /// What the disk did not give: zeroes stand there.
    pub(crate) unread: Vec<Span>,
}

/// Bytes in memory, or in a file without a name.
#[derive(Debug)]
pub(crate) enum Bytes {
    Memory(Vec<u8>),
    Private(Private),
}

impl Bytes {
    pub(crate) fn view(&self) -> View<'_> {
        match self {
            Self::Memory(bytes) => View::new(bytes),
            Self::Private(copy) => copy.view(),
        }
    }

    /// The bytes of a file of ours; of a big one, a copy in `directory`.
    pub(crate) fn freeze_bytes(
        file: &std::fs::File,
        len: u64,
        directory: &Path,
    ) -> io::Result<Self> {
        use std::os::unix::fs::FileExt as _;
        if len <= IN_MEMORY {
            let mut bytes = vec![0; usize::try_from(len).unwrap_or(0)];
            file.read_exact_at(&mut bytes, 0)?;
            return Ok(Self::Memory(bytes));
        }
        let copy = Private::filled(directory, len, |to: &Filler<'_>| {
            let mut at = 0;
            while at < len {
                let step = CHUNK.min(len.saturating_sub(at));
                let mut piece = vec![0; usize::try_from(step).unwrap_or(0)];
                file.read_exact_at(&mut piece, at)?;
                to.write_at(&piece, at)?;
                at = at.saturating_add(step);
            }
            io::Result::Ok(())
        })?;
        Ok(Self::Private(copy))
    }
}

/// Where a big file is copied to.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct Spool {
    /// Copy files of more than 16 MiB to a nameless file in this directory, instead of beside NEW or
    /// in the directory for temporary files
    #[arg(long, value_name = "DIR")]
    spool: Option<PathBuf>,
}

impl Spool {
    /// The directory that was asked for.
    pub(crate) fn asked(&self) -> Option<&Path> {
        self.spool.as_deref()
    }

    /// The directory; `output` is the file that is going to be written.
    pub(crate) fn directory(&self, output: Option<&Path>) -> PathBuf {
        let beside = || {
            let parent = output?.parent()?;
            let is_here = parent.as_os_str().is_empty();
            Some(if is_here {
                PathBuf::from(".")
            } else {
                parent.to_path_buf()
            })
        };
        let chosen = self.spool.clone().or_else(beside);
        chosen.unwrap_or_else(std::env::temp_dir)
    }
}

/// What can go wrong on the way.
enum Stopped {
    Unread(Unread),
    Spool(io::Error),
}

impl From<io::Error> for Stopped {
    fn from(error: io::Error) -> Self {
        Self::Spool(error)
    }
}

impl Frozen {
    /// Reads all of it once, from front to back, and goes on where the disk gives nothing.
    pub(crate) fn freeze_file(
        args: &FileArgs,
        spool: &Spool,
        output: Option<&Path>,
        progress: &Progress,
    ) -> Result<Self, Failure> {
        let pages = args.pages()?;
        let len = used(pages.len(), pages.data());
        if len > LIMIT {
            let why = Unread::TooLarge {
                size: len,
                limit: LIMIT,
            };
            return Err(args
                .unread(&why)
                .hint("`coroner bolt check` reads files of any size"));
        }
        progress.total(len);
        let mut unread = Vec::new();
        let bytes = if len <= IN_MEMORY {
            let mut bytes = vec![0; usize::try_from(len).unwrap_or(0)];
            let mut store = |at: u64, piece: &[u8]| {
                let at = usize::try_from(at).unwrap_or(usize::MAX);
                let end = at.saturating_add(piece.len());
                if let Some(to) = bytes.get_mut(at..end) {
                    to.copy_from_slice(piece);
                }
                Ok(())
            };
            let read = read_all(&pages, &mut store, &mut unread, progress);
            read.map_err(|why| stopped(args, why))?;
            Bytes::Memory(bytes)
        } else {
            let directory = spool.directory(output);
            let copy = Private::filled(&directory, len, |file: &Filler<'_>| {
                let mut store = |at: u64, piece: &[u8]| file.write_at(piece, at);
                read_all(&pages, &mut store, &mut unread, progress)
            });
            Bytes::Private(copy.map_err(|why| stopped(args, why))?)
        };
        Ok(Self {
            pages,
            bytes,
            unread,
        })
    }

    /// Its bytes.
    pub(crate) fn view(&self) -> View<'_> {
        self.bytes.view()
    }

    /// Permission bits of the file.
    pub(crate) const fn mode(&self) -> u32 {
        self.pages.stat.mode
    }

    /// Reads the file again: whether it still is what was read.
    pub(crate) fn is_unchanged(&self) -> bool {
        if self.pages.unchanged().is_err() {
            return false;
        }
        // What could not be read once is not worth a second try.
        if !self.unread.is_empty() {
            return true;
        }
        let mut buffer = vec![0; usize::try_from(CHUNK).unwrap_or(0)];
        let view = self.view();
        let mut at = 0;
        while at < view.len() {
            let step = CHUNK.min(view.len().saturating_sub(at));
            let Some(buffer) = buffer.get_mut(..usize::try_from(step).unwrap_or(0)) else {
                return false;
            };
            let read = self.pages.read_at(at, buffer);
            let same = view
                .slice(at, step, "bytes")
                .is_ok_and(|was| was.bytes() == &*buffer);
            if read.is_err() || !same {
                return false;
            }
            at = at.saturating_add(step);
        }
        true
    }
}

fn stopped(args: &FileArgs, why: Stopped) -> Failure {
    match why {
        Stopped::Unread(why) => args.unread(&why),
        Stopped::Spool(error) => Failure::unread(format!(
            "the copy of {} could not be made: {error}",
            args.shown()
        ))
        .hint("`--spool DIR` names another place for it"),
    }
}

/// Reads everything that is not a hole.
fn read_all(
    pages: &Pages,
    store: &mut dyn FnMut(u64, &[u8]) -> io::Result<()>,
    unread: &mut Vec<Span>,
    progress: &Progress,
) -> Result<(), Stopped> {
    let mut buffer = Vec::new();
    for data in pages.data().collect::<Vec<_>>() {
        let mut at = data.start;
        while at < data.end() {
            let step = CHUNK.min(data.end().saturating_sub(at));
            match piece(pages, at, step, &mut buffer) {
                Ok(()) => store(at, &buffer)?,
                Err(Unread::Disk(_) | Unread::Io(_)) => by_sector(pages, at, step, store, unread)?,
                Err(why) => return Err(Stopped::Unread(why)),
            }
            progress.add(step);
            at = at.saturating_add(step);
        }
    }
    Ok(())
}

fn piece(pages: &Pages, at: u64, len: u64, buffer: &mut Vec<u8>) -> Result<(), Unread> {
    buffer.resize(usize::try_from(len).unwrap_or(0), 0);
    let count = pages.read_at(at, buffer)?;
    if count == buffer.len() {
        Ok(())
    } else {
        Err(Unread::Changed)
    }
}

/// Where the disk does not give a piece, it may still give most of its sectors.
fn by_sector(
    pages: &Pages,
    start: u64,
    len: u64,
    store: &mut dyn FnMut(u64, &[u8]) -> io::Result<()>,
    unread: &mut Vec<Span>,
) -> Result<(), Stopped> {
    let end = start.saturating_add(len);
    let mut buffer = Vec::new();
    let mut at = start;
    while at < end {
        let step = SECTOR.min(end.saturating_sub(at));
        match piece(pages, at, step, &mut buffer) {
            Ok(()) => store(at, &buffer)?,
            Err(Unread::Disk(_) | Unread::Io(_)) => match unread.last_mut() {
                Some(last) if last.end() == at => last.len = last.len.saturating_add(step),
                _ => unread.push(Span::new(at, step)),
            },
            Err(why) => return Err(Stopped::Unread(why)),
        }
        at = at.saturating_add(step);
    }
    Ok(())
}
