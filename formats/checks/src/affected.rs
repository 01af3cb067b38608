//! What a fault of a database affects: the objects whose records it hides, and who needs them.

use std::collections::BTreeSet;

use content::Digest;
use finding::{Known, Object, Text};
use metadb::{Namespace, Row, SnapshotRow};
use node::Snapshotter;

use crate::Judge;
use crate::container::pod_of;

/// Images, containers and pods that need those snapshots of a snapshotter which `lost` picks.
pub(crate) fn users_of_backend(
    judge: &Judge<'_>,
    snapshotter: &Snapshotter,
    lost: impl Fn(&Row<SnapshotRow>) -> bool,
) -> Vec<Object> {
    let mut users = BTreeSet::new();
    for namespace in judge.namespaces() {
        let all = namespace.snapshots.read().into_iter().flatten();
        for group in all.filter(|group| group.snapshotter == snapshotter.name) {
            let rows = group.rows.read().map_or(&[][..], Vec::as_slice);
            let gone: BTreeSet<&Text> = rows
                .iter()
                .filter(|row| lost(row))
                .map(|row| &row.key)
                .collect();
            // Who needs a snapshot needs what it stands on: the lowest of them have all users.
            for row in rows.iter().filter(|row| gone.contains(&row.key)) {
                let below = row.parent.as_ref();
                if below.is_none_or(|parent| !gone.contains(parent)) {
                    let name = (&namespace.name, &snapshotter.name);
                    users.extend(judge.graph.everyone_of_snapshot(name.0, name.1, &row.key));
                }
            }
        }
    }
    users.into_iter().collect()
}

/// The same objects, and the pods of the containers among them.
fn with_pods(judge: &Judge<'_>, objects: BTreeSet<Object>) -> Vec<Object> {
    let mut pods = BTreeSet::new();
    for namespace in judge.namespaces() {
        for row in namespace.containers.read().into_iter().flatten() {
            let container = Object::new("container", namespace.name.clone(), row.key.clone());
            if objects.contains(&container) {
                pods.extend(pod_of(judge, row));
            }
        }
    }
    objects.into_iter().chain(pods).collect()
}

/// What a fault affects that stands in the bucket at `path` of meta.db.
pub(crate) fn in_meta(judge: &Judge<'_>, path: &[Text]) -> Vec<Object> {
    let [v1, name, rest @ ..] = path else {
        return Vec::new();
    };
    let namespace = judge.namespaces().iter().find(|ns| ns.name == *name);
    let Some(namespace) = namespace.filter(|_| *v1 == "v1") else {
        return Vec::new();
    };
    let rest: Vec<&[u8]> = rest.iter().map(Text::bytes).collect();
    let one = |kind, key: &[u8]| Object::new(kind, name.clone(), Text::from(key));
    let (object, users) = match rest.as_slice() {
        [b"images", key, ..] => (one("image", key), Vec::new()),
        [b"containers", key, ..] => {
            let container = one("container", key);
            let all = with_pods(judge, BTreeSet::from([container.clone()]));
            (container, all)
        }
        [b"snapshots", snapshotter, key, ..] => {
            let (snapshotter, text) = (Text::from(*snapshotter), Text::from(*key));
            let users = judge.graph.everyone_of_snapshot(name, &snapshotter, &text);
            (one("snapshot", key), users)
        }
        [b"content", b"blob", key, ..] => {
            let digest = Digest::parse_bytes(key).ok();
            let users = digest.map(|digest| judge.graph.users_of_blob(&digest));
            (one("blob", key), users.unwrap_or_default())
        }
        [b"content", b"ingests", key, ..] => (one("ingest", key), Vec::new()),
        [b"leases", key, ..] => (one("lease", key), Vec::new()),
        [b"sandboxes", key, ..] => {
            let pod = judge.graph.pod(&Text::from(*key));
            (one("sandbox", key), pod.into_iter().collect())
        }
        // Which rows a page of them held is not known.
        _ if hides(namespace, &rest) => (Object::global("namespace", name.clone()), Vec::new()),
        _ => return Vec::new(),
    };
    let mut all = vec![object];
    all.extend(users);
    all.dedup();
    all
}

/// Whether rows are missing of the collection at this path of a namespace.
fn hides(namespace: &Namespace, path: &[&[u8]]) -> bool {
    fn lacks<T>(rows: &Known<T>) -> bool {
        !rows.is_whole()
    }
    match path {
        [b"images"] => lacks(&namespace.images),
        [b"containers"] => lacks(&namespace.containers),
        [b"snapshots"] => lacks(&namespace.snapshots),
        [b"snapshots", name] => {
            let all = namespace.snapshots.read().into_iter().flatten();
            let mut ours = all.filter(|group| group.snapshotter.bytes() == *name);
            ours.any(|group| lacks(&group.rows))
        }
        [b"content"] | [] => true,
        [b"content", b"blob"] => lacks(&namespace.blobs),
        [b"content", b"ingests"] => lacks(&namespace.ingests),
        [b"leases"] => lacks(&namespace.leases),
        [b"sandboxes"] => lacks(&namespace.sandboxes),
        _ => false,
    }
}

/// What a fault affects that stands in the bucket at `path` of a metadata.db.
pub(crate) fn in_backend(
    judge: &Judge<'_>,
    snapshotter: &Snapshotter,
    path: &[Text],
) -> Vec<Object> {
    match path {
        [v1, snapshots, key, ..] if *v1 == "v1" && *snapshots == "snapshots" => {
            users_of_backend(judge, snapshotter, |row| row.name == *key)
        }
        [v1, rest @ ..] if *v1 == "v1" && rest.iter().all(|name| *name == "snapshots") => {
            let by_key = snapshotter.by_key();
            users_of_backend(judge, snapshotter, |row| !by_key.contains_key(&row.name))
        }
        _ => Vec::new(),
    }
}
