//! Hashes, usage and walks: good, damaged, hostile, cut short, and on real captures.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test may fail")]

use std::fs;
use std::os::unix::fs::{FileExt, symlink};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use content::{Digest, Store};
use evidence::{Evidence, Options};
use finding::{Known, Unread};
use measure::{Control, Cut, Hashed, Step, Walk, WalkLimits, hash, usage, usages};

const CONTENT: &str = "/var/lib/containerd/io.containerd.content.v1.content";

fn captures() -> Vec<PathBuf> {
    let nodes = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../testdata/nodes");
    let found = fs::read_dir(nodes)
        .unwrap()
        .map(|entry| entry.unwrap().path().join("node.tar.zst"));
    let found: Vec<PathBuf> = found.filter(|path| path.metadata().is_ok()).collect();
    assert!(!found.is_empty(), "testdata/nodes holds no capture");
    found
}

fn open(path: &Path) -> Evidence {
    Evidence::open(path, &Options::default()).unwrap()
}

/// A store with these blobs, under the digests that they have.
fn store(blobs: &[Vec<u8>]) -> (tempfile::TempDir, Vec<PathBuf>) {
    let node = tempfile::tempdir().unwrap();
    let folder = node.path().join("content/blobs/sha256");
    fs::create_dir_all(&folder).unwrap();
    let paths = blobs
        .iter()
        .map(|bytes| folder.join(Digest::sha256_of(bytes).hex()));
    let paths: Vec<PathBuf> = paths.collect();
    for (path, bytes) in paths.iter().zip(blobs) {
        fs::write(path, bytes).unwrap();
    }
    (node, paths)
}

fn read_store(evidence: &Evidence) -> Store {
    match Store::read_store(evidence, Path::new("/content")) {
        Known::Whole(store) => store,
        other => panic!("{other:?}"),
    }
}

#[test]
fn one_flipped_bit_in_many_blobs_is_found_by_any_number_of_jobs() {
    let blobs: Vec<Vec<u8>> = (0..40_usize)
        .map(|n| vec![u8::try_from(n).unwrap(); n * 30_000])
        .collect();
    let (node, paths) = store(&blobs);
    let file = fs::OpenOptions::new().write(true).open(&paths[33]).unwrap();
    file.write_at(&[32], 700_001).unwrap();
    fs::remove_file(&paths[7]).unwrap();
    fs::write(&paths[7], b"").unwrap();
    let evidence = open(node.path());
    for jobs in [0, 1, 3] {
        let done = AtomicU64::new(0);
        let add = |bytes| {
            done.fetch_add(bytes, Ordering::Relaxed);
        };
        let control = Control {
            jobs,
            progress: &add,
            ..Control::default()
        };
        let hashes = hash(&evidence, &read_store(&evidence).blobs, &control);
        let tally = hashes.tally();
        assert_eq!(
            (tally.good, tally.bad, tally.unread, tally.cut),
            (38, 2, 0, 0)
        );
        assert_eq!(done.load(Ordering::Relaxed), tally.bytes);
        let cut = Digest::sha256_of(&blobs[7]);
        let empty = Digest::sha256_of(b"");
        assert_eq!(
            hashes.blobs[&cut].outcome,
            Hashed::Mismatch { computed: empty }
        );
        let size = hashes.blobs[&Digest::sha256_of(&blobs[33])].size;
        assert_eq!(size, 990_000);
    }
}

#[test]
fn what_vanishes_is_unread_and_what_is_cut_is_not_good() {
    let (node, paths) = store(&[vec![1; 3_000_000], vec![2; 10], vec![3; 20]]);
    let evidence = open(node.path());
    let store = read_store(&evidence);
    fs::remove_file(&paths[1]).unwrap();
    let hashes = hash(&evidence, &store.blobs, &Control::default());
    let gone = &hashes.blobs[&Digest::sha256_of(&[2; 10])];
    assert_eq!(gone.outcome, Hashed::Unread(Unread::Absent));
    assert_eq!(hashes.tally().good, 2);

    let control = Control {
        bytes: 1 << 20,
        jobs: 1,
        ..Control::default()
    };
    let tally = hash(&evidence, &store.blobs, &control).tally();
    assert!(tally.cut >= 1 && tally.good < 2, "{tally:?}");
    let cancel = AtomicBool::new(true);
    let control = Control {
        cancel: &cancel,
        ..Control::default()
    };
    let hashes = hash(&evidence, &store.blobs, &control);
    let big = &hashes.blobs[&Digest::sha256_of(&vec![1; 3_000_000])];
    assert_eq!(big.outcome, Hashed::Cut(Cut::Cancelled));
}

#[test]
fn an_exabyte_of_nothing_is_not_read() {
    let (node, paths) = store(&[vec![1; 5000], vec![2; 10]]);
    let file = fs::OpenOptions::new().write(true).open(&paths[0]).unwrap();
    // As large as the file system allows.
    let sizes = [1_u64 << 60, 1 << 43, 1 << 42];
    let size = sizes.into_iter().find(|size| file.set_len(*size).is_ok());
    let evidence = open(node.path());
    let hashes = hash(&evidence, &read_store(&evidence).blobs, &Control::default());
    let hollow = &hashes.blobs[&Digest::sha256_of(&[1; 5000])];
    let held = 8192;
    let size = size.unwrap();
    assert_eq!(
        (&hollow.outcome, hollow.size),
        (&Hashed::Unread(Unread::Hollow { size, held }), 0)
    );
    assert_eq!(hashes.tally().good, 1);
}

#[test]
fn blobs_of_real_nodes_are_right() {
    for path in captures() {
        let evidence = open(&path);
        let store = Store::read_store(&evidence, Path::new(CONTENT));
        let store = store.whole().unwrap();
        let tally = hash(&evidence, &store.blobs, &Control::default()).tally();
        assert_eq!(
            (tally.bad, tally.unread, tally.cut),
            (0, 0, 0),
            "{}",
            path.display()
        );
        assert!(tally.good > 5);
    }
}

#[test]
fn usage_is_that_of_du() {
    let node = tempfile::tempdir().unwrap();
    let tree = node.path().join("tree");
    fs::create_dir_all(tree.join("a/b")).unwrap();
    fs::write(tree.join("a/big"), vec![1; 1_000_000]).unwrap();
    fs::write(tree.join("a/empty"), b"").unwrap();
    fs::hard_link(tree.join("a/big"), tree.join("a/b/again")).unwrap();
    symlink("/etc/passwd", tree.join("a/b/link")).unwrap();
    let sparse = fs::File::create(tree.join("a/sparse")).unwrap();
    sparse.set_len(1 << 40).unwrap();
    sparse.write_at(b"x", 1 << 30).unwrap();
    assert!(
        Command::new("mkfifo")
            .arg(tree.join("a/fifo"))
            .status()
            .unwrap()
            .success()
    );
    let du = |option: &str| -> u64 {
        let out = Command::new("du")
            .args(["-s", option])
            .arg(&tree)
            .output()
            .unwrap();
        let text = String::from_utf8(out.stdout).unwrap();
        text.split_whitespace().next().unwrap().parse().unwrap()
    };
    let evidence = open(node.path());
    let found = usage(&evidence, Path::new("/tree"), &Control::default());
    let found = *found.whole().unwrap();
    assert_eq!(found.inodes, du("--inodes"));
    assert_eq!(found.size, Some(du("--block-size=1")));
    assert_eq!(
        (found.empty_files, found.apparent),
        (1, (1 << 40) + 1_000_000)
    );
    let lost = usage(&evidence, Path::new("/nothing"), &Control::default());
    assert!(matches!(lost, Known::Lost(_)));
}

#[test]
fn committed_layers_of_real_nodes_hold_what_their_database_says() {
    // That is compared in `checks`; here: hard links of a tar are one inode, and blocks unknown.
    for path in captures() {
        let evidence = open(&path);
        let root =
            Path::new("/var/lib/containerd/io.containerd.snapshotter.v1.overlayfs/snapshots");
        let ids = evidence.list(root);
        let paths = ids.whole().unwrap().iter().map(|entry| {
            let name = entry.name.utf8().unwrap().to_owned();
            (name.clone(), root.join(name).join("fs"))
        });
        let found = usages(&evidence, paths, &Control::default());
        assert!(found.values().all(Known::is_whole), "{}", path.display());
        let entries = |id: &str| {
            let walk = Walk::new(&evidence, &root.join(id).join("fs"), WalkLimits::default());
            u64::try_from(walk.count()).unwrap()
        };
        let linked = found
            .iter()
            .filter(|(id, usage)| entries(id) > usage.whole().unwrap().inodes);
        assert!(linked.count() > 0, "{} has no hard links", path.display());
    }
}

#[test]
fn a_walk_follows_nothing_and_ends() {
    let node = tempfile::tempdir().unwrap();
    let deep: PathBuf = std::iter::repeat_n("d", 60).collect();
    fs::create_dir_all(node.path().join("t").join(&deep)).unwrap();
    symlink("/", node.path().join("t/root")).unwrap();
    symlink("..", node.path().join("t/up")).unwrap();
    for number in 0..100 {
        fs::write(node.path().join(format!("t/{number}")), b"").unwrap();
    }
    let evidence = open(node.path());
    let steps: Vec<Step> = Walk::new(&evidence, Path::new("/t"), WalkLimits::default()).collect();
    assert_eq!(steps.len(), 1 + 60 + 2 + 100);
    assert!(steps.iter().all(|step| matches!(step, Step::Entry { .. })));

    let limits = WalkLimits {
        entries: 50,
        depth: 4_096,
    };
    let steps: Vec<Step> = Walk::new(&evidence, Path::new("/t"), limits).collect();
    assert_eq!(steps.len(), 51);
    assert!(matches!(steps.last(), Some(Step::Unknown(_))));
    let limits = WalkLimits {
        entries: 1000,
        depth: 10,
    };
    let steps: Vec<Step> = Walk::new(&evidence, Path::new("/t"), limits).collect();
    assert_eq!(
        steps
            .iter()
            .filter(|step| matches!(step, Step::Unknown(_)))
            .count(),
        1
    );
    assert_eq!(steps.len(), 1 + 10 + 1 + 2 + 100);
}
