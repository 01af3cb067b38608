//! What it takes to bring a node back.

mod apply;
mod complete;
mod containers;
mod disk;
mod hold;
mod journal;
mod make;
pub mod names;
pub mod plan;
mod records;
mod refuse;
mod survivors;
mod tree;

pub use apply::{Done, Failed, Store};
pub use complete::{Added, NewImage, Wants, complete};
pub use containers::specs;
pub use hold::{Holds, LEASE};
pub use make::{Made, Refused, Request, make, names_of};
pub use records::{Edit, mend};
pub use survivors::{Held, Survivors};
pub use tree::{Item, Tree};
