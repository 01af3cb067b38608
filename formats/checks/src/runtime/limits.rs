//! Limits that the kernel holds the daemon and containers to, where their processes are known.

use finding::{Code, Finding, Location, Object, Severity};
use stuck::{Facts, State};

use super::{hang, runtime, task};
use crate::{Check, Judge};

/// The daemon is at a limit.
pub(crate) const DAEMON_AT_LIMIT: Check = Check {
    code: &Code {
        name: "runtime/daemon-at-limit",
        rule: "R22",
        severity: Severity::Damage,
        title: "containerd has reached a limit and can make nothing new",
        explanation: "The daemon has as many open files as its limit allows, or its cgroup (or one above it) as many tasks. It \
            runs and may answer, but can start no shim, runtime or plugin: pods stay in ContainerCreating, execs and probes \
            fail with `too many open files` or `resource temporarily unavailable`. Containers run on. Given only where the \
            evidence holds the processes: a machine that runs, or a bundle of one.",
        remedy: "Raise the limit of the daemon that runs (`prlimit`, pids.max), then in its unit (LimitNOFILE=, TasksMax=). \
            Nothing has to be stopped.",
    },
    needs: &[],
    run: daemon_at_limit,
};

/// A container is at a limit.
pub(crate) const AT_LIMIT: Check = Check {
    code: &Code {
        name: "runtime/at-limit",
        rule: "R23",
        severity: Severity::Odd,
        title: "A container may make no process or thread",
        explanation: "Its cgroup, or one above it (its pod's), has as many tasks as it may have (pids.max), and the kernel has \
            refused one. The container is reported as running; what it forks fails with `resource temporarily unavailable`, and so do execs and probes \
            that fork. Given only where the evidence holds the processes.",
        remedy: "Nothing on the node is to be repaired: have it make fewer processes and threads (or reap those that have ended), \
            or give it a higher limit.",
    },
    needs: &[],
    run: at_limit,
};

/// Containers that their limits slow down.
pub(crate) const SLOWED: Check = Check {
    code: &Code {
        name: "runtime/slowed",
        rule: "R24",
        severity: Severity::Note,
        title: "A container is slowed down by its limits",
        explanation: "In half of the periods or more its quota of processor time did not suffice (cpu.stat), or it has more memory \
            than memory.high. That is what these limits are for; whoever wonders why probes time out finds the cause here. Given \
            only where the evidence holds the processes.",
        remedy: "Nothing, or give it a higher limit.",
    },
    needs: &[],
    run: slowed,
};

fn daemon_at_limit(judge: &mut Judge<'_>) {
    let Some(one) = hang::daemon(judge).filter(|one| one.at_limit) else {
        return;
    };
    let location = Location::file(format!("/proc/{}", one.pid).into_bytes());
    let message = format!("containerd (pid {}): {}", one.pid, one.why);
    let mut finding = Finding::new(DAEMON_AT_LIMIT.code, location, message);
    if let Some(proof) = one.evidence.get(1) {
        finding = finding.found(proof.clone());
    }
    for making in &one.making {
        finding = finding.affects(Object::new("container", "k8s.io", making.id.clone()));
    }
    judge.say(finding.way(one.remedy));
}

/// Whose program runs, with what is seen of each.
fn running(judge: &Judge<'_>) -> Vec<stuck::Diagnosis> {
    let (Some(runtime), Some(processes)) = (runtime(judge), judge.node.processes.as_deref()) else {
        return Vec::new();
    };
    let verdicts = stuck::diagnose(Facts {
        runtime,
        processes: Some(processes),
        records: &[],
        now: judge.node.now,
    });
    let mut all = verdicts.containers;
    all.retain(|one| matches!(one.state, State::AtLimit | State::Running) && one.other.is_none());
    all
}

fn at_limit(judge: &mut Judge<'_>) {
    for one in running(judge) {
        if one.state != State::AtLimit {
            continue;
        }
        let location =
            Location::file(format!("/proc/{}", one.pid.unwrap_or_default()).into_bytes());
        let location = location.place("container", one.id.clone());
        let mut finding = Finding::new(AT_LIMIT.code, location, one.why.clone());
        finding = finding.affects(task(one.namespace.as_ref(), &one.id));
        let proof = one.evidence.iter().find(|line| line.contains("pids.max"));
        if let Some(proof) = proof {
            finding = finding.found(proof.clone());
        }
        judge.say(finding.way(one.remedy));
    }
}

fn slowed(judge: &mut Judge<'_>) {
    let Some(processes) = judge.node.processes.clone() else {
        return;
    };
    let mut told: Option<Finding> = None;
    for one in running(judge) {
        let pid = one.pid.unwrap_or_default();
        let slow = processes.get(pid);
        let slow = slow.and_then(|it| stuck::slowed(&processes, it).into_iter().next());
        let Some((why, proof)) = slow else { continue };
        let finding = told.take().unwrap_or_else(|| {
            let location = Location::file(format!("/proc/{pid}").into_bytes());
            let location = location.place("container", one.id.clone());
            Finding::new(SLOWED.code, location, why).found(proof)
        });
        told = Some(finding.affects(task(one.namespace.as_ref(), &one.id)));
    }
    if let Some(finding) = told {
        judge.say(finding);
    }
}
