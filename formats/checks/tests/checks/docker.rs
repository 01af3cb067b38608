//! Docker's daemon: files that dockerd 26.1.5 and 28.5.2 refuse (`dockerd --validate`) and take, and files of
//! pids that name another program.

use checks::Measured;
use finding::{Finding, Report, Severity};
use testcase::Tar;

use crate::opened;

const FILE: &str = "etc/docker/daemon.json";
const UNIT: &str = "usr/lib/systemd/system/docker.service";
/// As Debian's.
const OWN: &str = "[Service]\nType=notify\nEnvironmentFile=-/etc/default/docker\nExecStart=/usr/sbin/dockerd -H fd:// \
    --containerd=/run/containerd/containerd.sock $DOCKER_OPTS\nKillMode=process\n";

fn judged(tar: &Tar) -> Report {
    opened::report(tar)
}

/// What is found of Docker on a healthy node with this unit and this file.
fn with(unit: &str, file: Option<&str>) -> Vec<Finding> {
    let mut tar = testcase::node("1.7-running");
    tar.add(UNIT, unit.as_bytes());
    if let Some(file) = file {
        tar.add(FILE, file.as_bytes());
    }
    let found = judged(&tar).findings.into_iter();
    found
        .filter(|finding| finding.code.name.starts_with("docker/"))
        .collect()
}

#[test]
fn what_dockerd_refuses_is_found() {
    for (file, why) in [
        ("{", "ends"),
        ("[]", "an array, not an object"),
        ("{} x", "0x78"),
        (r#"{"debug":true,}"#, "0x7d"),
        ("// c\n{}", "0x2f"),
        (r#"{"a":1}"#, "directive a"),
        (r#"{"Debug":true}"#, "directive Debug"),
        (
            r#"{"containerd-snapshotter":true}"#,
            "directive containerd-snapshotter",
        ),
        (r#"{"log-opt":{"max-size":"10m"}}"#, "directive max-size"),
        (r#"{"proxies":{"httpProxy":"a"}}"#, "directive httpProxy"),
        (
            r#"{"live-restore":"true"}"#,
            "live-restore is a string, and must be a bool",
        ),
        (r#"{"mtu":"1500"}"#, "mtu is a string"),
        (r#"{"insecure-registries":"a"}"#, "must be an array"),
        (r#"{"log-opts":["a"]}"#, "must be an object"),
        (r#"{"hosts":["fd://"]}"#, "hosts is set in it"),
        (r#"{"hosts":null}"#, "hosts is set in it"),
        (r#"{"containerd":"/run/x.sock"}"#, "containerd is set in it"),
    ] {
        let found = with(OWN, Some(file));
        assert_eq!(found.len(), 1, "{file}: {found:?}");
        assert_eq!(found[0].code.name, "docker/settings-unusable");
        assert_eq!(found[0].severity, Severity::Odd, "{file}");
        assert!(
            found[0].message.contains(why),
            "{file}: {}",
            found[0].message
        );
        assert!(found[0].ways[0].steps.len() == 4, "{:?}", found[0].ways);
    }
}

#[test]
fn what_dockerd_takes_is_not_found() {
    for file in [
        "{}",
        "null",
        "\u{feff}{\"debug\":true}",
        r#"{"debug":true,"debug":false}"#,
        r#"{"log-opts":{"max-size":"10m"},"features":{"buildkit":true},"builder":{"gc":{"enabled":true}}}"#,
        r#"{"runtimes":{"nvidia":{"path":"nvidia-container-runtime","runtimeArgs":[]}},"default-runtime":"nvidia"}"#,
        r#"{"exec-opts":["native.cgroupdriver=systemd"],"storage-driver":"overlay2","data-root":"/data"}"#,
        r#"{"proxies":{"http-proxy":"a"},"default-address-pools":[{"base":"10.0.0.0/8","size":24}]}"#,
        r#"{"insecure-registry":["a"],"bip":null,"default-ulimits":{"nofile":{"Name":"nofile","Hard":2,"Soft":1}}}"#,
    ] {
        assert_eq!(with(OWN, Some(file)), [], "{file}");
    }
    assert_eq!(with(OWN, None), []);
    let other = r#"{"hosts":["fd://"]}"#;
    assert_eq!(
        with("[Service]\nExecStart=/usr/bin/dockerd\n", Some(other)),
        []
    );
    // One that another release knows, and an empty one: no alarm.
    for file in [r#"{"graph":"/data"}"#, "", " \n\t"] {
        let found = with(OWN, Some(file));
        assert_eq!(found.len(), 1, "{file}");
        assert_eq!(found[0].severity, Severity::Note, "{file}");
    }
}

#[test]
fn a_unit_that_is_masked_starts_nothing() {
    let mut tar = testcase::node("1.7-running");
    tar.add("etc/systemd/system/docker.service", b"");
    tar.add(FILE, b"{");
    let found = judged(&tar).findings;
    assert!(
        found
            .iter()
            .all(|finding| !finding.code.name.starts_with("docker/")),
        "{found:?}"
    );
}

#[test]
fn a_pid_of_another_program_is_found() {
    let mut tar = testcase::node("1.7-running");
    tar.add(UNIT, OWN.as_bytes());
    tar.add("run/docker.pid", b"52");
    let report = judged(&tar);
    let found = report
        .findings
        .iter()
        .filter(|finding| finding.code.name == "docker/pid-stale");
    assert_eq!(found.count(), 0);
    let told = report
        .coverage
        .abstained
        .iter()
        .filter(|one| one.code == "docker/pid-stale");
    assert_eq!(
        told.count(),
        1,
        "without processes it is not known, and named"
    );
}

/// A live process of another program, and one that has ended.
#[test]
fn only_a_live_process_of_another_program_counts() {
    let with = |words: &[u8], pid: &[u8]| {
        let mut tar = testcase::node("1.7-running");
        tar.add(UNIT, OWN.as_bytes());
        tar.add("run/docker.pid", pid);
        tar.push("proc", b'5', "", b"");
        tar.push("proc/52", b'5', "", b"");
        tar.add("proc/uptime", b"90000.00 1.00\n");
        tar.add("proc/52/cmdline", words);
        tar.add(
            "proc/52/stat",
            b"52 (x) S 0 1 1 0 -1 0 0 0 0 0 0 0 0 0 20 0 1 0 3 1 1 1 1 1 1 1 1 0 0 0 0 0 0 0 0 17 1 0 0 0 0 0 0 0 0 0 0\n",
        );
        let found = judged(&tar).findings.into_iter();
        found
            .filter(|finding| finding.code.name == "docker/pid-stale")
            .count()
    };
    assert_eq!(with(b"/usr/bin/sleep\x001000\0", b"52"), 1);
    assert_eq!(with(b"/usr/sbin/dockerd\0-H\0fd://\0", b"52"), 0);
    assert_eq!(with(b"/usr/bin/sleep\x001000\0", b"53"), 0);
}

/// What is foretold of a containerd that dockerd starts itself.
#[test]
fn docker_s_own_containerd_does_not_start_without_dockerd() {
    let told = |settings: &str| {
        let mut tar = testcase::node("1.7-stopped");
        for member in &mut tar.members {
            let path = String::from_utf8_lossy(&member.path).into_owned();
            let moved = path
                .replacen("var/lib/containerd", "var/lib/docker/containerd/daemon", 1)
                .replacen("run/containerd", "run/docker/containerd/daemon", 1);
            member.path = moved.into_bytes();
        }
        tar.add(UNIT, b"[Service]\nExecStart=/usr/sbin/dockerd -H fd://\n");
        tar.add(FILE, settings.as_bytes());
        let node = opened::node(&tar);
        let report = checks::judge(&node, &Measured::default());
        let verdict = checks::verdict(&node, &report, &daemon::detect(&node.traces), node.now);
        let found = report.findings.into_iter();
        let severity = found.filter(|finding| finding.code.name == "docker/settings-unusable");
        (
            verdict.sentence,
            severity.map(|finding| finding.severity).next(),
        )
    };
    let (sentence, severity) = told(r#"{"hosts":["fd://"]}"#);
    assert!(
        sentence.starts_with("containerd would not start: dockerd"),
        "{sentence}"
    );
    assert_eq!(severity, Some(Severity::Damage));
    let (sentence, severity) = told("{}");
    assert!(sentence.starts_with("containerd would start"), "{sentence}");
    assert_eq!(severity, None);
}
