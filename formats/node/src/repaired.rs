//! What a repair of our own left in containerd's root: how far it came.
//!
//! ```text
//! ROOT/.coroner-repair-<plan>/journal.json   from the commit on: every step, and what stood where
//!                             state.json     how far it came; overwritten and exchanged, never made anew
//! ```

use std::path::{Path, PathBuf};

use evidence::{Evidence, FileKind};
use serde::{Deserialize, Serialize};

use crate::META_DIR;

/// The beginning of the name of a quarantine in containerd's root: `coroner repair` makes it.
pub const QUARANTINE: &str = ".coroner-repair-";
/// The journal of a repair that has begun.
pub const REPAIR_JOURNAL: &str = "journal.json";
/// How far it came.
pub const REPAIR_STATE: &str = "state.json";
/// The most bytes of a state.
const LIMIT: u64 = 64 << 20;

/// The file that printed commands write a plan of this time to (RFC 3339): one of its own, so that no command meets the
/// plan of an incident before.
pub fn plan_file(time: &str) -> String {
    let digits = |part: &str| -> String { part.chars().filter(char::is_ascii_digit).collect() };
    let (day, clock) = time.split_once('T').unwrap_or((time, ""));
    let seconds = clock.get(..8).unwrap_or(clock);
    format!(
        "/var/tmp/coroner-plan-{}T{}Z.json",
        digits(day),
        digits(seconds)
    )
}

/// How far a repair came.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Phase {
    /// Its steps are being done.
    Begun,
    /// All steps but that of meta.db were done. Once meta.db is no directory any more, it has ended.
    Finished,
    /// Its steps are being taken back.
    Undoing,
    /// All were taken back.
    Ended,
}

#[derive(Deserialize)]
struct State {
    phase: Phase,
}

/// How far the repair by this plan came; nothing where the root holds nothing of it.
pub fn phase_of(evidence: &Evidence, root: &Path, plan: &str) -> Option<Phase> {
    let folder = root.join(format!("{QUARANTINE}{plan}"));
    evidence.stat(&folder.join(REPAIR_JOURNAL)).ok()?;
    let state = evidence.source_if_there(&folder.join(REPAIR_STATE), LIMIT)?;
    let State { phase } = serde_json::from_slice(state.bytes()).ok()?;
    Some(phase)
}

/// Repairs that stopped between their first and their last step.
pub(crate) fn half_repaired(evidence: &Evidence, root: &Path) -> Vec<PathBuf> {
    let entries = evidence.list(root);
    let names = entries.read().into_iter().flatten();
    let names = names.filter_map(|entry| entry.name.utf8());
    let quarantines = names.filter(|name| name.starts_with(QUARANTINE));
    let stopper = evidence.stat(&root.join(META_DIR).join("meta.db"));
    let is_stopped = stopper.is_ok_and(|stat| stat.kind == FileKind::Dir);
    let mut working = Vec::new();
    let mut finished = Vec::new();
    for folder in quarantines.map(|name| root.join(name)) {
        if evidence.stat(&folder.join(REPAIR_JOURNAL)).is_err() {
            continue;
        }
        let state = evidence.source_if_there(&folder.join(REPAIR_STATE), LIMIT);
        let state = state.and_then(|state| serde_json::from_slice(state.bytes()).ok());
        match state.map(|State { phase }| phase) {
            Some(Phase::Finished) => finished.push(folder),
            Some(Phase::Ended) => {}
            Some(Phase::Begun | Phase::Undoing) | None => working.push(folder),
        }
    }
    // The last step of one of them was not done.
    if working.is_empty() && is_stopped {
        return finished;
    }
    working
}
