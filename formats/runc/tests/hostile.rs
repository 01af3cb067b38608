//! Hostile evidence: huge, deep, mistyped, misnamed, and things that must not be opened.

#![expect(
    clippy::unwrap_used,
    clippy::cast_possible_truncation,
    clippy::as_conversions,
    clippy::arithmetic_side_effects,
    reason = "tests panic where something is wrong"
)]

use std::fs::{self, File};
use std::os::unix::fs::symlink;
use std::path::Path;
use std::time::Duration;

use testcase::Effort;

use evidence::{Evidence, Options};
use finding::Unread;
use nix::sys::stat::Mode;
use runc::{Address, CrunStatus, Doc, Phase, Runtime, Spec, State, Status};
use view::View;

fn read_folder(folder: &Path) -> Runtime {
    let evidence = Evidence::open(folder, &Options::default()).unwrap();
    let root = Path::new("/var/lib/containerd");
    let known = runc::read_runtime(&evidence, root, Path::new("/run/containerd"), &[]);
    known.read().cloned().unwrap()
}

fn container(folder: &Path, id: &str) -> std::path::PathBuf {
    let path = folder.join("run/containerd/runc/default").join(id);
    fs::create_dir_all(&path).unwrap();
    path
}

#[test]
fn a_state_of_a_gigabyte_is_not_read() {
    let folder = tempfile::tempdir().unwrap();
    let path = container(folder.path(), "big");
    let file = File::create(path.join("state.json")).unwrap();
    file.set_len(1 << 30).unwrap();
    let began = Effort::start();
    let runtime = read_folder(folder.path());
    assert!(began.spent() < Duration::from_secs(1));
    let state = &runtime.containers[0].state;
    assert!(
        matches!(state, Doc::Unread(Unread::TooLarge { .. })),
        "{state:?}"
    );
}

#[test]
fn what_must_not_be_opened_is_not() {
    let folder = tempfile::tempdir().unwrap();
    let pipes = container(folder.path(), "pipes");
    // A reader that opens one of these waits for ever, and the test with it.
    for name in [
        "exec.fifo",
        "state.json",
        "status",
        "config.json",
        "state-1",
    ] {
        nix::unistd::mkfifo(&pipes.join(name), Mode::S_IRWXU).unwrap();
    }
    let links = container(folder.path(), "links");
    symlink("/etc/passwd", links.join("state.json")).unwrap();
    symlink("exec.fifo", links.join("exec.fifo")).unwrap();
    let tasks = folder
        .path()
        .join("run/containerd/io.containerd.runtime.v2.task/default");
    fs::create_dir_all(tasks.join("piped")).unwrap();
    for name in [
        "address",
        "bootstrap.json",
        "log.json",
        "init.pid",
        "log",
        "options.json",
    ] {
        nix::unistd::mkfifo(&tasks.join("piped").join(name), Mode::S_IRWXU).unwrap();
    }
    symlink("/", tasks.join("root")).unwrap();
    symlink("..", folder.path().join("run/containerd/runc/loop")).unwrap();
    let runtime = read_folder(folder.path());
    let ids: Vec<_> = runtime
        .containers
        .iter()
        .map(|c| c.id.to_string())
        .collect();
    assert_eq!(ids, ["links", "pipes"]);
    for container in &runtime.containers {
        assert!(matches!(container.state, Doc::Unread(Unread::Special(_))));
    }
    assert_eq!(runtime.bundles.len(), 1);
    assert!(matches!(
        runtime.bundles[0].address,
        Doc::Unread(Unread::Special("fifo"))
    ));
    assert_eq!(runtime.strange.len(), 2);
}

#[test]
fn names_are_bytes() {
    use std::os::unix::ffi::OsStrExt;
    let folder = tempfile::tempdir().unwrap();
    let name = std::ffi::OsStr::from_bytes(b"a\x1b[2J\n\xff");
    let path = folder.path().join("run/containerd/runc/default").join(name);
    fs::create_dir_all(&path).unwrap();
    fs::write(path.join("state.json"), "{}").unwrap();
    let runtime = read_folder(folder.path());
    assert_eq!(runtime.containers[0].id.to_string(), "a\\x1b[2J\\x0a\\xff");
    assert_eq!(runtime.containers[0].derived.phase, Phase::Started);
}

#[test]
fn a_file_where_a_folder_belongs_is_said() {
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir_all(folder.path().join("run/containerd")).unwrap();
    fs::write(folder.path().join("run/containerd/runc"), "x").unwrap();
    let evidence = Evidence::open(folder.path(), &Options::default()).unwrap();
    let root = Path::new("/var/lib/containerd");
    let known = runc::read_runtime(&evidence, root, Path::new("/run/containerd"), &[]);
    assert!(!known.is_whole());
    assert!(!known.read().unwrap().whole.containers);
}

/// A small generator of numbers: the mutants are the same in every run.
struct Numbers(u64);

impl Numbers {
    fn next(&mut self, below: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % below as u64) as usize
    }
}

#[test]
fn ten_thousand_mutants_do_no_harm() {
    let mut tar = testcase::node("2.1-running");
    let mut files = Vec::new();
    for (start, end) in [
        ("run/containerd/runc/", "/state.json"),
        ("run/containerd/", "/config.json"),
        ("run/containerd/", "/bootstrap.json"),
        ("var/lib/containerd/", "/status"),
    ] {
        let path = tar.paths(start, end).into_iter().next().unwrap();
        files.push(std::mem::take(&mut tar.member(&path).data));
    }
    let mut numbers = Numbers(0x5eed);
    let mut longest = Duration::ZERO;
    for round in 0..10_000 {
        let mut bytes = files[round % files.len()].clone();
        for _ in 0..=numbers.next(4) {
            let at = numbers.next(bytes.len());
            match numbers.next(5) {
                0 => bytes[at] = numbers.next(256) as u8,
                1 => bytes[at] = b"{}[]\",:\\0-e\0\n"[numbers.next(13)],
                2 => bytes.truncate(at.max(1)),
                3 => {
                    bytes.remove(at);
                }
                _ => {
                    let from = numbers.next(bytes.len());
                    let piece = bytes[from..bytes.len().min(from + 40)].to_vec();
                    bytes.splice(at..at, piece);
                }
            }
            if bytes.is_empty() {
                bytes.push(b'{');
            }
        }
        let view = View::new(&bytes);
        let began = Effort::start();
        let faults = [
            State::parse(view).1,
            CrunStatus::parse(view).1,
            Spec::parse(view).1,
            Status::parse(view).1,
            Address::parse(view).1,
            Address::parse_bootstrap(view).1,
            runc::Options::parse(view).1,
            runc::init_pid(view).1,
            runc::log(view).1,
        ];
        longest = longest.max(began.spent());
        for fault in faults.iter().flatten() {
            let span = finding::Fault::span(fault);
            assert!(span.is_none_or(|span| span.start <= view.len()), "{fault}");
            let text = fault.to_string();
            assert!(!text.contains(|c: char| c.is_control()), "{text:?}");
        }
    }
    assert!(longest < Duration::from_secs(1), "{longest:?}");
}

#[test]
fn deep_and_wide_documents_are_bounded() {
    let megabyte = 1 << 20;
    for piece in [
        "[",
        "{\"a\":",
        "[1,",
        "{\"a\":1,",
        "\"",
        "\\u",
        "1",
        "{\"\":{\"\":",
    ] {
        let text = piece.repeat(megabyte / piece.len());
        let began = Effort::start();
        let (_, faults) = State::parse(View::new(text.as_bytes()));
        assert!(!faults.is_empty(), "{piece}");
        assert!(
            began.spent() < Duration::from_secs(2),
            "{piece}: {:?}",
            began.spent()
        );
    }
}
