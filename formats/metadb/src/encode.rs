//! How containerd's values are written: the other direction of what [`go_time`](crate::go_time),
//! [`varint`](crate::varint) and [`Any`](crate::Any) read.

use finding::Time;

use crate::encoding::YEAR_1_TO_1970;

/// Go's `time.Time.MarshalBinary` of a time in UTC: 15 bytes.
pub fn put_time(time: Time) -> Vec<u8> {
    let mut bytes = vec![1_u8];
    bytes.extend(time.seconds.saturating_add(YEAR_1_TO_1970).to_be_bytes());
    bytes.extend(time.nanos.to_be_bytes());
    // The zone's offset in minutes; -1 stands for UTC.
    bytes.extend((-1_i16).to_be_bytes());
    bytes
}

/// Go's `binary.PutUvarint`: seven bits a byte, the lowest first.
pub fn put_uvarint(mut value: u64) -> Vec<u8> {
    let mut bytes = Vec::new();
    loop {
        let low = u8::try_from(value & 0x7f).unwrap_or(0);
        value >>= 7;
        if value == 0 {
            bytes.push(low);
            return bytes;
        }
        bytes.push(low | 0x80);
    }
}

/// Go's `binary.PutVarint`: zig-zag, then as [`put_uvarint`].
pub fn put_varint(value: i64) -> Vec<u8> {
    let doubled = u64::from_le_bytes(value.to_le_bytes()) << 1;
    put_uvarint(if value < 0 { !doubled } else { doubled })
}

/// A `google.protobuf.Any`: field 1 the type, field 2 the message.
pub fn put_any(type_url: &str, value: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for (tag, field) in [(0x0a, type_url.as_bytes()), (0x12, value)] {
        if !field.is_empty() {
            bytes.push(tag);
            bytes.extend(put_uvarint(u64::try_from(field.len()).unwrap_or(0)));
            bytes.extend(field);
        }
    }
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Any, go_time, uvarint, varint};

    #[test]
    fn what_is_written_is_read_again() {
        for value in [0, 1, -1, 63, -64, 300, i64::MAX, i64::MIN] {
            assert_eq!(varint(&put_varint(value)), Ok(value));
        }
        for value in [0, 1, 127, 128, u64::MAX] {
            assert_eq!(uvarint(&put_uvarint(value)), Ok(value));
        }
        let time = Time::new(1_700_000_000, 5);
        assert_eq!(go_time(&put_time(time)), Ok(time));
        let any = Any::parse(&put_any("a.b/C", b"{}")).unwrap();
        assert_eq!(
            (any.type_url.bytes(), any.value.as_slice()),
            (&b"a.b/C"[..], &b"{}"[..])
        );
        assert_eq!(put_any("", b""), b"");
    }

    #[test]
    fn numbers_are_as_go_writes_them() {
        // The schema's version as 1.7 and 2.x write it.
        assert_eq!(put_varint(3), [6]);
        assert_eq!(put_varint(4), [8]);
        assert_eq!(put_varint(-1), [1]);
    }
}
