//! A layer with hard links: containerd gives the file what each entry says, and the last one stays.

#![expect(clippy::unwrap_used, reason = "a test may fail")]

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::sync::atomic::AtomicBool;
use std::time::{Duration, UNIX_EPOCH};

use content::Digest;
use evidence::{Evidence, Options};
use finding::Known;
use measure::{Control, Departure, LayerJob, verify_layers};

/// One entry of a tar, with its data padded to blocks.
fn entry(name: &str, kind: u8, link: &str, mode: u32, mtime: u64, data: &[u8]) -> Vec<u8> {
    let mut header = vec![0_u8; 512];
    let mut put = |at: usize, text: &[u8]| {
        for (to, from) in header.iter_mut().skip(at).zip(text) {
            *to = *from;
        }
    };
    put(0, name.as_bytes());
    put(100, format!("{mode:07o}").as_bytes());
    put(108, b"0000000");
    put(116, b"0000000");
    put(124, format!("{:011o}", data.len()).as_bytes());
    put(136, format!("{mtime:011o}").as_bytes());
    put(148, b"        ");
    put(156, &[kind]);
    put(157, link.as_bytes());
    put(257, b"ustar\x0000");
    let sum: u32 = header.iter().map(|byte| u32::from(*byte)).sum();
    let sum = format!("{sum:06o}\0 ");
    for (to, from) in header.iter_mut().skip(148).zip(sum.as_bytes()) {
        *to = *from;
    }
    header.extend_from_slice(data);
    header.resize(header.len().next_multiple_of(512), 0);
    header
}

/// What the layer differs in, where the file that both names have is like this.
fn differences(mode: u32, mtime: u64) -> Vec<(String, Departure)> {
    let node = tempfile::tempdir().unwrap();
    let tar = [
        entry("a", b'0', "", 0o644, 1000, b"x"),
        entry("b", b'1', "a", 0o755, 2000, b""),
        entry("c", b'1', "b", 0o755, 3000, b""),
        vec![0; 1024],
    ]
    .concat();
    fs::write(node.path().join("layer.tar"), &tar).unwrap();
    let files = node.path().join("fs");
    fs::create_dir(&files).unwrap();
    fs::write(files.join("a"), b"x").unwrap();
    fs::hard_link(files.join("a"), files.join("b")).unwrap();
    fs::hard_link(files.join("a"), files.join("c")).unwrap();
    fs::set_permissions(files.join("a"), fs::Permissions::from_mode(mode)).unwrap();
    let file = fs::File::options()
        .write(true)
        .open(files.join("a"))
        .unwrap();
    file.set_modified(UNIX_EPOCH.checked_add(Duration::from_secs(mtime)).unwrap())
        .unwrap();
    let evidence = Evidence::open(node.path(), &Options::default()).unwrap();
    let job = LayerJob {
        snapshotter: "overlayfs".into(),
        id: 1,
        files: PathBuf::from("/fs"),
        blobs: vec![(PathBuf::from("/layer.tar"), Digest::sha256_of(&tar))],
        is_overlay: true,
        is_base: true,
        owners: false,
    };
    let control = Control {
        jobs: 1,
        bytes: u64::MAX,
        cancel: &AtomicBool::new(false),
        progress: &|_| {},
    };
    let found = verify_layers(&evidence, &[job], &control, &|_, _| {});
    let found = found.into_values().next().unwrap();
    let (Known::Whole(found) | Known::Partial(found, _)) = found else {
        return vec![("nothing".to_owned(), Departure::Missing)];
    };
    let all = found.differences.into_iter();
    all.map(|difference| (difference.path.to_string(), difference.how))
        .collect()
}

#[test]
fn what_a_hard_links_entry_gives_the_file_is_no_difference() {
    // As the last entry has it, and as each of the others.
    assert_eq!(differences(0o755, 3000), []);
    assert_eq!(differences(0o755, 2000), []);
    assert_eq!(differences(0o644, 1000), []);
    // The mode of the one, the time of the other: a daemon whose own directory has no such file
    // leaves the mode (`handleLChmod`).
    assert_eq!(differences(0o644, 3000), []);
}

#[test]
fn what_none_of_them_says_is_one() {
    assert_eq!(
        differences(0o600, 3000),
        [("/a".to_owned(), Departure::Mode)]
    );
    assert_eq!(
        differences(0o755, 4000),
        [("/a".to_owned(), Departure::Mtime)]
    );
    let setuid = differences(0o4755, 3000);
    assert_eq!(setuid, [("/a".to_owned(), Departure::Setuid)]);
}
