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
    cause: "Its process has ended, and its folders were not removed.",
    never: &[],
    remedy: way_out,
    may: |signs| signs.phase == Phase::Empty,
};

fn way_out(case: &Case<'_, '_>) -> Remedy {
    if case.subject.bundle.is_none() && case.subject.container.is_none() {
        return safe(
            "There is a record of it and nothing else: whoever created it starts or removes it.",
            Vec::new(),
        );
    }
    safe(
        "Nothing has to be done: containerd removes the folders of tasks that are gone when it is \
         started the next time. It need not be restarted for that.",
        Vec::new(),
    )
}
