//! Networks' own plugins, runtimes of virtual machines, snapshotters that are programs of their own, vendors' devices.

use crate::message::Component::{Cni, Kernel as TheKernel, OtherRuntime, OtherSnapshotter};
use crate::message::Whose::{Image, Kernel, Network, Nobody, Other, Settings, Storage, Stores};
use crate::message::{Message, act, cause};
use crate::table::DMESG;

const CONFIGS: &str = "ls -l /etc/cni/net.d /opt/cni/bin";

pub(super) const ALL: &[Message] = &[
    act(
        "cni-own-netns",
        Cni,
        Network,
        &["Failed to open current namespace: {rest}", "failed to open current namespace: {rest}", "Failed to open current namespace"],
        "The plugin could not open the network namespace in which it runs itself (/proc/PID/task/TID/ns/net); the pod's is not meant. A \
         /proc that hides threads, a security module, or an old build of the plugin does it.",
    )
    .wraps(&[])
    .first(&["findmnt /proc", "ls -l /opt/cni/bin", "ausearch -m avc -ts recent"]),
    cause(
        "vxlan-taken",
        Cni,
        Network,
        &["failed to set interface {} to UP state: address already in use{}", "failed to configure interface {}: failed to set interface {} to UP state: address already in use{}"],
        "Another VXLAN interface of the node has the same number and port: of another network plugin, or left by one that was there before.",
    )
    .first(&["ip -d link show type vxlan", "ss -lunp | grep -e 8472 -e 4789"]),
    cause(
        "multus-waits",
        Cni,
        Network,
        &["have you checked that your default network is ready? {rest}", "still waiting for readinessindicatorfile @ {rest}", "{}still waiting for readinessindicatorfile{rest}", "error waiting for pod: {rest}", "SetNetworkStatus: failed to {rest}", "cannot find a network-attachment-definition {rest}", "failed to get network annotations{rest}", "failed to load Kubernetes network attachment{rest}"],
        "Multus waits for the default network, whose configuration is not there yet, or cannot get the pod or its networks from \
         the API server.",
    )
    .wraps(&[])
    .first(&["kubectl get pods -A -o wide | grep multus", CONFIGS, "kubectl get network-attachment-definitions -A"]),
    cause(
        "calico-addresses",
        Cni,
        Network,
        &["failed to request {n} IPv4 addresses. IPAM allocated only {n}{rest}", "failed to request IPv4 addresses{rest}", "No IPs available in pools: {rest}", "failed to request {n} IPv6 addresses. IPAM allocated only {n}{rest}", "Failed to auto assign IPs: {rest}", "no more free affine blocks{rest}"],
        "Calico has no free address for the pod: its pool is used up, no pool is for this node, or blocks of nodes that are gone \
         hold them.",
    )
    .wraps(&[])
    .certain()
    .first(&["calicoctl ipam show --show-blocks", "kubectl get ippools -o yaml"]),
    cause(
        "calico-node-not-ready",
        Cni,
        Network,
        &["calico/node is not ready: {rest}", "{}calico/node is not ready: {rest}", "Calico node {q} is already using the IPv4 address {}", "Number of node(s) with BGP peering established = {n}{rest}", "BIRD is not ready: {rest}"],
        "Calico's agent on this node is not ready: it has no session with other nodes (BGP, port 179), or took the address of a \
         wrong card.",
    )
    .unless(&["felix is not ready", "felix is not live"])
    .first(&["calicoctl node status", "kubectl get pods -A -l k8s-app=calico-node -o wide"]),
    cause(
        "cilium-busy",
        Cni,
        Network,
        &["[PUT /endpoint/{id}][429] putEndpointIdTooManyRequests{rest}", "[PUT /endpoint/{}][429] putEndpointIdTooManyRequests{rest}", "[PUT /endpoint/{}][{n}] putEndpointId{rest}", "[POST /ipam][{n}] postIpam{rest}", "{}postIpamFailure {rest}", "unable to allocate IP via local cilium agent: {rest}"],
        "Cilium's agent on this node refused the pod: too many at once (429), no free address, or its own error, which the line \
         has.",
    )
    .certain()
    .first(&["kubectl -n kube-system get pods -l k8s-app=cilium -o wide", "kubectl -n kube-system logs -l k8s-app=cilium --tail=50"]),
    cause(
        "flanneld",
        Cni,
        Network,
        &["node {q} pod cidr not assigned", "Error registering network: {rest}", "failed to acquire lease: {rest}", "Failed to acquire lease: {rest}", "Couldn't fetch network config: {rest}", "Failed to find interface to use that matches the interfaces and/or regexes provided", "Failed to find any valid interface to use: {rest}", "Failed to create SubnetManager: {rest}"],
        "flanneld could not begin on this node: the node has no podCIDR, the API server (or etcd) is not reached, or no card has \
         the address it looks for.",
    )
    .wraps(&[])
    .first(&["kubectl get node NODE -o jsonpath='{.spec.podCIDR}'", "kubectl get pods -A -o wide | grep flannel", "ip -br addr"]),
    cause(
        "cni-master-missing",
        Cni,
        Settings,
        &["failed to lookup master {q}: {rest}", "failed to lookup master {q}", "Link not found", "{}: Link not found", "could not find {q}: Link not found", "failed to find host interface {rest}", "couldn't find any gateway", "could not lookup {q}: Link not found", "failed to lookup {q}: Link not found"],
        "The plugin's configuration names a card of the node (master) that is not there, or an interface of the pod is gone.",
    )
    .within(&["cni", "network", "sandbox", "plugin", "macvlan", "ipvlan", "veth", "link"])
    .unless(&["error response from daemon", "network bridge", "host side interface", "docker", "create endpoint"])
    .first(&["ip -br link", CONFIGS]),
    cause(
        "cni-kernel-module",
        Cni,
        Kernel,
        &["could not add {q}: operation not supported", "failed to create bridge {q}: could not add {q}: operation not supported", "failed to create macvlan: operation not supported", "failed to create macvlan: device or resource busy", "failed to create macvlan: no such device", "failed to create ipvlan: operation not supported", "failed to create ipvlan: device or resource busy", "failed to make veth pair: operation not supported", "failed to setup loopback: {rest}"],
        "The kernel does not make that kind of interface: its module (bridge, veth, macvlan) is not loaded or not installed for \
         this kernel, or the card is in other use.",
    )
    .first(&["uname -r; ls /lib/modules", "lsmod | grep -e bridge -e veth -e vlan", DMESG]),
    cause(
        "cni-dhcp",
        Cni,
        Network,
        &["error dialing DHCP daemon: {rest}", "error calling DHCP.Allocate: {rest}", "no DHCP packet received within {}", "no DHCP packet received within {rest}", "error calling DHCP.Release: {rest}"],
        "The plugin dhcp asks a daemon of its own on the node, which does not run, or got no lease.",
    )
    .first(&["ls -l /run/cni/dhcp.sock", CONFIGS]),
    cause(
        "aws-cni-answer",
        Cni,
        Network,
        &["Error received from AddNetwork gRPC call: {rest}", "Error received from DelNetwork gRPC call: {rest}", "InsufficientFreeAddressesInSubnet{rest}", "{}InsufficientFreeAddressesInSubnet{rest}", "InsufficientCidrBlocks{rest}", "add cmd: Error received from AddNetwork gRPC call: {rest}", "ipamd is not ready{rest}", "timeout: failed to connect service {q} within {}"],
        "Amazon's VPC CNI: its daemon (ipamd, the pod aws-node) does not answer, or the subnet has no free address.",
    )
    .wraps(&[])
    .first(&["kubectl -n kube-system get pods -l k8s-app=aws-node -o wide", "tail -n 50 /var/log/aws-routed-eni/ipamd.log"]),
    cause(
        "azure-cni-answer",
        Cni,
        Network,
        &["IPAM Invoker Add failed with error: {rest}", "Failed to allocate address: {rest}", "Failed to allocate pool: {rest}", "Failed to get IP address from CNS{rest}", "No available addresses", "No address available{rest}", "Failed to initialize key-value store of network plugin: {rest}", "timed out locking store{rest}", "http request failed: Post \"http://localhost:10090/{rest}"],
        "Azure's CNI: its service (CNS) or its store on this node does not answer, or has no free address.",
    )
    .wraps(&[])
    .within(&["azure", "cns", "ipam", "key-value", "10090", "store"])
    .first(&["tail -n 50 /var/log/azure-vnet.log", "kubectl -n kube-system get pods -o wide | grep -e cns -e azure"]),
    // Virtual machines.
    cause(
        "kvm-missing",
        OtherRuntime,
        Kernel,
        &["Could not access KVM kernel module: {rest}", "{}Could not access KVM kernel module{rest}", "open /dev/kvm: {}", "failed to initialize kvm: {rest}", "failed to initialize KVM: {rest}", "open /dev/vhost-vsock: {}", "open /dev/vhost-net: {}", "stat /dev/kvm: {}", "no KVM{}", "{}kvm_intel{rest}"],
        "The node has no virtualization for that runtime: no /dev/kvm (a virtual machine without nested ones, a BIOS setting), or \
         modules for vhost are not loaded.",
    )
    .first(&["ls -l /dev/kvm /dev/vhost-vsock /dev/vhost-net", "lsmod | grep -e kvm -e vhost", "kata-runtime check"]),
    cause(
        "kata-agent",
        OtherRuntime,
        Other,
        &["rpc status: Status {rest}", "QMP command failed{rest}", "dial vsock {rest}", "timed out connecting to vsock {rest}", "Failed to connect to agent: {rest}", "failed to start virtiofsd{rest}", "virtiofsd {rest}", "failed to launch {rest}virtiofsd{rest}", "the agent is not running{rest}", "dial timeout: {rest}", "failed to mount {} to {}, with error: {rest}", "fail to start VM{rest}", "Failed to start VM{rest}", "Couldn't find {} image{rest}", "Failed to load vm config{rest}"],
        "kata's virtual machine or the agent in it failed or did not answer: memory, its kernel and image, or the folder that is \
         shared with it.",
    )
    .wraps(&[])
    .within(&["kata", "vsock", "qmp", "virtiofs", "vm", "rpc status", "agent"])
    .open()
    .first(&["journalctl -b -t kata -t kata-runtime --no-pager | tail -n 50", "kata-runtime check", "free -m"]),
    cause(
        "entrypoint-not-found-guest",
        OtherRuntime,
        Image,
        &["the file {} was not found", "the file {} was not found: {}", "No such file or directory (os error 2){rest}entrypoint{rest}"],
        "The program that the image or the pod names is not in the image (kata's agent says it so).",
    )
    .wraps(&[])
    .first(&["crictl inspecti IMAGE"]),
    cause(
        "gvisor-gofer",
        OtherRuntime,
        Other,
        &["cannot create gofer process: {rest}", "gofer: {rest}", "connecting to control server at PID {n}: {rest}", "loading container {q}: {rest}", "creating container: {rest}", "starting container: {rest}", "error setting up FS: {rest}", "waiting on process {rest}sandbox{rest}", "unexpected EOF: gofer{rest}", "cannot read gofer {rest}"],
        "gVisor's runsc, or its helper for files (gofer), failed or ended: its debug log says more.",
    )
    .wraps(&[])
    .within(&["runsc", "gvisor", "gofer", "sandbox", "urpc"])
    .open()
    .first(&["runsc --version", "ls /var/log/runsc", "journalctl -k -b | grep -i -e oom -e runsc"]),
    // Snapshotters.
    cause(
        "remote-snapshotter-state",
        OtherSnapshotter,
        Stores,
        &["failed to restore remote snapshot{rest}", "failed to restore remote snapshot", "failed to resolve layer {rest}", "unable to find registered layer{rest}", "failed to start nydusd{rest}", "start nydusd: {rest}", "failed to wait for nydusd{rest}", "nydusd {rest}exited{rest}", "daemon {} is not running{rest}", "failed to mount snapshot{rest}nydus{rest}", "rafs {}: {rest}", "failed to prepare remote snapshot{rest}", "failed to prepare snapshot {rest}remote{rest}", "no index is found{rest}", "skipping image, no soci index{rest}"],
        "A snapshotter of its own (stargz, nydus, SOCI) could not bring back or mount a layer: it restarted, lost its state, its \
         helper died, or the registry was not reached.",
    )
    .wraps(&[])
    .unless(&["no ztoc", "cannot get ztoc", "error parsing footer"])
    .within(&["stargz", "nydus", "soci", "remote snapshot", "rafs", "fuse", "estargz", "layer"])
    .open()
    .first(&["systemctl list-units '*snapshotter*' '*stargz*' '*nydus*' '*soci*'", "findmnt -t fuse"]),
    cause(
        "remote-snapshot-fallback",
        crate::Component::OtherSnapshotter,
        crate::Whose::Nobody,
        &["failed to parse stargz{rest}", "error parsing footer{rest}", "unable to resolve layer {rest}no ztoc for the layer{rest}", "no ztoc for the layer{}", "skipping mounting layer {} as FUSE mount: no zTOC for layer", "cannot get ztoc; download and unpack this layer in container runtime for now{rest}", "failed to resolve layer: {rest}error parsing footer{rest}", "failed to resolve layer: {rest}no ztoc for the layer{rest}", "failed to resolve layer: {rest}cannot get ztoc{rest}"],
        "A layer cannot be fetched bit by bit (it has no index for that, or one that is broken), so it is pulled and unpacked as a whole. Nothing fails by it; it only takes longer.",
    )
    .first(&["systemctl list-units '*snapshotter*' '*stargz*' '*soci*'"]),
    cause(
        "fuse-denied",
        OtherSnapshotter,
        Kernel,
        &["fusermount{}: {rest}", "fuse: device not found, try 'modprobe fuse' first", "exec: \"fusermount\": executable file not found in $PATH", "exec: \"fusermount3\": executable file not found in $PATH", "open /dev/fuse: {}", "failed to open /dev/fuse{rest}"],
        "FUSE is not there for whoever wants it: the module, /dev/fuse, or its program fusermount.",
    )
    .wraps(&[])
    .first(&["ls -l /dev/fuse; lsmod | grep fuse", "command -v fusermount fusermount3"]),
    cause(
        "layer-decryption",
        OtherSnapshotter,
        Image,
        &["missing private key needed for decryption{rest}", "{}missing private key needed for decryption{rest}", "no processor for media-type{rest}", "failed to get stream processor for {rest}", "failed to decrypt {rest}", "no suitable key unwrapper found{rest}"],
        "A layer is of a kind that this containerd cannot unpack by itself: encrypted (its key or its program ctd-decoder is \
         missing), or a compression that the release does not know (zstd needs 1.5 or later).",
    )
    .first(&["containerd config dump | grep -A6 stream_processors", "containerd --version"]),
    // Devices.
    cause(
        "nvidia-kernel",
        TheKernel,
        Other,
        &["NVRM: {rest}", "nvidia: {rest}", "nvidia-modeset: {rest}", "nvidia-nvlink: {rest}", "{}Driver/library version mismatch{rest}", "Driver/library version mismatch", "Failed to initialize NVML: Driver/library version mismatch{rest}"],
        "NVIDIA's driver tells of the card, or does not fit its libraries (an upgrade without a boot).",
    )
    .first(&["nvidia-smi", "dmesg | grep -i nvrm", "cat /proc/driver/nvidia/version"]),
    // The kernel's good news: words like "error" stand in a mount's options, too.
    cause(
        "file-system-mounted",
        TheKernel,
        Nobody,
        &["EXT4-fs ({}): mounted filesystem {rest}", "EXT4-fs ({}): re-mounted{rest}", "EXT4-fs ({}): unmounting filesystem{rest}", "EXT4-fs ({}): recovery complete{rest}", "XFS ({}): Mounting V{n} Filesystem{rest}", "XFS ({}): Ending clean mount{rest}", "XFS ({}): Unmounting Filesystem{rest}", "EXT4-fs ({}): orphan cleanup on readonly fs{rest}"],
        "A file system was mounted or unmounted, as it should be.",
    )
    .certain(),
    cause(
        "file-system-recovered",
        TheKernel,
        Storage,
        &["XFS ({}): Starting recovery{rest}", "EXT4-fs ({}): recovery required on readonly filesystem{rest}", "EXT4-fs ({}): warning: mounting fs with errors, running e2fsck is recommended{rest}", "EXT4-fs ({}): {n} orphan inode{rest}"],
        "A file system was not unmounted cleanly (a crash, a power cut): what was written shortly before may be missing.",
    )
    .first(&["coroner triage /", DMESG]),
    cause(
        "hardware-error",
        TheKernel,
        Storage,
        &["mce: [Hardware Error]: {rest}", "EDAC {}: {rest}", "[Hardware Error]: {rest}", "Machine check events logged{rest}", "pcieport {}: AER: {rest}"],
        "The machine's memory, processor or bus reports errors: what is in memory or was written may be damaged.",
    )
    .certain()
    .first(&["journalctl -k -b | grep -i -e 'hardware error' -e edac", "ras-mc-ctl --errors"]),
    act(
        "overlay-kernel",
        TheKernel,
        Storage,
        &["overlayfs: {rest}", "overlay: {rest}"],
        "overlayfs, on which containers' root file systems lie, tells why it does not take the folders it was given, or falls \
         back to something else (which is no fault).",
    )
    .first(&[DMESG, "findmnt -T /var/lib/containerd", "coroner snapshots check /"]),
];
