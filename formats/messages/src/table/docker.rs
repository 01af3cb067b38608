//! dockerd's own cluster and network, its notes, and what builders and cAdvisor look for beside containerd.

use super::DMESG;
use crate::message::Component::{Buildkit, Dockerd, Go, Kubelet, OtherEngine};
use crate::message::Whose::{Daemon, Network, Nobody, Other, Settings, Storage, Tasks};
use crate::message::{Message, act, cause, consequence};

const JOURNAL: &str = "journalctl -b -u docker --no-pager | tail -n 50";
const SWARM: &str = "docker info --format '{{.Swarm.LocalNodeState}} {{.Swarm.Error}}'";

pub(super) const ALL: &[Message] = &[
    cause(
        "docker-veth-lost",
        Dockerd,
        Network,
        &["failed to find host side interface {}: {rest}", "failed to create endpoint {} on network {}: failed to find host side interface {}: {rest}", "failed to add interface {} to sandbox: {rest}", "failed to add the host ({}) <=> sandbox ({}) pair interfaces: {rest}", "failed to create the host ({}) <=> sandbox ({}) pair interfaces: {rest}"],
        "dockerd made a pair of interfaces for the container, and one of them was gone or renamed, or the kernel refused it: another program \
         that manages interfaces (systemd-networkd, NetworkManager) took it, or a module (veth) is missing.",
    )
    .wraps(&[])
    .first(&["ip -br link show type veth", "networkctl list; nmcli device", "dmesg -T | tail -n 50"]),
    cause(
        "swarm-no-leader",
        Dockerd,
        Other,
        &["The swarm does not have a leader{rest}", "more than one redirect to leader from{rest}", "{}The swarm does not have a leader{rest}", "rpc error: code = {} desc = raft: no elected cluster leader{rest}", "raft: no elected cluster leader{rest}"],
        "Docker's cluster has no leader now: more than half of its managers do not run, or do not reach each other.",
    )
    .first(&["docker node ls", SWARM, "ss -lntp | grep 2377"]),
    act(
        "swarm-raft",
        Dockerd,
        Other,
        &["can't initialize raft node: {rest}", "raft: failed to process the request: {rest}", "manager stopped: {rest}", "{}could not connect to prospective new cluster member using its advertised address{rest}", "could not connect to prospective new cluster member using its advertised address{rest}", "rpc error: code = {} desc = raft: failed to process the request: {rest}", "rpc error: code = {} desc = could not connect to prospective new cluster member using its advertised address{rest}"],
        "A manager of Docker's cluster (swarm) could not join, or lost its part in it: managers reach each other at port 2377, and the \
         address that the new one advertises must be reached from the others.",
    )
    .first(&[SWARM, "docker node ls", "ss -lntp | grep 2377"]),
    cause(
        "raft-log-short",
        Go,
        Other,
        &["tocommit({}) is out of range [lastIndex({})]{rest}", "panic: tocommit({}) is out of range [lastIndex({})]{rest}"],
        "A raft log on the disk (etcd's, or a Docker swarm manager's) is shorter than what its cluster knows as written: the disk did not keep \
         what it had confirmed, or an older copy of the folder was put back. The member cannot go on with it.",
    )
    .first(&["journalctl -k -b | grep -i -e error -e fail | tail -n 50", SWARM, "crictl ps -a | grep etcd"]),
    cause(
        "libcontainerd-previous",
        Dockerd,
        Daemon,
        &["libcontainerd: previous instance of containerd still alive ({})", "libcontainerd: previous instance of containerd still alive{rest}", "previous instance of containerd still alive ({})"],
        "dockerd found the pid file of its own containerd, and a process of that number lives: its containerd of before, or (after a crash, or \
         in a container) another program. It does not start one of its own then.",
    )
    .first(&["pgrep -a containerd", "ls -l /var/run/docker /var/run/docker/containerd", JOURNAL]),
    consequence(
        "docker-own-containerd",
        Dockerd,
        Daemon,
        &["failed to dial \"/var/run/docker/containerd/{}\"", "failed to dial \"/run/docker/containerd/{}\"", "dial unix:///var/run/docker/containerd/{}: timeout", "failed to dial {q}"],
        "dockerd could not connect to the containerd that it starts itself (/var/run/docker/containerd): it did not start, is a left-over of \
         an earlier dockerd, or does not answer. It is not the node's containerd unit.",
    )
    .within(&["run/docker/containerd"])
    .first(&["pgrep -a containerd", "ls -l /var/run/docker/containerd", JOURNAL]),
    cause(
        "docker-log-unreadable",
        Dockerd,
        Settings,
        &["configured logging driver does not support reading{}"],
        "docker logs cannot read what this log driver writes (syslog, fluentd, none; journald in a dockerd that was built without it): the \
         container is not touched. Its output is where the driver sends it.",
    )
    .first(&["docker inspect -f '{{.HostConfig.LogConfig}}' CONTAINER", "docker info --format '{{.LoggingDriver}}'"]),
    cause(
        "swarm-peer-lost",
        Dockerd,
        Other,
        &["memberlist: Suspect {} has failed, no acks received", "memberlist: Marking {} as failed, suspect timeout reached{rest}", "memberlist: Failed fallback ping: {rest}", "memberlist: Was able to connect to {} but other probes failed, network may be misconfigured"],
        "A node of Docker's cluster did not answer the others' gossip (port 7946): the node, its load, or the network between them.",
    )
    .within(&["dockerd", "memberlist"])
    .first(&["docker node ls", "ss -lnup | grep 7946"]),
    cause(
        "swarm-none",
        Dockerd,
        Nobody,
        &["Handler for GET {} returned error: This node is not a swarm manager. Use {q} or {q} to connect this node to swarm and try again.", "Handler for GET {} returned error: This node is not a swarm manager{rest}"],
        "A client (a desktop, a dashboard) asked for the cluster on a node that is in none. Nothing is wrong.",
    ),
    act(
        "swarm-note",
        Dockerd,
        Other,
        &["raft.node: {} elected leader {} at term {n}{rest}", "raft.node: {} lost leader {} at term {n}{rest}", "{} became leader at term {n}", "{} became follower at term {n}"],
        "Docker's managers chose a leader. Once is ordinary; again and again means that they do not reach each other, or are too slow.",
    )
    .first(&["docker node ls", "journalctl -b -u docker --no-pager | grep -c 'elected leader'"]),
    cause(
        "docker-endpoint-stale",
        Dockerd,
        Network,
        &["error locating sandbox id {}: {rest}", "could not find endpoint with id {}", "invalid endpoint id: {}", "Could not delete local endpoint {} during endpoint cleanup: {rest}", "endpoint with name {} id {} has active containers", "service endpoint with name {} already exists", "endpoint with name {} already exists in network {}", "could not find endpoint {}"],
        "dockerd's own records of its network name an endpoint that is not there, or that it thinks in use: left over by an end that was not \
         clean.",
    )
    .first(&["docker network ls", "docker network inspect NETWORK", JOURNAL]),
    cause(
        "docker-ports-discarded",
        Dockerd,
        Nobody,
        &["Published ports are discarded when using host network mode", "{}Published ports are discarded when using host network mode"],
        "A note: with the host's network a container's ports are the node's, and -p has no effect.",
    ),
    cause(
        "docker-restart-canceled",
        Dockerd,
        Nobody,
        &["ShouldRestart failed, container will not be restarted"],
        "The container was stopped by hand, so dockerd does not start it again. Nothing is wrong.",
    )
    .within(&["hasbeenmanuallystopped=true", "restart canceled"]),
    cause(
        "docker-event-ignored",
        Dockerd,
        Nobody,
        &["Ignoring Exit Event, no such exec command found", "ignoring event", "Fixing inconsistent endpoint_cnt for network {}", "EnableService {} START", "EnableService {} DONE", "DisableService {} START", "DisableService {} DONE"],
        "dockerd tells of its work: an end came after its record was removed, a counter was set right, a name was registered. Nothing is wrong.",
    )
    .unless(&["level=error", "level=fatal"]),
    act(
        "docker-stream-copy",
        Dockerd,
        Tasks,
        &["stream copy error: reading from a closed fifo", "stream copy error: {rest}", "stream copy error", "Health check for container {} error: {rest}"],
        "A command in a container (an exec, a health check) ended, or could not begin, while its output was being connected. A line \
         beside it says which; a health check that meets the container's end does it, too.",
    )
    .wraps(&[])
    .first(&[JOURNAL, "docker ps -a", "docker inspect CONTAINER --format '{{json .State.Health}}'"]),
    act(
        "docker-journald-read",
        Dockerd,
        Other,
        &["journald: error processing journal", "error processing journal", "Error streaming logs{rest}", "error reading logs{rest}"],
        "dockerd was reading a container's log back (docker logs), from journald or a file, and that failed: what asked sees lines missing. \
         The container is not touched.",
    )
    .first(&["journalctl --verify", JOURNAL, "docker info --format '{{.LoggingDriver}}'"]),
    cause(
        "worker-skipped",
        Buildkit,
        Nobody,
        &["skipping containerd worker, as {q} does not exist", "skipping containerd worker{rest}", "skipping oci worker{rest}", "skipping oci worker, as runc does not exist"],
        "BuildKit looked for another way to run its steps, which is not there, and uses the one that is. Nothing is wrong.",
    ),
    cause(
        "cadvisor-probe",
        Kubelet,
        Nobody,
        &["CRI-O not connected: {rest}", "unable to connect to CRI-O api service: {rest}", "unable to connect to Rkt api service: {rest}", "Registration of the {} container factory failed: {rest}", "Registration of the {} container factory failed{rest}", "Unable to connect to Rkt api service: {rest}"],
        "cAdvisor in kubelet looks for every engine that it knows; those that are not installed do not answer. Nothing is wrong.",
    )
    .unless(&["container factory failed&containerd.sock", "raw container factory"]),
    cause(
        "oom-events-off",
        Kubelet,
        Settings,
        &["Could not configure a source for OOM detection, disabling OOM events: {rest}"],
        "kubelet (cAdvisor) cannot read the kernel's messages (/dev/kmsg), mostly because it runs in a container without that device: it does not \
         report kills for want of memory. The rest keeps running.",
    )
    .first(&["ls -l /dev/kmsg"]),
    cause(
        "conmon-oom-score",
        OtherEngine,
        Nobody,
        &["conmon {} <ndebug>: failed to write to /proc/self/oom_score_adj: Permission denied", "conmon {} <nwarn>: failed to write to /proc/self/oom_score_adj: Permission denied", "{}failed to write to /proc/self/oom_score_adj: Permission denied"],
        "conmon runs without root's rights and cannot protect itself from the kernel's choice for want of memory. Nothing is wrong.",
    )
    .within(&["conmon"]),
    cause(
        "docker-storage-option",
        Dockerd,
        Settings,
        &["{}unknown option dm.{}", "overlay2: unknown option {}", "{}: unknown option {}"],
        "An option of another storage driver is in dockerd's settings (storage-opts of daemon.json), which this one does not know.",
    )
    .within(&["graphdriver", "storage driver"])
    .first(&["cat /etc/docker/daemon.json", JOURNAL, DMESG]),
    cause(
        "docker-mount-source",
        Dockerd,
        Storage,
        &["error while creating mount source path {q}: {rest}", "error while creating mount source path {q}"],
        "What the container should mount is not on the host, and dockerd could not make a folder of that name; the rest of the \
         line says why.",
    )
    .unless(&[": file exists"])
    .first(&["findmnt -T PATH; stat PATH"]),
    cause(
        "docker-stops",
        Dockerd,
        Nobody,
        &[
            "Processing signal {q}",
            "Forcing docker daemon shutdown without cleanup{rest}",
            "Daemon shutdown complete{rest}",
            "stopping healthcheck following graceful shutdown{rest}",
            "stopping event stream following graceful shutdown{rest}",
            "Containerd not running, starting daemon managed containerd",
            "started new containerd process{rest}",
            "libcontainerd: started new containerd process{rest}",
            "Loading containers: start.",
            "Loading containers: done.",
            "Docker daemon{}",
            "Initializing buildkit",
            "Completed buildkit initialization",
            "Daemon has completed initialization",
            "API listen on {}",
            "Starting up",
            "Creating a containerd client{}",
            "[graphdriver] using prior storage driver{rest}",
            "detected 127.0.0.53 nameserver, assuming systemd-resolved, so using resolv.conf{rest}",
            "CDI directory does not exist, skipping: {rest}",
        ],
        "dockerd reports its own start or end: it was asked to end (a signal, a stop of its unit), or starts. That alone is no fault; who \
         asked for it is in systemd's lines beside it.",
    )
    .within(&["docker", "moby", "[graphdriver]", "buildkit", "127.0.0.53", "processing signal", "loading containers", "api listen", "starting up", "cdi directory"])
    .first(&[JOURNAL]),
    cause(
        "docker-auplink",
        Dockerd,
        Nobody,
        &["auplink flush failed{rest}", "Couldn't run auplink before unmount {rest}", "auplink: {rest}"],
        "A helper of the file system aufs (auplink) is not installed. Docker unmounts without it.",
    ),
    cause(
        "docker-leftover-container",
        Dockerd,
        Tasks,
        &["Container not cleaned up from containerd from previous run", "failed to delete container from containerd", "{} cleanup: failed to delete container from containerd: {rest}", "failed to clean up container from containerd{rest}"],
        "dockerd's container still has (or no more has) a record in containerd (namespace moby) from before dockerd's last start. \
         A new start of that container may be refused until it is removed.",
    )
    .or(&["dockerd or the machine ended without a stop", "containerd was started again, with another root"])
    .first(&["ctr -n moby tasks ls; ctr -n moby containers ls", JOURNAL]),
    act(
        "docker-overlay-network",
        Dockerd,
        Network,
        &[
            "subnet sandbox join failed for {q}: {rest}",
            "{} subnet sandbox join failed for {q}: {rest}",
            "network sandbox join failed: {rest}",
            "subnet sandbox join failed for {q}",
            "network sandbox join failed",
            "500 Internal Server Error: subnet sandbox join failed for {q}",
            "409 Conflict: subnet sandbox join failed for {q}",
            "error creating vxlan interface",
            "vxlan interface creation failed for subnet {q}",
            "joining serf neighbor {} failed",
            "could not resolve peer {}",
        ],
        "Docker's overlay network (VXLAN between the nodes of a cluster) was being joined on this node. The rest of the line says at what \
         it failed.",
    )
    .or(&["file exists: an interface of an earlier network or daemon was left over", "invalid argument, not supported: the kernel is too old, or its module vxlan is missing", "conflicts: the node has an address of the same range already", "refused: the other node's port 7946 is not reached"])
    .first(&["ip -d link show type vxlan", "lsmod | grep vxlan; uname -r", "ls /var/run/docker/netns"]),
    act(
        "docker-cannot-start",
        Dockerd,
        Tasks,
        &["Cannot start service {}"],
        "dockerd could not start a container; the rest of the line says why.",
    )
    .within(&["daemon", "docker", "cannot start container", "cannot start service"])
    .unless(&["kubelet", "rpc error", "with docker id"])
    .first(&["docker inspect CONTAINER --format '{{json .State}}'", JOURNAL]),
    act(
        "docker-bridge",
        Dockerd,
        Network,
        &["enabling default vlan on bridge {} failed {rest}", "failed adding service binding for {rest}", "failed sandbox add: {rest}", "failed to add interface {} to sandbox: {rest}", "failed to add interface {} to sandbox"],
        "dockerd was setting up its bridge, or putting a container's card (veth) into its network namespace. The system's word says why it \
         could not: a container in a container may not, the kernel is too old, or the card or the namespace is gone.",
    )
    .within(&["docker", "daemon", "vlan on bridge", "service binding", "failed sandbox add", "to sandbox"])
    .unless(&["kubelet", "cni"])
    .first(&["docker network ls", "ip -d link; uname -r", JOURNAL]),
];
