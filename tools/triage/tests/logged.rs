//! What the node's own logs say, beside the findings: on a real node whose daemon panicked again and again.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    reason = "a test may fail, and reads its own files"
)]

use std::io::Write;
use std::path::Path;

use cli::{Exit, try_run};
use coroner_triage::{PREFLIGHT, TOOL};
use serde_json::Value;

const META: &str = "var/lib/containerd/io.containerd.metadata.v1.bolt/meta.db";

/// The node of `testdata/journals/starts`.
fn node() -> testcase::Tar {
    let packed = testcase::testdata().join("journals/starts/node.tar.zst");
    let tar = zstd::decode_all(std::fs::read(packed).unwrap().as_slice()).unwrap();
    testcase::Tar::read_tar(&tar)
}

fn written(node: &testcase::Tar) -> tempfile::NamedTempFile {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(&node.write()).unwrap();
    file
}

fn triage(node: &Path, more: &[&str]) -> Value {
    let mut args = vec!["triage", "--format", "json"];
    args.extend(more);
    args.push(node.to_str().unwrap());
    let (json, _) = try_run(&TOOL, args);
    serde_json::from_str(&json).unwrap()
}

fn finding<'j>(json: &'j Value, code: &str) -> Option<&'j Value> {
    let findings = json["answer"]["findings"].as_array().unwrap();
    findings.iter().find(|finding| finding["code"] == code)
}

#[test]
fn a_finding_shows_the_nodes_own_line_with_its_time() {
    let node = written(&node());
    let json = triage(node.path(), &[]);
    let found = finding(&json, "bolt/page-zero").unwrap();
    let logged = &found["logged"];
    assert_eq!(logged["message"], "bolt-page-id", "{found}");
    assert_eq!(logged["by"], "containerd");
    assert!(
        logged["said"]
            .as_str()
            .unwrap()
            .starts_with("panic: assertion failed: Page expected to be: 5"),
        "{logged}"
    );
    assert!(
        logged["at"]
            .as_str()
            .unwrap()
            .starts_with("2026-11-28T18:37:16"),
        "{logged}"
    );
    assert!(logged["times"].as_u64().unwrap() > 1);
    // What a finding explains is no finding of its own.
    assert!(finding(&json, "log/unexplained").is_none());
    // Lines that are not wanted are not looked for.
    let json = triage(node.path(), &["--no-logs"]);
    assert!(finding(&json, "bolt/page-zero").unwrap()["logged"].is_null());
}

#[test]
fn a_failed_start_that_nothing_explains_is_a_finding_of_its_own() {
    let mut node = node();
    // Somebody put the database away; the log still says what it was.
    node.remove(META);
    let node = written(&node);
    let json = triage(node.path(), &[]);
    let found = finding(&json, "log/unexplained").unwrap();
    assert_eq!(found["severity"], "damage");
    let message = found["message"].as_str().unwrap();
    assert!(
        message.contains("panic") && message.contains("2026-11-28T18:37:16"),
        "{message}"
    );
    assert!(
        found["logged"]["said"]
            .as_str()
            .unwrap()
            .contains("Page expected to be")
    );
}

#[test]
fn healthy_nodes_have_no_line_and_no_such_finding() {
    let nodes = testcase::testdata().join("nodes");
    for name in ["1.6-stopped", "1.7-stopped", "2.1-stopped"] {
        let file = nodes.join(name).join("node.tar.zst");
        let json = triage(&file, &[]);
        let findings = json["answer"]["findings"].as_array().unwrap();
        assert!(
            findings.iter().all(|finding| finding["logged"].is_null()),
            "{name}"
        );
        assert!(finding(&json, "log/unexplained").is_none(), "{name}");
    }
}

/// A start on a healthy node that ends in a panic.
const FAILED: &str = "\
2026-11-21T06:00:10.000000+00:00 node systemd[1]: Starting containerd.service - containerd container runtime...
2026-11-21T06:00:10.100000+00:00 node containerd[52]: time=\"2026-11-21T06:00:10.100000000Z\" level=info msg=\"starting containerd\" revision= version=1.7.24
2026-11-21T06:00:10.200000+00:00 node containerd[52]: panic: plugin: no type
2026-11-21T06:00:10.300000+00:00 node systemd[1]: containerd.service: Main process exited, code=exited, status=2/INVALIDARGUMENT
2026-11-21T06:00:10.300100+00:00 node systemd[1]: containerd.service: Failed with result 'exit-code'.
";

#[test]
fn a_node_whose_last_start_failed_is_not_said_to_start() {
    let mut node = testcase::node("1.7-rebooted");
    node.add("var/log/syslog", FAILED.as_bytes());
    let node = written(&node);
    let json = triage(node.path(), &[]);
    assert!(finding(&json, "log/unexplained").is_some());
    let (start, said) = (
        &json["answer"]["verdict"]["start"],
        &json["answer"]["verdict"]["sentence"],
    );
    assert_eq!(start, "unknown");
    let words = said.as_str().unwrap();
    assert!(
        words.starts_with("Nothing that was checked keeps containerd from starting, but its last start, at 2026-11-21T06:00:10"),
        "{words}"
    );
    assert!(words.contains("plugin: no type"), "{words}");
    // Preflight says the same.
    let path = node.path().to_str().unwrap();
    let (text, exit) = try_run(&PREFLIGHT, ["preflight", "--format", "json", path]);
    let json: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(&json["answer"]["sentence"], said);
    assert_eq!(&json["answer"]["predictions"][0]["sentence"], said);
    assert_eq!(exit, Exit::UNREAD);
    // What was not looked for is not told.
    let path = node.path();
    let json = triage(path, &["--no-logs"]);
    assert_eq!(json["answer"]["verdict"]["start"], "yes");
}

#[test]
fn a_failed_start_of_another_machine_or_before_a_later_one_is_not_this_nodes_last() {
    let told = |log: &str| {
        let mut node = testcase::node("1.7-rebooted");
        node.add("etc/hostname", b"node\n");
        node.add("var/log/syslog", log.as_bytes());
        let node = written(&node);
        let json = triage(node.path(), &[]);
        finding(&json, "log/unexplained").is_some()
    };
    assert!(told(FAILED));
    // A host for logs keeps those of many.
    assert!(!told(&FAILED.replace(" node ", " node7 ")));
    assert!(told(&FAILED.replace(" node ", " node.example.com ")));
    // Records of meta.db are younger: a daemon came up after that.
    assert!(!told(&FAILED.replace("2026-11-21T06", "2026-11-20T06")));
}
