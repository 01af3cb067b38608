//! Daily use: what is new since the last time, what is known, and what fits one screen.

#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::disallowed_methods,
    reason = "tests panic where something is wrong"
)]

use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use cli::{Exit, Options, Out, try_run};
use coroner_triage::TOOL;
use serde_json::Value;
use tempfile::TempDir;
use testcase::Tar;

const NODE: &str = "1.7-stopped";

/// Writes `tar` into the folder.
fn put(folder: &TempDir, name: &str, tar: &Tar) -> String {
    let path = folder.path().join(name);
    std::fs::write(&path, tar.write()).expect("tar");
    path.to_str().expect("path").to_owned()
}

fn triage(words: &[&str]) -> (Value, Exit) {
    let words = ["triage", "--format", "json"].iter().chain(words).copied();
    let (text, exit) = try_run(&TOOL, words);
    let json = serde_json::from_str(&text).unwrap_or_else(|e| panic!("{e}: {text}"));
    (json, exit)
}

/// Triages and writes the answer down.
fn taken(folder: &TempDir, name: &str, words: &[&str]) -> PathBuf {
    let path = folder.path().join(name);
    let (json, _) = triage(words);
    std::fs::write(&path, json.to_string()).expect("json");
    path
}

fn path_text(path: &Path) -> &str {
    path.to_str().expect("path")
}

fn codes(list: &Value) -> Vec<&str> {
    let list = list.as_array().expect("a list").iter();
    let mut codes: Vec<&str> = list.filter_map(|entry| entry["code"].as_str()).collect();
    codes.sort_unstable();
    codes
}

fn layer(tar: &Tar) -> usize {
    let blobs = "var/lib/containerd/io.containerd.content.v1.content/blobs/sha256/";
    let is_layer = |path: &String| {
        let at = tar.position(path).expect("a blob");
        tar.members[at].data.starts_with(&[0x1f, 0x8b])
    };
    let path = tar.paths(blobs, "").into_iter().find(is_layer);
    tar.position(&path.expect("a gzipped layer"))
        .expect("a blob")
}

/// A node that lacks a layer's blob.
fn without_layer() -> Tar {
    let mut tar = testcase::node(NODE);
    let at = layer(&tar);
    tar.members.remove(at);
    tar
}

/// A node with an empty address file.
fn without_address() -> Tar {
    let mut tar = testcase::node(NODE);
    let path = "run/containerd/io.containerd.runtime.v2.task/default/sleeper/address";
    tar.member(path).data.clear();
    tar
}

#[test]
fn what_was_known_is_not_shown_again() {
    let folder = tempfile::tempdir().expect("folder");
    let node = put(&folder, "node.tar", &without_layer());
    let old = taken(&folder, "old.json", &[&node]);
    let (all, exit) = triage(&[&node]);
    assert!(exit.has(Exit::FINDINGS));
    let (again, exit) = triage(&["--baseline", path_text(&old), &node]);
    let answer = &again["answer"];
    assert_eq!(codes(&answer["findings"]), [""; 0]);
    assert!(!exit.has(Exit::FINDINGS), "{exit:?}");
    let known = all["answer"]["findings"]
        .as_array()
        .expect("findings")
        .len();
    assert_eq!(answer["baseline"]["same"], known);
    assert_eq!(codes(&answer["baseline"]["gone"]), [""; 0]);
    // What a start would do does not depend on who knows of it.
    assert_eq!(answer["verdict"], all["answer"]["verdict"]);
    let (shown, _) = try_run(&TOOL, ["triage", "--baseline", path_text(&old), &node]);
    assert!(
        shown.contains(&format!("0 new, {known} as before, 0 gone")),
        "{shown}"
    );
}

#[test]
fn what_is_new_is_shown_and_what_is_gone_is_counted() {
    let folder = tempfile::tempdir().expect("folder");
    let before = put(&folder, "before.tar", &without_layer());
    let after = put(&folder, "after.tar", &without_address());
    let old = taken(&folder, "old.json", &[&before]);
    let (json, exit) = triage(&["--baseline", path_text(&old), &after]);
    let answer = &json["answer"];
    assert_eq!(codes(&answer["findings"]), ["runtime/address-damaged"]);
    assert!(exit.has(Exit::FINDINGS));
    let gone = codes(&answer["baseline"]["gone"]);
    assert!(gone.contains(&"blob/missing"), "{gone:?}");
    assert!(!gone.contains(&"runtime/address-damaged"));

    let new = taken(&folder, "new.json", &[&after]);
    let (json, exit) = triage_diff(&old, &new, &[]);
    let answer = &json["answer"];
    assert_eq!(codes(&answer["new"]), ["runtime/address-damaged"]);
    assert_eq!(codes(&answer["gone"]), gone);
    assert!(
        exit.has(Exit::FINDINGS) && !exit.has(Exit::UNREAD),
        "{exit:?}"
    );
    let (back, exit) = triage_diff(&new, &old, &["--fail-on", "never"]);
    assert_eq!(codes(&back["answer"]["new"]), gone);
    assert_eq!(codes(&back["answer"]["gone"]), ["runtime/address-damaged"]);
    assert_eq!(exit, Exit::CLEAN);
    let (same, exit) = triage_diff(&new, &new, &[]);
    assert_eq!(codes(&same["answer"]["new"]), [""; 0]);
    assert_eq!(exit, Exit::CLEAN);
}

fn triage_diff(a: &Path, b: &Path, options: &[&str]) -> (Value, Exit) {
    let words = [
        "triage",
        "diff",
        "--format",
        "json",
        path_text(a),
        path_text(b),
    ];
    let (text, exit) = try_run(&TOOL, words.iter().chain(options).copied());
    let json = serde_json::from_str(&text).unwrap_or_else(|e| panic!("{e}: {text}"));
    (json, exit)
}

#[test]
fn what_was_not_looked_for_is_not_gone() {
    let folder = tempfile::tempdir().expect("folder");
    let mut tar = testcase::node(NODE);
    let at = layer(&tar);
    let byte = tar.members[at].data.last_mut().expect("a byte");
    *byte ^= 1;
    let node = put(&folder, "node.tar", &tar);
    let hashed = taken(&folder, "hashed.json", &["--hash", &node]);
    let plain = taken(&folder, "plain.json", &[&node]);
    let (json, exit) = triage_diff(&hashed, &plain, &[]);
    let answer = &json["answer"];
    assert_eq!(codes(&answer["unjudged"]), ["blob/altered"]);
    assert_eq!(codes(&answer["gone"]), [""; 0]);
    assert!(exit.has(Exit::UNREAD));
    // And what is found because it is looked for now was perhaps there before.
    let (json, _) = triage_diff(&plain, &hashed, &[]);
    let answer = &json["answer"];
    assert_eq!(codes(&answer["new"]), ["blob/altered"]);
    assert_eq!(answer["unjudged_before"].as_array().map(Vec::len), Some(1));
}

#[test]
fn another_severity_is_a_change() {
    let folder = tempfile::tempdir().expect("folder");
    let node = put(&folder, "node.tar", &without_layer());
    let old = taken(&folder, "old.json", &[&node]);
    let milder = std::fs::read_to_string(&old).expect("json");
    let milder = milder.replace("\"severity\":\"damage\"", "\"severity\":\"odd\"");
    let new = folder.path().join("milder.json");
    std::fs::write(&new, milder).expect("json");
    let (worse, exit) = triage_diff(&new, &old, &[]);
    let changed = &worse["answer"]["changed"];
    assert!(codes(changed).contains(&"blob/missing"), "{changed}");
    assert_eq!(changed[0]["was"], "odd");
    assert!(exit.has(Exit::FINDINGS));
    let (_, exit) = triage_diff(&old, &new, &[]);
    assert_eq!(exit, Exit::CLEAN);
    let (json, exit) = triage(&["--baseline", path_text(&new), &node]);
    assert!(codes(&json["answer"]["findings"]).contains(&"blob/missing"));
    assert!(exit.has(Exit::FINDINGS));
}

#[test]
fn what_is_no_triage_is_told_as_that() {
    let folder = tempfile::tempdir().expect("folder");
    let path = folder.path().join("x.json");
    let node = put(&folder, "node.tar", &testcase::node(NODE));
    let only_new = taken(&folder, "old.json", &[&node]);
    let baseline = taken(
        &folder,
        "new.json",
        &["--baseline", path_text(&only_new), &node],
    );
    let summary = taken(&folder, "summary.json", &["--summary", &node]);
    for (bytes, why) in [
        ("", "not JSON"),
        ("[]", "its schema is nothing"),
        (
            r#"{"schema":"coroner/bolt-check/2"}"#,
            "its schema is coroner/bolt-check/2",
        ),
        (
            r#"{"schema":"coroner/triage/1","answer":{}}"#,
            "lists no findings",
        ),
        (
            r#"{"schema":"coroner/triage/1","answer":{"findings":[{"severity":"odd"}]}}"#,
            "an older coroner",
        ),
        (
            &std::fs::read_to_string(baseline).expect("json"),
            "--baseline",
        ),
        (
            &std::fs::read_to_string(summary).expect("json"),
            "--summary",
        ),
    ] {
        std::fs::write(&path, bytes).expect("json");
        let (said, exit) = try_run(
            &TOOL,
            ["triage", "diff", path_text(&path), path_text(&path)],
        );
        assert!(said.contains(why), "{bytes}: {said}");
        assert_eq!(exit, Exit::USAGE);
    }
    let (_, exit) = try_run(&TOOL, ["triage", "diff", "/nothing.json", path_text(&path)]);
    assert_eq!(exit, Exit::UNREAD);
}

#[test]
fn what_is_ignored_is_counted_and_still_judged() {
    let folder = tempfile::tempdir().expect("folder");
    let node = put(&folder, "node.tar", &without_layer());
    let (all, _) = triage(&[&node]);
    let (json, exit) = triage(&["--ignore", "blob/*,image/content-missing", &node]);
    let answer = &json["answer"];
    assert!(!codes(&answer["findings"]).contains(&"blob/missing"));
    assert_eq!(answer["ignored"]["blob/missing"], 1);
    assert_eq!(answer["verdict"], all["answer"]["verdict"]);
    assert!(
        !exit.has(Exit::FINDINGS),
        "{exit:?}: {}",
        answer["findings"]
    );
    let (said, exit) = try_run(&TOOL, ["triage", "--ignore", "blob/nothing", &node]);
    assert_eq!(exit, Exit::USAGE, "{said}");
}

#[test]
fn the_exit_code_follows_fail_on() {
    let folder = tempfile::tempdir().expect("folder");
    let damaged = put(&folder, "damaged.tar", &without_layer());
    let whole = put(&folder, "whole.tar", &testcase::node(NODE));
    for (node, severity, fails) in [
        (&damaged, "note", true),
        (&damaged, "odd", true),
        (&damaged, "damage", true),
        (&damaged, "fatal", false),
        (&damaged, "never", false),
        (&whole, "odd", false),
        (&whole, "note", true),
    ] {
        let (_, exit) = triage(&["--fail-on", severity, node]);
        assert_eq!(exit.has(Exit::FINDINGS), fails, "{severity} {exit:?}");
    }
}

#[derive(Clone, Default)]
struct Screen(Arc<Mutex<Vec<u8>>>);

impl Write for Screen {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().expect("screen").extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// What a terminal of 80 columns shows.
fn shown(words: &[&str]) -> Vec<String> {
    let words = ["triage"].iter().chain(words);
    let matches = TOOL
        .command()
        .try_get_matches_from(words)
        .expect("arguments");
    let screen = Screen::default();
    let mut out = Out::to(
        Box::new(screen.clone()),
        Options::default(),
        false,
        Some(80),
    );
    (TOOL.run)(&matches, &mut out).expect("an answer");
    let bytes = screen.0.lock().expect("screen").clone();
    let text = String::from_utf8(bytes).expect("text");
    text.lines().map(str::to_owned).collect()
}

/// A node on which nearly everything is broken: many findings of many kinds.
fn ruin() -> Tar {
    let mut tar = testcase::node(NODE);
    let mut number = 0;
    tar.members.retain_mut(|member| {
        let path = String::from_utf8_lossy(&member.path).into_owned();
        number += 1;
        if path.contains("/blobs/sha256/") && member.data.len() > 10 {
            match number % 4 {
                0 => return false,
                1 => member.data.truncate(10),
                2 => member.data[0] ^= 1,
                _ => member.path.extend(b"-stray"),
            }
        } else if path.ends_with("/status") && path.contains("/containers/") {
            member.data.truncate(number % 3);
            return number % 2 == 0;
        } else if path.starts_with("run/containerd/") {
            if path.ends_with("/address") {
                member.data.clear();
            }
            if path.ends_with("/state.json") {
                member.data.truncate(100 * (number % 3));
            }
            return !path.ends_with("/config.json");
        } else if path.contains("/ingest/") {
            return !path.ends_with("/ref");
        }
        !path.contains("overlayfs/snapshots/1")
    });
    let native = "var/lib/containerd/io.containerd.snapshotter.v1.native/metadata.db";
    tar.member(native).data.truncate(5000);
    tar
}

#[test]
fn the_first_screen_is_one_screen() {
    let folder = tempfile::tempdir().expect("folder");
    let ruin = put(&folder, "ruin.tar", &ruin());
    let whole = put(&folder, "whole.tar", &testcase::node(NODE));
    let old = taken(&folder, "old.json", &[&whole]);
    let (json, _) = triage(&[&ruin]);
    let kinds = json["answer"]["summary"]["codes"]
        .as_array()
        .expect("codes")
        .len();
    assert!(kinds > 10, "the ruin has only {kinds} kinds of findings");
    for options in [
        vec!["--summary", "--sample"],
        vec!["--summary", &ruin],
        vec![
            "--summary",
            "--ignore",
            "runtime/*",
            "--baseline",
            path_text(&old),
            &ruin,
        ],
        vec!["--summary", &whole],
    ] {
        let lines = shown(&options);
        assert!(
            lines.len() <= 23,
            "{options:?}: {} lines\n{}",
            lines.len(),
            lines.join("\n")
        );
        for line in &lines {
            // A path is not broken: it is there to be copied.
            let is_path = line.split_whitespace().any(|word| word.len() > 60);
            assert!(is_path || line.chars().count() <= 80, "{options:?}: {line}");
        }
        // Without --summary the same lines come first.
        let rest: Vec<&str> = options.iter().skip(1).copied().collect();
        assert_eq!(shown(&rest)[..lines.len()], lines, "{options:?}");
    }
    let lines = shown(&["--summary", &ruin]);
    assert!(
        lines
            .iter()
            .any(|line| line.contains("more kinds of findings")),
        "{lines:#?}"
    );
    // What did not fit is there below.
    let all = shown(&[&ruin]);
    let told = |line: &&String| line.starts_with("FATAL ") || line.starts_with("DAMAGE ");
    assert!(
        all.iter().filter(told).count()
            > lines.iter().filter(|line| line.starts_with("  ")).count() / 4,
        "{all:#?}"
    );
    assert!(all.len() > lines.len() * 3, "{}", all.len());
}
