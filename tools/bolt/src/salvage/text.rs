//! What `coroner bolt salvage` says to people.

use std::io;

use bolt::{Action, Choice, Compared, Kept, Proof};
use cli::{Answer, Exit, Pen, Style};
use finding::Text;

use super::{DecisionLine, Filled, GapLine, Saved};
use crate::file::key;

/// Why a database was not written.
pub(crate) const REFUSED: &str = "Nothing was written: a start on it would destroy what it lost. --accept-loss still writes it, \
    for a node that is not started on it as it is.";

/// A bucket, for people.
pub(super) fn bucket(path: &[Text]) -> String {
    if path.is_empty() {
        return "the root bucket".to_owned();
    }
    let path: Vec<String> = path.iter().map(|part| key(part.bytes())).collect();
    path.join(" > ")
}

/// Names of a kind that are shown; JSON has all.
pub(super) const NAMED: usize = 12;

/// The first of some names, and how many there are besides.
pub(super) fn some_of(names: impl ExactSizeIterator<Item = String>) -> String {
    let more = names.len().saturating_sub(NAMED);
    let mut names: Vec<String> = names.take(NAMED).collect();
    if more > 0 {
        names.push(format!("and {more} more (--format json names all)"));
    }
    names.join(", ")
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
        Action::LeftOut if group.pages.is_empty() => {
            format!("{place}: left out, with {keys} keys")
        }
        Action::LeftOut => format!("{page} with {keys} keys left out"),
        Action::Doubtful => format!("{place}: kept, from {page}"),
        Action::SequenceRaised => format!("{place}: sequence raised to {keys}"),
    }
}

impl Answer for Saved {
    const SCHEMA: &'static str = "bolt-salvage/1";

    fn write_text(&self, pen: &mut Pen<'_>) -> io::Result<()> {
        let from = match self.choice {
            Some(Choice::Newest { txid }) => format!("the newest tree (transaction {txid})"),
            Some(Choice::Previous { txid, newest }) => {
                format!("the tree of transaction {txid}; the newest is {newest}")
            }
            Some(Choice::Meta { slot }) => {
                format!("the tree of meta {slot}, which is not valid, but whose fields fit")
            }
            Some(Choice::Root {
                page,
                is_accounted: true,
                ..
            }) => format!(
                "the tree at page {page}; no meta names it, but its pages and those of a freelist make up the file"
            ),
            Some(Choice::Root { page, tried, .. }) => {
                format!("the tree at page {page}, the best of {tried}; no meta names it")
            }
            Some(Choice::Top { name, page, tried }) => format!(
                "page {page}, which is the bucket {name} of the root bucket; no root of {tried} is left"
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
            "Kept     values: {values}; buckets: {buckets}"
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
        for gaps in self.gaps.chunk_by(GapLine::is_like) {
            write_gaps(gaps, pen)?;
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
                "New      {file}: {bytes} bytes, pages of {}, freelist {freelist}; its structure is valid, which does not show that nothing is lost",
                new.page_size
            ))?;
        }
        let style = if self.whole {
            Style::Good
        } else {
            Style::Warning
        };
        let verdict = pen.styled(style, self.verdict()).to_string();
        pen.line(verdict)?;
        if let Some(start) = &self.start {
            start.write_start(self.written, self.refused, pen)?;
        }
        match (self.written, self.refused) {
            (true, _) => Ok(()),
            (false, true) => pen.paragraph("", REFUSED),
            (false, false) => pen.line("Nothing was written: -o NEW does it."),
        }
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

impl Saved {
    /// Whether a tree stands in the file that is later than the metas.
    fn has_later_tree(&self) -> bool {
        self.gaps.iter().any(|gap| gap.is_later)
    }

    /// In a sentence: is anything lost?
    fn verdict(&self) -> String {
        if self.whole {
            return "Nothing is lost, as far as the file tells.".to_owned();
        }
        let count = |what: Filled| self.gaps.iter().filter(|gap| gap.outcome == what).count();
        let parts: Vec<(usize, &str)> = [
            (count(Filled::Lost), "nothing was found"),
            (count(Filled::Part), "a part of it was found"),
            (
                count(Filled::Older),
                "what the transaction before had is there",
            ),
            (count(Filled::Whole), "all of it was found"),
        ]
        .into_iter()
        .filter(|(count, _)| *count > 0)
        .collect();
        let mut text = match self.choice {
            Some(Choice::Previous { txid, newest }) => {
                format!("What was changed after transaction {txid}, up to {newest}, is lost.")
            }
            Some(Choice::Newest { .. }) if self.has_later_tree() => {
                "The file holds a tree of later transactions: it was copied while a daemon ran."
                    .to_owned()
            }
            Some(Choice::Newest { .. }) if self.may_be_older => {
                "The other meta is damaged: whether there was a later transaction is not known."
                    .to_owned()
            }
            Some(Choice::Newest { .. }) | None => String::new(),
            Some(_) if !self.may_be_older => String::new(),
            Some(_) => "Whether there was a newer tree is not known.".to_owned(),
        };
        if !text.is_empty() {
            text.push(' ');
        }
        let gaps = self.gaps.len();
        let gaps = match parts.as_slice() {
            [] => "The tree has no gap.".to_owned(),
            [(_, only)] => format!("Gaps: {gaps}, {only}."),
            several => {
                let several = several.iter();
                let parts: Vec<String> = several
                    .map(|(count, what)| format!("{count}: {what}"))
                    .collect();
                format!("Gaps: {gaps} ({}).", parts.join("; "))
            }
        };
        text.push_str(&gaps);
        match self.why_not_compared {
            Compared::Yes => {}
            Compared::TooLarge => text.push_str(
                " The file is too large to be compared with the transaction before: a page of an older \
                 transaction may be among those that were taken.",
            ),
            Compared::WrittenOver => text.push_str(
                " A later transaction began to write, so the tree could not be compared with the one before. \
                 In a copy that was made while a daemon ran, pages may be of later transactions: copy it again.",
            ),
        }
        if !self.unread.is_empty() {
            text.push_str(" The disk did not give all of the file.");
        }
        text
    }
}

impl GapLine {
    /// Whether they differ only in the keys, and where the fault stands.
    fn is_like(&self, other: &Self) -> bool {
        let kind = |gap: &Self| {
            let found = (gap.from_pages > 0, gap.from_transaction_before > 0);
            (
                gap.code,
                found,
                gap.outcome,
                gap.transaction_before_is_whole,
            )
        };
        kind(self) == kind(other) && self.what == other.what && self.bucket == other.bucket
    }
}

/// Gaps of one kind in one bucket.
fn write_gaps(gaps: &[GapLine], pen: &mut Pen<'_>) -> io::Result<()> {
    let Some(gap) = gaps.first() else {
        return Ok(());
    };
    let (code, offset, place) = (gap.code, gap.offset, bucket(&gap.bucket));
    if gaps.len() == 1 {
        pen.line(format_args!("Gap      {code} at {offset:#x} in {place}"))?;
    } else {
        let count = gaps.len();
        pen.line(format_args!(
            "Gaps     {count} of {code}, the first at {offset:#x}, in {place}"
        ))?;
    }
    let keys = some_of(gaps.iter().map(|gap| gap.keys.clone()));
    pen.paragraph("         ", &format!("{}; missing: {keys}", gap.what))?;
    let sum = |of: fn(&GapLine) -> u64| gaps.iter().map(of).fold(0, u64::saturating_add);
    let from_pages = sum(|gap| gap.from_pages);
    let from_before = sum(|gap| gap.from_transaction_before);
    let mut found = Vec::new();
    if from_pages > 0 {
        found.push(format!("{from_pages} keys from pages that nothing named"));
    }
    if from_before > 0 {
        found.push(format!("{from_before} keys from the transaction before"));
    }
    let found = if found.is_empty() {
        "nothing was found for it".to_owned()
    } else {
        found.join(", ")
    };
    let rest = if gap.outcome == Filled::Whole {
        "no other page is unaccounted for: nothing is missing"
    } else if gap.transaction_before_is_whole {
        "the transaction before is whole there: only what the last one changed can be missing"
    } else if from_pages > 0 {
        "more may be missing"
    } else {
        "what stood there is lost"
    };
    pen.paragraph("         ", &format!("{found}; {rest}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn gap(key: usize, outcome: Filled) -> GapLine {
        GapLine {
            bucket: vec![Text::from(&b"v1"[..])],
            code: "bolt/lost-write",
            offset: 0x1000,
            what: "a page is of an older transaction".to_owned(),
            keys: format!("key k{key}"),
            from_transaction_before: 0,
            from_pages: 1,
            transaction_before_is_whole: false,
            outcome,
            is_later: false,
        }
    }

    #[test]
    fn gaps_of_one_kind_are_said_once_and_counted() {
        let mut gaps: Vec<GapLine> = (0..20).map(|key| gap(key, Filled::Part)).collect();
        gaps.push(gap(20, Filled::Whole));
        let mut out: Vec<u8> = Vec::new();
        for gaps in gaps.chunk_by(GapLine::is_like) {
            write_gaps(gaps, &mut Pen::new(&mut out, false, Some(400))).unwrap();
        }
        let text = String::from_utf8(out).unwrap();
        let starts = |word: &str| text.lines().filter(|line| line.starts_with(word)).count();
        assert_eq!((starts("Gaps "), starts("Gap ")), (1, 1), "{text}");
        assert!(text.contains("Gaps     20 of bolt/lost-write"), "{text}");
        assert!(text.contains("key k11, and 8 more"), "{text}");
        assert!(text.contains("20 keys from pages"), "{text}");
        assert!(text.contains("missing: key k20\n"), "{text}");
    }
}
