//! What a program keeps in its BoltDB files: asked where the bytes alone do not decide.
//!
//! The format knows keys and values. Whose they are, which belong together and what the program
//! never does is known to whoever knows the program; here is what such a [`Schema`] is asked.

use core::fmt;
use std::collections::BTreeSet;

use finding::Time;

use crate::{
    bucket::{Bucket, Value},
    check::Found,
    db::Db,
    diff::Change,
    page::PageId,
};

/// Keys of buckets, from the outside in.
pub type Keys<'a> = [&'a [u8]];

/// How well something goes with a schema.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Fit {
    /// The program does not write this there.
    No,
    /// The schema does not say, or not enough of it can be read.
    Unknown,
    /// The program writes this there.
    Yes,
}

/// Where the numbers of a program's objects come from.
#[derive(Debug, Clone, Copy)]
pub enum Counts {
    /// From no bucket here or below.
    Nothing,
    /// From buckets below this one.
    Below,
    /// From the sequence of this bucket.
    Here(Counter),
}

/// A bucket whose sequence numbers the objects in it: it must not fall behind them.
#[derive(Debug, Clone, Copy)]
pub struct Counter {
    /// The key in each object that says its number.
    pub key: &'static [u8],
    /// Reads the number out of the value.
    pub read: fn(&[u8]) -> Option<u64>,
    /// Numbers that are skipped where newer objects may be lost: they may have been given.
    pub skipped: u64,
    /// Why the sequence must be at least the highest number.
    pub why: &'static str,
    /// Why more are skipped.
    pub why_skipped: &'static str,
}

/// Two things that a program writes in one transaction, and that do not go together: a page of one of them
/// is of an older transaction, or keys are lost.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Contradiction {
    /// The bucket in which something is missing or old.
    pub path: Vec<Vec<u8>>,
    /// Which of its keys; none: any.
    pub key: Option<Vec<u8>>,
    /// The page that says so.
    pub page: PageId,
    /// Whether a record is missing that another one names.
    pub is_missing: bool,
}

/// What one program keeps in a BoltDB file.
pub trait Schema: fmt::Debug + Sync {
    /// Its name, as options and answers say it.
    fn name(&self) -> &'static str;

    /// Whether `root` is the root bucket of such a file.
    fn root(&self, root: &Bucket<'_>) -> Fit;

    /// The key under which `bucket` stands in the root bucket, if it can be nothing else.
    fn top(&self, bucket: &Bucket<'_>) -> Option<&'static str>;

    /// What kind of records the buckets in the bucket at `path` are.
    fn records(&self, path: &Keys<'_>) -> Option<&'static str>;

    /// What kind of record `bucket` is by its keys, wherever it stands.
    fn record(&self, bucket: &Bucket<'_>) -> Option<&'static str>;

    /// Whether `key` with `value` can stand in the bucket at `path`.
    fn entry(&self, path: &Keys<'_>, key: &[u8], value: &Value<'_>) -> Fit;

    /// Whether a leaf with these entries, in their order, can be one of the bucket at `path`; `is_all`: it
    /// is the only one. [`Fit::No`]: it is in order, and that of another bucket.
    fn leaf(&self, path: &Keys<'_>, entries: &[(&[u8], Value<'_>)], is_all: bool) -> Fit;

    /// Keys without which the program fails on a record in the bucket at `path`.
    fn required(&self, path: &Keys<'_>) -> &'static [&'static [u8]];

    /// Whether the bucket at `path` numbers objects.
    fn counts(&self, path: &Keys<'_>) -> Counts;

    /// The time in a value, if it is one.
    fn time(&self, value: &[u8]) -> Option<Time>;

    /// When the object that holds `key` with `value` was made, if they say it: that never changes.
    fn birthday(&self, key: &[u8], value: &[u8]) -> Option<Time>;

    /// What in one tree the program never leaves behind.
    fn contradictions(&self, root: &Bucket<'_>) -> Vec<Contradiction>;

    /// What `changes`, from `old` to `new`, no transaction of the program does.
    fn stale(&self, old: &Db<'_>, new: &Db<'_>, changes: &[Change<'_>]) -> Vec<Found>;

    /// For each of some trees of one file, the places of those that are proven to be older.
    fn older(&self, trees: &[Db<'_>]) -> Vec<BTreeSet<usize>>;
}

/// The schemas that a file may have.
#[derive(Debug, Clone, Copy, Default)]
pub struct Schemas(pub &'static [&'static dyn Schema]);

impl Schemas {
    /// The schema of the file with this root bucket.
    pub fn of_root(self, root: &Bucket<'_>) -> Option<&'static dyn Schema> {
        let mut all = self.0.iter().copied();
        all.find(|schema| schema.root(root) == Fit::Yes)
    }

    /// The schema of `db`: by its root bucket, or by that of the transaction before.
    pub fn schema_of(self, db: &Db<'_>) -> Option<&'static dyn Schema> {
        self.of_root(&db.root())
            .or_else(|| self.of_root(&db.previous()?.root()))
    }
}
