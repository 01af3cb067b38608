//! The header of a journal file.

use serde::Serialize;
use view::{Short, View};

use crate::file::NotJournal;

/// First bytes of the file.
const MAGIC: &[u8] = b"LPKSHHRH";
/// Bytes that every header has.
pub(crate) const SMALLEST: u64 = 208;
/// Bytes of the newest header that is known; a longer one is read as far as it is known.
pub(crate) const LARGEST: usize = 272;

const XZ: u32 = 1;
const LZ4: u32 = 2;
const KEYED: u32 = 4;
const ZSTD: u32 = 8;
const COMPACT: u32 = 16;

/// Whether the file was closed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum State {
    /// Closed, or synced and not written to since.
    Offline,
    /// Being written to, now or when the node died.
    Online,
    /// Closed for good: journald has begun another file.
    Archived,
    /// A number that has no meaning.
    Unknown(u8),
}

/// The header of a journal file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Header {
    /// Whether the file was closed: at 16.
    pub state: State,
    /// The file's id, the key of its hashes: at 24.
    pub file_id: [u8; 16],
    /// The machine's id: at 40.
    pub machine_id: [u8; 16],
    /// The id of the row of numbers that entries have across files: at 72.
    pub seqnum_id: [u8; 16],
    /// Where objects begin: at 88.
    pub size: u64,
    /// Bytes after the header: at 96.
    pub arena: u64,
    /// Where the last object is: at 136.
    pub tail_object: u64,
    /// Entries that the file says it has: at 152.
    pub entries: u64,
    /// Whether hashes are keyed by the file's id.
    pub is_keyed: bool,
    /// Whether entries hold offsets of four bytes.
    pub is_compact: bool,
}

impl Header {
    /// Reads the header from the beginning of a file.
    pub(crate) fn read_journal_header(bytes: &[u8]) -> Result<Self, NotJournal> {
        if !bytes.starts_with(MAGIC) {
            return Err(NotJournal::Magic);
        }
        let header = Self::fields(View::new(bytes)).map_err(|_| NotJournal::Short)?;
        let flags = View::new(bytes).u32_le(12, "incompatible flags");
        let flags = flags.map_err(|_| NotJournal::Short)?;
        let unknown = flags & !(XZ | LZ4 | KEYED | ZSTD | COMPACT);
        if unknown != 0 {
            return Err(NotJournal::Flags(unknown));
        }
        if header.size < SMALLEST {
            return Err(NotJournal::HeaderSize(header.size));
        }
        Ok(Self {
            is_keyed: flags & KEYED != 0,
            is_compact: flags & COMPACT != 0,
            ..header
        })
    }

    fn fields(view: View<'_>) -> Result<Self, Short> {
        Ok(Self {
            state: match view.u8(16, "state")? {
                0 => State::Offline,
                1 => State::Online,
                2 => State::Archived,
                other => State::Unknown(other),
            },
            file_id: id(view, 24)?,
            machine_id: id(view, 40)?,
            seqnum_id: id(view, 72)?,
            size: view.u64_le(88, "header size")?,
            arena: view.u64_le(96, "arena size")?,
            tail_object: view.u64_le(136, "tail object")?,
            entries: view.u64_le(152, "entries")?,
            is_keyed: false,
            is_compact: false,
        })
    }
}

/// Sixteen bytes.
pub(crate) fn id(view: View<'_>, at: u64) -> Result<[u8; 16], Short> {
    view.array(at, "id")
}
