//! What does not work once the daemon is up.

use std::collections::{BTreeMap, BTreeSet};

use daemon::start::{self as rules, Effect, Phase};
use daemon::{Release, Source};
use finding::{Finding, Object, Severity};

use super::run::Run;
use super::{Statement, Target};

/// How many things of one kind are named.
const NAMED: usize = 50;

/// What a finding of this family keeps from working.
const FAILS: &[(&str, &str)] = &[
    (
        "blob/",
        "cannot use images with missing or damaged blobs; pulling them again does not help",
    ),
    (
        "image/media-type",
        "does not see images with a wrong media type: they cannot be used",
    ),
    (
        "image/unpacked-elsewhere",
        "makes no container of images that are unpacked in another snapshotter and lack layers",
    ),
    ("image/", "cannot use images that lack a part"),
    (
        "ingest/",
        "cannot pull blobs that have an unfinished write with other bytes: each pull fails",
    ),
    (
        "container/snapshot-gone",
        "cannot start containers without their snapshot",
    ),
    (
        "container/runtime-gone",
        "cannot start containers of a runtime that is not installed",
    ),
    (
        "cri/runtime-handler-unknown",
        "refuses to recreate pods of a runtime that is not configured",
    ),
    (
        "container/",
        "cannot restart a container from what its record names",
    ),
    (
        "cri/io-missing",
        "cannot attach to containers that run, and calls them unknown: kubelet kills them and makes \
         others",
    ),
    (
        "cri/io-replaced",
        "loses what containers write from the start on",
    ),
    (
        "cri/pod-file-missing",
        "gives new containers of a pod no hosts, hostname or resolv.conf, or cannot make them",
    ),
    (
        "cri/",
        "shows pods or containers as unknown, and may not be able to remove them",
    ),
    (
        "store/snapshots-elsewhere",
        "finds none of its snapshots: its snapshotter is configured with an empty folder",
    ),
    (
        "snapshot/usage-differs",
        "starts containers with changed or damaged files",
    ),
    (
        "snapshot/",
        "cannot prepare or mount snapshots: containers on them do not start",
    ),
];

/// Runtimes that an upgrade takes away: that of the pods to come, and those of containers that are
/// there. On a node that has been upgraded the findings tell it.
pub(super) fn upgraded(run: &mut Run<'_>) {
    let node = run.node;
    let new = run.release;
    if new < Release::V2_0 || daemon::detect(&node.traces).to >= Release::V2_0 {
        return;
    }
    if run.has_cri
        && let Some((at, name)) = super::settings::default_runtime_type(run)
        && crate::runtimes::missing(node, &name, new).is_some()
    {
        let target = Target::new(Object::global("runtime", name.as_str()));
        let statement = run.statement(&rules::DEFAULT_RUNTIME_GONE).at(at);
        run.note(statement.target(target));
    }
    let mut gone = crate::runtimes::without(node, new);
    gone.retain(|(_, row, _)| {
        let name = row.runtime.as_ref().and_then(|it| it.name.utf8());
        name.is_some_and(crate::runtimes::was_taken_away)
    });
    let Some((_, first, _)) = gone.first() else {
        return;
    };
    let at = first.at.location(&node.meta.path);
    let all = gone.iter().take(NAMED);
    let targets =
        all.map(|(space, row, _)| Object::new("container", (*space).clone(), row.key.clone()));
    let mut statement = run.statement(&rules::RUNTIMES_GONE).at(at);
    statement.more = gone.len().saturating_sub(NAMED);
    run.note(statement.targets(targets.map(Target::new)));
}

/// One statement for each kind of finding that no step has told of.
pub(super) fn fails(run: &mut Run<'_>) {
    let told: BTreeSet<&str> = run
        .statements
        .iter()
        .filter_map(|statement| statement.code)
        .collect();
    let mut by_code: BTreeMap<&'static str, Vec<&Finding>> = BTreeMap::new();
    for finding in &run.report.findings {
        let name = finding.code.name;
        if finding.severity >= Severity::Damage && !told.contains(name) {
            by_code.entry(name).or_default().push(finding);
        }
    }
    for (code, findings) in by_code {
        let Some((_, does)) = FAILS.iter().find(|(family, _)| code.starts_with(family)) else {
            continue;
        };
        let Some(first) = findings.first() else {
            continue;
        };
        let mut objects: Vec<_> = findings
            .iter()
            .flat_map(|finding| finding.affects.clone())
            .collect();
        objects.sort();
        objects.dedup();
        let more = objects.len().saturating_sub(NAMED);
        objects.truncate(NAMED);
        run.note(Statement {
            phase: Phase::Later,
            effect: Effect::FailsLater,
            rule: first.code.rule,
            does: (*does).to_owned(),
            at: first.location.clone(),
            code: Some(code),
            targets: objects.into_iter().map(Target::new).collect(),
            more,
            says: messages::of_code(code)
                .next()
                .map_or_else(String::new, |message| message.fixed().to_owned()),
            source: Source::Tested,
            perhaps: false,
            forbids: false,
        });
    }
}
