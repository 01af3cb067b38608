//! Containers without a living init.

use finding::Time;
use process::{Process, Wait};
use runc::Phase;

use crate::facts::{Index, held_by};
use crate::found::Found;
use crate::state::oom_killed;
use crate::subject::Subject;
use crate::{State, creating};

/// Another process has the number of its init.
pub(crate) fn reused<'f>(
    index: &Index<'f>,
    subject: &Subject<'f>,
    other: &'f Process,
) -> Found<'f> {
    let claimed = subject.claimed().and_then(|(_, start)| start);
    let mut found = Found::new(
        State::PidReused,
        "its init has ended, and another process has its number",
    )
    .note(match claimed {
        Some(start) => format!(
            "init started at {start} ticks, pid {} ({}) at {}",
            other.pid,
            other.command(),
            other.stat.start_ticks
        ),
        None => format!(
            "pid {} ({}) is not in its cgroup",
            other.pid,
            other.command()
        ),
    });
    found.since = index.started(other);
    found.sure = claimed.is_some();
    found
}

/// Nothing of it runs.
pub(crate) fn gone<'f>(index: &Index<'f>, subject: &Subject<'f>) -> Found<'f> {
    let now = index.facts.now;
    if let Some(found) = crate::creating::without_init(index, subject) {
        return found;
    }
    let Some(container) = subject.container else {
        return without_state(index, subject, now);
    };
    let since = container.derived.since;
    if subject.creator(index).is_some() || subject.is_fresh(now) {
        return creating::passing(subject);
    }
    if subject.is_damaged() {
        return Found::new(State::StateDamaged, "no runtime can read its state file").since(since);
    }
    if let Some(why) = subject.unread() {
        let why = format!("its state file {why}, and no process was found that is its own");
        return Found::new(State::Unknowable, why).sure(false).since(since);
    }
    match container.derived.phase {
        Phase::Started => crate::state::outlived::judge(index, subject)
            .or_else(|| crate::state::end_missed::judge(index, subject))
            .unwrap_or_else(|| oom_killed::ended(subject, "its init has ended")),
        Phase::Released => oom_killed::ended(
            subject,
            "its init has ended; the FIFO was left by a start that was killed",
        ),
        Phase::Empty => Found::new(State::NoTask, "its state folder is empty").since(since),
        Phase::Creating | Phase::Unknowable if !container.has_state() => Found::new(
            State::CreatorDied,
            "its creation ended before it had a state file",
        )
        .since(since),
        Phase::Created | Phase::Creating | Phase::Unknowable => never_started(subject),
    }
}

/// Its init waits for its parent to notice that it has ended.
pub(crate) fn zombie<'f>(
    index: &Index<'f>,
    subject: &Subject<'f>,
    process: &'f Process,
) -> Found<'f> {
    let in_making = matches!(
        subject.phase(),
        Some(Phase::Creating | Phase::Empty | Phase::Created)
    );
    if in_making && subject.is_fresh(index.facts.now) {
        return creating::passing(subject);
    }
    match subject.phase() {
        Some(Phase::Creating | Phase::Empty) => {
            let since = subject
                .container
                .and_then(|container| container.derived.since);
            return Found::new(
                State::CreatorDied,
                "its creation failed, and its init ended",
            )
            .since(since);
        }
        Some(Phase::Created) => return never_started(subject),
        _ => {}
    }
    if let Some(found) = crate::state::outlived::judge(index, subject) {
        return found;
    }
    let mut found = Found::new(
        State::Zombie,
        "its init has ended, and no process waits for it",
    )
    .since(index.started(process));
    if let Some(tracer) = process.status.tracer {
        found.why = format!("its init has ended, and its tracer, pid {tracer}, does not let it go");
        found.culprit = index.processes.get(tracer);
    } else if let Some(parent) = index.processes.get(process.stat.ppid) {
        found = found.by(parent).note(format!(
            "its parent is pid {} ({}), state {}",
            parent.pid,
            parent.command(),
            parent.stat.state
        ));
    }
    found
}

/// It was created, never let go, and its init has ended.
fn never_started<'f>(subject: &Subject<'f>) -> Found<'f> {
    let since = subject
        .container
        .and_then(|container| container.derived.since);
    let bundle = subject.bundle;
    let broken_pipe = bundle.is_some_and(|bundle| {
        bundle.errors().any(|line| {
            let text = line.message.bytes();
            text.windows(11).any(|part| part == b"broken pipe")
        })
    });
    match subject.creation_done() {
        Some(false) => Found::new(
            State::CreatorDied,
            "its creation ended after it had saved the state, and its init ended",
        ),
        Some(true) => Found::new(
            State::StartDiedEarly,
            "it was created whole, and its init ended before a start let it go",
        ),
        None => {
            let why = "its init ended before a start released it; no file shows whether its creation was complete";
            let mut found = Found::new(State::StartDiedEarly, why).sure(broken_pipe);
            if !broken_pipe {
                found.may_be = vec![State::CreatorDied, State::StartDiedEarly];
            }
            found
        }
    }
    .since(since)
}

/// Processes run in its cgroup, and no bundle and no runtime names one of them.
fn unnamed<'f>(index: &Index<'f>, subject: &Subject<'f>) -> Option<Found<'f>> {
    let shim = subject.shim.as_ref().map(|shim| shim.process.pid);
    let members = subject.members.iter().copied();
    let mut living = members.filter(|it| !it.stat.is_dead() && Some(it.pid) != shim);
    let first = living.next()?;
    let known = index.facts.runtime.whole;
    if !known.containers || !known.bundles {
        return None;
    }
    let more = match living.count() {
        0 => "runs".to_owned(),
        1 => "and 1 other process run".to_owned(),
        count => format!("and {count} other processes run"),
    };
    let why = format!(
        "pid {} {more} in its cgroup, and its runtime has no state of it: no runtime can reach it",
        first.pid
    );
    Some(Found::new(State::Unreachable, why).by(first))
}

/// What its shim called waits for a file: before it is the runtime's program, it may have the shim's name.
fn called<'f>(index: &Index<'f>, subject: &Subject<'f>) -> Option<Found<'f>> {
    let shim = subject.shim.as_ref()?.process;
    let waits = |it: &&Process| held_by(it).is_some_and(Wait::is_for_a_file);
    let child = index.processes.children(shim.pid).find(waits)?;
    let mut found = creating::storage(index, subject, child).by(child);
    if found.state == State::Creating {
        return None;
    }
    let what = creating::waits_for(found.state);
    found.why = format!("pid {}, which its shim called, waits for {what}", child.pid);
    Some(found)
}

/// There is a bundle, and no runtime knows the container.
fn without_state<'f>(index: &Index<'f>, subject: &Subject<'f>, now: Time) -> Found<'f> {
    let since = subject.bundle.map(|bundle| bundle.dir.mtime);
    if !subject.commands.is_empty() || subject.is_young(now) {
        return Found::new(State::Creating, "it is about to be created").since(since);
    }
    if let Some(found) = called(index, subject) {
        return found;
    }
    if let Some(found) = unnamed(index, subject) {
        return found.since(since);
    }
    if let Some(found) = crate::state::start_lost::judge(index, subject) {
        return found;
    }
    let status = subject.cri.and_then(|cri| cri.status.whole());
    if subject.bundle.is_none() && status.is_some_and(|status| status.finished.is_some()) {
        return oom_killed::ended(subject, "it has ended");
    }
    crate::state::rootfs_busy::judge(index, subject).unwrap_or_else(|| {
        let why = match &subject.shim {
            Some(shim) => format!(
                "no runtime knows it, and nothing of it runs but its shim, pid {}",
                shim.process.pid
            ),
            None if subject.bundle.is_none() => crate::offline::without_task(subject).to_owned(),
            None => "no runtime knows it, and nothing of it runs".to_owned(),
        };
        Found::new(State::NoTask, why).since(since)
    })
}
