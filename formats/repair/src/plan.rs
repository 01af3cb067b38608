//! A plan: what a repair would do, what it brings back, and what it does not.

use node::{KnownUnit, Units};
use serde::{Deserialize, Serialize};

/// The schema of a plan's JSON.
pub const SCHEMA: &str = "repair-plan/2";

/// What a step does to one name. Nothing is ever deleted: what stood there goes to the quarantine.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Action {
    /// A new file takes the place of what stands there, or of nothing.
    Put,
    /// What stands there goes to the quarantine.
    Remove,
}

/// What the new file of a [`Put`](Action::Put) is made of.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum MadeOf {
    /// Bytes that the plan is made with.
    #[default]
    Bytes,
    /// A folder, with those files of the plan that lie below it.
    Folder,
    /// A layer of overlayfs, unpacked from its blob.
    Layer {
        /// The blob's path in the evidence.
        blob: String,
        /// What its tar is known by.
        diff_id: String,
        /// The directories of the layers below, as steps name them, the nearest first.
        below: Vec<String>,
        /// The store that the blob is in, on the machine where the plan was made; nothing: the node's own.
        #[serde(skip_serializing_if = "Option::is_none", default)]
        source: Option<String>,
    },
    /// Another name of a file below the same base.
    Link {
        /// That file.
        from: String,
    },
    /// A copy of a blob of another store, on the machine where the plan was made.
    Copy {
        /// That store: a directory, an archive.
        from: String,
        /// The blob in it.
        member: String,
    },
}

impl MadeOf {
    fn is_bytes(&self) -> bool {
        *self == Self::Bytes
    }
}

/// One step.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Step {
    /// What it does.
    pub action: Action,
    /// The folder in the evidence that `path` is below; containerd's root where there is none.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub base: Option<String>,
    /// The name below that.
    pub path: String,
    /// What the new file is made of.
    #[serde(skip_serializing_if = "MadeOf::is_bytes", default)]
    pub made_of: MadeOf,
    /// Its permission bits, where nothing stands in its place that has some.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub mode: Option<u32>,
    /// SHA-256 of the new file.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub sha256: Option<String>,
    /// Its size in bytes.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub size: Option<u64>,
    /// Why.
    pub why: String,
}

impl Step {
    /// A step that sets `path` aside.
    pub fn remove(path: impl Into<String>, why: impl Into<String>) -> Self {
        Self {
            action: Action::Remove,
            base: None,
            path: path.into(),
            made_of: MadeOf::Bytes,
            mode: None,
            sha256: None,
            size: None,
            why: why.into(),
        }
    }

    /// A step that puts something at `path`.
    pub fn put(path: impl Into<String>, made_of: MadeOf, why: impl Into<String>) -> Self {
        Self {
            action: Action::Put,
            made_of,
            ..Self::remove(path, why)
        }
    }

    /// Whether it writes meta.db or a metadata.db: which records that one lacks, nobody knows for certain.
    fn writes_database(&self) -> bool {
        let name = self.path.rsplit('/').next();
        self.action == Action::Put && matches!(name, Some("meta.db" | "metadata.db"))
    }

    /// The whole name, for people and to find its bytes by.
    pub fn place(&self) -> String {
        match &self.base {
            Some(base) => format!("{base}/{}", self.path),
            None => self.path.clone(),
        }
    }
}

/// A directory of a snapshotter and the snapshot that it belongs to, where metadata.db did not say
/// so.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Paired {
    /// The snapshotter.
    pub snapshotter: String,
    /// The key in metadata.db: `<namespace>/<N>/<key>`.
    pub snapshot: String,
    /// The number of the directory.
    pub directory: u64,
    /// Why.
    pub proof: Proof,
    /// Whether the new metadata.db says so.
    pub written: bool,
}

/// How it is known which snapshot a directory belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Proof {
    /// A row that metadata.db still holds.
    Row,
    /// It is mounted for that container now.
    Mount,
    /// Its files are those of the layer's blob.
    Blob,
    /// Files in it were copied up from the layers below that snapshot.
    Origin,
    /// No other directory can be it, and it can be no other.
    Only,
    /// The user said so.
    Said,
    /// An older copy of metadata.db says so, and it was made when that says.
    Copy,
    /// It was made when that snapshot was. Likely, and no proof.
    Time,
}

impl Proof {
    /// Whether it is more than likely.
    pub(crate) const fn is_proof(self) -> bool {
        !matches!(self, Self::Time)
    }

    /// The word for people.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Row => "its row is still there",
            Self::Mount => "it is mounted for that container",
            Self::Blob => "its files are those of the blob",
            Self::Origin => "its files were copied up from the layers below that snapshot",
            Self::Only => "nothing else fits either of them",
            Self::Said => "you said so",
            Self::Copy => "a copy of metadata.db says so, and its time fits",
            Self::Time => "likely: only the time fits",
        }
    }
}

/// An image that gets a record.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlanImage {
    /// Its namespace.
    pub namespace: String,
    /// Its name.
    pub name: String,
    /// Its manifest or index.
    pub digest: String,
    /// Where the name is from; nothing where the name is lost and it got one of ours.
    pub from: Option<String>,
    /// Blobs of it that are not on the node.
    pub missing: Vec<String>,
}

/// Records that come back in a namespace.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Back {
    /// Of snapshots.
    pub snapshots: usize,
    /// Of blobs: each namespace that may want a blob has a record of it.
    pub blobs: usize,
    /// Of images.
    pub images: usize,
    /// Of containers.
    pub containers: usize,
}

/// What comes back.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct BringsBack {
    /// Records of snapshots.
    pub snapshots: usize,
    /// Blobs that get a record, in however many namespaces.
    pub blobs: usize,
    /// Records, by namespace.
    #[serde(default)]
    pub namespaces: std::collections::BTreeMap<String, Back>,
    /// Images.
    pub images: Vec<PlanImage>,
    /// Containers, as `namespace/id`.
    pub containers: Vec<String>,
    /// Records that meta.db still has, and keeps.
    #[serde(default)]
    pub stays: Back,
}

/// What a recovery lease holds because nothing else does.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Held {
    /// `namespace/snapshotter/key`
    pub snapshots: Vec<String>,
    /// `namespace/digest`
    pub blobs: Vec<String>,
}

/// A file whose bytes the plan rests on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Input {
    /// Its path in the evidence.
    pub path: String,
    /// SHA-256 of its bytes; nothing where it is not there.
    pub sha256: Option<String>,
}

/// What a start of containerd would come to.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Foretold {
    /// The releases of which it is foretold.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub releases: Vec<String>,
    /// Whether it may be started: `yes`, `with-care`, `no`, `unknown`.
    pub start: String,
    /// One sentence.
    pub sentence: String,
    /// What it would delete, kill or write over.
    pub destroys: Vec<String>,
    /// Whether containerd would not serve afterwards, for a reason that lies on the disk: it ends, waits without end, or
    /// its CRI does not load. A lock that a process holds at this moment is none.
    #[serde(default, skip_serializing_if = "core::ops::Not::not")]
    pub fails: bool,
    /// What of the databases, the snapshotters and the collector is not known: what a start deletes is not known then.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub blind: Vec<String>,
}

/// A unit of systemd on the node that runs its containerd, or starts it again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlanUnit {
    /// Its name, with `.service` or `.socket`.
    pub name: String,
    /// Whether systemd starts it again when it ends.
    pub restarts: bool,
    /// Whether systemd starts it at boot; nothing where that is not known.
    #[serde(default)]
    pub enabled: Option<bool>,
    /// Whether `systemctl mask --runtime` holds for it: a unit in `/etc` outranks that.
    pub can_be_masked: bool,
    /// Whether it is masked on the disk: systemd starts it no more once it has read that.
    #[serde(default)]
    pub masked: bool,
    /// Whether a person masked it for good.
    #[serde(default)]
    pub masked_for_good: bool,
    /// Whether its file is not in the evidence: it may be on the node all the same.
    #[serde(default)]
    pub unseen: bool,
}

impl From<&KnownUnit> for PlanUnit {
    fn from(unit: &KnownUnit) -> Self {
        Self {
            name: unit.file_name(),
            restarts: unit.restarts,
            enabled: unit.enabled,
            can_be_masked: unit.can_be_masked,
            masked: unit.masked,
            masked_for_good: unit.masked_for_good,
            unseen: !unit.is_seen,
        }
    }
}

/// An edit that no step makes, for a person to make: a corrected file with its difference, or what has
/// to be decided first.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct HandEdit {
    /// The file, or the record of a database.
    pub of: String,
    /// What is wrong, and how that is corrected.
    pub why: Vec<String>,
    /// What nobody but a person can say: nothing of it is corrected.
    pub decide: Vec<String>,
    /// The difference to the corrected text, unified, with secrets masked; empty where nothing is
    /// corrected.
    pub diff: String,
    /// How it is put in place.
    pub next: String,
    /// The option of `repair plan` that makes a step of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub option: Option<String>,
    /// The corrected text. It may hold secrets, and is not part of a plan's JSON.
    #[serde(skip)]
    pub text: Option<String>,
}

/// What a repair writes to one file system, and what of it stays free.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Room {
    /// The folder of a store that has a file system of its own; nothing: containerd's root.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub store: Option<String>,
    /// Bytes that are free now.
    pub free: u64,
    /// Bytes that are free at least while the repair is in effect.
    pub after: u64,
    /// Bytes that must stay free.
    pub floor: u64,
    /// Who says so.
    pub floor_from: String,
}

impl Room {
    /// Bytes that have to be freed before the repair may be carried out.
    pub const fn lacking(&self) -> u64 {
        self.floor.saturating_sub(self.after)
    }
}

/// What would keep `apply` from its work, if it were called now.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Obstacle {
    /// What stands against it.
    pub why: String,
    /// What to do about it.
    pub hint: String,
}

/// What a repair would do.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Plan {
    /// [`SCHEMA`].
    pub schema: String,
    /// Its name: the quarantine's, the lease's.
    pub id: String,
    /// When it was made; new records get this time. RFC 3339.
    pub made_at: String,
    /// What time it is at the node: starts and collections are foretold as of then.
    #[serde(default)]
    pub as_of: String,
    /// The directory that the node is, on the machine where the plan was made.
    #[serde(default)]
    pub node: Option<String>,
    /// Whether the user said where root and state are.
    #[serde(default)]
    pub places_said: bool,
    /// Its config.toml, where the user said it.
    #[serde(default)]
    pub config: Option<String>,
    /// The release that the user said.
    #[serde(default)]
    pub daemon: Option<String>,
    /// containerd's root in the evidence.
    pub root: String,
    /// containerd's state in the evidence.
    pub state: String,
    /// Whose installation it is: `containerd`, `k3s`, …
    #[serde(default)]
    pub whose: String,
    /// The units that must not run meanwhile, in the order in which they are stopped.
    #[serde(default)]
    pub units: Vec<PlanUnit>,
    /// The release that it was made for.
    pub release: String,
    /// Names of images that were given, as `NAME DIGEST NAMESPACE` (`-`: any), with where they are
    /// from.
    pub names: Vec<(String, String)>,
    /// Whether directories are given to snapshots by their times alone.
    #[serde(default)]
    pub by_time: bool,
    /// Whether every layer was compared with its blob.
    #[serde(default)]
    pub every_layer: bool,
    /// Pairs that the user said: `SNAPSHOTTER/NAMESPACE/KEY=NUMBER`.
    #[serde(default)]
    pub said: Vec<String>,
    /// Copies of the databases that were given, with the SHA-256 of each meta.db.
    #[serde(default)]
    pub copies: Vec<(String, String)>,
    /// Whether addresses of pods are written into records that lack them.
    #[serde(default)]
    pub pod_addresses: bool,
    /// What is given back of recovery leases: `namespace/snapshotter/key`, `namespace/digest`.
    #[serde(default)]
    pub released: Vec<String>,
    /// Other stores that blobs are taken from, on the machine where the plan was made.
    #[serde(default)]
    pub sources: Vec<String>,
    /// What it rests on.
    pub inputs: Vec<Input>,
    /// What is wrong, as sentences.
    pub wrong: Vec<String>,
    /// The steps, in order; meta.db is the last.
    pub steps: Vec<Step>,
    /// Directories whose snapshot was found out.
    #[serde(default)]
    pub paired: Vec<Paired>,
    /// What comes back.
    pub brings_back: BringsBack,
    /// Containers that the kubelet restarts, since their new record lacks what it compares: `namespace/id`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub restarted: Vec<String>,
    /// Records that were set right or taken out.
    pub edits: Vec<String>,
    /// What does not come back.
    pub lost: Vec<String>,
    /// What a recovery lease holds.
    pub held: Held,
    /// What stays unknown.
    pub unknown: Vec<String>,
    /// Edits that no step makes.
    #[serde(default)]
    pub drafts: Vec<HandEdit>,
    /// A start as the node is.
    pub before: Vec<Foretold>,
    /// A start after the repair.
    pub after: Vec<Foretold>,
    /// What a collection after the repair would delete.
    pub collected: Vec<String>,
    /// Bytes that are written.
    pub bytes: u64,
    /// The file systems that are written to, where the plan was made from a directory.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub room: Vec<Room>,
    /// What would keep `apply` from its work on them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub obstacles: Vec<Obstacle>,
    /// Names of images that the node's own logs tell, as `NAME DIGEST NAMESPACE`, with where they are from.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub logged: Vec<(String, String)>,
}

impl Plan {
    /// Whether there is nothing to do.
    pub fn is_empty(&self) -> bool {
        self.steps.is_empty()
    }

    /// The name of the quarantine below containerd's root.
    pub fn quarantine(&self) -> String {
        format!("{QUARANTINE}{}", self.id)
    }

    /// Whether records were made that are not known from meta.db itself: whoever lists pods and
    /// images meanwhile may delete what they do not name.
    pub(crate) fn is_rebuilt(&self) -> bool {
        self.brings_back != BringsBack::default()
            || !self.edits.is_empty()
            || !self.paired.is_empty()
            || self.steps.iter().any(Step::writes_database)
    }

    /// The units that run the node's containerd. A name that is none of theirs is not taken over.
    pub fn known_units(&self) -> Units {
        let all = node::unit_names(&self.whose).iter();
        let all = all.filter_map(|name| {
            let is_it = |unit: &&PlanUnit| {
                unit.name == *name || unit.name.strip_suffix(".service") == Some(*name)
            };
            let unit = self.units.iter().find(is_it)?;
            Some(KnownUnit {
                name,
                is_seen: !unit.unseen,
                restarts: unit.restarts,
                enabled: unit.enabled,
                can_be_masked: unit.can_be_masked,
                masked: unit.masked,
                masked_for_good: unit.masked_for_good,
            })
        });
        let is_user = self.whose.starts_with("rootless");
        Units {
            all: all.collect(),
            is_one_of_several: node::is_one_of_several(&self.whose),
            // A machine with systemd has a unit, seen or not.
            other_init: (self.units.is_empty() && !is_user).then_some("its own init"),
            is_whole: false,
        }
    }

    /// The folders beside containerd's root that steps write to.
    pub fn bases(&self) -> std::collections::BTreeSet<&str> {
        let all = self.steps.iter();
        all.filter_map(|step| step.base.as_deref()).collect()
    }
}

pub use node::QUARANTINE;
