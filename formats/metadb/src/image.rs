//! `v1/<namespace>/images/<name>/`

use finding::{Text, Time};
use serde::Serialize;

use crate::Labels;
use crate::open::{Open, Troubles};

/// What an image name points to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Target {
    /// Digest of a manifest or an index.
    pub digest: Text,
    /// Its media type.
    pub media_type: Text,
    /// Its size in bytes, as the image says.
    pub size: Option<i64>,
}

/// An image: a name and its target.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Image {
    /// When it was made.
    pub created: Option<Time>,
    /// When it was changed.
    pub updated: Option<Time>,
    /// What it points to.
    pub target: Option<Target>,
    /// Its labels.
    pub labels: Labels,
    /// Annotations of the target's descriptor.
    pub annotations: Labels,
}

pub(crate) const KEYS: &[&str] = &[
    "createdat",
    "updatedat",
    "target",
    "target/digest",
    "target/mediatype",
    "target/size",
    "labels",
    "annotations",
];

pub(crate) fn read_image(bucket: &Open<'_>, troubles: &mut Troubles) -> Image {
    bucket.missing("target", "image", troubles);
    let target = bucket.bucket("target", troubles).map(|target| {
        for key in ["digest", "mediatype", "size"] {
            target.missing(key, "image's target", troubles);
        }
        Target {
            digest: target.text_value("digest", troubles).unwrap_or_default(),
            media_type: target.text_value("mediatype", troubles).unwrap_or_default(),
            size: target.varint("size", troubles),
        }
    });
    Image {
        created: bucket.time("createdat", troubles),
        updated: bucket.time("updatedat", troubles),
        target,
        labels: bucket.labels("labels", troubles),
        annotations: bucket.labels("annotations", troubles),
    }
}
