//! `--ignore`: findings that somebody knows of and does not want to see.

use std::collections::BTreeMap;

use cli::Failure;
use finding::{Escaped, Report};

/// Codes, and families of codes such as `bolt/*`.
#[derive(Debug, Default)]
pub(crate) struct Ignore(Vec<String>);

impl Ignore {
    /// Takes what was given; a code or family that does not exist is a mistake.
    pub(crate) fn new(given: Vec<String>) -> Result<Self, Failure> {
        let codes = checks::codes();
        for pattern in &given {
            if !codes.iter().any(|code| matches(pattern, code.name)) {
                let pattern = Escaped(pattern.as_bytes());
                return Err(Failure::usage(format!("there is no code {pattern}"))
                    .hint("`coroner explain` lists all codes; a family is written as `bolt/*`"));
            }
        }
        Ok(Self(given))
    }

    fn has(&self, code: &str) -> bool {
        self.0.iter().any(|pattern| matches(pattern, code))
    }

    /// Takes the ignored findings out; how many there were of each code.
    pub(crate) fn apply(&self, report: &mut Report) -> BTreeMap<&'static str, u64> {
        let mut ignored: BTreeMap<&'static str, u64> = BTreeMap::new();
        report.findings.retain(|finding| {
            let ignore = self.has(finding.code.name);
            if ignore {
                let count = ignored.entry(finding.code.name).or_default();
                *count = count.saturating_add(1);
            }
            !ignore
        });
        let consequences = &mut report.consequences;
        consequences.retain(|finding| !self.has(finding.code.name));
        report.drop_without_cause();
        ignored
    }
}

/// Whether `pattern` is this code or `family/*` of its family.
fn matches(pattern: &str, code: &str) -> bool {
    match pattern.strip_suffix("/*") {
        Some(family) => code
            .strip_prefix(family)
            .is_some_and(|rest| rest.starts_with('/')),
        None => pattern == code,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_family_is_all_codes_of_it_and_no_other() {
        assert!(matches("bolt/*", "bolt/page-zero"));
        assert!(matches("bolt/page-zero", "bolt/page-zero"));
        assert!(!matches("bolt/*", "bolts/page-zero"));
        assert!(!matches("bolt/page", "bolt/page-zero"));
        assert!(!matches("*", "bolt/page-zero"));
    }

    #[test]
    fn what_does_not_exist_is_not_ignored() {
        assert!(Ignore::new(vec!["bolt/*".to_owned(), "blob/missing".to_owned()]).is_ok());
        for wrong in ["nothing/*", "blob/", "*", ""] {
            assert!(Ignore::new(vec![wrong.to_owned()]).is_err(), "{wrong}");
        }
    }
}
