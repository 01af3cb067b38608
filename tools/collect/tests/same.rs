//! What is found in a masked bundle is what is found in the node, but for what rests on what is
//! masked: that is not checked, and said to be.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::disallowed_methods,
    clippy::print_stderr,
    reason = "a test may fail, and makes the evidence that it reads"
)]

use std::collections::BTreeSet;
use std::path::Path;
use std::process::Command;

use evidence::{Evidence, Options};
use testcase::Edits;

/// Codes and places of all findings, and codes that were not checked because values are masked; nothing where
/// it is not said that any are.
fn findings(path: &Path) -> (BTreeSet<(String, String)>, Option<BTreeSet<String>>) {
    let evidence = Evidence::open(path, &Options::default()).unwrap();
    let roots = node::discover(&evidence, &node::Said::default()).remove(0);
    let node = node::Node::open(&evidence, roots, node::Options::default());
    let report = checks::judge(&node, &checks::Measured::default());
    let says = report
        .coverage
        .skipped
        .iter()
        .any(|line| line.contains("secrets are masked"));
    let keys = report
        .findings
        .iter()
        .map(|finding| (finding.code.name.to_owned(), finding.location.to_string()));
    let abstained = report.coverage.abstained.iter();
    let masked = abstained.filter(|one| one.because.starts_with("values are masked in "));
    let untold = masked.map(|one| one.code.to_owned()).collect();
    (keys.collect(), says.then_some(untold))
}

/// Evidence, packed with and without its secrets.
fn compare(name: &str, tar: &testcase::Tar, wrong: &mut Vec<String>) {
    let work = tempfile::tempdir().unwrap();
    let node = work.path().join("node.tar");
    std::fs::write(&node, tar.write()).unwrap();
    let pack = |output: &Path, more: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_coroner-collect"));
        let done = command
            .arg(&node)
            .arg("-o")
            .arg(output)
            .args(more)
            .output()
            .unwrap();
        assert!(
            matches!(done.status.code(), Some(0 | 8)),
            "{name}: {}",
            String::from_utf8_lossy(&done.stderr)
        );
    };
    let (open, masked) = (work.path().join("open"), work.path().join("masked"));
    pack(&open, &[]);
    pack(&masked, &["--redact"]);
    let ((open, _), (masked, says)) = (findings(&open), findings(&masked));
    let untold = says.clone().unwrap_or_default();
    // What an unfinished write holds is masked, and whether it blocks a pull rests on it.
    let rests = |code: &str| matches!(code, "ingest/blocks-pull" | "ingest/stale");
    let is_told = |code: &String| rests(code) || untold.contains(code);
    for (code, place) in open.difference(&masked).filter(|(code, _)| !is_told(code)) {
        wrong.push(format!("{name}: {code} at {place} is lost"));
    }
    // Whether its bytes are right is not known then, and said.
    let is_untold = |code: &str, place: &String| {
        let blocks = ("ingest/blocks-pull".to_owned(), place.clone());
        code == "ingest/complete" && open.contains(&blocks)
    };
    let new = masked.difference(&open);
    for (code, place) in new.filter(|(code, place)| !rests(code) && !is_untold(code, place)) {
        wrong.push(format!("{name}: {code} at {place} is new"));
    }
    if says.is_none() {
        wrong.push(format!("{name}: nothing is said to be masked"));
    }
}

#[test]
fn nodes_are_judged_alike_without_their_secrets() {
    let mut wrong = Vec::new();
    for name in testcase::nodes() {
        compare(&name, &testcase::node(&name), &mut wrong);
    }
    for line in &wrong {
        eprintln!("{line}");
    }
    assert!(wrong.is_empty(), "{} are not the same", wrong.len());
}

#[test]
fn damage_is_found_alike_without_secrets() {
    let mut wrong = Vec::new();
    let folders = std::fs::read_dir(testcase::testdata().join("cases")).unwrap();
    let mut folders: Vec<_> = folders
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.join("edits.toml").exists())
        .collect();
    folders.sort();
    // One in six, and all of them where there is time: each is packed twice.
    let step = if std::env::var_os("CORONER_ALL").is_some() {
        1
    } else {
        6
    };
    let folders: Vec<_> = folders.into_iter().step_by(step).collect();
    for folder in &folders {
        let name = folder.file_name().unwrap().to_string_lossy().into_owned();
        let tar = Edits::read_edits(folder).apply(folder);
        compare(&name, &tar, &mut wrong);
    }
    for line in &wrong {
        eprintln!("{line}");
    }
    assert!(
        wrong.is_empty(),
        "{} are not the same in {} cases",
        wrong.len(),
        folders.len()
    );
}
