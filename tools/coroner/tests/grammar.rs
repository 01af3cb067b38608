//! One grammar for all verbs, held against the commands that there are.

use clap::{Arg, Command};
use cli::Exit;

fn whole() -> Command {
    cli::whole_command(coroner::ABOUT, coroner::EXAMPLES, coroner::TOOLS)
}

fn run(argv: &[&str]) -> (String, Exit) {
    let argv = ["coroner"].iter().chain(argv);
    cli::run_captured(
        &cli::multi_command(coroner::ABOUT, coroner::EXAMPLES, coroner::TOOLS),
        argv,
        &|matches, out| {
            let usage = || cli::Failure::usage("no such tool");
            let (name, matches) = matches.subcommand().ok_or_else(usage)?;
            let tool = coroner::TOOLS.iter().find(|tool| tool.name == name);
            (tool.ok_or_else(usage)?.run)(matches, out)
        },
    )
}

/// Every command without subcommands of its own, and those that work without one.
fn verbs(command: &Command, path: &str, all: &mut Vec<(String, Command)>) {
    for below in command.get_subcommands() {
        let path = format!("{path} {}", below.get_name());
        let path = path.trim().to_owned();
        if !below.is_subcommand_required_set() {
            all.push((path.clone(), below.clone()));
        }
        verbs(below, &path, all);
    }
}

fn all_verbs() -> Vec<(String, Command)> {
    let mut all = Vec::new();
    verbs(&whole(), "", &mut all);
    assert!(all.len() > 60, "{}", all.len());
    all
}

fn value_name(arg: &Arg) -> String {
    let names = arg.get_value_names().and_then(<[_]>::first);
    names.map_or_else(
        || arg.get_id().to_string().to_uppercase(),
        ToString::to_string,
    )
}

#[test]
fn node_comes_first() {
    for (path, verb) in all_verbs() {
        let places = verb.get_positionals().map(value_name);
        let place = places.into_iter().position(|name| name == "NODE");
        assert!(place.is_none_or(|place| place == 0), "coroner {path}");
    }
}

/// What is named by an argument is called the same everywhere.
#[test]
fn one_word_for_a_thing() {
    const WORDS: &[&str] = &[
        "NODE",
        "NAME",
        "KIND",
        "ID",
        "DIGEST|NAME",
        "PATH",
        "FILE",
        "CODE|LINE",
        "LINE",
        "PLAN",
        "CORE",
        "BUCKET",
        "KEY",
        "N",
        "NEWER",
        "SHELL",
        "A.json",
        "B.json",
        "HOW",
    ];
    for (path, verb) in all_verbs() {
        for arg in verb.get_positionals() {
            let name = value_name(arg);
            assert!(WORDS.contains(&name.as_str()), "coroner {path} {name}");
        }
    }
}

/// An option that several verbs have means one thing: it is spelled, and takes a value, alike.
#[test]
fn an_option_means_the_same_everywhere() {
    const SAME: &[(&str, Option<char>, Option<&str>)] = &[
        ("namespace", Some('n'), Some("NAME")),
        ("format", None, Some("FORMAT")),
        ("daemon", None, Some("RELEASE")),
        ("at", None, Some("TIME")),
        ("now", None, Some("TIME")),
        ("layers", None, None),
        ("usage", None, None),
        ("to", None, None),
        ("jobs", Some('j'), Some("N")),
        ("snapshotter", None, Some("NAME")),
        ("max-file", None, Some("SIZE")),
        ("max-total", None, Some("SIZE")),
    ];
    for (path, verb) in all_verbs() {
        for arg in verb.get_arguments() {
            if arg.get_short() == Some('n') {
                assert!(
                    arg.get_long() == Some("namespace") || path == "core strings",
                    "coroner {path} -n"
                );
            }
            let Some(long) = arg.get_long() else { continue };
            let Some((_, short, value)) = SAME.iter().find(|same| same.0 == long) else {
                continue;
            };
            if let Some(short) = short {
                assert_eq!(arg.get_short(), Some(*short), "coroner {path} --{long}");
            }
            let help = arg.get_help().map(ToString::to_string).unwrap_or_default();
            let begins = match long {
                "layers" => "Layers, too: ",
                "usage" => "Measure ",
                "jobs" => "How many ",
                "namespace" => "Only this namespace",
                _ => "",
            };
            assert!(help.starts_with(begins), "coroner {path} --{long}: {help}");
            if let Some(value) = value {
                assert_eq!(value_name(arg), *value, "coroner {path} --{long}");
            }
        }
    }
}

/// Every command that a guessed word leads to is one that there is.
#[test]
fn guesses_lead_to_verbs_that_there_are() {
    let mut guesses = 0;
    for (word, command) in cli::guesses() {
        guesses += 1;
        let line = command
            .replace("NODE", "/")
            .replace(" FILE", " f")
            .replace(" NEW", " new")
            .replace("RELEASE", "1.7");
        let parsed = whole().try_get_matches_from(line.split(' '));
        if let Err(error) = parsed {
            assert_eq!(
                error.kind(),
                clap::error::ErrorKind::DisplayVersion,
                "{word}: {command}: {error}"
            );
        }
        let is_verb = coroner::TOOLS.iter().any(|tool| tool.name == word);
        assert!(!is_verb, "{word} is a command, and is never guessed");
    }
    assert!(guesses > 60);
}

#[test]
fn guessed_words_are_answered_with_the_verb() {
    for (words, want) in [
        (&["images"][..], "coroner meta ls NODE images"),
        (&["ps"], "coroner runtime ls NODE"),
        (&["extract"], "coroner snapshots extract NODE NAME -o DIR"),
        (&["salvage"], "coroner bolt salvage FILE -o NEW"),
        (&["content", "images"], "coroner meta ls NODE images"),
        (&["runtime", "orphans"], "coroner snapshots orphans NODE"),
    ] {
        let (text, exit) = run(words);
        assert_eq!(exit, Exit::USAGE);
        assert!(text.contains(want), "{words:?}: {text}");
        assert!(!text.contains("similar subcommand"), "{text}");
    }
}

#[test]
fn completions_know_every_verb() {
    for shell in ["bash", "zsh", "fish"] {
        let (script, exit) = run(&["completion", shell]);
        assert_eq!(exit, Exit::CLEAN);
        for tool in coroner::TOOLS {
            assert!(script.contains(tool.name), "{shell}: {}", tool.name);
        }
        assert!(script.contains("no-trunc"), "{shell}");
    }
    assert_eq!(run(&["completion", "tcsh"]).1, Exit::USAGE);
}

#[test]
fn help_says_that_node_may_be_left_out() {
    for (words, want) in [
        (&["df", "--help"][..], "coroner df [OPTIONS] [NODE]\n"),
        (
            &["meta", "show", "--help"],
            "coroner meta show [OPTIONS] [NODE] <KIND> <NAME>\n",
        ),
        (
            &["runtime", "show", "--help"],
            "coroner runtime show [OPTIONS] [NODE] <ID>\n",
        ),
        (
            &["repair", "undo", "--help"],
            "coroner repair undo [OPTIONS] <NODE>\n",
        ),
    ] {
        let (text, exit) = run(words);
        assert_eq!(exit, Exit::CLEAN);
        assert!(text.contains(want), "{words:?}: {text}");
    }
}

/// The order of the release before still gives the same answer.
#[test]
fn the_old_order_gives_the_same_answer() {
    let node = testcase::testdata().join("nodes/1.7-running/node.tar.zst");
    let node = node.to_str().unwrap();
    for (old, new) in [
        (
            vec!["meta", "ls", "images", node],
            vec!["meta", "ls", node, "images"],
        ),
        (
            vec!["meta", "show", "image", "images.example/odd:1", node],
            vec!["meta", "show", node, "image", "images.example/odd:1"],
        ),
        (
            vec!["runtime", "show", "sleeper", node],
            vec!["runtime", "show", node, "sleeper"],
        ),
    ] {
        let (old, exit) = run(&old);
        assert_eq!((old, exit), run(&new));
        assert_eq!(exit.0 & Exit::USAGE.0, 0);
    }
}

/// A prefix of a digest or an id, as tables show it, is enough.
#[test]
fn what_a_table_shows_can_be_asked_for() {
    let node = testcase::testdata().join("nodes/1.7-running/node.tar.zst");
    let node = node.to_str().unwrap();
    for (kind, verb) in [
        ("containers", vec!["meta", "show", node, "container"]),
        ("snapshots", vec!["meta", "show", node, "snapshot"]),
        ("content", vec!["content", "cat", node]),
        ("pods", vec!["runtime", "show", node]),
    ] {
        let (table, exit) = run(&["meta", "ls", node, kind]);
        assert_eq!(exit, Exit::CLEAN);
        let (whole, _) = run(&["meta", "ls", node, kind, "--no-trunc"]);
        assert!(whole.len() > table.len(), "{kind}");
        let row = table.lines().rfind(|line| !line.is_empty()).unwrap();
        let name = row.split_whitespace().nth(1).unwrap();
        let mut line = verb.clone();
        line.push(name);
        let (text, exit) = run(&line);
        assert_eq!(exit.0 & Exit::USAGE.0, 0, "{line:?}: {text}");
    }
}

/// Every option of the release before still works, and standard error says its name of now.
#[test]
fn old_options_work_with_a_note() {
    let node = testcase::testdata().join("nodes/1.7-running/node.tar.zst");
    let node = node.to_str().unwrap();
    let file = testcase::testdata().join("bolt/good/1.4.3-nested-4096-synced.db");
    let file = file.to_str().unwrap();
    let program = |words: &[&str]| {
        let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_coroner"));
        let ran = command.args(words).output().unwrap();
        let err = String::from_utf8(ran.stderr).unwrap();
        (ran.stdout, ran.status.code(), err)
    };
    let early = "2020-01-01T00:00:00Z";
    for (was, is, old, new) in [
        (
            "--output-format",
            "--format",
            vec!["timeline", node, "--output-format", "bodyfile"],
            vec!["timeline", node, "--format", "bodyfile"],
        ),
        (
            "--fast",
            "--no-usage",
            vec!["df", "--fast", node],
            vec!["df", "--no-usage", node],
        ),
        (
            "-n",
            "--starts",
            vec!["logs", "-n1", node],
            vec!["logs", "--starts=1", node],
        ),
        (
            "--threads",
            "--jobs",
            vec!["bolt", "check", "--threads=1", file],
            vec!["bolt", "check", "--jobs=1", file],
        ),
        (
            "--since",
            "--from",
            vec!["bolt", "carve", "--since", early, file],
            vec!["bolt", "carve", "--from", early, file],
        ),
        (
            "--until",
            "--to",
            vec!["bolt", "carve", "--until", early, file],
            vec!["bolt", "carve", "--to", early, file],
        ),
    ] {
        let (old, present) = (program(&old), program(&new));
        assert_eq!((&old.0, old.1), (&present.0, present.1), "{was}: {}", old.2);
        assert!(old.1.is_some_and(|code| code & 16 == 0), "{was}: {}", old.2);
        let told = format!("note: {was} is now {is}");
        assert!(old.2.contains(&told), "{was}: {}", old.2);
        assert!(!present.2.contains("note: "), "{is}: {}", present.2);
    }
    let (_, _, said) = program(&["meta", "ls", "images", node]);
    assert!(said.contains("note: NODE comes first"), "{said}");
}
