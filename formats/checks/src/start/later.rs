//! What does not work once the daemon is up.

use std::collections::{BTreeMap, BTreeSet};

use daemon::start::{self as rules, Effect, Phase};
use daemon::{Release, Source};
use finding::{Finding, Object, Severity};

use super::run::Run;
use super::{Statement, Target};

/// How many things of one kind are named.
const NAMED: usize = 50;

/// What a start loses for good, where a finding says that none may be tried before it is mended.
const LOSES: &[(&str, Effect, &str)] = &[
    (
        "store/lost-found",
        Effect::DeletesLater,
        "removes lost+found, with what fsck saved in it, at a clean-up of the snapshotter",
    ),
    (
        "image/reference-missing",
        Effect::DeletesLater,
        "removes blobs that images need and nothing keeps, 100 ms later",
    ),
    (
        "container/snapshot-gone",
        Effect::DeletesLater,
        "removes the files of containers whose snapshot meta.db no longer names, at a clean-up",
    ),
];

/// What a finding of this code or family keeps from working; the first that fits.
const FAILS: &[(&str, &str)] = &[
    (
        "blob/stray",
        "cannot clean up its blobs: every collection of content fails",
    ),
    (
        "blob/descriptor-size",
        "cannot export images whose blob has another size than they say",
    ),
    (
        "blob/",
        "cannot use images with missing or damaged blobs; a pull alone does not replace them",
    ),
    (
        "image/media-type",
        "does not see images with a wrong media type: they cannot be used",
    ),
    (
        "image/unpacked-elsewhere",
        "makes no container of images that are unpacked in another snapshotter and lack layers",
    ),
    (
        "image/alias-wrong",
        "starts another image than the one that a name says",
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
        "cri/address-lost",
        "loses the address of pods: the kubelet ends them and makes others",
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
        "cri/pause-image-missing",
        "makes no pod: the sandbox image that config.toml names is no name of an image",
    ),
    (
        "cri/sandbox-gone",
        "lists containers without their pod, which is gone: they can be removed",
    ),
    (
        "cri/sandbox-without-record",
        "does not list a pod whose sandbox has no record, and keeps the sandbox",
    ),
    (
        "cri/",
        "shows pods or containers as unknown, and may not be able to remove them",
    ),
    (
        "registry/file-unusable",
        "cannot pull from registries of which a certificate, a key or hosts.toml cannot be used",
    ),
    (
        "store/owner-changed",
        "gives containers files of a wrong owner: its stores were given to another user",
    ),
    (
        "store/snapshots-elsewhere",
        "finds none of its snapshots: its snapshotter is configured with an empty folder",
    ),
    (
        "snapshot/id-twice",
        "gives two snapshots one directory: removing one deletes the files of the other",
    ),
    (
        "snapshot/name-sequence",
        "gives names of snapshots a second time: new ones cannot be made",
    ),
    (
        "snapshot/usage-differs",
        "starts containers with changed or damaged files",
    ),
    (
        "snapshot/layer-differs",
        "starts containers with changed or damaged files",
    ),
    (
        "snapshot/layer-marks",
        "starts containers with files that their image hides, or without some that it has",
    ),
    (
        "snapshot/parents-index",
        "removes snapshots by a wrong list of children: others may lose their parent",
    ),
    (
        "snapshot/parents-disagree",
        "keeps snapshots by other parents than it mounts them with: a parent may be removed",
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
    if new < Release::V2_0 {
        return;
    }
    let was_upgraded = daemon::detect(&node.traces).to >= Release::V2_0;
    if run.has_cri
        && let Some((at, name)) = super::settings::default_runtime_type(run)
        && (!was_upgraded || crate::runtimes::was_taken_away(&name))
        && crate::runtimes::missing(node, &name, new).is_some()
    {
        let target = Target::new(Object::global("runtime", name.as_str()));
        let statement = run.statement(&rules::DEFAULT_RUNTIME_GONE).at(at);
        run.note(statement.target(target));
    }
    // Of a node that has been upgraded, findings tell which containers have none.
    if was_upgraded {
        return;
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

/// Whether what to do about it begins with a warning: not before something is mended.
fn forbids(finding: &Finding) -> bool {
    let what = finding.what_to_do();
    what.starts_with("Do not start") || what.starts_with("Do not restart")
}

/// What a finding of this code comes to once the daemon is up.
fn comes_to(code: &str, forbids: bool) -> Option<(Effect, &'static str)> {
    let mut losses = LOSES.iter().filter(|_| forbids);
    let loss = losses.find(|(name, ..)| *name == code);
    loss.map(|(_, effect, does)| (*effect, *does)).or_else(|| {
        let (_, does) = FAILS.iter().find(|(family, _)| code.starts_with(family))?;
        Some((Effect::FailsLater, *does))
    })
}

/// One statement for each kind of finding that no step has told of.
pub(super) fn fails(run: &mut Run<'_>) {
    let told: BTreeSet<&str> = run
        .statements
        .iter()
        .filter_map(|statement| statement.code)
        .collect();
    let mut by_code: BTreeMap<(&'static str, bool), Vec<&Finding>> = BTreeMap::new();
    for finding in &run.report.findings {
        let name = finding.code.name;
        if finding.severity >= Severity::Damage && !told.contains(name) {
            by_code
                .entry((name, forbids(finding)))
                .or_default()
                .push(finding);
        }
    }
    for ((code, forbids), findings) in by_code {
        let Some((effect, does)) = comes_to(code, forbids) else {
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
            effect,
            rule: first.code.rule,
            key: "",
            does: does.to_owned(),
            at: first.location.clone(),
            code: Some(code),
            targets: objects.into_iter().map(Target::new).collect(),
            more,
            says: messages::of_code(code)
                .next()
                .map_or_else(String::new, |message| message.fixed().to_owned()),
            source: Source::Tested,
            perhaps: false,
            forbids,
        });
    }
}

/// The code of a unit whose stop ends what it has started.
pub(super) const RESTART_KILLS: &str = "unit/restart-kills";
/// The code of a unit whose stop takes from containerd what it knows its tasks by.
pub(super) const RESTART_LOSES: &str = "unit/restart-loses";

/// What a restart costs and a start does not, where there are tasks: the first line says it.
pub(super) fn restarted(run: &mut Run<'_>) {
    let mut all = run.report.findings.iter();
    let finding = all.find(|one| [RESTART_KILLS, RESTART_LOSES].contains(&one.code.name));
    let (Some(finding), Some(runtime)) = (finding, run.node.runtime.read()) else {
        return;
    };
    let bundles = runtime.bundles.iter().filter(|bundle| !bundle.hidden);
    let tasks: Vec<Target> = bundles
        .map(|one| Object::new("task", one.namespace.clone(), one.id.clone()))
        .map(Target::new)
        .collect();
    if tasks.is_empty() {
        return;
    }
    run.note(Statement {
        phase: Phase::Later,
        effect: Effect::FailsLater,
        rule: finding.code.rule,
        key: "",
        does: if finding.code.name == RESTART_KILLS {
            "ends every task when its unit is stopped or restarted".to_owned()
        } else {
            "loses every task when its unit is stopped or restarted".to_owned()
        },
        at: finding.location.clone(),
        code: Some(finding.code.name),
        more: tasks.len().saturating_sub(NAMED),
        targets: tasks.into_iter().take(NAMED).collect(),
        says: String::new(),
        source: Source::FromSource,
        perhaps: false,
        forbids: false,
    });
}
