//! Mounts below the evidence that could hang us: a dead FUSE or NFS server blocks `stat`.

use std::ffi::OsString;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};

use finding::Text;
use nix::mount::MsFlags;

use crate::host;

/// A mount below the evidence's root that is never looked into.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Refused {
    /// Where it is, relative to the evidence's root, without a leading slash.
    pub(crate) at: Vec<u8>,
    /// Type of its file system.
    pub(crate) kind: String,
    /// What it is called in messages.
    pub(crate) word: &'static str,
}

/// What a file system of this type is called, if a dead server makes it hang.
fn word(kind: &str) -> Option<&'static str> {
    Some(match kind {
        "fuse" | "fuseblk" => "FUSE mount",
        kind if kind.starts_with("fuse.") => "FUSE mount",
        "nfs" | "nfs4" | "cifs" | "smb3" | "smbfs" | "9p" | "afs" | "ceph" | "lustre" | "gfs2"
        | "ocfs2" | "coda" | "beegfs" => "network mount",
        "autofs" => "automount point",
        _ => return None,
    })
}

/// One line of `/proc/self/mountinfo`: mount point and file system type.
///
/// `36 35 98:0 /root /mnt rw,noatime master:1 - ext3 /dev/root rw`
pub(crate) fn mount(line: &str) -> Option<(PathBuf, &str)> {
    let (before, after) = line.split_once(" - ")?;
    let at = before.split(' ').nth(4)?;
    let kind = after.split(' ').next()?;
    let at = Text::from_octal(at.as_bytes()).into_bytes();
    Some((PathBuf::from(OsString::from_vec(at)), kind))
}

/// All mounts at and below `root`, the outermost first, with the flags that a remount must keep.
pub(crate) fn mounts_below(root: &Path) -> Vec<(PathBuf, MsFlags)> {
    let table = host::own(Path::new("/proc/thread-self/mountinfo")).unwrap_or_default();
    let below = |line: &str| {
        // What may hang is not even touched to be remounted.
        let (at, _) = mount(line).filter(|(_, kind)| word(kind).is_none())?;
        let options = line.split(' ').nth(5)?;
        let flag = |option| match option {
            "ro" => MsFlags::MS_RDONLY,
            "nosuid" => MsFlags::MS_NOSUID,
            "nodev" => MsFlags::MS_NODEV,
            "noexec" => MsFlags::MS_NOEXEC,
            "nodiratime" => MsFlags::MS_NODIRATIME,
            _ => MsFlags::empty(),
        };
        let kept = options.split(',').map(flag).collect();
        at.starts_with(root).then_some((at, kept))
    };
    let mut found: Vec<_> = table.lines().filter_map(below).collect();
    found.sort_by(|one, other| one.0.cmp(&other.0));
    // Of several mounts on one place only the last can be reached.
    found.dedup_by(|later, earlier| {
        let same = later.0 == earlier.0;
        if same {
            earlier.1 = later.1;
        }
        same
    });
    found
}

/// The mounts strictly below `root` (a canonical path) that are not looked into.
pub(crate) fn refused(root: &Path) -> Vec<Refused> {
    let table = host::own(Path::new("/proc/thread-self/mountinfo")).unwrap_or_default();
    refused_in(&table, root)
}

pub(super) fn refused_in(table: &str, root: &Path) -> Vec<Refused> {
    let below = |line| {
        let (at, kind) = mount(line)?;
        let word = word(kind)?;
        let at = at.strip_prefix(root).ok()?.as_os_str().as_bytes().to_vec();
        (!at.is_empty()).then(|| Refused {
            at,
            kind: kind.to_owned(),
            word,
        })
    };
    table.lines().filter_map(below).collect()
}

/// All mounts of a table as they are seen from `root`: where, and whether each is read-only. What holds
/// `root` itself stands at `/`.
pub(super) fn mounted_in(table: &str, root: &Path) -> Vec<(PathBuf, bool)> {
    let lines = table.lines().filter_map(|line| {
        let (at, _) = mount(line)?;
        let options = line.split(' ').nth(5)?;
        Some((at, options.split(',').any(|option| option == "ro")))
    });
    from(&lines.collect::<Vec<_>>(), root)
}

/// Mounts as they are seen from a folder.
pub(super) fn from(mounted: &[(PathBuf, bool)], root: &Path) -> Vec<(PathBuf, bool)> {
    let mut all: Vec<_> = mounted.iter().collect();
    // Of those above it, the deepest is the last.
    all.sort_by_key(|(at, _)| at.components().count());
    let seen = all.into_iter().filter_map(|(at, read_only)| {
        let below = match at.strip_prefix(root) {
            Ok(below) => Path::new("/").join(below),
            Err(_) if root.starts_with(at) => PathBuf::from("/"),
            Err(_) => return None,
        };
        Some((below, *read_only))
    });
    seen.collect()
}

/// Whether the mount that a path lies on is read-only: of those at or above it the deepest, of two at
/// one place the last.
pub(super) fn is_read_only(mounted: &[(PathBuf, bool)], path: &Path) -> bool {
    let above = mounted.iter().filter(|(at, _)| path.starts_with(at));
    let deepest = above.max_by_key(|(at, _)| at.components().count());
    deepest.is_some_and(|(_, read_only)| *read_only)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mount_of_another_namespace_may_be_read_only() {
        let table = "\
            21 1 8:1 / / rw - ext4 /dev/sda1 rw\n\
            22 21 8:1 /c /var/lib/containerd ro,relatime - ext4 /dev/sda1 rw\n\
            23 22 0:6 / /var/lib/containerd/x rw - tmpfs tmpfs rw\n";
        let seen = mounted_in(table, Path::new("/"));
        for (path, want) in [
            ("/var/lib/containerd", true),
            ("/var/lib/containerd/a/b", true),
            ("/var/lib/containerd/x/y", false),
            ("/var/lib", false),
        ] {
            assert_eq!(is_read_only(&seen, Path::new(path)), want, "{path}");
        }
        let below = mounted_in(table, Path::new("/var/lib/containerd/a"));
        assert!(is_read_only(&below, Path::new("/b")));
    }

    #[test]
    fn what_may_hang_is_refused() {
        let table = "\
            21 1 8:1 / / rw - ext4 /dev/sda1 rw\n\
            22 21 0:5 / /run rw,nosuid shared:3 - tmpfs tmpfs rw\n\
            23 21 0:6 / /mnt/a\\040b rw master:1 - fuse.sshfs host: rw\n\
            24 21 0:7 / /srv rw - nfs4 host:/srv rw\n\
            garbage\n";
        let found = refused_in(table, Path::new("/"));
        let at: Vec<&[u8]> = found.iter().map(|mount| mount.at.as_slice()).collect();
        assert_eq!(at, [b"mnt/a b".as_slice(), b"srv".as_slice()]);
        assert_eq!(refused_in(table, Path::new("/srv")), []);
        assert_eq!(refused_in(table, Path::new("/mnt"))[0].at, b"a b");
    }
}
