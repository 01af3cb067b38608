//! Images: their manifests, configurations and layers.

use daemon::{start, told};
use std::collections::{BTreeMap, BTreeSet};

use content::{Digest, Kind, Role, chain_ids};
use finding::{Code, Fault, Finding, Location, Object, Severity, Text, Unread};
use metadb::{BlobRow, Image, Namespace, Row};
use node::{Need as Wants, Node, Wanted, path_text};

use crate::judge::affecting;
use crate::{Check, Judge};

/// The manifest or index that an image points to has no row.
pub(crate) const TARGET_MISSING: Check = Check {
    code: &Code {
        name: "image/target-missing",
        rule: "G08",
        severity: Severity::Damage,
        title: "An image points to a manifest that its namespace does not have",
        explanation: "The image's name is there, its manifest or index is not: the image cannot be \
            used, listed by the CRI, or exported.",
        remedy: "Delete the image's name (`ctr images rm`) and pull it again.",
    },
    needs: &[],
    run: target_missing,
};

/// A config or layer that an image needs has no row.
pub(crate) const CONTENT_MISSING: Check = Check {
    code: &Code {
        name: "image/content-missing",
        rule: "G09",
        severity: Severity::Damage,
        title: "An image lacks its configuration or a layer",
        explanation: "The manifest is there and says that it holds the blob (a gc.ref label), but \
            its namespace has no row for it. Layers that were discarded after unpacking on purpose \
            have no such label and are not meant here. An image whose layers are all unpacked still \
            runs, but cannot be exported, pushed or unpacked again: that is reported as odd.",
        remedy: "Pull the image again: with --all-platforms or after removing its name, if the \
            pull says that everything is there.",
    },
    needs: &[],
    run: content_missing,
};

/// A blob that an image needs is there, but nothing keeps it.
pub(crate) const REFERENCE_MISSING: Check = Check {
    code: &Code {
        name: "image/reference-missing",
        rule: "G10",
        severity: Severity::Damage,
        title: "Nothing keeps a blob that an image needs",
        explanation: "The manifest names its configuration or a layer, and the blob is there; but \
            no label of the manifest's row (containerd.io/gc.ref.content…) refers to it, nor does \
            another row's. The garbage collector goes by those labels: it removes the blob, and the \
            image is incomplete. Layers that were discarded on purpose lose all their labels at \
            once and are not meant here.",
        remedy: "Do not start containerd before a copy of the blob is kept: the first garbage \
            collection comes 100 ms later. In a copy of meta.db, give the manifest's row the label \
            back.",
    },
    needs: &[],
    run: reference_missing,
};

/// A document of an image is not what it should be.
pub(crate) const DOCUMENT: Check = Check {
    code: &Code {
        name: "image/document-unusable",
        rule: "C09",
        severity: Severity::Damage,
        title: "A manifest, index or configuration of an image cannot be used",
        explanation: "Its digest is right, so its bytes are those that were pulled; but it is not \
            the document that its media type says, or contradicts itself. Which blobs the image \
            needs is then unknown.",
        remedy: "Pull the image again; if that gives the same bytes, the image is broken at its \
            source.",
    },
    needs: &[],
    run: document,
};

pub(crate) type Rows<'n> = BTreeMap<Digest, &'n Row<BlobRow>>;

/// Rows of the blobs of a namespace, by digest.
pub(crate) fn rows(namespace: &Namespace) -> Rows<'_> {
    let rows = namespace.blobs.read().into_iter().flatten();
    rows.filter_map(|row| Some((Digest::parse_bytes(row.key.bytes()).ok()?, row)))
        .collect()
}

/// The images of a namespace by what they point to: the CRI keeps three names for one target.
pub(crate) fn targets(namespace: &Namespace) -> BTreeMap<Digest, Vec<&Row<Image>>> {
    let mut targets: BTreeMap<Digest, Vec<&Row<Image>>> = BTreeMap::new();
    for image in namespace.images.read().into_iter().flatten() {
        let target = image.target.as_ref();
        if let Some(digest) = target.and_then(|t| Digest::parse_bytes(t.digest.bytes()).ok()) {
            targets.entry(digest).or_default().push(image);
        }
    }
    targets
}

pub(crate) fn objects(namespace: &Text, images: &[&Row<Image>]) -> Vec<Object> {
    let object = |image: &&Row<Image>| Object::new("image", namespace.clone(), image.key.clone());
    images.iter().map(object).collect()
}

fn target_missing(judge: &mut Judge<'_>) {
    for namespace in judge.namespaces() {
        if judge.abstains_for(namespace.blobs.unknown()) {
            continue;
        }
        for image in namespace.images.read().into_iter().flatten() {
            if let Some(finding) = no_digest(judge, image) {
                let objects = objects(&namespace.name, &[image]);
                judge.say(affecting(finding, &objects));
            }
        }
        let rows = rows(namespace);
        let mut findings = Vec::new();
        let targets = targets(namespace);
        let total = targets.len();
        for (digest, images) in targets {
            let Some(image) = images.first() else {
                continue;
            };
            if rows.contains_key(&digest) {
                continue;
            }
            let location = image.at.location(&judge.node.meta.path);
            let message = format!(
                "its target {digest} is not in the namespace {}",
                namespace.name
            );
            let finding = Finding::new(TARGET_MISSING.code, location, message);
            findings.push(affecting(finding, &objects(&namespace.name, &images)));
        }
        // Those of a namespace without any content are one fault.
        let total = if rows.is_empty() { total } else { usize::MAX };
        judge.say_all(findings, total, |count| {
            let name = &namespace.name;
            let location = in_content(judge.node, name);
            let message = format!(
                "{name} has no content: none of the {count} targets of its images is there"
            );
            (location, message)
        });
    }
}

/// The bucket of a namespace's blobs.
fn in_content(node: &Node, namespace: &Text) -> Location {
    let mut location = Location::file(node.meta.path.clone());
    for bucket in [
        "v1".into(),
        namespace.clone(),
        "content".into(),
        "blob".into(),
    ] {
        location = location.place("bucket", bucket);
    }
    location
}

/// An image whose target is there and is no digest: nothing can be found by it.
fn no_digest(judge: &Judge<'_>, image: &Row<Image>) -> Option<Finding> {
    let target = image.target.as_ref()?;
    let fault = Digest::parse_bytes(target.digest.bytes()).err()?;
    let location = image.at.location(&judge.node.meta.path);
    let message = format!("its target `{}` is no digest: {fault}", target.digest);
    Some(Finding::new(TARGET_MISSING.code, location, message))
}

/// What a link is to its image, for a sentence.
fn role(role: &Role) -> String {
    match role {
        Role::Layer(number) => format!("layer {number}"),
        Role::Config => "configuration".to_owned(),
        other => other.to_string(),
    }
}

/// The row of a blob, as what a finding is about.
fn about(namespace: &Namespace, digest: &Digest) -> Object {
    Object::new("blob", namespace.name.clone(), digest.as_str())
}

/// The digests that the document's row says it holds.
fn references(row: &Row<BlobRow>) -> impl Iterator<Item = &[u8]> {
    let is_reference = |label: &Text| label.bytes().starts_with(b"containerd.io/gc.ref.content");
    let labels = row.labels.entries.iter();
    labels
        .filter(move |(label, _)| is_reference(label))
        .map(|(_, value)| value.bytes())
}

/// Whether the document's row says that it holds `digest`.
fn holds(row: &Row<BlobRow>, digest: &Digest) -> bool {
    references(row).any(|held| held == digest.as_str().as_bytes())
}

fn content_missing(judge: &mut Judge<'_>) {
    for namespace in judge.namespaces() {
        if judge.abstains_for(namespace.blobs.unknown()) {
            continue;
        }
        let rows = rows(namespace);
        for (digest, row) in &rows {
            for finding in garbled_references(judge, digest, row) {
                judge.say(finding.about([about(namespace, digest)]));
            }
        }
        let mut lacking = Lacking::new();
        for (target, images) in targets(namespace) {
            let needs = judge.node.documents.needs(&target);
            for need in &needs {
                if let Some(finding) = lacks(judge, namespace, &rows, need) {
                    let finding = affecting(finding, &objects(&namespace.name, &images));
                    add(&mut lacking, &need.digest, finding);
                }
            }
        }
        for finding in lacking.into_values() {
            judge.say(finding);
        }
    }
}

/// One finding for each blob, however many images need it.
type Lacking = BTreeMap<Digest, Finding>;

/// Adds what one image lacks to what the others do; the worst of them counts.
fn add(lacking: &mut Lacking, digest: &Digest, finding: Finding) {
    let finding = match lacking.remove(digest) {
        None => finding,
        Some(known) if known.severity >= finding.severity => known.joined(&finding),
        Some(known) => finding.joined(&known),
    };
    lacking.insert(digest.clone(), finding);
}

/// Labels of a blob that should hold another and hold no digest: the garbage collector does not
/// find what they were to keep.
fn garbled_references(judge: &Judge<'_>, digest: &Digest, row: &Row<BlobRow>) -> Vec<Finding> {
    garbled(row)
        .map(|(label, value, fault)| {
            let location = row.at.location(&judge.node.meta.path);
            let message = format!(
                "its label {label} is `{value}`, no digest ({fault}): the next garbage collection \
                 may remove what it was to keep"
            );
            let finding = Finding::new(CONTENT_MISSING.code, location, message);
            affecting(finding, &judge.graph.users_of_blob(digest))
        })
        .collect()
}

/// Labels of references that hold no digest, with what is wrong.
fn garbled(row: &Row<BlobRow>) -> impl Iterator<Item = (&Text, &Text, content::DigestError)> {
    let is_reference = |label: &Text| label.bytes().starts_with(b"containerd.io/gc.ref.content.");
    let references = row.labels.entries.iter();
    references
        .filter(move |(label, _)| is_reference(label))
        .filter_map(|(label, value)| {
            let fault = Digest::parse_bytes(value.bytes()).err()?;
            Some((label, value, fault))
        })
}

/// What to say where `need` is not there; nothing where it is, or need not be.
fn lacks(
    judge: &Judge<'_>,
    namespace: &Namespace,
    rows: &Rows<'_>,
    need: &Wants<'_>,
) -> Option<Finding> {
    let (link, from) = (need.link?, need.from?);
    // An index may name many platforms, of which one was pulled: only manifests bind.
    let holder = rows.get(from)?;
    let of_manifest = judge.node.documents.get(from)?.document()?.kind == Kind::Manifest;
    if !of_manifest || rows.contains_key(&need.digest) || !holds(holder, &need.digest) {
        return None;
    }
    let what = role(&link.role);
    let location = in_content(judge.node, &namespace.name).place("blob", need.digest.as_str());
    let message = format!(
        "the {what} {} is not in the namespace {}",
        need.digest, namespace.name
    );
    let finding = Finding::new(CONTENT_MISSING.code, location, message);
    let is_layer = matches!(link.role, Role::Layer(_));
    let unpacked = is_layer && is_unpacked(judge, namespace, from);
    Some(if unpacked {
        finding.severity(Severity::Odd).remedy(UNPACKED)
    } else {
        finding
    })
}

/// Tried with 1.6, 1.7 and 2.1: `crictl pull` says that the image is up to date.
const UNPACKED: &str = "Containers start: the layer is unpacked. To export or push the image, fetch its content \
    (`ctr content fetch`): a pull by the CRI downloads no layer that is unpacked.";

/// The label of a layer's reference, without its number.
const LAYER_LABEL: &[u8] = b"containerd.io/gc.ref.content.l.";

fn reference_missing(judge: &mut Judge<'_>) {
    for namespace in judge.namespaces() {
        if judge.abstains_for(namespace.blobs.unknown()) {
            continue;
        }
        let rows = rows(namespace);
        let whole = rows.values().all(|row| row.labels.whole);
        let held: BTreeSet<&[u8]> = rows.values().flat_map(|row| references(row)).collect();
        let mut lacking = Lacking::new();
        for (target, images) in targets(namespace) {
            for need in judge.node.documents.needs(&target).iter().filter(|_| whole) {
                if let Some(finding) = unkept(judge, namespace, &rows, &held, (&target, need)) {
                    let finding = affecting(finding, &objects(&namespace.name, &images));
                    add(&mut lacking, &need.digest, finding);
                }
            }
        }
        for finding in lacking.into_values() {
            judge.say(finding);
        }
    }
}

/// What to say where `need` is there and nothing keeps it.
fn unkept(
    judge: &Judge<'_>,
    namespace: &Namespace,
    rows: &Rows<'_>,
    held: &BTreeSet<&[u8]>,
    (target, need): (&Digest, &Wants<'_>),
) -> Option<Finding> {
    let (link, from) = (need.link?, need.from?);
    let is_root = |digest: &Digest| {
        let row = rows.get(digest);
        row.is_some_and(|row| row.labels.get("containerd.io/gc.root").is_some())
    };
    let is_kept = |digest: &Digest| {
        digest == target || is_root(digest) || held.contains(digest.as_str().as_bytes())
    };
    // What names it may itself be kept by nothing: the manifest of another platform, which is told, or
    // is no loss.
    if !is_kept(from) {
        return None;
    }
    let (holder, _) = (rows.get(from)?, rows.get(&need.digest)?);
    let document = judge.node.documents.get(from)?.document()?;
    let has_layers = || {
        holder
            .labels
            .entries
            .keys()
            .any(|key| key.bytes().starts_with(LAYER_LABEL))
    };
    let bound = match link.role {
        Role::Config => true,
        Role::Layer(_) => has_layers(),
        // Of an index only the manifest that was unpacked: others are other platforms'.
        Role::Manifest(_) => is_unpacked(judge, namespace, &need.digest),
        Role::Subject => false,
    };
    let of_index = matches!(link.role, Role::Manifest(_));
    if of_index == (document.kind == Kind::Manifest) || !bound || is_kept(&need.digest) {
        return None;
    }
    let what = role(&link.role);
    let location = holder.at.location(&judge.node.meta.path);
    let name = &namespace.name;
    let message = format!("no label in {name} keeps the {what} {}", need.digest);
    let finding = Finding::new(REFERENCE_MISSING.code, location, message);
    let mut finding = finding.about([about(namespace, from)]);
    if let Some((label, value, _)) = garbled(holder).next() {
        finding = finding
            .want(format!("{label} = {}", need.digest))
            .found(format!("{label} = `{value}`"));
    }
    Some(told(finding, &start::BLOB_UNKEPT))
}

/// Whether the namespace has the snapshot of the manifest's whole chain.
pub(crate) fn is_unpacked(judge: &Judge<'_>, namespace: &Namespace, manifest: &Digest) -> bool {
    let documents = &judge.node.documents;
    let links = documents
        .get(manifest)
        .and_then(Wanted::document)
        .map(content::Document::links);
    let config = links
        .into_iter()
        .flatten()
        .find(|link| matches!(link.role, Role::Config));
    let config =
        config.and_then(|link| documents.get(&link.descriptor.digest)?.document()?.config());
    let Some(top) = config.and_then(|config| chain_ids(&config.diff_ids).pop()) else {
        return false;
    };
    let snapshots = namespace.snapshots.read().into_iter().flatten();
    let mut rows = snapshots.flat_map(|snapshots| snapshots.rows.read().into_iter().flatten());
    rows.any(|row| row.key == top.as_str())
}

fn document(judge: &mut Judge<'_>) {
    let path = |digest: &Digest| {
        let folder = judge
            .node
            .content_root()
            .join("blobs")
            .join(digest.algorithm().name());
        path_text(&folder.join(digest.hex()))
    };
    let mut findings = Vec::new();
    for (digest, wanted) in judge.node.documents.iter() {
        let location = Location::file(path(digest));
        let mut say = |fault: &content::Fault| {
            let mut finding = fault.finding(location.clone());
            if fault.severity() >= Severity::Damage {
                finding.message = format!("{}: {}", DOCUMENT.code.title, finding.message);
            }
            findings.push(affecting(finding, &judge.graph.users_of_blob(digest)));
        };
        match wanted {
            Wanted::Malformed(fault) => say(fault),
            Wanted::Read(document) => document.faults.iter().for_each(say),
            Wanted::Unread(Unread::TooLarge { size, limit }) => {
                let message = format!("it has {size} bytes; no document has more than {limit}");
                findings.push(Finding::new(DOCUMENT.code, location, message));
            }
            Wanted::Altered { .. } | Wanted::Unread(_) => {}
        }
        if let Some(finding) = disagreement(judge, digest, wanted) {
            findings.push(affecting(finding, &judge.graph.users_of_blob(digest)));
        }
    }
    for finding in findings {
        judge.say(finding);
    }
}

/// A manifest that has another number of layers than its configuration.
fn disagreement(judge: &Judge<'_>, digest: &Digest, wanted: &Wanted) -> Option<Finding> {
    let document = wanted.document()?;
    let config = document
        .links()
        .iter()
        .find(|link| matches!(link.role, Role::Config))?;
    let config = judge
        .node
        .documents
        .get(&config.descriptor.digest)?
        .document()?
        .config()?;
    let fault = document.disagrees(config)?;
    let folder = judge
        .node
        .content_root()
        .join("blobs")
        .join(digest.algorithm().name());
    let location = Location::file(path_text(&folder.join(digest.hex())));
    Some(Finding::new(DOCUMENT.code, location, fault.to_string()))
}
