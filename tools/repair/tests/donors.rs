//! Blobs that come from another store, by their digests.

#![expect(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    reason = "a test may fail, and reads what it wrote"
)]

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use cli::{Exit, try_run};
use coroner_repair::TOOL;

const META: &str = "var/lib/containerd/io.containerd.metadata.v1.bolt/meta.db";
const CONTENT: &str = "var/lib/containerd/io.containerd.content.v1.content";

fn run(words: &[&OsStr]) -> (String, Exit) {
    let head = [OsStr::new("repair")];
    try_run(&TOOL, head.iter().chain(words).copied())
}

fn tar(how: &[&str], file: &Path, folder: &Path) {
    let mut command = Command::new("tar");
    let command = command.args(how).arg(file).arg("-C").arg(folder);
    let command = if how == ["-cf"] {
        command.arg(".")
    } else {
        command
    };
    // Devices are for root alone: they are left out otherwise.
    assert!(command.output().is_ok());
}

/// The bytes of every blob.
fn blobs(node: &Path) -> BTreeMap<String, Vec<u8>> {
    let folder = node.join(CONTENT).join("blobs/sha256");
    let entries = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path());
    entries
        .map(|path| {
            let name = path.file_name().unwrap().to_str().unwrap().to_owned();
            (name, fs::read(path).unwrap())
        })
        .collect()
}

/// Takes every third blob away, of each kind, and cuts another one.
fn lose(node: &Path) -> Vec<String> {
    let folder = node.join(CONTENT).join("blobs/sha256");
    let mut lost: Vec<String> = blobs(node).into_keys().collect();
    lost.retain(|name| name.bytes().next().unwrap() % 3 == 0);
    for name in &lost {
        fs::remove_file(folder.join(name)).unwrap();
    }
    assert!(lost.len() > 5, "{lost:?}");
    lost
}

/// Plans with `--from`, and applies it.
fn repaired(node: &Path, from: &Path) -> (String, Exit) {
    let words: [&OsStr; 4] = [
        "plan".as_ref(),
        node.as_os_str(),
        "--from".as_ref(),
        from.as_os_str(),
    ];
    let (text, exit) = run(&words);
    if exit != Exit::FINDINGS {
        return (text, exit);
    }
    let file = tempfile::NamedTempFile::new().unwrap();
    fs::write(file.path(), &text).unwrap();
    let (said, exit) = run(&["apply".as_ref(), file.path().as_os_str(), "--copy".as_ref()]);
    (format!("{text}{said}"), exit)
}

/// The same blobs, as another node, an OCI layout, an archive of one, and an archive of docker's old kind.
fn donors(folder: &Path) -> Vec<PathBuf> {
    let node = folder.join("node");
    fs::create_dir(&node).unwrap();
    let packed = folder.join("packed.tar");
    fs::write(&packed, testcase::node("1.7-stopped").write()).unwrap();
    tar(&["-xf"], &packed, &node);
    let layout = folder.join("layout");
    fs::create_dir_all(layout.join("blobs/sha256")).unwrap();
    fs::write(
        layout.join("oci-layout"),
        r#"{"imageLayoutVersion":"1.0.0"}"#,
    )
    .unwrap();
    fs::write(
        layout.join("index.json"),
        r#"{"schemaVersion":2,"manifests":[]}"#,
    )
    .unwrap();
    let old = folder.join("old");
    fs::create_dir(&old).unwrap();
    fs::write(old.join("manifest.json"), "[]").unwrap();
    for (number, (name, bytes)) in blobs(&node).into_iter().enumerate() {
        fs::write(layout.join("blobs/sha256").join(&name), &bytes).unwrap();
        if bytes.starts_with(b"{") {
            fs::write(old.join(format!("{number}.json")), &bytes).unwrap();
        } else {
            fs::create_dir(old.join(number.to_string())).unwrap();
            fs::write(old.join(number.to_string()).join("layer.tar"), &bytes).unwrap();
        }
    }
    let (archive, docker) = (folder.join("layout.tar"), folder.join("docker.tar"));
    tar(&["-cf"], &archive, &layout);
    tar(&["-cf"], &docker, &old);
    vec![node, layout, archive, docker]
}

#[test]
fn blobs_come_from_any_store_that_has_them() {
    let folder = tempfile::tempdir().unwrap();
    for (number, donor) in donors(folder.path()).into_iter().enumerate() {
        // With meta.db, and without.
        let is_lost = number % 2 == 0;
        let mine = testcase::node("1.7-stopped").unpacked();
        let node = mine.path();
        let before = blobs(node);
        let lost = lose(node);
        if is_lost {
            fs::remove_file(node.join(META)).unwrap();
        }
        let (text, exit) = repaired(node, &donor);
        assert_eq!(exit, Exit::REPAIRED, "{}: {text}", donor.display());
        let after = blobs(node);
        for name in &lost {
            // What an image needs: its documents may have been lost with meta.db.
            let is_there = after.contains_key(name);
            assert!(is_there || is_lost, "{}: {name}", donor.display());
        }
        for (name, bytes) in &after {
            assert_eq!(before.get(name), Some(bytes), "{}: {name}", donor.display());
        }
        assert!(
            after.len() > before.len() - lost.len(),
            "{}",
            donor.display()
        );
        let (again, _) = run(&[node.as_os_str()]);
        assert!(
            again.starts_with("Nothing to repair"),
            "{}: {again}",
            donor.display()
        );
        let (said, exit) = run(&["undo".as_ref(), node.as_os_str(), "--copy".as_ref()]);
        assert_eq!(exit, Exit::REPAIRED, "{said}");
        assert_eq!(blobs(node).len(), before.len() - lost.len());
    }
}

#[test]
fn a_blob_that_is_not_what_its_name_says_is_not_taken() {
    let folder = tempfile::tempdir().unwrap();
    let layout = donors(folder.path()).into_iter().nth(1).unwrap();
    let mine = testcase::node("1.7-stopped").unpacked();
    let lost = lose(mine.path());
    for name in &lost {
        fs::write(layout.join("blobs/sha256").join(name), b"{}").unwrap();
    }
    let words: [&OsStr; 4] = [
        "plan".as_ref(),
        mine.path().as_os_str(),
        "--from".as_ref(),
        layout.as_os_str(),
    ];
    let (text, _) = run(&words);
    let plan: serde_json::Value = serde_json::from_str(&text).unwrap();
    let steps = plan["steps"].as_array().unwrap();
    let copied = steps
        .iter()
        .filter(|step| step["made_of"]["kind"] == "copy");
    let copied: Vec<&str> = copied
        .map(|step| step["sha256"].as_str().unwrap())
        .collect();
    assert!(
        copied
            .iter()
            .all(|name| !lost.iter().any(|lost| lost == name)),
        "{copied:?}"
    );
}

#[test]
fn a_store_that_changed_since_the_plan_changes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let layout = donors(folder.path()).into_iter().nth(1).unwrap();
    let mine = testcase::node("1.7-stopped").unpacked();
    let node = mine.path();
    let lost = lose(node);
    let words: [&OsStr; 4] = [
        "plan".as_ref(),
        node.as_os_str(),
        "--from".as_ref(),
        layout.as_os_str(),
    ];
    let (text, _) = run(&words);
    let file = tempfile::NamedTempFile::new().unwrap();
    fs::write(file.path(), &text).unwrap();
    fs::remove_file(layout.join("blobs/sha256").join(&lost[0])).unwrap();
    fs::remove_file(layout.join("blobs/sha256").join(&lost[1])).unwrap();
    let before = blobs(node);
    let (said, exit) = run(&["apply".as_ref(), file.path().as_os_str(), "--copy".as_ref()]);
    assert_eq!(exit, Exit::UNREAD, "{said}");
    assert_eq!(blobs(node), before);
}

#[test]
fn what_is_no_store_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let mine = testcase::node("1.7-stopped").unpacked();
    let (text, exit) = repaired(mine.path(), folder.path());
    assert_eq!(exit, Exit::UNREAD, "{text}");
    assert!(text.contains("no blobs were found"), "{text}");
}

/// Makes every layer's blob a write that was not committed.
fn uncommit(node: &Path) {
    let content = node.join(CONTENT);
    for (name, bytes) in blobs(node) {
        if bytes.starts_with(b"{") {
            continue;
        }
        let ingest = content.join("ingest").join(&name);
        fs::create_dir_all(&ingest).unwrap();
        fs::rename(
            content.join("blobs/sha256").join(&name),
            ingest.join("data"),
        )
        .unwrap();
        fs::write(ingest.join("ref"), format!("default/9/layer-sha256:{name}")).unwrap();
        fs::write(ingest.join("total"), bytes.len().to_string()).unwrap();
        for time in ["startedat", "updatedat"] {
            fs::write(ingest.join(time), "2026-01-01T00:00:00.000000001Z").unwrap();
        }
    }
}

#[test]
fn a_layer_whose_blob_was_not_committed_is_unpacked_by_the_first_plan() {
    let mine = testcase::node("1.7-stopped").unpacked();
    let node = mine.path();
    uncommit(node);
    let layer = "io.containerd.snapshotter.v1.overlayfs/snapshots/1";
    fs::remove_dir_all(node.join("var/lib/containerd").join(layer)).unwrap();
    let (text, _) = run(&["plan".as_ref(), node.as_os_str()]);
    let plan: serde_json::Value = serde_json::from_str(&text).unwrap();
    let steps = plan["steps"].as_array().unwrap();
    let step = steps.iter().find(|step| step["path"] == layer);
    let blob = step.unwrap()["made_of"]["blob"].as_str().unwrap();
    assert!(
        blob.contains("/ingest/") && blob.ends_with("/data"),
        "{blob}"
    );
    assert!(
        steps.iter().any(|step| step["made_of"]["kind"] == "link"),
        "{text}"
    );
}
