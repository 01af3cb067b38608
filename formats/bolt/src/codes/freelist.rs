//! Faults of the freelist.

use finding::{Code, Severity};

/// What helps where only the freelist is bad.
const RECOMPUTE: &str = "The freelist can be computed from the tree, into a copy: `coroner bolt \
    surgery freelist rebuild FILE -o NEW`, or where the tree is damaged, too, `coroner bolt \
    salvage FILE -o NEW`. Until then the daemon may write over pages in use.";

/// It is not a freelist.
pub static FREELIST_TYPE: Code = Code {
    name: "bolt/freelist-type",
    rule: "B07",
    severity: Severity::Fatal,
    title: "the page that a meta names is not a freelist",
    explanation: "The library reads the freelist when it opens the file for writing, and panics if the page is \
        something else. The usual cause is a power cut: the page was never written.",
    remedy: RECOMPUTE,
};

/// Its count is impossible.
pub static FREELIST_COUNT: Code = Code {
    name: "bolt/freelist-count",
    rule: "B07",
    severity: Severity::Fatal,
    title: "the freelist has more ids than room",
    explanation: "The library allocates memory for that many ids and crashes.",
    remedy: RECOMPUTE,
};

/// It lists a page that cannot be.
pub static FREELIST_ID: Code = Code {
    name: "bolt/freelist-id",
    rule: "B07",
    severity: Severity::Damage,
    title: "the freelist names a page that cannot be",
    explanation: "A free page lies behind the metas and before the high-water mark. The library \
        does not check it: it hands the page out, and writes past the end, or over a meta.",
    remedy: RECOMPUTE,
};

/// It is not sorted.
pub static FREELIST_ORDER: Code = Code {
    name: "bolt/freelist-order",
    rule: "B07",
    severity: Severity::Odd,
    title: "the freelist is not sorted",
    explanation: "The library writes it sorted, and sorts it again when it reads it.",
    remedy: RECOMPUTE,
};

/// It lists a page twice.
pub static FREELIST_TWICE: Code = Code {
    name: "bolt/freelist-twice",
    rule: "B08",
    severity: Severity::Fatal,
    title: "the freelist names a page twice",
    explanation: "The page is handed out twice: the second write destroys the first.",
    remedy: RECOMPUTE,
};

/// It lists itself.
pub static FREELIST_SELF: Code = Code {
    name: "bolt/freelist-self",
    rule: "B08",
    severity: Severity::Damage,
    title: "the freelist names a page of its own",
    explanation: "The page is handed out while the freelist is still stored in it.",
    remedy: RECOMPUTE,
};

/// It lists a page in use.
pub static FREE_REACHABLE: Code = Code {
    name: "bolt/free-reachable",
    rule: "B08",
    severity: Severity::Fatal,
    title: "a page in use is on the freelist",
    explanation: "The next transactions write over it. Either the freelist is of another \
        transaction, or a pointer of the tree leads to a page that was freed.",
    remedy: RECOMPUTE,
};
