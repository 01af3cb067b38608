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
    let listed = "ctr --namespace=default tasks ls";
    assert_eq!(commands, [listed, "kill -TERM 7000", "kill -KILL 7000"]);
    // Something runs below it, which may be of use.
    machine.process(7001, "sleeper", 'S', SHIM, 20);
    let all = left(&machine);
    let one = all.first().unwrap();
    assert_eq!(
        (all.len(), one.processes.as_slice()),
        (1, [7001].as_slice())
    );
    // It may be the one that serves: nothing is printed that ends it.
    assert!(super::rendered(&one.remedy).is_empty());
    assert!(one.remedy.why.contains("(pid 7001)"), "{}", one.remedy.why);
    assert!(!one.remedy.is_safe());
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
    // Nobody is seen who would have started it: a person may do so later.
    let mut machine = created(true, Some('S'));
    machine.tree.remove_process(600);
    let one = lost(&machine);
    assert_eq!((one.state, one.sure), (State::StartLost, false), "{one:#?}");
    assert!(!one.remedy.is_safe());
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

#[test]
fn what_nobody_names_is_not_nothing() {
    let mut machine = without_bundle();
    machine.process(7001, "sleeper", 'S', SHIM, 20);
    machine.file(7001, "cgroup", "7:freezer:/default/sleeper\n");
    let processes = Processes::new(machine.tree.clone());
    let record = [(Text::from("default"), Text::from("sleeper"))];
    let verdicts = diagnose(Facts {
        runtime: &machine.runtime,
        processes: Some(&processes),
        records: &record,
        now: Time::new(1_900_000_000, 0),
    });
    let mut all = verdicts.containers.iter();
    let one = all.find(|one| one.id == *"sleeper").unwrap();
    assert_eq!(one.state, State::Unreachable, "{one:#?}");
    // It is told once.
    assert_eq!(verdicts.shims, []);
    assert!(
        one.why.starts_with("pid 7001 runs in its cgroup"),
        "{}",
        one.why
    );
    assert!(!one.remedy.is_safe());
}

#[test]
fn a_shim_that_accepts_nobody_is_mute() {
    let mut machine = Machine::new();
    machine.shim('S');
    machine.init("sleeper", 'S');
    let mut bundles = machine.runtime.bundles.iter();
    let bundle = bundles.find(|it| it.id == *"sleeper").unwrap();
    let path = bundle.shim().unwrap().path();
    let head = "Num       RefCount Protocol Flags    Type St Inode Path\n";
    let listens = format!("1: 00000002 00000000 00010000 0001 01 77 {path}\n");
    let waits = format!("2: 00000003 00000000 00000000 0001 02     0 {path}\n");
    machine.global("/proc/net/unix", &format!("{head}{listens}"));
    machine.is(State::Running);
    machine.global("/proc/net/unix", &format!("{head}{listens}{waits}"));
    let one = machine.is(State::ShimMute);
    assert!(one.why.contains("1 connection waits"), "{}", one.why);
    assert!(!one.sure && super::rendered(&one.remedy).is_empty());
    assert_eq!(one.culprit, Some(SHIM));
}

#[test]
fn a_shim_may_wait_for_storage() {
    for thread in [false, true] {
        let mut machine = Machine::new();
        machine.shim('S');
        machine.init("sleeper", 'S');
        let name = if thread { "task/7005/wchan" } else { "wchan" };
        machine.file(SHIM, name, "ext4_fallocate");
        let one = machine.is(State::StorageHung);
        assert_eq!(one.culprit, Some(SHIM), "{one:#?}");
        assert!(one.why.contains("its shim waits"), "{}", one.why);
        machine.file(SHIM, name, "futex_do_wait");
        machine.is(State::Running);
    }
}

/// systemd may end the scope of a container that runs on elsewhere.
#[test]
fn one_in_another_cgroup_is_told_as_such() {
    let mut machine = Machine::new();
    machine.shim('S');
    let pid = machine.init("sleeper", 'S');
    for (group, is_its) in [
        ("/default/sleeper", true),
        ("/default/sleeper/inner/app", true),
        ("/", true),
        ("/system.slice/ssh.service", false),
    ] {
        machine.file(pid, "cgroup", &format!("7:freezer:{group}\n"));
        let one = machine.is(State::Running);
        let said = one.why.contains("another cgroup");
        assert_eq!(said, !is_its, "{group}: {}", one.why);
    }
}
