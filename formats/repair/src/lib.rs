//! What it takes to bring a node back: new databases from what is left, judged before they are put in
//! place, and put in place so that it can be undone.
//!
//! ```text
//! node ──Survivors──▶ blobs and documents of the content store
//!      ──Relics─────▶ what a damaged meta.db holds beside its trees
//!      ──complete───▶ Tree: meta.db as it would be      ──mend──▶ without records that stop the daemon
//!      ──Holds──────▶ … and a lease for what a collection would take
//!      ──make───────▶ Plan, and the bytes of its files; nothing is written
//! Plan ──Store::apply──▶ exchanges of names             ──Store::undo──▶ back
//! ```
//!
//! Making a plan reads through `evidence`, as everything does. Writing is a module of its own
//! (`apply`, `disk`): relative to folders that are held open, through no link, across no mount.

mod addresses;
mod apply;
mod backend;
mod complete;
mod containers;
mod copy;
mod disk;
mod docker;
mod donor;
mod drafts;
mod flips;
mod hold;
mod journal;
mod likely;
mod make;
pub mod names;
mod pair;
mod parents;
pub mod plan;
mod pods;
mod records;
mod refuse;
mod release;
mod relics;
mod rows;
mod survivors;
mod tree;
mod unpack;

pub use apply::{Done, Failed, Kept, Store};
pub use complete::{Added, NewImage, Wants, complete};
pub use containers::specs;
pub use copy::Copied;
pub use donor::Donor;
pub use hold::{Holds, LEASE};
pub use make::{Made, Refused, Request, Told, logged_of, make, names_of};
pub use records::{Edit, mend};
pub use refuse::{Ground, Purpose, foreseen};
pub use release::{HeldThing, held};
pub use relics::Relics;
pub use survivors::{Held, Survivors};
pub use tree::{Item, Tree};
