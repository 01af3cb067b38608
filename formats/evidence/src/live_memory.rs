//! The memory of a process that runs, read without stopping it.
//!
//! `/proc/<pid>/mem` is opened once: whatever happens to the number, the descriptor stays with the
//! memory of this process. Where that may not be opened, `process_vm_readv` may still read.

use std::fs::File;
use std::io::IoSliceMut;
use std::os::fd::AsFd;
use std::os::unix::fs::FileExt;

use finding::Unread;
use mapped::Mapped;
use nix::errno::Errno;
use nix::fcntl::{OFlag, openat};
use nix::sys::stat::{Mode, SFlag, fstat};
use nix::sys::uio::{RemoteIoVec, process_vm_readv};
use nix::unistd::Pid;

use crate::LiveProcess;
use crate::directory::unread;

/// The memory of a process that runs.
#[derive(Debug)]
pub struct LiveMemory {
    held: Held,
}

#[derive(Debug)]
enum Held {
    File(File),
    Pid(Pid),
}

impl LiveMemory {
    /// Fills `into` with what stands from `at` on; how many bytes are there. It waits while the
    /// process holds the lock of its memory: ask from a thread that can be left behind.
    pub fn read_live_memory(&self, at: u64, into: &mut [u8]) -> usize {
        match &self.held {
            Held::File(file) => file.read_at(into, at).unwrap_or(0),
            Held::Pid(pid) => {
                let Ok(base) = usize::try_from(at) else {
                    return 0;
                };
                let len = into.len();
                let remote = [RemoteIoVec { base, len }];
                process_vm_readv(*pid, &mut [IoSliceMut::new(into)], &remote).unwrap_or(0)
            }
        }
    }
}

impl LiveProcess {
    /// Its memory.
    pub fn memory(&self) -> Result<LiveMemory, Unread> {
        let flags = OFlag::O_RDONLY | OFlag::O_CLOEXEC | OFlag::O_NOFOLLOW;
        match openat(self.folder().as_fd(), "mem", flags, Mode::empty()) {
            Ok(file) => Ok(LiveMemory {
                held: Held::File(File::from(file)),
            }),
            Err(Errno::EACCES | Errno::EPERM) => {
                let pid = self.pid().ok_or(Unread::Denied)?;
                let memory = LiveMemory {
                    held: Held::Pid(pid),
                };
                Ok(memory)
            }
            Err(Errno::ESRCH) => Err(Unread::Absent),
            Err(errno) => Err(unread(errno)),
        }
    }

    /// The program that it runs, whatever its path means today: the kernel keeps it.
    pub fn program(&self) -> Result<Mapped, Unread> {
        // The link leads to the file that is executed, which is a regular one; looked at before it
        // is opened all the same.
        let look = OFlag::O_PATH | OFlag::O_CLOEXEC;
        let held = openat(self.folder().as_fd(), "exe", look, Mode::empty()).map_err(unread)?;
        let stat = fstat(&held).map_err(unread)?;
        if SFlag::from_bits_truncate(stat.st_mode) & SFlag::S_IFMT != SFlag::S_IFREG {
            return Err(Unread::Special("device"));
        }
        let flags = OFlag::O_RDONLY | OFlag::O_CLOEXEC;
        let file = openat(self.folder().as_fd(), "exe", flags, Mode::empty()).map_err(unread)?;
        Mapped::new(&File::from(file)).map_err(|error| Unread::Io(error.to_string()))
    }

    /// Its number, as it is now.
    fn pid(&self) -> Option<Pid> {
        let stat = self.file("stat", 64).ok()?;
        let digits: String = stat
            .iter()
            .take_while(|byte| byte.is_ascii_digit())
            .map(|byte| char::from(*byte))
            .collect();
        digits.parse().ok().map(Pid::from_raw)
    }
}
