//! Blobs, unfinished writes, images, leases.

use content::{Algorithm, Digest};
use finding::program::{BUILDCTL, CHMOD, CP, DOCKER, NERDCTL, SHA256SUM, SHA384SUM, SHA512SUM};
use finding::{Finding, Loss, Object, Remedy, Severity, Step, Text};

use super::steps::{RUNNING, SHOWN, call, objects_of_kind, run};
use super::{Here, Table};

pub(super) const TABLE: Table = &[
    (&["blob/altered", "blob/size", "blob/missing"], refilled),
    (&["blob/descriptor-size"], described),
    (&["blob/mode"], mode),
    (&["blob/stray"], stray),
    (
        &[
            "image/target-missing",
            "image/content-missing",
            "image/alias-missing",
            "image/unpacked-elsewhere",
            "cri/pause-image-missing",
        ],
        pulled,
    ),
    (&["image/reference-missing"], kept_first),
    (&["layer/label"], labelled),
    (&["image/media-type"], typed),
    (&["image/name-form", "image/alias-wrong"], renamed),
    // The bytes have the right digest: every pull gives the same.
    (
        &[
            "content/",
            "image/document-unusable",
            "layer/damaged",
            "layer/diff-id",
            "layer/entry",
        ],
        renamed,
    ),
    (&["ingest/blocks-pull", "ingest/damaged"], write_aside),
    (&["lease/leftover", "lease/expiry-garbled"], lease_removed),
    (&["lease/ownerless"], lease_unclaimed),
    (
        &[
            "registry/endpoint-unusable",
            "registry/file-unusable",
            "registry/hosts-unusable",
        ],
        registry,
    ),
    (&["lease/owned"], pruned),
];

/// The digest that a finding about a blob names.
fn digest(finding: &Finding) -> Option<Digest> {
    let file = finding.location.file.as_ref()?;
    let mut names = file.bytes().rsplit(|byte| *byte == b'/');
    let (hex, algorithm) = (names.next()?, names.next()?);
    let of_file = Digest::parse_bytes(&[algorithm, b":", hex].concat()).ok();
    of_file.or_else(|| {
        let mut blobs = objects_of_kind(finding, "blob");
        blobs.find_map(|object| Digest::parse_bytes(object.name.bytes()).ok())
    })
}

/// The namespaces that have a row of a blob.
fn namespaces(here: &Here<'_>, digest: &Digest) -> Vec<Text> {
    let rows = here.node.meta.rows.as_ref();
    let all = rows.map_or(&[][..], |rows| rows.namespaces());
    let has = |namespace: &&metadb::Namespace| {
        let mut blobs = namespace.blobs.read().into_iter().flatten();
        blobs.any(|row| row.key == digest.as_str())
    };
    all.iter()
        .filter(has)
        .map(|namespace| namespace.name.clone())
        .collect()
}

/// A blob's bytes come back: by a copy, or by a pull once its rows are gone.
fn refilled(here: &Here<'_>, finding: &Finding) -> Vec<Remedy> {
    let Some(digest) = digest(finding) else {
        return Vec::new();
    };
    let folder = here
        .node
        .content_root()
        .join("blobs")
        .join(digest.algorithm().name());
    let path = node::path_text(&folder.join(digest.hex()));
    let is_there = finding.code.name != "blob/missing";
    let aside = if is_there {
        here.aside(&path)
    } else {
        Vec::new()
    };
    let copied = Text::from(format!("/var/tmp/{}", digest.hex()));
    let copy = run(call(CP).word("-n").path(copied.clone()).path(path.clone()));
    let mode = run(call(CHMOD).word("0444").path(path));
    // A repair hashes only what has another size than it should.
    let or = if finding.code.name == "blob/altered" {
        ""
    } else {
        " Or let `coroner repair --from OTHER` take it from another node's root or an archive of the image."
    };
    let mut steps = vec![Step::words(format!(
        "Fetch the blob {digest} from another node that has it, or from the registry, as {copied}.{or}"
    ))];
    let sum = match digest.algorithm() {
        Algorithm::Sha256 => SHA256SUM,
        Algorithm::Sha384 => SHA384SUM,
        Algorithm::Sha512 => SHA512SUM,
    };
    steps.extend(run(call(sum).path(copied)));
    let put = copy.into_iter().chain(mode).map(Step::undoable);
    let put = aside.clone().into_iter().chain(put);
    steps.extend(put.map(|step| step.only("if it prints the digest in the blob's name")));
    let refill = Remedy::new(
        "The blob is whole again, under its old rows: nothing is lost.",
        steps,
    );
    // The plan hashes the bytes, and leaves others where they are.
    let write = crate::ingest_bytes::write_of(here.node, &digest).filter(|_| !is_there);
    let put_back = write.map(|_| {
        here.repair("`coroner repair` puts the bytes of the unfinished write in the blob's place, if they have its digest: \
             nothing is lost, and nothing is downloaded.")
    });
    let first: Vec<Remedy> = put_back.into_iter().chain([refill]).collect();
    let pulls = here.pulls(finding);
    if pulls.is_empty() {
        return first;
    }
    if holds_others(here, &digest) {
        let last = without_rows(here, finding, aside, pulls);
        return first.into_iter().chain([last]).collect();
    }
    let mut steps = aside;
    for namespace in namespaces(here, &digest) {
        let row = Object::new("blob", namespace.clone(), digest.as_str());
        let draft = here
            .ctr(&namespace, &["content", "rm"])
            .operand(digest.as_str());
        let step = run(draft).map(|step| step.loses(Loss::of_object(row)).only(RUNNING));
        steps.extend(step);
    }
    steps.extend(pulls);
    let anew = Remedy::new(
        "Without its rows, the next pull downloads the blob; only if the registry still has it.",
        steps,
    );
    first.into_iter().chain([anew]).collect()
}

/// Whether a row of a blob refers to something: what only it holds is collected once the row is gone.
fn holds_others(here: &Here<'_>, digest: &Digest) -> bool {
    let graph = here.node.graph();
    namespaces(here, digest).into_iter().any(|namespace| {
        let id = node::graph::Id {
            namespace,
            kind: node::graph::Kind::Blob,
            key: Text::from(digest.as_str()),
        };
        let object = graph.find(&id).and_then(|index| graph.get(index));
        object.is_some_and(|object| {
            !object.readable || object.edges.iter().any(|edge| edge.via.is_recorded())
        })
    })
}

/// As a repair does it: a lease keeps what only the rows held.
fn without_rows(here: &Here<'_>, finding: &Finding, aside: Vec<Step>, pulls: Vec<Step>) -> Remedy {
    let mut way = here.repair(
        "`coroner repair` takes the blob's rows out and holds by a lease what only they hold; the pull then downloads \
         the blob. `coroner repair undo` takes the repair back.",
    );
    // A repair hashes only what has another size than it should.
    if finding.code.name == "blob/altered" {
        let stopped = here.stop().len();
        way.steps.splice(stopped..stopped, aside);
    }
    way.steps.extend(pulls);
    way
}

/// Who names the blob has its size wrong: a record is written anew by a pull, a document is not.
fn described(here: &Here<'_>, finding: &Finding) -> Vec<Remedy> {
    if finding.message.contains("; the image ") {
        pulled(here, finding)
    } else {
        renamed(here, finding)
    }
}

fn mode(_: &Here<'_>, finding: &Finding) -> Vec<Remedy> {
    let file = finding.location.file.clone().unwrap_or_default();
    let step = run(call(CHMOD).word("0444").path(file));
    let step = step.map(|step| {
        step.undoable()
            .only("if `triage --hash` finds its bytes right")
    });
    vec![Remedy::new(
        "The blob is as a commit leaves it.",
        step.into_iter().collect(),
    )]
}

fn stray(here: &Here<'_>, finding: &Finding) -> Vec<Remedy> {
    vec![here.set_aside(finding, "The content store is collected again.", false)]
}

/// A pull writes anew what is not there.
fn pulled(here: &Here<'_>, finding: &Finding) -> Vec<Remedy> {
    // A pull by the CRI takes a layer that is unpacked for one that is there.
    if finding.code.name == "image/content-missing" && finding.severity == Severity::Odd {
        let why = "It downloads what is missing, also of layers that are unpacked.";
        return vec![Remedy::new(why, here.fetches(finding))];
    }
    vec![Remedy::new(
        "A pull downloads what is missing.",
        here.pulls(finding),
    )]
}

/// What the first collection takes is copied away, and comes back by a pull.
fn kept_first(here: &Here<'_>, finding: &Finding) -> Vec<Remedy> {
    let message = finding.message.rsplit(' ').next().unwrap_or_default();
    let Ok(digest) = Digest::parse_bytes(message.as_bytes()) else {
        return Vec::new();
    };
    let folder = here
        .node
        .content_root()
        .join("blobs")
        .join(digest.algorithm().name());
    let path = node::path_text(&folder.join(digest.hex()));
    let copy = call(CP)
        .word("-n")
        .path(path)
        .path(format!("/var/tmp/{}", digest.hex()));
    let mut steps: Vec<Step> = run(copy).into_iter().map(Step::undoable).collect();
    let pulls = here.pulls(finding);
    if pulls.is_empty() {
        return Vec::new();
    }
    steps.extend(here.start());
    steps.extend(pulls);
    vec![Remedy::new(
        "The pull downloads what the first collection took; the copy is there if the registry has it \
         no more.",
        steps,
    )]
}

/// The label gets the diffID that the layer has.
fn labelled(here: &Here<'_>, finding: &Finding) -> Vec<Remedy> {
    let want = finding
        .want
        .as_ref()
        .and_then(|want| Digest::parse_bytes(want.as_bytes()).ok());
    let (Some(want), Some(digest)) = (want, digest(finding)) else {
        return Vec::new();
    };
    let label = Text::from(format!("containerd.io/uncompressed={want}"));
    let all = namespaces(here, &digest);
    let steps = all.into_iter().filter_map(|namespace| {
        let draft = here.ctr(&namespace, &["content", "label"]);
        let draft = draft.operand(digest.as_str()).operand(label.clone());
        Some(run(draft)?.undoable().only(RUNNING))
    });
    vec![Remedy::new(
        "The label says what the layer is.",
        steps.collect(),
    )]
}

/// The record is written anew by a pull, which downloads nothing: the blobs are all there.
fn typed(here: &Here<'_>, finding: &Finding) -> Vec<Remedy> {
    let why = "A pull writes the record again; all blobs are present.";
    vec![Remedy::new(why, here.pulls(finding))]
}

/// The name goes; what it points to is saved first.
fn renamed(here: &Here<'_>, finding: &Finding) -> Vec<Remedy> {
    // What is wrong with a name concerns that one; what is wrong with its bytes, every name of them.
    let most = match finding.code.name {
        "image/name-form" | "image/alias-wrong" => 1,
        _ => SHOWN,
    };
    let images = objects_of_kind(finding, "image").take(most);
    let steps = (1..).zip(images).filter_map(|(number, image)| {
        let namespace = image.namespace.as_ref()?;
        let draft = here
            .ctr(namespace, &["images", "rm"])
            .operand(image.name.clone());
        let step = run(draft)?
            .loses(Loss::of_object(image.clone()))
            .only(RUNNING);
        Some(match here.export(image, number) {
            Some(export) => step.save_first(export),
            None => step,
        })
    });
    let steps: Vec<Step> = steps.collect();
    let why = if steps.len() > 1 {
        "All names of it are gone."
    } else {
        "The name is gone."
    };
    vec![Remedy::new(why, steps)]
}

/// The next pull begins anew.
fn write_aside(here: &Here<'_>, finding: &Finding) -> Vec<Remedy> {
    let mut way = here.set_aside(
        finding,
        "The next pull downloads the blob from its start.",
        false,
    );
    for step in &mut way.steps {
        step.condition = Some("while nothing is pulled".to_owned());
    }
    let pulls = if finding.code.name == "ingest/blocks-pull" {
        here.pulls(finding)
    } else {
        Vec::new()
    };
    way.steps.extend(pulls);
    vec![way]
}

fn lease_removed(here: &Here<'_>, finding: &Finding) -> Vec<Remedy> {
    let steps = here.remove(finding, "lease", &["leases", "rm"]);
    let why = "The lease is deleted; the next collection deletes what only that lease kept.";
    vec![Remedy::new(why, steps)]
}

/// Nothing says whose it is: it is removed only when nobody claims it.
fn lease_unclaimed(here: &Here<'_>, finding: &Finding) -> Vec<Remedy> {
    let ways = lease_removed(here, finding).into_iter();
    let ask = "if no program that uses containerd's API on this node made it";
    ways.map(|mut way| {
        way.steps = way.steps.into_iter().map(|step| step.only(ask)).collect();
        way
    })
    .collect()
}

/// What a pull reads: a person has the right file or address.
fn registry(_: &Here<'_>, finding: &Finding) -> Vec<Remedy> {
    let Some(file) = &finding.location.file else {
        return Vec::new();
    };
    let (words, when) = match finding.code.name {
        "registry/endpoint-unusable" => (
            format!("Write the endpoint in {file} as a URL, and restart containerd."),
            "containerd reads it at its start.",
        ),
        "registry/file-unusable" => (
            format!(
                "Put {file} back from where it came, or take its name out of the file that names it."
            ),
            "It is read at every pull; nothing has to be restarted.",
        ),
        _ => (
            format!("Correct {file}."),
            "It is read at every pull; nothing has to be restarted.",
        ),
    };
    vec![Remedy::new(when, vec![Step::words(words).undoable()])]
}

/// By the client whose they are.
fn pruned(_: &Here<'_>, finding: &Finding) -> Vec<Remedy> {
    let is_cache = finding.message.contains("BuildKit's build cache");
    let Some(lease) = objects_of_kind(finding, "lease")
        .next()
        .filter(|_| is_cache)
    else {
        return Vec::new();
    };
    let namespace = lease.namespace.clone().unwrap_or_default();
    let leases: Vec<Object> = objects_of_kind(finding, "lease").cloned().collect();
    let draft = if namespace == *node::DOCKER_NAMESPACE {
        call(DOCKER).words(&["builder", "prune"])
    } else if namespace == *"buildkit" {
        call(BUILDCTL).word("prune")
    } else {
        call(NERDCTL)
            .value("--namespace", namespace)
            .words(&["builder", "prune"])
    };
    let step = run(draft).map(|step| {
        step.loses(Loss::Objects(leases))
            .only("if the space is needed")
    });
    vec![Remedy::new(
        "BuildKit frees its cache, and forgets it in its own database, too.",
        step.into_iter().collect(),
    )]
}
