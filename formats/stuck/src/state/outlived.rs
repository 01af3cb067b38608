//! `outlived`: its init has ended, and processes of it live on.
//!
//! Without a pid namespace of its own nothing ends with a container's init; with one, whoever only
//! joined its cgroup stays. `runc delete` of such a container fails, or removes the folder and leaves
//! them behind.
//!
//! Tests: `tests/states/dying.rs`.

use process::Process;

use crate::State;
use crate::facts::Index;
use crate::found::Found;
use crate::may::Signs;
use crate::remedy::{Case, remedy, signal};
use crate::state::Row;
use crate::subject::{Init, Subject};
use finding::Remedy;

pub(crate) const ROW: Row = Row {
    state: State::Outlived,
    word: "outlived",
    row: None,
    healthy: false,
    cause: "Its init ended without them: it shares the host's pid namespace, or a process was moved \
            into its cgroup.",
    never: &["Do not run `runc delete` before they have ended: it leaves them behind."],
    remedy: way_out,
    may: Signs::gone_on,
};

/// Processes that one listing names.
const MOST: usize = 8;

/// The processes of it that live.
fn living<'f>(subject: &Subject<'f>) -> impl Iterator<Item = &'f Process> {
    // Whoever has its init's number now is judged by that.
    let init = match subject.init {
        Init::Alive(process) | Init::Reused(process) => Some(process.pid),
        Init::Gone | Init::Unnamed | Init::Unseen => None,
    };
    let shim = subject.shim.as_ref().map(|shim| shim.process.pid);
    let members = subject.members.clone().into_iter();
    members.filter(move |it| !it.stat.is_dead() && Some(it.pid) != init && Some(it.pid) != shim)
}

/// Whether processes of a container live on whose init has ended.
pub(crate) fn judge<'f>(index: &Index<'f>, subject: &Subject<'f>) -> Option<Found<'f>> {
    let count = living(subject).count();
    // A runtime that is called for it may be ending them.
    if count == 0 || subject.is_fresh(index.facts.now) || !subject.commands.is_empty() {
        return None;
    }
    let rest = match count {
        1 => "1 process in its cgroup lives".to_owned(),
        count => format!("{count} processes in its cgroup live"),
    };
    let why = format!("its init has ended, and {rest}");
    let mut found = Found::new(State::Outlived, why);
    found.since = living(subject).filter_map(|it| index.started(it)).min();
    for process in living(subject).take(MOST) {
        found = found.note(crate::lines::process(process));
    }
    Some(found)
}

fn way_out(case: &Case<'_, '_>) -> Remedy {
    let mut commands: Vec<_> = living(case.subject)
        .map(|process| signal("KILL", process))
        .collect();
    if case.subject.container.is_some() && case.subject.shim.is_none() {
        commands.push(Some(case.tools().call(&["delete"])));
    }
    remedy(
        false,
        "Look at what the processes are: they may do useful work. After they have ended, its shim or \
         `runc delete` can remove the container.",
        commands,
    )
}
