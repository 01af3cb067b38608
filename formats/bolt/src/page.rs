//! Page ids and the 16-byte header of every page.

use core::fmt;

use serde::{Serialize, Serializer};
use view::{Short, View};

/// Bytes of a page header; elements start right behind it.
pub const HEADER: u64 = 16;

/// The number of a page: page N stands at byte N × page size.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PageId(pub u64);

impl PageId {
    /// In a meta: the freelist was not written (`NoFreelistSync`); `common.PgidNoFreelist`.
    pub const NO_FREELIST: Self = Self(u64::MAX);

    /// Offset of the page's first byte in the file.
    pub const fn at(self, page_size: u64) -> u64 {
        self.0.saturating_mul(page_size)
    }
}

impl fmt::Display for PageId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

impl Serialize for PageId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        finding::size_number(&self.0, serializer)
    }
}

/// What a page holds, from its flags; exactly one bit may be set.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// `0x01`: keys and the pages below them.
    Branch,
    /// `0x02`: keys and values, or keys and buckets.
    Leaf,
    /// `0x04`: one of the two metas.
    Meta,
    /// `0x10`: ids of free pages.
    Freelist,
}

impl Kind {
    /// From the flags of a header, if they name exactly one kind.
    pub(crate) const fn from_flags(flags: u16) -> Option<Self> {
        match flags {
            0x01 => Some(Self::Branch),
            0x02 => Some(Self::Leaf),
            0x04 => Some(Self::Meta),
            0x10 => Some(Self::Freelist),
            _ => None,
        }
    }

    /// The flags that name it.
    pub const fn flags(self) -> u16 {
        match self {
            Self::Branch => 0x01,
            Self::Leaf => 0x02,
            Self::Meta => 0x04,
            Self::Freelist => 0x10,
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Branch => "branch",
            Self::Leaf => "leaf",
            Self::Meta => "meta",
            Self::Freelist => "freelist",
        })
    }
}

/// The header of a page, as it stands (`internal/common/page.go`, `type Page`).
///
/// ```text
/// 0                8       10      12              16
/// | id: u64        | flags | count | overflow: u32 |
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Header {
    /// `+0x0`: must be the page's own number.
    pub id: PageId,
    /// `+0x8`: one of [`Kind`].
    pub flags: u16,
    /// `+0xa`: number of elements; of a freelist, ids, or 0xFFFF.
    pub count: u16,
    /// `+0xc`: number of further pages without a header that belong to this one.
    pub overflow: u32,
}

impl Header {
    /// Reads the header at the start of `page`.
    pub fn read_page_header(page: View<'_>) -> Result<Self, Short> {
        let head = page.slice(0, HEADER, "page header")?;
        Ok(Self {
            id: PageId(head.u64_le(0, "page id")?),
            flags: head.u16_le(8, "page flags")?,
            count: head.u16_le(10, "page count")?,
            overflow: head.u32_le(12, "page overflow")?,
        })
    }

    /// That of a meta page, which stands alone.
    pub(crate) fn of_meta(slot: u64) -> Self {
        Self {
            id: PageId(slot),
            flags: Kind::Meta.flags(),
            count: 0,
            overflow: 0,
        }
    }

    /// Its 16 bytes.
    pub fn encode(&self) -> Vec<u8> {
        let mut bytes = self.id.0.to_le_bytes().to_vec();
        bytes.extend(self.flags.to_le_bytes());
        bytes.extend(self.count.to_le_bytes());
        bytes.extend(self.overflow.to_le_bytes());
        bytes
    }

    /// What the flags say.
    pub const fn kind(&self) -> Option<Kind> {
        Kind::from_flags(self.flags)
    }

    /// Number of pages that it covers, itself included.
    pub fn pages(&self) -> u64 {
        u64::from(self.overflow).saturating_add(1)
    }
}
