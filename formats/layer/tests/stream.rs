//! The stream of a layer: both digests, bombs, damage, sources that break.
#![expect(clippy::unwrap_used, reason = "a test may fail")]

use std::fs;
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use content::{Compression, Digest, Kind, Store};
use evidence::{Evidence, Options};
use finding::Unread;
use layer::{Fault, InflateError, Inflated, Inflating, Layer, Limits, Watch};

const CONTENT: &str = "/var/lib/containerd/io.containerd.content.v1.content";

fn inflate(blob: impl Read, limits: Limits) -> Result<Inflated, InflateError> {
    Inflating::new(blob, limits, Watch::default()).finish()
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut packer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    packer.write_all(bytes).unwrap();
    packer.finish().unwrap()
}

#[test]
fn both_digests_come_from_one_pass() {
    let bytes: Vec<u8> = (0..1_000_000_u32).flat_map(u32::to_le_bytes).collect();
    let two_members = [gzip(&bytes[..1000]), gzip(&bytes[1000..])].concat();
    let frames = [
        zstd::encode_all(&bytes[..1000], 1).unwrap(),
        zstd::encode_all(&bytes[1000..], 1).unwrap(),
    ]
    .concat();
    let cases = [
        (bytes.clone(), Compression::None),
        (two_members, Compression::Gzip),
        (frames, Compression::Zstd),
    ];
    for (packed, compression) in cases {
        let seen = AtomicU64::new(0);
        let add = |bytes| {
            seen.fetch_add(bytes, Ordering::Relaxed);
        };
        let watch = Watch {
            progress: &add,
            ..Watch::default()
        };
        let found = Inflating::new(packed.as_slice(), Limits::default(), watch)
            .finish()
            .unwrap();
        assert_eq!(found.compression, compression);
        assert_eq!(found.diff_id, Digest::sha256_of(&bytes));
        assert_eq!(found.blob, Digest::sha256_of(&packed));
        let len = u64::try_from(packed.len()).unwrap();
        assert_eq!((found.packed, found.unpacked), (len, 4_000_000));
        assert_eq!(seen.load(Ordering::Relaxed), len);
        if compression == Compression::None {
            continue;
        }
        for end in [3, 20, packed.len() / 2, packed.len() - 1] {
            let cut = inflate(&packed[..end], Limits::default());
            assert!(
                matches!(cut, Err(InflateError::Damaged { .. })) || end == 3,
                "{end}: {cut:?}"
            );
        }
    }
}

/// A gzip of `len` zeroes, and a zstd frame of as many.
fn bombs(len: u64) -> [Vec<u8>; 2] {
    let zeroes = || io::repeat(0).take(len);
    let mut packer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    io::copy(&mut zeroes(), &mut packer).unwrap();
    let zstd = zstd::encode_all(zeroes(), 1).unwrap();
    [packer.finish().unwrap(), zstd]
}

#[test]
fn a_bomb_ends_at_its_budget() {
    let limits = Limits {
        bytes: 1 << 40,
        ratio: 200,
        free: 8 << 20,
        ..Limits::default()
    };
    for bomb in bombs(64 << 20) {
        assert!(bomb.len() < 300_000);
        match inflate(bomb.as_slice(), limits) {
            Err(InflateError::Bomb { unpacked, .. }) => assert!(unpacked < 30 << 20, "{unpacked}"),
            other => panic!("{other:?}"),
        }
    }
    let cancel = AtomicBool::new(true);
    let watch = Watch {
        cancel: &cancel,
        ..Watch::default()
    };
    let cut = Inflating::new(io::repeat(0), limits, watch).finish();
    assert_eq!(cut, Err(InflateError::Cancelled));
}

/// 1 GiB in 1 MiB, and 16 GiB in 0.5 MiB: with the limits that everybody gets.
#[test]
fn zeroes_are_no_bomb_and_real_bombs_end_at_the_default_budget() {
    let mut tar = tar::Header::new_gnu();
    tar.set_path("zeroes").unwrap();
    tar.set_size(1 << 30);
    tar.set_cksum();
    let mut packer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    packer.write_all(tar.as_bytes()).unwrap();
    io::copy(&mut io::repeat(0).take(1 << 30), &mut packer).unwrap();
    let gigabyte = packer.finish().unwrap();
    assert!((900_000..1_100_000).contains(&gigabyte.len()));
    // A frame of zeroes once more and once more: 16 GiB.
    let frame = zstd::encode_all(io::repeat(0).take(256 << 20), 19).unwrap();
    let frames = frame.repeat(64);
    assert!(frames.len() < 600_000, "{}", frames.len());
    let read = |bomb: &[u8]| {
        let mut layer = Layer::open(bomb, Limits::default(), Watch::default());
        while layer.next_entry().is_some() {
            let _ = layer.sha256();
        }
        layer.finish()
    };
    // A file of a gigabyte of zeroes is somebody's disk image.
    let summary = read(&gigabyte);
    assert!(summary.is_whole(), "{:?}", summary.faults);
    assert_eq!(summary.inflated.unwrap().unpacked, 512 + (1 << 30));
    let summary = read(&frames);
    match &summary.faults[..] {
        [Fault::Inflate(InflateError::Bomb { unpacked, .. })] => {
            let budget = Limits::default().free;
            assert!(
                (budget..budget + (2 << 20)).contains(unpacked),
                "{unpacked}"
            );
        }
        other => panic!("{other:?}"),
    }
    assert!(!summary.is_whole());
}

/// A window of 2 GiB: not a damaged layer, and no 2 GiB.
#[test]
fn a_window_that_is_too_large_is_unsupported() {
    let frame = [0x28, 0xb5, 0x2f, 0xfd, 0x00, 21 << 3, 0x01, 0x00, 0x00];
    let found = inflate(frame.as_slice(), Limits::default());
    assert!(
        matches!(found, Err(InflateError::Unsupported(_))),
        "{found:?}"
    );
}

struct Broken(usize);

impl Read for Broken {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        if self.0 == 0 {
            return Err(io::Error::other(Unread::Changed));
        }
        self.0 = self.0.saturating_sub(1);
        into.fill(0x55);
        Ok(into.len())
    }
}

#[test]
fn a_source_that_breaks_is_unread_and_not_damaged() {
    for good in [0, 3] {
        let found = inflate(Broken(good), Limits::default());
        assert_eq!(found, Err(InflateError::Unread(Unread::Changed)));
        let summary = Layer::open(Broken(good), Limits::default(), Watch::default()).finish();
        let unread = Fault::Inflate(InflateError::Unread(Unread::Changed));
        assert_eq!(summary.faults.first(), Some(&unread));
    }
}

fn captures() -> Vec<PathBuf> {
    let nodes = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../testdata/nodes");
    let found = fs::read_dir(nodes)
        .unwrap()
        .map(|entry| entry.unwrap().path().join("node.tar.zst"));
    let found: Vec<PathBuf> = found.filter(|path| path.metadata().is_ok()).collect();
    assert!(!found.is_empty(), "testdata/nodes holds no capture");
    found
}

/// Every layer of every real node inflates to the diffID that its image's configuration names, and
/// all of its entries are sound.
#[test]
fn diff_ids_of_real_nodes_are_right() {
    for path in captures() {
        let evidence = Evidence::open(&path, &Options::default()).unwrap();
        let store = Store::read_store(&evidence, Path::new(CONTENT));
        let store = store.whole().unwrap();
        let (mut layers, mut entries) = (0, 0);
        for blob in &store.blobs {
            let Ok(manifest) = Store::document(&evidence, &store.root, &blob.digest, None) else {
                continue;
            };
            if manifest.kind != Kind::Manifest {
                continue;
            }
            let config = &manifest.links()[0].descriptor.digest;
            let Ok(config) = Store::document(&evidence, &store.root, config, None) else {
                continue;
            };
            for (link, diff_id) in manifest.layers().zip(config.diff_ids()) {
                // Those of the midpull nodes: too much for a build without optimization.
                if link.size > 1 << 20 {
                    continue;
                }
                let path = Store::path_of(&store.root, &link.digest);
                // With `discard_unpacked_layers` they are gone.
                let limits = Limits::default();
                let Ok(layer) = Layer::of_blob(&evidence, &path, limits, Watch::default()) else {
                    continue;
                };
                let summary = layer.finish();
                assert_eq!(summary.faults, [], "{}", path.display());
                let inflated = summary.inflated.unwrap();
                assert_eq!((&inflated.blob, &inflated.diff_id), (&link.digest, diff_id));
                layers += 1;
                entries += summary.entries;
            }
        }
        let discarded = path.to_string_lossy().contains("discarded");
        assert!(layers > 3 || discarded, "{}: {layers}", path.display());
        assert!(entries > 20 || discarded, "{}: {entries}", path.display());
    }
}
