//! What the file system under a path says: room, and flags of inodes.
//!
//! Both are the kernel's word about the disk that is mounted now. No copy keeps them: archives do
//! not know them, and a folder that was copied lies on the disk of whoever copied it.

use serde::{Deserialize, Serialize};

/// Room on the file system of a path (`statfs(2)`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Room {
    /// Bytes in all.
    pub size: u64,
    /// Bytes that are free, for root.
    pub free: u64,
    /// Inodes in all; 0 where the file system makes them as it needs them.
    pub inodes: u64,
    /// Inodes that are free.
    pub free_inodes: u64,
}

/// Flags of an inode (`statx(2)`).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Flags {
    /// It can be neither changed nor removed (`chattr +i`).
    pub immutable: bool,
    /// It can only be written to at its end (`chattr +a`).
    pub append_only: bool,
}
