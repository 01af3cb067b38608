//! Docker's leases: what its containers wrote is held by nothing else.
//!
//! With the containerd image store (the default of Docker 29) a container is, in the namespace `moby`,
//!
//! ```text
//! snapshots/overlayfs/ID        active, on ID-init (committed), on the image
//! leases/ID                     without an end, holds ID and ID-init
//! containers/ID                 names no snapshot; only while the task runs
//! ```
//!
//! dockerd deletes the record whenever it starts the container again. Without the lease the collector then
//! deletes both snapshots, and what the container wrote (seen with Docker 26 on containerd 1.7). Its id and
//! its image stand in `/var/lib/docker/containers/ID/config.v2.json`.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use content::Digest;
use evidence::Evidence;
use finding::{Text, Time};
use metadb::put_time;
use serde_json::Value;

use crate::Tree;
use crate::names::{Named, whole_name};
use crate::records::Edit;
use crate::rows::shown;
use crate::tree::Item;

/// Docker's namespace.
const NAMESPACE: &[u8] = node::DOCKER_NAMESPACE.as_bytes();

/// No file of a container is larger.
const CONFIG_SIZE: u64 = 16 << 20;

/// The names under which dockerd's containers were made of images. `root` is containerd's: dockerd's own one has its
/// below `/var/lib/docker/containerd/daemon`.
pub(crate) fn names(evidence: &Evidence, root: &Path) -> Vec<Named> {
    let own = root.ancestors().find(|above| above.ends_with("docker"));
    let folder = own.map_or_else(|| PathBuf::from("/var/lib/docker"), Path::to_owned);
    let folder = folder.join("containers");
    let all = evidence.list(&folder);
    let ids = all.read().into_iter().flatten();
    let mut found: Vec<Named> = ids
        .filter(|entry| is_id(entry.name.bytes()))
        .filter_map(|entry| {
            let place = folder.join(OsStr::from_bytes(entry.name.bytes()));
            let source = evidence
                .source(&place.join("config.v2.json"), CONFIG_SIZE)
                .ok()?;
            let (name, digest) = image_of(&serde_json::from_slice(source.bytes()).ok()?)?;
            Some(Named {
                name,
                digest,
                namespace: Some(node::DOCKER_NAMESPACE.to_owned()),
                from: format!("dockerd's container {}; likely", entry.name),
            })
        })
        .collect();
    found.sort();
    // Of one image that many containers were made of, one line.
    found.dedup_by(|one, other| one.name == other.name && one.digest == other.digest);
    found
}

/// What a container was made of: the name that a person gave, and the image that it then was.
fn image_of(config: &Value) -> Option<(String, Digest)> {
    let name = config.pointer("/Config/Image")?.as_str()?;
    let digest = config
        .pointer("/ImageManifest/digest")
        .or_else(|| config.get("Image"))?;
    Some((whole_name(name)?, Digest::parse(digest.as_str()?).ok()?))
}

/// Makes the lease of each container that lost it; where meta.db is whole, of those that have a record: what
/// has neither is garbage.
pub(crate) fn put_leases(tree: &mut Tree, is_whole: bool, now: Time) -> Vec<Edit> {
    let mut lost = Vec::new();
    let bucket = [&b"v1"[..], NAMESPACE, b"snapshots"];
    for (snapshotter, rows) in tree.at(&bucket).into_iter().flat_map(|all| &all.entries) {
        let Item::Bucket(rows) = rows else { continue };
        for key in rows.entries.keys().filter(|key| is_id(key)) {
            let lease = [
                &b"v1"[..],
                NAMESPACE,
                b"leases",
                key,
                b"snapshots",
                snapshotter,
            ];
            let record = [&b"v1"[..], NAMESPACE, b"containers", key];
            if is_whole && tree.at(&record).is_none() {
                continue;
            }
            let held = tree.at(&lease);
            if held.is_none_or(|held| !held.entries.contains_key(key)) {
                let below = [&key[..], b"-init"].concat();
                let below = rows.entries.contains_key(&below).then_some(below);
                lost.push((snapshotter.clone(), key.clone(), below));
            }
        }
    }
    let mut edits = Vec::new();
    for (snapshotter, key, below) in lost {
        let at = [&b"v1"[..], NAMESPACE, b"leases", &key];
        let lease = tree.make(&at);
        lease.put_new("createdat", put_time(now));
        let held = lease.make(&[&b"snapshots"[..], &snapshotter]);
        for key in std::iter::once(key.clone()).chain(below) {
            held.put_new(key, []);
        }
        edits.push(Edit {
            record: shown(&at),
            removed: false,
            why: format!(
                "it is made again: without it the collector deletes what the container {} of Docker's \
                 wrote, once dockerd starts that again",
                Text::from(key.as_slice())
            ),
        });
    }
    edits
}

/// Whether a snapshot is what a container of Docker's writes to.
pub(crate) fn is_containers(namespace: &[u8], key: &[u8]) -> bool {
    namespace == NAMESPACE && is_id(key)
}

/// Docker's ids: 64 digits.
fn is_id(key: &[u8]) -> bool {
    key.len() == 64 && key.iter().all(u8::is_ascii_hexdigit)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_container_names_its_image() {
        let digest = format!("sha256:{}", "a".repeat(64));
        let config = serde_json::json!({"Image": digest, "Config": {"Image": "app"}});
        let (name, found) = image_of(&config).unwrap();
        assert_eq!(
            (name.as_str(), found.as_str()),
            ("docker.io/library/app:latest", digest.as_str())
        );
        // Made of an image without a name.
        let config = serde_json::json!({"Image": digest, "Config": {"Image": digest}});
        assert_eq!(image_of(&config), None);
    }

    #[test]
    fn each_containers_lease_is_made_once() {
        let id = "5".repeat(64);
        let mut tree = Tree::default();
        for key in [id.clone(), format!("{id}-init"), "sha256:1".to_owned()] {
            tree.make(&["v1", "moby", "snapshots", "overlayfs", &key]);
            tree.make(&["v1", "k8s.io", "snapshots", "overlayfs", &key]);
        }
        assert!(put_leases(&mut tree, true, Time::new(1, 0)).is_empty());
        assert_eq!(put_leases(&mut tree, false, Time::new(1, 0)).len(), 1);
        let held = tree.at(&["v1", "moby", "leases", &id, "snapshots", "overlayfs"]);
        assert_eq!(held.map(|held| held.entries.len()), Some(2));
        assert!(tree.at(&["v1", "k8s.io", "leases"]).is_none());
        assert!(put_leases(&mut tree, false, Time::new(2, 0)).is_empty());
        tree.make(&["v1", "moby", "containers", &id]);
        tree.remove(&["v1", "moby", "leases", &id]);
        assert_eq!(put_leases(&mut tree, true, Time::new(3, 0)).len(), 1);
    }
}
