//! Which units of systemd run a containerd, and start it again.

/// Units by name, without `.service`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Units {
    /// Those that are stopped, in this order.
    pub stop: &'static [&'static str],
    /// Those that are started again, in this order.
    pub start: &'static [&'static str],
}

/// The units of an installation ([`Roots::whose`](crate::Roots::whose)).
pub fn units(whose: &str) -> Units {
    let (stop, start): (&[&str], &[&str]) = match whose {
        "k3s" => (&["k3s", "k3s-agent"], &["k3s"]),
        "rke2" => (&["rke2-server", "rke2-agent"], &["rke2-server"]),
        "docker" => (&["docker.socket", "docker"], &["docker"]),
        "docker (snap)" => (&["snap.docker.dockerd"], &["snap.docker.dockerd"]),
        "k0s" => (&["k0scontroller", "k0sworker"], &["k0sworker"]),
        "microk8s" => (
            &[
                "snap.microk8s.daemon-kubelite",
                "snap.microk8s.daemon-containerd",
            ],
            &[
                "snap.microk8s.daemon-containerd",
                "snap.microk8s.daemon-kubelite",
            ],
        ),
        _ => (&["kubelet", "containerd"], &["containerd", "kubelet"]),
    };
    Units { stop, start }
}
