//! What a container may be where only its folder is known: every state that the folder does not
//! rule out, and none that it does.
//!
//! | the folder says | and so it may be |
//! |---|---|
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
use crate::state::ROWS;
use crate::subject::Subject;

/// What rules states out.
#[derive(Debug, Clone, Copy)]
struct Signs {
    phase: Phase,
    crun: bool,
    /// containerd keeps it.
    shim: bool,
    /// Nothing follows yet from what is missing.
    young: bool,
    /// A `state-N` was left.
    saved: bool,
    /// Whether `create` was done to its last step; nothing where no file tells.
    done: Option<bool>,
}

/// Every state that its folders allow, in the order of the docs' table.
pub(crate) fn may_be(subject: &Subject<'_>, now: Time) -> Vec<State> {
    let young = subject.is_young(now);
    let Some(container) = subject.container else {
        // A bundle, and nobody's folder.
        let of_bundle = |state: &State| match state {
            State::Creating => young,
            State::CreatorStopped
            | State::StorageHung
            | State::LeakedInit
            | State::RuntimeBlocked
            | State::Unreachable
            | State::NoTask => true,
            _ => false,
        };
        return all().filter(of_bundle).collect();
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
        crun: subject.is_crun(),
        shim: subject.is_containerds(),
        young,
        saved: !container.leftovers.is_empty(),
        done: subject.creation_done(),
    });
    let signs: Vec<Signs> = signs.collect();
    all()
        .filter(|state| signs.iter().any(|signs| signs.allow(*state)))
        .collect()
}

fn all() -> impl Iterator<Item = State> {
    ROWS.iter().map(|row| row.state)
}

impl Signs {
    #[expect(
        clippy::match_same_arms,
        reason = "a line for each state, in the order of the table"
    )]
    fn allow(self, state: State) -> bool {
        let making = matches!(self.phase, Phase::Creating);
        let created = self.phase == Phase::Created;
        let released = self.phase == Phase::Released;
        let started = self.phase == Phase::Started;
        let gone_on = released || started;
        match state {
            // The folder decides these.
            State::StateDamaged | State::Unknowable | State::NotRead => false,
            // These have none.
            State::LeakedInit | State::RuntimeBlocked | State::Unreachable => false,
            State::NoTask => self.phase == Phase::Empty,
            State::Creating => self.young && (making || self.phase == Phase::Empty),
            State::Created => self.young && created,
            State::Running => started || (self.young && released),
            State::Paused => started,
            State::Exited => gone_on,
            State::Parked | State::ParkedStartHung => created,
            State::ParkedStdio | State::ParkedOrphan => created && self.shim,
            State::ParkedNoPidFile => created && self.done == Some(false),
            State::ParkedFifoMissing => started,
            // poststart hooks run in `create`, too.
            State::HookHost => (making && !self.saved) || (created && self.done != Some(true)),
            State::HookContainer => making && !self.saved,
            // crun's start removes the FIFO first.
            State::HookStart => started || (released && !self.crun),
            State::CreatorStopped => making || (created && self.done != Some(true)),
            State::CreatorDied => making || (created && self.done != Some(true)),
            State::StartDiedEarly => created && self.done != Some(false),
            State::StartedFifoStale | State::SecondStartHung => released && !self.crun,
            State::ShimStopped => (created || started) && self.shim,
            State::ShimDied => started && self.shim,
            State::Zombie | State::Dying | State::Outlived => gone_on,
            State::RootfsBusy => false,
            State::PidReused => created || gone_on || (making && self.saved),
            // A filter is set after the state was written.
            State::SeccompWait => created || gone_on || self.crun,
            State::ExecFrozen | State::ExecCreatorStopped => created || gone_on,
            // They can come over any process.
            State::FrozenV1
            | State::FrozenAncestor
            | State::FrozenV2
            | State::Freezing
            | State::InitStopped
            | State::StorageHung
            | State::OomStall
            | State::StdoutFull => self.phase != Phase::Empty,
        }
    }
}
