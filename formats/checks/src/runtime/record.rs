//! Bundles against the records of meta.db, and against the sockets of their shims.

use daemon::{start, told};
use std::collections::{BTreeMap, BTreeSet};

use finding::{Code, Finding, Location, Remedy, Severity, Step, Text, Unread};
use runc::{Bundle, Runtime, SOCKETS};

use super::{ago, in_flight, runtime, task, with_pod};
use crate::{Check, Judge, Need};

/// A bundle whose container nobody has.
pub(crate) const BUNDLE_WITHOUT_RECORD: Check = Check {
    code: &Code {
        name: "runtime/bundle-without-record",
        rule: "R01",
        severity: Severity::Odd,
        title: "A task has no container in meta.db",
        explanation: "There is a bundle, but no container or sandbox of its namespace has its id: the record \
            was deleted under a task, or belongs to a meta.db that is gone. If its shim is not \
            running, the next start removes the bundle. If it is, the task keeps running, no client \
            can stop it, and its root file system stays mounted. Where its program runs and its work folder is \
            gone as well (reported as damage), a backup of the stores was put back under running containers, \
            or another disk is mounted there.",
        remedy: "Look for its processes; if there are none, unmount its rootfs and delete the \
            bundle while containerd is stopped.",
    },
    needs: &[Need::Containers, Need::Runtime],
    run: bundle_without_record,
};

/// A shim that cannot be reached.
pub(crate) const SOCKET_MISSING: Check = Check {
    code: &Code {
        name: "runtime/socket-missing",
        rule: "R02",
        severity: Severity::Damage,
        title: "The socket of a task's shim is not there",
        explanation: "The bundle says at which socket its shim listens, and that socket is gone: the shim is \
            not running, or its socket was deleted. The next start cannot reach the shim, kills what \
            is left of the container and removes its bundle.",
        remedy: "If its processes live, save what they hold before containerd is started: a \
            socket that was removed cannot be brought back.",
    },
    needs: &[Need::Runtime],
    run: socket_missing,
};

fn bundle_without_record(judge: &mut Judge<'_>) {
    let Some(runtime) = runtime(judge) else {
        return;
    };
    let mut known: BTreeSet<(&Text, &Text)> = BTreeSet::new();
    for namespace in judge.namespaces() {
        let name = &namespace.name;
        let containers = namespace.containers.read().into_iter().flatten();
        known.extend(containers.map(|row| (name, &row.key)));
        for sandboxes in [&namespace.sandboxes, &namespace.old_sandboxes] {
            if judge.abstains_for(sandboxes.unknown()) {
                return;
            }
            known.extend(
                sandboxes
                    .read()
                    .into_iter()
                    .flatten()
                    .map(|row| (name, &row.key)),
            );
        }
    }
    let runs = running(judge, runtime);
    for bundle in runtime.bundles.iter().filter(|bundle| !bundle.hidden) {
        if known.contains(&(&bundle.namespace, &bundle.id)) {
            continue;
        }
        let since = Some(bundle.dir.mtime);
        let message = format!(
            "no container of {} has the id {}; the bundle was made {}",
            bundle.namespace,
            bundle.id,
            ago(judge, since)
        );
        let location = Location::file(bundle.path.clone()).place("bundle", bundle.id.clone());
        let finding = Finding::new(BUNDLE_WITHOUT_RECORD.code, location, message)
            .affects(task(Some(&bundle.namespace), &bundle.id));
        let pod = bundle.spec.get().and_then(|spec| spec.sandbox_id());
        let mut finding = with_pod(judge, finding, pod);
        let pid = runs.get(&(bundle.namespace.clone(), bundle.id.clone()));
        let without_work = matches!(&bundle.work, Some((_, Err(Unread::Absent))));
        if let Some(pid) = pid.filter(|_| without_work) {
            finding.message = format!(
                "{}. Its program runs (pid {pid}), and its work folder is gone, too: containerd's stores are older \
                 than it, or other ones than when it was made",
                finding.message
            );
            judge.say(finding.severity(Severity::Damage).way(older_stores()));
            continue;
        }
        judge.say(if in_flight(judge, since) {
            finding.severity(Severity::Note)
        } else {
            finding
        });
    }
}

/// Tasks of this daemon whose program runs, and their pids.
fn running(judge: &Judge<'_>, runtime: &Runtime) -> BTreeMap<(Text, Text), u32> {
    let Some(processes) = judge.node.processes.as_deref() else {
        return BTreeMap::new();
    };
    let verdicts = stuck::diagnose(stuck::Facts {
        runtime,
        processes: Some(processes),
        records: &[],
        now: judge.node.now,
    });
    let all = verdicts.containers.into_iter();
    let runs = all.filter(|one| one.state == stuck::State::Running && one.other.is_none());
    runs.filter_map(|one| Some(((one.namespace?, one.id), one.pid?)))
        .collect()
}

/// What a backup that was put back under running containers leaves.
fn older_stores() -> Remedy {
    Remedy::new(
        "The container runs as before. Its writable layer is in the stores that were there before.",
        vec![
            Step::words(
                "Keep the former stores (a folder that was moved away, a disk that was mounted there) until what the \
                 container wrote is saved.",
            ),
            Step::words(
                "Cordon the node: kubelet makes the pod a second time beside the one that runs, with the same \
                 volumes.",
            ),
            Step::words(
                "Put the former stores back while containerd is stopped if they are whole: containers run on, and have \
                 their records again. Otherwise save what the container holds before it is ended.",
            ),
        ],
    )
}

fn socket_missing(judge: &mut Judge<'_>) {
    let Some(runtime) = runtime(judge) else {
        return;
    };
    let Some(sockets) = &runtime.sockets else {
        return judge.abstain("the evidence does not keep sockets");
    };
    let there: BTreeSet<&Text> = sockets.iter().map(|socket| &socket.path).collect();
    // The tasks of a pod share a shim.
    let mut gone: BTreeMap<Text, Vec<&Bundle>> = BTreeMap::new();
    for bundle in runtime.bundles.iter().filter(|bundle| !bundle.hidden) {
        let Some(path) = bundle.shim().map(runc::Address::path) else {
            continue;
        };
        // Only the usual folder was looked at.
        let listed = path.bytes().strip_prefix(SOCKETS.as_bytes());
        let listed = listed.is_some_and(|rest| rest.starts_with(b"/"));
        if listed && !there.contains(&path) {
            gone.entry(path).or_default().push(bundle);
        }
    }
    if there.is_empty() && !gone.is_empty() {
        return judge.abstain("there is no socket at all: this may be a copy, which keeps none");
    }
    for (path, bundles) in gone {
        let Some(first) = bundles.first() else {
            continue;
        };
        let message = format!("its shim should listen at {path}, which is not there");
        let location = Location::file(first.path.clone()).place("bundle", first.id.clone());
        let mut finding = Finding::new(SOCKET_MISSING.code, location, message);
        for bundle in bundles {
            finding = finding.affects(task(Some(&bundle.namespace), &bundle.id));
            let pod = bundle.spec.get().and_then(|spec| spec.sandbox_id());
            finding = with_pod(judge, finding, pod);
        }
        judge.say(told(finding, &start::SOCKET_GONE));
    }
}
