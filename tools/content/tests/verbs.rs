//! The verbs on real captures, and on copies of them with damage injected.

#![expect(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    reason = "a test may fail, and writes what it reads"
)]

use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};

use cli::Exit;
use coroner_content::TOOL;

fn run(args: &[&str], node: &Path) -> (String, Exit) {
    let args = ["content"]
        .iter()
        .chain(args)
        .map(|arg| OsStr::new(*arg).to_owned());
    cli::try_run(
        &TOOL,
        args.chain([node.as_os_str().to_owned(), "--quiet".into()]),
    )
}

fn blobs(node: &tempfile::TempDir) -> PathBuf {
    node.path()
        .join("var/lib/containerd/io.containerd.content.v1.content/blobs/sha256")
}

/// The blobs, the smallest first.
fn by_size(node: &tempfile::TempDir) -> Vec<PathBuf> {
    let entries = fs::read_dir(blobs(node)).unwrap();
    let mut all: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    all.sort_by_key(|path| (fs::symlink_metadata(path).unwrap().len(), path.clone()));
    all
}

fn name(path: &Path) -> &str {
    path.file_name().unwrap().to_str().unwrap()
}

#[test]
fn every_capture_is_what_its_names_promise() {
    let nodes = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../testdata/nodes");
    let mut seen = 0;
    for entry in fs::read_dir(nodes).unwrap() {
        let tar = entry.unwrap().path().join("node.tar.zst");
        if tar.metadata().is_err() {
            continue;
        }
        seen += 1;
        let (text, exit) = run(&["verify"], &tar);
        assert_eq!(exit, Exit::CLEAN, "{}: {text}", tar.display());
        assert!(text.contains("all match their digests"), "{text}");
        let (text, exit) = run(&["ls"], &tar);
        assert_eq!(exit, Exit::CLEAN, "{text}");
        assert!(
            !text.contains("missing") && !text.contains("other size"),
            "{text}"
        );
    }
    assert!(seen > 0, "testdata/nodes holds no capture");
}

/// Blobs that were not read are not said to be wrong.
#[test]
fn a_run_that_was_stopped_does_not_read_as_damage() {
    let node = testcase::node("2.1-stopped")
        .keep(&["var/lib/containerd/"])
        .files();
    let (text, exit) = run(&["verify", "--time-limit", "0s"], node.path());
    assert_eq!(exit, Exit::UNREAD, "{text}");
    assert!(text.starts_with("Checked 0 of "), "{text}");
    assert!(text.contains("Stopped early"), "{text}");
    let flat = text.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(
        flat.contains("whether they match their digests is not known"),
        "{text}"
    );
    assert!(
        !flat.contains("do not.") && !flat.contains("does not match"),
        "{text}"
    );
}

/// containerd itself names every blob by its SHA-256, but its rules allow longer names.
#[test]
fn longer_names_are_hashed_as_they_say() {
    const ABC: &str = "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a\
        2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f";
    let node = testcase::node("2.1-stopped")
        .keep(&["var/lib/containerd/"])
        .files();
    let count = by_size(&node).len() + 1;
    let folder = blobs(&node).with_file_name("sha512");
    fs::create_dir(&folder).unwrap();
    fs::write(folder.join(ABC), b"abc").unwrap();
    let (text, exit) = run(&["verify"], node.path());
    let whole = format!("Checked {count} of {count} blobs");
    assert!(text.starts_with(&whole), "{text}");
    assert!(text.contains(": all match their digests."), "{text}");
    assert!(exit != Exit::FINDINGS, "{text}");
    fs::write(folder.join(ABC), b"abd").unwrap();
    let (text, exit) = run(&["verify"], node.path());
    assert_eq!(exit, Exit::FINDINGS, "{text}");
    let claimed = format!("claimed   sha512:{ABC}");
    assert!(text.contains(&claimed), "{text}");
}

#[test]
fn altered_cut_missing_and_stray_are_each_named() {
    let node = testcase::node("2.1-stopped")
        .keep(&["var/lib/containerd/"])
        .files();
    let all = by_size(&node);
    let [altered, cut, gone] = [
        &all[all.len() - 1],
        &all[all.len() - 2],
        &all[all.len() - 3],
    ];
    let mut bytes = fs::read(altered).unwrap();
    bytes[17] ^= 1;
    fs::write(altered, &bytes).unwrap();
    fs::write(cut, b"").unwrap();
    fs::remove_file(gone).unwrap();
    fs::write(blobs(&node).join("stray"), b"").unwrap();

    let (text, exit) = run(&["verify"], node.path());
    assert_eq!(exit, Exit::FINDINGS, "{text}");
    assert!(
        text.contains(&format!(
            ": {} match their digests, 2 do not.",
            all.len() - 3
        )),
        "{text}"
    );
    let claimed = format!("claimed   sha256:{}", name(altered));
    assert!(text.contains(&claimed), "{text}");
    let empty = "computed  sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
    assert!(text.contains(empty), "{text}");
    assert!(text.contains("used by   image"), "{text}");
    let missing = format!("blob/missing  the blob sha256:{} has no file", name(gone));
    assert!(text.contains(&missing), "{text}");
    assert!(
        text.contains("blob/stray") && text.contains("blob/size"),
        "{text}"
    );

    let (json, same) = run(&["verify", "--format", "json"], node.path());
    assert_eq!(same, exit);
    let json: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!(json["answer"]["tally"]["bad"], 2);
    assert_eq!(json["answer"]["bad"].as_array().unwrap().len(), 2);
    assert_eq!(json["exit"], 4);

    let (text, exit) = run(&["ls", "--no-trunc"], node.path());
    assert_eq!(exit, Exit::CLEAN, "{text}");
    let line = |path: &Path| {
        text.lines()
            .find(|line| line.contains(name(path)))
            .unwrap()
            .to_owned()
    };
    assert!(
        line(gone).contains("missing") && line(cut).contains("other size"),
        "{text}"
    );
    assert!(
        text.contains("Not blobs") && text.contains("invalid checksum digest length"),
        "{text}"
    );
}

#[test]
fn without_meta_db_bytes_are_still_verified_and_nothing_is_called_missing() {
    let node = testcase::node("1.7-stopped")
        .keep(&["var/lib/containerd/"])
        .files();
    let meta = node
        .path()
        .join("var/lib/containerd/io.containerd.metadata.v1.bolt/meta.db");
    let mut bytes = fs::read(&meta).unwrap();
    bytes[..2 * 4096].fill(0);
    fs::write(&meta, bytes).unwrap();
    let all = by_size(&node);
    fs::remove_file(&all[0]).unwrap();
    let (text, _) = run(&["verify"], node.path());
    let count = all.len() - 1;
    assert!(
        text.starts_with(&format!("Checked {count} of {count} blobs")),
        "{text}"
    );
    assert!(!text.contains("missing"), "{text}");
    let (text, exit) = run(&["ls"], node.path());
    assert_eq!(exit, Exit::UNREAD, "{text}");
    assert!(
        text.contains("unknown") && !text.contains("no row"),
        "{text}"
    );
}

#[test]
fn a_store_that_is_not_there_is_no_clean_answer() {
    let node = tempfile::tempdir().unwrap();
    for verb in ["ls", "verify"] {
        let (text, exit) = run(&[verb], node.path());
        assert!(exit.has(Exit::UNREAD), "{text}");
    }
}
