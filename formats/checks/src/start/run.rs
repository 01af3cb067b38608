//! A start, as far as it has come.

use std::collections::BTreeSet;
use std::ops::ControlFlow;

use daemon::Release;
use daemon::config::{Effective, effective};
use daemon::start::StartRule;
use finding::{Location, Report, Text, Time};
use metadb::Namespace;
use node::{DatabaseState, META_DIR, Node, Setting, Settings};

use super::{Outcome, Statement, settings};
use crate::part::{NotKnown, Part};

/// Namespace of the CRI.
pub(super) const CRI_NAMESPACE: &str = "k8s.io";

/// Goes on, or ends.
pub(super) type Flow = ControlFlow<()>;

/// A start, as far as it has come.
pub(super) struct Run<'n> {
    pub(super) node: &'n Node,
    pub(super) report: &'n Report,
    pub(super) release: Release,
    /// Patch of the release, where it is known: `2.1.2` has 2.
    pub(super) patch: Option<u64>,
    /// The configuration as this release takes it.
    pub(super) settings: Settings,
    /// Its version.
    pub(super) version: i64,
    /// Tables of it that this release does not look at.
    pub(super) ignored: Vec<Setting>,
    /// Settings that the migration to this release loses.
    pub(super) forgotten: Vec<Setting>,
    pub(super) statements: Vec<Statement>,
    pub(super) or: Vec<Outcome>,
    /// What could not be told of what is removed or kept.
    pub(super) unknown: Vec<String>,
    /// What could not be read and decides what a start comes to.
    pub(super) undecided: Vec<String>,
    /// Plugins without which the daemon ends, and of which it is not known whether they load.
    pub(super) required: Vec<String>,
    /// Parts that the start touches and no rule covers, or of which something could not be read.
    pub(super) parts: Vec<NotKnown>,
    /// Whether the CRI is loaded.
    pub(super) has_cri: bool,
    /// Plugins that failed, by id.
    pub(super) failed: Vec<String>,
    /// Where meta.db is.
    pub(super) meta: Text,
    /// When it is started.
    pub(super) at: Time,
    /// Snapshotters that the first collection looks at.
    pub(super) collected: BTreeSet<Text>,
    /// Whether it goes on where the daemon would end: what comes once that is mended.
    pub(super) goes_on: bool,
}

impl<'n> Run<'n> {
    pub(super) fn new(
        node: &'n Node,
        report: &'n Report,
        release: Release,
        patch: Option<u64>,
        at: Time,
    ) -> Self {
        let config = node.roots.config.as_ref();
        let Effective {
            version,
            settings,
            ignored,
            forgotten,
        } = config
            .map(|config| effective(config, release))
            .unwrap_or_default();
        Self {
            node,
            report,
            release,
            patch,
            settings,
            version,
            ignored,
            forgotten,
            statements: Vec::new(),
            or: Vec::new(),
            unknown: Vec::new(),
            undecided: Vec::new(),
            required: Vec::new(),
            parts: Vec::new(),
            has_cri: true,
            failed: Vec::new(),
            meta: node::path_text(&node.roots.root.join(META_DIR).join("meta.db")),
            at,
            collected: BTreeSet::new(),
            goes_on: false,
        }
    }

    pub(super) fn statement(&self, rule: &StartRule) -> Statement {
        Statement::new(rule, self.release)
    }

    /// Notes what happens; ends the start if that does.
    pub(super) fn say(&mut self, statement: Statement) -> Flow {
        let ends = statement.effect.ends() && !statement.perhaps;
        self.statements.push(statement);
        if ends && !self.goes_on {
            ControlFlow::Break(())
        } else {
            ControlFlow::Continue(())
        }
    }

    /// Comes up without its metadata plugin; or exits, if config.toml requires what needs it, or for
    /// another reason that comes to pass all the same.
    pub(super) fn die(&mut self, statement: Statement) -> Flow {
        let needs = |id: &str| {
            let without = [
                "io.containerd.content.",
                "io.containerd.snapshotter.",
                "io.containerd.event.",
            ];
            !without.iter().any(|free| id.starts_with(free))
        };
        settings::decoded(self)?;
        settings::required(self, needs)?;
        settings::listeners(self)?;
        self.say(statement)
    }

    /// Comes up without the CRI; or exits, if config.toml requires it.
    pub(super) fn lose_cri(&mut self, statement: Statement) -> Flow {
        settings::required(self, |id| settings::CRI.contains(&id))?;
        self.has_cri = false;
        self.say(statement)
    }

    /// As [`Run::say`], for what ends nothing.
    pub(super) fn note(&mut self, statement: Statement) {
        self.statements.push(statement);
    }

    /// Notes that a part which the start touches is not known, by name and with the reason: it then
    /// stands in the verdict's first line.
    pub(super) fn not_known(
        &mut self,
        part: Part,
        name: impl Into<String>,
        why: impl Into<String>,
    ) {
        let part = NotKnown::new(part, name, why);
        if !self.parts.contains(&part) {
            self.parts.push(part);
        }
    }

    /// A place in meta.db.
    pub(super) fn in_meta(&self, path: &[Text]) -> Location {
        let mut location = Location::file(self.meta.clone());
        for name in path {
            location = location.place("bucket", name.clone());
        }
        location
    }

    /// Every namespace that could be read.
    pub(super) fn namespaces(&self) -> &'n [Namespace] {
        let rows = self.node.meta.rows.as_ref();
        rows.map_or(&[], metadb::MetaDb::namespaces)
    }

    /// The CRI's namespace.
    pub(super) fn pods(&self) -> Option<&'n Namespace> {
        self.namespaces()
            .iter()
            .find(|namespace| namespace.name == *CRI_NAMESPACE)
    }

    /// Whether the daemon takes meta.db for new: it knows nothing then.
    pub(super) fn is_new(&self) -> bool {
        match &self.node.meta.state {
            // Whatever it is, it names nothing of this root.
            DatabaseState::Empty | DatabaseState::Other(_) => true,
            DatabaseState::Unread(unread) => *unread == finding::Unread::Absent,
            DatabaseState::Open => self.node.meta.rows.as_ref().is_some_and(|rows| {
                // Lost, and nothing is unknown of the pages above it: there is no bucket v1.
                rows.namespaces.read().is_none() && self.no_schema()
            }),
            DatabaseState::Broken | DatabaseState::Stale => false,
        }
    }

    fn no_schema(&self) -> bool {
        let rows = self.node.meta.rows.as_ref();
        rows.is_some_and(|rows| {
            rows.troubles.iter().any(|trouble| {
                matches!(
                    trouble.problem,
                    metadb::Problem::Record(metadb::Fault::NoSchema { .. })
                )
            })
        })
    }
}
