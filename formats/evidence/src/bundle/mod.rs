//! Evidence that is a tar: somebody's, or our own with a manifest.

mod foreign;
pub(crate) mod manifest;
mod newest;
mod notes;
mod own;
mod spool;
mod store;
mod tree;
pub mod verify;
pub mod write;

pub use manifest::Program;

use std::io::Read;
use std::path::Path;

use finding::{Known, Text, Time, Unknown, Unread};

use crate::budget::{Packed, Work};
use crate::directory::Xattrs;
use crate::image::{self, Image};
use crate::inflate::{self, Packing};
use crate::pages::Stream;
use crate::tar::{End, Members};
use crate::{Entry, Manifest, Options, Pages, Source, Stat, path};
use foreign::Loader;
use manifest::DiskFact;
use tree::{Data, Inode, Tree};

/// What a redaction keeps back.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Hidden {
    /// Files with masked values.
    pub masked: Vec<Text>,
    /// How many files were left out for what may be in them.
    pub left_out: u64,
}

/// A tar, read to its end.
#[derive(Debug)]
pub(crate) struct Bundle {
    name: Text,
    tree: Tree,
    manifest: Option<Manifest>,
    captured: Option<Time>,
    complete: bool,
    notes: Vec<String>,
    hidden: Hidden,
    left: Vec<Unknown>,
    /// Bytes of data of one member that may be copied to memory at once.
    whole: u64,
}

/// Such bytes of any archive, and more for each of its own: see [`Budget`](crate::Budget).
const WHOLE: (u64, u64) = (64 << 20, 16);

impl Bundle {
    /// Reads a tar from front to back.
    /// What it is instead, where it is no tar and that is known, is put into `image`.
    pub(crate) fn read_bundle(
        reader: impl Read,
        name: Text,
        options: &Options,
        image: &mut Option<Image>,
    ) -> Result<Self, Unread> {
        let io = |error: std::io::Error| Unread::Io(error.to_string());
        let packed = Packed::default();
        let opened = inflate::open(reader, &options.budget, packed.clone());
        let (packing, stream) = opened.map_err(io)?;
        let (found, stream) = image::peek(stream);
        if let Some(found) = found {
            *image = Some(found);
            let how = match packing {
                Packing::Gzip => ", packed with gzip",
                Packing::Zstd => ", packed with zstd",
                Packing::Plain | Packing::Unsupported(_) => "",
            };
            return Err(Unread::Io(format!("it is {found}{how}, not a tar")));
        }
        if let Packing::Unsupported(what) = packing {
            return Err(Unread::Io(format!(
                "a {what} archive; plain, gzip and zstd tars can be read"
            )));
        }
        let work = Work::on(packed.clone());
        let mut members = Members::within(stream, options.budget.record, work);
        let mut loader = Loader::new(options, &packed);
        let first = members.next_member();
        let Some(first) = first else {
            return Err(Unread::Io(match members.end() {
                Some(End::Checksum { .. }) => "neither a directory nor a tar".into(),
                Some(End::Unended { at: 0 }) => "an empty file".into(),
                Some(End::Io { error, .. }) => error.clone(),
                _ => "no archive with members: neither a tar nor a bundle, or a file of zeroes"
                    .into(),
            }));
        };
        if first.name == manifest::NAME.as_bytes() {
            return own::read_own_bundle(members, loader, name);
        }
        let mut next = Some(first);
        while let Some(member) = next {
            if let Err(error) = loader.member(&member, &mut members) {
                members.stop(&error);
            }
            next = members.next_member();
        }
        loader.finish(&mut members);
        let end = members.end().cloned().unwrap_or(End::Whole);
        for odd in core::mem::take(&mut members.odd) {
            loader.notes.add(odd);
        }
        if end != End::Whole {
            loader.notes.add(end.to_string());
        }
        if let Some(why) = &loader.store.spool.failed {
            loader.notes.add(why.as_str());
        }
        Ok(Self {
            name,
            tree: loader.tree,
            manifest: None,
            captured: loader.newest.captured(),
            complete: end.is_whole() && !loader.is_full,
            notes: loader.notes.lines(),
            hidden: Hidden::default(),
            left: loader.notes.left(),
            whole: members.allowance(WHOLE.0, WHOLE.1),
        })
    }

    pub(crate) const fn name(&self) -> &Text {
        &self.name
    }

    pub(crate) const fn manifest(&self) -> Option<&Manifest> {
        self.manifest.as_ref()
    }

    pub(crate) const fn captured(&self) -> Option<Time> {
        self.captured
    }

    pub(crate) const fn is_complete(&self) -> bool {
        self.complete
    }

    /// Whether values in a file are masked.
    pub(crate) fn is_masked(&self, path: &Path) -> bool {
        let id = self.tree.find_followed(path);
        let inode = id.ok().and_then(|id| self.tree.get(id));
        inode.is_some_and(|inode| inode.masked)
    }

    pub(crate) const fn hidden(&self) -> &Hidden {
        &self.hidden
    }

    pub(crate) fn left_out(&self) -> Vec<Unknown> {
        self.left.clone()
    }

    pub(crate) fn notes(&self) -> Vec<String> {
        self.notes.clone()
    }

    /// Bytes of the archive, as it lies on the disk.
    pub(crate) fn packed(&self) -> u64 {
        self.tree.packed()
    }

    /// From now on, paths begin at this directory.
    pub(crate) fn begin_at(&mut self, path: &Path) -> Result<(), Unread> {
        self.tree.begin_at(path)
    }

    fn inode(&self, path: &Path) -> Result<&Inode, Unread> {
        let id = self.asked(path, self.tree.find(path))?;
        self.tree.get(id).ok_or(Unread::Absent)
    }

    /// What our own `collect` looked for and did not find is absent, not merely not collected.
    fn asked<T>(&self, path: &Path, found: Result<T, Unread>) -> Result<T, Unread> {
        let absent = self.manifest.iter().flat_map(|it| &it.absent);
        let is_below = |root: &Text| path.starts_with(path::path(root.bytes()));
        match found {
            Err(Unread::NotCollected) if absent.into_iter().any(is_below) => Err(Unread::Absent),
            found => found,
        }
    }

    pub(crate) fn stat(&self, path: &Path) -> Result<Stat, Unread> {
        Ok(self.inode(path)?.stat.clone())
    }

    pub(crate) fn list(&self, path: &Path) -> Result<Known<Vec<Entry>>, Unread> {
        self.asked(path, self.tree.list(path))
    }

    pub(crate) fn read_link(&self, path: &Path) -> Result<Text, Unread> {
        let inode = self.inode(path)?;
        let target = inode.target.clone();
        target.ok_or_else(|| Unread::Special(inode.stat.kind.word()))
    }

    pub(crate) fn xattrs(&self, path: &Path) -> Known<Xattrs> {
        let what = format!("extended attributes of {}", path::shown(path));
        let inode = match self.inode(path) {
            Ok(inode) => inode,
            Err(unread) => return Known::lost(what, unread.to_string()),
        };
        let unknown = inode.xattrs_unknown.iter();
        let unknown = unknown.map(|why| Unknown::new(what.as_str(), &**why));
        Known::with((*inode.xattrs).clone(), unknown.collect())
    }

    pub(crate) fn sha256(&self, path: &Path) -> Option<[u8; 32]> {
        let inode = self.tree.get(self.tree.find_followed(path).ok()?)?;
        let known = inode.sha256.as_deref().copied();
        known.filter(|_| !inode.masked)
    }

    pub(crate) fn same(&self, one: &Path, other: &Path) -> Option<bool> {
        Some(self.tree.find(one).ok()? == self.tree.find(other).ok()?)
    }

    pub(crate) fn identity(&self, path: &Path) -> Option<(u64, u64)> {
        Some((0, u64::try_from(self.tree.find(path).ok()?).ok()?))
    }

    /// What the kernel said of the disk below exactly this path.
    pub(crate) fn disk(&self, path: &Path) -> Option<&DiskFact> {
        let shown = path::shown(path);
        let mut facts = self.manifest.iter().flat_map(|it| &it.disks);
        facts.find(|fact| fact.path.0 == shown)
    }

    pub(crate) fn clamped(&self, path: &Path) -> Option<Text> {
        self.tree.clamped(path)
    }

    fn content(&self, path: &Path) -> Result<(&Inode, &crate::content::Content), Unread> {
        let id = self.asked(path, self.tree.find_followed(path))?;
        let inode = self.tree.get(id).ok_or(Unread::Absent)?;
        match (inode.stat.kind.unread(), &inode.data) {
            (Some(unread), _) => Err(unread),
            (None, Data::Not(unread)) => Err(unread.clone()),
            (None, Data::Kept(content)) => Ok((inode, content)),
        }
    }

    pub(crate) fn source(&self, path: &Path, limit: u64) -> Result<Source, Unread> {
        let (inode, content) = self.content(path)?;
        let data = content.extents.iter().map(|extent| extent.span.len);
        let data = data.fold(0, u64::saturating_add);
        if data > self.whole {
            return Err(Unread::NoRoom);
        }
        let bytes = content.whole(limit)?;
        let stat = inode.stat.clone();
        Ok(Source::new(path::shown(path), stat, bytes, false))
    }

    pub(crate) fn pages(&self, path: &Path) -> Result<Pages, Unread> {
        let (inode, content) = self.content(path)?;
        let (stat, content) = (inode.stat.clone(), content.clone());
        Ok(Pages::new(path::shown(path), stat, content, None))
    }

    pub(crate) fn reader(&self, path: &Path) -> Result<Box<dyn Read + Send + '_>, Unread> {
        let (inode, content) = self.content(path)?;
        if inode.masked {
            return Err(Unread::Masked);
        }
        Ok(Box::new(Stream::new(content.clone(), None)))
    }
}
