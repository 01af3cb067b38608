//! Evidence as it would be after a change: files that are replaced or gone, in memory only.
//!
//! A repair is judged before it is made: the node is read again with the new files in their places,
//! and nothing on disk has changed.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use finding::{Known, Text, Unread};
use view::Span;

use crate::content::{Content, Extent, Place};
use crate::{Entry, FileKind, Pages, Source, Stat, path};

/// What becomes of one name.
#[derive(Debug, Clone)]
pub enum Change {
    /// A regular file with these bytes stands there.
    File(Arc<Vec<u8>>),
    /// Nothing stands there any more, nor below it.
    Gone,
    /// A folder that holds nothing but what is staged below it, with this mode.
    Folder(u32),
    /// What stands at another path, with what `lstat` says of that.
    As(PathBuf, Box<Stat>),
}

/// Every change, by path relative to the evidence's root.
#[derive(Debug, Default)]
pub(crate) struct Staged(BTreeMap<PathBuf, Change>);

/// What a change says of a path.
pub(crate) enum Seen<'c> {
    /// Nothing: it is as it was.
    AsIs,
    /// It is this file.
    File(&'c Arc<Vec<u8>>),
    /// It is gone.
    Gone,
    /// It is a new folder.
    Folder(u32),
    /// It is the file at this path.
    As(&'c Path),
}

impl Staged {
    pub(crate) fn set(&mut self, at: &Path, change: Change) {
        self.0.insert(path::relative(at), change);
    }

    pub(crate) fn forget(&mut self, at: &Path) {
        self.0.remove(&path::relative(at));
    }

    pub(crate) fn clear(&mut self) {
        self.0.clear();
    }

    /// What became of `at`.
    pub(crate) fn see(&self, at: &Path) -> Seen<'_> {
        if self.0.is_empty() {
            return Seen::AsIs;
        }
        let at = path::relative(at);
        match self.0.get(&at) {
            Some(Change::File(bytes)) => return Seen::File(bytes),
            Some(Change::Gone) => return Seen::Gone,
            Some(Change::Folder(mode)) => return Seen::Folder(*mode),
            Some(Change::As(path, _)) => return Seen::As(path),
            None => {}
        }
        let above = at.ancestors().skip(1);
        for above in above {
            if self.0.contains_key(above) {
                return Seen::Gone;
            }
        }
        Seen::AsIs
    }

    /// The changes of names right in the directory `at`.
    fn here(&self, at: &Path) -> BTreeMap<&[u8], &Change> {
        if self.0.is_empty() {
            return BTreeMap::new();
        }
        let folder = path::relative(at);
        let folder = if folder == Path::new(".") {
            Path::new("")
        } else {
            &folder
        };
        self.0
            .iter()
            .filter(|(name, _)| name.parent() == Some(folder))
            .filter_map(|(name, change)| Some((name.file_name()?.as_encoded_bytes(), change)))
            .collect()
    }

    /// The entries of the directory `at` after the changes. `entry` is how an entry is held in the
    /// list, `wrap` makes one of a staged file.
    pub(crate) fn list<T>(
        &self,
        at: &Path,
        listed: Known<Vec<T>>,
        entry: impl Fn(&T) -> &Entry,
        wrap: impl Fn(Entry) -> T,
    ) -> Known<Vec<T>> {
        let changes = self.here(at);
        if changes.is_empty() {
            return listed;
        }
        listed.map(|mut entries| {
            entries.retain(|one| !changes.contains_key(entry(one).name.bytes()));
            for (name, change) in changes {
                let stat = match change {
                    Change::File(bytes) => stat(bytes, None),
                    Change::Folder(mode) => folder(*mode),
                    Change::As(_, stat) => Stat::clone(stat),
                    Change::Gone => continue,
                };
                let name = Text::from(name);
                entries.push(wrap(Entry { name, stat }));
            }
            entries.sort_by(|one, other| entry(one).name.bytes().cmp(entry(other).name.bytes()));
            entries
        })
    }
}

/// What is known of a staged file: as the one in its place, with its own size.
pub(crate) fn stat(bytes: &[u8], was: Option<Stat>) -> Stat {
    let size = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
    let mut stat = was.filter(Stat::is_file).unwrap_or_else(|| Stat {
        only_kind: false,
        mode: 0o644,
        ..Stat::only(FileKind::File)
    });
    stat.size = size;
    stat.blocks = None;
    stat.ino = None;
    stat
}

/// What is known of a staged folder.
pub(crate) fn folder(mode: u32) -> Stat {
    Stat {
        only_kind: false,
        mode,
        ..Stat::only(FileKind::Dir)
    }
}

pub(crate) fn source(at: &Path, bytes: &Arc<Vec<u8>>, limit: u64) -> Result<Source, Unread> {
    let stat = stat(bytes, None);
    if stat.size > limit {
        return Err(Unread::TooLarge {
            size: stat.size,
            limit,
        });
    }
    Ok(Source::new(path::shown(at), stat, Arc::clone(bytes), false))
}

/// Its bytes, as every other file's are held.
pub(crate) fn content(bytes: &Arc<Vec<u8>>) -> Content {
    let len = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
    Content {
        len,
        extents: vec![Extent {
            span: Span::new(0, len),
            place: Place::Memory(Arc::clone(bytes), 0),
        }],
    }
}

pub(crate) fn pages(at: &Path, bytes: &Arc<Vec<u8>>) -> Pages {
    Pages::new(path::shown(at), stat(bytes, None), content(bytes), None)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Evidence, Options};

    #[test]
    #[expect(clippy::disallowed_methods, reason = "a folder of the test's own")]
    fn a_staged_change_is_seen_and_nothing_is_written() {
        let folder = tempfile::tempdir().unwrap();
        let at = folder.path();
        std::fs::create_dir_all(at.join("store/gone")).unwrap();
        std::fs::write(at.join("store/old"), b"old").unwrap();
        std::fs::write(at.join("store/gone/inner"), b"x").unwrap();
        let mut evidence = Evidence::open(at, &Options::default()).unwrap();
        let file = |bytes: &[u8]| Change::File(Arc::new(bytes.to_vec()));
        evidence.stage(Path::new("/store/old"), file(b"newer"));
        evidence.stage(Path::new("store/made"), file(b"made"));
        evidence.stage(Path::new("/store/gone"), Change::Gone);
        evidence.stage(Path::new("/store/folder"), Change::Folder(0o700));
        evidence.stage(Path::new("/store/folder/fs"), Change::Folder(0o755));
        evidence
            .stage_as(Path::new("/store/same"), Path::new("/store/gone/inner"))
            .unwrap();
        evidence
            .stage_as(Path::new("/store/folder/same"), Path::new("/store/old"))
            .unwrap();
        let bytes = |evidence: &Evidence, path: &str| {
            let source = evidence.source(Path::new(path), 100);
            source.map(|source| source.bytes().to_vec())
        };
        let names = |evidence: &Evidence| -> Vec<String> {
            let list = evidence.list(Path::new("/store"));
            let entries = list.whole().unwrap().iter();
            entries.map(|entry| entry.name.to_string()).collect()
        };
        assert_eq!(bytes(&evidence, "/store/old"), Ok(b"newer".to_vec()));
        assert_eq!(evidence.stat(Path::new("/store/old")).unwrap().size, 5);
        assert_eq!(bytes(&evidence, "/store/same"), Ok(b"x".to_vec()));
        assert_eq!(bytes(&evidence, "/store/gone/inner"), Err(Unread::Absent));
        assert_eq!(names(&evidence), ["folder", "made", "old", "same"]);
        let inner = evidence.list(Path::new("/store/folder"));
        let inner: Vec<String> = inner
            .whole()
            .unwrap()
            .iter()
            .map(|entry| format!("{} {}", entry.name, entry.stat.kind.word()))
            .collect();
        assert_eq!(inner, ["fs directory", "same regular file"]);
        assert!(evidence.stat(Path::new("/store/folder")).unwrap().is_dir());
        let none = evidence.stat(Path::new("/store/folder/fs/none"));
        assert_eq!(none, Err(Unread::Absent));
        assert_eq!(bytes(&evidence, "/store/folder/same"), Ok(b"old".to_vec()));
        let pages = evidence.pages(Path::new("/store/made")).unwrap();
        assert_eq!(*pages.whole(10).unwrap(), b"made");
        evidence.unstage();
        assert_eq!(names(&evidence), ["gone", "old"]);
        assert_eq!(bytes(&evidence, "/store/old"), Ok(b"old".to_vec()));
        assert_eq!(std::fs::read(at.join("store/old")).unwrap(), b"old");
    }
}
