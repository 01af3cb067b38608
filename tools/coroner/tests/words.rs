//! Phrases that are gone for good: what users read is written in the words of kubectl, git, e2fsck and
//! rustc (CONTRIBUTING.md, "Words").

#![expect(
    clippy::expect_used,
    clippy::disallowed_methods,
    reason = "a test reads sources, not evidence, and panics where something is wrong"
)]

use std::path::{Path, PathBuf};

/// A phrase, and what says it.
const GONE: &[(&str, &str)] = &[
    ("without a word", "silently; and logs nothing"),
    (" anew", "recreate, rewrite, rebuild, again"),
    ("would boot", "would start"),
    ("and be well", "normally; is healthy"),
    ("is well:", "is healthy"),
    ("are well,", "are healthy"),
    ("all is well", "healthy; no problems"),
    ("told as", "reported as"),
    ("stands on it", "depends on it; its descendants"),
    ("stand on it", "depend on it; its descendants"),
    ("of no namespace", "in no namespace"),
    ("CRI dead", "the CRI plugin would not load"),
    ("foretold", "predicted"),
    ("foretells", "predicts"),
    ("\"  breaks", "affects"),
    ("\"  do  ", "fix"),
    ("  abstained ", "not checked"),
    ("something odd:", "warnings:"),
    ("nobody", "no process; it is not known"),
    ("\"Nobody", "no process; it is not known"),
    (
        "somebody ",
        "a process, a person, a client: the one that did it; or the passive",
    ),
    (
        "Somebody ",
        "a process, a person, a client: the one that did it; or the passive",
    ),
    (
        "for dead",
        "cannot reach the shim; treats the task as ended",
    ),
    ("none the wiser", "does not notice"),
    ("comes up without", "starts without"),
    ("come up:", "start:"),
    ("is told another", "is configured with another"),
    ("cannot be told", "is not known"),
    ("not told", "not known"),
    ("its name promises", "the digest in its name"),
    ("stands twice", "is there twice"),
    ("stands in the place", "is in the place"),
    ("waits for ever", "waits without end"),
    ("dies of", "crashes"),
    ("daemon died", "daemon was killed"),
    ("lives on", "keeps running"),
    ("live on", "keep running"),
    ("all the same", "still"),
    ("Mend ", "Fix"),
    (" mended", "fixed, repaired"),
    ("is dead", "has ended; does not answer"),
    ("tell of no", "show no"),
    ("can only simulate", "deletes nothing"),
    ("folders do not tell", "files alone do not show"),
    ("foretelling", "predicting"),
    ("goes on where it", "continues where it"),
    ("It goes on", "name who continues"),
    ("it goes on.", "name who continues"),
    ("no name goes", "no name is lost"),
    ("no container goes", "no container is lost"),
    (
        "and can take it back",
        "`coroner repair undo` takes it back",
    ),
    ("be lost may be lost", "if you can do without"),
    ("makes worse what", "would make the damage worse"),
    ("is told:", "is known; the line says"),
    (
        "lives in mounts of its own",
        "runs in a mount namespace of its own",
    ),
    ("wanted no more", "not needed any more"),
    ("never let go", "never started"),
    (
        "evidence holds none of it",
        "name what the evidence does not hold",
    ),
    ("how to fix each", "how to fix it"),
    (
        "never deletes records of this kind",
        "garbage collection deletes no images",
    ),
    ("recorded only", "only in the list"),
    ("as it takes", "without a limit"),
    (
        "which has that of everything else",
        "the trailer holds the hashes of everything else",
    ),
];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// Files with these ends below a folder.
fn files(folder: &Path, end: &str, all: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            files(&path, end, all);
        } else if path.to_string_lossy().ends_with(end) {
            all.push(path);
        }
    }
}

/// The sources without their tests, and the documents without what is generated from the code or tells
/// the history.
fn texts() -> Vec<PathBuf> {
    let mut all = Vec::new();
    for rooms in ["formats", "tools"] {
        let folder = std::fs::read_dir(root().join(rooms)).expect("rooms");
        for room in folder {
            let sources = room.expect("a room").path().join("src");
            files(&sources, ".rs", &mut all);
        }
    }
    files(&root().join("docs"), ".md", &mut all);
    all.extend(["README.md", "CONTRIBUTING.md"].map(|name| root().join(name)));
    all.retain(|path| !path.ends_with("docs/codes.md"));
    assert!(all.len() > 500, "{}", all.len());
    all
}

/// Whether a line of a source can be read by a user: a comment cannot, nor code without a text.
fn is_read(path: &Path, line: &str) -> bool {
    let is_source = path.extension().is_some_and(|end| end == "rs");
    let line = line.trim();
    !is_source || !line.starts_with("//") && line.contains('"')
}

/// Lines with their numbers; a text of a source that goes on below is one line.
fn whole_lines(text: &str) -> Vec<(usize, String)> {
    let mut all: Vec<(usize, String)> = Vec::new();
    let mut goes_on = false;
    for (number, line) in text.lines().enumerate() {
        let (rest, ends) = match line.strip_suffix('\\') {
            Some(rest) => (rest, false),
            None => (line, true),
        };
        match all.last_mut().filter(|_| goes_on) {
            Some((_, whole)) => whole.push_str(rest.trim_start()),
            None => all.push((number, rest.to_owned())),
        }
        goes_on = !ends;
    }
    all
}

#[test]
fn phrases_that_are_gone_stay_gone() {
    let mut found = Vec::new();
    for path in texts() {
        // Its list of pairs shows what is not written.
        let is_guide = path.ends_with("CONTRIBUTING.md");
        let text = std::fs::read_to_string(&path).expect("a text");
        for (number, line) in whole_lines(&text) {
            let line = line.as_str();
            if is_guide && line.starts_with("| ") || !is_read(&path, line) {
                continue;
            }
            for (phrase, instead) in GONE {
                if line.contains(phrase) {
                    found.push(format!(
                        "{}:{}: `{phrase}`: {instead}",
                        path.display(),
                        number.saturating_add(1)
                    ));
                }
            }
        }
    }
    assert!(found.is_empty(), "{}", found.join("\n"));
}

/// Names of functions that a search cannot tell apart (CONTRIBUTING.md, "Rules"), and the traits and types
/// that may have them.
const NAMELESS: &[(&str, &[&str])] = &[
    ("read", &[" Read for ", "Known<T>"]),
    ("text", &[]),
    ("of", &[]),
];

#[test]
fn functions_are_named_by_what_they_do() {
    let mut found = Vec::new();
    let mut all = Vec::new();
    for rooms in [
        "formats",
        "tools",
        "xtask",
        "testdata/case",
        "fuzz/fuzz_targets",
    ] {
        files(&root().join(rooms), ".rs", &mut all);
    }
    assert!(all.len() > 500, "{}", all.len());
    for path in all {
        let text = std::fs::read_to_string(&path).expect("a text");
        let mut within = "";
        for (number, line) in text.lines().enumerate() {
            let words = line.trim_start();
            if words.starts_with("impl") || words.starts_with("pub trait ") {
                within = words;
            }
            for (name, may) in NAMELESS {
                let is_defined = ["(", "<"]
                    .iter()
                    .any(|end| line.contains(&format!("fn {name}{end}")));
                if is_defined && !may.iter().any(|one| within.contains(one)) {
                    found.push(format!("{}:{}: {line}", path.display(), number + 1));
                }
            }
        }
    }
    assert!(found.is_empty(), "{}", found.join("\n"));
}
