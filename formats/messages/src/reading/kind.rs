//! With which kind of end something failed: the word of the system, of a protocol or of a program that stands innermost.

use serde::Serialize;

use crate::scope::has;

/// A kind of end.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub struct Kind {
    /// Its name.
    pub key: &'static str,
    /// What it means, whoever says it.
    pub means: &'static str,
    /// Words that tell it, in lower case; `&` joins words that must all be there.
    #[serde(skip)]
    words: &'static [&'static str],
}

const fn kind(key: &'static str, words: &'static [&'static str], means: &'static str) -> Kind {
    Kind { key, means, words }
}

/// All of them; of two in one piece, the first decides.
static KINDS: &[Kind] = &[
    kind(
        "name",
        &[
            "no such host",
            "could not resolve host",
            "name resolution",
            "name or service not known",
            "server misbehaving",
            "nxdomain",
            "servfail",
            "lookup &timeout",
            "cannot resolve host",
            "failed to resolve host",
            "getaddrinfo",
        ],
        "A name was not resolved: the resolver that was asked did not answer, or has no such name.",
    ),
    kind(
        "refused",
        &[
            "connection refused",
            "connection was refused",
            "actively refused",
            "econnrefused",
        ],
        "The address was reached, and no program listens at that port or socket (or a firewall refuses).",
    ),
    kind(
        "no-route",
        &[
            "no route to host",
            "network is unreachable",
            "host is unreachable",
            "network unreachable",
            "host is down",
            "ehostunreach",
        ],
        "There is no way to that address: routes, a firewall, or a machine that is off.",
    ),
    kind(
        "certificate-expired",
        &[
            "certificate has expired",
            "certificate expired",
            "cert has expired",
            "not yet valid",
            "expired certificate",
        ],
        "A certificate is out of its time, or a clock is wrong.",
    ),
    kind(
        "certificate-authority",
        &[
            "unknown authority",
            "self signed certificate",
            "self-signed certificate",
            "local issuer",
            "unable to verify the first",
            "unknown certificate authority",
            "unknown ca",
            "bad certificate",
            "certificate verify failed",
            "verification error",
        ],
        "One side does not trust the authority that signed the other's certificate.",
    ),
    kind(
        "certificate-name",
        &[
            "certificate is valid for",
            "cannot validate certificate",
            "ip sans",
            "not valid for any names",
            "legacy common name",
            "hostname mismatch",
        ],
        "The server's certificate is for other names or addresses than the one that was asked.",
    ),
    kind(
        "tls",
        &[
            "tls: ",
            "x509: ",
            "handshake failure",
            "ssl_error",
            "ssl error",
            "tls handshake error",
            "ssl routines",
        ],
        "TLS: the two sides did not agree on an encrypted connection.",
    ),
    kind(
        "http-and-https",
        &[
            "http response to https client",
            "http request to an https server",
            "malformed http response",
            "first record does not look like a tls",
        ],
        "One side speaks HTTP, the other HTTPS.",
    ),
    kind(
        "unauthorized",
        &[
            "unauthorized",
            "401",
            "authentication required",
            "no basic auth",
            "unauthenticated",
            "authentication failed",
            "must be logged in",
            "invalid username/password",
            "authorization failed",
            "invalid credentials",
        ],
        "The server wants credentials, or does not take those that it was given.",
    ),
    kind(
        "forbidden",
        &[
            "is forbidden",
            "does not allow access",
            "403",
            "forbidden",
            "code = permissiondenied",
            "accessdenied",
            "access denied",
            "not authorized",
        ],
        "The server knows who asks, and does not allow it.",
    ),
    kind(
        "rate",
        &[
            "429",
            "toomanyrequests",
            "too many requests",
            "rate limit",
            "throttl",
            "limit exceeded",
            "qps exceeded",
        ],
        "The server takes no more requests from this client for now.",
    ),
    kind(
        "server-error",
        &[
            "internal server error",
            "bad gateway",
            "service unavailable",
            "gateway timeout",
            "gateway time-out",
            "status code 50",
            "http 50",
            "status 50",
            "status: 50",
            "unable to handle the request",
            "currently unable",
        ],
        "The server that was asked failed itself, or a proxy did not reach it: its own log says why.",
    ),
    kind(
        "http-not-found",
        &[
            "manifest unknown",
            "404 not found",
            "status code 404",
            "status 404",
            "404 page",
            "repository does not exist",
            "name unknown",
            "the server could not find the requested resource",
        ],
        "The server was reached, and has nothing of that name.",
    ),
    kind(
        "admission",
        &[
            "denied the request",
            "violates podsecurity",
            "admission",
            "exceeded quota",
            "disallowed by",
        ],
        "A rule of the cluster (admission, quota, policy) refused it.",
    ),
    kind(
        "api-conflict",
        &[
            "object has been modified",
            "optimistic lock",
            "precondition failed: uid",
        ],
        "Two programs changed the same object: one of them tries again.",
    ),
    kind(
        "deadline",
        &[
            "deadline exceeded",
            "deadlineexceeded",
            "timed out",
            "timeout",
            "time out",
            "time-out",
            "etimedout",
            "not responding",
            "no response",
            "did not respond",
            "deadline has elapsed",
        ],
        "No answer came in time: who was asked hangs, is overloaded, or is not reached. It says not why.",
    ),
    kind(
        "canceled",
        &[
            "context canceled",
            "code = canceled",
            "operation was canceled",
            "request canceled",
            "context cancelled",
        ],
        "Who asked gave up, or was ended, before the answer: what made it give up came before.",
    ),
    kind(
        "reset",
        &[
            "connection reset",
            "broken pipe",
            "connection closed",
            "connection was closed",
            "use of closed network connection",
            "transport is closing",
            "connection aborted",
            "client connection lost",
            "goaway",
            "hung up",
            "econnreset",
            "remote end closed",
            "stream error",
            "connection lost",
            "disconnected",
        ],
        "The other side, or something between, ended the connection.",
    ),
    kind(
        "no-space",
        &[
            "no space left",
            "disk quota exceeded",
            "disk full",
            "enospc",
            "not enough space",
        ],
        "A file system has no room or no inodes left, or a limit (inotify, cgroups, keys) is reached.",
    ),
    kind(
        "read-only",
        &["read-only file system", "read-only filesystem", "erofs"],
        "The file system takes no writes: mounted read-only, or made so by the kernel after an error.",
    ),
    kind(
        "io",
        &[
            "input/output error",
            "i/o error",
            "medium error",
            "critical target error",
        ],
        "A disk, or what stands for one, did not read or write.",
    ),
    kind(
        "damaged",
        &[
            "structure needs cleaning",
            "corrupt",
            "checksum",
            "bad message",
            "superblock",
            "digest mismatch",
            "hash mismatch",
            "size mismatch",
            "bad magic",
        ],
        "What was read is not what was written: damage, or a mixture of versions.",
    ),
    kind(
        "stale",
        &["stale file handle", "stale nfs"],
        "A file of a network file system is gone on its server: it must be mounted again.",
    ),
    kind(
        "memory",
        &[
            "cannot allocate memory",
            "out of memory",
            "oom",
            "not enough memory",
            "enomem",
            "memory limit",
        ],
        "Memory, or something that is counted like it, ran out: of a cgroup or of the node.",
    ),
    kind(
        "files",
        &["too many open files", "emfile", "enfile"],
        "A limit of open files or of inotify's watches is reached.",
    ),
    kind(
        "library",
        &[
            "shared object",
            "glibc",
            "symbol lookup",
            "undefined symbol",
            "exec format error",
            "wrong elf",
            "cannot execute binary",
        ],
        "The program does not fit this node: another architecture, or a library that is missing or too old.",
    ),
    kind(
        "no-program",
        &[
            "executable file not found",
            "command not found",
            "no such program",
            "not in $path",
            "executable not found",
        ],
        "The program that was to be run is not there, or not in the search path of who runs it.",
    ),
    kind(
        "no-permission",
        &[
            "permission denied",
            "eacces",
            "operation not permitted",
            "eperm",
            "not permitted",
            "access is denied",
            "must be root",
            "must be run as root",
            "requires root",
            "superuser",
        ],
        "The system does not allow it: owner and mode of a file, capabilities, a user namespace, or AppArmor, SELinux and seccomp.",
    ),
    kind(
        "address-taken",
        &[
            "address already in use",
            "port is already allocated",
            "port is already in use",
            "bind: address",
            "address is already in use",
        ],
        "Another program has that port, address or socket.",
    ),
    kind(
        "busy",
        &[
            "resource busy",
            "target is busy",
            "device is busy",
            "text file busy",
            "in use",
            "ebusy",
            "is being used",
        ],
        "Something still uses it: a mount, a process, an open file.",
    ),
    kind(
        "locked",
        &[
            "temporarily unavailable",
            "could not lock",
            "unable to lock",
            "acquiring lock",
            "lock held",
            "xtables lock",
            "is locked",
            "database is locked",
            "another process",
        ],
        "Another process holds a lock or the last of something; or a limit of processes is reached.",
    ),
    kind(
        "not-connected",
        &["transport endpoint is not connected", "not connected"],
        "The program behind a mount (FUSE) or a connection has ended.",
    ),
    kind(
        "no-device",
        &[
            "no such device",
            "device not found",
            "no device",
            "cannot find device",
            "device does not exist",
            "link not found",
        ],
        "The kernel has no such device, interface or file system type now.",
    ),
    kind(
        "no-feature",
        &[
            "not implemented",
            "not supported",
            "unsupported",
            "unknown filesystem",
            "wrong fs type",
            "enosys",
            "unimplemented",
            "unknown service",
            "method not allowed",
            "unknown command",
            "unknown flag",
            "unknown field",
            "unknown option",
            "unrecognized",
            "no matches for kind",
            "not compiled",
            "module not found",
            "protocol not available",
        ],
        "The other side does not know that: an older release, a part that is off, or a kernel without it.",
    ),
    kind(
        "no-file",
        &[
            "no such file or directory",
            "enoent",
            "file not found",
            "cannot find the file",
            "cannot find the path",
        ],
        "A file or folder is not there now: never made, removed, or not visible from there.",
    ),
    kind(
        "folder",
        &[
            "not a directory",
            "is a directory",
            "directory not empty",
            "not empty",
        ],
        "A folder was met where a file should be, or the other way round, or it still holds something.",
    ),
    kind(
        "link",
        &[
            "levels of symbolic links",
            "too many links",
            "cross-device link",
            "file name too long",
            "name too long",
        ],
        "The path itself cannot be used so.",
    ),
    kind(
        "no-process",
        &[
            "no such process",
            "no child process",
            "process already finished",
            "process not found",
        ],
        "The process had ended by then.",
    ),
    kind(
        "killed",
        &[
            "signal: killed",
            "sigkill",
            "killed",
            "signal 9",
            "segmentation fault",
            "sigsegv",
            "segfault",
            "sigabrt",
            "core dumped",
            "code=dumped",
            "sigterm",
            "signal: ",
            "terminated by signal",
            "trap",
        ],
        "A process was ended by a signal: by the kernel (memory, a fault of its own), or by another program.",
    ),
    kind(
        "exit",
        &[
            "exit status",
            "exit code",
            "exited with",
            "exit-code",
            "non-zero",
            "status=1",
            "status=2",
            "returned error code",
            "error code: ",
            "exitcode",
            "returned exit",
        ],
        "A program ended by itself with an error: its own lines before it say why.",
    ),
    kind(
        "parse",
        &[
            "cannot unmarshal",
            "unmarshal",
            "invalid character",
            "end of json",
            "yaml",
            "toml",
            "parse",
            "parsing",
            "syntax error",
            "did not find expected",
            "malformed",
            "decod",
            "unexpected token",
            "invalid syntax",
            "encoding/hex",
            "invalid byte",
            "illegal base64",
        ],
        "A text was not of the form that was wanted: a mistake in a file, or an answer of another kind.",
    ),
    kind(
        "eof",
        &["unexpected eof", "eof"],
        "The other side closed before all came.",
    ),
    kind(
        "exists",
        &[
            "already exists",
            "file exists",
            "already in use",
            "already taken",
            "duplicate",
            "eexist",
            "conflict",
        ],
        "Something of that name is there already: of before, or of another.",
    ),
    kind(
        "pressure",
        &[
            "node was low on resource",
            "diskpressure",
            "memorypressure",
            "disk pressure",
            "memory pressure",
            "insufficient",
            "evict",
        ],
        "The node, or the cluster, has too little of something for what is asked.",
    ),
    kind(
        "not-ready",
        &[
            "not ready",
            "notready",
            "code = unavailable",
            "unavailable",
            "not initialized",
            "uninitialized",
            "not yet",
            "not running",
            "unhealthy",
            "not healthy",
            "is down",
            "no leader",
            "not available",
            "has not started",
            "isn't ready",
        ],
        "Who should do it does not do so yet, or not any more.",
    ),
    kind(
        "version",
        &[
            "version mismatch",
            "incompatible",
            "minimum version",
            "too old",
            "too new",
            "requires at least",
            "version skew",
            "newer than",
        ],
        "Two parts have releases that do not fit.",
    ),
    kind(
        "not-found",
        &[
            "not found",
            "notfound",
            "does not exist",
            "doesn't exist",
            "no such",
            "could not find",
            "cannot find",
            "couldn't find",
            "unable to find",
            "not exist",
            "unknown container",
            "missing",
            "no valid",
            "not registered",
        ],
        "What is named is not there, in the place where it was looked for.",
    ),
    kind(
        "invalid",
        &[
            "invalid",
            "not valid",
            "must be",
            "must not",
            "illegal",
            "bad request",
            "out of range",
            "not allowed",
            "wrong",
            "mismatch",
            "expected",
            "required",
        ],
        "A value was refused: the line names it, or the request or file that has it.",
    ),
];

/// Pieces that only class an answer tell no kind.
const CLASSES: &[&str] = &[
    "unknown",
    "error",
    "errors",
    "failed",
    "failure",
    "not found",
    "internal error",
    "internal",
];

/// The kind of the innermost of `pieces` (in lower case, outermost first) that has one.
pub(crate) fn of_pieces<'p>(
    pieces: impl DoubleEndedIterator<Item = &'p str>,
) -> Option<&'static Kind> {
    let mut last = None;
    for piece in pieces.rev() {
        let piece = piece.trim_matches(|letter: char| !letter.is_alphanumeric());
        let found = KINDS
            .iter()
            .find(|kind| kind.words.iter().any(|word| has_words(piece, word)));
        match found {
            Some(found) if CLASSES.contains(&piece) => last = last.or(Some(found)),
            Some(found) => return Some(found),
            None => {}
        }
    }
    last
}

/// Whether `text` has every word of `mark`, each from its beginning: `eof` is no part of `typeof`.
fn has_words(text: &str, mark: &str) -> bool {
    has(text, mark)
        && mark.split('&').all(|word| {
            text.match_indices(word).any(|(at, _)| {
                let before = text.get(..at).and_then(|before| before.chars().next_back());
                let after = text.get(at.saturating_add(word.len())..);
                let after = after.and_then(|after| after.chars().next());
                let is_number = word.bytes().all(|byte| byte.is_ascii_digit());
                let meets = |letter: Option<char>| letter.is_some_and(char::is_alphanumeric);
                let is_short =
                    word.len() <= 4 && word.bytes().all(|byte| byte.is_ascii_lowercase());
                !meets(before) && !((is_number || is_short) && meets(after))
            })
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(line: &str) -> Option<&'static str> {
        let pieces: Vec<&str> = line.split(": ").collect();
        of_pieces(pieces.into_iter()).map(|kind| kind.key)
    }

    #[test]
    fn the_innermost_kind_decides() {
        for (line, right) in [
            (
                "get \"https://a/\": dial tcp 1.2.3.4:443: connect: connection refused",
                Some("refused"),
            ),
            (
                "dial tcp: lookup a on 10.0.0.10:53: no such host",
                Some("name"),
            ),
            (
                "dial tcp: lookup a on 10.0.0.10:53: read udp: i/o timeout",
                Some("deadline"),
            ),
            (
                "permission denied: context deadline exceeded",
                Some("deadline"),
            ),
            (
                "mkdir /a: permission denied: unknown",
                Some("no-permission"),
            ),
            ("a typeof b", None),
            ("it took 4010 ms", None),
            ("started", None),
            ("unexpected status code 401", Some("unauthorized")),
            ("rpc error: code = not found", Some("not-found")),
            ("volume a: not found", Some("not-found")),
        ] {
            assert_eq!(key(line), right, "{line}");
        }
    }

    #[test]
    fn words_are_in_lower_case_and_names_are_told_apart() {
        let mut keys = std::collections::BTreeSet::new();
        for kind in KINDS {
            assert!(keys.insert(kind.key), "{}", kind.key);
            for word in kind.words {
                assert_eq!(*word, word.to_lowercase());
            }
        }
    }
}
