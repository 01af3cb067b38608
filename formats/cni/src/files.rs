//! Files that a plugin reads each time it makes or removes a pod's network, and without which it fails.
//!
//! | plugin | file | written by |
//! |---|---|---|
//! | flannel | `subnetFile`, /run/flannel/subnet.env | flanneld, at its start |
//! | calico | `nodename_file`, /var/lib/calico/nodename, but for `nodename_file_optional` | calico/node |
//! | calico | `kubernetes.kubeconfig` | its install-cni |
//! | multus | `kubeconfig` | its daemon set |
//!
//! flannel's `loadFlannelSubnetEnv`; calico's `cni-plugin/pkg/plugin/plugin.go`, `cmdAdd`; multus'
//! `pkg/k8sclient`, `GetK8sClient`.

use json::{Node, Value};

/// The files that a plugin of this kind needs.
pub(crate) fn needed_files(kind: &str, plugin: &Node) -> Vec<String> {
    let text = |node: &Node, key: &str| node.field(key)?.string().map(str::to_owned);
    let filled = |text: Option<String>| text.filter(|text| !text.is_empty());
    let files: Vec<String> = match kind {
        "flannel" => {
            let usual = || "/run/flannel/subnet.env".to_owned();
            vec![text(plugin, "subnetFile").unwrap_or_else(usual)]
        }
        "calico" => {
            let flag = plugin.field("nodename_file_optional");
            let is_optional = flag.is_some_and(|flag| flag.value == Value::Bool(true));
            let usual = || "/var/lib/calico/nodename".to_owned();
            let named = filled(text(plugin, "nodename_file")).unwrap_or_else(usual);
            // Of another datastore, the cluster is not asked.
            let asks = text(plugin, "datastore_type").as_deref() == Some("kubernetes");
            let kubeconfig = plugin
                .field("kubernetes")
                .and_then(|table| filled(text(table, "kubeconfig")));
            let kubeconfig = kubeconfig.filter(|_| asks);
            let named = (!is_optional).then_some(named);
            named.into_iter().chain(kubeconfig).collect()
        }
        "multus" => filled(text(plugin, "kubeconfig")).into_iter().collect(),
        _ => Vec::new(),
    };
    // What is relative depends on where the daemon was started.
    files
        .into_iter()
        .filter(|path| path.starts_with('/') && path.len() < 4096)
        .collect()
}
