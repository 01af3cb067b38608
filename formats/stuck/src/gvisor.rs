//! A task of gVisor: what its state file says, and whether its sandbox lives.
//!
//! That it runs, is paused or has ended is believed where the process of its sandbox agrees. Of
//! everything else nothing is judged (`not-read`), and no command is given: only runsc reaches what
//! runs inside.

use runc::{Gvisor, GvisorStatus};

use crate::State;
use crate::facts::Index;
use crate::found::Found;
use crate::subject::Subject;

/// What is known of it; nothing where that is no more than that gVisor keeps it.
pub(crate) fn judge<'f>(index: &Index<'f>, subject: &Subject<'f>) -> Option<Found<'f>> {
    let told = told(subject)?;
    let status = told.status?;
    let since = told.created;
    if status == GvisorStatus::Stopped {
        return Some(ended().since(since));
    }
    let pid = told.sandbox_pid?;
    let word = status.word();
    let Some(process) = index.processes.get(pid).filter(|it| !it.stat.is_dead()) else {
        let why = format!("gVisor wrote that it is {word}, and its sandbox, pid {pid}, has ended");
        return index
            .processes
            .whole
            .then(|| Found::new(State::NotRead, why).sure(false).since(since));
    };
    // Another process may have its number: a sandbox is runsc, and in the pod's cgroup.
    let is_runsc = process.program().starts_with(b"runsc")
        || process.stat.comm.bytes().starts_with(b"exe")
        || process.stat.comm.bytes().starts_with(b"runsc");
    let stands = process.stat.is_stopped() || process.stat.state == 'D';
    if !is_runsc || stands {
        return None;
    }
    let why = format!("gVisor wrote that it is {word}, and its sandbox, pid {pid}, runs");
    let state = match status {
        GvisorStatus::Running => State::Running,
        GvisorStatus::Paused => State::Paused,
        _ => return Some(Found::new(State::NotRead, why).sure(false).since(since)),
    };
    let mut found = Found::new(state, why).since(since);
    found
        .notes
        .push(format!("{} says status {word}", told.path));
    Some(found)
}

/// The same, where processes are not known.
pub(crate) fn offline<'f>(subject: &Subject<'f>) -> Option<Found<'f>> {
    let told = told(subject)?;
    let status = told.status?;
    let since = told.created;
    if status == GvisorStatus::Stopped {
        return Some(ended().since(since));
    }
    let why = format!(
        "gVisor wrote that it is {}; whether its sandbox runs, files alone do not show",
        status.word()
    );
    Some(Found::new(State::NotRead, why).sure(false).since(since))
}

fn ended<'f>() -> Found<'f> {
    Found::new(State::Exited, "gVisor wrote that it has ended")
}

fn told<'f>(subject: &Subject<'f>) -> Option<&'f Gvisor> {
    let is_gvisors = matches!(&subject.keeper, runc::Keeper::Unread(name) if *name == *"runsc");
    subject
        .gvisor
        .filter(|_| is_gvisors && subject.container.is_none())
}
