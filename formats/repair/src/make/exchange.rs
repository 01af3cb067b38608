//! Databases that stand in the place of others: each goes to its own place, as it is.

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt as _;
use std::path::PathBuf;
use std::sync::Arc;

use evidence::{Change, Evidence, FileKind};
use finding::{Text, Unread};
use metadb::MetaDb;
use node::{Database, DatabaseState, Headers, Misplaced, Stranger, path_text};

use super::start::LIMIT_HINT;
use super::{LIMIT, Making, Refused};
use crate::plan::{Input, Step};

/// How many files beside meta.db are looked at.
const MOST: usize = 100;

/// The snapshots that a meta.db names, with their snapshotters.
fn named_by(rows: &MetaDb) -> BTreeSet<(Text, Text)> {
    let namespaces = rows.namespaces().iter();
    let all = namespaces.flat_map(|namespace| namespace.snapshots.read().into_iter().flatten());
    all.flat_map(|of| {
        let rows = of.rows.read().into_iter().flatten();
        rows.map(|row| (of.snapshotter.clone(), row.value.name.clone()))
    })
    .collect()
}

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
        let is_gone = matches!(&self.node.meta.state, DatabaseState::Empty)
            || matches!(&self.node.meta.state, DatabaseState::Unread(why) if why.is_absent());
        let is_there = found.iter().any(|one| one.place == self.meta);
        if (is_gone || is_stranger)
            && !is_there
            && let Some((path, bytes)) = self.renamed(evidence)
        {
            self.plan.wrong.push(format!(
                "{} is the meta.db of this node under another name: its records are taken, and completed from the other \
                 stores",
                path_text(&path)
            ));
            self.plan.inputs.push(Input {
                path: path_text(&path).to_string(),
                sha256: Some(super::sha256(&bytes)),
            });
            evidence.stage(&self.meta, Change::File(Arc::new(bytes.clone())));
            self.node = self.reopened(evidence);
            self.is_renamed = true;
            return Ok(Some(bytes));
        }
        if found.is_empty() {
            // Records of another root, or of a snapshotter, are none of this meta.db.
            return Ok(old.filter(|_| !is_stranger));
        }
        let mut files = Vec::new();
        for Misplaced { place, found } in &found {
            let source = evidence.source(found, LIMIT).map_err(|why| {
                Refused::new(
                    format!("{} cannot be read: {why}", path_text(found)),
                    LIMIT_HINT,
                )
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

    /// A meta.db beside its place under another name (`meta.db.bak`), as people leave it before they start containerd
    /// again. It is this node's, and of now, if it names just the snapshots that every metadata.db has; of several, the
    /// one with the newest transaction.
    fn renamed(&self, evidence: &Evidence) -> Option<(PathBuf, Vec<u8>)> {
        let mut there = BTreeSet::new();
        for one in self.node.snapshotters.iter().filter(|one| !one.is_proxy) {
            match &one.db.rows {
                Some(rows) if !one.db.is_damaged() => {
                    let rows = rows.snapshots.whole()?.iter();
                    there.extend(rows.map(|row| (one.name.clone(), row.key.clone())));
                }
                _ if one.layout.whole()?.dirs.is_empty() => {}
                _ => return None,
            }
        }
        let folder = self.meta.parent()?;
        let list = evidence.list(folder);
        let entries = list.read()?.iter();
        let files =
            entries.filter(|entry| entry.stat.kind == FileKind::File && entry.name != "meta.db");
        let mut newest: Option<(u64, PathBuf, Vec<u8>)> = None;
        for entry in files.take(MOST) {
            let path = folder.join(OsStr::from_bytes(entry.name.bytes()));
            let Ok(source) = evidence.source(&path, LIMIT) else {
                continue;
            };
            let db = Database::meta_of(source.bytes(), &path, Headers::Exact);
            let Some(rows) = db.rows.as_ref().filter(|_| !db.is_damaged()) else {
                continue;
            };
            let txid = db.facts.map_or(0, |facts| facts.txid);
            let is_whole = rows.namespaces.is_whole() && rows.troubles.is_empty();
            let is_newest = newest.as_ref().is_none_or(|(other, ..)| txid > *other);
            if is_whole && is_newest && !there.is_empty() && named_by(rows) == there {
                newest = Some((txid, path, source.bytes().to_vec()));
            }
        }
        newest.map(|(_, path, bytes)| (path, bytes))
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
        let paths: Vec<_> = self
            .node
            .snapshotters
            .iter()
            .filter_map(of_snapshotter)
            .collect();
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
