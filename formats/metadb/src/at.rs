//! Where a row stands, and how whole it is.

use std::collections::BTreeMap;
use std::ops::Deref;

use bolt::PageId;
use finding::{Location, Place, Text};
use serde::{Serialize, Serializer, ser::SerializeMap};
use view::Span;

/// Where a row stands in its database.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct At {
    /// The buckets from the root to the row, the row included.
    pub path: Vec<Text>,
    /// The page that holds its key.
    pub page: PageId,
    /// The bytes of its key.
    pub span: Span,
}

impl At {
    /// This place in `file`, for a finding.
    pub fn location(&self, file: &Text) -> Location {
        let mut location = Location::file(file.clone())
            .span(self.span)
            .place("page", self.page.0.to_string());
        location.places.extend(
            self.path
                .iter()
                .map(|name| Place::new("bucket", name.clone())),
        );
        location
    }
}

impl Serialize for At {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(3))?;
        map.serialize_entry("buckets", &self.path)?;
        map.serialize_entry("page", &self.page.0.to_string())?;
        map.serialize_entry("offset", &format!("{:#x}", self.span.start))?;
        map.end()
    }
}

/// A row: its key, what it says, where it stands, and how whole it is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Row<T> {
    /// Its key in its bucket: an image's name, a container's id, a blob's digest.
    pub key: Text,
    /// What it says.
    #[serde(flatten)]
    pub value: T,
    /// Where it stands.
    pub at: At,
    /// Whether all of it could be read and decoded.
    pub whole: bool,
    /// Whether every bucket of it could be read: where this is `true`, a key that is not here is
    /// not there. A value that does not decode leaves it so.
    #[serde(skip)]
    pub readable: bool,
    /// Keys of its own whose values do not decode, and why.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub undecodable: BTreeMap<Text, String>,
    /// Keys and buckets that no known release of containerd writes, with their bytes in hex; nothing
    /// for a bucket, whose own entries follow as `bucket/key`.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub unknown: BTreeMap<Text, Option<String>>,
}

impl<T> Deref for Row<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.value
    }
}
