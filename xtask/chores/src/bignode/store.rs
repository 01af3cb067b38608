//! The content store: blobs, and their rows in meta.db.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use sha2::{Digest as _, Sha256};

use super::encode::{Bucket, varint};
use super::made;

#[derive(Debug, Default)]
struct Blob {
    size: u64,
    labels: BTreeMap<String, String>,
    namespaces: BTreeSet<&'static str>,
}

/// The content store.
#[derive(Debug)]
pub(super) struct Store {
    folder: PathBuf,
    blobs: BTreeMap<String, Blob>,
}

/// The digest of these bytes.
pub(super) fn digest(bytes: &[u8]) -> String {
    format!("sha256:{}", hex::encode(Sha256::digest(bytes)))
}

impl Store {
    pub(super) fn new(root: &Path) -> io::Result<Self> {
        let store = root.join("io.containerd.content.v1.content");
        let folder = store.join("blobs/sha256");
        fs::create_dir_all(&folder)?;
        fs::create_dir_all(store.join("ingest"))?;
        Ok(Self {
            folder,
            blobs: BTreeMap::new(),
        })
    }

    pub(super) fn len(&self) -> usize {
        self.blobs.len()
    }

    /// Keeps these bytes for `namespace`, and gives their digest.
    pub(super) fn add(&mut self, bytes: &[u8], namespace: &'static str) -> io::Result<String> {
        let digest = digest(bytes);
        let blob = self.blobs.entry(digest.clone()).or_default();
        if blob.namespaces.is_empty() {
            blob.size = u64::try_from(bytes.len()).unwrap_or(0);
            let path = self.folder.join(digest.trim_start_matches("sha256:"));
            fs::write(&path, bytes)?;
            fs::set_permissions(&path, fs::Permissions::from_mode(0o444))?;
        }
        blob.namespaces.insert(namespace);
        Ok(digest)
    }

    /// Labels a blob in all its namespaces.
    pub(super) fn label(&mut self, digest: &str, key: impl Into<String>, value: impl Into<String>) {
        if let Some(blob) = self.blobs.get_mut(digest) {
            blob.labels.insert(key.into(), value.into());
        }
    }

    /// A blob that is there belongs to `namespace`, too.
    pub(super) fn share(&mut self, digest: &str, namespace: &'static str) {
        if let Some(blob) = self.blobs.get_mut(digest) {
            blob.namespaces.insert(namespace);
        }
    }

    /// Its rows, below the bucket `v1`.
    pub(super) fn rows(&self, v1: &mut Bucket) {
        for (digest, blob) in &self.blobs {
            for namespace in &blob.namespaces {
                let row = v1.at(&[namespace, "content", "blob", digest]);
                row.put("createdat", made(0));
                row.put("updatedat", made(0));
                row.put("size", varint(blob.size));
                let labels = row.bucket("labels");
                for (key, value) in &blob.labels {
                    labels.put(key, value);
                }
            }
        }
    }
}
