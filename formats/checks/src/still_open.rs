//! Files that were deleted, or replaced, under a daemon that goes on with them: as long as it runs, all of
//! the file can be copied out of `/proc/PID/fd`; when it ends, the kernel frees it.

use finding::{Finding, Text};
use node::Node;

/// A file that has no name any more, and who has it open.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct StillOpen {
    /// The process.
    pub(crate) pid: u32,
    /// The number of the open file there.
    pub(crate) number: u32,
}

impl StillOpen {
    /// Of the file at this path; nothing where the processes are not those of the machine, now: another day's
    /// numbers are anybody's.
    pub(crate) fn find_open(node: &Node, file: &Text) -> Option<Self> {
        let processes = node.processes.as_deref().filter(|all| all.live)?;
        let mut open = processes.iter().flat_map(|process| {
            let fds = process.open_files().iter();
            fds.map(|fd| (process.pid, fd))
        });
        let (pid, fd) = open.find(|(_, fd)| fd.is_deleted() && fd.is_at(file.bytes()))?;
        Some(Self {
            pid,
            number: fd.number,
        })
    }

    /// Where the file can be read.
    pub(crate) fn path(self) -> Text {
        let Self { pid, number } = self;
        Text::from(format!("/proc/{pid}/fd/{number}"))
    }
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
