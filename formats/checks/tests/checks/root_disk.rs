//! Disks that belong at the root, put into a capture: no tar keeps what is mounted.

use checks::{Measured, Start};
use finding::Severity;
use node::{MountKind, MountPoint};
use testcase::Tar;

use crate::opened;

/// Findings about the disk of the root, whether a start may be tried, and the first line.
fn judged(tar: &Tar, is_mounted: Option<bool>) -> (Vec<(&'static str, Severity)>, Start, String) {
    let mut node = opened::node(tar);
    node.mount_points = vec![MountPoint {
        at: "/var/lib/containerd".into(),
        what: "UUID=1234-abcd".into(),
        kind: MountKind::Disk,
        file: "/etc/fstab".into(),
        is_mounted,
    }];
    let report = checks::judge(&node, &Measured::default());
    let release = daemon::detect(&node.traces);
    let verdict = checks::verdict(&node, &report, &release, node.now);
    let codes = ["store/disk-not-mounted", "store/root-emptied"];
    let found = report.findings.iter();
    let found = found.filter(|finding| codes.contains(&finding.code.name));
    let found = found.map(|finding| (finding.code.name, finding.severity));
    (found.collect(), verdict.start, verdict.sentence)
}

fn emptied() -> Tar {
    let mut tar = testcase::node("1.7-stopped");
    tar.remove("var/lib/containerd");
    tar.push("var/lib/containerd", b'5', "", b"");
    tar
}

#[test]
fn a_task_of_dockers_own_layers_does_not_stand_on_this_root() {
    for (rootfs, is_here) in [
        ("/var/lib/docker/overlay2/5e/merged", false),
        ("/var/lib/docker/rootfs/overlayfs/5e", true),
        ("rootfs", true),
    ] {
        let mut tar = emptied();
        for gone in ["run", "var/log", "var/lib/cni", "var/lib/kubelet"] {
            tar.remove(gone);
        }
        let bundle = "run/containerd/io.containerd.runtime.v2.task/moby/5e";
        let spec = format!(r#"{{"ociVersion":"1.2.0","root":{{"path":"{rootfs}"}}}}"#);
        tar.add(&format!("{bundle}/config.json"), spec.as_bytes());
        let (found, _, sentence) = judged(&tar, None);
        assert_eq!(!found.is_empty(), is_here, "{rootfs}: {sentence}");
        let says = sentence.contains("not the root of last time");
        assert_eq!(says, is_here, "{rootfs}: {sentence}");
    }
}

#[test]
fn a_disk_that_is_there_or_of_which_nothing_is_known_is_no_fault() {
    let tar = testcase::node("1.7-stopped");
    for is_mounted in [Some(true), None] {
        let (found, start, sentence) = judged(&tar, is_mounted);
        assert_eq!(
            (found.as_slice(), start),
            (&[][..], Start::Yes),
            "{sentence}"
        );
    }
}

#[test]
fn the_disk_that_is_lacking_is_said_before_all_else() {
    let (found, start, sentence) = judged(&emptied(), Some(false));
    assert_eq!(found, [("store/disk-not-mounted", Severity::Fatal)]);
    assert_eq!(start, Start::No);
    assert_eq!(
        sentence,
        "Do not start containerd: the disk that /etc/fstab mounts at /var/lib/containerd is not \
         mounted there."
    );
    // What nobody says of a disk, the pods show.
    let (found, start, sentence) = judged(&emptied(), None);
    assert_eq!(found, [("store/root-emptied", Severity::Fatal)]);
    assert_eq!(start, Start::No);
    assert!(
        sentence.contains("it is not the root of last time"),
        "{sentence}"
    );
}

#[test]
fn an_old_line_of_fstab_above_stores_that_fit_is_odd() {
    let (found, start, sentence) = judged(&testcase::node("1.7-running"), Some(false));
    assert_eq!(found, [("store/disk-not-mounted", Severity::Odd)]);
    assert_eq!(start, Start::Yes);
    assert!(sentence.contains("store/disk-not-mounted"), "{sentence}");
}

/// The stores were moved away from the usual place, in which an empty folder stands.
fn moved(state: &str, to: &str) -> Tar {
    let mut tar = testcase::node(state);
    let from = b"var/lib/containerd";
    for member in &mut tar.members {
        if let Some(rest) = member.path.strip_prefix(from.as_slice()) {
            member.path = [to.as_bytes(), rest].concat();
        }
    }
    tar.push("var/lib/containerd", b'5', "", b"");
    tar
}

#[test]
fn moved_stores_are_told_of_a_node_in_use_and_a_backup_is_no_fault() {
    let (found, start, sentence) = judged(&moved("1.7-running", "var/lib/containerd.old"), None);
    assert_eq!(found, [("store/root-emptied", Severity::Fatal)]);
    assert_eq!(start, Start::No, "{sentence}");
    // A new node, and what somebody kept of another one.
    let mut tar = moved("1.7-stopped", "mnt/backup/containerd");
    for gone in ["run", "var/log", "var/lib/cni"] {
        tar.remove(gone);
    }
    let (found, start, sentence) = judged(&tar, None);
    assert_eq!(found, []);
    assert_ne!(start, Start::No, "{sentence}");
    assert!(!sentence.contains("starts on"), "{sentence}");
}

/// The node with the files of a store below its root gone, and a line of fstab for a disk there.
fn without_store(store: &str) -> (Vec<(&'static str, Severity)>, String) {
    let mut tar = testcase::node("1.7-stopped");
    let at = format!("var/lib/containerd/{store}");
    tar.remove(&at);
    tar.push(&at, b'5', "", b"");
    let line = format!("/dev/sdb1 /{at} xfs defaults,nofail 0 2\n");
    tar.push("etc/fstab", b'0', "", line.as_bytes());
    let mut node = opened::node(&tar);
    assert_eq!(node.mount_points.len(), 1, "{at}");
    node.mount_points[0].is_mounted = Some(false);
    let report = checks::judge(&node, &Measured::default());
    let release = daemon::detect(&node.traces);
    let verdict = checks::verdict(&node, &report, &release, node.now);
    let found = report.findings.iter();
    let found = found.filter(|finding| finding.code.name == "store/disk-not-mounted");
    let found = found.map(|finding| (finding.code.name, finding.severity));
    (found.collect(), verdict.sentence)
}

#[test]
fn a_store_with_a_disk_of_its_own_that_is_lacking_is_said_first() {
    for store in [
        "io.containerd.content.v1.content",
        "io.containerd.snapshotter.v1.overlayfs",
    ] {
        let (found, sentence) = without_store(store);
        assert_eq!(found, [("store/disk-not-mounted", Severity::Fatal)]);
        assert!(
            sentence.starts_with("Do not start containerd: the disk that /etc/fstab mounts at"),
            "{sentence}"
        );
    }
}

/// A node whose containerd was never used, with another runtime's pods, and what is said of its root.
fn beside_another(edit: impl FnOnce(&mut Tar)) -> (Vec<(&'static str, Severity)>, Start) {
    let mut tar = emptied();
    tar.remove("run/containerd");
    edit(&mut tar);
    let (found, start, _) = judged(&tar, None);
    (found, start)
}

#[test]
fn pods_of_another_runtime_prove_nothing() {
    let own = beside_another(|_| ());
    assert_eq!(own.0, [("store/root-emptied", Severity::Fatal)]);
    let kubelet = |socket: &str| {
        let text = format!("containerRuntimeEndpoint: unix://{socket}\n");
        move |tar: &mut Tar| tar.add("var/lib/kubelet/config.yaml", text.as_bytes())
    };
    let own = beside_another(kubelet("/var/run/containerd/containerd.sock"));
    assert_eq!(own.0, [("store/root-emptied", Severity::Fatal)]);
    let (found, start) = beside_another(kubelet("/var/run/crio/crio.sock"));
    assert_eq!(found, []);
    assert_ne!(start, Start::No);
    let (found, _) = beside_another(|tar| {
        let text = b"disabled_plugins = [\"cri\"]\n";
        tar.add("etc/containerd/config.toml", text);
    });
    assert_eq!(found, []);
    // The stores of k3s, which serves the pods, beside those of a first start.
    let k3s = moved("1.7-stopped", "var/lib/rancher/k3s/agent/containerd");
    let stores = k3s.members.into_iter();
    let stores = stores.filter(|one| one.path.starts_with(b"var/lib/rancher"));
    let (found, _) = beside_another(|tar| {
        tar.members.extend(stores);
        let folder = "var/lib/containerd/io.containerd.metadata.v1.bolt";
        tar.push(folder, b'5', "", b"");
    });
    assert_eq!(found, []);
}

/// What is said of the root where fstab has these lines, and the first line.
fn with_fstab(
    mut tar: Tar,
    lines: &str,
    is_mounted: Option<bool>,
) -> (Vec<(&'static str, Severity)>, String) {
    tar.push("etc/fstab", b'0', "", lines.as_bytes());
    let mut node = opened::node(&tar);
    for one in &mut node.mount_points {
        one.is_mounted = is_mounted;
    }
    let report = checks::judge(&node, &Measured::default());
    let release = daemon::detect(&node.traces);
    let verdict = checks::verdict(&node, &report, &release, node.now);
    let codes = ["store/disk-not-mounted", "store/on-tmpfs"];
    let found = report.findings.iter();
    let found = found.filter(|finding| codes.contains(&finding.code.name));
    let found = found.map(|finding| (finding.code.name, finding.severity));
    (found.collect(), verdict.sentence)
}

#[test]
fn a_tmpfs_that_the_next_boot_puts_over_the_stores_is_said_first() {
    let node = || testcase::node("1.7-stopped");
    for lines in [
        "tmpfs /var/lib/containerd tmpfs size=4g,mode=711 0 0\n",
        "tmpfs /var/lib tmpfs defaults 0 0\n",
        "none /var/lib/containerd/io.containerd.snapshotter.v1.overlayfs ramfs\n",
    ] {
        for is_mounted in [None, Some(false)] {
            let (found, sentence) = with_fstab(node(), lines, is_mounted);
            assert_eq!(found, [("store/on-tmpfs", Severity::Odd)], "{lines}");
            let is_first =
                sentence.starts_with("containerd would start, with warnings: The next boot");
            assert!(is_first, "{lines}: {sentence}");
        }
        // A node that is made so.
        let (found, sentence) = with_fstab(node(), lines, Some(true));
        assert_eq!(found, [("store/on-tmpfs", Severity::Note)], "{lines}");
        let is_normal = sentence.starts_with("containerd would start normally.");
        assert!(is_normal, "{lines}: {sentence}");
    }
}

#[test]
fn a_tmpfs_elsewhere_or_below_a_disk_of_the_stores_is_healthy() {
    for lines in [
        "tmpfs /tmp tmpfs\ntmpfs /run tmpfs\ntmpfs /run/containerd tmpfs\n",
        "tmpfs /var/lib/containerd/tmpmounts tmpfs defaults 0 0\n",
        "tmpfs /var/lib/containerd tmpfs noauto 0 0\n",
        "#tmpfs /var/lib/containerd tmpfs defaults 0 0\n",
        "tmpfs /var tmpfs\nUUID=1-2 /var/lib/containerd ext4\n",
        "tmpfs /var tmpfs\n/data/c /var/lib/containerd none bind\n",
        "UUID=1-2 /var/lib/containerd ext4 defaults 0 2\n",
    ] {
        let (found, sentence) = with_fstab(testcase::node("1.7-stopped"), lines, None);
        assert_eq!(found, [], "{lines}: {sentence}");
        assert!(
            sentence.starts_with("containerd would start normally."),
            "{sentence}"
        );
    }
}
