//! `zombie`: its init has ended, and nobody takes notice.
//!
//! Found by `ended.rs`. Tests: `tests/states/dying.rs`; made for real by `testdata/make/runtime` (`zombie` in runtime.toml).

use super::{Row, State};
use crate::may::Signs;
use crate::remedy::{CONTINUE, Case, END, of_tracer, risky, safe};
use finding::{Remedy, Step};

pub(super) const ROW: Row = Row {
    state: State::Zombie,
    word: "zombie",
    row: Some(30),
    healthy: false,
    cause: "Its parent does not reap: a shim that is stopped or hangs, a pid 1 that does not care.",
    never: &[],
    remedy: way_out,
    may: Signs::gone_on,
};

fn way_out(case: &Case<'_, '_>) -> Remedy {
    // The kernel gives one that is traced to its parent only after its tracer took notice.
    let init = case.subject.process();
    if let Some(tracer) = init.and_then(|init| init.status.tracer) {
        let why =
            "The tracer takes notice first, and then its shim: nothing is wrong with the shim.";
        return match case.found.culprit {
            Some(it) if it.stat.is_stopped() => safe(why, case.culprit(CONTINUE)),
            _ => safe(why, vec![of_tracer(tracer)]),
        };
    }
    match case.found.culprit {
        Some(parent) if parent.stat.is_stopped() => {
            let steps = case.culprit(CONTINUE).into_iter().map(Step::undoable);
            safe(
                "The parent reaps it once the parent continues.",
                steps.collect(),
            )
        }
        Some(parent) if parent.pid != 1 && case.subject.shim.is_some() => risky(
            "Its shim does not reap; a shim that ends leaves it to pid 1.",
            case.culprit(END),
        ),
        _ => safe(
            "It has ended: its folder can be removed. Its number stays taken until its parent reaps.",
            vec![case.tools().call(&["delete"])],
        ),
    }
}
