//! Snapshots of meta.db that their snapshotter does not know, and the reverse.

use daemon::{start, told};
use std::collections::{BTreeMap, BTreeSet};

use finding::{Code, Finding, Location, Object, Severity, Text, Unread};
use metadb::{BackendSnapshot, Row};
use node::{DatabaseState, Snapshotter};

use crate::snapshot::{Group, about_backend, backend_finding, backend_rows, groups};
use crate::snapshot_commit;
use crate::snapshot_name::number;
use crate::{Check, Judge, Need};

/// meta.db names a snapshot that its snapshotter does not know.
pub(crate) const BACKEND_MISSING: Check = Check {
    code: &Code {
        name: "snapshot/backend-missing",
        rule: "S01",
        severity: Severity::Damage,
        title: "meta.db names a snapshot that its snapshotter does not know",
        explanation: "The row of meta.db has a name for which metadata.db has no key. Images that \
            use it count as not unpacked, and unpacking them fails because the snapshot \
            'already exists'; a container that uses it cannot be started. It comes from a \
            meta.db that is older than its metadata.db or the other way round: a restored backup, \
            a lost write, a disk that was not mounted.",
        remedy: "Let `coroner repair` make its row in metadata.db again: the directories of layers and what is in \
            them stay. What has no directory any more is unpacked from its image again; a container's own \
            layer without one is lost.",
    },
    needs: &[],
    run: backend_missing,
};

/// A snapshotter knows a snapshot that meta.db does not name.
pub(crate) const BACKEND_UNKNOWN: Check = Check {
    code: &Code {
        name: "snapshot/backend-unknown",
        rule: "S02",
        severity: Severity::Note,
        title: "A snapshotter knows a snapshot that no namespace names",
        explanation: "A crash between the two databases leaves one now and then: it is invisible, \
            and removed when the garbage collector next has removed some other snapshot. If most \
            snapshots of a node are like this, meta.db was lost or recreated: then this is reported as \
            fatal, because the garbage collector would remove them all.",
        remedy: "A few: nothing to do. `coroner repair` makes the record again where another snapshot \
            depends on it. Many: do not start containerd; restore meta.db, or let `coroner repair` complete it.",
    },
    needs: &[Need::Snapshots],
    run: backend_unknown,
};

fn backend_missing(judge: &mut Judge<'_>) {
    let mut missing: BTreeMap<&Text, (Vec<Finding>, usize)> = BTreeMap::new();
    for group in groups(judge) {
        let Some(snapshotter) = group.snapshotter else {
            continue;
        };
        if snapshotter.is_proxy {
            judge.abstain(format!(
                "the store of {} is another daemon's",
                snapshotter.name
            ));
            continue;
        }
        let Some(rows) = &snapshotter.db.rows else {
            // That the database is lost is told by store/metadata-broken.
            let missing = matches!(snapshotter.db.state, DatabaseState::Unread(Unread::Absent));
            if !missing {
                judge.abstain(format!("{} could not be read", snapshotter.db.path));
            }
            continue;
        };
        if judge.abstains_for(rows.snapshots.unknown()) {
            continue;
        }
        let by_key = snapshotter.by_key();
        for row in group.rows() {
            let (findings, total) = missing.entry(&snapshotter.name).or_default();
            *total = total.saturating_add(1);
            if !by_key.contains_key(&row.name) && row.whole {
                let message = format!("metadata.db has no snapshot {}", row.name);
                findings.push(group.finding(judge, BACKEND_MISSING.code, row, message));
            }
        }
    }
    for snapshotter in &judge.node.snapshotters {
        let Some((findings, total)) = missing.remove(&snapshotter.name) else {
            continue;
        };
        judge.say_all(findings, total, |count| {
            let name = &snapshotter.name;
            let message = format!("metadata.db has none of the {count} snapshots of {name}");
            (Location::file(snapshotter.db.path.clone()), message)
        });
    }
}

/// Snapshots of a metadata.db that no row of meta.db names.
fn unnamed<'n>(
    groups: &[Group<'n>],
    snapshotter: &'n Snapshotter,
) -> Vec<&'n Row<BackendSnapshot>> {
    let named: BTreeSet<&Text> = groups
        .iter()
        .filter(|group| group.snapshots.snapshotter == snapshotter.name)
        .flat_map(Group::rows)
        .map(|row| &row.name)
        .collect();
    let rows = backend_rows(snapshotter).iter();
    rows.filter(|row| !named.contains(&row.key)).collect()
}

/// One or two are left by a crash; most of them: meta.db was lost.
fn is_most(unnamed: usize, snapshotter: &Snapshotter) -> bool {
    unnamed >= 3 && unnamed.saturating_mul(2) > backend_rows(snapshotter).len()
}

/// What metadata.db still has of a snapshot whose row of meta.db is gone.
pub(crate) struct Survivors<'n> {
    /// The snapshotter's snapshots that no row names.
    unnamed: Vec<&'n Row<BackendSnapshot>>,
}

impl<'n> Survivors<'n> {
    /// Of the snapshotter of this name; nothing where meta.db cannot be known whole.
    pub(crate) fn find_survivors(judge: &Judge<'n>, snapshotter: &Text) -> Self {
        let rows = judge.node.meta.rows.as_ref();
        let is_known = rows.is_some_and(|rows| rows.unknown_snapshots().is_empty());
        let all = judge.node.snapshotters.iter();
        let ours = all
            .filter(|_| is_known)
            .find(|one| one.name == *snapshotter);
        let groups = groups(judge);
        let unnamed = ours.map_or(Vec::new(), |ours| unnamed(&groups, ours));
        Self { unnamed }
    }

    /// The one that was this snapshot of a namespace, where only one can be.
    pub(crate) fn find(&self, namespace: &Text, key: &Text) -> Option<&'n Row<BackendSnapshot>> {
        let mut fits = self.unnamed.iter().filter(|row| {
            let of_it = snapshot_commit::key_of(&row.key, namespace);
            of_it.is_some_and(|it| it == key.bytes())
        });
        let first = fits.next();
        first.filter(|_| fits.next().is_none()).copied()
    }

    /// Those that were of this namespace.
    pub(crate) fn of_namespace(&self, namespace: &Text) -> impl Iterator<Item = &'n Text> {
        let of_it = |row: &&&Row<BackendSnapshot>| number(&row.key, namespace).is_some();
        self.unnamed.iter().filter(of_it).map(|row| &row.key)
    }
}

fn backend_unknown(judge: &mut Judge<'_>) {
    let groups = groups(judge);
    let config = judge.node.roots.config.as_ref();
    for snapshotter in &judge.node.snapshotters {
        let rows = backend_rows(snapshotter);
        let orphans = unnamed(&groups, snapshotter);
        // Found by its usual folder alone: config.toml has no plugin of this name, so containerd asks it for nothing. It
        // may be another plugin's, or left of one that was taken away.
        let name = snapshotter.name.utf8();
        let is_asked =
            config.is_some_and(|config| name.is_some_and(|name| config.proxies.contains(name)));
        if snapshotter.is_proxy && !is_asked {
            if !rows.is_empty() {
                judge.abstain(format!(
                    "{} is the store of no snapshotter that config.toml names",
                    snapshotter.db.path
                ));
            }
            continue;
        }
        if judge.folds && is_most(orphans.len(), snapshotter) {
            let message = format!(
                "{} of the {} snapshots of {} have no row in meta.db",
                orphans.len(),
                rows.len(),
                snapshotter.name
            );
            let location = Location::file(snapshotter.db.path.clone());
            let finding = Finding::new(BACKEND_UNKNOWN.code, location, message);
            let finding = told(finding.severity(Severity::Fatal), &start::SNAPSHOTS_UNNAMED);
            let name = &snapshotter.name;
            let about = orphans.iter().map(|row| about_backend(name, &row.key));
            judge.say(finding.about(about));
            continue;
        }
        for row in orphans {
            let message = "no namespace of meta.db names it".to_owned();
            let finding = backend_finding(judge, snapshotter, BACKEND_UNKNOWN.code, row, message)
                .affects(Object::global("snapshot", row.key.clone()));
            judge.say(finding);
        }
    }
}
