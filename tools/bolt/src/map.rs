//! The picture of a file: what each page is used for, cell by cell.

use std::collections::BTreeSet;

use bolt::{CheckReport, Kind, PageId, PageRow, PageState, What};
use cli::Style;
use finding::{Fault as _, Severity};
use serde::Serialize;

/// What a page looks like in the picture.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Look {
    /// A fault above a note stands in it.
    Damaged,
    /// Before the high-water mark, but past the end of the file.
    Missing,
    /// Neither in use nor free.
    Lost,
    Meta,
    Freelist,
    Branch,
    Leaf,
    Overflow,
    /// Only in the tree of the transaction before.
    Previous,
    Free,
    /// No meta says what it is.
    Unknown,
    /// Past the high-water mark, with data.
    Uncommitted,
    Past,
}

/// How many there are.
pub(crate) const LOOKS: [Look; 13] = [
    Look::Damaged,
    Look::Missing,
    Look::Lost,
    Look::Meta,
    Look::Freelist,
    Look::Branch,
    Look::Leaf,
    Look::Overflow,
    Look::Previous,
    Look::Free,
    Look::Unknown,
    Look::Uncommitted,
    Look::Past,
];

impl Look {
    /// Its letter, which needs no colour.
    pub(crate) const fn letter(self) -> char {
        match self {
            Self::Damaged => '!',
            Self::Missing => 'X',
            Self::Lost => '?',
            Self::Meta => 'M',
            Self::Freelist => 'F',
            Self::Branch => 'B',
            Self::Leaf => 'L',
            Self::Overflow => 'o',
            Self::Previous => 'p',
            Self::Free => '.',
            Self::Unknown => 'u',
            Self::Uncommitted => '+',
            Self::Past => '~',
        }
    }

    /// Its name, in one word: the class in the drawing, the state in JSON.
    pub(crate) const fn word(self) -> &'static str {
        match self {
            Self::Damaged => "damaged",
            Self::Missing => "missing",
            Self::Lost => "lost",
            Self::Meta => "meta",
            Self::Freelist => "freelist",
            Self::Branch => "branch",
            Self::Leaf => "leaf",
            Self::Overflow => "overflow",
            Self::Previous => "previous",
            Self::Free => "free",
            Self::Unknown => "unknown",
            Self::Uncommitted => "uncommitted",
            Self::Past => "past",
        }
    }

    /// What the legend says.
    pub(crate) const fn legend(self) -> &'static str {
        match self {
            Self::Damaged => "damaged",
            Self::Missing => "missing: the file ends before it",
            Self::Lost => "lost: neither in use nor free",
            Self::Meta => "meta",
            Self::Freelist => "freelist",
            Self::Branch => "branch in use",
            Self::Leaf => "leaf in use",
            Self::Overflow => "overflow of the page before",
            Self::Previous => "only in the tree of the transaction before",
            Self::Free => "free",
            Self::Unknown => "unknown: damage leaves it open",
            Self::Uncommitted => "past the high-water mark, with data",
            Self::Past => "past the high-water mark",
        }
    }

    pub(crate) const fn style(self) -> Style {
        match self {
            Self::Damaged | Self::Missing => Style::Bad,
            Self::Lost | Self::Uncommitted => Style::Warning,
            Self::Meta | Self::Freelist | Self::Branch => Style::Heading,
            Self::Leaf | Self::Overflow => Style::Good,
            Self::Previous | Self::Unknown => Style::Plain,
            Self::Free | Self::Past => Style::Faint,
        }
    }

    /// Shown in a cell of many pages even if it is the only one.
    const fn stands_out(self) -> bool {
        matches!(
            self,
            Self::Damaged | Self::Missing | Self::Lost | Self::Meta | Self::Uncommitted
        )
    }

    fn place(self) -> usize {
        LOOKS.iter().position(|look| *look == self).unwrap_or(0)
    }
}

/// How many pages of each look.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Counts([u64; LOOKS.len()]);

impl Counts {
    pub(crate) fn pages_of(&self, look: Look) -> u64 {
        self.0.get(look.place()).copied().unwrap_or(0)
    }

    fn add(&mut self, look: Look, pages: u64) {
        if let Some(count) = self.0.get_mut(look.place()) {
            *count = count.saturating_add(pages);
        }
    }

    /// Those that there are.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (Look, u64)> + '_ {
        let counts = LOOKS.iter().map(|look| (*look, self.pages_of(*look)));
        counts.filter(|(_, count)| *count > 0)
    }

    /// The look of a cell with these pages.
    pub(crate) fn look(&self) -> Look {
        let loud = self.iter().find(|(look, _)| look.stands_out());
        let most = self.iter().max_by_key(|(_, count)| *count);
        loud.or(most).map_or(Look::Unknown, |(look, _)| look)
    }
}

/// One cell of the picture.
#[derive(Debug, Clone, Default)]
pub(crate) struct Cell {
    pub(crate) counts: Counts,
    /// Of the only page of the cell: what its header says.
    pub(crate) header: Option<(Kind, u16, u32)>,
}

/// The picture.
#[derive(Debug)]
pub(crate) struct Map {
    /// Pages of the file, with those that are missing.
    pub(crate) pages: u64,
    /// Pages of a cell.
    pub(crate) scale: u64,
    pub(crate) cells: Vec<Cell>,
    pub(crate) counts: Counts,
}

impl Map {
    /// The picture of the file of `report`, with at most `most` cells.
    pub(crate) fn draw_map(report: &CheckReport, most: u64) -> Self {
        let in_file = report.page_size.map_or(0, |size| report.len.div_ceil(size));
        let end = report.end().0;
        let is_short = |what: &What| matches!(what, What::FileShort { .. });
        let mark = report
            .meta
            .filter(|_| {
                report
                    .faults
                    .iter()
                    .any(|found| is_short(&found.fault.what))
            })
            .map_or(0, |meta| meta.high_water.0);
        let pages = in_file.max(end).max(mark);
        let mut scale = 1_u64;
        while pages.div_ceil(scale) > most.max(1) {
            scale = scale.saturating_mul(2);
        }
        let cells = usize::try_from(pages.div_ceil(scale)).unwrap_or(0);
        let mut map = Self {
            pages,
            scale,
            cells: vec![Cell::default(); cells],
            counts: Counts::default(),
        };
        let (damaged, uncommitted) = marked(report);
        for row in report.pages() {
            let look = if damaged.contains(&row.id) {
                Look::Damaged
            } else {
                look(&row)
            };
            map.add(row.id.0, 1, look);
            if scale == 1
                && let Some(cell) = map.cell(row.id.0)
            {
                cell.header = row.kind.map(|kind| (kind, row.count, row.overflow));
            }
        }
        map.add(end, in_file.saturating_sub(end), Look::Past);
        if let Some(page) = uncommitted.filter(|page| page.0 >= end) {
            map.turn(page.0, Look::Past, Look::Uncommitted);
        }
        let first = in_file.max(end);
        map.add(first, pages.saturating_sub(first), Look::Missing);
        map
    }

    fn cell(&mut self, page: u64) -> Option<&mut Cell> {
        let place = usize::try_from(page.checked_div(self.scale)?).ok()?;
        self.cells.get_mut(place)
    }

    /// Counts `pages` pages from `first` on, a cell at a time.
    fn add(&mut self, first: u64, pages: u64, look: Look) {
        let (mut at, end) = (first, first.saturating_add(pages));
        while at < end {
            let inside = at.checked_rem(self.scale).unwrap_or(0);
            let room = self.scale.saturating_sub(inside).max(1);
            let step = room.min(end.saturating_sub(at));
            self.counts.add(look, step);
            if let Some(cell) = self.cell(at) {
                cell.counts.add(look, step);
            }
            at = at.saturating_add(step);
        }
    }

    /// One page is not what it was counted as.
    fn turn(&mut self, page: u64, from: Look, into: Look) {
        let turn = |counts: &mut Counts| {
            if let Some(count) = counts.0.get_mut(from.place()).filter(|count| **count > 0) {
                *count = count.saturating_sub(1);
                counts.add(into, 1);
            }
        };
        turn(&mut self.counts);
        if let Some(cell) = self.cell(page) {
            turn(&mut cell.counts);
        }
    }
}

/// Pages in which faults stand that count, and the first page with data past the mark.
fn marked(report: &CheckReport) -> (BTreeSet<PageId>, Option<PageId>) {
    let mut damaged = BTreeSet::new();
    let mut uncommitted = None;
    for found in &report.faults {
        match found.fault.what {
            What::PageLost { .. } => {}
            What::Uncommitted { .. } => uncommitted = found.fault.page,
            _ if found.fault.severity() > Severity::Note => damaged.extend(found.fault.page),
            _ => {}
        }
    }
    (damaged, uncommitted)
}

fn look(row: &PageRow) -> Look {
    match row.state {
        PageState::Meta => Look::Meta,
        PageState::Used if row.kind == Some(Kind::Branch) => Look::Branch,
        PageState::Used => Look::Leaf,
        PageState::Overflow => Look::Overflow,
        PageState::Freelist => Look::Freelist,
        PageState::Previous => Look::Previous,
        PageState::Free => Look::Free,
        PageState::Lost => Look::Lost,
        PageState::Unknown => Look::Unknown,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cell_shows_what_stands_out_else_what_most_are() {
        let mut counts = Counts::default();
        counts.add(Look::Free, 5);
        counts.add(Look::Leaf, 9);
        assert_eq!(counts.look(), Look::Leaf);
        counts.add(Look::Lost, 1);
        assert_eq!(counts.look(), Look::Lost);
        counts.add(Look::Damaged, 1);
        assert_eq!(counts.look(), Look::Damaged);
    }

    #[test]
    fn letters_are_all_different() {
        let letters: BTreeSet<char> = LOOKS.iter().map(|look| look.letter()).collect();
        assert_eq!(letters.len(), LOOKS.len());
        for (place, look) in LOOKS.iter().enumerate() {
            assert_eq!(look.place(), place);
        }
    }
}
