//! Bytes as one word of a POSIX shell, harmless on a terminal.

use core::fmt::{self, Write};

use crate::is_treacherous;

/// Bytes as one word that every POSIX shell (dash, too) reads as exactly these bytes.
///
/// Control characters, what is not UTF-8, and characters that hide or reorder others are written in
/// octal, by `printf`: dash has no `$'…'`. Line feeds at the end, which `$(…)` takes away, are the
/// variable of [`LINE_FEED`], so that what is shown is a single line.
pub(super) struct Word<'b>(pub(super) &'b [u8]);

/// Makes the variable that stands for a line feed at the end of a word.
pub(super) const LINE_FEED: &str = "nl=$(printf '\\012.'); nl=${nl%.}; ";

/// Whether it needs [`LINE_FEED`] before the command.
pub(super) fn needs_line_feed(bytes: &[u8]) -> bool {
    bytes.ends_with(b"\n")
}

/// Whether no shell sees anything in this byte, wherever it stands.
const fn is_plain(byte: u8) -> bool {
    byte.is_ascii_alphanumeric()
        || matches!(byte, b'/' | b'.' | b'_' | b'-' | b':' | b'@' | b'+' | b',')
}

/// Whether it means itself without quotes. An option keeps its `=`; elsewhere that may assign.
fn is_bare(bytes: &[u8]) -> bool {
    let is_option = bytes.starts_with(b"--");
    let fits = |byte: &u8| is_plain(*byte) || (is_option && *byte == b'=');
    !bytes.is_empty() && bytes.iter().all(fits)
}

/// Whether it may be shown as it stands.
fn is_shown(text: &str) -> bool {
    let harmless = |letter: char| !letter.is_control() && !is_treacherous(letter);
    text.chars().all(harmless)
}

impl fmt::Display for Word<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let bytes = self.0;
        match core::str::from_utf8(bytes) {
            Ok(text) if is_bare(bytes) => return f.write_str(text),
            Ok(text) if is_shown(text) => return write!(f, "'{}'", text.replace('\'', r"'\''")),
            _ => {}
        }
        let end = bytes.iter().rposition(|byte| *byte != b'\n');
        let (before, line_feeds) = bytes.split_at(end.map_or(0, |end| end.saturating_add(1)));
        if !before.is_empty() {
            f.write_str("\"$(printf '")?;
            before.iter().try_for_each(|byte| in_format(*byte, f))?;
            f.write_str("')\"")?;
        }
        line_feeds.iter().try_for_each(|_| f.write_str("\"$nl\""))
    }
}

/// A byte in a format of printf: in octal, unless neither printf nor the shell sees anything in it.
/// A per cent sign is doubled, since some look for directives after they have read the octals.
fn in_format(byte: u8, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    match byte {
        b'%' => f.write_str("%%"),
        byte if byte == b' ' || (is_plain(byte) && byte != b'-') => f.write_char(char::from(byte)),
        byte => write!(f, "\\{byte:03o}"),
    }
}
