//! A bolt database of the node, opened and read.

use std::path::Path;

use bolt::{Db, Found, TreeState, What};
use evidence::Evidence;
use finding::{Known, Severity, Text, Unknown, Unread};
use view::View;

use crate::{Copied, Stranger, beyond, path_text, steady};

/// Whether a database could be opened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DatabaseState {
    /// It was opened; [`Database::rows`] says how much of it could be read.
    Open,
    /// There are bytes, but none of its trees can be found.
    Broken,
    /// It opens, and its newest tree is not the one that the last transaction wrote: the daemon would
    /// take it for that, and nothing of it is believed here.
    Stale,
    /// It opens, and it is another database than the one of this place: nothing of it is believed here.
    Other(Stranger),
    /// It has no bytes at all: the daemon would take it for new.
    Empty,
    /// There are no bytes to look at.
    Unread(Unread),
}

/// What a database says of itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DatabaseFacts {
    /// Bytes of the file.
    pub size: u64,
    /// Bytes of a page.
    pub page_size: u64,
    /// The transaction that the daemon would see.
    pub txid: u64,
    /// Whether the freelist is kept in the file (containerd writes meta.db without since 1.7).
    pub freelist_synced: bool,
    /// The page of the freelist, where it is kept.
    pub freelist: Option<bolt::PageId>,
    /// Whether the tree of the transaction before is whole.
    pub is_revertible: bool,
}

/// A bolt database of the node.
#[derive(Debug, Clone)]
pub struct Database<T> {
    /// Its path in the evidence.
    pub path: Text,
    /// Whether it could be opened.
    pub state: DatabaseState,
    /// What it says of itself.
    pub facts: Option<DatabaseFacts>,
    /// Every damage below the schema.
    pub faults: Vec<Found>,
    /// What it holds; nothing where it could not be opened.
    pub rows: Option<T>,
}

/// How the headers of its pages are read.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Headers {
    /// As the format has them: a page of another number, or of two kinds, is none.
    #[default]
    Exact,
    /// As bbolt up to 1.3.6 does, which containerd 1.6 has: see [`bolt::by_flags`].
    ByFlags,
}

/// A database larger than this is not read whole.
const LIMIT: u64 = 4 << 30;

impl<T> Database<T> {
    /// Opens the database at `path`, and reads its rows with `read`.
    pub fn open(evidence: &Evidence, path: &Path, read: impl FnOnce(&Db<'_>) -> T) -> Self {
        Self::open_as(evidence, path, Headers::Exact, read)
    }

    /// As [`Database::open`], with the headers read so.
    pub(crate) fn open_as(
        evidence: &Evidence,
        path: &Path,
        headers: Headers,
        read: impl FnOnce(&Db<'_>) -> T,
    ) -> Self {
        let none = |state, faults| Self::without_rows(path, state, faults);
        let source = match steady(evidence, path, LIMIT) {
            Ok((_, Copied::Torn)) => {
                return none(DatabaseState::Unread(Unread::Changed), Vec::new());
            }
            Ok((source, _)) => source,
            Err(Unread::TooLarge { .. } | Unread::Hollow { .. }) => {
                return match beyond::used(evidence, path, LIMIT) {
                    Ok((bytes, size)) => {
                        let mut whole = Self::of_bytes(&bytes, path, headers, read);
                        if let Some(facts) = &mut whole.facts {
                            facts.size = size;
                        }
                        whole
                    }
                    Err(unread) => none(DatabaseState::Unread(unread), Vec::new()),
                };
            }
            Err(unread) => return none(DatabaseState::Unread(unread), Vec::new()),
        };
        Self::of_bytes(source.bytes(), path, headers, read)
    }

    /// One that holds nothing, as far as is known.
    fn without_rows(path: &Path, state: DatabaseState, faults: Vec<Found>) -> Self {
        Self {
            path: path_text(path),
            state,
            facts: None,
            faults,
            rows: None,
        }
    }

    /// As `open_as`, of bytes that are to stand at `path`.
    pub fn of_bytes(
        bytes: &[u8],
        path: &Path,
        headers: Headers,
        read: impl FnOnce(&Db<'_>) -> T,
    ) -> Self {
        let none = |state, faults| Self::without_rows(path, state, faults);
        if bytes.is_empty() {
            return none(DatabaseState::Empty, Vec::new());
        }
        let taken = match headers {
            Headers::Exact => None,
            Headers::ByFlags => bolt::by_flags(bytes),
        };
        let view = View::new(taken.as_deref().unwrap_or(bytes));
        let opened = Db::open(view);
        let Some(db) = opened.db else {
            let found = opened.faults.into_iter().map(|fault| Found {
                fault,
                path: Vec::new(),
            });
            return none(DatabaseState::Broken, found.collect());
        };
        let mut report = db.check();
        let stale = db.stale_root(&report, metadb::SCHEMAS);
        let facts = DatabaseFacts {
            size: view.len(),
            page_size: db.page_size(),
            txid: db.meta().txid,
            freelist_synced: db.meta().is_freelist_synced(),
            freelist: Some(db.meta().freelist).filter(|_| db.meta().is_freelist_synced()),
            is_revertible: report.previous == TreeState::Whole,
        };
        if let Some(stale) = stale {
            report.faults.push(stale);
            return Self {
                facts: Some(facts),
                ..none(DatabaseState::Stale, report.faults)
            };
        }
        let rows = read(&db);
        Self {
            path: path_text(path),
            state: DatabaseState::Open,
            facts: Some(facts),
            faults: report.faults,
            rows: Some(rows),
        }
    }

    /// Whether bytes of it are damaged.
    pub fn is_damaged(&self) -> bool {
        use finding::Fault as _;
        self.faults
            .iter()
            .any(|found| found.fault.severity() >= Severity::Damage)
            || self.state == DatabaseState::Broken
    }

    /// Whether [`Headers::ByFlags`] may give another tree.
    pub(crate) fn has_other_headers(&self) -> bool {
        self.faults.iter().any(|found| {
            matches!(
                found.fault.what,
                What::PageId { .. } | What::PageType { .. } | What::InlineHeader { .. }
            )
        })
    }

    /// Why nothing of it is known, if nothing is.
    pub fn lost(&self) -> Option<Unknown> {
        let why = match &self.state {
            DatabaseState::Open => return None,
            DatabaseState::Broken => "no tree of it can be found".to_owned(),
            DatabaseState::Stale => "its newest tree is an older one".to_owned(),
            DatabaseState::Other(stranger) => stranger.to_string(),
            DatabaseState::Empty => "it has no bytes".to_owned(),
            DatabaseState::Unread(unread) => format!("it {unread}"),
        };
        Some(Unknown::new(self.path.to_string(), why))
    }

    /// What `pick` gives, or that it is lost with the database.
    pub fn known<'t, U>(&'t self, pick: impl FnOnce(&'t T) -> &'t Known<U>) -> Known<&'t U> {
        match (&self.rows, self.lost()) {
            (Some(rows), _) => pick(rows).as_ref(),
            (None, Some(unknown)) => Known::Lost(vec![unknown]),
            (None, None) => Known::lost(self.path.to_string(), "it was not read"),
        }
    }
}
