//! What only `--live` makes: nodes, owners, setuid, attributes.

use std::ffi::OsStr;
use std::os::fd::AsFd;

use evidence::{FileKind, Stat, Xattrs};
use nix::sys::stat::{Mode, SFlag, makedev, mknodat};
use nix::unistd::{Gid, Uid, fchown, fchownat};

/// Makes a device or a FIFO.
pub(super) fn node(folder: impl AsFd, name: &OsStr, stat: &Stat) -> Result<(), String> {
    let kind = match stat.kind {
        FileKind::Fifo => SFlag::S_IFIFO,
        FileKind::Char => SFlag::S_IFCHR,
        FileKind::Block => SFlag::S_IFBLK,
        other => return Err(format!("a {} cannot be made", other.word())),
    };
    let device = match (kind, stat.rdev) {
        (SFlag::S_IFIFO, _) => 0,
        (_, Some((major, minor))) => makedev(major.into(), minor.into()),
        (_, None) => return Err("the evidence has no device numbers".to_owned()),
    };
    let mode = Mode::from_bits_truncate(stat.mode);
    mknodat(&folder, name, kind, mode, device).map_err(|error| error.to_string())?;
    fchownat(
        &folder,
        name,
        Some(Uid::from_raw(stat.uid)),
        Some(Gid::from_raw(stat.gid)),
        nix::fcntl::AtFlags::AT_SYMLINK_NOFOLLOW,
    )
    .map_err(|error| format!("owner: {error}"))
}

/// Gives an open file its owner and its attributes; mode comes after, since this clears setuid.
pub(super) fn dress(file: &std::fs::File, stat: &Stat, xattrs: Option<&Xattrs>) -> Vec<String> {
    use xattr::FileExt;
    let mut lacks = Vec::new();
    let (uid, gid) = (Uid::from_raw(stat.uid), Gid::from_raw(stat.gid));
    if let Err(error) = fchown(file, Some(uid), Some(gid)) {
        lacks.push(format!("owner {}:{}: {error}", stat.uid, stat.gid));
    }
    for (name, value) in xattrs.into_iter().flatten() {
        use std::os::unix::ffi::OsStrExt;
        if let Err(error) = file.set_xattr(OsStr::from_bytes(name.bytes()), value) {
            lacks.push(format!("attribute {name}: {error}"));
        }
    }
    lacks
}
