//! What a task waits for, as the name of the kernel function it sleeps in tells.

use serde::Serialize;

/// Classes of waits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Wait {
    /// For the other end of a FIFO.
    Fifo,
    /// For a seccomp agent's answer.
    Seccomp,
    /// For bytes from a socket.
    Socket,
    /// For another thread, or a timer.
    Futex,
    /// For a child to end.
    Child,
    /// For a child to begin its program, or to end: it was made by vfork(2), as `posix_spawn` and Go do.
    Spawn,
    /// For every process of its pid namespace to end, and to be reaped.
    Namespace,
    /// For memory: its cgroup is full, and nobody kills.
    Memory,
    /// For room in a pipe.
    PipeFull,
    /// For bytes from a pipe.
    PipeEmpty,
    /// For a file system.
    Storage,
    /// For a file system to be thawed, before it may write.
    Thaw,
    /// For a scanner, which must allow that a file is opened (fanotify(7)).
    Scanner,
    /// It is frozen.
    Frozen,
    /// It was stopped.
    Stopped,
    /// For one of several files (`poll`, `epoll`, `select`).
    Poll,
    /// For something else.
    Other,
}

/// Names without what compilers add: `.isra.0`, `.constprop.0`, `.part.3`.
pub fn plain(name: &str) -> &str {
    name.trim().split('.').next().unwrap_or_default()
}

impl Wait {
    /// The class of a `wchan`; nothing where that does not tell (`0`: running, or not our
    /// business).
    pub fn from_wchan(wchan: &str) -> Option<Self> {
        let name = plain(wchan);
        Some(match name {
            "" | "0" => return None,
            "wait_for_partner" | "fifo_open" => Self::Fifo,
            "do_wait" | "wait_consider_task" | "kernel_wait4" | "do_wait_pid" => Self::Child,
            "kernel_clone" | "_do_fork" | "do_fork" | "wait_for_vfork_done" => Self::Spawn,
            "zap_pid_ns_processes" => Self::Namespace,
            "mem_cgroup_oom_synchronize" | "mem_cgroup_handle_over_high" => Self::Memory,
            "anon_pipe_write" | "pipe_write" | "pipe_wait_writable" => Self::PipeFull,
            "anon_pipe_read" | "pipe_read" | "pipe_wait_readable" | "fifo_pipe_read" => {
                Self::PipeEmpty
            }
            "__refrigerator" | "do_freezer_trap" | "cgroup_freeze_task" => Self::Frozen,
            "do_signal_stop" | "ptrace_stop" | "do_jobctl_trap" => Self::Stopped,
            "unix_stream_read_generic"
            | "unix_stream_data_wait"
            | "__unix_dgram_recvmsg"
            | "__skb_wait_for_more_packets"
            | "unix_wait_for_peer"
            | "sk_wait_data" => Self::Socket,
            // So waits who begins to write while the file system is frozen (freeze_super of the kernel).
            "percpu_rwsem_wait" | "__percpu_down_read" | "sb_wait_write" => Self::Thaw,
            "fanotify_handle_event" | "fanotify_get_response" => Self::Scanner,
            "request_wait_answer"
            | "fuse_wait_on_page_writeback"
            | "rpc_wait_bit_killable"
            | "io_schedule"
            | "io_schedule_timeout"
            | "bit_wait_io"
            | "blk_mq_get_tag"
            | "blkdev_issue_flush"
            | "wait_on_buffer"
            | "__wait_on_buffer"
            // For the lock of a folder, on the way along a path: whoever holds it asks the file system.
            | "walk_component"
            | "lookup_slow"
            | "link_path_walk"
            | "path_openat"
            | "open_last_lookups"
            | "lookup_open"
            | "d_alloc_parallel"
            | "filename_create"
            | "do_unlinkat"
            | "do_rmdir"
            | "do_renameat2"
            | "lock_rename"
            | "lock_two_directories"
            | "iterate_dir"
            | "wrap_directory_iterator" => Self::Storage,
            _ if name.starts_with("seccomp_do_user_notification") => Self::Seccomp,
            _ if name.starts_with("futex") => Self::Futex,
            _ if [
                "do_poll",
                "do_epoll",
                "ep_poll",
                "poll_schedule",
                "do_select",
                "do_sys_poll",
            ]
            .iter()
            .any(|start| name.starts_with(start)) =>
            {
                Self::Poll
            }
            _ if [
                "nfs",
                "autofs",
                "rpc_",
                "fuse_",
                "ovl_",
                "xfs_",
                "ext4_",
                "btrfs_",
                "jbd2_",
                "ceph_",
                "cifs_",
                "smb",
                "p9_",
                "wait_on_page",
                "folio_wait",
                "__folio_lock",
                "folio_lock",
                "wait_for_commit",
            ]
            .iter()
            .any(|start| name.starts_with(start)) =>
            {
                Self::Storage
            }
            _ => Self::Other,
        })
    }

    /// Whether it is for a file to be opened, read or written: somebody outside has to answer.
    pub const fn is_for_a_file(self) -> bool {
        matches!(self, Self::Storage | Self::Scanner | Self::Thaw)
    }

    /// What it waits for, in words.
    pub const fn words(self) -> &'static str {
        match self {
            Self::Fifo => "the other end of a FIFO",
            Self::Seccomp => "the answer of a seccomp agent",
            Self::Socket => "bytes from a socket",
            Self::Futex => "another thread or a timer",
            Self::Child => "a child to end",
            Self::Spawn => "a child to begin its program",
            Self::Namespace => "the processes of its pid namespace to end",
            Self::Memory => "memory of its cgroup",
            Self::PipeFull => "room in a pipe",
            Self::PipeEmpty => "bytes from a pipe",
            Self::Storage => "a file system",
            Self::Thaw => "a file system to be thawed",
            Self::Scanner => "a scanner that must allow a file to be opened",
            Self::Frozen => "its cgroup to be thawed",
            Self::Stopped => "a signal to continue",
            Self::Poll => "one of several files",
            Self::Other => "something else",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_classed() {
        for (name, class) in [
            ("wait_for_partner", Some(Wait::Fifo)),
            ("unix_stream_read_generic.isra.0", Some(Wait::Socket)),
            (
                "seccomp_do_user_notification.constprop.0",
                Some(Wait::Seccomp),
            ),
            ("futex_do_wait", Some(Wait::Futex)),
            ("request_wait_answer", Some(Wait::Storage)),
            ("walk_component", Some(Wait::Storage)),
            ("path_openat", Some(Wait::Storage)),
            ("autofs_wait", Some(Wait::Storage)),
            ("fanotify_handle_event.isra.0", Some(Wait::Scanner)),
            ("percpu_rwsem_wait", Some(Wait::Thaw)),
            ("kernel_clone", Some(Wait::Spawn)),
            ("do_epoll_wait", Some(Wait::Poll)),
            ("anon_pipe_write", Some(Wait::PipeFull)),
            ("hrtimer_nanosleep", Some(Wait::Other)),
            ("0", None),
            ("", None),
        ] {
            assert_eq!(Wait::from_wchan(name), class, "{name}");
        }
    }
}
