//! A tree with everything that a node may hold, and how to compare two readings of it.
#![allow(
    dead_code,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::panic,
    clippy::large_stack_arrays,
    clippy::disallowed_methods,
    reason = "each test uses a part of it, and a test may fail"
)]

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{Read, Seek, SeekFrom, Write};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::Command;

use evidence::{Evidence, FileKind, Options};
use finding::Text;

/// A test that needs root may only be skipped where nobody asked for it.
pub(crate) fn is_root() -> bool {
    nix::unistd::geteuid().is_root()
}

/// Whether a program is there; where the tests must not be skipped, it must be.
pub(crate) fn has(program: &str) -> bool {
    let found = Command::new(program)
        .arg("--version")
        .output()
        .is_ok_and(|output| output.status.success());
    let required = std::env::var_os("CORONER_REQUIRE").is_some();
    assert!(found || !required, "{program} is required, and not there");
    found
}

/// Runs a program that must succeed.
pub(crate) fn run(command: &mut Command) -> Vec<u8> {
    let output = command.env("LC_ALL", "C").output().unwrap();
    let error = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{command:?}: {error}");
    output.stdout
}

pub(crate) fn write(path: &Path, bytes: &[u8]) {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, bytes).unwrap();
}

/// A file of `size` bytes that has data only at these places.
pub(crate) fn sparse(path: &Path, size: u64, data: &[(u64, &[u8])]) {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    let mut file = File::create(path).unwrap();
    file.set_len(size).unwrap();
    for (at, bytes) in data {
        file.seek(SeekFrom::Start(*at)).unwrap();
        file.write_all(bytes).unwrap();
    }
}

pub(crate) const STORE: &str = "var/lib/containerd/io.containerd.metadata.v1.bolt";

/// Everything that an ordinary user can make.
pub(crate) fn node(root: &Path) {
    write(&root.join(STORE).join("meta.db"), &[7; 70_000]);
    let blobs = root.join("var/lib/containerd/io.containerd.content.v1.content/blobs/sha256");
    write(&blobs.join("aa"), b"{}");
    write(&blobs.join("bb"), &[9; 2_000_000]);
    fs::create_dir_all(root.join("var/lib/containerd/empty")).unwrap();
    let odd = root.join("var/lib/containerd/odd");
    write(&odd.join("plain"), b"plain\n");
    write(
        &odd.join(std::ffi::OsStr::from_bytes(b"not \xff utf-8 \n")),
        b"x",
    );
    write(&odd.join("l".repeat(150)).join("m".repeat(120)), b"long");
    fs::hard_link(odd.join("plain"), odd.join("also-plain")).unwrap();
    fs::hard_link(odd.join("plain"), odd.join("zz-plain")).unwrap();
    symlink("plain", odd.join("to-plain")).unwrap();
    symlink("/var/lib/containerd/odd", root.join("var/absolute")).unwrap();
    symlink("n".repeat(200), odd.join("to-nowhere")).unwrap();
    nix::unistd::mkfifo(
        &odd.join("exec.fifo"),
        nix::sys::stat::Mode::from_bits_truncate(0o622),
    )
    .unwrap();
    let many: Vec<(u64, &[u8])> = (0..40)
        .map(|at| (at * 65_536, b"data".as_slice()))
        .collect();
    sparse(&odd.join("sparse"), 40 * 65_536 + 9, &many);
    sparse(&odd.join("hole"), 1 << 20, &[]);
    sparse(
        &odd.join("ends-in-data"),
        1 << 20,
        &[((1 << 20) - 3, b"end")],
    );
    fs::set_permissions(odd.join("plain"), fs::Permissions::from_mode(0o4751)).unwrap();
    let times = fs::FileTimes::new()
        .set_modified(std::time::UNIX_EPOCH + std::time::Duration::new(1_700_000_000, 123_456_789));
    File::open(odd.join("plain"))
        .unwrap()
        .set_times(times)
        .unwrap();
    xattr::set(odd.join("plain"), "user.note", b"one\ntwo=3\n").unwrap();
    xattr::set(odd.join("sparse"), "user.empty", b"").unwrap();
}

/// What only root can make.
pub(crate) fn node_of_root(root: &Path) {
    use nix::sys::stat::{Mode, SFlag, makedev, mknod};
    node(root);
    let fs_dir =
        root.join("var/lib/containerd/io.containerd.snapshotter.v1.overlayfs/snapshots/3/fs");
    write(&fs_dir.join("bin/ping"), b"#!");
    let all = Mode::from_bits_truncate(0o666);
    mknod(&fs_dir.join("gone"), SFlag::S_IFCHR, all, makedev(0, 0)).unwrap();
    mknod(&fs_dir.join("zero"), SFlag::S_IFCHR, all, makedev(1, 5)).unwrap();
    mknod(
        &fs_dir.join("disk"),
        SFlag::S_IFBLK,
        all,
        makedev(259, 70_000),
    )
    .unwrap();
    // VFS_CAP_REVISION_2, cap_net_raw+ep, as setcap writes it; and one with a newline in it.
    let capability = [
        1, 0, 0, 2, 0, 0x20, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
    ];
    xattr::set(fs_dir.join("bin/ping"), "security.capability", &capability).unwrap();
    let newline = [
        1, 0, 0, 2, 10, 10, 0, 0, 10, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
    ];
    write(&fs_dir.join("bin/nl"), b"#!");
    xattr::set(fs_dir.join("bin/nl"), "security.capability", &newline).unwrap();
    xattr::set(fs_dir.join("bin"), "trusted.overlay.opaque", b"y").unwrap();
    xattr::set(
        fs_dir.join("bin"),
        "trusted.overlay.origin",
        b"\0\xfb!\n12 a=b\n\0=",
    )
    .unwrap();
    std::os::unix::fs::chown(fs_dir.join("bin/nl"), Some(100_000), Some(3_000_000)).unwrap();
}

/// What one reading says of one path.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Seen {
    pub(crate) kind: FileKind,
    pub(crate) mode: u32,
    pub(crate) owner: (u32, u32),
    pub(crate) size: u64,
    pub(crate) rdev: Option<(u32, u32)>,
    pub(crate) mtime: String,
    pub(crate) target: Option<Text>,
    pub(crate) xattrs: evidence::Xattrs,
    pub(crate) bytes: Option<Vec<u8>>,
}

/// Everything below `top`, by path.
pub(crate) fn read_all(evidence: &Evidence, top: &Path) -> BTreeMap<PathBuf, Seen> {
    let mut all = BTreeMap::new();
    let mut todo = vec![top.to_owned()];
    while let Some(path) = todo.pop() {
        let stat = evidence.stat(&path).unwrap();
        assert!(!stat.only_kind, "{}", path.display());
        if stat.is_dir() {
            let known = evidence.list(&path);
            assert!(known.is_whole(), "{} {known:?}", path.display());
            for entry in known.whole().unwrap() {
                let child = path.join(std::ffi::OsStr::from_bytes(entry.name.bytes()));
                assert_eq!(evidence.stat(&child).as_ref(), Ok(&entry.stat));
                todo.push(child);
            }
        }
        let bytes = stat.is_file().then(|| {
            let source = evidence.source(&path, 1 << 30).unwrap();
            let mut streamed = Vec::new();
            evidence
                .reader(&path)
                .unwrap()
                .read_to_end(&mut streamed)
                .unwrap();
            assert_eq!(source.bytes(), streamed, "{}", path.display());
            let pages = evidence.pages(&path).unwrap();
            let mut joined = vec![0; usize::try_from(pages.len()).unwrap()];
            for chunk in pages.chunks() {
                let chunk = chunk.unwrap();
                let at = usize::try_from(chunk.at).unwrap();
                joined[at..at + chunk.bytes.len()].copy_from_slice(&chunk.bytes);
            }
            assert_eq!(joined, streamed, "{}", path.display());
            streamed
        });
        let seen = Seen {
            kind: stat.kind,
            mode: stat.mode,
            owner: (stat.uid, stat.gid),
            size: if stat.is_dir() { 0 } else { stat.size },
            rdev: stat.rdev,
            mtime: stat.mtime.to_string(),
            target: stat
                .is_symlink()
                .then(|| evidence.read_link(&path).unwrap()),
            xattrs: evidence.xattrs(&path).read().unwrap().clone(),
            bytes,
        };
        all.insert(path, seen);
    }
    all
}

pub(crate) fn open(path: &Path) -> Evidence {
    Evidence::open(path, &Options::default()).unwrap()
}

/// GNU tar of `root`'s `var`, with these options.
pub(crate) fn gnu_tar(root: &Path, options: &[&str]) -> Vec<u8> {
    let mut tar = Command::new("tar");
    tar.args(["-c", "--numeric-owner", "--xattrs", "--xattrs-include=*"]);
    run(tar.args(options).arg("-C").arg(root).arg("var"))
}

/// Both readings, side by side where they differ.
pub(crate) fn assert_same(
    left: &BTreeMap<PathBuf, Seen>,
    right: &BTreeMap<PathBuf, Seen>,
    what: &str,
) {
    let names: Vec<_> = left.keys().collect();
    assert_eq!(names, right.keys().collect::<Vec<_>>(), "{what}");
    for (path, one) in left {
        let other = &right[path];
        if one != other {
            let short = |seen: &Seen| Seen {
                bytes: None,
                ..seen.clone()
            };
            assert_eq!(short(one), short(other), "{what}: {}", path.display());
            panic!("{what}: {} has other bytes", path.display());
        }
    }
}
