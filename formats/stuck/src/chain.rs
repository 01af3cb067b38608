//! Who waits for whom, from the init up to the daemon.

use finding::Text;
use process::{Process, Wait};
use serde::Serialize;

use crate::State;
use crate::facts::{Index, held_by};
use crate::found::Found;
use crate::subject::Subject;

/// One that waits.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Waiter {
    /// Its pid.
    pub pid: u32,
    /// What it is.
    pub who: Text,
    /// What it waits for, in words.
    pub waits_for: String,
}

pub(crate) fn waiters_of(
    index: &Index<'_>,
    subject: &Subject<'_>,
    found: &Found<'_>,
) -> Vec<Waiter> {
    let mut chain: Vec<Waiter> = Vec::new();
    let mut add = |process: &Process, what: String| {
        if chain.iter().all(|waiter| waiter.pid != process.pid) {
            chain.push(Waiter {
                pid: process.pid,
                who: process.command(),
                waits_for: what,
            });
        }
    };
    if let Some(init) = subject.process() {
        add(init, init_waits(index, subject, found, init));
    }
    if let Some(culprit) = found.culprit {
        add(culprit, plain_wait(culprit));
    }
    for command in &subject.commands {
        let what = match command.verb {
            "create" | "run" => "its init, or a hook",
            "start" => "init to go on",
            "exec" => "its exec's init",
            "delete" | "kill" => "its init to end",
            _ => "the container",
        };
        add(command.process, what.to_owned());
    }
    if let Some(shim) = &subject.shim {
        let what = if shim.process.stat.is_stopped() {
            "a signal to continue".to_owned()
        } else if found.state == State::ParkedStdio {
            "a reader of the container's output".to_owned()
        } else if let Some(command) = subject.commands.first() {
            format!("pid {} (runtime {})", command.process.pid, command.verb)
        } else if found.state == State::ParkedStartHung
            && let Some(culprit) = found.culprit
        {
            format!("pid {}", culprit.pid)
        } else {
            "requests".to_owned()
        };
        add(shim.process, what);
        // Another daemon's shim is asked by that one.
        if let Some(daemon) = index.daemon.filter(|_| shim.other.is_none()) {
            let what = match found.state {
                State::Parked => "nothing of this container: it has not asked for the start",
                State::Running | State::Created | State::Exited | State::Paused => "requests",
                _ => "its shim's answer",
            };
            add(daemon, what.to_owned());
        }
    }
    chain
}

fn init_waits(
    index: &Index<'_>,
    subject: &Subject<'_>,
    found: &Found<'_>,
    init: &Process,
) -> String {
    let somebody = |found: &Found<'_>| match found.culprit {
        Some(process) => format!("pid {} ({})", process.pid, process.command()),
        None => "no known process".to_owned(),
    };
    match found.state {
        State::Parked | State::ParkedOrphan | State::ParkedNoPidFile | State::Created => {
            format!("a start, at {}", subject.place())
        }
        State::ParkedFifoMissing => "a start, at a FIFO that is gone".to_owned(),
        State::ParkedStartHung | State::ParkedStdio => {
            format!(
                "a start, at exec.fifo, that {} should make",
                somebody(found)
            )
        }
        State::HookContainer | State::HookStart => format!("the hook {}", somebody(found)),
        State::HookHost | State::CreatorStopped | State::Creating => match subject.creator(index) {
            Some(creator) => format!("its creator, pid {}", creator.pid),
            None => "its creator, which is gone".to_owned(),
        },
        _ => plain_wait(init),
    }
}

fn plain_wait(process: &Process) -> String {
    if process.stat.is_stopped() {
        return Wait::Stopped.words().to_owned();
    }
    if process.stat.is_dead() {
        return "its parent, to be reaped".to_owned();
    }
    held_by(process).map_or_else(
        || "not known what".to_owned(),
        |wait| wait.words().to_owned(),
    )
}
