//! Buckets: their header, the pages below, and all that they hold.

use std::{collections::HashSet, sync::Arc};

use view::{Span, View};

use crate::{
    carve::{self, Index, PathId},
    fault::{Fault, What},
    inline::{self, Header},
    line::{DEEPEST, Line},
    node::{BUCKET_FLAG, Element, Node},
    page::{Kind, PageId},
    scan::{Bounds, scan},
    space::{Pointer, Space},
};

/// Where a bucket's entries are.
#[derive(Debug, Clone)]
enum Root<'s> {
    /// In pages of its own.
    Page(Pointer),
    /// In the value itself; the page in which that stands.
    Inline(View<'s>, PageId),
    /// On pages that no tree in use reaches.
    Relic(Arc<Index<'s>>, PageId, PathId),
    /// Nobody knows: the header is damaged.
    Lost,
}

/// A bucket: entries sorted by key, and a sequence.
///
/// ```text
/// 0            8             16
/// | root page  | sequence    | the page itself, if the root page is 0
/// ```
#[derive(Debug, Clone)]
pub struct Bucket<'s> {
    space: Space<'s>,
    root: Root<'s>,
    sequence: u64,
    above: Line,
    /// What is wrong with the header.
    fault: Option<Box<Fault>>,
}

/// One entry of a bucket.
#[derive(Debug, Clone)]
pub struct Entry<'s> {
    /// Its key.
    pub key: &'s [u8],
    /// Its value: bytes, or a bucket.
    pub value: Value<'s>,
    /// The page in which it stands.
    pub page: PageId,
    /// The bytes of the key in the file.
    pub key_span: Span,
    /// The bytes of the value in the file.
    pub value_span: Span,
}

/// What stands under a key.
#[derive(Debug, Clone)]
pub enum Value<'s> {
    /// A value.
    Bytes(&'s [u8]),
    /// A bucket.
    Bucket(Bucket<'s>),
}

impl<'s> Value<'s> {
    /// The bytes, if it is a value.
    pub const fn bytes(&self) -> Option<&'s [u8]> {
        match self {
            Self::Bytes(bytes) => Some(bytes),
            Self::Bucket(_) => None,
        }
    }

    /// The bucket, if it is one.
    pub const fn bucket(&self) -> Option<&Bucket<'s>> {
        match self {
            Self::Bytes(_) => None,
            Self::Bucket(bucket) => Some(bucket),
        }
    }
}

/// What a bucket holds, as far as it can be read.
#[derive(Debug, Clone, Default)]
pub struct Contents<'s> {
    /// The entries that can be read, in the order of the tree, which is that of the keys where it
    /// is not damaged.
    pub entries: Vec<Entry<'s>>,
    /// Everything wrong in the bucket's own pages, not in those of buckets inside.
    pub faults: Vec<Fault>,
}

/// Faults of one bucket that are listed.
const LISTED: usize = 1000;

impl<'s> Contents<'s> {
    /// Drops faults beyond what is worth listing, and says so: then all keys are in doubt.
    fn bound(&mut self, root: Pointer) {
        if self.faults.len() > LISTED {
            let faults = u64::try_from(LISTED).unwrap_or(u64::MAX);
            let what = What::PageGarbled { faults };
            let rest = Fault::new(what, Some(root.to), root.span).hiding(None, None);
            self.faults.truncate(LISTED.saturating_sub(1));
            self.faults.push(rest);
        }
    }

    /// Whether every key and value of the bucket is here: what absence may be concluded from.
    pub fn is_whole(&self) -> bool {
        self.faults.iter().all(|fault| fault.unknown.is_none())
    }

    /// Whether `key` may have been there although it is not among the entries.
    pub fn may_have_held(&self, key: &[u8]) -> bool {
        self.faults
            .iter()
            .filter_map(|fault| fault.unknown.as_deref())
            .any(|unknown| unknown.may_hold(key))
    }

    /// The entry of this key.
    pub fn get(&self, key: &[u8]) -> Option<&Entry<'s>> {
        self.entries.iter().find(|entry| entry.key == key)
    }
}

impl<'s> Bucket<'s> {
    /// The root bucket that a meta names.
    pub(crate) fn of_meta(space: Space<'s>, root: Pointer, sequence: u64) -> Self {
        Self {
            space,
            root: Root::Page(root),
            sequence,
            above: Line::default(),
            fault: None,
        }
    }

    /// The bucket with this root page.
    pub(crate) fn at_page(space: Space<'s>, page: PageId, sequence: u64) -> Self {
        let root = Pointer {
            to: page,
            from: page,
            span: Span::new(page.at(space.page_size), 0),
        };
        Self::of_meta(space, root, sequence)
    }

    /// The inline bucket whose leaf is `page`, in a value of page `leaf`.
    pub(crate) fn of_inline(space: Space<'s>, page: View<'s>, leaf: PageId, sequence: u64) -> Self {
        Self {
            space,
            root: Root::Inline(page, leaf),
            sequence,
            above: Line::default(),
            fault: None,
        }
    }

    /// The leaf of an inline bucket, and the page in which it stands.
    pub(crate) const fn inline_page(&self) -> Option<(View<'s>, PageId)> {
        match self.root {
            Root::Inline(page, leaf) => Some((page, leaf)),
            Root::Page(_) | Root::Relic(..) | Root::Lost => None,
        }
    }

    /// The bucket that the value of a leaf's element holds.
    pub(crate) fn of_value(space: Space<'s>, value: View<'s>, leaf: PageId, above: Line) -> Self {
        let (header, fault) = inline::header(value, leaf);
        let (root, sequence) = match header {
            Some(Header::Page { root, sequence }) => {
                let span = Span::new(value.base(), 8);
                let pointer = Pointer {
                    to: root,
                    from: leaf,
                    span,
                };
                (Root::Page(pointer), sequence)
            }
            Some(Header::Inline { page, sequence }) => (Root::Inline(page, leaf), sequence),
            None => (Root::Lost, 0),
        };
        Self {
            space,
            root,
            sequence,
            above,
            fault: fault.map(Box::new),
        }
    }

    /// The carved bucket `path`, whose root is the relic on `page`.
    pub(crate) fn of_relic(
        space: Space<'s>,
        index: Arc<Index<'s>>,
        page: PageId,
        path: PathId,
        sequence: u64,
    ) -> Self {
        Self {
            space,
            root: Root::Relic(index, page, path),
            sequence,
            above: Line::default(),
            fault: None,
        }
    }

    /// The sequence: what `NextSequence` gave last.
    pub const fn sequence(&self) -> u64 {
        self.sequence
    }

    /// The root page, unless the bucket is inline or its header damaged.
    pub const fn page(&self) -> Option<PageId> {
        match self.root {
            Root::Page(pointer) => Some(pointer.to),
            Root::Relic(_, page, _) => Some(page),
            Root::Inline(..) | Root::Lost => None,
        }
    }

    /// Whether the entries stand in the value itself.
    pub const fn is_inline(&self) -> bool {
        matches!(self.root, Root::Inline(..))
    }

    /// All entries, and everything that is wrong in the bucket's own pages.
    ///
    /// Takes each page once, so it ends on any file.
    pub fn contents(&self) -> Contents<'s> {
        self.contents_of(&mut HashSet::new())
    }

    /// As [`contents`](Self::contents), without the pages in `seen`, which grows.
    pub(crate) fn contents_of(&self, seen: &mut HashSet<PageId>) -> Contents<'s> {
        let mut contents = Contents::default();
        contents.faults.extend(self.fault.as_deref().cloned());
        match &self.root {
            Root::Page(pointer) => self.tree(*pointer, seen, &mut contents),
            Root::Inline(page, leaf) => self.inline(*page, *leaf, &mut contents),
            Root::Relic(index, page, path) => {
                contents = carve::contents(self.space, index, *page, *path);
            }
            Root::Lost => {}
        }
        contents
    }

    fn tree(&self, root: Pointer, seen: &mut HashSet<PageId>, contents: &mut Contents<'s>) {
        let bounds = Bounds {
            is_thorough: self.space.is_thorough,
            ..Bounds::default()
        };
        let mut stack = vec![(root, bounds, self.above.clone())];
        while let Some((pointer, bounds, above)) = stack.pop() {
            contents.bound(root);
            let first = contents.faults.len();
            let node = self.reach(pointer, &above, seen, &mut contents.faults);
            if let Some(node) = node {
                let line = above.below(node.id());
                let is_root = pointer.to == root.to;
                self.node(&node, bounds, is_root, &line, contents, &mut stack);
            } else {
                // Without the node, all keys that the branch gives to it are unknown.
                for fault in contents.faults.iter_mut().skip(first) {
                    *fault = fault.clone().hiding(bounds.from, bounds.until);
                }
            }
        }
    }

    /// The node that `pointer` leads to, unless it was reached before.
    fn reach(
        &self,
        pointer: Pointer,
        above: &Line,
        seen: &mut HashSet<PageId>,
        faults: &mut Vec<Fault>,
    ) -> Option<Node<'s>> {
        let found = pointer.to;
        let is_seen = seen.contains(&found);
        // Looking up the line is slow: of many faults, only the first are told apart.
        let is_above = (!is_seen || faults.len() < LISTED) && above.holds(found);
        let what = if is_above {
            What::PageCycle { found }
        } else if is_seen {
            What::PageShared { found }
        } else if above.depth() >= DEEPEST {
            What::TreeDeep { depth: DEEPEST }
        } else {
            let node = self.space.node(pointer, faults)?;
            seen.insert(found);
            return Some(node);
        };
        faults.push(Fault::new(what, Some(pointer.from), pointer.span));
        None
    }

    /// One node of the bucket: entries of a leaf, children of a branch onto the stack.
    fn node(
        &self,
        node: &Node<'s>,
        bounds: Bounds<'s>,
        is_root: bool,
        line: &Line,
        contents: &mut Contents<'s>,
        stack: &mut Vec<(Pointer, Bounds<'s>, Line)>,
    ) {
        let Contents { entries, faults } = contents;
        let kind = node.kind();
        let before = faults.len();
        if kind == Kind::Leaf {
            scan(node, bounds, faults, |element, _| {
                entries.push(self.entry(&element, node.id(), line));
            });
        }
        if kind == Kind::Branch {
            let first = stack.len();
            scan(node, bounds, faults, |element, _| {
                let key = element.key.bytes();
                let pointer = Pointer {
                    to: element.child.unwrap_or(PageId(0)),
                    from: node.id(),
                    span: Span::new(element.span.start.saturating_add(8), 8),
                };
                if let Some((_, last, _)) = stack.get_mut(first..).and_then(<[_]>::last_mut) {
                    last.until = Some(key);
                }
                // The library sends smaller keys to the first child, too.
                let from = if stack.len() == first {
                    bounds.from
                } else {
                    Some(key)
                };
                let bounds = Bounds { from, ..bounds };
                stack.push((pointer, bounds, line.clone()));
            });
            if let Some(children) = stack.get_mut(first..) {
                children.reverse();
            }
        }
        if node.count() == 0 && faults.len() == before && (kind == Kind::Branch || !is_root) {
            let span = Span::new(node.view().absolute(10), 2);
            let fault = Fault::new(What::PageEmpty { kind }, Some(node.id()), span);
            faults.push(fault.hiding(bounds.from, bounds.until));
        }
    }

    fn entry(&self, element: &Element<'s>, page: PageId, line: &Line) -> Entry<'s> {
        let value = if element.flags & BUCKET_FLAG == 0 {
            Value::Bytes(element.value.bytes())
        } else {
            Value::Bucket(Self::of_value(
                self.space,
                element.value,
                page,
                line.clone(),
            ))
        };
        Entry {
            key: element.key.bytes(),
            value,
            page,
            key_span: element.key.span(),
            value_span: element.value.span(),
        }
    }

    fn inline(&self, page: View<'s>, leaf: PageId, contents: &mut Contents<'s>) {
        let Contents { entries, faults } = contents;
        inline::scan(page, leaf, self.space.page_size, faults, |element| {
            entries.push(self.entry(&element, leaf, &Line::default()));
        });
    }
}
