//! Containers that hang, where their processes are known.

use std::collections::BTreeSet;

use finding::{Finding, Location, Object, Severity, Text};
use process::Processes;
use runc::Runtime;
use stuck::{Diagnosis, Facts};

use super::{runtime, task};
use crate::{Check, Judge};

pub(crate) const STUCK: Check = Check {
    code: &stuck::codes::STUCK,
    needs: &[],
    run: hanging,
};

pub(crate) const DAEMON_STUCK: Check = Check {
    code: &stuck::codes::DAEMON_STUCK,
    needs: &[],
    run: daemon_stuck,
};

pub(crate) const SHIM_LEFT: Check = Check {
    code: &stuck::codes::SHIM_LEFT,
    needs: &[],
    run: shim_left,
};

/// Shims that nothing names any more.
fn shim_left(judge: &mut Judge<'_>) {
    let (Some(runtime), Some(processes)) = (runtime(judge), judge.node.processes.as_deref()) else {
        return;
    };
    let verdicts = stuck::diagnose(Facts {
        runtime,
        processes: Some(processes),
        records: &[],
        now: judge.node.now,
    });
    for one in verdicts.shims {
        let location = Location::file(format!("/proc/{}", one.pid).into_bytes());
        let below = match one.processes.as_slice() {
            [] => "nothing runs below it".to_owned(),
            [pid] => format!("pid {pid} runs below it"),
            pids => format!("{} processes run below it", pids.len()),
        };
        let message = format!(
            "the shim of {}/{}, pid {}, has no bundle, and {below}",
            one.namespace, one.id, one.pid
        );
        let finding = Finding::new(&stuck::codes::SHIM_LEFT, location, message);
        let finding = if one.processes.is_empty() {
            finding
        } else {
            finding.severity(Severity::Damage)
        };
        judge.say(finding.remedy(way_out(&one.remedy, &[])).way(one.remedy));
    }
}

/// The daemon, as its processes show it.
pub(super) fn daemon(judge: &Judge<'_>) -> Option<stuck::Daemon> {
    let (runtime, processes) = (runtime(judge)?, judge.node.processes.as_deref()?);
    stuck::daemon(Facts {
        runtime,
        processes: Some(processes),
        records: &[],
        now: judge.node.now,
    })
}

fn daemon_stuck(judge: &mut Judge<'_>) {
    let Some(one) = daemon(judge).filter(|one| one.stuck && !one.at_limit) else {
        return;
    };
    let location = Location::file(format!("/proc/{}", one.pid).into_bytes());
    let mut finding = Finding::new(&stuck::codes::DAEMON_STUCK, location, one.why.clone());
    for making in &one.making {
        finding = finding.affects(Object::new("container", "k8s.io", making.id.clone()));
    }
    judge.say(finding.remedy(way_out(&one.remedy, &[])).way(one.remedy));
}

/// A way out in one sentence.
fn way_out(remedy: &finding::Remedy, never: &[&str]) -> String {
    let mut words = match remedy.steps.as_slice() {
        [_, ..] if !remedy.is_safe() => format!("Not without risk: {}", remedy.why),
        _ => remedy.why.clone(),
    };
    for never in never {
        words.push(' ');
        words.push_str(never);
    }
    words
}

/// Whether the processes are known: then they tell what the times of files can only suggest.
pub(super) fn processes_tell(judge: &Judge<'_>) -> bool {
    let processes = judge.node.processes.as_deref();
    processes.is_some_and(|processes| processes.whole)
}

/// Containers of which [`STUCK`] speaks, as namespace and id: what else would be said of the same
/// fault is said there.
pub(super) fn told(judge: &Judge<'_>) -> BTreeSet<(Option<Text>, Text)> {
    let (Some(runtime), Some(processes)) = (runtime(judge), judge.node.processes.as_deref()) else {
        return BTreeSet::new();
    };
    if !processes.whole {
        return BTreeSet::new();
    }
    let all = hung(judge, runtime, processes).into_iter();
    all.map(|one| (one.namespace, one.id)).collect()
}

fn hung(judge: &Judge<'_>, runtime: &Runtime, processes: &Processes) -> Vec<Diagnosis> {
    let verdicts = stuck::diagnose(Facts {
        runtime,
        processes: Some(processes),
        records: &[],
        now: judge.node.now,
    });
    let mut containers = verdicts.containers;
    containers.retain(|one| one.state.is_stuck());
    containers
}

fn hanging(judge: &mut Judge<'_>) {
    let (Some(runtime), Some(processes)) = (runtime(judge), judge.node.processes.as_deref()) else {
        return;
    };
    if !processes.whole {
        judge.abstain("not every process was seen");
        return;
    }
    for one in hung(judge, runtime, processes) {
        let container = runtime.container(one.namespace.as_ref(), &one.id);
        let bundle = one
            .namespace
            .as_ref()
            .and_then(|namespace| runtime.bundle(namespace, &one.id));
        let folder = container
            .map(|container| container.path.clone())
            .or_else(|| bundle.map(|bundle| bundle.path.clone()))
            .unwrap_or_else(|| Text::from(format!("/proc/{}", one.pid.unwrap_or_default())));
        let location = Location::file(folder.into_bytes()).place("container", one.id.clone());
        let not_sure = if one.sure { "" } else { " (not sure)" };
        let message = format!("{}{not_sure}: {}", one.state, one.why);
        let mut finding = Finding::new(&stuck::codes::STUCK, location, message)
            .affects(task(one.namespace.as_ref(), &one.id));
        if let Some(pid) = one.pid {
            finding = finding.found(format!("init is pid {pid}"));
        }
        // Who creates a container by hand may start it later.
        if one.state == stuck::State::StartLost && !one.sure {
            finding = finding.severity(Severity::Note);
        }
        judge.say(
            finding
                .remedy(way_out(&one.remedy, &one.never))
                .way(one.remedy),
        );
    }
}
