//! Kinds of evidence: below a folder of a collector, copied without times, images of disks, databases
//! that are mostly hole.

#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::disallowed_methods,
    reason = "tests panic where something is wrong"
)]

use std::path::Path;

use cli::try_run;
use coroner_triage::{PREFLIGHT, TOOL};
use serde_json::Value;
use testcase::Tar;

const META: &str = "var/lib/containerd/io.containerd.metadata.v1.bolt/meta.db";

fn triage(path: &Path) -> (Value, u8) {
    let path = path.to_str().expect("path");
    let (text, exit) = try_run(&TOOL, ["triage", "--format", "json", path]);
    let json: Value = serde_json::from_str(&text).unwrap_or_else(|e| panic!("{path}: {e}: {text}"));
    (json["answer"].clone(), exit.0)
}

/// Codes of findings, and the affected objects: all that does not depend on where it lies.
fn essence(answer: &Value) -> Vec<String> {
    let all = answer["findings"].as_array().expect("findings").iter();
    let mut all: Vec<String> = all
        .map(|finding| {
            format!(
                "{} {} {}",
                finding["code"], finding["location"], finding["affects"]
            )
        })
        .collect();
    all.push(answer["verdict"]["sentence"].to_string());
    all.push(answer["evidence"]["root"].to_string());
    all.push(answer["evidence"]["state"].to_string());
    all.push(answer["evidence"]["config"].to_string());
    all.sort();
    all
}

/// The same tar with everything below `prefix`.
fn below(tar: &Tar, prefix: &str) -> Tar {
    let mut below = tar.clone();
    for member in &mut below.members {
        member.path = [prefix.as_bytes(), b"/", &member.path].concat();
    }
    below
}

#[test]
fn a_prefix_changes_nothing() {
    let folder = tempfile::tempdir().expect("folder");
    let path = folder.path().join("node.tar");
    for name in ["1.6-running", "1.7-running", "2.1-running", "1.7-rebooted"] {
        let tar = testcase::node(name);
        std::fs::write(&path, tar.write()).expect("tar");
        let (plain, _) = triage(&path);
        for prefix in [
            "[root]",
            "uploads/auto",
            "host",
            "fs/$rootfs$",
            "case-7/node a/collected/rootfs",
        ] {
            std::fs::write(&path, below(&tar, prefix).write()).expect("tar");
            let (there, exit) = triage(&path);
            assert_eq!(essence(&there), essence(&plain), "{name} below {prefix}");
            assert_eq!(exit, 0, "{name} below {prefix}");
            let notes = there["evidence"]["notes"].to_string();
            assert!(notes.contains(prefix), "{notes}");
        }
    }
}

#[test]
fn of_several_nodes_none_is_judged_for_the_others() {
    let folder = tempfile::tempdir().expect("folder");
    let path = folder.path().join("nodes.tar");
    let mut both = below(&testcase::node("1.7-stopped"), "node-a");
    let other = below(&testcase::node("2.1-stopped"), "node-b");
    both.members.extend(other.members);
    std::fs::write(&path, both.write()).expect("tar");
    let (text, exit) = try_run(&TOOL, ["triage", path.to_str().expect("path")]);
    assert_eq!(exit, cli::Exit::UNREAD, "{text}");
    assert!(text.contains("below /node-a, /node-b"), "{text}");
    // A copy inside of a node is not what was meant.
    let mut kept = below(&testcase::node("1.7-stopped"), "node-a");
    let copy = below(&testcase::node("2.1-stopped"), "node-a/srv/backup");
    kept.members.extend(copy.members);
    std::fs::write(&path, kept.write()).expect("tar");
    let (told, exit) = triage(&path);
    assert_eq!(exit, 0, "{told}");
    assert!(
        told["evidence"]["notes"].to_string().contains("node-a"),
        "{told}"
    );
}

#[test]
fn names_that_a_collector_encoded_are_those_of_the_node() {
    // A container's id with a plus in it, as Velociraptor writes names.
    let mut tar = testcase::node("1.7-running");
    let folder = "var/lib/containerd/io.containerd.snapshotter.v1.overlayfs/snapshots";
    let mut encoded = 0;
    for member in &mut tar.members {
        let path = String::from_utf8_lossy(&member.path).into_owned();
        if path.starts_with("etc/cni/net.d/10-pods") {
            member.path = path.replace("10-pods", "10%2Dpods").into_bytes();
            encoded += 1;
        }
    }
    assert!(encoded > 0 && tar.position(folder).is_some());
    let place = tempfile::tempdir().expect("folder");
    let path = place.path().join("node.tar");
    std::fs::write(&path, below(&tar, "uploads/auto").write()).expect("tar");
    let (there, exit) = triage(&path);
    assert_eq!(exit, 0, "{there:#}");
}

#[test]
fn images_of_disks_are_called_by_their_name() {
    let folder = tempfile::tempdir().expect("folder");
    let path = folder.path().join("image");
    let image = |pieces: &[(usize, &[u8])]| {
        let mut bytes = vec![0_u8; 0x2_0000];
        for (at, piece) in pieces {
            bytes[*at..*at + piece.len()].copy_from_slice(piece);
        }
        std::fs::write(&path, bytes).expect("image");
        let (text, exit) = try_run(&TOOL, ["triage", path.to_str().expect("path")]);
        assert_eq!(exit.0, 8, "{text}");
        // Never as the way: a tree without its journal is an older one.
        assert!(!text.contains("-o ro,no"), "{text}");
        text
    };
    for (pieces, name, says) in [
        (
            &[(0x438_usize, &b"\x53\xef"[..])][..],
            "ext2, ext3 or ext4",
            "journal",
        ),
        (&[(0, b"XFSB")], "XFS", "journal"),
        (&[(0x1_0040, b"_BHRfS_M")], "Btrfs", "losetup"),
        (
            &[(512, b"EFI PART"), (510, b"\x55\xaa")],
            "GPT",
            "--partscan",
        ),
        (
            &[(446, b"\x80\0\0\0\x83"), (510, b"\x55\xaa")],
            "MBR",
            "--partscan",
        ),
        (&[(512, b"LABELONE"), (536, b"LVM2 001")], "LVM", "vgchange"),
        (&[(0, b"LUKS\xba\xbe")], "LUKS", "cryptsetup"),
        (&[(0, b"QFI\xfb")], "qcow2", "qemu-nbd"),
        (&[(0, b"KDMV")], "VMDK", "qemu-nbd"),
        (&[(0, b"vhdxfile")], "VHDX", "qemu-nbd"),
        (&[(0, b"EVF\x09\x0d\x0a\xff\x00")], "E01", "ewfmount"),
        (&[(0, b"hsqs")], "SquashFS", "mount"),
        (&[(0x400, b"\xe2\xe1\xf5\xe0")], "EROFS", "mount"),
        (&[(0, b"PK\x03\x04")], "zip", "unpack"),
    ] {
        let text = image(pieces);
        assert!(text.contains(name) && text.contains(says), "{name}: {text}");
    }
}

/// Puts a tar's folders and files down as `cp -r` does: with the times of now.
fn copied(tar: &Tar, folder: &Path) {
    for member in &tar.members {
        let path = String::from_utf8_lossy(&member.path).into_owned();
        let path = folder.join(path.trim_end_matches('/'));
        if path.to_string_lossy().contains("/fs/") {
            continue;
        }
        match member.header[156] {
            b'5' => std::fs::create_dir_all(&path).expect("folder"),
            b'0' => {
                std::fs::create_dir_all(path.parent().expect("folder")).expect("folder");
                std::fs::write(&path, &member.data).expect("file");
            }
            b'6' => {
                let made = std::process::Command::new("mkfifo").arg(&path).status();
                assert!(made.expect("mkfifo").success());
            }
            _ => {}
        }
    }
}

#[test]
fn a_copy_without_times_is_healthy() {
    for name in ["1.6-running", "1.7-running", "2.1-running", "2.1-midpull"] {
        let folder = tempfile::tempdir().expect("folder");
        copied(&testcase::node(name), folder.path());
        let (answer, exit) = triage(folder.path());
        let findings = answer["findings"].as_array().expect("findings").iter();
        let bad: Vec<&Value> = findings.filter(|one| one["severity"] != "note").collect();
        assert!(bad.is_empty(), "{name}: {bad:#?}");
        assert_eq!(answer["verdict"]["start"], "yes", "{name}: {answer:#}");
        assert_eq!(exit, 0, "{name}");
    }
}

#[test]
fn one_file_that_was_made_anew_does_not_move_the_time() {
    let folder = tempfile::tempdir().expect("folder");
    let path = folder.path().join("node.tar");
    for name in ["1.6-running", "1.7-running", "2.1-running"] {
        let mut tar = testcase::node(name);
        std::fs::write(&path, tar.write()).expect("tar");
        let (before, _) = triage(&path);
        let config = tar.member("etc/containerd/config.toml");
        config.pax.retain(|(key, _)| key != b"mtime");
        config
            .pax
            .push((b"mtime".to_vec(), b"1999999999.5".to_vec()));
        std::fs::write(&path, tar.write()).expect("tar");
        let (after, exit) = triage(&path);
        assert_eq!(
            after["evidence"]["now"].to_string().get(..14),
            before["evidence"]["now"].to_string().get(..14),
            "{name}"
        );
        assert_eq!(essence(&after), essence(&before), "{name}");
        assert_eq!(exit, 0, "{name}");
    }
}

#[test]
fn a_database_that_is_mostly_hole_is_read() {
    let folder = tempfile::tempdir().expect("folder");
    copied(&testcase::node("1.7-stopped"), folder.path());
    let (before, _) = triage(folder.path());
    let file = std::fs::OpenOptions::new()
        .write(true)
        .open(folder.path().join(META));
    // As much as fits: not every file system has files of 1 TiB.
    let file = file.expect("meta.db");
    if file.set_len(1 << 40).is_err() {
        file.set_len(1 << 37).expect("a file of 128 GiB");
    }
    let (after, exit) = triage(folder.path());
    assert_eq!(essence(&after), essence(&before));
    assert_eq!(exit, 0, "{:#}", after["coverage"]);
    let path = folder.path().to_str().expect("path");
    let (text, exit) = try_run(&PREFLIGHT, ["preflight", path]);
    assert_eq!(exit.0, 0, "{text}");
}

#[test]
fn a_database_that_cannot_be_read_foretells_no_deletion() {
    // Neither meta tells how much of the file is in use.
    let folder = tempfile::tempdir().expect("folder");
    copied(&testcase::node("1.7-stopped"), folder.path());
    let path = folder.path().join(META);
    let mut bytes = std::fs::read(&path).expect("meta.db");
    bytes[..8192].fill(0);
    std::fs::write(&path, bytes).expect("meta.db");
    let file = std::fs::OpenOptions::new()
        .write(true)
        .open(&path)
        .expect("meta.db");
    file.set_len(1 << 37).expect("a file of 128 GiB");
    let (text, exit) = try_run(
        &PREFLIGHT,
        ["preflight", folder.path().to_str().expect("path")],
    );
    assert!(!text.contains("deletes "), "{text}");
    assert!(text.starts_with("It is not known"), "{text}");
    assert_eq!(exit.0, 8, "{text}");
}

#[test]
fn what_we_may_not_read_is_not_known_and_no_damage() {
    use std::os::unix::fs::PermissionsExt as _;
    let folder = tempfile::tempdir().expect("folder");
    for closed in ["var/lib/containerd", "run/containerd", "etc/containerd"] {
        let closed = folder.path().join(closed);
        std::fs::create_dir_all(closed.join("x")).expect("a folder");
    }
    let meta = folder
        .path()
        .join("var/lib/containerd/io.containerd.metadata.v1.bolt");
    std::fs::create_dir_all(meta).expect("a folder");
    let config = folder.path().join("etc/containerd/config.toml");
    std::fs::write(&config, "version = 2\n").expect("a file");
    let closed = [
        config,
        folder.path().join("var/lib/containerd"),
        folder.path().join("run/containerd"),
    ];
    let mode = |bits: u32| {
        for path in &closed {
            let mode = std::fs::Permissions::from_mode(bits);
            std::fs::set_permissions(path, mode).expect("a mode");
        }
    };
    mode(0);
    let (answer, exit) = triage(folder.path());
    mode(0o700);
    // Root reads it all the same, and sees a node without meta.db.
    for finding in answer["findings"].as_array().expect("a list") {
        let denied = finding["message"]
            .as_str()
            .expect("text")
            .contains("may not be read");
        assert!(!denied || finding["severity"] == "note", "{finding}");
    }
    assert_ne!(exit, 0, "and nothing is clean");
}

/// Two installations of one machine: the one that must not be started is said first, whichever is judged.
#[test]
fn an_installation_that_must_not_be_started_is_said_first() {
    let k3s = "var/lib/rancher/k3s/agent/containerd";
    let mut tar = testcase::node("1.7-stopped");
    for mut member in testcase::node("1.7-discarded").members {
        let rest = member.path.strip_prefix(b"var/lib/containerd");
        let rest = rest.filter(|rest| rest.is_empty() || rest[0] == b'/');
        if let Some(rest) = rest.map(<[u8]>::to_vec) {
            member.path = [k3s.as_bytes(), &rest].concat();
            tar.members.push(member);
        }
    }
    let folder = tempfile::tempdir().expect("folder");
    let path = folder.path().join("node.tar");
    let named = path.to_str().expect("path").to_owned();
    let first = |verb: &str| {
        let tool = if verb == "triage" { &TOOL } else { &PREFLIGHT };
        let (text, exit) = try_run(tool, [verb, named.as_str()]);
        (text.lines().next().expect("a line").to_owned(), exit.0)
    };
    std::fs::write(&path, tar.write()).expect("write");
    for verb in ["triage", "preflight"] {
        let (line, exit) = first(verb);
        assert!(line.starts_with("containerd would start"), "{verb}: {line}");
        assert_eq!(exit & 4, 0, "{verb}");
    }
    let meta = format!("{k3s}/io.containerd.metadata.v1.bolt/meta.db");
    tar.member(&meta).data.clear();
    std::fs::write(&path, tar.write()).expect("write");
    for verb in ["triage", "preflight"] {
        let (line, exit) = first(verb);
        let wanted = format!("k3s at /{k3s}: Do not start containerd");
        assert!(line.starts_with(&wanted), "{verb}: {line}");
        assert_eq!(exit & 4, 4, "{verb}");
    }
    // Nothing of the machine starts k3s any more: what it left is no danger to the one that runs.
    let unit =
        b"[Service]\nType=notify\nKillMode=process\nDelegate=yes\nExecStart=/usr/bin/containerd\n";
    tar.add("usr/lib/systemd/system/containerd.service", unit);
    std::fs::write(&path, tar.write()).expect("write");
    for verb in ["triage", "preflight"] {
        let (line, exit) = first(verb);
        assert!(line.starts_with("containerd would start"), "{verb}: {line}");
        assert_eq!(exit & 4, 0, "{verb}");
    }
    // With its unit it is one again.
    tar.add(
        "etc/systemd/system/k3s.service",
        b"[Service]\nExecStart=/usr/local/bin/k3s server\n",
    );
    std::fs::write(&path, tar.write()).expect("write");
    for verb in ["triage", "preflight"] {
        let (line, exit) = first(verb);
        assert!(line.starts_with("k3s at "), "{verb}: {line}");
        assert_eq!(exit & 4, 4, "{verb}");
    }
}
