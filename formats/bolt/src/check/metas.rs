//! The rules of a meta that its checksum does not show.

use view::{Span, View};

use crate::{
    check::found::Sink,
    fault::{Fault, What},
    meta::{META, Meta},
    page::{HEADER, PageId},
};

/// What is known of the file around the metas.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Around {
    pub(crate) page_size: u64,
    /// Whole pages that the file has.
    pub(crate) pages: u64,
}

/// Judges a valid meta; `start` is the start of the file.
pub(crate) fn meta(meta: &Meta, around: Around, start: View<'_>, sink: &mut Sink) {
    let page = PageId(meta.slot);
    let at = page.at(around.page_size);
    let mut fault = |what, offset: u64, len: u64| {
        let span = Span::new(at.saturating_add(offset), len);
        sink.fault(Fault::new(what, Some(page), span));
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
pub(crate) fn both(metas: &[Result<Meta, Fault>; 2], page_size: u64, sink: &mut Sink) {
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
pub(crate) fn length(meta: &Meta, len: u64, page_size: u64, sink: &mut Sink) {
    let want = meta.high_water.at(page_size);
    if len < want {
        let what = What::FileShort { want, found: len };
        sink.fault(Fault::new(what, None, Span::new(len, 0)));
    } else if len.checked_rem(page_size).is_some_and(|over| over != 0) {
        let over = len.checked_rem(page_size).unwrap_or(0);
        let at = len.saturating_sub(over);
        sink.fault(Fault::new(
            What::RaggedEnd { over },
            None,
            Span::new(at, over),
        ));
    }
}
