//! What the neighbours of a runtime say of themselves: Podman's network, agents of the pods' network, name servers, installers,
//! drivers of volumes.

use crate::message::Component::{Client, Cni, Dockerd, Kubelet, Kubernetes, OtherEngine, System};
use crate::message::Whose::{Dns, Network, Nobody, Other, Pod, Settings, Storage, Tasks};
use crate::message::{Message, act, cause};

/// Calico's agent, and what it said.
const FELIX: &[&str] = &[
    "kubectl get pods -A -l k8s-app=calico-node -o wide",
    "kubectl -n kube-system logs -l k8s-app=calico-node -c calico-node --tail=50",
    "kubectl -n calico-system logs -l k8s-app=calico-node -c calico-node --tail=50",
];

pub(super) const ALL: &[Message] = &[
    cause(
        "calico-felix-not-ready",
        Cni,
        Network,
        &["calico/node is not ready: felix is not ready: {rest}", "felix is not ready: {rest}", "Felix is not live: {rest}", "calico/node is not ready: Felix is not live: {rest}"],
        "felix, the part of Calico's agent that writes this node's rules and routes, is not ready: it has just begun, is in a loop of restarts, or cannot finish a round. \
         Sessions of BGP have no part in it. Its own log says why.",
    )
    .or(&[
        "it has just started: this ends by itself within a minute",
        "it may not read what it needs from the API server (rights, resources of another release), or does not reach it",
        "iptables of another kind than the rules that are there (legacy, nft), or rules of others that it finds changed all the time",
    ])
    .open()
    .first(FELIX),
    cause(
        "network-range-overlaps",
        Cni,
        Network,
        &["Network {} overlaps with existing route {rest}", "Default --ipalloc-range {} overlaps with existing route {rest}", "{}overlaps with existing route {rest}"],
        "The range of the pods' addresses lies over a route that the node has: of its own network, or left by a network plugin that was there before.",
    )
    .first(&["ip route", "ip -br address"]),
    cause(
        "ipamd-pool-empty",
        Cni,
        Network,
        &["assignPodIPv4AddressUnsafe: no available IP addresses", "assignPodIPv4AddressUnsafe: no available IP{rest}", "{}err: assignPodIPv4AddressUnsafe: no available IP{rest}", "no available IP addresses"],
        "The agent of Amazon's network (aws-node, ipamd) has no free address on the node's interfaces: the subnet is full, the instance may have no more interfaces, or ipamd may not attach one.",
    )
    .first(&["tail -n 50 /var/log/aws-routed-eni/ipamd.log", "kubectl -n kube-system get pods -l k8s-app=aws-node -o wide"]),
    cause(
        "csi-attacher-missing",
        Kubernetes,
        Storage,
        &["timed out waiting for external-attacher of {} CSI driver to attach volume {}", "timed out waiting for external-attacher of {rest}"],
        "No program attached the volume for its driver: the driver's controller (its sidecar external-attacher) does not run or has no rights, or the driver needs none and its CSIDriver object does not say so (attachRequired).",
    )
    .first(&["kubectl get pods -A -o wide | grep -i -e csi -e attacher", "kubectl get csidrivers,volumeattachments"]),
    cause(
        "cri-version-not-told",
        Kubelet,
        Settings,
        &["failed to create kubelet: get remote runtime typed version failed{rest}", "get remote runtime typed version failed{rest}"],
        "kubelet asked the runtime's socket for its release, and got no answer of the CRI: containerd's CRI plugin is turned off (disabled_plugins in a distribution's config.toml) or did not load, or \
         the socket is another's.",
    )
    .first(&["crictl version", "grep -n disabled_plugins /etc/containerd/config.toml", "ctr plugins ls | grep cri"]),
    cause(
        "conmon-init-ended",
        OtherEngine,
        Tasks,
        &["reading pid from init pipe{rest}", "error reading pid from init pipe{rest}"],
        "conmon or the runtime ended before it had made the container's process: their own lines just before, and a run of the runtime by hand, say why.",
    )
    .first(&["journalctl -b -u crio --no-pager | tail -n 50", "crio --version; runc --version; conmon --version"]),
    cause(
        "buildkit-history",
        crate::message::Component::Buildkit,
        Other,
        &["unknown blob {} in history{rest}", "unknown blob {} in history"],
        "The builder's own history of builds names a blob that its cache has given up. No registry has a part in it; a release of the builder does it.",
    )
    .first(&["docker buildx ls", "docker buildx du"]),
    cause(
        "id-map-not-made",
        OtherEngine,
        crate::message::Whose::Security,
        &["cannot setup namespace using newuidmap{rest}", "cannot setup namespace using newgidmap{rest}", "running {path}newuidmap {rest}", "running {path}newgidmap {rest}", "running {path}newuidmap{rest}"],
        "newuidmap or newgidmap did not map the user's ids (rootless): it lost its setuid bit or its capabilities, /etc/subuid or /etc/subgid has no such range for this user, or an outer \
         container does not allow it.",
    )
    .first(&["cat /etc/subuid /etc/subgid", "cat /proc/self/uid_map", "ls -l /usr/bin/newuidmap /usr/bin/newgidmap"]),
    cause(
        "dqlite-socket",
        crate::message::Component::K3s,
        Other,
        &["API Server exited create node: {rest}", "create node: failed to set bind address {rest}", "failed to set bind address {q}: {rest}"],
        "MicroK8s' API server could not open the socket of its own database (dqlite): another process of an earlier start still holds it, or its folder is not as it was.",
    )
    .within(&["dqlite", "microk8s"])
    .first(&["ss -lxp | grep dqlite", "journalctl --unit=snap.microk8s.daemon-kubelite --boot --no-pager --lines=50"]),
    cause(
        "socket-unit-stopped",
        System,
        Other,
        &["{}.socket: Failed with result 'service-start-limit-hit'", "{}.socket: Failed with result 'trigger-limit-hit'", "{}.socket: Trigger limit hit{rest}"],
        "systemd gave the socket up because the service behind it failed each time that it was started: the service of the same name, not the socket, is at fault.",
    )
    .first(&["systemctl list-units --failed", "systemctl status docker.service containerd.service"]),
    cause(
        "socket-in-container",
        System,
        crate::message::Whose::Security,
        &["{}.socket failed to listen on sockets: Operation not permitted", "{}.socket: Failed to create listening socket: Operation not permitted", "systemd-journald-audit.socket{rest}Operation not permitted{rest}"],
        "systemd may not open that socket: mostly it runs in a container without the right for it (audit, netlink). On a node's own systemd a security module refuses.",
    )
    .first(&["systemd-detect-virt --container", "grep Cap /proc/1/status"]),
    cause(
        "bpffs-not-mounted",
        Cni,
        crate::message::Whose::Kernel,
        &["Unable create map base directory: mkdir /sys/fs/bpf{rest}", "mkdir /sys/fs/bpf/{}: no such file or directory", "mkdir /sys/fs/bpf: no such file or directory"],
        "The file system of BPF is not mounted at /sys/fs/bpf, there where the agent looks (in its container, or on the node).",
    )
    .first(&["findmnt /sys/fs/bpf", "kubectl -n kube-system get pods -l k8s-app=cilium -o wide"]),
    cause(
        "root-not-shared",
        OtherEngine,
        Settings,
        &["{q} is not a shared mount, this could cause issues or missing mounts with rootless containers"],
        "A mount of the node is private, where mounts that are made later must reach the containers (or come out of them): mount propagation. In a \
         container, WSL or a chroot `/` is private from the start. As a warning it stops nothing.",
    )
    .first(&["findmnt -o TARGET,PROPAGATION /"]),
    act(
        "podman-network",
        OtherEngine,
        Network,
        &["Error starting server failed to bind {rest}", "Error starting server failed to get upstream {rest}", "{}aardvark-dns runs in a different netns, dns will not work for this container", "aardvark-dns runs in a different netns, dns will not work for this container{rest}", "[ERROR netavark::{rest}", "[ERROR aardvark_dns::{rest}", "failed to bind udp listener on {rest}", "failed to bind tcp listener on {rest}", "{}failed to get upstream nameservers, dns forwarding will not work{rest}", "failed to get upstream nameservers, dns forwarding will not work{rest}", "netavark: {rest}", "Error: netavark: {rest}", "netavark (exit code {n}): {rest}", "aardvark-dns failed to start: {rest}", "aardvark-dns failed to start", "IO error: aardvark-dns failed to start{rest}", "pasta failed with exit code {rest}", "slirp4netns failed: {rest}", "slirp4netns failed", "failed to start slirp4netns: {rest}", "setting up Pasta: {rest}", "could not find slirp4netns{rest}", "could not find pasta{rest}", "rootlessport {rest}"],
        "Podman's network of a container was being set up (netavark and aardvark-dns; pasta or slirp4netns for a user without root). The rest of the \
         line says why it failed.",
    )
    .unless(&["rootlesskit"])
    .or(&["the rules of the firewall were changed under it, or its kernel modules or iptables are missing", "port 53 of the bridge is taken by another name server", "a line of its resolv.conf is not understood, or the bridge has not (or no longer) the address that aardvark-dns serves at", "an aardvark-dns of an earlier network namespace still runs", "/dev/net/tun is not there or not allowed", "the node has no default route or no name server"])
    .first(&["podman network ls", "ps -eo pid,args | grep -e aardvark -e netavark", "cat /etc/resolv.conf", "podman info --format '{{.Host.NetworkBackend}}'", "ss -lntup", "ls -l /dev/net/tun"]),
    cause(
        "image-short-name",
        OtherEngine,
        Settings,
        &["short-name {q} did not resolve to an alias and no unqualified-search registries are defined in {rest}", "{}short-name {q} did not resolve to an alias{rest}", "short-name resolution enforced but cannot prompt without a TTY", "{}no unqualified-search registries are defined{rest}", "short name mode is enforcing, but image name {rest}"],
        "The image's name has no registry in it, and Podman or CRI-O has no registry to look in for such names. Give the whole name (docker.io/library/…), or name the \
         registries in registries.conf.",
    )
    .certain()
    .first(&["grep -v '^#' /etc/containers/registries.conf", "ls /etc/containers/registries.conf.d"]),
    act(
        "podman-database",
        OtherEngine,
        Tasks,
        &["{}database static dir {rest}", "database is locked", "{}: database is locked", "error acquiring lock {n} for container {}", "{}error acquiring lock {n} for {}", "invalid internal status, try resetting the pause process with {q}{rest}", "cannot re-exec process to join the existing user namespace", "cannot join the existing user namespace{rest}", "error opening database {rest}", "current system boot ID differs from cached boot ID; {rest}", "opening database {rest}"],
        "Podman's own database, locks or pause process do not fit the folders it now has: another home or storage path, a run folder that outlived a boot, another Podman \
         that holds the database.",
    )
    .within(&["podman", "libpod", "database", "boot id", "user namespace", "acquiring lock"])
    .or(&["another podman process holds it for long", "the run folder (a tmpfs) was not cleared at the boot, or was cleared without one", "graphroot or runroot was changed"])
    .first(&["podman info", "podman ps -a"]),
    cause(
        "coredns-loop",
        Kubernetes,
        Dns,
        &["plugin/loop: Loop ({}) detected for zone {rest}", "[FATAL] plugin/loop: {rest}", "{}plugin/loop: Loop {rest}", "plugin/loop: Seen {q} more than twice, loop detected", "[FATAL] plugin/loop: Seen {rest}"],
        "The cluster's DNS asks itself: the node's resolv.conf, which CoreDNS forwards to, names a local address (systemd-resolved's 127.0.0.53, dnsmasq). kubelet's \
         resolvConf must name the real one.",
    )
    .certain()
    .first(&["cat /etc/resolv.conf /run/systemd/resolve/resolv.conf", "grep resolvConf /var/lib/kubelet/config.yaml"]),
    cause(
        "thin-pool-full",
        Dockerd,
        Storage,
        &["devmapper: Thin Pool has {n} free data blocks which is less than minimum required {rest}", "devicemapper: Thin Pool has {rest}", "devmapper: Thin Pool has {n} free metadata blocks which is less than minimum required {rest}", "Thin Pool has {n} free {} blocks which is less than minimum required {rest}"],
        "Docker's thin pool (devicemapper) has no free blocks left, of data or of metadata, as the line says: no layer and no container can be made. Images and containers that are \
         not used, or a larger pool, give room. Room on the file systems does not help.",
    )
    .certain()
    .first(&["docker info", "lvs -a", "docker system df"]),
    cause(
        "crun-without-systemd",
        OtherEngine,
        Settings,
        &["systemd not supported: {rest}", "systemd not supported"],
        "crun was built without systemd, and the engine's cgroup manager is systemd: another crun is needed, or cgroup_manager = \"cgroupfs\".",
    )
    .certain()
    .first(&["crun --version", "podman info --format '{{.Host.CgroupManager}}'"]),
    cause(
        "crun-without-cgroups",
        OtherEngine,
        crate::message::Whose::Cgroups,
        &["cannot set limits without cgroups{rest}", "{}cannot set limits without cgroups{rest}"],
        "crun was given limits (memory, processes, CPU) and no cgroup to set them in: cgroups are off for this container, or a user without root has none delegated (cgroup v1, no session \
         of systemd).",
    )
    .certain()
    .first(&["podman info --format '{{.Host.CgroupManager}} {{.Host.CgroupsVersion}}'", "cat /sys/fs/cgroup/user.slice/user-$(id -u).slice/cgroup.controllers"]),
    cause(
        "kubeadm-discovery-hash",
        Client,
        Settings,
        &["couldn't validate the identity of the API Server: encoding/hex: {rest}", "couldn't validate the identity of the API Server: invalid hash {rest}", "{}encoding/hex: invalid byte: {rest}", "invalid hash {q}, expected {q}{rest}", "{}unable to parse the public key hash{rest}", "couldn't validate the identity of the API Server: cluster CA found in cluster-info ConfigMap is invalid: {rest}", "couldn't validate the identity of the API Server: could not find a JWS signature in the cluster-info ConfigMap for token ID {rest}", "{}could not find a JWS signature in the cluster-info ConfigMap for token ID {rest}"],
        "kubeadm join was given a hash of the cluster's authority (--discovery-token-ca-cert-hash) or a token that is not well formed, of another cluster, or expired. `kubeadm token create \
         --print-join-command` on a control plane prints both.",
    )
    .within(&["identity of the api server", "cluster-info", "discovery", "hash"])
    .first(&["kubeadm token list", "openssl x509 -pubkey -noout -in /etc/kubernetes/pki/ca.crt"]),
    cause(
        "ceph-not-serving",
        System,
        Storage,
        &["mount error: no mds server is up or the cluster is laggy{rest}", "{}no mds server is up or the cluster is laggy{rest}", "no mds server is up or the cluster is laggy", "unable to get monitor info from DNS SRV with service name: {rest}", "{}unable to get monitor info from DNS SRV with service name: {rest}", "mount error {n} = {rest}", "mount error: {rest}", "mon{n} {} connect error", "failed for service _ceph-mon._tcp{rest}"],
        "Ceph's client on the node was not served: no metadata server is active, the cluster is not healthy, or the monitors are not reached or not named.",
    )
    .within(&["ceph", "mds ", "libceph"])
    .first(&["ceph -s", "ceph fs status", "kubectl get pods -A -o wide"]),
    act(
        "csi-device-not-found",
        Kubelet,
        Storage,
        &["devicePath error, file not found for pattern {rest}", "{}file not found for pattern /dev/disk/{rest}", "{}device not found with serial {rest}", "device not found with serial {rest}", "{}failed to find device path{rest}", "could not find device {rest}", "failed to get device path{rest}", "couldn't find device path for {rest}"],
        "A driver of volumes waited on the node for a disk that should have come up (under /dev/disk), and it did not: the login to its server or the zoning failed, multipathd or the driver's pod does not see the node's \
         /dev, or the disk is attached elsewhere.",
    )
    .or(&["the node's iSCSI or Fibre Channel session is not there", "multipathd is missing or holds it under another name", "the cloud attached the disk under another name"])
    .first(&["ls -l /dev/disk/by-path /dev/disk/by-id", "lsblk", "iscsiadm -m session", "journalctl -k -b --no-pager | tail -n 50"]),
    act(
        "lock-of-a-database",
        System,
        Storage,
        &["ovsdb-tool: {rest}", "ovsdb-server: {rest}", "{}failed to lock file{rest}", "{}failed to lock lockfile{rest}", "failed to lock file (Resource temporarily unavailable)", "{}could not lock config file {rest}"],
        "A program wanted the lock of its database or file. Where the system's word is that it is taken, another copy of the same program runs: on the node itself, or in another container that shares the folder.",
    )
    .within(&["lock", "ovsdb"])
    .first(&["lslocks", "ps -eo pid,etime,args | grep -e ovs -e lock"]),
    cause(
        "nvidia-xid",
        crate::message::Component::Kernel,
        Other,
        &["XidCriticalError: Xid={n} on Device={rest}", "XidCriticalError: {rest}", "{}XidCriticalError: {rest}", "NVRM: Xid ({}): {rest}", "{}NVRM: Xid ({}): {rest}"],
        "NVIDIA's driver reports an error of a GPU by a number. 13, 31, 43, 45 and 69 mostly come from the program that used the GPU (a wrong access, or it was ended); \
         48, 63, 64, 94 and 95 tell of the GPU's memory; 74 of NVLink; 79 that the GPU is gone from the bus; 119 and 120 that its firmware does not answer. After the others than the program's, the \
         GPU is reset or looked at. The device plugin takes the GPU out until it is restarted.",
    )
    .first(&["nvidia-smi -q -d ECC,PAGE_RETIREMENT,ROW_REMAPPER | head -n 60", "dmesg -T | grep -i xid | tail -n 20", "nvidia-smi"]),
    cause(
        "helm-state",
        Client,
        Other,
        &["cannot re-use a name that is still in use", "INSTALLATION FAILED: cannot re-use a name that is still in use", "another operation (install/upgrade/rollback) is in progress", "UPGRADE FAILED: another operation (install/upgrade/rollback) is in progress", "{}has no deployed releases", "{}exists and cannot be imported into the current release{rest}", "rendered manifests contain a resource that already exists{rest}", "{}rendered manifests contain a resource that already exists{rest}", "release: not found", "execution error at ({rest}", "unable to build kubernetes objects from {rest}", "{}unable to build kubernetes objects from {rest}"],
        "helm refuses by what it knows of its releases: one of that name is there, an earlier run was cut off in the middle, or what the chart would make is there \
         already. The node has no part in it.",
    )
    .first(&["helm list --all --all-namespaces", "helm history RELEASE"]),
    act(
        "helm-failed",
        Client,
        Other,
        &["INSTALLATION FAILED", "INSTALLATION FAILED: {rest}", "UPGRADE FAILED", "UPGRADE FAILED: {rest}", "Error: INSTALLATION FAILED: {rest}", "Error: UPGRADE FAILED: {rest}", "failed post-install: {rest}", "failed pre-install: {rest}", "failed pre-upgrade: {rest}"],
        "helm was installing or upgrading a chart; the rest of the line says what the API server, the chart or a wait of it refused. Pods that do not become ready have their \
         own reasons.",
    )
    .first(&["helm list --all --all-namespaces", "kubectl get pods -A -o wide"]),
    act(
        "cilium-datapath",
        Cni,
        Network,
        &["endpoint regeneration failed", "Failed to load tc filter{rest}", "Unable to install direct node route {rest}", "route to destination {} contains gateway {}, must be directly reachable", "Regeneration of endpoint failed", "Error while rewriting endpoint BPF program", "Failed to compile {}: {rest}", "JoinEP: {rest}", "Failed to replace Qdisc for {rest}", "Unable to update ipcache{rest}", "BPF NodePort's {rest}", "Unable to create endpoint", "attaching {} to interface {}{rest}", "program {}: load program: {rest}", "Unable to initialize Kubernetes node discovery{rest}", "unable to retrieve k8s node", "Unable to contact k8s api-server{rest}", "timeout while waiting for datapath {rest}", "Waiting for k8s node information"],
        "Cilium's agent was loading its programs into the kernel or setting a route, or waited for its node's object. The rest says why it failed.",
    )
    .within(&["subsys=", "cilium"])
    .or(&["the kernel lacks something (a BPF feature, an option), or the verifier refuses the program", "autoDirectNodeRoutes is on, and the nodes are not on one network", "the API server is not reached, or does not know the node"])
    .first(&["kubectl -n kube-system get pods -l k8s-app=cilium -o wide", "kubectl -n kube-system logs -l k8s-app=cilium --tail=50", "uname -r"]),
    act(
        "bgp-peer",
        Cni,
        Network,
        &["BGP: Unexpected connect from unknown address {rest}", "{}BGP: Unexpected connect from unknown address {rest}", "bird: BGP: {rest}", "BGP not established with {rest}", "BIRD is not ready: BGP not established with {rest}", "{}: Connection closed by peer", "{}: Received: {rest}", "{}: Error: Hold timer expired", "Mesh_{}: {rest}", "{}kBGP{rest}"],
        "A BGP session of the pods' network (Calico's BIRD) with another node or router. An address that is not known is a peer that this side has no node for (yet); a session \
         that is not established has the way between the nodes closed (TCP port 179) or the wrong address of a node.",
    )
    .within(&["bird", "bgp"])
    .or(&["the node's address was detected on the wrong interface", "a firewall closes TCP port 179", "the peer was just added or removed: then it passes"])
    .first(&["kubectl -n kube-system get pods -l k8s-app=calico-node -o wide", "ss -lnt 'sport = :179'", "ip -br address"]),
    cause(
        "socket-group-missing",
        Dockerd,
        Nobody,
        &["could not change group {} to docker: group docker not found", "could not change group {path} to docker: group docker not found", "Could not find group docker{rest}", "could not find group docker"],
        "There is no group docker, so that only root may use dockerd's socket. dockerd goes on: by itself no fault.",
    ),
    act(
        "longhorn",
        Kubelet,
        Storage,
        &["Error syncing Longhorn {rest}", "failed to sync {} for longhorn-system/{rest}", "Dropping Longhorn {rest}", "failed to attach volume {} to node {}{rest}", "volume {} is not ready for workloads", "failed to start engine {rest}", "replica {} is failed{rest}"],
        "Longhorn's manager was bringing a volume, engine or replica to what it should be, and tries again. The rest says what failed.",
    )
    .within(&["longhorn"])
    .or(&["a replica's node or disk is gone or full", "open-iscsi is not installed or iscsid does not run", "the object was changed in that moment: then it passes"])
    .first(&["kubectl -n longhorn-system get volumes.longhorn.io,engines.longhorn.io,replicas.longhorn.io", "kubectl -n longhorn-system get pods -o wide", "systemctl status iscsid"]),
    cause(
        "multipath-takes-the-disk",
        System,
        Storage,
        &["{}is already mounted or mount point busy{rest}", "mount: {path}: {} already mounted or mount point busy{rest}", "{}: add missing path"],
        "A disk is held already: by multipathd (a volume's disk became a path of a map), by another mount, or by LVM.",
    )
    .within(&["/dev/", "multipath"])
    .first(&["lsblk -o NAME,TYPE,FSTYPE,MOUNTPOINTS", "multipath -ll"]),
    act(
        "iscsi-login",
        System,
        Storage,
        &["iscsiadm: {rest}", "{}iscsiadm: Could not login to {rest}", "iscsi: failed to {rest}", "iscsid: cannot connect to {rest}", "{}iscsiadm: No records found", "{}Could not log into all portals", "iscsid: {rest}"],
        "The node was logging in to a server of iSCSI disks. The rest says whether it was not reached, refused the login, or does not know the target.",
    )
    .or(&["the server or its port (3260) is not reached", "the initiator's name or its password is not allowed", "iscsid does not run"])
    .first(&["systemctl status iscsid", "iscsiadm -m session", "cat /etc/iscsi/initiatorname.iscsi"]),
    cause(
        "kubeadm-crisocket",
        Client,
        Pod,
        &["error execution phase kubelet-start: error uploading crisocket: {rest}", "error uploading crisocket: {rest}", "{}error uploading crisocket: {rest}", "{}Error writing Crisocket information for the control-plane node{rest}", "error execution phase upload-config/kubelet: Error writing Crisocket information {rest}"],
        "kubeadm waited for kubelet to register its node, which it did not in time: kubelet does not run, uses files of an earlier cluster (kubeadm reset was not run), or does not \
         reach the API server.",
    )
    .first(&["systemctl status kubelet", "journalctl -b -u kubelet --no-pager | tail -n 50"]),
    act(
        "logs-through-kubelet",
        Kubelet,
        Network,
        &["Error from server: Get {q}: dial tcp {}:10250: {rest}", "Get {q}: dial tcp {}:10250: {rest}", "error dialing backend: {rest}", "Error from server: error dialing backend: {rest}"],
        "The API server asked a node's kubelet (port 10250: logs, exec, port-forward) and had no answer: kubelet does not run, the way to the node is closed, or kubelet has no \
         serving certificate that is approved.",
    )
    .within(&[":10250", "internal error", "dialing backend"])
    .or(&["a firewall between the control plane and the node", "a request for kubelet's serving certificate waits for approval", "the node's address in its object is the wrong one"])
    .first(&["kubectl get nodes -o wide", "kubectl get csr", "ss -lnt 'sport = :10250'"]),
    cause(
        "server-unknown-answer",
        Kubernetes,
        Other,
        &["an error on the server (\"{}\") has prevented the request from succeeding{rest}", "Error from server (InternalError): an error on the server {rest}", "{}an error on the server (\"{}\") has prevented the request from succeeding{rest}"],
        "The API server, or what stands before it, answered with an error that the client does not understand: the quoted word is all that came. The server's own log says why: \
         often etcd or an extension of the API (metrics, webhooks) did not answer, or a proxy did.",
    )
    .open()
    .first(&["kubectl get --raw=/readyz?verbose", "kubectl get apiservices"]),
    cause(
        "udev-notes",
        System,
        Nobody,
        &["link_config: could not get ethtool features for {}", "Could not set offload features of {}: No such device", "could not get ethtool features for {}", "Using default interface naming scheme {}", "Network interface NamePolicy= disabled {rest}"],
        "udev looked at an interface of a container (veth…) that was made or removed in that moment. By itself no fault.",
    ),
];
