//! What people call things, and what of a node they mean by it.
//!
//! ```text
//! pick        objects of any kind: by name, NAMESPACE/NAME, or how the only one begins
//! blob        an image, as docker shortens names, or a digest of which six digits are enough
//! snapshot    a container's, an image's or its own key; the number of a directory
//! directory   those that nobody owns, too
//! ```
//!
//! A name that means several is never guessed: the answer names them.

mod blob;
mod name;
mod snapshot;

pub use blob::{Target, blob, image, store};
pub use name::{Called, pick};
pub use snapshot::{Picked, container_ids, directory, has_root, pod_names, snapshot};
