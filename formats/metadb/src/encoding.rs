//! How containerd writes values: Go's times, varints, protobuf's `Any`.

use core::fmt;

use finding::{Text, Time};
use serde::{Serialize, Serializer, ser::SerializeMap};
use view::View;

use crate::proto::{self, Message, ProtoField, ProtoValue};

/// Why a value does not decode, in the words that the daemon uses where it has some.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DecodeError {
    /// `Time.UnmarshalBinary: no data`
    TimeEmpty,
    /// `Time.UnmarshalBinary: unsupported version`
    TimeVersion(u8),
    /// `Time.UnmarshalBinary: invalid length`
    TimeLength(u64),
    /// A varint without an end, longer than ten bytes, or followed by something.
    Varint,
    /// Bytes that are no protobuf message.
    Proto,
    /// A protobuf message of more fields than are read.
    ProtoLong,
    /// Bytes that are no JSON.
    Json,
}

impl fmt::Display for DecodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TimeEmpty => write!(f, "Time.UnmarshalBinary: no data"),
            Self::TimeVersion(version) => {
                write!(
                    f,
                    "Time.UnmarshalBinary: unsupported version (found {version}, want 1 or 2)"
                )
            }
            Self::TimeLength(length) => {
                write!(
                    f,
                    "Time.UnmarshalBinary: invalid length (found {length} bytes, want 15 or 16)"
                )
            }
            Self::Varint => write!(f, "not a varint"),
            Self::Proto => write!(f, "not a protobuf message"),
            Self::ProtoLong => write!(f, "a protobuf message of too many fields to be read"),
            Self::Json => write!(f, "not JSON"),
        }
    }
}

/// Seconds from 0001-01-01T00:00:00Z, where Go's times begin, to 1970-01-01T00:00:00Z.
pub(crate) const YEAR_1_TO_1970: i64 = 62_135_596_800;

/// Go's `time.Time.MarshalBinary`: version `u8` (1 or 2), seconds since year 1 `i64` big-endian,
/// nanoseconds `i32`, zone offset in minutes `i16` (-1: UTC), version 2 one byte of offset seconds.
pub fn go_time(bytes: &[u8]) -> Result<Time, DecodeError> {
    let view = View::new(bytes);
    let length = DecodeError::TimeLength(view.len());
    let want = match bytes.first() {
        None => return Err(DecodeError::TimeEmpty),
        Some(1) => 15,
        Some(2) => 16,
        Some(version) => return Err(DecodeError::TimeVersion(*version)),
    };
    if view.len() != want {
        return Err(length);
    }
    let seconds = view.i64_be(1, "seconds").map_err(|_| length.clone())?;
    let nanos = view.i32_be(9, "nanoseconds").map_err(|_| length)?;
    // Go keeps 30 bits of nanoseconds; what does not fit never came from Go.
    let nanos = u32::try_from(nanos).unwrap_or(0).min(999_999_999);
    Ok(Time::new(seconds.saturating_sub(YEAR_1_TO_1970), nanos))
}

/// Go's `binary.PutUvarint`: seven bits a byte, the lowest first.
pub fn uvarint(bytes: &[u8]) -> Result<u64, DecodeError> {
    let (value, length) = view::uvarint(bytes.iter().copied()).ok_or(DecodeError::Varint)?;
    if length == bytes.len() {
        Ok(value)
    } else {
        Err(DecodeError::Varint)
    }
}

/// Go's `binary.PutVarint`: zig-zag, then as [`uvarint`].
pub fn varint(bytes: &[u8]) -> Result<i64, DecodeError> {
    // containerd's readers ignore what follows the varint; its writers write nothing there.
    let raw = uvarint(bytes)?;
    let half = i64::from_le_bytes((raw >> 1).to_le_bytes());
    Ok(if raw & 1 == 0 { half } else { !half })
}

/// Values of one JSON document that are kept: a large specification has some thousand.
const MOST_VALUES: usize = 1 << 20;

/// A `google.protobuf.Any`: field 1 the type, field 2 the message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Any {
    /// Which type: `types.containerd.io/opencontainers/runtime-spec/1/Spec`.
    pub type_url: Text,
    /// The message: JSON for Go types without protobuf, else protobuf.
    pub value: Vec<u8>,
    /// Fields beyond these two, which the daemon skips.
    pub unknown: Vec<ProtoField>,
}

impl Any {
    /// Reads the wire format.
    pub fn parse(bytes: &[u8]) -> Result<Self, DecodeError> {
        let mut any = Self {
            type_url: Text::default(),
            value: Vec::new(),
            unknown: Vec::new(),
        };
        for field in proto::fields(bytes)? {
            match (field.number, field.value) {
                (1, ProtoValue::Bytes(bytes)) => any.type_url = Text::from(bytes),
                (2, ProtoValue::Bytes(bytes)) => any.value = bytes,
                (1 | 2, _) => return Err(DecodeError::Proto),
                (number, value) => any.unknown.push(ProtoField { number, value }),
            }
        }
        Ok(any)
    }

    /// The message field by field, where it is not JSON but protobuf.
    pub fn message(&self) -> Option<Message> {
        Message::decode(&self.type_url, &self.value).ok()
    }

    /// Whether its type is one that is kept as JSON: an OCI runtime specification.
    pub(crate) fn wants_json(&self) -> bool {
        let types = ["types.containerd.io/opencontainers/runtime-spec/"];
        let url = self.type_url.bytes();
        types
            .iter()
            .any(|prefix| url.starts_with(prefix.as_bytes()))
    }

    /// Whether Go reads it as JSON: bytes that are no UTF-8 do not keep it from that.
    pub(crate) fn reads_as_json(&self) -> bool {
        let text = String::from_utf8_lossy(&self.value);
        serde_json::from_str::<serde::de::IgnoredAny>(&text).is_ok()
    }

    /// The message as JSON, where it is JSON.
    pub fn json(&self) -> Option<serde_json::Value> {
        // Each value but the first stands behind one of these.
        let begins = |byte: &&u8| matches!(byte, b',' | b':' | b'[');
        if self.value.iter().filter(begins).count() > MOST_VALUES {
            return None;
        }
        serde_json::from_slice(&self.value).ok()
    }
}

/// `json`, or `hex` and, where the bytes are a protobuf message, its `fields`.
impl Serialize for Any {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("type", &self.type_url)?;
        if let Some(json) = self.json() {
            map.serialize_entry("json", &json)?;
        } else {
            map.serialize_entry("hex", &hex::encode(&self.value))?;
            if let Some(message) = self.message() {
                map.serialize_entry("fields", &message)?;
            }
        }
        if !self.unknown.is_empty() {
            map.serialize_entry("unknown_fields", &Message::unnamed(&self.unknown))?;
        }
        map.end()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[rustfmt::skip]
    fn times_are_as_go_writes_them() {
        // time.Unix(1700000000, 5).UTC().MarshalBinary()
        let bytes = [1, 0, 0, 0, 0x0e, 0xdc, 0xe5, 0xe8, 0x00, 0, 0, 0, 5, 0xff, 0xff];
        assert_eq!(go_time(&bytes).unwrap(), Time::new(1_700_000_000, 5));
        assert_eq!(go_time(&[]), Err(DecodeError::TimeEmpty));
        assert_eq!(go_time(&[3; 15]), Err(DecodeError::TimeVersion(3)));
        assert_eq!(go_time(&bytes[..14]), Err(DecodeError::TimeLength(14)));
    }

    #[test]
    fn varints_are_as_go_writes_them() {
        assert_eq!(varint(&[6]), Ok(3));
        assert_eq!(varint(&[8]), Ok(4));
        assert_eq!(varint(&[1]), Ok(-1));
        assert_eq!(varint(&[0xff; 9]), Err(DecodeError::Varint));
        let least = [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1];
        assert_eq!(varint(&least), Ok(i64::MIN));
        assert_eq!(uvarint(&[0x80, 1]), Ok(128));
        assert_eq!(uvarint(&[1, 1]), Err(DecodeError::Varint));
        assert_eq!(uvarint(&[]), Err(DecodeError::Varint));
    }

    #[test]
    fn an_any_has_a_type_and_a_message() {
        let bytes = b"\x0a\x03abc\x12\x02{}";
        let any = Any::parse(bytes).unwrap();
        assert_eq!(
            (any.type_url, any.value),
            (Text::from("abc"), b"{}".to_vec())
        );
        assert_eq!(Any::parse(&bytes[..8]), Err(DecodeError::Proto));
        assert_eq!(Any::parse(b"\xff"), Err(DecodeError::Proto));
        assert_eq!(Any::parse(b"").unwrap().value, b"");
        let more = Any::parse(b"\x0a\x03abc\x18\x05").unwrap();
        let json = serde_json::to_value(&more).unwrap();
        let want = serde_json::json!({
            "type": "abc", "hex": "", "fields": {},
            "unknown_fields": {"3": {"wire": "varint", "value": "5"}},
        });
        assert_eq!(json, want);
    }
}
