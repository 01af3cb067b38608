//! The files of a bundle: names are look-up keys, never paths to open.

use std::collections::{BTreeMap, HashMap};
use std::path::Path;
use std::sync::{Arc, Mutex};

use finding::{Known, Text, Unknown, Unread};

use crate::budget::Packed;
use crate::content::{Content, Extent};
use crate::directory::Xattrs;
use crate::{Budget, Entry, FileKind, Stat, path};

/// Number of an inode in its tree.
pub(crate) type Id = usize;

/// What became of a file's bytes.
#[derive(Debug, Clone)]
pub(crate) enum Data {
    /// Kept.
    Kept(Content),
    /// Not kept, or never there.
    Not(Unread),
}

/// A file, a directory, or anything else, under however many names.
#[derive(Debug)]
pub(crate) struct Inode {
    pub(crate) stat: Stat,
    /// Of a symbolic link; nothing if it is longer than a path may be.
    pub(crate) target: Option<Text>,
    pub(crate) xattrs: Arc<Xattrs>,
    /// Why not all extended attributes are known.
    pub(crate) xattrs_unknown: Option<Arc<str>>,
    pub(crate) data: Data,
    pub(crate) sha256: Option<Box<[u8; 32]>>,
    /// Whether values in its bytes are masked.
    pub(crate) masked: bool,
    /// Of a directory.
    pub(crate) children: BTreeMap<Box<[u8]>, Id>,
    /// Of a directory: all of its names are in the bundle.
    pub(crate) listed: bool,
    /// Of a directory: something in it, or below it, was left out.
    pub(crate) cut: bool,
}

impl Inode {
    pub(crate) fn new(stat: Stat) -> Self {
        let data = stat.kind.unread().unwrap_or(Unread::NotCollected);
        Self {
            stat,
            target: None,
            xattrs: Arc::default(),
            xattrs_unknown: None,
            data: Data::Not(data),
            sha256: None,
            masked: false,
            children: BTreeMap::new(),
            listed: false,
            cut: false,
        }
    }

    /// Bytes that it takes in memory, beside what it shares with others.
    fn weight(&self) -> u64 {
        let extents = match &self.data {
            Data::Kept(content) => content.extents.len(),
            Data::Not(_) => 0,
        };
        let target = self.target.as_ref().map_or(0, |text| text.bytes().len());
        let xattrs = self.xattrs.len().saturating_mul(XATTR);
        let bytes = size_of::<Self>()
            .saturating_add(target)
            .saturating_add(xattrs)
            .saturating_add(extents.saturating_mul(size_of::<Extent>()))
            .saturating_add(self.sha256.as_ref().map_or(0, |_| 48));
        u64::try_from(bytes).unwrap_or(u64::MAX)
    }
}

/// Bytes that an attribute takes beside its value, and a name in a directory beside its letters.
const XATTR: usize = 96;
const NAME: u64 = 64;
/// Bytes that the first name in a directory takes: a node of the map.
const FIRST: u64 = 320;
/// Steps of a path after which it is worth to remember where it led.
const LONG: u32 = 64;
/// Long paths that are remembered.
const REMEMBERED: usize = 1024;

/// All files of a bundle.
#[derive(Debug)]
pub(crate) struct Tree {
    inodes: Vec<Inode>,
    /// The directory that paths begin at.
    root: Id,
    links: u32,
    depth: usize,
    entries: usize,
    /// Bytes that it takes in memory, and may take: see [`Budget::names`].
    held: u64,
    most: u64,
    packed: Packed,
    /// Where names in a folder were put last: members come folder by folder.
    last: Option<(Vec<u8>, Id)>,
    /// Components that were walked since this was last asked.
    steps: u64,
    /// Where long paths lead, once the tree stands.
    remembered: Mutex<HashMap<Vec<u8>, Result<Id, Unread>>>,
}

/// The root's number.
pub(crate) const ROOT: Id = 0;

/// Why a name could not be put into the tree.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Refused {
    /// The budget for entries is spent.
    Full,
    /// More components than the budget allows, or too many links.
    Deep,
    /// A directory on the way is not one.
    NotDir,
    /// It names the root, or ends in `..`.
    Nameless,
}

impl Tree {
    /// Bytes of the archive, as it lies on the disk.
    pub(crate) fn packed(&self) -> u64 {
        self.packed.bytes()
    }

    pub(crate) fn new(budget: &Budget, packed: Packed) -> Self {
        Self {
            held: 0,
            most: budget.names,
            packed,
            last: None,
            steps: 0,
            remembered: Mutex::default(),
            inodes: vec![Inode::new(Stat::only(FileKind::Dir))],
            root: ROOT,
            links: budget.links,
            depth: usize::try_from(budget.depth).unwrap_or(usize::MAX),
            entries: usize::try_from(budget.entries).unwrap_or(usize::MAX),
        }
    }

    pub(crate) fn get(&self, id: Id) -> Option<&Inode> {
        self.inodes.get(id)
    }

    pub(crate) fn get_mut(&mut self, id: Id) -> Option<&mut Inode> {
        self.inodes.get_mut(id)
    }

    /// Takes room in memory, if there is any left.
    pub(crate) fn charge(&mut self, bytes: u64) -> Result<(), Refused> {
        let held = self.held.saturating_add(bytes);
        let more = self.packed.bytes().saturating_mul(16);
        if held > self.most.saturating_add(more) {
            return Err(Refused::Full);
        }
        self.held = held;
        Ok(())
    }

    /// Takes room for what an inode got later.
    pub(crate) fn charge_again(&mut self, inode: &Inode) -> Result<(), Refused> {
        self.charge(inode.weight())
    }

    /// Whether only `part` of four parts of the room is left.
    pub(crate) fn is_nearly_full(&self, part: u64) -> bool {
        let most = self.packed.bytes().saturating_mul(16);
        let most = most.saturating_add(self.most);
        let entries = u64::try_from(self.inodes.len()).unwrap_or(u64::MAX);
        let places = u64::try_from(self.entries).unwrap_or(u64::MAX);
        let left =
            |held: u64, most: u64| held >= most.saturating_sub((most >> 2).saturating_mul(part));
        left(self.held, most) || left(entries, places)
    }

    /// Components that were walked since this was last asked.
    pub(crate) fn take_steps(&mut self) -> u64 {
        core::mem::take(&mut self.steps)
    }

    /// Notes that a name was left out: the deepest folder on the way to it is not known whole.
    pub(crate) fn cut(&mut self, name: &[u8]) {
        let mut at = ROOT;
        for part in path::components(name) {
            match self.child(at, part) {
                Some(child) if self.get(child).is_some_and(|it| it.stat.is_dir()) => at = child,
                // Through a link, or `..`: anywhere.
                Some(_) => {
                    at = ROOT;
                    break;
                }
                None if part == b".." => {
                    at = ROOT;
                    break;
                }
                None => break,
            }
        }
        if let Some(inode) = self.get_mut(at) {
            inode.cut = true;
        }
    }

    /// Every inode, the nameless ones too.
    pub(crate) fn all_mut(&mut self) -> impl Iterator<Item = &mut Inode> {
        self.inodes.iter_mut()
    }

    /// Adds an inode without a name.
    pub(crate) fn add(&mut self, inode: Inode) -> Result<Id, Refused> {
        if self.inodes.len() >= self.entries {
            return Err(Refused::Full);
        }
        self.charge(inode.weight())?;
        let id = self.inodes.len();
        self.inodes.push(inode);
        Ok(id)
    }

    /// The directory of `name`, made where it is missing, and the last component. Links on the way
    /// are followed inside the tree, as unpacking in a chroot would.
    pub(crate) fn place(&mut self, name: &[u8]) -> Result<(Id, Box<[u8]>), Refused> {
        let (folder, last) = split(name);
        let is_plain = !last.is_empty() && last != b".." && last != b".";
        if is_plain
            && let Some((before, id)) = &self.last
            && before == folder
        {
            self.steps = self.steps.saturating_add(1);
            return Ok((*id, last.into()));
        }
        let (id, found) = self.walk_to(name)?;
        if is_plain {
            self.last = Some((folder.to_vec(), id));
        }
        Ok((id, found))
    }

    fn walk_to(&mut self, name: &[u8]) -> Result<(Id, Box<[u8]>), Refused> {
        let mut todo = Todo::new(name);
        let mut way = vec![ROOT];
        let mut links = 0_u32;
        while let Some(part) = todo.next() {
            let part = part.bytes();
            self.steps = self.steps.saturating_add(1);
            let here = way.last().copied().unwrap_or(ROOT);
            if part == b".." {
                if way.len() > 1 {
                    way.pop();
                }
                continue;
            }
            if todo.is_empty() {
                return Ok((here, part.into()));
            }
            if way.len() > self.depth {
                return Err(Refused::Deep);
            }
            let child = self
                .get(here)
                .and_then(|inode| inode.children.get(part).copied());
            let child = if let Some(child) = child {
                child
            } else {
                let made = self.add(Inode::new(Stat::only(FileKind::Dir)))?;
                self.name(here, part.into(), made)?;
                made
            };
            let inode = self.get(child).ok_or(Refused::NotDir)?;
            match (inode.stat.kind, &inode.target) {
                (FileKind::Dir, _) => way.push(child),
                (FileKind::Symlink, Some(target)) => {
                    links = links.saturating_add(1);
                    if links > self.links {
                        return Err(Refused::Deep);
                    }
                    if target.bytes().starts_with(b"/") {
                        way.truncate(1);
                    }
                    let target = target.clone();
                    todo.follow(&target);
                }
                _ => return Err(Refused::NotDir),
            }
        }
        Err(Refused::Nameless)
    }

    /// Gives an inode a name; what had it before loses it.
    pub(crate) fn name(&mut self, directory: Id, name: Box<[u8]>, id: Id) -> Result<(), Refused> {
        let is_first = self
            .get(directory)
            .is_some_and(|inode| inode.children.is_empty());
        let letters = u64::try_from(name.len()).unwrap_or(u64::MAX);
        let first = if is_first { FIRST } else { 0 };
        self.charge(letters.saturating_add(NAME).saturating_add(first))?;
        let inode = self.get_mut(directory);
        if inode.and_then(|it| it.children.insert(name, id)).is_some() {
            // Another file may be the folder now.
            self.last = None;
        }
        Ok(())
    }

    /// The inode that has this name in a directory.
    pub(crate) fn child(&self, directory: Id, name: &[u8]) -> Option<Id> {
        self.get(directory)?.children.get(name).copied()
    }

    /// The inode that `path` names; a link in the last place is not followed.
    pub(crate) fn find(&self, path: &Path) -> Result<Id, Unread> {
        let bytes = path.as_os_str().as_encoded_bytes();
        let key = || bytes.to_vec();
        if let Ok(remembered) = self.remembered.lock()
            && let Some(found) = remembered.get(bytes)
        {
            return found.clone();
        }
        let mut steps = 0;
        let found = self.find_in(bytes, &mut steps);
        if steps > LONG
            && let Ok(mut remembered) = self.remembered.lock()
        {
            if remembered.len() >= REMEMBERED {
                remembered.clear();
            }
            remembered.insert(key(), found.clone());
        }
        found
    }

    /// As [`find`](Self::find), while the tree still grows.
    pub(crate) fn find_now(&mut self, path: &[u8]) -> Result<Id, Unread> {
        let mut steps = 0;
        let found = self.find_in(path, &mut steps);
        self.steps = self.steps.saturating_add(u64::from(steps));
        found
    }

    fn find_in(&self, bytes: &[u8], steps: &mut u32) -> Result<Id, Unread> {
        let mut todo = Todo::new(bytes);
        let mut way = vec![self.root];
        let mut links = 0_u32;
        while let Some(part) = todo.next() {
            let part = part.bytes();
            *steps = steps.saturating_add(1);
            if part == b".." {
                if way.len() > 1 {
                    way.pop();
                }
                continue;
            }
            let here = way.last().copied().unwrap_or(self.root);
            let directory = self.get(here).ok_or(Unread::Absent)?;
            let Some(child) = directory.children.get(part).copied() else {
                return Err(if directory.listed && !may_be_socket(part, directory) {
                    Unread::Absent
                } else {
                    Unread::NotCollected
                });
            };
            if todo.is_empty() {
                return Ok(child);
            }
            let inode = self.get(child).ok_or(Unread::Absent)?;
            match (inode.stat.kind, &inode.target) {
                (FileKind::Dir, _) if way.len() <= self.depth => way.push(child),
                (FileKind::Dir, _) => return Err(Unread::Io("path is too deep".into())),
                (FileKind::Symlink, Some(target)) => {
                    links = links.saturating_add(1);
                    if links > self.links {
                        return Err(Unread::Io("too many symbolic links".into()));
                    }
                    if target.bytes().starts_with(b"/") {
                        way.truncate(1);
                    }
                    todo.follow(target);
                }
                (FileKind::Symlink, None) => return Err(long_target()),
                // A component that is a file has no names in it.
                _ => return Err(Unread::Absent),
            }
        }
        Ok(way.last().copied().unwrap_or(self.root))
    }

    /// From now on, paths begin at this directory.
    pub(crate) fn begin_at(&mut self, path: &Path) -> Result<(), Unread> {
        let id = self.find_followed(path)?;
        let inode = self.get(id).ok_or(Unread::Absent)?;
        if !inode.stat.is_dir() {
            return Err(Unread::Special(inode.stat.kind.word()));
        }
        self.root = id;
        if let Ok(mut remembered) = self.remembered.lock() {
            remembered.clear();
        }
        Ok(())
    }

    /// As [`find`](Self::find), and links in the last place are followed.
    pub(crate) fn find_followed(&self, path: &Path) -> Result<Id, Unread> {
        let mut at = path.to_owned();
        let mut first: Option<&Text> = None;
        for _ in 0..=self.links {
            let id = match (self.find(&at), first) {
                (Err(Unread::Absent), Some(target)) => {
                    return Err(Unread::Dangling(target.clone()));
                }
                (found, _) => found?,
            };
            let inode = self.get(id).ok_or(Unread::Absent)?;
            let Some(target) = &inode.target else {
                if inode.stat.is_symlink() {
                    return Err(long_target());
                }
                return Ok(id);
            };
            at =
                path::follow(&at, target.bytes()).ok_or_else(|| Unread::Escapes(target.clone()))?;
            first = first.or(Some(target));
        }
        Err(Unread::Io("too many symbolic links".into()))
    }

    /// The entries of a directory.
    pub(crate) fn list(&self, path: &Path) -> Result<Known<Vec<Entry>>, Unread> {
        let id = self.find_followed(path)?;
        let inode = self.get(id).ok_or(Unread::Absent)?;
        if !inode.stat.is_dir() {
            return Err(Unread::Special(inode.stat.kind.word()));
        }
        if !inode.listed && inode.children.is_empty() {
            return Err(Unread::NotCollected);
        }
        let entries = inode.children.iter().filter_map(|(name, id)| {
            let name = Text::new(name.to_vec());
            let stat = self.get(*id)?.stat.clone();
            Some(Entry { name, stat })
        });
        let entries = entries.collect();
        Ok(if inode.listed {
            Known::Whole(entries)
        } else {
            let what = format!("entries of {}", path::shown(path));
            let why = "whether the evidence holds all of them is not known";
            Known::Partial(entries, vec![Unknown::new(what, why)])
        })
    }

    /// The first link on the way to `path` that leads above the root, taken as text.
    pub(crate) fn clamped(&self, path: &Path) -> Option<Text> {
        let mut at = std::path::PathBuf::from("/");
        let mut links = 0_u32;
        for part in path::components(path.as_os_str().as_encoded_bytes()) {
            at.push(path::path(part));
            while links < self.links {
                links = links.saturating_add(1);
                let inode = self.get(self.find(&at).ok()?)?;
                let Some(target) = &inode.target else {
                    break;
                };
                match path::follow(&at, target.bytes()) {
                    Some(next) => at = next,
                    None => return Some(target.clone()),
                }
            }
        }
        None
    }
}

/// Why a link is not followed.
fn long_target() -> Unread {
    Unread::Io("the target of a link is longer than Linux takes a path".into())
}

/// The folder and the last component of a name, as text.
fn split(name: &[u8]) -> (&[u8], &[u8]) {
    let end = name.iter().rposition(|byte| *byte != b'/');
    let name = name.get(..end.map_or(0, |end| end.saturating_add(1)));
    let name = name.unwrap_or_default();
    let at = name.iter().rposition(|byte| *byte == b'/');
    let start = at.map_or(0, |at| at.saturating_add(1));
    (
        name.get(..at.unwrap_or(0)).unwrap_or_default(),
        name.get(start..).unwrap_or_default(),
    )
}

/// Components that are still to be walked: of the path, and of the links that were met on it. Each is
/// read where it stands.
struct Todo<'p> {
    /// Texts, and how much of them is done; the last one comes first.
    stack: Vec<(Way<'p>, usize)>,
}

/// Borrowed from the path, or shared with a link.
#[derive(Clone)]
enum Way<'p> {
    Path(&'p [u8]),
    Link(Text),
}

/// One component, in the text that it stands in.
struct Part<'p> {
    text: Way<'p>,
    at: usize,
    end: usize,
}

impl Way<'_> {
    fn bytes(&self) -> &[u8] {
        match self {
            Self::Path(bytes) => bytes,
            Self::Link(text) => text.bytes(),
        }
    }
}

impl Part<'_> {
    fn bytes(&self) -> &[u8] {
        let bytes = self.text.bytes();
        bytes.get(self.at..self.end).unwrap_or_default()
    }
}

impl<'p> Todo<'p> {
    fn new(path: &'p [u8]) -> Self {
        let mut todo = Self { stack: Vec::new() };
        todo.push(Way::Path(path));
        todo
    }

    fn follow(&mut self, target: &Text) {
        self.push(Way::Link(target.clone()));
    }

    /// Puts a text on the stack, at its first component; not if it has none.
    fn push(&mut self, text: Way<'p>) {
        let at = begin(text.bytes(), 0);
        if at < text.bytes().len() {
            self.stack.push((text, at));
        }
    }

    const fn is_empty(&self) -> bool {
        self.stack.is_empty()
    }

    fn next(&mut self) -> Option<Part<'p>> {
        let (text, at) = self.stack.pop()?;
        let bytes = text.bytes();
        let rest = bytes.get(at..).unwrap_or_default();
        let len = rest.iter().position(|byte| *byte == b'/');
        let end = at.saturating_add(len.unwrap_or(rest.len()));
        let after = begin(bytes, end);
        if after < bytes.len() {
            self.stack.push((text.clone(), after));
        }
        Some(Part { text, at, end })
    }
}

/// Where the next component begins, at or after `at`; the end if there is none.
fn begin(bytes: &[u8], mut at: usize) -> usize {
    loop {
        let rest = bytes.get(at..).unwrap_or_default();
        match rest {
            [] | [b'.'] => return bytes.len(),
            [b'/', ..] => at = at.saturating_add(1),
            [b'.', b'/', ..] => at = at.saturating_add(2),
            _ => return at,
        }
    }
}

/// Whether a name that a tar of somebody's making does not have could be a socket: tar leaves
/// those out, so that nothing follows from their absence.
fn may_be_socket(name: &[u8], directory: &Inode) -> bool {
    let keeps_inodes = directory.stat.ino.is_some();
    let looks = name.ends_with(b".sock") || name.ends_with(b".sock.ttrpc");
    looks && !keeps_inodes
}
