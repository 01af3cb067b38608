//! `hook-host`: its creation waits for a hook on the host.
//!
//! Found by `creating.rs`. Tests: made for real by `testdata/make/runtime` (`hook-host` in runtime.toml).

use super::{KILL, LEAK, Row, State};
use crate::remedy::{Case, END, end_hook, is_creator, risky};
use finding::Remedy;

pub(super) const ROW: Row = Row {
    state: State::HookHost,
    word: "hook-host",
    row: Some(8),
    healthy: false,
    cause: "A prestart or createRuntime hook hangs: a device or network plugin, an OCI hook.",
    never: &[LEAK, KILL],
    remedy: way_out,
    // poststart hooks run in `create`, too.
    may: |signs| (signs.making() && !signs.saved) || (signs.created() && signs.done != Some(true)),
};

fn way_out(case: &Case<'_, '_>) -> Remedy {
    let culprit = case.found.culprit;
    if culprit.is_some_and(|culprit| is_creator(case.index, case.subject, culprit)) {
        let why = "Its creator has no hook; look at what it is connected to (systemd by D-Bus) before it is killed.";
        return risky(why, case.culprit(END));
    }
    end_hook(case)
}
