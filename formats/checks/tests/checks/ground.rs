//! The ground that containers were made on: versions of cgroups, and what the kernel can do.

use finding::Finding;
use testcase::Tar;

use crate::opened;

const BUNDLE: &str = "run/containerd/io.containerd.runtime.v2.task/default/sleeper";

fn judge(tar: &Tar, code: &str) -> Vec<Finding> {
    let findings = opened::findings(tar);
    let findings = findings.into_iter();
    findings.filter(|it| it.code.name == code).collect()
}

/// A capture with processes, and these mounts.
fn with_mounts(mounts: &str) -> Tar {
    let mut tar = testcase::node("1.7-running");
    tar.push("proc", b'5', "", b"");
    for (pid, name) in [(1, "systemd"), (2, "kthreadd")] {
        tar.push(&format!("proc/{pid}"), b'5', "", b"");
        let line = format!(
            "{pid} ({name}) S 0 0 0 0 -1 0 0 0 0 0 0 0 0 0 20 0 1 0 3 1 1 1 1 1 1 1 1 0 0 0 0 0 0 0 0 17 1 0 0 0 \
             0 0 0 0 0 0 0\n"
        );
        tar.add(&format!("proc/{pid}/stat"), line.as_bytes());
    }
    tar.push("proc/self", b'5', "", b"");
    tar.add("proc/self/mountinfo", mounts.as_bytes());
    tar
}

const V1: &str = "36 35 0:30 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory\n";
const V2: &str = "36 35 0:30 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n";

#[test]
fn the_version_of_cgroups_is_that_of_the_state() {
    let code = "runtime/cgroup-version-differs";
    // The capture's machine had both: a state names both, and neither is another one.
    for mounts in ["", V1, V2] {
        assert_eq!(judge(&with_mounts(mounts), code), [], "{mounts}");
    }
    let of = |paths: &str, mounts: &str| {
        let mut tar = with_mounts(mounts);
        let state = "run/containerd/runc/default/sleeper/state.json";
        let text = String::from_utf8(tar.member(state).data.clone()).unwrap();
        let (before, rest) = text.split_once("\"cgroup_paths\":{").unwrap();
        let (_, after) = rest.split_once('}').unwrap();
        let text = format!("{before}\"cgroup_paths\":{{{paths}}}{after}");
        tar.add(state, text.as_bytes());
        judge(&tar, code)
    };
    let (one, two) = (
        "\"memory\":\"/sys/fs/cgroup/memory/default/sleeper\"",
        "\"\":\"/sys/fs/cgroup/default/sleeper\"",
    );
    assert_eq!(of(one, V1), []);
    assert_eq!(of(two, V2), []);
    for (paths, mounts, says) in [(one, V2, "names cgroups v1"), (two, V1, "names cgroups v2")] {
        let found = of(paths, mounts);
        assert_eq!(found.len(), 1, "{found:#?}");
        assert!(found[0].message.ends_with(says), "{found:#?}");
        assert_eq!(found[0].affects.len(), 1, "{found:#?}");
    }
    // Where both are mounted, or neither is told, nothing follows.
    assert_eq!(of(one, &format!("{V1}{V2}")), []);
    assert_eq!(of(one, ""), []);
}

#[test]
fn a_kernel_may_be_too_old_for_a_container() {
    let code = "runtime/kernel-lacks";
    let of = |release: &str, option: &str| {
        let mut tar = testcase::node("1.7-running");
        tar.push("proc", b'5', "", b"");
        let version = format!("Linux version {release} (a@b) #1 SMP\n");
        tar.add("proc/version", version.as_bytes());
        let spec = format!("{BUNDLE}/config.json");
        let text = String::from_utf8(tar.member(&spec).data.clone()).unwrap();
        let mount = format!(
            "\"mounts\":[{{\"destination\":\"/data\",\"type\":\"bind\",\"source\":\"/srv\",\"options\":[\"rbind\",\"{option}\"]}},"
        );
        let text = text.replacen("\"mounts\":[", &mount, 1);
        tar.add(&spec, text.as_bytes());
        judge(&tar, code)
    };
    for (release, option) in [
        ("6.1.0-18-amd64", "rro"),
        ("5.10.0-28-amd64", "ro"),
        // They have it from later ones.
        ("4.18.0-513.el8.x86_64", "rro"),
    ] {
        assert_eq!(of(release, option), [], "{release} {option}");
    }
    for option in ["rro", "idmap"] {
        let found = of("5.10.0-28-amd64", option);
        assert_eq!(found.len(), 1, "{found:#?}");
        assert!(found[0].message.ends_with("Linux 5.12"), "{found:#?}");
        assert_eq!(found[0].affects.len(), 1, "{found:#?}");
    }
}
