//! What an attempt to apply a plan left, where it was killed before it had begun.

use std::path::{Path, PathBuf};

use evidence::{Change, Evidence};

use super::{LIMIT, meta_name, path};
use crate::apply::STAGING;
use crate::journal::JOURNAL;
use crate::pair::REHEARSAL;
use crate::plan::{Plan, QUARANTINE};

/// What an attempt left that had not begun is none of the node's: the next `apply` clears it away.
pub(super) fn forget(evidence: &mut Evidence, root: &Path) {
    let entries = evidence.list(root);
    let names = entries.whole().into_iter().flatten();
    let quarantines: Vec<PathBuf> = names
        .filter(|entry| entry.name.bytes().starts_with(QUARANTINE.as_bytes()))
        .map(|entry| root.join(path(&entry.name)))
        .collect();
    for quarantine in quarantines {
        if evidence.stat(&quarantine.join(JOURNAL)).is_ok() {
            continue;
        }
        let source = evidence.source(&quarantine.join(STAGING), LIMIT);
        let plan = source.ok().and_then(|source| {
            let plan: Result<Plan, _> = serde_json::from_slice(source.bytes());
            plan.ok()
        });
        let steps = plan.iter().flat_map(|plan| &plan.steps);
        let meta = (root.to_owned(), meta_name());
        let places = steps.map(|step| {
            let base = step.base.as_ref().map_or(root, Path::new);
            (base.to_owned(), step.path.clone())
        });
        for (base, step) in places.chain([meta]) {
            let left = base.join(Path::new(&step).with_file_name(REHEARSAL));
            if evidence.stat(&left).is_ok() {
                evidence.stage(&left, Change::Gone);
            }
        }
    }
}
