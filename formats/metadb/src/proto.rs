//! Protobuf messages: the two kinds of runtime options by name, and any other field by field.
//!
//! A field is a tag (`number << 3 | wire type`, a varint) and a value. What a message is cannot be
//! seen from its bytes; a field that is not known is kept as number, wire type and bytes, and never
//! dropped.

use finding::Text;
use serde::{Serialize, Serializer, ser::SerializeMap};

use crate::DecodeError;

/// One field as it stands on the wire.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProtoField {
    /// Its number.
    pub number: u64,
    /// Its value.
    pub value: ProtoValue,
}

/// A value by its wire type.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ProtoValue {
    /// 0: numbers, booleans, enums.
    Varint(u64),
    /// 1: eight bytes, little-endian.
    Fixed64(u64),
    /// 2: a string, bytes, or a message.
    Bytes(Vec<u8>),
    /// 5: four bytes, little-endian.
    Fixed32(u32),
}

impl ProtoValue {
    const fn wire(&self) -> &'static str {
        match self {
            Self::Varint(_) => "varint",
            Self::Fixed64(_) => "fixed64",
            Self::Bytes(_) => "bytes",
            Self::Fixed32(_) => "fixed32",
        }
    }
}

/// Fields of one message that are read: two bytes of a file may be one.
const MOST_FIELDS: usize = 100_000;

/// The fields of a message, in the order of the wire.
pub fn fields(mut bytes: &[u8]) -> Result<Vec<ProtoField>, DecodeError> {
    let mut fields = Vec::new();
    while !bytes.is_empty() {
        if fields.len() >= MOST_FIELDS {
            return Err(DecodeError::ProtoLong);
        }
        let (field, rest) = next(bytes).ok_or(DecodeError::Proto)?;
        fields.push(field);
        bytes = rest;
    }
    Ok(fields)
}

fn next(bytes: &[u8]) -> Option<(ProtoField, &[u8])> {
    let (tag, length) = view::uvarint(bytes.iter().copied())?;
    let rest = bytes.get(length..)?;
    let (value, rest) = match tag & 7 {
        0 => {
            let (value, length) = view::uvarint(rest.iter().copied())?;
            (ProtoValue::Varint(value), rest.get(length..)?)
        }
        1 => {
            let (value, rest) = rest.split_first_chunk::<8>()?;
            (ProtoValue::Fixed64(u64::from_le_bytes(*value)), rest)
        }
        2 => {
            let (count, length) = view::uvarint(rest.iter().copied())?;
            let rest = rest.get(length..)?;
            let (bytes, rest) = rest.split_at_checked(usize::try_from(count).ok()?)?;
            (ProtoValue::Bytes(bytes.to_vec()), rest)
        }
        5 => {
            let (value, rest) = rest.split_first_chunk::<4>()?;
            (ProtoValue::Fixed32(u32::from_le_bytes(*value)), rest)
        }
        // Groups (3 and 4) are of proto2; containerd writes none.
        _ => return None,
    };
    let number = tag >> 3;
    (number != 0).then_some((ProtoField { number, value }, rest))
}

/// How a field of a known message is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Shape {
    Bool,
    Number,
    Text,
}

type Names = &'static [(u64, &'static str, Shape)];

/// `api/types/runc/options/oci.proto`; field 8 was removed in 2.0, 12 and 13 came with it.
const RUNC: Names = &[
    (1, "no_pivot_root", Shape::Bool),
    (2, "no_new_keyring", Shape::Bool),
    (3, "shim_cgroup", Shape::Text),
    (4, "io_uid", Shape::Number),
    (5, "io_gid", Shape::Number),
    (6, "binary_name", Shape::Text),
    (7, "root", Shape::Text),
    (8, "criu_path", Shape::Text),
    (9, "systemd_cgroup", Shape::Bool),
    (10, "criu_image_path", Shape::Text),
    (11, "criu_work_path", Shape::Text),
    (12, "task_api_address", Shape::Text),
    (13, "task_api_version", Shape::Number),
];

/// `api/types/runtimeoptions/v1/api.proto`; field 3 came with 1.7.
const RUNTIME: Names = &[
    (1, "type_url", Shape::Text),
    (2, "config_path", Shape::Text),
    (3, "config_body", Shape::Text),
];

/// The names of a message's fields by its type; `runtimeoptions.v1` had another package before 1.7.
fn names(type_url: &Text) -> Names {
    let name = type_url.bytes().rsplit(|byte| *byte == b'/').next();
    match name {
        Some(b"containerd.runc.v1.Options") => RUNC,
        Some(b"runtimeoptions.v1.Options" | b"cri.runtimeoptions.v1.Options") => RUNTIME,
        _ => &[],
    }
}

/// A message, field by field.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    names: Names,
    /// Its fields, in the order of the wire.
    pub fields: Vec<ProtoField>,
}

impl Message {
    /// Decodes a message of this type.
    pub fn decode(type_url: &Text, bytes: &[u8]) -> Result<Self, DecodeError> {
        Ok(Self {
            names: names(type_url),
            fields: fields(bytes)?,
        })
    }

    /// Fields of a message whose type has no names here.
    pub(crate) fn unnamed(fields: &[ProtoField]) -> Self {
        Self {
            names: &[],
            fields: fields.to_vec(),
        }
    }

    /// Whether the type is one whose fields have names here.
    pub const fn is_known(&self) -> bool {
        !self.names.is_empty()
    }

    /// Fields that have no name here, or another wire type than their name has.
    pub fn unknown(&self) -> impl Iterator<Item = &ProtoField> {
        self.fields
            .iter()
            .filter(|field| self.name(field).is_none())
    }

    fn name(&self, field: &ProtoField) -> Option<(&'static str, Shape)> {
        let known = self
            .names
            .iter()
            .find(|(number, _, _)| *number == field.number);
        let (_, name, shape) = known?;
        let fits = match (shape, &field.value) {
            (Shape::Bool, ProtoValue::Varint(value)) => *value <= 1,
            (Shape::Number, ProtoValue::Varint(_)) | (Shape::Text, ProtoValue::Bytes(_)) => true,
            _ => false,
        };
        fits.then_some((*name, *shape))
    }
}

/// `{"binary_name": "/usr/bin/runc", "14": {"wire": "varint", "value": 3}}`; of a field that comes
/// several times, all of them, in a list.
impl Serialize for Message {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut all: Vec<(String, Vec<Shown<'_>>)> = Vec::new();
        for field in &self.fields {
            let known = self.name(field);
            let key = known.map_or_else(|| field.number.to_string(), |(name, _)| name.to_owned());
            let shown = Shown(&field.value, known.map(|(_, shape)| shape));
            match all.iter_mut().find(|(other, _)| *other == key) {
                Some((_, list)) => list.push(shown),
                None => all.push((key, vec![shown])),
            }
        }
        let mut map = serializer.serialize_map(Some(all.len()))?;
        for (key, list) in &all {
            match list.as_slice() {
                [one] => map.serialize_entry(key, one)?,
                several => map.serialize_entry(key, several)?,
            }
        }
        map.end()
    }
}

/// A value, and its shape where its name is known.
struct Shown<'f>(&'f ProtoValue, Option<Shape>);

impl Serialize for Shown<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match (self.0, self.1) {
            (ProtoValue::Varint(value), Some(Shape::Bool)) => {
                serializer.serialize_bool(*value != 0)
            }
            (ProtoValue::Varint(value), Some(_)) => finding::size_number(value, serializer),
            (ProtoValue::Bytes(bytes), Some(_)) => {
                Text::from(bytes.as_slice()).serialize(serializer)
            }
            (value, _) => raw(value, serializer),
        }
    }
}

fn raw<S: Serializer>(value: &ProtoValue, serializer: S) -> Result<S::Ok, S::Error> {
    let mut map = serializer.serialize_map(Some(2))?;
    map.serialize_entry("wire", value.wire())?;
    match value {
        // Any varint may be larger than JSON's numbers can be trusted with.
        ProtoValue::Varint(value) => map.serialize_entry("value", &value.to_string())?,
        ProtoValue::Fixed64(value) => map.serialize_entry("value", &format!("{value:#x}"))?,
        ProtoValue::Fixed32(value) => map.serialize_entry("value", &format!("{value:#x}"))?,
        ProtoValue::Bytes(bytes) => {
            map.serialize_entry("hex", &hex::encode(bytes))?;
            let text = core::str::from_utf8(bytes).ok();
            let is_plain = |text: &&str| !text.is_empty() && !text.chars().any(char::is_control);
            if let Some(text) = text.filter(is_plain) {
                map.serialize_entry("text", text)?;
            }
        }
    }
    map.end()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn runc_options_have_names_and_what_is_new_is_kept() {
        // no_pivot_root = 1, io_uid = 1000, binary_name = "runc", systemd_cgroup = 1,
        // 14 = 7 (varint), 15 = "new", 16 = four bytes
        let bytes =
            b"\x08\x01\x20\xe8\x07\x32\x04runc\x48\x01\x70\x07\x7a\x03new\x85\x01\x01\0\0\0";
        let message = Message::decode(&Text::from("containerd.runc.v1.Options"), bytes).unwrap();
        let json = serde_json::to_value(&message).unwrap();
        let want = serde_json::json!({
            "no_pivot_root": true, "io_uid": 1000, "binary_name": "runc", "systemd_cgroup": true,
            "14": {"wire": "varint", "value": "7"},
            "15": {"wire": "bytes", "hex": "6e6577", "text": "new"},
            "16": {"wire": "fixed32", "value": "0x1"},
        });
        assert_eq!(json, want);
        assert_eq!(message.unknown().count(), 3);
    }

    #[test]
    fn a_field_of_another_wire_type_has_no_name() {
        let type_url = Text::from("type.googleapis.com/runtimeoptions.v1.Options");
        let message = Message::decode(&type_url, b"\x08\x05\x12\x01a\x12\x01b").unwrap();
        let json = serde_json::to_value(&message).unwrap();
        let want = serde_json::json!({
            "1": {"wire": "varint", "value": "5"}, "config_path": ["a", "b"],
        });
        assert_eq!(json, want);
    }

    #[test]
    fn what_is_cut_is_no_message() {
        let bytes = b"\x08\x01\x32\x04runc";
        for end in 0..bytes.len() {
            let whole = [0, 2].contains(&end);
            assert_eq!(fields(&bytes[..end]).is_ok(), whole, "{end}");
        }
        // Field 0, and a group.
        assert!(fields(b"\0\x01").is_err());
        assert!(fields(b"\x0b").is_err());
    }
}
