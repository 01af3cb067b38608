//! CNI: go-cni, libcni, the plugins of the CNI project, and what other networks' plugins say most.

use super::TRIAGE;
use crate::message::Component::{Cni, Cri, Kubelet};
use crate::message::Whose::{Kernel, Network, Other};
use crate::message::{Message, act, cause};

const CONFIGS: &str = "ls -l /etc/cni/net.d /opt/cni/bin";
const NETWORK_PODS: &str = "kubectl -n kube-system get pods -o wide";

pub(super) const ALL: &[Message] = &[
    cause(
        "cni-not-initialized",
        Cri,
        Network,
        &[
            "cni plugin not initialized",
            "cni config not initialized",
            "Network plugin returns error: cni plugin not initialized",
            "NetworkPluginNotReady message:Network plugin returns error: cni plugin not initialized",
            "no network config found in {path}: cni plugin not initialized: failed to load cni config",
            "no network config found in {path}: cni plugin not initialized",
            "no network config found in {path}",
            "failed to load cni during init, please check CRI plugin status before setting up network for pods",
            "cni config load failed",
            "Network plugin returns error: {rest}",
            "container runtime network not ready",
            "Container runtime network not ready",
            "Unable to update cni config",
            "NetworkReady=false reason:NetworkPluginNotReady message:{rest}",
            "NetworkReady=false reason:NetworkPluginNotReady",
            "runtime network not ready{rest}",
            "network is not ready",
            "network is not ready: container runtime network not ready",
            "No networks found in {path}",
            "docker: network plugin is not ready: cni config uninitialized",
            "cni config uninitialized",
        ],
        "containerd loaded no network configuration: there is none in the folder yet (the network's pods have not \
         written it), or one of them is wrong and with it none is loaded. \"no network config found in\" beside it \
         means that there is none; \"failed to load cni config\" names the file that is wrong.",
    )
    .unless(&["multus"])
    .codes(&["cni/no-config", "cni/config-broken"])
    .first(&[CONFIGS, NETWORK_PODS, TRIAGE]),
    cause(
        "cni-config-broken",
        Cri,
        Network,
        &[
            "failed to load CNI config list file {path}: {rest}",
            "failed to load CNI config file {path}: {rest}",
            "failed to load CNI config list file {}",
            "failed to load CNI config file {}",
            "failed to load cni config",
            "failed to reload cni configuration after receiving fs change event({}): {rest}",
            "failed to reload cni configuration after receiving fs change event({})",
            "error parsing configuration list: {rest}",
            "error parsing configuration: {rest}",
            "error parsing configuration list",
            "network type not found in {}",
            "no plugin configs found{}",
            "no plugins in list{}",
            "no 'plugins' key{}",
            "invalid cni config{}",
            "no valid networks found in {}",
        ],
        "A network configuration is wrong, and with it none is loaded, not even a good one after it. Files that \
         are being written at that moment say so once.",
    )
    .wraps(&[])
    .codes(&["cni/config-broken"])
    .first(&[CONFIGS, TRIAGE]),
    cause(
        "cni-config-refused",
        Cni,
        Network,
        &[
            "incompatible CNI versions{}",
            "incompatible CNI versions; config is {rest}",
            "invalid characters found in network name{}",
            "missing network name",
            "missing network name:",
            "invalid range set {n}{}: {rest}",
            "invalid range set{}",
            "no IP ranges specified",
            "invalid plugin name{}",
            "plugin version does not allow STATUS",
            "unsupported CNI result version {q}",
            "config version does not allow {}",
            "unsupported result CNI version",
        ],
        "A plugin does not take its configuration: a version or a name that it does not know, or no range of \
         addresses.",
    )
    .codes(&["cni/config-refused"])
    .first(&[CONFIGS, TRIAGE]),
    cause(
        "cni-no-folders",
        Cni,
        crate::Whose::Settings,
        &["failed to find plugin {q} in path []"],
        "The list of folders in which CNI plugins are looked for is empty: the setting (bin_dir, --cni-bin-dir) is missing, not \
         the plugin.",
    )
    .certain()
    .first(&["containerd config dump | grep -A6 cni", "systemctl cat kubelet | grep cni"]),
    cause(
        "cni-plugin-missing",
        Cni,
        Network,
        &[
            "failed to find plugin {q} in path [{}]",
            "failed to find plugin {q} in path {rest}",
            "failed to find plugin {rest}",
            "fork/exec {path}cni/bin/{}: {}",
            "fork/exec {path}cni{}: {}",
            "stat {path}cni/bin/{}: no such file or directory",
        ],
        "The program of a plugin is not in bin_dir, or cannot be run. Packages put them into different folders.",
    )
    .certain()
    .codes(&["cni/plugin-missing"])
    .first(&[CONFIGS, "containerd config dump | grep -A6 cni"]),
    cause(
        "cni-plugin-silent",
        Cni,
        Network,
        &["netplugin failed with no error message: signal: killed", "netplugin failed with no error message: {rest}", "netplugin failed with no error message", "netplugin failed but error parsing its diagnostic message {rest}", "netplugin failed: {rest}", "netplugin failed{}"],
        "The plugin's program ended without an answer: it was killed (a timeout of kubelet's request, memory), \
         crashed, or is no program for this node.",
    )
    .open()
    .codes(&["cni/plugin-missing"])
    .first(&[CONFIGS, "journalctl -k -b | grep -i -e oom -e segfault"]),
    cause(
        "cni-addresses-exhausted",
        Cni,
        Network,
        &["no IP addresses available in range set: {}", "no IP addresses available in range set: {rest}", "failed to allocate for range {n}: no IP addresses available in range set: {rest}", "no IP addresses available in range set{}", "no IP addresses available in range", "no IP addresses available in network: {}", "no available IPs{rest}", "unable to allocate IP via local cilium agent{rest}"],
        "Each address of the range has a file in /var/lib/cni/networks. If pods do not have that many, addresses \
         leaked: triage names them. Do not delete the folder under running pods.",
    )
    .codes(&["cni/addresses-exhausted", "cri/address-leaked"])
    .first(&["ls /var/lib/cni/networks/* | wc -l; crictl pods -q | wc -l", TRIAGE]),
    act(
        "cni-allocate",
        Cni,
        Network,
        &["failed to allocate for range {n}", "error getting IP from IPAM{}", "failed to allocate all requested IPs{}", "IPAM plugin returned missing IP config"],
        "No address was given out; the rest says why.",
    )
    .codes(&["cni/addresses-exhausted", "cri/address-leaked"])
    .first(&["ls /var/lib/cni/networks/*", TRIAGE]),
    cause(
        "cni-duplicate",
        Cni,
        Network,
        &["{} has been allocated to {}, duplicate allocation is not allowed", "duplicate allocation is not allowed"],
        "The sandbox has an address of this range already: an attempt before was not cleaned up.",
    )
    .certain()
    .codes(&["cri/address-leaked"])
    .first(&[TRIAGE]),
    cause(
        "cni-static-address-taken",
        crate::Component::Cni,
        crate::Whose::Network,
        &["requested IP address {} is not available in range set {}", "requested IP address {} is not available{rest}"],
        "A fixed address that was asked for is given out already: another container has it, or its file under /var/lib/cni/networks was left by one that is gone (a node that went down).",
    )
    .codes(&["cri/address-leaked"])
    .first(&["ls -l /var/lib/cni/networks/*"]),
    cause(
        "cni-lease-store",
        Cni,
        Network,
        &["open /var/lib/cni/networks/{}: {}", "mkdir /var/lib/cni/{}: {}", "open /var/lib/cni/{}: no space left on device"],
        "host-local's folder of addresses cannot be read or written.",
    )
    .wraps(&[])
    .codes(&["cni/lease-damaged", "store/disk-full"])
    .first(&["df -h /var/lib/cni; df -i /var/lib/cni", TRIAGE]),
    act(
        "address-not-parsed",
        Cni,
        Network,
        &["invalid CIDR address{}", "failed to parse IP {q}{rest}"],
        "An address or a range is not written as one. Whose setting it is (a network configuration, a node's range, a flag), the line's \
         program tells.",
    )
    .first(&["ls -l /etc/cni/net.d"]),
    cause(
        "cni-cached-result",
        Cni,
        Network,
        &["failed to get network {q} cached result: {rest}", "failed to get network {q} cached result", "cached result{rest}", "failed to get cached result{rest}", "failed to unmarshal cached network {q} config{rest}", "failed to get cached info{rest}", "read /var/lib/cni/results{}: {}"],
        "The file in which a pod's network was noted (/var/lib/cni/results) cannot be read: the pod cannot be taken \
         off its network, and is neither stopped nor removed.",
    )
    .wraps(&[])
    .codes(&["cni/result-damaged"])
    .first(&["ls -l /var/lib/cni/results", TRIAGE]),
    cause(
        "cni-bridge-address",
        Cni,
        Network,
        &[
            "failed to set bridge addr: {q} already has an IP address different from {}",
            "{q} already has an IP address different from {}",
            "{q} already has an IP address{rest}",
            "failed to set bridge addr: {q} already has an IP address{rest}",
        ],
        "The bridge has an address of another range: a former network was not removed from the node, or another network uses \
         a bridge of the same name. Removing the bridge disconnects pods that still use it.",
    )
    .certain()
    .first(&["ip -br addr show type bridge", CONFIGS]),
    cause(
        "cni-bridge-race",
        Cni,
        Network,
        &[
            "failed to set bridge addr: could not add IP address to {q}: file exists",
            "could not add IP address to {q}: file exists",
            "could not set bridge's mac: {}",
            "failed to set bridge addr: could not set bridge's mac: {}",
        ],
        "Several pods were set up at the same moment and changed the same bridge: the kernel refused the second change. Once, \
         that is a race, and the next attempt succeeds; old releases of the plugin bridge (before 0.8.2) fail on it.",
    )
    .first(&["/opt/cni/bin/bridge --version", "ip -br addr show type bridge"]),
    cause(
        "cni-address-refused",
        Cni,
        Kernel,
        &[
            "could not add IP address to {q}: permission denied",
            "failed to set bridge addr: could not add IP address to {q}: permission denied",
            "failed to add IP addr {} to {}: permission denied",
        ],
        "The kernel refuses the address: mostly an IPv6 address while IPv6 is switched off on the node (disable_ipv6).",
    )
    .first(&["sysctl net.ipv6.conf.all.disable_ipv6 net.ipv6.conf.default.disable_ipv6", CONFIGS]),
    act(
        "cni-bridge",
        Cni,
        Network,
        &["failed to set bridge addr"],
        "The plugin bridge could not set its bridge up; the rest says why.",
    )
    .first(&["ip -br addr show type bridge", CONFIGS]),
    cause(
        "cni-interface-exists",
        Cni,
        Network,
        &["container veth name provided ({}) already exists", "failed to create {}: file exists", "failed to make veth pair: file exists", "container veth name {q} peer provided ({q}) already exists", "failed to rename {} to {}: file exists", "RTNETLINK answers: File exists", "failed to add route{}: file exists", "failed to add IP addr {} to {}: file exists", "failed to add host route{}: file exists", "file exists: veth{rest}"],
        "An interface, an address or a route is there already: of an attempt that was not cleaned up, or of another \
         pod with the same address.",
    )
    .codes(&["cni/address-twice", "cri/address-leaked"])
    .first(&["ip -br link; ip route", TRIAGE]),
    cause(
        "flannel-subnet",
        Cni,
        Network,
        &["open /run/flannel/subnet.env: no such file or directory", "loadFlannelSubnetEnv failed: open /run/flannel/subnet.env: no such file or directory", "loadFlannelSubnetEnv failed{rest}", "failed to load flannel 'subnet.env' file: open {path}: no such file or directory", "failed to load flannel 'subnet.env' file{rest}"],
        "flanneld has not written /run/flannel/subnet.env: it does not run on this node, or has no lease of a subnet \
         (the node has no podCIDR).",
    )
    .certain()
    .first(&["kubectl get node NODE -o jsonpath='{.spec.podCIDR}'", "kubectl -n kube-flannel get pods -o wide"]),
    cause(
        "calico",
        Cni,
        Other,
        &[
            "stat /var/lib/calico/nodename: no such file or directory{rest}",
            "open /var/lib/calico/nodename: no such file or directory{rest}",
            "error getting ClusterInformation: connection is unauthorized: Unauthorized",


            "connection is unauthorized: Unauthorized",
            "connection is unauthorized{rest}",

            "failed to request IPv4 addresses{rest}",
            "no configured Calico pools",
            "Failed to create host netlink handle{rest}",
        ],
        "Calico's plugin could not do its work: calico/node does not run on this node, or its token for the API \
         server is not (or no longer) valid, as after a restore or when its pods were stopped for long.",
    )
    .unless(&["cilium"])
    .first(&["kubectl -n kube-system get pods -l k8s-app=calico-node -o wide", "ls -l /etc/cni/net.d /var/lib/calico"]),
    cause(
        "cni-api-unreachable",
        crate::Component::Cni,
        crate::Whose::Network,
        &["error getting ClusterInformation", "error getting ClusterInformation: Get {q}: {rest}"],
        "The pods' network plugin (Calico) asked the API server at its service address and got no answer, or another's: kube-proxy's rules or the route are missing on this node, the API server is down, or a proxy that containerd's unit names catches it (plugins have the unit's HTTPS_PROXY; NO_PROXY must hold the addresses of services and pods).",
    )
    .unless(&["unauthorized"])
    .open()
    .first(&["systemctl show containerd -p Environment", "kubectl -n kube-system get pods -o wide", "ip route"]),
    cause(
        "cilium",
        Cni,
        Other,
        &[
            "unable to connect to Cilium daemon: {rest}",
            "unable to connect to Cilium daemon{}",
            "unable to connect to Cilium agent: {rest}",
            "Is the agent running?",
            "unable to create endpoint{}: {rest}",
            "Unable to create endpoint: {rest}",
            "plugin type=\"cilium-cni\" failed {rest}",
            "plugin type=\"cilium-cni\" {rest}",
        ],
        "Cilium's plugin could not do its work: the agent does not run on this node or refused.",
    )
    .wraps(&[])
    .first(&["kubectl -n kube-system get pods -l k8s-app=cilium -o wide"]),
    cause(
        "cilium-slow",
        Cni,
        Other,
        &["Cilium API client timeout exceeded", "Unable to create endpoint: Cilium API client timeout exceeded", "unable to create endpoint: Cilium API client timeout exceeded", "[PUT /endpoint/{id}][{n}] putEndpointIdTooManyRequests{rest}", "putEndpointIdTooManyRequests{rest}"],
        "Cilium's agent on this node runs, and did not answer in time: it has too much to do (just after its start, or very many pods), or hangs.",
    )
    .first(&["kubectl -n kube-system get pods -l k8s-app=cilium -o wide", "kubectl -n kube-system exec ds/cilium -c cilium-agent -- cilium status --verbose"]),
    cause(
        "aws-no-address",
        Cni,
        Network,
        &["add cmd: failed to assign an IP address to container", "failed to assign an IP address to container", "Failed to assign an IP address to container", "InsufficientFreeAddressesInSubnet{rest}", "no available IP/Prefix addresses{rest}", "Unable to get IP address from {}"],
        "The agent of Amazon's network (aws-node, ipamd) had no free address for the pod: the subnet is full, the instance carries no more \
         interfaces or addresses, or ipamd may not ask EC2 for more.",
    )
    .first(&["tail -n 50 /var/log/aws-routed-eni/ipamd.log", "kubectl -n kube-system get pods -l k8s-app=aws-node -o wide"]),
    cause(
        "multus-no-configuration",
        Cni,
        Network,
        &["err in GetCNIConfigFromFile: No networks found in {path}", "GetCNIConfig: err in GetCNIConfigFromFile: {rest}", "err in GetCNIConfigFromFile: {rest}", "err in getCNIConfigFromFile: {rest}", "cannot find a network-attachment-definition ({}) in namespace ({}){rest}"],
        "Multus has no configuration for a network that the pod asks for: its network-attachment-definition is missing, or names none, and the \
         folder of files holds none of that name.",
    )
    .first(&["kubectl get network-attachment-definitions -A", "ls -l /etc/cni/multus/net.d"]),
    cause(
        "cni-file-empty",
        Cni,
        Network,
        &["error in getting result from DelNetworkList: {rest}unexpected end of JSON input", "error in getting result from AddNetworkList: {rest}unexpected end of JSON input", "failed to parse netconf: unexpected end of JSON input", "failed to load netconf: unexpected end of JSON input", "netplugin failed with no error message: unexpected end of JSON input", "failed to unmarshal cached network {q} result: {rest}", "failed to unmarshal cached network {q} config: {rest}"],
        "A file that a plugin, or the library that calls it, keeps of the pod's network is empty or cut: after a power loss or with a full disk, a \
         result or a configuration under /var/lib/cni or /etc/cni/net.d has no bytes.",
    )
    .first(&["find /var/lib/cni /etc/cni/net.d -type f -size 0 -ls", "df -h /var/lib/cni"]),
    cause(
        "cni-version-missing",
        Cni,
        Network,
        &["invalid version {q}: the version is empty", "invalid version \"\": the version is empty", "cniVersion is empty{rest}", "the version is empty"],
        "The network's configuration has no cniVersion, and this release of the library wants one.",
    )
    .within(&["version&network", "cni", "version&sandbox"])
    .first(&["grep -L cniVersion /etc/cni/net.d/*", "ls -l /etc/cni/net.d"]),
    act(
        "multus-part",
        Cni,
        Network,
        &["plugin type=\"multus\" {rest}", "plugin type=\"multus{}\" name={q} failed ({}): {rest}", "plugin type=\"multus{rest}", "Multus: {rest}", "delegateAdd: {rest}", "delegateDel: {rest}"],
        "Multus calls the network's other plugins: one that it called failed, it had no configuration for it, or it did not reach the API server. \
         The rest of the line says which.",
    )
    .first(&["kubectl get network-attachment-definitions -A", "ls -l /etc/cni/net.d /etc/cni/multus/net.d", NETWORK_PODS]),
    cause(
        "weave-and-others",
        Cni,
        Other,
        &[
            "del cmd: failed to process delete request",
            "del cmd: {rest}",
            "add cmd: {rest}",
            "rpc error{}: dial tcp 127.0.0.1:50051: {rest}",
            "dial tcp 127.0.0.1:50051: connect: connection refused",
            "Unable to allocate IP address: {rest}",
            "unable to allocate IP address: {rest}",
            "dial tcp 127.0.0.1:6784: connect: connection refused",
            "Get {q}: dial tcp 127.0.0.1:6784: connect: connection refused",
            "plugin type=\"aws-cni\" {rest}",
            "[{path}]: error adding container to network {q}: {rest}",
            "galaxy returns: {rest}",
            "Inconsistent bridge state detected. Please do 'weave reset' and try again",
            "plugin type=\"azure-vnet\" {rest}",
            "plugin type=\"kube-ovn\" {rest}",
            "request ip return 500 {rest}",
            "plugin type=\"weave-net\" {rest}",
            "plugin type=\"antrea\" {rest}",
            "plugin type=\"ovn-k8s-cni-overlay\" {rest}",
            "CNI request failed with status {n}: {rest}",
            "timed out waiting for OVS port binding{rest}",
            "failed to get pod annotation{rest}",
            "timed out waiting for annotations{rest}",
        ],
        "The network's own agent on this node (aws-node, weave, multus, kube-ovn, OVN, antrea…) refused or does not \
         run. Its log says why.",
    )
    .wraps(&[])
    .first(&[NETWORK_PODS, "ls -l /etc/cni/net.d"]),
    cause(
        "calico-route-exists",
        Cni,
        Network,
        &["error adding host side routes for interface: {}, error: failed to add route (Dst: {rest}file exists", "error adding host side routes for interface: {}, error: failed to add route {rest}: file exists", "error adding host side routes for interface: {}, error: route (Ifindex: {rest}already exists for an interface other than {rest}", "error adding host side routes for interface: {}, error: route {rest}", "failed to add route {rest}: file exists"],
        "The node has a route to that pod's address already: of an interface (cali…) that an earlier pod left, or the same address was given out twice.",
    )
    .within(&["cali", "calico", "host side"])
    .first(&["ip route | grep cali", "ip -br link | grep cali"]),
    act(
        "calico-routes",
        Cni,
        Network,
        &["error adding host side routes for interface{rest}"],
        "Calico's plugin was setting the route to a pod's address on the node. The system's word says why not.",
    )
    .first(&["ip route | grep cali", "ip -br link | grep cali"]),
    cause(
        "cni-forbidden",
        Cni,
        Network,
        &["plugin type={q} name={q} failed (add): Get {q}: Forbidden", "plugin type={q} failed (add): Get {q}: Forbidden", "plugin type={q} name={q} failed (delete): Get {q}: Forbidden", "plugin type={q} failed (add): {}: Forbidden", "error getting pod: Forbidden"],
        "The network's plugin asked, and was answered that it may not: the account of its token has no right to that object, or a proxy of the node answered in the API server's stead (the \
         runtime's NO_PROXY lacks the services' range).",
    )
    .first(&["systemctl show containerd -p Environment", "ls -l /etc/cni/net.d", "kubectl -n kube-system get pods -o wide"]),
    cause(
        "sandbox-process-gone",
        Cni,
        crate::message::Whose::Tasks,
        &["failed to Statfs {q}: no such file or directory", "failed to open netns {q}: failed to Statfs {q}: no such file or directory", "unknown FS magic on {q}: {rest}", "{}: failed to Statfs {q}: no such file or directory", "network: failed to Statfs {q}: no such file or directory"],
        "The network namespace that the plugin was given is gone: it was that of the sandbox's own process (pause), which had ended before the network was set up. Why the \
         sandbox ended is in the runtime's log; the plugin is not at fault.",
    )
    .within(&["/proc/&/ns/net"])
    .unless(&["/host/"])
    .first(&["crictl pods", "crictl ps -a", "journalctl -b -u kubelet --no-pager | grep -i sandbox | tail -n 20"]),
    cause(
        "cni-unauthorized",
        Cni,
        Network,
        &["plugin type={q} failed (add): Unauthorized", "plugin type={q} failed (delete): Unauthorized", "plugin type={q} name={q} failed (add): Unauthorized", "plugin type={q} name={q} failed (delete): Unauthorized", "plugin type={q} failed (add): {}: Unauthorized", "plugin type={q} failed (delete): {}: Unauthorized", "plugin type={q} name={q} failed (add): {rest}: Unauthorized"],
        "The network's plugin asked the API server, which does not take the token in the plugin's own kubeconfig (under /etc/cni/net.d): the network's agent on this node          renews it, and did not: it does not run, or the node's clock is wrong. It is not kubelet's certificate.",
    )
    .first(&["kubectl -n kube-system get pods -o wide", "ls -l /etc/cni/net.d", "date"]),
    cause(
        "ipamd-no-address",
        Cni,
        Network,
        &["Get free IP from prefix failed no free IP available in the prefix - {rest}", "no free IP available in the prefix - {rest}", "DataStore has no available IP addresses{rest}", "Unable to get IP address from CIDR{rest}", "InsufficientCidrBlocks{rest}", "{}InsufficientFreeAddressesInSubnet{rest}"],
        "The agent of Amazon's network (aws-node, ipamd) has no free address in what it holds. Where it says so as debug, it tries the next prefix. Where pods wait, the subnet is          full, or the instance may have no more interfaces.",
    )
    .first(&["tail -n 50 /var/log/aws-routed-eni/ipamd.log", "kubectl -n kube-system get pods -l k8s-app=aws-node -o wide"]),
    cause(
        "weave-peers",
        Cni,
        Network,
        &["IP allocation was seeded by different peers (received: {rest}", "{}IP allocation was seeded by different peers{rest}", "Inconsistent entries for {} in peer ring{rest}", "{}Received update for IP range I own at {rest}"],
        "Peers of Weave have two rings of addresses: this node's database (under /var/lib/weave) is of another cluster or of an earlier life of it. They do not speak until one          of them is reset.",
    )
    .first(&["kubectl -n kube-system get pods -l name=weave-net -o wide", "ls -l /var/lib/weave"]),
    cause(
        "cni-api-server",
        Cni,
        Network,
        &[
            "Get \"https://{}api/v1/{}\": {rest}",
            "Get \"https://10.{}:443/{}\": {rest}",
            "Get https://10.{}:443/{}: {rest}",
            "error getting pod: {rest}",
        ],
        "A network's plugin could not reach the API server at the cluster's address: kube-proxy or the network \
         itself is not up on this node.",
    )
    .within(&["cni", "plugin", "network for", "multus", "calico", "cilium", "flannel", "ipam", "weave", "network:"])
    .unless(&["forbidden", "pull", "registry", "/v2/", "kubelet_node_status", "reflector.go", "device plugin", "volume plugin"])
    .first(&[NETWORK_PODS, "curl -ks https://API_SERVER/healthz"]),
    cause(
        "xtables-lock",
        Cni,
        Network,
        &["Another app is currently holding the xtables lock{rest}", "exit status 4: Another app is currently holding the xtables lock{rest}", "another app is currently holding the xtables lock{rest}", "Can't open lock file /run/xtables.lock{rest}"],
        "Another program holds the lock of the packet rules for long: very many rules, a program that hangs in iptables, or two that write rules all the time \
         (kube-proxy, dockerd, a network's agent).",
    )
    .first(&["lslocks | grep xtables", "ps -eo pid,etime,args | grep -i iptables", "iptables-save | wc -l"]),
    cause(
        "address-outside-pools",
        Cni,
        Network,
        &["The provided IP address is not in a configured pool{rest}", "error executing ADD: The provided IP address is not in a configured pool{rest}"],
        "Calico was asked for an address that is in none of its pools: the pod's annotation, or the kind of address management (ipam) in the configuration, \
         does not fit the pools.",
    )
    .first(&["kubectl get ippools.crd.projectcalico.org -o wide", "ls -l /etc/cni/net.d"]),
    cause(
        "device-not-given",
        Cni,
        Network,
        &["failed to lookup device \"\": Link not found", "failed to lookup device \"\": {rest}"],
        "The plugin got no name of a device: the pod asks for none, or the device plugin that gives it out does not run or is not named in the configuration.",
    )
    .first(&["kubectl get network-attachment-definitions -A -o yaml", "kubectl describe node NODE"]),
    cause(
        "cni-iptables",
        Cni,
        Kernel,
        &["running [{path}iptables {rest}", "exit status {n}: iptables{rest}", "iptables: {rest}", "iptables{}: can't initialize iptables table{rest}", "can't initialize iptables table{rest}", "failed to locate iptables{rest}", "exec: \"iptables\": executable file not found in $PATH", "ip6tables{}: {rest}", "failed to list chains{rest}", "unable to setup IPMASQ{rest}"],
        "iptables is missing, of another kind (nft, legacy) than the rules, or lacks a module of the kernel.",
    )
    .wraps(&[])
    .unless(&["no chain/target/match by that name", "driver failed programming", "docker0", "error response from daemon", "-a docker "])
    .first(&["iptables -V; lsmod | grep -e ip_tables -e nf_tables", "update-alternatives --display iptables"]),
    cause(
        "cni-chain-gone",
        Cni,
        Network,
        &["No chain/target/match by that name{rest}", "{}No chain/target/match by that name{rest}", "exit status {n}: iptables: No chain/target/match by that name{rest}"],
        "A chain of iptables that a plugin made for the pod is gone already: another teardown of the same pod was quicker, or the rules were \
         flushed or restored under it (a firewall was reloaded).",
    )
    .within(&["cni", "portmap", "hostport", "kube-"])
    .first(&["iptables -t nat -S | grep -c CNI", "journalctl -b -u containerd --no-pager | grep StopPodSandbox | tail -n 20"]),
    cause(
        "cni-netns-gone",
        Cni,
        Network,
        &["netns not found{rest}", "unable to open netns{rest}", "no net namespace for {q}{rest}", "CNI failed to retrieve network namespace path{rest}", "cannot find network namespace for the terminated container {q}"],
        "The pod's network namespace is gone: after a reboot, or the sandbox ended in the middle. kubelet makes a new \
         sandbox.",
    )
    .first(&["ls -l /run/netns; findmnt -t nsfs", TRIAGE]),
    cause(
        "hostport",
        Cni,
        Network,
        &["cannot set hostport {n} for protocol{rest}", "failed to set up portmap{rest}", "hostport{}: {rest}", "listen tcp {}: bind: address already in use", "bind: address already in use", "failed to bind host port{rest}"],
        "A port of the node that the pod wants is taken.",
    )
    .within(&["hostport", "portmap", "sandbox", "cni", "network"])
    .first(&["ss -lntup"]),
    act(
        "cni-add-failed",
        Cni,
        Network,
        &["plugin type={q} failed ({})", "plugin type={q} name={q} failed ({})", "plugin type={q} failed (add)", "failed to add network {q}", "error adding container to network {q}", "failed to delegate{}",],
        "A CNI plugin answered with an error of its own.",
    )
    .first(&[CONFIGS, NETWORK_PODS]),
    cause(
        "hostname-sandbox-ip",
        Kubelet,
        Network,
        &["failed to get sandbox ip{}", "failed to get network status for sandbox {q}: {rest}", "Unexpected command output Device {q} does not exist.{rest}", "Unexpected address output {rest}", "failed to get network JSON for pod sandbox{rest}", "Couldn't find network status for {rest}"],
        "A pod's interface or address is not found in its network namespace: the network of that pod is gone or was \
         never set up.",
    )
    .first(&[NETWORK_PODS, TRIAGE]),
];
