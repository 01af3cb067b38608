//! Folders of evidence: what stands in them, and what could not be told.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use evidence::{Entry, Evidence, FileKind};
use finding::{Known, Text, Unknown, Unread};

/// Entries of one folder that are looked into. A node holds some hundred containers.
const MOST: usize = 20_000;

/// What is learned on the way besides the facts.
#[derive(Debug, Default)]
pub(crate) struct Gaps {
    pub(crate) unknown: Vec<Unknown>,
    pub(crate) strange: Vec<(Text, Unread)>,
}

/// The entries of a folder, and whether they are all of them.
#[derive(Debug, Default)]
pub(crate) struct Folder {
    pub(crate) path: PathBuf,
    pub(crate) entries: Vec<Entry>,
    pub(crate) whole: bool,
    pub(crate) there: bool,
}

impl Folder {
    /// Lists `path`. An absent folder is empty, and whole; anything else that cannot be listed is
    /// unknown.
    pub(crate) fn list(evidence: &Evidence, path: &Path, gaps: &mut Gaps) -> Self {
        let mut folder = Self {
            path: path.to_owned(),
            ..Self::default()
        };
        match evidence.try_list(path) {
            Err(Unread::Absent) => folder.whole = true,
            Err(unread) => {
                if matches!(unread, Unread::Special(_)) {
                    gaps.strange.push((path_text(path), unread.clone()));
                }
                gaps.unknown.push(Unknown::new(
                    format!("entries of {}", path_text(path)),
                    unread.to_string(),
                ));
            }
            Ok(known) => {
                folder.there = true;
                folder.whole = known.is_whole();
                gaps.unknown.extend(known.unknown().iter().cloned());
                if let Known::Whole(entries) | Known::Partial(entries, _) = known {
                    folder.entries = entries;
                }
            }
        }
        if folder.entries.len() > MOST {
            folder.whole = false;
            gaps.unknown.push(Unknown::new(
                format!("entries of {} after the first {MOST}", path_text(path)),
                "there are too many",
            ));
            folder.entries.truncate(MOST);
        }
        folder
    }

    /// The folders in it. What is none, though a folder should stand there, is strange.
    pub(crate) fn folders<'f>(
        &'f self,
        gaps: &mut Gaps,
    ) -> impl Iterator<Item = (&'f Entry, PathBuf)> + use<'f> {
        for entry in &self.entries {
            if entry.stat.kind == FileKind::Symlink {
                let path = path_text(&self.join(&entry.name));
                gaps.strange.push((path, Unread::Special("symlink")));
            }
        }
        self.entries
            .iter()
            .filter(|entry| entry.stat.kind == FileKind::Dir)
            .map(|entry| (entry, self.join(&entry.name)))
    }

    /// The path of `name` in it.
    pub(crate) fn join(&self, name: &Text) -> PathBuf {
        self.path.join(OsStr::from_bytes(name.bytes()))
    }

    /// The entry `name`.
    pub(crate) fn get(&self, name: &str) -> Option<&Entry> {
        self.entries.iter().find(|entry| entry.name == *name)
    }
}

/// A path as text.
pub(crate) fn path_text(path: &Path) -> Text {
    Text::from(path.as_os_str().as_bytes())
}

/// A text of the evidence as a path, if it is absolute.
pub(crate) fn absolute(text: &Text) -> Option<&Path> {
    let path = Path::new(OsStr::from_bytes(text.bytes()));
    path.is_absolute().then_some(path)
}

/// Whether a path that evidence names is there.
pub(crate) fn there(evidence: &Evidence, path: &Text) -> Result<(), Unread> {
    let path = absolute(path).ok_or(Unread::Absent)?;
    evidence.stat(path).map(|_| ())
}
