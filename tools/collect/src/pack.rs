//! What is packed in place of a file's own bytes: databases as one transaction left them, and
//! files with their secrets masked.

use std::path::Path;

use cli::Progress;
use evidence::bundle::write::{Helper, Prepared};
use evidence::{Evidence, Stat};
use finding::Unread;
use node::{Copied, steady};
use redact::Form;

/// A database that is larger is streamed: it is then either unchanged, or counts as unread.
const STEADY: u64 = 1 << 30;

/// Has a say while files are copied.
#[derive(Debug)]
pub(crate) struct Packer<'c> {
    evidence: &'c Evidence,
    redacts: bool,
    limit: u64,
    progress: &'c Progress,
}

impl<'c> Packer<'c> {
    pub(crate) const fn new(
        evidence: &'c Evidence,
        redacts: bool,
        limit: u64,
        progress: &'c Progress,
    ) -> Self {
        Self {
            evidence,
            redacts,
            limit,
            progress,
        }
    }

    fn database(&self, path: &Path, stat: &Stat) -> Result<Prepared, Unread> {
        let (source, copied) = steady(self.evidence, path, self.limit.max(stat.size))?;
        let note = match copied {
            Copied::Still => None,
            Copied::Transaction(txid) => Some(format!(
                "it was written to while it was copied: this is what transaction {txid} left"
            )),
            Copied::Torn => Some("it was written to faster than it could be copied".to_owned()),
        };
        Ok(Prepared {
            bytes: source.bytes().to_vec(),
            changed: copied == Copied::Torn,
            masked: 0,
            note,
        })
    }

    fn text(&self, path: &Path) -> Result<Prepared, Unread> {
        let source = self.evidence.source_as_is(path, redact::LIMIT)?;
        Ok(Prepared {
            bytes: source.bytes().to_vec(),
            changed: source.is_torn(),
            masked: 0,
            note: None,
        })
    }
}

/// Whether a file has what a database is named like, and its size may be one.
fn is_database(path: &Path, stat: &Stat) -> bool {
    Form::of(path) == Form::Database && stat.size <= STEADY
}

impl Helper for Packer<'_> {
    fn prepare(&mut self, path: &Path, stat: &Stat) -> Option<Result<Prepared, Unread>> {
        let form = Form::of(path);
        let prepared = if is_database(path, stat) {
            self.database(path, stat)
        } else if self.redacts && form == Form::Text && stat.size <= redact::LIMIT {
            self.text(path)
        } else if self.redacts && form != Form::Blob && !redact::is_of_container(path) {
            // What cannot be searched for secrets is left out.
            Err(Unread::TooLarge {
                size: stat.size,
                limit: redact::LIMIT,
            })
        } else {
            return None;
        };
        Some(prepared.map(|mut prepared| {
            if self.redacts {
                prepared.masked = redact::mask(path, &mut prepared.bytes);
            }
            prepared
        }))
    }

    fn mask(&mut self, path: &Path, bytes: &mut Vec<u8>) -> u64 {
        if self.redacts {
            redact::mask(path, bytes)
        } else {
            0
        }
    }

    fn packed(&mut self, bytes: u64) {
        self.progress.add(bytes);
    }
}
