//! No command is put together from pieces of text: whatever a person may paste is a
//! `finding::Command`, which quotes. Here the sources are read for literals that do it by hand.

#![expect(
    clippy::expect_used,
    clippy::disallowed_methods,
    clippy::arithmetic_side_effects,
    reason = "a test reads sources, not evidence, and panics where something is wrong"
)]

use std::path::{Path, PathBuf};

/// Programs that a person is told to call.
const PROGRAMS: &[&str] = &[
    "buildctl",
    "cat",
    "chattr",
    "chmod",
    "chown",
    "coroner",
    "cp",
    "crictl",
    "crun",
    "ctr",
    "curl",
    "dd",
    "df",
    "dmsetup",
    "docker",
    "dockerd",
    "echo",
    "findmnt",
    "fuser",
    "getent",
    "grep",
    "ip",
    "journalctl",
    "kill",
    "kubectl",
    "ln",
    "losetup",
    "ls",
    "lsof",
    "mkdir",
    "mknod",
    "modprobe",
    "mount",
    "mv",
    "nerdctl",
    "nsenter",
    "nvidia-smi",
    "openssl",
    "podman",
    "printf",
    "prlimit",
    "ps",
    "readlink",
    "rm",
    "rmdir",
    "runc",
    "sh",
    "sha256sum",
    "sha384sum",
    "sha512sum",
    "ss",
    "stat",
    "sudo",
    "sysctl",
    "systemctl",
    "tar",
    "touch",
    "truncate",
    "umount",
    "youki",
];

/// Literals that look like one and are none.
const OTHERS: &[&str] = &[
    // What containerd says when it cannot make a folder.
    "mkdir {}: {why}",
    "mkdir {}: not a directory",
    // The version of this program.
    "coroner {}",
];

/// The string literals of a source, without the line breaks that a backslash takes away.
fn literals(source: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut rest = source;
    while let Some(at) = rest.find(['"', '/', '\'']) {
        let (before, from) = rest.split_at(at);
        if from.starts_with("//") {
            rest = from.split_once('\n').map_or("", |(_, after)| after);
        } else if from.starts_with('\'') {
            // A letter, not a lifetime.
            let quoted = [from.get(3..), from.get(2..)];
            let is_letter = from.get(2..).is_some_and(|end| end.starts_with('\''));
            rest = match quoted {
                _ if is_letter => from.get(3..).unwrap_or_default(),
                [Some(_), _] if from.starts_with("'\\\"'") || from.starts_with("'\\''") => {
                    from.get(4..).unwrap_or_default()
                }
                _ => from.get(1..).unwrap_or_default(),
            };
        } else if let Some(body) = from.strip_prefix('"') {
            let hashes = before.len() - before.trim_end_matches('#').len();
            let is_raw = before.trim_end_matches('#').ends_with('r');
            let close = format!("\"{}", "#".repeat(hashes));
            let end = if is_raw {
                body.find(&close)
            } else {
                let mut escaped = false;
                body.find(|letter: char| {
                    let ends = letter == '"' && !escaped;
                    escaped = letter == '\\' && !escaped;
                    ends
                })
            };
            let (text, after) = body.split_at(end.unwrap_or(body.len()));
            let lines = text.split("\\\n").enumerate();
            let joined =
                lines.map(|(number, line)| if number > 0 { line.trim_start() } else { line });
            found.push(joined.collect());
            rest = after.strip_prefix('"').unwrap_or_default();
        } else {
            rest = from.get(1..).unwrap_or_default();
        }
    }
    found
}

/// Whether something is put into this piece of a literal.
fn has_place(text: &str) -> bool {
    text.replace("{{", "").contains('{')
}

/// Whether text reads as a command: a program's name, and then something that is no prose.
fn is_call(text: &str) -> bool {
    let Some(rest) = PROGRAMS
        .iter()
        .find_map(|program| text.strip_prefix(program))
    else {
        return false;
    };
    let next = rest.trim_start();
    rest.starts_with([' ', '{']) && next.starts_with(['-', '/', '{', '>', '"', '\\'])
}

/// Whether text is one of this toolkit's verbs with something put into it, or a line that shows a root prompt.
fn is_shown(text: &str) -> bool {
    let of = |text: &str, program: &str| {
        let rest = text.strip_prefix(program);
        rest.is_some_and(|rest| rest.starts_with(' '))
    };
    let prompted = text.trim_start().strip_prefix("# ");
    let verb = text.trim_start().strip_prefix("coroner ");
    let has_verb = verb.is_some_and(|verb| verb.starts_with(|it: char| it.is_ascii_lowercase()));
    has_verb || prompted.is_some_and(|text| PROGRAMS.iter().any(|program| of(text, program)))
}

/// The piece of a literal that puts a command together, if there is one.
fn by_hand(literal: &str) -> Option<&str> {
    if !has_place(literal) || OTHERS.contains(&literal) {
        return None;
    }
    let spans = literal.split('`').skip(1).step_by(2);
    let mut in_code = spans.filter(|span| {
        let program = span.split([' ', '{']).next().unwrap_or_default();
        has_place(span) && PROGRAMS.contains(&program)
    });
    if let Some(span) = in_code.next() {
        return Some(span);
    }
    let starts = ["; ", ": ", "&& ", "| ", "$ ", "# "];
    let pieces = starts.iter().flat_map(|start| literal.split(start));
    let mut pieces = pieces.filter(|piece| has_place(piece) && is_call(piece));
    let redirected = literal.starts_with("echo ") || literal.starts_with("printf ");
    let is_by_hand = redirected || is_shown(literal);
    pieces.next().or_else(|| is_by_hand.then_some(literal))
}

fn sources(folder: &Path, into: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).expect("a folder of sources") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            sources(&path, into);
        } else if path.extension().is_some_and(|end| end == "rs") {
            into.push(path);
        }
    }
}

/// Every source below `formats/` and `tools/`.
fn all_sources() -> Vec<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let mut files = Vec::new();
    for room in ["formats", "tools"] {
        for entry in std::fs::read_dir(root.join(room)).expect("a room") {
            let folder = entry.expect("a crate").path().join("src");
            if folder.is_dir() {
                sources(&folder, &mut files);
            }
        }
    }
    assert!(files.len() > 300, "{} sources", files.len());
    files
}

/// What a daemon does at a start is in one table, `daemon::start::START`.
#[test]
fn what_a_start_does_is_told_by_its_rules() {
    let told = all_sources().into_iter().filter(|file| {
        let source = std::fs::read_to_string(file).expect("a source");
        source.contains(".at_start(")
    });
    let told: Vec<PathBuf> = told.collect();
    let [only] = told.as_slice() else {
        panic!("use daemon::told with a StartRule: {told:?}");
    };
    assert!(only.ends_with("formats/daemon/src/rules.rs"), "{only:?}");
}

#[test]
fn no_command_is_put_together_by_hand() {
    let mut wrong = Vec::new();
    // The messages of daemons name the calls that failed ("mkdir {path}: file exists"), to be
    // compared with lines of a log.
    // The grammar names verbs of coroner's own, and nothing of a node.
    let is_ours = |file: &PathBuf| {
        let mut parts = file.components();
        !parts.any(|part| part.as_os_str() == "messages" || part.as_os_str() == "grammar")
    };
    for file in all_sources().into_iter().filter(is_ours) {
        let source = std::fs::read_to_string(&file).expect("a source");
        for literal in literals(&source) {
            if let Some(piece) = by_hand(&literal) {
                wrong.push(format!("{}: {piece}", file.display()));
            }
        }
    }
    assert!(
        wrong.is_empty(),
        "use finding::Draft for these:\n{}",
        wrong.join("\n")
    );
}

#[test]
fn what_it_looks_for_is_found() {
    for source in [
        r#"format!("umount -f {}", quoted(&mount.point))"#,
        r#"format!("{x}: `{task} start`, or `ctr -n {namespace} rm`")"#,
        "format!(\"While no pod is being made: \\\n    rm {folder}/x\")",
        r##"let c = '"'; format!(r#"echo THAWED > {}"#, file)"##,
        r#"format!("kill -{name} {}", pid)"#,
        r#"pen.verbatim(format_args!("    # coroner repair apply {}", file))"#,
        r#"pen.verbatim(format_args!("    # ctr images {verb}"))"#,
        r#"format!("coroner repair plan {more}-o {file} -- /")"#,
        r#"format!("coroner bolt `x`; runc{root} delete {id}")"#,
    ] {
        let all = literals(source);
        assert!(
            all.iter().any(|literal| by_hand(literal).is_some()),
            "{source}: {all:?}"
        );
    }
    for source in [
        r#"// format!("umount -f {}", x)"#,
        r#"format!("{} is a mount of type {}", a, b)"#,
        r#""`ctr images rm`""#,
        r#"format!("the runtime has {count}: {why}")"#,
        r#"format!("{{ rm -f }}")"#,
    ] {
        let all = literals(source);
        assert!(
            all.iter().all(|literal| by_hand(literal).is_none()),
            "{source}: {all:?}"
        );
    }
}
