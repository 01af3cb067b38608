//! Kinds of objects, and their rows in one shape.

use std::collections::BTreeSet;

use finding::{Known, Text, Unknown};
use history::Object;
use metadb::{MetaDb, Namespace, Row};
use serde::Serialize;
use serde_json::Value;

/// What meta.db holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Kind {
    /// Namespaces
    #[value(name = "namespaces", aliases = ["namespace", "ns"])]
    Namespaces,
    /// Images
    #[value(name = "images", alias = "image")]
    Images,
    /// Containers (records, not tasks)
    #[value(name = "containers", alias = "container")]
    Containers,
    /// Snapshots
    #[value(name = "snapshots", alias = "snapshot")]
    Snapshots,
    /// Blobs of the content store
    #[value(name = "content", aliases = ["blobs", "blob"])]
    Content,
    /// Unfinished writes into the content store
    #[value(name = "ingests", alias = "ingest")]
    Ingests,
    /// Leases
    #[value(name = "leases", alias = "lease")]
    Leases,
    /// Sandboxes of the sandbox store
    #[value(name = "sandboxes", alias = "sandbox")]
    Sandboxes,
    /// Pods, as the CRI knows them
    #[value(name = "pods", alias = "pod")]
    Pods,
}

/// One object, ready to be listed or shown.
#[derive(Debug, Serialize)]
pub(crate) struct Listed {
    #[serde(flatten)]
    pub(crate) object: Object,
    /// Other names that it goes by: `namespace/pod` of a pod.
    #[serde(skip)]
    pub(crate) also: Vec<Text>,
    /// Cells of the columns between the name and the time.
    #[serde(skip)]
    pub(crate) cells: Vec<String>,
}

/// Objects of one kind, and what is not known of them.
#[derive(Debug, Default)]
pub(crate) struct Objects {
    pub(crate) objects: Vec<Listed>,
    pub(crate) unknown: Vec<Unknown>,
}

impl Kind {
    /// The columns between the name and the time.
    pub(crate) const fn columns(self) -> &'static [&'static str] {
        match self {
            Self::Namespaces => &[">images", ">containers", ">snapshots", ">blobs", ">leases"],
            Self::Images => &["target", "~media type", ">size"],
            Self::Containers => &["!pod", "!image", "~snapshotter", "~snapshot", "~runtime"],
            Self::Snapshots => &["snapshotter", "~backend", "~parent"],
            Self::Content => &[">size", "~labels"],
            Self::Ingests => &["~backend", "expires"],
            Self::Leases => &["expires", ">blobs", ">snapshots", ">ingests"],
            Self::Sandboxes => &["~sandboxer", "~runtime"],
            Self::Pods => &["!pod", "ip", "~netns"],
        }
    }

    /// Every object of this kind, in the namespaces that `wanted` picks.
    pub(crate) fn read_objects(self, meta: &MetaDb, wanted: impl Fn(&Text) -> bool) -> Objects {
        let mut all = Objects {
            unknown: meta.namespaces.unknown().to_vec(),
            ..Objects::default()
        };
        for namespace in meta
            .namespaces()
            .iter()
            .filter(|namespace| wanted(&namespace.name))
        {
            self.read_namespace(namespace, &mut all);
        }
        all.unknown
            .sort_by(|a, b| (&a.what, &a.why).cmp(&(&b.what, &b.why)));
        all.unknown.dedup();
        all
    }

    fn read_namespace(self, ns: &Namespace, all: &mut Objects) {
        match self {
            Self::Namespaces => all.objects.push(namespace(ns)),
            Self::Images => all.rows(ns, &ns.images, |row| {
                let target = row.target.as_ref();
                let text = |text: Option<&Text>| text.map_or_else(unknown, ToString::to_string);
                vec![
                    text(target.map(|target| &target.digest)),
                    text(target.map(|target| &target.media_type)),
                    number(target.and_then(|target| target.size)),
                ]
            }),
            Self::Containers => {
                let before = all.objects.len();
                all.rows(ns, &ns.containers, |row| {
                    let runtime = row
                        .runtime
                        .as_ref()
                        .map_or_else(unknown, |r| r.name.to_string());
                    vec![
                        in_pod(row),
                        row.image.to_string(),
                        row.snapshotter.to_string(),
                        row.snapshot_key.to_string(),
                        runtime,
                    ]
                });
                let rows = ns.containers.read().into_iter().flatten();
                for (listed, row) in all.objects.iter_mut().skip(before).zip(rows) {
                    let names = names::pod_names(row).into_iter();
                    listed.also = names.take(OF_CONTAINER).map(Text::from).collect();
                }
            }
            Self::Snapshots => {
                all.unknown.extend(ns.snapshots.unknown().iter().cloned());
                for snapshots in ns.snapshots.read().into_iter().flatten() {
                    all.rows(ns, &snapshots.rows, |row| {
                        let parent = row.parent.as_ref().map_or_else(none, ToString::to_string);
                        vec![
                            snapshots.snapshotter.to_string(),
                            row.name.to_string(),
                            parent,
                        ]
                    });
                }
            }
            Self::Content => all.rows(ns, &ns.blobs, |row| {
                vec![number(row.size), labels(&row.labels)]
            }),
            Self::Ingests => all.rows(ns, &ns.ingests, |row| {
                let expires = row.expires.map_or_else(none, |time| time.to_string());
                vec![row.backend.to_string(), expires]
            }),
            Self::Leases => all.rows(ns, &ns.leases, |row| {
                let snapshots: usize = row.snapshots.values().map(BTreeSet::len).sum();
                vec![
                    row.expires()
                        .map_or_else(|| "never".to_owned(), |time| time.to_string()),
                    row.content.len().to_string(),
                    snapshots.to_string(),
                    row.ingests.len().to_string(),
                ]
            }),
            Self::Sandboxes => {
                for rows in [&ns.sandboxes, &ns.old_sandboxes] {
                    all.rows(ns, rows, |row| {
                        let sandboxer = row
                            .sandboxer
                            .as_ref()
                            .map_or_else(none, ToString::to_string);
                        let runtime = row
                            .runtime
                            .as_ref()
                            .map_or_else(unknown, |r| r.name.to_string());
                        vec![sandboxer, runtime]
                    });
                }
            }
            Self::Pods => crate::pods::read_pods(ns, all),
        }
    }
}

impl Objects {
    fn rows<T: Serialize>(
        &mut self,
        namespace: &Namespace,
        rows: &Known<Vec<Row<T>>>,
        describe: impl Fn(&Row<T>) -> Vec<String>,
    ) {
        self.unknown.extend(rows.unknown().iter().cloned());
        for row in rows.read().into_iter().flatten() {
            self.objects.push(Listed {
                object: Object::of_row(namespace, row),
                also: Vec::new(),
                cells: describe(row),
            });
        }
    }
}

/// So many of the names of a container in a pod are its own: `server`, `web/server`, `apps/web/server`.
const OF_CONTAINER: usize = 3;

/// What a container is called in its pod: `apps/web/server`, and a sandbox `apps/web`.
fn in_pod(row: &Row<metadb::Container>) -> String {
    if row.cri_kind() == Some("sandbox") {
        return row.pod().map_or_else(
            |_| unknown(),
            |pod| format!("{}/{} (sandbox)", pod.namespace, pod.pod),
        );
    }
    let names = names::pod_names(row);
    let longest = names.into_iter().take(OF_CONTAINER).next_back();
    longest.unwrap_or_else(none)
}

fn unknown() -> String {
    "?".to_owned()
}

fn none() -> String {
    "-".to_owned()
}

fn number(number: Option<i64>) -> String {
    number.map_or_else(unknown, |number| number.to_string())
}

fn labels(labels: &metadb::Labels) -> String {
    let shown = labels
        .entries
        .iter()
        .map(|(name, value)| format!("{name}={value}"));
    shown.collect::<Vec<_>>().join(",")
}

fn namespace(ns: &Namespace) -> Listed {
    let object = Object::of_namespace(ns);
    let counts = ["images", "containers", "snapshots", "content", "leases"];
    let cells = counts.map(|key| object.record.get(key).and_then(Value::as_str));
    Listed {
        cells: cells
            .map(|count| count.unwrap_or_default().to_owned())
            .into(),
        also: Vec::new(),
        object,
    }
}
