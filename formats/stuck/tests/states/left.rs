//! Shims that serve nothing any more, and containers whose start never came.

use finding::{Text, Time};
use process::{Item, Processes};
use runc::Doc;
use stuck::{Facts, LeftShim, State, diagnose};

use crate::machine::{Machine, SHIM};

fn left(machine: &Machine) -> Vec<LeftShim> {
    let processes = Processes::new(machine.tree.clone());
    let facts = Facts {
        runtime: &machine.runtime,
        processes: Some(&processes),
        records: &[],
        now: Time::new(1_900_000_000, 0),
    };
    diagnose(facts).shims
}

/// A machine whose shim has no bundle.
fn without_bundle() -> Machine {
    let mut machine = Machine::new();
    machine.runtime.bundles.retain(|it| it.id != *"sleeper");
    machine.runtime.containers.retain(|it| it.id != *"sleeper");
    machine.shim('S');
    machine
}

#[test]
fn a_shim_without_bundle_and_child_is_left() {
    let mut machine = without_bundle();
    let all = left(&machine);
    let pids: Vec<u32> = all.iter().map(|one| one.pid).collect();
    assert_eq!(pids, [SHIM]);
    let commands = super::rendered(&all.first().unwrap().remedy);
    assert_eq!(commands, ["kill -TERM 7000", "kill -KILL 7000"]);
    // Something runs below it.
    machine.process(7001, "sleeper", 'S', SHIM, 20);
    assert_eq!(left(&machine), []);
    // What has ended below it is no process.
    machine.process(7001, "sleeper", 'Z', SHIM, 20);
    assert_eq!(left(&machine).len(), 1);
    // Not every bundle was seen.
    machine.runtime.whole.bundles = false;
    assert_eq!(left(&machine), []);
}

#[test]
fn a_shim_that_may_serve_something_is_not() {
    // It was started this moment.
    let mut machine = without_bundle();
    machine.process(SHIM, "containerd-shim", 'S', 1, 8_999_000);
    assert_eq!(left(&machine), []);
    // Another daemon's, and one of a runtime that is not read.
    for words in [
        "/usr/bin/containerd-shim-runc-v2\0-namespace\0moby\0-id\0sleeper\0-address\0/run/docker/containerd/containerd.sock\0",
        "/usr/bin/containerd-shim-kata-v2\0-namespace\0default\0-id\0sleeper\0",
    ] {
        let mut machine = without_bundle();
        machine.file(SHIM, "cmdline", words);
        assert_eq!(left(&machine), [], "{words}");
    }
    // It serves a member of its pod.
    let mut machine = Machine::new();
    machine.shim('S');
    let words = "/usr/bin/containerd-shim-runc-v2\0-namespace\0default\0-id\0pod\0";
    machine.file(SHIM, "cmdline", words);
    assert_eq!(left(&machine).len(), 1);
    let mut bundles = machine.runtime.bundles.iter_mut();
    bundles.find(|it| it.id == *"sleeper").unwrap().sandbox = Some("pod".into());
    assert_eq!(left(&machine), []);
}

/// `lost`, which the CRI created and nobody started, in the pod `sandbox`.
fn created(sandbox: bool, daemon: Option<char>) -> Machine {
    let mut machine = Machine::new();
    machine.shim('S');
    if sandbox {
        machine.init("sleeper", 'S');
    }
    if let Some(state) = daemon {
        machine.process(500, "containerd", state, 1, 5);
        machine.file(500, "cmdline", "/usr/bin/containerd\0");
        machine.process(600, "kubelet", 'S', 1, 5);
    }
    let mut all = machine.runtime.containers.iter_mut();
    let pod = all.find(|it| it.id == *"sleeper").unwrap();
    pod.namespace = Some("k8s.io".into());
    machine
        .runtime
        .containers
        .sort_by(|one, other| (&one.namespace, &one.id).cmp(&(&other.namespace, &other.id)));
    let mut cri = machine.runtime.cri.first().unwrap().clone();
    cri.id = "lost".into();
    cri.pod = Some("sleeper".into());
    if let Doc::Whole(status) = &mut cri.status {
        status.created = Some(Time::new(1_899_000_000, 0));
        (status.started, status.finished) = (None, None);
    }
    machine.runtime.cri = vec![cri];
    machine
}

fn lost(machine: &Machine) -> stuck::Diagnosis {
    let processes = Processes::new(machine.tree.clone());
    let verdicts = diagnose(Facts {
        runtime: &machine.runtime,
        processes: Some(&processes),
        records: &[],
        now: Time::new(1_900_000_000, 0),
    });
    let mut all = verdicts.containers.into_iter();
    all.find(|one| one.id == *"lost").unwrap()
}

#[test]
fn a_start_that_never_came_is_told() {
    let one = lost(&created(true, Some('S')));
    assert_eq!((one.state, one.sure), (State::StartLost, true), "{one:#?}");
    assert_eq!(super::rendered(&one.remedy), ["crictl rm -- lost"]);
    assert!(one.remedy.is_safe());
    // Its pod does not run; the daemon does not run, or does not move: the start may still come.
    for machine in [
        created(false, Some('S')),
        created(true, None),
        created(true, Some('T')),
    ] {
        let one = lost(&machine);
        assert_eq!(one.state, State::NoTask, "{one:#?}");
        assert!(one.remedy.steps.is_empty());
    }
    // It was created this moment.
    let mut machine = created(true, Some('S'));
    if let Some(Doc::Whole(status)) = machine.runtime.cri.first_mut().map(|cri| &mut cri.status) {
        status.created = Some(Time::new(1_899_999_990, 0));
    }
    assert_eq!(lost(&machine).state, State::NoTask);
    // It has a process.
    let mut machine = created(true, Some('S'));
    machine.process(7100, "app", 'S', SHIM, 20);
    machine.file(7100, "cgroup", "7:freezer:/k8s.io/lost\n");
    machine
        .tree
        .put("/proc/7100/cwd", Item::Link(Text::from("/")));
    assert_ne!(lost(&machine).state, State::StartLost);
}
