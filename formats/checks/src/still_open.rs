//! Files that were deleted, or replaced, under a daemon that goes on with them: as long as it runs, all of
//! the file can be copied out of `/proc/PID/fd`; when it ends, the kernel frees it.

use finding::{Finding, Text, Unread};
use node::{DatabaseState, Node};

use crate::running::running;

/// A file that has no name any more, and who has it open.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct StillOpen {
    /// The process.
    pub(crate) pid: u32,
    /// The number of the open file there.
    pub(crate) number: u32,
}

impl StillOpen {
    /// Of the database at this path, where that is gone, and the daemon of this node has it open: a nested
    /// node's daemon has one of the same path. Nothing where the processes are not those of the machine, now:
    /// another day's numbers are anybody's.
    pub(crate) fn find_open(node: &Node, file: &Text) -> Option<Self> {
        let processes = node.processes.as_deref().filter(|all| all.live)?;
        // In the place of one that is there, nothing is put back.
        if !is_gone(node, file) {
            return None;
        }
        let daemon = running(node).filter(|it| it.is_containerd)?.pid?;
        let mut open = processes.get(daemon)?.open_files().iter();
        let fd = open.find(|fd| fd.is_deleted() && fd.is_at(file.bytes()))?;
        Some(Self {
            pid: daemon,
            number: fd.number,
        })
    }

    /// Where the file can be read.
    pub(crate) fn path(self) -> Text {
        let Self { pid, number } = self;
        Text::from(format!("/proc/{pid}/fd/{number}"))
    }
}

/// Whether a database of the node is not there.
fn is_gone(node: &Node, file: &Text) -> bool {
    let gone = DatabaseState::Unread(Unread::Absent);
    let mut backends = node.snapshotters.iter().map(|one| &one.db);
    (node.meta.path == *file && node.meta.state == gone)
        || backends.any(|db| db.path == *file && db.state == gone)
}

/// Of a finding about a file that is gone: what comes first, where somebody still has it open.
pub(crate) fn first_copied(node: &Node, finding: Finding) -> Finding {
    let file = finding.location.file.as_ref();
    let Some(open) = file.and_then(|file| StillOpen::find_open(node, file)) else {
        return finding;
    };
    let (pid, path) = (open.pid, open.path());
    finding.remedy(format!(
        "Do not restart containerd, and do not stop it: process {pid} still has the deleted file open as \
         {path}, and the file ends with that process. Copy it first, check the copy, and put it back while \
         containerd is stopped."
    ))
}
