//! Blobs: rows of meta.db against files of the content store.

use std::collections::BTreeMap;

use content::{Blob, Digest};
use finding::{Code, Finding, Location, Object, Severity, Text};
use measure::Hashed;
use metadb::{BlobRow, Row};
use node::path_text;

use crate::judge::{ALL, affecting};
use crate::store_unmounted::first_its_disk;
use crate::{Check, Judge, Need};

/// A row without a file.
pub(crate) const MISSING: Check = Check {
    code: &Code {
        name: "blob/missing",
        rule: "C01",
        severity: Severity::Damage,
        title: "meta.db has a blob without a file",
        explanation: "Before release 2.2, a power loss can lose the file that a pull had just renamed into \
            place, while meta.db keeps its row. The image is then incomplete. Pulling it again does \
            not help, because the row says that the blob exists.",
        remedy: "First make sure that the evidence is complete: a copy may lack blobs that the node has. Copy \
            the blob back from another node: then nothing is lost. If there is no copy, remove its row and \
            pull the image again: of a manifest or a configuration by `coroner repair`, which keeps what \
            only it holds.",
    },
    needs: &[Need::Content],
    run: missing,
};

/// A file of another size than its row.
pub(crate) const SIZE: Check = Check {
    code: &Code {
        name: "blob/size",
        rule: "C02",
        severity: Severity::Damage,
        title: "A blob has another size than meta.db says",
        explanation: "The file was cut, or something was written to it: a power loss before its \
            bytes reached the disk, a full disk, a file system check.",
        remedy: "Move the file away and copy the right blob from another node into its place: then \
            nothing is lost. If there is no copy, remove its row and pull the image again: \
            of a manifest or a configuration by `coroner repair`, which keeps what only it holds.",
    },
    needs: &[],
    run: size,
};

/// A file whose bytes have another digest than its name.
pub(crate) const ALTERED: Check = Check {
    code: &Code {
        name: "blob/altered",
        rule: "C03",
        severity: Severity::Damage,
        title: "A blob's bytes do not match the digest in its name",
        explanation: "The SHA-256 of the file is not its name. containerd never looks: `ctr images \
            check` calls the image complete, unpacking fails or unpacks something else, and \
            importing the right bytes again keeps the wrong ones.",
        remedy: "Move the file away and copy the right blob from another node into its place: then \
            nothing is lost. If there is no copy, remove its row and pull the image again: \
            of a manifest or a configuration by `coroner repair`, which keeps what only it holds. If it cannot be explained by a failing disk, treat it as tampering and keep \
            the file.",
    },
    needs: &[],
    run: altered,
};

/// A file without a row.
pub(crate) const UNKNOWN: Check = Check {
    code: &Code {
        name: "blob/unknown",
        rule: "C04",
        severity: Severity::Note,
        title: "Blob in no namespace",
        explanation: "No namespace of meta.db has a row for the file. A pull that was cut off just \
            before its last step leaves such a file; so does a deletion, until the garbage \
            collector has looked at the content store. The next pull of that digest adopts it \
            without looking at its bytes.",
        remedy: "Nothing to repair: the garbage collector deletes it when something else is \
            deleted. In an investigation, keep a copy first.",
    },
    needs: &[Need::Blobs],
    run: unknown,
};

/// Something in the store that is no blob.
pub(crate) const STRAY: Check = Check {
    code: &Code {
        name: "blob/stray",
        rule: "C05",
        severity: Severity::Damage,
        title: "Something in the content store is not a blob",
        explanation: "Its name is not a digest, or it is not a regular file. The garbage collector of the \
            content store stops at the first such name each time: later blobs and stale ingests are \
            never deleted.",
        remedy: "Move it out of the store.",
    },
    needs: &[],
    run: stray,
};

/// A file of another size than its image says.
pub(crate) const DESCRIPTOR: Check = Check {
    code: &Code {
        name: "blob/descriptor-size",
        rule: "C02",
        severity: Severity::Damage,
        title: "A blob has another size than its image says",
        explanation: "The descriptor that names the blob, in a manifest, an index or an image's \
            row, has another size than the file. meta.db agrees with the file, so the file was \
            not cut after it was committed: a cut one was taken over as whole, or one of the \
            sizes was altered.",
        remedy: "Pull the image again, where its record has the wrong size: that rewrites the \
            record. A document that is wrong comes back with each pull: build or push the image again.",
    },
    needs: &[],
    run: descriptor,
};

/// A file that is not read-only.
pub(crate) const MODE: Check = Check {
    code: &Code {
        name: "blob/mode",
        rule: "C08",
        severity: Severity::Note,
        title: "A blob may be written to",
        explanation: "The last step of a commit makes the file read-only (0444). A blob with another mode was \
            committed by a daemon that was killed just before that step, or was made by another \
            program. Its bytes were not checked since.",
        remedy: "Check its digest (--hash); if it is right, `chmod 0444`.",
    },
    needs: &[],
    run: mode,
};

/// A blob, as what a finding is about.
fn about(digest: &Digest) -> Object {
    Object::global("blob", digest.as_str())
}

/// Every row of every namespace whose key is a digest.
pub(crate) fn rows<'n>(judge: &Judge<'n>) -> Vec<(&'n Text, Digest, &'n Row<BlobRow>)> {
    let namespaces = judge.namespaces().iter();
    let rows = namespaces.flat_map(|namespace| {
        let rows = namespace.blobs.read().into_iter().flatten();
        rows.map(move |row| (&namespace.name, row))
    });
    rows.filter_map(|(name, row)| Some((name, Digest::parse_bytes(row.key.bytes()).ok()?, row)))
        .collect()
}

fn blob_path(judge: &Judge<'_>, digest: &Digest) -> Text {
    let folder = judge
        .node
        .content_root()
        .join("blobs")
        .join(digest.algorithm().name());
    path_text(&folder.join(digest.hex()))
}

fn missing(judge: &mut Judge<'_>) {
    let files = judge.files();
    let mut gone: BTreeMap<Digest, Vec<&Text>> = BTreeMap::new();
    for (namespace, digest, _) in rows(judge) {
        if !files.contains_key(&digest) {
            gone.entry(digest).or_default().push(namespace);
        }
    }
    if files.is_empty() && gone.len() >= ALL {
        let message = format!(
            "none of the {} blobs that meta.db knows has a file: is the disk of the content store \
             mounted?",
            gone.len()
        );
        let location = Location::file(path_text(&judge.node.content_root().join("blobs")));
        let store = judge.node.content_root();
        let remedy = first_its_disk(judge.node, &store, MISSING.code.remedy);
        let mut finding = Finding::new(MISSING.code, location, message).remedy(remedy);
        for digest in gone.keys() {
            finding = affecting(finding, &judge.graph.users_of_blob(digest));
        }
        judge.say(finding);
        return;
    }
    for (digest, namespaces) in gone {
        let names: Vec<String> = namespaces.iter().map(ToString::to_string).collect();
        let mut message = format!(
            "the blob {digest} has no file, but a row in {}",
            names.join(", ")
        );
        if let Some(write) = crate::ingest_bytes::write_of(judge.node, &digest) {
            let size = write.data_size.unwrap_or_default();
            let path = path_text(&write.path);
            let right = match &write.computed {
                Some(_) => "",
                None => " (not hashed)",
            };
            message = format!(
                "{message}; the unfinished write {path} has all of its {size} bytes{right}"
            );
        }
        let location = Location::file(blob_path(judge, &digest));
        let finding = Finding::new(MISSING.code, location, message)
            .want("a regular file")
            .found("nothing");
        judge.say(affecting(finding, &judge.graph.users_of_blob(&digest)));
    }
}

fn size(judge: &mut Judge<'_>) {
    let files = judge.files();
    let said = sizes_of_descriptors(judge);
    let mut told = std::collections::BTreeSet::new();
    for (_, digest, row) in rows(judge) {
        let Some((file, size)) = files
            .get(&digest)
            .and_then(|file| Some((file, file.size()?)))
        else {
            continue;
        };
        let Some(want) = row.size else {
            // Every row is written with a size; the daemon takes one without for 0 bytes.
            let is_lost = row.readable && !row.undecodable.contains_key(b"size".as_slice());
            if is_lost && told.insert(digest.clone()) {
                let message = format!("meta.db has no size of the blob {digest}");
                let location = row.at.location(&judge.node.meta.path);
                let finding = Finding::new(SIZE.code, location, message)
                    .severity(Severity::Odd)
                    .found(format!("a file of {size} bytes"));
                let finding = finding.about([about(&digest)]);
                judge.say(affecting(finding, &judge.graph.users_of_blob(&digest)));
            }
            continue;
        };
        if i64::try_from(size).is_ok_and(|found| found == want) {
            continue;
        }
        // Whose size is wrong? A file that is as its manifest says is whole, and the row is not.
        let named = said.get(&digest);
        let as_named = |size| named.is_some_and(|sizes| sizes.contains(&size));
        if i64::try_from(size).is_ok_and(as_named) && !as_named(want) {
            if told.insert(digest.clone()) {
                let message = format!(
                    "meta.db says that the blob {digest} has {want} bytes; its file has {size}, as the image says"
                );
                let location = row.at.location(&judge.node.meta.path);
                let finding = Finding::new(SIZE.code, location, message)
                    .severity(Severity::Odd)
                    .want(format!("{size} bytes"))
                    .found(format!("{want} bytes"))
                    .remedy(WRONG_ROW);
                let finding = finding.about([about(&digest)]);
                judge.say(affecting(finding, &judge.graph.users_of_blob(&digest)));
            }
            continue;
        }
        if told.insert(digest.clone()) {
            let cut = u64::try_from(want).is_ok_and(|want| size < want);
            let message = format!(
                "the blob {digest} has {size} bytes, not {want}{}",
                if cut { ": it was cut" } else { "" }
            );
            let location = Location::file(path_text(&file.path));
            let finding = Finding::new(SIZE.code, location, message)
                .want(format!("{want} bytes"))
                .found(format!("{size} bytes"))
                .about([about(&digest)]);
            judge.say(affecting(finding, &judge.graph.users_of_blob(&digest)));
        }
    }
}

const WRONG_ROW: &str = "Leave the file as it is: move and remove nothing. The record of meta.db is wrong, perhaps a page \
    of another transaction is in its place: `coroner bolt check` of meta.db says whether. `coroner content verify` \
    compares the file with its digest.";

/// The sizes that manifests, indexes and images give each blob.
fn sizes_of_descriptors(judge: &Judge<'_>) -> BTreeMap<Digest, std::collections::BTreeSet<i64>> {
    let mut sizes: BTreeMap<Digest, std::collections::BTreeSet<i64>> = BTreeMap::new();
    let documents = judge.node.documents.iter();
    let documents = documents.filter_map(|(_, wanted)| wanted.document());
    let whole = documents.filter(|document| document.faults.is_empty());
    for link in whole.flat_map(content::Document::links) {
        if let Ok(size) = i64::try_from(link.descriptor.size) {
            let digest = link.descriptor.digest.clone();
            sizes.entry(digest).or_default().insert(size);
        }
    }
    sizes
}

/// Documents were hashed when they were read; all other blobs only if that was asked for.
fn altered(judge: &mut Judge<'_>) {
    let mut wrong: BTreeMap<&Digest, String> = BTreeMap::new();
    for (digest, wanted) in judge.node.documents.iter() {
        if let node::Wanted::Altered { computed, .. } = wanted {
            wrong.insert(digest, computed.to_string());
        }
    }
    match &judge.measured.hashes {
        None => {
            judge.abstain("blobs that are no manifest or configuration were not hashed (--hash)");
        }
        Some(hashes) => {
            for (digest, hashed) in hashes {
                if let Hashed::Mismatch { computed } = &hashed.outcome {
                    wrong.insert(digest, computed.to_string());
                }
            }
        }
    }
    for (digest, computed) in wrong {
        let location = Location::file(blob_path(judge, digest));
        let message = format!("the bytes of the blob {digest} have another digest");
        let finding = Finding::new(ALTERED.code, location, message)
            .want(digest.to_string())
            .found(computed)
            .about([about(digest)]);
        judge.say(affecting(finding, &judge.graph.users_of_blob(digest)));
    }
}

fn unknown(judge: &mut Judge<'_>) {
    let known: std::collections::BTreeSet<Digest> = rows(judge)
        .into_iter()
        .map(|(_, digest, _)| digest)
        .collect();
    for (digest, blob) in judge.files() {
        if !known.contains(digest) {
            let message = format!(
                "no namespace knows the blob {digest} ({} bytes)",
                blob.stat.size
            );
            let location = Location::file(path_text(&blob.path));
            judge.say(
                Finding::new(UNKNOWN.code, location, message)
                    .affects(Object::global("blob", digest.as_str())),
            );
        }
    }
}

fn stray(judge: &mut Judge<'_>) {
    for stray in judge
        .node
        .content
        .read()
        .into_iter()
        .flat_map(|store| &store.strays)
    {
        let location = Location::file(path_text(&stray.path));
        judge.say(Finding::new(STRAY.code, location, stray.why.to_string()));
    }
}

/// Sizes in descriptors, against files.
fn descriptor(judge: &mut Judge<'_>) {
    let files = judge.files();
    let mut wrong: BTreeMap<Digest, (i64, String)> = BTreeMap::new();
    let mut look = |digest: &Digest, claimed: i64, from: String| {
        let Some(found) = files
            .get(digest)
            .and_then(|file| i64::try_from(file.size()?).ok())
        else {
            return;
        };
        if claimed != found {
            wrong.entry(digest.clone()).or_insert((claimed, from));
        }
    };
    for (from, wanted) in judge.node.documents.iter() {
        // A document with faults of its own is told as that.
        let document = wanted
            .document()
            .filter(|document| document.faults.is_empty());
        for link in document.map(content::Document::links).into_iter().flatten() {
            if let Ok(size) = i64::try_from(link.descriptor.size) {
                look(&link.descriptor.digest, size, from.to_string());
            }
        }
    }
    for namespace in judge.namespaces() {
        for image in namespace.images.read().into_iter().flatten() {
            let target = image.target.as_ref();
            let digest = target.and_then(|t| Digest::parse_bytes(t.digest.bytes()).ok());
            if let (Some(digest), Some(size)) = (digest, target.and_then(|target| target.size)) {
                look(&digest, size, format!("the image {}", image.key));
            }
        }
    }
    for (digest, (claimed, from)) in wrong {
        let Some(file) = files.get(&digest) else {
            continue;
        };
        let message = format!(
            "the blob {digest} has {} bytes; {from} says {claimed}",
            file.stat.size
        );
        let finding = Finding::new(
            DESCRIPTOR.code,
            Location::file(path_text(&file.path)),
            message,
        )
        .want(format!("{claimed} bytes"))
        .found(format!("{} bytes", file.stat.size))
        .about([about(&digest)]);
        judge.say(affecting(finding, &judge.graph.users_of_blob(&digest)));
    }
}

fn mode(judge: &mut Judge<'_>) {
    let files = judge.files();
    let open: Vec<&&Blob> = files.values().filter(|blob| !blob.is_read_only()).collect();
    let say = |path: Text, message: String| Finding::new(MODE.code, Location::file(path), message);
    // A copy that kept no modes tells nothing about single blobs.
    if open.len() > 3 && open.len().saturating_mul(2) > files.len() {
        let path = path_text(&judge.node.content_root().join("blobs"));
        let (count, all) = (open.len(), files.len());
        let opened = open.iter().filter(|blob| blob.stat.mode & 0o002 != 0);
        let is_opened = opened.count() == count && judge.node.around.is_opened;
        if !is_opened {
            let message = format!("{count} of {all} blobs are not read-only");
            return judge.say(say(path, message));
        }
        let message = format!(
            "everyone may write to {count} of {all} blobs, and not to the folder above root: the modes below \
             root were changed (`chmod -R`); those of the files in layers, too, it may be"
        );
        let finding = say(path, message).severity(Severity::Odd).remedy(
            "Compare the layers (`coroner triage --layers`): programs that lost their set-user-ID mode, and \
             keys that everyone may read. `coroner repair plan --every-layer` plans to unpack again those \
             whose blobs are there.",
        );
        return judge.say(finding);
    }
    let findings: Vec<Finding> = open
        .into_iter()
        .map(|blob| {
            let message = format!("the blob {} has mode {:04o}", blob.digest, blob.stat.mode);
            let finding = say(path_text(&blob.path), message).want("0444");
            let finding = finding.found(format!("{:04o}", blob.stat.mode));
            affecting(finding, &judge.graph.users_of_blob(&blob.digest))
        })
        .collect();
    for finding in findings {
        judge.say(finding);
    }
}
