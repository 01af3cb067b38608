//! Faults of a bucket's header, and of buckets inside a value.

use finding::{Code, Severity};

use super::SALVAGE;

/// Its value is too short.
pub static BUCKET_HEADER: Code = Code {
    name: "bolt/bucket-header",
    rule: "B06",
    severity: Severity::Damage,
    title: "a bucket's value is not a bucket header",
    explanation: "It holds the root page and the sequence, 16 bytes, and a whole page if the \
        root page is 0. bbolt's check does not look at its length.",
    remedy: SALVAGE,
};

/// The page inside is not one.
pub static INLINE_HEADER: Code = Code {
    name: "bolt/inline-header",
    rule: "B06",
    severity: Severity::Damage,
    title: "the page inside a bucket's value is not an inline page",
    explanation: "A small bucket lives in its value as one leaf page with number 0 and no \
        overflow. bbolt's check skips these pages altogether.",
    remedy: SALVAGE,
};

/// The page inside has another length.
pub static INLINE_LENGTH: Code = Code {
    name: "bolt/inline-length",
    rule: "B06",
    severity: Severity::Damage,
    title: "the page inside a bucket's value does not fill the value",
    explanation: "The value ends where the last value of its page ends.",
    remedy: SALVAGE,
};

/// There is a bucket in it.
pub static INLINE_NESTED: Code = Code {
    name: "bolt/inline-nested",
    rule: "B06",
    severity: Severity::Damage,
    title: "there is a bucket inside an inline bucket",
    explanation: "Only buckets without buckets are written inline.",
    remedy: SALVAGE,
};

/// It is too large.
pub static INLINE_LARGE: Code = Code {
    name: "bolt/inline-large",
    rule: "",
    severity: Severity::Odd,
    title: "an inline bucket is larger than a quarter of a page",
    explanation: "The library gives such a bucket a page of its own.",
    remedy: "Nothing: the library reads it, and moves it with the next change.",
};

/// It lost its flag.
pub static BUCKET_FLAG: Code = Code {
    name: "bolt/bucket-flag",
    rule: "B06",
    severity: Severity::Damage,
    title: "a value looks like a bucket that lost its flag",
    explanation: "The value is the header of a bucket: it names a whole page that nothing else \
        names, or holds a whole inline page. But its element says that it is a plain value, so \
        that everything in the bucket is out of reach. bbolt's check says OK to this.",
    remedy: SALVAGE,
};
