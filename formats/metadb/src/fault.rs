//! What is wrong with a record.

use core::fmt;

use finding::{Code, Fault as _, Finding, Location, Place, Severity, Text};
use view::Span;

use crate::DecodeError;

/// What is wrong with one record of meta.db or metadata.db.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fault {
    /// A value does not decode.
    Value {
        /// Its key.
        key: Text,
        /// What it should be.
        what: &'static str,
        /// Why it is not.
        error: DecodeError,
        /// Its bytes.
        span: Span,
    },
    /// A value is larger than is read.
    Large {
        /// Its key.
        key: Text,
        /// What it should be.
        what: &'static str,
        /// Bytes of such a value that are read.
        limit: u64,
        /// Its bytes.
        span: Span,
    },
    /// A key that the daemon insists on is missing.
    Missing {
        /// The key.
        key: &'static str,
        /// What has no such key.
        of: &'static str,
    },
    /// A plain key where only buckets belong.
    PlainKey {
        /// The key.
        key: Text,
        /// Its bytes.
        span: Span,
    },
    /// A bucket where a value belongs.
    BucketKey {
        /// The key.
        key: Text,
        /// Its bytes.
        span: Span,
    },
    /// A key that no known release of containerd writes.
    UnknownKey {
        /// The key.
        key: Text,
        /// Its bytes.
        span: Span,
    },
    /// The database is a healthy bolt file without containerd's schema.
    NoSchema {
        /// Keys at the root.
        roots: Vec<Text>,
    },
    /// A schema version that no known release of containerd writes.
    Version {
        /// The version found.
        found: i64,
        /// Its bytes.
        span: Span,
    },
}

/// A value of a record does not decode.
pub(crate) static VALUE: Code = Code {
    name: "meta/value-undecodable",
    rule: "M04",
    severity: Severity::Damage,
    title: "A value of a record does not decode",
    explanation: "A time, number or protobuf message in meta.db or metadata.db is not in the form that \
        containerd writes. The page that holds it is well formed, so the bytes were written like \
        this or altered later. One such container record keeps the CRI plugin from starting; one \
        such ingest or snapshot stops the garbage collector (and makes releases up to 2.1 crash). A \
        specification that is no JSON stops neither: only what reads it fails, for example the next \
        start of the container and its verbose status.",
    remedy: "Work on a copy of the database and delete or rewrite that one record; a container's \
        snapshot survives if it gets the label containerd.io/gc.root first. Where the first line \
        says that containerd would not start, each restart only repeats it.",
};

/// A value of a record is larger than is read.
pub(crate) static LARGE: Code = Code {
    name: "meta/value-large",
    rule: "",
    severity: Severity::Odd,
    title: "A value of a record is larger than containerd lets anyone write",
    explanation: "containerd refuses labels of more than 4096 bytes, and takes no message of more \
        than 16 MiB. A value this large was written by something else, or its size is damaged. It was \
        not read: what it says is not known, and nothing was concluded from it.",
    remedy: "Look at it with `coroner bolt get`, which prints the value as it is.",
};

/// A record lacks a key that the daemon insists on.
pub(crate) static MISSING: Code = Code {
    name: "meta/key-missing",
    rule: "M06",
    severity: Severity::Damage,
    title: "A record lacks a key that containerd insists on",
    explanation: "For example an image without its target, or a sandbox without its runtime. \
        containerd lists all such records when its CRI plugin starts and gives up on the first \
        that it cannot read, without naming it.",
    remedy: "Work on a copy of the database and delete that one record, then start containerd on \
        the copy.",
};

/// A plain key where only buckets belong.
pub(crate) static PLAIN_KEY: Code = Code {
    name: "meta/plain-key",
    rule: "M11",
    severity: Severity::Odd,
    title: "There is a plain key where only buckets belong",
    explanation: "containerd keeps every object in a bucket of its own. A plain key among them is \
        ignored in most places, is fatal among the sandboxes of 2.x, and at the root of the \
        database makes the migration to 2.x crash.",
    remedy: "Delete that key in a copy of the database before an upgrade to 2.x.",
};

/// A bucket where a value belongs.
pub(crate) static BUCKET_KEY: Code = Code {
    name: "meta/bucket-key",
    rule: "M11",
    severity: Severity::Odd,
    title: "There is a bucket where a value belongs",
    explanation: "A key that holds a value in every release of containerd holds a bucket here, so \
        its value is gone.",
    remedy: "Treat the record as damaged: delete or rewrite it in a copy of the database.",
};

/// A key that no known release writes.
pub(crate) static UNKNOWN_KEY: Code = Code {
    name: "meta/unknown-key",
    rule: "",
    severity: Severity::Note,
    title: "A key that no known release of containerd writes",
    explanation: "Readers of all releases ignore it. It may come from a newer release, from a fork, \
        or from a tool.",
    remedy: "Nothing to do; coroner shows its bytes with `coroner meta show`.",
};

/// A bolt file without containerd's schema.
pub(crate) static NO_SCHEMA: Code = Code {
    name: "meta/no-schema",
    rule: "B01",
    severity: Severity::Fatal,
    title: "The database is empty or not containerd's",
    explanation: "The file is a readable bolt database, but has no bucket v1. containerd treats it as a new \
        installation: it starts, reports no error, and the first garbage collection after a deletion \
        removes every snapshot and blob that the old database knew.",
    remedy: "Do not start containerd. Restore meta.db, or copy the snapshots directory away first.",
};

/// A schema version from the future.
pub(crate) static VERSION: Code = Code {
    name: "meta/version-unknown",
    rule: "M01",
    severity: Severity::Odd,
    title: "The schema version is newer than any that is known",
    explanation: "Releases up to 1.7 write 3, 2.x write 4. containerd accepts any higher number \
        silently and may misread the records.",
    remedy: "Find out which release wrote the database, and run that one or a newer one.",
};

/// Every code of this crate.
pub const CODES: &[&Code] = &[
    &VALUE,
    &LARGE,
    &MISSING,
    &PLAIN_KEY,
    &BUCKET_KEY,
    &UNKNOWN_KEY,
    &NO_SCHEMA,
    &VERSION,
];

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Value {
                key, what, error, ..
            } => {
                write!(f, "the {what} {key} does not decode: {error}")
            }
            Self::Large {
                key,
                what,
                limit,
                span,
            } => write!(
                f,
                "the {what} {key} has {} bytes, more than the {limit} that are read",
                span.len
            ),
            Self::Missing { key, of } => write!(f, "the {of} has no {key}"),
            Self::PlainKey { key, .. } => write!(f, "the key {key} is a value, not a bucket"),
            Self::BucketKey { key, .. } => write!(f, "the key {key} is a bucket, not a value"),
            Self::UnknownKey { key, .. } => write!(f, "the key {key} is not known"),
            Self::NoSchema { roots } if roots.is_empty() => write!(f, "the database is empty"),
            Self::NoSchema { roots } => {
                let names: Vec<String> = roots.iter().take(5).map(ToString::to_string).collect();
                write!(
                    f,
                    "there is no bucket v1 at the root, only {}",
                    names.join(", ")
                )
            }
            Self::Version { found, .. } => write!(f, "the schema version is {found}"),
        }
    }
}

impl finding::Fault for Fault {
    fn code(&self) -> &'static Code {
        match self {
            Self::Value { .. } => &VALUE,
            Self::Large { .. } => &LARGE,
            Self::Missing { .. } => &MISSING,
            Self::PlainKey { .. } => &PLAIN_KEY,
            Self::BucketKey { .. } => &BUCKET_KEY,
            Self::UnknownKey { .. } => &UNKNOWN_KEY,
            Self::NoSchema { .. } => &NO_SCHEMA,
            Self::Version { .. } => &VERSION,
        }
    }

    fn span(&self) -> Option<Span> {
        match self {
            Self::Value { span, .. }
            | Self::Large { span, .. }
            | Self::PlainKey { span, .. }
            | Self::BucketKey { span, .. }
            | Self::UnknownKey { span, .. }
            | Self::Version { span, .. } => Some(*span),
            Self::Missing { .. } | Self::NoSchema { .. } => None,
        }
    }

    fn want_found(&self) -> Option<(String, String)> {
        match self {
            Self::NoSchema { .. } => Some(("a bucket v1".to_owned(), "none".to_owned())),
            Self::Version { found, .. } => Some(("0 to 4".to_owned(), found.to_string())),
            _ => None,
        }
    }
}

/// What kept a row or a bucket from being read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Problem {
    /// The file is damaged below the schema.
    Bolt(bolt::Fault),
    /// The record is.
    Record(Fault),
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Bolt(fault) => fault.fmt(f),
            Self::Record(fault) => fault.fmt(f),
        }
    }
}

/// A problem, and the bucket in which it was met.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trouble {
    /// The buckets from the root to the one that was being read.
    pub path: Vec<Text>,
    /// What is wrong.
    pub problem: Problem,
}

impl Trouble {
    /// The trouble as a finding about `file`.
    pub fn finding(&self, file: &Text) -> Finding {
        let mut location = Location::file(file.clone());
        location.places.extend(
            self.path
                .iter()
                .map(|name| Place::new("bucket", name.clone())),
        );
        match &self.problem {
            Problem::Bolt(fault) => fault.finding(location),
            Problem::Record(fault) => fault.finding(location),
        }
    }

    /// Whether what it hides is unknown (a mere oddity hides nothing).
    pub fn hides(&self) -> bool {
        match &self.problem {
            Problem::Bolt(fault) => fault.unknown.is_some(),
            Problem::Record(Fault::Large { .. }) => true,
            Problem::Record(fault) => fault.severity() >= Severity::Damage,
        }
    }
}
