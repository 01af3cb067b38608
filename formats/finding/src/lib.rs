//! What is wrong, where, why, and what to do: findings, reports and their coverage.
//!
//! The words of the house, used by every format and every check:
//!
//! - a [`Fault`] is what one format found wrong in one place of one source;
//! - a [`Finding`] is a fault or a broken rule, addressed to a person;
//! - a [`Code`] is a kind of finding: its stable name, its explanation, its remedy;
//! - [`Known`] keeps what could be read apart from what could not: *unknown is not absent*;
//! - [`Coverage`] says what was read, what was not, and why; every [`Report`] ends with it;
//! - a [`Command`] is what a person may paste, quoted once; a [`Remedy`] is made of them;
//! - [`Text`] is evidence that claims to be text, made harmless whenever it is shown.

mod code;
mod command;
mod count;
mod coverage;
mod fault;
mod fingerprint;
mod known;
mod location;
mod logged;
mod number;
mod refused;
mod remedy;
mod report;
mod size;
mod text;
mod time;
mod unread;

pub use code::{Code, SILENT, Severity};
pub use command::{Command, Draft, program};
pub use count::Count;
pub use coverage::{Abstention, Coverage, SourceNote, UnreadNote};
pub use fault::{AtStart, Because, Fault, Finding};
pub use fingerprint::Fingerprint;
pub use known::{Known, Unknown};
pub use location::{Location, Object, Place};
pub use logged::Logged;
pub use number::{hex_number, hex_option, size_number, size_option};
pub use refused::Refused;
pub use remedy::{Action, Edit, Loss, Remedy, Step};
pub use report::Report;
pub use size::size_text;
pub use text::{Escaped, Text, is_treacherous};
pub use time::{Time, TimeError};
pub use unread::Unread;
