//! Databases that stand in the place of others: each goes to its own place, as it is.

use std::sync::Arc;

use evidence::{Change, Evidence};
use finding::Unread;
use node::{DatabaseState, Misplaced, Stranger, path_text};

use super::start::LIMIT_HINT;
use super::{LIMIT, Making, Refused};
use crate::plan::Step;

impl Making<'_> {
    /// Puts each database that is found in another one's place into its own, and goes on with the node as it is then. Gives
    /// the bytes of meta.db; `old` are those that stand in its place.
    pub(super) fn exchange(
        &mut self,
        evidence: &mut Evidence,
        old: Option<Vec<u8>>,
    ) -> Result<Option<Vec<u8>>, Refused> {
        let found = self.node.misplaced();
        self.tell_strangers();
        let is_stranger = matches!(self.node.meta.state, DatabaseState::Other(_));
        if found.is_empty() {
            // Records of another root, or of a snapshotter, are none of this meta.db.
            return Ok(old.filter(|_| !is_stranger));
        }
        let mut files = Vec::new();
        for Misplaced { place, found } in &found {
            let source = evidence.source(found, LIMIT).map_err(|why| {
                Refused::new(format!("{} cannot be read: {why}", path_text(found)), LIMIT_HINT)
            })?;
            files.push((place.clone(), found.clone(), source.bytes().to_vec()));
        }
        for (_, from, _) in &files {
            evidence.stage(from, Change::Gone);
        }
        let mut meta = old.filter(|_| !is_stranger);
        for (place, from, bytes) in files {
            evidence.stage(&place, Change::File(Arc::new(bytes.clone())));
            if place == self.meta {
                meta = Some(bytes.clone());
                self.found_meta = Some(bytes);
            } else {
                let why = format!("the metadata.db that stands at {}", path_text(&from));
                self.put(&place, bytes, 0o600, why);
            }
        }
        self.node = self.reopened(evidence);
        Ok(meta)
    }

    /// Sets aside what still stands in the place of a metadata.db that nothing replaces.
    pub(super) fn strangers(&mut self, misplaced: &[Misplaced]) {
        let of_snapshotter = |one: &node::Snapshotter| {
            let path = one.root.join("metadata.db");
            let is_other = matches!(one.db.state, DatabaseState::Other(_)) && one.layout.is_whole();
            let is_moved = one.db.state == DatabaseState::Unread(Unread::Absent)
                && misplaced.iter().any(|moved| moved.found == path);
            (!one.is_proxy && (is_other || is_moved)).then_some(path)
        };
        let paths: Vec<_> = self.node.snapshotters.iter().filter_map(of_snapshotter).collect();
        for path in paths {
            self.step(&path, Step::remove("", "it is another database"));
        }
    }

    /// What stands in the place of another database, as sentences.
    fn tell_strangers(&mut self) {
        let mut all = vec![(&self.node.meta.path, &self.node.meta.state)];
        let backends = self.node.snapshotters.iter();
        all.extend(backends.map(|one| (&one.db.path, &one.db.state)));
        for (path, state) in all {
            let DatabaseState::Other(stranger) = state else {
                continue;
            };
            let costs = match stranger {
                Stranger::Backend(_) | Stranger::Both if *path == self.node.meta.path => {
                    ": a start would treat this node as a new one, and delete every layer later"
                }
                _ => "",
            };
            self.plan.wrong.push(format!("{path}: {stranger}{costs}"));
        }
    }
}
