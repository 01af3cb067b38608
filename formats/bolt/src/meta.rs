//! The two metas: where the tree, the freelist and the end of the file are.

use serde::Serialize;
use view::{Short, Span, View};

use crate::{
    fault::{Fault, What},
    page::{HEADER, Header, Kind, PageId},
};

/// `common.Magic`; the bytes are `ED DA 0C ED` in a little-endian file.
pub const MAGIC: u32 = 0xED0C_DAED;
/// `common.Version`: the only one there ever was.
pub const VERSION: u32 = 2;
/// Bytes of a meta behind the page header.
pub const META: u64 = 64;
/// Bytes that its checksum covers.
const COVERED: u64 = 56;
/// Smallest page size that is looked for.
pub(crate) const SMALLEST_PAGE: u64 = 1 << 10;
/// Largest page size that is looked for.
pub(crate) const LARGEST_PAGE: u64 = 1 << 16;

/// One meta, as it stands (`internal/common/meta.go`, `type Meta`), at `+0x10` of pages 0 and 1.
///
/// ```text
/// 0       4         8           12      16           24
/// | magic | version | page size | flags | root: page | root: sequence |
/// 32              40                 48            56
/// | freelist page | high-water mark  | txid        | checksum |
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Meta {
    /// Which of the two: 0 or 1.
    pub slot: u64,
    /// The page's header.
    pub header: Header,
    /// `+0x10`: [`MAGIC`].
    pub magic: u32,
    /// `+0x14`: [`VERSION`].
    pub version: u32,
    /// `+0x18`: bytes of a page.
    pub page_size: u32,
    /// `+0x1c`: zero; `bbolt surgery meta update` leaves 4 here.
    pub flags: u32,
    /// `+0x20`: root page of the root bucket.
    pub root: PageId,
    /// `+0x28`: sequence of the root bucket.
    pub sequence: u64,
    /// `+0x30`: page of the freelist, or [`PageId::NO_FREELIST`].
    pub freelist: PageId,
    /// `+0x38`: the first page that was never handed out.
    pub high_water: PageId,
    /// `+0x40`: number of the transaction that wrote it.
    pub txid: u64,
    /// `+0x48`: FNV-1a-64 of the 56 bytes before it.
    pub checksum: u64,
    /// What the checksum should be.
    pub computed: u64,
}

impl Meta {
    /// Decodes the meta of slot 0 or 1 whatever its state; `page` starts at the page's header.
    pub fn decode(page: View<'_>, slot: u64) -> Result<Self, Short> {
        let header = Header::read_page_header(page)?;
        let body = page.slice(HEADER, META, "meta")?;
        Ok(Self {
            slot,
            header,
            magic: body.u32_le(0, "meta magic")?,
            version: body.u32_le(4, "meta version")?,
            page_size: body.u32_le(8, "meta page size")?,
            flags: body.u32_le(12, "meta flags")?,
            root: PageId(body.u64_le(16, "root page")?),
            sequence: body.u64_le(24, "root sequence")?,
            freelist: PageId(body.u64_le(32, "freelist page")?),
            high_water: PageId(body.u64_le(40, "high-water mark")?),
            txid: body.u64_le(48, "txid")?,
            checksum: body.u64_le(56, "meta checksum")?,
            computed: fnv1a(body.slice(0, COVERED, "meta")?.bytes()),
        })
    }

    /// The page header and the 64 bytes of the meta, with a checksum that holds.
    pub fn encode(&self) -> Vec<u8> {
        let mut page = self.header.encode();
        let body = self.body();
        page.extend(&body);
        page.extend(fnv1a(&body).to_le_bytes());
        page
    }

    /// The same meta, with a checksum that holds.
    #[must_use]
    pub(crate) fn with_checksum(mut self) -> Self {
        self.computed = fnv1a(&self.body());
        self.checksum = self.computed;
        self
    }

    /// The bytes that the checksum covers.
    fn body(&self) -> Vec<u8> {
        let mut body = Vec::with_capacity(64);
        for word in [self.magic, self.version, self.page_size, self.flags] {
            body.extend(word.to_le_bytes());
        }
        let (root, freelist) = (self.root.0, self.freelist.0);
        for word in [root, self.sequence, freelist, self.high_water.0, self.txid] {
            body.extend(word.to_le_bytes());
        }
        body
    }

    /// What the library checks before it believes a meta: magic, version, checksum, in this order.
    ///
    /// `at` is the offset of the meta's page.
    pub fn validate(&self, at: u64) -> Result<(), Fault> {
        let field = |offset: u64, len: u64| Span::new(at.saturating_add(offset), len);
        let fault = |what, span| Fault::new(what, Some(PageId(self.slot)), span);
        if self.magic == MAGIC.swap_bytes() {
            return Err(fault(What::BigEndian, field(0x10, 4)));
        }
        if self.magic != MAGIC {
            let what = What::MetaMagic { found: self.magic };
            return Err(fault(what, field(0x10, 4)));
        }
        if self.version != VERSION {
            let found = self.version;
            // The checksum tells a version of the future from a damaged number.
            let what = if self.checksum == self.computed {
                What::UnknownVersion { found }
            } else {
                What::MetaVersion { found }
            };
            return Err(fault(what, field(0x14, 4)));
        }
        if self.checksum != self.computed {
            let what = What::MetaChecksum {
                want: self.computed,
                found: self.checksum,
            };
            return Err(fault(what, field(0x48, 8)));
        }
        Ok(())
    }

    /// Whether the freelist was written.
    pub fn is_freelist_synced(&self) -> bool {
        self.freelist != PageId::NO_FREELIST
    }

    /// Whether the page's header is that of a meta (bbolt 1.3.7 and later insist on it).
    pub fn has_own_header(&self) -> bool {
        self.header.id == PageId(self.slot) && self.header.kind() == Some(Kind::Meta)
    }
}

/// Whether files with such pages are read here.
pub(crate) fn is_page_size(bytes: u64) -> bool {
    bytes.is_power_of_two() && (SMALLEST_PAGE..=LARGEST_PAGE).contains(&bytes)
}

/// FNV-1a with 64 bits (`hash/fnv`, `New64a`).
pub fn fnv1a(bytes: &[u8]) -> u64 {
    let mut hash = Fnv::default();
    hash.add(bytes);
    hash.finish()
}

/// [`fnv1a`], piece by piece.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Fnv(u64);

impl Default for Fnv {
    fn default() -> Self {
        Self(0xcbf2_9ce4_8422_2325)
    }
}

impl Fnv {
    /// Goes on with `bytes`.
    pub(crate) fn add(&mut self, bytes: &[u8]) {
        self.0 = bytes.iter().fold(self.0, |hash, byte| {
            (hash ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3)
        });
    }

    /// The hash of all of them.
    pub(crate) const fn finish(self) -> u64 {
        self.0
    }
}
