//! Files in the directories of containers: what they changed of their images, and when.

use std::io;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use evidence::FileKind;
use finding::{Text, Unknown};
use measure::{Step, Walk, WalkLimits};
use metadb::Kind;
use node::path_text;
use snapshots::is_whiteout_device;

use crate::gather::Gather;
use crate::owners::Owner;
use crate::owners::Owners;
use crate::subject::{Store, Subject};

/// A directory of a snapshotter that is walked.
struct Tree {
    snapshotter: Text,
    id: u64,
    root: PathBuf,
    owner: Option<Owner>,
    /// What it is, if no container's.
    more: &'static str,
}

/// No node has more files than this; an evil one stops here.
const MOST: u64 = 100_000_000;

impl Gather<'_> {
    pub(crate) fn files(&mut self, owners: &Owners, layers: bool) -> io::Result<()> {
        for tree in self.trees(owners, layers) {
            let namespace = tree
                .owner
                .as_ref()
                .and_then(|owner| owner.namespace.as_ref());
            let container = tree.owner.as_ref().map(|owner| &owner.container);
            if !self.wanted.may_container(namespace, container) {
                continue;
            }
            self.tree(&tree)?;
            if self.is_cancelled() {
                break;
            }
        }
        Ok(())
    }

    /// The directories of active snapshots, of deleted ones that still lie there, and with
    /// `layers` of all others.
    fn trees(&mut self, owners: &Owners, layers: bool) -> Vec<Tree> {
        let mut trees = Vec::new();
        let node = self.node;
        for snapshotter in &node.snapshotters {
            self.unknown
                .extend(snapshotter.layout.unknown().iter().cloned());
            let Some(layout) = snapshotter.layout.read() else {
                continue;
            };
            if !layout.rules.has_files() {
                if let Some(elsewhere) = layout.unread.filter(|_| !layout.dirs.is_empty()) {
                    let what = format!("times of files of {}", snapshotter.name);
                    self.unknown.push(Unknown::new(what, elsewhere));
                }
                continue;
            }
            let rows = snapshotter.db.rows.as_ref();
            let are_all_known = rows.is_some_and(|rows| rows.snapshots.is_whole());
            let rows = rows.map_or(&[][..], |rows| rows.snapshots());
            let kinds: std::collections::BTreeMap<u64, Option<Kind>> = rows
                .iter()
                .filter_map(|row| Some((row.id?, row.kind)))
                .collect();
            for id in layout.dirs.keys().copied() {
                let more = match kinds.get(&id) {
                    Some(Some(Kind::Committed)) if layers => "committed layer",
                    Some(Some(Kind::View)) if layers => "view",
                    Some(Some(Kind::Committed | Kind::View)) => continue,
                    Some(_) => "active snapshot",
                    None if are_all_known => "a directory without a row",
                    None => "a directory of which the snapshot is not known",
                };
                trees.push(Tree {
                    snapshotter: snapshotter.name.clone(),
                    id,
                    root: layout.files(id),
                    owner: owners.of_directory(&snapshotter.name, id).cloned(),
                    more,
                });
            }
        }
        trees
    }

    fn tree(&mut self, tree: &Tree) -> io::Result<()> {
        let limits = WalkLimits {
            entries: MOST,
            ..WalkLimits::default()
        };
        let mut count = 0_u64;
        for step in Walk::new(self.evidence, &tree.root, limits) {
            let (path, stat) = match step {
                Step::Entry { path, stat, .. } => (path, stat),
                Step::Unknown(unknown) => {
                    self.unknown.push(unknown);
                    continue;
                }
            };
            count = count.saturating_add(1);
            if count.is_multiple_of(256) {
                (self.control.progress)(256);
                if self.is_cancelled() {
                    return Ok(());
                }
            }
            let is_whiteout = is_whiteout_device(&stat) == Some(true);
            let kind = if is_whiteout {
                "whiteout"
            } else {
                stat.kind.word()
            };
            let mut subject = Subject::new(Store::Files, kind, inside(&tree.root, &path));
            subject.stat(&stat);
            if stat.kind == FileKind::Symlink {
                subject.target = self.evidence.read_link(&path).ok();
            }
            subject.snapshotter = Some(tree.snapshotter.clone());
            if let Some(owner) = &tree.owner {
                subject.namespace.clone_from(&owner.namespace);
                subject.container = Some(owner.container.clone());
                subject.image.clone_from(&owner.image);
            }
            let deleted = if is_whiteout { "deleted; " } else { "" };
            subject.more = match &tree.owner {
                Some(owner) if owner.is_gone => format!(
                    "{deleted}the container is deleted; {}/{}",
                    tree.snapshotter, tree.id
                ),
                Some(_) => deleted.trim_end_matches("; ").to_owned(),
                None => format!("{deleted}{}/{}: {}", tree.snapshotter, tree.id, tree.more),
            };
            subject.place = Some(path_text(&path));
            self.give(&subject)?;
        }
        (self.control.progress)(count.rem_euclid(256));
        Ok(())
    }
}

/// A path as the container sees it.
fn inside(root: &Path, path: &Path) -> Text {
    let below = path.strip_prefix(root).unwrap_or(path);
    Text::from([b"/", below.as_os_str().as_bytes()].concat())
}
