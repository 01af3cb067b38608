//! `rootfs-busy`: the container has ended, and its root file system cannot be unmounted, because a
//! process that is none of its own stands in it.
//!
//! A scanner, a backup or a shell has its working directory, its root, its program, an open or a mapped
//! file below `<bundle>/rootfs`. Whoever deletes the task gets "device or resource busy", again and again.
//!
//! Tests: `tests/states/dying.rs`.

use finding::{Remedy, Text};
use process::{Process, Processes};

use crate::State;
use crate::facts::Index;
use crate::found::Found;
use crate::remedy::{Case, remedy, signal};
use crate::state::Row;
use crate::subject::Subject;

pub(crate) const ROW: Row = Row {
    state: State::RootfsBusy,
    word: "rootfs-busy",
    row: None,
    healthy: false,
    cause: "A scanner, a backup, a shell of the host has its working directory or an open file in it.",
    never: &[
        "Do not unmount it lazily (`umount -l`): its snapshot stays busy, and no tool shows why.",
    ],
    remedy: way_out,
    may: |signs| signs.alone || signs.gone_on(),
};

/// Whoever keeps the root of a task busy that has ended.
pub(crate) fn judge<'f>(index: &Index<'f>, subject: &Subject<'f>) -> Option<Found<'f>> {
    let bundle = subject.bundle?;
    let root = [bundle.path.bytes(), b"/rootfs"].concat();
    let mut mounts = index.processes.mounts.as_deref()?.iter();
    if !mounts.any(|mount| mount.point.bytes() == root) {
        return None;
    }
    let mut holders = holders(index.processes, &Text::from(root.as_slice()))
        .filter(|(process, _)| !index.is_elsewhere(process) && process.is_nested() != Some(true));
    let (culprit, (how, path)) = holders.next()?;
    let why = format!(
        "it has ended, and its root is kept busy by pid {} ({}): its {how} is {path}",
        culprit.pid,
        culprit.command()
    );
    let mut found = Found::new(State::RootfsBusy, why)
        .by(culprit)
        .since(Some(bundle.dir.mtime));
    for (other, (how, path)) in holders.take(4) {
        found = found.note(format!(
            "pid {} ({}), too: its {how} is {path}",
            other.pid,
            other.command()
        ));
    }
    Some(found)
}

/// Who holds something below the root of a container, how, and what.
pub fn holders<'p>(
    processes: &'p Processes,
    root: &Text,
) -> impl Iterator<Item = (&'p Process, (String, Text))> + use<'p> {
    let root = root.clone();
    processes
        .iter()
        .filter_map(move |process| Some((process, holds(process, root.bytes())?)))
}

/// How a process holds something below a folder.
fn holds(process: &Process, folder: &[u8]) -> Option<(String, Text)> {
    let below = |path: &Text| {
        let bytes = path.bytes();
        let bytes = bytes.strip_suffix(b" (deleted)").unwrap_or(bytes);
        let rest = bytes.strip_prefix(folder);
        rest.is_some_and(|rest| rest.is_empty() || rest.first() == Some(&b'/'))
    };
    let links = [
        ("working directory", &process.cwd),
        ("root", &process.root),
        ("program", &process.exe),
    ];
    for (how, link) in links {
        if let Some(path) = link.as_ref().filter(|path| below(path)) {
            return Some((how.to_owned(), path.clone()));
        }
    }
    let mut files = process.open_files().iter();
    if let Some(fd) = files.find(|fd| below(&fd.target)) {
        return Some((format!("open file {}", fd.number), fd.target.clone()));
    }
    let mapped = process.mapped.iter().find(|path| below(path))?;
    Some(("mapped file".to_owned(), mapped.clone()))
}

fn way_out(case: &Case<'_, '_>) -> Remedy {
    let culprit = case.found.culprit.into_iter();
    let mut commands: Vec<_> = culprit.map(|process| signal("TERM", process)).collect();
    commands.push(Some(case.tools().remove_task(case.index)));
    remedy(
        false,
        "End that process, or have it leave; then the task can be deleted, and whoever retries \
         succeeds.",
        commands,
    )
}
