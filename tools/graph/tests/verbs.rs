//! The verbs on captures, whose owners and sizes are known.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::disallowed_methods,
    reason = "tests panic where something is wrong"
)]

use std::path::{Path, PathBuf};

use cli::{Exit, Tool, try_run};
use serde_json::Value;

fn node(name: &str) -> String {
    let nodes = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../testdata/nodes");
    let path: PathBuf = nodes.join(name).join("node.tar.zst");
    path.to_str().unwrap().to_owned()
}

fn text(tool: &Tool, words: &[&str]) -> (String, Exit) {
    try_run(tool, [&[tool.name], words].concat())
}

fn json(tool: &Tool, words: &[&str]) -> (Value, Exit) {
    let (text, exit) = try_run(tool, [&[tool.name, "--format", "json"], words].concat());
    let document: Value = serde_json::from_str(&text).unwrap_or_else(|_| panic!("{text}"));
    (document["answer"].clone(), exit)
}

#[test]
fn coroner_does_nothing_but_simulate() {
    let (said, exit) = text(&coroner_graph::GC, &[&node("1.7-stopped")]);
    assert_eq!(exit, Exit::USAGE);
    assert!(said.contains("--simulate"), "{said}");
}

#[test]
fn a_collection_after_a_day_takes_what_the_interrupted_pull_left() {
    for name in ["1.6-midpull", "1.7-midpull", "2.1-midpull"] {
        let (now, exit) = json(&coroner_graph::GC, &["--simulate", &node(name)]);
        assert_eq!(exit, Exit::CLEAN);
        assert_eq!(now["totals"]["snapshots"]["deleted"], 0, "{name}");
        let (tomorrow, _) = json(
            &coroner_graph::GC,
            &["--simulate", "--at", "+25h", &node(name)],
        );
        let deleted = tomorrow["deleted"].as_array().unwrap();
        let layer = deleted.iter().find(|item| item["writable"] == true);
        let layer = layer.unwrap_or_else(|| panic!("{name}: no writable layer"));
        assert!(
            layer["key"].as_str().unwrap().contains("extract-"),
            "{layer}"
        );
        let ingest = deleted
            .iter()
            .find(|item| item["what"] == "ingest" && item["store"] == "content");
        assert!(ingest.unwrap()["size"].as_u64().unwrap() > 0);
    }
}

#[test]
fn the_release_decides() {
    let words = |release: &'static str| ["--simulate", "--daemon", release];
    for (release, rules) in [
        ("1.6", "tested"),
        ("1.7.24", "tested"),
        ("2.0", "from-source"),
        ("v2.3.1", "from-source"),
    ] {
        let path = node("1.7-stopped");
        let (answer, _) = json(
            &coroner_graph::GC,
            &[&words(release)[..], &[path.as_str()]].concat(),
        );
        assert_eq!(answer["rules"], rules, "{release}");
        assert!(release.contains(answer["daemon"].as_str().unwrap()));
    }
    let (said, exit) = text(
        &coroner_graph::GC,
        &["--simulate", "--daemon", "1.5", &node("1.7-stopped")],
    );
    assert_eq!(exit, Exit::USAGE, "{said}");
}

#[test]
fn a_snapshot_is_kept_by_an_image_and_by_a_container() {
    let path = node("1.7-stopped");
    // The top of the image packed, on which a container of default stands.
    let (answer, exit) = json(
        &coroner_graph::WHY,
        &["-n", "default", &path, "9e5705af", "--kind", "snapshot"],
    );
    assert_eq!(exit, Exit::CLEAN);
    let objects = answer["objects"].as_array().unwrap();
    assert_eq!(objects.len(), 1, "{answer:#}");
    assert_eq!(objects[0]["held"], "forever");
    let roots: Vec<&str> = objects[0]["chains"]
        .as_array()
        .unwrap()
        .iter()
        .map(|chain| chain["root"]["kind"].as_str().unwrap())
        .collect();
    assert!(
        roots.contains(&"image") && roots.contains(&"container"),
        "{roots:?}"
    );
    for chain in objects[0]["chains"].as_array().unwrap() {
        let last = chain["steps"].as_array().unwrap().last().unwrap();
        assert_eq!(last["to"]["key"], objects[0]["key"]);
    }
}

#[test]
fn names_are_found_by_their_beginnings_and_only_if_that_is_one() {
    let path = node("1.7-stopped");
    let (said, exit) = text(&coroner_graph::WHY, &[&path, "has-exp"]);
    assert_eq!(exit, Exit::CLEAN, "{said}");
    assert!(
        said.contains("Nothing keeps it since 2020-01-02T03:04:05Z"),
        "{said}"
    );
    let (said, exit) = text(&coroner_graph::WHY, &[&path, "sha256:"]);
    assert_eq!(exit, Exit::USAGE);
    assert!(said.contains("begins the names of several"), "{said}");
    let (said, exit) = text(&coroner_graph::WHY, &[&path, "nobody"]);
    assert_eq!(exit, Exit::USAGE);
    assert!(said.contains("no such object"), "{said}");
}

#[test]
fn what_a_damaged_page_hides_is_not_said_to_be_absent() {
    let sample = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../testdata/sample/broken.tar.zst");
    let sample = sample.to_str().unwrap();
    let (said, exit) = text(&coroner_graph::WHY, &[sample, "nobody"]);
    assert_eq!(exit, Exit::UNREAD, "{said}");
    let (answer, exit) = json(&coroner_graph::GC, &["--simulate", sample]);
    assert!(exit.has(Exit::UNREAD));
    let undecided = answer["undecided"].as_array().unwrap();
    assert!(undecided.iter().any(|item| item["namespace"] == "default"));
    // No image of the namespace whose images cannot be read loses anything for sure.
    let deleted = answer["deleted"].as_array().unwrap();
    assert!(
        deleted.iter().all(|item| item["namespace"] != "default"),
        "{answer:#}"
    );
}
