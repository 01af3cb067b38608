//! Captures with secrets put in: none is left, and nothing moves.

#![allow(
    clippy::indexing_slicing,
    clippy::panic,
    reason = "tests panic where something is wrong"
)]

use std::path::Path;

/// Whether a text stands anywhere in the bytes.
fn has(bytes: &[u8], text: &[u8]) -> bool {
    bytes.windows(text.len()).any(|part| part == text)
}

fn mask(path: &str, bytes: &mut [u8]) -> u64 {
    match redact::mask(Path::new(path), bytes, &redact::Options::default()) {
        redact::Outcome::Masked(count) => count,
        redact::Outcome::LeftOut => panic!("{path} was left out"),
    }
}

#[test]
fn the_specs_of_a_capture_lose_their_values_and_keep_their_form() {
    for name in ["1.6-running", "1.7-running", "2.1-running"] {
        let tar = testcase::node(name);
        let mut masked = 0;
        for path in tar.paths("run/containerd/", "/config.json") {
            let place = tar.position(&path).map(|at| &tar.members[at].data);
            let whole = place.cloned().unwrap_or_default();
            assert!(has(&whole, b"PATH="), "{path}");
            let mut bytes = whole.clone();
            let count = mask(&format!("/{path}"), &mut bytes);
            assert!(count > 0 && bytes.len() == whole.len(), "{path}");
            assert!(!has(&bytes, b"PATH=/"), "{path}");
            let form = |bytes: &[u8]| {
                let mut form = bytes.to_vec();
                form.retain(|byte| b"{}[]:,\"".contains(byte));
                form.len()
            };
            assert!(form(&bytes) > 100 && form(&bytes) <= form(&whole), "{path}");
            masked += 1;
        }
        assert!(masked > 0, "{name}");
    }
}

#[test]
fn a_database_keeps_its_pages_and_loses_what_is_left_on_free_ones() {
    let tar = testcase::node("1.7-stopped");
    let path = "var/lib/containerd/io.containerd.metadata.v1.bolt/meta.db";
    let place = tar.position(path).map(|at| &tar.members[at].data);
    let whole = place.cloned().unwrap_or_default();
    let mut bytes = whole.clone();
    assert!(mask("/meta.db", &mut bytes) > 0);
    assert_eq!(bytes.len(), whole.len());
    assert!(has(&whole, b"\"env\":[\"PATH=/") && !has(&bytes, b"\"env\":[\"PATH=/"));
    // The secrets that a second look would find are none.
    let again = bytes.clone();
    mask("/meta.db", &mut bytes);
    assert!(bytes == again);
}
