//! The messages that are explained, by who says them and when.
//!
//! A text stands where it is most specific; what many causes share stands in [`generic`](mod@generic).

mod agents;
mod bolt;
mod clusters;
mod cni;
mod cri;
mod daemon;
mod docker;
mod engines;
mod generic;
mod guests;
mod hosts;
mod kernel;
mod kubelet;
mod notes;
mod pods;
mod process;
mod pull;
mod registry;
mod runc;
mod settings;
mod snapshots;
mod stores;
mod tasks;
mod units;
mod wire;

use crate::message::Message;

/// Every message, by table.
pub const TABLES: &[&[Message]] = &[
    hosts::ALL,
    agents::ALL,
    settings::ALL,
    daemon::ALL,
    bolt::ALL,
    stores::ALL,
    snapshots::ALL,
    pull::ALL,
    registry::ALL,
    cri::ALL,
    tasks::ALL,
    process::ALL,
    runc::ALL,
    cni::ALL,
    kubelet::ALL,
    pods::ALL,
    engines::ALL,
    guests::ALL,
    clusters::ALL,
    docker::ALL,
    kernel::ALL,
    notes::ALL,
    units::ALL,
    wire::ALL,
    generic::ALL,
];

/// What the unit said, this boot.
pub(crate) const JOURNAL: &str = "journalctl -b -u containerd --no-pager";
/// The whole node.
pub(crate) const TRIAGE: &str = "coroner triage /";
/// What would happen at a start.
pub(crate) const PREFLIGHT: &str = "coroner preflight /";
/// Which containers hang.
pub(crate) const STUCK: &str = "coroner runtime stuck /";
/// Which plugins failed.
pub(crate) const PLUGINS: &str = "ctr plugins ls";
/// How full the disk is.
pub(crate) const DISK: &str = "df -h /var/lib/containerd /run && df -i /var/lib/containerd /run";
/// What the kernel said.
pub(crate) const DMESG: &str = "dmesg -T | tail -n 100";
