//! Ingests: blobs on their way in.

use core::fmt;
use std::path::PathBuf;

use evidence::{Evidence, Stat};
use finding::{Text, Time, Unknown, Unread, size_option};
use serde::{Serialize, Serializer};

use crate::{Compression, Digest};

/// No reference and no time is longer, in bytes.
const FIELD_LIMIT: u64 = 64 << 10;

/// What is wrong with an ingest's directory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum IngestFault {
    /// A file is not there. Without `ref` containerd never removes the directory; without `data`
    /// the blob has already moved to its place.
    Missing(&'static str),
    /// A file that is no regular file.
    NotAFile(&'static str, &'static str),
    /// `startedat` or `updatedat` holds no RFC 3339 time.
    NotATime(&'static str, Text),
    /// `total` holds no decimal number.
    NotANumber(Text),
    /// The directory is not named after the SHA-256 of `ref`: an abort looks for it elsewhere.
    Misnamed {
        /// The name that it must have.
        want: String,
    },
}

impl fmt::Display for IngestFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Missing(name) => write!(f, "its file {name} is not there"),
            Self::NotAFile(name, kind) => write!(f, "its file {name} is a {kind}"),
            Self::NotATime(name, text) => {
                write!(f, "its file {name} holds no time, but \"{text}\"")
            }
            Self::NotANumber(text) => write!(f, "its file total holds no number, but \"{text}\""),
            Self::Misnamed { want } => {
                write!(
                    f,
                    "its name is not the SHA-256 of its reference, which is {want}"
                )
            }
        }
    }
}

impl Serialize for IngestFault {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// A write of up to so many bytes is hashed when it is found.
const FEW: u64 = 256 << 10;

/// Bytes that are looked at, at each end of a longer one.
const END: usize = 4096;

/// Zero bytes where no download has any: a power loss came between the size and the bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Zeros {
    /// It begins with them, which no archive, document or compressed layer does.
    Start,
    /// It ends with them, and is compressed.
    End,
}

impl Zeros {
    /// By both ends of a file of `size` bytes.
    fn from_ends(first: &[u8], last: &[u8], size: u64) -> Option<Self> {
        const SIGN: usize = 512;
        let is_zero = |bytes: &[u8]| bytes.iter().all(|byte| *byte == 0);
        // An archive without entries is two blocks of zeroes, or twenty.
        let start = first.get(..SIGN.min(first.len()))?;
        if is_zero(start) {
            return (size > 10_240 || !size.is_multiple_of(512)).then_some(Self::Start);
        }
        let end = last.get(last.len().saturating_sub(SIGN)..)?;
        let is_compressed = Compression::detect(first) != Compression::None;
        (is_compressed && end.len() == SIGN && is_zero(end)).then_some(Self::End)
    }
}

/// A blob on its way in: `ingest/<sha256 of ref>/`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Ingest {
    /// Name of its directory: SHA-256 of its reference in hex.
    pub name: Text,
    /// Where its directory lies.
    #[serde(skip)]
    pub path: PathBuf,
    /// What the directory is.
    #[serde(skip)]
    pub stat: Stat,
    /// `<namespace>/<N>/<reference>`, if `ref` could be read; what meta.db calls its `ref`.
    pub reference: Option<Text>,
    /// When it began.
    pub started_at: Option<Time>,
    /// When bytes came last: `updatedat`, or the time of `data` if that is later, as containerd
    /// has it.
    pub updated_at: Option<Time>,
    /// Bytes that it will have, where that was known.
    #[serde(serialize_with = "size_option")]
    pub total: Option<u64>,
    /// Bytes that are there.
    #[serde(serialize_with = "size_option")]
    pub data_size: Option<u64>,
    /// The SHA-256 of the bytes that are there, where they are few.
    #[serde(skip)]
    pub computed: Option<Digest>,
    /// Zero bytes where no download has any.
    #[serde(skip)]
    pub zeros: Option<Zeros>,
    /// What is wrong with it.
    pub faults: Vec<IngestFault>,
}

impl Ingest {
    pub(crate) fn read_ingest(
        evidence: &Evidence,
        path: PathBuf,
        name: Text,
        stat: Stat,
        unknown: &mut Vec<Unknown>,
    ) -> Self {
        let mut ingest = Self {
            name,
            stat,
            reference: None,
            started_at: None,
            updated_at: None,
            total: None,
            data_size: None,
            computed: None,
            zeros: None,
            faults: Vec::new(),
            path,
        };
        ingest.reference = ingest.field(evidence, "ref", true, unknown);
        if let Some(reference) = &ingest.reference {
            let want = Digest::sha256_of(reference.bytes()).hex().to_owned();
            if ingest.name != want.as_str() {
                ingest.faults.push(IngestFault::Misnamed { want });
            }
        }
        ingest.started_at = ingest.time(evidence, "startedat", unknown);
        ingest.updated_at = ingest.time(evidence, "updatedat", unknown);
        if let Some(text) = ingest.field(evidence, "total", false, unknown) {
            ingest.total = text.utf8().and_then(|text| text.trim().parse().ok());
            if ingest.total.is_none() {
                ingest.faults.push(IngestFault::NotANumber(text));
            }
        }
        match evidence.stat(&ingest.path.join("data")) {
            Ok(data) if data.is_file() => {
                if !data.only_kind {
                    ingest.data_size = Some(data.size);
                    ingest.look(evidence, data.size);
                    ingest.updated_at = ingest.updated_at.max(Some(data.mtime));
                }
            }
            Ok(data) => ingest
                .faults
                .push(IngestFault::NotAFile("data", data.kind.word())),
            Err(why) => ingest.lacks("data", true, why, unknown),
        }
        ingest
    }

    /// Looks at the bytes: at all of them where they are few, else at both ends.
    fn look(&mut self, evidence: &Evidence, size: u64) {
        let path = self.path.join("data");
        if size == 0 {
            return;
        }
        if size <= FEW {
            let Ok(source) = evidence.source(&path, FEW) else {
                return;
            };
            self.computed = Some(Digest::sha256_of(source.bytes()));
            self.zeros = Zeros::from_ends(source.bytes(), source.bytes(), size);
            return;
        }
        let Ok(pages) = evidence.pages(&path) else {
            return;
        };
        let (mut first, mut last) = (vec![0; END], vec![0; END]);
        let end = size.saturating_sub(u64::try_from(END).unwrap_or(0));
        let read = pages.read_at(0, &mut first).is_ok() && pages.read_at(end, &mut last).is_ok();
        if read && pages.unchanged().is_ok() {
            self.zeros = Zeros::from_ends(&first, &last, size);
        }
    }

    /// The text of one of its files.
    fn field(
        &mut self,
        evidence: &Evidence,
        name: &'static str,
        needed: bool,
        unknown: &mut Vec<Unknown>,
    ) -> Option<Text> {
        match evidence.source(&self.path.join(name), FIELD_LIMIT) {
            Ok(source) => Some(Text::from(source.bytes())),
            Err(why) => {
                self.lacks(name, needed, why, unknown);
                None
            }
        }
    }

    fn lacks(&mut self, name: &'static str, needed: bool, why: Unread, unknown: &mut Vec<Unknown>) {
        match why {
            Unread::Absent if needed => self.faults.push(IngestFault::Missing(name)),
            Unread::Absent => {}
            Unread::Special(kind) => self.faults.push(IngestFault::NotAFile(name, kind)),
            why => unknown.push(Unknown::new(
                format!("{name} of the ingest {}", self.name),
                why.to_string(),
            )),
        }
    }

    fn time(
        &mut self,
        evidence: &Evidence,
        name: &'static str,
        unknown: &mut Vec<Unknown>,
    ) -> Option<Time> {
        let text = self.field(evidence, name, true, unknown)?;
        let time = text.utf8().and_then(|text| Time::parse(text).ok());
        if time.is_none() {
            let kept = text.bytes().get(..64).unwrap_or(text.bytes());
            self.faults
                .push(IngestFault::NotATime(name, Text::from(kept)));
        }
        time
    }

    /// Whether as many bytes are there as were announced: it only was not committed.
    pub fn is_complete(&self) -> bool {
        matches!(self.progress(), Some((done, total)) if done == total && total > 0)
    }

    /// How far it is, where that is known: bytes that are there, and bytes that there will be.
    pub fn progress(&self) -> Option<(u64, u64)> {
        Some((self.data_size?, self.total?))
    }
}
