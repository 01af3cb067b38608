//! Stores that stand where no distribution keeps them: found by looking.
//!
//! ```text
//! [root]/var/lib/containerd              UAC
//! uploads/auto/var/lib/containerd        Velociraptor, names with %XX
//! fs/$rootfs$/var/lib/containerd         Dissect's acquire
//! host/var/lib/containerd                a tar of a mount
//! case-7/node-a/var/lib/containerd       whoever copies
//! ```

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use evidence::{Evidence, FileKind};

use crate::discover::{META_DIR, above, above_state};

/// How deep the scan looks, and at how many folders.
const DEPTH: usize = 12;
const FOLDERS: usize = 20_000;

/// Folders of whole trees that cannot hold a node, or hold too much to look at.
const NOT_SCANNED: &[&[u8]] = &[
    b"proc", b"sys", b"dev", b"usr", b"lib", b"lib64", b"bin", b"sbin",
];

/// Folders that hold too much, wherever they are.
const NOWHERE: &[&[u8]] = &[b"snapshots", b"blobs"];

/// Whether a folder is named as one of containerd's plugins.
fn is_plugin(name: &[u8]) -> bool {
    name.starts_with(b"io.containerd.")
}

/// Folders that are containerd's roots, wherever they are.
pub(crate) fn scan(evidence: &Evidence) -> Vec<PathBuf> {
    look(evidence).roots
}

/// Folders of containerd's.
#[derive(Debug, Default)]
struct Found {
    roots: Vec<PathBuf>,
    states: Vec<PathBuf>,
}

/// Looks breadth first, bounded.
fn look(evidence: &Evidence) -> Found {
    let mut found = Found::default();
    let mut level = vec![PathBuf::from("/")];
    let mut looked = 0_usize;
    for _ in 0..DEPTH {
        let mut next = Vec::new();
        for folder in &level {
            looked = looked.saturating_add(1);
            if looked > FOLDERS {
                evidence.leave_out(
                    "whether there are more roots of containerd",
                    format!("only {FOLDERS} folders are searched"),
                );
                return found;
            }
            let list = evidence.list(folder);
            let folders = list.read().into_iter().flatten();
            let folders = folders.filter(|entry| entry.stat.kind == FileKind::Dir);
            let names: Vec<&[u8]> = folders.map(|entry| entry.name.bytes()).collect();
            // Where a meta.db is lost, the place tells as much.
            let has_plugins = names.iter().any(|name| is_plugin(name));
            let is_state = above_state(folder).is_some();
            if names.contains(&META_DIR.as_bytes()) || has_plugins && above(folder).is_some() {
                found.roots.push(folder.clone());
            } else if has_plugins && is_state {
                found.states.push(folder.clone());
            }
            // The top of a file system.
            let is_top = names.contains(&&b"var"[..]) || names.contains(&&b"etc"[..]);
            for name in names {
                let skipped = NOWHERE.contains(&name)
                    || is_plugin(name)
                    || is_top && NOT_SCANNED.contains(&name);
                if !skipped {
                    next.push(folder.join(OsStr::from_bytes(name)));
                }
            }
        }
        level = next;
    }
    found
}

/// A folder inside the evidence below which a node's file system lies.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Below {
    /// The folder.
    pub folder: PathBuf,
    /// Whether its collector writes names with `%XX`.
    pub decode: bool,
}

impl Below {
    fn new(folder: PathBuf) -> Self {
        // uploads/<accessor>/…, as Velociraptor lays out what it takes.
        let parts: Vec<&[u8]> = folder.iter().map(OsStr::as_bytes).collect();
        let decode = parts.contains(&&b"uploads"[..]);
        Self { folder, decode }
    }
}

/// The folders of the evidence below which nodes lie as they did on their machines; nothing where
/// one lies at its top.
pub fn below(evidence: &Evidence) -> Vec<Below> {
    let mut found: Vec<Below> = Vec::new();
    let all = look(evidence);
    let roots = all.roots.iter().filter_map(|root| above(root));
    let states = all.states.iter().filter_map(|state| above_state(state));
    for (folder, _) in roots.chain(states) {
        let is_new = found.iter().all(|below| below.folder != folder);
        if folder != Path::new("/") && is_new {
            found.push(Below::new(folder));
        }
    }
    found
}

/// The folder below which a root lies that was named: of `/a/var/lib/containerd` it is `/a`, and the
/// root `/var/lib/containerd` there; any other is a copy of a root alone.
pub fn below_of(root: &Path) -> (Below, PathBuf) {
    above(root).map_or_else(
        || (Below::new(root.to_owned()), PathBuf::from("/")),
        |(folder, root)| (Below::new(folder), root),
    )
}
