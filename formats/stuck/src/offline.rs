//! What folders alone tell: how far a container came, and nothing of who lives.

use runc::Phase;

use crate::State;
use crate::found::Found;
use crate::subject::Subject;

pub(crate) fn judge<'f>(subject: &Subject<'f>) -> Found<'f> {
    let status = subject.cri.and_then(|cri| cri.status.whole());
    let finished = status.and_then(|status| status.finished);
    let Some(container) = subject.container else {
        return match (subject.bundle, finished) {
            (None, Some(finished)) => {
                Found::new(State::Exited, "the CRI plugin wrote down that it ended").since(Some(finished))
            }
            (Some(bundle), _) => Found::new(
                State::Unknowable,
                "there is a bundle, no runtime has a folder for it, and processes are not in the evidence",
            )
            .since(Some(bundle.dir.mtime))
            .sure(false),
            (None, None) => Found::new(State::NoTask, "there is a record of it, and no task"),
        };
    };
    let since = container.derived.since;
    if subject.is_damaged() {
        return Found::new(State::StateDamaged, "no runtime can read its state file")
            .sure(false)
            .since(since);
    }
    if let (Phase::Started, Some(finished)) = (container.derived.phase, finished) {
        return Found::new(State::Exited, "the CRI plugin wrote down that it ended")
            .since(Some(finished));
    }
    let why = match container.derived.phase {
        Phase::Empty => "its state folder is empty",
        Phase::Creating => {
            "it was never started; whether its creation lives, hangs or died, folders do not tell"
        }
        Phase::Created => {
            "it was created and never let go; whether its init lives, and waits or hangs, folders do not tell"
        }
        Phase::Released => {
            "it was let go, and its FIFO was left: a hook hangs, or a start was killed; folders do not tell"
        }
        Phase::Started => "it was started; whether it runs, folders do not tell",
        Phase::Unknowable => "folders do not tell how far it came",
    };
    Found::new(State::Unknowable, why).sure(false).since(since)
}
