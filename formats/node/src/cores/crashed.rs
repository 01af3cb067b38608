//! One core: its notes, and the goroutine that ended it.

use std::io::Read;
use std::path::{Path, PathBuf};

use elfcore::{Arguments, BuildIds, Bytes, Core, Elf, Image, Maker, Sparse};
use evidence::{Evidence, Pages};
use finding::Unread;
use goruntime::{Go, Outline, ThreadLink};

use super::{Candidate, CoreFile, attribute, container, is_ours};

/// Bytes that are unpacked of a packed core, holes included.
const UNPACKED: u64 = 1 << 30;
/// Bytes of it that are not zero.
const HELD: u64 = 256 << 20;
/// Bytes that are unpacked for the notes alone.
const NOTES: u64 = 4 << 20;
/// Where programs of containerd are installed.
const PROGRAMS: [&str; 5] = [
    "/usr/bin",
    "/usr/local/bin",
    "/usr/sbin",
    "/usr/local/sbin",
    "/opt/containerd/bin",
];
/// Their names.
const NAMES: [&str; 3] = ["containerd", "containerd-shim-runc-v2", "runc"];

/// A file of the evidence, in pieces.
struct Whole(Pages);

impl Bytes for Whole {
    fn len(&self) -> u64 {
        self.0.len()
    }

    fn read_at(&self, at: u64, into: &mut [u8]) -> usize {
        self.0.read_at(at, into).unwrap_or(0)
    }
}

/// The bytes of a file; mapped where that can be done.
fn bytes_of(pages: Pages) -> Box<dyn Bytes> {
    match pages.mapped() {
        Some(map) => Box::new(map),
        None => Box::new(Whole(pages)),
    }
}

/// What a core says; nothing if it is of somebody else. With `whole`, also which goroutine ended it.
pub(super) fn read_crashed_core(
    evidence: &Evidence,
    candidate: &Candidate,
    whole: bool,
) -> Option<CoreFile> {
    let mut told = candidate.told();
    let named = candidate.said.is_some();
    if named && let Some(xattrs) = evidence.xattrs(&candidate.path).read() {
        let said = attribute(xattrs, "signal");
        told.signal = said.and_then(|signal| signal.utf8()?.parse().ok());
    }
    let (bytes, is_whole) = match opened(evidence, &candidate.path, named, whole) {
        Ok(found) => found,
        Err(why) => {
            told.unread = Some(why);
            return named.then_some(told);
        }
    };
    let core = match Core::read_core(&*bytes) {
        Ok(core) => core,
        Err(why) => {
            told.unread = Some(format!("{why}"));
            return named.then_some(told);
        }
    };
    match &core.process {
        Some(process) if named || is_ours(process.name.bytes()) => {
            if !named {
                told.name = process.name.clone();
            }
            told.pid = told.pid.or(Some(process.pid));
        }
        Some(_) => return None,
        None if !named => return None,
        None => {}
    }
    // One that coroner took is of nothing that ended.
    if core.maker == Maker::Coroner {
        return None;
    }
    told.taken = core.maker == Maker::Gcore;
    let signal = core.threads.first().map(|thread| i32::from(thread.signal));
    told.signal = told.signal.or(signal).filter(|signal| *signal != 0);
    if !is_whole {
        told.unread = Some("only its notes were read".to_owned());
        return Some(told);
    }
    crash(evidence, &core, &*bytes, &mut told);
    Some(told)
}

/// The bytes of a core, and whether they are all of it. Of a packed file that is not named as one of ours,
/// only the notes are unpacked.
fn opened(
    evidence: &Evidence,
    path: &Path,
    named: bool,
    whole: bool,
) -> Result<(Box<dyn Bytes>, bool), String> {
    let unread = |why: Unread| format!("it {why}");
    let pages = evidence.pages(path).map_err(unread)?;
    let mut start = [0; 4];
    pages.read_at(0, &mut start).map_err(unread)?;
    let is_packed = matches!(start, [0x28, 0xb5, 0x2f, 0xfd] | [0x04, 0x22, 0x4d, 0x18]);
    if start == [0xfd, b'7', b'z', b'X'] {
        return Err("it is packed with xz, which is not unpacked here".to_owned());
    }
    if !is_packed {
        return Ok((bytes_of(pages), whole));
    }
    let reader = evidence.reader(path).map_err(unread)?;
    let whole = whole && named;
    let (most, held) = if whole {
        (UNPACKED, HELD)
    } else {
        (NOTES, NOTES)
    };
    let unpacked = |stream: &mut dyn Read| Sparse::read_sparse(stream, most, held);
    let sparse = if start.first() == Some(&0x28) {
        zstd::Decoder::new(reader).and_then(|mut stream| unpacked(&mut stream))
    } else {
        unpacked(&mut lz4_flex::frame::FrameDecoder::new(reader))
    };
    let sparse = sparse.map_err(|error| format!("it cannot be unpacked: {error}"))?;
    Ok((Box::new(sparse), whole))
}

/// Adds the container and the goroutine that ended it.
fn crash(evidence: &Evidence, core: &Core, bytes: &dyn Bytes, told: &mut CoreFile) {
    let mut image = Image::new(bytes, &core.segments);
    let words = Arguments::find(&image, &core.auxv);
    told.container = words.and_then(|words| container(&words.arguments));
    let ids = {
        let at = core.auxv.get(elfcore::Auxv::PHDR);
        let count = core.auxv.get(elfcore::Auxv::PHNUM);
        at.zip(count)
            .map(|(at, count)| elfcore::of_memory(&image, at, count, None))
            .unwrap_or_default()
    };
    let program = program(evidence, core, &ids);
    let outline = match &program {
        Some((file, elf)) => {
            let slide = elf.slide(&core.auxv);
            image.add(&**file, elf, slide);
            Outline::of_file(&**file, elf, slide)
        }
        None => Outline::of_memory(&image, &core.auxv)
            .unwrap_or_else(|| Outline::of_segments(&core.segments)),
    };
    let go = match Go::find(&image, &outline, core.arch) {
        Ok(go) => go,
        Err(_) if program.is_none() => {
            told.unread = Some("its program is not on the node any more".to_owned());
            return;
        }
        Err(why) => {
            told.unread = Some(why.to_string());
            return;
        }
    };
    let links: Vec<ThreadLink> = core.threads.iter().map(ThreadLink::from).collect();
    let threads = go.tie(&links);
    let first = core.threads.first();
    let first = first.and_then(|thread| threads.found.get(&thread.tid)?.1);
    let goroutines = go.goroutines(&threads, None);
    told.crash = go.crash(&goroutines, first);
}

/// The program with the core's build id: where the core says that it was, else where it is installed.
fn program(evidence: &Evidence, core: &Core, ids: &BuildIds) -> Option<(Box<dyn Bytes>, Elf)> {
    if ids.is_empty() {
        return None;
    }
    let own = core.program().and_then(|file| file.path.utf8());
    let own = own.map(|path| PathBuf::from(path.strip_suffix(" (deleted)").unwrap_or(path)));
    let installed = PROGRAMS
        .iter()
        .flat_map(|folder| NAMES.iter().map(|name| Path::new(folder).join(name)));
    own.into_iter().chain(installed).find_map(|path| {
        let bytes = bytes_of(evidence.pages(&path).ok()?);
        let elf = Elf::read_elf(&*bytes).ok()?;
        (BuildIds::of_file(&*bytes, &elf).same(ids) == Some(true)).then_some((bytes, elf))
    })
}
