//! Unknown is not absent: where a part of meta.db cannot be read, nothing is called missing, orphaned
//! or unknown for what that part may have held; the report says what it abstained from.

#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::as_conversions,
    clippy::cast_possible_truncation,
    clippy::disallowed_methods,
    reason = "tests panic where something is wrong"
)]

use cli::{Exit, try_run};
use coroner_triage::TOOL;
use serde_json::Value;
use testcase::Tar;

const META: &str = "var/lib/containerd/io.containerd.metadata.v1.bolt/meta.db";
const PAGE: usize = 4096;

/// Codes that conclude from what meta.db does not have, and the part that they need.
const BLOBS: &[&str] = &[
    "blob/unknown",
    "image/target-missing",
    "image/content-missing",
];
const SNAPSHOTS: &[&str] = &[
    "snapshot/backend-unknown",
    "container/snapshot-gone",
    "snapshot/parent-missing",
];
const INGESTS: &[&str] = &["ingest/unknown"];
const IMAGES: &[&str] = &["container/image-gone"];
const CONTAINERS: &[&str] = &["cri/sandbox-gone", "runtime/status-orphan"];

fn list(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

fn triage(tar: &Tar) -> (Value, Exit) {
    let folder = tempfile::tempdir().expect("folder");
    let path = folder.path().join("node.tar");
    std::fs::write(&path, tar.write()).expect("tar");
    let path = path.to_str().expect("path");
    let (text, exit) = try_run(&TOOL, ["triage", "--format", "json", "--hash", path]);
    let json: Value = serde_json::from_str(&text).unwrap_or_else(|e| panic!("{e}: {text}"));
    (json["answer"].clone(), exit)
}

/// Nothing of `silent` is said that the healthy capture does not say, and each is abstained from.
fn is_silent(what: &str, healthy: &Value, tar: &Tar, silent: &[&str]) {
    let (answer, exit) = triage(tar);
    assert!(exit.has(Exit::UNREAD), "{what}: exit {}", exit.0);
    let count = |answer: &Value, code: &str| {
        list(&answer["findings"])
            .iter()
            .filter(|finding| finding["code"] == code)
            .count()
    };
    for code in silent {
        let said = count(&answer, code);
        assert!(said <= count(healthy, code), "{what}: {code} is said");
    }
    let coverage = &answer["coverage"];
    let hidden = list(&coverage["unknown"]).len() + list(&coverage["unread"]).len();
    assert!(hidden > 0, "{what}: nothing is unknown");
    assert_ne!(answer["verdict"]["start"], "yes", "{what}");
}

/// Whether the report says that it abstained from each of `codes`.
fn abstains(what: &str, tar: &Tar, codes: &[&str]) {
    let (answer, _) = triage(tar);
    let abstained = list(&answer["coverage"]["abstained"]);
    for code in codes {
        assert!(
            abstained.iter().any(|each| each["code"] == *code),
            "{what}: nothing is said of {code}: {abstained:#?}"
        );
    }
}

fn number(page: &[u8], at: usize, bytes: usize) -> u64 {
    page[at..at + bytes]
        .iter()
        .rev()
        .fold(0, |all, byte| all << 8 | u64::from(*byte))
}

/// The newest root page of a database.
fn root(data: &[u8]) -> u64 {
    let meta = |at: usize| (number(data, at + 64, 8), number(data, at + 32, 8));
    let (one, two) = (meta(0), meta(PAGE));
    if one.0 > two.0 { one.1 } else { two.1 }
}

/// The root page of the bucket at `path`, where every bucket on the way has pages of its own.
fn page_of(data: &[u8], path: &[&str]) -> u64 {
    let mut id = root(data);
    for name in path {
        // Down the branches, then along the leaf.
        loop {
            let at = id as usize * PAGE;
            let page = &data[at..];
            let (flags, count) = (number(page, 8, 2), number(page, 10, 2) as usize);
            let element = |index: usize| 16 + index * 16;
            if flags == 1 {
                let key = |index: usize| {
                    let at = element(index);
                    let start = at + number(page, at, 4) as usize;
                    &page[start..start + number(page, at + 4, 4) as usize]
                };
                let after = (0..count)
                    .take_while(|index| key(*index) <= name.as_bytes())
                    .count();
                id = number(page, element(after.saturating_sub(1)) + 8, 8);
                continue;
            }
            let found = (0..count).map(element).find_map(|at| {
                let start = at + number(page, at + 4, 4) as usize;
                let key = number(page, at + 8, 4) as usize;
                (&page[start..start + key] == name.as_bytes()).then(|| number(page, start + key, 8))
            });
            id = found.unwrap_or_else(|| panic!("no bucket {name} of {path:?}"));
            break;
        }
    }
    id
}

fn without(capture: &str, path: &[&str]) -> Tar {
    let mut tar = testcase::node(capture);
    let data = &mut tar.member(META).data;
    let at = page_of(data, path) as usize * PAGE;
    assert!(at > 0, "{path:?} is inline");
    data[at..at + PAGE].fill(0);
    tar
}

const CAPTURES: [&str; 4] = ["1.6-stopped", "1.7-stopped", "2.1-stopped", "1.7-killed"];

#[test]
fn a_zeroed_page_hides_what_it_held() {
    let all = [BLOBS, SNAPSHOTS, INGESTS, IMAGES, CONTAINERS].concat();
    for capture in CAPTURES {
        let (healthy, _) = triage(&testcase::node(capture));
        for (path, silent, abstained) in [
            (
                &["v1", "default", "content", "blob"][..],
                BLOBS,
                &[
                    "blob/unknown",
                    "image/target-missing",
                    "image/content-missing",
                ][..],
            ),
            (
                &["v1", "default", "content"],
                &[BLOBS, INGESTS].concat(),
                &["blob/unknown", "ingest/unknown"],
            ),
            (
                &["v1", "default", "snapshots"],
                SNAPSHOTS,
                &["snapshot/backend-unknown"],
            ),
            (
                &["v1", "default", "snapshots", "overlayfs"],
                SNAPSHOTS,
                &["snapshot/backend-unknown"],
            ),
            (
                &["v1", "default", "images"],
                IMAGES,
                &["container/image-gone"],
            ),
            (
                &["v1", "k8s.io", "containers"],
                CONTAINERS,
                &["cri/sandbox-gone"],
            ),
            (
                &["v1", "default"],
                &all,
                &["blob/unknown", "snapshot/backend-unknown", "ingest/unknown"],
            ),
            (
                &["v1", "k8s.io"],
                &all,
                &["blob/unknown", "snapshot/backend-unknown", "ingest/unknown"],
            ),
            (
                &["v1"],
                &all,
                &["blob/unknown", "snapshot/backend-unknown", "ingest/unknown"],
            ),
        ] {
            let what = format!("{capture} without {path:?}");
            let tar = without(capture, path);
            is_silent(&what, &healthy, &tar, silent);
            abstains(&what, &tar, abstained);
        }
    }
}

#[test]
fn a_file_without_a_tree_hides_everything() {
    let all = [BLOBS, SNAPSHOTS, INGESTS, IMAGES, CONTAINERS].concat();
    let abstained = ["blob/unknown", "snapshot/backend-unknown", "ingest/unknown"];
    for capture in CAPTURES {
        let (healthy, _) = triage(&testcase::node(capture));
        let sizes = [1, 100, PAGE, 2 * PAGE, 5 * PAGE];
        let mut damages: Vec<(String, Tar)> = Vec::new();
        for size in sizes {
            let mut tar = testcase::node(capture);
            tar.member(META).data.truncate(size);
            damages.push((format!("{capture} cut to {size}"), tar));
        }
        let mut tar = testcase::node(capture);
        tar.member(META).data[..2 * PAGE].fill(0);
        damages.push((format!("{capture} without metas"), tar));
        let mut tar = testcase::node(capture);
        tar.member(META).data.fill(0xff);
        damages.push((format!("{capture} of ones"), tar));
        for (kind, link) in [(b'6', ""), (b'2', "/etc/passwd"), (b'5', "")] {
            let mut tar = testcase::node(capture);
            tar.remove(META);
            tar.push(META, kind, link, b"");
            damages.push((format!("{capture} with a member of type {kind}"), tar));
        }
        for (what, tar) in damages {
            is_silent(&what, &healthy, &tar, &all);
            abstains(&what, &tar, &abstained);
        }
    }
}

#[test]
fn a_damaged_metadata_db_makes_no_directory_unknown() {
    let path = "var/lib/containerd/io.containerd.snapshotter.v1.overlayfs/metadata.db";
    for capture in CAPTURES {
        let (healthy, _) = triage(&testcase::node(capture));
        let mut zeroed = testcase::node(capture);
        let data = &mut zeroed.member(path).data;
        let at = page_of(data, &["v1", "snapshots"]) as usize * PAGE;
        data[at..at + PAGE].fill(0);
        let mut broken = testcase::node(capture);
        broken.member(path).data[..2 * PAGE].fill(0);
        let silent = ["snapshot/directory-unknown", "snapshot/backend-missing"];
        for (what, tar) in [("a page", &zeroed), ("the metas", &broken)] {
            let what = format!("{capture} without {what} of metadata.db");
            is_silent(&what, &healthy, tar, &silent);
            abstains(&what, tar, &silent);
        }
    }
}
