//! systemd's journal files: entries and fields, read from the first object to the last.
//!
//! ```text
//! header       "LPKSHHRH", flags, state, ids, where the arena ends            208 to 272 bytes
//! objects      one after another, each begins at a multiple of 8:
//!   +0  u8     type: 1 data, 2 field, 3 entry, 4 and 5 hash tables, 6 entry array, 7 tag
//!   +1  u8     flags: 1 XZ, 2 LZ4, 4 zstd (of data)
//!   +8  u64    size, this header included
//! data         +16 hash of the payload, +64 (compact: +72) "NAME=value"
//! entry        +16 seqnum, +24 realtime and +32 monotonic in microseconds, +40 boot id,
//!              +64 the data objects: offset and hash, 16 bytes each (compact: offset, 4 bytes)
//! ```
//!
//! All numbers are little-endian. Upstream: `src/libsystemd/sd-journal/journal-def.h`.
//!
//! The journal's own indexes are not used: objects lie one after another, so one pass from front to
//! back finds every entry that is still whole, in a file that was cut, too, where the indexes lead
//! nowhere. Where an object's size makes no sense, the next place that looks like an object is
//! sought. Each data object carries the hash of its payload, which nobody checks when reading; here
//! it is ([`Field::is_sound`]).
//!
//! ```
//! use journal::{Journal, NotJournal};
//! let nothing = Journal::open(vec![0_u8; 300]);
//! assert_eq!(nothing.err(), Some(NotJournal::Magic));
//! ```

mod bytes;
mod data;
mod entry;
mod file;
mod hash;
mod header;
mod merge;
mod object;
mod scan;

pub use bytes::{Bytes, Held};
pub use entry::{Entry, Field, Found};
pub use file::{Journal, NotJournal, Reader, Scanned};
pub use header::{Header, State};
pub use merge::{Merged, Placed, merge};
pub use scan::Wish;
