//! What the new file has, and nothing in it holds; and what it refers to, and has not.

use std::collections::BTreeSet;

use bolt::Gap;
use daemon::{
    Release,
    gc::{Marks, Rules, Until},
};
use finding::{Known, Text, Time};
use metadb::{MetaDb, ObjectKind};
use node::graph::{Graph, Id, Kind};

use super::{Loss, Salvage, Why, may_hide, path_of, unknown_gaps};

/// The releases whose collectors differ in what holds.
pub(super) const RELEASES: [Release; 3] = [Release::V1_6, Release::V1_7, Release::V2_1];

/// Objects of `rows` that a collection would take, and that may have been held; and those that its
/// rows refer to, where damage may hide them.
pub(super) fn losses(rows: &MetaDb, salvage: Salvage<'_>) -> BTreeSet<Loss> {
    let graph = Graph::of_records(rows);
    let now = newest(rows);
    let mut losses = BTreeSet::new();
    for release in RELEASES {
        let rules = Rules {
            release,
            schema: rows.version,
        };
        let marks = Marks::new(&graph, rules, now);
        for (index, object) in graph.objects() {
            if object.at.is_none() || !rules.collects(object.id.kind) {
                continue;
            }
            // What an ended lease held was not needed before, either.
            let is_free = marks.held(index) == Until::Never;
            if is_free && may_have_held(salvage, &object.id) {
                losses.extend(loss(&object.id, Why::NotHeld));
            }
        }
    }
    for (_, object) in graph.objects().filter(|(_, object)| object.at.is_none()) {
        let Some(loss) = loss(&object.id, Why::ReferredTo) else {
            continue;
        };
        let (namespace, snapshotter) = (loss.namespace.as_ref(), loss.snapshotter.as_ref());
        let path = path_of(loss.kind, namespace, snapshotter, &loss.name);
        if path.is_some_and(|path| may_hide(salvage.gaps, &path)) {
            losses.insert(loss);
        }
    }
    losses
}

pub(super) fn loss(id: &Id, why: Why) -> Option<Loss> {
    let (kind, snapshotter, name) = match id.kind {
        Kind::Snapshot => {
            let (snapshotter, key) = id.snapshot_parts()?;
            (ObjectKind::Snapshot, Some(snapshotter), key)
        }
        Kind::Lease => (ObjectKind::Lease, None, id.key.clone()),
        Kind::Image => (ObjectKind::Image, None, id.key.clone()),
        Kind::Container => (ObjectKind::Container, None, id.key.clone()),
        Kind::Sandbox => (ObjectKind::Sandbox, None, id.key.clone()),
        Kind::Blob => (ObjectKind::Blob, None, id.key.clone()),
        Kind::Ingest => (ObjectKind::Ingest, None, id.key.clone()),
        Kind::Pod => return None,
    };
    Some(Loss {
        kind,
        namespace: Some(id.namespace.clone()),
        snapshotter,
        name,
        backend: None,
        why,
    })
}

/// Whether something that held the object may have stood in a gap: in its namespace, or above.
fn may_have_held(salvage: Salvage<'_>, id: &Id) -> bool {
    let is_above = |gap: &Gap| match gap.path.get(1) {
        Some(namespace) => *namespace == id.namespace.bytes(),
        None => !gap.path.is_empty() || gap.range.may_hold(b"v1"),
    };
    !salvage.has_tree || salvage.may_be_older || unknown_gaps(salvage.gaps).any(is_above)
}

/// The newest time that a row says: the clock that the file has.
pub(super) fn newest(rows: &MetaDb) -> Time {
    let mut newest = Time::new(0, 0);
    for ns in rows.namespaces() {
        let mut see = |time: Option<Time>| newest = newest.max(time.unwrap_or(newest));
        ns.images
            .read()
            .into_iter()
            .flatten()
            .for_each(|row| see(row.updated));
        ns.containers
            .read()
            .into_iter()
            .flatten()
            .for_each(|row| see(row.updated));
        ns.blobs
            .read()
            .into_iter()
            .flatten()
            .for_each(|row| see(row.updated));
        let snapshots = ns.snapshots.read().into_iter().flatten();
        for row in snapshots.filter_map(|all| Known::read(&all.rows)).flatten() {
            see(row.updated);
        }
    }
    newest
}

impl Loss {
    /// The object, as answers call it.
    pub fn object(&self) -> String {
        let namespace = self
            .namespace
            .as_ref()
            .map_or_else(String::new, Text::to_string);
        let slash = if namespace.is_empty() { "" } else { "/" };
        format!("{} {namespace}{slash}{}", self.kind, self.name)
    }
}
