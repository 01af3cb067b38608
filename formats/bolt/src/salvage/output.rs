//! The new database, written.

use std::io::{Seek, Write};

use super::{
    Salvage, lost_found,
    tree::{Item, Root},
};
use crate::{
    copy,
    space::Space,
    write::{Layout, WriteError, Writer},
};

impl Salvage<'_> {
    /// Writes the new database.
    pub fn write<W: Write + Seek>(self, to: W, layout: Layout) -> Result<W, WriteError> {
        let mut writer = Writer::new(to, layout)?;
        let Some(space) = self.space else {
            return writer.finish();
        };
        let name = lost_found::name(&self.root);
        let mut lost_found = Some(self.lost_found).filter(|found| !found.is_empty());
        for (key, item) in self.root.entries {
            if name < key
                && let Some(found) = lost_found.take()
            {
                lost_found::write(space, name, found, &mut writer)?;
            }
            write_item(space, key, item, &mut writer)?;
        }
        if let Some(found) = lost_found {
            lost_found::write(space, name, found, &mut writer)?;
        }
        writer.finish()
    }
}

/// Writes what stands under one key.
pub(super) fn write_item<W: Write + Seek>(
    space: Space<'_>,
    key: &[u8],
    item: Item<'_>,
    writer: &mut Writer<W>,
) -> Result<(), WriteError> {
    let mut stack = vec![vec![(key, item)].into_iter()];
    while let Some(top) = stack.last_mut() {
        match top.next() {
            Some((key, Item::Value(value))) => writer.put(key, value)?,
            Some((key, Item::Whole(whole))) => {
                writer.open_bucket(key, whole.sequence)?;
                match whole.root {
                    Root::Page(page) => {
                        let size = space.page_size;
                        copy::tree(&space.view, size, space.end, page, writer, &mut |_| {})
                            .map_err(copy::CopyError::into_write)?;
                    }
                    Root::Inline(page, leaf) => copy::inline(page, leaf, writer)?,
                }
                writer.close_bucket()?;
            }
            Some((key, Item::Bucket(saved))) => {
                writer.open_bucket(key, saved.sequence)?;
                let entries: Vec<_> = saved.entries.into_iter().collect();
                stack.push(entries.into_iter());
            }
            None => {
                stack.pop();
                if !stack.is_empty() {
                    writer.close_bucket()?;
                }
            }
        }
    }
    Ok(())
}
