//! meta.db as a whole.

use std::collections::BTreeMap;

use bolt::{Db, Value};
use finding::{Known, Text, Unknown};

use crate::content::ContentRows;
use crate::open::{Open, Troubles};
use crate::{
    At, BlobRow, Container, Fault, Image, IngestRow, Labels, Lease, Problem, RootBucket, Row,
    Sandbox, Snapshots, Trouble, container, content, image, lease, roots, sandbox, snapshot,
    unknown,
};

/// One namespace of meta.db.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Namespace {
    /// Its name.
    pub name: Text,
    /// Where its bucket stands; nothing for one that exists only at the root of the database.
    pub at: Option<At>,
    /// Its labels.
    pub labels: Labels,
    /// Its images.
    pub images: Known<Vec<Row<Image>>>,
    /// Its containers.
    pub containers: Known<Vec<Row<Container>>>,
    /// Its snapshots, by snapshotter.
    pub snapshots: Known<Vec<Snapshots>>,
    /// Its blobs.
    pub blobs: Known<Vec<Row<BlobRow>>>,
    /// Its ingests.
    pub ingests: Known<Vec<Row<IngestRow>>>,
    /// Its leases.
    pub leases: Known<Vec<Row<Lease>>>,
    /// Its sandboxes (2.x).
    pub sandboxes: Known<Vec<Row<Sandbox>>>,
    /// Sandboxes where 1.7 keeps them, at the root of the database.
    pub old_sandboxes: Known<Vec<Row<Sandbox>>>,
    /// Keys and buckets that no known release writes, as in [`Row`].
    pub unknown: BTreeMap<Text, Option<String>>,
}

impl Namespace {
    /// The ids of its containers and sandboxes, as far as they are known: each may have a task.
    pub fn task_ids(&self) -> impl Iterator<Item = &Text> {
        let containers = self.containers.read().into_iter().flatten();
        let sandboxes = [&self.sandboxes, &self.old_sandboxes];
        let sandboxes = sandboxes.into_iter().filter_map(Known::read).flatten();
        containers
            .map(|row| &row.key)
            .chain(sandboxes.map(|row| &row.key))
    }
}

/// meta.db, read as far as it can be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MetaDb {
    /// The schema's minor version: 3 up to 1.7, 4 since 2.0.
    pub version: Option<i64>,
    /// The namespaces.
    pub namespaces: Known<Vec<Namespace>>,
    /// Buckets beside `v1` at the root of the database: 1.7 keeps its sandboxes there.
    pub roots: Vec<RootBucket>,
    /// What could not be read or decoded.
    pub troubles: Vec<Trouble>,
}

/// The newest schema version that is known.
const NEWEST: i64 = 4;

const NAMESPACE_KEYS: &[&str] = &[
    "labels",
    "images",
    "containers",
    "snapshots",
    "content",
    "content/blob",
    "content/ingests",
    "content/ingest",
    "leases",
    "sandboxes",
];

impl MetaDb {
    /// Reads the tree that the daemon would use.
    pub fn read_meta(db: &Db<'_>) -> Self {
        Self::read_within(db, Troubles::for_file(db.view().len()))
    }

    fn read_within(db: &Db<'_>, mut troubles: Troubles) -> Self {
        let root = Open::new(&db.root(), Vec::new(), &mut troubles);
        let mut version = None;
        let namespaces = match root.bucket("v1", &mut troubles) {
            Some(v1) => {
                version = read_version(&v1, &mut troubles);
                let namespaces = read_namespaces(&root, &v1, &mut troubles);
                let mut unknown = root.unknown();
                unknown.extend(v1.unknown());
                Known::with(namespaces, unknown)
            }
            None if root.unknown().is_empty() => {
                let roots = root.keys().into_iter().collect();
                let problem = Problem::Record(Fault::NoSchema { roots });
                troubles.0.push(Trouble {
                    path: Vec::new(),
                    problem,
                });
                Known::lost("v1", "there is no such bucket")
            }
            None => Known::Lost(root.unknown()),
        };
        let roots = roots::read_root_buckets(&root);
        Self {
            version,
            namespaces,
            roots,
            troubles: troubles.0,
        }
    }

    /// Every namespace that could be read.
    pub fn namespaces(&self) -> &[Namespace] {
        self.namespaces.read().map_or(&[], Vec::as_slice)
    }

    /// What is not known of the rows that `pick` gives, over all namespaces: nothing if all of
    /// them could be read. Who concludes from the absence of a row must ask this first.
    pub fn unknown<T>(&self, pick: impl Fn(&Namespace) -> &Known<T>) -> Vec<Unknown> {
        let mut unknown = self.namespaces.unknown().to_vec();
        for namespace in self.namespaces() {
            unknown.extend(pick(namespace).unknown().iter().cloned());
        }
        unknown
    }

    /// As [`MetaDb::unknown`], for the snapshots of every snapshotter.
    pub fn unknown_snapshots(&self) -> Vec<Unknown> {
        let mut unknown = self.unknown(|namespace| &namespace.snapshots);
        for namespace in self.namespaces() {
            for snapshots in namespace.snapshots.read().into_iter().flatten() {
                unknown.extend(snapshots.rows.unknown().iter().cloned());
            }
        }
        unknown
    }
}

fn read_version(v1: &Open<'_>, troubles: &mut Troubles) -> Option<i64> {
    let (_, span) = v1.bytes("version", troubles)?;
    let version = v1.varint("version", troubles)?;
    if !(0..=NEWEST).contains(&version) {
        let problem = Problem::Record(Fault::Version {
            found: version,
            span,
        });
        troubles.0.push(Trouble {
            path: v1.path.clone(),
            problem,
        });
    }
    Some(version)
}

fn read_namespaces(root: &Open<'_>, v1: &Open<'_>, troubles: &mut Troubles) -> Vec<Namespace> {
    let mut namespaces = Vec::new();
    for entry in v1.entries.values() {
        let name = Text::from(entry.key);
        let mut path = v1.path.clone();
        path.push(name.clone());
        match &entry.value {
            Value::Bucket(bucket) => {
                let at = At {
                    path: path.clone(),
                    page: entry.page,
                    span: entry.key_span,
                };
                let bucket = Open::new(bucket, path, troubles);
                namespaces.push(read_namespace(name, Some(at), &bucket, troubles));
            }
            Value::Bytes(_) if entry.key == b"version" => {}
            Value::Bytes(_) => {
                let fault = Fault::PlainKey {
                    key: name,
                    span: entry.key_span,
                };
                let problem = Problem::Record(fault);
                troubles.0.push(Trouble {
                    path: v1.path.clone(),
                    problem,
                });
            }
        }
    }
    read_old_sandboxes(root, &mut namespaces, troubles);
    namespaces
}

fn read_namespace(
    name: Text,
    at: Option<At>,
    bucket: &Open<'_>,
    troubles: &mut Troubles,
) -> Namespace {
    let unknown = unknown::keys(&bucket.path, &bucket.entries, NAMESPACE_KEYS, troubles);
    let ContentRows { blobs, ingests } = content::read_all(bucket, troubles);
    Namespace {
        name,
        at,
        labels: bucket.labels("labels", troubles),
        images: bucket.rows("images", image::KEYS, troubles, image::read_image),
        containers: bucket.rows(
            "containers",
            container::KEYS,
            troubles,
            container::read_container,
        ),
        snapshots: snapshot::read_all(bucket, troubles),
        blobs,
        ingests,
        leases: bucket.rows("leases", lease::KEYS, troubles, lease::read_lease),
        sandboxes: bucket.rows("sandboxes", sandbox::KEYS, troubles, sandbox::read_sandbox),
        old_sandboxes: Known::Whole(Vec::new()),
        unknown,
    }
}

/// 1.7 keeps sandboxes in `<namespace>/sandboxes` at the root of the database.
fn read_old_sandboxes(root: &Open<'_>, namespaces: &mut Vec<Namespace>, troubles: &mut Troubles) {
    for entry in root.entries.values().filter(|entry| entry.key != b"v1") {
        let name = Text::from(entry.key);
        let Value::Bucket(bucket) = &entry.value else {
            let fault = Fault::PlainKey {
                key: name,
                span: entry.key_span,
            };
            troubles.0.push(Trouble {
                path: Vec::new(),
                problem: Problem::Record(fault),
            });
            continue;
        };
        let bucket = Open::new(bucket, vec![name.clone()], troubles);
        let rows = bucket.rows("sandboxes", sandbox::KEYS, troubles, sandbox::read_sandbox);
        if let Some(namespace) = namespaces
            .iter_mut()
            .find(|namespace| namespace.name == name)
        {
            namespace.old_sandboxes = rows;
        } else {
            namespaces.push(Namespace {
                name,
                at: None,
                labels: Labels::default(),
                images: Known::Whole(Vec::new()),
                containers: Known::Whole(Vec::new()),
                snapshots: Known::Whole(Vec::new()),
                blobs: Known::Whole(Vec::new()),
                ingests: Known::Whole(Vec::new()),
                leases: Known::Whole(Vec::new()),
                sandboxes: Known::Whole(Vec::new()),
                old_sandboxes: rows,
                unknown: BTreeMap::new(),
            });
        }
    }
}

#[cfg(test)]
mod tests {
    use view::View;

    use super::*;

    /// However little room there is, a row that was not read is not absent: what it is of is not known whole.
    #[test]
    fn rows_for_which_there_is_no_room_are_not_known() {
        let path = concat!(
            env!("CARGO_MANIFEST_DIR"),
            "/../../testdata/carve/1.7/meta.db.zst"
        );
        #[expect(clippy::disallowed_methods, reason = "a test reads its own data")]
        let packed = std::fs::read(path).unwrap();
        let bytes = zstd::decode_all(packed.as_slice()).unwrap();
        let db = Db::open(View::new(&bytes)).db.unwrap();
        let count = |meta: &MetaDb| {
            let spaces = meta.namespaces().iter();
            let rows = spaces.map(|space| {
                let images = space.images.read().map_or(0, Vec::len);
                let snapshots = space.snapshots.read().into_iter().flatten();
                let snapshots = snapshots.map(|all| all.rows.read().map_or(0, Vec::len));
                images + snapshots.sum::<usize>()
            });
            rows.sum::<usize>()
        };
        let whole = MetaDb::read_meta(&db);
        let all = count(&whole);
        assert!(all > 2, "{all}");
        let mut cuts = 0;
        for most in (0..16).map(|power| (1 << power) - 1) {
            let cut = MetaDb::read_within(&db, Troubles::with_room(most));
            let mut unknown = cut.unknown(|space| &space.images);
            unknown.extend(cut.unknown_snapshots());
            unknown.extend(cut.unknown(|space| &space.blobs));
            unknown.extend(cut.unknown(|space| &space.leases));
            if count(&cut) < all {
                cuts += 1;
                assert!(!unknown.is_empty(), "{most}");
            }
            for one in &unknown {
                assert!(one.why.contains("budget"), "{one:?}");
            }
        }
        assert!(cuts > 2, "{cuts}");
    }
}
