//! What the daemons' own API said of every object of three nodes of three releases, and what meta.db
//! holds of it: field by field.

#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::disallowed_methods,
    reason = "tests panic where something is wrong"
)]

use std::collections::{BTreeMap, BTreeSet};

use cli::{Exit, try_run};
use coroner_meta::TOOL;
use serde_json::{Map, Value, json};

const KINDS: [&str; 9] = [
    "namespaces",
    "images",
    "containers",
    "content",
    "snapshots",
    "leases",
    "sandboxes",
    "ingests",
    "pods",
];

fn truth(node: &str) -> Value {
    let path = testcase::testdata()
        .join("nodes")
        .join(node)
        .join("truth.json");
    let text = std::fs::read_to_string(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    serde_json::from_str::<Value>(&text).expect("truth")["api"].take()
}

/// Captures that were taken when `truth.json` was, and nothing has happened since.
fn nodes() -> impl Iterator<Item = String> {
    let names = testcase::nodes().into_iter();
    names.filter(|name| {
        ["-running", "-stopped", "-rebooted"]
            .iter()
            .any(|state| name.ends_with(state))
    })
}

fn path(node: &str) -> String {
    let path = testcase::testdata()
        .join("nodes")
        .join(node)
        .join("node.tar.zst");
    path.to_str().expect("path").to_owned()
}

/// Records of one kind by namespace and name.
fn listed(node: &str, kind: &str) -> BTreeMap<(String, String), Value> {
    let words = ["meta", "ls", kind, "--format", "json", &path(node)].map(str::to_owned);
    let (text, exit) = try_run(&TOOL, words);
    assert_eq!(exit, Exit::CLEAN, "{node} {kind}: {text}");
    let json: Value = serde_json::from_str(&text).expect("json");
    let objects = json["answer"]["objects"].as_array().expect("objects");
    let all = objects.iter().map(|object| {
        let text = |field: &str| object[field].as_str().expect("text").to_owned();
        let mut name = text("name");
        if kind == "snapshots" {
            let snapshotter = object["record"]["at"]["buckets"][3]
                .as_str()
                .expect("snapshotter");
            name = format!("{snapshotter}/{name}");
        }
        assert_eq!(
            object["record"]
                .get("unknown")
                .filter(|_| kind != "namespaces"),
            None
        );
        ((text("namespace"), name), object["record"].clone())
    });
    all.collect()
}

/// Go writes nine digits after the second here, we none that is not needed.
fn time(value: &Value) -> Value {
    let text = value.as_str().unwrap_or_default().trim_end_matches('Z');
    let text = match text.split_once('.') {
        Some((seconds, nanos)) => {
            let nanos = nanos.trim_end_matches('0');
            let point = if nanos.is_empty() { "" } else { "." };
            format!("{seconds}{point}{nanos}Z")
        }
        None => format!("{text}Z"),
    };
    Value::String(text)
}

fn map(value: &Value) -> Map<String, Value> {
    value.as_object().cloned().unwrap_or_default()
}

/// An `Any` as the API's truth has it: the type, and the JSON or nothing.
fn any(value: &Value) -> Value {
    if value.is_null() {
        return Value::Null;
    }
    json!({"type": value["type_url"], "value": value["value"]})
}

fn our_any(value: &Value) -> Value {
    if value.is_null() {
        return Value::Null;
    }
    let is_empty = value["hex"] == "";
    // Decoded, without a field that has no name here.
    let fields = map(&value["fields"]);
    assert!(
        fields.keys().all(|key| key.parse::<u64>().is_err()),
        "{value}"
    );
    assert_eq!(value.get("unknown_fields"), None);
    let json = if is_empty {
        json!("")
    } else {
        value["json"].clone()
    };
    json!({"type": value["type"], "value": json})
}

fn extensions(value: &Value, of: fn(&Value) -> Value) -> Value {
    let all = map(value).into_iter();
    Value::Object(all.map(|(name, value)| (name, of(&value))).collect())
}

/// What the API said, in our words.
fn said(kind: &str, object: &Value) -> Value {
    let (created, updated) = (time(&object["createdat"]), time(&object["updatedat"]));
    let labels = map(&object["labels"]);
    match kind {
        "images" => {
            let target = &object["target"];
            json!({"created": created, "updated": updated, "labels": labels,
                "annotations": map(&target["annotations"]),
                "target": {"digest": target["digest"], "media_type": target["mediatype"],
                    "size": target["size"]}})
        }
        "content" => json!({"created": created, "updated": updated, "labels": labels,
            "size": object["size"]}),
        "containers" => json!({"created": created, "updated": updated, "labels": labels,
            "image": object["image"], "snapshotter": object["snapshotter"],
            "snapshot_key": object["snapshotkey"],
            "sandbox_id": object["sandboxid"].as_str().unwrap_or_default(),
            "runtime": object["runtime"], "options": any(&object["options"]),
            "spec": any(&object["spec"]), "extensions": extensions(&object["extensions"], any)}),
        "sandboxes" => json!({"created": created, "updated": updated, "labels": labels,
            "sandboxer": object["sandboxer"], "extensions": extensions(&object["extensions"], any)}),
        "snapshots" => json!({"parent": object["parent"], "labels": labels}),
        "leases" => {
            let resources = object["resources"].as_array().expect("resources").iter();
            let resources: BTreeSet<String> = resources
                .map(|r| format!("{} {}", r["type"].as_str().unwrap_or_default(), r["id"]))
                .collect();
            json!({"created": created, "labels": labels, "resources": resources})
        }
        "ingests" => json!({"wanted": object["expected"]}),
        other => panic!("{other}"),
    }
}

/// What meta.db says, the same fields.
fn holds(kind: &str, record: &Value) -> Value {
    let (created, updated) = (&record["created"], &record["updated"]);
    let labels = map(&record["labels"]);
    match kind {
        "images" => json!({"created": created, "updated": updated, "labels": labels,
            "annotations": map(&record["annotations"]), "target": record["target"]}),
        "content" => json!({"created": created, "updated": updated, "labels": labels,
            "size": record["size"]}),
        "containers" => json!({"created": created, "updated": updated, "labels": labels,
            "image": record["image"], "snapshotter": record["snapshotter"],
            "snapshot_key": record["snapshot_key"],
            "sandbox_id": record["sandbox_id"].as_str().unwrap_or_default(),
            "runtime": record["runtime"]["name"], "options": our_any(&record["runtime"]["options"]),
            "spec": our_any(&record["spec"]),
            "extensions": extensions(&record["extensions"], our_any)}),
        "sandboxes" => json!({"created": created, "updated": updated, "labels": labels,
            "sandboxer": record["sandboxer"],
            "extensions": extensions(&record["extensions"], our_any)}),
        "snapshots" => json!({"parent": record["parent"].as_str().unwrap_or_default(),
            "labels": labels}),
        "leases" => {
            let list = |kind: &str, list: &Value| {
                let list = list.as_array().cloned().unwrap_or_default().into_iter();
                list.map(|id| format!("{kind} {id}")).collect::<Vec<_>>()
            };
            let mut resources = BTreeSet::new();
            for (name, field) in [
                ("content", "content"),
                ("ingests", "ingests"),
                ("images", "images"),
            ] {
                resources.extend(list(name, &record[field]));
            }
            for (snapshotter, keys) in map(&record["snapshots"]) {
                resources.extend(list(&format!("snapshots/{snapshotter}"), &keys));
            }
            json!({"created": created, "labels": labels, "resources": resources})
        }
        "ingests" => json!({"wanted": record["wanted"].as_str().unwrap_or_default()}),
        other => panic!("{other}"),
    }
}

#[test]
fn every_field_is_what_the_daemon_said() {
    let mut compared = BTreeMap::new();
    for node in nodes() {
        let api = truth(&node);
        for kind in [
            "images",
            "containers",
            "content",
            "snapshots",
            "leases",
            "sandboxes",
            "ingests",
        ] {
            let mut ours = listed(&node, kind);
            for (namespace, all) in map(&api["namespaces"]) {
                let mut objects = map(&all[kind]);
                if kind == "snapshots" {
                    let flat = objects.into_iter().flat_map(|(snapshotter, snapshots)| {
                        let named = map(&snapshots).into_iter();
                        named.map(move |(key, value)| (format!("{snapshotter}/{key}"), value))
                    });
                    objects = flat.collect();
                }
                for (name, object) in objects {
                    let what = format!("{node}: {kind} {namespace}/{name}");
                    let Some(record) = ours.remove(&(namespace.clone(), name.clone())) else {
                        // The collector has taken it since; testdata/README.md tells of it.
                        assert_eq!(name, "overlayfs/view", "{what}");
                        continue;
                    };
                    let (mut holds, mut said) = (holds(kind, &record), said(kind, &object));
                    let untold = ["0001-01-01T00:00:00Z", "Z"].map(Value::from);
                    if untold.contains(&said["updated"]) {
                        // 1.6 and 1.7 do not tell when a blob was changed.
                        assert_eq!(kind, "content", "{what}");
                        holds["updated"].take();
                        said["updated"].take();
                    }
                    assert_eq!(holds, said, "{what}");
                    *compared.entry(kind).or_insert(0_usize) += 1;
                }
            }
            let left: Vec<_> = ours.keys().collect();
            assert!(left.is_empty(), "{node}: the daemon did not name {left:?}");
        }
        let namespaces = listed(&node, "namespaces");
        let names: Vec<&String> = namespaces.keys().map(|(name, _)| name).collect();
        let said = map(&api["namespaces"]);
        assert_eq!(names, said.keys().collect::<Vec<_>>(), "{node}");
        for ((name, _), record) in &namespaces {
            assert_eq!(
                map(&record["labels"]),
                map(&said[name]["labels"]),
                "{node} {name}"
            );
        }
    }
    assert!(compared.values().all(|count| *count > 5), "{compared:?}");
    assert_eq!(compared.len(), 7, "{compared:?}");
}

#[test]
fn pods_are_those_of_the_cri() {
    let mut told = 0;
    for node in nodes() {
        let api = truth(&node);
        let mut ours = listed(&node, "pods");
        for pod in api["cri"]["pods"].as_array().expect("pods") {
            let status = &pod["status"];
            let id = status["id"].as_str().expect("id").to_owned();
            let record = ours.remove(&("k8s.io".to_owned(), id)).expect("the pod");
            let metadata = &status["metadata"];
            let want = [&metadata["name"], &metadata["namespace"], &metadata["uid"]];
            assert_eq!(
                [&record["pod"], &record["namespace"], &record["uid"]],
                want,
                "{node}"
            );
            // Of a pod that is not ready the CRI does not tell the address.
            let ip = status["network"]["ip"].as_str().unwrap_or_default();
            assert!(ip.is_empty() || record["ip"] == ip, "{node}: {record}");
            told += usize::from(!ip.is_empty());
            let containers = api["cri"]["containers"]
                .as_array()
                .expect("containers")
                .iter();
            let want: BTreeSet<&str> = containers
                .filter(|container| container["listed"]["pod_sandbox_id"] == status["id"])
                .filter_map(|container| container["listed"]["id"].as_str())
                .collect();
            let found = record["containers"].as_array().expect("containers").iter();
            let found: BTreeSet<&str> = found.filter_map(|c| c["id"].as_str()).collect();
            assert_eq!(found, want, "{node}");
            assert_eq!(
                record["metadata"]["json"]["Metadata"]["ID"], status["id"],
                "{node}"
            );
        }
        assert!(ours.is_empty(), "{node}: {ours:?}");
    }
    assert!(
        told >= nodes().count(),
        "addresses of {told} pods were compared"
    );
}

#[test]
fn each_object_is_shown_by_a_unique_beginning() {
    let node = "2.1-stopped";
    for kind in KINDS {
        let all = listed(node, kind);
        assert!(!all.is_empty(), "{kind}");
        let keys = all.keys();
        let keys = keys.map(|(_, name)| name.strip_prefix("overlayfs/").unwrap_or(name));
        // A container of a pod goes by its name there, too.
        let in_pods = all.values();
        let in_pods =
            in_pods.filter_map(|record| record["labels"]["io.kubernetes.container.name"].as_str());
        let names: Vec<&str> = keys.chain(in_pods).collect();
        let name = names[0];
        let is_alone = |length: &usize| {
            let begin = name.get(..*length).filter(|begin| !begin.is_empty());
            begin.is_some_and(|begin| {
                names
                    .iter()
                    .filter(|other| **other != name)
                    .all(|other| !other.starts_with(begin))
            })
        };
        // One name may begin another; then all of it is needed.
        let length = (1..name.len()).find(is_alone).unwrap_or(name.len());
        // A container of a pod goes by its name there as well, which may begin with the same letters.
        let longer = length..=name.len().min(length.saturating_add(2));
        let shown = longer.map(|length| {
            let words = ["meta", "show", kind, &name[..length], &path(node)].map(str::to_owned);
            try_run(&TOOL, words)
        });
        let (text, exit) = shown
            .min_by_key(|(_, exit)| *exit != Exit::CLEAN)
            .expect("one length at least");
        assert_eq!(exit, Exit::CLEAN, "{kind}: {text}");
        assert!(text.contains(name), "{kind}: {text}");
    }
    // A pod goes by its name in Kubernetes, too.
    let words = ["meta", "show", "pod", "apps/web", &path(node)].map(str::to_owned);
    let (text, exit) = try_run(&TOOL, words);
    assert_eq!(exit, Exit::CLEAN, "{text}");
    assert!(text.contains("name: web_apps_web-uid_0"), "{text}");
    let words = ["meta", "show", "pods", "apps/", &path(node)].map(str::to_owned);
    let (text, exit) = try_run(&TOOL, words);
    assert_eq!(exit, Exit::USAGE);
    assert!(text.contains("begins the names of several"), "{text}");
}
