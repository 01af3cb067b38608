//! JSON that is safe to look at.

use std::io::{self, Write};

use finding::is_treacherous;
use serde::Serialize;
use serde_json::ser::{CompactFormatter, Formatter, PrettyFormatter, Serializer};

/// JSON in which nothing can reach a terminal that moves, hides or reorders text:
/// serde_json escapes C0; DEL, C1 and the bidirectional controls are escaped here.
struct Safe<F>(F);

macro_rules! as_inside {
    ($($name:ident($($argument:ident: $type:ty),*);)*) => {$(
        fn $name<W: ?Sized + Write>(&mut self, w: &mut W $(, $argument: $type)*) -> io::Result<()> {
            self.0.$name(w $(, $argument)*)
        }
    )*};
}

impl<F: Formatter> Formatter for Safe<F> {
    as_inside! {
        begin_array(); end_array(); begin_array_value(first: bool); end_array_value();
        begin_object(); end_object(); begin_object_key(first: bool); end_object_key();
        begin_object_value(); end_object_value();
    }

    fn write_string_fragment<W: ?Sized + Write>(
        &mut self,
        writer: &mut W,
        fragment: &str,
    ) -> io::Result<()> {
        let mut plain = 0;
        for (at, letter) in fragment.char_indices() {
            if letter == '\u{7f}' || is_treacherous(letter) {
                writer.write_all(fragment.get(plain..at).unwrap_or_default().as_bytes())?;
                for unit in letter.encode_utf16(&mut [0; 2]) {
                    write!(writer, "\\u{unit:04x}")?;
                }
                plain = at.saturating_add(letter.len_utf8());
            }
        }
        writer.write_all(fragment.get(plain..).unwrap_or_default().as_bytes())
    }
}

/// Writes `value` as one JSON document with a line end.
pub(crate) fn write(writer: &mut dyn Write, value: &impl Serialize) -> io::Result<()> {
    let mut writer = writer;
    value.serialize(&mut Serializer::with_formatter(
        &mut writer,
        Safe(PrettyFormatter::new()),
    ))?;
    writer.write_all(b"\n")
}

/// Writes `value` as one line: what comes as a stream is one document a line.
pub(crate) fn write_line(writer: &mut dyn Write, value: &impl Serialize) -> io::Result<()> {
    let mut writer = writer;
    value.serialize(&mut Serializer::with_formatter(
        &mut writer,
        Safe(CompactFormatter),
    ))?;
    writer.write_all(b"\n")
}

/// Adds `value` as JSON without a line end to `into`, harmless as all JSON is: for lines that are
/// put into order before they are written.
pub fn json_text(into: &mut Vec<u8>, value: &impl Serialize) -> io::Result<()> {
    value.serialize(&mut Serializer::with_formatter(
        into,
        Safe(CompactFormatter),
    ))?;
    Ok(())
}

#[cfg(test)]
mod tests {
    #[test]
    fn json_stays_equal_and_becomes_harmless() {
        let hostile = "a\u{1b}[2J\u{9b}\u{202e}\u{e0001}\u{7f}é";
        let mut out = Vec::new();
        super::write(&mut out, &hostile).unwrap();
        let text = String::from_utf8(out).unwrap();
        assert_eq!(
            text,
            "\"a\\u001b[2J\\u009b\\u202e\\udb40\\udc01\\u007fé\"\n"
        );
        assert_eq!(serde_json::from_str::<String>(&text).unwrap(), hostile);
    }
}
