//! Ways out say what they take away.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use checks::Measured;
use evidence::{Evidence, Options};
use finding::{Action, Loss, Severity, Step};
use node::{Node, Said};

use crate::opened;

/// The steps of all ways out of a node without its meta.db, whose unit is this.
fn steps(unit: &str) -> Vec<Step> {
    let mut tar = testcase::node("1.7-stopped");
    tar.remove("var/lib/containerd/io.containerd.metadata.v1.bolt/meta.db");
    tar.add("etc/systemd/system/containerd.service", unit.as_bytes());
    let report = opened::report(&tar);
    let lost = report.findings.into_iter();
    let lost = lost.filter(|finding| finding.code.name == "store/meta-missing");
    let ways = lost.flat_map(|finding| finding.ways);
    ways.flat_map(|way| way.steps).collect()
}

fn stops(steps: &[Step]) -> impl Iterator<Item = &Step> {
    steps.iter().filter(|step| match &step.action {
        Action::Command(command) => command.to_string().starts_with("systemctl stop"),
        _ => false,
    })
}

#[test]
fn a_stop_that_ends_every_container_says_so() {
    let kills = steps("[Service]\nExecStart=/usr/bin/containerd\n");
    let spares = steps("[Service]\nExecStart=/usr/bin/containerd\nKillMode=process\n");
    assert_eq!(stops(&kills).count(), 1, "{kills:#?}");
    assert_eq!(stops(&spares).count(), 1, "{spares:#?}");
    for stop in stops(&kills) {
        assert!(!stop.loses.objects().is_empty(), "{stop:?}");
        assert!(!stop.is_undoable);
    }
    for stop in stops(&spares) {
        assert_eq!(stop.loses, Loss::Nothing);
        assert!(stop.is_undoable);
    }
}

/// Why findings above a note have no step, and which.
const STEPLESS: &[(&str, &str)] = &[
    (
        "the right value is not in the evidence, or a single key of a database must change, which no tool does",
        "meta/bucket-key meta/migration-blocked meta/plain-key meta/version-ahead meta/version-unknown snapshot/children snapshot/device-faulty snapshot/pool-disagrees store/root-emptied store/root-missing store/unreadable",
    ),
    (
        "the table of config.toml that is lacking is not enough by itself: without runc's beside it, or its daemon, the CRI is lost",
        "cri/runtime-handler-unknown cri/sandboxer-unknown",
    ),
    (
        "the way depends on who else has the address, or on its network's range: the finding's own words",
        "cni/address-twice cni/addresses-exhausted",
    ),
    (
        "nothing is to be done: containerd passes over it, or mends it itself",
        "blob/size content/key-case image/snapshot-unreferenced ingest/reference meta/blob-key meta/label-invalid meta/namespace-name meta/root-bucket runtime/bundle-hidden runtime/bundle-spec-missing runtime/pids-disagree runtime/work-dir-missing snapshot/extraction-leftover snapshot/usage-missing",
    ),
    (
        "what is to be done rests on what runs on the node, and the finding's own words say where to look",
        "cri/pod-file-missing runtime/cwd-escape runtime/mount-orphan store/repair-half-way",
    ),
];

/// The findings above a note of a case, with those of the verdict, that have no step.
fn stepless(folder: &Path) -> Vec<String> {
    let tar = testcase::Edits::read_edits(folder).apply(folder).write();
    let Ok(evidence) = Evidence::open_stream(tar.as_slice(), &Options::default()) else {
        return Vec::new();
    };
    let Some(roots) = node::discover(&evidence, &Said::default())
        .into_iter()
        .next()
    else {
        return Vec::new();
    };
    let node = Node::open(&evidence, roots, node::Options::default());
    let report = checks::judge(&node, &Measured::default());
    let verdict = checks::verdict(&node, &report, &daemon::detect(&node.traces), node.now);
    let report = checks::with_verdict(report, &verdict, &node);
    let above = report
        .findings
        .iter()
        .filter(|finding| finding.severity > Severity::Note);
    let bare = above.filter(|finding| finding.ways.iter().all(|way| way.steps.is_empty()));
    bare.map(|finding| finding.code.name.to_owned()).collect()
}

#[test]
fn each_finding_above_a_note_has_a_step_or_a_reason() {
    let cases = std::fs::read_dir(testcase::testdata().join("cases")).unwrap();
    let folders: Vec<PathBuf> = cases.map(|entry| entry.unwrap().path()).collect();
    let folders: Vec<PathBuf> = folders
        .into_iter()
        .filter(|it| it.join("edits.toml").exists())
        .collect();
    assert!(folders.len() > 100);
    let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let part = folders.len().div_ceil(cores);
    let bare: BTreeSet<String> = std::thread::scope(|scope| {
        let parts: Vec<_> = folders
            .chunks(part)
            .map(|some| {
                scope.spawn(|| {
                    some.iter()
                        .flat_map(|folder| stepless(folder))
                        .collect::<Vec<String>>()
                })
            })
            .collect();
        parts
            .into_iter()
            .flat_map(|part| part.join().unwrap())
            .collect()
    });
    let listed = STEPLESS
        .iter()
        .flat_map(|(_, codes)| codes.split_whitespace());
    let known: BTreeSet<String> = listed.map(str::to_owned).collect();
    let unknown: Vec<&String> = bare.difference(&known).collect();
    assert!(unknown.is_empty(), "no step, and no reason: {unknown:?}");
    let gone: Vec<&String> = known.difference(&bare).collect();
    assert!(gone.is_empty(), "they have steps now: {gone:?}");
}
