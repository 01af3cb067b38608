//! Whose it is that a line tells of: by sockets, ports, paths and words that belong to one part of a cluster or a node.

use serde::Serialize;

use crate::scope::has;

/// A part of a cluster or a node.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub struct Owner {
    /// Its name.
    pub key: &'static str,
    /// As a clause after "It is about".
    pub about: &'static str,
    /// Words that tell it, in lower case; `&` joins words that must all be there.
    #[serde(skip)]
    words: &'static [&'static str],
}

const fn owner(key: &'static str, words: &'static [&'static str], about: &'static str) -> Owner {
    Owner { key, about, words }
}

/// All of them: of two, the first is the narrower.
static OWNERS: &[Owner] = &[
    owner(
        "webhook",
        &[
            "failed calling webhook",
            "admission webhook",
            "webhook&:443",
            "mutatingwebhook",
            "validatingwebhook",
        ],
        "an admission webhook of the cluster: the program behind its service must answer the API server",
    ),
    owner(
        "scheduling",
        &[
            "nodes are available",
            "failedscheduling",
            "didn't match pod",
            "insufficient cpu",
            "insufficient memory",
            "untolerated taint",
            "preemption",
        ],
        "where the scheduler may put the pod, not the runtime",
    ),
    owner(
        "quota",
        &[
            "exceeded quota",
            "resourcequota",
            "limitrange",
            "violates podsecurity",
            "podsecuritypolicy",
            "security context constraint",
            "denied by policy",
            "gatekeeper",
            "kyverno",
        ],
        "a quota or a policy of the cluster, not the runtime",
    ),
    owner(
        "registry-server",
        &[
            "http.request.",
            "s3aws",
            "response completed with error",
            "registry.storage",
            "_uploads/",
        ],
        "the registry's own server and its storage, not who pulls",
    ),
    owner(
        "volume",
        &[
            "attachvolume",
            "mountvolume",
            "unmountvolume",
            "mountdevice",
            "volumedevice",
            "nodestagevolume",
            "nodepublishvolume",
            "nodeunpublish",
            "nodeunstage",
            "controllerpublish",
            "csi.sock",
            "kubernetes.io/csi",
            "csidriver",
            "csinode",
            "csi driver",
            "csi plugin",
            "failedmount",
            "failedattachvolume",
            "persistentvolume",
            "volumes/kubernetes.io~",
            "volumeattachment",
            "provisioner",
            "waitforattach",
            "volume plugin",
            "flexvolume",
            "iscsi",
            "longhorn",
            "rook",
            "ceph",
            "rbd",
            "glusterfs",
            "openebs",
            "portworx",
            "mount.nfs",
            "nfs:",
            "mount.cifs",
            "fsck",
            "mkfs",
            "multipath",
        ],
        "a volume, its driver, or its server, not containerd's state",
    ),
    owner(
        "gpu",
        &[
            "nvidia",
            "nvml",
            "cuda",
            "libcuda",
            "nvrm",
            "amdgpu",
            "/dev/dri",
            "device plugin",
            "xid (",
        ],
        "a device and its driver, not containerd's state",
    ),
    owner(
        "build",
        &[
            "failed to solve",
            "dockerfile",
            "buildkit",
            "buildx",
            "docker build",
            "buildah",
            "kaniko",
            "executor failed running",
            "build context",
        ],
        "the build of an image: its steps, its context, its cache",
    ),
    owner(
        "registry",
        &[
            "/v2/",
            "manifest unknown",
            "manifests/",
            "toomanyrequests",
            "pull access denied",
            "push access denied",
            "imagepullbackoff",
            "errimagepull",
            "pull image",
            "pulling image",
            "pullimage",
            "resolve reference",
            "registry-1.docker.io",
            "docker.io/",
            "/token?",
            "no basic auth",
            "httpreadseeker",
            "httpreaderseeker",
            "registry&lookup",
            "registry&dial",
            "certs.d",
        ],
        "a registry, or the way to it, not containerd's state",
    ),
    owner(
        "network",
        &[
            "network for sandbox",
            "failed to set up pod",
            "failed to setup network",
            "networkplugin cni",
            "cni plugin",
            "plugin type=",
            "/etc/cni",
            "/opt/cni",
            "/var/lib/cni",
            "cniversion",
            "cni.projectcalico",
            "calico",
            "felix",
            "cilium",
            "flannel",
            "weave",
            "multus",
            "kube-ovn",
            "ovn",
            "openvswitch",
            "ovs-",
            "ipam",
            "aws-node",
            "vpc-cni",
            "azure-vnet",
            "antrea",
            "kube-router",
            "bird:",
            "bgp",
        ],
        "the pods' network (CNI), not containerd's state",
    ),
    owner(
        "etcd",
        &[
            ":2379", ":2380", "etcd", "rafthttp", "raft:", "mvcc:", "kine",
        ],
        "the cluster's database (etcd, or what stands for it)",
    ),
    owner(
        "services",
        &[
            "kube-proxy",
            "proxier",
            "iptables",
            "ip6tables",
            "ipvs",
            "nftables",
            "nf_tables",
            "xtables",
            "conntrack",
        ],
        "the node's packet rules, which kube-proxy, dockerd and network plugins write",
    ),
    owner(
        "api-server",
        &[
            ":6443",
            ":16443",
            ":8443",
            ":9345",
            "10.96.0.1:443",
            "10.43.0.1:443",
            "10.0.0.1:443",
            "172.20.0.1:443",
            "/api/v1/",
            "/apis/",
            "error from server",
            "apiserver",
            "api server",
            "kubernetes.default",
            "kubeconfig",
            "kube-apiserver",
            "leaderelection",
            "reflector.go",
            "serviceaccount",
            "is forbidden: user",
            "the object has been modified",
            "no matches for kind",
            "crd",
            "customresource",
            "unable to connect to the server",
            "the connection to the server",
            "nodelease",
            "register node",
        ],
        "the API server: whether it runs, is reached, and takes these credentials",
    ),
    owner(
        "kubelet-port",
        &[":10250", ":10248", ":10255"],
        "kubelet's own port",
    ),
    owner(
        "metrics",
        &[
            "metrics.k8s.io",
            "metrics-server",
            "external.metrics",
            "custom.metrics",
        ],
        "the cluster's metrics, which an extension of the API server serves",
    ),
    owner(
        "dns",
        &[
            "coredns",
            "kube-dns",
            "resolv.conf",
            ":53: ",
            "no such host",
            "server misbehaving",
            "name resolution",
            "nameserver",
            "dnsmasq",
            "systemd-resolved",
        ],
        "the resolution of names",
    ),
    owner(
        "docker-socket",
        &["docker.sock", "docker daemon"],
        "dockerd, or its socket",
    ),
    owner(
        "engine",
        &[
            "crio.sock",
            "crio",
            "cri-o",
            "cri-dockerd",
            "podman",
            "containers/storage",
            "libpod",
            "conmon",
            "lxc",
            "lxd",
            "pouch",
        ],
        "another engine, not containerd",
    ),
    owner(
        "virtual-machines",
        &[
            "kata",
            "qemu",
            "firecracker",
            "cloud-hypervisor",
            "kvm",
            "vsock",
            "gvisor",
            "runsc",
            "gofer",
            "hypervisor",
        ],
        "a runtime with a machine or a kernel of its own",
    ),
    owner(
        "memory",
        &[
            "oom",
            "out of memory",
            "cannot allocate memory",
            "memory limit",
        ],
        "memory: of a container, or of the node",
    ),
    owner(
        "cgroups",
        &[
            "/sys/fs/cgroup",
            "cgroup",
            "subtree_control",
            "cpuset",
            "systemd slice",
        ],
        "cgroups",
    ),
    owner(
        "security",
        &["apparmor", "selinux", "avc:", "seccomp", "capabilit"],
        "what the node's security rules allow",
    ),
    owner(
        "modules",
        &[
            "modprobe",
            "/lib/modules",
            "/proc/sys/",
            "kernel module",
            "br_netfilter",
            "sysctl",
        ],
        "the node's kernel: its modules and settings",
    ),
    owner(
        "time",
        &["clock", "ntp", "chrony", "time skew"],
        "the node's clock",
    ),
    owner(
        "program",
        &[
            "liveness probe",
            "readiness probe",
            "startup probe",
            "command terminated with exit code",
            "crashloopbackoff",
            "back-off restarting",
            "probe failed",
            "poststarthook",
            "prestophook",
            "executable file not found",
            "exec format error",
            "entrypoint",
        ],
        "the image, or the program in it, not containerd's state",
    ),
    owner(
        "docker-store",
        &[
            "/var/lib/docker",
            "docker0",
            "libnetwork",
            "graphdriver",
            "dockerd",
            "docker-compose",
            "docker compose",
            "swarm",
        ],
        "dockerd and its own stores",
    ),
    owner(
        "containerd",
        &[
            "containerd.sock",
            "/var/lib/containerd",
            "/run/containerd",
            "io.containerd",
            "containerd-shim",
            "containerd",
        ],
        "containerd, what it runs, or its stores",
    ),
    owner(
        "disk",
        &[
            "ext4",
            "xfs",
            "btrfs",
            "/dev/sd",
            "/dev/nvme",
            "/dev/vd",
            "/dev/mapper",
            "blk_update",
            "buffer i/o",
            "scsi",
            "lvm",
            "thin pool",
            "no space left",
            "read-only file system",
            "input/output error",
            "disk",
        ],
        "a disk or a file system of the node",
    ),
    owner(
        "interfaces",
        &[
            "veth",
            "netlink",
            "vxlan",
            "bridge",
            "eth0",
            "link is not ready",
            "netns",
            "ip route",
        ],
        "the node's network interfaces",
    ),
    owner(
        "certificates",
        &["x509", "certificate", "tls:", "/pki/"],
        "certificates",
    ),
    owner(
        "unit",
        &[
            ".service",
            ".scope",
            ".slice",
            "systemd",
            "systemctl",
            "d-bus",
            "dbus",
        ],
        "a unit of systemd",
    ),
    owner(
        "cloud",
        &[
            "169.254.169.254",
            "cloud provider",
            "cloudprovider",
            "amazonaws",
            "ec2",
            "gce",
            "azure",
            "openstack",
            "instance metadata",
        ],
        "the cloud's services around the node",
    ),
    owner(
        "kubelet",
        &["kubelet", "static pod", "eviction", "pleg"],
        "kubelet",
    ),
];

/// Whose it is; `line` is in lower case, without names.
pub(crate) fn of_line(line: &str) -> Option<&'static Owner> {
    OWNERS
        .iter()
        .find(|owner| owner.words.iter().any(|word| begins(line, word)))
}

/// Whether `line` has every word of `mark`, each from its beginning.
fn begins(line: &str, mark: &str) -> bool {
    has(line, mark)
        && mark.split('&').all(|word| {
            let starts = word.starts_with(|letter: char| letter.is_alphanumeric());
            line.match_indices(word).any(|(at, _)| {
                let before = line.get(..at).and_then(|before| before.chars().next_back());
                let after = line
                    .get(at.saturating_add(word.len())..)
                    .and_then(|after| after.chars().next());
                let is_short =
                    word.len() <= 4 && word.bytes().all(|byte| byte.is_ascii_alphabetic());
                let is_port = word
                    .bytes()
                    .next_back()
                    .is_some_and(|byte| byte.is_ascii_digit());
                !(starts && before.is_some_and(char::is_alphanumeric)
                    || is_short && after.is_some_and(char::is_alphanumeric)
                    || is_port && after.is_some_and(|letter| letter.is_ascii_digit()))
            })
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_narrowest_owner_is_told() {
        for (line, right) in [
            (
                "failed calling webhook \"a\": post \"https://a.svc:443/x\": refused",
                Some("webhook"),
            ),
            (
                "get \"https://10.0.0.4:6443/api/v1/nodes\": dial tcp 10.0.0.4:6443: refused",
                Some("api-server"),
            ),
            ("dial tcp 127.0.0.1:23790: refused", None),
            ("mountvolume.setup failed for volume", Some("volume")),
            ("open /var/lib/docker/overlay2/a: no", Some("docker-store")),
            ("a rover on mars", None),
            ("disk of the node", Some("disk")),
        ] {
            assert_eq!(of_line(line).map(|owner| owner.key), right, "{line}");
        }
    }

    #[test]
    fn words_are_in_lower_case_and_names_are_told_apart() {
        let mut keys = std::collections::BTreeSet::new();
        for owner in OWNERS {
            assert!(keys.insert(owner.key), "{}", owner.key);
            for word in owner.words {
                assert_eq!(*word, word.to_lowercase());
            }
        }
    }
}
