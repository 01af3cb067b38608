//! Whether a bundle of ours is as it was written: every hash, nothing missing, nothing added.
//!
//! A bundle proves itself: the trailer has the SHA-256 of the manifest and of each member, the
//! manifest names each entry. Who keeps the SHA-256 of the trailer (`collect` prints it) can prove
//! that nobody has written another bundle in its place.

use std::collections::BTreeMap;
use std::io::{self, BufReader, Read};

use finding::{Text, Unread};
use serde::Serialize;
use serde::de::DeserializeSeed;
use sha2::{Digest, Sha256};

use super::manifest::{self, Manifest, Reading, Record, Trailer};
use super::own::{MANIFEST, TRAILER};
use crate::budget::{Packed, Work};
use crate::inflate::{self, Packing};
use crate::tar::{End, Member, Members, What};
use crate::{Budget, path};

/// What is wrong with a bundle.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Wrong {
    /// It ends too early, or cannot be read on from some place.
    Cut,
    /// Something follows its end.
    Garbage,
    /// The manifest cannot be read to its end.
    ManifestDamaged,
    /// The manifest is not the one that the trailer was written for.
    ManifestDiffers,
    /// There is no trailer, or it cannot be read.
    TrailerMissing,
    /// A member's bytes are not those that were collected.
    HashDiffers,
    /// The trailer has no hash of a member that has bytes.
    NotHashed,
    /// The manifest or the trailer names it, and it is not there.
    Missing,
    /// It is there, and neither the manifest nor the trailer names it.
    Added,
    /// A name is there twice.
    Twice,
    /// A member is something else than the manifest says.
    KindDiffers,
    /// A link leads elsewhere than the manifest says.
    TargetDiffers,
}

impl Wrong {
    /// What is wrong, for people.
    pub const fn words(self) -> &'static str {
        match self {
            Self::Cut => "the bundle ends too early",
            Self::Garbage => "something follows its end",
            Self::ManifestDamaged => "the manifest cannot be read to its end",
            Self::ManifestDiffers => "the manifest is not the one that the trailer was written for",
            Self::TrailerMissing => "there is no trailer that can be read",
            Self::HashDiffers => "its bytes are not those that were collected",
            Self::NotHashed => "the trailer has no hash of it",
            Self::Missing => "it is not there",
            Self::Added => "the manifest does not name it",
            Self::Twice => "it is there twice",
            Self::KindDiffers => "it is something else than the manifest says",
            Self::TargetDiffers => "it leads elsewhere than the manifest says",
        }
    }
}

/// One thing that is wrong.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Problem {
    /// What.
    pub wrong: Wrong,
    /// The entry concerned.
    pub path: Option<Text>,
    /// Offset in the tar, after decompression.
    pub at: Option<u64>,
    /// What was claimed.
    pub want: Option<String>,
    /// What is there.
    pub found: Option<String>,
}

/// One entry of a bundle.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Listed {
    /// Its path in the node.
    pub path: Text,
    /// `f d l p s c b`.
    pub kind: char,
    /// Permission bits.
    pub mode: u32,
    /// Owner.
    pub uid: u32,
    /// Group.
    pub gid: u32,
    /// Bytes of the file on the node.
    #[serde(serialize_with = "finding::size_number")]
    pub size: u64,
    /// Last change.
    pub mtime: Option<finding::Time>,
    /// Target of a symbolic link.
    pub target: Option<Text>,
    /// Whether its bytes are in the bundle.
    pub collected: bool,
    /// Why they are not.
    pub left: Option<String>,
    /// The entry whose file this is another name of.
    pub same: Option<Text>,
    /// SHA-256 of its bytes, as computed now.
    pub sha256: Option<String>,
    /// It changed while it was copied: its bytes may be a mixture.
    pub changed: bool,
    /// How many values were masked in it.
    pub masked: u64,
    /// What the trailer says of the copy.
    pub note: Option<String>,
    #[serde(skip)]
    met: bool,
}

/// What a bundle was found to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verified {
    /// What it says of itself.
    pub manifest: Option<Manifest>,
    /// Its entries, by path.
    pub entries: Vec<Listed>,
    /// Members that were read whole.
    pub members: u64,
    /// Files whose SHA-256 was computed, and is what the trailer says.
    pub hashed: u64,
    /// Their bytes.
    pub bytes: u64,
    /// The last member that was read whole, and the offset of its end in the tar.
    pub whole_until: Option<(Text, u64)>,
    /// Whether the archive was read to its end.
    pub complete: bool,
    /// SHA-256 of the trailer.
    pub trailer: Option<String>,
    /// What is wrong, in the order in which it was met.
    pub problems: Vec<Problem>,
}

/// A stream that is hashed while it is read.
struct Hashing<R> {
    inner: R,
    hasher: Sha256,
}

impl<R: Read> Read for Hashing<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let count = self.inner.read(into)?;
        self.hasher.update(into.get(..count).unwrap_or_default());
        Ok(count)
    }
}

/// The current member as a stream.
struct Bytes<'m, R>(&'m mut Members<R>);

impl<R: Read> Read for Bytes<'_, R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        self.0.data(into)
    }
}

/// A bundle while it is verified.
struct Verifying {
    entries: BTreeMap<Vec<u8>, Listed>,
    most: u64,
    names: u64,
    out: Verified,
}

/// Bytes that an entry takes beside its name.
const ENTRY: u64 = 256;
/// Problems that are told one by one; the last one of more is told in the last place.
const MOST_PROBLEMS: usize = 10_000;

/// Reads a bundle from front to back and compares all of it. An error: it is no bundle of ours.
pub fn verify(reader: impl Read, budget: &Budget) -> Result<Verified, Unread> {
    let io = |error: io::Error| Unread::Io(error.to_string());
    let packed = Packed::default();
    let (packing, stream) = inflate::open(reader, budget, packed.clone()).map_err(io)?;
    if let Packing::Unsupported(what) = packing {
        return Err(Unread::Io(format!(
            "a {what} archive, and no bundle of ours"
        )));
    }
    let mut members = Members::within(stream, budget.record, Work::on(packed));
    match members.next_member() {
        Some(first) if first.name == manifest::NAME.as_bytes() => {}
        Some(_) => {
            return Err(Unread::Io(
                "a tar that coroner did not write: it has no manifest to compare with".into(),
            ));
        }
        None => return Err(Unread::Io("neither a bundle nor a tar".into())),
    }
    let mut verifying = Verifying {
        entries: BTreeMap::new(),
        most: budget.entries,
        names: budget.names,
        out: Verified {
            manifest: None,
            entries: Vec::new(),
            members: 0,
            hashed: 0,
            bytes: 0,
            whole_until: None,
            complete: false,
            trailer: None,
            problems: Vec::new(),
        },
    };
    let head = verifying.manifest(&mut members)?;
    let trailer = verifying.members(&mut members);
    verifying.end(&members);
    verifying.trailer(trailer.as_deref(), &head);
    Ok(verifying.finish())
}

impl Verifying {
    fn wrong(&mut self, wrong: Wrong, path: Option<&[u8]>) -> &mut Problem {
        self.out.problems.truncate(MOST_PROBLEMS);
        self.out.problems.push(Problem {
            wrong,
            path: path.map(Text::from),
            at: None,
            want: None,
            found: None,
        });
        let last = self.out.problems.len().saturating_sub(1);
        #[expect(clippy::indexing_slicing, reason = "one was pushed just now")]
        &mut self.out.problems[last]
    }

    /// Reads the manifest; its SHA-256.
    fn manifest<R: Read>(&mut self, members: &mut Members<R>) -> Result<String, Unread> {
        let long = members.allowance(MANIFEST.0, MANIFEST.1);
        let room = members.allowance(self.names, 16);
        let mut held = 0_u64;
        let mut bytes = BufReader::new(Hashing {
            inner: Bytes(members).take(long),
            hasher: Sha256::new(),
        });
        let mut json = serde_json::Deserializer::from_reader(&mut bytes);
        let (entries, most) = (&mut self.entries, self.most);
        let mut twice = Vec::new();
        let mut full = false;
        let take = |record: Record| {
            full |= u64::try_from(entries.len()).is_ok_and(|len| len >= most);
            let key = record.path.0.bytes().to_vec();
            let len = u64::try_from(key.len()).unwrap_or(u64::MAX);
            held = held.saturating_add(len).saturating_add(ENTRY);
            full |= held > room;
            if !full && entries.insert(key.clone(), listed(record)).is_some() {
                twice.push(key);
            }
        };
        let parsed = Reading { take }.deserialize(&mut json);
        drop(json);
        // What follows the document belongs to the member, too.
        let rest = io::copy(&mut bytes, &mut io::sink());
        let hash = hex::encode(bytes.into_inner().hasher.finalize());
        for key in twice {
            self.wrong(Wrong::Twice, Some(&key));
        }
        match parsed {
            Ok(read) if read.format > manifest::FORMAT => {
                return Err(Unread::Io(format!(
                    "a bundle of format {}, newer than this program's {}",
                    read.format,
                    manifest::FORMAT
                )));
            }
            Ok(read) => self.out.manifest = Some(read),
            Err(error) => {
                self.wrong(Wrong::ManifestDamaged, None).found = Some(error.to_string());
            }
        }
        if full {
            let problem = self.wrong(Wrong::ManifestDamaged, None);
            problem.found = Some("more entries than the budget allows".into());
        }
        match rest {
            Ok(_) => self.whole(manifest::NAME.as_bytes(), members),
            Err(error) => members.stop(&error),
        }
        Ok(hash)
    }

    /// The current member was read to its end.
    fn whole<R: Read>(&mut self, name: &[u8], members: &Members<R>) {
        self.out.members = self.out.members.saturating_add(1);
        self.out.whole_until = Some((Text::from(name), members.at()));
    }

    /// Reads all other members; the trailer's bytes.
    fn members<R: Read>(&mut self, members: &mut Members<R>) -> Option<Vec<u8>> {
        let mut trailer = None;
        while let Some(member) = members.next_member() {
            if trailer.is_some() {
                // The trailer is the last member of an untouched bundle.
                self.wrong(Wrong::Added, Some(&member.name)).at = Some(members.at());
                continue;
            }
            if member.name == manifest::TRAILER.as_bytes() {
                let mut bytes = Vec::new();
                let most = members.allowance(TRAILER.0, TRAILER.1);
                let read = Bytes(members).take(most).read_to_end(&mut bytes);
                match read {
                    Ok(_) => {
                        self.whole(&member.name, members);
                        trailer = Some(bytes);
                    }
                    Err(error) => members.stop(&error),
                }
                continue;
            }
            self.member(&member, members);
        }
        trailer
    }

    fn member<R: Read>(&mut self, member: &Member, members: &mut Members<R>) {
        let at = members.at();
        let mut hasher = Sha256::new();
        let mut piece = vec![0; 256 << 10];
        let mut size = 0_u64;
        loop {
            match members.data(&mut piece) {
                Ok(0) => break,
                Ok(count) => {
                    hasher.update(piece.get(..count).unwrap_or_default());
                    size = size.saturating_add(u64::try_from(count).unwrap_or(u64::MAX));
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => {
                    members.stop(&error);
                    return;
                }
            }
        }
        let shown = path::shown(path::path(&member.name));
        self.whole(shown.bytes(), members);
        let Some(entry) = self.entries.get_mut(shown.bytes()) else {
            self.wrong(Wrong::Added, Some(shown.bytes())).at = Some(at);
            return;
        };
        let met = core::mem::replace(&mut entry.met, true);
        let kind = match member.what {
            What::File => 'f',
            What::Dir => 'd',
            What::Symlink => 'l',
            _ => '?',
        };
        if kind == 'f' {
            entry.sha256 = Some(hex::encode(hasher.finalize()));
            self.out.bytes = self.out.bytes.saturating_add(size);
        }
        let (want, target) = (entry.kind, entry.target.clone());
        let uncollected = kind == 'f' && !entry.collected;
        if met {
            self.wrong(Wrong::Twice, Some(shown.bytes())).at = Some(at);
        } else if kind != want || uncollected {
            let problem = self.wrong(Wrong::KindDiffers, Some(shown.bytes()));
            problem.at = Some(at);
            problem.want = Some(if uncollected && kind == want {
                "a file that was not collected".to_owned()
            } else {
                want.to_string()
            });
            problem.found = Some(kind.to_string());
        } else if kind == 'l' && target.as_ref().is_none_or(|to| to.bytes() != member.link) {
            let problem = self.wrong(Wrong::TargetDiffers, Some(shown.bytes()));
            problem.at = Some(at);
            problem.want = target.map(|to| to.to_string());
            problem.found = Some(Text::from(member.link.as_slice()).to_string());
        }
    }

    /// How the archive ended.
    fn end<R: Read>(&mut self, members: &Members<R>) {
        let end = members.end().cloned().unwrap_or(End::Whole);
        self.out.complete = end.is_whole();
        let wrong = match end {
            End::Whole => None,
            End::Garbage { at } => Some((Wrong::Garbage, at)),
            End::Unended { at } | End::Cut { at } | End::Checksum { at } | End::Io { at, .. } => {
                Some((Wrong::Cut, at))
            }
        };
        if let Some((wrong, at)) = wrong {
            let problem = self.wrong(wrong, None);
            problem.at = Some(at);
            problem.found = Some(end.to_string());
        }
    }

    /// Compares what was read with what the trailer says.
    fn trailer(&mut self, bytes: Option<&[u8]>, head: &str) {
        let read = bytes.map(|bytes| {
            self.out.trailer = Some(hex::encode(Sha256::digest(bytes)));
            serde_json::from_slice::<Trailer>(bytes)
        });
        let trailer = match read {
            Some(Ok(trailer)) => trailer,
            Some(Err(error)) => {
                self.wrong(Wrong::TrailerMissing, None).found = Some(error.to_string());
                return;
            }
            None => {
                // That the archive is cut says it already.
                if self.out.complete {
                    self.wrong(Wrong::TrailerMissing, None);
                }
                return;
            }
        };
        if let Some(want) = trailer.manifest.filter(|want| want != head) {
            let problem = self.wrong(Wrong::ManifestDiffers, None);
            (problem.want, problem.found) = (Some(want), Some(head.to_owned()));
        }
        let mut hashed = BTreeMap::new();
        for fate in trailer.members {
            let key = fate.path.0.bytes().to_vec();
            let Some(entry) = self.entries.get_mut(&key) else {
                self.wrong(Wrong::Added, Some(&key));
                continue;
            };
            entry.changed = fate.changed;
            entry.masked = fate.masked;
            if let Some(failed) = &fate.failed {
                // It was to be packed, and is not.
                entry.collected = false;
                entry.left = Some(failed.clone());
            }
            entry.note = fate.note.or(fate.failed);
            let (met, found) = (entry.met, entry.sha256.clone());
            match (&fate.sha256, found) {
                (Some(want), Some(found)) if *want == found => {
                    self.out.hashed = self.out.hashed.saturating_add(1);
                }
                (Some(want), Some(found)) => {
                    let problem = self.wrong(Wrong::HashDiffers, Some(&key));
                    (problem.want, problem.found) = (Some(want.clone()), Some(found));
                }
                (Some(_), None) if !met => {
                    self.wrong(Wrong::Missing, Some(&key));
                }
                _ => {}
            }
            hashed.insert(key, fate.sha256.is_some());
        }
        let mut without = Vec::new();
        for (key, entry) in &self.entries {
            let wrong = match (entry.kind, hashed.get(key)) {
                ('f', None | Some(false)) if entry.met => Wrong::NotHashed,
                ('f', None) if entry.collected => Wrong::Missing,
                ('d' | 'l', _) if !entry.met && entry.is_packed() => Wrong::Missing,
                _ => continue,
            };
            without.push((wrong, key.clone()));
        }
        for (wrong, key) in without {
            self.wrong(wrong, Some(&key));
        }
    }

    fn finish(self) -> Verified {
        Verified {
            entries: self.entries.into_values().collect(),
            ..self.out
        }
    }
}

impl Listed {
    /// Whether a directory or a link has a member.
    fn is_packed(&self) -> bool {
        let known = self.mtime.is_some();
        self.path.bytes() != b"/" && known && (self.kind != 'l' || self.target.is_some())
    }
}

fn listed(record: Record) -> Listed {
    Listed {
        path: record.path.0,
        kind: record.kind,
        mode: record.mode,
        uid: record.uid,
        gid: record.gid,
        size: record.size.0,
        // Of what only the kind is known, there is no member.
        mtime: record
            .mtime
            .filter(|_| !record.only_kind)
            .map(|moment| moment.0),
        target: record.target.map(|name| name.0),
        collected: record.collected,
        left: record.left,
        same: record.same.map(|name| name.0),
        sha256: None,
        changed: false,
        masked: 0,
        note: None,
        met: false,
    }
}
