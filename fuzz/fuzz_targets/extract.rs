//! Any chain of layers, written to a directory: nothing is made outside of it, and in it nothing but files,
//! directories and links that stay inside.
#![no_main]

#[macro_use]
#[path = "../shared/costs.rs"]
mod costs;
#[path = "../shared/tar.rs"]
mod tar;

use std::os::unix::fs::PermissionsExt;
use std::path::{Component, Path, PathBuf};

use coroner_snapshots::write_tree;
use evidence::{Budget, Evidence, Options};
use snapshots::{Merged, Most, Prefix};

/// Names that climb, that are absolute, that no directory can hold; and plain ones.
const NAMES: [&str; 12] = [
    "a",
    "b",
    "a/b",
    "a/b/c",
    "b/a",
    "a/..",
    "../out",
    "/tmp/out",
    "a/./b",
    "a//c",
    "a\u{1b}[2J",
    "a/b/c/d",
];
/// Where links lead.
const TARGETS: [&str; 10] = [
    "a",
    "b",
    "..",
    "../..",
    "/",
    "/etc/passwd",
    "a/b/../../..",
    ".",
    "../../../../../../tmp",
    "b/a",
];

/// The layers `0` to `2` of an archive, as `data` says.
fn layers(mut data: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    for layer in 0..3 {
        tar::member(&mut out, &format!("{layer}"), b'5', "", &[], b"");
    }
    while let [layer, kind, name, target, len, rest @ ..] = data {
        let len = usize::from(len % 40).min(rest.len());
        let (value, after) = rest.split_at(len);
        data = after;
        let name = format!("{}/{}", layer % 3, NAMES[usize::from(*name) % NAMES.len()]);
        let target = TARGETS[usize::from(*target) % TARGETS.len()];
        let redirect = (
            "trusted.overlay.redirect".to_owned(),
            target.as_bytes().to_vec(),
        );
        let (letter, link, bytes, xattrs): (u8, &str, &[u8], Vec<_>) = match kind % 10 {
            0 | 1 => (b'5', "", b"", Vec::new()),
            2 => (b'5', "", b"", vec![redirect]),
            3 | 4 => (b'0', "", value, Vec::new()),
            5 | 6 => (b'2', target, b"", Vec::new()),
            7 => (b'1', target, b"", Vec::new()),
            8 => (b'3', "", b"", Vec::new()),
            _ => (b'6', "", b"", Vec::new()),
        };
        tar::member(&mut out, &name, letter, link, &xattrs, bytes);
    }
    out.resize(out.len() + 1024, 0);
    out
}

/// Whether a link at `below`, a path in the tree, leads to somewhere in the tree.
fn stays_inside(below: &Path, target: &Path) -> bool {
    let mut depth = below.components().count().saturating_sub(1);
    for step in target.components() {
        match step {
            Component::RootDir | Component::Prefix(_) => return false,
            Component::CurDir => {}
            Component::ParentDir => match depth.checked_sub(1) {
                Some(up) => depth = up,
                None => return false,
            },
            Component::Normal(_) => depth += 1,
        }
    }
    true
}

bounded_target!(|data: &[u8]| {
    let budget = Budget {
        inflated: 16 << 20,
        memory: 32 << 20,
        spool: 0,
        entries: 10_000,
        ..Budget::default()
    };
    let packed = layers(data);
    let options = Options {
        budget,
        ..Options::default()
    };
    let Ok(evidence) = Evidence::open_stream(packed.as_slice(), &options) else {
        return;
    };
    let outer = tempfile::tempdir().expect("a folder");
    let top = outer.path().join("top");
    std::fs::create_dir(&top).expect("a folder");
    let held = std::fs::File::open(&top).expect("a folder");
    let chain = (0..3).map(|layer| PathBuf::from(format!("/{layer}")));
    let merged = Merged::overlay(&evidence, chain.collect(), Prefix::Trusted);
    let most = Most {
        file: 1 << 20,
        total: 4 << 20,
    };
    costs::within((64 << 20) + 64 * data.len(), || {
        let _ = write_tree(&evidence, &merged, &held, most);
    });
    // Beside it: nothing. In it: what was asked for.
    let beside: Vec<_> = std::fs::read_dir(outer.path())
        .expect("a folder")
        .flatten()
        .collect();
    assert_eq!(beside.len(), 1, "{beside:?}");
    let files = top.join("files");
    let mut open = vec![files.clone()];
    while let Some(folder) = open.pop() {
        for entry in std::fs::read_dir(&folder).expect("a folder").flatten() {
            let path = entry.path();
            let stat = entry.metadata().expect("lstat");
            let kind = stat.file_type();
            if kind.is_dir() {
                open.push(path);
            } else if kind.is_symlink() {
                let below = path.strip_prefix(&files).expect("below");
                let target = std::fs::read_link(&path).expect("a link");
                assert!(stays_inside(below, &target), "{below:?} -> {target:?}");
            } else {
                assert!(kind.is_file(), "{path:?} is special");
                assert_eq!(stat.permissions().mode() & 0o6000, 0, "{path:?} is setuid");
            }
        }
    }
});
