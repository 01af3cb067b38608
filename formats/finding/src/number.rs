//! Numbers as JSON can hold them.

use serde::Serializer;

/// Largest integer that every JSON reader keeps exactly.
const EXACT: u64 = 1 << 53;

/// An offset, a page id or an address: a string such as `"0x5000"`.
pub fn hex_number<S: Serializer>(number: &u64, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(&format_args!("{number:#x}"))
}

/// As [`hex_number`], or null.
pub fn hex_option<S: Serializer>(number: &Option<u64>, serializer: S) -> Result<S::Ok, S::Error> {
    match number {
        Some(number) => hex_number(number, serializer),
        None => serializer.serialize_none(),
    }
}

/// A size: a number, or a string of decimal digits where a JSON reader might round it.
pub fn size_number<S: Serializer>(number: &u64, serializer: S) -> Result<S::Ok, S::Error> {
    if *number <= EXACT {
        serializer.serialize_u64(*number)
    } else {
        serializer.collect_str(number)
    }
}

/// As [`size_number`], or null.
pub fn size_option<S: Serializer>(number: &Option<u64>, serializer: S) -> Result<S::Ok, S::Error> {
    match number {
        Some(number) => size_number(number, serializer),
        None => serializer.serialize_none(),
    }
}
