//! `lost+found`: what belongs to the newest tree, and has no place in it.
//!
//! ```text
//! lost+found > page-N > key, value …    the entries of page N, and of the pages below it
//! ```
//!
//! It is a bucket of the root bucket, as containerd takes a plain key there for damage. containerd
//! itself does not look into it; its migration to 2.0 removes it.

use std::collections::BTreeMap;
use std::io::{Seek, Write};

use super::{
    Salvage, SalvageOptions,
    decision::{Action, Proof},
    fill::gather_page,
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
    found: BTreeMap<String, Item<'_>>,
    writer: &mut Writer<W>,
) -> Result<(), WriteError> {
    writer.open_bucket(name, 0)?;
    for (key, item) in found {
        write_item(space, key.as_bytes(), item, writer)?;
    }
    writer.close_bucket()
}

impl<'s> Salvage<'s> {
    /// Pages of the newest tree that have no place.
    pub(super) fn keep_homeless(
        &mut self,
        gather: &mut Gather<'s, '_>,
        space: Space<'s>,
        pages: &[Orphan<'s>],
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
            let item = gather_page(gather, space, orphan.id, &[NAMES[0]]);
            let count = item.size().saturating_sub(1);
            if count > 0 {
                self.lost_found.insert(name_of(orphan.id), item);
                self.decide(Action::LostAndFound, Proof::Possible, &[], page, count, why);
            }
        }
        // What is missing below such a page is missing: there is nothing to fill it with.
        for hollow in core::mem::take(&mut gather.hollows) {
            // Of two versions of a page, the newer one has what both name.
            if matches!(hollow.fault.what, What::PageShared { .. }) {
                continue;
            }
            self.gaps.push(super::Gap::new(&hollow));
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
            let bucket = self.lost_found.entry(name_of(page));
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
            let why = why.text();
            self.decide(action, Proof::Possible, &[], Some(page), count, why);
        }
        for hollow in core::mem::take(&mut gather.hollows) {
            let gap = super::Gap::new(&hollow);
            self.gaps.push(gap);
        }
    }
}
