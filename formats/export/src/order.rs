//! From an order to the files of an export.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::path::Path;

use content::{Digest, Store};
use evidence::Evidence;
use finding::{Escaped, Refused, Text, size_option};
use measure::{Control, HashedBlob};
use names::Target;
use node::Node;
use serde::Serialize;

use crate::documents::Documents;
use crate::output::{Output, Unproven, Wrote};
use crate::plan::{LeftOut, Plan, Planner, Rebuilt, Whole};
use crate::write::Writer;

/// An export that is wanted.
#[derive(Debug)]
pub struct Order<'o> {
    /// Where the node lies.
    pub evidence: &'o Evidence,
    /// The node.
    pub node: &'o Node,
    /// Its content store.
    pub store: &'o Store,
    /// The image.
    pub target: &'o Target,
    /// Its documents ([`Target::documents`]).
    pub documents: &'o node::Documents,
    /// The digests of its blobs: what was not hashed is not taken.
    pub hashes: &'o BTreeMap<Digest, HashedBlob>,
    /// Only this platform: `linux/arm64`, `arm64`, `linux/arm/v7`.
    pub platform: Option<&'o str>,
    /// As `docker save` wrote before release 25: layers inflated, one platform.
    pub docker: bool,
    /// Rebuild nothing.
    pub only_blobs: bool,
}

/// What was exported.
#[derive(Debug, Clone, Serialize)]
pub struct Exported {
    /// What it is: `image k8s.io/localhost/app:1`, or a digest.
    pub what: String,
    /// Its digest in the node.
    pub target: Digest,
    /// `oci-archive`, `oci-layout`, `docker-archive`.
    pub form: &'static str,
    /// Where it is now.
    pub output: Text,
    /// The size of an archive.
    #[serde(serialize_with = "size_option")]
    pub size: Option<u64>,
    /// The SHA-256 of an archive.
    pub sha256: Option<String>,
    /// What stands in index.json, or the configuration of a docker archive.
    pub root: Digest,
    /// What its manifests run on.
    pub platforms: Vec<String>,
    /// Every file of it, read again from the disk and found to be as it was written.
    pub files: Vec<Wrote>,
    /// Layers that were rebuilt.
    pub rebuilt: Vec<Rebuilt>,
    /// Manifests that are not in it.
    pub left_out: Vec<LeftOut>,
}

/// The blobs that are to be hashed before an image is exported.
pub fn needed(documents: &node::Documents, target: &Target) -> BTreeSet<Digest> {
    let needs = documents.needs(&target.digest).into_iter();
    needs.map(|need| need.digest).collect()
}

impl<'o> Order<'o> {
    /// Decides what of it can be had.
    ///
    /// # Errors
    /// Nothing can be, or more than an archive of docker's holds.
    pub fn plan(&self, control: &Control<'_>) -> Result<Plan<'o>, Refused> {
        let planner = Planner {
            evidence: self.evidence,
            node: self.node,
            store: self.store,
            hashes: self.hashes,
            cancel: control.cancel,
            inflate: self.docker,
            only_blobs: self.only_blobs,
        };
        let plan = planner.plan(self.target, self.documents, self.platform)?;
        if self.docker && plan.whole.len() > 1 {
            let names = plan.whole.iter().map(|whole| whole.manifest.name());
            let names: Vec<String> = names.collect();
            return Err(Refused::question(format!(
                "{} is several platforms, and an archive of docker's holds one: {}",
                self.target.what,
                names.join(", ")
            ))
            .hint("say which one with --platform"));
        }
        Ok(plan)
    }

    /// Writes what was planned, reads it again and compares.
    ///
    /// # Errors
    /// It could not be written, or is not as it was written: nobody shall take it for a whole.
    pub fn write(
        &self,
        plan: Plan<'_>,
        mut output: Output,
        control: &Control<'_>,
    ) -> Result<Exported, Refused> {
        let path = output.path().to_owned();
        let (files, root) = self.files(&plan, &mut output, control)?;
        let form = match &output {
            Output::Directory { .. } => "oci-layout",
            Output::Archive { .. } if self.docker => "docker-archive",
            Output::Archive { .. } => "oci-archive",
        };
        let proven = output.prove(&files).map_err(|why| match why {
            Unproven::Unwritten(error) => unwritten(&path, &error),
            Unproven::Differs(why) => {
                let message = format!("{} is not as it was written: {why}", shown(&path));
                Refused::unread(message).hint("do not use it; look at the disk that holds it")
            }
        })?;
        let platform = |whole: &Whole<'_>| whole.manifest.platform().map(ToString::to_string);
        Ok(Exported {
            what: self.target.what.clone(),
            target: self.target.digest.clone(),
            form,
            output: node::path_text(&path),
            size: proven.as_ref().map(|(size, _)| *size),
            sha256: proven.map(|(_, digest)| digest.hex().to_owned()),
            root,
            platforms: plan.whole.iter().filter_map(platform).collect(),
            files,
            rebuilt: plan.rebuilt,
            left_out: plan.left_out,
        })
    }

    fn files(
        &self,
        plan: &Plan<'_>,
        output: &mut Output,
        control: &Control<'_>,
    ) -> Result<(Vec<Wrote>, Digest), Refused> {
        let (evidence, store) = (self.evidence, self.store);
        let documents = Documents::from_store(evidence, store, self.target, self.documents, plan)
            .map_err(Refused::unread)?;
        let path = output.path().to_owned();
        let mut writer = Writer {
            evidence,
            store,
            cancel: control.cancel,
            output,
            progress: control.progress,
            files: Vec::new(),
            done: BTreeSet::new(),
        };
        let written = if self.docker {
            writer.docker(self.target, plan, &documents)
        } else {
            writer.oci(self.target, plan, &documents)
        };
        let root = written.map_err(|error| unwritten(&path, &error))?;
        Ok((writer.files, root))
    }
}

/// That the export to `path` failed, and what may be done.
fn unwritten(path: &Path, error: &io::Error) -> Refused {
    let why = format!("the export to {} failed: {error}", shown(path));
    match error.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
            Refused::unwritten(why).hint("make room, or choose a path on another disk")
        }
        _ => Refused::unread(why),
    }
}

/// A path that the user gave, harmless to show.
pub(crate) fn shown(path: &Path) -> String {
    Escaped(path.as_os_str().as_encoded_bytes()).to_string()
}
