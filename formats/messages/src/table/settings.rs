//! containerd's settings: config.toml and what the plugins make of it.

use super::{JOURNAL, PLUGINS, PREFLIGHT};
use crate::message::Component::{Containerd, Cri, Systemd};
use crate::message::Whose::{Kernel, Nobody, Settings};
use crate::message::{Message, act, cause};

pub(super) const ALL: &[Message] = &[
    cause(
        "config-unreadable",
        Containerd,
        Settings,
        &[
            "failed to load TOML from {}",
            "failed to load TOML",
            "failed to unmarshal TOML",
            "failed to load config", "containerd: open {path}.toml: no such file or directory",],
        "config.toml cannot be read, and the daemon exits with status 1. The rest of the line says where \
         it is wrong; a file that is imported counts, too.",
    )
    .wraps(&[])
    .codes(&["config/unusable"])
    .first(&["containerd config dump > /dev/null", PREFLIGHT]),
    cause(
        "config-syntax",
        Containerd,
        Settings,
        &[
            "({n}, {n}){rest}",
            "toml{}",
            "was expecting token {}",
            "invalid TOML syntax",
        ],
        "config.toml is no TOML at the place that the line names: a quote, a bracket or a table's head.",
    )
    .within(&["toml", "was expecting token", "containerd", "strict mode"])
    .unless(&["keys cannot contain {", "hosts.toml", "certs.d", "kubelet", "json"])
    .codes(&["config/unusable"])
    .first(&["containerd config dump > /dev/null"]),
    cause(
        "config-is-template",
        crate::Component::Containerd,
        crate::Whose::Settings,
        &["({n}, {n}): parsing error: keys cannot contain { character", "({n}, {n}){rest}keys cannot contain {rest}"],
        "The file that was read as TOML is a template (config.toml.tmpl of k3s or RKE2): the program that says it was pointed at the template instead of the file that is made from it.",
    )
    .first(&["head -n 5 /var/lib/rancher/k3s/agent/etc/containerd/config.toml /var/lib/rancher/rke2/agent/etc/containerd/config.toml"]),
    cause(
        "config-duplicate",
        Containerd,
        Settings,
        &[
            "the following key was already defined{rest}",
            "duplicated tables",
            "key {} is already defined{rest}",
            "toml: table {} already exists",
            "toml: key {} is already defined{rest}",
        ],
        "config.toml has a table or a key twice: often a tool appended a section that is there \
         already.",
    )
    .certain()
    .codes(&["config/unusable"])
    .first(&["containerd config dump > /dev/null"]),
    cause(
        "config-plugin-id",
        Containerd,
        Settings,
        &[
            "invalid disabled plugin URI {q} expect io.containerd.x.vx",
            "invalid required plugin URI {q} expect io.containerd.x.vx",
            "invalid plugin key URI {q} expect io.containerd.x.vx",
            "invalid plugin URI {q} expect io.containerd.x.vx",
        ],
        "config.toml has version 2 or later and names a plugin by its short, old name. The daemon exits \
         with status 1.",
    )
    .within(&["plugin"])
    .certain()
    .codes(&["config/unusable"])
    .first(&[PREFLIGHT]),
    cause(
        "config-version",
        Containerd,
        Settings,
        &[
            "unsupported config version `{n}`",
            "expected containerd config version equal to or less than `{n}`, got `{n}`",
            "drop-in config version {n} higher than root config version {n}",
            "containerd config version `{n}` is not supported{rest}",
        ],
        "config.toml was written for a newer release than this daemon: after a downgrade, or with a \
         default written by another binary.",
    )
    .certain()
    .codes(&["config/unusable"])
    .first(&["containerd --version", PREFLIGHT]),
    cause(
        "config-version-old",
        Containerd,
        Nobody,
        &[
            "containerd config version `{n}` has been deprecated and will be {rest}",
            "Configuration migrated from version {n}, use `containerd config migrate` to avoid migration",
            "deprecated version {rest}",
        ],
        "A note: config.toml has an old version and is converted in memory at each start. Nothing is wrong.",
    )
    .certain(),
    cause(
        "config-unknown-key",
        Containerd,
        Settings,
        &[
            "Ignoring unknown key in TOML{}",
            "Ignoring unknown key in TOML for plugin{}",
            "strict mode: fields in the document are missing in the target struct",
        ],
        "A setting has no effect: the release does not know the key at that place. After an upgrade \
         to 2.x a setting is often still under the plugin's old name.",
    )
    .certain()
    .first(&["containerd config dump"]),
    cause(
        "config-root-is-state",
        Containerd,
        Settings,
        &["root and state must be different paths", "root must be specified", "state must be specified"],
        "config.toml gives root and state the same folder, or none. The daemon exits.",
    )
    .certain()
    .codes(&["config/unusable"]),
    cause(
        "config-duration",
        Containerd,
        Settings,
        &[
            "time: invalid duration {q}",
            "time: missing unit in duration {q}",
            "time: unknown unit {q} in duration {q}",
            "unable to parse {} into a time duration",
            "invalid duration {}",
        ],
        "A setting that is a time has no unit, or another one than s, m or h.",
    )
    .certain()
    .codes(&["config/unusable"])
    .first(&[PREFLIGHT]),
    cause(
        "config-policy",
        Containerd,
        Settings,
        &["unknown policy: {}", "unknown policy"],
        "content_sharing_policy of the metadata plugin is neither shared nor isolated: meta.db is not opened, \
         and no API works.",
    )
    .certain()
    .first(&[PREFLIGHT]),
    cause(
        "required-plugin",
        Containerd,
        Settings,
        &[
            "load required plugin {}",
            "required plugin",
            "required plugin {} not included",
            "failed to load required plugin{}",
        ],
        "A plugin that config.toml requires is disabled, or does not exist, or failed: the daemon \
         exits.",
    )
    .certain()
    .first(&[PREFLIGHT, JOURNAL]),
    cause(
        "cri-settings",
        Cri,
        Settings,
        &[
            "invalid plugin config",
            "invalid cri image config",
            "invalid cri runtime config",
            "invalid plugin config: {}",
        ],
        "The CRI plugin refuses its settings and is not loaded: containerd runs, and kubelet finds no \
         runtime. The rest of the line names the setting.",
    )
    .certain()
    .first(&[PREFLIGHT, PLUGINS]),
    cause(
        "cri-mirrors-and-config-path",
        Cri,
        Settings,
        &[
            "`mirrors` cannot be set when `config_path` is provided",
            "`configs.tls` cannot be set when `config_path` is provided",
        ],
        "The registry is configured both in config.toml (mirrors, configs.tls) and in a folder \
         (config_path). The CRI plugin is not loaded.",
    )
    .certain()
    .first(&[PREFLIGHT]),
    cause(
        "cri-systemd-cgroup",
        Cri,
        Settings,
        &["`systemd_cgroup` only works for runtime io.containerd.runtime.v1.linux"],
        "The setting belongs to a runtime that is gone: use SystemdCgroup in the options of the runtime runc. \
         The CRI plugin is not loaded.",
    )
    .certain()
    .first(&[PREFLIGHT]),
    cause(
        "cri-no-default-runtime",
        Cri,
        Settings,
        &[
            "no corresponding runtime configured in `containerd.runtimes` for {rest}",
            "no corresponding runtime configured in `containerd.runtimes`{rest}",
            "`default_runtime_name` is empty",
            "`containerd.runtimes` is empty",
        ],
        "The default runtime of the CRI plugin is not among its runtimes. The CRI plugin is not loaded.",
    )
    .certain()
    .first(&[PREFLIGHT, "containerd config dump"]),
    cause(
        "cri-no-such-runtime",
        Cri,
        Settings,
        &[
            "no runtime for {q} is configured",
            "no runtime handler {q} is configured",
            "failed to get sandbox runtime: no runtime for {q} is configured",
            "RuntimeHandler {q} not supported",
            "runtime {q} is not supported{}",
        ],
        "The pod's RuntimeClass names a handler that is not among the CRI plugin's runtimes on this node: \
         an installer did not write it, wrote it under the plugin's old name, or containerd was not \
         restarted.",
    )
    .codes(&["cri/runtime-handler-unknown"])
    .certain()
    .first(&["containerd config dump", "kubectl get runtimeclass -o yaml"]),
    cause(
        "cri-no-snapshotter",
        Cri,
        Settings,
        &[
            "failed to find snapshotter {q}",
            "snapshotter {} not found",
            "snapshotter {q} was not found",
            "snapshotter {q} not found",
        ],
        "The CRI plugin's snapshotter does not exist, is disabled or failed at the start. The CRI plugin is \
         not loaded.",
    )
    .certain()
    .codes(&["container/snapshotter-unknown"])
    .first(&["ctr plugins ls | grep snapshotter", PREFLIGHT]),
    cause(
        "cri-version-old",
        Cri,
        Settings,
        &["unknown service runtime.RuntimeService", "unknown service runtime.ImageService"],
        "Whoever asks speaks the first version of the CRI (v1alpha1, kubelet before 1.10), and the runtime a later one: their \
         releases do not fit.",
    )
    .first(&["kubelet --version; containerd --version"]),
    cause(
        "cri-disabled",
        Cri,
        Settings,
        &[
            "unknown service runtime.v1.RuntimeService",
            "unknown service runtime.v1alpha2.RuntimeService",
            "unknown service runtime.v1.ImageService",
            "unknown service runtime.v1alpha2.ImageService",
            "CRI v1 runtime API is not implemented for endpoint {q}",
            "CRI v1 image API is not implemented for endpoint {q}",
            "unknown service api.v1.CRIPluginService",
        ],
        "A containerd answers at that socket, and its CRI plugin is not loaded: disabled in config.toml (the \
         packages of docker.com write disabled_plugins = [\"cri\"]), or it failed at the start. With \
         v1alpha2 it may be a containerd of 2.x, which has only v1, or a tool that asks for the old one first.",
    )
    .codes(&["start/cri-lost", "start/limps"])
    .or(&[
        "the CRI plugin failed at the start: its line says \"failed to load plugin io.containerd.grpc.v1.cri\"",
        "the release has no v1 (before 1.6), or no v1alpha2 (2.0 and later)",
    ])
    .first(&["ctr plugins ls | grep cri", "grep -n disabled_plugins /etc/containerd/config.toml", PREFLIGHT]),
    cause(
        "store-service-missing",
        Containerd,
        crate::Whose::Stores,
        &[
            "unknown service containerd.services.{}",
            "unknown service containerd.services.images.v1.Images",
        ],
        "The daemon is up, and its stores are not: the plugin of meta.db failed at the start, and every \
         service that needs it.",
    )
    .codes(&["store/meta-broken", "store/unreadable", "store/immutable"])
    .first(&[PLUGINS, PREFLIGHT]),
    act(
        "plugin-failed",
        Containerd,
        crate::Whose::Daemon,
        &[
            "failed to load plugin {}",
            "failed to load plugin",
        ],
        "A plugin could not be loaded; its error says why. The daemon continues without the plugin, and without all \
         that need it.",
    )
    .codes(&["store/meta-broken", "store/unreadable"])
    .or(&["for btrfs, zfs, devmapper, aufs, blockfile: they are not set up, and nothing is wrong"])
    .first(&[PLUGINS, PREFLIGHT]),
    cause(
        "plugin-skipped",
        Containerd,
        Nobody,
        &[
            "skip loading plugin {}",
            "skip loading plugin",
            "skip plugin",
            "{} must be a btrfs filesystem to be used with the btrfs snapshotter",
            "path {} must be a btrfs filesystem to be used with the btrfs snapshotter",
            "path {} ({}) must be a btrfs filesystem to be used with the btrfs snapshotter",
            "path {} must be a zfs filesystem to be used with the zfs snapshotter",
            "devmapper not configured",
            "no scratch file generator",
            "zfs not found",
            "modprobe aufs failed{rest}", "modprobe aufs failed",
            "aufs is not supported {rest}",
            "could not use snapshotter {} in metadata plugin",
            "could not use snapshotter {}",
            "EROFS unsupported, please `modprobe erofs`",
            "dependency not met",
            "no OpenTelemetry endpoint",
            "tracing endpoint not configured",
            "skipping tracing processor initialization (no tracing plugin)",
        ],
        "A snapshotter or plugin that this node is not set up for was left out. Every start says so; nothing \
         is wrong unless config.toml wants that plugin.",
    )
    .first(&["ctr plugins ls | grep snapshotter"]),
    cause(
        "cri-deprecated-setting",
        Cri,
        Nobody,
        &[
            "`mirrors` is deprecated, please use `config_path` instead",
            "`configs` is deprecated, please use `config_path` instead",
            "`auths` is deprecated, please use `ImagePullSecrets` instead",
            "`bin_dir` is deprecated, please use `bin_dirs` instead",
            "`CriuPath` is deprecated{rest}",
            "{} is deprecated since containerd v{rest}",
        ],
        "A note: a setting has a new name. It still works in this release.",
    )
    .certain(),
    cause(
        "stats-period-not-positive",
        Cri,
        Settings,
        &[
            "non-positive interval for NewTicker",
            "panic: non-positive interval for NewTicker{rest}",
        ],
        "`stats_collect_period` of the CRI plugin is 0 or less. containerd panics at each start.",
    )
    .first(&[PREFLIGHT]),
    cause(
        "plugin-id-twice",
        Containerd,
        Settings,
        &[
            "id already registered",
            "plugin: id already registered",
            "{}: plugin: id already registered",
        ],
        "A proxy plugin of config.toml has the name of a plugin that is built in. containerd panics at \
         each start.",
    )
    .first(&[PREFLIGHT]),
    cause(
        "unit-masked",
        Systemd,
        Settings,
        &["is masked", "Unit {} is masked{rest}"],
        "The unit is masked: systemd refuses to start it. A unit is masked on purpose, often before \
         a repair.",
    )
    .within(&["unit", "masked"])
    .certain()
    .first(&["systemctl status containerd"]),
    cause(
        "kernel-ping-group",
        Cri,
        Kernel,
        &["unprivileged_icmp and unprivileged_port require kernel version greater than or equal to 4.11"],
        "Two settings of the CRI plugin need a newer kernel. The CRI plugin is not loaded.",
    )
    .certain()
    .first(&["uname -r", PREFLIGHT]),
];
