//! A branch or leaf that no tree in use reaches, and how much of it can be believed.
//!
//! Free pages keep what stood on them until they are used again. There is no mark on them: a page is
//! taken for a relic if it names its own number and its elements are packed as the library packs
//! them, which no other bytes are by chance.

use serde::Serialize;
use view::{Span, View};

use crate::{
    check::Bits,
    inline::BUCKET,
    node::{BUCKET_FLAG, ELEMENT, Element, MAX_KEY, Node},
    page::{HEADER, Header, Kind, PageId},
};

/// Where a relic stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Origin {
    /// In the tree of the transaction before, and not in the newest.
    Previous,
    /// On a page before the high-water mark that neither tree uses.
    Free,
    /// On a page past the high-water mark: no transaction that wrote there was finished.
    PastMark,
    /// In a page in use, behind what its count says: `bbolt surgery` leaves that.
    Slack,
}

/// A page that no tree in use reaches, or the part of a page in use that its count hides.
#[derive(Debug, Clone)]
pub struct Relic<'s> {
    node: Node<'s>,
    /// The first element that counts.
    first: u64,
    /// The element behind the last one that can be believed.
    rows: u64,
    /// Elements that it had.
    had: u64,
    is_whole: bool,
    is_misplaced: bool,
    /// Where it stands.
    pub origin: Origin,
}

impl<'s> Relic<'s> {
    /// The page on which it stands.
    pub const fn id(&self) -> PageId {
        self.node.id()
    }

    /// Branch or leaf.
    pub const fn kind(&self) -> Kind {
        self.node.kind()
    }

    /// Its bytes, with as much of its overflow as was not used again.
    pub const fn view(&self) -> View<'s> {
        self.node.view()
    }

    /// Whether every byte is as the library wrote it: all elements, packed and sorted, and zeroes
    /// behind them.
    pub const fn is_whole(&self) -> bool {
        self.is_whole
    }

    /// Whether its header names another page: a write that went astray.
    pub const fn is_misplaced(&self) -> bool {
        self.is_misplaced
    }

    /// Elements that it had when it was written.
    pub const fn had(&self) -> u64 {
        self.had
    }

    /// The elements that can be believed, in order.
    pub fn elements(&self) -> impl Iterator<Item = Element<'s>> + '_ {
        (self.first..self.rows).map_while(|index| self.node.element(index).ok())
    }

    /// How many elements can be believed.
    pub const fn len(&self) -> u64 {
        self.rows.saturating_sub(self.first)
    }

    /// Whether it has no element that can be believed.
    pub const fn is_empty(&self) -> bool {
        self.len() == 0
    }

    pub(crate) fn element(&self, index: u64) -> Option<Element<'s>> {
        (index >= self.first && index < self.rows)
            .then(|| self.node.element(index).ok())
            .flatten()
    }

    pub(crate) fn first_key(&self) -> Option<&'s [u8]> {
        self.element(self.first).map(|element| element.key.bytes())
    }

    pub(crate) fn last_key(&self) -> Option<&'s [u8]> {
        let last = self.rows.checked_sub(1)?;
        self.element(last).map(|element| element.key.bytes())
    }
}

/// The file as the finder sees it.
#[derive(Clone, Copy)]
pub(crate) struct Field<'s, 'b> {
    pub(crate) view: View<'s>,
    pub(crate) page_size: u64,
    /// Pages of the trees that are not looked for.
    pub(crate) claimed: &'b Bits,
}

impl<'s> Field<'s, '_> {
    /// Number of pages, a cut one at the end included.
    pub(crate) fn pages(&self) -> u64 {
        self.view.len().div_ceil(self.page_size.max(1))
    }

    fn header(&self, id: PageId) -> Option<Header> {
        let at = id.at(self.page_size);
        Header::read_page_header(self.view.slice(at, HEADER, "page header").ok()?).ok()
    }

    /// Whether a page of its own stands there, so that it is nobody's overflow.
    fn is_taken(&self, id: PageId) -> bool {
        self.claimed.has(id)
            || self
                .header(id)
                .is_some_and(|header| header.id == id && header.kind().is_some())
    }

    /// The bytes of at most `pages` pages from `id` on, up to where something else stands.
    fn run(&self, id: PageId, pages: u64) -> Option<View<'s>> {
        let mut count = 1_u64;
        while count < pages && !self.is_taken(PageId(id.0.saturating_add(count))) {
            count = count.saturating_add(1);
            if id.0.saturating_add(count) >= self.pages() {
                break;
            }
        }
        let at = id.at(self.page_size);
        let have = self.view.len().saturating_sub(at);
        let len = count.saturating_mul(self.page_size).min(have);
        self.view.slice(at, len, "page").ok()
    }

    /// Every relic, in the order of the pages; `mark` is the high-water mark of the newest tree.
    pub(crate) fn relics(&self, mark: PageId, before: &Bits) -> Vec<Relic<'s>> {
        let mut relics = Vec::new();
        for id in 2..self.pages() {
            let id = PageId(id);
            if self.claimed.has(id) {
                continue;
            }
            let origin = if id >= mark {
                Origin::PastMark
            } else if before.has(id) {
                Origin::Previous
            } else {
                Origin::Free
            };
            relics.extend(self.relic(id, origin));
        }
        relics
    }

    /// The relic at page `id`, if there is one.
    fn relic(&self, id: PageId, origin: Origin) -> Option<Relic<'s>> {
        let header = self.header(id)?;
        let kind = header
            .kind()
            .filter(|kind| matches!(kind, Kind::Branch | Kind::Leaf))?;
        let is_misplaced = header.id != id;
        if is_misplaced && (header.count == 0 || header.id.0 < 2 || header.overflow > 64) {
            return None;
        }
        let run = self.run(id, header.pages())?;
        let node = Node::new(run, id, header, kind);
        let had = had(&node)?;
        let (rows, end) = believed(&node, had);
        let wanted = header.pages().saturating_mul(self.page_size);
        let is_whole = rows == had
            && had == node.count()
            && run.len() == wanted
            && run
                .rest(end, "slack")
                .is_ok_and(|rest| rest.first_nonzero().is_none());
        let is_relic = is_whole || (rows > 0 && !is_misplaced);
        is_relic.then_some(Relic {
            node,
            first: 0,
            rows,
            had,
            is_whole,
            is_misplaced,
            origin,
        })
    }

    /// What the count of page `id`, which is in use, hides; and bytes behind its last value.
    pub(crate) fn slack(&self, id: PageId) -> (Option<Relic<'s>>, Option<Span>) {
        let nothing = (None, None);
        let Some(header) = self.header(id).filter(|header| header.id == id) else {
            return nothing;
        };
        let Some(kind) = header
            .kind()
            .filter(|kind| matches!(kind, Kind::Branch | Kind::Leaf))
        else {
            return nothing;
        };
        let own = header.pages().min(self.pages());
        let at = id.at(self.page_size);
        let len = own.saturating_mul(self.page_size);
        let len = len.min(self.view.len().saturating_sub(at));
        let Ok(run) = self.view.slice(at, len, "page") else {
            return nothing;
        };
        let node = Node::new(run, id, header, kind);
        let Some(had) = had(&node) else {
            return nothing;
        };
        let count = node.count().min(had);
        if had > node.count() {
            // Surgery takes overflow away, too: what it held may still follow.
            let next = PageId(id.0.saturating_add(own));
            let more = if next.0 < self.pages() && !self.is_taken(next) {
                self.run(next, 64).map_or(0, View::len)
            } else {
                0
            };
            let Ok(run) = self.view.slice(at, len.saturating_add(more), "page") else {
                return nothing;
            };
            let node = Node::new(run, id, header, kind);
            let (rows, _) = believed(&node, had);
            let hidden = (rows > count).then_some(Relic {
                node,
                first: count,
                rows,
                had,
                is_whole: false,
                is_misplaced: false,
                origin: Origin::Slack,
            });
            return (hidden, None);
        }
        let (rows, end) = believed(&node, had);
        let first = (rows == had)
            .then(|| run.rest(end, "slack").ok()?.first_nonzero())
            .flatten();
        let fragment = first.map(|first| {
            // Up to the last byte that is not zero.
            let inside = usize::try_from(first.saturating_sub(run.base())).unwrap_or(usize::MAX);
            let rest = run.bytes().get(inside..).unwrap_or_default();
            let used = rest.iter().rposition(|byte| *byte != 0).unwrap_or(0);
            let len = u64::try_from(used).unwrap_or(0).saturating_add(1);
            Span::new(first, len)
        });
        (None, fragment)
    }
}

/// The elements of a node that can be believed.
pub(crate) fn elements(node: Node<'_>) -> impl Iterator<Item = Element<'_>> {
    let rows = had(&node).map_or(0, |had| believed(&node, had).0);
    (0..rows).map_while(move |index| node.element(index).ok())
}

/// How many elements a node had: as its header says, or as the place of its first key does where
/// the header says less. None if neither makes sense.
fn had(node: &Node<'_>) -> Option<u64> {
    let count = node.count();
    if count == 0 && node.raw(0).is_ok_and(|raw| raw.ksize == 0) {
        return Some(0);
    }
    let first = node.raw(0).ok()?.key_at();
    let rows = first.checked_sub(HEADER)?.checked_div(ELEMENT)?;
    let is_packed = Node::elements_end(rows) == first && rows <= node.room();
    (is_packed && rows >= count && rows > 0 && u16::try_from(rows).is_ok()).then_some(rows)
}

/// How many of the first `count` elements are packed and sorted, and where the last one ends.
fn believed(node: &Node<'_>, count: u64) -> (u64, u64) {
    let mut next = Node::elements_end(count);
    let mut before: Option<&[u8]> = None;
    for index in 0..count {
        let Some(element) = fitting(node, index, next) else {
            return (index, next);
        };
        let key = element.key.bytes();
        if before.is_some_and(|before| before >= key) {
            return (index, next);
        }
        before = Some(key);
        next = element
            .value
            .span()
            .end()
            .saturating_sub(node.view().base());
    }
    (count, next)
}

/// Element `index`, if it starts at `at` and can be what it says it is.
fn fitting<'s>(node: &Node<'s>, index: u64, at: u64) -> Option<Element<'s>> {
    let raw = node.raw(index).ok()?;
    let is_key = raw.key_at() == at && raw.ksize > 0 && u64::from(raw.ksize) <= MAX_KEY;
    if !is_key || raw.flags > BUCKET_FLAG {
        return None;
    }
    let element = node.element(index).ok()?;
    let fits = match element.child {
        Some(child) => child.0 >= 2,
        None if element.flags & BUCKET_FLAG == 0 => true,
        None => element.value.len() >= BUCKET,
    };
    fits.then_some(element)
}
