//! Old freelists: each says which pages were free when its transaction was finished.
//!
//! A freelist page is freed by the next transaction, and its bytes stay until the page is used
//! again. Two rules hold for pages whose bytes are still there:
//!
//! - a page that is not on the list of transaction T, and was written before, was freed after T;
//! - from its own transaction's end on, a freelist's page is on every later list; so of two lists,
//!   the one that does not name the other's page is the older one.

use serde::Serialize;
use view::View;

use crate::{
    carve::relic::Field,
    page::{HEADER, Header, Kind, PageId},
};

/// Old lists that are compared.
const MOST: usize = 256;

/// The freelist of an older transaction.
#[derive(Debug, Clone, Serialize)]
pub struct FreelistImage {
    /// Its page.
    pub page: PageId,
    /// Pages on it.
    pub count: u64,
    /// The newest transaction that can have written it.
    pub newest: Option<u64>,
    /// The oldest one.
    pub oldest: u64,
    #[serde(skip)]
    ids: Vec<u64>,
}

impl FreelistImage {
    /// Whether `page` was free then.
    pub fn holds(&self, page: PageId) -> bool {
        self.ids.binary_search(&page.0).is_ok()
    }

    /// The first page that it can say nothing about.
    fn end(&self) -> u64 {
        self.ids.last().copied().unwrap_or(0).max(self.page.0)
    }

    /// Whether `page` was in use then: not free, and before a page that was there.
    pub(crate) fn shows_in_use(&self, page: PageId) -> bool {
        page.0 >= 2 && page.0 <= self.end() && !self.holds(page)
    }
}

/// All old freelists, oldest first; `txid` is the transaction of the tree in use, `known` the
/// freelist page of the one before.
pub(crate) fn images(
    field: &Field<'_, '_>,
    txid: Option<u64>,
    known: Option<(PageId, u64)>,
) -> Vec<FreelistImage> {
    let mut images: Vec<FreelistImage> = (2..field.pages())
        .map(PageId)
        .filter(|id| !field.claimed.has(*id))
        .filter_map(|id| image(field, id))
        .take(MOST)
        .collect();
    let newest = txid.map(|txid| txid.saturating_sub(2));
    let orders: Vec<(u64, u64)> = images
        .iter()
        .map(|one| {
            let others = images.iter().filter(|other| other.page != one.page);
            let (mut later, mut earlier) = (0_u64, 0_u64);
            for other in others {
                if !one.holds(other.page) {
                    later = later.saturating_add(1);
                }
                if !other.holds(one.page) {
                    earlier = earlier.saturating_add(1);
                }
            }
            (later, earlier)
        })
        .collect();
    for (image, (later, earlier)) in images.iter_mut().zip(orders) {
        if let Some((page, txid)) = known
            && page == image.page
        {
            image.newest = Some(txid);
            image.oldest = txid;
            continue;
        }
        // The list of the transaction before is one of the later ones.
        let after = later.saturating_sub(u64::from(known.is_some()));
        image.newest = newest.map(|newest| newest.saturating_sub(after));
        image.oldest = earlier.saturating_add(2);
        if image.newest.is_some_and(|newest| newest < image.oldest) {
            // They contradict each other: not all are what they seem.
            image.newest = newest;
            image.oldest = 2;
        }
    }
    images.sort_by_key(|image| (image.newest, image.oldest, image.page));
    images
}

fn image(field: &Field<'_, '_>, id: PageId) -> Option<FreelistImage> {
    let at = id.at(field.page_size);
    let page = field.view.rest(at, "freelist").ok()?;
    let header = Header::read_page_header(page).ok()?;
    if header.id != id || header.kind() != Some(Kind::Freelist) {
        return None;
    }
    let most = header.pages().saturating_mul(field.page_size);
    let page = page.slice(0, most.min(page.len()), "freelist").ok()?;
    let (first, count) = if header.count == u16::MAX {
        (HEADER.saturating_add(8), page.u64_le(HEADER, "count").ok()?)
    } else {
        (HEADER, u64::from(header.count))
    };
    let bytes = count.checked_mul(8)?;
    let ids = page.slice(first, bytes, "free pages").ok()?;
    let ids = sorted(ids, field.pages())?;
    Some(FreelistImage {
        page: id,
        count,
        newest: None,
        oldest: 2,
        ids,
    })
}

/// The ids, if they are sorted and can be.
fn sorted(view: View<'_>, pages: u64) -> Option<Vec<u64>> {
    let (chunks, _) = view.bytes().as_chunks::<8>();
    let ids: Vec<u64> = chunks
        .iter()
        .map(|bytes| u64::from_le_bytes(*bytes))
        .collect();
    let is_sorted = ids.windows(2).all(|pair| match pair {
        [one, other] => one < other,
        _ => true,
    });
    let fits = ids.first().is_none_or(|first| *first >= 2)
        && ids
            .last()
            .is_none_or(|last| *last < pages.max(2).saturating_mul(2));
    (is_sorted && fits).then_some(ids)
}
