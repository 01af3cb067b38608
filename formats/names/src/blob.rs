//! Which blob is meant: by digest, by the beginning of one, or by an image that names it.

use std::collections::BTreeMap;

use content::{Digest, Store};
use evidence::Evidence;
use finding::{Refused, Text};
use node::{Documents, Node};

/// A blob that was asked for.
#[derive(Debug, Clone)]
pub struct Target {
    /// What it is: `image k8s.io/localhost/app:1`, or the digest.
    pub what: String,
    /// Its digest.
    pub digest: Digest,
    /// What the image's row says that it is.
    pub media_type: Option<Text>,
    /// Its size, as the image's row says.
    pub size: Option<u64>,
    /// Namespace and name of the image, if it was asked for by an image.
    pub image: Option<(Text, Text)>,
}

/// Hex digits that are enough to mean a digest.
const ENOUGH: usize = 6;

/// The content store of a node, as far as it could be listed.
///
/// # Errors
/// Nothing of it could be.
pub fn store(node: &Node) -> Result<&Store, Refused> {
    node.content.read().ok_or_else(|| {
        let why = node.content.unknown().first();
        let why = why.map(|unknown| format!("{} {}", unknown.what, unknown.why));
        Refused::unread(why.unwrap_or_default())
            .hint("check that the right disk is mounted, or name the root with --root")
    })
}

/// Whether `name` means the image `key` of `namespace`: as it stands, with `NAMESPACE/` before it,
/// or as docker shortens names (`nginx` for `docker.io/library/nginx:latest`).
fn names(name: &str, namespace: &Text, key: &Text) -> bool {
    let Some(key) = key.utf8() else {
        return false;
    };
    let spaced = namespace
        .utf8()
        .and_then(|namespace| name.strip_prefix(namespace)?.strip_prefix('/'));
    [Some(name), spaced].into_iter().flatten().any(|name| {
        let last = name.rsplit('/').next().unwrap_or(name);
        let tagged = if last.contains([':', '@']) {
            name.to_owned()
        } else {
            format!("{name}:latest")
        };
        key == name
            || key == tagged
            || key.strip_prefix("docker.io/library/") == Some(&tagged)
            || key.strip_prefix("docker.io/") == Some(&tagged)
    })
}

/// The digests that `name` may be the beginning of.
fn digests(store: &Store, documents: &Documents, name: &str) -> Vec<Digest> {
    if let Ok(digest) = Digest::parse(name) {
        return vec![digest];
    }
    let hex = name.rsplit(':').next().unwrap_or_default();
    if hex.len() < ENOUGH || !hex.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return Vec::new();
    }
    let fits =
        |digest: &&Digest| digest.hex().starts_with(hex) || digest.as_str().starts_with(name);
    let blobs = store.blobs.iter().map(|blob| &blob.digest);
    let mut found: Vec<Digest> = blobs.filter(fits).cloned().collect();
    let links = documents.iter().flat_map(|(digest, wanted)| {
        let links = wanted
            .document()
            .into_iter()
            .flat_map(content::Document::links);
        links.map(|link| &link.descriptor.digest).chain([digest])
    });
    found.extend(links.filter(fits).cloned());
    found.sort();
    found.dedup();
    found
}

/// The blob that `name` means.
///
/// # Errors
/// It means none, or several.
pub fn blob(node: &Node, name: &str) -> Result<Target, Refused> {
    let store = store(node)?;
    let mut images: BTreeMap<Digest, Target> = BTreeMap::new();
    for space in node.namespaces() {
        for image in space.images.read().into_iter().flatten() {
            let Some(target) = image.target.as_ref() else {
                continue;
            };
            let Ok(digest) = Digest::parse_bytes(target.digest.bytes()) else {
                continue;
            };
            if names(name, &space.name, &image.key) {
                images.entry(digest.clone()).or_insert_with(|| Target {
                    what: format!("image {}/{}", space.name, image.key),
                    digest,
                    media_type: Some(target.media_type.clone()),
                    size: target.size.and_then(|size| u64::try_from(size).ok()),
                    image: Some((space.name.clone(), image.key.clone())),
                });
            }
        }
    }
    if images.is_empty() {
        for digest in digests(store, &node.documents, name) {
            let what = digest.to_string();
            let target = Target {
                what,
                digest: digest.clone(),
                media_type: media_type(node, &digest),
                size: None,
                image: None,
            };
            images.insert(digest, target);
        }
    }
    let shown = Text::from(name);
    let mut found: Vec<Target> = images.into_values().collect();
    match (found.pop(), found.len()) {
        (Some(only), 0) => Ok(only),
        (None, _) => {
            let whole = node.meta.rows.is_some();
            let why = if whole { "" } else { " in what could be read" };
            Err(
                Refused::question(format!("no image or blob is called {shown}{why}")).hint(
                    "`coroner meta ls NODE images` and `coroner content ls NODE` list them; six \
                     digits of a digest are enough",
                ),
            )
        }
        (Some(last), _) => {
            found.push(last);
            let names: Vec<&str> = found.iter().take(6).map(|one| one.what.as_str()).collect();
            Err(
                Refused::question(format!("{shown} may be any of {}", names.join(", ")))
                    .hint("give NAMESPACE/NAME, or more digits"),
            )
        }
    }
}

/// The image that `name` means: as [`blob`], and what crictl calls IMAGE ID. That is the digest of a
/// configuration, and the CRI keeps an image of that name, too.
///
/// # Errors
/// It means none, or several.
pub fn image(node: &Node, name: &str) -> Result<Target, Refused> {
    let hex = name.strip_prefix("sha256:").unwrap_or(name);
    let is_id = hex.len() >= ENOUGH && hex.bytes().all(|byte| byte.is_ascii_hexdigit());
    let spaces = node.namespaces();
    let all = spaces.flat_map(|space| {
        let images = space.images.read().into_iter().flatten();
        images.map(move |image| (&space.name, image))
    });
    let mut found: BTreeMap<Digest, Target> = BTreeMap::new();
    for (space, image) in all.filter(|_| is_id) {
        let key = image.key.utf8().and_then(|key| key.strip_prefix("sha256:"));
        let (true, Some(target)) = (
            key.is_some_and(|key| key.starts_with(hex)),
            image.target.as_ref(),
        ) else {
            continue;
        };
        if let Ok(digest) = Digest::parse_bytes(target.digest.bytes()) {
            found.entry(digest.clone()).or_insert_with(|| Target {
                what: format!("image {space}/{}", image.key),
                digest,
                media_type: Some(target.media_type.clone()),
                size: target.size.and_then(|size| u64::try_from(size).ok()),
                image: Some((space.clone(), image.key.clone())),
            });
        }
    }
    if found.len() == 1
        && let Some((_, only)) = found.pop_first()
    {
        return Ok(only);
    }
    blob(node, name)
}

/// What some document says that this blob is.
fn media_type(node: &Node, digest: &Digest) -> Option<Text> {
    let documents = node.documents.iter();
    let mut links = documents.flat_map(|(_, wanted)| {
        let document = wanted.document();
        document.into_iter().flat_map(content::Document::links)
    });
    let link = links.find(|link| link.descriptor.digest == *digest)?;
    Some(link.descriptor.media_type.clone())
}

impl Target {
    /// The documents of it: itself, and those below it.
    pub fn documents(&self, evidence: &Evidence, node: &Node) -> Documents {
        let media_type = self.media_type.as_ref().and_then(Text::utf8);
        let target = (
            self.digest.clone(),
            media_type.unwrap_or_default().to_owned(),
        );
        Documents::below(evidence, &node.content_root(), [target])
    }
}
