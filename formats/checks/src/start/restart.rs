//! The restart monitor: containers that it starts, or kills, because a label asks for it.
//!
//! It looks as soon as it is loaded, and every 10 s from then on. 1.6 knows no policies
//! (`containerd.io/restart.policy`): it starts whatever is to run.

use daemon::Release;
use daemon::start::{self as rules, StartRule};
use finding::{Object, Text};
use metadb::{Container, Row};

use super::Target;
use super::live::Live;
use super::run::Run;
use super::settings::is_disabled;
use crate::container_restart::{STATUS, loses_log};

/// How many containers are named.
const NAMED: usize = 50;

/// What a container's task does when the monitor looks.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Task {
    Absent,
    Runs,
    Ended,
    Unknown,
}

/// Whether the monitor does something.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Does {
    Surely,
    Perhaps,
    Not,
}

/// Says which containers are started and killed.
pub(super) fn by_label(run: &mut Run<'_>) {
    let plugin = if run.release < Release::V2_0 {
        "io.containerd.internal.v1.restart"
    } else {
        "io.containerd.monitor.container.v1.restart"
    };
    if run.is_new() || is_disabled(run, plugin) {
        return;
    }
    let was_upgraded = daemon::detect(&run.node.traces).from >= Release::V2_0;
    let mut found: Vec<(&StartRule, Does, Object)> = Vec::new();
    for namespace in run.namespaces() {
        let rows = namespace.containers.read().into_iter().flatten();
        for row in rows.filter(|row| row.readable) {
            let Some(wanted) = row.labels.get(STATUS) else {
                continue;
            };
            let task = task(run, &namespace.name, &row.key);
            let object = || Object::new("container", namespace.name.clone(), row.key.clone());
            match wanted.bytes() {
                b"running" => {
                    let does = starts(run.release, row, task);
                    found.push((&rules::RESTART_STARTS, does, object()));
                    // Of a node of 2.x a finding tells it.
                    if run.release >= Release::V2_0 && !was_upgraded && loses_log(row) {
                        // Sooner or later: each restart does.
                        let does = if does == Does::Not {
                            Does::Not
                        } else {
                            Does::Surely
                        };
                        found.push((&rules::RESTART_LOG_LOST, does, object()));
                    }
                }
                b"stopped" => found.push((&rules::RESTART_STOPS, kills(task), object())),
                _ => {}
            }
        }
    }
    for rule in [
        &rules::RESTART_STARTS,
        &rules::RESTART_STOPS,
        &rules::RESTART_LOG_LOST,
    ] {
        for does in [Does::Surely, Does::Perhaps] {
            let of = found.iter();
            let of = of.filter(|(of, how, _)| of.key == rule.key && *how == does);
            let objects: Vec<&Object> = of.map(|(.., object)| object).collect();
            if objects.is_empty() {
                continue;
            }
            let named = objects.iter().take(NAMED);
            let named = named.map(|object| Target::new((*object).clone()));
            let mut statement = run.statement(rule).targets(named);
            statement.more = objects.len().saturating_sub(NAMED);
            run.note(match does {
                Does::Perhaps => statement.perhaps(),
                _ => statement,
            });
        }
    }
}

fn task(run: &Run<'_>, namespace: &Text, id: &Text) -> Task {
    let Some(runtime) = run.node.runtime.read() else {
        return Task::Unknown;
    };
    let mut bundles = runtime.bundles.iter();
    let bundle = bundles.find(|it| !it.hidden && it.namespace == *namespace && it.id == *id);
    match (bundle, Live::from_node(run.node)) {
        (None, _) if run.node.runtime.unknown().is_empty() => Task::Absent,
        (None, _) | (Some(_), None) => Task::Unknown,
        (Some(bundle), Some(live)) if live.runs(bundle) => Task::Runs,
        (Some(_), Some(_)) => Task::Ended,
    }
}

const fn kills(task: Task) -> Does {
    match task {
        Task::Runs => Does::Surely,
        Task::Unknown => Does::Perhaps,
        Task::Absent | Task::Ended => Does::Not,
    }
}

/// Whether it is started, by its policy (`runtime/restart/restart.go`, `Reconcile`).
fn starts(release: Release, row: &Row<Container>, task: Task) -> Does {
    let label = |name: &str| row.labels.get(name).and_then(Text::utf8).unwrap_or("");
    let policy = if release < Release::V1_7 {
        "always"
    } else {
        label("containerd.io/restart.policy")
    };
    let is_stopped = ["1", "t", "T", "TRUE", "true", "True"]
        .contains(&label("containerd.io/restart.explicitly-stopped"));
    let (name, retries) = policy
        .split_once(':')
        .map_or((policy, None), |(name, retries)| (name, Some(retries)));
    // How a task ended is not in files; one that is gone counts as ended well.
    let if_ended = match (name, retries) {
        ("on-failure", _) if task == Task::Absent => Does::Not,
        ("on-failure", _) => Does::Perhaps,
        ("" | "always", None) => Does::Surely,
        ("unless-stopped", None) if !is_stopped => Does::Surely,
        _ => Does::Not,
    };
    match task {
        Task::Runs => Does::Not,
        Task::Unknown if if_ended == Does::Surely => Does::Perhaps,
        _ => if_ended,
    }
}
