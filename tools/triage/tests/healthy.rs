//! Every capture of a healthy node is called healthy: packed in any way, unpacked, measured.

#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    reason = "tests panic where something is wrong"
)]

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;

use cli::{Exit, try_run};
use coroner_triage::TOOL;
use serde_json::Value;

/// What is above a note, and what the report says is not known.
fn wrong(report: &Value) -> Vec<String> {
    let list = |value: &Value| value.as_array().cloned().unwrap_or_default();
    let findings = list(&report["findings"]).into_iter();
    let mut wrong: Vec<String> = findings
        .filter(|finding| finding["severity"] != "note")
        .map(|finding| format!("{} {}", finding["code"], finding["message"]))
        .collect();
    let unknown = list(&report["coverage"]["unknown"]);
    wrong.extend(unknown.iter().map(|unknown| format!("unknown: {unknown}")));
    wrong
}

fn is_healthy(path: &Path, options: &[&str]) {
    let path = path.to_str().expect("path");
    let words = ["triage", "--format", "json"];
    let words = words.iter().chain(options).chain([&path]).copied();
    let (text, exit) = try_run(&TOOL, words);
    let report: Value =
        serde_json::from_str(&text).unwrap_or_else(|e| panic!("{path}: {e}: {text}"));
    let report = &report["answer"];
    let wrong = wrong(report);
    assert!(wrong.is_empty(), "{path} {options:?}: {wrong:#?}");
    assert_eq!(exit, Exit::CLEAN, "{path} {options:?}");
    assert_eq!(report["verdict"]["start"], "yes", "{path} {options:?}");
}

fn captures() -> impl Iterator<Item = (String, PathBuf)> {
    let names = testcase::nodes().into_iter();
    names.map(|name| {
        let path = testcase::testdata().join("nodes").join(&name);
        (name, path.join("node.tar.zst"))
    })
}

#[test]
fn captures_are_healthy_as_they_are_packed() {
    for (_, path) in captures() {
        is_healthy(&path, &["--hash"]);
    }
}

#[test]
fn captures_are_healthy_as_plain_tar_and_gz() {
    let folder = tempfile::tempdir().expect("folder");
    for (name, _) in captures() {
        let tar = zstd::decode_all(testcase::packed(&name).as_slice()).expect("zstd");
        let plain = folder.path().join("node.tar");
        std::fs::write(&plain, &tar).expect("tar");
        is_healthy(&plain, &["--hash"]);
        let packed = folder.path().join("node.tar.gz");
        let file = std::fs::File::create(&packed).expect("gz");
        let mut encoder = flate2::write::GzEncoder::new(file, flate2::Compression::fast());
        encoder.write_all(&tar).expect("gz");
        encoder.finish().expect("gz");
        is_healthy(&packed, &["--hash"]);
    }
}

#[test]
#[ignore = "needs root: a capture holds devices and trusted xattrs"]
fn captures_are_healthy_as_directories() {
    let id = Command::new("id").arg("-u").output().expect("id");
    if !testcase::may_run("root", id.stdout == b"0\n") {
        return;
    }
    for (name, path) in captures() {
        let folder = tempfile::tempdir().expect("folder");
        let mut command = Command::new("tar");
        command.arg("-C").arg(folder.path()).arg("-xf").arg(&path);
        command.args([
            "--zstd",
            "--xattrs",
            "--xattrs-include=*",
            "--numeric-owner",
            "--same-permissions",
        ]);
        let status = command.status().expect("tar");
        assert!(status.success(), "{name}: tar");
        is_healthy(folder.path(), &["--hash", "--usage"]);
    }
}
