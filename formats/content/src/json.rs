//! JSON as it stands: order, duplicate keys and unknown fields kept.
//!
//! containerd reads documents with Go's `encoding/json`, which is looser than most: keys match
//! their fields in any case, the last of several wins, and bytes that are not UTF-8 become U+FFFD.
//! [`Raw`] keeps what stands there, and [`Raw::get`] finds what Go would find.

use core::fmt;

use serde::{
    Serialize, Serializer,
    de::{DeserializeSeed, Deserializer, Error as _, MapAccess, SeqAccess, Visitor},
    ser::SerializeMap,
};
use serde_json::Number;

/// How many values one document may have: a real index has a few thousand.
pub const MAX_VALUES: u64 = 1 << 20;

/// A JSON value, nothing dropped.
#[derive(Debug, Clone, PartialEq)]
pub enum Raw {
    /// `null`
    Null,
    /// `true` or `false`
    Bool(bool),
    /// A number.
    Number(Number),
    /// A string.
    String(String),
    /// An array.
    Array(Vec<Self>),
    /// An object: its members in order, duplicates included.
    Object(Vec<(String, Self)>),
}

/// Why bytes are no JSON that can be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JsonError {
    /// Offset of the byte where reading stopped.
    pub at: u64,
    /// What was wrong there.
    pub why: String,
    /// Whether a limit of ours was met, and not the end of JSON.
    pub limit: bool,
}

impl Raw {
    /// Reads one JSON document. Nesting ends at 128 levels, and values at [`MAX_VALUES`].
    ///
    /// Gives the value, and whether bytes had to be replaced to make it UTF-8.
    pub fn parse(bytes: &[u8]) -> Result<(Self, bool), JsonError> {
        let text = String::from_utf8_lossy(bytes);
        let replaced = matches!(text, std::borrow::Cow::Owned(_));
        let mut left = MAX_VALUES;
        let mut reader = serde_json::Deserializer::from_str(&text);
        let value = Seed { left: &mut left }
            .deserialize(&mut reader)
            .and_then(|value| reader.end().map(|()| value));
        match value {
            Ok(value) => Ok((value, replaced)),
            Err(error) => {
                let why = error.to_string();
                Err(JsonError {
                    at: offset(text.as_bytes(), error.line(), error.column()),
                    limit: left == 0 || why.starts_with("recursion limit"),
                    why: why.split(" at line ").next().unwrap_or_default().to_owned(),
                })
            }
        }
    }

    /// The member that Go would take for the field `name`: the last whose key is equal but for
    /// case.
    pub fn get(&self, name: &str) -> Option<&Self> {
        self.members()
            .iter()
            .rev()
            .find(|(key, _)| key.eq_ignore_ascii_case(name))
            .map(|(_, value)| value)
            .filter(|value| **value != Self::Null)
    }

    /// The members of an object; none of anything else.
    pub fn members(&self) -> &[(String, Self)] {
        match self {
            Self::Object(members) => members,
            _ => &[],
        }
    }

    /// The items of an array.
    pub fn items(&self) -> Option<&[Self]> {
        match self {
            Self::Array(items) => Some(items),
            _ => None,
        }
    }

    /// The string.
    pub fn string(&self) -> Option<&str> {
        match self {
            Self::String(text) => Some(text),
            _ => None,
        }
    }

    /// The number, if it is one that fits.
    pub fn integer(&self) -> Option<i64> {
        match self {
            Self::Number(number) => number.as_i64(),
            _ => None,
        }
    }

    /// What kind of value it is, in JSON's words.
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Null => "null",
            Self::Bool(_) => "a boolean",
            Self::Number(_) => "a number",
            Self::String(_) => "a string",
            Self::Array(_) => "an array",
            Self::Object(_) => "an object",
        }
    }
}

/// Where serde_json's line and column (both from 1; column 0 is the line's end before) are.
fn offset(text: &[u8], line: usize, column: usize) -> u64 {
    let start = match line.checked_sub(2) {
        None => 0,
        Some(before) => text
            .iter()
            .enumerate()
            .filter(|(_, byte)| **byte == b'\n')
            .nth(before)
            .map_or(0, |(at, _)| at.saturating_add(1)),
    };
    let at = start.saturating_add(column.saturating_sub(1));
    u64::try_from(at.min(text.len())).unwrap_or(u64::MAX)
}

impl Serialize for Raw {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Null => serializer.serialize_unit(),
            Self::Bool(value) => serializer.serialize_bool(*value),
            Self::Number(number) => number.serialize(serializer),
            Self::String(text) => serializer.serialize_str(text),
            Self::Array(items) => serializer.collect_seq(items),
            Self::Object(members) => {
                let mut map = serializer.serialize_map(Some(members.len()))?;
                for (key, value) in members {
                    map.serialize_entry(key, value)?;
                }
                map.end()
            }
        }
    }
}

/// Reads one value, counting. serde_json bounds the depth of the calls.
struct Seed<'a> {
    left: &'a mut u64,
}

impl<'de> DeserializeSeed<'de> for Seed<'_> {
    type Value = Raw;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Raw, D::Error> {
        *self.left = self.left.saturating_sub(1);
        if *self.left == 0 {
            return Err(D::Error::custom("more values than a document may have"));
        }
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Seed<'_> {
    type Value = Raw;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_unit<E>(self) -> Result<Raw, E> {
        Ok(Raw::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Raw, E> {
        Ok(Raw::Bool(value))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Raw, E> {
        Ok(Raw::Number(value.into()))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Raw, E> {
        Ok(Raw::Number(value.into()))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Raw, E> {
        Ok(Number::from_f64(value).map_or(Raw::Null, Raw::Number))
    }

    fn visit_str<E>(self, value: &str) -> Result<Raw, E> {
        Ok(Raw::String(value.to_owned()))
    }

    fn visit_string<E>(self, value: String) -> Result<Raw, E> {
        Ok(Raw::String(value))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Raw, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = seq.next_element_seed(Seed { left: self.left })? {
            items.push(item);
        }
        Ok(Raw::Array(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Raw, A::Error> {
        let mut members = Vec::new();
        while let Some(key) = map.next_key::<String>()? {
            members.push((key, map.next_value_seed(Seed { left: self.left })?));
        }
        Ok(Raw::Object(members))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn duplicates_are_kept_and_the_last_wins_in_any_case() {
        let (raw, replaced) = Raw::parse(br#"{"a": 1, "A": [true, null, "x"], "b": 2.5}"#).unwrap();
        assert!(!replaced);
        assert_eq!(raw.members().len(), 3);
        assert_eq!(raw.get("a").unwrap().items().unwrap().len(), 3);
        let text = serde_json::to_string(&raw).unwrap();
        assert_eq!(text, r#"{"a":1,"A":[true,null,"x"],"b":2.5}"#);
    }

    #[test]
    fn an_error_has_its_place() {
        let error = Raw::parse(b"{\n\"a\": 1,\n \"b\": x}").unwrap_err();
        assert_eq!((error.at, error.limit), (16, false), "{error:?}");
        assert_eq!(Raw::parse(b"{}{").unwrap_err().at, 2);
        assert_eq!(Raw::parse(b"").unwrap_err().at, 0);
        assert_eq!(Raw::parse(b"{\"a\"").unwrap_err().at, 3);
    }

    #[test]
    fn bytes_that_are_not_utf8_are_replaced_as_go_does() {
        let (raw, replaced) = Raw::parse(b"\"\xff\"").unwrap();
        assert!(replaced);
        assert_eq!(raw.string(), Some("\u{fffd}"));
    }

    #[test]
    fn depth_and_number_of_values_end() {
        let deep = "[".repeat(100_000);
        assert!(Raw::parse(deep.as_bytes()).unwrap_err().limit);
        let mut wide = "0,".repeat(1 << 21);
        wide.insert(0, '[');
        let error = Raw::parse(wide.as_bytes()).unwrap_err();
        assert!(error.limit, "{error:?}");
    }
}
