//! Lines of containerd's unit: those that keep a daemon from starting, those that take what it runs when it
//! is restarted, and those of which no rule says what they do. That a daemon ends whose root or state is
//! read-only, or that is not root, was seen on 1.6.20, 1.7.24 and 2.1.9; the rest is systemd's manual.

use checks::start::{Outcome, Prediction};
use testcase::Tar;

use crate::opened;

const UNIT: &str = "etc/systemd/system/containerd.service";
/// As containerd's own.
const OWN: &str = "[Unit]\nDescription=containerd\nAfter=network.target\n[Service]\n\
    ExecStartPre=-/sbin/modprobe overlay\nExecStart=/usr/bin/containerd\nType=notify\nDelegate=yes\n\
    KillMode=process\nRestart=always\nRestartSec=5\nLimitNPROC=infinity\nLimitCORE=infinity\n\
    TasksMax=infinity\nOOMScoreAdjust=-999\n[Install]\nWantedBy=multi-user.target\n";

/// A start that does what it should, whether or not its shims are known to answer.
fn is_normal(sentence: &str) -> bool {
    sentence.starts_with("containerd would start") && !sentence.contains(", but")
}

fn foretell(tar: &Tar) -> Prediction {
    opened::foretell(tar, None).remove(0)
}

/// What is foretold of a running node whose unit has these lines, too.
fn with(lines: &str) -> Prediction {
    let mut tar = testcase::node("1.7-running");
    let text = format!("{OWN}{lines}");
    tar.add(UNIT, text.as_bytes());
    foretell(&tar)
}

#[test]
fn units_of_packages_change_nothing() {
    for lines in [
        "",
        "[Service]\nSlice=runtime.slice\nCPUAccounting=true\nMemoryAccounting=true\n",
        "[Service]\nEnvironment=HTTP_PROXY=http://p:1\nMemoryMax=8G\nUMask=0022\n",
        "[Service]\nRuntimeDirectory=containerd\nRuntimeDirectoryPreserve=yes\n",
        "[Service]\nStateDirectory=containerd\nPrivateTmp=no\nUser=root\n",
        "[Service]\nExecStart=\nExecStart=/usr/bin/containerd -l info\n",
        "[Service]\nExecStartPost=/sbin/iptables -P FORWARD ACCEPT\nExecStartPre=/sbin/modprobe overlay\n",
        "[Service]\nProtectSystem=no\nExecStartPre=/usr/bin/mkdir -p /etc/containerd\n",
    ] {
        let told = with(lines);
        assert_eq!(told.parts, [], "{lines}");
        assert!(is_normal(&told.sentence), "{lines}: {}", told.sentence);
    }
}

#[test]
fn some_lines_keep_it_from_starting() {
    for (lines, why) in [
        ("[Service]\nExecStartPre=/usr/bin/false\n", "always fails"),
        (
            "[Service]\nExecStart=/opt/bin/containerd\n",
            "more than one",
        ),
        ("[Service]\nUser=containerd\n", "not as root"),
        ("[Service]\nDynamicUser=yes\n", "not as root"),
        ("[Service]\nProtectSystem=strict\n", "ProtectSystem=strict"),
        ("[Service]\nReadOnlyPaths=/var/lib\n", "ReadOnlyPaths"),
        (
            "[Service]\nInaccessiblePaths=/run/containerd\n",
            "InaccessiblePaths",
        ),
        (
            "[Unit]\nConditionPathExists=!/etc/containerd/config.toml\n",
            "does not hold",
        ),
    ] {
        let told = with(lines);
        assert_eq!(
            told.outcome,
            Outcome::CrashLoop,
            "{lines}: {}",
            told.sentence
        );
        assert!(told.sentence.contains(why), "{lines}: {}", told.sentence);
        assert!(told.sentence.starts_with("containerd would not start"));
    }
}

#[test]
fn lines_that_no_rule_covers_are_named() {
    for (lines, named) in [
        ("[Service]\nPrivateMounts=yes\n", "PrivateMounts"),
        ("[Service]\nMountFlags=slave\n", "MountFlags"),
        ("[Service]\nRootDirectory=/srv/x\n", "RootDirectory"),
        (
            "[Service]\nCapabilityBoundingSet=CAP_NET_ADMIN\n",
            "CapabilityBoundingSet",
        ),
        (
            "[Service]\nBindPaths=/data/c:/var/lib/containerd\n",
            "BindPaths",
        ),
        ("[Service]\nMemoryMax=20M\n", "MemoryMax"),
        ("[Service]\nExecStartPre=/opt/prepare\n", "/opt/prepare"),
        (
            "[Service]\nExecStartPre=-/bin/sh -c 'rm -rf /x'\n",
            "/bin/sh -c",
        ),
        ("[Service]\nExecStopPost=/opt/clean\n", "/opt/clean"),
        (
            "[Unit]\nConditionKernelVersion=>5.4\n",
            "ConditionKernelVersion",
        ),
        (
            "[Service]\nProtectSystem=strict\nReadWritePaths=/var/lib/containerd /run/containerd\n",
            "ProtectSystem",
        ),
    ] {
        let told = with(lines);
        assert!(
            told.sentence.contains("not known"),
            "{lines}: {}",
            told.sentence
        );
        assert!(told.sentence.contains(named), "{lines}: {}", told.sentence);
    }
}

#[test]
fn what_a_restart_loses_is_said_first() {
    for lines in [
        "[Service]\nRuntimeDirectory=containerd\n",
        "[Service]\nExecStopPost=/bin/rm -rf /run/containerd\n",
        "[Service]\nExecStopPost=-/bin/sh -c \"rm -rf /var/lib/containerd/*\"\n",
        "[Service]\nExecStop=/usr/bin/pkill -9 containerd-shim\n",
    ] {
        let told = with(lines);
        let wanted = "Do not restart containerd while containers run";
        assert!(
            told.sentence.starts_with(wanted),
            "{lines}: {}",
            told.sentence
        );
    }
    let emptied = with("[Service]\nRuntimeDirectory=containerd\nRuntimeDirectory=\n");
    assert!(is_normal(&emptied.sentence), "{}", emptied.sentence);
}

/// Of a machine whose own units are in the evidence; systemd 252 says `Unit mount-data.service not found.`
#[test]
fn units_that_it_requires_must_be_there() {
    let of = |lines: &str, files: &[&str]| {
        let mut tar = testcase::node("1.7-running");
        tar.add(UNIT, format!("{OWN}{lines}").as_bytes());
        tar.add(
            "usr/lib/systemd/system/systemd-journald.service",
            b"[Unit]\n",
        );
        for file in files {
            tar.add(file, b"[Unit]\n");
        }
        foretell(&tar)
    };
    for (lines, file, is_refused) in [
        ("[Unit]\nRequires=data.service\n", "", true),
        ("[Unit]\nBindsTo=data.socket\n", "", true),
        (
            "[Unit]\nRequires=data.service\n",
            "usr/lib/systemd/system/data.service",
            false,
        ),
        (
            "[Unit]\nRequires=data@x.service\n",
            "etc/systemd/system/data@.service",
            false,
        ),
        ("[Unit]\nRequires=data.service\nRequires=\n", "", false),
        (
            "[Unit]\nWants=data.service\nAfter=data.service\n",
            "",
            false,
        ),
        (
            "[Unit]\nRequires=data.mount -.slice dev-sdb.device\n",
            "",
            false,
        ),
    ] {
        let files: Vec<&str> = [file].into_iter().filter(|file| !file.is_empty()).collect();
        let told = of(lines, &files);
        let expected = if is_refused {
            Outcome::CrashLoop
        } else {
            Outcome::Boots
        };
        assert_eq!(told.outcome, expected, "{lines}: {}", told.sentence);
    }
    // Where the machine's units were not taken along, that is not known.
    let told = with("[Unit]\nRequires=data.service\n");
    assert!(
        told.sentence.contains("the unit data.service"),
        "{}",
        told.sentence
    );
}

#[test]
fn without_systemd_no_systemctl_is_told() {
    let steps = |file: &str| {
        let mut tar = testcase::node("1.7-stopped");
        tar.member("var/lib/containerd/io.containerd.metadata.v1.bolt/meta.db")
            .data
            .truncate(4096);
        if !file.is_empty() {
            tar.add(file, b"x");
        }
        let report = opened::report(&tar);
        let ways = report.findings.iter().flat_map(|finding| &finding.ways);
        format!("{:?}", ways.collect::<Vec<_>>())
    };
    assert!(steps("").contains("systemctl"));
    for (file, name) in [
        ("sbin/openrc-run", "OpenRC"),
        ("etc/runit/1", "runit"),
        ("etc/inittab", "its own init"),
    ] {
        let told = steps(file);
        assert!(
            !told.contains("systemctl") && told.contains(name),
            "{file}: {told}"
        );
    }
}

/// containerd#4423: systemd gave up with 205/LIMITS, or took what it could, by its own limit, which no file has.
#[test]
fn more_files_than_the_kernel_grants_are_not_known_to_be_had() {
    for (settings, is_known) in [
        ("fs.nr_open = 1000000\n", false),
        ("fs.nr_open = 1048576\n", true),
        ("fs.file-max = 1000\n", true),
    ] {
        let mut tar = testcase::node("1.7-running");
        let text = format!("{OWN}[Service]\nLimitNOFILE=1024:1048576\n");
        tar.add(UNIT, text.as_bytes());
        tar.add("etc/sysctl.d/90-files.conf", settings.as_bytes());
        let told = foretell(&tar);
        let is_named = told
            .parts
            .iter()
            .any(|part| part.name.contains("LimitNOFILE=1048576"));
        assert_eq!(!is_named, is_known, "{settings}: {:?}", told.parts);
        assert_eq!(
            told.sentence.contains("205/LIMITS"),
            !is_known,
            "{}",
            told.sentence
        );
    }
}

/// systemd's manual: an empty assignment takes back the command, and a service without one is refused.
#[test]
fn a_unit_whose_command_was_taken_back_starts_nothing() {
    let told = with("[Service]\nExecStart=\n");
    assert_eq!(told.outcome, Outcome::CrashLoop, "{}", told.sentence);
    assert!(told.sentence.contains("no ExecStart="), "{}", told.sentence);
    // Of a drop-in alone, the package's own file has the command.
    let mut tar = testcase::node("1.7-running");
    let drop_in = "etc/systemd/system/containerd.service.d/limits.conf";
    tar.add(drop_in, b"[Service]\nLimitNOFILE=1048576\n");
    let told = foretell(&tar);
    assert!(is_normal(&told.sentence), "{}", told.sentence);
}
