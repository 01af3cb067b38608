//! What a verb writes is whole or absent: after `kill -9` at any moment, after SIGTERM, on a full disk.

#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::disallowed_methods,
    clippy::unnecessary_debug_formatting,
    dead_code,
    missing_docs,
    unreachable_pub,
    reason = "tests panic where something is wrong"
)]

#[path = "common/mod.rs"]
mod common;

use std::os::unix::fs::FileExt as _;
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use common::{META, clear, coroner, is_root, unpack};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

/// Verbs that write, `OUT` where they write to.
fn writers(node: &Path) -> Vec<Vec<String>> {
    let node_text = node.to_str().expect("path");
    let meta = node.join(META);
    let meta = meta.to_str().expect("path");
    let image = "default/images.example/app:1";
    let lines: Vec<Vec<&str>> = vec![
        vec!["triage", "--format", "json", "-o", "OUT", node_text],
        vec!["timeline", "-o", "OUT", node_text],
        vec![
            "snapshots",
            "export",
            "-o",
            "OUT",
            node_text,
            "default/sleeper",
        ],
        vec![
            "snapshots",
            "extract",
            "-o",
            "OUT",
            node_text,
            "default/sleeper",
        ],
        vec!["content", "export", "-o", "OUT", node_text, image],
        vec!["content", "export", "--layout", "OUT", node_text, image],
        vec!["content", "cat", "-o", "OUT", node_text, image],
        vec!["collect", "-o", "OUT", node_text],
        vec!["bolt", "compact", "-o", "OUT", meta],
        vec!["bolt", "salvage", "-o", "OUT", meta],
        vec!["bolt", "pages", "--map", "--svg", "OUT", meta],
        vec!["bolt", "dump", "-o", "OUT", meta],
        vec!["bolt", "surgery", "freelist", "rebuild", "-o", "OUT", meta],
        vec!["collect", "--redact", "-o", "OUT", node_text],
        vec!["repair", "plan", "-o", "OUT", node_text],
        vec!["repair", "backup", "-o", "OUT", node_text],
        vec!["logs", "-o", "OUT", node_text],
        vec![
            "snapshots",
            "cat",
            "-o",
            "OUT",
            node_text,
            "default/sleeper",
            "/etc/relative",
        ],
    ];
    let owned = |line: Vec<&str>| line.into_iter().map(str::to_owned).collect();
    lines.into_iter().map(owned).collect()
}

fn into(line: &[String], out: &Path) -> Vec<String> {
    let out = out.to_str().expect("path");
    let word = |word: &String| {
        if word == "OUT" {
            out.to_owned()
        } else {
            word.clone()
        }
    };
    line.iter().map(word).collect()
}

/// Every file below a path, with its bytes.
fn all(path: &Path) -> Vec<(PathBuf, Vec<u8>)> {
    let mut found = Vec::new();
    let mut todo = vec![path.to_owned()];
    while let Some(at) = todo.pop() {
        let stat = std::fs::symlink_metadata(&at).expect("stat");
        let name = at.strip_prefix(path).expect("below").to_owned();
        if stat.is_dir() {
            let entries = std::fs::read_dir(&at).expect("folder");
            todo.extend(entries.map(|entry| entry.expect("entry").path()));
            found.push((name, Vec::new()));
        } else if stat.is_symlink() {
            found.push((name, b"link".to_vec()));
        } else {
            found.push((name, std::fs::read(&at).expect("file")));
        }
    }
    found.sort();
    found
}

/// Whether what stands at `out` is all of it.
fn is_whole(line: &[String], out: &Path, want: &Path) -> bool {
    if line[0] == "core" {
        let goroutines = ["core", "goroutines", out.to_str().expect("path")];
        return coroner(&goroutines.map(str::to_owned)).code == Some(0);
    }
    if line[0] == "collect" || line[1] == "backup" {
        let verify = ["bundle", "verify", out.to_str().expect("path")];
        return coroner(&verify.map(str::to_owned)).code == Some(0);
    }
    if line[1] == "plan" {
        // It holds the time of its making and the room of the disk, whose digits differ.
        let shown = |path: &Path| {
            let show = ["repair", "show", path.to_str().expect("path")];
            coroner(&show.map(str::to_owned)).code
        };
        return shown(out) == shown(want);
    }
    let mut lens = [all(out), all(want)].map(|files| {
        let len = |(path, bytes): (PathBuf, Vec<u8>)| (path, bytes.len());
        files.into_iter().map(len).collect::<Vec<_>>()
    });
    // What the manifest says of places and times is as long in both.
    lens[0].sort();
    lens[1].sort();
    lens[0] == lens[1]
}

fn node() -> tempfile::TempDir {
    let node = tempfile::tempdir().expect("folder");
    unpack(&testcase::node("1.7-stopped"), node.path());
    node
}

/// Runs a verb, sends it a signal after a while, and looks at what it left.
fn struck(signal: Signal, whiles: u32) {
    let node = node();
    for line in writers(node.path()) {
        strike(&line, signal, whiles);
    }
}

/// The same of one verb.
fn strike(line: &[String], signal: Signal, whiles: u32) {
    let scratch = tempfile::tempdir().expect("folder");
    let want = scratch.path().join("want");
    // Once before: an ordinary user's first reading of a link moves its access time, which `timeline` shows.
    coroner(&into(line, &want));
    clear(&want);
    let start = Instant::now();
    let ran = coroner(&into(line, &want));
    let took = start.elapsed();
    assert!(want.exists(), "{line:?}: {}", ran.err);
    for part in 0..whiles {
        let out = scratch.path().join("out-");
        clear(&out);
        let mut child = Command::new(env!("CARGO_BIN_EXE_coroner"))
            .args(into(line, &out))
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("spawn");
        std::thread::sleep(took * part / whiles);
        let id = Pid::from_raw(i32::try_from(child.id()).expect("pid"));
        let _ = kill(id, signal);
        let status = child.wait().expect("wait");
        if out.exists() {
            assert!(is_whole(line, &out, &want), "{line:?}: half of it is there");
        } else if signal == Signal::SIGTERM && status.signal().is_none() {
            let code = status.code().expect("code");
            // 32 where the verb is interrupted; 8 where only its reading was.
            assert_ne!(code & (32 | 8), 0, "{line:?}: {status:?}");
        }
    }
}

#[test]
fn after_a_kill_nothing_stands_under_the_name() {
    struck(Signal::SIGKILL, 6);
}

#[test]
fn sigterm_is_as_ctrl_c() {
    struck(Signal::SIGTERM, 4);
}

/// A program of Go that waits for ever: for whoever writes into a FIFO.
#[test]
#[ignore = "needs a program of Go (testdata/make/tools)"]
fn a_core_that_is_taken_is_whole_or_absent() {
    let cache = std::env::var_os("CORONER_CACHE");
    let cache = cache.map_or_else(|| "/var/cache/coroner-testdata".into(), PathBuf::from);
    let program = cache.join("boltedit");
    if !testcase::may_run("a program of Go", program.exists()) {
        return;
    }
    let scratch = tempfile::tempdir().expect("folder");
    let fifo = scratch.path().join("fifo");
    nix::unistd::mkfifo(&fifo, nix::sys::stat::Mode::S_IRWXU).expect("a FIFO");
    let mut waits = Command::new(program)
        .arg("dump")
        .arg(&fifo)
        .spawn()
        .expect("spawn");
    std::thread::sleep(Duration::from_millis(300));
    let pid = waits.id().to_string();
    let line = ["core", "take", "--pid", &pid, "-o", "OUT"].map(str::to_owned);
    for (signal, whiles) in [(Signal::SIGKILL, 8), (Signal::SIGTERM, 6)] {
        strike(&line, signal, whiles);
    }
    let there = scratch.path().join("there");
    std::fs::write(&there, b"mine").expect("file");
    let ran = coroner(&into(&line, &there));
    assert_eq!(ran.code, Some(16), "{}", ran.err);
    assert_eq!(std::fs::read(&there).expect("file"), b"mine");
    waits.kill().expect("kill");
    waits.wait().expect("wait");
}

#[test]
fn a_copy_of_the_databases_has_a_name_only_when_it_is_whole() {
    let node = node();
    let words = |into: &Path| {
        let line = ["repair", "backup", "--into", into.to_str().expect("path")];
        let node = node.path().to_str().expect("path");
        line.into_iter()
            .chain([node])
            .map(str::to_owned)
            .collect::<Vec<_>>()
    };
    let copies = |folder: &Path| -> Vec<PathBuf> {
        let entries = std::fs::read_dir(folder).into_iter().flatten();
        let paths = entries.map(|entry| entry.expect("entry").path());
        paths
            .filter(|path| {
                let name = path.file_name().expect("name").to_string_lossy();
                !name.starts_with('.')
            })
            .collect()
    };
    let scratch = tempfile::tempdir().expect("folder");
    let want = scratch.path().join("want");
    let start = Instant::now();
    let ran = coroner(&words(&want));
    let took = start.elapsed();
    assert_eq!(ran.code, Some(0), "{}", ran.err);
    let whole = all(&copies(&want)[0]);
    for part in 0..20 {
        let out = scratch.path().join("out");
        clear(&out);
        let mut child = Command::new(env!("CARGO_BIN_EXE_coroner"))
            .args(words(&out))
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("spawn");
        std::thread::sleep(took * part / 20);
        let _ = child.kill();
        child.wait().expect("wait");
        for copy in copies(&out) {
            assert!(all(&copy) == whole, "{copy:?}: half of it is there");
        }
    }
}

/// Changes `meta` as somebody does while it is copied, until told to stop; `all` are the contents that it has then.
fn restless(meta: &Path, how: &str, all: [&[u8]; 2], stop: &AtomicBool) {
    // Where `collect` does not look: it would see that this changes, too.
    let root = meta.ancestors().nth(Path::new(META).iter().count());
    let beside = root.expect("root").join("beside");
    for bytes in all.into_iter().cycle() {
        if stop.load(Ordering::Relaxed) {
            return;
        }
        std::thread::sleep(Duration::from_millis(1));
        match how {
            "swapped" => {
                std::fs::write(&beside, bytes).expect("write");
                std::fs::rename(&beside, meta).expect("rename");
            }
            "rewritten" => {
                let file = std::fs::OpenOptions::new().write(true).open(meta);
                let file = file.expect("open");
                for (at, piece) in (0..).step_by(4096).zip(bytes.chunks(4096)) {
                    file.write_all_at(piece, at).expect("write");
                }
            }
            _ => {
                let file = std::fs::OpenOptions::new().write(true).open(meta);
                let file = file.expect("open");
                file.set_len(8192).expect("cut");
                file.write_all_at(bytes, 0).expect("write");
            }
        }
    }
}

/// A copy of what changes meanwhile is either noticed, and then said by the exit code, by the messages and by
/// `bundle verify`; or it is what stood there at some moment. It is tried until it is noticed.
#[test]
fn what_changes_under_collect_is_said() {
    for how in ["swapped", "rewritten", "truncated"] {
        let node = node();
        let meta = node.path().join(META);
        let mut first = std::fs::read(&meta).expect("meta.db");
        // So long that it changes while it is copied, however busy the machine is.
        first.resize(first.len().saturating_add(16 << 20), 0x5a);
        std::fs::write(&meta, &first).expect("write");
        let second: Vec<u8> = first.iter().map(|byte| !byte).collect();
        let scratch = tempfile::tempdir().expect("folder");
        let is_noticed = (0..40).any(|attempt| {
            let out = scratch.path().join(format!("{attempt}.tar.zst"));
            let stop = AtomicBool::new(false);
            let ran = std::thread::scope(|scope| {
                scope.spawn(|| restless(&meta, how, [&first, &second], &stop));
                let line = ["collect", "-o", "OUT", node.path().to_str().expect("path")];
                let ran = coroner(&into(&line.map(str::to_owned), &out));
                stop.store(true, Ordering::Relaxed);
                ran
            });
            let code = ran.code.expect("code");
            assert_eq!(code & !8, 0, "{how}: {}", ran.err);
            let bundle = ["bundle", "verify", out.to_str().expect("path")];
            let verified = coroner(&bundle.map(str::to_owned));
            if code == 8 {
                assert!(ran.err.contains("meta.db"), "{how}: {}", ran.err);
                assert!(
                    verified.out.contains("meta.db"),
                    "{how}: {}{}",
                    ran.err,
                    verified.out
                );
                return true;
            }
            assert_eq!(verified.code, Some(0), "{how}: {}", verified.out);
            if how == "swapped" {
                let packed = std::fs::read(&out).expect("bundle");
                let packed = zstd::decode_all(packed.as_slice()).expect("zstd");
                let mut tar = testcase::Tar::read_tar(&packed);
                let copy = &tar.member(META).data;
                assert!(*copy == first || *copy == second, "mixed");
            }
            std::fs::remove_file(&out).expect("remove");
            false
        });
        // Who rewrites it in place may let each copy be one of a moment.
        assert!(is_noticed || how == "rewritten", "{how}: never noticed");
    }
}

#[test]
fn what_is_there_stays() {
    let node = node();
    let scratch = tempfile::tempdir().expect("folder");
    let out = scratch.path().join("there");
    for line in writers(node.path()) {
        clear(&out);
        let target = scratch.path().join("target");
        std::os::unix::fs::symlink(&target, &out).expect("link");
        let ran = coroner(&into(&line, &out));
        assert_eq!(ran.code, Some(16), "{line:?}: {}", ran.err);
        assert!(!target.exists(), "{line:?}");
        clear(&out);
        std::fs::write(&out, b"mine").expect("file");
        let ran = coroner(&into(&line, &out));
        assert_eq!(ran.code, Some(16), "{line:?}: {}", ran.err);
        assert_eq!(std::fs::read(&out).expect("file"), b"mine");
    }
    // And nothing else is left behind.
    clear(&out);
    let left: Vec<_> = std::fs::read_dir(scratch.path()).expect("folder").collect();
    assert!(left.is_empty(), "{left:?}");
}

#[test]
#[ignore = "needs root"]
fn a_full_disk_has_a_code_of_its_own_and_leaves_nothing() {
    if !testcase::may_run("root", is_root()) {
        return;
    }
    let node = node();
    for line in writers(node.path()) {
        let scratch = tempfile::tempdir().expect("folder");
        let want = scratch.path().join("want");
        coroner(&into(&line, &want));
        let size: usize = all(&want).iter().map(|(_, bytes)| bytes.len()).sum();
        for part in [1, 4, 9] {
            // In pages; below a quarter of what it needs, half, nearly all.
            let room = (size * part / 10 / 4096).max(3) * 4096;
            let disk = scratch.path().join("disk");
            std::fs::create_dir_all(&disk).expect("folder");
            let out = disk.join("out");
            let script = format!(
                "mount -t tmpfs -o size={room} none '{0}' || exit 99; \"$@\" >/dev/null 2>'{1}'; \
                 code=$?; ls '{0}'; exit $code",
                disk.display(),
                scratch.path().join("said").display()
            );
            let ran = Command::new("unshare")
                .args([
                    "-m",
                    "sh",
                    "-c",
                    &script,
                    "sh",
                    env!("CARGO_BIN_EXE_coroner"),
                ])
                .args(into(&line, &out))
                .output()
                .expect("unshare");
            let left = String::from_utf8_lossy(&ran.stdout);
            let code = ran.status.code().expect("code");
            assert_ne!(code, 99, "no tmpfs");
            if left.trim() == "out" {
                // It needs less than was thought: a tree's blocks, a bundle that packs better.
                assert_eq!(code & 64, 0, "{line:?}");
            } else {
                assert_eq!(left.trim(), "", "{line:?}: {left}");
                let said = std::fs::read_to_string(scratch.path().join("said")).expect("said");
                assert_eq!(code & 64, 64, "{line:?} with {room}: {code}: {said}");
            }
        }
    }
}

#[test]
fn holes_stay_holes_and_what_is_too_large_is_said() {
    let node = node();
    let upper = "var/lib/containerd/io.containerd.snapshotter.v1.overlayfs/snapshots";
    let upper = std::fs::read_dir(node.path().join(upper)).expect("snapshots");
    let size = 64_u64 << 40;
    // In each layer: whichever is the container's.
    for snapshot in upper {
        let at = snapshot.expect("entry").path().join("fs/sparse");
        let file = std::fs::File::create(&at).expect("file");
        std::os::unix::fs::FileExt::write_all_at(&file, b"in the middle", 1 << 40).expect("data");
        // Not every file system has files of so many bytes.
        if file.set_len(size).is_err() {
            file.set_len(4 << 40).expect("4 TiB");
        }
    }
    let scratch = tempfile::tempdir().expect("folder");
    let at = |name: &str| scratch.path().join(name);
    let run = |words: &[&str], out: &Path| {
        let node = node.path().to_str().expect("path");
        let mut line: Vec<String> = words.iter().map(|word| (*word).to_owned()).collect();
        line.extend(
            ["-o", out.to_str().expect("path"), node, "default/sleeper"].map(str::to_owned),
        );
        line
    };
    let start = Instant::now();
    let ran = coroner(&run(&["snapshots", "export"], &at("tar")));
    assert_eq!(ran.code.map(|code| code & !8), Some(0), "{}", ran.err);
    assert!(std::fs::metadata(at("tar")).expect("tar").len() < 64 << 20);
    let ran = coroner(&run(&["snapshots", "extract"], &at("tree")));
    assert_eq!(ran.code.map(|code| code & !8), Some(0), "{}", ran.err);
    let mut cat = run(&["snapshots", "cat"], &at("cat"));
    cat.push("/sparse".to_owned());
    let ran = coroner(&cat);
    assert_eq!(ran.code, Some(0), "{}", ran.err);
    assert!(start.elapsed() < Duration::from_mins(1));
    // GNU tar makes of it what it was.
    std::fs::create_dir(at("gnu")).expect("folder");
    let tar = Command::new("tar")
        .arg("-xf")
        .arg(at("tar"))
        .arg("-C")
        .arg(at("gnu"))
        .args(["--no-same-owner", "sparse"])
        .status();
    assert!(tar.expect("tar").success());
    for made in [at("gnu/sparse"), at("tree/files/sparse"), at("cat")] {
        use std::os::unix::fs::{FileExt, MetadataExt};
        let file = std::fs::File::open(&made).expect("file");
        let about = file.metadata().expect("stat");
        assert!(about.len() >= 4 << 40, "{made:?}");
        assert!(about.blocks() < 1024, "{made:?}: its holes are filled");
        let mut middle = [0; 13];
        file.read_exact_at(&mut middle, 1 << 40).expect("middle");
        assert_eq!(&middle, b"in the middle", "{made:?}");
    }
    // Nothing of it through a pipe that has no holes; and a limit is a limit.
    let node_text = node.path().to_str().expect("path");
    let piped = ["snapshots", "cat", node_text, "default/sleeper", "/sparse"];
    assert_eq!(coroner(&piped.map(str::to_owned)).code, Some(8));
    let ran = coroner(&run(
        &["snapshots", "export", "--max-file", "1"],
        &at("small"),
    ));
    assert_eq!(ran.code, Some(8));
    // An ordinary user is told of attributes first, which he may not read.
    assert!(!is_root() || ran.err.contains("--max-file"), "{}", ran.err);
}
