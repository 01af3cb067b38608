//! bbolt-rs reads what we write, checks it, and finds the keys that we find.
#![allow(deprecated, reason = "`for_each` is what bbolt has")]
#![expect(clippy::disallowed_methods, reason = "it reads what it wrote")]

use std::collections::BTreeMap;
use std::io::Cursor;
use std::path::Path;

use bbolt_rs::{Bolt, BucketApi, BucketRwApi, DbApi, DbRwAPI, TxApi, TxCheck, TxRwRefApi};
use bolt::{Db, Salvage, SalvageOptions, Value, Visit};
use view::View;

#[path = "../../../formats/bolt/tests/bolt/testdata.rs"]
#[allow(dead_code)]
mod testdata;

/// Every key by its path; a bucket has no value.
type Keys = BTreeMap<Vec<Vec<u8>>, Option<Vec<u8>>>;

fn ours(bytes: &[u8]) -> Keys {
    let mut keys = Keys::new();
    for step in Db::open(View::new(bytes)).db.expect("a database").walk() {
        let Visit::Entry(entry) = step.what else {
            panic!("{step:?}");
        };
        let mut path: Vec<Vec<u8>> = step.bucket.iter().map(|key| key.to_vec()).collect();
        path.push(entry.key.to_vec());
        keys.insert(
            path,
            match entry.value {
                Value::Bytes(bytes) => Some(bytes.to_vec()),
                Value::Bucket(_) => None,
            },
        );
    }
    keys
}

fn below<'tx>(bucket: impl BucketApi<'tx>, path: &[Vec<u8>], keys: &mut Keys) {
    let mut buckets = Vec::new();
    bucket
        .for_each(|key, value| {
            let path = [path, &[key.to_vec()]].concat();
            if value.is_none() {
                buckets.push(key.to_vec());
            }
            keys.insert(path, value.map(<[u8]>::to_vec));
            Ok(())
        })
        .expect("keys");
    for name in buckets {
        let inner = bucket.bucket(&name).expect("a bucket");
        below(inner, &[path, &[name]].concat(), keys);
    }
}

/// What bbolt-rs finds wrong, and the keys that it finds.
fn theirs(file: &Path) -> (Vec<String>, Keys) {
    let db = Bolt::open(file).expect("bbolt-rs opens it");
    let (mut errors, mut keys) = (Vec::new(), Keys::new());
    db.view(|tx| {
        errors = tx.check();
        let mut names = Vec::new();
        tx.for_each(|name, _| {
            names.push(name.to_vec());
            Ok(())
        })?;
        for name in names {
            keys.insert(vec![name.clone()], None);
            below(tx.bucket(&name).expect("a bucket"), &[name], &mut keys);
        }
        Ok(())
    })
    .expect("bbolt-rs reads it");
    (errors, keys)
}

/// A database that was salvaged from `bytes`, with a freelist: bbolt-rs wants one.
fn salvaged(bytes: &[u8]) -> Vec<u8> {
    let options = SalvageOptions {
        schemas: metadb::SCHEMAS,
        ..SalvageOptions::default()
    };
    let salvage = Salvage::with(View::new(bytes), options);
    let mut layout = salvage.layout();
    layout.freelist = true;
    let new = salvage.write(Cursor::new(Vec::new()), layout);
    new.expect("a database").into_inner()
}

fn agrees(name: &str, new: &[u8]) {
    let folder = tempfile::tempdir().expect("folder");
    let file = folder.path().join("db");
    std::fs::write(&file, new).expect("a copy");
    let (errors, keys) = theirs(&file);
    assert!(errors.is_empty(), "{name}: {errors:?}");
    assert!(keys == ours(new), "{name}: other keys than ours");
}

#[test]
fn it_reads_what_we_write_of_healthy_files() {
    for name in testdata::goods() {
        agrees(&name, &salvaged(&testdata::good(&name)));
    }
}

#[test]
fn it_reads_what_we_save_of_damaged_files() {
    for (name, _, bytes) in testdata::cases() {
        agrees(&name, &salvaged(&bytes));
    }
}

#[test]
fn it_goes_on_writing_where_we_ended() {
    let name = "1.4.3-nested-4096-synced.db";
    let folder = tempfile::tempdir().expect("folder");
    let file = folder.path().join("db");
    std::fs::write(&file, salvaged(&testdata::good(name))).expect("a copy");
    let mut want = ours(&std::fs::read(&file).expect("the copy"));
    {
        let mut db = Bolt::open(&file).expect("bbolt-rs opens it");
        db.update(|mut tx| {
            let mut bucket = tx.create_bucket(b"added")?;
            bucket.put(b"key", b"value")
        })
        .expect("bbolt-rs writes it");
    }
    want.insert(vec![b"added".to_vec()], None);
    want.insert(
        vec![b"added".to_vec(), b"key".to_vec()],
        Some(b"value".to_vec()),
    );
    let bytes = std::fs::read(&file).expect("the copy");
    assert!(ours(&bytes) == want);
    let report = bolt::check(&View::new(&bytes), &bolt::CheckOptions::default());
    let mut faults = report.expect("a report").faults;
    // It leaves old bytes behind the meta that it writes, which bbolt zeroes.
    faults.retain(|found| found.fault.what.code().name != "bolt/meta-slack");
    assert!(faults.is_empty(), "{faults:?}");
}
