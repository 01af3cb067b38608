//! The sixteen bytes that every object begins with.

use view::View;

/// Bytes of an object's header.
pub(crate) const HEAD: usize = 16;

/// What an object is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Data,
    Entry,
    /// Field, hash table, entry array, tag: not needed to read entries.
    Other,
}

/// An object's header.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Object {
    pub(crate) kind: Kind,
    /// How a data object's payload is packed: 1 XZ, 2 LZ4, 4 zstd; 0 not at all.
    pub(crate) flags: u8,
    /// Bytes, this header included.
    pub(crate) size: u64,
}

impl Object {
    /// The object that begins with `head`, if it can be one: `room` bytes are left in the file.
    pub(crate) fn read_object_header(head: &[u8], room: u64, is_compact: bool) -> Option<Self> {
        let view = View::new(head);
        let flags = view.u8(1, "flags").ok()?;
        let reserved = head.get(2..8)?;
        let size = view.u64_le(8, "size").ok()?;
        let (kind, least) = match view.u8(0, "type").ok()? {
            1 => (Kind::Data, payload_at(is_compact)),
            2 => (Kind::Other, 40),
            3 => (Kind::Entry, ENTRY_ITEMS),
            4 | 5 => (Kind::Other, 16),
            6 => (Kind::Other, 24),
            7 => (Kind::Other, 64),
            _ => return None,
        };
        let is_flagged = flags == 0 || kind == Kind::Data && matches!(flags, 1 | 2 | 4);
        let is_sane = is_flagged && reserved.iter().all(|byte| *byte == 0);
        (is_sane && size >= least && size <= room).then_some(Self { kind, flags, size })
    }
}

/// Where a data object's payload begins.
pub(crate) const fn payload_at(is_compact: bool) -> u64 {
    if is_compact { 72 } else { 64 }
}

/// Where an entry's list of data objects begins.
pub(crate) const ENTRY_ITEMS: u64 = 64;

/// The next multiple of eight.
pub(crate) const fn aligned(at: u64) -> u64 {
    at.saturating_add(7) & !7
}
