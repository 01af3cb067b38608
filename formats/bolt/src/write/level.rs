//! The levels of one bucket's tree: leaves, and the branches above them.

use std::io::{Seek, Write};

use super::{WriteError, is_next, pages::Pages};
use crate::{
    node::ELEMENT,
    page::{HEADER, Kind, PageId},
};

/// Elements that a page may have at most (`maxLeafElements`).
const MOST: usize = 65_534;

/// One element to be written.
#[derive(Debug)]
pub(super) struct Row {
    pub(super) flags: u32,
    pub(super) key: Vec<u8>,
    pub(super) value: Vec<u8>,
    /// In a branch: the page below.
    pub(super) child: Option<PageId>,
}

/// One page that is being filled.
#[derive(Debug)]
struct Level {
    kind: Kind,
    rows: Vec<Row>,
    /// Bytes that the rows need in a page, without the header.
    bytes: u64,
    /// Pages of this level that are written.
    written: u64,
}

/// A bucket's tree: the leaf that is being filled, then the branches above it.
#[derive(Debug)]
pub(super) struct Tree {
    levels: Vec<Level>,
    last: Option<Vec<u8>>,
    has_buckets: bool,
}

fn size(row: &Row) -> u64 {
    let len = |bytes: &[u8]| u64::try_from(bytes.len()).unwrap_or(u64::MAX);
    ELEMENT
        .saturating_add(len(&row.key))
        .saturating_add(len(&row.value))
}

impl Level {
    const fn new(kind: Kind) -> Self {
        Self {
            kind,
            rows: Vec::new(),
            bytes: 0,
            written: 0,
        }
    }

    /// Rows that each page has, even if it overflows for them. Branches with one child each, of keys
    /// that are longer than half a page, would never come to a root (`minKeysPerPage`).
    const fn least(&self) -> usize {
        match self.kind {
            Kind::Branch => 2,
            _ => 1,
        }
    }

    /// The page as bytes, not yet filled up with zeroes; `id` 0 for an inline page.
    fn encode(&self, id: PageId, overflow: u32) -> Vec<u8> {
        let count = u16::try_from(self.rows.len()).unwrap_or(u16::MAX);
        let mut page = id.0.to_le_bytes().to_vec();
        page.extend(self.kind.flags().to_le_bytes());
        page.extend(count.to_le_bytes());
        page.extend(overflow.to_le_bytes());
        let mut next = HEADER.saturating_add(ELEMENT.saturating_mul(u64::from(count)));
        for row in &self.rows {
            let at = u64::try_from(page.len()).unwrap_or(u64::MAX);
            let word = |number: u64| u32::try_from(number).unwrap_or(u32::MAX).to_le_bytes();
            let len = |bytes: &[u8]| u64::try_from(bytes.len()).unwrap_or(u64::MAX);
            let pos = word(next.saturating_sub(at));
            if let Some(child) = row.child {
                page.extend(pos);
                page.extend(word(len(&row.key)));
                page.extend(child.0.to_le_bytes());
            } else {
                page.extend(row.flags.to_le_bytes());
                page.extend(pos);
                page.extend(word(len(&row.key)));
                page.extend(word(len(&row.value)));
            }
            next = next
                .saturating_add(len(&row.key))
                .saturating_add(len(&row.value));
        }
        for row in &self.rows {
            page.extend(&row.key);
            page.extend(&row.value);
        }
        page
    }

    /// Writes the page; gives its first key and its number.
    fn flush<W: Write + Seek>(&mut self, pages: &mut Pages<W>) -> Result<Row, WriteError> {
        let bytes = HEADER.saturating_add(self.bytes);
        let (id, overflow) = pages.take(bytes);
        let page = self.encode(id, overflow);
        pages.write(id, &page)?;
        self.written = self.written.saturating_add(1);
        self.bytes = 0;
        let key = self.rows.drain(..).next().map(|row| row.key);
        Ok(Row {
            flags: 0,
            key: key.unwrap_or_default(),
            value: Vec::new(),
            child: Some(id),
        })
    }
}

impl Tree {
    pub(super) fn new() -> Self {
        Self {
            levels: vec![Level::new(Kind::Leaf)],
            last: None,
            has_buckets: false,
        }
    }

    /// Whether `key` may come next.
    pub(super) fn accepts(&self, key: &[u8]) -> Result<(), WriteError> {
        if is_next(self.last.as_deref(), key) {
            Ok(())
        } else {
            Err(WriteError::Key(key.to_vec()))
        }
    }

    /// Adds a row to the leaf; writes the leaf, and branches above it, where they are full.
    pub(super) fn push<W: Write + Seek>(
        &mut self,
        row: Row,
        pages: &mut Pages<W>,
    ) -> Result<(), WriteError> {
        self.last = Some(row.key.clone());
        self.has_buckets |= row.flags != 0;
        self.push_at(0, row, pages)
    }

    fn push_at<W: Write + Seek>(
        &mut self,
        from: usize,
        row: Row,
        pages: &mut Pages<W>,
    ) -> Result<(), WriteError> {
        let mut next = Some((from, row));
        while let Some((number, row)) = next.take() {
            if number == self.levels.len() {
                self.levels.push(Level::new(Kind::Branch));
            }
            let Some(level) = self.levels.get_mut(number) else {
                return Err(WriteError::Bucket);
            };
            let bytes = level.bytes.saturating_add(size(&row));
            let is_full =
                bytes.saturating_add(HEADER) > pages.page_size || level.rows.len() >= MOST;
            if is_full && level.rows.len() >= level.least() {
                let up = level.flush(pages)?;
                next = Some((number.saturating_add(1), up));
            }
            level.bytes = level.bytes.saturating_add(size(&row));
            level.rows.push(row);
        }
        Ok(())
    }

    /// The inline page of the bucket, if it is small enough to be one.
    pub(super) fn inline(&self, limit: u64) -> Option<Vec<u8>> {
        match self.levels.as_slice() {
            [leaf] if !self.has_buckets && leaf.written == 0 => {
                (HEADER.saturating_add(leaf.bytes) <= limit).then(|| leaf.encode(PageId(0), 0))
            }
            _ => None,
        }
    }

    /// Writes what is still to be written; gives the root page.
    pub(super) fn finish<W: Write + Seek>(
        mut self,
        pages: &mut Pages<W>,
    ) -> Result<PageId, WriteError> {
        let mut number = 0_usize;
        loop {
            let above = number.saturating_add(1);
            let is_top = above == self.levels.len();
            let Some(level) = self.levels.get_mut(number) else {
                return Err(WriteError::Bucket);
            };
            // A branch with one child is no use: the child is the root.
            if let (true, Kind::Branch, [only]) = (is_top, level.kind, level.rows.as_slice())
                && let (0, Some(child)) = (level.written, only.child)
            {
                return Ok(child);
            }
            let up = level.flush(pages)?;
            if is_top && level.written == 1 {
                return up.child.ok_or(WriteError::Bucket);
            }
            self.push_at(above, up, pages)?;
            number = above;
        }
    }
}
