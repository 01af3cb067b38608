//! `runtime-blocked`: runc itself hangs before it has made anything.
//!
//! Found by `creating.rs`. Tests: made for real by `testdata/make/runtime` (`runtime-blocked` in runtime.toml).

use super::{Row, State};
use crate::remedy::{Case, END, safe};
use finding::Remedy;

pub(super) const ROW: Row = Row {
    state: State::RuntimeBlocked,
    word: "runtime-blocked",
    row: Some(28),
    healthy: false,
    cause: "Its --log is a FIFO that no process reads.",
    never: &[],
    remedy: way_out,
    may: |signs| signs.alone,
};

fn way_out(case: &Case<'_, '_>) -> Remedy {
    let why = "It has made nothing yet: it can be killed. Its caller must read the FIFO that it gives as --log.";
    safe(why, case.culprit(END))
}
