//! Everything that can be wrong, and how it is said.

use core::fmt;

use finding::Code;

use crate::{
    codes,
    page::{Kind, PageId},
    stale::Stale,
};

/// Which part of an element.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// Its position.
    Position,
    /// Its key.
    Key,
    /// Its value.
    Value,
}

impl fmt::Display for Part {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Position => "position",
            Self::Key => "key",
            Self::Value => "value",
        })
    }
}

/// What is wrong. One variant a code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(
    missing_docs,
    reason = "each variant is explained by its code; want and found speak"
)]
pub enum What {
    Empty,
    NotBolt,
    BigEndian,
    UnknownVersion {
        found: u32,
    },
    NoMeta,
    TwoTrees {
        root: PageId,
    },
    LaterTree {
        root: PageId,
    },
    FileShort {
        want: u64,
        found: u64,
    },
    RaggedEnd {
        over: u64,
    },
    Uncommitted {
        bytes: u64,
    },
    MetaMagic {
        found: u32,
    },
    MetaVersion {
        found: u32,
    },
    MetaChecksum {
        want: u64,
        found: u64,
    },
    MetaHeader {
        id: PageId,
        flags: u16,
    },
    MetaPageSize {
        want: u64,
        found: u64,
    },
    MetaFlags {
        found: u32,
    },
    MetaSlot {
        txid: u64,
        slot: u64,
    },
    MetaTxid {
        other: u64,
        found: u64,
    },
    MetaSlack {
        found: u8,
    },
    MetaRoot {
        found: PageId,
        end: PageId,
    },
    MetaFreelist {
        found: PageId,
        end: PageId,
    },
    MetaHighWater {
        found: PageId,
    },
    PageId {
        want: PageId,
        found: PageId,
    },
    PageType {
        flags: u16,
    },
    PageZero,
    PageOverflow {
        found: u32,
        room: u64,
    },
    PageCount {
        want: u64,
        found: u64,
    },
    PageEmpty {
        kind: Kind,
    },
    PageSlack {
        found: u8,
    },
    PageGarbled {
        faults: u64,
    },
    PageUnread {
        pages: u64,
    },
    PageRange {
        found: PageId,
        end: PageId,
    },
    PageCycle {
        found: PageId,
    },
    PageReused {
        found: PageId,
    },
    PageShared {
        found: PageId,
    },
    PageLost {
        pages: u64,
    },
    TreeDeep {
        depth: u64,
    },
    PreviousTree {
        faults: u64,
    },
    LostWrite {
        why: Stale,
    },
    StaleRoot {
        is_sure: bool,
    },
    /// The root bucket is not that of the program whose records the file holds.
    ForeignRoot,
    ValueZeroes {
        index: u64,
    },
    ManyGone {
        objects: u64,
    },
    ElementBounds {
        part: Part,
        found: u64,
        room: u64,
    },
    ElementOverlap {
        want: u64,
        found: u64,
    },
    ElementGap {
        want: u64,
        found: u64,
    },
    ElementFlags {
        found: u32,
    },
    KeyEmpty,
    KeyLong {
        found: u64,
    },
    KeyOrder,
    KeyBeforeBranch,
    KeyAfterBranch,
    KeyPastBranch,
    BucketHeader {
        found: u64,
    },
    BucketFlag,
    InlineHeader {
        id: PageId,
        flags: u16,
        overflow: u32,
    },
    InlineLength {
        want: u64,
        found: u64,
    },
    InlineNested,
    InlineLarge {
        limit: u64,
        found: u64,
    },
    FreelistType {
        flags: u16,
    },
    FreelistCount {
        room: u64,
        found: u64,
    },
    FreelistId {
        found: PageId,
        end: PageId,
    },
    FreelistOrder {
        before: PageId,
        found: PageId,
    },
    FreelistTwice {
        found: PageId,
    },
    FreelistSelf {
        found: PageId,
    },
    FreeReachable {
        found: PageId,
    },
}

impl What {
    /// The kind of fault.
    pub const fn code(&self) -> &'static Code {
        match self {
            Self::Empty => &codes::EMPTY_FILE,
            Self::NotBolt => &codes::NOT_BOLT,
            Self::BigEndian => &codes::BIG_ENDIAN,
            Self::UnknownVersion { .. } => &codes::UNKNOWN_VERSION,
            Self::NoMeta => &codes::NO_META,
            Self::FileShort { .. } => &codes::FILE_SHORT,
            Self::RaggedEnd { .. } => &codes::RAGGED_END,
            Self::Uncommitted { .. } => &codes::UNCOMMITTED,
            Self::MetaMagic { .. } => &codes::META_MAGIC,
            Self::MetaVersion { .. } => &codes::META_VERSION,
            Self::MetaChecksum { .. } => &codes::META_CHECKSUM,
            Self::MetaHeader { .. } => &codes::META_HEADER,
            Self::MetaPageSize { .. } => &codes::META_PAGE_SIZE,
            Self::MetaFlags { .. } => &codes::META_FLAGS,
            Self::MetaSlot { .. } => &codes::META_SLOT,
            Self::MetaTxid { .. } => &codes::META_TXID,
            Self::MetaSlack { .. } => &codes::META_SLACK,
            Self::MetaRoot { .. } => &codes::META_ROOT,
            Self::MetaFreelist { .. } => &codes::META_FREELIST,
            Self::MetaHighWater { .. } => &codes::META_HIGH_WATER,
            // Only said of carved pages, never of a tree in use.
            Self::PageId { .. } | Self::PageReused { .. } => &codes::PAGE_ID,
            Self::PageType { .. } => &codes::PAGE_TYPE,
            Self::PageZero => &codes::PAGE_ZERO,
            Self::PageOverflow { .. } => &codes::PAGE_OVERFLOW,
            Self::PageCount { .. } => &codes::PAGE_COUNT,
            Self::PageEmpty { .. } => &codes::PAGE_EMPTY,
            Self::PageSlack { .. } => &codes::PAGE_SLACK,
            Self::PageGarbled { .. } => &codes::PAGE_GARBLED,
            Self::PageUnread { .. } => &codes::PAGE_UNREAD,
            Self::PageRange { .. } => &codes::PAGE_RANGE,
            Self::PageCycle { .. } => &codes::PAGE_CYCLE,
            Self::PageShared { .. } => &codes::PAGE_SHARED,
            Self::PageLost { .. } => &codes::PAGE_LOST,
            Self::TreeDeep { .. } => &codes::TREE_DEEP,
            Self::PreviousTree { .. } => &codes::PREVIOUS_TREE,
            Self::StaleRoot { is_sure: true } | Self::ForeignRoot => &codes::STALE_ROOT,
            Self::LostWrite { .. }
            | Self::LaterTree { .. }
            | Self::TwoTrees { .. }
            | Self::StaleRoot { is_sure: false } => &codes::LOST_WRITE,
            Self::ManyGone { .. } => &codes::MANY_GONE,
            Self::ValueZeroes { .. } => &codes::VALUE_ZEROES,
            Self::ElementBounds {
                part: Part::Value, ..
            } => &codes::VALUE_BOUNDS,
            Self::ElementBounds { .. } => &codes::ELEMENT_BOUNDS,
            Self::ElementOverlap { .. } => &codes::ELEMENT_OVERLAP,
            Self::ElementGap { .. } => &codes::ELEMENT_GAP,
            Self::ElementFlags { .. } => &codes::ELEMENT_FLAGS,
            Self::KeyEmpty => &codes::KEY_EMPTY,
            Self::KeyLong { .. } => &codes::KEY_LONG,
            Self::KeyOrder => &codes::KEY_ORDER,
            Self::KeyBeforeBranch => &codes::KEY_BEFORE_BRANCH,
            Self::KeyAfterBranch => &codes::KEY_AFTER_BRANCH,
            Self::KeyPastBranch => &codes::KEY_PAST_BRANCH,
            Self::BucketHeader { .. } => &codes::BUCKET_HEADER,
            Self::BucketFlag => &codes::BUCKET_FLAG,
            Self::InlineHeader { .. } => &codes::INLINE_HEADER,
            Self::InlineLength { .. } => &codes::INLINE_LENGTH,
            Self::InlineNested => &codes::INLINE_NESTED,
            Self::InlineLarge { .. } => &codes::INLINE_LARGE,
            Self::FreelistType { .. } => &codes::FREELIST_TYPE,
            Self::FreelistCount { .. } => &codes::FREELIST_COUNT,
            Self::FreelistId { .. } => &codes::FREELIST_ID,
            Self::FreelistOrder { .. } => &codes::FREELIST_ORDER,
            Self::FreelistTwice { .. } => &codes::FREELIST_TWICE,
            Self::FreelistSelf { .. } => &codes::FREELIST_SELF,
            Self::FreeReachable { .. } => &codes::FREE_REACHABLE,
        }
    }

    /// Whether it is against the rules, and yet hides nothing and tells of nothing that is missing.
    pub(crate) const fn is_harmless(&self) -> bool {
        matches!(self, Self::PageSlack { .. } | Self::InlineLarge { .. })
    }

    /// Whether the newest tree is not what was written.
    pub(crate) const fn is_stale_root(&self) -> bool {
        matches!(self, Self::StaleRoot { is_sure: true } | Self::ForeignRoot)
    }

    /// What should stand there and what does, where both are numbers.
    pub(crate) fn numbers(&self) -> Option<(String, String)> {
        let pair = |want: &dyn fmt::Display, found: &dyn fmt::Display| {
            Some((want.to_string(), found.to_string()))
        };
        match self {
            Self::UnknownVersion { found } | Self::MetaVersion { found } => pair(&2, found),
            Self::MetaMagic { found } => pair(&"0xed0cdaed", &format_args!("{found:#010x}")),
            Self::MetaChecksum { want, found } => pair(
                &format_args!("{want:#018x}"),
                &format_args!("{found:#018x}"),
            ),
            Self::MetaFlags { found } => pair(&0, found),
            Self::PageType { flags } => pair(&"0x1 or 0x2", &format_args!("{flags:#x}")),
            Self::FreelistType { flags } => pair(&"0x10", &format_args!("{flags:#x}")),
            Self::FileShort { want, found }
            | Self::MetaPageSize { want, found }
            | Self::PageCount { want, found }
            | Self::ElementOverlap { want, found }
            | Self::ElementGap { want, found }
            | Self::InlineLength { want, found } => pair(want, found),
            Self::PageId { want, found } => pair(want, found),
            Self::MetaSlack { found } | Self::PageSlack { found } => {
                pair(&"0x00", &format_args!("{found:#04x}"))
            }
            Self::MetaRoot { found, end }
            | Self::MetaFreelist { found, end }
            | Self::PageRange { found, end }
            | Self::FreelistId { found, end } => pair(&format_args!("2 to before {end}"), found),
            Self::ElementFlags { found } => pair(&"0 or 1", &format_args!("{found:#x}")),
            Self::ElementBounds { room, found, .. } | Self::FreelistCount { found, room } => {
                pair(&format_args!("at most {room}"), found)
            }
            Self::PageOverflow { found, room } => pair(&format_args!("at most {room}"), found),
            Self::InlineLarge { found, limit } => pair(&format_args!("at most {limit}"), found),
            Self::BucketHeader { found } => pair(&"at least 16", found),
            Self::KeyLong { found } => pair(&"at most 32768", found),
            Self::FreelistOrder { before, found } => pair(&format_args!("above {before}"), found),
            _ => None,
        }
    }
}

impl fmt::Display for What {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::FileShort { want, found } => {
                write!(
                    f,
                    "the file has {found} bytes, its pages in use need {want}"
                )
            }
            Self::RaggedEnd { over } => {
                write!(
                    f,
                    "there are {over} bytes after the last whole page of the file"
                )
            }
            Self::Uncommitted { bytes } => {
                write!(
                    f,
                    "there are data in the {bytes} bytes past the high-water mark"
                )
            }
            Self::MetaHeader { id, flags } => write!(
                f,
                "the header before the meta says page {id}, flags {flags:#x}"
            ),
            Self::MetaSlot { txid, slot } => {
                write!(f, "the meta of transaction {txid} is in slot {slot}")
            }
            Self::MetaTxid { other, found } => write!(
                f,
                "the metas are of transactions {other} and {found}, which do not follow each other"
            ),
            Self::MetaRoot { found, .. } => write!(f, "the meta names root page {found}"),
            Self::MetaFreelist { found, .. } => write!(f, "the meta names freelist page {found}"),
            Self::MetaHighWater { found } => {
                write!(f, "the high-water mark {found} cannot be")
            }
            Self::PageId { want, found } => {
                write!(f, "page {want} says that it is page {found}")
            }
            Self::PageOverflow { found, .. } => {
                write!(
                    f,
                    "the page goes on for {found} further pages, past the end"
                )
            }
            Self::PageCount { want, found } => {
                write!(
                    f,
                    "the page says {found} elements, the first key's place says {want}"
                )
            }
            Self::PageEmpty { kind } => write!(f, "the {kind} page has no elements"),
            Self::PageGarbled { faults } => {
                write!(f, "the page has {faults} faults; the first ones are listed")
            }
            Self::PageUnread { pages } => write!(f, "{pages} pages could not be read"),
            Self::PageRange { found, .. } => write!(f, "the tree points to page {found}"),
            Self::PageCycle { found } => write!(f, "the tree points back to page {found}"),
            Self::PageReused { found } => write!(f, "page {found} was used again since"),
            Self::PageShared { found } => write!(f, "page {found} is reached a second time"),
            Self::LaterTree { root } => write!(
                f,
                "the tree at page {root} is several transactions later than the metas: the file was copied while \
                 a program wrote to it, and pages of its tree are later ones"
            ),
            Self::TwoTrees { root } => write!(
                f,
                "the tree at page {root} makes up the file as well, and nothing tells which is the newer one"
            ),
            Self::PageLost { pages: 1 } => write!(f, "the page is neither in use nor free"),
            Self::PageLost { pages } => {
                write!(f, "{pages} pages from here on are neither in use nor free")
            }
            Self::TreeDeep { depth } => write!(f, "the tree is more than {depth} levels deep"),
            Self::PreviousTree { faults: 0 } => write!(
                f,
                "the tree of the transaction before was overwritten by one that was not finished, or the last one \
                 never arrived and this is an older one"
            ),
            Self::PreviousTree { faults: 1 } => {
                write!(f, "the tree of the transaction before has a fault")
            }
            Self::PreviousTree { faults } => {
                write!(f, "the tree of the transaction before has {faults} faults")
            }
            Self::LostWrite { why } => {
                write!(
                    f,
                    "{}: a page seems to be of an older transaction",
                    why.stale_text()
                )?;
                if *why == Stale::Held {
                    f.write_str(", or a reader of one held this page")?;
                }
                Ok(())
            }
            Self::StaleRoot { is_sure: true } => f.write_str(
                "the page is of an older transaction: the tree below it is not what the last \
                 transaction wrote, and the tree of the transaction before is whole",
            ),
            Self::ForeignRoot => f.write_str(
                "the root bucket is not one of the program whose records the file holds: the page is of an older \
                 transaction, or the file is put together from two copies",
            ),
            Self::StaleRoot { is_sure: false } => f.write_str(
                "the root buckets of the two trees have no key in common: one of the trees is not \
                 what its transaction wrote",
            ),
            Self::ValueZeroes { index } => write!(
                f,
                "a whole page in the value of element {index} is zeroes: it may be what a lost write left"
            ),
            Self::ManyGone { objects } => {
                write!(
                    f,
                    "the last transaction removed {objects} objects, this one among them"
                )
            }
            Self::ElementBounds { part, .. } => {
                write!(f, "the {part} of the element leads out of the page")
            }
            Self::InlineHeader {
                id,
                flags,
                overflow,
            } => write!(
                f,
                "the inline page says page {id}, flags {flags:#x}, overflow {overflow}"
            ),
            Self::FreelistId { found, .. } => write!(f, "the freelist names page {found}"),
            Self::FreelistTwice { found } => write!(f, "the freelist names page {found} twice"),
            Self::FreelistSelf { found } => {
                write!(f, "the freelist names page {found}, in which it is stored")
            }
            Self::FreeReachable { found } => {
                write!(f, "page {found} is in use and on the freelist")
            }
            other => f.write_str(other.code().title),
        }
    }
}
