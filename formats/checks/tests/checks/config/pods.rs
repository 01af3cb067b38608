//! Settings by which the daemon starts, and pods are not made.

use checks::Start;
use checks::start::Outcome;

use super::{add_folder, foretell, found, told};

/// Each seen with pods of 1.6.20, 1.7.24 and 2.1.9: no pod was made, or one was.
#[test]
fn what_a_runtime_is_refused_for_when_a_pod_is_made() {
    const TYPE: &str = "[RUNTIMES.runc]\nruntime_type = \"io.containerd.runc.v2\"\n";
    let of = |node: &str, lines: &str| {
        let (version, plugin) = if node.starts_with('2') {
            (3, "io.containerd.cri.v1.runtime")
        } else {
            (2, "io.containerd.grpc.v1.cri")
        };
        let lines = lines.replace(
            "RUNTIMES",
            &format!("plugins.\"{plugin}\".containerd.runtimes"),
        );
        told(node, &format!("version = {version}\n{lines}"))
    };
    for node in ["1.6-stopped", "1.7-stopped", "2.1-stopped"] {
        let is_old = node.starts_with("1.6");
        for (lines, why) in [
            (
                "[RUNTIMES.runc.options]\nSystemdCgroup = \"true\"\n",
                "SystemdCgroup",
            ),
            (
                "[RUNTIMES.runc.options]\nsystemdCgroup = 1\n",
                "SystemdCgroup",
            ),
            ("[RUNTIMES.runc.options]\nBinaryName = 3\n", "BinaryName"),
            (
                "[RUNTIMES.runc.options]\nBinaryName = [\"runc\"]\n",
                "BinaryName",
            ),
            ("[RUNTIMES.runc.options]\nIoUid = -1\n", "IoUid"),
            (
                "[RUNTIMES.runc.options]\nSystemdCgroup = true\nno_such = 3\n",
                "",
            ),
            (
                "[RUNTIMES.kata]\nruntime_type = \"\"\n",
                "of the runtime kata: its runtime_type is empty",
            ),
            (
                "[RUNTIMES.kata]\nruntime_type = \"kata\"\n",
                "neither the name of a shim",
            ),
            (
                "[RUNTIMES.kata]\nruntime_type = \"io.containerd.kata.v2\"\n[RUNTIMES.kata.options]\nConfigPath = 3\n",
                "ConfigPath",
            ),
            (
                "[RUNTIMES.runc]\nsnapshotter = \"nothing\"\n",
                if is_old {
                    ""
                } else {
                    "its snapshotter nothing"
                },
            ),
            (
                "[RUNTIMES.runc]\nsandboxer = \"nothing\"\n",
                if node.starts_with('2') {
                    "there is no sandboxer"
                } else {
                    ""
                },
            ),
        ] {
            let lines = if lines.starts_with("[RUNTIMES.runc]\n") {
                lines.replace("[RUNTIMES.runc]\n", TYPE)
            } else {
                format!("{TYPE}{lines}")
            };
            let told = of(node, &lines);
            assert_eq!(told.outcome, Outcome::Boots, "{lines}: {told:#?}");
            let says = format!(
                "{:?}",
                told.statements
                    .iter()
                    .map(|one| &one.does)
                    .collect::<Vec<_>>()
            );
            if why.is_empty() {
                assert!(!says.contains("makes no pod"), "{node} {lines}: {says}");
            } else {
                assert!(says.contains(why), "{node} {lines}: {says}");
                assert_eq!(told.start, Start::WithCare, "{}", told.sentence);
            }
        }
        // 1.x takes a table of runc as it stands.
        let told = of(node, "[RUNTIMES.runc.options]\nSystemdCgroup = false\n");
        let says = told.sentence.contains("runtime_type is empty");
        assert_eq!(says, !node.starts_with('2'), "{}", told.sentence);
    }
}

#[test]
fn a_seccomp_profile_for_the_others_must_be_one() {
    let of = |profile: &str| {
        let base = "version = 2\n[plugins.\"io.containerd.grpc.v1.cri\"]\nunset_seccomp_profile = ";
        told("1.7-stopped", &format!("{base}\"{profile}\"\n")).sentence
    };
    assert!(of("/nope.json").contains("makes no pod that brings no seccomp profile"));
    assert!(of("localhost//etc/x.json").contains("not known: the seccomp profile /etc/x.json"));
    for profile in ["", "unconfined", "runtime/default"] {
        assert!(!of(profile).contains("seccomp"), "{profile}");
    }
}

#[test]
fn messages_that_are_too_large_are_foretold() {
    let told_of = |size: i64| {
        told(
            "1.7-stopped",
            &format!("version = 2\n[grpc]\nmax_recv_message_size = {size}\n"),
        )
        .sentence
    };
    assert!(told_of(1).contains("in more than 1 bytes"));
    for size in [-1, 0, 16_777_216] {
        assert!(!told_of(size).contains("bytes"), "{size}");
    }
}

#[test]
fn an_image_of_pods_that_is_no_name_is_told() {
    for image in [
        "Images.Example/PAUSE:1:2",
        "",
        "https://images.example/pause:1",
    ] {
        let text = format!(
            "version = 2\n[plugins.\"io.containerd.grpc.v1.cri\"]\nsandbox_image = \"{image}\"\n"
        );
        let found = found("1.7-stopped", &[("config.toml", text.as_str())]);
        let mut found = found.iter();
        assert!(
            found.any(|finding| finding.code.name == "cri/pause-image-missing"),
            "{image}"
        );
    }
}

#[test]
fn files_that_each_pod_gets_a_copy_of_must_be_there() {
    let of = |files: &[&str]| {
        let mut tar = testcase::node("1.7-stopped");
        add_folder(&mut tar, "etc/");
        for file in files {
            tar.add(file, b"x\n");
        }
        foretell(&tar, None).sentence
    };
    let (passwd, hosts, resolv) = ("etc/passwd", "etc/hosts", "etc/resolv.conf");
    // Without it, the machine's /etc was not taken along.
    assert!(!of(&[]).contains("makes no pod"));
    assert!(!of(&[passwd, hosts, resolv]).contains("makes no pod"));
    assert!(of(&[passwd, resolv]).contains("makes no pod: it copies /etc/hosts"));
    assert!(of(&[passwd, hosts]).contains("makes no pod: it copies /etc/resolv.conf"));
    let mut tar = testcase::node("1.7-stopped");
    add_folder(&mut tar, "etc/");
    tar.add(
        "etc/crictl.yaml",
        b"runtime-endpoint: unix:///run/containerd/containerd.sock\n",
    );
    tar.add(
        "var/lib/kubelet/config.yaml",
        b"containerRuntimeEndpoint: unix:///run/containerd/containerd.sock\n",
    );
    tar.add(passwd, b"x\n");
    tar.add(hosts, b"x\n");
    assert!(!foretell(&tar, None).sentence.contains("resolv.conf"));
}
