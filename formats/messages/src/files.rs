//! Files of sources, as lines name them (`pod_configuration.go:215]`), and whose they are: only those that one product of
//! all that were read has, and no part of Kubernetes. They were listed by machine from those sources.

use std::collections::HashMap;
use std::sync::LazyLock;

use regex::Regex;

use crate::message::Message;
use crate::peel::Peeled;

/// A product whose sources were read.
#[derive(Debug)]
pub(crate) struct Product {
    key: &'static str,
    /// As a sentence has it.
    pub(crate) name: &'static str,
    /// The key of its place.
    place: &'static str,
}

const fn product(key: &'static str, name: &'static str, place: &'static str) -> Product {
    Product { key, name, place }
}

static PRODUCTS: &[Product] = &[
    product("antrea", "Antrea's agent or controller", "at-antrea"),
    product(
        "aws-cni",
        "Amazon's network (aws-node, ipamd)",
        "at-aws-cni",
    ),
    product(
        "azure",
        "Azure's network (azure-vnet, CNS, NPM)",
        "at-azure-cni",
    ),
    product("calico", "Calico", "at-calico"),
    product("ceph-csi", "Ceph's driver of volumes (ceph-csi)", "at-ceph"),
    product(
        "csi-ebs",
        "Amazon's driver of volumes (aws-ebs-csi-driver)",
        "at-csi-driver",
    ),
    product(
        "csi-sidecar",
        "a sidecar of a driver of volumes (CSI)",
        "at-csi-driver",
    ),
    product("etcd", "etcd", "at-etcd"),
    product("flannel", "flannel", "at-flannel"),
    product("gvisor", "gVisor's runsc", "at-gvisor"),
    product("kube-router", "kube-router", "at-kube-router"),
    product("longhorn", "Longhorn", "at-longhorn"),
    product("multus", "Multus or whereabouts", "at-multus"),
    product("npd", "node-problem-detector", "at-problem-detector"),
    product("nvidia", "NVIDIA's device plugin or toolkit", "at-nvidia"),
    product("ovn", "OVN-Kubernetes", "at-ovn"),
    product("rook", "Rook", "at-ceph"),
];

/// Each file's product.
static FILES: LazyLock<HashMap<&'static str, &'static Product>> = LazyLock::new(|| {
    let lines = include_str!("files.tsv").lines();
    let rows = lines.filter_map(|line| line.split_once('\t'));
    rows.filter_map(|(file, key)| {
        let product = PRODUCTS.iter().find(|product| product.key == key)?;
        Some((file, product))
    })
    .collect()
});

/// So much of a line is its head, where a file is named.
const HEAD: usize = 300;

/// A file and the number of a line in it, as klog, Calico and zap write them.
static NAMED: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::new(r#"([A-Za-z][\w.-]*\.go)(?::| )[0-9]{1,5}[:\]" ]"#).ok());

impl Product {
    /// Whose a line is by the file that it names.
    pub(crate) fn of_line(line: &str, peeled: &Peeled) -> Option<&'static Self> {
        let own = |file: &str| {
            let name = file.rsplit('/').next().unwrap_or_default();
            FILES
                .get(name.split(':').next().unwrap_or_default())
                .copied()
        };
        if let Some(file) = &peeled.file {
            return own(file);
        }
        let mut end = line.len().min(HEAD);
        while !line.is_char_boundary(end) {
            end = end.saturating_sub(1);
        }
        let head = line.get(..end)?;
        if !head.contains(".go") {
            return None;
        }
        let mut named = NAMED.as_ref()?.captures_iter(head);
        named.find_map(|found| own(found.get(1)?.as_str()))
    }

    /// What its lines come from, and where its log is.
    pub(crate) fn place(&self) -> Option<&'static Message> {
        crate::message(self.place)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::peel::peel;

    #[test]
    fn every_file_is_a_products_and_every_product_has_its_place() {
        let lines = include_str!("files.tsv").lines().count();
        assert_eq!(FILES.len(), lines);
        for product in PRODUCTS {
            assert!(product.place().is_some(), "{}", product.key);
            assert!(
                FILES.values().any(|own| own.key == product.key),
                "{}",
                product.key
            );
        }
    }

    #[test]
    fn a_file_names_its_product() {
        for (line, right) in [
            (
                "E1104 19:03:43.791611       1 pod_configuration.go:215] Failed to x",
                Some("antrea"),
            ),
            (
                "2020-01-01 10:00:00.000 [WARNING][44] felix/int_dataplane.go 1234: x",
                Some("calico"),
            ),
            (
                "{\"level\":\"debug\",\"caller\":\"datastore/data_store.go:687\",\"msg\":\"x\"}",
                Some("aws-cni"),
            ),
            ("E1104 19:03:43.791611       1 kubelet.go:215] x", None),
            (
                "container_linux.go:345: starting container process caused x",
                None,
            ),
        ] {
            let product = Product::of_line(line, &peel(line));
            assert_eq!(product.map(|product| product.key), right, "{line}");
        }
    }
}
