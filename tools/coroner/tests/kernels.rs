//! Kernels that lack what rights are given up with: no Landlock, no seccomp, no namespaces, no capabilities, no
//! `openat2`. A filter refuses these system calls before coroner starts. It answers as ever, says what it could
//! not have (`--verbose`, `safety` in JSON), and never ends in an error.

#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::unnecessary_debug_formatting,
    clippy::disallowed_methods,
    dead_code,
    missing_docs,
    unreachable_pub,
    reason = "tests panic where something is wrong"
)]

#[path = "common/mod.rs"]
mod common;

use std::collections::BTreeMap;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::Command;

use common::{Ran, run};
use nix::libc;
use seccompiler::{
    BpfProgram, SeccompAction, SeccompCmpArgLen, SeccompCmpOp, SeccompCondition, SeccompFilter,
    SeccompRule,
};
use serde_json::Value;

/// What a kernel lacks, and with which error it says so.
const LACK: &str = "CORONER_TEST_LACKS";
/// The program and its words, a line each.
const WORDS: &str = "CORONER_TEST_WORDS";

/// System calls by what they are for; of `prctl` only those that seccomp and capabilities need.
fn calls_of(kind: &str) -> Vec<(i64, Option<i32>)> {
    let all = |calls: &[i64]| calls.iter().map(|call| (*call, None)).collect();
    match kind {
        "landlock" => all(&[
            libc::SYS_landlock_create_ruleset,
            libc::SYS_landlock_add_rule,
            libc::SYS_landlock_restrict_self,
        ]),
        "unshare" => all(&[libc::SYS_unshare]),
        "mount" => all(&[
            libc::SYS_mount,
            libc::SYS_open_tree,
            libc::SYS_move_mount,
            libc::SYS_mount_setattr,
            libc::SYS_fsopen,
        ]),
        "seccomp" => vec![
            (libc::SYS_seccomp, None),
            (libc::SYS_prctl, Some(libc::PR_SET_SECCOMP)),
        ],
        "capabilities" => vec![
            (libc::SYS_capset, None),
            (libc::SYS_prctl, Some(libc::PR_CAP_AMBIENT)),
            (libc::SYS_prctl, Some(libc::PR_CAPBSET_DROP)),
        ],
        "limits" => all(&[libc::SYS_prlimit64, libc::SYS_setrlimit]),
        "openat2" => all(&[libc::SYS_openat2]),
        "statx" => all(&[libc::SYS_statx]),
        "renameat2" => all(&[libc::SYS_renameat2]),
        "all" => [
            "landlock",
            "unshare",
            "mount",
            "seccomp",
            "capabilities",
            "limits",
            "openat2",
            "statx",
        ]
        .iter()
        .flat_map(|kind| calls_of(kind))
        .collect(),
        _ => panic!("{kind}"),
    }
}

fn errno_of(name: &str) -> i32 {
    match name {
        "ENOSYS" => libc::ENOSYS,
        "EPERM" => libc::EPERM,
        "EINVAL" => libc::EINVAL,
        "ENOSPC" => libc::ENOSPC,
        "EOPNOTSUPP" => libc::EOPNOTSUPP,
        _ => panic!("{name}"),
    }
}

/// Not a test by itself: started again by those below, it becomes coroner on such a kernel.
#[test]
fn stand_in() {
    let (Ok(lacks), Ok(words)) = (std::env::var(LACK), std::env::var(WORDS)) else {
        return;
    };
    let (kind, error) = lacks.split_once(' ').expect("a kind and an error");
    let mut rules: BTreeMap<i64, Vec<SeccompRule>> = BTreeMap::new();
    for (call, first) in calls_of(kind) {
        let rules = rules.entry(call).or_default();
        if let Some(first) = first {
            let first = u64::try_from(first).expect("a number");
            let is = SeccompCondition::new(0, SeccompCmpArgLen::Dword, SeccompCmpOp::Eq, first);
            let rule = SeccompRule::new(vec![is.expect("a condition")]);
            rules.push(rule.expect("a rule"));
        }
    }
    let refused = u32::try_from(errno_of(error)).expect("a number");
    let arch = std::env::consts::ARCH.try_into().expect("an architecture");
    let (others, these) = (SeccompAction::Allow, SeccompAction::Errno(refused));
    let filter = SeccompFilter::new(rules, others, these, arch).expect("a filter");
    let program: BpfProgram = filter.try_into().expect("a program");
    seccompiler::apply_filter(&program).expect("seccomp");
    let words: Vec<&str> = words.lines().collect();
    let failed = Command::new(env!("CARGO_BIN_EXE_coroner"))
        .args(words)
        .exec();
    panic!("{failed}");
}

/// coroner on such a kernel; what the harness prints before it is left out.
fn on_kernel(lacks: &str, words: &[&str]) -> Ran {
    let this = std::env::current_exe().expect("this program");
    let mut command = Command::new(this);
    command.args(["--exact", "stand_in", "--nocapture", "--test-threads=1"]);
    command.env(LACK, lacks).env(WORDS, words.join("\n"));
    let mut ran = run(&mut command);
    let at = ran.out.find('{').unwrap_or(ran.out.len());
    ran.out.drain(..at);
    ran
}

fn json(ran: &Ran, what: &str) -> Value {
    let text = ran.out.trim();
    serde_json::from_str(text).unwrap_or_else(|error| panic!("{what}: {error}: {text} {}", ran.err))
}

/// What of an answer may not depend on the kernel.
fn answered(mut json: Value) -> Value {
    let answer = json["answer"].take();
    let findings = answer["findings"].clone();
    if findings.is_null() { answer } else { findings }
}

#[test]
fn a_kernel_that_lacks_something_is_a_note_and_no_error() {
    // What it lacks, and the field of `safety` that is false then.
    let kernels = [
        ("landlock ENOSYS", "landlock"),
        ("landlock EOPNOTSUPP", "landlock"),
        ("landlock EPERM", "landlock"),
        ("unshare EPERM", "network"),
        ("unshare ENOSYS", "network"),
        ("unshare ENOSPC", "network"),
        ("unshare EINVAL", "network"),
        ("mount EPERM", ""),
        ("mount ENOSYS", ""),
        ("seccomp EINVAL", "seccomp"),
        ("seccomp ENOSYS", "seccomp"),
        ("seccomp EPERM", "seccomp"),
        ("capabilities EPERM", ""),
        ("limits EPERM", "no_core"),
        ("openat2 ENOSYS", ""),
        ("openat2 EPERM", ""),
        ("statx ENOSYS", ""),
        ("all ENOSYS", "landlock"),
        ("all EPERM", "seccomp"),
    ];
    let scratch = tempfile::tempdir().expect("folder");
    let node = scratch.path().join("node");
    common::unpack(&testcase::node("1.7-running"), &node);
    let meta = node.join(common::META);
    let tar = scratch.path().join("node.tar");
    std::fs::write(&tar, testcase::node("1.7-running").write()).expect("a tar");
    let shown = |path: &Path| path.to_str().expect("a path").to_owned();
    let (node, meta, tar) = (shown(&node), shown(&meta), shown(&tar));
    let verbs: [&[&str]; 5] = [
        &["triage", "--format", "json", "--verbose", &node],
        &["triage", "--format", "json", "--verbose", &tar],
        &["bolt", "check", "--format", "json", "--verbose", &meta],
        &["runtime", "stuck", "--format", "json", "--verbose", &node],
        &["content", "verify", "--format", "json", "--verbose", &node],
    ];
    for words in verbs {
        let plain = run(Command::new(env!("CARGO_BIN_EXE_coroner")).args(words));
        let whole = json(&plain, "a whole kernel");
        for (lacks, field) in kernels {
            let what = format!("{lacks}: {words:?}");
            let ran = on_kernel(lacks, words);
            assert_eq!(ran.code, plain.code, "{what}: {}", ran.err);
            let lacking = json(&ran, &what);
            let safety = &lacking["safety"];
            assert!(safety.is_object(), "{what}: {lacking}");
            if !field.is_empty() {
                assert_eq!(safety[field], false, "{what}: {safety}");
                let is_told = ran.err.contains("not held: ");
                assert!(is_told, "{what}: {}", ran.err);
            }
            assert_eq!(answered(lacking), answered(whole.clone()), "{what}");
        }
    }
}

/// What is written is whole there, too: without `openat2`, without Landlock, without anything.
#[test]
fn what_is_written_on_such_a_kernel_is_whole() {
    let scratch = tempfile::tempdir().expect("folder");
    let tar = scratch.path().join("node.tar");
    std::fs::write(&tar, testcase::node("1.7-stopped").write()).expect("a tar");
    let tar = tar.to_str().expect("a path").to_owned();
    for (number, lacks) in [
        "all ENOSYS",
        "all EPERM",
        "renameat2 ENOSYS",
        "landlock ENOSYS",
    ]
    .into_iter()
    .enumerate()
    {
        let bundle = scratch.path().join(format!("{number}.tar.zst"));
        let bundle = bundle.to_str().expect("a path");
        let ran = on_kernel(lacks, &["collect", "--redact", &tar, "-o", bundle]);
        let plain = scratch.path().join(format!("{number}-plain.tar.zst"));
        let words = [
            "collect",
            "--redact",
            &tar,
            "-o",
            plain.to_str().expect("a path"),
        ];
        let usual = run(Command::new(env!("CARGO_BIN_EXE_coroner")).args(words));
        assert_eq!(ran.code, usual.code, "{lacks}: {}", ran.err);
        let checked =
            run(Command::new(env!("CARGO_BIN_EXE_coroner")).args(["bundle", "verify", bundle]));
        assert_eq!(
            checked.code,
            Some(0),
            "{lacks}: {}{}",
            checked.out,
            checked.err
        );
        let tree = scratch.path().join(format!("tree-{number}"));
        let tree = tree.to_str().expect("a path");
        let ran = on_kernel(
            lacks,
            &[
                "content",
                "export",
                "--layout",
                "-o",
                tree,
                &tar,
                "default/images.example/app:1",
            ],
        );
        assert!(
            ran.code.is_some_and(|code| code < 64),
            "{lacks}: {}",
            ran.err
        );
    }
}
