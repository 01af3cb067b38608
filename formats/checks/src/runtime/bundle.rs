//! Bundles, their way to the shim, work folders and sockets.

use std::collections::BTreeSet;

use finding::{
    Action, Code, Edit, Fault as _, Finding, Location, Remedy, Severity, Step, Text, Unread,
};
use runc::codes;
use runc::{Bundle, CriState, Doc, Keeper, Phase, Runtime, SOCKETS};

use super::{ago, in_flight, runtime, task, tasks, unread, with_pod};
use crate::{Check, Judge};

pub(crate) const ADDRESS_DAMAGED: Check = Check {
    code: &codes::ADDRESS_DAMAGED,
    needs: &[],
    run: address_damaged,
};
pub(crate) const BUNDLE_WITHOUT_STATE: Check = Check {
    code: &codes::BUNDLE_WITHOUT_STATE,
    needs: &[],
    run: bundle_without_state,
};
pub(crate) const BUNDLE_HIDDEN: Check = Check {
    code: &codes::BUNDLE_HIDDEN,
    needs: &[],
    run: bundle_hidden,
};
pub(crate) const WORK_DIR_ORPHAN: Check = Check {
    code: &codes::WORK_DIR_ORPHAN,
    needs: &[],
    run: work_dir_orphan,
};
pub(crate) const WORK_DIR_MISSING: Check = Check {
    code: &codes::WORK_DIR_MISSING,
    needs: &[],
    run: work_dir_missing,
};
pub(crate) const SOCKET_ORPHAN: Check = Check {
    code: &codes::SOCKET_ORPHAN,
    needs: &[],
    run: socket_orphan,
};
pub(crate) const SOCKET_FOREIGN: Check = Check {
    code: &codes::SOCKET_FOREIGN,
    needs: &[],
    run: socket_foreign,
};
pub(crate) const CWD_ESCAPE: Check = Check {
    code: &codes::CWD_ESCAPE,
    needs: &[],
    run: cwd_escape,
};

/// Says something about every bundle that `tell` has something to say of.
fn each(judge: &mut Judge<'_>, tell: impl Fn(&Judge<'_>, &Runtime, &Bundle) -> Option<Finding>) {
    if let Some(runtime) = runtime(judge) {
        for finding in found(judge, runtime, tell) {
            judge.say(finding);
        }
    }
}

fn found(
    judge: &Judge<'_>,
    runtime: &Runtime,
    tell: impl Fn(&Judge<'_>, &Runtime, &Bundle) -> Option<Finding>,
) -> Vec<Finding> {
    let bundles = runtime.bundles.iter();
    bundles
        .filter_map(|bundle| tell(judge, runtime, bundle))
        .collect()
}

/// As [`each`], as one where it is so of every bundle: `whole` says how.
fn each_or_all(
    judge: &mut Judge<'_>,
    whole: impl Fn(usize) -> String,
    tell: impl Fn(&Judge<'_>, &Runtime, &Bundle) -> Option<Finding>,
) {
    let Some(runtime) = runtime(judge) else {
        return;
    };
    let findings = found(judge, runtime, tell);
    let folder = tasks(&judge.node.roots.state);
    judge.say_all(findings, runtime.bundles.len(), |count| {
        (folder, whole(count))
    });
}

fn about(
    judge: &Judge<'_>,
    bundle: &Bundle,
    code: &'static Code,
    file: &str,
    message: impl Into<String>,
) -> Finding {
    let mut path = bundle.path.bytes().to_vec();
    if !file.is_empty() {
        path.push(b'/');
        path.extend_from_slice(file.as_bytes());
    }
    let location = Location::file(path).place("bundle", bundle.id.clone());
    let finding =
        Finding::new(code, location, message).affects(task(Some(&bundle.namespace), &bundle.id));
    let pod = bundle.spec.get().and_then(|spec| spec.sandbox_id());
    with_pod(judge, finding, pod)
}

/// Whether runc or crun know a container of this bundle's name.
fn has_container(runtime: &Runtime, bundle: &Bundle) -> bool {
    runtime
        .container(Some(&bundle.namespace), &bundle.id)
        .is_some()
}

/// Whether the task has ended, as the CRI says. A shim that is lost takes nobody with it then.
fn has_ended(runtime: &Runtime, bundle: &Bundle) -> bool {
    let status = runtime.status(&bundle.id);
    let state = status
        .and_then(|cri| cri.status.whole())
        .map(runc::Status::state);
    bundle.namespace == *"k8s.io" && state == Some(CriState::Exited)
}

fn address_damaged(judge: &mut Judge<'_>) {
    each(judge, |judge, runtime, bundle| {
        // The way to its shim is in the bundle, wherever the runtime keeps its state.
        let is_elsewhere = matches!(runtime.keeper(bundle), Keeper::Elsewhere(_));
        if bundle.hidden || !is_elsewhere && !runtime.is_read(bundle) {
            return None;
        }
        let lives = has_container(runtime, bundle);
        // A shim writes its address before it creates anything, and before that nothing is lost.
        if !lives && !bundle.init_pid.is_there() {
            return None;
        }
        let (file, fault) = what_is_wrong(bundle)?;
        let code = &codes::ADDRESS_DAMAGED;
        let location = |file: &str| about(judge, bundle, code, file, "").location;
        let mut finding = match fault {
            Wrong::Fault(fault) => {
                let mut finding = fault.finding(location(file));
                finding.code = code;
                finding
            }
            Wrong::Words(words) => Finding::new(code, location(file), words),
        };
        finding.affects = about(judge, bundle, code, file, "").affects;
        let path = format!("unix://{SOCKETS}/{}", bundle.socket);
        finding = finding.severity(Severity::Fatal).want(path.clone());
        if bundle.shim().is_some() {
            // 2.x reads bootstrap.json, and an address only where there is none.
            let severity = if file == "address" {
                Severity::Odd
            } else {
                Severity::Fatal
            };
            finding = finding.severity(severity);
        } else if has_ended(runtime, bundle) {
            finding = finding.severity(Severity::Damage);
        }
        if finding.severity == Severity::Fatal {
            let (name, contents) = if bundle.bootstrap.is_absent() && is_older(runtime) {
                ("address", path)
            } else {
                let contents =
                    format!("{{\"version\":3,\"address\":\"{path}\",\"protocol\":\"ttrpc\"}}");
                ("bootstrap.json", contents)
            };
            let write = Step::new(Action::Edit(Edit {
                file: Text::from([bundle.path.bytes(), b"/", name.as_bytes()].concat()),
                contents: Text::from(contents),
            }));
            finding = finding
                .remedy(
                    "Before containerd is started, write the address of its shim back, without a \
                     line feed. The name holds for a daemon that listens at its default address.",
                )
                .way(Remedy::new(
                    "",
                    vec![
                        write
                            .only("if the socket is there and has a listener")
                            .undoable(),
                    ],
                ));
        }
        Some(daemon::with_start(finding))
    });
}

enum Wrong<'b> {
    Fault(&'b runc::Fault),
    Words(String),
}

/// Which of the two files keeps the daemon from its shim, and how.
fn what_is_wrong(bundle: &Bundle) -> Option<(&'static str, Wrong<'_>)> {
    for (file, doc) in [
        ("bootstrap.json", &bundle.bootstrap),
        ("address", &bundle.address),
    ] {
        let worst = doc.faults().iter().max_by_key(|fault| fault.severity());
        if let Some(fault) = worst.filter(|fault| fault.is_fatal_for_reader()) {
            return Some((file, Wrong::Fault(fault)));
        }
        if let Some(why) = unread(doc) {
            return Some((file, Wrong::Words(format!("{file} {why}"))));
        }
    }
    let neither = matches!(
        (&bundle.bootstrap, &bundle.address),
        (Doc::Absent, Doc::Absent)
    );
    let words = if bundle.entries == Some(0) {
        "the bundle is empty: the daemon removes it, and the container runs without supervision"
    } else {
        "there is neither an address nor a bootstrap.json"
    };
    neither.then(|| ("", Wrong::Words(words.to_owned())))
}

/// Whether the other bundles are of a release that writes `address`.
fn is_older(runtime: &Runtime) -> bool {
    let bundles = &runtime.bundles;
    bundles.iter().any(Bundle::has_address) && !bundles.iter().any(Bundle::has_bootstrap)
}

fn bundle_without_state(judge: &mut Judge<'_>) {
    if !runtime(judge).is_some_and(|runtime| runtime.whole.containers) {
        return judge.abstain("the runtime's state folders cannot be known whole");
    }
    let told = super::hang::told(judge);
    let whole = |count| format!("the runtime knows none of the {count} tasks that have a bundle");
    each_or_all(judge, whole, |judge, runtime, bundle| {
        if bundle.hidden || !runtime.is_read(bundle) || has_container(runtime, bundle) {
            return None;
        }
        if told.contains(&(Some(bundle.namespace.clone()), bundle.id.clone())) {
            return None;
        }
        let code = &codes::BUNDLE_WITHOUT_STATE;
        if let Doc::Whole(pid) = bundle.init_pid {
            let message =
                format!("the task was created with pid {pid}, and its runtime does not know it");
            return Some(daemon::with_start(about(judge, bundle, code, "", message)));
        }
        let since = Some(bundle.dir.mtime);
        let message = format!(
            "the task's creation began {} and is not done",
            ago(judge, since)
        );
        let mut finding = about(judge, bundle, code, "", message);
        if let Some(line) = bundle.errors().next() {
            finding = finding.found(format!("runc's log says: {}", line.message));
        }
        let severity = if in_flight(judge, since) {
            Severity::Note
        } else {
            Severity::Odd
        };
        Some(finding.severity(severity))
    });
}

fn bundle_hidden(judge: &mut Judge<'_>) {
    each(judge, |judge, _, bundle| {
        let message = "its removal began and did not end";
        bundle
            .hidden
            .then(|| about(judge, bundle, &codes::BUNDLE_HIDDEN, "", message))
    });
}

fn work_dir_orphan(judge: &mut Judge<'_>) {
    let Some(runtime) = runtime(judge) else {
        return;
    };
    if !runtime.whole.bundles {
        return judge.abstain("the bundles cannot be known whole");
    }
    let bundles: BTreeSet<_> = runtime
        .bundles
        .iter()
        .map(|bundle| (&bundle.namespace, &bundle.id))
        .collect();
    let orphans = runtime.work_dirs.iter();
    let orphans = orphans.filter(|work| !bundles.contains(&(&work.namespace, &work.id)));
    let findings = orphans.map(|work| {
        let location = Location::file(work.path.clone()).place("task", work.id.clone());
        let message = "the task had a bundle once, and has none now";
        let finding = Finding::new(&codes::WORK_DIR_ORPHAN, location, message);
        finding.affects(task(Some(&work.namespace), &work.id))
    });
    let folder = tasks(&judge.node.roots.root);
    judge.say_all(findings.collect(), runtime.work_dirs.len(), |count| {
        let message = format!("none of the {count} tasks with a work folder has a bundle");
        (folder, message)
    });
}

fn work_dir_missing(judge: &mut Judge<'_>) {
    // A tar of /run alone has none of them.
    if judge.node.root.is_err() {
        return;
    }
    let whole = |count| format!("none of the {count} bundles has its work folder");
    each_or_all(judge, whole, |judge, _, bundle| match &bundle.work {
        Some((target, Err(Unread::Absent))) if !bundle.hidden => {
            let message = format!("its work folder {target} is not there");
            Some(about(
                judge,
                bundle,
                &codes::WORK_DIR_MISSING,
                "work",
                message,
            ))
        }
        _ => None,
    });
}

fn socket_orphan(judge: &mut Judge<'_>) {
    let Some(runtime) = runtime(judge) else {
        return;
    };
    let Some(sockets) = &runtime.sockets else {
        return judge.abstain("the evidence does not keep sockets");
    };
    if !runtime.whole.bundles {
        return judge.abstain("the bundles cannot be known whole");
    }
    for socket in sockets {
        if socket.bundles.is_empty() && !is_anothers(judge, &socket.path) {
            let location = Location::file(socket.path.clone());
            let message = "no bundle names this socket of a shim";
            judge.say(Finding::new(&codes::SOCKET_ORPHAN, location, message));
        }
    }
}

/// Whether a shim listens there that another daemon started: daemons share the folder of sockets.
fn is_anothers(judge: &Judge<'_>, path: &Text) -> bool {
    let Some(processes) = judge.node.processes.as_deref() else {
        return false;
    };
    let mut sockets = processes.sockets.as_deref().unwrap_or_default().iter();
    let Some(socket) = sockets.find(|it| it.listens && it.path == *path) else {
        return false;
    };
    let target = format!("socket:[{}]", socket.inode);
    let holds = |it: &&process::Process| it.open_files().iter().any(|fd| fd.target == *target);
    let address = processes
        .iter()
        .find(holds)
        .and_then(|it| it.flag("address"));
    address.is_some_and(|address| address != Text::from(judge.node.roots.address()))
}

fn socket_foreign(judge: &mut Judge<'_>) {
    each(judge, |judge, runtime, bundle| {
        let path = bundle.shim()?.path();
        let name = path
            .bytes()
            .strip_prefix(SOCKETS.as_bytes())?
            .strip_prefix(b"/")?;
        let hashed = name.len() == 64 && name.iter().all(u8::is_ascii_hexdigit);
        if !runtime.is_read(bundle) || !hashed || name == bundle.socket.as_bytes() {
            return None;
        }
        // Without its config.json, its group is not known.
        bundle.spec.whole()?;
        let message = "its shim's socket is not named as this daemon would name it";
        let finding = about(judge, bundle, &codes::SOCKET_FOREIGN, "", message);
        let want = format!("{SOCKETS}/{}", bundle.socket);
        Some(finding.want(want).found(path.to_string()))
    });
}

fn cwd_escape(judge: &mut Judge<'_>) {
    each(judge, |judge, runtime, bundle| {
        let cwd = bundle.spec.get()?.escaping_cwd()?;
        let container = runtime.container(Some(&bundle.namespace), &bundle.id);
        let started = container.is_some_and(|container| {
            matches!(container.derived.phase, Phase::Started | Phase::Released)
        });
        let was = if started {
            "was started"
        } else {
            "was to be started"
        };
        let message = format!("the container {was} in {cwd}");
        Some(about(
            judge,
            bundle,
            &codes::CWD_ESCAPE,
            "config.json",
            message,
        ))
    });
}
