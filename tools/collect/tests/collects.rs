//! The program packs a node, and what it packs can be read.
#![allow(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    reason = "a test may fail, and makes the evidence that it reads"
)]

use std::path::Path;
use std::process::Command;

use evidence::{Evidence, Kind, Options};
use finding::Unread;

#[test]
fn a_folder_becomes_a_bundle() {
    let work = tempfile::tempdir().unwrap();
    let root = work.path().join("node");
    let store = root.join("var/lib/containerd");
    let database = store.join("io.containerd.metadata.v1.bolt/meta.db");
    let blobs = store.join("io.containerd.content.v1.content/blobs/sha256");
    for (path, size) in [
        (database, 70_000),
        (blobs.join("manifest"), 300),
        (blobs.join("layer"), 2_000_000),
    ] {
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, vec![7; size]).unwrap();
    }
    let output = work.path().join("node.tar.zst");
    let pack = |options: &[&str]| {
        Command::new(env!("CARGO_BIN_EXE_coroner-collect"))
            .arg(&root)
            .arg("-o")
            .arg(&output)
            .args(options)
            .output()
            .unwrap()
    };
    let packed = pack(&[]);
    let said = String::from_utf8_lossy(&packed.stderr).into_owned();
    assert!(packed.status.success(), "{said}");
    assert!(said.contains("2 files packed"), "{said}");
    let bundle = Evidence::open(&output, &Options::default()).unwrap();
    assert_eq!(bundle.kind(), Kind::Bundle);
    assert!(bundle.is_complete());
    assert_eq!(bundle.notes(), Vec::<String>::new());
    let store = Path::new("/var/lib/containerd");
    let database = bundle.source(
        &store.join("io.containerd.metadata.v1.bolt/meta.db"),
        1 << 20,
    );
    assert_eq!(database.unwrap().bytes(), vec![7; 70_000]);
    let blobs = store.join("io.containerd.content.v1.content/blobs/sha256");
    assert!(bundle.source(&blobs.join("manifest"), 1 << 20).is_ok());
    let layer = bundle.source(&blobs.join("layer"), 1 << 30).unwrap_err();
    assert_eq!(layer, Unread::NotCollected);
    assert_eq!(bundle.list(&blobs).whole().unwrap().len(), 2);
    // An output never replaces anything.
    assert_eq!(pack(&["--content", "all"]).status.code(), Some(16));
}
