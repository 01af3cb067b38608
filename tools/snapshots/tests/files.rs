//! What `files`, `cat` and `diff` say of the captures, against what the kernel's own mounts showed
//! when these were taken.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    reason = "a test may fail"
)]

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::PathBuf;
use std::process::Command;

use cli::Exit;
use coroner_snapshots::TOOL;
use serde_json::Value;

fn capture(name: &str) -> PathBuf {
    testcase::testdata().join("nodes").join(name)
}

fn run(args: &[&str], capture: &std::path::Path, rest: &[&str]) -> (String, Exit) {
    let mut all: Vec<OsString> = ["snapshots"]
        .iter()
        .chain(args)
        .map(OsString::from)
        .collect();
    all.push(capture.join("node.tar.zst").into());
    all.extend(rest.iter().map(OsString::from));
    cli::try_run(&TOOL, all)
}

fn lines(text: &str) -> Vec<Value> {
    text.lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

/// The mounts of a capture that the kernel was asked about: (namespace/id, entries).
fn truth(capture: &std::path::Path) -> Vec<(String, Vec<Value>)> {
    let text = std::fs::read(capture.join("truth.json")).unwrap();
    let truth: Value = serde_json::from_slice(&text).unwrap();
    let merged = truth["merged"].as_object().unwrap();
    let name = |path: &String| {
        let names: Vec<&str> = path.rsplit('/').collect();
        format!("{}/{}", names[2], names[1])
    };
    merged
        .iter()
        .map(|(path, entries)| (name(path), entries.as_array().unwrap().clone()))
        .collect()
}

/// What is compared of a file that the kernel showed.
fn wanted(entry: &Value) -> String {
    let kind = match entry["type"].as_str().unwrap() {
        "directory" => "dir",
        "regular file" | "regular empty file" => "file",
        "symbolic link" => "symlink",
        other => other,
    };
    let mut xattrs: BTreeMap<&String, String> = BTreeMap::new();
    for (name, value) in entry["xattrs"].as_object().unwrap() {
        let value = value.as_str().unwrap();
        let value = value.strip_prefix("0x").unwrap_or(value);
        xattrs.insert(name, value.to_owned());
    }
    let size = if kind == "file" {
        &entry["size"]
    } else {
        &Value::Null
    };
    let (target, sha256) = (&entry["target"], &entry["sha256"]);
    format!(
        "{kind} {} {} {} {size} {target} {sha256} {xattrs:?} {}",
        entry["mode"],
        entry["uid"],
        entry["gid"],
        seconds(entry["mtime"].as_str().unwrap()),
    )
}

fn seconds(mtime: &str) -> String {
    let (seconds, nanos) = mtime.split_once('.').unwrap_or((mtime, "0"));
    let nanos: u32 = format!("{nanos:0<9}").parse().unwrap();
    finding::Time::new(seconds.parse().unwrap(), nanos).to_string()
}

fn found(row: &Value) -> String {
    let kind = row["kind"].as_str().unwrap();
    let xattrs: BTreeMap<&String, String> = row["xattrs"]
        .as_object()
        .unwrap()
        .iter()
        .map(|(name, value)| (name, value.as_str().unwrap().to_owned()))
        .collect();
    let size = if kind == "file" {
        &row["size"]
    } else {
        &Value::Null
    };
    let (target, sha256) = (&row["target"], &row["sha256"]);
    format!(
        "{kind} {} {} {} {size} {target} {sha256} {xattrs:?} {}",
        row["mode"],
        row["uid"],
        row["gid"],
        row["mtime"].as_str().unwrap(),
    )
}

/// Below these the runtime mounts, and the truth was taken with those mounts in place.
fn is_mounted_over(path: &str) -> bool {
    let first = path
        .trim_start_matches('/')
        .split('/')
        .next()
        .unwrap_or_default();
    matches!(first, "proc" | "dev" | "sys" | "run")
}

#[test]
fn files_are_what_the_kernels_mount_showed() {
    let mut compared = 0_usize;
    for name in testcase::nodes() {
        let capture = capture(&name);
        for (container, entries) in truth(&capture) {
            let args = ["files", "--format", "json", "--xattrs", "--sha256"];
            let (text, exit) = run(&args, &capture, &[&container]);
            assert!(!exit.has(Exit::USAGE), "{name} {container}: {text}");
            let rows = lines(&text);
            let rows: BTreeMap<String, String> = rows
                .iter()
                .filter(|row| row.get("kind").is_some())
                .map(|row| (row["path"].as_str().unwrap().to_owned(), found(row)))
                .filter(|(path, _)| !is_mounted_over(path))
                .collect();
            let want: BTreeMap<String, String> = entries
                .iter()
                .map(|entry| {
                    (
                        format!("/{}", entry["path"].as_str().unwrap()),
                        wanted(entry),
                    )
                })
                .filter(|(path, _)| !is_mounted_over(path))
                .collect();
            for (path, want) in &want {
                assert_eq!(Some(want), rows.get(path), "{name} {container} {path}");
                compared += 1;
            }
            let more: Vec<_> = rows
                .keys()
                .filter(|path| !want.contains_key(*path))
                .collect();
            assert!(more.is_empty(), "{name} {container}: {more:?}");
        }
    }
    assert!(compared > 1000, "{compared}");
}

#[test]
fn links_lead_to_files_inside_the_tree() {
    let capture = capture("2.1-stopped");
    let (direct, exit) = run(&["cat"], &capture, &["default/sleeper", "/etc/app.conf"]);
    assert_eq!(exit, Exit::CLEAN, "{direct}");
    for link in [
        "/etc/absolute",
        "etc/relative",
        "/data/conf",
        "/../etc//./absolute",
    ] {
        let (text, exit) = run(&["cat"], &capture, &["default/sleeper", link]);
        assert_eq!(
            (text.as_str(), exit),
            (direct.as_str(), Exit::CLEAN),
            "{link}"
        );
    }
    for (path, why) in [
        ("/etc/dangling", "is not there"),
        ("/data/queue", "is a fifo"),
        ("/etc", "is a directory"),
        ("/nothing", "is not there"),
    ] {
        let (text, exit) = run(&["cat"], &capture, &["default/sleeper", path]);
        assert_eq!(exit, Exit::UNREAD, "{path}: {text}");
        assert!(text.contains(why), "{path}: {text}");
    }
}

#[test]
fn a_diff_says_what_the_container_did() {
    for release in ["1.6", "1.7", "2.1"] {
        let capture = capture(&format!("{release}-stopped"));
        let (text, exit) = run(
            &["diff", "--format", "json"],
            &capture,
            &["default/sleeper"],
        );
        assert_eq!(exit, Exit::CLEAN, "{text}");
        let rows = lines(&text);
        let change = |path: &str| {
            let row = rows.iter().find(|row| row["path"] == path);
            let row = row.unwrap_or_else(|| panic!("{release}: {path}"));
            format!("{} {}", row["change"].as_str().unwrap(), row["how"])
        };
        assert_eq!(change("/bin/tool"), "changed [\"mode\"]");
        assert_eq!(change("/data/queue"), "added null");
        assert_eq!(change("/data/written"), "added null");
        assert!(change("/etc/app.conf").starts_with("changed [\"content\""));
        let deleted = rows.iter().filter(|row| row["change"] == "deleted");
        assert!(deleted.count() > 0, "{release}: {text}");
        // What `diff` calls deleted is in the image and not in the container.
        for row in rows.iter().filter(|row| row["change"] == "deleted") {
            let path = row["path"].as_str().unwrap();
            let (_, exit) = run(&["files"], &capture, &["default/sleeper", path]);
            assert_eq!(exit, Exit::UNREAD, "{release}: {path}");
        }
    }
}

#[test]
fn names_that_are_not_one_snapshot_are_usage() {
    let capture = capture("1.7-stopped");
    let (text, exit) = run(&["files"], &capture, &["no-such-thing"]);
    assert_eq!(exit, Exit::USAGE);
    assert!(text.contains("no container, image or snapshot"), "{text}");
    let (text, exit) = run(&["files"], &capture, &["1"]);
    assert_eq!(exit, Exit::USAGE);
    assert!(text.contains("overlayfs/1"), "{text}");
}

/// What `export` writes of a node, and its manifest.
fn export(node: &std::path::Path, rest: &[&str]) -> (testcase::Tar, Vec<Value>, Exit) {
    let scratch = tempfile::tempdir().unwrap();
    let (tar, manifest) = (scratch.path().join("tar"), scratch.path().join("manifest"));
    let mut args: Vec<OsString> = vec!["export".into(), "--quiet".into()];
    args.extend(["-o".into(), tar.clone().into()]);
    args.extend(["--manifest".into(), manifest.clone().into()]);
    args.push(node.into());
    args.extend(rest.iter().map(OsString::from));
    // The tool itself: a tar is no text.
    let mut tool = Command::new(env!("CARGO_BIN_EXE_coroner-snapshots"));
    let output = tool.args(args).output().unwrap();
    assert!(tar.exists(), "{}", String::from_utf8_lossy(&output.stderr));
    let exit = Exit(u8::try_from(output.status.code().unwrap()).unwrap());
    let tar = testcase::Tar::read_tar(&std::fs::read(tar).unwrap());
    let manifest = lines(&std::fs::read_to_string(manifest).unwrap());
    (tar, manifest, exit)
}

#[test]
fn a_layer_holds_what_the_container_did() {
    let node = capture("1.7-stopped").join("node.tar.zst");
    let (tar, manifest, exit) = export(&node, &["default/sleeper", "--layer"]);
    assert_eq!(exit, Exit::CLEAN);
    for name in [
        "etc/.wh.gone-later",
        "srv/replaced/.wh.old",
        "bin/tool",
        "data/queue",
    ] {
        assert!(tar.position(name).is_some(), "{name}");
    }
    assert!(tar.position("bin/sleeper").is_none());
    let row = manifest
        .iter()
        .find(|row| row["path"] == "/etc/app.conf")
        .unwrap();
    assert_eq!(row["sha256"].as_str().unwrap().len(), 64);
    let link = manifest
        .iter()
        .find(|row| row["path"] == "/data/written-again")
        .unwrap();
    assert_eq!(link["link"], "data/written");
    // The same bytes for the same files.
    let (again, _, _) = export(&node, &["default/sleeper", "--layer"]);
    assert_eq!(again.write(), tar.write());
    let (whole, _, _) = export(&node, &["default/sleeper"]);
    assert!(whole.position("bin/sleeper").is_some());
    assert!(whole.position("etc/.wh.gone-later").is_none());
}

#[test]
fn a_directory_that_nobody_owns_is_a_layer() {
    let mut node = testcase::node("1.7-stopped");
    let all = "var/lib/containerd/io.containerd.snapshotter.v1.overlayfs/snapshots";
    for folder in ["77", "77/fs"] {
        node.push(&format!("{all}/{folder}"), b'5', "", b"");
    }
    node.add(&format!("{all}/77/fs/kept"), b"what is left");
    let scratch = tempfile::tempdir().unwrap();
    let path = scratch.path().join("node.tar");
    std::fs::write(&path, node.write()).unwrap();
    let (tar, manifest, exit) = export(&path, &["overlayfs/77"]);
    assert_eq!(exit, Exit::CLEAN);
    let at = tar.position("kept").unwrap();
    assert_eq!(tar.members[at].data, b"what is left");
    assert!(manifest[0]["what"].as_str().unwrap().contains("no row"));
}
