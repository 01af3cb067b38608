//! Faults of one of the two metas.

use finding::{Code, Severity};

use super::SALVAGE;

/// What helps where one meta is bad and the other good.
const OTHER_META: &str = "If the other meta is valid, the daemon falls back to it and repairs this \
    one with its next two transactions: at most one transaction is lost. Copy the file away first.";

/// The magic number is another.
pub static META_MAGIC: Code = Code {
    name: "bolt/meta-magic",
    rule: "B03",
    severity: Severity::Damage,
    title: "a meta does not start with the magic number",
    explanation: "Two metas take turns, so that one is whole at any time. With one of them damaged, the next \
        crash during a commit can leave none. bbolt's own check says OK to this.",
    remedy: OTHER_META,
};

/// The version is another, and the checksum does not hold.
pub static META_VERSION: Code = Code {
    name: "bolt/meta-version",
    rule: "B03",
    severity: Severity::Damage,
    title: "a meta's version is not 2",
    explanation: "The checksum does not match either, so this is damage and not another version.",
    remedy: OTHER_META,
};

/// The checksum does not hold.
pub static META_CHECKSUM: Code = Code {
    name: "bolt/meta-checksum",
    rule: "B03",
    severity: Severity::Damage,
    title: "a meta's checksum does not match",
    explanation: "It is FNV-1a over the 56 bytes before it. BoltDB and bbolt up to 1.3.6 accept a meta whose \
        checksum is zero; later releases do not.",
    remedy: OTHER_META,
};

/// The page's header is not that of a meta.
pub static META_HEADER: Code = Code {
    name: "bolt/meta-header",
    rule: "B05",
    severity: Severity::Odd,
    title: "the page header before a meta is not that of a meta page",
    explanation: "The checksum does not cover the header, and opening the file does not look at \
        it, but bbolt's own check stops there.",
    remedy: "The daemon repairs it with its next two transactions.",
};

/// The page size is not that of the file.
pub static META_PAGE_SIZE: Code = Code {
    name: "bolt/meta-page-size",
    rule: "B03",
    severity: Severity::Fatal,
    title: "a meta gives a page size that is not that of the file",
    explanation: "coroner found the page size from the pages themselves: each page holds its own number. With \
        a wrong page size every page is looked for at the wrong place.",
    remedy: SALVAGE,
};

/// Its flags are set.
pub static META_FLAGS: Code = Code {
    name: "bolt/meta-flags",
    rule: "",
    severity: Severity::Note,
    title: "a meta's flags are not zero: the file was operated on",
    explanation: "No daemon sets them. `bbolt surgery meta update` leaves 4 here, so this meta was changed by \
        hand.",
    remedy: "Nothing, but find out what was changed, and why.",
};

/// It stands in the other's slot.
pub static META_SLOT: Code = Code {
    name: "bolt/meta-slot",
    rule: "",
    severity: Severity::Odd,
    title: "a meta is in the other meta's slot",
    explanation: "Transaction T writes its meta to page T modulo 2. A meta in the other slot was \
        copied there, for instance by `bbolt surgery revert-meta-page`.",
    remedy: "Nothing, but find out what was changed, and why.",
};

/// The two transactions do not follow each other.
pub static META_TXID: Code = Code {
    name: "bolt/meta-txid",
    rule: "",
    severity: Severity::Odd,
    title: "the two metas are not of consecutive transactions",
    explanation: "Every transaction writes one meta, so their numbers differ by one. Equal numbers \
        come from surgery; a larger gap means that the write of at least one meta was lost, and \
        that the older tree cannot be relied on.",
    remedy: "Treat the older tree as lost: its pages may have been used again.",
};

/// Bytes behind it.
pub static META_SLACK: Code = Code {
    name: "bolt/meta-slack",
    rule: "",
    severity: Severity::Odd,
    title: "there are bytes behind a meta, where only zeroes are written",
    explanation: "The library writes a whole page of which all but the first 80 bytes are zero.",
    remedy: "Look at the bytes: something else wrote into the file.",
};

/// The root page cannot be.
pub static META_ROOT: Code = Code {
    name: "bolt/meta-root",
    rule: "B04",
    severity: Severity::Fatal,
    title: "a meta names a root page that cannot be",
    explanation: "The root page must lie behind the metas, before the high-water mark and inside \
        the file. From a wrong one nothing can be reached.",
    remedy: SALVAGE,
};

/// The freelist page cannot be.
pub static META_FREELIST: Code = Code {
    name: "bolt/meta-freelist",
    rule: "B07",
    severity: Severity::Fatal,
    title: "a meta names a freelist page that cannot be",
    explanation: "The freelist must lie behind the metas, before the high-water mark and inside the file, or \
        be 2^64-1 for none. The library reads it when it opens the file, and panics.",
    remedy: "The freelist can be computed from the tree, into a copy: `coroner bolt surgery \
        freelist rebuild FILE -o NEW`, or where the tree is damaged, too, `coroner bolt salvage \
        FILE -o NEW`, which says what comes before NEW may take the place of the file.",
};

/// The high-water mark cannot be.
pub static META_HIGH_WATER: Code = Code {
    name: "bolt/meta-high-water",
    rule: "B04",
    severity: Severity::Damage,
    title: "a meta's high-water mark cannot be",
    explanation: "The mark is the number of the first page that was never used. It lies behind the \
        metas and all pages in use, and the file is at least as long.",
    remedy: SALVAGE,
};
