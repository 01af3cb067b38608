//! How far a disk may be filled: a full one stops a node, and whoever would mend it.

use std::io;
use std::os::fd::AsFd;

use nix::sys::statvfs::{Statvfs, fstatvfs};

/// Bytes of a disk that are left free, unless it is small.
const FLOOR: u64 = 1 << 30;
/// Of a small disk, one part in so many.
const PART: u64 = 20;
/// Bytes that may be written before the disk is asked again.
const EVERY: u64 = 16 << 20;

/// How many bytes more may be written to the disk that holds `file`: those that are free beyond 1 GiB,
/// or beyond a twentieth of a small disk. All of them where the disk does not say.
fn above(file: impl AsFd) -> u64 {
    fstatvfs(file).map_or(u64::MAX, |disk| free_floor(&disk))
}

fn free_floor(disk: &Statvfs) -> u64 {
    let size = disk.fragment_size();
    let all = disk.blocks().saturating_mul(size);
    let free = disk.blocks_available().saturating_mul(size);
    // Some do not count: no blocks at all.
    if all == 0 {
        return u64::MAX;
    }
    free.saturating_sub(FLOOR.min(all.div_euclid(PART)))
}

/// Keeps whoever writes much from filling the disk.
#[derive(Debug, Default)]
pub struct Guard {
    /// Bytes that may be written before the disk is asked again.
    checked: u64,
}

impl Guard {
    /// Takes room for so many bytes on the disk that holds `file`.
    ///
    /// # Errors
    /// [`StorageFull`](io::ErrorKind::StorageFull): they would fill it.
    pub fn take(&mut self, file: impl AsFd, bytes: usize) -> io::Result<()> {
        let bytes = u64::try_from(bytes).unwrap_or(u64::MAX);
        if self.checked < bytes {
            let left = above(file);
            if left < bytes {
                return Err(io::Error::new(
                    io::ErrorKind::StorageFull,
                    "the disk is nearly full (1 GiB of it is left free, of a small one a \
                     twentieth)",
                ));
            }
            self.checked = left.min(EVERY).max(bytes);
        }
        self.checked = self.checked.saturating_sub(bytes);
        Ok(())
    }
}
