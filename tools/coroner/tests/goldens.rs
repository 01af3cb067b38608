//! What the tools answer: each `testdata/golden/<name>/command` on the sample and on one stopped
//! capture of each release, as text and as JSON. `UPDATE=1` writes the answers anew.

#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::disallowed_methods,
    reason = "tests panic where something is wrong"
)]

use std::path::{Path, PathBuf};

use cli::try_run;

/// The evidence, by the name of its answers. Relative, so that no answer holds a path of a machine.
fn evidence() -> Vec<(String, String)> {
    let mut all = vec![(
        "sample".to_owned(),
        "../../testdata/sample/broken.tar.zst".to_owned(),
    )];
    for name in testcase::nodes()
        .into_iter()
        .filter(|name| name.ends_with("-stopped"))
    {
        let path = format!("../../testdata/nodes/{name}/node.tar.zst");
        all.push((name, path));
    }
    all
}

fn folders() -> Vec<PathBuf> {
    let entries = std::fs::read_dir(testcase::testdata().join("golden")).expect("testdata/golden");
    let mut folders: Vec<PathBuf> = entries.map(|entry| entry.expect("entry").path()).collect();
    folders.sort();
    folders
}

fn answer(command: &str, format: &str, path: &str) -> String {
    let words: Vec<&str> = command.split_whitespace().collect();
    let name = words.first().expect("a tool");
    let tool = coroner::TOOLS
        .iter()
        .find(|tool| tool.name == *name)
        .expect("a tool");
    let (text, exit) = try_run(tool, words.into_iter().chain(["--format", format, path]));
    format!("{text}exit {}\n", exit.0)
}

/// Where two texts part.
fn first_difference(want: &str, found: &str) -> String {
    let mut lines = want.lines().zip(found.lines()).enumerate();
    let differs = lines.find(|(_, (want, found))| want != found);
    differs.map_or("one is longer".to_owned(), |(line, (want, found))| {
        format!(
            "line {}:\n  want   {want}\n  found  {found}",
            line.saturating_add(1)
        )
    })
}

fn compare(path: &Path, found: &str) -> Option<String> {
    if std::env::var_os("UPDATE").is_some() {
        std::fs::write(path, found).expect("golden");
        return None;
    }
    match std::fs::read_to_string(path) {
        Ok(want) if want == found => None,
        Ok(want) => Some(format!(
            "{}: {}",
            path.display(),
            first_difference(&want, found)
        )),
        Err(error) => Some(format!("{}: {error}", path.display())),
    }
}

#[test]
fn answers_are_as_they_were() {
    let mut wrong = Vec::new();
    for folder in folders() {
        let command = std::fs::read_to_string(folder.join("command")).expect("command");
        for (name, path) in evidence() {
            for (format, ending) in [("text", "txt"), ("json", "json")] {
                let found = answer(&command, format, &path);
                wrong.extend(compare(&folder.join(format!("{name}.{ending}")), &found));
            }
        }
    }
    assert!(
        wrong.is_empty(),
        "UPDATE=1 accepts these:\n{}",
        wrong.join("\n")
    );
}
