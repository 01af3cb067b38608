//! What was carved: one record a key and value, with all places where it stands.

use std::collections::HashMap;

use serde::Serialize;
use view::Span;

use crate::{
    carve::{
        bounds::Bounds,
        inline_elements, inline_page,
        live::{Compared, Live},
        paths::{PathId, Paths, Top},
        place::{Confidence, Named, Place},
        relic::{Origin, Relic},
    },
    inline::{self, Header as Bucket},
    node::{BUCKET_FLAG, Element},
    page::{Kind, PageId},
};

/// What became of a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Status {
    /// Its key is gone from its bucket, or with its bucket.
    Deleted,
    /// Its key is there with another value.
    Older,
    /// A transaction wrote it that was not finished.
    Uncommitted,
    /// It is not in the tree, and its bucket is not known: deleted, or an older version.
    Unplaced,
    /// Nobody can say: there is no tree to compare it with, damage hides the place, or it is
    /// younger than the tree and may be of a transaction that was not finished.
    Unknown,
    /// The tree has it with the same value.
    Live,
}

/// What stands under a carved key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Carved<'s> {
    /// A value.
    Bytes(&'s [u8]),
    /// A bucket in its own pages.
    Bucket {
        /// Its root page.
        root: PageId,
        /// Its sequence.
        sequence: u64,
        /// Whether what it held is still there: the page was not used again.
        is_there: bool,
    },
    /// A bucket in the value itself; its entries are records of their own.
    Inline {
        /// Its sequence.
        sequence: u64,
    },
}

impl<'s> Carved<'s> {
    /// The bytes, if it is a value.
    pub const fn bytes(&self) -> Option<&'s [u8]> {
        match self {
            Self::Bytes(bytes) => Some(bytes),
            Self::Bucket { .. } | Self::Inline { .. } => None,
        }
    }
}

/// One place where a record stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Spot {
    /// Index of its relic.
    pub(crate) relic: usize,
    /// Its page.
    pub page: PageId,
    /// The bytes of its key and value in the file.
    pub span: Span,
}

/// A carved record.
#[derive(Debug, Clone)]
pub struct Record<'s> {
    pub(crate) path: PathId,
    /// Its key.
    pub key: &'s [u8],
    /// What stands under it.
    pub value: Carved<'s>,
    /// What became of it.
    pub status: Status,
    /// Where it stands: of all copies, the one about which most is known.
    pub at: Spot,
    /// How many copies there are.
    pub copies: u64,
    /// Where it is: on a free page, past the high-water mark …
    pub origin: Origin,
    /// How its bucket got its name.
    pub named: Named,
    /// The key under which another page names its bucket.
    pub contested: Option<&'s [u8]>,
    /// When its page was written and freed.
    pub bounds: Bounds,
    /// How much can be said for name and value together.
    pub confidence: Confidence,
}

/// Collects the records of all relics.
pub(crate) struct Collector<'s, 'a> {
    pub(crate) relics: &'a [Relic<'s>],
    pub(crate) places: &'a [Place<'s>],
    pub(crate) bounds: &'a [Bounds],
    pub(crate) uncommitted: &'a [bool],
    pub(crate) doubtful: &'a [bool],
    pub(crate) by_page: &'a HashMap<PageId, usize>,
    pub(crate) live: &'a Live<'s>,
    pub(crate) most: usize,
    pub(crate) found: Found<'s>,
}

/// What was collected.
#[derive(Debug, Default)]
pub(crate) struct Found<'s> {
    known: HashMap<(PathId, u64), Vec<usize>>,
    pub(crate) records: Vec<Record<'s>>,
    /// Records beyond the limit.
    pub(crate) more: u64,
}

impl<'s> Collector<'s, '_> {
    /// All records.
    pub(crate) fn run(&mut self, paths: &mut Paths<'s>) {
        for (number, (relic, place)) in self.relics.iter().zip(self.places).enumerate() {
            if relic.kind() != Kind::Leaf {
                continue;
            }
            for element in relic.elements() {
                self.take(number, place.path, &element, paths);
                let Some(inside) = inline_page(&element) else {
                    continue;
                };
                let Some(below) = paths.below(place.path, element.key.bytes()) else {
                    continue;
                };
                for element in inline_elements(inside, relic.id()) {
                    self.take(number, below, &element, paths);
                }
            }
        }
    }

    fn carved(
        &self,
        relic: &Relic<'s>,
        path: PathId,
        element: &Element<'s>,
        paths: &Paths<'s>,
    ) -> Carved<'s> {
        if element.flags & BUCKET_FLAG == 0 {
            return Carved::Bytes(element.value.bytes());
        }
        match inline::header(element.value, relic.id()).0 {
            Some(Bucket::Page { root, sequence }) => {
                let below = paths.find(path, element.key.bytes());
                let is_there = self.by_page.get(&root).is_some_and(|child| {
                    self.places
                        .get(*child)
                        .is_some_and(|child| Some(child.path) == below)
                });
                Carved::Bucket {
                    root,
                    sequence,
                    is_there,
                }
            }
            Some(Bucket::Inline { sequence, .. }) => Carved::Inline { sequence },
            None => Carved::Bytes(element.value.bytes()),
        }
    }

    fn take(&mut self, number: usize, path: PathId, element: &Element<'s>, paths: &Paths<'s>) {
        let (Some(relic), Some(place), Some(bounds)) = (
            self.relics.get(number),
            self.places.get(number),
            self.bounds.get(number),
        ) else {
            return;
        };
        let key = element.key.bytes();
        let value = self.carved(relic, path, element, paths);
        let is_uncommitted = self.uncommitted.get(number).copied().unwrap_or(false);
        let mut status = self.status(path, key, &value, place, is_uncommitted, paths);
        let is_doubtful = self.doubtful.get(number).copied().unwrap_or(false);
        if is_doubtful && !matches!(status, Status::Live | Status::Uncommitted) {
            status = Status::Unknown;
        }
        let span = Span::new(
            element.key.base(),
            element.key.len().saturating_add(element.value.len()),
        );
        let record = Record {
            path,
            key,
            value,
            status,
            at: Spot {
                relic: number,
                page: relic.id(),
                span,
            },
            copies: 1,
            origin: relic.origin,
            named: place.named,
            contested: place.contested,
            bounds: *bounds,
            confidence: place.confidence,
        };
        self.merge(record);
    }

    /// Adds a record to those of the same key and value, or keeps it.
    fn merge(&mut self, record: Record<'s>) {
        let hash = self.live.hash_key(record.key);
        let Found {
            known,
            records,
            more,
        } = &mut self.found;
        let same = known.entry((record.path, hash)).or_default();
        for index in same.iter() {
            let Some(other) = records.get_mut(*index) else {
                continue;
            };
            if other.key != record.key || !is_same(&other.value, &record.value) {
                continue;
            }
            let copies = other.copies.saturating_add(1);
            if rank(&record) > rank(other) {
                *other = record;
            }
            other.copies = copies;
            return;
        }
        // Many values under one key are only met in files made to break readers.
        if records.len() >= self.most || same.len() >= 4096 {
            *more = more.saturating_add(1);
            return;
        }
        same.push(records.len());
        records.push(record);
    }

    fn status(
        &self,
        path: PathId,
        key: &[u8],
        value: &Carved<'s>,
        place: &Place<'s>,
        is_uncommitted: bool,
        paths: &Paths<'s>,
    ) -> Status {
        let is_named = paths.top(path) == Top::Root;
        let is_sure = is_named && !matches!(place.named, Named::Guess);
        let compared = if is_named {
            self.live.compare(paths, path, key, value.bytes())
        } else {
            Compared::Unknown
        };
        if !self.live.is_valid {
            return Status::Unknown;
        }
        if compared == Compared::Same {
            return Status::Live;
        }
        // A value that the tree has in some other bucket may be that of a page whose name is wrong.
        let elsewhere = value
            .bytes()
            .and_then(|bytes| self.live.home_of_pair(key, bytes));
        if !is_sure && elsewhere.is_some() {
            return Status::Live;
        }
        if is_uncommitted {
            return Status::Uncommitted;
        }
        let is_gone = self.live.is_whole && self.live.home_of_key(key).is_none();
        match compared {
            Compared::Differs if is_sure => Status::Older,
            Compared::Absent if is_sure => Status::Deleted,
            // Wherever it was: the key is nowhere in the tree.
            _ if !is_sure && is_gone => Status::Deleted,
            Compared::Unknown if is_sure || !self.live.is_whole => Status::Unknown,
            _ => Status::Unplaced,
        }
    }
}

fn is_same(one: &Carved<'_>, other: &Carved<'_>) -> bool {
    match (one, other) {
        (Carved::Bytes(one), Carved::Bytes(other)) => one == other,
        (Carved::Bytes(_), _) | (_, Carved::Bytes(_)) => false,
        // Versions of a bucket whose pages are still there are told apart.
        (
            Carved::Bucket {
                root,
                is_there: true,
                ..
            },
            Carved::Bucket {
                root: other,
                is_there: true,
                ..
            },
        ) => root == other,
        _ => true,
    }
}

/// Which of two copies tells more.
fn rank(record: &Record<'_>) -> (bool, Confidence, u64) {
    let is_there = matches!(record.value, Carved::Bucket { is_there: true, .. });
    let until = record.bounds.freed_until.map_or(0, |bound| bound.txid);
    (is_there, record.confidence, until)
}
