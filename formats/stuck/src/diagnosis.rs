//! Everything judged and put into words.

use std::collections::BTreeMap;

use finding::{Remedy, Text, Time};
use runc::{Phase, Program};
use serde::Serialize;

use crate::chain::{self, Waiter};
use crate::facts::{Facts, Index, is_runc_init, is_setns};
use crate::found::Found;
use crate::judge::judge;
use crate::left::{self, LeftShim};
use crate::remedy;
use crate::series::{self, Series};
use crate::subject::{Init, Subject};
use crate::whose::{Belongs, Other};
use crate::{State, lines, offline, parked};

/// What is the matter with one container, and what is safe to do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Diagnosis {
    /// containerd's namespace.
    pub namespace: Option<Text>,
    /// Its id.
    pub id: Text,
    /// Its pod, as namespace and name, and its name in it.
    pub origin: Option<Text>,
    /// Who keeps its state.
    pub runtime: Option<Program>,
    /// Its runtime, where that is another one than runc.
    pub keeper: Option<String>,
    /// Whose it is, if not the examined containerd's.
    pub other: Option<Other>,
    /// Its state.
    pub state: State,
    /// The number of that state in the docs.
    pub row: Option<u8>,
    /// Whether nothing else explains the evidence.
    pub sure: bool,
    /// How far it came, as its folder alone tells.
    pub phase: Option<Phase>,
    /// Every state that the evidence allows, where it is `unknowable` for want of processes, or one
    /// of a few.
    pub may_be: Vec<State>,
    /// What it was concluded from, in a sentence.
    pub why: String,
    /// What usually brings it about.
    pub cause: &'static str,
    /// Since when.
    pub since: Option<Time>,
    /// Its init.
    pub pid: Option<u32>,
    /// Its shim.
    pub shim_pid: Option<u32>,
    /// When its init started, in clock ticks since boot.
    pub start_ticks: Option<u64>,
    /// The process that must move for it to go on.
    pub culprit: Option<u32>,
    /// The evidence, line by line.
    pub evidence: Vec<String>,
    /// Who waits for whom, from init to the daemon.
    pub waits_for: Vec<Waiter>,
    /// What is safe.
    pub remedy: Remedy,
    /// What must not be done.
    pub never: Vec<&'static str>,
}

/// The diagnosis of a node.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Verdicts {
    /// Every container that a runtime, a bundle or a process tells of.
    pub containers: Vec<Diagnosis>,
    /// Those that got stuck one after the other.
    pub series: Vec<Series>,
    /// Shims that serve nothing any more and that no start of containerd ends.
    pub shims: Vec<LeftShim>,
}

type Key = (Option<Text>, Text);

/// The namespace of the CRI plugin.
const CRI_NAMESPACE: &str = "k8s.io";

/// Judges every container.
pub fn diagnose(facts: Facts<'_>) -> Verdicts {
    let keeps_times = crate::subject::keeps_times(facts.runtime);
    let index = facts
        .processes
        .map(|processes| Index::new(facts, processes));
    let mut containers: Vec<Diagnosis> = match &index {
        Some(index) => with_processes(facts, index),
        None => subjects(facts)
            .into_iter()
            .map(|(key, parts)| {
                let cri = facts.runtime.status(&key.1);
                let mut subject = without_processes(facts.runtime, key, parts, cri);
                subject.keeps_times = keeps_times;
                let found = offline::judge(&subject, facts.now);
                put(None, &subject, &found)
            })
            .collect(),
    };
    containers.sort_by(|one, other| (&one.namespace, &one.id).cmp(&(&other.namespace, &other.id)));
    let series = series::find(&containers);
    let shims = index.as_ref().map(|index| left::find(facts, index));
    let mut shims = shims.unwrap_or_default();
    // What runs below one may be told already, with its container.
    let is_told = |shim: &LeftShim| {
        let mut stuck = containers.iter().filter(|one| one.state.is_stuck());
        stuck.any(|one| one.id == shim.id && one.namespace.as_ref() == Some(&shim.namespace))
    };
    shims.retain(|shim| shim.processes.is_empty() || !is_told(shim));
    Verdicts {
        containers,
        series,
        shims,
    }
}

type Parts<'f> = (Option<&'f runc::Container>, Option<&'f runc::Bundle>);

/// What is known of each container by folders. Two runtimes may each have one of the same id.
fn subjects(facts: Facts<'_>) -> Vec<(Key, Parts<'_>)> {
    type All<'f> = (Vec<&'f runc::Container>, Option<&'f runc::Bundle>);
    let mut all: BTreeMap<Key, All<'_>> = BTreeMap::new();
    for container in &facts.runtime.containers {
        let key = (container.namespace.clone(), container.id.clone());
        all.entry(key).or_default().0.push(container);
    }
    for bundle in facts.runtime.bundles.iter().filter(|bundle| !bundle.hidden) {
        let key = (Some(bundle.namespace.clone()), bundle.id.clone());
        all.entry(key).or_default().1 = Some(bundle);
    }
    for (namespace, id) in facts.records {
        all.entry((Some(namespace.clone()), id.clone()))
            .or_default();
    }
    // A container that the CRI made, with its record, and that was never started has no task.
    let made = |cri: &&runc::CriStatus| {
        let status = cri.status.whole();
        cri.pod.is_some() && status.is_some_and(|it| it.state() == runc::CriState::Created)
    };
    for cri in facts.runtime.cri.iter().filter(made) {
        all.entry((Some(CRI_NAMESPACE.into()), cri.id.clone()))
            .or_default();
    }
    let mut out = Vec::new();
    for (key, (containers, bundle)) in all {
        if containers.is_empty() {
            out.push((key, (None, bundle)));
            continue;
        }
        for container in containers {
            out.push((key.clone(), (Some(container), bundle)));
        }
    }
    out
}

fn without_processes<'f>(
    runtime: &'f runc::Runtime,
    (namespace, id): Key,
    (container, bundle): Parts<'f>,
    cri: Option<&'f runc::CriStatus>,
) -> Subject<'f> {
    Subject {
        keeps_times: true,
        gvisor: namespace
            .as_ref()
            .and_then(|namespace| runtime.gvisor(namespace, &id)),
        namespace,
        id,
        container,
        bundle,
        cri,
        init: Init::Unseen,
        shim: None,
        keeper: bundle.map_or(runc::Keeper::Untold, |bundle| runtime.keeper(bundle)),
        other: container
            .and_then(|container| container.other_daemon(&runtime.state))
            .map(Other::Daemon),
        members: Vec::new(),
        commands: Vec::new(),
    }
}

fn with_processes<'f>(facts: Facts<'f>, index: &Index<'f>) -> Vec<Diagnosis> {
    let mut out = Vec::new();
    let mut known: Vec<u32> = Vec::new();
    let mut ids: Vec<Text> = Vec::new();
    for ((namespace, id), (container, bundle)) in subjects(facts) {
        let cri = facts.runtime.status(&id);
        let subject = Subject::new(index, namespace, id, container, bundle, cri);
        known.extend(subject.process().map(|process| process.pid));
        known.extend(subject.members.iter().map(|member| member.pid));
        known.extend(subject.commands.iter().map(|command| command.process.pid));
        ids.push(subject.id.clone());
        let found = judge(index, &subject);
        out.push(put(Some(index), &subject, &found));
    }
    known.sort_unstable();
    let is_known = |pid: u32| known.binary_search(&pid).is_ok();
    // Inits that no folder knows.
    for process in index.processes.iter().filter(|process| {
        is_runc_init(process)
            && !process.stat.is_dead()
            && !is_setns(process)
            && !is_known(process.pid)
            && !matches!(
                index.host.owner_of(index.processes, process),
                Belongs::Theirs(_)
            )
    }) {
        // Only the last of the three that make one is the init.
        let of_three = index.processes.children(process.pid).any(is_runc_init);
        let being_made = index.age(process).is_none_or(|age| age < 5);
        if of_three || being_made || !facts.runtime.whole.containers {
            continue;
        }
        let (namespace, id) = name_of(index, process);
        let mut subject = Subject::new(index, namespace, id, None, None, None);
        subject.init = Init::Alive(process);
        let found = match index.holds_fifo(process) {
            // It has a folder, under a root that was not read.
            Some(fd) if !fd.is_deleted() => Found::new(
                State::Unknowable,
                "it is an init of runc, and the folder of its FIFO was not read",
            )
            .sure(false)
            .note(format!("pid {} holds {}", process.pid, fd.target)),
            _ => match facts.runtime.unseen_roots.first() {
                Some(root) => Found::new(
                    State::Unknowable,
                    format!(
                        "it is an init of runc, and its state may be below {root}, which is not in the \
                         evidence"
                    ),
                )
                .sure(false),
                None => parked::leaked(index, process),
            },
        };
        out.push(put(Some(index), &subject, &found));
        ids.push(subject.id.clone());
    }
    // Runtimes that have made nothing.
    for command in index.commands.iter().filter(|command| command.creates()) {
        if ids.contains(command.id) {
            continue;
        }
        let subject = Subject::new(index, None, command.id.clone(), None, None, None);
        let found = crate::creating::runtime_blocked(&subject)
            .or_else(|| crate::creating::without_init(index, &subject));
        if let Some(found) = found {
            let found = found.since(index.started(command.process));
            ids.push(subject.id.clone());
            out.push(put(Some(index), &subject, &found));
        }
    }
    out
}

/// Namespace and id of an init without a folder: from the FIFO it holds, its environment, its cgroup.
fn name_of(index: &Index<'_>, process: &process::Process) -> Key {
    let by_fifo = index.open_fifos().find(|(_, pid)| *pid == process.pid);
    let folder = by_fifo
        .map(|(path, _)| crate::subject::parent_of(path).to_vec())
        .or_else(|| {
            let folder = process.libcontainer.get(b"STATEDIR".as_slice())?;
            Some(folder.bytes().to_vec())
        });
    let last = |path: &[u8]| {
        let part = path.rsplit(|byte| *byte == b'/').next().unwrap_or_default();
        Text::from(part)
    };
    if let Some(folder) = folder {
        let id = last(&folder);
        let above = crate::subject::parent_of(&folder);
        let shims = crate::subject::parent_of(above) == runc::SHIM_ROOT.as_bytes();
        return (shims.then(|| last(above)), id);
    }
    let group = process.cgroups.iter().map(|group| last(group.path.bytes()));
    let id = group.max_by_key(|name| name.bytes().len());
    (
        None,
        id.unwrap_or_else(|| Text::from(format!("pid {}", process.pid))),
    )
}

/// Pod and name of a container.
fn origin(subject: &Subject<'_>) -> Option<Text> {
    let state = subject.container.and_then(runc::Container::best_state);
    let pod = subject.bundle.and_then(|bundle| bundle.spec.get()?.pod());
    let label = |name: &str| state.and_then(|state| state.label(name));
    let namespace = pod
        .as_ref()
        .and_then(|pod| pod.namespace.clone())
        .or_else(|| label("io.kubernetes.cri.sandbox-namespace"))?;
    let name = pod
        .as_ref()
        .and_then(|pod| pod.name.clone())
        .or_else(|| label("io.kubernetes.cri.sandbox-name"))?;
    let container = pod
        .as_ref()
        .and_then(|pod| pod.container.clone())
        .or_else(|| label("io.kubernetes.cri.container-name"));
    let mut parts = vec![namespace.bytes(), name.bytes()];
    parts.extend(container.as_ref().map(Text::bytes));
    Some(Text::from(parts.join(&b'/')))
}

/// What brought it about: where several things usually do, the one that was seen.
fn cause(subject: &Subject<'_>, found: &Found<'_>, usual: &'static str) -> &'static str {
    let stopped = matches!(
        found.state,
        State::CreatorStopped | State::ShimStopped | State::ExecCreatorStopped | State::InitStopped
    );
    if !stopped {
        return usual;
    }
    if found.freezer.is_some() {
        return "Its cgroup is frozen.";
    }
    match found.culprit.or_else(|| subject.process()) {
        Some(process) if process.stat.state == 't' => "A process traces it.",
        Some(process) if process.stat.state == 'T' => "It was stopped by a signal (SIGSTOP).",
        _ => usual,
    }
}

fn put(index: Option<&Index<'_>>, subject: &Subject<'_>, found: &Found<'_>) -> Diagnosis {
    let row = found.state.row();
    let init = subject.process();
    let claimed = subject.claimed();
    Diagnosis {
        namespace: subject.namespace.clone(),
        id: subject.id.clone(),
        origin: origin(subject),
        runtime: subject.container.map(|container| container.program),
        keeper: (!matches!(subject.keeper, runc::Keeper::Runc | runc::Keeper::Untold))
            .then(|| subject.keeper.to_string()),
        other: subject.other.clone(),
        state: found.state,
        row: row.row,
        sure: found.sure,
        phase: subject.phase(),
        may_be: found.may_be.clone(),
        why: found.why.clone(),
        cause: cause(subject, found, row.cause),
        since: found.since,
        pid: init.map(|init| init.pid).or(claimed.map(|(pid, _)| pid)),
        shim_pid: subject.shim.as_ref().map(|shim| shim.process.pid),
        start_ticks: init
            .map(|init| init.stat.start_ticks)
            .or(claimed.and_then(|(_, start)| start)),
        culprit: found.culprit.map(|culprit| culprit.pid),
        evidence: lines::evidence_lines(index, subject, found),
        waits_for: index
            .map(|index| chain::waiters_of(index, subject, found))
            .unwrap_or_default(),
        remedy: match index {
            Some(index) => remedy::remedy_of(index, subject, found),
            None => Remedy::new(crate::WITHOUT_PROCESSES, Vec::new()),
        },
        never: row.never.to_vec(),
    }
}
