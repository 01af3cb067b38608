//! The members of an archive, one after the other.

use core::fmt;
use std::io::{self, ErrorKind, Read};

use finding::Time;
use view::Span;

use super::header::{BLOCK, Dialect, Header, more_sparse};
use super::pax::Records;
use super::sparse;
use super::{Member, What};
use crate::budget::{BYTES_A_STEP, HEADER, PATH_MAX, Work};

/// How an archive ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum End {
    /// With two blocks of zeros and nothing after them but zeros.
    Whole,
    /// As it should, but something that is no archive follows.
    Garbage {
        /// Offset in the archive, after decompression.
        at: u64,
    },
    /// Between two members, without the blocks of zeros: Go takes that for an end, too.
    Unended {
        /// Offset in the archive, after decompression.
        at: u64,
    },
    /// In the middle of a member.
    Cut {
        /// Offset in the archive, after decompression.
        at: u64,
    },
    /// At a block that should be a header and is not.
    Checksum {
        /// Offset in the archive, after decompression.
        at: u64,
    },
    /// With an error of the stream: of the operating system, of the decompressor, of the budget.
    Io {
        /// Offset in the archive, after decompression.
        at: u64,
        /// What it says.
        error: String,
    },
}

impl End {
    /// Whether everything was seen.
    pub const fn is_whole(&self) -> bool {
        matches!(self, Self::Whole | Self::Garbage { .. })
    }
}

impl fmt::Display for End {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Whole => write!(f, "the archive is whole"),
            Self::Garbage { at } => {
                write!(
                    f,
                    "after the archive's end, at {at:#x}, something else follows"
                )
            }
            Self::Unended { at } | Self::Cut { at } => {
                write!(
                    f,
                    "the archive is cut off at {at:#x}: what follows is not known"
                )
            }
            Self::Checksum { at } => write!(
                f,
                "the archive is damaged at {at:#x} (no header with a valid checksum): what follows \
                 is not known"
            ),
            Self::Io { at, error } => write!(
                f,
                "the archive can be read up to {at:#x} only ({error}): what follows is not known"
            ),
        }
    }
}

/// Oddities of one member, and of the archive itself, that are told.
const MOST_ODD: usize = 20;
/// Bytes of all extended headers of one member.
const OWN_RECORDS: u64 = 4 << 20;

/// A stream that knows where it is, and can be given back what was looked at.
struct Input<R> {
    inner: R,
    at: u64,
    back: Vec<u8>,
}

impl<R: Read> Read for Input<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let count = if self.back.is_empty() {
            self.inner.read(into)?
        } else {
            let count = self.back.len().min(into.len());
            for (to, from) in into.iter_mut().zip(self.back.drain(..count)) {
                *to = from;
            }
            count
        };
        self.at = self.at.saturating_add(u64::try_from(count).unwrap_or(0));
        Ok(count)
    }
}

impl<R: Read> Input<R> {
    fn give_back(&mut self, block: &[u8; BLOCK]) {
        self.back.extend_from_slice(block);
        self.at = self.at.saturating_sub(512);
    }

    /// The next block; nothing at the end of the stream, an error in the middle of a block.
    fn block(&mut self) -> io::Result<Option<[u8; BLOCK]>> {
        let mut block = [0; BLOCK];
        let mut filled = 0_usize;
        while filled < BLOCK {
            let Some(rest) = block.get_mut(filled..) else {
                break;
            };
            match self.read(rest) {
                Ok(0) if filled == 0 => return Ok(None),
                Ok(0) => return Err(ErrorKind::UnexpectedEof.into()),
                Ok(count) => filled = filled.saturating_add(count),
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(Some(block))
    }

    /// Passes over `len` bytes.
    fn skip(&mut self, len: u64) -> io::Result<()> {
        let passed = io::copy(&mut self.by_ref().take(len), &mut io::sink())?;
        if passed == len {
            Ok(())
        } else {
            Err(ErrorKind::UnexpectedEof.into())
        }
    }
}

/// The members of an archive, read once from front to back.
#[expect(missing_debug_implementations, reason = "a stream has nothing to show")]
pub struct Members<R> {
    input: Input<R>,
    /// Longest extended header that is kept, in bytes; and all global headers together.
    record: u64,
    work: Work,
    global: Records,
    /// Data of the current member that were not read yet, and the zeros behind them.
    left: u64,
    padding: u64,
    /// What is odd about the archive itself.
    pub odd: Vec<String>,
    end: Option<End>,
}

/// What stands before a member and belongs to it.
#[derive(Default)]
struct Before {
    records: Option<Records>,
    name: Option<Long>,
    link: Option<Long>,
    odd: Vec<String>,
    /// An extended header was too long to be read: it may have given the name.
    is_unread: bool,
}

impl Before {
    fn odd(&mut self, what: impl Into<String>) {
        if self.odd.len() < MOST_ODD {
            self.odd.push(what.into());
        }
    }
}

/// A name or a target.
struct Long {
    bytes: Vec<u8>,
    /// It is longer than Linux takes a path, and was cut.
    is_cut: bool,
}

impl Long {
    /// The first [`PATH_MAX`] bytes of a path.
    fn new(mut bytes: Vec<u8>) -> Self {
        let is_cut = bytes.len() >= PATH_MAX;
        if is_cut {
            bytes.truncate(PATH_MAX);
            // Not in the middle of a component.
            let end = bytes.iter().rposition(|byte| *byte == b'/');
            bytes.truncate(end.unwrap_or(0));
        }
        Self { bytes, is_cut }
    }
}

impl<R: Read> Members<R> {
    /// The members of an archive; extended headers of more than `record` bytes are passed over.
    pub fn new(inner: R, record: u64) -> Self {
        Self::within(inner, record, Work::default())
    }

    /// As [`new`](Self::new), as far as `work` lasts.
    pub(crate) fn within(inner: R, record: u64, work: Work) -> Self {
        Self {
            work,
            input: Input {
                inner,
                at: 0,
                back: Vec::new(),
            },
            record,
            global: Records::default(),
            left: 0,
            padding: 0,
            odd: Vec::new(),
            end: None,
        }
    }

    /// How the archive ended, once it has.
    pub const fn end(&self) -> Option<&End> {
        self.end.as_ref()
    }

    /// The stream, wherever it stands now.
    pub fn into_inner(self) -> R {
        self.input.inner
    }

    /// The stream.
    pub const fn get_ref(&self) -> &R {
        &self.input.inner
    }

    /// The stream. Who reads from it takes what belongs to the members.
    pub const fn get_mut(&mut self) -> &mut R {
        &mut self.input.inner
    }

    /// Bytes that were read of the stream.
    pub const fn at(&self) -> u64 {
        self.input.at
    }

    /// Bytes of the current member's data that were not read yet.
    pub(crate) const fn left(&self) -> u64 {
        self.left
    }

    /// The next member; nothing at the end, whatever it is.
    pub fn next_member(&mut self) -> Option<Member> {
        if self.end.is_some() {
            return None;
        }
        match self.try_next() {
            Ok(Ok(member)) => Some(member),
            Ok(Err(end)) => {
                self.end = Some(end);
                None
            }
            Err(error) => {
                self.stop(&error);
                None
            }
        }
    }

    /// Notes that the stream ended with this error.
    pub fn stop(&mut self, error: &io::Error) {
        let at = self.input.at;
        self.end = Some(if error.kind() == ErrorKind::UnexpectedEof {
            End::Cut { at }
        } else {
            End::Io {
                at,
                error: error.to_string(),
            }
        });
        self.left = 0;
        self.padding = 0;
    }

    fn try_next(&mut self) -> io::Result<Result<Member, End>> {
        self.input.skip(self.left)?;
        self.left = 0;
        self.input.skip(self.padding)?;
        self.padding = 0;
        let mut before = Before::default();
        loop {
            let at = self.input.at;
            let Some(block) = self.input.block()? else {
                return Ok(Err(End::Unended { at }));
            };
            if block == [0; BLOCK] {
                match self.after_zeros()? {
                    Some(end) => return Ok(Err(end)),
                    None => continue,
                }
            }
            let Some(header) = Header::new(&block) else {
                return Ok(Err(End::Checksum { at }));
            };
            let size = header.size();
            self.spend(HEADER)?;
            match header.typeflag() {
                b'x' | b'X' => self.extended(size, &mut before)?,
                b'g' => self.global(size)?,
                b'L' => before.name = Some(self.long_name(size)?),
                b'K' => before.link = Some(self.long_name(size)?),
                // A volume's label, a volume's continuation, Solaris' access lists.
                b'V' | b'M' | b'N' | b'A' => self.pass(size.unwrap_or(0))?,
                _ => return self.member(&header, before).map(Ok),
            }
        }
    }

    /// A header of the member that follows.
    fn extended(&mut self, size: Option<u64>, before: &mut Before) -> io::Result<()> {
        let size = size.unwrap_or(0);
        let Some(bytes) = self.small(size)? else {
            before.odd(format!("its extended header of {size} bytes was not read"));
            before.is_unread = true;
            return Ok(());
        };
        let records = before.records.take();
        let mut records = records.unwrap_or_else(|| self.global.of_member());
        if !records.read_pax_header(&bytes) {
            before.odd("its extended header has malformed records");
        }
        if records.own_bytes() > OWN_RECORDS {
            return Err(io::Error::other(
                "a member's extended headers are longer than the budget",
            ));
        }
        before.records = Some(records);
        Ok(())
    }

    /// A header of all members that follow.
    fn global(&mut self, size: Option<u64>) -> io::Result<()> {
        let size = size.unwrap_or(0);
        match self.small(size)? {
            Some(bytes) if !self.global.read_global(&bytes) => {
                self.odd("the global header has malformed records".into());
            }
            Some(_) => {}
            None => self.odd(format!("its global header of {size} bytes was not read")),
        }
        if self.global.global_bytes() > self.record {
            return Err(io::Error::other(
                "its global headers are longer than the budget",
            ));
        }
        // What they say is looked at again for the next member.
        let names = self.global.of_member().xattrs().len();
        self.spend(u64::try_from(names).unwrap_or(u64::MAX))
    }

    /// Notes something odd about the archive itself.
    fn odd(&mut self, what: String) {
        if self.odd.len() < MOST_ODD {
            self.odd.push(what);
        }
    }

    /// `free` bytes, and `each` for every byte of the archive as it lies on the disk.
    pub(crate) fn allowance(&self, free: u64, each: u64) -> u64 {
        free.saturating_add(self.work.packed().saturating_mul(each))
    }

    /// Takes so many steps; an error where the archive may take no more.
    pub(crate) fn spend(&mut self, steps: u64) -> io::Result<()> {
        self.work.spend(steps, self.input.at)
    }

    /// What follows a block of zeros: the end, or nothing if another archive was appended.
    fn after_zeros(&mut self) -> io::Result<Option<End>> {
        let mut blocks = 1_u64;
        loop {
            let at = self.input.at;
            let block = match self.input.block() {
                Ok(None) => return Ok(Some(End::Whole)),
                Ok(Some(block)) => block,
                Err(error) if error.kind() == ErrorKind::UnexpectedEof && blocks > 1 => {
                    return Ok(Some(End::Garbage { at }));
                }
                // The decompressor trips over what follows the archive.
                Err(_) if blocks > 1 => return Ok(Some(End::Garbage { at })),
                Err(error) => return Err(error),
            };
            if block == [0; BLOCK] {
                blocks = blocks.saturating_add(1);
                continue;
            }
            if Header::new(&block).is_none() {
                return Ok(Some(End::Garbage { at }));
            }
            self.odd(format!(
                "after {blocks} blocks of zeros the archive goes on at {at:#x}"
            ));
            self.input.give_back(&block);
            return Ok(None);
        }
    }

    /// A header's own data, if there are not too many.
    fn small(&mut self, size: u64) -> io::Result<Option<Vec<u8>>> {
        if size > self.record {
            self.pass(size)?;
            return Ok(None);
        }
        let bytes = self.take(size)?;
        self.input.skip(padding(size))?;
        Ok(Some(bytes))
    }

    /// The next `size` bytes; as many are allocated as come.
    fn take(&mut self, size: u64) -> io::Result<Vec<u8>> {
        self.spend(size >> BYTES_A_STEP)?;
        let mut bytes = Vec::new();
        self.input.by_ref().take(size).read_to_end(&mut bytes)?;
        if u64::try_from(bytes.len()) == Ok(size) {
            Ok(bytes)
        } else {
            Err(ErrorKind::UnexpectedEof.into())
        }
    }

    fn long_name(&mut self, size: Option<u64>) -> io::Result<Long> {
        let size = size.unwrap_or(0);
        let kept = size.min(u64::try_from(PATH_MAX).unwrap_or(u64::MAX));
        let mut bytes = self.take(kept)?;
        self.input.skip(size.saturating_sub(kept))?;
        self.input.skip(padding(size))?;
        let end = bytes.iter().position(|byte| *byte == 0);
        bytes.truncate(end.unwrap_or(bytes.len()));
        Ok(Long::new(bytes))
    }

    /// Passes over data and their padding.
    fn pass(&mut self, size: u64) -> io::Result<()> {
        self.input.skip(size)?;
        self.input.skip(padding(size))
    }

    /// All headers of one member taken together; its data come next in the stream.
    fn member(&mut self, header: &Header<'_>, before: Before) -> io::Result<Member> {
        let is_pax = before.records.is_some();
        let records = before.records.unwrap_or_else(|| self.global.of_member());
        let mut odd = before.odd;
        let text = |key: &str| Some(Long::new(records.get(key)?.to_vec()));
        let name = text("GNU.sparse.name")
            .or_else(|| text("path"))
            .or(before.name)
            .unwrap_or_else(|| Long::new(header.path()));
        let link = text("linkpath")
            .or(before.link)
            .unwrap_or_else(|| Long::new(header.link().to_vec()));
        let what = what(header.typeflag(), &name.bytes);
        let xattrs = records.xattrs();
        self.spend(u64::try_from(xattrs.len()).unwrap_or(u64::MAX))?;
        let mut known = |value: Option<u32>, field: &str| {
            if value.is_none() {
                odd.push(format!("its {field} is no number"));
            }
            value.unwrap_or(0)
        };
        let mode = known(header.mode(), "mode") & 0o7777;
        let uid = known(records.id("uid").or_else(|| header.uid()), "uid");
        let gid = known(records.id("gid").or_else(|| header.gid()), "gid");
        let (accessed, changed) = header.gnu_times();
        let mtime = records.time("mtime").or_else(|| header.mtime());
        if mtime.is_none() {
            odd.push("its mtime is no number".into());
        }
        let size = records.number("size").or_else(|| header.size());
        if size.is_none() {
            odd.push("its size is no number".into());
        }
        let stored = self.stored(header, what, size.unwrap_or(0), is_pax)?;
        let mut member = Member {
            name: name.bytes,
            nameless: name.is_cut || before.is_unread,
            unread: before.is_unread,
            what,
            link: link.bytes,
            linkless: link.is_cut,
            mode,
            uid,
            gid,
            mtime: mtime.unwrap_or(Time::new(0, 0)),
            atime: records.time("atime").or(accessed),
            ctime: records.time("ctime").or(changed),
            btime: records.time("LIBARCHIVE.creationtime"),
            rdev: match what {
                What::Char | What::Block => header.device(),
                _ => None,
            },
            xattrs,
            more_xattrs: records.left_out,
            size: stored,
            stored,
            sparse: None,
            odd,
        };
        self.left = stored;
        self.padding = padding(stored);
        if what == What::File {
            self.sparse(header, &records, &mut member)?;
        }
        Ok(member)
    }

    /// How many bytes of data follow the header.
    fn stored(
        &mut self,
        header: &Header<'_>,
        what: What,
        claimed: u64,
        is_pax: bool,
    ) -> io::Result<u64> {
        match what {
            What::File | What::Other(_) => Ok(claimed),
            // GNU's incremental directories list their entries.
            What::Dir if header.typeflag() == b'D' => Ok(claimed),
            What::HardLink if claimed != 0 => match header.dialect() {
                _ if is_pax => Ok(claimed),
                Dialect::Gnu => Ok(0),
                // Some wrote the file's size and no data: look whether a header follows.
                Dialect::Ustar | Dialect::V7 => {
                    let Some(block) = self.input.block()? else {
                        return Ok(0);
                    };
                    self.input.give_back(&block);
                    let follows = block == [0; BLOCK] || Header::new(&block).is_some();
                    Ok(if follows { 0 } else { claimed })
                }
            },
            _ => Ok(0),
        }
    }

    /// Completes a member that is sparse: its map, its size with holes, what is left to be read.
    fn sparse(
        &mut self,
        header: &Header<'_>,
        records: &Records,
        member: &mut Member,
    ) -> io::Result<()> {
        let real = || records.number("GNU.sparse.realsize");
        let size = || records.number("GNU.sparse.size");
        let (map, size) = if header.typeflag() == b'S' {
            self.old_map(header)?
        } else if records.get("GNU.sparse.major") == Some(b"1") {
            let (map, taken) = sparse::before_data(&mut self.input, self.left)?;
            self.left = self.left.saturating_sub(taken);
            (map, real().or_else(size))
        } else if let Some(list) = records.get("GNU.sparse.map") {
            (sparse::list(list), size().or_else(real))
        } else if size().is_some() {
            (Some(records.stretches().to_vec()), size())
        } else {
            return Ok(());
        };
        member.stored = self.left;
        let size = size.unwrap_or(member.size);
        member.size = size;
        let stretches = map.as_ref().map_or(0, Vec::len);
        self.spend(u64::try_from(stretches).unwrap_or(u64::MAX))?;
        let map = map.and_then(|map| sparse::sound(map, size, self.left));
        if map.is_none() {
            member.odd.push("its map of holes is damaged".into());
        }
        // Without the map nobody knows which bytes the stored ones are.
        member.sparse = Some(map.unwrap_or_default());
        Ok(())
    }

    /// The map of an old GNU sparse file, which goes on in blocks of its own.
    fn old_map(&mut self, header: &Header<'_>) -> io::Result<(Option<Vec<Span>>, Option<u64>)> {
        let Some((mut map, mut more, size)) = header.old_sparse() else {
            return Ok((None, None));
        };
        while more {
            let block = self.input.block()?.ok_or(ErrorKind::UnexpectedEof)?;
            let Some((next, goes_on)) = more_sparse(&block) else {
                return Ok((None, Some(size)));
            };
            // An empty block that claims to go on goes on for ever.
            if next.is_empty() || map.len() > sparse::MOST_STRETCHES {
                return Ok((None, Some(size)));
            }
            map.extend(next);
            more = goes_on;
        }
        Ok((Some(map), Some(size)))
    }

    /// The next bytes of the current member's data; zero at their end.
    pub fn data(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let most = usize::try_from(self.left).unwrap_or(usize::MAX);
        let most = most.min(into.len());
        let Some(into) = into.get_mut(..most).filter(|into| !into.is_empty()) else {
            return Ok(0);
        };
        let count = self.input.read(into)?;
        if count == 0 {
            return Err(ErrorKind::UnexpectedEof.into());
        }
        self.left = self.left.saturating_sub(u64::try_from(count).unwrap_or(0));
        Ok(count)
    }
}

/// Zeros after `len` bytes, up to the next block.
const fn padding(len: u64) -> u64 {
    len.wrapping_neg() & 511
}

/// What a type letter means.
fn what(flag: u8, name: &[u8]) -> What {
    match flag {
        b'0' | 0 if name.ends_with(b"/") => What::Dir,
        b'0' | 0 | b'7' | b'S' => What::File,
        b'1' => What::HardLink,
        b'2' => What::Symlink,
        b'3' => What::Char,
        b'4' => What::Block,
        b'5' | b'D' => What::Dir,
        b'6' => What::Fifo,
        other => What::Other(other),
    }
}
