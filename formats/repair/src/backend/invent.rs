//! Directories of which no database says anything: layers are known by their blobs, what is mounted
//! by its container, and the rest is kept under its number.

use std::collections::{BTreeMap, BTreeSet};

use content::Digest;

use super::pairing::Ask;
use super::parents::{add_layers, relate};
use super::{LayerBlob, Paired, Wanted, facts};
use crate::plan::Proof;

/// The beginning of the key of a snapshot whose owner is lost.
pub(crate) const RECOVERED: &str = "recovered-";

/// Adds a snapshot to `wanted` for every directory that is still free. `namespaces`: where to put
/// them, the likeliest first.
pub(crate) fn invent(
    ask: Ask<'_>,
    wanted: &mut Vec<Wanted>,
    paired: &mut Paired,
    namespaces: &[Vec<u8>],
) {
    let mut owners: BTreeMap<u64, BTreeSet<Vec<u8>>> = BTreeMap::new();
    for one in ask.mounted {
        for id in &one.lower {
            owners.entry(*id).or_default().insert(one.namespace.clone());
        }
    }
    let mut work = Inventing {
        owners,
        ask,
        wanted,
        paired,
        namespaces,
        above: BTreeMap::new(),
    };
    if ask.layout.has_fs() {
        work.layers();
    }
    relate(work.wanted);
    work.lost_parents();
    work.mounted();
    if ask.layout.has_fs() {
        add_layers(ask, work.wanted);
    }
    work.rest();
    relate(wanted);
}

struct Inventing<'a> {
    ask: Ask<'a>,
    wanted: &'a mut Vec<Wanted>,
    paired: &'a mut Paired,
    namespaces: &'a [Vec<u8>],
    /// The namespaces of the containers that a layer is mounted for: it belongs there.
    owners: BTreeMap<u64, BTreeSet<Vec<u8>>>,
    /// The name and directory of a layer's snapshot, by namespace and chain.
    above: BTreeMap<(Vec<u8>, Digest), (Vec<u8>, u64)>,
}

impl Inventing<'_> {
    fn add(
        &mut self,
        namespace: &[u8],
        key: &[u8],
        parent: Option<Vec<u8>>,
        id: u64,
        proof: Proof,
    ) -> Vec<u8> {
        let number = id.to_string();
        let name = [namespace, number.as_bytes(), key].join(&b'/');
        let made = self.ask.layout.dirs.get(&id).map(|dir| dir.stat.mtime);
        self.wanted.push(Wanted {
            name: name.clone(),
            namespace: namespace.to_vec(),
            key: key.to_vec(),
            parent_key: parent
                .as_deref()
                .and_then(|parent| Some(crate::rows::split_key(parent)?.2.to_vec())),
            parent,
            created: made,
            updated: made,
            labels: Vec::new(),
            has_children: false,
            is_written: false,
        });
        self.paired.free.remove(&id);
        self.paired.pairs.insert(name.clone(), (id, proof));
        name
    }

    /// Each layer of each image whose directory is found, with its parent before it.
    fn layers(&mut self) {
        for one in self.wanted.iter() {
            let chain = Digest::parse_bytes(&one.key).ok();
            let id = self.paired.pairs.get(&one.name).map(|(id, _)| *id);
            if let (Some(chain), Some(id)) = (chain, id) {
                self.above
                    .insert((one.namespace.clone(), chain), (one.name.clone(), id));
            }
        }
        let mut shapes: BTreeMap<facts::Shape, Vec<u64>> = BTreeMap::new();
        for id in &self.paired.free {
            if facts::was_upper(self.ask.evidence, self.ask.layout, *id) == Some(true) {
                continue;
            }
            let files = self.ask.layout.files(*id);
            if let Some(shape) = facts::shape_of_dir(self.ask.evidence, &files) {
                shapes.entry(shape).or_default().push(*id);
            }
        }
        let mut dirs: BTreeMap<&Digest, Vec<u64>> = BTreeMap::new();
        let mut chains: Vec<(usize, &Digest, &LayerBlob)> = Vec::new();
        for (chain, layer) in self.ask.layers {
            chains.push((self.depth(layer), chain, layer));
            if dirs.contains_key(&layer.diff_id) {
                continue;
            }
            let shape = facts::shape_of_blob(self.ask.evidence, layer);
            let candidates = shape
                .and_then(|shape| shapes.get(&shape))
                .into_iter()
                .flatten();
            let equal = candidates.copied().filter(|id| {
                facts::is_layer(self.ask.evidence, self.ask.layout, *id, &[layer]) == Some(true)
            });
            dirs.insert(&layer.diff_id, equal.collect());
        }
        chains.sort_by_key(|(depth, chain, _)| (*depth, *chain));
        // A second copy of a layer is that of another namespace.
        for namespace in self.namespaces {
            for (_, chain, layer) in &chains {
                self.layer(namespace, chain, layer, &dirs);
            }
        }
    }

    fn layer(
        &mut self,
        namespace: &[u8],
        chain: &Digest,
        layer: &LayerBlob,
        dirs: &BTreeMap<&Digest, Vec<u64>>,
    ) {
        let at = (namespace.to_vec(), chain.clone());
        if self.above.contains_key(&at) {
            return;
        }
        let parent = match &layer.below {
            None => None,
            Some(below) => match self.above.get(&(namespace.to_vec(), below.clone())) {
                Some(parent) => Some(parent.clone()),
                // Without its parent a snapshot cannot be.
                None => return,
            },
        };
        let after = parent.as_ref().map_or(0, |(_, id)| *id);
        let mut ids = dirs.get(&layer.diff_id).into_iter().flatten().copied();
        let is_here = |id: &u64| {
            let owners = self.owners.get(id);
            owners.is_none_or(|owners| owners.contains(namespace))
        };
        let id = ids.find(|id| *id > after && self.paired.free.contains(id) && is_here(id));
        if let Some(id) = id {
            let parent = parent.map(|(name, _)| name);
            let name = self.add(
                namespace,
                chain.as_str().as_bytes(),
                parent,
                id,
                Proof::Blob,
            );
            self.above.insert(at, (name, id));
        }
    }

    fn depth(&self, layer: &LayerBlob) -> usize {
        let mut depth = 0_usize;
        let mut below = layer.below.as_ref();
        while let Some(layer) = below.and_then(|chain| self.ask.layers.get(chain)) {
            depth = depth.saturating_add(1);
            if depth > self.ask.layers.len() {
                break;
            }
            below = layer.below.as_ref();
        }
        depth
    }

    /// The snapshot that a directory became, if it is of this namespace: a parent must be.
    fn name_of(&self, id: u64, namespace: &[u8]) -> Option<Vec<u8>> {
        let mut all = self.paired.pairs.iter();
        let (name, _) = all.find(|(_, (found, _))| *found == id)?;
        let (own, _, _) = crate::rows::split_key(name)?;
        (own == namespace).then(|| name.clone())
    }

    /// What a running container's layer stands on has no record any more, and is mounted below it.
    fn lost_parents(&mut self) {
        for one in self.ask.mounted {
            let is_own = |own: &&Wanted| own.namespace == one.namespace && own.key == one.id;
            let own = self.wanted.iter().find(is_own);
            let mut lost = own
                .filter(|own| own.parent.is_none())
                .and_then(|own| own.parent_key.clone());
            let (Some(key), Some(id)) = (lost.take(), one.lower.first().copied()) else {
                continue;
            };
            let below = one.lower.get(1);
            let parent = below.and_then(|id| self.name_of(*id, &one.namespace));
            if self.paired.free.contains(&id) && (below.is_none() || parent.is_some()) {
                self.add(&one.namespace, &key, parent, id, Proof::Mount);
                relate(self.wanted);
            }
        }
    }

    /// What is mounted belongs to the container that it is mounted for.
    fn mounted(&mut self) {
        for one in self.ask.mounted {
            if self.paired.free.contains(&one.upper) {
                let parent = one
                    .lower
                    .first()
                    .and_then(|id| self.name_of(*id, &one.namespace));
                if parent.is_some() || one.lower.is_empty() {
                    self.add(&one.namespace, &one.id, parent, one.upper, Proof::Mount);
                }
            }
        }
    }

    /// What is left is kept under its number, in the namespace of the layer that its files were
    /// copied up from, where there is one only.
    fn rest(&mut self) {
        let Some(first) = self.namespaces.first() else {
            return;
        };
        let inodes = facts::Inodes::read_inodes(self.ask.evidence, self.ask.layout);
        let free: Vec<u64> = self.paired.free.iter().copied().collect();
        for id in free {
            let origins = inodes.origins(self.ask.evidence, self.ask.layout, id);
            let mut tops = self.namespaces.iter();
            let found = tops.find_map(|space| Some((space, self.top_of(&origins, space)?)));
            let (namespace, parent) = match found {
                Some((namespace, parent)) => (namespace, Some(parent)),
                None => (first, None),
            };
            let key = format!("{RECOVERED}{id}");
            self.add(namespace, key.as_bytes(), parent, id, Proof::Only);
        }
    }

    /// The one layer without children whose chain has all of these directories.
    fn top_of(&self, origins: &BTreeSet<u64>, namespace: &[u8]) -> Option<Vec<u8>> {
        if origins.is_empty() {
            return None;
        }
        let by_name: BTreeMap<&[u8], &Wanted> = self
            .wanted
            .iter()
            .map(|one| (one.name.as_slice(), one))
            .collect();
        let parents: BTreeSet<&[u8]> = self
            .wanted
            .iter()
            .filter_map(|one| one.parent.as_deref())
            .collect();
        let mut found = Vec::new();
        let tops = self.wanted.iter().filter(|one| {
            one.is_layer() && one.namespace == namespace && !parents.contains(one.name.as_slice())
        });
        for top in tops {
            let mut ids = BTreeSet::new();
            let mut next = Some(top.name.as_slice());
            while let Some(name) = next {
                let id = self.paired.pairs.get(name).map(|(id, _)| *id);
                if !id.is_some_and(|id| ids.insert(id)) {
                    break;
                }
                next = by_name.get(name).and_then(|one| one.parent.as_deref());
            }
            if origins.is_subset(&ids) {
                found.push(top.name.clone());
            }
        }
        match found.as_slice() {
            [one] => Some(one.clone()),
            _ => None,
        }
    }
}
