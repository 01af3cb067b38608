//! What a start does about what is wrong: one line a rule.
//!
//! The releases that were run are 1.6.20, 1.7.24 and 2.1.9; a rule that names others as well holds
//! for those by their source.

use finding::{Finding, Severity};
use serde::Serialize;

use crate::{Release, Source};

/// What daemons of some releases do at a start because of a kind of finding.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Rule {
    /// The kinds of findings: a code's name, or a family (`bolt/`).
    pub codes: &'static [&'static str],
    /// The first release that does it.
    pub from: Release,
    /// The last that does it, of those known here.
    pub to: Release,
    /// The releases, as a report names them.
    pub releases: &'static str,
    /// What it does, as a clause without a subject.
    pub does: &'static str,
    /// What it says meanwhile, where it says anything.
    pub says: &'static str,
    /// How it is known.
    pub source: Source,
}

impl Rule {
    /// Whether daemons of `release` follow it.
    pub fn holds_for(&self, release: Release) -> bool {
        (self.from..=self.to).contains(&release)
    }
}

const fn all(codes: &'static [&'static str], does: &'static str, says: &'static str) -> Rule {
    Rule {
        codes,
        from: Release::V1_6,
        to: Release::V2_3,
        releases: "all",
        does,
        says,
        source: Source::Tested,
    }
}

const fn old(codes: &'static [&'static str], does: &'static str, says: &'static str) -> Rule {
    Rule {
        to: Release::V1_7,
        releases: "1.6, 1.7",
        ..all(codes, does, says)
    }
}

const fn new(codes: &'static [&'static str], does: &'static str, says: &'static str) -> Rule {
    Rule {
        from: Release::V2_0,
        releases: "2.x",
        ..all(codes, does, says)
    }
}

const fn only_1_6(codes: &'static [&'static str], does: &'static str, says: &'static str) -> Rule {
    Rule {
        to: Release::V1_6,
        releases: "1.6",
        ..all(codes, does, says)
    }
}

const fn since_1_7(codes: &'static [&'static str], does: &'static str, says: &'static str) -> Rule {
    Rule {
        from: Release::V1_7,
        releases: "1.7, 2.x",
        ..all(codes, does, says)
    }
}

/// Damage of a page of a bolt file.
const PAGES: &[&str] = &[
    "bolt/page-id",
    "bolt/page-type",
    "bolt/page-zero",
    "bolt/page-garbled",
    "bolt/element-bounds",
];

/// Every rule.
pub const RULES: &[Rule] = &[
    // Databases.
    only_1_6(
        PAGES,
        "starts, and panics when something touches the page",
        "panic: invalid page type: 0: 0",
    ),
    since_1_7(
        PAGES,
        "panics when it opens the file: it walks every page",
        "panic: assertion failed: Page expected to be: N, but self identifies as M",
    ),
    all(
        &["bolt/freelist-type", "bolt/meta-freelist"],
        "panics when it opens the file",
        "panic: invalid freelist page: 0, page type is unknown<00>",
    ),
    all(
        &["bolt/freelist-count"],
        "asks for the memory that the count claims, and dies of it",
        "fatal error: runtime: out of memory",
    ),
    // Runtime.
    old(
        &["runtime/address-damaged"],
        "takes the shim for dead, kills the container and removes its bundle",
        "cleaning up after shim disconnected",
    ),
    new(
        &["runtime/address-damaged"],
        "takes the shim for dead, kills the container and removes its bundle",
        "failed to read bootstrap.json when restoring bundle",
    ),
    only_1_6(
        &["runtime/bundle-without-state"],
        "keeps the shim, though it has no process",
        "",
    ),
    since_1_7(
        &["runtime/bundle-without-state"],
        "asks the shim for its processes; without any, ends it and removes the bundle",
        "cleaning leaked shim process",
    ),
    all(
        &["runtime/state-without-bundle"],
        "does not see it: its processes, its state and its mounts stay",
        "",
    ),
    all(
        &["runtime/status-damaged", "runtime/status-missing"],
        "calls the container's state unknown, and writes \"exited, 255\" over it",
        "Failed to load container status",
    ),
    all(
        &["runtime/status-dir-missing"],
        "does not load the container: kubelet can neither see nor remove it",
        "failed to checkpoint status",
    ),
    all(
        &["runtime/status-orphan"],
        "removes the folder",
        "cleanup orphaned container directory",
    ),
    all(
        &["runtime/status-without-task"],
        "writes \"exited, 255, Unknown\", ended now, over the status",
        "",
    ),
    all(
        &["runtime/work-dir-orphan"],
        "removes the folder, once the namespace has a bundle again",
        "",
    ),
];

/// The rules about a kind of finding.
pub fn rules(code: &str) -> impl Iterator<Item = &'static Rule> + use<'_> {
    RULES.iter().filter(move |rule| rule.codes.contains(&code))
}

/// What a daemon of `release` does at a start because of a kind of finding.
pub fn at_start(code: &str, release: Release) -> Option<&'static str> {
    rules(code)
        .find(|rule| rule.holds_for(release))
        .map(|rule| rule.does)
}

/// A finding with what each release would do because of it. A note changes nothing at a start that
/// deserves a line, unless a rule is about notes.
#[must_use]
pub fn with_start(mut finding: Finding) -> Finding {
    if finding.severity == Severity::Note && finding.code.severity != Severity::Note {
        return finding;
    }
    let mut lines: Vec<(&'static str, &'static str)> = Vec::new();
    for rule in rules(finding.code.name) {
        match lines.iter_mut().find(|(_, does)| *does == rule.does) {
            // The same in 1.x and in 2.x is the same everywhere.
            Some(line) => line.0 = "all",
            None => lines.push((rule.releases, rule.does)),
        }
    }
    for (releases, does) in lines {
        finding = finding.at_start(releases, does);
    }
    finding
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rules_do_not_contradict_each_other() {
        for rule in RULES {
            assert!(rule.from <= rule.to, "{rule:?}");
            for code in rule.codes {
                for release in Release::ALL {
                    let same = rules(code).filter(|rule| rule.holds_for(release)).count();
                    assert!(same <= 1, "{code} {release}");
                }
            }
        }
    }

    #[test]
    fn a_release_does_what_its_rule_says() {
        let code = "bolt/page-id";
        assert!(at_start(code, Release::V1_6).unwrap().starts_with("starts"));
        assert!(at_start(code, Release::V2_2).unwrap().starts_with("panics"));
        assert_eq!(at_start("no/such", Release::V1_6), None);
    }
}
