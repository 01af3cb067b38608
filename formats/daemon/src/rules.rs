//! What a start does about what is wrong, told beside a finding.

use finding::{Finding, Severity};

use crate::Release;
use crate::start::{START, StartRule};

/// The rules of which each finding of this code is a sign.
pub fn rules(code: &str) -> impl Iterator<Item = &'static StartRule> + use<'_> {
    let all = START.iter().copied().flatten();
    all.filter(move |rule| rule.codes.contains(&code))
}

/// What a daemon of `release` does at a start because of a kind of finding.
pub fn at_start(code: &str, release: Release) -> Option<&'static str> {
    rules(code)
        .find(|rule| rule.holds_for(release))
        .map(|rule| rule.does)
}

/// A finding with what a rule makes of it.
#[must_use]
pub fn told(finding: Finding, rule: &StartRule) -> Finding {
    finding.at_start(rule.releases(), rule.does)
}

/// The same, with what it befalls.
#[must_use]
pub fn told_of(finding: Finding, rule: &StartRule, what: &str) -> Finding {
    finding.at_start(rule.releases(), format!("{}: {what}", rule.does))
}

/// A finding with what each release would do because of it. A note changes nothing at a start that
/// deserves a line, unless a rule is about notes.
#[must_use]
pub fn with_start(finding: Finding) -> Finding {
    if finding.severity == Severity::Note && finding.code.severity != Severity::Note {
        return finding;
    }
    rules(finding.code.name).fold(finding, told)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_release_does_what_its_rule_says() {
        let code = "bolt/page-id";
        assert!(at_start(code, Release::V1_6).unwrap().starts_with("starts"));
        assert!(at_start(code, Release::V2_2).unwrap().starts_with("panics"));
        assert_eq!(at_start("no/such", Release::V1_6), None);
    }
}
