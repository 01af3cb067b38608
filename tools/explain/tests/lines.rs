//! Codes, start rules and states against the table of messages; and the answers for lines.

use std::collections::BTreeSet;

use cli::{Exit, try_run};
use coroner_explain::EXPLAIN;
use messages::{Head, explain};

#[test]
fn what_confirms_a_message_exists() {
    let codes: BTreeSet<&str> = checks::codes().iter().map(|code| code.name).collect();
    let states: BTreeSet<&str> = stuck::ROWS.iter().map(|row| row.word).collect();
    for message in messages::messages() {
        for code in message.confirmed_by {
            assert!(codes.contains(code), "{}: {code}", message.key);
        }
        for state in message.states {
            assert!(states.contains(state), "{}: {state}", message.key);
        }
    }
}

#[test]
fn what_a_start_says_is_brought_back_to_what_it_found() {
    let mut lost = Vec::new();
    for rule in daemon::start::START.iter().copied().flatten() {
        for (_, says) in rule.says.iter().filter(|(_, says)| !says.is_empty()) {
            let Some(head) = explain(says).head else {
                // The beginning of a line, or one word of it.
                if !says.ends_with(": ") && says.contains(' ') {
                    lost.push(says);
                }
                continue;
            };
            let mut brings = head
                .message()
                .into_iter()
                .flat_map(|message| message.confirmed_by);
            let is_brought_back = brings.any(|code| rule.codes.contains(code));
            let is_told_by_more = rule.codes.is_empty() || matches!(head, Head::Generic(_));
            if !is_brought_back && !is_told_by_more {
                lost.push(says);
            }
        }
    }
    assert!(lost.is_empty(), "{lost:#?}");
}

#[test]
fn a_line_is_explained_in_text_and_json() {
    let line = "failed to reserve sandbox name \"a\": name \"a\" is reserved for \"b\"";
    let (text, exit) = try_run(&EXPLAIN, ["explain", line]);
    assert_eq!(exit, Exit::CLEAN);
    assert!(text.starts_with("sandbox-name-reserved"), "{text}");
    assert!(
        text.contains("cri/name-twice") && text.contains("coroner runtime stuck"),
        "{text}"
    );
    let (json, _) = try_run(&EXPLAIN, ["explain", "--format", "json", line]);
    let json: serde_json::Value = serde_json::from_str(&json).unwrap();
    let answer = &json["answer"]["lines"][0];
    assert_eq!(answer["kind"], "cause");
    assert_eq!(answer["message"]["key"], "sandbox-name-reserved");
}

/// The names that `runtime stuck` and `show` print lead to what they mean.
#[test]
fn every_state_is_explained_by_its_name() {
    for row in stuck::ROWS {
        let (text, exit) = try_run(&EXPLAIN, ["explain", row.word].map(str::to_owned));
        assert_eq!(exit, Exit::CLEAN, "{}", row.word);
        let words: Vec<&str> = text.split_whitespace().collect();
        let (text, row) = (words.join(" "), *row);
        let head = format!("{} is a state of a container", row.word);
        assert!(text.starts_with(&head), "{text}");
        assert!(text.contains(row.state.means()), "{text}");
        assert!(text.contains(row.cause), "{text}");
    }
}

#[test]
fn a_code_is_explained_with_its_lines() {
    let (text, exit) = try_run(&EXPLAIN, ["explain", "bolt/page-id"]);
    assert_eq!(exit, Exit::CLEAN);
    assert!(
        text.contains("Page expected to be: …, but self identifies as …"),
        "{text}"
    );
    let (text, exit) = try_run(&EXPLAIN, ["explain", "quite another thing"]);
    assert_eq!(exit, Exit::USAGE, "{text}");
}

#[test]
fn nothing_of_a_line_reaches_a_terminal_as_it_is() {
    let line = "failed to load plugin \u{1b}]0;x\u{7} error=\"\u{1b}[31m\u{202e}invalid database\u{9b}2J\"";
    let (text, _) = try_run(&EXPLAIN, ["explain", line]);
    assert!(
        !text.contains(['\u{1b}', '\u{7}', '\u{202e}', '\u{9b}']),
        "{text:?}"
    );
}

#[test]
fn of_a_line_that_is_not_known_what_it_shows_is_said() {
    let (text, exit) = try_run(
        &EXPLAIN,
        [
            "explain",
            "Dec 07 23:47:01 node-1 etcd2[757]: setting maximum number of CPUs to 1",
        ],
    );
    assert_eq!(exit, Exit::CLEAN, "{text}");
    assert!(text.contains("The text is not known"), "{text}");
    assert!(
        text.contains("etcd2 (the program that its log names)"),
        "{text}"
    );
    assert!(
        text.contains("No word of it says that something failed"),
        "{text}"
    );
    let line = "Dec 07 23:47:01 node-1 frobd[7]: failed to frob: open /var/lib/frob/a b.db: permission denied";
    let (json, _) = try_run(&EXPLAIN, ["explain", "--format", "json", line]);
    let json: serde_json::Value = serde_json::from_str(&json).unwrap();
    let reading = &json["answer"]["lines"][0]["reading"];
    assert_eq!(reading["said"]["name"], "frobd");
    assert_eq!(reading["kind"]["key"], "no-permission");
    // A line that shows nothing is not known.
    let said = refusal_of("setting maximum number of things to 1");
    assert!(!said.contains("program that"), "{said}");
    assert!(said.contains("give the whole line"), "{said}");
}

/// What is said of this line when it is refused.
fn refusal_of(line: &str) -> String {
    let (text, exit) = try_run(&EXPLAIN, ["explain", line]);
    assert_eq!(exit, Exit::USAGE, "{text}");
    text
}

#[test]
fn a_node_tells_which_cause_is_true() {
    let mut node = testcase::node("1.7-stopped");
    node.member("var/lib/containerd/io.containerd.metadata.v1.bolt/meta.db")
        .data
        .fill(0);
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("node.tar");
    std::fs::write(&path, node.write()).unwrap();
    let path = path.to_str().unwrap();
    let (json, _) = try_run(
        &EXPLAIN,
        [
            "explain",
            "--format",
            "json",
            "--node",
            path,
            "invalid database",
        ],
    );
    let json: serde_json::Value = serde_json::from_str(&json).unwrap();
    let there = &json["answer"]["lines"][0]["there"];
    assert!(
        there
            .as_array()
            .unwrap()
            .iter()
            .any(|there| there["is"] == "true"),
        "{there}"
    );
    // Two words alone show no speaker: only the node proves them.
    assert!(!matches!(
        explain("invalid database").head.unwrap(),
        Head::Cause(_)
    ));
    assert!(matches!(
        explain(
            "level=warning msg=\"failed to load plugin io.containerd.metadata.v1.bolt\" error=\"invalid database\""
        )
        .head
        .unwrap(),
        Head::Cause(_)
    ));
}

#[test]
fn lines_of_standard_input_are_folded_and_bounded() {
    let line = "failed to reserve sandbox name \"a\": name \"a\" is reserved for \"b\"\n";
    let mut input = line.repeat(3);
    input.push_str("nothing that is known\n");
    // A line without an end is cut, and the next one is not lost.
    input.push_str(&"x".repeat(3 << 20));
    input.push('\n');
    input.push_str(line);
    // More than are explained are counted.
    input.push_str(&"\n".repeat(100_000));
    let answer = answer_of(&input);
    let lines = answer["lines"].as_array().unwrap();
    assert_eq!(lines.len(), 1, "{answer}");
    assert_eq!(lines[0]["times"], 4);
    assert_eq!(answer["other"], 100_000 - 4);
    assert_eq!(answer["not_read"], 6);
}

/// A text that no source has is told by what the line shows, once for all of its shape.
#[test]
fn lines_that_only_show_who_wrote_them_are_folded() {
    let line = |pid: u32, path: &str| {
        format!(
            "Dec 07 23:47:01 node-1 frobd[{pid}]: failed to frob the widget /var/lib/frob/{path}\n"
        )
    };
    let mut input = line(7, "a.db") + &line(8, "b.db");
    input.push_str("Dec 07 23:47:01 node-1 frobd[7]: failed to unfrob that thing\n");
    input.push_str("Dec 07 23:47:01 node-1 frobd[7]: frobbed 7 widgets\n");
    let answer = answer_of(&input);
    let lines = answer["lines"].as_array().unwrap();
    assert_eq!(lines.len(), 2, "{answer}");
    assert_eq!(
        (&lines[0]["times"], &lines[1]["times"]),
        (&2.into(), &1.into())
    );
    assert_eq!(lines[0]["kind"], "unknown");
    assert_eq!(answer["other"], 1);
}

#[test]
fn of_many_long_lines_only_the_beginning_is_kept() {
    // Each is kept twice: as the line, and as its pieces.
    let texts = messages::texts().filter(|text| text.says.len() > 30 && !text.says.contains('{'));
    let input: Vec<String> = texts
        .take(60)
        .map(|text| format!("{}: {}", text.says, "y z".repeat(20_000)))
        .collect();
    let answer = answer_of(&input.join("\n"));
    assert!(answer["lines"].as_array().unwrap().len() > 40);
    let bytes = answer.to_string().len();
    assert!(bytes < 5 << 20, "{bytes}");
}

/// What is answered for this standard input.
#[expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test")]
fn answer_of(input: &str) -> serde_json::Value {
    let argv = ["explain", "--format", "json", "-"];
    let (json, exit) = cli::run_captured(&EXPLAIN.command(), argv, &|_, out| {
        coroner_explain::explain_lines(&mut input.as_bytes(), None, out)
    });
    assert_eq!(exit, Exit::CLEAN);
    let json: serde_json::Value = serde_json::from_str(&json).unwrap();
    json["answer"].clone()
}
