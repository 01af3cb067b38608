//! `frozen-v2`: its cgroup is frozen (v2).
//!
//! Found by `judge.rs`. Tests: made for real by `testdata/make/runtime` (`frozen-v2` in runtime.toml).

use super::{Row, State};
use crate::remedy::thawed;
use runc::Phase;

pub(super) const ROW: Row = Row {
    state: State::FrozenV2,
    word: "frozen-v2",
    row: Some(16),
    healthy: false,
    cause: "A process wrote to cgroup.freeze.",
    never: &[
        "Do not believe `runc list`: where both kinds of cgroups are mounted it looks at v1 only.",
    ],
    remedy: thawed,
    // It can come over any process.
    may: |signs| signs.phase != Phase::Empty,
};
