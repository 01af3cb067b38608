//! Addresses of pods that no record has (containerd issue 7843).
//!
//! ```text
//! record in meta.db     IP "", CNIResult null, NetNSPath /var/run/netns/cni-…
//! /var/lib/cni/results  <network>-<pod>-eth0: what the plugins answered, with that namespace
//! ```
//!
//! The CRI makes its record of the plugins' answers (go-cni: `createResult`), and takes the pod's
//! addresses from those of `eth0` (`selectPodIPs`). Both are done here again. Nothing of it is written
//! unless it is asked for.

use std::collections::{BTreeMap, BTreeSet};

use evidence::Evidence;
use finding::Text;
use metadb::cri::SANDBOX_EXTENSION;
use metadb::{Any, put_any};
use node::Node;
use serde_json::{Map, Value, json};

use crate::Tree;
use crate::records::Edit;
use crate::rows::shown;

/// The namespace of the CRI.
const SPACE: [&[u8]; 2] = [b"v1", b"k8s.io"];
/// No answer is longer.
const LIMIT: u64 = 1 << 20;
/// The interface that the pod's addresses are those of.
const INTERFACE: &str = "eth0";

/// A record of a pod without its address, and what it would be with it.
#[derive(Debug, Clone)]
pub(crate) struct Lost {
    /// The pod, as `namespace/name`.
    pub(crate) pod: String,
    /// Buckets and key of the record.
    at: Vec<Vec<u8>>,
    type_url: Text,
    /// What it says of the network, and what it would say.
    pub(crate) old: Value,
    pub(crate) new: Value,
    document: Value,
    /// The answers of the plugins.
    pub(crate) from: Vec<Text>,
}

/// Records of pods that run, and have a network namespace, and no address.
#[derive(Debug, Clone, Default)]
pub(crate) struct Found {
    /// With what the plugins answered for exactly that namespace.
    pub(crate) known: Vec<Lost>,
    /// Pods of which nothing says the address, and why.
    pub(crate) unknown: Vec<(String, String)>,
}

/// Which of several addresses is the pod's: the CRI's `ip_pref`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Preference {
    V4,
    V6,
    First,
}

/// Looks for them.
pub(crate) fn find(evidence: &Evidence, node: &Node, tree: &Tree) -> Found {
    let mut found = Found::default();
    let runs: Option<BTreeSet<&[u8]>> = node
        .runtime
        .read()
        .filter(|runtime| runtime.whole.bundles)
        .map(|runtime| {
            let all = runtime.bundles.iter();
            let own = all.filter(|bundle| bundle.namespace.bytes() == SPACE[1]);
            own.map(|bundle| bundle.id.bytes()).collect()
        });
    for (kind, extension) in [
        (&b"containers"[..], SANDBOX_EXTENSION.as_bytes()),
        (b"sandboxes", b"metadata"),
    ] {
        let all = tree.at(&[&SPACE[..], &[kind]].concat());
        for (id, record) in all.into_iter().flat_map(Tree::buckets) {
            // A pod that does not run is made anew in any case.
            if runs.as_ref().is_some_and(|runs| !runs.contains(id)) {
                continue;
            }
            let value = record.at(&["extensions"]).and_then(|all| {
                let key = core::str::from_utf8(extension).ok()?;
                all.value(key)
            });
            let Some((any, document)) = value.and_then(document) else {
                continue;
            };
            let Some((pod, netns)) = without(&document) else {
                continue;
            };
            match answers(evidence, node, id, &netns) {
                Ok((results, from)) => match with(&document, &results, preference(node)) {
                    Some((old, new, document)) => found.known.push(Lost {
                        pod,
                        at: [
                            &SPACE.map(<[u8]>::to_vec)[..],
                            &[
                                kind.to_vec(),
                                id.to_vec(),
                                b"extensions".to_vec(),
                                extension.to_vec(),
                            ],
                        ]
                        .concat(),
                        type_url: any.type_url,
                        old,
                        new,
                        document,
                        from,
                    }),
                    None => found.unknown.push((
                        pod,
                        format!("the answers in /var/lib/cni/results give {INTERFACE} no address"),
                    )),
                },
                Err(why) => found.unknown.push((pod, why)),
            }
        }
    }
    found.unknown.sort();
    found.unknown.dedup();
    found
}

/// Writes them into the records.
pub(crate) fn write(tree: &mut Tree, lost: &[Lost]) -> Vec<Edit> {
    let mut edits = Vec::new();
    for one in lost {
        let (Some((key, bucket)), Ok(json)) =
            (one.at.split_last(), serde_json::to_vec(&one.document))
        else {
            continue;
        };
        let Ok(key) = core::str::from_utf8(key) else {
            continue;
        };
        let Some(type_url) = one.type_url.utf8() else {
            continue;
        };
        let path: Vec<&[u8]> = bucket.iter().map(Vec::as_slice).collect();
        tree.make(&path).put(key, put_any(type_url, &json));
        edits.push(Edit {
            record: shown(&path),
            removed: false,
            why: format!(
                "the pod {} has a network namespace and no address; {} has it",
                one.pod,
                names(&one.from)
            ),
        });
    }
    edits
}

/// Files, one after the other.
pub(crate) fn names(files: &[Text]) -> String {
    let names: Vec<String> = files.iter().map(ToString::to_string).collect();
    names.join(", ")
}

fn document(value: &[u8]) -> Option<(Any, Value)> {
    let any = Any::parse(value)
        .ok()
        .filter(|any| any.unknown.is_empty())?;
    let document = any.json()?;
    Some((any, document))
}

/// The pod and its network namespace, where the record lacks what the plugins answered.
fn without(document: &Value) -> Option<(String, String)> {
    let text = |pointer: &str| document.pointer(pointer).and_then(Value::as_str);
    if text("/Version") != Some("v1") {
        return None;
    }
    let netns = text("/Metadata/NetNSPath").filter(|path| !path.is_empty())?;
    let has_address = text("/Metadata/IP").is_some_and(|ip| !ip.is_empty());
    let result = document.pointer("/Metadata/CNIResult");
    let mode =
        document.pointer("/Metadata/Config/linux/security_context/namespace_options/network");
    let is_on_host = mode.and_then(Value::as_i64) == Some(2);
    if has_address || is_on_host || result.is_some_and(|result| !result.is_null()) {
        return None;
    }
    let name = |key: &str| text(key).unwrap_or_default();
    let pod = format!(
        "{}/{}",
        Text::from(name("/Metadata/Config/metadata/namespace")),
        Text::from(name("/Metadata/Config/metadata/name"))
    );
    Some((pod, netns.to_owned()))
}

/// What the plugins answered for a pod, that of `lo` first, and the files that say so. Each must be of
/// the namespace that the record names: an older one is of another pod of this id.
fn answers(
    evidence: &Evidence,
    node: &Node,
    id: &[u8],
    netns: &str,
) -> Result<(Vec<Value>, Vec<Text>), String> {
    if let Some(why) = &node.network.results_unknown {
        return Err(format!("/var/lib/cni/results was not read whole: {why}"));
    }
    let all = node.network.results.iter();
    let mut own: Vec<_> = all.filter(|one| one.container.bytes() == id).collect();
    own.sort_by_key(|one| (one.interface != "lo", one.interface.clone()));
    if own.is_empty() {
        return Err("no file in /var/lib/cni/results is of it".to_owned());
    }
    let (mut results, mut from) = (Vec::new(), Vec::new());
    for one in own {
        let broken = || format!("{} cannot be used", one.path);
        let answer = one.answer.as_ref().map_err(|_| broken())?;
        if answer
            .netns
            .as_ref()
            .is_none_or(|path| path.bytes() != netns.as_bytes())
        {
            return Err(format!("{} is of another network namespace", one.path));
        }
        let path = crate::make::path(&one.path);
        let source = evidence.source(&path, LIMIT).map_err(|_| broken())?;
        let value: Value = serde_json::from_slice(source.bytes()).map_err(|_| broken())?;
        let result = value.get("result").filter(|result| result.is_object());
        results.push(result.cloned().ok_or_else(broken)?);
        from.push(one.path.clone());
    }
    Ok((results, from))
}

/// What the CRI is told to prefer.
fn preference(node: &Node) -> Preference {
    let config = node.roots.config.as_ref();
    let all = config.map_or(&[][..], |config| config.settings.all());
    let said = all.iter().rev().find_map(|setting| {
        let is_it = setting.path.last().is_some_and(|key| key == "ip_pref");
        match &setting.value {
            node::Scalar::Text(text) if is_it => Some(text.as_str()),
            _ => None,
        }
    });
    match said {
        Some("ipv6") => Preference::V6,
        Some("cni") => Preference::First,
        _ => Preference::V4,
    }
}

/// What the record says of the network, what it would say, and the whole record then.
fn with(document: &Value, results: &[Value], pref: Preference) -> Option<(Value, Value, Value)> {
    let mut interfaces: BTreeMap<String, Map<String, Value>> = BTreeMap::new();
    let (mut dns, mut routes) = (Vec::new(), Vec::new());
    let text = |value: Option<&Value>| value.and_then(Value::as_str).unwrap_or("").to_owned();
    let list = |result: &Value, key: &str| -> Vec<Value> {
        let list = result.get(key).and_then(Value::as_array);
        list.cloned().unwrap_or_default()
    };
    let mut addresses = Vec::new();
    for result in results {
        let own = list(result, "interfaces");
        for interface in &own {
            let mut made = Map::new();
            made.insert("IPConfigs".to_owned(), Value::Null);
            made.insert("Mac".to_owned(), json!(text(interface.get("mac"))));
            made.insert("Sandbox".to_owned(), json!(text(interface.get("sandbox"))));
            interfaces.insert(text(interface.get("name")), made);
        }
        for ip in list(result, "ips") {
            let address = ip.get("address").and_then(Value::as_str)?;
            let address = address.split('/').next().unwrap_or_default();
            address.parse::<core::net::IpAddr>().ok()?;
            let name = match ip.get("interface").and_then(Value::as_u64) {
                Some(index) => text(own.get(usize::try_from(index).ok()?)?.get("name")),
                None => INTERFACE.to_owned(),
            };
            if name == INTERFACE {
                addresses.push(address.to_owned());
            }
            let made = interfaces.get_mut(&name)?;
            let configs = made.get_mut("IPConfigs")?;
            if configs.is_null() {
                *configs = json!([]);
            }
            let gateway = text(ip.get("gateway"));
            let configs = configs.as_array_mut()?;
            configs.push(json!({"IP": address, "Gateway": gateway}));
        }
        dns.push(result.get("dns").cloned().unwrap_or_else(|| json!({})));
        routes.extend(list(result, "routes"));
    }
    let is_v4 = |address: &String| address.parse::<core::net::Ipv4Addr>().is_ok();
    let first = addresses.iter().position(|address| match pref {
        Preference::V4 => is_v4(address),
        Preference::V6 => !is_v4(address),
        Preference::First => true,
    });
    if addresses.is_empty() {
        return None;
    }
    let ip = addresses.remove(first.unwrap_or(0));
    let all: Map<String, Value> = interfaces
        .into_iter()
        .map(|(name, made)| (name, Value::Object(made)))
        .collect();
    let routes = if routes.is_empty() {
        Value::Null
    } else {
        json!(routes)
    };
    let more = if addresses.is_empty() {
        Value::Null
    } else {
        json!(addresses)
    };
    let new = json!({
        "IP": ip,
        "AdditionalIPs": more,
        "CNIResult": {"Interfaces": all, "DNS": dns, "Routes": routes},
    });
    let mut whole = document.clone();
    let metadata = whole.get_mut("Metadata")?.as_object_mut()?;
    let mut old = Map::new();
    for (key, value) in new.as_object()? {
        let was = metadata.insert(key.clone(), value.clone());
        old.insert(key.clone(), was.unwrap_or(Value::Null));
    }
    Some((Value::Object(old), new, whole))
}

#[cfg(test)]
mod tests {
    use super::*;
    use evidence::Options;

    /// A capture, and the tree of its meta.db.
    fn opened(name: &str) -> (Evidence, Node, Tree) {
        let bytes = testcase::node(name).write();
        let evidence = Evidence::open_stream(bytes.as_slice(), &Options::default()).unwrap();
        let roots = node::discover(&evidence, &node::Said::default());
        let node = Node::open(
            &evidence,
            roots.first().unwrap().clone(),
            node::Options::default(),
        );
        let meta = node.roots.root.join(node::META_DIR).join("meta.db");
        let source = evidence.source(&meta, 1 << 30).unwrap();
        let tree = Tree::of_bytes(source.bytes()).unwrap();
        (evidence, node, tree)
    }

    /// Records as the daemon wrote them, by pod.
    fn records(tree: &Tree, kind: &[u8], key: &str) -> BTreeMap<Vec<u8>, Value> {
        let all = tree.at(&[&SPACE[..], &[kind]].concat());
        let all = all.into_iter().flat_map(Tree::buckets);
        all.filter_map(|(id, record)| {
            let value = record.at(&["extensions"])?.value(key)?;
            Some((id.to_vec(), document(value)?.1))
        })
        .collect()
    }

    #[test]
    fn what_is_made_is_what_the_daemon_wrote() {
        let mut compared = 0;
        for name in ["1.6-running", "1.7-running", "2.1-running"] {
            let (evidence, node, mut tree) = opened(name);
            assert!(find(&evidence, &node, &tree).known.is_empty(), "{name}");
            for (kind, key) in [
                (&b"containers"[..], SANDBOX_EXTENSION),
                (b"sandboxes", "metadata"),
            ] {
                let truth = records(&tree, kind, key);
                for (id, whole) in &truth {
                    let mut lost = whole.clone();
                    let Some(metadata) = lost.get_mut("Metadata") else {
                        continue;
                    };
                    metadata["IP"] = json!("");
                    metadata["AdditionalIPs"] = Value::Null;
                    metadata["CNIResult"] = Value::Null;
                    let at = [&SPACE[..], &[kind, id, b"extensions"]].concat();
                    let json = serde_json::to_vec(&lost).unwrap();
                    tree.make(&at).put(
                        key,
                        put_any(
                            "github.com/containerd/cri/pkg/store/sandbox/Metadata",
                            &json,
                        ),
                    );
                }
                let found = find(&evidence, &node, &tree);
                assert_eq!(
                    found.known.len(),
                    if truth.is_empty() { 0 } else { 2 },
                    "{name}: {:?}",
                    found.unknown
                );
                let edits = write(&mut tree, &found.known);
                assert_eq!(edits.len(), found.known.len());
                for one in &found.known {
                    let now = records(&tree, kind, key);
                    let id = &one.at[3];
                    let mut want = truth[id].clone();
                    // 2.x has two names that are empty here.
                    let all = want.pointer_mut("/Metadata/CNIResult/Interfaces").unwrap();
                    for interface in all.as_object_mut().unwrap().values_mut() {
                        interface
                            .as_object_mut()
                            .unwrap()
                            .retain(|key, _| key != "PciID" && key != "SocketPath");
                    }
                    assert_eq!(now[id], want, "{name}");
                    compared += 1;
                }
            }
        }
        assert_eq!(compared, 8);
    }

    #[test]
    fn an_answer_of_another_namespace_is_none() {
        let (evidence, node, mut tree) = opened("1.7-running");
        let truth = records(&tree, b"containers", SANDBOX_EXTENSION);
        for (id, whole) in &truth {
            let mut lost = whole.clone();
            if lost
                .pointer("/Metadata/CNIResult")
                .is_none_or(Value::is_null)
            {
                continue;
            }
            lost["Metadata"]["IP"] = json!("");
            lost["Metadata"]["CNIResult"] = Value::Null;
            lost["Metadata"]["NetNSPath"] = json!("/var/run/netns/cni-another");
            let at = [&SPACE[..], &[b"containers", id, b"extensions"]].concat();
            let json = serde_json::to_vec(&lost).unwrap();
            tree.make(&at).put(SANDBOX_EXTENSION, put_any("x", &json));
        }
        let found = find(&evidence, &node, &tree);
        assert!(found.known.is_empty());
        assert_eq!(found.unknown.len(), 2);
        assert!(
            found
                .unknown
                .iter()
                .all(|(_, why)| why.contains("another network namespace"))
        );
    }
}
