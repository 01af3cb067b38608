//! The directories of the content store.

use core::fmt;
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use evidence::{Entry, Evidence, FileKind, Stat};
use finding::{Known, Text, Unknown, Unread};
use serde::Serialize;

use crate::{Algorithm, Digest, DigestError, Document, Fault, Ingest, document::DOCUMENT_LIMIT};

/// A committed blob: a regular file whose name is a digest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Blob {
    /// What its name claims that its bytes have as their digest.
    pub digest: Digest,
    /// Where it lies.
    pub path: PathBuf,
    /// What it is.
    pub stat: Stat,
}

impl Blob {
    /// How many bytes its file has; nothing where that could not be asked.
    pub const fn size(&self) -> Option<u64> {
        if self.stat.only_kind {
            None
        } else {
            Some(self.stat.size)
        }
    }

    /// Whether its mode is that of a finished commit, 0444. Another one is left by a daemon that
    /// was killed between the rename and the chmod, or by a copy that did not keep modes.
    pub const fn is_read_only(&self) -> bool {
        self.stat.only_kind || self.stat.mode == 0o444
    }
}

/// Something in the store that does not belong where it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stray {
    /// Where it lies.
    pub path: PathBuf,
    /// What it is.
    pub stat: Stat,
    /// Why it does not belong.
    pub why: Why,
    /// Of a directory under the name of a blob: whether it holds nothing. Nothing where that is
    /// not known.
    pub is_empty: Option<bool>,
}

/// Why something does not belong where it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Why {
    /// A name among the blobs that is no digest: it ends containerd's content garbage collection.
    NotADigest(DigestError, FileKind),
    /// A blob's name on something that is no regular file.
    NotAFile(FileKind),
    /// Beside `sha256` and its like: containerd never looks at it.
    UnknownAlgorithm,
    /// An algorithm's directory is a link: containerd reads blobs through it, and does not collect
    /// them.
    LinkedAlgorithm,
    /// Beside `blobs` and `ingest`.
    BesideTheStore,
    /// Among the ingests, but no directory.
    NotAnIngest(FileKind),
}

impl fmt::Display for Why {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotADigest(why, kind) => {
                write!(f, "a {} with a name that is no digest: {why}", kind.word())
            }
            Self::NotAFile(kind) => write!(f, "a {} under the name of a blob", kind.word()),
            Self::UnknownAlgorithm => write!(f, "no algorithm that containerd knows"),
            Self::LinkedAlgorithm => write!(f, "a link in the place of an algorithm's directory"),
            Self::BesideTheStore => write!(f, "neither blobs nor ingest"),
            Self::NotAnIngest(kind) => write!(f, "a {} among the ingests", kind.word()),
        }
    }
}

impl Serialize for Why {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// What became of an attempt to read a document.
#[derive(Debug, Clone, PartialEq)]
pub enum DocumentError {
    /// There are no bytes.
    Unread(Unread),
    /// Its bytes have another digest than its name.
    Altered {
        /// The digest that they have.
        computed: Digest,
        /// How many they are.
        size: u64,
    },
    /// Its digest is right, but nothing of it can be used.
    Fault(Fault),
}

/// The content store as it lies in its directories; no blob was opened.
///
/// It is [`Known::Whole`](finding::Known) only if every directory could be listed: only then may
/// be concluded that a blob is missing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Store {
    /// `ROOT/io.containerd.content.v1.content`
    pub root: PathBuf,
    /// Whether that directory is there at all.
    pub is_there: bool,
    /// Whether a folder of blobs (`blobs/sha256`) is in it: a mount point, and a folder that a copy left out, have none.
    pub has_folder: bool,
    /// Blobs, by digest.
    pub blobs: Vec<Blob>,
    /// Names in `blobs/<algorithm>` that are no blobs.
    pub strays: Vec<Stray>,
    /// Whatever else does not belong, and does no harm.
    pub others: Vec<Stray>,
    /// Blobs on their way in.
    pub ingests: Vec<Ingest>,
}

impl Store {
    /// Lists the store at `root`.
    pub fn read_store(evidence: &Evidence, root: &Path) -> Known<Self> {
        let mut store = Self {
            root: root.to_owned(),
            is_there: true,
            has_folder: false,
            blobs: Vec::new(),
            strays: Vec::new(),
            others: Vec::new(),
            ingests: Vec::new(),
        };
        let mut unknown = Vec::new();
        let entries = match evidence.try_list(root) {
            Ok(entries) => keep(entries, &mut unknown),
            // Never used, or wiped: both are known. Without its parent, nothing is.
            Err(Unread::Absent) if is_dir(evidence, root.parent()) => {
                store.is_there = false;
                return Known::Whole(store);
            }
            Err(why) => return Known::lost(what("content store", root), why.to_string()),
        };
        let folder = |entry: &Entry| matches!(entry.stat.kind, FileKind::Dir | FileKind::Symlink);
        for entry in entries {
            let path = join(root, &entry.name);
            match entry.name.bytes() {
                b"blobs" if folder(&entry) => store.read_blobs(evidence, &path, &mut unknown),
                b"ingest" if folder(&entry) => store.read_ingests(evidence, &path, &mut unknown),
                _ => store.others.push(Stray {
                    path,
                    stat: entry.stat,
                    why: Why::BesideTheStore,
                    is_empty: None,
                }),
            }
        }
        store
            .blobs
            .sort_by(|one, other| one.digest.cmp(&other.digest));
        Known::with(store, unknown)
    }

    fn read_blobs(&mut self, evidence: &Evidence, blobs: &Path, unknown: &mut Vec<Unknown>) {
        for entry in list(evidence, blobs, unknown) {
            let path = join(blobs, &entry.name);
            let algorithm = entry.name.utf8().and_then(Algorithm::named);
            let why = match (algorithm, entry.stat.kind) {
                (Some(algorithm), FileKind::Dir) => {
                    self.read_algorithm(evidence, &path, algorithm, unknown);
                    continue;
                }
                (Some(algorithm), FileKind::Symlink) => {
                    self.read_algorithm(evidence, &path, algorithm, unknown);
                    Why::LinkedAlgorithm
                }
                _ => Why::UnknownAlgorithm,
            };
            let stat = entry.stat;
            self.others.push(Stray {
                path,
                stat,
                why,
                is_empty: None,
            });
        }
    }

    fn read_algorithm(
        &mut self,
        evidence: &Evidence,
        folder: &Path,
        algorithm: Algorithm,
        unknown: &mut Vec<Unknown>,
    ) {
        self.has_folder = true;
        for Entry { name, stat } in list(evidence, folder, unknown) {
            let path = join(folder, &name);
            // Bytes that are no UTF-8 are no hex digits; Go looks at their number first.
            let hex = String::from_utf8_lossy(name.bytes());
            let digest = match name.utf8() {
                None if name.bytes().len() == algorithm.digits() => Err(DigestError::Format),
                _ => algorithm.digest(&hex),
            };
            match digest {
                Ok(digest) if stat.is_file() => self.blobs.push(Blob { digest, path, stat }),
                Ok(_) => {
                    let why = Why::NotAFile(stat.kind);
                    let list = || evidence.list(&path).whole().map(Vec::is_empty);
                    let is_empty = if stat.is_dir() { list() } else { None };
                    self.strays.push(Stray {
                        path,
                        stat,
                        why,
                        is_empty,
                    });
                }
                Err(error) => {
                    let why = Why::NotADigest(error, stat.kind);
                    self.strays.push(Stray {
                        path,
                        stat,
                        why,
                        is_empty: None,
                    });
                }
            }
        }
    }

    fn read_ingests(&mut self, evidence: &Evidence, folder: &Path, unknown: &mut Vec<Unknown>) {
        for Entry { name, stat } in list(evidence, folder, unknown) {
            let path = join(folder, &name);
            if stat.is_dir() {
                self.ingests
                    .push(Ingest::read_ingest(evidence, path, name, stat, unknown));
            } else {
                let why = Why::NotAnIngest(stat.kind);
                self.others.push(Stray {
                    path,
                    stat,
                    why,
                    is_empty: None,
                });
            }
        }
    }

    /// The blob of this digest, if its file is there.
    pub fn blob(&self, digest: &Digest) -> Option<&Blob> {
        let at = self
            .blobs
            .binary_search_by(|blob| blob.digest.cmp(digest))
            .ok()?;
        self.blobs.get(at)
    }

    /// Where the blob of this digest lies, or would lie.
    pub fn path_of(root: &Path, digest: &Digest) -> PathBuf {
        root.join("blobs")
            .join(digest.algorithm().name())
            .join(digest.hex())
    }

    /// Reads the document of this digest, whose descriptor gives it `claimed` as its media type.
    /// Its digest is checked first.
    pub fn document(
        evidence: &Evidence,
        root: &Path,
        digest: &Digest,
        claimed: Option<&str>,
    ) -> Result<Document, DocumentError> {
        let path = Self::path_of(root, digest);
        let source = evidence
            .source(&path, DOCUMENT_LIMIT)
            .map_err(DocumentError::Unread)?;
        let computed = digest.compute(source.bytes());
        // The bytes of a masked one are not the node's: nothing follows from their hash.
        if computed != *digest && !evidence.is_masked(&path) {
            let size = source.view().len();
            return Err(DocumentError::Altered { computed, size });
        }
        Document::parse(source.bytes(), claimed).map_err(DocumentError::Fault)
    }

    /// Bytes that all blobs have together.
    pub fn size(&self) -> u64 {
        self.blobs
            .iter()
            .fold(0, |sum, blob| sum.saturating_add(blob.stat.size))
    }
}

fn is_dir(evidence: &Evidence, path: Option<&Path>) -> bool {
    path.is_some_and(|path| evidence.stat(path).is_ok_and(|stat| stat.is_dir()))
}

fn what(thing: &str, path: &Path) -> String {
    format!("the {thing} {}", Text::from(path.as_os_str().as_bytes()))
}

/// `folder` and a name from the evidence, which holds no slash.
pub(crate) fn join(folder: &Path, name: &Text) -> PathBuf {
    folder.join(OsStr::from_bytes(name.bytes()))
}

fn keep(entries: Known<Vec<Entry>>, unknown: &mut Vec<Unknown>) -> Vec<Entry> {
    unknown.extend(entries.unknown().iter().cloned());
    match entries {
        Known::Whole(entries) | Known::Partial(entries, _) => entries,
        Known::Lost(_) => Vec::new(),
    }
}

/// The entries of a directory that was seen in its parent.
pub(crate) fn list(evidence: &Evidence, folder: &Path, unknown: &mut Vec<Unknown>) -> Vec<Entry> {
    keep(evidence.list(folder), unknown)
}
