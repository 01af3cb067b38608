//! How much of what was deleted is carved, against what is known of files that bbolt wrote
//! (`testdata/make/boltchurn`); and that nothing is called deleted which is not.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use bolt::{Bucket, Carve, Carved, Db, Status, Top, Value, Visit};
use serde::Deserialize;
use view::View;

use crate::testdata::{carve_options, folder, names, packed};

/// What became of an object, from boltchurn.
#[derive(Debug, Deserialize)]
struct Line {
    op: String,
    tx: u64,
    name: String,
    keys: BTreeMap<String, String>,
}

type Object = BTreeMap<String, String>;

/// Everything in a bucket, those inside as `bucket/key`; none if part of it is missing.
fn flat(bucket: &Bucket<'_>) -> Option<Object> {
    let mut object = Object::new();
    let contents = bucket.contents();
    if !contents.is_whole() {
        return None;
    }
    for entry in contents.entries {
        let key = String::from_utf8(entry.key.to_vec()).ok()?;
        match entry.value {
            Value::Bytes(bytes) => {
                object.insert(key, hex::encode(bytes));
            }
            Value::Bucket(below) => {
                for (inner, value) in flat(&below)? {
                    object.insert(format!("{key}/{inner}"), value);
                }
            }
        }
    }
    Some(object)
}

/// Shares of the last deletions.
const LAST: [usize; 7] = [1, 5, 10, 20, 50, 100, usize::MAX];

/// What was found of the deletions of one file.
#[derive(Debug, Default, PartialEq, Eq)]
struct Found {
    deletions: usize,
    /// Name and value, by [`LAST`].
    named: [usize; 7],
    /// The value, whatever its name.
    value: [usize; 7],
    /// The values that are in the file at all: no carver finds more.
    there: [usize; 7],
}

fn measure(name: &str, bytes: &[u8], truth: &str) -> Found {
    let lines: Vec<Line> = truth
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let carve = Carve::carve_file(View::new(bytes), &carve_options()).unwrap();
    let mut named: BTreeSet<(String, Object)> = BTreeSet::new();
    let mut values: BTreeSet<Object> = BTreeSet::new();
    for record in &carve.records {
        let Some(object) = carve.bucket(record).as_ref().and_then(flat) else {
            continue;
        };
        let key = String::from_utf8_lossy(record.key).into_owned();
        named.insert((key, object.clone()));
        values.insert(object);
    }
    for unnamed in carve.unnamed() {
        values.extend(flat(&unnamed.bucket));
    }
    let mut found = Found::default();
    let starts = starts(bytes);
    let deletions = lines.iter().rev().filter(|line| line.op == "delete");
    for (number, line) in deletions.enumerate() {
        found.deletions += 1;
        let is_named = named.contains(&(line.name.clone(), line.keys.clone()));
        let is_found = values.contains(&line.keys);
        let spec = hex::decode(&line.keys["spec"]).unwrap();
        let at = starts.get(&spec[..START]);
        let is_there = at.is_some_and(|at| bytes[*at..].starts_with(&spec));
        for (column, last) in LAST.iter().enumerate().filter(|(_, last)| number < **last) {
            let _ = last;
            found.named[column] += usize::from(is_named);
            found.value[column] += usize::from(is_found);
            found.there[column] += usize::from(is_there);
        }
    }
    let wrong = untrue(&carve, bytes, &lines);
    assert!(
        wrong.is_empty(),
        "{name}: {} untrue: {:.2000}",
        wrong.len(),
        wrong[0]
    );
    found
}

/// The first bytes of a value, by which it is found.
const START: usize = 24;

/// Where values start that follow the key `spec`, by their first bytes.
fn starts(bytes: &[u8]) -> HashMap<&[u8], usize> {
    let keys = bytes.windows(4 + START).enumerate();
    keys.filter(|(_, window)| window[0] == b's' && window.starts_with(b"spec"))
        .map(|(at, window)| (&window[4..], at + 4))
        .collect()
}

/// Claims that the truth does not bear out.
fn untrue(carve: &Carve<'_>, bytes: &[u8], lines: &[Line]) -> Vec<String> {
    let db = Db::open(View::new(bytes)).db.unwrap();
    let deleted: BTreeMap<&str, &Line> = lines
        .iter()
        .filter(|line| line.op == "delete")
        .map(|line| (line.name.as_str(), line))
        .collect();
    let txid = db.meta().txid;
    let keys: BTreeSet<&[u8]> = db
        .walk()
        .filter_map(|step| match step.what {
            Visit::Entry(entry) => Some(entry.key),
            Visit::Fault(_) => None,
        })
        .collect();
    let mut wrong = Vec::new();
    for record in &carve.records {
        let (top, bucket) = carve.bucket_of(record);
        let path: Vec<&[u8]> = bucket.iter().copied().chain([record.key]).collect();
        // v1 > default > containers > NAME
        let object = path.get(3).filter(|_| top == Top::Root);
        let object = object.map(|name| String::from_utf8_lossy(name).into_owned());
        let line = object.as_deref().and_then(|name| deleted.get(name));
        let is_new = object.as_deref() == Some("never-was");
        let is_wrong = match record.status {
            Status::Deleted if top == Top::Root => path.len() < 4 || line.is_none(),
            // Its bucket is not known, but the key is nowhere in the tree.
            Status::Deleted => keys.contains(record.key) || record.key == b"never-was",
            Status::Uncommitted => object.is_some() && !is_new,
            Status::Live | Status::Older => line.is_some() && path.len() > 4,
            Status::Unplaced => is_new,
            Status::Unknown => false,
        };
        if is_wrong {
            wrong.push(format!("{object:?} {path:?}: {record:?}"));
        }
        let bounds = record.bounds;
        let is_value = matches!(record.value, Carved::Bytes(_)) && path.len() == 5;
        if let (Some(line), true, Status::Deleted) = (line, is_value, record.status) {
            // Its page was freed by the transaction that deleted the object, or replaced it before.
            let from = bounds.freed_from.map_or(0, |bound| bound.txid);
            let until = bounds.freed_until.map_or(txid, |bound| bound.txid);
            let is_last = line.keys.get("updatedat").is_some_and(|value| {
                record.key == b"updatedat"
                    && record.value.bytes().map(hex::encode).as_ref() == Some(value)
            });
            if is_last && !(from..=until).contains(&line.tx) {
                wrong.push(format!("deleted by {}: {record:?}", line.tx));
            }
            let written = bounds.written_from.map_or(0, |bound| bound.txid);
            if written > line.tx {
                wrong.push(format!("{written} wrote after {}: {record:?}", line.tx));
            }
        }
    }
    wrong
}

#[expect(clippy::print_stdout, reason = "figures for people")]
fn show(name: &str, found: &Found) {
    println!("{name}: {} deletions", found.deletions);
    println!("  last            1     5    10    20    50   100   all");
    for (what, row) in [
        ("name and value", found.named),
        ("value", found.value),
        ("in the file", found.there),
    ] {
        let cells: Vec<String> = row.iter().map(|count| format!("{count:5}")).collect();
        println!("  {what:<14} {}", cells.join(" "));
    }
}

#[test]
fn what_was_deleted_is_carved() {
    for name in names(&folder("churn")) {
        let Some(name) = name.strip_suffix(".db.zst") else {
            continue;
        };
        let bytes = packed(&format!("churn/{name}.db.zst"));
        let truth = String::from_utf8(packed(&format!("churn/{name}.jsonl.zst"))).unwrap();
        let found = measure(name, &bytes, &truth);
        show(name, &found);
        // Nearly all that is in the file, and with its name where there still is a page that names
        // it (after a drain there is none).
        let last = LAST.len() - 1;
        assert!(
            found.value[last] * 100 >= found.there[last] * 87,
            "{name}: {found:?}"
        );
        if name.contains("churn") {
            assert!(
                found.named[last] * 10 >= found.there[last] * 9,
                "{name}: {found:?}"
            );
        }
    }
}

/// `CORONER_CHURN=FOLDER`: the same on files of the caller's, whose shares are printed.
#[test]
#[ignore = "needs files of boltchurn in CORONER_CHURN (benches/carve.sh)"]
fn shares_of_other_files() {
    // A tool in the form of a test: without files there is nothing to measure.
    let Some(folder) = std::env::var_os("CORONER_CHURN") else {
        return;
    };
    let folder = std::path::PathBuf::from(folder);
    let mut wrong = Vec::new();
    for name in names(&folder) {
        if let Some(name) = name.strip_suffix(".db") {
            let bytes = std::fs::read(folder.join(format!("{name}.db"))).unwrap();
            let truth = std::fs::read_to_string(folder.join(format!("{name}.jsonl"))).unwrap();
            let found = std::panic::catch_unwind(|| measure(name, &bytes, &truth));
            match found {
                Ok(found) => show(name, &found),
                Err(_) => wrong.push(name.to_owned()),
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:?}");
}
