//! Blobs that were written whole and not committed.

use std::path::{Path, PathBuf};

use content::{Digest, Ingest, Store};
use evidence::Evidence;

use super::Making;
use crate::plan::{MadeOf, Step};
use crate::rows::split_key;
use crate::{Edit, Survivors, Tree};

/// A blob that an unfinished write holds.
#[derive(Debug, Clone)]
pub(super) struct Promoted {
    /// Where its bytes are.
    pub(super) data: PathBuf,
    namespace: Vec<u8>,
    size: u64,
}

impl Making<'_> {
    /// Gives each of them a name among the blobs. Layers are unpacked from their bytes as they lie.
    pub(super) fn promote(&mut self, evidence: &Evidence, survivors: &mut Survivors) {
        let Some(store) = self.node.content.whole().cloned() else {
            return;
        };
        for ingest in &store.ingests {
            let size = ingest.data_size.filter(|size| *size > 0);
            let (Some((namespace, digest)), Some(size)) = (wanted_digest(ingest), size) else {
                continue;
            };
            if store.blob(&digest).is_some() || survivors.blobs.contains_key(&digest) {
                continue;
            }
            let data = ingest.path.join("data");
            let from = self.place(&data).map(|(_, from)| from);
            let Some(from) = from.filter(|_| is_blob(evidence, &data, &digest)) else {
                continue;
            };
            let step = Step {
                mode: Some(0o444),
                ..Step::put("", MadeOf::Link { from }, why(&digest))
            };
            let place = Store::path_of(&self.node.content_root(), &digest);
            if self.step(&place, step).is_some() {
                survivors.add(evidence, &data, &digest, size, self.request.made_at);
                let promoted = Promoted {
                    data,
                    namespace,
                    size,
                };
                self.promoted.insert(digest, promoted);
            }
        }
    }

    /// Their records, in the namespaces in which they were written; a meta.db that is completed gets them with
    /// all others.
    pub(super) fn rows_of_promoted(&self, tree: &mut Tree, is_whole: bool) -> Vec<Edit> {
        let mut edits = Vec::new();
        for (digest, promoted) in self.promoted.iter().filter(|_| is_whole) {
            let key = digest.as_str().as_bytes();
            let at: [&[u8]; 5] = [b"v1", &promoted.namespace, b"content", b"blob", key];
            if tree.at(&at).is_some() {
                continue;
            }
            let record = tree.make(&at);
            record.put("createdat", metadb::put_time(self.request.made_at));
            record.put("updatedat", metadb::put_time(self.request.made_at));
            record.put(
                "size",
                metadb::put_varint(i64::try_from(promoted.size).unwrap_or(i64::MAX)),
            );
            edits.push(Edit {
                record: crate::rows::shown(&at),
                removed: false,
                why: why(digest),
            });
        }
        edits
    }
}

fn why(digest: &Digest) -> String {
    format!("the blob {digest} is whole, and was not committed")
}

/// The namespace of an ingest, and the digest that it is to have: its reference ends with it, `layer-sha256:…`.
fn wanted_digest(ingest: &Ingest) -> Option<(Vec<u8>, Digest)> {
    let reference = ingest.reference.as_ref()?;
    let (namespace, _, key) = split_key(reference.bytes())?;
    let key = core::str::from_utf8(key).ok()?;
    let at = key.rfind("sha256:")?;
    let digest = Digest::parse(key.get(at..)?).ok()?;
    Some((namespace.to_vec(), digest))
}

/// Whether the bytes of a file have this digest.
fn is_blob(evidence: &Evidence, file: &Path, digest: &Digest) -> bool {
    let Ok(mut reader) = evidence.reader(file) else {
        return false;
    };
    let mut hasher = digest.algorithm().hasher();
    let mut piece = vec![0_u8; 1 << 20];
    loop {
        match std::io::Read::read(&mut reader, &mut piece) {
            Ok(0) => return hasher.finish() == *digest,
            Ok(count) => hasher.update(piece.get(..count).unwrap_or_default()),
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
            Err(_) => return false,
        }
    }
}
