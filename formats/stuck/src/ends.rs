//! Who is at the two ends of a container's FIFO: who has it open, and who waits to open it.

use finding::Text;
use process::{Process, Wait};
use serde::Serialize;

use crate::command::Command;
use crate::facts::{Facts, Index};
use crate::subject::parent_of;

/// A process at an end of a FIFO.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct End {
    /// Its pid.
    pub pid: u32,
    /// What it is.
    pub who: Text,
    /// The number under which it has it open; none while it waits for the open.
    pub fd: Option<u32>,
    /// How it is open, or is to be: `O_PATH`, `O_RDONLY`, `O_WRONLY`, `O_RDWR`.
    pub how: &'static str,
    /// Whether it waits for the other end.
    pub waits: bool,
    /// Whether inode and device are those of the FIFO that stands there; nothing where the kernel
    /// did not tell.
    pub same_inode: Option<bool>,
}

/// Everybody at the FIFO in a state folder; nothing where processes are not known.
pub fn fifo_ends(facts: Facts<'_>, container: &runc::Container) -> Option<Vec<End>> {
    let processes = facts.processes?;
    let index = Index::new(facts, processes);
    let path = [container.path.bytes(), b"/exec.fifo"].concat();
    let inode = container.fifo.as_ref().and_then(|stat| stat.ino);
    let mut ends: Vec<End> = Vec::new();
    for (process, fd) in index.holders(&path, inode) {
        ends.push(End {
            pid: process.pid,
            who: process.command(),
            fd: Some(fd.number),
            how: fd.how(),
            waits: false,
            same_inode: fd.ino.zip(inode).map(|(held, there)| held == there),
        });
        if let Some(how) = opens(process) {
            ends.push(waiting(process, how));
        }
    }
    let root = parent_of(container.path.bytes());
    let starts = index.commands.iter().filter(|command: &&Command<'_>| {
        let same = command.root.is_none_or(|said| said.bytes() == root);
        command.starts() && *command.id == container.id && same
    });
    for start in starts {
        let seen = ends
            .iter()
            .any(|end| end.pid == start.process.pid && end.waits);
        if let Some(how) = opens(start.process).filter(|_| !seen) {
            ends.push(waiting(start.process, how));
        }
    }
    ends.dedup();
    Some(ends)
}

fn waiting(process: &Process, how: &'static str) -> End {
    End {
        pid: process.pid,
        who: process.command(),
        fd: None,
        how,
        waits: true,
        same_inode: None,
    }
}

/// How a process, or a thread of it, is about to open a FIFO.
fn opens(process: &Process) -> Option<&'static str> {
    let of_main = (process.wait() == Some(Wait::Fifo)).then_some(process.syscall.as_ref());
    let mut threads = process.threads.iter();
    let of_thread = || {
        let thread = threads.find(|thread| thread.wait() == Some(Wait::Fifo))?;
        Some(thread.syscall.as_ref())
    };
    let syscall = of_main.or_else(of_thread)?;
    Some(match syscall.and_then(process::Syscall::opens_with) {
        Some(flags) => match flags & process::ACCESS {
            0 => "O_RDONLY",
            1 => "O_WRONLY",
            _ => "O_RDWR",
        },
        None => "an open",
    })
}
