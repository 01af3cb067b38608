//! The documents of every image: indexes, manifests and configurations, as far as they are there.

use std::collections::{BTreeMap, VecDeque};
use std::path::{Path, PathBuf};

use content::{Compression, DOCUMENT_LIMIT, Digest, Document, Kind, Link, Role};
use evidence::Evidence;
use finding::{Unknown, Unread};
use metadb::MetaDb;

/// What became of the attempt to read one document.
#[derive(Debug, Clone)]
pub enum Wanted {
    /// It was read, and its digest is right.
    Read(Box<Document>),
    /// Its bytes have another digest.
    Altered {
        /// The digest that they have.
        computed: Digest,
        /// How many they are.
        size: u64,
    },
    /// Its digest is right, but it is not the document that it should be.
    Malformed(content::Fault),
    /// There are no bytes.
    Unread(Unread),
}

impl Wanted {
    /// The document, if it was read.
    pub const fn document(&self) -> Option<&Document> {
        match self {
            Self::Read(document) => Some(document),
            _ => None,
        }
    }

    /// Why it cannot be used; nothing where it can.
    pub fn why(&self) -> String {
        match self {
            Self::Read(_) => String::new(),
            Self::Altered { computed, .. } => format!("is altered: its bytes are {computed}"),
            Self::Malformed(fault) => fault.to_string(),
            Self::Unread(unread) => unread.to_string(),
        }
    }
}

/// One blob that an image needs, and what for.
#[derive(Debug, Clone)]
pub struct Need<'n> {
    /// The link to it, in the document that names it; nothing for the image's own target.
    pub link: Option<&'n Link>,
    /// The document that names it.
    pub from: Option<&'n Digest>,
    /// Its digest.
    pub digest: Digest,
}

/// Documents by digest.
#[derive(Debug, Clone, Default)]
pub struct Documents {
    read: BTreeMap<Digest, Wanted>,
    /// Layers that are called plain archives and begin as something compressed.
    packed: BTreeMap<Digest, Compression>,
    /// What was left out.
    unknown: Option<Unknown>,
}

/// No node has more documents than this; an evil one stops here.
const MOST_DOCUMENTS: usize = 200_000;

/// The path of a blob in the content store.
pub(crate) fn blob_path(content_root: &Path, digest: &Digest) -> PathBuf {
    content_root
        .join("blobs")
        .join(digest.algorithm().name())
        .join(digest.hex())
}

impl Documents {
    /// Reads the target of every image, and the documents that those name.
    pub(crate) fn read_documents(
        evidence: &Evidence,
        content_root: &Path,
        meta: Option<&MetaDb>,
    ) -> Self {
        let mut queue: VecDeque<(Digest, String)> = VecDeque::new();
        for namespace in meta.iter().flat_map(|meta| meta.namespaces()) {
            for image in namespace.images.read().into_iter().flatten() {
                let Some(target) = &image.target else {
                    continue;
                };
                if let Ok(digest) = Digest::parse_bytes(target.digest.bytes()) {
                    queue.push_back((
                        digest,
                        target.media_type.utf8().unwrap_or_default().to_owned(),
                    ));
                }
            }
        }
        Self::below(evidence, content_root, queue)
    }

    /// Reads the documents with these digests and media types, and those that they name.
    pub fn below(
        evidence: &Evidence,
        content_root: &Path,
        targets: impl IntoIterator<Item = (Digest, String)>,
    ) -> Self {
        let mut queue: VecDeque<(Digest, String)> = targets.into_iter().collect();
        let mut documents = BTreeMap::new();
        let mut packed = BTreeMap::new();
        let mut unknown = None;
        while let Some((digest, media_type)) = queue.pop_front() {
            if documents.contains_key(&digest) {
                continue;
            }
            if documents.len() >= MOST_DOCUMENTS {
                unknown = Some(Unknown::new(
                    "documents of images, and what they name",
                    format!("only {MOST_DOCUMENTS} are read"),
                ));
                break;
            }
            let wanted = read_one(evidence, content_root, &digest, &media_type);
            if let Some(document) = wanted.document() {
                for link in document.links() {
                    let descriptor = &link.descriptor;
                    let media_type = descriptor.media_type.utf8().unwrap_or_default();
                    if descriptor.kind().is_document() {
                        queue.push_back((descriptor.digest.clone(), media_type.to_owned()));
                    } else if link.role == Role::Config {
                        // An artifact has a configuration of its own kind; an image may be called so.
                        let found = read_one(evidence, content_root, &descriptor.digest, "");
                        let is_config = |found: &Document| found.kind == Kind::Config;
                        if found.document().is_some_and(is_config) {
                            documents.insert(descriptor.digest.clone(), found);
                        }
                    } else if descriptor.kind() == Kind::Layer(Compression::None)
                        && !packed.contains_key(&descriptor.digest)
                    {
                        let head = head(evidence, content_root, &descriptor.digest);
                        let how = head.map(|head| Compression::detect(&head));
                        packed.extend(how.map(|how| (descriptor.digest.clone(), how)));
                    }
                }
            }
            documents.insert(digest, wanted);
        }
        packed.retain(|_, how| *how != Compression::None);
        Self {
            read: documents,
            packed,
            unknown,
        }
    }

    /// What of them was left out, and why.
    pub const fn unknown(&self) -> Option<&Unknown> {
        self.unknown.as_ref()
    }

    /// How a layer is compressed that is called a plain archive, where it is not one.
    pub fn packed(&self, digest: &Digest) -> Option<Compression> {
        self.packed.get(digest).copied()
    }

    /// The document of this digest, if an image wants it.
    pub fn get(&self, digest: &Digest) -> Option<&Wanted> {
        self.read.get(digest)
    }

    /// Every document that an image wants.
    pub fn iter(&self) -> impl Iterator<Item = (&Digest, &Wanted)> {
        self.read.iter()
    }

    /// Everything below `target`, the target first; each digest once.
    pub fn needs(&self, target: &Digest) -> Vec<Need<'_>> {
        let mut needs = vec![Need {
            link: None,
            from: None,
            digest: target.clone(),
        }];
        let mut at = 0_usize;
        let mut seen = std::collections::BTreeSet::from([target.clone()]);
        while let Some(digest) = needs.get(at).map(|need| need.digest.clone()) {
            at = at.saturating_add(1);
            let Some((from, Wanted::Read(document))) = self.read.get_key_value(&digest) else {
                continue;
            };
            for link in document.links() {
                if seen.insert(link.descriptor.digest.clone()) {
                    let digest = link.descriptor.digest.clone();
                    needs.push(Need {
                        link: Some(link),
                        from: Some(from),
                        digest,
                    });
                }
            }
        }
        needs
    }
}

/// The first bytes of a blob.
fn head(evidence: &Evidence, root: &Path, digest: &Digest) -> Option<[u8; 4]> {
    let pages = evidence.pages(&blob_path(root, digest)).ok()?;
    let mut head = [0; 4];
    pages.read_at(0, &mut head).ok()?;
    Some(head)
}

fn read_one(evidence: &Evidence, root: &Path, digest: &Digest, media_type: &str) -> Wanted {
    let path = blob_path(root, digest);
    let source = match evidence.document(&path, DOCUMENT_LIMIT) {
        Ok(source) => source,
        Err(unread) => return Wanted::Unread(unread),
    };
    let computed = digest.compute(source.bytes());
    // The bytes of a masked one are not the node's: nothing follows from their hash.
    if computed != *digest && !evidence.is_masked(&path) {
        return Wanted::Altered {
            computed,
            size: source.view().len(),
        };
    }
    let claimed = Some(media_type).filter(|text| !text.is_empty());
    match Document::parse(source.bytes(), claimed) {
        Ok(document) => Wanted::Read(Box::new(document)),
        // Who called it something else is told of that; others may call it what it is.
        Err(fault @ content::Fault::WrongKind { .. }) => Document::parse(source.bytes(), None)
            .map_or(Wanted::Malformed(fault), |document| {
                Wanted::Read(Box::new(document))
            }),
        Err(fault) => Wanted::Malformed(fault),
    }
}
