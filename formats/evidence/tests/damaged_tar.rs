//! Archives that are cut, changed or made up: no panic, no hang, nothing whole that is not.
#![allow(
    clippy::unwrap_used,
    clippy::arithmetic_side_effects,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    clippy::large_stack_arrays,
    reason = "a test may fail"
)]

mod common;

use std::os::unix::fs::symlink;
use std::path::Path;
use std::time::Duration;

use testcase::Effort;

use common::{gnu_tar, has, node, open};
use evidence::bundle::write::{Blobs, Collect, write};
use evidence::{Budget, Evidence, FileKind, Kind, OpenError, Options};
use finding::{Time, Unread};

fn read_tar(tar: &[u8]) -> Result<Evidence, OpenError> {
    Evidence::open_stream(tar, &Options::default())
}

/// Looks at everything that can be reached.
fn look_at_all(evidence: &Evidence) {
    let mut todo = vec![std::path::PathBuf::from("/")];
    let mut seen = 0;
    while let Some(path) = todo.pop() {
        seen += 1;
        assert!(seen < 10_000);
        if let Ok(listed) = evidence.try_list(&path) {
            for entry in listed.read().unwrap() {
                todo.push(path.join(std::ffi::OsStr::from_bytes(entry.name.bytes())));
            }
        }
        let _ = evidence.stat(&path);
        let _ = evidence.xattrs(&path);
        let _ = evidence.read_link(&path);
        let _ = evidence.sha256_known(&path);
        let _ = evidence.source(&path, 1 << 20);
        let _ = evidence.clamped(&path);
    }
    let _ = evidence.notes();
}

use std::os::unix::ffi::OsStrExt;

/// Hand-made members, by a writer that shares nothing with the reader.
fn header(name: &[u8], flag: u8, size: &[u8], link: &[u8]) -> Vec<u8> {
    let mut block = vec![0; 512];
    let mut put = |at: usize, bytes: &[u8]| block[at..at + bytes.len()].copy_from_slice(bytes);
    put(0, name);
    put(100, b"0000644\0");
    put(108, b"0000000\0");
    put(116, b"0000000\0");
    put(124, size);
    put(136, b"14524770000\0");
    put(148, b"        ");
    put(156, &[flag]);
    put(157, link);
    put(257, b"ustar\x0000");
    sum(&mut block);
    block
}

fn sum(block: &mut [u8]) {
    block[148..156].copy_from_slice(b"        ");
    let sum: u32 = block[..512].iter().map(|byte| u32::from(*byte)).sum();
    block[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
}

fn file(name: &[u8], bytes: &[u8]) -> Vec<u8> {
    let mut member = header(
        name,
        b'0',
        format!("{:011o}\0", bytes.len()).as_bytes(),
        b"",
    );
    member.extend_from_slice(bytes);
    member.resize(member.len().next_multiple_of(512), 0);
    member
}

fn archive(members: &[Vec<u8>]) -> Vec<u8> {
    let mut tar = members.concat();
    tar.resize(tar.len() + 1024, 0);
    tar
}

fn ours(root: &Path) -> Vec<u8> {
    let wanted = Collect {
        roots: vec!["/var".into()],
        blobs: Blobs::Metadata,
        upperdirs: false,
        limit: 1 << 30,
        tool: "test 1".into(),
        captured: Time::new(0, 0),
        ..Collect::default()
    };
    let mut bundle = Vec::new();
    write(&open(root), &wanted, &mut bundle).unwrap();
    bundle
}

#[test]
fn cut_at_every_block() {
    assert!(has("tar"), "GNU tar is not there");
    let root = tempfile::tempdir().unwrap();
    node(root.path());
    std::fs::remove_file(
        root.path()
            .join("var/lib/containerd/io.containerd.content.v1.content/blobs/sha256/bb"),
    )
    .unwrap();
    let tar = gnu_tar(root.path(), &["--format=posix", "-S"]);
    let whole = read_tar(&tar).unwrap();
    assert!(whole.is_complete());
    let last = tar.iter().rposition(|byte| *byte != 0).unwrap();
    for at in (0..last).step_by(512) {
        let Ok(evidence) = read_tar(&tar[..at]) else {
            assert!(at < 2048, "{at}");
            continue;
        };
        assert!(!evidence.is_complete(), "{at}");
        let nowhere = evidence.stat(Path::new("/var/lib/containerd/nowhere"));
        assert!(
            matches!(nowhere, Err(Unread::NotCollected)),
            "{at} {nowhere:?}"
        );
        assert!(!evidence.list(Path::new("/var/lib")).is_whole());
        assert!(evidence.notes().iter().any(|note| note.contains("cut off")));
    }
}

#[test]
fn mutants_do_no_harm() {
    assert!(has("tar"), "GNU tar is not there");
    let root = tempfile::tempdir().unwrap();
    let dir = root.path().join("var/lib");
    common::sparse(
        &dir.join("sparse"),
        1 << 20,
        &[(0, b"a"), (65_536, b"b"), (1 << 19, b"c")],
    );
    common::write(&dir.join("plain"), b"plain");
    std::fs::hard_link(dir.join("plain"), dir.join("q-link")).unwrap();
    symlink("plain", dir.join("to")).unwrap();
    xattr::set(dir.join("plain"), "user.note", b"a\nb").unwrap();
    let mut seeds = Vec::new();
    for version in ["0.0", "0.1", "1.0"] {
        let version = format!("--sparse-version={version}");
        seeds.push(gnu_tar(root.path(), &["--format=posix", "-S", &version]));
    }
    seeds.push(gnu_tar(root.path(), &["--format=gnu", "-S", "--no-xattrs"]));
    let plain = zstd::decode_all(ours(root.path()).as_slice()).unwrap();
    seeds.push(plain);
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut random = |below: usize| {
        // xorshift64
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        usize::try_from(state % u64::try_from(below).unwrap()).unwrap()
    };
    let start = Effort::start();
    for round in 0..3_000 {
        let mut tar = seeds[round % seeds.len()].clone();
        for _ in 0..=random(4) {
            let at = random(tar.len());
            tar[at] = [0, b'0', b'9', 0x80, 0xff, b'\n', tar[at] ^ 1][random(7)];
            // A header whose checksum still holds gets further.
            let block = at - at % 512;
            if tar[block + 257..].starts_with(b"ustar") {
                sum(&mut tar[block..block + 512]);
            }
        }
        if let Ok(evidence) = read_tar(&tar) {
            look_at_all(&evidence);
        }
    }
    assert!(start.spent() < Duration::from_mins(2));
}

#[test]
fn names_are_keys_and_not_paths() {
    let tar = archive(&[
        file(b"../../../etc/shadow", b"climbed"),
        file(b"/abs/olute", b"absolute"),
        file(b"./dot/./ted", b"dotted"),
        file(b"twice", b"first"),
        file(b"twice", b"second"),
        header(b"esc", b'2', b"00000000000\0", b"../../outside"),
        header(b"dangling", b'2', b"00000000000\0", b"dot/nothing"),
        header(b"loop", b'2', b"00000000000\0", b"loop"),
        header(b"dot/", b'5', b"00000000000\0", b""),
        header(b"var/run", b'2', b"00000000000\0", b"/run"),
        file(b"var/run/pid", b"12"),
    ]);
    let evidence = read_tar(&tar).unwrap();
    let bytes = |path: &str| {
        let source = evidence.source(Path::new(path), 100);
        source.map(|source| source.bytes().to_vec())
    };
    assert_eq!(bytes("/etc/shadow").unwrap(), b"climbed");
    assert_eq!(bytes("/abs/olute").unwrap(), b"absolute");
    assert_eq!(bytes("dot/ted").unwrap(), b"dotted");
    assert_eq!(bytes("/twice").unwrap(), b"second");
    assert_eq!(bytes("/run/pid").unwrap(), b"12");
    assert_eq!(bytes("/var/run/pid").unwrap(), b"12");
    assert_eq!(bytes("/esc"), Err(Unread::Escapes("../../outside".into())));
    assert_eq!(
        bytes("/dangling"),
        Err(Unread::Dangling("dot/nothing".into()))
    );
    assert!(matches!(bytes("/loop"), Err(Unread::Io(_))));
    assert_eq!(bytes("/dot/none"), Err(Unread::Absent));
    assert_eq!(bytes("/dot/containerd.sock"), Err(Unread::NotCollected));
    assert_eq!(bytes("/abs/none"), Err(Unread::NotCollected));
    assert!(evidence.list(Path::new("/dot")).is_whole());
    assert!(!evidence.list(Path::new("/abs")).is_whole());
    let notes = evidence.notes().join("\n");
    assert!(notes.contains("climb with .."), "{notes}");
    assert!(notes.contains("more than once"), "{notes}");
}

#[test]
fn hard_links_forwards_in_circles_and_to_nothing() {
    let none = b"00000000000\0";
    let tar = archive(&[
        header(b"early", b'1', none, b"late"),
        header(b"a", b'1', none, b"b"),
        header(b"b", b'1', none, b"a"),
        header(b"nothing", b'1', none, b"not there"),
        file(b"late", b"bytes"),
        // Some wrote the file's size and no bytes.
        header(b"sized", b'1', b"00000000005\0", b"late"),
        file(b"end", b"end"),
    ]);
    let evidence = read_tar(&tar).unwrap();
    for path in ["/early", "/late", "/sized"] {
        let source = evidence.source(Path::new(path), 100).unwrap();
        assert_eq!(source.bytes(), b"bytes", "{path}");
        assert_eq!(
            evidence.same_file(Path::new(path), Path::new("/late")),
            Some(true)
        );
    }
    for path in ["/a", "/b", "/nothing"] {
        assert_eq!(evidence.stat(Path::new(path)).unwrap().kind, FileKind::File);
        let source = evidence.source(Path::new(path), 100);
        assert!(
            matches!(source, Err(Unread::Dangling(_))),
            "{path} {source:?}"
        );
    }
    assert_eq!(
        evidence.source(Path::new("/end"), 9).unwrap().bytes(),
        b"end"
    );
}

#[test]
fn what_follows_the_end_is_told() {
    let one = archive(&[file(b"one", b"1")]);
    let two = archive(&[file(b"two", b"2")]);
    let both = read_tar(&[one.as_slice(), &two].concat()).unwrap();
    assert!(both.is_complete());
    assert_eq!(both.source(Path::new("/two"), 9).unwrap().bytes(), b"2");
    assert!(both.notes().join("\n").contains("goes on"));
    let garbage = read_tar(&[one.as_slice(), b"garbage"].concat()).unwrap();
    assert!(garbage.is_complete());
    assert!(
        garbage
            .notes()
            .join("\n")
            .contains("something else follows")
    );
    let mut damaged = [one.as_slice(), &[]].concat();
    damaged.truncate(1024);
    damaged.extend_from_slice(&[b'x'; 512]);
    damaged.extend_from_slice(&two);
    let damaged = read_tar(&damaged).unwrap();
    assert!(!damaged.is_complete());
    assert!(
        damaged
            .notes()
            .join("\n")
            .contains("no header with a valid checksum")
    );
    assert_eq!(damaged.source(Path::new("/one"), 9).unwrap().bytes(), b"1");
}

#[test]
fn what_is_no_archive_is_refused() {
    for (bytes, why) in [
        (b"".as_slice(), "an empty file"),
        (
            &[0; 10_240],
            "no archive with members: neither a tar nor a bundle, or a file of zeroes",
        ),
        (&[b'x'; 5_000], "neither a directory nor a tar"),
        (b"BZh91AY&SY", "a bzip2 archive"),
    ] {
        let error = read_tar(bytes).unwrap_err().to_string();
        assert!(error.contains(why), "{error}");
    }
}

#[test]
fn bombs_are_stopped() {
    let start = Effort::start();
    // A member that claims 8 GiB of zeros, in a few hundred KiB.
    let mut tar = header(b"bomb", b'0', b"77777777777\0", b"");
    tar.resize(tar.len() + (64 << 20), 0);
    let mut bomb = Vec::new();
    for _ in 0..16 {
        bomb.extend(zstd::encode_all(tar.as_slice(), 1).unwrap());
    }
    let options = Options {
        budget: Budget {
            inflated: 100 << 20,
            ..Budget::default()
        },
        ..Options::default()
    };
    let evidence = Evidence::open_stream(bomb.as_slice(), &options).unwrap();
    assert!(!evidence.is_complete());
    let notes = evidence.notes().join("\n");
    assert!(notes.contains("the budget"), "{notes}");
    assert!(start.spent() < Duration::from_secs(20));
    // Headers and maps that claim the moon allocate nothing.
    let mut claims = header(b"x", b'x', b"77777777777\0", b"");
    claims.extend_from_slice(&[b'1'; 4096]);
    assert!(read_tar(&claims).is_err());
}

#[test]
fn small_budgets_drop_bytes_and_say_so() {
    let spool = tempfile::tempdir().unwrap();
    let members = [file(b"one", &[1; 3_000]), file(b"two", &[2; 3_000])];
    let options = |memory, quota| Options {
        budget: Budget {
            memory,
            spool: quota,
            ..Budget::default()
        },
        spool: Some(spool.path().to_owned()),
        held: None,
    };
    let tar = archive(&members);
    let spooled = Evidence::open_stream(tar.as_slice(), &options(3_500, 1 << 20)).unwrap();
    for (path, byte) in [("/one", 1), ("/two", 2)] {
        let source = spooled.source(Path::new(path), 9_999).unwrap();
        assert_eq!(source.bytes(), [byte; 3_000]);
    }
    // No name of it is ever seen.
    assert_eq!(std::fs::read_dir(spool.path()).unwrap().count(), 0);
    let dropped = Evidence::open_stream(tar.as_slice(), &options(3_500, 0)).unwrap();
    assert!(dropped.source(Path::new("/one"), 9_999).is_ok());
    let two = dropped.source(Path::new("/two"), 9_999);
    assert!(matches!(two, Err(Unread::NoRoom)));
}

#[test]
fn our_own_bundle_cut_or_changed() {
    let root = tempfile::tempdir().unwrap();
    node(root.path());
    let plain = zstd::decode_all(ours(root.path()).as_slice()).unwrap();
    let database = Path::new("/var/lib/containerd/io.containerd.metadata.v1.bolt/meta.db");
    let evidence = read_tar(&plain).unwrap();
    assert_eq!(evidence.kind(), Kind::Bundle);
    assert_eq!(
        evidence.source(database, 1 << 20).unwrap().bytes(),
        [7; 70_000]
    );
    let layer = "/var/lib/containerd/io.containerd.content.v1.content/blobs/sha256/bb";
    assert_eq!(evidence.stat(Path::new(layer)).unwrap().size, 2_000_000);
    let layer = evidence.source(Path::new(layer), 1 << 30);
    assert_eq!(layer.unwrap_err(), Unread::NotCollected);
    // The bytes of a file are changed: the trailer knows.
    let at = plain.windows(9_000).position(|bytes| bytes == [7; 9_000]);
    let mut changed = plain.clone();
    changed[at.unwrap() + 5_000] = 8;
    let notes = read_tar(&changed).unwrap().notes().join("\n");
    assert!(
        notes.contains("another SHA-256 than the trailer says"),
        "{notes}"
    );
    // Cut in the middle: what is missing is not absent, and what was listed is still known.
    let cut = read_tar(&plain[..plain.len() / 2]).unwrap();
    assert!(!cut.is_complete());
    assert!(cut.notes().join("\n").contains("no trailer"));
    assert!(cut.list(Path::new("/var/lib/containerd")).is_whole());
    // Cut in the manifest.
    let cut = read_tar(&plain[..4_096]).unwrap();
    assert!(!cut.is_complete());
    assert!(!cut.list(Path::new("/var/lib/containerd")).is_whole());
}
