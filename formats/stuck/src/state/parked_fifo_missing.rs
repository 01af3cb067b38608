//! `parked-fifo-missing`: waits at a FIFO that was removed.
//!
//! Found by `parked.rs`. Tests: made for real by `testdata/make/runtime` (`parked-fifo-missing` in runtime.toml).

use super::{Row, State};
use crate::may::Signs;
use crate::remedy::never_ran;

pub(super) const ROW: Row = Row {
    state: State::ParkedFifoMissing,
    word: "parked-fifo-missing",
    row: Some(6),
    healthy: false,
    cause: "Its FIFO was deleted, often by a clean-up of /run. runc then reports the container as running, \
    and refuses to start it.",
    never: &[
        "Do not read the open file of the init by /proc/<pid>/fd: that lets it run, if you do \
           not mean it to.",
    ],
    remedy: never_ran,
    may: Signs::started,
};
