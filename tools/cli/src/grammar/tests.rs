//! Command lines, and what they become.

use std::ffi::OsString;

use clap::{Arg, ArgAction, Command};

use super::{guess, meant, modern};

/// A command with the shapes of coroner's verbs.
fn coroner() -> Command {
    let node = || Arg::new("evidence").value_name("NODE").required(true);
    let name = || Arg::new("name").value_name("NAME").required(true);
    let kind = Arg::new("kind")
        .value_name("KIND")
        .required(true)
        .value_parser(["images", "pods"]);
    let namespace = Arg::new("namespace").short('n').long("namespace");
    let all = Arg::new("all").short('a').action(ArgAction::SetTrue);
    let why = Command::new("why").arg(node()).arg(name());
    let why = why.arg(namespace.clone()).arg(all);
    let meta = Command::new("meta")
        .subcommand(Command::new("ls").arg(node()).arg(kind.clone()))
        .subcommand(
            Command::new("show")
                .arg(node())
                .arg(kind)
                .arg(name())
                .arg(namespace),
        );
    let path = Arg::new("path").value_name("PATH").num_args(0..);
    let inode = Arg::new("inode").long("inode");
    Command::new("coroner")
        .subcommand(Command::new("df").arg(node()))
        .subcommand(why)
        .subcommand(meta)
        .subcommand(Command::new("owner").arg(node()).arg(path).arg(inode))
        .subcommand(Command::new("repair").subcommand(Command::new("undo").arg(node())))
        .subcommand(
            Command::new("timeline")
                .arg(node())
                .arg(Arg::new("format").long("format")),
        )
        .subcommand(
            Command::new("logs")
                .arg(node())
                .arg(Arg::new("starts").long("starts")),
        )
}

/// The words after `coroner`, and how many notes there are.
fn becomes(line: &str) -> (String, usize) {
    let argv = ["coroner"].into_iter().chain(line.split_whitespace());
    let line = modern(&coroner(), argv.map(OsString::from).collect());
    let words: Vec<String> = line
        .argv
        .iter()
        .skip(1)
        .map(|word| word.to_string_lossy().into_owned())
        .collect();
    (words.join(" "), line.notes.len())
}

#[test]
fn a_node_that_is_left_out_is_this_machine() {
    for (line, want) in [
        ("df", "df /"),
        ("df --", "df / --"),
        ("df /mnt", "df /mnt"),
        ("why sha256:4b", "why / sha256:4b"),
        ("why -n k8s.io -a sha256:4b", "why -n k8s.io -a / sha256:4b"),
        ("why -an k8s.io sha256:4b", "why -an k8s.io / sha256:4b"),
        (
            "why --namespace=k8s.io sha256:4b",
            "why --namespace=k8s.io / sha256:4b",
        ),
        ("why -- -odd", "why -- / -odd"),
        ("why /nowhere/node x", "why /nowhere/node x"),
        ("meta ls images", "meta ls / images"),
        ("meta show images app", "meta show / images app"),
        ("owner 232", "owner / 232"),
        ("owner --inode 7", "owner --inode 7 /"),
        ("owner --inode 7 /nowhere", "owner --inode 7 /nowhere"),
    ] {
        assert_eq!(becomes(line), (want.to_owned(), 0), "{line}");
    }
}

#[test]
fn a_node_is_not_guessed_where_something_is_changed_or_the_name_is_missing() {
    for line in [
        "repair undo",
        "why /",
        "why -",
        "meta show /",
        "df --help",
        "why",
        "",
        "--help",
    ] {
        assert_eq!(becomes(line), (line.to_owned(), 0), "{line}");
    }
}

#[test]
fn the_old_order_still_works_with_a_note() {
    for (line, want) in [
        ("meta ls images /", "meta ls / images"),
        ("meta ls images -", "meta ls - images"),
        (
            "meta show images app -n k8s.io /",
            "meta show / images app -n k8s.io",
        ),
    ] {
        assert_eq!(becomes(line), (want.to_owned(), 1), "{line}");
    }
    // The order of now, and words that no file is called.
    for line in [
        "meta ls / images",
        "meta ls /nowhere images",
        "meta show / images app",
    ] {
        assert_eq!(becomes(line), (line.to_owned(), 0), "{line}");
    }
}

#[test]
fn old_options_still_work_with_a_note() {
    for (line, want) in [
        (
            "timeline --output-format jsonl /",
            "timeline --format jsonl /",
        ),
        (
            "timeline --output-format=jsonl /",
            "timeline --format=jsonl /",
        ),
        ("logs -n 3 /", "logs --starts 3 /"),
        ("logs -n3 /", "logs --starts=3 /"),
    ] {
        assert_eq!(becomes(line), (want.to_owned(), 1), "{line}");
    }
    // Another verb's `-n`, and a word after `--`.
    assert_eq!(becomes("why -n k8s.io / x").1, 0);
    assert_eq!(becomes("logs -- -n"), ("logs -- -n".to_owned(), 0));
}

#[test]
fn a_guess_leads_to_the_verb() {
    let meant = |line: &[&str]| {
        let error = coroner().try_get_matches_from(line).unwrap_err();
        meant(&coroner(), &error)
    };
    let text = meant(&["coroner", "images"]).unwrap();
    assert!(text.contains("coroner meta ls NODE images"), "{text}");
    let text = meant(&["coroner", "undo"]).unwrap();
    assert!(text.contains("coroner repair undo"), "{text}");
    let text = meant(&["coroner", "meta", "undo"]).unwrap();
    assert!(text.contains("of `coroner meta`"), "{text}");
    assert_eq!(meant(&["coroner", "nonsense"]), None);
    assert_eq!(guess::guess(&coroner(), None, "help"), None);
}

#[test]
fn what_is_missing_is_named_with_what_it_may_be() {
    let error = coroner().try_get_matches_from(["coroner", "meta", "ls", "/"]);
    let text = meant(&coroner(), &error.unwrap_err()).unwrap();
    assert!(text.contains("KIND: one of images, pods"), "{text}");
    let error = coroner().try_get_matches_from(["coroner", "why", "/"]);
    let text = meant(&coroner(), &error.unwrap_err()).unwrap();
    assert!(text.contains("coroner meta ls NODE containers"), "{text}");
}
