//! Digests of the blobs' bytes.

use std::collections::BTreeMap;
use std::io;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};

use content::{Algorithm, Blob, Digest, Ingest};
use evidence::{Evidence, Stat};
use finding::{Text, Unread, size_number};
use serde::Serialize;

use crate::{Control, Cut, pool};

/// How many bytes are read at a time: they stay in a core's own cache between the read and the
/// hash, and are enough to make the calls cheap.
const CHUNK: usize = 256 << 10;

/// A file that claims more than this is not read if hardly any of it is on the disk.
const HOLLOW: u64 = 4 << 30;
/// How much more it claims than there is: no blob is packed so well that a file system that packs,
/// too, gains as much.
const HOLES: u64 = 1024;

/// Whether a blob's bytes are what its name promises.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Hashed {
    /// They are.
    Match,
    /// They have another digest.
    Mismatch {
        /// The digest that they have.
        computed: Digest,
    },
    /// They could not be read.
    Unread(Unread),
    /// They were not read to their end: nothing is known.
    Cut(Cut),
}

/// One blob's bytes, hashed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HashedBlob {
    /// What came out.
    pub outcome: Hashed,
    /// How many bytes were read (or, in a bundle, had been hashed before).
    pub size: u64,
}

/// All blobs, hashed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Hashes {
    /// By what their names promise.
    pub blobs: BTreeMap<Digest, HashedBlob>,
    /// Bytes that were hashed in all.
    pub bytes: u64,
}

/// How many blobs came out how.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Tally {
    /// Their bytes are what their names promise.
    pub good: u64,
    /// Their bytes are something else.
    pub bad: u64,
    /// They could not be read.
    pub unread: u64,
    /// They were not read to their end.
    pub cut: u64,
    /// Bytes that were hashed.
    #[serde(serialize_with = "size_number")]
    pub bytes: u64,
}

impl Hashes {
    /// How many blobs came out how.
    pub fn tally(&self) -> Tally {
        let mut tally = Tally {
            bytes: self.bytes,
            ..Tally::default()
        };
        for blob in self.blobs.values() {
            let count = match blob.outcome {
                Hashed::Match => &mut tally.good,
                Hashed::Mismatch { .. } => &mut tally.bad,
                Hashed::Unread(_) => &mut tally.unread,
                Hashed::Cut(_) => &mut tally.cut,
            };
            *count = count.saturating_add(1);
        }
        tally
    }
}

/// Hashes `blobs`, the biggest first, so that the threads end at about the same time.
pub fn hash<'b>(
    evidence: &Evidence,
    blobs: impl IntoIterator<Item = &'b Blob>,
    control: &Control<'_>,
) -> Hashes {
    hash_each(evidence, blobs, control, &|_, _| {})
}

/// As [`hash`], and tells `done` of each as it is done, from any thread.
pub fn hash_each<'b>(
    evidence: &Evidence,
    blobs: impl IntoIterator<Item = &'b Blob>,
    control: &Control<'_>,
    done: &(dyn Fn(&Digest, &HashedBlob) + Sync),
) -> Hashes {
    let mut blobs: Vec<&Blob> = blobs.into_iter().collect();
    blobs.sort_by(|one, other| (other.stat.size, &one.digest).cmp(&(one.stat.size, &other.digest)));
    let left = AtomicU64::new(control.bytes);
    let all = pool::each(&blobs, control.threads(blobs.len()), |blob| {
        let hashed = hash_one(evidence, blob, &left, control);
        done(&blob.digest, &hashed);
        (blob.digest.clone(), hashed)
    });
    let mut hashes = Hashes::default();
    for (digest, hashed) in all {
        hashes.bytes = hashes.bytes.saturating_add(hashed.size);
        hashes.blobs.insert(digest, hashed);
    }
    hashes
}

/// The SHA-256 of what ingests hold, by the names of their folders; one that cannot be read, or was
/// not read to its end, is left out.
pub fn hash_ingests<'i>(
    evidence: &Evidence,
    ingests: impl IntoIterator<Item = &'i Ingest>,
    control: &Control<'_>,
) -> BTreeMap<Text, Digest> {
    let ingests: Vec<&Ingest> = ingests.into_iter().collect();
    let left = AtomicU64::new(control.bytes);
    let done = pool::each(&ingests, control.threads(ingests.len()), |ingest| {
        let path = ingest.path.join("data");
        let known = evidence.sha256_known(&path).map(Digest::from_sha256);
        let computed = known.or_else(|| {
            let mut size = 0_u64;
            let stat = evidence.stat(&path).ok()?;
            let sha256 = Algorithm::Sha256;
            hash_file(evidence, &path, &stat, sha256, &left, control, &mut size).ok()
        });
        (ingest.name.clone(), computed)
    });
    done.into_iter()
        .filter_map(|(name, computed)| Some((name, computed?)))
        .collect()
}

fn hash_one(
    evidence: &Evidence,
    blob: &Blob,
    left: &AtomicU64,
    control: &Control<'_>,
) -> HashedBlob {
    let algorithm = blob.digest.algorithm();
    if algorithm == Algorithm::Sha256
        && let Some(known) = evidence.sha256_known(&blob.path)
    {
        (control.progress)(blob.stat.size);
        return HashedBlob {
            outcome: compare(&blob.digest, Digest::from_sha256(known)),
            size: blob.stat.size,
        };
    }
    let mut size = 0_u64;
    let (path, stat) = (&blob.path, &blob.stat);
    let outcome = match hash_file(evidence, path, stat, algorithm, left, control, &mut size) {
        Ok(computed) => compare(&blob.digest, computed),
        Err(outcome) => outcome,
    };
    HashedBlob { outcome, size }
}

fn compare(claimed: &Digest, computed: Digest) -> Hashed {
    if *claimed == computed {
        Hashed::Match
    } else {
        Hashed::Mismatch { computed }
    }
}

fn hash_file(
    evidence: &Evidence,
    path: &Path,
    stat: &Stat,
    algorithm: Algorithm,
    left: &AtomicU64,
    control: &Control<'_>,
    size: &mut u64,
) -> Result<Digest, Hashed> {
    // Anybody can make a file of an exabyte.
    let held = stat.blocks.map(|blocks| blocks.saturating_mul(512));
    if let Some(held) = held.filter(|held| held.saturating_mul(HOLES) < stat.size)
        && stat.size > HOLLOW
    {
        let size = stat.size;
        return Err(Hashed::Unread(Unread::Hollow { size, held }));
    }
    let mut hasher = algorithm.hasher();
    let mut reader = evidence.reader(path).map_err(Hashed::Unread)?;
    let mut chunk = vec![0; CHUNK];
    loop {
        if control.is_cancelled() {
            return Err(Hashed::Cut(Cut::Cancelled));
        }
        let count = match reader.read(&mut chunk) {
            Ok(0) => return Ok(hasher.finish()),
            Ok(count) => count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(Hashed::Unread(unread(&error))),
        };
        hasher.update(chunk.get(..count).unwrap_or_default());
        let count = u64::try_from(count).unwrap_or(u64::MAX);
        *size = size.saturating_add(count);
        (control.progress)(count);
        let enough = left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| {
            left.checked_sub(count)
        });
        if enough.is_err() {
            left.store(0, Ordering::Relaxed);
            return Err(Hashed::Cut(Cut::Budget));
        }
    }
}

/// The reason that an evidence's stream wraps.
pub(crate) fn unread(error: &io::Error) -> Unread {
    match error
        .get_ref()
        .and_then(|inner| inner.downcast_ref::<Unread>())
    {
        Some(unread) => unread.clone(),
        None => Unread::Io(error.to_string()),
    }
}
