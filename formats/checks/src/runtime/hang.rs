//! Containers that hang, where their processes are known.

use std::collections::BTreeSet;

use finding::{Finding, Location, Text};
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
        let commands = one.remedy.commands.join("`, then `");
        let mut remedy = if commands.is_empty() {
            one.remedy.why.clone()
        } else if one.remedy.safe {
            format!("`{commands}`: {}", one.remedy.why)
        } else {
            format!("Not without risk: `{commands}`: {}", one.remedy.why)
        };
        for never in &one.never {
            remedy.push(' ');
            remedy.push_str(never);
        }
        judge.say(finding.remedy(remedy));
    }
}
