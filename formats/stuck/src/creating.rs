//! A container that is being made, and does not come to its end.

use process::{Mount, Process, Wait};
use runc::Phase;

use crate::State;
use crate::facts::{Index, is_runc_init};
use crate::found::Found;
use crate::parked::hook_of;
use crate::state::child_held;
use crate::subject::Subject;

/// Seconds in which a step of a creation is done, hooks aside.
const STEP: u64 = 5;

/// A runtime that waits at a FIFO before it has made an init: its log is one.
pub(crate) fn runtime_blocked<'f>(subject: &Subject<'f>) -> Option<Found<'f>> {
    if subject.process().is_some() {
        return None;
    }
    subject.commands.iter().find_map(|command| {
        let process = command.process;
        let threads = process
            .threads
            .iter()
            .any(|thread| thread.wait() == Some(Wait::Fifo));
        let at_fifo = threads || process.wait() == Some(Wait::Fifo);
        if !at_fifo || !command.creates() {
            return None;
        }
        let mut found = Found::new(
            State::RuntimeBlocked,
            "the runtime waits at a FIFO, and has made nothing yet",
        )
        .by(process);
        if let Some(log) = command.log {
            found = found.note(format!("its --log is {log}"));
        }
        Some(found)
    })
}

/// A creation that has made no init, and does not go on.
pub(crate) fn without_init<'f>(index: &Index<'f>, subject: &Subject<'f>) -> Option<Found<'f>> {
    let command = subject.commands.iter().find(|command| command.creates())?;
    let creator = command.process;
    let since = index.started(creator);
    if creator.stat.is_stopped() {
        let why = "its creator was stopped before there was an init";
        let mut found = Found::new(State::CreatorStopped, why)
            .by(creator)
            .since(since);
        if let Some(tracer) = creator.status.tracer {
            found = found.note(format!("pid {tracer} traces it"));
        }
        return Some(found);
    }
    let places = &index.processes.places;
    let (freezer, _) = places.frozen(&index.processes.tree, &creator.cgroups);
    if let Some(freezer) = freezer {
        let why = "its creator was frozen before there was an init";
        let mut found = Found::new(State::CreatorStopped, why)
            .by(creator)
            .since(since);
        found.freezer = Some(freezer);
        return Some(found);
    }
    if let Some(found) = child_held::find(index, creator, "its creator") {
        return Some(found);
    }
    if index.age(creator).is_none_or(|age| age < STEP) {
        return None;
    }
    if crate::facts::held_by(creator).is_some_and(Wait::is_for_a_file) {
        return Some(storage(index, subject, creator).by(creator));
    }
    None
}

/// Its folder and its processes may have been read on either side of a change.
pub(crate) fn passing<'f>(subject: &Subject<'f>) -> Found<'f> {
    let since = subject
        .container
        .and_then(|container| container.derived.since);
    let why = "it is being created, or was removed just now";
    Found::new(State::Creating, why).since(since)
}

/// Init waits for a message of its creator.
pub(crate) fn waits_for_creator<'f>(
    index: &Index<'f>,
    subject: &Subject<'f>,
    process: &'f Process,
) -> Found<'f> {
    let since = index.started(process);
    let Some(creator) = subject.creator(index) else {
        if subject.is_fresh(index.facts.now) {
            return passing(subject);
        }
        // It ends by itself as soon as it sees that nobody is at the other end.
        let why = "init waits for its creator, and that is gone";
        return Found::new(State::CreatorDied, why)
            .sure(index.processes.whole)
            .since(since);
    };
    if creator.stat.is_stopped() {
        let mut found = Found::new(
            State::CreatorStopped,
            "init waits for its creator, which was stopped",
        )
        .by(creator)
        .since(since);
        if let Some(tracer) = creator.status.tracer {
            found = found.note(format!("pid {tracer} traces it"));
        }
        return found;
    }
    let (freezer, _) = index
        .processes
        .places
        .frozen(&index.processes.tree, &creator.cgroups);
    if let Some(freezer) = freezer {
        let mut found = Found::new(
            State::CreatorStopped,
            "init waits for its creator, which is frozen",
        )
        .by(creator)
        .since(since);
        found.freezer = Some(freezer);
        return found;
    }
    if let Some(found) = child_held::find(index, creator, "its creator") {
        return found;
    }
    let hook = hook_of(index, creator, process);
    let young = |process: &Process| index.age(process).is_none_or(|age| age < STEP);
    if let Some(hook) = hook {
        return if young(hook) {
            Found::new(State::Creating, "a hook runs")
                .by(hook)
                .since(since)
        } else {
            Found::new(State::HookHost, "its creation waits for a hook on the host")
                .by(hook)
                .since(index.started(hook))
        };
    }
    if young(process) {
        return Found::new(State::Creating, "init and its creator talk").since(since);
    }
    let storage =
        creator.wait().is_some_and(Wait::is_for_a_file) || creator.hung_thread().is_some();
    if storage {
        return self::storage(index, subject, creator);
    }
    Found::new(
        State::HookHost,
        "init waits for its creator, which has no hook that runs: it may wait for systemd",
    )
    .by(creator)
    .sure(false)
    .since(since)
}

/// Init, or one of its threads, waits for something of its own making.
pub(crate) fn waits_for_child<'f>(
    index: &Index<'f>,
    subject: &Subject<'f>,
    process: &'f Process,
    wait: Wait,
) -> Found<'f> {
    let since = index.started(process);
    let mut children = index.processes.children(process.pid);
    let hook = children.find(|child| !child.stat.is_dead() && !is_runc_init(child));
    let path = subject.fifo_path();
    let writes = process
        .open_files()
        .iter()
        .any(|fd| fd.is_at(&path) && fd.writes() == Some(true));
    let let_go = writes || matches!(subject.phase(), Some(Phase::Released | Phase::Started));
    if let Some(hook) = hook {
        let young = index.age(hook).is_none_or(|age| age < STEP);
        return match (young, let_go) {
            (true, true) => Found::new(State::Running, "a startContainer hook runs"),
            (true, false) => Found::new(State::Creating, "a createContainer hook runs"),
            (false, true) => Found::new(
                State::HookStart,
                "it was let go, and waits for a startContainer hook",
            ),
            (false, false) => Found::new(
                State::HookContainer,
                "init waits for a createContainer hook",
            ),
        }
        .by(hook)
        .since(index.started(hook));
    }
    if subject.container.is_none() {
        return crate::parked::leaked(index, process);
    }
    if subject.is_young(index.facts.now) || process.stat.state == 'R' {
        return Found::new(State::Creating, "init is at work").since(since);
    }
    Found::new(
        State::Unknowable,
        format!("init waits for {}, and has no child", wait.words()),
    )
    .sure(false)
    .since(since)
}

/// Init, or its creator, waits for a file system.
pub(crate) fn storage<'f>(
    index: &Index<'f>,
    subject: &Subject<'f>,
    process: &'f Process,
) -> Found<'f> {
    let since = index.started(process);
    if subject.is_young(index.facts.now) && index.age(process).is_none_or(|age| age < STEP) {
        return Found::new(State::Creating, "init waits for a file system").since(since);
    }
    let state = kind_of_wait(process);
    if state != State::StorageHung {
        let mut found =
            Found::new(state, format!("init waits for {}", waits_for(state))).since(since);
        // Locks of other parts of the kernel are of this kind, too: the stack tells.
        if state == State::Unknowable || state == State::Unthawed && !begins_to_write(process) {
            return found.sure(false);
        }
        if state == State::ScannerHung {
            found.notes = scanners(index);
        }
        return found;
    }
    let (mount, notes) = mount_of(index, process);
    let mut found = Found::new(
        State::StorageHung,
        "init waits for a file system that does not answer",
    )
    .since(since);
    found.mount = mount;
    found.notes = notes;
    found
}

/// The state of one of which a process, or a thread of it, waits for a file.
pub(crate) fn kind_of_wait(process: &Process) -> State {
    let own = process.wait().into_iter();
    let mut all = own.chain(process.threads.iter().filter_map(process::Thread::wait));
    match all.find(|wait| matches!(wait, Wait::Scanner | Wait::Thaw)) {
        Some(Wait::Scanner) => State::ScannerHung,
        // Whoever moves processes between cgroups holds up those that fork by a lock of the same kind.
        Some(_) if in_cgroups(process) => State::Unknowable,
        Some(_) => State::Unthawed,
        None => State::StorageHung,
    }
}

fn in_cgroups(process: &Process) -> bool {
    names_in_stack(process, &[b"cgroup"])
}

/// Whether its stack shows that it waits for leave to write to a file system.
fn begins_to_write(process: &Process) -> bool {
    let begins: [&[u8]; 7] = [
        b"start_write",
        b"want_write",
        b"start_pagefault",
        b"vfs_",
        b"ext4_",
        b"xfs_",
        b"btrfs_",
    ];
    names_in_stack(process, &begins)
}

fn names_in_stack(process: &Process, names: &[&[u8]]) -> bool {
    let has =
        |function: &[u8], name: &&[u8]| function.windows(name.len()).any(|part| part == *name);
    let mut stack = process.stack.iter();
    stack.any(|function| names.iter().any(|name| has(function.bytes(), name)))
}

/// The processes that have a group of fanotify(7), by which the kernel asks before it opens: all that are
/// seen, since a group does not say what it is asked of.
fn scanners(index: &Index<'_>) -> Vec<String> {
    let is_group = |fd: &process::Fd| fd.target == *"anon_inode:[fanotify]";
    let all = index.processes.iter();
    all.filter(|process| process.open_files().iter().any(is_group))
        .take(8)
        .map(|process| {
            format!(
                "pid {} ({}) watches files by fanotify, and may be the scanner",
                process.pid,
                process.command()
            )
        })
        .collect()
}

/// What a process waits for, of a state that says so.
pub(crate) const fn waits_for(state: State) -> &'static str {
    match state {
        State::ScannerHung => "a scanner that must allow a file to be opened",
        State::Unknowable => "a lock of the kernel's control groups",
        State::Unthawed => "a frozen file system to be thawed, before it may write",
        _ => "a file system that does not answer",
    }
}

/// The mount that a process may wait for, as the host has it, and what was concluded from. Of several
/// it is not known which.
pub(crate) fn mount_of<'f>(
    index: &Index<'f>,
    process: &'f Process,
) -> (Option<Mount>, Vec<String>) {
    let of_host = index.processes.mounts.as_deref().unwrap_or_default();
    let own = process.mounts.as_deref().unwrap_or(of_host);
    // That of the container is mounted last; a file system counts once, wherever it is mounted.
    let mut all: Vec<&Mount> = Vec::new();
    // systemd has automounts on every machine: they count for who waits for an automounter.
    let asks = waits_for_automount(process);
    let may = |mount: &&Mount| (mount.kind == *"autofs") == asks && (asks || may_hang(mount));
    for mount in own.iter().rev().filter(may) {
        if all.iter().all(|seen| seen.device != mount.device) {
            all.push(mount);
        }
    }
    // A command is given to the host: there it is mounted elsewhere.
    let there = |mount: &Mount| of_host.iter().find(|it| it.device == mount.device).cloned();
    let notes = all.iter().map(|mount| {
        format!(
            "{} is a mount of type {} ({})",
            mount.point, mount.kind, mount.source
        )
    });
    let first = all
        .first()
        .map(|mount| there(mount).unwrap_or_else(|| (*mount).clone()));
    let mut notes: Vec<String> = notes.collect();
    if all.len() > 1 {
        notes
            .push("which of these mounts it waits for is not known: the first is named".to_owned());
    }
    (first, notes)
}

fn waits_for_automount(process: &Process) -> bool {
    let threads = process.threads.iter().map(|thread| &thread.wchan);
    let mut all = core::iter::once(&process.wchan).chain(threads).flatten();
    all.any(|wchan| wchan.bytes().starts_with(b"autofs"))
}

fn may_hang(mount: &Mount) -> bool {
    let kind = mount.kind.bytes();
    let control = kind == b"fusectl";
    !control
        && [
            b"fuse".as_slice(),
            b"nfs",
            b"cifs",
            b"smb",
            b"9p",
            b"ceph",
            b"afs",
            b"glusterfs",
        ]
        .iter()
        .any(|start| kind.starts_with(start))
        && kind != b"nfsd"
}
