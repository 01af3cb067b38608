//! Windows into bytes that cannot panic, and an account of who claimed them.
//!
//! Everything that coroner reads is hostile until proven otherwise, so no parser indexes a slice:
//! it asks a [`View`] for a named field and gets the value, or a [`Short`] that says which field,
//! where, how much was needed and how much there was.
//!
//! ```
//! use view::View;
//! let page = View::new(&[0x05, 0, 0, 0, 0, 0, 0, 0, 0x02, 0]);
//! assert_eq!(page.u64_le(0, "page id"), Ok(5));
//! assert_eq!(page.u16_le(8, "page flags"), Ok(2));
//! let short = page.u32_le(8, "page overflow").unwrap_err();
//! assert_eq!(short.to_string(), "page overflow at 0x8 needs 4 bytes, 2 are there");
//! ```
//!
//! A view knows its place in its source: [`View::slice`] keeps absolute offsets, so every error
//! and every [`Span`] can be looked up in a hex dump of the file.

mod claims;
mod meter;
mod span;
mod varint;
mod window;

pub use claims::{Claims, Overlap};
pub use meter::Meter;
pub use span::Span;
pub use varint::uvarint;
pub use window::{Short, View};
