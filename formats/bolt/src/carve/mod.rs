//! Records from everything that the tree in use does not reach.
//!
//! BoltDB never writes over a page in use: each transaction writes what changed to free pages, up
//! to the root, and frees what it replaced. What a transaction deleted stays readable until its
//! pages are used again. Here every such page is looked for, and put back where it was:
//!
//! 1. **relics** ([`Relic`]): pages outside the newest tree that name themselves and are packed as
//!    the library packs them; of torn pages, the elements before the tear;
//! 2. **places**: a carved branch or leaf that names another relic names its bucket. Old root pages
//!    are known by their keys. Where several pages name one relic under different keys, what it
//!    holds decides, else what is more like the tree in use, and confidence falls;
//! 3. **status** ([`Status`]): each record is compared with the tree in use. What damage may hide
//!    is unknown, never deleted;
//! 4. **bounds** ([`Bounds`]): pages have no transaction number. What is known of it follows from
//!    which tree reaches the page, and each bound says so.

mod bounds;
mod bucket;
mod content;
mod image;
mod live;
mod looks;
mod paths;
mod place;
mod record;
mod relic;
mod uncommitted;

use std::{collections::HashMap, sync::Arc};

use view::{Span, View};

use crate::{
    bucket::Bucket,
    check::Bits,
    fault::{Fault, What},
    find,
    inline::{self, Header as BucketHeader},
    line::Line,
    node::{BUCKET_FLAG, Element, Node},
    page::{Header, Kind, PageId},
    schema::Schemas,
    space::Space,
};
use live::Live;
use paths::Paths;
use relic::Field;

pub use bounds::{Bound, Bounds, Why};
pub(crate) use bucket::{Index, contents};
pub use image::FreelistImage;
pub(crate) use paths::PathId;
pub use paths::Top;
pub use place::{Confidence, Named};
pub use record::{Carved, Record, Spot, Status};
pub use relic::{Origin, Relic};

/// How to carve.
#[derive(Debug, Clone)]
pub struct CarveOptions {
    /// Bytes of a page, where the file does not say it.
    pub page_size: Option<u64>,
    /// Keys of the root bucket, by which old root pages are known where there is no tree.
    pub roots: Vec<Vec<u8>>,
    /// Records that are kept; more are only counted.
    pub most: usize,
    /// The schemas that the file may have.
    pub schemas: Schemas,
}

impl Default for CarveOptions {
    fn default() -> Self {
        Self {
            page_size: None,
            roots: Vec::new(),
            most: 1 << 20,
            schemas: Schemas::default(),
        }
    }
}

/// Everything that was carved of a file.
#[derive(Debug)]
pub struct Carve<'s> {
    /// Bytes of a page.
    pub page_size: u64,
    /// The transaction of the tree in use; none: no valid meta says which it is.
    pub txid: Option<u64>,
    /// Whether all of that tree can be read: what is not in it is deleted, not unknown.
    pub is_whole: bool,
    /// Whether the tree of the transaction before is there and whole.
    pub is_previous_whole: bool,
    /// The records, page after page.
    pub records: Vec<Record<'s>>,
    /// Records that were not kept, because there are too many.
    pub more: u64,
    /// Old freelists, oldest first.
    pub images: Vec<FreelistImage>,
    /// Bytes behind the last value of pages in use that no element describes.
    pub fragments: Vec<Fragment>,
    index: Arc<Index<'s>>,
    space: Space<'s>,
}

/// Bytes in a page in use that no element describes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fragment {
    /// The page.
    pub page: PageId,
    /// From the first byte that is not zero to the last.
    pub span: Span,
}

/// A bucket whose name is not known.
#[derive(Debug, Clone)]
pub struct Unnamed<'s> {
    /// The page on which its entries start.
    pub page: PageId,
    /// What it holds.
    pub bucket: Bucket<'s>,
    /// The bucket in which buckets with such keys stand in the tree in use: a guess.
    pub guess: Option<Vec<&'s [u8]>>,
    /// Where it stands.
    pub origin: Origin,
    /// When its page was written and freed.
    pub bounds: Bounds,
    /// Whether a transaction wrote it that was not finished.
    pub is_uncommitted: bool,
    /// Whether that may be: it is younger than the tree in use.
    pub is_doubtful: bool,
}

/// The branches and leaves of `view` that are outside the pages for which `is_used` holds, in
/// their order.
pub fn relics(view: View<'_>, page_size: u64, is_used: impl Fn(PageId) -> bool) -> Vec<Relic<'_>> {
    let pages = view.len().div_ceil(page_size.max(1));
    let mut claimed = Bits::new(PageId(pages));
    for id in (0..pages).map(PageId).filter(|id| is_used(*id)) {
        claimed.insert(id);
    }
    let field = Field {
        view,
        page_size,
        claimed: &claimed,
    };
    field.relics(PageId(u64::MAX), &Bits::new(PageId(0)))
}

/// The page size of the file in `view`.
fn page_size(view: View<'_>, options: &CarveOptions) -> Result<u64, Fault> {
    let found = find::metas(&view, view.len());
    if let Some(fault) = found
        .metas
        .iter()
        .filter_map(|meta| meta.as_ref().err())
        .find(|fault| fault.is_unsupported())
    {
        return Err(fault.clone());
    }
    let size = options
        .page_size
        .or(found.page_size)
        .or_else(|| find::by_stride(view))
        .or_else(|| by_one_page(view));
    size.ok_or_else(|| Fault::new(What::NotBolt, None, view.span()))
}

/// The page size at which most pages are packed as the library packs them, be it one.
fn by_one_page(view: View<'_>) -> Option<u64> {
    let whole = |size: &u64| {
        let found = relics(view, *size, |page| page.0 > 4096);
        found
            .iter()
            .filter(|relic| relic.is_whole() && !relic.is_empty() && !relic.is_misplaced())
            .count()
    };
    find::page_sizes()
        .map(|size| (whole(&size), core::cmp::Reverse(size)))
        .filter(|(count, _)| *count > 0)
        .max()
        .map(|(_, core::cmp::Reverse(size))| size)
}

impl<'s> Carve<'s> {
    /// Carves the file in `view`, whatever its state.
    ///
    /// Fails only where it is no BoltDB file, or one that is not read here.
    pub fn carve_file(view: View<'s>, options: &CarveOptions) -> Result<Self, Fault> {
        if view.is_empty() {
            return Err(Fault::new(What::Empty, None, Span::new(0, 0)));
        }
        let page_size = page_size(view, options)?;
        let mut live = Live::open(view, page_size, options.schemas);
        let mut paths = Paths::new();
        let claimed = live.claimed.clone();
        let field = Field {
            view,
            page_size,
            claimed: &claimed,
        };
        let mut relics = field.relics(live.mark(), &live.before);
        let by_page: HashMap<PageId, usize> = relics
            .iter()
            .enumerate()
            .map(|(place, relic)| (relic.id(), place))
            .collect();
        let mut fragments = Vec::new();
        for page in &live.nodes {
            let (hidden, fragment) = field.slack(*page);
            if hidden.is_some() {
                live.owners.insert(*page, None);
            }
            relics.extend(hidden);
            fragments.extend(fragment.map(|span| Fragment { page: *page, span }));
        }
        if relics.iter().any(|relic| relic.origin == Origin::PastMark) {
            // What wrote there wrote elsewhere, too, and most likely over the tree before.
            live.is_previous_whole = false;
        }
        let wanted = live.wanted(&relics);
        live.index(&mut paths, &wanted);
        let places = place::places(&relics, &by_page, &live, &mut paths, &options.roots);
        let known = live.previous.as_ref().and_then(|db| {
            let meta = db.meta();
            meta.is_freelist_synced()
                .then_some((meta.freelist, meta.txid))
        });
        let images = image::images(&field, live.txid(), known);
        let why = uncommitted::uncommitted(&relics, &places, &live, &mut paths);
        let doubtful = uncommitted::doubtful(&relics, &places, &why, &live);
        let is_doubtful =
            |(relic, doubt): (&Relic<'_>, &bool)| *doubt && relic.origin == Origin::Previous;
        if relics.iter().zip(&doubtful).any(is_doubtful) {
            // Then it says nothing of other pages either.
            live.is_previous_whole = false;
        }
        let bounds = bounds::bounds(&relics, &places, &why, &images, &live);
        let is_uncommitted: Vec<bool> = why.iter().map(Option::is_some).collect();
        let mut collector = record::Collector {
            relics: &relics,
            places: &places,
            bounds: &bounds,
            uncommitted: &is_uncommitted,
            doubtful: &doubtful,
            by_page: &by_page,
            live: &live,
            most: options.most,
            found: record::Found::default(),
        };
        collector.run(&mut paths);
        let record::Found { records, more, .. } = collector.found;
        Ok(Self {
            page_size,
            txid: live.txid(),
            is_whole: live.is_whole,
            is_previous_whole: live.is_previous_whole,
            records,
            more,
            images,
            fragments,
            index: Arc::new(Index {
                steps: Index::steps(&relics),
                paths,
                relics,
                places,
                bounds,
                is_uncommitted,
                is_doubtful: doubtful,
                by_page,
            }),
            space: Space {
                view,
                page_size,
                end: PageId(field.pages()),
                is_thorough: true,
            },
        })
    }

    /// Every branch and leaf that no tree in use reaches, and hidden parts of pages in use.
    pub fn relics(&self) -> &[Relic<'s>] {
        &self.index.relics
    }

    /// How many of the relics are root pages of older transactions.
    pub fn old_roots(&self) -> usize {
        let roots = self.index.places.iter();
        roots
            .filter(|place| place.path == PathId::ROOT && place.parent.is_none())
            .count()
    }

    /// The bucket that holds `record`: what its name starts from, and its keys.
    pub fn bucket_of(&self, record: &Record<'s>) -> (Top, Vec<&'s [u8]>) {
        (
            self.index.paths.top(record.path),
            self.index.paths.keys(record.path),
        )
    }

    /// For a record without a name: the bucket in which buckets with such keys stand. A guess.
    pub fn guess_of(&self, record: &Record<'s>) -> Option<Vec<&'s [u8]>> {
        let place = self.index.places.get(record.at.relic)?;
        place.guess.map(|path| self.index.paths.keys(path))
    }

    /// What a carved bucket holds, as far as it was carved.
    pub fn bucket(&self, record: &Record<'s>) -> Option<Bucket<'s>> {
        let sequence = match record.value {
            Carved::Bytes(_) => return None,
            Carved::Inline { .. } => {
                let relic = self.index.relics.get(record.at.relic)?;
                let at = record.at.span.start.checked_sub(relic.view().base())?;
                let key = u64::try_from(record.key.len()).ok()?;
                let value = relic
                    .view()
                    .slice(
                        at.checked_add(key)?,
                        record.at.span.len.checked_sub(key)?,
                        "bucket",
                    )
                    .ok()?;
                let line = Line::default();
                return Some(Bucket::of_value(self.space, value, record.at.page, line));
            }
            Carved::Bucket { sequence, .. } => sequence,
        };
        let Carved::Bucket { root, .. } = record.value else {
            return None;
        };
        let path = self.index.paths.find(record.path, record.key)?;
        let index = Arc::clone(&self.index);
        Some(Bucket::of_relic(self.space, index, root, path, sequence))
    }

    /// The buckets without a name.
    pub fn unnamed(&self) -> Vec<Unnamed<'s>> {
        let mut all = Vec::new();
        let parts = self
            .index
            .relics
            .iter()
            .zip(&self.index.places)
            .zip(&self.index.bounds)
            .zip(&self.index.is_uncommitted)
            .zip(&self.index.is_doubtful);
        for ((((relic, place), bounds), is_uncommitted), is_doubtful) in parts {
            if place.named != Named::Nothing || relic.origin == Origin::Slack {
                continue;
            }
            let index = Arc::clone(&self.index);
            all.push(Unnamed {
                page: relic.id(),
                bucket: Bucket::of_relic(self.space, index, relic.id(), place.path, 0),
                guess: place.guess.map(|path| self.index.paths.keys(path)),
                origin: relic.origin,
                bounds: *bounds,
                is_uncommitted: *is_uncommitted,
                is_doubtful: *is_doubtful,
            });
        }
        all
    }
}

/// The leaf inside an inline bucket.
pub(crate) fn inline_page<'s>(element: &Element<'s>) -> Option<View<'s>> {
    if element.flags & BUCKET_FLAG == 0 || element.child.is_some() {
        return None;
    }
    let (Some(BucketHeader::Inline { page, .. }), _) = inline::header(element.value, PageId(0))
    else {
        return None;
    };
    let header = Header::read_page_header(page).ok()?;
    (header.kind() == Some(Kind::Leaf) && header.overflow == 0).then_some(page)
}

/// The entries of an inline bucket that stands in page `leaf`.
pub(crate) fn inline_elements(page: View<'_>, leaf: PageId) -> impl Iterator<Item = Element<'_>> {
    let node = Header::read_page_header(page)
        .ok()
        .map(|header| Node::new(page, leaf, header, Kind::Leaf));
    node.into_iter().flat_map(relic::elements)
}
