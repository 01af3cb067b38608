//! Words with which programs say that something failed.

use std::sync::LazyLock;

use aho_corasick::AhoCorasick;

/// In lower case; each may stand anywhere.
const WORDS: &[&str] = &[
    "fail",
    "error",
    "unable",
    "cannot",
    "can't",
    "can not",
    "could not",
    "couldn't",
    "refus",
    "denied",
    "deny",
    "forbid",
    "timeout",
    "timed out",
    "time-out",
    "deadline",
    "not found",
    "no such",
    "invalid",
    "panic",
    "killed",
    "fatal",
    "corrupt",
    "broken",
    "crash",
    "reject",
    "exhaust",
    "no space",
    "not permitted",
    "not allowed",
    "missing",
    "expired",
    "unhealthy",
    "unreachable",
    "unavailable",
    "abort",
    "segfault",
    "oom",
    "out of memory",
    "blocked for",
    "does not exist",
    "doesn't exist",
    "not supported",
    "unsupported",
    "unexpected",
    "mismatch",
    "violat",
    "lost",
    "exceed",
    "too many",
    "too large",
    "too long",
    "not ready",
    "terminated",
    "lockup",
    "stall",
    "bad ",
    "unknown",
    "not running",
    "not implemented",
    "undefined",
    "exit status",
    "exit code",
    "in use",
    "is full",
    "busy",
    "malformed",
    "unauthorized",
    "conflict",
    "already exists",
    "no available",
    "no free",
    "overlaps with",
    "leak",
    "evict",
    "disconnect",
    "bug:",
    "oops",
    "retry",
    "exception",
    "frozen",
    "wrong",
    "stuck",
    "deadlock",
    "incorrect",
    "waiting for",
    "overflow",
    "unrecognized",
    "not a ",
    "must be",
    "must not",
    "shutdown",
    "down",
    "dead",
    "dropp",
    "skip",
    "not initialized",
];

/// Whether a program gave a line as an error, whatever its words.
pub(crate) fn is_given(level: Option<&str>) -> bool {
    let level = level.unwrap_or_default().to_ascii_lowercase();
    [
        "e", "f", "err", "erro", "error", "fata", "fatal", "pani", "panic", "crit",
    ]
    .contains(&level.as_str())
}

/// Whether `line`, in lower case, has one of them.
pub(crate) fn is_told(line: &str) -> bool {
    static ALL: LazyLock<Option<AhoCorasick>> = LazyLock::new(|| AhoCorasick::new(WORDS).ok());
    match ALL.as_ref() {
        Some(all) => all.is_match(line),
        None => WORDS.iter().any(|word| line.contains(word)),
    }
}
