//! The parts of a verdict as findings: what a start comes to and no other finding tells.

use daemon::start::Effect;
use finding::{AtStart, Code, Finding, Report, Severity};

use super::{Prediction, Statement};
use crate::NotKnown;

/// containerd would end at its start.
static REFUSED: Code = Code {
    name: "start/refused",
    rule: "",
    severity: Severity::Fatal,
    title: "containerd would not start",
    explanation: "The start was followed step by step, as the node's release makes it, and ends at \
        this step. Whatever restarts the daemon would only repeat it.",
    remedy: "Mend what stands in `where`, then ask `coroner preflight` again.",
};

/// containerd would wait for ever, or answer nothing.
static USELESS: Code = Code {
    name: "start/useless",
    rule: "",
    severity: Severity::Fatal,
    title: "containerd would run and answer no request",
    explanation: "The start was followed step by step: it ends in a daemon that waits for ever, or \
        that has lost the plugin which every request needs. systemd calls it active.",
    remedy: "Mend what stands in `where`, then ask `coroner preflight` again.",
};

/// The CRI would not be loaded.
static CRI_LOST: Code = Code {
    name: "start/cri-lost",
    rule: "",
    severity: Severity::Fatal,
    title: "containerd's CRI plugin would not load: no pod can run",
    explanation: "The daemon comes up and `ctr` works; its CRI plugin is skipped with a warning, \
        and the kubelet gets `unknown service runtime.v1.RuntimeService`.",
    remedy: "Mend what stands in `where`, then ask `coroner preflight` again.",
};

/// Something that is still there would be gone.
static LOSES: Code = Code {
    name: "start/loses",
    rule: "",
    severity: Severity::Fatal,
    title: "a start would remove what can still be saved",
    explanation: "Nothing of what the daemon would open refers to these things any more, so that \
        its start or its first clean-up takes them away; some of them exist nowhere else.",
    remedy: "Do not start containerd. Copy away what stands in `breaks` (`coroner collect`, \
        `coroner snapshots extract`), and mend first what they were forgotten by.",
};

/// Something would not work afterwards.
static LIMPS: Code = Code {
    name: "start/limps",
    rule: "",
    severity: Severity::Damage,
    title: "containerd would start, and a part of it would not work",
    explanation: "The daemon comes up; what is told here does not load, is killed or is skipped.",
    remedy: "Mend what stands in `where`; a restart alone changes nothing.",
};

/// A part that a start touches is not known.
static UNKNOWN: Code = Code {
    name: "start/unknown",
    rule: "",
    severity: Severity::Note,
    title: "Part of what a start touches is not known",
    explanation: "This part could not be read, or no rule covers what it holds. The verdict holds \
        for the others alone; the exit code has 8.",
    remedy: "Give coroner what it lacks: run it as root, name the place (--config, --state), or \
        take the evidence again with that part in it.",
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
        Effect::Kills | Effect::LosesPlugin | Effect::Skips | Effect::FailsLater => Some(&LIMPS),
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
pub(crate) fn findings(predictions: &[Prediction], unknown: &[NotKnown]) -> Vec<Finding> {
    let mut all: Vec<Finding> = Vec::new();
    for prediction in predictions {
        let names: Vec<&str> = prediction.releases.iter().map(|one| one.name()).collect();
        for statement in &prediction.statements {
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
            finding.at_start.push(AtStart {
                release: names.join(", "),
                does: statement.does.clone(),
            });
            all.push(finding);
        }
    }
    for part in unknown {
        let at = finding::Location::default().place("part", part.name.as_str());
        all.push(Finding::new(&UNKNOWN, at, part.to_string()));
    }
    all
}
