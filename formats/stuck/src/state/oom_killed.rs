//! `oom-killed`: it has ended, and the kernel had killed a process of it for want of memory.
//!
//! Nothing of it hangs: what it needs is more memory, and nothing on the node is to be repaired. The
//! CRI plugin writes `OOMKilled` as the reason of the end where the shim told it of such a kill; the
//! cgroup, whose `oom_kill` counted it, is gone by then. Of one that runs on, that counter is told
//! (`running`). Exit code 137 alone is any SIGKILL.
//!
//! Tests: `tests/states/dying.rs`.

use finding::{Remedy, Step};
use runc::Status;

use super::{Row, State};
use crate::found::Found;
use crate::may::never;
use crate::remedy::{Case, safe};
use crate::subject::Subject;

pub(crate) const ROW: Row = Row {
    state: State::OomKilled,
    word: "oom-killed",
    row: None,
    healthy: false,
    cause: "It needed more memory than its limit, or than the node had.",
    never: &[],
    remedy: way_out,
    may: never,
};

/// What the CRI writes as the reason of an end.
const REASON: &str = "OOMKilled";
/// The exit code of a process that SIGKILL ended.
const KILLED: i64 = 137;

/// That a container has ended, and by what, as far as the CRI plugin wrote it down.
pub(crate) fn ended<'f>(subject: &Subject<'f>, why: &str) -> Found<'f> {
    let status = subject.cri.and_then(|cri| cri.status.whole());
    let finished = status.and_then(|status| status.finished);
    status
        .and_then(|status| by_reason(status, why))
        .unwrap_or_else(|| Found::new(State::Exited, why))
        .since(finished)
}

fn by_reason<'f>(status: &Status, why: &str) -> Option<Found<'f>> {
    let code = status.exit_code?;
    let killed = status.reason.as_ref().is_some_and(|it| *it == *REASON);
    Some(match (killed, code) {
        (true, KILLED) => Found::new(
            State::OomKilled,
            format!("{why}: the kernel killed it for want of memory (OOMKilled, exit code 137)"),
        ),
        (true, code) => Found::new(
            State::OomKilled,
            format!(
                "{why} with exit code {code}; the kernel had killed a process of it for want of \
                 memory (OOMKilled)"
            ),
        ),
        (false, KILLED) => Found::new(
            State::Exited,
            format!(
                "{why} by SIGKILL (exit code 137): a kill, a stop whose time was up, or the kernel \
                 for want of memory; the status does not tell which"
            ),
        ),
        (false, _) => return None,
    })
}

fn way_out(_: &Case<'_, '_>) -> Remedy {
    safe(
        "Nothing on the node is to be repaired. Give the container a higher memory limit, or have it \
         use less.",
        vec![Step::words(
            "The kernel's log says what was killed and how much memory it had: lines with oom-kill \
             and the container's id.",
        )],
    )
}
