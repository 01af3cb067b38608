//! A whole node: where its stores are, all of them opened, and how they refer to each other.
//!
//! ```text
//! Evidence ──discover──▶ Roots (root, state, config, why)
//!          ──Node::open─▶ meta.db        Database<MetaDb>
//!                         snapshotters   Snapshotter { Database<Backend>, Layout }
//!                         content        Known<content::Store>, documents of every image
//!                         runtime        Known<runc::Runtime>
//!                         mounts         Database<Mounts> (2.2 and later)
//!                         disks          Disks: devices, room, flags of inodes
//!                         network        Network: CNI configurations, programs, results, leases
//!                         pods           PodFiles: folders of logs
//!                         programs       RuntimePrograms: shims and runtimes, whether they can be run
//!                         processes      those that ran, where the evidence has them
//!                         traces         which release wrote all this
//! ```
//!
//! A node holds facts only; `checks` judge them. Whatever could not be read is in its coverage,
//! and in the [`Known`](finding::Known) of the store concerned.

mod beyond;
mod chain;
mod clients;
pub mod config;
mod config_lines;
mod cores;
mod data_dir;
mod database;
mod discover;
mod disks;
mod distribution;
mod docker;
pub mod graph;
mod hints;
mod image;
mod kernel;
mod left_out;
pub mod lost_found;
mod manifest;
pub mod mountpoints;
pub mod network;
mod nri;
mod open;
mod pods;
mod program;
mod registries_yaml;
mod registry;
mod registry_files;
mod repaired;
mod runtime_programs;
mod scan;
mod settings;
mod snapshotter;
mod steady;
mod surroundings;
mod sysctl;
mod times;
mod traces;
mod unit;
mod unit_keys;
mod units;
mod whose;

pub use chain::{Chain, ChainError, Layer, SeenAs};
pub use clients::{Client, is_of_client};
pub use cores::{CoreFile, Cores};
pub use database::{Database, DatabaseFacts, DatabaseState, Headers};
pub use discover::{META_DIR, Roots, Rule, Said, discover, is_root, usual_place};
pub use disks::{Disks, Place};
pub use docker::Docker;
pub use hints::hints;
pub use image::{Documents, Need, Wanted};
pub use kernel::{Kernel, Overlay};
pub use manifest::{Absent, BlobState, Manifest, manifests};
pub use mountpoints::{MountKind, MountPoint};
pub use network::Network;
pub use nri::Nri;
pub use open::{CONTENT_DIR, DOCKER_NAMESPACE, Node, Options, learn, path_text, stored_processes};
pub use pods::PodFiles;
pub use program::{Program, program_places, programs};
pub use registries_yaml::{RegistriesYaml, Yaml};
pub use registry::{BadHosts, Registries, is_url};
pub use registry_files::BadFile;
pub use repaired::{Phase, QUARANTINE, REPAIR_JOURNAL, REPAIR_STATE, phase_of, plan_file};
pub use runtime_programs::{
    Look, Role, RuntimeProgram, RuntimePrograms, Wanted as WantedProgram, shim_program,
};
pub use scan::{Below, below, below_of};
pub use settings::{Scalar, Setting, Settings};
pub use snapshotter::Snapshotter;
pub use steady::{Copied, steady};
pub use surroundings::{CNI_FOLDER, Surroundings};
pub use traces::Traces;
pub use unit::{UNIT_FOLDERS, Unit};
pub use unit_keys::Others as UnitOthers;
pub use units::{CONTROL, KnownUnit, Units, is_one_of_several, may_be_in_use, reload, unit_names};
pub use whose::{Misplaced, Stranger};
