//! Entries of layers, by three real writers and by hand.
#![expect(
    clippy::unwrap_used,
    clippy::arithmetic_side_effects,
    clippy::disallowed_methods,
    reason = "a test may fail, and reads its own files"
)]

use std::collections::BTreeMap;
use std::fs;
use std::io::Read;
use std::path::Path;

use content::Digest;
use evidence::archive::End;
use finding::{Text, Time};
use layer::{Entry, Fault, InflateError, Kind, Layer, Limits, Summary, Watch};
use tar::{EntryType, Header};

/// Everything in a layer: entries by their paths with the SHA-256 of files.
fn all(blob: &[u8], limits: Limits) -> (Vec<(Entry, Option<String>)>, Summary) {
    let mut layer = Layer::open(blob, limits, Watch::default());
    let mut found = Vec::new();
    while let Some(entry) = layer.next_entry() {
        let sha256 = (entry.kind == Kind::File)
            .then(|| layer.sha256().ok())
            .flatten();
        found.push((
            entry,
            sha256.map(|bytes| Digest::from_sha256(bytes).hex().to_owned()),
        ));
    }
    (found, layer.finish())
}

/// What `formats/evidence/tests/data/make.sh` packed with GNU tar, bsdtar and Go.
#[test]
fn nothing_is_lost_of_real_tars() {
    let data = Path::new(env!("CARGO_MANIFEST_DIR")).join("../evidence/tests/data");
    let mut want = vec![0; 1_000_003];
    for at in (0..6_usize).map(|at| at * 131_072) {
        want[at..at + 4].copy_from_slice(b"data");
    }
    let sparse = Digest::sha256_of(&want).hex().to_owned();
    let plain = Digest::sha256_of(b"plain\n").hex().to_owned();
    for name in [
        "gnu-posix-0.0",
        "gnu-posix-0.1",
        "gnu-posix-1.0",
        "gnu-old",
        "bsdtar-pax",
        "go-pax",
    ] {
        let blob = fs::read(data.join(format!("{name}.tar.zst"))).unwrap();
        let (found, summary) = all(&blob, Limits::default());
        assert_eq!(summary.faults, [], "{name}");
        assert!(summary.is_whole());
        let by_path: BTreeMap<_, _> = found
            .iter()
            .map(|(entry, sha256)| (entry.path.as_slice(), (entry, sha256.as_deref())))
            .collect();
        assert_eq!(
            by_path[&b"var/sparse"[..]].1,
            Some(sparse.as_str()),
            "{name}"
        );
        assert_eq!(by_path[&b"var/sparse"[..]].0.size, 1_000_003);
        // One of the two names is the file, the other a link to it, in the order of the directory.
        let names = [by_path[&b"var/plain"[..]], by_path[&b"var/also-plain"[..]]];
        let file = names
            .iter()
            .find(|(entry, _)| entry.kind == Kind::File)
            .unwrap();
        let link = names.iter().find(|(entry, _)| entry.kind == Kind::HardLink);
        assert_eq!(file.1, Some(plain.as_str()), "{name}");
        if let Some((link, _)) = link {
            assert_eq!(link.target().as_deref(), Some(file.0.path.as_slice()));
        }
        let (mode, uid, gid) = (file.0.mode, file.0.uid, file.0.gid);
        assert_eq!((mode, uid, gid), (0o4751, 100_000, 3_000_000));
        assert_eq!(file.0.mtime.seconds, 1_700_000_000);
        if name != "gnu-old" {
            assert_eq!(file.0.mtime, Time::new(1_700_000_000, 123_456_789));
            let capability = &file.0.xattrs[&Text::from("security.capability")];
            assert_eq!(capability.len(), 20, "{name}");
            let opaque = &by_path[&b"var/dir"[..]].0.xattrs[&Text::from("trusted.overlay.opaque")];
            assert_eq!(**opaque, *b"y");
        }
        assert_eq!(by_path[&b"var/gone"[..]].0.rdev, Some((0, 0)));
        assert_eq!(by_path[&b"var/gone"[..]].0.kind, Kind::Char);
        assert_eq!(by_path[&b"var/exec.fifo"[..]].0.kind, Kind::Fifo);
        let target = by_path[&b"var/link"[..]].0.link.as_ref().unwrap();
        assert_eq!(target, &Text::from("plain"));
        assert!(by_path.contains_key(&b"var/not \xff utf-8"[..]), "{name}");
    }
}

fn member(to: &mut Vec<u8>, name: &[u8], kind: EntryType, bytes: &[u8]) {
    let mut header = Header::new_ustar();
    for (to, from) in header.as_mut_bytes().iter_mut().zip(name) {
        *to = *from;
    }
    header.set_entry_type(kind);
    header.set_mode(0o644);
    header.set_uid(0);
    header.set_gid(0);
    header.set_mtime(7);
    header.set_size(u64::try_from(bytes.len()).unwrap());
    if kind == EntryType::Link {
        header.set_link_name("./a").unwrap();
    }
    header.set_cksum();
    to.extend_from_slice(header.as_bytes());
    to.extend_from_slice(bytes);
    to.resize(to.len().next_multiple_of(512), 0);
}

fn layer(names: &[&[u8]]) -> Vec<u8> {
    let mut tar = Vec::new();
    for name in names {
        member(&mut tar, name, EntryType::Regular, b"bytes");
    }
    tar.resize(tar.len() + 1024, 0);
    tar
}

#[test]
fn hostile_names_are_cleaned_and_told() {
    let tar = layer(&[
        b"../../etc/passwd",
        b"/abs",
        b"./a/../b",
        b"c\x1b[2J\xff",
        b".wh.gone",
    ]);
    let (found, summary) = all(&tar, Limits::default());
    let paths: Vec<&[u8]> = found.iter().map(|(entry, _)| &entry.path[..]).collect();
    assert_eq!(
        paths,
        [&b"etc/passwd"[..], b"abs", b"b", b"c\x1b[2J\xff", b"gone"]
    );
    assert_eq!(found[4].0.kind, Kind::Whiteout);
    assert_eq!(summary.faults.len(), 1);
    let text = summary.faults[0].to_string();
    assert_eq!(
        text,
        "../../etc/passwd: its name climbs above the layer's root"
    );
    assert!(summary.is_whole());
}

#[test]
fn a_tar_without_its_end_is_whole_and_a_cut_one_is_not() {
    let whole = layer(&[b"a", b"b"]);
    let (found, summary) = all(&whole[..2048], Limits::default());
    assert_eq!(found.len(), 2);
    assert_eq!(summary.faults, [Fault::Tar(End::Unended { at: 2048 })]);
    assert!(summary.is_whole());
    // In the middle of the second file, and of its header.
    for (end, entries) in [(1600, 2), (1300, 1)] {
        let (found, summary) = all(&whole[..end], Limits::default());
        assert_eq!(found.len(), entries, "{end}");
        assert!(
            matches!(summary.faults[..], [Fault::Tar(End::Cut { .. })]),
            "{end}"
        );
        assert!(!summary.is_whole());
        // The bytes that are there have a digest all the same.
        assert_eq!(
            summary.inflated.unwrap().blob,
            Digest::sha256_of(&whole[..end])
        );
    }
    let mut damaged = whole.clone();
    damaged[1024] ^= 1;
    let (found, summary) = all(&damaged, Limits::default());
    assert_eq!(found.len(), 1);
    assert_eq!(summary.faults, [Fault::Tar(End::Checksum { at: 1024 })]);
    let (found, summary) = all(b"", Limits::default());
    assert_eq!((found.len(), summary.is_whole()), (0, true));
}

/// Garbage after the last frame: Go's gzip stops at it, and the layer does not unpack.
#[test]
fn garbage_after_the_stream_is_damage() {
    let tar = layer(&[b"a"]);
    let zstd = zstd::encode_all(tar.as_slice(), 1).unwrap();
    let mut gzip = Vec::new();
    flate2::read::GzEncoder::new(tar.as_slice(), flate2::Compression::fast())
        .read_to_end(&mut gzip)
        .unwrap();
    for packed in [zstd, gzip] {
        let mut longer = packed.clone();
        longer.extend_from_slice(b"not a frame, and long enough to be none");
        let (found, summary) = all(&longer, Limits::default());
        assert_eq!(found.len(), 1);
        assert!(
            matches!(
                summary.faults[..],
                [Fault::Inflate(InflateError::Damaged { .. })]
            ),
            "{:?}",
            summary.faults
        );
    }
}

#[test]
fn limits_hold() {
    let tar = layer(&[&b"a"[..]; 100]);
    let limits = Limits {
        entries: 10,
        ..Limits::default()
    };
    let (found, summary) = all(&tar, limits);
    assert_eq!(found.len(), 10);
    assert_eq!(summary.faults, [Fault::TooMany { read: 10 }]);
    // A sparse file of 1 TiB that takes one block: its holes count.
    let mut sparse = Vec::new();
    let mut pax = Vec::new();
    for (key, value) in [
        ("GNU.sparse.major", "0"),
        ("GNU.sparse.minor", "1"),
        ("GNU.sparse.name", "hole"),
        ("GNU.sparse.size", "1099511627776"),
        ("GNU.sparse.map", "0,5"),
    ] {
        evidence::pax_record(&mut pax, key, value.as_bytes());
    }
    member(&mut sparse, b"x", EntryType::XHeader, &pax);
    member(&mut sparse, b"x", EntryType::Regular, b"bytes");
    member(&mut sparse, b"after", EntryType::Regular, b"bytes");
    sparse.resize(sparse.len() + 1024, 0);
    let limits = Limits {
        bytes: 1 << 20,
        ..Limits::default()
    };
    let (found, summary) = all(&sparse, limits);
    assert_eq!((found[0].0.size, &found[0].1), (1 << 40, &None));
    assert!(found[0].0.is_sparse);
    assert!(matches!(
        summary.faults[0],
        Fault::Inflate(InflateError::Bomb { .. })
    ));
    // Whoever does not ask for its bytes does not pay for them.
    let mut layer = Layer::open(sparse.as_slice(), limits, Watch::default());
    assert_eq!(layer.next_entry().unwrap().path, b"hole");
    assert_eq!(layer.next_entry().unwrap().path, b"after");
    assert_eq!(layer.finish().faults, []);
}

/// Every byte of a real layer, changed: no panic, and never silent, since the diffID differs.
#[test]
fn no_byte_changes_unseen() {
    let mut tar = layer(&[b"usr/bin/app", b".wh.old", b"var/.wh..wh..opq"]);
    let good = all(&tar, Limits::default()).1.diff_id().cloned().unwrap();
    for at in 0..tar.len() {
        for bit in [1, 0x80] {
            tar[at] ^= bit;
            let (_, summary) = all(&tar, Limits::default());
            assert_ne!(summary.diff_id(), Some(&good), "{at}");
            tar[at] ^= bit;
        }
    }
}

/// 1,000 entries with a malformed header each: told, but not one by one.
#[test]
fn many_oddities_are_counted() {
    let tar = layer(&[&b"../x"[..]; 1000]);
    let (_, summary) = all(&tar, Limits::default());
    assert_eq!(summary.faults.len(), 51);
    assert_eq!(summary.faults[50], Fault::MoreEntries(950));
}
