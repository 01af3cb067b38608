//! A node that is partly bad: each of its elements judged on its own.
//!
//! The library packs a node: each key starts where the value before it ends. So of the three numbers
//! of an element (position, key size, value size) one may be wrong and follows from the neighbours;
//! and where the first key starts, the number of elements stands a second time. What remains is
//! compared with the keys around it: an element whose key is out of order is not believed, and where
//! nothing in a sector of 512 bytes is in order, neither is what reaches into it (a torn write).

use view::{Span, View};

use super::sectors::{self, Sectors};
use crate::{
    node::{BUCKET_FLAG, ELEMENT, MAX_KEY, Node, RawElement},
    page::{Kind, PageId},
};

/// One element that can be believed.
#[derive(Debug, Clone, Copy)]
pub(super) struct Row<'s> {
    pub(super) key: &'s [u8],
    pub(super) value: View<'s>,
    pub(super) flags: u32,
    pub(super) child: Option<PageId>,
    /// Its 16 bytes.
    pub(super) span: Span,
}

/// Keys that may be missing: from, and up to and without.
pub(super) type Hole<'s> = (Option<&'s [u8]>, Option<&'s [u8]>);

/// What is left of a node.
#[derive(Debug, Default)]
pub(super) struct Mended<'s> {
    /// Elements in the order of their keys.
    pub(super) rows: Vec<Row<'s>>,
    /// Elements of which one number was set right.
    pub(super) repaired: u64,
    /// Where elements are missing.
    pub(super) holes: Vec<Hole<'s>>,
    /// Elements in bounds whose key cannot be right here.
    pub(super) odd: Vec<Row<'s>>,
}

/// Judges the elements of `node`, whose keys lie between `from` and `until`.
pub(super) fn mend<'s>(node: &Node<'s>, bounds: Hole<'s>, is_inline: bool) -> Mended<'s> {
    let mut judge = Mender::new(node, is_inline);
    let mut placed = Vec::new();
    for index in 0..judge.slots.len() {
        placed.push(judge.place(index));
    }
    let mut mended = Mended {
        repaired: judge.repaired,
        ..Mended::default()
    };
    let count = placed.len();
    let mut rows = Vec::new();
    let mut first = None;
    for (index, place) in placed.into_iter().enumerate() {
        let Some((raw, start)) = place else { continue };
        let Some(row) = judge.cut(&raw, start) else {
            continue;
        };
        if judge.is_in_zeroes(start, u64::from(raw.ksize)) {
            mended.odd.push(row);
            continue;
        }
        let is_after = bounds.0.is_none_or(|from| row.key >= from);
        let is_before = bounds.1.is_none_or(|until| row.key < until);
        if is_after && is_before {
            rows.push((index, row));
        } else {
            first = first.or(Some(row)).filter(|_| index == 0);
            mended.odd.push(row);
        }
    }
    // A branch holds the first key of each child, so that key stands in the file twice.
    if let (Some(mut row), Some(from), [_]) = (first, bounds.0, mended.odd.as_slice())
        && row.key < from
        && row.key.len() == from.len()
        && rows.first().is_some_and(|(_, row)| row.key > from)
    {
        row.key = from;
        rows.insert(0, (0, row));
        mended.odd.clear();
        mended.repaired = mended.repaired.saturating_add(1);
    }
    let mut good = in_order(rows, &mut mended.odd);
    if !is_inline && mended.odd.len() > 1 {
        let torn = Sectors::from_rows(&good, &mended.odd);
        good.retain(|(_, row)| !torn.touch(row));
        mended.odd.retain(|row| !torn.touch(row));
    }
    mended.holes = holes(&good, count, bounds);
    mended.rows = good.into_iter().map(|(_, row)| row).collect();
    mended
}

struct Mender<'s, 'n> {
    node: &'n Node<'s>,
    is_inline: bool,
    /// All elements, as many as there seem to be.
    slots: Vec<RawElement>,
    /// Offset of the byte behind the elements.
    data: u64,
    /// Where the element before ends, if that is known.
    next: Option<u64>,
    repaired: u64,
}

impl<'s, 'n> Mender<'s, 'n> {
    fn new(node: &'n Node<'s>, is_inline: bool) -> Self {
        let room = node.room().min(u64::from(u16::MAX));
        let all: Vec<RawElement> = (0..room).map_while(|index| node.raw(index).ok()).collect();
        let count = count(node, &all);
        let data = Node::elements_end(count);
        let slots = usize::try_from(count).map_or(Vec::new(), |count| {
            all.get(..count).unwrap_or_default().to_vec()
        });
        Self {
            node,
            is_inline,
            slots,
            data,
            next: Some(data),
            repaired: 0,
        }
    }

    fn len(&self) -> u64 {
        self.node.view().len()
    }

    fn fits(&self, start: u64, raw: &RawElement) -> bool {
        let end = start
            .saturating_add(u64::from(raw.ksize))
            .saturating_add(u64::from(raw.vsize));
        start >= self.data
            && end <= self.len()
            && (1..=MAX_KEY).contains(&u64::from(raw.ksize))
            && (self.node.kind() == Kind::Leaf || raw.vsize == 0)
    }

    /// Whether nothing but zeroes follows `end`, as behind the last element.
    fn is_last_end(&self, end: u64) -> bool {
        if self.is_inline {
            return end == self.len();
        }
        let rest = self.node.view().rest(end, "slack");
        rest.is_ok_and(|rest| rest.first_nonzero().is_none())
    }

    /// Whether element `index` ends where the next one starts.
    fn is_chained(&self, index: usize) -> bool {
        let Some(raw) = self.slots.get(index) else {
            return false;
        };
        match self.slots.get(index.saturating_add(1)) {
            Some(next) => raw.end() == next.key_at(),
            None => self.is_last_end(raw.end()),
        }
    }

    /// Where element `index` has to end if it started at `start`: what those behind it say.
    fn end_of(&self, index: usize, raw: &RawElement, start: u64) -> Option<u64> {
        let own = start
            .saturating_add(u64::from(raw.ksize))
            .saturating_add(u64::from(raw.vsize));
        let Some(next) = self.slots.get(index.saturating_add(1)) else {
            return if self.is_inline {
                Some(self.len())
            } else {
                self.is_last_end(own).then_some(own)
            };
        };
        if next.key_at() == own {
            return Some(own);
        }
        // Only the position of the next one may be wrong.
        let skipped = own
            .saturating_add(u64::from(next.ksize))
            .saturating_add(u64::from(next.vsize));
        let after = index.saturating_add(2);
        let is_skipped = match self.slots.get(after) {
            Some(after) => after.key_at() == skipped,
            None => skipped <= self.len() && self.is_last_end(skipped),
        };
        if is_skipped {
            return Some(own);
        }
        let is_firm = self.is_chained(index.saturating_add(1));
        is_firm.then(|| next.key_at())
    }

    /// Element `index` with numbers that can be right, and where its key starts.
    fn place(&mut self, index: usize) -> Option<(RawElement, u64)> {
        let raw = *self.slots.get(index)?;
        let before = self.next;
        let found = raw.key_at();
        for start in [before.unwrap_or(found), found] {
            if !self.fits(start, &raw) {
                continue;
            }
            let own = start
                .saturating_add(u64::from(raw.ksize))
                .saturating_add(u64::from(raw.vsize));
            let end = self.end_of(index, &raw, start);
            let is_unsure = end.is_none() && start == found && before == Some(found);
            if end == Some(own) || is_unsure {
                self.next = Some(own);
                self.repaired = self.repaired.saturating_add(u64::from(start != found));
                return Some((raw, start));
            }
        }
        // The position is right, one of the sizes is not.
        let start = before.filter(|before| *before == found)?;
        let end = self.end_of(index, &raw, start);
        self.next = end.or_else(|| self.start_of_next(index));
        let total = end?.checked_sub(start)?;
        let sized = self.sizes(index, &raw, total)?;
        self.repaired = self.repaired.saturating_add(1);
        Some((sized, start))
    }

    /// Whether the key reaches into a sector that holds only zeroes, as one that never arrived: nodes are
    /// packed, so that no key lies beside so many zeroes.
    fn is_in_zeroes(&self, start: u64, len: u64) -> bool {
        let page = self.node.view();
        let mut sectors = sectors::range(start, len);
        let is_zero = |sector: u64| {
            let at = sector.saturating_mul(sectors::SECTOR);
            let view = page.slice(at, sectors::SECTOR, "sector");
            view.is_ok_and(|sector| sector.first_nonzero().is_none())
        };
        !self.is_inline && sectors.any(is_zero)
    }

    fn start_of_next(&self, index: usize) -> Option<u64> {
        let next = index.saturating_add(1);
        let raw = self.slots.get(next)?;
        self.is_chained(next).then(|| raw.key_at())
    }

    /// The sizes of key and value that add up to `total`, if one of the two alone is wrong.
    fn sizes(&self, index: usize, raw: &RawElement, total: u64) -> Option<RawElement> {
        let (key, value) = (u64::from(raw.ksize), u64::from(raw.vsize));
        let to_key = total
            .checked_sub(value)
            .filter(|key| (1..=MAX_KEY).contains(key));
        let to_value = total
            .checked_sub(key)
            .filter(|_| (1..=MAX_KEY).contains(&key) && self.node.kind() == Kind::Leaf);
        let neighbours = [index.checked_sub(1), index.checked_add(1)];
        let alike = |size: fn(&RawElement) -> u32| {
            let near = neighbours.iter().flatten();
            near.filter_map(|near| self.slots.get(*near))
                .any(|near| size(near) == size(raw))
        };
        let is_bucket = raw.flags & BUCKET_FLAG != 0;
        let is_key = match (to_key, to_value) {
            (Some(_), None) => true,
            (None, Some(_)) => false,
            (Some(_), Some(16)) if is_bucket => false,
            (Some(_), Some(_)) if is_bucket && value == 16 => true,
            (Some(_), Some(_)) => match (alike(|raw| raw.ksize), alike(|raw| raw.vsize)) {
                (true, false) => false,
                (false, true) => true,
                // Either may be right: nothing is proven.
                _ => return None,
            },
            (None, None) => return None,
        };
        let mut sized = *raw;
        if is_key {
            sized.ksize = u32::try_from(to_key?).ok()?;
        } else {
            sized.vsize = u32::try_from(to_value?).ok()?;
        }
        Some(sized)
    }

    fn cut(&self, raw: &RawElement, start: u64) -> Option<Row<'s>> {
        let view = self.node.view();
        let key = view.slice(start, u64::from(raw.ksize), "key").ok()?;
        let at = start.saturating_add(u64::from(raw.ksize));
        let value = view.slice(at, u64::from(raw.vsize), "value").ok()?;
        Some(Row {
            key: key.bytes(),
            value,
            flags: raw.flags,
            child: raw.pgid,
            span: Span::new(view.absolute(raw.at), ELEMENT),
        })
    }
}

/// How many elements there are: what the header says, or what the elements themselves do.
fn count(node: &Node<'_>, all: &[RawElement]) -> u64 {
    let room = u64::try_from(all.len()).unwrap_or(0);
    let len = node.view().len();
    let mut chains = vec![0_u64];
    let mut fitting = vec![0_u64];
    let mut longest = (0_u64, 0_u64);
    let mut run = 0_u64;
    for (index, raw) in all.iter().enumerate() {
        let next = all.get(index.saturating_add(1));
        let is_chained = raw.ksize > 0 && next.is_some_and(|next| next.key_at() == raw.end());
        let is_fitting = raw.ksize > 0 && raw.end() <= len;
        let sum = |sums: &[u64], more: bool| {
            sums.last()
                .copied()
                .unwrap_or(0)
                .saturating_add(u64::from(more))
        };
        chains.push(sum(&chains, is_chained));
        fitting.push(sum(&fitting, is_fitting));
        run = if is_chained { run.saturating_add(1) } else { 0 };
        if run > longest.0 {
            // The chain reaches one element further.
            let end = u64::try_from(index).unwrap_or(0).saturating_add(2);
            longest = (run, end);
        }
    }
    let packed = all.first().and_then(|first| {
        let data = first.key_at().checked_sub(Node::elements_end(0))?;
        (data.checked_rem(ELEMENT) == Some(0)).then(|| data.div_euclid(ELEMENT))
    });
    // The header, and where the first key starts, say the same.
    if packed == Some(node.count()) && (1..=room).contains(&node.count()) {
        return node.count();
    }
    let score = |count: u64| {
        let at = |sums: &[u64], index: u64| {
            let index = usize::try_from(index).unwrap_or(usize::MAX);
            sums.get(index).copied().unwrap_or(0)
        };
        let chained = at(&chains, count.saturating_sub(1));
        let bad = count.saturating_sub(at(&fitting, count));
        let is_packed = packed == Some(count);
        (chained
            .saturating_mul(2)
            .saturating_add(u64::from(is_packed)))
        .saturating_sub(bad)
    };
    let candidates = [Some(node.count()), packed, Some(longest.1)];
    let candidates = candidates.into_iter().flatten();
    let best = candidates
        .filter(|count| (1..=room).contains(count))
        .map(|count| (score(count), count))
        // Of two as good the first one: the header's own.
        .reduce(|best, other| if other.0 > best.0 { other } else { best });
    best.map_or(0, |(_, count)| count)
}

/// The longest part of `rows` whose keys rise; what is not in it goes to `odd`.
fn in_order<'s>(rows: Vec<(usize, Row<'s>)>, odd: &mut Vec<Row<'s>>) -> Vec<(usize, Row<'s>)> {
    let mut tails: Vec<usize> = Vec::new();
    let mut before: Vec<Option<usize>> = Vec::new();
    let key = |at: usize| rows.get(at).map(|(_, row)| row.key);
    for (at, (_, row)) in rows.iter().enumerate() {
        let length = tails.partition_point(|tail| key(*tail) < Some(row.key));
        before.push(
            length
                .checked_sub(1)
                .and_then(|last| tails.get(last).copied()),
        );
        match tails.get_mut(length) {
            Some(tail) => *tail = at,
            None => tails.push(at),
        }
    }
    let mut is_good = vec![false; rows.len()];
    let mut next = tails.last().copied();
    while let Some(at) = next {
        if let Some(flag) = is_good.get_mut(at) {
            *flag = true;
        }
        next = before.get(at).copied().flatten();
    }
    let mut good = Vec::new();
    for (row, is_good) in rows.into_iter().zip(is_good) {
        if is_good {
            good.push(row);
        } else {
            odd.push(row.1);
        }
    }
    good
}

/// Where elements are missing between those that are there.
fn holes<'s>(good: &[(usize, Row<'s>)], count: usize, bounds: Hole<'s>) -> Vec<Hole<'s>> {
    let mut holes = Vec::new();
    let (mut from, mut next) = (bounds.0, 0);
    for (index, row) in good {
        if *index != next {
            holes.push((from, Some(row.key)));
        }
        from = Some(row.key);
        next = index.saturating_add(1);
    }
    if next != count || count == 0 {
        holes.push((from, bounds.1));
    }
    holes
}
