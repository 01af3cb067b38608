//! What gVisor writes of a container: `<root>/<namespace>/<id>_sandbox:<pod>.state`.
//!
//! The shim `containerd-shim-runsc-v1` calls runsc with `/run/containerd/runsc/<namespace>` as its
//! root; runc's shim, which Docker and `BinaryName` call it by, with the root that it has for runc.
//! A state file is JSON, written in place under a lock beside it:
//!
//! ```text
//! {"id":"web","spec":{…},"bundleDir":"…","createdAt":"…","owner":"","status":"running","goferPid":41,
//!  "sandbox":{"id":"pod","pid":42,…},…}              creating, created, running, paused, stopped
//! ```
//!
//! The sandbox is a process of the host in which all containers of a pod run; that the status is
//! still right is told by that process alone. Seen of runsc 20221219 and 20240729 as Debian has them
//! (`testdata/make/neighbours`). Source: `runsc/container/state_file.go`, `status.go`.

use evidence::Evidence;
use finding::{Text, Time};
use json::Document;
use serde::Serialize;
use std::path::{Path, PathBuf};
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
    const ALL: [Self; 5] = [
        Self::Created,
        Self::Creating,
        Self::Paused,
        Self::Running,
        Self::Stopped,
    ];

    fn from_word(word: &Text) -> Option<Self> {
        Self::ALL.into_iter().find(|status| *word == *status.word())
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

/// Status, pid of the sandbox, and time of a state file. A word that is none is unknown.
fn parse(view: View<'_>) -> (Option<GvisorStatus>, Option<u32>, Option<Time>) {
    let mut faults: Vec<Fault> = Vec::new();
    let document = Document::parse(view);
    let Some(mut record) = Record::root(File::State, &document, &mut faults) else {
        return (None, None, None);
    };
    let status = record
        .text_field("status")
        .as_ref()
        .and_then(GvisorStatus::from_word);
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

/// Every container of gVisor below its shim's root and these, by namespace and id.
pub(crate) fn read_gvisor(evidence: &Evidence, roots: &[PathBuf]) -> Vec<Gvisor> {
    let mut found = Vec::new();
    let own = evidence.at_run(Path::new(ROOT));
    for root in [&own].into_iter().chain(roots) {
        read_root(evidence, root, &mut found);
    }
    found.sort_by(|one, other| (&one.namespace, &one.id).cmp(&(&other.namespace, &other.id)));
    found
}

fn read_root(evidence: &Evidence, root: &Path, found: &mut Vec<Gvisor>) {
    // That this cannot be listed whole hides nothing of runc's.
    let mut ignored = Gaps::default();
    let namespaces = Folder::list(evidence, root, &mut ignored);
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
        let text = br#"{"id":"web","spec":{"ociVersion":"1.0.0"},"bundleDir":"/b","createdAt":"2026-11-28T12:57:46.172036371Z","owner":"","consoleSocket":"","status":"running","goferPid":41,"sandbox":{"id":"pod","pid":42,"uid":65534,"cgroup":{"cgroupunknown":null}}}"#;
        let (status, pid, created) = parse(View::new(text));
        assert_eq!((status, pid), (Some(GvisorStatus::Running), Some(42)));
        assert!(created.is_some());
        // Cut, another word, another form of the pid: not known.
        assert_eq!(parse(View::new(&text[..60])), (None, None, None));
        assert_eq!(parse(View::new(br#"{"ID":"web"}"#)).0, None);
        assert_eq!(parse(View::new(br#"{"status":"resting"}"#)).0, None);
        let odd = br#"{"status":"running","sandbox":{"pid":{"value":7}}}"#;
        assert_eq!(parse(View::new(odd)), (None, None, None));
    }
}
