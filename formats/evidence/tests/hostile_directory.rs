//! Directories that want to be read wrongly: nothing outside is read, nothing is opened that must
//! not be, nothing takes long, nothing is changed.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::arithmetic_side_effects,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    reason = "a test may fail"
)]

mod common;

use std::ffi::OsStr;
use std::fs;
use std::io::Write;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{MetadataExt, symlink};
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use testcase::Effort;

use common::{has, node, node_of_root, open, write};
use evidence::{Evidence, Needs, Options, PrivateView, lockdown, private_view};
use finding::Unread;

fn p(path: &str) -> &Path {
    Path::new(path)
}

#[test]
fn links_do_not_lead_out() {
    let outside = tempfile::tempdir().unwrap();
    write(&outside.path().join("secret"), b"the analyst's own");
    let root = tempfile::tempdir().unwrap();
    let at = |name: &str| root.path().join(name);
    write(&at("etc/inside"), b"inside");
    write(&at("var/lib/real.db"), b"real");
    let up = "../".repeat(40);
    let secret = outside.path().join("secret");
    let climb = format!("{up}{}", secret.to_str().unwrap().trim_start_matches('/'));
    symlink(&climb, at("var/lib/climbs")).unwrap();
    symlink(&secret, at("var/lib/absolute")).unwrap();
    symlink("/etc/inside", at("var/lib/rooted")).unwrap();
    symlink("real.db", at("var/lib/meta.db")).unwrap();
    symlink("meta.db", at("var/lib/twice")).unwrap();
    symlink("loop", at("var/lib/loop")).unwrap();
    symlink("/var/../../../..", at("var/top")).unwrap();
    symlink(outside.path(), at("var/dir")).unwrap();
    symlink("/proc/self/root", at("var/magic")).unwrap();
    let evidence = open(root.path());
    let bytes = |path: &str| {
        let source = evidence.source(p(path), 1 << 20);
        source.map(|source| source.bytes().to_vec())
    };
    assert_eq!(
        bytes("/var/lib/climbs"),
        Err(Unread::Escapes(climb.as_str().into()))
    );
    let target = secret.to_str().unwrap();
    // A folder that is only a part of a node does not have where it leads.
    assert_eq!(bytes("/var/lib/absolute"), Err(Unread::NotCollected));
    let top = secret.components().nth(1).unwrap();
    fs::create_dir(root.path().join(top)).unwrap();
    assert_eq!(
        bytes("/var/lib/absolute"),
        Err(Unread::Dangling(target.into()))
    );
    assert_eq!(bytes("/var/lib/rooted").unwrap(), b"inside");
    assert_eq!(bytes("/var/lib/twice").unwrap(), b"real");
    assert!(matches!(bytes("/var/lib/loop"), Err(Unread::Io(_))));
    assert_eq!(bytes("/var/top/etc/inside").unwrap(), b"inside");
    assert_eq!(
        evidence.clamped(p("/var/top/etc/inside")),
        Some("/var/../../../..".into())
    );
    assert_eq!(evidence.clamped(p("/var/lib/twice")), None);
    assert_eq!(bytes("/var/dir/secret"), Err(Unread::Absent));
    assert_eq!(bytes("/var/magic/etc/passwd"), Err(Unread::Absent));
    assert_eq!(
        bytes("/../../../../../../../etc/passwd"),
        Err(Unread::Absent)
    );
    assert_eq!(bytes("/var/lib/real.db/x"), Err(Unread::Absent));
    assert_eq!(
        evidence.read_link(p("/var/lib/meta.db")),
        Ok("real.db".into())
    );
    assert_eq!(bytes("/var/lib"), Err(Unread::Special("directory")));
}

#[test]
fn fifos_and_sockets_are_looked_at_and_not_opened() {
    let root = tempfile::tempdir().unwrap();
    let fifo = root.path().join("meta.db");
    nix::unistd::mkfifo(&fifo, nix::sys::stat::Mode::S_IRWXU).unwrap();
    let _listener = UnixListener::bind(root.path().join("s.sock")).unwrap();
    symlink("meta.db", root.path().join("to-fifo")).unwrap();
    let start = Effort::start();
    let evidence = open(root.path());
    let fifo = || Unread::Special("fifo");
    for path in ["/meta.db", "/to-fifo"] {
        assert_eq!(evidence.source(p(path), 9).unwrap_err(), fifo());
        assert_eq!(evidence.pages(p(path)).unwrap_err(), fifo());
        assert_eq!(evidence.reader(p(path)).err(), Some(fifo()));
        assert_eq!(evidence.try_list(p(path)).unwrap_err(), fifo());
    }
    assert_eq!(
        evidence.source(p("/s.sock"), 9).unwrap_err(),
        Unread::Special("socket")
    );
    assert!(evidence.xattrs(p("/meta.db")).read().is_some());
    assert_eq!(evidence.list(p("/")).whole().unwrap().len(), 3);
    // The evidence itself may not be one either.
    let named = Evidence::open(&root.path().join("meta.db"), &Options::default());
    assert_eq!(named.unwrap_err().why, fifo());
    assert!(start.spent() < Duration::from_secs(1));
}

#[test]
fn a_sparse_tebibyte_costs_nothing() {
    let root = tempfile::tempdir().unwrap();
    common::sparse(&root.path().join("meta.db"), 1 << 40, &[(1 << 39, b"data")]);
    let start = Effort::start();
    let evidence = open(root.path());
    let source = evidence.source(p("/meta.db"), evidence::WHOLE_COPY);
    let why = Unread::TooLarge {
        size: 1 << 40,
        limit: evidence::WHOLE_COPY,
    };
    assert_eq!(source.unwrap_err(), why);
    let pages = evidence.pages(p("/meta.db")).unwrap();
    assert_eq!(pages.len(), 1 << 40);
    let mut four = [1; 4];
    assert_eq!(pages.read_at(1 << 39, &mut four), Ok(4));
    assert_eq!(&four, b"data");
    assert_eq!(pages.read_at(1 << 30, &mut four), Ok(4));
    assert_eq!(four, [0; 4]);
    let chunks: Vec<_> = pages.chunks().map(Result::unwrap).collect();
    let read: usize = chunks.iter().map(|chunk| chunk.bytes.len()).sum();
    assert!(read < 1 << 20, "{read}");
    pages.unchanged().unwrap();
    // It goes into a bundle, and comes out of it.
    let wanted = evidence::bundle::write::Collect {
        roots: vec!["/meta.db".into()],
        blobs: evidence::bundle::write::Blobs::All,
        upperdirs: true,
        limit: 1 << 20,
        tool: "test".into(),
        captured: finding::Time::new(0, 0),
        ..evidence::bundle::write::Collect::default()
    };
    let mut bundle = Vec::new();
    evidence::bundle::write::write(&evidence, &wanted, &mut bundle).unwrap();
    let bundle = Evidence::open_stream(bundle.as_slice(), &Options::default()).unwrap();
    let pages = bundle.pages(p("/meta.db")).unwrap();
    assert_eq!(pages.len(), 1 << 40);
    assert_eq!(pages.read_at(1 << 39, &mut four), Ok(4));
    assert_eq!(&four, b"data");
    assert!(start.spent() < Duration::from_secs(2));
}

#[test]
fn a_file_that_changes_is_told() {
    let root = tempfile::tempdir().unwrap();
    let path = root.path().join("meta.db");
    write(&path, &vec![1; 1 << 20]);
    let evidence = open(root.path());
    // Shrunk between opening and reading.
    let pages = evidence.pages(p("/meta.db")).unwrap();
    let mut reader = evidence.reader(p("/meta.db")).unwrap();
    fs::OpenOptions::new()
        .write(true)
        .open(&path)
        .unwrap()
        .set_len(4096)
        .unwrap();
    let mut into = vec![0; 8192];
    assert_eq!(pages.read_at(0, &mut into), Err(Unread::Changed));
    assert_eq!(pages.unchanged(), Err(Unread::Changed));
    assert_eq!(pages.chunks().last().unwrap().unwrap_err(), Unread::Changed);
    let error = std::io::copy(&mut reader, &mut std::io::sink()).unwrap_err();
    assert!(error.to_string().contains("changed while"), "{error}");
    // Written to all the time.
    write(&path, &vec![1; 4 << 20]);
    let stop = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            let mut file = fs::OpenOptions::new().append(true).open(&path).unwrap();
            while !stop.load(Ordering::Relaxed) {
                file.write_all(&[1; 4096]).unwrap();
                if file.metadata().unwrap().len() > 64 << 20 {
                    file.set_len(4 << 20).unwrap();
                }
            }
        });
        let mut changed = false;
        for _ in 0..20_000 {
            match evidence.source(p("/meta.db"), u64::MAX) {
                Ok(source) => assert_eq!(u64::try_from(source.bytes().len()), Ok(source.stat.size)),
                Err(why) => {
                    assert_eq!(why, Unread::Changed);
                    changed = true;
                    break;
                }
            }
        }
        stop.store(true, Ordering::Relaxed);
        assert!(changed);
    });
    assert!(evidence.source_as_is(p("/meta.db"), u64::MAX).is_ok());
}

/// Everything that can be asked of everything.
fn ask_all(evidence: &Evidence) {
    let mut todo = vec![PathBuf::from("/")];
    while let Some(path) = todo.pop() {
        if evidence.stat(&path).is_ok_and(|stat| stat.is_dir()) {
            for entry in evidence.list(&path).read().into_iter().flatten() {
                todo.push(path.join(OsStr::from_bytes(entry.name.bytes())));
            }
        }
        let _ = evidence.read_link(&path);
        let _ = evidence.xattrs(&path);
        let _ = evidence.source(&path, 1 << 30);
        let _ = evidence.clamped(&path);
        if let Ok(pages) = evidence.pages(&path) {
            pages.chunks().for_each(drop);
        }
        if let Ok(mut reader) = evidence.reader(&path) {
            std::io::copy(&mut reader, &mut std::io::sink()).unwrap();
        }
    }
}

/// All that a reader could move: times in nanoseconds, sizes, of every file.
fn times(root: &Path) -> Vec<(PathBuf, [i64; 7])> {
    let mut todo = vec![root.to_owned()];
    let mut found = Vec::new();
    while let Some(path) = todo.pop() {
        let meta = fs::symlink_metadata(&path).unwrap();
        let all = [
            meta.atime(),
            meta.atime_nsec(),
            meta.mtime(),
            meta.mtime_nsec(),
            meta.ctime(),
            meta.ctime_nsec(),
            i64::try_from(meta.size()).unwrap(),
        ];
        if meta.is_dir() {
            let listed = nix::dir::Dir::open(
                &path,
                nix::fcntl::OFlag::O_DIRECTORY | nix::fcntl::OFlag::O_NOATIME,
                nix::sys::stat::Mode::empty(),
            );
            for entry in listed.unwrap().iter() {
                let name = entry.unwrap().file_name().to_bytes().to_vec();
                if name != b"." && name != b".." {
                    todo.push(path.join(OsStr::from_bytes(&name)));
                }
            }
        }
        found.push((path, all));
    }
    found.sort();
    found
}

/// Run as a child of the tests below, under strace or in a namespace of its own.
#[test]
#[ignore = "run by other tests"]
fn child_that_asks_all() {
    let Some(root) = std::env::var_os("EVIDENCE_TEST_ROOT") else {
        return;
    };
    let root = PathBuf::from(root);
    if std::env::var_os("EVIDENCE_TEST_PRIVATE").is_some() {
        assert_eq!(private_view(&root), PrivateView::Mounted);
        let held = lockdown(&Needs::default());
        assert!(held.no_core);
        // What is locked down cannot write, and reads as before.
        if held.read_only {
            assert!(fs::write(std::env::temp_dir().join("written"), b"x").is_err());
        }
        assert!(fs::write(root.join("written"), b"x").is_err());
    }
    ask_all(&open(&root));
}

fn child(program: &str, arguments: &[&str]) -> Command {
    let mut command = Command::new(program);
    command
        .args(arguments)
        .arg(std::env::current_exe().unwrap())
        .args(["--exact", "--include-ignored", "child_that_asks_all"]);
    command
}

#[test]
#[ignore = "needs root"]
fn nothing_moves_in_a_private_view() {
    let root = tempfile::tempdir().unwrap();
    node_of_root(root.path());
    let old = fs::FileTimes::new().set_accessed(std::time::UNIX_EPOCH);
    let plain = root.path().join("var/lib/containerd/odd/plain");
    fs::File::open(&plain).unwrap().set_times(old).unwrap();
    let before = times(root.path());
    let output = child("env", &["EVIDENCE_TEST_PRIVATE=1"])
        .env("EVIDENCE_TEST_ROOT", root.path())
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{said}");
    for (one, other) in before.iter().zip(times(root.path())) {
        assert_eq!(*one, other);
    }
    fs::write(root.path().join("ours-again"), b"x").unwrap();
}

#[test]
#[ignore = "needs strace"]
fn no_open_for_writing_and_none_of_a_fifo() {
    assert!(has("strace"), "strace is not there");
    let root = tempfile::tempdir().unwrap();
    if common::is_root() {
        node_of_root(root.path());
    } else {
        node(root.path());
    }
    let _listener = UnixListener::bind(root.path().join("var/listening")).unwrap();
    let trace = tempfile::NamedTempFile::new().unwrap();
    let path = trace.path().to_str().unwrap();
    let calls = "trace=%file,%desc,unlink,rename,connect";
    let output = child("strace", &["-f", "-yy", "-o", path, "-e", calls, "env"])
        .env("EVIDENCE_TEST_ROOT", root.path())
        .output()
        .unwrap();
    assert!(output.status.success());
    let log = String::from_utf8_lossy(&fs::read(trace.path()).unwrap()).into_owned();
    let mine = root.path().to_str().unwrap();
    let mut held = 0;
    let mut opened = 0;
    for line in log.lines().filter(|line| line.contains(mine)) {
        let is_open =
            line.contains("open(") || line.contains("openat(") || line.contains("openat2(");
        for call in [
            "unlink", "rename", "connect(", "write(", "chmod", "chown", "utime", "flock",
        ] {
            let is_call = line.split_whitespace().any(|word| word.starts_with(call));
            assert!(!is_call, "{line}");
        }
        if !is_open {
            continue;
        }
        for flag in ["O_WRONLY", "O_RDWR", "O_CREAT", "O_TRUNC", "O_APPEND"] {
            assert!(!line.contains(flag), "{line}");
        }
        let result = line.rsplit(" = ").next().unwrap();
        let special = ["exec.fifo", "/zero", "/gone", "/disk", "/listening"];
        if special.iter().any(|name| result.contains(name)) {
            assert!(line.contains("O_PATH"), "{line}");
            held += 1;
        } else if !line.contains("O_PATH") && result.contains("meta.db") {
            assert!(line.contains("O_NOATIME"), "{line}");
            opened += 1;
        }
    }
    assert!(held > 3 && opened > 0, "{held} {opened}\n{log}");
}
