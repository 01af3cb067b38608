//! Preflight: what would happen if containerd were started on this state now.
//!
//! Each step of a start ([`daemon::start`]) is a file here; it looks at the facts of the node and
//! says what the release would meet. The first step that ends the daemon ends the prediction.

mod backends;
mod bbolt;
mod codes;
mod collection;
mod cri;
mod later;
mod live;
mod meta;
mod numbers;
mod overlay;
mod places;
mod predict;
mod preflight;
mod restart;
mod run;
mod sentence;
mod settings;
mod statement;
mod tasks;
mod unit;

pub use codes::CODES;
pub(crate) use codes::findings;
pub use predict::{predict, predictions};
pub use preflight::Preflight;
pub(crate) use sentence::overall;
pub use sentence::{counted, named};
pub(crate) use settings::is_duration;
pub use statement::{Outcome, Prediction, Statement, Target};
