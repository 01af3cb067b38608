//! A start of the daemon, step by step: what each release does, and what it says.
//!
//! ```text
//! config.toml   read, with its imports                    exits at the first fault
//! places        root, state, tmpmounts, the lock files    exits
//! plugins       content, snapshotters, meta.db            one that fails is skipped with a warning:
//!                                                         the daemon comes up without it
//! meta.db       opened, walked (no freelist), migrated    panics, hangs, or is skipped as above
//! tasks         every bundle's shim is called             kills what it cannot reach
//! booted        "containerd successfully booted"
//! CRI           recovers pods, containers, images         exits at the first record that it cannot read
//! +100 ms       the first garbage collection              panics if it fails (up to 2.1)
//! ```
//!
//! A [`StartRule`] is one thing that happens there. `checks` decides which of them a node meets.

mod cri;
mod database;
mod files;
mod settings;
mod tasks;

use serde::Serialize;

use crate::{Release, Source};

pub use cri::*;
pub use database::*;
pub use files::*;
pub use settings::*;
pub use tasks::*;

/// When it happens.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Phase {
    /// config.toml is read.
    Config,
    /// Folders and sockets are made.
    Places,
    /// Plugins are loaded, meta.db is opened.
    Plugins,
    /// Shims are called.
    Tasks,
    /// The CRI recovers.
    Cri,
    /// The first garbage collection.
    Collection,
    /// After the start: at a request, or at the next deletion.
    Later,
}

/// What it comes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Effect {
    /// The daemon ends with a message.
    Exits,
    /// The daemon panics.
    Panics,
    /// It waits, for ever.
    Hangs,
    /// It says that it has booted, and no API works.
    StaysDead,
    /// The CRI plugin is not there, all else is.
    LosesCri,
    /// Another plugin is not there.
    LosesPlugin,
    /// Containers are killed.
    Kills,
    /// Something is removed at the start.
    Deletes,
    /// Something is removed at a later request or deletion.
    DeletesLater,
    /// Something is written over.
    Rewrites,
    /// The schema of meta.db is changed.
    Migrates,
    /// Something is not loaded: it is there, and cannot be seen or removed.
    Skips,
    /// Something does not work afterwards.
    FailsLater,
}

impl Effect {
    /// Whether nothing comes after it.
    pub const fn ends(self) -> bool {
        matches!(
            self,
            Self::Exits | Self::Panics | Self::Hangs | Self::StaysDead
        )
    }

    /// Whether something is gone for good because of it.
    pub const fn destroys(self) -> bool {
        matches!(self, Self::Kills | Self::Deletes | Self::DeletesLater)
    }
}

/// One thing that a daemon does at a start.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StartRule {
    /// The invariant that is broken, or the number of the rule.
    pub id: &'static str,
    /// When.
    pub phase: Phase,
    /// What it comes to.
    pub effect: Effect,
    /// What it does, as a clause without a subject.
    pub does: &'static str,
    /// What it says meanwhile, by the first release that says it so; the part of the line that is
    /// always the same. Empty: nothing.
    pub says: &'static [(Release, &'static str)],
    /// Whether the real daemons of 1.6, 1.7 and 2.1 were seen to do it (`docs/preflight.md`), as
    /// far as they have it at all.
    pub is_tested: bool,
}

impl StartRule {
    /// The part of the daemon's line that is always the same.
    pub fn says(&self, release: Release) -> &'static str {
        let said = self.says.iter().rev();
        let mut fits = said.filter(|(from, _)| release >= *from);
        fits.next().map_or("", |(_, text)| text)
    }

    /// How it is known of a release.
    pub const fn source(&self, release: Release) -> Source {
        match release {
            Release::V1_6 | Release::V1_7 | Release::V2_1 if self.is_tested => Source::Tested,
            _ => Source::FromSource,
        }
    }
}

/// Said by all releases alike.
const fn rule(
    id: &'static str,
    phase: Phase,
    effect: Effect,
    does: &'static str,
    says: &'static [(Release, &'static str)],
) -> StartRule {
    StartRule {
        id,
        phase,
        effect,
        does,
        says,
        is_tested: true,
    }
}

impl StartRule {
    /// The same, read in the source only.
    const fn untested(mut self) -> Self {
        self.is_tested = false;
        self
    }
}

/// Every rule, by step and number.
pub const START: &[&[StartRule]] = &[
    settings::ALL,
    files::ALL,
    database::ALL,
    tasks::ALL,
    cri::ALL,
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rules_are_told_apart_by_what_they_do() {
        let all: Vec<&StartRule> = START.iter().copied().flatten().collect();
        for (number, rule) in all.iter().enumerate() {
            let same = |other: &&&StartRule| other.does == rule.does && other.id == rule.id;
            assert_eq!(all.iter().filter(same).count(), 1, "{number}: {rule:?}");
            assert!(!rule.id.is_empty() && !rule.does.is_empty());
            assert!(rule.says.is_sorted_by_key(|(release, _)| *release));
        }
    }

    #[test]
    fn a_release_says_it_in_its_own_words() {
        assert!(BAD_TOML.says(Release::V1_6).contains("failed to load TOML"));
        assert!(BAD_TOML.says(Release::V2_2).contains("failed to unmarshal"));
        assert_eq!(BAD_TOML.source(Release::V2_1), Source::Tested);
        assert_eq!(BAD_TOML.source(Release::V2_2), Source::FromSource);
    }
}
