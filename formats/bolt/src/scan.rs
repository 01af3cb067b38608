//! The rules inside one node: every element is in bounds, packed, sorted, and nothing follows.
//!
//! bbolt itself checks only the order. The others are what its writer does, without exception:
//! the first key starts right behind the elements, each key right behind the value before it, and
//! all bytes behind the last value are zero. Together they are nearly a checksum.

use core::cmp::Ordering;

use view::{Span, View};

use crate::{
    fault::{Fault, KeyRange, Part, What},
    node::{BUCKET_FLAG, Element, MAX_KEY, Node, RawElement},
    page::Kind,
};

/// Faults of one node that are listed; more of them are only counted.
const LISTED: usize = 16;

/// The keys that a node may hold, as the branches above say.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Bounds<'s> {
    /// The smallest.
    pub(crate) from: Option<&'s [u8]>,
    /// The first that belongs to the next node.
    pub(crate) until: Option<&'s [u8]>,
    /// Whether the node is inline, so that somebody else judges what follows the last value.
    pub(crate) is_inline: bool,
    /// Whether elements are shown that only a damaged count hides: for salvage, not for what the
    /// daemon would see.
    pub(crate) is_thorough: bool,
}

/// Goes through a node, hands every readable element to `row`, everything wrong to `faults`.
pub(crate) fn scan<'s>(
    node: &Node<'s>,
    bounds: Bounds<'s>,
    faults: &mut Vec<Fault>,
    mut row: impl FnMut(Element<'s>, &mut Vec<Fault>),
) {
    let mut scan = Scan::new(node, bounds, faults);
    for index in 0..scan.rows {
        if let Some(element) = scan.element(index) {
            row(element, scan.faults);
        }
    }
    scan.finish();
}

/// The state between two elements.
struct Scan<'s, 'f> {
    node: &'f Node<'s>,
    bounds: Bounds<'s>,
    faults: &'f mut Vec<Fault>,
    /// How many faults there were before.
    first: usize,
    /// From which fault on the end of the unknown keys is not known yet.
    open: usize,
    /// Faults that are not listed.
    dropped: u64,
    /// How many elements are looked at.
    rows: u64,
    /// Where the next key has to start, if that is known.
    next: Option<u64>,
    /// The key before.
    before: Option<&'s [u8]>,
}

impl<'s, 'f> Scan<'s, 'f> {
    fn new(node: &'f Node<'s>, bounds: Bounds<'s>, faults: &'f mut Vec<Fault>) -> Self {
        let open = faults.len();
        let mut scan = Self {
            node,
            bounds,
            faults,
            first: open,
            open,
            dropped: 0,
            rows: node.count().min(node.room()),
            next: Some(Node::elements_end(node.count())),
            before: None,
        };
        scan.check_count();
        scan
    }

    /// Compares the number of elements with the place of the first key.
    fn check_count(&mut self) {
        let count = self.node.count();
        let first_key = self.node.raw(0).map(|raw| raw.key_at());
        if count > 0 && first_key == Ok(Node::elements_end(count)) && count <= self.node.room() {
            return;
        }
        let span = Span::new(self.node.view().absolute(10), 2);
        let packed = self.node.packed_count();
        if let Some(want) = packed.filter(|want| *want != count) {
            let fault = self.fault(What::PageCount { want, found: count }, span);
            // A smaller count hides the last keys; a larger one makes keys of other bytes.
            if want > count && self.bounds.is_thorough {
                self.faults.push(fault);
                self.rows = want;
            } else if want > count {
                let from = count.checked_sub(1).and_then(|last| self.key(last));
                self.lose(fault, from);
                // No element that is shown ends what the others held.
                self.close(self.bounds.until);
            } else {
                self.faults.push(fault);
            }
            self.rows = self.rows.min(want);
            self.next = Some(Node::elements_end(want));
        } else if count > self.node.room() {
            let want = self.node.room();
            let fault = self.fault(What::PageCount { want, found: count }, span);
            self.faults.push(fault);
        }
    }

    fn key(&self, index: u64) -> Option<&'s [u8]> {
        self.node
            .element(index)
            .ok()
            .map(|element| element.key.bytes())
    }

    fn fault(&self, what: What, span: Span) -> Fault {
        Fault::new(what, Some(self.node.id()), span)
    }

    /// Notes a fault, unless there are too many.
    fn push(&mut self, fault: Fault) {
        if self.faults.len().saturating_sub(self.first) < LISTED {
            self.faults.push(fault);
        } else {
            self.dropped = self.dropped.saturating_add(1);
        }
    }

    /// Notes a fault that hides the keys from `from` on, until the next one that is known.
    fn lose(&mut self, fault: Fault, from: Option<&[u8]>) {
        self.push(fault.hiding(from.or(self.bounds.from), None));
    }

    /// The keys before `key` are known again.
    fn close(&mut self, key: Option<&[u8]>) {
        for fault in self.faults.iter_mut().skip(self.open) {
            if let Some(unknown) = fault.unknown.as_deref_mut() {
                let KeyRange { until, .. } = unknown;
                *until = until.take().or_else(|| key.map(<[u8]>::to_vec));
            }
        }
        self.open = self.faults.len();
    }

    fn element(&mut self, index: u64) -> Option<Element<'s>> {
        let raw = self.node.raw(index).ok()?;
        let moved = self.moved(index, &raw);
        let Ok(element) = self.node.cut(index, &raw) else {
            self.out_of_bounds(&raw);
            self.next = moved;
            return None;
        };
        self.check_place(&raw);
        if moved.is_some() {
            // What stands where the position points belongs to others.
            self.next = moved;
            return None;
        }
        self.next = Some(raw.end());
        let key = element.key.bytes();
        if key.is_empty() || raw.ksize > 32_768 {
            self.check_key(&raw);
            return None;
        }
        let before = self.before;
        if before.is_some_and(|before| before >= key) {
            let fault = self.fault(What::KeyOrder, element.key.span());
            self.lose(fault, before);
        } else {
            if before.is_none() && index == 0 {
                self.check_first(&element);
            }
            if self.faults.len() > self.open {
                self.close(Some(key));
            }
        }
        self.before = Some(key);
        if self.node.kind() == Kind::Leaf && raw.flags > BUCKET_FLAG {
            let found = raw.flags;
            let fault = self.fault(What::ElementFlags { found }, self.field(&raw, 0));
            self.lose(fault, Some(key));
        }
        Some(element)
    }

    /// The first key against the branch above.
    fn check_first(&mut self, element: &Element<'_>) {
        let Some(from) = self.bounds.from else { return };
        let what = match element.key.bytes().cmp(from) {
            Ordering::Less => What::KeyBeforeBranch,
            Ordering::Equal => return,
            Ordering::Greater => What::KeyAfterBranch,
        };
        let fault = self.fault(what, element.key.span());
        if what == What::KeyBeforeBranch {
            self.push(fault.hiding(self.bounds.from, self.bounds.until));
        } else {
            self.push(fault);
        }
    }

    /// The bytes of the field at `offset` of the element.
    fn field(&self, raw: &RawElement, offset: u64) -> Span {
        Span::new(self.node.view().absolute(raw.at.saturating_add(offset)), 4)
    }

    /// Offset of the position in an element.
    fn pos_offset(&self) -> u64 {
        if self.node.kind() == Kind::Branch {
            0
        } else {
            4
        }
    }

    /// Where the next key starts, if the next element shows that only this one's position is wrong.
    fn moved(&self, index: u64, raw: &RawElement) -> Option<u64> {
        let want = self.next.filter(|want| *want != raw.key_at())?;
        let end = want
            .checked_add(u64::from(raw.ksize))?
            .checked_add(u64::from(raw.vsize))?;
        let next = index.checked_add(1).filter(|next| *next < self.rows)?;
        let after = self.node.raw(next).ok()?;
        (after.key_at() == end).then_some(end)
    }

    /// Whether the key starts where the value before it ends.
    fn check_place(&mut self, raw: &RawElement) {
        let Some(want) = self.next else { return };
        let found = raw.key_at();
        if want == found {
            return;
        }
        let (want, found) = (
            self.node.view().absolute(want),
            self.node.view().absolute(found),
        );
        let what = if found < want {
            What::ElementOverlap { want, found }
        } else {
            What::ElementGap { want, found }
        };
        let span = self.field(raw, self.pos_offset());
        let fault = self.fault(what, span);
        self.lose(fault, self.before);
    }

    fn out_of_bounds(&mut self, raw: &RawElement) {
        let len = self.node.view().len();
        let pos = self.pos_offset();
        let is_misplaced = self.next.is_some_and(|want| want != raw.key_at());
        let (part, offset, found, from) = if is_misplaced || raw.key_at() > len {
            (Part::Position, pos, raw.pos, raw.at)
        } else if raw.value_at() > len {
            (Part::Key, pos.saturating_add(4), raw.ksize, raw.key_at())
        } else {
            (
                Part::Value,
                pos.saturating_add(8),
                raw.vsize,
                raw.value_at(),
            )
        };
        let what = What::ElementBounds {
            part,
            found: u64::from(found),
            room: len.saturating_sub(from),
        };
        let fault = self.fault(what, self.field(raw, offset));
        self.lose(fault, self.before);
    }

    fn check_key(&mut self, raw: &RawElement) {
        let found = u64::from(raw.ksize);
        let what = if found > MAX_KEY {
            What::KeyLong { found }
        } else {
            What::KeyEmpty
        };
        let span = self.field(raw, self.pos_offset().saturating_add(4));
        let fault = self.fault(what, span);
        self.lose(fault, self.before);
    }

    /// After the last element: its key against the branch above, and the bytes behind it.
    fn finish(mut self) {
        if let (Some(last), Some(until)) = (self.before, self.bounds.until)
            && last >= until
        {
            let span = self.last_key_span();
            let fault = self.fault(What::KeyPastBranch, span);
            self.push(fault.hiding(self.bounds.from, self.bounds.until));
        }
        self.close(self.bounds.until);
        let is_whole = self.faults.len() == self.first && !self.bounds.is_inline;
        // Where elements are broken, what stands behind the last one says nothing new.
        if let Some(next) = self.next.filter(|_| is_whole)
            && let Ok(slack) = self.node.view().rest(next, "slack")
            && let Some(fault) = slack_fault(self.node, slack)
        {
            self.faults.push(fault);
        }
        if self.dropped > 0 {
            let listed = self.faults.len().saturating_sub(self.first);
            let faults = self
                .dropped
                .saturating_add(u64::try_from(listed).unwrap_or(u64::MAX));
            let fault = self.fault(What::PageGarbled { faults }, self.node.view().span());
            let (from, until) = (self.bounds.from, self.bounds.until);
            self.faults.push(fault.hiding(from, until));
        }
    }

    fn last_key_span(&self) -> Span {
        (0..self.rows)
            .rev()
            .find_map(|index| self.node.element(index).ok())
            .map_or(self.node.view().span(), |element| element.key.span())
    }
}

/// Bytes behind the last value where there should be zeroes.
fn slack_fault(node: &Node<'_>, slack: View<'_>) -> Option<Fault> {
    let at = slack.first_nonzero()?;
    let inside = at.checked_sub(slack.base())?;
    let found = slack.u8(inside, "slack").ok()?;
    let span = Span::new(at, slack.span().end().saturating_sub(at));
    Some(Fault::new(What::PageSlack { found }, Some(node.id()), span))
}
