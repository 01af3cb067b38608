//! Files that are too big to copy: cores and executables.

use std::ffi::OsString;
use std::io::Read;
use std::path::{Path, PathBuf};

use clap::builder::{OsStringValueParser, TypedValueParser as _};
use cli::Failure;
use elfcore::{BuildIds, Bytes, Elf};
use evidence::{Evidence, Options, Pages};
use finding::{Escaped, Text, Unread};
use goruntime::DebugLink;
use lz4_flex::frame::FrameDecoder;
use mapped::{Mapped, Private};

use crate::exe::{given_executable, has_ids, installed, linked};

/// Bytes that a packed core may have, holes included.
const UNPACKED: u64 = 256 << 30;
/// Bytes that are unpacked at once.
const CHUNK: usize = 1 << 20;

/// Which core.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct CoreArgs {
    /// The core: a file (plain, .zst or .lz4), or with --in its path inside a node
    #[arg(value_name = "CORE")]
    core: Option<PathBuf>,
    /// The node that holds it: a directory, a bundle, a tar. The executable is looked for in it, too
    #[arg(long = "in", value_name = "NODE")]
    node: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) exe: ExeArgs,
}

/// Which executable.
#[derive(Debug, Clone, Default, clap::Args)]
pub(crate) struct ExeArgs {
    /// The executable, or a folder that is searched for the one with the core's build id. Without it,
    /// the path that the core names is tried, and taken only if the build id is the same
    #[arg(long, value_name = "FILE|DIR", value_parser = OsStringValueParser::new().map(meant))]
    pub(crate) exe: Option<PathBuf>,
    /// A folder that is searched for the program's DWARF where the executable has none, by the core's build
    /// id, or by the name that the executable gives: /usr/lib/debug. Beside the executable, and in .debug
    /// there, it is looked for by that name alone
    #[arg(long, value_name = "DIR")]
    pub(crate) debug_dir: Option<PathBuf>,
}

/// The bytes of a file, mapped where that can be done.
pub(crate) struct File {
    /// Its path as it was given.
    pub(crate) name: Text,
    held: Held,
    /// How it was packed.
    pub(crate) packed: Option<&'static str>,
}

enum Held {
    Mapped(Mapped),
    Pages(Box<Pages>),
    Private(Private, u64),
}

impl Bytes for File {
    fn len(&self) -> u64 {
        match &self.held {
            Held::Mapped(map) => map.len(),
            Held::Pages(pages) => pages.len(),
            Held::Private(_, len) => *len,
        }
    }

    fn read_at(&self, at: u64, into: &mut [u8]) -> usize {
        match &self.held {
            Held::Mapped(map) => map.read_into(at, into),
            Held::Pages(pages) => pages.read_at(at, into).unwrap_or(0),
            Held::Private(bytes, len) => {
                let room = usize::try_from(len.saturating_sub(at)).unwrap_or(usize::MAX);
                let count = into.len().min(room);
                let into = into.get_mut(..count).unwrap_or_default();
                let wanted = u64::try_from(count).unwrap_or(u64::MAX);
                let Ok(found) = bytes.view().slice(at, wanted, "bytes") else {
                    return 0;
                };
                into.copy_from_slice(found.bytes());
                count
            }
        }
    }
}

impl File {
    /// Whether it changed while it was read: what was concluded may be of two states.
    pub(crate) fn has_changed(&self) -> bool {
        match &self.held {
            Held::Mapped(map) => map.has_changed(),
            Held::Pages(pages) => pages.unchanged().is_err(),
            Held::Private(..) => false,
        }
    }

    /// A file of an evidence.
    pub(crate) fn open_file(evidence: &Evidence, path: &Path, name: Text) -> Result<Self, Unread> {
        let pages = evidence.pages(path)?;
        let mut start = [0; 4];
        let count = pages.read_at(0, &mut start)?;
        let packed = match start {
            [0x28, 0xb5, 0x2f, 0xfd] if count == 4 => Some("zstd"),
            [0x04, 0x22, 0x4d, 0x18] if count == 4 => Some("lz4"),
            _ => None,
        };
        if let Some(packed) = packed {
            let reader = evidence.reader(path)?;
            let held = match packed {
                "lz4" => unpacked(FrameDecoder::new(reader)),
                _ => zstd::Decoder::new(reader).and_then(unpacked),
            };
            return Ok(Self {
                name,
                held: held.map_err(|error| Unread::Io(error.to_string()))?,
                packed: Some(packed),
            });
        }
        let held = match pages.mapped() {
            Some(map) => Held::Mapped(map),
            None => Held::Pages(Box::new(pages)),
        };
        Ok(Self {
            name,
            held,
            packed: None,
        })
    }

    /// A file that the user named.
    pub(crate) fn open(path: &Path) -> Result<Self, Failure> {
        let (evidence, inside) = beside(path)?;
        Self::open_file(&evidence, &inside, shown(path)).map_err(|why| unread(path, &why))
    }
}

/// Unpacks a stream into a file without a name; zeros become holes.
fn unpacked(mut decoder: impl Read) -> std::io::Result<Held> {
    let mut len = 0_u64;
    let private = Private::filled(&std::env::temp_dir(), UNPACKED, |file| {
        let mut chunk = vec![0; CHUNK];
        loop {
            let mut count = 0;
            while count < chunk.len() {
                let into = chunk.get_mut(count..).unwrap_or_default();
                match decoder.read(into)? {
                    0 => break,
                    read => count = count.saturating_add(read),
                }
            }
            let bytes = chunk.get(..count).unwrap_or_default();
            let mut at = len;
            for page in bytes.chunks(4096) {
                if page.iter().any(|byte| *byte != 0) {
                    file.write_at(page, at)?;
                }
                at = at.saturating_add(u64::try_from(page.len()).unwrap_or(0));
            }
            len = at;
            if count < CHUNK {
                return Ok::<(), std::io::Error>(());
            }
        }
    })?;
    Ok(Held::Private(private, len))
}

impl CoreArgs {
    /// The core.
    pub(crate) fn open(&self) -> Result<File, Failure> {
        let core = self
            .core
            .as_ref()
            .ok_or_else(|| Failure::usage("no core was named"))?;
        match &self.node {
            None => File::open(core),
            Some(node) => {
                let evidence = open_node(node)?;
                File::open_file(&evidence, core, shown(core)).map_err(|why| unread(core, &why))
            }
        }
    }

    /// A library of the node, or of the folder that was given for executables, if it is the one that ran.
    pub(crate) fn library(&self, path: &Text, ids: &BuildIds) -> Option<(File, Elf)> {
        let path = path.utf8()?;
        let path = path.strip_suffix(" (deleted)").unwrap_or(path);
        let evidence = open_node(self.node.as_deref().unwrap_or(Path::new("/"))).ok()?;
        let file = File::open_file(&evidence, Path::new(path), Text::from(path)).ok();
        let file = file.filter(|file| has_ids(file, ids)).or_else(|| {
            let given = self
                .exe
                .exe
                .as_ref()
                .filter(|given| std::fs::metadata(given).is_ok_and(|it| it.is_dir()))?;
            given_executable(given, ids).ok()
        })?;
        let elf = Elf::read_elf(&file).ok()?;
        Some((file, elf))
    }

    /// The file with the program's DWARF: in the folder that was named, by its build id; else there, or beside
    /// the executable, by the name and the sum that the executable gives (`.gnu_debuglink`).
    pub(crate) fn debug_file(
        &self,
        ids: &BuildIds,
        link: Option<&DebugLink>,
    ) -> Result<Option<File>, Failure> {
        let folder = self.exe.debug_dir.as_ref();
        let by_id = folder.map(|folder| given_executable(folder, ids));
        if let Some(Ok(found)) = by_id {
            return Ok(Some(found));
        }
        let beside = self.exe.exe.as_ref().and_then(|exe| exe.parent());
        let beside = beside.map(|folder| {
            if folder.as_os_str().is_empty() {
                Path::new(".")
            } else {
                folder
            }
        });
        let hidden = beside.map(|folder| folder.join(".debug"));
        let folders = [folder.map(PathBuf::as_path), beside, hidden.as_deref()];
        if let Some(link) = link {
            for (index, folder) in folders.into_iter().enumerate() {
                let Some(folder) = folder else { continue };
                let is_deep = index == 0;
                if let Some(found) = linked(folder, link, is_deep) {
                    return Ok(Some(found));
                }
            }
        }
        by_id.transpose()
    }

    /// The executable: as given, else that of the path that the core names, if it has its build id.
    pub(crate) fn executable(
        &self,
        ids: &BuildIds,
        path: Option<&Text>,
    ) -> Result<Option<File>, Failure> {
        if let Some(given) = &self.exe.exe {
            return given_executable(given, ids).map(Some);
        }
        let Some(path) = path.and_then(|path| path.utf8()) else {
            return Ok(None);
        };
        let path = path.strip_suffix(" (deleted)").unwrap_or(path);
        let evidence = match &self.node {
            Some(node) => open_node(node)?,
            None => open_node(Path::new("/"))?,
        };
        let found = File::open_file(&evidence, Path::new(path), Text::from(path)).ok();
        let found = found.filter(|file| has_ids(file, ids));
        Ok(found.or_else(|| installed(&evidence, ids)))
    }
}

pub(crate) fn os(bytes: &[u8]) -> std::ffi::OsString {
    use std::os::unix::ffi::OsStringExt;
    std::ffi::OsString::from_vec(bytes.to_vec())
}

fn open_node(node: &Path) -> Result<Evidence, Failure> {
    Evidence::open(node, &Options::default())
        .map_err(|error| Failure::unread(format!("{} {}", error.path, error.why)))
}

/// The file that is meant by a name, which may be a link. Links of /proc are followed while we have the right to.
fn meant(name: OsString) -> PathBuf {
    std::fs::canonicalize(&name).unwrap_or_else(|_| PathBuf::from(name))
}

/// The folder of a path as evidence, and the path in it. Who names a link means the file.
pub(crate) fn beside(path: &Path) -> Result<(Evidence, PathBuf), Failure> {
    let whole = std::fs::canonicalize(path);
    let path = whole.as_deref().unwrap_or(path);
    let (Some(parent), Some(name)) = (path.parent(), path.file_name()) else {
        return Err(Failure::usage(format!("{} is not a file", shown(path))));
    };
    let parent = if parent.as_os_str().is_empty() {
        Path::new(".")
    } else {
        parent
    };
    Ok((open_node(parent)?, Path::new("/").join(name)))
}

pub(crate) fn shown(path: &Path) -> Text {
    Text::from(path.as_os_str().as_encoded_bytes())
}

pub(crate) fn unread(path: &Path, why: &Unread) -> Failure {
    let name = Escaped(path.as_os_str().as_encoded_bytes()).to_string();
    let failure = Failure::unread(format!("{name} {why}"));
    if path.starts_with("/proc") && path.ends_with("exe") {
        return failure.hint("the program lies in mounts of that process: copy it, `cp` of this path, and name the copy");
    }
    failure
}
