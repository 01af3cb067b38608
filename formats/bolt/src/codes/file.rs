//! Faults of a file as a whole.

use finding::{Code, Severity};

use super::SALVAGE;

/// There are no bytes.
pub static EMPTY_FILE: Code = Code {
    name: "bolt/empty-file",
    rule: "B01",
    severity: Severity::Fatal,
    title: "the database file has no bytes",
    explanation: "The library takes a file of 0 bytes for a new one and silently makes an empty \
        database of it. containerd then starts without any image, container or snapshot, and its \
        garbage collection removes what it no longer knows.",
    remedy: "Do not start the daemon. Look for a copy of the file; if there is none, rebuild from \
        the snapshotter's metadata.db and the blobs, which are still there.",
};

/// Nothing in it is BoltDB.
pub static NOT_BOLT: Code = Code {
    name: "bolt/not-bolt",
    rule: "B02",
    severity: Severity::Fatal,
    title: "this is not a BoltDB file, or all of its contents were overwritten",
    explanation: "No meta is valid, and no page size fits: at none of them do pages hold their own numbers.",
    remedy: "Check that it is the right file. If it is, its contents were overwritten: look for \
        older copies in backups, file-system snapshots and unallocated disk space.",
};

/// Written by a big-endian machine.
pub static BIG_ENDIAN: Code = Code {
    name: "bolt/big-endian",
    rule: "",
    severity: Severity::Fatal,
    title: "the file was written by a big-endian machine; such files are not read",
    explanation: "BoltDB writes its structures in the byte order of the machine. This one comes \
        from s390x, ppc64 or mips. It is unsupported here, which says nothing about its health.",
    remedy: "Examine it with bbolt on a machine of the same byte order.",
};

/// A format version that nobody knows.
pub static UNKNOWN_VERSION: Code = Code {
    name: "bolt/unknown-version",
    rule: "",
    severity: Severity::Fatal,
    title: "the file has a format version other than 2; such files are not read",
    explanation: "The checksum of the meta matches, so the version is not damage: a program wrote it. Every \
        BoltDB and bbolt up to 1.5 writes version 2. It is unsupported here, which says nothing \
        about its health.",
    remedy: "Find out which program wrote it.",
};

/// Both metas are bad.
pub static NO_META: Code = Code {
    name: "bolt/no-meta",
    rule: "B02",
    severity: Severity::Fatal,
    title: "neither meta page is valid: no program can open the file",
    explanation: "The metas say where the tree is; without one, the tree has to be looked for. The \
        pages themselves may all be whole.",
    remedy: SALVAGE,
};

/// Shorter than what its meta says.
pub static FILE_SHORT: Code = Code {
    name: "bolt/file-short",
    rule: "B04",
    severity: Severity::Fatal,
    title: "the file ends before its high-water mark",
    explanation: "The meta counts pages that the file does not have: it was truncated, or copied incompletely. \
        bbolt maps the file into memory and crashes with SIGBUS when it touches a missing page. It \
        does not check the length first.",
    remedy: "Look for the rest (the copy may be at fault). Else, on a copy: the missing pages are \
        lost, and what they held is unknown; `coroner bolt salvage FILE -o NEW` keeps all others, and says what \
        comes before NEW may take the place of the file.",
};

/// Its length is not a multiple of the page size.
pub static RAGGED_END: Code = Code {
    name: "bolt/ragged-end",
    rule: "",
    severity: Severity::Odd,
    title: "the file's length is not a multiple of its page size",
    explanation: "bbolt grows its files by whole pages. A ragged end comes from a truncated copy, \
        or from something that appended to the file.",
    remedy: "Compare the length with that of the original.",
};

/// Bytes past the high-water mark.
pub static UNCOMMITTED: Code = Code {
    name: "bolt/uncommitted",
    rule: "",
    severity: Severity::Note,
    title: "there are data past the high-water mark",
    explanation: "Pages past the mark belong to no transaction that was finished. A process that was killed \
        during a commit leaves them behind. They hold the newest data, which it was about to save.",
    remedy: "Nothing is wrong with the database. `coroner bolt page FILE N` shows what the \
        lost transaction would have written, page by page.",
};
