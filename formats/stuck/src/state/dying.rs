//! `dying`: it was killed, and something keeps it from ending.
//!
//! The first process of a pid namespace ends only when all others in it have ended *and were reaped*
//! (`zap_pid_ns_processes`). One that joined the namespace from outside (nsenter, an exec, a
//! debugger) is reaped by its parent outside: while that is stopped or does not care, the container
//! stays, "running", and no signal does anything. A task that waits for a dead mount takes no signal
//! either; here the threads count, not only the first. Nor does one in a frozen cgroup of v1.
//!
//! Tests: `tests/states/dying.rs`.

use process::{Process, Wait};

use crate::State;
use crate::facts::Index;
use crate::found::Found;
use crate::may::Signs;
use crate::remedy::{Case, of_tracer, remedy, safe, signal, storage, thaw};
use crate::state::Row;
use crate::subject::Subject;
use finding::{Remedy, Step};

pub(crate) const ROW: Row = Row {
    state: State::Dying,
    word: "dying",
    row: None,
    healthy: false,
    cause: "It was killed, and waits for a process of its pid namespace that is not reaped, for a \
            file system that does not answer, or for its frozen cgroup (v1).",
    never: &[
        "Do not kill its shim: the processes stay, and no process reports their end.",
        "Do not restart containerd to be rid of it: from 1.7 on a start may forget the task.",
    ],
    remedy: way_out,
    may: Signs::gone_on,
};

/// Who keeps an init from ending; nothing where nobody does.
pub(crate) fn judge<'f>(
    index: &Index<'f>,
    subject: &Subject<'f>,
    init: &'f Process,
) -> Option<Found<'f>> {
    if init.thread_in(Wait::Namespace).is_some() {
        return unreaped(index, subject, init);
    }
    if !init.status.is_killed() {
        return None;
    }
    let since = index.started(init);
    let found = Found::new(
        State::Dying,
        "it was killed while its cgroup is frozen: it ends when the cgroup is thawed",
    );
    let found = held(index, subject, init, found.by(init));
    if found.freezer.is_some() {
        return Some(found.since(since));
    }
    on_storage(init).then(|| {
        let why = "it was killed, and waits for a file system that does not answer";
        let found = Found::new(State::Dying, why).by(init);
        held(index, subject, init, found).since(since)
    })
}

/// Whom the first process of a pid namespace waits for that is ended: whichever of its threads is the last
/// waits for all others in it.
pub(crate) fn unreaped<'f>(
    index: &Index<'f>,
    subject: &Subject<'f>,
    init: &'f Process,
) -> Option<Found<'f>> {
    init.thread_in(Wait::Namespace)?;
    let since = index.started(init);
    let mut rest: Vec<&'f Process> = others(index, subject, init).collect();
    // One that has ended waits for its parent; the others were killed, too.
    rest.sort_by_key(|it| (!it.stat.is_dead(), it.pid));
    let waited = *rest.first()?;
    let inside = waited.status.nspid.last().copied();
    let inside = inside.filter(|_| waited.status.nspid.len() > 1);
    let inside = inside.map_or_else(String::new, |pid| format!(" ({pid} in there)"));
    let mut found = if waited.stat.is_dead() {
        // A tracer takes notice before the parent does.
        let (who, pid) = match waited.status.tracer {
            Some(tracer) => ("tracer", tracer),
            None => ("parent", waited.stat.ppid),
        };
        let reaper = index.processes.get(pid)?;
        let why = format!(
            "it is dying, and waits for pid {}{inside}, which has ended and is not reaped by its \
             {who}, pid {pid}",
            waited.pid
        );
        Found::new(State::Dying, why).by(reaper)
    } else {
        let why = format!(
            "it is dying, and waits for pid {}{inside}, which does not end",
            waited.pid
        );
        let found = Found::new(State::Dying, why).by(waited);
        held(index, subject, waited, found)
    };
    for other in rest.iter().skip(1).take(3) {
        found = found.note(format!(
            "pid {} ({}) of its pid namespace is left, too: state {}",
            other.pid,
            other.command(),
            other.stat.state
        ));
    }
    Some(found.since(since))
}

/// An init whose first thread has ended: well as long as others go on.
pub(crate) fn leader<'f>(
    index: &Index<'f>,
    subject: &Subject<'f>,
    init: &'f Process,
) -> Option<Found<'f>> {
    let count = init.survivors().count();
    if count == 0 {
        return None;
    }
    if let Some(found) = unreaped(index, subject, init) {
        return Some(found);
    }
    let since = index.started(init);
    if init.status.is_killed() && init.hung_thread().is_some() {
        let why = format!(
            "it was killed; its first thread has ended, and one of {count} others waits for a file \
             system that does not answer"
        );
        let found = Found::new(State::Dying, why).by(init);
        return Some(held(index, subject, init, found).since(since));
    }
    if let Some(found) = crate::workload::on_storage(index, subject, init) {
        return Some(found.since(since));
    }
    let others = match count {
        1 => "1 other lives".to_owned(),
        count => format!("{count} others live"),
    };
    let why = format!("it runs: its first thread has ended, {others}");
    Some(Found::new(State::Running, why).since(since))
}

fn on_storage(process: &Process) -> bool {
    process.wait().is_some_and(Wait::is_for_a_file) || process.hung_thread().is_some()
}

/// Adds what holds a process: a freezer, or a mount.
fn held<'f>(
    index: &Index<'f>,
    subject: &Subject<'f>,
    process: &'f Process,
    found: Found<'f>,
) -> Found<'f> {
    let places = &index.processes.places;
    let (freezer, _) = places.frozen(&index.processes.tree, &process.cgroups);
    let mut found = found;
    if freezer.is_some() {
        found.freezer = freezer;
    } else if on_storage(process) {
        let hung = crate::creating::storage(index, subject, process);
        found.mount = hung.mount;
        found.notes.extend(hung.notes);
    }
    found
}

/// The other processes of its pid namespace.
fn others<'f>(
    index: &Index<'f>,
    subject: &Subject<'f>,
    init: &'f Process,
) -> Box<dyn Iterator<Item = &'f Process> + 'f> {
    if let Some(own) = &init.pid_namespace {
        let all = index.processes.iter();
        return Box::new(
            all.filter(move |it| it.pid != init.pid && it.pid_namespace.as_ref() == Some(own)),
        );
    }
    // What was taken before namespaces were: by its cgroup.
    let members = subject.members.clone().into_iter();
    Box::new(members.filter(|member| member.pid != init.pid))
}

fn way_out(case: &Case<'_, '_>) -> Remedy {
    let found = case.found;
    if found.freezer.is_some() {
        return thaw(found);
    }
    if found.mount.is_some() {
        return storage(found);
    }
    let Some(culprit) = found.culprit else {
        return Remedy::default();
    };
    if culprit.stat.is_stopped() {
        return remedy(
            true,
            "The parent reaps it once the parent continues; the container then ends by itself.",
            vec![signal("CONT", culprit)],
        );
    }
    let init = case.subject.process();
    let traces = init.is_some_and(|init| {
        let mut others = others(case.index, case.subject, init);
        others.any(|it| it.stat.is_dead() && it.status.tracer == Some(culprit.pid))
    });
    if traces {
        let why = "What has ended is given to its parent when its tracer lets it go.";
        return safe(why, vec![of_tracer(culprit.pid)]);
    }
    let is_init = case
        .subject
        .process()
        .is_some_and(|it| it.pid == culprit.pid);
    // The kernel has sent SIGKILL to all of the namespace: only a parent outside can be ended.
    let namespace = case
        .subject
        .process()
        .and_then(|it| it.pid_namespace.as_ref());
    let is_inside = match namespace {
        Some(own) => culprit.pid_namespace.as_ref() == Some(own),
        None => case.subject.members.iter().any(|it| it.pid == culprit.pid),
    };
    if (is_init || is_inside) && on_storage(culprit) {
        return storage(found);
    }
    if is_init || is_inside || culprit.pid == 1 {
        return remedy(
            false,
            "Find what its threads wait for in the kernel (its stack, dmesg), and end that.",
            Vec::<Step>::new(),
        );
    }
    remedy(
        false,
        "What has ended is given to another parent, which reaps it, as soon as this one ends: look \
         first at what else it does.",
        vec![signal("KILL", culprit)],
    )
}
