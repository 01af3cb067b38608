//! The daemon as a suspect.

use finding::{Text, Time};
use process::{Item, Processes};
use stuck::{Daemon, Facts};

use crate::machine::Machine;

const PID: u32 = 6000;

fn machine(state: char) -> Machine {
    let mut machine = Machine::new();
    machine.process(PID, "containerd", state, 1, 10);
    machine.file(PID, "cmdline", "/usr/bin/containerd\0");
    machine
}

fn daemon(machine: &Machine) -> Daemon {
    let processes = Processes::new(machine.tree.clone());
    stuck::daemon(Facts {
        runtime: &machine.runtime,
        processes: Some(&processes),
        records: &[],
        now: Time::new(1_900_000_000, 0),
    })
    .unwrap()
}

#[test]
fn one_that_moves_is_no_suspect() {
    let mut machine = machine('S');
    // It unpacks a large layer.
    machine.process(6100, "unpigz", 'R', PID, 20);
    machine.file(6100, "cmdline", "unpigz\0-d\0-c\0");
    let one = daemon(&machine);
    assert!(!one.stuck && one.remedy.steps.is_empty(), "{one:#?}");
    assert_eq!(one.children.len(), 1);
}

#[test]
fn one_that_was_stopped_answers_nobody() {
    let one = daemon(&machine('T'));
    assert!(one.stuck);
    assert_eq!(super::rendered(&one.remedy), [format!("kill -CONT {PID}")]);
}

#[test]
fn a_thread_of_it_waits_for_a_volume() {
    let mut machine = machine('S');
    machine.file(PID, "task/6003/wchan", "request_wait_answer");
    let mounts = "36 35 0:77 / /mnt/dead rw - fuse.mute mute rw\n";
    machine.global("/proc/self/mountinfo", mounts);
    let mut cri = machine.runtime.cri.first().cloned();
    if let Some(cri) = &mut cri {
        cri.id = "new".into();
        cri.status = runc::Doc::Absent;
        cri.dir.mtime = Time::new(1_899_999_900, 0);
        machine.runtime.cri = vec![cri.clone()];
    }
    let one = daemon(&machine);
    assert!(one.stuck && one.why.contains("/mnt/dead"), "{one:#?}");
    assert_eq!(one.threads.len(), 1);
    assert_eq!(
        super::rendered(&one.remedy),
        ["echo 1 > /sys/fs/fuse/connections/77/abort"]
    );
    if cri.is_some() {
        assert_eq!(one.making.len(), 1, "{one:#?}");
        assert!(one.why.contains("the container new"), "{}", one.why);
    }
}

#[test]
fn a_plugin_that_it_called_does_not_end() {
    let mut machine = machine('S');
    machine.process(6200, "bridge", 'S', PID, 8_000_000);
    machine.file(6200, "cmdline", "/opt/cni/bin/bridge\0");
    let environ =
        "CNI_COMMAND=ADD\0CNI_ARGS=IgnoreUnknown=1;K8S_POD_NAMESPACE=apps;K8S_POD_NAME=web-0\0";
    machine.file(6200, "environ", environ);
    machine.process(6201, "host-local", 'T', 6200, 8_000_001);
    machine.file(6201, "cmdline", "/opt/cni/bin/host-local\0");
    let one = daemon(&machine);
    assert!(one.stuck, "{one:#?}");
    assert!(one.why.contains("for the pod apps/web-0"), "{}", one.why);
    assert_eq!(super::rendered(&one.remedy), ["kill -CONT 6201"]);
    machine.process(6201, "host-local", 'S', 6200, 8_000_001);
    let one = daemon(&machine);
    assert_eq!(super::rendered(&one.remedy), ["kill -KILL 6200"]);
    assert!(!one.remedy.is_safe());
    // It was called a moment ago.
    machine.process(6200, "bridge", 'S', PID, 8_999_900);
    assert!(!daemon(&machine).stuck);
}

/// A program of Go makes its children by vfork, one at a time.
#[test]
fn a_child_that_has_not_begun_keeps_it_from_calling_others() {
    let mut machine = machine('S');
    machine.file(PID, "task/6003/wchan", "kernel_clone");
    machine.process(6300, "containerd", 'T', PID, 8_000_000);
    machine.file(6300, "cmdline", "/usr/bin/containerd\0");
    let one = daemon(&machine);
    assert!(one.stuck && one.why.contains("pid 6300"), "{one:#?}");
    assert_eq!(super::rendered(&one.remedy), ["kill -CONT 6300"]);
    // Its program lies on a file system that does not answer.
    machine.process(6300, "containerd", 'D', PID, 8_000_000);
    machine.file(6300, "wchan", "request_wait_answer");
    let mounts = "36 35 0:77 / /mnt/dead rw - fuse.mute mute rw\n";
    machine.global("/proc/self/mountinfo", mounts);
    let one = daemon(&machine);
    assert_eq!(
        super::rendered(&one.remedy),
        ["echo 1 > /sys/fs/fuse/connections/77/abort"]
    );
    machine.file(PID, "task/6003/wchan", "futex_do_wait");
    machine.process(6300, "containerd", 'S', PID, 8_000_000);
    assert!(!daemon(&machine).stuck);
}

#[test]
fn which_of_two_is_the_daemon_is_told_by_its_socket() {
    let mut machine = machine('T');
    machine.process(5000, "containerd", 'S', 1, 10);
    machine.file(5000, "cmdline", "containerd\0--config\0/etc/docker.toml\0");
    let sockets = "Num       RefCount Protocol Flags    Type St Inode Path\n\
        0: 00000002 00000000 00010000 0001 01 7 /run/containerd/containerd.sock\n\
        0: 00000002 00000000 00010000 0001 01 8 /run/docker/containerd/containerd.sock\n";
    machine.global("/proc/net/unix", sockets);
    for (pid, inode) in [(PID, 7), (5000, 8)] {
        let link = Item::Link(Text::from(format!("socket:[{inode}]")));
        machine.tree.put(&format!("/proc/{pid}/fd/4"), link);
    }
    assert_eq!(daemon(&machine).pid, PID);
}
