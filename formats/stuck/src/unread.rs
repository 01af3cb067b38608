//! A task of a runtime that is not read: what its processes show, and no judgement.

use process::Process;

use crate::facts::Index;
use crate::found::Found;
use crate::subject::Subject;

/// Processes that are listed of one task.
const MOST: usize = 8;

/// Adds what is seen of it. That its shim or a process of it was stopped is told, too, for whoever
/// knows its runtime.
pub(crate) fn look<'f>(index: &Index<'f>, subject: &Subject<'f>, found: Found<'f>) -> Found<'f> {
    let mut found = found;
    if let Some(shim) = &subject.shim {
        found = found.note(seen("its shim, ", shim.process));
    } else if index.processes.whole {
        found = found.note("no shim was found that is called for it: members of a pod share one");
    }
    let members = subject.members.iter().filter(|it| !it.stat.is_dead());
    for member in members.take(MOST) {
        found = found.note(seen("in its cgroup, ", member));
    }
    found
}

fn seen(what: &str, process: &Process) -> String {
    format!(
        "{what}pid {} ({}): state {}",
        process.pid,
        process.command(),
        process.stat.state
    )
}
