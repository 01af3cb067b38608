//! A tar of somebody's making becomes a tree.
//!
//! What may be concluded from such a tar: a directory that has a member of its own was walked by
//! the tar that wrote it, so its listing is taken as whole, if the archive is; a directory that is
//! only implied by names below it is not. Three things a tar leaves out without a trace, and
//! nothing is concluded from their absence: sockets, extended attributes (if there are none in
//! the whole archive), and blobs that somebody excluded (an empty `blobs/<algorithm>`).

use std::io::{self, Read};

use finding::{Text, Time, Unread};

use super::notes::Notes;
use super::store::{Class, Store, Stored};
use super::tree::{Data, Id, Inode, Refused, Tree};
use crate::tar::{Member, Members, What};
use crate::{FileKind, Options, Stat, path};

/// A hard link whose target was not there yet.
struct Pending {
    name: Vec<u8>,
    target: Vec<u8>,
    stat: Stat,
}

/// A tree in the making.
pub(crate) struct Loader {
    pub(crate) tree: Tree,
    pub(crate) notes: Notes,
    pub(crate) store: Store,
    /// The newest time of a member that is not a container's own file.
    pub(crate) newest: Option<Time>,
    pending: Vec<Pending>,
    any_xattr: bool,
    any_trusted: bool,
    any_nanos: bool,
}

/// The kind of a member that has one of its own.
const fn kind(what: What) -> Option<FileKind> {
    Some(match what {
        What::File => FileKind::File,
        What::Symlink => FileKind::Symlink,
        What::Char => FileKind::Char,
        What::Block => FileKind::Block,
        What::Dir => FileKind::Dir,
        What::Fifo => FileKind::Fifo,
        What::HardLink | What::Other(_) => return None,
    })
}

fn stat(member: &Member, kind: FileKind) -> Stat {
    let size = match kind {
        FileKind::Symlink => u64::try_from(member.link.len()).unwrap_or(u64::MAX),
        _ => member.size,
    };
    Stat {
        mode: member.mode,
        uid: member.uid,
        gid: member.gid,
        size,
        rdev: member.rdev,
        mtime: member.mtime,
        ctime: member.ctime,
        atime: member.atime,
        btime: member.btime,
        only_kind: false,
        ..Stat::only(kind)
    }
}

impl Loader {
    pub(crate) fn new(options: &Options) -> Self {
        Self {
            tree: Tree::new(&options.budget),
            notes: Notes::default(),
            store: Store::new(options),
            newest: None,
            pending: Vec::new(),
            any_xattr: false,
            any_trusted: false,
            any_nanos: false,
        }
    }

    /// Takes one member. An error ends the archive.
    pub(crate) fn member<R: Read>(
        &mut self,
        member: &Member,
        members: &mut Members<R>,
    ) -> io::Result<()> {
        for odd in &member.odd {
            self.notes.about(odd.as_str(), &member.name);
        }
        if path::components(&member.name).any(|part| part == b"..") {
            self.notes.about(
                "names that climb with .. were kept inside the root",
                &member.name,
            );
        }
        self.any_nanos |= member.mtime.nanos != 0;
        let class = Class::of(&member.name);
        if class == Class::Store {
            self.newest = self.newest.max(Some(member.mtime));
        }
        let mut ended = Ok(());
        let mut stored = None;
        if member.what == What::File || (member.what == What::HardLink && member.stored != 0) {
            let taken = self
                .store
                .take(members, member, class, class == Class::Blob);
            ended = taken.1;
            stored = Some(taken.0);
        }
        match (member.what, stored) {
            (What::HardLink, None) => self.link(&member.name, &member.link, stat_of_file(member)),
            (What::Other(flag), _) => {
                let what = format!("members of the unknown type {flag:#04x} were passed over");
                self.notes.about(what, &member.name);
            }
            (what, stored) => {
                let kind = kind(what).unwrap_or(FileKind::File);
                self.put(member, kind, stored);
            }
        }
        ended
    }

    fn put(&mut self, member: &Member, kind: FileKind, stored: Option<Stored>) {
        let mut inode = Inode::new(stat(member, kind));
        inode.xattrs.clone_from(&member.xattrs);
        self.any_xattr |= !member.xattrs.is_empty();
        self.any_trusted |= member
            .xattrs
            .keys()
            .any(|name| name.bytes().starts_with(b"trusted."));
        if kind == FileKind::Symlink {
            inode.target = Some(Text::from(member.link.as_slice()));
        }
        if let Some(Stored { data, sha256 }) = stored {
            inode.data = data;
            // With holes the hash of what is stored is not the file's.
            inode.sha256 = sha256.filter(|_| member.sparse.is_none());
        }
        if kind == FileKind::Dir {
            inode.listed = true;
            if path::components(&member.name).next().is_none() {
                if let Some(root) = self.tree.get_mut(super::tree::ROOT) {
                    let children = core::mem::take(&mut root.children);
                    *root = Inode { children, ..inode };
                }
                return;
            }
        }
        let (directory, name) = match self.tree.place(&member.name) {
            Ok(place) => place,
            Err(why) => return self.refuse(why, &member.name),
        };
        let before = self.tree.child(directory, &name);
        if let Some(before) = before.and_then(|id| self.tree.get_mut(id)) {
            if before.stat.is_dir() && kind == FileKind::Dir {
                let again = !before.stat.only_kind;
                let children = core::mem::take(&mut before.children);
                *before = Inode { children, ..inode };
                if again {
                    self.again(&member.name);
                }
                return;
            }
            self.again(&member.name);
        }
        match self.tree.add(inode) {
            Ok(id) => self.tree.name(directory, name, id),
            Err(why) => self.refuse(why, &member.name),
        }
    }

    fn again(&mut self, name: &[u8]) {
        self.notes
            .about("names that occur more than once: the last one counts", name);
    }

    fn refuse(&mut self, why: Refused, name: &[u8]) {
        let what = match why {
            Refused::Full => "members beyond the budget for entries were left out",
            Refused::Deep => "members whose paths are too deep, or go in circles, were left out",
            Refused::NotDir => "members below something that is no directory were left out",
            Refused::Nameless => "members without a name were left out",
        };
        self.notes.about(what, name);
    }

    fn link(&mut self, name: &[u8], target: &[u8], stat: Stat) {
        match self.tree.find(path::path(target)) {
            Ok(id) if self.tree.get(id).is_some_and(|inode| !inode.stat.is_dir()) => {
                self.name(name, id);
            }
            _ => self.pending.push(Pending {
                name: name.to_vec(),
                target: target.to_vec(),
                stat,
            }),
        }
    }

    fn name(&mut self, name: &[u8], id: Id) {
        match self.tree.place(name) {
            Ok((directory, last)) => {
                if self
                    .tree
                    .child(directory, &last)
                    .is_some_and(|old| old != id)
                {
                    self.again(name);
                }
                self.tree.name(directory, last, id);
            }
            Err(why) => self.refuse(why, name),
        }
    }

    /// What can only be said at the end of the archive.
    pub(crate) fn finish(&mut self, complete: bool) {
        self.settle_links();
        let xattrs_unknown = match (self.any_xattr, self.any_trusted) {
            (_, true) => None,
            (true, false) => Some(
                "the tar holds extended attributes, but no trusted.* ones: they may have been out \
                 of its reach",
            ),
            (false, false) => Some("the tar holds no extended attributes (tar --xattrs)"),
        };
        if let Some(why) = xattrs_unknown {
            self.notes.add(why);
        }
        if !self.any_nanos {
            self.notes
                .add("times in this tar are whole seconds (tar --format=posix keeps the rest)");
        }
        self.notes
            .add("sockets are not known: tar leaves them out without a word");
        for inode in self.tree.all_mut() {
            inode.listed &= complete;
            inode.xattrs_unknown = xattrs_unknown.map(str::to_owned);
        }
        self.doubt_empty_blobs();
    }

    /// Links to what came later, until no round brings any further.
    fn settle_links(&mut self) {
        loop {
            let before = self.pending.len();
            for link in core::mem::take(&mut self.pending) {
                self.link(&link.name, &link.target, link.stat);
            }
            if self.pending.len() == before || self.pending.is_empty() {
                break;
            }
        }
        for link in core::mem::take(&mut self.pending) {
            self.notes
                .about("hard links to what the archive does not hold", &link.name);
            let mut inode = Inode::new(link.stat);
            inode.data = Data::Not(Unread::Dangling(Text::from(link.target)));
            if let Ok(id) = self.tree.add(inode) {
                self.name(&link.name, id);
            }
        }
    }

    /// An empty `blobs/<algorithm>` was probably excluded: it is the bulk of a node.
    fn doubt_empty_blobs(&mut self) {
        let mut at = vec![super::tree::ROOT];
        let mut stores = Vec::new();
        while let Some(id) = at.pop() {
            let Some(inode) = self.tree.get(id) else {
                continue;
            };
            for (name, child) in &inode.children {
                let child_is_dir = self.tree.get(*child).is_some_and(|it| it.stat.is_dir());
                match &**name {
                    b"io.containerd.content.v1.content" => stores.push(*child),
                    // No store lies below these, and they hold nearly all of the files.
                    b"snapshots" | b"rootfs" | b"proc" => {}
                    _ if child_is_dir => at.push(*child),
                    _ => {}
                }
            }
        }
        for store in stores {
            let Some(blobs) = self.tree.child(store, b"blobs") else {
                continue;
            };
            let algorithms: Vec<Id> = self
                .tree
                .get(blobs)
                .map(|inode| inode.children.values().copied().collect())
                .unwrap_or_default();
            for id in algorithms.into_iter().chain([blobs]) {
                if let Some(inode) = self.tree.get_mut(id).filter(|it| it.children.is_empty()) {
                    inode.listed = false;
                }
            }
        }
    }
}

/// What a hard link's own header says of its file.
fn stat_of_file(member: &Member) -> Stat {
    stat(member, FileKind::File)
}
