//! Pods, as the CRI's records tell of them.

use finding::Text;
use history::Object;
use metadb::cri::{BadRecord, Pod, SANDBOX_EXTENSION, STORE_EXTENSION};
use metadb::{Any, At, Namespace};
use serde_json::{Value, json};

use crate::kind::{Listed, Objects};

/// One record of a pod: that of its sandbox's container, or that of the sandbox store.
struct Record<'n> {
    id: &'n Text,
    pod: Result<Pod, BadRecord>,
    metadata: Option<&'n Any>,
    created: Option<finding::Time>,
    at: &'n At,
    whole: bool,
}

/// Every pod of a namespace: 1.x keeps it with the container of its sandbox; 2.x there and in the
/// sandbox store, of which either may be lost.
pub(crate) fn read_pods(ns: &Namespace, all: &mut Objects) {
    all.unknown.extend(ns.containers.unknown().iter().cloned());
    all.unknown.extend(ns.sandboxes.unknown().iter().cloned());
    let containers = ns.containers.read().into_iter().flatten();
    let sandboxes = containers.filter(|row| row.cri_kind() == Some("sandbox"));
    let mut records: Vec<Record<'_>> = sandboxes
        .map(|row| Record {
            id: &row.key,
            pod: row.pod(),
            metadata: row.extensions.get(SANDBOX_EXTENSION.as_bytes()),
            created: row.created,
            at: &row.at,
            whole: row.whole,
        })
        .collect();
    for row in ns.sandboxes.read().into_iter().flatten() {
        let is_pod = row.extensions.contains_key(STORE_EXTENSION.as_bytes());
        if is_pod && !records.iter().any(|record| *record.id == row.key) {
            records.push(Record {
                id: &row.key,
                pod: row.pod(),
                metadata: row.extensions.get(STORE_EXTENSION.as_bytes()),
                created: row.created,
                at: &row.at,
                whole: row.whole,
            });
        }
    }
    for record in records {
        all.objects.push(object(ns, &record));
    }
}

fn object(ns: &Namespace, record: &Record<'_>) -> Listed {
    let (also, cells, mut value) = match &record.pod {
        Ok(pod) => {
            let name = Text::new([pod.namespace.bytes(), b"/", pod.pod.bytes()].concat());
            let cells = vec![name.to_string(), pod.ip.to_string(), pod.netns.to_string()];
            (
                vec![name],
                cells,
                serde_json::to_value(pod).unwrap_or_default(),
            )
        }
        Err(error) => {
            let cells = vec![error.to_string(), String::new(), String::new()];
            (Vec::new(), cells, Value::Null)
        }
    };
    if let Value::Object(map) = &mut value {
        map.insert("created".to_owned(), json!(record.created));
        map.insert(
            "containers".to_owned(),
            Value::Array(containers(ns, record.id)),
        );
        // All that the CRI wrote, whether or not anything here understands it.
        map.insert("metadata".to_owned(), json!(record.metadata));
    }
    let object = Object {
        namespace: ns.name.clone(),
        name: record.id.clone(),
        created: record.created,
        record: value,
        at: Some(record.at.clone()),
        whole: record.whole,
    };
    Listed {
        object,
        also,
        cells,
    }
}

/// The containers that say that they belong to this pod.
fn containers(ns: &Namespace, pod: &Text) -> Vec<Value> {
    let rows = ns.containers.read().into_iter().flatten();
    let ours = rows.filter_map(|row| {
        let container = row.pod_container().ok()?;
        (container.sandbox_id == *pod).then(|| {
            json!({"id": row.key, "name": container.name, "image": row.image,
                "snapshotter": row.snapshotter, "snapshot": row.snapshot_key})
        })
    });
    ours.collect()
}
