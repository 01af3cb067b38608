//! What there is: everything below the roots, noted and not yet read.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::path::{Path, PathBuf};

use finding::{Known, Text, Time, Unread};

use super::{Blobs, Collect, Helper, METADATA, Summary, disk_fact};
use crate::bundle::manifest::{self, Big, Head, Moment, Name, Record};
use crate::bundle::store::Class;
use crate::{Entry, Evidence, FileKind, Host, Kind, Stat, path};

/// Everything that was seen.
pub(super) struct Walk<'e> {
    pub(super) evidence: &'e Evidence,
    pub(super) wanted: &'e Collect,
    pub(super) records: BTreeMap<Vec<u8>, Record>,
    /// Bytes that were read before the walk.
    pub(super) held: BTreeMap<Vec<u8>, &'e [u8]>,
    pub(super) summary: Summary,
    seen: BTreeMap<((u32, u32), u64), Name>,
    /// Whether what is walked now is only to be listed.
    names_only: bool,
    /// Mounts that were passed over.
    mounts: Vec<Text>,
    /// What is only listed, as the manifest says it.
    listed: Vec<Text>,
    /// Bytes of data of the files that are to be packed.
    asked: u64,
}

/// Why a file is left out: it is larger than is packed, or with it all would be.
const TOO_LARGE: &str = "too-large";

impl<'e> Walk<'e> {
    pub(super) fn new(evidence: &'e Evidence, wanted: &'e Collect) -> Self {
        Self {
            evidence,
            wanted,
            records: BTreeMap::new(),
            held: BTreeMap::new(),
            summary: Summary::default(),
            seen: BTreeMap::new(),
            names_only: false,
            mounts: Vec::new(),
            listed: wanted.listed.iter().map(|path| path::shown(path)).collect(),
            asked: 0,
        }
    }

    /// Walks all roots, and what links on the way to them lead to.
    pub(super) fn roots(&mut self) {
        self.each(&self.wanted.roots);
        self.names_only = true;
        self.each(&self.wanted.listed);
        self.names_only = false;
    }

    /// Adds what was read before.
    pub(super) fn take(&mut self) {
        for taken in &self.wanted.taken {
            let key = taken.path.bytes().to_vec();
            if self.records.contains_key(&key) {
                continue;
            }
            let mut record = record(&taken.path, &taken.stat);
            record.listed = taken.listed;
            record.target = taken.target.clone().map(Name);
            if let Some(unread) = &taken.unread {
                record.left = Some(match unread {
                    Unread::Denied => "denied".to_owned(),
                    other => other.to_string(),
                });
            } else if taken.stat.is_file() {
                record.collected = true;
                self.held.insert(key.clone(), &taken.bytes);
            }
            self.records.insert(key, record);
        }
    }

    /// Gives what has a secret in its name another one, in the list as in the archive: the names
    /// that were given, by what they are now. Targets of links and extended attributes, too.
    pub(super) fn disguise(&mut self, helper: &dyn Helper) -> BTreeMap<Vec<u8>, Vec<u8>> {
        let mut originals = BTreeMap::new();
        let mut given: BTreeMap<Vec<u8>, Vec<u8>> = BTreeMap::new();
        let records = core::mem::take(&mut self.records);
        for (at, mut record) in records {
            let shown = path::path(&at);
            if let Some(target) = &record.target
                && let Some(other) = helper.name(shown, target.0.bytes())
            {
                record.target = Some(Name(Text::from(other)));
                self.summary.renamed = self.summary.renamed.saturating_add(1);
            }
            for (name, value) in &mut record.xattrs {
                let bytes = hex::decode(&*value).unwrap_or_default();
                if let Some((other, bytes)) = helper.xattr(name.0.bytes(), &bytes) {
                    (*name, *value) = (Name(Text::from(other)), hex::encode(bytes));
                    self.summary.renamed = self.summary.renamed.saturating_add(1);
                }
            }
            // What is in a folder has its new name, too.
            let slash = at.iter().rposition(|byte| *byte == b'/').unwrap_or(0);
            let (above, last) = at.split_at_checked(slash).unwrap_or((&at, b""));
            let folder = given.get(above);
            let hidden = helper.name(shown, &at);
            let mut name = match (folder, &hidden) {
                (None, None) => at.clone(),
                (Some(folder), None) => [folder.as_slice(), last].concat(),
                (folder, Some(hidden)) => {
                    let last = hidden.get(slash..).unwrap_or_default();
                    [folder.map_or(above, Vec::as_slice), last].concat()
                }
            };
            // Two that look alike now were two files.
            while self.records.contains_key(&name) {
                name.push(b'~');
            }
            if name != at {
                self.summary.renamed = self.summary.renamed.saturating_add(1);
                record.path = Name(Text::from(name.clone()));
                given.insert(at.clone(), name.clone());
                originals.insert(name.clone(), at);
            }
            self.records.insert(name, record);
        }
        for record in self.records.values_mut() {
            if let Some(same) = &record.same
                && let Some(name) = given.get(same.0.bytes())
            {
                record.same = Some(Name(Text::from(name.clone())));
            }
        }
        // Some places are named by documents of the node: a program, a folder of plugins.
        let unread = self.summary.unread.iter_mut().map(|(path, _)| path);
        let said = self.summary.absent.iter_mut().chain(&mut self.mounts);
        for shown in said.chain(&mut self.listed).chain(unread) {
            if let Some(name) = helper.name(path::path(shown.bytes()), shown.bytes()) {
                *shown = Text::from(name);
            }
        }
        originals
    }

    fn each(&mut self, roots: &[PathBuf]) {
        let mut todo: Vec<PathBuf> = roots.iter().rev().cloned().collect();
        let mut done: BTreeSet<PathBuf> = BTreeSet::new();
        while let Some(root) = todo.pop() {
            if !done.insert(root.clone()) || done.len() > 1_000 {
                continue;
            }
            let shown = path::shown(&root);
            match self.ancestors(&root) {
                Ok(Some(led)) => todo.push(led),
                Ok(None) => match self.evidence.stat(&root) {
                    Ok(stat) => self.below(&shown, stat),
                    Err(unread) => self.missed(shown, unread),
                },
                Err(unread) => self.missed(shown, unread),
            }
        }
    }

    fn missed(&mut self, shown: Text, unread: Unread) {
        if unread == Unread::NotCollected && self.evidence.kind() == Kind::Directory {
            // Of a folder with a part of a node; the bundle does not tell of it, either.
            return;
        }
        if unread.is_absent() {
            self.summary.absent.push(shown);
        } else {
            self.summary.unread.push((shown, unread));
        }
    }

    /// Notes the directories above a root. If one of them, or the root, is a link: where the root
    /// is then.
    fn ancestors(&mut self, root: &Path) -> Result<Option<PathBuf>, Unread> {
        let mut at = PathBuf::from("/");
        let mut parts = path::components(root.as_os_str().as_encoded_bytes());
        loop {
            let stat = self.evidence.stat(&at)?;
            let target = if stat.is_symlink() {
                Some(self.evidence.read_link(&at)?)
            } else {
                None
            };
            let is_link = target.is_some();
            let shown = path::shown(&at);
            if !self.records.contains_key(shown.bytes()) {
                self.note(&shown, &stat, false);
            }
            if let Some(target) = target.filter(|_| is_link) {
                let mut led = path::follow(&at, target.bytes())
                    .ok_or_else(|| Unread::Escapes(target.clone()))?;
                for part in parts {
                    led.push(path::path(part));
                }
                return Ok(Some(led));
            }
            match parts.next() {
                Some(part) => at.push(path::path(part)),
                None => return Ok(None),
            }
        }
    }

    /// Notes everything at and below `shown`, without crossing mounts.
    fn below(&mut self, shown: &Text, stat: Stat) {
        let mut todo = vec![(shown.clone(), stat)];
        while let Some((shown, stat)) = todo.pop() {
            let goes_in = stat.is_dir()
                && (self.wanted.upperdirs || Class::from_name(shown.bytes()) != Class::Snapshot);
            let dev = stat.dev;
            let entries = if goes_in {
                self.evidence.try_list(path::path(shown.bytes()))
            } else {
                Err(Unread::NotCollected)
            };
            let listed = entries.as_ref().is_ok_and(Known::is_whole);
            if let Err(unread) = &entries
                && goes_in
            {
                self.summary.unread.push((shown.clone(), unread.clone()));
            }
            self.note(&shown, &stat, listed);
            let entries = entries.ok().and_then(|known| known.read().cloned());
            for Entry { name, stat } in entries.unwrap_or_default() {
                let slash: &[u8] = if shown.bytes() == b"/" { b"" } else { b"/" };
                let child = Text::from([shown.bytes(), slash, name.bytes()].concat());
                let other_mount = stat.only_kind || stat.dev != dev;
                if other_mount && !(stat.is_dir() && self.is_store(&child, &stat)) {
                    self.mounts.push(child.clone());
                    self.note(&child, &stat, false);
                    self.leave(&child, "mount");
                } else {
                    todo.push((child, stat));
                }
            }
        }
    }

    /// Whether the mount at `shown` is a part of a store on a disk of its own: a folder of one of
    /// containerd's plugins, or one in it. What containers have mounted never is.
    fn is_store(&self, shown: &Text, stat: &Stat) -> bool {
        let mut parts = path::components(shown.bytes()).rev();
        let plugin = |part: Option<&[u8]>| {
            part.is_some_and(|part| {
                part.starts_with(b"io.containerd.") && !part.starts_with(b"io.containerd.runtime.")
            })
        };
        let is_folder = plugin(parts.next()) || plugin(parts.next());
        let mount = self.evidence.mount(path::path(shown.bytes()));
        is_folder && !stat.only_kind && mount.is_some_and(|mount| mount.is_local_disk())
    }

    /// Notes why a file is not collected.
    fn leave(&mut self, shown: &Text, why: &str) {
        if let Some(record) = self.records.get_mut(shown.bytes())
            && record.kind == FileKind::File.letter()
        {
            record.collected = false;
            record.left = Some(why.to_owned());
        }
    }

    /// Notes one file, directory, socket, ….
    fn note(&mut self, shown: &Text, stat: &Stat, listed: bool) {
        let at = path::path(shown.bytes());
        let known = if stat.only_kind {
            Known::lost("", "only its kind is known")
        } else {
            self.evidence.xattrs(at)
        };
        let why = known.unknown().first().map(|unknown| unknown.why.clone());
        let xattrs = known.read().into_iter().flatten();
        let mut record = Record {
            xattrs: xattrs
                .map(|(name, value)| (Name(name.clone()), hex::encode(value)))
                .collect(),
            xattrs_unknown: why,
            listed,
            ..record(shown, stat)
        };
        match stat.kind {
            FileKind::Symlink => record.target = self.evidence.read_link(at).ok().map(Name),
            FileKind::File => {
                let key = stat.dev.zip(stat.ino).filter(|_| stat.nlink != Some(1));
                if let Some(first) = key.and_then(|key| self.seen.get(&key)) {
                    record.same = Some(first.clone());
                } else {
                    if let Some(key) = key {
                        self.seen.insert(key, Name(shown.clone()));
                    }
                    record.left = self
                        .left(shown, stat)
                        .map(|why| self.told(why, shown, stat));
                    record.collected = record.left.is_none();
                }
            }
            _ => {}
        }
        self.records.insert(shown.bytes().to_vec(), record);
    }

    /// What is too large was asked for, and is not in the bundle.
    fn told(&mut self, why: &'static str, shown: &Text, stat: &Stat) -> String {
        if why == TOO_LARGE {
            let (size, limit) = (stat.size, self.wanted.limit.min(self.wanted.total));
            let unread = Unread::TooLarge { size, limit };
            self.summary.unread.push((shown.clone(), unread));
        }
        why.to_owned()
    }

    /// Why a file is not to be collected.
    fn left(&mut self, shown: &Text, stat: &Stat) -> Option<&'static str> {
        let not_asked = self.names_only
            || match (Class::from_name(shown.bytes()), self.wanted.blobs) {
                (Class::Blob, Blobs::Metadata) => stat.size > METADATA,
                (Class::Blob, Blobs::None) => true,
                (Class::Snapshot, _) => !self.wanted.upperdirs,
                (Class::Blob, Blobs::All) | (Class::Store, _) => false,
            };
        let data = stat.blocks.map_or(stat.size, |blocks| {
            blocks.saturating_mul(512).min(stat.size)
        });
        if not_asked {
            return Some("not-asked");
        }
        let total = self.asked.saturating_add(data);
        if data > self.wanted.limit || total > self.wanted.total {
            return Some(TOO_LARGE);
        }
        self.asked = total;
        None
    }

    /// The manifest as JSON, an entry a line.
    pub(super) fn manifest(&mut self) -> io::Result<Vec<u8>> {
        let wanted = self.wanted;
        let mut left_out = wanted.left_out.clone();
        match wanted.blobs {
            Blobs::All => {}
            Blobs::Metadata => {
                left_out.push(format!("content blobs of more than {METADATA} bytes"));
            }
            Blobs::None => left_out.push("content blobs".into()),
        }
        if !wanted.upperdirs {
            left_out.push("files in snapshots".into());
        }
        for listed in &self.listed {
            left_out.push(format!("files below {listed}"));
        }
        for mount in &self.mounts {
            left_out.push(format!("{mount}: a mount"));
        }
        for absent in &self.summary.absent {
            left_out.push(format!("{absent}: not there"));
        }
        for (path, unread) in &self.summary.unread {
            left_out.push(format!("{path}: {unread}"));
        }
        let head = Head {
            format: manifest::FORMAT,
            tool: &wanted.tool,
            captured: Moment(wanted.captured),
            host: &Host::this(),
            roots: wanted
                .roots
                .iter()
                .map(|root| Name(path::shown(root)))
                .collect(),
            absent: self.summary.absent.iter().cloned().map(Name).collect(),
            sockets: self.evidence.keeps_sockets(),
            left_out: &left_out,
            now: wanted.as_of.map(Moment),
            command: &wanted.command,
            warnings: &wanted.warnings,
            redacted: wanted.redacted,
            disks: wanted
                .disks
                .iter()
                .filter_map(|path| disk_fact(self.evidence, path))
                .collect(),
            programs: &wanted.programs,
        };
        let mut json = serde_json::to_vec(&head).map_err(io::Error::other)?;
        json.pop();
        json.extend_from_slice(b",\n\"entries\":[");
        let mut comma: &[u8] = b"\n";
        // By path, and so that a name comes after the one whose file it shares.
        let is_alias = |record: &&Record| record.same.is_some();
        let files = self.records.values().filter(|record| !is_alias(record));
        let aliases = self.records.values().filter(is_alias);
        for record in files.chain(aliases) {
            json.extend_from_slice(comma);
            serde_json::to_writer(&mut json, record).map_err(io::Error::other)?;
            comma = b",\n";
            self.summary.entries = self.summary.entries.saturating_add(1);
        }
        json.extend_from_slice(b"\n]}\n");
        Ok(json)
    }
}

/// What is known of a file, as the manifest says it.
fn record(shown: &Text, stat: &Stat) -> Record {
    let big = |number: Option<u64>| number.map(Big);
    let time = |time: Option<Time>| time.map(Moment);
    Record {
        path: Name(shown.clone()),
        kind: stat.kind.letter(),
        mode: stat.mode,
        uid: stat.uid,
        gid: stat.gid,
        size: Big(stat.size),
        blocks: big(stat.blocks),
        nlink: big(stat.nlink),
        ino: big(stat.ino),
        dev: stat.dev,
        rdev: stat.rdev,
        mtime: time(Some(stat.mtime)),
        ctime: time(stat.ctime),
        atime: time(stat.atime),
        btime: time(stat.btime),
        only_kind: stat.only_kind,
        target: None,
        xattrs: Vec::new(),
        xattrs_unknown: None,
        listed: false,
        collected: false,
        left: None,
        same: None,
    }
}
