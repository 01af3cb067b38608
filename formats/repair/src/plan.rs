//! A plan: what a repair would do, what it brings back, and what it does not.

use serde::{Deserialize, Serialize};

/// The schema of a plan's JSON.
pub const SCHEMA: &str = "repair-plan/1";

/// What a step does to one name. Nothing is ever deleted: what stood there goes to the quarantine.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Action {
    /// A new file takes the place of what stands there, or of nothing.
    Put,
    /// What stands there goes to the quarantine.
    Remove,
}

/// One step.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Step {
    /// What it does.
    pub action: Action,
    /// The name below containerd's root.
    pub path: String,
    /// SHA-256 of the new file.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub sha256: Option<String>,
    /// Its size in bytes.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub size: Option<u64>,
    /// Why.
    pub why: String,
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

/// What comes back.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct BringsBack {
    /// Records of snapshots.
    pub snapshots: usize,
    /// Records of blobs.
    pub blobs: usize,
    /// Images.
    pub images: Vec<PlanImage>,
    /// Containers, as `namespace/id`.
    pub containers: Vec<String>,
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
    /// Whether it may be started: `yes`, `with-care`, `no`, `unknown`.
    pub start: String,
    /// One sentence.
    pub sentence: String,
    /// What it would delete, kill or write over.
    pub destroys: Vec<String>,
}

/// What a repair would do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Plan {
    /// [`SCHEMA`].
    pub schema: String,
    /// Its name: the quarantine's, the lease's.
    pub id: String,
    /// When it was made; new records get this time. RFC 3339.
    pub made_at: String,
    /// The directory that the node is, on the machine where the plan was made.
    #[serde(default)]
    pub node: Option<String>,
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
    /// The release that it was made for.
    pub release: String,
    /// Names of images that were given, as `NAME DIGEST NAMESPACE` (`-`: any), with where they are
    /// from.
    pub names: Vec<(String, String)>,
    /// What it rests on.
    pub inputs: Vec<Input>,
    /// What is wrong, as sentences.
    pub wrong: Vec<String>,
    /// The steps, in order; meta.db is the last.
    pub steps: Vec<Step>,
    /// What comes back.
    pub brings_back: BringsBack,
    /// Records that were set right or taken out.
    pub edits: Vec<String>,
    /// What does not come back.
    pub lost: Vec<String>,
    /// What a recovery lease holds.
    pub held: Held,
    /// What stays unknown.
    pub unknown: Vec<String>,
    /// A start as the node is.
    pub before: Vec<Foretold>,
    /// A start after the repair.
    pub after: Vec<Foretold>,
    /// What a collection after the repair would delete.
    pub collected: Vec<String>,
    /// Bytes that are written.
    pub bytes: u64,
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
    pub fn is_rebuilt(&self) -> bool {
        self.brings_back != BringsBack::default() || !self.edits.is_empty()
    }
}

/// The beginning of a quarantine's name.
pub const QUARANTINE: &str = ".coroner-repair-";
