//! Secrets in every place and form that a bundle has: none is left in a masked one.
#![allow(
    clippy::unwrap_used,
    clippy::arithmetic_side_effects,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    clippy::disallowed_types,
    clippy::print_stderr,
    clippy::cast_possible_truncation,
    clippy::as_conversions,
    clippy::format_push_string,
    reason = "a test may fail, and makes the evidence that it reads"
)]

#[path = "../../../formats/redact/tests/planted/plants.rs"]
mod planted;

use std::path::Path;
use std::process::Command;

use planted::{
    FIFTH, FILES, OTHERS, PUBLISHED, Secrets, UNREAD, found, plant_database, plant_leftovers,
    samples,
};

/// Everything in a bundle: as it is packed, as a tar, each member, and what a member has inflated.
fn pieces(bundle: &[u8]) -> Vec<(String, Vec<u8>)> {
    let tar = zstd::decode_all(bundle).unwrap();
    let mut pieces = Vec::new();
    for member in testcase::Tar::read_tar(&tar).members {
        if member.data.starts_with(b"\x1f\x8b") {
            use std::io::Read as _;
            let mut inflated = Vec::new();
            let _cut =
                flate2::read::GzDecoder::new(member.data.as_slice()).read_to_end(&mut inflated);
            pieces.push(("inflated".to_owned(), inflated));
        }
        pieces.push((
            String::from_utf8_lossy(&member.path).into_owned(),
            member.data,
        ));
    }
    pieces.push(("the tar".to_owned(), tar));
    pieces.push(("the bundle".to_owned(), bundle.to_vec()));
    pieces
}

/// A node with secrets in all files of `list`.
fn plant(node: &str, list: &str, secrets: &mut Secrets) -> (testcase::Tar, Vec<String>) {
    let mut tar = testcase::node(node);
    let mut added = Vec::new();
    for (path, text) in samples(list) {
        let bytes = secrets.fill(path, text);
        tar.remove(path);
        tar.add(path, &bytes);
        added.push(format!("/{path}"));
    }
    (tar, added)
}

fn collect(tar: &testcase::Tar, added: &[String], work: &Path, more: &[&str]) -> Vec<u8> {
    let (node, bundle) = (work.join("node.tar"), work.join("node.tar.zst"));
    std::fs::write(&node, tar.write()).unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_coroner-collect"));
    command
        .arg(&node)
        .arg("-o")
        .arg(&bundle)
        .arg("--redact")
        .args(more);
    for path in added {
        command.arg("--add").arg(path);
    }
    let done = command.output().unwrap();
    let said = String::from_utf8_lossy(&done.stderr).into_owned();
    assert!(matches!(done.status.code(), Some(0 | 8)), "{said}");
    let bytes = std::fs::read(&bundle).unwrap();
    std::fs::remove_file(&bundle).unwrap();
    bytes
}

fn none_is_left(
    samples: &str,
    node: &str,
    secrets: &mut Secrets,
    edit: impl FnOnce(&mut testcase::Tar, &mut Secrets),
) {
    let work = tempfile::tempdir().unwrap();
    let (mut tar, added) = plant(node, samples, secrets);
    edit(&mut tar, secrets);
    for more in [&[][..], &["--keep-deleted"]] {
        let bundle = collect(&tar, &added, work.path(), more);
        let pieces = pieces(&bundle);
        let left = found(&secrets.all, &pieces);
        for (place, secret, where_) in &left {
            eprintln!("{place}: {secret} in {where_}");
        }
        let count = secrets.all.len();
        assert!(
            left.is_empty(),
            "{node} {more:?}: {} of {count} are left",
            left.len()
        );
    }
    assert!(secrets.all.len() >= 200, "{}", secrets.all.len());
}

#[test]
fn no_secret_of_two_hundred_is_left_in_a_node_of_any_release() {
    for (seed, node) in [(1, "1.6-stopped"), (2, "1.7-running"), (3, "2.1-running")] {
        let mut secrets = Secrets {
            seed,
            ..Secrets::default()
        };
        none_is_left(FILES, node, &mut secrets, |tar, secrets| {
            let path = "var/lib/containerd/io.containerd.metadata.v1.bolt/meta.db";
            let whole = tar.member(path).data.clone();
            tar.add(
                &path.replace("meta.db", "old.db"),
                &plant_leftovers(whole.clone(), secrets),
            );
            tar.member(path).data = plant_database(&whole, secrets);
            for name in [
                "etc/cni/net.d/token-{S}.conf",
                "etc/containerd/certs.d/u:{S}@r.example/x.toml",
                "run/containerd/password={S}",
            ] {
                let path = String::from_utf8(secrets.fill("a name", name)).unwrap();
                if path.matches('/').count() == name.matches('/').count() {
                    tar.add(&path, b"");
                } else {
                    secrets.all.pop();
                }
            }
            let noted = secrets.next("an attribute").into_bytes();
            let member = tar.member("etc/containerd/config.toml");
            member.pax.push((b"SCHILY.xattr.user.note".to_vec(), noted));
        });
    }
}

/// Samples of configurations that people published, put in after the rules were written; and known fields
/// and files that hold something else.
#[test]
fn no_secret_is_left_in_files_that_the_rules_were_not_written_for() {
    let lists = [
        ("2.1-stopped", PUBLISHED),
        ("1.6-running", UNREAD),
        ("1.7-stopped", OTHERS),
        ("1.7-stopped", FIFTH),
    ];
    for (node, list) in lists {
        let mut secrets = Secrets {
            seed: 9,
            ..Secrets::default()
        };
        let work = tempfile::tempdir().unwrap();
        let (tar, added) = plant(node, list, &mut secrets);
        if list == OTHERS || list == FIFTH {
            // An id, a digest and a UUID are no secrets in a field that holds one.
            let is_id = |byte: u8| byte == b'-' || byte.is_ascii_hexdigit();
            secrets.all.retain(|(_, secret)| !secret.bytes().all(is_id));
        }
        let pieces = pieces(&collect(&tar, &added, work.path(), &[]));
        let left = found(&secrets.all, &pieces);
        for (place, secret, where_) in &left {
            eprintln!("{place}: {secret} in {where_}");
        }
        let count = secrets.all.len();
        assert!(
            left.is_empty(),
            "{node}: {} of {count} are left",
            left.len()
        );
    }
}

/// What an archive holds is searched for secrets as far as its size allows; what is beyond is left out.
#[test]
fn what_cannot_be_searched_is_left_out() {
    let mut tar = testcase::node("1.7-stopped");
    let place = "run/containerd/io.containerd.runtime.v2.task/default";
    let text = format!(
        r#"{{"process":{{"args":["/bin/app",{}"hunter2"]}}}}"#,
        r#""hunter2","#.repeat(300_000)
    );
    for name in ["sleeper", "once", "paused", "fresh"] {
        tar.member(&format!("{place}/{name}/config.json")).data = text.clone().into_bytes();
    }
    let work = tempfile::tempdir().unwrap();
    let (node, bundle) = (work.path().join("node.tar.zst"), work.path().join("bundle"));
    std::fs::write(&node, zstd::encode_all(tar.write().as_slice(), 3).unwrap()).unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_coroner-collect"));
    command.arg(&node).arg("-o").arg(&bundle).arg("--redact");
    let done = command.output().unwrap();
    assert!(matches!(done.status.code(), Some(0 | 8)), "{done:?}");
    let packed = zstd::decode_all(std::fs::read(&bundle).unwrap().as_slice()).unwrap();
    let members = testcase::Tar::read_tar(&packed).members;
    let large: Vec<_> = members
        .iter()
        .filter(|member| member.data.len() == text.len())
        .collect();
    assert!((1..4).contains(&large.len()), "{}", large.len());
    for member in large {
        let hides = !member.data.windows(7).any(|part| part == b"hunter2");
        assert!(hides, "{}", String::from_utf8_lossy(&member.path));
    }
}
