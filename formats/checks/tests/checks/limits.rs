//! A daemon and a container at limits: a folder that was a node, with a table of processes.

use std::sync::Arc;

use checks::Measured;
use evidence::{Evidence, Options};
use finding::{Finding, Severity};
use node::{Node, Said};
use process::{Item, Processes, Tree};

use crate::opened;

const STATE: &str = "run/containerd/runc/default/sleeper/state.json";

/// Findings of the runtime above a note, of a capture with a daemon, a shim and an init beside it.
fn told(files: &[(&str, &str)], open: u32) -> Vec<Finding> {
    let mut tar = testcase::node("1.7-running");
    let state = String::from_utf8(tar.member(STATE).data.clone()).unwrap();
    let number = |key: &str| {
        let rest = state.split_once(&format!("\"{key}\":")).unwrap().1;
        rest.split([',', '}']).next().unwrap().to_owned()
    };
    let (pid, start) = (number("init_process_pid"), number("init_process_start"));
    let mut tree = Tree::default();
    let mut put = |path: &str, text: &str| {
        tree.put(&path.replace("INIT", &pid), Item::File(text.into()));
    };
    let process = |pid: &str, comm: &str, parent: &str, start: &str| {
        format!(
            "{pid} ({comm}) S {parent} 1 1 0 -1 0 0 0 0 0 0 0 0 0 20 0 1 0 {start} 1 1 1 1 1 1 1 1 0 0 0 0 0 0 0 0 17 1 \
             0 0 0 0 0 0 0 0 0 0 0\n"
        )
    };
    put("/proc/44/stat", &process("44", "containerd", "1", "10"));
    put("/proc/44/cmdline", "/usr/bin/containerd\0");
    put(
        "/proc/44/limits",
        "Max open files            32                   64                   files\n",
    );
    put(
        "/proc/45/stat",
        &process("45", "containerd-shim", "1", "10"),
    );
    let shim = "/usr/bin/containerd-shim-runc-v2\0-namespace\0default\0-id\0sleeper\0-address\0/run/containerd/containerd.sock\0";
    put("/proc/45/cmdline", shim);
    put("/proc/INIT/stat", &process(&pid, "sleeper", "45", &start));
    put("/proc/INIT/cgroup", "4:pids,cpu:/pods/sleeper\n");
    put("/proc/uptime", "90000.00 1.0\n");
    let mounts = "36 35 0:30 / /sys/fs/cgroup/pids rw - cgroup cgroup rw,pids,cpu\n";
    put("/proc/self/mountinfo", mounts);
    for (path, text) in files {
        put(&format!("/sys/fs/cgroup/pids/pods/sleeper/{path}"), text);
    }
    for number in 0..open {
        let link = Item::Link(format!("socket:[{number}]").as_str().into());
        tree.put(&format!("/proc/44/fd/{number}"), link);
    }
    tree.set_whole();
    let options = node::Options {
        processes: Some(Arc::new(Processes::new(tree))),
        ..node::Options::default()
    };
    let report = checks::judge(&opened::node_with(&tar, options), &Measured::default());
    let all = report.findings.into_iter();
    let names = [
        "runtime/daemon-at-limit",
        "runtime/at-limit",
        "runtime/slowed",
    ];
    all.filter(|one| names.contains(&one.code.name)).collect()
}

fn names(all: &[Finding]) -> Vec<(&str, Severity)> {
    all.iter()
        .map(|one| (one.code.name, one.severity))
        .collect()
}

#[test]
fn limits_that_are_reached_are_named() {
    let all = told(&[], 32);
    assert_eq!(names(&all), [("runtime/daemon-at-limit", Severity::Damage)]);
    assert!(all[0].message.contains("pid 44"), "{}", all[0].message);
    let full = [
        ("pids.max", "2\n"),
        ("pids.current", "2\n"),
        ("pids.events", "max 5\n"),
    ];
    let all = told(&full, 9);
    assert_eq!(names(&all), [("runtime/at-limit", Severity::Odd)]);
    assert!(
        all[0]
            .affects
            .iter()
            .any(|object| object.name == *"sleeper")
    );
    let slow = [
        ("cpu.cfs_quota_us", "1000\n"),
        ("cpu.cfs_period_us", "100000\n"),
        ("cpu.stat", "nr_periods 90\nnr_throttled 80\n"),
    ];
    assert_eq!(names(&told(&slow, 9)), [("runtime/slowed", Severity::Note)]);
}

/// Whether the socket `0a` is called nobody's, where a shim with this address listens at it.
fn orphan(address: &str) -> bool {
    let folder = tempfile::tempdir().unwrap();
    let sockets = folder.path().join("run/containerd/s");
    std::fs::create_dir_all(&sockets).unwrap();
    std::fs::create_dir_all(folder.path().join("var/lib/containerd")).unwrap();
    let _listener = std::os::unix::net::UnixListener::bind(sockets.join("0a")).unwrap();
    let mut tree = Tree::default();
    tree.set_whole();
    let cmdline = format!(
        "/usr/bin/containerd-shim-runc-v2\0-namespace\0default\0-id\0x\0-address\0{address}\0"
    );
    let stat = "45 (containerd-shim) S 1 1 1 0 -1 0 0 0 0 0 0 0 0 0 20 0 1 0 9 1 1 1 1 1 1 1 1 0 0 0 0 0 0 0 0 17 1 \
        0 0 0 0 0 0 0 0 0 0 0\n";
    let table = "Num RefCount Protocol Flags Type St Inode Path\n\
        0000: 00000002 00000000 00010000 0001 01 55 /run/containerd/s/0a\n";
    for (path, text) in [
        ("/proc/45/stat", stat),
        ("/proc/45/cmdline", cmdline.as_str()),
        ("/proc/net/unix", table),
    ] {
        tree.put(path, Item::File(text.into()));
    }
    tree.put("/proc/45/fd/9", Item::Link("socket:[55]".into()));
    let evidence = Evidence::open(folder.path(), &Options::default()).unwrap();
    let roots = node::discover(&evidence, &Said::default());
    let options = node::Options {
        processes: Some(Arc::new(Processes::new(tree))),
        ..node::Options::default()
    };
    let node = Node::open(&evidence, roots.into_iter().next().unwrap(), options);
    let report = checks::judge(&node, &Measured::default());
    let mut all = report.findings.iter();
    all.any(|one| one.code.name == "runtime/socket-orphan")
}

#[test]
fn a_socket_of_another_daemon_s_shim_is_no_orphan() {
    assert!(orphan("/run/containerd/containerd.sock"));
    assert!(!orphan("/run/ctd2/c.sock"));
}

#[test]
fn limits_with_room_are_none() {
    let some = [
        ("pids.max", "9\n"),
        ("pids.current", "2\n"),
        ("pids.events", "max 0\n"),
    ];
    assert_eq!(names(&told(&some, 9)), []);
}
