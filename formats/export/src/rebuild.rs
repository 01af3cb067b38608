//! A layer whose blob is gone, out of the snapshot that it was unpacked to.

use std::io::{self, Write};
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};

use content::Digest;
use evidence::Evidence;
use finding::Text;
use metadb::{Backend, BackendSnapshot, Kind, Row};
use node::{Node, Snapshotter};
use snapshots::{Archive, Lone, Merged, Prefix, Step, change_steps, tree_steps};

/// A committed snapshot that holds a layer.
#[derive(Debug, Clone)]
pub struct Source {
    /// Its snapshotter.
    pub snapshotter: Text,
    /// Its key in metadata.db.
    pub key: Text,
    /// The number of its directory.
    pub id: u64,
    files: PathBuf,
    /// Of a full copy: the files of its parent.
    parent: Option<PathBuf>,
    is_full: bool,
}

/// What became of a layer that was written.
#[derive(Debug, Clone, Default)]
pub struct Written {
    /// Files, directories and links.
    pub entries: u64,
    /// Whiteouts.
    pub deleted: u64,
    /// What is not in it, the first few in words.
    pub lacks: Vec<String>,
    /// How many more.
    pub more_lacks: u64,
    /// Whether it was interrupted.
    pub cut: bool,
}

/// What is missing that is told one by one.
const SHOWN: usize = 8;

/// Every committed snapshot of this chainID, overlayfs' first: its layer is there by itself, of a
/// full copy only the difference to its parent.
pub fn sources(node: &Node, chain: &Digest) -> Vec<Source> {
    let mut found: Vec<Source> = node
        .snapshotters
        .iter()
        .filter_map(|snapshotter| source(snapshotter, chain))
        .collect();
    found.sort_by_key(|source| source.is_full);
    found
}

fn source(snapshotter: &Snapshotter, chain: &Digest) -> Option<Source> {
    let layout = snapshotter.layout.read()?;
    if !layout.rules.has_files() {
        return None;
    }
    let rows = snapshotter
        .db
        .rows
        .as_ref()
        .map_or(&[][..], Backend::snapshots);
    let committed = |row: &&Row<BackendSnapshot>| {
        row.kind == Some(Kind::Committed)
            && metadb::meta_key(&row.key).is_some_and(|(_, key)| key == chain.as_str())
    };
    // Its directory must be there: a row alone holds no bytes.
    let there = |id: &u64| layout.dirs.contains_key(id);
    let row = rows
        .iter()
        .filter(committed)
        .find(|row| row.id.as_ref().is_some_and(there))?;
    let id = row.id?;
    let is_full = !layout.has_fs();
    let parent = match row.parent.as_ref().filter(|_| is_full) {
        Some(key) => {
            let by_key = snapshotter.by_key();
            let parent = by_key.get(key)?.id.filter(there)?;
            Some(layout.files(parent))
        }
        None => None,
    };
    Some(Source {
        snapshotter: snapshotter.name.clone(),
        key: row.key.clone(),
        id,
        files: layout.files(id),
        parent,
        is_full,
    })
}

impl Source {
    /// Writes the layer as a tar: the same bytes each time, as long as the evidence is the same.
    ///
    /// # Errors
    /// Of the writer.
    pub fn write<W: Write>(
        &self,
        evidence: &Evidence,
        to: W,
        cancel: &AtomicBool,
    ) -> io::Result<(Written, W)> {
        if !self.is_full {
            let lone = Lone::new(evidence, &self.files, Prefix::Trusted);
            return write(evidence, lone.tree(), lone.steps(), to, cancel);
        }
        let after = Merged::plain(evidence, self.files.clone());
        match &self.parent {
            Some(parent) => {
                let before = Merged::plain(evidence, parent.clone());
                write(evidence, &after, change_steps(&before, &after), to, cancel)
            }
            None => write(evidence, &after, tree_steps(&after), to, cancel),
        }
    }
}

fn write<W: Write>(
    evidence: &Evidence,
    tree: &Merged<'_>,
    steps: impl Iterator<Item = Step>,
    to: W,
    cancel: &AtomicBool,
) -> io::Result<(Written, W)> {
    let mut archive = Archive::new(evidence, to);
    let mut written = Written::default();
    for step in steps {
        if cancel.load(Ordering::Relaxed) {
            written.cut = true;
            break;
        }
        match step {
            Step::Put(path, entry) => {
                let put = archive.put(tree, &path, &entry)?;
                written.entries = written.entries.saturating_add(u64::from(!put.left_out));
                for why in put.lacks {
                    written.lack(format!("{}: {why}", node::path_text(&path)));
                }
            }
            Step::Delete(path) => {
                archive.whiteout(&path)?;
                written.deleted = written.deleted.saturating_add(1);
            }
            Step::Opaque(path) => archive.opaque(&path)?,
            Step::Lost(what) => written.lack(what),
        }
    }
    let to = archive.finish()?;
    Ok((written, to))
}

impl Written {
    fn lack(&mut self, what: String) {
        if self.lacks.len() < SHOWN {
            self.lacks.push(what);
        } else {
            self.more_lacks = self.more_lacks.saturating_add(1);
        }
    }
}
