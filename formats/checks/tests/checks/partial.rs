//! Evidence that is a part of a node: what was not copied is not missing.

use std::fs;

use checks::Measured;
use evidence::{Evidence, Options};
use finding::Severity;
use node::{Node, Said};

/// Codes above a note of what is said of evidence.
fn judged(evidence: &Evidence) -> Vec<&'static str> {
    let roots = node::discover(evidence, &Said::default());
    let options = node::Options::default();
    let node = Node::open(evidence, roots.into_iter().next().unwrap(), options);
    let report = checks::judge(&node, &Measured::default());
    let findings = report.findings.into_iter();
    let above = findings.filter(|finding| finding.severity > Severity::Note);
    above.map(|finding| finding.code.name).collect()
}

/// A capture of which only some paths were kept.
fn part(keeps: &[&str]) -> testcase::Tar {
    let mut tar = testcase::node("1.7-stopped");
    tar.members.retain(|member| {
        let path = String::from_utf8_lossy(&member.path).into_owned();
        keeps
            .iter()
            .any(|kept| path.starts_with(kept) || kept.starts_with(&path))
    });
    tar
}

#[test]
fn an_archive_of_the_stores_alone_is_healthy() {
    for keeps in [
        &["var/lib/containerd"][..],
        &["var/lib/containerd", "run/containerd"],
        &["var/lib/containerd", "run", "etc/containerd"],
    ] {
        let packed = part(keeps).write();
        let evidence = Evidence::open_stream(packed.as_slice(), &Options::default()).unwrap();
        assert_eq!(judged(&evidence), Vec::<&str>::new(), "{keeps:?}");
    }
}

/// What is said of the network of a part that is unpacked in a folder.
fn network(keeps: &[&str]) -> Vec<&'static str> {
    let folder = part(keeps).files();
    let evidence = Evidence::open(folder.path(), &Options::default()).unwrap();
    let mut codes = judged(&evidence);
    codes.retain(|code| code.starts_with("cni/"));
    codes
}

#[test]
fn a_folder_of_the_stores_alone_says_nothing_of_the_network() {
    let stores = "var/lib/containerd/io.containerd.";
    let (meta, cri) = (
        format!("{stores}metadata.v1.bolt"),
        format!("{stores}grpc.v1.cri"),
    );
    let copy = [meta.as_str(), &cri, "etc/containerd"];
    assert_eq!(network(&copy), Vec::<&str>::new());
    // Beside a machine's settings, those of a network would have been copied, too.
    let machine = [meta.as_str(), &cri, "etc/containerd", "etc/os-release"];
    assert_eq!(network(&machine), ["cni/no-config"]);
}

#[test]
fn a_unit_of_a_copy_says_nothing_of_the_networks_programs() {
    let mut tar = testcase::node("1.7-stopped");
    for folder in [
        "usr",
        "usr/lib",
        "usr/lib/systemd",
        "usr/lib/systemd/system",
    ] {
        tar.push(folder, b'5', "", b"");
    }
    let unit = b"[Service]\nExecStart=/usr/bin/containerd\nKillMode=process\n";
    tar.add("usr/lib/systemd/system/containerd.service", unit);
    let of_network = |tar: &testcase::Tar| {
        let packed = tar.write();
        let evidence = Evidence::open_stream(packed.as_slice(), &Options::default()).unwrap();
        let mut codes = judged(&evidence);
        codes.retain(|code| code.starts_with("cni/"));
        codes
    };
    assert_eq!(of_network(&tar), Vec::<&str>::new());
    // Beside another plugin it would be there.
    tar.push("usr/lib/cni", b'5', "", b"");
    tar.add("usr/lib/cni/loopback", b"#!/bin/sh");
    assert_eq!(of_network(&tar), ["cni/plugin-missing"]);
}

/// A capture without some folders of its root; `tar --one-file-system` leaves empty ones.
fn without(folders: &[&str], leaves_empty: bool) -> testcase::Tar {
    let mut tar = testcase::node("1.7-stopped");
    for folder in folders {
        let path = format!("var/lib/containerd/io.containerd.{folder}");
        tar.remove(&path);
        if leaves_empty {
            tar.push(&path, b'5', "", b"");
        }
    }
    tar
}

/// What is said of stores that are lost.
const LOST: &[&str] = &[
    "blob/missing",
    "cri/pod-file-missing",
    "runtime/status-dir-missing",
    "snapshot/directory-missing",
    "store/metadata-broken",
];

#[test]
fn stores_that_were_not_taken_are_not_lost() {
    for folders in [
        &["snapshotter.v1.overlayfs"][..],
        &["snapshotter.v1.overlayfs/snapshots"],
        &["snapshotter.v1.native", "snapshotter.v1.overlayfs"],
        &["content.v1.content"],
        &["content.v1.content/blobs"],
        &["grpc.v1.cri"],
        &[
            "snapshotter.v1.overlayfs/snapshots",
            "content.v1.content/blobs",
        ],
    ] {
        for leaves_empty in [false, true] {
            let packed = without(folders, leaves_empty).write();
            let evidence = Evidence::open_stream(packed.as_slice(), &Options::default()).unwrap();
            let what = format!("{folders:?}, empty ones left: {leaves_empty}");
            assert_eq!(judged(&evidence), Vec::<&str>::new(), "{what}");
            // What is not known is said by its name.
            let roots = node::discover(&evidence, &Said::default());
            let options = node::Options::default();
            let node = Node::open(&evidence, roots.into_iter().next().unwrap(), options);
            let told = node.coverage.unknown.iter();
            let mut names = told.map(|unknown| format!("{}: {}", unknown.what, unknown.why));
            let is_it =
                |name: &str| name.contains(" are in the evidence: ") || name.contains("/blobs");
            assert!(names.any(|name| is_it(&name)), "{what}");
            // The same of a folder into which it was unpacked.
            let folder = without(folders, leaves_empty).files();
            let evidence = Evidence::open(folder.path(), &Options::default()).unwrap();
            let mut codes = judged(&evidence);
            codes.retain(|code| LOST.contains(code));
            assert_eq!(codes, Vec::<&str>::new(), "{what}");
        }
    }
}

/// `rm -rf` was stopped: what a copy leaves out has no folder of blobs.
#[test]
fn a_folder_of_blobs_that_is_there_and_empty_has_lost_all() {
    let folder = without(&["content.v1.content/blobs/sha256"], true).files();
    let evidence = Evidence::open(folder.path(), &Options::default()).unwrap();
    assert!(judged(&evidence).contains(&"blob/missing"));
}

#[test]
fn a_store_of_which_a_part_is_there_has_lost_the_rest() {
    let mut tar = testcase::node("1.7-stopped");
    let folder = "var/lib/containerd/io.containerd.snapshotter.v1.overlayfs/snapshots/";
    let all = tar.paths(folder, "").into_iter();
    let is_one = |path: &String| {
        let id = path.strip_prefix(folder);
        id.is_some_and(|id| !id.contains('/'))
    };
    let directories = all.filter(is_one);
    for path in directories.skip(1) {
        tar.remove(&path);
    }
    let packed = tar.write();
    let evidence = Evidence::open_stream(packed.as_slice(), &Options::default()).unwrap();
    assert!(judged(&evidence).contains(&"snapshot/directory-missing"));
}

#[test]
fn a_folder_without_the_root_does_not_say_that_it_is_empty() {
    // As a collector leaves it: logs are all that it takes of /var.
    for keeps in [&["run", "etc"][..], &["run", "etc", "var/log"]] {
        let folder = part(keeps).files();
        let evidence = Evidence::open(folder.path(), &Options::default()).unwrap();
        assert!(
            !judged(&evidence).contains(&"store/root-emptied"),
            "{keeps:?}"
        );
    }
}

#[test]
fn a_store_on_a_disk_that_was_not_copied_is_not_lost() {
    let mut tar = without(&["snapshotter.v1.overlayfs"], false);
    let text = b"version = 2\n[plugins.'io.containerd.snapshotter.v1.overlayfs']\nroot_path = '/data/layers'\n";
    tar.add("etc/containerd/config.toml", text);
    for leaves_old in [false, true] {
        if leaves_old {
            let old = "var/lib/containerd/io.containerd.snapshotter.v1.overlayfs/snapshots/1";
            tar.push(old, b'5', "", b"");
        }
        let folder = tar.clone().files();
        let evidence = Evidence::open(folder.path(), &Options::default()).unwrap();
        let mut codes = judged(&evidence);
        codes.retain(|code| code.starts_with("store/") || code.starts_with("snapshot/"));
        assert_eq!(codes, Vec::<&str>::new(), "{leaves_old}");
    }
}

/// What an uninstalled nydus or stargz leaves in its usual folder is no store of this containerd.
#[test]
fn a_store_that_no_configuration_names_is_nobodys() {
    const OVERLAYFS: &str = "var/lib/containerd/io.containerd.snapshotter.v1.overlayfs/metadata.db";
    for (folder, name) in [
        ("var/lib/containerd-nydus", "nydus"),
        ("var/lib/containerd-stargz-grpc/snapshotter", "stargz"),
    ] {
        let mut tar = testcase::node("1.7-stopped");
        let rows = tar.member(OVERLAYFS).data.clone();
        tar.push(folder, b'5', "", b"");
        tar.add(&format!("{folder}/metadata.db"), &rows);
        let packed = tar.write();
        let evidence = Evidence::open_stream(packed.as_slice(), &Options::default()).unwrap();
        assert_eq!(judged(&evidence), Vec::<&str>::new(), "{name}");
        // Where the daemon asks it, what meta.db does not name is removed.
        let asked =
            format!("\n[proxy_plugins.{name}]\ntype = 'snapshot'\naddress = '/run/s.sock'\n");
        let config = tar.member("etc/containerd/config.toml");
        config.data.extend_from_slice(asked.as_bytes());
        let packed = tar.write();
        let evidence = Evidence::open_stream(packed.as_slice(), &Options::default()).unwrap();
        let found = judged(&evidence);
        assert!(found.contains(&"snapshot/backend-unknown"), "{found:?}");
    }
}

/// `busybox tar xf` and `rsync -aO` set the times of files back, not those of folders.
#[test]
fn a_copy_without_the_times_of_folders_tells_nothing_of_shims() {
    let tar = testcase::node("1.7-stopped");
    let folder = tar.files();
    let old = std::time::UNIX_EPOCH + std::time::Duration::from_secs(1_795_237_219);
    let mut all = vec![folder.path().to_path_buf()];
    while let Some(one) = all.pop() {
        for entry in fs::read_dir(one).unwrap() {
            let entry = entry.unwrap();
            match entry.file_type().unwrap() {
                kind if kind.is_dir() => all.push(entry.path()),
                kind if kind.is_file() => {
                    let file = fs::File::options().write(true).open(entry.path());
                    file.unwrap().set_modified(old).unwrap();
                }
                _ => {}
            }
        }
    }
    let evidence = Evidence::open(folder.path(), &Options::default()).unwrap();
    let roots = node::discover(&evidence, &Said::default());
    let roots = roots.into_iter().next().unwrap();
    let node = Node::open(&evidence, roots, node::Options::default());
    let report = checks::judge(&node, &Measured::default());
    let detected = daemon::detect(&node.traces);
    let verdict = checks::verdict(&node, &report, &detected, node.now);
    assert!(
        !verdict.sentence.contains("would kill"),
        "{}",
        verdict.sentence
    );
}
