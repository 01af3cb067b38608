//! The containers of a node, judged by their files and their processes; of containerd's stores nothing else is opened.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use evidence::{Evidence, LiveProc};
use finding::{Text, Time, Unknown, Unread};
use process::{Processes, Stat};
use runc::Runtime;
use stuck::{Diagnosis, Facts, State, Verdicts};

/// Where containerd keeps its stores, if nothing says otherwise.
const ROOT: &str = "/var/lib/containerd";
const STATE: &str = "/run/containerd";

/// Judged containers, and what may be missing of them.
#[derive(Debug)]
pub struct Judged {
    /// What time it was at the node.
    pub now: Time,
    /// Its containers.
    pub verdicts: Verdicts,
    /// The daemon, where processes are known.
    pub daemon: Option<stuck::Daemon>,
    /// What could not be known.
    pub unknown: Vec<Unknown>,
}

/// Containerd's root and state: where they were found, else the usual places.
pub fn places(roots: Option<&node::Roots>) -> (&Path, &Path) {
    (
        roots.map_or(Path::new(ROOT), |roots| &roots.root),
        roots.map_or(Path::new(STATE), |roots| &roots.state),
    )
}

/// Reads and judges the containers of a node. `time` is that of the node, if it is known; with a `door` to the processes of this
/// machine, what seems to hang is looked at once more.
pub fn judge(
    evidence: &Evidence,
    roots: Option<&node::Roots>,
    processes: Option<&Processes>,
    time: Option<Time>,
    door: Option<&LiveProc>,
) -> Judged {
    let (root, state) = places(roots);
    let hints = processes.map_or_else(Vec::new, |all| node::hints(evidence, all));
    let path = root.join(node::META_DIR).join("meta.db");
    let meta = node::Database::open_meta(evidence, &path, node::Headers::Exact);
    let daemon = roots.map_or_else(
        || b"/run/containerd/containerd.sock".to_vec(),
        node::Roots::address,
    );
    let read = runc::read_of(evidence, root, state, &hints, &daemon).map(|mut runtime| {
        node::learn(&mut runtime, meta.rows.as_ref());
        runtime
    });
    let mut unknown = read.unknown().to_vec();
    unknown.extend(evidence.left_out());
    let empty = runc::Runtime::default();
    let runtime = read.read().unwrap_or(&empty);
    if runtime.whole.containers && runtime.whole.bundles {
        unknown.clear();
    }
    let newest = || {
        let folders = runtime
            .containers
            .iter()
            .map(|container| container.dir.mtime);
        folders.max().unwrap_or(Time::new(0, 0))
    };
    let now = time.unwrap_or_else(newest);
    match processes {
        None if !runtime.containers.is_empty() || !runtime.bundles.is_empty() => {
            unknown.push(Unknown::new(
                "the processes of the containers",
                "they are not in the evidence",
            ));
        }
        Some(processes) if !processes.whole => unknown.push(Unknown::new(
            "the processes of the node",
            "not all of them could be looked at",
        )),
        Some(processes) if processes.live && !processes.tells_wchan => unknown.push(Unknown::new(
            "what processes wait for",
            "the kernel does not tell: run as root",
        )),
        _ => {}
    }
    let lacks_sockets = processes.is_some_and(|all| all.sockets.is_none());
    if lacks_sockets && !runtime.bundles.is_empty() {
        unknown.push(Unknown::new(
            "whether shims accept connections",
            "the table of sockets (/proc/net/unix) could not be read or is not in the evidence",
        ));
    }
    let records = records(meta.rows.as_ref());
    let facts = Facts {
        runtime,
        processes,
        records: &records,
        now,
    };
    let daemon = stuck::daemon(facts);
    let mut verdicts = stuck::diagnose(facts);
    if let (Some(door), Some(processes)) = (door, processes.filter(|all| all.live)) {
        drop_gone(evidence, door, runtime, processes, &mut verdicts);
        confirm(door, &mut verdicts);
    }
    Judged {
        now,
        verdicts,
        daemon,
        unknown,
    }
}

/// The containers of an opened node judged by their processes; nothing where those are not known.
pub fn judged(node: &node::Node) -> Vec<Diagnosis> {
    let (Some(runtime), Some(processes)) = (node.runtime.read(), node.processes.as_deref()) else {
        return Vec::new();
    };
    let facts = Facts {
        runtime,
        processes: Some(processes),
        records: &records(node.meta.rows.as_ref()),
        now: node.now,
    };
    stuck::diagnose(facts).containers
}

/// The containers that meta.db has. What of it cannot be read hides no process.
fn records(rows: Option<&metadb::MetaDb>) -> Vec<(Text, Text)> {
    let namespaces = rows.into_iter().flat_map(metadb::MetaDb::namespaces);
    let rows = namespaces.flat_map(|namespace| {
        let rows = namespace.containers.read().into_iter().flatten();
        rows.map(|row| (namespace.name.clone(), row.key.clone()))
    });
    rows.collect()
}

/// Drops what seems to hang, or is not known, and is no more: its folders were removed meanwhile, or the process that it waits for ended.
/// A look at a busy node takes seconds, and a container may come and go within them.
fn drop_gone(
    evidence: &Evidence,
    door: &LiveProc,
    runtime: &Runtime,
    processes: &Processes,
    verdicts: &mut Verdicts,
) {
    let is_gone = |path: &Text| {
        let path = Path::new(OsStr::from_bytes(path.bytes()));
        matches!(evidence.stat(path), Err(Unread::Absent))
    };
    verdicts.containers.retain(|one| {
        if !one.state.is_stuck() && one.state != State::Unknowable {
            return true;
        }
        let container = runtime.container(one.namespace.as_ref(), &one.id);
        let bundle = one.namespace.as_ref();
        let bundle = bundle.and_then(|namespace| runtime.bundle(namespace, &one.id));
        let folders = container.map(|it| &it.path).into_iter();
        let mut folders = folders.chain(bundle.map(|it| &it.path)).peekable();
        let culprit = one.culprit.and_then(|pid| processes.get(pid));
        match (folders.peek().is_some(), culprit) {
            (true, _) => !folders.all(is_gone),
            (false, Some(culprit)) => start_of(door, culprit.pid) == Some(culprit.stat.start_ticks),
            (false, None) => true,
        }
    });
}

/// When the process that has this pid now started, in clock ticks since boot.
fn start_of(door: &LiveProc, pid: u32) -> Option<u64> {
    let bytes = door
        .process(pid)
        .and_then(|process| process.file("stat", 4096));
    Some(Stat::parse(&bytes.ok()?)?.start_ticks)
}

/// Looks once more at the processes of what seems to hang: on a machine that works, containers come
/// and go between two looks.
fn confirm(door: &LiveProc, verdicts: &mut Verdicts) {
    verdicts
        .shims
        .retain(|shim| start_of(door, shim.pid) == Some(shim.start_ticks));
    verdicts.containers.retain_mut(|one| {
        let (Some(pid), Some(start)) = (one.pid, one.start_ticks) else {
            return true;
        };
        let was_there = one
            .evidence
            .iter()
            .any(|line| line.starts_with(&format!("pid {pid} (")));
        if !one.state.is_stuck() || !was_there || one.state == State::PidReused {
            return true;
        }
        let same = start_of(door, pid) == Some(start);
        if !same && one.state == State::LeakedInit {
            return false;
        }
        if !same {
            one.state = State::Exited;
            one.row = None;
            "it ended while it was looked at".clone_into(&mut one.why);
            one.remedy = finding::Remedy::default();
            one.never.clear();
        }
        true
    });
}
