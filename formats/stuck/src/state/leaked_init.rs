//! `leaked-init`: an init that no state folder knows.
//!
//! Found by `diagnosis.rs`. Tests: `tests/states/foreign.rs`; made for real by `testdata/make/runtime` (`leaked-init` in runtime.toml).

use super::{Row, State};
use crate::remedy::{Case, kill_all, safe};
use finding::Remedy;

pub(super) const ROW: Row = Row {
    state: State::LeakedInit,
    word: "leaked-init",
    row: Some(13),
    healthy: false,
    cause: "Its folder was removed without it: `runc delete --force` while there was no state.json.",
    never: &[
        "Do not create a container of the same id before it is gone: it would share its cgroup.",
    ],
    remedy: way_out,
    may: |signs| signs.alone,
};

fn way_out(case: &Case<'_, '_>) -> Remedy {
    let why = "No runtime knows it; its cgroups can be removed (rmdir) when it has ended.";
    safe(why, kill_all(case.subject))
}
