//! Real files, whole and damaged.
#![expect(
    clippy::arithmetic_side_effects,
    clippy::disallowed_methods,
    clippy::as_conversions,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "tests read their own data"
)]

mod account;
mod carve;
mod cases;
mod churn;
mod good;
mod healthy;
mod holes;
mod hostile;
mod lost;
mod matrix;
mod opens;
mod property;
mod salvage;
mod single;
mod stale;
mod stats;
mod surgery;
mod testdata;
mod torn;
mod two_roots;
mod writes;
