//! Configurations, and options of a unit, at which a daemon ends or loses its CRI. Each was started on
//! the real daemons of 1.6.20, 1.7.24 and 2.1.9.

use checks::Measured;
use checks::start::{Outcome, Prediction, predictions};
use daemon::Release;
use evidence::{Evidence, Options};
use node::{Node, Said};
use testcase::Tar;

const CONFIG: &str = "etc/containerd/config.toml";
const UNIT: &str = "etc/systemd/system/containerd.service";
const NODES: [(&str, Release); 3] = [
    ("1.6-stopped", Release::V1_6),
    ("1.7-stopped", Release::V1_7),
    ("2.1-stopped", Release::V2_1),
];

fn foretell_of(evidence: &Evidence) -> Prediction {
    let roots = node::discover(evidence, &Said::default());
    let node = Node::open(evidence, roots[0].clone(), node::Options::default());
    let report = checks::judge(&node, &Measured::default());
    predictions(&node, &report, &daemon::detect(&node.traces), node.now).remove(0)
}

fn foretell(tar: &Tar) -> Prediction {
    let packed = tar.write();
    foretell_of(&Evidence::open_stream(packed.as_slice(), &Options::default()).unwrap())
}

fn and(name: &str, text: &str) -> Tar {
    let mut tar = testcase::node(name);
    let config = tar.member(CONFIG);
    config.data.extend_from_slice(b"\n");
    config.data.extend_from_slice(text.as_bytes());
    tar
}

fn is_normal(told: &Prediction) -> bool {
    told.sentence.contains("start normally.")
}

#[test]
fn proxies_have_types_that_the_release_knows() {
    for (name, release) in NODES {
        for (kind, since) in [
            ("snapshot", Some(Release::V1_6)),
            ("io.containerd.content.v1", Some(Release::V1_6)),
            ("diff", Some(Release::V1_7)),
            ("io.containerd.differ.v1", Some(Release::V1_7)),
            ("sandbox", Some(Release::V2_0)),
            ("io.containerd.sandbox.controller.v1", Some(Release::V2_0)),
            ("storage", None),
            ("io.containerd.diff.v1", None),
            ("", None),
        ] {
            let lines = format!("[proxy_plugins.x]\naddress = '/run/x.sock'\ntype = '{kind}'\n");
            let told = foretell(&and(name, &lines));
            let is_known = since.is_some_and(|since| release >= since);
            let panics = told.outcome == Outcome::CrashLoop;
            assert_eq!(panics, !is_known, "{name} {kind:?}: {}", told.sentence);
        }
        let told = foretell(&and(name, "[proxy_plugins.x]\naddress = '/run/x.sock'\n"));
        assert!(
            told.sentence.contains("it has no type"),
            "{}",
            told.sentence
        );
        assert!(told.sentence.contains("line "), "{}", told.sentence);
    }
}

#[test]
fn sockets_are_short_and_absolute() {
    for (name, _) in NODES {
        let grpc = |path: &str| {
            let mut tar = testcase::node(name);
            let config = tar.member(CONFIG);
            let text = String::from_utf8(config.data.clone()).unwrap();
            assert!(!text.contains("[grpc]"));
            config.data = format!("{text}\n[grpc]\naddress = '{path}'\n").into_bytes();
            foretell(&tar)
        };
        let long = grpc(&format!("/run/{}/containerd.sock", "x".repeat(90)));
        assert_eq!(
            long.outcome,
            Outcome::CrashLoop,
            "{name}: {}",
            long.sentence
        );
        assert!(long.sentence.contains("104"), "{}", long.sentence);
        let relative = grpc("containerd.sock");
        assert!(
            relative.sentence.contains("relative"),
            "{}",
            relative.sentence
        );
        let usual = grpc("/run/containerd/containerd.sock");
        assert!(!usual.sentence.contains("socket"), "{}", usual.sentence);
    }
}

#[test]
fn an_address_of_the_machine_is_not_known() {
    for (name, _) in NODES {
        let cri = "plugins.'io.containerd.grpc.v1.cri'";
        let version = if name.starts_with("2.1") { 3 } else { 2 };
        let with = |address: &str| {
            let mut tar = testcase::node(name);
            let text =
                format!("version = {version}\n[{cri}]\nstream_server_address = '{address}'\n");
            tar.member(CONFIG).data = text.into_bytes();
            foretell(&tar)
        };
        let told = with("10.98.98.98");
        let says = "not known: stream_server_address (10.98.98.98)";
        assert!(told.sentence.contains(says), "{name}: {}", told.sentence);
        for usual in ["127.0.0.1", "", "0.0.0.0", "::1"] {
            assert!(
                !with(usual).sentence.contains("stream_server"),
                "{name} {usual}"
            );
        }
    }
}

#[test]
fn bytes_that_only_some_releases_read() {
    for (name, release) in NODES {
        let whole = testcase::node(name).member(CONFIG).data.clone();
        let plain = foretell(&testcase::node(name));
        let with = |data: Vec<u8>| {
            let mut tar = testcase::node(name);
            tar.member(CONFIG).data = data;
            foretell(&tar)
        };
        let marked = with([b"\xef\xbb\xbf", whole.as_slice()].concat());
        let commented = with([whole.as_slice(), b"\n# caf\xe9\n"].concat());
        for told in [marked, commented] {
            if release >= Release::V2_0 {
                assert_eq!(
                    told.outcome,
                    Outcome::CrashLoop,
                    "{name}: {}",
                    told.sentence
                );
            } else {
                assert_eq!(told.sentence, plain.sentence, "{name}");
            }
        }
        let value = with([b"temp = '/caf\xe9'\n", whole.as_slice()].concat());
        assert!(!is_normal(&value), "{name}: {}", value.sentence);
    }
}

#[test]
fn a_file_where_networks_are_configured_costs_the_cri() {
    for (name, _) in NODES {
        let mut tar = testcase::node(name);
        tar.members
            .retain(|member| !member.path.starts_with(b"etc/cni/net.d"));
        tar.add("etc/cni/net.d", b"{}");
        let told = foretell(&tar);
        assert_eq!(told.outcome, Outcome::CriDead, "{name}: {}", told.sentence);
    }
}

#[test]
fn a_refused_setting_is_named_with_its_line_and_value() {
    let text = "version = 2\n[plugins.'io.containerd.grpc.v1.cri'.containerd]\ndefault_runtime_name = 'nvidia'\n";
    let mut tar = testcase::node("1.7-stopped");
    tar.member(CONFIG).data = text.as_bytes().to_vec();
    let told = foretell(&tar);
    for says in [
        "no corresponding runtime configured",
        "it is \"nvidia\"",
        "line 3",
    ] {
        assert!(told.sentence.contains(says), "{says}: {}", told.sentence);
    }
}

#[test]
fn the_unit_gives_options_that_are_known() {
    let unit = |command: &str| {
        let mut tar = testcase::node("1.7-stopped");
        let text = format!("[Service]\nExecStart={command}\nKillMode=process\nDelegate=yes\n");
        tar.add(UNIT, text.as_bytes());
        foretell(&tar)
    };
    for good in [
        "/usr/bin/containerd",
        "/usr/bin/containerd -l debug --config=/etc/containerd/config.toml",
        "/usr/bin/containerd --log-level warn -a /run/containerd/containerd.sock",
    ] {
        let told = unit(good);
        assert_ne!(
            told.outcome,
            Outcome::CrashLoop,
            "{good}: {}",
            told.sentence
        );
    }
    for (bad, says) in [
        ("/usr/bin/containerd --bogus-flag", "--bogus-flag"),
        ("/usr/bin/containerd -l debugg", "debugg"),
        (
            "/usr/bin/containerd --config /etc/containerd/conf.toml",
            "conf.toml",
        ),
    ] {
        let told = unit(bad);
        assert_eq!(told.outcome, Outcome::CrashLoop, "{bad}: {}", told.sentence);
        assert!(told.sentence.contains(says), "{bad}: {}", told.sentence);
    }
    // What lies in a folder that nobody took is not known.
    let told = unit("/usr/bin/containerd --config /nix/store/a-containerd.toml");
    assert!(!is_normal(&told), "{}", told.sentence);
    assert_ne!(told.outcome, Outcome::CrashLoop, "{}", told.sentence);
}

/// A capture that was unpacked: of a folder that is not in it nothing is known.
#[test]
fn a_folder_with_parts_of_a_node_knows_nothing_of_the_others() {
    let mut tar = testcase::node("1.7-stopped");
    let text = "version = 2\nimports = ['/nix/nv.toml']\n";
    tar.member(CONFIG).data = text.as_bytes().to_vec();
    let folder = tar.files();
    let evidence = Evidence::open(folder.path(), &Options::default()).unwrap();
    let told = foretell_of(&evidence);
    assert_eq!(told.outcome, Outcome::Unknown, "{}", told.sentence);
}

#[test]
fn k3s_is_found_where_its_data_was_moved() {
    let mut tar = testcase::node("1.7-stopped");
    for member in &mut tar.members {
        if let Some(rest) = member.path.strip_prefix(b"var/lib/containerd") {
            member.path = [b"data/k3s/agent/containerd".as_slice(), rest].concat();
        }
    }
    tar.members
        .retain(|member| !member.path.starts_with(b"etc/containerd"));
    tar.add("etc/rancher/k3s/config.yaml", b"data-dir: /data/k3s\n");
    tar.add(
        "data/k3s/agent/etc/containerd/config.toml",
        b"version = 2\ndisabled_plugins = ['io.containerd.snapshotter.v1.overlayfs']\n",
    );
    let told = foretell(&tar);
    assert_eq!(told.outcome, Outcome::CriDead, "{}", told.sentence);
}

#[test]
fn a_state_below_var_run_is_found_without_the_link() {
    let mut tar = testcase::node("1.7-stopped");
    let config = tar.member(CONFIG);
    config.data = [b"state = '/var/run/containerd'\n", config.data.as_slice()].concat();
    let packed = tar.write();
    let evidence = Evidence::open_stream(packed.as_slice(), &Options::default()).unwrap();
    let roots = node::discover(&evidence, &Said::default());
    assert_eq!(roots[0].state, std::path::Path::new("/run/containerd"));
}

/// A node whose kubelet went over to another runtime: its old pods are nobody's.
#[test]
fn a_disabled_cri_is_no_fault_beside_another_runtime() {
    for socket in [
        "unix:///var/run/cri-dockerd.sock",
        "unix:///var/run/crio/crio.sock",
    ] {
        let mut tar = testcase::node("1.7-rebooted");
        tar.member(CONFIG).data =
            b"version = 2\ndisabled_plugins = ['io.containerd.grpc.v1.cri']\n".to_vec();
        tar.add(
            "var/lib/kubelet/kubeadm-flags.env",
            format!("KUBELET_KUBEADM_ARGS=\"--container-runtime-endpoint={socket}\"\n").as_bytes(),
        );
        let told = foretell(&tar);
        assert!(
            !told.sentence.contains("serves no pod"),
            "{}",
            told.sentence
        );
    }
}

/// The CRI makes the folder above that of the networks, and does not load where it cannot (1.6.20, 1.7.24, 2.1.9).
#[test]
fn the_folder_of_networks_cannot_be_made_on_a_read_only_root() {
    let mounts =
        b"29 1 8:1 / / ro,relatime - squashfs x ro\n30 29 8:2 / /var rw - ext4 /dev/sdb1 rw\n\
        31 29 0:9 / /run rw - tmpfs tmpfs rw\n";
    for (has_folder, want) in [(true, Outcome::Boots), (false, Outcome::CriDead)] {
        let mut tar = testcase::node("1.7-rebooted");
        tar.add("proc/1/mountinfo", mounts);
        if !has_folder {
            tar.remove("etc/cni");
        }
        let folder = tar.files();
        let evidence = Evidence::open(folder.path(), &Options::default()).unwrap();
        let told = foretell_of(&evidence);
        assert_eq!(told.outcome, want, "{}", told.sentence);
    }
}
