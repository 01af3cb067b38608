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

use evidence::{Evidence, FileKind, Xattrs, pax_record, pax_time};
use finding::Known;
use sha2::{Digest, Sha256};
use tar::{Builder, EntryType, Header};

use crate::merged::{Merged, MergedEntry};

/// Writes a tar.
#[expect(missing_debug_implementations, reason = "a writer has nothing to show")]
pub struct Archive<'e, W: Write> {
    builder: Builder<W>,
    evidence: &'e Evidence,
    /// Names of files that may have more than one, by what they are.
    names: BTreeMap<(u64, u64), Vec<u8>>,
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
        }
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
            header.set_size(stat.size);
            self.head(&mut header, &name, &records)?;
            let mut bytes = Bytes::of(self.evidence, entry);
            self.builder.append(&header, &mut bytes)?;
            put.lacks.extend(bytes.failed);
            put.sha256 = Some(bytes.hasher.finalize().into());
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

/// The bytes of a file: exactly as many as its size says, zeroes where they cannot be read.
struct Bytes<'e> {
    reader: Option<Box<dyn Read + Send + 'e>>,
    left: u64,
    hasher: Sha256,
    failed: Option<String>,
}

impl<'e> Bytes<'e> {
    fn of(evidence: &'e Evidence, entry: &MergedEntry) -> Self {
        let opened = match entry.bytes_at() {
            Some(path) => evidence.reader(path).map_err(|why| why.to_string()),
            None => Err("only its metadata were copied up, and no layer has its bytes".to_owned()),
        };
        let (reader, failed) = match opened {
            Ok(reader) => (Some(reader), None),
            Err(why) => (None, Some(why)),
        };
        Self {
            reader,
            left: entry.stat.size,
            hasher: Sha256::new(),
            failed,
        }
    }
}

impl Read for Bytes<'_> {
    fn read(&mut self, chunk: &mut [u8]) -> io::Result<usize> {
        let most = usize::try_from(self.left)
            .unwrap_or(usize::MAX)
            .min(chunk.len());
        let Some(chunk) = chunk.get_mut(..most).filter(|chunk| !chunk.is_empty()) else {
            return Ok(0);
        };
        let mut count = 0;
        if let Some(reader) = &mut self.reader {
            match reader.read(chunk) {
                Ok(0) => {
                    self.failed = Some(format!("it ends {} bytes before its size", self.left));
                    self.reader = None;
                }
                Ok(read) => count = read,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => return Err(error),
                Err(error) => {
                    self.failed = Some(format!("{} bytes could not be read: {error}", self.left));
                    self.reader = None;
                }
            }
        }
        if count == 0 {
            chunk.fill(0);
            count = most;
        }
        self.hasher.update(chunk.get(..count).unwrap_or_default());
        let read = u64::try_from(count).unwrap_or(u64::MAX);
        self.left = self.left.saturating_sub(read);
        Ok(count)
    }
}
