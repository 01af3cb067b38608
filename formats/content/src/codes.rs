//! The kinds of faults of documents. Blobs and ingests are judged by `checks`, against meta.db.

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
};

/// A document beyond our limits.
pub static TOO_COMPLEX: Code = Code {
    name: "content/too-complex",
    rule: "",
    severity: Severity::Odd,
    title: "an image document is nested or filled beyond what is read",
    explanation: "No real document nests 128 levels or holds a million values. It was made to exhaust programs \
        that read it, or it is not an image document.",
    remedy: "Look at the blob by hand; nothing that it may refer to is known.",
};

/// Bytes that are no UTF-8.
pub static NOT_UTF8: Code = Code {
    name: "content/not-utf8",
    rule: "C09",
    severity: Severity::Odd,
    title: "an image document holds bytes that are not UTF-8",
    explanation: "Go replaces them by U+FFFD silently, and so did coroner. No builder writes them; \
        a flipped bit does.",
    remedy: "Compare the blob's digest with its name.",
};

/// A document of another kind than its media type says.
pub static WRONG_KIND: Code = Code {
    name: "content/wrong-kind",
    rule: "C09",
    severity: Severity::Damage,
    title: "a document is of another kind than its media type says",
    explanation: "A manifest that is an index, or the reverse: containerd refuses such a document since \
        CVE-2021-41190, because two programs could read two different images from it.",
    remedy: "Pull the image again from a registry that serves it properly.",
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
};

/// A key that stands twice.
pub static DUPLICATE_KEY: Code = Code {
    name: "content/duplicate-key",
    rule: "",
    severity: Severity::Odd,
    title: "an object of an image document has a key twice",
    explanation: "Go takes the last, other readers the first: two tools see two images in one \
        document. No builder writes this.",
    remedy: "Find out who made the image; do not trust what a scanner said of it.",
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
};
