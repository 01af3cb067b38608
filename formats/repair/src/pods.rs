//! Two pods, or two containers of a pod, of one name: the CRI reserves each name once, and does not
//! start where it meets it again. The older one goes, with its sandbox and its lease.

use std::collections::BTreeMap;

use metadb::cri::{CONTAINER_EXTENSION, KIND_LABEL, SANDBOX_EXTENSION};
use metadb::{Any, go_time};

use crate::Tree;
use crate::records::Edit;
use crate::rows::shown;

const SPACE: [&[u8]; 2] = [b"v1", b"k8s.io"];

/// Takes out the older of two records of one name.
pub(crate) fn twins(tree: &mut Tree) -> Vec<Edit> {
    let mut edits = Vec::new();
    for (kind, extension) in [
        (&b"sandbox"[..], SANDBOX_EXTENSION),
        (b"container", CONTAINER_EXTENSION),
    ] {
        #[expect(clippy::type_complexity, reason = "namespaces and ids by name")]
        let mut named: BTreeMap<String, Vec<(Vec<u8>, Vec<u8>)>> = BTreeMap::new();
        let all = tree.at(&[&SPACE[..], &[b"containers"]].concat());
        for (id, record) in all.into_iter().flat_map(Tree::buckets) {
            let own = record
                .at(&["labels"])
                .and_then(|labels| labels.value(KIND_LABEL));
            if own != Some(kind) {
                continue;
            }
            if let Some(name) = name_of(record, extension) {
                let made = record
                    .value("createdat")
                    .filter(|value| go_time(value).is_ok());
                let made = made.map(<[u8]>::to_vec).unwrap_or_default();
                named.entry(name).or_default().push((made, id.to_vec()));
            }
        }
        for (name, mut ids) in named {
            // The newest is the one that the kubelet knows.
            ids.sort();
            ids.pop();
            for (_, id) in ids {
                edits.extend(remove(tree, &id, &name));
            }
        }
    }
    edits
}

fn name_of(record: &Tree, extension: &str) -> Option<String> {
    let any = Any::parse(record.at(&["extensions"])?.value(extension)?).ok()?;
    let json = any.json()?;
    let name = json.pointer("/Metadata/Name")?.as_str()?;
    Some(name.to_owned())
}

fn remove(tree: &mut Tree, id: &[u8], name: &str) -> Vec<Edit> {
    let mut edits = Vec::new();
    for kind in [&b"containers"[..], b"sandboxes", b"leases"] {
        let at = [&SPACE[..], &[kind, id]].concat();
        if tree.remove(&at) {
            edits.push(Edit {
                record: shown(&at),
                removed: true,
                why: format!(
                    "a newer one has the name {name}, and the CRI does not start with two"
                ),
            });
        }
    }
    edits
}
