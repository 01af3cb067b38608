//! config.toml as a daemon of each release takes it: merged, migrated, and what of it is known.
//!
//! ```text
//! 1.6, 1.7   the table of a plugin in a later file takes the place of the whole table of an earlier
//!            one; lists add up; "" and 0 at the top say nothing; version 1 names plugins shortly,
//!            and so does a file without a version
//! 2.x        tables are merged key by key, lists in them are replaced; files of version 0 and 1 get
//!            long names when they are read; then the whole is migrated from the version that the
//!            last file named: what has a table of version 3 already keeps it
//! ```
//!
//! All of it was compared with `containerd config dump` of the real programs. What keys and plugins
//! there are was asked of them, too (`testdata/make/settings`), and stands in `known/`.

mod effective;
mod known;
mod migrate;

pub use effective::{Effective, effective};
pub use known::{Known, Looked, known};
