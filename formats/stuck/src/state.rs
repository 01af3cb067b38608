//! The states, by name: one file each in `state/`, which holds what is known of it: its name, its usual cause,
//! what must not be done, its way out, and which folders allow it.
//!
//! To add one: a file there, and a line below. Whoever finds it (`judge.rs` has the order of questions)
//! gives a `Found` of it.

use core::fmt;

use serde::{Serialize, Serializer};

use crate::may::Signs;
use crate::remedy::Way;

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
    /// Its way out.
    pub(crate) remedy: Way,
    /// Whether what a folder says allows it.
    pub(crate) may: fn(Signs) -> bool,
}

const FIFO: &str = "Do not open, read or write exec.fifo, not even with O_NONBLOCK: a reader takes the \
    place of the start, and lets the container run or kills it.";
const LEAK: &str = "Do not run `runc delete --force` first: without a state.json it removes the \
    folder, reports success, and leaves the process and its cgroups behind.";
const KILL: &str =
    "Do not kill the init: its creator waits for the other process and does not notice.";

/// A file, a variant and a row for each line.
macro_rules! states {
    ($(#[doc = $doc:literal] $state:ident in $file:ident;)*) => {
        $(pub(crate) mod $file;)*

        /// What state a container is in.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum State {
            $(#[doc = $doc] $state,)*
        }

        impl State {
            /// What it is, in a sentence.
            pub fn means(self) -> &'static str {
                match self {
                    $(Self::$state => $doc.trim_start(),)*
                }
            }
        }

        /// Every state.
        pub const ROWS: &[Row] = &[$($file::ROW),*];
    };
}

states! {
    /// It does what it was made for.
    Running in running;
    /// Frozen on purpose.
    Paused in paused;
    /// It has ended, and nothing of it runs.
    Exited in exited;
    /// Created a moment ago; its start may still come.
    Created in created;
    /// It has ended, and the kernel had killed a process of it for want of memory.
    OomKilled in oom_killed;
    /// It runs, and may make no process or thread.
    AtLimit in at_limit;
    /// Being created, at this moment.
    Creating in creating;
    /// Waits at the FIFO, and nobody starts it.
    Parked in parked;
    /// Waits at the FIFO, and its start hangs.
    ParkedStartHung in parked_start_hung;
    /// Waits at the FIFO, and its shim waits for whoever should read its output.
    ParkedStdio in parked_stdio;
    /// Waits at the FIFO, and its shim is gone.
    ParkedOrphan in parked_orphan;
    /// Waits at the FIFO, and its creation died in its last step.
    ParkedNoPidFile in parked_no_pid_file;
    /// Waits at a FIFO that was removed.
    ParkedFifoMissing in parked_fifo_missing;
    /// Its state file is empty, cut or garbled.
    StateDamaged in state_damaged;
    /// Its creation waits for a hook on the host.
    HookHost in hook_host;
    /// Its init waits for a createContainer hook.
    HookContainer in hook_container;
    /// It was let go, and waits for a startContainer hook.
    HookStart in hook_start;
    /// Its creation was stopped in the middle.
    CreatorStopped in creator_stopped;
    /// Its creation died in the middle.
    CreatorDied in creator_died;
    /// An init that no state folder knows.
    LeakedInit in leaked_init;
    /// Its cgroup is frozen (v1).
    FrozenV1 in frozen_v1;
    /// A cgroup above its own is frozen.
    FrozenAncestor in frozen_ancestor;
    /// Its cgroup is frozen (v2).
    FrozenV2 in frozen_v2;
    /// It was to be frozen, and does not freeze.
    Freezing in freezing;
    /// Its init waits for a file system that does not answer.
    StorageHung in storage_hung;
    /// Its init waits for a scanner that must allow a file to be opened.
    ScannerHung in scanner_hung;
    /// It waits to write to a file system that is frozen.
    Unthawed in unthawed;
    /// It waits in the kernel for a child that has not begun its program, and does not move.
    ChildHeld in child_held;
    /// Its init waits for a seccomp agent.
    SeccompWait in seccomp_wait;
    /// Its init was stopped by a signal or a tracer.
    InitStopped in init_stopped;
    /// It died between its creation and its start.
    StartDiedEarly in start_died_early;
    /// It runs, and its FIFO was left: runc takes it for created.
    StartedFifoStale in started_fifo_stale;
    /// It runs, and a second start waits for ever.
    SecondStartHung in second_start_hung;
    /// An exec into it is frozen.
    ExecFrozen in exec_frozen;
    /// The caller of an exec into it was stopped.
    ExecCreatorStopped in exec_creator_stopped;
    /// It waits for memory, and nothing may be killed for it.
    OomStall in oom_stall;
    /// It waits for somebody to read its output.
    StdoutFull in stdout_full;
    /// runc itself hangs before it has made anything.
    RuntimeBlocked in runtime_blocked;
    /// Its init died, and another process has its number.
    PidReused in pid_reused;
    /// Its init has ended, and nobody takes notice.
    Zombie in zombie;
    /// Its shim was stopped.
    ShimStopped in shim_stopped;
    /// It runs, and its shim accepts no connection.
    ShimMute in shim_mute;
    /// It runs, and its shim is gone.
    ShimDied in shim_died;
    /// It was killed, and something keeps it from ending.
    Dying in dying;
    /// Its init has ended, and processes of it live.
    Outlived in outlived;
    /// Its init has ended, and the CRI says that it runs.
    EndMissed in end_missed;
    /// It was created long ago, and its start never came.
    StartLost in start_lost;
    /// It has ended, and somebody else keeps its root busy.
    RootfsBusy in rootfs_busy;
    /// It runs, and its runtime's folder is gone: no runtime can reach it.
    Unreachable in unreachable;
    /// There is a bundle or a record, and no process.
    NoTask in no_task;
    /// A runtime keeps it whose files are not read.
    NotRead in not_read;
    /// The evidence does not tell.
    Unknowable in unknowable;
}

impl State {
    /// What is known of it.
    pub fn row(self) -> Row {
        let found = ROWS.iter().find(|row| row.state == self);
        found.copied().unwrap_or(unknowable::ROW)
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
        let unjudged = matches!(self, Self::Unknowable | Self::NoTask | Self::NotRead);
        let limited = matches!(self, Self::OomKilled | Self::AtLimit);
        !self.is_healthy() && !unjudged && !limited
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

    /// A state that nothing provokes is a guess.
    #[test]
    fn every_state_is_made_by_a_test() {
        let real = include_str!("../../../testdata/make/runtime.toml");
        let tests = [
            include_str!("../tests/states.rs"),
            include_str!("../tests/states/daemon.rs"),
            include_str!("../tests/states/dying.rs"),
            include_str!("../tests/states/foreign.rs"),
            include_str!("../tests/states/left.rs"),
            include_str!("../tests/states/limits.rs"),
        ];
        for row in ROWS {
            let (word, name) = (
                format!("\"{}\"", row.word),
                format!("State::{:?}", row.state),
            );
            let tested = tests.iter().any(|text| text.contains(&name));
            assert!(tested || real.contains(&word), "{name}");
        }
    }

    #[test]
    fn every_state_has_its_row_once() {
        let words: std::collections::BTreeSet<_> = ROWS.iter().map(|row| row.word).collect();
        assert_eq!(words.len(), ROWS.len());
        let mut numbers: Vec<u8> = ROWS.iter().filter_map(|row| row.row).collect();
        numbers.sort_unstable();
        assert_eq!(numbers, (1..=33).collect::<Vec<_>>());
        assert_eq!(State::Unknowable.word(), "unknowable");
        assert!(
            ROWS.iter()
                .all(|row| row.state.word() == row.word && !row.cause.is_empty())
        );
    }
}
