//! `coroner preflight`: what a start of containerd would do to the node as it is now.

use std::collections::BTreeSet;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use checks::start::{Outcome, Prediction, Preflight, Statement, named};
use checks::{NotKnown, Start};
use cli::{
    About, Answer, Case, EvidenceArgs, Exit, Failure, Out, Outcome as Ran, Pen, Style, Tool,
};
use daemon::start::Effect;
use daemon::{Detected, Source};
use evidence::{Evidence, Options};
use finding::{Coverage, Time};
use serde::Serialize;

/// Bytes that a meta.db from elsewhere may have.
const LARGEST: u64 = 1 << 30;

/// Arguments of `coroner preflight`.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  coroner preflight /                        this machine, before containerd is started again
  coroner preflight /mnt/image               a mounted disk image
  coroner preflight --daemon 2.1 node.tar    what an upgrade to 2.1 would do
  coroner preflight --meta-db new.db /       with what `coroner bolt salvage` wrote in the place of meta.db
  coroner preflight --format json / | jq -r .answer.start

Nothing is started, and nothing is written. Where the node's own logs say that its last start failed,
with words that nothing on disk explains, that is said, too. The prediction holds for the state that was read: as of
the capture, or of --at.")]
pub(crate) struct Args {
    #[command(flatten)]
    evidence: EvidenceArgs,
    /// The release that would be started (1.6, 1.7.24, 2.1, ...); else the one that the node shows
    #[arg(long, value_name = "RELEASE")]
    daemon: Option<String>,
    /// When it would be started: leases expire. `2026-11-21T03:36:00Z`, `now`, or `+24h` after the capture;
    /// else when the evidence was taken
    #[arg(long, value_name = "TIME")]
    at: Option<String>,
    /// A file that would take the place of the node's meta.db before the start
    #[arg(long, value_name = "FILE")]
    meta_db: Option<PathBuf>,
    /// Name everything that would be removed, not only the first
    #[arg(long)]
    all: bool,
}

/// `coroner preflight`
pub const PREFLIGHT: Tool = cli::tool!(
    "preflight",
    "What would happen if containerd were started now",
    Args,
    run
);

/// What `preflight` answers.
#[derive(Serialize)]
struct Answered {
    start: Start,
    sentence: String,
    predictions: Vec<Prediction>,
    #[serde(rename = "evidence")]
    about: About,
    release: Detected,
    at: Time,
    coverage: Coverage,
    #[serde(skip)]
    all: bool,
}

fn run(args: Args, out: &mut Out) -> Ran {
    let Args {
        evidence: place,
        daemon: said,
        at,
        meta_db,
        all,
    } = args;
    let asked = said.as_deref().map(release).transpose()?;
    let is_other = meta_db.is_some();
    // Read before the rights to read it are given up.
    let meta = meta_db.as_deref().map(other_meta).transpose()?;
    let case = Case::open_live(&place, process::Depth::Diagnosis)?;
    let node = case.node_with(meta.map(Arc::new))?;
    let at = at.as_deref().map(|text| time(text, node.now)).transpose()?;
    let measured = cli::measure(&case, &node, false, false, out);
    let mut said = Preflight::predict_start(&node, &measured, asked, at);
    // The last start was one with the node's own meta.db.
    if !is_other {
        let report = cli::with_logs(&case, &node, std::mem::take(&mut said.report), out);
        said.heed_logs(&report);
        said.coverage = report.coverage;
    }
    out.answer(&Answered {
        start: said.start,
        sentence: said.sentence,
        predictions: said.predictions,
        about: case.about_all(&node),
        release: said.release,
        at: said.at,
        coverage: said.coverage,
        all,
    })
}

/// The bytes of a file that is to take the place of meta.db.
fn other_meta(path: &Path) -> Result<Vec<u8>, Failure> {
    let unread = |why: &dyn core::fmt::Display| {
        Failure::unread(format!("{} {why}", cli::shown(path)))
            .hint("name the file that `coroner bolt salvage -o NEW` wrote")
    };
    let (Some(parent), Some(name)) = (path.parent(), path.file_name()) else {
        return Err(unread(&"is not a file"));
    };
    let here = parent.as_os_str().is_empty();
    let parent = if here { Path::new(".") } else { parent };
    let evidence = Evidence::open(parent, &Options::default());
    let evidence = evidence.map_err(|error| unread(&error.why))?;
    let source = evidence.source_as_is(&Path::new("/").join(name), LARGEST);
    source
        .map(|source| source.bytes().to_vec())
        .map_err(|why| unread(&why))
}

/// The release that was asked for.
fn release(text: &str) -> Result<Detected, Failure> {
    Detected::said(text).ok_or_else(|| {
        let shown = finding::Escaped(text.as_bytes());
        Failure::usage(format!("no release is known as {shown}"))
            .hint("for example 1.6, 1.7.24, 2.1")
    })
}

fn time(text: &str, captured: Time) -> Result<Time, Failure> {
    if text == "now" {
        return cli::now().ok_or_else(|| Failure::usage("this machine's clock cannot be read"));
    }
    cli::time_after(text, captured).ok_or_else(|| {
        let shown = finding::Escaped(text.as_bytes());
        Failure::usage(format!("{shown} is not a time"))
            .hint("for example 2026-11-21T05:00:00Z, now, or +24h after the capture")
    })
}

impl Answer for Answered {
    const SCHEMA: &'static str = "preflight/1";
    const SAYS_RUNNING: bool = true;

    fn write_text(&self, pen: &mut Pen<'_>) -> io::Result<()> {
        self.about.refused(pen)?;
        let is_one = matches!(self.predictions.as_slice(), [one] if one.sentence == self.sentence);
        if !is_one {
            let head = pen.styled(style(self.start), &self.sentence).to_string();
            pen.paragraph("", &head)?;
            pen.gap()?;
        }
        for prediction in &self.predictions {
            prediction_text(prediction, !is_one, self.all, pen)?;
            pen.gap()?;
        }
        cli::write_running(pen)?;
        self.about.write_about(pen)?;
        let config = if self.about.config.is_empty() {
            "no config.toml was found: the defaults of the release count".to_owned()
        } else {
            let files: Vec<String> = self.about.config.iter().map(ToString::to_string).collect();
            format!(
                "{}: read; what the release makes of it is part of the above",
                files.join(", ")
            )
        };
        pen.paragraph("Config  ", &config)?;
        super::report::release_text(&self.release, pen)?;
        if self.start == Start::Yes {
            return Ok(());
        }
        let triage: (&[&str], &str) = (&["triage"], "says what is wrong, where, and how to fix it");
        // triage judges by the release that the node has.
        let is_said = self.release.because.iter().any(|why| why == "you said so");
        match self.release.one().filter(|_| is_said) {
            Some(release) => {
                let verb = ["repair", "--daemon", release.name()];
                let repair = (
                    &verb[..],
                    "shows what repair would do before that release is started",
                );
                self.about.again.write_next(pen, &[repair, triage])
            }
            None => self.about.again.write_next(pen, &[triage]),
        }
    }

    fn exit(&self) -> Exit {
        let parts = self.predictions.iter().flat_map(|one| &one.parts);
        let parts: Vec<NotKnown> = parts.cloned().collect();
        // What nobody can take back is no clean start: a script must not go on by itself.
        let migrates = self.predictions.iter().any(Prediction::migrates);
        let for_good = if migrates {
            Exit::FINDINGS
        } else {
            Exit::CLEAN
        };
        exit(self.start, &parts) | for_good | self.about.exit()
    }
}

/// What a verdict means for the exit code: 4 where containerd would not start, not load its CRI,
/// lose something, or not all would work; 8 where a part that a start touches is not known.
pub(crate) fn exit(start: Start, unknown: &[NotKnown]) -> Exit {
    let found = match start {
        Start::Yes => Exit::CLEAN,
        Start::WithCare | Start::No => Exit::FINDINGS,
        Start::Unknown => Exit::UNREAD,
    };
    let unknown = if unknown.is_empty() {
        Exit::CLEAN
    } else {
        Exit::UNREAD
    };
    found | unknown
}

/// The style of an answer to "may it be started?".
pub(crate) const fn style(start: Start) -> Style {
    match start {
        Start::Yes => Style::Good,
        Start::WithCare => Style::Warning,
        Start::No | Start::Unknown => Style::Bad,
    }
}

/// What an outcome is called.
pub(crate) const fn outcome(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Boots => "starts",
        Outcome::CriDead => "starts, without its CRI",
        Outcome::Dead => "starts, and answers no request",
        Outcome::Hangs => "hangs",
        Outcome::CrashLoop => "ends, at every start",
        Outcome::Unknown => "not known",
    }
}

/// How a statement is known.
pub(crate) const fn source(source: Source) -> &'static str {
    match source {
        Source::Tested => "seen in real starts",
        Source::FromSource => "read in its source code",
    }
}

/// `1.6, 1.7`
pub(crate) fn releases(prediction: &Prediction) -> String {
    let names: Vec<&str> = prediction
        .releases
        .iter()
        .map(|release| release.name())
        .collect();
    names.join(", ")
}

fn prediction_text(
    prediction: &Prediction,
    named: bool,
    all: bool,
    pen: &mut Pen<'_>,
) -> io::Result<()> {
    let who = if named {
        format!("{}: ", releases(prediction))
    } else {
        String::new()
    };
    let sentence = pen
        .styled(style(prediction.start), &prediction.sentence)
        .to_string();
    pen.paragraph("", &format!("{who}{sentence}"))?;
    let or: Vec<&str> = prediction.or.iter().map(|other| outcome(*other)).collect();
    let or = if or.is_empty() {
        String::new()
    } else {
        format!(", or {} (the files do not tell which)", or.join(", or "))
    };
    let cri = match (prediction.outcome, prediction.has_cri) {
        (Outcome::Boots, false) => ", the CRI disabled",
        _ => "",
    };
    pen.paragraph(
        "  outcome   ",
        &format!(
            "{}{or}{cri} ({})",
            outcome(prediction.outcome),
            source(prediction.source)
        ),
    )?;
    for statement in &prediction.statements {
        statement_text(statement, all, pen)?;
    }
    for part in &prediction.parts {
        pen.paragraph("  not known ", &part.to_string())?;
    }
    // Of thousands most are told word by word, and the others early.
    let parts = &prediction.parts;
    let exact: BTreeSet<&str> = parts.iter().map(|part| part.why.as_str()).collect();
    let told = |why: &String| {
        exact.contains(why.as_str()) || parts.iter().any(|part| part.why.contains(why.as_str()))
    };
    for unknown in prediction.unknown.iter().filter(|why| !told(why)) {
        pen.paragraph("  not known ", unknown)?;
    }
    Ok(())
}

/// What an effect is called in front of a statement.
const fn head(effect: Effect) -> &'static str {
    match effect {
        Effect::Exits | Effect::Panics => "dies",
        Effect::Hangs => "hangs",
        Effect::StaysDead | Effect::LosesCri | Effect::LosesPlugin => "loses",
        Effect::Kills => "kills",
        Effect::Deletes | Effect::DeletesLater => "deletes",
        Effect::Rewrites => "rewrites",
        Effect::Migrates => "migrates",
        Effect::Starts => "starts",
        Effect::Skips => "skips",
        Effect::FailsLater | Effect::Ignores => "but",
    }
}

/// How many things are named without `--all`.
const NAMED: usize = 6;

fn statement_text(statement: &Statement, all: bool, pen: &mut Pen<'_>) -> io::Result<()> {
    let perhaps = if statement.perhaps { "perhaps " } else { "" };
    pen.paragraph(
        &format!("  {:10}", head(statement.effect)),
        &format!(
            "{perhaps}{} (rule {}, {})",
            statement.does,
            statement.rule,
            source(statement.source)
        ),
    )?;
    let place = statement.at.to_string();
    if !place.is_empty() {
        pen.paragraph("            where  ", &place)?;
    }
    if !statement.targets.is_empty() {
        let most = if all { usize::MAX } else { NAMED };
        let mut names: Vec<String> = statement
            .targets
            .iter()
            .take(most)
            .map(|target| match target.bytes {
                Some(bytes) => format!("{} ({})", named(&target.object), cli::size(bytes)),
                None => named(&target.object),
            })
            .collect();
        let more = statement.count().saturating_sub(names.len());
        if more > 0 {
            names.push(format!("and {more} more"));
        }
        pen.paragraph("            what   ", &names.join(", "))?;
    }
    if !statement.says.is_empty() {
        pen.paragraph("            says   ", &statement.says)?;
    }
    Ok(())
}
