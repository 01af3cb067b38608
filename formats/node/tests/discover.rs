//! Where the stores of a real node are found, when they are moved to where each distribution keeps
//! them, to where a configuration says, or to where nobody would look.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "tests panic where something is wrong"
)]

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::symlink;
use std::path::Path;

use evidence::{Evidence, Options};
use finding::Unread;
use node::config::ConfigFault;
use node::{Roots, Rule, Said, discover};
use testcase::Tar;

const ROOT: &str = "var/lib/containerd";
const STATE: &str = "run/containerd";

/// A real node whose stores lie elsewhere; its own configuration is gone.
fn moved(root: &str, state: &str) -> Tar {
    let mut tar = testcase::node("1.7-stopped");
    tar.remove("etc/containerd");
    move_to(&mut tar, ROOT, root);
    move_to(&mut tar, STATE, state);
    tar
}

/// Moves a folder with all in it; those above it are made.
fn move_to(tar: &mut Tar, from: &str, to: &str) {
    for member in &mut tar.members {
        let rest = member.path.strip_prefix(from.as_bytes());
        if let Some(rest) = rest.filter(|rest| rest.is_empty() || rest[0] == b'/') {
            member.path = [to.as_bytes(), rest].concat();
        }
    }
}

fn opened(tar: &Tar) -> Evidence {
    Evidence::open_stream(tar.write().as_slice(), &Options::default()).unwrap()
}

fn found(tar: &Tar) -> Vec<Roots> {
    discover(&opened(tar), &Said::default())
}

#[test]
fn each_distribution_is_found_where_it_keeps_its_stores() {
    for (whose, root, state) in [
        ("containerd", ROOT, STATE),
        (
            "k3s",
            "var/lib/rancher/k3s/agent/containerd",
            "run/k3s/containerd",
        ),
        (
            "rke2",
            "var/lib/rancher/rke2/agent/containerd",
            "run/k3s/containerd",
        ),
        (
            "docker",
            "var/lib/docker/containerd/daemon",
            "run/docker/containerd/daemon",
        ),
        (
            "microk8s",
            "var/snap/microk8s/common/var/lib/containerd",
            "var/snap/microk8s/common/run/containerd",
        ),
        ("k0s", "var/lib/k0s/containerd", "run/k0s/containerd"),
        (
            "kind or minikube (volume)",
            "var/lib/docker/volumes/0af1/_data/lib/containerd",
            STATE,
        ),
        (
            "rootless (root's)",
            "root/.local/share/containerd",
            "run/user/0/containerd",
        ),
    ] {
        let tar = moved(root, state);
        let all = found(&tar);
        let first = &all[0];
        assert_eq!(all.len(), 1, "{whose}: {all:?}");
        assert_eq!(
            (first.whose, first.rule),
            (whose, Rule::Distribution),
            "{root}"
        );
        assert_eq!(first.root, Path::new("/").join(root));
        assert_eq!(first.state, Path::new("/").join(state));
        // The same node as where it was made.
        let node = node::Node::open(&opened(&tar), first.clone(), node::Options::default());
        let names: Vec<_> = node
            .meta
            .rows
            .as_ref()
            .unwrap()
            .namespaces()
            .iter()
            .collect();
        assert_eq!(names.len(), 4, "{whose}");
        assert!(
            node.runtime
                .read()
                .is_some_and(|runtime| !runtime.bundles.is_empty())
        );
    }
}

#[test]
fn a_configuration_says_where_they_are_and_an_older_installation_comes_after() {
    let mut tar = moved("srv/data", "srv/state");
    let text = "version = 2\nroot = \"/srv/data\"\nstate = \"/srv/state\"\n";
    tar.add("etc/containerd/config.toml", text.as_bytes());
    let all = found(&tar);
    assert_eq!(all.len(), 1, "{all:?}");
    assert_eq!(all[0].rule, Rule::Config);
    assert_eq!(all[0].root, Path::new("/srv/data"));
    assert_eq!(all[0].state, Path::new("/srv/state"));

    let meta = tar.member("srv/data/io.containerd.metadata.v1.bolt/meta.db");
    let bytes = meta.data.clone();
    let old = format!("{ROOT}/io.containerd.metadata.v1.bolt");
    tar.push(&old, b'5', "", b"");
    tar.add(&format!("{old}/meta.db"), &bytes);
    let all = found(&tar);
    let rules: Vec<_> = all.iter().map(|roots| roots.rule).collect();
    assert_eq!(rules, [Rule::Config, Rule::Distribution]);
    assert_eq!(all[1].root, Path::new("/").join(ROOT));
}

#[test]
fn what_is_said_comes_first() {
    let tar = moved("srv/data", "srv/state");
    let said = Said {
        root: Some("/srv/data".into()),
        state: Some("/srv/state".into()),
        config: None,
    };
    let all = discover(&opened(&tar), &said);
    assert_eq!(all[0].rule, Rule::Said);
    assert_eq!(all[0].root, Path::new("/srv/data"));
    assert_eq!(all[0].state, Path::new("/srv/state"));
}

#[test]
fn where_nobody_would_look_a_scan_finds_them() {
    let all = found(&moved("mnt/backup/old/disk", "mnt/backup/old/run"));
    assert_eq!(all[0].rule, Rule::Scan);
    assert_eq!(all[0].root, Path::new("/mnt/backup/old/disk"));
    assert_eq!(all[0].whose, "unknown");
}

/// The disk is not mounted, or somebody moved the stores: a start makes new ones in the empty folder.
#[test]
fn an_empty_folder_in_the_usual_place_is_what_a_start_takes() {
    let mut tar = testcase::node("1.7-running");
    move_to(&mut tar, ROOT, "var/lib/containerd.old");
    tar.push(ROOT, b'5', "", b"");
    let all = found(&tar);
    assert_eq!(all[0].rule, Rule::Distribution);
    assert_eq!(all[0].root, Path::new("/").join(ROOT));
    let old = Path::new("/var/lib/containerd.old");
    assert_eq!(all[0].elsewhere, [old]);
    assert_eq!(all[1].root, old);
    // On a disk without a node around it, it is only an empty folder.
    tar.remove(STATE);
    tar.remove("etc/containerd");
    assert_eq!(found(&tar)[0].root, old);
}

#[test]
fn a_root_alone_is_one() {
    let mut tar = testcase::node("1.7-stopped");
    let below = format!("{ROOT}/");
    tar.members
        .retain(|member| member.path.starts_with(below.as_bytes()));
    for member in &mut tar.members {
        member.path.drain(..below.len());
    }
    let all = found(&tar);
    assert_eq!(all[0].rule, Rule::Itself);
    assert_eq!(all[0].root, Path::new("/"));
}

#[test]
fn where_nothing_is_the_usual_place_stands_for_it() {
    let mut tar = testcase::node("1.7-stopped");
    tar.remove(ROOT);
    tar.remove(STATE);
    tar.remove("etc/containerd");
    let all = found(&tar);
    assert_eq!(all.len(), 1);
    assert_eq!(all[0].root, Path::new("/var/lib/containerd"));
    let node = node::Node::open(&opened(&tar), all[0].clone(), node::Options::default());
    assert!(node.root.is_err() && node.meta.rows.is_none());
}

#[test]
fn a_configuration_that_is_no_toml_is_told_and_hides_nothing() {
    let mut tar = testcase::node("1.7-stopped");
    tar.add("etc/containerd/config.toml", b"root = [[\n");
    let all = found(&tar);
    assert_eq!(all[0].root, Path::new("/var/lib/containerd"));
    assert_eq!(all[0].config.as_ref().unwrap().faults.len(), 1);
}

#[test]
fn imports_are_followed_once_and_the_last_counts() {
    let mut tar = moved("srv/data", STATE);
    let first = "version = 2\nroot = \"/nowhere\"\nimports = [\"/etc/containerd/conf.d/*.toml\"]\n";
    tar.add("etc/containerd/config.toml", first.as_bytes());
    tar.push("etc/containerd/conf.d", b'5', "", b"");
    // It imports the first again: a circle.
    let second = "version = 2\nroot = \"/srv/data\"\nimports = [\"/etc/containerd/config.toml\"]\n";
    tar.add("etc/containerd/conf.d/10.toml", second.as_bytes());
    tar.push("etc/containerd/conf.d/20.toml", b'2', "/etc/shadow", b"");
    let all = found(&tar);
    assert_eq!(all[0].root, Path::new("/srv/data"));
    let config = all[0].config.as_ref().unwrap();
    assert_eq!(config.files.len(), 2, "{:?}", config.files);
}

/// The stores of one node beside those of another, each with its own state.
fn two(root: &str, state: &str, config: Option<&str>) -> Tar {
    let mut tar = testcase::node("1.7-stopped");
    let mut other = testcase::node("1.7-discarded");
    other.remove("etc");
    move_to(&mut other, ROOT, root);
    move_to(&mut other, STATE, state);
    let ours = [root.as_bytes(), state.as_bytes()];
    let stores = other.members.into_iter();
    tar.members
        .extend(stores.filter(|member| ours.iter().any(|it| member.path.starts_with(it))));
    if let Some(path) = config {
        let text = format!("version = 2\nroot = \"/{root}\"\nstate = \"/{state}\"\n");
        tar.push(path, b'0', "", text.as_bytes());
    }
    tar
}

#[test]
fn a_second_installation_that_is_named_is_taken_whole() {
    let base = "var/lib/rancher/k3s/agent";
    let root = format!("{base}/containerd");
    let config = format!("{base}/etc/containerd/config.toml");
    let tar = two(&root, "run/k3s/containerd", Some(&config));
    let said = Said {
        root: Some(Path::new("/").join(&root)),
        ..Said::default()
    };
    let all = discover(&opened(&tar), &said);
    assert_eq!((all[0].rule, all[0].whose), (Rule::Said, "k3s"));
    assert_eq!(all[0].state, Path::new("/run/k3s/containerd"));
    assert!(all[0].config.is_some());
    assert_eq!(all[0].takes_state_of(&all).map(|it| &it.root), None);
}

#[test]
fn a_root_of_which_nothing_tells_does_not_get_the_state_of_another() {
    let tar = two("data/second", "run/second", None);
    let said = Said {
        root: Some("/data/second".into()),
        ..Said::default()
    };
    let all = discover(&opened(&tar), &said);
    let other = all[0].takes_state_of(&all).map(|it| it.root.as_path());
    assert_eq!(other, Some(Path::new("/var/lib/containerd")));
    let said = Said {
        state: Some("/run/second".into()),
        ..said
    };
    let all = discover(&opened(&tar), &said);
    assert!(all[0].takes_state_of(&all).is_none());
}

#[test]
fn the_data_of_k3s_are_found_where_they_were_moved_to() {
    let mut tar = moved("data/k3s/agent/containerd", "run/k3s/containerd");
    let text = b"version = 2\ndisabled_plugins = [\"io.containerd.grpc.v1.cri\"]\n";
    tar.push("data/k3s/agent/etc/containerd/config.toml", b'0', "", text);
    // By its layout alone, and by the settings.
    for rule in [Rule::Scan, Rule::Config] {
        let all = found(&tar);
        assert_eq!(all[0].rule, rule);
        assert_eq!(all[0].root, Path::new("/data/k3s/agent/containerd"));
        assert_eq!(all[0].state, Path::new("/run/k3s/containerd"));
        let config = all[0].config.as_ref().unwrap();
        assert!(config.files[0].to_string().starts_with("/data/k3s/"));
        tar.push(
            "etc/rancher/k3s/config.yaml",
            b'0',
            "",
            b"data-dir: /data/k3s\n",
        );
    }
}

/// What is named is taken whole: with the state and the configuration of its own installation.
#[test]
fn a_root_that_is_named_keeps_its_own_state() {
    let mut tar = testcase::node("1.7-stopped");
    let other = testcase::node("1.7-discarded");
    for mut member in other.members {
        for (from, to) in [
            (ROOT, "var/lib/rancher/k3s/agent/containerd"),
            (STATE, "run/k3s/containerd"),
        ] {
            let rest = member.path.strip_prefix(from.as_bytes());
            let rest = rest.filter(|rest| rest.is_empty() || rest[0] == b'/');
            if let Some(rest) = rest.map(<[u8]>::to_vec) {
                member.path = [to.as_bytes(), &rest].concat();
                tar.members.push(member.clone());
                break;
            }
        }
    }
    let said = Said {
        root: Some("/var/lib/rancher/k3s/agent/containerd".into()),
        ..Said::default()
    };
    let first = &discover(&opened(&tar), &said)[0];
    assert_eq!(first.state, Path::new("/run/k3s/containerd"));
    assert_eq!((first.whose, first.rule), ("k3s", Rule::Said));
    let said = Said {
        state: Some("/run/other".into()),
        ..said
    };
    let first = &discover(&opened(&tar), &said)[0];
    assert_eq!(first.state, Path::new("/run/other"));
}

/// A store that was moved aside is no snapshotter's.
#[test]
fn folders_that_nobody_reads_are_no_snapshotters() {
    let whole = testcase::node("2.1-rebooted");
    let mut tar = testcase::node("2.1-rebooted");
    let from = b"var/lib/containerd/io.containerd.snapshotter.v1.overlayfs".as_slice();
    for name in ["overlayfs.old", "native.bak", "aufs", "nydus"] {
        for member in &whole.members {
            if let Some(rest) = member.path.strip_prefix(from) {
                let mut copy = member.clone();
                let to = format!("var/lib/containerd/io.containerd.snapshotter.v1.{name}");
                copy.path = [to.as_bytes(), rest].concat();
                tar.members.push(copy);
            }
        }
    }
    let names = |tar: &Tar| {
        let evidence = opened(tar);
        let roots = discover(&evidence, &Said::default()).remove(0);
        let node = node::Node::open(&evidence, roots, node::Options::default());
        let all = node.snapshotters.iter();
        all.map(|one| one.name.to_string()).collect::<Vec<_>>()
    };
    assert_eq!(names(&tar), names(&whole));
}

/// Built-in snapshotters of other days: without their file system or their pool they do not load, and a
/// start leaves their stores alone.
#[test]
fn stores_of_snapshotters_that_cannot_load_are_nobodys() {
    let whole = testcase::node("2.1-rebooted");
    let mut tar = testcase::node("2.1-rebooted");
    let from = b"var/lib/containerd/io.containerd.snapshotter.v1.overlayfs".as_slice();
    for name in ["devmapper", "btrfs"] {
        for member in &whole.members {
            if let Some(rest) = member.path.strip_prefix(from) {
                let mut copy = member.clone();
                let to = format!("var/lib/containerd/io.containerd.snapshotter.v1.{name}");
                copy.path = [to.as_bytes(), rest].concat();
                tar.members.push(copy);
            }
        }
    }
    let names = |tar: &Tar| {
        let evidence = opened(tar);
        let roots = discover(&evidence, &Said::default()).remove(0);
        let node = node::Node::open(&evidence, roots, node::Options::default());
        let all = node.snapshotters.iter();
        all.map(|one| one.name.to_string()).collect::<Vec<_>>()
    };
    let has = |tar: &Tar, name: &str| names(tar).iter().any(|it| it == name);
    // Without config.toml, and without the table of mounts, a copy does not tell.
    tar.remove("etc/containerd");
    assert!(has(&tar, "devmapper") && has(&tar, "btrfs"));
    tar.add("etc/containerd/config.toml", b"version = 2\n");
    assert!(!has(&tar, "devmapper") && has(&tar, "btrfs"));
    let pool = "[plugins.\"io.containerd.snapshotter.v1.devmapper\"]\npool_name = \"thin\"\n";
    let config = format!("version = 2\n{pool}");
    tar.add("etc/containerd/config.toml", config.as_bytes());
    assert!(has(&tar, "devmapper"));
    let mounts = b"21 1 8:1 / / rw,relatime shared:1 - ext4 /dev/vda1 rw\n";
    tar.add("proc/1/mountinfo", mounts);
    assert!(!has(&tar, "btrfs"));
}

#[test]
fn the_state_of_a_user_is_below_the_number_of_the_user() {
    let root = "home/bob/.local/share/containerd";
    let mut tar = moved(root, "run/user/1000/containerd");
    tar.add(
        "etc/passwd",
        b"root:x:0:0::/root:/bin/sh\nbob:x:1000:1000::/home/bob:/bin/sh\n",
    );
    let first = &found(&tar)[0];
    assert_eq!(first.whose, "rootless");
    assert_eq!(first.state, Path::new("/run/user/1000/containerd"));
}

#[test]
fn a_users_installation_is_in_use_where_the_user_has_a_unit_or_a_state() {
    let root = "home/bob/.local/share/containerd";
    let mut tar = moved(root, "srv/state");
    let used = |tar: &Tar| {
        let evidence = opened(tar);
        let own = discover(&evidence, &Said::default()).remove(0);
        let mut first = own.clone();
        first.whose = "containerd";
        first.state = "/run/containerd".into();
        node::may_be_in_use(&evidence, &own, &first)
    };
    assert!(!used(&tar));
    tar.add(
        "home/bob/.config/systemd/user/containerd.service",
        b"[Service]\n",
    );
    assert!(used(&tar));
}

#[test]
fn a_distribution_that_writes_its_configuration_is_never_without_one() {
    let untold = |tar: &Tar| {
        let evidence = opened(tar);
        let roots = discover(&evidence, &Said::default()).remove(0);
        let node = node::Node::open(&evidence, roots, node::Options::default());
        node.around.config_untold
    };
    let mut plain = testcase::node("1.7-stopped");
    plain.remove("etc/containerd");
    plain.add("etc/hostname", b"node\n");
    assert_eq!(untold(&plain), None);
    let mut k3s = moved("var/lib/rancher/k3s/agent/containerd", "run/k3s/containerd");
    k3s.add("etc/hostname", b"node\n");
    assert!(untold(&k3s).unwrap().contains("k3s never runs without one"));
}

#[test]
fn a_configuration_in_a_part_that_was_not_copied_is_not_known() {
    let folder = tempfile::tempdir().unwrap();
    let node = folder.path();
    let make = |path: &str| std::fs::create_dir_all(node.join(path)).unwrap();
    make("var/lib/containerd/io.containerd.metadata.v1.bolt");
    make("etc/containerd");
    let file = node.join("etc/containerd/config.toml");
    let unread = || {
        let evidence = Evidence::open(node, &Options::default()).unwrap();
        let config = discover(&evidence, &Said::default()).remove(0).config;
        match config.unwrap().faults.as_slice() {
            [ConfigFault::Unread { unread, .. }] => unread.clone(),
            other => panic!("{other:?}"),
        }
    };
    std::fs::write(&file, "imports = ['/opt/nv/config.toml']\n").unwrap();
    assert_eq!(unread(), Unread::NotCollected);
    make("opt");
    assert_eq!(unread(), Unread::Absent);
    // As NixOS has it.
    std::fs::remove_file(&file).unwrap();
    symlink("/nix/store/1-etc/etc", node.join("etc/static")).unwrap();
    symlink("/etc/static/containerd/config.toml", &file).unwrap();
    assert_eq!(unread(), Unread::NotCollected);
    make("nix");
    assert!(matches!(unread(), Unread::Dangling(_)));
}

#[test]
fn a_state_below_var_run_is_found_without_the_link() {
    let mut tar = testcase::node("1.7-stopped");
    let text = "version = 2\nstate = \"/var/run/containerd\"\n";
    tar.add("etc/containerd/config.toml", text.as_bytes());
    assert_eq!(found(&tar)[0].state, Path::new("/run/containerd"));
    let node = node::Node::open(
        &opened(&tar),
        found(&tar)[0].clone(),
        node::Options::default(),
    );
    let bundles = node.runtime.read().map(|runtime| runtime.bundles.len());
    assert!(bundles.is_some_and(|count| count > 0), "{bundles:?}");
    // With the link it is as config.toml says.
    tar.push("var/run", b'2', "/run", b"");
    assert_eq!(found(&tar)[0].state, Path::new("/var/run/containerd"));
}

/// Docker, k0s and MicroK8s with their data elsewhere: root, state and configuration belong together.
#[test]
fn the_data_of_others_are_found_where_they_were_moved_to() {
    let docker = ("mnt/foo/containerd/daemon", "run/docker/containerd/daemon");
    let k0s = ("data/k0s/containerd", "run/k0s/containerd");
    let microk8s = (
        "data/mk8s/var/lib/containerd",
        "var/snap/microk8s/common/run/containerd",
    );
    for (whose, (root, state), file, text) in [
        (
            "docker",
            docker,
            "etc/docker/daemon.json",
            "{\"data-root\": \"/mnt/foo\"}",
        ),
        (
            "docker",
            docker,
            "run/docker/containerd/containerd.toml",
            "version = 2\nroot = \"/mnt/foo/containerd/daemon\"\nstate = \"/run/docker/containerd/daemon\"\n",
        ),
        (
            "k0s",
            k0s,
            "etc/systemd/system/k0sworker.service",
            "[Service]\nExecStart=/usr/local/bin/k0s worker --data-dir=/data/k0s\n",
        ),
        (
            "microk8s",
            microk8s,
            "var/snap/microk8s/current/args/containerd",
            "--config ${SNAP_DATA}/args/containerd.toml\n--root /data/mk8s/var/lib/containerd\n\
             --state ${SNAP_COMMON}/run/containerd\n",
        ),
    ] {
        let mut tar = moved(root, state);
        tar.push(file, b'0', "", text.as_bytes());
        let all = found(&tar);
        assert_eq!((all[0].whose, all[0].rule), (whose, Rule::Config), "{file}");
        assert_eq!(all[0].root, Path::new("/").join(root));
        assert_eq!(all[0].state, Path::new("/").join(state));
    }
}

/// A node whose config.toml lost its `root` line: the usual place is what a start takes.
#[test]
fn a_configuration_without_a_root_leads_to_the_usual_place() {
    let mut tar = testcase::node("1.7-stopped");
    move_to(&mut tar, ROOT, "data/containerd");
    let folder = tempfile::tempdir().unwrap();
    for member in &tar.members {
        if member.header[156] == b'0' {
            let path = folder.path().join(OsStr::from_bytes(&member.path));
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, &member.data).unwrap();
        }
    }
    let evidence = Evidence::open(folder.path(), &Options::default()).unwrap();
    let all = discover(&evidence, &Said::default());
    assert_eq!(all[0].root, Path::new("/var/lib/containerd"));
    assert_eq!(all[0].elsewhere, [Path::new("/data/containerd")]);
}
