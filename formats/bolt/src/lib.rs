//! BoltDB files: meta pages, tree pages, buckets, freelists, damaged or not.
//!
//! A file is a row of pages of one size, the page size of the machine that made it. Every page
//! starts with a header; all numbers are in the byte order of the machine, here little-endian
//! (`go.etcd.io/bbolt`, `internal/common/page.go`, `meta.go`, `bucket.go`):
//!
//! ```text
//! page     0                8       10      12              16
//!          | page: u64      | flags | count | overflow: u32 | elements, keys and values …
//! flags    0x01 branch, 0x02 leaf, 0x04 meta, 0x10 freelist: exactly one
//! overflow further pages, without a header, that belong to this one
//!
//! branch   | position: u32 | key size: u32 | page: u64                      |  × count
//! leaf     | flags: u32    | position: u32 | key size: u32 | value size: u32 |  × count
//!          position: from the element itself to its key; the value follows the key
//!
//! meta     | magic | version | page size | flags | root page | sequence of the root bucket |
//!          | freelist page | high-water mark | transaction | FNV-1a of the 56 bytes before |
//! bucket   | root page | sequence |            the value of a leaf element with flag 1
//!          | 0         | sequence | a leaf …   a small bucket stands in its value
//! ```
//!
//! Pages 0 and 1 are metas and take turns: transaction T writes page T modulo 2, last of all, and
//! no page that the tree before it uses. So there are two trees, N and N-1, and the older one is
//! whole until the next transaction starts to write.
//!
//! The library writes more regularly than it must: the first key stands right behind the elements,
//! each key right behind the value before it, and zeroes up to the end of the page. There are no
//! checksums but those of the metas; these rules nearly make up for them, and [`check()`] knows all
//! of them.
//!
//! - [`Db::open`] takes a file in memory as the daemon would; [`Db::walk`] and
//!   [`Bucket::contents`] give what can be read, and which keys are unknown because of which fault;
//! - [`check()`] reads a file of any size in pieces and names all damage at its offset;
//! - [`Db::changes_since`] and [`Db::lost_writes`] compare two trees;
//! - a [`Schema`] says what the program that owns the file does: nothing here knows one;
//! - [`Carve`] finds what the trees do not reach: deleted records, older versions, what a dying
//!   transaction wrote;
//! - [`Salvage`] gathers what can be proven; [`Writer`] writes a new, healthy file.
//!
//! Nothing here trusts a number of the file: every page is claimed once, so that every walk ends,
//! and nothing is allocated before it is there.
//!
//! ```
//! use bolt::Db;
//! use view::View;
//!
//! let opened = Db::open(View::new(b""));
//! assert!(opened.db.is_none());
//! assert_eq!(opened.faults[0].what.code().name, "bolt/empty-file");
//! ```

mod account;
mod affected;
mod at_open;
mod bucket;
mod by_flags;
mod carve;
mod check;
pub mod codes;
mod copy;
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
mod schema;
mod source;
mod space;
mod stale;
mod stats;
pub mod surgery;
mod walk;
mod what;
mod write;

pub use account::{AccountOptions, Area, Content, Line, Piece, Stretch, account};
pub use affected::{Affected, Hit, Range};
pub use at_open::AtOpen;
pub use bucket::{Bucket, Contents, Entry, Value};
pub use by_flags::by_flags;
pub use carve::{
    Bound, Bounds, Carve, CarveOptions, Carved, Confidence, Fragment, FreelistImage, Named, Origin,
    Record, Relic, Spot, Status, Top, Unnamed, Why, relics,
};
pub use check::{
    CheckOptions, CheckReport, Found, Metas, PageRow, PageState, Totals, TreeState, check, metas_of,
};
pub use codes::CODES;
pub use copy::{CopyError, compact};
pub use db::{Db, Opened};
pub use decode::{Body, Page};
pub use diff::{Change, Diff, Differs};
pub use fault::{Fault, KeyRange, Part, What};
pub use find::PageSizeFrom;
pub use meta::{MAGIC, META, Meta, VERSION, fnv1a};
pub use node::{Element, Node, RawElement};
pub use page::{HEADER, Header, Kind, PageId};
pub use salvage::{Action, Choice, Compared, Decision, Gap, Kept, Proof, Salvage, SalvageOptions};
pub use schema::{Contradiction, Counter, Counts, Fit, Keys, Schema, Schemas};
pub use source::PageSource;
pub use stale::{Rule, Stale};
pub use stats::{BucketRoot, Counted, Stats, stats};
pub use walk::{BucketPath, Step, Visit, Walk};
pub use write::{Layout, WriteError, Writer};
