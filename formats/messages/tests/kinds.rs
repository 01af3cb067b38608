//! What lines of a kind have in common, whatever their words.

use messages::{Head, explain};

/// What decides, by its kind and its key.
fn decides(line: &str) -> (&'static str, &'static str) {
    match explain(line).head {
        None => ("unknown", ""),
        Some(Head::Cause(message)) => ("cause", message.key),
        Some(Head::Act(message, _)) => ("act", message.key),
        Some(Head::Place(message, _)) => ("place", message.key),
        Some(Head::Consequence(message)) => ("consequence", message.key),
        Some(Head::Generic(message)) => ("generic", message.key),
        Some(Head::Text(..)) => ("text", ""),
    }
}

#[test]
fn what_ends_a_program_is_not_cleared_by_what_stands_in_it() {
    for line in [
        "Failed to start ContainerManager failed to get rootfs info: unable to find data for container /",
        "E1128 12:00:00.123456  40 eviction_manager.go:390] eviction manager: unexpected error when attempting to reduce imagefs pressure: \
         wanted to free 9, but freed 1 space with errors in image deletion: [rpc error: code = 2 desc = Error response from daemon: \
         {\"message\":\"conflict: unable to delete 99e59f495ffa (cannot be forced) - image is being used by running container 1b\"}]",
        "E1128 12:00:00.123456  1 manager.go:1757] Failed to create pod infra container: open /proc/27/cgroup: no such file or directory",
        "kubelet.go:1312] Failed to start cAdvisor inotify_add_watch /sys/fs/cgroup/cpuacct,cpu: no such file or directory",
    ] {
        let head = explain(line).head.unwrap();
        assert_ne!(head.whose(), messages::Whose::Nobody, "{line}");
    }
    // What was not there and is not needed is looked for at a warning.
    for line in [
        "W1109 17:56:16.587170  2345 manager.go:166] unable to connect to CRI-O api service: Get http://x/info: dial unix /var/run/crio.sock: connect: no such file or directory",
        "level=warning msg=\"skipping containerd worker, as \\\"/run/containerd/containerd.sock\\\" does not exist\"",
        "level=info msg=\"skip loading plugin \\\"io.containerd.snapshotter.v1.aufs\\\"...\" error=\"modprobe aufs failed: exit status 1: skip plugin\"",
    ] {
        let head = explain(line).head.unwrap();
        assert_eq!(head.whose(), messages::Whose::Nobody, "{line}");
    }
}

#[test]
fn a_word_or_a_name_is_not_the_line() {
    for (line, wrong) in [
        (
            "kernel: qemubr0: received packet on eth0 with own address as source address (addr:03:42:ab:11:00:02, vlan:0)",
            "kata",
        ),
        (
            "kernel: flannel7: received packet on eth1 with own address as source address (addr:03:42:ab:11:00:02, vlan:0)",
            "at-flannel",
        ),
        (
            "audit: type=1400 audit(1.2:3): avc:  denied  { read } for  pid=1 comm=\"nginx\" dev=\"dm-10\" scontext=a tcontext=b tclass=file permissive=0",
            "at-kernel-disk",
        ),
        (
            "Error: stat /logs/pods/: no such file or directory",
            "at-log-file",
        ),
        (
            "rke2[1]: level=error msg=\"Error writing ping\" error=\"websocket: write timeout\"",
            "at-streaming",
        ),
        (
            "dockerd[1]: level=error msg=\"agent: session failed\" error=\"The swarm does not have a leader.\"",
            "at-dockerd-network",
        ),
        (
            "WARN[0000] containerd: low RLIMIT_NOFILE changing to max  current=1024 max=4096",
            "at-runc-sysctl",
        ),
        (
            "rke2[1]: level=warning msg=\"Failed to list nodes with etcd role: runtime core not ready\"",
            "at-etcd",
        ),
        (
            "W0412 02:42:52.504836  1 manager.go:349] Could not configure a source for OOM detection, disabling OOM events: open /dev/kmsg: no such file or directory",
            "device-missing",
        ),
        (
            "Failed to ensure state of \"/docker-daemon\": failed to find pid of Docker container: exit status 1",
            "pid-missing",
        ),
        ("Failed to initialize NVML: Unknown Error", "nvidia-kernel"),
    ] {
        let (kind, key) = decides(line);
        assert_ne!(key, wrong, "{kind}: {line}");
        assert_ne!(kind, "unknown", "{line}");
    }
}

#[test]
fn the_kernels_reports_and_notes_have_their_own_answers() {
    for (line, kind, key) in [
        (
            "kernel: [610610.258875] general protection fault: 0000 [#1] SMP NOPTI",
            "cause",
            "soft-lockup",
        ),
        (
            "traps: nginx[12] general protection fault ip:7f error:0",
            "cause",
            "segfault",
        ),
        (
            "[558161.620684] CPU: 46 PID: 13911 Comm: kubelet Not tainted 5.4.110 #1",
            "act",
            "kernel-trace",
        ),
        (
            "[156240.161202] \"echo 0 > /proc/sys/kernel/hung_task_timeout_secs\" disables this message.",
            "act",
            "kernel-trace",
        ),
        (
            "kernel: audit: type=1400 audit(1.2:3): avc:  denied  { read } for  pid=1 comm=\"x\" tclass=file permissive=1",
            "cause",
            "audit-permissive",
        ),
        (
            "kernel: audit: type=1400 audit(1.2:3): avc:  denied  { read } for  pid=1 comm=\"x\" tclass=file permissive=0",
            "cause",
            "audit-denied",
        ),
        (
            "[271394.160214] Buffer I/O error on device dm-10, logical block 169271",
            "cause",
            "dm-io-error",
        ),
        (
            "[271394.160214] Buffer I/O error on dev sdb1, logical block 169271",
            "cause",
            "disk-error",
        ),
    ] {
        assert_eq!(decides(line), (kind, key), "{line}");
        // A disk, a pool or a rule may be at fault otherwise than it looks.
        if let Some(Head::Cause(cause)) = explain(line).head {
            assert_ne!(cause.sure, messages::Sure::Certain, "{line}");
        }
    }
}

#[test]
fn who_speaks_is_who_the_line_shows() {
    use messages::Component;
    for (line, who) in [
        (
            "E0212 11:16:50.751646  1 proxier.go:1619] Failed to execute iptables-restore: exit status 2 (ip6tables-restore v1.8.5 (legacy): ip6tables-restore: unable to initialize table 'nat'",
            Component::Kubernetes,
        ),
        (
            "Feb 08 15:16:38 a systemd[1577]: podman-305690.scope: Failed to add PIDs to scope's control group: Permission denied",
            Component::Systemd,
        ),
        (
            "level=error msg=\"Error setting up exec command in container f1: container f1 is not running\"",
            Component::Dockerd,
        ),
        (
            "failed to setup network: netplugin failed: runtime error: invalid memory address or nil pointer dereference; goroutine 1 [running]:",
            Component::Cni,
        ),
        (
            "k3s[2]: level=fatal msg=\"starting kubernetes: preparing server: failed to get CA certs: Get \\\"https://10.0.0.1:6443/cacerts\\\": dial tcp 10.0.0.1:6443: connect: connection refused\"",
            Component::K3s,
        ),
    ] {
        assert_eq!(explain(line).head.unwrap().who(), who, "{line}");
    }
    // The word alone, or a connection that failed, names nobody.
    for line in [
        "Error: stat /some/where: no such file or directory",
        "Error: dial tcp 10.0.0.1:9345: connect: connection refused",
    ] {
        for layer in explain(line).layers {
            if let Some(messages::LayerKnown::Message(message)) = layer.known {
                assert!(
                    !matches!(message.who, Component::Kubelet | Component::Registry),
                    "{line}: {}",
                    message.key
                );
            }
        }
    }
}

#[test]
fn few_words_and_words_of_another_speaker_are_no_claim() {
    for (line, key) in [
        // dockerd runs a helper of its own.
        (
            "Oct 11 07:40:42 dockerd[19750]: level=warning msg=\"x failed\" error=\"exec: \\\"tool\\\": executable file not found in $PATH\"",
            "entrypoint-not-found",
        ),
        ("Error: image \"a/b:1\": not found", "image-not-found"),
    ] {
        assert_eq!(decides(line), ("act", key), "{line}");
    }
    // The same words, where the line shows whose they are.
    let line = "OCI runtime create failed: runc create failed: unable to start container process: exec: \"tool\": executable file \
                not found in $PATH: unknown";
    assert_eq!(decides(line), ("cause", "entrypoint-not-found"));
    let line = "ctr: image \"a/b:1\": not found";
    assert_eq!(decides(line), ("cause", "image-not-found"));
}

#[test]
fn whose_address_it_is_decides_what_a_connection_means() {
    let line = "W1116 13:11:57.215426  8574 clientconn.go:1331] [core] grpc: addrConn.createTransport failed to connect to \
                {10.0.0.1:2379 10.0.0.1 <nil> 0 <nil>}. Err: connection error: desc = \"transport: Error while dialing dial tcp \
                10.0.0.1:2379: connect: connection refused\". Reconnecting...";
    assert_eq!(decides(line), ("place", "at-etcd"));
    let line = "failed to dial \"/run/containerd/containerd.sock\": context deadline exceeded: connection error: desc = \"transport: \
                error while dialing: dial unix:///run/containerd/containerd.sock: timeout\"";
    assert_eq!(decides(line), ("consequence", "containerd-unavailable"));
}

#[test]
fn short_words_of_the_kernel_are_the_kernels_only_where_it_speaks() {
    let key = ("cause", "oom-kill-node");
    for line in [
        "[1234.5] Out of memory: the rest is cut",
        "Nov 28 14:18:11 node kernel: Out of memory: the rest is cut",
    ] {
        assert_eq!(decides(line), key, "{line}");
    }
    let line = "ERROR worker pod: Out of memory: the rest is cut";
    assert_ne!(decides(line), key);
    // A table of the kernel's that is full is no lack of the node's memory.
    let line = "kernel: TCP: out of memory -- consider tuning tcp_mem";
    assert_eq!(decides(line), ("cause", "tcp-memory"));
}

#[test]
fn the_systems_word_for_a_disk_is_none_of_what_lies_on_none() {
    for line in [
        "systemd[1]: corosync.service: Failed to kill control group /system.slice/a.service, ignoring: Input/output error",
        "write /sys/fs/cgroup/cpu/kubepods/cgroup.procs: input/output error",
        "runc: write /dev/pts/3: input/output error",
    ] {
        assert_ne!(decides(line).1, "mount-io-error", "{line}");
    }
    let line = "containerd: open /var/lib/containerd/io.containerd.content.v1.content/blobs/sha256/1: input/output error";
    assert_eq!(decides(line), ("cause", "mount-io-error"));
}

#[test]
fn the_folders_of_a_path_and_words_of_a_file_tell_no_place() {
    for (line, wrong) in [
        (
            "rke2[1]: level=fatal msg=\"/var/lib/rancher/rke2/server/tls/etcd/server-ca.key is odd\"",
            "at-etcd",
        ),
        (
            "E0506 22:15:17.842608 1 file_linux.go:113] odd file \"/etc/origin/manifests/a.swp\"",
            "at-pull",
        ),
        (
            "Aug 07 09:34:57 master2 kube-register[1049]: unhealthy machine: 10.0.0.1 will not be registered",
            "at-probe",
        ),
        (
            "E0303 17:25:03.436809 1 helpers.go:680] eviction manager: failed to construct signal: \"x\" error: y",
            "at-eviction",
        ),
        (
            "E0228 03:47:40.353985 1 server.go:193] \"Failed to validate kubelet flags\" err=\"x must be enabled\"",
            "static-pods-cgroup",
        ),
        (
            "ctr: mkdir /var/run/docker/containerd/daemon/io.containerd.runtime.v1.linux/moby/c5: file exists: already exists",
            "at-plugin",
        ),
        (
            "network: Failed to open current namespace: failed to Statfs \"/proc/25085/task/1439572/ns/net\": no such file or directory",
            "netns-missing",
        ),
        (
            "failed to create endpoint a on network bridge: failed to find host side interface veth1: Link not found",
            "cni-master-missing",
        ),
    ] {
        let (kind, key) = decides(line);
        assert_ne!(key, wrong, "{kind}: {line}");
        assert_ne!(kind, "unknown", "{line}");
    }
}

#[test]
fn who_was_not_reached_is_no_kubelets_question_alone() {
    let line = "k3s[1]: time=\"2024-04-03T16:19:48Z\" level=error msg=\"Remotedialer proxy error\" error=\"dial tcp 10.0.2.15:6443: connect: connection refused\"";
    let head = explain(line).head.unwrap();
    assert_ne!(head.who(), messages::Component::Kubelet, "{line}");
    assert_eq!(decides(line).1, "api-server-unreached");
    // dockerd names a container by its id alone, the CRI by its id in quotes.
    let line = "Failed to start container 55830c423dd22b6d2501657de23c0a109b65b72a6d0d890c4b771eea97b30a50: it is odd";
    assert_eq!(
        explain(line).head.unwrap().who(),
        messages::Component::Dockerd
    );
    let line = "failed to start container \"55830c423dd22b\": it is odd";
    assert_eq!(explain(line).head.unwrap().who(), messages::Component::Cri);
}

#[test]
fn other_programs_of_the_cluster_are_no_runtime() {
    for (line, wrong) in [
        (
            "W1111 04:23:47.127429 1 server.go:86] Failed to start in resource-only group: mkdir /sys/fs/cgroup/blkio/x: read-only file system",
            "at-runc-cgroup",
        ),
        (
            "E1221 20:49:31.500437 1 helpers.go:138] readString: Failed to read \"/sys/fs/cgroup/memory/system.slice/a.service/b\": no such device",
            "at-runc-cgroup",
        ),
        (
            "E0523 13:58:11.611454 1 network.go:53] Failed to retrieve network config: Key not found (/a)",
            "at-network-config",
        ),
        (
            "Oct 01 12:20:42 host k3s[1]: time=\"2025-10-01T12:20:42-04:00\" level=info msg=\"Polling: GET /readyz failed: readiness of a part\"",
            "at-probe",
        ),
        (
            "FATA[2021-10-09T09:42:50Z] flannel exited: failed to acquire lease: nodes \"a\" is forbidden: not yet ready to handle request",
            "api-forbidden",
        ),
    ] {
        let (kind, key) = decides(line);
        assert_ne!(key, wrong, "{kind}: {line}");
        assert_ne!(kind, "unknown", "{line}");
    }
    // Whose socket it is, its path tells.
    let line = "error: failed to list workers: Unavailable: connection error: desc = \"transport: Error while dialing: dial unix \
                /run/buildkit/buildkitd.sock: connect: no such file or directory\"";
    assert_eq!(decides(line), ("consequence", "socket-of-another"));
}

#[test]
fn a_word_of_one_program_is_another_thing_in_the_next() {
    for (line, wrong) in [
        (
            "dockerd[1]: level=error msg=\"error locating sandbox id 048aef: sandbox 048aef not found\"",
            "sandbox-missing",
        ),
        (
            "W0102 05:44:26.511266 1 container.go:507] Failed to update stats for container \"/a.service\": read /sys/fs/cgroup/memory/a: no such device",
            "kubelet-slow",
        ),
        (
            "docker: Error response from daemon: driver failed programming external connectivity on endpoint a (1): (iptables failed: iptables \
             --wait -t nat -A DOCKER -p tcp: iptables: Resource temporarily unavailable.",
            "cni-iptables",
        ),
    ] {
        let (kind, key) = decides(line);
        assert_ne!(key, wrong, "{kind}: {line}");
        assert_ne!(kind, "unknown", "{line}");
    }
    // What is inside of the failure decides.
    let line = "E0102 06:03:59.681519 1 container_log_manager.go:174] Failed to rotate container logs: failed to list containers: rpc error: \
                code = Unavailable desc = grpc: the connection is unavailable";
    assert_ne!(decides(line), ("cause", "container-log-line"));
}

#[test]
fn a_step_of_systemds_own_is_told_from_the_programs_exit() {
    let line = "systemd[1]: kubelet.service: main process exited, code=exited, status=200/CHDIR";
    assert_eq!(decides(line), ("cause", "unit-step-status"));
    let line = "systemd[1]: kubelet.service: main process exited, code=exited, status=255/n/a";
    assert_eq!(decides(line), ("consequence", "unit-failed"));
}

#[test]
fn what_words_tell_is_about_the_same_as_what_decides() {
    let line = "[talos] service[etcd](Waiting): Error running Containerd(etcd), going to restart forever: failed to create task: \
                \"etcd\": connection error: desc = \"transport: Error while dialing: dial unix /run/containerd/containerd.sock: \
                connect: connection refused\"";
    let explained = explain(line);
    assert_eq!(
        explained.head.unwrap().message().unwrap().key,
        "socket-refused"
    );
    assert_ne!(explained.place.map(|place| place.key), Some("at-etcd"));
}

#[test]
fn a_file_system_of_the_kernel_has_no_source_on_the_node() {
    let failed = |name: &str| {
        format!(
            "runc create failed: unable to start container process: error during container init: error mounting \"{name}\" to rootfs at \
             \"/x\": mount src={name}, dst=/x, flags=0xe: no such file or directory: unknown"
        )
    };
    assert_eq!(decides(&failed("proc")).0, "act");
    assert_eq!(decides(&failed("cgroup")).0, "act");
    assert_eq!(
        decides(&failed("/srv/data")),
        ("cause", "mount-source-missing")
    );
}

#[test]
fn a_builder_and_a_stranger_claim_no_cause_of_containerds() {
    let words = "failed to stat parent: stat /var/lib/containerd/io.containerd.snapshotter.v1.overlayfs/snapshots/9/fs: no such file or directory";
    let of_containerd =
        format!("Nov 30 10:00:00 n1 containerd[7]: level=error msg=\"x\" error=\"{words}\"");
    assert_eq!(decides(&of_containerd).0, "cause", "{of_containerd}");
    for line in [
        format!("ERROR: failed to solve: failed to prepare sha256:1b as 2c: {words}"),
        format!("buildkitd: {words}"),
    ] {
        assert_eq!(decides(&line), ("place", "at-buildkit"), "{line}");
    }
    let stranger = "Nov 30 10:00:00 n1 frobnicator[7]: invalid database";
    assert_ne!(decides(stranger).0, "cause");
}

#[test]
fn klogs_form_alone_is_no_program() {
    for line in [
        "E0110 18:10:10.163157 56 unheard_of.c:411] could not do a new thing",
        "Feb 23 08:10:45 n1 hyperkube[33]: I0223 08:10:45.000000   33 controllermanager.go:500] Did a new thing",
    ] {
        assert_eq!(decides(line), ("place", "at-klog"), "{line}");
    }
    // Whose file it names tells it.
    assert_eq!(
        decides("E0110 18:10:10.163157 56 nvc.c:411] could not do a new thing: no such device"),
        ("place", "at-nvidia")
    );
    // Credentials of flannel's are none of kubelet's.
    assert_eq!(
        decides(
            "E0101 00:00:00.000000       1 reflector.go:138] github.com/flannel-io/flannel/pkg/subnet/kube/kube.go:403: Failed to watch *v1.Node: Unauthorized"
        ),
        ("place", "at-api-server")
    );
}

#[test]
fn few_words_of_many_programs_claim_nothing_alone() {
    for line in [
        "EOF",
        "ttrpc: closed",
        "cgroup deleted",
        "invalid database",
        "Forbidden",
    ] {
        assert_ne!(decides(line).0, "cause", "{line}");
    }
}

#[test]
fn a_name_of_a_pod_or_a_policy_is_no_registrys() {
    for line in [
        "CreatePodSandbox for pod \"docker-registry-1-deploy_default(d7)\" in sandbox default-docker-registry-1-deploy-0 failed: strange",
        "The Deployment \"a\" is invalid: spec.containers[0].securityContext.privileged: Forbidden: disallowed by cluster policy",
    ] {
        let head = explain(line).head.unwrap();
        assert_ne!(head.whose(), messages::Whose::Registry, "{line}");
    }
}

#[test]
fn a_probe_that_was_not_asked_did_not_fail() {
    let asked = "Warning  Unhealthy  3s  kubelet, n1  Readiness probe failed: HTTP probe failed with statuscode: 500";
    assert_eq!(decides(asked), ("cause", "probe-failed"));
    let not_asked = "Warning  Unhealthy  3s  kubelet, n1  Readiness probe errored: rpc error: code = NotFound desc = failed to exec in container: failed to find container \"06\" in store: does not exist";
    assert_eq!(decides(not_asked).0, "act");
}

#[test]
fn a_text_of_one_program_is_not_anothers() {
    let text = "level=error msg=\"invalid metric type for abc\"";
    let by = |program: &str| decides(&format!("Dec  1 10:00:00 n1 {program}[5]: {text}"));
    assert_eq!(by("containerd"), ("text", ""));
    assert_eq!(by("dockerd"), ("place", "at-dockerd"));
}

#[test]
fn a_registry_is_looked_at_as_who_asked_it() {
    let first = |line: &str| {
        let head = explain(line).head.unwrap();
        head.message().unwrap().first.join("; ")
    };
    let tail = "Get \"https://r.example/v2/\": x509: certificate signed by unknown authority";
    let by_containerd = first(&format!(
        "ctr: failed to resolve reference \"r.example/a:1\": failed to do request: {tail}"
    ));
    assert!(
        by_containerd.contains("/etc/containerd/certs.d"),
        "{by_containerd}"
    );
    let by_docker = first(&format!("Error response from daemon: {tail}"));
    assert!(
        by_docker.contains("/etc/docker/certs.d") && !by_docker.contains("containerd"),
        "{by_docker}"
    );
    let by_builder = first(&format!(
        "ERROR: failed to solve: r.example/a:1: failed to do request: {tail}"
    ));
    assert!(
        by_builder.contains("buildx") && !by_builder.contains("containerd"),
        "{by_builder}"
    );
}

#[test]
fn the_log_of_a_registrys_server_is_no_pull() {
    let line = "time=\"2024-02-23T14:15:37Z\" level=error msg=\"response completed with error\" err.code=unknown \
        err.detail=\"s3aws: RequestError: send request failed caused by: Put \\\"https://s3.example/docker/registry/v2/repositories/a/_uploads/1\\\": \
        x509: certificate signed by unknown authority\" http.request.host=r.example";
    assert_eq!(decides(line).1, "at-registry-server");
}

#[test]
fn a_wait_for_memory_is_no_damage_and_a_call_that_is_missing_no_release() {
    let line = "XFS: runc:[1:CHILD](3580) possible memory allocation deadlock in kmem_zone_alloc (mode:0x82d0)";
    assert_eq!(decides(line).1, "kernel-allocation-waits");
    assert_eq!(
        decides("kernel: XFS (sda1): Metadata corruption detected at xfs_agf_verify").1,
        "xfs-error"
    );
    let line =
        "ctr: failed to create shim: /containerd.task.v2.Task/Create is not supported: not found";
    assert_eq!(decides(line).1, "shim-lacks-call");
}

#[test]
fn the_stores_of_another_program_are_its_own() {
    let about = |line: &str| explain(line).head.unwrap().message().unwrap().about();
    let line = "Error response from daemon: readlink /var/lib/docker/overlay2/l/4GWADAHD5OC5: no such file or directory";
    assert!(about(line).contains("dockerd"), "{}", about(line));
}

#[test]
fn few_words_prove_nothing() {
    for message in messages::messages().filter(|message| message.sure == messages::Sure::Certain) {
        for says in message.says {
            let letters = says.split(['{', '}']).step_by(2).flat_map(str::chars);
            if letters.filter(char::is_ascii_alphanumeric).count() >= 24 || says.contains('{') {
                continue;
            }
            let sure = explain(says).head.map(|head| head.sure());
            assert_ne!(sure, Some(messages::Sure::Certain), "{says}");
        }
    }
}

/// What decides, with the system's word beside it.
fn decides_with(line: &str) -> (&'static str, &'static str, Option<&'static str>) {
    let word = match explain(line).head {
        Some(Head::Act(_, word) | Head::Place(_, word)) => word.map(|word| word.key),
        _ => None,
    };
    let (kind, key) = decides(line);
    (kind, key, word)
}

#[test]
fn a_cause_that_is_followed_by_another_word_is_one_of_several() {
    // What it says itself is enough.
    assert_eq!(
        decides(
            "Jul 1 00:00:00 n kubelet[1]: E0701 00:00:00.1 1 reflector.go:125] k8s.io/kubernetes/pkg/kubelet/kubelet.go:47: Failed to list *v1.Pod: Get https://10.0.0.1:6443/api/v1/pods: x509: certificate signed by unknown authority"
        ),
        ("act", "kubelet-not-found")
    );
    for (line, key, word) in [
        (
            "failed to setup network for sandbox \"a\": error adding host side routes for interface: cali1, error: cannot allocate memory",
            "calico-routes",
            Some("no-memory"),
        ),
        (
            "Warning  Failed  1s  kubelet  Error: failed to create containerd container: snapshotter not loaded: overlayfs: cannot allocate memory",
            "snapshotter-not-loaded",
            Some("no-memory"),
        ),
    ] {
        assert_eq!(decides_with(line), ("act", key, word), "{line}");
    }
}

#[test]
fn a_plugins_answer_is_not_kubelets() {
    let frame = "Warning  FailedCreatePodSandBox  5m57s  kubelet  Failed to create pod sandbox: rpc error: code = Unknown desc = failed to setup network for sandbox \"20\": plugin type=\"calico\" failed (add): ";
    for end in [
        "Unauthorized",
        "the server has asked for the client to provide credentials",
    ] {
        let (_, key) = decides(&format!("{frame}{end}"));
        assert_ne!(key, "api-unauthorized", "{end}");
    }
}

#[test]
fn a_limit_that_is_no_disk_is_told_by_what_was_opened() {
    for (line, right) in [
        (
            "OCI runtime exec failed: exec failed: unable to start container process: open /dev/ptmx: no space left on device: unknown",
            "pty-limit",
        ),
        (
            "bash: fork: retry: Resource temporarily unavailable",
            "process-limit",
        ),
    ] {
        assert_eq!(decides(line), ("cause", right), "{line}");
    }
}

#[test]
fn what_another_api_answers_is_no_registrys() {
    let line = "May 08 13:46:37 m kubelet[10978]: W0508 13:46:37.520984   10978 openstack_instances.go:75] Failed to find compute flavors: \
        Get https://nova.example:8774/v2/40c28cc7/flavors/detail: x509: certificate has expired or is not yet valid";
    let head = explain(line).head.unwrap();
    assert_ne!(head.whose(), messages::Whose::Registry, "{head:?}");
    assert_ne!(head.whose(), messages::Whose::Tls, "{head:?}");
}

#[test]
fn a_line_is_looked_at_with_its_own_programs_commands() {
    for (line, own, others) in [
        (
            "Nov 28 14:18:11 n crio[40]: time=\"t\" level=error msg=\"error reserving pod name k8s_a: name is reserved\"",
            "",
            &["containerd", "ctr ", "coroner "][..],
        ),
        (
            "FATA[0000] pulling image failed: rpc error: code = Unknown desc = error pinging r:4000: Get \"https://r:4000/v2/\": http: server gave HTTP response to HTTPS client",
            "/etc/containers",
            &["containerd", "ctr "],
        ),
        (
            "ERRO[0000] creating file '/home/a/.local/share/containers/storage/overlay/0d/merged/run/.containerenv': Permission denied: OCI runtime permission denied error",
            "podman",
            &["containerd", "crictl", "k8s.io"],
        ),
        (
            "Error response from daemon: OCI runtime create failed: runc create failed: unable to start container process: can't get final child's PID from pipe: EOF: unknown",
            "",
            &["-u containerd", "crictl", "/run/containerd"],
        ),
    ] {
        let head = explain(line).head.unwrap();
        let first = head.message().unwrap().first;
        assert!(
            first.iter().any(|command| command.contains(own)),
            "{line}: {first:?}"
        );
        for command in first {
            assert!(
                !others.iter().any(|word| command.contains(word)),
                "{line}: {command}"
            );
        }
    }
}

#[test]
fn what_a_program_tells_as_news_is_no_fault_of_its() {
    let line = "time=\"t\" level=info msg=\"overlay2: the backing xfs filesystem is formatted without d_type support\"";
    assert!(
        !matches!(explain(line).head, Some(Head::Cause(message)) if message.whose != messages::Whose::Nobody)
    );
}

#[test]
fn the_words_after_a_registrys_code_decide() {
    for (line, kind, key) in [
        (
            "unexpected status code 400: manifest blob unknown: blob unknown to registry",
            "cause",
            "registry-blob-unknown",
        ),
        (
            "{\"errors\":[{\"code\":\"BLOB_UPLOAD_UNKNOWN\",\"message\":\"blob upload unknown to registry\",\"detail\":{}}]}",
            "cause",
            "registry-upload-unknown",
        ),
        (
            "PUT https://r.io/v2/a/manifests/1: DIGEST_INVALID: provided digest did not match uploaded content",
            "cause",
            "registry-upload-invalid",
        ),
        (
            "failed to push r.io/a:1: manifest invalid: manifest invalid",
            "cause",
            "registry-manifest-invalid",
        ),
        (
            "error pushing image: name invalid: invalid repository name",
            "cause",
            "registry-name-invalid",
        ),
        (
            "failed to push image: unsupported: The operation is unsupported.",
            "cause",
            "registry-unsupported",
        ),
        (
            "denied: requested access to the resource is denied",
            "cause",
            "registry-unauthorized",
        ),
        (
            "denied: registry contains 1 repositories, limit is 1",
            "cause",
            "registry-quota",
        ),
        (
            "Error response from daemon: toomanyrequests: too many failed login attempts for username or IP address",
            "cause",
            "registry-login-locked",
        ),
        (
            "toomanyrequests: You have reached your pull rate limit. You may increase the limit",
            "cause",
            "registry-rate-limit",
        ),
        (
            "error parsing HTTP 404 response body: invalid character 'p' after top-level value: \"404 page not found\\n\"",
            "cause",
            "registry-proxy-answered",
        ),
        // A registry's own words.
        (
            "failed to push r.io/a:1: denied: the cat sits on the tape of this repository",
            "act",
            "registry-own-words",
        ),
        (
            "failed to pull r.io/a:1: unauthorized: project moon not found in this place",
            "act",
            "registry-own-words",
        ),
    ] {
        assert_eq!(decides(line), (kind, key), "{line}");
    }
    let line = "failed to push r.io/a:1: denied: the cat sits on the tape of this repository";
    assert_eq!(
        explain(line).detail.as_deref(),
        Some("the cat sits on the tape of this repository")
    );
    // A server that is no registry's.
    let line = "E1128 12:00:00.1 1 reflector.go:16] failed to list *v1.Pod: unauthorized: x y z w";
    assert_ne!(decides(line).1, "registry-own-words");
}

#[test]
fn a_path_names_its_owner_before_words_do() {
    for (line, key) in [
        (
            "Output: mount: mounting /dev/sdb on /var/lib/kubelet/plugins/kubernetes.io/csi/pv/pvc-1/globalmount failed: Resource busy",
            "at-csi",
        ),
        (
            "E1104 19:03:43.791611  1 x.go:215] Failed to open netns with /host/var/run/netns/cni-9: failed to Statfs \"/host/var/run/netns/cni-9\": no such file or directory",
            "at-pods-own-mounts",
        ),
        (
            "E1104 19:03:43.791611  1 pod_configuration.go:215] the cat sits",
            "at-antrea",
        ),
        (
            "ERROR: failed to create cluster: could not find a log line that matches \"Reached target .*|detected cgroup v1\"",
            "at-kind",
        ),
    ] {
        assert_eq!(decides(line), ("place", key), "{line}");
    }
    // What runc says of such a path is runc's.
    let line = "runc create failed: error mounting \"/var/lib/kubelet/plugins/kubernetes.io/csi/a/globalmount\" to rootfs at \"/a\": permission denied";
    assert_eq!(explain(line).head.unwrap().who(), messages::Component::Runc);
    let line = "failed to register layer: write /app/a: no space left on device";
    assert_eq!(
        explain(line).head.unwrap().who(),
        messages::Component::Dockerd
    );
    // A pod's process in a folder of /proc, and a namespace's own file.
    let line = "network: failed to Statfs \"/var/run/netns/cni-9\": no such file or directory";
    assert_eq!(decides(line).1, "netns-missing");
    let line = "network: failed to Statfs \"/proc/6702/ns/net\": no such file or directory";
    assert_eq!(decides(line).1, "sandbox-process-gone");
}

#[test]
fn a_panic_and_an_exit_are_of_the_program_that_the_line_shows() {
    for line in [
        "panic: Fatal: nvml: Not Supported",
        "panic: the cat sat on the map",
    ] {
        let head = explain(line).head.unwrap();
        assert_ne!(head.whose(), messages::Whose::Daemon, "{line}");
    }
    let line =
        "dockerd[1]: level=warning msg=\"failed to retrieve docker-runc version: exit status 127\"";
    assert_eq!(decides(line), ("act", "host-program-ended"));
    let line = "command terminated with exit code 137";
    assert_eq!(decides(line).1, "exit-code");
}
