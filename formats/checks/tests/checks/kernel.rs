//! Overlayfs in the kernel and on its disk. Real daemons of 1.6.20, 1.7.24 and 2.1.9 were started where
//! every mount of an overlay ended with ENODEV: they start with their CRI, unpack an image of one
//! layer, and start no container (`no such device`).

use checks::start::{Outcome, Prediction};
use testcase::Tar;

use crate::opened;

const VERSION: &[u8] = b"Linux version 6.1.0-18-amd64 (d@e) (gcc 12) #1 SMP\n";
const WITHOUT: &[u8] = b"nodev\tsysfs\nnodev\tproc\n\text4\n";
const WITH: &[u8] = b"nodev\tsysfs\nnodev\tproc\n\text4\nnodev\toverlay\n";
const MODULES: &str = "lib/modules/6.1.0-18-amd64";
const FOLDER: u8 = b'5';

fn foretell(tar: &Tar) -> Prediction {
    opened::foretell(tar, None).remove(0)
}

/// A capture of a machine with this list of file systems, and the folder of its kernel's modules.
fn kernel(name: &str, filesystems: &[u8]) -> Tar {
    let mut tar = testcase::node(name);
    tar.add("proc/version", VERSION);
    tar.add("proc/filesystems", filesystems);
    tar.add(
        &format!("{MODULES}/modules.builtin"),
        b"kernel/fs/ext4/ext4.ko\n",
    );
    folder(&mut tar, &format!("{MODULES}/kernel/fs/overlayfs"));
    tar
}

fn folder(tar: &mut Tar, path: &str) {
    tar.push(path, FOLDER, "", b"");
}

fn fails(told: &Prediction) -> bool {
    let mut all = told.statements.iter();
    all.any(|statement| statement.does.contains("cannot mount an overlay"))
}

#[test]
fn a_kernel_that_has_overlay_says_nothing() {
    for name in ["1.6-stopped", "1.7-stopped", "2.1-stopped"] {
        let mut loads = kernel(name, WITHOUT);
        loads.add(
            &format!("{MODULES}/kernel/fs/overlayfs/overlay.ko.xz"),
            b"x",
        );
        let mut built_in = kernel(name, WITHOUT);
        let list = format!("{MODULES}/modules.builtin");
        built_in.member(&list).data = b"kernel/fs/overlayfs/overlay.ko\n".to_vec();
        let plain = foretell(&testcase::node(name)).sentence;
        for tar in [kernel(name, WITH), loads, built_in] {
            let told = foretell(&tar);
            assert!(!fails(&told), "{name}: {}", told.sentence);
            assert_eq!(told.sentence, plain, "{name}");
        }
    }
}

#[test]
fn a_kernel_without_overlay_starts_no_container() {
    for name in ["1.6-stopped", "1.7-stopped", "2.1-stopped"] {
        let told = foretell(&kernel(name, WITHOUT));
        assert!(fails(&told), "{name}: {}", told.sentence);
        assert_eq!(
            (told.outcome, told.has_cri),
            (Outcome::Boots, true),
            "{name}"
        );
        let says = "no container can be started on overlayfs";
        assert!(told.sentence.contains(says), "{name}: {}", told.sentence);
        let mut blacklisted = kernel(name, WITHOUT);
        blacklisted.add(&format!("{MODULES}/kernel/fs/overlayfs/overlay.ko"), b"x");
        blacklisted.add(
            "etc/modprobe.d/cis.conf",
            b"# hardening\nblacklist overlay\n",
        );
        let told = foretell(&blacklisted);
        assert!(
            told.sentence.contains("blacklist overlay"),
            "{}",
            told.sentence
        );
        let mut replaced = testcase::node(name);
        replaced.add("proc/version", VERSION);
        replaced.add("proc/filesystems", WITHOUT);
        folder(&mut replaced, "lib/modules");
        folder(&mut replaced, "lib/modules/6.1.0-22-amd64");
        let told = foretell(&replaced);
        assert!(told.sentence.contains("not installed"), "{}", told.sentence);
    }
}

#[test]
fn a_kernel_whose_modules_were_not_taken_is_not_known() {
    for version in [Some(VERSION), None] {
        let mut tar = testcase::node("1.7-stopped");
        tar.add("proc/filesystems", WITHOUT);
        if let Some(version) = version {
            tar.add("proc/version", version);
        }
        let told = foretell(&tar);
        assert!(!fails(&told), "{}", told.sentence);
        let says = "not known: overlayfs in the kernel";
        assert!(told.sentence.contains(says), "{}", told.sentence);
    }
}

#[test]
fn a_native_node_needs_no_overlay() {
    let mut tar = kernel("1.7-stopped", WITHOUT);
    let config =
        "version = 2\n[plugins.'io.containerd.grpc.v1.cri'.containerd]\nsnapshotter = 'native'\n";
    tar.member("etc/containerd/config.toml").data = config.as_bytes().to_vec();
    let below = b"var/lib/containerd/io.containerd.snapshotter.v1.overlayfs".as_slice();
    tar.members.retain(|member| !member.path.starts_with(below));
    assert!(!fails(&foretell(&tar)));
}

#[test]
fn the_disk_below_is_what_the_table_of_mounts_says() {
    let table = |kind: &str| format!("29 1 8:1 / / rw,relatime shared:1 - {kind} x rw\n");
    for (kind, says) in [
        (
            "overlay",
            Some("the file system of its folders is overlayfs"),
        ),
        ("vfat", Some("the file system of its folders is FAT")),
        ("nfs4", Some("the file system of its folders is NFS")),
        ("zfs", Some("not known: overlayfs at /var/lib/containerd")),
        ("fuse.sshfs", Some("its disk is a FUSE file system")),
        ("ext4", None),
        ("xfs", None),
        ("unheardof", None),
    ] {
        let mut tar = kernel("1.7-stopped", WITH);
        tar.add("proc/1/mountinfo", table(kind).as_bytes());
        let told = foretell(&tar);
        let healthy = foretell(&testcase::node("1.7-stopped")).sentence;
        match says {
            Some(says) => assert!(told.sentence.contains(says), "{kind}: {}", told.sentence),
            None => assert_eq!(told.sentence, healthy, "{kind}"),
        }
    }
}

#[test]
fn a_disk_that_was_remounted_read_only_ends_it() {
    let mut tar = kernel("1.7-rebooted", WITH);
    let table = "29 1 8:1 / / rw,relatime shared:1 - ext4 x rw\n\
        36 29 8:2 / /var/lib/containerd ro,relatime - ext4 /dev/sdb1 ro,errors=remount-ro\n";
    tar.add("proc/1/mountinfo", table.as_bytes());
    let told = foretell(&tar);
    assert_eq!(told.outcome, Outcome::CrashLoop, "{}", told.sentence);
    assert!(told.sentence.contains("read-only"), "{}", told.sentence);
}
