//! `orphans`: what nothing owns, proven; and nothing called so where a database is damaged.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a test may fail"
)]

use cli::{Exit, try_run};
use coroner_snapshots::TOOL;
use serde_json::Value;
use testcase::Tar;

const OVERLAY: &str = "var/lib/containerd/io.containerd.snapshotter.v1.overlayfs/";
const META: &str = "var/lib/containerd/io.containerd.metadata.v1.bolt/meta.db";

fn orphans(tar: &Tar) -> (Vec<Value>, Value, Exit) {
    let file = tempfile::Builder::new().suffix(".tar").tempfile().unwrap();
    std::fs::write(file.path(), tar.write()).unwrap();
    let words = [
        "snapshots",
        "orphans",
        "--format",
        "json",
        file.path().to_str().unwrap(),
    ];
    let (text, exit) = try_run(&TOOL, words);
    let answer: Value = serde_json::from_str(&text).expect(&text);
    let answer = answer["answer"].clone();
    (answer["orphans"].as_array().unwrap().clone(), answer, exit)
}

fn orphans_without(all: &[Value], lacks: &str) -> Vec<Value> {
    let fits = |one: &&Value| one["lacks"] == lacks;
    all.iter().filter(fits).cloned().collect()
}

#[test]
fn healthy_nodes_have_none_that_lacks_a_row_or_a_directory() {
    for name in testcase::nodes()
        .iter()
        .filter(|name| !name.ends_with("-killed"))
    {
        let (all, answer, exit) = orphans(&testcase::node(name));
        assert!(!exit.has(Exit::UNREAD), "{name}: {answer}");
        assert_eq!(orphans_without(&all, "row"), Vec::<Value>::new(), "{name}");
        assert_eq!(
            orphans_without(&all, "directory"),
            Vec::<Value>::new(),
            "{name}"
        );
        for one in &all {
            assert!(
                !one["proof"].as_array().unwrap().is_empty(),
                "{name}: {one}"
            );
        }
    }
}

/// A directory that no row knows, as a crash between the rename and the commit leaves it.
fn with_directory(id: u64) -> Tar {
    let mut tar = testcase::node("1.7-stopped");
    let from = format!("{OVERLAY}snapshots/1");
    let to = format!("{OVERLAY}snapshots/{id}");
    let mut copies = Vec::new();
    for member in &tar.members {
        let path = String::from_utf8_lossy(&member.path).into_owned();
        if let Some(rest) = path.strip_prefix(&from)
            && (rest.is_empty() || rest.starts_with('/'))
        {
            let mut copy = member.clone();
            copy.path = format!("{to}{rest}").into_bytes();
            copies.push(copy);
        }
    }
    tar.members.extend(copies);
    tar
}

#[test]
fn a_directory_without_a_row_is_told_with_its_size_and_proof() {
    for (id, says) in [(500, "never given 500"), (13, "")] {
        let (all, _, exit) = orphans(&with_directory(id));
        let found = orphans_without(&all, "row");
        if says.is_empty() {
            // 13 has a row: two members of one name are one directory.
            assert!(found.is_empty());
            continue;
        }
        assert!(exit.has(Exit::FINDINGS) && !exit.has(Exit::UNREAD));
        assert_eq!(found.len(), 1);
        let proof = found[0]["proof"].to_string();
        assert!(
            proof.contains("was read whole") && proof.contains(says),
            "{proof}"
        );
        assert_eq!(found[0]["id"], id);
        assert!(
            found[0]["usage"]["inodes"].as_u64().unwrap() > 20,
            "{}",
            found[0]
        );
    }
}

#[test]
fn nothing_is_an_orphan_where_its_database_is_damaged() {
    let mut tar = with_directory(500);
    let db = tar.member(&format!("{OVERLAY}metadata.db"));
    // The leaf that holds the snapshots, whichever it is: every page behind the metas.
    let end = db.data.len();
    db.data[2 * 4096..end].fill(0);
    let (all, answer, exit) = orphans(&tar);
    assert!(exit.has(Exit::UNREAD));
    assert_eq!(orphans_without(&all, "row"), Vec::<Value>::new());
    assert!(
        !answer["abstained"].as_array().unwrap().is_empty(),
        "{answer}"
    );

    let mut tar = with_directory(500);
    let db = tar.member(META);
    let end = db.data.len();
    db.data[2 * 4096..end].fill(0);
    let (all, answer, exit) = orphans(&tar);
    assert!(exit.has(Exit::UNREAD), "{answer}");
    assert_eq!(orphans_without(&all, "meta-row"), Vec::<Value>::new());
    assert_eq!(orphans_without(&all, "holder"), Vec::<Value>::new());
    // metadata.db is whole: what lacks a row there still does.
    assert_eq!(orphans_without(&all, "row").len(), 1);
}

#[test]
fn a_row_without_a_directory_and_what_is_half_made_are_told() {
    let mut tar = testcase::node("1.7-stopped");
    let from = format!("{OVERLAY}snapshots/2/");
    tar.members
        .retain(|member| !member.path.starts_with(from.as_bytes()));
    let mut half = tar.member(&format!("{OVERLAY}snapshots/3")).clone();
    half.path = format!("{OVERLAY}snapshots/new-123").into_bytes();
    tar.members.push(half);
    let (all, _, exit) = orphans(&tar);
    assert!(exit.has(Exit::FINDINGS));
    let lacking = orphans_without(&all, "directory");
    assert_eq!(lacking.len(), 1, "{lacking:?}");
    assert_eq!(lacking[0]["id"], 2);
    let half = orphans_without(&all, "end");
    assert_eq!(half.len(), 1, "{half:?}");
    assert!(half[0]["path"].as_str().unwrap().ends_with("new-123"));
}
