//! Starts of real daemons with configurations that a seed made (`testdata/make/configs`,
//! `testdata/recorded/configs`): what is foretold of each, against what was seen.
//!
//! The capture of a stopped node stands for the lab's, which had the same stores. It lacks programs and
//! disks, so that a snapshotter which asks for those is undecided here, and may be decided there.

#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    clippy::arithmetic_side_effects,
    reason = "tests panic where something is wrong"
)]

use std::collections::{BTreeMap, BTreeSet};

use cli::try_run;
use coroner_triage::PREFLIGHT;
use serde_json::Value;
use testcase::Tar;

/// What came of a start, compared with what was foretold.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Verdict {
    Right,
    Undecided,
    /// A failure was foretold, and there was none.
    Alarm,
    /// Another failure was foretold.
    Wrong,
    /// It was said to start, and did not, or without its CRI.
    Danger,
}

fn recorded(release: &str) -> Vec<Value> {
    let path = testcase::testdata().join(format!("recorded/configs/{release}.jsonl.zst"));
    let packed = std::fs::read(&path).expect("a recording");
    let text = zstd::decode_all(packed.as_slice()).expect("zstd");
    let text = String::from_utf8(text).expect("text");
    text.lines()
        .map(|line| serde_json::from_str(line).expect("JSON"))
        .collect()
}

/// The node with the files of a start in the place of its configuration.
fn with_files(node: &Tar, row: &Value) -> Tar {
    let mut tar = node.clone();
    tar.members
        .retain(|member| !member.path.starts_with(b"etc/containerd/"));
    for (path, text) in row["files"].as_object().expect("files") {
        tar.add(path, text.as_str().expect("text").as_bytes());
    }
    tar
}

fn score(row: &Value, answer: &Value) -> Verdict {
    let seen = row["outcome"].as_str().expect("outcome");
    let predictions = answer["predictions"].as_array().expect("predictions");
    let foretold: BTreeSet<&str> = predictions
        .iter()
        .filter_map(|one| one["outcome"].as_str())
        .collect();
    let has_cri = predictions.iter().any(|one| one["has_cri"] == true);
    let unknown = predictions
        .iter()
        .any(|one| !one["not_known"].as_array().is_none_or(Vec::is_empty));
    let boots = foretold == BTreeSet::from(["boots"]);
    if seen == "cri-dead" && boots && !has_cri {
        return Verdict::Right;
    }
    if foretold == BTreeSet::from([seen]) && !(seen == "boots" && answer["start"] == "unknown") {
        return Verdict::Right;
    }
    if answer["start"] == "unknown"
        || foretold.contains("unknown")
        || unknown && answer["start"] != "no"
    {
        return Verdict::Undecided;
    }
    match seen {
        "boots" => Verdict::Alarm,
        _ if boots => Verdict::Danger,
        _ => Verdict::Wrong,
    }
}

/// Compares all starts of a release: none that was said to start and did not; few alarms, few that are
/// not decided, few of which another failure was foretold.
fn compare(release: &str) {
    let folder = tempfile::tempdir().expect("folder");
    let path = folder.path().join("node.tar");
    let mut counts: BTreeMap<Verdict, usize> = BTreeMap::new();
    let mut told = Vec::new();
    let node = testcase::node(&format!("{release}-stopped"));
    let rows = recorded(release);
    assert!(rows.len() >= 100, "{}", rows.len());
    for row in &rows {
        std::fs::write(&path, with_files(&node, row).write()).expect("tar");
        let words = [
            "preflight",
            "--format",
            "json",
            path.to_str().expect("path"),
        ];
        let (text, _) = try_run(&PREFLIGHT, words);
        let json: Value =
            serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error}: {text}"));
        let verdict = score(row, &json["answer"]);
        *counts.entry(verdict).or_default() += 1;
        if verdict > Verdict::Undecided {
            let sentence = &json["answer"]["sentence"];
            told.push(format!(
                "{} {verdict:?}: seen {}: {sentence} {}",
                row["seed"], row["outcome"], row["last"]
            ));
        }
    }
    let told = told.join("\n");
    let of = |verdict| counts.get(&verdict).copied().unwrap_or_default();
    assert_eq!(of(Verdict::Danger), 0, "{counts:?}\n{told}");
    assert!(of(Verdict::Alarm) * 50 <= rows.len(), "{counts:?}\n{told}");
    assert!(of(Verdict::Wrong) * 50 <= rows.len(), "{counts:?}\n{told}");
    let decided = rows.len() - of(Verdict::Undecided);
    assert!(decided * 100 >= rows.len() * 85, "{counts:?}\n{told}");
}

#[test]
fn what_1_6_made_of_configurations_is_foretold() {
    compare("1.6");
}

#[test]
fn what_1_7_made_of_configurations_is_foretold() {
    compare("1.7");
}

#[test]
fn what_2_1_made_of_configurations_is_foretold() {
    compare("2.1");
}
