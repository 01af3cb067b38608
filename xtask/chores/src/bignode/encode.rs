//! Values as containerd writes them, and buckets that are filled in any order.

use std::collections::BTreeMap;
use std::fs::OpenOptions;
use std::io::{BufWriter, Seek, Write};
use std::path::Path;

use bolt::{Layout, WriteError, Writer};

/// A bucket in memory.
#[derive(Debug, Default)]
pub(super) struct Bucket {
    /// Its sequence.
    pub(super) sequence: u64,
    entries: BTreeMap<Vec<u8>, Entry>,
}

#[derive(Debug)]
enum Entry {
    Value(Vec<u8>),
    Bucket(Bucket),
}

impl Bucket {
    /// The bucket `key` in this one, made if it is not there.
    pub(super) fn bucket(&mut self, key: impl AsRef<[u8]>) -> &mut Self {
        let entry = self
            .entries
            .entry(key.as_ref().to_vec())
            .and_modify(|entry| {
                if matches!(entry, Entry::Value(_)) {
                    *entry = Entry::Bucket(Self::default());
                }
            })
            .or_insert_with(|| Entry::Bucket(Self::default()));
        match entry {
            Entry::Bucket(bucket) => bucket,
            Entry::Value(_) => unreachable!("it was made a bucket"),
        }
    }

    /// The bucket at the end of this path.
    pub(super) fn at(&mut self, path: &[&str]) -> &mut Self {
        path.iter().fold(self, |bucket, key| bucket.bucket(key))
    }

    pub(super) fn put(&mut self, key: impl AsRef<[u8]>, value: impl AsRef<[u8]>) {
        let value = Entry::Value(value.as_ref().to_vec());
        self.entries.insert(key.as_ref().to_vec(), value);
    }

    /// Writes it as a new database.
    pub(super) fn write(&self, path: &Path, layout: Layout) -> Result<(), WriteError> {
        let file = OpenOptions::new().write(true).create_new(true).open(path)?;
        let mut writer = Writer::new(BufWriter::new(file), layout)?;
        self.fill(&mut writer)?;
        writer.finish()?;
        Ok(())
    }

    fn fill<W: Write + Seek>(&self, writer: &mut Writer<W>) -> Result<(), WriteError> {
        for (key, entry) in &self.entries {
            match entry {
                Entry::Value(value) => writer.put(key, value)?,
                Entry::Bucket(bucket) => {
                    writer.open_bucket(key, bucket.sequence)?;
                    bucket.fill(writer)?;
                    writer.close_bucket()?;
                }
            }
        }
        Ok(())
    }
}

/// Go's `time.MarshalBinary`, version 1: seconds since the year 1, nanoseconds, UTC.
pub(super) fn time(unix: u64) -> Vec<u8> {
    let mut bytes = vec![1];
    bytes.extend(unix.saturating_add(62_135_596_800).to_be_bytes());
    bytes.extend(250_000_000_u32.to_be_bytes());
    bytes.extend([0xff, 0xff]);
    bytes
}

/// Go's `PutUvarint`.
pub(super) fn uvarint(mut value: u64) -> Vec<u8> {
    let mut bytes = Vec::new();
    while value >= 0x80 {
        bytes.push(u8::try_from(value & 0x7f).unwrap_or(0) | 0x80);
        value >>= 7;
    }
    bytes.push(u8::try_from(value).unwrap_or(0));
    bytes
}

/// Go's `PutVarint` of a number that is not negative.
pub(super) fn varint(value: u64) -> Vec<u8> {
    uvarint(value << 1)
}

/// A `google.protobuf.Any`.
pub(super) fn any(type_url: &str, value: &[u8]) -> Vec<u8> {
    let mut bytes = vec![0x0a];
    bytes.extend(uvarint(u64::try_from(type_url.len()).unwrap_or(0)));
    bytes.extend(type_url.as_bytes());
    if !value.is_empty() {
        bytes.push(0x12);
        bytes.extend(uvarint(u64::try_from(value.len()).unwrap_or(0)));
        bytes.extend(value);
    }
    bytes
}
