//! `lost+found`: what belongs to the newest tree, and has no place in it.
//!
//! ```text
//! lost+found > page-N > key, value …           the entries of page N, and of the pages below it
//! lost+found > image > page-N > key, value …   the same of one that is a record of this kind
//! lost+found > image-rows > page-N > name > …  of one that names records of this kind
//! lost+found > image-cut > default > name > …  of namespace default, a record that lacks what its program needs
//! ```
//!
//! Records and rows are typed where the schema of the file knows them, so that whoever rebuilds the
//! database finds them.
//!
//! It is a bucket of the root bucket, as containerd takes a plain key there for damage. containerd
//! itself does not look into it; its migration to 2.0 removes it.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{Seek, Write};

use super::{
    Salvage, SalvageOptions,
    decision::{Action, Proof},
    fill::gather_page,
    fits::Fits,
    gather::{Gather, Start},
    notes::{Odd, Oddity},
    orphans::Orphan,
    output::write_item,
    tree::{Item, Saved},
};
use crate::{
    fault::What,
    node::BUCKET_FLAG,
    page::PageId,
    schema::Schema,
    space::Space,
    write::{WriteError, Writer},
};

/// Names that it may have, should the first one be taken.
const NAMES: [&[u8]; 3] = [b"lost+found", b"lost+found-2", b"lost+found-3"];

/// A name that the root bucket does not have.
pub(super) fn name(root: &Saved<'_>) -> &'static [u8] {
    let free = NAMES.iter().find(|name| !root.entries.contains_key(**name));
    free.copied().unwrap_or(b"lost+found-4")
}

fn name_of(page: PageId) -> String {
    format!("page-{page}")
}

/// Writes it into the root bucket.
pub(super) fn write<W: Write + Seek>(
    space: Space<'_>,
    name: &[u8],
    found: BTreeMap<Spot, Item<'_>>,
    writer: &mut Writer<W>,
) -> Result<(), WriteError> {
    writer.open_bucket(name, 0)?;
    // Folders and single pages in the order of their names.
    let mut all: BTreeMap<String, (Option<Item<'_>>, BTreeMap<String, Item<'_>>)> = BTreeMap::new();
    for ((folder, page), item) in found {
        match folder {
            Some(folder) => all.entry(folder).or_default().1.insert(page, item),
            None => all.entry(page).or_default().0.replace(item),
        };
    }
    for (key, (item, below)) in all {
        if let Some(item) = item {
            write_item(space, key.as_bytes(), item, writer)?;
            continue;
        }
        writer.open_bucket(key.as_bytes(), 0)?;
        for (page, item) in below {
            write_item(space, page.as_bytes(), item, writer)?;
        }
        writer.close_bucket()?;
    }
    writer.close_bucket()
}

/// A record that was taken out.
#[derive(Debug)]
pub(super) struct Cut<'s> {
    bucket: Vec<Vec<u8>>,
    name: &'s [u8],
    item: Item<'s>,
}

/// Where something stands in it: a folder, if its kind is known, and the page.
pub(super) type Spot = (Option<String>, String);

impl<'s> Salvage<'s> {
    /// Pages of the newest tree that have no place.
    pub(super) fn keep_homeless(
        &mut self,
        gather: &mut Gather<'s, '_>,
        space: Space<'s>,
        pages: &[Orphan<'s>],
        fits: &Fits<'s>,
        options: SalvageOptions,
    ) {
        let why = "nothing names it, and no gap is the only place for it";
        for orphan in super::older::topmost(space, pages) {
            if gather.claims.has(orphan.id) {
                continue;
            }
            let page = Some(orphan.id);
            if !options.lost_found {
                let count = orphan.count;
                self.decide(Action::LeftOut, Proof::Possible, &[], page, count, why);
                continue;
            }
            let rows = fits.rows(orphan.id).map(|kind| format!("{kind}-rows"));
            let folder = rows.or_else(|| fits.record(orphan.id).map(str::to_owned));
            let item = gather_page(gather, space, orphan.id, &[NAMES[0]]);
            let count = item.size().saturating_sub(1);
            if count > 0 {
                self.keep(folder, orphan.id, item, count, why);
            }
        }
        // What is missing below such a page is missing: there is nothing to fill it with.
        for hollow in core::mem::take(&mut gather.hollows) {
            // Of two versions of a page, the newer one has what both name.
            if matches!(hollow.fault.what, What::PageShared { .. }) {
                continue;
            }
            self.gaps.push(super::Gap::new(&hollow));
            self.gaps.extend(super::Gap::around(&hollow, space));
        }
    }

    fn keep(
        &mut self,
        folder: Option<String>,
        page: PageId,
        item: Item<'s>,
        count: u64,
        why: &'static str,
    ) {
        let name = name_of(page);
        let mut path: Vec<&[u8]> = vec![NAMES[0]];
        path.extend(folder.as_ref().map(String::as_bytes));
        path.push(name.as_bytes());
        self.decide(
            Action::LostAndFound,
            Proof::Possible,
            &path,
            Some(page),
            count,
            why,
        );
        self.lost_found.insert((folder, name), item);
    }

    /// Records that lack a key without which their program fails on all of them.
    pub(super) fn leave_out(
        &mut self,
        space: Space<'s>,
        schema: Option<&'static dyn Schema>,
        options: SalvageOptions,
    ) {
        let Some(schema) = schema else { return };
        let paths: BTreeSet<Vec<Vec<u8>>> = self
            .gaps
            .iter()
            .filter(|gap| !gap.is_closed)
            .flat_map(|gap| {
                (1..=gap.path.len()).map(|len| gap.path.iter().take(len).cloned().collect())
            })
            .collect();
        for path in paths {
            let keys: Vec<&[u8]> = path.iter().map(Vec::as_slice).collect();
            let required = schema.required(&keys);
            if required.is_empty() {
                continue;
            }
            let Some(saved) = self.root.at(&keys, space) else {
                continue;
            };
            let names: Vec<&'s [u8]> = saved.entries.keys().copied().collect();
            for name in names {
                let Some(record) = saved
                    .entries
                    .get_mut(name)
                    .and_then(|item| item.shallow(space))
                else {
                    continue;
                };
                let lacks = required.iter().any(|key| !record.contains(*key));
                if !lacks {
                    continue;
                }
                let Some(item) = saved.entries.remove(name) else {
                    continue;
                };
                self.cut.push(Cut {
                    bucket: path.clone(),
                    name,
                    item,
                });
            }
        }
        for Cut { bucket, name, item } in core::mem::take(&mut self.cut) {
            let path = bucket;
            let mut keys: Vec<&[u8]> = path.iter().map(Vec::as_slice).collect();
            let kind = schema.records(&keys);
            let count = item.size();
            keys.push(name);
            let why = "it lacks a key without which the program fails on all records of its kind";
            self.decide(Action::LeftOut, Proof::Proven, &keys, None, count, why);
            if !options.lost_found {
                continue;
            }
            let folder = kind.map(|kind| format!("{kind}-cut"));
            let namespace = path
                .get(1)
                .map(|part| String::from_utf8_lossy(part).into_owned());
            let spot = (folder, namespace.unwrap_or_default());
            let bucket = self.lost_found.entry(spot);
            let bucket = bucket.or_insert_with(|| Item::Bucket(Saved::default()));
            if let Item::Bucket(saved) = bucket {
                saved.entries.entry(name).or_insert(item);
            }
        }
    }

    /// Elements that cannot be right where they stand.
    pub(super) fn odd(&mut self, gather: &mut Gather<'s, '_>, options: SalvageOptions) {
        let mut counts: BTreeMap<(PageId, Oddity), u64> = BTreeMap::new();
        for Odd { page, why, row } in core::mem::take(&mut gather.odd) {
            let count = counts.entry((page, why)).or_default();
            *count = count.saturating_add(1);
            if !options.lost_found || row.child.is_some() {
                continue;
            }
            let item = if row.flags & BUCKET_FLAG == 0 {
                Item::Value(row.value.bytes())
            } else {
                gather.bucket(Start::Value(row.value, page), &[row.key])
            };
            let bucket = self.lost_found.entry((None, name_of(page)));
            let bucket = bucket.or_insert_with(|| Item::Bucket(Saved::default()));
            if let Item::Bucket(saved) = bucket {
                saved.entries.entry(row.key).or_insert(item);
            }
        }
        for ((page, why), count) in counts {
            let action = if options.lost_found {
                Action::LostAndFound
            } else {
                Action::LeftOut
            };
            let why = why.oddity_text();
            self.decide(action, Proof::Possible, &[], Some(page), count, why);
        }
        for hollow in core::mem::take(&mut gather.hollows) {
            let gap = super::Gap::new(&hollow);
            self.gaps.push(gap);
        }
    }
}
