//! The pods' network: each plugin with where its own words are.

use super::{Place, place};
use crate::message::Component::{Cni, Kubernetes};
use crate::message::Whose::{Network, Pod, Settings};
use crate::table::TRIAGE;

const CONFIGS: &str = "ls -l /etc/cni/net.d /opt/cni/bin";
const PODS: &str = "kubectl -n kube-system get pods -o wide";

pub(super) const PLUGINS: &[Place] = &[
    place(
        "at-istio-cni",
        Cni,
        Network,
        &["istio-cni", "istio_cni", "type=\"istio", "linkerd-cni", "istio-init", "ztunnel"],
        "The mesh's plugin (istio-cni, linkerd-cni), which redirects a pod's traffic: its own pod on this node decides.",
    )
    .first(&["kubectl get pods -A -o wide | grep -e istio -e linkerd", CONFIGS]),
    place(
        "at-multus",
        Cni,
        Network,
        &["multus", "net-attach-def", "networkattachmentdefinition", "network-attachment-definition", "whereabouts", "sriov", "sr-iov", "delegateadd", "confadd"],
        "Multus, which calls other plugins, or one that it calls (whereabouts, SR-IOV). The inner part of the line is the \
         called plugin's word.",
    )
    .first(&["kubectl get pods -A -o wide | grep -e multus -e whereabouts", "kubectl get network-attachment-definitions -A", CONFIGS]),
    place(
        "at-aws-cni",
        Cni,
        Network,
        &["aws-cni", "vpc-cni", "ipamd", "aws-node", "routed-eni", "eniconfig", "amazon-k8s-cni", "127.0.0.1:50051", "egress-v4-cni", "assignpodipv4address", "addnetworkreply", "failed to assign an ip address to"],
        "Amazon's VPC CNI: the plugin asks ipamd (the pod aws-node on this node) for an address of an ENI.",
    )
    .or(&["ipamd does not run or is not ready", "the subnet or the node's ENIs have no free address", "rights (IAM) to attach ENIs are missing"])
    .first(&["tail -n 50 /var/log/aws-routed-eni/ipamd.log /var/log/aws-routed-eni/plugin.log", "kubectl -n kube-system get pods -l k8s-app=aws-node -o wide"]),
    place(
        "at-azure-cni",
        Cni,
        Network,
        &["azure-vnet", "azure-cns", "azure cni", "azure-cni", "azurecns", "azure&ipam"],
        "Azure's CNI: the plugin, or the service (CNS) that gives it addresses.",
    )
    .first(&["tail -n 50 /var/log/azure-vnet.log", PODS]),
    place(
        "at-calico",
        Cni,
        Network,
        &["type=\"calico", "calico-node", "calico/node", "felix", "calico-ipam", "calico cni", "calico&sandbox", "calico&network", "calico&ipam", "projectcalico", "birdv4", "bird:", "bird6", "clusterinformation", "calico-k8s-network", "[error][&calico", "cali&veth", "typha", "calico&cni", "calico-kube-controllers", "/var/run/calico", "/etc/calico", "/var/lib/calico"],
        "Calico: its plugin, or its agent (calico-node: felix, BIRD) on this node.",
    )
    .or(&["calico-node does not run on this node, or is not ready", "its token or its rights for the API server are not valid", "no pool of addresses has room, or an old block is in the way"])
    .first(&["kubectl get pods -A -l k8s-app=calico-node -o wide", "tail -n 50 /var/log/calico/cni/cni.log", "ls -l /etc/cni/net.d /var/lib/calico"]),
    place(
        "at-cilium",
        Cni,
        Network,
        &["cilium", "subsys=", "/var/run/cilium", "ciliumendpointname", "endpoint-id", "hubble", "bpf_lxc", "ebpf&datapath"],
        "Cilium: its plugin, or its agent on this node, which makes the pod's endpoint and programs (BPF).",
    )
    .or(&["the agent does not run, restarts, or is overloaded", "the kernel lacks what it needs, or a program does not load"])
    .first(&["kubectl -n kube-system get pods -l k8s-app=cilium -o wide", "kubectl -n kube-system logs -l k8s-app=cilium --tail=50"]),
    place(
        "at-flannel",
        Cni,
        Network,
        &["flannel", "flanneld", "subnetmanager", "cni0", "subnet.env", "vxlan.go", "podcidr"],
        "flannel: its plugin (which calls bridge and host-local), or flanneld on this node.",
    )
    .or(&["flanneld does not run or has no lease of a subnet (the node has no podCIDR)", "the bridge cni0 has an address of an earlier range"])
    .first(&["cat /run/flannel/subnet.env", "kubectl get pods -A -o wide | grep flannel", "ip -br addr show cni0"]),
    place(
        "at-ovn",
        Cni,
        Network,
        &["ovn-k8s", "ovn-kubernetes", "ovnkube", "kube-ovn", "openshift-sdn", "ovs-vsctl", "openvswitch", "ovs:", "antrea", "ovs bridge", "ovs-ofctl", "ovs-appctl"],
        "A network on Open vSwitch (OVN-Kubernetes, Kube-OVN, Antrea, OpenShift SDN): its agent on this node, or ovs \
         itself.",
    )
    .first(&["kubectl get pods -A -o wide | grep -e ovn -e ovs -e antrea -e sdn", "ovs-vsctl show", CONFIGS]),
    place(
        "at-other-network",
        Cni,
        Network,
        &["weave", "kube-router", "terway", "tke-route", "galaxy", "romana", "contiv", "canal", "kuryr", "nsx", "ncp&cni", "kube-vip", "metallb", "spiderpool", "hybridnet", "bandwidth plugin", "type=\"bandwidth", "type=\"gke", "netd"],
        "A network's plugin that is not the CNI project's own: its agent on this node and its own log say why.",
    )
    .first(&["kubectl get pods -A -o wide", CONFIGS]),
    place(
        "at-host-local",
        Cni,
        Network,
        &["host-local", "type=\"bridge\"", "type=\"ptp\"", "type=\"macvlan\"", "type=\"ipvlan\"", "type=\"loopback\"", "type=\"dhcp\"", "type=\"static\"", "type=\"tuning\"", "type=\"vlan\"", "type=\"vrf\"", "type=\"sbr\"", "/var/lib/cni/networks", "dhcp.sock", "dhcp daemon"],
        "A plugin of the CNI project: bridge, ptp, macvlan, ipvlan, vlan, tuning, and for addresses host-local, dhcp, static.",
    )
    .or(&["its configuration is wrong, or names a card that the node does not have", "its range has no free address, or a left-over of an earlier attempt is in the way"])
    .first(&[CONFIGS, "ip -br link; ip -br addr", "ls /var/lib/cni/networks/*"]),
    place(
        "at-bridge-module",
        crate::message::Component::Kernel,
        crate::message::Whose::Kernel,
        &["bridge-nf-call-ip", "br_netfilter"],
        "A setting of the kernel's module br_netfilter, which Kubernetes wants so that rules of the firewall see the pods' \
         bridge. Where its file does not exist, the module is not loaded.",
    )
    .first(&["lsmod | grep br_netfilter", "sysctl net.bridge.bridge-nf-call-iptables"]),
    place(
        "at-portmap",
        Cni,
        Network,
        &["portmap", "hostport", "type=\"firewall\"", "cni-hostport", "ipmasq", "ip masq", "iptables", "ip6tables", "nft ", "nftables", "xtables", "ipset"],
        "Rules of the node's firewall (iptables, nftables) were being made or removed for a pod, a port or a service.",
    )
    .or(&["the program is missing, or of another kind (nft, legacy) than the rules that are there", "a module of the kernel is missing (a kernel upgraded without a boot)", "another program holds the lock"])
    .first(&["iptables -V; ip6tables -V", "lsmod | grep -e ip_tables -e nf_tables -e nf_nat", "ss -lntup"]),
    place(
        "at-kube-proxy",
        Kubernetes,
        Network,
        &["kube-proxy", "proxier.go", "ipvs", "conntrack", "server_others.go"],
        "kube-proxy, which makes the services' rules on the node.",
    )
    .first(&["kubectl -n kube-system get pods -l k8s-app=kube-proxy -o wide", "lsmod | grep -e ip_vs -e nf_conntrack"]),
    place(
        "at-cluster-dns",
        Kubernetes,
        Network,
        &["coredns", "kube-dns", "plugin/errors", "nodelocaldns", "svc.cluster.local"],
        "The cluster's name service (CoreDNS), which pods ask. The node's own pulls do not use it.",
    )
    .first(&["kubectl -n kube-system get pods -l k8s-app=kube-dns -o wide", "cat /etc/resolv.conf"]),
];

pub(super) const GENERAL: &[Place] = &[
    place(
        "at-network-policy",
        Kubernetes,
        Pod,
        &["networkpolicy", "network policy"],
        "A rule of the cluster's network, which its agent on the node applies.",
    )
    .first(&[PODS]),
    place(
        "at-network-teardown",
        Cni,
        Network,
        &["destroy network", "teardown", "remove network", "(delete)", "cni del", "delnetwork", "error deleting&network", "failed to remove netns", "failed to delete network"],
        "A pod was being taken off its network (CNI DEL). Until that succeeds, the pod is neither stopped nor removed.",
    )
    .or(&["the plugin or its configuration is gone, or has lost its rights", "its agent on the node does not answer", "the cached result under /var/lib/cni cannot be read"])
    .first(&[CONFIGS, "ls -l /var/lib/cni/results", PODS]),
    place(
        "at-network-setup",
        Cni,
        Network,
        &["setup network", "set up pod", "failed (add)", "cni add", "addnetwork", "networkplugin cni", "plugin type=", "network for pod", "error adding pod", "failed to set up sandbox", "cni.go", "netplugin", "cni plugin", "cni failed"],
        "A pod was being put into its network (CNI ADD): the plugin that the line names, or one that it calls, answered with \
         an error.",
    )
    .or(&["the network's agent on this node does not run or does not answer", "no address is free", "an interface, an address or a rule of an earlier attempt is in the way"])
    .first(&[CONFIGS, PODS, "ip -br link"]),
    place(
        "at-network-config",
        Cni,
        Settings,
        &["/etc/cni/net.d", "cni config", "cni conf", "cni&network config", "net.d&network config", "networkready", "networkpluginnotready", "networknotready", "network is not ready", "network plugin", "runtime network not ready", "/opt/cni/bin", "cniversion"],
        "The configuration of the pods' network was being looked for, read or checked.",
    )
    .or(&["the network's pods have not written it yet", "a file in the folder is wrong: the first of them counts", "containerd looks in other folders than those where it was installed"])
    .first(&[CONFIGS, "containerd config dump | grep -A6 cni", PODS]),
    place(
        "at-netns",
        Cni,
        Network,
        &["netns", "network namespace", "netlink", "veth", "rtnetlink", "failed to add route", "ip link"],
        "A network namespace, an interface or a route of a pod was being made, opened or removed.",
    )
    .first(&["ls -l /run/netns; findmnt -t nsfs", "ip -br link; ip route", TRIAGE]),
    place(
        "at-cni",
        Cni,
        Network,
        &["cni"],
        "CNI, the pods' network: libcni, go-cni or a plugin.",
    )
    .first(&[CONFIGS, PODS, "journalctl -b -u containerd --no-pager | grep -i cni | tail -n 20"]),
];
