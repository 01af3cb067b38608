//! A file as bbolt up to 1.3.6 takes it: a page is what its flags say, whatever number it has.
//!
//! ```text
//! Cursor.search    panics where neither the bit of a branch nor that of a leaf is set
//! elemRef.isLeaf   flags & 0x02: a leaf, whatever other bits are set; else a branch
//! Bucket.pageNode  never compares the number in the header with that of the page
//! ```
//!
//! Since 1.3.7 (`page.fastCheck`) both end in a panic. Whoever wants to know what the older library
//! sees reads the file that [`by_flags`] gives, in which those headers are what it takes them for.

use view::View;

use crate::{
    db::Db,
    fault::What,
    page::{Kind, PageId},
};

/// Rounds: below a page that was set right others come to light, a level of the tree each.
const ROUNDS: usize = 64;

/// The bytes with the headers that the older library would not mind set right; nothing if there
/// are none.
pub fn by_flags(bytes: &[u8]) -> Option<Vec<u8>> {
    let mut taken = bytes.to_vec();
    let mut changed = false;
    for _ in 0..ROUNDS {
        let headers = headers(&taken);
        if headers.is_empty() {
            break;
        }
        changed = true;
        for Header { at, id, kind } in headers {
            put(&mut taken, at, &id.0.to_le_bytes());
            put(
                &mut taken,
                at.saturating_add(8),
                &kind.flags().to_le_bytes(),
            );
        }
    }
    changed.then_some(taken)
}

/// What a header is taken for.
struct Header {
    at: u64,
    id: PageId,
    kind: Kind,
}

fn headers(bytes: &[u8]) -> Vec<Header> {
    let view = View::new(bytes);
    let Some(db) = Db::open(view).db else {
        return Vec::new();
    };
    let meta = *db.meta();
    let freelist = Some(meta.freelist).filter(|_| meta.is_freelist_synced());
    let mut headers = Vec::new();
    for found in db.check().faults {
        let fault = found.fault;
        let (at, id) = match fault.what {
            What::PageId { want, .. } => (fault.span.start, want),
            What::PageType { .. } => {
                let Some(page) = fault.page else { continue };
                (fault.span.start.saturating_sub(8), page)
            }
            // The page of an inline bucket has no number.
            What::InlineHeader { .. } => (fault.span.start, PageId(0)),
            _ => continue,
        };
        // Of the freelist's page, only the bit of its kind is asked for; `start` knows.
        if Some(id) == freelist {
            continue;
        }
        let Ok(flags) = view.u16_le(at.saturating_add(8), "page flags") else {
            continue;
        };
        let has = |kind: Kind| flags & kind.flags() != 0;
        let kind = if has(Kind::Leaf) {
            Kind::Leaf
        } else if has(Kind::Branch) && id.0 != 0 {
            Kind::Branch
        } else {
            continue;
        };
        let is_so = flags == kind.flags() && view.u64_le(at, "page id") == Ok(id.0);
        if !is_so {
            headers.push(Header { at, id, kind });
        }
    }
    headers
}

fn put(bytes: &mut [u8], at: u64, value: &[u8]) {
    let Ok(at) = usize::try_from(at) else { return };
    let room = bytes
        .get_mut(at..)
        .and_then(|rest| rest.get_mut(..value.len()));
    if let Some(room) = room {
        room.copy_from_slice(value);
    }
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use super::*;
    use crate::{Layout, Writer};

    /// Two buckets, each on a page of its own.
    fn file() -> Vec<u8> {
        let mut writer = Writer::new(Cursor::new(Vec::new()), Layout::default()).unwrap();
        for name in [b"a", b"b"] {
            writer.open_bucket(name, 0).unwrap();
            for number in 0..200_u32 {
                writer.put(&number.to_be_bytes(), name).unwrap();
            }
            writer.close_bucket().unwrap();
        }
        writer.finish().unwrap().into_inner()
    }

    fn first_values(bytes: &[u8]) -> Vec<Option<Vec<u8>>> {
        let db = Db::open(View::new(bytes)).db.unwrap();
        let buckets = db.root().contents().entries;
        let first = |entry: &crate::Entry<'_>| {
            let contents = entry.value.bucket().unwrap().contents();
            let first = contents.entries.first()?;
            Some(first.value.bytes()?.to_vec())
        };
        buckets.iter().map(first).collect()
    }

    fn roots(bytes: &[u8]) -> Vec<usize> {
        let db = Db::open(View::new(bytes)).db.unwrap();
        let buckets = db.root().contents().entries;
        let roots = buckets
            .iter()
            .map(|entry| entry.value.bucket().unwrap().page().unwrap());
        roots
            .map(|page| usize::try_from(page.at(4096)).unwrap())
            .collect()
    }

    #[test]
    fn a_healthy_file_is_taken_as_it_is() {
        assert_eq!(by_flags(&file()), None);
        assert_eq!(by_flags(b""), None);
    }

    #[test]
    fn a_page_that_went_astray_is_read_where_it_lies() {
        let mut bytes = file();
        let &[one, other] = roots(&bytes).as_slice() else {
            panic!()
        };
        let page = bytes[one..one + 4096].to_vec();
        bytes[other..other + 4096].copy_from_slice(&page);
        assert_eq!(first_values(&bytes)[1], None);
        let taken = by_flags(&bytes).unwrap();
        assert_eq!(
            first_values(&taken),
            [Some(b"a".to_vec()), Some(b"a".to_vec())]
        );
    }

    #[test]
    fn a_leaf_with_another_bit_is_a_leaf_and_one_without_its_own_is_none() {
        let good = file();
        let at = roots(&good)[0];
        for (flags, sees) in [(0x12, true), (0x06, true), (0x10, false), (0x00, false)] {
            let mut bytes = good.clone();
            // Below its root stand leaves, or it is one itself.
            let is_leaf = bytes[at + 8] == 2;
            bytes[at + 8] = if is_leaf {
                flags
            } else {
                flags & !2 | u8::from(flags & 2 != 0)
            };
            let taken = by_flags(&bytes);
            assert_eq!(taken.is_some(), sees, "{flags:#x}");
            if let Some(taken) = taken {
                assert_eq!(first_values(&taken), first_values(&good));
            }
        }
    }
}
