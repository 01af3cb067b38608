//! `coroner why`: what keeps an object, and until when.

use std::io;

use cli::{Answer, Case, EvidenceArgs, Exit, Failure, Out, Outcome, Pen, Style, Tool, age};
use daemon::gc::{Fate, Root, Until};
use finding::{Escaped, Time, Unknown};
use node::graph::Kind;
use refs::why::{Kept, NoAnswer, Question, Why};

use crate::gc::no_meta;
use crate::judged::{self, Answered, JudgedArgs};

/// Arguments of `coroner why`.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  coroner why /mnt/node 4bcff63b                       a blob or snapshot by the beginning of its digest
  coroner why node.tar.zst docker.io/library/nginx     an image
  coroner why node.tar.zst extract-870075901           the layer of an interrupted pull
  coroner why --at +24h node.tar.zst sha256:4bcff      … after its lease has ended
  coroner why --kind lease node.tar.zst 801920061")]
pub(crate) struct Args {
    #[command(flatten)]
    evidence: EvidenceArgs,
    /// The name, digest or id of a blob, snapshot, lease, image, container, sandbox or ingest, or the
    /// beginning of it; NAMESPACE/NAME, too
    #[arg(value_name = "NAME")]
    object: String,
    /// Only objects of this kind: blob, snapshot, lease, image, container, sandbox, ingest
    #[arg(long, value_name = "KIND", value_parser = kind)]
    kind: Option<Kind>,
    /// Only this namespace
    #[arg(short, long, value_name = "NAME")]
    namespace: Option<String>,
    /// At most so many chains of references for each object
    #[arg(long, value_name = "N", default_value_t = 10)]
    chains: usize,
    #[command(flatten)]
    judged: JudgedArgs,
}

/// `coroner why`
pub const WHY: Tool = cli::tool!(
    "why",
    "What keeps a blob, snapshot, image or lease, and until when",
    Args,
    run
);

fn kind(text: &str) -> Result<Kind, String> {
    Ok(match text.trim_end_matches('s') {
        "lease" => Kind::Lease,
        "image" => Kind::Image,
        "container" => Kind::Container,
        "sandbox" | "sandboxe" => Kind::Sandbox,
        "snapshot" => Kind::Snapshot,
        "blob" | "content" => Kind::Blob,
        "ingest" => Kind::Ingest,
        _ => {
            return Err(
                "a kind is blob, snapshot, lease, image, container, sandbox or ingest".into(),
            );
        }
    })
}

#[expect(
    clippy::needless_pass_by_value,
    reason = "as every tool takes its arguments"
)]
fn run(args: Args, out: &mut Out) -> Outcome {
    let case = Case::open(&args.evidence)?;
    let node = case.node()?;
    let judged = args.judged.judge_node(&node)?;
    let question = Question {
        name: &args.object,
        kind: args.kind,
        namespace: args.namespace.as_deref(),
        chains: args.chains,
    };
    let it = Why::answer_why(&node, &judged, &question)
        .map_err(|why| no_answer(&node, &args.object, why))?;
    out.answer(&Answered {
        about: case.about(&node),
        judged,
        it,
    })
}

fn no_answer(node: &node::Node, object: &str, why: NoAnswer) -> Failure {
    let name = Escaped(object.as_bytes());
    let (unknown, is_on_disk) = match why {
        NoAnswer::NoMeta(unknown) => return no_meta(node, &unknown),
        NoAnswer::Several(names) => {
            let names = names.join(", ");
            return Failure::usage(format!("{name} begins the names of several: {names}"))
                .hint("give more of the name");
        }
        NoAnswer::Absent {
            unknown,
            is_on_disk,
        } => (unknown, is_on_disk),
    };
    let failure = match unknown.first() {
        None => Failure::usage(format!("meta.db has no such object: {name}")),
        Some(Unknown { what, why }) => Failure::unread(format!(
            "{name} was not found, but {what} cannot be known whole: {why}"
        )),
    };
    if is_on_disk {
        return failure.hint(
            "a blob of that name lies in the content store: no record keeps it (`coroner owner` and \
             `coroner gc --simulate` say what happens to it)",
        );
    }
    failure.hint("`coroner meta ls` lists what there is; `coroner owner` explains paths")
}

impl Answered<Why> {
    fn object_text(&self, kept: &Kept, pen: &mut Pen<'_>) -> io::Result<()> {
        pen.heading(&kept.id)?;
        let now = self.judged.at;
        let (style, sentence) = verdict(kept, now, self.it.failure.is_some());
        let line = pen.styled(style, format!("  {sentence}")).to_string();
        pen.line(line)?;
        for chain in &kept.chains {
            // What keeps itself for good: that is said above.
            let is_own = chain.steps.is_empty() && !matches!(chain.why, Root::Label(_));
            if is_own && chain.until == Until::Forever {
                continue;
            }
            let root = match (&chain.why, chain.steps.is_empty()) {
                (Root::Label(label), true) => format!("itself, by its label {label}"),
                (Root::Label(label), false) => format!("{}, by its label {label}", chain.root),
                (_, true) => "itself".to_owned(),
                (_, false) => chain.root.to_string(),
            };
            let until = match chain.until {
                Until::At(time) if chain.holds => format!(", until {time} ({})", age(time, now)),
                Until::At(time) => format!(", ended at {time} ({} ago)", age(time, now)),
                Until::Forever | Until::Never => String::new(),
            };
            let line = pen
                .styled(
                    if chain.holds {
                        Style::Plain
                    } else {
                        Style::Faint
                    },
                    format!("  {root}{until}"),
                )
                .to_string();
            pen.row(line)?;
            for (depth, step) in chain.steps.iter().enumerate() {
                let indent = "  ".repeat(depth.min(12));
                let flat = if step.flat {
                    ", without what it refers to"
                } else {
                    ""
                };
                pen.row(format_args!(
                    "    {indent}└ {} → {}{flat}",
                    step.via, step.to
                ))?;
            }
        }
        let more = kept.roots.saturating_sub(kept.chains.len());
        if more > 0 {
            pen.line(format_args!("  and {more} more roots (--chains)"))?;
        }
        if !kept.refers_to.is_empty() {
            pen.line(format_args!("  it refers to"))?;
            for step in kept.refers_to.iter().take(12) {
                let gone = if step.has_record {
                    ""
                } else {
                    " (meta.db has no record of it)"
                };
                pen.row(format_args!("    {} → {}{gone}", step.via, step.to))?;
            }
            let more = kept.refers_to.len().saturating_sub(12);
            if more > 0 {
                pen.line(format_args!("    and {more} more"))?;
            }
        }
        Ok(())
    }
}

/// One sentence: whether it is kept, and how long.
fn verdict(kept: &Kept, now: Time, fails: bool) -> (Style, String) {
    let held = kept.held.holds(now);
    if !kept.has_record {
        let text = if kept.roots > 0 {
            "It is referred to, but meta.db has no record of it."
        } else {
            "meta.db has no record of it, and nothing that is kept refers to it."
        };
        return (Style::Warning, text.to_owned());
    }
    match (&kept.fate, kept.held) {
        (None, _) => (
            Style::Good,
            format!(
                "It is kept: garbage collection deletes no {}.",
                kept.id.kind
            ),
        ),
        (Some(_), Until::Forever) => (Style::Good, "It is kept.".to_owned()),
        (Some(_), Until::At(time)) if held => (
            Style::Warning,
            format!(
                "It is kept until {time} ({}); the first collection after that deletes it.",
                age(time, now)
            ),
        ),
        (Some(Fate::Unknown), _) => (
            Style::Bad,
            "Nothing that could be read keeps it; what could not be read might.".to_owned(),
        ),
        (Some(_), until) => {
            let mut text = match until.time() {
                Some(time) => format!("Nothing keeps it since {time}"),
                None => "Nothing keeps it".to_owned(),
            };
            text.push_str(if fails {
                ", but no collection gets to its end."
            } else {
                ": the next collection deletes it (100 ms after a start, or after any deletion)."
            });
            (Style::Bad, text)
        }
    }
}

impl Answer for Answered<Why> {
    const SCHEMA: &'static str = "why/1";

    fn write_text(&self, pen: &mut Pen<'_>) -> io::Result<()> {
        for (number, kept) in self.it.objects.iter().enumerate() {
            if number > 0 {
                pen.gap()?;
            }
            self.object_text(kept, pen)?;
        }
        pen.gap()?;
        self.about.write_about(pen)?;
        judged::write_judged(&self.judged, pen)?;
        pen.incomplete(&self.it.unknown)
    }

    fn exit(&self) -> Exit {
        Exit::of_unknown(&self.it.unknown)
    }
}
