//! What makes trees, as a program of its own, which has given up its rights (Landlock) before.

use std::process::Command;

#[test]
fn a_tree_is_made_by_a_program_that_may_write_nowhere_else() {
    let node = testcase::testdata().join("nodes/1.7-stopped/node.tar.zst");
    let place = tempfile::tempdir().expect("folder");
    let to = place.path().join("out");
    let ran = Command::new(env!("CARGO_BIN_EXE_coroner"))
        .args(["snapshots", "extract", "--quiet", "-o"])
        .args([&to, &node])
        .arg("default/sleeper")
        .output()
        .expect("coroner");
    let text = String::from_utf8_lossy(&ran.stdout);
    assert_eq!(ran.status.code(), Some(0), "{text}");
    let files = to.join("files");
    for made in ["bin/tool", "data/written", "usr/share/doc/a"] {
        assert!(
            files.join(made).symlink_metadata().is_ok(),
            "{made}: {text}"
        );
    }
    // An absolute one, a FIFO.
    for recorded in ["etc/absolute", "data/queue"] {
        assert!(
            files.join(recorded).symlink_metadata().is_err(),
            "{recorded}"
        );
    }
}

/// A failed try leaves nothing behind.
#[test]
fn a_layout_is_made_where_a_try_before_failed() {
    let node = testcase::testdata().join("nodes/1.7-stopped/node.tar.zst");
    let place = tempfile::tempdir().expect("folder");
    let to = place.path().join("layout");
    let run = |image: &str| {
        let ran = Command::new(env!("CARGO_BIN_EXE_coroner"))
            .args(["content", "export", "--quiet", "--layout"])
            .args([&to, &node])
            .arg(image)
            .output()
            .expect("coroner");
        ran.status.code()
    };
    assert_eq!(run("default/images.example/nothing:1"), Some(16));
    let left = place.path().read_dir().expect("the folder").count();
    assert_eq!(left, 0);
    assert_eq!(run("default/images.example/app:1"), Some(0));
    assert!(to.join("index.json").symlink_metadata().is_ok());
    assert_eq!(
        run("default/images.example/app:1"),
        Some(16),
        "it is full now"
    );
}
