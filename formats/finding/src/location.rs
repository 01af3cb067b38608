//! Where a finding stands: in which file, at which bytes, and where in the meaning.

use core::fmt;

use serde::{Serialize, Serializer, ser::SerializeMap};
use view::Span;

use crate::Text;

/// One step of the way to a place: a bucket, a page, a snapshot, a process.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub struct Place {
    /// What it is, in the field's own words: `page`, `bucket`, `snapshot`, `pid`.
    pub kind: &'static str,
    /// Which one.
    pub name: Text,
}

impl Place {
    /// The place `name` of this kind.
    pub fn new(kind: &'static str, name: impl Into<Text>) -> Self {
        Self {
            kind,
            name: name.into(),
        }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.kind, self.name)
    }
}

/// Where a finding stands.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Location {
    /// The file, as an absolute path inside the evidence.
    pub file: Option<Text>,
    /// The bytes of that file.
    pub span: Option<Span>,
    /// Where in the meaning, from the outside in.
    pub places: Vec<Place>,
}

impl Location {
    /// Somewhere in `file`.
    pub fn file(path: impl Into<Text>) -> Self {
        Self {
            file: Some(path.into()),
            ..Self::default()
        }
    }

    /// At these bytes.
    #[must_use]
    pub const fn span(mut self, span: Span) -> Self {
        self.span = Some(span);
        self
    }

    /// One step further in.
    #[must_use]
    pub fn place(mut self, kind: &'static str, name: impl Into<Text>) -> Self {
        self.places.push(Place::new(kind, name));
        self
    }
}

impl fmt::Display for Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut gap = "";
        if let Some(file) = &self.file {
            write!(f, "{file}")?;
            gap = " ";
        }
        if let Some(span) = &self.span {
            write!(f, "{gap}at {:#x}", span.start)?;
            gap = " ";
        }
        let mut before = "";
        for place in &self.places {
            // Bucket paths read best as one path; everything else names its kind.
            if place.kind == "bucket" && before == "bucket" {
                write!(f, " > {}", place.name)?;
            } else {
                write!(f, "{}{place}", if before.is_empty() { gap } else { ", " })?;
            }
            before = place.kind;
        }
        Ok(())
    }
}

impl Serialize for Location {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        if let Some(file) = &self.file {
            map.serialize_entry("file", file)?;
        }
        if let Some(span) = &self.span {
            map.serialize_entry("offset", &format!("{:#x}", span.start))?;
            map.serialize_entry("length", &format!("{:#x}", span.len))?;
        }
        if !self.places.is_empty() {
            map.serialize_entry("places", &self.places)?;
        }
        map.end()
    }
}

/// Something that a user has a name for, and that a finding affects.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub struct Object {
    /// `image`, `container`, `pod`, `snapshot`, `blob`, `lease`, `ingest`, `namespace`, `task`.
    pub kind: &'static str,
    /// The containerd namespace that it lives in, where it lives in one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub namespace: Option<Text>,
    /// Its name.
    pub name: Text,
}

impl Object {
    /// An object of a namespace.
    pub fn new(kind: &'static str, namespace: impl Into<Text>, name: impl Into<Text>) -> Self {
        Self {
            kind,
            namespace: Some(namespace.into()),
            name: name.into(),
        }
    }

    /// An object that belongs to no namespace.
    pub fn global(kind: &'static str, name: impl Into<Text>) -> Self {
        Self {
            kind,
            namespace: None,
            name: name.into(),
        }
    }
}

impl fmt::Display for Object {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.namespace {
            Some(namespace) => write!(f, "{} {}/{}", self.kind, namespace, self.name),
            None => write!(f, "{} {}", self.kind, self.name),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_location_reads_as_a_sentence() {
        let at = Location::file("/var/lib/containerd/meta.db")
            .span(Span::new(0x5000, 4096))
            .place("page", "5")
            .place("bucket", "v1")
            .place("bucket", "k8s.io");
        assert_eq!(
            at.to_string(),
            "/var/lib/containerd/meta.db at 0x5000 page 5, bucket v1 > k8s.io"
        );
    }
}
