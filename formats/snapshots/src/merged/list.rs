//! The names in a merged directory.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use evidence::{Detailed, Entry, FileKind, Stat, Wants};
use finding::{Known, Text, Unknown, Unread};

use super::{Data, Merged, MergedEntry, Part, join};
use crate::overlay::{Marks, Opaque, is_whiteout_device, is_whiteout_file};

/// What a name is so far, the layers from the topmost down to here read.
enum Name {
    /// A layer says that it is gone.
    Gone,
    /// It is there, and no layer below adds to it.
    Done(MergedEntry),
    /// A directory, and layers below may add their names to it.
    Dir(MergedEntry),
    /// Below the given part it goes on under another name: a directory, or a file whose bytes lie
    /// there.
    Moved(MergedEntry, usize, Text),
    /// A file whose bytes lie below.
    Copied(MergedEntry),
}

/// What one layer says of a name.
struct Here {
    entry: Entry,
    path: PathBuf,
    is_whiteout: bool,
    marks: Marks,
    target: Option<Result<Text, Unread>>,
}

pub(super) const fn has_xwhiteouts(marks: &Marks) -> bool {
    matches!(marks.opaque, Some(Opaque::Xwhiteouts))
}

impl Merged<'_> {
    /// The entries of a directory of the merged tree, sorted by their names' bytes.
    ///
    /// What could not be listed in one layer is unknown: then names that are here may be gone, and
    /// others may be there.
    ///
    /// # Errors
    /// `entry` is no directory.
    pub fn list(&self, entry: &MergedEntry) -> Result<List, Unread> {
        if entry.parts.is_empty() {
            let why = entry.stat.kind.unread();
            return Err(why.unwrap_or(Unread::Special("regular file")));
        }
        Ok(self.list_parts(&entry.parts))
    }

    /// As [`list`](Self::list), of the directories that are seen as one.
    pub(super) fn list_parts(&self, parts: &[Part]) -> List {
        let mut unknown = Vec::new();
        if let [part] = parts {
            return self.list_alone(part, unknown);
        }
        let mut names: BTreeMap<Text, Name> = BTreeMap::new();
        for (index, part) in parts.iter().enumerate() {
            // Nothing that lies below what is gone, or is no directory, is looked at.
            let list = self.read_details(part, &|name| is_settled(&names, name), &mut unknown);
            for entry in list {
                let name = entry.entry.name.clone();
                if is_settled(&names, &name) {
                    continue;
                }
                let here = self.here(part, entry, &mut unknown);
                let next = match names.remove(&name) {
                    Some(seen) => add(seen, part, here, index),
                    None => first(part, here, index),
                };
                names.insert(name, next);
            }
        }
        let mut entries = Vec::with_capacity(names.len());
        for (name, seen) in names {
            if let Some(found) = self.settle(seen, parts, &mut unknown) {
                entries.push((name, found));
            }
        }
        Known::with(entries, unknown)
    }

    /// As [`list`](Self::list), of a directory that one layer alone has: most are.
    fn list_alone(&self, part: &Part, mut unknown: Vec<Unknown>) -> List {
        let listed = self.read_details(part, &|_| false, &mut unknown);
        let mut entries = Vec::with_capacity(listed.len());
        for entry in listed {
            let name = entry.entry.name.clone();
            let here = self.here(part, entry, &mut unknown);
            let seen = first(part, here, 0);
            let parts = core::slice::from_ref(part);
            if let Some(found) = self.settle(seen, parts, &mut unknown) {
                entries.push((name, found));
            }
        }
        Known::with(entries, unknown)
    }

    /// What a name is, after all layers were read.
    fn settle(
        &self,
        seen: Name,
        parts: &[Part],
        unknown: &mut Vec<Unknown>,
    ) -> Option<MergedEntry> {
        match seen {
            Name::Gone => None,
            Name::Done(found) | Name::Dir(found) | Name::Copied(found) => Some(found),
            Name::Moved(mut found, index, to) => {
                let from = parts.get(index..).unwrap_or_default();
                self.follow(&mut found, from, &to, unknown);
                Some(found)
            }
        }
    }

    /// Lists one layer's directory. Attributes are read only where they can change what is seen.
    fn read_details(
        &self,
        part: &Part,
        is_settled: &dyn Fn(&Text) -> bool,
        unknown: &mut Vec<Unknown>,
    ) -> Vec<Detailed> {
        let wants = |entry: &Entry| {
            let may_matter = match entry.stat.kind {
                FileKind::Dir => true,
                FileKind::File => part.xwhiteouts || may_be_copied(&entry.stat),
                _ => false,
            };
            Wants {
                xattrs: self.prefix.is_some() && may_matter && !is_settled(&entry.name),
                target: self.targets && !is_settled(&entry.name),
            }
        };
        let list = self.evidence.list_with(&part.path, &wants);
        unknown.extend(list.unknown().iter().cloned());
        match list {
            Known::Whole(entries) | Known::Partial(entries, _) => entries,
            Known::Lost(_) => Vec::new(),
        }
    }

    /// Marks of a file; nothing if the tree is plain.
    pub(super) fn marks(&self, path: &Path) -> Option<(Marks, Vec<Unknown>)> {
        let prefix = self.prefix?;
        let known = self.evidence.xattrs(path);
        let marks = known.read().map(|xattrs| Marks::decode(xattrs, prefix));
        Some((marks.unwrap_or_default(), known.unknown().to_vec()))
    }

    /// What one layer says of a name.
    fn here(&self, part: &Part, detailed: Detailed, unknown: &mut Vec<Unknown>) -> Here {
        let Detailed {
            entry,
            xattrs,
            target,
        } = detailed;
        let path = join(&part.path, &entry.name);
        let marks = match (&xattrs, self.prefix) {
            (Some(known), Some(prefix)) => {
                unknown.extend(known.unknown().iter().cloned());
                let marks = known.read().filter(|xattrs| !xattrs.is_empty());
                marks.map_or_else(Marks::default, |xattrs| Marks::decode(xattrs, prefix))
            }
            _ => Marks::default(),
        };
        let device = is_whiteout_device(&entry.stat);
        if device.is_none() && self.prefix.is_some() {
            let path = Text::from(path.as_os_str().as_encoded_bytes());
            unknown.push(Unknown::new(
                format!("whether {path} is a whiteout"),
                "the evidence has no device numbers",
            ));
        }
        let is_file = part.xwhiteouts && is_whiteout_file(&entry.stat, &marks);
        let is_whiteout = self.prefix.is_some() && (device == Some(true) || is_file);
        Here {
            entry,
            path,
            is_whiteout,
            marks,
            target,
        }
    }
}

pub(super) type List = Known<Vec<(Text, MergedEntry)>>;

/// A file of which only the metadata were copied up has a size, and no blocks but those of its
/// attributes (one of 4 KiB, on ext4).
fn may_be_copied(stat: &Stat) -> bool {
    stat.size > 0 && stat.blocks.is_none_or(|blocks| blocks <= ATTRIBUTES)
}

/// Blocks of 512 bytes that attributes may take.
const ATTRIBUTES: u64 = 16;

/// Whether no layer below can change what the name is.
fn is_settled(names: &BTreeMap<Text, Name>, name: &Text) -> bool {
    matches!(
        names.get(name),
        Some(Name::Gone | Name::Done(_) | Name::Moved(..))
    )
}

/// The topmost layer that has the name says what it is.
fn first(part: &Part, here: Here, index: usize) -> Name {
    if here.is_whiteout {
        return Name::Gone;
    }
    let is_dir = here.entry.stat.is_dir();
    let own = is_dir.then(|| Part {
        layer: part.layer,
        path: here.path.clone(),
        xwhiteouts: has_xwhiteouts(&here.marks),
    });
    let found = MergedEntry {
        stat: here.entry.stat,
        layer: part.layer,
        place: here.path,
        target: here.target,
        data: match here.marks.metacopy {
            Some(_) if !is_dir => Data::Missing,
            _ => Data::Here,
        },
        parts: own.into_iter().collect(),
    };
    on(found, &here.marks, index)
}

/// How something goes on below a layer that has it with these marks.
fn on(found: MergedEntry, marks: &Marks, index: usize) -> Name {
    let is_dir = found.stat.is_dir();
    let ends = if is_dir {
        marks.opaque == Some(Opaque::Yes)
    } else {
        marks.metacopy.is_none()
    };
    if ends {
        Name::Done(found)
    } else if let Some(to) = &marks.redirect {
        Name::Moved(found, index, to.clone())
    } else if is_dir {
        Name::Dir(found)
    } else {
        Name::Copied(found)
    }
}

/// A layer below adds to what is seen, or ends it.
fn add(seen: Name, part: &Part, here: Here, index: usize) -> Name {
    match seen {
        Name::Dir(mut found) => {
            if here.is_whiteout || !here.entry.stat.is_dir() {
                return Name::Done(found);
            }
            found.parts.push(Part {
                layer: part.layer,
                path: here.path,
                xwhiteouts: has_xwhiteouts(&here.marks),
            });
            on(found, &here.marks, index)
        }
        Name::Copied(found) if here.is_whiteout || !here.entry.stat.is_file() => Name::Done(found),
        Name::Copied(mut found) => {
            if here.marks.metacopy.is_none() {
                found.data = Data::Below(here.path);
            }
            on(found, &here.marks, index)
        }
        Name::Gone | Name::Done(_) | Name::Moved(..) => seen,
    }
}
