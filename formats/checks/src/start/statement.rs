//! What a prediction says.

use daemon::start::{Effect, Phase, StartRule};
use daemon::{Release, Source};
use finding::{Location, Object};
use serde::Serialize;

use crate::{NotKnown, Start};

/// What a start comes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    /// It starts.
    Boots,
    /// It starts without the CRI, and systemd calls it active.
    CriDead,
    /// It starts, and every API is unimplemented; systemd calls it active.
    Dead,
    /// It, or its CRI, waits for ever.
    Hangs,
    /// It ends, and ends again.
    CrashLoop,
    /// Too little could be read to say.
    Unknown,
}

/// Something that would be removed, killed or written over, with its size where it is known.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Target {
    /// What it is.
    #[serde(flatten)]
    pub object: Object,
    /// Its bytes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bytes: Option<u64>,
    /// It is a layer that somebody wrote into: a container's, or a pull's that did not end.
    #[serde(rename = "writable", skip_serializing_if = "is_false")]
    pub is_written: bool,
}

impl Target {
    /// Of unknown size.
    pub const fn new(object: Object) -> Self {
        Self::sized(object, None)
    }

    /// With its bytes, where they are known.
    pub const fn sized(object: Object, bytes: Option<u64>) -> Self {
        Self {
            object,
            bytes,
            is_written: false,
        }
    }
}

/// One thing that would happen.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Statement {
    /// When.
    pub phase: Phase,
    /// What it comes to.
    pub effect: Effect,
    /// The number of the rule or invariant.
    pub rule: &'static str,
    /// The rule's own name.
    #[serde(skip)]
    pub key: &'static str,
    /// What the daemon does, as a clause without a subject.
    pub does: String,
    /// Where that comes from; empty if from the node as a whole.
    pub at: Location,
    /// The code of the finding that it follows from, where there is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub code: Option<&'static str>,
    /// What it concerns.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub targets: Vec<Target>,
    /// How many more it concerns.
    #[serde(skip_serializing_if = "is_zero")]
    pub more: usize,
    /// A part of the line that the daemon writes, exactly; empty: none.
    pub says: String,
    /// How it is known of this release.
    pub source: Source,
    /// It may happen, or not: that cannot be told from files.
    #[serde(skip_serializing_if = "is_false")]
    pub perhaps: bool,
    /// A start makes it worse: what could still be saved is lost by it.
    #[serde(skip)]
    pub forbids: bool,
}

#[expect(
    clippy::trivially_copy_pass_by_ref,
    reason = "serde asks with a reference"
)]
const fn is_zero(count: &usize) -> bool {
    *count == 0
}

#[expect(
    clippy::trivially_copy_pass_by_ref,
    reason = "serde asks with a reference"
)]
const fn is_false(is: &bool) -> bool {
    !*is
}

impl Statement {
    /// Whether a start removes what a container wrote.
    pub fn removes_a_writable_layer(&self) -> bool {
        self.effect == Effect::Deletes && self.targets.iter().any(|target| target.is_written)
    }

    /// Whether not all is well after a start that does this: something is lost for good, ends, is
    /// passed over, or fails later.
    pub fn is_trouble(&self) -> bool {
        let harms = matches!(
            self.effect,
            Effect::Kills
                | Effect::Skips
                | Effect::FailsLater
                | Effect::LosesPlugin
                | Effect::Ignores
        );
        self.removes_a_writable_layer() || !self.perhaps && harms
    }

    /// What a rule says of a release.
    pub fn new(rule: &StartRule, release: Release) -> Self {
        Self {
            phase: rule.phase,
            effect: rule.effect,
            rule: rule.id,
            key: rule.key,
            does: rule.does.to_owned(),
            at: Location::default(),
            code: None,
            targets: Vec::new(),
            more: 0,
            says: rule.says(release).to_owned(),
            source: rule.source(release),
            perhaps: false,
            forbids: false,
        }
    }

    /// Where.
    #[must_use]
    pub fn at(mut self, location: Location) -> Self {
        self.at = location;
        self
    }

    /// Because of a finding of this code.
    #[must_use]
    pub const fn code(mut self, code: &'static str) -> Self {
        self.code = Some(code);
        self
    }

    /// In these words, which say more than the rule's.
    #[must_use]
    pub fn says(mut self, says: impl Into<String>) -> Self {
        self.says = says.into();
        self
    }

    /// Doing this, which says more than the rule does.
    #[must_use]
    pub fn does(mut self, does: impl Into<String>) -> Self {
        self.does = does.into();
        self
    }

    /// Concerning this.
    #[must_use]
    pub fn target(mut self, target: Target) -> Self {
        self.targets.push(target);
        self
    }

    /// Concerning these.
    #[must_use]
    pub fn targets(mut self, targets: impl IntoIterator<Item = Target>) -> Self {
        self.targets.extend(targets);
        self
    }

    /// It may happen, or not.
    #[must_use]
    pub const fn perhaps(mut self) -> Self {
        self.perhaps = true;
        self
    }

    /// A start must not be tried because of it.
    #[must_use]
    pub const fn forbids(mut self) -> Self {
        self.forbids = true;
        self
    }

    /// It as one line: what is done, to how much, and why.
    pub fn line(&self) -> String {
        let perhaps = if self.perhaps { "perhaps: " } else { "" };
        let why = self.code.unwrap_or(self.rule);
        let mut kinds: std::collections::BTreeMap<&str, usize> = std::collections::BTreeMap::new();
        for target in &self.targets {
            let count = kinds.entry(target.object.kind).or_default();
            *count = count.saturating_add(1);
        }
        let named = match self.targets.as_slice() {
            [] => String::new(),
            // What the collector removes is counted in what it does.
            _ if self.phase == Phase::Collection => String::new(),
            [only] if self.more == 0 => format!(": {}", super::named(&only.object)),
            _ => {
                let counts: Vec<String> = kinds
                    .iter()
                    .map(|(kind, count)| super::counted(*count, kind))
                    .collect();
                let more = if self.more > 0 { " and more" } else { "" };
                let first = self.targets.first().map(|first| first.object.to_string());
                let first = first.as_deref().and_then(|first| first.split_once(' '));
                let first = match (counts.len(), first) {
                    (1, Some((_, name))) => format!(", such as {name}"),
                    _ => String::new(),
                };
                format!(": {}{more}{first}", counts.join(", "))
            }
        };
        // Of what is removed, how much it takes; of folders that is not known.
        let bytes = self.targets.iter().filter_map(|target| target.bytes);
        let bytes = bytes.fold(0_u64, u64::saturating_add);
        let size = if self.effect.destroys() && bytes > 0 && !self.does.contains(" bytes") {
            format!(", {}", finding::size_text(bytes))
        } else {
            String::new()
        };
        format!("{perhaps}{}{named}{size} ({why})", self.does)
    }

    /// Whether the other says the same, of other things.
    pub(crate) fn is_like(&self, other: &Self) -> bool {
        (self.rule, self.code, self.phase, self.effect)
            == (other.rule, other.code, other.phase, other.effect)
            && (&self.does, self.perhaps, self.forbids)
                == (&other.does, other.perhaps, other.forbids)
    }

    /// How many things it concerns.
    pub fn count(&self) -> usize {
        self.targets.len().saturating_add(self.more)
    }
}

/// What a start of one release would come to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Prediction {
    /// The releases of which this holds.
    pub releases: Vec<Release>,
    /// What it comes to.
    pub outcome: Outcome,
    /// What else it may come to: which of them cannot be told from files.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub or: Vec<Outcome>,
    /// May it be started?
    pub start: Start,
    /// Whether the CRI serves afterwards: it may be disabled.
    pub has_cri: bool,
    /// One sentence.
    pub sentence: String,
    /// How it is known.
    pub source: Source,
    /// What happens, in order.
    pub statements: Vec<Statement>,
    /// What forbids a start, and would come once what ends the start now is fixed.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub later: Vec<Statement>,
    /// What could not be told, and why.
    pub unknown: Vec<String>,
    /// The parts that the start touches and of which something is not known.
    #[serde(rename = "not_known", skip_serializing_if = "Vec::is_empty")]
    pub parts: Vec<NotKnown>,
}

impl Prediction {
    /// What happened that ends the daemon, or costs it what it needs.
    pub fn end(&self) -> Option<&Statement> {
        let worst = |statement: &&Statement| {
            !statement.perhaps && (statement.effect.ends() || statement.effect == Effect::LosesCri)
        };
        self.statements.iter().find(worst)
    }

    /// Whether it would end, wait for ever, lose its CRI, or destroy what can still be saved.
    pub fn is_refused(&self) -> bool {
        self.start == Start::No
    }

    /// Whether what can still be saved would be lost by it, or by a start once that is mended at which it ends.
    pub fn loses(&self) -> bool {
        self.forbidding().next().is_some()
    }

    /// What could still be saved, and would be lost.
    pub fn forbidding(&self) -> impl Iterator<Item = &Statement> {
        let all = self.statements.iter().chain(&self.later);
        all.filter(|statement| statement.forbids)
    }

    /// Whether it changes meta.db for a newer release, so that no older one reads it.
    pub fn migrates(&self) -> bool {
        let mut all = self.statements.iter();
        all.any(|statement| statement.effect == Effect::Migrates && !statement.perhaps)
    }

    /// Whether something is gone for good afterwards.
    pub fn destroys(&self) -> bool {
        self.statements
            .iter()
            .any(|statement| statement.effect.destroys())
    }
}
