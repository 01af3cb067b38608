//! What containerd, its runtimes and their neighbours say in logs, and what it means.
//!
//! One table: `table/` holds the messages that are explained, `texts.tsv` the other texts of their
//! sources, of which only the place is known. `explain` takes a line as it was copied out of a
//! journal, a terminal or a report:
//!
//! 1. the line is peeled: the journal's prefix, klog's head, logfmt, JSON (`peel`(mod@peel));
//! 2. its error chain is split at `: ` outside of quotes and brackets (`chain`(mod@chain));
//! 3. each piece is looked up, in one pass over all texts, and compared from its beginning
//!    (`book`(mod@book)): time is linear in the line;
//! 4. the innermost cause decides (`explain`(mod@explain)); words that many causes have
//!    (`permission denied`, `no space left on device`) never lead to one of them.
//!
//! ```
//! let line = r#"failed to reserve sandbox name "web_apps_0": name "web_apps_0" is reserved for "9d42""#;
//! let explained = messages::explain(line);
//! assert_eq!(explained.head.unwrap().message().unwrap().key, "sandbox-name-reserved");
//! ```

#[cfg(test)]
mod back;
mod book;
mod chain;
mod claim;
mod clear;
mod context;
pub mod corpus;
mod engine;
mod explain;
mod failure;
mod files;
mod hedge;
mod inside;
mod message;
mod object;
mod pattern;
mod peel;
mod place;
mod prefix;
mod reading;
mod scope;
mod speaker;
mod table;
mod text;

pub use explain::{Explained, Head, Layer, LayerKnown, explain};
pub use message::{Component, Message, Role, Sure, Whose};
pub use peel::LINE_LIMIT;
pub use reading::{Kind, Name, NameOf, Owner, Reading, Said, read_line};
pub use table::TABLES;
pub use text::Text;

/// Every message that is explained.
pub fn messages() -> impl Iterator<Item = &'static Message> + Clone {
    TABLES.iter().flat_map(|table| table.iter())
}

/// Every text of which only the place is known.
pub fn texts() -> impl Iterator<Item = &'static Text> {
    text::TEXTS.iter()
}

/// The message of that name.
pub fn message(key: &str) -> Option<&'static Message> {
    let places = place::all()
        .chain(context::FAR.iter())
        .chain([&context::OTHER_UNIT]);
    messages().chain(places).find(|message| message.key == key)
}

/// What daemons say when they meet what `code` names, the most telling first.
pub fn of_code(code: &str) -> impl Iterator<Item = &'static Message> {
    let place = move |message: &&'static Message| {
        message.confirmed_by.iter().position(|name| *name == code)
    };
    let mut found: Vec<_> = messages()
        .filter_map(|message| Some((place(&message)?, message)))
        .collect();
    found.sort_by_key(|(place, _)| *place);
    found.into_iter().map(|(_, message)| message)
}
