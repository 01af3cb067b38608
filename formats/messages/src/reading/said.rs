//! Who wrote a line, by its form: a journal's program, klog's file, an event's reason, a tool's own beginning.

use serde::Serialize;

use crate::files::Product;
use crate::peel::Peeled;

/// Who wrote a line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Said {
    /// The program.
    pub name: String,
    /// What shows it.
    pub by: &'static str,
    /// The unit whose journal has its lines, where it is one of a node's.
    #[serde(skip)]
    pub(crate) unit: Option<&'static str>,
}

/// Beginnings of what tools write, and what only one program's lines have; in lower case. `^`: at the beginning of
/// what is left of the line when its heads are peeled off.
const FORMS: &[(&str, &str, &str)] = &[
    (
        "error response from daemon",
        "dockerd",
        "its answer to a client",
    ),
    (
        "cannot connect to the docker daemon",
        "docker's client",
        "its own words",
    ),
    (
        "docker.errors.",
        "a Python program that asks dockerd",
        "its exception",
    ),
    (
        "^error from server",
        "the API server, to kubectl",
        "its answer",
    ),
    (
        "^unable to connect to the server",
        "kubectl",
        "its own words",
    ),
    ("^the connection to the server", "kubectl", "its own words"),
    ("error execution phase", "kubeadm", "its own words"),
    ("[preflight]", "kubeadm", "its own words"),
    ("[error cri]", "kubeadm's checks", "a check in brackets"),
    ("[error port", "kubeadm's checks", "a check in brackets"),
    (
        "[error filecontent",
        "kubeadm's checks",
        "a check in brackets",
    ),
    (
        "[error fileavailable",
        "kubeadm's checks",
        "a check in brackets",
    ),
    (
        "[error fileexisting",
        "kubeadm's checks",
        "a check in brackets",
    ),
    (
        "[error diravailable",
        "kubeadm's checks",
        "a check in brackets",
    ),
    ("[error swap", "kubeadm's checks", "a check in brackets"),
    ("[error numcpu", "kubeadm's checks", "a check in brackets"),
    ("[error mem]", "kubeadm's checks", "a check in brackets"),
    (
        "[error systemverification",
        "kubeadm's checks",
        "a check in brackets",
    ),
    (
        "[error imagepull",
        "kubeadm's checks",
        "a check in brackets",
    ),
    ("[error kubelet", "kubeadm's checks", "a check in brackets"),
    ("[error etcd", "kubeadm's checks", "a check in brackets"),
    (
        "[error crisocket",
        "kubeadm's checks",
        "a check in brackets",
    ),
    (
        "[error isprivileged",
        "kubeadm's checks",
        "a check in brackets",
    ),
    ("[error coredns", "kubeadm's checks", "a check in brackets"),
    (
        "[error externaletcd",
        "kubeadm's checks",
        "a check in brackets",
    ),
    ("[error hostname", "kubeadm's checks", "a check in brackets"),
    ("[error service", "kubeadm's checks", "a check in brackets"),
    (
        "[error httpproxy",
        "kubeadm's checks",
        "a check in brackets",
    ),
    ("[error ipvs", "kubeadm's checks", "a check in brackets"),
    (
        "[error hasrootprivileges",
        "kubeadm's checks",
        "a check in brackets",
    ),
    (
        "[error firewalld",
        "kubeadm's checks",
        "a check in brackets",
    ),
    (
        "[error kubernetesversion",
        "kubeadm's checks",
        "a check in brackets",
    ),
    ("[error netavark", "netavark", "its name in brackets"),
    ("[warn netavark", "netavark", "its name in brackets"),
    ("[info netavark", "netavark", "its name in brackets"),
    ("[error aardvark", "aardvark-dns", "its name in brackets"),
    ("^netavark", "netavark", "its name before the error"),
    (
        "^error: netavark",
        "netavark, through Podman",
        "its name before the error",
    ),
    (
        "aardvark-dns",
        "aardvark-dns, or netavark of it",
        "its name in the line",
    ),
    ("[kubelet-check]", "kubeadm", "its own words"),
    ("^ctr: ", "ctr", "its name before the error"),
    ("^crictl", "crictl", "its name before the error"),
    ("^nerdctl", "nerdctl", "its name before the error"),
    ("^buildctl", "buildctl", "its name before the error"),
    ("failed to solve", "BuildKit", "a build that failed"),
    ("^docker: ", "docker's client", "its name before the error"),
    ("^podman", "podman", "its name before the error"),
    ("container_linux.go:", "runc", "a file of its source"),
    (
        "standard_init_linux.go:",
        "runc's init in the container",
        "a file of its source",
    ),
    ("nsexec", "runc", "a part of its source"),
    ("^runc run failed", "runc", "its own words"),
    ("^runsc", "gVisor's runsc", "its name before the error"),
    (
        "nvidia-container-cli:",
        "NVIDIA's container toolkit",
        "its name before the error",
    ),
    ("^nvidia", "NVIDIA's tools", "its name before the error"),
    (
        "nvrm:",
        "NVIDIA's kernel module",
        "its name before the line",
    ),
    ("^iptables", "iptables", "its name before the error"),
    ("^ip6tables", "ip6tables", "its name before the error"),
    ("^nft", "nft", "its name before the error"),
    ("^modprobe:", "modprobe", "its name before the error"),
    ("^mount:", "mount", "its name before the error"),
    ("^mount.nfs", "mount.nfs", "its name before the error"),
    ("^umount:", "umount", "its name before the error"),
    ("^curl: (", "curl", "its name before the error"),
    ("^wget: ", "wget", "its name before the error"),
    ("^bash: ", "a shell", "its name before the error"),
    ("^-bash: ", "a shell", "its name before the error"),
    ("^/bin/sh: ", "a shell", "its name before the error"),
    ("^sh: ", "a shell", "its name before the error"),
    ("^sudo: ", "sudo", "its name before the error"),
    ("^tar: ", "tar", "its name before the error"),
    ("^e: ", "apt", "its mark of an error"),
    ("^dpkg: ", "dpkg", "its name before the error"),
    ("^helm ", "helm", "its name before the error"),
    ("^error: installation failed", "helm", "its own words"),
    ("^error: upgrade failed", "helm", "its own words"),
    ("^lxc-start", "LXC", "its name before the line"),
    ("^lxc ", "LXC", "its name before the line"),
    ("lvl=eror", "LXD", "its form"),
    ("lvl=warn", "LXD", "its form"),
    ("lvl=info", "LXD", "its form"),
    ("^(00.", "CRIU", "the seconds in brackets before its lines"),
    ("error (criu/", "CRIU", "a file of its source"),
    (
        "traceback (most recent call last)",
        "a Python program",
        "its traceback",
    ),
    ("exception in thread", "a Java program", "its exception"),
    ("^panic: ", "a program in Go", "its panic"),
    (
        "^fatal error: ",
        "a program in Go",
        "the end of its runtime",
    ),
    ("\"cniversion\"", "a CNI plugin", "its answer in JSON"),
    ("type=avc", "the kernel's audit", "a record of it"),
    ("type=apparmor", "the kernel's audit", "a record of it"),
    (
        "apparmor=\"denied\"",
        "the kernel's audit",
        "a record of it",
    ),
    ("memory cgroup out of memory", "the kernel", "its own words"),
    ("invoked oom-killer", "the kernel", "its own words"),
    ("blocked for more than", "the kernel", "its own words"),
    (
        "level=error msg=\"response completed with error\"",
        "a registry's server",
        "its own form",
    ),
    (
        "http.request.",
        "a registry's server",
        "fields of its lines",
    ),
    ("subsys=", "Cilium", "a field of its lines"),
    ("[error][", "Calico", "its form"),
    ("[warning][", "Calico", "its form"),
    (
        "bird: ",
        "BIRD (Calico's routing)",
        "its name before the line",
    ),
    ("multus: ", "Multus", "its name before the error"),
    ("\"caller\":\"etcdserver/", "etcd", "files of its source"),
    ("\"caller\":\"rafthttp/", "etcd", "files of its source"),
    ("\"caller\":\"embed/", "etcd", "files of its source"),
    ("\"caller\":\"etcdmain/", "etcd", "files of its source"),
    ("\"caller\":\"membership/", "etcd", "files of its source"),
    ("\"caller\":\"wal/", "etcd", "files of its source"),
    ("\"caller\":\"mvcc/", "etcd", "files of its source"),
    ("\"caller\":\"v3rpc/", "etcd", "files of its source"),
    (
        "etcdserver: ",
        "etcd, through who asked it",
        "its name before the error",
    ),
    ("main process exited", "systemd", "its own words"),
    ("failed with result", "systemd", "its own words"),
    (
        "start request repeated too quickly",
        "systemd",
        "its own words",
    ),
    ("job for ", "systemctl", "its own words"),
    ("failed to start unit", "systemd", "its own words"),
];

/// Reasons of events that a controller gives, not kubelet.
const CONTROLLERS: &[(&str, &str)] = &[
    ("FailedScheduling", "the scheduler"),
    ("Preempted", "the scheduler"),
    ("FailedAttachVolume", "the controller that attaches volumes"),
    ("FailedDetachVolume", "the controller that attaches volumes"),
    (
        "SuccessfulAttachVolume",
        "the controller that attaches volumes",
    ),
    ("ProvisioningFailed", "the volume's provisioner"),
    ("ExternalProvisioning", "the controller of volumes"),
    ("FailedBinding", "the controller of volumes"),
    ("FailedCreate", "the controller that makes the pods"),
    ("FailedToUpdateEndpoint", "a controller"),
    ("SyncLoadBalancerFailed", "the cloud's controller"),
    ("FailedGetResourceMetric", "the autoscaler"),
    ("FailedComputeMetricsReplicas", "the autoscaler"),
    ("NetworkNotReady", "kubelet"),
];

/// Files of sources, as klog names them, and whose they are; kubelet's are told in `speaker`.
const FILES: &[(&str, &str)] = &[
    ("reflector.go", "a client of the API server"),
    ("leaderelection.go", "a controller that wants to lead"),
    ("request.go", "a client of the API server"),
    ("round_trippers.go", "a client of the API server"),
    ("transport.go", "a client of the API server"),
    ("memcache.go", "kubectl or another client of the API server"),
    ("clientconn.go", "a client of gRPC (etcd's, or a socket's)"),
    ("proxier.go", "kube-proxy"),
    ("server_others.go", "kube-proxy"),
    ("iptables.go", "kube-proxy or flannel"),
    ("conntrack.go", "kube-proxy"),
    ("nodeport", "kube-proxy"),
    ("scheduler.go", "the scheduler"),
    ("schedule_one.go", "the scheduler"),
    ("garbagecollector.go", "the controller manager"),
    ("controllermanager.go", "the controller manager"),
    ("replica_set.go", "the controller manager"),
    ("daemon_controller.go", "the controller manager"),
    ("node_lifecycle_controller.go", "the controller manager"),
    ("pv_controller", "the controller manager"),
    ("attach_detach_controller.go", "the controller manager"),
    ("controller.go", "a controller, or a driver of volumes"),
    ("csi_handler.go", "the sidecar that attaches volumes (CSI)"),
    ("connection.go", "a sidecar of CSI"),
    (
        "node_register.go",
        "the sidecar that registers a driver (CSI)",
    ),
    ("nodeserver.go", "a driver of volumes (CSI)"),
    (
        "authentication.go",
        "the API server, or a server that asks it",
    ),
    ("dispatcher.go", "the API server"),
    ("wrap.go", "the API server"),
    ("status.go", "the API server"),
    ("available_controller.go", "the API server"),
    ("remote_available_controller.go", "the API server"),
    ("cacher.go", "the API server"),
    ("instance.go", "the API server"),
    ("manager.go", "kubelet (or cAdvisor in it)"),
    ("main.go", "a program that logs in klog's form"),
    ("kube.go", "flannel"),
    ("vxlan", "flannel"),
    ("checks.go", "kubeadm"),
    ("initconfiguration.go", "kubeadm"),
    (
        "remote_runtime.go",
        "kubelet or crictl, of the runtime's answer",
    ),
    (
        "remote_image.go",
        "kubelet or crictl, of the runtime's answer",
    ),
];

/// Programs of a node, by what their journal's name begins with, and the unit that has their lines.
const UNITS: &[(&str, &str)] = &[
    ("containerd", "containerd"),
    ("dockerd", "docker"),
    ("docker", "docker"),
    ("kubelet", "kubelet"),
    ("crio", "crio"),
    ("k3s", "k3s"),
    (
        "microk8s.daemon-containerd",
        "snap.microk8s.daemon-containerd",
    ),
    ("microk8s.daemon-kubelite", "snap.microk8s.daemon-kubelite"),
    ("microk8s.daemon-kubelet", "snap.microk8s.daemon-kubelet"),
];

/// Who wrote the line; `lower`: the line, in lower case; `is_kubelets`: klog names a file of kubelet's.
pub(crate) fn by_form(line: &str, lower: &str, peeled: &Peeled, is_kubelets: bool) -> Option<Said> {
    let said = |name: &str, by: &'static str| {
        let unit = UNITS.iter().find(|(start, _)| name.starts_with(start));
        Some(Said {
            name: name.to_owned(),
            by,
            unit: unit.map(|(_, unit)| *unit),
        })
    };
    let file = peeled.file.as_deref().unwrap_or_default();
    let file = file.rsplit('/').next().unwrap_or_default();
    if let Some(reason) = event(line) {
        let who = CONTROLLERS.iter().find(|(own, _)| *own == reason);
        return said(
            who.map_or("kubelet", |(_, who)| who),
            "an event of Kubernetes",
        );
    }
    let by_file = FILES.iter().find(|(start, _)| file.starts_with(start));
    let product = Product::of_line(line, peeled).filter(|_| by_file.is_none());
    if let Some(program) = program(peeled) {
        return match by_file {
            // A program that holds others: its file says which part.
            Some((_, part)) if !is_kubelets => said(
                &format!("{program} ({part})"),
                "the journal and klog's file",
            ),
            _ if is_kubelets && !program.starts_with("kubelet") => said(
                &format!("{program} (kubelet)"),
                "the journal and klog's file",
            ),
            _ => said(program, "the program that its log names"),
        };
    }
    if is_kubelets && !file.starts_with("remote_") {
        return said("kubelet", "the file that klog names");
    }
    if let Some((_, who)) = by_file {
        return said(who, "the file that klog names");
    }
    if let Some(product) = product {
        return said(product.name, "the file of a source in its head");
    }
    let inner = peeled.said.first().map(|said| said.to_ascii_lowercase());
    let inner = inner.unwrap_or_default();
    let is_it = |mark: &str| match mark.strip_prefix('^') {
        Some(start) => lower.trim_start().starts_with(start) || inner.starts_with(start),
        None => lower.contains(mark),
    };
    if let Some((_, who, by)) = FORMS.iter().find(|(mark, ..)| is_it(mark)) {
        return said(who, by);
    }
    if !file.is_empty() {
        return said("a program that logs in klog's form", "klog's head");
    }
    // The ring of the kernel: seconds since the boot, or a date, in brackets.
    let start = lower.trim_start().trim_start_matches(['>', '`', ' ']);
    let ring = start
        .strip_prefix('[')
        .and_then(|rest| rest.split_once("] "));
    if let Some((time, _)) = ring
        && time.trim().len() >= 8
        && time
            .trim()
            .bytes()
            .all(|byte| byte.is_ascii_digit() || byte == b'.')
    {
        return said("the kernel", "the time since the boot in brackets");
    }
    let is_terminals = ["fata[", "erro[", "warn[", "info[", "debu["];
    if is_terminals
        .iter()
        .any(|start| lower.trim_start().starts_with(start))
    {
        return said(
            "a program in Go that was run by hand (ctr, nerdctl, crictl, podman, k3s)",
            "the form of its lines",
        );
    }
    if lower.contains("level=") && lower.contains("msg=") {
        return said(
            "a program in Go (containerd, dockerd, k3s, an agent of the network)",
            "the form of its lines",
        );
    }
    None
}

/// The program that a head names, if that is a name.
fn program(peeled: &Peeled) -> Option<&str> {
    let name = peeled.program.as_deref()?;
    let name = name.rsplit('/').next()?.trim_start_matches(['(', '[']);
    let is_name = name.len() > 1
        && name.len() < 40
        && name.starts_with(|letter: char| letter.is_ascii_alphabetic())
        && name
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"_.@-".contains(&byte));
    let is_word = [
        "error", "warning", "info", "fatal", "panic", "time", "msg", "failed", "debug",
    ];
    (is_name && !is_word.contains(&name.to_ascii_lowercase().as_str())).then_some(name)
}

/// The reason of an event, as `kubectl describe` and `kubectl get events` have it.
fn event(line: &str) -> Option<&str> {
    let mut words = line.split_whitespace();
    words
        .by_ref()
        .take(14)
        .find(|word| matches!(*word, "Warning" | "Normal"))?;
    let reason = words.next()?;
    let is_reason = reason.starts_with(|letter: char| letter.is_ascii_uppercase())
        && reason.len() > 3
        && reason.bytes().all(|byte| byte.is_ascii_alphanumeric());
    is_reason.then_some(reason)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::peel::peel;

    fn who(line: &str) -> Option<String> {
        let said = by_form(line, &line.to_ascii_lowercase(), &peel(line), false);
        said.map(|said| said.name)
    }

    #[test]
    fn who_wrote_a_line_is_told_by_its_form() {
        for (line, right) in [
            (
                "Warning  FailedMount  1s  kubelet  MountVolume.SetUp failed",
                Some("kubelet"),
            ),
            (
                "3m  Warning  FailedScheduling  pod/a  0/3 nodes are available",
                Some("the scheduler"),
            ),
            (
                "E1128 12:00:00.1 1 reflector.go:16] failed to list x",
                Some("a client of the API server"),
            ),
            (
                "Dec 07 23:47:01 node-1 etcd2[757]: election lost",
                Some("etcd2"),
            ),
            ("Error response from daemon: no such image", Some("dockerd")),
            ("curl: (6) Could not resolve host: a", Some("curl")),
            (
                "Error from server (Forbidden): pods is forbidden",
                Some("the API server, to kubectl"),
            ),
            (
                "[15934.071816] hrtimer: interrupt took 2744199 ns",
                Some("the kernel"),
            ),
            ("a line that shows nothing", None),
            (
                "Nov 28 14:18:11 node k3s[40]: E1128 12:00:00.1 1 reflector.go:16] x",
                Some("k3s (a client of the API server)"),
            ),
        ] {
            assert_eq!(who(line).as_deref(), right, "{line}");
        }
    }

    #[test]
    fn marks_are_in_lower_case() {
        for (mark, ..) in FORMS {
            assert_eq!(*mark, mark.to_lowercase());
        }
    }
}
