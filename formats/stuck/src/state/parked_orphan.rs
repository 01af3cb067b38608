//! `parked-orphan`: waits at the FIFO, and its shim is gone.
//!
//! Found by `parked.rs`. Tests: `tests/states.rs`; made for real by `testdata/make/runtime` (`parked-orphan` in runtime.toml).

use super::{FIFO, Row, State};
use crate::remedy::{Case, safe};
use finding::Remedy;

pub(super) const ROW: Row = Row {
    state: State::ParkedOrphan,
    word: "parked-orphan",
    row: Some(4),
    healthy: false,
    cause: "The shim was killed, and containerd was not there to notice.",
    never: &[FIFO],
    remedy: way_out,
    may: |signs| signs.created() && signs.shim,
};

fn way_out(case: &Case<'_, '_>) -> Remedy {
    let why = "The container has run no program. A start of containerd does the same, and removes the bundle.";
    safe(why, vec![case.tools().delete()])
}
