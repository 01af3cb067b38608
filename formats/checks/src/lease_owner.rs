//! Whose a lease without an end is, by its labels, its name and its namespace.
//!
//! | who | how it is told |
//! |---|---|
//! | BuildKit's build cache | the only label is `containerd.io/gc.flat` |
//! | BuildKit's temporary leases | a label `buildkit/…` |
//! | BuildKit's build history | a namespace that ends in `_history` |
//! | Docker | the namespaces `moby` and `plugins.moby`; a container's lease has its id, and stays while it is stopped, when meta.db has no record of it |
//! | nerdctl, k3s, stargz, nydus, soci | labels or names of theirs |
//! | the CRI | the id of a pod (2.x) |
//! | coroner | `coroner-recovery-…` |

use std::collections::BTreeMap;

use finding::{Code, Count, Finding, Object, Severity, Text};
use metadb::{Lease, Row};

use crate::{Check, Judge, Need};

/// A lease without an end whose owner is known.
pub(crate) const OWNED: Check = Check {
    code: &Code {
        name: "lease/owned",
        rule: "G12",
        severity: Severity::Note,
        title: "Leases without an end belong to a client that keeps them",
        explanation: "Build caches, stopped containers of Docker and the like are held by leases that never \
            end. Their client has a database of its own that names them. Removing such a lease with \
            `ctr leases rm` deletes data that the client still refers to.",
        remedy: "Nothing to repair. To free the space, let their client remove them.",
    },
    needs: &[Need::Containers],
    run: owned,
};

/// Who keeps a lease.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Owner {
    /// BuildKit's build cache.
    BuildCache,
    /// A build of BuildKit's that was interrupted, or runs.
    Build,
    /// BuildKit's list of builds.
    BuildHistory,
    /// A container of Docker's, which may be stopped.
    DockerContainer,
    /// Docker, something else.
    Docker,
    /// nerdctl.
    Nerdctl,
    /// k3s.
    K3s,
    /// A remote snapshotter.
    Remote,
    /// The CRI's pod.
    Pod,
    /// coroner's own.
    Recovery,
}

impl Owner {
    /// Whose it is, as part of a sentence.
    pub(crate) const fn whose(self) -> &'static str {
        match self {
            Self::BuildCache => "BuildKit's build cache",
            Self::Build => "builds of BuildKit's",
            Self::BuildHistory => "BuildKit's history of builds",
            Self::DockerContainer => "containers of Docker's, running or stopped",
            Self::Docker => "Docker",
            Self::Nerdctl => "nerdctl",
            Self::K3s => "k3s",
            Self::Remote => "a remote snapshotter",
            Self::Pod => "pods of the CRI",
            Self::Recovery => "a repair by coroner",
        }
    }

    /// What removes them.
    pub(crate) const fn remedy(self) -> Option<&'static str> {
        Some(match self {
            Self::BuildCache | Self::Build => {
                "Do not remove them with ctr: BuildKit's own database names them. `docker builder \
                 prune` (Docker), `buildctl prune` or `nerdctl builder prune` removes the cache."
            }
            Self::BuildHistory => {
                "Do not remove them with ctr. `docker buildx history rm` or `buildctl prune-histories` \
                 removes them."
            }
            Self::DockerContainer | Self::Docker => {
                "Do not remove them with ctr: a stopped container of Docker's has its writable layer \
                 by such a lease alone. `docker rm` and `docker system prune` remove them."
            }
            Self::Nerdctl => "`nerdctl system prune` removes what it no longer needs.",
            Self::K3s => "k3s keeps them; nothing has to be done.",
            Self::Remote => "The snapshotter keeps them; nothing has to be done.",
            Self::Recovery => {
                "It holds what a repair kept. Copy out what is wanted (`coroner snapshots extract`); \
                 then `ctr leases rm` frees the rest."
            }
            Self::Pod => return None,
        })
    }
}

/// The label of leases that hold single snapshots, without what these stand on.
const FLAT: &str = "containerd.io/gc.flat";

/// Whether a namespace is Docker's.
pub(crate) fn is_dockers(namespace: &Text) -> bool {
    *namespace == *node::DOCKER_NAMESPACE || *namespace == *"plugins.moby"
}

/// Whose a lease without an end is; nothing if that is not known.
pub(crate) fn lease_owner(judge: &Judge<'_>, namespace: &Text, row: &Row<Lease>) -> Option<Owner> {
    let labels = &row.labels.entries;
    let has = |word: &str| {
        let named = |text: &Text| text.utf8().is_some_and(|text| text.contains(word));
        named(&row.key) || labels.keys().any(named)
    };
    let name = namespace.utf8().unwrap_or_default();
    let is_id = row.key.bytes().len() == 64 && row.key.bytes().iter().all(u8::is_ascii_hexdigit);
    let is_pods = || {
        let ours = judge.namespaces().iter().filter(|it| it.name == *namespace);
        ours.into_iter().any(|it| {
            let containers = it.containers.read().into_iter().flatten();
            let sandboxes = it.sandboxes.read().into_iter().flatten();
            containers
                .map(|row| &row.key)
                .chain(sandboxes.map(|row| &row.key))
                .any(|id| *id == row.key)
        })
    };
    Some(match () {
        () if row.key.bytes().starts_with(b"coroner-recovery-") => Owner::Recovery,
        () if name.ends_with("_history") => Owner::BuildHistory,
        () if labels.len() == 1 && row.labels.get(FLAT).is_some() => Owner::BuildCache,
        () if has("buildkit") => Owner::Build,
        () if is_pods() => Owner::Pod,
        () if is_dockers(namespace) && is_id => Owner::DockerContainer,
        () if is_dockers(namespace) || has("moby") || has("com.docker") => Owner::Docker,
        () if name == "buildkit" => Owner::Build,
        () if has("nerdctl") => Owner::Nerdctl,
        () if has("k3s") || has("cattle") => Owner::K3s,
        () if has("stargz") || has("nydus") || has("soci") || has("snapshot/remote") => {
            Owner::Remote
        }
        () if has("io.cri-containerd") => Owner::Pod,
        () => return None,
    })
}

fn owned(judge: &mut Judge<'_>) {
    let mut groups: BTreeMap<(Text, Owner), Vec<&Row<Lease>>> = BTreeMap::new();
    for namespace in judge.namespaces() {
        for row in namespace.leases.read().into_iter().flatten() {
            let is_endless = row.labels.get("containerd.io/gc.expire").is_none();
            if !is_endless || !row.labels.whole || row.is_empty() {
                continue;
            }
            if let Some(owner) = lease_owner(judge, &namespace.name, row) {
                groups
                    .entry((namespace.name.clone(), owner))
                    .or_default()
                    .push(row);
            }
        }
    }
    for ((namespace, owner), rows) in groups {
        let (Some(remedy), Some(first)) = (owner.remedy(), rows.first()) else {
            continue;
        };
        let snapshots = rows.iter().flat_map(|row| row.snapshots.values());
        let snapshots: usize = snapshots.map(std::collections::BTreeSet::len).sum();
        let blobs: usize = rows.iter().map(|row| row.content.len()).sum();
        let leases = if rows.len() == 1 {
            format!("the lease {} has no end and belongs", first.key)
        } else {
            format!("{} leases have no end and belong", rows.len())
        };
        let message = format!(
            "{leases} to {}; held by them: {}, {}",
            owner.whose(),
            Count(snapshots, "snapshot"),
            Count(blobs, "blob")
        );
        let location = first.at.location(&judge.node.meta.path);
        let finding = Finding::new(OWNED.code, location, message).remedy(remedy);
        let objects = rows
            .iter()
            .map(|row| Object::new("lease", namespace.clone(), row.key.clone()));
        judge.say(objects.fold(finding, Finding::affects));
    }
}
