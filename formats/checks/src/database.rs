//! Faults of the databases, as their parsers found them.

use finding::{Location, Text};
use metadb::Problem;

use crate::Judge;

/// Tells every fault of meta.db and of each metadata.db: of its pages as `bolt` found them, of its
/// records as `metadb` did. A damaged page that a record's bucket stands on is told once.
pub(crate) fn faults(judge: &mut Judge<'_>) {
    let node = judge.node;
    let meta = &node.meta;
    tell(judge, &meta.path, &meta.faults);
    records(
        judge,
        &meta.path,
        meta.rows.iter().flat_map(|meta| &meta.troubles),
    );
    for snapshotter in &node.snapshotters {
        let db = &snapshotter.db;
        tell(judge, &db.path, &db.faults);
        records(
            judge,
            &db.path,
            db.rows.iter().flat_map(|rows| &rows.troubles),
        );
    }
}

fn tell(judge: &mut Judge<'_>, file: &Text, faults: &[bolt::Found]) {
    for found in faults {
        judge.say(found.finding(Location::file(file.clone())));
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
