//! Older copies of the databases: taken by `backup`, and what a plan takes of them.

#![expect(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    reason = "a test may fail, and reads what it wrote"
)]

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};

use cli::{Exit, try_run};
use coroner_repair::TOOL;
use repair::Tree;

const META: &str = "var/lib/containerd/io.containerd.metadata.v1.bolt/meta.db";
const BACKEND: &str = "var/lib/containerd/io.containerd.snapshotter.v1.overlayfs/metadata.db";
const BUNDLES: &str = "run/containerd/io.containerd.runtime.v2.task";
const NODES: [&str; 3] = ["1.6-stopped", "1.7-stopped", "2.1-stopped"];

fn run(words: &[&OsStr]) -> (String, Exit) {
    let head = [OsStr::new("repair")];
    try_run(&TOOL, head.iter().chain(words).copied())
}

fn tree(node: &Path) -> Tree {
    Tree::of_bytes(&fs::read(node.join(META)).unwrap()).unwrap()
}

type Records = BTreeMap<(String, String), Tree>;

/// The records of containers, by namespace and id.
fn containers(tree: &Tree) -> Records {
    let mut found = Records::new();
    for (namespace, space) in tree.at(&["v1"]).unwrap().buckets() {
        let all = space
            .at(&["containers"])
            .into_iter()
            .flat_map(Tree::buckets);
        for (id, record) in all {
            let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
            found.insert((text(namespace), text(id)), record.clone());
        }
    }
    found
}

fn backup(node: &Path, into: &Path) -> PathBuf {
    let (text, exit) = run(&[
        "backup".as_ref(),
        node.as_os_str(),
        "--into".as_ref(),
        into.as_os_str(),
    ]);
    assert_eq!(exit, Exit::CLEAN, "{text}");
    fs::read_dir(into).unwrap().next().unwrap().unwrap().path()
}

/// The exit code of a backup into a bundle.
fn bundled(node: &Path, file: &Path) -> Option<i32> {
    let program = env!("CARGO_BIN_EXE_coroner-repair");
    let mut command = std::process::Command::new(program);
    let command = command.args(["backup", "-q"]).arg(node).arg("-o").arg(file);
    command.status().unwrap().code()
}

/// Plans with what is given, and applies it.
fn repaired(node: &Path, given: &Path) -> String {
    let (text, _) = run(&[
        "plan".as_ref(),
        node.as_os_str(),
        "--names-from".as_ref(),
        given.as_os_str(),
    ]);
    let file = tempfile::NamedTempFile::new().unwrap();
    fs::write(file.path(), &text).unwrap();
    let (said, exit) = run(&["apply".as_ref(), file.path().as_os_str(), "--copy".as_ref()]);
    assert_eq!(exit, Exit::REPAIRED, "{said}");
    text
}

/// After a reboot: no bundle says how anything was run.
fn lose_both(node: &Path) {
    fs::remove_file(node.join(META)).unwrap();
    fs::remove_file(node.join(BACKEND)).unwrap();
    fs::remove_dir_all(node.join(BUNDLES)).unwrap();
}

#[test]
fn with_a_copy_containers_come_back_where_both_databases_are_gone() {
    for name in NODES {
        let folder = testcase::node(name).unpacked();
        let node = folder.path();
        let kept = tempfile::tempdir().unwrap();
        let copy = backup(node, kept.path());
        let before = containers(&tree(node));
        assert!(before.len() > 3, "{name}");
        lose_both(node);
        // The copy, or the folder that it is in.
        let given = if name == NODES[0] { kept.path() } else { &copy };
        let plan = repaired(node, given);
        let after = containers(&tree(node));
        assert_eq!(after, before, "{name}: rows are what the copy says");
        assert!(
            plan.contains("(newest record: 20"),
            "{name}: its age is told"
        );
    }
}

/// A backup that keeps nothing, or not what it is made for, is none that one may rely on.
#[test]
fn a_backup_without_its_databases_says_so() {
    let node = testcase::node("1.7-stopped").unpacked();
    let kept = tempfile::tempdir().unwrap();
    let file = |name: &str| kept.path().join(name);
    assert_eq!(bundled(node.path(), &file("whole")), Some(0));
    fs::remove_file(node.path().join(META)).unwrap();
    assert_eq!(bundled(node.path(), &file("half")), Some(4));
    let empty = tempfile::tempdir().unwrap();
    assert_eq!(bundled(empty.path(), &file("none")), Some(8));
    assert!(!file("none").exists());
}

#[test]
fn a_bundle_of_a_backup_is_such_a_copy() {
    for name in NODES {
        let folder = testcase::node(name).unpacked();
        let node = folder.path();
        let kept = tempfile::tempdir().unwrap();
        let file = kept.path().join("before.tar.zst");
        assert_eq!(bundled(node, &file), Some(0), "{name}");
        let before = containers(&tree(node));
        lose_both(node);
        repaired(node, &file);
        assert_eq!(containers(&tree(node)), before, "{name}");
    }
}

#[test]
fn what_is_newer_than_a_copy_stays() {
    let folder = testcase::node("1.7-stopped").unpacked();
    let node = folder.path();
    let kept = tempfile::tempdir().unwrap();
    let copy = backup(node, kept.path());
    // The bundle of one container says something else than the copy; another one's layer is gone.
    let config = node.join(BUNDLES).join("default/sleeper/config.json");
    let spec: serde_json::Value = serde_json::from_slice(&fs::read(&config).unwrap()).unwrap();
    let mut newer = spec.clone();
    newer["hostname"] = "newer".into();
    fs::write(&config, newer.to_string()).unwrap();
    let before = containers(&tree(node));
    fs::remove_file(node.join(META)).unwrap();
    repaired(node, &copy);
    let after = containers(&tree(node));
    let at = ("default".to_owned(), "sleeper".to_owned());
    let text = String::from_utf8_lossy(after[&at].value("spec").unwrap()).into_owned();
    assert!(text.contains("newer"), "the bundle is newer than the copy");
    for (key, record) in &before {
        assert!(*key == at || after.get(key) == Some(record), "{key:?}");
    }
}

#[test]
fn a_copy_that_has_changed_since_the_plan_is_refused() {
    let folder = testcase::node("1.7-stopped").unpacked();
    let node = folder.path();
    let kept = tempfile::tempdir().unwrap();
    let copy = backup(node, kept.path());
    fs::remove_file(node.join(META)).unwrap();
    let (text, _) = run(&[
        "plan".as_ref(),
        node.as_os_str(),
        "--names-from".as_ref(),
        copy.as_os_str(),
    ]);
    let file = tempfile::NamedTempFile::new().unwrap();
    fs::write(file.path(), &text).unwrap();
    fs::copy(
        testcase::node("2.1-stopped").unpacked().path().join(META),
        copy.join("meta.db"),
    )
    .unwrap();
    let (said, exit) = run(&["apply".as_ref(), file.path().as_os_str(), "--copy".as_ref()]);
    assert_eq!(exit, Exit::UNREAD, "{said}");
    assert!(
        said.contains("is not what it was when the plan was made"),
        "{said}"
    );
    assert!(!node.join(META).exists());
}

#[test]
fn a_damaged_database_is_kept_and_told() {
    let folder = testcase::node("1.7-stopped").unpacked();
    let node = folder.path();
    let mut bytes = fs::read(node.join(META)).unwrap();
    let size = bytes.len();
    bytes.truncate(size / 2);
    fs::write(node.join(META), &bytes).unwrap();
    let kept = tempfile::tempdir().unwrap();
    let file = kept.path().join("before.tar.zst");
    assert_eq!(bundled(node, &file), Some(4));
    let evidence = evidence::Evidence::open(&file, &evidence::Options::default()).unwrap();
    let held = evidence
        .source(Path::new("/").join(META).as_path(), 1 << 30)
        .unwrap();
    assert_eq!(held.bytes(), bytes);
}

/// A folder may hold the copies of several nodes: each node's are counted for themselves.
#[test]
fn copies_of_another_node_are_not_counted() {
    let into = tempfile::tempdir().unwrap();
    let nodes = [
        testcase::node("1.6-stopped").unpacked(),
        testcase::node("1.7-stopped").unpacked(),
    ];
    for (number, node) in nodes.iter().enumerate() {
        fs::create_dir_all(node.path().join("etc")).unwrap();
        let id = format!("{number}").repeat(32);
        fs::write(node.path().join("etc/machine-id"), format!("{id}\n")).unwrap();
    }
    let copy = |node: &Path, day: &str, last: &str| {
        let (text, _) = run(&[
            "backup".as_ref(),
            node.as_os_str(),
            "--into".as_ref(),
            into.path().as_os_str(),
            "--last".as_ref(),
            last.as_ref(),
        ]);
        // As if it had been made on that day.
        let made = fs::read_dir(into.path())
            .unwrap()
            .map(|entry| entry.unwrap().path());
        let made = made.filter(|path| {
            !path
                .file_name()
                .unwrap()
                .to_str()
                .unwrap()
                .starts_with("2020")
        });
        let made = made.max().unwrap();
        fs::rename(made, into.path().join(format!("2020-01-{day}T00-00-00Z"))).unwrap();
        text
    };
    copy(nodes[0].path(), "01", "1");
    copy(nodes[1].path(), "02", "1");
    let text = copy(nodes[1].path(), "03", "1");
    assert!(text.contains("2020-01-02"), "{text}");
    let left = || {
        let all = fs::read_dir(into.path()).unwrap();
        let mut all: Vec<String> = all
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        all.sort();
        all
    };
    assert_eq!(left(), ["2020-01-01T00-00-00Z", "2020-01-03T00-00-00Z"]);
    // Nothing of one node is put into another.
    let (text, exit) = run(&[
        "plan".as_ref(),
        nodes[0].path().as_os_str(),
        "--names-from".as_ref(),
        into.path().as_os_str(),
    ]);
    assert_ne!(exit, Exit::CLEAN);
    assert!(text.contains("copies of more than one node"), "{text}");
    // A copy that does not say whose it is stays, and is told.
    fs::remove_file(into.path().join("2020-01-03T00-00-00Z/node.txt")).unwrap();
    let text = copy(nodes[1].path(), "04", "1");
    assert!(
        text.contains("1 older copy in this folder: not known of which node"),
        "{text}"
    );
    assert_eq!(left().len(), 3);
}

/// After an upgrade the last copy of the older schema is the only way back.
#[test]
fn the_last_copy_of_an_older_schema_stays() {
    let into = tempfile::tempdir().unwrap();
    let old = testcase::node("1.7-stopped").unpacked();
    let new = testcase::node("2.1-stopped").unpacked();
    for node in [&old, &new] {
        fs::create_dir_all(node.path().join("etc")).unwrap();
        fs::write(node.path().join("etc/machine-id"), "1".repeat(32)).unwrap();
    }
    let names = |number: usize| into.path().join(format!("2020-01-0{number}T00-00-00Z"));
    for (number, node) in [(1, &old), (2, &old), (3, &new), (4, &new), (5, &new)] {
        let (text, _) = run(&[
            "backup".as_ref(),
            node.path().as_os_str(),
            "--into".as_ref(),
            into.path().as_os_str(),
            "--last".as_ref(),
            "2".as_ref(),
        ]);
        let all = fs::read_dir(into.path())
            .unwrap()
            .map(|entry| entry.unwrap().path());
        let made = all.filter(|path| {
            !path
                .file_name()
                .unwrap()
                .to_str()
                .unwrap()
                .starts_with("2020")
        });
        fs::rename(made.max().unwrap(), names(number)).unwrap();
        assert!(
            !text.contains("2020-01-02") || !text.contains("Deleted"),
            "{text}"
        );
    }
    let there: Vec<bool> = (1..=5).map(|number| names(number).exists()).collect();
    assert_eq!(there, [false, true, false, true, true]);
}

/// Where the plan is, and that it is read before it is applied; the file holds the plan alone.
#[test]
fn a_plan_in_a_file_is_told_and_leads_to_what_is_lost() {
    let folder = testcase::node("2.1-stopped").unpacked();
    fs::remove_file(folder.path().join(META)).unwrap();
    let place = tempfile::tempdir().unwrap();
    let file = place.path().join("plan.json");
    let program = env!("CARGO_BIN_EXE_coroner-repair");
    let mut command = std::process::Command::new(program);
    let command = command.args(["plan", "-q"]).arg(folder.path());
    let done = command.arg("-o").arg(&file).output().unwrap();
    let said = String::from_utf8(done.stdout).unwrap();
    assert!(said.contains("coroner repair show -- "), "{said}");
    assert!(!said.contains("repair apply"), "{said}");
    let plan = fs::read(&file).unwrap();
    let plan: serde_json::Value = serde_json::from_slice(&plan).unwrap();
    assert_eq!(
        plan.get("schema").and_then(|it| it.as_str()),
        Some("repair-plan/2")
    );
}
