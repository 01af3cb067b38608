//! What a repair leaves behind, so that an undo knows whether a daemon has run since.

use std::ffi::OsStr;
use std::io;
use std::path::Path;

use nix::sys::stat::{FileStat, SFlag};

use super::{Store, boot_id, meta_db, sites::Sites};
use crate::disk::{Folder, is_kind};
use crate::journal::{Journal, Row, Seen};
use crate::refuse;

/// Where the daemon keeps its tasks, below its state.
const TASKS: &str = "io.containerd.runtime.v2.task";

impl Store {
    /// What will have been there when the last step is done.
    pub(super) fn seen(&self, journal: &Journal, sites: &Sites) -> io::Result<Seen> {
        let mut paths = self.watched()?;
        let own = journal.moves.iter().filter(|step| step.base.is_none());
        paths.extend(own.map(|step| step.path.clone()));
        paths.sort();
        paths.dedup();
        let mut files = Vec::new();
        for path in paths {
            let stat = at(&self.root, &path)?;
            files.push(row(path, stat.as_ref()));
        }
        // It has its place by the last step only. What it holds does not change with it.
        let last = journal
            .moves
            .last()
            .filter(|_| !is_in_effect(journal, sites));
        if let Some(last) = last {
            let stat = sites.quarantine.stat(OsStr::new(&last.slot))?;
            files.retain(|(path, ..)| *path != last.path);
            files.push(row(last.path.clone(), stat.as_ref()));
            files.sort();
        }
        files.extend(self.tasks(&journal.plan.state)?);
        Ok(Seen {
            boot: boot_id()?,
            files,
        })
    }

    /// What a daemon changes.
    fn watched(&self) -> io::Result<Vec<String>> {
        let mut paths: Vec<String> = vec![meta_db()];
        paths.extend(
            refuse::databases(&self.root)?
                .into_iter()
                .map(|(name, _)| name),
        );
        for folder in self.root.names()? {
            if let Some(folder) = folder.to_str()
                && folder.starts_with("io.containerd.snapshotter.v1.")
            {
                paths.push(format!("{folder}/snapshots"));
            }
        }
        paths.extend(
            [
                "io.containerd.content.v1.content/ingest",
                "io.containerd.grpc.v1.cri/containers",
                "io.containerd.grpc.v1.cri/sandboxes",
            ]
            .map(str::to_owned),
        );
        Ok(paths)
    }

    /// The folders of tasks, one a namespace.
    fn tasks(&self, state: &str) -> io::Result<Vec<Row>> {
        let Ok(state) = Folder::inside(&self.node, Path::new(state)) else {
            return Ok(Vec::new());
        };
        let Ok(tasks) = state.below(Path::new(TASKS)) else {
            return Ok(Vec::new());
        };
        let mut found = Vec::new();
        for name in tasks.names()? {
            let stat = tasks.stat(&name)?;
            let path = format!("{TASKS}/{}", name.to_string_lossy());
            found.push(row(path, stat.as_ref()));
        }
        Ok(found)
    }
}

/// What stands at a path; nothing where a part of it is not there, is no folder, or is elsewhere.
fn at(root: &Folder, path: &str) -> io::Result<Option<FileStat>> {
    let path = Path::new(path);
    let Ok(above) = root.below(path.parent().unwrap_or(Path::new(""))) else {
        return Ok(None);
    };
    above.stat(path.file_name().unwrap_or_default())
}

/// A file by when its contents changed last: its own inode changes with its name. A folder by when
/// anything of it changed.
fn row(path: String, stat: Option<&FileStat>) -> Row {
    match stat {
        Some(stat) if is_kind(stat, SFlag::S_IFDIR) => {
            (path, stat.st_ino, 0, stat.st_ctime, stat.st_ctime_nsec)
        }
        Some(stat) => {
            let (seconds, nanos) = (stat.st_mtime, stat.st_mtime_nsec);
            (path, stat.st_ino, stat.st_size, seconds, nanos)
        }
        None => (path, 0, 0, 0, 0),
    }
}

/// Whether every step is done: a daemon that is started now serves what the repair made.
pub(super) fn is_in_effect(journal: &Journal, sites: &Sites) -> bool {
    let mut steps = journal.moves.iter().skip(1);
    steps.all(|step| sites.is_done(step).unwrap_or(false))
}
