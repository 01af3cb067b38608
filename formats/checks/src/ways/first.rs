//! Nothing that starts the daemon stands before what makes the start safe.

use finding::{Action, Finding, Severity, Text, program};
use node::Node;

use super::{Hanging, Here};

/// Before a daemon is started that something else forbids.
const SAFE: &str = "once `coroner preflight` does not forbid a start";

/// Puts each step that starts the daemon, of a finding beside which another one forbids a start (a fatal
/// one, or one of these codes), below that condition.
pub(crate) fn start_last(node: &Node, findings: &mut [Finding], forbidding: &[&str]) {
    let mut all: Vec<&'static str> = Vec::new();
    for finding in findings.iter() {
        let name = finding.code.name;
        let forbids = finding.severity == Severity::Fatal || forbidding.contains(&name);
        if forbids && !all.contains(&name) {
            all.push(name);
        }
    }
    let hanging = &Hanging::new(node);
    let starts: Vec<Action> = Here { node, hanging }
        .start()
        .into_iter()
        .map(|it| it.action)
        .collect();
    for finding in findings {
        if !all.iter().any(|name| *name != finding.code.name) {
            continue;
        }
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
