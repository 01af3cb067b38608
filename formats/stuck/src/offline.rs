//! What folders alone tell: how far a container came, and nothing of who lives.

use finding::Time;
use runc::{CriState, Keeper, Phase};

use crate::State;
use crate::found::Found;
use crate::may::may_be;
use crate::state::oom_killed;
use crate::subject::Subject;

/// What the CRI's status says of an end.
const ENDED: &str = "the CRI plugin wrote down that it ended";

pub(crate) fn judge<'f>(subject: &Subject<'f>, now: Time) -> Found<'f> {
    if let Some(found) = not_read(subject) {
        return crate::gvisor::offline(subject).unwrap_or(found);
    }
    let status = subject.cri.and_then(|cri| cri.status.whole());
    let finished = status.and_then(|status| status.finished);
    let Some(container) = subject.container else {
        return match (subject.bundle, finished) {
            (None, Some(_)) => oom_killed::ended(subject, ENDED),
            (Some(bundle), _) => unknowable(
                subject,
                now,
                "there is a bundle, no runtime has a folder for it, and processes are not in the evidence",
            )
            .since(Some(bundle.dir.mtime)),
            (None, None) => Found::new(State::NoTask, without_task(subject)),
        };
    };
    let since = container.derived.since;
    if subject.is_damaged() {
        // Whoever lives: it cannot be reached through its runtime any more.
        return Found::new(State::StateDamaged, "no runtime can read its state file").since(since);
    }
    if let (Phase::Started, Some(_)) = (container.derived.phase, finished) {
        return oom_killed::ended(subject, ENDED);
    }
    let why = match container.derived.phase {
        Phase::Empty => "its state folder is empty",
        Phase::Creating if !container.leftovers.is_empty() => {
            "its creation saved its state and did not go further; files alone do not show whether it still runs"
        }
        Phase::Creating => {
            "it was never started; folders do not show whether its creation still runs, hangs or ended"
        }
        Phase::Created => {
            "it was created and never started; whether its init runs, waits or hangs, files alone do not show"
        }
        Phase::Released => {
            "it was let go, and its FIFO was left: a hook hangs, or a start was killed; files alone do not show which"
        }
        Phase::Started => "it was started; whether it runs, files alone do not show",
        Phase::Unknowable => "files alone do not show how far it came",
    };
    unknowable(subject, now, why).since(since)
}

/// What is known of one that has a record, and neither a bundle nor a folder of its runtime.
pub(crate) fn without_task(subject: &Subject<'_>) -> &'static str {
    let status = subject.cri.and_then(|cri| cri.status.whole());
    match status.map(runc::Status::state) {
        Some(CriState::Created) => "it was created and never started: it has a record and no task",
        Some(CriState::Running) => {
            "the CRI plugin's record says that it runs, and there is no task"
        }
        _ => "there is a record of it, and no task",
    }
}

/// A task that a runtime keeps whose files are not read. Nothing follows from what runc would have
/// left of it.
pub(crate) fn not_read<'f>(subject: &Subject<'f>) -> Option<Found<'f>> {
    if subject.is_read() {
        return None;
    }
    let why = match (&subject.keeper, subject.container) {
        (Keeper::Untold, Some(container)) => {
            format!("{} holds no state of runc, crun or youki", container.path)
        }
        (keeper, _) => keeper.why_unread(),
    };
    let since = subject.bundle.map(|bundle| bundle.dir.mtime);
    Some(Found::new(State::NotRead, why).sure(false).since(since))
}

fn unknowable<'f>(subject: &Subject<'f>, now: Time, why: &str) -> Found<'f> {
    let mut found = Found::new(State::Unknowable, why).sure(false);
    found.may_be = may_be(subject, now);
    found
}
