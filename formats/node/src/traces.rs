//! Traces of the release that wrote a node.

use std::path::Path;

use evidence::Evidence;
use finding::Text;
use metadb::MetaDb;
use serde::Serialize;

use crate::{Database, DatabaseState, Program, Roots, program::built};

/// What is seen of the release that wrote a node; `daemon` concludes from it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Traces {
    /// The schema's minor version in meta.db.
    pub schema: Option<i64>,
    /// Whether meta.db keeps its freelist.
    pub freelist_synced: Option<bool>,
    /// Whether containers have a `sandboxid` (1.7 and later).
    pub sandbox_ids: Option<bool>,
    /// Whether there is a sandbox store.
    pub sandbox_store: Option<bool>,
    /// Whether a bundle has an `address` (up to 1.7).
    pub address_files: bool,
    /// Whether a bundle has a `bootstrap.json` (2.x).
    pub bootstrap_files: bool,
    /// `version` of config.toml.
    pub config: Option<i64>,
    /// Version of the installed package, as the package database says.
    pub package: Option<Text>,
    /// The daemon's program.
    pub program: Option<Program>,
}

const PACKAGES: [&str; 2] = ["containerd", "containerd.io"];
const STATUS: &str = "/var/lib/dpkg/status";
const STATUS_LIMIT: u64 = 64 << 20;

impl Traces {
    pub(crate) fn read_traces(
        evidence: &Evidence,
        roots: &Roots,
        meta: &Database<MetaDb>,
        runtime: Option<&runc::Runtime>,
    ) -> Self {
        let rows = meta.rows.as_ref();
        let namespaces = rows.map(MetaDb::namespaces);
        let mut containers = namespaces
            .into_iter()
            .flatten()
            .flat_map(|ns| ns.containers.read().into_iter().flatten());
        let sandbox_ids = namespaces.map(|_| containers.any(|row| row.sandbox_id.is_some()));
        let has_sandboxes =
            |ns: &metadb::Namespace| ns.sandboxes.read().is_some_and(|s| !s.is_empty());
        let is_other = matches!(meta.state, DatabaseState::Other(_));
        let bundles = runtime.map_or(&[][..], |runtime| &runtime.bundles);
        Self {
            schema: rows.and_then(|meta| meta.version),
            // Another database than meta.db keeps its own in every release.
            freelist_synced: meta
                .facts
                .filter(|_| !is_other)
                .map(|facts| facts.freelist_synced),
            sandbox_ids,
            sandbox_store: namespaces.map(|all| all.iter().any(has_sandboxes)),
            address_files: bundles.iter().any(runc::Bundle::has_address),
            bootstrap_files: bundles.iter().any(runc::Bundle::has_bootstrap),
            config: roots.config.as_ref().map(|config| config.version),
            package: package(evidence).filter(|_| runs_the_package(roots)),
            program: Program::daemon(&built(evidence, roots)),
        }
    }
}

/// Where packages put the daemon.
const PACKAGED: [&str; 2] = ["/usr/bin/containerd", "/bin/containerd"];

/// Whether the daemon may be the package's: k3s and others bring their own, and a unit may name
/// another program.
fn runs_the_package(roots: &Roots) -> bool {
    let brings_own = matches!(
        roots.whose,
        "k3s" | "rke2" | "k3s or rke2" | "k0s" | "microk8s" | "docker (snap)"
    );
    let named = roots.unit.as_ref().and_then(crate::Unit::program);
    let is_other = named.is_some_and(|program| {
        program.starts_with('/') && program.ends_with("/containerd") && !PACKAGED.contains(&program)
    });
    !brings_own && !is_other
}

/// The version of containerd in Debian's package database, where it is installed.
fn package(evidence: &Evidence) -> Option<Text> {
    let source = evidence.source_if_there(Path::new(STATUS), STATUS_LIMIT)?;
    let mut ours = false;
    for line in source.bytes().split(|byte| *byte == b'\n') {
        if let Some(name) = line.strip_prefix(b"Package: ") {
            ours = PACKAGES.iter().any(|package| package.as_bytes() == name);
        } else if let Some(status) = line.strip_prefix(b"Status: ") {
            // A package that was removed keeps its entry as long as its settings are there.
            ours &= status.ends_with(b" installed");
        } else if ours && let Some(version) = line.strip_prefix(b"Version: ") {
            return Some(Text::from(version));
        }
    }
    None
}
