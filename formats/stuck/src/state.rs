//! The states, by name: one row each.

use core::fmt;

use serde::{Serialize, Serializer};

use crate::remedy::Way;
use crate::{dying, outlived, rootfs_busy};

/// What state a container is in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum State {
    /// It does what it was made for.
    Running,
    /// Frozen on purpose.
    Paused,
    /// It has ended, and nothing of it runs.
    Exited,
    /// Created a moment ago; its start may still come.
    Created,
    /// Being created, at this moment.
    Creating,
    /// Waits at the FIFO, and nobody starts it.
    Parked,
    /// Waits at the FIFO, and its start hangs.
    ParkedStartHung,
    /// Waits at the FIFO, and its shim waits for whoever should read its output.
    ParkedStdio,
    /// Waits at the FIFO, and its shim is gone.
    ParkedOrphan,
    /// Waits at the FIFO, and its creation died in its last step.
    ParkedNoPidFile,
    /// Waits at a FIFO that was removed.
    ParkedFifoMissing,
    /// Its state file is empty, cut or garbled.
    StateDamaged,
    /// Its creation waits for a hook on the host.
    HookHost,
    /// Its init waits for a createContainer hook.
    HookContainer,
    /// It was let go, and waits for a startContainer hook.
    HookStart,
    /// Its creation was stopped in the middle.
    CreatorStopped,
    /// Its creation died in the middle.
    CreatorDied,
    /// An init that no state folder knows.
    LeakedInit,
    /// Its cgroup is frozen (v1).
    FrozenV1,
    /// A cgroup above its own is frozen.
    FrozenAncestor,
    /// Its cgroup is frozen (v2).
    FrozenV2,
    /// It was to be frozen, and does not freeze.
    Freezing,
    /// Its init waits for a file system that does not answer.
    StorageHung,
    /// Its init waits for a seccomp agent.
    SeccompWait,
    /// Its init was stopped by a signal or a tracer.
    InitStopped,
    /// It died between its creation and its start.
    StartDiedEarly,
    /// It runs, and its FIFO was left: runc takes it for created.
    StartedFifoStale,
    /// It runs, and a second start waits for ever.
    SecondStartHung,
    /// An exec into it is frozen.
    ExecFrozen,
    /// The caller of an exec into it was stopped.
    ExecCreatorStopped,
    /// It waits for memory, and nothing may be killed for it.
    OomStall,
    /// It waits for somebody to read its output.
    StdoutFull,
    /// runc itself hangs before it has made anything.
    RuntimeBlocked,
    /// Its init died, and another process has its number.
    PidReused,
    /// Its init has ended, and nobody takes notice.
    Zombie,
    /// Its shim was stopped.
    ShimStopped,
    /// It runs, and its shim is gone.
    ShimDied,
    /// It was killed, and something keeps it from ending.
    Dying,
    /// Its init has ended, and processes of it live.
    Outlived,
    /// It has ended, and somebody else keeps its root busy.
    RootfsBusy,
    /// It runs, and its runtime's folder is gone: no runtime can reach it.
    Unreachable,
    /// There is a bundle or a record, and no process.
    NoTask,
    /// A runtime keeps it whose files are not read.
    NotRead,
    /// The evidence does not tell.
    Unknowable,
}

/// What is known of a state.
#[derive(Debug, Clone, Copy)]
pub struct Row {
    /// The state.
    pub state: State,
    /// Its name.
    pub word: &'static str,
    /// Its number in the docs' table; none for healthy ones.
    pub row: Option<u8>,
    /// Whether all is well.
    pub healthy: bool,
    /// What usually brings it about.
    pub cause: &'static str,
    /// What must not be done.
    pub never: &'static [&'static str],
    /// Its own way out.
    pub(crate) remedy: Option<Way>,
}

const FIFO: &str = "Do not open, read or write exec.fifo, not even with O_NONBLOCK: a reader takes the \
    place of the start, and lets the container run or kills it.";
const LEAK: &str = "Do not run `runc delete --force` first: without a state.json it removes the \
    folder, reports success, and leaves the process and its cgroups behind.";
const KILL: &str = "Do not kill the init: its creator waits for the other process, and is none the \
    wiser.";

const fn row(
    state: State,
    word: &'static str,
    row: Option<u8>,
    cause: &'static str,
    never: &'static [&'static str],
) -> Row {
    Row {
        state,
        word,
        row,
        healthy: false,
        cause,
        never,
        remedy: None,
    }
}

const fn healthy(state: State, word: &'static str, cause: &'static str) -> Row {
    Row {
        state,
        word,
        row: None,
        healthy: true,
        cause,
        never: &[],
        remedy: None,
    }
}

/// Every state.
pub const ROWS: &[Row] = &[
    healthy(State::Running, "running", "It does what it was made for."),
    healthy(
        State::Paused,
        "paused",
        "Somebody paused it; `resume` lets it go on.",
    ),
    healthy(
        State::Exited,
        "exited",
        "It has ended; whoever made it has not deleted it yet.",
    ),
    healthy(
        State::Created,
        "created",
        "It was created a moment ago; its start may still come.",
    ),
    healthy(
        State::Creating,
        "creating",
        "It is being created; that takes less than a second.",
    ),
    row(
        State::Parked,
        "parked",
        Some(1),
        "Whoever created it lost its way between create and start: a caller that died, or a \
         containerd that waits for a lock (releases before 1.6.3).",
        &[FIFO],
    ),
    row(
        State::ParkedStartHung,
        "parked-start-hung",
        Some(2),
        "The process that should start it hangs; the shim holds its lock meanwhile, so that \
         containerd calls the task UNKNOWN.",
        &[FIFO],
    ),
    row(
        State::ParkedStdio,
        "parked-stdio",
        Some(3),
        "The client died before it opened the FIFOs of the container's output; the shim waits for \
         it to this day.",
        &[
            FIFO,
            "Do not open the FIFOs of the output to help: the shim's \
         copying would end with whatever opened them.",
        ],
    ),
    row(
        State::ParkedOrphan,
        "parked-orphan",
        Some(4),
        "The shim was killed, and containerd was not there to notice.",
        &[FIFO],
    ),
    row(
        State::ParkedNoPidFile,
        "parked-no-pid-file",
        Some(5),
        "`create` was killed after everything but the pid file was done.",
        &[FIFO],
    ),
    row(
        State::ParkedFifoMissing,
        "parked-fifo-missing",
        Some(6),
        "Somebody cleaned /run up under it. runc takes it for running, and refuses to start it.",
        &[
            "Do not read the open file of the init by /proc/<pid>/fd: that lets it run, if you do \
           not mean it to.",
        ],
    ),
    row(
        State::StateDamaged,
        "state-damaged",
        Some(7),
        "/run was full, or the machine died while it was written.",
        &[
            "Do not run `runc delete --force`: with a damaged state.json it fails, and with none it \
           leaks the process.",
        ],
    ),
    row(
        State::HookHost,
        "hook-host",
        Some(8),
        "A prestart or createRuntime hook hangs: a device or network plugin, an OCI hook.",
        &[LEAK, KILL],
    ),
    row(
        State::HookContainer,
        "hook-container",
        Some(9),
        "A createContainer hook hangs.",
        &[LEAK, KILL],
    ),
    row(
        State::HookStart,
        "hook-start",
        Some(10),
        "A startContainer hook hangs.",
        &[FIFO, KILL],
    ),
    row(
        State::CreatorStopped,
        "creator-stopped",
        Some(11),
        "`create` was stopped by a signal or a tracer, or its cgroup is frozen.",
        &[LEAK, KILL],
    ),
    row(
        State::CreatorDied,
        "creator-died",
        Some(12),
        "`create` was killed: out of memory, a timeout, an impatient caller.",
        &["Do not reuse the id before its cgroups are gone."],
    ),
    row(
        State::LeakedInit,
        "leaked-init",
        Some(13),
        "Its folder was removed without it: `runc delete --force` while there was no state.json.",
        &["Do not create a container of the same id before it is gone: it would share its cgroup."],
    ),
    row(
        State::FrozenV1,
        "frozen-v1",
        Some(14),
        "A pause, or an update that was killed while the cgroup was frozen for it.",
        &["Do not wait for a SIGKILL: it comes through when it is thawed."],
    ),
    row(
        State::FrozenAncestor,
        "frozen-ancestor",
        Some(15),
        "A pod's or a slice's cgroup was frozen: systemd or kubelet, while they set a property.",
        &["Do not kill the runtime that waits for it: its child stays until the cgroup is thawed."],
    ),
    row(
        State::FrozenV2,
        "frozen-v2",
        Some(16),
        "Somebody wrote to cgroup.freeze.",
        &[
            "Do not believe `runc list`: where both kinds of cgroups are mounted it looks at v1 only.",
        ],
    ),
    row(
        State::Freezing,
        "freezing",
        Some(17),
        "A task in the cgroup does not freeze, for it waits for storage.",
        &["Do not run `runc exec` into it: it would freeze, too."],
    ),
    row(
        State::StorageHung,
        "storage-hung",
        Some(18),
        "A mount's server is dead: FUSE, NFS, a bind of one.",
        &[
            "Do not look into the mount: whoever does hangs as well.",
            "Do not rely on SIGKILL: the task dies only when the file system answers.",
        ],
    ),
    row(
        State::SeccompWait,
        "seccomp-wait",
        Some(19),
        "The agent behind the profile's listener does not answer.",
        &["Do not take it for parked: a start would wait, too."],
    ),
    row(
        State::InitStopped,
        "init-stopped",
        Some(20),
        "Somebody sent SIGSTOP, or traces it.",
        &[FIFO],
    ),
    row(
        State::StartDiedEarly,
        "start-died-early",
        Some(21),
        "`start` was killed before init had written its byte (init then ends with a broken pipe), \
         or init was killed while it waited.",
        &[],
    ),
    row(
        State::StartedFifoStale,
        "started-fifo-stale",
        Some(22),
        "`start` was killed after init had gone on, or a tool read the FIFO.",
        &[
            "Do not run `runc start` again: it would wait for ever.",
            "Do not delete the container as one that was never started: its workload runs.",
        ],
    ),
    row(
        State::SecondStartHung,
        "second-start-hung",
        Some(23),
        "The FIFO of a container that runs was left, and somebody started it again.",
        &["Do not delete the container as one that was never started: its workload runs."],
    ),
    row(
        State::ExecFrozen,
        "exec-frozen",
        Some(24),
        "Somebody ran an exec while the container was frozen.",
        &["Do not kill the exec to be rid of it: it stays until the cgroup is thawed."],
    ),
    row(
        State::ExecCreatorStopped,
        "exec-creator-stopped",
        Some(25),
        "`runc exec` was stopped by a signal or a tracer.",
        &[],
    ),
    row(
        State::OomStall,
        "oom-stall",
        Some(26),
        "The memory limit is reached, and oom_kill_disable is set.",
        &["Do not exec into it: that would wait for memory, too."],
    ),
    row(
        State::StdoutFull,
        "stdout-full",
        Some(27),
        "Nobody reads the container's output: containerd is down, or a copier hangs.",
        &["Do not read the pipe of another process's output: its lines would be lost."],
    ),
    row(
        State::RuntimeBlocked,
        "runtime-blocked",
        Some(28),
        "Its --log is a FIFO that nobody reads.",
        &[],
    ),
    row(
        State::PidReused,
        "pid-reused",
        Some(29),
        "Init died unseen, and the kernel gave its number away.",
        &["Never send a signal to that pid: it is somebody else."],
    ),
    row(
        State::Zombie,
        "zombie",
        Some(30),
        "Its parent does not reap: a shim that is stopped or hangs, a pid 1 that does not care.",
        &[],
    ),
    row(
        State::ShimStopped,
        "shim-stopped",
        Some(31),
        "Somebody sent the shim SIGSTOP, or its cgroup is frozen.",
        &[
            "Do not restart containerd: at its start it waits 5 s for the shim's answer, then kills the containers.",
        ],
    ),
    row(
        State::ShimDied,
        "shim-died",
        None,
        "The shim was killed, and containerd was not there to notice.",
        &[
            "Do not start containerd if the workload is to go on: it kills containers whose shim \
           does not answer.",
        ],
    ),
    dying::ROW,
    outlived::ROW,
    rootfs_busy::ROW,
    row(
        State::Unreachable,
        "unreachable",
        None,
        "Its runtime's state folder was removed under it: /run was cleaned.",
        &[
            "Do not restart containerd to be rid of it: from 1.7 on a start forgets the task, and leaves \
             shim, process, bundle and mount behind.",
            "Do not run `runc delete --force`: it knows no such container, and reports success.",
        ],
    ),
    row(
        State::NoTask,
        "no-task",
        None,
        "Its process has ended, and its folders were not removed.",
        &[],
    ),
    row(
        State::NotRead,
        "not-read",
        None,
        "Its runtime keeps its state in a way that is not read: nothing is said of it, neither good nor \
         bad.",
        &[
            "Do not run `runc` on it, and do not end its processes or unmount its root: it may be well.",
        ],
    ),
    row(
        State::Unknowable,
        "unknowable",
        None,
        "The evidence does not tell.",
        &[FIFO],
    ),
];

impl State {
    /// What is known of it.
    pub fn row(self) -> Row {
        let found = ROWS.iter().find(|row| row.state == self);
        found.copied().unwrap_or(healthy(self, "unknowable", ""))
    }

    /// Its name.
    pub fn word(self) -> &'static str {
        self.row().word
    }

    /// Whether all is well.
    pub fn is_healthy(self) -> bool {
        self.row().healthy
    }

    /// Whether it is known that something hangs.
    pub fn is_stuck(self) -> bool {
        !self.is_healthy() && !matches!(self, Self::Unknowable | Self::NoTask | Self::NotRead)
    }
}

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.word())
    }
}

impl Serialize for State {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.word())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_state_has_its_row_once() {
        let words: std::collections::BTreeSet<_> = ROWS.iter().map(|row| row.word).collect();
        assert_eq!(words.len(), ROWS.len());
        let numbers: Vec<u8> = ROWS.iter().filter_map(|row| row.row).collect();
        assert_eq!(numbers, (1..=31).collect::<Vec<_>>());
        assert_eq!(State::Unknowable.word(), "unknowable");
        assert!(
            ROWS.iter()
                .all(|row| row.state.word() == row.word && !row.cause.is_empty())
        );
    }
}
