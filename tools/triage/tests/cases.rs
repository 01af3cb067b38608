//! Every case of `testdata/cases`: a fault in a real capture, and the finding that it must give.

#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    reason = "tests panic where something is wrong"
)]

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use cli::try_run;
use coroner_triage::TOOL;
use serde_json::Value;
use testcase::{Edits, Tar};

/// Codes that no case can have, and where they are provoked instead.
const ELSEWHERE: &[(&str, &str)] = &[
    (
        "cni/plugin-file-missing",
        "an edit makes no empty folder: formats/checks/tests/silent.rs",
    ),
    (
        "docker/pid-stale",
        "processes are made for it: formats/checks/tests/docker.rs",
    ),
    (
        "registry/registries-yaml-unusable",
        "an edit moves no store to where k3s has it: formats/checks/tests/silent.rs",
    ),
    (
        "store/state-kept",
        "an edit moves no clock: formats/checks/tests/state_kept.rs",
    ),
    (
        "store/other-database",
        "an edit exchanges no files: formats/checks/tests/exchanged.rs, tools/repair's of real daemons",
    ),
    (
        "store/owner-changed",
        "an edit changes no owner: formats/checks/tests/config.rs",
    ),
    (
        "meta/value-large",
        "an edit cannot make a value grow: formats/metadb/src/unknown.rs",
    ),
    (
        "layer/damaged",
        "an image is built around it: tools/content/tests/layers.rs",
    ),
    (
        "layer/diff-id",
        "an image is built around it: tools/content/tests/layers.rs",
    ),
    (
        "layer/label",
        "its edit counts the labels: tools/content/tests/layers.rs",
    ),
    (
        "layer/bomb",
        "an image is built around it: tools/content/tests/layers.rs",
    ),
    (
        "layer/entry",
        "an image is built around it: tools/content/tests/layers.rs",
    ),
    (
        "runtime/daemon-stuck",
        "a tar of files holds no processes: formats/stuck/tests/states/daemon.rs",
    ),
    (
        "runtime/cgroup-version-differs",
        "captures hold no table of mounts: formats/checks/tests/ground.rs",
    ),
    (
        "runtime/kernel-lacks",
        "captures hold no kernel: formats/checks/tests/ground.rs",
    ),
    (
        "cri/sandbox-record-gone",
        "made by tools/triage/tests/lost.rs",
    ),
    (
        "runtime/bundle-incomplete",
        "made by tools/triage/tests/lost.rs",
    ),
    (
        "container/options-gone",
        "made by tools/triage/tests/lost.rs",
    ),
    ("snapshot/label-gone", "made by tools/triage/tests/lost.rs"),
    (
        "runtime/daemon-replaced",
        "only where processes were seen; formats/checks/tests/replaced.rs",
    ),
    (
        "store/daemon-elsewhere",
        "only where processes were seen; formats/checks/tests/replaced.rs",
    ),
    (
        "snapshot/store-copied",
        "only on a machine that runs; formats/checks/tests/copied.rs",
    ),
    (
        "runtime/daemon-cut-off",
        "only on a machine that runs; formats/checks/tests/cut_off.rs",
    ),
    (
        "runtime/daemon-at-limit",
        "only where processes were seen; formats/stuck/tests/states/limits.rs, formats/checks/tests/limits.rs",
    ),
    (
        "runtime/at-limit",
        "only where processes were seen; formats/stuck/tests/states/limits.rs, formats/checks/tests/limits.rs",
    ),
    (
        "runtime/slowed",
        "only where processes were seen; formats/stuck/tests/states/limits.rs, formats/checks/tests/limits.rs",
    ),
    (
        "runtime/shim-left",
        "a tar of files holds no processes: formats/stuck/tests/states/left.rs",
    ),
    (
        "runtime/stuck",
        "a tar of files holds no processes: formats/checks/tests/runtime.rs, testdata/make/runtime",
    ),
    (
        "runtime/socket-orphan",
        "a tar holds no sockets: formats/checks/tests/runtime.rs",
    ),
    (
        "runtime/socket-missing",
        "a tar holds no sockets: formats/checks/tests/runtime.rs, testdata/make/e2e",
    ),
    (
        "runtime/program-missing",
        "captures hold no programs: formats/checks/tests/runtime_programs.rs",
    ),
    (
        "runtime/cgroup-driver-differs",
        "captures hold no kubelet: formats/checks/tests/cgroup_driver.rs",
    ),
    (
        "runtime/program-broken",
        "captures hold no programs: formats/checks/tests/runtime_programs.rs",
    ),
    (
        "store/split",
        "a tar knows no device: formats/checks/tests/disk.rs",
    ),
    (
        "store/immutable",
        "a tar knows no flags: formats/checks/tests/disk.rs, testdata/make/e2e",
    ),
    (
        "store/disk-full",
        "a tar knows no room: formats/checks/tests/disk.rs, testdata/make/e2e",
    ),
    (
        "store/disk-not-mounted",
        "a tar knows no mounts: formats/checks/tests/root_disk.rs",
    ),
    (
        "content/layer-count",
        "triage tells it as image/document-unusable: formats/content/tests",
    ),
];

fn folders() -> Vec<PathBuf> {
    let entries = std::fs::read_dir(testcase::testdata().join("cases")).expect("testdata/cases");
    let folders = entries.map(|entry| entry.expect("entry").path());
    let mut folders: Vec<PathBuf> = folders
        .filter(|path| path.join("edits.toml").exists())
        .collect();
    folders.sort();
    folders
}

fn list(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

/// Triages a tar; the answer and the exit code.
fn triage(tar: &Tar, options: &[String]) -> (Value, u8) {
    let folder = tempfile::tempdir().expect("folder");
    let path = folder.path().join("node.tar");
    std::fs::write(&path, tar.write()).expect("tar");
    triage_file(&path, options)
}

fn triage_file(path: &Path, options: &[String]) -> (Value, u8) {
    let words = ["triage", "--format", "json"]
        .map(str::to_owned)
        .into_iter();
    let words = words.chain(options.iter().cloned());
    let (text, exit) = try_run(
        &TOOL,
        words.chain([path.to_str().expect("path").to_owned()]),
    );
    let json: Value = serde_json::from_str(&text).unwrap_or_else(|e| panic!("{e}: {text}"));
    (json["answer"].clone(), exit.0)
}

/// Objects that a finding affects, as a person would write them.
fn objects(finding: &Value) -> Vec<String> {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let affects = list(&finding["affects"]).iter();
    affects
        .map(|object| match object["namespace"].as_str() {
            Some(namespace) => format!(
                "{} {namespace}/{}",
                text(&object["kind"]),
                text(&object["name"])
            ),
            None => format!("{} {}", text(&object["kind"]), text(&object["name"])),
        })
        .collect()
}

/// What is wrong with the answer to a case.
fn complaints(edits: &Edits, answer: &Value, exit: u8) -> Vec<String> {
    let mut wrong = Vec::new();
    let findings = list(&answer["findings"]);
    let says = |finding: &&Value| {
        let file = finding["location"]["file"].as_str().unwrap_or_default();
        finding["code"] == edits.code.as_str()
            && file.ends_with(&edits.file)
            && (edits.severity.is_empty() || finding["severity"] == edits.severity.as_str())
            && (edits.object.is_empty()
                || objects(finding)
                    .iter()
                    .any(|object| object.ends_with(&edits.object)))
    };
    if !findings.iter().any(|finding| says(&finding)) {
        let same = findings
            .iter()
            .filter(|finding| finding["code"] == edits.code.as_str());
        wrong.push(format!(
            "it is not found; of its code: {:?}",
            same.collect::<Vec<_>>()
        ));
    }
    // One fault is one finding, with everything that it affects.
    let same = findings
        .iter()
        .filter(|finding| finding["code"] == edits.code.as_str());
    let same = same.filter(|finding| finding["severity"] != "note").count();
    // One case breaks two things of one kind.
    if same > 1 && edits.code != "snapshot/pool-disagrees" {
        wrong.push(format!("told {same} times"));
    }
    for finding in findings
        .iter()
        .filter(|finding| finding["severity"] != "note")
    {
        let code = finding["code"].as_str().unwrap_or_default();
        if code != edits.code && !edits.also.iter().any(|also| also == code) {
            wrong.push(format!("also found: {code} {}", finding["message"]));
        }
    }
    if exit != edits.exit {
        let unknown = &answer["coverage"]["unknown"];
        wrong.push(format!(
            "exit {exit}, not {}; unknown: {unknown}, unread: {}",
            edits.exit, answer["coverage"]["unread"]
        ));
    }
    wrong
}

#[test]
fn each_case_gives_its_finding_and_no_other() {
    let mut wrong = Vec::new();
    for folder in folders() {
        let edits = Edits::read_edits(&folder);
        let (answer, exit) = triage(&edits.apply(&folder), &edits.options);
        let name = folder
            .file_name()
            .and_then(|name| name.to_str())
            .expect("name")
            .to_owned();
        wrong.extend(
            complaints(&edits, &answer, exit)
                .into_iter()
                .map(|text| format!("{name}: {text}")),
        );
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn each_code_has_a_case() {
    let codes: BTreeSet<String> = folders()
        .iter()
        .map(|folder| Edits::read_edits(folder).code)
        .collect();
    let checks = checks::CHECKS.iter().map(|check| check.code);
    let formats = [metadb::CODES, runc::CODES, content::CODES]
        .into_iter()
        .flatten()
        .copied();
    let lacking: Vec<&str> = checks
        .chain(formats)
        .map(|code| code.name)
        .filter(|name| !codes.contains(*name) && !ELSEWHERE.iter().any(|(code, _)| code == name))
        .collect();
    assert!(
        lacking.is_empty(),
        "no case in testdata/cases has {lacking:?}"
    );
    let unknown: Vec<&String> = codes
        .iter()
        .filter(|code| !checks::codes().iter().any(|known| known.name == *code))
        .collect();
    assert!(
        unknown.is_empty(),
        "cases of codes that there are not: {unknown:?}"
    );
}

#[test]
fn the_sample_is_what_its_edits_make_of_it() {
    let folder = testcase::testdata().join("sample");
    let edited = Edits::read_edits(&folder).apply(&folder);
    let (edited, exit) = triage(&edited, &["--hash".to_owned()]);
    let (broken, other) = triage_file(&folder.join("broken.tar.zst"), &["--hash".to_owned()]);
    let codes = |answer: &Value| -> Vec<String> {
        let findings = list(&answer["findings"]).iter();
        findings
            .map(|finding| format!("{} {}", finding["code"], finding["location"]))
            .collect()
    };
    assert_eq!(codes(&edited), codes(&broken));
    assert_eq!(exit, other);
}

#[test]
fn the_way_out_of_a_changed_layer_compares_every_layer() {
    for name in ["snapshot-layer-differs", "snapshot-layer-marks"] {
        let folder = testcase::testdata().join("cases").join(name);
        let edits = Edits::read_edits(&folder);
        let (answer, _) = triage(&edits.apply(&folder), &edits.options);
        let code = edits.code.as_str();
        let mut found = list(&answer["findings"]).iter();
        let found = found.find(|finding| finding["code"] == code).expect(name);
        let ways = found["ways"].to_string();
        assert!(ways.contains("--every-layer"), "{name}: {ways}");
    }
}
