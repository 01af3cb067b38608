//! Where a file's bytes lie: stretches in memory or in an open file, with holes between them.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::sync::Arc;

use finding::Unread;
use view::Span;

/// Where a stretch of bytes lies.
#[derive(Debug, Clone)]
pub(crate) enum Place {
    /// In memory, from this offset on.
    Memory(Arc<Vec<u8>>, u64),
    /// In an open file, from this offset on.
    File(Arc<File>, u64),
}

/// A stretch of a file that holds data.
#[derive(Debug, Clone)]
pub(crate) struct Extent {
    /// Which bytes of the file.
    pub(crate) span: Span,
    /// Where they lie.
    pub(crate) place: Place,
}

/// The bytes of one file: extents in rising order, without overlaps; what is between them is zero.
#[derive(Debug, Clone, Default)]
pub(crate) struct Content {
    /// Length of the file in bytes, holes included.
    pub(crate) len: u64,
    /// The data.
    pub(crate) extents: Vec<Extent>,
}

impl Content {
    /// All bytes, shared where they already lie in memory in one piece.
    pub(crate) fn whole(&self, limit: u64) -> Result<Arc<Vec<u8>>, Unread> {
        if self.len > limit {
            return Err(Unread::TooLarge {
                size: self.len,
                limit,
            });
        }
        if let [
            Extent {
                span,
                place: Place::Memory(bytes, 0),
            },
        ] = self.extents.as_slice()
            && span.len == self.len
            && u64::try_from(bytes.len()) == Ok(self.len)
        {
            return Ok(Arc::clone(bytes));
        }
        let len = usize::try_from(self.len).map_err(|_| Unread::TooLarge {
            size: self.len,
            limit,
        })?;
        // Fresh zeroes take no memory until they are written to: holes are left alone.
        let mut bytes = vec![0; len];
        for Extent { span, .. } in &self.extents {
            let end = span.end().min(self.len);
            let from = offset(span.start, 0);
            let Some(part) = bytes.get_mut(from..offset(end, 0)) else {
                continue;
            };
            self.read_at(span.start, part)?;
        }
        Ok(Arc::new(bytes))
    }

    /// The file that holds all of it at the same places.
    pub(crate) fn file(&self) -> Option<&File> {
        let mut found: Option<&Arc<File>> = None;
        for extent in &self.extents {
            match &extent.place {
                Place::File(file, at)
                    if *at == extent.span.start
                        && found.is_none_or(|other| Arc::ptr_eq(other, file)) =>
                {
                    found = Some(file);
                }
                _ => return None,
            }
        }
        found.map(|file| &**file)
    }

    /// The first extent that ends after `at`.
    fn first_after(&self, at: u64) -> usize {
        self.extents
            .partition_point(|extent| extent.span.end() <= at)
    }

    /// Fills `into` from `at` on; how many bytes there were before the end of the file. The rest
    /// of `into` is left as it is; holes become zero.
    pub(crate) fn read_at(&self, at: u64, into: &mut [u8]) -> Result<usize, Unread> {
        let room = u64::try_from(into.len()).unwrap_or(u64::MAX);
        let end = at.saturating_add(room).min(self.len);
        let count = usize::try_from(end.saturating_sub(at)).unwrap_or(0);
        let into = into.get_mut(..count).unwrap_or_default();
        let extents = self.extents.get(self.first_after(at)..).unwrap_or_default();
        // What is read is not zeroed first: of a big file that would be a second pass over memory.
        let mut done = at;
        for Extent { span, place } in extents {
            if span.start >= end {
                break;
            }
            let from = span.start.max(at);
            let to = span.end().min(end);
            if let Some(hole) = into.get_mut(offset(done, at)..offset(from, at)) {
                hole.fill(0);
            }
            done = to;
            let part = into
                .get_mut(offset(from, at)..offset(to, at))
                .unwrap_or_default();
            let skip = from.saturating_sub(span.start);
            match place {
                Place::Memory(bytes, start) => {
                    let start = usize::try_from(start.saturating_add(skip)).unwrap_or(usize::MAX);
                    let bytes = bytes.get(start..).unwrap_or_default();
                    let bytes = bytes.get(..part.len()).ok_or(Unread::Changed)?;
                    part.copy_from_slice(bytes);
                }
                Place::File(file, start) => {
                    file.read_exact_at(part, start.saturating_add(skip))
                        .map_err(|error| short_is_changed(&error))?;
                }
            }
        }
        if let Some(hole) = into.get_mut(offset(done, at)..) {
            hole.fill(0);
        }
        Ok(count)
    }

    /// The first stretch of data at or after `at`, cut to `most` bytes.
    pub(crate) fn data_at(&self, at: u64, most: u64) -> Option<Span> {
        let extent = self.extents.get(self.first_after(at))?;
        let start = extent.span.start.max(at);
        let len = extent.span.end().min(self.len).saturating_sub(start);
        (len != 0).then(|| Span::new(start, len.min(most)))
    }
}

/// `at - base` as an index.
fn offset(at: u64, base: u64) -> usize {
    usize::try_from(at.saturating_sub(base)).unwrap_or(usize::MAX)
}

/// A file that ends before the place where it had data has shrunk.
fn short_is_changed(error: &io::Error) -> Unread {
    if error.kind() == io::ErrorKind::UnexpectedEof {
        Unread::Changed
    } else {
        Unread::Io(error.to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sparse() -> Content {
        let bytes = Arc::new(b"abcdef".to_vec());
        let extent = |start, len, at| Extent {
            span: Span::new(start, len),
            place: Place::Memory(Arc::clone(&bytes), at),
        };
        Content {
            len: 20,
            extents: vec![extent(2, 4, 0), extent(10, 2, 4)],
        }
    }

    #[test]
    fn holes_are_zero_wherever_one_starts_to_read() {
        let want = b"\0\0abcd\0\0\0\0ef\0\0\0\0\0\0\0\0";
        for at in 0..=22_usize {
            for len in 0..=22_usize {
                let mut into = vec![7; len];
                let count = sparse()
                    .read_at(u64::try_from(at).unwrap(), &mut into)
                    .unwrap();
                let end = (at + len).min(20);
                assert_eq!(count, end.saturating_sub(at));
                assert_eq!(&into[..count], &want[at.min(20)..end.max(at.min(20))]);
                assert!(into[count..].iter().all(|byte| *byte == 7));
            }
        }
        assert_eq!(sparse().whole(20).unwrap().as_slice(), want);
        assert!(sparse().whole(19).is_err());
    }

    #[test]
    fn data_are_found_after_holes() {
        assert_eq!(sparse().data_at(0, 100), Some(Span::new(2, 4)));
        assert_eq!(sparse().data_at(4, 1), Some(Span::new(4, 1)));
        assert_eq!(sparse().data_at(6, 100), Some(Span::new(10, 2)));
        assert_eq!(sparse().data_at(12, 100), None);
    }
}
