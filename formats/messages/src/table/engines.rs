//! dockerd's own stores and networks, builders, nerdctl, other engines.

use crate::message::Component::{Buildkit, Client, Dockerd, OtherEngine, Systemd};
use crate::message::Whose::{
    Cgroups, Daemon, Image, Network, Other, Programs, Settings, Storage, Stores, Tasks,
};
use crate::message::{Message, act, cause};

const DOCKER: &str = "journalctl -b -u docker --no-pager | tail -n 50";

pub(super) const ALL: &[Message] = &[
    cause(
        "docker-port-taken",
        Dockerd,
        Network,
        &["Bind for {} failed: port is already allocated", "{}port is already allocated", "failed to bind port {rest}", "failed to bind host port for {rest}", "Error starting userland proxy: {rest}", "error while calling PortManager.AddPort(){rest}", "cannot expose privileged port {rest}"],
        "A port of the node that the container wants is taken, by another container or a program of the node.",
    )
    .first(&["ss -lntup", "docker ps --format '{{.Names}} {{.Ports}}'"]),
    cause(
        "docker-endpoint",
        Dockerd,
        Network,
        &["driver failed programming external connectivity on endpoint {rest}", "network {} not found", "network sandbox for container {rest}", "network {} has active endpoints", "error while removing network: {rest}", "failed to set up container networking: {rest}", "No chain/target/match by that name{rest}", "{}No chain/target/match by that name{rest}"],
        "Docker's network could not be set for the container: the network is gone or has the container already, or rules of \
         iptables that dockerd made were removed under it (a firewall was reloaded).",
    )
    .unless(&["cni"])
    .first(&["docker network ls", "iptables -t nat -L -n | head -n 30", DOCKER]),
    cause(
        "docker-address-pools",
        Dockerd,
        Network,
        &["could not find an available, non-overlapping IPv4 address pool among the defaults to assign to the network", "all predefined address pools have been fully subnetted", "Pool overlaps with other one on this address space", "invalid pool request: Pool overlaps with other one on this address space", "subnet {} overlaps with other one on this address space{rest}", "failed to allocate network IP for task {rest}", "no available IPv4 addresses on this network's address pools{rest}"],
        "Docker has no free range of addresses for another network, or the one that was asked for overlaps with one in use (a \
         VPN's, a left network's).",
    )
    .certain()
    .first(&["docker network ls", "ip route"]),
    cause(
        "container-name-taken",
        Dockerd,
        Tasks,
        &["Conflict. The container name {q} is already in use by container {q}{rest}", "{}The container name {q} is already in use{rest}", "the container name {q} is already in use{rest}", "name {q} is already used by ID {q}", "creating container storage: the container name {q} is already in use{rest}", "error creating container storage: the container name {q} is already in use{rest}"],
        "A container of that name is there already, running or ended.",
    )
    .certain()
    .first(&["docker ps -a", "nerdctl ps -a"]),
    cause(
        "docker-no-such",
        Dockerd,
        Tasks,
        &["No such container: {}", "no such container: {}", "No such container{}", "No such image: {}", "No such exec instance: {}", "no such volume: {}", "get {}: no such volume", "removal of container {} is already in progress", "container is marked for removal and cannot be started", "You cannot remove a running container {rest}", "cannot remove container {q}: container is running{rest}"],
        "What was asked of Docker is not there, is being removed, or is in another state than the request needs.",
    )
    .within(&["docker", "daemon", "container ", "volume", "moby", "handler for"])
    .first(&["docker ps -a"]),
    cause(
        "docker-graphdriver",
        Dockerd,
        Storage,
        &["error initializing graphdriver: {rest}", "prior storage driver {} failed: {rest}", "failed to mount overlay: {rest}storage-driver{rest}", "driver not supported", "[graphdriver] prior storage driver {rest}", "[graphdriver] {rest}", "storage-driver=overlay2{rest}", "configured driver {q} not available: unavailable"],
        "dockerd's storage driver does not work on this node: the file system or the kernel cannot carry it, its pool is full, \
         or /var/lib/docker was made with another.",
    )
    .wraps(&[])
    .first(&[DOCKER, "docker info", "findmnt -T /var/lib/docker"]),
    cause(
        "docker-pid-file",
        Dockerd,
        Daemon,
        &["pid file found, ensure docker is not running or delete {}", "pid file found, ensure docker{rest}", "process with PID {n} is still running{rest}", "failed to start daemon, ensure docker is not running or delete {rest}"],
        "A pid file of an earlier dockerd is there, and a process has that number: dockerd runs already, or another program \
         got its number after a crash.",
    )
    .certain()
    .first(&["cat /var/run/docker.pid; pgrep -a dockerd"]),
    cause(
        "docker-socket",
        Client,
        Daemon,
        &["Cannot connect to the Docker daemon at {rest}", "cannot connect to the Docker daemon{rest}", "Cannot connect to the Docker daemon. {rest}", "Is the docker daemon running?", "permission denied while trying to connect to the Docker daemon socket{rest}", "Got permission denied while trying to connect to the Docker daemon socket{rest}", "permission denied while trying to connect to the docker API{rest}", "client version {} is too new. Maximum supported API version is {}", "client version {} is too old. {rest}"],
        "The client could not speak with dockerd: it does not run, the user may not use its socket, or their releases do not \
         fit.",
    )
    .first(&["systemctl status docker containerd", DOCKER, "ls -l /var/run/docker.sock"]),
    cause(
        "credential-helper",
        Client,
        Programs,
        &["error getting credentials - err: {rest}", "error getting credentials{rest}", "exec: \"docker-credential-{}\": executable file not found in $PATH{rest}"],
        "The program that keeps the client's passwords for registries (docker-credential-…) is missing or failed: the client's \
         settings name it.",
    )
    .wraps(&[])
    .first(&["cat ~/.docker/config.json"]),
    cause(
        "docker-log-driver",
        Dockerd,
        Settings,
        &["failed to initialize logging driver: {rest}", "failed to create logging driver{rest}"],
        "The container's log driver does not work where dockerd runs: journald, syslog or the server that it sends to is not \
         there (inside of Docker Desktop's machine there is no journald).",
    )
    .wraps(&[])
    .first(&["docker inspect -f '{{.HostConfig.LogConfig}}' CONTAINER", "docker info | grep -i logging"]),
    cause(
        "docker-runtime-unknown",
        Dockerd,
        Settings,
        &["unknown or invalid runtime name: {}", "Unknown runtime specified {}", "No such runtime: {}", "No such runtime{}", "unknown runtime specified {}"],
        "dockerd knows no runtime of that name: daemon.json does not have it, or dockerd was not reloaded.",
    )
    .certain()
    .first(&["cat /etc/docker/daemon.json", "docker info | grep -i runtime"]),
    cause(
        "image-platform-differs",
        Client,
        Image,
        &["The requested image's platform ({}) does not match the detected host platform ({}){rest}", "image operating system {q} cannot be used on this platform{rest}", "cannot load {} image on {rest}", "image with reference {} was found but {rest}platform{rest}"],
        "The image is for another architecture or system than the node.",
    )
    .certain()
    .first(&["uname -m"]),
    cause(
        "build-step",
        Buildkit,
        Other,
        &["process {q} did not complete successfully: exit code: {n}{rest}", "process {q} did not complete successfully: {rest}", "executor failed running [{}]: exit code: {n}{rest}", "executor failed running {rest}", "The command '{}' returned a non-zero code: {n}", "The command {rest}returned a non-zero code: {n}", "error building at STEP {rest}"],
        "A command of the build ended with an error of its own; its output, above that line, says why.",
    )
    .certain()
    .first(&["docker build --progress=plain ."]),
    cause(
        "build-context",
        Buildkit,
        Other,
        &["failed to compute cache key: {rest}not found{rest}", "failed to calculate checksum of ref {rest}", "failed to read dockerfile: {rest}", "COPY failed: file not found {rest}", "COPY failed: stat {rest}", "COPY failed: no source files{rest}", "COPY failed: forbidden path{rest}", "ADD failed: stat {rest}", "ADD failed: file not found {rest}", "ADD failed: no source files{rest}", "ADD failed: forbidden path{rest}", "dockerfile parse error {rest}", "the --mount option requires BuildKit{rest}", "failed to create LLB definition: {rest}"],
        "The Dockerfile, or a file that it copies, is not in the build's context (or left out by .dockerignore), or the file is \
         wrong.",
    )
    .first(&["ls -la .", "cat .dockerignore"]),
    cause(
        "build-cache-broken",
        crate::Component::Buildkit,
        crate::Whose::Other,
        &["unlazy requires an applier", "failed to compute cache key: unlazy requires an applier", "missing descriptor handlers for lazy blobs{rest}"],
        "A reference in BuildKit's own cache has lost the image that it was to be fetched from. Only the build cache is at fault: it can be given up and rebuilt; images and containers are not part of it.",
    )
    .first(&["docker buildx du"]),
    cause(
        "registry-resume-refused",
        Buildkit,
        crate::message::Whose::Registry,
        &["invalid status response 416", "unexpected status code {}: 416 {rest}", "failed to copy: invalid status response 416"],
        "The registry refused to go on with a blob at the place where the first try ended (416): mostly the blob was whole by then.",
    )
    .first(&["docker buildx du", "curl -sSv -o /dev/null https://REGISTRY/v2/"]),
    cause(
        "podman-runtime-not-there",
        OtherEngine,
        crate::message::Whose::Nobody,
        &["configured OCI runtime {} initialization failed: no valid executable found for OCI runtime {}: invalid argument", "configured OCI runtime {} initialization failed{rest}"],
        "Podman's settings name more runtimes than are installed (kata, runsc, krun, crun, runc): it passes over those that are not there. By itself no fault.",
    ),
    cause(
        "podman-runtime-missing",
        OtherEngine,
        crate::message::Whose::Programs,
        &["default OCI runtime {q} not found: invalid argument", "default OCI runtime {q} not found"],
        "The runtime that the engine's settings name (containers.conf) is not installed.",
    )
    .first(&["command -v runc crun", "grep -rn runtime /etc/containers/containers.conf /usr/share/containers/containers.conf"]),
    cause(
        "docker-driver-tried",
        Dockerd,
        crate::message::Whose::Nobody,
        &["Failed to built-in GetDriver graph {}", "Failed to GetDriver graph {}"],
        "dockerd tries its storage drivers one after another; one that this kernel does not have fails. Nothing is wrong where another one is used then.",
    )
    .first(&["docker info --format '{{.Driver}}'"]),
    cause(
        "build-transfer-cut",
        Buildkit,
        crate::message::Whose::Registry,
        &["failed to read expected number of bytes: unexpected EOF", "failed to compute cache key: failed to read expected number of bytes: unexpected EOF", "failed to copy: failed to read expected number of bytes: unexpected EOF"],
        "A layer or a part of a cache came from the registry only in part: the registry, its storage or a proxy on the way ended the connection.",
    )
    .within(&["failed to solve", "cache key", "buildkit", "buildx"])
    .first(&["docker buildx ls", "curl -sv https://REGISTRY/v2/ -o /dev/null"]),
    act(
        "build-part",
        Buildkit,
        Other,
        &["failed to solve", "failed to compute cache key", "failed to get record {}", "buildx call failed with{}"],
        "A step of a build (BuildKit) failed; the rest says why. A lease or a record that is named is BuildKit's own, not the node's \
         containerd's.",
    )
    .first(&["docker buildx du", "journalctl -b -u docker -u buildkit --no-pager | tail -n 50"]),
    cause(
        "build-cache",
        Buildkit,
        Stores,
        &["failed to get edge: inconsistent graph state{rest}", "frontend grpc server closed unexpectedly", "failed to prepare {} as {}: {rest}", "multiple platforms feature is currently not supported for docker driver{rest}", "Multi-platform build is not supported for the docker driver{rest}", "cache export is not supported for the docker driver{rest}", "no active session for {}: {rest}", "failed to load ref: {rest}"],
        "The builder itself failed: its state or its cache is at odds with itself, it was ended, or its driver lacks what was \
         asked for.",
    )
    .wraps(&[])
    .open()
    .first(&["docker buildx ls", "docker buildx du"]),
    cause(
        "nerdctl-cni-missing",
        Client,
        Network,
        &["needs CNI plugin {q} to be installed in CNI_PATH {rest}", "needs CNI plugin {rest}"],
        "nerdctl's network needs a CNI plugin that is not in its folder.",
    )
    .certain()
    .first(&["ls -l /opt/cni/bin /usr/lib/cni"]),
    cause(
        "rootless-not-running",
        Client,
        Daemon,
        &["rootless containerd not running? {rest}", "cannot access containerd socket {q}: {rest}", "stat {path}containerd-rootless/child_pid: no such file or directory", "open {path}containerd-rootless/child_pid: no such file or directory", "stat {path}containerd-rootless: no such file or directory"],
        "The containerd of that user (rootless) does not run or could not start; the client did not ask the system's.",
    )
    .first(&["systemctl --user status containerd", "containerd-rootless-setuptool.sh check"]),
    cause(
        "conmon-failed",
        OtherEngine,
        Tasks,
        &["conmon failed: {rest}", "could not find {q} in one of {rest}", "conmon bytes {q}: {rest}", "database configuration mismatch{rest}"],
        "CRI-O or Podman, or their helper conmon, could not make the container. containerd has no part in it.",
    )
    .within(&["conmon", "crio", "cri-o", "podman", "libpod"])
    .first(&["journalctl -b -u crio --no-pager | tail -n 30", "podman info"]),
    act(
        "compose-error",
        Client,
        Other,
        &["Cannot start service {}", "ERROR: for {} Cannot start service {}", "ERROR: for {}", "failed to create task for container", "Container start failed"],
        "A service or a container could not be started; the rest says why.",
    )
    .first(&[DOCKER, "docker ps -a"]),
    // systemd.
    cause(
        "scope-without-process",
        Systemd,
        Cgroups,
        &["{}.scope: No PIDs left to attach to the scope's control group, refusing.{rest}", "No PIDs left to attach to the scope's control group, refusing{rest}", "{}.scope: Failed with result 'resources'{rest}", "{}.scope: Couldn't move process {rest}"],
        "The process for which the unit was made was gone before systemd could put it there: it ended or was killed at once. \
         What it was says why.",
    )
    .first(&["journalctl -k -b | grep -i 'killed process'", "journalctl -b _PID=1 --no-pager | tail -n 50"]),
    cause(
        "systemd-property",
        Systemd,
        Cgroups,
        &["Cannot set property {}, or unknown property{rest}", "Unknown assignment: {}", "Cannot set property {rest}"],
        "systemd does not know (or take) a property that the runtime wants for the container's unit: its release is older than \
         the runtime, or the property is not for that kind of unit.",
    )
    .certain()
    .first(&["systemctl --version", "runc --version"]),
    cause(
        "unit-step",
        Systemd,
        Settings,
        &["{}.service: Failed at step {} spawning {}: {}", "Failed at step {} spawning {}: {}", "{}: Failed to chown socket at step {}: {}", "Failed to chown socket at step {}: {}", "Failed to listen on {}", "{}.service: Failed to set up mount namespacing: {rest}", "Failed to set up mount namespacing: {rest}", "{}.service: Failed to load environment files: {rest}", "Failed to load environment files: {rest}", "{}.service: Failed to run 'start' task: {rest}", "Failed to run 'start' task: {rest}", "{}.service: Changing to the requested working directory failed: {rest}"],
        "systemd could not set up what the unit asks for (a folder, an environment file, a namespace, a limit) before its \
         program began: the step that it names says which.",
    )
    .wraps(&[])
    .certain()
    .first(&["systemctl cat UNIT", "systemd-analyze verify UNIT"]),
    cause(
        "unit-missing",
        Systemd,
        Programs,
        &["Unit {}.service not found", "Failed to {} {}: Unit {} not found", "Unit {}.service could not be found", "Failed to start {}: Unit {} not found", "Unit file {}.service does not exist", "Unit {} not loaded", "Failed to enable unit: Unit file {} does not exist{rest}", "Failed to restart {}: Unit {} not found"],
        "There is no unit of that name on this node: not installed, under another name (snap, k3s), or systemd has not read it \
         (daemon-reload).",
    )
    .certain()
    .first(&["systemctl list-unit-files | grep -e containerd -e docker -e kubelet"]),
    cause(
        "unit-dependency",
        Systemd,
        Daemon,
        &["Dependency failed for {}", "Job {}/start failed with result 'dependency'", "Job {} failed with result 'dependency'", "A dependency job for {} failed{rest}"],
        "A unit that this one needs did not start: its own lines say why.",
    )
    .first(&["systemctl list-dependencies UNIT", "systemctl --failed"]),
];
