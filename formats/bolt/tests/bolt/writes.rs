//! What real daemons wrote, write by write: `testdata/bolt/writes`, made by `testdata/make/writes`.
//!
//! ```text
//! T size:u64                        the file gets this length
//! W offset:u64 length:u32 bytes     a write
//! S                                 a sync
//! E sha256                          the end: what the file must be by now
//! ```

use std::path::PathBuf;

/// Bytes of a page of all recordings.
pub(crate) const PAGE: usize = 4096;

/// One transaction as it went to the disk.
pub(crate) struct Commit {
    /// Which one of the recording.
    pub(crate) number: usize,
    /// The file before it, already as long as it will be.
    pub(crate) before: Vec<u8>,
    /// The file after it.
    pub(crate) after: Vec<u8>,
    /// Offsets of the pages that were written before the meta.
    pub(crate) pages: Vec<usize>,
}

/// A recording that is being replayed.
pub(crate) struct Writes {
    bytes: Vec<u8>,
    at: usize,
    state: Vec<u8>,
    number: usize,
}

pub(crate) fn folder() -> PathBuf {
    std::env::var_os("CORONER_WRITES").map_or_else(
        || {
            PathBuf::from(concat!(
                env!("CARGO_MANIFEST_DIR"),
                "/../../testdata/bolt/writes"
            ))
        },
        PathBuf::from,
    )
}

/// Names of all recordings: the minor version of containerd, and the database.
pub(crate) fn recordings() -> Vec<String> {
    let mut names: Vec<String> = std::fs::read_dir(folder())
        .unwrap()
        .filter_map(|entry| {
            let name = entry.unwrap().file_name().into_string().unwrap();
            name.strip_suffix(".writes.zst").map(str::to_owned)
        })
        .collect();
    names.sort();
    assert!(!names.is_empty());
    names
}

impl Writes {
    pub(crate) fn open(name: &str) -> Self {
        let packed = std::fs::read(folder().join(format!("{name}.writes.zst"))).unwrap();
        Self {
            bytes: zstd::decode_all(packed.as_slice()).unwrap(),
            at: 0,
            state: Vec::new(),
            number: 0,
        }
    }

    fn take(&mut self, len: usize) -> &[u8] {
        let from = self.at;
        self.at += len;
        &self.bytes[from..self.at]
    }

    fn number(&mut self, len: usize) -> usize {
        let bytes = self.take(len);
        bytes
            .iter()
            .rev()
            .fold(0, |sum, byte| sum << 8 | usize::from(*byte))
    }
}

impl Iterator for Writes {
    type Item = Commit;

    fn next(&mut self) -> Option<Commit> {
        let mut before = self.state.clone();
        let mut pages = Vec::new();
        // The file as it was at the start has no meta of its own transaction: it ends with a sync.
        let mut metas = 0;
        loop {
            let kind = self.take(1)[0];
            match kind {
                b'T' => {
                    let len = self.number(8);
                    self.state.resize(len, 0);
                    before.resize(before.len().max(len), 0);
                }
                b'S' if self.number == 0 && metas == 2 => {
                    self.number = 1;
                    before.clone_from(&self.state);
                    pages.clear();
                }
                b'S' => {}
                b'W' => {
                    let (at, len) = (self.number(8), self.number(4));
                    let bytes = self.take(len).to_vec();
                    self.state.resize(self.state.len().max(at + len), 0);
                    self.state[at..at + len].copy_from_slice(&bytes);
                    if at < 2 * PAGE {
                        metas += 1;
                    } else {
                        pages.extend((at..at + len).step_by(PAGE));
                    }
                    if at < 2 * PAGE && self.number > 0 {
                        self.number += 1;
                        return Some(Commit {
                            number: self.number - 2,
                            before,
                            after: self.state.clone(),
                            pages,
                        });
                    }
                }
                // The digest was checked when the recording was made.
                _ => return None,
            }
        }
    }
}
