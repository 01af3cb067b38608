//! A tree, or a layer, as a tar: the same bytes for the same files, whoever writes it and when.
//!
//! POSIX.1-2001 (PAX): times with nanoseconds, extended attributes as `SCHILY.xattr.<name>`, names
//! of any bytes and length. A name that is the same file as an earlier one is a hard link. In a
//! layer, `.wh.<name>` deletes a name and `.wh..wh..opq` makes its directory opaque (OCI image
//! specification, `layer.md`). Sockets have no place in a tar.

use std::collections::BTreeMap;
use std::io::{self, Read, Write};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use evidence::{Evidence, FileKind, Pages, Xattrs, pax_record, pax_time};
use finding::Known;
use sha2::{Digest, Sha256};
use tar::{Builder, EntryType, Header};
use view::Span;

use crate::merged::{Merged, MergedEntry};

/// Writes a tar.
#[expect(missing_debug_implementations, reason = "a writer has nothing to show")]
pub struct Archive<'e, W: Write> {
    builder: Builder<W>,
    evidence: &'e Evidence,
    /// Names of files that may have more than one, by what they are.
    names: BTreeMap<(u64, u64), Vec<u8>>,
    most: Most,
    /// Bytes of data that were put into it.
    put: u64,
}

/// How much is taken of the files of a tree: bytes of data, holes do not count.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Most {
    /// Of one file.
    pub file: u64,
    /// Of all files together.
    pub total: u64,
}

impl Default for Most {
    fn default() -> Self {
        Self {
            file: u64::MAX,
            total: u64::MAX,
        }
    }
}

impl Most {
    /// Why a file with so many bytes of data is not taken after so many others, if it is not.
    pub fn refuses(self, data: u64, before: u64) -> Option<String> {
        if data > self.file {
            return Some(format!(
                "it has {data} bytes, more than the {} that are taken of a file (--max-file)",
                self.file
            ));
        }
        (before.saturating_add(data) > self.total).then(|| {
            format!(
                "with it, more than {} bytes would be taken of all files (--max-total)",
                self.total
            )
        })
    }
}

/// What became of one file.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Put {
    /// SHA-256 of the bytes of a regular file, as they stand in the tar.
    pub sha256: Option<[u8; 32]>,
    /// The earlier name that it is a hard link to.
    pub link: Option<Vec<u8>>,
    /// What of it is not in the tar, and why. Bytes that could not be read are zeroes there.
    pub lacks: Vec<String>,
    /// It is not in the tar at all; why is in `lacks`.
    pub left_out: bool,
}

impl Put {
    fn left_out(why: impl Into<String>) -> Self {
        Self {
            lacks: vec![why.into()],
            left_out: true,
            ..Self::default()
        }
    }
}

impl<'e, W: Write> Archive<'e, W> {
    /// Begins a tar of files of `evidence`.
    pub fn new(evidence: &'e Evidence, to: W) -> Self {
        Self {
            builder: Builder::new(to),
            evidence,
            names: BTreeMap::new(),
            most: Most::default(),
            put: 0,
        }
    }

    /// Leaves files out that are larger, or would make it larger.
    #[must_use]
    pub const fn within(mut self, most: Most) -> Self {
        self.most = most;
        self
    }

    /// Writes one file of a merged tree, under its path there.
    ///
    /// # Errors
    /// Of the writer; what cannot be read is told in [`Put`].
    pub fn put(
        &mut self,
        merged: &Merged<'_>,
        path: &Path,
        entry: &MergedEntry,
    ) -> io::Result<Put> {
        let stat = &entry.stat;
        let kind = match stat.kind {
            FileKind::File => EntryType::Regular,
            FileKind::Dir => EntryType::Directory,
            FileKind::Symlink => EntryType::Symlink,
            FileKind::Fifo => EntryType::Fifo,
            FileKind::Char => EntryType::Char,
            FileKind::Block => EntryType::Block,
            FileKind::Socket => return Ok(Put::left_out("a tar has no sockets")),
        };
        let mut put = Put::default();
        let mut name = name(path);
        if kind == EntryType::Directory && !name.ends_with(b"/") {
            name.push(b'/');
        }
        let mut header = Header::new_ustar();
        header.set_entry_type(kind);
        header.set_mode(stat.mode);
        header.set_uid(u64::from(stat.uid));
        header.set_gid(u64::from(stat.gid));
        header.set_mtime(u64::try_from(stat.mtime.seconds).unwrap_or(0));
        header.set_size(0);
        let mut records: BTreeMap<String, Vec<u8>> = BTreeMap::new();
        if stat.mtime.nanos != 0 || stat.mtime.seconds < 0 {
            records.insert("mtime".to_owned(), pax_time(stat.mtime).into_bytes());
        }
        attributes(&merged.xattrs(entry), &mut records, &mut put.lacks);
        match stat.kind {
            FileKind::Symlink => match self.evidence.read_link(&entry.place) {
                Ok(target) => link(&mut header, target.bytes(), &mut records),
                Err(why) => return Ok(Put::left_out(why.to_string())),
            },
            FileKind::Char | FileKind::Block => {
                let Some((major, minor)) = stat.rdev else {
                    return Ok(Put::left_out("the evidence has no device numbers"));
                };
                header.set_device_major(major)?;
                header.set_device_minor(minor)?;
            }
            _ => {}
        }
        if stat.kind != FileKind::Dir
            && stat.nlink.is_none_or(|links| links > 1)
            && let Some(identity) = self.evidence.identity(&entry.place)
        {
            if let Some(earlier) = self.names.get(&identity).cloned() {
                header.set_entry_type(EntryType::Link);
                link(&mut header, &earlier, &mut records);
                self.head(&mut header, &name, &records)?;
                self.builder.append(&header, io::empty())?;
                put.link = Some(earlier);
                return Ok(put);
            }
            self.names.insert(identity, name.clone());
        }
        if stat.kind == FileKind::File {
            let mut bytes = Bytes::open_entry(self.evidence, entry);
            let data = bytes.data();
            if let Some(why) = self.most.refuses(data, self.put) {
                if let Some(identity) = self.evidence.identity(&entry.place) {
                    self.names.remove(&identity);
                }
                return Ok(Put::left_out(why));
            }
            self.put = self.put.saturating_add(data);
            let map = bytes.sparse();
            if map.is_empty() {
                header.set_size(stat.size);
                self.head(&mut header, &name, &records)?;
                self.builder.append(&header, &mut bytes)?;
            } else {
                sparse_records(&name, stat.size, &mut records);
                let stored = u64::try_from(map.len()).unwrap_or(u64::MAX);
                header.set_size(stored.saturating_add(data));
                self.head(&mut header, &sparse_name(&name), &records)?;
                self.builder
                    .append(&header, map.as_slice().chain(&mut bytes))?;
            }
            put.lacks.extend(bytes.failed.take());
            put.sha256 = bytes.sha256();
        } else {
            self.head(&mut header, &name, &records)?;
            self.builder.append(&header, io::empty())?;
        }
        Ok(put)
    }

    /// Says in a layer that the layers below have nothing under this path.
    ///
    /// # Errors
    /// Of the writer.
    pub fn whiteout(&mut self, path: &Path) -> io::Result<()> {
        let path = name(path);
        let at = path.iter().rposition(|byte| *byte == b'/');
        let (folder, last) = path.split_at(at.map_or(0, |at| at.saturating_add(1)));
        self.marker(&[folder, b".wh.", last].concat())
    }

    /// Says in a layer that nothing of the layers below is seen through this directory.
    ///
    /// # Errors
    /// Of the writer.
    pub fn opaque(&mut self, folder: &Path) -> io::Result<()> {
        let folder = name(folder);
        let slash: &[u8] = if folder.is_empty() || folder.ends_with(b"/") {
            b""
        } else {
            b"/"
        };
        self.marker(&[folder.as_slice(), slash, b".wh..wh..opq"].concat())
    }

    fn marker(&mut self, name: &[u8]) -> io::Result<()> {
        let mut header = Header::new_ustar();
        header.set_entry_type(EntryType::Regular);
        header.set_mode(0);
        header.set_uid(0);
        header.set_gid(0);
        header.set_mtime(0);
        header.set_size(0);
        self.head(&mut header, name, &BTreeMap::new())?;
        self.builder.append(&header, io::empty())
    }

    /// Ends the tar.
    ///
    /// # Errors
    /// Of the writer.
    pub fn finish(self) -> io::Result<W> {
        self.builder.into_inner()
    }

    /// Writes the records before a header, and puts the name into it.
    fn head(
        &mut self,
        header: &mut Header,
        name: &[u8],
        records: &BTreeMap<String, Vec<u8>>,
    ) -> io::Result<()> {
        let field = header.as_mut_bytes().get_mut(..NAME).unwrap_or_default();
        for (to, from) in field.iter_mut().zip(name) {
            *to = *from;
        }
        header.set_cksum();
        let mut all: Vec<(&str, &[u8])> = Vec::new();
        if name.len() > NAME || !name.is_ascii() {
            all.push(("path", name));
        }
        all.extend(
            records
                .iter()
                .map(|(key, value)| (key.as_str(), &value[..])),
        );
        if core::str::from_utf8(name).is_err() {
            all.insert(0, ("hdrcharset", b"BINARY"));
        }
        if all.is_empty() {
            return Ok(());
        }
        // The crate's own leaves the name of these headers empty, which some readers take for the
        // end of the tar.
        let mut data = Vec::new();
        for (key, value) in all {
            pax_record(&mut data, key, value);
        }
        let mut extension = Header::new_ustar();
        extension.set_path("./PaxHeader")?;
        extension.set_entry_type(EntryType::XHeader);
        extension.set_mode(0o644);
        extension.set_uid(0);
        extension.set_gid(0);
        extension.set_mtime(0);
        extension.set_size(u64::try_from(data.len()).unwrap_or(u64::MAX));
        extension.set_cksum();
        self.builder.append(&extension, data.as_slice())
    }
}

/// Bytes of a ustar header that hold a name, and of a link's target.
const NAME: usize = 100;

/// A path from the root of the tree as a tar names it; the root itself is `./`.
fn name(path: &Path) -> Vec<u8> {
    let bytes = path.as_os_str().as_bytes();
    match bytes.strip_prefix(b"/").unwrap_or(bytes) {
        b"" => b"./".to_vec(),
        name => name.to_vec(),
    }
}

/// Puts a link's target into the header, or into the records if it does not fit.
fn link(header: &mut Header, target: &[u8], records: &mut BTreeMap<String, Vec<u8>>) {
    let end = LINK.saturating_add(NAME);
    let field = header.as_mut_bytes().get_mut(LINK..end).unwrap_or_default();
    for (to, from) in field.iter_mut().zip(target) {
        *to = *from;
    }
    if target.len() > NAME || !target.is_ascii() {
        records.insert("linkpath".to_owned(), target.to_vec());
    }
}

/// Where a ustar header holds a link's target.
const LINK: usize = 0x9d;

fn attributes(
    known: &Known<Xattrs>,
    records: &mut BTreeMap<String, Vec<u8>>,
    lacks: &mut Vec<String>,
) {
    for unknown in known.unknown() {
        lacks.push(format!("{}: {}", unknown.what, unknown.why));
    }
    for (name, value) in known.read().into_iter().flatten() {
        match name.utf8() {
            Some(text) if !text.contains('=') => {
                records.insert(format!("SCHILY.xattr.{text}"), value.to_vec());
            }
            _ => lacks.push(format!("a tar cannot hold the attribute {name}")),
        }
    }
}

/// What GNU tar says of a file with holes, form 1.0.
fn sparse_records(name: &[u8], size: u64, records: &mut BTreeMap<String, Vec<u8>>) {
    for (key, value) in [
        ("major", b"1".to_vec()),
        ("minor", b"0".to_vec()),
        ("name", name.to_vec()),
        ("realsize", size.to_string().into_bytes()),
    ] {
        records.insert(format!("GNU.sparse.{key}"), value);
    }
}

/// The name in the header of a file with holes, which only readers without a notion of them see: as
/// GNU tar makes it.
fn sparse_name(name: &[u8]) -> Vec<u8> {
    let at = name.iter().rposition(|byte| *byte == b'/');
    let (folder, last) = name.split_at(at.map_or(0, |at| at.saturating_add(1)));
    [folder, b"GNUSparseFile.0/", last].concat()
}

/// Bytes of holes from which on a file is written with a map of them: what is smaller is written as
/// it always was.
const HOLES: u64 = 1 << 20;
/// Bytes of holes up to which the hash of a file with all its zeroes is worth its time.
const HASHED: u64 = 1 << 30;

/// The bytes of a file: exactly as many as its size says, or as its data, where it is written with a
/// map of its holes; zeroes where they cannot be read.
struct Bytes {
    pages: Option<Pages>,
    size: u64,
    /// What is written, in order: one stretch, or all that are no holes.
    spans: Vec<Span>,
    /// Where it is: in which of them, and how far.
    span: usize,
    at: u64,
    /// Nothing where holes are too large to be hashed.
    hasher: Option<Sha256>,
    /// Bytes that were hashed.
    hashed: u64,
    failed: Option<String>,
}

impl Bytes {
    fn open_entry(evidence: &Evidence, entry: &MergedEntry) -> Self {
        let opened = match entry.bytes_at() {
            Some(path) => evidence.pages(path).map_err(|why| why.to_string()),
            None => Err("only its metadata were copied up, and no layer has its bytes".to_owned()),
        };
        let (pages, failed) = match opened {
            Ok(pages) => (Some(pages), None),
            Err(why) => (None, Some(why)),
        };
        let size = entry.stat.size;
        let whole = vec![Span::new(0, size)];
        let spans: Vec<Span> = match &pages {
            Some(pages) => within(pages.data(), size),
            None => Vec::new(),
        };
        let holes = size.saturating_sub(sum(&spans));
        Self {
            pages,
            size,
            spans: if holes < HOLES { whole } else { spans },
            span: 0,
            at: 0,
            hasher: (holes < HASHED).then(Sha256::new),
            hashed: 0,
            failed,
        }
    }

    fn data(&self) -> u64 {
        sum(&self.spans)
    }

    /// The map of its holes as it stands before the data, padded; empty if it is written without.
    fn sparse(&self) -> Vec<u8> {
        if self.data() == self.size {
            return Vec::new();
        }
        // As GNU tar does: a file that ends in a hole has an empty stretch at its end.
        let ends = self
            .spans
            .last()
            .is_some_and(|span| span.end() == self.size);
        let last = (!ends).then_some(Span::new(self.size, 0));
        let count = self.spans.len().saturating_add(usize::from(!ends));
        let mut map = format!("{count}\n").into_bytes();
        for span in self.spans.iter().chain(&last) {
            map.extend_from_slice(format!("{}\n{}\n", span.start, span.len).as_bytes());
        }
        let whole = map.len().next_multiple_of(512);
        map.resize(whole, 0);
        map
    }

    /// Of all bytes, holes included.
    fn sha256(mut self) -> Option<[u8; 32]> {
        self.zeroes(self.size);
        Some(self.hasher?.finalize().into())
    }

    /// Hashes zeroes up to this offset.
    fn zeroes(&mut self, end: u64) {
        const ZEROES: [u8; 4096] = [0; 4096];
        let Some(hasher) = &mut self.hasher else {
            return;
        };
        while self.hashed < end {
            let left = end.saturating_sub(self.hashed);
            let count = usize::try_from(left)
                .unwrap_or(ZEROES.len())
                .min(ZEROES.len());
            hasher.update(ZEROES.get(..count).unwrap_or_default());
            let count = u64::try_from(count).unwrap_or(u64::MAX);
            self.hashed = self.hashed.saturating_add(count);
        }
    }

    fn fail(&mut self, left: u64, why: &dyn core::fmt::Display) {
        let bytes = left.saturating_add(sum(self
            .spans
            .get(self.span.saturating_add(1)..)
            .unwrap_or_default()));
        self.failed = Some(format!("{bytes} bytes could not be read: {why}"));
        self.pages = None;
    }
}

/// The stretches of a file, as far as they lie below `size`.
fn within(spans: impl Iterator<Item = Span>, size: u64) -> Vec<Span> {
    let cut = |span: Span| Span::new(span.start, span.len.min(size.saturating_sub(span.start)));
    spans.map(cut).filter(|span| span.len > 0).collect()
}

fn sum(spans: &[Span]) -> u64 {
    let lens = spans.iter().map(|span| span.len);
    lens.fold(0, u64::saturating_add)
}

impl Read for Bytes {
    fn read(&mut self, chunk: &mut [u8]) -> io::Result<usize> {
        let Some(span) = self.spans.get(self.span).copied() else {
            if let Some(pages) = self.pages.take()
                && let Err(why) = pages.unchanged()
            {
                self.failed = Some(why.to_string());
            }
            return Ok(0);
        };
        let start = span.start.saturating_add(self.at);
        let left = span.len.saturating_sub(self.at);
        let most = usize::try_from(left).unwrap_or(usize::MAX).min(chunk.len());
        let Some(chunk) = chunk.get_mut(..most).filter(|chunk| !chunk.is_empty()) else {
            return Ok(0);
        };
        let mut count = 0;
        if let Some(pages) = &self.pages {
            match pages.read_at(start, chunk) {
                Ok(0) => {
                    self.failed = Some(format!("it ends {left} bytes before its size"));
                    self.pages = None;
                }
                Ok(read) => count = read,
                Err(why) => self.fail(left, &why),
            }
        }
        if count == 0 {
            chunk.fill(0);
            count = most;
        }
        self.zeroes(start);
        let read = chunk.get(..count).unwrap_or_default();
        if let Some(hasher) = &mut self.hasher {
            hasher.update(read);
        }
        let read = u64::try_from(count).unwrap_or(u64::MAX);
        self.hashed = self.hashed.saturating_add(read);
        self.at = self.at.saturating_add(read);
        if self.at >= span.len {
            self.span = self.span.saturating_add(1);
            self.at = 0;
        }
        Ok(count)
    }
}
