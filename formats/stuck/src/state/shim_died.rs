//! `shim-died`: it runs, and its shim is gone.
//!
//! Found by `workload.rs`. Tests: made for real by `testdata/make/runtime` (`shim-died` in runtime.toml).

use super::{Row, State};
use crate::remedy::{Case, task};
use finding::Remedy;

pub(super) const ROW: Row = Row {
    state: State::ShimDied,
    word: "shim-died",
    row: None,
    healthy: false,
    cause: "The shim was killed, and containerd was not there to notice.",
    never: &[
        "Do not start containerd while you need the workload: it kills containers with a shim that \
           does not answer.",
    ],
    remedy: way_out,
    may: |signs| signs.started() && signs.shim,
};

fn way_out(case: &Case<'_, '_>) -> Remedy {
    let why = "It keeps running, and no shim takes its exit and its output. A new shim cannot adopt it: end \
        it at a suitable time.";
    let delete = case.tools().delete().loses(task(case.subject));
    Remedy::new(why, vec![delete])
}
