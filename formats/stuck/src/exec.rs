//! Execs into a container: they leave nothing in its folder, and are seen only as processes.

use process::Wait;

use crate::State;
use crate::facts::{Index, held_by};
use crate::found::Found;
use crate::subject::Subject;

/// Seconds in which an exec has become its program.
const STEP: u64 = 5;

/// An exec into a container that is frozen.
pub(crate) fn frozen<'f>(index: &Index<'f>, subject: &Subject<'f>) -> Option<Found<'f>> {
    let exec = subject.execs(index).into_iter().next()?;
    Some(
        Found::new(
            State::ExecFrozen,
            "an exec into it hangs, for the container is frozen",
        )
        .by(exec)
        .since(index.started(exec))
        .note(format!(
            "pid {} ({}) is the exec's init",
            exec.pid, exec.stat.comm
        )),
    )
}

/// An exec whose caller does not go on.
pub(crate) fn stuck<'f>(index: &Index<'f>, subject: &Subject<'f>) -> Option<Found<'f>> {
    subject
        .execs(index)
        .into_iter()
        .find_map(|exec| {
            let caller = index.processes.get(exec.stat.ppid);
            let note = format!("pid {} ({}) is the exec's init", exec.pid, exec.stat.comm);
            let old = index.age(exec).is_some_and(|age| age >= STEP);
            if let Some(caller) = caller.filter(|caller| caller.stat.is_stopped()) {
                let mut found = Found::new(
                    State::ExecCreatorStopped,
                    "an exec into it waits for its caller, which was stopped",
                )
                .by(caller)
                .since(index.started(exec))
                .note(note);
                if let Some(tracer) = caller.status.tracer {
                    found = found.note(format!("pid {tracer} traces it"));
                }
                return Some(found);
            }
            if held_by(exec) == Some(Wait::Memory) {
                return crate::workload::out_of_memory(index, subject, exec)
                    .map(|found| found.since(index.started(exec)));
            }
            if old && held_by(exec).is_some_and(Wait::is_for_a_file) {
                return Some(crate::creating::storage(index, subject, exec).note(note));
            }
            None
        })
        .or_else(|| {
            // It was stopped before it had made an init.
            let mut calls = subject.commands.iter();
            let stopped =
                calls.find(|call| call.verb == "exec" && call.process.stat.is_stopped())?;
            Some(
                Found::new(
                    State::ExecCreatorStopped,
                    "an exec into it was stopped before it had begun",
                )
                .by(stopped.process)
                .since(index.started(stopped.process)),
            )
        })
}
