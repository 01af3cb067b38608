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
    Effect::FailsLater,
    "takes config.toml for its own version, and ignores the tables that it does not know",
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
    "exits: a duration of config.toml is none",
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

/// Every rule of this step.
pub(super) const ALL: &[StartRule] = &[
    BAD_TOML,
    UNREAD_CONFIG,
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
];
