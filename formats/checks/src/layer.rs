//! Layers: blobs that were inflated and read through, against what images and labels say of them.

use std::collections::{BTreeMap, BTreeSet};

use content::{Digest, Kind, Role};
use finding::{Code, Finding, Location, Severity, Text};
use layer::{Fault, InflateError, Summary};
use node::path_text;

use crate::judge::affecting;
use crate::{Check, Judge, blob};

/// A layer that does not unpack.
pub(crate) const DAMAGED: Check = Check {
    code: &Code {
        name: "layer/damaged",
        rule: "C09",
        severity: Severity::Damage,
        title: "A layer cannot be unpacked",
        explanation: "Its bytes match the digest in its name, but they are not a complete tar, gzip or zstd \
            stream. The layer was built or pushed like this, or its digest was computed after it was \
            damaged. containerd pulls it, logs nothing, and fails to unpack it.",
        remedy: "Build and push the image again; pulling it again gives the same bytes.",
    },
    needs: &[],
    run: damaged,
};

/// A layer that unpacks to something else than the configuration says.
pub(crate) const DIFF_ID: Check = Check {
    code: &Code {
        name: "layer/diff-id",
        rule: "C09",
        severity: Severity::Damage,
        title: "A layer is not the one that the image's configuration names",
        explanation: "The blob's bytes match the digest in its name, but unpacked they have another digest \
            than the diffID in the configuration. containerd refuses to unpack such an image. If \
            another image already unpacked a layer of that name, containerd uses that snapshot, and \
            its files are not those of this blob.",
        remedy: "Pull or build the image again. If it cannot be explained by a broken build, treat \
            it as tampering: the manifest and the configuration name different files.",
    },
    needs: &[],
    run: diff_id,
};

/// A label that names another diffID.
pub(crate) const LABEL: Check = Check {
    code: &Code {
        name: "layer/label",
        rule: "C09",
        severity: Severity::Damage,
        title: "A layer's label names another diffID than the layer has",
        explanation: "The label containerd.io/uncompressed on a blob's row holds the digest of the unpacked \
            layer, so that it need not be unpacked again. This label is wrong: a commit, an export \
            or a conversion that trusts it writes wrong diffIDs into new images.",
        remedy: "`ctr content label DIGEST containerd.io/uncompressed=` with the computed diffID.",
    },
    needs: &[],
    run: label,
};

/// A layer that inflates to more than was read.
pub(crate) const BOMB: Check = Check {
    code: &Code {
        name: "layer/bomb",
        rule: "",
        severity: Severity::Note,
        title: "A layer inflates to far more than its size",
        explanation: "A layer may inflate to 4 GiB whatever its size, and beyond that to 200 bytes \
            for each packed one; those of real images stay below 20. It holds gigabytes of zeroes \
            (a disk image, a database's file of the size that it will have), which is no fault, or \
            was made to fill the disk of whoever unpacks it: containerd has no such limit. It was \
            not read further, and what it holds is not known.",
        remedy: "Look at where the image comes from. `coroner content verify --layers --max-inflate \
            SIZE` reads further.",
    },
    needs: &[],
    run: bomb,
};

/// Entries that are odd.
pub(crate) const ENTRY: Check = Check {
    code: &Code {
        name: "layer/entry",
        rule: "",
        severity: Severity::Odd,
        title: "A layer's tar has malformed or hostile entries",
        explanation: "A name that leads above the layer's root, a header with invalid numbers, a damaged \
            sparse map, or bytes after the tar's end. containerd holds names inside the root; other \
            tools may not.",
        remedy: "Find out who built the image; do not unpack the layer with other tools.",
    },
    needs: &[],
    run: entry,
};

/// The layers that were read, and whose bytes are those that their names promise: the others are
/// told as altered.
fn sound<'n>(judge: &Judge<'n>) -> Vec<(&'n Digest, &'n Summary)> {
    let layers = judge.measured.tars.iter().flatten();
    layers
        .filter_map(|(digest, read)| Some((digest, read.as_ref().ok()?)))
        .filter(|(digest, summary)| summary.blob.as_ref() == Some(*digest))
        .collect()
}

fn finding(judge: &Judge<'_>, check: &Check, digest: &Digest, message: String) -> Finding {
    let files = judge.files();
    let path = files.get(digest).map(|file| path_text(&file.path));
    let location = Location::file(path.unwrap_or_else(|| Text::from(digest.as_str())));
    let finding = Finding::new(check.code, location, message);
    affecting(finding, &judge.graph.users_of_blob(digest))
}

fn damaged(judge: &mut Judge<'_>) {
    for (digest, summary) in sound(judge) {
        let is_damage = |fault: &&Fault| match fault {
            Fault::Inflate(error) => matches!(error, InflateError::Damaged { .. }),
            Fault::Tar(_) | Fault::TooMany { .. } | Fault::LongName { .. } => fault.ends_it(),
            Fault::Entry { .. } | Fault::MoreEntries(_) => false,
        };
        if let Some(fault) = summary.faults.iter().find(is_damage) {
            let message = format!("the layer {digest} {fault}");
            let found = finding(judge, &DAMAGED, digest, message);
            judge.say(found);
        }
    }
}

/// What configurations say that layers inflate to, and which configuration it is.
fn wanted<'n>(judge: &Judge<'n>) -> BTreeMap<&'n Digest, BTreeMap<&'n Digest, &'n Digest>> {
    let documents = &judge.node.documents;
    let mut wanted: BTreeMap<&Digest, BTreeMap<&Digest, &Digest>> = BTreeMap::new();
    for (_, read) in documents.iter() {
        let Some(manifest) = read.document().filter(|one| one.kind == Kind::Manifest) else {
            continue;
        };
        let mut links = manifest.links().iter();
        let link = links.find(|link| link.role == Role::Config);
        let Some(config) = link.map(|link| &link.descriptor.digest) else {
            continue;
        };
        let document = documents.get(config).and_then(|read| read.document());
        let diff_ids = document.map_or(&[][..], |document| document.diff_ids());
        for (layer, diff_id) in manifest.layers().zip(diff_ids) {
            let all = wanted.entry(&layer.digest).or_default();
            all.insert(diff_id, config);
        }
    }
    wanted
}

fn diff_id(judge: &mut Judge<'_>) {
    let wanted = wanted(judge);
    for (digest, summary) in sound(judge) {
        let Some(computed) = summary.diff_id() else {
            continue;
        };
        for (diff_id, config) in wanted.get(digest).into_iter().flatten() {
            if *diff_id != computed {
                let message = format!(
                    "the layer {digest} inflates to {computed}, and the configuration {config} \
                     says {diff_id}"
                );
                let found = finding(judge, &DIFF_ID, digest, message);
                judge.say(found.want(diff_id.to_string()).found(computed.to_string()));
            }
        }
    }
}

fn label(judge: &mut Judge<'_>) {
    let layers: BTreeMap<&Digest, &Summary> = sound(judge).into_iter().collect();
    let mut wrong: BTreeMap<&Digest, BTreeSet<String>> = BTreeMap::new();
    for (_, digest, row) in blob::rows(judge) {
        let Some((digest, summary)) = layers.get_key_value(&digest) else {
            continue;
        };
        let label = row.labels.get("containerd.io/uncompressed");
        if let (Some(label), Some(computed)) = (label, summary.diff_id())
            && label.bytes() != computed.as_str().as_bytes()
        {
            wrong.entry(digest).or_default().insert(label.to_string());
        }
    }
    for (digest, labels) in wrong {
        let computed = layers.get(digest).and_then(|summary| summary.diff_id());
        let computed = computed.map(ToString::to_string).unwrap_or_default();
        for label in labels {
            let message =
                format!("the layer {digest} inflates to {computed}, and its label says {label}");
            let found = finding(judge, &LABEL, digest, message);
            judge.say(found.want(computed.clone()).found(label));
        }
    }
}

fn bomb(judge: &mut Judge<'_>) {
    for (digest, summary) in sound(judge) {
        if let Err(error @ InflateError::Bomb { .. }) = &summary.inflated {
            let message = format!("the layer {digest} {error}");
            let found = finding(judge, &BOMB, digest, message);
            judge.say(found);
        }
    }
}

fn entry(judge: &mut Judge<'_>) {
    for (digest, summary) in sound(judge) {
        let odd = |fault: &&Fault| !fault.ends_it() && !is_without_end(fault);
        let odd: Vec<String> = summary
            .faults
            .iter()
            .filter(odd)
            .map(ToString::to_string)
            .collect();
        let Some(first) = odd.first() else { continue };
        let message = match odd.len() {
            1 => format!("the layer {digest}: {first}"),
            many => format!(
                "the layer {digest}: {first}, and {} more",
                many.saturating_sub(1)
            ),
        };
        let found = finding(judge, &ENTRY, digest, message);
        judge.say(found);
    }
}

/// Go, and with it containerd, takes the end of the stream for the end of the tar.
const fn is_without_end(fault: &Fault) -> bool {
    matches!(fault, Fault::Tar(evidence::archive::End::Unended { .. }))
}
