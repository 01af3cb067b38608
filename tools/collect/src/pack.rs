//! What is packed in place of a file's own bytes: databases as one transaction left them, and
//! files with their secrets masked.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use cli::{Case, Progress};
use evidence::bundle::write::{Helper, Prepared, Replaced};
use evidence::{Evidence, Stat};
use finding::{Known, Unread};
use node::{Copied, steady};
use redact::{Aliases, Form, Options, Outcome};

/// A database that is larger is streamed: it is then either unchanged, or counts as unread.
const STEADY: u64 = 1 << 30;

/// Bytes of text of an archive that are searched for secrets, whatever it is: some seconds. And for each
/// of its own, as it lies on the disk.
const FREE: u64 = 8 << 20;
const A_BYTE: u64 = 8;

/// Has a say while files are copied.
#[derive(Debug)]
pub(crate) struct Packer<'c> {
    evidence: &'c Evidence,
    redacts: Option<Options>,
    /// Names that are secrets, and what stands for them.
    aliases: Aliases,
    /// Bytes that may still be searched for secrets.
    left: u64,
    limit: u64,
    progress: &'c Progress,
}

impl<'c> Packer<'c> {
    pub(crate) fn new(
        evidence: &'c Evidence,
        redacts: Option<Options>,
        aliases: Aliases,
        limit: u64,
        progress: &'c Progress,
    ) -> Self {
        // What lies on a disk unpacked costs what it is.
        let left = evidence.packed().map_or(u64::MAX, |packed| {
            packed.saturating_mul(A_BYTE).saturating_add(FREE)
        });
        Self {
            evidence,
            redacts,
            aliases,
            left,
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
            bytes: source.into_bytes(),
            changed: copied == Copied::Torn,
            masked: 0,
            note,
        })
    }

    fn prepare_text(&self, path: &Path) -> Result<Prepared, Unread> {
        let source = self.evidence.source_as_is(path, redact::LIMIT)?;
        Ok(Prepared {
            changed: source.is_torn(),
            bytes: source.into_bytes(),
            masked: 0,
            note: None,
        })
    }
}

/// What stands for the names in a node's databases that are secrets.
pub(crate) fn aliases(case: &Case, limit: u64) -> Aliases {
    let mut paths = Vec::new();
    for roots in &case.roots {
        paths.push(roots.root.join(node::META_DIR).join("meta.db"));
        let listed = case.evidence.try_list(&roots.root);
        for entry in listed.iter().filter_map(Known::read).flatten() {
            if entry.name.bytes().starts_with(BACKEND) {
                let name = OsStr::from_bytes(entry.name.bytes());
                paths.push(roots.root.join(name).join("metadata.db"));
            }
        }
    }
    Aliases::from_databases(paths.iter().filter_map(|path| {
        let (source, _) = steady(&case.evidence, path, limit.min(STEADY)).ok()?;
        Some(source.into_bytes())
    }))
}

/// What a snapshotter's folder begins with.
const BACKEND: &[u8] = b"io.containerd.snapshotter.v1.";

/// Whether a file has what a database is named like, and its size may be one.
fn is_database(path: &Path, stat: &Stat) -> bool {
    Form::from_path(path) == Form::Database && stat.size <= STEADY
}

impl Packer<'_> {
    /// Masks what is to be packed; nothing: it is to be left out.
    fn masked(&mut self, path: &Path, bytes: &mut [u8]) -> Option<u64> {
        let Some(options) = &self.redacts else {
            return Some(0);
        };
        let len = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
        // Databases have budgets of their own.
        if Form::from_path(path) != Form::Database {
            self.left = self.left.checked_sub(len)?;
        }
        let replaced = self.aliases.replace(bytes);
        match redact::mask(path, bytes, options) {
            Outcome::Masked(masked) => Some(masked.saturating_add(replaced)),
            Outcome::LeftOut => None,
        }
    }
}

impl Helper for Packer<'_> {
    fn prepare(&mut self, path: &Path, stat: &Stat) -> Option<Result<Replaced, Unread>> {
        let form = Form::from_path(path);
        let prepared = if is_database(path, stat) {
            self.database(path, stat)
        } else if self.redacts.is_none() {
            return None;
        } else if matches!(form, Form::Text | Form::Blob)
            && stat.size <= redact::LIMIT.min(self.left)
        {
            self.prepare_text(path)
        } else {
            // What cannot be searched for secrets, or is somebody else's.
            return Some(Ok(Replaced::Hidden));
        };
        Some(prepared.map(
            |mut prepared| match self.masked(path, &mut prepared.bytes) {
                None => Replaced::Hidden,
                Some(masked) => {
                    prepared.masked = masked;
                    Replaced::Bytes(prepared)
                }
            },
        ))
    }

    fn mask(&mut self, path: &Path, bytes: &mut Vec<u8>) -> Option<u64> {
        self.masked(path, bytes)
    }

    fn name(&self, at: &Path, name: &[u8]) -> Option<Vec<u8>> {
        self.redacts?;
        let mut other = name.to_vec();
        let replaced = self.aliases.replace(&mut other);
        redact::path(at, &other).or_else(|| (replaced > 0).then_some(other))
    }

    fn xattr(&self, name: &[u8], value: &[u8]) -> Option<(Vec<u8>, Vec<u8>)> {
        self.redacts?;
        redact::xattr(name, value)
    }

    fn packed(&mut self, bytes: u64) {
        self.progress.add(bytes);
    }
}
