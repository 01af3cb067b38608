//! Reads the graph from meta.db's rows.

use std::collections::BTreeMap;

use finding::{Known, Text, Time, Unknown};
use metadb::{Labels, MetaDb, Namespace, Row};

use crate::Node;

use super::labels::{self, EXPIRE, FLAT};
use super::{Edge, Graph, Id, Index, Kind, Life, Object, Via};

impl Graph {
    /// Every object of `node`, what its records refer to, and what its documents, containers and
    /// pods use.
    pub(crate) fn build_graph(node: &Node) -> Self {
        let Some(meta) = &node.meta.rows else {
            return Self::default();
        };
        let mut graph = Self::records(meta);
        graph.add_used(node, meta);
        graph.add_places(node, meta);
        graph.turn();
        graph
    }

    /// The objects and references of meta.db's records alone.
    pub fn of_records(meta: &MetaDb) -> Self {
        let mut graph = Self::records(meta);
        graph.turn();
        graph
    }

    fn records(meta: &MetaDb) -> Self {
        let mut graph = Self {
            lost: meta.namespaces.unknown().to_vec(),
            namespaces: meta.namespaces().iter().map(|ns| ns.name.clone()).collect(),
            ..Self::default()
        };
        let mut used = BTreeMap::new();
        for namespace in meta.namespaces() {
            graph.add_namespace(namespace, &mut used);
        }
        graph.add_conditions(meta, &used);
        graph
    }

    pub(super) fn number(&mut self, id: Id) -> Index {
        if let Some(index) = self.index.get(&id) {
            return *index;
        }
        let index = self.objects.len();
        self.index.insert(id.clone(), index);
        self.objects.push(Object {
            id,
            at: None,
            readable: true,
            life: Life::default(),
            edges: Vec::new(),
            path: None,
        });
        index
    }

    pub(super) fn link(&mut self, from: Index, to: Id, via: Via) {
        let to = self.number(to);
        if let Some(object) = self.objects.get_mut(from) {
            object.edges.push(Edge { to, via });
        }
    }

    /// Enters a row as an object, with the references that its labels make.
    fn enter<T>(&mut self, id: Id, row: &Row<T>, own: Option<&Labels>, life: Life) -> Index {
        let namespace = id.namespace.clone();
        let index = self.number(id);
        if let Some(object) = self.objects.get_mut(index) {
            object.at = Some(row.at.clone());
            object.readable = row.readable;
            object.life = life;
        }
        for (label, value) in own.iter().flat_map(|labels| &labels.entries) {
            let id = |target: labels::Target| Id {
                namespace: namespace.clone(),
                kind: target.kind,
                key: target.key,
            };
            if let Some(target) = labels::reference(label.bytes(), value) {
                self.link(index, id(target), Via::Label(label.clone()));
            }
            if let Some(target) = labels::back_reference(label.bytes(), value) {
                let parent = self.number(id(target));
                let via = Via::BackLabel(label.clone());
                if let Some(object) = self.objects.get_mut(parent) {
                    object.edges.push(Edge { to: index, via });
                }
            }
        }
        index
    }

    fn note<T>(&mut self, namespace: &Text, rows: &Known<Vec<T>>) {
        let unknown = self.unknown.entry(namespace.clone()).or_default();
        unknown.extend(rows.unknown().iter().cloned());
    }

    fn note_row<T>(&mut self, namespace: &Text, kind: Kind, row: &Row<T>) {
        if !row.readable {
            let what = format!("what the {kind} {} refers to", row.key);
            let unknown = self.unknown.entry(namespace.clone()).or_default();
            unknown.push(Unknown::new(what, "part of its record could not be read"));
        }
    }

    fn add_namespace(&mut self, ns: &Namespace, used: &mut BTreeMap<Id, Vec<Time>>) {
        let name = &ns.name;
        let id = |kind, key: &Text| Id {
            namespace: name.clone(),
            kind,
            key: key.clone(),
        };
        self.note(name, &ns.leases);
        for row in ns.leases.read().into_iter().flatten() {
            self.note_row(name, Kind::Lease, row);
            let life = Life {
                expire: row.labels.entries.get(EXPIRE).cloned(),
                flat: row.labels.entries.contains_key(FLAT),
                ..Life::default()
            };
            let lease = self.enter(id(Kind::Lease, &row.key), row, None, life);
            for key in &row.content {
                self.link(lease, id(Kind::Blob, key), Via::Holds);
            }
            for (snapshotter, keys) in &row.snapshots {
                for key in keys {
                    self.link(lease, Id::snapshot(name, snapshotter, key), Via::Holds);
                }
            }
            for key in &row.ingests {
                self.link(lease, id(Kind::Ingest, key), Via::Holds);
            }
            for key in &row.images {
                self.link(lease, id(Kind::Image, key), Via::Holds);
            }
        }
        self.note(name, &ns.images);
        for row in ns.images.read().into_iter().flatten() {
            self.note_row(name, Kind::Image, row);
            let life = Life {
                expire: row.labels.entries.get(EXPIRE).cloned(),
                ..Life::default()
            };
            let image = self.enter(id(Kind::Image, &row.key), row, Some(&row.labels), life);
            if let Some(target) = &row.target {
                self.link(image, id(Kind::Blob, &target.digest), Via::Target);
            }
        }
        self.note(name, &ns.ingests);
        for row in ns.ingests.read().into_iter().flatten() {
            self.note_row(name, Kind::Ingest, row);
            let life = Life {
                expires: row.expires,
                expires_fault: row.undecodable.get(b"expireat".as_slice()).cloned(),
                ..Life::default()
            };
            let ingest = self.enter(id(Kind::Ingest, &row.key), row, None, life);
            if let Some(wanted) = &row.wanted {
                self.link(ingest, id(Kind::Blob, wanted), Via::Expected);
            }
        }
        self.note(name, &ns.blobs);
        for row in ns.blobs.read().into_iter().flatten() {
            self.note_row(name, Kind::Blob, row);
            let (root, root_like) = labels::root(row.labels.entries.keys());
            let life = Life {
                root,
                root_like,
                ..Life::default()
            };
            self.enter(id(Kind::Blob, &row.key), row, Some(&row.labels), life);
        }
        self.note(name, &ns.containers);
        for row in ns.containers.read().into_iter().flatten() {
            self.note_row(name, Kind::Container, row);
            let own = Some(&row.labels);
            let container = self.enter(id(Kind::Container, &row.key), row, own, Life::default());
            if !row.snapshotter.is_empty() {
                let to = Id::snapshot(name, &row.snapshotter, &row.snapshot_key);
                self.link(container, to, Via::Snapshot);
            } else if row.snapshot_key.is_empty() {
                let all = ns.snapshots.read().into_iter().flatten();
                let own = all.filter(|all| {
                    let mut rows = all.rows.read().into_iter().flatten();
                    rows.any(|snapshot| snapshot.key == row.key)
                });
                for snapshots in own {
                    let to = Id::snapshot(name, &snapshots.snapshotter, &row.key);
                    self.link(container, to, Via::SameName);
                }
            }
        }
        // Where both are there, that of the schema counts.
        for (rows, old_sandbox) in [(&ns.old_sandboxes, true), (&ns.sandboxes, false)] {
            self.note(name, rows);
            for row in rows.read().into_iter().flatten() {
                self.note_row(name, Kind::Sandbox, row);
                let life = Life {
                    old_sandbox,
                    ..Life::default()
                };
                self.enter(id(Kind::Sandbox, &row.key), row, Some(&row.labels), life);
            }
        }
        self.note(name, &ns.snapshots);
        for snapshots in ns.snapshots.read().into_iter().flatten() {
            self.note(name, &snapshots.rows);
            for row in snapshots.rows.read().into_iter().flatten() {
                self.note_row(name, Kind::Snapshot, row);
                let (root, root_like) = labels::root(row.labels.entries.keys());
                let life = Life {
                    root,
                    root_like,
                    ..Life::default()
                };
                let own = Id::snapshot(name, &snapshots.snapshotter, &row.key);
                let times = row.labels.entries.iter();
                let times = times.filter(|(label, _)| label.bytes().starts_with(labels::USED_AT));
                let times = times.filter_map(|(_, value)| Time::parse(value.utf8()?).ok());
                used.entry(own.clone()).or_default().extend(times);
                let index = self.enter(own, row, Some(&row.labels), life);
                if let Some(parent) = &row.parent {
                    let parent = Id::snapshot(name, &snapshots.snapshotter, parent);
                    self.link(index, parent, Via::Parent);
                }
            }
        }
    }

    /// Conditions are known once every snapshot said when it was used.
    fn add_conditions(&mut self, meta: &MetaDb, used: &BTreeMap<Id, Vec<Time>>) {
        for ns in meta.namespaces() {
            let images = ns.images.read().into_iter().flatten();
            let images = images.map(|row| (Kind::Image, &row.key, &row.labels));
            let blobs = ns.blobs.read().into_iter().flatten();
            let blobs = blobs.map(|row| (Kind::Blob, &row.key, &row.labels));
            for (kind, key, labels) in images.chain(blobs) {
                let own = Id {
                    namespace: ns.name.clone(),
                    kind,
                    key: key.clone(),
                };
                for (label, value) in &labels.entries {
                    let Some((target, conditions)) = labels::conditions(label.bytes(), value)
                    else {
                        continue;
                    };
                    let snapshot = Id {
                        namespace: ns.name.clone(),
                        kind: target.kind,
                        key: target.key,
                    };
                    let Some(from) = self.find(&own) else {
                        continue;
                    };
                    for time in used.get(&snapshot).into_iter().flatten() {
                        for condition in &conditions {
                            let via = Via::Condition {
                                label: label.clone(),
                                used: *time,
                                nanos: condition.nanos,
                                within: condition.within,
                            };
                            self.link(from, snapshot.clone(), via);
                        }
                    }
                }
            }
        }
    }
}
