//! Values, each with its place.

use finding::Text;
use serde::ser::SerializeMap as _;
use serde::{Serialize, Serializer};
use view::Span;

/// A value and the bytes that it was read from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Node {
    /// Where it stands in its source.
    pub span: Span,
    /// What it is.
    pub value: Value,
}

/// A JSON value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Value {
    /// `null`.
    Null,
    /// `true` or `false`.
    Bool(bool),
    /// A number, as it is written.
    Number(String),
    /// A string, its escapes resolved. Not UTF-8 where the file is not.
    String(Text),
    /// An array.
    Array(Vec<Node>),
    /// An object, its members in their order; a name may come twice.
    Object(Vec<Member>),
}

/// A name and its value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Member {
    /// The name.
    pub key: Text,
    /// Offset of the name's opening quote in its source.
    pub at: u64,
    /// The value.
    pub node: Node,
}

impl Node {
    /// The members of an object; none of anything else.
    pub fn members(&self) -> &[Member] {
        match &self.value {
            Value::Object(members) => members,
            _ => &[],
        }
    }

    /// The member of exactly this name; of two, the last.
    pub fn member(&self, name: &str) -> Option<&Self> {
        let mut members = self.members().iter().rev();
        let found = members.find(|member| member.key == *name);
        found.map(|member| &member.node)
    }

    /// The items of an array.
    pub fn items(&self) -> Option<&[Self]> {
        match &self.value {
            Value::Array(items) => Some(items),
            _ => None,
        }
    }

    /// The string, if it is one and is UTF-8.
    pub fn string(&self) -> Option<&str> {
        match &self.value {
            Value::String(text) => text.utf8(),
            _ => None,
        }
    }

    /// The number, if it is a whole one that fits.
    pub fn integer(&self) -> Option<i64> {
        match &self.value {
            Value::Number(digits) => digits.parse().ok(),
            _ => None,
        }
    }

    /// What kind of value it is, for people.
    pub const fn kind(&self) -> &'static str {
        self.value.kind()
    }
}

impl Value {
    /// What kind of value it is, for people.
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

impl Serialize for Node {
    /// As JSON again: order and names that come twice are kept, bytes that are not UTF-8 replaced.
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match &self.value {
            Value::Null => serializer.serialize_unit(),
            Value::Bool(value) => serializer.serialize_bool(*value),
            Value::Number(digits) => serialize_number(digits, serializer),
            Value::String(text) => serializer.serialize_str(&String::from_utf8_lossy(text.bytes())),
            Value::Array(items) => serializer.collect_seq(items),
            Value::Object(members) => {
                let mut map = serializer.serialize_map(Some(members.len()))?;
                for member in members {
                    let key = String::from_utf8_lossy(member.key.bytes());
                    map.serialize_entry(&key, &member.node)?;
                }
                map.end()
            }
        }
    }
}

/// A whole number as one where it fits, any other as a double.
fn serialize_number<S: Serializer>(digits: &str, serializer: S) -> Result<S::Ok, S::Error> {
    if let Ok(number) = digits.parse::<i64>() {
        return serializer.serialize_i64(number);
    }
    if let Ok(number) = digits.parse::<u64>() {
        return serializer.serialize_u64(number);
    }
    match digits.parse::<f64>() {
        Ok(number) => serializer.serialize_f64(number),
        Err(_) => serializer.serialize_unit(),
    }
}
