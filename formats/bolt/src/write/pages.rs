//! Pages of the new file, handed out in order; the metas last.

use std::io::{Seek, SeekFrom, Write};

use super::{Layout, WriteError};
use crate::{
    meta::{MAGIC, Meta, VERSION},
    page::{Header, Kind, PageId},
};

/// The new file.
#[derive(Debug)]
pub(super) struct Pages<W> {
    to: W,
    pub(super) page_size: u64,
    /// The first page that is not handed out.
    next: PageId,
}

impl<W: Write + Seek> Pages<W> {
    pub(super) fn new(mut to: W, page_size: u64) -> Result<Self, WriteError> {
        // The metas are written last: until then the file is no database.
        to.seek(SeekFrom::Start(page_size.saturating_mul(2)))?;
        Ok(Self {
            to,
            page_size,
            next: PageId(2),
        })
    }

    /// Hands out pages for so many bytes: the first one, and how many follow it.
    pub(super) fn take(&mut self, bytes: u64) -> (PageId, u32) {
        let id = self.next;
        let pages = bytes.div_ceil(self.page_size.max(1)).max(1);
        self.next = PageId(id.0.saturating_add(pages));
        (
            id,
            u32::try_from(pages.saturating_sub(1)).unwrap_or(u32::MAX),
        )
    }

    /// Writes page `id`, which was handed out last, and zeroes up to its end.
    pub(super) fn write(&mut self, id: PageId, page: &[u8]) -> Result<(), WriteError> {
        let end = self
            .next
            .at(self.page_size)
            .saturating_sub(id.at(self.page_size));
        self.to.write_all(page)?;
        let len = u64::try_from(page.len()).unwrap_or(u64::MAX);
        self.zeroes(end.saturating_sub(len))
    }

    fn zeroes(&mut self, mut len: u64) -> Result<(), WriteError> {
        const ZEROES: [u8; 4096] = [0; 4096];
        while len > 0 {
            let step = usize::try_from(len).unwrap_or(usize::MAX).min(ZEROES.len());
            self.to.write_all(ZEROES.get(..step).unwrap_or_default())?;
            len = len.saturating_sub(u64::try_from(step).unwrap_or(u64::MAX));
        }
        Ok(())
    }

    /// Writes freelist and metas; `root` is the root page of the root bucket.
    pub(super) fn finish(mut self, root: PageId, layout: &Layout) -> Result<W, WriteError> {
        let mut freelist = PageId::NO_FREELIST;
        if layout.freelist {
            (freelist, _) = self.take(1);
            let header = Header {
                id: freelist,
                flags: Kind::Freelist.flags(),
                count: 0,
                overflow: 0,
            };
            self.write(freelist, &header.encode())?;
        }
        // bbolt takes a file of less than four pages for damaged.
        while self.next.0 < 4 {
            let (id, _) = self.take(1);
            self.write(id, &[])?;
        }
        self.to.flush()?;
        self.to.seek(SeekFrom::Start(0))?;
        let newer = layout.txid.max(1);
        for slot in 0..2 {
            let txid = if newer.rem_euclid(2) == slot {
                newer
            } else {
                newer.saturating_sub(1)
            };
            let page = self.meta(slot, txid, root, freelist, layout);
            let len = u64::try_from(page.len()).unwrap_or(u64::MAX);
            self.to.write_all(&page)?;
            self.zeroes(self.page_size.saturating_sub(len))?;
        }
        self.to.flush()?;
        Ok(self.to)
    }

    fn meta(
        &self,
        slot: u64,
        txid: u64,
        root: PageId,
        freelist: PageId,
        layout: &Layout,
    ) -> Vec<u8> {
        let header = Header {
            id: PageId(slot),
            flags: Kind::Meta.flags(),
            count: 0,
            overflow: 0,
        };
        let meta = Meta {
            slot,
            header,
            magic: MAGIC,
            version: VERSION,
            page_size: u32::try_from(self.page_size).unwrap_or(0),
            flags: 0,
            root,
            sequence: layout.sequence,
            freelist,
            high_water: self.next,
            txid,
            checksum: 0,
            computed: 0,
        };
        meta.encode()
    }
}
