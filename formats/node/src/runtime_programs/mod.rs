//! The programs that a container needs: its shim, and the runtime that the shim calls.
//!
//! ```text
//! config.toml ─┐
//! meta.db     ─┼─Wanted──▶ where PATH leads ──Program──▶ its first bytes, its tables ──Look
//! bundles     ─┘           (Go's exec.LookPath)
//! ```
//!
//! `os/exec/lp_unix.go`, `LookPath`: the first file of that name which may be executed is taken, folders
//! and other files are passed over. A shim that is nowhere is looked for beside containerd itself
//! (`runtime/v2/manager.go`; in 2.x `core/runtime/v2/shim_manager.go`, `resolveRuntimePath`).

mod look;
mod wanted;

use std::collections::BTreeSet;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use evidence::Evidence;
use evidence::bundle::Program as Fact;
use finding::{Text, Unread};
use metadb::MetaDb;
use runc::Runtime;

use crate::network::{Program, followed, is_taken};
use crate::program::folders;
use crate::{Roots, path_text};

pub use look::Look;
pub use wanted::{Role, Wanted, shim as shim_program};

/// The programs that containers need, as they stand there.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RuntimePrograms {
    /// Each of them.
    pub all: Vec<RuntimeProgram>,
    /// The machine that containerd's own program was made for, as ELF counts them.
    pub machine: Option<u16>,
    /// Why nothing is known of them; nothing where the evidence holds the machine's programs.
    pub unknown: Option<String>,
    /// Folders to which PATH leads.
    pub folders: Vec<Text>,
    /// The folder of containerd's own program, if PATH does not lead there: shims are found in it, too.
    pub beside: Option<Text>,
    /// Whether this is a machine, all there, and none of these folders has a program that is containerd.
    pub no_daemon: bool,
}

/// One program.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RuntimeProgram {
    /// Who wants it, and by which name.
    pub wanted: Wanted,
    /// What is found of it.
    pub found: Program,
    /// What stands in its file; nothing where that could not be read.
    pub look: Option<Look>,
    /// The machine that it was made for.
    pub machine: Option<u16>,
}

/// No node names more programs.
const MOST: usize = 256;

/// Where systemd looks for programs, and what containerd puts before that.
pub(crate) const PATH: &[&str] = &[
    "/opt/containerd/bin",
    "/usr/local/sbin",
    "/usr/local/bin",
    "/usr/sbin",
    "/usr/bin",
    "/sbin",
    "/bin",
];

/// Programs that are containerd, or hold it.
const DAEMONS: &[&str] = &["containerd", "dockerd", "k3s", "k0s", "rke2", "kubelite"];

/// The folders to which PATH leads, in their order.
fn path(roots: &Roots) -> Vec<PathBuf> {
    let own = roots
        .unit
        .as_ref()
        .and_then(|unit| unit.environment.get("PATH"));
    let mut all: Vec<PathBuf> = Vec::new();
    // Containerd's own.
    all.extend(PATH.first().map(PathBuf::from));
    if let Some(own) = own {
        all.extend(own.split(':').map(PathBuf::from));
    } else {
        if roots.whose != "containerd" {
            all.extend(folders(roots.whose));
        }
        all.extend(PATH.iter().map(PathBuf::from));
    }
    all.retain(|folder| folder.is_absolute());
    let mut seen = BTreeSet::new();
    all.retain(|folder| seen.insert(folder.clone()));
    all
}

/// The folder of containerd's own program, where the unit names it. A shim that is nowhere else is taken from it.
fn beside(roots: &Roots) -> Option<PathBuf> {
    let program = roots.unit.as_ref()?.program()?;
    let folder = Path::new(program).parent()?;
    folder.is_absolute().then(|| folder.to_owned())
}

/// The paths of programs that a bundle has to know of: where they may be, whether they are there or not.
pub(crate) fn places(
    roots: &Roots,
    rows: Option<&MetaDb>,
    runtime: Option<&Runtime>,
) -> Vec<PathBuf> {
    let wanted = wanted::all(roots, rows, runtime);
    let names = wanted.iter().map(|it| it.name.as_str());
    let names: Vec<&str> = names.chain(DAEMONS.iter().copied()).take(MOST).collect();
    let mut places = Vec::new();
    for folder in path(roots).into_iter().chain(beside(roots)) {
        places.extend(
            names
                .iter()
                .filter(|name| !name.contains('/'))
                .map(|name| folder.join(name)),
        );
    }
    let paths = names.iter().filter(|name| name.starts_with('/'));
    places.extend(paths.map(PathBuf::from));
    places
}

impl RuntimePrograms {
    /// Looks for them.
    pub(crate) fn read_runtime_programs(
        evidence: &Evidence,
        roots: &Roots,
        rows: Option<&MetaDb>,
        runtime: Option<&Runtime>,
    ) -> Self {
        let folders = path(roots);
        let beside = beside(roots).filter(|folder| !folders.contains(folder));
        let shown = folders.iter().map(|folder| path_text(folder)).collect();
        let mut programs = Self {
            folders: shown,
            beside: beside.as_deref().map(path_text),
            ..Self::default()
        };
        let at = |name: &&str| {
            folders
                .iter()
                .chain(&beside)
                .map(|folder| folder.join(name))
                .find(|path| is_file(evidence, path))
        };
        let Some(daemon) = DAEMONS.iter().find_map(at) else {
            programs.unknown =
                Some("the programs of the machine are not in the evidence".to_owned());
            programs.no_daemon = evidence.is_machine() && roots.whose == "containerd";
            return programs;
        };
        let facts = evidence
            .manifest()
            .map(|manifest| manifest.programs.as_slice());
        programs.machine = seen(evidence, facts, &daemon).and_then(|(_, machine)| machine);
        let wanted = wanted::all(roots, rows, runtime);
        if wanted.len() > MOST {
            programs.unknown = Some(format!(
                "only {MOST} of {} programs that runtimes name were looked for",
                wanted.len()
            ));
        }
        let wanted = wanted.into_iter().take(MOST);
        programs.all = wanted
            .map(|wanted| {
                let more = beside.iter().filter(|_| wanted.role == Role::Shim);
                let folders: Vec<&Path> =
                    folders.iter().chain(more).map(PathBuf::as_path).collect();
                one(evidence, facts, &folders, wanted)
            })
            .collect();
        programs
    }

    /// Whether nothing at all stands where a program was named by its path.
    pub fn is_gone(&self, path: &str) -> bool {
        let is_it = |one: &&RuntimeProgram| one.wanted.name == path;
        let found = self.all.iter().find(is_it).map(|one| &one.found);
        matches!(found, Some(Program::Missing { instead, .. }) if instead.is_empty())
    }

    /// The facts of them that a bundle has.
    pub(crate) fn facts(&self) -> impl Iterator<Item = Fact> {
        self.all.iter().filter_map(|it| {
            let Program::Found { path, .. } = &it.found else {
                return None;
            };
            Some(Fact {
                path: path.clone(),
                look: it.look.map(|look| look.to_string()),
                machine: it.machine,
                ..Fact::default()
            })
        })
    }
}

fn is_file(evidence: &Evidence, path: &Path) -> bool {
    followed(evidence, path).is_ok_and(|stat| stat.is_file())
}

/// What stands in a program's file: as it is, or as a bundle says.
fn seen(evidence: &Evidence, facts: Option<&[Fact]>, path: &Path) -> Option<(Look, Option<u16>)> {
    if let Some(facts) = facts {
        let shown = path.as_os_str().as_bytes();
        let fact = facts
            .iter()
            .find(|fact| fact.path.bytes() == shown && fact.look.is_some())?;
        return Some((Look::of_word(fact.look.as_deref()?)?, fact.machine));
    }
    let pages = evidence.pages(path).ok()?;
    let (look, machine) = look::look(pages.len(), |at, into| pages.read_at(at, into).ok())?;
    let runs = matches!(look, Look::Whole | Look::Script);
    let interpreter = look::interpreter(|at, into| pages.read_at(at, into).ok());
    let interpreter = interpreter.filter(|_| runs);
    let lacks = interpreter.is_some_and(|path| is_gone(evidence, &path));
    Some((if lacks { Look::NoInterpreter } else { look }, machine))
}

/// Whether nothing is at a path, as far as the evidence goes: a folder that was not taken tells nothing.
fn is_gone(evidence: &Evidence, path: &[u8]) -> bool {
    let path = Path::new(std::ffi::OsStr::from_bytes(path));
    match followed(evidence, path) {
        Err(Unread::Absent) => path.parent().is_some_and(|it| is_taken(evidence, it)),
        Err(Unread::Dangling(_)) => true,
        _ => false,
    }
}

/// A program of containerd's own, for a bundle.
pub(crate) fn fact(evidence: &Evidence, path: &Path) -> Option<(String, Option<u16>)> {
    let (look, machine) = seen(evidence, None, path)?;
    Some((look.to_string(), machine))
}

fn one(
    evidence: &Evidence,
    facts: Option<&[Fact]>,
    folders: &[&Path],
    wanted: Wanted,
) -> RuntimeProgram {
    let name = Path::new(&wanted.name);
    let paths: Vec<PathBuf> = if name.is_absolute() {
        vec![name.to_path_buf()]
    } else if wanted.name.contains('/') {
        // From the working directory of whoever calls it.
        Vec::new()
    } else {
        folders.iter().map(|folder| folder.join(name)).collect()
    };
    let mut found = find(evidence, &paths);
    if let Program::Missing { elsewhere, .. } = &mut found
        && !wanted.name.contains('/')
    {
        let at = |place: &&&str| is_file(evidence, &Path::new(place).join(name));
        *elsewhere = PATH.iter().find(at).copied();
    }
    let path = match &found {
        Program::Found { path, .. } => {
            Some(Path::new(std::ffi::OsStr::from_bytes(path.bytes())).to_path_buf())
        }
        _ => None,
    };
    let seen = path.and_then(|path| seen(evidence, facts, &path));
    RuntimeProgram {
        wanted,
        found,
        look: seen.map(|(look, _)| look),
        machine: seen.and_then(|(_, machine)| machine),
    }
}

fn find(evidence: &Evidence, paths: &[PathBuf]) -> Program {
    let mut instead = Vec::new();
    let mut unknown = paths.is_empty();
    for path in paths {
        match followed(evidence, path) {
            Ok(stat) if stat.is_file() && !stat.only_kind && stat.mode & 0o111 == 0 => {
                let why = format!("may not be executed: mode {:04o}", stat.mode);
                instead.push((path_text(path), why));
            }
            Ok(stat) if stat.is_file() && !unknown => {
                return Program::Found {
                    path: path_text(path),
                    size_and_mode: (!stat.only_kind).then_some((stat.size, stat.mode)),
                };
            }
            // One before it may be taken instead.
            Ok(stat) if stat.is_file() => return Program::Unknown,
            Ok(stat) => instead.push((path_text(path), format!("is a {}", stat.kind.word()))),
            Err(Unread::Absent) => {
                unknown |= path
                    .parent()
                    .is_none_or(|folder| !is_taken(evidence, folder));
            }
            Err(unread @ Unread::Dangling(_)) => {
                instead.push((path_text(path), unread.to_string()));
            }
            Err(_) => unknown = true,
        }
    }
    if unknown {
        Program::Unknown
    } else {
        Program::Missing {
            instead,
            elsewhere: None,
        }
    }
}
