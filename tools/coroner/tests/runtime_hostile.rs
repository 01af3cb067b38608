//! The runtime's files as somebody who wants to do harm would leave them: the real program, with a
//! bound on its memory, in bounded time; it reads nothing that is not evidence, and still says what
//! it can of the container.

#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::unnecessary_debug_formatting,
    clippy::disallowed_methods,
    clippy::semicolon_if_nothing_returned,
    missing_docs,
    unreachable_pub,
    dead_code,
    reason = "tests panic where something is wrong"
)]

#[path = "common/mod.rs"]
mod common;

use std::io::{Seek, SeekFrom, Write};
use std::os::unix::ffi::OsStringExt;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use common::{Ran, clear, fifo, link, run, unpack};
use serde_json::Value;

const STATE: &str = "run/containerd/runc/default/sleeper/state.json";
const RUNC: &str = "run/containerd/runc/default";
const TASKS: &str = "run/containerd/io.containerd.runtime.v2.task/default";
const CONFIG: &str = "run/containerd/io.containerd.runtime.v2.task/default/sleeper/config.json";

/// Address space that a run may take, in KiB: 1 GiB, of which the program and its stacks are most.
const MEMORY: u32 = 1 << 20;

/// A debug build on a busy machine; the promise is a second.
const SOON: Duration = Duration::from_secs(15);

const VERBS: [&[&str]; 6] = [
    &["runtime", "stuck", "--all", "--format", "json"],
    &["runtime", "ls", "--format", "json"],
    &["runtime", "shims", "--format", "json"],
    &["runtime", "mounts", "--format", "json"],
    &["triage", "--format", "json"],
    &["collect", "--quiet", "--redact", "-o"],
];

fn bounded(words: &[&str], node: &Path) -> Ran {
    let mut command = Command::new("sh");
    command
        .args(["-c", &format!("ulimit -v {MEMORY}; exec \"$0\" \"$@\"")])
        .arg(env!("CARGO_BIN_EXE_coroner"))
        .args(words)
        .arg(node);
    run(&mut command)
}

/// A node with a trap in it, asked by each verb. Gives what `runtime stuck` says.
fn asked(what: &str, trap: impl Fn(&Path)) -> Value {
    let node = tempfile::tempdir().expect("folder");
    let scratch = tempfile::tempdir().expect("folder");
    unpack(&testcase::node("1.7-stopped"), node.path());
    trap(node.path());
    let bundle = scratch.path().join("bundle.tar.zst");
    let mut stuck = Value::Null;
    for verb in VERBS {
        let _ = std::fs::remove_file(&bundle);
        let mut words = verb.to_vec();
        if verb[0] == "collect" {
            words.push(bundle.to_str().expect("path"));
        }
        let ran = bounded(&words, node.path());
        behaves(&format!("{what}: {words:?}"), &ran);
        if verb[1] == "stuck" {
            stuck = serde_json::from_str(&ran.out).expect("JSON");
        }
    }
    // The same of what was collected.
    let ran = bounded(&["runtime", "stuck", "--all"], &bundle);
    behaves(&format!("{what}: collected"), &ran);
    stuck
}

fn behaves(what: &str, ran: &Ran) {
    assert!(ran.took < SOON, "{what}: took {:?}", ran.took);
    assert!(
        ran.code.is_some_and(|code| [0, 4, 8, 12].contains(&code)),
        "{what}: ended with {:?}: {}",
        ran.code,
        ran.err
    );
    assert!(!ran.err.contains("panicked"), "{what}: {}", ran.err);
    let raw = ran.out.chars().chain(ran.err.chars());
    let bad = raw.into_iter().find(|c| c.is_control() && *c != '\n');
    assert_eq!(bad, None, "{what}: a raw control character");
}

/// What is said of one container.
fn state(answer: &Value, id: &str) -> String {
    let containers = answer["answer"]["containers"].as_array().expect("array");
    let one = containers.iter().find(|one| one["id"] == id);
    one.map_or_else(
        || "nothing".to_owned(),
        |one| one["state"].as_str().expect("state").to_owned(),
    )
}

fn write(node: &Path, path: &str, bytes: &[u8]) {
    clear(&node.join(path));
    std::fs::write(node.join(path), bytes).expect("file");
}

#[test]
fn files_of_a_gibibyte() {
    for path in [STATE, CONFIG] {
        let answer = asked("a gibibyte of holes", |node| {
            let file = std::fs::OpenOptions::new();
            let file = file.clone().write(true).open(node.join(path));
            file.expect("file").set_len(1 << 30).expect("sparse");
        });
        // It was not read, so nothing is known to be wrong with it.
        assert_eq!(state(&answer, "sleeper"), "unknowable", "{path}");
    }
}

#[test]
#[ignore = "needs 1 GiB of room in the folder for temporary files"]
fn a_gibibyte_of_text() {
    let answer = asked("a gibibyte of text", |node| {
        let mut file = std::fs::File::create(node.join(STATE)).expect("file");
        file.write_all(b"{\"id\":\"sleeper\",\"config\":{\"labels\":[\"")
            .expect("write");
        let chunk = vec![b'a'; 1 << 20];
        for _ in 0..1024 {
            file.write_all(&chunk).expect("write");
        }
        file.seek(SeekFrom::End(0)).expect("seek");
        file.write_all(b"\"]}}").expect("write");
    });
    assert_eq!(state(&answer, "sleeper"), "unknowable");
}

#[test]
fn a_million_levels() {
    for (open, close) in [("[", "]"), ("{\"a\":", "}")] {
        let deep = [open.repeat(1_000_000), "0".into(), close.repeat(1_000_000)].concat();
        let inside = format!("{{\"id\":\"sleeper\",\"init_process_pid\":7,\"config\":{deep}}}");
        for (path, text) in [(STATE, &deep), (STATE, &inside), (CONFIG, &inside)] {
            let answer = asked("a million levels", |node| {
                write(node, path, text.as_bytes())
            });
            let want = if path == STATE {
                "state-damaged"
            } else {
                "unknowable"
            };
            assert_eq!(state(&answer, "sleeper"), want, "{path}");
        }
    }
}

/// What stands where something else belongs.
fn others() -> Vec<Value> {
    let text = |text: &str| Value::from(text);
    vec![
        Value::Null,
        Value::from(0),
        Value::from(-1),
        Value::from(u64::MAX),
        Value::from(1e300),
        Value::from(true),
        text(""),
        text("\u{1b}[2J\u{0}\n"),
        serde_json::json!([]),
        serde_json::json!([[{}], null, 7]),
        serde_json::json!({}),
        serde_json::json!({"": {"x": []}}),
    ]
}

/// Puts `other` in the place of everything that is no object; of objects, too, if `whole`.
fn replace(value: &mut Value, other: &Value, depth: usize) {
    match value {
        Value::Object(members) if depth > 0 => {
            for member in members.values_mut() {
                replace(member, other, depth.saturating_sub(1));
            }
        }
        value => *value = other.clone(),
    }
}

#[test]
fn every_field_of_another_type() {
    for path in [STATE, CONFIG] {
        let node = tempfile::tempdir().expect("folder");
        unpack(&testcase::node("1.7-stopped"), node.path());
        let bytes = std::fs::read(node.path().join(path)).expect("file");
        let good: Value = serde_json::from_slice(&bytes).expect("JSON");
        let keys: Vec<String> = good.as_object().expect("object").keys().cloned().collect();
        for other in others() {
            let mut variants: Vec<Value> = (0..=2)
                .map(|depth| {
                    let mut all = good.clone();
                    replace(&mut all, &other, depth);
                    all
                })
                .collect();
            // One at a time, of some.
            let keys = keys.iter().filter(|_| other == -1 || other == true);
            for key in keys {
                let mut one = good.clone();
                one[key] = other.clone();
                variants.push(one);
            }
            for variant in variants {
                write(node.path(), path, variant.to_string().as_bytes());
                let words = ["runtime", "stuck", "--all", "--format", "json"];
                let ran = bounded(&words, node.path());
                behaves(&format!("{path}: {variant:.200}"), &ran);
                let answer: Value = serde_json::from_str(&ran.out).expect("JSON");
                let said = state(&answer, "sleeper");
                assert!(
                    ["unknowable", "state-damaged"].contains(&said.as_str()),
                    "{path}: {said}: {variant:.200}"
                );
            }
        }
    }
}

#[test]
fn names_of_every_kind() {
    let long = "n".repeat(255);
    let names: [&[u8]; 5] = [
        b"\x1b[31mred\x07",
        b"new\nline\r\t",
        b"\xff\xfe\x80",
        "\u{202e}gpj.exe".as_bytes(),
        long.as_bytes(),
    ];
    let answer = asked("names", |node| {
        for name in names {
            for base in [RUNC, TASKS, "run/runc", "run/crun"] {
                let folder = node
                    .join(base)
                    .join(std::ffi::OsString::from_vec(name.to_vec()));
                std::fs::create_dir_all(&folder).expect("folder");
                fifo(&folder.join("exec.fifo"));
            }
        }
    });
    let containers = answer["answer"]["containers"].as_array().expect("array");
    let of_users = containers.iter().filter(|one| one["namespace"].is_null());
    assert_eq!(of_users.count(), 10);
    assert_eq!(state(&answer, &long), "unknowable");
}

/// What it is, how it is laid, what is to be said.
type Trap<'t> = (&'t str, &'t dyn Fn(&Path), &'t str);

#[test]
fn things_that_are_no_files() {
    let bundle = &format!("{TASKS}/sleeper");
    let container = &format!("{RUNC}/sleeper");
    let traps: [Trap<'_>; 8] = [
        (
            "state.json leads to /dev/zero",
            &|node| link(&node.join(STATE), "/dev/zero"),
            "unknowable",
        ),
        (
            "state.json is a FIFO",
            &|node| fifo(&node.join(STATE)),
            "unknowable",
        ),
        (
            "config.json is a FIFO",
            &|node| fifo(&node.join(CONFIG)),
            "unknowable",
        ),
        (
            "init.pid is a FIFO",
            &|node| fifo(&node.join(bundle).join("init.pid")),
            "unknowable",
        ),
        (
            "exec.fifo is a file",
            &|node| write(node, &format!("{container}/exec.fifo"), b"0"),
            "unknowable",
        ),
        (
            "state.json is a folder",
            &|node| {
                clear(&node.join(STATE));
                std::fs::create_dir(node.join(STATE)).expect("folder");
            },
            "unknowable",
        ),
        (
            "the bundle leads to /",
            &|node| link(&node.join(bundle), "/"),
            "unknowable",
        ),
        (
            "the folder leads to /",
            &|node| link(&node.join(container), "/"),
            "unknowable",
        ),
    ];
    for (what, trap, want) in traps {
        let answer = asked(what, trap);
        assert_eq!(state(&answer, "sleeper"), want, "{what}");
    }
    // A root that leads out hides what was there, and brings nothing.
    let answer = asked("the root leads to /", |node| {
        link(&node.join("run/runc"), "/")
    });
    assert_eq!(state(&answer, "etc"), "nothing");
}
