//! A core: who it was, its threads, its mapped files, what is in it.

use core::fmt;

use finding::{Text, hex_number};
use serde::Serialize;
use view::View;

use crate::{Arch, Bytes, Elf, NotElf, Segment, Thread, notes};

/// Threads that are read.
const THREADS: usize = 1 << 18;
/// Notes that are looked at.
const NOTES: usize = 1 << 21;
/// Bytes of the list of mapped files.
const FILES: usize = 32 << 20;

/// Who wrote a core, as far as its form tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Maker {
    /// The kernel, at a signal.
    Kernel,
    /// gdb's `gcore`.
    Gcore,
    /// `coroner core take`.
    Coroner,
    /// QEMU, for a program of another machine.
    Qemu,
    /// Not known.
    Unknown,
}

/// The process.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Process {
    /// Its id.
    pub pid: u32,
    /// Its parent's id.
    pub ppid: u32,
    /// Its user.
    pub uid: u32,
    /// Its group.
    pub gid: u32,
    /// Its name, of at most 15 bytes.
    pub name: Text,
    /// The first 80 bytes of its arguments.
    pub arguments: Text,
}

/// What the signal brought.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct SignalInfo {
    /// Its number.
    pub signal: i32,
    /// Why it was sent: positive by the kernel, else by somebody.
    pub code: i32,
    /// Who sent it, if somebody did.
    pub sender: Option<u32>,
    /// The address that was wrong, if one was.
    pub address: Option<u64>,
}

/// The kernel's name of a signal that writes cores or is seen in them; `signal` for all others.
pub const fn signal_name(signal: i32) -> &'static str {
    match signal {
        3 => "SIGQUIT",
        4 => "SIGILL",
        5 => "SIGTRAP",
        6 => "SIGABRT",
        7 => "SIGBUS",
        8 => "SIGFPE",
        9 => "SIGKILL",
        11 => "SIGSEGV",
        15 => "SIGTERM",
        19 => "SIGSTOP",
        31 => "SIGSYS",
        _ => "signal",
    }
}

/// An area of memory that is of a file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct MappedFile {
    /// Its first address.
    #[serde(serialize_with = "hex_number")]
    pub start: u64,
    /// The address after its last.
    #[serde(serialize_with = "hex_number")]
    pub end: u64,
    /// Where it begins in the file, in bytes.
    #[serde(serialize_with = "hex_number")]
    pub offset: u64,
    /// The file.
    pub path: Text,
}

/// The auxiliary vector: what the kernel told the program at its start.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Auxv {
    /// Key and value, in their order.
    pub pairs: Vec<(u64, u64)>,
}

impl Auxv {
    /// Where the program headers are.
    pub const PHDR: u64 = 3;
    /// How many there are.
    pub const PHNUM: u64 = 5;
    /// Where the loader is.
    pub const BASE: u64 = 7;
    /// Where the program begins to run.
    pub const ENTRY: u64 = 9;
    /// Where its path is written.
    pub const EXECFN: u64 = 31;
    /// Where the kernel's own code is.
    pub const VDSO: u64 = 33;

    /// A value.
    pub fn get(&self, key: u64) -> Option<u64> {
        let found = self.pairs.iter().find(|pair| pair.0 == key);
        found.map(|pair| pair.1)
    }

    /// Reads one, as `NT_AUXV` and `/proc/<pid>/auxv` have it.
    pub fn parse(bytes: &[u8]) -> Self {
        let mut pairs = Vec::new();
        for pair in bytes.chunks_exact(16).take(64) {
            let (key, value) = pair.split_at(8);
            if let (Some(key), Some(value)) = (key.first_chunk(), value.first_chunk()) {
                let key = u64::from_le_bytes(*key);
                if key == 0 {
                    break;
                }
                pairs.push((key, u64::from_le_bytes(*value)));
            }
        }
        Self { pairs }
    }
}

/// A core.
#[derive(Debug, Clone)]
pub struct Core {
    /// Its architecture.
    pub arch: Arch,
    /// Who wrote it.
    pub maker: Maker,
    /// Its segments, in the file's order.
    pub segments: Vec<Segment>,
    /// Program headers that it claims, if that is more than are there.
    pub claims_segments: Option<u64>,
    /// Its threads: the one that got the signal is the first.
    pub threads: Vec<Thread>,
    /// The process.
    pub process: Option<Process>,
    /// What the signal brought.
    pub signal: Option<SignalInfo>,
    /// Mapped files.
    pub files: Vec<MappedFile>,
    /// The auxiliary vector.
    pub auxv: Auxv,
    /// Bytes that the file should have by its headers.
    pub wants: u64,
    /// Bytes that it has.
    pub has: u64,
    /// Notes of coroner's own, as they stand: type and bytes.
    pub own_notes: Vec<(u32, Vec<u8>)>,
}

/// Why a file is no core that can be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NotCore {
    /// It is no ELF file.
    Elf(NotElf),
    /// It is an ELF file, but a program.
    Program,
    /// It is packed, and as what.
    Packed(&'static str),
}

impl fmt::Display for NotCore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Elf(why) => write!(f, "{why}"),
            Self::Program => f.write_str("it is a program, not a core"),
            Self::Packed(how) => write!(f, "it is packed ({how})"),
        }
    }
}

impl core::error::Error for NotCore {}

/// Bytes of one of our own notes.
const OWN: usize = 64 << 20;

impl Core {
    /// Reads headers and notes.
    pub fn read_core(bytes: &(impl Bytes + ?Sized)) -> Result<Self, NotCore> {
        let start = bytes.some(0, 4, 4);
        match start.as_slice() {
            [0x28, 0xb5, 0x2f, 0xfd] => return Err(NotCore::Packed("zstd")),
            [0x04, 0x22, 0x4d, 0x18] => return Err(NotCore::Packed("lz4")),
            [0x1f, 0x8b, ..] => return Err(NotCore::Packed("gzip")),
            [0xfd, b'7', b'z', b'X'] => return Err(NotCore::Packed("xz")),
            _ => {}
        }
        let elf = Elf::read_elf(bytes).map_err(NotCore::Elf)?;
        if !elf.is_core {
            return Err(NotCore::Program);
        }
        let ends = elf.segments.iter().map(|segment| {
            if segment.held == 0 {
                return 0;
            }
            segment.offset.saturating_add(segment.held)
        });
        let mut core = Self {
            arch: elf.arch,
            maker: Maker::Unknown,
            wants: ends.max().unwrap_or(0),
            has: bytes.len(),
            segments: elf.segments,
            claims_segments: elf.claims_segments,
            threads: Vec::new(),
            process: None,
            signal: None,
            files: Vec::new(),
            auxv: Auxv::default(),
            own_notes: Vec::new(),
        };
        let mut maker = Maker::Unknown;
        let areas: Vec<Segment> = core
            .segments
            .iter()
            .filter(|it| it.is_notes)
            .copied()
            .collect();
        let mut xstate_after_thread = false;
        for area in areas.iter().take(16) {
            for note in notes(bytes, area.offset, area.held).take(NOTES) {
                let read = |limit: usize| bytes.some(note.at, note.len, limit);
                match (note.owner.as_slice(), note.kind) {
                    (b"CORE", 1) if core.threads.len() < THREADS => {
                        core.threads
                            .extend(Thread::read_prstatus(&read(512), elf.arch));
                    }
                    (b"CORE", 3) if core.process.is_none() => core.process = process(&read(512)),
                    (b"CORE", 6) => core.auxv = Auxv::parse(&read(4096)),
                    (b"CORE", 0x5349_4749) if core.signal.is_none() => {
                        core.signal = signal(&read(128));
                    }
                    (b"CORE", 0x4649_4c45) => core.files = files(&read(FILES)),
                    // NT_GDB_TDESC
                    (b"GDB", _) => maker = Maker::Gcore,
                    (b"LINUX", 0x202 | 0x205) => xstate_after_thread = true,
                    (b"CORONER", kind) => {
                        maker = Maker::Coroner;
                        core.own_notes.push((kind, read(OWN)));
                    }
                    _ => {}
                }
            }
        }
        core.maker = match maker {
            Maker::Unknown if !core.files.is_empty() && !core.threads.is_empty() => {
                // The kernel writes the notes first, gdb last.
                let first = core.segments.iter().find(|segment| !segment.is_notes);
                let notes_first = areas
                    .first()
                    .zip(first)
                    .is_some_and(|(notes, load)| notes.offset <= load.offset);
                if notes_first {
                    Maker::Kernel
                } else {
                    Maker::Gcore
                }
            }
            Maker::Unknown
                if core.files.is_empty() && !core.threads.is_empty() && !xstate_after_thread =>
            {
                Maker::Qemu
            }
            known => known,
        };
        Ok(core)
    }

    /// Bytes at the end that the headers promise and the file does not have.
    pub const fn cut(&self) -> u64 {
        self.wants.saturating_sub(self.has)
    }

    /// Segments of memory.
    pub fn loads(&self) -> impl Iterator<Item = &Segment> {
        self.segments.iter().filter(|segment| !segment.is_notes)
    }

    /// Path of the program, as it was mapped: the file that holds its program headers.
    pub fn program(&self) -> Option<&MappedFile> {
        let at = self.auxv.get(Auxv::PHDR)?;
        self.files
            .iter()
            .find(|file| file.start <= at && at < file.end)
    }
}

fn process(bytes: &[u8]) -> Option<Process> {
    let view = View::new(bytes);
    let word = |at: u64| view.u32_le(at, "NT_PRPSINFO").ok();
    let text = |at: u64, len: u64| {
        let bytes = view.slice(at, len, "NT_PRPSINFO").ok()?.bytes();
        let end = bytes.iter().position(|byte| *byte == 0);
        Some(Text::from(bytes.get(..end.unwrap_or(bytes.len()))?))
    };
    Some(Process {
        uid: word(16)?,
        gid: word(20)?,
        pid: word(24)?,
        ppid: word(28)?,
        name: text(40, 16)?,
        arguments: text(56, 80)?,
    })
}

fn signal(bytes: &[u8]) -> Option<SignalInfo> {
    let view = View::new(bytes);
    let signed = |at: u64| {
        let bytes = view.array::<4>(at, "NT_SIGINFO").ok()?;
        Some(i32::from_le_bytes(bytes))
    };
    let (signal, code) = (signed(0)?, signed(8)?);
    let is_fault = matches!(signal, 4 | 5 | 7 | 8 | 11) && code > 0;
    Some(SignalInfo {
        signal,
        code,
        sender: view.u32_le(16, "si_pid").ok().filter(|_| code <= 0),
        address: view.u64_le(16, "si_addr").ok().filter(|_| is_fault),
    })
}

fn files(bytes: &[u8]) -> Vec<MappedFile> {
    let view = View::new(bytes);
    let word = |at: u64| view.u64_le(at, "NT_FILE").ok();
    let (Some(count), Some(page)) = (word(0), word(8)) else {
        return Vec::new();
    };
    let count = count.min(view.len() / 24);
    let names_at = count.saturating_mul(24).saturating_add(16);
    let mut names = usize::try_from(names_at)
        .ok()
        .and_then(|at| bytes.get(at..))
        .unwrap_or_default()
        .split(|byte| *byte == 0);
    let mut found = Vec::new();
    for index in 0..count {
        let at = index.saturating_mul(24).saturating_add(16);
        let (Some(start), Some(end), Some(offset), Some(name)) = (
            word(at),
            word(at.saturating_add(8)),
            word(at.saturating_add(16)),
            names.next(),
        ) else {
            break;
        };
        found.push(MappedFile {
            start,
            end,
            offset: offset.saturating_mul(page),
            path: Text::from(name),
        });
    }
    found
}
