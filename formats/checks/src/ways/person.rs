//! What only a person can do.

use finding::program::CORONER;
use finding::{Finding, Remedy, Step};

use super::steps::{call, run};
use super::{Here, Table};

pub(super) const TABLE: Table = &[(
    &[
        "cni/plugin-file-missing",
        "container/restart-log-lost",
        "registry/registries-yaml-unusable",
        "store/on-tmpfs",
    ],
    by_a_person,
)];

/// Only a person knows the right line, file or label: what the code says, as a step, and the look after it.
fn by_a_person(_: &Here<'_>, finding: &Finding) -> Vec<Remedy> {
    let look = run(call(CORONER).word("triage").operand("/")).map(Step::undoable);
    let mut steps = vec![Step::words(finding.code.remedy)];
    steps.extend(look);
    vec![Remedy::new("The finding is gone then.", steps)]
}
