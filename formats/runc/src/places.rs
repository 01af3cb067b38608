//! What stands where the CRI plugin and its shims keep files of pods and containers.
//!
//! ```text
//! <state>/io.containerd.grpc.v1.cri/containers/<id>/io/<n>/<id>-stdout    p  a container's output
//! <state>/io.containerd.grpc.v1.cri/containers/<id>/io/<n>/<id>-stderr    p  none with a terminal
//! <state>/io.containerd.grpc.v1.cri/sandboxes/<id>/shm                    d  a tmpfs: /dev/shm of the pod
//! <root>/io.containerd.grpc.v1.cri/sandboxes/<id>/{hostname,hosts,resolv.conf}
//! <state>/io.containerd.runtime.v2.task/<namespace>/<id>/…                   bundles
//! ```
//!
//! Names and kinds only: nothing here is opened but folders.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use evidence::{Evidence, FileKind};
use finding::Unknown;

use crate::folder::{Folder, Gaps, path_text};
use crate::read::{CRI, TASKS};

/// What is known of one place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Seen {
    /// Something of this kind stands there.
    There(FileKind),
    /// Nothing does.
    Absent,
    /// That is not known.
    Unknown,
}

/// Kinds of what stands at each of these places, and which folders are known whole.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Places {
    kinds: BTreeMap<PathBuf, FileKind>,
    listed: BTreeSet<PathBuf>,
}

/// How deep it goes below the CRI's folder: containers, an id, io, a number, the pipes.
const DEPTH: usize = 5;

/// Names that are looked at.
const MOST: usize = 200_000;

impl Places {
    pub(crate) fn read_places(
        evidence: &Evidence,
        root: &Path,
        state: &Path,
        unknown: &mut Vec<Unknown>,
    ) -> Self {
        let mut places = Self::default();
        // An evidence of the bundles alone says nothing of what else stood in state.
        let mut gaps = Gaps::default();
        let top = Folder::list(evidence, state, &mut gaps);
        let others = top.entries.iter().filter(|entry| entry.name != *TASKS);
        if top.whole && others.count() > 1 {
            places.note(&top);
        }
        places.below(evidence, &state.join(CRI), DEPTH, unknown);
        places.below(evidence, &root.join(CRI), 3, unknown);
        // namespace, id, its files
        places.below(evidence, &state.join(TASKS), 2, unknown);
        places
    }

    fn note(&mut self, folder: &Folder) {
        for entry in &folder.entries {
            self.kinds.insert(folder.join(&entry.name), entry.stat.kind);
        }
        if folder.whole {
            self.listed.insert(folder.path.clone());
        }
    }

    /// Lists `top`, and the folders in it, so many levels down.
    fn below(&mut self, evidence: &Evidence, top: &Path, depth: usize, unknown: &mut Vec<Unknown>) {
        let mut todo = vec![(top.to_owned(), depth)];
        while let Some((path, depth)) = todo.pop() {
            if self.kinds.len() > MOST {
                unknown.push(Unknown::new(
                    format!("the rest of what is below {}", path_text(top)),
                    format!("only {MOST} names are looked at"),
                ));
                return;
            }
            let mut gaps = Gaps::default();
            let folder = Folder::list(evidence, &path, &mut gaps);
            if !folder.there {
                continue;
            }
            self.note(&folder);
            let Some(less) = depth.checked_sub(1) else {
                continue;
            };
            let inner = folder.entries.iter();
            let inner = inner.filter(|entry| entry.stat.kind == FileKind::Dir);
            // What a container's root file system or a pod's /dev/shm holds is their own.
            let inner = inner.filter(|entry| entry.name != *"rootfs" && entry.name != *"shm");
            todo.extend(inner.map(|entry| (folder.join(&entry.name), less)));
        }
    }

    /// From now on, nothing follows from what is not seen in `folder`, or below it.
    pub fn forget(&mut self, folder: &Path) {
        self.listed.retain(|path| !path.starts_with(folder));
    }

    /// What stands at `path`.
    pub fn at(&self, path: &Path) -> Seen {
        if let Some(kind) = self.kinds.get(path) {
            return Seen::There(*kind);
        }
        for above in path.ancestors().skip(1) {
            if self.listed.contains(above) {
                return Seen::Absent;
            }
            match self.kinds.get(above) {
                // Nothing stands below what is no folder; where a link leads is not looked at.
                Some(FileKind::Dir | FileKind::Symlink) => return Seen::Unknown,
                Some(_) => return Seen::Absent,
                None => {}
            }
        }
        Seen::Unknown
    }

    /// The names in a folder with their kinds, if it is known whole.
    pub fn within(&self, folder: &Path) -> Option<Vec<(&OsStr, FileKind)>> {
        self.listed.contains(folder).then(|| {
            let below = self.kinds.range(folder.to_path_buf()..);
            let below = below.take_while(|(path, _)| path.starts_with(folder));
            let inside = below.filter(|(path, _)| path.parent() == Some(folder));
            inside
                .filter_map(|(path, kind)| Some((path.file_name()?, *kind)))
                .collect()
        })
    }

    /// The place of `name` in the folder of a container under state, as the CRI has it.
    pub fn of_container(state: &Path, id: &[u8]) -> PathBuf {
        state
            .join(CRI)
            .join("containers")
            .join(OsStr::from_bytes(id))
    }

    /// The folder of a pod under root or state.
    pub fn of_pod(base: &Path, id: &[u8]) -> PathBuf {
        base.join(CRI).join("sandboxes").join(OsStr::from_bytes(id))
    }
}
