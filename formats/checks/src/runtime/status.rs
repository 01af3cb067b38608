//! The CRI plugin's status files against the records and the tasks.

use std::collections::BTreeSet;

use finding::{Code, Finding, Location, Object, Severity, Text, Unread};
use metadb::Container;
use node::path_text;
use runc::{CRI, CriState, CriStatus, codes};

use super::{ago, in_flight, runtime, unread};
use crate::cri::half_read;
use crate::{Check, Judge, Need};

pub(crate) const STATUS_MISSING: Check = Check {
    code: &codes::STATUS_MISSING,
    needs: &[],
    run: status_missing,
};
pub(crate) const STATUS_DIR_MISSING: Check = Check {
    code: &codes::STATUS_DIR_MISSING,
    needs: &[],
    run: status_dir_missing,
};
pub(crate) const STATUS_ORPHAN: Check = Check {
    code: &codes::STATUS_ORPHAN,
    needs: &[Need::Containers],
    run: status_orphan,
};
pub(crate) const STATUS_LEFTOVER: Check = Check {
    code: &codes::STATUS_LEFTOVER,
    needs: &[],
    run: status_leftover,
};
pub(crate) const STATUS_WITHOUT_TASK: Check = Check {
    code: &codes::STATUS_WITHOUT_TASK,
    needs: &[],
    run: status_without_task,
};

/// The CRI plugin's namespace.
const NAMESPACE: &str = "k8s.io";

/// Ids of the CRI's containers (not of pods), as meta.db has them.
fn recorded<'n>(judge: &Judge<'n>) -> Vec<&'n metadb::Row<Container>> {
    let namespaces = judge
        .namespaces()
        .iter()
        .filter(|namespace| namespace.name == *NAMESPACE);
    namespaces
        .flat_map(|namespace| namespace.containers.read().into_iter().flatten())
        .filter(|row| row.cri_kind() == Some("container"))
        .collect()
}

fn about(
    folder: &Text,
    id: &Text,
    file: &str,
    code: &'static Code,
    message: impl Into<String>,
) -> Finding {
    let path = [folder.bytes(), file.as_bytes()].join(&b'/');
    let path = path.strip_suffix(b"/").unwrap_or(&path);
    let location = Location::file(path).place("container", id.clone());
    Finding::new(code, location, message).affects(Object::new("container", NAMESPACE, id.clone()))
}

fn each(judge: &mut Judge<'_>, tell: impl Fn(&Judge<'_>, &CriStatus) -> Option<Finding>) {
    let Some(runtime) = runtime(judge) else {
        return;
    };
    for cri in &runtime.cri {
        if let Some(finding) = tell(judge, cri) {
            judge.say(finding);
        }
    }
}

/// The record is written before the status, and the folder before the record.
fn status_missing(judge: &mut Judge<'_>) {
    let known: BTreeSet<&Text> = recorded(judge).into_iter().map(|row| &row.key).collect();
    let daemon = super::hang::daemon(judge);
    let making: BTreeSet<Text> = daemon
        .iter()
        .flat_map(|daemon| &daemon.making)
        .map(|one| one.id.clone())
        .collect();
    each(judge, |judge, cri| {
        if let Some(why) = unread(&cri.status) {
            let message = format!("the CRI's status {why}");
            return Some(about(
                &cri.path,
                &cri.id,
                "status",
                &codes::STATUS_DAMAGED,
                message,
            ));
        }
        if !cri.status.is_absent() {
            return None;
        }
        let since = Some(cri.dir.mtime);
        let message = format!(
            "there is no status; the folder changed {}",
            ago(judge, since)
        );
        let finding = about(&cri.path, &cri.id, "", &codes::STATUS_MISSING, message);
        let is_made = !known.contains(&cri.id) && making.contains(&cri.id);
        if is_made {
            let words = "The daemon is making this container now: nothing is to be written by hand. \
                Where that does not come to its end, see what the daemon waits for \
                (runtime/daemon-stuck).";
            return Some(finding.severity(Severity::Note).remedy(words));
        }
        let is_young = !known.contains(&cri.id) && in_flight(judge, since);
        Some(if is_young {
            finding.severity(Severity::Note)
        } else {
            finding
        })
    });
}

fn status_dir_missing(judge: &mut Judge<'_>) {
    let Some(runtime) = runtime(judge) else {
        return;
    };
    if !runtime.whole.cri {
        return judge.abstain("the CRI's folders of containers cannot be known whole");
    }
    let folders: BTreeSet<&Text> = runtime.cri.iter().map(|cri| &cri.id).collect();
    let recorded = recorded(judge);
    let lacking = recorded.iter().filter(|row| !folders.contains(&row.key));
    let findings = lacking.map(|row| {
        let location = row.at.location(&judge.node.meta.path);
        let message = format!("the container {} of a pod has no CRI folder", row.key);
        let object = Object::new("container", NAMESPACE, row.key.clone());
        Finding::new(&codes::STATUS_DIR_MISSING, location, message).affects(object)
    });
    let folder = path_text(&judge.node.roots.root.join(CRI).join("containers"));
    judge.say_all(findings.collect(), recorded.len(), |count| {
        let message = format!("none of the {count} containers of pods has a CRI folder");
        (Location::file(folder), message)
    });
}

fn status_orphan(judge: &mut Judge<'_>) {
    let Some(runtime) = runtime(judge) else {
        return;
    };
    let mut known: BTreeSet<&Text> = recorded(judge).into_iter().map(|row| &row.key).collect();
    // Whose a record is that could be read in part only is not known.
    known.extend(half_read(judge));
    // What the daemon is making at this moment has no record yet.
    let daemon = super::hang::daemon(judge);
    let making = daemon.iter().flat_map(|daemon| &daemon.making);
    known.extend(making.map(|one| &one.id));
    let orphans = runtime.cri.iter().filter(|cri| !known.contains(&cri.id));
    let findings = orphans.map(|cri| {
        let state = cri
            .status
            .get()
            .map_or(CriState::Unknown, runc::Status::state);
        let message =
            format!("no record of meta.db has this container; its status says it is {state}");
        let finding = about(&cri.path, &cri.id, "", &codes::STATUS_ORPHAN, message);
        if in_flight(judge, Some(cri.dir.mtime)) {
            finding.severity(Severity::Note)
        } else {
            finding
        }
    });
    let folder = path_text(&judge.node.roots.root.join(CRI).join("containers"));
    judge.say_all(findings.collect(), runtime.cri.len(), |count| {
        let message = format!("meta.db has a record of none of the {count} containers here");
        (Location::file(folder), message)
    });
}

fn status_leftover(judge: &mut Judge<'_>) {
    each(judge, |_, cri| {
        let name = cri.leftovers.first()?.to_string();
        let count = cri.leftovers.len();
        let message = match count {
            1 => format!("{name} was left"),
            _ => format!("{count} temporary files of the status were left"),
        };
        Some(about(
            &cri.path,
            &cri.id,
            &name,
            &codes::STATUS_LEFTOVER,
            message,
        ))
    });
    let deleted = runtime(judge).map_or(&[][..], |runtime| &runtime.cri_deleted);
    for path in deleted {
        let message = "the status of a container that was being removed was left";
        let location = Location::file(path.clone());
        judge.say(Finding::new(&codes::STATUS_LEFTOVER, location, message));
    }
}

fn status_without_task(judge: &mut Judge<'_>) {
    let Some(runtime) = runtime(judge) else {
        return;
    };
    if !runtime.whole.bundles {
        return judge.abstain("the bundles cannot be known whole");
    }
    if judge.node.state == Err(Unread::NotCollected) {
        let state = path_text(&judge.node.roots.state);
        return judge.abstain(format!(
            "{state} is not in the evidence: which containers run is not known"
        ));
    }
    let tasks: BTreeSet<&Text> = runtime
        .bundles
        .iter()
        .filter(|bundle| bundle.namespace == *NAMESPACE)
        .map(|bundle| &bundle.id)
        .collect();
    each(judge, |_, cri| {
        let status = cri.status.whole()?;
        if status.state() != CriState::Running || tasks.contains(&cri.id) {
            return None;
        }
        let pid = status.pid.unwrap_or_default();
        let message = format!("the CRI says that it runs with pid {pid}, and it has no task");
        let code = &codes::STATUS_WITHOUT_TASK;
        let finding = about(&cri.path, &cri.id, "status", code, message);
        // Other tasks of pods are there: the machine was not booted since.
        let severity = if tasks.is_empty() {
            Severity::Note
        } else {
            Severity::Odd
        };
        Some(daemon::with_start(finding.severity(severity)))
    });
}
