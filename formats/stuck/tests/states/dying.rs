//! What was killed and does not end, what lives on, and what is kept busy.

use finding::Text;
use process::Item;
use stuck::State;

use crate::machine::Machine;

fn link(machine: &mut Machine, pid: u32, name: &str, target: &str) {
    let item = Item::Link(Text::from(target));
    machine.tree.put(&format!("/proc/{pid}/{name}"), item);
}

/// An init that waits for a process of its pid namespace, which `parent` outside should reap.
fn zapping(parent: char, waited: char) -> Machine {
    let mut machine = Machine::new();
    machine.shim('S');
    let pid = machine.init("sleeper", 'S');
    machine.file(pid, "wchan", "zap_pid_ns_processes");
    machine.file(pid, "status", &format!("NSpid:\t{pid}\t1\n"));
    link(&mut machine, pid, "ns/pid", "pid:[77]");
    machine.process(9000, "nsenter", parent, 1, 8_900_000);
    link(&mut machine, 9000, "ns/pid", "pid:[1]");
    machine.process(9001, "sleep", waited, 9000, 8_900_001);
    machine.file(9001, "status", "NSpid:\t9001\t14\n");
    link(&mut machine, 9001, "ns/pid", "pid:[77]");
    machine
}

#[test]
fn dying_waits_for_who_is_not_reaped() {
    let one = zapping('T', 'Z').is(State::Dying);
    assert_eq!(one.culprit, Some(9000), "{one:#?}");
    assert!(one.why.contains("pid 9001 (14 in there)"), "{}", one.why);
    assert_eq!(super::rendered(&one.remedy), ["kill -CONT 9000"]);
    assert!(one.remedy.is_safe());
    // A parent that runs and does not care may do other things, too.
    let one = zapping('S', 'Z').is(State::Dying);
    assert_eq!(super::rendered(&one.remedy), ["kill -KILL 9000"]);
    assert!(!one.remedy.is_safe());
    // Nobody is left: it ends at this moment.
    let mut machine = zapping('T', 'Z');
    link(&mut machine, 9001, "ns/pid", "pid:[78]");
    machine.is(State::Running);
}

#[test]
fn dying_waits_for_a_mount() {
    let mut machine = zapping('S', 'D');
    machine.file(9001, "wchan", "request_wait_answer");
    let mounts = "40 1 0:99 / /mnt/dead rw - fuse.mute mute rw\n";
    machine.file(9001, "mountinfo", mounts);
    let one = machine.is(State::Dying);
    assert_eq!(
        super::rendered(&one.remedy),
        ["echo 1 > /sys/fs/fuse/connections/99/abort"]
    );
    assert!(!one.remedy.is_safe());
}

/// The kernel has sent SIGKILL to whoever is waited for: no other is offered.
#[test]
fn what_takes_no_signal_is_sent_none() {
    // A mount that no mountinfo names.
    let mut machine = zapping('S', 'D');
    machine.file(9001, "wchan", "rpc_wait_bit_killable");
    let one = machine.is(State::Dying);
    assert_eq!(one.culprit, Some(9001), "{one:#?}");
    assert!(super::rendered(&one.remedy).is_empty(), "{one:#?}");
    // Nothing says what it waits for.
    let one = zapping('S', 'D').is(State::Dying);
    assert!(super::rendered(&one.remedy).is_empty(), "{one:#?}");
    // A parent that is in D itself.
    let one = zapping('D', 'Z').is(State::Dying);
    assert_eq!(one.culprit, Some(9000));
    assert!(super::rendered(&one.remedy).is_empty(), "{one:#?}");
    assert!(one.remedy.steps.len() == 1, "it says why: {one:#?}");
}

/// The last thread of an init waits, and that need not be its first.
#[test]
fn whichever_thread_is_the_last_waits_for_the_rest() {
    let mut machine = zapping('T', 'Z');
    let pid = machine.init("last", 'Z');
    machine.file(pid, "wchan", "0");
    let thread = format!(
        "{pid} (last) S 1 1 1 0 -1 0 0 0 0 0 0 0 0 0 20 0 5 0 20 {}",
        "1 ".repeat(30)
    );
    machine.file(pid, &format!("task/{}/stat", pid + 1), &thread);
    let wchan = format!("task/{}/wchan", pid + 1);
    machine.file(pid, &wchan, "zap_pid_ns_processes");
    let one = machine.is(State::Dying);
    assert_eq!(super::rendered(&one.remedy), ["kill -CONT 9000"]);
    machine.file(pid, &wchan, "hrtimer_nanosleep");
    machine.is(State::Running);
}

/// An inner pid namespace of it, whose first process was killed, waits for who is not reaped.
#[test]
fn a_namespace_inside_may_die_alone() {
    let mut machine = zapping('T', 'Z');
    let pid = machine.init("sleeper", 'S');
    machine.file(pid, "wchan", "do_sigtimedwait");
    link(&mut machine, pid, "ns/pid", "pid:[76]");
    assert_eq!(machine.is(State::Running).why, "its program runs");
    machine.process(9100, "inner", 'S', pid, 8_000_000);
    machine.file(9100, "cgroup", "7:freezer:/default/sleeper\n");
    machine.file(9100, "wchan", "zap_pid_ns_processes");
    link(&mut machine, 9100, "ns/pid", "pid:[77]");
    let one = machine.is(State::Running);
    assert!(one.why.contains("pid 9001 (14 in there)"), "{}", one.why);
}

/// `sleeper` in the kernel, since its child (vfork) is in this state.
fn spawning(state: char, started: u64) -> (Machine, u32) {
    let mut machine = Machine::new();
    machine.shim('S');
    let pid = machine.init("app", 'D');
    machine.file(pid, "cmdline", "/bin/app\0--serve\0");
    machine.file(pid, "wchan", "kernel_clone");
    machine.process(9300, "app", state, pid, started);
    machine.file(9300, "cmdline", "/bin/app\0--serve\0");
    machine.file(9300, "cgroup", "7:freezer:/default/sleeper\n");
    (machine, pid)
}

#[test]
fn a_child_that_was_stopped_before_its_exec_holds_its_parent() {
    let (mut machine, pid) = spawning('T', 8_000_000);
    let one = machine.is(State::ChildHeld);
    assert_eq!((one.culprit, one.sure), (Some(9300), true), "{one:#?}");
    assert_eq!(super::rendered(&one.remedy), ["kill -CONT 9300"]);
    assert!(one.remedy.is_safe());
    assert!(one.never.iter().any(|never| never.contains("Do not kill")));
    // A thread besides the first may wait, and the child have one of its own.
    machine.process(pid, "app", 'S', super::SHIM, one.start_ticks.unwrap());
    machine.file(pid, "wchan", "do_epoll_wait");
    machine.file(pid, &format!("task/{}/wchan", pid + 1), "kernel_clone");
    let one = machine.is(State::ChildHeld);
    assert!(
        one.why.contains(&format!("thread {} of", pid + 1)),
        "{}",
        one.why
    );
    machine.process(9300, "app", 'D', pid, 8_000_000);
    machine.file(9300, "wchan", "kernel_clone");
    machine.process(9301, "app", 'T', 9300, 8_000_001);
    machine.file(9301, "cmdline", "/bin/app\0--serve\0");
    let one = machine.is(State::ChildHeld);
    assert_eq!(super::rendered(&one.remedy), ["kill -CONT 9301"]);
    // Nobody waits: a job that was stopped.
    machine.file(pid, &format!("task/{}/wchan", pid + 1), "futex_do_wait");
    machine.file(9300, "wchan", "do_wait");
    machine.is(State::Running);
}

#[test]
fn a_child_that_is_traced_is_not_continued_by_a_signal() {
    let (mut machine, _) = spawning('t', 8_000_000);
    machine.file(9300, "status", "TracerPid:\t9400\n");
    let one = machine.is(State::ChildHeld);
    assert!(one.why.contains("tracer, pid 9400"), "{}", one.why);
    assert!(super::rendered(&one.remedy).is_empty() && one.remedy.steps.len() == 1);
}

#[test]
fn a_child_that_waits_for_a_mount_is_told_as_that() {
    let (mut machine, pid) = spawning('D', 8_000_000);
    machine.file(9300, "wchan", "request_wait_answer");
    let one = machine.is(State::StorageHung);
    assert_eq!(one.culprit, Some(9300), "{one:#?}");
    // It is not known what a child waits for that was made long ago, and one of this moment is about to exec.
    machine.file(9300, "wchan", "some_lock");
    let one = machine.is(State::ChildHeld);
    assert!(
        !one.sure && super::rendered(&one.remedy).is_empty(),
        "{one:#?}"
    );
    let (machine, _) = spawning('R', 8_999_990);
    machine.is(State::Running);
    // One that has begun its program is another's matter.
    let (mut machine, _) = spawning('T', 8_000_000);
    machine.file(9300, "cmdline", "sleep\01\0");
    machine.is(State::Running);
    // Two that were stopped: which of them is waited for is not known.
    let (mut machine, _) = spawning('T', 8_000_000);
    machine.process(9301, "app", 'T', pid, 8_000_001);
    machine.file(9301, "cmdline", "/bin/app\0--serve\0");
    let one = machine.is(State::ChildHeld);
    assert!(
        !one.sure && super::rendered(&one.remedy).is_empty(),
        "{one:#?}"
    );
}

/// The kernel gives what has ended to its parent only after its tracer took notice: no shim is to blame.
#[test]
fn who_is_traced_is_not_reaped_before_its_tracer_lets_go() {
    let mut machine = Machine::new();
    machine.shim('S');
    let pid = machine.init("sleeper", 'Z');
    machine.process(9400, "strace", 'S', 1, 8_000_000);
    machine.file(pid, "status", "TracerPid:\t9400\n");
    let one = machine.is(State::Zombie);
    assert!(one.why.contains("tracer, pid 9400"), "{}", one.why);
    assert!(super::rendered(&one.remedy).is_empty() && one.remedy.steps.len() == 1);
    machine.process(9400, "strace", 'T', 1, 8_000_000);
    let one = machine.is(State::Zombie);
    assert_eq!(super::rendered(&one.remedy), ["kill -CONT 9400"]);
    // As before, and an init waits for one that is traced: its parent, which is alive, is not ended.
    let mut machine = zapping('S', 'Z');
    machine.process(9400, "strace", 'S', 1, 8_000_000);
    machine.file(9001, "status", "NSpid:\t9001\t14\nTracerPid:\t9400\n");
    let one = machine.is(State::Dying);
    assert_eq!(one.culprit, Some(9400), "{one:#?}");
    assert!(super::rendered(&one.remedy).is_empty(), "{one:#?}");
}

#[test]
fn a_workload_may_wait_for_an_automounter() {
    let mut machine = Machine::new();
    machine.shim('S');
    let pid = machine.init("ls", 'D');
    machine.file(pid, "wchan", "autofs_wait");
    let mounts =
        "40 1 0:99 / /vol/a rw - fuse.well well rw\n41 1 0:98 / /vol/b rw - autofs auto rw\n";
    machine.file(pid, "mountinfo", mounts);
    let one = machine.is(State::StorageHung);
    assert!(
        one.evidence.iter().any(|line| line.starts_with("/vol/b ")),
        "{one:#?}"
    );
    assert!(
        one.evidence.iter().all(|line| !line.starts_with("/vol/a ")),
        "{one:#?}"
    );
    assert!(super::rendered(&one.remedy).is_empty() && !one.remedy.is_safe());
    // Who waits for another file system does not wait for an automounter.
    machine.file(pid, "wchan", "request_wait_answer");
    let one = machine.is(State::StorageHung);
    assert!(
        one.evidence.iter().all(|line| !line.starts_with("/vol/b ")),
        "{one:#?}"
    );
}

#[test]
fn a_workload_may_wait_for_a_seccomp_agent() {
    let mut machine = Machine::new();
    machine.shim('S');
    let pid = machine.init("app", 'S');
    machine.file(pid, "wchan", "seccomp_do_user_notification.isra.0");
    machine.process(9500, "agent", 'S', 1, 8_000_000);
    link(&mut machine, 9500, "fd/7", "anon_inode:seccomp notify");
    let one = machine.is(State::SeccompWait);
    assert!(
        !one.sure && super::rendered(&one.remedy).is_empty(),
        "{one:#?}"
    );
    assert!(
        one.evidence
            .iter()
            .any(|line| line.starts_with("pid 9500 (")),
        "{one:#?}"
    );
}

/// Of one that takes no signal it is not said that it is well, whatever the function is called.
#[test]
fn who_sleeps_deep_in_the_kernel_is_told() {
    let mut machine = Machine::new();
    machine.shim('S');
    let pid = machine.init("app", 'S');
    let thread = format!(
        "{} (app) D 1 1 1 0 -1 0 0 0 0 0 0 0 0 0 20 0 5 0 20 {}",
        pid + 1,
        "1 ".repeat(30)
    );
    machine.file(pid, &format!("task/{}/stat", pid + 1), &thread);
    machine.file(pid, &format!("task/{}/wchan", pid + 1), "some_lock");
    let one = machine.is(State::Running);
    assert!(
        !one.sure && one.why.contains("in some_lock of the kernel"),
        "{}",
        one.why
    );
    // It ran between two looks, or may be woken.
    machine.file(pid, &format!("task/{}/wchan", pid + 1), "0");
    assert!(machine.is(State::Running).sure);
    machine.file(pid, &format!("task/{}/wchan", pid + 1), "some_lock");
    machine.file(
        pid,
        &format!("task/{}/stat", pid + 1),
        &thread.replace(" D ", " S "),
    );
    assert!(machine.is(State::Running).sure);
}

/// `sleeper` as a container of the CRI, whose init is gone.
fn ended(started: i64, finished: i64, daemon: Option<char>) -> Machine {
    let mut machine = Machine::new();
    machine.shim('S');
    if let Some(state) = daemon {
        machine.process(500, "containerd", state, 1, 5);
        machine.file(500, "cmdline", "/usr/bin/containerd\0");
    }
    let mut cri = machine.runtime.cri.first().unwrap().clone();
    cri.id = "sleeper".into();
    if let runc::Doc::Whole(status) = &mut cri.status {
        status.started = (started > 0).then(|| finding::Time::new(started, 0));
        status.finished = (finished > 0).then(|| finding::Time::new(finished, 0));
    }
    machine.runtime.cri = vec![cri];
    machine
}

#[test]
fn an_end_that_the_cri_missed_is_not_well() {
    let one = ended(1_700_000_000, 0, Some('S')).is(State::EndMissed);
    assert!(!one.sure && one.state.is_stuck() && super::rendered(&one.remedy).is_empty());
    // The CRI knows of its end; nobody is there to know of it; it is stopped, which is told as such.
    ended(1_700_000_000, 1_700_000_100, Some('S')).is(State::Exited);
    ended(1_700_000_000, 0, None).is(State::Exited);
    ended(1_700_000_000, 0, Some('T')).is(State::Exited);
}

#[test]
fn a_first_thread_may_end_before_the_others() {
    let mut machine = Machine::new();
    machine.shim('S');
    let pid = machine.init("lead", 'Z');
    let thread = format!(
        "{pid} (lead) S 1 1 1 0 -1 0 0 0 0 0 0 0 0 0 20 0 5 0 20 {}",
        "1 ".repeat(30)
    );
    machine.file(pid, &format!("task/{}/stat", pid + 1), &thread);
    let one = machine.is(State::Running);
    assert!(one.why.contains("1 other lives"), "{}", one.why);
    assert!(one.remedy.steps.is_empty());
    // One of those waits for a mount, or for the lock of a folder of it.
    for wchan in ["request_wait_answer", "walk_component"] {
        machine.file(pid, &format!("task/{}/wchan", pid + 1), wchan);
        machine.is(State::StorageHung);
    }
    // Killed, and held up by that.
    machine.file(pid, "status", "ShdPnd:\t0000000000000100\n");
    machine.is(State::Dying);
    // Without others it is what it was.
    let mut machine = Machine::new();
    machine.shim('S');
    machine.init("sleeper", 'Z');
    machine.is(State::Zombie);
}

/// Tasks of a frozen cgroup of v1 take no signal, not even SIGKILL.
#[test]
fn who_is_killed_while_frozen_ends_when_thawed() {
    let mut machine = Machine::new();
    machine.shim('S');
    let pid = machine.init("sleeper", 'D');
    let folder = "/sys/fs/cgroup/freezer/default/sleeper";
    machine.global(&format!("{folder}/freezer.state"), "FROZEN\n");
    machine.global(&format!("{folder}/freezer.self_freezing"), "1\n");
    machine.is(State::Paused);
    machine.file(pid, "status", "ShdPnd:\t0000000000000100\n");
    let one = machine.is(State::Dying);
    assert_eq!(
        super::rendered(&one.remedy),
        [format!("echo THAWED > {folder}/freezer.state")]
    );
    assert!(one.remedy.is_safe());
}

#[test]
fn who_outlives_the_init_is_named() {
    let mut machine = Machine::new();
    machine.shim('S');
    machine.process(9100, "child", 'S', 1, 8_000_000);
    machine.file(9100, "cgroup", "7:freezer:/default/sleeper\n");
    let one = machine.is(State::Outlived);
    assert_eq!(super::rendered(&one.remedy), ["kill -KILL 9100"]);
    assert!(!one.remedy.is_safe());
    machine.process(9100, "child", 'Z', 1, 8_000_000);
    machine.is(State::Exited);
}

#[test]
fn a_workload_may_wait_for_storage() {
    for thread in [false, true] {
        let mut machine = Machine::new();
        machine.shim('S');
        let pid = machine.init("thd", 'S');
        let name = if thread {
            format!("task/{}/wchan", pid + 1)
        } else {
            "wchan".to_owned()
        };
        machine.file(pid, &name, "request_wait_answer");
        let one = machine.is(State::StorageHung);
        assert_eq!(one.culprit, Some(pid), "{one:#?}");
        machine.file(pid, &name, "hrtimer_nanosleep");
        machine.is(State::Running);
    }
}

#[test]
fn a_root_is_kept_busy_by_name() {
    let mut machine = Machine::new();
    machine.runtime.containers.retain(|it| it.id != *"sleeper");
    let mut bundles = machine.runtime.bundles.iter();
    let bundle = bundles.find(|it| it.id == *"sleeper").unwrap();
    let root = format!("{}/rootfs", bundle.path);
    let table = format!("36 35 0:30 / {root} rw - overlay overlay rw\n");
    machine.global("/proc/self/mountinfo", &table);
    machine.process(9200, "scanner", 'S', 1, 8_000_000);
    machine.file(9200, "cmdline", "scanner\0/\0");
    machine.is(State::NoTask);
    link(&mut machine, 9200, "cwd", &format!("{root}/var"));
    let one = machine.is(State::RootfsBusy);
    assert_eq!(one.culprit, Some(9200));
    assert!(one.why.contains("working directory"), "{}", one.why);
    assert_eq!(
        super::rendered(&one.remedy).first().map(String::as_str),
        Some("kill -TERM 9200")
    );
    // A name that only begins so is another's.
    link(&mut machine, 9200, "cwd", &format!("{root}2"));
    link(&mut machine, 9200, "fd/3", &format!("{root}/var/log"));
    machine.file(9200, "fdinfo/3", "flags:\t00\n");
    assert!(machine.is(State::RootfsBusy).why.contains("open file 3"));
    // A file that is mapped and was closed.
    link(&mut machine, 9200, "fd/3", "/dev/null");
    let maps =
        format!("7f0000000000-7f0000001000 r--s 00000000 00:30 9    {root}/data/index (deleted)\n");
    machine.file(9200, "maps", &maps);
    let one = machine.is(State::RootfsBusy);
    assert!(one.why.contains("mapped file"), "{}", one.why);
    assert!(one.why.contains("/data/index"), "{}", one.why);
}

#[test]
fn an_end_for_want_of_memory_is_told() {
    let end = |reason: Option<&str>, code: i64| {
        let mut machine = ended(1_700_000_000, 1_700_000_100, Some('S'));
        if let Some(runc::Doc::Whole(status)) =
            machine.runtime.cri.first_mut().map(|cri| &mut cri.status)
        {
            status.reason = reason.map(Text::from);
            status.exit_code = Some(code);
        }
        machine
    };
    let one = end(Some("OOMKilled"), 137).is(State::OomKilled);
    assert!(!one.state.is_stuck() && !one.state.is_healthy(), "{one:#?}");
    assert!(one.remedy.is_safe() && super::rendered(&one.remedy).is_empty());
    let one = end(Some("OOMKilled"), 1).is(State::OomKilled);
    assert!(one.why.contains("exit code 1;"), "{}", one.why);
    // Any SIGKILL gives 137.
    let one = end(Some("Error"), 137).is(State::Exited);
    assert!(one.why.contains("does not tell which"), "{}", one.why);
    let one = end(Some("Completed"), 0).is(State::Exited);
    assert_eq!(one.why, "its init has ended");
}

#[test]
fn what_the_kernel_killed_in_one_that_runs_is_told() {
    let mut machine = Machine::new();
    machine.shim('S');
    machine.init("sleeper", 'S');
    machine.global(
        "/proc/self/mountinfo",
        "36 35 0:30 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n",
    );
    let pid = machine.sleeper().pid().unwrap();
    machine.file(
        u32::try_from(pid).unwrap(),
        "cgroup",
        "0::/default/sleeper\n",
    );
    let folder = "/sys/fs/cgroup/default/sleeper";
    machine.global(&format!("{folder}/memory.events"), "oom 3\noom_kill 3\n");
    machine.global(&format!("{folder}/memory.max"), "1048576\n");
    let one = machine.is(State::Running);
    assert!(one.why.contains("killed 3 processes"), "{}", one.why);
    assert!(one.why.contains("1048576 bytes"), "{}", one.why);
    machine.global(&format!("{folder}/memory.events"), "oom 0\noom_kill 0\n");
    assert_eq!(machine.is(State::Running).why, "its program runs");
}
