//! Faults of the tree that pages form.

use finding::{Code, Severity};

use super::SALVAGE;

/// A pointer leads nowhere.
pub static PAGE_RANGE: Code = Code {
    name: "bolt/page-range",
    rule: "B04",
    severity: Severity::Fatal,
    title: "the tree points to a page that cannot be",
    explanation: "A page of the tree lies behind the two metas, before the high-water mark and inside the \
        file. What the pointer should be is not known.",
    remedy: SALVAGE,
};

/// A pointer leads back.
pub static PAGE_CYCLE: Code = Code {
    name: "bolt/page-cycle",
    rule: "B08",
    severity: Severity::Fatal,
    title: "the tree points back to a page above",
    explanation: "A program that follows such a pointer never ends: bbolt's check hangs or overflows its \
        stack, and containerd uses more and more memory until it is killed.",
    remedy: SALVAGE,
};

/// Two pointers lead to one page.
pub static PAGE_SHARED: Code = Code {
    name: "bolt/page-shared",
    rule: "B08",
    severity: Severity::Fatal,
    title: "the tree reaches a page twice",
    explanation: "Each page has one place in the tree. When one of the two is changed, the page is freed under \
        the other, and used again. One of the pointers is wrong; the right one is not known.",
    remedy: SALVAGE,
};

/// A page belongs to nobody.
pub static PAGE_LOST: Code = Code {
    name: "bolt/page-lost",
    rule: "B08",
    severity: Severity::Odd,
    title: "a page is neither in use nor free",
    explanation: "The space is lost; nothing else is. But a whole tree page that nothing points to may be what \
        a damaged pointer lost, or what a page of an older transaction does not know.",
    remedy: "`coroner bolt salvage FILE` says what these pages hold, and whether it may be missing from \
        the tree.",
};

/// It is too deep to be real.
pub static TREE_DEEP: Code = Code {
    name: "bolt/tree-deep",
    rule: "",
    severity: Severity::Damage,
    title: "the tree is deeper than any real tree",
    explanation: "A branch has at least two children, so even the largest file needs only a few \
        levels. The walk ended there; what lies below is unknown.",
    remedy: SALVAGE,
};

/// The older tree is damaged.
pub static PREVIOUS_TREE: Code = Code {
    name: "bolt/previous-tree",
    rule: "B03",
    severity: Severity::Note,
    title: "the tree of the transaction before is not whole",
    explanation: "Each transaction leaves the tree before it untouched, until the next one starts to write. A \
        daemon that was killed during a commit may have used its pages again. The newest tree is not \
        affected, but there is no older tree to go back to.",
    remedy: "Do not use `bbolt surgery revert-meta-page` on this file.",
};

/// The newest root is of an older transaction.
pub static STALE_ROOT: Code = Code {
    name: "bolt/stale-root",
    rule: "B08",
    severity: Severity::Fatal,
    title: "the newest tree is not what the last transaction wrote",
    explanation: "The meta of the last transaction arrived on the disk; the root page, or a page right below \
        it, did not. The bytes that were there before, a page of another bucket or of an older \
        transaction, are read instead. The file opens, bbolt's check says OK, and all objects seem \
        to be gone. A daemon that starts on this file finds no objects, and its garbage collector \
        deletes the files of all objects that are not in it. Where the tree of the transaction before \
        is whole, only what the last transaction changed is lost. A file that was copied while it \
        changed looks like this, too: then both trees may be wrong.",
    remedy: "Do not start the daemon on this file and do not delete it: copy it away, look at both \
        trees with `coroner bolt diff`, then let `coroner bolt surgery revert -o NEW` write a copy \
        as it was one transaction before. Where that tree is no better, `coroner bolt salvage` says \
        what can be saved.",
};

/// A page is of an older transaction.
pub static LOST_WRITE: Code = Code {
    name: "bolt/lost-write",
    rule: "B08",
    severity: Severity::Odd,
    title: "a page of the newest tree seems to be of an older transaction",
    explanation: "The meta of the last transaction arrived on the disk and one of its pages did not, so that \
        the older bytes of that page are read as new. Found by comparing the tree with the one \
        before it: which pages the transaction took and which bucket each belongs to, sequences that \
        went back, and, in containerd's databases, objects that cannot be of this transaction. It is \
        a strong suspicion and no proof. bbolt's check says OK to half of these in a file without a \
        freelist.",
    remedy: "The tree of the transaction before is whole: compare both with `coroner bolt diff`, \
        and go back to it on a copy.",
};

/// The last transaction removed a lot.
pub static MANY_GONE: Code = Code {
    name: "bolt/many-gone",
    rule: "",
    severity: Severity::Note,
    title: "the last transaction removed many objects",
    explanation: "Removing unused images does this, and so does a page that never arrived on the disk, so that \
        an older page with fewer objects is read instead.",
    remedy: "`coroner bolt diff` lists what went away.",
};
