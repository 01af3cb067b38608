//! `coroner snapshots extract`: a container's files, into a new directory.
//!
//! Nothing is written but below that directory, which is made here: each file is created, never
//! opened, in a directory that is held open since it was made, and no link is followed on the way.

mod live;
mod name;
mod writer;

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::PathBuf;
use std::sync::atomic::Ordering;

use cli::{Answer, Case, Exit, Failure, MostArgs, NewTree, Out, Outcome, Pen, Style};
use evidence::Evidence;
use finding::{Count, Text};
use serde::Serialize;
use snapshots::{Lone, Merged, Most, Step, tree_steps};

use crate::pick::{self, PickArgs};
use writer::{Line, Writer};

/// How it is extracted.
#[derive(Debug, Clone, Copy, clap::Args)]
pub(crate) struct ExtractArgs {
    /// Make devices, FIFOs and links that lead out, too, and give files their owners, setuid and
    /// attributes: as root, for a tree that is to be run
    #[arg(long)]
    live: bool,
    #[command(flatten)]
    most: MostArgs,
}

#[derive(Serialize)]
struct Head<'a> {
    schema: &'static str,
    coroner: &'static str,
    what: &'a str,
    evidence: Text,
    /// Where the files of each layer lie, the topmost first.
    layers: Vec<Text>,
    live: bool,
}

#[derive(Serialize)]
struct Tail {
    exit: u8,
    entries: u64,
    incomplete: u64,
}

#[derive(Serialize)]
struct Extracted {
    what: String,
    /// The directory; `files` and `manifest.jsonl` are in it.
    directory: Text,
    /// Files, directories and links that were made.
    made: u64,
    /// What was only recorded: devices, FIFOs, sockets, links that lead out, whiteouts.
    recorded: u64,
    /// Files whose name had to be changed.
    renamed: u64,
    /// What of the tree is not there as it was.
    incomplete: u64,
    /// The first of these.
    lacks: Vec<String>,
    #[serde(skip)]
    exit: Exit,
}

/// What is missing that is told one by one.
const SHOWN: usize = 8;

pub(crate) fn run(args: &PickArgs, how: ExtractArgs, out: &mut Out) -> Outcome {
    let Some(directory) = out.take_output() else {
        return Err(Failure::usage(
            "-o DIR is wanted, a directory that is not there yet",
        ));
    };
    let new = NewTree::at(&directory)?;
    let most = Most {
        file: how.most.max_file,
        total: how.most.max_total,
    };
    let mut writer = Writer::new(new.top(), how.live, most)?;
    let case = Case::open_filling(&args.evidence, &new.path())?;
    let node = pick::node(&case)?;
    let picked = args.pick_any(&node)?;
    let merged = picked.merged(&case.evidence, args.prefix(&node))?;
    let mut manifest = BufWriter::new(writer.manifest()?);
    let layers = merged.layers().iter().map(|path| node::path_text(path));
    let head = Head {
        schema: "coroner/snapshots-extract/1",
        coroner: env!("CARGO_PKG_VERSION"),
        what: &picked.what,
        evidence: case.evidence.name(),
        layers: layers.collect(),
        live: how.live,
    };
    line(&mut manifest, &head)?;
    let cancel = out.cancel();
    let progress = out.counting("extracting");
    let mut answer = Extracted {
        what: picked.what.clone(),
        directory: node::path_text(&directory),
        made: 0,
        recorded: 0,
        renamed: 0,
        incomplete: 0,
        lacks: Vec::new(),
        exit: Exit::CLEAN,
    };
    // A directory that no row owns is one layer: its whiteouts are told, not made.
    let lone = (!picked.is_owned()).then(|| {
        let files = merged.layers().first().cloned().unwrap_or_default();
        Lone::new(&case.evidence, &files, args.prefix(&node))
    });
    let steps: Box<dyn Iterator<Item = Step> + '_> = match &lone {
        Some(lone) => Box::new(lone.steps()),
        None => Box::new(tree_steps(&merged)),
    };
    let tree = lone.as_ref().map_or(&merged, Lone::tree);
    for step in steps {
        if cancel.load(Ordering::Relaxed) {
            answer.exit |= Exit::INTERRUPTED;
            break;
        }
        progress.add(1);
        let done = match step {
            Step::Put(path, entry) => writer.put(&case.evidence, tree, &path, &entry)?,
            Step::Delete(path) => Line::mark(&path, "whiteout"),
            Step::Opaque(path) => Line::mark(&path, "opaque"),
            Step::Lost(what) => {
                answer.lack(what);
                continue;
            }
        };
        answer.note(&done);
        line(&mut manifest, &done)?;
    }
    for done in writer.finish() {
        answer.lack(done);
    }
    if answer.incomplete > 0 {
        answer.exit |= Exit::UNREAD;
    }
    let tail = Tail {
        exit: answer.exit.0,
        entries: answer.made.saturating_add(answer.recorded),
        incomplete: answer.incomplete,
    };
    line(&mut manifest, &tail)?;
    manifest.flush()?;
    drop(progress);
    if answer.exit.has(Exit::INTERRUPTED) {
        return Err(Failure::interrupted(format!(
            "interrupted: {} was not made",
            cli::shown(&directory)
        )));
    }
    new.put(0o700)?;
    out.answer(&answer)
}

/// Writes the files of a tree below `top`, an empty directory, as `snapshots extract` does; what of it is not
/// there.
pub fn write_tree(
    evidence: &Evidence,
    tree: &Merged<'_>,
    top: &File,
    most: Most,
) -> io::Result<Vec<String>> {
    let mut writer = Writer::new(top, false, most)?;
    let mut lacks = Vec::new();
    for step in tree_steps(tree) {
        match step {
            Step::Put(path, entry) => {
                lacks.extend(writer.put(evidence, tree, &path, &entry)?.lacks);
            }
            Step::Lost(what) => lacks.push(what),
            Step::Delete(_) | Step::Opaque(_) => {}
        }
    }
    lacks.extend(writer.finish());
    Ok(lacks)
}

fn line(to: &mut impl Write, value: &impl Serialize) -> io::Result<()> {
    let mut text = Vec::new();
    cli::json_text(&mut text, value)?;
    text.push(b'\n');
    to.write_all(&text)
}

impl Extracted {
    fn note(&mut self, line: &Line) {
        let counter = if line.written.is_some() {
            &mut self.made
        } else {
            &mut self.recorded
        };
        *counter = counter.saturating_add(1);
        self.renamed = self.renamed.saturating_add(u64::from(line.renamed));
        for why in &line.lacks {
            self.lack(format!("{}: {why}", line.path));
        }
    }

    fn lack(&mut self, what: String) {
        self.incomplete = self.incomplete.saturating_add(1);
        if self.lacks.len() < SHOWN {
            self.lacks.push(what);
        }
    }
}

impl Answer for Extracted {
    const SCHEMA: &'static str = "snapshots-extracted/1";

    fn write_text(&self, pen: &mut Pen<'_>) -> io::Result<()> {
        let place = PathBuf::from(self.directory.to_string());
        pen.line(format_args!(
            "{}: {} in {}; {} only in the list, {}",
            self.what,
            Count(self.made, "file"),
            place.join("files").display(),
            self.recorded,
            place.join("manifest.jsonl").display()
        ))?;
        if self.renamed > 0 {
            pen.line(format_args!("{} have other names there", self.renamed))?;
        }
        for lack in &self.lacks {
            let word = pen.styled(Style::Bad, "incomplete:").to_string();
            pen.line(format_args!("{word} {lack}"))?;
        }
        let shown = u64::try_from(self.lacks.len()).unwrap_or(u64::MAX);
        if let Some(more) = self.incomplete.checked_sub(shown).filter(|more| *more > 0) {
            pen.line(format_args!("incomplete: {more} more"))?;
        }
        Ok(())
    }

    fn exit(&self) -> Exit {
        self.exit
    }
}
