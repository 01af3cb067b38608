//! Files and sockets that a process holds open, by its own objects.
//!
//! Each `os.file` and `net.netFD` that is open has a finalizer, which the runtime notes at the span
//! of the object with the type of its pointer. So the walk over these notes finds each of them,
//! and none that was closed. What was opened by system calls alone is not among them.
//! Upstream: `runtime/mheap.go` (special, specialfinalizer), `os/file_unix.go`, `net/fd_posix.go`.

use std::collections::BTreeMap;

use elfcore::Memory;
use finding::Text;
use serde::Serialize;

use crate::GoVersion;
use crate::heap::{Heap, SpanUse};
use crate::module::ModuleData;
use crate::types::{self, Layout, type_name};

/// Notes of one span, and of all spans.
const NOTES: usize = 1 << 20;
/// Bytes of a name.
const NAME: u64 = 4096;

/// Something that is open.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Opened {
    /// The descriptor's number.
    pub fd: i64,
    /// What it is.
    #[serde(flatten)]
    pub what: OpenedKind,
    /// The address of the object.
    #[serde(serialize_with = "finding::hex_number")]
    pub address: u64,
}

/// What is open.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case", tag = "kind")]
pub enum OpenedKind {
    /// `os.File`: a file, a directory, a pipe, a FIFO.
    File {
        /// The name under which it was opened.
        name: Text,
    },
    /// A socket of package net.
    Socket {
        /// `unix`, `tcp`, `unixgram`.
        network: Text,
        /// Its own address, where it has one.
        local: Option<Text>,
        /// The address of the other side, where it is connected.
        remote: Option<Text>,
    },
}

/// What it is read from.
pub(crate) struct Source<'m> {
    pub(crate) memory: &'m dyn Memory,
    pub(crate) module: &'m ModuleData,
    pub(crate) version: GoVersion,
}

/// Where a note's fields are.
struct Notes {
    offset: u64,
    wide: bool,
    kind: u64,
    /// The type of the pointer, of a finalizer.
    of: u64,
}

impl Source<'_> {
    /// Everything that is open; nothing if the layouts are not known.
    pub(crate) fn opened(&self, heap: &Heap) -> Option<Vec<Opened>> {
        let layouts = |package: &str, names: &[&'static str]| {
            types::layouts(self.memory, self.module, self.version, package, names)
        };
        let special = layouts("runtime", &["special"]);
        let special = special.get("special")?;
        let notes = Notes {
            offset: *special.fields.get("offset")?,
            // A byte of kind follows the offset at once.
            wide: special
                .fields
                .get("kind")?
                .checked_sub(*special.fields.get("offset")?)?
                == 8,
            kind: *special.fields.get("kind")?,
            // special, function, bytes of results, type of the parameter, type of the pointer
            of: special.size.checked_add(24)?,
        };
        let file = layouts("os", &["file"]);
        let socket = layouts("net", &["netFD"]);
        let mut found = BTreeMap::new();
        let mut left = NOTES;
        for span in heap
            .spans
            .iter()
            .filter(|span| span.used_for == SpanUse::Objects)
        {
            let mut at = span.specials;
            while at != 0 && left > 0 {
                left = left.saturating_sub(1);
                let Some((next, offset, of)) = self.note(at, &notes) else {
                    break;
                };
                if let Some(of) = of
                    && offset < span.bytes
                    && let Some(address) = span.start.checked_add(offset)
                {
                    let what = match of.bytes() {
                        b"*os.file" => file
                            .get("file")
                            .and_then(|layout| self.file(address, layout)),
                        b"*net.netFD" => socket
                            .get("netFD")
                            .and_then(|layout| self.socket(address, layout)),
                        _ => None,
                    };
                    if let Some((fd, what)) = what {
                        found.insert((fd, address), Opened { fd, what, address });
                    }
                }
                at = next;
            }
        }
        Some(found.into_values().collect())
    }

    /// What follows a note, the place of its object in the span, and the type of a finalizer's pointer.
    fn note(&self, at: u64, notes: &Notes) -> Option<(u64, u64, Option<Text>)> {
        let next = self.memory.u64(at)?;
        let place = at.checked_add(notes.offset)?;
        let offset = if notes.wide {
            self.memory.u64(place)?
        } else {
            u64::from(self.memory.u16(place)?)
        };
        // Finalizers were the first kind; since tiny blocks are noted, they are the second.
        let kind = self.memory.u8(at.checked_add(notes.kind)?)?;
        let of = matches!(kind, 1 | 2)
            .then(|| self.memory.u64(at.checked_add(notes.of)?))
            .flatten()
            .and_then(|of| type_name(self.memory, self.module, self.version, of));
        Some((next, offset, of))
    }

    fn number(&self, at: u64, layout: &Layout) -> Option<i64> {
        let place = at.checked_add(*layout.fields.get("pfd.Sysfd")?)?;
        let fd = i64::from_le_bytes(self.memory.u64(place)?.to_le_bytes());
        (0..1 << 31).contains(&fd).then_some(fd)
    }

    fn file(&self, at: u64, layout: &Layout) -> Option<(i64, OpenedKind)> {
        let fd = self.number(at, layout)?;
        let name = self.string(at.checked_add(*layout.fields.get("name")?)?)?;
        Some((fd, OpenedKind::File { name }))
    }

    fn socket(&self, at: u64, layout: &Layout) -> Option<(i64, OpenedKind)> {
        let fd = self.number(at, layout)?;
        let field = |name: &str| at.checked_add(*layout.fields.get(name)?);
        let network = self.string(field("net")?)?;
        Some((
            fd,
            OpenedKind::Socket {
                network,
                local: field("laddr").and_then(|at| self.address(at)),
                remote: field("raddr").and_then(|at| self.address(at)),
            },
        ))
    }

    /// The address in an interface of type net.Addr.
    fn address(&self, at: u64) -> Option<Text> {
        let table = self.memory.u64(at)?;
        let data = self.memory.u64(at.checked_add(8)?)?;
        if table < 4096 || data < 4096 {
            return None;
        }
        // itab: type of the interface, type of the value.
        let of = self.memory.u64(table.checked_add(8)?)?;
        let of = type_name(self.memory, self.module, self.version, of)?;
        match of.bytes() {
            // Name, Net
            b"*net.UnixAddr" => self.string(data).filter(|name| !name.is_empty()),
            // IP (a slice), Port, Zone
            b"*net.TCPAddr" | b"*net.UDPAddr" => {
                let start = self.memory.u64(data)?;
                let len = self.memory.u64(data.checked_add(8)?)?;
                let port = u16::try_from(self.memory.u64(data.checked_add(24)?)?).ok()?;
                let ip: std::net::IpAddr = match len {
                    4 => <[u8; 4]>::try_from(self.memory.all(start, 4)?).ok()?.into(),
                    16 => {
                        let ip: [u8; 16] = self.memory.all(start, 16)?.try_into().ok()?;
                        std::net::IpAddr::from(ip).to_canonical()
                    }
                    _ => return None,
                };
                Some(Text::from(std::net::SocketAddr::new(ip, port).to_string()))
            }
            _ => None,
        }
    }

    fn string(&self, at: u64) -> Option<Text> {
        let start = self.memory.u64(at)?;
        let len = self.memory.u64(at.checked_add(8)?)?;
        if len == 0 {
            return Some(Text::default());
        }
        let len = usize::try_from(len.min(NAME)).ok()?;
        self.memory.all(start, len).map(Text::from)
    }
}
