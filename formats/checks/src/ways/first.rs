//! Nothing that starts the daemon stands before what makes the start safe.

use finding::{Action, Finding, Report, Severity, Text, program};

use super::Here;
use crate::Verdict;

/// Before a daemon is started that something else forbids.
const SAFE: &str = "once `coroner preflight` does not forbid a start";

/// Codes that forbid a start: of a fatal finding, or because a start would destroy what can be saved.
#[derive(Debug, Default)]
pub struct Forbidding(Vec<&'static str>);

impl Forbidding {
    /// Of all findings of a node, those included that are not going to be shown.
    pub fn new(report: &Report, verdict: &Verdict) -> Self {
        let by_start = crate::verdict::forbidding(&verdict.predictions);
        let mut all: Vec<&'static str> = Vec::new();
        for finding in &report.findings {
            let name = finding.code.name;
            let forbids = finding.severity == Severity::Fatal || by_start.contains(&name);
            if forbids && !all.contains(&name) {
                all.push(name);
            }
        }
        Self(all)
    }

    /// Puts each step that starts the daemon, of a finding beside which another one forbids a start, below that
    /// condition.
    pub(super) fn put_starts_last(&self, here: &Here<'_>, finding: &mut Finding) {
        if self.0.iter().all(|name| *name == finding.code.name) {
            return;
        }
        let starts: Vec<Action> = here.start().into_iter().map(|it| it.action).collect();
        let steps = finding.ways.iter_mut().flat_map(|way| &mut way.steps);
        for step in steps.filter(|step| starts.contains(&step.action) || is_start(&step.action)) {
            step.condition = Some(match step.condition.take() {
                Some(first) => format!("{first}, and {SAFE}"),
                None => SAFE.to_owned(),
            });
        }
    }
}

/// Whether it starts a unit, or lets it be started.
fn is_start(action: &Action) -> bool {
    let Action::Command(command) = action else {
        return false;
    };
    let verbs = ["start", "restart", "unmask"].map(Text::from);
    let verb = command.arguments().first();
    *command.program() == program::SYSTEMCTL.name() && verb.is_some_and(|it| verbs.contains(it))
}
