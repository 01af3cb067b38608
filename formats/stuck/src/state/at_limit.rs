//! `at-limit`: its program runs, and the kernel refuses it new processes and threads.
//!
//! Given where its cgroup, or one above it, has as many tasks as it may have, and the kernel has refused one
//! (`pids.events`): a container that is limited to what it has is well. So is one that its quota of processor time
//! slows down, or `memory.high`: that is told with `running`, as it is what its limits are for.
//!
//! Tests: `tests/states/limits.rs`.

use finding::{Remedy, Step};
use process::{Process, Processes};

use super::{Row, State};
use crate::facts::Index;
use crate::found::Found;
use crate::may::Signs;
use crate::remedy::{Case, safe};

pub(super) const ROW: Row = Row {
    state: State::AtLimit,
    word: "at-limit",
    row: None,
    healthy: false,
    cause: "It makes more processes or threads than its limit allows, or leaves ended ones unreaped.",
    never: &[],
    remedy: way_out,
    may: Signs::gone_on,
};

/// Whether its tasks are all that it may have, and one was refused.
pub(crate) fn tasks<'f>(index: &Index<'_>, process: &Process) -> Option<Found<'f>> {
    let places = &index.processes.places;
    let tasks = places.tasks_left(&index.processes.tree, &process.cgroups);
    let tasks = tasks.filter(|it| it.left() == 0)?;
    let refused = tasks.refused.filter(|count| *count > 0)?;
    let whose = if tasks.own {
        "its cgroup"
    } else {
        "a cgroup above its own"
    };
    let why = format!(
        "its program runs, and {whose} has all of the {} tasks that it may have: no process or thread can be \
         made in it",
        tasks.max
    );
    let evidence = format!(
        "{}: pids.current {}, pids.max {}, pids.events max {refused}",
        tasks.folder, tasks.current, tasks.max
    );
    Some(Found::new(State::AtLimit, why).note(evidence))
}

/// Of one that runs: what slows it down, and the proof of each.
pub fn slowed(processes: &Processes, process: &Process) -> Vec<(String, String)> {
    let (tree, places) = (&processes.tree, &processes.places);
    let mut all = Vec::new();
    let throttled = places.throttled(tree, &process.cgroups);
    // Some waiting is what a quota is for.
    let is_much = |periods: u64, throttled: u64| periods >= 8 && throttled >= periods / 2;
    if let Some(it) = throttled.filter(|it| is_much(it.periods, it.throttled)) {
        all.push((
            format!(
                "it waited for its quota of processor time in {} of {} periods",
                it.throttled, it.periods
            ),
            format!(
                "{}: {} µs of {} µs; cpu.stat nr_periods {}, nr_throttled {}",
                it.folder, it.quota, it.period, it.periods, it.throttled
            ),
        ));
    }
    if let Some(it) = places.memory_high(tree, &process.cgroups) {
        all.push((
            "it has more memory than memory.high, and the kernel slows it down".to_owned(),
            format!(
                "{}: memory.current {}, memory.high {}, memory.events high {}",
                it.folder, it.current, it.high, it.events
            ),
        ));
    }
    all
}

fn way_out(_: &Case<'_, '_>) -> Remedy {
    safe(
        "Nothing on the node is to be repaired. Have it make fewer processes and threads, or give it a higher limit: \
         podPidsLimit of the kubelet, --pids-limit of the one who made it.",
        vec![Step::words(
            "See which of its processes there are many of: cgroup.procs in that folder. Ended ones (Z) wait \
             for its first process to reap them.",
        )],
    )
}
