//! config.toml: what ends the daemon before it opens anything, and what costs it a plugin.
//!
//! 1.x: `services/server/config/config.go` and `services/server/server.go`; 2.x:
//! `cmd/containerd/server/config/config.go`.

use super::{Effect, Phase, StartRule, rule};
use crate::Release;

/// It is not TOML.
pub const BAD_TOML: StartRule = rule(
    "bad-toml",
    "P01",
    Phase::Config,
    Effect::Exits,
    "exits: a configuration file is not TOML",
    &[
        (Release::V1_6, "containerd: failed to load TOML"),
        (Release::V2_0, "containerd: failed to unmarshal TOML"),
    ],
);

/// A file that is named cannot be read.
pub const UNREAD_CONFIG: StartRule = rule(
    "unread-config",
    "P02",
    Phase::Config,
    Effect::Exits,
    "exits: a configuration file cannot be read",
    &[(Release::V1_6, "containerd: ")],
);

/// A FIFO in the place of a file that is named.
pub const CONFIG_WAITS: StartRule = rule(
    "config-waits",
    "P02",
    Phase::Config,
    Effect::Hangs,
    "waits without end: a configuration file is a FIFO",
    &[],
);

/// config.toml is a link that leads nowhere: that is as if there were none.
pub const CONFIG_DEFAULTS: StartRule = rule(
    "config-defaults",
    "P02",
    Phase::Config,
    Effect::FailsLater,
    "starts with what is built in: config.toml is a link that leads nowhere",
    &[],
);

/// `version` is no number.
pub const VERSION_TYPE: StartRule = rule(
    "version-type",
    "P03",
    Phase::Config,
    Effect::Exits,
    "exits: version is not a number",
    &[
        (Release::V1_6, "containerd: failed to unmarshal TOML"),
        (Release::V2_0, "containerd: failed to unmarshal TOML"),
    ],
);

/// `version` is above what the release knows.
pub const VERSION_NEWER: StartRule = rule(
    "version-newer",
    "P03",
    Phase::Config,
    Effect::Exits,
    "exits: config.toml has a version that it does not know",
    &[
        (Release::V1_7, "unsupported config version"),
        (
            Release::V2_0,
            "expected containerd config version equal to or less than",
        ),
    ],
)
.since(Release::V1_7);

/// The same, where nobody looks.
pub const VERSION_IGNORED: StartRule = rule(
    "version-ignored",
    "P03",
    Phase::Config,
    Effect::Ignores,
    "reads config.toml as its own version, and ignores the tables that it does not know",
    &[],
)
.until(Release::V1_6);

/// A plugin is named in the short form of version 1.
pub const SHORT_ID: StartRule = rule(
    "short-id",
    "P04",
    Phase::Config,
    Effect::Exits,
    "exits: a plugin is named by a short name, which only version 1 of config.toml knows",
    &[(Release::V1_6, "expect io.containerd.x.vx")],
);

/// A value of a plugin's table has the wrong type.
pub const SETTING_TYPE: StartRule = rule(
    "setting-type",
    "P05",
    Phase::Config,
    Effect::Exits,
    "exits: a value of config.toml has the wrong type",
    &[(Release::V1_6, "containerd: ")],
);

/// A duration that is none.
pub const SETTING_DURATION: StartRule = rule(
    "setting-duration",
    "P05",
    Phase::Config,
    Effect::Exits,
    "exits: a duration of config.toml is invalid",
    &[(Release::V1_6, "invalid duration")],
);

/// `root` and `state` are one.
pub const ROOT_IS_STATE: StartRule = rule(
    "root-is-state",
    "P06",
    Phase::Config,
    Effect::Exits,
    "exits: root and state are the same folder",
    &[(Release::V1_6, "root and state must be different paths")],
);

/// A plugin that must be there is not.
pub const REQUIRED_PLUGIN: StartRule = rule(
    "required-plugin",
    "P07",
    Phase::Plugins,
    Effect::Exits,
    "exits: a plugin of required_plugins is not loaded",
    &[
        (Release::V1_6, "load required plugin"),
        (Release::V2_0, "required plugin"),
    ],
);

/// meta.db's plugin is disabled.
pub const METADATA_DISABLED: StartRule = rule(
    "metadata-disabled",
    "P08",
    Phase::Plugins,
    Effect::StaysDead,
    "starts without its metadata plugin, which config.toml disables: every API is unimplemented",
    &[(
        Release::V1_6,
        "no plugins registered for io.containerd.metadata.v1",
    )],
);

/// `content_sharing_policy` is unknown.
pub const SHARING_POLICY: StartRule = rule(
    "sharing-policy",
    "P09",
    Phase::Plugins,
    Effect::StaysDead,
    "starts without its metadata plugin: it does not know the content_sharing_policy",
    &[(Release::V1_6, "unknown policy")],
);

/// The CRI's snapshotter is not there.
pub const SNAPSHOTTER_UNKNOWN: StartRule = rule(
    "snapshotter-unknown",
    "P10",
    Phase::Plugins,
    Effect::LosesCri,
    "starts without the CRI: there is no snapshotter of the name that config.toml gives it",
    &[(Release::V1_6, "failed to find snapshotter")],
);

/// The CRI's table contradicts itself.
pub const CRI_SETTINGS: StartRule = rule(
    "cri-settings",
    "P11",
    Phase::Plugins,
    Effect::LosesCri,
    "starts without the CRI: its part of config.toml is refused",
    &[(Release::V1_6, "invalid plugin config")],
);

/// The CRI is disabled, and somebody needs it.
pub const CRI_DISABLED: StartRule = rule(
    "cri-disabled",
    "P41",
    Phase::Plugins,
    Effect::LosesCri,
    "starts without the CRI: disabled_plugins of config.toml names it",
    &[],
);

/// The same, where only records tell that there were pods.
pub const PODS_UNSERVED: StartRule = rule(
    "pods-unserved",
    "P41",
    Phase::Plugins,
    Effect::Skips,
    "serves no pod: disabled_plugins of config.toml names the CRI, and there are records of pods",
    &[],
);

/// Mirrors of registries, and no config_path, which 2.2 then set itself.
pub const MIRRORS_BESIDE_DEFAULT: StartRule = rule(
    "mirrors-beside-default",
    "P11",
    Phase::Plugins,
    Effect::LosesCri,
    "starts without the CRI: config.toml has registry.mirrors, beside which 2.2.0 and 2.2.1 set a \
     config_path of their own",
    &[(
        Release::V2_2,
        "`mirrors` cannot be set when `config_path` is provided",
    )],
)
.untested()
.since(Release::V2_2)
.until(Release::V2_2)
.named("2.2.0, 2.2.1");

/// Settings that a release does not have any more.
pub const SETTINGS_GONE: StartRule = rule(
    "settings-gone",
    "P42",
    Phase::Config,
    Effect::Ignores,
    "ignores settings of config.toml that this release does not have any more",
    &[(Release::V2_0, "Ignoring unknown key in TOML for plugin")],
)
.since(Release::V2_0);

/// The shim of the runtime that pods get is no part of the release.
pub const DEFAULT_RUNTIME_GONE: StartRule = rule(
    "default-runtime-gone",
    "G19",
    Phase::Later,
    Effect::FailsLater,
    "makes no pod: this release has no shim for the runtime that config.toml gives them",
    &[(Release::V2_0, "binary not installed")],
)
.since(Release::V2_0);

/// The same, of containers that are there.
pub const RUNTIMES_GONE: StartRule = rule(
    "runtimes-gone",
    "G19",
    Phase::Later,
    Effect::FailsLater,
    "cannot start containers of a runtime that this release no longer has",
    &[(Release::V2_0, "binary not installed")],
)
.since(Release::V2_0);

/// Tables that nobody looks at.
pub const TABLE_IGNORED: StartRule = rule(
    "table-ignored",
    "P12",
    Phase::Config,
    Effect::Ignores,
    "starts without what config.toml says of a plugin: the table has the plugin's name in another \
     version of the file",
    &[],
);

/// Settings of the CRI's table `containerd`, without a runtime beside them.
pub const SETTING_FORGOTTEN: StartRule = rule(
    "setting-forgotten",
    "P54",
    Phase::Config,
    Effect::Ignores,
    "takes the built-in value for a setting of config.toml: it migrates the CRI's table `containerd` only where that has a \
     table `runtimes`",
    &[],
)
.since(Release::V2_0);

/// `debug.level` or `debug.format` is none.
pub const LOG_SETTINGS: StartRule = rule(
    "log-settings",
    "P13",
    Phase::Config,
    Effect::Exits,
    "exits: it does not know the level or the format of its log",
    &[(Release::V1_6, "containerd: ")],
);

/// It cannot listen where it should.
pub const LISTENER: StartRule = rule(
    "listener",
    "P14",
    Phase::Tasks,
    Effect::Exits,
    "exits: it cannot listen at an address of config.toml",
    &[(Release::V1_6, "failed to get listener for")],
);

/// The certificates for TCP are not there.
pub const TLS_FILES: StartRule = rule(
    "tls-files",
    "P15",
    Phase::Places,
    Effect::Exits,
    "exits: the certificate or the key for its TCP address cannot be loaded",
    &[(Release::V1_6, "containerd: ")],
);

/// The streaming server cannot listen.
pub const STREAM_SERVER: StartRule = rule(
    "stream-server",
    "P16",
    Phase::Cri,
    Effect::Exits,
    "exits: the CRI's streaming server cannot listen where config.toml says",
    &[(Release::V1_6, "Failed to run CRI service")],
);

/// NRI cannot begin.
pub const NRI: StartRule = rule(
    "nri",
    "P43",
    Phase::Cri,
    Effect::Exits,
    "exits: NRI cannot be started, and the CRI does not go on without it",
    &[(Release::V1_7, "failed to set up NRI for CRI service")],
)
.since(Release::V1_7);

/// A period of nothing.
pub const STATS_PERIOD: StartRule = rule(
    "stats-period",
    "P17",
    Phase::Plugins,
    Effect::Panics,
    "panics: stats_collect_period is 0 or less",
    &[(Release::V1_6, "non-positive interval for NewTicker")],
);

/// A plugin that the CRI needs is not loaded.
pub const CRI_NEEDS: StartRule = rule(
    "cri-needs",
    "P18",
    Phase::Plugins,
    Effect::LosesCri,
    "starts without the CRI: config.toml costs it a plugin that the CRI needs",
    &[(Release::V1_6, "failed to load plugin")],
);

/// A plugin that is refused its settings.
pub const PLUGIN_LOST: StartRule = rule(
    "plugin-lost",
    "P19",
    Phase::Plugins,
    Effect::LosesPlugin,
    "starts without a plugin that config.toml configures: its settings are refused",
    &[(Release::V1_6, "failed to load plugin")],
);

/// Two plugins of one name.
pub const PLUGIN_TWICE: StartRule = rule(
    "plugin-twice",
    "P28",
    Phase::Plugins,
    Effect::Panics,
    "panics: a proxy plugin has the name of one that is built in",
    &[(Release::V1_6, "id already registered")],
);

/// A proxy plugin of a type that there is not.
pub const PROXY_TYPE: StartRule = rule(
    "proxy-type",
    "P45",
    Phase::Config,
    Effect::Panics,
    "panics: a proxy plugin has no type that this release knows",
    &[(Release::V1_6, "panic: plugin: no type")],
);

/// The unit gives it an option that it does not take.
pub const UNIT_OPTION: StartRule = rule(
    "unit-option",
    "P46",
    Phase::Config,
    Effect::Exits,
    "exits: its unit gives it an option that it does not know",
    &[(Release::V1_6, "flag provided but not defined")],
);

/// dockerd, which starts it, ends before that.
pub const DOCKER_SETTINGS: StartRule = rule(
    "docker-settings",
    "P55",
    Phase::Config,
    Effect::Exits,
    "exits: dockerd, which starts it, refuses daemon.json",
    &[(
        Release::V1_6,
        "unable to configure the Docker daemon with file",
    )],
);

/// k3s or rke2 ends before it starts containerd.
pub const REGISTRIES_YAML: StartRule = rule(
    "registries-yaml",
    "P58",
    Phase::Config,
    Effect::Exits,
    "exits: what starts it refuses registries.yaml",
    &[],
);

/// dockerd takes another process for it, and starts none.
pub const DOCKER_PID: StartRule = rule(
    "docker-pid",
    "P56",
    Phase::Config,
    Effect::Exits,
    "exits: dockerd, which starts it, takes another process for it or for itself",
    &[(Release::V1_6, "is still running")],
);

/// systemd does not start it, or what must succeed before it fails.
pub const UNIT_NOT_STARTED: StartRule = rule(
    "unit-not-started",
    "P47",
    Phase::Config,
    Effect::Exits,
    "exits: systemd does not start it, because of its unit",
    &[(Release::V1_6, "")],
)
.untested();

/// The unit runs it as another user than root.
pub const UNIT_USER: StartRule = rule(
    "unit-user",
    "P48",
    Phase::Places,
    Effect::Exits,
    "exits: its unit does not run it as root",
    &[(Release::V1_6, "containerd: ")],
);

/// A disabled plugin that every API needs.
pub const API_NEEDS: StartRule = rule(
    "api-needs",
    "P29",
    Phase::Plugins,
    Effect::StaysDead,
    "starts, and answers nothing: config.toml disables a plugin that its services need",
    &[(Release::V1_6, "failed to load plugin")],
);

/// `root` is another folder than that in which the stores are.
pub const ROOT_ELSEWHERE: StartRule = rule(
    "root-elsewhere",
    "P25",
    Phase::Places,
    Effect::FailsLater,
    "starts on another root than that of these stores: it sees no image and no container of theirs",
    &[],
);

/// What is found at root is the folder below a disk, or an empty one.
pub const ROOT_BELOW: StartRule = rule(
    "root-below",
    "P39",
    Phase::Places,
    Effect::FailsLater,
    "makes empty stores, or uses others than last time: it sees no image and no container of the \
     node's",
    &[],
);

/// `root` or `state` is relative.
pub const RELATIVE_PLACE: StartRule = rule(
    "relative-place",
    "P26",
    Phase::Places,
    Effect::FailsLater,
    "starts in a folder that depends on its working directory: root or state is relative",
    &[],
);

/// systemd is told not to start it.
pub const UNIT_MASKED: StartRule = rule(
    "unit-masked",
    "P30",
    Phase::Config,
    Effect::Exits,
    "exits: systemd never starts it, because its unit is masked",
    &[(Release::V1_6, "is masked")],
)
.untested();

/// A program of the unit that is not there.
pub const UNIT_PROGRAM: StartRule = rule(
    "unit-program",
    "P31",
    Phase::Config,
    Effect::Exits,
    "exits: its unit starts a program that is not there",
    &[(Release::V1_6, "No such file or directory")],
)
.untested();

/// What config.toml says of a runtime is refused when a pod is made for it.
pub const RUNTIME_REFUSED: StartRule = rule(
    "runtime-refused",
    "P51",
    Phase::Later,
    Effect::FailsLater,
    "makes no pod of a runtime: what config.toml says of it is refused",
    &[],
);

/// A limit on messages that answers exceed.
pub const MESSAGE_SIZE: StartRule = rule(
    "message-size",
    "P52",
    Phase::Later,
    Effect::FailsLater,
    "refuses messages that are larger than grpc of config.toml says",
    &[(Release::V1_6, "message larger than max")],
);

/// A file of the machine that every pod gets a copy of.
pub const HOST_FILE: StartRule = rule(
    "host-file",
    "P53",
    Phase::Later,
    Effect::FailsLater,
    "makes no pod: a file of the machine that it copies for each pod is not there",
    &[(Release::V1_6, "failed to setup sandbox files")],
);

/// Every rule of this step.
pub(super) const ALL: &[StartRule] = &[
    BAD_TOML,
    UNREAD_CONFIG,
    CONFIG_WAITS,
    CONFIG_DEFAULTS,
    VERSION_TYPE,
    VERSION_NEWER,
    VERSION_IGNORED,
    SHORT_ID,
    SETTING_TYPE,
    SETTING_DURATION,
    ROOT_IS_STATE,
    REQUIRED_PLUGIN,
    METADATA_DISABLED,
    SHARING_POLICY,
    SNAPSHOTTER_UNKNOWN,
    CRI_SETTINGS,
    CRI_DISABLED,
    PODS_UNSERVED,
    MIRRORS_BESIDE_DEFAULT,
    SETTINGS_GONE,
    DEFAULT_RUNTIME_GONE,
    RUNTIMES_GONE,
    TABLE_IGNORED,
    SETTING_FORGOTTEN,
    LOG_SETTINGS,
    LISTENER,
    TLS_FILES,
    STREAM_SERVER,
    NRI,
    STATS_PERIOD,
    CRI_NEEDS,
    PLUGIN_LOST,
    PLUGIN_TWICE,
    PROXY_TYPE,
    UNIT_OPTION,
    DOCKER_SETTINGS,
    DOCKER_PID,
    REGISTRIES_YAML,
    UNIT_NOT_STARTED,
    UNIT_USER,
    API_NEEDS,
    ROOT_ELSEWHERE,
    ROOT_BELOW,
    RELATIVE_PLACE,
    UNIT_MASKED,
    UNIT_PROGRAM,
    RUNTIME_REFUSED,
    MESSAGE_SIZE,
    HOST_FILE,
];
