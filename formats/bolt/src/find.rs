//! Finding the metas, and the page size, also where one of the metas is gone.

use view::{Span, View};

use crate::{
    fault::{Fault, What},
    meta::{LARGEST_PAGE, META, Meta, SMALLEST_PAGE, is_page_size},
    page::{HEADER, Header},
};

/// What was found at the start of a file.
#[derive(Debug)]
pub(crate) struct Found {
    /// Both metas, or why not.
    pub(crate) metas: [Result<Meta, Fault>; 2],
    /// Bytes of a page.
    pub(crate) page_size: u64,
    /// What is wrong with both together.
    pub(crate) faults: Vec<Fault>,
}

/// The page sizes that are tried, smallest first.
pub(crate) fn page_sizes() -> impl Iterator<Item = u64> {
    core::iter::successors(Some(SMALLEST_PAGE), |size| size.checked_mul(2))
        .take_while(|size| *size <= LARGEST_PAGE)
}

/// Finds both metas of the file that starts with `start`.
pub(crate) fn metas(start: &View<'_>) -> Found {
    let mut faults = Vec::new();
    let page_size = page_size(*start, &mut faults);
    let first = meta(*start, 0, page_size.unwrap_or(4096));
    let second = meta(*start, 1, page_size.unwrap_or(4096));
    let unsupported = [&first, &second]
        .into_iter()
        .filter_map(|meta| meta.as_ref().err())
        .any(Fault::is_unsupported);
    if first.is_err() && second.is_err() && !unsupported {
        let what = if page_size.is_some() {
            What::NoMeta
        } else {
            What::NotBolt
        };
        let len = page_size.map_or(start.len(), |size| size.saturating_mul(2));
        faults.push(Fault::new(what, None, Span::new(0, len.min(start.len()))));
    }
    Found {
        metas: [first, second],
        page_size: page_size.unwrap_or(4096),
        faults,
    }
}

/// The meta of `slot`, if it is valid.
fn meta(start: View<'_>, slot: u64, page_size: u64) -> Result<Meta, Fault> {
    let at = slot.saturating_mul(page_size);
    let short = |have| {
        let what = What::FileShort {
            want: at.saturating_add(page_size),
            found: have,
        };
        Fault::new(what, None, Span::new(have, 0))
    };
    let page = start
        .slice(at, HEADER.saturating_add(META), "meta")
        .map_err(|_| short(start.len()))?;
    let meta = Meta::decode(page, slot).map_err(|_| short(start.len()))?;
    meta.validate(at)?;
    Ok(meta)
}

/// The page size: from a meta that stands where its own page size puts it, else by stride.
fn page_size(start: View<'_>, faults: &mut Vec<Fault>) -> Option<u64> {
    let claims = |slot: u64, size: u64| {
        meta(start, slot, size)
            .ok()
            .filter(|meta| u64::from(meta.page_size) == size)
    };
    let first = meta(start, 0, SMALLEST_PAGE)
        .ok()
        .map(|meta| u64::from(meta.page_size))
        .filter(|size| is_page_size(*size));
    // Two metas that agree are proof.
    if let Some(size) = first.filter(|size| claims(1, *size).is_some()) {
        return Some(size);
    }
    if first.is_none()
        && let Some(size) = page_sizes().find(|size| claims(1, *size).is_some())
    {
        return Some(size);
    }
    let stride = by_stride(start);
    let _ = faults;
    first.or(stride)
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
                    .and_then(Header::read)
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
