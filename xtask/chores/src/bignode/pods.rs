//! Pods and their containers: records of meta.db, and the CRI's files.

use std::fs;
use std::path::Path;

use serde_json::{Value, json};

use super::encode::{Bucket, any};
use super::image::{Image, Images};
use super::layer::Layer;
use super::snapshot::Snapshots;
use super::store::digest;
use super::{Plan, WRITTEN, made};

/// Containers of a pod, its sandbox among them.
const OF_A_POD: u64 = 3;
const NAMESPACE: &str = "k8s.io";
const CRI: &str = "io.containerd.grpc.v1.cri";
const TYPES: &str = "github.com/containerd/cri/pkg/store";

/// A container that is to be written.
struct Container<'i> {
    id: String,
    sandbox: String,
    image: &'i Image,
    is_sandbox: bool,
    metadata: Value,
}

fn id(what: &str, number: u64) -> String {
    let digest = digest(format!("{what} {number}").as_bytes());
    digest.trim_start_matches("sha256:").to_owned()
}

/// Makes as many containers as the plan has; how many pods these are.
pub(super) fn make(
    root: &Path,
    plan: Plan,
    images: &Images,
    v1: &mut Bucket,
    snapshots: &mut Snapshots,
) -> std::io::Result<u64> {
    let [pause, others @ ..] = images.0.as_slice() else {
        return Ok(0);
    };
    let others: Vec<&Image> = others
        .iter()
        .filter(|image| image.namespace == NAMESPACE)
        .collect();
    for number in 0..plan.containers {
        let pod = number.div_euclid(OF_A_POD);
        let sandbox = id("pod", pod);
        let name = format!("app{pod}_team{}_uid-{pod}_0", pod.rem_euclid(7));
        let config = json!({
            "metadata": {"name": format!("app{pod}"), "uid": format!("uid-{pod}"),
                "namespace": format!("team{}", pod.rem_euclid(7))},
            "log_directory": format!("/var/log/pods/team{}_app{pod}_uid-{pod}", pod.rem_euclid(7)),
            "linux": {"security_context": {"namespace_options": {"pid": 1}}},
        });
        let container = if number.rem_euclid(OF_A_POD) == 0 {
            let dir = root.join(CRI).join("sandboxes").join(&sandbox);
            fs::create_dir_all(&dir)?;
            for file in ["hostname", "hosts", "resolv.conf"] {
                fs::write(dir.join(file), format!("app{pod}\n"))?;
            }
            let (high, low) = (pod.div_euclid(250), pod.rem_euclid(250).saturating_add(2));
            let ip = format!("10.88.{high}.{low}");
            let netns = format!("/var/run/netns/cni-{pod}");
            let metadata = json!({"ID": sandbox, "Name": name, "Config": config, "NetNSPath": netns,
                "IP": ip, "AdditionalIPs": null, "RuntimeHandler": "",
                "CNIResult": {"Interfaces": {"eth0": {"IPConfigs": [{"IP": ip, "Gateway": "10.88.0.1"}],
                    "Mac": "de:09:98:3c:9b:43", "Sandbox": netns}}, "DNS": [{}], "Routes": null},
                "ProcessLabel": ""});
            Container {
                id: sandbox.clone(),
                sandbox,
                image: pause,
                is_sandbox: true,
                metadata,
            }
        } else {
            let at = usize::try_from(number)
                .unwrap_or(0)
                .checked_rem(others.len())
                .unwrap_or(0);
            let Some(image) = others.get(at).copied() else {
                continue;
            };
            let id = id("container", number);
            status(root, &id)?;
            let metadata = json!({"ID": id, "Name": format!("main{number}_{name}"),
                "SandboxID": sandbox, "Config": config, "ImageRef": image.config,
                "LogPath": format!("/var/log/pods/app{pod}/main{number}/0.log"), "StopSignal": "SIGTERM",
                "ProcessLabel": ""});
            Container {
                id,
                sandbox,
                image,
                is_sandbox: false,
                metadata,
            }
        };
        let layer = Layer::new(number.saturating_add(100_000_000), WRITTEN, None);
        snapshots.add(
            NAMESPACE,
            &container.id,
            Some(&container.image.top),
            false,
            &layer,
        )?;
        row(&container, v1);
    }
    Ok(plan.containers.div_ceil(OF_A_POD))
}

/// What the CRI remembers of a container that has ended.
fn status(root: &Path, id: &str) -> std::io::Result<()> {
    let dir = root.join(CRI).join("containers").join(id);
    fs::create_dir_all(&dir)?;
    let at = 1_795_223_788_600_000_000_u64;
    let status = json!({"Version": "v1", "Pid": 0, "CreatedAt": at, "StartedAt": at,
        "FinishedAt": at.saturating_add(1), "ExitCode": 0, "Reason": "Completed", "Message": "",
        "Resources": null});
    fs::write(dir.join("status"), status.to_string())
}

fn row(container: &Container<'_>, v1: &mut Bucket) {
    let row = v1.at(&[NAMESPACE, "containers", &container.id]);
    row.put("createdat", made(1));
    row.put("updatedat", made(1));
    row.put("image", &container.image.name);
    row.put("snapshotter", "overlayfs");
    row.put("snapshotKey", &container.id);
    row.put("sandboxid", "");
    let kind = if container.is_sandbox {
        "sandbox"
    } else {
        "container"
    };
    row.bucket("labels").put("io.cri-containerd.kind", kind);
    let runtime = row.bucket("runtime");
    runtime.put("name", "io.containerd.runc.v2");
    runtime.put("options", any("containerd.runc.v1.Options", &[]));
    let spec = spec(container).to_string();
    let spec_type = "types.containerd.io/opencontainers/runtime-spec/1/Spec";
    row.put("spec", any(spec_type, spec.as_bytes()));
    let metadata = json!({"Version": "v1", "Metadata": container.metadata}).to_string();
    row.bucket("extensions").put(
        format!("io.cri-containerd.{kind}.metadata"),
        any(&format!("{TYPES}/{kind}/Metadata"), metadata.as_bytes()),
    );
}

/// A spec as the CRI makes it, with its usual mounts and masked paths.
fn spec(container: &Container<'_>) -> Value {
    let mount = |destination: &str, kind: &str| {
        json!({"destination": destination, "type": kind, "source": kind,
            "options": ["nosuid", "noexec", "nodev"]})
    };
    let mounts: Vec<Value> = [
        ("/proc", "proc"),
        ("/dev", "tmpfs"),
        ("/dev/pts", "devpts"),
        ("/dev/mqueue", "mqueue"),
        ("/sys", "sysfs"),
        ("/sys/fs/cgroup", "cgroup"),
    ]
    .into_iter()
    .map(|(destination, kind)| mount(destination, kind))
    .collect();
    let capabilities = [
        "CAP_CHOWN",
        "CAP_DAC_OVERRIDE",
        "CAP_FSETID",
        "CAP_FOWNER",
        "CAP_MKNOD",
        "CAP_NET_RAW",
        "CAP_SETGID",
        "CAP_SETUID",
        "CAP_SETFCAP",
        "CAP_SETPCAP",
    ];
    let namespaces = ["pid", "ipc", "uts", "mount", "network"].map(|kind| json!({"type": kind}));
    json!({
        "ociVersion": "1.2.0",
        "process": {"user": {"uid": 0, "gid": 0}, "args": ["/usr/bin/app"], "cwd": "/",
            "env": (0..20).map(|number| format!("SERVICE_{number}_HOST=10.96.0.{number}")).collect::<Vec<_>>(),
            "capabilities": {"bounding": capabilities, "effective": capabilities, "permitted": capabilities}},
        "root": {"path": "rootfs"},
        "mounts": mounts,
        "annotations": {"io.kubernetes.cri.sandbox-id": container.sandbox,
            "io.kubernetes.cri.container-type": if container.is_sandbox { "sandbox" } else { "container" }},
        "linux": {"cgroupsPath": format!("/k8s.io/{}", container.id),
            "namespaces": namespaces,
            "maskedPaths": ["/proc/acpi", "/proc/kcore", "/proc/keys", "/proc/latency_stats",
                "/proc/timer_list", "/proc/sched_debug", "/proc/scsi", "/sys/firmware"]},
    })
}
