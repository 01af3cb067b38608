//! `no-task`: there is a bundle or a record, and no process.
//!
//! Found by `ended.rs`. Tests: `tests/states/dying.rs`; made for real by `testdata/make/runtime` (`no-task` in runtime.toml).

use super::{Row, State};
use crate::remedy::{Case, safe};
use finding::Remedy;
use runc::Phase;

pub(super) const ROW: Row = Row {
    state: State::NoTask,
    word: "no-task",
    row: None,
    healthy: false,
    cause: "It was never started; or it has ended, and its bundle or record is still there.",
    never: &[],
    remedy: way_out,
    may: |signs| signs.phase == Phase::Empty,
};

fn way_out(case: &Case<'_, '_>) -> Remedy {
    if case.subject.bundle.is_none() && case.subject.container.is_none() {
        return safe(
            "Nothing has to be done for it: kubelet, or whoever created it, starts or removes it once \
             containerd serves.",
            Vec::new(),
        );
    }
    safe(
        "Nothing has to be done: containerd removes the folders of tasks that are gone when it is \
         started the next time. It need not be restarted for that.",
        Vec::new(),
    )
}
