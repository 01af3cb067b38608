//! What fsck saved, in real captures: beside a store that lacks it, among the snapshots, or nothing to do
//! with either.

use checks::{Measured, Start};
use finding::{Finding, Severity};
use testcase::Tar;

use crate::opened;

const ROOT: &str = "var/lib/containerd";
const SNAPSHOTS: &str = "var/lib/containerd/io.containerd.snapshotter.v1.overlayfs/snapshots";
const META: &str = "var/lib/containerd/io.containerd.metadata.v1.bolt/meta.db";

/// The findings about lost+found, and whether containerd may be started.
fn judged(tar: &Tar) -> (Vec<Finding>, Start) {
    let node = opened::node(tar);
    let report = checks::judge(&node, &Measured::default());
    let release = daemon::detect(&node.traces);
    let verdict = checks::verdict(&node, &report, &release, node.now);
    let findings = report.findings.into_iter();
    let ours = findings.filter(|finding| finding.code.name == "store/lost-found");
    (ours.collect(), verdict.start)
}

/// Moves a file, or a folder with all in it.
fn move_to(tar: &mut Tar, from: &str, to: &str) {
    for member in &mut tar.members {
        let rest = member.path.strip_prefix(from.as_bytes());
        if let Some(rest) = rest.filter(|rest| matches!(rest.first(), None | Some(b'/'))) {
            member.path = [to.as_bytes(), rest].concat();
        }
    }
}

fn one(tar: &Tar) -> (Finding, Start) {
    let (mut findings, start) = judged(tar);
    assert_eq!(findings.len(), 1, "{findings:#?}");
    (findings.remove(0), start)
}

#[test]
fn an_empty_one_says_nothing() {
    for node in testcase::nodes() {
        let mut tar = testcase::node(&node);
        for folder in [ROOT, "var/lib", "var"] {
            tar.push(&format!("{folder}/lost+found"), b'5', "", b"");
        }
        assert_eq!(judged(&tar).0, [], "{node}");
    }
}

#[test]
fn what_the_next_clean_up_deletes_forbids_a_start() {
    let mut tar = testcase::node("1.7-stopped");
    tar.push(&format!("{SNAPSHOTS}/lost+found"), b'5', "", b"");
    let (findings, start) = judged(&tar);
    assert_eq!((findings.len(), start != Start::No), (0, true));
    tar.add(&format!("{SNAPSHOTS}/lost+found/#4711"), b"saved");
    let (finding, start) = one(&tar);
    assert_eq!((finding.severity, start), (Severity::Damage, Start::No));
    assert!(
        finding.what_to_do().starts_with("Do not start"),
        "{finding:#?}"
    );
}

#[test]
fn the_folder_of_a_snapshot_is_pointed_to_where_one_is_missing() {
    let mut tar = testcase::node("1.7-stopped");
    let some = tar.paths(SNAPSHOTS, "/fs");
    let folder = some
        .first()
        .unwrap()
        .strip_suffix("/fs")
        .unwrap()
        .to_owned();
    move_to(&mut tar, &folder, "var/lib/lost+found/#131077");
    tar.push("var/lib/lost+found", b'5', "", b"");
    let (finding, _) = one(&tar);
    assert_eq!(finding.severity, Severity::Damage);
    assert!(finding.message.contains("#131077"), "{}", finding.message);
}

#[test]
fn a_whole_database_is_pointed_to_where_it_is_missing() {
    let mut tar = testcase::node("1.7-stopped");
    let mut copy = tar.member(META).clone();
    copy.path = format!("{ROOT}/lost+found/#12").into_bytes();
    tar.push(&format!("{ROOT}/lost+found"), b'5', "", b"");
    tar.members.push(copy);
    // A healthy node needs it not.
    assert_eq!(one(&tar).0.severity, Severity::Note);
    tar.remove(META);
    let (finding, _) = one(&tar);
    assert_eq!(finding.severity, Severity::Damage);
    assert!(finding.message.contains("#12"), "{}", finding.message);
}

/// meta.db may lie there: it is asked about before a new one is built.
#[test]
fn a_database_is_asked_about_before_another_is_built() {
    for is_saved in [true, false] {
        let mut tar = testcase::node("1.7-stopped");
        if is_saved {
            tar.push(&format!("{ROOT}/lost+found"), b'5', "", b"");
            move_to(&mut tar, META, &format!("{ROOT}/lost+found/#131105"));
        }
        tar.remove(META);
        let report = opened::report(&tar);
        let mut all = report.findings.iter();
        let missing = all.find(|it| it.code.name == "store/meta-missing").unwrap();
        let commands = missing.ways.iter().flat_map(finding::Remedy::commands);
        let commands: Vec<String> = commands.map(ToString::to_string).collect();
        let at = |start: &str| commands.iter().position(|it| it.starts_with(start));
        let asks = at("coroner preflight '--meta-db=/var/lib/containerd/lost+found/#131105'");
        assert_eq!(asks.is_some(), is_saved, "{commands:#?}");
        assert!(
            asks.is_none_or(|asks| Some(asks) < at("coroner repair plan")),
            "{commands:#?}"
        );
    }
}
