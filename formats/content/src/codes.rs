//! The kinds of faults of documents, blobs and ingests.

use finding::{Code, Severity};

/// Every code of this crate.
pub const CODES: &[&Code] = &[
    &NOT_JSON,
    &TOO_COMPLEX,
    &NOT_UTF8,
    &WRONG_KIND,
    &SCHEMA_1,
    &BAD_FIELD,
    &BAD_DIGEST,
    &DUPLICATE_KEY,
    &KEY_CASE,
    &LAYER_COUNT,
    &STRAY_NAME,
    &NOT_A_FILE,
    &UNKNOWN_ALGORITHM,
    &BLOB_MODE,
    &INGEST_NAME,
    &INGEST_INCOMPLETE,
    &INGEST_FIELD,
];

/// A document that is no JSON.
pub static NOT_JSON: Code = Code {
    name: "content/not-json",
    rule: "C09",
    severity: Severity::Damage,
    title: "an image document is no JSON",
    explanation: "A manifest, index or config does not parse. A file cut short by a power loss, or \
        full of zeroes, looks like this; its digest will not match either.",
    remedy: "Delete the file and its records in every namespace while the daemon is stopped, then \
        pull the image again: a pull alone believes that the blob is there.",
    messages: &[
        "unexpected end of JSON input",
        "invalid character",
        "failed to decode",
    ],
};

/// A document beyond our limits.
pub static TOO_COMPLEX: Code = Code {
    name: "content/too-complex",
    rule: "",
    severity: Severity::Odd,
    title: "an image document is nested or filled beyond what is read",
    explanation: "No real document nests 128 levels or holds a million values. It was made to tire \
        its readers, or it is none.",
    remedy: "Look at the blob by hand; nothing that it may refer to is known.",
    messages: &[],
};

/// Bytes that are no UTF-8.
pub static NOT_UTF8: Code = Code {
    name: "content/not-utf8",
    rule: "C09",
    severity: Severity::Odd,
    title: "an image document holds bytes that are not UTF-8",
    explanation: "Go replaces them by U+FFFD without a word, and so did we. No builder writes them; \
        a flipped bit does.",
    remedy: "Compare the blob's digest with its name.",
    messages: &[],
};

/// A document of another kind than its media type says.
pub static WRONG_KIND: Code = Code {
    name: "content/wrong-kind",
    rule: "C09",
    severity: Severity::Damage,
    title: "a document is of another kind than its media type says",
    explanation: "A manifest that is an index, or the reverse: containerd refuses such a document \
        since CVE-2021-41190, as two readers could take it for two images.",
    remedy: "Pull the image again from a registry that serves it properly.",
    messages: &[
        "media-type: expected manifest but found index",
        "media-type: expected index but found manifest",
    ],
};

/// Docker's first manifest.
pub static SCHEMA_1: Code = Code {
    name: "content/schema-1",
    rule: "",
    severity: Severity::Odd,
    title: "a Docker manifest of schema 1",
    explanation: "Docker's manifest of 2014. containerd 1.x converts it while it pulls and never \
        stores it as an image's manifest; 2.x refuses it.",
    remedy: "Push the image again in a format of this decade.",
    messages: &["media-type: schema 1 not supported"],
};

/// A field that is missing or of the wrong kind.
pub static BAD_FIELD: Code = Code {
    name: "content/bad-field",
    rule: "C09",
    severity: Severity::Damage,
    title: "a field of an image document is missing or wrong",
    explanation: "What the field says is not known, and with it what the document refers to.",
    remedy: "Compare the blob's digest with its name. If it matches, the image was built like this: \
        build or pull it again.",
    messages: &["json: cannot unmarshal"],
};

/// A digest that containerd refuses.
pub static BAD_DIGEST: Code = Code {
    name: "content/bad-digest",
    rule: "C09",
    severity: Severity::Damage,
    title: "an image document names a blob by something that is no digest",
    explanation: "containerd accepts sha256, sha384 and sha512 with exactly as many lower-case hex \
        digits as they have.",
    remedy: "Compare the blob's digest with its name. If it matches, the image was built like this: \
        build or pull it again.",
    messages: &[
        "invalid checksum digest format",
        "invalid checksum digest length",
        "unsupported digest algorithm",
    ],
};

/// A key that stands twice.
pub static DUPLICATE_KEY: Code = Code {
    name: "content/duplicate-key",
    rule: "",
    severity: Severity::Odd,
    title: "a key stands twice in one object of an image document",
    explanation: "Go takes the last, other readers the first: two tools see two images in one \
        document. No builder writes this.",
    remedy: "Find out who made the image; do not trust what a scanner said of it.",
    messages: &[],
};

/// A key in another case.
pub static KEY_CASE: Code = Code {
    name: "content/key-case",
    rule: "",
    severity: Severity::Odd,
    title: "a key of an image document is written in another case",
    explanation: "Go matches keys in any case, other readers do not: containerd sees a field that a \
        scanner may not see.",
    remedy: "Find out who made the image; do not trust what a scanner said of it.",
    messages: &[],
};

/// Manifest and config disagree.
pub static LAYER_COUNT: Code = Code {
    name: "content/layer-count",
    rule: "C09",
    severity: Severity::Damage,
    title: "manifest and config name different numbers of layers",
    explanation: "containerd pairs layer n with diffID n and refuses to unpack where they differ \
        in number.",
    remedy: "Pull the image again; if that does not help, it was built like this.",
    messages: &["mismatched image rootfs and manifest layers"],
};

/// A name in `blobs/<algorithm>` that is no digest.
pub static STRAY_NAME: Code = Code {
    name: "content/stray-name",
    rule: "C05",
    severity: Severity::Damage,
    title: "a name among the blobs is no digest",
    explanation: "containerd takes every name in blobs/<algorithm> for a blob. The first one that \
        is no digest ends its content garbage collection, each time, for good: blobs that nobody \
        uses and stale ingests are never removed again.",
    remedy: "Move the file out of the store while the daemon is stopped.",
    messages: &[
        "content garbage collection failed",
        "cannot calculate blob path from invalid digest",
        "invalid digest for blob path",
    ],
};

/// A blob's name on something that is no regular file.
pub static NOT_A_FILE: Code = Code {
    name: "content/not-a-file",
    rule: "C05",
    severity: Severity::Damage,
    title: "a blob's name stands for something that is no regular file",
    explanation: "containerd writes blobs as regular files. A directory, link or device in their \
        place was put there by somebody else; it was not opened.",
    remedy: "Keep it as evidence, then remove it while the daemon is stopped and pull again.",
    messages: &[],
};

/// A directory of blobs of an algorithm that containerd does not know.
pub static UNKNOWN_ALGORITHM: Code = Code {
    name: "content/unknown-algorithm",
    rule: "C05",
    severity: Severity::Odd,
    title: "an entry of blobs/ is no algorithm that containerd knows",
    explanation: "containerd walks blobs/sha256, sha384 and sha512 and never looks at anything \
        else there: it only takes space, or hides something.",
    remedy: "Look at what it holds, then move it away.",
    messages: &[],
};

/// A blob that can still be written to.
pub static BLOB_MODE: Code = Code {
    name: "content/blob-mode",
    rule: "C08",
    severity: Severity::Odd,
    title: "a blob is not read-only",
    explanation: "A commit ends with chmod 0444. Another mode is left by a daemon that was killed \
        between the rename and the chmod, or by a copy that did not keep modes.",
    remedy: "Compare the blob's digest with its name; if it matches, chmod 0444.",
    messages: &[],
};

/// An ingest whose directory is not named after its reference.
pub static INGEST_NAME: Code = Code {
    name: "content/ingest-name",
    rule: "C06",
    severity: Severity::Odd,
    title: "an ingest's directory is not named after its reference",
    explanation: "The name must be the SHA-256 of the file `ref`. An abort removes the directory of \
        that name and reports success, so this one is never removed.",
    remedy: "Delete the directory while the daemon is stopped.",
    messages: &["ref key does not match"],
};

/// An ingest that lacks a file.
pub static INGEST_INCOMPLETE: Code = Code {
    name: "content/ingest-incomplete",
    rule: "C06",
    severity: Severity::Odd,
    title: "an ingest lacks a file",
    explanation: "A daemon was killed while it began or ended an ingest. Without `ref` the \
        directory is never collected, and each garbage collection complains; without `data` the \
        blob was already moved to its place, and the directory is a left-over.",
    remedy: "Delete the directory while the daemon is stopped.",
    messages: &[
        "failed to read ingest ref",
        "failed to resume the status from path",
    ],
};

/// A file of an ingest that cannot be understood.
pub static INGEST_FIELD: Code = Code {
    name: "content/ingest-field",
    rule: "C06",
    severity: Severity::Odd,
    title: "a file of an ingest cannot be understood",
    explanation: "`startedat` and `updatedat` hold an RFC 3339 time, `total` a decimal number, \
        `ref` a name. A power loss leaves them empty.",
    remedy: "Delete the ingest's directory while the daemon is stopped; the pull starts anew.",
    messages: &["could not parse timestamp file"],
};
