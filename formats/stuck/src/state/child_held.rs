//! `child-held`: it waits in the kernel for a child that does not move.
//!
//! Whoever makes a child by vfork(2), as `posix_spawn`, shells and Go do, sleeps in the kernel until that child
//! begins its program or ends: state D, and no signal but SIGKILL wakes it. Until then the two share one memory.
//! A child that is stopped or traced before its exec holds its parent, and in a program of Go (a shim, the
//! daemon, runc) each later call of a program, too.
//!
//! Tests: `tests/states/dying.rs`; made for real by `testdata/make/runtime` (`child-held` in runtime.toml).

use finding::Remedy;
use process::{Process, Wait};
use runc::Phase;

use super::{Row, State};
use crate::creating;
use crate::facts::{Index, held_by};
use crate::found::Found;
use crate::remedy::{Case, go_on, of_tracer, risky, safe, signal, storage, thaw, without_mount};
use crate::subject::Subject;

pub(super) const ROW: Row = Row {
    state: State::ChildHeld,
    word: "child-held",
    row: None,
    healthy: false,
    cause: "A child was stopped or traced before it began its program: its parent sleeps in the kernel until then (vfork).",
    never: &[
        "Do not kill the parent or its child: the parent goes on by itself as soon as the child does.",
    ],
    remedy: |case: &Case<'_, '_>| way_out(case.found),
    // It can come over any process.
    may: |signs| signs.phase != Phase::Empty,
};

/// Seconds in which a child has begun its program.
const STEP: u64 = 5;

/// Whether a process of a container waits for a child that does not move.
pub(crate) fn judge<'f>(
    index: &Index<'f>,
    subject: &Subject<'f>,
    init: &'f Process,
) -> Option<Found<'f>> {
    let members = subject.members.iter().copied();
    let others = members.filter(|it| it.pid != init.pid);
    find(index, init, "it").or_else(|| {
        let mut all = others.map(|it| find(index, it, &format!("pid {} of it", it.pid)));
        all.find_map(|found| found)
    })
}

/// Whether a process, called `who` in the sentence, waits for a child that does not move.
pub(crate) fn find<'f>(index: &Index<'f>, process: &'f Process, who: &str) -> Option<Found<'f>> {
    let thread = process.thread_in(Wait::Spawn)?;
    let who = match (thread == process.pid, who) {
        (true, who) => who.to_owned(),
        (false, "it") => format!("thread {thread} of its init"),
        (false, who) => format!("thread {thread} of {who}"),
    };
    let all = unbegun(index, process);
    let is_held = |child: &&&Process| !matches!(child.stat.state, 'S' | 'R');
    let mut held = all.iter().filter(is_held);
    let child = match (all.as_slice(), held.next(), held.next()) {
        ([child], ..) | (_, Some(child), None) => *child,
        _ => return one_of(index, &all, &who),
    };
    let (last, via) = last_of(index, child);
    if held_by(last).is_some_and(Wait::is_for_a_file) {
        return for_a_file(index, child, last, &via, &who);
    }
    let (freezer, _) = index
        .processes
        .places
        .frozen(&index.processes.tree, &last.cgroups);
    let (how, sure) = if let Some(tracer) = last.status.tracer {
        (format!("is held by its tracer, pid {tracer},"), true)
    } else if last.stat.is_stopped() {
        ("was stopped".to_owned(), true)
    } else if freezer.is_some() {
        ("is frozen".to_owned(), true)
    } else if index.age(last).is_some_and(|age| age >= STEP) {
        let wait = held_by(last).map_or("something that is not known", Wait::words);
        (
            format!("is in state {} and waits for {wait}", last.stat.state),
            false,
        )
    } else {
        return None;
    };
    let why = format!(
        "{who} waits for its child, pid {}{via}, which {how} before it began its program",
        child.pid
    );
    let mut found = Found::new(State::ChildHeld, why)
        .sure(sure)
        .by(last)
        .since(index.started(child));
    found.freezer = freezer;
    Some(found)
}

/// A child that waits for a file before it begins: its program lies on a file system that does not answer, say.
fn for_a_file<'f>(
    index: &Index<'f>,
    child: &'f Process,
    last: &'f Process,
    via: &str,
    who: &str,
) -> Option<Found<'f>> {
    if index.age(last).is_none_or(|age| age < STEP) {
        return None;
    }
    let state = creating::kind_of_wait(last);
    let what = creating::waits_for(state);
    let why = format!(
        "{who} waits for its child, pid {}{via}, which waits for {what} before it began its program",
        child.pid
    );
    let found = Found::new(state, why).sure(state == State::StorageHung);
    let mut found = found.by(last).since(index.started(child));
    if state == State::StorageHung {
        (found.mount, found.notes) = creating::mount_of(index, last);
    }
    Some(found)
}

/// Of several that were not told apart none is continued: one may be stopped for good reason.
fn one_of<'f>(index: &Index<'f>, children: &[&'f Process], who: &str) -> Option<Found<'f>> {
    let mut ages = children.iter().filter_map(|child| index.age(child));
    if !ages.any(|age| age >= STEP) {
        return None;
    }
    let why = format!("{who} waits for a child that has not begun its program, and has several");
    let found = Found::new(State::ChildHeld, why).sure(false);
    let named = children.iter().take(4);
    Some(named.fold(found, |found, child| {
        found.note(crate::lines::process(child))
    }))
}

/// Children that still are what their parent is: they have its memory, and so its arguments.
fn unbegun<'f>(index: &Index<'f>, parent: &Process) -> Vec<&'f Process> {
    let children = index.processes.children(parent.pid);
    children
        .filter(|child| !child.stat.is_dead() && child.cmdline == parent.cmdline)
        .collect()
}

/// The last in the row of those that wait for a child each, and how it is reached.
fn last_of<'f>(index: &Index<'f>, child: &'f Process) -> (&'f Process, String) {
    let (mut last, mut via) = (child, String::new());
    for _ in 0..16 {
        if last.thread_in(Wait::Spawn).is_none() {
            break;
        }
        let [next] = unbegun(index, last)[..] else {
            break;
        };
        via = format!(", and that for pid {}", next.pid);
        last = next;
    }
    (last, via)
}

pub(crate) fn way_out(found: &Found<'_>) -> Remedy {
    if found.state != State::ChildHeld {
        return without_mount(found.state).unwrap_or_else(|| storage(found));
    }
    let Some(child) = found.culprit else {
        return Remedy::default();
    };
    if let Some(tracer) = child.status.tracer {
        let step = of_tracer(tracer);
        return safe("The child goes on when its tracer lets it.", vec![step]);
    }
    if child.stat.is_stopped() {
        return go_on(signal("CONT", child).into_iter().collect());
    }
    if found.freezer.is_some() {
        return thaw(found);
    }
    risky(
        "Find what the child waits for in the kernel (its stack, dmesg), and mend that.",
        Vec::new(),
    )
}
