//! The order in which a container is judged: the first thing that explains everything else wins.
//!
//! 1. a runtime that hangs before it has made anything;
//! 2. the process that the state names: is it that one, or another with its number;
//! 3. one that has ended;
//! 4. one that was stopped;
//! 5. a freezer, of its own cgroup or one above it (before `wchan` is believed: a frozen task shows
//!    what it waited for before);
//! 6. a workload; or
//! 7. an init: what it waits for, then who should answer.

use process::{Frozen, Wait};

use crate::State;
use crate::facts::Index;
use crate::found::Found;
use crate::state::{child_held, dying, outlived};
use crate::subject::{Init, Subject, Whose};
use crate::{creating, ended, exec, parked, workload};

pub(crate) fn judge<'f>(index: &Index<'f>, subject: &Subject<'f>) -> Found<'f> {
    if let Some(found) = crate::offline::not_read(subject) {
        let found = crate::gvisor::judge(index, subject).unwrap_or(found);
        return crate::unread::look(index, subject, found);
    }
    if let Some(found) = creating::runtime_blocked(subject) {
        return found;
    }
    let process = match subject.init {
        Init::Alive(process) => process,
        Init::Reused(other) => {
            return outlived::judge(index, subject)
                .unwrap_or_else(|| ended::reused(index, subject, other));
        }
        Init::Gone | Init::Unnamed => return ended::gone(index, subject),
        Init::Unseen => {
            return Found::new(
                State::Unknowable,
                "its init was not seen, but not every process was",
            )
            .sure(false);
        }
    };
    let started = index.started(process);
    if process.stat.is_dead() {
        return dying::leader(index, subject, process)
            .unwrap_or_else(|| ended::zombie(index, subject, process));
    }
    if let Some(found) = dying::judge(index, subject, process) {
        return found;
    }
    if process.stat.is_stopped() {
        let mut found = Found::new(
            State::InitStopped,
            "init was stopped, and was not continued",
        )
        .since(started);
        if let Some(tracer) = process.status.tracer {
            found = found.note(format!("pid {tracer} traces it"));
        }
        return found;
    }
    if let Some(found) = child_held::judge(index, subject, process) {
        return found;
    }
    let is_init = subject.is_init(process);
    if let Some(found) = frozen(index, subject, is_init) {
        return found;
    }
    if let Some(found) = exec::stuck(index, subject) {
        return found;
    }
    if !is_init {
        return workload::judge(index, subject, process);
    }
    match crate::facts::held_by(process) {
        Some(Wait::Seccomp) => Found::new(
            State::SeccompWait,
            "init waits for a seccomp agent's answer",
        )
        .since(started),
        Some(Wait::Memory) => workload::out_of_memory(index, subject, process)
            .unwrap_or_else(|| Found::new(State::OomStall, "init waits for memory").sure(false))
            .since(started),
        Some(wait) if wait.is_for_a_file() => creating::storage(index, subject, process),
        Some(Wait::Fifo) => parked::judge(index, subject, process),
        Some(Wait::PipeFull) => Found::new(
            State::StdoutFull,
            "init waits for room in a pipe: what it says is not read",
        )
        .sure(false)
        .since(started),
        Some(Wait::Poll) if subject.is_crun() => parked::judge(index, subject, process),
        // At the end of a FIFO whose start died, crun's init reads nothing, again and again.
        None | Some(Wait::Other)
            if subject.is_crun() && parked::holds_removed(subject, process) =>
        {
            parked::judge(index, subject, process)
                .note("it does not sleep: it may read the end of the FIFO again and again")
        }
        Some(Wait::Socket) if subject.is_youki() => parked::of_youki(index, subject, process),
        Some(Wait::Socket) => creating::waits_for_creator(index, subject, process),
        Some(wait) => creating::waits_for_child(index, subject, process, wait),
        None => parked::by_open_files(index, subject, process),
    }
}

/// What freezes it.
fn frozen<'f>(index: &Index<'f>, subject: &Subject<'f>, is_init: bool) -> Option<Found<'f>> {
    let process = subject.process()?;
    let places = &index.processes.places;
    let (freezer, _) = places.frozen(&index.processes.tree, &process.cgroups);
    let mut freezer = freezer?;
    let whose = subject.whose_cgroup(&freezer);
    freezer.own = whose != Whose::Above;
    if let Some(found) = exec::frozen(index, subject) {
        return Some(Found {
            freezer: Some(freezer),
            ..found
        });
    }
    let workload = !is_init && !subject.has_fifo();
    // Where both kinds are mounted, runc pauses with v1 only.
    let has_v1 = process.cgroups.iter().any(|group| group.has("freezer"));
    let (state, why) = match (freezer.how, freezer.own) {
        (Frozen::V1Freezing | Frozen::V2Freezing, _) => (
            State::Freezing,
            "its cgroup was to be frozen, and a task in it does not freeze",
        ),
        (_, false) => (State::FrozenAncestor, "a cgroup above its own is frozen"),
        // `pause` freezes the container's own, and `resume` thaws no other.
        (Frozen::V1, true) if whose == Whose::Inside => (
            State::FrozenV1,
            "a cgroup inside its own is frozen (v1): `resume` does not thaw it",
        ),
        (Frozen::V2, true) if whose == Whose::Inside => (
            State::FrozenV2,
            "a cgroup inside its own is frozen (v2): `resume` does not thaw it",
        ),
        (Frozen::V1, true) if workload => (State::Paused, "its own cgroup is frozen"),
        (Frozen::V2, true) if workload && !has_v1 => (State::Paused, "its own cgroup is frozen"),
        (Frozen::V1, true) => (State::FrozenV1, "its own cgroup is frozen (v1)"),
        (Frozen::V2, true) => (State::FrozenV2, "its own cgroup is frozen (v2)"),
    };
    if state == State::Paused
        && let Some(found) = workload::shim_held(index, subject)
    {
        // Nobody can let it go on.
        return Some(
            found
                .since(index.started(process))
                .note("the container is also paused"),
        );
    }
    let mut found = Found::new(state, why).since(index.started(process));
    found.freezer = Some(freezer);
    Some(found)
}
