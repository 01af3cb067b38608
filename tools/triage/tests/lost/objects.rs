//! Every object of a node that something else names, and how it is taken away.

use std::collections::BTreeMap;

use bolt::{Db, Layout};
use repair::{Item, Tree};
use testcase::Tar;
use view::View;

/// An object that something else names.
#[derive(Debug, Clone)]
pub(super) enum Lost {
    /// A key or bucket of a database.
    Record(String, Vec<Vec<u8>>),
    /// A page of a database, which is zeroed.
    Page(String, usize),
    /// A file, or a folder with all below it.
    Path(String),
    /// An entry of an unpacked layer, with all below it.
    Entry(String),
}

impl Lost {
    pub(super) fn shown(&self) -> String {
        match self {
            Self::Record(file, path) => {
                let path: Vec<_> = path
                    .iter()
                    .map(|key| String::from_utf8_lossy(key))
                    .collect();
                format!(
                    "{} {}",
                    file.rsplit('/').next().expect("a name"),
                    path.join(" > ")
                )
            }
            Self::Page(file, page) => {
                format!("{} page {page}", file.rsplit('/').next().expect("a name"))
            }
            Self::Path(path) | Self::Entry(path) => path.clone(),
        }
    }

    /// What kind it is, for the account of what went wrong.
    pub(super) fn kind(&self) -> String {
        match self {
            Self::Record(file, path) => {
                let name = |at: usize| path.get(at).map(|key| String::from_utf8_lossy(key));
                let what = if file.ends_with("meta.db") {
                    name(2)
                } else {
                    name(1)
                };
                // Below an object: which of its values.
                let of = if path.len() > 5
                    || (path.len() > 3
                        && name(1) == name(1)
                        && what.as_deref() != Some("content")
                        && what.as_deref() != Some("snapshots"))
                {
                    name(path.len() - 1)
                } else {
                    None
                };
                format!(
                    "record {} {} {} of {}",
                    what.unwrap_or_default(),
                    path.len(),
                    of.unwrap_or_default(),
                    file
                )
            }
            Self::Page(file, _) => format!("page of {file}"),
            Self::Entry(path) => {
                let of = path
                    .split('/')
                    .find(|part| part.starts_with("io.containerd."));
                format!("entry of a layer in {}", of.unwrap_or_default())
            }
            Self::Path(path) => {
                let parts: Vec<&str> = path.split('/').collect();
                let of = parts.iter().find(|part| part.starts_with("io.containerd."));
                format!(
                    "{} in {}",
                    parts.last().expect("a name"),
                    of.unwrap_or(&parts[0])
                )
            }
        }
    }

    pub(super) fn take(&self, tar: &mut Tar, trees: &BTreeMap<String, Tree>) {
        match self {
            Self::Record(file, path) => {
                let mut tree = trees[file].clone();
                assert!(tree.remove(path), "{self:?}");
                tar.member(file).data = written(tar, file, &tree);
            }
            Self::Page(file, page) => {
                let data = &mut tar.member(file).data;
                data[page * 4096..(page + 1) * 4096].fill(0);
            }
            Self::Path(path) | Self::Entry(path) => {
                let below = format!("{path}/");
                tar.members.retain(|member| {
                    let name = String::from_utf8_lossy(&member.path);
                    name.trim_end_matches('/') != path && !name.starts_with(&below)
                });
            }
        }
    }
}

pub(super) fn written(tar: &mut Tar, file: &str, tree: &Tree) -> Vec<u8> {
    let old = &tar.member(file).data;
    let db = Db::open(View::new(old)).db.expect("a database");
    let layout = Layout {
        page_size: db.page_size(),
        freelist: db.meta().is_freelist_synced(),
        txid: db.meta().txid,
        sequence: 0,
    };
    tree.write(layout).expect("a database")
}

/// Names of the values in a bucket.
fn keys<'t>(tree: &'t Tree, path: &[&[u8]]) -> Vec<&'t [u8]> {
    tree.at(path).map_or_else(Vec::new, |tree| {
        let values = tree.entries.iter();
        values
            .filter(|(_, item)| matches!(item, Item::Value(_)))
            .map(|(key, _)| key.as_slice())
            .collect()
    })
}

/// Keys of a bucket, and what stands there.
pub(super) fn buckets<'t>(tree: &'t Tree, path: &[&[u8]]) -> Vec<(&'t [u8], &'t Tree)> {
    tree.at(path)
        .map_or_else(Vec::new, |tree| tree.buckets().collect())
}

fn values(tree: &Tree) -> Vec<Vec<u8>> {
    let mut all = Vec::new();
    let mut todo = vec![tree];
    while let Some(tree) = todo.pop() {
        for item in tree.entries.values() {
            match item {
                Item::Value(value) => all.push(value.clone()),
                Item::Bucket(below) => todo.push(below),
            }
        }
    }
    all
}

/// Kinds of objects that others name.
const KINDS: [&[u8]; 5] = [
    b"content",
    b"snapshots",
    b"containers",
    b"images",
    b"sandboxes",
];

/// What a test may take from a node.
struct Objects<'t> {
    tar: &'t Tar,
    trees: &'t BTreeMap<String, Tree>,
    all: Vec<Lost>,
}

/// Every object of a node that something else names.
pub(super) fn objects(tar: &Tar, trees: &BTreeMap<String, Tree>) -> Vec<Lost> {
    let mut objects = Objects {
        tar,
        trees,
        all: Vec::new(),
    };
    objects.records();
    objects.backends();
    objects.pages();
    objects.state();
    objects.layers();
    objects.all
}

impl Objects<'_> {
    fn record(&mut self, file: &str, path: &[&[u8]]) {
        let path = path.iter().map(|key| key.to_vec()).collect();
        self.all.push(Lost::Record(file.to_owned(), path));
    }

    fn path(&mut self, path: String) {
        let is_there =
            self.tar.position(&path).is_some() || self.tar.paths(&format!("{path}/"), "").len() > 1;
        if is_there {
            self.all.push(Lost::Path(path));
        }
    }

    /// Records of meta.db that another record, or a file, names; and what they name in their turn.
    fn records(&mut self) {
        let meta = &self.trees[META];
        for (namespace, tree) in buckets(meta, &[b"v1"]) {
            let named = values(tree);
            let is_named = |key: &[u8]| named.iter().any(|value| value == key);
            for (digest, blob) in buckets(tree, &[&b"content"[..], b"blob"]) {
                let path = [&b"v1"[..], namespace, b"content", b"blob", digest];
                if is_named(digest) {
                    self.record(META, &path);
                }
                // What a manifest refers to is kept by a label, if nothing else keeps it. Those of layers
                // are taken away by containerd itself where layers are discarded after unpacking.
                for label in keys(blob, &[b"labels"]) {
                    let value = blob
                        .at(&[b"labels"])
                        .and_then(|labels| labels.entries.get(label));
                    let Some(Item::Value(child)) = value else {
                        continue;
                    };
                    let is_reference = label.starts_with(b"containerd.io/gc.ref.content")
                        && !label.starts_with(b"containerd.io/gc.ref.content.l.");
                    let is_there = tree
                        .at(&[&b"content"[..], b"blob"])
                        .is_some_and(|blobs| blobs.entries.contains_key(child));
                    if is_reference
                        && is_there
                        && named.iter().filter(|value| *value == child).count() == 1
                    {
                        self.record(META, &[&path[..], &[b"labels", label]].concat());
                    }
                }
            }
            for (snapshotter, rows) in buckets(tree, &[b"snapshots"]) {
                for (key, row) in rows.buckets() {
                    let path = [&b"v1"[..], namespace, b"snapshots", snapshotter, key];
                    if is_named(key) {
                        self.record(META, &path);
                    }
                    // The backend has the name; the parent's row names the child.
                    self.record(META, &[&path[..], &[b"name"]].concat());
                    if row.entries.contains_key(&b"parent"[..]) {
                        self.record(META, &[&path[..], &[b"parent"]].concat());
                    }
                }
            }
            for (id, container) in buckets(tree, &[b"containers"]) {
                let path = [&b"v1"[..], namespace, b"containers", id];
                let id_text = String::from_utf8_lossy(id);
                let bundle = format!("{TASKS}{}/{id_text}", String::from_utf8_lossy(namespace));
                let has_bundle = self.tar.position(&bundle).is_some();
                if has_bundle || is_named(id) {
                    self.record(META, &path);
                }
                // The bundle was made from these.
                if has_bundle {
                    self.record(META, &[&path[..], &[b"spec"]].concat());
                    self.record(META, &[&path[..], &[b"runtime"]].concat());
                    // Options that say nothing may as well be gone.
                    let says = format!("{bundle}/options.json");
                    let says = self.tar.position(&says);
                    let says = says.is_some_and(|at| self.tar.members[at].data != b"{}");
                    let values = keys(container, &[b"runtime"]).into_iter();
                    for name in values.filter(|name| *name != b"options" || says) {
                        self.record(META, &[&path[..], &[b"runtime", name]].concat());
                    }
                }
                for name in keys(container, &[b"extensions"]) {
                    self.record(META, &[&path[..], &[b"extensions", name]].concat());
                }
            }
            let images: Vec<_> = buckets(tree, &[b"containers"])
                .into_iter()
                .filter_map(|(_, row)| match row.entries.get(&b"image"[..]) {
                    Some(Item::Value(name)) => Some(name.clone()),
                    _ => None,
                })
                .collect();
            for (name, _) in buckets(tree, &[b"images"]) {
                if images.iter().any(|image| image == name) {
                    let path = [&b"v1"[..], namespace, b"images", name];
                    self.record(META, &path);
                    self.record(META, &[&path[..], &[b"target", b"digest"]].concat());
                }
            }
            for (id, _) in buckets(tree, &[b"sandboxes"]) {
                self.record(META, &[b"v1", namespace, b"sandboxes", id]);
            }
            for kind in KINDS {
                if !buckets(tree, &[kind]).is_empty() {
                    self.record(META, &[b"v1", namespace, kind]);
                }
            }
            if KINDS.iter().any(|kind| !buckets(tree, &[kind]).is_empty()) {
                self.record(META, &[b"v1", namespace]);
            }
        }
    }

    fn backends(&mut self) {
        for of in SNAPSHOTTERS {
            let file = format!("{of}metadata.db");
            let Some(tree) = self.trees.get(&file) else {
                continue;
            };
            for (key, row) in buckets(tree, &[b"v1", b"snapshots"]) {
                let path = [&b"v1"[..], b"snapshots", key];
                self.record(&file, &path);
                self.record(&file, &[&path[..], &[b"id"]].concat());
                if row.entries.contains_key(&b"parent"[..]) {
                    self.record(&file, &[&path[..], &[b"parent"]].concat());
                }
            }
            for key in keys(tree, &[b"v1", b"parents"]) {
                self.record(&file, &[b"v1", b"parents", key]);
            }
            if !buckets(tree, &[b"v1", b"snapshots"]).is_empty() {
                self.record(&file, &[b"v1", b"snapshots"]);
                self.record(&file, &[b"v1"]);
            }
        }
    }

    fn pages(&mut self) {
        for file in self.trees.keys() {
            let at = self.tar.position(file).expect("a database");
            let data = &self.tar.members[at].data;
            let db = Db::open(View::new(data)).db.expect("a database");
            // Written anew, it has no page that is free.
            let high = usize::try_from(db.meta().high_water.0).expect("pages");
            let pages = (2..high).filter(|page| {
                data[page * 4096..(page + 1) * 4096]
                    .iter()
                    .any(|byte| *byte != 0)
            });
            self.all
                .extend(pages.map(|page| Lost::Page(file.clone(), page)));
        }
    }

    /// Files and folders that are named by records, by each other, or by runc.
    fn state(&mut self) {
        for file in self.trees.keys() {
            self.path(file.clone());
        }
        for blob in blobs(self.tar, &self.trees[META]) {
            self.path(blob);
        }
        for of in SNAPSHOTTERS {
            let own = format!("{of}snapshots/");
            for path in self.tar.paths(&own, "") {
                let below = &path[own.len()..];
                let is_fs = of.contains("overlayfs")
                    && below
                        .strip_suffix("/fs")
                        .is_some_and(|id| !id.contains('/'));
                if !below.is_empty() && (!below.contains('/') || is_fs) {
                    self.path(path);
                }
            }
        }
        for path in self.tar.paths(TASKS, "") {
            let below = &path[TASKS.len()..];
            let parts: Vec<&str> = below.split('/').collect();
            let is_file = matches!(
                parts.as_slice(),
                [
                    _,
                    _,
                    "address" | "bootstrap.json" | "config.json" | "sandbox" | "work" | "rootfs"
                ]
            );
            if parts.len() == 2 || is_file {
                self.path(path);
            }
        }
        for path in self.tar.paths("run/containerd/runc/", "") {
            let parts: Vec<&str> = path.split('/').collect();
            if parts.len() == 5 || path.ends_with("/state.json") {
                self.path(path);
            }
        }
        let cri = format!("{ROOT}io.containerd.grpc.v1.cri/");
        for path in self.tar.paths(&cri, "") {
            let parts: Vec<&str> = path[cri.len()..].split('/').collect();
            // The files of a pod are mounted by each container of it.
            let is_named = matches!(
                parts.as_slice(),
                ["containers" | "sandboxes", _]
                    | ["containers", _, "status"]
                    | ["sandboxes", _, "hostname" | "hosts" | "resolv.conf"]
            );
            if is_named {
                self.path(path);
            }
        }
    }

    /// What a committed layer was unpacked to: its blob names it.
    fn layers(&mut self) {
        for of in SNAPSHOTTERS {
            let Some(tree) = self.trees.get(&format!("{of}metadata.db")) else {
                continue;
            };
            for (_, row) in buckets(tree, &[b"v1", b"snapshots"]) {
                // Committed: kind 3.
                let is_committed = matches!(row.entries.get(&b"kind"[..]), Some(Item::Value(kind)) if kind == &[3]);
                let Some(Item::Value(id)) = row.entries.get(&b"id"[..]) else {
                    continue;
                };
                let id = number(id);
                let fs = if of.contains("overlayfs") { "/fs" } else { "" };
                let own = format!("{of}snapshots/{id}{fs}/");
                if !is_committed {
                    continue;
                }
                for path in self.tar.paths(&own, "") {
                    if path.len() > own.len() {
                        self.all.push(Lost::Entry(path));
                    }
                }
            }
        }
    }
}

/// A varint, as containerd writes ids.
fn number(bytes: &[u8]) -> u64 {
    let mut value = 0;
    for (at, byte) in bytes.iter().enumerate() {
        value |= u64::from(byte & 127) << (7 * at);
    }
    value
}

/// Files of blobs that meta.db knows.
fn blobs(tar: &Tar, meta: &Tree) -> Vec<String> {
    let mut all = Vec::new();
    for (_, tree) in buckets(meta, &[b"v1"]) {
        for (digest, _) in buckets(tree, &[&b"content"[..], b"blob"]) {
            let digest = String::from_utf8_lossy(digest).replace(':', "/");
            let path = format!("{ROOT}io.containerd.content.v1.content/blobs/{digest}");
            if tar.position(&path).is_some() {
                all.push(path);
            }
        }
    }
    all.sort();
    all.dedup();
    all
}

const ROOT: &str = "var/lib/containerd/";

pub(super) const META: &str = "var/lib/containerd/io.containerd.metadata.v1.bolt/meta.db";

pub(super) const SNAPSHOTTERS: [&str; 2] = [
    "var/lib/containerd/io.containerd.snapshotter.v1.overlayfs/",
    "var/lib/containerd/io.containerd.snapshotter.v1.native/",
];

pub(super) const TASKS: &str = "run/containerd/io.containerd.runtime.v2.task/";
