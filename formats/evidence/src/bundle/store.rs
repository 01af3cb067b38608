//! Where a member's bytes go while the archive flies by.

use std::io::{self, Read};
use std::sync::Arc;

use finding::Unread;
use sha2::{Digest, Sha256};
use view::Span;

use super::spool::Spool;
use super::tree::Data;
use crate::content::{Content, Extent, Place};
use crate::tar::{Member, Members};
use crate::{Budget, Options, path};

/// Bytes that are taken from the archive at once.
const AT_ONCE: usize = 256 << 10;

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
    pub(crate) fn of(name: &[u8]) -> Self {
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
    pub(crate) spool: Spool,
}

impl Store {
    pub(crate) fn new(options: &Options) -> Self {
        Self {
            memory: 0,
            budget: options.budget.clone(),
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
        // Snapshots may not use up what the stores need.
        let (most, spare) = match class {
            Class::Store => (self.budget.memory, 0),
            Class::Snapshot | Class::Blob => (self.budget.memory >> 1, self.budget.spool >> 2),
        };
        let fits = self.memory.saturating_add(member.stored) <= most;
        let (place, ended) = if member.stored <= limit && fits {
            self.remember(members, member, &mut hasher)
        } else if self.spool.fits(member.stored, spare) {
            self.put_away(members, member, &mut hasher)
        } else {
            (None, drain(members, &mut hasher))
        };
        let cut = Unread::Io("the archive ends in the middle of it".into());
        let data = match (place, &ended) {
            (_, Err(_)) => Data::Not(cut),
            (Some(place), Ok(())) => content(member, &place),
            (None, Ok(())) => Data::Not(Unread::TooLarge {
                size: member.size,
                limit,
            }),
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
    ) -> (Option<Place>, io::Result<()>) {
        // As much as has come, never what the header claims.
        let mut bytes = Vec::new();
        let ended = each(members, |piece| {
            bytes.extend_from_slice(piece);
            update(hasher, piece);
        });
        bytes.shrink_to_fit();
        self.memory = self.memory.saturating_add(member.stored);
        (Some(Place::Memory(Arc::new(bytes), 0)), ended)
    }

    fn put_away<R: Read>(
        &mut self,
        members: &mut Members<R>,
        member: &Member,
        hasher: &mut Option<Sha256>,
    ) -> (Option<Place>, io::Result<()>) {
        let Some((file, at)) = self.spool.begin() else {
            return (None, drain(members, hasher));
        };
        let mut kept = member.stored != 0;
        let ended = each(members, |piece| {
            update(hasher, piece);
            kept = kept && self.spool.add(piece);
        });
        (kept.then_some(Place::File(file, at)), ended)
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
    let mut piece = vec![0; AT_ONCE];
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
fn content(member: &Member, place: &Place) -> Data {
    let at = |offset: u64| match place {
        Place::Memory(bytes, start) => {
            Place::Memory(Arc::clone(bytes), start.saturating_add(offset))
        }
        Place::File(file, start) => Place::File(Arc::clone(file), start.saturating_add(offset)),
    };
    let whole = [Span::new(0, member.stored)];
    let map = match &member.sparse {
        Some(map) if map.is_empty() && member.stored != 0 => {
            return Data::Not(Unread::Io("its map of holes is damaged".into()));
        }
        Some(map) => map.as_slice(),
        None => &whole,
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
        let class = |name: &str| Class::of(name.as_bytes());
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
