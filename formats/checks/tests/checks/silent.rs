//! What keeps pods from being made while containerd itself starts, put into real captures; and the same captures,
//! healthy.

use checks::{Measured, Start, Verdict};
use finding::{Finding, Report, Severity};
use testcase::Tar;

use crate::opened;

const NET: &str = "etc/cni/net.d";
const PODMAN: &str = r#"{"cniVersion":"0.4.0","name":"podman","plugins":[{"type":"bridge","bridge":"cni-podman0","isGateway":true,
    "ipam":{"type":"host-local","routes":[{"dst":"0.0.0.0/0"}],"ranges":[[{"subnet":"10.88.0.0/16"}]]}}]}"#;

fn judged(tar: &Tar) -> (Report, Verdict) {
    let node = opened::node(tar);
    let report = checks::judge(&node, &Measured::default());
    let release = daemon::detect(&node.traces);
    let verdict = checks::verdict(&node, &report, &release, node.now);
    (report, verdict)
}

fn found<'r>(report: &'r Report, code: &str) -> Vec<&'r Finding> {
    let all = report.findings.iter();
    all.filter(|finding| finding.code.name == code).collect()
}

/// A folder of which all is in the archive.
fn add_folder(tar: &mut Tar, path: &str) {
    let mut members = tar.members.iter();
    let mut folder = members
        .find(|member| member.path.ends_with(b"/"))
        .unwrap()
        .clone();
    folder.path = path.as_bytes().to_vec();
    tar.members.insert(0, folder);
}

/// A capture whose network of pods is in a file of this name.
fn with_pods_in(capture: &str, name: &str) -> Tar {
    let mut tar = testcase::node(capture);
    let old = tar.member(&format!("{NET}/10-pods.conflist")).data.clone();
    tar.remove(&format!("{NET}/10-pods.conflist"));
    tar.add(&format!("{NET}/{name}"), &old);
    tar
}

#[test]
fn a_file_that_takes_new_pods_over_is_on_the_first_screen() {
    let cilium = r#"{"cniVersion":"0.3.1","name":"cilium","plugins":[{"type":"cilium-cni"}]}"#;
    for (pods, other, text) in [
        ("99-pods.conflist", "87-podman-bridge.conflist", PODMAN),
        ("10-pods.conflist", "05-cilium.conflist", cilium),
    ] {
        for capture in ["1.7-stopped", "2.1-stopped", "1.6-running"] {
            let mut tar = with_pods_in(capture, pods);
            tar.add(&format!("{NET}/{other}"), text.as_bytes());
            let (report, verdict) = judged(&tar);
            let found = found(&report, "cni/config-unused");
            assert_eq!(found.len(), 1, "{capture}");
            assert_eq!(found[0].severity, Severity::Odd, "{capture}: {found:?}");
            assert!(
                verdict.sentence.contains("network configuration"),
                "{}",
                verdict.sentence
            );
        }
    }
    // One that comes later takes nothing.
    let mut tar = testcase::node("1.7-stopped");
    tar.add(
        &format!("{NET}/87-podman-bridge.conflist"),
        PODMAN.as_bytes(),
    );
    let (report, _) = judged(&tar);
    assert_eq!(
        found(&report, "cni/config-unused")[0].severity,
        Severity::Note
    );
}

fn kubelet(capture: &str, endpoint: &str) -> (Report, Verdict) {
    let mut tar = testcase::node(capture);
    let flags = format!(
        "KUBELET_KUBEADM_ARGS=\"--container-runtime=remote --container-runtime-endpoint={endpoint}\"\n"
    );
    tar.add("var/lib/kubelet/kubeadm-flags.env", flags.as_bytes());
    judged(&tar)
}

#[test]
fn a_kubelet_of_another_runtime_is_on_the_first_screen_where_pods_are_containerds() {
    for socket in [
        "unix:///var/run/dockershim.sock",
        "unix:///run/crio/crio.sock",
    ] {
        let (report, verdict) = kubelet("1.7-stopped", socket);
        let found = found(&report, "client/other-endpoint");
        assert_eq!(found.len(), 1, "{socket}");
        assert_eq!(found[0].severity, Severity::Odd);
        assert!(verdict.sentence.contains("client"), "{}", verdict.sentence);
    }
    // After a boot nothing of containerd runs: who went over to CRI-O has done so.
    let (report, _) = kubelet("1.7-rebooted", "unix:///run/crio/crio.sock");
    let all = found(&report, "client/other-endpoint");
    assert!(
        all.iter().all(|one| one.severity == Severity::Note),
        "{all:?}"
    );
    let (report, _) = kubelet("1.7-stopped", "unix:///run/containerd/containerd.sock");
    assert!(found(&report, "client/other-endpoint").is_empty());
}

const FLANNEL: &str = r#"{"name":"cbr0","cniVersion":"0.3.1","plugins":[{"type":"flannel","delegate":{"isDefaultGateway":true}}]}"#;
const CALICO: &str = r#"{"name":"k8s-pod-network","cniVersion":"0.3.1","plugins":[{"type":"calico","datastore_type":"kubernetes",
    "nodename":"n1","ipam":{"type":"calico-ipam"},"kubernetes":{"kubeconfig":"/etc/cni/net.d/calico-kubeconfig"}}]}"#;
const MULTUS: &str = r#"{"name":"multus","cniVersion":"0.3.1","type":"multus","delegates":[],
    "kubeconfig":"/etc/cni/net.d/multus.d/multus.kubeconfig"}"#;

/// A capture with this network alone, and these files.
fn with_network(capture: &str, name: &str, text: &str, files: &[&str]) -> (Report, Verdict) {
    let mut tar = testcase::node(capture);
    tar.remove(&format!("{NET}/10-pods.conflist"));
    tar.add(&format!("{NET}/{name}"), text.as_bytes());
    for file in files {
        if file.ends_with('/') {
            add_folder(&mut tar, file);
        } else {
            tar.add(file, b"x\n");
        }
    }
    judged(&tar)
}

const MISSING: &str = "cni/plugin-file-missing";

#[test]
fn files_that_a_plugin_needs_are_found_missing() {
    let (report, verdict) = with_network(
        "1.7-stopped",
        "10-calico.conflist",
        CALICO,
        &["var/lib/calico/"],
    );
    let all = found(&report, MISSING);
    assert_eq!(all.len(), 2, "{all:?}");
    assert!(all.iter().all(|one| one.severity == Severity::Damage));
    assert_eq!(verdict.start, Start::WithCare);
    let (report, _) = with_network(
        "2.1-stopped",
        "10-multus.conf",
        MULTUS,
        &["etc/cni/net.d/multus.d/"],
    );
    assert_eq!(found(&report, MISSING).len(), 1);
    // Below /run: odd where tasks are, since a boot empties it.
    let (report, verdict) = with_network(
        "1.7-stopped",
        "10-flannel.conflist",
        FLANNEL,
        &["run/flannel/"],
    );
    assert_eq!(found(&report, MISSING)[0].severity, Severity::Odd);
    assert!(
        verdict.sentence.contains("CNI plugin needs"),
        "{}",
        verdict.sentence
    );
}

#[test]
fn files_that_the_evidence_does_not_tell_of_are_not_known() {
    for (name, text, file) in [
        ("10-flannel.conflist", FLANNEL, "/run/flannel/subnet.env"),
        ("10-calico.conflist", CALICO, "/var/lib/calico/nodename"),
    ] {
        let files = ["etc/cni/net.d/calico-kubeconfig"];
        let (report, verdict) = with_network("1.7-stopped", name, text, &files);
        assert!(found(&report, MISSING).is_empty(), "{name}");
        assert!(verdict.sentence.contains(file), "{}", verdict.sentence);
    }
}

#[test]
fn files_that_are_there_are_no_word_worth() {
    for (name, text, files) in [
        (
            "10-flannel.conflist",
            FLANNEL,
            &["run/flannel/subnet.env"][..],
        ),
        (
            "10-calico.conflist",
            CALICO,
            &["var/lib/calico/nodename", "etc/cni/net.d/calico-kubeconfig"],
        ),
        (
            "00-multus.conf",
            MULTUS,
            &["etc/cni/net.d/multus.d/multus.kubeconfig"],
        ),
    ] {
        let (report, verdict) = with_network("1.7-stopped", name, text, files);
        assert!(found(&report, MISSING).is_empty(), "{name}");
        assert!(
            !verdict.sentence.contains("not known: /"),
            "{}",
            verdict.sentence
        );
    }
}

/// A node of k3s or rke2: the capture's stores, where these keep them.
fn distribution(whose: &str) -> Tar {
    let mut tar = testcase::node("2.1-stopped");
    let agent = format!("var/lib/rancher/{whose}/agent");
    let moved = [
        ("var/lib/containerd", format!("{agent}/containerd")),
        ("run/containerd", "run/k3s/containerd".to_owned()),
        ("etc/containerd", format!("{agent}/etc/containerd")),
        ("etc/cni", format!("{agent}/etc/cni")),
    ];
    for member in &mut tar.members {
        for (from, to) in &moved {
            if let Some(rest) = member.path.strip_prefix(from.as_bytes()) {
                member.path = [to.as_bytes(), rest].concat();
            }
        }
    }
    let config = format!(
        "version = 3\nroot = '/{agent}/containerd'\nstate = '/run/k3s/containerd'\n[plugins.'io.containerd.cri.v1.runtime'.cni]\n\
         conf_dir = '/{agent}/etc/cni/net.d'\n"
    );
    tar.add(
        &format!("{agent}/etc/containerd/config.toml"),
        config.as_bytes(),
    );
    tar
}

const YAML: &str = "mirrors:\n  docker.io:\n    endpoint:\n      - \"https://mirror.example\"\n";
const UNUSABLE: &str = "registry/registries-yaml-unusable";

#[test]
fn registries_yaml_that_k3s_refuses_keeps_it_from_a_start() {
    for whose in ["k3s", "rke2"] {
        let file = format!("etc/rancher/{whose}/registries.yaml");
        let mut tar = distribution(whose);
        tar.add(&file, YAML.replace("io:", "io").as_bytes());
        let (report, verdict) = judged(&tar);
        assert_eq!(found(&report, UNUSABLE).len(), 1);
        assert_eq!(verdict.start, Start::No);
        assert!(
            verdict.sentence.contains("registries.yaml"),
            "{}",
            verdict.sentence
        );
        // A directory.
        let mut tar = distribution(whose);
        add_folder(&mut tar, &format!("{file}/"));
        let (report, verdict) = judged(&tar);
        assert_eq!(found(&report, UNUSABLE).len(), 1);
        assert_eq!(verdict.start, Start::No);
        // More YAML than is read: not known, by name.
        let mut tar = distribution(whose);
        tar.add(&file, b"mirrors: {docker.io: {endpoint: [a]}}\n");
        let (report, verdict) = judged(&tar);
        assert!(found(&report, UNUSABLE).is_empty());
        assert!(
            verdict.sentence.contains("registries.yaml"),
            "{}",
            verdict.sentence
        );
        // Healthy: with it, and without.
        for text in [Some(YAML), None] {
            let mut tar = distribution(whose);
            if let Some(text) = text {
                tar.add(&file, text.as_bytes());
            }
            let (report, verdict) = judged(&tar);
            assert!(found(&report, UNUSABLE).is_empty());
            assert!(
                !verdict.sentence.contains("registries.yaml"),
                "{}",
                verdict.sentence
            );
        }
    }
}
