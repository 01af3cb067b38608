//! Runs checks over a node, and collects what they say.

use std::cell::OnceCell;
use std::collections::{BTreeMap, BTreeSet};

use content::{Blob, Digest};
use finding::{Code, Coverage, Finding, Known, Location, Object, Report, Text, Unknown, Unread};
use layer::Summary;
use measure::{HashedBlob, Usage};
use metadb::{MetaDb, Namespace};
use node::graph::Graph;
use node::{Node, path_text};

use crate::{Check, Layers, because};

/// A fact that a check needs whole before it may conclude from what is not there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Need {
    /// Images of every namespace.
    Images,
    /// Containers of every namespace.
    Containers,
    /// Snapshots of every namespace and snapshotter, in meta.db.
    Snapshots,
    /// Blobs of every namespace, in meta.db.
    Blobs,
    /// Ingests of every namespace, in meta.db.
    Ingests,
    /// Leases of every namespace.
    Leases,
    /// The listing of the content store's folders.
    Content,
    /// The runtime's folders.
    Runtime,
    /// The digest of every blob's bytes (`--hash`).
    Hashes,
    /// The disk usage of every committed layer (`--usage`).
    Usage,
    /// Layers compared with their tars (`--layers`).
    Layers,
}

/// Costly facts, where they were asked for.
#[derive(Debug, Default)]
pub struct Measured {
    /// Digests of the blobs' bytes.
    pub hashes: Option<BTreeMap<Digest, HashedBlob>>,
    /// Digests of unfinished writes that have all of their bytes, by the name of their folder.
    pub ingests: Option<BTreeMap<Text, Digest>>,
    /// Blobs of layers that were inflated and read through.
    pub tars: Option<BTreeMap<Digest, Result<Summary, Unread>>>,
    /// Disk usage of the directories of committed snapshots, by snapshotter and id.
    pub usage: Option<BTreeMap<(Text, u64), Known<Usage>>>,
    /// Committed layers, compared with the tars that they were unpacked from.
    pub layers: Option<Layers>,
}

/// From how many on what befell a whole collection is told as one.
pub(crate) const ALL: usize = 2;

/// A node before its judge.
#[derive(Debug)]
pub struct Judge<'n> {
    /// The facts.
    pub node: &'n Node,
    /// Who uses what.
    pub graph: &'n Graph,
    /// Costly facts.
    pub measured: &'n Measured,
    findings: Vec<Finding>,
    /// Findings that are told as one, unless some of them follow from others.
    wholes: Vec<(Vec<Finding>, Finding)>,
    /// What was said of what.
    said: BTreeSet<(&'static str, Object)>,
    coverage: Coverage,
    running: &'static str,
    /// Whether findings on all of a collection are told as one.
    pub(crate) folds: bool,
    /// Snapshots of meta.db by their snapshotter and their name in its database: namespace and key.
    named: OnceCell<Named>,
}

type Named = BTreeMap<(Text, Text), Vec<(Text, Text)>>;

impl<'n> Judge<'n> {
    pub(crate) fn new(node: &'n Node, measured: &'n Measured) -> Self {
        let coverage = node.coverage.clone();
        Self {
            node,
            graph: node.graph(),
            measured,
            findings: Vec::new(),
            wholes: Vec::new(),
            said: BTreeSet::new(),
            coverage,
            running: "",
            folds: true,
            named: OnceCell::new(),
        }
    }

    /// Snapshots of meta.db that are this one of a snapshotter: their namespaces and keys.
    pub(crate) fn snapshots_named(&self, snapshotter: &Text, name: &Text) -> &[(Text, Text)] {
        let named = self.named.get_or_init(|| {
            let mut named = Named::new();
            for group in crate::snapshot::groups(self) {
                for row in group.rows() {
                    let key = (group.snapshots.snapshotter.clone(), row.name.clone());
                    let one = (group.namespace.clone(), row.key.clone());
                    named.entry(key).or_default().push(one);
                }
            }
            named
        });
        let found = named.get(&(snapshotter.clone(), name.clone()));
        found.map_or(&[], Vec::as_slice)
    }

    /// Files of the content store by digest.
    pub(crate) fn files(&self) -> BTreeMap<&'n Digest, &'n Blob> {
        let store = self.node.content.read().into_iter();
        let blobs = store.flat_map(|store| &store.blobs);
        blobs.map(|blob| (&blob.digest, blob)).collect()
    }

    /// Adds a finding.
    pub fn say(&mut self, finding: Finding) {
        self.note(&finding);
        self.findings.push(finding);
    }

    /// Adds a finding, if there is one.
    pub fn say_some(&mut self, finding: Option<Finding>) {
        if let Some(finding) = finding {
            self.say(finding);
        }
    }

    fn note(&mut self, finding: &Finding) {
        let about = finding.about.iter();
        self.said
            .extend(about.map(|object| (finding.code.name, object.clone())));
    }

    /// Whether a finding of this kind about this would follow from one that was said: for a check that tells of
    /// many things at once, and leaves that one out.
    pub(crate) fn is_explained(&self, code: &Code, object: &Object) -> bool {
        let mut causes = because::left_out_for(code.name).iter();
        causes.any(|cause| self.said.contains(&(*cause, object.clone())))
    }

    /// Adds findings of one code: as one where they are of all `total` things of a collection, which
    /// is what is gone then; `whole` says where and what that is.
    pub(crate) fn say_all(
        &mut self,
        findings: Vec<Finding>,
        total: usize,
        whole: impl FnOnce(usize) -> (Location, String),
    ) {
        let count = findings.len();
        if !self.folds || count < ALL || count < total {
            for finding in findings {
                self.say(finding);
            }
            return;
        }
        let (location, message) = whole(count);
        let worst = findings.iter().max_by_key(|one| one.severity);
        let Some(worst) = worst else { return };
        let mut finding = Finding::new(worst.code, location, message).severity(worst.severity);
        finding.at_start.clone_from(&worst.at_start);
        let finding = joined(finding, &findings);
        self.note(&finding);
        self.wholes.push((findings, finding));
    }

    /// What was said, each thing by itself where some of a whole follow from others.
    fn told(&mut self) -> Vec<Finding> {
        let mut all = std::mem::take(&mut self.findings);
        if self.wholes.is_empty() {
            return all;
        }
        let single = all.len();
        all.extend(self.wholes.iter().map(|(_, whole)| whole.clone()));
        for (parts, _) in &self.wholes {
            all.extend_from_slice(parts);
        }
        let causes = because::causes(&all);
        let mut part = single.saturating_add(self.wholes.len());
        all.truncate(single);
        for (parts, whole) in std::mem::take(&mut self.wholes) {
            let next = part.saturating_add(parts.len());
            let ours = causes.get(part..next).unwrap_or_default();
            if ours.iter().any(Option::is_some) {
                all.extend(parts);
            } else {
                all.push(whole);
            }
            part = next;
        }
        all
    }

    /// Notes that the running check could not judge something.
    pub fn abstain(&mut self, because: impl Into<String>) {
        self.coverage.abstain(self.running, because);
    }

    /// Notes that a check could not judge all of what it judges.
    pub(crate) fn abstain_from(&mut self, check: &Check, because: impl Into<String>) {
        self.coverage.abstain(check.code.name, because);
    }

    /// Notes what was asked for and a disk did not give: the exit code says so.
    pub fn could_not_read(&mut self, unknown: &[Unknown]) {
        for one in unknown.iter().filter(|one| one.is_of_a_disk()) {
            if !self.coverage.unknown.contains(one) {
                self.coverage.unknown.push(one.clone());
            }
        }
    }

    /// Abstains where something is unknown, naming at most the first reason; `true` if it did.
    pub fn abstains_for(&mut self, unknown: &[Unknown]) -> bool {
        let Some(first) = unknown.first() else {
            return false;
        };
        let more = match unknown.len() {
            1 => String::new(),
            count => format!(" (and {} more)", count.saturating_sub(1)),
        };
        self.abstain(format!(
            "{} cannot be known: {}{more}",
            first.what, first.why
        ));
        true
    }

    pub(crate) fn run(&mut self, check: &Check) {
        self.running = check.code.name;
        for need in check.needs {
            let unknown = self.unknown(*need);
            if self.abstains_for(&unknown) {
                return;
            }
        }
        (check.run)(self);
    }

    /// What of `need` is not known; nothing if all of it is.
    fn unknown(&self, need: Need) -> Vec<Unknown> {
        let meta = |pick: &dyn Fn(&MetaDb) -> Vec<Unknown>| match &self.node.meta.rows {
            Some(meta) => pick(meta),
            None => self.node.meta.lost().into_iter().collect(),
        };
        match need {
            Need::Images => meta(&|meta| meta.unknown(|namespace| &namespace.images)),
            Need::Containers => meta(&|meta| meta.unknown(|namespace| &namespace.containers)),
            Need::Snapshots => meta(&MetaDb::unknown_snapshots),
            Need::Blobs => meta(&|meta| meta.unknown(|namespace| &namespace.blobs)),
            Need::Ingests => meta(&|meta| meta.unknown(|namespace| &namespace.ingests)),
            Need::Leases => meta(&|meta| meta.unknown(|namespace| &namespace.leases)),
            Need::Content => self.node.content.unknown().to_vec(),
            Need::Runtime => self.node.runtime.unknown().to_vec(),
            Need::Hashes if self.measured.hashes.is_none() => {
                vec![Unknown::new(
                    "the digest of the blobs",
                    "they were not hashed (--hash does it)",
                )]
            }
            Need::Usage if self.measured.usage.is_none() => {
                vec![Unknown::new(
                    "the usage of layers",
                    "it was not measured (--usage does it)",
                )]
            }
            Need::Layers if self.measured.layers.is_none() => {
                vec![Unknown::new(
                    "the files of layers",
                    "they were not compared with their blobs (--layers does it)",
                )]
            }
            Need::Hashes | Need::Usage | Need::Layers => Vec::new(),
        }
    }

    /// The namespaces of meta.db, as far as they could be read.
    pub fn namespaces(&self) -> &'n [Namespace] {
        self.node.meta.rows.as_ref().map_or(&[], MetaDb::namespaces)
    }

    /// What the checks said, of the kinds that are wanted.
    pub(crate) fn report(mut self, wanted: impl Fn(&str) -> bool) -> Report {
        let (mut told, mut consequences) = because::fold(self.told());
        told.retain(|finding| wanted(finding.code.name));
        consequences.retain(|finding| wanted(finding.code.name));
        let mut coverage = self.coverage;
        coverage.abstained.retain(|one| wanted(one.code));
        if self.graph.is_cut() {
            coverage.unknown.push(Unknown::new(
                "who uses some of the snapshots and blobs that findings name",
                "there are too many chains of them",
            ));
        }
        let findings = told
            .into_iter()
            .map(|finding| match finding.at_start.as_slice() {
                [] => daemon::with_start(finding),
                _ => finding,
            })
            .map(crate::said::with_message)
            .map(|finding| crate::config::in_template(self.node, finding));
        let findings = findings.collect();
        coverage
            .abstained
            .sort_by(|a, b| (a.code, &a.because).cmp(&(b.code, &b.because)));
        let mut report = Report::all(findings, coverage).with_consequences(consequences);
        let roots = &self.node.roots;
        let (root, state) = (path_text(&roots.root), path_text(&roots.state));
        report.identify(&[("root", &root), ("state", &state)]);
        report
    }
}

/// A finding with what these are about, and affect.
pub(crate) fn joined(finding: Finding, parts: &[Finding]) -> Finding {
    let affects = parts.iter().flat_map(|one| one.affects.iter().cloned());
    let affects: Vec<Object> = affects.collect();
    let about = parts.iter().flat_map(|one| one.about.iter().cloned());
    finding.affecting(&affects).about(about)
}

/// Adds every object to what a finding affects.
pub(crate) fn affecting(finding: Finding, objects: &[Object]) -> Finding {
    finding.affecting(objects)
}
