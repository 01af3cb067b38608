//! Where distributions keep containerd's stores and configuration.

/// Where a distribution keeps the stores of its containerd.
pub(crate) struct Distribution {
    pub(crate) whose: &'static str,
    pub(crate) root: &'static str,
    pub(crate) state: &'static str,
    /// Its config.toml; none if it is empty.
    pub(crate) config: &'static str,
}

/// A config.toml that is written anew at each start, and what an edit has to go to.
pub(crate) struct Generated {
    /// The installation that writes it, as [`Distribution::whose`] names it.
    pub(crate) whose: &'static str,
    pub(crate) config: &'static str,
    pub(crate) instead: &'static str,
}

/// Of each distribution that writes it: what its documentation and the file's own head say.
pub(crate) const GENERATED: &[Generated] = &[
    Generated {
        whose: "k3s",
        config: "rancher/k3s/agent/etc/containerd/config.toml",
        instead: "k3s rewrites config.toml at each start. Make the change in config.toml.tmpl beside \
                  it (config-v3.toml.tmpl for containerd 2.x), or in /etc/rancher/k3s/registries.yaml \
                  for registries.",
    },
    Generated {
        whose: "rke2",
        config: "rancher/rke2/agent/etc/containerd/config.toml",
        instead: "RKE2 rewrites config.toml at each start. Make the change in config.toml.tmpl beside \
                  it (config-v3.toml.tmpl for containerd 2.x), or in /etc/rancher/rke2/registries.yaml \
                  for registries.",
    },
    Generated {
        whose: "docker",
        config: "run/docker/containerd/containerd.toml",
        instead: "dockerd rewrites containerd.toml at each start. Make the change in \
                  /etc/docker/daemon.json.",
    },
    Generated {
        whose: "docker (snap)",
        config: "run/snap.docker/containerd/containerd.toml",
        instead: "dockerd rewrites containerd.toml at each start. Make the change in \
                  /var/snap/docker/current/config/daemon.json.",
    },
    Generated {
        whose: "microk8s",
        config: "snap/microk8s/current/args/containerd.toml",
        instead: "MicroK8s rewrites containerd.toml at each start. Make the change in \
                  containerd-template.toml beside it.",
    },
    Generated {
        whose: "k0s",
        config: "etc/k0s/containerd.toml",
        instead: "k0s rewrites containerd.toml at each start as long as its first line is \
                  `# k0s_managed=true`. Make the change in a file of /etc/k0s/containerd.d, or remove \
                  that line.",
    },
];

/// Where distributions keep containerd's stores. `*` stands for one folder of any name.
pub(crate) const DISTRIBUTIONS: &[Distribution] = &[
    Distribution {
        whose: "containerd",
        root: "/var/lib/containerd",
        state: "/run/containerd",
        config: "/etc/containerd/config.toml",
    },
    Distribution {
        whose: "k3s",
        root: "/var/lib/rancher/k3s/agent/containerd",
        state: "/run/k3s/containerd",
        config: "/var/lib/rancher/k3s/agent/etc/containerd/config.toml",
    },
    Distribution {
        whose: "rke2",
        root: "/var/lib/rancher/rke2/agent/containerd",
        state: "/run/k3s/containerd",
        config: "/var/lib/rancher/rke2/agent/etc/containerd/config.toml",
    },
    Distribution {
        whose: "docker",
        root: "/var/lib/docker/containerd/daemon",
        state: "/run/docker/containerd/daemon",
        config: "/var/run/docker/containerd/containerd.toml",
    },
    Distribution {
        whose: "docker (snap)",
        root: "/var/snap/docker/common/var-lib-docker/containerd/daemon",
        state: "/run/snap.docker/containerd/daemon",
        config: "/run/snap.docker/containerd/containerd.toml",
    },
    Distribution {
        whose: "microk8s",
        root: "/var/snap/microk8s/common/var/lib/containerd",
        state: "/var/snap/microk8s/common/run/containerd",
        config: "/var/snap/microk8s/current/args/containerd.toml",
    },
    Distribution {
        whose: "k0s",
        root: "/var/lib/k0s/containerd",
        state: "/run/k0s/containerd",
        config: "/etc/k0s/containerd.toml",
    },
    Distribution {
        whose: "host-containerd (Bottlerocket)",
        root: "/var/lib/host-containerd",
        state: "/run/host-containerd",
        config: "/etc/host-containerd/config.toml",
    },
    Distribution {
        whose: "kind or minikube (volume)",
        root: "/var/lib/docker/volumes/*/_data/lib/containerd",
        state: "/run/containerd",
        config: "/etc/containerd/config.toml",
    },
    Distribution {
        whose: "rootless",
        root: "/home/*/.local/share/containerd",
        state: "/run/user/*/containerd",
        config: "/home/*/.config/containerd/config.toml",
    },
    Distribution {
        whose: "rootless docker",
        root: "/home/*/.local/share/docker/containerd/daemon",
        state: "/run/user/*/docker/containerd/daemon",
        config: "",
    },
    Distribution {
        whose: "rootless (root's)",
        root: "/root/.local/share/containerd",
        state: "/run/user/0/containerd",
        config: "/root/.config/containerd/config.toml",
    },
];
