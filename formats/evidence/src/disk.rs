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

/// Whether an option of a mounted file system means that nothing can be written: `ro`; ext4 shows
/// `emergency_ro` after an error (Linux 6.14 and later, and the mount itself stays `rw`), and
/// `shutdown` where it was shut down.
pub fn refuses_writes(option: &str) -> bool {
    matches!(option, "ro" | "emergency_ro" | "shutdown")
}

/// Whether the device `major:minor` is a disk that turns; nothing where the kernel does not tell
/// (file systems of several devices, network, memory), or cannot know: a virtual disk says that it
/// turns whatever is below it.
pub(crate) fn is_rotational((major, minor): (u32, u32)) -> Option<bool> {
    let device = format!("/sys/dev/block/{major}:{minor}");
    let real = std::fs::read_link(&device).ok()?;
    let real = real.to_string_lossy();
    if ["/virtio", "/vbd-", "/VMBUS"]
        .iter()
        .any(|bus| real.contains(bus))
    {
        return None;
    }
    // A partition has no queue of its own: its disk is the folder above.
    ["queue/rotational", "../queue/rotational"]
        .iter()
        .find_map(|path| {
            #[expect(
                clippy::disallowed_methods,
                reason = "the kernel's word about this machine, not the evidence"
            )]
            let text = std::fs::read_to_string(format!("{device}/{path}")).ok()?;
            match text.trim() {
                "1" => Some(true),
                "0" => Some(false),
                _ => None,
            }
        })
}
