//! What follows from a fault stands below it, and not beside it.

#![expect(clippy::unwrap_used, reason = "tests panic where something is wrong")]

use checks::Measured;
use evidence::{Evidence, Options};
use finding::Report;
use node::{Node, Said};

fn report(packed: &[u8]) -> Report {
    let evidence = Evidence::open_stream(packed, &Options::default()).unwrap();
    let roots = node::discover(&evidence, &Said::default());
    let roots = roots.into_iter().next().unwrap();
    let node = Node::open(&evidence, roots, node::Options::default());
    checks::judge(&node, &Measured::default())
}

fn of_case(name: &str) -> Report {
    let folder = testcase::testdata().join("cases").join(name);
    report(&testcase::Edits::read_edits(&folder).apply(&folder).write())
}

/// Cases, what follows there, and from what.
const FOLDED: &[(&str, &str, &str)] = &[
    ("blob-size", "blob/descriptor-size", "blob/size"),
    ("ingest-complete", "ingest/stale", "ingest/complete"),
    ("ingest-blocks-pull", "ingest/stale", "ingest/blocks-pull"),
    (
        "ingest-blocks-pull-directory",
        "ingest/damaged",
        "ingest/blocks-pull",
    ),
    (
        "container-snapshot-gone",
        "snapshot/backend-unknown",
        "container/snapshot-gone",
    ),
    (
        "container-snapshotter-unknown",
        "container/snapshot-gone",
        "container/snapshotter-unknown",
    ),
    (
        "snapshot-half-committed",
        "snapshot/backend-missing",
        "snapshot/half-committed",
    ),
    (
        "snapshot-half-committed",
        "snapshot/backend-unknown",
        "snapshot/half-committed",
    ),
    (
        "snapshot-name-form",
        "snapshot/backend-missing",
        "snapshot/name-form",
    ),
    (
        "snapshot-name-form",
        "snapshot/backend-unknown",
        "snapshot/name-form",
    ),
    (
        "snapshot-name-twice",
        "snapshot/name-form",
        "snapshot/name-twice",
    ),
    (
        "snapshot-name-twice",
        "snapshot/backend-unknown",
        "snapshot/name-form",
    ),
];

#[test]
fn what_follows_from_a_fault_is_not_listed_beside_it() {
    for (case, effect, cause) in FOLDED {
        let report = of_case(case);
        let consequences = report.consequences.iter();
        let ours: Vec<_> = consequences
            .filter(|finding| finding.code.name == *effect)
            .filter(|finding| finding.because.as_ref().unwrap().code == *cause)
            .collect();
        assert!(!ours.is_empty(), "{case}: no {effect} because of {cause}");
        for finding in ours {
            let because = finding.because.as_ref().unwrap();
            let mut all = report.findings.iter().chain(&report.consequences);
            let cause =
                all.find(|it| it.code.name == because.code && it.location == because.location);
            assert!(cause.unwrap().severity >= finding.severity, "{case}");
            let is_beside = report
                .findings
                .iter()
                .any(|it| it.code.name == *effect && it.location == finding.location);
            assert!(!is_beside, "{case}: {effect} is listed as well");
        }
        let mut counts = report.findings.iter().map(|it| it.causes.get(effect));
        assert!(
            counts.any(|count| count.is_some()),
            "{case}: nobody causes {effect}"
        );
    }
}

#[test]
fn without_a_cause_the_same_kinds_are_listed() {
    for (case, code) in [
        ("snapshot-backend-missing", "snapshot/backend-missing"),
        ("snapshot-backend-unknown", "snapshot/backend-unknown"),
        ("snapshot-usage-missing", "snapshot/usage-missing"),
        ("blob-descriptor-size", "blob/descriptor-size"),
        ("ingest-stale", "ingest/stale"),
        ("ingest-damaged", "ingest/damaged"),
        ("snapshot-children", "snapshot/children"),
        ("snapshot-parents-index", "snapshot/parents-index"),
        ("snapshot-parent-missing", "snapshot/parent-missing"),
        ("snapshot-parents-disagree", "snapshot/parents-disagree"),
    ] {
        let report = of_case(case);
        let mut findings = report.findings.iter();
        assert!(findings.any(|finding| finding.code.name == code), "{case}");
    }
}

#[test]
fn on_a_healthy_node_nothing_follows_from_anything() {
    for name in ["1.6-stopped", "1.7-stopped", "2.1-stopped"] {
        let report = report(&testcase::packed(name));
        let above = report.consequences.iter();
        let above = above.filter(|finding| finding.severity > finding::Severity::Note);
        assert_eq!(above.count(), 0, "{name}");
    }
}

#[test]
fn a_check_alone_leaves_out_what_follows_from_others() {
    let folder = testcase::testdata().join("cases/snapshot-half-committed");
    let tar = testcase::Edits::read_edits(&folder).apply(&folder).write();
    let evidence = Evidence::open_stream(tar.as_slice(), &Options::default()).unwrap();
    let roots = node::discover(&evidence, &Said::default());
    let roots = roots.into_iter().next().unwrap();
    let node = Node::open(&evidence, roots, node::Options::default());
    let report = checks::judge_each(&node, |check| check.code.name == "snapshot/backend-missing");
    assert!(report.findings.is_empty(), "{:?}", report.findings);
    assert_eq!(report.consequences.len(), 1);
}
