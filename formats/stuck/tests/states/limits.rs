//! Limits that the kernel holds the daemon and containers to.

use process::{Item, Processes};
use stuck::{Daemon, Facts, State};

use crate::machine::Machine;

const PID: u32 = 6000;
const MOUNTS: &str = "36 35 0:30 / /sys/fs/cgroup/pids rw - cgroup cgroup rw,pids\n\
    37 35 0:31 / /sys/fs/cgroup/cpu rw - cgroup cgroup rw,cpu\n";

fn daemon(machine: &Machine) -> Daemon {
    let processes = Processes::new(machine.tree.clone());
    stuck::daemon(Facts {
        runtime: &machine.runtime,
        processes: Some(&processes),
        records: &[],
        now: finding::Time::new(1_900_000_000, 0),
    })
    .unwrap()
}

fn machine() -> Machine {
    let mut machine = Machine::new();
    machine.process(PID, "containerd", 'S', 1, 10);
    machine.file(PID, "cmdline", "/usr/bin/containerd\0");
    machine.global("/proc/self/mountinfo", MOUNTS);
    machine
}

/// A daemon with a limit of open files, and so many of them.
fn with_files(limit: u32, open: u32) -> Daemon {
    let mut machine = machine();
    let limits =
        format!("Max open files            {limit}                 2048                 files\n");
    machine.file(PID, "limits", &limits);
    for number in 0..open {
        let link = Item::Link(format!("socket:[{number}]").as_str().into());
        machine.tree.put(&format!("/proc/{PID}/fd/{number}"), link);
    }
    daemon(&machine)
}

#[test]
fn a_daemon_without_a_number_for_a_file_can_make_nothing() {
    let one = with_files(64, 64);
    assert!(one.stuck && one.at_limit, "{one:#?}");
    assert!(one.why.contains("64 open files"), "{}", one.why);
    assert_eq!(
        super::rendered(&one.remedy),
        ["prlimit --nofile=2048: --pid=6000"]
    );
    assert!(one.remedy.is_safe());
    // What lies above a limit that was lowered takes no number below it.
    assert!(with_files(64, 80).at_limit);
    assert!(!with_files(64, 50).stuck);
    // As little as a shim needs.
    assert!(with_files(64, 60).at_limit);
}

/// A daemon whose cgroup may have 64 tasks.
fn with_tasks(folder: &str, current: &str) -> Daemon {
    let mut machine = machine();
    machine.file(PID, "cgroup", "4:pids:/system.slice/containerd.service\n");
    machine.global(&format!("{folder}/pids.max"), "64\n");
    machine.global(&format!("{folder}/pids.current"), current);
    machine.global(&format!("{folder}/pids.events"), "max 7\n");
    daemon(&machine)
}

#[test]
fn a_daemon_whose_cgroup_is_full_can_start_nothing() {
    let own = "/sys/fs/cgroup/pids/system.slice/containerd.service";
    let one = with_tasks(own, "64\n");
    assert!(one.stuck && one.at_limit, "{one:#?}");
    let proof = format!("{own}: pids.current 64, pids.max 64; pids.events max 7");
    assert!(one.evidence.contains(&proof), "{:?}", one.evidence);
    assert_eq!(
        super::rendered(&one.remedy),
        [format!("echo 4096 > {own}/pids.max")]
    );
    let above = "/sys/fs/cgroup/pids/system.slice";
    assert!(
        with_tasks(above, "60\n")
            .why
            .contains("a cgroup above its own")
    );
    assert!(!with_tasks(own, "40\n").stuck);
}

/// `sleeper` with cgroups of its own.
fn pod(files: &[(&str, &str)]) -> stuck::Diagnosis {
    let mut machine = Machine::new();
    machine.shim('S');
    machine.global("/proc/self/mountinfo", MOUNTS);
    let pid = machine.init("sleep", 'S');
    let groups = "4:pids:/pods/default/sleeper\n5:cpu:/pods/default/sleeper\n";
    machine.file(pid, "cgroup", groups);
    for (path, text) in files {
        machine.global(&format!("/sys/fs/cgroup/{path}"), text);
    }
    machine.judge()
}

#[test]
fn a_container_that_may_make_no_process_is_named() {
    let pids = |current, events| {
        pod(&[
            ("pids/pods/default/sleeper/pids.max", "4\n"),
            ("pids/pods/default/sleeper/pids.current", current),
            ("pids/pods/default/sleeper/pids.events", events),
        ])
    };
    let one = pids("4\n", "max 3\n");
    assert_eq!(one.state, State::AtLimit, "{one:#?}");
    assert!(!one.state.is_stuck() && !one.state.is_healthy());
    assert!(
        one.evidence
            .iter()
            .any(|line| line.contains("pids.events max 3"))
    );
    assert!(super::rendered(&one.remedy).is_empty());
    // One that has what it needs is well.
    assert_eq!(pids("4\n", "max 0\n").state, State::Running);
    assert_eq!(pids("3\n", "max 3\n").state, State::Running);
}

#[test]
fn one_that_waits_for_processor_time_runs() {
    let cpu = |stat| {
        pod(&[
            ("cpu/pods/default/sleeper/cpu.cfs_quota_us", "1000\n"),
            ("cpu/pods/default/sleeper/cpu.cfs_period_us", "100000\n"),
            ("cpu/pods/default/sleeper/cpu.stat", stat),
        ])
    };
    let one = cpu("nr_periods 8\nnr_throttled 7\n");
    assert_eq!(one.state, State::Running, "{one:#?}");
    assert!(one.why.contains("7 of 8 periods"), "{}", one.why);
    let one = cpu("nr_periods 80\nnr_throttled 7\n");
    assert!(!one.why.contains("periods"), "{}", one.why);
}
