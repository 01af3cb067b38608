//! `not-read`: a runtime keeps it whose files are not read.
//!
//! Found by `offline.rs`, `unread.rs`. Tests: `tests/states/foreign.rs`.

use super::{Row, State};
use crate::may::never;
use crate::remedy::{Case, risky};
use finding::Remedy;

pub(super) const ROW: Row = Row {
    state: State::NotRead,
    word: "not-read",
    row: None,
    healthy: false,
    cause: "Its runtime keeps its state in a way that is not read: nothing is said of it, neither good nor \
         bad.",
    never: &[
        "Do not run `runc` on it, and do not end its processes or unmount its root: it may be healthy.",
    ],
    remedy: way_out,
    may: never,
};

fn way_out(_: &Case<'_, '_>) -> Remedy {
    risky(
        "Use the tools of its own runtime. Nothing here says that it is not healthy.",
        Vec::new(),
    )
}
