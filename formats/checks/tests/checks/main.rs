//! What is found in captures, whole, damaged and half there, and what a start of them would do.

#![expect(
    clippy::arithmetic_side_effects,
    clippy::disallowed_methods,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "tests panic where something is wrong"
)]

mod cgroup_driver;
mod config;
mod copied;
mod cut_off;
mod disk;
mod docker;
mod exchanged;
mod forgets;
mod ground;
mod kernel;
mod limits;
mod links;
mod losses;
mod lost_found;
mod opened;
mod order;
mod partial;
mod refused;
mod replaced;
mod rivals;
mod root_disk;
mod runtime;
mod runtime_programs;
mod silent;
mod start;
mod start_kinds;
mod start_live;
mod state_kept;
mod unit;
mod upgrade;
mod ways;
