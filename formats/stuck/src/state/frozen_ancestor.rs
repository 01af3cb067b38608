//! `frozen-ancestor`: a cgroup above its own is frozen.
//!
//! Found by `judge.rs`. Tests: `tests/states.rs`; made for real by `testdata/make/runtime` (`frozen-ancestor` in runtime.toml).

use super::{Row, State};
use crate::remedy::thawed;
use runc::Phase;

pub(super) const ROW: Row = Row {
    state: State::FrozenAncestor,
    word: "frozen-ancestor",
    row: Some(15),
    healthy: false,
    cause: "A pod's or a slice's cgroup was frozen: systemd or kubelet, while they set a property.",
    never: &[
        "Do not kill the runtime that waits for it: its child stays until the cgroup is thawed.",
    ],
    remedy: thawed,
    // It can come over any process.
    may: |signs| signs.phase != Phase::Empty,
};
