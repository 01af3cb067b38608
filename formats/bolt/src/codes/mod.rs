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
const SALVAGE: &str = "Stop what restarts the daemon (systemd, k3s, the kubelet): a daemon that starts while the file \
    is replaced keeps using the old file. Do not start the daemon on this file. Do not delete the \
    file: copy it first. Run `coroner repair NODE` first: it rebuilds rows from the other stores. For the file alone \
    there is `coroner bolt salvage FILE -o NEW`: it writes a new database from what can be proven, and names what \
    a start on NEW would lose; where it would lose something, it writes only with --accept-loss. Before you \
    replace the file with NEW, run `coroner preflight --meta-db NEW -- NODE`.";

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
