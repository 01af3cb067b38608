//! The steps in their order, and what they come to.

use daemon::start::{Effect, Phase};
use daemon::{Detected, Release, Source};
use finding::{Report, Severity, Time, Unread};
use node::{DatabaseState, Node};

use super::run::{Flow, Run};
use super::sentence::sentence;
use super::{
    Outcome, Prediction, Statement, backends, codes, collection, cri, later, meta, numbers, places,
    settings, tasks, unit,
};
use crate::part::{self, NotKnown, Part};
use crate::{Measured, Start, judge_all};

/// What a start of each release that may have written the node comes to; releases of which the
/// same holds are together.
pub fn predictions(node: &Node, report: &Report, release: &Detected, at: Time) -> Vec<Prediction> {
    let mut all: Vec<Prediction> = Vec::new();
    // What containerd 1.6 sees of the node, where that is more than is certain.
    let old = node.by_flags.as_deref();
    let old = old.filter(|_| release.releases().any(|one| one == Release::V1_6));
    let old = old.map(|old| (old, judge_all(old, &Measured::default())));
    for one in release.releases() {
        let prediction = match &old {
            Some((seen, report)) if one == Release::V1_6 => {
                let begun = || Run::new(seen, report, one, release.patch(), at);
                let mut run = begun();
                let _ended = steps(&mut run);
                numbers::freed(&mut run, node);
                conclude(run, begun)
            }
            _ => {
                let begun = || Run::new(node, report, one, release.patch(), at);
                let mut run = begun();
                if let Some((version, why)) = release.beyond() {
                    run.not_known(Part::Programs, format!("containerd {version}"), why);
                }
                let _ended = steps(&mut run);
                conclude(run, begun)
            }
        };
        let mut prediction = prediction;
        if !node.around.half_repaired.is_empty() {
            prediction.start = Start::No;
            HALF_WAY.clone_into(&mut prediction.sentence);
        }
        match all.iter_mut().find(|other| is_same(other, &prediction)) {
            Some(same) => same.releases.push(one),
            None => all.push(prediction),
        }
    }
    all
}

/// Before anything else is said of a start.
const HALF_WAY: &str = "A repair stopped half-way. Do not start containerd: go on with it \
    (`coroner repair apply`) or take it back (`coroner repair undo`).";

/// Whether the same would happen, whatever is known of it.
fn is_same(one: &Prediction, other: &Prediction) -> bool {
    let essence = |prediction: &Prediction| {
        let each = prediction.statements.iter().chain(&prediction.later);
        each.map(|statement| {
            (
                statement.rule,
                statement.does.clone(),
                statement.targets.clone(),
            )
        })
        .collect::<Vec<_>>()
    };
    (one.outcome, &one.or, one.source) == (other.outcome, &other.or, other.source)
        && essence(one) == essence(other)
}

/// What a start of one release comes to.
pub fn predict(
    node: &Node,
    report: &Report,
    release: Release,
    patch: Option<u64>,
    at: Time,
) -> Prediction {
    let begun = || Run::new(node, report, release, patch, at);
    let mut run = begun();
    let _ended = steps(&mut run);
    conclude(run, begun)
}

/// Parts among which a reason is looked for in other words.
const ALIKE: usize = 200;

/// What forbids a start once the steps are mended at which it ends now: whoever mends those first, and starts
/// the daemon by it, loses this.
fn later(statements: &[Statement], mut run: Run<'_>) -> Vec<Statement> {
    // What ends the start and forbids it is one damage: mended is mended.
    let mut ends = statements
        .iter()
        .filter(|it| it.effect.ends() && !it.perhaps);
    if ends.next().is_none_or(|end| end.forbids) {
        return Vec::new();
    }
    run.goes_on = true;
    let _goes_on = steps(&mut run);
    let mut later = run.statements;
    later.retain(|it| {
        let is_told = statements.iter().any(|told| told.is_like(it));
        it.forbids && it.effect.destroys() && !it.perhaps && !is_told
    });
    codes::give(&mut later, run.report);
    later
}

fn conclude<'n>(run: Run<'n>, begun: impl Fn() -> Run<'n>) -> Prediction {
    let later = later(&run.statements, begun());
    let Run {
        node,
        report,
        release,
        mut statements,
        mut or,
        unknown,
        mut parts,
        undecided,
        required,
        has_cri,
        ..
    } = run;
    race(&mut statements);
    codes::give(&mut statements, report);
    or.sort_unstable();
    or.dedup();
    let outcome = outcome(&statements, &undecided, &required, node);
    let parts = {
        parts.splice(0..0, part::not_known(node));
        // What says the same in other words comes early, and a node may have thousands of them.
        let told = |parts: &[NotKnown], why: &str| {
            parts
                .iter()
                .take(ALIKE)
                .any(|part| why.contains(&part.why) || part.why.contains(why))
        };
        for (part, name, all) in [
            (Part::Database, "meta.db", &undecided),
            (Part::Removals, "what is removed", &unknown),
        ] {
            for why in all {
                if !told(&parts, why) {
                    parts.push(NotKnown::new(part, name, why.as_str()));
                }
            }
        }
        // What ends the start is known, whatever would have come after it.
        let ends = |statement: &Statement| statement.effect.ends() && !statement.perhaps;
        if statements.iter().any(ends) {
            parts.clear();
        }
        parts.dedup();
        parts
    };
    let mut unknown = unknown;
    unknown.splice(0..0, required.into_iter().chain(undecided));
    unknown.dedup();
    let source = source(&statements, outcome, release);
    let start = start(outcome, &or, &statements, report, &parts);
    let mut parts = parts;
    if start == Start::No {
        parts.retain(|part| part.part != Part::Removals);
    }
    let mut prediction = Prediction {
        releases: vec![release],
        outcome,
        or,
        start,
        has_cri: has_cri && outcome == Outcome::Boots,
        sentence: String::new(),
        source,
        statements,
        later,
        unknown,
        parts,
    };
    prediction.sentence = sentence(&prediction, report);
    prediction
}

/// The CRI recovers while the collector waits its 100 ms: what one of them does may or may not
/// have been done when the other one ends the daemon.
fn race(statements: &mut Vec<Statement>) {
    let late = |phase| matches!(phase, Phase::Cri | Phase::Collection);
    let end = statements
        .iter()
        .find(|statement| statement.effect.ends() && !statement.perhaps)
        .map(|statement| statement.phase);
    let Some(end) = end else { return };
    // What comes after the end does not happen.
    statements.retain(|statement| {
        statement.phase <= end || late(statement.phase) && late(end) || statement.perhaps
    });
    for statement in statements {
        if late(statement.phase) && late(end) && !statement.effect.ends() {
            statement.perhaps = true;
        }
    }
}

fn steps(run: &mut Run<'_>) -> Flow {
    unit::unit(run)?;
    settings::read_settings(run)?;
    places::top(run)?;
    places::plugins(run)?;
    backends::plugins(run)?;
    meta::open(run)?;
    settings::plugins(run)?;
    tasks::load(run)?;
    settings::listeners(run)?;
    let collected = collection::first(run);
    let recovered = cri::recover(run);
    let used = backends::used(run);
    collected?;
    recovered?;
    used?;
    later::upgraded(run);
    later::fails(run);
    later::restarted(run);
    unit::stops(run);
    Flow::Continue(())
}

fn outcome(
    statements: &[Statement],
    undecided: &[String],
    required: &[String],
    node: &Node,
) -> Outcome {
    let worst = statements
        .iter()
        .filter(|statement| !statement.perhaps)
        .map(|statement| match statement.effect {
            Effect::Exits | Effect::Panics => Outcome::CrashLoop,
            Effect::Hangs => Outcome::Hangs,
            Effect::StaysDead => Outcome::Dead,
            Effect::LosesCri => Outcome::CriDead,
            _ => Outcome::Boots,
        })
        .max()
        .unwrap_or(Outcome::Boots);
    let nothing_read = node.root.is_err()
        || matches!(
            node.meta.state,
            DatabaseState::Unread(
                Unread::Denied
                    | Unread::Disk(_)
                    | Unread::Io(_)
                    | Unread::NotCollected
                    | Unread::Changed
                    | Unread::NoRoom
                    | Unread::TooLarge { .. }
            )
        );
    let is_open = match worst {
        Outcome::Boots => nothing_read || !undecided.is_empty() || !required.is_empty(),
        // It starts without its CRI, or not at all.
        Outcome::CriDead | Outcome::Dead => !required.is_empty(),
        _ => false,
    };
    if is_open { Outcome::Unknown } else { worst }
}

fn source(statements: &[Statement], outcome: Outcome, release: Release) -> Source {
    let decisive = statements.iter().filter(|statement| {
        statement.effect.ends() || statement.effect == Effect::LosesCri || outcome == Outcome::Boots
    });
    let sources = decisive.map(|statement| statement.source);
    let own = release.source();
    sources.chain([own]).max().unwrap_or(own)
}

fn start(
    outcome: Outcome,
    or: &[Outcome],
    statements: &[Statement],
    report: &Report,
    parts: &[NotKnown],
) -> Start {
    let forbidden = statements.iter().any(|statement| statement.forbids)
        || report
            .findings
            .iter()
            .any(|finding| finding.severity == Severity::Fatal);
    let troubles = statements.iter().any(Statement::is_trouble);
    let damage = report.count(Severity::Damage) > 0;
    match outcome {
        _ if forbidden => Start::No,
        Outcome::CrashLoop | Outcome::Hangs | Outcome::Dead | Outcome::CriDead => Start::No,
        _ if or.iter().any(|other| *other != Outcome::Boots) => Start::No,
        Outcome::Unknown => Start::Unknown,
        Outcome::Boots if troubles || damage => Start::WithCare,
        Outcome::Boots if !parts.is_empty() => Start::Unknown,
        Outcome::Boots => Start::Yes,
    }
}
