//! What a terminal of 80 and of 60 columns shows, and what a pipe gets.

#![allow(
    clippy::expect_used,
    clippy::disallowed_methods,
    reason = "a test reads its own output, and panics where something is wrong"
)]

use std::process::{Command, Stdio};

/// Verbs whose answers are for people.
const VERBS: &[&str] = &[
    "triage NODE",
    "preflight NODE --daemon 2.1",
    "repair NODE",
    "meta ls NODE images",
    "meta ls NODE snapshots",
    "meta ls NODE pods",
    "content ls NODE",
    "content verify NODE",
    "content graph NODE default/images.example/app:1",
    "snapshots ls NODE",
    "snapshots tree NODE",
    "snapshots check NODE",
    "snapshots verify NODE",
    "snapshots orphans NODE",
    "snapshots files NODE default/sleeper",
    "snapshots diff NODE default/sleeper",
    "timeline NODE",
    "logs NODE",
    "runtime ls NODE",
    "runtime show NODE sleeper",
    "runtime stuck NODE",
    "runtime shims NODE",
    "runtime mounts NODE",
    "why NODE default/images.example/app:1",
    "owner NODE snapshots/4",
    "df NODE",
    "gc NODE --simulate",
    "meta show NODE image nothing-of-this-name",
    "explain bolt/page-zero",
    "explain C03",
    "explain containerd#6772",
    "triage --sample",
];

const NODES: &[&str] = &["1.6-running", "1.7-killed", "2.1-stopped"];

fn coroner(verb: &str, node: &str) -> Command {
    let path = testcase::testdata()
        .join("nodes")
        .join(node)
        .join("node.tar.zst");
    let path = path.to_str().expect("path");
    let words = verb
        .split(' ')
        .map(|word| if word == "NODE" { path } else { word });
    let mut command = Command::new(env!("CARGO_BIN_EXE_coroner"));
    command
        .args(words)
        .arg("--quiet")
        .env_remove("COLUMNS")
        .env("NO_COLOR", "1")
        .stdin(Stdio::null());
    command
}

/// What a terminal of so many columns is given, answers and complaints.
fn on_a_terminal(verb: &str, node: &str, columns: u16) -> String {
    let command = coroner(verb, node);
    let words = std::iter::once(command.get_program()).chain(command.get_args());
    let words: Vec<&str> = words.map(|word| word.to_str().expect("UTF-8")).collect();
    // None of them needs quotes.
    let line = words.join(" ");
    assert!(!line.contains(['\'', '"', '$', ';']), "{line}");
    // util-linux's script(1) is on every Debian; it gives the program a terminal of its own.
    let ran = Command::new("script")
        .args(["--quiet", "--return", "--command"])
        .arg(format!("stty cols {columns} rows 24; exec {line}"))
        .arg("/dev/null")
        .env_remove("COLUMNS")
        .env("NO_COLOR", "1")
        .stdin(Stdio::null())
        .output()
        .expect("script(1) of util-linux");
    String::from_utf8(ran.stdout)
        .expect("UTF-8")
        .replace("\r\n", "\n")
}

/// Whether a line has no blank at which it could be broken: a path, or a command that may be copied.
fn is_one_word(line: &str) -> bool {
    let text = line.trim_start().trim_start_matches("- ");
    // The name of a bucket, on a line of its own.
    let text = text.trim_start_matches("> ");
    // What follows a label: `where   /a/path`, `# a command`.
    let text = text
        .split_once("  ")
        .map_or(text, |(_, rest)| rest.trim_start());
    let is_command = ["# ", "$ ", "coroner "]
        .iter()
        .any(|head| text.starts_with(head));
    let outside: String = text.split('`').step_by(2).collect();
    is_command || !outside.trim().contains(' ')
}

#[test]
fn lines_fit_a_terminal() {
    let mut wide = Vec::new();
    let mut lines = 0;
    for node in NODES {
        for columns in [80, 60] {
            for verb in VERBS {
                let text = on_a_terminal(verb, node, columns);
                assert!(!text.trim().is_empty(), "{verb} {node}");
                lines += text.lines().count();
                let is_over = |line: &&str| line.chars().count() > usize::from(columns);
                let over = text
                    .lines()
                    .filter(is_over)
                    .filter(|line| !is_one_word(line));
                wide.extend(over.map(|line| format!("{columns} {verb}: {line}")));
            }
        }
    }
    assert!(lines > 10_000, "{lines}");
    assert!(wide.is_empty(), "{}\n{}", wide.len(), wide.join("\n"));
}

/// A pipe gets everything, in lines that programs can split.
#[test]
fn a_pipe_gets_digests_in_full() {
    for verb in [
        "snapshots tree NODE",
        "snapshots verify NODE",
        "timeline NODE",
    ] {
        let piped = coroner(verb, "1.7-running").output().expect("output");
        let piped = String::from_utf8(piped.stdout).expect("UTF-8");
        let is_digest = |word: &str| {
            word.rsplit(['/', ':']).next().is_some_and(|last| {
                last.len() == 64 && last.bytes().all(|byte| byte.is_ascii_hexdigit())
            })
        };
        assert!(piped.split_whitespace().any(is_digest), "{verb}");
        assert!(!piped.contains('…'), "{verb}");
        // A terminal shortens them, and --no-trunc does not.
        let shown = on_a_terminal(verb, "1.7-running", 60);
        assert!(!shown.split_whitespace().any(is_digest), "{verb}: {shown}");
        let whole = on_a_terminal(&format!("{verb} --no-trunc"), "1.7-running", 60);
        assert!(whole.split_whitespace().any(is_digest), "{verb}");
    }
}
