//! Secrets in a database: what each value is tells its place in the tree, and what was deleted
//! stays on pages that are free.

use core::ops::ControlFlow;
use std::collections::{BTreeMap, BTreeSet};

use bolt::{
    AccountOptions, Area, CheckOptions, CheckReport, Content, Db, Line, PageState, Value, Visit,
    account, check,
};
use view::{Span, View, uvarint};

use crate::judge::{Kind, hidden};
use crate::{STAR, annotation, protobuf, shape, words};

/// What is done to stretches of the file.
#[derive(Debug, Default)]
struct Plan {
    /// No tree in use has them.
    zeroed: Vec<Span>,
    /// Values by where they are, and what they are.
    values: BTreeMap<u64, (Span, What)>,
    /// Keys that are secrets themselves, and what is written in their place.
    keys: BTreeMap<Vec<u8>, Vec<u8>>,
    /// Where keys stand.
    places: Vec<Span>,
    /// Bytes of which nothing is known.
    raw: Vec<Span>,
    /// What should be zero: that it is not is a finding, what it is may be a secret.
    starred: Vec<Span>,
}

/// What a value is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum What {
    /// A string or a number that the owner of the file wrote.
    Plain(Kind),
    /// A time, as Go's `time.Time` writes it in binary.
    Time,
    /// A varint.
    Number,
    /// A protocol buffer, or a document.
    Message,
}

/// Masks the secrets; how many values. Nothing is moved: keys, sizes and offsets stay.
pub(crate) fn mask(bytes: &mut [u8], keep_deleted: bool) -> u64 {
    let plan = plan(bytes, keep_deleted);
    for span in &plan.zeroed {
        part(bytes, *span).fill(0);
    }
    for span in &plan.starred {
        let odd = part(bytes, *span).iter_mut().filter(|byte| **byte != 0);
        odd.for_each(|byte| *byte = STAR);
    }
    let mut masked = 0_u64;
    for span in &plan.raw {
        masked = masked.saturating_add(protobuf::raw(part(bytes, *span)));
    }
    for (span, what) in plan.values.values() {
        let piece = part(bytes, *span);
        let hides = match plan.keys.get(&*piece) {
            // It names something whose own name was masked.
            Some(other) => {
                piece.copy_from_slice(other);
                1
            }
            None => value(piece, *what),
        };
        masked = masked.saturating_add(hides);
    }
    for span in &plan.places {
        let piece = part(bytes, *span);
        if let Some(other) = plan.keys.get(&*piece) {
            piece.copy_from_slice(other);
            masked = masked.saturating_add(1);
        }
    }
    masked
}

fn part(bytes: &mut [u8], span: Span) -> &mut [u8] {
    let from = usize::try_from(span.start).unwrap_or(usize::MAX);
    let until = usize::try_from(span.end())
        .unwrap_or(usize::MAX)
        .min(bytes.len());
    bytes.get_mut(from..until).unwrap_or_default()
}

fn plan(bytes: &[u8], keep_deleted: bool) -> Plan {
    let mut plan = Plan::default();
    let view = View::new(bytes);
    let everything = Span::new(0, view.len());
    let report = match check(&view, &CheckOptions::default()) {
        Ok(report) if !report.is_unsupported() && report.page_size.is_some() => report,
        // No database.
        _ => {
            plan.raw.push(everything);
            return plan;
        }
    };
    if let Some(db) = Db::open(view).db {
        plan.tree(&db);
        // It is read where the newest is damaged, and compared with it.
        if let Some(previous) = db.previous() {
            plan.tree(&previous);
        }
    }
    plan.pages(&view, &report, keep_deleted);
    plan
}

impl Plan {
    /// All keys and values of a tree, by where they stand in it.
    fn tree(&mut self, db: &Db<'_>) {
        let mut rows: Vec<(Vec<Vec<u8>>, Vec<u8>)> = Vec::new();
        for step in db.walk() {
            let Visit::Entry(entry) = step.what else {
                continue;
            };
            let path: Vec<&[u8]> = step.bucket.iter().copied().collect();
            if let Value::Bytes(_) = entry.value {
                let what = what(&path, entry.key);
                self.values
                    .insert(entry.value_span.start, (entry.value_span, what));
            }
            if entry.key.len() > 4 && shape::has_secret(entry.key) {
                rows.push((
                    path.iter().map(|name| name.to_vec()).collect(),
                    entry.key.to_vec(),
                ));
            }
        }
        if rows.is_empty() {
            return;
        }
        // The order of the keys stays: what tells a key from its neighbours is kept.
        let mut buckets: BTreeMap<Vec<Vec<u8>>, Vec<Vec<u8>>> = BTreeMap::new();
        for step in db.walk() {
            if let Visit::Entry(entry) = step.what {
                let path = step.bucket.iter().map(|name| name.to_vec()).collect();
                buckets.entry(path).or_default().push(entry.key.to_vec());
            }
        }
        for keys in buckets.values_mut() {
            keys.sort_unstable();
            keys.dedup();
        }
        for (path, key) in rows {
            let keys = buckets.get(&path).map(Vec::as_slice).unwrap_or_default();
            self.keys
                .entry(key.clone())
                .or_insert_with(|| disguised(&key, keys));
        }
    }

    /// What the pages hold that no tree gave, and what is left on them.
    fn pages(&mut self, view: &View<'_>, report: &CheckReport, keep_deleted: bool) {
        let known: BTreeSet<u64> = self.values.keys().copied().collect();
        let options = AccountOptions {
            old: keep_deleted,
            ..AccountOptions::default()
        };
        let mut key: Vec<u8> = Vec::new();
        let mut zeroes = false;
        let _all = account(view, report, &options, &mut |line| {
            match line {
                Line::Stretch(stretch) => {
                    let is_free =
                        matches!(stretch.area, Area::Page(PageState::Free | PageState::Lost));
                    let is_past = matches!(stretch.area, Area::Past | Area::Ragged);
                    zeroes = !keep_deleted && (is_free || is_past);
                    if zeroes && is_free {
                        self.zeroed.push(stretch.span);
                    } else if zeroes {
                        self.starred.push(stretch.span);
                    }
                }
                Line::Piece(piece) if !zeroes && piece.content != Content::Zeroes => {
                    let last = piece.name.rsplit('.').next().unwrap_or_default();
                    if last.starts_with("key[") {
                        self.places.push(piece.span);
                        key = bytes_of(view, piece.span);
                    } else if last.starts_with("value[") || last == "rest" {
                        if !known.contains(&piece.span.start) {
                            let what = what(&[], &key);
                            self.values
                                .entry(piece.span.start)
                                .or_insert((piece.span, what));
                        }
                    } else if last == "slack" && !keep_deleted {
                        self.starred.push(piece.span);
                    } else if matches!(piece.content, Content::Bytes { .. } | Content::Old { .. }) {
                        self.raw.push(piece.span);
                    }
                }
                Line::Piece(_) => {}
            }
            ControlFlow::Continue(())
        });
    }
}

fn bytes_of(view: &View<'_>, span: Span) -> Vec<u8> {
    let slice = view.slice(span.start, span.len, "key");
    slice
        .map(|slice| slice.bytes().to_vec())
        .unwrap_or_default()
}

/// What the value under `key` in a bucket is. No path: nobody knows which bucket it is.
fn what(path: &[&[u8]], key: &[u8]) -> What {
    if path.last() == Some(&&b"labels"[..]) {
        return What::Plain(annotation::kind(key));
    }
    // Lists of what a lease or a snapshot holds: the names are the keys.
    if path.last() == Some(&&b"parents"[..]) {
        return What::Plain(Kind::Line);
    }
    match key {
        b"spec" | b"options" | b"metadata" | b"extensions" => What::Message,
        b"createdat" | b"updatedat" | b"expireat" => What::Time,
        b"id" | b"size" | b"inodes" | b"kind" | b"version" | b"dbversion" => What::Number,
        b"state" | b"snapshotter" | b"expected" | b"target" | b"ready" => What::Plain(Kind::Known),
        // By these things are found: they are as their keys are.
        b"name" | b"image" | b"parent" | b"snapshotKey" | b"ref" => What::Plain(Kind::Line),
        _ if words::classify_name(key) == words::Name::Known => What::Plain(Kind::Known),
        _ => What::Message,
    }
}

/// Masks a value; whether there was anything to hide.
fn value(bytes: &mut [u8], what: What) -> u64 {
    match what {
        What::Plain(kind) => {
            let hidden = hidden(kind, bytes);
            for (from, until) in &hidden {
                bytes.get_mut(*from..*until).unwrap_or_default().fill(STAR);
            }
            u64::from(!hidden.is_empty())
        }
        // What its bytes spell is chance: a stretch of them may look like a word, and is none.
        What::Time if is_time(bytes) => 0,
        What::Number
            if uvarint(bytes.iter().copied()).is_some_and(|(_, len)| len == bytes.len()) =>
        {
            0
        }
        What::Time | What::Number => value(bytes, What::Plain(Kind::Known)),
        What::Message => match protobuf::mask(bytes) {
            Some(masked) => masked,
            None => protobuf::raw(bytes),
        },
    }
}

/// Whether these are a version, seconds since the year 1 (none beyond the year 8700), nanoseconds and an offset, big-endian: no
/// room for anything else.
fn is_time(bytes: &[u8]) -> bool {
    match bytes {
        [1, 0, 0, 0, _, _, _, _, _, nanos @ .., _, _] if nanos.len() == 4 => {
            let nanos = nanos
                .iter()
                .fold(0_u64, |sum, byte| (sum << 8) | u64::from(*byte));
            nanos < 1_000_000_000
        }
        _ => false,
    }
}

/// A key without its secret, that stands in the same place among `keys`, which are sorted.
fn disguised(key: &[u8], keys: &[Vec<u8>]) -> Vec<u8> {
    // Those beside it are those that it has most in common with.
    let at = keys.partition_point(|other| other.as_slice() < key);
    let before = at.checked_sub(1).and_then(|at| keys.get(at));
    let after = keys.get(at.saturating_add(1));
    let kept = shape::told_apart(key, before.into_iter().chain(after));
    let mut masked = key.to_vec();
    for (from, until) in shape::secrets(key) {
        masked
            .get_mut(from.max(kept)..until)
            .unwrap_or_default()
            .fill(STAR);
    }
    masked
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What the kind of a value says, not what its bytes happen to spell.
    #[test]
    fn times_and_numbers_are_kept_whatever_their_bytes_spell() {
        let mut random = 0x2545_f491_4f6c_dd1d_u64;
        for _ in 0..50_000 {
            random ^= random << 13;
            random ^= random >> 7;
            random ^= random << 17;
            let seconds = 63_800_000_000 + (random >> 40);
            let nanos = u32::try_from(random % 1_000_000_000).unwrap_or_default();
            let mut time = vec![1];
            time.extend(seconds.to_be_bytes());
            time.extend(nanos.to_be_bytes());
            time.extend([0xff, 0xff]);
            let before = time.clone();
            value(&mut time, what(&[], b"createdat"));
            assert_eq!(time, before);
            let mut number = vec![];
            let mut rest = random >> (random % 60);
            while rest >= 0x80 {
                number.push(u8::try_from(rest & 0x7f).unwrap_or_default() | 0x80);
                rest >>= 7;
            }
            number.push(u8::try_from(rest).unwrap_or_default());
            let before = number.clone();
            value(&mut number, what(&[], b"size"));
            assert_eq!(number, before);
        }
    }

    #[test]
    fn what_is_no_time_and_no_number_is_masked_there() {
        for key in [b"createdat".as_slice(), b"size", b"inodes"] {
            let mut secret = b"hunter2-Tr0ub4dor&3 xyzzy".to_vec();
            assert!(value(&mut secret, what(&[], key)) > 0);
            assert!(!secret.windows(9).any(|part| part == b"Tr0ub4dor"));
        }
    }
}
