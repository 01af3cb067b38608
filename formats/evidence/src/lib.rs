//! Where bytes come from: a directory, or a tar bundle, never written and never followed out of.

mod budget;
pub mod bundle;
mod content;
mod directory;
mod host;
mod inflate;
mod node;
mod pages;
mod path;
mod source;
mod stat;
mod tar;
mod zframe;

pub use budget::{Budget, Options, WHOLE_COPY};
pub use bundle::manifest::Manifest;
pub use directory::Xattrs;
pub use host::Host;
pub use node::{Evidence, Kind, OpenError};
pub use pages::{Chunk, Chunks, Pages};
pub use source::Source;
pub use stat::{Entry, FileKind, Stat};
