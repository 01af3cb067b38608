//! What the kernel says of a disk, put into a capture: no tar keeps it.

use checks::Measured;
use evidence::{Evidence, Flags, Options, Room};
use finding::{Finding, Severity};
use node::Node;

use crate::opened;

const SIZE: u64 = 64 << 30;

fn judged(release: &str, change: impl Fn(&mut Node)) -> Vec<Finding> {
    let mut node = opened::node(&testcase::node(release));
    // As of a folder: the same device, room, no flags.
    let room = Room {
        size: SIZE,
        free: SIZE,
        inodes: 1000,
        free_inodes: 10,
    };
    let disks = &mut node.disks;
    for place in [&mut disks.root, &mut disks.state, &mut disks.meta] {
        place.dev = Some((8, 1));
        place.room = Some(room);
        place.flags = Some(Flags::default());
    }
    disks.metadata.push(disks.meta.clone());
    disks.metadata[0].path = "/var/lib/containerd/a/metadata.db".into();
    change(&mut node);
    let codes = ["store/split", "store/immutable", "store/disk-full"];
    let report = checks::judge(&node, &Measured::default());
    let findings = report.findings.into_iter();
    findings
        .filter(|finding| codes.contains(&finding.code.name))
        .collect()
}

/// The one finding that comes of a change.
fn one(release: &str, change: impl Fn(&mut Node)) -> (&'static str, Severity, String) {
    let findings = judged(release, change);
    assert_eq!(findings.len(), 1, "{findings:#?}");
    let file = findings[0].location.file.clone().unwrap().to_string();
    (findings[0].code.name, findings[0].severity, file)
}

const META: &str = "/var/lib/containerd/io.containerd.metadata.v1.bolt/meta.db";

#[test]
fn a_disk_as_it_should_be_gives_nothing() {
    assert!(judged("1.7-stopped", |_| {}).is_empty());
    // What is not known is not wrong.
    let unknown = |node: &mut Node| {
        for place in [
            &mut node.disks.root,
            &mut node.disks.state,
            &mut node.disks.meta,
        ] {
            (place.dev, place.room, place.flags) = (None, None, None);
        }
    };
    assert!(judged("1.7-stopped", unknown).is_empty());
}

#[test]
fn two_file_systems() {
    let found = one("1.7-stopped", |node| {
        node.disks.metadata[0].dev = Some((8, 2));
    });
    let file = "/var/lib/containerd/a/metadata.db".to_owned();
    assert_eq!(found, ("store/split", Severity::Note, file));
}

#[test]
fn flags() {
    let immutable = Some(Flags {
        immutable: true,
        append_only: false,
    });
    let found = one("2.1-stopped", |node| node.disks.meta.flags = immutable);
    assert_eq!(found, ("store/immutable", Severity::Fatal, META.to_owned()));
    let found = one("2.1-stopped", |node| {
        node.disks.metadata[0].flags = immutable;
    });
    assert_eq!(found.1, Severity::Damage);
    let found = one("2.1-stopped", |node| {
        node.disks.immutable = vec!["/a/1".into(), "/a/2".into()];
    });
    assert_eq!((found.1, found.2.as_str()), (Severity::Odd, "/a/1"));
}

#[test]
fn no_room() {
    let full = |node: &mut Node| {
        for place in [&mut node.disks.root, &mut node.disks.state] {
            place.room.as_mut().unwrap().free = 0;
        }
    };
    let root = "/var/lib/containerd".to_owned();
    let found = one("1.7-stopped", full);
    assert_eq!(found, ("store/disk-full", Severity::Fatal, root.clone()));
    let state = |node: &mut Node| node.disks.state.room.as_mut().unwrap().free = 4096;
    assert_eq!(one("1.7-stopped", state).1, Severity::Damage);
    let inodes = |node: &mut Node| node.disks.root.room.as_mut().unwrap().free_inodes = 0;
    assert_eq!(
        one("1.7-stopped", inodes),
        ("store/disk-full", Severity::Damage, root)
    );
    // A socket is a file, and without its socket the daemon ends.
    let state = |node: &mut Node| node.disks.state.room.as_mut().unwrap().free_inodes = 0;
    assert_eq!(one("1.7-stopped", state).1, Severity::Fatal);
}

/// A folder on the disk of whoever looks says nothing of a node's disk.
#[test]
fn a_copy_does_not_tell_of_room() {
    let folder = tempfile::tempdir().unwrap();
    let evidence = Evidence::open(folder.path(), &Options::default()).unwrap();
    assert_eq!(evidence.room(std::path::Path::new("/")), None);
    let evidence = Evidence::open(std::path::Path::new("/"), &Options::default()).unwrap();
    assert!(evidence.room(std::path::Path::new("/")).is_some());
}
