//! The entries of a layer, one after the other.

use std::io::{self, BufReader, ErrorKind, Read};
use std::path::Path;

use content::Digest;
use evidence::Evidence;
use evidence::archive::{End, Members};
use finding::Unread;
use sha2::{Digest as _, Sha256};

use crate::data::{Data, Next};
use crate::{Entry, Fault, InflateError, Inflated, Inflating, Kind, Limits, Watch};

/// Entries that are odd and told one by one.
const MOST_ODD: usize = 50;
/// Bytes that are inflated at once.
const AT_ONCE: usize = 128 << 10;

/// A layer, read once from front to back.
#[expect(missing_debug_implementations, reason = "a stream has nothing to show")]
pub struct Layer<'w, R: Read> {
    members: Members<BufReader<Inflating<'w, R>>>,
    data: Data,
    /// Holes that were filled in.
    holes: u64,
    entries: u64,
    most: u64,
    odd: Vec<Fault>,
    more_odd: u64,
    too_many: bool,
    long_name: bool,
    chunk: Vec<u8>,
}

/// What became of a layer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Summary {
    /// The digest of the blob's bytes, even where they could not be inflated.
    pub blob: Option<Digest>,
    /// Both digests and sizes; an error where its bytes could not be inflated to their end.
    pub inflated: Result<Inflated, InflateError>,
    /// How its tar ended, if it was read to an end.
    pub end: Option<End>,
    /// Entries that were read.
    pub entries: u64,
    /// All that is wrong with it. Whatever [ends it](Fault::ends_it) comes first.
    pub faults: Vec<Fault>,
}

impl Summary {
    /// Whether every entry was seen.
    pub fn is_whole(&self) -> bool {
        !self.faults.iter().any(Fault::ends_it)
    }
}

impl<'w> Layer<'w, Box<dyn Read + Send + 'w>> {
    /// The layer in the blob at `path`.
    pub fn of_blob(
        evidence: &'w Evidence,
        path: &Path,
        limits: Limits,
        watch: Watch<'w>,
    ) -> Result<Self, Unread> {
        Ok(Self::open(evidence.reader(path)?, limits, watch))
    }
}

impl<'w, R: Read> Layer<'w, R> {
    /// The layer in `blob`, packed or not. That nothing can be read of it is told at the end.
    pub fn open(blob: R, limits: Limits, watch: Watch<'w>) -> Self {
        let inflating = Inflating::new(blob, limits, watch);
        let buffered = BufReader::with_capacity(AT_ONCE, inflating);
        Self {
            members: Members::new(buffered, limits.record),
            data: Data::default(),
            holes: 0,
            entries: 0,
            most: limits.entries,
            odd: Vec::new(),
            more_odd: 0,
            too_many: false,
            long_name: false,
            chunk: Vec::new(),
        }
    }

    /// The next entry; nothing at the end, whatever it is.
    pub fn next_entry(&mut self) -> Option<Entry> {
        if self.too_many || self.long_name || self.failed() {
            return None;
        }
        let member = self.members.next_member()?;
        if self.entries >= self.most {
            self.too_many = true;
            return None;
        }
        // What it is about cannot be said, and nothing of what comes below it.
        if member.nameless {
            self.long_name = true;
            return None;
        }
        self.entries = self.entries.saturating_add(1);
        self.data = Data::from_member(&member);
        let mut entry = Entry::from_member(&member);
        if self.data.is_lost && entry.odd.is_empty() {
            entry.odd.push("its map of holes is damaged".to_owned());
        }
        for what in &entry.odd {
            if self.odd.len() < MOST_ODD {
                self.odd.push(Fault::Entry {
                    name: entry.name.clone(),
                    what: what.clone(),
                });
            } else {
                self.more_odd = self.more_odd.saturating_add(1);
            }
        }
        if entry.kind != Kind::File {
            self.data = Data::default();
        }
        Some(entry)
    }

    /// The next bytes of the current entry's file, holes as zeroes; zero at their end.
    ///
    /// # Errors
    /// What ends the layer: no entry comes after it. [`ErrorKind::InvalidData`] where only this
    /// entry's map of holes is damaged.
    pub(crate) fn read_contents(&mut self, into: &mut [u8]) -> io::Result<usize> {
        if into.is_empty() {
            return Ok(0);
        }
        if self.data.is_lost {
            return Err(io::Error::new(
                ErrorKind::InvalidData,
                "its map of holes is damaged",
            ));
        }
        let fit = |left: u64, into: &[u8]| {
            usize::try_from(left)
                .unwrap_or(usize::MAX)
                .min(into.len())
                .min(AT_ONCE)
        };
        let count = match self.data.next() {
            Next::End => return Ok(0),
            Next::Hole(left) => {
                let count = fit(left, into);
                into.get_mut(..count).unwrap_or_default().fill(0);
                let filled = u64::try_from(count).unwrap_or(0);
                self.holes = self.holes.saturating_add(filled);
                let holes = self.holes;
                let inflating = self.members.get_mut().get_mut();
                if !inflating.count_hole(holes) {
                    return Err(io::Error::other("holes beyond the limit"));
                }
                count
            }
            Next::Stored(left) => {
                let count = fit(left, into);
                let into = into.get_mut(..count).unwrap_or_default();
                match self.members.data(into) {
                    Ok(count) => count,
                    Err(error) if error.kind() == ErrorKind::Interrupted => return Err(error),
                    Err(error) => {
                        self.members.stop(&error);
                        return Err(error);
                    }
                }
            }
        };
        self.data.advance(u64::try_from(count).unwrap_or(0));
        Ok(count)
    }

    /// The SHA-256 of what is left of the current entry's file: of all of it, if nothing was read.
    ///
    /// # Errors
    /// As `read_contents`.
    pub fn sha256(&mut self) -> io::Result<[u8; 32]> {
        let mut hasher = Sha256::new();
        self.each_piece(|piece| hasher.update(piece))?;
        Ok(hasher.finalize().into())
    }

    /// Gives what is left of the current entry's file to `take`, piece by piece.
    ///
    /// # Errors
    /// As `read_contents`.
    pub fn each_piece(&mut self, mut take: impl FnMut(&[u8])) -> io::Result<()> {
        let mut chunk = core::mem::take(&mut self.chunk);
        chunk.resize(AT_ONCE, 0);
        let ended = loop {
            match self.read_contents(&mut chunk) {
                Ok(0) => break Ok(()),
                Ok(count) => take(chunk.get(..count).unwrap_or_default()),
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => break Err(error),
            }
        };
        self.chunk = chunk;
        ended
    }

    fn failed(&self) -> bool {
        self.members.get_ref().get_ref().failed().is_some()
    }

    /// Reads the rest, and says what became of the layer. Entries that were not asked for are
    /// passed over; their headers are looked at.
    pub fn finish(mut self) -> Summary {
        while self.next_entry().is_some() {}
        let mut faults = Vec::new();
        let end = self.members.end().cloned();
        let failed = self.failed();
        let entries = self.entries;
        for odd in &self.members.odd {
            self.odd.push(Fault::Entry {
                name: finding::Text::from("the tar"),
                what: odd.clone(),
            });
        }
        let (blob, inflated) = self.members.into_inner().into_inner().finish_both();
        if let Err(error) = &inflated {
            faults.push(Fault::Inflate(error.clone()));
        }
        if self.too_many {
            faults.push(Fault::TooMany { read: entries });
        }
        if self.long_name {
            faults.push(Fault::LongName { read: entries });
        }
        match &end {
            // Garbage after the end may be what the decoder trips over.
            Some(End::Whole) | None => {}
            Some(_) if failed || inflated.is_err() => {}
            Some(end) => faults.push(Fault::Tar(end.clone())),
        }
        faults.append(&mut self.odd);
        if self.more_odd > 0 {
            faults.push(Fault::MoreEntries(self.more_odd));
        }
        Summary {
            blob,
            inflated,
            end,
            entries,
            faults,
        }
    }
}

impl Summary {
    /// The diffID, if the layer could be inflated to its end.
    pub fn diff_id(&self) -> Option<&Digest> {
        self.inflated
            .as_ref()
            .ok()
            .map(|inflated| &inflated.diff_id)
    }
}
