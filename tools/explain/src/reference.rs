//! What a report refers to besides codes: the number of a rule (`C03`), the issue of a project
//! (`containerd#6772`).

use finding::Code;

/// Every rule, with its number: `| C03 | the bytes have … | blob/altered |`.
const INVARIANTS: &str = include_str!("../../../docs/invariants.md");

/// Projects whose issues are named, and where they are.
const PROJECTS: &[(&str, &str)] = &[
    ("containerd", "containerd/containerd"),
    ("cri", "containerd/cri"),
    ("ttrpc", "containerd/ttrpc"),
    ("nri", "containerd/nri"),
    ("runc", "opencontainers/runc"),
    ("moby", "moby/moby"),
    ("gvisor", "google/gvisor"),
    ("cni", "containernetworking/cni"),
    ("go-cni", "containerd/go-cni"),
];

/// What is referred to, in a line or two, and the codes that belong to it.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Reference {
    pub(crate) about: Vec<String>,
    pub(crate) codes: Vec<&'static Code>,
}

/// What `wanted` refers to, if it is a rule or an issue.
pub(crate) fn reference(wanted: &str) -> Option<Reference> {
    let wanted = wanted.trim();
    rule(wanted)
        .or_else(|| issue(wanted))
        .or_else(|| state(wanted))
        .or_else(|| message(wanted))
}

/// A state of a container, by the word that `runtime stuck` prints.
fn state(wanted: &str) -> Option<Reference> {
    let row = stuck::ROWS.iter().find(|row| row.word == wanted)?;
    let mut about = vec![format!(
        "{wanted} is a state of a container, as `coroner runtime stuck` names it. {}",
        row.state.means()
    )];
    about.push(row.cause.to_owned());
    about.extend(row.never.iter().map(|never| (*never).to_owned()));
    if !row.healthy {
        about.push(
            "`coroner runtime stuck NODE` says what is safe to do for each container.".to_owned(),
        );
    }
    about.retain(|line| !line.is_empty());
    let same = checks::codes().into_iter();
    let same = same.filter(|code| code.name.rsplit('/').next() == Some(wanted));
    Some(Reference {
        about,
        codes: same.collect(),
    })
}

/// What daemons say, by the name that `explain` and `logs` print for it.
fn message(wanted: &str) -> Option<Reference> {
    let message = messages::message(wanted)?;
    let mut about = vec![format!(
        "{wanted} is something that {} says.",
        message.who.name()
    )];
    about.extend(
        message
            .shown()
            .next()
            .map(|text| format!("Its text: {text}")),
    );
    about.push(message.means.to_owned());
    about.extend(
        message
            .or
            .iter()
            .map(|cause| format!("Another cause: {cause}")),
    );
    about.extend(
        message
            .first
            .iter()
            .map(|first| format!("Look first at: {first}")),
    );
    about.retain(|line| !line.is_empty());
    let all = checks::codes().into_iter();
    Some(Reference {
        about,
        codes: all
            .filter(|code| message.confirmed_by.contains(&code.name))
            .collect(),
    })
}

fn rule(wanted: &str) -> Option<Reference> {
    let wanted = wanted.to_uppercase();
    let digits = wanted.trim_start_matches(|letter: char| letter.is_ascii_uppercase());
    let is_rule = digits.len() < wanted.len()
        && !digits.is_empty()
        && digits.bytes().all(|byte| byte.is_ascii_digit());
    let row = INVARIANTS.lines().filter(|_| is_rule).find_map(|line| {
        let mut cells = line.strip_prefix("| ")?.split(" | ");
        (cells.next()? == wanted).then_some(cells)
    });
    let mut cells = row?;
    let cell = |text: &'static str| text.trim_end_matches('|').trim();
    let holds = cell(cells.next()?);
    let checked = cell(cells.next().unwrap_or_default());
    let by = match checked {
        "" => "No check compares it.".to_owned(),
        checked => format!("Checked by: {checked}."),
    };
    let all = checks::codes().into_iter();
    let is_named = |code: &str| checked.contains(&format!("`{code}`"));
    Some(Reference {
        about: vec![
            format!("Rule {wanted}, which holds on a healthy node: {holds}."),
            format!("{by} docs/invariants.md has all rules."),
        ],
        codes: all
            .filter(|code| code.rule == wanted || is_named(code.name))
            .collect(),
    })
}

/// `containerd#6772`, `containerd issue 6772`, `containerd/containerd#6772`.
fn issue(wanted: &str) -> Option<Reference> {
    let (project, number) = wanted
        .rsplit_once('#')
        .or_else(|| wanted.rsplit_once(" issue "))?;
    let project = project.trim().to_lowercase();
    let is_number = !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit());
    let known = PROJECTS
        .iter()
        .find(|(name, place)| project == *name || project == *place);
    let (name, place) = known.filter(|_| is_number)?;
    let short = format!("{name}#{number}");
    let full = format!("{place}#{number}");
    let long = format!("{name} issue {number}");
    let mut codes: Vec<&'static Code> = goroutines::KNOWN
        .into_iter()
        .filter(|signature| {
            signature
                .upstream
                .iter()
                .any(|one| *one == short || *one == full)
        })
        .map(|signature| &signature.code)
        .collect();
    let says = |text: &str| names(text, &short) || names(text, &long);
    let told = checks::codes().into_iter();
    codes.extend(told.filter(|code| says(code.explanation) || says(code.remedy)));
    codes.sort_by_key(|code| code.name);
    codes.dedup();
    let what = if codes.is_empty() {
        "No finding refers to it."
    } else {
        "These findings refer to it."
    };
    Some(Reference {
        about: vec![format!(
            "{short} is https://github.com/{place}/issues/{number}. {what}"
        )],
        codes,
    })
}

/// Whether a text names an issue, and not one whose number only begins so.
fn names(text: &str, issue: &str) -> bool {
    let mut rest = text;
    while let Some(at) = rest.find(issue) {
        rest = rest
            .get(at.saturating_add(issue.len())..)
            .unwrap_or_default();
        if !rest.starts_with(|letter: char| letter.is_ascii_digit()) {
            return true;
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_rule_that_a_code_names_is_found() {
        for code in checks::codes() {
            if code.rule.is_empty() {
                continue;
            }
            for rule in code.rule.split([',', ' ']).filter(|rule| !rule.is_empty()) {
                let found = reference(rule);
                assert!(
                    found.is_some_and(|found| !found.codes.is_empty()),
                    "{} {rule}",
                    code.name
                );
            }
        }
        assert!(reference("c03").unwrap().about[0].contains("C03"));
        assert_eq!(reference("C99"), None);
        assert_eq!(reference("blob/altered"), None);
    }

    #[test]
    fn every_issue_that_a_signature_names_is_found() {
        let mut issues = 0;
        for signature in goroutines::KNOWN {
            for upstream in signature.upstream.iter().filter(|name| name.contains('#')) {
                let found = reference(upstream).unwrap();
                assert!(found.codes.contains(&&signature.code), "{upstream}");
                issues += 1;
            }
        }
        assert!(issues > 10);
        let found = reference("containerd issue 7843").unwrap();
        assert!(!found.codes.is_empty());
        assert_eq!(reference("containerd/containerd#7843").unwrap(), found);
        assert_eq!(
            reference("containerd#784").unwrap().codes,
            Vec::<&Code>::new()
        );
        for none in ["containerd#", "containerd#x", "elsewhere#1", "a line # 5"] {
            assert_eq!(reference(none), None, "{none}");
        }
    }
}
