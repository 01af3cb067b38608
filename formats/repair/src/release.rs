//! What recovery leases hold, and giving it back by name.

use evidence::Evidence;
use finding::Text;
use measure::{Control, usage};
use node::Node;

use crate::hold::LEASE;
use crate::records::Edit;
use crate::rows::{backend_rows, lossy_text, namespaces, shown};
use crate::{Holds, Refused, Tree};

/// One thing that a recovery lease holds.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct HeldThing {
    /// Its name: `namespace/snapshotter/key`, `namespace/digest`.
    pub name: String,
    /// The lease.
    pub lease: String,
    /// Bytes that are freed when nothing else holds it; nothing where that is not known.
    pub bytes: Option<u64>,
    /// The directory of a snapshot.
    pub directory: Option<String>,
}

/// Everything that recovery leases of a node hold, with what each takes on disk.
pub fn held(evidence: &Evidence, node: &Node, tree: &Tree) -> Vec<HeldThing> {
    let mut found = Vec::new();
    for (namespace, lease, snapshotter, key) in all(tree) {
        let (bytes, directory) = if let Some(snapshotter) = &snapshotter {
            directory(evidence, node, tree, &namespace, snapshotter, &key)
        } else {
            let blob = content::Digest::parse_bytes(&key).ok();
            let store = node.content.read();
            let size = blob.and_then(|digest| Some(store?.blob(&digest)?.stat.size));
            (size, None)
        };
        found.push(HeldThing {
            name: name(&namespace, snapshotter.as_deref(), &key),
            lease: lossy_text(&lease),
            bytes,
            directory,
        });
    }
    found
}

fn name(namespace: &[u8], snapshotter: Option<&[u8]>, key: &[u8]) -> String {
    match snapshotter {
        Some(snapshotter) => format!(
            "{}/{}/{}",
            lossy_text(namespace),
            lossy_text(snapshotter),
            lossy_text(key)
        ),
        None => format!("{}/{}", lossy_text(namespace), lossy_text(key)),
    }
}

type Held = (Vec<u8>, Vec<u8>, Option<Vec<u8>>, Vec<u8>);

/// Namespace, lease, snapshotter and key of everything that is held.
fn all(tree: &Tree) -> Vec<Held> {
    let mut found = Vec::new();
    for (namespace, space) in namespaces(tree) {
        let leases = space.at(&["leases"]).into_iter().flat_map(Tree::buckets);
        for (lease, record) in leases.filter(|(lease, _)| lease.starts_with(LEASE.as_bytes())) {
            let snapshots = record
                .at(&["snapshots"])
                .into_iter()
                .flat_map(Tree::buckets);
            for (snapshotter, keys) in snapshots {
                for key in keys.entries.keys() {
                    let at = (
                        namespace.to_vec(),
                        lease.to_vec(),
                        Some(snapshotter.to_vec()),
                        key.clone(),
                    );
                    found.push(at);
                }
            }
            let blobs = record.at(&["content"]).into_iter();
            for key in blobs.flat_map(|blobs| blobs.entries.keys()) {
                found.push((namespace.to_vec(), lease.to_vec(), None, key.clone()));
            }
        }
    }
    found
}

/// What a snapshot's directory takes, and where it is.
fn directory(
    evidence: &Evidence,
    node: &Node,
    tree: &Tree,
    namespace: &[u8],
    snapshotter: &[u8],
    key: &[u8],
) -> (Option<u64>, Option<String>) {
    let record = tree.at(&[b"v1", namespace, b"snapshots", snapshotter, key]);
    let own = record.and_then(|record| record.value("name"));
    let store = node
        .snapshotters
        .iter()
        .find(|one| one.name.bytes() == snapshotter);
    let (Some(own), Some(store)) = (own, store) else {
        return (None, None);
    };
    let mut rows = backend_rows(store).iter();
    let id = rows
        .find(|row| row.key.bytes() == own)
        .and_then(|row| row.id);
    let layout = store.layout.read();
    let (Some(id), Some(layout)) = (id, layout) else {
        return (None, None);
    };
    let files = layout.files(id);
    let usage = usage(evidence, &files, &Control::default());
    let bytes = usage.whole().and_then(|usage| usage.size);
    (bytes, Some(node::path_text(&files).to_string()))
}

/// What may be collected once it is given back.
pub(crate) fn garbage(released: &[String]) -> Holds {
    let mut holds = Holds::default();
    for one in released {
        let mut parts = one.splitn(3, '/');
        match (parts.next(), parts.next(), parts.next()) {
            (Some(namespace), Some(snapshotter), Some(key)) => {
                holds.put(
                    namespace.as_bytes(),
                    Some(snapshotter.as_bytes()),
                    key.as_bytes(),
                );
            }
            (Some(namespace), Some(digest), None) => {
                holds.put(namespace.as_bytes(), None, digest.as_bytes());
            }
            _ => {}
        }
    }
    holds
}

/// Takes what is named out of the recovery leases; a lease that holds nothing more goes.
pub(crate) fn release(tree: &mut Tree, released: &[String]) -> Result<Vec<Edit>, Refused> {
    let held = all(tree);
    let mut edits = Vec::new();
    for wanted in released {
        let same = |one: &&Held| name(&one.0, one.2.as_deref(), &one.3) == *wanted;
        let Some((namespace, lease, snapshotter, key)) = held.iter().find(same) else {
            return Err(Refused::new(
                format!("no recovery lease holds {}", Text::from(wanted.as_str())),
                "`coroner repair release NODE` lists what they hold",
            ));
        };
        let mut at: Vec<&[u8]> = vec![b"v1", namespace, b"leases", lease];
        match snapshotter {
            Some(snapshotter) => at.extend([&b"snapshots"[..], snapshotter]),
            None => at.push(b"content"),
        }
        at.push(key);
        tree.remove(&at);
        edits.push(Edit {
            record: shown(&at),
            removed: true,
            why: "you gave it back: the next collection deletes what nothing else holds".to_owned(),
        });
    }
    let empty: Vec<(Vec<u8>, Vec<u8>)> = namespaces(tree)
        .flat_map(|(namespace, space)| {
            let leases = space.at(&["leases"]).into_iter().flat_map(Tree::buckets);
            let is_empty = |record: &Tree| {
                all_keys(record.at(&["content"])) == 0
                    && record
                        .at(&["snapshots"])
                        .into_iter()
                        .flat_map(Tree::buckets)
                        .all(|(_, keys)| keys.entries.is_empty())
            };
            leases
                .filter(|(lease, record)| lease.starts_with(LEASE.as_bytes()) && is_empty(record))
                .map(|(lease, _)| (namespace.to_vec(), lease.to_vec()))
                .collect::<Vec<_>>()
        })
        .collect();
    if !released.is_empty() {
        for (namespace, lease) in empty {
            tree.remove(&[&b"v1"[..], &namespace, b"leases", &lease]);
        }
    }
    Ok(edits)
}

fn all_keys(tree: Option<&Tree>) -> usize {
    tree.map_or(0, |tree| tree.entries.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_named_is_given_back_and_nothing_else() {
        let mut tree = Tree::default();
        let lease = tree.make(&["v1", "default", "leases", "coroner-recovery-1"]);
        lease.put("createdat", [1]);
        lease.make(&["snapshots", "overlayfs"]).put("a/b", []);
        lease.make(&["snapshots", "overlayfs"]).put("c", []);
        lease.make(&["content"]).put("sha256:1", []);
        tree.make(&["v1", "default", "leases", "another", "content"])
            .put("sha256:2", []);
        let names: Vec<String> = all(&tree)
            .iter()
            .map(|one| name(&one.0, one.2.as_deref(), &one.3))
            .collect();
        assert_eq!(
            names,
            [
                "default/overlayfs/a/b",
                "default/overlayfs/c",
                "default/sha256:1"
            ]
        );
        assert!(release(&mut tree, &["default/sha256:2".to_owned()]).is_err());
        let edits = release(&mut tree, &["default/overlayfs/a/b".to_owned()]).unwrap();
        assert_eq!(edits.len(), 1);
        assert_eq!(all(&tree).len(), 2);
        release(
            &mut tree,
            &[
                "default/overlayfs/c".to_owned(),
                "default/sha256:1".to_owned(),
            ],
        )
        .unwrap();
        assert!(
            tree.at(&["v1", "default", "leases", "coroner-recovery-1"])
                .is_none()
        );
        assert!(tree.at(&["v1", "default", "leases", "another"]).is_some());
        assert_eq!(release(&mut tree, &[]), Ok(Vec::new()));
    }
}
