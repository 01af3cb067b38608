//! `coroner bolt salvage`

use std::io::{self, Write as _};
use std::path::Path;

use bolt::{Action, Choice, Decision, Gap, Kept, Layout, Proof, Salvage, SalvageOptions};
use cli::{Answer, Exit, Failure, Out, Outcome, Pen, Style};
use finding::Text;
use serde::Serialize;

use crate::{
    file::{FileArgs, key},
    frozen::{Frozen, Spool},
    layout::LayoutArgs,
    new_file::NewFile,
};

#[derive(Debug, Clone, clap::Args)]
#[command(after_help = "\
Without -o nothing is written: the answer says what could be saved, and what would be lost. With -o
the new database is written beside NEW, checked with all that `coroner bolt check` knows, and only
then put there; NEW must not exist. The input is only read, and read a second time at the end.

Of a newest tree that is damaged, keys come from pages that nothing names any more, where the
freelist proves them to be in use, and from the tree of the transaction before. What is only likely
(there is no freelist, as in meta.db of containerd 1.7 and later) is put back and said to be so;
--only-proven leaves it out. Pages of the newest tree without a place go to the bucket `lost+found`,
named by page. containerd does not look into that bucket, and its migration to 2.0 removes it: it is
for you, to look through with `coroner bolt tree NEW lost+found`. For a file that a daemon is going
to use, nothing is wrong with it; --no-lost-found leaves it out.

If a meta is broken, nobody knows whether it was the newer one: the tree may be one transaction old.
The counters from which containerd numbers snapshots are then raised by 1024, so that no number is
given twice; a directory that the lost transaction made stays behind.

Memory: files of more than 16 MiB are copied to disk and mapped, so that memory grows with the
damage and the largest bucket (about 60 bytes a key of it), not with the file.

Examples:
  coroner bolt salvage meta.db                  what can be saved?
  coroner bolt salvage meta.db -o new.db        save it
  coroner bolt salvage --previous meta.db -o before.db   the state one transaction before
  coroner bolt salvage --in node.tar.zst var/lib/containerd/io.containerd.metadata.v1.bolt/meta.db -o new.db")]
pub(crate) struct SalvageArgs {
    #[command(flatten)]
    file: FileArgs,
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
    #[command(flatten)]
    spool: Spool,
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
    new: Option<NewLine>,
    whole: bool,
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
    let frozen = Frozen::of(&args.file, &args.spool, output.as_deref(), &progress)?;
    drop(progress);
    let options = SalvageOptions {
        lost_found: !args.no_lost_found,
        only_proven: args.only_proven,
        previous: args.previous,
    };
    let salvage = Salvage::with(frozen.view(), options);
    if salvage.choice.is_none() {
        let no_tree = format!("{}: no page of a tree was found", args.file.shown());
        return Err(
            Failure::unread(no_tree).hint("`coroner bolt info` says what is wrong with the file")
        );
    }
    let layout = args.layout.of(salvage.layout());
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
        new: None,
        whole: salvage.is_whole() && frozen.unread.is_empty(),
    };
    let Some(place) = output else {
        return out.answer(&answer);
    };
    answer.new = Some(write(&place, &frozen, salvage, layout)?);
    answer.written = true;
    Ok(out.answer(&answer)? | Exit::REPAIRED)
}

/// Writes the new database and puts it in its place.
fn write(
    place: &Path,
    frozen: &Frozen,
    salvage: Salvage<'_>,
    layout: Layout,
) -> Result<NewLine, Failure> {
    let mut new = NewFile::at(place.to_path_buf())?;
    let written = salvage.write(new.writer(), layout);
    let mut writer = written.map_err(|error| Failure::usage(error.to_string()))?;
    writer.flush()?;
    drop(writer);
    // Only a database that passes our own check is handed out.
    let report = new.check()?;
    if let Some(found) = report.faults.first() {
        let what = found.fault.to_string();
        return Err(Failure::unread(format!(
            "the new database is not in order ({what}): this is a bug of coroner"
        )));
    }
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

/// A bucket, for people.
fn bucket(path: &[Text]) -> String {
    if path.is_empty() {
        return "the root bucket".to_owned();
    }
    let path: Vec<String> = path.iter().map(|part| key(part.bytes())).collect();
    path.join(" > ")
}

/// Decisions that differ only in the page.
struct Group<'a> {
    first: &'a DecisionLine,
    pages: Vec<u64>,
    keys: u64,
}

fn grouped(lines: &[DecisionLine]) -> Vec<Group<'_>> {
    let mut groups: Vec<Group<'_>> = Vec::new();
    for line in lines {
        let is_same = |group: &&mut Group<'_>| {
            let first = group.first;
            let same_kind =
                (first.action, first.proof, first.why) == (line.action, line.proof, line.why);
            same_kind && first.bucket == line.bucket && first.page.is_some() && line.page.is_some()
        };
        if let Some(group) = groups.last_mut().filter(is_same) {
            group.pages.extend(line.page);
            group.keys = group.keys.saturating_add(line.keys);
        } else {
            groups.push(Group {
                first: line,
                pages: line.page.into_iter().collect(),
                keys: line.keys,
            });
        }
    }
    groups
}

/// `page 5`, or `pages 3-5, 9`.
fn pages(pages: &[u64]) -> String {
    let mut sorted = pages.to_vec();
    sorted.sort_unstable();
    sorted.dedup();
    let mut runs: Vec<(u64, u64)> = Vec::new();
    for page in &sorted {
        match runs.last_mut() {
            Some((_, last)) if last.saturating_add(1) == *page => *last = *page,
            _ => runs.push((*page, *page)),
        }
    }
    let runs: Vec<String> = runs
        .into_iter()
        .map(|(first, last)| {
            if first == last {
                first.to_string()
            } else {
                format!("{first}-{last}")
            }
        })
        .collect();
    let word = if sorted.len() == 1 { "page" } else { "pages" };
    format!("{word} {}", runs.join(", "))
}

fn sentence(group: &Group<'_>) -> String {
    let page = pages(&group.pages);
    let (keys, place) = (group.keys, bucket(&group.first.bucket));
    match group.first.action {
        Action::ElementsRepaired => format!("{place}: {keys} elements of {page} set right"),
        Action::HeaderRepaired => format!("{place}: {page} read in spite of the header"),
        Action::FlagRestored => format!("{place}: flag of a bucket restored, in {page}"),
        Action::FromPrevious => format!("{place}: {keys} keys of the transaction before"),
        Action::PageRestored => format!("{place}: {keys} keys put back, from {page}"),
        Action::Grafted => format!("{page} of the newest transaction grafted, with {keys} keys"),
        Action::Distrusted => format!("{place}: {page} not believed"),
        Action::LostAndFound => format!("{page} with {keys} keys put into lost+found"),
        Action::LeftOut => format!("{page} with {keys} keys left out"),
        Action::SequenceRaised => format!("{place}: sequence raised to {keys}"),
    }
}

impl Answer for Saved {
    const SCHEMA: &'static str = "bolt-salvage/1";

    fn text(&self, pen: &mut Pen<'_>) -> io::Result<()> {
        let from = match self.choice {
            Some(Choice::Newest { txid }) => format!("the newest tree (transaction {txid})"),
            Some(Choice::Previous { txid, newest }) => {
                format!("the tree of transaction {txid}; the newest is {newest}")
            }
            Some(Choice::Meta { slot }) => {
                format!("the tree of meta {slot}, which is not valid, but whose fields fit")
            }
            Some(Choice::Root { page, tried }) => {
                format!("the tree at page {page}, the best of {tried}; no meta names it")
            }
            Some(Choice::V1 { page, tried }) => format!(
                "page {page}, which is the bucket v1 of containerd; no root of {tried} is left"
            ),
            Some(Choice::Pages { tried }) => {
                format!("single pages: none of {tried} is the root of a tree")
            }
            None => "nothing".to_owned(),
        };
        pen.line(format_args!("From     {from}"))?;
        let Kept {
            values,
            buckets,
            older,
            lost_found,
        } = self.kept;
        pen.line(format_args!(
            "Kept     {values} values in {buckets} buckets"
        ))?;
        if older > 0 {
            pen.line(format_args!("Of them  {older} from the transaction before"))?;
        }
        if lost_found > 0 {
            pen.line(format_args!("Of them  {lost_found} in lost+found"))?;
        }
        for unread in &self.unread {
            let (offset, bytes) = (unread.offset, unread.bytes);
            pen.line(format_args!(
                "Unread   {bytes} bytes at {offset:#x}: the disk does not give them"
            ))?;
        }
        for gap in &self.gaps {
            gap.text(pen)?;
        }
        for group in grouped(&self.decisions) {
            let proof = match group.first.proof {
                Proof::Proven => "Proven",
                Proof::Likely => "Likely",
                Proof::Possible => "Unsure",
            };
            pen.paragraph(&format!("{proof:9}"), &sentence(&group))?;
            pen.paragraph("         ", &format!("because {}", group.first.why))?;
        }
        if self.more {
            pen.line("There is more of this than is listed.")?;
        }
        if let Some(new) = &self.new {
            let freelist = if new.freelist { "synced" } else { "not synced" };
            let (file, bytes) = (&new.file, new.bytes);
            pen.line(format_args!(
                "New      {file}: {bytes} bytes, pages of {}, freelist {freelist}; checked",
                new.page_size
            ))?;
        }
        let verdict = match (self.whole, self.written) {
            (true, _) => pen.styled(Style::Good, "Nothing is lost."),
            (false, true) => pen.styled(Style::Warning, "Written; see above what is lost."),
            (false, false) => pen.styled(Style::Warning, "Nothing was written: -o NEW does it."),
        }
        .to_string();
        pen.line(verdict)
    }

    fn exit(&self) -> Exit {
        let mut exit = Exit::CLEAN;
        if !self.whole || !self.decisions.is_empty() {
            exit |= Exit::FINDINGS;
        }
        if !self.unread.is_empty() {
            exit |= Exit::UNREAD;
        }
        exit
    }
}

impl GapLine {
    fn text(&self, pen: &mut Pen<'_>) -> io::Result<()> {
        let place = bucket(&self.bucket);
        pen.line(format_args!(
            "Gap      {} at {:#x} in {place}",
            self.code, self.offset
        ))?;
        pen.paragraph(
            "         ",
            &format!("{}; missing: {}", self.what, self.keys),
        )?;
        let mut found = Vec::new();
        if self.from_pages > 0 {
            found.push(format!(
                "{} keys from pages that nothing named",
                self.from_pages
            ));
        }
        if self.from_transaction_before > 0 {
            let count = self.from_transaction_before;
            found.push(format!("{count} keys from the transaction before"));
        }
        let found = if found.is_empty() {
            "nothing was found for it".to_owned()
        } else {
            found.join(", ")
        };
        let rest = if self.transaction_before_is_whole {
            "the transaction before is whole there: only what the last one changed can be missing"
        } else if self.from_pages > 0 {
            "more may be missing"
        } else {
            "what stood there is lost"
        };
        pen.paragraph("         ", &format!("{found}; {rest}"))
    }
}
