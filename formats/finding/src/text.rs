//! Bytes of evidence that claim to be text.

use core::fmt::{self, Write};
use std::sync::Arc;

use serde::{Serialize, Serializer, ser::SerializeStruct};

/// Bytes of evidence that claim to be text: names, keys, paths, messages.
///
/// They are kept as they are; [`Display`](fmt::Display) makes them harmless, reversibly, and is the
/// only way in which they may reach a terminal: control characters, invalid UTF-8, and the
/// characters that reorder or hide what surrounds them become `\xNN` or `\u{N}`, a backslash
/// becomes `\\`.
///
/// A copy shares the bytes of the first: evidence may name one thing a million times.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Text(Arc<[u8]>);

impl Text {
    /// Text made of these bytes.
    pub fn new(bytes: impl Into<Vec<u8>>) -> Self {
        Self(bytes.into().into())
    }

    /// A word of `/proc/<pid>/mountinfo`, where the kernel writes blanks, line feeds and
    /// backslashes as `\040`, `\012`, `\134` (`mangle_path` of fs/seq_file.c).
    pub fn from_octal(word: &[u8]) -> Self {
        let mut plain = Vec::with_capacity(word.len());
        let mut rest = word;
        while let Some((first, after)) = rest.split_first() {
            let digits = after.get(..3).filter(|digits| {
                *first == b'\\' && digits.iter().all(|digit| (b'0'..=b'7').contains(digit))
            });
            let byte = digits
                .and_then(|digits| u8::from_str_radix(core::str::from_utf8(digits).ok()?, 8).ok());
            plain.push(byte.unwrap_or(*first));
            let taken = if byte.is_some() { 3 } else { 0 };
            rest = after.get(taken..).unwrap_or_default();
        }
        Self(plain.into())
    }

    /// The bytes as they stood in the evidence.
    pub fn bytes(&self) -> &[u8] {
        &self.0
    }

    /// The text, if it is UTF-8.
    pub fn utf8(&self) -> Option<&str> {
        core::str::from_utf8(&self.0).ok()
    }

    /// Whether it has no bytes.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The bytes.
    pub fn into_bytes(self) -> Vec<u8> {
        self.0.to_vec()
    }
}

impl From<&[u8]> for Text {
    fn from(bytes: &[u8]) -> Self {
        Self(bytes.into())
    }
}

impl From<Vec<u8>> for Text {
    fn from(bytes: Vec<u8>) -> Self {
        Self(bytes.into())
    }
}

impl From<&str> for Text {
    fn from(text: &str) -> Self {
        Self(text.as_bytes().into())
    }
}

impl From<String> for Text {
    fn from(text: String) -> Self {
        Self(text.into_bytes().into())
    }
}

impl core::borrow::Borrow<[u8]> for Text {
    fn borrow(&self) -> &[u8] {
        &self.0
    }
}

impl PartialEq<str> for Text {
    fn eq(&self, other: &str) -> bool {
        *self.0 == *other.as_bytes()
    }
}

impl PartialEq<&str> for Text {
    fn eq(&self, other: &&str) -> bool {
        *self.0 == *other.as_bytes()
    }
}

impl fmt::Display for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Through `pad`, so that a column width given by the caller is honoured.
        f.pad(&Escaped(&self.0).to_string())
    }
}

impl fmt::Debug for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "\"{}\"", Escaped(&self.0))
    }
}

/// UTF-8 is a JSON string as it stands (JSON escapes what is dangerous in it); anything else is
/// `{"text": "escaped", "hex": "…"}`.
impl Serialize for Text {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if let Some(text) = self.utf8() {
            return serializer.serialize_str(text);
        }
        let mut map = serializer.serialize_struct("Text", 2)?;
        map.serialize_field("text", &self.to_string())?;
        map.serialize_field("hex", &hex::encode(&self.0))?;
        map.end()
    }
}

/// Borrowed bytes of evidence, displayed as [`Text`] is.
#[derive(Debug, Clone, Copy)]
pub struct Escaped<'s>(pub &'s [u8]);

impl fmt::Display for Escaped<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for chunk in self.0.utf8_chunks() {
            for letter in chunk.valid().chars() {
                match letter {
                    '\\' => f.write_str("\\\\")?,
                    '\0'..='\x1f' | '\x7f' => write!(f, "\\x{:02x}", u32::from(letter))?,
                    letter if is_treacherous(letter) => {
                        write!(f, "\\u{{{:x}}}", u32::from(letter))?;
                    }
                    letter => f.write_char(letter)?,
                }
            }
            for byte in chunk.invalid() {
                write!(f, "\\x{byte:02x}")?;
            }
        }
        Ok(())
    }
}

/// C1 controls, and characters that reorder, hide or break the text around them.
pub const fn is_treacherous(letter: char) -> bool {
    matches!(letter,
        '\u{80}'..='\u{9f}'           // C1 controls
        | '\u{ad}'                    // soft hyphen
        | '\u{61c}'                   // Arabic letter mark
        | '\u{200b}'..='\u{200f}'     // zero width, left-to-right and right-to-left marks
        | '\u{2028}'..='\u{202e}'     // line and paragraph separators, embeddings, overrides
        | '\u{2060}'..='\u{206f}'     // word joiner, isolates, deprecated controls
        | '\u{feff}'                  // byte order mark
        | '\u{fff9}'..='\u{fffb}'     // interlinear annotation
        | '\u{e0000}'..='\u{e007f}'   // tags
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_dangerous_reaches_a_terminal() {
        let hostile = Text::new(*b"a\x1b[2Jb\nc\\d\xff\xc2\x9bm\xe2\x80\xaetxt");
        assert_eq!(
            hostile.to_string(),
            "a\\x1b[2Jb\\x0ac\\\\d\\xff\\u{9b}m\\u{202e}txt"
        );
    }

    #[test]
    fn what_the_kernel_wrote_in_octal() {
        let plain = |word: &str| Text::from_octal(word.as_bytes());
        assert_eq!(plain("/a\\040b\\134x\\012"), "/a b\\x\n");
        // None of these is a byte.
        assert_eq!(plain("\\400\\+40\\09\\"), "\\400\\+40\\09\\");
    }

    #[test]
    fn plain_text_stays_as_it_is_and_is_padded() {
        assert_eq!(format!("{:8}|", Text::from("café")), "café    |");
    }
}
