//! A container whose program runs: what may be wrong all the same.

use finding::Time;
use process::{Process, Wait};

use crate::State;
use crate::facts::{Index, is_setns};
use crate::found::Found;
use crate::state::{at_limit, child_held, dying};
use crate::subject::Subject;

/// Seconds that a start may take between letting it go and removing the FIFO.
const START: i64 = 2;

pub(crate) fn judge<'f>(
    index: &Index<'f>,
    subject: &Subject<'f>,
    process: &'f Process,
) -> Found<'f> {
    let since = subject
        .container
        .and_then(|container| container.derived.since)
        .or_else(|| index.started(process));
    if subject.has_fifo() && !subject.is_crun() {
        return fifo_left(index, subject, since);
    }
    for member in core::iter::once(&process).chain(&subject.members) {
        if crate::facts::held_by(member) == Some(Wait::Memory)
            && let Some(found) = out_of_memory(index, subject, member)
        {
            return found.since(index.started(member));
        }
    }
    if let Some(found) = on_storage(index, subject, process) {
        return found;
    }
    if let Some(found) = crate::state::seccomp_wait::judge(index, subject, process) {
        return found;
    }
    if let Some(found) = shim_held(index, subject) {
        return found.since(since);
    }
    if subject.is_damaged() {
        return Found::new(
            State::StateDamaged,
            "it runs, and no runtime can read its state file",
        )
        .since(since);
    }
    if subject.is_containerds() && subject.lost_state(index) && !subject.is_young(index.facts.now) {
        let why = "it runs, and its runtime has no state of it: no runtime can reach it";
        let mut found = Found::new(State::Unreachable, why).since(since);
        found.culprit = Some(process);
        return found;
    }
    if let Some(found) = output_full(index, subject, process) {
        return found;
    }
    if let Some(found) = crate::state::shim_mute::judge(index, subject) {
        return found.since(since);
    }
    if subject.is_containerds() && subject.shim.is_none() && index.processes.whole {
        return Found::new(State::ShimDied, "it runs, and its shim is gone").since(since);
    }
    runs(index, subject, process).since(since)
}

/// Its program runs; whether its limits keep it from more, slow it down, or had the kernel kill some of it is told.
fn runs<'f>(index: &Index<'f>, subject: &Subject<'f>, process: &'f Process) -> Found<'f> {
    if let Some(found) = at_limit::tasks(index, process) {
        return found;
    }
    let mut found = elsewhere(subject, process)
        .unwrap_or_else(|| Found::new(State::Running, "its program runs"));
    let all = core::iter::once(&process).chain(&subject.members);
    if let Some((tid, wchan)) = all.copied().find_map(Process::deep_thread) {
        found.why = format!(
            "{}; thread {tid} of it takes no signal (D), in {wchan} of the kernel: what it waits for is not known",
            found.why
        );
        found.sure = false;
    }
    for (why, evidence) in at_limit::slowed(index.processes, process) {
        found.why.push_str("; ");
        found.why.push_str(&why);
        found = found.note(evidence);
    }
    for member in subject.members.iter().filter(|it| it.pid != process.pid) {
        if let Some(dying) = dying::unreaped(index, subject, member) {
            found.why = format!("{}; of pid {} of it: {}", found.why, member.pid, dying.why);
        }
    }
    let places = &index.processes.places;
    let kills = places.oom_kills(&index.processes.tree, &process.cgroups);
    let Some(kills) = kills.filter(|kills| kills.count > 0) else {
        return found;
    };
    let processes = match kills.count {
        1 => "1 process".to_owned(),
        count => format!("{count} processes"),
    };
    let limit = kills
        .limit
        .map_or_else(String::new, |limit| format!("; its limit is {limit} bytes"));
    found.why = format!(
        "{}; the kernel killed {processes} of it for want of memory{limit}",
        found.why
    );
    found.note(format!("oom_kill of {} is {}", kills.folder, kills.count))
}

/// It runs, and in no cgroup that its state names: somebody moved it, as systemd does when it ends a
/// scope that it made (runc#4620). Its limits do not hold, and its runtime cannot pause it.
fn elsewhere<'f>(subject: &Subject<'f>, process: &Process) -> Option<Found<'f>> {
    let state = subject.container.and_then(runc::Container::best_state)?;
    let is_its = |folder: &[u8], group: &[u8]| {
        let group = group.strip_suffix(b"/").unwrap_or(group);
        // A container may move into cgroups of its own below.
        let mut above = group;
        loop {
            if !above.is_empty() && folder.ends_with(above) {
                return true;
            }
            match above.iter().rposition(|byte| *byte == b'/') {
                Some(at) if at > 0 => above = above.get(..at).unwrap_or_default(),
                _ => return false,
            }
        }
    };
    let paths = &state.cgroup_paths;
    let whole = !paths.is_empty() && !process.cgroups.is_empty();
    // As the init of a cgroup namespace sees it, everything is the root.
    let hidden = process.cgroups.iter().any(|group| {
        let path = group.path.bytes();
        path == b"/" || path.starts_with(b"/..")
    });
    let mut named = paths.iter();
    let is_there = named.any(|(_, folder)| {
        let mut groups = process.cgroups.iter();
        groups.any(|group| is_its(folder.bytes(), group.path.bytes()))
    });
    let first = process.cgroups.first()?;
    (whole && !hidden && !is_there).then(|| {
        let why = format!(
            "its program runs, in another cgroup than its state names: {}; its limits do not hold there",
            first.path
        );
        Found::new(State::Running, why).sure(false)
    })
}

/// A process of it, or a thread of one, waits for a file system, and did so at a second look, too.
pub(crate) fn on_storage<'f>(
    index: &Index<'f>,
    subject: &Subject<'f>,
    init: &'f Process,
) -> Option<Found<'f>> {
    let others = subject.members.iter().copied();
    let mut all = core::iter::once(init).chain(others.filter(|it| it.pid != init.pid));
    let hung =
        all.find(|it| it.wait().is_some_and(Wait::is_for_a_file) || it.hung_thread().is_some())?;
    let mut found = crate::creating::storage(index, subject, hung).by(hung);
    if found.state == State::Creating {
        return None;
    }
    let what = crate::creating::waits_for(found.state);
    found.why = match hung.hung_thread() {
        Some(thread) if !hung.wait().is_some_and(Wait::is_for_a_file) => {
            format!(
                "thread {} of pid {} of it waits for {what}",
                thread.tid, hung.pid
            )
        }
        _ => format!("pid {} of it waits for {what}", hung.pid),
    };
    Some(found)
}

/// Its shim does not move: it was stopped, or is frozen.
pub(crate) fn shim_held<'f>(index: &Index<'f>, subject: &Subject<'f>) -> Option<Found<'f>> {
    let shim = subject.shim.as_ref()?.process;
    if shim.stat.is_stopped() {
        return Some(Found::new(State::ShimStopped, "its shim was stopped").by(shim));
    }
    let places = &index.processes.places;
    let (freezer, _) = places.frozen(&index.processes.tree, &shim.cgroups);
    let Some(freezer) = freezer else {
        return shim_waits(index, subject, shim)
            .or_else(|| child_held::find(index, shim, "its shim"));
    };
    let mut found = Found::new(State::ShimStopped, "its shim is frozen").by(shim);
    found.freezer = Some(freezer);
    Some(found)
}

/// Its shim, or a thread of it, waits for a file system.
fn shim_waits<'f>(
    index: &Index<'f>,
    subject: &Subject<'f>,
    shim: &'f Process,
) -> Option<Found<'f>> {
    let own = shim.wait().is_some_and(Wait::is_for_a_file);
    let thread = shim.hung_thread();
    if !own && thread.is_none() {
        return None;
    }
    let mut found = crate::creating::storage(index, subject, shim).by(shim);
    if found.state == State::Creating {
        return None;
    }
    let what = crate::creating::waits_for(found.state);
    found.why = match thread {
        Some(thread) if !own => format!("thread {} of its shim waits for {what}", thread.tid),
        _ => format!("its shim waits for {what}"),
    };
    Some(found)
}

/// The FIFO is there, and it runs.
fn fifo_left<'f>(index: &Index<'f>, subject: &Subject<'f>, since: Option<Time>) -> Found<'f> {
    let start = subject.commands.iter().find(|command| command.starts());
    let released = subject
        .container
        .and_then(|container| container.fifo.as_ref());
    let lately = released.is_some_and(|stat| index.facts.now.since(stat.mtime) < START);
    match start {
        Some(start) if !lately => Found::new(
            State::SecondStartHung,
            "it runs, its FIFO was left, and another start waits there",
        )
        .by(start.process)
        .since(index.started(start.process)),
        None if !lately => Found::new(
            State::StartedFifoStale,
            "it runs, and its FIFO was left: runc says created",
        )
        .since(since),
        _ => Found::new(State::Running, "it was started this moment").since(since),
    }
}

/// Its memory cgroup is full, and told not to kill.
pub(crate) fn out_of_memory<'f>(
    index: &Index<'f>,
    subject: &Subject<'f>,
    process: &'f Process,
) -> Option<Found<'f>> {
    let places = &index.processes.places;
    let oom = places.out_of_memory(&index.processes.tree, &process.cgroups);
    let mut found = Found::new(
        State::OomStall,
        "a process of it waits for memory, and none may be killed for it",
    )
    .by(process)
    .note(format!(
        "pid {} ({}) sleeps in {}",
        process.pid,
        process.command(),
        process.wchan.clone().unwrap_or_default()
    ));
    if is_setns(process)
        && subject
            .process()
            .is_some_and(|init| init.pid != process.pid)
    {
        found = found.note("it is an exec");
    }
    match oom {
        // The kernel kills; it takes a moment.
        Some(oom) if !oom.disabled => return None,
        Some(oom) => {
            found = found.note(format!(
                "memory.oom_control of {}: under_oom {}, oom_kill_disable 1",
                oom.folder,
                u8::from(oom.under)
            ));
            found.oom = Some(oom);
        }
        None => found = found.sure(false),
    }
    Some(found)
}

/// A process of it waits for room in the pipe that is its output.
fn output_full<'f>(
    index: &Index<'f>,
    subject: &Subject<'f>,
    init: &'f Process,
) -> Option<Found<'f>> {
    let others = subject.members.iter().copied();
    let all = core::iter::once(init).chain(others);
    let mut blocked = all.filter(|process| process.wait() == Some(Wait::PipeFull));
    blocked.find_map(|process| {
        // write(2) is 1 on x86_64 and 64 on arm64.
        let written = process.syscall.as_ref().and_then(|call| call.arg(0));
        let number = written.and_then(|fd| u32::try_from(fd).ok());
        let fd = process.fd(number.unwrap_or(1))?;
        let outputs = [init.fd(1), init.fd(2)];
        let is_output = outputs
            .into_iter()
            .flatten()
            .any(|output| output.target == fd.target);
        if !is_output || index.age(process).is_none_or(|age| age < 1) {
            return None;
        }
        let readers: Vec<String> = index
            .processes
            .iter()
            .filter(|other| other.pid != process.pid && !other.in_cgroup_of(subject.id.bytes()))
            .filter(|other| {
                other
                    .open_files()
                    .iter()
                    .any(|held| held.target == fd.target)
            })
            .map(|other| format!("pid {} ({}) has the pipe open", other.pid, other.command()))
            .take(4)
            .collect();
        let mut found = Found::new(
            State::StdoutFull,
            "it waits for room in the pipe of its output: no process reads the pipe",
        )
        .since(index.started(process))
        .note(format!(
            "pid {} ({}) writes to {} ({})",
            process.pid,
            process.command(),
            fd.number,
            fd.target
        ));
        found.notes.extend(readers);
        found.culprit = subject.shim.as_ref().map(|shim| shim.process);
        Some(found)
    })
}
