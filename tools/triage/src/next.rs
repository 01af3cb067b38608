//! What to try next, at the end of a report.

use std::io;

use checks::Start;
use cli::Pen;
use finding::{Command, Draft, Finding, Report, Severity, program};

use crate::report::Triage;

/// A verb, and when it helps.
struct Next {
    verb: &'static [&'static str],
    why: &'static str,
}

const PREFLIGHT: Next = Next {
    verb: &["preflight"],
    why: "lists everything that a start of containerd would do",
};

const STUCK: Next = Next {
    verb: &["runtime", "stuck"],
    why: "says which containers hang, why, and what is safe to do",
};

const REPAIR: Next = Next {
    verb: &["repair"],
    why: "plans how to bring the node back; it writes nothing",
};

/// The verbs that go on where the report ends; nothing where nothing is wrong.
pub(crate) fn write_next(triage: &Triage, report: &Report, pen: &mut Pen<'_>) -> io::Result<()> {
    let above_notes = || {
        report
            .findings
            .iter()
            .filter(|f| f.severity > Severity::Note)
    };
    // They are sorted: the first is what the verdict names.
    let Some(worst) = above_notes().next() else {
        return Ok(());
    };
    let is_broken = worst.severity > Severity::Odd;
    // What is seen is not what is to be repaired.
    let is_elsewhere = above_notes().any(|f| {
        f.severity == Severity::Fatal
            && matches!(f.code.name, "store/root-emptied" | "store/disk-not-mounted")
    });
    let is_about = |family: &str| above_notes().any(|f| f.code.name.starts_with(family));
    let mut all = Vec::new();
    all.extend(explain(worst).map(|command| (command, "says what that means, and what causes it")));
    for (next, wanted) in [
        (PREFLIGHT, triage.verdict.start != Start::Yes),
        (STUCK, is_about("runtime/") || is_about("cri/")),
        (
            REPAIR,
            is_broken && !is_elsewhere && above_notes().any(may_repair),
        ),
    ] {
        let command = wanted
            .then(|| triage.options.node.verb(next.verb))
            .flatten();
        all.extend(command.map(|command| (command, next.why)));
    }
    cli::write_next(pen, &all)
}

/// Whether repair is a way out of it: one of its ways calls it, or it is about what repair plans for.
fn may_repair(finding: &Finding) -> bool {
    let calls = |command: &Command| {
        command.program() == program::CORONER.name()
            && command
                .arguments()
                .first()
                .is_some_and(|word| *word == *"repair")
    };
    let mut commands = finding.ways.iter().flat_map(finding::Remedy::commands);
    let what_to_do = finding.what_to_do();
    commands.any(calls) || what_to_do.contains("coroner repair")
}

fn explain(finding: &Finding) -> Option<Command> {
    let draft = Draft::new(program::CORONER).word("explain");
    draft.word(finding.code.name).command()
}
