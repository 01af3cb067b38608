//! Descriptors: how one blob names another.

use core::fmt;

use finding::{Text, size_number};
use json::{Node, Value};
use serde::Serialize;

use crate::{
    Digest, Fault, Kind,
    fields::{self, Fields},
};

/// What a link is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Role {
    /// The image's configuration.
    Config,
    /// The layer with this number, the lowest is 0.
    Layer(usize),
    /// The manifest with this number in an index.
    Manifest(usize),
    /// The manifest that this one belongs to (a signature, an SBOM).
    Subject,
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Config => f.pad("config"),
            Self::Layer(number) => f.pad(&format!("layer {number}")),
            Self::Manifest(number) => f.pad(&format!("manifest {number}")),
            Self::Subject => f.pad("subject"),
        }
    }
}

/// What a document points to, and what for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Link {
    /// What for.
    pub role: Role,
    /// What.
    pub descriptor: Descriptor,
}

/// A blob as another one names it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Descriptor {
    /// What the blob is said to be.
    pub media_type: Text,
    /// Its digest.
    pub digest: Digest,
    /// Its size in bytes, as claimed.
    #[serde(serialize_with = "size_number")]
    pub size: u64,
    /// The platform that a manifest is for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub platform: Option<Platform>,
    /// Annotations, in order.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub annotations: Vec<(Text, Text)>,
    /// What kind of artifact it is said to be.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub artifact_type: Option<Text>,
    /// Where else it can be had (foreign layers, which are not kept in registries).
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub urls: Vec<Text>,
}

/// What a manifest runs on.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Platform {
    /// `linux`
    pub os: Text,
    /// `amd64`
    pub architecture: Text,
    /// `v8`
    #[serde(skip_serializing_if = "Option::is_none")]
    pub variant: Option<Text>,
    /// A release of Windows.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub os_version: Option<Text>,
}

impl fmt::Display for Platform {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut text = format!("{}/{}", self.os, self.architecture);
        if let Some(variant) = &self.variant {
            text.push('/');
            text.push_str(&variant.to_string());
        }
        f.pad(&text)
    }
}

impl Descriptor {
    /// Whether its bytes are encrypted (ocicrypt): only who has the key can read what they hold.
    pub fn is_encrypted(&self) -> bool {
        self.media_type.bytes().ends_with(b"+encrypted")
    }

    /// What its media type says it is.
    pub fn kind(&self) -> Kind {
        self.media_type
            .utf8()
            .map_or(Kind::Other, Kind::from_media_type)
    }

    /// Reads the descriptor at JSON pointer `at`; none if it has no digest that can be used.
    pub(crate) fn read_descriptor(raw: &Node, at: &str, fields: &mut Fields) -> Option<Self> {
        if !matches!(raw.value, Value::Object(_)) {
            fields.fault(Fault::Type {
                field: at.to_owned(),
                want: "an object",
                found: raw.kind(),
            });
            return None;
        }
        fields.known(raw, at, fields::DESCRIPTOR);
        let media_type = fields.text_field(raw, at, "mediaType");
        if media_type.is_none() {
            fields.missing(&format!("{at}/mediaType"));
        }
        let size = match raw.field("size").map(|size| (size, size.integer())) {
            Some((_, Some(size))) if size >= 0 => u64::try_from(size).unwrap_or(0),
            Some((size, _)) => {
                fields.value(
                    &format!("{at}/size"),
                    "a size in bytes",
                    fields::shown(size),
                );
                0
            }
            None => {
                fields.missing(&format!("{at}/size"));
                0
            }
        };
        let digest = fields.text_field(raw, at, "digest");
        let digest = if let Some(text) = digest {
            fields.digest(&format!("{at}/digest"), &text)
        } else {
            fields.missing(&format!("{at}/digest"));
            None
        };
        Some(Self {
            digest: digest?,
            media_type: media_type.unwrap_or_default(),
            size,
            platform: raw
                .field("platform")
                .map(|raw| Platform::read_platform(raw, at, fields)),
            annotations: annotations(raw),
            artifact_type: fields.text_field(raw, at, "artifactType"),
            urls: fields
                .array(raw, at, "urls")
                .iter()
                .filter_map(|url| url.string().map(Text::from))
                .collect(),
        })
    }
}

impl Platform {
    fn read_platform(raw: &Node, at: &str, fields: &mut Fields) -> Self {
        let at = format!("{at}/platform");
        fields.known(raw, &at, fields::PLATFORM);
        Self {
            os: fields.text_field(raw, &at, "os").unwrap_or_default(),
            architecture: fields
                .text_field(raw, &at, "architecture")
                .unwrap_or_default(),
            variant: fields.text_field(raw, &at, "variant"),
            os_version: fields.text_field(raw, &at, "os.version"),
        }
    }
}

/// The annotations of a descriptor or document whose values are strings.
fn annotations(raw: &Node) -> Vec<(Text, Text)> {
    raw.field("annotations")
        .map_or(&[][..], Node::members)
        .iter()
        .filter_map(|member| Some((member.key.clone(), Text::from(member.node.string()?))))
        .collect()
}
