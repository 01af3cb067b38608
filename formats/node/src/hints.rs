//! Where runtimes keep their state, as the processes of a node tell: a runtime that was called with
//! `--root`, an init that holds the FIFO of its folder.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use evidence::Evidence;
use finding::Text;
use process::{Process, Processes};
use runc::Hint;

/// Hints that are followed: a node has a handful of roots.
const MOST: usize = 64;

/// The roots that processes name. What they say proves nothing: whoever follows a hint looks
/// whether a runtime's folders are there.
pub fn hints(evidence: &Evidence, processes: &Processes) -> Vec<Hint> {
    let mut hints: Vec<Hint> = Vec::new();
    for process in processes.iter() {
        let said = said(process).map(|root| Hint { root, fifo: None });
        for hint in said.into_iter().chain(held(process)) {
            if hints.contains(&hint) {
                continue;
            }
            if hints.len() == MOST {
                evidence.leave_out(
                    "state of runtimes in more places that processes name",
                    format!("only {MOST} are looked at"),
                );
                return hints;
            }
            hints.push(hint);
        }
    }
    hints
}

/// `runc --root PATH …`
fn said(process: &Process) -> Option<PathBuf> {
    let program = process.program();
    // In another pid namespace its paths are those of another node.
    let is_inside = process.is_nested() == Some(true);
    if is_inside || !program.starts_with(b"runc") && !program.starts_with(b"crun") {
        return None;
    }
    let words = process.cmdline.as_deref()?;
    let mut words = words.iter().take(16);
    while let Some(word) = words.next() {
        if *word == *"--root" {
            return path(words.next()?);
        }
        if let Some(rest) = word.bytes().strip_prefix(b"--root=") {
            return path(&Text::from(rest));
        }
    }
    None
}

/// The folder of the folder of each FIFO that a process holds.
fn held(process: &Process) -> impl Iterator<Item = Hint> {
    process.open_files().iter().filter_map(|fd| {
        let fifo = path(&fd.target)?;
        if fifo.file_name() != Some(OsStr::new("exec.fifo")) {
            return None;
        }
        let root = fifo.parent()?.parent()?.to_owned();
        Some(Hint {
            root,
            fifo: Some((fifo, fd.ino?)),
        })
    })
}

/// A path that is absolute and leads below something.
fn path(text: &Text) -> Option<PathBuf> {
    let path = Path::new(OsStr::from_bytes(text.bytes()));
    let dots = path.components().any(|part| part.as_os_str() == "..");
    (path.is_absolute() && !dots && path.parent().is_some()).then(|| path.to_owned())
}
