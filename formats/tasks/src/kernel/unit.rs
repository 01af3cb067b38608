//! Units of systemd that runtimes made for containers: `/run/systemd/transient/cri-containerd-<id>.scope`.
//!
//! runc and crun have systemd make a scope for each container (`SystemdCgroup`); its file stands there
//! as long as systemd knows the unit. One that failed stays until somebody resets it.

use std::collections::BTreeSet;
use std::path::Path;

use evidence::Evidence;
use finding::Text;
use node::Node;
use process::Processes;
use stuck::Host;

use super::{Left, UnitRow};

/// Where systemd keeps what programs had it make.
const FOLDER: &str = "/run/systemd/transient";
/// How containerd's clients have scopes named: the CRI plugin, nerdctl and ctr.
const PREFIXES: &[&[u8]] = &[b"cri-containerd-", b"nerdctl-", b"runc-", b"crun-"];

/// The unit of each container, and which of them nobody knows.
pub(super) fn rows(
    evidence: &Evidence,
    node: &Node,
    processes: Option<&Processes>,
) -> Vec<UnitRow> {
    let Ok(listed) = evidence.try_list(Path::new(FOLDER)) else {
        return Vec::new();
    };
    let mut known: BTreeSet<&[u8]> = BTreeSet::new();
    for namespace in node.namespaces() {
        let containers = namespace.containers.read().into_iter().flatten();
        known.extend(containers.map(|row| row.key.bytes()));
        let sandboxes = namespace.sandboxes.read().into_iter().flatten();
        known.extend(sandboxes.map(|row| row.key.bytes()));
    }
    let runtime = node.runtime.read();
    if let Some(runtime) = runtime {
        known.extend(runtime.containers.iter().map(|it| it.id.bytes()));
        known.extend(runtime.bundles.iter().map(|it| it.id.bytes()));
    }
    // Another daemon's containers have units that are named alike.
    let alone = runtime
        .zip(processes)
        .is_some_and(|(runtime, processes)| !Host::new(runtime, processes).has_others());
    let whole = runtime.is_some_and(|it| it.whole.containers && it.whole.bundles)
        && node.meta.rows.is_some()
        && processes.is_some_and(|it| it.whole)
        && alone;
    let mut rows = Vec::new();
    for entry in listed.read().into_iter().flatten() {
        let name = entry.name.bytes();
        let Some(id) = id_of(name) else {
            continue;
        };
        let of_it = |process: &process::Process| {
            let mut groups = process.cgroups.iter();
            groups.any(|group| {
                group
                    .path
                    .bytes()
                    .split(|byte| *byte == b'/')
                    .any(|part| part == name)
            })
        };
        let used = processes.is_some_and(|all| all.iter().any(of_it));
        let left = whole && !known.contains(id) && !used;
        let conditions: Vec<Left> = left.then_some(Left::UnitLeft).into_iter().collect();
        rows.push(UnitRow {
            id: Text::from(id),
            unit: entry.name.clone(),
            ways: Left::ways(&conditions, &entry.name),
            conditions,
        });
    }
    rows.sort_by(|one, other| one.unit.cmp(&other.unit));
    rows
}

/// The container that a scope was made for.
fn id_of(name: &[u8]) -> Option<&[u8]> {
    let name = name.strip_suffix(b".scope")?;
    let id = PREFIXES
        .iter()
        .find_map(|prefix| name.strip_prefix(*prefix))?;
    (!id.is_empty()).then_some(id)
}

#[cfg(test)]
mod tests {
    use super::id_of;

    #[test]
    fn a_scope_names_its_container() {
        assert_eq!(id_of(b"cri-containerd-ab12.scope"), Some(&b"ab12"[..]));
        for other in [
            "crio-ab12.scope",
            "libpod-ab12.scope",
            "docker-ab12.scope",
            "session-2.scope",
            "cri-containerd-ab12.service",
            "cri-containerd-.scope",
        ] {
            assert_eq!(id_of(other.as_bytes()), None, "{other}");
        }
    }
}
