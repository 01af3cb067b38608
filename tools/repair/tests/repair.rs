//! Captured nodes, broken, repaired, and taken back.

#![expect(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    reason = "a test may fail, and reads what it wrote"
)]

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};

use cli::{Exit, try_run};
use coroner_repair::TOOL;
use serde_json::Value;

const META: &str = "var/lib/containerd/io.containerd.metadata.v1.bolt/meta.db";
const BACKEND: &str = "var/lib/containerd/io.containerd.snapshotter.v1.overlayfs/metadata.db";

fn run(words: &[&OsStr]) -> (String, Exit) {
    let head = [OsStr::new("repair")];
    try_run(&TOOL, head.iter().chain(words).copied())
}

/// Names, kinds and bytes of a tree.
fn tree(root: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut found = BTreeMap::new();
    let mut open = vec![root.to_owned()];
    while let Some(folder) = open.pop() {
        // An ordinary user may not look everywhere.
        for entry in fs::read_dir(&folder).into_iter().flatten() {
            let path = entry.unwrap().path();
            let kind = fs::symlink_metadata(&path).unwrap().file_type();
            let bytes = if kind.is_file() {
                fs::read(&path).unwrap_or_default()
            } else {
                Vec::new()
            };
            if kind.is_dir() {
                open.push(path.clone());
            }
            found.insert(path, bytes);
        }
    }
    found
}

fn plan(node: &Path, more: &[&OsStr]) -> Value {
    let words = [&[OsStr::new("plan"), node.as_os_str()], more].concat();
    let (text, _) = run(&words);
    serde_json::from_str(&text).unwrap()
}

/// Keys of images, snapshots, blobs and containers, with their namespaces.
fn rows(node: &Path) -> BTreeSet<String> {
    let bytes = fs::read(node.join(META)).unwrap();
    let opened = bolt::Db::open(view::View::new(&bytes));
    let db = opened.db.unwrap();
    assert!(db.check().faults.is_empty(), "{:?}", db.check().faults);
    let meta = metadb::MetaDb::read_meta(&db);
    assert!(meta.troubles.is_empty(), "{:?}", meta.troubles);
    let mut found = BTreeSet::new();
    for space in meta.namespaces() {
        let mut add = |kind: &str, key: &dyn std::fmt::Display| {
            found.insert(format!("{} {kind} {key}", space.name))
        };
        for row in space.images.whole().unwrap() {
            add("image", &row.key);
        }
        for row in space.blobs.whole().unwrap() {
            add("blob", &row.key);
        }
        for all in space.snapshots.whole().unwrap() {
            for row in all.rows.whole().unwrap() {
                add(
                    "snapshot",
                    &format!(
                        "{} {} {} {:?}",
                        all.snapshotter, row.key, row.name, row.parent
                    ),
                );
            }
        }
        for row in space.containers.whole().unwrap() {
            add("container", &row.key);
        }
    }
    found
}

#[test]
fn a_healthy_node_has_nothing_to_repair() {
    for name in testcase::nodes() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("node.tar.zst");
        fs::write(&file, testcase::packed(&name)).unwrap();
        let (text, exit) = run(&[file.as_os_str()]);
        assert_eq!(exit, Exit::CLEAN, "{name}: {text}");
        assert!(text.starts_with("Nothing to repair"), "{name}: {text}");
        // What was not looked at is named.
        assert!(text.contains("--every-layer"), "{name}: {text}");
    }
}

#[test]
fn a_deleted_meta_db_comes_back_and_can_be_taken_back() {
    for name in ["1.6-stopped", "1.7-stopped", "2.1-stopped"] {
        let folder = testcase::node(name).unpacked();
        let node = folder.path();
        let before = rows(node);
        let names = tempfile::NamedTempFile::new().unwrap();
        fs::copy(node.join(META), names.path()).unwrap();
        fs::remove_file(node.join(META)).unwrap();
        let broken = tree(node);
        let kept = tempfile::tempdir().unwrap();
        let file = kept.path().join("plan.json");
        let made = plan(
            node,
            &[OsStr::new("--names-from"), names.path().as_os_str()],
        );
        fs::write(&file, made.to_string()).unwrap();
        let apply =
            |file: &Path| run(&[OsStr::new("apply"), file.as_os_str(), OsStr::new("--copy")]);
        let undo = || run(&[OsStr::new("undo"), node.as_os_str(), OsStr::new("--copy")]);
        assert_eq!(apply(&file).1, Exit::REPAIRED, "{name}");
        let after = rows(node);
        let wanted = |row: &&String| {
            let kind = row.split(' ').nth(1).unwrap();
            kind == "snapshot" || kind == "image" && !row.contains('@')
        };
        let missing: Vec<&String> = before.difference(&after).filter(wanted).collect();
        assert!(missing.is_empty(), "{name}: {missing:?}");
        // Every blob that any namespace had is held by some namespace.
        let blobs = |rows: &BTreeSet<String>| -> BTreeSet<String> {
            let all = rows.iter().filter_map(|row| row.split_once(" blob "));
            all.map(|(_, digest)| digest.to_owned()).collect()
        };
        let gone: Vec<String> = blobs(&before).difference(&blobs(&after)).cloned().collect();
        assert!(gone.is_empty(), "{name}: {gone:?} {}", made["lost"]);
        assert!(apply(&file).0.contains("applied before"), "{name}");
        assert!(
            run(&[node.as_os_str()]).0.starts_with("Nothing to repair"),
            "{name}"
        );
        let (text, exit) = undo();
        assert_eq!(exit, Exit::REPAIRED, "{name}: {text}");
        assert_eq!(tree(node), broken, "{name}");
        assert!(undo().0.contains("No repair is in effect"), "{name}");
    }
}

#[test]
fn nothing_is_collected_after_a_repair_but_half_unpacked_layers() {
    for name in ["1.6-midpull", "1.7-killed", "2.1-rebooted", "1.7-discarded"] {
        let folder = testcase::node(name).unpacked();
        fs::write(folder.path().join(META), b"").unwrap();
        let made = plan(folder.path(), &[]);
        let collected = made["collected"].as_array().unwrap();
        let odd = collected
            .iter()
            .filter(|one| !one.as_str().unwrap().contains("/extract-"));
        assert_eq!(odd.count(), 0, "{name}: {collected:?}");
        for image in made["brings_back"]["images"].as_array().unwrap() {
            let name = image["name"].as_str().unwrap();
            let is_ours = name.starts_with("recovered.invalid/sha256-");
            assert!(is_ours || !image["from"].is_null(), "{name}");
        }
    }
}

#[test]
fn a_node_that_has_changed_since_is_refused() {
    let folder = testcase::node("1.7-stopped").unpacked();
    let node = folder.path();
    fs::write(node.join(META), b"").unwrap();
    let file = node.join("plan.json");
    fs::write(&file, plan(node, &[]).to_string()).unwrap();
    fs::write(node.join(META), b"something else").unwrap();
    let before = tree(node);
    let (text, exit) = run(&[OsStr::new("apply"), file.as_os_str(), OsStr::new("--copy")]);
    assert_eq!(exit, Exit::UNREAD, "{text}");
    assert_eq!(tree(node), before);
}

#[test]
fn a_blind_rebuild_is_refused() {
    let folder = testcase::node("1.7-stopped").unpacked();
    let node = folder.path();
    fs::remove_file(node.join(META)).unwrap();
    // Its volumes are not files: nothing can be found out about them from the disk.
    let other = node.join("var/lib/containerd/io.containerd.snapshotter.v1.devmapper");
    fs::create_dir(&other).unwrap();
    fs::write(other.join("metadata.db"), [0; 0x4000]).unwrap();
    let (text, exit) = run(&[node.as_os_str()]);
    assert_eq!(exit, Exit::UNREAD, "{text}");
    assert!(text.contains("devmapper"), "{text}");
}

/// The parents of overlayfs' snapshots by their keys in meta.db, as a metadata.db has them.
fn parents(node: &Path) -> BTreeMap<String, Option<String>> {
    let key = |text: &[u8]| {
        let text = String::from_utf8_lossy(text).into_owned();
        let mut parts = text.splitn(3, '/');
        let (space, _, key) = (parts.next(), parts.next(), parts.next());
        format!("{} {}", space.unwrap(), key.unwrap())
    };
    let tree = repair::Tree::of_bytes(&fs::read(node.join(BACKEND)).unwrap()).unwrap();
    let all = tree.at(&["v1", "snapshots"]).unwrap().buckets();
    let of = |row: &repair::Tree| row.value("parent").map(key);
    all.map(|(name, row)| (key(name), of(row))).collect()
}

/// metadata.db is lost, and a page of meta.db with records of snapshots: what a snapshot stands on is
/// found again, or the snapshot is not written. Else its container would start without the files of its
/// image.
#[test]
#[ignore = "needs root: files of a capture keep their owners"]
fn no_snapshot_loses_what_it_stands_on() {
    let folder = testcase::node("1.7-stopped").unpacked();
    let node = folder.path();
    let before = parents(node);
    let whole = fs::read(node.join(META)).unwrap();
    let is_leaf = |page: &[u8]| page[8..10] == [2, 0];
    let has = |page: &[u8], text: &[u8]| page.windows(text.len()).any(|bytes| bytes == text);
    let pages = whole.chunks(4096).enumerate().skip(2);
    let pages = pages
        .filter(|(_, page)| is_leaf(page) && has(page, b"/sha256:") && has(page, b"createdat"));
    let numbers: Vec<usize> = pages.map(|(number, _)| number).collect();
    let mut lost = 0;
    for number in numbers.iter().step_by(numbers.len() / 6) {
        let mut bytes = whole.clone();
        bytes[number * 4096..(number + 1) * 4096].fill(0);
        fs::write(node.join(META), &bytes).unwrap();
        fs::write(node.join(BACKEND), b"").unwrap();
        let made = plan(node, &[]);
        if !made["wrong"].to_string().contains("meta.db is damaged") {
            continue;
        }
        lost += 1;
        let file = node.join("plan.json");
        fs::write(&file, made.to_string()).unwrap();
        let (text, exit) = run(&[OsStr::new("apply"), file.as_os_str(), OsStr::new("--copy")]);
        assert_eq!(exit, Exit::REPAIRED, "page {number}: {text}");
        for (key, parent) in parents(node) {
            // What is kept under its number is told.
            if let Some(old) = before.get(&key) {
                assert_eq!(&parent, old, "page {number}: {key}");
            }
        }
        let again = plan(node, &[]);
        assert_eq!(
            again["steps"],
            serde_json::json!([]),
            "page {number}: {again}"
        );
        let (text, exit) = run(&[OsStr::new("undo"), node.as_os_str(), OsStr::new("--copy")]);
        assert_eq!(exit, Exit::REPAIRED, "page {number}: {text}");
    }
    assert!(lost > 2, "{numbers:?}");
}

/// Killed before its journal was written, while it tried an exchange, an attempt leaves an empty file
/// among the snapshots: no part of the node, and cleared away by the next one.
#[test]
#[ignore = "needs root: files of a capture keep their owners"]
fn what_an_attempt_left_is_none_of_the_node() {
    let folder = testcase::node("1.7-stopped").unpacked();
    let node = folder.path();
    let root = node.join("var/lib/containerd");
    fs::write(node.join(BACKEND), b"").unwrap();
    let made = plan(node, &[]);
    let is_aside = made["steps"].to_string().contains("/snapshots/");
    assert!(is_aside, "a step writes among the snapshots");
    let quarantine = root.join(".coroner-repair-0123456789ab");
    fs::create_dir(&quarantine).unwrap();
    fs::write(quarantine.join("staging.json"), made.to_string()).unwrap();
    let left = root.join("io.containerd.snapshotter.v1.overlayfs/snapshots/.coroner-rehearsal");
    fs::write(&left, b"").unwrap();
    let again = plan(node, &[]);
    let paths = |plan: &Value| -> Vec<Value> {
        let steps = plan["steps"].as_array().unwrap().iter();
        steps.map(|step| step["path"].clone()).collect()
    };
    assert_eq!(paths(&again), paths(&made));
    let file = node.join("plan.json");
    fs::write(&file, again.to_string()).unwrap();
    let (text, exit) = run(&[OsStr::new("apply"), file.as_os_str(), OsStr::new("--copy")]);
    assert_eq!(exit, Exit::REPAIRED, "{text}");
    assert!(!left.exists() && !quarantine.exists());
}

/// The files of a writable layer are nowhere else: nothing can be done, and that is said.
#[test]
#[ignore = "needs root: files of a capture keep their owners"]
fn what_is_lost_for_good_is_said() {
    let folder = testcase::node("1.7-stopped").unpacked();
    let node = folder.path();
    let row = repair::Tree::of_bytes(&fs::read(node.join(BACKEND)).unwrap()).unwrap();
    let rows = row.at(&["v1", "snapshots"]).unwrap();
    let mut all = rows.buckets();
    let (_, own) = all.find(|(name, _)| name.ends_with(b"/odd")).unwrap();
    let number = own.value("id").unwrap()[0];
    let files = node.join(format!(
        "var/lib/containerd/io.containerd.snapshotter.v1.overlayfs/snapshots/{number}"
    ));
    fs::remove_dir_all(files).unwrap();
    let (text, exit) = run(&[node.as_os_str()]);
    assert_eq!(exit, Exit::FINDINGS, "{text}");
    assert!(
        text.starts_with("Nothing that repair can fix, but something is lost:"),
        "{text}"
    );
    assert!(text.contains("/odd (overlayfs, directory"), "{text}");
}

/// Two layers whose directories have each other's names: each differs from its blob, which is said.
#[test]
#[ignore = "needs root: files of a capture keep their owners"]
fn a_layer_that_is_another_is_said() {
    let folder = testcase::node("2.1-stopped").unpacked();
    let node = folder.path();
    let all = node.join("var/lib/containerd/io.containerd.snapshotter.v1.overlayfs/snapshots");
    for (from, to) in [("2", "aside"), ("3", "2"), ("aside", "3")] {
        fs::rename(all.join(from), all.join(to)).unwrap();
    }
    let (text, _) = run(&[node.as_os_str()]);
    assert!(!text.starts_with("Nothing to repair"), "{text}");
    for number in ["2", "3"] {
        let said = format!("(overlayfs, directory {number}) is not what its blob holds");
        let one_line = text.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(one_line.contains(&said), "{text}");
    }
}

/// What the plan itself tells to mask is masked when it is applied.
#[test]
fn a_masked_unit_keeps_no_repair_from_its_work() {
    let folder = testcase::node("1.7-stopped").unpacked();
    let node = folder.path();
    fs::write(node.join(META), b"").unwrap();
    let put = |place: &str| {
        let place = node.join(place);
        fs::create_dir_all(&place).unwrap();
        place.join("containerd.service")
    };
    let unit = "[Service]\nExecStart=/usr/bin/containerd\nRestart=always\n";
    fs::write(put("usr/lib/systemd/system"), unit).unwrap();
    for place in ["run/systemd/system", "etc/systemd/system"] {
        std::os::unix::fs::symlink("/dev/null", put(place)).unwrap();
        let made = plan(node, &[]);
        let after = &made["after"][0];
        assert_eq!(after["fails"], serde_json::Value::Null, "{place}: {after}");
        assert!(
            made["units"].to_string().contains(r#""masked":true"#),
            "{made}"
        );
    }
}

/// Of a lost meta.db the kubelet's own label is gone: it restarts what comes back from bundles.
#[test]
fn what_the_kubelet_restarts_is_copied_out_before_it_starts() {
    let folder = testcase::node("1.7-running").unpacked();
    let node = folder.path();
    let copies = tempfile::tempdir().unwrap();
    let copy = copies.path().join("meta.db");
    fs::rename(node.join(META), &copy).unwrap();
    let (text, _) = run(&[node.as_os_str()]);
    let (_, next) = text.split_once("Next, on the node:").unwrap();
    let saved = next
        .find("# coroner snapshots extract --output=saved-")
        .unwrap();
    assert!(saved < next.find("# systemctl unmask").unwrap(), "{text}");
    let made = plan(node, &[]);
    let restarted = made["restarted"].as_array().unwrap();
    assert!(!restarted.is_empty());
    assert_eq!(
        next.matches("# coroner snapshots extract").count(),
        restarted.len()
    );
    let made = plan(node, &[OsStr::new("--names-from"), copy.as_os_str()]);
    assert_eq!(made["restarted"], serde_json::Value::Null, "{made}");
}

/// The units that are on the node, and no others: a mask until the next boot does not reach those in `/etc`.
#[test]
fn the_units_of_the_node_are_stopped_and_masked() {
    let folder = testcase::node("1.7-stopped").unpacked();
    let node = folder.path();
    fs::write(node.join(META), b"").unwrap();
    let commands = || {
        let (text, _) = run(&[node.as_os_str()]);
        let (_, next) = text.split_once("Next, on the node:").unwrap();
        let lines = next
            .lines()
            .filter_map(|line| line.trim().strip_prefix("# "))
            .filter(|line| !line.starts_with("coroner snapshots extract "));
        lines.map(str::to_owned).collect::<Vec<String>>()
    };
    // Where no unit is in the evidence, the usual ones are named; a mask of what is not there does no harm.
    let usual = commands();
    assert_eq!(usual[0], "systemctl stop kubelet containerd");
    assert_eq!(usual[1], "systemctl mask --runtime kubelet containerd");
    let unit = "[Service]\nExecStart=/usr/bin/containerd\nRestart=always\n";
    for (place, name) in [("usr/lib", "containerd"), ("etc", "kubelet")] {
        let place = node.join(place).join("systemd/system");
        fs::create_dir_all(&place).unwrap();
        fs::write(place.join(format!("{name}.service")), unit).unwrap();
    }
    let place = fs::canonicalize(node).unwrap();
    // Both commands name one file, and each plan has one of its own.
    let said = commands();
    let file = said
        .iter()
        .find_map(|line| line.strip_prefix("coroner repair apply -- "));
    let file = file.unwrap().to_owned();
    assert!(file.starts_with("/var/tmp/coroner-plan-2026"), "{file}");
    // It is a copy: what stops daemons is for the node itself.
    let (text, _) = run(&[node.as_os_str()]);
    let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
    let (_, text) = text.split_once("Next, on the node:").unwrap();
    let warning = text.find("not for this machine").unwrap();
    let here = text.find("Here, where /").unwrap();
    assert!(warning < text.find("# systemctl stop").unwrap(), "{text}");
    assert!(here < text.find("# coroner repair plan").unwrap(), "{text}");
    let planning = format!("coroner repair plan --output={file} -- {}", place.display());
    let applying = format!("coroner repair apply -- {file}");
    let wanted = [
        "systemctl stop kubelet containerd",
        "systemctl mask --runtime containerd",
        "mkdir -p -- /run/systemd/system.control",
        "ln -sf -- /dev/null /run/systemd/system.control/kubelet.service",
        "systemctl daemon-reload",
        planning.as_str(),
        applying.as_str(),
        "systemctl unmask --runtime containerd",
        "rm -f -- /run/systemd/system.control/kubelet.service",
        "systemctl daemon-reload",
        "systemctl start containerd kubelet",
    ];
    assert_eq!(said, wanted);
    let made = plan(node, &[]);
    assert_eq!(made["units"][1]["name"], "containerd.service");
    assert_eq!(made["units"][1]["restarts"], true);
}

/// What comes back is not called lost, and what is lost is told once.
#[test]
fn nothing_is_lost_and_back_at_once() {
    let lines = |made: &serde_json::Value, key: &str| -> Vec<String> {
        let all = made[key].as_array().unwrap().iter();
        all.map(|line| line.as_str().unwrap().to_owned()).collect()
    };
    let folder = testcase::node("1.7-stopped").unpacked();
    let node = folder.path();
    let blobs = node.join("var/lib/containerd/io.containerd.content.v1.content/blobs/sha256");
    let sizes = fs::read_dir(&blobs).unwrap().map(|entry| {
        let entry = entry.unwrap();
        (entry.metadata().unwrap().len(), entry.path())
    });
    let (_, largest) = sizes.max().unwrap();
    let whole = fs::read(&largest).unwrap();
    // It is read-only, also for who owns it.
    fs::remove_file(&largest).unwrap();
    fs::write(&largest, b"cut").unwrap();
    let name = largest.file_name().unwrap().to_str().unwrap();
    let lost = lines(&plan(node, &[]), "lost");
    let of_it: Vec<_> = lost.iter().filter(|line| line.contains(name)).collect();
    assert!(of_it.len() == 1 && of_it[0].contains("lack"), "{lost:?}");
    fs::write(&largest, whole).unwrap();
    // Pages with a container's record are zeroes; its bundle has what it takes.
    let mut bytes = fs::read(node.join(META)).unwrap();
    let is_record = |page: &[u8]| {
        let has = |word: &[u8]| page.windows(word.len()).any(|part| part == word);
        page[8] == 2 && has(b"spec") && has(b"runtime") && has(b"sleeper")
    };
    // Also what is left of it in pages that are free.
    for page in bytes.chunks_mut(4096).skip(4) {
        if is_record(page) {
            page.fill(0);
        }
    }
    fs::write(node.join(META), bytes).unwrap();
    let made = plan(node, &[]);
    let lost = lines(&made, "lost");
    let back = made["brings_back"]["containers"].as_array().unwrap();
    assert!(!back.is_empty(), "{lost:?}");
    for container in back {
        let (namespace, id) = container.as_str().unwrap().split_once('/').unwrap();
        let id = id.split(' ').next().unwrap();
        let record = format!("{namespace} > containers > {id}");
        assert!(!lost.iter().any(|line| line.contains(&record)), "{lost:?}");
    }
    // Of nothing at all: names and leases are nowhere else.
    fs::write(node.join(META), b"").unwrap();
    let made = plan(node, &[]);
    let lost = lines(&made, "lost");
    for word in ["--names-from", "leases"] {
        assert!(lost.iter().any(|line| line.contains(word)), "{lost:?}");
    }
    let back = &made["brings_back"];
    let spaces = back["namespaces"].as_object().unwrap();
    let all = spaces
        .values()
        .map(|one| one["snapshots"].as_u64().unwrap());
    assert_eq!(all.sum::<u64>(), back["snapshots"].as_u64().unwrap());
}

/// A second incident meets the plan of the first one: nothing says that the node is as that repair left it.
#[test]
#[ignore = "needs root: files of a capture keep their owners"]
fn a_plan_of_an_incident_before_is_told_as_such() {
    let folder = testcase::node("2.1-stopped").unpacked();
    let node = folder.path();
    fs::remove_file(node.join(META)).unwrap();
    let kept = tempfile::tempdir().unwrap();
    let file = kept.path().join("plan.json");
    let mut made = plan(node, &[]);
    made["node"] = node.to_str().unwrap().into();
    fs::write(&file, made.to_string()).unwrap();
    let show = || run(&[OsStr::new("show"), file.as_os_str()]).0;
    let apply = || run(&[OsStr::new("apply"), file.as_os_str(), OsStr::new("--copy")]);
    assert!(!show().contains("was applied before"));
    assert_eq!(apply().1, Exit::REPAIRED);
    let text = show();
    assert!(text.contains("This plan was applied before"), "{text}");
    assert!(!text.contains("systemctl start"), "{text}");
    assert_eq!(apply().1, Exit::CLEAN);
    fs::remove_file(node.join(META)).unwrap();
    let (text, exit) = apply();
    assert_eq!(exit, Exit::UNREAD, "{text}");
    assert!(
        text.contains("meta.db is not the file of that repair"),
        "{text}"
    );
}

/// A folder that is no copy of the node is named, before anything is read.
#[test]
fn a_copy_that_is_not_there_is_named() {
    let folder = testcase::node("1.7-stopped").unpacked();
    let node = folder.path();
    fs::remove_file(node.join(META)).unwrap();
    let kept = tempfile::tempdir().unwrap();
    let file = kept.path().join("plan.json");
    fs::write(&file, plan(node, &[]).to_string()).unwrap();
    let missing = kept.path().join("missing");
    for (to, words) in [
        (missing.as_path(), "missing is no folder"),
        (kept.path(), "var/lib/containerd is no folder"),
    ] {
        let (text, exit) = run(&[
            OsStr::new("apply"),
            file.as_os_str(),
            OsStr::new("--to"),
            to.as_os_str(),
        ]);
        assert_eq!(exit, Exit::USAGE, "{text}");
        assert!(text.contains(words), "{text}");
    }
}
