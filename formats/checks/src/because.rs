//! One fault, one finding: which findings follow from which.
//!
//! A check reports plainly what it sees, and what is wrong by it ([`Finding::about`]). Where another finding is
//! about the same thing, the table says whether the first follows from it: the report then lists the cause,
//! and keeps the other as its consequence. A consequence is never worse than its cause, so nothing that is
//! bad is hidden by something that is not.

use std::collections::{BTreeMap, HashMap};

use finding::{Because, Finding, Object, Severity};

/// A kind of finding, and the kinds that it follows from where they are about the same thing.
type Row = (&'static str, &'static [&'static str]);

/// What follows from what. Where two may follow from each other, the first line holds.
const BECAUSE: &[Row] = &[
    // Content.
    ("blob/altered", &["blob/size"]),
    ("blob/descriptor-size", &["blob/size"]),
    ("image/content-missing", &["image/reference-missing"]),
    ("ingest/stale", &["ingest/complete", "ingest/blocks-pull"]),
    ("ingest/damaged", &["ingest/blocks-pull"]),
    // What the two databases and the disk have of a snapshot.
    ("snapshot/name-form", &["snapshot/name-twice"]),
    (
        "snapshot/backend-missing",
        &["snapshot/name-form", "snapshot/half-committed"],
    ),
    ("snapshot/usage-missing", &["snapshot/kind"]),
    ("snapshot/usage-differs", &["snapshot/half-committed"]),
    // A container's snapshot that meta.db lost with most others follows from that loss; a single one that only
    // its snapshotter still has follows from the container's.
    (
        "container/snapshot-gone",
        &["container/snapshotter-unknown", "snapshot/backend-unknown"],
    ),
    (
        "snapshot/backend-unknown",
        &[
            "container/snapshot-gone",
            "snapshot/half-committed",
            "snapshot/name-form",
        ],
    ),
];

/// The same of kinds that tell of many things at once: their checks ask of each thing, and leave out what
/// follows from another finding ([`crate::Judge::is_explained`]).
const LEFT_OUT: &[Row] = &[
    (
        "snapshot/parents-disagree",
        &[
            "snapshot/name-form",
            "snapshot/name-twice",
            "snapshot/parent-cycle",
        ],
    ),
    (
        "snapshot/parent-missing",
        &["snapshot/parents-disagree", "snapshot/backend-missing"],
    ),
    (
        "snapshot/children",
        &["snapshot/parents-disagree", "snapshot/parent-cycle"],
    ),
    (
        "snapshot/parents-index",
        &["snapshot/parents-disagree", "snapshot/parent-cycle"],
    ),
    ("cni/address-unreserved", &["cni/address-twice"]),
    ("cni/result-leftover", &["cri/address-leaked"]),
];

/// What a kind of finding follows from, by one of the tables.
fn causes_in(table: &[Row], code: &str) -> &'static [&'static str] {
    let row = table.iter().find(|(effect, _)| *effect == code);
    row.map_or(&[], |(_, causes)| *causes)
}

/// The kinds because of which a check leaves something out of its finding.
pub(crate) fn left_out_for(code: &str) -> &'static [&'static str] {
    causes_in(LEFT_OUT, code)
}

/// The kinds of findings that one of this kind may follow from: it is not listed where it does.
pub fn causes_of(code: &str) -> impl Iterator<Item = &'static str> {
    let causes = causes_in(BECAUSE, code).iter();
    causes.chain(left_out_for(code)).copied()
}

/// The kinds that are wanted, and those that they follow from, and so on.
pub(crate) fn with_causes(mut wanted: Vec<&'static str>) -> Vec<&'static str> {
    let mut at = 0;
    while let Some(code) = wanted.get(at) {
        let causes = causes_of(code);
        let new: Vec<&str> = causes.filter(|it| !wanted.contains(it)).collect();
        wanted.extend(new);
        at = at.saturating_add(1);
    }
    wanted
}

/// For each finding the place of the one that it follows from.
pub(crate) fn causes(findings: &[Finding]) -> Vec<Option<usize>> {
    let mut worst: HashMap<(&str, &Object), usize> = HashMap::new();
    let severity = |at: usize| findings.get(at).map(|finding| finding.severity);
    for (at, finding) in findings.iter().enumerate() {
        for object in &finding.about {
            let known = worst.entry((finding.code.name, object)).or_insert(at);
            if severity(*known) < Some(finding.severity) {
                *known = at;
            }
        }
    }
    let mut causes: Vec<Option<usize>> = vec![None; findings.len()];
    for (effect, codes) in BECAUSE {
        for (at, finding) in findings.iter().enumerate() {
            if finding.code.name != *effect {
                continue;
            }
            let about = finding.about.iter();
            let mut found = about
                .flat_map(|object| codes.iter().map(move |code| (*code, object)))
                .filter_map(|key| worst.get(&key).copied())
                .filter(|cause| severity(*cause) >= Some(finding.severity));
            let cause = found.find(|cause| chain(&causes, *cause).all(|each| each != at));
            if let Some(slot) = causes.get_mut(at) {
                *slot = cause;
            }
        }
    }
    causes
}

/// A finding, what it follows from, and so on.
fn chain(causes: &[Option<usize>], at: usize) -> impl Iterator<Item = usize> {
    std::iter::successors(Some(at), |at| causes.get(*at).copied().flatten())
}

/// Findings that follow from no other, each with what its consequences affect, and those consequences.
pub(crate) fn fold(findings: Vec<Finding>) -> (Vec<Finding>, Vec<Finding>) {
    let causes = causes(&findings);
    let because: Vec<Option<Because>> = causes
        .iter()
        .map(|cause| {
            let cause = findings.get((*cause)?)?;
            let (code, location) = (cause.code.name, cause.location.clone());
            Some(Because { code, location })
        })
        .collect();
    let mut below: HashMap<usize, (BTreeMap<&str, u64>, Vec<Object>)> = HashMap::new();
    for (at, finding) in findings.iter().enumerate() {
        if let Some(root) = chain(&causes, at).last().filter(|root| *root != at) {
            let (counts, affects) = below.entry(root).or_default();
            let count = counts.entry(finding.code.name).or_default();
            *count = count.saturating_add(1);
            // A note breaks nothing.
            if finding.severity > Severity::Note {
                affects.extend_from_slice(&finding.affects);
            }
        }
    }
    let findings = findings.into_iter().zip(because).enumerate();
    let findings = findings.map(|(at, (finding, because))| {
        let (causes, affects) = below.remove(&at).unwrap_or_default();
        let finding = Finding {
            causes,
            because,
            ..finding
        };
        finding.affecting(&affects)
    });
    findings.partition(|finding| finding.because.is_none())
}

#[cfg(test)]
mod tests {
    use finding::{Code, Location};

    use super::*;

    /// A finding of a code of the table about these, of this severity.
    fn finding(name: &str, severity: Severity, about: &[&str]) -> Finding {
        let all = crate::codes();
        let code: &'static Code = all.iter().find(|code| code.name == name).unwrap();
        let place = about.first().copied().unwrap_or_default();
        let location = Location::file("/meta.db").place("snapshot", place);
        let about = about.iter().map(|name| Object::global("snapshot", *name));
        Finding::new(code, location, name)
            .severity(severity)
            .about(about)
            .affects(Object::global("image", format!("{name} of {place}")))
    }

    fn codes(findings: &[Finding]) -> Vec<&str> {
        findings.iter().map(|finding| finding.code.name).collect()
    }

    #[test]
    fn each_code_of_the_table_is_one_and_has_one_row() {
        let known: Vec<&str> = crate::codes().iter().map(|code| code.name).collect();
        let rows: Vec<&Row> = BECAUSE.iter().chain(LEFT_OUT).collect();
        for (at, (effect, causes)) in rows.iter().enumerate() {
            for name in causes.iter().chain([effect]) {
                assert!(known.contains(name), "{name} is no code");
            }
            let rest = rows.get(at.saturating_add(1)..).unwrap();
            assert!(rest.iter().all(|(other, _)| other != effect), "{effect}");
        }
    }

    #[test]
    fn what_follows_from_another_stands_below_it_with_what_it_affects() {
        let (told, folded) = fold(vec![
            finding("snapshot/usage-missing", Severity::Odd, &["a"]),
            finding("snapshot/usage-missing", Severity::Odd, &["b"]),
            finding("snapshot/kind", Severity::Damage, &["a"]),
        ]);
        assert_eq!(
            codes(&told),
            ["snapshot/usage-missing", "snapshot/kind"],
            "of another snapshot nothing follows"
        );
        assert_eq!(codes(&folded), ["snapshot/usage-missing"]);
        let cause = told.last().unwrap();
        assert_eq!(cause.causes.get("snapshot/usage-missing"), Some(&1));
        assert_eq!(cause.affects.len(), 2);
        let because = folded.first().unwrap().because.as_ref().unwrap();
        assert_eq!(because.code, "snapshot/kind");
        assert_eq!(because.location, cause.location);
    }

    #[test]
    fn nothing_follows_from_what_is_less_bad() {
        let (told, folded) = fold(vec![
            finding("blob/altered", Severity::Damage, &["a"]),
            finding("blob/size", Severity::Odd, &["a"]),
        ]);
        assert_eq!((told.len(), folded.len()), (2, 0));
    }

    #[test]
    fn a_chain_ends_at_its_first_cause() {
        let (told, folded) = fold(vec![
            finding("snapshot/backend-missing", Severity::Damage, &["a"]),
            finding("snapshot/name-form", Severity::Damage, &["a"]),
            finding("snapshot/name-twice", Severity::Damage, &["a"]),
        ]);
        assert_eq!(codes(&told), ["snapshot/name-twice"]);
        assert_eq!(folded.len(), 2);
        let because = folded.first().unwrap().because.as_ref().unwrap();
        assert_eq!(because.code, "snapshot/name-form");
        assert_eq!(told.first().unwrap().causes.len(), 2);
    }

    #[test]
    fn of_two_that_follow_from_each_other_one_stays() {
        let gone = |severity| finding("container/snapshot-gone", severity, &["a"]);
        let unknown = |severity| finding("snapshot/backend-unknown", severity, &["a"]);
        let (told, _) = fold(vec![gone(Severity::Fatal), unknown(Severity::Fatal)]);
        assert_eq!(codes(&told), ["snapshot/backend-unknown"]);
        let (told, _) = fold(vec![unknown(Severity::Note), gone(Severity::Damage)]);
        assert_eq!(codes(&told), ["container/snapshot-gone"]);
    }

    #[test]
    fn a_check_that_asks_stands_behind_what_it_follows_from() {
        let place = |name: &str| {
            let mut all = crate::CHECKS.iter();
            all.position(|check| check.code.name == name).unwrap()
        };
        for (effect, causes) in LEFT_OUT {
            for cause in *causes {
                assert!(place(cause) < place(effect), "{cause} before {effect}");
            }
        }
    }

    #[test]
    fn whoever_wants_a_kind_wants_its_causes() {
        let wanted = with_causes(vec!["snapshot/usage-missing", "snapshot/backend-missing"]);
        for name in ["snapshot/kind", "snapshot/name-form", "snapshot/name-twice"] {
            assert!(wanted.contains(&name), "{name}");
        }
        assert!(!wanted.contains(&"blob/size"));
    }
}
