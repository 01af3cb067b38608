//! A database whose file is far larger than what it uses: a sparse one, or one that was grown at once.
//!
//! bbolt hands out pages from the front, and reads none behind its high-water mark. What lies there
//! need not be read to know what the database holds.

use std::path::Path;

use bolt::metas_of;
use evidence::Evidence;
use finding::Unread;
use view::View;

/// Bytes that hold both metas, whatever the page size (at most 64 KiB).
const HEAD: usize = 0x2_0000;

/// The bytes up to the high-water mark of both metas, at most `limit`, and the size of the file.
pub(crate) fn used(evidence: &Evidence, path: &Path, limit: u64) -> Result<(Vec<u8>, u64), Unread> {
    let pages = evidence.pages(path)?;
    let size = pages.len();
    let too_large = Unread::TooLarge { size, limit };
    let mut head = vec![0; HEAD];
    let count = pages.read_at(0, &mut head)?;
    head.truncate(count);
    let metas = metas_of(&View::new(&head)).map_err(|_| too_large.clone())?;
    let marks = metas.slots.iter().flatten();
    let marks = marks.map(|meta| meta.high_water.at(u64::from(meta.page_size)));
    let used = marks.max().ok_or_else(|| too_large.clone())?.min(size);
    if used > limit {
        return Err(too_large);
    }
    // Fresh zeroes take no memory until they are written to: holes are left alone.
    let mut bytes = vec![0; usize::try_from(used).map_err(|_| too_large)?];
    for span in pages.data().filter(|span| span.start < used) {
        let (from, to) = (span.start, span.end().min(used));
        let index = |at: u64| usize::try_from(at).unwrap_or(usize::MAX);
        if let Some(part) = bytes.get_mut(index(from)..index(to)) {
            let read = pages.read_at(from, part)?;
            if read < part.len() {
                return Err(Unread::Changed);
            }
        }
    }
    pages.unchanged()?;
    Ok((bytes, size))
}
