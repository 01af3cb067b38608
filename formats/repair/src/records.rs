//! Records that stop the daemon, and the least edit that does not.
//!
//! | record | what a start says | edit |
//! |---|---|---|
//! | image without a target, or whose target has no digest | `failed to list images: unable to read target bucket` | the record goes; a list of names can bring it back |
//! | container whose specification does not decode, and whose bundle has it | `failed to list sandbox containers: failed to read container` | that of the bundle |
//! | container whose specification does not decode | `failed to list sandbox containers: failed to read container` | the record goes; its snapshot is held by the lease |
//! | container without a specification or a runtime | the same | the record goes |
//! | a time that does not decode | `Time.UnmarshalBinary: …` | the other time of the record, else now |
//! | sandbox without a runtime (2.x) | `no runtime bucket` | the record goes |
//! | snapshot whose parent has no record, and whose row stands on one that has | the mount is that of the row; a collection may take the parent | the row's |
//! | ingest whose `expireat` does not decode | the first collection panics | the record goes |

use std::collections::{BTreeMap, BTreeSet};

use content::Digest;
use finding::{Text, Time};
use metadb::{Any, go_time, put_any, put_time};
use node::Node;

use crate::containers::SPEC;
use crate::rows::{backend_rows, keys, namespaces, shown, split_key};
use crate::{Item, Tree};

/// One edit of meta.db.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Edit {
    /// The buckets from `v1` to the record.
    pub record: String,
    /// Whether the record goes; else a value of it was set right.
    pub removed: bool,
    /// What was wrong with it.
    pub why: String,
}

/// Sets right, or takes out, every record that would stop the daemon.
pub fn mend(tree: &mut Tree, node: &Node, specs: &BTreeMap<Text, Vec<u8>>, now: Time) -> Vec<Edit> {
    let mut edits = names(tree, node);
    edits.extend(parents(tree, node));
    edits.extend(specifications(tree, node, specs));
    edits.extend(sequences(tree, node));
    edits.extend(crate::pods::twins(tree, node));
    let spaces: Vec<Vec<u8>> = keys(tree.at(&["v1"]));
    for namespace in spaces {
        for (kind, judge) in KINDS {
            let bucket: Vec<&[u8]> = [&[&b"v1"[..], &namespace], *kind].concat();
            for key in keys(tree.at(&bucket)) {
                let at = [bucket.as_slice(), &[key.as_slice()]].concat();
                let record = tree.make(&at);
                let path = shown(&at);
                if let Some(why) = judge(record) {
                    tree.remove(&at);
                    edits.push(Edit {
                        record: path,
                        removed: true,
                        why: why.to_owned(),
                    });
                } else if let Some(why) = set_times(record, now) {
                    edits.push(Edit {
                        record: path,
                        removed: false,
                        why,
                    });
                }
            }
        }
    }
    edits
}

/// A snapshot's record whose `name` no row of metadata.db has, while a row has its key: the name was
/// damaged, and the first clean-up would delete the snapshot.
pub(crate) fn names(tree: &mut Tree, node: &Node) -> Vec<Edit> {
    let mut edits = Vec::new();
    for snapshotter in &node.snapshotters {
        let rows = backend_rows(snapshotter).iter();
        let known: BTreeSet<&[u8]> = rows.map(|row| row.key.bytes()).collect();
        let named: BTreeSet<Vec<u8>> = all_names(tree, snapshotter.name.bytes());
        for row in known.iter().filter(|row| !named.contains(**row)) {
            let Some((namespace, _, key)) = split_key(row) else {
                continue;
            };
            let at = [
                b"v1",
                namespace,
                b"snapshots",
                snapshotter.name.bytes(),
                key,
            ];
            let Some(record) = tree.at(&at) else {
                continue;
            };
            // A name of this key is another row of it; that of another key was written over this one.
            let is_own = |name: &[u8]| split_key(name).is_some_and(|(_, _, own)| own == key);
            if record
                .value("name")
                .is_some_and(|name| known.contains(name) && is_own(name))
            {
                continue;
            }
            tree.make(&at).put("name", *row);
            edits.push(Edit {
                record: shown(&at),
                removed: false,
                why: "its name is not that of the row of metadata.db that has its key".to_owned(),
            });
        }
    }
    edits
}

/// A snapshot's record whose parent has no record, while its row in metadata.db stands on a snapshot that
/// has one: the daemon mounts what the row says.
fn parents(tree: &mut Tree, node: &Node) -> Vec<Edit> {
    let mut edits = Vec::new();
    for snapshotter in &node.snapshotters {
        for row in backend_rows(snapshotter) {
            let own = split_key(row.key.bytes());
            let parent = row.parent.as_ref();
            let parent = parent.and_then(|parent| split_key(parent.bytes()));
            let (Some((namespace, _, key)), Some((space, _, parent))) = (own, parent) else {
                continue;
            };
            let all = [b"v1", namespace, b"snapshots", snapshotter.name.bytes()];
            let has = |key: &[u8]| tree.at(&[&all[..], &[key]].concat()).is_some();
            let at = [&all[..], &[key]].concat();
            let record = tree.at(&at);
            let said = record.and_then(|record| record.value("parent"));
            let is_own = record.and_then(|record| record.value("name")) == Some(row.key.bytes());
            let is_wrong = said.is_some_and(|said| !said.is_empty() && !has(said));
            if !is_own || !is_wrong || space != namespace || !has(parent) {
                continue;
            }
            tree.make(&at).put("parent", parent);
            tree.make(&[&all[..], &[parent, b"children"]].concat())
                .put_new(key, []);
            edits.push(Edit {
                record: shown(&at),
                removed: false,
                why: "its parent has no record, and metadata.db names one that has".to_owned(),
            });
        }
    }
    edits
}

/// Every `name` of a snapshotter's records, over all namespaces.
fn all_names(tree: &Tree, snapshotter: &[u8]) -> BTreeSet<Vec<u8>> {
    let all = namespaces(tree).filter_map(|(_, space)| space.at(&[&b"snapshots"[..], snapshotter]));
    let records = all.flat_map(Tree::buckets);
    records
        .filter_map(|(_, record)| Some(record.value("name")?.to_vec()))
        .collect()
}

/// A specification that does not decode, where the container's bundle holds it, too.
fn specifications(tree: &mut Tree, node: &Node, specs: &BTreeMap<Text, Vec<u8>>) -> Vec<Edit> {
    let bundles = node
        .runtime
        .read()
        .map_or(&[][..], |runtime| &runtime.bundles);
    let mut edits = Vec::new();
    for bundle in bundles {
        let at = [
            b"v1",
            bundle.namespace.bytes(),
            b"containers",
            bundle.id.bytes(),
        ];
        let (Some(spec), Some(record)) = (specs.get(&bundle.path), tree.at(&at)) else {
            continue;
        };
        if let Some(why) = any(
            record.value("spec"),
            "it has no specification",
            "its specification does not decode",
        ) {
            tree.make(&at).put("spec", put_any(SPEC, spec));
            edits.push(Edit {
                record: format!("v1 > {} > containers > {}", bundle.namespace, bundle.id),
                removed: false,
                why: format!("{why}; that of its bundle is the same"),
            });
        }
    }
    edits
}

/// Takes the record of a blob out.
pub(crate) fn drop_blob(tree: &mut Tree, namespace: &[u8], digest: &[u8], why: &str) -> Edit {
    let at: [&[u8]; 5] = [b"v1", namespace, b"content", b"blob", digest];
    tree.remove(&at);
    Edit {
        record: shown(&at),
        removed: true,
        why: why.to_owned(),
    }
}

/// Numbers that a snapshotter's bucket would give a second time: those of its own rows, and those that
/// only metadata.db knows, where an older meta.db was put back.
fn sequences(tree: &mut Tree, node: &Node) -> Vec<Edit> {
    let mut low = Vec::new();
    for (namespace, space) in namespaces(tree) {
        for (snapshotter, all) in space.at(&["snapshots"]).into_iter().flat_map(Tree::buckets) {
            let names = all.buckets().filter_map(|(_, record)| record.value("name"));
            // A commit that was cut off has taken the next number, which is passed over.
            let next = all.sequence.saturating_add(1);
            let mut backends = node.snapshotters.iter();
            let backend = backends.find(|one| one.name.bytes() == snapshotter);
            let rows = backend.map_or(&[][..], backend_rows).iter();
            let given = rows
                .filter_map(|row| split_key(row.key.bytes()))
                .filter(|(of, number, _)| *of == namespace && *number != next)
                .map(|(_, number, _)| number);
            let highest = names
                .filter_map(|name| Some(split_key(name)?.1))
                .chain(given)
                .max();
            if let Some(highest) = highest.filter(|highest| *highest > all.sequence) {
                low.push((namespace.to_vec(), snapshotter.to_vec(), highest));
            }
        }
    }
    let mut edits = Vec::new();
    for (namespace, snapshotter, highest) in low {
        let at: [&[u8]; 4] = [b"v1", &namespace, b"snapshots", &snapshotter];
        tree.make(&at).sequence = highest;
        edits.push(Edit {
            record: shown(&at),
            removed: false,
            why: format!("the number that it gives next was given already: {highest} was the last"),
        });
    }
    edits
}

/// Whether a record has what the daemon needs of a container.
pub(crate) fn is_sound_container(record: &Tree) -> bool {
    container(record).is_none()
}

type Judge = fn(&Tree) -> Option<&'static str>;

/// Kinds of records by their buckets below a namespace, and what is fatal in one.
const KINDS: &[(&[&[u8]], Judge)] = &[
    (&[b"images"], image),
    (&[b"containers"], container),
    (&[b"sandboxes"], sandbox),
    (&[b"content", b"ingests"], ingest),
    (&[b"content", b"blob"], |_| None),
];

fn image(record: &Tree) -> Option<&'static str> {
    let Some(target) = record.at(&["target"]) else {
        return Some("it has no target");
    };
    let digest = target.value("digest").map(Digest::parse_bytes);
    (!matches!(digest, Some(Ok(_)))).then_some("its target has no digest")
}

fn container(record: &Tree) -> Option<&'static str> {
    let runtime = record
        .at(&["runtime"])
        .and_then(|runtime| runtime.value("name"));
    if runtime.is_none_or(<[u8]>::is_empty) {
        return Some("it names no runtime");
    }
    any(
        record.value("spec"),
        "it has no specification",
        "its specification does not decode",
    )
}

fn sandbox(record: &Tree) -> Option<&'static str> {
    let runtime = record.at(&["runtime"]);
    runtime.is_none().then_some("it has no runtime")
}

fn ingest(record: &Tree) -> Option<&'static str> {
    let expires = record.value("expireat").map(go_time);
    matches!(expires, Some(Err(_))).then_some("the time at which it ends does not decode")
}

fn any(value: Option<&[u8]>, missing: &'static str, bad: &'static str) -> Option<&'static str> {
    let Some(value) = value else {
        return Some(missing);
    };
    match Any::parse(value) {
        Ok(any) if any.json().is_some() => None,
        _ => Some(bad),
    }
}

/// Replaces times that do not decode.
fn set_times(record: &mut Tree, now: Time) -> Option<String> {
    let bad = |value: Option<&Item>| match value {
        Some(Item::Value(bytes)) => go_time(bytes).is_err(),
        _ => false,
    };
    let names = ["createdat", "updatedat"];
    let wrong: Vec<&str> = names
        .into_iter()
        .filter(|name| bad(record.entries.get(name.as_bytes())))
        .collect();
    let right = names
        .into_iter()
        .find_map(|name| go_time(record.value(name)?).ok());
    for name in &wrong {
        record.put(name, put_time(right.unwrap_or(now)));
    }
    (!wrong.is_empty()).then(|| format!("{} does not decode", wrong.join(" and ")))
}
