//! `coroner bolt salvage`

mod start;
mod text;

use std::io::Write as _;
use std::path::Path;

use bolt::{
    Action, Choice, Compared, Decision, Gap, Kept, Layout, Proof, Salvage, SalvageOptions, What,
};
use cli::{Exit, Failure, Out, Outcome};
use finding::Text;
use serde::Serialize;

use crate::{
    file::FileArgs,
    frozen::{Frozen, Spool},
    layout::LayoutArgs,
    new_file::{NewFile, unwritten},
    whose::SchemaArgs,
};
pub(crate) use start::Start;
pub(crate) use text::REFUSED;

#[derive(Debug, Clone, clap::Args)]
#[command(
    after_help = "Without -o nothing is written: the answer says what could be saved, and what would be lost. With -o
the new database is written beside NEW, checked with all that `coroner bolt check` knows, and only
then put there; NEW must not exist. The input is only read, and read a second time at the end.

Of a newest tree that is damaged, keys come from pages that nothing names any more, where the
freelist proves them to be in use, and from the tree of the transaction before. What is only likely
(there is no freelist, as in meta.db of containerd 1.7 and later) is put back and said to be so;
--only-proven leaves it out. Pages of the newest tree without a place go to the bucket `lost+found`,
named by page. containerd does not look into that bucket, and its migration to 2.0 removes it: it is
for you, to look through with `coroner bolt tree NEW lost+found`. For a file that a daemon is going
to use, nothing is wrong with it; --no-lost-found leaves it out.

Whose file it is follows from its root bucket, or from the records on its pages. --schema says it where
both are gone; with `none`, only the rules of the format hold.

If a meta is damaged, it is not known whether it was the newer one: the tree may be one transaction old.
The counters from which containerd numbers snapshots are then raised by 1024, so that no number is
given twice; a directory that the lost transaction made stays behind.

Memory: files of more than 16 MiB are copied to disk and mapped, so that memory grows with the
damage and the largest bucket (about 60 bytes a key of it), not with the file.

Examples:
  coroner bolt salvage meta.db                  what can be saved?
  coroner bolt salvage meta.db -o new.db        save it
  coroner bolt salvage --previous meta.db -o before.db   the state one transaction before
  coroner bolt salvage --in node.tar.zst var/lib/containerd/io.containerd.metadata.v1.bolt/meta.db -o new.db"
)]
pub(crate) struct SalvageArgs {
    #[command(flatten)]
    file: FileArgs,
    #[command(flatten)]
    schema: SchemaArgs,
    #[command(flatten)]
    layout: LayoutArgs,
    /// Leave pages without a place out, instead of keeping them in the bucket lost+found
    #[arg(long)]
    no_lost_found: bool,
    /// Put back only what is proven, not what is likely
    #[arg(long)]
    only_proven: bool,
    /// Save the tree of the transaction before, not the newest one
    #[arg(long)]
    previous: bool,
    /// Write the new database although a start of containerd on it would delete what it has lost
    #[arg(long)]
    accept_loss: bool,
    #[command(flatten)]
    spool: Spool,
}

impl SalvageArgs {
    /// Where a copy of the file is made.
    pub(crate) fn spool(&self) -> Option<&Path> {
        self.spool.asked()
    }
}

#[derive(Serialize)]
struct Saved {
    file: Text,
    choice: Option<Choice>,
    kept: Kept,
    gaps: Vec<GapLine>,
    decisions: Vec<DecisionLine>,
    more: bool,
    unread: Vec<UnreadLine>,
    written: bool,
    /// Why nothing was written although it was asked for.
    refused: bool,
    new: Option<NewLine>,
    whole: bool,
    /// Whether the tree was compared with the one before: of very large files it is not, nor where a later
    /// transaction began to write.
    compared: bool,
    #[serde(skip)]
    why_not_compared: Compared,
    /// Whether there may have been a later transaction than the one that was saved.
    may_be_older: bool,
    /// What a start of containerd would do on it; null where it is not containerd's.
    start: Option<Start>,
}

#[derive(Serialize)]
struct GapLine {
    bucket: Vec<Text>,
    code: &'static str,
    #[serde(serialize_with = "finding::hex_number")]
    offset: u64,
    what: String,
    keys: String,
    from_transaction_before: u64,
    from_pages: u64,
    transaction_before_is_whole: bool,
    outcome: Filled,
    #[serde(skip)]
    is_later: bool,
}

/// What became of a gap.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
enum Filled {
    /// All of it: it is proven that nothing is missing.
    Whole,
    /// As it was one transaction before, at least.
    Older,
    /// Some of it; more may be missing.
    Part,
    /// Nothing was found for it.
    Lost,
}

impl Filled {
    const fn from_gap(gap: &Gap) -> Self {
        if gap.is_closed {
            Self::Whole
        } else if gap.older_is_whole {
            Self::Older
        } else if gap.filled > 0 || gap.orphans > 0 {
            Self::Part
        } else {
            Self::Lost
        }
    }
}

#[derive(Serialize)]
struct DecisionLine {
    action: Action,
    proof: Proof,
    bucket: Vec<Text>,
    page: Option<u64>,
    #[serde(serialize_with = "finding::size_number")]
    keys: u64,
    why: &'static str,
}

#[derive(Serialize)]
struct UnreadLine {
    #[serde(serialize_with = "finding::hex_number")]
    offset: u64,
    bytes: u64,
}

/// The new database.
#[derive(Serialize)]
struct NewLine {
    file: Text,
    bytes: u64,
    page_size: u64,
    freelist: bool,
    #[serde(serialize_with = "finding::size_number")]
    transaction: u64,
}

fn texts(path: &[Vec<u8>]) -> Vec<Text> {
    path.iter().map(|key| Text::new(key.clone())).collect()
}

fn gap(gap: &Gap) -> GapLine {
    GapLine {
        bucket: texts(&gap.path),
        code: gap.fault.what.code().name,
        offset: gap.fault.span.start,
        what: gap.fault.what.to_string(),
        keys: gap.range.to_string(),
        from_transaction_before: gap.filled,
        from_pages: gap.orphans,
        transaction_before_is_whole: gap.older_is_whole,
        outcome: Filled::from_gap(gap),
        is_later: matches!(gap.fault.what, What::LaterTree { .. }),
    }
}

fn decision(decision: &Decision) -> DecisionLine {
    DecisionLine {
        action: decision.action,
        proof: decision.proof,
        bucket: texts(&decision.path),
        page: decision.page.map(|page| page.0),
        keys: decision.keys,
        why: decision.why,
    }
}

pub(crate) fn run(args: &SalvageArgs, out: &mut Out) -> Outcome {
    let output = out.take_output();
    let progress = out.progress("reading", 0);
    let frozen = Frozen::freeze_file(&args.file, &args.spool, output.as_deref(), &progress)?;
    drop(progress);
    let options = SalvageOptions {
        lost_found: !args.no_lost_found,
        only_proven: args.only_proven,
        previous: args.previous,
        schemas: args.schema.schemas(),
        is_given: args.schema.is_given(),
    };
    let mut salvage = Salvage::with(frozen.view(), options);
    if salvage.choice.is_none() {
        let no_tree = format!("{}: no page of a tree was found", args.file.shown());
        return Err(
            Failure::unread(no_tree).hint("`coroner bolt info` says what is wrong with the file")
        );
    }
    let layout = args.layout.override_layout(salvage.layout());
    let whole = salvage.is_whole() && frozen.unread.is_empty();
    let mut answer = Saved {
        file: args.file.shown(),
        choice: salvage.choice,
        kept: salvage.kept,
        gaps: salvage.gaps.iter().map(gap).collect(),
        decisions: salvage.decisions.iter().map(decision).collect(),
        more: salvage.is_cut,
        unread: frozen
            .unread
            .iter()
            .map(|span| UnreadLine {
                offset: span.start,
                bytes: span.len,
            })
            .collect(),
        written: false,
        refused: false,
        new: None,
        whole,
        compared: salvage.compared() == Compared::Yes,
        why_not_compared: salvage.compared(),
        may_be_older: salvage.may_be_older(),
        start: None,
    };
    let place = output.clone().unwrap_or_else(|| {
        let directory = args.spool.directory(None);
        directory.join("salvaged.db")
    });
    // Asked before the gaps are taken out.
    let has_no_gap = salvage.has_no_gap() && frozen.unread.is_empty();
    let gaps = core::mem::take(&mut salvage.gaps);
    let rivals = salvage.rivals().to_vec();
    let facts = checks::salvaged::Salvage {
        gaps: &gaps,
        rivals: &rivals,
        is_whole: has_no_gap,
        may_be_older: salvage.may_be_older(),
        has_tree: salvage.has_tree(),
        is_named_so: args.file.is_named_as_containerd_does(),
    };
    let new = make(&place, salvage, layout)?;
    let bytes = new.bytes(&args.spool.directory(output.as_deref()))?;
    let judged = checks::salvaged::salvaged(frozen.view(), bytes.view(), facts);
    answer.start = judged.map(|judged| Start::new(judged, &args.file, output.as_deref()));
    let Some(place) = output else {
        return out.answer(&answer);
    };
    let is_destructive = answer.start.as_ref().is_some_and(Start::is_destructive);
    if is_destructive && !args.accept_loss {
        answer.refused = true;
        return out.answer(&answer);
    }
    answer.new = Some(put(&place, &frozen, new, layout)?);
    answer.written = true;
    Ok(out.answer(&answer)? | Exit::REPAIRED)
}

/// Makes the new database beside its place; it is gone again unless it is put there.
fn make(place: &Path, salvage: Salvage<'_>, layout: Layout) -> Result<NewFile, Failure> {
    let mut new = NewFile::at(place.to_path_buf())?;
    let written = salvage.write(new.writer(), layout);
    let mut writer = written.map_err(unwritten)?;
    writer.flush()?;
    drop(writer);
    // Only a database that passes our own check is handed out.
    if let Some(found) = new.check()?.disorder() {
        let what = found.fault.to_string();
        return Err(Failure::unread(format!(
            "the new database is not in order ({what}): this is a bug of coroner"
        )));
    }
    Ok(new)
}

/// Puts the new database in its place.
fn put(place: &Path, frozen: &Frozen, new: NewFile, layout: Layout) -> Result<NewLine, Failure> {
    if !frozen.is_unchanged() {
        return Err(
            Failure::unread("the file changed while it was read: nothing was written")
                .hint("stop the daemon that uses it, or salvage a copy"),
        );
    }
    let bytes = new.len();
    new.put(frozen.mode())?;
    Ok(NewLine {
        file: Text::from(place.as_os_str().as_encoded_bytes()),
        bytes,
        page_size: layout.page_size,
        freelist: layout.freelist,
        transaction: layout.txid,
    })
}
