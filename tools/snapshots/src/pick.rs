//! Which snapshot is meant: by container, image, key or the number of its directory.

use std::collections::BTreeMap;

use cli::{Case, EvidenceArgs, Failure};
use content::{Digest, chain_ids};
use evidence::Evidence;
use finding::Text;
use node::{Chain, Node, Snapshotter};
use snapshots::{Merged, Prefix};

/// Which snapshot, of which node.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct PickArgs {
    #[command(flatten)]
    pub(crate) evidence: EvidenceArgs,
    /// A container, an image, a snapshot (whole or as far as they are unique, with `NAMESPACE/`
    /// before them if you like), or the number of a snapshot's directory
    #[arg(value_name = "NAME")]
    pub(crate) name: String,
    /// The snapshotter, where several have it
    #[arg(long, value_name = "NAME")]
    pub(crate) snapshotter: Option<String>,
    /// Read the marks of a mount with `userxattr` (rootless): `user.overlay.*`
    #[arg(long)]
    pub(crate) userxattr: bool,
}

impl PickArgs {
    /// The prefix of overlayfs' marks.
    pub(crate) const fn prefix(&self) -> Prefix {
        if self.userxattr {
            Prefix::User
        } else {
            Prefix::Trusted
        }
    }
}

/// A snapshot that was asked for.
#[derive(Debug)]
pub(crate) struct Picked<'n> {
    pub(crate) snapshotter: &'n Snapshotter,
    /// Its key in metadata.db.
    pub(crate) key: Text,
    /// What it is: `container k8s.io/4f3c…`.
    pub(crate) what: String,
    /// A directory that no row of metadata.db owns.
    stray: Option<u64>,
}

impl Picked<'_> {
    /// Whether metadata.db has a row for it.
    pub(crate) const fn is_owned(&self) -> bool {
        self.stray.is_none()
    }

    /// Its chain.
    pub(crate) fn chain(&self) -> Result<Chain, Failure> {
        if let (Some(id), Some(layout)) = (self.stray, self.snapshotter.layout.read()) {
            return Ok(Chain::alone(id, layout.files(id)));
        }
        self.snapshotter.chain(&self.key).map_err(|why| {
            Failure::unread(format!("the layers of {} cannot be told: {why}", self.what))
                .hint("`coroner snapshots check NODE` says what is wrong with the snapshots")
        })
    }

    /// The numbers of the directories of all that it stands on, itself first: also of a full copy,
    /// whose tree is its own directory alone.
    pub(crate) fn lineage(&self) -> Result<Vec<u64>, Failure> {
        let by_key = self.snapshotter.by_key();
        let mut ids = Vec::new();
        let mut seen = std::collections::BTreeSet::new();
        let mut next = Some(&self.key);
        while let Some(key) = next.filter(|key| seen.insert(*key)) {
            let Some(row) = by_key.get(key) else {
                let what = &self.what;
                return Err(Failure::unread(format!(
                    "the layers of {what} cannot be told: metadata.db has no snapshot {key}"
                )));
            };
            ids.extend(row.id);
            next = row.parent.as_ref();
        }
        Ok(ids)
    }

    /// Its chain as one tree.
    pub(crate) fn merged<'e>(
        &self,
        evidence: &'e Evidence,
        prefix: Prefix,
    ) -> Result<Merged<'e>, Failure> {
        Ok(self.chain()?.merged(evidence, prefix))
    }
}

/// Opens the evidence and the node.
pub(crate) fn open(args: &PickArgs) -> Result<(Case, Node), Failure> {
    let case = Case::open(&args.evidence)?;
    let node = node(&case)?;
    Ok((case, node))
}

/// The node of a case, whose root is there.
pub(crate) fn node(case: &Case) -> Result<Node, Failure> {
    let node = case.node()?;
    if let Err(unread) = &node.root {
        let root = node::path_text(&node.roots.root);
        return Err(Failure::unread(format!("{root} {unread}"))
            .hint("check that the right disk is mounted, or name the root with --root"));
    }
    Ok(node)
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
            if let Some(fit) = fit(self.name, Some(ns), &container.key) {
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
            let target = image.target.as_ref();
            let digest = target.and_then(|target| Digest::parse_bytes(target.digest.bytes()).ok());
            let needs = digest.map(|digest| self.node.documents.needs(&digest));
            for need in needs.unwrap_or_default() {
                let document = self.node.documents.get(&need.digest);
                let config = document.and_then(|wanted| wanted.document()?.config());
                let chain = config.map(|config| chain_ids(&config.diff_ids));
                if let Some(top) = chain.as_ref().and_then(|chain| chain.last()) {
                    let what = format!("image {ns}/{}", image.key);
                    let node = self.node;
                    for snapshotter in &node.snapshotters {
                        let key = Text::from(top.as_str());
                        self.add_row(space, &snapshotter.name, &key, Fit::Whole, &what);
                    }
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
            let last = row.key.bytes().splitn(3, |byte| *byte == b'/').nth(2);
            let last = last.map_or_else(|| row.key.clone(), Text::from);
            let by_key = fit(self.name, None, &row.key).max(fit(self.name, None, &last));
            if let Some(fit) = by_key {
                self.add(snapshotter, &row.key, fit, format!("snapshot {}", row.key));
            }
        }
    }
}

/// The snapshot that `args` mean.
pub(crate) fn pick<'n>(node: &'n Node, args: &'n PickArgs) -> Result<Picked<'n>, Failure> {
    pick_name(node, &args.name, args.snapshotter.as_deref())
}

/// As [`pick`], and directories that no row owns by their number: `overlayfs/42`.
pub(crate) fn pick_any<'n>(node: &'n Node, args: &'n PickArgs) -> Result<Picked<'n>, Failure> {
    let failure = match pick(node, args) {
        Ok(picked) => return Ok(picked),
        Err(failure) => failure,
    };
    let stray = |snapshotter: &'n Snapshotter| {
        let layout = snapshotter.layout.read()?;
        let named = |id: u64| {
            let qualified = format!("{}/{id}", snapshotter.name);
            args.name == qualified || (args.name == id.to_string())
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
    let wanted = |one: &&Snapshotter| {
        args.snapshotter
            .as_ref()
            .is_none_or(|only| one.name == only.as_str())
    };
    let mut found = node.snapshotters.iter().filter(wanted).filter_map(stray);
    match (found.next(), found.next()) {
        (Some(only), None) => Ok(only),
        _ => Err(failure),
    }
}

/// The snapshot that `name` means.
pub(crate) fn pick_name<'n>(
    node: &'n Node,
    name: &'n str,
    only: Option<&'n str>,
) -> Result<Picked<'n>, Failure> {
    let mut search = Search {
        node,
        name,
        only,
        found: BTreeMap::new(),
    };
    for space in node.meta.rows.iter().flat_map(metadb::MetaDb::namespaces) {
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
    let shown = Text::from(name);
    match (found.pop(), found.len()) {
        (Some(only), 0) => Ok(only),
        (None, _) => {
            let whole = node.meta.rows.is_some();
            let why = if whole { "" } else { " in what could be read" };
            Err(Failure::usage(format!(
                "no container, image or snapshot is called {shown}{why}"
            ))
            .hint("`coroner snapshots tree NODE` lists them"))
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
                Failure::usage(format!("{shown} may be any of {}{rest}", names.join(", ")))
                    .hint("give more of its name, NAMESPACE/NAME, or --snapshotter"),
            )
        }
    }
}
