//! Shims that no daemon finds: their bundles are gone. Below most of them nothing runs any more; what
//! runs below the others, nobody but the shim knows.
//!
//! containerd finds shims by their bundles, so no start of it ends such a one. It holds memory, its
//! socket and sometimes the log of the pod. (containerd#12560, rke2#8825.)
//!
//! Tests: `tests/states/left.rs`.

use finding::program;
use finding::{Draft, Remedy, Step, Text, Time};
use process::Processes;
use runc::{Keeper, Runtime};
use serde::Serialize;

use crate::facts::{Facts, Index};
use crate::remedy::{ADDRESS, kill, risky, safe};
use crate::whose::{Host, Shim};

/// Seconds in which a shim may be about to get its bundle, or about to end.
const YOUNG: u64 = 60;

/// A shim whose bundle is gone.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct LeftShim {
    /// Its pid.
    pub pid: u32,
    /// containerd's namespace.
    pub namespace: Text,
    /// The task, or the pod, that it was started for.
    pub id: Text,
    /// Processes that live below it, if nobody but the shim knows them.
    pub processes: Vec<u32>,
    /// When it started, in clock ticks since boot.
    pub start_ticks: u64,
    /// Since when it runs.
    pub since: Option<Time>,
    /// How to end it.
    pub remedy: Remedy,
}

/// Every such shim of the examined containerd.
pub(crate) fn find(facts: Facts<'_>, index: &Index<'_>) -> Vec<LeftShim> {
    let old = |shim: &&Shim<'_>| index.age(shim.process).is_some_and(|age| age >= YOUNG);
    let left = index.host.left_over(facts.runtime, index.processes);
    let left = left.filter(old).map(|shim| LeftShim {
        pid: shim.process.pid,
        namespace: shim.namespace.clone(),
        id: shim.id.clone(),
        processes: living(index.processes, shim).map(|it| it.pid).collect(),
        start_ticks: shim.process.stat.start_ticks,
        since: index.started(shim.process),
        remedy: way_out(index.processes, shim),
    });
    left.collect()
}

/// What lives below a shim.
fn living<'p>(
    processes: &'p Processes,
    shim: &Shim<'_>,
) -> impl Iterator<Item = &'p process::Process> + use<'p> {
    let children = processes.children(shim.process.pid);
    children.filter(|child| !child.stat.is_dead())
}

fn way_out(processes: &Processes, shim: &Shim<'_>) -> Remedy {
    let living: Vec<&process::Process> = living(processes, shim).collect();
    if !living.is_empty() {
        // A container that serves, whose /run was cleaned, looks the same as one that was replaced.
        let pids: Vec<String> = living.iter().map(|it| it.pid.to_string()).collect();
        let why = format!(
            "Its bundle is gone, and what runs below it runs on (pid {}): no start of containerd finds it. It may be the \
             container that is in use, or one whose owner has made another since: ask the owner (kubelet, Docker, \
             a person) first.",
            pids.join(", ")
        );
        let end = "End the processes only if the owner does not want them: what is in them is lost. The shim ends with \
                   them.";
        return risky(&why, vec![Step::words(end)]);
    }
    let list = Draft::new(program::CTR);
    let list = match shim.address.as_ref().filter(|it| **it != *ADDRESS) {
        Some(elsewhere) => list.value("--address", elsewhere.clone()),
        None => list,
    };
    let list = list.value("--namespace", shim.namespace.clone());
    let list = list.words(&["tasks", "ls"]).command().map(Step::from);
    let look = Step::words(format!(
        "End it only if there is no task {} there:",
        shim.id
    ));
    // Only a D is not ended by it; then it is no shim that is left, but one that hangs.
    let end = kill("-TERM", shim.process.pid).into_iter();
    let again = kill("-KILL", shim.process.pid).into_iter();
    let mut steps: Vec<Step> = list.into_iter().collect();
    steps.push(look);
    steps.extend(end);
    steps.push(Step::words("If it is still there after a second:"));
    steps.extend(again);
    safe(
        "Its bundle is gone, nothing runs below it, and no start of containerd ends it. End it by its pid.",
        steps,
    )
}

impl<'p> Host<'p> {
    /// Shims of runc of the examined containerd that have no bundle.
    pub fn left_over<'h>(
        &'h self,
        runtime: &'h Runtime,
        processes: &'h Processes,
    ) -> impl Iterator<Item = &'h Shim<'p>> {
        let known = runtime.whole.bundles && processes.whole && runtime.unseen_roots.is_empty();
        let ours = self.shims().iter().filter(move |_| known);
        ours.filter(move |shim| {
            let is_runcs = Keeper::of_process(shim.process.program()) == Some(Keeper::Runc);
            let stands = shim.process.stat.state != 'D' && !shim.process.stat.is_dead();
            shim.other.is_none()
                && is_runcs
                && stands
                && !shim.id.is_empty()
                && !has_bundle(runtime, shim)
                && was_removed(processes, shim)
        })
    }
}

/// Whether its bundle was gone when the shim was looked at. On a machine that runs, bundles are read
/// after processes: a task that was removed meanwhile leaves a shim without bundle, too.
fn was_removed(processes: &Processes, shim: &Shim<'_>) -> bool {
    let cwd = shim.process.cwd.as_ref();
    let stands = cwd.is_some_and(|cwd| {
        let bytes = cwd.bytes();
        let tasks = runc::TASKS.as_bytes();
        let in_bundle = bytes.windows(tasks.len().max(1)).any(|part| part == tasks);
        in_bundle && !bytes.ends_with(b" (deleted)")
    });
    !(processes.live && stands)
}

/// Whether a bundle is served by a shim: its own, or that of a member of its group or pod. One that
/// is being removed counts, too.
fn has_bundle(runtime: &Runtime, shim: &Shim<'_>) -> bool {
    let of_namespace = |it: &&runc::Bundle| it.namespace == shim.namespace;
    let mut bundles = runtime.bundles.iter().filter(of_namespace);
    bundles.any(|bundle| {
        let group = bundle.spec.get().map(|spec| spec.group(&bundle.id));
        // What stands in a bundle that cannot be read may name any shim.
        bundle.spec.get().is_none()
            || bundle.id == shim.id
            || group == Some(&shim.id)
            || bundle.sandbox.as_ref() == Some(&shim.id)
    })
}
