//! Which snapshot is meant: by container, image, key or the number of its directory.

use std::collections::BTreeMap;

use evidence::Evidence;
use finding::{Refused, Text};
use node::graph::{Id, Kind, Via};
use node::{Chain, Node, Snapshotter};
use snapshots::{Merged, Prefix};

/// A snapshot that was asked for.
#[derive(Debug)]
pub struct Picked<'n> {
    /// Its snapshotter.
    pub snapshotter: &'n Snapshotter,
    /// Its key in metadata.db.
    pub key: Text,
    /// What it is: `container k8s.io/4f3c…`.
    pub what: String,
    /// A directory that no row of metadata.db owns.
    stray: Option<u64>,
}

impl Picked<'_> {
    /// Whether metadata.db has a row for it.
    pub const fn is_owned(&self) -> bool {
        self.stray.is_none()
    }

    /// Its chain.
    ///
    /// # Errors
    /// A snapshot that it stands on is not known.
    pub fn chain(&self) -> Result<Chain, Refused> {
        if let (Some(id), Some(layout)) = (self.stray, self.snapshotter.layout.read()) {
            return Ok(Chain::alone(id, layout.files(id)));
        }
        self.snapshotter.chain(&self.key).map_err(|why| {
            Refused::unread(format!("the layers of {} are not known: {why}", self.what))
                .hint("`coroner snapshots check NODE` says what is wrong with the snapshots")
        })
    }

    /// The numbers of the directories of all that it stands on, itself first: also of a full copy,
    /// whose tree is its own directory alone.
    ///
    /// # Errors
    /// A snapshot that it stands on is not known.
    pub fn lineage(&self) -> Result<Vec<u64>, Refused> {
        let by_key = self.snapshotter.by_key();
        let mut ids = Vec::new();
        let mut seen = std::collections::BTreeSet::new();
        let mut next = Some(&self.key);
        while let Some(key) = next.filter(|key| seen.insert(*key)) {
            let Some(row) = by_key.get(key) else {
                let what = &self.what;
                return Err(Refused::unread(format!(
                    "the layers of {what} are not known: metadata.db has no snapshot {key}"
                )));
            };
            ids.extend(row.id);
            next = row.parent.as_ref();
        }
        Ok(ids)
    }

    /// What it stands on, or was copied from, and that as one tree: what it is compared with.
    ///
    /// # Errors
    /// It was made from nothing, or what it stands on is not known.
    pub fn base<'e>(
        &self,
        evidence: &'e Evidence,
        prefix: Prefix,
    ) -> Result<(String, Merged<'e>), Refused> {
        let nothing = || {
            let what = &self.what;
            Refused::question(format!(
                "{what} was made from nothing: there is nothing to compare it with"
            ))
            .hint("name two: `coroner snapshots diff NODE NAME --with OTHER`")
        };
        if self.is_copy() {
            let by_key = self.snapshotter.by_key();
            let parent = by_key.get(&self.key).and_then(|row| row.parent.clone());
            let key = parent.ok_or_else(nothing)?;
            let chain = self.snapshotter.chain(&key);
            let chain = chain.map_err(|why| Refused::unread(why.to_string()))?;
            let what = format!("what it was made from, {key}");
            return Ok((what, chain.merged(evidence, prefix)));
        }
        let below = self.chain()?.below().ok_or_else(nothing)?;
        let key = below.layers.first().map(|layer| layer.key.clone());
        let what = format!("its parent, {}", key.unwrap_or_default());
        Ok((what, below.merged(evidence, prefix)))
    }

    /// Whether its snapshotter copies what a snapshot stands on, instead of stacking layers.
    pub fn is_copy(&self) -> bool {
        let layout = self.snapshotter.layout.read();
        layout.is_some_and(|layout| !layout.has_fs())
    }

    /// Its chain as one tree.
    ///
    /// # Errors
    /// A snapshot that it stands on is not known.
    pub fn merged<'e>(
        &self,
        evidence: &'e Evidence,
        prefix: Prefix,
    ) -> Result<Merged<'e>, Refused> {
        Ok(self.chain()?.merged(evidence, prefix))
    }
}

/// That a node's root is there.
///
/// # Errors
/// It is not.
pub fn has_root(node: &Node) -> Result<(), Refused> {
    let Err(unread) = &node.root else {
        return Ok(());
    };
    let root = node::path_text(&node.roots.root);
    Err(Refused::unread(format!("{root} {unread}"))
        .hint("check that the right disk is mounted, or name the root with --root"))
}

/// How well a name fits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Fit {
    Prefix,
    Whole,
}

fn fit(name: &str, namespace: Option<&Text>, key: &Text) -> Option<Fit> {
    let of = |name: &[u8]| match key.bytes().strip_prefix(name) {
        Some([]) => Some(Fit::Whole),
        Some(_) if !name.is_empty() => Some(Fit::Prefix),
        _ => None,
    };
    let below = namespace.and_then(|namespace| {
        let rest = name.as_bytes().strip_prefix(namespace.bytes())?;
        of(rest.strip_prefix(b"/")?)
    });
    below.max(of(name.as_bytes()))
}

/// What a container of a pod is called beside its id: `server`, `web/server`, `apps/web/server`, and by its pod,
/// `web` and `apps/web`; the CRI's record has it as `server_web_apps_UID_ATTEMPT`.
pub fn pod_names(container: &metadb::Row<metadb::Container>) -> Vec<String> {
    if container.cri_kind() != Some("container") {
        return Vec::new();
    }
    let Ok(record) = container.pod_container() else {
        return Vec::new();
    };
    let mut parts = record.name.utf8().unwrap_or_default().split('_');
    match (parts.next(), parts.next(), parts.next()) {
        (Some(name), Some(pod), Some(namespace)) if !name.is_empty() => vec![
            name.to_owned(),
            format!("{pod}/{name}"),
            format!("{namespace}/{pod}/{name}"),
            pod.to_owned(),
            format!("{namespace}/{pod}"),
        ],
        _ => Vec::new(),
    }
}

/// The IDs of the containers of meta.db that a name means: the beginning of an ID, also after its namespace
/// (`k8s.io/4f3c`), or what it is called in its pod (`web/server`; `apps/web` means all of that pod).
pub fn container_ids(node: &Node, name: &str) -> Vec<Text> {
    let spaces = node.namespaces();
    let rows = spaces.flat_map(|space| {
        let rows = space.containers.read().into_iter().flatten();
        rows.map(move |row| (&space.name, row))
    });
    let is_it = |(space, row): &(&Text, &metadb::Row<metadb::Container>)| {
        fit(name, Some(space), &row.key).is_some() || pod_names(row).iter().any(|own| own == name)
    };
    rows.filter(is_it).map(|(_, row)| row.key.clone()).collect()
}

type Found<'n> = BTreeMap<(Text, Text), (Fit, String, &'n Snapshotter)>;

struct Search<'n> {
    node: &'n Node,
    name: &'n str,
    only: Option<&'n str>,
    found: Found<'n>,
}

impl<'n> Search<'n> {
    fn add(&mut self, snapshotter: &'n Snapshotter, key: &Text, fit: Fit, what: String) {
        if self.only.is_some_and(|only| snapshotter.name != only) {
            return;
        }
        let id = (snapshotter.name.clone(), key.clone());
        let known = self.found.get(&id).map(|(fit, ..)| *fit);
        if known.is_none_or(|known| known < fit) {
            self.found.insert(id, (fit, what, snapshotter));
        }
    }

    /// The snapshot that meta.db knows by this key.
    fn add_row(
        &mut self,
        space: &'n metadb::Namespace,
        name: &Text,
        key: &Text,
        fit: Fit,
        what: &str,
    ) {
        for snapshots in space.snapshots.read().into_iter().flatten() {
            if snapshots.snapshotter != *name {
                continue;
            }
            let node = self.node;
            let mut snapshotters = node.snapshotters.iter();
            let Some(snapshotter) = snapshotters.find(|one| one.name == *name) else {
                continue;
            };
            let rows = snapshots.rows.read().into_iter().flatten();
            for row in rows.filter(|row| row.key == *key) {
                self.add(snapshotter, &row.name, fit, what.to_owned());
            }
        }
    }

    fn namespace(&mut self, space: &'n metadb::Namespace) {
        let ns = &space.name;
        for container in space.containers.read().into_iter().flatten() {
            let of_pod = || pod_names(container).iter().any(|one| one == self.name);
            let fit =
                fit(self.name, Some(ns), &container.key).or_else(|| of_pod().then_some(Fit::Whole));
            if let Some(fit) = fit {
                let what = format!("container {ns}/{}", container.key);
                let (snapshotter, key) = (&container.snapshotter, &container.snapshot_key);
                self.add_row(space, snapshotter, key, fit, &what);
            }
        }
        for image in space.images.read().into_iter().flatten() {
            // Names of images begin alike: only a whole one is meant.
            if fit(self.name, Some(ns), &image.key) != Some(Fit::Whole) {
                continue;
            }
            let what = format!("image {ns}/{}", image.key);
            let graph = self.node.graph();
            let own = graph.find(&Id {
                namespace: ns.clone(),
                kind: Kind::Image,
                key: image.key.clone(),
            });
            let uses = own.map(|own| graph.uses(own)).unwrap_or_default();
            let objects = uses.into_iter().filter_map(|index| graph.get(index));
            let edges = objects.flat_map(|object| &object.edges);
            for top in edges.filter(|edge| edge.via == Via::ChainId) {
                let top = graph.get(top.to).and_then(|top| top.id.snapshot_parts());
                if let Some((snapshotter, key)) = top {
                    self.add_row(space, &snapshotter, &key, Fit::Whole, &what);
                }
            }
        }
        for snapshots in space.snapshots.read().into_iter().flatten() {
            for row in snapshots.rows.read().into_iter().flatten() {
                if let Some(fit) = fit(self.name, Some(ns), &row.key) {
                    let what = format!("snapshot {ns}/{}", row.key);
                    self.add_row(space, &snapshots.snapshotter, &row.key, fit, &what);
                }
            }
        }
    }

    /// By the key of metadata.db, and by the number of the directory.
    fn backend(&mut self, snapshotter: &'n Snapshotter) {
        let rows = snapshotter.db.rows.as_ref();
        for row in rows.map_or(&[][..], metadb::Backend::snapshots) {
            let number = row.id.map(|id| id.to_string());
            let qualified = number
                .as_ref()
                .map(|id| format!("{}/{id}", snapshotter.name));
            let is_number = number.as_deref() == Some(self.name);
            if is_number || qualified.as_deref() == Some(self.name) {
                let what = format!("directory {}", qualified.unwrap_or_default());
                self.add(snapshotter, &row.key, Fit::Whole, what);
            }
            let last = metadb::meta_key(&row.key);
            let last = last.map_or_else(|| row.key.clone(), |(_, key)| key);
            let by_key = fit(self.name, None, &row.key).max(fit(self.name, None, &last));
            if let Some(fit) = by_key {
                self.add(snapshotter, &row.key, fit, format!("snapshot {}", row.key));
            }
        }
    }
}

/// As [`snapshot`], and directories that no row owns by their number: `overlayfs/42`.
///
/// # Errors
/// It means none, or several.
pub fn directory<'n>(
    node: &'n Node,
    name: &'n str,
    only: Option<&'n str>,
) -> Result<Picked<'n>, Refused> {
    let refused = match snapshot(node, name, only) {
        Ok(picked) => return Ok(picked),
        Err(refused) => refused,
    };
    let stray = |snapshotter: &'n Snapshotter| {
        let layout = snapshotter.layout.read()?;
        let named = |id: u64| {
            let qualified = format!("{}/{id}", snapshotter.name);
            name == qualified || (name == id.to_string())
        };
        let mut found = layout.dirs.keys().copied().filter(|id| named(*id));
        let id = found.next().filter(|_| layout.rules.has_files())?;
        Some(Picked {
            snapshotter,
            key: Text::from(""),
            what: format!(
                "directory {}/{id}, which no row of metadata.db owns",
                snapshotter.name
            ),
            stray: Some(id),
        })
    };
    let wanted = |one: &&Snapshotter| only.is_none_or(|only| one.name == only);
    let mut found = node.snapshotters.iter().filter(wanted).filter_map(stray);
    match (found.next(), found.next()) {
        (Some(only), None) => Ok(only),
        _ => Err(refused),
    }
}

/// The snapshot that `name` means: a container's, an image's, one of this key, or of the directory
/// of this number; of the snapshotter `only`, if that is given.
///
/// # Errors
/// It means none, or several.
pub fn snapshot<'n>(
    node: &'n Node,
    name: &'n str,
    only: Option<&'n str>,
) -> Result<Picked<'n>, Refused> {
    let mut search = Search {
        node,
        name,
        only,
        found: BTreeMap::new(),
    };
    for space in node.namespaces() {
        search.namespace(space);
    }
    for snapshotter in &node.snapshotters {
        search.backend(snapshotter);
    }
    let best = search.found.values().map(|(fit, ..)| *fit).max();
    let mut found: Vec<Picked<'n>> = search
        .found
        .into_iter()
        .filter(|(_, (fit, ..))| Some(*fit) == best)
        .map(|((_, key), (_, what, snapshotter))| Picked {
            snapshotter,
            key,
            what,
            stray: None,
        })
        .collect();
    // An image of several namespaces has the same files in each: the first is meant, as in `content`.
    if found.iter().all(|one| one.what.starts_with("image ")) {
        let chain = |one: &Picked<'_>| metadb::meta_key(&one.key).map(|(_, key)| key);
        let first = found.first().and_then(chain);
        if first.is_some() && found.iter().all(|one| chain(one) == first) {
            found.truncate(1);
        }
    }
    let shown = Text::from(name);
    match (found.pop(), found.len()) {
        (Some(only), 0) => Ok(only),
        (None, _) => {
            let whole = node.meta.rows.is_some();
            let why = if whole { "" } else { " in what could be read" };
            Err(Refused::question(format!(
                "no container, image or snapshot is called {shown}{why}"
            ))
            .hint(
                "`coroner meta ls NODE containers` and `coroner meta ls NODE images` list names, `coroner snapshots \
                 tree NODE` snapshots",
            ))
        }
        (Some(last), more) => {
            found.push(last);
            let names: Vec<String> = found
                .iter()
                .take(6)
                .map(|one| format!("{} ({})", one.what, one.snapshotter.name))
                .collect();
            let rest = more.saturating_sub(5);
            let rest = if rest > 0 {
                format!(" and {rest} more")
            } else {
                String::new()
            };
            Err(
                Refused::question(format!("{shown} may be any of {}{rest}", names.join(", ")))
                    .hint("give more of its name, NAMESPACE/NAME, or --snapshotter"),
            )
        }
    }
}
