//! What CNI left: results of libcni, leases of host-local.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use cni::{Attachment, BadAttachment, Holder, is_lease};
use core::net::IpAddr;
use evidence::{Entry, Evidence, FileKind};
use finding::{Text, Time, Unread};

use super::MOST;
use crate::path_text;

/// What the CNI plugins answered for one interface of one pod.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CniResult {
    /// The file.
    pub path: Text,
    /// The pod's sandbox.
    pub container: Text,
    /// Name of the network.
    pub network: Text,
    /// Name of the interface in the pod.
    pub interface: Text,
    /// Its addresses, without the length of the prefix.
    pub addresses: Vec<Text>,
    /// When it was written.
    pub written: Time,
    /// All of it, or what is wrong with it.
    pub answer: Result<Attachment, BadAttachment>,
}

/// An address that the plugin host-local has given away.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AddressLease {
    /// The file, whose name is the address.
    pub path: Text,
    /// Name of the network.
    pub network: Text,
    /// The address.
    pub address: IpAddr,
    /// Who has it: a pod's sandbox, or some other container. Nothing where the file could not be
    /// read.
    pub holder: Option<Holder>,
    /// When it was given away.
    pub written: Time,
}

/// A network of host-local.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Store {
    /// Its folder.
    pub path: Text,
    /// Its name.
    pub network: Text,
    /// The addresses that are given away, sorted by the names of their files.
    pub leases: Vec<AddressLease>,
    /// Why there may be more; nothing where all were seen.
    pub unknown: Option<String>,
}

impl AddressLease {
    /// The container that holds it.
    pub fn container(&self) -> Option<&Text> {
        self.holder.as_ref()?.container()
    }
}

/// No result is longer.
const RESULT_LIMIT: u64 = 1 << 20;
/// No lease is longer.
const LEASE_LIMIT: u64 = 4096;

/// The answers in a folder, and why there may be more.
pub(super) fn results(evidence: &Evidence, folder: &Path) -> (Vec<CniResult>, Option<String>) {
    let (entries, unknown) = entries(evidence, folder, FileKind::File);
    let results = entries
        .into_iter()
        .filter_map(|(path, entry)| result(evidence, &path, &entry))
        .collect();
    (results, unknown)
}

fn result(evidence: &Evidence, path: &Path, entry: &Entry) -> Option<CniResult> {
    let answer = match evidence.document(path, RESULT_LIMIT) {
        Ok(source) => Attachment::parse(source.bytes()),
        Err(Unread::TooLarge { .. }) => Err(BadAttachment::Kind),
        Err(_) => return None,
    };
    // Without a readable answer, the name still says whose it was.
    let (network, container, interface) = name(&entry.name)?;
    let read = answer.clone().unwrap_or_default();
    Some(CniResult {
        path: path_text(path),
        container: read.container.unwrap_or(container),
        network: read.network.unwrap_or(network),
        interface: read.interface.unwrap_or(interface),
        addresses: read
            .addresses
            .iter()
            .map(|(address, _)| Text::from(address.to_string()))
            .collect(),
        written: entry.stat.mtime,
        answer,
    })
}

/// Network, container and interface of a result's name: `<network>-<container>-<interface>`;
/// networks may hold dashes, ids do not.
fn name(name: &Text) -> Option<(Text, Text, Text)> {
    let mut parts = name.bytes().rsplitn(3, |byte| *byte == b'-');
    let (interface, container, network) = (parts.next()?, parts.next()?, parts.next()?);
    Some((network.into(), container.into(), interface.into()))
}

/// The networks in a folder, and why there may be more.
pub(super) fn stores(evidence: &Evidence, place: &Path) -> (Vec<Store>, Option<String>) {
    let (folders, unknown) = entries(evidence, place, FileKind::Dir);
    let stores = folders.into_iter().map(|(path, folder)| {
        let (files, unknown) = entries(evidence, &path, FileKind::File);
        let leases = files.into_iter().filter_map(|(path, entry)| {
            let address = is_lease(entry.name.bytes())?;
            let holder = match evidence.source(&path, LEASE_LIMIT) {
                Ok(source) => Some(Holder::parse(source.bytes())),
                Err(Unread::TooLarge { .. }) => Some(Holder::Garbage),
                Err(_) => None,
            };
            Some(AddressLease {
                path: path_text(&path),
                network: folder.name.clone(),
                address,
                holder,
                written: entry.stat.mtime,
            })
        });
        Store {
            path: path_text(&path),
            network: folder.name.clone(),
            leases: leases.collect(),
            unknown,
        }
    });
    (stores.collect(), unknown)
}

/// The entries of a folder that are of this kind, with their paths, and why there may be more.
fn entries(
    evidence: &Evidence,
    folder: &Path,
    kind: FileKind,
) -> (Vec<(PathBuf, Entry)>, Option<String>) {
    let list = match evidence.try_list(folder) {
        Ok(list) => list,
        Err(Unread::Absent) => return (Vec::new(), None),
        Err(unread) => return (Vec::new(), Some(unread.to_string())),
    };
    let all = list.read().map_or(&[][..], Vec::as_slice);
    let unknown = match list.unknown().first() {
        Some(unknown) => Some(unknown.why.clone()),
        None if all.len() > MOST => Some(format!("only {MOST} of {} were read", all.len())),
        None => None,
    };
    let of_kind = all
        .iter()
        .filter(|entry| entry.stat.kind == kind)
        .take(MOST);
    let found = of_kind
        .map(|entry| {
            let path = folder.join(OsStr::from_bytes(entry.name.bytes()));
            (path, entry.clone())
        })
        .collect();
    (found, unknown)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_result_is_named_after_network_container_and_interface() {
        let parts = name(&Text::from("k8s-pod-network-0a1b-eth0")).unwrap();
        assert_eq!(parts.0, "k8s-pod-network");
        assert_eq!(parts.1, "0a1b");
        assert_eq!(parts.2, "eth0");
        assert!(name(&Text::from("lock")).is_none());
    }
}
