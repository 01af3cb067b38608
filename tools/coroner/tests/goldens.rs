//! What the tools answer: each `testdata/golden/<name>/command` on the sample and on one stopped
//! capture of each release, as text and as JSON. `UPDATE=1` writes the answers anew.

#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::disallowed_methods,
    reason = "tests panic where something is wrong"
)]

use std::path::{Path, PathBuf};
use std::process::Command;

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
    // `{}`: where the evidence stands, if not at the end; `{out}`: a new file.
    let folder = tempfile::tempdir().expect("folder");
    let out = folder.path().join("out");
    let out = out.to_str().expect("UTF-8");
    let mut command = command.replace("{out}", out);
    if command.contains("{}") {
        command = command.replace("{}", path);
    } else {
        command.push(' ');
        command.push_str(path);
    }
    let words: Vec<&str> = command.split_whitespace().collect();
    let name = words.first().expect("a tool");
    let tool = coroner::TOOLS
        .iter()
        .find(|tool| tool.name == *name)
        .expect("a tool");
    let (text, exit) = try_run(tool, words.into_iter().chain(["--format", format]));
    let text = text.replace(out, "OUT");
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

/// Lines of an answer that are kept: enough to see what it is like.
const KEPT: usize = 80;

/// An answer in JSON without what the kernel let the program give up.
fn without_safety(text: &str) -> String {
    let mut is_inside = false;
    let kept = text.lines().filter(|line| {
        let begins = *line == "  \"safety\": {";
        let ends = is_inside && *line == "  },";
        is_inside = begins || is_inside && !ends;
        !(begins || is_inside || ends)
    });
    let lines: Vec<&str> = kept.collect();
    let end = if text.ends_with('\n') { "\n" } else { "" };
    lines.join("\n") + end
}

/// What the program answers about a file of the folder, cut where it is long.
fn answer_in(folder: &Path, command: &str, format: &str, file: &str) -> String {
    let ran = Command::new(env!("CARGO_BIN_EXE_coroner"))
        .current_dir(folder)
        .args(command.split_whitespace())
        .args(["--format", format, file])
        .output()
        .expect("coroner");
    let text = String::from_utf8(ran.stdout).expect("UTF-8");
    let text = without_safety(&text);
    let said = String::from_utf8(ran.stderr).expect("UTF-8");
    let mut answer = String::new();
    for line in text.lines().take(KEPT) {
        // One line may be a whole answer, as JSON is.
        let end = line
            .char_indices()
            .nth(4000)
            .map_or(line.len(), |(at, _)| at);
        answer.push_str(line.get(..end).expect("a letter"));
        answer.push('\n');
    }
    let (lines, bytes) = (text.lines().count(), text.len());
    let code = ran.status.code().expect("an exit code");
    format!("{answer}{lines} lines, {bytes} bytes\n{said}exit {code}\n")
}

/// Each verb of `bolt` on one good file, one real one and some damaged ones: `testdata/golden-bolt`.
#[test]
fn answers_about_databases_are_as_they_were() {
    let folder = tempfile::tempdir().expect("folder");
    let damaged = testcase::bolt_cases();
    let mut files: Vec<String> = Vec::new();
    let mut add = |name: &str, bytes: &[u8]| {
        std::fs::write(folder.path().join(name), bytes).expect("file");
        files.push(name.to_owned());
    };
    for (name, _, bytes) in &damaged {
        if [
            "m06-both-checksum",
            "n-t23-zero",
            "t42-branch-zero",
            "w02-stale-leaf",
        ]
        .contains(&name.as_str())
        {
            add(name, bytes);
        }
    }
    add("churn", &testcase::bolt_good("1.4.3-churn-4096-synced.db"));
    let mut tar = testcase::node("1.7-stopped");
    let meta = &tar
        .member("var/lib/containerd/io.containerd.metadata.v1.bolt/meta.db")
        .data;
    add("real", meta);
    assert_eq!(files.len(), 6);
    let golden = testcase::testdata().join("golden-bolt");
    let verbs = std::fs::read_to_string(golden.join("commands")).expect("commands");
    let mut wrong = Vec::new();
    for command in verbs.lines() {
        let name = command.replace(' ', "-").replace("--", "");
        for file in &files {
            for (format, ending) in [("text", "txt"), ("json", "json")] {
                let found = answer_in(folder.path(), &format!("bolt {command}"), format, file);
                let path = golden.join(format!("{name}.{file}.{ending}"));
                wrong.extend(compare(&path, &found));
            }
        }
    }
    assert!(
        wrong.is_empty(),
        "UPDATE=1 accepts these:\n{}",
        wrong.join("\n")
    );
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
