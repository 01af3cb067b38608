//! Whether what a page holds goes where it is to be put.

use std::hash::{DefaultHasher, Hash as _, Hasher as _};

use finding::Time;
use view::View;

use super::{
    mend::Row,
    orphans::{Orphan, each_pointer, sound},
};
use crate::{
    bucket::{Bucket, Value},
    check::bits::Bits,
    line::Line,
    node::{BUCKET_FLAG, Node},
    page::{Kind, PageId},
    scan::{Bounds, scan},
    schema::{Fit, Schema},
    space::Space,
};

/// Elements of a page that are asked for.
const ASKED: u64 = 64;
/// Branches that are gone down.
const DEEPEST: usize = 16;

/// Asks the schema of a file.
#[derive(Debug, Clone, Copy)]
pub(super) struct Fits<'s> {
    pub(super) schema: Option<&'static dyn Schema>,
    pub(super) space: Space<'s>,
    /// Whether a freelist says which pages are in use.
    pub(super) is_listed: bool,
}

impl<'s> Fits<'s> {
    /// Whether the page can be one of the bucket at `path`.
    pub(super) fn page(&self, path: &[&[u8]], page: PageId) -> Fit {
        sound(self.space, page).map_or(Fit::No, |(node, _)| self.node(path, &node))
    }

    /// Whether the node can be one of the bucket at `path`.
    pub(super) fn node(&self, path: &[&[u8]], node: &Node<'s>) -> Fit {
        let Some(schema) = self.schema else {
            return Fit::Unknown;
        };
        let mut node = *node;
        for _ in 0..DEEPEST {
            if node.kind() == Kind::Leaf {
                break;
            }
            let first = node.element(0).ok().and_then(|element| element.child);
            let below = first.and_then(|first| sound(self.space, first));
            let Some((below, _)) = below else {
                return Fit::Unknown;
            };
            node = below;
        }
        let mut fit = schema.leaf(path, &self.entries(&node), false);
        if fit == Fit::No {
            return fit;
        }
        for index in 0..node.count().min(node.room()).min(ASKED) {
            let Ok(element) = node.element(index) else {
                continue;
            };
            let value = self.value(element.flags, element.value, node.id());
            match schema.entry(path, element.key.bytes(), &value) {
                Fit::No => return Fit::No,
                Fit::Unknown => {}
                Fit::Yes => fit = Fit::Yes,
            }
        }
        fit
    }

    /// Whether the leaf is of another bucket than that at `path`; `is_all`: it would be the only one.
    pub(super) fn is_foreign(&self, path: &[&[u8]], node: &Node<'s>, is_all: bool) -> bool {
        let Some(schema) = self.schema.filter(|_| node.kind() == Kind::Leaf) else {
            return false;
        };
        let mut faults = Vec::new();
        scan(node, Bounds::default(), &mut faults, |_, _| {});
        if !faults.is_empty() {
            return false;
        }
        let is_all = is_all && node.count() <= ASKED;
        schema.leaf(path, &self.entries(node), is_all) == Fit::No
    }

    /// Of the record at `path` with these fields, hashes of the time at which it was made, and of its key.
    pub(super) fn birth(&self, path: &[&[u8]], rows: &[Row<'s>]) -> Option<(u64, u64)> {
        let schema = self.schema?;
        let (key, above) = path.split_last()?;
        let kind = schema.records(above)?;
        let is_one = |row: &&Row<'s>| {
            let time = schema.birthday(row.key, row.value.bytes());
            row.flags & BUCKET_FLAG == 0 && time.is_some_and(|time| time.nanos != 0)
        };
        let row = rows.iter().find(is_one)?;
        let hash = |what: (&str, &[u8])| {
            let mut hasher = DefaultHasher::new();
            what.hash(&mut hasher);
            hasher.finish()
        };
        Some((hash((kind, row.value.bytes())), hash(("", key))))
    }

    /// The first entries of a leaf.
    fn entries(&self, node: &Node<'s>) -> Vec<(&'s [u8], Value<'s>)> {
        (0..node.count().min(node.room()).min(ASKED))
            .filter_map(|index| node.element(index).ok())
            .map(|element| {
                let value = self.value(element.flags, element.value, node.id());
                (element.key.bytes(), value)
            })
            .collect()
    }

    fn value(&self, flags: u32, value: View<'s>, page: PageId) -> Value<'s> {
        if flags & BUCKET_FLAG == 0 {
            Value::Bytes(value.bytes())
        } else {
            Value::Bucket(Bucket::of_value(self.space, value, page, Line::default()))
        }
    }

    /// What kind of record the page is by its keys.
    pub(super) fn record(&self, page: PageId) -> Option<&'static str> {
        let bucket = Bucket::at_page(self.space, page, 0);
        self.schema?.record(&bucket)
    }

    /// Whether the page is a record, or a part of one that names nothing, where the schema is known.
    pub(super) fn is_record(&self, page: PageId) -> bool {
        let is_last = |(_, about): (_, Orphan<'_>)| about.kind == Kind::Leaf && about.buckets == 0;
        self.schema.is_some()
            && (self.record(page).is_some() || sound(self.space, page).is_some_and(is_last))
    }

    /// What kind of records the page names, if all that can be read are of one kind.
    pub(super) fn rows(&self, page: PageId) -> Option<&'static str> {
        let schema = self.schema?;
        let (node, _) = sound(self.space, page)?;
        let mut found = None;
        for index in 0..node.count().min(node.room()).min(ASKED) {
            let element = node.element(index).ok()?;
            let Value::Bucket(bucket) = self.value(element.flags, element.value, node.id()) else {
                return None;
            };
            let Some(kind) = schema.record(&bucket) else {
                continue;
            };
            if found.is_some_and(|found| found != kind) {
                return None;
            }
            found = Some(kind);
        }
        found
    }

    /// Whether all buckets that the page names can be theirs: nothing else claims their pages, and
    /// these are in order.
    pub(super) fn is_alive(&self, page: PageId, claims: &Bits) -> bool {
        let Some((node, _)) = sound(self.space, page) else {
            return false;
        };
        let mut is_alive = true;
        each_pointer(&node, |to, _| {
            is_alive &= !claims.has(to) && sound(self.space, to).is_some();
        });
        is_alive
    }

    /// When the youngest of the records that the page names was made.
    pub(super) fn age(&self, page: PageId) -> Option<Time> {
        let (node, _) = sound(self.space, page)?;
        let schema = self.schema?;
        let mut age = None;
        for index in 0..node.count().min(node.room()) {
            let Ok(element) = node.element(index) else {
                continue;
            };
            let Value::Bucket(bucket) = self.value(element.flags, element.value, node.id()) else {
                continue;
            };
            for entry in bucket.contents().entries {
                if let Some(value) = entry.value.bytes() {
                    age = age.max(schema.birthday(entry.key, value));
                }
            }
        }
        age
    }

    /// Whether the page may be a record of which the kind does not show, or a part of one: it says when it was
    /// made, or it holds nothing but values.
    pub(super) fn is_part(&self, orphan: &Orphan<'_>) -> bool {
        let Some((node, _)) = sound(self.space, orphan.id) else {
            return false;
        };
        let is_birthday = |(key, value): &(&[u8], Value<'_>)| {
            let asked = self.schema.zip(value.bytes());
            asked.is_some_and(|(schema, value)| schema.birthday(key, value).is_some())
        };
        orphan.kind == Kind::Leaf
            && (orphan.buckets == 0 || self.entries(&node).iter().any(is_birthday))
    }

    /// Whether a schema says what the buckets in this one are.
    pub(super) fn kind(&self, path: &[&[u8]]) -> Option<&'static str> {
        self.schema?.records(path)
    }
}
