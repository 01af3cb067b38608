//! Opening a database, and a bucket in it.

use bolt::{Bucket, Contents, Db};
use cli::Failure;
use evidence::Source;
use finding::Text;

use crate::file::key;

/// The database in `source`; of the transaction before, if that is wanted.
pub(crate) fn db<'s>(source: &'s Source, name: &Text, previous: bool) -> Result<Db<'s>, Failure> {
    let opened = Db::open(source.view());
    let faults = opened.faults;
    let db = opened.db.ok_or_else(|| {
        let faults: Vec<String> = faults.iter().map(ToString::to_string).collect();
        Failure::unread(format!("{name}: {}", faults.join("; ")))
            .hint("`coroner bolt info` shows both metas; `coroner bolt salvage` looks for a tree")
    })?;
    if !previous {
        return Ok(db);
    }
    let older = db.previous();
    older.ok_or_else(|| Failure::unread("there is no valid meta of the transaction before"))
}

/// The bucket with these keys from the root bucket on.
pub(crate) fn bucket<'s>(db: &Db<'s>, path: &[String]) -> Result<Bucket<'s>, Failure> {
    let mut bucket = db.root();
    for name in path {
        let contents = bucket.contents();
        let entry = contents.get(&bytes(name));
        let below = entry.and_then(|entry| entry.value.bucket()).cloned();
        bucket = below.ok_or_else(|| {
            let why = hidden(&contents, &bytes(name));
            Failure::unread(format!("there is no bucket {}{why}", key(&bytes(name))))
        })?;
    }
    Ok(bucket)
}

/// A key as it is given: text, or `0x` and hex.
pub(crate) fn bytes(name: &str) -> Vec<u8> {
    let hexed = name
        .strip_prefix("0x")
        .and_then(|hex| hex::decode(hex).ok());
    hexed.unwrap_or_else(|| name.as_bytes().to_vec())
}

/// What to add where a key is not there, but may have been.
pub(crate) fn hidden(contents: &Contents<'_>, key: &[u8]) -> &'static str {
    if contents.may_have_held(key) {
        "; a damaged page may hide it"
    } else {
        ""
    }
}
