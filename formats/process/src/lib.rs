//! Processes as `/proc` and the cgroups show them: of a machine that runs, or captured.
//!
//! # What is read
//!
//! ```text
//! /proc/<pid>/stat        [`Stat`]: name, state, parent, start time
//! /proc/<pid>/status      [`Status`]: tracer, pids in its namespaces, seccomp mode
//! /proc/<pid>/cmdline     its arguments
//! /proc/<pid>/cgroup      [`Membership`]: a line for each hierarchy
//! /proc/<pid>/wchan       the kernel function it sleeps in; `0` where we may not know
//! /proc/<pid>/syscall     [`Syscall`]: number and arguments, while it is blocked
//! /proc/<pid>/stack       the kernel's functions, the innermost first
//! /proc/<pid>/fd/*        links; their text is read, they are never followed
//! /proc/<pid>/fdinfo/*    flags (octal), inode
//! /proc/<pid>/task/*      the same of each thread
//! /proc/<pid>/mountinfo   [`Mount`]
//! /proc/<pid>/maps        files that are mapped, where a root of a container may be busy
//! /proc/<pid>/limits      [`FilesLeft`], of the daemon and its shims
//! /proc/net/unix          [`UnixSocket`]
//! /sys/fs/cgroup/…        [`Freezer`]: is it frozen, itself or from above; [`TasksLeft`], [`Throttled`]
//! ```
//!
//! A [`Tree`] holds these files raw: [`Tree::capture`] takes them from a running machine,
//! [`Tree::load`] from evidence in which they were stored, at the same paths. [`Processes`] is what
//! they say. Every entry may be missing: processes end while they are looked at, and rights may
//! not suffice.
//!
//! ```
//! use process::{Stat, Syscall};
//! let line = b"4127 (runc:[2:INIT]) S 1 4127 4127 0 -1 4194560 1 0 0 0 0 0 0 0 20 0 5 0 101377 1 1 \
//!     18446744073709551615 1 1 0 0 0 0 0 0 0 0 0 0 17 1 0 0 0 0 0 0 0 0 0 0 0 0 0\n";
//! let stat = Stat::parse(line).unwrap();
//! assert_eq!((stat.state, stat.ppid, stat.start_ticks), ('S', 1, 101_377));
//! assert_eq!(stat.comm, "runc:[2:INIT]");
//! let syscall = Syscall::parse(b"257 0xffffffffffffff9c 0xc00011e0c0 0x80001 0x0 0x0 0x0 0x7ffd 0x4a\n");
//! assert_eq!(syscall.unwrap().arg(2), Some(0x80001));
//! ```

mod capture;
mod cgroup;
mod fd;
mod limits;
mod load;
mod mounts;
mod process;
mod stat;
mod status;
mod syscall;
mod tree;
mod unix;
mod wait;

pub use capture::Depth;
pub use cgroup::{Cgroups, Freezer, Frozen, Membership, OomControl, OomKills};
pub use fd::{ACCESS, CLOEXEC, Fd, O_PATH};
pub use limits::{FilesLeft, MemoryHigh, TasksLeft, Throttled};
pub use mounts::{Mount, covering, mounts};
pub use process::{Process, Processes, Thread};
pub use stat::Stat;
pub use status::Status;
pub use syscall::Syscall;
pub use tree::{Item, Tree};
pub use unix::{UnixSocket, unix_sockets};
pub use wait::{Wait, plain};
