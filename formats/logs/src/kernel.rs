//! What of the kernel's many lines matters to containers and their stores.

use crate::level::find;

/// Words of lines about memory, file systems, disks, hung tasks and crashed programs.
const WORDS: [&[u8]; 24] = [
    b"oom-kill:",
    b"Out of memory",
    b"out of memory",
    b"oom_reaper",
    b"invoked oom-killer",
    b"EXT4-fs",
    b"XFS (",
    b"BTRFS",
    b"overlayfs:",
    b"I/O error",
    b"Remounting filesystem read-only",
    b"blocked for more than",
    b"segfault at",
    b"general protection",
    b"trap invalid opcode",
    b"fork rejected by pids controller",
    b"critical medium error",
    b"critical target error",
    b"Buffer I/O",
    b"device-mapper:",
    b"JBD2:",
    b"audit: backlog limit",
    b"apparmor=\"DENIED\"",
    b"nf_conntrack: table full",
];

/// Whether a line of the kernel is kept.
pub(crate) fn matters(text: &[u8]) -> bool {
    WORDS.iter().any(|word| find(text, word).is_some())
        // Mounts that succeed are said, too.
        && find(text, b"mounted filesystem").is_none()
        && find(text, b"Mounting V").is_none()
        && find(text, b"unmounting filesystem").is_none()
        && find(text, b"Ending clean mount").is_none()
}
