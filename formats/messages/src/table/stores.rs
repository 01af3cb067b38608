//! meta.db's records and the content store: what is said when one names what the other lacks.

use super::{DISK, PREFLIGHT, TRIAGE};
use crate::message::Component::{Containerd, Cri};
use crate::message::Whose::{Daemon, Image, Storage, Stores};
use crate::message::{Message, act, cause};

const IMAGES: &str = "ctr -n k8s.io images check";
const VERIFY: &str = "coroner content verify /";

pub(super) const ALL: &[Message] = &[
    cause(
        "content-missing",
        Containerd,
        Stores,
        &[
            "content digest {}: not found",
            "content digest {}",
            "failed to get reader from content store: content digest {}: not found",
            "failed to get reader from content store",
            "blob not found: not found",
            "blob {} expected at {path}: blob not found",
            "blob {} expected at {path}",
            "blob not found",
        ],
        "A blob that is asked for is not in the content store of that namespace: it was discarded after it was \
         unpacked, collected, never fetched for this platform, or lost.",
    )
    .wraps(&["no-such-file"])
    .codes(&["blob/missing", "image/content-missing", "image/target-missing"])
    .or(&["discard_unpacked_layers is on: layers are gone by design, and push, export and commit fail"])
    .first(&[IMAGES, TRIAGE]),
    cause(
        "content-not-ready",
        Cri,
        Stores,
        &[
            "The image content readiness for {q} is not ok",
            "The image content readiness for {}",
            "Failed to check image content readiness for {q}",
            "Failed to check image content readiness",
            "failed to check image content readiness for {}",
        ],
        "At its start the CRI plugin leaves out an image with missing blobs: the kubelet pulls it again.",
    )
    .codes(&["image/target-missing", "blob/missing", "blob/size"])
    .first(&[IMAGES]),
    cause(
        "image-not-unpacked",
        Cri,
        Stores,
        &["The image {} is not unpacked", "{} is not unpacked", "image {} is not unpacked"],
        "An image's blobs are there, its snapshots are not: at the start the CRI plugin leaves it out, and \
         kubelet pulls it again.",
    )
    .codes(&["image/snapshot-unreferenced", "image/chain-broken", "snapshot/backend-missing"])
    .first(&[TRIAGE]),
    cause(
        "image-unpack-check",
        Cri,
        Stores,
        &["Failed to check whether image is unpacked for image {}", "Failed to check whether image is unpacked{rest}"],
        "A snapshotter did not answer when the CRI plugin looked for an image's snapshots.",
    )
    .wraps(&[])
    .codes(&["store/metadata-broken"])
    .first(&[TRIAGE]),
    cause(
        "content-incomplete",
        Containerd,
        Stores,
        &["incomplete ({}/{})", "incomplete ({rest}"],
        "`ctr images check` finds blobs of an image missing.",
    )
    .certain()
    .codes(&["image/content-missing"])
    .first(&[TRIAGE]),
    cause(
        "image-not-found",
        Containerd,
        Stores,
        &["image {q}: not found", "failed to get image {q}", "image not found", "failed to resolve image {q}: not found", "no such image", "image {q} not found", "unable to get image {q}"],
        "There is no image of that name in that namespace: never pulled, removed, or pulled in another \
         namespace (kubelet's is k8s.io, Docker's moby).",
    )
    .wraps(&[])
    .codes(&["container/image-gone", "image/alias-missing"])
    .first(&["ctr namespaces ls", "ctr -n k8s.io images ls -q"]),
    cause(
        "blob-desc-invalid",
        Containerd,
        Stores,
        &["manifest: invalid desc", "{}: invalid desc", "invalid desc"],
        "A manifest in the content store has another length than its descriptor says.",
    )
    .codes(&["blob/size", "blob/descriptor-size"])
    .first(&[VERIFY]),
    cause(
        "tar-invalid",
        Containerd,
        Stores,
        &["archive/tar: invalid tar header", "invalid tar header", "gzip: invalid checksum", "gzip: invalid header", "flate: corrupt input before offset {n}", "zstd: invalid{rest}", "magic number mismatch", "invalid input: magic number mismatch", "exit status {n}: gzip{rest}", "unpigz: {rest}"],
        "A layer's bytes are not what they should be: damaged on the disk, on the way, or in the registry.",
    )
    .unless(&["footer", "ztoc", "stargz"])
    .codes(&["blob/altered", "layer/damaged", "blob/size"])
    .or(&["the registry, a proxy or a mirror gave a wrong or partial layer"])
    .first(&[VERIFY]),
    cause(
        "tar-too-long",
        Containerd,
        Stores,
        &["archive/tar: write too long", "write too long"],
        "On export a blob is longer than its descriptor says.",
    )
    .certain()
    .codes(&["blob/descriptor-size"])
    .first(&[VERIFY]),
    cause(
        "diff-id",
        Containerd,
        Image,
        &["wrong diff id calculated on extraction {}", "wrong diff id calculated on extraction{rest}", "wrong diff id{rest}"],
        "A layer unpacks to something else than the image's configuration says: the image was built wrongly, \
         or a mirror gave another layer.",
    )
    .certain()
    .codes(&["layer/diff-id"])
    .first(&[VERIFY]),
    cause(
        "layers-mismatch",
        Containerd,
        Image,
        &["mismatched image rootfs and manifest layers", "mismatched image rootfs and manifest layers{rest}"],
        "An image's configuration names another number of layers than its manifest.",
    )
    .certain()
    .codes(&["content/layer-count", "image/document-unusable"])
    .first(&[VERIFY]),
    cause(
        "commit-digest",
        Containerd,
        Storage,
        &[
            "unexpected commit digest {}, expected {}",
            "unexpected commit digest {rest}",
            "unexpected commit size {n}, expected {n}",
            "commit failed: unexpected commit digest {rest}", "failed size validation: {n} != {n}", "failed size validation{rest}",],
        "What was written of a blob does not hash to its name: the download was cut or changed on the way, or \
         went on from a partial write that was damaged. With e3b0c442… nothing was written at all. A partial \
         write under content/…/ingest is taken up again at each try: `coroner triage` names it.",
    )
    .open()
    .codes(&["ingest/damaged", "ingest/stale", "store/disk-full", "ingest/blocks-pull"])
    .or(&["a proxy or a mirror that changes what it hands on", "bad memory or a bad disk"])
    .first(&["ctr -n k8s.io content active", DISK, TRIAGE]),
    act(
        "commit-failed",
        Containerd,
        Stores,
        &["failed commit on ref {q}", "failed to commit {}", "commit failed"],
        "A blob was fetched and could not be put in its place.",
    )
    .codes(&["ingest/damaged", "store/disk-full"])
    .first(&[DISK, TRIAGE]),
    cause(
        "ref-locked",
        Containerd,
        Daemon,
        &[
            "ref {} locked for {} (since {rest}",
            "ref {} locked: unavailable",
            "ref {} locked",
            "content {} is locked",
            "ref {q} is locked",
        ],
        "Another fetch of the same blob is under way, or was given up and not let go: it ends with its client, \
         or with the daemon.",
    )
    .first(&["ctr -n k8s.io content active"]),
    cause(
        "ingest-damaged",
        Containerd,
        Stores,
        &[
            "failed to read ingest ref",
            "ref key does not match{rest}",
            "could not parse timestamp file",
            "could not parse timestamp file {}",
            "failed to get status of {}: {rest}",
        ],
        "A partial write in the content store has lost one of its files; it is in the way of the blob that it \
         was for.",
    )
    .codes(&["ingest/damaged"])
    .first(&[TRIAGE]),
    cause(
        "document-broken",
        Containerd,
        Stores,
        &[
            "failed to decode {}",
            "failed to unmarshal manifest",
            "failed to read config{rest}",
            "failed to decode manifest",
            "json: cannot unmarshal {rest}",
        ],
        "Something that should be JSON is not: an image's document, a container's state, or an answer. The \
         pieces before it say which.",
    )
    .unless(&["metrics", "endpoint", "ipvlan", "macvlan", "libnetwork", "dockerd", "compound", "bridge"])
    .open()
    .codes(&["content/not-json", "content/bad-field", "image/document-unusable", "runtime/state-truncated", "runtime/state-damaged", "runtime/bundle-file-damaged"])
    .first(&[TRIAGE]),
    cause(
        "media-type",
        Containerd,
        Image,
        &[
            "media-type: expected manifest but found index",
            "media-type: expected index but found manifest",
            "media-type: expected {} but found {}",
            "media-type: schema 1 not supported",
            "media type {q} is no longer supported since containerd v2.0, please rebuild the image as {rest}",
            "media type {q} is no longer supported since containerd v{rest}",
            "unsupported manifest media type {rest}",
            "encountered unknown type {}; children may not be fetched", "unexpected media type application/vnd.docker.distribution.manifest.v1{rest}", "only manifests may be exported{rest}",],
        "The image has a document of a kind that this release does not take: schema 1 is gone since 2.0.",
    )
    .certain()
    .codes(&["content/wrong-kind", "content/schema-1", "image/media-type"])
    .first(&["ctr -n k8s.io images ls"]),
    cause(
        "no-platform",
        Containerd,
        Image,
        &[
            "no match for platform in manifest",
            "no match for platform in manifest {}",
            "no match for current platform {} in manifest {}",
            "no matching manifest for {} in the manifest list entries",
            "no matching manifest for {rest}",
            "no unpack platforms defined",
            "image might be filtered out: {rest}",
        ],
        "The image has nothing for the platform that was asked for: the node's, as the client found it out (on some boards \
         wrongly: \"unknown\"), or one that was named.",
    )
    .certain()
    .first(&["uname -m", "ctr -n k8s.io images ls"]),
    cause(
        "meta-migration",
        Containerd,
        Stores,
        &["failed to migrate to {}", "failed to migrate to v1.4", "unexpected bucket {}", "unexpected bucket"],
        "meta.db could not be brought to the new release's form: a bucket of the sandboxes is not what it \
         expects.",
    )
    .codes(&["meta/migration-blocked"])
    .first(&[TRIAGE]),
    cause(
        "meta-value",
        Containerd,
        Stores,
        &[
            "Time.UnmarshalBinary: unsupported version",
            "Time.UnmarshalBinary: invalid length",
            "Time.UnmarshalBinary: no data",
            "proto: cannot parse invalid wire-format data",
            "proto: illegal wireType {n}",
        ],
        "A value in meta.db cannot be decoded: that record fails, others do not.",
    )
    .codes(&["meta/value-undecodable"])
    .first(&[TRIAGE]),
    cause(
        "meta-key",
        Containerd,
        Stores,
        &["unable to read target bucket", "no runtime bucket"],
        "A record of meta.db lacks a part that the daemon needs.",
    )
    .codes(&["meta/key-missing"])
    .first(&[TRIAGE]),
    cause(
        "record-unreadable",
        Containerd,
        Stores,
        &["failed to read container {q}", "unable to read container {q}", "failed to read sandbox {q}"],
        "A record of meta.db cannot be decoded, or lacks a part: that record fails, and whoever lists all of its \
         kind fails with it.",
    )
    .wraps(&["ended-early", "broken-json"])
    .codes(&["meta/value-undecodable", "meta/key-missing"])
    .first(&[TRIAGE]),
    act(
        "recover-state",
        Cri,
        Stores,
        &["failed to recover state", "failed to list sandbox containers", "failed to list containers", "failed to check images", "unable to list images", "failed to list images"],
        "At its start the CRI plugin reads the records of pods, containers and images; one that it cannot read \
         ends it, and with it the daemon.",
    )
    .first(&[TRIAGE, PREFLIGHT]),
    act(
        "container-info",
        Cri,
        Stores,
        &["failed to get container spec", "failed to get verbose container info", "failed to get verbose sandbox container info", "failed to get sandbox container runtime spec", "failed to get container info", "failed to get task status"],
        "The CRI plugin reads a container's record or its specification, and cannot.",
    )
    .first(&[TRIAGE]),
    cause(
        "cri-name-twice",
        Cri,
        Stores,
        &["failed to recover state: failed to reserve container name {q}", "failed to recover state: failed to reserve sandbox name {q}", "failed to recover state: failed to reserve container name {q}: name {q} is reserved for {q}", "failed to recover state: failed to reserve sandbox name {q}: name {q} is reserved for {q}"],
        "Two records of pods or containers have one name, and the CRI plugin ends over the second when it reads them back at its \
         start: the daemon does not come up.",
    )
    .codes(&["cri/name-twice"])
    .first(&[PREFLIGHT, TRIAGE]),
    cause(
        "meta-label",
        Containerd,
        Stores,
        &["label key and value length ({n} bytes) greater than maximum size ({n} bytes){rest}", "label key and value greater than maximum size{rest}", "label key and value{rest}"],
        "A label is longer than 4096 bytes. Whoever wrote it gets this; at a later change of the record it \
         comes again.",
    )
    .certain()
    .codes(&["meta/label-invalid"])
    .first(&[TRIAGE]),
    cause(
        "meta-name",
        Containerd,
        Stores,
        &[
            "identifier {q} must match {}",
            "identifier {} greater than maximum length ({n} characters)",
            "identifier {q} greater than maximum length{rest}",
            "must match {}",
            "greater than maximum length{rest}",
        ],
        "A name of a namespace or a container has letters that containerd does not take, or more than 76 of them.",
    )
    .certain()
    .codes(&["meta/namespace-name", "meta/identifier-invalid"])
    .first(&[TRIAGE]),
    cause(
        "lease-missing",
        Containerd,
        Daemon,
        &["lease does not exist", "lease {q}: not found", "lease {q} does not exist"],
        "The lease under which something was written is gone: it expired, or was removed meanwhile.",
    )
    .unless(&["failed to solve", "buildkit", "getblobchain", "blobchainid"])
    .first(&["ctr -n k8s.io leases ls"]),
    cause(
        "lease-expiry",
        Containerd,
        Stores,
        &["ignoring invalid expiration value{}", "ignoring invalid expiration value"],
        "A lease's time of expiry cannot be read: it never expires.",
    )
    .certain()
    .codes(&["lease/expiry-garbled"])
    .first(&[TRIAGE]),
    cause(
        "namespace-not-empty",
        Containerd,
        Daemon,
        &["namespace {q} must be empty, but it still has {}", "namespace {q} must be empty{rest}"],
        "A namespace can be removed only when nothing is in it.",
    )
    .certain(),
    cause(
        "namespace-required",
        Containerd,
        Daemon,
        &["namespace is required", "namespace not found in context{}"],
        "The caller named no namespace: a defect of the client.",
    )
    .certain(),
    cause(
        "container-record-missing",
        Containerd,
        Daemon,
        &["container {q} in namespace {q}: not found", "container {q} in namespace {q}", "container {}: not found"],
        "meta.db has no container of that name in that namespace: it was removed, or the caller looks in \
         another namespace.",
    )
    .wraps(&[])
    .unless(&["container not created", "no such container"])
    .first(&["ctr namespaces ls", "ctr -n k8s.io containers ls -q"]),
    cause(
        "mounts-database",
        Containerd,
        Stores,
        &["failed to open database file {}mounts.db{rest}", "open {path}mounts.db: {}"],
        "The mount manager's database (2.2 and later) cannot be opened.",
    )
    .of_releases("2.2 and later")
    .codes(&["store/mounts-broken", "store/metadata-broken"])
    .first(&[TRIAGE]),
];
