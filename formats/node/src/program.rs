//! The programs that a node runs, and how they were built: what Go's linker left in them.

use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use evidence::Evidence;
use evidence::bundle::Program as Fact;
use finding::Text;
use goruntime::BuildInfo;
use serde::Serialize;

use crate::{Node, Roots, Unit};

/// The daemon's program.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Program {
    /// Where it lies.
    pub path: Text,
    /// The version of Go that built it.
    pub go: Text,
    /// containerd's version, where the build tells it.
    pub version: Option<Text>,
    /// 1 or 2: containerd's import path has the second in it.
    pub generation: Option<u8>,
}

/// The module of containerd, from 2.0 on and before.
const MODULES: [(&str, u8); 2] = [
    ("github.com/containerd/containerd/v2", 2),
    ("github.com/containerd/containerd", 1),
];

/// Programs of Go's that a node has beside each other.
const NAMES: [&str; 3] = ["containerd", "containerd-shim-runc-v2", "runc"];

impl Program {
    /// The daemon's program among these.
    pub(crate) fn daemon(facts: &[Fact]) -> Option<Self> {
        let (fact, info) = facts.iter().find_map(|fact| {
            let info = BuildInfo::of_text(&fact.go, &fact.build)?;
            generation(&info).is_some().then_some((fact, info))
        })?;
        Some(Self {
            path: fact.path.clone(),
            go: Text::from(info.go()),
            version: version(&info).map(Text::from),
            generation: generation(&info),
        })
    }
}

/// How the programs of a node were built, the daemon's first, and whether they and those that
/// containers need can be run; of those that can be read.
pub fn programs(evidence: &Evidence, node: &Node) -> Vec<Fact> {
    // Of a bundle, what was read when it was packed: programs are not in it.
    if let Some(manifest) = evidence.manifest() {
        return manifest.programs.clone();
    }
    let mut facts = built(evidence, &node.roots);
    for fact in &mut facts {
        let path = Path::new(std::ffi::OsStr::from_bytes(fact.path.bytes()));
        if let Some((look, machine)) = crate::runtime_programs::fact(evidence, path) {
            fact.look = Some(look);
            fact.machine = machine;
        }
    }
    for fact in node.programs.facts() {
        if facts.iter().all(|known| known.path != fact.path) {
            facts.push(fact);
        }
    }
    facts
}

/// Where these programs may be: a bundle lists what stands there.
pub fn program_places(node: &Node) -> Vec<PathBuf> {
    crate::runtime_programs::places(&node.roots, node.meta.rows.as_ref(), node.runtime.read())
}

/// How the programs of a node were built, as far as Go's linker tells.
pub(crate) fn built(evidence: &Evidence, roots: &Roots) -> Vec<Fact> {
    if let Some(manifest) = evidence.manifest() {
        return manifest.programs.clone();
    }
    let mut folders = folders(roots.whose);
    if let Some(program) = unit(evidence).filter(|_| roots.whose == "containerd") {
        folders.extend(program.parent().map(Path::to_owned));
        folders.rotate_right(1);
    }
    let found = |name: &&str| {
        let mut paths = folders.iter().map(|folder| folder.join(name));
        paths.find_map(|path| read_program(evidence, &path))
    };
    NAMES.iter().filter_map(found).collect()
}

fn read_program(evidence: &Evidence, path: &Path) -> Option<Fact> {
    let pages = evidence.pages(path).ok()?;
    let info = BuildInfo::read_build_info(|at, into| pages.read_at(at, into).ok()).ok()?;
    Some(Fact {
        path: Text::from(path.as_os_str().as_bytes()),
        go: info.go().to_owned(),
        build: info.build_text().to_owned(),
        ..Fact::default()
    })
}

/// Where a distribution keeps its programs.
pub(crate) fn folders(whose: &str) -> Vec<PathBuf> {
    let folders: &[&str] = match whose {
        "k3s" => &["/var/lib/rancher/k3s/data/current/bin"],
        "rke2" => &["/var/lib/rancher/rke2/bin"],
        "microk8s" => &["/snap/microk8s/current/bin"],
        "k0s" => &["/var/lib/k0s/bin"],
        "docker (snap)" => &["/snap/docker/current/bin"],
        _ => &["/usr/local/bin", "/usr/local/sbin", "/usr/bin", "/usr/sbin"],
    };
    folders.iter().map(PathBuf::from).collect()
}

/// The program that the daemon's unit starts.
fn unit(evidence: &Evidence) -> Option<PathBuf> {
    let unit = Unit::read_unit(evidence)?;
    let program = unit.program().filter(|program| program.starts_with('/'));
    program.map(PathBuf::from)
}

/// containerd's version: what the linker was told, else that of the module which was built in.
fn version(info: &BuildInfo) -> Option<&str> {
    let linked = |(module, _): &(&str, u8)| info.linked(&format!("{module}/version.Version"));
    let used = |(module, _): &(&str, u8)| info.uses(module).map(|module| module.version);
    let told = MODULES.iter().find_map(linked);
    let told = told.or_else(|| MODULES.iter().find_map(used));
    told.filter(|version| !version.is_empty() && *version != "(devel)")
}

fn generation(info: &BuildInfo) -> Option<u8> {
    let package = info.package().unwrap_or_default();
    let of = |(module, generation): &(&str, u8)| {
        let is_own = package
            .strip_prefix(module)
            .is_some_and(|rest| rest.starts_with("/cmd/containerd") && !rest.contains("shim"));
        (is_own || info.uses(module).is_some_and(|_| is_bundled(package))).then_some(*generation)
    };
    MODULES.iter().find_map(of)
}

/// Whether a program has containerd in it, among other things.
fn is_bundled(package: &str) -> bool {
    package.starts_with("github.com/k3s-io/") || package.starts_with("github.com/rancher/")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fact(name: &str) -> Fact {
        let bytes = testcase::program(name);
        let info = BuildInfo::read_build_info(|at, into| {
            let from = bytes.get(usize::try_from(at).ok()?..).unwrap_or_default();
            let count = from.len().min(into.len());
            into[..count].copy_from_slice(&from[..count]);
            Some(count)
        });
        let info = info.expect("build info");
        Fact {
            path: "/usr/bin/containerd".into(),
            go: info.go().to_owned(),
            build: info.build_text().to_owned(),
            ..Fact::default()
        }
    }

    #[test]
    fn what_a_build_tells_of_the_release() {
        let told = |name: &str| {
            let program = Program::daemon(&[fact(name)]).expect("a daemon");
            let version = program.version.map(|version| version.to_string());
            (program.generation, version)
        };
        assert_eq!(told("debian-bookworm.elf"), (Some(1), None));
        assert_eq!(told("debian-trixie.elf"), (Some(1), None));
        assert_eq!(told("debian-sid.elf"), (Some(2), None));
        assert_eq!(told("upstream.elf"), (Some(2), Some("v2.1.4".into())));
        assert_eq!(told("k3s.elf"), (Some(1), Some("v1.7.23-k3s2".into())));
        let mut other = fact("upstream.elf");
        other.build = other
            .build
            .replace("cmd/containerd", "cmd/containerd-shim-runc-v2");
        assert_eq!(Program::daemon(&[other]), None);
    }
}
