//! What a person reads of each case of `testdata/cases`: verdict, what a start does, findings with
//! their remedies, as `said.txt` beside the case's edits. `UPDATE=1` writes them anew.

#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::disallowed_methods,
    reason = "tests panic where something is wrong"
)]

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use testcase::Edits;

fn folders() -> Vec<PathBuf> {
    let entries = std::fs::read_dir(testcase::testdata().join("cases")).expect("testdata/cases");
    let folders = entries.map(|entry| entry.expect("entry").path());
    let mut folders: Vec<PathBuf> = folders
        .filter(|path| path.join("edits.toml").exists())
        .collect();
    folders.sort();
    folders
}

/// What `triage` prints of a node.
fn triage(node: &Path, options: &[String]) -> (String, i32) {
    let ran = Command::new(env!("CARGO_BIN_EXE_coroner-triage"))
        .args(["--color", "never"])
        .args(options)
        .arg(node)
        .output()
        .expect("coroner-triage");
    let text = String::from_utf8(ran.stdout).expect("UTF-8");
    (text, ran.status.code().expect("an exit code"))
}

/// What a start does, one thing each.
fn starts(text: &str) -> Vec<&str> {
    let mut all = text.split("\n\n");
    let all = all.find_map(|part| part.strip_prefix("At a start, containerd:\n  - "));
    all.into_iter()
        .flat_map(|list| list.split("\n  - "))
        .collect()
}

/// What `triage` prints of a case, and not of the node before it was broken. What the evidence is,
/// and what was read of it, stands in the goldens of `tools/coroner`.
fn said(folder: &Path, healthy: &[String]) -> String {
    let edits = Edits::read_edits(folder);
    let place = tempfile::tempdir().expect("folder");
    let node = place.path().join("node.tar");
    std::fs::write(&node, edits.apply(folder).write()).expect("tar");
    let mut options = edits.options.clone();
    options.push("--notes".to_owned());
    let (text, code) = triage(&node, &options);
    let (text, _) = text.split_once("\nCoverage\n").expect("its coverage");
    let (verdict, _) = text.split_once("\n\n").expect("a verdict");
    let mut said = format!("{verdict}\n");
    for start in starts(text) {
        if !healthy.iter().any(|other| other == start) {
            let _ = write!(said, "\n  - {start}");
        }
    }
    said.push_str(&findings(text, &edits.code));
    format!("{}\nexit {code}\n", said.trim_end())
}

/// The blocks of findings: all above a note, and the notes of this code.
fn findings(text: &str, code: &str) -> String {
    let mut kept = String::new();
    let mut keeps = false;
    for line in text.lines() {
        let first = line.split("  ").next().unwrap_or_default();
        if !first.is_empty() && first.chars().all(|letter| letter.is_ascii_uppercase()) {
            keeps = first != "NOTE" || line.split_whitespace().nth(1) == Some(code);
            kept.push_str(if keeps { "\n\n" } else { "" });
        } else if !line.starts_with("  ") {
            keeps = false;
        } else if keeps {
            kept.push('\n');
        }
        if keeps {
            kept.push_str(line.trim_end());
        }
    }
    kept
}

/// Where two texts part.
fn first_difference(want: &str, found: &str) -> String {
    let mut lines = want.lines().zip(found.lines());
    let differs = lines.find(|(want, found)| want != found);
    differs.map_or("one is longer".to_owned(), |(want, found)| {
        format!("\n  want   {want}\n  found  {found}")
    })
}

#[test]
fn each_case_says_what_it_said() {
    let folders = folders();
    assert!(folders.len() > 100, "{} cases", folders.len());
    let mut healthy: BTreeMap<PathBuf, Vec<String>> = BTreeMap::new();
    for folder in &folders {
        let base = folder
            .join(Edits::read_edits(folder).base)
            .join("node.tar.zst");
        healthy.entry(base).or_insert_with_key(|base| {
            let (text, _) = triage(base, &[]);
            starts(&text).into_iter().map(str::to_owned).collect()
        });
    }
    let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let part = folders.len().div_ceil(cores).max(1);
    let compare = |some: &[PathBuf]| -> Vec<String> {
        let wrong = some.iter().filter_map(|folder| {
            let base = folder
                .join(Edits::read_edits(folder).base)
                .join("node.tar.zst");
            compared(folder, healthy.get(&base).map_or(&[], Vec::as_slice))
        });
        wrong.collect()
    };
    let wrong: Vec<String> = std::thread::scope(|scope| {
        let parts: Vec<_> = folders
            .chunks(part)
            .map(|some| scope.spawn(|| compare(some)))
            .collect();
        let parts = parts.into_iter().map(|part| part.join().expect("a thread"));
        parts.flatten().collect()
    });
    assert!(
        wrong.is_empty(),
        "UPDATE=1 accepts these:\n{}",
        wrong.join("\n")
    );
}

fn compared(folder: &Path, healthy: &[String]) -> Option<String> {
    let found = said(folder, healthy);
    let path = folder.join("said.txt");
    if std::env::var_os("UPDATE").is_some() {
        std::fs::write(&path, &found).expect("golden");
        return None;
    }
    let want = std::fs::read_to_string(&path).unwrap_or_default();
    (want != found).then(|| {
        let differs = first_difference(&want, &found);
        format!("{}: {differs}", path.display())
    })
}
