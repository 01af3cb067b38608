//! `seccomp-wait`: its init waits for a seccomp agent.
//!
//! Found by `judge.rs`. Tests: made for real by `testdata/make/runtime` (`seccomp-wait` in runtime.toml).

use super::{Row, State};
use crate::remedy::never_ran;

pub(super) const ROW: Row = Row {
    state: State::SeccompWait,
    word: "seccomp-wait",
    row: Some(19),
    healthy: false,
    cause: "The agent behind the profile's listener does not answer.",
    never: &["Do not start it: it is not parked at its FIFO, and a start would wait, too."],
    remedy: never_ran,
    // A filter is set after the state was written.
    may: |signs| signs.created() || signs.gone_on() || signs.crun,
};
