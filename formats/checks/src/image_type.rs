//! What an image's record, and the documents below it, call a blob, against what its bytes are.

use content::{Compression, Digest, Document, Kind, Role};
use finding::{Code, Finding, Location, Object, Severity, Text};
use metadb::{Image, Namespace, Row};
use node::path_text;

use crate::judge::affecting;
use crate::{Check, Judge};

/// A target whose media type is not that of its bytes.
pub(crate) const MEDIA_TYPE: Check = Check {
    code: &Code {
        name: "image/media-type",
        rule: "G18",
        severity: Severity::Damage,
        title: "An image's record or index calls a document something that it is not",
        explanation: "containerd believes the media type that the record of an image, or an index, \
            gives a document; it does not look at the document for it. Where that is neither a \
            manifest's nor an index's, or the other one's, it finds no image there: `ctr images \
            check` says \"unavailable\", the CRI does not list the image, and no container can be \
            made of it (1.6, 1.7 and 2.1 were seen to do so, again at each start). The blobs are \
            all there. A registry or proxy that answered with the wrong Content-Type leaves such \
            a record.",
        remedy: "Pull the image again, from a registry that gives it the right type: that writes \
            the record again. All blobs of the image are there; do not delete them.",
    },
    needs: &[],
    run: media_type,
};

/// A name by which nothing can ask for an image.
pub(crate) const NAME_FORM: Check = Check {
    code: &Code {
        name: "image/name-form",
        rule: "G18",
        severity: Severity::Odd,
        title: "An image's name is not a valid reference",
        explanation: "The name has characters that a reference cannot have, or an invalid tag. containerd \
            keeps it, and runs containers of it by `ctr`; but the CRI does not list it, it can \
            neither be pulled nor exported by that name (seen on 1.6, 1.7 and 2.1), and its blobs \
            are never collected.",
        remedy: "Give the image a name that is a reference, then delete this one.",
    },
    needs: &[],
    run: name_form,
};

/// What stands behind a claim.
fn kind_of(judge: &Judge<'_>, digest: &Digest) -> Option<Kind> {
    judge
        .node
        .documents
        .get(digest)?
        .document()
        .map(|it| it.kind)
}

/// Whether the document calls itself as it is called: then nothing contradicts anything.
fn says_so(document: &Document, claim: &str) -> bool {
    let own = document.media_type.as_ref().and_then(Text::utf8);
    own == Some(claim)
}

/// Why a claim is wrong, as `want` and `found`; nothing where it fits, or that is not known.
fn contradiction(judge: &Judge<'_>, digest: &Digest, claim: &Text) -> Option<(String, String)> {
    let actual = kind_of(judge, digest)?;
    let document = judge.node.documents.get(digest)?.document()?;
    let text = claim.utf8().unwrap_or_default();
    if Kind::from_media_type(text) == actual || says_so(document, text) {
        return None;
    }
    let own = document.media_type.as_ref().map_or_else(
        || format!("the media type of a document that is a {actual}"),
        ToString::to_string,
    );
    Some((
        own,
        if claim.is_empty() {
            "nothing".to_owned()
        } else {
            claim.to_string()
        },
    ))
}

fn media_type(judge: &mut Judge<'_>) {
    for namespace in judge.namespaces() {
        for image in namespace.images.read().into_iter().flatten() {
            if let Some(finding) = of_record(judge, namespace, image) {
                judge.say(finding);
            }
        }
    }
    of_indexes(judge);
}

fn of_record(judge: &Judge<'_>, namespace: &Namespace, image: &Row<Image>) -> Option<Finding> {
    let target = image.target.as_ref()?;
    let digest = Digest::parse_bytes(target.digest.bytes()).ok()?;
    let (want, found) = contradiction(judge, &digest, &target.media_type)?;
    let kind = kind_of(judge, &digest)?;
    let location = image.at.location(&judge.node.meta.path);
    let location = location.place("bucket", "target").place("key", "mediatype");
    let message = format!("its target {digest} is a {kind}, and the record calls it `{found}`");
    let finding = Finding::new(MEDIA_TYPE.code, location, message);
    let object = Object::new("image", namespace.name.clone(), image.key.clone());
    Some(finding.want(want).found(found).affects(object))
}

/// What a document calls the blobs that it names, against what they are.
fn of_indexes(judge: &mut Judge<'_>) {
    let mut findings = Vec::new();
    for (from, wanted) in judge.node.documents.iter() {
        let Some(document) = wanted.document() else {
            continue;
        };
        let wrong = document
            .links()
            .iter()
            .find_map(|link| of_link(judge, document, link));
        let Some((message, want, found)) = wrong else {
            continue;
        };
        let folder = judge.node.content_root().join("blobs");
        let path = folder.join(from.algorithm().name()).join(from.hex());
        let finding = Finding::new(MEDIA_TYPE.code, Location::file(path_text(&path)), message);
        let finding = finding.want(want).found(found).remedy(
            "Every pull gives the same document: the image must be built or pushed again, with the \
             right media type.",
        );
        // What is unpacked already is not asked for its type again.
        let is_unpacked = judge
            .namespaces()
            .iter()
            .any(|namespace| crate::image::is_unpacked(judge, namespace, from));
        let finding = if document.kind == Kind::Manifest && is_unpacked {
            finding.severity(Severity::Odd)
        } else {
            finding
        };
        findings.push(affecting(finding, &judge.graph.users_of_blob(from)));
    }
    for finding in findings {
        judge.say(finding);
    }
}

/// What is wrong with how a document calls one blob: in words, and as `want` and `found`.
fn of_link(
    judge: &Judge<'_>,
    document: &Document,
    link: &content::Link,
) -> Option<(String, String, String)> {
    let to = &link.descriptor;
    let claim = &to.media_type;
    match link.role {
        Role::Manifest(number) if document.kind == Kind::Index => {
            let (want, found) = contradiction(judge, &to.digest, claim)?;
            let message = format!(
                "the index calls its manifest {number}, {}, `{found}`",
                to.digest
            );
            Some((message, want, found))
        }
        Role::Config => {
            let (want, found) = contradiction(judge, &to.digest, claim)?;
            let message = format!(
                "the manifest calls its configuration, {}, `{found}`: its layers are not pulled",
                to.digest
            );
            Some((message, want, found))
        }
        Role::Layer(number) => {
            let config = document
                .links()
                .iter()
                .find(|link| link.role == Role::Config)?;
            let config = judge
                .node
                .documents
                .get(&config.descriptor.digest)?
                .document()?;
            let layers = config.diff_ids().len();
            // What is no image has layers of any kind: signatures, attestations, charts.
            if layers != document.layers().count() || !runs(config) {
                return None;
            }
            let text = claim.utf8().unwrap_or_default();
            let how = judge.node.documents.packed(&to.digest);
            let (want, what) = match (to.kind(), how) {
                (Kind::Layer(Compression::None), Some(how)) if text.starts_with(OCI) => {
                    (format!("{text}+{how}"), format!("begins as {how} does"))
                }
                (kind, _) if is_no_layer(kind, text) => (
                    "the media type of a layer".to_owned(),
                    "is a layer".to_owned(),
                ),
                _ => return None,
            };
            let message = format!(
                "the manifest calls its layer {number}, {}, `{claim}`; it {what}, and cannot be \
                 unpacked",
                to.digest
            );
            Some((message, want, claim.to_string()))
        }
        Role::Manifest(_) | Role::Subject => None,
    }
}

/// Where OCI's media types begin. Of Docker's, containerd looks at the bytes itself.
const OCI: &str = "application/vnd.oci.";

/// Whether something runs on this configuration's platform.
fn runs(config: &Document) -> bool {
    let architecture = config
        .raw
        .field("architecture")
        .and_then(json::Node::string);
    architecture.is_some_and(|name| name != "unknown")
}

/// Whether a media type is that of no layer, of anybody's making.
fn is_no_layer(kind: Kind, text: &str) -> bool {
    match kind {
        Kind::Manifest | Kind::Index | Kind::Config | Kind::Schema1 => true,
        Kind::Layer(_) => false,
        Kind::Other => {
            matches!(text, "" | "application/octet-stream" | "application/json")
                || text.starts_with("text/")
        }
    }
}

fn name_form(judge: &mut Judge<'_>) {
    for namespace in judge.namespaces() {
        for image in namespace.images.read().into_iter().flatten() {
            let Some(why) = refused(image.key.bytes()) else {
                continue;
            };
            let location = image.at.location(&judge.node.meta.path);
            let message = format!("the name `{}`: {why}", image.key);
            let object = Object::new("image", namespace.name.clone(), image.key.clone());
            judge.say(Finding::new(NAME_FORM.code, location, message).affects(object));
        }
    }
}

/// Longest tag.
const TAG: usize = 128;

/// Why a name is no reference, `[HOST[:PORT]/]PATH[:TAG][@DIGEST]`.
fn refused(name: &[u8]) -> Option<&'static str> {
    if name.is_empty() {
        return Some("it is empty");
    }
    // The CRI keeps an image by its ID, too.
    if Digest::parse_bytes(name).is_ok() {
        return None;
    }
    let fits = |byte: &u8| byte.is_ascii_alphanumeric() || b"._-/:@+[]".contains(byte);
    if !name.iter().all(fits) {
        return Some("it has letters that no reference may have");
    }
    let (rest, digest) = match name.iter().position(|byte| *byte == b'@') {
        Some(at) => (name.get(..at)?, name.get(at.saturating_add(1)..)),
        None => (name, None),
    };
    if digest.is_some_and(|digest| Digest::parse_bytes(digest).is_err()) {
        return Some("the part after the @ is no digest");
    }
    let last = rest
        .iter()
        .rposition(|byte| *byte == b'/')
        .map_or(0, |at| at.saturating_add(1));
    let tail = rest.get(last..)?;
    let (path_end, tag) = match tail.iter().position(|byte| *byte == b':') {
        Some(at) => (last.saturating_add(at), tail.get(at.saturating_add(1)..)),
        None => (rest.len(), None),
    };
    if let Some(tag) = tag {
        let first = tag
            .first()
            .is_some_and(|byte| byte.is_ascii_alphanumeric() || *byte == b'_');
        let all = tag
            .iter()
            .all(|byte| byte.is_ascii_alphanumeric() || b"_.-".contains(byte));
        if !first || !all || tag.len() > TAG {
            return Some("its tag is invalid");
        }
    }
    // A first part with a dot, a port or a capital is a host.
    let path = rest.get(..path_end)?;
    let mut parts: Vec<&[u8]> = path.split(|byte| *byte == b'/').collect();
    let is_host = |part: &&[u8]| {
        part.iter()
            .any(|byte| b".:[".contains(byte) || byte.is_ascii_uppercase())
            || *part == b"localhost"
    };
    if parts.len() > 1 && parts.first().is_some_and(is_host) {
        parts.remove(0);
    }
    let is_path = |part: &&[u8]| {
        !part.is_empty()
            && part.iter().all(|byte| {
                byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"._-".contains(byte)
            })
    };
    (!parts.iter().all(is_path))
        .then_some("its path has capitals or other letters that it may not have")
}

#[cfg(test)]
mod tests {
    use super::refused;

    #[test]
    fn names_are_refused_as_the_reference_grammar_does() {
        for good in [
            "images.example/app:1",
            "docker.io/library/busybox:latest",
            "localhost:5000/a/b_c.d-e:v1.0",
            "Registry.Example/app",
            "short",
            "busybox:1.36",
            "moby-dangling@sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
            "sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
        ] {
            assert_eq!(refused(good.as_bytes()), None, "{good}");
        }
        for bad in [
            "",
            "images.example/X:1",
            "images.example/a b:1",
            "images.example/x:-1",
            "images.example//x",
            "images.example/x@sha256:zz",
            "UPPER",
            "a\u{1b}b",
        ] {
            assert!(refused(bad.as_bytes()).is_some(), "{bad}");
        }
    }
}
