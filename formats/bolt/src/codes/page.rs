//! Faults of one page.

use finding::{Code, Severity};

use super::SALVAGE;

/// It says that it is another page.
pub static PAGE_ID: Code = Code {
    name: "bolt/page-id",
    rule: "B05",
    severity: Severity::Fatal,
    title: "a page in use says that it is another page",
    explanation: "Each page starts with its own number. Another one means that the page was never \
        written, or that something else was written over it: a power cut, a bad disk, a file \
        system repaired by force.",
    remedy: SALVAGE,
};

/// It is of the wrong kind.
pub static PAGE_TYPE: Code = Code {
    name: "bolt/page-type",
    rule: "B05",
    severity: Severity::Fatal,
    title: "a page in use is of the wrong kind",
    explanation: "Where the tree goes on there must be a branch or a leaf. A freelist or a meta \
        there means that a pointer went wrong, or that the page was used again.",
    remedy: SALVAGE,
};

/// It holds only zeroes.
pub static PAGE_ZERO: Code = Code {
    name: "bolt/page-zero",
    rule: "B05",
    severity: Severity::Fatal,
    title: "a page in use holds only zeroes",
    explanation: "The file system gave the page its place but its contents never arrived: the \
        usual trace of a power cut, or of a hole in a copy.",
    remedy: SALVAGE,
};

/// It runs past the end.
pub static PAGE_OVERFLOW: Code = Code {
    name: "bolt/page-overflow",
    rule: "B05",
    severity: Severity::Damage,
    title: "a page's overflow runs past the high-water mark or the end of the file",
    explanation: "A page with long values goes on for `overflow` further pages. bbolt does not \
        check the number before it follows it; `bbolt check` hangs on large ones.",
    remedy: SALVAGE,
};

/// The number of its elements is wrong.
pub static PAGE_COUNT: Code = Code {
    name: "bolt/page-count",
    rule: "B06",
    severity: Severity::Damage,
    title: "a page's number of elements is wrong",
    explanation: "The elements are followed at once by the first key, so the place of the first key gives the \
        number of elements. A smaller count hides keys; with a larger one, data is read as elements. \
        bbolt does not look at this.",
    remedy: SALVAGE,
};

/// It has no elements.
pub static PAGE_EMPTY: Code = Code {
    name: "bolt/page-empty",
    rule: "B06",
    severity: Severity::Damage,
    title: "a page has no elements where there must be some",
    explanation: "Only the single leaf of an empty bucket is empty; the library removes every \
        other. Whatever the page held is lost, and bbolt does not notice.",
    remedy: SALVAGE,
};

/// There are bytes behind its last value.
pub static PAGE_SLACK: Code = Code {
    name: "bolt/page-slack",
    rule: "B06",
    severity: Severity::Odd,
    title: "there are bytes behind a page's last value, where only zeroes are written",
    explanation: "The library writes each page from a buffer of zeroes. Other bytes are left by `bbolt surgery \
        clear-page`, by a damaged count, or by something else that wrote into the file. The bytes \
        may be data that can be saved.",
    remedy: "`coroner bolt page FILE N` shows these bytes.",
};

/// Most of its elements are unreadable.
pub static PAGE_GARBLED: Code = Code {
    name: "bolt/page-garbled",
    rule: "B06",
    severity: Severity::Damage,
    title: "a page has too many faults to list",
    explanation: "The header is that of the page, but the rest is not: usually the first sector \
        was written and the others were not, or the other way round.",
    remedy: SALVAGE,
};

/// The disk does not give it.
pub static PAGE_UNREAD: Code = Code {
    name: "bolt/page-unread",
    rule: "",
    severity: Severity::Fatal,
    title: "a page in use could not be read from the disk",
    explanation: "The operating system gave an error instead of the bytes: usually a bad sector. The daemon \
        crashes with SIGBUS when it touches the page.",
    remedy: "Copy the whole disk with ddrescue before anything else, and work on the copy.",
};
