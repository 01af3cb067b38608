//! OCI and Docker documents: manifests, indexes, image configurations.

use finding::Text;
use serde::Serialize;

use crate::{
    Descriptor, Digest, Fault, ImageConfig, Kind, Link, Role,
    fields::{self, Fields},
    json::Raw,
};

/// The largest document that is read, in bytes. Registries accept manifests of 4 MiB.
pub const DOCUMENT_LIMIT: u64 = 16 << 20;

/// A document: what it says, what it links to, and what was wrong or not understood.
#[derive(Debug, Clone, PartialEq)]
pub struct Document {
    /// What it is: [`Kind::Manifest`], [`Kind::Index`] or [`Kind::Config`].
    pub kind: Kind,
    /// The media type that it gives itself, if it does.
    pub media_type: Option<Text>,
    /// What kind of artifact it says it is, if it does.
    pub artifact_type: Option<Text>,
    /// All of it, as it stands.
    pub raw: Raw,
    /// What is wrong with it; it was read all the same.
    pub faults: Vec<Fault>,
    /// JSON pointers of fields that neither OCI nor Docker defines (vendors add some).
    pub unknown: Vec<Text>,
    links: Vec<Link>,
    config: Option<ImageConfig>,
    whole: bool,
}

impl Document {
    /// Reads a document whose descriptor gives it `claimed` as its media type.
    ///
    /// The claim decides, as it does for containerd; where it is none of ours, the document's own
    /// media type decides, then its shape.
    ///
    /// # Errors
    /// [`Fault::NotJson`], [`Fault::TooComplex`], [`Fault::Schema1`], [`Fault::WrongKind`]: then
    /// nothing of it can be used. Every other fault is in [`Document::faults`].
    pub fn parse(bytes: &[u8], claimed: Option<&str>) -> Result<Self, Fault> {
        let (raw, replaced) = Raw::parse(bytes).map_err(|error| {
            if error.limit {
                Fault::TooComplex {
                    at: error.at,
                    why: error.why,
                }
            } else {
                Fault::NotJson {
                    at: error.at,
                    why: error.why,
                }
            }
        })?;
        let kind = kind_of(&raw, claimed)?;
        let mut fields = Fields::new();
        if replaced {
            fields.fault(Fault::NotUtf8);
        }
        fields.duplicates(&raw);
        let mut document = Self {
            kind,
            media_type: None,
            artifact_type: None,
            faults: Vec::new(),
            unknown: Vec::new(),
            links: Vec::new(),
            config: None,
            whole: true,
            raw: Raw::Null,
        };
        if kind == Kind::Config {
            fields.known(&raw, "", fields::CONFIG);
            document.config = Some(ImageConfig::read_image_config(&raw, &mut fields));
        } else {
            document.read_manifest(&raw, &mut fields);
        }
        document.raw = raw;
        document.whole = fields.whole;
        document.faults = fields.faults;
        document.unknown = fields.unknown;
        Ok(document)
    }

    fn read_manifest(&mut self, raw: &Raw, fields: &mut Fields) {
        let index = self.kind == Kind::Index;
        fields.known(
            raw,
            "",
            if index {
                fields::INDEX
            } else {
                fields::MANIFEST
            },
        );
        self.media_type = fields.text_field(raw, "", "mediaType");
        self.artifact_type = fields.text_field(raw, "", "artifactType");
        match raw
            .get("schemaVersion")
            .map(|version| (version, version.integer()))
        {
            Some((_, Some(2))) => {}
            None => fields.missing("/schemaVersion"),
            Some((version, _)) => fields.value("/schemaVersion", "2", version),
        }
        if !index {
            match raw.get("config") {
                Some(config) => self.link(Role::Config, config, "/config", fields),
                None => fields.missing("/config"),
            }
        }
        let (name, role): (_, fn(usize) -> Role) = if index {
            ("manifests", Role::Manifest)
        } else {
            ("layers", Role::Layer)
        };
        for (number, item) in fields.array(raw, "", name).iter().enumerate() {
            self.link(role(number), item, &format!("/{name}/{number}"), fields);
        }
        if let Some(subject) = raw.get("subject") {
            self.link(Role::Subject, subject, "/subject", fields);
        }
    }

    fn link(&mut self, role: Role, raw: &Raw, at: &str, fields: &mut Fields) {
        if let Some(descriptor) = Descriptor::read_descriptor(raw, at, fields) {
            self.links.push(Link { role, descriptor });
        }
    }

    /// What it points to, in order: config, layers, manifests, subject. A descriptor whose digest
    /// is none is left out, and is a fault.
    pub fn links(&self) -> &[Link] {
        &self.links
    }

    /// The links to layers, in order from the lowest.
    pub fn layers(&self) -> impl Iterator<Item = &Descriptor> {
        self.links
            .iter()
            .filter(|link| matches!(link.role, Role::Layer(_)))
            .map(|l| &l.descriptor)
    }

    /// The image's configuration, if it is one.
    pub const fn config(&self) -> Option<&ImageConfig> {
        self.config.as_ref()
    }

    /// The diffIDs of a config, from the lowest layer up; empty for anything else.
    pub fn diff_ids(&self) -> &[Digest] {
        self.config.as_ref().map_or(&[], |config| &config.diff_ids)
    }

    /// Whether every link could be read. Only then may be concluded that it does not name a blob.
    pub const fn is_whole(&self) -> bool {
        self.whole
    }

    /// What is wrong between this manifest and its config: containerd refuses to unpack when they
    /// differ in the number of layers (`mismatched image rootfs and manifest layers`).
    pub fn disagrees(&self, config: &ImageConfig) -> Option<Fault> {
        let layers = self
            .raw
            .get("layers")
            .and_then(Raw::items)
            .map_or(0, <[Raw]>::len);
        (self.kind == Kind::Manifest && layers != config.layers).then_some(Fault::LayerCount {
            layers,
            diff_ids: config.layers,
        })
    }
}

/// Decides what a document is, and refuses what containerd's `validateMediaType` refuses.
fn kind_of(raw: &Raw, claimed: Option<&str>) -> Result<Kind, Fault> {
    let own = raw
        .get("mediaType")
        .and_then(Raw::string)
        .map_or(Kind::Other, Kind::from_media_type);
    let has = |name: &str| match raw.get(name) {
        Some(Raw::Array(items)) => !items.is_empty(),
        Some(_) => true,
        None => false,
    };
    let looks = if has("fsLayers") || own == Kind::Schema1 {
        Kind::Schema1
    } else if has("manifests") || own == Kind::Index {
        Kind::Index
    } else if has("layers") || own == Kind::Manifest {
        Kind::Manifest
    } else if raw.get("rootfs").is_some() {
        Kind::Config
    } else {
        Kind::Other
    };
    let claimed = claimed.map_or(Kind::Other, Kind::from_media_type);
    let want = if claimed.is_document() { claimed } else { own };
    match (want, looks) {
        (_, Kind::Schema1) => Err(Fault::Schema1),
        (want, _) if raw.members().is_empty() && *raw != Raw::Object(Vec::new()) => {
            Err(Fault::WrongKind {
                want,
                found: raw.kind(),
            })
        }
        (Kind::Manifest, Kind::Index) => Err(Fault::WrongKind {
            want: Kind::Manifest,
            found: "an index",
        }),
        (Kind::Index, Kind::Manifest) => Err(Fault::WrongKind {
            want: Kind::Index,
            found: "a manifest",
        }),
        (Kind::Manifest | Kind::Index, Kind::Config) => Err(Fault::WrongKind {
            want,
            found: "a configuration",
        }),
        (Kind::Config, Kind::Manifest | Kind::Index) => Err(Fault::WrongKind {
            want: Kind::Config,
            found: if looks == Kind::Index {
                "an index"
            } else {
                "a manifest"
            },
        }),
        (want, _) if want.is_document() => Ok(want),
        (_, looks) if looks.is_document() => Ok(looks),
        (want, _) => Err(Fault::WrongKind {
            want,
            found: "neither a manifest nor an index nor a config",
        }),
    }
}

impl Serialize for Document {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.raw.serialize(serializer)
    }
}
