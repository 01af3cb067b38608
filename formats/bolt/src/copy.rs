//! A tree that is in order, copied key by key.
//!
//! One page of each level is held at a time, so that memory does not grow with the file.

use core::fmt;
use std::io::{Seek, Write};

use finding::Unread;
use view::{Short, View};

use crate::{
    fault::Fault,
    inline::{self, Header as Head},
    line::DEEPEST,
    meta::Meta,
    node::{BUCKET_FLAG, Node},
    page::{Header, Kind, PageId},
    source::{PageSource, read_view},
    space::wrong_header,
    write::{Layout, WriteError, Writer},
};

/// Why a tree was not copied.
#[derive(Debug)]
pub enum CopyError {
    /// A page of it could not be read.
    Unread(Unread),
    /// This is wrong with it: a check names all of it.
    Damaged(PageId),
    /// The new database could not be written.
    Write(WriteError),
}

impl fmt::Display for CopyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unread(why) => write!(f, "the database {why}"),
            Self::Damaged(page) => write!(f, "page {page} is not in order"),
            Self::Write(error) => error.fmt(f),
        }
    }
}

impl core::error::Error for CopyError {}

impl From<WriteError> for CopyError {
    fn from(error: WriteError) -> Self {
        Self::Write(error)
    }
}

impl CopyError {
    /// The same, where the tree is known to be in order.
    pub(crate) fn into_write(self) -> WriteError {
        match self {
            Self::Write(error) => error,
            Self::Unread(_) | Self::Damaged(_) => WriteError::Bucket,
        }
    }
}

/// A page on the way from the root.
struct Frame {
    bytes: Vec<u8>,
    id: PageId,
    kind: Kind,
    header: Header,
    next: u64,
    /// Whether a bucket ends with it.
    closes: bool,
}

impl Frame {
    fn node(&self) -> Node<'_> {
        Node::new(View::new(&self.bytes), self.id, self.header, self.kind)
    }
}

/// Reads page `id` with its overflow into `bytes`.
fn page(
    source: &dyn PageSource,
    page_size: u64,
    end: PageId,
    id: PageId,
    mut bytes: Vec<u8>,
) -> Result<Frame, CopyError> {
    let damaged = || CopyError::Damaged(id);
    if id.0 < 2 || id >= end {
        return Err(damaged());
    }
    let at = id.at(page_size);
    let first = read_view(source, at, page_size, &mut bytes).map_err(CopyError::Unread)?;
    let header = Header::read_page_header(first).map_err(|_: Short| damaged())?;
    let wrong: Option<Fault> = wrong_header(first, header, id);
    let kind = header
        .kind()
        .filter(|_| wrong.is_none())
        .ok_or_else(damaged)?;
    if header.pages() > end.0.saturating_sub(id.0) {
        return Err(damaged());
    }
    if header.overflow > 0 {
        let len = header.pages().saturating_mul(page_size);
        read_view(source, at, len, &mut bytes).map_err(CopyError::Unread)?;
    }
    Ok(Frame {
        bytes,
        id,
        kind,
        header,
        next: 0,
        closes: false,
    })
}

/// Copies the tree at `root` into the bucket that is open; `done` is told bytes of pages.
pub(crate) fn tree<W: Write + Seek>(
    source: &dyn PageSource,
    page_size: u64,
    end: PageId,
    root: PageId,
    writer: &mut Writer<W>,
    done: &mut dyn FnMut(u64),
) -> Result<(), CopyError> {
    let mut spare: Vec<Vec<u8>> = Vec::new();
    let mut stack = vec![page(source, page_size, end, root, Vec::new())?];
    // Each page is in a tree once.
    let mut left = end.0;
    while let Some(top) = stack.last_mut() {
        if top.next == top.node().count() {
            let closes = top.closes;
            if let Some(frame) = stack.pop() {
                done(frame.header.pages().saturating_mul(page_size));
                spare.push(frame.bytes);
            }
            if closes {
                writer.close_bucket()?;
            }
            continue;
        }
        let index = top.next;
        top.next = index.saturating_add(1);
        let (id, node) = (top.id, top.node());
        let element = node.element(index).map_err(|_| CopyError::Damaged(id))?;
        let key = element.key.bytes();
        let (to, closes) = if let Some(child) = element.child {
            (child, false)
        } else if element.flags & BUCKET_FLAG == 0 {
            writer.put(key, element.value.bytes())?;
            continue;
        } else {
            match inline::header(element.value, id).0 {
                Some(Head::Page { root, sequence }) => {
                    writer.open_bucket(key, sequence)?;
                    (root, true)
                }
                Some(Head::Inline { page, sequence }) => {
                    writer.open_bucket(key, sequence)?;
                    inline(page, id, writer)?;
                    writer.close_bucket()?;
                    continue;
                }
                None => return Err(CopyError::Damaged(id)),
            }
        };
        left = left.checked_sub(1).ok_or(CopyError::Damaged(to))?;
        if u64::try_from(stack.len()).unwrap_or(u64::MAX) >= DEEPEST.saturating_mul(2) {
            return Err(CopyError::Damaged(to));
        }
        let bytes = spare.pop().unwrap_or_default();
        let mut frame = page(source, page_size, end, to, bytes)?;
        frame.closes = closes;
        stack.push(frame);
    }
    Ok(())
}

/// Writes the tree of `meta` into a new database, page after page; `done` is told bytes of pages that
/// are read.
///
/// For a file that a [`check`](crate::check()) found in order: it stops at the first page that is not.
pub fn compact<W: Write + Seek>(
    source: &dyn PageSource,
    meta: &Meta,
    to: W,
    layout: Layout,
    done: &mut dyn FnMut(u64),
) -> Result<W, CopyError> {
    let page_size = u64::from(meta.page_size);
    let pages = source.len().checked_div(page_size).unwrap_or(0);
    let end = PageId(meta.high_water.0.min(pages));
    let mut writer = Writer::new(to, layout)?;
    tree(source, page_size, end, meta.root, &mut writer, done)?;
    Ok(writer.finish()?)
}

/// Copies the leaf inside a bucket's value.
pub(crate) fn inline<W: Write + Seek>(
    page: View<'_>,
    leaf: PageId,
    writer: &mut Writer<W>,
) -> Result<(), WriteError> {
    let mut rows = Vec::new();
    inline::scan(page, leaf, u64::MAX, &mut Vec::new(), |element| {
        rows.push((element.key.bytes(), element.value.bytes()));
    });
    for (key, value) in rows {
        writer.put(key, value)?;
    }
    Ok(())
}
