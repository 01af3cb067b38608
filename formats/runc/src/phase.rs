//! How far a container came, as its state folder alone tells.
//!
//! | in the folder | conclusion |
//! |---|---|
//! | nothing | creation has just begun, or removal has just ended |
//! | FIFO only | being created, or creation died; never started; no pid is known |
//! | FIFO and `state-N` | the same, killed while it was saved; pid in `state-N` |
//! | FIFO and `runc.XXXXXX` | the same, killed while init copied runc (up to 1.1.14) |
//! | FIFO and state.json, mtime(FIFO) ≤ mtime(state.json) | created, waits for its start |
//! | FIFO and state.json, mtime(FIFO) > mtime(state.json) | let go; a hook hangs or the start died |
//! | state.json, no FIFO | started (or the FIFO was removed by hand) |
//!
//! The second-last distinction is a clock that needs no clock: in answer to a start, init writes
//! one byte into the FIFO, which moves its mtime; nothing else does. Kernels stamp with jiffies
//! (4 ms), so differences below 10 ms are none. A tar that keeps whole seconds cannot tell the two
//! apart if both fall into one second; then it is unknowable, and said to be.
//!
//! What no folder tells: whether init is alive, frozen, or blocked where; whether it has ended.

use core::fmt;

use finding::Time;
use serde::Serialize;

/// Differences up to this many nanoseconds are none.
const JIFFY: i128 = 10_000_000;

/// A state.json that is this much younger than the container was written by an update: the first
/// one follows the time of creation within milliseconds.
const UPDATED: i128 = 1_000_000_000;

/// How far a container came.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Phase {
    /// An empty folder: creation has just begun, or removal has just ended.
    Empty,
    /// Being created, or creation died: no state.json yet, never started.
    Creating,
    /// Created, and its start was never called: init waits at the FIFO, if it lives.
    Created,
    /// Let go, but the FIFO was not removed: a startContainer hook, or a start that was killed.
    Released,
    /// Started. Whether it still runs, files do not tell.
    Started,
    /// Files do not tell.
    Unknowable,
}

impl Phase {
    /// Its name in tables and JSON.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Empty => "empty",
            Self::Creating => "creating",
            Self::Created => "created",
            Self::Released => "released",
            Self::Started => "started",
            Self::Unknowable => "unknowable",
        }
    }
}

impl fmt::Display for Phase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.word())
    }
}

/// A phase, what it was concluded from, and how sure that is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Derived {
    /// The phase.
    pub phase: Phase,
    /// Whether nothing else can explain the files.
    pub sure: bool,
    /// What it was concluded from.
    pub why: String,
    /// Since when.
    pub since: Option<Time>,
}

/// What a state folder holds, as far as its listing is known.
#[derive(Debug, Clone, Copy, Default)]
pub struct Signs {
    /// Mtime of the folder.
    pub dir: Option<Time>,
    /// Mtime of exec.fifo, if it is there; the inner `None` if it is there without times.
    pub fifo: Option<Option<Time>>,
    /// Mtime of state.json (crun: `status`), likewise.
    pub state: Option<Option<Time>>,
    /// `created` in it.
    pub created: Option<Time>,
    /// Whether there is anything else in the folder.
    pub others: bool,
    /// Whether it is crun's: its start unlinks the FIFO before it lets the container go.
    pub crun: bool,
    /// Whether the folder's listing may lack something.
    pub partial: bool,
}

impl Signs {
    /// What the files tell.
    pub fn derive(&self) -> Derived {
        let derived = |phase, sure, why: &str, since| Derived {
            phase,
            sure: sure && !self.partial,
            why: why.to_owned(),
            since,
        };
        match (self.fifo, self.state) {
            _ if self.partial && (self.fifo.is_none() || self.state.is_none()) => derived(
                Phase::Unknowable,
                false,
                "the folder could not be listed whole",
                self.created,
            ),
            (None, None) if self.others => derived(
                Phase::Creating,
                false,
                "neither exec.fifo nor a state file, but something else",
                self.dir,
            ),
            (None, None) => derived(
                Phase::Empty,
                false,
                "an empty folder: creation began, removal ended, or the state file was removed",
                self.dir,
            ),
            (Some(fifo), None) => derived(
                Phase::Creating,
                true,
                "exec.fifo without a state file: it was never started",
                fifo.or(self.dir),
            ),
            (Some(_), Some(_)) if self.crun => derived(
                Phase::Created,
                true,
                "exec.fifo is there, and crun removes it before a start",
                self.created,
            ),
            (Some(fifo), Some(state)) => self.gate(fifo, state),
            (None, Some(state)) => {
                // An update renames a new state.json into the folder, which moves both times away
                // from the time of creation. A quick start leaves all three together.
                let near = |one, other| nanos(one, other).abs() < JIFFY;
                let rewritten = match (self.dir, state, self.created) {
                    (Some(dir), Some(state), Some(created)) => {
                        near(dir, state) && nanos(state, created) > UPDATED
                    }
                    (Some(dir), Some(state), None) => near(dir, state),
                    _ => true,
                };
                let (why, since) = if rewritten {
                    let why = "no exec.fifo: it was started, at a time that an update hides";
                    (why, self.created)
                } else {
                    let why = "no exec.fifo: it was started when its folder last changed";
                    (why, self.dir)
                };
                derived(Phase::Started, true, why, since)
            }
        }
    }

    fn gate(&self, fifo: Option<Time>, state: Option<Time>) -> Derived {
        let parked_since = self.created.or(state);
        let derived = |phase, sure: bool, why: &str, since| Derived {
            phase,
            sure: sure && !self.partial,
            why: why.to_owned(),
            since,
        };
        let (Some(fifo), Some(state)) = (fifo, state) else {
            let why = "exec.fifo is there, but the evidence has no times";
            return derived(Phase::Unknowable, false, why, parked_since);
        };
        let whole_seconds = fifo.nanos == 0 && state.nanos == 0;
        if whole_seconds && fifo.seconds == state.seconds {
            let why = "exec.fifo is there, and times in whole seconds cannot tell whether it was written to";
            return derived(Phase::Unknowable, false, why, parked_since);
        }
        if nanos(fifo, state) > JIFFY {
            let why = "exec.fifo was written to after state.json";
            return derived(Phase::Released, true, why, Some(fifo));
        }
        let why = "exec.fifo was not written to since state.json";
        derived(Phase::Created, true, why, parked_since)
    }
}

/// Nanoseconds from `earlier` to `later`.
fn nanos(later: Time, earlier: Time) -> i128 {
    let all = |time: Time| {
        i128::from(time.seconds)
            .saturating_mul(1_000_000_000)
            .saturating_add(i128::from(time.nanos))
    };
    all(later).saturating_sub(all(earlier))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn time(text: &str) -> Time {
        Time::parse(&format!("2026-11-21T03:36:{text}Z")).unwrap()
    }

    fn both(fifo: &str, state: &str) -> Derived {
        Signs {
            dir: Some(time("59")),
            fifo: Some(Some(time(fifo))),
            state: Some(Some(time(state))),
            ..Signs::default()
        }
        .derive()
    }

    #[test]
    fn the_fifo_tells_whether_it_was_written_to() {
        assert_eq!(both("10.01", "10.12").phase, Phase::Created);
        assert_eq!(both("10.128", "10.12").phase, Phase::Created);
        assert_eq!(both("10.2", "10.12").phase, Phase::Released);
        assert_eq!(both("10.2", "10.12").since, Some(time("10.2")));
    }

    #[test]
    fn whole_seconds_tell_less() {
        let unknown = both("10", "10");
        assert_eq!((unknown.phase, unknown.sure), (Phase::Unknowable, false));
        assert_eq!(both("09", "10").phase, Phase::Created);
        assert_eq!(both("11", "10").phase, Phase::Released);
    }

    #[test]
    fn the_folder_tells_when_it_was_started() {
        let mut signs = Signs {
            dir: Some(time("12.5")),
            state: Some(Some(time("10.1"))),
            created: Some(time("10.09")),
            ..Signs::default()
        };
        assert_eq!(signs.derive().since, Some(time("12.5")));
        // Started within a jiffy.
        signs.dir = Some(time("10.104"));
        assert_eq!(signs.derive().since, Some(time("10.104")));
        // Updated later.
        (signs.dir, signs.state) = (Some(time("40.1")), Some(Some(time("40.1"))));
        assert_eq!(signs.derive().since, Some(time("10.09")));
    }

    #[test]
    fn less_in_the_folder_is_less_known() {
        let mut signs = Signs {
            dir: Some(time("01")),
            ..Signs::default()
        };
        assert_eq!(signs.derive().phase, Phase::Empty);
        signs.others = true;
        assert_eq!(signs.derive().phase, Phase::Creating);
        signs.fifo = Some(Some(time("02")));
        assert_eq!(signs.derive().since, Some(time("02")));
        signs.partial = true;
        assert_eq!(signs.derive().phase, Phase::Unknowable);
        let crun = Signs {
            fifo: Some(Some(time("09"))),
            state: Some(Some(time("01"))),
            crun: true,
            ..Signs::default()
        };
        assert_eq!(crun.derive().phase, Phase::Created);
    }
}
