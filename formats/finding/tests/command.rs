//! Commands, as real shells read them.

#![expect(clippy::unwrap_used, reason = "tests")]

use std::os::unix::ffi::OsStrExt;
use std::process::Command as Process;

use finding::{Command, Draft, Text, program};

/// Names as nobody gives them in good faith.
const HOSTILE: &[&[u8]] = &[
    b"",
    b"-",
    b"--",
    b"-rf",
    b"--log=x",
    b"9;touch${IFS}/tmp/x;echo",
    b"it's",
    b"\"quoted\"",
    b"'",
    b"''\\''",
    b"a b\tc",
    b"\n",
    b"\n\n",
    b"a\nb",
    b"line feeds at the end\n\n\n",
    b"$(reboot)`reboot`$HOME ${x} $'a'",
    b"* ? [a-z] {a,b} ~ ~root !! !x #c",
    b"a=b",
    b"=ls",
    b"%1 %s %% %n",
    b"\\",
    b"\\n\\0101\\x41\\c",
    b"\x1b[2J\x1b]0;title\x07",
    b"\x7f\x01\x02",
    b"\xff\xfe\x80",
    b"caf\xc3\xa9 \xff",
    "caf\u{e9} \u{1f40b}".as_bytes(),
    "\u{202e}gpj.exe".as_bytes(),
    "zero\u{200b}width".as_bytes(),
    "\u{9b}2J".as_bytes(),
    b"-\x01",
    b"-n\xff",
    b"%s\xff%d",
    b"\\055\xff",
    b"12345\xff67",
    b"|&;<>()",
    b"\r",
];

/// The shells of this machine; the first is every machine's.
fn shells() -> Vec<Vec<&'static str>> {
    let all = [
        vec!["sh"],
        vec!["dash"],
        vec!["bash"],
        vec!["busybox", "sh"],
        vec!["zsh"],
        vec!["ksh"],
    ];
    let there = |shell: &Vec<&'static str>| {
        let [program, options @ ..] = shell.as_slice() else {
            return false;
        };
        let mut call = Process::new(program);
        call.args(options).args(["-c", ":"]);
        call.output().is_ok_and(|output| output.status.success())
    };
    all.into_iter().filter(there).collect()
}

/// What a shell makes of the command's words: `printf` gets them instead of the program.
fn words_in(shell: &[&str], command: &Command) -> Vec<Vec<u8>> {
    let name = command.program().to_string();
    let text = command.to_string().replacen(&name, "show", 1);
    let script = format!("show() {{ for word; do printf '%s\\0' \"$word\"; done; }}; {text}");
    let [program, options @ ..] = shell else {
        return Vec::new();
    };
    let mut call = Process::new(program);
    let output = call.args(options).arg("-c").arg(script).output().unwrap();
    assert!(
        output.status.success() && output.stderr.is_empty(),
        "{command}: {output:?}"
    );
    let mut words: Vec<Vec<u8>> = output
        .stdout
        .split(|byte| *byte == 0)
        .map(<[u8]>::to_vec)
        .collect();
    assert_eq!(words.pop().as_deref(), Some(&[][..]), "{command}");
    words
}

fn is_harmless(shown: &str) -> bool {
    let bad = |letter: char| letter.is_control() || finding::is_treacherous(letter);
    !shown.contains(bad)
}

#[test]
fn every_shell_gives_the_program_exactly_its_arguments() {
    let draft = HOSTILE
        .iter()
        .fold(Draft::new(program::RUNC), |draft, name| {
            draft.value("--root", *name).operand(*name)
        });
    let command = draft.word("delete").number(7_u32).command().unwrap();
    assert!(is_harmless(&command.to_string()), "{command}");
    let want: Vec<Vec<u8>> = command
        .arguments()
        .iter()
        .map(|word| word.bytes().to_vec())
        .collect();
    assert_eq!(want.len(), HOSTILE.len() * 2 + 3);
    assert!(shells().contains(&vec!["sh"]));
    for shell in shells() {
        assert_eq!(words_in(&shell, &command), want, "{shell:?}");
    }
    // One by one, too: nothing helps anything else.
    for name in HOSTILE {
        let command = Draft::new(program::RM).operand(*name).command().unwrap();
        assert!(is_harmless(&command.to_string()), "{command}");
        for shell in shells() {
            assert_eq!(
                words_in(&shell, &command),
                [b"--".to_vec(), name.to_vec()],
                "{shell:?}"
            );
        }
    }
}

#[test]
fn the_output_goes_into_exactly_that_file() {
    let folder = tempfile::tempdir().unwrap();
    for name in HOSTILE.iter().filter(|name| !name.contains(&b'/')) {
        let path = [folder.path().as_os_str().as_bytes(), b"/x", name].concat();
        let written = Draft::new(program::ECHO)
            .word("0")
            .into_file(path.clone())
            .command();
        for shell in shells() {
            let [shell, options @ ..] = shell.as_slice() else {
                continue;
            };
            let mut call = Process::new(shell);
            let status = call
                .args(options)
                .args(["-c", &written.as_ref().unwrap().to_string()]);
            assert!(status.status().unwrap().success());
            let mut there = folder.path().read_dir().unwrap();
            let only = there.next().unwrap().unwrap().path();
            assert_eq!(only.as_os_str().as_bytes(), path);
            assert!(there.next().is_none());
            std::fs::remove_file(only).unwrap();
        }
    }
}

#[test]
fn what_cannot_be_given_safely_is_no_command() {
    let rm = || Draft::new(program::RM);
    // No argument holds a NUL.
    assert_eq!(rm().operand(b"a\0b".as_slice()).command(), None);
    assert_eq!(rm().value("--root", b"\0".as_slice()).command(), None);
    // ip and echo know no `--`.
    let netns = |name: &str| {
        Draft::new(program::IP)
            .words(&["netns", "delete"])
            .operand(name)
            .command()
    };
    assert_eq!(netns("-all"), None);
    assert_eq!(netns("cni-1").unwrap().to_string(), "ip netns delete cni-1");
    // Only paths that lead to something, from the root down.
    for path in ["", "/", "//.", "a", "-a", "../a", "/a/../b", "/.."] {
        assert_eq!(rm().path(path).command(), None, "{path}");
        let echo = Draft::new(program::ECHO).word("0").into_file(path);
        assert_eq!(echo.command(), None, "{path}");
    }
    assert_eq!(
        rm().path("/a/..b").command().unwrap().to_string(),
        "rm -- /a/..b"
    );
    // Programs of the evidence are those that are known, by a whole path.
    let at = |path: &str| Draft::new(program::RUNC).at(&Text::from(path)).command();
    for path in [
        "runc",
        "./runc",
        "/bin/runc --evil",
        "/bin/xrunc",
        "/tmp/sh",
        "-/runc",
    ] {
        assert_eq!(at(path), None, "{path}");
    }
    assert_eq!(
        at("/opt/my bin/runc").unwrap().to_string(),
        "'/opt/my bin/runc'"
    );
    assert_eq!(
        program::Program::runtime(b"crun").map(program::Program::name),
        Some("crun")
    );
    assert_eq!(program::Program::runtime(b"sh"), None);
}

#[test]
fn ordinary_names_stay_as_people_write_them() {
    let command = Draft::new(program::CTR)
        .value("--namespace", "k8s.io")
        .words(&["tasks", "delete", "--force"])
        .operand("web-1")
        .command();
    let text = command.unwrap().to_string();
    assert_eq!(text, "ctr --namespace=k8s.io tasks delete --force -- web-1");
}

/// A pid of a node in a container is one inside of it: a shell out here must not send it a signal, or write to
/// a file of its own.
#[test]
fn a_command_for_inside_of_a_container_enters_it() {
    let kill = Draft::new(program::KILL).word("-CONT").number(105_u32);
    let inside = kill.command().unwrap().inside(21_903);
    assert_eq!(
        inside.to_string(),
        "nsenter --target=21903 --pid --mount --root -- kill -CONT 105"
    );
    let thaw = Draft::new(program::ECHO).word("0");
    let thaw = thaw.into_file("/sys/fs/cgroup/a b/cgroup.freeze");
    let inside = thaw.command().unwrap().inside(7);
    assert_eq!(inside.into_file(), None, "nothing is opened out here");
    assert!(
        inside
            .to_string()
            .starts_with("nsenter --target=7 --pid --mount --root -- sh -c '"),
        "{inside}"
    );
    // The shell inside reads what the shell out here would have read.
    let line = inside.arguments().last().unwrap();
    assert_eq!(
        line.to_string(),
        "echo 0 > '/sys/fs/cgroup/a b/cgroup.freeze'"
    );
    let own = Draft::new(program::CORONER).words(&["repair", "plan"]);
    let own = own.operand("/proc/7/root").command().unwrap();
    assert_eq!(own.clone().inside(7), own);
}

/// Where no process is known to be inside, there is no command at all.
#[test]
fn without_a_way_in_there_is_no_command() {
    let kill = Draft::new(program::KILL).word("-CONT").number(105_u32);
    let step = finding::Step::from(kill.command().unwrap());
    let mut way = finding::Remedy::new("It goes on.", vec![step]);
    way.put_inside(None);
    assert_eq!(way.commands().count(), 0);
    let mut known = finding::Remedy::new("It goes on.", Vec::new());
    known.put_inside(Some(7));
    assert_eq!(known.steps, []);
}
