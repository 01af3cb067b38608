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

/// A bundle of ours that another shim than runc's serves, and that shim with a process below it.
fn of_shim(machine: &mut Machine, id: &str, program: &str, [pid, child]: [u32; 2], name: &str) {
    let mut bundle = machine.runtime.bundles.first().unwrap().clone();
    bundle.id = id.into();
    bundle.shim_binary = Some(program.into());
    bundle.path = Text::from(format!("{STATE}/{TASKS}/default/{id}"));
    bundle.init_pid = runc::Doc::Whole(i64::from(child));
    machine.runtime.bundles.push(bundle);
    machine.process(pid, "containerd-shim", 'S', 1, 10);
    let address = "/run/containerd/containerd.sock";
    let words = format!("{program}\0-namespace\0default\0-id\0{id}\0-address\0{address}\0");
    machine.file(pid, "cmdline", &words);
    machine.file(pid, "status", &format!("NSpid:\t{pid}\n"));
    machine.process(child, name, 'S', pid, 20);
    machine.file(child, "cmdline", &format!("{name}\0boot\0"));
    machine.file(child, "status", &format!("NSpid:\t{child}\n"));
    machine.file(child, "cgroup", &format!("7:freezer:/default/{id}\n"));
}

/// The crowd, and every other keeper that a host may have: shims of gVisor, Kata and wasm in our own
/// folders, crun and youki below runc's shim, another containerd's daemon, and other managers.
fn everyone() -> Machine {
    let mut machine = crowd();
    for (id, program, pids, name) in [
        (
            "gv",
            "/usr/bin/containerd-shim-runsc-v1",
            [8500, 8501],
            "runsc-sandbox",
        ),
        (
            "kata",
            "/opt/kata/bin/containerd-shim-kata-v2",
            [8510, 8511],
            "qemu-system-x86_64",
        ),
        (
            "spin",
            "/usr/bin/containerd-shim-spin-v2",
            [8520, 8521],
            "containerd-shim",
        ),
        (
            "wasm",
            "/usr/bin/containerd-shim-wasmtime-v1",
            [8530, 8531],
            "youki:[2:INIT]",
        ),
    ] {
        of_shim(&mut machine, id, program, pids, name);
    }
    machine.process(8600, "containerd", 'S', 1, 5);
    let words = "/usr/bin/containerd\0--config\0/var/run/docker/containerd/containerd.toml\0";
    machine.file(8600, "cmdline", words);
    machine.file(8600, "status", "NSpid:\t8600\n");
    for (pid, comm, words) in [
        (8700, "crio", "/usr/bin/crio\0"),
        (8710, "buildkitd", "/usr/bin/buildkitd\0"),
        (
            8720,
            "systemd-nspawn",
            "/usr/bin/systemd-nspawn\0-bD\0/srv/machine\0",
        ),
        (8730, "lxc-start", "[lxc monitor] /var/lib/lxc web\0"),
        (
            8740,
            "libvirt_lxc",
            "/usr/libexec/libvirt_lxc\0--name\0web\0",
        ),
    ] {
        machine.process(pid, comm, 'S', 1, 5);
        machine.file(pid, "cmdline", words);
        machine.file(pid, "status", &format!("NSpid:\t{pid}\n"));
        let init = pid.checked_add(1).unwrap();
        machine.process(init, "runc:[2:INIT]", 'S', pid, 20);
        machine.file(init, "cmdline", "runc\0init\0");
        machine.file(init, "wchan", "wait_for_partner");
        machine.file(init, "status", &format!("NSpid:\t{init}\t1\n"));
    }
    machine.runtime.whole.containers = true;
    let key = |it: &runc::Bundle| (it.namespace.clone(), it.id.clone());
    machine.runtime.bundles.sort_by_key(key);
    machine
}

/// Nothing hangs, nothing is left, and no command is given for anything but `sleeper`.
fn silent_but_for_sleeper(machine: &Machine) {
    let processes = Processes::new(machine.tree.clone());
    let verdicts = diagnose(Facts {
        runtime: &machine.runtime,
        processes: Some(&processes),
        records: &[],
        now: Time::new(1_900_000_000, 0),
    });
    assert_eq!(verdicts.shims, [], "{verdicts:#?}");
    for one in verdicts
        .containers
        .iter()
        .filter(|one| one.id != *"sleeper")
    {
        assert!(!one.state.is_stuck(), "{one:#?}");
        assert!(super::rendered(&one.remedy).is_empty(), "{one:#?}");
    }
    let mut ids: Vec<String> = verdicts
        .containers
        .iter()
        .map(|it| it.id.to_string())
        .collect();
    ids.dedup();
    assert_eq!(ids, ["gv", "kata", "sleeper", "spin", "wasm"]);
}

#[test]
fn everyone_side_by_side_is_left_alone() {
    let machine = everyone();
    silent_but_for_sleeper(&machine);
    let all = all(&machine);
    for one in &all {
        let want = if one.id == *"sleeper" {
            State::Running
        } else {
            State::NotRead
        };
        assert_eq!(one.state, want, "{one:#?}");
    }
}

/// Each of our own faults is found beside everyone, and nothing else is said.
#[test]
fn each_fault_of_ours_is_found_beside_everyone() {
    type Fault = fn(&mut Machine);
    let pid = |machine: &mut Machine| u32::try_from(machine.sleeper().pid().unwrap()).unwrap();
    let init = pid(&mut everyone());
    assert_eq!(init, pid(&mut alone()));
    let faults: [(State, Fault); 9] = [
        (State::Parked, |it| {
            it.park();
        }),
        (State::ShimStopped, |it| it.shim('T')),
        (State::InitStopped, |it| {
            it.init("sleep", 'T');
        }),
        (State::Zombie, |it| {
            it.init("sleep", 'Z');
        }),
        (State::StorageHung, |it| {
            let init = it.init("sleep", 'D');
            it.file(init, "wchan", "request_wait_answer");
        }),
        (State::Unreachable, |it| it.runtime.containers.clear()),
        (State::StateDamaged, |it| {
            it.sleeper().state = runc::Doc::Damaged(None, Vec::new());
        }),
        (State::ShimDied, |it| {
            it.tree.remove_process(SHIM);
            let init = u32::try_from(it.sleeper().pid().unwrap()).unwrap();
            let start = it
                .sleeper()
                .best_state()
                .unwrap()
                .init_process_start
                .unwrap();
            it.process(init, "sleep", 'S', 1, start);
        }),
        (State::Outlived, |it| {
            let init = u32::try_from(it.sleeper().pid().unwrap()).unwrap();
            it.tree.remove_process(init);
            it.process(9100, "child", 'S', 1, 8_000_000);
            it.file(9100, "cgroup", "7:freezer:/default/sleeper\n");
        }),
    ];
    for (state, fault) in faults {
        let mut machine = everyone();
        fault(&mut machine);
        machine.is(state);
        silent_but_for_sleeper(&machine);
    }
}

/// What gVisor wrote is believed where the process of its sandbox agrees.
#[test]
fn a_task_of_gvisor_is_read() {
    let told = |status: runc::GvisorStatus| {
        let mut machine = everyone();
        machine.runtime.gvisor = vec![runc::Gvisor {
            namespace: "default".into(),
            id: "gv".into(),
            path: "/run/containerd/runsc/default/gv_sandbox:gv.state".into(),
            status: Some(status),
            sandbox_pid: Some(8501),
            created: Some(Time::new(1_899_000_000, 0)),
        }];
        machine
    };
    let of = |machine: &Machine| {
        let mut all = all(machine).into_iter();
        all.find(|one| one.id == *"gv").unwrap()
    };
    for (status, state) in [
        (runc::GvisorStatus::Running, State::Running),
        (runc::GvisorStatus::Paused, State::Paused),
        (runc::GvisorStatus::Stopped, State::Exited),
        (runc::GvisorStatus::Created, State::NotRead),
    ] {
        let machine = told(status);
        let one = of(&machine);
        assert_eq!(one.state, state, "{one:#?}");
        silent_but_for_sleeper(&machine);
    }
    // Its sandbox has ended, was stopped, or is another process: nothing is judged, no command given.
    let running = || told(runc::GvisorStatus::Running);
    let mut gone = running();
    gone.tree.remove_process(8501);
    assert!(of(&gone).why.contains("has ended"), "{:#?}", of(&gone));
    let mut stopped = running();
    stopped.process(8501, "runsc-sandbox", 'T', 8500, 20);
    let mut other = running();
    other.process(8501, "nginx", 'S', 8500, 20);
    other.file(8501, "cmdline", "nginx\0");
    for machine in [gone, stopped, other] {
        let one = of(&machine);
        assert_eq!(one.state, State::NotRead, "{one:#?}");
        silent_but_for_sleeper(&machine);
    }
}

/// youki makes no FIFO: its init waits at notify.sock, and that file stays when it was let go.
#[test]
fn an_init_of_youki_waits_at_its_socket() {
    let made = |status: &str| {
        let mut machine = Machine::new();
        machine.shim('S');
        let pid = machine.init("youki:[2:INIT]", 'S');
        machine.file(pid, "wchan", "__skb_wait_for_more_packets");
        machine.file(pid, "cmdline", "youki\0create\0sleeper\0");
        let sleeper = machine.sleeper();
        let state = runc::YoukiState {
            status: Some(status.into()),
            pid: Some(i64::from(pid)),
            ..runc::YoukiState::default()
        };
        sleeper.program = runc::Program::Youki;
        sleeper.derived.why = format!("youki wrote that it is {status}");
        sleeper.youki = runc::Doc::Whole(state);
        sleeper.derived.phase = match status {
            "created" => runc::Phase::Created,
            "creating" => runc::Phase::Creating,
            _ => runc::Phase::Started,
        };
        (machine, pid)
    };
    let (mut machine, pid) = made("created");
    let one = machine.is(State::Parked);
    assert!(one.why.contains("notify.sock"), "{}", one.why);
    assert!(
        one.evidence.iter().all(|line| !line.contains("exec.fifo")),
        "{one:#?}"
    );
    // It was let go.
    machine.init("sleeper", 'S');
    machine.file(pid, "wchan", "do_sigtimedwait");
    machine.is(State::Running);
    assert!(!made("creating").0.is(State::Unknowable).sure);
}
