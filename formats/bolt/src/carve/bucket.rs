//! Carved pages as buckets: what a reader of buckets can read as if they were in the tree.

use std::collections::{HashMap, HashSet};
use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use view::Span;

use crate::{
    bucket::{Bucket, Contents, Entry, Value},
    carve::{
        bounds::Bounds,
        inline_page,
        paths::{PathId, Paths},
        place::{Place, target},
        relic::{Origin, Relic},
    },
    fault::{Fault, What},
    line::Line,
    node::{BUCKET_FLAG, Element},
    page::{Kind, PageId},
    space::Space,
};

/// All relics and where they belong.
#[derive(Debug)]
pub(crate) struct Index<'s> {
    pub(crate) paths: Paths<'s>,
    pub(crate) relics: Vec<Relic<'s>>,
    pub(crate) places: Vec<Place<'s>>,
    pub(crate) bounds: Vec<Bounds>,
    pub(crate) is_uncommitted: Vec<bool>,
    pub(crate) is_doubtful: Vec<bool>,
    pub(crate) by_page: HashMap<PageId, usize>,
    /// Steps that reading carved buckets may still take: pages that many branches name must not
    /// be read for each of them without end.
    pub(crate) steps: AtomicU64,
}

/// How often each element may be read.
const AGAIN: u64 = 64;

impl<'s> Index<'s> {
    /// Steps for relics with so many elements.
    pub(crate) fn steps(relics: &[Relic<'_>]) -> AtomicU64 {
        let elements = relics.iter().map(Relic::len);
        let elements = elements.fold(0_u64, u64::saturating_add);
        let pages = u64::try_from(relics.len()).unwrap_or(u64::MAX);
        AtomicU64::new(elements.saturating_add(pages).saturating_mul(AGAIN))
    }

    /// Takes some steps, if there are as many left.
    fn take(&self, steps: u64) -> bool {
        let left = self
            .steps
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| {
                left.checked_sub(steps)
            });
        left.is_ok()
    }

    /// The relic on `page`, if it belongs to the bucket `path`.
    fn relic_at(&self, page: PageId, path: PathId) -> Option<&Relic<'s>> {
        let place = *self.by_page.get(&page)?;
        self.places.get(place).filter(|place| place.path == path)?;
        self.relics.get(place)
    }
}

/// The keys from the first to before the second.
type Range<'s> = (Option<&'s [u8]>, Option<&'s [u8]>);

/// The entries of a bucket on relics.
pub(crate) fn contents<'s>(
    space: Space<'s>,
    index: &Arc<Index<'s>>,
    root: PageId,
    path: PathId,
) -> Contents<'s> {
    let mut contents = Contents::default();
    let mut seen = HashSet::new();
    let mut stack: Vec<(PageId, Range<'s>)> = vec![(root, (None, None))];
    while let Some((page, (from, until))) = stack.pop() {
        let relic = index
            .relic_at(page, path)
            .filter(|relic| seen.insert(page) && index.take(relic.len().saturating_add(1)));
        let Some(relic) = relic else {
            let span = Span::new(page.at(space.page_size), 0);
            let fault = Fault::new(What::PageReused { found: page }, Some(page), span);
            contents.faults.push(fault.hiding(from, until));
            continue;
        };
        let first = stack.len();
        let mut elements = relic.elements().peekable();
        while let Some(element) = elements.next() {
            let next = elements.peek().map(|next| next.key.bytes()).or(until);
            if let Some(child) = element.child.filter(|_| relic.kind() == Kind::Branch) {
                stack.push((child, (Some(element.key.bytes()), next)));
                continue;
            }
            let value = if element.flags & BUCKET_FLAG == 0 {
                Value::Bytes(element.value.bytes())
            } else {
                Value::Bucket(below(space, index, path, relic, &element))
            };
            contents.entries.push(Entry {
                key: element.key.bytes(),
                value,
                page: relic.id(),
                key_span: element.key.span(),
                value_span: element.value.span(),
            });
        }
        if let Some(children) = stack.get_mut(first..) {
            children.reverse();
        }
        if relic.len() < relic.had() && relic.origin != Origin::Slack {
            let span = relic.view().span();
            let fault = Fault::new(What::PageReused { found: page }, Some(page), span);
            contents.faults.push(fault.hiding(relic.last_key(), until));
        }
    }
    contents
}

/// The bucket in an element of a relic.
fn below<'s>(
    space: Space<'s>,
    index: &Arc<Index<'s>>,
    path: PathId,
    relic: &Relic<'s>,
    element: &Element<'s>,
) -> Bucket<'s> {
    if inline_page(element).is_some() {
        return Bucket::of_value(space, element.value, relic.id(), Line::default());
    }
    let Some((root, _)) = target(element, relic.id()) else {
        return Bucket::of_value(space, element.value, relic.id(), Line::default());
    };
    let sequence = element.value.u64_le(8, "sequence").unwrap_or(0);
    // Where the page belongs elsewhere, its path is another one, and nothing is found there.
    let path = index.paths.find(path, element.key.bytes());
    let path = path.unwrap_or(PathId::NONE);
    Bucket::of_relic(space, Arc::clone(index), root, path, sequence)
}
