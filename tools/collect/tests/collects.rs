//! The program packs a node, and what it packs can be read.
#![allow(
    clippy::unwrap_used,
    clippy::arithmetic_side_effects,
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

/// A node with a secret in a bundle, in a damaged one, and in its configuration.
fn node(root: &Path) {
    let task = root.join("run/containerd/io.containerd.runtime.v2.task/default/web");
    std::fs::create_dir_all(&task).unwrap();
    std::fs::create_dir_all(root.join("var/lib/containerd/io.containerd.metadata.v1.bolt"))
        .unwrap();
    std::fs::create_dir_all(root.join("etc/containerd")).unwrap();
    let spec =
        r#"{"ociVersion":"1.0","process":{"args":["/bin/web"],"env":["TOKEN=hunter2","B=1"]}}"#;
    std::fs::write(task.join("config.json"), spec).unwrap();
    let cut = &spec[..spec.find("hunter2").unwrap() + 5];
    std::fs::write(task.join("options.json"), cut).unwrap();
    let config = "version = 2\n[plugins.x.registry.configs.\"r\".auth]\npassword = \"hunter2\"\n";
    std::fs::write(root.join("etc/containerd/config.toml"), config).unwrap();
    for fifo in ["log", "exec.fifo"] {
        nix::unistd::mkfifo(&task.join(fifo), nix::sys::stat::Mode::S_IRWXU).unwrap();
    }
}

fn coroner(words: &[&std::ffi::OsStr]) -> std::process::Output {
    Command::new(env!("CARGO_BIN_EXE_coroner-collect"))
        .args(words)
        .output()
        .unwrap()
}

#[test]
fn secrets_are_masked_where_that_is_asked_for_and_told_where_it_is_not() {
    let work = tempfile::tempdir().unwrap();
    let root = work.path().join("node");
    node(&root);
    let (open, masked) = (work.path().join("open"), work.path().join("masked"));
    let packed = coroner(&[root.as_ref(), "-o".as_ref(), open.as_ref()]);
    let said = String::from_utf8_lossy(&packed.stderr).into_owned();
    assert!(said.contains("warning: secrets are not masked"), "{said}");
    let words = [
        root.as_ref(),
        "--redact".as_ref(),
        "-o".as_ref(),
        masked.as_ref(),
    ];
    let said = String::from_utf8_lossy(&coroner(&words).stderr).into_owned();
    assert!(said.contains("masked: 4 values in 3 files"), "{said}");
    let read = |path: &Path| {
        let evidence = Evidence::open(path, &Options::default()).unwrap();
        assert_eq!(evidence.notes(), Vec::<String>::new());
        let task = Path::new("/run/containerd/io.containerd.runtime.v2.task/default/web");
        let bytes = |path: &Path| evidence.source(path, 1 << 20).unwrap().bytes().to_vec();
        [
            bytes(&task.join("config.json")),
            bytes(&task.join("options.json")),
            bytes(Path::new("/etc/containerd/config.toml")),
        ]
        .map(|bytes| String::from_utf8(bytes).unwrap())
    };
    let (open, masked) = (read(&open), read(&masked));
    for (open, masked) in open.iter().zip(&masked) {
        assert_eq!(open.len(), masked.len());
        assert!(
            open.contains("hunte") && !masked.contains("hunte"),
            "{masked}"
        );
    }
    assert!(masked[0].contains(r#""args":["/bin/web"],"env":["TOKEN=*******","B=*"]"#));
}

#[test]
fn a_bundle_is_not_written_into_the_node() {
    let work = tempfile::tempdir().unwrap();
    let root = work.path().join("node");
    node(&root);
    let inside = root.join("run/containerd/node.tar.zst");
    let refused = coroner(&[root.as_ref(), "-o".as_ref(), inside.as_ref()]);
    let said = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert_eq!(refused.status.code(), Some(16), "{said}");
    assert!(said.contains("into the evidence"), "{said}");
    assert!(!inside.exists());
    // `-o -` is standard output.
    let piped = coroner(&[root.as_ref(), "-o".as_ref(), "-".as_ref()]);
    assert!(piped.status.success());
    let read = Evidence::open_stream(piped.stdout.as_slice(), &Options::default()).unwrap();
    assert_eq!(read.kind(), Kind::Bundle);
}

/// The release is told by the program that the unit starts, of the node and of its bundle.
#[test]
fn how_programs_were_built_travels_with_the_node() {
    let work = tempfile::tempdir().unwrap();
    let mut node = testcase::node("2.1-stopped");
    node.remove("var/lib/dpkg/status");
    let unit = b"[Service]\nExecStart=\nExecStart=-/opt/bin/containerd --log-level info\n";
    node.add("etc/systemd/system/containerd.service", unit);
    node.add("opt/bin/containerd", &testcase::program("upstream.elf"));
    node.add(
        "usr/bin/containerd",
        &testcase::program("debian-bookworm.elf"),
    );
    let (tar, bundle) = (work.path().join("node.tar"), work.path().join("bundle"));
    std::fs::write(&tar, node.write()).unwrap();
    let packed = Command::new(env!("CARGO_BIN_EXE_coroner-collect"))
        .arg(&tar)
        .arg("-o")
        .arg(&bundle)
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&packed.stderr).into_owned();
    // Not all that any node may have is in that tar.
    assert_eq!(packed.status.code(), Some(8), "{said}");
    for path in [&tar, &bundle] {
        let evidence = Evidence::open(path, &Options::default()).unwrap();
        let roots = node::discover(&evidence, &node::Said::default()).remove(0);
        let node = node::Node::open(&evidence, roots, node::Options::default());
        let detected = daemon::detect(&node.traces);
        assert_eq!(detected.name(), "2.1", "{detected:?}");
        assert_eq!(detected.version.as_deref(), Some("v2.1.4"));
        let because = "/opt/bin/containerd is containerd v2.1.4";
        assert_eq!(detected.because[0], because);
        assert!(!detected.mixed, "{detected:?}");
    }
}
