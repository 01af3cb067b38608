//! An entry, and its fields.

use std::sync::Arc;

use finding::Time;

/// Where an entry is, and when it was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Found {
    /// Offset of the entry object.
    pub at: u64,
    /// Its number in the row of the file's `seqnum_id`.
    pub seqnum: u64,
    /// When journald wrote it: microseconds since 1970.
    pub realtime: u64,
    /// The same, since the boot: microseconds.
    pub monotonic: u64,
    /// Which boot.
    pub boot: [u8; 16],
}

impl Found {
    /// When journald wrote it.
    pub fn time(&self) -> Time {
        let seconds = self.realtime.checked_div(1_000_000).unwrap_or(0);
        let micros = self.realtime.checked_rem(1_000_000).unwrap_or(0);
        Time::new(
            i64::try_from(seconds).unwrap_or(i64::MAX),
            u32::try_from(micros.saturating_mul(1000)).unwrap_or(0),
        )
    }
}

/// A field of an entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Field {
    /// Its name: `MESSAGE`, `_PID`. Programs choose it, too.
    pub name: Vec<u8>,
    /// Its value, up to the limit that was asked for.
    pub value: Vec<u8>,
    /// Whether it is what its hash says; nothing if the value was cut at the limit.
    pub is_sound: Option<bool>,
}

/// An entry with its fields.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Where and when.
    pub found: Found,
    /// Its fields, as the entry lists them; a name may come more than once.
    pub fields: Vec<Arc<Field>>,
    /// Fields that could not be read.
    pub lost: usize,
}

impl Entry {
    /// The first value of that name.
    pub fn value(&self, name: &str) -> Option<&[u8]> {
        let field = self
            .fields
            .iter()
            .find(|field| field.name == name.as_bytes());
        field.map(|field| field.value.as_slice())
    }

    /// Whether no field contradicts its hash.
    pub fn is_sound(&self) -> bool {
        self.fields
            .iter()
            .all(|field| field.is_sound != Some(false))
    }
}
