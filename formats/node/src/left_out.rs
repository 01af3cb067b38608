//! Stores of which a copy holds nothing: they were not taken, or have disks of their own.
//!
//! `tar --exclude=…/snapshots` and `tar --one-file-system` leave an empty folder, or none. Where a
//! database names many things of a store and a copy has not one, that says nothing of the node; on the
//! machine itself they are lost.

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use content::Store;
use evidence::{Evidence, Kind};
use finding::{Known, Text, Unknown, Unread};
use metadb::MetaDb;
use runc::{CRI, Runtime};

use crate::config::clean;
use crate::network::has_programs;
use crate::{DatabaseState, Snapshotter, path_text};

/// From how many on it is no chance that none is there.
const MANY: usize = 3;

/// Whether the evidence may be without things that the node has: an archive, or a folder that is
/// neither a machine's root nor that of its disk.
pub(crate) fn is_part(evidence: &Evidence) -> bool {
    match evidence.kind() {
        // Made of a machine, our own bundle says what was not there; made of a copy, what that lacked.
        Kind::Bundle => !evidence.keeps_sockets() || !has_programs(evidence),
        Kind::Tar => true,
        Kind::Directory => evidence.is_copied() || !has_programs(evidence),
    }
}

/// No kernel follows more links.
const MOST_LINKS: usize = 40;

/// Whether a copy is without the part of the machine that holds a path, or to which links on it lead: the
/// folder below the root (`/opt`, `/nix`, `/mnt`), or the one below /usr or /var.
pub(crate) fn is_unseen(evidence: &Evidence, path: &Path) -> bool {
    let is_absent = |at: &PathBuf| {
        let is_deep = at.starts_with("/usr") || at.starts_with("/var");
        let top: PathBuf = at.components().take(if is_deep { 3 } else { 2 }).collect();
        matches!(
            evidence.stat(&top),
            Err(Unread::Absent | Unread::NotCollected)
        )
    };
    let places = std::iter::successors(Some(path.to_owned()), |at| followed(evidence, at));
    is_part(evidence) && places.take(MOST_LINKS).any(|at| is_absent(&at))
}

/// Where the first link on a path leads.
fn followed(evidence: &Evidence, path: &Path) -> Option<PathBuf> {
    let above: Vec<&Path> = path.ancestors().collect();
    let mut down = above.into_iter().rev();
    let (place, target) = down.find_map(|place| Some((place, evidence.read_link(place).ok()?)))?;
    let target = place.parent()?.join(OsStr::from_bytes(target.bytes()));
    Some(clean(&target.join(path.strip_prefix(place).ok()?)))
}

/// Whether nothing is known of a store of which so many things are named, and not one is there; `is_bare`
/// where not even its folder is, or that is empty.
const fn is_left_out(named: usize, is_bare: bool) -> bool {
    named >= MANY || is_bare && named > 0
}

fn why(named: usize) -> String {
    format!("0 of {named} are in the evidence: not taken, or a mount point that was left out")
}

/// The content store, as one of which nothing is known where none of the blobs of meta.db is there. A folder of blobs that
/// is there was taken, and is empty.
pub(crate) fn content(store: Known<Store>, meta: Option<&MetaDb>) -> Known<Store> {
    let spaces = meta.map_or(&[][..], MetaDb::namespaces).iter();
    let rows = spaces.flat_map(|space| space.blobs.read().into_iter().flatten());
    let named = rows.map(|row| &row.key).collect::<BTreeSet<&Text>>().len();
    match store {
        Known::Whole(store) if !store.has_folder && is_left_out(named, !store.is_there) => {
            let unknown = Unknown::new("the blobs of meta.db", why(named));
            Known::Partial(store, vec![unknown])
        }
        store => store,
    }
}

/// As [`content`], of the directories of a snapshotter, and of its database with them.
pub(crate) fn snapshotter(
    evidence: &Evidence,
    mut one: Snapshotter,
    meta: Option<&MetaDb>,
) -> Snapshotter {
    // What stands in the place of its folder is told as that.
    let is_taken = evidence.stat(&one.root).is_ok_and(|stat| !stat.is_dir());
    let is_taken = is_taken && !is_unseen(evidence, &one.root);
    let is_own = !one.is_proxy && one.elsewhere.is_none() && !is_taken;
    let is_absent = matches!(one.db.state, DatabaseState::Unread(Unread::Absent));
    let is_empty = one.layout.read().is_none_or(|layout| {
        let is_seen = layout.is_understood() || is_absent && layout.beside.is_empty();
        layout.dirs.is_empty() && is_seen
    });
    let named = match &one.db.rows {
        Some(rows) => rows.snapshots().len(),
        None if is_absent => named_by(meta, &one.name),
        None => 0,
    };
    if !is_own || !is_empty || !is_left_out(named, is_absent) {
        return one;
    }
    if is_absent {
        one.db.state = DatabaseState::Unread(Unread::NotCollected);
    }
    let folder = path_text(&one.root.join("snapshots"));
    let unknown = Unknown::new(format!("the directories in {folder}"), why(named));
    one.layout = match one.layout {
        Known::Whole(layout) => Known::Partial(layout, vec![unknown]),
        layout => layout,
    };
    one
}

/// How many snapshots meta.db has of a snapshotter.
fn named_by(meta: Option<&MetaDb>, name: &Text) -> usize {
    let spaces = meta.map_or(&[][..], MetaDb::namespaces).iter();
    let all = spaces.flat_map(|space| space.snapshots.read().into_iter().flatten());
    let own = all.filter(|of| of.snapshotter == *name);
    own.map(|of| of.rows.read().map_or(0, Vec::len)).sum()
}

/// As [`content`], of the CRI's folders of containers and of pods; what is not known of them.
pub(crate) fn cri(runtime: &mut Runtime, root: &Path, meta: Option<&MetaDb>) -> Vec<Unknown> {
    let named = |kind: &str| {
        let spaces = meta.map_or(&[][..], MetaDb::namespaces).iter();
        let rows = spaces.flat_map(|space| space.containers.read().into_iter().flatten());
        rows.filter(|row| row.cri_kind() == Some(kind)).count()
    };
    let mut unknown = Vec::new();
    if !runtime.whole.cri {
        return unknown;
    }
    let is_bare = !runtime.has_cri_dir && runtime.sandbox_dirs.is_empty();
    let (containers, pods) = (named("container"), named("sandbox"));
    if runtime.cri.is_empty() && is_left_out(containers, is_bare) {
        runtime.whole.cri = false;
        unknown.push(Unknown::new(
            "the CRI's folders of containers",
            why(containers),
        ));
    }
    if runtime.sandbox_dirs.is_empty() && is_left_out(pods, is_bare) {
        runtime.places.forget(&root.join(CRI));
        unknown.push(Unknown::new("the CRI's folders of pods", why(pods)));
    }
    unknown
}
