//! The history of objects in a real meta.db of containerd (`testdata/make/carve-node`).
#![expect(
    clippy::disallowed_methods,
    clippy::unwrap_used,
    reason = "tests read their own data"
)]

use std::path::Path;

use cli::{Exit, try_run};
use coroner_meta::TOOL;

/// What `meta history` says of a node whose meta.db is that of `release`.
fn history(release: &str, words: &[&str]) -> (String, Exit) {
    let node = tempfile::tempdir().unwrap();
    let store = node
        .path()
        .join("var/lib/containerd/io.containerd.metadata.v1.bolt");
    std::fs::create_dir_all(&store).unwrap();
    let packed = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../testdata/carve")
        .join(release)
        .join("meta.db.zst");
    let bytes = zstd::decode_all(std::fs::read(packed).unwrap().as_slice()).unwrap();
    std::fs::write(store.join("meta.db"), bytes).unwrap();
    let node = node.path().to_str().unwrap();
    try_run(
        &TOOL,
        ["meta", "history"]
            .iter()
            .chain(words)
            .copied()
            .chain([node]),
    )
}

#[test]
fn a_changed_container_has_two_versions() {
    let (text, exit) = history("1.7", &["container", "kept-1"]);
    assert_eq!(exit, Exit::CLEAN);
    assert!(text.contains("version 2 of 2"), "{text}");
    assert!(
        text.contains("+ labels > io.example.changed: yes"),
        "{text}"
    );
    assert!(text.contains("freed by transaction 469\n"), "{text}");
}

#[test]
fn a_deleted_container_is_told_with_its_record() {
    for release in ["1.6", "1.7", "2.1"] {
        let (text, exit) = history(release, &["container", "gone-20"]);
        assert_eq!(exit, Exit::CLEAN, "{release}");
        assert!(text.contains("does not have it"), "{release}: {text}");
        assert!(text.contains("snapshot_key: gone-20"), "{release}: {text}");
        assert!(text.contains("image: images.example/base:1"), "{release}");
    }
}

#[test]
fn what_was_never_there_is_a_usage_error() {
    let (_, exit) = history("1.7", &["image", "no-such-image"]);
    assert_eq!(exit, Exit::USAGE);
}
