//! Writing a new database, bottom-up and in one pass.
//!
//! Not a B-tree engine: keys come sorted, buckets as a whole, and every page is written once, after
//! the pages below it. What comes out obeys every rule that [`check`](crate::check()) knows, and is
//! read by bbolt and by the daemons.
//!
//! ```
//! use std::io::Cursor;
//! use bolt::{Db, Layout, Writer};
//! use view::View;
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let mut file = Cursor::new(Vec::new());
//! let mut writer = Writer::new(&mut file, Layout::default())?;
//! writer.open_bucket(b"v1", 0)?;
//! writer.put(b"version", &[4])?;
//! writer.close_bucket()?;
//! writer.finish()?;
//!
//! let bytes = file.into_inner();
//! let db = Db::open(View::new(&bytes)).db.ok_or("no database")?;
//! assert!(db.check().faults.is_empty());
//! # Ok(())
//! # }
//! ```

mod level;
mod pages;

use core::fmt;
use std::io::{self, Seek, Write};

use crate::{
    meta::is_page_size,
    node::{BUCKET_FLAG, MAX_KEY},
    page::PageId,
};
use level::{Row, Tree};
use pages::Pages;

/// What the new file is like.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Layout {
    /// Bytes of a page: a power of two, 1 KiB to 64 KiB.
    pub page_size: u64,
    /// Whether the freelist is written; not for the meta.db of containerd 1.7 and later.
    pub freelist: bool,
    /// Number of the transaction of the newer meta.
    pub txid: u64,
    /// Sequence of the root bucket.
    pub sequence: u64,
}

impl Default for Layout {
    fn default() -> Self {
        Self {
            page_size: 4096,
            freelist: true,
            txid: 1,
            sequence: 0,
        }
    }
}

/// Why something cannot be written.
#[derive(Debug)]
pub enum WriteError {
    /// A key is empty, longer than 32,768 bytes, or not larger than the one before it.
    Key(Vec<u8>),
    /// A value is longer than a page can hold.
    Value(usize),
    /// A bucket was closed that was not open, or one is still open.
    Bucket,
    /// No file has such pages.
    PageSize(u64),
    /// The operating system says no.
    Io(io::Error),
}

impl fmt::Display for WriteError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Key(key) => write!(
                f,
                "key {} is empty, too long, or not larger than the one before it",
                finding::Escaped(key)
            ),
            Self::Value(len) => write!(f, "a value of {len} bytes is too long"),
            Self::Bucket => write!(f, "buckets are not closed as they were opened"),
            Self::PageSize(size) => write!(f, "there are no pages of {size} bytes"),
            Self::Io(error) => write!(f, "the new database could not be written: {error}"),
        }
    }
}

impl core::error::Error for WriteError {}

impl From<io::Error> for WriteError {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

/// A bucket that is being filled.
#[derive(Debug)]
struct Open {
    key: Vec<u8>,
    sequence: u64,
    tree: Tree,
}

/// Writes a new database.
///
/// Keys come in rising order; a bucket's keys come between [`open_bucket`](Self::open_bucket) and
/// [`close_bucket`](Self::close_bucket).
#[derive(Debug)]
pub struct Writer<W> {
    pages: Pages<W>,
    layout: Layout,
    open: Vec<Open>,
}

impl<W: Write + Seek> Writer<W> {
    /// A database in `to`, which is empty.
    pub fn new(to: W, layout: Layout) -> Result<Self, WriteError> {
        if !is_page_size(layout.page_size) {
            return Err(WriteError::PageSize(layout.page_size));
        }
        let root = Open {
            key: Vec::new(),
            sequence: layout.sequence,
            tree: Tree::new(),
        };
        Ok(Self {
            pages: Pages::new(to, layout.page_size)?,
            layout,
            open: vec![root],
        })
    }

    /// Writes a value into the bucket that is open.
    pub fn put(&mut self, key: &[u8], value: &[u8]) -> Result<(), WriteError> {
        self.row(0, key, value.to_vec())
    }

    /// Opens a bucket inside the bucket that is open.
    pub fn open_bucket(&mut self, key: &[u8], sequence: u64) -> Result<(), WriteError> {
        self.top()?.tree.accepts(key)?;
        self.open.push(Open {
            key: key.to_vec(),
            sequence,
            tree: Tree::new(),
        });
        Ok(())
    }

    /// Closes the bucket that was opened last.
    pub fn close_bucket(&mut self) -> Result<(), WriteError> {
        if self.open.len() < 2 {
            return Err(WriteError::Bucket);
        }
        let bucket = self.open.pop().ok_or(WriteError::Bucket)?;
        let limit = self.layout.page_size.div_euclid(4);
        let value = if let Some(page) = bucket.tree.inline(limit) {
            header(PageId(0), bucket.sequence, &page)
        } else {
            let root = bucket.tree.finish(&mut self.pages)?;
            header(root, bucket.sequence, &[])
        };
        self.row(BUCKET_FLAG, &bucket.key, value)
    }

    /// Writes what is still to be written, and the metas last. Gives the writer back.
    pub fn finish(mut self) -> Result<W, WriteError> {
        let root = self.open.pop().ok_or(WriteError::Bucket)?;
        if !self.open.is_empty() {
            return Err(WriteError::Bucket);
        }
        let page = root.tree.finish(&mut self.pages)?;
        self.pages.finish(page, &self.layout)
    }

    fn row(&mut self, flags: u32, key: &[u8], value: Vec<u8>) -> Result<(), WriteError> {
        if u32::try_from(value.len()).is_err() {
            return Err(WriteError::Value(value.len()));
        }
        let Some(top) = self.open.last_mut() else {
            return Err(WriteError::Bucket);
        };
        top.tree.accepts(key)?;
        let row = Row {
            flags,
            key: key.to_vec(),
            value,
            child: None,
        };
        top.tree.push(row, &mut self.pages)
    }

    fn top(&self) -> Result<&Open, WriteError> {
        self.open.last().ok_or(WriteError::Bucket)
    }
}

/// The value of a bucket: its header, and its page if it is inline.
fn header(root: PageId, sequence: u64, page: &[u8]) -> Vec<u8> {
    let mut value = root.0.to_le_bytes().to_vec();
    value.extend(sequence.to_le_bytes());
    value.extend(page);
    value
}

/// Whether `key` may follow `before`.
fn is_next(before: Option<&[u8]>, key: &[u8]) -> bool {
    let len = u64::try_from(key.len()).unwrap_or(u64::MAX);
    (1..=MAX_KEY).contains(&len) && before.is_none_or(|before| before < key)
}
