//! Whose a path, an inode or a mount is.

mod inode;
mod mount;
mod owned;
mod place;
mod resolve;

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use evidence::Evidence;
use finding::Unknown;
use measure::Control;
use node::Node;

pub use owned::{Owned, User};
pub use place::{Is, Layer};
use resolve::Resolver;

/// No snapshotter has a snapshot of this number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NoSnapshot(pub u64);

/// Says whose things of a node are.
#[derive(Debug)]
pub struct Owners<'n> {
    evidence: &'n Evidence,
    /// What the evidence was called: a path may begin with it.
    called: &'n Path,
    resolver: Resolver<'n>,
}

impl<'n> Owners<'n> {
    /// Of the node in `evidence`, which was opened as `called`.
    pub fn new(evidence: &'n Evidence, node: &'n Node, called: &'n Path) -> Self {
        Self {
            evidence,
            called,
            resolver: Resolver::new(node),
        }
    }

    /// Whose `asked` is: a path, the number of a snapshot, or a line of a mount, which has several.
    ///
    /// # Errors
    /// A number that is no snapshot's.
    pub fn owners_of_path(&self, asked: &Path) -> Result<Vec<Owned>, NoSnapshot> {
        let parts = mount::parts(asked.as_os_str().as_bytes());
        if parts.is_empty() {
            return self.look_up("path", &self.inside(asked));
        }
        let mut owned = Vec::new();
        for part in parts {
            let place = PathBuf::from(OsStr::from_bytes(&part.path));
            owned.extend(self.look_up(part.role, &self.inside(&place))?);
        }
        Ok(owned)
    }

    /// All names of an inode below the stores, and whose they are; and what is not known of them.
    ///
    /// # Errors
    /// A name that is a number and no snapshot's.
    pub fn of_inode(
        &self,
        inode: u64,
        control: &Control<'_>,
    ) -> Result<(Vec<Owned>, Vec<Unknown>), NoSnapshot> {
        let found = inode::search(self.evidence, self.resolver.node, inode, control);
        let mut owned = Vec::new();
        for path in found.paths {
            owned.extend(self.look_up("inode", &path)?);
        }
        Ok((owned, found.unknown))
    }

    /// A path of the node: without the evidence's own folder, where that was named, too.
    fn inside(&self, path: &Path) -> PathBuf {
        inside(self.evidence, self.resolver.node, self.called, path)
    }

    fn look_up(&self, asked: &'static str, path: &Path) -> Result<Vec<Owned>, NoSnapshot> {
        let owned = |asked, place| Owned::new(self.evidence, &self.resolver, asked, place);
        let number = path.to_str().and_then(|text| text.parse::<u64>().ok());
        if let Some(id) = number {
            let all = self.resolver.snapshots(id);
            if all.is_empty() {
                return Err(NoSnapshot(id));
            }
            return Ok(all
                .into_iter()
                .map(|place| owned("number", place))
                .collect());
        }
        let place = self.resolver.place(path);
        // What a container has mounted lies in its layers.
        let upper = match &place.is {
            Is::Bundle {
                namespace,
                id,
                rootfs: Some(inner),
            } => self.resolver.upper(namespace, id, inner),
            _ => None,
        };
        let mut all = vec![owned(asked, place)];
        all.extend(upper.map(|place| owned("upper", place)));
        Ok(all)
    }
}

/// What is not known of those who may own something.
pub fn unknown(node: &Node) -> Vec<Unknown> {
    let Some(meta) = &node.meta.rows else {
        return node.meta.lost().into_iter().collect();
    };
    let mut unknown = meta.unknown(|ns| &ns.images);
    unknown.extend(meta.unknown(|ns| &ns.containers));
    unknown.extend(meta.unknown(|ns| &ns.blobs));
    unknown.extend(meta.unknown_snapshots());
    for snapshotter in &node.snapshotters {
        match &snapshotter.db.rows {
            Some(rows) => unknown.extend(rows.snapshots.unknown().iter().cloned()),
            None => unknown.extend(snapshotter.db.lost()),
        }
    }
    unknown.sort_by(|a, b| (&a.what, &a.why).cmp(&(&b.what, &b.why)));
    unknown.dedup();
    unknown
}

/// Whether a folder is the root of another daemon than this node's: numbers of directories are small,
/// so each of its paths would fit something here.
fn is_anothers(evidence: &Evidence, node: &Node, head: &Path) -> bool {
    let place = node::usual_place(head);
    evidence.stat(head).is_ok() || place.is_some_and(|place| node.roots.root != place)
}

fn inside(evidence: &Evidence, node: &Node, root: &Path, path: &Path) -> PathBuf {
    let known = |path: &Path| {
        let roots = [&node.roots.root, &node.roots.state];
        let elsewhere = node
            .snapshotters
            .iter()
            .map(|snapshotter| &snapshotter.root);
        roots
            .into_iter()
            .chain(elsewhere)
            .any(|root| path.starts_with(root))
    };
    if !path.is_absolute() || known(path) {
        return path.to_owned();
    }
    if let Ok(inner) = path.strip_prefix(root) {
        let inner = Path::new("/").join(inner);
        if known(&inner) || evidence.stat(&inner).is_ok() {
            return inner;
        }
    }
    // What a scanner in a container saw as /host/var/lib/containerd/io.containerd.….
    let mut tail = path.components();
    while tail.next().is_some() {
        let rest = Path::new("/").join(tail.as_path());
        if known(&rest) {
            return rest;
        }
        let first = tail.clone().next();
        let first = first.map(|part| part.as_os_str().as_bytes().to_vec());
        if first.is_some_and(|name| name.starts_with(b"io.containerd.")) {
            let rest = tail.as_path();
            let head = path.ancestors().nth(rest.components().count());
            if head.is_some_and(|head| is_anothers(evidence, node, head)) {
                break;
            }
            return node.roots.root.join(rest);
        }
    }
    path.to_owned()
}
