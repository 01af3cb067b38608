//! Files of a bundle against their twins: the specification, and the pid that three of them name.

use finding::{Code, Finding, Location, Object, Severity, Text};
use runc::{Bundle, Doc, Runtime};

use crate::{Check, Judge};

/// The specification of a task is gone, or something else stands in its place.
pub(crate) const SPEC_MISSING: Check = Check {
    code: &Code {
        name: "runtime/bundle-spec-missing",
        rule: "R15",
        severity: Severity::Odd,
        title: "A task's bundle has no specification",
        explanation: "containerd writes config.json when it makes a task, and runc reads it then; a start of \
            the daemon does not, nor does a container that runs. That it is gone, or is something \
            else than a file, means that a person or a program removed things below state. Other \
            missing files may matter more.",
        remedy: "Nothing is to be done for the container that runs. Find out what removes files below \
            state (a clean-up of /run, a full disk).",
    },
    needs: &[],
    run: spec_missing,
};

/// Files that name the first process of one container name others.
pub(crate) const PIDS: Check = Check {
    code: &Code {
        name: "runtime/pids-disagree",
        rule: "R16",
        severity: Severity::Odd,
        title: "Files of one container name different processes",
        explanation: "init.pid of the bundle, state.json of runc and the CRI's status are written one after \
            the other with the pid of the container's first process. The daemon asks the shim, and \
            so goes on; runc goes by state.json, so that a signal or an exec may go to another \
            process, or to none. One of the files is from an earlier container of this id.",
        remedy: "Look which of the processes is the container's (`grep` its id in /proc/PID/cgroup) \
            before anything is stopped by hand. A recreated container gets new files.",
    },
    needs: &[],
    run: pids,
};

fn shown(bundles: Option<&Runtime>) -> impl Iterator<Item = &Bundle> {
    let bundles = bundles.into_iter().flat_map(|runtime| &runtime.bundles);
    bundles.filter(|bundle| !bundle.hidden && bundle.entries.is_none_or(|count| count > 0))
}

fn bundle_finding(bundle: &Bundle, code: &'static Code, file: &str, message: String) -> Finding {
    let path = [bundle.path.bytes(), b"/", file.as_bytes()].concat();
    let location = Location::file(Text::from(path)).place("container", bundle.id.clone());
    let task = Object::new("task", bundle.namespace.clone(), bundle.id.clone());
    Finding::new(code, location, message).affects(task)
}

fn spec_missing(judge: &mut Judge<'_>) {
    let runtime = judge.node.runtime.read();
    let total = shown(runtime).count();
    let mut found = Vec::new();
    for bundle in shown(runtime) {
        let what = match &bundle.spec {
            Doc::Absent => "it is not there".to_owned(),
            Doc::Unread(finding::Unread::Special(kind)) => format!("it is a {kind}"),
            Doc::Unread(why @ finding::Unread::Dangling(_)) => format!("it {why}"),
            _ => continue,
        };
        found.push(bundle_finding(
            bundle,
            SPEC_MISSING.code,
            "config.json",
            what,
        ));
    }
    let folder = node::path_text(&judge.node.roots.state.join(runc::TASKS));
    judge.say_all(found, total, |count| {
        let message = format!("none of the {count} bundles has its config.json");
        (Location::file(folder), message)
    });
}

fn pids(judge: &mut Judge<'_>) {
    let Some(runtime) = judge.node.runtime.read() else {
        return;
    };
    let mut found = Vec::new();
    for bundle in shown(Some(runtime)) {
        let Some(pid) = bundle.init_pid.whole().copied() else {
            continue;
        };
        let state = runtime
            .container(Some(&bundle.namespace), &bundle.id)
            .and_then(runc::Container::pid);
        let status = (bundle.namespace == *"k8s.io")
            .then(|| runtime.status(&bundle.id)?.status.whole())
            .flatten()
            .filter(|status| status.finished.is_none())
            .and_then(|status| i64::try_from(status.pid?).ok());
        for (other, file) in [(state, "its runtime's state"), (status, "the CRI's status")] {
            if let Some(other) = other.filter(|other| *other > 0 && *other != pid) {
                let message = format!("init.pid names the process {pid}, {file} {other}");
                found.push(bundle_finding(bundle, PIDS.code, "init.pid", message));
                break;
            }
        }
    }
    for finding in found {
        judge.say(finding);
    }
}
