//! Buckets at the root of meta.db, beside `v1`.
//!
//! 1.7 keeps `<namespace>/sandboxes/<id>/` there; the migration to schema 4 copies those below
//! `v1` and deletes every other bucket of the root (`migrateSandboxes`, core/metadata). It copies
//! what is in a sandbox one bucket deep, and gives up at a bucket below that.

use bolt::Value;
use finding::Text;

use crate::At;
use crate::open::{Open, Troubles};

/// A bucket at the root of the database that is not `v1`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RootBucket {
    /// Its name: a namespace, where 1.7 made it.
    pub name: Text,
    /// Where it stands.
    pub at: At,
    /// Ids of sandboxes in it.
    pub sandboxes: Vec<Text>,
    /// Keys in it that are not `sandboxes`.
    pub others: Vec<Text>,
    /// A bucket below what the migration copies, with the way to it.
    pub too_deep: Option<Vec<Text>>,
}

/// Reads them; what is wrong with single records in them was noted elsewhere.
pub(crate) fn read_root_buckets(root: &Open<'_>) -> Vec<RootBucket> {
    let mut ignored = Troubles::default();
    let mut roots = Vec::new();
    for entry in root.entries.values().filter(|entry| entry.key != b"v1") {
        let Value::Bucket(bucket) = &entry.value else {
            continue;
        };
        let path = vec![Text::from(entry.key)];
        let at = At {
            path: path.clone(),
            page: entry.page,
            span: entry.key_span,
        };
        let open = Open::new(bucket, path, &mut ignored);
        let others = open.keys().into_iter();
        let sandboxes = open.bucket("sandboxes", &mut ignored);
        let sandboxes = sandboxes.map(|bucket| bucket.children(&mut ignored));
        let sandboxes = sandboxes.unwrap_or_default();
        roots.push(RootBucket {
            name: Text::from(entry.key),
            at,
            others: others.filter(|key| *key != "sandboxes").collect(),
            too_deep: sandboxes
                .iter()
                .find_map(|(_, sandbox)| too_deep(sandbox, &mut ignored)),
            sandboxes: sandboxes
                .into_iter()
                .filter_map(|(at, _)| at.path.last().cloned())
                .collect(),
        });
    }
    roots
}

/// A bucket in a bucket of a sandbox.
fn too_deep(sandbox: &Open<'_>, ignored: &mut Troubles) -> Option<Vec<Text>> {
    let fields = sandbox.entries.values();
    let fields = fields.filter(|entry| matches!(entry.value, Value::Bucket(_)));
    let names: Vec<Text> = fields.map(|entry| Text::from(entry.key)).collect();
    names.iter().find_map(|name| {
        let field = sandbox.bucket(name.utf8()?, ignored)?;
        let mut below = field.entries.values();
        let deep = below.find(|entry| matches!(entry.value, Value::Bucket(_)))?;
        let mut path = field.path.clone();
        path.push(Text::from(deep.key));
        Some(path)
    })
}
