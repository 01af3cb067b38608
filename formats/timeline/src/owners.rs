//! Which container a snapshot, a directory, a log belongs to, deleted ones included.

use std::collections::BTreeMap;

use finding::Text;
use metadb::ObjectKind;
use node::Node;
use serde_json::Value;

use crate::carved::Carved;

/// A container, by its namespace and id.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Owner {
    pub(crate) namespace: Option<Text>,
    pub(crate) container: Text,
    pub(crate) image: Option<Text>,
    /// Whether its record is gone.
    pub(crate) is_gone: bool,
}

/// Containers by what is theirs.
#[derive(Debug, Default)]
pub(crate) struct Owners {
    /// By snapshotter and key of the snapshot in meta.db; namespaces share neither.
    keys: BTreeMap<(Text, Text, Text), Owner>,
    /// By snapshotter and number of the directory.
    directories: BTreeMap<(Text, u64), Owner>,
    /// By path of the log.
    logs: BTreeMap<Text, Owner>,
    /// By id.
    ids: BTreeMap<Text, Owner>,
}

impl Owners {
    pub(crate) fn new(node: &Node, carved: &Carved) -> Self {
        let mut owners = Self::default();
        for namespace in node.namespaces() {
            for row in namespace.containers.read().into_iter().flatten() {
                let owner = Owner {
                    namespace: Some(namespace.name.clone()),
                    container: row.key.clone(),
                    image: Some(row.image.clone()).filter(|image| !image.is_empty()),
                    is_gone: false,
                };
                if let Ok(record) = row.pod_container() {
                    owners.logs.insert(record.log_path, owner.clone());
                }
                owners.add(&row.snapshotter, &row.snapshot_key, owner);
            }
        }
        let carved_of = |wanted: ObjectKind| {
            let objects = carved.databases.iter().flat_map(|(_, objects)| objects);
            objects.filter(move |object| object.kind == wanted)
        };
        for object in carved_of(ObjectKind::Container) {
            let Some(id) = object.name.clone() else {
                continue;
            };
            let owner = Owner {
                namespace: object.namespace.clone(),
                container: id,
                image: text_field(&object.record, "image"),
                is_gone: true,
            };
            if owners.ids.contains_key(&owner.container) {
                continue;
            }
            let snapshotter = text_field(&object.record, "snapshotter").unwrap_or_default();
            let key = text_field(&object.record, "snapshot_key");
            owners.add(&snapshotter, &key.unwrap_or_default(), owner);
        }
        owners.directories(node, carved);
        owners
    }

    fn add(&mut self, snapshotter: &Text, key: &Text, owner: Owner) {
        if !key.is_empty() {
            let namespace = owner.namespace.clone().unwrap_or_default();
            let key = (snapshotter.clone(), namespace, key.clone());
            self.keys.entry(key).or_insert_with(|| owner.clone());
        }
        self.ids.entry(owner.container.clone()).or_insert(owner);
    }

    /// A snapshot's key in metadata.db is `<namespace>/<N>/<key>`.
    fn directories(&mut self, node: &Node, carved: &Carved) {
        for snapshotter in &node.snapshotters {
            let rows = snapshotter.db.rows.as_ref();
            let rows = rows.map_or(&[][..], |rows| rows.snapshots());
            let live = rows.iter().filter_map(|row| Some((row.id?, &row.key)));
            let databases = carved.databases.iter();
            let objects = databases
                .filter(|(name, _)| name.as_ref() == Some(&snapshotter.name))
                .flat_map(|(_, objects)| objects);
            let gone = objects.filter_map(|object| {
                let id = object.record.get("id").and_then(number)?;
                Some((id, object.name.as_ref()?))
            });
            // What is there comes first: a number is never given twice.
            for (id, key) in live.chain(gone) {
                if let Some(owner) = self.of_backend_key(&snapshotter.name, key).cloned() {
                    let directory = (snapshotter.name.clone(), id);
                    self.directories.entry(directory).or_insert(owner);
                }
            }
        }
    }

    /// The container whose snapshot this is in metadata.db.
    pub(crate) fn of_backend_key(&self, snapshotter: &Text, key: &Text) -> Option<&Owner> {
        let (namespace, key) = metadb::meta_key(key)?;
        self.of_key(snapshotter, &namespace, &key)
    }

    /// The container whose snapshot this is in meta.db.
    pub(crate) fn of_key(
        &self,
        snapshotter: &Text,
        namespace: &Text,
        key: &Text,
    ) -> Option<&Owner> {
        let key = (snapshotter.clone(), namespace.clone(), key.clone());
        self.keys.get(&key)
    }

    pub(crate) fn of_directory(&self, snapshotter: &Text, id: u64) -> Option<&Owner> {
        self.directories.get(&(snapshotter.clone(), id))
    }

    pub(crate) fn of_log(&self, path: &Text) -> Option<&Owner> {
        self.logs.get(path)
    }

    pub(crate) fn of_id(&self, id: &Text) -> Option<&Owner> {
        self.ids.get(id)
    }
}

/// A text of a record that is not empty.
pub(crate) fn text_field(record: &Value, key: &str) -> Option<Text> {
    let text = record.get(key)?.as_str()?;
    (!text.is_empty()).then(|| Text::from(text))
}

/// A number of a record: large ones are texts.
pub(crate) fn number(value: &Value) -> Option<u64> {
    value
        .as_u64()
        .or_else(|| value.as_str().and_then(|text| text.parse().ok()))
}
