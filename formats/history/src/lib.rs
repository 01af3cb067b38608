//! meta.db, object by object, and what each of them was before.
//!
//! ```text
//! Objects     every object of a kind: its record as JSON, where it stands
//! Histories   the versions of one: in the tree in use, in the one before, on pages that no tree
//!             has; what changed from each to the next
//! ```

mod changes;
mod history;
mod objects;

pub use changes::{Change, changes};
pub use history::{Found, Histories, History, Presence, Tree, Version};
pub use objects::{Object, Objects};
