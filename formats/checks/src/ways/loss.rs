//! What a step takes away besides what it names: all that only this held, by the reference graph.
//!
//! A record that a client removes takes what hangs on it: the next collection deletes the snapshot of a
//! container, and the layers of a manifest that no other record refers to.

use std::cell::{Cell, OnceCell};
use std::collections::BTreeSet;

use daemon::gc::{Marks, Rules};
use finding::{Finding, Loss, Object, Remedy, Step, Text, program};
use node::Node;
use node::graph::{Graph, Id, Index, Kind};

/// What hangs on what, on a node.
pub(crate) struct Hanging<'n> {
    node: &'n Node,
    /// What is held, by the rules of the oldest and the newest release that may run.
    marks: OnceCell<Vec<(Rules, Marks)>>,
    /// How many references may still be followed.
    steps: Cell<usize>,
}

/// So many references are followed for all steps of a report; what goes with a step after that is not known.
const STEPS: usize = 4_000_000;

impl<'n> Hanging<'n> {
    pub(crate) const fn new(node: &'n Node) -> Self {
        Self {
            node,
            marks: OnceCell::new(),
            steps: Cell::new(STEPS),
        }
    }

    fn marks(&self) -> &[(Rules, Marks)] {
        self.marks.get_or_init(|| {
            let detected = daemon::detect(&self.node.traces);
            let releases = BTreeSet::from([detected.from, detected.to]);
            let schema = self.node.meta.rows.as_ref().and_then(|rows| rows.version);
            let rules = releases
                .into_iter()
                .map(|release| Rules { release, schema });
            let graph = self.node.graph();
            rules
                .map(|rules| (rules, Marks::new(graph, rules, self.node.now)))
                .collect()
        })
    }

    /// The records that go with an object: a sandbox is a container, too.
    fn records(&self, graph: &Graph, object: &Object) -> Vec<Index> {
        let Some(namespace) = object.namespace.as_ref() else {
            return Vec::new();
        };
        let kinds: &[Kind] = match object.kind {
            "lease" => &[Kind::Lease],
            "image" => &[Kind::Image],
            "container" | "sandbox" => &[Kind::Container, Kind::Sandbox],
            "blob" => &[Kind::Blob],
            "ingest" => &[Kind::Ingest],
            "snapshot" => return self.snapshots(graph, namespace, &object.name),
            _ => return Vec::new(),
        };
        let id = |kind: &Kind| Id {
            namespace: namespace.clone(),
            kind: *kind,
            key: object.name.clone(),
        };
        kinds
            .iter()
            .filter_map(|kind| graph.find(&id(kind)))
            .collect()
    }

    /// A finding names snapshots by their key alone.
    fn snapshots(&self, graph: &Graph, namespace: &Text, key: &Text) -> Vec<Index> {
        let rows = self.node.meta.rows.iter();
        let spaces = rows.flat_map(metadb::MetaDb::namespaces);
        let spaces = spaces.filter(|space| space.name == *namespace);
        let all = spaces.flat_map(|space| space.snapshots.read().into_iter().flatten());
        let ids = all.map(|all| Id::snapshot(namespace, &all.snapshotter, key));
        ids.filter_map(|id| graph.find(&id)).collect()
    }

    /// Whether the next collection takes each of these snapshots once `going` are removed: a pull unpacks a layer
    /// again only then.
    pub(super) fn frees<'o>(
        &self,
        going: impl Iterator<Item = &'o Object>,
        snapshots: impl Iterator<Item = &'o Object>,
    ) -> bool {
        let graph = self.node.graph();
        let gone: BTreeSet<Index> = going.flat_map(|one| self.records(graph, one)).collect();
        let wanted: Vec<Index> = snapshots.flat_map(|one| self.records(graph, one)).collect();
        self.marks().iter().all(|(rules, marks)| {
            let mut left = self.steps.get();
            let (taken, _) = marks.only_held_by(graph, *rules, self.node.now, &gone, &mut left);
            self.steps.set(left);
            let is_free =
                |index: &Index| taken.contains(index) || !marks.held(*index).holds(self.node.now);
            wanted.iter().all(is_free)
        })
    }

    /// A finding whose steps name all that they take away.
    pub(crate) fn named(&self, mut finding: Finding) -> Finding {
        let ways = std::mem::take(&mut finding.ways).into_iter();
        let ways = ways.map(|way| self.name_losses(way));
        ways.fold(finding, Finding::way)
    }

    fn name_losses(&self, mut way: Remedy) -> Remedy {
        let mut gone = BTreeSet::new();
        let mut told: BTreeSet<Object> = BTreeSet::new();
        for step in way.steps.iter_mut().filter(|step| removes(step)) {
            self.name_loss(step, &mut gone, &mut told);
        }
        way
    }

    fn name_loss(&self, step: &mut Step, gone: &mut BTreeSet<Index>, told: &mut BTreeSet<Object>) {
        let (mut objects, mut is_whole) = match std::mem::replace(&mut step.loses, Loss::Nothing) {
            Loss::Objects(objects) => (objects, true),
            Loss::AtLeast(objects) => (objects, false),
            other => {
                step.loses = other;
                return;
            }
        };
        let graph = self.node.graph();
        is_whole &= self.node.meta.rows.is_some();
        for object in &objects {
            gone.extend(self.records(graph, object));
        }
        told.extend(objects.iter().cloned());
        for (rules, marks) in self.marks() {
            let mut left = self.steps.get();
            let (taken, may_be_more) =
                marks.only_held_by(graph, *rules, self.node.now, gone, &mut left);
            self.steps.set(left);
            is_whole &= !may_be_more;
            let taken = taken.into_iter().filter_map(|index| graph.get(index));
            for object in taken.map(|object| shown(&object.id)) {
                if told.insert(object.clone()) {
                    objects.push(object);
                }
            }
        }
        step.loses = if is_whole {
            Loss::Objects(objects)
        } else {
            Loss::AtLeast(objects)
        };
    }
}

/// Whether a step removes records: coroner's own repair keeps what hangs on them.
fn removes(step: &Step) -> bool {
    let program = step.command().map(finding::Command::program);
    program.is_some_and(|program| *program != program::CORONER.name())
}

/// As findings name it: a snapshot by its key alone.
fn shown(id: &Id) -> Object {
    match id.snapshot_parts() {
        Some((_, key)) => Object::new(Kind::Snapshot.name(), id.namespace.clone(), key),
        None => id.object(),
    }
}
