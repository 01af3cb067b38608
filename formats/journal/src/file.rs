//! A journal file: opened, passed over, and asked for entries.

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

use finding::Unread;
use view::View;

use crate::bytes::{Blocks, Bytes};
use crate::data;
use crate::entry::{Entry, Field, Found};
use crate::header::{Header, LARGEST};
use crate::object::{ENTRY_ITEMS, HEAD, Kind, Object, payload_at};

pub use crate::scan::Scanned;

/// Why a file is not read as a journal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NotJournal {
    /// It does not begin with `LPKSHHRH`.
    Magic,
    /// It ends before its header does.
    Short,
    /// It says that it cannot be read without knowing these flags.
    Flags(u32),
    /// Its header has a size that no header has.
    HeaderSize(u64),
    /// It cannot be read.
    Unread(Unread),
}

impl fmt::Display for NotJournal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Magic => f.write_str("it does not begin with LPKSHHRH: it is not a journal"),
            Self::Short => f.write_str("it ends within its header"),
            Self::Flags(flags) => write!(
                f,
                "its incompatible flags {flags:#x} are not known: a newer systemd wrote it"
            ),
            Self::HeaderSize(size) => write!(f, "its header says that it is {size} bytes long"),
            Self::Unread(unread) => write!(f, "it {unread}"),
        }
    }
}

impl std::error::Error for NotJournal {}

/// Most fields of an entry; journald keeps to 1,024.
pub(crate) const FIELDS: u64 = 4_096;
/// Most bytes of a data object as it is stored.
const STORED: u64 = 64 << 20;
/// Fields that are kept, since nearly every entry has them: units, programs, boots.
const KEPT: usize = 4_096;
/// Bytes of a value that is kept.
const SMALL: usize = 256;

/// A journal file.
#[derive(Debug)]
pub struct Journal<B> {
    pub(crate) bytes: B,
    pub(crate) header: Header,
}

impl<B: Bytes> Journal<B> {
    /// Reads the header.
    pub fn open(bytes: B) -> Result<Self, NotJournal> {
        let mut start = vec![0; LARGEST];
        let count = bytes.read_at(0, &mut start).map_err(NotJournal::Unread)?;
        start.truncate(count);
        let header = Header::read_journal_header(&start)?;
        Ok(Self { bytes, header })
    }

    /// The header.
    pub const fn header(&self) -> &Header {
        &self.header
    }

    /// Gives entries with their fields.
    pub fn reader(&self, limit: usize) -> Reader<'_, B> {
        Reader {
            journal: self,
            blocks: Blocks::new(&self.bytes),
            kept: HashMap::new(),
            limit,
        }
    }
}

/// Gives entries of a file with their fields.
#[derive(Debug)]
pub struct Reader<'j, B> {
    journal: &'j Journal<B>,
    blocks: Blocks<'j, B>,
    kept: HashMap<u64, Arc<Field>>,
    limit: usize,
}

impl<B: Bytes> Reader<'_, B> {
    /// The entry that was found there.
    pub fn entry(&mut self, found: &Found) -> Result<Entry, Unread> {
        let mut entry = Entry {
            found: *found,
            fields: Vec::new(),
            lost: 0,
        };
        for at in self.items(found.at)? {
            match self.field(at)? {
                Some(field) => entry.fields.push(field),
                None => entry.lost = entry.lost.saturating_add(1),
            }
        }
        Ok(entry)
    }

    /// Where the data objects of the entry at `at` are.
    fn items(&mut self, at: u64) -> Result<Vec<u64>, Unread> {
        let Some((object, _)) = self.object(at)? else {
            return Ok(Vec::new());
        };
        let mut stored = Vec::new();
        let step = if self.journal.header.is_compact {
            4
        } else {
            16
        };
        let room = object.size.saturating_sub(ENTRY_ITEMS);
        let room = room.min(FIELDS.saturating_mul(step));
        let count = usize::try_from(room).unwrap_or(0);
        let from = at.saturating_add(ENTRY_ITEMS);
        self.blocks.append(from, count, &mut stored)?;
        Ok(items(&stored, self.journal.header.is_compact).collect())
    }

    fn object(&mut self, at: u64) -> Result<Option<(Object, Vec<u8>)>, Unread> {
        let mut head = Vec::with_capacity(24);
        self.blocks.append(at, 24, &mut head)?;
        let room = self.journal.bytes.length().saturating_sub(at);
        let first = head.get(..HEAD).unwrap_or_default();
        let object = Object::read_object_header(first, room, self.journal.header.is_compact);
        Ok(object.map(|object| (object, head)))
    }

    fn field(&mut self, at: u64) -> Result<Option<Arc<Field>>, Unread> {
        if let Some(field) = self.kept.get(&at) {
            return Ok(Some(Arc::clone(field)));
        }
        let Some((object, head)) = self.object(at)?.filter(|(object, _)| {
            object.kind == Kind::Data && object.size <= STORED && at.trailing_zeros() >= 3
        }) else {
            return Ok(None);
        };
        let hash = View::new(&head).u64_le(16, "hash").unwrap_or(0);
        let start = payload_at(self.journal.header.is_compact);
        let size = object.size.saturating_sub(start);
        // Beyond the limit nothing of a plain payload is looked at.
        let wanted = if object.flags == 0 {
            size.min(
                u64::try_from(self.limit)
                    .unwrap_or(u64::MAX)
                    .saturating_add(1),
            )
        } else {
            size
        };
        let mut stored = Vec::new();
        let count = usize::try_from(wanted).unwrap_or(0);
        if !self
            .blocks
            .append(at.saturating_add(start), count, &mut stored)?
        {
            return Ok(None);
        }
        let header = &self.journal.header;
        let Ok(payload) = data::payload(header, object.flags, hash, &stored, self.limit) else {
            return Ok(None);
        };
        let Some(equals) = payload.bytes.iter().position(|byte| *byte == b'=') else {
            return Ok(None);
        };
        let (name, value) = payload.bytes.split_at(equals);
        let field = Arc::new(Field {
            name: name.to_vec(),
            value: value.get(1..).unwrap_or_default().to_vec(),
            is_sound: payload.is_sound,
        });
        // What differs from entry to entry is not asked for again.
        let is_once = name == b"MESSAGE" || name.ends_with(b"_TIMESTAMP");
        if payload.bytes.len() <= SMALL && !is_once {
            if self.kept.len() >= KEPT {
                self.kept.clear();
            }
            self.kept.insert(at, Arc::clone(&field));
        }
        Ok(Some(field))
    }
}

/// The offsets in an entry's list.
pub(crate) fn items(list: &[u8], is_compact: bool) -> impl Iterator<Item = u64> + '_ {
    let step = if is_compact { 4 } else { 16 };
    list.chunks_exact(step).map(move |item| {
        let view = View::new(item);
        if is_compact {
            view.u32_le(0, "data object").map_or(0, u64::from)
        } else {
            view.u64_le(0, "data object").unwrap_or(0)
        }
    })
}
