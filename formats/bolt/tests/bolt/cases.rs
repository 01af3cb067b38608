//! Every damage is named, at its exact offset, and nothing else is said.

use std::collections::BTreeSet;
use std::time::Duration;

use testcase::Effort;

use bolt::{CheckOptions, Db, check};
use view::View;

use crate::testdata::{Case, SCHEMAS, cases};

/// What the check says of a file: code and offset.
fn said(bytes: &[u8]) -> BTreeSet<(&'static str, u64)> {
    let report = check(&View::new(bytes), &CheckOptions::default()).unwrap();
    let db = Db::open(View::new(bytes)).db;
    let lost = db.map_or_else(Vec::new, |db| db.lost_writes(&report, SCHEMAS));
    let found = report.faults.iter().chain(&lost);
    found
        .map(|found| (found.fault.what.code().name, found.fault.span.start))
        .collect()
}

fn complaint(case: &Case, bytes: &[u8]) -> Option<String> {
    let said = said(bytes);
    let codes: BTreeSet<&str> = said.iter().map(|(code, _)| *code).collect();
    let want: BTreeSet<&str> = case
        .also
        .iter()
        .map(String::as_str)
        .chain([case.code.as_str()])
        .collect();
    let is_right = said.contains(&(case.code.as_str(), case.at)) && codes == want;
    let said: Vec<String> = said
        .iter()
        .map(|(code, at)| format!("{code} at {at:#x}"))
        .collect();
    (!is_right).then(|| {
        format!(
            "want {} at {:#x}, also {:?}; found {}",
            case.code,
            case.at,
            case.also,
            said.join(", ")
        )
    })
}

#[test]
fn each_damage_is_named_at_its_offset() {
    let mut complaints = Vec::new();
    for (name, case, bytes) in cases() {
        let start = Effort::start();
        complaints.extend(complaint(&case, &bytes).map(|text| format!("{name}: {text}")));
        assert!(
            start.spent() < Duration::from_secs(5),
            "{name} takes too long"
        );
        // Reading it key by key ends, too.
        if let Some(db) = Db::open(View::new(&bytes)).db {
            assert!(db.walk().count() < 1_000_000);
        }
    }
    assert!(
        complaints.is_empty(),
        "{}\n{}",
        complaints.len(),
        complaints.join("\n")
    );
}

#[test]
fn every_code_has_a_case() {
    let cases = cases();
    let shown: BTreeSet<&str> = cases
        .iter()
        .map(|(_, case, _)| case.code.as_str())
        .collect();
    let untold: Vec<&str> = bolt::CODES
        .iter()
        .map(|code| code.name)
        .filter(|name| !shown.contains(name) && !ELSEWHERE.contains(name))
        .collect();
    assert!(untold.is_empty(), "no case shows {untold:?}");
}

/// Codes that no edit of a small file can show, and the tests that do.
const ELSEWHERE: &[&str] = &[
    "bolt/page-unread", // hostile::a_bad_sector_is_one_fault
    "bolt/tree-deep",   // hostile::a_chain_of_pages_ends
];
