//! Pages of another number: containerd 1.6 reads them, and frees another page when it writes there.

use bolt::{Found, What};
use daemon::start as rules;
use daemon::start::{Effect, Phase};
use finding::{Location, Text};
use node::{DatabaseFacts, Node};

use super::Outcome;
use super::run::Run;

/// Tells of each database of `exact` that has such pages; `run` is of what 1.6 sees.
pub(super) fn freed(run: &mut Run<'_>, exact: &Node) {
    let meta = &exact.meta;
    let in_meta = wrong(&meta.faults, meta.facts.as_ref(), &meta.path);
    for snapshotter in exact.snapshotters.iter().filter(|s| !s.is_proxy) {
        let db = &snapshotter.db;
        if let Some(at) = wrong(&db.faults, db.facts.as_ref(), &db.path) {
            tell(run, at);
        }
    }
    let Some(at) = in_meta else { return };
    tell(run, at);
    // The collector writes where it removes something.
    let collects = run.statements.iter().any(|statement| {
        statement.phase == Phase::Collection && statement.effect == Effect::Deletes
    });
    if collects {
        run.or.push(Outcome::CrashLoop);
    }
}

/// Where the first page of the tree stands that has another number.
fn wrong(faults: &[Found], facts: Option<&DatabaseFacts>, file: &Text) -> Option<Location> {
    let freelist = facts.and_then(|facts| facts.freelist);
    let mut all = faults.iter().filter(|found| {
        let is_number = matches!(found.fault.what, What::PageId { .. });
        is_number && (freelist.is_none() || found.fault.page != freelist)
    });
    Some(all.next()?.finding(Location::file(file.clone())).location)
}

fn tell(run: &mut Run<'_>, at: Location) {
    let statement = run.statement(&rules::PAGE_NUMBER).at(at);
    run.note(statement.code("bolt/page-id").perhaps().forbids());
}
