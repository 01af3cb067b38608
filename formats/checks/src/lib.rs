//! Judgement: every check of coroner, one file a family, one line each in [`CHECKS`].
//!
//! A check is a kind of finding ([`Code`]), the facts that must be known *whole* before it may
//! speak, and a function over a [`Node`]. It opens no file: a fact that is missing makes it
//! abstain, and the report says so. To add one: write it in the file of its family, add its line
//! to `CHECKS`, and a case that provokes it.

mod affected;
mod blob;
mod bundle_files;
mod cgroup_driver;
mod clients;
mod cni_conf;
mod cni_file;
mod cni_in_use;
mod cni_lease;
mod cni_range;
mod cni_refused;
mod cni_result;
mod cni_use;
mod config;
mod container;
mod container_incomplete;
mod container_restart;
mod container_snapshot;
mod cores;
mod cri;
mod cri_files;
mod cri_lease;
mod cri_places;
mod cri_pod;
mod daemon_cut_off;
mod daemon_elsewhere;
mod daemon_replaced;
mod database;
mod devmapper;
mod disk;
mod docker;
mod garbage;
mod image;
mod image_chain;
mod image_name;
mod image_type;
mod image_unpack;
mod ingest;
mod ingest_bytes;
mod judge;
mod layer;
mod layer_jobs;
mod lease;
mod lease_owner;
mod lost_found;
mod masked;
mod mounts;
mod oom;
mod part;
mod records;
mod registries_yaml;
mod registry;
mod repair;
mod root_disk;
mod root_memory;
mod running;
mod runtime;
mod runtime_programs;
mod runtimes;
mod said;
pub mod salvaged;
mod snapshot;
mod snapshot_backend;
mod snapshot_commit;
mod snapshot_copied;
mod snapshot_dir;
mod snapshot_disagree;
mod snapshot_index;
mod snapshot_label;
mod snapshot_layer;
mod snapshot_name;
mod snapshot_parent;
pub mod start;
mod state_kept;
mod still_open;
mod store;
mod store_elsewhere;
mod store_owner;
mod store_unmounted;
mod unit;
mod unit_limits;
mod verdict;
mod version;
mod ways;

use finding::{Code, Report};
use node::Node;

pub use judge::{Judge, Measured, Need};
pub use layer_jobs::{LayerWithout, Layers, layer_digests, layer_jobs};
pub use part::{NotKnown, Part};
pub use root_disk::first as wrong_root;
pub use running::{Running, running};
pub use said::with_logs;
pub use snapshot_layer::line as layer_line;
pub use verdict::{Start, Verdict, conclude, put_in_order, verdict, with_verdict};
pub use ways::{Forbidding, with_ways};

/// One check.
#[derive(Debug)]
pub struct Check {
    /// The kind of finding that it gives.
    pub code: &'static Code,
    /// Facts that must be known whole before it may conclude anything.
    pub needs: &'static [Need],
    /// Gives its findings to the judge.
    pub run: fn(&mut Judge<'_>),
}

/// Every check, in the order of the docs.
pub const CHECKS: &[&Check] = &[
    // The stores themselves.
    &repair::HALF_WAY,
    &root_disk::NOT_MOUNTED,
    &root_disk::EMPTIED,
    &root_memory::ON_TMPFS,
    &store::ROOT_MISSING,
    &store::STATE_MISSING,
    &state_kept::KEPT,
    &store::META_MISSING,
    &store::META_EMPTY,
    &store::META_BROKEN,
    &store::UNREADABLE,
    &store::BACKEND_BROKEN,
    &store::OTHER_DATABASE,
    &store_elsewhere::ELSEWHERE,
    &daemon_elsewhere::ELSEWHERE,
    &store_owner::CHANGED,
    &disk::SPLIT,
    &disk::IMMUTABLE,
    &disk::FULL,
    &mounts::BROKEN,
    &config::UNUSABLE,
    &config::EMPTY,
    // Records of meta.db.
    &records::VERSION_AHEAD,
    &records::ROOT_BUCKET,
    &records::MIGRATION,
    &records::BLOB_KEY,
    &records::LABEL,
    &records::NAMESPACE_NAME,
    &records::IDENTIFIER,
    // Content.
    &blob::MISSING,
    &blob::SIZE,
    &blob::ALTERED,
    &blob::UNKNOWN,
    &blob::STRAY,
    &blob::DESCRIPTOR,
    &blob::MODE,
    &layer::DAMAGED,
    &layer::DIFF_ID,
    &layer::LABEL,
    &layer::BOMB,
    &layer::ENTRY,
    &ingest::STALE,
    &ingest::DAMAGED,
    &ingest::UNKNOWN,
    &ingest::ROW_ALONE,
    &ingest::REFERENCE,
    &ingest_bytes::COMPLETE,
    &ingest_bytes::BLOCKS,
    // Images and containers.
    &image::TARGET_MISSING,
    &image::CONTENT_MISSING,
    &image::REFERENCE_MISSING,
    &image::DOCUMENT,
    &image_name::ALIAS_WRONG,
    &image_name::ALIAS_MISSING,
    &image_name::TARGETS_DIFFER,
    &image_type::MEDIA_TYPE,
    &image_type::NAME_FORM,
    &image_chain::BROKEN,
    &image_chain::UNREFERENCED,
    &image_unpack::ELSEWHERE,
    &container::IMAGE_GONE,
    &container_incomplete::INCOMPLETE,
    &container_restart::LOG_LOST,
    &container_snapshot::SNAPSHOT_GONE,
    &container::SNAPSHOTTER_UNKNOWN,
    &cri::RECORD,
    &cri::NAME_TWICE,
    &cri::SANDBOX_GONE,
    &cri_pod::ADDRESS_LOST,
    &cri_pod::SANDBOX_RECORD,
    &cri_pod::SANDBOX_ALONE,
    &cri_pod::SANDBOXER,
    &cri_lease::SANDBOX_LOST,
    &cri_files::FOLDER_ORPHAN,
    &cri_files::LOG_FOLDER,
    &cri_files::PAUSE_IMAGE,
    &cri_places::IO_MISSING,
    &cri_places::IO_REPLACED,
    &cri_places::POD_FILE,
    &cri_places::BUNDLE_KIND,
    &bundle_files::SPEC_MISSING,
    &bundle_files::INCOMPLETE,
    &bundle_files::OPTIONS,
    &bundle_files::PIDS,
    // The network of pods.
    &cni_conf::NO_CONFIG,
    &cni_conf::CONFIG_BROKEN,
    &cni_refused::CONFIG_REFUSED,
    &cni_conf::CONFIG_UNUSED,
    &cni_refused::PLUGIN_MISSING,
    &cni_file::FILE_MISSING,
    &cni_lease::ADDRESS_LEAKED,
    &cni_lease::LEASE_DAMAGED,
    &cni_in_use::ADDRESS_TWICE,
    &cni_in_use::ADDRESS_UNRESERVED,
    &cni_range::EXHAUSTED,
    &cni_result::LEFTOVER,
    &cni_result::DAMAGED,
    // Snapshots.
    &snapshot_parent::PARENT_MISSING,
    &snapshot_parent::PARENT_CYCLE,
    &snapshot_parent::CHILDREN,
    &snapshot_label::GONE,
    &snapshot_backend::BACKEND_MISSING,
    &snapshot_backend::BACKEND_UNKNOWN,
    &snapshot_disagree::PARENTS_DISAGREE,
    &snapshot_name::NAME_TWICE,
    &snapshot_name::NAME_SEQUENCE,
    &snapshot_commit::HALF,
    &snapshot_commit::NAME_FORM,
    &snapshot_commit::EXTRACTION,
    &snapshot_index::KIND,
    &snapshot_index::ID_TWICE,
    &snapshot_index::PARENTS_INDEX,
    &snapshot_index::USAGE_MISSING,
    &snapshot_dir::DIRECTORY_MISSING,
    &snapshot_dir::DIRECTORY_UNKNOWN,
    &snapshot_dir::TEMPORARY,
    &lost_found::LOST_FOUND,
    &snapshot_dir::ID_SEQUENCE,
    &snapshot_dir::USAGE,
    &snapshot_dir::EMPTIED,
    &snapshot_dir::WORK_MISSING,
    &snapshot_layer::DIFFERS,
    &snapshot_layer::MARKS,
    &snapshot_copied::COPIED,
    &devmapper::DISAGREES,
    &devmapper::FAULTY,
    // Leases, and what nothing holds.
    &garbage::UNREACHABLE,
    &lease::EXPIRED,
    &lease::OWNERLESS,
    &lease_owner::OWNED,
    &lease::LEFTOVER,
    &lease::EXPIRY_GARBLED,
    &lease::DANGLING,
    // The runtime.
    &daemon_replaced::REPLACED,
    &daemon_cut_off::CUT_OFF,
    &runtime_programs::PROGRAM_MISSING,
    &runtime_programs::PROGRAM_BROKEN,
    &cgroup_driver::DIFFERS,
    &runtime::CGROUP_VERSION,
    &runtime::KERNEL_LACKS,
    &runtime::NOT_READ,
    &runtime::DAEMON_STUCK,
    &runtime::DAEMON_AT_LIMIT,
    &runtime::STUCK,
    &runtime::AT_LIMIT,
    &runtime::SLOWED,
    &runtime::SHIM_LEFT,
    &runtime::NEVER_STARTED,
    &runtime::FIFO_STALE,
    &runtime::STATE_MISSING,
    &runtime::STATE_UNREAD,
    &runtime::STATE_LEFTOVER,
    &runtime::BINARY_LEFTOVER,
    &runtime::STATE_WITHOUT_BUNDLE,
    &runtime::STATE_STALE,
    &runtime::ADDRESS_DAMAGED,
    &runtime::BUNDLE_WITHOUT_STATE,
    &runtime::BUNDLE_HIDDEN,
    &runtime::WORK_DIR_ORPHAN,
    &runtime::WORK_DIR_MISSING,
    &runtime::SOCKET_ORPHAN,
    &runtime::SOCKET_MISSING,
    &runtime::BUNDLE_WITHOUT_RECORD,
    &mounts::ORPHAN,
    &runtimes::HANDLER_UNKNOWN,
    &runtimes::RUNTIME_GONE,
    &unit::RESTART_KILLS,
    &unit::RESTART_LOSES,
    &unit_limits::ENDS,
    &unit_limits::LIMITS,
    &unit_limits::START_LIMIT,
    &cores::LEFT,
    &clients::ENDPOINT,
    &docker::SETTINGS,
    &docker::PID,
    &registries_yaml::UNUSABLE,
    &registry::HOSTS,
    &registry::FILE,
    &registry::ENDPOINT,
    &runtime::SOCKET_FOREIGN,
    &runtime::CWD_ESCAPE,
    &runtime::STATUS_MISSING,
    &runtime::STATUS_DIR_MISSING,
    &runtime::STATUS_ORPHAN,
    &runtime::STATUS_LEFTOVER,
    &runtime::STATUS_WITHOUT_TASK,
];

/// Codes of the formats: faults of one file, which no check needs to look for; and of the verdict.
const FORMATS: &[&[&Code]] = &[
    bolt::CODES,
    metadb::CODES,
    content::CODES,
    snapshots::CODES,
    runc::CODES,
    start::CODES,
    said::CODES,
    goroutines::CODES,
];

/// Every kind of finding that coroner knows, sorted by name.
pub fn codes() -> Vec<&'static Code> {
    let mut codes: Vec<&'static Code> = CHECKS.iter().map(|check| check.code).collect();
    codes.extend(FORMATS.iter().copied().flatten());
    codes.sort_by_key(|code| code.name);
    codes.dedup_by_key(|code| code.name);
    codes
}

/// How many findings of one code a report holds at most.
pub const MOST_OF_A_CODE: u64 = 200;

/// Judges a node: every check that its facts allow.
pub fn judge(node: &Node, measured: &Measured) -> Report {
    judge_with(node, measured, |_| true)
}

/// As [`judge`], with every finding, however many there are of one code. Ways out would take most of the memory
/// then: [`with_ways`] adds them to those that are kept.
pub fn judge_all(node: &Node, measured: &Measured) -> Report {
    all_of(node, measured, |_| true)
}

/// As [`judge`], with the checks that `wanted` picks; faults of the formats are always told.
pub fn judge_with(node: &Node, measured: &Measured, wanted: impl Fn(&Check) -> bool) -> Report {
    let mut report = all_of(node, measured, wanted);
    report.cut(MOST_OF_A_CODE);
    with_ways(node, report, &Forbidding::default())
}

/// As [`judge_with`], each thing by itself: what befell all of a collection is not told as one, and
/// no number of findings is too large.
pub fn judge_each(node: &Node, wanted: impl Fn(&Check) -> bool) -> Report {
    let measured = Measured::default();
    let mut judge = Judge::new(node, &measured);
    judge.folds = false;
    for check in CHECKS.iter().copied().filter(|check| wanted(check)) {
        judge.run(check);
    }
    judge.report()
}

fn all_of(node: &Node, measured: &Measured, wanted: impl Fn(&Check) -> bool) -> Report {
    let mut judge = Judge::new(node, measured);
    database::faults(&mut judge);
    runtime::faults(&mut judge);
    for check in CHECKS.iter().copied().filter(|check| wanted(check)) {
        judge.run(check);
    }
    masked::abstain(&mut judge, wanted);
    judge.report()
}
