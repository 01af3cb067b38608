//! Snapshots whose directory is behind a link, or there without its files.

use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::symlink;
use std::path::Path;

use checks::Measured;
use evidence::{Evidence, Options};
use finding::{Report, Severity};
use node::{Node, Said};

const SNAPSHOTS: &str = "var/lib/containerd/io.containerd.snapshotter.v1.overlayfs/snapshots";

/// A healthy node in a folder.
fn folder() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for member in testcase::node("1.7-stopped").members {
        let path = folder
            .path()
            .join(std::ffi::OsStr::from_bytes(&member.path));
        match member.header.get(156) {
            Some(b'5') => fs::create_dir_all(path).unwrap(),
            Some(b'0') => {
                fs::create_dir_all(path.parent().unwrap()).unwrap();
                fs::write(path, &member.data).unwrap();
            }
            _ => {}
        }
    }
    folder
}

fn judged(folder: &Path) -> Report {
    let evidence = Evidence::open(folder, &Options::default()).unwrap();
    let mut roots = node::discover(&evidence, &Said::default());
    let node = Node::open(&evidence, roots.remove(0), node::Options::default());
    checks::judge(&node, &Measured::default())
}

fn severity(report: &Report, code: &str) -> Option<Severity> {
    let found = report.findings.iter().filter(|one| one.code.name == code);
    found.map(|one| one.severity).max()
}

#[test]
fn links_are_followed_as_the_kernel_does() {
    let node = folder();
    let at = |path: &str| node.path().join(path);
    let before = judged(node.path());
    fs::create_dir_all(at("data/big")).unwrap();
    fs::rename(at(&format!("{SNAPSHOTS}/8")), at("data/big/8")).unwrap();
    symlink("/data/big/8", at(&format!("{SNAPSHOTS}/8"))).unwrap();
    fs::rename(at(&format!("{SNAPSHOTS}/1/fs")), at("data/big/1fs")).unwrap();
    symlink(
        "../../../../../../data/big/1fs",
        at(&format!("{SNAPSHOTS}/1/fs")),
    )
    .unwrap();
    let codes = |report: &Report| -> Vec<&str> {
        report.findings.iter().map(|one| one.code.name).collect()
    };
    assert_eq!(codes(&judged(node.path())), codes(&before));
    // A link to a disk that is not here: nothing is said to be lost.
    fs::remove_dir_all(at("data")).unwrap();
    let report = judged(node.path());
    assert_eq!(severity(&report, "snapshot/directory-missing"), None);
    assert!(!report.coverage.unknown.is_empty());
}

#[test]
fn a_layer_without_its_files_is_seen_without_measuring() {
    let code = "snapshot/usage-differs";
    let node = folder();
    assert_eq!(severity(&judged(node.path()), code), None);
    let layer = node.path().join(SNAPSHOTS).join("1/fs");
    fs::remove_dir_all(&layer).unwrap();
    fs::create_dir(&layer).unwrap();
    assert_eq!(severity(&judged(node.path()), code), Some(Severity::Damage));
}
