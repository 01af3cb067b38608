//! Writes files into directories that are held open, and nowhere else.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io::{self, Seek, SeekFrom, Write};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use evidence::floor::Guard;
use evidence::{Evidence, FileKind, Pages, Stat};
use finding::{Text, Time, Unread};
use nix::errno::Errno;
use nix::fcntl::{OFlag, openat};
use nix::sys::stat::{Mode, fchmod, futimens, mkdirat};
use nix::sys::time::TimeSpec;
use nix::unistd::symlinkat;
use serde::Serialize;
use sha2::{Digest, Sha256};
use snapshots::{Merged, MergedEntry, Most};
use view::Span;

use super::{live, name};

/// One line of the manifest.
#[derive(Debug, Default, Serialize)]
pub(super) struct Line {
    pub(super) path: Text,
    kind: &'static str,
    /// Its name below `files`; nothing if it was only recorded.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) written: Option<Text>,
    /// Whether that is not its path.
    #[serde(skip_serializing_if = "core::ops::Not::not")]
    pub(super) renamed: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    mode: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    uid: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    gid: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    size: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    mtime: Option<Time>,
    #[serde(skip_serializing_if = "Option::is_none")]
    target: Option<Text>,
    #[serde(skip_serializing_if = "Option::is_none")]
    device: Option<(u32, u32)>,
    /// In hex.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    xattrs: BTreeMap<String, String>,
    /// Of its bytes, as they were written.
    #[serde(skip_serializing_if = "Option::is_none")]
    sha256: Option<String>,
    /// The earlier path that is the same file (a hard link); it was written again.
    #[serde(skip_serializing_if = "Option::is_none")]
    same_as: Option<Text>,
    /// Its layer, counted from the topmost.
    #[serde(skip_serializing_if = "Option::is_none")]
    layer: Option<usize>,
    /// Where it lies in the evidence.
    #[serde(skip_serializing_if = "Option::is_none")]
    place: Option<Text>,
    /// Why it was only recorded, by design.
    #[serde(skip_serializing_if = "Option::is_none")]
    not_made: Option<&'static str>,
    /// What of it is not there, and why.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) lacks: Vec<String>,
}

impl Line {
    /// A whiteout or an opaque mark of a lone layer.
    pub(super) fn mark(path: &Path, kind: &'static str) -> Self {
        Self {
            path: name_text(path.as_os_str()),
            kind,
            not_made: Some("what it hides is not known"),
            ..Self::default()
        }
    }
}

fn name_text(name: &OsStr) -> Text {
    Text::from(name.as_bytes())
}

/// A directory that was made, and is held open until all that it holds is written.
struct Folder {
    /// Its path in the tree.
    path: PathBuf,
    /// Its name below `files`.
    written: PathBuf,
    file: File,
    stat: Stat,
}

pub(super) struct Writer {
    /// `-o`
    top: File,
    /// `files` in it.
    files: File,
    /// The directories on the way down.
    open: Vec<Folder>,
    /// Files that may have more than one name.
    names: BTreeMap<(u64, u64), Text>,
    is_live: bool,
    lacks: Vec<String>,
    most: Most,
    /// Bytes of data that were written.
    written: u64,
    guard: Guard,
    /// Why nothing more can be written.
    full: Option<io::Error>,
}

const FOLDER: OFlag = OFlag::O_RDONLY
    .union(OFlag::O_DIRECTORY)
    .union(OFlag::O_NOFOLLOW)
    .union(OFlag::O_CLOEXEC);
const NEW: OFlag = OFlag::O_WRONLY
    .union(OFlag::O_CREAT)
    .union(OFlag::O_EXCL)
    .union(OFlag::O_NOFOLLOW)
    .union(OFlag::O_CLOEXEC);

/// Makes a directory, and holds it.
fn make(folder: &File, name: &OsStr) -> Result<File, Errno> {
    mkdirat(folder, name, Mode::S_IRWXU)?;
    Ok(File::from(openat(folder, name, FOLDER, Mode::empty())?))
}

impl Writer {
    /// Makes `files` in a new directory.
    pub(super) fn new(top: &File, is_live: bool, most: Most) -> io::Result<Self> {
        let top = top.try_clone()?;
        let files = make(&top, OsStr::new("files"))?;
        Ok(Self {
            top,
            files,
            open: Vec::new(),
            names: BTreeMap::new(),
            is_live,
            lacks: Vec::new(),
            most,
            written: 0,
            guard: Guard::default(),
            full: None,
        })
    }

    /// The file of the manifest.
    pub(super) fn manifest(&self) -> io::Result<File> {
        let mode = Mode::S_IRUSR | Mode::S_IWUSR;
        Ok(File::from(openat(&self.top, "manifest.jsonl", NEW, mode)?))
    }

    /// Writes one file of the tree. A directory comes before what it holds.
    pub(super) fn put(
        &mut self,
        evidence: &Evidence,
        tree: &Merged<'_>,
        path: &Path,
        entry: &MergedEntry,
    ) -> io::Result<Line> {
        let mut line = described(evidence, tree, path, entry);
        let parent = path.parent();
        while let Some(last) = self.open.last()
            && parent != Some(last.path.as_path())
        {
            self.close();
        }
        let is_root = parent.is_none();
        if !is_root && self.open.is_empty() && parent != Some(Path::new("/")) {
            line.lacks
                .push("its directory could not be made".to_owned());
            return Ok(line);
        }
        if is_root {
            // `files` itself is the root.
            let file = self.files.try_clone()?;
            self.push(path, PathBuf::new(), file, &entry.stat);
            self.dress_root(evidence, entry, &mut line);
            line.written = Some(Text::from("."));
            return Ok(line);
        }
        let (folder, below) = match self.open.last() {
            Some(last) => (last.file.try_clone()?, last.written.clone()),
            None => (self.files.try_clone()?, PathBuf::new()),
        };
        let own = path.file_name().map(OsStr::as_bytes).unwrap_or_default();
        if let Some(why) = self.not_made(entry, &below, line.target.as_ref()) {
            line.not_made = Some(why);
            return Ok(line);
        }
        let done = self.create(&folder, own, evidence, entry, &mut line);
        // Of a full disk nothing is whole: all of it ends here.
        if let Some(full) = self.full.take() {
            return Err(full);
        }
        match done {
            Ok((written, file)) => {
                line.renamed = written.as_bytes() != own;
                let written = below.join(&written);
                line.written = Some(name_text(written.as_os_str()));
                if let Some(file) = file {
                    if self.is_live {
                        let xattrs = tree.xattrs(entry);
                        line.lacks
                            .extend(live::dress(&file, &entry.stat, xattrs.read()));
                    }
                    if entry.stat.is_dir() {
                        self.push(path, written, file, &entry.stat);
                    } else {
                        self.settle(&file, &entry.stat, &mut line.lacks);
                    }
                }
            }
            Err(why) => line.lacks.push(why),
        }
        Ok(line)
    }

    fn dress_root(&self, evidence: &Evidence, entry: &MergedEntry, line: &mut Line) {
        if self.is_live {
            let known = evidence.xattrs(&entry.place);
            line.lacks
                .extend(live::dress(&self.files, &entry.stat, known.read()));
        }
    }

    fn push(&mut self, path: &Path, written: PathBuf, file: File, stat: &Stat) {
        self.open.push(Folder {
            path: path.to_owned(),
            written,
            file,
            stat: stat.clone(),
        });
    }

    /// Why something is recorded and not made.
    fn not_made(
        &self,
        entry: &MergedEntry,
        below: &Path,
        target: Option<&Text>,
    ) -> Option<&'static str> {
        match entry.stat.kind {
            FileKind::Socket => Some("a socket is nothing without its process"),
            FileKind::Fifo | FileKind::Char | FileKind::Block if !self.is_live => {
                Some("reading it could hang or do something (--live makes it)")
            }
            FileKind::Symlink if !self.is_live => {
                let leads_out = target.is_none_or(|target| leads_out(below, target));
                leads_out.then_some("it would lead out of the directory (--live makes it)")
            }
            _ => None,
        }
    }

    /// Makes it under its own name, or under another one where that cannot be.
    fn create(
        &mut self,
        folder: &File,
        own: &[u8],
        evidence: &Evidence,
        entry: &MergedEntry,
        line: &mut Line,
    ) -> Result<(OsString, Option<File>), String> {
        let mut last = Errno::EINVAL;
        let others = (0..16).map(|number| name::other(own, number));
        for candidate in name::plain(own).into_iter().chain(others) {
            let made = match entry.stat.kind {
                FileKind::Dir => make(folder, &candidate).map(Some),
                FileKind::File => {
                    let mode = Mode::S_IRUSR | Mode::S_IWUSR;
                    let opened = openat(folder, candidate.as_os_str(), NEW, mode);
                    opened.map(|file| Some(File::from(file)))
                }
                FileKind::Symlink => {
                    let target = line.target.clone().unwrap_or_default();
                    let target = OsStr::from_bytes(target.bytes());
                    symlinkat(target, folder, candidate.as_os_str()).map(|()| None)
                }
                _ => match live::node(folder, &candidate, &entry.stat) {
                    Ok(()) => return Ok((candidate, None)),
                    Err(why) => return Err(why),
                },
            };
            match made {
                Ok(file) => {
                    if let Some(file) = file.as_ref().filter(|_| entry.stat.is_file()) {
                        self.bytes(file, evidence, entry, line);
                    }
                    return Ok((candidate, file));
                }
                // A name that another one of this directory already stands for, or that this file
                // system does not hold.
                Err(
                    error @ (Errno::EEXIST
                    | Errno::EINVAL
                    | Errno::EILSEQ
                    | Errno::ENAMETOOLONG
                    | Errno::ENOENT),
                ) => last = error,
                Err(error) => return Err(error.to_string()),
            }
        }
        Err(last.to_string())
    }

    /// Copies the bytes; holes stay holes.
    fn bytes(&mut self, file: &File, evidence: &Evidence, entry: &MergedEntry, line: &mut Line) {
        if entry.stat.nlink.is_none_or(|links| links > 1)
            && let Some(identity) = evidence.identity(&entry.place)
        {
            if let Some(earlier) = self.names.get(&identity) {
                line.same_as = Some(earlier.clone());
            } else {
                self.names.insert(identity, line.path.clone());
            }
        }
        let Some(at) = entry.bytes_at() else {
            let why = "only its metadata were copied up, and no layer has its bytes";
            return line.lacks.push(why.to_owned());
        };
        let pages = match evidence.pages(at) {
            Ok(pages) => pages,
            Err(why) => return line.lacks.push(why.to_string()),
        };
        let data = pages
            .data()
            .fold(0_u64, |sum, span| sum.saturating_add(span.len));
        if let Some(why) = self.most.refuses(data, self.written) {
            return line.lacks.push(why);
        }
        self.written = self.written.saturating_add(data);
        let mut hasher = (pages.len().saturating_sub(data) < HASHED).then(Sha256::new);
        let mut ended = self.copy(file, &pages, hasher.as_mut());
        if ended.is_ok() {
            ended = file.set_len(pages.len()).map_err(Ended::Write);
        }
        match ended {
            Ok(()) => line.sha256 = hasher.map(|hasher| hex::encode(hasher.finalize())),
            Err(Ended::Read(why)) => {
                let why = format!("it could not be read to its end: {why}");
                line.lacks.push(why);
            }
            Err(Ended::Write(error)) if is_full(&error) => self.full = Some(error),
            Err(Ended::Write(error)) => {
                line.lacks.push(format!("it could not be written: {error}"));
            }
        }
    }

    /// Copies what is no hole.
    fn copy(
        &mut self,
        mut file: &File,
        pages: &Pages,
        mut hasher: Option<&mut Sha256>,
    ) -> Result<(), Ended> {
        let mut chunk = vec![0; CHUNK];
        let mut at = 0_u64;
        let is_hashed = hasher.is_some();
        let mut hash = |bytes: &[u8]| {
            if let Some(hasher) = &mut hasher {
                hasher.update(bytes);
            }
        };
        let end = Span::new(pages.len(), 0);
        for span in pages.data().chain([end]) {
            // Holes that are not too large to be hashed.
            while at < span.start {
                let zeroes = span.start.saturating_sub(at).min(size(&ZEROES));
                hash(ZEROES.get(..index(zeroes)).unwrap_or_default());
                at = if is_hashed {
                    at.saturating_add(zeroes)
                } else {
                    span.start
                };
            }
            while at < span.end() {
                let count = span.end().saturating_sub(at).min(size(&chunk));
                let piece = chunk.get_mut(..index(count)).unwrap_or_default();
                let read = pages.read_at(at, piece).map_err(Ended::Read)?;
                let piece = piece.get(..read).filter(|piece| !piece.is_empty());
                let piece = piece.ok_or(Ended::Read(Unread::Changed))?;
                hash(piece);
                if !piece.iter().all(|byte| *byte == 0) {
                    let taken = self.guard.take(file, piece.len());
                    taken.map_err(Ended::Write)?;
                    file.seek(SeekFrom::Start(at)).map_err(Ended::Write)?;
                    file.write_all(piece).map_err(Ended::Write)?;
                }
                at = at.saturating_add(size(piece));
            }
        }
        pages.unchanged().map_err(Ended::Read)
    }

    /// Gives a file its mode and times; without `--live` without setuid, and readable to its owner.
    fn settle(&self, file: &File, stat: &Stat, lacks: &mut Vec<String>) {
        let least = if stat.is_dir() { 0o700 } else { 0o600 };
        let mode = if self.is_live {
            stat.mode
        } else {
            stat.mode & 0o777 | least
        };
        if let Err(error) = fchmod(file, Mode::from_bits_truncate(mode)) {
            lacks.push(format!("mode {mode:04o}: {error}"));
        }
        let time = |time: Time| TimeSpec::new(time.seconds, time.nanos.into());
        let read = time(stat.atime.unwrap_or(stat.mtime));
        if let Err(error) = futimens(file, &read, &time(stat.mtime)) {
            lacks.push(format!("times: {error}"));
        }
    }

    fn close(&mut self) {
        if let Some(folder) = self.open.pop() {
            let mut lacks = Vec::new();
            self.settle(&folder.file, &folder.stat, &mut lacks);
            let path = name_text(folder.path.as_os_str());
            self.lacks
                .extend(lacks.into_iter().map(|why| format!("{path}: {why}")));
        }
    }

    /// Gives the directories that are open their modes and times; says what could not be.
    pub(super) fn finish(mut self) -> Vec<String> {
        while !self.open.is_empty() {
            self.close();
        }
        self.lacks
    }
}

/// Bytes that are copied at a time.
const CHUNK: usize = 64 << 10;
/// Bytes of holes up to which the hash of a file with all its zeroes is worth its time.
const HASHED: u64 = 1 << 30;
const ZEROES: [u8; 4096] = [0; 4096];

/// Why a copy ended early: of which side.
enum Ended {
    Read(Unread),
    Write(io::Error),
}

fn is_full(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded
    )
}

fn size(bytes: &[u8]) -> u64 {
    u64::try_from(bytes.len()).unwrap_or(u64::MAX)
}

fn index(count: u64) -> usize {
    usize::try_from(count).unwrap_or(usize::MAX)
}

fn described(evidence: &Evidence, tree: &Merged<'_>, path: &Path, entry: &MergedEntry) -> Line {
    let stat = &entry.stat;
    let mut line = Line {
        path: name_text(path.as_os_str()),
        kind: stat.kind.word(),
        mode: Some(format!("{:04o}", stat.mode)),
        uid: Some(stat.uid),
        gid: Some(stat.gid),
        size: stat.is_file().then_some(stat.size),
        mtime: Some(stat.mtime),
        device: stat.rdev,
        layer: Some(entry.layer),
        place: Some(name_text(entry.place.as_os_str())),
        ..Line::default()
    };
    if stat.is_symlink() {
        match evidence.read_link(&entry.place) {
            Ok(target) => line.target = Some(target),
            Err(why) => line.lacks.push(format!("where it leads: {why}")),
        }
    }
    let xattrs = tree.xattrs(entry);
    let shown =
        |(name, value): (&Text, &std::sync::Arc<[u8]>)| (name.to_string(), hex::encode(value));
    line.xattrs = xattrs
        .read()
        .map(|all| all.iter().map(shown).collect())
        .unwrap_or_default();
    line
}

/// Whether a link in the directory `below` of the tree leads above the tree's root.
fn leads_out(below: &Path, target: &Text) -> bool {
    let target = target.bytes();
    if target.starts_with(b"/") || target.is_empty() || target.contains(&0) {
        return true;
    }
    // Names on the way may be links themselves, and lead elsewhere than `..` takes back: only a
    // target that climbs first and then goes down is counted.
    let mut depth = below.components().count();
    let mut goes_down = false;
    for part in target.split(|byte| *byte == b'/') {
        match part {
            b"" | b"." => {}
            b".." if goes_down || depth == 0 => return true,
            b".." => depth = depth.saturating_sub(1),
            _ => goes_down = true,
        }
    }
    false
}

#[cfg(test)]
#[expect(clippy::disallowed_methods, reason = "a test reads what it wrote")]
mod tests {
    use std::fs;

    use snapshots::Seen;

    use super::*;

    /// Somebody who may write below the directory exchanges one for a link while it is filled.
    #[test]
    fn a_directory_that_is_exchanged_for_a_link_leads_nowhere() {
        let place = tempfile::tempdir().unwrap();
        let (from, elsewhere) = (place.path().join("from"), place.path().join("elsewhere"));
        fs::create_dir_all(from.join("a/b")).unwrap();
        fs::create_dir(&elsewhere).unwrap();
        for name in ["a/file", "a/b/file", "z"] {
            fs::write(from.join(name), name).unwrap();
        }
        let evidence = Evidence::open(place.path(), &evidence::Options::default()).unwrap();
        let tree = Merged::plain(&evidence, PathBuf::from("/from"));
        let to = place.path().join("to");
        fs::create_dir(&to).unwrap();
        let top = fs::File::open(&to).unwrap();
        let mut writer = Writer::new(&top, false, Most::default()).unwrap();
        for seen in tree.walk() {
            let Seen::Entry(path, entry) = seen else {
                unreachable!("all of it can be read")
            };
            let line = writer.put(&evidence, &tree, &path, &entry).unwrap();
            assert_eq!(line.lacks, Vec::<String>::new(), "{}", line.path);
            if path == Path::new("/a") {
                fs::rename(to.join("files/a"), to.join("files/moved")).unwrap();
                std::os::unix::fs::symlink(&elsewhere, to.join("files/a")).unwrap();
            }
        }
        assert_eq!(writer.finish(), Vec::<String>::new());
        assert_eq!(fs::read_dir(&elsewhere).unwrap().count(), 0);
        assert_eq!(
            fs::read(to.join("files/moved/b/file")).unwrap(),
            b"a/b/file"
        );
        assert_eq!(fs::read(to.join("files/z")).unwrap(), b"z");
        // What is there is never written over, whatever it is.
        assert!(Writer::new(&top, false, Most::default()).is_err());
    }

    #[test]
    fn links_that_lead_out_are_told() {
        let out = |below: &str, target: &str| leads_out(Path::new(below), &Text::from(target));
        assert!(!out("", "a"));
        assert!(!out("a/b", "../../c"));
        assert!(!out("a/b", "c/d"));
        assert!(out("a/b", "../../../c"));
        assert!(out("", ".."));
        assert!(out("a", "/etc/passwd"));
        // `c` may be a link that leads up.
        assert!(out("a/b", "c/../../x"));
        assert!(out("a", ""));
    }
}
