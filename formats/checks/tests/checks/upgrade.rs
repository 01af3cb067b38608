//! Upgrades, and configurations as public reports have them: each was started on the real daemons of
//! 1.6.20, 1.7.24 and 2.1.9 with the same end; of 2.2 it was read in the source.

use checks::Start;
use checks::start::{Outcome, Prediction};
use testcase::Tar;

use crate::opened;

const CONFIG: &str = "etc/containerd/config.toml";
const CRI: &str = "plugins.'io.containerd.grpc.v1.cri'";
const LINK: u8 = b'2';
const FOLDER: u8 = b'5';

fn foretell(tar: &Tar, said: Option<&str>) -> Prediction {
    opened::foretell(tar, said).remove(0)
}

/// A capture whose config.toml has this behind what it had.
fn and(name: &str, text: &str) -> Tar {
    let mut tar = testcase::node(name);
    let config = tar.member(CONFIG);
    config.data.extend_from_slice(b"\n");
    config.data.extend_from_slice(text.as_bytes());
    tar
}

fn with(name: &str, text: &str) -> Tar {
    let mut tar = testcase::node(name);
    tar.member(CONFIG).data = text.as_bytes().to_vec();
    tar
}

/// Moves a folder with all that is in it.
fn rename(tar: &mut Tar, from: &str, to: &str) {
    for member in &mut tar.members {
        let below = member.path.strip_prefix(from.as_bytes());
        if let Some(rest) = below.filter(|rest| rest.is_empty() || rest.starts_with(b"/")) {
            member.path = [to.as_bytes(), rest].concat();
        }
    }
}

#[test]
fn a_disabled_cri_is_told_where_there_are_pods() {
    for (name, plugin) in [
        ("1.6-stopped", "cri"),
        ("1.7-stopped", "cri"),
        ("2.1-stopped", "cri"),
    ] {
        let mut tar = with(name, &format!("disabled_plugins = ['{plugin}']\n"));
        let told = foretell(&tar, None);
        assert_eq!(
            (told.outcome, told.has_cri),
            (Outcome::Boots, false),
            "{name}"
        );
        assert_eq!(told.start, Start::WithCare, "{name}: {}", told.sentence);
        assert!(told.sentence.contains("serves no pod"), "{}", told.sentence);
        tar.add(
            "var/lib/kubelet/kubeadm-flags.env",
            b"KUBELET_KUBEADM_ARGS=\"--container-runtime-endpoint=unix:///var/run/containerd/containerd.sock\"\n",
        );
        let told = foretell(&tar, None);
        assert_eq!(told.outcome, Outcome::CriDead, "{name}: {}", told.sentence);
        assert!(told.sentence.contains("kubelet"), "{}", told.sentence);
    }
}

#[test]
fn a_disabled_cri_is_well_where_nobody_needs_it() {
    let mut tar = with("1.7-stopped", "disabled_plugins = ['cri']\n");
    // As Docker's package has it: no pods were ever there.
    tar.remove("var/lib/containerd");
    let told = foretell(&tar, None);
    assert!(!told.sentence.contains("CRI"), "{}", told.sentence);
    // Another socket's kubelet is not ours.
    let mut tar = with("1.7-stopped", "disabled_plugins = ['cri']\n");
    tar.add(
        "var/lib/kubelet/kubeadm-flags.env",
        b"X=\"--container-runtime-endpoint=unix:///run/crio/crio.sock\"\n",
    );
    let told = foretell(&tar, None);
    assert_eq!(told.outcome, Outcome::Boots, "{}", told.sentence);
}

#[test]
fn links_that_lead_nowhere_end_a_start() {
    for name in ["1.6-stopped", "1.7-stopped", "2.1-stopped"] {
        for place in ["run/containerd", "var/lib/containerd"] {
            let mut tar = testcase::node(name);
            tar.remove(place);
            // A tar that has the folder above has all of it.
            let above = place.rsplit_once('/').unwrap().0;
            tar.push(above, FOLDER, "", b"");
            tar.push(place, LINK, "gone", b"");
            let told = foretell(&tar, None);
            assert_eq!(
                told.outcome,
                Outcome::CrashLoop,
                "{name}: {}",
                told.sentence
            );
            let end = told.end().unwrap();
            assert_eq!(end.says, format!("mkdir /{place}: file exists"));
            assert!(told.sentence.contains("is a link"), "{}", told.sentence);
        }
    }
}

#[test]
fn mirrors_cost_2_2_its_cri_in_its_first_patches() {
    let mirrors =
        format!("[{CRI}.registry.mirrors.'docker.io']\nendpoint = ['https://mirror.gcr.io']\n");
    let empty = format!("[{CRI}.registry]\nconfig_path = ''\n{mirrors}");
    for text in [&mirrors, &empty] {
        let tar = and("1.7-stopped", text);
        for said in ["2.2.0", "2.2.1"] {
            let told = foretell(&tar, Some(said));
            assert_eq!(told.outcome, Outcome::CriDead, "{said}: {}", told.sentence);
        }
        let told = foretell(&tar, Some("2.2"));
        assert_eq!((told.outcome, told.start), (Outcome::Boots, Start::No));
        assert!(told.sentence.contains("perhaps"), "{}", told.sentence);
        for said in ["2.1", "2.2.2", "2.3"] {
            let told = foretell(&tar, Some(said));
            assert_eq!(told.start, Start::Yes, "{said}: {}", told.sentence);
        }
    }
    // A file of version 3 that says so keeps an empty one.
    let images = "plugins.'io.containerd.cri.v1.images'.registry";
    let text = format!(
        "[{images}]\nconfig_path = ''\n[{images}.mirrors.'docker.io']\nendpoint = ['https://a.example']\n"
    );
    let told = foretell(&and("2.1-stopped", &text), Some("2.2.0"));
    assert_eq!(told.start, Start::Yes, "{}", told.sentence);
}

#[test]
fn an_upgrade_takes_old_runtimes_away() {
    for kind in ["io.containerd.runc.v1", "io.containerd.runtime.v1.linux"] {
        let runtimes = format!("[{CRI}.containerd.runtimes.runc]\nruntime_type = '{kind}'\n");
        let tar = and("1.6-stopped", &runtimes);
        let told = foretell(&tar, Some("2.1"));
        assert_eq!(told.start, Start::WithCare, "{kind}: {}", told.sentence);
        assert!(told.sentence.contains("makes no pod"), "{}", told.sentence);
        let told = foretell(&tar, Some("1.7"));
        assert_eq!(told.start, Start::Yes, "{kind}: {}", told.sentence);
        // What does harm is said before what is merely not read.
        let both = format!("version = 2\n[{CRI}]\nsystemd_cgroup = true\n{runtimes}");
        let told = foretell(&with("1.6-stopped", &both), Some("2.1"));
        assert!(told.sentence.contains("makes no pod"), "{}", told.sentence);
    }
    let usual =
        format!("[{CRI}.containerd.runtimes.runc]\nruntime_type = 'io.containerd.runc.v2'\n");
    let told = foretell(&and("1.6-stopped", &usual), Some("2.1"));
    assert_eq!(told.start, Start::Yes, "{}", told.sentence);
}

#[test]
fn settings_that_are_gone_are_named_where_they_said_something() {
    let gone = [
        (
            format!("[{CRI}.registry.configs.'r.example:5000'.tls]\ninsecure_skip_verify = true\n"),
            "registry.configs.r.example:5000.tls",
        ),
        (
            format!(
                "[{CRI}.containerd.untrusted_workload_runtime]\nruntime_type = 'io.containerd.runc.v2'\n"
            ),
            "untrusted_workload_runtime",
        ),
        (
            format!("[{CRI}.containerd.default_runtime]\nruntime_type = 'io.containerd.runc.v2'\n"),
            "default_runtime",
        ),
    ];
    for (text, name) in gone {
        let told = foretell(&and("1.6-stopped", &text), Some("2.1"));
        assert_eq!(told.start, Start::WithCare, "{name}: {}", told.sentence);
        assert!(told.sentence.contains(name), "{}", told.sentence);
    }
    // `containerd config default` of 1.6 and 1.7 has all of them, and says nothing.
    let nothing = format!(
        "[{CRI}.containerd.untrusted_workload_runtime]\nruntime_type = ''\n\
         [{CRI}.containerd.default_runtime]\nruntime_type = ''\n\
         [plugins.'io.containerd.runtime.v1.linux']\nshim = 'containerd-shim'\n\
         [plugins.'io.containerd.snapshotter.v1.aufs']\nroot_path = ''\n"
    );
    for said in ["2.0", "2.1", "2.3"] {
        let told = foretell(&and("1.6-stopped", &nothing), Some(said));
        assert_eq!(told.start, Start::Yes, "{said}: {}", told.sentence);
    }
}

#[test]
fn stores_of_snapshotters_that_were_moved_are_found() {
    let old = "var/lib/containerd/io.containerd.snapshotter.v1.overlayfs";
    for name in ["1.6-stopped", "1.7-stopped", "2.1-stopped"] {
        let text =
            "[plugins.'io.containerd.snapshotter.v1.overlayfs']\nroot_path = '/opt/layers'\n";
        let mut tar = and(name, text);
        // What the tar may just not hold is not called empty.
        assert_eq!(foretell(&tar, None).start, Start::Unknown, "{name}");
        tar.push("opt/layers", FOLDER, "", b"");
        let told = foretell(&tar, None);
        assert_eq!(told.start, Start::WithCare, "{name}: {}", told.sentence);
        assert!(
            told.sentence.contains("finds none of its snapshots"),
            "{}",
            told.sentence
        );
        // A store that moved with its key is well.
        tar.remove("opt/layers");
        rename(&mut tar, old, "opt/layers");
        let told = foretell(&tar, None);
        assert_eq!(told.start, Start::Yes, "{name}: {}", told.sentence);
    }
}

#[test]
fn a_snapshotter_that_is_a_daemon_of_its_own_is_named() {
    for name in ["1.6-stopped", "1.7-stopped"] {
        let text = format!(
            "[{CRI}.containerd]\nsnapshotter = 'nydus'\n[proxy_plugins.nydus]\ntype = 'snapshot'\n\
             address = '/run/nydus.sock'\n"
        );
        let told = foretell(&and(name, &text), None);
        assert_eq!(told.start, Start::Unknown, "{name}: {}", told.sentence);
        assert!(
            told.sentence.contains("snapshotter nydus"),
            "{}",
            told.sentence
        );
        assert!(
            told.sentence.contains("/run/nydus.sock"),
            "{}",
            told.sentence
        );
        assert!(
            !told.sentence.contains("what is removed"),
            "{}",
            told.sentence
        );
    }
}

#[test]
fn images_whose_layers_were_discarded_need_their_snapshotter() {
    for name in ["1.6-discarded", "1.7-discarded", "2.1-discarded"] {
        let text = if name.starts_with("2.") {
            let images = "plugins.'io.containerd.cri.v1.images'";
            format!(
                "version = 3\n[{images}]\nsnapshotter = 'native'\n[{images}.pinned_images]\n\
                 sandbox = 'images.example/pause:1'\n"
            )
        } else {
            format!(
                "version = 2\n[{CRI}]\nsandbox_image = 'images.example/pause:1'\n\
                 [{CRI}.containerd]\nsnapshotter = 'native'\n"
            )
        };
        let told = foretell(&with(name, &text), None);
        assert_eq!(told.start, Start::WithCare, "{name}: {}", told.sentence);
        assert!(told.sentence.contains("unpacked"), "{}", told.sentence);
        // Where the layers are there, they are unpacked again.
        let stopped = name.replace("discarded", "stopped");
        let told = foretell(&with(&stopped, &text), None);
        assert_eq!(told.start, Start::Yes, "{stopped}: {}", told.sentence);
        let told = foretell(&testcase::node(name), None);
        assert_eq!(told.start, Start::Yes, "{name}: {}", told.sentence);
    }
}

#[test]
fn a_release_that_is_not_known_here_is_named() {
    let status = |version: &str| format!("Package: containerd\nVersion: {version}\n");
    for (version, why) in [
        ("1.5.9-0ubuntu1~20.04.6", "older than 1.6"),
        ("1.3.3-1", "older than 1.6"),
        ("2.4.0-1", "newer than 2.3"),
    ] {
        let mut tar = testcase::node("1.7-stopped");
        tar.member("var/lib/dpkg/status").data = status(version).into_bytes();
        let told = foretell(&tar, None);
        assert_eq!(told.start, Start::Unknown, "{version}: {}", told.sentence);
        assert!(told.sentence.contains(why), "{}", told.sentence);
    }
    let mut tar = testcase::node("1.7-stopped");
    tar.member("var/lib/dpkg/status").data = status("1.7.27-1").into_bytes();
    assert_eq!(foretell(&tar, None).start, Start::Yes);
}

#[test]
fn a_machine_without_containerd_is_told() {
    let mut tar = testcase::node("1.7-stopped");
    for folder in ["usr/bin", "usr/local/bin", "usr/sbin", "bin", "opt/bin"] {
        tar.push(folder, FOLDER, "", b"");
    }
    tar.add("usr/bin/env", b"#!");
    let told = foretell(&tar, None);
    assert!(
        told.parts.iter().any(|part| part.name == "containerd"),
        "{told:#?}"
    );
    assert_ne!(told.start, Start::Yes, "{}", told.sentence);
}

/// The same on a node that runs 2.x already: every pod that names no runtime fails.
#[test]
fn a_default_runtime_that_is_gone_is_told_after_the_upgrade() {
    let text = format!(
        "version = 2\n[{CRI}.containerd]\ndefault_runtime_name = 'nvidia'\n\
         [{CRI}.containerd.runtimes.nvidia]\nruntime_type = 'io.containerd.runtime.v1.linux'\n"
    );
    let told = foretell(&with("2.1-stopped", &text), None);
    assert_ne!(told.start, Start::Yes, "{}", told.sentence);
    let well = text.replace("runtime.v1.linux", "runc.v2");
    let told = foretell(&with("2.1-stopped", &well), None);
    assert_eq!(told.start, Start::Yes, "{}", told.sentence);
}

/// The deprecated table `default_runtime` is the default runtime of 1.6 and 1.7: what only that one may have is no fault.
#[test]
fn the_old_table_of_the_default_runtime_is_the_default() {
    for name in ["1.6-stopped", "1.7-stopped"] {
        let config = |kind: &str| {
            format!(
                "version = 2\n[{CRI}]\nsystemd_cgroup = true\n[{CRI}.containerd.default_runtime]\nruntime_type = '{kind}'\n"
            )
        };
        let told = foretell(&with(name, &config("io.containerd.runtime.v1.linux")), None);
        assert_ne!(told.start, Start::No, "{name}: {}", told.sentence);
        let told = foretell(&with(name, &config("io.containerd.runc.v2")), None);
        assert!(
            told.sentence.contains("systemd_cgroup"),
            "{name}: {}",
            told.sentence
        );
    }
}
