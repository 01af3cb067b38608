//! The fields of a meta page.

use core::ops::ControlFlow;

use view::Span;

use super::{Account, Content};
use crate::{
    meta::{META, Meta},
    page::HEADER,
};

impl Account<'_> {
    /// The page in `page`, which is 0 or 1: its header, its meta as it stands, what is behind it.
    pub(super) fn meta(&mut self, page: Span) -> ControlFlow<()> {
        let at = page.start;
        let head = Span::new(at, HEADER.saturating_add(META).min(page.len));
        let meta = self.window.get(head).ok();
        let Some(meta) = meta.and_then(|view| Meta::decode(view, 0).ok()) else {
            return self.bytes(page, "bytes");
        };
        self.header(at, meta.header, "")?;
        let fields = [
            (0x10, 4, "magic", Content::Hex(meta.magic.into())),
            (0x14, 4, "version", Content::Number(meta.version.into())),
            (0x18, 4, "page-size", Content::Number(meta.page_size.into())),
            (0x1c, 4, "meta-flags", Content::Hex(meta.flags.into())),
            (0x20, 8, "root", Content::Number(meta.root.0)),
            (0x28, 8, "sequence", Content::Number(meta.sequence)),
            (0x30, 8, "freelist", Content::Number(meta.freelist.0)),
            (0x38, 8, "high-water", Content::Number(meta.high_water.0)),
            (0x40, 8, "txid", Content::Number(meta.txid)),
            (0x48, 8, "checksum", Content::Hex(meta.checksum)),
        ];
        for (offset, len, name, content) in fields {
            self.piece(Span::new(at.saturating_add(offset), len), name, content)?;
        }
        self.slack(head.end(), page.end())
    }
}
