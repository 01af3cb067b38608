//! What gVisor writes of a container: `<root>/<namespace>/<id>_sandbox:<pod>.state`.
//!
//! The shim `containerd-shim-runsc-v1` calls runsc with `/run/containerd/runsc/<namespace>` as its
//! root. A state file is JSON, written in place under a lock beside it; the status is a number:
//!
//! ```text
//! {"id":"web","spec":{…},"bundleDir":"…","createdAt":"…","owner":"","status":3,"goferPid":41,
//!  "sandbox":{"id":"pod","pid":42,…},…}                0 created 1 creating 2 paused 3 running 4 stopped
//! ```
//!
//! The sandbox is a process of the host in which all containers of a pod run; that the status is
//! still right is told by that process alone. Source: `runsc/container/state_file.go`, `status.go`.
//! (Read from the source; the tests' files are made by hand after it, for Debian has no runsc.)

use evidence::Evidence;
use finding::{Text, Time};
use json::Document;
use serde::Serialize;
use std::path::Path;
use view::View;

use crate::fault::{Fault, File};
use crate::folder::{Folder, Gaps, path_text};
use crate::record::Record;

/// Where the shim has runsc keep its state.
pub(crate) const ROOT: &str = "/run/containerd/runsc";
/// A state file holds the whole specification.
const LIMIT: u64 = 8 << 20;

/// What gVisor says of a container.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum GvisorStatus {
    /// It was created, and its program does not run yet.
    Created,
    /// It is being created.
    Creating,
    /// It is paused.
    Paused,
    /// Its program runs.
    Running,
    /// It has ended.
    Stopped,
}

impl GvisorStatus {
    const fn of_number(number: i64) -> Option<Self> {
        Some(match number {
            0 => Self::Created,
            1 => Self::Creating,
            2 => Self::Paused,
            3 => Self::Running,
            4 => Self::Stopped,
            _ => return None,
        })
    }

    /// As gVisor writes it.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Created => "created",
            Self::Creating => "creating",
            Self::Paused => "paused",
            Self::Running => "running",
            Self::Stopped => "stopped",
        }
    }
}

/// A container of gVisor.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Gvisor {
    /// containerd's namespace.
    pub namespace: Text,
    /// Its id.
    pub id: Text,
    /// The state file.
    pub path: Text,
    /// Its status, where the file could be read and says one.
    pub status: Option<GvisorStatus>,
    /// The process of its sandbox.
    pub sandbox_pid: Option<u32>,
    /// When it was created.
    pub created: Option<Time>,
}

/// Id of container and sandbox in the name of a state file.
fn ids_of(name: &[u8]) -> Option<(&[u8], &[u8])> {
    let name = name.strip_suffix(b".state")?;
    let mark = b"_sandbox:";
    let at = name.windows(mark.len()).position(|part| part == mark)?;
    let (id, sandbox) = (name.get(..at)?, name.get(at.checked_add(mark.len())?..)?);
    (!id.is_empty() && !sandbox.is_empty()).then_some((id, sandbox))
}

/// Status, pid of the sandbox, and time of a state file. A number that is none is unknown.
fn parse(view: View<'_>) -> (Option<GvisorStatus>, Option<u32>, Option<Time>) {
    let mut faults: Vec<Fault> = Vec::new();
    let document = Document::parse(view);
    let Some(mut record) = Record::root(File::State, &document, &mut faults) else {
        return (None, None, None);
    };
    let status = record
        .integer::<i64>("status", "a status")
        .and_then(GvisorStatus::of_number);
    let created = record.time("createdAt");
    let pid = record
        .object("sandbox")
        .and_then(|mut sandbox| sandbox.integer::<u32>("pid", "a pid"));
    // What is cut or garbled tells nothing.
    if faults.is_empty() {
        (status, pid.filter(|pid| *pid > 1), created)
    } else {
        (None, None, None)
    }
}

/// Every container of gVisor below the shim's root, by namespace and id.
pub(crate) fn read_gvisor(evidence: &Evidence) -> Vec<Gvisor> {
    let mut found = Vec::new();
    // That this cannot be listed whole hides nothing of runc's.
    let mut ignored = Gaps::default();
    let root = evidence.at_run(Path::new(ROOT));
    let namespaces = Folder::list(evidence, &root, &mut ignored);
    for (namespace, folder) in namespaces.folders(&mut ignored) {
        let listed = Folder::list(evidence, &folder, &mut ignored);
        for entry in &listed.entries {
            let Some((id, _)) = ids_of(entry.name.bytes()) else {
                continue;
            };
            let path = listed.join(&entry.name);
            let source = evidence.source_if_there(&path, LIMIT);
            let (status, sandbox_pid, created) = source
                .map(|source| parse(View::new(source.bytes())))
                .unwrap_or_default();
            found.push(Gvisor {
                namespace: namespace.name.clone(),
                id: Text::from(id),
                path: path_text(&path),
                status,
                sandbox_pid,
                created,
            });
        }
    }
    found.sort_by(|one, other| (&one.namespace, &one.id).cmp(&(&other.namespace, &other.id)));
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_state_of_gvisor_is_read() {
        let name = b"web_sandbox:pod.state";
        assert_eq!(ids_of(name), Some((&b"web"[..], &b"pod"[..])));
        for name in ["web.state", "_sandbox:pod.state", "web_sandbox:pod.lock"] {
            assert_eq!(ids_of(name.as_bytes()), None, "{name}");
        }
        let text = br#"{"id":"web","spec":{"ociVersion":"1.0.0"},"bundleDir":"/b","createdAt":"2026-11-28T12:57:46.172036371Z","owner":"","status":3,"goferPid":41,"sandbox":{"id":"pod","pid":42}}"#;
        let (status, pid, created) = parse(View::new(text));
        assert_eq!((status, pid), (Some(GvisorStatus::Running), Some(42)));
        assert!(created.is_some());
        // Cut, another number, another form of the pid: not known.
        assert_eq!(parse(View::new(&text[..60])), (None, None, None));
        assert_eq!(parse(View::new(br#"{"ID":"web"}"#)).0, None);
        assert_eq!(parse(View::new(br#"{"status":9}"#)).0, None);
        let odd = br#"{"status":3,"sandbox":{"pid":{"value":7}}}"#;
        assert_eq!(parse(View::new(odd)), (None, None, None));
    }
}
