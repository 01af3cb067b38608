//! A database as a tree in memory, to be edited and written anew.

use std::collections::BTreeMap;
use std::io::Cursor;

use bolt::{Bucket, Db, Layout, Value, WriteError, Writer};

/// What stands under a key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Item {
    /// A value.
    Value(Vec<u8>),
    /// A bucket.
    Bucket(Tree),
}

impl Item {
    /// The bucket; a value becomes an empty one.
    fn bucket(&mut self) -> &mut Tree {
        match self {
            Self::Bucket(tree) => tree,
            value @ Self::Value(_) => {
                *value = Self::Bucket(Tree::default());
                value.bucket()
            }
        }
    }
}

/// A bucket: its sequence, and its keys in order.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Tree {
    /// What `NextSequence` gave last.
    pub sequence: u64,
    /// What it holds.
    pub entries: BTreeMap<Vec<u8>, Item>,
}

/// Buckets inside buckets beyond this depth are not read: containerd has seven.
const DEEPEST: usize = 16;

impl Tree {
    /// The tree that the daemon would use, as far as it can be read; whether all of it could be.
    pub fn read_tree(db: &Db<'_>) -> (Self, bool) {
        Self::read_bucket(db.root())
    }

    /// The tree of a database, if all of it can be read.
    pub fn of_bytes(bytes: &[u8]) -> Option<Self> {
        let db = Db::open(view::View::new(bytes)).db?;
        let (tree, whole) = Self::read_tree(&db);
        whole.then_some(tree)
    }

    /// A bucket and all that is inside it, as far as it can be read; whether all of it could be.
    pub(crate) fn read_bucket(bucket: Bucket<'_>) -> (Self, bool) {
        let mut whole = true;
        let mut root = Self::default();
        // A path of keys leads to each bucket, so that no call stands inside another.
        let mut queue: Vec<(Vec<Vec<u8>>, Bucket<'_>)> = vec![(Vec::new(), bucket)];
        while let Some((path, bucket)) = queue.pop() {
            let contents = bucket.contents();
            whole &= contents.is_whole();
            let Some(tree) = root.at_mut(&path) else {
                whole = false;
                continue;
            };
            tree.sequence = bucket.sequence();
            for entry in &contents.entries {
                let item = match &entry.value {
                    Value::Bytes(bytes) => Item::Value(bytes.to_vec()),
                    Value::Bucket(inner) if path.len() < DEEPEST => {
                        let mut path = path.clone();
                        path.push(entry.key.to_vec());
                        queue.push((path, inner.clone()));
                        Item::Bucket(Self::default())
                    }
                    Value::Bucket(_) => {
                        whole = false;
                        continue;
                    }
                };
                tree.entries.insert(entry.key.to_vec(), item);
            }
        }
        (root, whole)
    }

    /// The bucket at `path`, if it is there.
    pub fn at<K: AsRef<[u8]>>(&self, path: &[K]) -> Option<&Self> {
        let mut tree = self;
        for key in path {
            match tree.entries.get(key.as_ref()) {
                Some(Item::Bucket(inner)) => tree = inner,
                _ => return None,
            }
        }
        Some(tree)
    }

    fn at_mut<K: AsRef<[u8]>>(&mut self, path: &[K]) -> Option<&mut Self> {
        let mut tree = self;
        for key in path {
            match tree.entries.get_mut(key.as_ref()) {
                Some(Item::Bucket(inner)) => tree = inner,
                _ => return None,
            }
        }
        Some(tree)
    }

    /// The bucket at `path`; buckets that are not there are made, values in their way replaced.
    pub fn make<K: AsRef<[u8]>>(&mut self, path: &[K]) -> &mut Self {
        let mut tree = self;
        for key in path {
            let entry = tree.entries.entry(key.as_ref().to_vec());
            tree = entry
                .or_insert_with(|| Item::Bucket(Self::default()))
                .bucket();
        }
        tree
    }

    /// The value of a key.
    pub fn value(&self, key: &str) -> Option<&[u8]> {
        match self.entries.get(key.as_bytes()) {
            Some(Item::Value(value)) => Some(value),
            _ => None,
        }
    }

    /// Sets the value of a key.
    pub fn put(&mut self, key: impl AsRef<[u8]>, value: impl Into<Vec<u8>>) {
        let value = Item::Value(value.into());
        self.entries.insert(key.as_ref().to_vec(), value);
    }

    /// Sets the value of a key that is not there yet.
    pub(crate) fn put_new(&mut self, key: impl AsRef<[u8]>, value: impl Into<Vec<u8>>) {
        let entry = self.entries.entry(key.as_ref().to_vec());
        entry.or_insert_with(|| Item::Value(value.into()));
    }

    /// Removes the key at the end of `path`, and says whether it was there.
    pub fn remove<K: AsRef<[u8]>>(&mut self, path: &[K]) -> bool {
        let Some((key, above)) = path.split_last() else {
            return false;
        };
        let tree = self.at_mut(above);
        tree.is_some_and(|tree| tree.entries.remove(key.as_ref()).is_some())
    }

    /// The keys that are buckets.
    pub fn buckets(&self) -> impl Iterator<Item = (&[u8], &Self)> {
        self.entries.iter().filter_map(|(key, item)| match item {
            Item::Bucket(tree) => Some((key.as_slice(), tree)),
            Item::Value(_) => None,
        })
    }

    /// A new database that holds this tree.
    ///
    /// # Errors
    /// A key that no database can hold.
    pub fn write(&self, layout: Layout) -> Result<Vec<u8>, WriteError> {
        let layout = Layout {
            sequence: self.sequence,
            ..layout
        };
        let mut writer = Writer::new(Cursor::new(Vec::new()), layout)?;
        let mut open = vec![self.entries.iter()];
        while let Some(entries) = open.last_mut() {
            match entries.next() {
                Some((key, Item::Value(value))) => writer.put(key, value)?,
                Some((key, Item::Bucket(tree))) => {
                    writer.open_bucket(key, tree.sequence)?;
                    open.push(tree.entries.iter());
                }
                None => {
                    open.pop();
                    if !open.is_empty() {
                        writer.close_bucket()?;
                    }
                }
            }
        }
        Ok(writer.finish()?.into_inner())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use view::View;

    #[test]
    fn what_is_written_is_read_again() {
        let mut tree = Tree::default();
        tree.make(&["v1"]).put("version", [6]);
        let image = tree.make(&["v1", "k8s.io", "images", "a"]);
        image.put("createdat", "now");
        tree.make(&["v1", "k8s.io", "snapshots", "overlayfs"])
            .sequence = 7;
        for number in 0..500 {
            let key = format!("{number:064}");
            let blob = tree.make(&["v1", "k8s.io", "content", "blob", &key]);
            blob.put("size", vec![1; 40]);
        }
        let bytes = tree.write(Layout::default()).unwrap();
        let db = Db::open(View::new(&bytes)).db.unwrap();
        assert!(db.check().faults.is_empty());
        assert_eq!(Tree::read_tree(&db), (tree.clone(), true));
        assert!(tree.remove(&["v1", "k8s.io", "images", "a"]));
        assert!(!tree.remove(&["v1", "k8s.io", "images", "a"]));
        assert_eq!(tree.at(&["v1", "k8s.io", "images"]), Some(&Tree::default()));
    }
}
