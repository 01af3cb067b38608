//! Writes our own bundle from any evidence. `docs/bundle.md` describes the format.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use finding::{Known, Text, Time, Unread};
use sha2::{Digest, Sha256};

use super::manifest::{self, Big, Fate, Head, Moment, Name, Record, Trailer};
use super::store::Class;
use crate::tar::build::{self, Item};
use crate::zframe::Frames;
use crate::{Entry, Evidence, FileKind, Host, Stat, path};

/// Which content blobs are collected.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Blobs {
    /// All of them.
    All,
    /// Those of at most 1 MiB: manifests, indexes, configs.
    #[default]
    Metadata,
    /// None; they are listed all the same.
    None,
}

/// Bytes of a blob that count as metadata.
const METADATA: u64 = 1 << 20;

/// What is to be collected.
#[derive(Debug, Clone)]
pub struct Collect {
    /// Absolute paths inside the evidence; directories with everything below them.
    pub roots: Vec<PathBuf>,
    /// Which content blobs.
    pub blobs: Blobs,
    /// Whether the files in snapshots are collected, too. Otherwise `snapshots/<id>/fs` is noted
    /// and not looked into.
    pub upperdirs: bool,
    /// Bytes of data (holes do not count) of a file that is still collected.
    pub limit: u64,
    /// Who writes: `coroner 0.1.0`.
    pub tool: String,
    /// Now.
    pub captured: Time,
}

/// What was collected.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Summary {
    /// Entries in the manifest.
    pub entries: u64,
    /// Files whose bytes are in the bundle.
    pub files: u64,
    /// Their bytes, without holes.
    pub bytes: u64,
    /// Paths that were asked for and are not there.
    pub absent: Vec<Text>,
    /// What was seen and could not be read, and why.
    pub unread: Vec<(Text, Unread)>,
}

/// Everything that was seen.
struct Walk<'e> {
    evidence: &'e Evidence,
    wanted: &'e Collect,
    records: BTreeMap<Vec<u8>, Record>,
    seen: BTreeMap<((u32, u32), u64), Name>,
    summary: Summary,
}

/// Writes a bundle of `evidence` to `out`: the manifest, the files, the trailer; zstd frames and
/// their seek table. The evidence is only read; what cannot be read is noted and passed over.
pub fn write(evidence: &Evidence, wanted: &Collect, out: impl Write) -> io::Result<Summary> {
    let mut walk = Walk {
        evidence,
        wanted,
        records: BTreeMap::new(),
        seen: BTreeMap::new(),
        summary: Summary::default(),
    };
    walk.roots();
    let mut out = Frames::new(out);
    let head = walk.manifest()?;
    build::member(
        &mut out,
        &Item::file(manifest::NAME.as_bytes(), len(&head), wanted.captured),
    )?;
    out.write_all(&head)?;
    build::pad(&mut out, len(&head))?;
    drop(head);
    out.boundary()?;
    let mut trailer = Trailer::default();
    let records = core::mem::take(&mut walk.records);
    for (path, record) in &records {
        walk.copy(path, record, &mut out, &mut trailer)?;
        out.boundary()?;
    }
    let tail = serde_json::to_vec(&trailer).map_err(io::Error::other)?;
    build::member(
        &mut out,
        &Item::file(manifest::TRAILER.as_bytes(), len(&tail), wanted.captured),
    )?;
    out.write_all(&tail)?;
    build::pad(&mut out, len(&tail))?;
    build::end(&mut out)?;
    out.finish()?;
    Ok(walk.summary)
}

fn len(bytes: &[u8]) -> u64 {
    u64::try_from(bytes.len()).unwrap_or(u64::MAX)
}

impl Walk<'_> {
    /// Walks all roots, and what links on the way to them lead to.
    fn roots(&mut self) {
        let mut todo: Vec<PathBuf> = self.wanted.roots.iter().rev().cloned().collect();
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
                && (self.wanted.upperdirs || Class::of(shown.bytes()) != Class::Snapshot);
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
                let other_mount = stat.is_dir() && (stat.only_kind || stat.dev != dev);
                if other_mount {
                    self.note(&child, &stat, false);
                } else {
                    todo.push((child, stat));
                }
            }
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
        let big = |number: Option<u64>| number.map(Big);
        let time = |time: Option<Time>| time.map(Moment);
        let mut record = Record {
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
            xattrs: xattrs
                .map(|(name, value)| (Name(name.clone()), hex::encode(value)))
                .collect(),
            xattrs_unknown: why,
            listed,
            collected: false,
            left: None,
            same: None,
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
                    record.left = self.left(shown, stat);
                    record.collected = record.left.is_none();
                }
            }
            _ => {}
        }
        self.records.insert(shown.bytes().to_vec(), record);
    }

    /// Why a file is not to be collected.
    fn left(&self, shown: &Text, stat: &Stat) -> Option<String> {
        let not_asked = match (Class::of(shown.bytes()), self.wanted.blobs) {
            (Class::Blob, Blobs::Metadata) => stat.size > METADATA,
            (Class::Blob, Blobs::None) => true,
            (Class::Snapshot, _) => !self.wanted.upperdirs,
            (Class::Blob, Blobs::All) | (Class::Store, _) => false,
        };
        let data = stat.blocks.map_or(stat.size, |blocks| {
            blocks.saturating_mul(512).min(stat.size)
        });
        if not_asked {
            Some("not-asked".into())
        } else if data > self.wanted.limit {
            Some("too-large".into())
        } else {
            None
        }
    }

    /// The manifest as JSON, an entry a line.
    fn manifest(&mut self) -> io::Result<Vec<u8>> {
        let wanted = self.wanted;
        let mut left_out = Vec::new();
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

    /// Writes one member, if the record is to have one.
    fn copy(
        &mut self,
        path: &[u8],
        record: &Record,
        out: &mut Frames<impl Write>,
        trailer: &mut Trailer,
    ) -> io::Result<()> {
        let name = path.strip_prefix(b"/").unwrap_or(path);
        if name.is_empty() || record.only_kind {
            return Ok(());
        }
        let mut item = Item::file(name, 0, record.mtime.map_or(Time::new(0, 0), |time| time.0));
        (item.mode, item.uid, item.gid) = (record.mode, record.uid, record.gid);
        match (record.kind, &record.target, &record.same) {
            ('d', _, _) => {
                item.flag = b'5';
                return build::member(out, &item);
            }
            ('l', Some(target), _) => {
                item.flag = b'2';
                item.link = target.0.bytes();
                return build::member(out, &item);
            }
            ('f', _, _) if record.collected => {}
            _ => return Ok(()),
        }
        let mut fate = Fate {
            path: record.path.clone(),
            sha256: None,
            changed: false,
            failed: None,
        };
        let at = path::path(path);
        match self.evidence.pages(at) {
            Err(unread) => {
                fate.failed = Some(unread.to_string());
                self.summary.unread.push((path::shown(at), unread));
            }
            Ok(pages) => {
                let spans: Vec<_> = pages.data().collect();
                let data = spans
                    .iter()
                    .fold(0_u64, |sum, span| sum.saturating_add(span.len));
                item.size = pages.len();
                if data != pages.len() {
                    item.sparse = Some(&spans);
                }
                build::member(out, &item)?;
                let mut hasher = Sha256::new();
                let mut buffer = vec![0; 256 << 10];
                'spans: for span in &spans {
                    let mut start = span.start;
                    while start < span.end() {
                        let room = len(&buffer).min(span.end().saturating_sub(start));
                        let piece = buffer.get_mut(..usize::try_from(room).unwrap_or(0));
                        let piece = piece.unwrap_or_default();
                        if let Err(unread) = pages.read_at(start, piece) {
                            // The header promised so many bytes: zeros instead, and said so.
                            fate.changed |= unread == Unread::Changed;
                            if unread != Unread::Changed {
                                fate.failed = Some(unread.to_string());
                            }
                            piece.fill(0);
                        }
                        hasher.update(&*piece);
                        out.write_all(piece)?;
                        start = start.saturating_add(room);
                        if room == 0 {
                            break 'spans;
                        }
                    }
                }
                build::pad(out, data)?;
                fate.changed |= pages.unchanged() == Err(Unread::Changed);
                fate.sha256 = Some(hex::encode(hasher.finalize()));
                self.summary.files = self.summary.files.saturating_add(1);
                self.summary.bytes = self.summary.bytes.saturating_add(data);
            }
        }
        trailer.members.push(fate);
        Ok(())
    }
}
