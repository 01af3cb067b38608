//! The objects of the tree in use, by which carved ones are judged.

use std::collections::{BTreeMap, BTreeSet};

use bolt::{Carve, Db, Status, Visit};
use finding::{Text, Time};
use serde_json::Value;

use crate::carved::{CarvedObject, Decoded, ObjectKind, Place, decode, place};

/// The objects of the tree in use, to compare with.
#[derive(Debug, Default)]
pub(crate) struct Living {
    by_name: BTreeMap<(ObjectKind, Option<Text>, Option<Text>, Text), Value>,
    names: BTreeSet<(ObjectKind, Text)>,
    births: BTreeSet<(ObjectKind, Time)>,
}

impl Living {
    /// Every object of the tree in use.
    pub(crate) fn read_living(db: &Db<'_>) -> Self {
        let mut living = Self::default();
        // A walk takes each page once; so does this with the pages of objects.
        let mut seen = BTreeSet::new();
        for step in db.walk() {
            let (true, Visit::Entry(entry)) = (step.bucket.len() <= 4, step.what) else {
                continue;
            };
            let is_backend = step.bucket.as_slice() == [b"v1".as_slice(), b"snapshots"];
            let Some(known) = place(&step.bucket).or_else(|| is_backend.then(Place::default))
            else {
                continue;
            };
            let Some(below) = entry.value.bucket() else {
                continue;
            };
            if below.page().is_some_and(|page| !seen.insert(page)) {
                continue;
            }
            if let Some(decoded) = decode(below, known.kind) {
                living.add(decoded, known, Text::from(entry.key));
            }
        }
        living
    }

    fn add(&mut self, decoded: Decoded, known: Place, name: Text) {
        self.names.insert((decoded.kind, name.clone()));
        if let Some(created) = decoded.created {
            self.births.insert((decoded.kind, created));
        }
        let key = (decoded.kind, known.namespace, known.snapshotter, name);
        self.by_name.insert(key, decoded.record);
    }

    pub(crate) fn is_backend(&self) -> bool {
        self.names
            .iter()
            .any(|(kind, _)| *kind == ObjectKind::Backend)
    }

    /// What became of an object whose bucket is not proven, by name and by when it was made.
    pub(crate) fn status(&self, object: &CarvedObject, carve: &Carve<'_>) -> Status {
        if carve.txid.is_none() {
            return Status::Unknown;
        }
        let name = object.name.clone().unwrap_or_default();
        let key = (
            object.kind,
            object.namespace.clone(),
            object.snapshotter.clone(),
            name,
        );
        if let Some(record) = self.by_name.get(&key) {
            let is_same = if object.whole {
                *record == object.record
            } else {
                is_within(&object.record, record)
            };
            return if is_same { Status::Live } else { Status::Older };
        }
        if let Some(name) = &object.name
            && self.names.contains(&(object.kind, name.clone()))
        {
            return Status::Older;
        }
        let is_alive = match (object.created, &object.name) {
            (Some(created), _) => self.births.contains(&(object.kind, created)),
            (None, name) => name.is_none(),
        };
        match (is_alive, carve.is_whole) {
            // When an object was made never changes: no living one was made then.
            (false, true) => Status::Deleted,
            (false, false) => Status::Unknown,
            (true, _) => {
                let is_same = self
                    .by_name
                    .iter()
                    .any(|((kind, ..), record)| *kind == object.kind && *record == object.record);
                if is_same {
                    Status::Live
                } else {
                    Status::Unplaced
                }
            }
        }
    }
}

/// Whether nothing in `part` contradicts `whole`: what was not carved does not.
fn is_within(part: &Value, whole: &Value) -> bool {
    match (part, whole) {
        (Value::Null, _) => true,
        (Value::String(text), _) if text.is_empty() => true,
        (Value::Object(part), Value::Object(whole)) => part.iter().all(|(key, value)| {
            let other = whole.get(key).unwrap_or(&Value::Null);
            // Documents are never carved in part, and may be deep.
            match (value, other) {
                (Value::Object(inner), Value::Object(other)) => inner
                    .iter()
                    .all(|(key, value)| other.get(key) == Some(value)),
                (Value::Array(part), Value::Array(whole)) => {
                    part.iter().all(|one| whole.contains(one))
                }
                (Value::Null, _) => true,
                (Value::String(text), _) if text.is_empty() => true,
                (value, other) => value == other,
            }
        }),
        (part, whole) => part == whole,
    }
}
