//! Faults of one element of a page, and of its key.

use finding::{Code, Severity};

use super::SALVAGE;

/// The key lies outside.
pub static ELEMENT_BOUNDS: Code = Code {
    name: "bolt/element-bounds",
    rule: "B06",
    severity: Severity::Damage,
    title: "an element's key lies outside its page",
    explanation: "Its position or the size of its key leads out of the page. bbolt does not check them: it \
        reads the bytes of the next page, or crashes.",
    remedy: SALVAGE,
};

/// The value reaches outside.
pub static VALUE_BOUNDS: Code = Code {
    name: "bolt/value-bounds",
    rule: "B06",
    severity: Severity::Damage,
    title: "an element's value reaches past its page",
    explanation: "Position and key are inside, the size of the value is wrong. bbolt does not check it, \
        neither when it opens the file nor in its own check: a program that reads the value also \
        gets bytes of the following pages, or crashes because of the length.",
    remedy: SALVAGE,
};

/// A page of a value is zeroes.
pub static VALUE_ZEROES: Code = Code {
    name: "bolt/value-zeroes",
    rule: "",
    severity: Severity::Note,
    title: "a whole page inside a value is zeroes",
    explanation: "A long value goes on over several pages, of which only the first one has a header: \
        the bytes of the others can be anything. A whole page of zeroes is what a write that never \
        arrived leaves, or a hole that was punched; a program may also have written it.",
    remedy: "Look at the value with `coroner bolt get`, and compare it with the transaction before \
        (`coroner bolt diff`).",
};

/// It overlaps with another.
pub static ELEMENT_OVERLAP: Code = Code {
    name: "bolt/element-overlap",
    rule: "B06",
    severity: Severity::Damage,
    title: "two elements share bytes",
    explanation: "The library writes key, value, key, value without a gap. An element that starts \
        before the end of the one before it has a damaged position or size, or the one before \
        it has. bbolt does not look at this.",
    remedy: SALVAGE,
};

/// There is room before it.
pub static ELEMENT_GAP: Code = Code {
    name: "bolt/element-gap",
    rule: "B06",
    severity: Severity::Damage,
    title: "there is a gap before an element's key",
    explanation: "The library writes key, value, key, value without a gap. A gap means that a \
        position or a size is damaged: a value may be cut short. bbolt does not look at this.",
    remedy: SALVAGE,
};

/// Its flags are unknown.
pub static ELEMENT_FLAGS: Code = Code {
    name: "bolt/element-flags",
    rule: "B06",
    severity: Severity::Damage,
    title: "an element's flags are neither 0 nor 1",
    explanation: "Flag 1 says that the value is a bucket; no other is in use.",
    remedy: SALVAGE,
};

/// Its key is empty.
pub static KEY_EMPTY: Code = Code {
    name: "bolt/key-empty",
    rule: "B06",
    severity: Severity::Damage,
    title: "a key is empty",
    explanation: "The library refuses empty keys. The size of the key is damaged, or the element \
        was zeroed. bbolt's check does not look at this.",
    remedy: SALVAGE,
};

/// Its key is too long.
pub static KEY_LONG: Code = Code {
    name: "bolt/key-long",
    rule: "B06",
    severity: Severity::Damage,
    title: "a key is longer than 32,768 bytes",
    explanation: "The library refuses longer keys. The size of the key is damaged.",
    remedy: SALVAGE,
};

/// Keys are out of order.
pub static KEY_ORDER: Code = Code {
    name: "bolt/key-order",
    rule: "B06",
    severity: Severity::Damage,
    title: "a key is not larger than the key before it",
    explanation: "Keys are found by binary search: one out of order is not found any more, nor are \
        others around it.",
    remedy: SALVAGE,
};

/// A key is smaller than its branch says.
pub static KEY_BEFORE_BRANCH: Code = Code {
    name: "bolt/key-before-branch",
    rule: "B06",
    severity: Severity::Damage,
    title: "a page starts with a key smaller than the branch above says",
    explanation: "A branch names the first key of each page below. A page that starts before it is \
        not the page that the branch was written for.",
    remedy: SALVAGE,
};

/// A key belongs to a later page.
pub static KEY_PAST_BRANCH: Code = Code {
    name: "bolt/key-past-branch",
    rule: "B06",
    severity: Severity::Damage,
    title: "a page ends with a key that belongs to a later page",
    explanation: "A branch names the first key of each page below; all keys before that one belong \
        to the pages before. A page that goes further is not the page that the branch was \
        written for.",
    remedy: SALVAGE,
};

/// A key is larger than its branch says.
pub static KEY_AFTER_BRANCH: Code = Code {
    name: "bolt/key-after-branch",
    rule: "B06",
    severity: Severity::Odd,
    title: "a page starts with a key larger than the branch above says",
    explanation: "The library writes the first key of a page into the branch above whenever it \
        writes the page. Another one means that the page is not the one that the branch was \
        written for: usually an older one, because the newer never arrived on the disk. Keys may \
        be missing; bbolt's check does not look at this.",
    remedy: "Compare with the transaction before: `coroner bolt diff`.",
};
