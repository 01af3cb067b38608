//! One file's bytes, frozen.

use std::sync::{Arc, OnceLock};

use finding::Text;
use sha2::{Digest, Sha256};
use view::View;

use crate::Stat;

/// One file's bytes, frozen in memory, with what is known of the file.
///
/// Cheap to clone: the bytes are shared.
#[derive(Debug, Clone)]
pub struct Source {
    /// Absolute path inside the evidence, as it was asked for.
    pub path: Text,
    /// What was known of the file when it was read.
    pub stat: Stat,
    bytes: Arc<Vec<u8>>,
    changed: bool,
    sha256: Arc<OnceLock<[u8; 32]>>,
}

impl Source {
    /// Bytes that did not come from a file: tests, embedded samples, parts of other sources.
    pub fn from_bytes(path: impl Into<Text>, bytes: Vec<u8>) -> Self {
        let mut stat = Stat::only(crate::FileKind::File);
        stat.size = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
        Self::new(path.into(), stat, Arc::new(bytes), false)
    }

    pub(crate) fn new(path: Text, stat: Stat, bytes: Arc<Vec<u8>>, changed: bool) -> Self {
        Self {
            path,
            stat,
            bytes,
            changed,
            sha256: Arc::default(),
        }
    }

    /// The bytes, to be parsed.
    pub fn view(&self) -> View<'_> {
        View::new(&self.bytes)
    }

    /// The bytes.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The bytes, to be changed: without a copy where nobody else has them.
    pub fn into_bytes(self) -> Vec<u8> {
        Arc::unwrap_or_clone(self.bytes)
    }

    /// Whether the file changed while it was read, so that the bytes may be a mixture of two
    /// states. Only [`Evidence::source_as_is`](crate::Evidence::source_as_is) gives such a source.
    pub const fn is_torn(&self) -> bool {
        self.changed
    }

    /// SHA-256 of the bytes; computed once, when it is first asked for.
    pub fn sha256(&self) -> [u8; 32] {
        *self
            .sha256
            .get_or_init(|| Sha256::digest(self.bytes.as_slice()).into())
    }
}
