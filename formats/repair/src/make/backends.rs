//! The snapshotters' metadata.db, made anew where it is missing, damaged, or not what meta.db says.

use std::collections::{BTreeMap, BTreeSet};

use bolt::Layout;
use evidence::{Change, Evidence};
use finding::Text;
use node::{DatabaseState, Snapshotter, path_text};
use snapshots::Rules;

use super::{Making, Refused};
use crate::backend::{self, Ask, Wanted};
use crate::plan::Paired;
use crate::rows::known_namespaces;
use crate::{Copied, Survivors, Tree, docker};

impl Making<'_> {
    /// Adds a step for each metadata.db that is to be made anew, and goes on with the node as it is
    /// then.
    pub(super) fn backends(
        &mut self,
        evidence: &mut Evidence,
        tree: &Tree,
        is_whole: bool,
        survivors: &Survivors,
    ) -> Result<(), Refused> {
        let layers = self.layer_blobs(survivors);
        let said = said(&self.request.said)?;
        let docker = docker::containers(evidence, &self.request.roots.root);
        let mut is_changed = false;
        for mut snapshotter in self.node.snapshotters.clone() {
            let is_known = matches!(
                Rules::for_snapshotter(&snapshotter.name.to_string()),
                Rules::Overlay | Rules::Native
            );
            let mut wanted = backend::wanted(tree, snapshotter.name.bytes());
            let flipped = if is_whole && is_known {
                backend::unflip(&mut snapshotter, &wanted)
            } else {
                None
            };
            let Some(layout) = snapshotter
                .layout
                .whole()
                .filter(|_| is_known && !snapshotter.is_proxy)
            else {
                continue;
            };
            let layout = layout.clone();
            let layout = &layout;
            if is_whole
                && flipped.is_none()
                && backend::is_sound(&snapshotter)
                && let Some(why) = backend::strange(&snapshotter, &wanted)
            {
                self.plan.unknown.push(why);
                continue;
            }
            backend::parents::by_rows(&snapshotter, &mut wanted);
            let trouble = || backend::trouble(&snapshotter, layout, &wanted, is_whole);
            let Some(why) = flipped.or_else(trouble) else {
                continue;
            };
            if !is_whole {
                backend::parents::add_rows(&snapshotter, &mut wanted);
            }
            let path = snapshotter.root.join("metadata.db");
            if !matches!(snapshotter.db.state, DatabaseState::Other(_)) {
                self.plan.wrong.push(format!("{}: {why}", path_text(&path)));
            }
            let mounted = backend::mounted(&self.request.mounts, &self.request.roots.state, layout);
            let own = said.get(&snapshotter.name).cloned().unwrap_or_default();
            let ask = Ask {
                evidence,
                snapshotter: &snapshotter,
                layout,
                layers: &layers,
                mounted: &mounted,
                said: &own,
            };
            let known = backend::copied::pairs(ask, &self.request.copies);
            let added = if is_whole {
                BTreeSet::new()
            } else {
                let mut copies = self.request.copies.clone();
                // The newest of all: what dockerd keeps of its containers.
                copies.insert(0, Copied::of_tree(docker::snapshots(&docker, survivors)));
                backend::copied::add(ask, &copies, &known, &mut wanted)
            };
            let mut paired = backend::pair(ask, &wanted, &known);
            let by_time = self.request.by_time;
            let likely = backend::copied::settle(&added, by_time, &mut wanted, &mut paired);
            self.tell_likely(&snapshotter, &likely);
            if !is_whole {
                backend::invent(ask, &mut wanted, &mut paired, &self.namespaces(tree));
            }
            let written = backend::write(ask, &wanted, &paired, by_time, self.request.made_at);
            let bytes = written
                .tree
                .write(self.layout_of(&snapshotter))
                .map_err(|error| {
                    Refused::new(
                        format!("no new metadata.db can be written: {error}"),
                        "report this",
                    )
                })?;
            self.tell_pairs(&snapshotter, &wanted, &paired, &written);
            self.put(
                &path,
                bytes.clone(),
                0o600,
                format!("the new metadata.db of {}", snapshotter.name),
            );
            evidence.stage(&path, Change::File(std::sync::Arc::new(bytes)));
            is_changed = true;
        }
        if is_changed {
            self.node = self.reopened(evidence);
        }
        Ok(())
    }

    #[expect(clippy::unused_self, reason = "a part of the making, as the others")]
    fn layout_of(&self, snapshotter: &Snapshotter) -> Layout {
        let facts = snapshotter.db.facts;
        Layout {
            page_size: facts.map_or(4096, |facts| facts.page_size),
            freelist: true,
            txid: facts.map_or(16, |facts| facts.txid.saturating_add(1)),
            ..Layout::default()
        }
    }

    /// Where to put what nothing places: first where the CRI is.
    fn namespaces(&self, tree: &Tree) -> Vec<Vec<u8>> {
        let mut known: BTreeSet<Vec<u8>> = known_namespaces(&self.node);
        known.extend(crate::rows::namespaces(tree).map(|(name, _)| name.to_vec()));
        if self.request.roots.whose == "docker" {
            known.insert(node::DOCKER_NAMESPACE.into());
        }
        let given = self
            .request
            .names
            .iter()
            .filter_map(|named| named.namespace.clone());
        known.extend(given.map(String::into_bytes));
        let mut first = Vec::new();
        for usual in [&b"k8s.io"[..], b"default"] {
            if known.remove(usual) {
                first.push(usual.to_vec());
            }
        }
        first.extend(known);
        if first.is_empty() {
            first.push(b"default".to_vec());
        }
        // A second copy of a layer belongs to another namespace than the first.
        if first.len() == 1 && first.first().is_some_and(|one| one != b"default") {
            first.push(b"default".to_vec());
        }
        first
    }

    /// Snapshots of a copy whose directories are likely only.
    fn tell_likely(&mut self, snapshotter: &Snapshotter, likely: &[(Wanted, u64)]) {
        let name = &snapshotter.name;
        for (one, id) in likely {
            let namespace = Text::from(one.namespace.as_slice());
            let key = Text::from(one.key.as_slice());
            self.plan.lost.push(format!(
                "the snapshot {namespace}/{key} of {name}: its directory is likely {id}, by its time alone; that is kept under its number. `--by-time` takes it, `--pair {name}/{namespace}/{key}={id}` says it"
            ));
        }
    }

    fn tell_pairs(
        &mut self,
        snapshotter: &Snapshotter,
        wanted: &[Wanted],
        paired: &backend::Paired,
        written: &backend::Written,
    ) {
        let by_time = self.request.by_time;
        let by_name: BTreeMap<&[u8], &Wanted> = wanted
            .iter()
            .map(|one| (one.name.as_slice(), one))
            .collect();
        for (name, (id, proof)) in &paired.pairs {
            if *proof == crate::plan::Proof::Row {
                continue;
            }
            self.plan.paired.push(Paired {
                snapshotter: snapshotter.name.to_string(),
                snapshot: Text::from(name.as_slice()).to_string(),
                directory: *id,
                proof: *proof,
                written: (proof.is_proof() || by_time)
                    && !written.left_out.contains(name)
                    && !written.unpack.contains_key(name),
            });
        }
        for name in &written.left_out {
            let Some(one) = by_name.get(name.as_slice()) else {
                continue;
            };
            let shown = Text::from(name.as_slice());
            let line = match paired.pairs.get(name) {
                Some((id, proof)) if !proof.is_proof() => format!(
                    "the snapshot {shown} of {}: its directory is likely {id}, by its time alone; it is set aside, and kept. `--by-time` takes it, `--pair {}/{}/{}={id}` says it",
                    snapshotter.name,
                    snapshotter.name,
                    Text::from(one.namespace.as_slice()),
                    Text::from(one.key.as_slice()),
                ),
                Some((id, _)) => format!(
                    "the snapshot {shown} of {}: the snapshot that it stands on is not known; its directory {id} is set aside, and kept",
                    snapshotter.name
                ),
                None => format!(
                    "the snapshot {shown} of {}: no directory is its own",
                    snapshotter.name
                ),
            };
            self.plan.lost.push(line);
        }
    }
}

type Said = BTreeMap<Text, BTreeMap<(Vec<u8>, Vec<u8>), u64>>;

/// `SNAPSHOTTER/NAMESPACE/KEY=NUMBER`, as the user said them.
fn said(lines: &[String]) -> Result<Said, Refused> {
    let mut found = Said::new();
    for line in lines {
        let wrong = || {
            Refused::new(
                format!("{line} is no pair"),
                "--pair SNAPSHOTTER/NAMESPACE/KEY=NUMBER",
            )
        };
        let (place, number) = line.rsplit_once('=').ok_or_else(wrong)?;
        let mut parts = place.splitn(3, '/');
        let (Some(snapshotter), Some(namespace), Some(key)) =
            (parts.next(), parts.next(), parts.next())
        else {
            return Err(wrong());
        };
        let number = number.parse().map_err(|_| wrong())?;
        let at = (namespace.as_bytes().to_vec(), key.as_bytes().to_vec());
        found
            .entry(Text::from(snapshotter))
            .or_default()
            .insert(at, number);
    }
    Ok(found)
}
