//! An init that waits at its FIFO: legal for a moment; afterwards the question is who should have
//! come.

use process::{CLOEXEC, O_PATH, Process, Wait};
use runc::Phase;

use crate::State;
use crate::facts::Index;
use crate::found::Found;
use crate::subject::Subject;

pub(crate) fn judge<'f>(
    index: &Index<'f>,
    subject: &Subject<'f>,
    process: &'f Process,
) -> Found<'f> {
    let since = subject
        .container
        .and_then(|container| container.derived.since)
        .or_else(|| index.started(process));
    let Some(container) = subject.container else {
        return leaked(index, process);
    };
    if let Some(found) = fifo_gone(index, subject, container, process) {
        return found.since(since);
    }
    waits_for_start(index, subject, process, since)
}

/// Whether the FIFO at which it waits is not there any more.
fn fifo_gone<'f>(
    index: &Index<'f>,
    subject: &Subject<'f>,
    container: &runc::Container,
    process: &Process,
) -> Option<Found<'f>> {
    let path = subject.fifo_path();
    let held = process.open_files().iter().find(|fd| fd.is_at(&path));
    let replaced = held
        .and_then(|fd| fd.ino)
        .zip(container.fifo.as_ref().and_then(|stat| stat.ino))
        .is_some_and(|(held, there)| held != there);
    // A copy may keep no FIFO: where the kernel does not call the one that init holds deleted, it was
    // there.
    let is_held = held.is_some_and(|fd| !fd.is_deleted()) && !index.processes.live;
    let is_gone = container.fifo.is_none() && !is_held;
    if is_gone && subject.is_fresh(index.facts.now) {
        return Some(Found::new(State::Running, "it was started this moment"));
    }
    if is_gone || held.is_some_and(process::Fd::is_deleted) || replaced {
        return Some(Found::new(
            State::ParkedFifoMissing,
            "init waits at a FIFO that is not there any more",
        ));
    }
    None
}

/// An init of youki at its socket: made, it accepts the start there.
pub(crate) fn of_youki<'f>(
    index: &Index<'f>,
    subject: &Subject<'f>,
    process: &'f Process,
) -> Found<'f> {
    let since = subject.born().or_else(|| index.started(process));
    if subject.phase() == Some(Phase::Created) {
        return waits_for_start(index, subject, process, since);
    }
    if subject.is_young(index.facts.now) {
        return Found::new(State::Creating, "init and its creator talk").since(since);
    }
    let why = "init of youki waits for bytes from a socket; whose is not known";
    Found::new(State::Unknowable, why).sure(false).since(since)
}

/// An init that waits for its start, at a place that is there.
fn waits_for_start<'f>(
    index: &Index<'f>,
    subject: &Subject<'f>,
    process: &'f Process,
    since: Option<finding::Time>,
) -> Found<'f> {
    let place = if subject.is_youki() {
        "notify.sock"
    } else {
        "FIFO"
    };
    if subject.is_damaged() {
        return Found::new(
            State::StateDamaged,
            format!("init waits at its {place}, and no runtime can read its state file"),
        )
        .since(since);
    }
    if let Some(found) = crate::workload::shim_held(index, subject) {
        return found.since(since);
    }
    if let Some(found) = waits_for_output(subject) {
        return found.since(since);
    }
    let now = index.facts.now;
    if let Some(found) = start_hangs(index, subject) {
        return if subject.is_young(now) {
            Found::new(State::Created, "its start is under way").since(since)
        } else {
            found.since(since)
        };
    }
    if let Some(creator) = subject.creator(index) {
        // It runs poststart hooks, and writes the pid file.
        if creator.stat.is_stopped() {
            return Found::new(State::CreatorStopped, "its creator was stopped")
                .by(creator)
                .since(since);
        }
        let hook = hook_of(index, creator, process);
        if let Some(hook) = hook.filter(|_| !subject.is_young(now)) {
            return Found::new(State::HookHost, "its creation waits for a hook on the host")
                .by(hook)
                .since(index.started(hook));
        }
    } else if let Some(why) = no_pid_file(subject) {
        return if subject.is_young(now) {
            Found::new(State::Created, "it was created a moment ago").since(since)
        } else {
            Found::new(State::ParkedNoPidFile, why).since(since)
        };
    }
    if subject.is_containerds() && subject.shim.is_none() {
        let sure = index.processes.whole;
        return Found::new(
            State::ParkedOrphan,
            format!("init waits at its {place}, and its shim is gone"),
        )
        .sure(sure)
        .since(since);
    }
    if subject.is_young(now) {
        return Found::new(State::Created, "init waits for its start").since(since);
    }
    Found::new(
        State::Parked,
        format!("init waits at its {place}, and no process is about to start it"),
    )
    .since(since)
}

/// Whether an init holds its FIFO, and that was removed.
pub(crate) fn holds_removed(subject: &Subject<'_>, process: &Process) -> bool {
    // The way to it may begin at a mount that the init does not see any more.
    let end = [b"/", subject.id.bytes(), b"/exec.fifo (deleted)"].concat();
    let mut held = process.open_files().iter();
    !subject.has_fifo() && held.any(|fd| fd.target.bytes().ends_with(&end))
}

/// An init at a FIFO whose folder is gone.
pub(crate) fn leaked<'f>(index: &Index<'f>, process: &'f Process) -> Found<'f> {
    Found::new(
        State::LeakedInit,
        "it is an init of runc, and no state folder knows it",
    )
    .since(index.started(process))
}

/// Where `wchan` is not told, open files are: `O_PATH` alone is a creation, with `O_CLOEXEC` init is
/// at the FIFO, open for writing it has gone on.
pub(crate) fn by_open_files<'f>(
    index: &Index<'f>,
    subject: &Subject<'f>,
    process: &'f Process,
) -> Found<'f> {
    let path = subject.fifo_path();
    let all: Vec<u64> = process
        .open_files()
        .iter()
        .filter(|fd| fd.is_at(&path))
        .filter_map(|fd| fd.flags)
        .collect();
    let writes = all.iter().any(|flags| flags & O_PATH == 0);
    let waits = all
        .iter()
        .any(|flags| flags & O_PATH != 0 && flags & CLOEXEC != 0);
    let syncs = all
        .iter()
        .any(|flags| flags & O_PATH != 0 && flags & CLOEXEC == 0);
    if writes {
        return crate::creating::waits_for_child(index, subject, process, Wait::Other);
    }
    if waits {
        // Only one whose start line matches is at the FIFO; a seccomp agent would look the same.
        return judge(index, subject, process).sure(false);
    }
    if syncs {
        return crate::creating::waits_for_creator(index, subject, process).sure(false);
    }
    if process.stat.state == 'R' || subject.is_young(index.facts.now) {
        return Found::new(State::Creating, "init is at work").since(index.started(process));
    }
    let why = if subject.phase() == Some(Phase::Started) {
        "init has gone on, and what it waits for is not known"
    } else {
        "what init waits for is not known"
    };
    Found::new(State::Unknowable, why)
        .sure(false)
        .since(index.started(process))
}

/// The shim's own thread that waits at a FIFO of the container's output.
fn waits_for_output<'f>(subject: &Subject<'f>) -> Option<Found<'f>> {
    let shim = subject.shim.as_ref()?.process;
    let thread = shim
        .threads
        .iter()
        .find(|thread| thread.wait() == Some(Wait::Fifo))?;
    let id = subject.id.bytes();
    let ours = shim.open_files().iter().find(|fd| {
        let target = fd.target.bytes();
        let is_output = [b"-stdin".as_slice(), b"-stdout", b"-stderr"]
            .iter()
            .any(|end| target.ends_with(end));
        is_output && target.windows(id.len().max(1)).any(|part| part == id)
    });
    let mut found = Found::new(
        State::ParkedStdio,
        "its shim waits for whoever should open the FIFOs of its output",
    )
    .by(shim)
    .sure(ours.is_some())
    .note(format!(
        "thread {} of its shim sleeps in {}",
        thread.tid,
        thread.wchan.clone().unwrap_or_default()
    ));
    if let Some(fd) = ours {
        found = found.note(format!("the shim holds {}", fd.target));
    }
    Some(found)
}

/// A start that does not come to its end: runc's own, or whatever the shim calls in its stead.
fn start_hangs<'f>(index: &Index<'f>, subject: &Subject<'f>) -> Option<Found<'f>> {
    let why = "the process that should start it hangs";
    if let Some(start) = subject.commands.iter().find(|command| command.starts()) {
        return Some(Found::new(State::ParkedStartHung, why).by(start.process));
    }
    let shim = subject.shim.as_ref()?.process;
    let own = subject.process()?.pid;
    // Children that stand in the shim's own cgroups were called by it; the others are containers.
    let called = |child: &&Process| {
        child.pid != own && !child.stat.is_dead() && child.cgroups == shim.cgroups
    };
    let child = index.processes.children(shim.pid).find(called)?;
    let named = child
        .cmdline
        .as_deref()
        .is_some_and(|words| words.contains(&subject.id));
    Some(
        Found::new(State::ParkedStartHung, why)
            .by(child)
            .sure(named),
    )
}

/// Another child of a creator than the init.
pub(crate) fn hook_of<'f>(
    index: &Index<'f>,
    creator: &Process,
    init: &Process,
) -> Option<&'f Process> {
    let mut children = index.processes.children(creator.pid);
    children.find(|child| {
        child.pid != init.pid && !child.stat.is_dead() && !crate::facts::is_runc_init(child)
    })
}

/// Whether `create` died before it wrote the pid file.
fn no_pid_file(subject: &Subject<'_>) -> Option<&'static str> {
    match (subject.creation_done(), subject.bundle) {
        (Some(false), Some(_)) => Some("init waits at its FIFO, and its bundle has no init.pid"),
        (Some(false), None) => Some(
            "init waits at its FIFO, and its pid file still has the name that it had while it was \
             written",
        ),
        _ => None,
    }
}
