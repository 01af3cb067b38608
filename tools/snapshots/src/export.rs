//! `coroner snapshots export`: a container's tree, or what it changed, as a tar.

use std::io::{self, BufWriter, IsTerminal, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::Ordering;

use cli::{Exit, Failure, FileWriter, MostArgs, NewFile, Out, Outcome};
use evidence::{Evidence, FileKind};
use finding::{Count, Text};
use names::Picked;
use serde::Serialize;
use snapshots::{
    Archive, Lone, Merged, MergedEntry, Most, Prefix, Put, Step, change_steps, tree_steps,
};

use crate::pick::{self, PickArgs};

/// How it is exported.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct ExportArgs {
    /// Only what the topmost layer changed, as a layer of an OCI image: deleted names as `.wh.…`
    #[arg(long)]
    layer: bool,
    /// Write what became of each file to this new file, one JSON document a line
    #[arg(long, value_name = "FILE")]
    manifest: Option<PathBuf>,
    #[command(flatten)]
    most: MostArgs,
}

/// A line of the manifest.
#[derive(Serialize)]
struct Line<'a> {
    path: Text,
    kind: FileKind,
    /// Where it lies in the evidence.
    place: Text,
    #[serde(skip_serializing_if = "Option::is_none")]
    sha256: Option<String>,
    /// The earlier name that it is a hard link to.
    #[serde(skip_serializing_if = "Option::is_none")]
    link: Option<Text>,
    in_tar: bool,
    /// What of it is not in the tar, and why.
    lacks: &'a [String],
}

#[derive(Serialize)]
struct Head<'a> {
    schema: &'static str,
    coroner: &'static str,
    what: &'a str,
    layers: Vec<Text>,
    layer: bool,
}

#[derive(Serialize)]
struct Tail {
    exit: u8,
    entries: u64,
    deleted: u64,
    incomplete: u64,
}

/// What was written.
struct Export<'e, W: Write> {
    archive: Archive<'e, W>,
    manifest: Option<BufWriter<FileWriter>>,
    entries: u64,
    deleted: u64,
    lacks: Vec<String>,
    incomplete: u64,
}

impl<W: Write> Export<'_, W> {
    fn put(&mut self, merged: &Merged<'_>, path: &Path, entry: &MergedEntry) -> io::Result<()> {
        let put = self.archive.put(merged, path, entry)?;
        self.note(path, entry, &put)
    }

    fn note(&mut self, path: &Path, entry: &MergedEntry, put: &Put) -> io::Result<()> {
        self.entries = self.entries.saturating_add(u64::from(!put.left_out));
        let path = node::path_text(path);
        for why in &put.lacks {
            self.lack(format!("{path}: {why}"));
        }
        let Some(manifest) = &mut self.manifest else {
            return Ok(());
        };
        line(
            manifest,
            &Line {
                path,
                kind: entry.stat.kind,
                place: node::path_text(&entry.place),
                sha256: put.sha256.map(hex::encode),
                link: put.link.clone().map(Text::from),
                in_tar: !put.left_out,
                lacks: &put.lacks,
            },
        )
    }

    /// Notes what is missing: the first few in words.
    fn lack(&mut self, what: String) {
        self.incomplete = self.incomplete.saturating_add(1);
        if self.lacks.len() < SHOWN {
            self.lacks.push(what);
        }
    }

    fn delete(&mut self, path: &Path) -> io::Result<()> {
        self.deleted = self.deleted.saturating_add(1);
        self.archive.whiteout(path)
    }
}

/// What is missing that is told one by one.
const SHOWN: usize = 8;

fn line(to: &mut impl Write, value: &impl Serialize) -> io::Result<()> {
    serde_json::to_writer(&mut *to, value)?;
    to.write_all(b"\n")
}

pub(crate) fn run(args: &PickArgs, how: &ExportArgs, out: &mut Out) -> Outcome {
    if out.options().output.is_none() && io::stdout().is_terminal() {
        return Err(Failure::usage("a tar is nothing for a terminal")
            .hint("name a file with -o, or send standard output to a file or a pipe"));
    }
    // Before rights are given up.
    let new = how.manifest.as_deref().map(NewFile::at).transpose()?;
    let (case, node) = pick::open(&args.evidence)?;
    let picked = args.pick_any(&node)?;
    let is_owned = picked.is_owned();
    let cancel = out.cancel();
    let quiet = out.options().quiet;
    let into = out.options().output.as_deref().map(cli::shown);
    let tree = Tree::pick_tree(&case.evidence, &picked, how.layer, args.prefix(&node))?;
    let after = tree.seen();
    let mut manifest = new.as_ref().map(|new| BufWriter::new(new.writer()));
    if let Some(manifest) = &mut manifest {
        let layers = after.layers().iter().map(|path| node::path_text(path));
        line(
            manifest,
            &Head {
                schema: "coroner/snapshots-export/1",
                coroner: env!("CARGO_PKG_VERSION"),
                what: &picked.what,
                layers: layers.collect(),
                layer: how.layer || !is_owned,
            },
        )?;
    }
    let mut export = Export {
        archive: Archive::new(&case.evidence, out.writer()).within(Most {
            file: how.most.max_file,
            total: how.most.max_total,
        }),
        manifest,
        entries: 0,
        deleted: 0,
        lacks: Vec::new(),
        incomplete: 0,
    };
    let mut exit = Exit::CLEAN;
    for step in tree.steps() {
        if cancel.load(Ordering::Relaxed) {
            exit |= Exit::INTERRUPTED;
            break;
        }
        match step {
            Step::Put(path, entry) => export.put(after, &path, &entry)?,
            Step::Delete(path) => export.delete(&path)?,
            Step::Opaque(path) => export.archive.opaque(&path)?,
            Step::Lost(what) => export.lack(what),
        }
    }
    if export.incomplete > 0 {
        exit |= Exit::UNREAD;
    }
    let (entries, deleted, incomplete) = (export.entries, export.deleted, export.incomplete);
    if let Some(mut manifest) = export.manifest.take() {
        line(
            &mut manifest,
            &Tail {
                exit: exit.0,
                entries,
                deleted,
                incomplete,
            },
        )?;
        manifest.flush()?;
    }
    let lacks = core::mem::take(&mut export.lacks);
    export.archive.finish()?.flush()?;
    if let Some(new) = new
        && !exit.has(Exit::INTERRUPTED)
    {
        new.put()?;
    }
    if !quiet {
        let mut stderr = io::stderr().lock();
        let gone = match deleted {
            0 => String::new(),
            some => format!(", {} deleted", Count(some, "name")),
        };
        let into = into.map(|path| format!("{path}: ")).unwrap_or_default();
        writeln!(
            stderr,
            "{into}{}, {}{gone}",
            picked.what,
            Count(entries, "file")
        )?;
        for lack in &lacks {
            writeln!(stderr, "incomplete: {lack}")?;
        }
        let shown = u64::try_from(lacks.len()).unwrap_or(u64::MAX);
        if let Some(more) = incomplete.checked_sub(shown).filter(|more| *more > 0) {
            writeln!(stderr, "incomplete: {more} more")?;
        }
    }
    Ok(exit)
}

/// What is put into the tar, and the tree that tells its attributes.
enum Tree<'e> {
    /// All of a tree.
    Whole(Merged<'e>),
    /// What makes the second of the first.
    Changed(Merged<'e>, Merged<'e>),
    /// One layer by itself.
    Lone(Lone<'e>),
}

impl<'e> Tree<'e> {
    fn pick_tree(
        evidence: &'e Evidence,
        picked: &Picked<'_>,
        layer: bool,
        prefix: Prefix,
    ) -> Result<Self, Failure> {
        let chain = picked.chain()?;
        if !picked.is_owned() {
            let files = chain.layers.first().map(|layer| layer.files.clone());
            let files = files.unwrap_or_default();
            return Ok(Self::Lone(Lone::new(evidence, &files, prefix)));
        }
        let after = chain.merged(evidence, prefix);
        Ok(match chain.below().filter(|_| layer) {
            Some(below) => Self::Changed(below.merged(evidence, prefix), after),
            None => Self::Whole(after),
        })
    }

    const fn seen(&self) -> &Merged<'e> {
        match self {
            Self::Whole(tree) | Self::Changed(_, tree) => tree,
            Self::Lone(lone) => lone.tree(),
        }
    }

    fn steps(&self) -> Box<dyn Iterator<Item = Step> + '_> {
        match self {
            Self::Whole(tree) => Box::new(tree_steps(tree)),
            Self::Changed(before, after) => Box::new(change_steps(before, after)),
            Self::Lone(lone) => Box::new(lone.steps()),
        }
    }
}
