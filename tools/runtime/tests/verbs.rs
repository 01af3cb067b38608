//! The verbs on real captures.

#![expect(clippy::unwrap_used, reason = "tests panic where something is wrong")]

use std::path::PathBuf;

use cli::{Exit, try_run};
use coroner_runtime::TOOL;
use serde_json::Value;

fn capture(name: &str) -> PathBuf {
    testcase::testdata()
        .join("nodes")
        .join(name)
        .join("node.tar.zst")
}

fn run(words: &[&str], node: &str) -> (String, Exit) {
    let path = capture(node);
    let words = ["runtime"]
        .iter()
        .chain(words)
        .map(|word| (*word).to_owned());
    try_run(&TOOL, words.chain([path.to_str().unwrap().to_owned()]))
}

fn json(words: &[&str], node: &str) -> (Value, Exit) {
    let (text, exit) = run(&[words, &["--format", "json"]].concat(), node);
    (serde_json::from_str(&text).unwrap(), exit)
}

/// A name in the pod, and that with the namespace, as other answers print them; one that has ended, too.
#[test]
fn a_container_is_found_by_its_name_in_the_pod() {
    for node in ["1.6-running", "1.7-running", "2.1-running"] {
        let mut ids = Vec::new();
        for name in ["apps/web/server", "web/server", "apps/web/job"] {
            let (answer, exit) = json(&["show", name], node);
            assert!(!exit.has(Exit::USAGE), "{node}: {name}");
            let all = answer["answer"]["containers"].as_array().unwrap();
            assert_eq!(all.len(), 1, "{node}: {name}");
            let one = all.first().unwrap();
            ids.push(one["id"].as_str().unwrap().to_owned());
        }
        assert_eq!(ids.first(), ids.get(1), "{node}");
        assert_ne!(ids.first(), ids.get(2), "{node}");
        let whole = format!("k8s.io/{}", ids.first().unwrap().get(..12).unwrap());
        assert!(
            !run(&["show", &whole], node).1.has(Exit::USAGE),
            "{node}: {whole}"
        );
        // Both containers of the pod and its sandbox.
        assert!(
            run(&["show", "apps/web"], node).1.has(Exit::USAGE),
            "{node}"
        );
        assert!(
            run(&["show", "apps/web/nobody"], node).1.has(Exit::USAGE),
            "{node}"
        );
    }
}

#[test]
fn ls_joins_what_is_known() {
    for node in ["1.6-running", "1.7-running", "2.1-running"] {
        let (answer, exit) = json(&["ls"], node);
        assert_eq!(exit, Exit::CLEAN, "{node}");
        let containers = answer["answer"]["containers"].as_array().unwrap();
        let of = |id: &str| containers.iter().find(|task| task["id"] == id).unwrap();
        assert_eq!(of("fresh")["state"], "created", "{node}");
        assert_eq!(of("sleeper")["state"], "started");
        assert_eq!(of("sleeper")["namespace"], "default");
        assert_eq!(of("worker")["recorded"], true);
        assert!(of("fresh")["pid"].as_i64().unwrap() > 1);
        let server = containers
            .iter()
            .find(|task| task["container"] == "server")
            .unwrap();
        assert_eq!(
            (&server["pod"], &server["cri"]),
            (&"apps/web".into(), &"running".into())
        );
        // The CRI's created container has no task; only `--all` shows it.
        let (answer, _) = json(&["ls", "--all"], node);
        let all = answer["answer"]["containers"].as_array().unwrap();
        assert!(all.len() > containers.len());
        assert!(
            all.iter()
                .any(|task| task["state"] == "no task" && task["cri"] == "created")
        );
    }
}

/// What is read of a damaged state file is not all: the list says so, and its exit code does.
#[test]
fn a_damaged_state_file_is_said_by_the_list() {
    for node in ["1.6-running", "1.7-running", "2.1-running"] {
        let mut tar = testcase::node(node);
        let state = "run/containerd/runc/default/sleeper/state.json";
        let half = tar.member(state).data.len() / 2;
        tar.member(state).data.truncate(half);
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("node.tar");
        std::fs::write(&path, tar.write()).unwrap();
        let words = ["runtime", "ls", path.to_str().unwrap()].map(str::to_owned);
        let (text, exit) = try_run(&TOOL, words);
        assert_eq!(exit, Exit::FINDINGS, "{node}: {text}");
        assert!(
            text.contains("default/sleeper/state.json: "),
            "{node}: {text}"
        );
    }
}

#[test]
fn a_namespace_can_be_picked() {
    let (text, exit) = run(&["ls", "-n", "tenant"], "1.7-running");
    assert_eq!(exit, Exit::CLEAN);
    assert_eq!(text.lines().count(), 2, "{text}");
    assert!(text.contains("worker"));
}

#[test]
fn what_is_not_in_the_bundle_is_not_said_to_be_absent() {
    // A tar without /run: that there are no tasks is not known.
    let (text, exit) = run(&["ls"], "2.1-rebooted");
    assert_eq!(exit, Exit::UNREAD, "{text}");
    assert!(text.contains("incomplete"), "{text}");
}

#[test]
fn show_has_the_findings() {
    let (text, exit) = run(&["show", "fresh"], "2.1-running");
    assert_eq!(exit, Exit::CLEAN);
    for want in [
        "created (sure)",
        "runtime/fifo-waiting",
        "state.json",
        "/bin/sleeper",
    ] {
        assert!(text.contains(want), "{want}: {text}");
    }
    let (text, exit) = run(&["show", "nothing-like-it"], "2.1-running");
    assert_eq!(exit, Exit::USAGE, "{text}");
}

#[test]
fn fifo_says_what_its_times_tell() {
    let (text, exit) = run(&["fifo", "fre"], "1.6-running");
    assert_eq!(exit, Exit::CLEAN, "{text}");
    assert!(
        text.contains("exec.fifo\n  what        fifo\n  mode        0622"),
        "{text}"
    );
    assert!(text.contains("Do not open"), "{text}");
    let (text, _) = run(&["fifo", "sleeper"], "1.6-running");
    assert!(text.contains("not there"), "{text}");
}

#[test]
fn shims_serve_whole_pods() {
    let (answer, exit) = json(&["shims"], "2.1-running");
    assert_eq!(exit, Exit::CLEAN);
    let shims = answer["answer"]["shims"].as_array().unwrap();
    assert!(shims.iter().all(|shim| shim["ours"] == true));
    assert!(
        shims
            .iter()
            .any(|shim| shim["tasks"].as_array().unwrap().len() == 2)
    );
}

#[test]
fn explain_finds_the_state_of_a_log_line() {
    let line = "time=\"…\" level=warning msg=\"cleaning up after shim disconnected\" id=x";
    let (text, exit) = try_run(&TOOL, ["runtime", "explain", line]);
    assert_eq!(exit, Exit::CLEAN);
    assert!(text.contains("runtime/address-damaged"), "{text}");
    let (_, exit) = try_run(&TOOL, ["runtime", "explain", "all is well"]);
    assert_eq!(exit, Exit::USAGE);
}

/// A recorded node, as a tar and unpacked into a folder, processes as text and all.
fn recorded(name: &str) -> (tempfile::TempDir, PathBuf) {
    let packed = testcase::testdata()
        .join("recorded/states")
        .join(name)
        .join("node.tar.zst");
    let folder = tempfile::tempdir().unwrap();
    let done = std::process::Command::new("tar")
        .args(["--no-same-owner", "--zstd", "-xf"])
        .arg(&packed)
        .arg("-C")
        .arg(folder.path())
        .status()
        .unwrap();
    assert!(done.success());
    (folder, packed)
}

fn ask(verb: &str, node: &std::path::Path) -> Value {
    let words = ["runtime", verb, "--format", "json", node.to_str().unwrap()];
    let words = words.iter().map(|word| (*word).to_owned());
    let (text, _) = try_run(&TOOL, words);
    serde_json::from_str::<Value>(&text)
        .unwrap()
        .get("answer")
        .unwrap()
        .clone()
}

#[test]
fn an_unpacked_copy_has_inodes_and_sockets_of_its_own() {
    for name in ["trixie-daemon", "bookworm-runc", "sid-crun"] {
        let (folder, packed) = recorded(name);
        let states = |node: &std::path::Path| -> Vec<(String, String)> {
            let answer = ask("stuck", node);
            let all = answer.get("containers").unwrap().as_array().unwrap();
            let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
            let states = all.iter().map(|one| {
                (
                    text(one.get("id").unwrap()),
                    text(one.get("state").unwrap()),
                )
            });
            states.collect()
        };
        let copied = states(folder.path());
        assert!(!copied.is_empty(), "{name}");
        assert_eq!(copied, states(&packed), "{name}");
        let shims = ask("shims", folder.path()).to_string();
        assert!(!shims.contains("socket-missing"), "{name}: {shims}");
    }
}

/// What is no node is not one on which nothing hangs.
#[test]
fn a_folder_without_a_node_is_not_a_healthy_one() {
    let folder = tempfile::tempdir().unwrap();
    for verb in ["stuck", "ls", "shims"] {
        let words = ["runtime", verb, folder.path().to_str().unwrap()].map(str::to_owned);
        let (text, exit) = try_run(&TOOL, words);
        assert_eq!(exit, Exit::UNREAD, "{verb}: {text}");
        assert!(text.contains("there is no node"), "{verb}: {text}");
    }
}

/// Those that have ended, and those that were never started, are counted as that.
#[test]
fn what_does_not_run_is_not_counted_as_running() {
    for node in ["1.6-stopped", "1.7-running", "2.1-killed"] {
        let (answer, _) = json(&["stuck", "--all"], node);
        let answer = &answer["answer"];
        let states = answer["containers"].as_array().unwrap().iter();
        let states: Vec<_> = states.map(|one| one["state"].as_str().unwrap()).collect();
        let count = |word: &str| states.iter().filter(|state| **state == word).count();
        assert_eq!(answer["no_task"], count("no-task"), "{node}");
        assert_eq!(answer["ended"], count("exited"), "{node}");
        let (text, _) = run(&["stuck"], node);
        let first = text.lines().next().unwrap();
        assert!(first.starts_with("0 known to be stuck"), "{first}");
        for (count, word) in [
            (count("no-task"), "without a task"),
            (count("exited"), "ended)"),
        ] {
            let said = first.contains(&format!("{count} {word}"));
            assert_eq!(said, count > 0, "{node}: {first}");
        }
    }
}
