//! Finding the metas, and the page size, also where one of the metas is gone.

use serde::Serialize;
use view::{Span, View};

use crate::{
    fault::{Fault, What},
    meta::{LARGEST_PAGE, META, Meta, SMALLEST_PAGE, is_page_size},
    page::{HEADER, Header},
};

/// How the page size is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum PageSizeFrom {
    /// A valid second meta stands at that distance and says so itself.
    BothMetas,
    /// A valid second meta stands at that distance, but gives another size.
    SecondMeta,
    /// At its multiples stand pages that name their own number.
    Pages,
    /// The first meta says so, and nothing else bears it out.
    FirstMeta,
    /// It is not known.
    Unknown,
}

/// What was found at the start of a file.
#[derive(Debug)]
pub(crate) struct Found {
    /// Both metas, or why not.
    pub(crate) metas: [Result<Meta, Fault>; 2],
    /// Bytes of a page, if there is any sign of it.
    pub(crate) page_size: Option<u64>,
    /// How that is known.
    pub(crate) how: PageSizeFrom,
    /// What is wrong with both together.
    pub(crate) faults: Vec<Fault>,
}

impl Found {
    /// Whether the file is of a kind that is not read here.
    pub(crate) fn is_unsupported(&self) -> bool {
        self.metas
            .iter()
            .filter_map(|meta| meta.as_ref().err())
            .any(Fault::is_unsupported)
    }
}

/// The page sizes that are tried, smallest first.
pub(crate) fn page_sizes() -> impl Iterator<Item = u64> {
    core::iter::successors(Some(SMALLEST_PAGE), |size| size.checked_mul(2))
        .take_while(|size| *size <= LARGEST_PAGE)
}

/// Finds both metas of a file of `len` bytes that starts with `start`.
pub(crate) fn metas(start: &View<'_>, len: u64) -> Found {
    let mut faults = Vec::new();
    let (page_size, how) = page_size(*start);
    let at = page_size.unwrap_or(4096);
    let metas = [meta(*start, 0, at), meta(*start, 1, at)];
    let bad: Vec<_> = metas
        .iter()
        .filter_map(|meta| meta.as_ref().err())
        .collect();
    if bad.len() == 2 && !bad.iter().any(|fault| fault.is_unsupported()) {
        let (what, end) = match page_size {
            Some(size) => (What::NoMeta, size.saturating_mul(2).min(len)),
            None => (What::NotBolt, len),
        };
        faults.push(Fault::new(what, None, Span::new(0, end)));
    }
    // Of a file that is none, the metas need no word of their own.
    Found {
        metas,
        page_size,
        how,
        faults,
    }
}

/// The meta of `slot`, if it is valid.
fn meta(start: View<'_>, slot: u64, page_size: u64) -> Result<Meta, Fault> {
    let at = slot.saturating_mul(page_size);
    let meta = start
        .slice(at, HEADER.saturating_add(META), "meta")
        .and_then(|page| Meta::decode(page, slot))
        .map_err(|_| {
            let what = What::FileShort {
                want: at.saturating_add(page_size),
                found: start.len(),
            };
            Fault::new(what, None, Span::new(start.len(), 0))
        })?;
    meta.validate(at)?;
    Ok(meta)
}

/// The page size: from the metas where they agree with where they stand, else by stride.
fn page_size(start: View<'_>) -> (Option<u64>, PageSizeFrom) {
    let claims = |slot: u64, size: u64| {
        meta(start, slot, size).is_ok_and(|meta| u64::from(meta.page_size) == size)
    };
    let first = meta(start, 0, SMALLEST_PAGE)
        .ok()
        .map(|meta| u64::from(meta.page_size))
        .filter(|size| is_page_size(*size));
    let from = |how| move |size| (Some(size), how);
    // A second meta where the first one, or itself, says that it is, is proof.
    first
        .filter(|size| claims(1, *size))
        .or_else(|| page_sizes().find(|size| claims(1, *size)))
        .map(from(PageSizeFrom::BothMetas))
        .or_else(|| {
            let second = page_sizes().find(|size| meta(start, 1, *size).is_ok());
            second.map(from(PageSizeFrom::SecondMeta))
        })
        .or_else(|| by_stride(start).map(from(PageSizeFrom::Pages)))
        .or_else(|| first.map(from(PageSizeFrom::FirstMeta)))
        .unwrap_or((None, PageSizeFrom::Unknown))
}

/// The page size at whose multiples most pages stand that name their own number.
pub(crate) fn by_stride(start: View<'_>) -> Option<u64> {
    let votes = |size: u64| {
        let pages = start.len().checked_div(size).unwrap_or(0).min(4096);
        (0..pages)
            .filter(|id| {
                let at = id.saturating_mul(size);
                start
                    .slice(at, HEADER, "page header")
                    .and_then(Header::read_page_header)
                    .is_ok_and(|header| header.id.0 == *id && header.kind().is_some())
            })
            .count()
    };
    page_sizes()
        .map(|size| (votes(size), size))
        .filter(|(votes, _)| *votes >= 2)
        // Of two sizes with as many votes the smaller one is right: it saw fewer places in vain.
        .max_by_key(|(votes, size)| (*votes, core::cmp::Reverse(*size)))
        .map(|(_, size)| size)
}
