//! kubelet and the runtime with different ideas of cgroups, put into a real capture.

use finding::{Finding, Severity};
use testcase::Tar;

use crate::opened;

const TASKS: &str = "run/containerd/io.containerd.runtime.v2.task/k8s.io";
const KUBELET: &str = "var/lib/kubelet/config.yaml";

fn judge(tar: &Tar) -> Vec<Finding> {
    let report = opened::report(tar);
    let findings = report.findings.into_iter();
    findings
        .filter(|finding| finding.code.name == "runtime/cgroup-driver-differs")
        .collect()
}

/// A pod's bundle with another cgroup, and options of the runtime.
fn pod(cgroup: &str, options: &str) -> Tar {
    let mut tar = testcase::node("1.7-running");
    let spec = tar.paths(TASKS, "/config.json").remove(0);
    let folder = spec.strip_suffix("/config.json").unwrap().to_owned();
    let id = folder.rsplit('/').next().unwrap().to_owned();
    let old = format!("\"cgroupsPath\":\"/k8s.io/{id}\"");
    let new = format!("\"cgroupsPath\":\"{}\"", cgroup.replace("ID", &id));
    tar.swap(&spec, old.as_bytes(), new.as_bytes());
    tar.add(&format!("{folder}/options.json"), options.as_bytes());
    tar
}

const SLICE: &str = "kubepods-besteffort-pod1.slice:cri-containerd:ID";
const FOLDER: &str = "/kubepods/besteffort/pod1/ID";
const SYSTEMD: &str = r#"{"systemd_cgroup":true}"#;

#[test]
fn pods_say_what_kubelet_has_in_mind() {
    assert_eq!(judge(&testcase::node("1.7-running")), []);
    assert_eq!(judge(&pod(SLICE, SYSTEMD)), []);
    assert_eq!(judge(&pod(FOLDER, "{}")), []);
    for (cgroup, options, want) in [
        (SLICE, "{}", "kubelet leaves cgroups to systemd"),
        (FOLDER, SYSTEMD, "kubelet makes cgroups itself"),
    ] {
        let findings = judge(&pod(cgroup, options));
        assert_eq!(findings.len(), 1, "{findings:#?}");
        assert!(findings[0].message.starts_with(want), "{findings:#?}");
        assert_eq!(findings[0].ways[0].steps.len(), 3);
    }
    // Options that cannot be read say nothing.
    assert_eq!(judge(&pod(SLICE, "{\"systemd")), []);
}

#[test]
fn kubelets_own_file_counts() {
    let with = |text: &str, config: &str| {
        let mut tar = testcase::node("1.7-running");
        tar.add(KUBELET, text.as_bytes());
        let at = "etc/containerd/config.toml";
        let mut whole = tar.member(at).data.clone();
        whole.extend_from_slice(config.as_bytes());
        tar.add(at, &whole);
        judge(&tar)
    };
    let systemd = "\n[plugins.\"io.containerd.grpc.v1.cri\".containerd.runtimes.runc]\nruntime_type = \
        \"io.containerd.runc.v2\"\n[plugins.\"io.containerd.grpc.v1.cri\".containerd.runtimes.runc.options]\n\
        SystemdCgroup = true\n";
    assert_eq!(with("kind: KubeletConfiguration\n", ""), []);
    assert_eq!(with("cgroupDriver: cgroupfs\n", ""), []);
    assert_eq!(with("cgroupDriver: \"systemd\" # as all\n", systemd), []);
    // What is no key at its top says nothing.
    assert_eq!(with("x:\n  cgroupDriver: systemd\n", ""), []);
    let findings = with("cgroupDriver: systemd\n", "");
    assert_eq!(findings.len(), 1, "{findings:#?}");
    assert_eq!(findings[0].severity, Severity::Odd);
    let findings = with("cgroupDriver: cgroupfs\n", systemd);
    assert_eq!(findings.len(), 1, "{findings:#?}");
    assert_eq!(findings[0].severity, Severity::Damage);
}
