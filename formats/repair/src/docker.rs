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
//! its image stand in `/var/lib/docker/containers/ID/config.v2.json`, with the time when it was made.
//!
//! With Docker's own store of layers containerd has nothing but the records of containers that run. Where dockerd
//! finds their pipes, a label of the record says.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use content::Digest;
use evidence::Evidence;
use finding::{Text, Time};
use metadb::put_time;
use serde_json::Value;

use crate::names::{Named, whole_name};
use crate::records::Edit;
use crate::rows::shown;
use crate::tree::Item;
use crate::{Survivors, Tree};

/// Docker's namespace.
const NAMESPACE: &[u8] = node::DOCKER_NAMESPACE.as_bytes();

/// No file of a container is larger.
const CONFIG_SIZE: u64 = 16 << 20;

/// The label of a container's record that says where its pipes are: without it nothing can be executed in it.
const BUNDLE_LABEL: &str = "com.docker/engine.bundle.path";

/// What dockerd writes into each container's lower layer, and into no other.
const INIT_FILE: &str = ".dockerenv";

/// A container as dockerd keeps it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Container {
    id: Text,
    /// The name of its image that a person gave.
    name: Option<String>,
    /// What it was made of.
    image: Digest,
    /// The snapshotter, or Docker's own store.
    driver: String,
    created: Option<Time>,
}

/// The containers that dockerd keeps. `root` is containerd's: dockerd's own one has its below
/// `/var/lib/docker/containerd/daemon`.
pub(crate) fn containers(evidence: &Evidence, root: &Path) -> Vec<Container> {
    let own = root.ancestors().find(|above| above.ends_with("docker"));
    let folder = own.map_or_else(|| PathBuf::from("/var/lib/docker"), Path::to_owned);
    let folder = folder.join("containers");
    let all = evidence.list(&folder);
    let ids = all.read().into_iter().flatten();
    ids.filter(|entry| is_id(entry.name.bytes()))
        .filter_map(|entry| {
            let place = folder.join(OsStr::from_bytes(entry.name.bytes()));
            let source = evidence
                .source(&place.join("config.v2.json"), CONFIG_SIZE)
                .ok()?;
            let config = serde_json::from_slice(source.bytes()).ok()?;
            container_of(entry.name.clone(), &config)
        })
        .collect()
}

fn container_of(id: Text, config: &Value) -> Option<Container> {
    let image = config
        .pointer("/ImageManifest/digest")
        .or_else(|| config.get("Image"))?;
    let text = |name: &str| config.pointer(name).and_then(Value::as_str);
    Some(Container {
        id,
        name: text("/Config/Image").and_then(whole_name),
        image: Digest::parse(image.as_str()?).ok()?,
        driver: text("/Driver").unwrap_or_default().to_owned(),
        created: text("/Created").and_then(|text| Time::parse(text).ok()),
    })
}

/// The names under which dockerd's containers were made of images.
pub(crate) fn names(containers: &[Container]) -> Vec<Named> {
    let mut found: Vec<Named> = containers
        .iter()
        .filter_map(|one| {
            Some(Named {
                name: one.name.clone()?,
                digest: one.image.clone(),
                namespace: Some(node::DOCKER_NAMESPACE.to_owned()),
                from: format!("dockerd's container {}; likely", one.id),
            })
        })
        .collect();
    found.sort();
    // Of one image that many containers were made of, one line.
    found.dedup_by(|one, other| one.name == other.name && one.digest == other.digest);
    found
}

/// The snapshots of these containers, as meta.db has them: what it says of those whose image is there.
pub(crate) fn snapshots(containers: &[Container], survivors: &Survivors) -> Tree {
    let mut tree = Tree::default();
    let mut number = 0_u64;
    let mut put = |driver: &str, key: &str, parent: Option<&str>, made: Option<Time>| {
        let at = ["v1", node::DOCKER_NAMESPACE, "snapshots", driver, key];
        if tree.at(&at).is_some() {
            return;
        }
        number = number.saturating_add(1);
        let row = tree.make(&at);
        row.put("name", format!("{}/{number}/{key}", node::DOCKER_NAMESPACE));
        if let Some(parent) = parent {
            row.put("parent", parent);
        }
        if let Some(made) = made {
            row.put("createdat", put_time(made));
            row.put("updatedat", put_time(made));
        }
    };
    for one in containers {
        let manifests = survivors.manifests_of(&one.image);
        // Of an index of several platforms nothing says which one it was.
        let [(_, manifest)] = manifests.as_slice() else {
            continue;
        };
        let mut below = None;
        for chain in survivors.chain_of(manifest) {
            put(&one.driver, chain.as_str(), below.as_deref(), None);
            below = Some(chain.to_string());
        }
        let Some(below) = below else { continue };
        let id = one.id.to_string();
        let init = format!("{id}-init");
        put(&one.driver, &init, Some(&below), one.created);
        put(&one.driver, &id, Some(&init), one.created);
    }
    tree
}

/// Where dockerd finds the pipes of a container: its own containerd has its state in a folder beside them.
pub(crate) fn put_bundle_label(record: &mut Tree, state: &Path, id: &Text) {
    let beside = state
        .parent()
        .filter(|_| state.ends_with("containerd/daemon"));
    let folder = beside.unwrap_or(Path::new("/var/run/docker/containerd"));
    let path = folder.join(OsStr::from_bytes(id.bytes()));
    let labels = record.make(&["labels"]);
    labels.put(BUNDLE_LABEL, path.as_os_str().as_bytes());
}

/// Whether a directory can be that of this snapshot: the lower layer of each of Docker's containers, and no other
/// one, has the files that dockerd makes.
pub(crate) fn fits(evidence: &Evidence, files: &Path, namespace: &[u8], key: &[u8]) -> bool {
    if namespace != NAMESPACE {
        return true;
    }
    let id = key.strip_suffix(b"-init").unwrap_or(key);
    let is_made = || evidence.stat(&files.join(INIT_FILE)).is_ok();
    !is_id(id) || is_made() == (id != key)
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
        let id = Text::from("5".repeat(64).as_str());
        let config = serde_json::json!({"Image": digest, "Config": {"Image": "app"},
            "Driver": "overlayfs", "Created": "2026-11-30T08:41:21.036010172Z"});
        let one = container_of(id.clone(), &config).unwrap();
        assert_eq!(one.name.as_deref(), Some("docker.io/library/app:latest"));
        assert_eq!(
            (one.image.as_str(), one.driver.as_str()),
            (digest.as_str(), "overlayfs")
        );
        assert_eq!(one.created, Some(Time::new(1_796_028_081, 36_010_172)));
        assert_eq!(names(&[one.clone(), one]).len(), 1);
        // Made of an image without a name.
        let config = serde_json::json!({"Image": digest, "Config": {"Image": digest}});
        let one = container_of(id, &config).unwrap();
        assert_eq!((one.name.clone(), names(&[one])), (None, Vec::new()));
    }

    #[test]
    fn a_running_container_has_its_pipes_beside_the_state() {
        let mut record = Tree::default();
        for (state, folder) in [
            (
                "/var/run/docker/containerd/daemon",
                "/var/run/docker/containerd",
            ),
            ("/run/containerd", "/var/run/docker/containerd"),
            ("/tmp/x/containerd/daemon", "/tmp/x/containerd"),
        ] {
            put_bundle_label(&mut record, Path::new(state), &Text::from("5"));
            let label = record
                .at(&["labels"])
                .and_then(|all| all.value(BUNDLE_LABEL));
            assert_eq!(label, Some(format!("{folder}/5").as_bytes()));
        }
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
