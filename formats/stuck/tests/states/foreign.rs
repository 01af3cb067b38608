//! What is not ours, beside a container of ours: each left alone, and the container's own faults
//! found all the same.

use crate::machine::{Machine, SHIM, runtime};
use finding::{Text, Time};
use process::{Item, Processes};
use stuck::{Diagnosis, Facts, Other, State, diagnose};

const STATE: &str = "/run/containerd";
const TASKS: &str = "io.containerd.runtime.v2.task";

fn all(machine: &Machine) -> Vec<Diagnosis> {
    let processes = Processes::new(machine.tree.clone());
    let facts = Facts {
        runtime: &machine.runtime,
        processes: Some(&processes),
        records: &[],
        now: Time::new(1_900_000_000, 0),
    };
    diagnose(facts).containers
}

/// A machine with the container `sleeper`, well, and nothing else in its folders.
fn alone() -> Machine {
    let mut machine = Machine::new();
    machine.runtime.containers.retain(|it| it.id == *"sleeper");
    machine.runtime.bundles.retain(|it| it.id == *"sleeper");
    machine.process(1, "systemd", 'S', 0, 1);
    machine.file(1, "status", "NSpid:\t1\n");
    link(&mut machine, 1, "ns/mnt", "mnt:[1]");
    machine.shim('S');
    machine.init("sleep", 'S');
    machine
}

fn link(machine: &mut Machine, pid: u32, name: &str, target: &str) {
    let item = Item::Link(Text::from(target));
    machine.tree.put(&format!("/proc/{pid}/{name}"), item);
}

/// A shim, and below it an init of runc that no folder of ours knows.
fn shim_with_init(machine: &mut Machine, [pid, init]: [u32; 2], address: &str, nested: bool) {
    machine.process(pid, "containerd-shim", 'S', 1, 10);
    let words = format!(
        "/usr/bin/containerd-shim-runc-v2\0-namespace\0default\0-id\0sleeper\0-address\0{address}\0"
    );
    machine.file(pid, "cmdline", &words);
    machine.process(init, "runc:[2:INIT]", 'S', pid, 20);
    machine.file(init, "cmdline", "runc\0init\0");
    machine.file(init, "cgroup", "7:freezer:/elsewhere/default/sleeper\n");
    machine.file(init, "wchan", "wait_for_partner");
    if nested {
        machine.file(pid, "status", &format!("NSpid:\t{pid}\t7\n"));
        machine.file(init, "status", &format!("NSpid:\t{init}\t8\t1\n"));
        link(machine, pid, "ns/mnt", "mnt:[9]");
    } else {
        machine.file(pid, "status", &format!("NSpid:\t{pid}\n"));
        machine.file(init, "status", &format!("NSpid:\t{init}\t1\n"));
    }
}

/// Everything at once, all of it well.
fn crowd() -> Machine {
    let mut machine = alone();
    // A second containerd, and one in a node inside this one, with the same paths and ids.
    shim_with_init(
        &mut machine,
        [8000, 8001],
        "/run/docker/containerd/containerd.sock",
        false,
    );
    shim_with_init(
        &mut machine,
        [8100, 8101],
        "/run/containerd/containerd.sock",
        true,
    );
    // One whose shim is gone, in that node: its init took it over.
    machine.process(8200, "init", 'S', 1, 5);
    machine.file(8200, "status", "NSpid:\t8200\t1\n");
    machine.process(8201, "runc:[2:INIT]", 'S', 8200, 20);
    machine.file(8201, "cmdline", "runc\0init\0");
    machine.file(8201, "status", "NSpid:\t8201\t9\t1\n");
    // podman's, waiting for its start.
    machine.process(8300, "conmon", 'S', 1, 5);
    machine.file(8300, "cmdline", "/usr/bin/conmon\0--api-version\x001\0");
    machine.process(8301, "runc:[2:INIT]", 'S', 8300, 20);
    machine.file(8301, "cmdline", "runc\0init\0");
    machine
}

/// A bundle as gVisor's shim leaves it.
fn gvisor(machine: &mut Machine) {
    let mut bundle = machine.runtime.bundles.first().unwrap().clone();
    bundle.id = "gv".into();
    bundle.shim_binary = Some("/usr/local/bin/containerd-shim-runsc-v1".into());
    bundle.path = Text::from(format!("{STATE}/{TASKS}/default/gv"));
    machine.runtime.bundles.insert(0, bundle);
}

#[test]
fn what_is_not_ours_is_left_alone() {
    let machine = crowd();
    let all = all(&machine);
    let words: Vec<_> = all
        .iter()
        .map(|one| (one.id.to_string(), one.state))
        .collect();
    assert_eq!(words, [("sleeper".to_owned(), State::Running)], "{all:#?}");
    // Its processes are those of its own cgroup, not those of another node's that is called so.
    assert_eq!(all[0].shim_pid, Some(SHIM));
}

#[test]
fn our_own_fault_is_found_in_the_crowd() {
    let mut machine = crowd();
    machine.park();
    let all = all(&machine);
    assert_eq!(all.len(), 1);
    assert_eq!(all[0].state, State::Parked, "{all:#?}");
    // An init that is nobody's is leaked.
    let mut machine = crowd();
    machine.process(8400, "runc:[2:INIT]", 'S', 1, 20);
    machine.file(8400, "cmdline", "runc\0init\0");
    machine.file(8400, "status", "NSpid:\t8400\t1\n");
    machine.runtime.whole.containers = true;
    let found = self::all(&machine);
    let leaked = found.iter().find(|one| one.state == State::LeakedInit);
    assert_eq!(leaked.and_then(|one| one.pid), Some(8400), "{found:#?}");
}

#[test]
fn a_runtime_that_is_not_read_is_not_judged() {
    let mut machine = crowd();
    gvisor(&mut machine);
    // Its init.pid is that of the pod's sandbox, in whose cgroup it is not.
    let sandbox = u32::try_from(*machine.runtime.bundles[0].init_pid.get().unwrap()).unwrap();
    machine.process(sandbox, "runsc-sandbox", 'S', 1, 99);
    machine.file(sandbox, "cgroup", "7:freezer:/elsewhere\n");
    let found = all(&machine);
    let one = found.iter().find(|one| one.id == *"gv").unwrap();
    assert_eq!(one.state, State::NotRead, "{one:#?}");
    assert!(one.remedy.steps.is_empty() && !one.state.is_stuck());
    assert_eq!(one.keeper.as_deref(), Some("gVisor (runsc)"));
    // Without processes, too.
    let facts = Facts {
        runtime: &machine.runtime,
        processes: None,
        records: &[],
        now: Time::new(1_900_000_000, 0),
    };
    let found = diagnose(facts).containers;
    let one = found.iter().find(|one| one.id == *"gv").unwrap();
    assert_eq!(one.state, State::NotRead);
    // meta.db may be what tells.
    let mut machine = alone();
    gvisor(&mut machine);
    machine.runtime.bundles[0].shim_binary = None;
    let (namespace, id) = (Text::from("default"), Text::from("gv"));
    machine
        .runtime
        .learn([(&namespace, &id, &"io.containerd.kata.v2".into())]);
    assert_eq!(
        machine
            .runtime
            .keeper(&machine.runtime.bundles[0])
            .to_string(),
        "Kata Containers (kata)"
    );
}

#[test]
fn a_container_of_another_containerd_is_told_as_such() {
    let mut machine = alone();
    let theirs = Text::from(format!(
        "/run/docker/containerd/daemon/{TASKS}/default/sleeper"
    ));
    machine.runtime.containers[0].bundle = Some((theirs, Ok(())));
    machine.runtime.bundles.clear();
    link(
        &mut machine,
        SHIM,
        "cwd",
        &format!("/run/docker/containerd/daemon/{TASKS}/default/sleeper"),
    );
    let found = all(&machine);
    assert_eq!(found[0].state, State::Running);
    assert!(
        matches!(found[0].other, Some(Other::Daemon(_))),
        "{found:#?}"
    );
}

#[test]
fn one_that_no_runtime_can_reach_is_called_so() {
    let mut machine = alone();
    machine.runtime.containers.clear();
    machine.runtime.whole.containers = true;
    let init = u32::try_from(*machine.runtime.bundles[0].init_pid.get().unwrap()).unwrap();
    let found = all(&machine);
    let one = &found[0];
    assert_eq!(
        (one.state, one.pid),
        (State::Unreachable, Some(init)),
        "{one:#?}"
    );
    assert!(!one.remedy.is_safe());
    assert_eq!(super::commands(one), [format!("kill -KILL {init}")]);
    // Not while the folder may be elsewhere.
    machine.runtime.whole.containers = false;
    assert_eq!(all(&machine)[0].state, State::Running);
    assert!(runtime().whole.bundles);
}

/// What its shim runs as says more than what an older release left in its bundle.
#[test]
fn a_shim_that_runs_tells_the_runtime() {
    for word in ["cmdline", "exe"] {
        let mut machine = alone();
        machine.runtime.containers.clear();
        let program = "/usr/local/bin/containerd-shim-runsc-v1";
        if word == "exe" {
            link(&mut machine, SHIM, "exe", program);
        } else {
            let words = format!("{program}\0-namespace\0default\0-id\0sleeper\0");
            machine.file(SHIM, "cmdline", &words);
        }
        let one = machine.is(State::NotRead);
        assert_eq!(one.keeper.as_deref(), Some("gVisor (runsc)"), "{word}");
        assert!(super::rendered(&one.remedy).is_empty());
    }
    // The same files below runc's own shim are a fault.
    let mut machine = alone();
    machine.runtime.containers.clear();
    machine.is(State::Unreachable);
}

/// A root that options name and that nobody took: nothing is concluded, and nothing is killed.
#[test]
fn a_root_that_is_not_in_the_evidence_is_not_read() {
    let mut machine = alone();
    machine.runtime.containers.clear();
    let root = Text::from("/run/custom");
    let options = runc::Options {
        root: Some(root.clone()),
        ..runc::Options::default()
    };
    machine.runtime.bundles[0].options = runc::Doc::Whole(options);
    machine.is(State::Unreachable);
    machine.runtime.unseen_roots.insert(root);
    let one = machine.is(State::NotRead);
    assert!(one.why.contains("/run/custom"), "{}", one.why);
    assert!(super::rendered(&one.remedy).is_empty());
}
