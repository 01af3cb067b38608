//! Records that stop the daemon, and the least edit that does not.
//!
//! | record | what a start says | edit |
//! |---|---|---|
//! | image without a target, or whose target has no digest | `failed to list images: unable to read target bucket` | the record goes; a list of names can bring it back |
//! | container whose specification does not decode | `failed to list sandbox containers: failed to read container` | the record goes; its snapshot is held by the lease |
//! | container without a specification or a runtime | the same | the record goes |
//! | a time that does not decode | `Time.UnmarshalBinary: …` | the other time of the record, else now |
//! | sandbox without a runtime (2.x) | `no runtime bucket` | the record goes |
//! | ingest whose `expireat` does not decode | the first collection panics | the record goes |

use content::Digest;
use finding::{Text, Time};
use metadb::{Any, go_time, put_time};

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
pub fn mend(tree: &mut Tree, now: Time) -> Vec<Edit> {
    let mut edits = Vec::new();
    let namespaces: Vec<Vec<u8>> = keys(tree.at(&["v1"]));
    for namespace in namespaces {
        for (kind, judge) in KINDS {
            let bucket: Vec<&[u8]> = [&[&b"v1"[..], &namespace], *kind].concat();
            for key in keys(tree.at(&bucket)) {
                let at = [bucket.as_slice(), &[key.as_slice()]].concat();
                let record = tree.make(&at);
                let path: Vec<String> = at
                    .iter()
                    .map(|part| Text::from(*part).to_string())
                    .collect();
                let path = path.join(" > ");
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

type Judge = fn(&Tree) -> Option<&'static str>;

/// Kinds of records by their buckets below a namespace, and what is fatal in one.
const KINDS: &[(&[&[u8]], Judge)] = &[
    (&[b"images"], image),
    (&[b"containers"], container),
    (&[b"sandboxes"], sandbox),
    (&[b"content", b"ingests"], ingest),
    (&[b"content", b"blob"], |_| None),
];

fn keys(tree: Option<&Tree>) -> Vec<Vec<u8>> {
    let all = tree.into_iter().flat_map(Tree::buckets);
    all.map(|(key, _)| key.to_vec()).collect()
}

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
