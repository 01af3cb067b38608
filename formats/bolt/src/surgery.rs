//! Small edits of metas and freelist, as a list of bytes to be changed in a copy.
//!
//! - [`repair_meta`]: a meta from what can be proven. Its checksum is the proof: if it holds once a
//!   field has the only value that it can have (magic, version, page size), or a value that fits
//!   (a page of the file, the transaction next to the other meta's), then that was the value;
//! - [`abandon_freelist`], [`rebuild_freelist`]: no freelist, or one from what the tree does not use;
//! - [`revert`]: the tree of the transaction before becomes the one in use.
//!
//! A meta that is not valid is never given a checksum for what happens to stand there.

use core::fmt;

use view::View;

use crate::{
    check::{CheckOptions, CheckReport, Metas, PageState, TreeState, check, metas_of},
    meta::{MAGIC, Meta, VERSION},
    page::{Header, Kind, PageId},
};

/// Fields of a meta that are given.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct MetaFields {
    /// Root page.
    pub root: Option<PageId>,
    /// Sequence of the root bucket.
    pub sequence: Option<u64>,
    /// Freelist page; [`PageId::NO_FREELIST`]: none.
    pub freelist: Option<PageId>,
    /// High-water mark.
    pub high_water: Option<PageId>,
    /// Transaction.
    pub txid: Option<u64>,
    /// Bytes of a page.
    pub page_size: Option<u32>,
}

impl MetaFields {
    /// Whether none is given.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// One field of a meta, before and after.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FieldChange {
    /// Which meta.
    pub slot: u64,
    /// Which field.
    pub field: &'static str,
    /// What stood there; none: the file is too short.
    pub before: Option<u64>,
    /// What stands there now.
    pub after: u64,
    /// Why.
    pub why: &'static str,
}

/// Bytes to be changed in a copy of the file.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Surgery {
    /// Where, and the bytes.
    pub patches: Vec<(u64, Vec<u8>)>,
    /// Fields of metas that change.
    pub changes: Vec<FieldChange>,
    /// Pages that a rebuilt freelist names.
    pub free: Option<u64>,
}

/// Why an edit is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refused {
    /// Nothing tells how long a page is.
    NoPageSize,
    /// Both metas are valid, and no field was given.
    NothingToDo,
    /// No valid meta names a freelist.
    NoFreelist,
    /// There is no valid meta.
    NoMeta,
    /// It is the only valid meta.
    OnlyMeta(u64),
    /// Nothing proves what this meta said.
    Unproven(u64),
    /// A value that no meta can have.
    Field(&'static str),
    /// There is no valid meta of the transaction before.
    NoPrevious,
    /// The tree of the transaction before is not whole.
    PreviousDamaged,
    /// The tree in use is not whole, so nobody knows which pages are free.
    TreeDamaged,
    /// The file could not be read.
    Unread,
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoPageSize => write!(f, "nothing shows how long a page is"),
            Self::NothingToDo => write!(f, "both metas are valid, and no field was given"),
            Self::NoFreelist => write!(
                f,
                "no valid meta names a freelist: the library computes it already"
            ),
            Self::NoMeta => write!(f, "there is no valid meta"),
            Self::OnlyMeta(slot) => {
                write!(f, "meta {slot} is the only valid one: it is not changed")
            }
            Self::Unproven(slot) => write!(f, "nothing proves what meta {slot} said"),
            Self::Field(field) => write!(f, "no meta of this file can have this {field}"),
            Self::NoPrevious => write!(f, "there is no valid meta of the transaction before"),
            Self::PreviousDamaged => {
                write!(f, "the tree of the transaction before is not whole")
            }
            Self::TreeDamaged => write!(
                f,
                "the tree is not whole, so it is not known which pages are free"
            ),
            Self::Unread => write!(f, "the file could not be read"),
        }
    }
}

impl core::error::Error for Refused {}

/// What the file is, before an edit.
struct Patient {
    metas: Metas,
    page_size: u64,
    pages: u64,
}

impl Patient {
    fn open_patient(view: View<'_>, page_size: Option<u32>) -> Result<Self, Refused> {
        let metas = metas_of(&view).map_err(|_| Refused::Unread)?;
        let given = page_size.map(u64::from);
        let page_size = given.or(metas.page_size).ok_or(Refused::NoPageSize)?;
        if !crate::meta::is_page_size(page_size) {
            return Err(Refused::Field("page size"));
        }
        Ok(Self {
            metas,
            page_size,
            pages: view.len().checked_div(page_size).unwrap_or(0),
        })
    }

    fn valid(&self, slot: u64) -> Option<Meta> {
        let mut metas = self.metas.slots.iter().flatten();
        metas.find(|meta| meta.slot == slot).copied()
    }

    fn raw(&self, slot: u64) -> Option<Meta> {
        let mut metas = self.metas.raw.iter().flatten();
        metas.find(|meta| meta.slot == slot).copied()
    }

    /// `after` in the place of the meta that stands in its slot.
    fn put(&self, after: Meta, why: &'static str, surgery: &mut Surgery) {
        let slot = after.slot;
        let before = self.raw(slot);
        let fields = |meta: &Meta| {
            [
                ("page header", u64::from(meta.header.flags)),
                ("magic", u64::from(meta.magic)),
                ("version", u64::from(meta.version)),
                ("page size", u64::from(meta.page_size)),
                ("flags", u64::from(meta.flags)),
                ("root", meta.root.0),
                ("sequence", meta.sequence),
                ("freelist", meta.freelist.0),
                ("high-water mark", meta.high_water.0),
                ("transaction", meta.txid),
            ]
        };
        let old = before.as_ref().map(fields);
        for (place, (field, after)) in fields(&after).into_iter().enumerate() {
            let before = old.and_then(|old| old.get(place).map(|(_, value)| *value));
            if before != Some(after) {
                surgery.changes.push(FieldChange {
                    slot,
                    field,
                    before,
                    after,
                    why,
                });
            }
        }
        let before = before.map(|meta| meta.checksum);
        let bytes = after.encode();
        let sum = after.with_checksum().checksum;
        if before != Some(sum) {
            surgery.changes.push(FieldChange {
                slot,
                field: "checksum",
                before,
                after: sum,
                why: "computed",
            });
        }
        let at = PageId(slot).at(self.page_size);
        surgery.patches.push((at, bytes));
    }
}

/// A meta with everything that has only one possible value.
fn constant(meta: Meta, page_size: u64) -> Meta {
    Meta {
        header: Header::of_meta(meta.slot),
        magic: MAGIC,
        version: VERSION,
        page_size: u32::try_from(page_size).unwrap_or(0),
        flags: 0,
        ..meta
    }
}

/// Repairs the metas that are not valid; with `slot` or `given`, only that one.
pub fn repair_meta(
    view: View<'_>,
    slot: Option<u64>,
    given: &MetaFields,
) -> Result<Surgery, Refused> {
    let patient = Patient::open_patient(view, given.page_size)?;
    let mut surgery = Surgery::default();
    let slots: Vec<u64> = match slot {
        Some(slot) => vec![slot],
        None => (0..2)
            .filter(|slot| patient.valid(*slot).is_none())
            .collect(),
    };
    if slots.is_empty()
        || (slot.is_some_and(|slot| patient.valid(slot).is_some()) && given.is_empty())
    {
        return Err(Refused::NothingToDo);
    }
    let mut unproven = None;
    for slot in slots {
        let other = patient.valid(1_u64.saturating_sub(slot));
        if patient.valid(slot).is_some() && other.is_none() {
            return Err(Refused::OnlyMeta(slot));
        }
        match repaired(&patient, slot, other, given) {
            Ok((meta, why)) => patient.put(meta, why, &mut surgery),
            Err(Refused::Unproven(slot)) => unproven = unproven.or(Some(slot)),
            Err(why) => return Err(why),
        }
    }
    match unproven {
        // One that is repaired is worth having, whatever is with the other.
        Some(slot) if surgery.patches.is_empty() => Err(Refused::Unproven(slot)),
        _ => Ok(surgery),
    }
}

/// The meta of `slot`, with what is wrong with it set right, if anything proves what it said.
pub(crate) fn mended(view: View<'_>, slot: u64) -> Option<Meta> {
    let patient = Patient::open_patient(view, None).ok()?;
    let other = patient.valid(1_u64.saturating_sub(slot));
    let found = repaired(&patient, slot, other, &MetaFields::default());
    found.ok().map(|(meta, _)| meta.with_checksum())
}

fn repaired(
    patient: &Patient,
    slot: u64,
    other: Option<Meta>,
    given: &MetaFields,
) -> Result<(Meta, &'static str), Refused> {
    let raw = patient.raw(slot).ok_or(Refused::Unproven(slot))?;
    if !given.is_empty() {
        let meta = with_given(constant(raw, patient.page_size), given);
        return fits(patient, &meta).map(|()| (meta, "given"));
    }
    let proven = proven(patient, raw, other);
    if let Some(meta) = proven {
        return Ok((meta, "with it, the stored checksum matches"));
    }
    let meta = constant(raw, patient.page_size);
    let follows = other.is_none_or(|other| other.txid.abs_diff(meta.txid) == 1);
    let is_right = fits(patient, &meta).is_ok() && meta.txid.rem_euclid(2) == slot && follows;
    // All of it fits; whether its tree is whole is for the check afterwards to say.
    if is_right {
        Ok((meta, "all fields fit; only the checksum does not"))
    } else {
        Err(Refused::Unproven(slot))
    }
}

fn with_given(meta: Meta, given: &MetaFields) -> Meta {
    Meta {
        root: given.root.unwrap_or(meta.root),
        sequence: given.sequence.unwrap_or(meta.sequence),
        freelist: given.freelist.unwrap_or(meta.freelist),
        high_water: given.high_water.unwrap_or(meta.high_water),
        txid: given.txid.unwrap_or(meta.txid),
        ..meta
    }
}

/// Whether the fields can be those of this file.
fn fits(patient: &Patient, meta: &Meta) -> Result<(), Refused> {
    let end = meta.high_water.0;
    // A file that was cut is repaired by nobody, but its meta may be.
    if end < 3 || end > patient.pages.saturating_mul(2) {
        return Err(Refused::Field("high-water mark"));
    }
    let end = end.min(patient.pages);
    if !(2..end).contains(&meta.root.0) {
        return Err(Refused::Field("root"));
    }
    if meta.is_freelist_synced() && !(2..end).contains(&meta.freelist.0) {
        return Err(Refused::Field("freelist"));
    }
    Ok(())
}

/// The meta for which the checksum that stands there holds, if one or two fields explain it.
fn proven(patient: &Patient, raw: Meta, other: Option<Meta>) -> Option<Meta> {
    let holds = |meta: &Meta| meta.with_checksum().checksum == raw.checksum;
    let fixed = constant(raw, patient.page_size);
    if holds(&fixed) {
        return fits(patient, &fixed).is_ok().then_some(fixed);
    }
    let pages = || (2..patient.pages.saturating_add(1)).map(PageId);
    let txids = other.map_or(Vec::new(), |other| {
        vec![other.txid.saturating_add(1), other.txid.saturating_sub(1)]
    });
    let roots = pages().map(|root| Meta { root, ..fixed });
    let lists = pages()
        .chain([PageId::NO_FREELIST])
        .map(|freelist| Meta { freelist, ..fixed });
    let marks = pages().map(|high_water| Meta {
        high_water,
        ..fixed
    });
    let txids = txids.into_iter().map(|txid| Meta { txid, ..fixed });
    let sequence = core::iter::once(Meta {
        sequence: 0,
        ..fixed
    });
    let mut all = roots.chain(lists).chain(marks).chain(txids).chain(sequence);
    all.find(|meta| holds(meta) && fits(patient, meta).is_ok())
}

/// Makes every valid meta name no freelist; one that is not valid stays as it is.
pub fn abandon_freelist(view: View<'_>) -> Result<Surgery, Refused> {
    let patient = Patient::open_patient(view, None)?;
    let mut surgery = Surgery::default();
    let metas = (0..2).filter_map(|slot| patient.valid(slot));
    for meta in metas.clone().filter(Meta::is_freelist_synced) {
        let after = Meta {
            freelist: PageId::NO_FREELIST,
            ..meta
        };
        let why = "a library without a freelist computes it when it opens the file";
        patient.put(after, why, &mut surgery);
    }
    if surgery.patches.is_empty() {
        let has_meta = metas.count() > 0;
        return Err(if has_meta {
            Refused::NoFreelist
        } else {
            Refused::NoMeta
        });
    }
    Ok(surgery)
}

/// Writes a freelist of all pages that the tree in use does not need, behind the last page in use.
pub fn rebuild_freelist(view: View<'_>) -> Result<Surgery, Refused> {
    let patient = Patient::open_patient(view, None)?;
    let report = checked(view)?;
    let meta = report
        .meta
        .filter(|_| report.is_valid)
        .ok_or(Refused::NoMeta)?;
    if !is_tree_whole(&report) || meta.high_water.0 > patient.pages {
        return Err(Refused::TreeDamaged);
    }
    let is_used = |state| {
        matches!(
            state,
            PageState::Meta | PageState::Used | PageState::Overflow
        )
    };
    let mut free: Vec<u64> = report
        .pages()
        .filter(|row| row.id < meta.high_water && !is_used(row.state))
        .map(|row| row.id.0)
        .collect();
    free.sort_unstable();
    let count = u64::try_from(free.len()).unwrap_or(u64::MAX);
    // It is written behind everything, so that the tree of the transaction before stays whole.
    let id = meta.high_water;
    let long = count >= u64::from(u16::MAX);
    let bytes = count
        .saturating_add(u64::from(long))
        .saturating_mul(8)
        .saturating_add(crate::page::HEADER);
    let pages = bytes.div_ceil(patient.page_size);
    let header = Header {
        id,
        flags: Kind::Freelist.flags(),
        count: u16::try_from(count).unwrap_or(u16::MAX),
        overflow: u32::try_from(pages.saturating_sub(1)).map_err(|_| Refused::TreeDamaged)?,
    };
    let mut list = header.encode();
    if long {
        list.extend(count.to_le_bytes());
    }
    for page in &free {
        list.extend(page.to_le_bytes());
    }
    let len = usize::try_from(pages.saturating_mul(patient.page_size)).unwrap_or(usize::MAX);
    list.resize(len, 0);
    let mut surgery = Surgery {
        free: Some(count),
        ..Surgery::default()
    };
    surgery.patches.push((id.at(patient.page_size), list));
    let after = Meta {
        freelist: id,
        high_water: PageId(id.0.saturating_add(pages)),
        ..meta
    };
    let why = "the tree is whole, so all other pages are free";
    patient.put(after, why, &mut surgery);
    let other = patient.valid(1_u64.saturating_sub(meta.slot));
    if let Some(other) = other.filter(Meta::is_freelist_synced) {
        let after = Meta {
            freelist: PageId::NO_FREELIST,
            ..other
        };
        let why = "it is not known which pages were free one transaction before";
        patient.put(after, why, &mut surgery);
    }
    Ok(surgery)
}

/// Makes the tree of the transaction before the one in use; `force` takes it damaged, too.
pub fn revert(view: View<'_>, force: bool) -> Result<Surgery, Refused> {
    let patient = Patient::open_patient(view, None)?;
    let newest = patient.metas.newest().ok_or(Refused::NoMeta)?;
    let older = patient
        .valid(1_u64.saturating_sub(newest.slot))
        .filter(|older| older.txid < newest.txid && newest.txid >= 2)
        .ok_or(Refused::NoPrevious)?;
    let report = checked(view)?;
    if report.previous != TreeState::Whole && !force {
        return Err(Refused::PreviousDamaged);
    }
    // Its slot gets the older tree, as of a transaction that is older still.
    let after = Meta {
        slot: newest.slot,
        header: newest.header,
        txid: older.txid.saturating_sub(1),
        ..older
    };
    let mut surgery = Surgery::default();
    let why = "so that the meta of the transaction before is the newest";
    patient.put(after, why, &mut surgery);
    Ok(surgery)
}

fn checked(view: View<'_>) -> Result<CheckReport, Refused> {
    check(&view, &CheckOptions::default()).map_err(|_| Refused::Unread)
}

fn is_tree_whole(report: &CheckReport) -> bool {
    report.tree == TreeState::Whole
}
