//! Faults of the databases, as their parsers found them.

use finding::{Location, Text};
use metadb::Problem;
use node::DatabaseFacts;

use crate::Judge;

/// Tells every fault of meta.db and of each metadata.db: of its pages as `bolt` found them, of its
/// records as `metadb` did. A damaged page that a record's bucket stands on is told once.
pub(crate) fn faults(judge: &mut Judge<'_>) {
    let node = judge.node;
    let meta = &node.meta;
    tell(judge, &meta.path, meta.facts.as_ref(), &meta.faults);
    records(
        judge,
        &meta.path,
        meta.rows.iter().flat_map(|meta| &meta.troubles),
    );
    for snapshotter in &node.snapshotters {
        let db = &snapshotter.db;
        tell(judge, &db.path, db.facts.as_ref(), &db.faults);
        records(
            judge,
            &db.path,
            db.rows.iter().flat_map(|rows| &rows.troubles),
        );
        for pool in &snapshotter.pools {
            tell(judge, &pool.path, pool.facts.as_ref(), &pool.faults);
            let rows = pool.rows.iter();
            records(judge, &pool.path, rows.flat_map(|rows| &rows.troubles));
        }
    }
    let mounts = &node.mounts;
    // One without a tree is told as that.
    if mounts.rows.is_some() {
        tell(judge, &mounts.path, mounts.facts.as_ref(), &mounts.faults);
    }
    let rows = mounts.rows.iter();
    records(judge, &mounts.path, rows.flat_map(|rows| &rows.troubles));
}

fn tell(judge: &mut Judge<'_>, file: &Text, facts: Option<&DatabaseFacts>, faults: &[bolt::Found]) {
    for found in faults {
        let mut finding = found.finding(Location::file(file.clone()));
        if let Some(facts) = facts {
            for (releases, does) in at_start(&found.fault, facts.freelist_synced) {
                finding = finding.at_start(releases, *does);
            }
        }
        judge.say(finding);
    }
}

type Lines = &'static [(&'static str, &'static str)];

const WALKS: Lines = &[(
    "all",
    "panics when it opens the file: without a freelist it walks every page",
)];
const WALKS_AND_COMPARES: Lines = &[
    ("1.6", "starts, and panics when something touches the page"),
    (
        "1.7, 2.x",
        "panics when it opens the file: without a freelist it walks every page",
    ),
];
const TOUCHES: Lines = &[(
    "all",
    "starts, and panics or reads other bytes when something touches the page",
)];
const NUMBER: Lines = &[
    (
        "1.6",
        "starts, and reads the page: it does not look at its number",
    ),
    (
        "1.7, 2.x",
        "starts, and panics when something touches the page",
    ),
];
const SHARES: Lines = &[(
    "all",
    "starts; when one of the two places is changed, the page is used again under the other",
)];
const OTHER_META: Lines = &[("all", "starts: it uses the other meta")];

/// What daemons do because of a fault of this file, where that hangs on how the file was written.
fn at_start(fault: &bolt::Fault, synced: bool) -> Lines {
    use bolt::{AtOpen, What};
    let is_spared = fault.eased.is_some();
    let (here, walked) = (fault.at_open(synced), fault.at_open(false));
    match (&fault.what, here) {
        (
            What::MetaRoot { .. } | What::MetaFreelist { .. } | What::MetaPageSize { .. },
            AtOpen::Opens,
        ) if is_spared => OTHER_META,
        (What::PageId { .. }, AtOpen::Opens) if is_spared => NUMBER,
        (What::PageShared { .. }, AtOpen::Opens) => SHARES,
        // Metas and freelists: `daemon` knows.
        _ if walked == fault.at_open(true) && (walked != AtOpen::Opens || !fault.inline) => &[],
        (_, AtOpen::Opens) => TOUCHES,
        (_, AtOpen::MayDie) => WALKS_AND_COMPARES,
        (_, AtOpen::Dies) => WALKS,
    }
}

fn records<'n>(
    judge: &mut Judge<'_>,
    file: &Text,
    troubles: impl Iterator<Item = &'n metadb::Trouble>,
) {
    for trouble in troubles {
        if matches!(trouble.problem, Problem::Record(_)) {
            judge.say(trouble.finding(file));
        }
    }
}
