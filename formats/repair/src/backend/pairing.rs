//! Which directory is which snapshot.

use std::collections::{BTreeMap, BTreeSet};

use content::Digest;
use evidence::Evidence;
use metadb::{BackendSnapshot, Row};
use node::Snapshotter;
use snapshots::Layout;

use super::facts::{self, Inodes, Mounted, Shape};
use super::{LayerBlob, Wanted};
use crate::docker;
use crate::plan::Proof;
use crate::rows::backend_rows;

/// What pairing asks.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Ask<'a> {
    pub(crate) evidence: &'a Evidence,
    pub(crate) snapshotter: &'a Snapshotter,
    pub(crate) layout: &'a Layout,
    pub(crate) layers: &'a BTreeMap<Digest, LayerBlob>,
    pub(crate) mounted: &'a [Mounted],
    /// Pairs that the user said, as namespace and key.
    pub(crate) said: &'a BTreeMap<(Vec<u8>, Vec<u8>), u64>,
}

/// Pairs that copies of metadata.db have, by the key in metadata.db.
pub(crate) type Copies = BTreeMap<Vec<u8>, u64>;

/// The pairs of one snapshotter.
#[derive(Debug, Default)]
pub(crate) struct Paired {
    /// Directory and proof, by key in metadata.db.
    pub(crate) pairs: BTreeMap<Vec<u8>, (u64, Proof)>,
    /// Directories that are no snapshot's.
    pub(crate) free: BTreeSet<u64>,
    /// Rows that stand as they are though meta.db does not name them.
    pub(crate) others: Vec<Row<BackendSnapshot>>,
}

/// How far the time of a directory may be from that of its snapshot to be likely its own: a second.
pub(super) const NEAR: i128 = 1_000_000_000;

struct Pairing<'a> {
    ask: Ask<'a>,
    open: BTreeMap<&'a [u8], &'a Wanted>,
    all: BTreeMap<&'a [u8], &'a Wanted>,
    found: Paired,
    inodes: Option<Inodes>,
    origins: BTreeMap<u64, BTreeSet<u64>>,
    uppers: BTreeMap<u64, Option<bool>>,
}

/// Pairs what `wanted` names with the directories.
pub(crate) fn pair(ask: Ask<'_>, wanted: &[Wanted], copies: &Copies) -> Paired {
    let all: BTreeMap<&[u8], &Wanted> = wanted
        .iter()
        .map(|one| (one.name.as_slice(), one))
        .collect();
    let mut pairing = Pairing {
        ask,
        open: all.clone(),
        all,
        found: Paired {
            free: ask.layout.dirs.keys().copied().collect(),
            ..Paired::default()
        },
        inodes: None,
        origins: BTreeMap::new(),
        uppers: BTreeMap::new(),
    };
    pairing.by_said();
    pairing.by_mount();
    pairing.by_row();
    pairing.by_blob();
    for (name, id) in copies {
        if let Some(one) = pairing.all.get(name.as_slice()).copied()
            && pairing.fits(one, *id)
        {
            pairing.take(name, *id, Proof::Copy);
        }
    }
    pairing.by_exclusion();
    pairing.by_time();
    pairing.found
}

impl<'a> Pairing<'a> {
    fn take(&mut self, name: &[u8], id: u64, proof: Proof) {
        if self.open.contains_key(name) && self.found.free.remove(&id) {
            self.open.remove(name);
            self.found.pairs.insert(name.to_vec(), (id, proof));
        }
    }

    fn id_of(&self, name: &[u8]) -> Option<u64> {
        self.found.pairs.get(name).map(|(id, _)| *id)
    }

    fn by_said(&mut self) {
        let said = self.ask.said;
        let open: Vec<&Wanted> = self.open.values().copied().collect();
        for one in open {
            if let Some(id) = said.get(&(one.namespace.clone(), one.key.clone())) {
                self.take(&one.name, *id, Proof::Said);
            }
        }
    }

    /// A running container's own layer, and those below it.
    fn by_mount(&mut self) {
        for mounted in self.ask.mounted {
            let own = self
                .all
                .values()
                .find(|one| one.namespace == mounted.namespace && one.key == mounted.id);
            let Some(own) = own.copied() else { continue };
            self.take(&own.name, mounted.upper, Proof::Mount);
            let mut one = own;
            for id in &mounted.lower {
                let parent = one
                    .parent
                    .as_deref()
                    .and_then(|parent| self.all.get(parent));
                let Some(parent) = parent.copied() else { break };
                self.take(&parent.name, *id, Proof::Mount);
                one = parent;
            }
        }
    }

    /// Rows that can still be read. Of a damaged database only those that contradict nothing.
    fn by_row(&mut self) {
        let rows = backend_rows(self.ask.snapshotter);
        let mut ids: BTreeMap<u64, usize> = BTreeMap::new();
        for id in rows.iter().filter_map(|row| row.id) {
            let count = ids.entry(id).or_default();
            *count = count.saturating_add(1);
        }
        let is_one = |id: u64| ids.get(&id) == Some(&1);
        let known: BTreeMap<&[u8], u64> = rows
            .iter()
            .filter_map(|row| Some((row.key.bytes(), row.id?)))
            .collect();
        for row in rows {
            let Some(id) = row.id.filter(|id| is_one(*id) && row.kind.is_some()) else {
                continue;
            };
            let name = row.key.bytes();
            match self.all.get(name).copied() {
                Some(one) => {
                    let parent = one.parent.as_deref().and_then(|parent| known.get(parent));
                    if parent.is_none_or(|parent| *parent < id) {
                        self.take(name, id, Proof::Row);
                    }
                }
                None if crate::rows::split_key(name).is_some()
                    // meta.db does not name it (any more): the collector decides.
                    && self.found.free.remove(&id) =>
                {
                    self.found.others.push(row.clone());
                }
                None => {}
            }
        }
    }

    fn chain(&self, one: &Wanted) -> Option<&'a LayerBlob> {
        let chain = Digest::parse_bytes(&one.key).ok()?;
        self.ask.layers.get(&chain)
    }

    /// All layers up to this one, the lowest first; nothing if a blob is not there.
    fn stack(&self, layer: &'a LayerBlob) -> Option<Vec<&'a LayerBlob>> {
        let mut stack = vec![layer];
        let mut top = layer;
        while let Some(below) = &top.below {
            top = self.ask.layers.get(below)?;
            stack.push(top);
            if stack.len() > 256 {
                return None;
            }
        }
        stack.reverse();
        Some(stack)
    }

    /// Layers of images: the directory whose files are those of the blob.
    fn by_blob(&mut self) {
        if self.ask.layout.has_fs() {
            self.by_shape();
        } else {
            self.by_copy();
        }
    }

    fn by_shape(&mut self) {
        let layers: Vec<(&Wanted, &LayerBlob)> = self
            .open
            .values()
            .filter(|one| one.is_layer())
            .filter_map(|one| Some((*one, self.chain(one)?)))
            .collect();
        if layers.is_empty() {
            return;
        }
        let mut dirs: BTreeMap<Shape, Vec<u64>> = BTreeMap::new();
        for id in &self.found.free {
            // A layer of an image is never the upper one of a mount.
            if facts::was_upper(self.ask.evidence, self.ask.layout, *id) == Some(true) {
                continue;
            }
            let files = self.ask.layout.files(*id);
            if let Some(shape) = facts::shape_of_dir(self.ask.evidence, &files) {
                dirs.entry(shape).or_default().push(*id);
            }
        }
        let mut shapes: BTreeMap<&Digest, Option<Shape>> = BTreeMap::new();
        // Parents first: a child's number is higher than its parent's.
        let mut layers = layers;
        layers.sort_by_key(|(one, _)| (self.depth(one), one.created));
        for (one, layer) in layers {
            let shape = *shapes
                .entry(&layer.diff_id)
                .or_insert_with(|| facts::shape_of_blob(self.ask.evidence, layer));
            let parent = one.parent.as_deref().and_then(|parent| self.id_of(parent));
            let candidates: Vec<u64> = shape
                .and_then(|shape| dirs.get(&shape))
                .into_iter()
                .flatten()
                .copied()
                .filter(|id| {
                    self.found.free.contains(id) && parent.is_none_or(|parent| parent < *id)
                })
                .collect();
            // Of several equal ones each is right.
            let equal = candidates.iter().copied().find(|id| {
                facts::is_layer(self.ask.evidence, self.ask.layout, *id, &[layer]) == Some(true)
            });
            if let Some(id) = equal {
                self.take(&one.name, id, Proof::Blob);
            }
        }
    }

    /// A full copy is compared with all layers of its chain: the one that its time points to.
    fn by_copy(&mut self) {
        let likely = self.aligned();
        for (name, id) in likely {
            let Some(one) = self.open.get(name.as_slice()).copied() else {
                continue;
            };
            let stack = self.chain(one).and_then(|layer| self.stack(layer));
            let Some(stack) = stack.filter(|_| one.is_layer()) else {
                continue;
            };
            if facts::is_layer(self.ask.evidence, self.ask.layout, id, &stack) == Some(true) {
                self.take(&name, id, Proof::Blob);
            }
        }
    }

    fn depth(&self, one: &Wanted) -> usize {
        let mut depth = 0_usize;
        let mut parent = one.parent.as_deref();
        while let Some(above) = parent.and_then(|parent| self.all.get(parent)) {
            depth = depth.saturating_add(1);
            if depth > self.all.len() {
                break;
            }
            parent = above.parent.as_deref();
        }
        depth
    }

    fn upper(&mut self, id: u64) -> Option<bool> {
        let ask = self.ask;
        *self
            .uppers
            .entry(id)
            .or_insert_with(|| facts::was_upper(ask.evidence, ask.layout, id))
    }

    fn origins(&mut self, id: u64) -> BTreeSet<u64> {
        let ask = self.ask;
        if !ask.layout.has_fs() {
            return BTreeSet::new();
        }
        if let Some(known) = self.origins.get(&id) {
            return known.clone();
        }
        let inodes = self
            .inodes
            .get_or_insert_with(|| Inodes::read_inodes(ask.evidence, ask.layout));
        let found = inodes.origins(ask.evidence, ask.layout, id);
        self.origins.insert(id, found.clone());
        found
    }

    /// The directories of all that is below a snapshot; nothing if one of them is not known.
    fn lower(&self, one: &Wanted) -> Option<BTreeSet<u64>> {
        let mut found = BTreeSet::new();
        let mut parent = one.parent.as_deref();
        while let Some(name) = parent {
            if !found.insert(self.id_of(name)?) {
                return None;
            }
            parent = self.all.get(name)?.parent.as_deref();
        }
        Some(found)
    }

    /// Whether nothing speaks against a pair.
    fn fits(&mut self, one: &Wanted, id: u64) -> bool {
        let parent = one.parent.as_deref().and_then(|parent| self.id_of(parent));
        if parent.is_some_and(|parent| parent >= id) {
            return false;
        }
        if one.is_layer() && self.upper(id) == Some(true) {
            return false;
        }
        let files = self.ask.layout.files(id);
        if !docker::fits(self.ask.evidence, &files, &one.namespace, &one.key) {
            return false;
        }
        let origins = self.origins(id);
        if origins.is_empty() {
            return true;
        }
        match self.lower(one) {
            Some(lower) => origins.is_subset(&lower),
            None => true,
        }
    }

    /// What can be one thing only, until nothing more is found.
    fn by_exclusion(&mut self) {
        loop {
            let open: Vec<&Wanted> = self.open.values().copied().collect();
            let free: Vec<u64> = self.found.free.iter().copied().collect();
            // Where one side is larger, something may be gone or nobody's: then only what points to
            // the other side is a proof.
            let is_even = open.len() == free.len();
            let mut fits: BTreeMap<&[u8], Vec<u64>> = BTreeMap::new();
            let mut of_dir: BTreeMap<u64, usize> = BTreeMap::new();
            for one in &open {
                for id in &free {
                    if self.fits(one, *id) {
                        fits.entry(one.name.as_slice()).or_default().push(*id);
                        let count = of_dir.entry(*id).or_default();
                        *count = count.saturating_add(1);
                    }
                }
            }
            let mut taken = Vec::new();
            for one in &open {
                let Some([id]) = fits.get(one.name.as_slice()).map(Vec::as_slice) else {
                    continue;
                };
                if of_dir.get(id) != Some(&1) {
                    continue;
                }
                let has_origin = !self.origins(*id).is_empty() && self.lower(one).is_some();
                if has_origin && self.is_one_of_its_kind(one) {
                    taken.push((one.name.clone(), *id, Proof::Origin));
                } else if is_even {
                    taken.push((one.name.clone(), *id, Proof::Only));
                }
            }
            if taken.is_empty() {
                return;
            }
            for (name, id, proof) in taken {
                self.take(&name, id, proof);
            }
        }
    }

    /// Whether no other snapshot stands on the same one: origins name the layers below, and
    /// brothers have the same.
    fn is_one_of_its_kind(&self, one: &Wanted) -> bool {
        let brothers = self.all.values().filter(|other| other.parent == one.parent);
        brothers.count() == 1
    }

    /// What is left in the order of times, as likely.
    fn by_time(&mut self) {
        for (name, id) in self.aligned() {
            self.take(&name, id, Proof::Time);
        }
    }

    /// The free directory whose time is nearest to that of each open snapshot, where it fits, is near
    /// enough, and is nearest to no other.
    fn aligned(&mut self) -> Vec<(Vec<u8>, u64)> {
        let open: Vec<&Wanted> = self.open.values().copied().collect();
        let free: Vec<u64> = self.found.free.iter().copied().collect();
        let mut near: Vec<(i128, Vec<u8>, u64)> = Vec::new();
        for one in open {
            let Some(made) = one.created else { continue };
            for id in &free {
                let Some(dir) = self.ask.layout.dirs.get(id) else {
                    continue;
                };
                let apart = nanos(made)
                    .saturating_sub(nanos(dir.stat.mtime))
                    .saturating_abs();
                if apart <= NEAR && self.fits(one, *id) {
                    near.push((apart, one.name.clone(), *id));
                }
            }
        }
        near.sort();
        let (mut names, mut ids) = (BTreeSet::new(), BTreeSet::new());
        let mut found = Vec::new();
        for (_, name, id) in near {
            if !names.contains(&name) && ids.insert(id) {
                names.insert(name.clone());
                found.push((name, id));
            }
        }
        found
    }
}

pub(super) fn nanos(time: finding::Time) -> i128 {
    i128::from(time.seconds)
        .saturating_mul(1_000_000_000)
        .saturating_add(i128::from(time.nanos))
}
