//! A bucket that was opened: its entries by key, and the typed ways to read them.

use std::collections::{BTreeMap, BTreeSet};

use bolt::{Bucket, Entry, Value};
use finding::{Known, Text, Time, Unknown};
use view::Span;

use crate::{
    Any, At, DecodeError, Fault, Labels, Problem, Row, Trouble, go_time, unknown, uvarint, varint,
};

/// Everything that was wrong so far, and how many entries of unknown buckets were kept.
#[derive(Debug, Default)]
pub(crate) struct Troubles(pub(crate) Vec<Trouble>, pub(crate) usize);

impl Troubles {
    pub(crate) fn record(&mut self, path: &[Text], fault: Fault) {
        self.0.push(Trouble {
            path: path.to_vec(),
            problem: Problem::Record(fault),
        });
    }

    /// Whether anything of it hides data.
    pub(crate) fn hides(&self) -> bool {
        self.hidden_since(0)
    }

    /// Whether something that hides data came after the first `mark` troubles.
    fn hidden_since(&self, mark: usize) -> bool {
        self.0.iter().skip(mark).any(Trouble::hides)
    }
}

/// A bucket that was opened.
#[derive(Debug)]
pub(crate) struct Open<'s> {
    pub(crate) path: Vec<Text>,
    pub(crate) sequence: u64,
    pub(crate) entries: BTreeMap<&'s [u8], Entry<'s>>,
    unknown: Vec<Unknown>,
    /// How many troubles there were before this bucket was opened.
    mark: usize,
}

impl<'s> Open<'s> {
    /// Opens `bucket`, whose way from the root is `path`.
    pub(crate) fn new(bucket: &Bucket<'s>, path: Vec<Text>, troubles: &mut Troubles) -> Self {
        let mark = troubles.0.len();
        let contents = bucket.contents();
        let mut unknown = Vec::new();
        for fault in contents.faults {
            let trouble = Trouble {
                path: path.clone(),
                problem: Problem::Bolt(fault),
            };
            if trouble.hides() {
                unknown.push(Unknown::new(named(&path), trouble.problem.to_string()));
            }
            troubles.0.push(trouble);
        }
        let entries = contents
            .entries
            .into_iter()
            .map(|entry| (entry.key, entry))
            .collect();
        Self {
            path,
            sequence: bucket.sequence(),
            entries,
            unknown,
            mark,
        }
    }

    /// What is not known of its keys.
    pub(crate) fn unknown(&self) -> Vec<Unknown> {
        self.unknown.clone()
    }

    fn below(&self, key: &[u8]) -> Vec<Text> {
        let mut path = self.path.clone();
        path.push(Text::from(key));
        path
    }

    /// The bucket `key`, opened.
    pub(crate) fn bucket(&self, key: &str, troubles: &mut Troubles) -> Option<Self> {
        let entry = self.entries.get(key.as_bytes())?;
        match &entry.value {
            Value::Bucket(bucket) => Some(Self::new(bucket, self.below(entry.key), troubles)),
            Value::Bytes(_) => {
                let fault = Fault::PlainKey {
                    key: Text::from(entry.key),
                    span: entry.key_span,
                };
                troubles.record(&self.path, fault);
                None
            }
        }
    }

    /// The value of `key`, and where it stands.
    pub(crate) fn bytes(&self, key: &str, troubles: &mut Troubles) -> Option<(&'s [u8], Span)> {
        let entry = self.entries.get(key.as_bytes())?;
        match &entry.value {
            Value::Bytes(bytes) => Some((bytes, entry.value_span)),
            Value::Bucket(_) => {
                let fault = Fault::BucketKey {
                    key: Text::from(entry.key),
                    span: entry.key_span,
                };
                troubles.record(&self.path, fault);
                None
            }
        }
    }

    fn decoded<T>(
        &self,
        key: &str,
        what: &'static str,
        troubles: &mut Troubles,
        decode: impl Fn(&[u8]) -> Result<T, DecodeError>,
    ) -> Option<T> {
        let (bytes, span) = self.bytes(key, troubles)?;
        match decode(bytes) {
            Ok(value) => Some(value),
            Err(error) => {
                let fault = Fault::Value {
                    key: Text::from(key),
                    what,
                    error,
                    span,
                };
                troubles.record(&self.path, fault);
                None
            }
        }
    }

    pub(crate) fn text(&self, key: &str, troubles: &mut Troubles) -> Option<Text> {
        self.bytes(key, troubles)
            .map(|(bytes, _)| Text::from(bytes))
    }

    pub(crate) fn time(&self, key: &str, troubles: &mut Troubles) -> Option<Time> {
        self.decoded(key, "time", troubles, go_time)
    }

    pub(crate) fn varint(&self, key: &str, troubles: &mut Troubles) -> Option<i64> {
        self.decoded(key, "number", troubles, varint)
    }

    pub(crate) fn uvarint(&self, key: &str, troubles: &mut Troubles) -> Option<u64> {
        self.decoded(key, "number", troubles, uvarint)
    }

    pub(crate) fn any(&self, key: &str, troubles: &mut Troubles) -> Option<Any> {
        self.decoded(key, "message", troubles, Any::parse)
    }

    /// A specification: a message that must hold JSON where its type says so. What does not stays:
    /// its bytes are there.
    pub(crate) fn spec(&self, key: &str, troubles: &mut Troubles) -> Option<Any> {
        let any = self.any(key, troubles)?;
        if any.wants_json()
            && !any.reads_as_json()
            && let Some((_, span)) = self.bytes(key, troubles)
        {
            let fault = Fault::Value {
                key: Text::from(key),
                what: "specification",
                error: DecodeError::Json,
                span,
            };
            troubles.record(&self.path, fault);
        }
        Some(any)
    }

    /// Notes that a key which the daemon insists on is missing.
    ///
    /// Only where all keys are known: otherwise it may stand on the page that is damaged.
    pub(crate) fn missing(&self, key: &'static str, of: &'static str, troubles: &mut Troubles) {
        if self.unknown.is_empty() && !self.entries.contains_key(key.as_bytes()) {
            troubles.record(&self.path, Fault::Missing { key, of });
        }
    }

    /// The bucket `key` as texts by text.
    pub(crate) fn labels(&self, key: &str, troubles: &mut Troubles) -> Labels {
        let Some(bucket) = self.bucket(key, troubles) else {
            // The bucket may stand on a page that could not be read.
            let whole = self.unknown.is_empty();
            return Labels {
                whole,
                ..Labels::default()
            };
        };
        let mut labels = Labels {
            whole: bucket.unknown.is_empty(),
            ..Labels::default()
        };
        for (key, entry) in &bucket.entries {
            match &entry.value {
                Value::Bytes(bytes) => {
                    labels.entries.insert(Text::from(*key), Text::from(*bytes));
                }
                Value::Bucket(_) => {
                    let fault = Fault::BucketKey {
                        key: Text::from(*key),
                        span: entry.key_span,
                    };
                    troubles.record(&bucket.path, fault);
                }
            }
        }
        labels
    }

    /// The bucket `key` as messages by name.
    pub(crate) fn anys(&self, key: &str, troubles: &mut Troubles) -> BTreeMap<Text, Any> {
        let Some(bucket) = self.bucket(key, troubles) else {
            return BTreeMap::new();
        };
        let names: Vec<&[u8]> = bucket.entries.keys().copied().collect();
        let mut anys = BTreeMap::new();
        for name in names {
            // Names of extensions are UTF-8 in every release; others are left to `unknown`.
            let Ok(utf8) = core::str::from_utf8(name) else {
                continue;
            };
            if let Some(any) = bucket.any(utf8, troubles) {
                anys.insert(Text::from(name), any);
            }
        }
        anys
    }

    /// The keys of the bucket `key`, as a set.
    pub(crate) fn set(&self, key: &str, troubles: &mut Troubles) -> BTreeSet<Text> {
        let bucket = self.bucket(key, troubles);
        bucket.map(|bucket| bucket.keys()).unwrap_or_default()
    }

    pub(crate) fn keys(&self) -> BTreeSet<Text> {
        self.entries.keys().map(|key| Text::from(*key)).collect()
    }

    /// Its buckets, each opened; plain keys among them are faults.
    pub(crate) fn children(&self, troubles: &mut Troubles) -> Vec<(At, Self)> {
        let entries = self.entries.values();
        entries
            .filter_map(|entry| self.child(entry, troubles))
            .collect()
    }

    /// The bucket of an entry, opened; a plain key is a fault.
    fn child(&self, entry: &Entry<'s>, troubles: &mut Troubles) -> Option<(At, Self)> {
        let Value::Bucket(bucket) = &entry.value else {
            let fault = Fault::PlainKey {
                key: Text::from(entry.key),
                span: entry.key_span,
            };
            troubles.record(&self.path, fault);
            return None;
        };
        let path = self.below(entry.key);
        let at = At {
            path: path.clone(),
            page: entry.page,
            span: entry.key_span,
        };
        Some((at, Self::new(bucket, path, troubles)))
    }

    /// The rows of the bucket `key`: each of its buckets, read by `read`.
    ///
    /// Absent is empty, unless the bucket may stand on a page that could not be read.
    pub(crate) fn rows<T>(
        &self,
        key: &str,
        known: &[&str],
        troubles: &mut Troubles,
        read: impl Fn(&Self, &mut Troubles) -> T,
    ) -> Known<Vec<Row<T>>> {
        match self.bucket(key, troubles) {
            Some(bucket) => bucket.all_rows(known, troubles, read),
            None if self.entries.contains_key(key.as_bytes()) => {
                Known::lost(named(&self.below(key.as_bytes())), "it is not a bucket")
            }
            None => Known::with(Vec::new(), self.unknown()),
        }
    }

    /// Each bucket in this one as a row, read by `read`.
    pub(crate) fn all_rows<T>(
        &self,
        known: &[&str],
        troubles: &mut Troubles,
        read: impl Fn(&Self, &mut Troubles) -> T,
    ) -> Known<Vec<Row<T>>> {
        let mut rows = Vec::new();
        for entry in self.entries.values() {
            // Opened one by one: what is wrong with one row is not what is wrong with the next.
            let Some((at, child)) = self.child(entry, troubles) else {
                continue;
            };
            let value = read(&child, troubles);
            rows.push(child.into_row(at, value, known, troubles));
        }
        Known::with(rows, self.unknown())
    }

    /// A row made of this bucket; its keys beyond `known` are kept as unknown.
    fn into_row<T>(self, at: At, value: T, known: &[&str], troubles: &mut Troubles) -> Row<T> {
        let unknown = unknown::keys(&self.path, &self.entries, known, troubles);
        let whole = !troubles.hidden_since(self.mark);
        let mut readable = true;
        let mut undecodable = BTreeMap::new();
        for trouble in troubles.0.iter().skip(self.mark) {
            match &trouble.problem {
                Problem::Bolt(_) => readable &= !trouble.hides(),
                Problem::Record(Fault::Value { key, error, .. }) if trouble.path == self.path => {
                    undecodable.insert(key.clone(), error.to_string());
                }
                Problem::Record(_) => {}
            }
        }
        let key = at.path.last().cloned().unwrap_or_default();
        Row {
            key,
            value,
            at,
            whole,
            readable,
            undecodable,
            unknown,
        }
    }
}

/// How a bucket is called in a sentence.
fn named(path: &[Text]) -> String {
    let names: Vec<String> = path.iter().map(ToString::to_string).collect();
    if names.is_empty() {
        "the root bucket".to_owned()
    } else {
        names.join(" > ")
    }
}
