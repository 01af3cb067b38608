//! Docker's daemon beside containerd, or around it: the file of its settings, the flags of its unit, and
//! the files that name its processes.
//!
//! ```text
//! /etc/docker/daemon.json                   its settings; --config-file names another file
//! /run/docker.pid                           its own process
//! /run/docker/containerd/containerd.pid     that of the containerd that it starts itself
//! ```

use std::path::{Path, PathBuf};

use evidence::Evidence;
use finding::{Text, Unread};

use crate::network::has_programs;
use crate::{Unit, path_text};

/// Where its unit and its files are: as packages have it, and as its snap does.
const PLACES: &[(&str, &str, &str, &str)] = &[
    (
        "docker.service",
        "/etc/docker/daemon.json",
        "/run/docker.pid",
        "/run/docker/containerd/containerd.pid",
    ),
    (
        "snap.docker.dockerd.service",
        "/var/snap/docker/current/config/daemon.json",
        "/run/snap.docker/docker.pid",
        "/run/snap.docker/containerd/containerd.pid",
    ),
];

/// Where packages put its program.
const PROGRAMS: &[&str] = &[
    "/usr/bin/dockerd",
    "/usr/sbin/dockerd",
    "/usr/local/bin/dockerd",
    "/opt/bin/dockerd",
];

/// No such file is larger.
const LIMIT: u64 = 1 << 20;

/// Docker's daemon, as far as its files tell.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Docker {
    /// Its unit.
    pub unit: Option<Unit>,
    /// The name of that unit.
    pub unit_name: Option<&'static str>,
    /// The file of its settings.
    pub file: Text,
    /// Whether its unit names that file: then it must be there.
    pub is_named: bool,
    /// The bytes of that file, or why there are none.
    pub settings: Result<Vec<u8>, Unread>,
    /// Files of pids with what they name: its own, and that of its containerd.
    pub pids: [(Text, Option<u32>); 2],
}

impl Docker {
    /// Reads it; nothing where none is installed, or its unit is masked.
    pub(crate) fn read_docker(evidence: &Evidence) -> Option<Self> {
        PLACES.iter().find_map(|(name, file, own, containerd)| {
            let unit = Unit::named(evidence, name);
            let is_masked = unit.as_ref().is_some_and(|unit| unit.masked);
            let is_there = |path: &&str| evidence.stat(Path::new(path)).is_ok();
            let is_installed = unit.is_some() || PROGRAMS.iter().any(is_there);
            let named = unit.as_ref().and_then(|unit| unit.flag("--config-file"));
            let path = PathBuf::from(named.unwrap_or(file));
            let source = evidence.source(&path, LIMIT);
            // A copy without programs does not tell whether Docker is there; its file does.
            let is_likely = source.is_ok() && !has_programs(evidence);
            if is_masked || !(is_installed || is_likely) {
                return None;
            }
            Some(Self {
                file: path_text(&path),
                is_named: named.is_some(),
                settings: source.map(|source| source.bytes().to_vec()),
                pids: [*own, *containerd]
                    .map(|path| (Text::from(path), pid_of_file(evidence, path))),
                unit_name: unit.is_some().then_some(*name),
                unit,
            })
        })
    }
}

/// The pid in such a file.
fn pid_of_file(evidence: &Evidence, path: &str) -> Option<u32> {
    let source = evidence.source(Path::new(path), LIMIT).ok()?;
    std::str::from_utf8(source.bytes())
        .ok()?
        .trim()
        .parse()
        .ok()
}
