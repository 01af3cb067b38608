//! What a container may be where only its folder is known: every state that the folder does not
//! rule out, and none that it does.
//!
//! | the folder says | and so it may be |
//! |---|---|
//! | nothing: there is a bundle alone | not begun, held up in its first step, or its folder was removed |
//! | it was being created | in one of the steps, or dead in one; nothing of its program |
//! | it was created and not let go | parked, for any reason; held up; ended before its start |
//! | it was let go, and the FIFO is there | in a hook, or its program runs and the FIFO is stale |
//! | it was started | whatever a program can be; and one whose FIFO was removed by hand |
//!
//! What is older than a moment is no `creating` and no `created` any more. A `state-N` proves that
//! the hooks are done; a pid file that create is; no bundle of containerd's rules out its shims.

use finding::Time;
use runc::Phase;

use crate::State;
use crate::state::{ROWS, Row};
use crate::subject::Subject;

/// What rules states out.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Signs {
    pub(crate) phase: Phase,
    /// There is a bundle, and no runtime has a folder for it.
    pub(crate) alone: bool,
    pub(crate) crun: bool,
    /// containerd keeps it.
    pub(crate) shim: bool,
    /// Nothing follows yet from what is missing.
    pub(crate) young: bool,
    /// A `state-N` was left.
    pub(crate) saved: bool,
    /// Whether `create` was done to its last step; nothing where no file tells.
    pub(crate) done: Option<bool>,
}

/// Every state that its folders allow, in the order of the docs' table.
pub(crate) fn may_be(subject: &Subject<'_>, now: Time) -> Vec<State> {
    let young = subject.is_young(now);
    let Some(container) = subject.container else {
        return allowed(&[Signs {
            phase: Phase::Empty,
            alone: true,
            crun: false,
            shim: subject.is_containerds(),
            young,
            saved: false,
            done: None,
        }]);
    };
    let phases: &[Phase] = match container.derived.phase {
        Phase::Unknowable if subject.has_fifo() && container.has_state() => {
            &[Phase::Created, Phase::Released]
        }
        Phase::Unknowable => &[
            Phase::Empty,
            Phase::Creating,
            Phase::Created,
            Phase::Released,
            Phase::Started,
        ],
        Phase::Empty => &[Phase::Empty],
        Phase::Creating => &[Phase::Creating],
        Phase::Created => &[Phase::Created],
        Phase::Released => &[Phase::Released],
        Phase::Started => &[Phase::Started],
    };
    let signs = phases.iter().map(|phase| Signs {
        phase: *phase,
        alone: false,
        crun: subject.is_crun(),
        shim: subject.is_containerds(),
        young,
        saved: !container.leftovers.is_empty(),
        done: subject.creation_done(),
    });
    allowed(&signs.collect::<Vec<_>>())
}

/// The states that one of these allows.
fn allowed(signs: &[Signs]) -> Vec<State> {
    let by_any = |row: &&Row| signs.iter().any(|signs| (row.may)(*signs));
    ROWS.iter().filter(by_any).map(|row| row.state).collect()
}

/// Of a state that folders decide, or that has none.
pub(crate) const fn never(_: Signs) -> bool {
    false
}

impl Signs {
    /// It was being created.
    pub(crate) fn making(self) -> bool {
        self.phase == Phase::Creating
    }

    /// It was created, and not let go.
    pub(crate) fn created(self) -> bool {
        self.phase == Phase::Created
    }

    /// It was let go, and its FIFO is there.
    pub(crate) fn released(self) -> bool {
        self.phase == Phase::Released
    }

    /// It was started.
    pub(crate) fn started(self) -> bool {
        self.phase == Phase::Started
    }

    /// It was let go.
    pub(crate) fn gone_on(self) -> bool {
        self.released() || self.started()
    }
}
