//! The parts of a verdict as findings: what a start comes to and no other finding tells.

use daemon::start::Effect;
use finding::{AtStart, Code, Finding, Report, Severity};

use node::Node;

use super::{Prediction, Statement};
use crate::NotKnown;

/// containerd would end at its start.
static REFUSED: Code = Code {
    name: "start/refused",
    rule: "",
    severity: Severity::Fatal,
    title: "containerd would not start",
    explanation: "coroner followed the start step by step, as the node's release makes it: it ends at this \
        step. A restart would only repeat it.",
    remedy: "Correct what `where` names, then run `coroner preflight` again.",
};

/// containerd would wait for ever, or answer nothing.
static USELESS: Code = Code {
    name: "start/useless",
    rule: "",
    severity: Severity::Fatal,
    title: "containerd would run but answer no request",
    explanation: "coroner followed the start step by step: the daemon would wait without end, or run without \
        the plugin that every request needs. systemd reports it as active.",
    remedy: "Correct what `where` names, then run `coroner preflight` again.",
};

/// The CRI would not be loaded.
static CRI_LOST: Code = Code {
    name: "start/cri-lost",
    rule: "",
    severity: Severity::Fatal,
    title: "containerd's CRI plugin would not load: no pod can run",
    explanation: "The daemon starts and `ctr` works; its CRI plugin is skipped with a warning, and the kubelet \
        gets `unknown service runtime.v1.RuntimeService`.",
    remedy: "Correct what `where` names, then run `coroner preflight` again.",
};

/// Something that is still there would be gone.
static LOSES: Code = Code {
    name: "start/loses",
    rule: "",
    severity: Severity::Fatal,
    title: "a start would remove what can still be saved",
    explanation: "Nothing that the daemon would open still refers to these things, so its start or its first \
        clean-up deletes them. Some of them exist nowhere else.",
    remedy: "Do not start containerd. Copy what `affects` lists (`coroner collect`, `coroner snapshots \
        extract`). Then fix why containerd no longer knows these things.",
};

/// Something would not work afterwards.
static LIMPS: Code = Code {
    name: "start/limps",
    rule: "",
    severity: Severity::Damage,
    title: "containerd would start, but a part of it would not work",
    explanation: "The daemon starts; what is listed here does not load, is killed or is skipped.",
    remedy: "Correct what `where` names; a restart alone changes nothing.",
};

/// A part that a start touches is not known.
static UNKNOWN: Code = Code {
    name: "start/unknown",
    rule: "",
    severity: Severity::Note,
    title: "Part of what a start touches is not known",
    explanation: "This part could not be read, or no rule covers what it holds. The verdict holds \
        for the others alone; the exit code has 8.",
    remedy: "Run coroner as root, name the place (--config, --state), or collect the evidence again with \
        that part.",
};

/// The codes of this file.
pub const CODES: &[&Code] = &[&REFUSED, &USELESS, &CRI_LOST, &LOSES, &LIMPS, &UNKNOWN];

/// The code under which a statement is told, if it is a part of the verdict.
const fn code_of(statement: &Statement) -> Option<&'static Code> {
    match statement.effect {
        _ if statement.perhaps && !statement.forbids => None,
        Effect::Exits | Effect::Panics if !statement.perhaps => Some(&REFUSED),
        Effect::Hangs | Effect::StaysDead if !statement.perhaps => Some(&USELESS),
        Effect::LosesCri if !statement.perhaps => Some(&CRI_LOST),
        _ if statement.forbids => Some(&LOSES),
        Effect::Kills
        | Effect::LosesPlugin
        | Effect::Skips
        | Effect::FailsLater
        | Effect::Ignores => Some(&LIMPS),
        _ => None,
    }
}

/// Gives each statement that is a part of the verdict its code: that of a finding about the same
/// file, where there is one, else one of these.
pub(super) fn give(statements: &mut [Statement], report: &Report) {
    for statement in statements.iter_mut().filter(|each| each.code.is_none()) {
        let Some(code) = code_of(statement) else {
            continue;
        };
        let file = statement.at.file.as_ref();
        let told = report.findings.iter().find(|finding| {
            finding.severity >= Severity::Damage
                && file.is_some()
                && finding.location.file.as_ref() == file
        });
        statement.code = Some(told.map_or(code.name, |finding| finding.code.name));
    }
}

/// The findings of a verdict: what no other finding of the report tells, once for all releases.
pub(crate) fn findings(
    node: &Node,
    predictions: &[Prediction],
    unknown: &[NotKnown],
) -> Vec<Finding> {
    let mut all: Vec<Finding> = Vec::new();
    for prediction in predictions {
        let names: Vec<&str> = prediction.releases.iter().map(|one| one.name()).collect();
        for statement in prediction.statements.iter().chain(&prediction.later) {
            let code = CODES.iter().find(|code| Some(code.name) == statement.code);
            let Some(code) = code else { continue };
            let message = format!("it {}", statement.does);
            let same = |finding: &&mut Finding| {
                finding.code.name == code.name
                    && finding.message == message
                    && finding.location == statement.at
            };
            if let Some(same) = all.iter_mut().find(same) {
                for start in &mut same.at_start {
                    start.release = format!("{}, {}", start.release, names.join(", "));
                }
                continue;
            }
            let mut finding = Finding::new(code, statement.at.clone(), message);
            for target in &statement.targets {
                finding = finding.affects(target.object.clone());
            }
            let lost = prediction.later.iter().find_map(|later| later.code);
            if let Some(lost) = lost.filter(|_| statement.effect.ends()) {
                finding = finding.remedy(format!(
                    "First fix what {lost} says, then what `where` names. To install a package may start its \
                     daemon: before that, run `systemctl mask --runtime containerd`."
                ));
            }
            finding.at_start.push(AtStart {
                release: names.join(", "),
                does: statement.does.clone(),
            });
            all.push(crate::ways::cured(node, statement.key, finding));
        }
    }
    for part in unknown {
        let at = finding::Location::default().place("part", part.name.as_str());
        all.push(Finding::new(&UNKNOWN, at, part.to_string()));
    }
    all
}
