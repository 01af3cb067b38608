//! Our own bundle becomes a tree: the manifest says what there is, the members only bring bytes.

use std::collections::BTreeMap;
use std::io::{self, BufReader, Read};
use std::sync::Arc;

use finding::{Text, Time, Unread};
use serde::de::DeserializeSeed;

use super::foreign::Loader;
use super::manifest::{self, Manifest, Moment, Name, Reading, Record, Trailer};
use super::store::Class;
use super::tree::{Data, Id, Inode, ROOT, Refused};
use super::{Bundle, End, Hidden};
use crate::tar::{Member, Members, What};
use crate::{FileKind, Stat, Xattrs, path};

/// Bytes of the manifest that are read of any bundle, and more of them for each byte of it.
pub(super) const MANIFEST: (u64, u64) = (16 << 20, 16);
/// The same of the trailer, which is shorter than the members that it speaks of.
pub(super) const TRAILER: (u64, u64) = (4 << 20, 8);

/// The current member as a stream.
struct Bytes<'m, R>(&'m mut Members<R>);

impl<R: Read> Read for Bytes<'_, R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        self.0.data(into)
    }
}

fn stat(record: &Record, kind: FileKind) -> Stat {
    let big = |number: Option<manifest::Big>| number.map(|big| big.0);
    let time = |moment: Option<Moment>| moment.map(|moment| moment.0);
    Stat {
        kind,
        mode: record.mode & 0o7777,
        uid: record.uid,
        gid: record.gid,
        size: record.size.0,
        blocks: big(record.blocks),
        nlink: big(record.nlink),
        ino: big(record.ino),
        dev: record.dev,
        rdev: record.rdev,
        mtime: time(record.mtime).unwrap_or(Time::new(0, 0)),
        ctime: time(record.ctime),
        atime: time(record.atime),
        btime: time(record.btime),
        only_kind: record.only_kind,
    }
}

/// Why a file that was seen has no bytes here.
fn left(record: &Record) -> Unread {
    match record.left.as_deref() {
        Some("too-large") => Unread::NoRoom,
        Some("denied") => Unread::Denied,
        Some("changed") => Unread::Changed,
        Some("mount") => Unread::Special("mount"),
        None | Some("not-asked") => Unread::NotCollected,
        Some(other) => Unread::Io(format!("it could not be collected: {other}")),
    }
}

/// Puts one record into the tree.
fn put(loader: &mut Loader, record: &Record) {
    let name = record.path.0.bytes();
    if let Some(Name(same)) = &record.same {
        match loader.tree.find_now(same.bytes()) {
            Ok(id) => give(loader, name, id),
            Err(_) => loader
                .notes
                .about("the manifest links names to what it does not hold", name),
        }
        return;
    }
    let Some(kind) = FileKind::from_letter(record.kind) else {
        loader
            .notes
            .about("the manifest has entries of unknown kinds", name);
        return;
    };
    let mut inode = Inode::new(stat(record, kind));
    inode.target = record.target.as_ref().map(|name| name.0.clone());
    if kind != FileKind::Symlink {
        inode.target = None;
    }
    let mut xattrs = Xattrs::new();
    let mut unknown = String::new();
    for (name, value) in &record.xattrs {
        match hex::decode(value) {
            Ok(value) => {
                xattrs.insert(name.0.clone(), value.into());
            }
            Err(_) => "a value in the manifest is not hex".clone_into(&mut unknown),
        }
    }
    // Values are this file's own; what shares them is counted elsewhere.
    let values: usize = xattrs.values().map(|value| value.len()).sum();
    inode.xattrs = Arc::new(xattrs);
    unknown.push_str(record.xattrs_unknown.as_deref().unwrap_or_default());
    inode.xattrs_unknown = Some(unknown).filter(|why| !why.is_empty()).map(Arc::from);
    if kind == FileKind::File {
        inode.data = Data::Not(left(record));
    }
    inode.listed = record.listed && kind == FileKind::Dir;
    if path::components(name).next().is_none() {
        if let Some(root) = loader.tree.get_mut(ROOT)
            && kind == FileKind::Dir
        {
            let children = core::mem::take(&mut root.children);
            *root = Inode { children, ..inode };
        }
        return;
    }
    let values = u64::try_from(values).unwrap_or(u64::MAX);
    let charged = loader.tree.charge(values);
    match charged.and_then(|()| loader.tree.add(inode)) {
        Ok(id) => give(loader, name, id),
        Err(_) => full(loader, name),
    }
}

/// Notes that a name has no room.
fn full(loader: &mut Loader, name: &[u8]) {
    loader.tree.cut(name);
    loader.is_full = true;
    let what = "the manifest has more entries than the budget allows for a bundle of its size";
    loader.notes.left_out(what, name);
}

/// Gives an inode a name; names that cannot be are left out.
fn give(loader: &mut Loader, name: &[u8], id: Id) {
    let tree = &mut loader.tree;
    let (directory, last) = match tree.place(name) {
        Ok(place) => place,
        Err(Refused::Full) => return full(loader, name),
        Err(_) => return,
    };
    // A directory that was implied before keeps what is in it.
    let before = tree.child(directory, &last);
    let children = before
        .and_then(|before| tree.get_mut(before))
        .map(|before| core::mem::take(&mut before.children));
    if let (Some(children), Some(inode)) = (children, tree.get_mut(id))
        && inode.stat.is_dir()
        && inode.children.is_empty()
    {
        inode.children = children;
    }
    if tree.name(directory, last, id).is_err() {
        full(loader, name);
    }
}

/// Reads a bundle whose first member is its manifest.
pub(super) fn read_own_bundle<R: Read>(
    mut members: Members<R>,
    mut loader: Loader,
    name: Text,
) -> Result<Bundle, Unread> {
    let mut manifest = None;
    let parsed = {
        let most = members.allowance(MANIFEST.0, MANIFEST.1);
        let mut bytes = BufReader::new(Bytes(&mut members).take(most));
        let mut json = serde_json::Deserializer::from_reader(&mut bytes);
        Reading {
            take: |record: Record| put(&mut loader, &record),
        }
        .deserialize(&mut json)
    };
    match parsed {
        Ok(read) => manifest = Some(read),
        Err(error) => loader.notes.add(format!(
            "the manifest cannot be read to its end ({error}): what it lacks is not known"
        )),
    }
    if let Some(read) = &manifest
        && read.format > manifest::FORMAT
    {
        return Err(Unread::Io(format!(
            "a bundle of format {}, newer than this program's {}",
            read.format,
            manifest::FORMAT
        )));
    }
    let mut hashes: BTreeMap<Id, [u8; 32]> = BTreeMap::new();
    let mut trailer = None;
    while let Some(member) = members.next_member() {
        if member.name == manifest::TRAILER.as_bytes() {
            let most = members.allowance(TRAILER.0, TRAILER.1);
            let bytes = Bytes(&mut members).take(most);
            match serde_json::from_reader::<_, Trailer>(BufReader::new(bytes)) {
                Ok(read) => trailer = Some(read),
                Err(error) => loader
                    .notes
                    .add(format!("the trailer cannot be read ({error})")),
            }
            continue;
        }
        if member.what != What::File {
            continue;
        }
        let class = Class::from_name(&member.name);
        let (stored, ended) = loader.store.take(&mut members, &member, class, true);
        match loader.tree.find_now(&member.name) {
            Ok(id) => {
                if let Some(hash) = stored.sha256 {
                    hashes.insert(id, hash);
                }
                attach(&mut loader, id, &member, stored.data, stored.sha256);
            }
            Err(_) => loader
                .notes
                .about("members that the manifest does not name", &member.name),
        }
        let steps = loader.tree.take_steps();
        if let Err(error) = ended.and_then(|()| members.spend(steps)) {
            members.stop(&error);
        }
    }
    let end = members.end().cloned().unwrap_or(End::Whole);
    if end != End::Whole {
        loader.notes.add(end.to_string());
    }
    let complete = end.is_whole() && manifest.is_some() && trailer.is_some() && !loader.is_full;
    let mut hidden = Hidden::default();
    if let Some(trailer) = trailer {
        hidden = verify(&mut loader, &hashes, &trailer);
    } else {
        loader
            .notes
            .add("the bundle has no trailer: it was not written to its end");
    }
    for inode in loader.tree.all_mut() {
        inode.listed &= manifest.is_some() && !inode.cut;
    }
    if let Some(why) = &loader.store.spool.failed {
        loader.notes.add(why.as_str());
    }
    Ok(Bundle {
        name,
        tree: loader.tree,
        captured: manifest
            .as_ref()
            .map(|read: &Manifest| read.now.unwrap_or(read.captured)),
        manifest,
        complete,
        notes: loader.notes.lines(),
        hidden,
        left: loader.notes.left(),
        whole: members.allowance(super::WHOLE.0, super::WHOLE.1),
    })
}

fn attach(loader: &mut Loader, id: Id, member: &Member, data: Data, hash: Option<[u8; 32]>) {
    let Some(inode) = loader.tree.get_mut(id) else {
        return;
    };
    if !inode.stat.is_file() {
        loader
            .notes
            .about("members that are no files by the manifest", &member.name);
        return;
    }
    if inode.stat.size != member.size {
        inode.stat.size = member.size;
        loader.notes.about(
            "files that had another size when they were copied",
            &member.name,
        );
    }
    inode.data = data;
    inode.sha256 = hash.filter(|_| member.sparse.is_none()).map(Box::new);
}

/// Compares what was hashed with what the trailer says; what a redaction kept back.
fn verify(loader: &mut Loader, hashes: &BTreeMap<Id, [u8; 32]>, trailer: &Trailer) -> Hidden {
    let mut hidden = Hidden::default();
    for fate in &trailer.members {
        let name = fate.path.0.bytes();
        let mut unread = None;
        let id = loader.tree.find_now(name).ok();
        let found = id.and_then(|id| hashes.get(&id));
        if let (Some(want), Some(found)) = (&fate.sha256, found)
            && *want != hex::encode(found)
        {
            loader
                .notes
                .about("members with another SHA-256 than the trailer says", name);
        }
        if fate.changed {
            loader
                .notes
                .about("files that changed while they were copied", name);
            unread = Some(Unread::Changed);
        }
        if let Some(note) = fate.note.as_deref().filter(|_| fate.failed.is_none()) {
            loader.notes.about(note, name);
        }
        if fate.masked > 0 {
            hidden.masked.push(fate.path.0.clone());
            if let Ok(id) = loader.tree.find(path::path(name))
                && let Some(inode) = loader.tree.get_mut(id)
            {
                inode.masked = true;
            }
        }
        if fate.failed.as_deref() == Some(manifest::GONE) {
            unread = Some(Unread::Absent);
        } else if fate.failed.as_deref() == Some(manifest::HIDDEN) {
            hidden.left_out = hidden.left_out.saturating_add(1);
            unread = Some(Unread::NotCollected);
        } else if let Some(why) = &fate.failed {
            unread = Some(Unread::Io(format!("it could not be collected: {why}")));
        }
        if let Some(unread) = unread
            && let Some(id) = id
            && let Some(inode) = loader.tree.get_mut(id)
        {
            inode.data = Data::Not(unread);
        }
    }
    hidden
}
