//! A tar of somebody's making becomes a tree.
//!
//! What may be concluded from such a tar: a directory that has a member of its own was walked by
//! the tar that wrote it, so its listing is taken as whole, if the archive is; a directory that is
//! only implied by names below it is not. Three things a tar leaves out without a trace, and
//! nothing is concluded from their absence: sockets, extended attributes (if there are none in
//! the whole archive), and blobs that somebody excluded (an empty `blobs/<algorithm>`).

use std::collections::BTreeMap;
use std::io::{self, Read};
use std::sync::Arc;

use finding::{Text, Unread};

use super::newest::Newest;
use super::notes::Notes;
use super::store::{Class, Store, Stored};
use super::tree::{Data, Id, Inode, Refused, Tree};
use crate::budget::Packed;
use crate::tar::{End, Member, Members, What};
use crate::{FileKind, Options, Stat, path};

/// A hard link whose target was not there yet.
struct Pending {
    name: Vec<u8>,
    /// Nothing if it is longer than a path may be.
    target: Option<Vec<u8>>,
    stat: Stat,
}

/// Rounds in which links to later members are settled: as many as links may be in one path.
const ROUNDS: usize = 40;
/// Why not all attributes of a file are known.
const MORE_XATTRS: &str = "the archive has extended attributes that no file of Linux can have";

/// A tree in the making.
pub(crate) struct Loader {
    pub(crate) tree: Tree,
    pub(crate) notes: Notes,
    pub(crate) store: Store,
    /// The newest times of members that are not containers' own files.
    pub(crate) newest: Newest,
    pending: Vec<Pending>,
    any_xattr: bool,
    any_trusted: bool,
    any_nanos: bool,
    /// Names were left out for lack of room.
    pub(crate) is_full: bool,
    /// Members were left out of which not even the name is known: no folder is known whole.
    has_unnamed: bool,
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
    pub(crate) fn new(options: &Options, packed: &Packed) -> Self {
        Self {
            tree: Tree::new(&options.budget, packed.clone()),
            notes: Notes::default(),
            store: Store::new(options, packed.clone()),
            newest: Newest::default(),
            pending: Vec::new(),
            any_xattr: false,
            any_trusted: false,
            any_nanos: false,
            is_full: false,
            has_unnamed: false,
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
        if member.nameless {
            self.tree.cut(&member.name);
            // It may be any file of the node.
            self.is_full |= member.unread;
            self.has_unnamed |= member.unread;
            let what = if member.unread {
                "members with an extended header that is longer than the budget were left out"
            } else {
                "names longer than Linux takes a path were left out"
            };
            self.notes.left_out(what, &member.name);
            return Ok(());
        }
        if path::components(&member.name).any(|part| part == b"..") {
            self.notes.about(
                "names that climb with .. were kept inside the root",
                &member.name,
            );
        }
        self.any_nanos |= member.mtime.nanos != 0;
        let class = Class::from_name(&member.name);
        // What containers wrote, and blobs, may not use up the room that the stores need.
        if class != Class::Store && self.tree.is_nearly_full(1) {
            self.refuse(Refused::Full, &member.name);
            return Ok(());
        }
        if class == Class::Store {
            self.newest.see(member.mtime);
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
            (What::HardLink, None) => self.link(Pending {
                name: member.name.clone(),
                target: (!member.linkless).then(|| member.link.clone()),
                stat: stat_of_file(member),
            }),
            (What::Other(flag), _) => {
                let what = format!("members of the unknown type {flag:#04x} were passed over");
                self.notes.about(what, &member.name);
            }
            (what, stored) => {
                let kind = kind(what).unwrap_or(FileKind::File);
                self.put(member, kind, stored);
            }
        }
        let steps = self.tree.take_steps();
        ended.and_then(|()| members.spend(steps))
    }

    fn put(&mut self, member: &Member, kind: FileKind, stored: Option<Stored>) {
        let mut inode = Inode::new(stat(member, kind));
        inode.xattrs = Arc::clone(&member.xattrs);
        // What a global header says is shared with it; else the values are this file's own.
        if Arc::strong_count(&member.xattrs) <= 2 {
            let values = member.xattrs.values().map(|value| value.len());
            let values = values.fold(0, usize::saturating_add);
            let values = u64::try_from(values).unwrap_or(u64::MAX);
            if let Err(why) = self.tree.charge(values) {
                return self.refuse(why, &member.name);
            }
        }
        if member.more_xattrs {
            inode.xattrs_unknown = Some(Arc::from(MORE_XATTRS));
        }
        self.any_xattr |= !member.xattrs.is_empty();
        self.any_trusted |= member
            .xattrs
            .keys()
            .any(|name| name.bytes().starts_with(b"trusted."));
        if kind == FileKind::Symlink && !member.linkless {
            inode.target = Some(Text::from(member.link.as_slice()));
        }
        if let Some(Stored { data, sha256 }) = stored {
            inode.data = data;
            // With holes the hash of what is stored is not the file's.
            inode.sha256 = sha256.filter(|_| member.sparse.is_none()).map(Box::new);
        }
        if kind == FileKind::Dir {
            inode.listed = true;
            if path::components(&member.name).next().is_none() {
                if let Err(why) = self.tree.charge_again(&inode) {
                    return self.refuse(why, &member.name);
                }
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
        if before.is_some()
            && let Err(why) = self.tree.charge_again(&inode)
        {
            return self.refuse(why, &member.name);
        }
        if let Some(before) = before.and_then(|id| self.tree.get_mut(id)) {
            if before.stat.is_dir() && kind == FileKind::Dir {
                let again = !before.stat.only_kind;
                let children = core::mem::take(&mut before.children);
                let cut = before.cut;
                *before = Inode {
                    children,
                    cut,
                    ..inode
                };
                if again {
                    self.again(&member.name);
                }
                return;
            }
            self.again(&member.name);
        }
        let added = self.tree.add(inode);
        let named = added.and_then(|id| self.tree.name(directory, name, id));
        if let Err(why) = named {
            self.refuse(why, &member.name);
        }
    }

    fn again(&mut self, name: &[u8]) {
        self.notes
            .about("names that occur more than once: the last one counts", name);
    }

    fn refuse(&mut self, why: Refused, name: &[u8]) {
        if matches!(why, Refused::Full | Refused::Deep) {
            self.tree.cut(name);
        }
        self.is_full |= why == Refused::Full;
        let what = match why {
            Refused::Full => "members beyond the budget for an archive of this size were left out",
            Refused::Deep => {
                "members with paths that are too deep, or go in circles, were left out"
            }
            Refused::NotDir => "members below something that is no directory were left out",
            Refused::Nameless => "members without a name were left out",
        };
        if matches!(why, Refused::Full | Refused::Deep) {
            self.notes.left_out(what, name);
        } else {
            self.notes.about(what, name);
        }
    }

    /// Gives the file that a hard link names its other name, or keeps the link for later.
    fn link(&mut self, link: Pending) {
        if let Err(link) = self.try_link(link) {
            let bytes = link
                .name
                .len()
                .saturating_add(link.target.as_ref().map_or(0, Vec::len));
            let bytes = bytes
                .saturating_add(size_of::<Pending>())
                .saturating_add(128);
            match self.tree.charge(u64::try_from(bytes).unwrap_or(u64::MAX)) {
                Ok(()) => self.pending.push(link),
                Err(why) => self.refuse(why, &link.name),
            }
        }
    }

    #[expect(
        clippy::result_large_err,
        reason = "the link comes back to be tried again"
    )]
    fn try_link(&mut self, link: Pending) -> Result<(), Pending> {
        let target = link.target.as_deref();
        let found = target.and_then(|target| self.tree.find_now(target).ok());
        match found {
            Some(id) if self.tree.get(id).is_some_and(|inode| !inode.stat.is_dir()) => {
                self.name(&link.name, id);
                Ok(())
            }
            _ => Err(link),
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
                if let Err(why) = self.tree.name(directory, last, id) {
                    self.refuse(why, name);
                }
            }
            Err(why) => self.refuse(why, name),
        }
    }

    /// What can only be said at the end of the archive.
    pub(crate) fn finish<R: Read>(&mut self, members: &mut Members<R>) {
        if let Err(error) = self.settle_links(members) {
            members.stop(&error);
        }
        let complete = members.end().is_none_or(End::is_whole) && !self.has_unnamed;
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
            .add("sockets are not known: tar leaves them out silently");
        let unknown: Option<Arc<str>> = xattrs_unknown.map(Arc::from);
        for inode in self.tree.all_mut() {
            inode.listed &= complete && !inode.cut;
            if inode.xattrs_unknown.is_none() {
                inode.xattrs_unknown.clone_from(&unknown);
            }
        }
        self.doubt_empty_blobs();
    }

    /// Links to what came later: each is tried again when the name that it waits for has come.
    fn settle_links<R: Read>(&mut self, members: &mut Members<R>) -> io::Result<()> {
        // A name may also come through a link in the middle of it: hence some rounds more.
        for _ in 0..ROUNDS {
            let before = self.pending.len();
            self.settle_round(members)?;
            if self.pending.len() == before || self.pending.is_empty() {
                break;
            }
        }
        for link in core::mem::take(&mut self.pending) {
            self.notes
                .about("hard links to what the archive does not hold", &link.name);
            let mut inode = Inode::new(link.stat);
            inode.data = Data::Not(match link.target {
                Some(target) => Unread::Dangling(Text::from(target)),
                None => Unread::Io("its target is longer than Linux takes a path".into()),
            });
            match self.tree.add(inode) {
                Ok(id) => self.name(&link.name, id),
                Err(why) => self.refuse(why, &link.name),
            }
            members.spend(self.tree.take_steps())?;
        }
        Ok(())
    }

    fn settle_round<R: Read>(&mut self, members: &mut Members<R>) -> io::Result<()> {
        // In order: which of two links of one name counts must not depend on a hash.
        let mut waiting: BTreeMap<Vec<u8>, Vec<Pending>> = BTreeMap::new();
        for link in core::mem::take(&mut self.pending) {
            let name = plain(&link.name);
            if let Err(link) = self.try_link(link) {
                let target = plain(link.target.as_deref().unwrap_or_default());
                waiting.entry(target).or_default().push(link);
                members.spend(self.tree.take_steps())?;
                continue;
            }
            let mut ready = waiting.remove(&name).unwrap_or_default();
            while let Some(link) = ready.pop() {
                let name = plain(&link.name);
                match self.try_link(link) {
                    Ok(()) => ready.extend(waiting.remove(&name).unwrap_or_default()),
                    Err(link) => self.pending.push(link),
                }
                members.spend(self.tree.take_steps())?;
            }
        }
        self.pending.extend(waiting.into_values().flatten());
        Ok(())
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

/// A name without what does not count in it.
fn plain(name: &[u8]) -> Vec<u8> {
    let parts: Vec<&[u8]> = path::components(name).collect();
    parts.join(&b'/')
}

/// What a hard link's own header says of its file.
fn stat_of_file(member: &Member) -> Stat {
    stat(member, FileKind::File)
}
