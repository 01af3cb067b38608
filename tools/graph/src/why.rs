//! `coroner why`: what keeps an object, and until when.

use std::io;

use cli::{About, Answer, Case, EvidenceArgs, Exit, Failure, Out, Outcome, Pen, Style, Tool, age};
use daemon::gc::{self, Chain, Collection, Fate, Root, Until};
use finding::{Escaped, Text, Time, Unknown};
use node::Node;
use node::graph::{Id, Index, Kind, Object};
use serde::Serialize;

use crate::gc::no_meta;
use crate::judged::{Judged, JudgedArgs};

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
    /// Digest, snapshot, lease, image, container, sandbox or ingest: its name, the beginning of it,
    /// or `namespace/name`
    #[arg(value_name = "OBJECT")]
    object: String,
    /// Only objects of this kind: blob, snapshot, lease, image, container, sandbox, ingest
    #[arg(long, value_name = "KIND", value_parser = kind)]
    kind: Option<Kind>,
    /// Only in this namespace
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

/// One step of a chain, to be shown.
#[derive(Debug, Serialize)]
struct StepShown {
    via: String,
    to: Id,
    /// Whether meta.db has a record of it.
    has_record: bool,
    /// Whether it is held without what it refers to.
    flat: bool,
}

/// One chain of references.
#[derive(Debug, Serialize)]
struct ChainShown {
    root: Id,
    #[serde(flatten)]
    why: Root,
    until: Until,
    /// Whether it still holds.
    holds: bool,
    steps: Vec<StepShown>,
}

/// One object, and what keeps it.
#[derive(Debug, Serialize)]
struct Kept {
    #[serde(flatten)]
    id: Id,
    /// Whether meta.db has a record of it; else it is only referred to.
    has_record: bool,
    /// What the collector does with its record; nothing for what it never deletes.
    #[serde(skip_serializing_if = "Option::is_none")]
    fate: Option<Fate>,
    /// Until when it is held.
    held: Until,
    /// How many roots reach it, ended ones included.
    roots: usize,
    chains: Vec<ChainShown>,
    /// What it refers to.
    refers_to: Vec<StepShown>,
}

#[derive(Debug, Serialize)]
struct Why {
    #[serde(rename = "evidence")]
    about: About,
    #[serde(flatten)]
    judged: Judged,
    failure: Option<gc::Failure>,
    objects: Vec<Kept>,
    unknown: Vec<Unknown>,
}

#[expect(
    clippy::needless_pass_by_value,
    reason = "as every tool takes its arguments"
)]
fn run(args: Args, out: &mut Out) -> Outcome {
    let case = Case::open(&args.evidence)?;
    let node = case.node()?;
    let judged = args.judged.of(&node)?;
    let collection =
        gc::simulate(&node, judged.daemon, judged.at).map_err(|unknown| no_meta(&unknown))?;
    let wanted = |id: &Id| {
        args.kind.is_none_or(|kind| id.kind == kind)
            && args
                .namespace
                .as_ref()
                .is_none_or(|name| id.namespace == name.as_str())
    };
    let found = find(&collection, &args.object, wanted)?;
    if found.is_empty() {
        return Err(absent(&args.object, &collection, &node));
    }
    let objects = found
        .into_iter()
        .filter_map(|index| kept(&collection, index, args.chains))
        .collect();
    out.answer(&Why {
        about: case.about(&node),
        judged,
        failure: collection.failure.clone(),
        objects,
        unknown: collection.graph.all_unknown(),
    })
}

fn absent(object: &str, collection: &Collection, node: &Node) -> Failure {
    let name = Escaped(object.as_bytes());
    let unknown = collection.graph.all_unknown();
    let failure = match unknown.first() {
        None => Failure::usage(format!("meta.db has no such object: {name}")),
        Some(Unknown { what, why }) => Failure::unread(format!(
            "{name} was not found, but {what} cannot be known whole: {why}"
        )),
    };
    // Bytes that no record has are the other half of the question.
    let bytes = object.strip_prefix("sha256:").unwrap_or(object);
    let store = node.content.read();
    let on_disk = store.is_some_and(|store| {
        !bytes.is_empty()
            && store
                .blobs
                .iter()
                .any(|blob| blob.digest.hex().starts_with(bytes))
    });
    if on_disk {
        return failure.hint(
            "a blob of that name lies in the content store: no record keeps it (`coroner owner` \
             and `coroner gc --simulate` say what becomes of it)",
        );
    }
    failure.hint("`coroner meta ls` lists what there is; `coroner owner` explains paths")
}

/// The objects of this name, in every namespace; else those of the only name that begins so.
fn find(
    collection: &Collection,
    name: &str,
    wanted: impl Fn(&Id) -> bool,
) -> Result<Vec<Index>, Failure> {
    let graph = &collection.graph;
    let is_called = |object: &Object, test: &dyn Fn(&[u8]) -> bool| {
        let id = &object.id;
        let key = id.key.bytes();
        let inner = id.snapshot_parts().map(|(_, key)| key);
        let inner = inner.as_ref().map_or(key, Text::bytes);
        let hex = inner.strip_prefix(b"sha256:").unwrap_or(inner);
        let qualified = [id.namespace.bytes(), b"/", key].concat();
        let inside = [id.namespace.bytes(), b"/", inner].concat();
        [key, inner, hex, &qualified, &inside].into_iter().any(test)
    };
    let all = || graph.objects().filter(|(_, object)| wanted(&object.id));
    let exact = |bytes: &[u8]| bytes == name.as_bytes();
    let found: Vec<Index> = all()
        .filter(|(_, object)| is_called(object, &exact))
        .map(|(index, _)| index)
        .collect();
    if !found.is_empty() || name.is_empty() {
        return Ok(found);
    }
    let begins = |bytes: &[u8]| bytes.starts_with(name.as_bytes());
    let found: Vec<(Index, &Object)> = all()
        .filter(|(_, object)| is_called(object, &begins))
        .collect();
    // The same snapshot in two snapshotters, or a blob in two namespaces, is one name.
    let mut names: Vec<String> = found
        .iter()
        .map(|(_, object)| {
            let inner = object.id.snapshot_parts().map(|(_, key)| key);
            inner.unwrap_or_else(|| object.id.key.clone()).to_string()
        })
        .collect();
    names.sort();
    names.dedup();
    if names.len() > 1 {
        names.truncate(5);
        let name = Escaped(name.as_bytes());
        return Err(Failure::usage(format!(
            "{name} begins the names of several: {}",
            names.join(", ")
        ))
        .hint("give more of the name"));
    }
    Ok(found.into_iter().map(|(index, _)| index).collect())
}

fn kept(collection: &Collection, index: Index, most: usize) -> Option<Kept> {
    let graph = &collection.graph;
    let object = graph.get(index)?;
    let (chains, roots) = collection.chains(index, most);
    let shown = |chain: Chain| {
        let steps = chain.steps.into_iter().filter_map(|step| {
            Some(StepShown {
                via: step.via.to_string(),
                to: graph.get(step.to)?.id.clone(),
                has_record: graph.get(step.to)?.at.is_some(),
                flat: step.flat,
            })
        });
        Some(ChainShown {
            root: graph.get(chain.root)?.id.clone(),
            why: chain.why,
            until: chain.until,
            holds: chain.until.holds(collection.at),
            steps: steps.collect(),
        })
    };
    let refers_to = object.edges.iter().filter_map(|edge| {
        Some(StepShown {
            via: edge.via.to_string(),
            to: graph.get(edge.to)?.id.clone(),
            has_record: graph.get(edge.to)?.at.is_some(),
            flat: false,
        })
    });
    Some(Kept {
        id: object.id.clone(),
        has_record: object.at.is_some(),
        fate: collection
            .record(&object.id)
            .map(|record| record.fate.clone()),
        held: collection.marks.held(index),
        roots,
        chains: chains.into_iter().filter_map(shown).collect(),
        refers_to: refers_to.collect(),
    })
}

impl Why {
    fn object_text(&self, kept: &Kept, pen: &mut Pen<'_>) -> io::Result<()> {
        pen.heading(&kept.id)?;
        let now = self.judged.at;
        let (style, sentence) = verdict(kept, now, self.failure.is_some());
        let line = pen.styled(style, format!("  {sentence}")).to_string();
        pen.line(line)?;
        for chain in &kept.chains {
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
            pen.line(line)?;
            for step in &chain.steps {
                let flat = if step.flat {
                    ", without what it refers to"
                } else {
                    ""
                };
                pen.line(format_args!("    └ {} → {}{flat}", step.via, step.to))?;
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
                pen.line(format_args!("    {} → {}{gone}", step.via, step.to))?;
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
            "The collector never deletes records of this kind.".to_owned(),
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

impl Answer for Why {
    const SCHEMA: &'static str = "why/1";

    fn text(&self, pen: &mut Pen<'_>) -> io::Result<()> {
        for (number, kept) in self.objects.iter().enumerate() {
            if number > 0 {
                pen.gap()?;
            }
            self.object_text(kept, pen)?;
        }
        pen.gap()?;
        self.about.text(pen)?;
        self.judged.text(pen)?;
        pen.incomplete(&self.unknown)
    }

    fn exit(&self) -> Exit {
        Exit::of_unknown(&self.unknown)
    }
}
