//! The first line: what a start comes to, in the words of those who run such programs.
//!
//! ```text
//! containerd would start normally.
//! containerd would start normally. It is not known whether the shims of 9 tasks answer: the start kills each task whose shim does not.
//! containerd would start, and there is no way back: it changes the schema of meta.db.
//! containerd would start; not known: snapshotter stargz (a daemon of its own keeps its 9 snapshots; …).
//! containerd would start, but its CRI plugin would not load: no pod can run. …
//! containerd would start, but it cannot use images that lack a part.
//! containerd would start, with warnings: A lease without an end (lease/ownerless).
//! containerd would start; not all is there: A container's image is gone (container/image-gone).
//! containerd would not start: a configuration file is not TOML (config.toml at 0x51).
//! Do not start containerd: it would delete 12 layer directories.
//! Do not start containerd: it would delete 12 layer directories (meta.db). Now it does not start (…); do not fix that first.
//! Do not restart containerd while containers run: systemd would kill all of them (containerd.service).
//! ```

use std::collections::{BTreeMap, BTreeSet};

use daemon::start::Effect;
use finding::{Finding, Location, Object, Report, Severity, Text};

use super::later::{RESTART_KILLS, RESTART_LOSES};
use super::{Outcome, Prediction, Statement};
use crate::{NotKnown, Start};

/// How many unknown parts a sentence names.
const NAMED: usize = 3;

/// Where, for the end of a sentence: the file's name, and what of it.
fn place(at: &Location) -> String {
    let file = at.file.as_ref().map(Text::bytes).unwrap_or_default();
    let name = file.rsplit(|byte| *byte == b'/').next().unwrap_or_default();
    if let Some(list) = list_of_meta(name, at) {
        return format!(" (meta.db: {list})");
    }
    let short = Location {
        file: (!name.is_empty()).then(|| Text::from(name)),
        span: None,
        places: at.places.clone(),
    };
    match short.to_string() {
        place if place.is_empty() => place,
        place => format!(" ({place})"),
    }
}

/// Lists of a namespace in meta.db: the bucket, an object of it, and how many buckets lie between.
const LISTS: &[(&str, &str, usize)] = &[
    ("images", "image", 0),
    ("containers", "container", 0),
    ("leases", "lease", 0),
    ("sandboxes", "sandbox", 0),
    // Below the bucket of its snapshotter.
    ("snapshots", "snapshot", 1),
];

/// Which object or list of a namespace a place of meta.db is in: pages and buckets are for who repairs the
/// file, and each finding has them.
fn list_of_meta(file: &[u8], at: &Location) -> Option<String> {
    let buckets = at.places.iter().filter(|place| place.kind == "bucket");
    let mut names = buckets.map(|place| &place.name);
    let (root, namespace, bucket) = (names.next()?, names.next()?, names.next()?);
    let (list, object, between) = LISTS.iter().find(|(list, ..)| *bucket == **list)?;
    let is_it = file == b"meta.db" && *root == *"v1";
    let what = match names.nth(*between) {
        Some(name) => format!("{object} {name}"),
        None => (*list).to_owned(),
    };
    is_it.then(|| format!("{what} of namespace {namespace}"))
}

/// What a statement says after a colon: "exits: a file is not TOML" is said of the daemon before it.
fn reason(statement: &Statement) -> String {
    let does = statement.does.as_str();
    let bare = ["exits: ", "starts without the CRI: "]
        .iter()
        .find_map(|start| does.strip_prefix(start));
    let said = bare.map_or_else(|| format!("it {does}"), str::to_owned);
    format!("{said}{}", place(&statement.at))
}

/// `; not known: a (why), b (why)`, where something is not known.
fn not_known_clause(parts: &[NotKnown]) -> String {
    if parts.is_empty() {
        return String::new();
    }
    // Of one part there may be several reasons.
    let mut whys: Vec<(&str, Vec<&str>)> = Vec::new();
    for part in parts {
        match whys.iter_mut().find(|(name, _)| *name == part.name) {
            Some((_, all)) => all.push(&part.why),
            None => whys.push((&part.name, vec![&part.why])),
        }
    }
    let named = whys.iter().take(NAMED);
    let named: Vec<String> = named
        .map(|(name, whys)| format!("{name} ({})", whys.join("; ")))
        .collect();
    let more = match whys.len().saturating_sub(NAMED) {
        0 => String::new(),
        more => format!(", and {more} more"),
    };
    format!("; not known: {}{more}", named.join(", "))
}

/// What things of a kind are called in a sentence: one, many.
const fn called(kind: &str) -> Option<(&'static str, &'static str)> {
    Some(match kind.as_bytes() {
        b"snapshot-dir" => ("layer directory", "layer directories"),
        b"blob" => ("blob", "blobs"),
        b"ingest-dir" => ("unfinished write", "unfinished writes"),
        b"cri-containers" => ("folder of a container", "folders of containers"),
        b"cri-sandboxes" => ("folder of a pod", "folders of pods"),
        _ => return None,
    })
}

/// How many things of a kind, in words: `1 lease`, `4 folders of pods`.
pub fn counted(count: usize, kind: &str) -> String {
    match (called(kind), count) {
        (Some((one, _)), 1) => format!("1 {one}"),
        (Some((_, many)), _) => format!("{count} {many}"),
        (None, 1) => format!("1 {kind}"),
        (None, _) => format!("{count} {kind}s"),
    }
}

/// An object by its kind and name, in words: `layer directory overlayfs/4`.
pub fn named(object: &Object) -> String {
    let whole = object.to_string();
    match (called(object.kind), whole.split_once(' ')) {
        (Some((one, _)), Some((_, name))) => format!("{one} {name}"),
        _ => whole,
    }
}

/// `12 layer directories and 3 blobs`, of all that the statements which forbid a start would take.
fn lost(prediction: &Prediction, effects: &[Effect]) -> String {
    // What two rules delete is lost once.
    let mut counts: BTreeMap<&str, (BTreeSet<&Object>, (&str, &str))> = BTreeMap::new();
    let all = prediction.forbidding();
    let all = all.filter(|statement| effects.contains(&statement.effect));
    for statement in all {
        for target in &statement.targets {
            // Of a task, it is the container that is lost.
            let names = match target.object.kind {
                "task" => Some(("container", "containers")),
                kind => called(kind),
            };
            if let Some(names) = names {
                let (objects, _) = counts
                    .entry(target.object.kind)
                    .or_insert((BTreeSet::new(), names));
                objects.insert(&target.object);
            }
        }
    }
    let words: Vec<String> = counts
        .values()
        .map(|(objects, (one, many))| match objects.len() {
            1 => format!("1 {one}"),
            count => format!("{count} {many}"),
        })
        .collect();
    match words.as_slice() {
        [.., last] if words.len() > 1 => {
            let rest = words
                .get(..words.len().saturating_sub(1))
                .unwrap_or_default();
            format!("{} and {last}", rest.join(", "))
        }
        _ => words.join(""),
    }
}

/// The names of tasks that a start which must not be tried would kill: the first of them.
fn named_tasks(prediction: &Prediction) -> Option<String> {
    let all = prediction.forbidding();
    let all = all.filter(|statement| statement.effect == Effect::Kills);
    let names: Vec<String> = all
        .flat_map(|statement| &statement.targets)
        .filter(|target| target.object.kind == "task")
        .filter_map(|target| Some(target.object.to_string().split_once(' ')?.1.to_owned()))
        .collect();
    let shown: Vec<&str> = names.iter().take(NAMED).map(String::as_str).collect();
    let more = match names.len().saturating_sub(NAMED) {
        0 => String::new(),
        more => format!(", and {more} more"),
    };
    (!shown.is_empty()).then(|| format!("{}{more}", shown.join(", ")))
}

/// What a start does that nobody can take back, though it comes up.
fn for_good(prediction: &Prediction) -> Option<String> {
    prediction.migrates().then(|| {
        "containerd would start, and there is no way back: it changes the schema of meta.db. First copy the \
         databases (`coroner repair backup NODE --into DIR`)."
            .to_owned()
    })
}

/// A start that comes up, with what is odd.
fn normally(report: &Report) -> String {
    match (odd(report), gone(report)) {
        (Some(odd), _) => format!("containerd would start, with warnings: {odd}."),
        (_, Some(gone)) => format!("containerd would start; not all is there: {gone}."),
        _ => "containerd would start normally.".to_owned(),
    }
}

/// What would be lost, as a clause, where a start must not be tried because of it.
fn loss(prediction: &Prediction) -> Option<String> {
    let killed = lost(prediction, &[Effect::Kills]);
    let deleted = lost(prediction, &[Effect::Deletes, Effect::DeletesLater]);
    let mut clauses = Vec::new();
    if !killed.is_empty() {
        clauses.push(["kill ", killed.as_str()].concat());
    }
    if !deleted.is_empty() {
        let later = lost(prediction, &[Effect::DeletesLater]) == deleted;
        let when = if later { ", at its next clean-up" } else { "" };
        clauses.push(format!("delete {deleted}{when}"));
    }
    if clauses.is_empty() {
        return None;
    }
    let because = prediction
        .forbidding()
        .find(|statement| statement.effect.destroys() && !statement.targets.is_empty());
    let because = match because {
        // Of containers the names say more than the folder of their bundles.
        Some(first) if deleted.is_empty() => {
            named_tasks(prediction).map_or_else(|| place(&first.at), |names| format!(" ({names})"))
        }
        Some(first) => place(&first.at),
        None => String::new(),
    };
    Some(format!("it would {}{because}", clauses.join(" and ")))
}

/// The names of those that a statement concerns, the first of them, in parentheses.
fn whom(statement: &Statement) -> String {
    let names = statement.targets.iter().take(NAMED);
    let names: Vec<String> = names.map(|target| named(&target.object)).collect();
    let more = match statement.count().saturating_sub(names.len()) {
        0 => String::new(),
        more => format!(", and {more} more"),
    };
    if names.is_empty() {
        String::new()
    } else {
        format!(" ({}{more})", names.join(", "))
    }
}

/// What of a start that comes up goes wrong first, the worst first.
fn trouble(prediction: &Prediction, report: &Report) -> String {
    let rank = |statement: &&Statement| match statement.effect {
        Effect::Kills => 0,
        Effect::Deletes => 1,
        Effect::LosesPlugin => 2,
        Effect::Skips => 3,
        Effect::FailsLater => 4,
        _ => 5,
    };
    let is_trouble = |statement: &&Statement| match statement.effect {
        Effect::Kills
        | Effect::LosesPlugin
        | Effect::Skips
        | Effect::FailsLater
        | Effect::Ignores => !statement.perhaps,
        Effect::Deletes => statement.targets.iter().any(|target| target.is_written),
        _ => false,
    };
    let all = prediction.statements.iter().filter(is_trouble);
    if let Some(worst) = all.min_by_key(rank) {
        let whom = whom(worst);
        return match worst.does.strip_prefix("starts; ") {
            Some(rest) => format!("but {rest}{whom}"),
            None => format!("but it {}{whom}", worst.does),
        };
    }
    let damage = report
        .findings
        .iter()
        .find(|finding| finding.severity == Severity::Damage);
    let title = damage.map_or_else(String::new, |finding| {
        format!(": {} ({})", finding.code.headline(), finding.code.name)
    });
    format!("but it has problems{title}")
}

/// What is odd on a node that would start well: the first of it, and how much more there is.
fn odd(report: &Report) -> Option<String> {
    let mut all = report
        .findings
        .iter()
        .filter(|finding| finding.severity == Severity::Odd);
    let first = all.next()?;
    let more = match all.count() {
        0 => String::new(),
        more => format!(", and {more} more"),
    };
    Some(format!(
        "{} ({}){more}",
        first.code.headline(),
        first.code.name
    ))
}

/// Kinds of notes that say that something is named and gone. A start is as it always is, and whoever is told
/// that all is normal looks no further.
const NAMED_AND_GONE: [&str; 4] = [
    "container/image-gone",
    "cri/pod-file-missing",
    "lease/dangling",
    "snapshot/label-gone",
];

/// What is named on a node that would start well, and is gone: the first of it, and how much more there is.
fn gone(report: &Report) -> Option<String> {
    let is_gone = |finding: &&Finding| NAMED_AND_GONE.contains(&finding.code.name);
    let mut all = report.findings.iter().filter(is_gone);
    let first = all.next()?;
    let more = match all.count() {
        0 => String::new(),
        more => format!(", and {more} more"),
    };
    let (title, code) = (first.code.headline(), first.code.name);
    Some(format!("{title} ({code}){more}"))
}

/// What happens, and whether it may be tried: one sentence, and a second one of tasks that files alone say too
/// little of.
pub(super) fn sentence(prediction: &Prediction, report: &Report) -> String {
    let sentence = first_sentence(prediction, report);
    match silent_shims(prediction) {
        Some(shims) if prediction.outcome == Outcome::Boots && prediction.start != Start::No => {
            format!("{sentence} {shims}")
        }
        _ => sentence,
    }
}

/// Tasks of which it is not known whether their shims answer: a start kills those of one that does not.
fn silent_shims(prediction: &Prediction) -> Option<String> {
    let all = prediction.statements.iter();
    let kills = all.filter(|it| it.perhaps && !it.forbids && it.effect == Effect::Kills);
    let tasks: usize = kills.map(Statement::count).sum();
    let which = match tasks {
        0 => return None,
        1 => "the shim of 1 task answers".to_owned(),
        more => format!("the shims of {more} tasks answer"),
    };
    Some(format!(
        "It is not known whether {which}: the start kills each task whose shim does not."
    ))
}

fn first_sentence(prediction: &Prediction, report: &Report) -> String {
    let parts = not_known_clause(&prediction.parts);
    let end = prediction.end();
    let forbids = prediction
        .statements
        .iter()
        .find(|statement| statement.forbids && Some(*statement) != end);
    match (prediction.start, prediction.outcome, end) {
        // What a start would delete comes before what keeps it from starting: whoever mends that first loses it.
        (_, _, Some(end)) if !prediction.later.is_empty() => {
            let first = prediction.later.first().map(reason);
            let why = loss(prediction).or(first).unwrap_or_default();
            format!(
                "Do not start containerd: {why}. Now it does not start ({}); do not fix that first.",
                reason(end)
            )
        }
        (Start::No, _, Some(end)) if prediction.loses() => {
            format!("Do not start containerd: {}.", reason(end))
        }
        (_, Outcome::CriDead, Some(end)) => {
            let why = reason(end);
            format!(
                "containerd would start, but its CRI plugin would not load: no pod can run \
                 ({why}){parts}."
            )
        }
        (_, Outcome::Dead, Some(end)) => {
            format!(
                "containerd would start, and answer no request: {}.",
                reason(end)
            )
        }
        (_, Outcome::Hangs | Outcome::CrashLoop, Some(end)) => {
            format!("containerd would not start: {}.", reason(end))
        }
        (Start::No, ..) => {
            let fatal = report
                .findings
                .iter()
                .filter(|finding| finding.severity == Severity::Fatal)
                .min_by_key(|finding| finding.code.name.starts_with("runtime/"));
            let why = loss(prediction)
                .or_else(|| forbids.map(reason))
                .or_else(|| {
                    let finding = fatal?;
                    Some(format!(
                        "{}{}",
                        finding.code.headline(),
                        place(&finding.location)
                    ))
                });
            let perhaps = prediction
                .statements
                .iter()
                .find(|it| it.perhaps && (it.effect.ends() || it.effect == Effect::LosesCri));
            let why = why.or_else(|| Some(format!("perhaps it {}", perhaps?.does)));
            let why = why.unwrap_or_else(|| "a start would make the damage worse".to_owned());
            format!("Do not start containerd: {why}{parts}.")
        }
        (_, Outcome::Unknown, _) => {
            let why = prediction.unknown.first().map(String::as_str);
            let why = why.or_else(|| prediction.parts.first().map(|part| part.why.as_str()));
            let why = why.unwrap_or("meta.db could not be read");
            let cri = end
                .filter(|end| end.effect == Effect::LosesCri)
                .map_or_else(String::new, |end| {
                    let why = reason(end);
                    format!(" If it does, its CRI plugin would not load: no pod can run ({why}).")
                });
            format!("It is not known whether containerd would start: {why}.{cri}")
        }
        (Start::WithCare, ..) => {
            let mut all = prediction.statements.iter();
            let codes = [Some(RESTART_KILLS), Some(RESTART_LOSES)];
            if let Some(line) = all.find(|it| codes.contains(&it.code)) {
                let at = place(&line.at);
                let what = if line.code == Some(RESTART_KILLS) {
                    "systemd would kill all of them"
                } else {
                    "containerd would lose all of them"
                };
                return format!(
                    "Do not restart containerd while containers run: {what}{at}{parts}."
                );
            }
            let trouble = trouble(prediction, report);
            let back = if prediction.migrates() {
                "; there is no way back: first copy the databases (`coroner repair backup NODE --into DIR`)"
            } else {
                ""
            };
            format!("containerd would start, {trouble}{parts}{back}.")
        }
        _ if !prediction.parts.is_empty() => format!("containerd would start{parts}."),
        _ => for_good(prediction).unwrap_or_else(|| normally(report)),
    }
}

fn names(prediction: &Prediction) -> String {
    let names: Vec<&str> = prediction.releases.iter().map(|one| one.name()).collect();
    names.join(", ")
}

/// The sentence about one of several releases, after its name.
fn of_release(prediction: &Prediction) -> String {
    let sentence = prediction.sentence.trim_end_matches('.');
    let rest = sentence
        .strip_prefix("containerd ")
        .map(str::to_owned)
        .or_else(|| {
            let why = sentence.strip_prefix("Do not start containerd: ")?;
            Some(format!("must not be started: {why}"))
        })
        .or_else(|| {
            let why = sentence.strip_prefix("Do not restart containerd ")?;
            Some(format!("must not be restarted {why}"))
        });
    let rest = rest.unwrap_or_else(|| format!("is not known: {sentence}"));
    format!("{} {rest}", names(prediction))
}

/// What several predictions come to: whether containerd may be started, and one sentence. That one
/// release of several would refuse is not a refusal: which of them the node has is what is not known.
pub(crate) fn overall(predictions: &[Prediction]) -> (Start, String) {
    let rank = |prediction: &&Prediction| match prediction.start {
        Start::No => 0,
        Start::Unknown => 1,
        Start::WithCare => 2,
        Start::Yes => 3,
    };
    let Some(worst) = predictions.iter().min_by_key(rank) else {
        let why = "It is not known whether containerd would start: no release is known.";
        return (Start::Unknown, why.to_owned());
    };
    let differ = predictions.iter().any(|one| one.start != worst.start);
    if !differ || worst.start != Start::No {
        return (worst.start, worst.sentence.clone());
    }
    let each: Vec<String> = predictions.iter().map(of_release).collect();
    let each = each.join("; ");
    if predictions
        .iter()
        .any(|one| one.is_refused() && one.loses())
    {
        let sentence =
            format!("Do not start containerd before its release is known (--daemon): {each}.");
        return (Start::No, sentence);
    }
    let sentence = format!(
        "It is not known whether containerd would start, because its release is not known \
         (--daemon): {each}."
    );
    (Start::Unknown, sentence)
}
