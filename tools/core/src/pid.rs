//! A process that runs, read without stopping it.

use std::path::Path;

use cli::Failure;
use evidence::LiveProc;
use finding::{Text, Unknown, Unread};
use goruntime::{Attached, NotAttached, attach, moving};

use crate::goroutines::{Origin, stacks};
use crate::taken::{Owner, Taken};

/// Does something with a process that runs: no signal, no ptrace, no stop.
pub(crate) fn with<T: Send + 'static>(
    pid: u32,
    work: impl FnOnce(&Attached<'_>) -> T + Send + 'static,
) -> Result<T, Failure> {
    let door = LiveProc::open(Path::new("/"))
        .ok_or_else(|| Failure::unread("/proc is not mounted, or is of another root"))?;
    attach(&door, pid, cli::monotonic, work).map_err(|why| {
        match (&why, nix::unistd::geteuid().is_root()) {
            // Being root does not help here.
            (NotAttached::Unread(Unread::Denied) | NotAttached::Memory(Unread::Denied), true) => {
                Failure::unread(format!("process {pid}: root may not read it here")).hint(
                    "root of a container lacks CAP_SYS_PTRACE: run it on the node itself; where \
                     kernel.yama.ptrace_scope is 3, no process may read it",
                )
            }
            (NotAttached::Memory(_), _) => Failure::unread(format!("process {pid}: {why}"))
                .hint("run as root; where kernel.yama.ptrace_scope is 3, no process may read it"),
            _ => Failure::unread(format!("process {pid}: {why}")),
        }
    })
}

/// Reads the goroutines of a process that runs.
pub(crate) fn take(pid: u32) -> Result<Taken, Failure> {
    let ((goroutines, lost_end), origin, words) = with(pid, move |attached| {
        let origin = Origin::from_source(
            Text::from(format!("process {pid}")),
            Some(attached.path()),
            Some(true),
            attached.go,
        );
        (attached.with_lost_ends(), origin, attached.arguments())
    })?;
    let moving = moving(&goroutines);
    let mut unknown = Vec::new();
    if moving > 0 {
        unknown.push(Unknown::new(
            stacks(moving),
            "they ran in between each time that they were read",
        ));
    }
    Ok(Taken {
        origin,
        owner: Owner::from_command_line(Some(pid), &words),
        goroutines,
        lost_end,
        unknown,
    })
}
