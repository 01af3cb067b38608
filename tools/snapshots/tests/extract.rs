//! `extract`: what is written, and what is not.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    reason = "a test may fail, and reads what was written"
)]

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use cli::{Exit, try_run};
use coroner_snapshots::TOOL;
use serde_json::Value;

fn extract(node: &Path, name: &str, to: &Path, more: &[&str]) -> (String, Exit) {
    let mut words = vec![
        OsStr::new("snapshots"),
        OsStr::new("extract"),
        node.as_os_str(),
        OsStr::new(name),
        OsStr::new("-o"),
        to.as_os_str(),
        OsStr::new("--quiet"),
    ];
    words.extend(more.iter().map(OsStr::new));
    try_run(&TOOL, words)
}

/// The lines between head and tail.
fn manifest(to: &Path) -> Vec<Value> {
    let text = fs::read_to_string(to.join("manifest.jsonl")).unwrap();
    let mut lines: Vec<Value> = text
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(lines.remove(0)["schema"], "coroner/snapshots-extract/1");
    assert!(lines.pop().unwrap()["exit"].is_number());
    lines
}

/// Everything below a directory, without following a link.
fn everything(root: &Path) -> Vec<PathBuf> {
    let mut all = Vec::new();
    let mut open = vec![root.to_owned()];
    while let Some(folder) = open.pop() {
        for entry in fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            if fs::symlink_metadata(&path).unwrap().is_dir() {
                open.push(path.clone());
            }
            all.push(path);
        }
    }
    all
}

#[test]
fn a_container_comes_out_as_it_was_and_harmless() {
    let node = testcase::testdata().join("nodes/1.7-stopped/node.tar.zst");
    let place = tempfile::tempdir().unwrap();
    let to = place.path().join("out");
    let (text, exit) = extract(&node, "default/sleeper", &to, &[]);
    assert_eq!(exit, Exit::CLEAN, "{text}");
    let lines = manifest(&to);
    let (listed, _) = try_run(
        &TOOL,
        [
            "snapshots",
            "files",
            "--sha256",
            "--format",
            "json",
            node.to_str().unwrap(),
            "default/sleeper",
        ],
    );
    let listed: BTreeMap<String, Value> = listed
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap())
        .filter(|line| line["kind"].is_string())
        .map(|line| (line["path"].to_string(), line))
        .collect();
    assert_eq!(lines.len(), listed.len());
    let mut kinds = BTreeMap::<String, u64>::new();
    for line in &lines {
        let want = &listed[&line["path"].to_string()];
        assert_eq!(line["sha256"], want["sha256"], "{line}");
        assert_eq!(line["mode"], want["mode"], "{line}");
        assert_eq!(line["place"], want["place"], "{line}");
        *kinds
            .entry(line["kind"].as_str().unwrap().to_owned())
            .or_default() += 1;
        let Some(written) = line["written"].as_str() else {
            assert!(line["not_made"].is_string(), "{line}");
            continue;
        };
        let stat = fs::symlink_metadata(to.join("files").join(written)).unwrap();
        if line["kind"] == "regular file" {
            assert_eq!(Some(stat.len()), line["size"].as_u64(), "{line}");
            assert_eq!(stat.mode() & 0o7000, 0, "{line}");
            let mtime = finding::Time::parse(line["mtime"].as_str().unwrap()).unwrap();
            assert_eq!(
                (stat.mtime(), stat.mtime_nsec()),
                (mtime.seconds, mtime.nanos.into())
            );
        }
    }
    assert!(kinds.len() >= 3, "{kinds:?}");
    for path in everything(&to) {
        let stat = fs::symlink_metadata(&path).unwrap();
        let kind = stat.file_type();
        assert!(
            kind.is_file() || kind.is_dir() || kind.is_symlink(),
            "{}",
            path.display()
        );
        if kind.is_symlink() {
            assert!(
                fs::read_link(&path).unwrap().is_relative(),
                "{}",
                path.display()
            );
        }
    }
}

#[test]
fn what_is_there_is_never_written_to() {
    let node = testcase::testdata().join("nodes/1.7-stopped/node.tar.zst");
    let place = tempfile::tempdir().unwrap();
    let there = place.path().join("there");
    fs::create_dir(&there).unwrap();
    let link = place.path().join("link");
    std::os::unix::fs::symlink(&there, &link).unwrap();
    let dangling = place.path().join("dangling");
    std::os::unix::fs::symlink(place.path().join("nowhere"), &dangling).unwrap();
    for to in [&there, &link, &dangling] {
        let (text, exit) = extract(&node, "default/sleeper", to, &[]);
        assert_eq!(exit, Exit::USAGE, "{text}");
    }
    assert_eq!(fs::read_dir(&there).unwrap().count(), 0);
    assert_eq!(fs::read_dir(place.path()).unwrap().count(), 3);
}

/// A layer whose names, links and nodes are meant to do harm.
fn hostile(node: &Path) -> Vec<Vec<u8>> {
    let root = node.join("var/lib/containerd");
    fs::create_dir_all(root.join("io.containerd.metadata.v1.bolt")).unwrap();
    let fs_dir = root.join("io.containerd.snapshotter.v1.overlayfs/snapshots/1/fs");
    fs::create_dir_all(fs_dir.join("dir")).unwrap();
    let names: Vec<Vec<u8>> = vec![
        vec![b'x'; 255],
        b"\xff\xfe\x80".to_vec(),
        b"\x1b[2J\x07".to_vec(),
        b"new\nline".to_vec(),
        b"...".to_vec(),
        b"-rf".to_vec(),
        "\u{202e}gpj.exe".as_bytes().to_vec(),
    ];
    for name in &names {
        fs::write(fs_dir.join("dir").join(OsStr::from_bytes(name)), name).unwrap();
    }
    for (name, target) in [
        ("absolute", "/etc/passwd"),
        ("climbs", "../../../../../../etc/passwd"),
        ("turns", "dir/../../../x"),
        ("stays", "dir/-rf"),
        ("loop", "loop"),
    ] {
        std::os::unix::fs::symlink(target, fs_dir.join(name)).unwrap();
    }
    let sparse = fs::File::create(fs_dir.join("sparse")).unwrap();
    sparse.set_len(1 << 36).unwrap();
    let made = std::process::Command::new("mkfifo")
        .arg(fs_dir.join("fifo"))
        .status();
    assert!(made.unwrap().success());
    std::os::unix::net::UnixListener::bind(fs_dir.join("socket")).unwrap();
    names
}

#[test]
fn hostile_names_and_links_stay_inside() {
    let place = tempfile::tempdir().unwrap();
    let node = place.path().join("node");
    let names = hostile(&node);
    // 64 GiB of nothing take nothing, but their bytes are hashed: a smaller one does as well.
    let sparse = node
        .join("var/lib/containerd/io.containerd.snapshotter.v1.overlayfs/snapshots/1/fs/sparse");
    fs::OpenOptions::new()
        .write(true)
        .open(sparse)
        .unwrap()
        .set_len(64 << 20)
        .unwrap();
    let to = place.path().join("out");
    let (text, _) = extract(&node, "overlayfs/1", &to, &[]);
    assert!(!text.contains('\u{1b}'));
    for name in &names {
        let written = to.join("files/dir").join(OsStr::from_bytes(name));
        assert_eq!(fs::read(&written).expect("the file"), *name);
    }
    let lines = manifest(&to);
    for name in ["absolute", "climbs", "turns", "fifo", "socket"] {
        assert!(
            fs::symlink_metadata(to.join("files").join(name)).is_err(),
            "{name}"
        );
        let path = format!("/{name}");
        let line = lines
            .iter()
            .find(|line| line["path"] == path.as_str())
            .expect(name);
        assert!(line["not_made"].is_string(), "{line}");
    }
    assert_eq!(
        fs::read_link(to.join("files/stays")).unwrap(),
        Path::new("dir/-rf")
    );
    let sparse = fs::metadata(to.join("files/sparse")).unwrap();
    assert_eq!(sparse.len(), 64 << 20);
    assert!(sparse.blocks() < 1024, "{}", sparse.blocks());
    let text = fs::read(to.join("manifest.jsonl")).unwrap();
    assert!(!text.iter().any(|byte| matches!(byte, 0x1b | 0x07)));
}
