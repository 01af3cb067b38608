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
pub(crate) struct Troubles(pub(crate) Vec<Trouble>, pub(crate) usize, Room);

/// How much memory the rows of one database may still take, beside the bytes of their values.
#[derive(Debug, Default)]
struct Room {
    held: u64,
    /// Nothing where the database is not known: then there is room for any.
    most: Option<u64>,
}

/// Bytes that the rows of any database may take; of a larger one twice its size.
const ROWS: u64 = 64 << 20;
/// Bytes that a row takes beside its own: its key, its place, maps of its labels.
const ROW: u64 = 256;
/// Keys that no release writes which are told one by one: they are notes.
const UNKNOWN_KEYS: usize = 10_000;

impl Troubles {
    /// For a database of `len` bytes.
    pub(crate) fn for_file(len: u64) -> Self {
        let most = Some(ROWS.max(len.saturating_mul(2)));
        Self(Vec::new(), 0, Room { held: 0, most })
    }

    /// With room for rows of so many bytes.
    #[cfg(test)]
    pub(crate) const fn with_room(most: u64) -> Self {
        let room = Room {
            held: 0,
            most: Some(most),
        };
        Self(Vec::new(), 0, room)
    }

    /// Whether there is room for one more row of so many bytes.
    fn take(&mut self, bytes: usize) -> bool {
        let bytes = u64::try_from(bytes).unwrap_or(u64::MAX);
        let held = self.2.held.saturating_add(bytes).saturating_add(ROW);
        let fits = self.2.most.is_none_or(|most| held <= most);
        if fits {
            self.2.held = held;
        }
        fits
    }

    pub(crate) fn record(&mut self, path: &[Text], fault: Fault) {
        if matches!(fault, Fault::UnknownKey { .. }) && self.0.len() >= UNKNOWN_KEYS {
            return;
        }
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

/// The entries of a bucket by their keys: of two with one key, the later.
#[derive(Debug)]
pub(crate) struct Entries<'s>(Vec<Entry<'s>>);

impl<'s> Entries<'s> {
    fn new(mut entries: Vec<Entry<'s>>) -> Self {
        // Where the tree is not damaged, they come in order.
        if !entries.is_sorted_by(|one, next| one.key < next.key) {
            entries.sort_by(|one, other| one.key.cmp(other.key));
            entries.dedup_by(|later, kept| {
                let is_same = later.key == kept.key;
                if is_same {
                    core::mem::swap(later, kept);
                }
                is_same
            });
        }
        Self(entries)
    }

    pub(crate) fn get(&self, key: &[u8]) -> Option<&Entry<'s>> {
        let at = self.0.binary_search_by(|entry| entry.key.cmp(key)).ok()?;
        self.0.get(at)
    }

    pub(crate) fn contains_key(&self, key: &[u8]) -> bool {
        self.get(key).is_some()
    }

    pub(crate) fn values(&self) -> core::slice::Iter<'_, Entry<'s>> {
        self.0.iter()
    }

    pub(crate) fn keys(&self) -> impl Iterator<Item = &'s [u8]> {
        self.0.iter().map(|entry| entry.key)
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (&'s [u8], &Entry<'s>)> {
        self.0.iter().map(|entry| (entry.key, entry))
    }

    pub(crate) const fn len(&self) -> usize {
        self.0.len()
    }

    pub(crate) const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// Bytes of a text or a label that are read: containerd refuses labels of more than 4096.
pub(crate) const TEXT: usize = 256 << 10;
/// Bytes of a message that are read: containerd takes no larger one from its clients.
pub(crate) const MESSAGE: usize = 16 << 20;

/// A bucket that was opened.
#[derive(Debug)]
pub(crate) struct Open<'s> {
    pub(crate) path: Vec<Text>,
    pub(crate) sequence: u64,
    pub(crate) entries: Entries<'s>,
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
        let entries = Entries::new(contents.entries);
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

    /// As [`bytes`](Self::bytes), if there are not more than `limit` of them.
    fn short(
        &self,
        key: &str,
        what: &'static str,
        limit: usize,
        troubles: &mut Troubles,
    ) -> Option<(&'s [u8], Span)> {
        let (bytes, span) = self.bytes(key, troubles)?;
        if bytes.len() <= limit {
            return Some((bytes, span));
        }
        self.too_large(key.as_bytes(), what, limit, span, troubles);
        None
    }

    /// Notes that a value is larger than is read.
    fn too_large(
        &self,
        key: &[u8],
        what: &'static str,
        limit: usize,
        span: Span,
        troubles: &mut Troubles,
    ) {
        let fault = Fault::Large {
            key: Text::from(key),
            what,
            limit: u64::try_from(limit).unwrap_or(u64::MAX),
            span,
        };
        troubles.record(&self.path, fault);
    }

    fn decoded<T>(
        &self,
        key: &str,
        what: &'static str,
        troubles: &mut Troubles,
        decode: impl Fn(&[u8]) -> Result<T, DecodeError>,
    ) -> Option<T> {
        let (bytes, span) = self.short(key, what, MESSAGE, troubles)?;
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

    pub(crate) fn text_value(&self, key: &str, troubles: &mut Troubles) -> Option<Text> {
        self.short(key, "text", TEXT, troubles)
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
        for (key, entry) in bucket.entries.iter() {
            match &entry.value {
                Value::Bytes(bytes) if bytes.len() > TEXT => {
                    labels.whole = false;
                    bucket.too_large(key, "label", TEXT, entry.value_span, troubles);
                }
                Value::Bytes(bytes) => {
                    labels.entries.insert(Text::from(key), Text::from(*bytes));
                }
                Value::Bucket(_) => {
                    let fault = Fault::BucketKey {
                        key: Text::from(key),
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
        let names: Vec<&[u8]> = bucket.entries.keys().collect();
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
        self.entries.keys().map(Text::from).collect()
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
        let mut unknown = self.unknown();
        for (read_so_far, entry) in self.entries.values().enumerate() {
            if !troubles.take(size_of::<Row<T>>()) {
                let why = format!(
                    "of its {} entries only {read_so_far} were read: they take more memory than the \
                     budget for a database of this size",
                    self.entries.len()
                );
                unknown.push(Unknown::new(named(&self.path), why));
                break;
            }
            // Opened one by one: what is wrong with one row is not what is wrong with the next.
            let Some((at, child)) = self.child(entry, troubles) else {
                continue;
            };
            let value = read(&child, troubles);
            rows.push(child.into_row(at, value, known, troubles));
        }
        Known::with(rows, unknown)
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
                Problem::Record(fault @ Fault::Large { key, .. }) if trouble.path == self.path => {
                    undecodable.insert(key.clone(), fault.to_string());
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
