//! Where logs lie, by who wrote them.

use crate::line::Program;

/// How the lines of a file look.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Form {
    /// Each line names the time, the host and the program.
    Syslog,
    /// All lines are of one program.
    Of(Program),
}

/// Files in one folder whose names begin with these, rotated ones, too.
pub(crate) struct Place {
    pub(crate) folder: &'static str,
    pub(crate) stems: &'static [&'static str],
    pub(crate) form: Form,
}

const fn place(folder: &'static str, stems: &'static [&'static str], form: Form) -> Place {
    Place {
        folder,
        stems,
        form,
    }
}

/// Folders of journals; each has one folder for each machine.
pub(crate) const JOURNALS: [&str; 2] = ["/var/log/journal", "/run/log/journal"];

/// Folders of containers' logs: `NAMESPACE_POD_UID/CONTAINER/N.log`.
pub(crate) const PODS: &str = "/var/log/pods";

/// Text logs. Debian and Ubuntu: syslog, daemon.log, kern.log; Red Hat, Amazon: messages; Talos: a
/// file for each service; k3s and RKE2: containerd's own, and kubelet's.
pub(crate) const PLACES: &[Place] = &[
    place(
        "/var/log",
        &["syslog", "messages", "daemon.log", "kern.log"],
        Form::Syslog,
    ),
    place(
        "/var/log",
        &["containerd", "cri"],
        Form::Of(Program::Containerd),
    ),
    place("/var/log", &["kubelet"], Form::Of(Program::Kubelet)),
    place("/var/log", &["docker"], Form::Of(Program::Dockerd)),
    place("/var/log", &["k3s", "k0s"], Form::Of(Program::Distribution)),
    place(
        "/var/log/containerd",
        &["containerd"],
        Form::Of(Program::Containerd),
    ),
    place(
        "/var/log/cce/containerd",
        &["containerd"],
        Form::Of(Program::Containerd),
    ),
    place(
        "/var/log/cce/kubernetes",
        &["kubelet"],
        Form::Of(Program::Kubelet),
    ),
    place(
        "/var/lib/rancher/k3s/agent/containerd",
        &["containerd"],
        Form::Of(Program::Containerd),
    ),
    place(
        "/var/lib/rancher/rke2/agent/containerd",
        &["containerd"],
        Form::Of(Program::Containerd),
    ),
    place(
        "/var/lib/rancher/rke2/agent/logs",
        &["kubelet"],
        Form::Of(Program::Kubelet),
    ),
    // What `coroner collect` took along.
    place("/var/log/coroner", &["daemons"], Form::Syslog),
    place("/var/log/calico/cni", &["cni"], Form::Of(Program::Cni)),
    place("/var/run/cilium", &["cilium-cni"], Form::Of(Program::Cni)),
    place(
        "/var/log/aws-routed-eni",
        &["ipamd", "plugin"],
        Form::Of(Program::Cni),
    ),
];

/// Whether a file is that log, or one that was put aside: `syslog`, `syslog.2.gz`,
/// `messages-20251128`, `containerd-2025-11-28T12-00-00.000.log.gz`.
pub(crate) fn is_of(name: &str, stem: &str) -> bool {
    let Some(rest) = name.strip_prefix(stem) else {
        return false;
    };
    let rest = rest.strip_suffix(".gz").unwrap_or(rest);
    let rest = rest.strip_suffix(".zst").unwrap_or(rest);
    let rest = rest.strip_prefix(".log").unwrap_or(rest);
    let rest = rest.strip_suffix(".log").unwrap_or(rest);
    rest.is_empty()
        || rest.starts_with(['.', '-'])
            && rest
                .chars()
                .all(|letter| letter.is_ascii_digit() || "-.T_".contains(letter))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rotated_logs_are_told_from_others() {
        for name in [
            "syslog",
            "syslog.1",
            "syslog.2.gz",
            "syslog-20251128.gz",
            "syslog-20251128",
        ] {
            assert!(is_of(name, "syslog"), "{name}");
        }
        assert!(is_of("containerd.log", "containerd"));
        assert!(is_of(
            "containerd-2025-11-28T12-00-00.000.log.gz",
            "containerd"
        ));
        for name in ["syslog.conf", "syslogs", "syslog.bak"] {
            assert!(!is_of(name, "syslog"), "{name}");
        }
    }
}
