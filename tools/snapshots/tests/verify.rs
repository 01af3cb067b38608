//! `verify` on healthy captures, and with one fault after the other put into a committed layer.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a test may fail, and writes what it reads"
)]

use std::path::Path;

use cli::{Exit, try_run};
use coroner_snapshots::TOOL;
use serde_json::Value;
use testcase::{Member, Tar};

const OVERLAY: &str = "var/lib/containerd/io.containerd.snapshotter.v1.overlayfs/snapshots/";

fn verify(node: &Path, more: &[&str]) -> (Value, Exit) {
    let mut words = vec!["snapshots", "verify", "--quiet", "--format", "json"];
    words.push(node.to_str().unwrap());
    words.extend(more);
    let (text, exit) = try_run(&TOOL, words);
    (serde_json::from_str(&text).expect(&text), exit)
}

fn of_tar(tar: &Tar) -> (Value, Exit) {
    let file = tempfile::Builder::new().suffix(".tar").tempfile().unwrap();
    std::fs::write(file.path(), tar.write()).unwrap();
    verify(file.path(), &[])
}

/// Every difference: layer, path, what.
fn differences(answer: &Value) -> Vec<(String, String, String)> {
    let mut all = Vec::new();
    for layer in answer["answer"]["layers"].as_array().unwrap() {
        for one in layer["differences"].as_array().unwrap() {
            let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
            let layer = format!("{}/{}", text(&layer["snapshotter"]), layer["id"]);
            all.push((layer, text(&one["path"]), text(&one["how"])));
        }
    }
    all
}

#[test]
fn healthy_nodes_of_every_release_are_silent() {
    for name in testcase::nodes() {
        let path = testcase::testdata()
            .join("nodes")
            .join(&name)
            .join("node.tar.zst");
        let (answer, exit) = verify(&path, &[]);
        assert_eq!(
            (differences(&answer), exit),
            (Vec::new(), Exit::CLEAN),
            "{name}"
        );
        let layers = answer["answer"]["layers"].as_array().unwrap();
        let without = answer["answer"]["without"].as_array().unwrap();
        let is_discarded = name.ends_with("-discarded");
        assert_eq!(layers.is_empty(), is_discarded, "{name}");
        assert_eq!(
            without.is_empty(),
            !is_discarded && !name.ends_with("-killed"),
            "{name}"
        );
        let native = layers.iter().any(|layer| layer["snapshotter"] == "native");
        if name.ends_with("-stopped") {
            assert!(native, "{name}");
        }
    }
}

/// Writes an octal number into a field of a header.
fn octal(member: &mut Member, at: usize, length: usize, number: u32) {
    let text = format!("{number:0width$o}\0", width = length.saturating_sub(1));
    member.header[at..][..length].copy_from_slice(text.as_bytes());
}

fn mode(member: &mut Member, mode: u32) {
    octal(member, 100, 8, mode);
}

fn link(member: &mut Member, target: &str) {
    member.pax.retain(|(key, _)| key != b"linkpath");
    member.header[157..257].fill(0);
    member.header[157..][..target.len()].copy_from_slice(target.as_bytes());
}

fn at(path: &str) -> String {
    format!("{OVERLAY}{path}")
}

/// The first member of overlayfs' directories of which this holds: its whole path.
fn find(tar: &Tar, fits: impl Fn(&Member) -> bool) -> String {
    let member = tar.members.iter().find(|member| {
        member.path.starts_with(OVERLAY.as_bytes())
            && is_committed(&member.path)
            && is_inside(&member.path)
            && fits(member)
    });
    let path = String::from_utf8(member.expect("such a member").path.clone()).unwrap();
    path.trim_end_matches('/').to_owned()
}

/// Directories of committed layers of `1.7-stopped`: those that hold an image's files and were not
/// mounted for writing.
fn is_committed(path: &[u8]) -> bool {
    let rest = std::str::from_utf8(&path[OVERLAY.len()..]).unwrap_or_default();
    let id: u64 = rest
        .split('/')
        .next()
        .unwrap_or_default()
        .parse()
        .unwrap_or(99);
    id <= 7
}

/// Below a layer's root.
fn is_inside(path: &[u8]) -> bool {
    let path = String::from_utf8_lossy(path);
    path.split_once("/fs/")
        .is_some_and(|(_, rest)| !rest.is_empty())
}

fn has_xattr(member: &Member, name: &str) -> bool {
    let key = format!("SCHILY.xattr.{name}");
    member
        .pax
        .iter()
        .any(|(known, _)| known.starts_with(key.as_bytes()))
}

/// The fault, what of it must be told, and where: a suffix of the path.
type Fault = (&'static str, &'static str, Edit);

/// Puts a fault into a tar; gives the path in the layer.
type Edit = Box<dyn Fn(&mut Tar) -> String>;

fn faults() -> Vec<Fault> {
    let of = |path: &'static str, edit: fn(&mut Member)| {
        let edit: Edit = Box::new(move |tar: &mut Tar| {
            edit(tar.member(&at(path)));
            path.split_once("/fs").unwrap().1.to_owned()
        });
        edit
    };
    let found = |fits: fn(&Member) -> bool, edit: fn(&mut Member)| {
        let edit: Edit = Box::new(move |tar: &mut Tar| {
            let path = find(tar, fits);
            edit(tar.member(&path));
            path.split_once("/fs").unwrap().1.to_owned()
        });
        edit
    };
    vec![
        (
            "a flipped bit",
            "content",
            of("1/fs/bin/sleeper", |m| m.data[1000] ^= 4),
        ),
        (
            "a power loss",
            "empty",
            of("1/fs/bin/sleeper", |m| m.data.clear()),
        ),
        (
            "a cut file",
            "truncated",
            of("1/fs/bin/sleeper", |m| m.data.truncate(512)),
        ),
        (
            "bytes behind it",
            "longer",
            of("1/fs/etc/app.conf", |m| m.data.extend(b"x=1\n")),
        ),
        ("mode", "mode", of("1/fs/etc/app.conf", |m| mode(m, 0o666))),
        (
            "setuid set",
            "setuid",
            of("1/fs/bin/once", |m| mode(m, 0o4755)),
        ),
        (
            "setuid lost",
            "setuid",
            of("1/fs/bin/tool", |m| mode(m, 0o755)),
        ),
        (
            "setgid set",
            "setuid",
            of("1/fs/bin/once", |m| mode(m, 0o2755)),
        ),
        (
            "owner",
            "owner",
            of("1/fs/etc/app.conf", |m| octal(m, 108, 8, 1000)),
        ),
        (
            "group of a directory",
            "owner",
            of("1/fs/data", |m| octal(m, 116, 8, 7)),
        ),
        (
            "mode of a directory",
            "mode",
            of("1/fs/data", |m| mode(m, 0o777)),
        ),
        ("sticky bit", "mode", of("1/fs/tmp", |m| mode(m, 0o777))),
        (
            "target",
            "target",
            of("1/fs/etc/absolute", |m| link(m, "/etc/shadow")),
        ),
        (
            "kind",
            "kind",
            of("1/fs/etc/app.conf", |m| {
                m.header[156] = b'6';
                m.data.clear();
            }),
        ),
        (
            "time",
            "mtime",
            of("1/fs/bin/once", |m| {
                m.pax.retain(|(key, _)| key != b"mtime");
                octal(m, 136, 12, 1_700_000_000);
            }),
        ),
        (
            "capability lost",
            "capability",
            found(
                |m| has_xattr(m, "security.capability"),
                |m| {
                    m.pax
                        .retain(|(key, _)| !key.ends_with(b"security.capability"));
                },
            ),
        ),
        (
            "capability changed",
            "capability",
            found(
                |m| has_xattr(m, "security.capability"),
                |m| {
                    for (key, value) in &mut m.pax {
                        if key.ends_with(b"security.capability") {
                            value[4] ^= 0xff;
                        }
                    }
                },
            ),
        ),
        (
            "capability set",
            "capability",
            of("1/fs/bin/once", |m| {
                let value = [1, 0, 0, 2, 0, 0, 32, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];
                m.pax
                    .push((b"SCHILY.xattr.security.capability".to_vec(), value.to_vec()));
            }),
        ),
        (
            "attribute",
            "xattrs",
            found(
                |m| has_xattr(m, "user."),
                |m| {
                    m.pax
                        .retain(|(key, _)| !key.starts_with(b"SCHILY.xattr.user."));
                },
            ),
        ),
        (
            "device",
            "device",
            found(
                |m| m.header[156] == b'3' && m.header[337..344] != *b"0000000",
                |m| octal(m, 337, 8, 8),
            ),
        ),
        (
            "a deleted name is back",
            "whiteout",
            found(
                |m| {
                    m.header[156] == b'3'
                        && m.header[329..344].iter().all(|b| matches!(b, b'0' | 0))
                },
                |m| {
                    m.header[156] = b'0';
                    m.data = b"back".to_vec();
                },
            ),
        ),
        (
            "a name is hidden",
            "kind",
            found(
                |m| m.path.ends_with(b"/fs/etc/gone"),
                |m| {
                    m.header[156] = b'3';
                    octal(m, 329, 8, 0);
                    octal(m, 337, 8, 0);
                    m.data.clear();
                },
            ),
        ),
        (
            "no longer opaque",
            "mark",
            found(
                |m| has_xattr(m, "trusted.overlay.opaque"),
                |m| m.pax.retain(|(key, _)| !key.ends_with(b"overlay.opaque")),
            ),
        ),
        (
            "opaque",
            "mark",
            found(
                |m| {
                    m.header[156] == b'5'
                        && !m.path.ends_with(b"/fs/")
                        && !m.path.ends_with(b"/fs")
                        && !has_xattr(m, "trusted.overlay.")
                },
                |m| {
                    m.pax.push((
                        b"SCHILY.xattr.trusted.overlay.opaque".to_vec(),
                        b"y".to_vec(),
                    ));
                },
            ),
        ),
        (
            "redirect",
            "mark",
            found(
                |m| {
                    m.header[156] == b'5'
                        && (m.path.ends_with(b"/fs/srv") || m.path.ends_with(b"/fs/srv/"))
                },
                |m| {
                    m.pax.push((
                        b"SCHILY.xattr.trusted.overlay.redirect".to_vec(),
                        b"/etc".to_vec(),
                    ));
                },
            ),
        ),
        (
            "a hard link parted",
            "hard-link",
            Box::new(|tar| {
                let path = at("1/fs/usr/share/doc/a-again");
                let data = tar.member(&at("1/fs/usr/share/doc/a")).data.clone();
                let member = tar.member(&path);
                assert_eq!(member.header[156], b'1');
                link(member, "");
                member.header[156] = b'0';
                member.data = data;
                "/usr/share/doc/a-again".to_owned()
            }),
        ),
        (
            "removed",
            "missing",
            Box::new(|tar| {
                let index = tar.position(&at("1/fs/etc/gone")).unwrap();
                tar.members.remove(index);
                "/etc/gone".to_owned()
            }),
        ),
        (
            "added",
            "added",
            Box::new(|tar| {
                let mut member = tar.member(&at("1/fs/bin/once")).clone();
                mode(&mut member, 0o4755);
                member.path = at("1/fs/bin/backdoor").into_bytes();
                tar.members.push(member);
                "/bin/backdoor".to_owned()
            }),
        ),
        (
            "whiteout added",
            "whiteout",
            Box::new(|tar| {
                let mut member = tar.member(&at("1/fs/bin/once")).clone();
                member.header[156] = b'3';
                octal(&mut member, 329, 8, 0);
                octal(&mut member, 337, 8, 0);
                member.data.clear();
                member.path = at("1/fs/bin/hides").into_bytes();
                tar.members.push(member);
                "/bin/hides".to_owned()
            }),
        ),
    ]
}

/// Each fault is found and named, in one layer, and nothing else is told.
#[test]
fn each_fault_is_found_and_named() {
    let good = testcase::node("1.7-stopped");
    for (what, how, edit) in faults() {
        let mut tar = good.clone();
        let path = edit(&mut tar);
        let (answer, exit) = of_tar(&tar);
        let told = differences(&answer);
        assert_eq!(exit, Exit::FINDINGS, "{what}: {told:?}");
        let named = told.iter().any(|(_, at, name)| *at == path && name == how);
        assert!(named, "{what}: {how} of {path} is not in {told:?}");
        assert_eq!(told.len(), 1, "{what}: {told:?}");
    }
}

/// A directory that became a link: what it leads to is not taken for the layer.
#[test]
fn a_link_in_place_of_a_directory_is_not_followed() {
    let mut tar = testcase::node("1.7-stopped");
    let etc = at("1/fs/etc");
    let below = format!("{etc}/");
    tar.members.retain(|member| {
        !member.path.starts_with(below.as_bytes()) || member.path == below.as_bytes()
    });
    let member = tar.member(&etc);
    member.header[156] = b'2';
    link(member, "/etc");
    let (answer, exit) = of_tar(&tar);
    assert_eq!(exit, Exit::FINDINGS);
    let told = differences(&answer);
    assert!(
        told.contains(&("overlayfs/1".into(), "/etc".into(), "kind".into())),
        "{told:?}"
    );
    let rest = told.iter().filter(|(_, path, _)| path != "/etc");
    assert!(rest.clone().count() >= 5, "{told:?}");
    assert!(rest.clone().all(|(_, _, how)| how == "missing"), "{told:?}");
}

#[test]
fn a_full_copy_is_compared_with_all_of_its_chain() {
    let mut tar = testcase::node("1.7-stopped");
    let native = "var/lib/containerd/io.containerd.snapshotter.v1.native/snapshots/";
    let tools = tar.paths(native, "/bin/sleeper");
    let first = tools.first().expect("a native layer").clone();
    tar.member(&first).data[7] ^= 1;
    let (answer, exit) = of_tar(&tar);
    let told = differences(&answer);
    assert_eq!((told.len(), exit), (1, Exit::FINDINGS), "{told:?}");
    assert_eq!(
        (told[0].1.as_str(), told[0].2.as_str()),
        ("/bin/sleeper", "content")
    );
    assert!(told[0].0.starts_with("native/"));
}

/// A blob that is not what its image says proves nothing about the directory.
#[test]
fn a_damaged_blob_is_unknown_and_no_difference() {
    let edits: [fn(&mut Vec<u8>); 2] = [
        |data| data.truncate(100),
        |data| {
            let middle = data.len() / 2;
            data[middle] ^= 0x40;
        },
    ];
    for edit in edits {
        let mut tar = testcase::node("1.7-stopped");
        let blobs = tar.paths(
            "var/lib/containerd/io.containerd.content.v1.content/blobs/",
            "",
        );
        let is_gzip =
            |tar: &mut Tar, path: &String| tar.member(path).data.starts_with(&[0x1f, 0x8b]);
        let all: Vec<String> = blobs
            .into_iter()
            .filter(|path| tar.position(path).is_some() && is_gzip(&mut tar, path))
            .collect();
        for path in &all {
            edit(&mut tar.member(path).data);
        }
        let (answer, exit) = of_tar(&tar);
        assert_eq!(differences(&answer), []);
        assert_eq!(exit, Exit::UNREAD);
        let layers = answer["answer"]["layers"].as_array().unwrap();
        let unknown = |layer: &&Value| !layer["unknown"].as_array().unwrap().is_empty();
        assert!(layers.iter().filter(unknown).count() >= 1);
    }
}

/// Only the layers of one container are read.
#[test]
fn a_name_restricts_it_to_its_own_layers() {
    let path = testcase::testdata().join("nodes/1.7-stopped/node.tar.zst");
    let (all, _) = verify(&path, &[]);
    let (some, exit) = verify(&path, &["default/sleeper"]);
    let count = |answer: &Value| answer["answer"]["layers"].as_array().unwrap().len();
    assert_eq!(exit, Exit::CLEAN);
    assert!(count(&some) > 0 && count(&some) < count(&all));
    let words = ["snapshots", "verify", path.to_str().unwrap(), "nobody"];
    assert_eq!(try_run(&TOOL, words).1, Exit::USAGE);
}
