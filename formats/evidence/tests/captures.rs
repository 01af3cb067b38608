//! Real archives by three writers (`data/make.sh`): nothing is lost in any of them.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    reason = "a test may fail"
)]

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use evidence::{Evidence, FileKind, Kind, Options};
use finding::{Text, Time};

fn open(name: &str) -> Evidence {
    let data = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data");
    Evidence::open(&data.join(name), &Options::default()).unwrap()
}

/// What `make.sh` made, in the archive `name`.
fn check(name: &str, has_xattrs: bool) {
    let evidence = open(name);
    let at = Path::new;
    assert_eq!(evidence.kind(), Kind::Tar, "{name}");
    assert!(evidence.is_complete(), "{name}");
    let bytes = |path: &Path| {
        let source = evidence.source(path, 1 << 20).unwrap();
        source.bytes().to_vec()
    };
    let plain = evidence.stat(at("/var/plain")).unwrap();
    assert_eq!(
        (plain.mode, plain.uid, plain.gid),
        (0o4751, 100_000, 3_000_000)
    );
    let nanos = if has_xattrs { 123_456_789 } else { 0 };
    assert_eq!(plain.mtime, Time::new(1_700_000_000, nanos), "{name}");
    for path in ["/var/plain", "/var/also-plain", "/var/link"] {
        assert_eq!(bytes(at(path)), b"plain\n", "{name} {path}");
    }
    assert_eq!(
        evidence.same_file(at("/var/plain"), at("/var/also-plain")),
        Some(true)
    );
    assert_eq!(evidence.read_link(at("/var/link")), Ok("plain".into()));
    assert_eq!(
        evidence.stat(at("/var/exec.fifo")).unwrap().kind,
        FileKind::Fifo
    );
    for (path, number) in [("/var/zero", (1, 5)), ("/var/gone", (0, 0))] {
        let stat = evidence.stat(at(path)).unwrap();
        assert_eq!(
            (stat.kind, stat.rdev),
            (FileKind::Char, Some(number)),
            "{name}"
        );
    }
    let odd = at("/var").join(OsStr::from_bytes(b"not \xff utf-8"));
    assert_eq!(bytes(&odd), b"x", "{name}");
    let mut want = vec![0; 1_000_003];
    for at in (0..6).map(|at| at * 131_072) {
        want[at..at + 4].copy_from_slice(b"data");
    }
    assert!(bytes(at("/var/sparse")) == want, "{name}");
    let listed = evidence.list(at("/var"));
    assert_eq!(listed.whole().unwrap().len(), 9, "{name}");
    let xattrs = |path: &str| evidence.xattrs(at(path));
    if !has_xattrs {
        assert!(!xattrs("/var/dir").is_whole());
        return;
    }
    let dir = xattrs("/var/dir");
    let dir = dir.whole().unwrap();
    assert_eq!(*dir[&Text::from("trusted.overlay.opaque")], *b"y", "{name}");
    assert_eq!(
        *dir[&Text::from("trusted.overlay.origin")],
        *b"\0\xfb!\n12 a",
        "{name}"
    );
    let capability = [
        1, 0, 0, 2, 10, 10, 0, 0, 10, 0, 0, 0, 0, 0, 0, 0, 0, 10, 0, 0,
    ];
    for path in ["/var/plain", "/var/also-plain"] {
        let found = xattrs(path);
        let found = &found.whole().unwrap()[&Text::from("security.capability")];
        assert_eq!(**found, capability, "{name}");
    }
}

#[test]
fn gnu_posix_with_sparse_0_0() {
    check("gnu-posix-0.0.tar.zst", true);
}

#[test]
fn gnu_posix_with_sparse_0_1() {
    check("gnu-posix-0.1.tar.zst", true);
}

#[test]
fn gnu_posix_with_sparse_1_0() {
    check("gnu-posix-1.0.tar.zst", true);
}

#[test]
fn gnu_without_pax() {
    check("gnu-old.tar.zst", false);
}

#[test]
fn bsdtar() {
    check("bsdtar-pax.tar.zst", true);
}

#[test]
fn go() {
    check("go-pax.tar.zst", true);
}
