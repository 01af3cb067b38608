//! Two triages of one real capture, before and after damage.

#![expect(clippy::unwrap_used, reason = "tests panic where something is wrong")]

use std::collections::BTreeMap;

use checks::Measured;
use compared::{Difference, Taken};
use evidence::{Evidence, Options};
use finding::{Report, Severity};
use node::{Node, Said};
use testcase::Tar;

const BLOBS: &str = "var/lib/containerd/io.containerd.content.v1.content/blobs/sha256/";

fn report(tar: &Tar) -> Report {
    let packed = tar.write();
    let evidence = Evidence::open_stream(packed.as_slice(), &Options::default()).unwrap();
    let roots = node::discover(&evidence, &Said::default());
    let roots = roots.into_iter().next().unwrap();
    let node = Node::open(&evidence, roots, node::Options::default());
    checks::judge(&node, &Measured::default())
}

fn codes(entries: &[compared::Entry]) -> Vec<&str> {
    entries.iter().map(|entry| entry.code.as_str()).collect()
}

fn taken(report: &Report) -> Taken {
    Taken::from_report(report, &BTreeMap::new()).unwrap()
}

#[test]
fn what_was_damaged_is_new_and_what_was_repaired_is_gone() {
    let whole = testcase::node("1.7-stopped");
    let mut damaged = testcase::node("1.7-stopped");
    let blob = whole.paths(BLOBS, "").into_iter().max().unwrap();
    damaged.remove(&blob);
    let (before, after) = (report(&whole), report(&damaged));
    let (before, after) = (taken(&before), taken(&after));
    let same = Difference::between(&before, &before);
    assert!(same.new.is_empty() && same.gone.is_empty() && same.changed.is_empty());
    assert_eq!(same.same, before.findings.len());

    let worse = Difference::between(&before, &after);
    assert!(
        codes(&worse.new).contains(&"blob/missing"),
        "{:?}",
        codes(&worse.new)
    );
    assert!(worse.worse().any(|severity| severity >= Severity::Damage));
    let better = Difference::between(&after, &before);
    assert_eq!(codes(&better.gone), codes(&worse.new));
    assert!(better.unjudged.is_empty());
}

/// What the newer triage did not judge is not gone.
#[test]
fn what_was_ignored_is_not_gone() {
    let mut damaged = testcase::node("1.7-stopped");
    let blob = damaged.paths(BLOBS, "").into_iter().max().unwrap();
    damaged.remove(&blob);
    let old = report(&damaged);
    let mut new = report(&damaged);
    new.findings
        .retain(|finding| finding.code.name != "blob/missing");
    let ignored = BTreeMap::from([("blob/missing", 1)]);
    let new = Taken::from_report(&new, &ignored).unwrap();
    let difference = Difference::between(&taken(&old), &new);
    assert!(codes(&difference.gone).is_empty());
    assert!(codes(&difference.unjudged).contains(&"blob/missing"));
}

#[test]
fn what_is_no_triage_is_refused() {
    for (bytes, why) in [
        (&b"{"[..], "it is not JSON"),
        (br#"{"schema": "coroner/triage/0"}"#, "its schema is"),
        (
            br#"{"schema": "coroner/triage/1", "answer": {}}"#,
            "it lists no findings",
        ),
    ] {
        let refused = Taken::parse(bytes, "a file").unwrap_err();
        assert!(refused.starts_with(why), "{refused}");
    }
}
