//! OCI and Docker documents: manifests, indexes, image configurations.

use std::borrow::Cow;

use finding::Text;
use json::{Flaw, Node, Value};
use serde::Serialize;
use view::View;

use crate::{
    Descriptor, Digest, Fault, ImageConfig, Kind, Link, Role,
    fields::{self, Fields},
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
    pub raw: Node,
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
        // Go replaces what is not UTF-8, and goes on.
        let text = String::from_utf8_lossy(bytes);
        let replaced = matches!(text, Cow::Owned(_));
        let read = json::Document::parse(View::new(text.as_bytes()));
        let mut flaws = read.flaws.into_iter();
        if let Some(flaw) = flaws.find(|flaw| !flaw.is_harmless()) {
            return Err(if flaw.is_limit() {
                Fault::TooComplex { flaw }
            } else {
                Fault::NotJson { flaw }
            });
        }
        let Some(raw) = read.root else {
            let flaw = Flaw::Empty;
            return Err(Fault::NotJson { flaw });
        };
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
            raw,
        };
        if kind == Kind::Config {
            fields.known(&document.raw, "", fields::CONFIG);
            document.config = Some(ImageConfig::read_image_config(&document.raw, &mut fields));
        } else {
            document.read_manifest(&mut fields);
        }
        document.whole = fields.whole;
        document.faults = fields.faults;
        document.unknown = fields.unknown;
        Ok(document)
    }

    fn read_manifest(&mut self, fields: &mut Fields) {
        let raw = &self.raw;
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
            .field("schemaVersion")
            .map(|version| (version, version.integer()))
        {
            Some((_, Some(2))) => {}
            None => fields.missing("/schemaVersion"),
            Some((version, _)) => fields.value("/schemaVersion", "2", fields::shown(version)),
        }
        if !index {
            match raw.field("config") {
                Some(config) => link(&mut self.links, Role::Config, config, "/config", fields),
                None => fields.missing("/config"),
            }
        }
        let (name, role): (_, fn(usize) -> Role) = if index {
            ("manifests", Role::Manifest)
        } else {
            ("layers", Role::Layer)
        };
        for (number, item) in fields.array(raw, "", name).iter().enumerate() {
            link(
                &mut self.links,
                role(number),
                item,
                &format!("/{name}/{number}"),
                fields,
            );
        }
        if let Some(subject) = raw.field("subject") {
            link(&mut self.links, Role::Subject, subject, "/subject", fields);
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
            .field("layers")
            .and_then(Node::items)
            .map_or(0, <[Node]>::len);
        (self.kind == Kind::Manifest && layers != config.layers).then_some(Fault::LayerCount {
            layers,
            diff_ids: config.layers,
        })
    }
}

fn link(links: &mut Vec<Link>, role: Role, raw: &Node, at: &str, fields: &mut Fields) {
    if let Some(descriptor) = Descriptor::read_descriptor(raw, at, fields) {
        links.push(Link { role, descriptor });
    }
}

/// Decides what a document is, and refuses what containerd's `validateMediaType` refuses.
fn kind_of(raw: &Node, claimed: Option<&str>) -> Result<Kind, Fault> {
    let own = raw
        .field("mediaType")
        .and_then(Node::string)
        .map_or(Kind::Other, Kind::from_media_type);
    let has = |name: &str| match raw.field(name) {
        Some(node) => node.items().is_none_or(|items| !items.is_empty()),
        None => false,
    };
    let looks = if has("fsLayers") || own == Kind::Schema1 {
        Kind::Schema1
    } else if has("manifests") || own == Kind::Index {
        Kind::Index
    } else if has("layers") || own == Kind::Manifest {
        Kind::Manifest
    } else if raw.field("rootfs").is_some() {
        Kind::Config
    } else {
        Kind::Other
    };
    let claimed = claimed.map_or(Kind::Other, Kind::from_media_type);
    let want = if claimed.is_document() { claimed } else { own };
    match (want, looks) {
        (_, Kind::Schema1) => Err(Fault::Schema1),
        (want, _) if raw.members().is_empty() && !matches!(raw.value, Value::Object(_)) => {
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
