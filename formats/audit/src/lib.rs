//! The stores of a node, compared with what they should hold.
//!
//! ```text
//! Verified   blobs re-hashed, layers inflated: against the digests that name them
//! Layers     unpacked layers, file by file: against the blobs that they were unpacked from
//! Orphans    directories and rows that nothing owns, how that is known, what becomes of them
//! Image      what an image is made of, and what of it is there
//! ```
//!
//! All of these read much, are given a [`measure::Control`] for that, and say what they could not
//! read. Nothing asks or prints here: `examples/orphans.rs` is a program of forty lines that does.

mod blobs;
mod image;
mod layers;
mod orphans;
mod sample;

pub use blobs::{Bad, BlobWork, BlobsRead, Chain, Inflated, Sample, Unchecked, Verified, Wish};
pub use image::{Image, Part, PartLink};
pub use layers::{Layer, LayerWork, Layers};
pub use orphans::{Lacks, Orphan, Orphans};
pub use sample::Percent;
