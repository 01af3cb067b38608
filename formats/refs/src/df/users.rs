//! Who uses what: images, containers and namespaces, by the paths of the things that they need.

use std::collections::{BTreeMap, BTreeSet};

use finding::Text;
use node::Node;
use node::graph::{Graph, Index, Kind, Object, Via};

/// An image: all its names, in all namespaces.
#[derive(Debug, Default)]
pub(super) struct ImageUse {
    pub(super) names: BTreeSet<(Text, Text)>,
    pub(super) things: BTreeSet<Text>,
    /// Containers made of it.
    pub(super) containers: u64,
}

/// A container.
#[derive(Debug)]
pub(super) struct ContainerUse {
    pub(super) namespace: Text,
    pub(super) id: Text,
    pub(super) image: Text,
    pub(super) pod: Option<Text>,
    /// Its own snapshot.
    pub(super) own: Option<Text>,
    /// That, and all below it.
    pub(super) things: BTreeSet<Text>,
}

/// Who uses what.
#[derive(Debug, Default)]
pub(super) struct Users {
    /// By the digest of the target.
    pub(super) images: BTreeMap<Text, ImageUse>,
    pub(super) containers: Vec<ContainerUse>,
    /// What records of a namespace name.
    pub(super) namespaces: BTreeMap<Text, BTreeSet<Text>>,
}

/// Where the things lie that an object uses.
fn things(graph: &Graph, index: Index) -> BTreeSet<Text> {
    let all = graph.uses(index).into_iter();
    all.filter_map(|index| graph.get(index)?.path.clone())
        .collect()
}

/// What an object refers to in one way.
fn one<'g>(graph: &'g Graph, object: &Object, via: &Via) -> Option<&'g Object> {
    let edge = object.edges.iter().find(|edge| edge.via == *via)?;
    graph.get(edge.to)
}

impl Users {
    pub(super) fn from_node(node: &Node) -> Self {
        let graph = node.graph();
        let mut users = Self::default();
        for ns in node.namespaces() {
            users.namespaces.entry(ns.name.clone()).or_default();
        }
        for (index, object) in graph.objects().filter(|(_, object)| object.at.is_some()) {
            match object.id.kind {
                Kind::Image => users.add_image(graph, index, object),
                Kind::Container => users.add_container(graph, index, object),
                Kind::Blob | Kind::Snapshot => {
                    let named = users.namespaces.entry(object.id.namespace.clone());
                    named.or_default().extend(object.path.clone());
                }
                Kind::Lease | Kind::Sandbox | Kind::Ingest | Kind::Pod => {}
            }
        }
        users
    }

    fn add_image(&mut self, graph: &Graph, index: Index, object: &Object) {
        let Some(target) = one(graph, object, &Via::Target) else {
            return;
        };
        let entry = self.images.entry(target.id.key.clone()).or_default();
        let name = (object.id.namespace.clone(), object.id.key.clone());
        entry.names.insert(name);
        let made = graph.referrers(index);
        let made = made.filter(|(_, via)| **via == Via::Image).count();
        let made = u64::try_from(made).unwrap_or(u64::MAX);
        entry.containers = entry.containers.saturating_add(made);
        entry.things.extend(things(graph, index));
    }

    fn add_container(&mut self, graph: &Graph, index: Index, object: &Object) {
        let pods = graph.referrers(index).filter_map(|(from, via)| {
            matches!(via, Via::Sandbox | Via::Member).then_some(&graph.get(from)?.id)
        });
        let own = one(graph, object, &Via::Snapshot);
        let own = own.or_else(|| one(graph, object, &Via::SameName));
        let image = one(graph, object, &Via::Image);
        self.containers.push(ContainerUse {
            namespace: object.id.namespace.clone(),
            id: object.id.key.clone(),
            image: image.map(|image| image.id.key.clone()).unwrap_or_default(),
            pod: pods.map(|pod| pod.key.clone()).next(),
            own: own.and_then(|own| own.path.clone()),
            things: things(graph, index),
        });
    }

    /// How many images and containers use each thing.
    pub(super) fn counts(&self) -> BTreeMap<&Text, u64> {
        let mut counts: BTreeMap<&Text, u64> = BTreeMap::new();
        let images = self.images.values().map(|image| &image.things);
        let containers = self.containers.iter().map(|container| &container.things);
        for path in images.chain(containers).flatten() {
            let count = counts.entry(path).or_default();
            *count = count.saturating_add(1);
        }
        counts
    }
}
