//! What a bundle holds and memory does not: a file without a name, with a quota.

use std::fs::File;
use std::io::Write;
use std::path::PathBuf;
use std::sync::Arc;

use crate::floor::Guard;

/// A file without a name that only grows, made when it is first needed.
#[derive(Debug)]
pub(crate) struct Spool {
    directory: PathBuf,
    quota: u64,
    used: u64,
    file: Option<Arc<File>>,
    guard: Guard,
    /// Why there is none.
    pub(crate) failed: Option<String>,
}

impl Spool {
    pub(crate) fn new(directory: Option<PathBuf>, quota: u64) -> Self {
        Self {
            directory: directory.unwrap_or_else(std::env::temp_dir),
            quota,
            used: 0,
            file: None,
            guard: Guard::default(),
            failed: None,
        }
    }

    /// Whether `len` more bytes fit, with `spare` bytes left for others.
    pub(crate) const fn fits(&self, len: u64, spare: u64) -> bool {
        self.failed.is_none() && self.used.saturating_add(len).saturating_add(spare) <= self.quota
    }

    /// Where the next bytes will stand; nothing if there is no spool to be had.
    pub(crate) fn begin(&mut self) -> Option<(Arc<File>, u64)> {
        if self.file.is_none() && self.failed.is_none() {
            match tempfile::tempfile_in(&self.directory) {
                Ok(file) => self.file = Some(Arc::new(file)),
                Err(error) => {
                    let directory = self.directory.display();
                    self.failed = Some(format!("no spool file in {directory}: {error}"));
                }
            }
        }
        let file = Arc::clone(self.file.as_ref()?);
        Some((file, self.used))
    }

    /// Adds bytes; `false` if the disk is full, or the like.
    pub(crate) fn add(&mut self, bytes: &[u8]) -> bool {
        let Some(file) = &self.file else {
            return false;
        };
        let len = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
        let room = self.guard.take(file.as_ref(), bytes.len());
        match room.and_then(|()| file.as_ref().write_all(bytes)) {
            Ok(()) => {
                self.used = self.used.saturating_add(len);
                true
            }
            Err(error) => {
                self.failed = Some(format!("the spool file cannot grow: {error}"));
                false
            }
        }
    }
}
