//! What a program gives up before it looks at evidence.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};

use evidence::{HeldRoot, Needs, PrivateView, lockdown, private_view};

/// Whether this is a program of ours: a test that runs a tool inside its own process keeps its
/// rights.
static PROGRAM: AtomicBool = AtomicBool::new(false);

/// Says that this process is ours alone.
pub(crate) fn arm() {
    PROGRAM.store(true, Ordering::Relaxed);
}

/// No tool needs more memory for data.
const MEMORY: u64 = 8 << 30;

/// Gives up whatever reading the evidence at `path` does not need; once, before any thread is
/// started. Says what did not hold and what follows from it, and gives the directory at `path`, if
/// it could not be opened any more.
pub(crate) fn give_up(
    path: &Path,
    spool: Option<&PathBuf>,
    writable: &[PathBuf],
    trees: &[PathBuf],
) -> (Vec<String>, Option<HeldRoot>) {
    if !PROGRAM.swap(false, Ordering::Relaxed) {
        return (Vec::new(), None);
    }
    let mut notes = Vec::new();
    #[expect(
        clippy::disallowed_methods,
        reason = "a FIFO or device is not opened by this"
    )]
    let is_directory = path.is_dir();
    let held = is_directory.then(|| HeldRoot::take(path)).flatten();
    if held.is_some() {
        notes.push(
            "access times of symbolic links may move: the evidence is mounted for other processes"
                .into(),
        );
    } else if is_directory && let PrivateView::Refused(why) = private_view(path) {
        notes.push(format!("access times of symbolic links may move: {why}"));
    }
    let spool = spool.cloned().unwrap_or_else(std::env::temp_dir);
    let needs = Needs {
        held: held.clone(),
        writable: [&[spool], writable].concat(),
        trees: trees.to_vec(),
        places: crate::output::places(),
        memory: Some(MEMORY),
    };
    notes.extend(
        lockdown(&needs)
            .refused
            .into_iter()
            .map(|why| format!("not locked down: {why}")),
    );
    (notes, held)
}
