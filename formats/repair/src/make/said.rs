//! What the user gave, and what the node's own settings say of who runs it, as a plan keeps it.

use crate::Copied;
use crate::names::Named;
use crate::plan::Plan;

pub(super) fn copied_lines(copies: &[Copied]) -> Vec<(String, String)> {
    let line = |copy: &Copied| (copy.from.clone(), copy.sha256.clone());
    copies.iter().map(line).collect()
}

pub(super) fn named_line(named: &Named) -> (String, String) {
    let namespace = named.namespace.as_deref().unwrap_or("-");
    (
        format!("{} {} {namespace}", named.name, named.digest),
        named.from.clone(),
    )
}

/// The names of a plan, as they were given.
pub fn names_of(plan: &Plan) -> Vec<Named> {
    named(&plan.names)
}

/// The names of a plan that logs told.
pub fn logged_of(plan: &Plan) -> Vec<Named> {
    named(&plan.logged)
}

fn named(lines: &[(String, String)]) -> Vec<Named> {
    let one = |(line, from): &(String, String)| {
        let mut words = line.split(' ');
        let (name, digest, namespace) = (words.next()?, words.next()?, words.next()?);
        Some(Named {
            name: crate::names::whole_name(name)?,
            digest: content::Digest::parse(digest).ok()?,
            namespace: (namespace != "-").then(|| namespace.to_owned()),
            from: from.clone(),
        })
    };
    lines.iter().filter_map(one).collect()
}
