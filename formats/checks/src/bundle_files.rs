//! Files of a bundle against their twins: the specification, and the pid that three of them name.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use finding::{Code, Finding, Location, Object, Severity, Text};
use runc::{Bundle, Doc, Options, Runtime, Seen};

use crate::{Check, Judge, Need};

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

/// What containerd makes with every bundle is gone.
pub(crate) const INCOMPLETE: Check = Check {
    code: &Code {
        name: "runtime/bundle-incomplete",
        rule: "R15",
        severity: Severity::Odd,
        title: "A task's bundle lacks what containerd makes with it",
        explanation: "containerd makes the folder rootfs, on which a container's files are mounted, and the link \
            work with every bundle; 2.x says in shim-binary-path whose program serves the task, or in \
            sandbox whose shim it shares. A start of the daemon does not need them, nor does a \
            container that runs. Without the link, the task's folder below root stays when the task \
            is deleted. That they are gone means that a person or a program removed things below \
            state. Other missing files may matter more.",
        remedy: "Nothing is to be done for the container that runs. Find out what removes files below \
            state (a clean-up of /run, a full disk).",
    },
    needs: &[],
    run: incomplete,
};

/// The record has no options of its runtime, and the task was made with some.
pub(crate) const OPTIONS: Check = Check {
    code: &Code {
        name: "container/options-gone",
        rule: "",
        severity: Severity::Odd,
        title: "A container's record has no runtime options, and its task was made with some",
        explanation: "containerd hands the options of the record to the runtime when it makes a task, and writes \
            them to options.json of the bundle. The task has them; the record does not. The task goes \
            on. The next task of this container is made with the runtime's own defaults: another \
            cgroup driver, another runc, another root of its state.",
        remedy: "Delete and recreate the container, so that its record gets its options again.",
    },
    needs: &[Need::Containers],
    run: options,
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

/// What containerd's `NewBundle` makes besides config.json.
const MADE: [&str; 2] = ["rootfs", "work"];

fn incomplete(judge: &mut Judge<'_>) {
    let Some(runtime) = judge.node.runtime.read() else {
        return;
    };
    let total = shown(Some(runtime)).count();
    let mut found = Vec::new();
    for bundle in shown(Some(runtime)) {
        let folder = Path::new(OsStr::from_bytes(bundle.path.bytes()));
        let gone = |name: &&str| runtime.places.at(&folder.join(name)) == Seen::Absent;
        let mut gone: Vec<&str> = MADE.into_iter().filter(gone).collect();
        // 2.x writes one or the other: whose program serves the task, or whose shim it shares.
        if bundle.has_bootstrap() && bundle.shim_binary.is_none() && bundle.sandbox.is_none() {
            let absent = |name: &&str| runtime.places.at(&folder.join(name)) == Seen::Absent;
            let lost = ["sandbox", "shim-binary-path"];
            if lost.iter().all(absent) {
                gone.extend(lost);
            }
        }
        let (Some(first), true) = (gone.first(), bundle.shim().is_some()) else {
            continue;
        };
        let message = format!("it has no {}", gone.join(" and no "));
        found.push(bundle_finding(bundle, INCOMPLETE.code, first, message));
    }
    // A copy leaves out links and empty folders: that says nothing of the node.
    if !found.is_empty() && found.len() == total {
        return judge.abstain(
            "no bundle has all that containerd makes with it, as in a copy without links",
        );
    }
    for finding in found {
        judge.say(finding);
    }
}

fn options(judge: &mut Judge<'_>) {
    let Some(runtime) = judge.node.runtime.read() else {
        return;
    };
    let mut found = Vec::new();
    for namespace in judge.namespaces() {
        for row in namespace.containers.read().into_iter().flatten() {
            let has = |runtime: &metadb::Runtime| runtime.options.is_some();
            if !row.whole || row.runtime.as_ref().is_none_or(has) {
                continue;
            }
            // Where config.toml has none, the CRI records none, and the task gets those built in.
            if row.cri_kind().is_some() {
                continue;
            }
            let bundle = runtime.bundle(&namespace.name, &row.key);
            // `{}` is what a shim writes that was given none.
            let says = |options: &Options| {
                let is_systemd = options.systemd_cgroup == Some(true);
                options.binary_name.is_some() || options.root.is_some() || is_systemd
            };
            let Some(bundle) = bundle.filter(|bundle| bundle.options.get().is_some_and(says))
            else {
                continue;
            };
            let file = [bundle.path.bytes(), b"/options.json"].concat();
            let message = format!("its record has no options; {} has some", Text::from(file));
            let location = row.at.location(&judge.node.meta.path);
            let object = Object::new("container", namespace.name.clone(), row.key.clone());
            found.push(Finding::new(OPTIONS.code, location, message).affects(object));
        }
    }
    for finding in found {
        judge.say(finding);
    }
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
