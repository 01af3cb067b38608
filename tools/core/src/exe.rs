//! Executables, found by their build ids or by the names that others give.

use std::path::{Path, PathBuf};

use cli::Failure;
use elfcore::{BuildIds, Elf};
use evidence::{Evidence, FileKind, Options};
use finding::Text;
use goruntime::DebugLink;

use crate::file::{File, beside, os, shown, unread};

/// Files of a folder that are tried for a build id.
const CANDIDATES: usize = 4096;
/// Files of a folder whose names are looked at.
const FILES: usize = 1 << 18;
/// Where programs of containerd are installed.
const PROGRAMS: [&str; 6] = [
    "/usr/bin",
    "/usr/sbin",
    "/usr/local/bin",
    "/usr/local/sbin",
    "/opt/containerd/bin",
    "/opt/cni/bin",
];

/// The program with these ids, wherever it is installed: a container's or a mount's path is not the
/// node's.
pub(crate) fn installed(evidence: &Evidence, ids: &BuildIds) -> Option<File> {
    if ids.is_empty() {
        return None;
    }
    for folder in PROGRAMS {
        for entry in evidence
            .list(Path::new(folder))
            .read()
            .into_iter()
            .flatten()
        {
            let name = entry.name.bytes();
            let is_ours = name.starts_with(b"containerd") || name.starts_with(b"runc");
            if !is_ours || entry.stat.kind != FileKind::File {
                continue;
            }
            let path = Path::new(folder).join(Path::new(&os(name)));
            let shown = Text::from(path.as_os_str().as_encoded_bytes());
            let file = File::open_file(evidence, &path, shown).ok();
            if let Some(file) = file.filter(|file| has_ids(file, ids)) {
                return Some(file);
            }
        }
    }
    None
}

/// Whether a file is the program with these ids, beyond doubt.
pub(crate) fn has_ids(file: &File, ids: &BuildIds) -> bool {
    let elf = Elf::read_elf(file).ok();
    elf.is_some_and(|elf| BuildIds::of_file(file, &elf).same(ids) == Some(true))
}

/// The executable that was given, or that of a folder with these ids.
pub(crate) fn given_executable(given: &Path, ids: &BuildIds) -> Result<File, Failure> {
    let (evidence, inside) = beside(given)?;
    let stat = evidence.stat(&inside).map_err(|why| unread(given, &why))?;
    if stat.kind != FileKind::Dir {
        return File::open_file(&evidence, &inside, shown(given))
            .map_err(|why| unread(given, &why));
    }
    if ids.is_empty() {
        return Err(Failure::unread(
            "the core does not tell the build id of its program, so a folder cannot be searched for it",
        )
        .hint("name the executable itself with --exe FILE"));
    }
    let mut folders = vec![inside];
    let mut tried = 0_usize;
    while let Some(folder) = folders.pop() {
        let list = evidence.list(&folder);
        for entry in list.read().into_iter().flatten() {
            let path = folder.join(Path::new(&os(entry.name.bytes())));
            match entry.stat.kind {
                FileKind::Dir => folders.push(path),
                FileKind::File if tried < CANDIDATES => {
                    tried = tried.saturating_add(1);
                    let name = Text::from(path.as_os_str().as_encoded_bytes());
                    let file = File::open_file(&evidence, &path, name).ok();
                    if let Some(file) = file.filter(|file| has_ids(file, ids)) {
                        return Ok(file);
                    }
                }
                _ => {}
            }
        }
    }
    let id = ids.shown();
    Err(Failure::unread(format!(
        "none of the {tried} files in {} has the build id {}",
        shown(given),
        id.unwrap_or_default()
    )))
}

/// The file of a folder that a program says has its DWARF.
pub(crate) fn linked(folder: &Path, link: &DebugLink, is_deep: bool) -> Option<File> {
    let evidence = Evidence::open(folder, &Options::default()).ok()?;
    let mut folders = vec![PathBuf::from("/")];
    let mut seen = 0_usize;
    while let Some(inside) = folders.pop() {
        for entry in evidence.list(&inside).read().into_iter().flatten() {
            seen = seen.saturating_add(1);
            if seen > FILES {
                return None;
            }
            let path = inside.join(Path::new(&os(entry.name.bytes())));
            if entry.stat.kind == FileKind::Dir && is_deep {
                folders.push(path);
            } else if entry.stat.kind == FileKind::File && entry.name == link.name {
                let name = Text::from(
                    folder
                        .join(path.strip_prefix("/").ok()?)
                        .as_os_str()
                        .as_encoded_bytes(),
                );
                let file = File::open_file(&evidence, &path, name).ok();
                if let Some(file) = file.filter(|file| link.is(file)) {
                    return Some(file);
                }
            }
        }
    }
    None
}
