//! Two pods, or two containers of a pod, of one name: the CRI reserves each name once, and does not
//! start where it meets it again. The one that is in use stays. A clock that was set says nothing of which
//! that is: times decide between two that are not in use. The other one goes, with its sandbox and its lease.

use std::collections::{BTreeMap, BTreeSet};

use finding::Text;
use metadb::cri::{CONTAINER_EXTENSION, KIND_LABEL, SANDBOX_EXTENSION};
use metadb::{Any, go_time};
use node::Node;

use crate::Tree;
use crate::records::Edit;
use crate::rows::shown;

const SPACE: [&[u8]; 2] = [b"v1", b"k8s.io"];

/// One of several records of a name; the greatest stays.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Twin {
    /// It has a bundle, or a runtime's state.
    has_task: bool,
    /// Containers name it as their sandbox.
    is_named: bool,
    made: Vec<u8>,
    id: Vec<u8>,
}

/// Takes out all but one of the records of a name.
pub(crate) fn twins(tree: &mut Tree, node: &Node) -> Vec<Edit> {
    let space = Text::from("k8s.io");
    let has_task = |id: &[u8]| {
        let id = Text::from(id);
        node.runtime.read().is_some_and(|all| {
            all.bundle(&space, &id).is_some() || all.container(Some(&space), &id).is_some()
        })
    };
    let sandboxes: BTreeSet<String> = records(tree)
        .filter_map(|(_, record)| text_of(record, CONTAINER_EXTENSION, "/Metadata/SandboxID"))
        .collect();
    let mut edits = Vec::new();
    for (kind, extension) in [
        (&b"sandbox"[..], SANDBOX_EXTENSION),
        (b"container", CONTAINER_EXTENSION),
    ] {
        let mut named: BTreeMap<String, Vec<Twin>> = BTreeMap::new();
        for (id, record) in records(tree) {
            let own = record
                .at(&["labels"])
                .and_then(|labels| labels.value(KIND_LABEL));
            if own != Some(kind) {
                continue;
            }
            if let Some(name) = text_of(record, extension, "/Metadata/Name") {
                let made = record
                    .value("createdat")
                    .filter(|value| go_time(value).is_ok());
                named.entry(name).or_default().push(Twin {
                    has_task: has_task(id),
                    is_named: std::str::from_utf8(id).is_ok_and(|id| sandboxes.contains(id)),
                    made: made.map(<[u8]>::to_vec).unwrap_or_default(),
                    id: id.to_vec(),
                });
            }
        }
        for (name, mut all) in named {
            all.sort();
            let Some(kept) = all.pop() else { continue };
            for gone in all {
                let why = why(&kept, &gone, &name);
                edits.extend(remove(tree, &gone.id, &why));
            }
        }
    }
    edits
}

/// Why one goes, and the other stays.
fn why(kept: &Twin, gone: &Twin, name: &str) -> String {
    let other = match () {
        () if kept.has_task && !gone.has_task => "one that has a task",
        () if kept.is_named && !gone.is_named => "one that containers belong to",
        () => "a newer one",
    };
    let left = if gone.has_task {
        "; it has a task, too, which is left without a record"
    } else {
        ""
    };
    format!("{other} has the name {name}, and the CRI does not start with two{left}")
}

/// The records of the CRI's namespace.
fn records(tree: &Tree) -> impl Iterator<Item = (&[u8], &Tree)> {
    let all = tree.at(&[&SPACE[..], &[b"containers"]].concat());
    all.into_iter().flat_map(Tree::buckets)
}

/// A text in the JSON that the CRI keeps with a record.
fn text_of(record: &Tree, extension: &str, pointer: &str) -> Option<String> {
    let any = Any::parse(record.at(&["extensions"])?.value(extension)?).ok()?;
    let json = any.json()?;
    Some(json.pointer(pointer)?.as_str()?.to_owned())
}

fn remove(tree: &mut Tree, id: &[u8], why: &str) -> Vec<Edit> {
    let mut edits = Vec::new();
    for kind in [&b"containers"[..], b"sandboxes", b"leases"] {
        let at = [&SPACE[..], &[kind, id]].concat();
        if tree.remove(&at) {
            edits.push(Edit {
                record: shown(&at),
                removed: true,
                why: why.to_owned(),
            });
        }
    }
    edits
}
