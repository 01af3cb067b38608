//! The result, judged in memory before anything is written.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;

use bolt::Layout;
use checks::start::{Outcome, Prediction, predictions};
use checks::{Measured, NotKnown, Part, judge};
use daemon::gc::{self, Fate};
use daemon::{Detected, Release};
use evidence::{Change, Evidence};
use finding::{Text, Time};
use node::{Node, Options};

use super::{Making, Refused, path};
use crate::plan::{Action, Foretold, MadeOf};
use crate::{Holds, Tree};

impl Making<'_> {
    /// What a collection takes of the node as it is, where meta.db is whole: that is garbage, and is not
    /// held.
    pub(super) fn garbage(&self, is_whole: bool) -> Holds {
        let mut holds = Holds::default();
        if is_whole {
            for release in self.release.releases() {
                if let Ok(collection) =
                    gc::simulate_with(&self.node, release, self.next_start(), true)
                {
                    holds.add(Holds::from_collection(&collection));
                }
            }
        }
        holds
    }

    /// Writes the tree if it is changed, judges the result, and holds by a lease what a collection would
    /// take, until a collection takes nothing more. Nothing where meta.db stays as it is.
    pub(super) fn settle(
        &mut self,
        evidence: &mut Evidence,
        tree: &mut Tree,
        layout: Layout,
        mut changed: bool,
        garbage: &Holds,
    ) -> Result<Option<Vec<u8>>, Refused> {
        // Snapshots that a first lease holds may let others be seen.
        for _ in 0..8 {
            self.stage_steps(evidence)?;
            let bytes = if changed {
                let bytes = tree.write(layout).map_err(|error| {
                    Refused::new(
                        format!("no new meta.db can be written: {error}"),
                        "report this",
                    )
                })?;
                evidence.stage(&self.meta, Change::File(Arc::new(bytes.clone())));
                Some(bytes)
            } else {
                None
            };
            let node = self.reopened(evidence);
            let mut holds = Holds::default();
            let mut strays: BTreeMap<Text, &str> = BTreeMap::new();
            for release in self.release.releases() {
                let collection = simulated(&node, release, self.next_start())?;
                holds.add(Holds::from_collection(&collection));
                // What is set aside is what triage says, too; what ends until the start is held.
                if self.at == self.next_start() {
                    strays.extend(unowned(&collection));
                } else {
                    let collection = simulated(&node, release, self.at)?;
                    strays.extend(unowned(&collection));
                }
            }
            holds.subtract(garbage);
            if holds.is_empty() && strays.is_empty() {
                self.judge_after(&node);
                return Ok(bytes);
            }
            // What a lease holds has no stray files any more: only then it is known what is nobody's.
            if holds.is_empty() {
                for (stray, why) in strays {
                    self.remove(&path(&stray), why);
                }
            } else {
                changed = true;
                holds.write(tree, &self.plan.id, self.request.made_at);
                let (snapshots, blobs) = holds.named();
                self.plan.held.snapshots.extend(snapshots);
                self.plan.held.blobs.extend(blobs);
            }
        }
        Err(Refused::new(
            "a collection after the repair would still delete what nothing proves to be garbage",
            "keep a copy of the node (`coroner collect`), and report this",
        ))
    }

    /// The steps so far, in memory.
    pub(super) fn stage_steps(&self, evidence: &mut Evidence) -> Result<(), Refused> {
        for step in &self.plan.steps {
            let base = step
                .base
                .as_ref()
                .map_or_else(|| self.request.roots.root.as_path(), Path::new);
            let at = base.join(&step.path);
            let change = match (step.action, &step.made_of) {
                (Action::Remove, _) => Change::Gone,
                (Action::Put, MadeOf::Bytes) => {
                    let bytes = self.files.get(&step.place()).cloned().unwrap_or_default();
                    Change::File(Arc::new(bytes))
                }
                (Action::Put, MadeOf::Folder) => {
                    self.stage_below(evidence, &at, &step.place());
                    Change::Folder(step.mode.unwrap_or(0o755))
                }
                (Action::Put, MadeOf::Layer { .. }) => {
                    evidence.stage(&at.join("fs"), Change::Folder(0o755));
                    evidence.stage(&at.join("work"), Change::Folder(0o711));
                    Change::Folder(0o700)
                }
                (Action::Put, MadeOf::Link { from }) => {
                    evidence.stage_as(&at, &base.join(from)).map_err(|why| {
                        Refused::new(format!("{from} cannot be read: {why}"), "plan again")
                    })?;
                    continue;
                }
                (Action::Put, MadeOf::Copy { from, member }) => {
                    // A layer is judged as if it were not there: its bytes are not in this evidence.
                    let Some(bytes) = self.document_of(from, Path::new(member)) else {
                        continue;
                    };
                    Change::File(Arc::new(bytes))
                }
            };
            evidence.stage(&at, change);
        }
        Ok(())
    }

    /// A document that comes from another store.
    fn document_of(&self, from: &str, member: &Path) -> Option<Vec<u8>> {
        let mut all = self.donated.values();
        let (donor, path) = all.find(|(donor, path)| donor.from == from && path == member)?;
        let source = donor
            .evidence()
            .source(path, content::DOCUMENT_LIMIT)
            .ok()?;
        Some(source.bytes().to_vec())
    }

    /// The files of a new folder.
    fn stage_below(&self, evidence: &mut Evidence, at: &Path, place: &str) {
        let within = format!("{place}/");
        for (file, bytes) in &self.files {
            let Some(inner) = file.strip_prefix(&within) else {
                continue;
            };
            let inner = Path::new(inner);
            for above in inner
                .ancestors()
                .skip(1)
                .filter(|above| !above.as_os_str().is_empty())
            {
                evidence.stage(&at.join(above), Change::Folder(0o755));
            }
            evidence.stage(&at.join(inner), Change::File(Arc::new(bytes.clone())));
        }
    }

    /// When the daemon will be started: leases may end until then.
    fn next_start(&self) -> Time {
        self.at.max(self.request.made_at)
    }

    /// The node as it is with everything that is staged.
    pub(super) fn reopened(&self, evidence: &Evidence) -> Node {
        let options = Options {
            now: Some(self.at),
            ..Options::default()
        };
        Node::open(evidence, self.node.roots.clone(), options)
    }

    /// What a start on the result comes to, and what a collection deletes: nothing but what the plan
    /// lists.
    pub(super) fn judge_after(&mut self, node: &Node) {
        self.plan.after = foretold(node, &self.release, self.at);
        for release in self.release.releases() {
            let collection = gc::simulate_with(node, release, self.at, true);
            let Ok(collection) = collection else { continue };
            let unknown = collection.unknown.iter();
            let unknown: Vec<String> = unknown
                .map(|one| format!("{}: {}", one.what, one.why))
                .collect();
            for after in &mut self.plan.after {
                after.blind.extend(unknown.iter().cloned());
            }
            for run in &collection.backends {
                let rows = run.rows.iter().filter(|row| row.fate == Fate::Deleted);
                self.plan
                    .collected
                    .extend(rows.map(|row| format!("snapshot {} of {}", row.key, run.snapshotter)));
                let entries = run
                    .entries
                    .iter()
                    .filter(|entry| entry.fate == Fate::Deleted);
                self.plan
                    .collected
                    .extend(entries.map(|entry| entry.path.to_string()));
            }
            let blobs = collection
                .content
                .blobs
                .iter()
                .chain(&collection.content.ingests);
            let blobs = blobs.filter(|stored| stored.fate == Fate::Deleted);
            self.plan
                .collected
                .extend(blobs.map(|stored| stored.path.to_string()));
        }
        for after in &mut self.plan.after {
            after.blind.sort();
            after.blind.dedup();
        }
        self.plan.collected.sort();
        self.plan.collected.dedup();
    }
}

pub(super) fn foretold(node: &Node, release: &Detected, at: Time) -> Vec<Foretold> {
    let report = judge(node, &Measured::default());
    let word = |start| match start {
        checks::Start::Yes => "yes",
        checks::Start::WithCare => "with-care",
        checks::Start::No => "no",
        checks::Start::Unknown => "unknown",
    };
    let all = predictions(node, &report, release, at).into_iter();
    all.map(|prediction| Foretold {
        releases: prediction
            .releases
            .iter()
            .map(|one| one.name().to_owned())
            .collect(),
        start: word(prediction.start).to_owned(),
        sentence: prediction.sentence.clone(),
        destroys: prediction
            .statements
            .iter()
            .filter(|statement| statement.effect.destroys())
            .flat_map(|statement| {
                let targets = statement
                    .targets
                    .iter()
                    .map(|target| format!("{}: {}", statement.does, target.object));
                let named: Vec<String> = targets.collect();
                if named.is_empty() {
                    vec![statement.does.clone()]
                } else {
                    named
                }
            })
            .collect(),
        blind: blind(node, &prediction),
        fails: !matches!(prediction.outcome, Outcome::Boots | Outcome::Unknown)
            && !prediction.end().is_some_and(|end| {
                [
                    daemon::start::META_LOCKED.id,
                    daemon::start::BACKEND_LOCKED.id,
                ]
                .contains(&end.rule)
            }),
    })
    .collect()
}

/// What of the databases and the snapshotters is not known. Whether a snapshotter with a daemon of its own runs does not
/// matter here: a database without records of it is refused by its name.
fn blind(node: &Node, prediction: &Prediction) -> Vec<String> {
    let is_proxy = |part: &NotKnown| {
        let mut all = node.snapshotters.iter();
        let own = |name: &str| part.name.strip_prefix("snapshotter ") == Some(name);
        all.any(|one| one.is_proxy && own(&one.name.to_string()))
    };
    let parts = prediction.parts.iter();
    parts
        .filter(|part| match part.part {
            Part::Database => true,
            Part::Snapshotter => !is_proxy(part),
            _ => false,
        })
        .map(ToString::to_string)
        .collect()
}

/// What a collection would take.
fn simulated(node: &Node, release: Release, at: Time) -> Result<gc::Collection, Refused> {
    gc::simulate_with(node, release, at, true).map_err(|unknown| {
        Refused::new(
            format!(
                "the new meta.db could not be judged: {} {}",
                unknown.what, unknown.why
            ),
            "report this",
        )
    })
}

/// What a collection deletes because no row names it: it goes to the quarantine instead.
fn unowned(collection: &gc::Collection) -> Vec<(Text, &'static str)> {
    let mut found = Vec::new();
    for run in &collection.backends {
        let entries = run
            .entries
            .iter()
            .filter(|entry| entry.fate == Fate::Deleted);
        let why = "no row of metadata.db names it: the next clean-up deletes it";
        found.extend(entries.map(|entry| (entry.path.clone(), why)));
    }
    // What a record names goes with that: it was garbage before, and stays what it is.
    let mut named = BTreeSet::new();
    for record in &collection.records {
        named.insert(&record.id.key);
    }
    let content = &collection.content;
    for stored in content.blobs.iter().chain(&content.ingests) {
        if stored.fate == Fate::Deleted && !named.contains(&stored.name) {
            let why = "no row of meta.db names it: the next clean-up deletes it";
            found.push((stored.path.clone(), why));
        }
    }
    found
}
