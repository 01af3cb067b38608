//! Every kind of fault of this crate, with what it means and what to do.

mod bucket;
mod element;
mod file;
mod freelist;
mod meta;
mod page;
mod tree;

use finding::Code;

pub use bucket::*;
pub use element::*;
pub use file::*;
pub use freelist::*;
pub use meta::*;
pub use page::*;
pub use tree::*;

/// What helps where a tree page is broken.
const SALVAGE: &str = "Stop whatever starts the daemon again (systemd, k3s, the kubelet): one that \
    comes up while the file is exchanged goes on with the old one. Do not start it on this file, and \
    do not delete it: copy it away. Then let `coroner bolt salvage FILE -o NEW` write a new database \
    from what can be proven: it names what a start on NEW would lose. `coroner preflight --meta-db NEW \
    -- NODE` says the rest before NEW takes the place of the file; `coroner repair NODE` rebuilds \
    rows from the other stores.";

/// Every code that this crate can give.
pub const CODES: &[&Code] = &[
    &EMPTY_FILE,
    &NOT_BOLT,
    &BIG_ENDIAN,
    &UNKNOWN_VERSION,
    &NO_META,
    &FILE_SHORT,
    &RAGGED_END,
    &UNCOMMITTED,
    &META_MAGIC,
    &META_VERSION,
    &META_CHECKSUM,
    &META_HEADER,
    &META_PAGE_SIZE,
    &META_FLAGS,
    &META_SLOT,
    &META_TXID,
    &META_SLACK,
    &META_ROOT,
    &META_FREELIST,
    &META_HIGH_WATER,
    &PAGE_ID,
    &PAGE_TYPE,
    &PAGE_ZERO,
    &PAGE_OVERFLOW,
    &PAGE_COUNT,
    &PAGE_EMPTY,
    &PAGE_SLACK,
    &PAGE_GARBLED,
    &PAGE_UNREAD,
    &PAGE_RANGE,
    &PAGE_CYCLE,
    &PAGE_SHARED,
    &PAGE_LOST,
    &TREE_DEEP,
    &PREVIOUS_TREE,
    &STALE_ROOT,
    &LOST_WRITE,
    &MANY_GONE,
    &ELEMENT_BOUNDS,
    &VALUE_BOUNDS,
    &VALUE_ZEROES,
    &ELEMENT_OVERLAP,
    &ELEMENT_GAP,
    &ELEMENT_FLAGS,
    &KEY_EMPTY,
    &KEY_LONG,
    &KEY_ORDER,
    &KEY_BEFORE_BRANCH,
    &KEY_AFTER_BRANCH,
    &KEY_PAST_BRANCH,
    &BUCKET_HEADER,
    &BUCKET_FLAG,
    &INLINE_HEADER,
    &INLINE_LENGTH,
    &INLINE_NESTED,
    &INLINE_LARGE,
    &FREELIST_TYPE,
    &FREELIST_COUNT,
    &FREELIST_ID,
    &FREELIST_ORDER,
    &FREELIST_TWICE,
    &FREELIST_SELF,
    &FREE_REACHABLE,
];
