//! An image's manifests, and what of them is in the store.

use crate::{Documents, Wanted};
use content::{Descriptor, Digest, Document, ImageConfig, Kind, Platform, Role, Store};

/// One manifest of an image: that of one platform.
#[derive(Debug, Clone)]
pub struct Manifest<'d> {
    /// Its digest.
    pub digest: Digest,
    /// How the index names it; nothing if it is the image's target itself.
    pub named: Option<&'d Descriptor>,
    /// It itself.
    pub document: &'d Document,
    /// How it names its configuration.
    pub config_link: Option<&'d Descriptor>,
    /// That, if it could be read.
    pub config: Option<&'d ImageConfig>,
}

impl Manifest<'_> {
    /// What it runs on: as its index says, or its configuration.
    pub fn platform(&self) -> Option<&Platform> {
        let named = self.named.and_then(|named| named.platform.as_ref());
        named.or_else(|| self.config.map(|config| &config.platform))
    }

    /// How it is called in messages.
    pub fn name(&self) -> String {
        let platform = self.platform().map(|platform| format!(" ({platform})"));
        format!("{}{}", self.digest, platform.unwrap_or_default())
    }

    /// Whether `wish` is its platform: `linux/arm64`, `arm64`, `linux/arm/v7`.
    pub fn is_for(&self, wish: &str) -> bool {
        let Some(platform) = self.platform() else {
            return false;
        };
        let whole = platform.to_string();
        let short = format!("{}/{}", platform.os, platform.architecture);
        wish == whole || wish == short || platform.architecture == wish
    }
}

/// A manifest that an index names and that cannot be read.
#[derive(Debug, Clone)]
pub struct Absent<'d> {
    /// How the index names it.
    pub named: &'d Descriptor,
    /// Why it cannot be read.
    pub why: String,
}

/// Every manifest below `target`, in the order of the indexes; those that are not there.
pub fn manifests<'d>(
    documents: &'d Documents,
    target: &Digest,
) -> (Vec<Manifest<'d>>, Vec<Absent<'d>>) {
    let mut found = Vec::new();
    let mut absent = Vec::new();
    for need in documents.needs(target) {
        let named = need.link.map(|link| &link.descriptor);
        let is_manifest = need
            .link
            .is_none_or(|link| matches!(link.role, Role::Manifest(_)));
        if !is_manifest {
            continue;
        }
        let wanted = documents.get(&need.digest);
        match wanted.map(|wanted| (wanted, wanted.document())) {
            Some((_, Some(document))) if document.kind == Kind::Manifest => {
                let mut links = document.links().iter();
                let config_link = links
                    .find(|link| link.role == Role::Config)
                    .map(|link| &link.descriptor);
                let config =
                    config_link.and_then(|link| documents.get(&link.digest)?.document()?.config());
                found.push(Manifest {
                    digest: need.digest,
                    named,
                    document,
                    config_link,
                    config,
                });
            }
            Some((_, Some(_))) => {}
            Some((wanted, None)) => {
                if let Some(named) = named {
                    let why = wanted.why();
                    absent.push(Absent { named, why });
                }
            }
            // An artifact of somebody's own, which is no document that we read.
            None => {
                if let Some(named) = named {
                    let why = format!("{} is not read", named.media_type);
                    absent.push(Absent { named, why });
                }
            }
        }
    }
    (found, absent)
}

/// Whether a blob's file is there, by its directory entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum BlobState {
    /// It is there, of the right size.
    Ok,
    /// It is not there.
    Missing,
    /// It is there, of another size than the descriptor says.
    OtherSize,
    /// Its bytes have another digest.
    Altered,
    /// Its digest is right, but it is not the document that it should be.
    Malformed,
    /// It is there and could not be read.
    Unread,
}

impl BlobState {
    /// Its word in the text.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Missing => "missing",
            Self::OtherSize => "other size",
            Self::Altered => "altered",
            Self::Malformed => "malformed",
            Self::Unread => "unread",
        }
    }

    /// What the store's directories, and the documents that were read, say of a blob.
    pub fn look_up(
        store: &Store,
        documents: &Documents,
        digest: &Digest,
        claimed: Option<u64>,
    ) -> Self {
        let Some(blob) = store.blob(digest) else {
            return Self::Missing;
        };
        match documents.get(digest) {
            Some(Wanted::Altered { .. }) => return Self::Altered,
            Some(Wanted::Malformed(_)) => return Self::Malformed,
            Some(Wanted::Unread(_)) => return Self::Unread,
            Some(Wanted::Read(_)) | None => {}
        }
        if claimed.is_some_and(|claimed| claimed != blob.stat.size) {
            return Self::OtherSize;
        }
        Self::Ok
    }
}
