//! What is kept of pods outside of containerd: addresses and the folders of logs.
//!
//! ```text
//! /var/lib/cni/results/<network>-<container>-<interface>     JSON: what the CNI plugins answered
//! /var/lib/cni/networks/<network>/<address>                  host-local: "<container>\r\n<interface>"
//! /var/log/pods/<namespace>_<pod>_<uid>/<container>/<n>.log  LogPath of the CRI's record
//! ```
//!
//! libcni writes the result (`libcni/api.go`, cache version `cniCacheV1`), the plugin host-local
//! the leases (`plugins/ipam/host-local/backend/disk`).

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use evidence::{Entry, Evidence, FileKind};
use finding::Text;
use metadb::MetaDb;
use serde_json::Value;

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
}

/// An address that the plugin host-local has given away.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AddressLease {
    /// The file, whose name is the address.
    pub path: Text,
    /// Name of the network.
    pub network: Text,
    /// The address.
    pub address: Text,
    /// Who has it: a pod's sandbox, or some other container.
    pub container: Text,
}

/// What is kept of pods outside of containerd.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PodFiles {
    /// Answers of the CNI plugins.
    pub results: Vec<CniResult>,
    /// Addresses that are given away.
    pub leases: Vec<AddressLease>,
    /// Folders in which containers log, and whether they are there; nothing about those of which
    /// the evidence does not tell.
    pub log_folders: BTreeMap<Text, bool>,
}

/// Where libcni and host-local keep their files.
const CNI: &str = "/var/lib/cni";
/// No result is longer.
const RESULT_LIMIT: u64 = 1 << 20;
/// No lease is longer.
const LEASE_LIMIT: u64 = 4096;
/// No node has more of them.
const MOST: usize = 65_536;

impl PodFiles {
    /// Reads them.
    pub(crate) fn read(evidence: &Evidence, meta: Option<&MetaDb>) -> Self {
        let mut files = Self::default();
        let results = Path::new(CNI).join("results");
        for (path, entry) in entries(evidence, &results, FileKind::File) {
            files.results.extend(result(evidence, &path, &entry));
        }
        let networks = Path::new(CNI).join("networks");
        for (folder, network) in entries(evidence, &networks, FileKind::Dir) {
            for (path, entry) in entries(evidence, &folder, FileKind::File) {
                files
                    .leases
                    .extend(lease(evidence, &path, &network.name, &entry));
            }
        }
        files.read_logs(evidence, meta);
        files
    }

    fn read_logs(&mut self, evidence: &Evidence, meta: Option<&MetaDb>) {
        let namespaces = meta.map_or(&[][..], MetaDb::namespaces).iter();
        let rows =
            namespaces.flat_map(|namespace| namespace.containers.read().into_iter().flatten());
        for row in rows {
            let Ok(container) = row.pod_container() else {
                continue;
            };
            let path = Path::new(OsStr::from_bytes(container.log_path.bytes()));
            let Some(folder) = path.parent().filter(|folder| folder.is_absolute()) else {
                continue;
            };
            // Only where the folder of all pods is there, the absence of one tells something.
            let pods = folder.parent().and_then(Path::parent);
            let told = pods.is_some_and(|pods| evidence.stat(pods).is_ok_and(|stat| stat.is_dir()));
            if told && self.log_folders.len() < MOST {
                let there = evidence.stat(folder).map(|stat| stat.is_dir());
                let there = match there {
                    Err(unread) if !unread.is_absent() => continue,
                    there => there.unwrap_or(false),
                };
                self.log_folders.insert(path_text(folder), there);
            }
        }
    }
}

/// The entries of a folder that are of this kind, with their paths.
fn entries(evidence: &Evidence, folder: &Path, kind: FileKind) -> Vec<(PathBuf, Entry)> {
    let list = evidence.list(folder);
    let of_kind = list.read().into_iter().flatten();
    let of_kind = of_kind.filter(|entry| entry.stat.kind == kind).take(MOST);
    of_kind
        .map(|entry| {
            let path = folder.join(OsStr::from_bytes(entry.name.bytes()));
            (path, entry.clone())
        })
        .collect()
}

fn result(evidence: &Evidence, path: &Path, entry: &Entry) -> Option<CniResult> {
    let source = evidence.source(path, RESULT_LIMIT).ok()?;
    let json: Value = serde_json::from_slice(source.bytes()).unwrap_or(Value::Null);
    let text = |key: &str| json.get(key).and_then(Value::as_str).map(Text::from);
    // Without a readable answer, the name still says whose it was: `<network>-<id>-<interface>`.
    let (network, container, interface) = name(&entry.name)?;
    let addresses = json.pointer("/result/ips").and_then(Value::as_array);
    let addresses = addresses.into_iter().flatten().filter_map(|ip| {
        let address = ip.get("address")?.as_str()?;
        Some(Text::from(address.split('/').next().unwrap_or(address)))
    });
    let addresses = addresses.collect();
    Some(CniResult {
        path: path_text(path),
        container: text("containerId").unwrap_or(container),
        network: text("networkName").unwrap_or(network),
        interface: text("ifName").unwrap_or(interface),
        addresses,
    })
}

/// Network, container and interface of a result's name; networks may hold dashes, ids do not.
fn name(name: &Text) -> Option<(Text, Text, Text)> {
    let mut parts = name.bytes().rsplitn(3, |byte| *byte == b'-');
    let (interface, container, network) = (parts.next()?, parts.next()?, parts.next()?);
    Some((network.into(), container.into(), interface.into()))
}

fn lease(evidence: &Evidence, path: &Path, network: &Text, entry: &Entry) -> Option<AddressLease> {
    let address = entry.name.utf8()?;
    let is_address = address.parse::<core::net::IpAddr>().is_ok();
    let source = evidence
        .source(path, LEASE_LIMIT)
        .ok()
        .filter(|_| is_address)?;
    let mut lines = source.bytes().split(|byte| matches!(byte, b'\r' | b'\n'));
    let container = lines.next()?.trim_ascii();
    Some(AddressLease {
        path: path_text(path),
        network: network.clone(),
        address: Text::from(address),
        container: Text::from(container),
    })
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
