//! `pid-reused`: its init died, and another process has its number.
//!
//! Found by `ended.rs`. Tests: `tests/states.rs`; made for real by `testdata/make/runtime` (`pid-reused` in runtime.toml).

use super::{Row, State};
use crate::remedy::{Case, safe};
use finding::Remedy;

pub(super) const ROW: Row = Row {
    state: State::PidReused,
    word: "pid-reused",
    row: Some(29),
    healthy: false,
    cause: "Init ended unnoticed, and the kernel gave its pid to another process.",
    never: &["Never send a signal to that pid: it is another process."],
    remedy: way_out,
    may: |signs| signs.created() || signs.gone_on() || (signs.making() && signs.saved),
};

fn way_out(case: &Case<'_, '_>) -> Remedy {
    let why = "runc sees that the pid is another's, and removes only what it has written.";
    safe(why, vec![case.tools().call(&["delete"])])
}
