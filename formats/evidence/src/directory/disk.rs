//! Asks the kernel for room and flags; nothing is opened but with `O_PATH`.

use std::os::fd::AsFd;
use std::path::Path;

use finding::Unread;
use nix::sys::statfs::fstatfs;
use rustix::fs::{AtFlags, StatxAttributes, StatxFlags, statx};

use super::Directory;
use super::walk::unread;
use crate::Stat;
use crate::disk::{Flags, Room};

impl Directory {
    /// Room on the file system that holds `path`; nothing if that is the one on which the evidence
    /// itself was put down: a copy tells nothing of the disk of the node.
    pub(crate) fn room(&self, path: &Path) -> Result<Option<Room>, Unread> {
        let handle = self.hold_followed(path)?;
        if self.is_outside(&handle.stat) {
            return Ok(None);
        }
        let found = fstatfs(&handle.fd).map_err(unread)?;
        let block = u64::try_from(found.block_size()).unwrap_or(0);
        Ok(Some(Room {
            size: found.blocks().saturating_mul(block),
            free: found.blocks_free().saturating_mul(block),
            inodes: found.files(),
            free_inodes: found.files_free(),
        }))
    }

    /// Whether something lies on the file system on which the evidence was put down: that of a copy,
    /// not the node's.
    pub(super) fn is_outside(&self, stat: &Stat) -> bool {
        self.outer.is_some() && stat.dev == self.outer
    }

    /// Flags of what `path` is, where the file system has some.
    pub(crate) fn flags(&self, path: &Path) -> Result<Option<Flags>, Unread> {
        let handle = self.hold(path)?;
        let found = statx(
            handle.fd.as_fd(),
            c"",
            AtFlags::EMPTY_PATH,
            StatxFlags::empty(),
        );
        // A kernel without the call does not know of them either.
        let Ok(found) = found else {
            return Ok(None);
        };
        let known = found.stx_attributes_mask;
        let has =
            |flag: StatxAttributes| known.contains(flag) && found.stx_attributes.contains(flag);
        Ok(known.contains(StatxAttributes::IMMUTABLE).then(|| Flags {
            immutable: has(StatxAttributes::IMMUTABLE),
            append_only: has(StatxAttributes::APPEND),
        }))
    }
}
