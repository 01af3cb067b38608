//! The one door to the bytes of a node.

use core::fmt;
use std::borrow::Cow;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use finding::{Known, Text, Time, Unknown, Unread};

use crate::bundle::{Bundle, Hidden};
use crate::cuts::Cuts;
use crate::directory::{self, Directory};
use crate::encoded::Encoded;
use crate::pages::Stream;
use crate::staged::{self, Change, Seen, Staged};
use crate::{
    Detailed, Entry, Flags, Image, Manifest, Mount, Options, Pages, Room, Source, Stat, Wants,
    Xattrs,
};

/// What the evidence is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A directory: `/`, a mounted image, any folder.
    Directory,
    /// Our own bundle, with a manifest.
    Bundle,
    /// Somebody else's tar.
    Tar,
}

/// Why evidence could not be opened at all.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OpenError {
    /// What was to be opened.
    pub path: Text,
    /// Why it could not be.
    pub why: Unread,
    /// What it is instead: an image of a disk.
    pub image: Option<Image>,
}

impl fmt::Display for OpenError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.path, self.why)
    }
}

impl core::error::Error for OpenError {}

/// A node's bytes: where they come from, and how they are looked up.
#[derive(Debug)]
pub struct Evidence {
    held: Held,
    staged: Staged,
    /// The folder that paths begin at, if it is not the evidence itself.
    below: Option<Below>,
    /// Bytes of documents that readers keep.
    kept: AtomicU64,
    /// What readers left out.
    cuts: Cuts,
}

/// Bytes of documents that readers may keep of any archive, and for each of its own, as it lies on the disk. What lies
/// on a disk unpacked is as large as its documents are.
const KEPT: u64 = 48 << 20;
const KEPT_A_BYTE: u64 = 32;

/// A folder inside the evidence that holds the node's file system.
#[derive(Debug)]
struct Below {
    path: PathBuf,
    /// Names whose bytes were written as `%XX`, by the path that they stand for.
    encoded: Encoded,
}

#[derive(Debug)]
enum Held {
    Directory(Directory),
    Bundle(Box<Bundle>),
}

/// The same question to whatever is held.
macro_rules! ask {
    ($evidence:expr, $held:ident => $answer:expr) => {
        match &$evidence.held {
            Held::Directory($held) => $answer,
            Held::Bundle($held) => $answer,
        }
    };
}

impl Evidence {
    /// Opens a directory, or a bundle (told by its first bytes).
    pub fn open(path: &Path, options: &Options) -> Result<Self, OpenError> {
        let shown = Text::from(path.as_os_str().as_encoded_bytes());
        let failed = |why| OpenError {
            path: shown.clone(),
            why,
            image: None,
        };
        let is_directory = options.held.is_some();
        let file = if is_directory {
            None
        } else {
            directory::bundle(path).map_err(failed)?
        };
        if let Some(file) = file {
            let mut image = None;
            let bundle = Bundle::read_bundle(file, shown.clone(), options, &mut image);
            return bundle.map(Self::of_bundle).map_err(|why| OpenError {
                image,
                ..failed(why)
            });
        }
        let directory = Directory::open(path, options).map_err(failed)?;
        Ok(Self {
            held: Held::Directory(directory),
            staged: Staged::default(),
            below: None,
            kept: AtomicU64::new(0),
            cuts: Cuts::default(),
        })
    }

    /// Reads a bundle from a stream, in one pass: standard input.
    pub fn open_stream(reader: impl Read, options: &Options) -> Result<Self, OpenError> {
        let name = Text::from("-");
        let mut image = None;
        let bundle = Bundle::read_bundle(reader, name.clone(), options, &mut image);
        bundle.map(Self::of_bundle).map_err(|why| OpenError {
            path: name,
            why,
            image,
        })
    }

    fn of_bundle(bundle: Bundle) -> Self {
        Self {
            held: Held::Bundle(Box::new(bundle)),
            staged: Staged::default(),
            below: None,
            kept: AtomicU64::new(0),
            cuts: Cuts::default(),
        }
    }

    /// From now on, paths begin at this folder of the evidence: collectors put what they take below
    /// one of theirs (`[root]/`, `uploads/auto/`). With `decode`, names that they wrote with `%XX`
    /// are those of the node again.
    pub fn begin_at(&mut self, folder: &Path, decode: bool) -> Result<(), Unread> {
        match &mut self.held {
            Held::Directory(directory) => directory.begin_at(folder)?,
            Held::Bundle(bundle) => bundle.begin_at(folder)?,
        }
        let encoded = if decode {
            Encoded::find(&self.cuts, |path| ask!(self, held => held.list(path)))
        } else {
            Encoded::default()
        };
        let path = match &self.below {
            Some(below) => below.path.join(crate::path::relative(folder)),
            None => folder.to_owned(),
        };
        self.below = Some(Below { path, encoded });
        Ok(())
    }

    /// The folder that paths begin at, if it is not the evidence itself.
    pub fn begins_at(&self) -> Option<&Path> {
        self.below.as_ref().map(|below| below.path.as_path())
    }

    /// A path as it is called where it is held.
    fn held_as<'p>(&self, path: &'p Path) -> Cow<'p, Path> {
        match &self.below {
            Some(below) => below.encoded.held_as(path),
            None => Cow::Borrowed(path),
        }
    }

    /// The name of an entry, as it was on the node.
    fn name_of(&self, entry: &mut Entry) {
        if let Some(below) = &self.below {
            below.encoded.name_of(entry);
        }
    }

    /// What the evidence is.
    pub const fn kind(&self) -> Kind {
        match &self.held {
            Held::Directory(_) => Kind::Directory,
            Held::Bundle(bundle) if bundle.manifest().is_some() => Kind::Bundle,
            Held::Bundle(_) => Kind::Tar,
        }
    }

    /// The name for reports.
    pub fn name(&self) -> Text {
        ask!(self, held => held.name().clone())
    }

    /// Bytes of an archive as it lies on the disk; nothing of what is no archive.
    pub fn packed(&self) -> Option<u64> {
        match &self.held {
            Held::Directory(_) => None,
            Held::Bundle(bundle) => Some(bundle.packed()),
        }
    }

    /// When the evidence was taken: the manifest's word, or the newest time in a tar (containers'
    /// own files do not count); nothing for a directory.
    pub const fn captured_at(&self) -> Option<Time> {
        match &self.held {
            Held::Directory(_) => None,
            Held::Bundle(bundle) => bundle.captured(),
        }
    }

    /// The manifest of our own bundle.
    pub const fn manifest(&self) -> Option<&Manifest> {
        match &self.held {
            Held::Directory(_) => None,
            Held::Bundle(bundle) => bundle.manifest(),
        }
    }

    /// Whether values in a file of a bundle are masked, so that its bytes are not the node's.
    pub fn is_masked(&self, path: &Path) -> bool {
        match &self.held {
            Held::Directory(_) => false,
            Held::Bundle(bundle) => bundle.is_masked(path),
        }
    }

    /// What a redaction keeps back of a bundle.
    pub fn hidden(&self) -> Hidden {
        match &self.held {
            Held::Directory(_) => Hidden::default(),
            Held::Bundle(bundle) => bundle.hidden().clone(),
        }
    }

    /// What the reader of a report should know of how the evidence was read.
    pub fn notes(&self) -> Vec<String> {
        ask!(self, held => held.notes())
    }

    /// What of the evidence was left out, for lack of room or because no file can be named so; and what readers
    /// left out until now.
    pub fn left_out(&self) -> Vec<Unknown> {
        let mut all = match &self.held {
            Held::Directory(directory) => directory.left_out(),
            Held::Bundle(bundle) => bundle.left_out(),
        };
        all.extend(self.cuts.all());
        all
    }

    /// Notes what a reader leaves out although it is there, and does not tell its caller:
    /// [`left_out`](Self::left_out) tells it.
    pub fn leave_out(&self, what: impl Into<String>, why: impl Into<String>) {
        self.cuts.add(Unknown::new(what, why));
    }

    /// Whether the evidence is all there: `false` for an archive that ends before its end.
    pub const fn is_complete(&self) -> bool {
        match &self.held {
            Held::Directory(_) => true,
            Held::Bundle(bundle) => bundle.is_complete(),
        }
    }

    /// Whether this is a machine's own root, or that of a node in a container: `/proc` shows processes.
    pub fn is_machine(&self) -> bool {
        matches!(self.held, Held::Directory(_))
            && self
                .mount(Path::new("/proc"))
                .is_some_and(|mount| mount.is_procfs())
    }

    /// A path below `/var/run`, which is a link to `/run` that a copy may lack: the one below `/run`, where
    /// that alone is there.
    pub fn at_run(&self, path: &Path) -> PathBuf {
        let is_there = |path: &Path| {
            let stat = self.stat(path);
            !matches!(stat, Err(Unread::Absent | Unread::NotCollected))
        };
        let plain = path.strip_prefix("/var/run").ok();
        let plain = plain.map(|rest| Path::new("/run").join(rest));
        let plain = plain.filter(|plain| !is_there(path) && is_there(plain));
        plain.unwrap_or_else(|| path.to_owned())
    }

    /// Whether this is a folder into which a node was copied, its processes as text: nothing of this
    /// machine. Whether a folder without `/proc` is one is not known.
    pub fn is_copied(&self) -> bool {
        let proc = Path::new("/proc");
        matches!(self.held, Held::Directory(_))
            && self.mount(proc).is_none_or(|mount| !mount.is_procfs())
            && ["mounts", "self/mountinfo", "1/stat", "stat", "version"]
                .iter()
                .any(|name| self.stat(&proc.join(name)).is_ok())
    }

    /// Whether [`Stat::ino`] is what the node's kernel says of open files: a copy has inodes of its
    /// own, and so has a bundle that was made from one.
    pub fn keeps_inodes(&self) -> bool {
        match self.manifest() {
            // What keeps no sockets was a copy.
            Some(manifest) => manifest.sockets,
            None => !self.is_copied(),
        }
    }

    /// Whether sockets would be seen: tars of other people's making leave them out, and so does
    /// whatever unpacks one.
    pub fn keeps_sockets(&self) -> bool {
        match (self.kind(), self.manifest()) {
            (Kind::Directory, _) => !self.is_copied(),
            (_, Some(manifest)) => manifest.sockets,
            (_, None) => false,
        }
    }

    /// From now on, answers as if `change` had been made at `path`; nothing is written. The path is
    /// taken as it stands: links are not followed.
    pub fn stage(&mut self, path: &Path, change: Change) {
        self.staged.set(path, change);
    }

    /// From now on, answers as if the file that is at `from` before all changes stood at `path`, too.
    ///
    /// # Errors
    /// Nothing is known of `from`.
    pub fn stage_as(&mut self, path: &Path, from: &Path) -> Result<(), Unread> {
        let stat = Box::new(ask!(self, held => held.stat(&self.held_as(from)))?);
        self.staged.set(path, Change::As(from.to_owned(), stat));
        Ok(())
    }

    /// From now on, answers at `path` as the evidence is.
    pub fn unstage_at(&mut self, path: &Path) {
        self.staged.forget(path);
    }

    /// From now on, answers as the evidence is.
    pub fn unstage(&mut self) {
        self.staged.clear();
    }

    /// What `path` is; a link in the last place is not followed (`lstat`).
    pub fn stat(&self, path: &Path) -> Result<Stat, Unread> {
        match self.staged.see(path) {
            Seen::AsIs => ask!(self, held => held.stat(&self.held_as(path))),
            Seen::File(bytes) => {
                let was = ask!(self, held => held.stat(&self.held_as(path)));
                Ok(staged::stat(bytes, was.ok()))
            }
            Seen::Folder(mode) => Ok(staged::folder(mode)),
            Seen::As(other) => ask!(self, held => held.stat(&self.held_as(other))),
            Seen::Gone => Err(Unread::Absent),
        }
    }

    /// The entries of a directory, sorted by their names' bytes; links are followed inside the
    /// evidence.
    pub fn list(&self, path: &Path) -> Known<Vec<Entry>> {
        self.try_list(path).unwrap_or_else(|why| {
            Known::lost(
                format!("entries of {}", crate::path::shown(path)),
                why.to_string(),
            )
        })
    }

    /// As [`list`](Self::list), with the reason why there is nothing.
    pub fn try_list(&self, path: &Path) -> Result<Known<Vec<Entry>>, Unread> {
        match self.staged.see(path) {
            Seen::AsIs => {
                let listed = ask!(self, held => held.list(&self.held_as(path)))?;
                let listed = listed.map(|mut all: Vec<Entry>| {
                    if self.below.is_some() {
                        for entry in &mut all {
                            self.name_of(entry);
                        }
                        all.sort_by(|one, other| one.name.cmp(&other.name));
                    }
                    all
                });
                Ok(self.staged.list(path, listed, |entry| entry, |entry| entry))
            }
            Seen::Folder(_) => {
                let empty = Known::Whole(Vec::new());
                Ok(self.staged.list(path, empty, |entry| entry, |entry| entry))
            }
            Seen::File(_) | Seen::As(_) => Err(Unread::Special("regular file")),
            Seen::Gone => Err(Unread::Absent),
        }
    }

    /// As [`list`](Self::list), each entry with what `wants` asks for: cheaper than to ask for each
    /// by its path.
    pub fn list_with(&self, path: &Path, wants: &dyn Fn(&Entry) -> Wants) -> Known<Vec<Detailed>> {
        let plain = |entry| Detailed {
            entry,
            xattrs: None,
            target: None,
        };
        if let Seen::Folder(_) = self.staged.see(path) {
            let empty = Known::Whole(Vec::new());
            return self
                .staged
                .list(path, empty, |one: &Detailed| &one.entry, plain);
        }
        if let Err(why) = self.is_as_it_was(path) {
            return Known::lost(
                format!("entries of {}", crate::path::shown(path)),
                why.to_string(),
            );
        }
        let listed = match &self.held {
            Held::Directory(directory) => directory.list_with(&self.held_as(path), wants),
            Held::Bundle(bundle) => bundle.list(&self.held_as(path)).map(|entries| {
                let detailed = |entry: Entry| {
                    let wants = wants(&entry);
                    let full = self
                        .held_as(path)
                        .join(crate::path::path(entry.name.bytes()));
                    let is_link = wants.target && entry.stat.is_symlink();
                    Detailed {
                        xattrs: wants.xattrs.then(|| bundle.xattrs(&full)),
                        target: is_link.then(|| bundle.read_link(&full)),
                        entry,
                    }
                };
                entries.map(|all| all.into_iter().map(detailed).collect())
            }),
        };
        let listed = listed.map(|listed| {
            listed.map(|mut all: Vec<Detailed>| {
                if self.below.is_some() {
                    for one in &mut all {
                        self.name_of(&mut one.entry);
                    }
                    all.sort_by(|one, other| one.entry.name.cmp(&other.entry.name));
                }
                all
            })
        });
        let listed = listed.map(|listed| self.staged.list(path, listed, |one| &one.entry, plain));
        listed.unwrap_or_else(|why| {
            Known::lost(
                format!("entries of {}", crate::path::shown(path)),
                why.to_string(),
            )
        })
    }

    /// Whether no change is staged at `path`, where a changed one has no answer.
    fn is_as_it_was(&self, path: &Path) -> Result<(), Unread> {
        match self.staged.see(path) {
            Seen::AsIs => Ok(()),
            Seen::File(_) | Seen::As(_) => Err(Unread::Special("regular file")),
            Seen::Folder(_) => Err(Unread::Special("directory")),
            Seen::Gone => Err(Unread::Absent),
        }
    }

    /// The target of a symbolic link.
    pub fn read_link(&self, path: &Path) -> Result<Text, Unread> {
        self.is_as_it_was(path)?;
        ask!(self, held => held.read_link(&self.held_as(path)))
    }

    /// Names and values of extended attributes; a link in the last place is not followed.
    pub fn xattrs(&self, path: &Path) -> Known<Xattrs> {
        if let Seen::Folder(_) = self.staged.see(path) {
            return Known::Whole(Xattrs::default());
        }
        if let Err(why) = self.is_as_it_was(path) {
            return Known::lost(
                format!("attributes of {}", crate::path::shown(path)),
                why.to_string(),
            );
        }
        ask!(self, held => held.xattrs(&self.held_as(path)))
    }

    /// A whole regular file of at most `limit` bytes, frozen in memory. Links are followed inside
    /// the evidence. A file that changes while it is read is read again, twice, and is then
    /// [`Unread::Changed`].
    pub fn source(&self, path: &Path, limit: u64) -> Result<Source, Unread> {
        self.source_or_torn(path, limit, false)
    }

    /// As [`source`](Self::source), of a file that is being written to: where three attempts met
    /// a change, the last one is given, and [`Source::is_torn`] says so.
    pub fn source_as_is(&self, path: &Path, limit: u64) -> Result<Source, Unread> {
        self.source_or_torn(path, limit, true)
    }

    fn source_or_torn(&self, path: &Path, limit: u64, torn: bool) -> Result<Source, Unread> {
        let path = match self.staged.see(path) {
            Seen::AsIs => path,
            Seen::File(bytes) => return staged::source(path, bytes, limit),
            Seen::As(other) => other,
            Seen::Folder(_) => return Err(Unread::Special("directory")),
            Seen::Gone => return Err(Unread::Absent),
        };
        match &self.held {
            Held::Directory(directory) => directory.source(&self.held_as(path), limit, torn),
            Held::Bundle(bundle) => bundle.source(&self.held_as(path), limit),
        }
    }

    /// As [`source`](Self::source), of a file that a node may have or not: nothing if it has none. What is there
    /// and could not be read is [left out](Self::left_out), and so it is not taken for absent.
    pub fn source_if_there(&self, path: &Path, limit: u64) -> Option<Source> {
        match self.source(path, limit) {
            Ok(source) => Some(source),
            // Of what is masked, and of what may not be read, an answer says so as a whole.
            Err(Unread::Absent | Unread::NotCollected | Unread::Masked | Unread::Denied) => None,
            Err(why) => {
                self.leave_out(crate::path::shown(path).to_string(), why.to_string());
                None
            }
        }
    }

    /// Whether a reader may keep so many bytes more of documents: an archive may hold millions of them.
    ///
    /// # Errors
    /// They are more than an archive of its size may have.
    pub fn keep(&self, bytes: u64) -> Result<(), Unread> {
        let Some(packed) = self.packed() else {
            return Ok(());
        };
        let before = self.kept.fetch_add(bytes, Ordering::Relaxed);
        let most = packed.saturating_mul(KEPT_A_BYTE).saturating_add(KEPT);
        if before.saturating_add(bytes) <= most {
            return Ok(());
        }
        // What is smaller may fit.
        self.kept.fetch_sub(bytes, Ordering::Relaxed);
        Err(Unread::NoRoom)
    }

    /// That a node is read from the beginning: what was kept of one before may be kept again.
    pub fn begin_keeping(&self) {
        self.kept.store(0, Ordering::Relaxed);
    }

    /// As [`source`](Self::source), of a document whose contents are kept: see [`keep`](Self::keep).
    pub fn document(&self, path: &Path, limit: u64) -> Result<Source, Unread> {
        let source = self.source(path, limit)?;
        self.keep(source.view().len())?;
        Ok(source)
    }

    /// A regular file from front to back, for hashing. An error that wraps [`Unread::Changed`] ends
    /// the stream if the file changes.
    pub fn reader(&self, path: &Path) -> Result<Box<dyn Read + Send + '_>, Unread> {
        let path = match self.staged.see(path) {
            Seen::AsIs => path,
            Seen::File(bytes) => return Ok(Box::new(Stream::new(staged::content(bytes), None))),
            Seen::As(other) => other,
            Seen::Folder(_) => return Err(Unread::Special("directory")),
            Seen::Gone => return Err(Unread::Absent),
        };
        ask!(self, held => held.reader(&self.held_as(path)))
    }

    /// The SHA-256 that was computed when a bundle's member flew by, if it was: of content blobs,
    /// and of every file without holes in our own bundles.
    pub fn sha256_known(&self, path: &Path) -> Option<[u8; 32]> {
        match &self.held {
            Held::Directory(_) => None,
            Held::Bundle(bundle) => bundle.sha256(&self.held_as(path)),
        }
    }

    /// A regular file that is read in pieces: a big database.
    pub fn pages(&self, path: &Path) -> Result<Pages, Unread> {
        let path = match self.staged.see(path) {
            Seen::AsIs => path,
            Seen::File(bytes) => return Ok(staged::pages(path, bytes)),
            Seen::As(other) => other,
            Seen::Folder(_) => return Err(Unread::Special("directory")),
            Seen::Gone => return Err(Unread::Absent),
        };
        ask!(self, held => held.pages(&self.held_as(path)))
    }

    /// The target of the first link on the way to `path` that leads above the evidence's root, and
    /// was therefore clamped to it.
    pub fn clamped(&self, path: &Path) -> Option<Text> {
        ask!(self, held => held.clamped(&self.held_as(path)))
    }

    /// Whether two paths are the same file (hard links), as far as the evidence tells.
    pub fn same_file(&self, one: &Path, other: &Path) -> Option<bool> {
        if let Held::Bundle(bundle) = &self.held {
            return bundle.same(&self.held_as(one), &self.held_as(other));
        }
        let (one, other) = (self.stat(one).ok()?, self.stat(other).ok()?);
        Some((one.dev?, one.ino?) == (other.dev?, other.ino?))
    }

    /// Room on the file system that holds `path`; nothing where the evidence does not tell.
    pub fn room(&self, path: &Path) -> Option<Room> {
        match &self.held {
            Held::Directory(directory) => directory.room(&self.held_as(path)).ok().flatten(),
            Held::Bundle(bundle) => bundle.disk(path)?.room,
        }
    }

    /// Whether `path` lies on a disk that turns, which is read best by one job; nothing where that
    /// is not told.
    pub fn is_rotational(&self, path: &Path) -> Option<bool> {
        match &self.held {
            Held::Directory(directory) => {
                crate::disk::is_rotational(directory.stat(&self.held_as(path)).ok()?.dev?)
            }
            Held::Bundle(_) => None,
        }
    }

    /// How the file system that holds `path` is mounted; nothing where the evidence does not tell.
    pub fn mount(&self, path: &Path) -> Option<Mount> {
        match &self.held {
            Held::Directory(directory) => directory.mount(&self.held_as(path)).ok().flatten(),
            Held::Bundle(bundle) => bundle.disk(path)?.mount,
        }
    }

    /// The option by which the file system that holds `path` is mounted without replaying its
    /// journal: what is seen may be older than the disk.
    pub fn without_journal(&self, path: &Path) -> Option<&'static str> {
        match &self.held {
            Held::Directory(directory) => directory.without_journal(&self.held_as(path)),
            Held::Bundle(_) => None,
        }
    }

    /// Whether the file system of a directory tells the kinds of its entries (`d_type`), which
    /// overlayfs needs.
    pub fn tells_kinds(&self, path: &Path) -> Option<bool> {
        match &self.held {
            Held::Directory(directory) => directory.tells_kinds(&self.held_as(path)),
            Held::Bundle(bundle) => bundle.disk(path)?.tells_kinds,
        }
    }

    /// Flags of the inode at `path`; nothing where the evidence does not tell.
    pub fn flags(&self, path: &Path) -> Option<Flags> {
        match &self.held {
            Held::Directory(directory) => directory.flags(&self.held_as(path)).ok().flatten(),
            Held::Bundle(bundle) => bundle.disk(path)?.flags,
        }
    }

    /// A number that two paths share exactly if they are the same file (hard links): where
    /// [`Stat::ino`] is not known, an archive still knows which of its members are links to which.
    pub fn identity(&self, path: &Path) -> Option<(u64, u64)> {
        if let Held::Bundle(bundle) = &self.held {
            return bundle.identity(&self.held_as(path));
        }
        let stat = self.stat(path).ok()?;
        let (major, minor) = stat.dev?;
        Some(((u64::from(major) << 32) | u64::from(minor), stat.ino?))
    }
}

/// The archive at `path` (the analyst's word, not evidence), ready to be read: an error if that is
/// no regular file.
pub fn open_archive(path: &Path) -> Result<std::fs::File, Unread> {
    directory::bundle(path)?.ok_or(Unread::Special("directory"))
}
