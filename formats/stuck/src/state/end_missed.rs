//! `end-missed`: its init has ended, its shim lives, and the CRI still says that it runs.
//!
//! kubelet asks the CRI to stop it again and again, and the pod stays in Terminating. An end of this
//! very moment looks alike, so one look does not make it sure.
//!
//! Tests: `tests/states/dying.rs`; made for real by `testdata/make/runtime` (`end-missed` in runtime.toml).

use runc::CriState;

use crate::State;
use crate::facts::Index;
use crate::found::Found;
use crate::may::Signs;
use crate::remedy::{Case, safe};
use crate::state::Row;
use crate::subject::Subject;
use finding::{Remedy, Step};

pub(crate) const ROW: Row = Row {
    state: State::EndMissed,
    word: "end-missed",
    row: None,
    healthy: false,
    cause: "containerd did not handle the end of the task: the event was lost, or its handling failed.",
    never: &["Do not kill the shim: it also keeps the other containers of the pod."],
    remedy: way_out,
    may: Signs::gone_on,
};

/// Whether a daemon that runs says that a container runs whose init has ended.
pub(crate) fn judge<'f>(index: &Index<'f>, subject: &Subject<'f>) -> Option<Found<'f>> {
    let status = subject.cri?.status.whole()?;
    let shim = subject.shim.as_ref().filter(|shim| shim.other.is_none())?;
    let daemon = index.daemon?;
    // One that does not move takes no notice of anything, and is told as that.
    let moves = !daemon.stat.is_stopped() && !shim.process.stat.is_stopped();
    if !moves || subject.bundle.is_none() || status.state() != CriState::Running {
        return None;
    }
    let why = "its init has ended and its shim runs, but the CRI still says that it runs";
    let found = Found::new(State::EndMissed, why)
        .sure(false)
        .by(shim.process);
    Some(found.since(status.started))
}

fn way_out(_: &Case<'_, '_>) -> Remedy {
    safe(
        "Look again: a container that ended this moment looks the same.",
        vec![Step::words(
            "If it stays, ask preflight what a start would do. Restart containerd only if that loses \
             nothing and its unit has KillMode=process: a start asks each shim for the state of its \
             tasks.",
        )],
    )
}
