//! Another store that blobs are taken from, by their digests: another node, an OCI layout, an archive.
//!
//! ```text
//! blobs/<alg>/<hex>                                  an OCI layout, a content store, an archive of one
//! io.containerd.content.v1.content/blobs/…           a containerd root
//! var/lib/containerd/io.containerd.content.v1…       a node, wherever its root is
//! <name>.json, <id>/layer.tar                        `docker save` of old: files are hashed
//! ```
//!
//! What a name claims is not believed: a blob is hashed when the plan is made, and again while it is copied.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::io::Read;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use content::{Digest, Store};
use evidence::{Evidence, FileKind, Options};

/// The most files of an archive that are hashed.
const MOST: usize = 10_000;

/// A store that blobs are taken from.
#[derive(Debug)]
pub struct Donor {
    /// Where it is on this machine.
    pub from: String,
    evidence: Evidence,
    blobs: BTreeMap<Digest, PathBuf>,
}

impl Donor {
    /// Opens the store at `path`.
    ///
    /// # Errors
    /// It cannot be read, or no blobs are in it.
    pub fn open(path: &Path) -> Result<Self, String> {
        let evidence = Evidence::open(path, &Options::default())
            .map_err(|error| format!("{} {}", error.path, error.why))?;
        let mut donor = Self {
            from: path.to_string_lossy().into_owned(),
            evidence,
            blobs: BTreeMap::new(),
        };
        let nodes = node::discover(&donor.evidence, &node::Said::default());
        let mut roots: Vec<PathBuf> = nodes
            .iter()
            .map(|roots| roots.root.join(node::CONTENT_DIR))
            .collect();
        roots.push(Path::new("/").join(node::CONTENT_DIR));
        roots.push(PathBuf::from("/"));
        for root in roots {
            if donor.evidence.stat(&root.join("blobs")).is_err() {
                continue;
            }
            let store = Store::read_store(&donor.evidence, &root);
            let blobs = store.read().into_iter().flat_map(|store| &store.blobs);
            for blob in blobs {
                let path = blob.path.clone();
                donor.blobs.entry(blob.digest.clone()).or_insert(path);
            }
        }
        donor.unnamed();
        if donor.blobs.is_empty() {
            return Err("no blobs were found in it".to_owned());
        }
        Ok(donor)
    }

    /// Files whose names are no digests: configurations and layers of an archive of docker's.
    fn unnamed(&mut self) {
        let top = Path::new("/");
        if self.evidence.stat(&top.join("manifest.json")).is_err() {
            return;
        }
        let mut files = Vec::new();
        let mut folders = vec![top.to_owned()];
        while let Some(folder) = folders.pop() {
            let entries = self.evidence.list(&folder);
            for entry in entries.read().into_iter().flatten() {
                let name = OsStr::from_bytes(entry.name.bytes());
                let path = folder.join(name);
                match entry.stat.kind {
                    FileKind::Dir if folder == top && name != "blobs" => folders.push(path),
                    FileKind::File if files.len() < MOST && is_of_an_image(&path) => {
                        files.push(path);
                    }
                    _ => {}
                }
            }
        }
        for path in files {
            if let Some(digest) = self.hash(&path, content::Algorithm::Sha256) {
                self.blobs.entry(digest).or_insert(path);
            }
        }
    }

    fn hash(&self, path: &Path, algorithm: content::Algorithm) -> Option<Digest> {
        let mut reader = self.evidence.reader(path).ok()?;
        let mut hasher = algorithm.hasher();
        let mut piece = vec![0_u8; 1 << 20];
        loop {
            match reader.read(&mut piece) {
                Ok(0) => return Some(hasher.finish()),
                Ok(count) => hasher.update(piece.get(..count)?),
                Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
                Err(_) => return None,
            }
        }
    }

    /// Where a blob of this digest is in it, and its size, if its bytes have that digest.
    pub(crate) fn blob(&self, digest: &Digest) -> Option<(PathBuf, u64)> {
        let path = self.blobs.get(digest)?;
        let size = self.evidence.stat(path).ok()?.size;
        (self.hash(path, digest.algorithm()).as_ref() == Some(digest)).then(|| (path.clone(), size))
    }

    pub(crate) const fn evidence(&self) -> &Evidence {
        &self.evidence
    }
}

fn is_of_an_image(path: &Path) -> bool {
    let ends = |end: &str| path.extension().is_some_and(|found| found == end);
    ends("json") || ends("tar")
}
