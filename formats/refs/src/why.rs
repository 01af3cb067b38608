//! What keeps an object, and until when.

use daemon::gc::{self, Chain, Collection, Fate, Root, Until};
use finding::{Text, Unknown};
use node::Node;
use node::graph::{Id, Index, Kind, Object};
use serde::Serialize;

use crate::Judged;

/// Which objects are meant.
#[derive(Debug, Clone, Default)]
pub struct Question<'q> {
    /// A name, the beginning of one, or `namespace/name`.
    pub name: &'q str,
    /// Only of this kind.
    pub kind: Option<Kind>,
    /// Only of this namespace.
    pub namespace: Option<&'q str>,
    /// At most so many chains of references for each object.
    pub chains: usize,
}

/// Why there is no answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NoAnswer {
    /// Nothing is known of what refers to what.
    NoMeta(Unknown),
    /// The name begins those of several objects; some of them.
    Several(Vec<String>),
    /// Nothing that could be read has the name.
    Absent {
        /// What could not be read and may have it.
        unknown: Vec<Unknown>,
        /// Whether a blob of the name lies in the content store.
        is_on_disk: bool,
    },
}

/// One step of a chain, to be shown.
#[derive(Debug, Clone, Serialize)]
pub struct Step {
    /// How the one before refers to it.
    pub via: String,
    /// What is referred to.
    pub to: Id,
    /// Whether meta.db has a record of it.
    pub has_record: bool,
    /// Whether it is held without what it refers to.
    pub flat: bool,
}

/// One chain of references.
#[derive(Debug, Clone, Serialize)]
pub struct Held {
    /// The root.
    pub root: Id,
    #[serde(flatten)]
    /// Why it is one.
    pub why: Root,
    /// Until when it holds.
    pub until: Until,
    /// Whether it still holds.
    pub holds: bool,
    /// The way from it.
    pub steps: Vec<Step>,
}

/// One object, and what keeps it.
#[derive(Debug, Clone, Serialize)]
pub struct Kept {
    /// Which it is.
    #[serde(flatten)]
    pub id: Id,
    /// Whether meta.db has a record of it; else it is only referred to.
    pub has_record: bool,
    /// What the collector does with its record; nothing for what it never deletes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fate: Option<Fate>,
    /// Until when it is held.
    pub held: Until,
    /// How many roots reach it, ended ones included.
    pub roots: usize,
    /// The ways on which it is held, those that hold longest first.
    pub chains: Vec<Held>,
    /// What it refers to.
    pub refers_to: Vec<Step>,
}

/// What was asked for, and what keeps it.
#[derive(Debug, Clone, Serialize)]
pub struct Why {
    /// Why no collection takes place, if none does.
    pub failure: Option<gc::Failure>,
    /// The objects of the name.
    pub objects: Vec<Kept>,
    /// What is not known: it may hold them, too.
    pub unknown: Vec<Unknown>,
}

impl Why {
    /// What keeps the objects that `question` names.
    ///
    /// # Errors
    /// Where nothing, or more than one thing, is meant.
    pub fn answer_why(
        node: &Node,
        judged: &Judged,
        question: &Question<'_>,
    ) -> Result<Self, NoAnswer> {
        let collection = gc::simulate(node, judged.daemon, judged.at).map_err(NoAnswer::NoMeta)?;
        let found = find(&collection, question)?;
        let unknown = collection.graph.all_unknown();
        if found.is_empty() {
            let is_on_disk = is_on_disk(node, question.name);
            return Err(NoAnswer::Absent {
                unknown,
                is_on_disk,
            });
        }
        let all = found.into_iter();
        let objects = all.filter_map(|index| kept(&collection, index, question.chains));
        Ok(Self {
            objects: objects.collect(),
            failure: collection.failure.clone(),
            unknown,
        })
    }
}

/// Whether a blob of this name lies in the content store: bytes that no record has are the other
/// half of the question.
fn is_on_disk(node: &Node, name: &str) -> bool {
    let hex = name.strip_prefix("sha256:").unwrap_or(name);
    let store = node.content.read();
    !hex.is_empty()
        && store
            .into_iter()
            .flat_map(|store| &store.blobs)
            .any(|blob| blob.digest.hex().starts_with(hex))
}

/// Whether a record names the object, or is it: what only documents name is not the collector's.
fn is_named(collection: &Collection, index: Index, object: &Object) -> bool {
    let mut referrers = collection.graph.referrers(index);
    let is_record = object.id.kind.is_record();
    is_record && (object.at.is_some() || referrers.any(|(_, via)| via.is_recorded()))
}

/// The objects of this name, in every namespace; else those of the only name that begins so.
fn find(collection: &Collection, question: &Question<'_>) -> Result<Vec<Index>, NoAnswer> {
    let graph = &collection.graph;
    let name = question.name;
    let wanted = |id: &Id| {
        let of_kind = question.kind.is_none_or(|kind| id.kind == kind);
        of_kind && question.namespace.is_none_or(|name| id.namespace == name)
    };
    let is_called = |object: &Object, test: &dyn Fn(&[u8]) -> bool| {
        let id = &object.id;
        let key = id.key.bytes();
        let inner = id.snapshot_parts().map(|(_, key)| key);
        let inner = inner.as_ref().map_or(key, Text::bytes);
        let hex = inner.strip_prefix(b"sha256:").unwrap_or(inner);
        let qualified = [id.namespace.bytes(), b"/", key].concat();
        let inside = [id.namespace.bytes(), b"/", inner].concat();
        [key, inner, hex, &qualified, &inside].into_iter().any(test)
    };
    let all = || {
        let wanted = graph.objects().filter(|(_, object)| wanted(&object.id));
        wanted.filter(|(index, object)| is_named(collection, *index, object))
    };
    let exact = |bytes: &[u8]| bytes == name.as_bytes();
    let found: Vec<Index> = all()
        .filter(|(_, object)| is_called(object, &exact))
        .map(|(index, _)| index)
        .collect();
    if !found.is_empty() || name.is_empty() {
        return Ok(found);
    }
    let begins = |bytes: &[u8]| bytes.starts_with(name.as_bytes());
    let found: Vec<(Index, &Object)> = all()
        .filter(|(_, object)| is_called(object, &begins))
        .collect();
    // The same snapshot in two snapshotters, or a blob in two namespaces, is one name.
    let mut names: Vec<String> = found
        .iter()
        .map(|(_, object)| {
            let inner = object.id.snapshot_parts().map(|(_, key)| key);
            inner.unwrap_or_else(|| object.id.key.clone()).to_string()
        })
        .collect();
    names.sort();
    names.dedup();
    if names.len() > 1 {
        names.truncate(5);
        return Err(NoAnswer::Several(names));
    }
    Ok(found.into_iter().map(|(index, _)| index).collect())
}

fn kept(collection: &Collection, index: Index, most: usize) -> Option<Kept> {
    let graph = &collection.graph;
    let object = graph.get(index)?;
    let (chains, roots) = collection.chains(index, most);
    let shown = |chain: Chain| {
        let steps = chain.steps.into_iter().filter_map(|step| {
            Some(Step {
                via: step.via.to_string(),
                to: graph.get(step.to)?.id.clone(),
                has_record: graph.get(step.to)?.at.is_some(),
                flat: step.flat,
            })
        });
        Some(Held {
            root: graph.get(chain.root)?.id.clone(),
            why: chain.why,
            until: chain.until,
            holds: chain.until.holds(collection.at),
            steps: steps.collect(),
        })
    };
    let edges = object.edges.iter().filter(|edge| edge.via.is_recorded());
    let refers_to = edges.filter_map(|edge| {
        Some(Step {
            via: edge.via.to_string(),
            to: graph.get(edge.to)?.id.clone(),
            has_record: graph.get(edge.to)?.at.is_some(),
            flat: false,
        })
    });
    Some(Kept {
        id: object.id.clone(),
        has_record: object.at.is_some(),
        fate: collection
            .record(&object.id)
            .map(|record| record.fate.clone()),
        held: collection.marks.held(index),
        roots,
        chains: chains.into_iter().filter_map(shown).collect(),
        refers_to: refers_to.collect(),
    })
}
