//! The rules of a meta that its checksum does not show.

use finding::{Severity, Unread};
use view::{Span, View};

use crate::{
    check::found::Sink,
    db::newest,
    fault::{Fault, What},
    find::{self, PageSizeFrom},
    meta::{LARGEST_PAGE, META, Meta},
    page::{HEADER, PageId},
    source::{PageSource, read_view},
};

/// Bytes of the start of a file in which pages are counted when both metas are bad.
const LOOK: u64 = 1 << 24;

/// What is known of the file around the metas.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Around {
    pub(crate) page_size: u64,
    /// Whole pages that the file has.
    pub(crate) pages: u64,
}

/// Judges a valid meta; `start` is the start of the file.
///
/// What is wrong with a meta that is not `in_use` harms nobody before the one in use is lost.
fn one(meta: &Meta, in_use: bool, around: Around, start: View<'_>, sink: &mut Sink) {
    let page = PageId(meta.slot);
    let at = page.at(around.page_size);
    let mut fault = |what, offset: u64, len: u64| {
        let span = Span::new(at.saturating_add(offset), len);
        let fault = Fault::new(what, Some(page), span);
        sink.fault(if in_use {
            fault
        } else {
            fault.no_worse_than(Severity::Damage)
        });
    };
    if !meta.has_own_header() {
        let (id, flags) = (meta.header.id, meta.header.flags);
        fault(What::MetaHeader { id, flags }, 0, HEADER);
    }
    if u64::from(meta.page_size) != around.page_size {
        let found = u64::from(meta.page_size);
        let want = around.page_size;
        fault(What::MetaPageSize { want, found }, 0x18, 4);
    }
    if meta.flags != 0 {
        fault(What::MetaFlags { found: meta.flags }, 0x1c, 4);
    }
    let end = PageId(meta.high_water.0.min(around.pages));
    if meta.root.0 < 2 || meta.root >= end {
        let found = meta.root;
        fault(What::MetaRoot { found, end }, 0x20, 8);
    }
    if meta.is_freelist_synced() && (meta.freelist.0 < 2 || meta.freelist >= end) {
        let found = meta.freelist;
        fault(What::MetaFreelist { found, end }, 0x30, 8);
    }
    if meta.high_water.0 < 3 {
        let found = meta.high_water;
        fault(What::MetaHighWater { found }, 0x38, 8);
    }
    if meta.txid.rem_euclid(2) != meta.slot {
        let (txid, slot) = (meta.txid, meta.slot);
        fault(What::MetaSlot { txid, slot }, 0x40, 8);
    }
    let used = HEADER.saturating_add(META);
    let slack = start.slice(
        at.saturating_add(used),
        around.page_size.saturating_sub(used),
        "slack",
    );
    if let Ok(slack) = slack
        && let Some(first) = slack.first_nonzero()
        && let Ok(found) = start.u8(first, "slack")
    {
        let offset = first.saturating_sub(at);
        let len = around.page_size.saturating_sub(offset);
        fault(What::MetaSlack { found }, offset, len);
    }
}

/// Judges both metas together.
fn both(metas: &[Result<Meta, Fault>; 2], page_size: u64, sink: &mut Sink) {
    let [Ok(first), Ok(second)] = metas else {
        return;
    };
    if first.txid.abs_diff(second.txid) != 1 {
        let older = if first.txid < second.txid {
            first
        } else {
            second
        };
        let newer = if first.txid < second.txid {
            second
        } else {
            first
        };
        let what = What::MetaTxid {
            other: newer.txid,
            found: older.txid,
        };
        let at = PageId(older.slot).at(page_size).saturating_add(0x40);
        sink.fault(Fault::new(what, Some(PageId(older.slot)), Span::new(at, 8)));
    }
}

/// Whether the file is as long as the meta in use says.
fn length(meta: &Meta, other: Option<&Meta>, len: u64, page_size: u64, sink: &mut Sink) {
    let want = meta.high_water.at(page_size);
    let over = len.checked_rem(page_size).unwrap_or(0);
    if len < want && is_absurd(meta, other) {
        let found = meta.high_water;
        let at = PageId(meta.slot).at(page_size).saturating_add(0x38);
        let what = What::MetaHighWater { found };
        sink.fault(Fault::new(what, Some(PageId(meta.slot)), Span::new(at, 8)));
    } else if len < want {
        let what = What::FileShort { want, found: len };
        sink.fault(Fault::new(what, None, Span::new(len, 0)));
    } else if over != 0 {
        let at = len.saturating_sub(over);
        sink.fault(Fault::new(
            What::RaggedEnd { over },
            None,
            Span::new(at, over),
        ));
    }
}

/// Whether a high-water mark is too high to be explained by a file that was cut: the other meta is
/// one transaction away, and says something else entirely.
pub(crate) fn is_absurd(meta: &Meta, other: Option<&Meta>) -> bool {
    let mark = meta.high_water.0;
    match other {
        Some(other) => mark.div_euclid(16) > other.high_water.0.saturating_add(1 << 20),
        None => mark > 1 << 40,
    }
}

/// Both metas of a file, valid or not.
#[derive(Debug)]
pub struct Metas {
    /// Both: decoded, or why not.
    pub slots: [Result<Meta, Fault>; 2],
    /// Both as they stand, where the file is long enough.
    pub raw: [Option<Meta>; 2],
    /// Bytes of a page, if there is any sign of it.
    pub page_size: Option<u64>,
    /// How that is known.
    pub page_size_from: PageSizeFrom,
    /// What is wrong with them.
    pub faults: Vec<Fault>,
}

impl Metas {
    /// The one that the daemon would use.
    pub fn newest(&self) -> Option<Meta> {
        newest(&self.slots)
    }
}

/// Finds both metas of a file.
pub fn metas_of(source: &dyn PageSource) -> Result<Metas, Unread> {
    let mut buffer = Vec::new();
    let mut sink = Sink::default();
    let (start, found) = look(source, &mut buffer)?;
    judge(&found, start, source.len(), &mut sink);
    let page_size = found.page_size.unwrap_or(4096);
    let raw = [0, 1].map(|slot| {
        let at = PageId(slot).at(page_size);
        let page = start.slice(at, HEADER.saturating_add(META), "meta").ok()?;
        Meta::decode(page, slot).ok()
    });
    let (faults, _) = sink.finish();
    Ok(Metas {
        slots: found.metas,
        raw,
        page_size: found.page_size,
        page_size_from: found.how,
        faults: faults.into_iter().map(|found| found.fault).collect(),
    })
}

impl Metas {
    /// How many bytes of the file trees of valid metas may use; what is behind them is of no tree.
    pub fn reach(&self) -> Option<u64> {
        let marks = self.slots.iter().flatten().map(|meta| meta.high_water);
        Some(marks.max()?.at(self.page_size?))
    }
}

/// Reads the start of a file, as much as is needed to find both metas.
pub(crate) fn look<'b>(
    source: &dyn PageSource,
    buffer: &'b mut Vec<u8>,
) -> Result<(View<'b>, find::Found), Unread> {
    let len = source.len();
    let short = LARGEST_PAGE.saturating_mul(2);
    let start = read_view(source, 0, short, buffer)?;
    let found = find::metas(&start, len);
    if found.metas.iter().any(Result::is_ok) || len <= short {
        let start = read_view(source, 0, short, buffer)?;
        return Ok((start, found));
    }
    // Without a meta the page size has to be seen from the pages themselves.
    let start = read_view(source, 0, LOOK, buffer)?;
    Ok((start, find::metas(&start, len)))
}

/// Judges the metas of a file of `len` bytes that starts with `start`; gives the one in use, or one
/// that may be right although its checksum is not.
pub(crate) fn judge(
    found: &find::Found,
    start: View<'_>,
    len: u64,
    sink: &mut Sink,
) -> Option<Meta> {
    if len == 0 {
        sink.fault(Fault::new(What::Empty, None, Span::new(0, 0)));
        return None;
    }
    for fault in &found.faults {
        sink.fault(fault.clone());
    }
    let is_none = found.faults.iter().any(|fault| fault.what == What::NotBolt);
    // Where nothing is a database, the metas need no word of their own.
    for fault in found
        .metas
        .iter()
        .filter_map(|meta| meta.as_ref().err())
        .filter(|_| !is_none)
    {
        sink.fault(fault.clone());
    }
    let page_size = found.page_size.filter(|_| !found.is_unsupported())?;
    let around = Around {
        page_size,
        pages: len.checked_div(page_size).unwrap_or(0),
    };
    let used = newest(&found.metas);
    for meta in found.metas.iter().flatten() {
        let in_use = used.is_some_and(|used| used.slot == meta.slot);
        one(meta, in_use, around, start, sink);
    }
    both(&found.metas, page_size, sink);
    let meta = newest(&found.metas).or_else(|| plausible(start, page_size, len));
    if let Some(meta) = &meta {
        let other = found
            .metas
            .iter()
            .flatten()
            .find(|other| other.slot != meta.slot);
        length(meta, other, len, page_size, sink);
    }
    meta
}

/// A meta that fails its checksum and may be right all the same.
pub(crate) fn plausible(start: View<'_>, page_size: u64, len: u64) -> Option<Meta> {
    let pages = len.checked_div(page_size)?;
    (0..2)
        .filter_map(|slot| {
            let at = PageId(slot).at(page_size);
            let page = start.slice(at, HEADER.saturating_add(META), "meta").ok()?;
            Meta::decode(page, slot).ok()
        })
        .filter(|meta| {
            let end = meta.high_water.0.min(pages);
            (2..end).contains(&meta.root.0) && meta.high_water.0 <= pages.saturating_mul(2)
        })
        .max_by_key(|meta| meta.txid)
}
