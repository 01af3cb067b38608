//! Positioned reads of files that are too big to copy.

use std::io::{self, Read};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, sync_channel};
use std::thread::JoinHandle;

use finding::{Text, Unread};
use mapped::Mapped;
use view::Span;

use crate::Stat;
use crate::content::Content;
use crate::directory::Watch;

/// Bytes that are read at once: 4 MiB.
const CHUNK: u64 = 4 << 20;
/// Chunks that are read ahead.
const AHEAD: usize = 2;

/// A file that is read in pieces: a big database.
///
/// Cheap to clone; several threads may read at once.
#[derive(Debug, Clone)]
pub struct Pages {
    /// Absolute path inside the evidence, as it was asked for.
    pub path: Text,
    /// What was known of the file when it was opened.
    pub stat: Stat,
    content: Arc<Content>,
    watch: Option<Watch>,
}

/// A piece of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Chunk {
    /// Offset of its first byte in the file.
    pub at: u64,
    /// The bytes.
    pub bytes: Vec<u8>,
}

impl Pages {
    pub(crate) fn new(path: Text, stat: Stat, content: Content, watch: Option<Watch>) -> Self {
        Self {
            path,
            stat,
            content: Arc::new(content),
            watch,
        }
    }

    /// Length of the file in bytes, holes included.
    pub fn len(&self) -> u64 {
        self.content.len
    }

    /// Whether the file has no bytes.
    pub fn is_empty(&self) -> bool {
        self.content.len == 0
    }

    /// The whole file as a map, where it lies in one file of the disk: a core. Nothing for what is
    /// part of an archive.
    pub fn mapped(&self) -> Option<Mapped> {
        let file = self.content.file()?;
        Mapped::new(file).ok()
    }

    /// The stretches of the file that are not holes, in order.
    pub fn data(&self) -> impl Iterator<Item = Span> + '_ {
        self.content.extents.iter().map(|extent| extent.span)
    }

    /// Fills `into` with the bytes from `at` on; how many there were before the end of the file.
    /// Holes read as zero.
    pub fn read_at(&self, at: u64, into: &mut [u8]) -> Result<usize, Unread> {
        self.content.read_at(at, into)
    }

    /// The whole file from front to back in chunks of at most 4 MiB, holes left out, read ahead by
    /// a thread. After an error there is nothing more.
    pub fn chunks(&self) -> Chunks {
        let (sender, receiver) = sync_channel(AHEAD);
        let content = Arc::clone(&self.content);
        let read_ahead = move || {
            let mut at = 0;
            while let Some(span) = content.data_at(at, CHUNK) {
                at = span.end();
                let mut bytes = vec![0; usize::try_from(span.len).unwrap_or(0)];
                let read = content.read_at(span.start, &mut bytes);
                let chunk = read.map(|_| Chunk {
                    at: span.start,
                    bytes,
                });
                let failed = chunk.is_err();
                if sender.send(chunk).is_err() || failed {
                    break;
                }
            }
        };
        let thread = std::thread::Builder::new()
            .name("read-ahead".into())
            .spawn(read_ahead);
        Chunks {
            receiver: Some(receiver),
            thread: thread.ok(),
        }
    }

    /// All bytes, if they are no more than `limit`.
    pub fn whole(&self, limit: u64) -> Result<Arc<Vec<u8>>, Unread> {
        self.content.whole(limit)
    }

    /// Whether the file is still as it was when it was opened: [`Unread::Changed`] if not. Ask
    /// after reading, and before concluding.
    pub fn unchanged(&self) -> Result<(), Unread> {
        self.watch.as_ref().map_or(Ok(()), Watch::unchanged)
    }
}

/// Iterator of [`Pages::chunks`].
#[derive(Debug)]
pub struct Chunks {
    receiver: Option<Receiver<Result<Chunk, Unread>>>,
    thread: Option<JoinHandle<()>>,
}

impl Iterator for Chunks {
    type Item = Result<Chunk, Unread>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.thread.is_none() {
            self.receiver = None;
        }
        self.receiver.as_ref()?.recv().ok()
    }
}

impl Drop for Chunks {
    fn drop(&mut self) {
        // First the channel, so that the thread cannot wait for us.
        self.receiver = None;
        if let Some(thread) = self.thread.take() {
            let _ended = thread.join();
        }
    }
}

/// The bytes of one file from front to back.
pub(crate) struct Stream {
    content: Content,
    watch: Option<Watch>,
    at: u64,
}

impl Stream {
    pub(crate) const fn new(content: Content, watch: Option<Watch>) -> Self {
        Self {
            content,
            watch,
            at: 0,
        }
    }
}

impl Read for Stream {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let count = self
            .content
            .read_at(self.at, into)
            .map_err(io::Error::other)?;
        if count == 0
            && !into.is_empty()
            && let Some(watch) = &self.watch
        {
            watch.unchanged().map_err(io::Error::other)?;
        }
        self.at = self
            .at
            .saturating_add(u64::try_from(count).unwrap_or(u64::MAX));
        Ok(count)
    }
}
