//! Containers of a real capture, with processes put beside them: each state by what the kernel would
//! show. Real processes in these states are made by `testdata/make/runtime`.

#![expect(clippy::unwrap_used, reason = "tests panic where something is wrong")]

#[path = "states/daemon.rs"]
mod daemon;
#[path = "states/dying.rs"]
mod dying;
#[path = "states/foreign.rs"]
mod foreign;
#[path = "states/left.rs"]
mod left;
#[path = "states/limits.rs"]
mod limits;
#[path = "states/machine.rs"]
mod machine;
#[path = "states/named.rs"]
mod named;

use finding::{Text, Time};
use machine::{Machine, SHIM};
use process::{Item, Processes};
use stuck::{Diagnosis, Facts, State, diagnose};

/// The commands of its way out, as a shell takes them.
fn commands(one: &Diagnosis) -> Vec<String> {
    rendered(&one.remedy)
}

fn rendered(remedy: &finding::Remedy) -> Vec<String> {
    remedy.commands().map(ToString::to_string).collect()
}

#[test]
fn one_that_runs_is_well() {
    let mut machine = Machine::new();
    machine.shim('S');
    machine.init("sleep", 'S');
    assert!(machine.is(State::Running).sure);
}

#[test]
fn who_should_have_come_is_told() {
    let mut machine = Machine::new();
    machine.shim('S');
    let pid = machine.park();
    let one = machine.is(State::Parked);
    assert_eq!((one.pid, one.row), (Some(pid), Some(1)));
    assert!(one.evidence.iter().any(|line| line.contains("O_PATH")));
    assert!(one.never.iter().any(|never| never.contains("exec.fifo")));
    assert_eq!(one.waits_for.first().map(|waiter| waiter.pid), Some(pid));

    // A thread of the shim waits for whoever should read the output.
    let thread = format!("task/{}/wchan", SHIM + 1);
    machine.file(SHIM, &thread, "wait_for_partner");
    let output = Item::Link("/run/containerd/fifo/1/sleeper-stdout".into());
    machine.tree.put(&format!("/proc/{SHIM}/fd/9"), output);
    assert!(machine.is(State::ParkedStdio).sure);

    let mut machine = Machine::new();
    machine.park();
    machine.is(State::ParkedOrphan);

    let mut machine = Machine::new();
    machine.shim('S');
    machine.park();
    machine.process(7100, "runc", 'S', SHIM, 8_000_000);
    machine.file(
        7100,
        "cmdline",
        "runc\0--root\0/run/containerd/runc/default\0start\0sleeper\0",
    );
    let one = machine.is(State::ParkedStartHung);
    assert_eq!(one.culprit, Some(7100));
    assert_eq!(
        commands(&one).first().map(String::as_str),
        Some("kill -KILL 7100")
    );
}

#[test]
fn a_freezer_comes_before_what_a_task_seems_to_wait_for() {
    for (parked, state) in [(true, State::FrozenV1), (false, State::Paused)] {
        let mut machine = Machine::new();
        machine.shim('S');
        if parked {
            machine.park();
        } else {
            machine.init("sleep", 'D');
        }
        let folder = "/sys/fs/cgroup/freezer/default/sleeper";
        machine.global(&format!("{folder}/freezer.state"), "FROZEN\n");
        machine.global(&format!("{folder}/freezer.self_freezing"), "1\n");
        let one = machine.is(state);
        assert_eq!(one.remedy.steps.is_empty(), !parked);
        machine.global(&format!("{folder}/freezer.self_freezing"), "0\n");
        machine.global("/sys/fs/cgroup/freezer/default/freezer.state", "FROZEN\n");
        machine.global(
            "/sys/fs/cgroup/freezer/default/freezer.self_freezing",
            "1\n",
        );
        let one = machine.is(State::FrozenAncestor);
        assert_eq!(
            commands(&one),
            ["echo THAWED > /sys/fs/cgroup/freezer/default/freezer.state"]
        );
    }
}

#[test]
fn a_pid_means_nothing_without_its_start() {
    let mut machine = Machine::new();
    machine.shim('S');
    let pid = machine.init("sleep", 'S');
    machine.process(pid, "innocent", 'S', 1, 3);
    let one = machine.is(State::PidReused);
    assert!(
        commands(&one)
            .iter()
            .all(|command| !command.contains("kill"))
    );
    assert!(one.never.iter().any(|never| never.contains("signal")));
}

#[test]
fn one_that_is_gone_has_ended_or_never_ran() {
    let mut machine = Machine::new();
    machine.shim('S');
    machine.is(State::Exited);
    let pid = machine.park();
    machine.process(pid, "runc:[2:INIT]", 'Z', 1, 1);
    machine.init("runc:[2:INIT]", 'Z');
    machine.is(State::StartDiedEarly);
}

#[test]
fn what_was_stopped_is_named() {
    let mut machine = Machine::new();
    machine.shim('T');
    machine.init("sleep", 'S');
    let one = machine.is(State::ShimStopped);
    assert_eq!(commands(&one), [format!("kill -CONT {SHIM}")]);
    let mut machine = Machine::new();
    machine.shim('S');
    machine.init("sleep", 'T');
    machine.is(State::InitStopped);
}

#[test]
fn without_processes_less_is_claimed() {
    let machine = Machine::new();
    let verdicts = diagnose(Facts {
        runtime: &machine.runtime,
        processes: None,
        records: &[],
        now: Time::new(1_900_000_000, 0),
    });
    assert!(!verdicts.containers.is_empty());
    for one in &verdicts.containers {
        let told = matches!(one.state, State::Unknowable | State::Exited);
        assert!(
            told && (one.state == State::Exited || !one.sure),
            "{one:#?}"
        );
        assert!(one.remedy.steps.is_empty());
    }
}

#[test]
fn what_comes_back_every_few_minutes_is_a_series() {
    let mut machine = Machine::new();
    let one = machine.sleeper().clone();
    for (nth, id) in (0_i64..).zip(["a", "b", "c", "d"]) {
        let mut another = one.clone();
        another.id = Text::from(id);
        another.state = runc::Doc::Damaged(None, Vec::new());
        another.derived.since = Some(Time::new(1_795_000_000 + 300 * nth, 0));
        machine.runtime.containers.push(another);
    }
    let processes = Processes::new(machine.tree);
    let verdicts = diagnose(Facts {
        runtime: &machine.runtime,
        processes: Some(&processes),
        records: &[],
        now: Time::new(1_900_000_000, 0),
    });
    let [series] = verdicts.series.as_slice() else {
        panic!("{:?}", verdicts.series);
    };
    assert_eq!(
        (series.state, series.count, series.every),
        (State::StateDamaged, 4, 300)
    );
    assert_eq!(series.of, "default");
    assert_eq!(series.last.since(series.first), 900);
}

#[test]
fn hostile_names_stay_harmless() {
    let mut machine = Machine::new();
    machine.shim('S');
    let name = "a\u{1b}[2J';rm -rf ~;\n$(x)\u{202e}";
    let pid = machine.park();
    machine.file(pid, "cmdline", "runc\0init\0\u{1b}]0;x\u{7}\0");
    machine.file(pid, "cgroup", &format!("7:freezer:/default/{name}\n"));
    let sleeper = machine.sleeper();
    sleeper.id = Text::from(name);
    sleeper.path = Text::from(format!("/run/runc/{name}"));
    let processes = Processes::new(machine.tree);
    let verdicts = diagnose(Facts {
        runtime: &machine.runtime,
        processes: Some(&processes),
        records: &[],
        now: Time::new(1_900_000_000, 0),
    });
    let all = verdicts.containers.iter();
    let one = all.into_iter().find(|one| one.id == *name).unwrap();
    let commands = commands(one);
    let lines = one.evidence.iter().chain(&commands);
    for line in lines.chain(one.waits_for.iter().map(|waiter| &waiter.waits_for)) {
        assert!(
            !line.contains(|c: char| c.is_control() || c == '\u{202e}'),
            "{line:?}"
        );
    }
    for command in &commands {
        assert!(
            command.contains(r"\033\1332J\047\073rm \055rf \176\073\012\044\050x\051\342\200\256"),
            "{command}"
        );
    }
    assert!(!commands.is_empty());
}

/// What a folder allows, where nothing is known of processes.
fn of_files(change: impl Fn(&mut runc::Container)) -> Diagnosis {
    let mut machine = Machine::new();
    let sleeper = machine.sleeper();
    change(sleeper);
    let (namespace, id) = (sleeper.namespace.clone(), sleeper.id.clone());
    // None of containerd's, unless a test puts it back.
    if namespace.is_none() {
        machine.runtime.bundles.clear();
    }
    let verdicts = diagnose(Facts {
        runtime: &machine.runtime,
        processes: None,
        records: &[],
        now: Time::new(1_900_000_000, 0),
    });
    let mut all = verdicts.containers.into_iter();
    all.find(|one| one.id == id && one.namespace == namespace)
        .unwrap()
}

fn words(one: &Diagnosis) -> Vec<&'static str> {
    one.may_be.iter().map(|state| state.word()).collect()
}

#[test]
fn folders_rule_out_what_they_can() {
    let alone = |phase: runc::Phase| {
        of_files(|sleeper| {
            sleeper.namespace = None;
            sleeper.derived.phase = phase;
        })
    };
    let anything = [
        "frozen-v1",
        "frozen-ancestor",
        "frozen-v2",
        "freezing",
        "storage-hung",
        "scanner-hung",
        "unthawed",
        "child-held",
    ];
    let created = words(&alone(runc::Phase::Created));
    assert_eq!(
        created,
        [
            [
                "parked",
                "parked-start-hung",
                "hook-host",
                "creator-stopped",
                "creator-died"
            ]
            .as_slice(),
            &anything,
            &[
                "seccomp-wait",
                "init-stopped",
                "start-died-early",
                "exec-frozen",
                "exec-creator-stopped",
                "oom-stall",
                "stdout-full",
                "pid-reused"
            ]
        ]
        .concat()
    );
    let creating = words(&alone(runc::Phase::Creating));
    assert_eq!(
        creating,
        [
            [
                "hook-host",
                "hook-container",
                "creator-stopped",
                "creator-died"
            ]
            .as_slice(),
            &anything,
            &["init-stopped", "oom-stall", "stdout-full"]
        ]
        .concat()
    );
    let started = words(&alone(runc::Phase::Started));
    for state in [
        "running",
        "paused",
        "exited",
        "parked-fifo-missing",
        "zombie",
    ] {
        assert!(started.contains(&state), "{state}: {started:?}");
    }
    for state in ["parked", "creator-died", "shim-died", "started-fifo-stale"] {
        assert!(!started.contains(&state), "{state}: {started:?}");
    }
    assert_eq!(words(&alone(runc::Phase::Empty)), ["no-task"]);
}

#[test]
fn what_stands_beside_a_folder_rules_out_more() {
    // A bundle of containerd's with its init.pid: create was done, and there is a shim to ask for.
    let one = of_files(|sleeper| sleeper.derived.phase = runc::Phase::Created);
    let may_be = words(&one);
    assert!(may_be.contains(&"parked-orphan") && may_be.contains(&"shim-stopped"));
    for state in [
        "hook-host",
        "creator-died",
        "creator-stopped",
        "parked-no-pid-file",
    ] {
        assert!(!may_be.contains(&state), "{state}: {may_be:?}");
    }
    // One that was saved has no hook any more that could hang.
    let one = of_files(|sleeper| {
        sleeper.namespace = None;
        sleeper.derived.phase = runc::Phase::Creating;
        let state = core::mem::replace(&mut sleeper.state, runc::Doc::Absent);
        sleeper.leftovers.push(runc::Leftover {
            name: Text::from("state-1"),
            state,
        });
    });
    let may_be = words(&one);
    assert!(!may_be.contains(&"hook-host") && !may_be.contains(&"hook-container"));
    assert!(may_be.contains(&"creator-died") && may_be.contains(&"pid-reused"));
    // What was made a moment ago may still be on its way.
    let one = of_files(|sleeper| {
        sleeper.derived.phase = runc::Phase::Creating;
        sleeper.dir.mtime = Time::new(1_899_999_999, 0);
    });
    assert!(words(&one).contains(&"creating"));
}

#[test]
fn a_state_file_that_was_not_read_is_not_damaged() {
    let unread = runc::Doc::Unread(finding::Unread::TooLarge {
        size: 1 << 30,
        limit: 1 << 23,
    });
    let one = of_files(|sleeper| sleeper.state = unread.clone());
    assert_eq!(one.state, State::Unknowable);
    let mut machine = Machine::new();
    machine.shim('S');
    machine.sleeper().state = unread;
    for bundle in &mut machine.runtime.bundles {
        bundle.init_pid = runc::Doc::Absent;
    }
    let one = machine.is(State::Unknowable);
    assert!(one.why.contains("1073741824"), "{}", one.why);
}

#[test]
fn a_cgroup_inside_its_own_is_not_a_pause() {
    let mut machine = Machine::new();
    machine.shim('S');
    let pid = machine.init("sleep", 'D');
    machine.file(pid, "cgroup", "7:freezer:/default/sleeper/inner\n");
    let own = "/sys/fs/cgroup/freezer/default/sleeper";
    machine.global(&format!("{own}/inner/freezer.state"), "FROZEN\n");
    machine.global(&format!("{own}/inner/freezer.self_freezing"), "1\n");
    let one = machine.is(State::FrozenV1);
    assert_eq!(
        commands(&one),
        [format!("echo THAWED > {own}/inner/freezer.state")]
    );
    // A pause freezes it all.
    machine.global(&format!("{own}/inner/freezer.self_freezing"), "0\n");
    machine.global(&format!("{own}/freezer.state"), "FROZEN\n");
    machine.global(&format!("{own}/freezer.self_freezing"), "1\n");
    machine.is(State::Paused);
    // One that nobody can resume is stuck all the same.
    machine.shim('T');
    machine.is(State::ShimStopped);
}

#[test]
fn a_creation_without_an_init_is_seen() {
    let mut machine = Machine::new();
    machine.process(7200, "runc", 'T', 1, 8_000_000);
    machine.file(7200, "cmdline", "runc\0create\0--bundle\0/b\0brand-new\0");
    let processes = Processes::new(machine.tree);
    let verdicts = diagnose(Facts {
        runtime: &machine.runtime,
        processes: Some(&processes),
        records: &[],
        now: Time::new(1_900_000_000, 0),
    });
    let one = verdicts
        .containers
        .iter()
        .find(|one| one.id == *"brand-new");
    let one = one.unwrap();
    assert_eq!(one.state, State::CreatorStopped);
    assert_eq!(commands(one), ["kill -CONT 7200"]);
}

#[test]
fn two_of_one_name_are_two() {
    let mut machine = Machine::new();
    machine.shim('S');
    let mut twin = machine.sleeper().clone();
    twin.path = Text::from("/run/docker/runtime-runc/default/sleeper");
    machine.runtime.containers.push(twin);
    let processes = Processes::new(machine.tree);
    let verdicts = diagnose(Facts {
        runtime: &machine.runtime,
        processes: Some(&processes),
        records: &[],
        now: Time::new(1_900_000_000, 0),
    });
    let named = verdicts
        .containers
        .iter()
        .filter(|one| one.id == *"sleeper");
    assert_eq!(named.count(), 2);
}

#[test]
fn what_comes_by_chance_is_no_series() {
    let mut machine = Machine::new();
    let one = machine.sleeper().clone();
    for (at, id) in [(0, "a"), (20, "b"), (300, "c"), (2000, "d")] {
        let mut another = one.clone();
        another.id = Text::from(id);
        another.state = runc::Doc::Damaged(None, Vec::new());
        another.derived.since = Some(Time::new(1_795_000_000 + at, 0));
        machine.runtime.containers.push(another);
    }
    let processes = Processes::new(machine.tree);
    let verdicts = diagnose(Facts {
        runtime: &machine.runtime,
        processes: Some(&processes),
        records: &[],
        now: Time::new(1_900_000_000, 0),
    });
    assert!(verdicts.series.is_empty(), "{:?}", verdicts.series);
}

#[test]
fn no_number_of_the_evidence_is_more_than_a_number() {
    // A mount whose minor number is a script, and one whose is none: never a word of a shell.
    for (device, want) in [
        (
            "0:9;touch${IFS}/tmp/x;echo",
            "umount -f -- '/mnt/$(reboot)'",
        ),
        ("0:77", "echo 1 > /sys/fs/fuse/connections/77/abort"),
        ("0:4294967296", "umount -f -- '/mnt/$(reboot)'"),
    ] {
        let mut machine = Machine::new();
        machine.shim('S');
        let pid = machine.init("runc:[2:INIT]", 'D');
        machine.file(pid, "cmdline", "runc\0init\0");
        machine.file(pid, "wchan", "request_wait_answer");
        machine.file(pid, "environ", "_LIBCONTAINER_INITTYPE=standard\0");
        let line = format!("90 35 {device} / /mnt/$(reboot) rw - fuse.sshfs x rw\n");
        machine.file(pid, "mountinfo", &line);
        machine.global("/proc/self/mountinfo", &line);
        let one = machine.is(State::StorageHung);
        assert_eq!(commands(&one), [want], "{device}");
        assert!(!one.remedy.is_safe());
    }
}

#[test]
fn a_scanner_that_does_not_answer_is_named_and_nothing_is_killed() {
    let mut machine = Machine::new();
    machine.shim('S');
    let pid = machine.init("runc:[2:INIT]", 'D');
    machine.file(pid, "cmdline", "runc\0init\0");
    machine.file(pid, "wchan", "fanotify_handle_event");
    machine.file(pid, "environ", "_LIBCONTAINER_INITTYPE=standard\0");
    machine.process(4321, "avd", 'S', 1, 10);
    machine.file(4321, "cmdline", "/opt/av/avd\0");
    machine.tree.put(
        "/proc/4321/fd/3",
        process::Item::Link("anon_inode:[fanotify]".into()),
    );
    let one = machine.is(State::ScannerHung);
    assert!(commands(&one).is_empty());
    let evidence = one.evidence.join("\n");
    assert!(evidence.contains("pid 4321 (/opt/av/avd)"), "{evidence}");
}

#[test]
fn a_frozen_file_system_is_thawed_and_nothing_is_killed() {
    let mut machine = Machine::new();
    machine.shim('S');
    let pid = machine.init("runc:[2:INIT]", 'D');
    machine.file(pid, "cmdline", "runc\0init\0");
    machine.file(pid, "wchan", "percpu_rwsem_wait");
    machine.file(pid, "environ", "_LIBCONTAINER_INITTYPE=standard\0");
    let one = machine.is(State::Unthawed);
    assert!(commands(&one).is_empty());
    // The lock of cgroups is of the same kind.
    machine.file(
        pid,
        "stack",
        "[<0>] percpu_rwsem_wait+0x1/0x2\n[<0>] cgroup_procs_write_start+0x1/0x2\n",
    );
    machine.is(State::Unknowable);
}

#[test]
fn no_name_of_the_evidence_is_an_option() {
    let mut machine = Machine::new();
    let sleeper = machine.sleeper();
    sleeper.id = Text::from("--log=x");
    sleeper.path = Text::from("/run/--root=y/--log=x");
    machine.runtime.bundles.clear();
    machine
        .runtime
        .containers
        .retain(|one| one.id == *"--log=x");
    machine.park_as("--log=x");
    let processes = Processes::new(machine.tree);
    let verdicts = diagnose(Facts {
        runtime: &machine.runtime,
        processes: Some(&processes),
        records: &[],
        now: Time::new(1_900_000_000, 0),
    });
    let mut all = verdicts.containers.iter();
    let one = all.find(|one| one.id == *"--log=x").unwrap();
    let commands = commands(one);
    assert_eq!(
        commands,
        ["runc --root=/run/--root=y start -- --log=x"],
        "{one:#?}"
    );
}
