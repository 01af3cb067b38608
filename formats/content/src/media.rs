//! Media types, as far as containerd tells them apart.

use core::fmt;

/// How a layer is compressed, by its media type.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Compression {
    /// A plain tar.
    None,
    /// gzip.
    Gzip,
    /// Zstandard.
    Zstd,
    /// Some other suffix.
    Other,
}

impl Compression {
    /// What the first bytes of a layer say, as containerd's `compression.DetectCompression` reads
    /// them: gzip `1f 8b 08`, zstd `28 b5 2f fd` or a skippable frame `5x 2a 4d 18`.
    pub fn detect(first: &[u8]) -> Self {
        match first {
            [0x1f, 0x8b, 0x08, ..] => Self::Gzip,
            [0x28, 0xb5, 0x2f, 0xfd, ..] | [0x50..=0x5f, 0x2a, 0x4d, 0x18, ..] => Self::Zstd,
            _ => Self::None,
        }
    }
}

impl fmt::Display for Compression {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::None => "none",
            Self::Gzip => "gzip",
            Self::Zstd => "zstd",
            Self::Other => "other",
        })
    }
}

/// What a media type says that a blob is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    /// One image of one platform: a config and layers.
    Manifest,
    /// A list of manifests: an OCI index or Docker's manifest list.
    Index,
    /// The image's configuration, with its diffIDs.
    Config,
    /// A layer.
    Layer(Compression),
    /// Docker's manifest of 2014, which containerd refuses.
    Schema1,
    /// Anything else: an artifact of somebody's own.
    Other,
}

impl Kind {
    /// What `media_type` says.
    pub fn from_media_type(media_type: &str) -> Self {
        match media_type {
            "application/vnd.oci.image.manifest.v1+json"
            | "application/vnd.docker.distribution.manifest.v2+json" => Self::Manifest,
            "application/vnd.oci.image.index.v1+json"
            | "application/vnd.docker.distribution.manifest.list.v2+json" => Self::Index,
            "application/vnd.oci.image.config.v1+json"
            | "application/vnd.docker.container.image.v1+json" => Self::Config,
            "application/vnd.docker.distribution.manifest.v1+json"
            | "application/vnd.docker.distribution.manifest.v1+prettyjws" => Self::Schema1,
            other => layer(other).map_or(Self::Other, Self::Layer),
        }
    }

    /// Whether a blob of this kind is JSON that [`Document`](crate::Document) can read.
    pub const fn is_document(self) -> bool {
        matches!(self, Self::Manifest | Self::Index | Self::Config)
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Manifest => "manifest",
            Self::Index => "index",
            Self::Config => "config",
            Self::Layer(_) => "layer",
            Self::Schema1 => "schema1",
            Self::Other => "other",
        })
    }
}

/// `…image.layer.v1.tar`, `…layer.nondistributable.v1.tar+gzip`, `…rootfs.foreign.diff.tar.zstd`.
fn layer(media_type: &str) -> Option<Compression> {
    let rest = [
        "application/vnd.oci.image.layer.v1.tar",
        "application/vnd.oci.image.layer.nondistributable.v1.tar",
        "application/vnd.docker.image.rootfs.diff.tar",
        "application/vnd.docker.image.rootfs.foreign.diff.tar",
    ]
    .iter()
    .find_map(|prefix| media_type.strip_prefix(prefix))?;
    let rest = rest.strip_suffix("+encrypted").unwrap_or(rest);
    Some(match rest {
        "" => Compression::None,
        "+gzip" | ".gzip" => Compression::Gzip,
        "+zstd" | ".zstd" => Compression::Zstd,
        _ => Compression::Other,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds() {
        for (media_type, kind) in [
            ("application/vnd.oci.image.manifest.v1+json", Kind::Manifest),
            (
                "application/vnd.docker.distribution.manifest.list.v2+json",
                Kind::Index,
            ),
            (
                "application/vnd.docker.container.image.v1+json",
                Kind::Config,
            ),
            (
                "application/vnd.oci.image.layer.v1.tar",
                Kind::Layer(Compression::None),
            ),
            (
                "application/vnd.oci.image.layer.v1.tar+zstd",
                Kind::Layer(Compression::Zstd),
            ),
            (
                "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip",
                Kind::Layer(Compression::Gzip),
            ),
            (
                "application/vnd.oci.image.layer.v1.tar+gzip+encrypted",
                Kind::Layer(Compression::Gzip),
            ),
            (
                "application/vnd.oci.image.layer.v1.tar+lz4",
                Kind::Layer(Compression::Other),
            ),
            (
                "application/vnd.docker.distribution.manifest.v1+prettyjws",
                Kind::Schema1,
            ),
            ("text/plain", Kind::Other),
            ("", Kind::Other),
        ] {
            assert_eq!(Kind::from_media_type(media_type), kind, "{media_type}");
        }
    }

    #[test]
    fn first_bytes() {
        assert_eq!(Compression::detect(&[0x1f, 0x8b, 8, 0]), Compression::Gzip);
        assert_eq!(
            Compression::detect(&[0x28, 0xb5, 0x2f, 0xfd]),
            Compression::Zstd
        );
        assert_eq!(
            Compression::detect(&[0x51, 0x2a, 0x4d, 0x18]),
            Compression::Zstd
        );
        assert_eq!(Compression::detect(b"./"), Compression::None);
        assert_eq!(Compression::detect(&[]), Compression::None);
    }
}
