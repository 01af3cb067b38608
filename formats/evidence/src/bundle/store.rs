//! Where a member's bytes go while the archive flies by.

use std::io::{self, Read};
use std::sync::Arc;

use finding::Unread;
use sha2::{Digest, Sha256};
use view::Span;

use super::spool::Spool;
use super::tree::Data;
use crate::budget::Packed;
use crate::content::{Content, Extent, Place};
use crate::tar::{Member, Members};
use crate::{Budget, Options, path};

/// Bytes that are taken from the archive at once.
const AT_ONCE: usize = 256 << 10;

/// Bytes that are kept or left out together, if they are all zero.
const AT_A_TIME: usize = 16 << 10;

/// What a member is to an examiner.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Class {
    /// A content blob: hashed; manifests and configs are kept, layers are spooled.
    Blob,
    /// A file of a container or a layer, in a snapshot: spooled.
    Snapshot,
    /// What the examination is about: databases, state files, configuration.
    Store,
}

impl Class {
    /// The class of a member of this name.
    pub(crate) fn from_name(name: &[u8]) -> Self {
        let mut parts = path::components(name).peekable();
        while let Some(part) = parts.next() {
            if part == b"io.containerd.content.v1.content" && parts.peek() == Some(&&b"blobs"[..]) {
                return Self::Blob;
            }
            if part == b"snapshots" {
                // snapshots/<id>/fs/…
                let id = parts.next().unwrap_or_default();
                if id.iter().all(u8::is_ascii_digit) && parts.next() == Some(b"fs") {
                    return Self::Snapshot;
                }
            }
        }
        Self::Store
    }
}

/// What became of a member's bytes.
pub(crate) struct Stored {
    pub(crate) data: Data,
    /// Of the bytes that the archive holds, if it was asked for.
    pub(crate) sha256: Option<[u8; 32]>,
}

/// Memory, then the spool file, then nothing.
#[derive(Debug)]
pub(crate) struct Store {
    memory: u64,
    budget: Budget,
    packed: Packed,
    pub(crate) spool: Spool,
}

/// Where the bytes of a member went: the runs that are kept, what is between them is zero.
type Runs = Vec<Extent>;

impl Store {
    pub(crate) fn new(options: &Options, packed: Packed) -> Self {
        Self {
            memory: 0,
            budget: options.budget.clone(),
            packed,
            spool: Spool::new(options.spool.clone(), options.budget.spool),
        }
    }

    /// Takes the bytes of the current member. An error ends the archive.
    pub(crate) fn take<R: Read>(
        &mut self,
        members: &mut Members<R>,
        member: &Member,
        class: Class,
        hash: bool,
    ) -> (Stored, io::Result<()>) {
        let mut hasher = hash.then(Sha256::new);
        let limit = match class {
            Class::Blob => self.budget.blob,
            Class::Snapshot => 64 << 10,
            Class::Store => self.budget.member,
        };
        let more = self.packed.bytes().saturating_mul(8);
        let memory = self
            .budget
            .free
            .saturating_add(more)
            .min(self.budget.memory);
        // Snapshots may not use up what the stores need.
        let (most, spare) = match class {
            Class::Store => (memory, 0),
            Class::Snapshot | Class::Blob => (memory >> 1, self.budget.spool >> 2),
        };
        let fits = self.memory.saturating_add(member.stored) <= most;
        let (runs, ended) = if member.stored <= limit && fits {
            self.remember(members, member, &mut hasher)
        } else if self.spool.fits(member.stored, spare) {
            self.put_away(members, member, &mut hasher)
        } else {
            (None, drain(members, &mut hasher))
        };
        let cut = Unread::Io("the archive ends in the middle of it".into());
        let data = match (runs, &ended) {
            (_, Err(_)) => Data::Not(cut),
            (Some(runs), Ok(())) => content(member, runs),
            (None, Ok(())) => Data::Not(Unread::NoRoom),
        };
        let sha256 = match &ended {
            Ok(()) => hasher.map(|hasher| hasher.finalize().into()),
            Err(_) => None,
        };
        (Stored { data, sha256 }, ended)
    }

    fn remember<R: Read>(
        &mut self,
        members: &mut Members<R>,
        member: &Member,
        hasher: &mut Option<Sha256>,
    ) -> (Option<Runs>, io::Result<()>) {
        // As much as has come, never what the header claims.
        let mut bytes = Vec::new();
        let ended = each(members, |piece| {
            bytes.extend_from_slice(piece);
            update(hasher, piece);
        });
        bytes.shrink_to_fit();
        self.memory = self.memory.saturating_add(member.stored);
        let run = Extent {
            span: Span::new(0, member.stored),
            place: Place::Memory(Arc::new(bytes), 0),
        };
        (Some(vec![run]), ended)
    }

    fn put_away<R: Read>(
        &mut self,
        members: &mut Members<R>,
        member: &Member,
        hasher: &mut Option<Sha256>,
    ) -> (Option<Runs>, io::Result<()>) {
        let Some((file, at)) = self.spool.begin() else {
            return (None, drain(members, hasher));
        };
        let mut kept = member.stored != 0;
        // Zeroes take no room, where the archive has no map of its own.
        let holes = member.sparse.is_none();
        let mut runs = Runs::new();
        let (mut done, mut put) = (0_u64, at);
        let ended = each(members, |piece| {
            update(hasher, piece);
            for block in piece.chunks(AT_A_TIME) {
                let len = u64::try_from(block.len()).unwrap_or(u64::MAX);
                let span = Span::new(done, len);
                done = done.saturating_add(len);
                if !kept || (holes && block.iter().all(|byte| *byte == 0)) {
                    continue;
                }
                kept = self.spool.add(block);
                match runs.last_mut() {
                    Some(run) if run.span.end() == span.start => {
                        run.span.len = run.span.len.saturating_add(len);
                    }
                    _ => runs.push(Extent {
                        span,
                        place: Place::File(Arc::clone(&file), put),
                    }),
                }
                put = put.saturating_add(len);
            }
        });
        (kept.then_some(runs), ended)
    }
}

/// Hashes and forgets.
fn drain<R: Read>(members: &mut Members<R>, hasher: &mut Option<Sha256>) -> io::Result<()> {
    each(members, |piece| update(hasher, piece))
}

fn update(hasher: &mut Option<Sha256>, piece: &[u8]) {
    if let Some(hasher) = hasher {
        hasher.update(piece);
    }
}

/// Hands on the current member's bytes in pieces.
fn each<R: Read>(members: &mut Members<R>, mut take: impl FnMut(&[u8])) -> io::Result<()> {
    let most = usize::try_from(members.left()).unwrap_or(AT_ONCE);
    let mut piece = vec![0; AT_ONCE.min(most).max(1)];
    loop {
        match members.data(&mut piece) {
            Ok(0) => return Ok(()),
            Ok(count) => take(piece.get(..count).unwrap_or_default()),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}

/// The file that the stored bytes make, holes and all.
fn content(member: &Member, runs: Runs) -> Data {
    let map = match &member.sparse {
        Some(map) if map.is_empty() && member.stored != 0 => {
            return Data::Not(Unread::Io("its map of holes is damaged".into()));
        }
        Some(map) => map,
        None => {
            let extents = runs.into_iter().filter(|run| run.span.len != 0);
            return Data::Kept(Content {
                len: member.size,
                extents: extents.collect(),
            });
        }
    };
    // With a map the stored bytes are one run.
    let Some(Extent { place, .. }) = runs.first() else {
        return Data::Kept(Content {
            len: member.size,
            extents: Vec::new(),
        });
    };
    let at = |offset: u64| match place {
        Place::Memory(bytes, start) => {
            Place::Memory(Arc::clone(bytes), start.saturating_add(offset))
        }
        Place::File(file, start) => Place::File(Arc::clone(file), start.saturating_add(offset)),
    };
    let mut offset = 0_u64;
    let mut extents = Vec::new();
    for span in map.iter().filter(|span| span.len != 0) {
        extents.push(Extent {
            span: *span,
            place: at(offset),
        });
        offset = offset.saturating_add(span.len);
    }
    Data::Kept(Content {
        len: member.size,
        extents,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn members_have_their_class() {
        let class = |name: &str| Class::from_name(name.as_bytes());
        let root = "./var/lib/containerd";
        assert_eq!(
            class(&format!(
                "{root}/io.containerd.content.v1.content/blobs/sha256/0a"
            )),
            Class::Blob
        );
        assert_eq!(
            class(&format!(
                "{root}/io.containerd.snapshotter.v1.overlayfs/snapshots/12/fs/etc/passwd"
            )),
            Class::Snapshot
        );
        assert_eq!(
            class(&format!(
                "{root}/io.containerd.snapshotter.v1.overlayfs/metadata.db"
            )),
            Class::Store
        );
        assert_eq!(
            class("io.containerd.content.v1.content/ingest/a/data"),
            Class::Store
        );
    }
}
