//! Bundles against the records of meta.db, and against the sockets of their shims.

use daemon::{start, told};
use std::collections::{BTreeMap, BTreeSet};

use finding::{Code, Finding, Location, Severity, Text};
use runc::{Bundle, SOCKETS};

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
            can stop it, and its root file system stays mounted.",
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
        let finding = with_pod(judge, finding, pod);
        judge.say(if in_flight(judge, since) {
            finding.severity(Severity::Note)
        } else {
            finding
        });
    }
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
