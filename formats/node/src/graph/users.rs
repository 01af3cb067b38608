//! The graph, asked backwards: who uses a blob or a snapshot; and forwards: what something uses.

use std::collections::{BTreeSet, HashSet};
use std::sync::atomic::Ordering;

use content::Digest;
use finding::{Object, Text};

use super::{Graph, Id, Index, Kind, Via};

/// Steps backwards that all questions may take: of 5,000 snapshots on one, two hundred
/// times over.
const STEPS: usize = 1_000_000;
/// Steps that a user costs: its name is kept.
const A_USER: usize = 8;

impl Graph {
    /// Whether who uses something was not followed to its end.
    pub fn is_cut(&self) -> bool {
        self.gone.load(Ordering::Relaxed) > STEPS
    }

    /// Who refers to an object, sorted by who they are, and how.
    pub fn referrers(&self, index: Index) -> impl Iterator<Item = (Index, &Via)> {
        let all = self.referrers.get(index).into_iter().flatten();
        all.filter_map(|(from, number)| {
            let edge = self.get(*from)?.edges.get(*number)?;
            Some((*from, &edge.via))
        })
    }

    /// Everything that leads to `start` along edges which `along` picks, `start` first, the
    /// nearest first.
    fn back(&self, start: Index, along: impl Fn(&Via) -> bool) -> Vec<Index> {
        let mut found = vec![start];
        let mut seen = HashSet::from([start]);
        let mut at = 0_usize;
        while let Some(index) = found.get(at).copied() {
            at = at.saturating_add(1);
            if self.gone.fetch_add(1, Ordering::Relaxed) >= STEPS {
                break;
            }
            for (from, via) in self.referrers(index) {
                if along(via) && seen.insert(from) {
                    found.push(from);
                }
            }
        }
        found
    }

    /// Everything that `start` uses, itself first: the blobs that an image's documents name and
    /// the snapshots that they unpack to, a container's snapshot, and all that it stands on.
    pub fn uses(&self, start: Index) -> Vec<Index> {
        let along = |via: &Via| {
            matches!(
                via,
                Via::Target
                    | Via::Link(_)
                    | Via::ChainId
                    | Via::Snapshot
                    | Via::SameName
                    | Via::Parent
            )
        };
        let mut found = vec![start];
        let mut seen = BTreeSet::from([start]);
        let mut at = 0_usize;
        while let Some(object) = found.get(at).map(|index| self.get(*index)) {
            at = at.saturating_add(1);
            for edge in object.into_iter().flat_map(|object| &object.edges) {
                if along(&edge.via) && seen.insert(edge.to) {
                    found.push(edge.to);
                }
            }
        }
        found
    }

    /// Images whose documents lead to a blob, sorted.
    fn images_of(&self, blobs: impl Iterator<Item = Index>) -> BTreeSet<&Id> {
        let mut images = BTreeSet::new();
        for blob in blobs {
            let leads = self.back(blob, |via| matches!(via, Via::Target | Via::Link(_)));
            let ids = leads.into_iter().filter_map(|index| self.get(index));
            images.extend(
                ids.map(|object| &object.id)
                    .filter(|id| id.kind == Kind::Image),
            );
        }
        images
    }

    /// Images that need this blob, of every namespace.
    pub fn users_of_blob(&self, digest: &Digest) -> Vec<Object> {
        let key = Text::from(digest.as_str());
        let blobs = self.namespaces.iter().filter_map(|namespace| {
            self.find(&Id {
                namespace: namespace.clone(),
                kind: Kind::Blob,
                key: key.clone(),
            })
        });
        let images = self.images_of(blobs);
        images.into_iter().map(Id::object).collect()
    }

    /// Images and containers that need this snapshot, directly or through its children.
    pub fn users_of_snapshot(
        &self,
        namespace: &Text,
        snapshotter: &Text,
        key: &Text,
    ) -> Vec<Object> {
        let mut users = self.everyone_of_snapshot(namespace, snapshotter, key);
        users.retain(|user| user.kind != Kind::Pod.name());
        users
    }

    /// Images, containers and pods that need this snapshot, directly or through its children: of
    /// each snapshot its images first, then its containers, then their pods.
    pub fn everyone_of_snapshot(
        &self,
        namespace: &Text,
        snapshotter: &Text,
        key: &Text,
    ) -> Vec<Object> {
        let mut users: Vec<Object> = Vec::new();
        let mut known = BTreeSet::new();
        let own = self.find(&Id::snapshot(namespace, snapshotter, key));
        let above = own.map(|own| self.back(own, |via| *via == Via::Parent));
        for snapshot in above.into_iter().flatten() {
            let by = |wanted: fn(&Via) -> bool| {
                let referrers = self.referrers(snapshot);
                referrers.filter_map(move |(from, via)| wanted(via).then_some(from))
            };
            let images = self.images_of(by(|via| *via == Via::ChainId));
            let containers: Vec<Index> =
                by(|via| matches!(via, Via::Snapshot | Via::SameName)).collect();
            let pods = containers.iter().flat_map(|container| {
                let referrers = self.referrers(*container);
                referrers.filter_map(|(from, via)| {
                    matches!(via, Via::Sandbox | Via::Member).then_some(from)
                })
            });
            let pods: Vec<Index> = pods.collect();
            let rest = containers.iter().chain(&pods);
            let rest = rest.filter_map(|index| Some(&self.get(*index)?.id));
            for id in images.into_iter().chain(rest) {
                if known.insert(id) {
                    self.gone.fetch_add(A_USER, Ordering::Relaxed);
                    users.push(id.object());
                }
            }
        }
        users
    }

    /// The pod whose sandbox has this id.
    pub fn pod(&self, sandbox: &Text) -> Option<Object> {
        let pod = self.pods.get(sandbox)?;
        Some(self.get(*pod)?.id.object())
    }
}
