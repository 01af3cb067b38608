//! `coroner bolt surgery`

mod text;

use std::io::{Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};

use bolt::{
    CheckOptions, CheckReport, PageId, TreeState, check,
    surgery::{
        MetaFields, Refused, Surgery, abandon_freelist, rebuild_freelist, repair_meta, revert,
    },
};
use cli::{Exit, Failure, Out, Outcome};
use finding::{Severity, Text};
use serde::Serialize;
use view::View;

use crate::{
    file::FileArgs,
    frozen::{Frozen, Spool},
    new_file::NewFile,
    salvage::Start,
};
use text::word;

#[derive(Debug, Clone, clap::Args)]
#[command(after_help = "\
The file is never changed: the edit is made in a copy, which -o NEW keeps; without -o, the answer says
what would change. The copy is checked before it is put in its place. An edit is refused if it would
change the only valid meta, or if the copy is worse than the file. A copy on which a start of containerd
would destroy what it does not name any more is written only with --accept-loss.

Examples:
  coroner bolt surgery meta meta.db                    can the broken meta be proven?
  coroner bolt surgery meta meta.db -o new.db
  coroner bolt surgery meta --slot 1 --root 4711 meta.db -o new.db
  coroner bolt surgery freelist abandon meta.db -o new.db
  coroner bolt surgery revert meta.db -o before.db     the state one transaction before")]
pub(crate) struct SurgeryArgs {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Clone, clap::Subcommand)]
enum What {
    /// Repair a meta that is not valid, from what its checksum and the pages prove, or as given
    Meta(MetaArgs),
    /// No freelist, or a new one
    Freelist(FreelistArgs),
    /// Make the tree of the transaction before the one in use
    Revert(RevertArgs),
}

#[derive(Debug, Clone, clap::Args)]
struct CopyArgs {
    #[command(flatten)]
    spool: Spool,
    /// Write the copy although a start of containerd on it would delete what it does not name any more
    #[arg(long)]
    accept_loss: bool,
}

#[derive(Debug, Clone, clap::Args)]
struct MetaArgs {
    #[command(flatten)]
    file: FileArgs,
    #[command(flatten)]
    copy: CopyArgs,
    /// Only this meta; without it, each that is not valid
    #[arg(long, value_name = "0|1", value_parser = clap::value_parser!(u64).range(0..2), required = false)]
    slot: Option<u64>,
    /// The root page
    #[arg(long, value_name = "PAGE", requires = "slot")]
    root: Option<u64>,
    /// The sequence of the root bucket
    #[arg(long, value_name = "N", requires = "slot")]
    sequence: Option<u64>,
    /// The freelist page, or `none`
    #[arg(long, value_name = "PAGE|none", requires = "slot", value_parser = freelist_page)]
    freelist: Option<u64>,
    /// The first page that was never handed out
    #[arg(long, value_name = "PAGE", requires = "slot")]
    high_water: Option<u64>,
    /// The transaction
    #[arg(long, value_name = "N", requires = "slot")]
    txid: Option<u64>,
    /// Bytes of a page
    #[arg(long, value_name = "BYTES", requires = "slot")]
    page_size: Option<u32>,
}

#[derive(Debug, Clone, clap::Args)]
struct FreelistArgs {
    /// What to do with it
    #[arg(value_enum)]
    how: FreelistEdit,
    #[command(flatten)]
    file: FileArgs,
    #[command(flatten)]
    copy: CopyArgs,
}

/// What is done with the freelist.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum FreelistEdit {
    /// The metas name none: the library computes it
    Abandon,
    /// A new one is written, of all pages that the tree does not use
    Rebuild,
}

#[derive(Debug, Clone, clap::Args)]
struct RevertArgs {
    #[command(flatten)]
    file: FileArgs,
    #[command(flatten)]
    copy: CopyArgs,
    /// Also if the tree of the transaction before is damaged
    #[arg(long)]
    force_damaged: bool,
}

impl SurgeryArgs {
    /// Where a copy of the file is made.
    pub(crate) fn spool(&self) -> Option<&Path> {
        let copy = match &self.what {
            What::Meta(args) => &args.copy,
            What::Freelist(args) => &args.copy,
            What::Revert(args) => &args.copy,
        };
        copy.spool.asked()
    }
}

fn freelist_page(text: &str) -> Result<u64, String> {
    if text == "none" {
        return Ok(PageId::NO_FREELIST.0);
    }
    text.parse().map_err(|_| "a page, or none".to_owned())
}

#[derive(Serialize)]
struct Operated {
    file: Text,
    changes: Vec<Change>,
    free_pages: Option<u64>,
    before: State,
    after: State,
    new: Option<Text>,
    /// Whether it was not written for what a start of containerd on it would destroy.
    refused: bool,
    /// What a start of containerd would do on it; null where it is not containerd's.
    start: Option<Start>,
}

#[derive(Serialize)]
struct Change {
    meta: u64,
    field: &'static str,
    #[serde(serialize_with = "maybe_size")]
    before: Option<u64>,
    #[serde(serialize_with = "finding::size_number")]
    after: u64,
    why: &'static str,
}

/// What a check says.
#[derive(Debug, Clone, Serialize)]
struct State {
    valid_metas: Vec<u64>,
    /// Transaction of the tree in use.
    transaction: Option<u64>,
    tree: TreeState,
    previous_tree: TreeState,
    /// Faults above a note.
    faults: u64,
}

#[expect(
    clippy::ref_option,
    reason = "serde hands a reference to the field over"
)]
fn maybe_size<S: serde::Serializer>(number: &Option<u64>, to: S) -> Result<S::Ok, S::Error> {
    match number {
        Some(number) => finding::size_number(number, to),
        None => to.serialize_none(),
    }
}

impl State {
    fn from_report(report: &CheckReport) -> Self {
        let faults = report.faults.iter();
        let faults = faults.filter(|found| found.fault.what.code().severity > Severity::Odd);
        let more: u64 = report.more.values().sum();
        Self {
            valid_metas: report
                .metas
                .iter()
                .flatten()
                .map(|meta| meta.slot)
                .collect(),
            transaction: report
                .meta
                .filter(|_| report.is_valid)
                .map(|meta| meta.txid),
            tree: report.tree,
            previous_tree: report.previous,
            faults: u64::try_from(faults.count())
                .unwrap_or(u64::MAX)
                .saturating_add(more),
        }
    }

    /// Whether nobody would want this instead of `before`.
    fn is_worse_than(&self, before: &Self) -> bool {
        let lost_meta = self.valid_metas.len() < before.valid_metas.len();
        let lost_tree = before.tree == TreeState::Whole && self.tree != TreeState::Whole;
        lost_meta || lost_tree || self.valid_metas.is_empty()
    }
}

pub(crate) fn run(args: &SurgeryArgs, out: &mut Out) -> Outcome {
    match &args.what {
        What::Meta(args) => {
            let fields = MetaFields {
                root: args.root.map(PageId),
                sequence: args.sequence,
                freelist: args.freelist.map(PageId),
                high_water: args.high_water.map(PageId),
                txid: args.txid,
                page_size: args.page_size,
            };
            let edit = |view: View<'_>| repair_meta(view, args.slot, &fields);
            operate(&args.file, &args.copy, How::Same, &edit, out)
        }
        What::Freelist(args) => {
            let edit: fn(View<'_>) -> Result<Surgery, Refused> = match args.how {
                FreelistEdit::Abandon => abandon_freelist,
                FreelistEdit::Rebuild => rebuild_freelist,
            };
            operate(&args.file, &args.copy, How::Same, &edit, out)
        }
        What::Revert(args) => {
            let edit = |view: View<'_>| revert(view, args.force_damaged);
            let how = How::Before {
                may_be_worse: args.force_damaged,
            };
            operate(&args.file, &args.copy, how, &edit, out)
        }
    }
}

fn refused(file: &FileArgs, why: Refused) -> Failure {
    let failure = Failure::unread(format!("{}: {why}", file.shown()));
    match why {
        Refused::NothingToDo => Failure::usage(failure.message).hint(
            "of damaged pages, `coroner bolt salvage` saves what can be proven; `surgery revert` goes \
             one transaction back",
        ),
        Refused::Field(_) | Refused::NoFreelist => Failure::usage(failure.message),
        Refused::Unproven(slot) => failure.hint(format!(
            "`--slot {slot} --root PAGE …` gives the fields; `coroner bolt salvage` looks for a tree"
        )),
        Refused::PreviousDamaged => failure.hint(
            "--force-damaged still reverts; `coroner bolt salvage` keeps what is whole of both",
        ),
        Refused::NoPageSize => failure.hint(
            "`coroner bolt info` shows what is left of both metas; `surgery meta --slot N --page-size BYTES` \
             takes the size",
        ),
        Refused::OnlyMeta(_) => failure,
        Refused::NoMeta | Refused::NoPrevious | Refused::TreeDamaged | Refused::Unread => {
            failure.hint("`coroner bolt salvage -o NEW` makes a new database of what can be proven")
        }
    }
}

/// Which tree the copy has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum How {
    /// That of the file.
    Same,
    /// That of the transaction before.
    Before { may_be_worse: bool },
}

fn operate(
    args: &FileArgs,
    CopyArgs { spool, accept_loss }: &CopyArgs,
    how: How,
    edit: &dyn Fn(View<'_>) -> Result<Surgery, Refused>,
    out: &mut Out,
) -> Outcome {
    let output = out.take_output();
    let progress = out.progress("reading", 0);
    let frozen = Frozen::freeze_file(args, spool, output.as_deref(), &progress)?;
    drop(progress);
    if !frozen.unread.is_empty() {
        let bad = Failure::unread(format!(
            "{}: the disk does not give all of it",
            args.shown()
        ));
        return Err(bad.hint("`coroner bolt salvage -o NEW` works on what it does give"));
    }
    let view = frozen.view();
    let checked = check(&view, &CheckOptions::default()).map_err(|why| args.unread(&why))?;
    let checked = checked.with_lost_writes(view, metadb::SCHEMAS);
    let before = State::from_report(&checked);
    let surgery = edit(view).map_err(|why| refused(args, why))?;
    // Without -o, the copy is made and checked all the same, and then dropped.
    let unnamed = spool.directory(None).join("copy");
    let place: PathBuf = output.clone().unwrap_or(unnamed);
    let mut new = NewFile::at(place.clone())?;
    copy(view, &surgery, &mut new)?;
    let bytes = new.bytes(&spool.directory(output.as_deref()))?;
    let checked = check(&bytes.view(), &CheckOptions::default());
    let checked = checked.map_err(|why| Failure::unread(format!("the copy {why}")))?;
    let after = State::from_report(&checked.with_lost_writes(bytes.view(), metadb::SCHEMAS));
    let may_be_worse = matches!(how, How::Before { may_be_worse: true });
    if after.is_worse_than(&before) && !may_be_worse {
        return Err(Failure::unread(format!(
            "{}: refused: the copy would be worse than the file (tree {}, {} valid metas, {} faults; \
             now {}, {}, {})",
            args.shown(),
            word(after.tree),
            after.valid_metas.len(),
            after.faults,
            word(before.tree),
            before.valid_metas.len(),
            before.faults,
        )));
    }
    if !frozen.is_unchanged() {
        return Err(
            Failure::unread("the file changed while it was read: nothing was written")
                .hint("stop the daemon that uses it, or operate on a copy"),
        );
    }
    let facts = checks::salvaged::Salvage {
        gaps: &[],
        rivals: &[],
        is_whole: how == How::Same && after.faults == 0,
        may_be_older: how != How::Same,
        has_tree: after.tree == TreeState::Whole,
        is_named_so: args.is_named_as_containerd_does(),
    };
    let judged = checks::salvaged::salvaged(view, bytes.view(), facts);
    let start = judged.map(|judged| Start::new(judged, args, output.as_deref()));
    drop(bytes);
    let is_destructive = start.as_ref().is_some_and(Start::is_destructive);
    let refused = output.is_some() && is_destructive && !accept_loss;
    let output = output.filter(|_| !refused);
    let is_written = output.is_some();
    if is_written {
        new.put(frozen.mode())?;
    }
    let code = out.answer(&Operated {
        file: args.shown(),
        changes: surgery
            .changes
            .iter()
            .map(|change| Change {
                meta: change.slot,
                field: change.field,
                before: change.before,
                after: change.after,
                why: change.why,
            })
            .collect(),
        free_pages: surgery.free,
        before,
        after,
        new: output.map(|place| Text::from(place.as_os_str().as_encoded_bytes())),
        refused,
        start,
    })?;
    Ok(if is_written {
        code | Exit::REPAIRED
    } else {
        code
    })
}

/// The file with the edit, into `new`.
fn copy(view: View<'_>, surgery: &Surgery, new: &mut NewFile) -> Result<(), Failure> {
    let mut writer = new.writer();
    writer.write_all(view.bytes())?;
    for (at, bytes) in &surgery.patches {
        writer.seek(SeekFrom::Start(*at))?;
        writer.write_all(bytes)?;
    }
    writer.flush()?;
    Ok(())
}
