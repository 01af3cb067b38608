//! The stream of every capture, in every shape, and that other programs take it.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::disallowed_methods,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    reason = "a test may fail, and writes what it reads"
)]

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use cli::{Exit, try_run};
use coroner_timeline::TOOL;
use finding::Time;
use serde_json::Value;

fn run(node: &Path, more: &[&str]) -> (String, Exit) {
    let words = ["timeline", "--quiet"].iter().chain(more);
    let words = words.map(|word| OsStr::new(*word).to_owned());
    try_run(&TOOL, words.chain([node.as_os_str().to_owned()]))
}

fn capture(name: &str) -> PathBuf {
    testcase::testdata()
        .join("nodes")
        .join(name)
        .join("node.tar.zst")
}

fn lines(text: &str) -> Vec<Value> {
    text.lines()
        .map(|line| serde_json::from_str(line).expect(line))
        .collect()
}

fn text_field<'v>(value: &'v Value, key: &str) -> &'v str {
    value[key].as_str().unwrap_or_default()
}

/// What Timesketch's importers demand of a line, and what ours promises besides.
fn check_event(event: &Value, last: &mut i64) {
    for key in ["message", "datetime", "timestamp_desc"] {
        assert!(!text_field(event, key).is_empty(), "{key}: {event}");
    }
    let datetime = text_field(event, "datetime");
    assert!(
        datetime.ends_with("+00:00") && datetime.len() == 32,
        "{event}"
    );
    let time = Time::parse(datetime).unwrap();
    let micros = time.seconds * 1_000_000 + i64::from(time.nanos / 1000);
    assert_eq!(event["timestamp"].as_i64(), Some(micros), "{event}");
    assert!(*last <= micros, "{event}");
    *last = micros;
    assert!(
        text_field(event, "data_type").starts_with("containerd:"),
        "{event}"
    );
    assert!(
        !text_field(event, "data_type").contains([' ', '-']),
        "{event}"
    );
    assert!(!text_field(event, "source_short").is_empty(), "{event}");
    let recovered = event["recovered"].as_bool().unwrap();
    assert_eq!(recovered, event.get("confidence").is_some(), "{event}");
    assert_eq!(recovered, event.get("bolt_page").is_some(), "{event}");
    if let Some(tags) = event.get("tag") {
        assert!(!tags.as_array().unwrap().is_empty(), "{event}");
    }
    for key in ["namespace", "container_id", "image", "digest", "file_path"] {
        assert!(
            event.get(key).is_none_or(Value::is_string),
            "{key}: {event}"
        );
    }
}

#[test]
fn timesketch_gets_every_field_of_every_capture() {
    for name in testcase::nodes() {
        let (text, exit) = run(&capture(&name), &["--format", "jsonl"]);
        assert_eq!(exit, Exit::CLEAN, "{name}");
        let events = lines(&text);
        assert!(events.len() > 100, "{name}: {}", events.len());
        let mut last = i64::MIN;
        for event in &events {
            check_event(event, &mut last);
        }
    }
}

/// What the daemon itself said of its containers and images is in the stream, to the nanosecond.
#[test]
fn times_are_those_that_the_daemon_told() {
    let mut checked = 0;
    for name in testcase::nodes()
        .iter()
        .filter(|name| name.ends_with("-stopped"))
    {
        let folder = testcase::testdata().join("nodes").join(name);
        let truth = fs::read_to_string(folder.join("truth.json")).unwrap();
        let truth: Value = serde_json::from_str(&truth).unwrap();
        let (text, _) = run(&capture(name), &["--format", "json", "--no-files"]);
        let events = lines(&text);
        for status in truth["api"]["cri"]["containers"].as_array().unwrap() {
            let id = status["status"]["id"].as_str().expect("id");
            let at = |key: &str| status["status"][key].clone();
            for (what, key) in [
                ("created", "created_at"),
                ("started", "started_at"),
                ("finished", "finished_at"),
            ] {
                let nanos = at(key);
                let nanos = nanos
                    .as_i64()
                    .or_else(|| nanos.as_str()?.parse().ok())
                    .unwrap();
                if nanos == 0 {
                    continue;
                }
                // The client kept numbers of JSON: seven digits of the fraction are right.
                let is_near = |event: &Value| {
                    let time = Time::parse(event["time"].as_str().unwrap()).unwrap();
                    let found = i128::from(time.seconds) * 1_000_000_000 + i128::from(time.nanos);
                    (found - i128::from(nanos)).abs() < 1000
                };
                let found = events.iter().any(|event| {
                    event["store"] == "cri"
                        && event["name"] == id
                        && is_near(event)
                        && event["what"]
                            .as_array()
                            .unwrap()
                            .contains(&Value::from(what))
                });
                assert!(found, "{name}: {id} {what} {nanos}");
                checked += 1;
            }
        }
    }
    assert!(checked > 10, "{checked}");
}

#[test]
fn json_has_a_head_a_tail_and_all_between_in_order() {
    let (text, exit) = run(&capture("1.7-stopped"), &["--format", "json"]);
    assert_eq!(exit, Exit::CLEAN);
    let lines = lines(&text);
    assert_eq!(lines[0]["schema"], "coroner/timeline/1");
    let tail = lines.last().unwrap();
    let events = &lines[1..lines.len() - 1];
    assert_eq!(tail["events"].as_u64(), u64::try_from(events.len()).ok());
    assert_eq!(tail["exit"], 0);
    let times: Vec<Time> = events
        .iter()
        .map(|event| Time::parse(event["time"].as_str().unwrap()).unwrap())
        .collect();
    assert!(times.is_sorted());
    let stores: BTreeSet<&str> = events
        .iter()
        .map(|event| event["store"].as_str().unwrap())
        .collect();
    for store in [
        "meta",
        "snapshotter",
        "content",
        "files",
        "cri",
        "logs",
        "runtime",
        "network",
        "config",
        "databases",
    ] {
        assert!(stores.contains(store), "{store}");
    }
}

#[test]
fn filters_keep_what_they_say() {
    let node = capture("1.7-stopped");
    let (all, _) = run(&node, &["--format", "json"]);
    let all = lines(&all);
    let events = &all[1..all.len() - 1];
    let middle = events[events.len() / 2]["time"].as_str().unwrap();
    let count = |more: &[&str]| {
        let words: Vec<&str> = more.iter().copied().chain(["--format", "json"]).collect();
        let (text, _) = run(&node, &words);
        let lines = lines(&text);
        lines[1..lines.len() - 1].to_vec()
    };
    let (before, after) = (count(&["--to", middle]), count(&["--from", middle]));
    assert_eq!(before.len() + after.len(), events.len());
    assert!(
        before
            .iter()
            .all(|event| event["time"].as_str() < Some(middle) || event["time"] != middle)
    );
    let mine = count(&["--only", "container=sleeper"]);
    let want = events
        .iter()
        .filter(|event| event["container"] == "sleeper")
        .count();
    assert_eq!(mine.len(), want);
    let kinds: BTreeSet<&str> = mine
        .iter()
        .map(|event| event["store"].as_str().unwrap())
        .collect();
    for store in ["meta", "snapshotter", "files", "runtime"] {
        assert!(kinds.contains(store), "{store} of {kinds:?}");
    }
    assert!(count(&["--only", "store=files", "--no-files"]).is_empty());
    // As in its pod, and as other answers name it.
    let server = count(&["--only", "container=apps/web/server"]);
    let id = text_field(&server[0], "container").to_owned();
    assert!(server.iter().all(|event| event["container"] == *id));
    assert_eq!(
        count(&["--only", &format!("container={id}")]).len(),
        server.len()
    );
    assert_eq!(
        count(&["--only", &format!("container=k8s.io/{id}")]).len(),
        server.len()
    );
    // A name that nothing has is not an empty day.
    for none in [
        "container=apps/web/nobody",
        "image=nobody",
        "namespace=nobody",
    ] {
        assert_eq!(
            run(&node, &["--only", none, "--no-files"]).1,
            Exit::USAGE,
            "{none}"
        );
    }
    let (_, exit) = run(&node, &["--from", "2026-11-21", "--to", "2026-11-20"]);
    assert_eq!(exit, Exit::USAGE);
    let (old, exit) = run(&node, &["--output-format", "jsonl"]);
    assert_eq!(exit, Exit::CLEAN, "the old name still works");
    assert_eq!(old, run(&node, &["--format", "jsonl"]).0);
}

/// A real daemon's databases after forty containers and more were deleted.
#[test]
fn what_was_deleted_is_told_and_marked() {
    for release in ["1.6", "1.7", "2.1"] {
        let from = testcase::testdata().join("carve").join(release);
        let node = tempfile::tempdir().unwrap();
        let root = node.path().join("var/lib/containerd");
        let meta = root.join("io.containerd.metadata.v1.bolt");
        let overlay = root.join("io.containerd.snapshotter.v1.overlayfs");
        fs::create_dir_all(&meta).unwrap();
        fs::create_dir_all(overlay.join("snapshots")).unwrap();
        for (name, to) in [("meta.db", &meta), ("metadata.db", &overlay)] {
            let packed = fs::read(from.join(format!("{name}.zst"))).unwrap();
            fs::write(to.join(name), zstd::decode_all(packed.as_slice()).unwrap()).unwrap();
        }
        let truth = fs::read_to_string(from.join("truth.tsv")).unwrap();
        let gone: Vec<&str> = truth
            .lines()
            .filter_map(|line| line.strip_prefix("container\tdefault\t"))
            .collect();
        let (text, _) = run(
            node.path(),
            &["--format", "json", "--only", "kind=container"],
        );
        let events = lines(&text);
        for id in gone.iter().rev().take(5) {
            let found = events.iter().find(|event| event["name"] == *id).expect(id);
            let recovered = &found["recovered"];
            assert_ne!(recovered["status"], "live", "{release} {found}");
            assert!(recovered["confidence"].is_string(), "{release} {found}");
            assert!(found["message"].as_str().unwrap().contains('['), "{found}");
        }
        let (text, _) = run(
            node.path(),
            &["--format", "json", "--no-carve", "--only", "kind=container"],
        );
        let clean = lines(&text)
            .iter()
            .all(|event| event.get("recovered").is_none());
        assert!(clean, "{release}");
    }
}

/// A database that cannot be read whole is never passed over.
#[test]
fn what_is_damaged_is_incomplete() {
    let sample = testcase::testdata().join("sample/broken.tar.zst");
    for (more, says) in [
        (&[][..], "This is incomplete:"),
        (&["--format", "json"][..], "\"unknown\":{"),
    ] {
        let (text, exit) = run(&sample, more);
        assert_eq!(exit, Exit::UNREAD);
        assert!(text.contains(says), "{more:?}");
    }
    let (_, exit) = run(&sample, &["--format", "bodyfile"]);
    assert_eq!(exit, Exit::UNREAD);
}

/// The lines that mactime makes of a body file: one for each time of each name and inode.
fn mactime_lines(body: &str) -> BTreeMap<(u64, String, String), BTreeSet<char>> {
    let mut want: BTreeMap<(u64, String, String), BTreeSet<char>> = BTreeMap::new();
    for line in body.lines() {
        let fields: Vec<&str> = line.split('|').collect();
        assert_eq!(fields.len(), 11, "{line}");
        assert_eq!(fields[0], "0");
        assert!(
            fields[3].len() == 12 && fields[3].as_bytes()[1] == b'/',
            "{line}"
        );
        for (at, letter) in [(7, 'a'), (8, 'm'), (9, 'c'), (10, 'b')] {
            let time: u64 = fields[at].parse().expect(line);
            let key = (time, fields[2].to_owned(), fields[1].to_owned());
            want.entry(key).or_default().insert(letter);
        }
        assert!((7..11).any(|at| fields[at] != "0"), "{line}");
        assert!(
            fields[2].parse::<u64>().is_ok() && fields[6].parse::<u64>().is_ok(),
            "{line}"
        );
    }
    want
}

fn mactime(body: &str) -> String {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("body");
    fs::write(&path, body).unwrap();
    let ran = Command::new("mactime")
        .args(["-d", "-y", "-z", "UTC", "-b"])
        .arg(&path)
        .output()
        .unwrap();
    assert_eq!(String::from_utf8_lossy(&ran.stderr), "");
    assert!(ran.status.success());
    String::from_utf8_lossy(&ran.stdout).into_owned()
}

#[test]
#[ignore = "needs mactime (Debian: sleuthkit)"]
fn mactime_takes_the_body_of_every_capture() {
    let has = Command::new("mactime").arg("-V").output().is_ok();
    if !testcase::may_run("mactime", has) {
        return;
    }
    for name in testcase::nodes() {
        let (body, exit) = run(&capture(&name), &["--format", "bodyfile"]);
        assert_eq!(exit, Exit::CLEAN, "{name}");
        let want = mactime_lines(&body);
        let listed = mactime(&body);
        // A line more: the head.
        assert_eq!(listed.lines().count(), want.len() + 1, "{name}");
    }
}

/// A container's tree with names that end fields and lines.
fn hostile() -> tempfile::TempDir {
    let node = tempfile::tempdir().unwrap();
    let root = node.path().join("var/lib/containerd");
    fs::create_dir_all(root.join("io.containerd.metadata.v1.bolt")).unwrap();
    let fs_dir = root.join("io.containerd.snapshotter.v1.overlayfs/snapshots/1/fs");
    fs::create_dir_all(&fs_dir).unwrap();
    for name in NAMES {
        fs::write(fs_dir.join(OsStr::from_bytes(name)), b"x").unwrap();
    }
    std::os::unix::fs::symlink("/etc/shadow|x\n", fs_dir.join("link")).unwrap();
    node
}

const NAMES: &[&[u8]] = &[
    b"a|b",
    b"line\nend",
    b"%41%7c",
    b"100%",
    b"\xff\xfe",
    b"back\\slash",
    b"\x1b[2Jclear",
    "\u{202e}txt".as_bytes(),
    b"0|passwd|1|r-rwxrwxrwx|0|0|1|1|1|1|1",
];

#[test]
fn hostile_names_stay_in_their_line() {
    let node = hostile();
    let (body, _) = run(
        node.path(),
        &["--format", "bodyfile", "--only", "store=files"],
    );
    assert_eq!(body.lines().count(), NAMES.len() + 2);
    mactime_lines(&body);
    let (text, _) = run(node.path(), &["--only", "store=files"]);
    assert!(!text.contains('\u{1b}') && !text.contains('\u{202e}'));
    let (events, _) = run(node.path(), &["--format", "jsonl", "--only", "store=files"]);
    let mut last = i64::MIN;
    for event in lines(&events) {
        check_event(&event, &mut last);
    }
}

#[test]
#[ignore = "needs mactime (Debian: sleuthkit)"]
fn mactime_reads_hostile_names_back() {
    let has = Command::new("mactime").arg("-V").output().is_ok();
    if !testcase::may_run("mactime", has) {
        return;
    }
    let node = hostile();
    let (body, _) = run(
        node.path(),
        &["--format", "bodyfile", "--only", "store=files"],
    );
    let want = mactime_lines(&body);
    let listed = mactime(&body);
    assert_eq!(listed.lines().count(), want.len() + 1);
    for name in [
        "/a|b\"",
        "/line\\x0aend\"",
        "/%41%7c\"",
        "/100%\"",
        "/\\xff\\xfe\"",
        "/0|passwd|1|",
    ] {
        assert!(listed.contains(name), "{name} of {listed}");
    }
}
