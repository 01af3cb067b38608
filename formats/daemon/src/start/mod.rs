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
//! A [`StartRule`] is one thing that happens there. [`START`] is the one table of them: what triggers
//! each, in which releases, in which phase, what it comes to, what it deletes, what is said. Which of
//! them a node meets is decided by `checks`, or where every finding of a code means it, by
//! [`StartRule::codes`].

mod cri;
mod database;
mod files;
mod network;
mod settings;
mod tasks;

use serde::Serialize;

use crate::{Release, Source};

pub use cri::*;
pub use database::*;
pub use files::*;
pub use network::*;
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
    /// A container is started.
    Starts,
    /// Something is not loaded: it is there, and cannot be seen or removed.
    Skips,
    /// Something does not work afterwards.
    FailsLater,
    /// Words of the configuration are not taken: what they asked for is not so.
    Ignores,
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
    /// Its name, by which messages of daemons and answers refer to it; stable.
    pub key: &'static str,
    /// The kinds of findings of which each means it. Without any, `checks` decides by more.
    pub codes: &'static [&'static str],
    /// The first release that does it.
    pub from: Release,
    /// The last that does it, of those known here.
    pub to: Release,
    /// Those releases as a report names them, where patch releases differ.
    named: Option<&'static str>,
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
    /// What it deletes; empty: nothing.
    pub deletes: &'static str,
}

impl StartRule {
    /// Whether daemons of `release` follow it.
    pub(crate) fn holds_for(&self, release: Release) -> bool {
        (self.from..=self.to).contains(&release)
    }

    /// The releases that do it, as a report names them.
    pub fn releases(&self) -> String {
        let all: Vec<Release> = Release::ALL
            .into_iter()
            .filter(|each| self.holds_for(*each))
            .collect();
        let rest = all.iter().filter(|each| **each < Release::V2_0);
        let mut names: Vec<&str> = rest.map(|each| each.name()).collect();
        let new: Vec<&str> = all
            .iter()
            .filter(|each| **each >= Release::V2_0)
            .map(|each| each.name())
            .collect();
        match (self.named, all.len()) {
            (Some(given), _) => return given.to_owned(),
            (None, count) if count == Release::ALL.len() => return "all".to_owned(),
            _ if self.from <= Release::V2_0 && self.to == Release::NEWEST => names.push("2.x"),
            _ => names.extend(new),
        }
        names.join(", ")
    }

    /// The part of the daemon's line that is always the same.
    pub fn says(&self, release: Release) -> &'static str {
        let said = self.says.iter().rev();
        let mut fits = said.filter(|(from, _)| release >= *from);
        fits.next().map_or("", |(_, text)| text)
    }

    /// How it is known of a release.
    pub const fn source(&self, release: Release) -> Source {
        if self.is_tested {
            release.source()
        } else {
            Source::FromSource
        }
    }
}

/// Said by all releases alike.
const fn rule(
    key: &'static str,
    id: &'static str,
    phase: Phase,
    effect: Effect,
    does: &'static str,
    says: &'static [(Release, &'static str)],
) -> StartRule {
    StartRule {
        key,
        codes: &[],
        from: Release::V1_6,
        to: Release::NEWEST,
        named: None,
        id,
        phase,
        effect,
        does,
        says,
        is_tested: true,
        deletes: "",
    }
}

impl StartRule {
    /// Of which each finding of these codes is a sign.
    const fn on(mut self, codes: &'static [&'static str]) -> Self {
        self.codes = codes;
        self
    }

    /// Since this release.
    const fn since(mut self, release: Release) -> Self {
        self.from = release;
        self
    }

    /// Up to this release.
    const fn until(mut self, release: Release) -> Self {
        self.to = release;
        self
    }

    /// By these patch releases.
    const fn named(mut self, releases: &'static str) -> Self {
        self.named = Some(releases);
        self
    }

    /// Which deletes this.
    const fn deletes(mut self, what: &'static str) -> Self {
        self.deletes = what;
        self
    }

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
    network::ALL,
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
            let keys = all.iter().filter(|other| other.key == rule.key).count();
            assert_eq!(keys, 1, "{}", rule.key);
            assert!(rule.from <= rule.to, "{rule:?}");
            // What destroys something says what.
            assert_eq!(rule.effect.destroys(), !rule.deletes.is_empty(), "{rule:?}");
            for code in rule.codes {
                for release in Release::ALL {
                    let holds = |other: &&&StartRule| {
                        other.codes.contains(code) && other.holds_for(release)
                    };
                    assert!(all.iter().filter(holds).count() <= 1, "{code} {release}");
                }
            }
            assert!(rule.says.is_sorted_by_key(|(release, _)| *release));
        }
    }

    #[test]
    fn releases_are_named_as_people_do() {
        assert_eq!(BAD_TOML.releases(), "all");
        assert_eq!(PAGE_TOUCHED.releases(), "1.6");
        assert_eq!(PAGE_WALKED.releases(), "1.7, 2.x");
        assert_eq!(DISK_FULL.releases(), "1.6, 1.7, 2.0, 2.1");
        assert_eq!(MIGRATION_FAILS.releases(), "2.x");
        assert_eq!(MOUNTS_BROKEN.releases(), "2.2, 2.3");
        assert_eq!(NETWORK_RESULT.releases(), "1.6, 1.7");
    }

    #[test]
    fn a_release_says_it_in_its_own_words() {
        assert!(BAD_TOML.says(Release::V1_6).contains("failed to load TOML"));
        assert!(BAD_TOML.says(Release::V2_2).contains("failed to unmarshal"));
        assert_eq!(BAD_TOML.source(Release::V2_1), Source::Tested);
        assert_eq!(BAD_TOML.source(Release::V2_2), Source::FromSource);
    }
}
