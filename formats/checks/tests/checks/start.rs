//! Preflight: each outcome, foretold from a real capture with one thing damaged.
//!
//! `testdata/make/preflight` compares the same predictions with what real daemons do
//! (`docs/preflight.md`).

use std::path::Path;

use checks::start::{Outcome, Prediction};
use checks::{Measured, Start};
use daemon::start::Effect;
use daemon::{Release, Source};
use evidence::{Evidence, Options};
use node::{Node, Said};
use testcase::{Edits, Tar};

use crate::opened::foretell;

const META: &str = "var/lib/containerd/io.containerd.metadata.v1.bolt/meta.db";
const OVERLAY: &str = "var/lib/containerd/io.containerd.snapshotter.v1.overlayfs";
const BACKEND: &str = "var/lib/containerd/io.containerd.snapshotter.v1.overlayfs/metadata.db";
const CONFIG: &str = "etc/containerd/config.toml";
const CRI: &str = "var/lib/containerd/io.containerd.grpc.v1.cri";

/// The one prediction about a capture after an edit.
fn after(name: &str, edit: impl Fn(&mut Tar)) -> Prediction {
    let mut tar = testcase::node(name);
    edit(&mut tar);
    let mut all = foretell(&tar, None);
    assert_eq!(all.len(), 1, "{name}: {all:#?}");
    all.remove(0)
}

fn config(tar: &mut Tar, text: &str, before: bool) {
    let data = &mut tar.member(CONFIG).data;
    *data = if before {
        [text.as_bytes(), data].concat()
    } else {
        [data, text.as_bytes()].concat()
    };
}

/// It ends for this reason, which the daemon tells with these words.
fn ends(told: &Prediction, outcome: Outcome, rule: &str, says: &str) {
    assert_eq!(told.outcome, outcome, "{told:#?}");
    assert_eq!(told.start, Start::No, "{told:#?}");
    let end = told.end().unwrap_or_else(|| panic!("{told:#?}"));
    assert_eq!(end.rule, rule, "{told:#?}");
    assert!(end.says.contains(says), "{says}: {told:#?}");
}

/// It boots, and one of its statements is this.
fn boots_and(told: &Prediction, start: Start, effect: Effect, rule: &str) {
    assert_eq!(told.outcome, Outcome::Boots, "{told:#?}");
    assert_eq!(told.start, start, "{told:#?}");
    let is = |statement: &&checks::start::Statement| {
        statement.effect == effect && statement.rule == rule
    };
    assert!(told.statements.iter().any(|s| is(&s)), "{told:#?}");
}

#[test]
fn healthy_captures_boot_and_are_well() {
    let names = testcase::nodes();
    assert!(names.len() >= 18, "{names:?}");
    for name in names {
        for told in foretell(&testcase::node(&name), None) {
            assert_eq!(told.outcome, Outcome::Boots, "{name}: {told:#?}");
            assert_eq!(told.start, Start::Yes, "{name}: {told:#?}");
            assert!(told.has_cri && told.unknown.is_empty(), "{name}: {told:#?}");
            // Whether shims answer is not in the files; all else is.
            let mut kills = told.statements.iter().filter(|s| s.effect == Effect::Kills);
            let killed = kills.any(|kills| !kills.perhaps);
            assert!(!killed, "{name}: {told:#?}");
            assert_eq!(told.source, Source::Tested, "{name}");
        }
    }
}

#[test]
fn an_upgrade_migrates_the_schema() {
    for (name, to, migrates) in [
        ("1.6-stopped", "1.7", false),
        ("1.7-stopped", "2.1.9", true),
        ("2.1-stopped", "1.7", false),
        ("2.1-stopped", "2.3", false),
    ] {
        let all = foretell(&testcase::node(name), Some(to));
        let [told] = all.as_slice() else {
            panic!("{all:#?}")
        };
        let found = told.statements.iter().any(|s| s.effect == Effect::Migrates);
        assert_eq!(found, migrates, "{name} to {to}: {told:#?}");
    }
    let all = foretell(&testcase::node("2.1-stopped"), Some("2.3"));
    assert_eq!(all[0].source, Source::FromSource);
}

#[test]
fn a_lost_meta_db_boots_and_must_not_be_started() {
    for name in ["1.6-stopped", "1.7-stopped", "2.1-stopped"] {
        let told = after(name, |tar| tar.remove(META));
        boots_and(&told, Start::No, Effect::DeletesLater, "B01");
        boots_and(&told, Start::No, Effect::Deletes, "K09");
        let told = after(name, |tar| tar.member(META).data.clear());
        boots_and(&told, Start::No, Effect::DeletesLater, "B01");
    }
}

#[test]
fn without_a_meta_the_daemon_is_green_and_dead() {
    for name in ["1.6-stopped", "1.7-stopped", "2.1-stopped"] {
        let told = after(name, |tar| tar.member(META).data[..8192].fill(0));
        ends(&told, Outcome::Dead, "B02", "invalid database");
    }
    let told = after("1.7-stopped", |tar| {
        config(
            tar,
            "required_plugins = ['io.containerd.grpc.v1.cri']\n",
            true,
        );
        tar.member(META).data[..8192].fill(0);
    });
    ends(
        &told,
        Outcome::CrashLoop,
        "P07",
        "load required plugin io.containerd.grpc.v1.cri",
    );
}

/// The cases of testdata, whose databases bbolt has damaged.
fn case(name: &str) -> Vec<Prediction> {
    let folder = testcase::testdata().join("cases").join(name);
    foretell(&Edits::read_edits(&folder).apply(&folder), None)
}

#[test]
fn records_that_do_not_decode_end_the_cri() {
    for told in case("cri-name-twice") {
        ends(&told, Outcome::CrashLoop, "K02", "failed to reserve");
    }
    // Outside the CRI's namespace nobody cares.
    for name in ["meta-value-undecodable", "meta-key-missing"] {
        for told in case(name) {
            assert_eq!(told.outcome, Outcome::Boots, "{told:#?}");
            assert_eq!(told.start, Start::WithCare, "{told:#?}");
        }
    }
    for told in case("cri-record-version") {
        boots_and(&told, Start::WithCare, Effect::Skips, "K01");
    }
}

#[test]
fn counters_that_are_behind_forbid_a_start() {
    for told in case("snapshot-id-sequence") {
        boots_and(&told, Start::No, Effect::DeletesLater, "F05");
    }
    let told = after("1.7-stopped", |tar| tar.remove(BACKEND));
    boots_and(&told, Start::No, Effect::DeletesLater, "F01");
}

#[test]
fn a_damaged_address_kills_the_container() {
    let bundle = "run/containerd/io.containerd.runtime.v2.task/default/sleeper";
    for (name, file) in [
        ("1.7-stopped", "address"),
        ("2.1-stopped", "bootstrap.json"),
    ] {
        let path = format!("{bundle}/{file}");
        let told = after(name, |tar| tar.member(&path).data.clear());
        boots_and(&told, Start::No, Effect::Kills, "R02");
        let mut kills = told.statements.iter().filter(|s| !s.perhaps);
        let kills = kills.find(|s| s.effect == Effect::Kills).unwrap();
        assert_eq!(kills.targets[0].object.to_string(), "task default/sleeper");
    }
}

#[test]
fn configurations_that_end_the_daemon_are_told() {
    let crash = Outcome::CrashLoop;
    for (name, text, before, rule, says) in [
        (
            "1.6-stopped",
            "root = [[\n",
            true,
            "P01",
            "failed to load TOML",
        ),
        (
            "2.1-stopped",
            "root = [[\n",
            true,
            "P01",
            "failed to unmarshal TOML",
        ),
        (
            "1.7-stopped",
            "imports = ['/etc/containerd/x.toml']\n",
            true,
            "P02",
            "open /etc/containerd/x.toml: no such file",
        ),
        (
            "1.7-stopped",
            "disabled_plugins = ['cri']\n",
            true,
            "P04",
            "invalid disabled plugin URI",
        ),
        (
            "1.6-stopped",
            "\n[plugins.cri]\nx = 1\n",
            false,
            "P04",
            "invalid plugin key URI \"cri\"",
        ),
        (
            "2.1-stopped",
            "root = '/a'\nstate = '/a'\n",
            true,
            "P06",
            "must be different paths",
        ),
        (
            "1.7-stopped",
            "\n[timeouts]\n'x' = 'soon'\n",
            false,
            "P05",
            "unable to parse soon",
        ),
        (
            "2.1-stopped",
            "\n[plugins.'io.containerd.gc.v1.scheduler']\nstartup_delay = 'soon'\n",
            false,
            "P05",
            "time: invalid duration \"soon\"",
        ),
        (
            "2.1-stopped",
            "required_plugins = ['io.containerd.snapshotter.v1.nosuch']\n",
            true,
            "P07",
            "required plugin [io.containerd.snapshotter.v1.nosuch] not included",
        ),
    ] {
        let told = after(name, |tar| config(tar, text, before));
        ends(&told, crash, rule, says);
    }
    let newer = |name| {
        after(name, |tar| {
            tar.member(CONFIG).data = b"version = 4\n".to_vec();
        })
    };
    ends(
        &newer("1.7-stopped"),
        crash,
        "P03",
        "unsupported config version `4`",
    );
    ends(
        &newer("2.1-stopped"),
        crash,
        "P03",
        "equal to or less than `3`, got `4`",
    );
}

#[test]
fn configurations_that_cost_a_plugin_are_told() {
    let told = after("1.7-stopped", |tar| {
        config(
            tar,
            "disabled_plugins = ['io.containerd.grpc.v1.cri']\n",
            true,
        );
    });
    assert_eq!((told.outcome, told.has_cri), (Outcome::Boots, false));
    let told = after("1.7-stopped", |tar| {
        let text = "\n[plugins.'io.containerd.grpc.v1.cri'.containerd]\nsnapshotter = 'nosuch'\n";
        config(tar, text, false);
    });
    ends(&told, Outcome::CriDead, "P10", "failed to find snapshotter");
    let told = after("2.1-stopped", |tar| {
        let text = "\n[plugins.'io.containerd.metadata.v1.bolt']\ncontent_sharing_policy = 'x'\n";
        config(tar, text, false);
    });
    ends(&told, Outcome::Dead, "P09", "unknown policy: x");
}

#[test]
fn files_where_folders_should_be_are_told() {
    let file = |path: &'static str| {
        move |tar: &mut Tar| {
            tar.remove(path);
            tar.add(path, b"x");
        }
    };
    let told = after("1.6-stopped", file(OVERLAY));
    ends(&told, Outcome::CriDead, "S07", "failed to find snapshotter");
    let told = after("2.1-stopped", file(OVERLAY));
    ends(&told, Outcome::Dead, "S07", "failed to load plugin");
    let told = after(
        "1.7-stopped",
        file("var/lib/containerd/io.containerd.grpc.v1.cri/sandboxes"),
    );
    ends(
        &told,
        Outcome::CrashLoop,
        "K08",
        "failed to cleanup orphaned sandbox directories",
    );
    let told = after(
        "1.6-stopped",
        file("var/lib/containerd/io.containerd.content.v1.content"),
    );
    ends(
        &told,
        Outcome::Dead,
        "C00",
        "io.containerd.content.v1.content",
    );
}

#[test]
fn status_files_that_are_written_over_are_told() {
    let told = after("1.7-rebooted", |_| {});
    boots_and(&told, Start::Yes, Effect::Rewrites, "K10");
    let told = after("1.7-rebooted", |tar| {
        let found = tar.paths(CRI, "/status");
        tar.member(&found[0]).data.clear();
    });
    boots_and(&told, Start::WithCare, Effect::Rewrites, "K06");
}

/// What is told of each case of testdata: its name, its findings, the first line.
#[expect(clippy::disallowed_methods, reason = "folders of this test")]
fn each_case(mut look: impl FnMut(&str, &finding::Report, &str)) {
    let folder = testcase::testdata().join("cases");
    for entry in std::fs::read_dir(folder).unwrap() {
        let folder = entry.unwrap().path();
        if !folder.join("edits.toml").exists() {
            continue;
        }
        let packed = Edits::read_edits(&folder).apply(&folder).write();
        let Ok(evidence) = Evidence::open_stream(packed.as_slice(), &Options::default()) else {
            continue;
        };
        let Some(roots) = node::discover(&evidence, &Said::default())
            .into_iter()
            .next()
        else {
            continue;
        };
        let node = Node::open(&evidence, roots, node::Options::default());
        let report = checks::judge(&node, &Measured::default());
        let release = daemon::detect(&node.traces);
        let verdict = checks::verdict(&node, &report, &release, node.now);
        let name = folder.file_name().unwrap().to_string_lossy();
        look(&name, &report, &verdict.sentence);
    }
}

#[test]
fn what_is_not_to_be_started_is_not_said_to_start() {
    let (mut warned, mut wrong) = (0, Vec::new());
    each_case(|name, report, sentence| {
        for finding in &report.findings {
            let what = finding.what_to_do();
            let warns = what.starts_with("Do not start") || what.starts_with("Do not restart");
            if !warns || finding.severity == finding::Severity::Note {
                continue;
            }
            warned += 1;
            if sentence.starts_with("containerd would start") {
                wrong.push(format!("{name}: {}: {sentence}", finding.code.name));
            }
        }
    });
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(warned >= 10, "{warned}");
}

#[test]
fn a_code_has_its_own_effect() {
    let said = |name: &str, says: &str| {
        for told in case(name) {
            assert!(told.sentence.contains(says), "{name}: {}", told.sentence);
        }
    };
    said("blob-stray", "cannot clean up its blobs");
    said("blob-descriptor-size", "cannot export images");
    said("image-alias-wrong", "starts another image");
    said("snapshot-parents-index", "wrong list of children");
    said("cri-address-lost", "loses the address of pods");
    for name in ["image-reference-missing", "container-snapshot-gone"] {
        said(name, "Do not start containerd: it ");
    }
    said(
        "unit-restart-kills",
        "Do not restart containerd while containers run",
    );
}

/// Evidence that is a directory: locks and room are known.
#[test]
fn a_lock_that_somebody_holds_hangs_the_daemon() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    let meta = root.join(META);
    std::fs::create_dir_all(meta.parent().unwrap()).unwrap();
    std::fs::write(&meta, &testcase::node("1.7-stopped").member(META).data).unwrap();
    #[expect(clippy::disallowed_methods, reason = "a file of this test")]
    let file = std::fs::File::open(&meta).unwrap();
    file.lock().unwrap();
    let evidence = Evidence::open(root, &Options::default()).unwrap();
    let roots = node::discover(&evidence, &Said::default());
    let node = Node::open(&evidence, roots[0].clone(), node::Options::default());
    let path = Path::new("/").join(META);
    assert!(node.around.holders.contains_key(&path), "{:?}", node.around);
    let report = checks::judge(&node, &Measured::default());
    let told = checks::start::predict(&node, &report, Release::V1_7, None, node.now);
    ends(
        &told,
        Outcome::Hangs,
        "B09",
        "waiting for response from boltdb open",
    );
    assert!(
        told.end().unwrap().targets[0]
            .object
            .to_string()
            .starts_with("process ")
    );
}

/// Containers that statements of this effect name, of those that are certain or of those that are not.
fn named(told: &Prediction, effect: Effect, perhaps: bool) -> Vec<String> {
    let all = told.statements.iter();
    let all = all.filter(|it| it.rule == "R29" && it.effect == effect && it.perhaps == perhaps);
    let targets = all.flat_map(|it| &it.targets);
    targets.map(|it| it.object.name.to_string()).collect()
}

#[test]
fn containers_that_a_label_starts_or_kills_are_named_and_no_others() {
    let folder = testcase::testdata().join("cases/container-restart-log-lost");
    let mut tar = Edits::read_edits(&folder).apply(&folder);
    // A config.toml of 2.1 is not one of 1.x.
    let mut older = testcase::node("1.7-stopped");
    older.member(META).data = tar.member(META).data.clone();
    // 1.6 knows no policy; the tasks of some have a bundle, and no process tells whether they run.
    for (release, surely, perhaps) in [
        (
            "1.6",
            vec!["odd", "record"],
            vec!["fresh", "once", "paused"],
        ),
        ("1.7", vec!["record"], vec!["once", "paused"]),
        ("2.1", vec!["record"], vec!["once", "paused"]),
    ] {
        let node = if release == "2.1" { &tar } else { &older };
        let told = foretell(node, Some(release)).remove(0);
        assert_eq!(named(&told, Effect::Starts, false), surely, "{release}");
        assert_eq!(named(&told, Effect::Starts, true), perhaps, "{release}");
        assert_eq!(named(&told, Effect::Kills, true), ["sleeper"], "{release}");
        assert_eq!(named(&told, Effect::Kills, false), [""; 0], "{release}");
    }
    let told = foretell(&tar, None).remove(0);
    let line = "It then starts 1 container by its restart label (container default/record).";
    assert!(told.sentence.ends_with(line), "{}", told.sentence);
    // One that was stopped on purpose, and is to be stopped: its bundle is gone.
    tar.remove("run/containerd/io.containerd.runtime.v2.task/default");
    let told = foretell(&tar, None).remove(0);
    assert_eq!(named(&told, Effect::Starts, false), ["once", "record"]);
    assert_eq!(named(&told, Effect::Kills, true), [""; 0]);
    let off = "disabled_plugins = [\"io.containerd.monitor.container.v1.restart\"]\n";
    config(&mut tar, off, true);
    let told = foretell(&tar, None).remove(0);
    assert_eq!(named(&told, Effect::Starts, false), [""; 0]);
}

#[test]
fn an_upgrade_that_loses_the_log_of_restarted_containers_says_so() {
    let folder = testcase::testdata().join("cases/container-restart-log-lost");
    let mut edited = Edits::read_edits(&folder).apply(&folder);
    let mut tar = testcase::node("1.7-stopped");
    tar.member(META).data = edited.member(META).data.clone();
    let told = foretell(&tar, Some("2.1")).remove(0);
    assert_eq!(named(&told, Effect::FailsLater, false), ["once"]);
    let told = foretell(&tar, Some("1.7")).remove(0);
    assert_eq!(named(&told, Effect::FailsLater, false), [""; 0]);
}

#[test]
fn no_capture_of_a_healthy_node_starts_containers_by_a_label() {
    for name in testcase::nodes() {
        for told in foretell(&testcase::node(&name), None) {
            let is_it = |it: &checks::start::Statement| it.rule == "R29";
            assert!(!told.statements.iter().any(is_it), "{name}");
        }
    }
}
