//! The daemon as a suspect: where it does not move, no container is made and none is stopped, and
//! each of them may be well.
//!
//! | what is seen | so |
//! |---|---|
//! | containerd is stopped, or a cgroup of it is frozen | nothing is answered |
//! | a thread of it waits for a file system | what it makes there is not made: a stat of a volume |
//! | a limit of it is reached (`limits.rs`) | it moves, and makes nothing |
//! | a plugin or helper that it called does not end | a pod's network, a layer, a mount is not made |
//! | a pod or container of the CRI has a folder, and no record | it is being made, since then |
//!
//! Tests: `tests/states/daemon.rs`.

use finding::{Remedy, Step, Text, Time};
use process::{Mount, Process, Wait};
use serde::Serialize;

use crate::facts::{Facts, Index, held_by};
use crate::found::Found;
use crate::remedy::{remedy, signal, storage, thaw, without_mount};
use crate::state::child_held;
use crate::{State, creating};

/// Seconds after which a step of the daemon's does not come to its end by itself.
const STEP: u64 = 10;

/// The daemon, and what keeps it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Daemon {
    /// Its pid.
    pub pid: u32,
    /// What it is.
    pub who: Text,
    /// Whether something keeps it, or a part of it.
    pub stuck: bool,
    /// Whether that is a limit of it: it moves, and makes nothing.
    pub at_limit: bool,
    /// What was concluded, in a sentence.
    pub why: String,
    /// Since when, where that is known.
    pub since: Option<Time>,
    /// Threads of it that wait for a file system.
    pub threads: Vec<DaemonThread>,
    /// What it called and did not end yet.
    pub children: Vec<DaemonChild>,
    /// What it is making now.
    pub making: Vec<Making>,
    /// The evidence, line by line.
    pub evidence: Vec<String>,
    /// What is safe.
    pub remedy: Remedy,
}

/// A thread of the daemon.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct DaemonThread {
    /// Its number.
    pub tid: u32,
    /// The kernel function that it sleeps in.
    pub wchan: Option<Text>,
    /// What it asked the kernel for.
    pub syscall: Option<String>,
}

/// A program that the daemon called.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct DaemonChild {
    /// Its pid.
    pub pid: u32,
    /// What it is.
    pub who: Text,
    /// Since when it runs.
    pub since: Option<Time>,
    /// The pod that it makes the network of, as the daemon told it.
    pub pod: Option<Text>,
    /// What it, or the last one that it called, waits for.
    pub waits_for: String,
    /// Whether it should have ended.
    pub hangs: bool,
}

/// A pod or a container that is being made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Making {
    /// `container` or `pod`.
    pub what: &'static str,
    /// Its id.
    pub id: Text,
    /// Since when.
    pub since: Time,
}

/// The daemon of the examined state folder; nothing where processes are not known or it does not run.
pub fn daemon(facts: Facts<'_>) -> Option<Daemon> {
    let processes = facts.processes?;
    let index = Index::new(facts, processes);
    find_daemon(&index)
}

pub(crate) fn find_daemon(index: &Index<'_>) -> Option<Daemon> {
    let process = index.daemon?;
    let making = making(index, process);
    let children: Vec<(&Process, DaemonChild)> = index
        .processes
        .children(process.pid)
        .filter(|child| !child.stat.is_dead() && child.program() != process.program())
        .map(|each| (each, child(index, each)))
        .collect();
    let hung = children.iter().find(|(_, child)| child.hangs);
    let threads: Vec<DaemonThread> = process
        .threads
        .iter()
        .filter(|thread| thread.wait().is_some_and(Wait::is_for_a_file))
        .map(|thread| DaemonThread {
            tid: thread.tid,
            wchan: thread.wchan.clone(),
            syscall: thread.syscall.as_ref().map(process::Syscall::words),
        })
        .collect();
    let mut evidence = vec![crate::lines::process(process)];
    let mut at_limit = false;
    let (why, stuck, remedy) = held(index, process)
        .or_else(|| on_storage(index, process, &threads, &making, &mut evidence))
        .or_else(|| {
            let found = crate::limits::of_daemon(index, process)?;
            at_limit = true;
            evidence.push(found.evidence);
            Some((found.why, true, found.remedy))
        })
        .or_else(|| {
            let found = child_held::find(index, process, "it")?;
            let remedy = child_held::way_out(&found);
            Some((found.why, true, remedy))
        })
        .or_else(|| hung.map(|(child, what)| by_child(index, child, what)))
        .unwrap_or_else(|| {
            let why = "nothing that is seen keeps it".to_owned();
            (why, false, Remedy::default())
        });
    for thread in &threads {
        evidence.push(format!(
            "thread {} sleeps in {}",
            thread.tid,
            thread.wchan.clone().unwrap_or_default()
        ));
    }
    for (_, child) in &children {
        evidence.push(format!(
            "pid {} ({}) was called by it, and waits for {}",
            child.pid, child.who, child.waits_for
        ));
    }
    for one in &making {
        evidence.push(format!(
            "the {} {} is being made since {}",
            one.what, one.id, one.since
        ));
    }
    let since = making.iter().map(|one| one.since).min();
    let since = since.or_else(|| hung.and_then(|(_, child)| child.since));
    Some(Daemon {
        pid: process.pid,
        who: process.command(),
        stuck,
        at_limit,
        why,
        since: since.filter(|_| stuck),
        threads,
        children: children.into_iter().map(|(_, child)| child).collect(),
        making,
        evidence,
        remedy,
    })
}

type Held = (String, bool, Remedy);

/// Stopped, or frozen.
fn held(index: &Index<'_>, process: &Process) -> Option<Held> {
    if process.stat.is_stopped() {
        let why = "it was stopped, and answers no request".to_owned();
        let way = match process.status.tracer {
            Some(tracer) => remedy(
                false,
                &format!(
                    "The daemon is traced by pid {tracer}: end that process, then the daemon continues."
                ),
                Vec::<Step>::new(),
            ),
            None => remedy(
                true,
                "The process continues where it was stopped.",
                vec![signal("CONT", process)],
            ),
        };
        return Some((why, true, way));
    }
    let places = &index.processes.places;
    let (freezer, _) = places.frozen(&index.processes.tree, &process.cgroups);
    let mut found = Found::new(State::FrozenAncestor, "");
    found.freezer = Some(freezer?);
    let why = "its cgroup is frozen, and it answers no request".to_owned();
    Some((why, true, thaw(&found)))
}

/// Threads of it wait for a file system.
fn on_storage(
    index: &Index<'_>,
    process: &Process,
    threads: &[DaemonThread],
    making: &[Making],
    evidence: &mut Vec<String>,
) -> Option<Held> {
    let count = threads.len();
    if count == 0 {
        return None;
    }
    let state = creating::kind_of_wait(process);
    let (mount, notes) = creating::mount_of(index, process);
    evidence.extend(notes);
    let at = mount.as_ref().map_or_else(String::new, |mount: &Mount| {
        format!(" ({}, {})", mount.point, mount.kind)
    });
    let made = match making {
        [] => String::new(),
        [one] => format!(
            "; the {} {} is being made since {}, and likely waits for it",
            one.what, one.id, one.since
        ),
        [one, ..] => format!(
            "; {} pods or containers are being made, the first since {}",
            making.len(),
            one.since
        ),
    };
    let (threads, wait) = match count {
        1 => ("thread", "waits"),
        _ => ("threads", "wait"),
    };
    let is_mount = state == State::StorageHung;
    let (at, what) = (if is_mount { &at } else { "" }, creating::waits_for(state));
    let why = format!("{count} {threads} of it {wait} for {what}{at}{made}");
    if let Some(remedy) = without_mount(state) {
        return Some((why, true, remedy));
    }
    let mut found = Found::new(state, "");
    found.mount = mount;
    Some((why, true, storage(&found)))
}

/// A program that it called does not end.
fn by_child(index: &Index<'_>, process: &Process, child: &DaemonChild) -> Held {
    let for_pod = child.pod.as_ref();
    let for_pod = for_pod.map_or_else(String::new, |pod| format!(" for the pod {pod}"));
    let why = format!(
        "it waits for pid {} ({}), which it called{for_pod}: that waits for {}",
        child.pid, child.who, child.waits_for
    );
    let leaf = leaf(index, process);
    let way = if leaf.stat.is_stopped() {
        remedy(
            true,
            "The process continues where it was stopped.",
            vec![signal("CONT", leaf)],
        )
    } else if let Some(remedy) = without_mount(creating::kind_of_wait(leaf)) {
        remedy
    } else if held_by(leaf) == Some(Wait::Storage) {
        let (mount, _) = creating::mount_of(index, leaf);
        let mut found = Found::new(State::StorageHung, "");
        found.mount = mount;
        storage(&found)
    } else {
        remedy(
            false,
            "What it was called for fails when it ends, and is tried again: see first what it waits \
             for (its configuration, a server of it).",
            vec![signal("KILL", process)],
        )
    };
    (why, true, way)
}

fn child(index: &Index<'_>, process: &Process) -> DaemonChild {
    let leaf = leaf(index, process);
    let storage = held_by(leaf).is_some_and(Wait::is_for_a_file);
    let old = index.age(process).is_some_and(|age| age >= STEP);
    let program = process.program();
    // What unpacks layers works as long as they are large; the others have nothing to wait for.
    let brief = !process.cni.is_empty()
        || program.starts_with(b"mount")
        || program.starts_with(b"containerd-shim");
    let is_shim = index.host.shim(process.pid).is_some();
    let hangs = !is_shim && (leaf.stat.is_stopped() || old && (storage || brief));
    let waits_for = if leaf.stat.is_stopped() {
        "a signal to continue".to_owned()
    } else {
        held_by(leaf).map_or("not known what".to_owned(), |wait| wait.words().to_owned())
    };
    DaemonChild {
        pid: process.pid,
        who: process.command(),
        since: index.started(process),
        pod: pod(process),
        waits_for: if leaf.pid == process.pid {
            waits_for
        } else {
            format!(
                "pid {} ({}), and that for {waits_for}",
                leaf.pid,
                leaf.command()
            )
        },
        hangs,
    }
}

/// The last in the row of those that a process called.
fn leaf<'f>(index: &Index<'f>, process: &'f Process) -> &'f Process {
    let mut last = process;
    for _ in 0..16 {
        let mut living = index.processes.children(last.pid);
        match living.find(|child| !child.stat.is_dead()) {
            Some(child) if child.pid != last.pid => last = child,
            _ => break,
        }
    }
    last
}

/// The pod in a plugin's `CNI_ARGS`, as namespace and name.
fn pod(process: &Process) -> Option<Text> {
    let args = process.cni.get(b"ARGS".as_slice())?;
    let value = |name: &[u8]| {
        let mut all = args.bytes().split(|byte| *byte == b';');
        all.find_map(|arg| arg.strip_prefix(name).map(<[u8]>::to_vec))
    };
    let (namespace, name) = (value(b"K8S_POD_NAMESPACE=")?, value(b"K8S_POD_NAME=")?);
    Some(Text::from([namespace, name].join(&b'/')))
}

/// What the CRI plugin has a folder of and no record: it makes it now. Older than the daemon, it is
/// what one before it left.
fn making(index: &Index<'_>, process: &Process) -> Vec<Making> {
    let facts = index.facts;
    let Some(started) = index.started(process) else {
        return Vec::new();
    };
    let recent = |since: Time| {
        let age = facts.now.since(since);
        since > started && age >= i64::try_from(STEP).unwrap_or(i64::MAX)
    };
    let containers = facts.runtime.cri.iter();
    let containers = containers.filter(|cri| cri.status.is_absent() && recent(cri.dir.mtime));
    let mut all: Vec<Making> = containers
        .map(|cri| Making {
            what: "container",
            id: cri.id.clone(),
            since: cri.dir.mtime,
        })
        .collect();
    all.sort_by(|one, other| one.since.cmp(&other.since).then(one.id.cmp(&other.id)));
    all
}
