//! JSON as it stands on disk: every value with its place, and whatever stands before a damage.
//!
//! A `state.json` that was cut in the middle still tells the pid and the start time in most cases,
//! so this reader keeps what it has read when it meets a damage, and says where that is. It needs
//! no recursion, keeps numbers as they are written (a start time in clock ticks does not fit a
//! double), names that come twice and names that nobody knows, and bounds depth and number of
//! values. What Go's `encoding/json` would make of a value, [`Node::field`], [`Node::go_kind`] and
//! [`Node::go_type`] tell.
//!
//! ```
//! let document = json::Document::parse(view::View::new(br#"{"pid": 12, "PID": 13, "more": {"#));
//! assert_eq!(document.flaws, [json::Flaw::Ends { at: 32 }]);
//! let root = document.root.unwrap();
//! let pid = root.field("pid").unwrap();
//! assert_eq!((pid.integer(), pid.span.start), (Some(13), 19));
//! ```

mod flaw;
mod go;
mod reader;
mod value;

pub use flaw::Flaw;
pub use reader::Document;
pub use value::{Member, Node, Value};

/// How deep arrays and objects may stand in each other. Real documents need ten or so.
pub const DEPTH: usize = 128;

/// How many values one document may have. A large seccomp profile or index has some thousands.
pub const VALUES: usize = 1 << 20;
