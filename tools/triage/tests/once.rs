//! One fault is one finding, with everything that it affects, on cases in which it is felt in many
//! places.

#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    reason = "tests panic where something is wrong"
)]

use std::collections::BTreeSet;

use cli::try_run;
use coroner_triage::TOOL;
use serde_json::Value;
use testcase::Tar;

const NODE: &str = "1.7-rebooted";
const OVERLAYFS: &str = "var/lib/containerd/io.containerd.snapshotter.v1.overlayfs/";
const BLOBS: &str = "var/lib/containerd/io.containerd.content.v1.content/blobs/";

/// What is above a note in a triage of the disk that this tar holds.
///
/// As a directory with the system's programs: of an empty folder in a copy nobody knows whether it was
/// empty. Without `/run`, as after a reboot, and without the layers' files, at which a triage does not look.
fn findings(tar: &Tar, options: &[&str]) -> Vec<Value> {
    let folder = tempfile::tempdir().expect("folder");
    for member in &tar.members {
        let path = String::from_utf8_lossy(&member.path).into_owned();
        let path = path.trim_end_matches('/');
        if path.starts_with("run/") || path.contains("/fs/") || path.contains("/work/") {
            continue;
        }
        let path = folder.path().join(path);
        match member.header[156] {
            b'5' => std::fs::create_dir_all(&path).expect("folder"),
            b'0' => {
                std::fs::create_dir_all(path.parent().expect("folder")).expect("folder");
                std::fs::write(&path, &member.data).expect("file");
            }
            _ => {}
        }
    }
    let programs = folder.path().join("usr/bin");
    std::fs::create_dir_all(&programs).expect("folder");
    for name in ["env", "kubelet"] {
        std::fs::write(programs.join(name), b"#!").expect("file");
    }
    let path = folder.path().to_str().expect("path");
    let words = [&["triage", "--format", "json"], options, &[path]].concat();
    let (text, _) = try_run(&TOOL, words);
    let json: Value = serde_json::from_str(&text).unwrap_or_else(|e| panic!("{e}: {text}"));
    let all = json["answer"]["findings"]
        .as_array()
        .expect("findings")
        .iter();
    all.filter(|finding| finding["severity"] != "note")
        .cloned()
        .collect()
}

/// The only finding that edits of the healthy node give, and the kinds of objects that it affects.
fn only(code: &str, edit: impl FnOnce(&mut Tar)) -> (Value, BTreeSet<String>) {
    only_with(&[], code, edit)
}

fn only_with(
    options: &[&str],
    code: &str,
    edit: impl FnOnce(&mut Tar),
) -> (Value, BTreeSet<String>) {
    let mut tar = testcase::node(NODE);
    edit(&mut tar);
    let found = findings(&tar, options);
    let [one] = found.as_slice() else {
        panic!("{code}: {found:#?}");
    };
    assert_eq!(one["code"], code);
    let affects = one["affects"].as_array().expect("affects").iter();
    let kinds = affects.filter_map(|object| object["kind"].as_str().map(str::to_owned));
    (one.clone(), kinds.collect())
}

fn kinds(names: &[&str]) -> BTreeSet<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

#[test]
fn a_layer_that_images_share() {
    // The layer of images.example/base:1, on which all others but one stand.
    let path =
        format!("{BLOBS}sha256/f88f45de1714f445a87aa1e4b561c6c3c2d4b9d681af073ac9463c41a5f2c119");
    let (finding, affected) = only("blob/missing", |tar| {
        let at = tar.position(&path).expect("the layer");
        tar.members.remove(at);
    });
    assert_eq!(affected, kinds(&["image"]));
    let images = finding["affects"].as_array().expect("images");
    assert_eq!(images.len(), 10, "{images:#?}");
}

#[test]
fn a_blob_that_was_cut() {
    // Its bytes have another digest, too; that is the same fault.
    let path =
        format!("{BLOBS}sha256/f88f45de1714f445a87aa1e4b561c6c3c2d4b9d681af073ac9463c41a5f2c119");
    let (_, affected) = only_with(&["--hash"], "blob/size", |tar| {
        tar.member(&path).data.truncate(100);
    });
    assert_eq!(affected, kinds(&["image"]));
}

#[test]
fn folders_that_are_gone() {
    let empty = |tar: &mut Tar, folder: &str| {
        tar.members.retain(|member| {
            let below = member.path.strip_prefix(folder.as_bytes());
            below.is_none_or(<[u8]>::is_empty)
        });
    };
    let (_, affected) = only("blob/missing", |tar| empty(tar, &format!("{BLOBS}sha256/")));
    assert_eq!(affected, kinds(&["image"]));
    let folder = format!("{OVERLAYFS}snapshots/");
    let (_, affected) = only("snapshot/directory-missing", |tar| empty(tar, &folder));
    assert_eq!(affected, kinds(&["container", "image", "pod", "snapshot"]));
}

#[test]
fn a_database_that_is_lost() {
    let (_, affected) = only("store/metadata-broken", |tar| {
        tar.member(&format!("{OVERLAYFS}metadata.db")).data.clear();
    });
    assert_eq!(affected, kinds(&["container", "image", "pod"]));
}

#[test]
fn a_page_that_holds_a_bucket() {
    let (finding, affected) = only("bolt/page-zero", |tar| {
        // A leaf of `v1 > snapshots`.
        let data = &mut tar.member(&format!("{OVERLAYFS}metadata.db")).data;
        data[6 * 4096..7 * 4096].fill(0);
    });
    assert_eq!(finding["location"]["places"][1]["name"], "v1");
    assert!(
        affected.contains("container") && affected.contains("image"),
        "{affected:?}"
    );
}

#[test]
fn a_page_of_meta_db() {
    // Which rows the bucket held is not known: its namespace is named, and no image.
    let (finding, affected) = only("bolt/page-zero", |tar| {
        let path = "var/lib/containerd/io.containerd.metadata.v1.bolt/meta.db";
        // v1 > default > images
        tar.member(path).data[29 * 4096..30 * 4096].fill(0);
    });
    assert_eq!(affected, kinds(&["namespace"]));
    assert_eq!(finding["affects"][0]["name"], "default");
}

#[test]
fn a_database_that_was_cut() {
    // The root of the tree and the pages below lie behind the end; that is not one fault each.
    let (finding, _) = only("bolt/file-short", |tar| {
        tar.member(&format!("{OVERLAYFS}metadata.db"))
            .data
            .truncate(8192);
    });
    assert_eq!(finding["severity"], "fatal");
}

#[test]
fn a_sector_of_a_page_that_holds_records() {
    // Headers of inline buckets, keys out of order, rows of nobody: one page is damaged.
    let (finding, affected) = only("bolt/inline-header", |tar| {
        let data = &mut tar.member(&format!("{OVERLAYFS}metadata.db")).data;
        data[5 * 4096 + 512..5 * 4096 + 1024].fill(0);
    });
    let message = finding["message"].as_str().expect("message");
    assert!(message.contains("more faults of this page"), "{message}");
    assert!(affected.contains("container"), "{affected:?}");
}

#[test]
fn the_folder_of_the_cri() {
    let folder = "var/lib/containerd/io.containerd.grpc.v1.cri/containers/";
    let (finding, affected) = only("runtime/status-dir-missing", |tar| {
        tar.members.retain(|member| {
            let below = member.path.strip_prefix(folder.as_bytes());
            below.is_none_or(<[u8]>::is_empty)
        });
    });
    assert_eq!(affected, kinds(&["container"]));
    assert_eq!(finding["affects"].as_array().expect("containers").len(), 4);
}
