//! BoltDB files: meta pages, tree pages, buckets, freelists, damaged or not.
//!
//! ```
//! use bolt::Db;
//! use view::View;
//!
//! let opened = Db::open(View::new(b""));
//! assert!(opened.db.is_none());
//! assert_eq!(opened.faults[0].what.code().name, "bolt/empty-file");
//! ```

mod bucket;
mod check;
pub mod codes;
mod db;
mod decode;
mod diff;
mod fault;
mod find;
mod inline;
mod line;
mod lost_write;
mod meta;
mod node;
mod page;
mod salvage;
mod scan;
mod source;
mod space;
mod walk;
mod write;

pub use bucket::{Bucket, Contents, Entry, Value};
pub use check::{
    CheckOptions, CheckReport, Found, Metas, PageRow, PageState, Totals, TreeState, check, metas_of,
};
pub use codes::CODES;
pub use db::{Db, Opened};
pub use decode::{Body, Page};
pub use diff::{Change, Diff, Differs};
pub use fault::{Fault, KeyRange, Part, What};
pub use meta::{MAGIC, META, Meta, VERSION, fnv1a};
pub use node::{Element, Node, RawElement};
pub use page::{HEADER, Header, Kind, PageId};
pub use salvage::{Choice, Gap, Kept, Salvage};
pub use source::PageSource;
pub use walk::{BucketPath, Step, Visit, Walk};
pub use write::{Layout, WriteError, Writer};
