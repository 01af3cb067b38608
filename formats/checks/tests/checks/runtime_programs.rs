//! Programs of the runtime, damaged in a real capture; the programs are real ones of which only the
//! headers are kept.

use checks::Measured;
use daemon::{Release, detect};
use finding::{Finding, Severity};
use node::Node;
use testcase::Tar;

use crate::opened;

const RUNC: &str = "usr/sbin/runc";
const SHIM: &str = "usr/bin/containerd-shim-runc-v2";

/// A running node of 1.7 with its programs, which captures are without.
fn machine() -> Tar {
    machine_of("1.7-running")
}

fn machine_of(node: &str) -> Tar {
    let mut tar = testcase::node(node);
    // An archive tells what is not there by the folders that it has.
    for path in [
        "usr",
        "usr/local",
        "usr/local/sbin",
        "usr/local/bin",
        "usr/sbin",
        "usr/bin",
        "sbin",
        "bin",
        "opt",
    ] {
        tar.push(path, b'5', "", b"");
    }
    let program = testcase::program("debian-trixie.elf");
    for path in ["usr/bin/env", "usr/bin/containerd", SHIM, RUNC] {
        put(&mut tar, path, &program);
    }
    tar
}

fn put(tar: &mut Tar, path: &str, bytes: &[u8]) {
    tar.add(path, bytes);
    mode(tar, path, *b"0000755\0");
}

fn mode(tar: &mut Tar, path: &str, mode: [u8; 8]) {
    tar.member(path).header[100..108].copy_from_slice(&mode);
}

fn open(tar: &Tar) -> Node {
    opened::node(tar)
}

fn judge(tar: &Tar) -> Vec<Finding> {
    let report = checks::judge(&open(tar), &Measured::default());
    let findings = report.findings.into_iter();
    findings
        .filter(|finding| finding.code.name.starts_with("runtime/program-"))
        .collect()
}

/// The only finding: its code, its message and what the daemon says.
fn one(tar: &Tar) -> (&'static str, String, String) {
    let findings = judge(tar);
    let [finding] = findings.as_slice() else {
        panic!("{findings:#?}")
    };
    assert_eq!(finding.severity, Severity::Damage, "{finding:#?}");
    assert_eq!(finding.ways.len(), 1, "{finding:#?}");
    (
        finding.code.name,
        finding.message.clone(),
        finding.found.clone().unwrap_or_default(),
    )
}

#[test]
fn a_machine_with_its_programs_is_silent() {
    assert_eq!(judge(&machine()), []);
    // Neither is anything said where the evidence holds no programs of the machine.
    assert_eq!(judge(&testcase::node("1.7-running")), []);
    let mut tar = machine();
    tar.remove("usr/bin/containerd");
    tar.remove(RUNC);
    assert_eq!(judge(&tar), []);
}

/// What somebody added to a copy proves nothing of the programs that were not copied.
#[test]
fn one_program_of_a_copy_tells_nothing_of_the_others() {
    for added in [
        "usr/local/bin/k3s",
        "usr/local/bin/containerd",
        "usr/bin/containerd",
    ] {
        let mut tar = testcase::node("1.7-running");
        // A tar of an unpacked copy has a member for each folder.
        for folder in ["usr", "usr/local", "usr/local/bin", "usr/bin"] {
            if added.starts_with(folder) {
                tar.push(folder, b'5', "", b"");
            }
        }
        put(&mut tar, added, &testcase::program("debian-trixie.elf"));
        assert_eq!(judge(&tar), [], "{added}");
        assert!(!open(&tar).around.has_programs, "{added}");
    }
}

#[test]
fn a_script_in_the_place_of_a_program_is_one() {
    let mut tar = machine();
    put(&mut tar, RUNC, b"#!/bin/sh\nexec /usr/lib/runc \"$@\"\n");
    put(&mut tar, "bin/sh", &testcase::program("debian-trixie.elf"));
    assert_eq!(judge(&tar), []);
    // Its interpreter is sought from where it is called, or lies in a folder that was not taken.
    for line in ["#!sh", "#!/lib/sh", "#!"] {
        put(&mut tar, RUNC, line.as_bytes());
        assert_eq!(judge(&tar), [], "{line}");
    }
}

#[test]
fn another_place_of_the_path_does_as_well() {
    let mut tar = machine();
    let program = testcase::program("debian-trixie.elf");
    put(&mut tar, "usr/local/sbin/runc", &program);
    tar.remove(RUNC);
    assert_eq!(judge(&tar), []);
    // What may not be executed is passed over.
    put(&mut tar, "usr/local/bin/runc", b"");
    put(&mut tar, RUNC, &program);
    mode(&mut tar, "usr/local/sbin/runc", *b"0000644\0");
    let (code, message, _) = one(&tar);
    assert_eq!(code, "runtime/program-broken");
    assert!(message.starts_with("it is empty"), "{message}");
}

#[test]
fn each_way_in_which_runc_cannot_be_run() {
    let whole = testcase::program("debian-trixie.elf");
    let mut zeroed = whole.clone();
    let half = whole.len() / 2;
    zeroed[half..].fill(0);
    let mut foreign = whole.clone();
    foreign[18..20].copy_from_slice(&183_u16.to_le_bytes());
    let nothing = vec![0; whole.len()];
    for (bytes, want, says) in [
        (
            &b""[..],
            "it is empty",
            "fork/exec /usr/sbin/runc: exec format error",
        ),
        (&whole[..half], "it is cut", ""),
        (&zeroed, "it is zeroed", ""),
        (
            &nothing,
            "it is no program",
            "fork/exec /usr/sbin/runc: exec format error",
        ),
        (
            b"#! /opt/bash -e\nexec /usr/bin/runc \"$@\"\n",
            "what it names to run it is not there",
            "fork/exec /usr/sbin/runc: no such file or directory",
        ),
        (
            &foreign,
            "it was made for arm64, and containerd for amd64",
            "fork/exec /usr/sbin/runc: exec format error",
        ),
    ] {
        let mut tar = machine();
        put(&mut tar, RUNC, bytes);
        let (code, message, said) = one(&tar);
        assert_eq!(code, "runtime/program-broken", "{want}");
        assert!(message.starts_with(want), "{message}");
        assert_eq!(said, says);
    }
    let mut tar = machine();
    tar.remove(RUNC);
    let (code, message, said) = one(&tar);
    assert_eq!(code, "runtime/program-missing");
    assert!(message.starts_with("runc is not in "), "{message}");
    assert_eq!(said, "exec: \"runc\": executable file not found in $PATH");
    let mut tar = machine();
    mode(&mut tar, RUNC, *b"0000644\0");
    let (code, message, _) = one(&tar);
    assert_eq!(code, "runtime/program-missing");
    assert!(
        message.starts_with("it may not be executed: mode 0644"),
        "{message}"
    );
    let step = &judge(&tar)[0].ways[0].steps[0];
    let command = format!("{step:?}");
    assert!(command.contains("chmod"), "{command}");
}

/// Beside containerd, a shim that may not be executed is called all the same, and elsewhere not: either may be said.
#[test]
fn what_is_said_of_a_shim_that_may_not_be_executed_is_not_known() {
    let mut tar = machine();
    mode(&mut tar, SHIM, *b"0000644\0");
    let all = judge(&tar);
    assert!(all.iter().all(|one| one.found.is_none()), "{all:?}");
    assert!(
        all[0].message.starts_with("it may not be executed"),
        "{all:?}"
    );
}

fn unit(tar: &mut Tar, path: &str) {
    let text = format!(
        "[Service]\nExecStart=/usr/bin/containerd\nEnvironment=PATH={path}\nKillMode=process\nDelegate=yes\n"
    );
    tar.add("etc/systemd/system/containerd.service", text.as_bytes());
}

/// A unit whose PATH leads past runc: nothing is to be installed.
#[test]
fn a_path_that_leads_nowhere_is_to_be_mended_in_the_unit() {
    let mut tar = machine();
    tar.push("usr/lib", b'5', "", b"");
    unit(&mut tar, "/usr/bin:/usr/sbin");
    assert_eq!(judge(&tar), []);
    let mut tar = machine();
    tar.push("usr/lib", b'5', "", b"");
    unit(&mut tar, "/opt/nowhere");
    let (code, message, _) = one(&tar);
    assert_eq!(code, "runtime/program-missing");
    let want = "runc is in /usr/sbin, and PATH of containerd's unit leads only to \
                /opt/containerd/bin, /opt/nowhere;";
    assert!(message.starts_with(want), "{message}");
    let steps = format!("{:?}", judge(&tar)[0].ways[0].steps);
    assert!(steps.contains("99-coroner.conf"), "{steps}");
    assert!(!steps.contains("Install"), "{steps}");
}

/// Where the folders that PATH names are not in the evidence, that is said before anything else.
#[test]
fn a_folder_of_path_that_was_not_taken_is_not_known() {
    let not_known = |tar: &Tar| -> Vec<String> {
        let node = open(tar);
        let report = checks::judge(&node, &Measured::default());
        let verdict = checks::verdict(&node, &report, &detect(&node.traces), node.now);
        let parts = verdict.not_known.iter();
        parts.map(ToString::to_string).collect()
    };
    let is_of_runc = |all: &[String]| all.iter().any(|part| part.contains("runc"));
    let mut tar = machine();
    let all = not_known(&tar);
    assert!(!is_of_runc(&all), "{all:?}");
    unit(&mut tar, "/srv/bin");
    let all = not_known(&tar);
    assert!(is_of_runc(&all), "{all:?}");
}

#[test]
fn a_start_without_runc_forgets_tasks_from_1_7_on() {
    let mut tar = machine();
    tar.remove(RUNC);
    let node = open(&tar);
    let report = checks::judge(&node, &Measured::default());
    let detected = detect(&node.traces);
    for (release, forgets) in [
        (Release::V1_6, false),
        (Release::V1_7, true),
        (Release::V2_1, true),
    ] {
        let prediction =
            checks::start::predict(&node, &report, release, detected.patch(), node.now);
        let does = prediction.statements.iter().map(|it| it.does.as_str());
        let found: Vec<&str> = does
            .filter(|does| does.contains("forgets each task"))
            .collect();
        assert_eq!(!found.is_empty(), forgets, "{release}: {found:?}");
    }
}

#[test]
fn a_start_without_the_shims_program_removes_bundles() {
    let mut tar = machine();
    tar.remove(SHIM);
    // It is wanted by its name and by the path that bundles have.
    let (code, message, _) = one(&tar);
    assert_eq!(code, "runtime/program-missing");
    assert!(message.starts_with("it is not there"), "{message}");
    let node = open(&tar);
    let report = checks::judge(&node, &Measured::default());
    for release in [Release::V1_6, Release::V1_7, Release::V2_1] {
        let prediction = checks::start::predict(&node, &report, release, None, node.now);
        let says = prediction.statements.iter().any(|it| {
            it.does
                .contains("does not find the program of the task's shim")
                && !it.targets.is_empty()
        });
        assert!(says, "{release}: {:#?}", prediction.statements);
    }
}

/// A pod's member of 2.x has no path of the shim in its bundle; a real start of 2.1.9 took both away.
#[test]
fn without_the_shims_program_every_task_is_lost() {
    for name in ["1.6-running", "1.7-running", "2.1-running"] {
        let mut tar = machine_of(name);
        tar.remove(SHIM);
        let node = open(&tar);
        let report = checks::judge(&node, &Measured::default());
        let told = checks::start::predictions(&node, &report, &detect(&node.traces), node.now);
        let statements = told.iter().flat_map(|one| &one.statements);
        let lost = statements.filter(|it| it.code == Some("runtime/program-missing"));
        let lost = lost.filter(|it| it.forbids && !it.perhaps);
        let bundles = node.runtime.read().unwrap().bundles.iter();
        let bundles = bundles.filter(|bundle| !bundle.hidden).count();
        assert_eq!(lost.count(), bundles, "{name}: {told:#?}");
    }
}
