//! Archives as streams: members one after the other, read once from front to back.
//!
//! Our own reader, since what matters to an examiner is what others lose: nanoseconds, newlines in
//! extended attributes, the four forms of sparse files, names that are not UTF-8.

pub(crate) mod build;
pub(crate) mod header;
mod member;
pub(crate) mod pax;
mod reader;
mod sparse;

pub use build::pax_record;
pub use member::{Member, What};
pub use reader::{End, Members};
