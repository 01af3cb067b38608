//! What a plan begins with: the old meta.db, what can be saved of it, and what forbids any plan.

use std::collections::BTreeSet;

use bolt::{Db, Layout};
use daemon::Release;
use evidence::Evidence;
use finding::{Text, Unread};
use node::{DatabaseState, Stranger, path_text};
use snapshots::Rules;
use view::View;

use super::told::Gap;
use super::{LIMIT, Making, NEWEST_SCHEMA, Refused};
use crate::plan::Input;
use crate::rows::{backend_rows, namespaces, split_key};
use crate::{Relics, Tree};

/// What helps where a file cannot be read.
pub(super) const LIMIT_HINT: &str = "run it as root, on a disk without errors";

impl Making<'_> {
    /// What makes every plan for this node a danger.
    pub(super) fn refuse(&self) -> Result<(), Refused> {
        if self.request.donors.is_empty()
            && let Some(why) = checks::wrong_root(&self.node)
        {
            return Err(Refused::new(
                why,
                "mount its disk first; if nothing of it is left, name another store with --from",
            ));
        }
        let meta = self.node.meta.rows.as_ref();
        if let Some(version) = meta
            .and_then(|meta| meta.version)
            .filter(|version| *version > NEWEST_SCHEMA)
        {
            return Err(Refused::new(
                format!(
                    "meta.db has schema version {version}, and coroner knows up to {NEWEST_SCHEMA}"
                ),
                "use a coroner that knows this release of containerd",
            ));
        }
        if self.node.meta.state == DatabaseState::Other(Stranger::Both) {
            return Err(Refused::new(
                format!("{}: {}", self.node.meta.path, Stranger::Both),
                "a daemon ran after databases were exchanged or copied: put a copy of each back (`coroner repair backup` \
                 keeps them), or keep a copy of the node (`coroner collect`) and ask for help",
            ));
        }
        if let DatabaseState::Unread(why) = &self.node.meta.state
            && !matches!(why, Unread::Absent | Unread::Special("directory"))
        {
            let hint = match why {
                Unread::Special(what) if what.contains("mount") => {
                    "copy the node to a disk of this machine, and plan there"
                }
                _ => "run it as root, on a disk without errors",
            };
            return Err(Refused::new(format!("meta.db cannot be read: {why}"), hint));
        }
        Ok(())
    }

    /// What a rebuilt meta.db would be blind to: a snapshotter whose rows are not all known loses
    /// every snapshot that no record names.
    pub(super) fn refuse_blind(&self, tree: &Tree, relics: &Relics) -> Result<(), Refused> {
        let named = named_snapshotters(tree, relics);
        let config = self.request.roots.config.as_ref();
        let proxies = config.into_iter().flat_map(|config| &config.proxies);
        let known = |name: &[u8]| {
            let mut all = self.node.snapshotters.iter();
            all.any(|one| one.name.bytes() == name)
        };
        let mut unseen: BTreeSet<Vec<u8>> =
            named.iter().filter(|name| !known(name)).cloned().collect();
        unseen.extend(
            proxies
                .filter(|name| !known(name.as_bytes()))
                .map(|name| name.clone().into_bytes()),
        );
        if let Some(name) = unseen.first() {
            return Err(Refused::new(
                format!(
                    "meta.db would be rebuilt, and the store of the snapshotter {} was not found: \
                     its first clean-up would delete every snapshot that has no record",
                    Text::from(name.as_slice())
                ),
                "mount its disk, or say where the store is in config.toml",
            ));
        }
        for snapshotter in &self.node.snapshotters {
            let rows = snapshotter.db.rows.as_ref();
            let whole = match &snapshotter.db.state {
                DatabaseState::Open => {
                    rows.is_some_and(|rows| rows.snapshots.is_whole())
                        && !snapshotter.db.is_damaged()
                }
                DatabaseState::Empty | DatabaseState::Unread(Unread::Absent) => {
                    let layout = snapshotter.layout.whole();
                    let is_empty = layout
                        .is_some_and(|layout| layout.dirs.is_empty() && layout.unread.is_none());
                    is_empty && !named.contains(snapshotter.name.bytes())
                }
                DatabaseState::Broken
                | DatabaseState::Stale
                | DatabaseState::Other(_)
                | DatabaseState::Unread(_) => false,
            };
            if !whole {
                return Err(Refused::new(
                    format!(
                        "meta.db would be rebuilt, and the store of the snapshotter {} at {} could not be read whole: \
                         its first clean-up would delete every snapshot that has no record",
                        snapshotter.name,
                        path_text(&snapshotter.root)
                    ),
                    "mount its disk, or repair its metadata.db first",
                ));
            }
        }
        let Some(store) = self.node.content.whole() else {
            return Err(Refused::new(
                "meta.db would be rebuilt, and the content store could not be read whole",
                "run it as root, on a disk without errors",
            ));
        };
        let mut layouts = self.node.snapshotters.iter();
        let has_layers = layouts.any(|one| {
            let layout = one.layout.read();
            layout.is_some_and(|layout| !layout.dirs.is_empty())
        });
        if store.blobs.is_empty() && has_layers && self.request.donors.is_empty() {
            return Err(Refused::new(
                format!(
                    "meta.db would be rebuilt, and the content store {} holds no blob, although there \
                     are layers: a collection would delete every blob that has no record, once its \
                     disk is mounted",
                    path_text(&self.node.content_root())
                ),
                "mount the disk of the content store, or name another store with --from",
            ));
        }
        Ok(())
    }

    pub(super) fn old_bytes(&mut self, evidence: &Evidence) -> Result<Option<Vec<u8>>, Refused> {
        let mut inputs = vec![self.meta.clone()];
        inputs.extend(
            self.node
                .snapshotters
                .iter()
                .map(|one| one.root.join("metadata.db")),
        );
        let mut old = None;
        for path in inputs {
            let source = match evidence.source(&path, LIMIT) {
                Ok(source) => Some(source),
                Err(Unread::Absent | Unread::Special(_)) => None,
                Err(why) => {
                    return Err(Refused::new(
                        format!("{} cannot be read: {why}", path_text(&path)),
                        "run it as root, on a disk without errors",
                    ));
                }
            };
            if path == self.meta {
                old = source.as_ref().map(|source| source.bytes().to_vec());
            }
            self.plan.inputs.push(Input {
                path: path_text(&path).to_string(),
                sha256: source.map(|source| hex::encode(source.sha256())),
            });
        }
        Ok(old)
    }

    /// The tree to begin with: the old one if nothing is wrong with it, what can be saved of it, or
    /// nothing.
    pub(super) fn start(&mut self, old: Option<&[u8]>) -> (Tree, Layout, bool) {
        // As the daemon that will open it leaves it: its freelist tells which release that was.
        let fresh = Layout {
            freelist: self.release.one() == Some(Release::V1_6),
            txid: 16,
            ..Layout::default()
        };
        let rows = self.node.meta.rows.as_ref();
        let is_known =
            rows.is_some_and(|rows| rows.namespaces.is_whole() && rows.troubles.is_empty());
        let is_read = self.node.meta.state == DatabaseState::Open && !self.node.meta.is_damaged();
        if matches!(self.node.meta.state, DatabaseState::Other(_)) {
            // That it is another database is told.
            self.is_new = true;
            return (Tree::default(), fresh, false);
        }
        let Some(old) = old.filter(|old| !old.is_empty()) else {
            let what = match &self.node.meta.state {
                DatabaseState::Empty => "meta.db is empty",
                DatabaseState::Unread(Unread::Special(_)) => "meta.db is no file",
                _ => "meta.db is missing",
            };
            self.plan.wrong.push(format!(
                "{what}: a start would treat this node as a new one, and delete every layer later"
            ));
            self.is_new = true;
            return (Tree::default(), fresh, false);
        };
        if is_read && let Some(db) = Db::open(View::new(old)).db {
            let (tree, whole) = Tree::read_tree(&db);
            let layout = Layout {
                page_size: db.page_size(),
                freelist: db.meta().is_freelist_synced(),
                txid: db.meta().txid.saturating_add(1),
                sequence: db.meta().sequence,
            };
            if whole && (is_known || rows.is_some_and(|rows| rows.namespaces.is_whole())) {
                return (tree, layout, true);
            }
        }
        self.plan.wrong.push("meta.db is damaged".to_owned());
        if let Some((tree, layout, gaps)) = saved(old) {
            self.gaps = gaps;
            (tree, layout, false)
        } else {
            self.is_new = true;
            (Tree::default(), fresh, false)
        }
    }

    /// Rows of metadata.db whose number meta.db has not yet given: an older copy of it was put in
    /// place. One is what a crash between the two commits leaves.
    pub(super) fn stale(&self, tree: &Tree) -> Option<String> {
        let mut found = Vec::new();
        for snapshotter in &self.node.snapshotters {
            let rows = backend_rows(snapshotter).iter();
            for row in rows {
                let Some((namespace, number, key)) = split_key(row.key.bytes()) else {
                    continue;
                };
                let bucket = tree.at(&[b"v1", namespace, b"snapshots", snapshotter.name.bytes()]);
                let given = bucket.map_or(0, |bucket| bucket.sequence);
                let has = bucket.is_some_and(|bucket| bucket.entries.contains_key(key));
                if number > given && !has {
                    found.push(row.key.clone());
                }
            }
        }
        (found.len() > 1).then(|| {
            format!(
                "meta.db is older than metadata.db: it has no record of {} snapshots that were made since",
                found.len()
            )
        })
    }
}

/// Snapshotters that a meta.db, damaged or not, has snapshots of. Names that no snapshotter has are
/// damaged ones.
fn named_snapshotters(tree: &Tree, relics: &Relics) -> BTreeSet<Vec<u8>> {
    let mut found = relics.snapshotters.clone();
    for (_, space) in namespaces(tree) {
        let all = space.at(&["snapshots"]).into_iter().flat_map(Tree::buckets);
        let used = all.filter(|(_, keys)| keys.buckets().next().is_some());
        found.extend(used.map(|(name, _)| name.to_vec()));
    }
    found.retain(|name| {
        Rules::for_snapshotter(&Text::from(name.as_slice()).to_string()) != Rules::Unknown
    });
    found
}

/// What can be saved of a damaged database, and what of it is lost.
fn saved(old: &[u8]) -> Option<(Tree, Layout, Vec<Gap>)> {
    let salvaged = crate::relics::salvaged(old)?;
    salvaged.tree.at(&["v1"])?;
    let gaps = salvaged.gaps.into_iter();
    let gaps = gaps.map(|(path, fault, filled)| Gap {
        path,
        fault,
        filled,
    });
    Some((salvaged.tree, salvaged.layout, gaps.collect()))
}
