//! Images: registries, pulls, layers.

use super::{Place, place};
use crate::message::Component::{Containerd, Registry as TheRegistry};
use crate::message::Whose::{Registry, Settings, Stores};
use crate::table::{DISK, TRIAGE};

const HOSTS: &str = "containerd config dump | grep -A3 registry; ls -R /etc/containerd/certs.d";
const TRY: &str = "crictl pull IMAGE";

pub(super) const PULLS: &[Place] = &[
    place(
        "at-hosts-toml",
        Containerd,
        Settings,
        &["hosts.toml", "certs.d", "registry.mirrors", "registry.configs", "config_path"],
        "How registries are reached is set by hosts.toml files under config_path (or, in old settings, by registry.mirrors).",
    )
    .first(&[HOSTS]),
    place(
        "at-push",
        TheRegistry,
        Registry,
        &["failed to push", "pushing", "error pushing", "unable to push", "push failed"],
        "An image or a part of it was being sent to a registry: its rights, its room and the way to it decide.",
    )
    .first(&[HOSTS, "curl -sSv -o /dev/null https://REGISTRY/v2/"]),
    place(
        "at-image-user",
        Containerd,
        Registry,
        &["inspectfailed", "imageinspecterror", "errimageneverpull", "invalidimagename", "imagepullbackoff", "errimagepull", "back-off pulling"],
        "kubelet's word for an image that it cannot use. The reason is in an earlier event, or in containerd's journal.",
    )
    .first(&["kubectl describe pod POD", "journalctl -b -u containerd --no-pager | grep PullImage | tail -n 20"]),
    place(
        "at-pull",
        TheRegistry,
        Registry,
        &["pullimage", "pull image", "pulling", "failed to pull", "pull access", "image pull", "errimage", "resolve reference", "resolve image", "do request", "httpreadseeker", "failed to fetch", "fetch&layer", "fetch&image", "fetch&token", "fetch&blob", "manifests/", "manifest unknown", "manifest for", "manifest&sha256", "/v2/", "docker.io", " registry", "registry-1.docker", "registry-mirror", "registry.", "registry:", "toomanyrequests", "no basic auth", "image_pull", "unexpected status", "parallel_puller", "image_manager.go", "docker-pullable", "content from", "load metadata for", "unauthorized&image", "imagepull", "pull&image"],
        "An image was being looked up or fetched from a registry (or a mirror, or through a proxy). The innermost part of the \
         line is the registry's answer, or how the connection failed.",
    )
    .or(&["the name or the tag does not exist, or credentials are missing", "the registry, a mirror or a proxy answered with an error or a limit", "the way to it: name resolution, certificates, a firewall, the proxy's settings of containerd's unit"])
    .first(&[TRY, HOSTS, "systemctl show containerd -p Environment"]),
];

pub(super) const STORE: &[Place] = &[
    place(
        "at-unpack",
        Containerd,
        Stores,
        &["extract layer", "unpack", "apply layer", "register layer", "diff apply", "applying layer", "decompress", "gzip:", "zstd:", "archive/tar", "flate", "whiteout", "processing tar", "failed to handle layer", "applydiff", "lchown", "untar"],
        "A layer of an image was being unpacked into a snapshot.",
    )
    .or(&["the blob is cut or damaged", "the disk is full or failed", "the file system or a user namespace does not allow an owner, a device or an attribute of the layer"])
    .first(&[DISK, "coroner content verify /", TRY]),
    place(
        "at-image-store",
        Containerd,
        Stores,
        &["image store", "removeimage", "listimages", "image \"", "imagestatus", "image config", "target image", "no such image", "rootfs&diff_ids", "diffid", "oci-archive", "docker load", "images import", "image import", "image export", "images.go"],
        "An image's record or its documents in containerd's store were being read, listed, imported or removed.",
    )
    .first(&["ctr -n k8s.io images ls", "coroner content verify /", TRIAGE]),
];
