//! How far a disk may be filled: a full one stops a node, and whoever would mend it.

use std::os::fd::AsFd;

use nix::sys::statvfs::{Statvfs, fstatvfs};

/// Bytes of a disk that are left free, unless it is small.
const FLOOR: u64 = 1 << 30;
/// Of a small disk, one part in so many.
const PART: u64 = 20;
/// Bytes that may be written before [`above`] is asked again.
pub const EVERY: u64 = 16 << 20;

/// How many bytes more may be written to the disk that holds `file`: those that are free beyond 1 GiB,
/// or beyond a twentieth of a small disk. All of them where the disk does not say.
pub fn above(file: impl AsFd) -> u64 {
    fstatvfs(file).map_or(u64::MAX, |disk| of(&disk))
}

fn of(disk: &Statvfs) -> u64 {
    let size = u64::from(disk.fragment_size());
    let all = u64::from(disk.blocks()).saturating_mul(size);
    let free = u64::from(disk.blocks_available()).saturating_mul(size);
    // Some do not count: no blocks at all.
    if all == 0 {
        return u64::MAX;
    }
    free.saturating_sub(FLOOR.min(all.div_euclid(PART)))
}
