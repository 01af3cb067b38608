//! `seccomp-wait`: it waits for a seccomp agent.
//!
//! Its init may before it runs its program, and any process of it later. While the agent holds the listener and does
//! not answer, the call does not return; when the listener is closed, the kernel answers (ENOSYS).
//!
//! Found by `judge.rs`. Tests: `tests/states/dying.rs`; made for real by `testdata/make/runtime` (`seccomp-wait` in runtime.toml).

use finding::{Remedy, Step};
use process::{Fd, Process, Wait};

use super::{Row, State};
use crate::facts::{Index, held_by};
use crate::found::Found;
use crate::remedy::{Case, never_ran, risky};
use crate::subject::Subject;

pub(super) const ROW: Row = Row {
    state: State::SeccompWait,
    word: "seccomp-wait",
    row: Some(19),
    healthy: false,
    cause: "The agent behind the profile's listener does not answer.",
    never: &["Do not start it: it is not parked at its FIFO, and a start would wait, too."],
    remedy: way_out,
    // A filter is set after the state was written.
    may: |signs| signs.created() || signs.gone_on() || signs.crun,
};

/// Whether a process of one that runs waits for the agent's answer. An agent may take its time: one look does not tell.
pub(crate) fn judge<'f>(
    index: &Index<'f>,
    subject: &Subject<'f>,
    init: &'f Process,
) -> Option<Found<'f>> {
    let others = subject.members.iter().copied();
    let mut all = core::iter::once(init).chain(others.filter(|it| it.pid != init.pid));
    let waits = all.find(|it| held_by(it) == Some(Wait::Seccomp))?;
    let why = format!("pid {} of it waits for a seccomp agent's answer", waits.pid);
    let found = Found::new(State::SeccompWait, why).sure(false).by(waits);
    let is_listener = |fd: &Fd| fd.target == *"anon_inode:seccomp notify";
    let holders = index.processes.iter();
    let holders = holders.filter(|it| it.open_files().iter().any(is_listener));
    Some(holders.take(4).fold(found, |found, it| {
        found.note(format!(
            "pid {} ({}) holds a listener of seccomp, and may be the agent",
            it.pid,
            it.command()
        ))
    }))
}

fn way_out(case: &Case<'_, '_>) -> Remedy {
    if case.is_init() {
        return never_ran(case);
    }
    risky(
        "Look again first: an agent may take its time. If it stays, restart the agent: when its listener is closed, \
         the kernel answers in its place (ENOSYS), and the program goes on.",
        Vec::<Step>::new(),
    )
}
