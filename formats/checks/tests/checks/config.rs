//! config.toml: merged, migrated and refused as by the real daemons; what no rule covers is named.
//!
//! `testdata/make/configs` compares the same with hundreds of real starts.

mod nri;
mod pods;
mod pulls;

use checks::start::{Outcome, Prediction};
use checks::{Measured, Start};
use evidence::{Evidence, Options};
use node::{Node, Said};
use testcase::Tar;

use crate::opened;

const CONFIG: &str = "etc/containerd/config.toml";

fn foretell(tar: &Tar, said: Option<&str>) -> Prediction {
    opened::foretell(tar, said).remove(0)
}

/// A capture with these files of configuration.
fn with(name: &str, files: &[(&str, &str)]) -> Tar {
    let mut tar = testcase::node(name);
    for (path, text) in files {
        let path = format!("etc/containerd/{path}");
        tar.add(&path, text.as_bytes());
    }
    tar
}

/// A folder of which all is in the archive.
fn add_folder(tar: &mut Tar, path: &str) {
    let like = tar
        .members
        .iter()
        .find(|member| member.path.ends_with(b"/"));
    let mut folder = like.unwrap().clone();
    folder.path = path.as_bytes().to_vec();
    tar.members.insert(0, folder);
}

fn told(name: &str, text: &str) -> Prediction {
    foretell(&with(name, &[("config.toml", text)]), None)
}

fn names(told: &Prediction) -> Vec<&str> {
    told.parts.iter().map(|part| part.name.as_str()).collect()
}

fn is_dead(told: &Prediction, says: &str) {
    assert_eq!(told.outcome, Outcome::CriDead, "{told:#?}");
    let end = told.end().unwrap();
    assert!(end.says.contains(says), "{says}: {told:#?}");
}

fn is_unknown(told: &Prediction, name: &str) {
    assert_eq!(told.start, Start::Unknown, "{told:#?}");
    assert!(
        names(told).iter().any(|part| part.contains(name)),
        "{name}: {told:#?}"
    );
    assert!(told.sentence.contains(name), "{}", told.sentence);
}

fn is_well(told: &Prediction) {
    assert_eq!(told.outcome, Outcome::Boots, "{told:#?}");
    assert!(
        told.parts.iter().all(|part| !part.name.contains("plugin")),
        "{told:#?}"
    );
    assert!(told.has_cri, "{told:#?}");
}

const CRI_2: &str = "version = 2\n[plugins.'io.containerd.grpc.v1.cri'.containerd]\n";
const CRI_3: &str = "version = 3\n[plugins.'io.containerd.cri.v1.images']\n";

#[test]
fn a_snapshotter_that_this_build_lacks_costs_the_cri() {
    for name in ["zfs", "stargz", "nothing"] {
        let old = told("1.7-stopped", &format!("{CRI_2}snapshotter = '{name}'\n"));
        if name == "zfs" {
            // Debian's 1.7 has it, and it loads on zfs only.
            is_unknown(&old, "snapshotter zfs");
        } else {
            is_dead(&old, "failed to find snapshotter");
        }
        let new = told("2.1-stopped", &format!("{CRI_3}snapshotter = '{name}'\n"));
        is_dead(&new, "failed to find snapshotter");
    }
    // It needs a pool, and has none.
    is_dead(
        &told(
            "2.1-stopped",
            &format!("{CRI_3}snapshotter = 'devmapper'\n"),
        ),
        "failed to find",
    );
    // What the disk decides is not in a tar.
    is_unknown(
        &told("2.1-stopped", &format!("{CRI_3}snapshotter = 'btrfs'\n")),
        "snapshotter btrfs",
    );
    is_unknown(
        &told("1.6-stopped", &format!("{CRI_2}snapshotter = 'zfs'\n")),
        "snapshotter zfs",
    );
    // Without its settings one of 2.x takes the metadata plugin with it.
    let pool = "version = 3\n[plugins.'io.containerd.snapshotter.v1.devmapper']\npool_name = 'p'\n";
    assert_eq!(told("2.1-stopped", pool).outcome, Outcome::Dead);
    let high = "version = 2\n[plugins.'io.containerd.grpc.v1.cri']\nsnapshotter = 'nothing'\n";
    is_dead(&told("1.7-stopped", high), "failed to find snapshotter");
    let proxy = "[proxy_plugins.stargz]\ntype = 'snapshot'\naddress = '/run/s.sock'\n";
    is_well(&told(
        "2.1-stopped",
        &format!("{CRI_3}snapshotter = 'stargz'\n{proxy}"),
    ));
    is_well(&told(
        "2.1-stopped",
        &format!("{CRI_3}snapshotter = 'native'\n"),
    ));
}

#[test]
fn an_import_is_merged_as_each_release_merges() {
    let imports = "imports = ['/etc/containerd/conf.d/*.toml']\n";
    let nvidia = format!("{CRI_2}default_runtime_name = 'nvidia'\n");
    let of = |name: &str, main: &str, import: &str| {
        foretell(
            &with(name, &[("config.toml", main), ("conf.d/a.toml", import)]),
            None,
        )
    };
    let missing = "no corresponding runtime configured";
    // The last version counts for all, and what is of version 2 then is migrated.
    is_dead(
        &of("2.1-stopped", &format!("version = 3\n{imports}"), &nvidia),
        missing,
    );
    // What is of version 3 in the main file stays, and wins.
    let own =
        "[plugins.'io.containerd.cri.v1.runtime'.containerd]\ndefault_runtime_name = 'runc'\n";
    is_well(&of(
        "2.1-stopped",
        &format!("version = 3\n{imports}{own}"),
        &nvidia,
    ));
    // Of a main file of version 2 nothing is migrated once an import says 3.
    let told = of(
        "2.1-stopped",
        &format!("{imports}{nvidia}"),
        "version = 3\n[debug]\nlevel = 'info'\n",
    );
    is_well(&told);
    assert!(
        told.statements.iter().any(|each| each.rule == "P12"),
        "{told:#?}"
    );
    // 1.x puts the whole table of a plugin in the place of the earlier one.
    let runtime = "[plugins.'io.containerd.grpc.v1.cri'.containerd.runtimes.nvidia]\nruntime_type = 'io.containerd.runc.v2'\n";
    let main = format!("{imports}{nvidia}{runtime}");
    is_well(&of(
        "1.7-stopped",
        &main,
        "version = 2\n[debug]\nlevel = 'info'\n",
    ));
    is_dead(
        &of(
            "1.7-stopped",
            &format!("version = 2\n{imports}{}", &runtime),
            &nvidia,
        ),
        missing,
    );
    is_well(&of(
        "2.1-stopped",
        &format!("version = 2\n{imports}{}", &runtime),
        &nvidia,
    ));
    // A table of runtimes takes the place of runc's in 1.x.
    is_dead(
        &told_of("1.6-stopped", &format!("version = 2\n{runtime}")),
        missing,
    );
    // A file that imports itself is read once; one that is not there ends the daemon.
    is_well(&told_of(
        "1.7-stopped",
        "version = 2\nimports = ['config.toml']\n",
    ));
    let none = told_of("1.7-stopped", "version = 2\nimports = ['none.toml']\n");
    assert_eq!(none.outcome, Outcome::CrashLoop, "{none:#?}");
    is_well(&told_of(
        "1.7-stopped",
        "version = 2\nimports = ['none*.toml']\n",
    ));
}

fn told_of(name: &str, text: &str) -> Prediction {
    told(name, text)
}

#[test]
fn what_no_rule_covers_is_named_and_what_is_known_never() {
    is_unknown(
        &told("1.7-stopped", "version = 2\nno_such_key = 1\n"),
        "no_such_key",
    );
    let plugin = "version = 2\n[plugins.'io.containerd.nothing.v1.x']\na = 1\n";
    is_unknown(&told("1.6-stopped", plugin), "io.containerd.nothing.v1.x");
    let key = "version = 3\n[plugins.'io.containerd.cri.v1.runtime']\nno_such = true\n";
    is_unknown(&told("2.1-stopped", key), "no_such");
    // A key of another release is ignored, and so is the table of a disabled plugin.
    is_well(&told(
        "1.6-stopped",
        "version = 2\n[plugins.'io.containerd.grpc.v1.cri']\nenable_cdi = true\n",
    ));
    // What a release says of itself has nothing unknown in it.
    for (release, name) in [
        ("1.6", "1.6-stopped"),
        ("1.7", "1.7-stopped"),
        ("2.1", "2.1-stopped"),
    ] {
        let path = testcase::testdata().join(format!("make/etc/default-{release}.toml"));
        let text = std::fs::read(&path).unwrap();
        let told = told(name, core::str::from_utf8(&text).unwrap());
        assert_eq!(told.outcome, Outcome::Boots, "{told:#?}");
        assert_eq!(names(&told), Vec::<&str>::new(), "{told:#?}");
    }
}

#[test]
fn settings_that_real_starts_ended_at() {
    for (name, text, outcome) in [
        (
            "1.6-stopped",
            "version = 2\n[plugins.'io.containerd.grpc.v1.cri']\nstats_collect_period = 0\n",
            Outcome::CrashLoop,
        ),
        (
            "1.7-stopped",
            "version = 2\n[plugins.'io.containerd.grpc.v1.cri']\nstream_server_port = 'x'\n",
            Outcome::CrashLoop,
        ),
        (
            "2.1-stopped",
            "version = 3\n[debug]\nlevel = 'loud'\n",
            Outcome::CrashLoop,
        ),
        (
            "1.7-stopped",
            "version = 2\n[plugins.'io.containerd.grpc.v1.cri']\nenable_selinux = 'x'\n",
            Outcome::CrashLoop,
        ),
        (
            "1.7-stopped",
            "version = 2\n[plugins.'io.containerd.grpc.v1.cri']\nenable_tls_streaming = true\n[plugins.'io.containerd.grpc.v1.cri'.x509_key_pair_streaming]\ntls_cert_file = '/c'\n",
            Outcome::CriDead,
        ),
        (
            "2.1-stopped",
            "version = 3\ndisabled_plugins = ['io.containerd.differ.v1.walking']\n",
            Outcome::CriDead,
        ),
        (
            "2.1-stopped",
            "version = 3\ndisabled_plugins = ['io.containerd.content.v1.content']\n",
            Outcome::Dead,
        ),
        (
            "2.1-stopped",
            "version = 3\nrequired_plugins = ['io.containerd.nothing.v1.x']\n",
            Outcome::CrashLoop,
        ),
        (
            "1.6-stopped",
            "version = 2\n[proxy_plugins.overlayfs]\ntype = 'snapshot'\naddress = '/x'\n",
            Outcome::CrashLoop,
        ),
        (
            "1.7-stopped",
            "version = 2\n[plugins.'io.containerd.grpc.v1.cri'.containerd.runtimes.runc]\nruntime_type = 'io.containerd.runc.v2'\nruntime_root = '/x'\n",
            Outcome::CriDead,
        ),
    ] {
        let told = told(name, text);
        assert_eq!(told.outcome, outcome, "{text}: {told:#?}");
    }
}

#[test]
fn the_unit_and_its_drop_ins_are_read() {
    let unit = "[Service]\nExecStart=/usr/bin/containerd\nKillMode=process\n";
    let mut tar = testcase::node("1.7-stopped");
    tar.add("usr/lib/systemd/system/containerd.service", unit.as_bytes());
    let calm = foretell(&tar, None);
    assert_eq!(calm.outcome, Outcome::Boots, "{calm:#?}");
    // Stores are in the usual place, and the unit has another.
    let moved = "[Service]\nExecStart=\nExecStart=/usr/bin/containerd --root /data/ctd\n";
    let mut other = tar.clone();
    other.add(
        "etc/systemd/system/containerd.service.d/10-root.conf",
        moved.as_bytes(),
    );
    let told = foretell(&other, None);
    assert_eq!(told.start, Start::WithCare, "{told:#?}");
    assert!(told.sentence.contains("/data/ctd"), "{}", told.sentence);
    // A drop-in of the same name in a stronger folder takes its place.
    let mut taken = other.clone();
    taken.add(
        "run/systemd/system/containerd.service.d/20.conf",
        moved.as_bytes(),
    );
    taken.add(
        "etc/systemd/system/containerd.service.d/20.conf",
        b"[Service]\nExecStart=\nExecStart=/usr/bin/containerd\n",
    );
    assert_eq!(foretell(&taken, None).outcome, Outcome::Boots);
    assert!(!foretell(&taken, None).sentence.contains("/data/ctd"));
    let mut masked = testcase::node("1.7-stopped");
    masked.add("etc/systemd/system/containerd.service", b"");
    assert!(foretell(&masked, None).sentence.contains("masked"));
    // A mask that ends with the boot is there for a repair: what is told is the start after it.
    let mut stopped = testcase::node("1.7-stopped");
    let unit = b"[Service]\nExecStart=/usr/bin/containerd --config /etc/other.toml\n";
    stopped.add("usr/lib/systemd/system/containerd.service", unit);
    stopped.add("etc/other.toml", b"version = 9\n");
    stopped.push(
        "run/systemd/system/containerd.service",
        b'2',
        "/dev/null",
        b"",
    );
    let told = foretell(&stopped, None);
    assert!(
        !told.sentence.contains("masked") && told.outcome != Outcome::Boots,
        "{}",
        told.sentence
    );
    let script = "[Service]\nExecStart=/opt/start-it\n";
    let mut wrapped = testcase::node("1.7-stopped");
    wrapped.add("etc/systemd/system/containerd.service", script.as_bytes());
    assert_eq!(foretell(&wrapped, None).start, Start::Unknown);
}

#[test]
fn root_and_state_are_compared_with_the_stores() {
    let base = testcase::node("1.7-stopped").member(CONFIG).data.clone();
    let base = String::from_utf8(base).unwrap();
    let of = |line: &str| told("1.7-stopped", &format!("{line}\n{base}"));
    for line in ["root = '/data/ctd'", "root = 'data/ctd'"] {
        let told = of(line);
        assert!(
            told.statements.iter().any(|each| each.rule == "P25"),
            "{told:#?}"
        );
        assert_eq!(told.start, Start::WithCare, "{told:#?}");
    }
    assert!(
        of("state = 'run/x'")
            .statements
            .iter()
            .any(|each| each.rule == "P26")
    );
    let same = of("root = '/run/containerd'\nstate = '/run/containerd'");
    assert_eq!(same.outcome, Outcome::CrashLoop, "{same:#?}");
    assert!(
        of("root = '/var/lib/containerd'")
            .statements
            .iter()
            .all(|each| each.rule != "P25")
    );
}

#[test]
fn an_edit_goes_where_the_distribution_keeps_it() {
    let mut tar = testcase::node("1.7-stopped");
    for member in &mut tar.members {
        for (from, to) in [
            ("var/lib/containerd", "var/lib/rancher/k3s/agent/containerd"),
            ("run/containerd", "run/k3s/containerd"),
            ("etc/containerd", "var/lib/rancher/k3s/agent/etc/containerd"),
        ] {
            if let Some(rest) = member.path.strip_prefix(from.as_bytes()) {
                member.path = [to.as_bytes(), rest].concat();
            }
        }
    }
    let config = "var/lib/rancher/k3s/agent/etc/containerd/config.toml";
    tar.add(
        config,
        b"version = 2\n[plugins.'io.containerd.grpc.v1.cri'.containerd.runtimes.x]\n",
    );
    let node = opened::node(&tar);
    let report = checks::judge(&node, &Measured::default());
    let release = daemon::detect(&node.traces);
    let verdict = checks::verdict(&node, &report, &release, node.now);
    let report = checks::with_verdict(report, &verdict, &node);
    let told = report
        .findings
        .iter()
        .find(|finding| finding.code.name == "start/cri-lost");
    let told = told.unwrap().what_to_do();
    assert!(told.contains("config.toml.tmpl"), "{told}");
}

/// The findings of a node with these files.
fn found(name: &str, files: &[(&str, &str)]) -> Vec<finding::Finding> {
    let mut tar = with(name, files);
    add_folder(&mut tar, "etc/containerd/certs.d/r.example/");
    opened::report(&tar).findings
}

/// Of a directory: a copy in an archive has the owner of who made it.
#[test]
#[ignore = "needs root"]
fn stores_that_were_given_away_are_told() {
    use std::os::unix::fs::{MetadataExt, lchown};
    use std::path::{Path, PathBuf};
    let folder = std::env::temp_dir().join(format!("coroner-owner-{}", std::process::id()));
    let root = folder.join("var/lib/containerd");
    std::fs::create_dir_all(&root).unwrap();
    let is_root = std::fs::metadata(&folder).unwrap().uid() == 0;
    if !testcase::may_run("root", is_root) {
        return;
    }
    for name in [
        "io.containerd.content.v1.content/blobs",
        "io.containerd.snapshotter.v1.overlayfs/snapshots",
    ] {
        std::fs::create_dir_all(root.join(name)).unwrap();
    }
    let own = |top: &Path, uid: u32| {
        let mut open: Vec<PathBuf> = vec![top.to_path_buf()];
        while let Some(path) = open.pop() {
            lchown(&path, Some(uid), Some(uid)).unwrap();
            open.extend(
                std::fs::read_dir(&path)
                    .unwrap()
                    .map(|entry| entry.unwrap().path()),
            );
        }
    };
    let is_told = || {
        let evidence = Evidence::open(&folder, &Options::default()).unwrap();
        let roots = node::discover(&evidence, &Said::default());
        let node = Node::open(&evidence, roots[0].clone(), node::Options::default());
        let report = checks::judge(&node, &Measured::default());
        report
            .findings
            .iter()
            .any(|finding| finding.code.name == "store/owner-changed")
    };
    assert!(!is_told());
    own(&root, 1000);
    assert!(is_told());
    // Only the folder itself; and a copy of one who is not root.
    own(&root, 0);
    lchown(&root, Some(1000), None).unwrap();
    assert!(!is_told());
    own(&folder, 1000);
    assert!(!is_told());
    std::fs::remove_dir_all(&folder).unwrap();
}
