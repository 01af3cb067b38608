//! A directory and a tar of it answer the same.
#![allow(
    clippy::unwrap_used,
    clippy::arithmetic_side_effects,
    reason = "a test may fail"
)]

mod common;

use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};

use common::{assert_same, gnu_tar, has, node, node_of_root, open, read_all};
use evidence::bundle::write::{Blobs, Collect, write};
use evidence::{Evidence, Kind, Options};
use finding::{Time, Unread};

const POSIX: &str = "--format=posix";

fn read_tar(tar: &[u8]) -> Evidence {
    Evidence::open_stream(tar, &Options::default()).unwrap()
}

/// Pipes bytes through a program.
fn through(program: &str, options: &[&str], bytes: &[u8]) -> Vec<u8> {
    let mut child = Command::new(program)
        .args(options)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    std::thread::scope(|scope| {
        scope.spawn(move || stdin.write_all(bytes).unwrap());
        child.wait_with_output().unwrap().stdout
    })
}

fn compare(root: &Path) {
    let top = Path::new("/var");
    let want = read_all(&open(root), top);
    assert!(want.len() > 20);
    for options in [
        &[POSIX][..],
        &[POSIX, "-S", "--sparse-version=0.0"],
        &[POSIX, "-S", "--sparse-version=0.1"],
        &[POSIX, "-S", "--sparse-version=1.0"],
        &[POSIX, "--pax-option=delete=atime,delete=ctime"],
    ] {
        let tar = gnu_tar(root, options);
        let evidence = read_tar(&tar);
        assert_eq!(evidence.kind(), Kind::Tar);
        assert!(evidence.is_complete());
        assert_same(&want, &read_all(&evidence, top), &options.join(" "));
    }
    let tar = gnu_tar(root, &[POSIX, "-S"]);
    for (program, options) in [("gzip", &["-c"][..]), ("zstd", &["-c", "-q"])] {
        if has(program) {
            let packed = through(program, options, &tar);
            assert_same(&want, &read_all(&read_tar(&packed), top), program);
            // Several members or frames, as pigz, pzstd and cat make them.
            let (one, two) = tar.split_at(tar.len() / 2);
            let packed = [
                through(program, options, one),
                through(program, options, two),
            ];
            assert_same(&want, &read_all(&read_tar(&packed.concat()), top), program);
        }
    }
    // GNU's own format has no PAX records: no fractions of seconds, no extended attributes.
    let tar = run_plain(root);
    let got = read_all(&read_tar(&tar), top);
    let mut rounded = want.clone();
    for seen in rounded.values_mut() {
        seen.xattrs.clear();
        seen.mtime = Time::new(Time::parse(&seen.mtime).unwrap().seconds, 0).to_string();
    }
    assert_same(&rounded, &got, "gnu");
    assert!(!read_tar(&tar).xattrs(Path::new("/var")).is_whole());
    // Our own.
    let wanted = Collect {
        roots: vec!["/var".into(), "/run/containerd".into()],
        blobs: Blobs::All,
        upperdirs: true,
        limit: 1 << 30,
        tool: "test 1".into(),
        captured: Time::new(1_800_000_000, 5),
        ..Collect::default()
    };
    let mut ours = Vec::new();
    let summary = write(&open(root), &wanted, &mut ours).unwrap();
    assert_eq!(summary.unread, []);
    let evidence = read_tar(&ours);
    assert_eq!(evidence.kind(), Kind::Bundle);
    assert_eq!(evidence.notes(), Vec::<String>::new());
    assert!(evidence.is_complete());
    assert_eq!(evidence.captured_at(), Some(Time::new(1_800_000_000, 5)));
    assert_same(&want, &read_all(&evidence, top), "ours");
    for path in want.keys() {
        let (one, other) = (open(root).stat(path).unwrap(), evidence.stat(path).unwrap());
        // Reading moves atimes of links.
        let still = |stat: evidence::Stat| evidence::Stat {
            atime: None,
            ..stat
        };
        assert_eq!(still(one), still(other), "{}", path.display());
    }
    // The folder has no /run at all: it is a part of a node, and so is what is made of it.
    assert_eq!(
        evidence.stat(Path::new("/run/containerd/x")),
        Err(Unread::NotCollected)
    );
    assert_eq!(
        evidence.stat(Path::new("/etc/passwd")),
        Err(Unread::NotCollected)
    );
    if has("zstd") {
        let listed = through("tar", &["-t"], &through("zstd", &["-dcq"], &ours));
        assert!(listed.starts_with(b"coroner-manifest.json\n"));
        assert!(listed.ends_with(b"coroner-trailer.json\n"));
    }
}

fn run_plain(root: &Path) -> Vec<u8> {
    let mut tar = Command::new("tar");
    common::run(
        tar.args(["-c", "--numeric-owner", "--format=gnu", "-S", "-C"])
            .arg(root)
            .arg("var"),
    )
}

#[test]
fn of_an_ordinary_user() {
    assert!(has("tar"), "GNU tar is not there");
    let root = tempfile::tempdir().unwrap();
    node(root.path());
    compare(root.path());
}

#[test]
#[ignore = "needs root"]
fn of_root() {
    let root = tempfile::tempdir().unwrap();
    node_of_root(root.path());
    compare(root.path());
}
