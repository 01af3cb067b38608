//! The first member of our own bundle: what was seen, collected or not.
//!
//! One JSON document; `docs/bundle.md` describes it. It is read and written entry by entry, so
//! that a node with a million files does not have to stand in memory twice.

use core::fmt;

use finding::{Text, Time};
use serde::de::{DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Serialize, Serializer};

use crate::{Flags, Host, Mount, Room};

/// Name of the first member.
pub(crate) const NAME: &str = "coroner-manifest.json";
/// Name of the last member.
pub(crate) const TRAILER: &str = "coroner-trailer.json";
/// Why a file was not copied that was gone when its turn came.
pub(crate) const GONE: &str = "gone";
/// Why a file was not copied of which nobody knows what in it is secret.
pub(crate) const HIDDEN: &str = "left out: it may hold secrets";
/// The version that is written, and the newest that is read.
pub(crate) const FORMAT: u32 = 1;

/// What our own bundle says of itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Manifest {
    /// Version of the format: 1.
    pub format: u32,
    /// Who wrote it: `coroner 0.1.0`.
    pub tool: String,
    /// When the walk over the node began.
    pub captured: Time,
    /// The node, and the rights that the writer had on it.
    pub host: Host,
    /// The paths that were asked for, absolute inside the evidence.
    pub roots: Vec<Text>,
    /// Which of them were not there.
    pub absent: Vec<Text>,
    /// Whether sockets would have been seen. A bundle made from a tar does not know of them.
    pub sockets: bool,
    /// What was left out, and why, in words.
    pub left_out: Vec<String>,
    /// What time it was at the node, where that is not when it was captured.
    pub now: Option<Time>,
    /// The command line of the writer.
    pub command: Vec<String>,
    /// What whoever gets the bundle must know of it.
    pub warnings: Vec<String>,
    /// Whether secrets are masked.
    pub redacted: bool,
    /// What the kernel said of the disks.
    pub(crate) disks: Vec<DiskFact>,
    /// How programs were built, which are not packed themselves.
    pub programs: Vec<Program>,
}

/// A program of the node, and what Go's linker left in it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "ProgramForm", into = "ProgramForm")]
pub struct Program {
    /// Where it lies.
    pub path: Text,
    /// The version of Go; empty where it is no program of Go's, or cannot be read as one.
    pub go: String,
    /// The lines of its build info.
    pub build: String,
    /// Whether it could be run, in a word of `node::Look`; nothing where nobody looked.
    pub look: Option<String>,
    /// The machine that it was made for, as ELF counts them.
    pub machine: Option<u16>,
}

/// A program as the manifest writes it.
#[derive(Serialize, Deserialize)]
struct ProgramForm {
    path: Name,
    go: String,
    build: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    look: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    machine: Option<u16>,
}

impl From<ProgramForm> for Program {
    fn from(form: ProgramForm) -> Self {
        Self {
            path: form.path.0,
            go: form.go,
            build: form.build,
            look: form.look,
            machine: form.machine,
        }
    }
}

impl From<Program> for ProgramForm {
    fn from(program: Program) -> Self {
        Self {
            path: Name(program.path),
            go: program.go,
            build: program.build,
            look: program.look,
            machine: program.machine,
        }
    }
}

/// What the kernel said of the disk below a path.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct DiskFact {
    pub(crate) path: Name,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) room: Option<Room>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) mount: Option<Mount>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) tells_kinds: Option<bool>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) flags: Option<Flags>,
}

/// A text as the manifest writes it: a string, or `{text, hex}` where it is not UTF-8.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Name(pub(crate) Text);

impl Serialize for Name {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Name {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(untagged)]
        enum Form {
            Plain(String),
            Hex { hex: String },
        }
        match Form::deserialize(deserializer)? {
            Form::Plain(text) => Ok(Self(Text::from(text))),
            Form::Hex { hex } => match hex::decode(&hex) {
                Ok(bytes) => Ok(Self(Text::from(bytes))),
                Err(error) => Err(serde::de::Error::custom(error)),
            },
        }
    }
}

/// A number as the manifest writes it: digits in a string where a JSON reader might round it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Big(pub(crate) u64);

impl Serialize for Big {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        finding::size_number(&self.0, serializer)
    }
}

impl<'de> Deserialize<'de> for Big {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(untagged)]
        enum Form {
            Plain(u64),
            Digits(String),
        }
        match Form::deserialize(deserializer)? {
            Form::Plain(number) => Ok(Self(number)),
            Form::Digits(text) => text.parse().map(Self).map_err(serde::de::Error::custom),
        }
    }
}

/// A time as the manifest writes it: `1795232160.123456789`, seconds since 1970, negative before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Moment(pub(crate) Time);

impl Serialize for Moment {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&pax_time(self.0))
    }
}

impl<'de> Deserialize<'de> for Moment {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let time = crate::tar::pax::time(text.as_bytes());
        time.map(Self)
            .ok_or_else(|| serde::de::Error::custom("not a time such as 1795232160.5"))
    }
}

/// A time as PAX records and the manifest write it.
pub fn pax_time(time: Time) -> String {
    let Time { seconds, nanos } = time;
    if seconds < 0 && nanos != 0 {
        // -2 s and 500,000,000 ns after it is -1.5.
        let whole = seconds.saturating_add(1).unsigned_abs();
        let below = 1_000_000_000_u32.saturating_sub(nanos);
        return format!("-{whole}.{below:09}");
    }
    format!("{seconds}.{nanos:09}")
}

/// Whether `no` is nothing worth writing.
#[expect(
    clippy::trivially_copy_pass_by_ref,
    reason = "serde asks for a reference"
)]
const fn is_false(no: &bool) -> bool {
    !*no
}

/// One file, directory, socket, … that was seen.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Record {
    pub(crate) path: Name,
    /// `f d l p s c b`.
    pub(crate) kind: char,
    /// Permission bits.
    #[serde(default)]
    pub(crate) mode: u32,
    #[serde(default)]
    pub(crate) uid: u32,
    #[serde(default)]
    pub(crate) gid: u32,
    #[serde(default)]
    pub(crate) size: Big,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) blocks: Option<Big>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) nlink: Option<Big>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) ino: Option<Big>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) dev: Option<(u32, u32)>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) rdev: Option<(u32, u32)>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) mtime: Option<Moment>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) ctime: Option<Moment>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) atime: Option<Moment>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) btime: Option<Moment>,
    /// Only the kind is known.
    #[serde(default, skip_serializing_if = "is_false")]
    pub(crate) only_kind: bool,
    /// Target of a symbolic link.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) target: Option<Name>,
    /// Names, and values in hex.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) xattrs: Vec<(Name, String)>,
    /// Why not all extended attributes are known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) xattrs_unknown: Option<String>,
    /// Of a directory: all of its entries are in the manifest.
    #[serde(default, skip_serializing_if = "is_false")]
    pub(crate) listed: bool,
    /// Of a file: its bytes are a member of the bundle.
    #[serde(default, skip_serializing_if = "is_false")]
    pub(crate) collected: bool,
    /// Of a file that is not collected: `too-large`, `not-asked`, `denied`, or an error in words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) left: Option<String>,
    /// Another name of the file at this path (hard link).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) same: Option<Name>,
}

/// The manifest without its entries, which follow.
#[derive(Debug, Serialize)]
pub(crate) struct Head<'m> {
    pub(crate) format: u32,
    pub(crate) tool: &'m str,
    pub(crate) captured: Moment,
    pub(crate) host: &'m Host,
    pub(crate) roots: Vec<Name>,
    pub(crate) absent: Vec<Name>,
    pub(crate) sockets: bool,
    pub(crate) left_out: &'m [String],
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) now: Option<Moment>,
    pub(crate) command: &'m [String],
    pub(crate) warnings: &'m [String],
    pub(crate) redacted: bool,
    pub(crate) disks: Vec<DiskFact>,
    pub(crate) programs: &'m [Program],
}

/// Reads a manifest and hands on each record as it comes.
pub(crate) struct Reading<F> {
    pub(crate) take: F,
}

impl<'de, F: FnMut(Record)> DeserializeSeed<'de> for Reading<F> {
    type Value = Manifest;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Manifest, D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de, F: FnMut(Record)> Visitor<'de> for Reading<F> {
    type Value = Manifest;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "a bundle's manifest")
    }

    fn visit_map<A: MapAccess<'de>>(mut self, mut map: A) -> Result<Manifest, A::Error> {
        let mut format = None;
        let mut tool = String::new();
        let mut captured = None;
        let mut host = Host::default();
        let mut roots: Vec<Name> = Vec::new();
        let mut absent: Vec<Name> = Vec::new();
        let mut sockets = true;
        let mut left_out = Vec::new();
        let (mut now, mut command, mut warnings) = (None, Vec::new(), Vec::new());
        let (mut redacted, mut disks, mut programs) = (false, Vec::new(), Vec::new());
        while let Some(key) = map.next_key::<String>()? {
            match key.as_str() {
                "format" => format = Some(map.next_value()?),
                "tool" => tool = map.next_value()?,
                "captured" => captured = Some(map.next_value::<Moment>()?.0),
                "host" => host = map.next_value()?,
                "roots" => roots = map.next_value::<Few<_>>()?.0,
                "sockets" => sockets = map.next_value()?,
                "absent" => absent = map.next_value::<Few<_>>()?.0,
                "left_out" => left_out = map.next_value::<Few<_>>()?.0,
                "now" => now = Some(map.next_value::<Moment>()?.0),
                "command" => command = map.next_value::<Few<_>>()?.0,
                "warnings" => warnings = map.next_value::<Few<_>>()?.0,
                "redacted" => redacted = map.next_value()?,
                "disks" => disks = map.next_value::<Few<_>>()?.0,
                "programs" => programs = map.next_value::<Few<_>>()?.0,
                "entries" => map.next_value_seed(Entries(&mut self.take))?,
                _ => {
                    map.next_value::<serde::de::IgnoredAny>()?;
                }
            }
        }
        let missing = serde::de::Error::missing_field;
        Ok(Manifest {
            format: format.ok_or_else(|| missing("format"))?,
            tool,
            captured: captured.ok_or_else(|| missing("captured"))?,
            host,
            roots: roots.into_iter().map(|name| name.0).collect(),
            absent: absent.into_iter().map(|name| name.0).collect(),
            sockets,
            left_out,
            now,
            command,
            warnings,
            redacted,
            disks,
            programs,
        })
    }
}

/// A list of a few things: of more than a hundred thousand, none is kept.
struct Few<T>(Vec<T>);

/// How many those are.
const FEW: usize = 100_000;

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Few<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Counting<T>(core::marker::PhantomData<T>);
        impl<'de, T: Deserialize<'de>> Visitor<'de> for Counting<T> {
            type Value = Vec<T>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "a list of at most {FEW}")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut all: A) -> Result<Vec<T>, A::Error> {
                let mut few = Vec::new();
                while let Some(one) = all.next_element()? {
                    if few.len() >= FEW {
                        return Err(serde::de::Error::invalid_length(FEW, &self));
                    }
                    few.push(one);
                }
                Ok(few)
            }
        }
        let counting = Counting(core::marker::PhantomData);
        deserializer.deserialize_seq(counting).map(Few)
    }
}

/// The entries of a manifest.
struct Entries<'f, F>(&'f mut F);

impl<'de, F: FnMut(Record)> DeserializeSeed<'de> for Entries<'_, F> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_seq(self)
    }
}

impl<'de, F: FnMut(Record)> Visitor<'de> for Entries<'_, F> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the entries of a manifest")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut entries: A) -> Result<(), A::Error> {
        while let Some(record) = entries.next_element()? {
            (self.0)(record);
        }
        Ok(())
    }
}

/// Whether `no` is nothing worth writing.
#[expect(
    clippy::trivially_copy_pass_by_ref,
    reason = "serde asks for a reference"
)]
const fn is_none(no: &u64) -> bool {
    *no == 0
}

/// One member's fate, in the trailer.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Fate {
    pub(crate) path: Name,
    /// Of the bytes that are stored, in hex; of a sparse file, of its data without the holes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) sha256: Option<String>,
    /// It changed while it was read.
    #[serde(default, skip_serializing_if = "is_false")]
    pub(crate) changed: bool,
    /// It could not be read after all: why.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) failed: Option<String>,
    /// How many values were masked in it.
    #[serde(default, skip_serializing_if = "is_none")]
    pub(crate) masked: u64,
    /// What there is to say of the copy.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) note: Option<String>,
}

/// The last member.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Trailer {
    /// SHA-256 of the manifest.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) manifest: Option<String>,
    pub(crate) members: Vec<Fate>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_go_both_ways() {
        for (seconds, nanos) in [
            (0, 0),
            (5, 1),
            (-1, 0),
            (-2, 500_000_000),
            (-1, 999_999_999),
        ] {
            let time = Time::new(seconds, nanos);
            let text = pax_time(time);
            assert_eq!(crate::tar::pax::time(text.as_bytes()), Some(time), "{text}");
        }
    }
}
