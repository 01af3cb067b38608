//! `parked-no-pid-file`: waits at the FIFO, and its creation died in its last step.
//!
//! Found by `parked.rs`. Tests: made for real by `testdata/make/runtime` (`parked-no-pid-file` in runtime.toml).

use super::{FIFO, Row, State};
use crate::remedy::never_ran;

pub(super) const ROW: Row = Row {
    state: State::ParkedNoPidFile,
    word: "parked-no-pid-file",
    row: Some(5),
    healthy: false,
    cause: "`create` was killed after everything but the pid file was done.",
    never: &[FIFO],
    remedy: never_ran,
    may: |signs| signs.created() && signs.done == Some(false),
};
