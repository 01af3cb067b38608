//! A daemon whose program was replaced under it, or that keeps its stores elsewhere: a real capture, and the
//! daemon's process beside it.

use std::sync::Arc;

use checks::Measured;
use finding::{Finding, Severity};
use process::{Item, Processes, Tree};

use crate::opened;

const DAEMON: u32 = 44;

/// What is said of a daemon of 1.7 whose link `exe` reads so, where this release is installed.
fn found(exe: &str, installed: &str) -> Option<Finding> {
    found_of("runtime/daemon-replaced", exe, installed, None, None)
}

/// A finding of this code, where the daemon has this command line.
fn found_of(
    code: &str,
    exe: &str,
    installed: &str,
    line: Option<&str>,
    beside: Option<&str>,
) -> Option<Finding> {
    let mut tar = testcase::node("1.7-running");
    let status = format!(
        "Package: containerd\nStatus: install ok installed\nArchitecture: amd64\nVersion: {installed}\n\n"
    );
    let path = "var/lib/dpkg/status";
    tar.remove(path);
    tar.add(path, status.as_bytes());
    let mut tree = Tree::default();
    tree.set_whole();
    let rest = "1 1 0 -1 0 0 0 0 0 0 0 0 0 20 0 5 0";
    let tail = "1 1 1 1 1 1 0 0 0 0 0 0 0 0 0 0 17 1 0 0 0 0 0 0 0 0 0 0 0 0 0";
    let stat = format!("{DAEMON} (containerd) S 1 {rest} 10 {tail}\n");
    let mut file = |name: &str, item| tree.put(&format!("/proc/{DAEMON}/{name}"), item);
    file("stat", Item::File(stat.into_bytes()));
    let line = line.unwrap_or("/usr/bin/containerd\0");
    file("cmdline", Item::File(line.as_bytes().to_vec()));
    file("exe", Item::Link(exe.into()));
    if let Some(line) = beside {
        let stat = format!("45 (containerd) S 1 {rest} 11 {tail}\n");
        tree.put("/proc/45/stat", Item::File(stat.into_bytes()));
        tree.put("/proc/45/cmdline", Item::File(line.as_bytes().to_vec()));
    }
    let options = node::Options {
        processes: Some(Arc::new(Processes::new(tree))),
        ..node::Options::default()
    };
    let report = checks::judge(&opened::node_with(&tar, options), &Measured::default());
    let mut all = report.findings.into_iter();
    all.find(|one| one.code.name == code)
}

#[test]
fn a_daemon_that_cannot_use_the_new_shim_is_damage() {
    let deleted = "/usr/bin/containerd (deleted)";
    let one = found(deleted, "2.1.9+ds1-5").unwrap();
    assert_eq!(one.severity, Severity::Damage);
    assert!(
        one.message.contains("each new container fails"),
        "{}",
        one.message
    );
    // The same release, and one whose shim it can use: a restart is due, nothing is broken.
    for installed in ["1.7.24~ds1-6+deb13u1", "1.6.20~ds1-1+deb12u1"] {
        let one = found(deleted, installed).unwrap();
        assert_eq!(one.severity, Severity::Odd, "{installed}");
        assert!(
            one.message
                .contains("process 44 was started from /usr/bin/containerd,"),
            "{}",
            one.message
        );
    }
}

#[test]
fn a_daemon_of_the_file_on_disk_is_not_named() {
    for exe in ["/usr/bin/containerd", "/usr/bin/containerd(deleted)"] {
        assert!(found(exe, "2.1.9+ds1-5").is_none(), "{exe}");
    }
}

#[test]
fn a_daemon_with_another_root_is_named() {
    let found = |line: &str, beside| {
        let all = found_of(
            "store/daemon-elsewhere",
            "/usr/bin/containerd",
            "1.7.24",
            Some(line),
            beside,
        );
        all.map(|one| one.message)
    };
    let elsewhere = |line: &str| found(line, None);
    let told = elsewhere("/usr/bin/containerd\0--root\0/srv/ctd\0--state=/run/ctd2\0").unwrap();
    assert_eq!(
        told,
        "containerd (pid 44) runs with --root /srv/ctd and /run/ctd2"
    );
    // The same root, that of k3s (which is an installation of its own), and none.
    for line in [
        "/usr/bin/containerd\0--root=/var/lib/containerd\0",
        "containerd\0-c\0x\0--state\0/run/k3s/containerd\0--root\0/var/lib/rancher/k3s/agent/containerd\0",
        "/usr/bin/containerd\0",
    ] {
        assert_eq!(elsewhere(line), None, "{line}");
    }
    // One beside the daemon of these stores has stores of its own.
    let other = Some("/usr/bin/containerd\0--root=/srv/ctd\0--state=/run/ctd2\0");
    assert_eq!(found("/usr/bin/containerd\0", other), None);
}
