//! A whole file: its two metas, and the tree that the daemon would use.

use view::{Span, View};

use crate::{
    bucket::Bucket,
    check::{CheckOptions, CheckReport, check},
    fault::{Fault, What},
    find,
    meta::Meta,
    page::PageId,
    space::{Pointer, Space},
};

/// An open database.
#[derive(Debug, Clone)]
pub struct Db<'s> {
    view: View<'s>,
    page_size: u64,
    metas: [Result<Meta, Fault>; 2],
    meta: Meta,
    is_thorough: bool,
}

/// What opening a file gave.
#[derive(Debug, Clone)]
pub struct Opened<'s> {
    /// The database, if at least one meta is valid.
    pub db: Option<Db<'s>>,
    /// What is wrong with the metas, or why there is no database.
    pub faults: Vec<Fault>,
}

impl Opened<'_> {
    /// Whether it is a kind of file that is not read here, which says nothing about its health.
    pub fn is_unsupported(&self) -> bool {
        self.faults.iter().any(Fault::is_unsupported)
    }
}

impl<'s> Db<'s> {
    /// Opens `view` as the library would: with the valid meta of the higher transaction.
    ///
    /// Never fails: a file that cannot be opened gives no database and says why.
    pub fn open(view: View<'s>) -> Opened<'s> {
        let mut faults = Vec::new();
        if view.is_empty() {
            faults.push(Fault::new(What::Empty, None, Span::new(0, 0)));
            return Opened { db: None, faults };
        }
        let found = find::metas(&view, view.len());
        faults.extend(found.faults);
        faults.extend(
            found
                .metas
                .iter()
                .filter_map(|meta| meta.as_ref().err().cloned()),
        );
        let Some(meta) = newest(&found.metas) else {
            return Opened { db: None, faults };
        };
        let db = Db {
            view,
            page_size: found.page_size.unwrap_or(4096),
            metas: found.metas,
            meta,
            is_thorough: false,
        };
        Opened {
            db: Some(db),
            faults,
        }
    }

    /// A database as some meta would show it, valid or not.
    pub(crate) const fn of_meta(
        view: View<'s>,
        page_size: u64,
        metas: [Result<Meta, Fault>; 2],
        meta: Meta,
    ) -> Self {
        Self {
            view,
            page_size,
            metas,
            meta,
            is_thorough: true,
        }
    }

    /// Both metas: decoded, or why not.
    pub const fn metas(&self) -> &[Result<Meta, Fault>; 2] {
        &self.metas
    }

    /// The meta in use.
    pub const fn meta(&self) -> &Meta {
        &self.meta
    }

    /// Bytes of a page.
    pub const fn page_size(&self) -> u64 {
        self.page_size
    }

    /// The whole file.
    pub const fn view(&self) -> View<'s> {
        self.view
    }

    /// The root bucket of the tree that the daemon would use.
    pub fn root(&self) -> Bucket<'s> {
        let slot = PageId(self.meta.slot);
        let pointer = Pointer {
            to: self.meta.root,
            from: slot,
            span: Span::new(slot.at(self.page_size).saturating_add(0x20), 8),
        };
        Bucket::of_meta(self.space(), pointer, self.meta.sequence)
    }

    /// The database as it was one transaction before, if its meta is valid.
    ///
    /// Its tree is whole if nothing wrote to the file since; else its pages may have been used
    /// again.
    pub fn previous(&self) -> Option<Self> {
        let meta = self
            .metas
            .iter()
            .flatten()
            .find(|meta| meta.slot != self.meta.slot && meta.txid < self.meta.txid)?;
        Some(Self {
            meta: *meta,
            ..self.clone()
        })
    }

    /// Number of whole pages that the file has.
    pub fn pages_in_file(&self) -> u64 {
        self.view.len().checked_div(self.page_size).unwrap_or(0)
    }

    /// Checks everything: both metas, both trees, the freelist.
    pub fn check(&self) -> CheckReport {
        // A view is always there to be read, and small enough for one thread.
        let options = CheckOptions {
            threads: 1,
            ..CheckOptions::default()
        };
        check(&self.view, &options).unwrap_or_default()
    }

    pub(crate) fn space(&self) -> Space<'s> {
        Space {
            view: self.view,
            page_size: self.page_size,
            end: PageId(self.meta.high_water.0.min(self.pages_in_file())),
            is_thorough: self.is_thorough,
        }
    }
}

/// The valid meta of the higher transaction; of two equal ones, the first (`DB.meta`).
pub(crate) fn newest(metas: &[Result<Meta, Fault>; 2]) -> Option<Meta> {
    match metas {
        [Ok(first), Ok(second)] if second.txid > first.txid => Some(*second),
        [Ok(first), _] => Some(*first),
        [Err(_), Ok(second)] => Some(*second),
        [Err(_), Err(_)] => None,
    }
}
