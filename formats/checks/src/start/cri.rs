//! The CRI recovers its pods, containers and images.

use std::collections::BTreeSet;

use daemon::Release;
use daemon::start::{self as rules, StartRule};
use evidence::FileKind;
use finding::{Location, Object, Severity, Text, Unread};
use metadb::{DecodeError, Fault, Namespace, Problem, Trouble};
use node::path_text;
use runc::{CriState, Doc, Runtime};

use super::Target;
use super::run::{CRI_NAMESPACE, Flow, Run};

/// Recovers.
pub(super) fn recover(run: &mut Run<'_>) -> Flow {
    if !run.has_cri {
        return Flow::Continue(());
    }
    if run.pods().is_some() {
        undecodable(run)?;
        twice(run)?;
        sandboxes(run)?;
        records(run);
        waits(run)?;
        statuses(run);
    }
    folders(run)?;
    orphans(run);
    Flow::Continue(())
}

/// Statuses that are FIFOs: who opens one waits for its other end.
fn waits(run: &mut Run<'_>) -> Flow {
    let records = run.pods().and_then(|pods| pods.containers.read());
    let ids: BTreeSet<&Text> = records.into_iter().flatten().map(|row| &row.key).collect();
    let all = run.node.runtime.read().into_iter();
    let mut all = all.flat_map(|runtime: &Runtime| &runtime.cri);
    let fifo = Doc::Unread(Unread::Special("fifo"));
    let Some(cri) = all.find(|cri| cri.status == fifo && ids.contains(&cri.id)) else {
        return Flow::Continue(());
    };
    let at = Location::file(Text::from([cri.path.bytes(), b"/status"].concat()));
    let target = Target::new(Object::new("container", CRI_NAMESPACE, cri.id.clone()));
    let statement = run.statement(&rules::STATUS_WAITS).at(at);
    run.say(statement.target(target).code("runtime/status-damaged"))
}

/// The troubles of one kind of record in a namespace, with the record's name.
pub(super) fn troubles<'n>(run: &Run<'n>, of: &Text, kind: &str) -> Vec<(&'n Trouble, Text)> {
    let rows = run.node.meta.rows.as_ref();
    let all = rows.map_or(&[][..], |rows| &rows.troubles);
    let mut found = Vec::new();
    for trouble in all {
        let [v1, namespace, bucket, rest @ ..] = trouble.path.as_slice() else {
            continue;
        };
        if *v1 == *"v1" && *namespace == *of && *bucket == *kind {
            let name = match (rest.first(), &trouble.problem) {
                (Some(name), _) => name.clone(),
                (None, Problem::Record(Fault::PlainKey { key, .. })) => key.clone(),
                (None, _) => continue,
            };
            found.push((trouble, name));
        }
    }
    found
}

/// Whether a value does not decode when its record is read. A specification is JSON inside a
/// message; that is not looked at before somebody asks for it.
pub(super) const fn is_value(trouble: &Trouble) -> bool {
    match &trouble.problem {
        Problem::Record(Fault::Value { error, .. }) => !matches!(error, DecodeError::Json),
        _ => false,
    }
}

/// The first record that keeps the CRI from starting.
fn undecodable(run: &mut Run<'_>) -> Flow {
    let pods = Text::from(CRI_NAMESPACE);
    for (trouble, id) in troubles(run, &pods, "containers") {
        if is_value(trouble) {
            let says = format!("failed to read container \\\"{id}\\\"");
            let statement = refuse(run, &rules::CONTAINER_UNREADABLE, trouble, "container", &id);
            run.say(statement.says(says))?;
        }
    }
    if run.release >= Release::V2_0 {
        for (trouble, id) in troubles(run, &pods, "sandboxes") {
            let fatal = match &trouble.problem {
                Problem::Record(Fault::PlainKey { .. }) => trouble.path.len() == 3,
                Problem::Record(Fault::Missing { .. }) => true,
                _ => is_value(trouble),
            };
            if fatal {
                let says = format!("failed to read bucket \\\"{id}\\\"");
                let statement = refuse(run, &rules::SANDBOX_UNREADABLE, trouble, "sandbox", &id);
                run.say(statement.says(says))?;
            }
        }
    }
    for (trouble, name) in troubles(run, &pods, "images") {
        let says = match &trouble.problem {
            Problem::Record(Fault::Missing { key: "target", .. }) => "unable to read target bucket",
            Problem::Record(Fault::Value { what: "time", .. }) => "Time.UnmarshalBinary",
            _ => continue,
        };
        let statement = refuse(run, &rules::IMAGE_UNREADABLE, trouble, "image", &name);
        run.say(statement.says(says))?;
    }
    Flow::Continue(())
}

fn refuse(
    run: &Run<'_>,
    rule: &StartRule,
    trouble: &Trouble,
    kind: &'static str,
    name: &Text,
) -> super::Statement {
    let finding = trouble.finding(&run.meta);
    let target = Target::new(Object::new(kind, CRI_NAMESPACE, name.clone()));
    run.statement(rule)
        .at(finding.location)
        .code(finding.code.name)
        .target(target)
}

/// Two pods or containers of one name.
fn twice(run: &mut Run<'_>) -> Flow {
    let found = run
        .report
        .findings
        .iter()
        .filter(|finding| finding.code.name == "cri/name-twice");
    for finding in found {
        let is_container = finding.affects.iter().any(|object| {
            let pods = run.pods();
            let rows = pods
                .and_then(|pods| pods.containers.read())
                .into_iter()
                .flatten();
            rows.into_iter()
                .any(|row| row.key == object.name && row.cri_kind() == Some("container"))
        });
        let rule = if is_container {
            &rules::CONTAINER_TWICE
        } else {
            &rules::POD_TWICE
        };
        let targets = finding.affects.iter().cloned().map(Target::new);
        let statement = run.statement(rule).at(finding.location.clone());
        run.say(statement.code("cri/name-twice").targets(targets))?;
    }
    Flow::Continue(())
}

/// Sandboxes of 2.x without their record.
fn sandboxes(run: &mut Run<'_>) -> Flow {
    let Some(pods) = run.pods().filter(|_| run.release >= Release::V2_0) else {
        return Flow::Continue(());
    };
    for row in pods.sandboxes.read().into_iter().flatten() {
        let is_there = row
            .extensions
            .keys()
            .any(|name| *name == *metadb::cri::STORE_EXTENSION);
        if is_there || !row.whole {
            continue;
        }
        // Fixed in 2.0.6 and 2.1.3.
        let early = match (run.release, run.patch) {
            (Release::V2_0, patch) => patch.map(|patch| patch < 6),
            (Release::V2_1, patch) => patch.map(|patch| patch < 3),
            _ => Some(false),
        };
        let says = format!(
            "failed to get metadata for stored sandbox \\\"{}\\\"",
            row.key
        );
        let at = row.at.location(&run.meta);
        let target = Target::new(Object::new("sandbox", CRI_NAMESPACE, row.key.clone()));
        let fatal = run.statement(&rules::SANDBOX_METADATA).at(at.clone());
        // Later ones take the record of the pod's container.
        let is_recorded = || {
            let mut all = pods.containers.read().into_iter().flatten();
            all.any(|one| {
                one.key == row.key && one.cri_kind() == Some("sandbox") && one.pod().is_ok()
            })
        };
        match early {
            Some(true) => run.say(fatal.says(says).target(target))?,
            Some(false) if is_recorded() => {}
            Some(false) => {
                run.note(run.statement(&rules::SANDBOX_SKIPPED).at(at).target(target));
            }
            None => {
                run.or.push(super::Outcome::CrashLoop);
                run.note(fatal.says(says).target(target).perhaps());
            }
        }
    }
    Flow::Continue(())
}

/// Records that the CRI cannot use: it goes on without them.
fn records(run: &mut Run<'_>) {
    let Some(pods) = run.pods() else { return };
    for row in pods.containers.read().into_iter().flatten() {
        let (what, error) = match row.cri_kind() {
            Some("sandbox") => ("sandbox", row.pod().err()),
            Some("container") => ("container", row.pod_container().err()),
            _ => continue,
        };
        let Some(_) = error.filter(|_| row.whole) else {
            continue;
        };
        let target = Target::new(Object::new("container", CRI_NAMESPACE, row.key.clone()));
        let at = row.at.location(&run.meta);
        let statement = run.statement(&rules::RECORD_SKIPPED).at(at).target(target);
        let says = format!("Failed to load {what}");
        run.note(statement.code("cri/record-unusable").says(says));
    }
}

/// Whether the CRI could load this container of a pod: its record is of use.
fn loadable(pods: &Namespace) -> impl Iterator<Item = &Text> {
    let rows = pods.containers.read().into_iter().flatten();
    rows.filter(|row| row.cri_kind() == Some("container") && row.pod_container().is_ok())
        .map(|row| &row.key)
}

/// Status files that are written over with something else.
fn statuses(run: &mut Run<'_>) {
    let (Some(runtime), Some(pods)) = (run.node.runtime.read(), run.pods()) else {
        return;
    };
    if !runtime.whole.cri {
        run.unknown
            .push("the CRI's status files could not be read".to_owned());
        return;
    }
    let mut broken = Vec::new();
    let mut exited = Vec::new();
    let mut gone = Vec::new();
    for id in loadable(pods) {
        let target = Target::new(Object::new("container", CRI_NAMESPACE, id.clone()));
        match runtime.status(id) {
            None => gone.push(target),
            Some(cri) if cri.status.is_absent() || cri.status.is_refused() => broken.push(target),
            Some(cri) => {
                let status = cri.status.get();
                let runs = status.is_some_and(|status| status.state() == CriState::Running);
                if runs && !is_alive(run, runtime, id) {
                    exited.push(target);
                }
            }
        }
    }
    let at = Location::file(path_text(
        &run.node.roots.root.join(runc::CRI).join("containers"),
    ));
    let has_no_state = run.node.state == Err(Unread::NotCollected);
    let mut tell = |rule: &StartRule, code, targets: Vec<Target>| {
        if !targets.is_empty() {
            let statement = run.statement(rule).at(at.clone()).code(code);
            run.note(statement.targets(targets));
        }
    };
    tell(&rules::STATUS_REWRITTEN, "runtime/status-damaged", broken);
    tell(&rules::STATUS_FOLDER, "runtime/status-dir-missing", gone);
    // Without the state folder, only a boot is known to end them.
    if has_no_state {
        if !exited.is_empty() {
            let does = format!(
                "{}, if the machine was booted since they ran: their tasks are not in the evidence",
                rules::STATUS_EXITED.does
            );
            let statement = run.statement(&rules::STATUS_EXITED).does(does).at(at);
            run.note(statement.targets(exited).perhaps());
        }
        return;
    }
    tell(&rules::STATUS_EXITED, "runtime/status-without-task", exited);
}

/// Whether its task is kept by the steps before.
fn is_alive(run: &Run<'_>, runtime: &Runtime, id: &Text) -> bool {
    let lost = run.statements.iter().any(|statement| {
        statement.phase == rules::Phase::Tasks
            && !statement.perhaps
            && statement.targets.iter().any(|target| {
                target.object.kind == "task"
                    && target.object.name == *id
                    && target
                        .object
                        .namespace
                        .as_ref()
                        .is_some_and(|ns| *ns == *CRI_NAMESPACE)
            })
    });
    runtime.bundle(&CRI_NAMESPACE.into(), id).is_some() && !lost
}

/// Folders that are none.
fn folders(run: &mut Run<'_>) -> Flow {
    let (root, state) = (&run.node.roots.root, &run.node.roots.state);
    let around = &run.node.around;
    for (what, name) in [("sandbox", "sandboxes"), ("container", "containers")] {
        for base in [root, state] {
            let plugin = base.join(runc::CRI);
            let path = plugin.join(name);
            let wrong = [&plugin, &path]
                .into_iter()
                .find(|path| around.kind(path).is_some_and(|kind| kind != FileKind::Dir));
            if let Some(wrong) = wrong {
                let says = format!("failed to cleanup orphaned {what} directories");
                let statement = run.statement(&rules::NOT_A_CRI_FOLDER).says(says);
                return run.say(statement.at(Location::file(path_text(wrong))));
            }
        }
    }
    Flow::Continue(())
}

/// Folders without a record of meta.db.
fn orphans(run: &mut Run<'_>) {
    let Some(runtime) = run.node.runtime.read() else {
        return;
    };
    let rows = run.node.meta.rows.as_ref();
    // What could not be read is not what is not there.
    let unknown = rows.is_none_or(|rows| !rows.unknown(|ns| &ns.containers).is_empty());
    if unknown && !run.is_new() {
        let why = "which pods and containers meta.db has is not known";
        run.unknown.push(why.to_owned());
        return;
    }
    let pods = run.pods();
    let known = |kind: &str| -> BTreeSet<&Text> {
        let rows = pods
            .and_then(|pods| pods.containers.read())
            .into_iter()
            .flatten();
        rows.filter(|row| row.cri_kind() == Some(kind))
            .map(|row| &row.key)
            .collect()
    };
    let (containers, sandboxes) = (known("container"), known("sandbox"));
    let mut targets = Vec::new();
    for cri in runtime
        .cri
        .iter()
        .filter(|cri| !containers.contains(&cri.id))
    {
        targets.push(Target::new(Object::global(
            "cri-containers",
            cri.id.clone(),
        )));
    }
    for id in runtime
        .sandbox_dirs
        .iter()
        .filter(|id| !sandboxes.contains(id))
    {
        targets.push(Target::new(Object::global("cri-sandboxes", id.clone())));
    }
    if !targets.is_empty() {
        let at = Location::file(path_text(&run.node.roots.root.join(runc::CRI)));
        let statement = run.statement(&rules::FOLDERS_REMOVED).at(at);
        let statement = statement.targets(targets);
        let meta = run.report.findings.iter().find(|finding| {
            finding.severity >= Severity::Damage
                && finding.location.file.as_ref() == Some(&run.meta)
        });
        run.note(if run.is_new() {
            match meta {
                Some(finding) => statement.code(finding.code.name).forbids(),
                None => statement.forbids(),
            }
        } else {
            statement
        });
    }
}
