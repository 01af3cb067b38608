//! The freelist: pages that the next transactions may write over.
//!
//! ```text
//! 0                16                24
//! | page header    | id of a page    | …        count < 0xFFFF: that many ids
//! | page header    | number of ids   | id …     count = 0xFFFF
//! ```

use view::{Span, View};

use crate::{
    check::{bits::Bits, found::Sink, survey::Survey},
    fault::{Fault, What},
    page::{HEADER, Header, Kind, PageId},
    source::read_view,
};

/// A count in the header that says: the real one is the first number behind it.
const COUNT_FOLLOWS: u16 = 0xFFFF;
/// Ids that are read at once.
const IDS: u64 = 1 << 13;

/// What the freelist says.
#[derive(Debug)]
pub(crate) struct Freelist {
    /// The pages that it names.
    pub(crate) free: Bits,
    /// The pages on which it stands.
    pub(crate) own: Bits,
    /// Whether all of it could be read.
    pub(crate) is_whole: bool,
}

/// Reads the freelist at `page`, which lies before `end`.
pub(crate) fn freelist(
    survey: &Survey<'_>,
    page: PageId,
    end: PageId,
    sink: &mut Sink,
) -> Freelist {
    let mut list = Freelist {
        free: Bits::new(end),
        own: Bits::new(end),
        is_whole: false,
    };
    let page_size = survey.page_size;
    let at = page.at(page_size);
    let mut buffer = Vec::new();
    let Ok(start) = read_view(survey.source, at, page_size, &mut buffer) else {
        let what = What::PageUnread { pages: 1 };
        sink.fault(Fault::new(what, Some(page), Span::new(at, page_size)));
        return list;
    };
    let Ok(header) = Header::read_page_header(start) else {
        return list;
    };
    if let Some(fault) = wrong_header(start, header, page) {
        sink.fault(fault);
        return list;
    }
    let room_after = end.0.saturating_sub(page.0).saturating_sub(1);
    let room = room_after.saturating_add(1).saturating_mul(page_size);
    let Some((first, count)) = count(start, header, page, header.pages(), room, sink) else {
        return list;
    };
    let mut pages = header.pages();
    if u64::from(header.overflow) > room_after {
        let what = What::PageOverflow {
            found: header.overflow,
            room: room_after,
        };
        sink.fault(Fault::new(
            what,
            Some(page),
            Span::new(at.saturating_add(12), 4),
        ));
        let bytes = first.saturating_add(count.saturating_mul(8));
        pages = bytes.div_ceil(page_size.max(1));
    }
    for id in page.0..page.0.saturating_add(pages) {
        list.own.insert(PageId(id));
    }
    list.is_whole = true;
    let ids = Ids {
        survey,
        page,
        end,
        at: at.saturating_add(first),
        count,
    };
    ids.read_freelist_ids(&mut list, sink);
    list
}

fn wrong_header(page: View<'_>, header: Header, id: PageId) -> Option<Fault> {
    let fault = |what, at, len| {
        Some(Fault::new(
            what,
            Some(id),
            Span::new(page.absolute(at), len),
        ))
    };
    if header.kind() == Some(Kind::Freelist) && header.id == id {
        return None;
    }
    if header.kind() == Some(Kind::Freelist) {
        let found = header.id;
        return fault(What::PageId { want: id, found }, 0, 8);
    }
    let flags = header.flags;
    fault(What::FreelistType { flags }, 8, 2)
}

/// Offset of the first id in the page, and how many there are.
fn count(
    start: View<'_>,
    header: Header,
    page: PageId,
    pages: u64,
    most: u64,
    sink: &mut Sink,
) -> Option<(u64, u64)> {
    let (first, count, span) = if header.count == COUNT_FOLLOWS {
        let count = start.u64_le(HEADER, "freelist count").ok()?;
        (
            HEADER.saturating_add(8),
            count,
            Span::new(start.absolute(HEADER), 8),
        )
    } else {
        (
            HEADER,
            u64::from(header.count),
            Span::new(start.absolute(10), 2),
        )
    };
    let bytes = pages.saturating_mul(start.len()).min(most);
    let room = bytes.saturating_sub(first).div_euclid(8);
    if count > room {
        let what = What::FreelistCount { room, found: count };
        sink.fault(Fault::new(what, Some(page), span));
        return None;
    }
    Some((first, count))
}

/// The ids of one freelist.
struct Ids<'a> {
    survey: &'a Survey<'a>,
    page: PageId,
    end: PageId,
    at: u64,
    count: u64,
}

impl Ids<'_> {
    fn read_freelist_ids(&self, list: &mut Freelist, sink: &mut Sink) {
        let mut buffer = Vec::new();
        let mut done = 0;
        let mut before = PageId(0);
        while done < self.count {
            let step = IDS.min(self.count.saturating_sub(done));
            let at = self.at.saturating_add(done.saturating_mul(8));
            let Ok(ids) = read_view(self.survey.source, at, step.saturating_mul(8), &mut buffer)
            else {
                let what = What::PageUnread { pages: 1 };
                sink.fault(Fault::new(what, Some(self.page), Span::new(at, step)));
                list.is_whole = false;
                return;
            };
            for number in 0..step {
                let offset = number.saturating_mul(8);
                let Ok(id) = ids.u64_le(offset, "free page") else {
                    list.is_whole = false;
                    return;
                };
                let id = PageId(id);
                let span = Span::new(ids.absolute(offset), 8);
                if let Some(what) = self.judge(id, before, list) {
                    sink.fault(Fault::new(what, Some(self.page), span));
                }
                before = id;
            }
            done = done.saturating_add(step);
        }
    }

    fn judge(&self, found: PageId, before: PageId, list: &mut Freelist) -> Option<What> {
        if found.0 < 2 || found >= self.end {
            let end = self.end;
            return Some(What::FreelistId { found, end });
        }
        if list.own.has(found) {
            list.free.insert(found);
            return Some(What::FreelistSelf { found });
        }
        if !list.free.insert(found) {
            return Some(What::FreelistTwice { found });
        }
        (found < before).then_some(What::FreelistOrder { before, found })
    }
}
