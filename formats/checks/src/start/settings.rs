//! config.toml: faults that end the daemon, and plugins that it costs.

use daemon::Release;
use daemon::start as rules;
use finding::{Location, Object, Text, Unread};
use node::config::ConfigFault;
use node::{Scalar, Setting};
use view::Span;

use super::Target;
use super::run::{Flow, Run};

/// Reads the configuration as the daemon would.
pub(super) fn read(run: &mut Run<'_>) -> Flow {
    faults(run)?;
    version(run)?;
    short_ids(run)?;
    types(run)?;
    let config = run.node.roots.config.as_ref();
    if let Some((Some(root), Some(state))) = config.map(|config| (&config.root, &config.state))
        && root == state
    {
        let at = place(run, &["state"]);
        run.say(run.statement(&rules::ROOT_IS_STATE).at(at))?;
    }
    Flow::Continue(())
}

fn place(run: &Run<'_>, path: &[&str]) -> Location {
    run.settings.get(path).map(located).unwrap_or_default()
}

fn located(setting: &Setting) -> Location {
    Location::file(setting.file.clone()).place("key", setting.path.join("."))
}

fn faults(run: &mut Run<'_>) -> Flow {
    let config = run.node.roots.config.as_ref();
    let code = "config/unusable";
    for fault in config.map_or(&[][..], |config| &config.faults) {
        let statement = match fault {
            // What we may not read, the daemon, which is root, may.
            ConfigFault::Unread {
                file,
                unread: Unread::Denied | Unread::NotCollected,
            } => {
                run.undecided.push(format!("{file} could not be read"));
                continue;
            }
            ConfigFault::Unread { file, unread } => {
                let why = match unread {
                    Unread::Absent | Unread::Dangling(_) => {
                        format!("open {file}: no such file or directory")
                    }
                    Unread::Special("directory") => format!("{file}: is a directory"),
                    _ => String::new(),
                };
                let rule = run.statement(&rules::UNREAD_CONFIG).says(why);
                rule.at(Location::file(file.clone()))
            }
            ConfigFault::Syntax { file, at, .. } => {
                let mut location = Location::file(file.clone());
                if let Some(at) = at.and_then(|at| u64::try_from(at).ok()) {
                    location = location.span(Span::new(at, 1));
                }
                run.statement(&rules::BAD_TOML).at(location)
            }
            ConfigFault::Type { file, key, .. } => {
                let rule = if *key == "version" {
                    &rules::VERSION_TYPE
                } else {
                    &rules::SETTING_TYPE
                };
                let location = Location::file(file.clone()).place("key", *key);
                run.statement(rule).at(location)
            }
        };
        run.say(statement.code(code))?;
    }
    Flow::Continue(())
}

fn version(run: &mut Run<'_>) -> Flow {
    let newest = run.release.config_version();
    let above: Vec<(Location, i64)> = run
        .settings
        .all()
        .iter()
        .filter_map(|setting| match (setting.path.as_slice(), &setting.value) {
            ([key], Scalar::Integer(version)) if key == "version" && *version > newest => {
                Some((located(setting), *version))
            }
            _ => None,
        })
        .collect();
    for (at, version) in above {
        let statement = match run.release {
            Release::V1_6 => run.statement(&rules::VERSION_IGNORED),
            Release::V1_7 => {
                let says = format!("unsupported config version `{version}`");
                run.statement(&rules::VERSION_NEWER).says(says)
            }
            _ => {
                let says = format!(
                    "expected containerd config version equal to or less than `{newest}`, got \
                     `{version}`"
                );
                run.statement(&rules::VERSION_NEWER).says(says)
            }
        };
        run.say(statement.at(at))?;
    }
    Flow::Continue(())
}

/// Whether it is of a form that only version 1 knows.
fn is_short(id: &str) -> bool {
    id.split('.').count() < 4
}

fn short_ids(run: &mut Run<'_>) -> Flow {
    let version = run
        .node
        .roots
        .config
        .as_ref()
        .map_or(2, |config| config.version);
    if version < 2 {
        return Flow::Continue(());
    }
    let mut found: Vec<(String, Location)> = Vec::new();
    for (key, what) in [
        ("disabled_plugins", "disabled"),
        ("required_plugins", "required"),
    ] {
        for setting in run.settings.list(key) {
            if let Scalar::List(ids) = &setting.value {
                let short = ids.iter().filter(|id| is_short(id));
                found.extend(short.map(|id| {
                    let says =
                        format!("invalid {what} plugin URI \"{id}\" expect io.containerd.x.vx");
                    (says, located(setting))
                }));
            }
        }
    }
    // 2.x no longer looks at the names of the tables.
    if run.release < Release::V2_0 {
        let short = run.settings.plugins().filter(|(_, id)| is_short(id));
        found.extend(short.map(|(setting, id)| {
            let says = format!("invalid plugin key URI \"{id}\" expect io.containerd.x.vx");
            (says, located(setting))
        }));
    }
    for (says, at) in found {
        run.say(run.statement(&rules::SHORT_ID).says(says).at(at))?;
    }
    Flow::Continue(())
}

/// What a known key must hold.
#[derive(Clone, Copy, PartialEq)]
enum Want {
    Integer,
    Number,
    Duration,
    Text,
    Bool,
}

impl Want {
    fn fits(self, value: &Scalar) -> bool {
        match self {
            Self::Integer => matches!(value, Scalar::Integer(_)),
            Self::Number => matches!(value, Scalar::Integer(_) | Scalar::Float(_)),
            Self::Duration | Self::Text => matches!(value, Scalar::Text(_)),
            Self::Bool => matches!(value, Scalar::Bool(_)),
        }
    }
}

/// Keys whose value is decoded at every start, whatever else is configured.
const KEYS: &[(&str, &str, Want)] = &[
    (
        "io.containerd.gc.v1.scheduler",
        "pause_threshold",
        Want::Number,
    ),
    (
        "io.containerd.gc.v1.scheduler",
        "deletion_threshold",
        Want::Integer,
    ),
    (
        "io.containerd.gc.v1.scheduler",
        "mutation_threshold",
        Want::Integer,
    ),
    (
        "io.containerd.gc.v1.scheduler",
        "schedule_delay",
        Want::Duration,
    ),
    (
        "io.containerd.gc.v1.scheduler",
        "startup_delay",
        Want::Duration,
    ),
    (
        "io.containerd.metadata.v1.bolt",
        "content_sharing_policy",
        Want::Text,
    ),
    ("io.containerd.metadata.v1.bolt", "no_sync", Want::Bool),
    (
        "io.containerd.snapshotter.v1.overlayfs",
        "root_path",
        Want::Text,
    ),
    (
        "io.containerd.snapshotter.v1.native",
        "root_path",
        Want::Text,
    ),
    ("io.containerd.grpc.v1.cri", "sandbox_image", Want::Text),
    (
        "io.containerd.grpc.v1.cri",
        "stream_idle_timeout",
        Want::Text,
    ),
    ("io.containerd.grpc.v1.cri", "enable_selinux", Want::Bool),
    (
        "io.containerd.grpc.v1.cri",
        "max_container_log_line_size",
        Want::Integer,
    ),
];

fn types(run: &mut Run<'_>) -> Flow {
    let mut wrong: Vec<(bool, Location, String)> = Vec::new();
    for (id, key, want) in KEYS {
        let Some(setting) = run.settings.get(&["plugins", id, key]) else {
            continue;
        };
        match &setting.value {
            Scalar::Text(text) if *want == Want::Duration && !is_duration(text) => {
                let says = format!("time: invalid duration \"{text}\"");
                wrong.push((true, located(setting), says));
            }
            value if !want.fits(value) => wrong.push((false, located(setting), String::new())),
            _ => {}
        }
    }
    for setting in run.settings.all() {
        if let [table, _] = setting.path.as_slice()
            && table == "timeouts"
            && let Scalar::Text(text) = &setting.value
            && !is_duration(text)
        {
            let says = format!("unable to parse {text} into a time duration");
            wrong.push((true, located(setting), says));
        }
    }
    for (is_duration, at, says) in wrong {
        let rule = if is_duration {
            &rules::SETTING_DURATION
        } else {
            &rules::SETTING_TYPE
        };
        let mut statement = run.statement(rule).at(at);
        if !says.is_empty() {
            statement = statement.says(says);
        }
        run.say(statement)?;
    }
    Flow::Continue(())
}

/// A duration as Go writes one: `1h30m`, `100ms`, `-1.5s`, `0`.
fn is_duration(text: &str) -> bool {
    let text = text.strip_prefix(['+', '-']).unwrap_or(text);
    if text == "0" {
        return true;
    }
    let mut rest = text;
    while !rest.is_empty() {
        let number: usize = rest
            .chars()
            .take_while(|c| c.is_ascii_digit() || *c == '.')
            .map(char::len_utf8)
            .sum();
        let (digits, after) = rest.split_at_checked(number).unwrap_or((rest, ""));
        if !digits.contains(|c: char| c.is_ascii_digit()) || digits.matches('.').count() > 1 {
            return false;
        }
        let units = ["ns", "us", "\u{b5}s", "\u{3bc}s", "ms", "s", "m", "h"];
        let Some(left) = units.iter().find_map(|unit| {
            // `ms` before `m`: the longest that is followed by a digit or nothing.
            let left = after.strip_prefix(unit)?;
            let next = left.chars().next();
            next.is_none_or(|c| c.is_ascii_digit() || c == '.')
                .then_some(left)
        }) else {
            return false;
        };
        rest = left;
    }
    !text.is_empty()
}

/// The ids of a list of plugins.
fn listed(run: &Run<'_>, key: &str) -> Vec<String> {
    let lists = run.settings.list(key);
    let ids = lists.iter().filter_map(|setting| match &setting.value {
        Scalar::List(ids) => Some(ids.clone()),
        _ => None,
    });
    ids.flatten().collect()
}

/// The ids that version 1 calls by their last part.
pub(super) fn is_disabled(run: &Run<'_>, id: &str) -> bool {
    let version = run
        .node
        .roots
        .config
        .as_ref()
        .map_or(2, |config| config.version);
    listed(run, "disabled_plugins").iter().any(|disabled| {
        disabled == id || (version < 2 && id.rsplit('.').next() == Some(disabled.as_str()))
    })
}

/// The CRI's plugins: without one of them there is no CRI.
pub(super) const CRI: &[&str] = &[
    "io.containerd.grpc.v1.cri",
    "io.containerd.cri.v1.images",
    "io.containerd.cri.v1.runtime",
];

/// Snapshotters that come with the daemon.
const SNAPSHOTTERS: &[&str] = &[
    "aufs",
    "blockfile",
    "btrfs",
    "devmapper",
    "erofs",
    "native",
    "overlayfs",
    "zfs",
];

/// A required plugin that is disabled, or that there is not; `lost` says which ones failed.
pub(super) fn required(run: &mut Run<'_>, lost: impl Fn(&str) -> bool) -> Flow {
    let required = listed(run, "required_plugins");
    let proxies = run.node.roots.config.as_ref().map(|config| &config.proxies);
    for id in &required {
        let short = id.strip_prefix("io.containerd.snapshotter.v1.");
        let is_no_plugin = short.is_some_and(|name| {
            !SNAPSHOTTERS.contains(&name) && !proxies.is_some_and(|proxies| proxies.contains(name))
        });
        let says = if is_no_plugin || is_disabled(run, id) {
            format!("required plugin [{id}] not included")
        } else if lost(id) {
            format!("load required plugin {id}")
        } else {
            continue;
        };
        let at = place(run, &["required_plugins"]);
        run.say(run.statement(&rules::REQUIRED_PLUGIN).says(says).at(at))?;
    }
    Flow::Continue(())
}

/// Plugins that the configuration costs, once meta.db is open.
pub(super) fn plugins(run: &mut Run<'_>) -> Flow {
    required(run, |_| false)?;
    let disabled = CRI.iter().any(|id| is_disabled(run, id));
    if disabled {
        run.has_cri = false;
        return Flow::Continue(());
    }
    cri_table(run)?;
    snapshotter(run)
}

/// A policy that meta.db's plugin does not know.
pub(super) fn policy(run: &mut Run<'_>) -> Flow {
    let path = [
        "plugins",
        "io.containerd.metadata.v1.bolt",
        "content_sharing_policy",
    ];
    let policy = run.settings.text(&path).map(str::to_owned);
    match policy.as_deref() {
        None | Some("" | "shared" | "isolated") => Flow::Continue(()),
        Some(policy) => {
            let says = format!("unknown policy: {policy}");
            let at = place(run, &path);
            run.die(run.statement(&rules::SHARING_POLICY).says(says).at(at))
        }
    }
}

/// Where the CRI's images and runtime are configured, for a release.
fn cri_paths(run: &Run<'_>) -> (Vec<&'static str>, Vec<&'static str>) {
    let version = run
        .node
        .roots
        .config
        .as_ref()
        .map_or(2, |config| config.version);
    match (run.release >= Release::V2_0, version) {
        (true, 3..) => (
            vec!["plugins", "io.containerd.cri.v1.images"],
            vec!["plugins", "io.containerd.cri.v1.runtime"],
        ),
        (_, ..=1) => (vec!["plugins", "cri"], vec!["plugins", "cri"]),
        _ => (
            vec!["plugins", "io.containerd.grpc.v1.cri"],
            vec!["plugins", "io.containerd.grpc.v1.cri"],
        ),
    }
}

fn below<'p>(base: &[&'p str], more: &[&'p str]) -> Vec<&'p str> {
    [base, more].concat()
}

fn cri_table(run: &mut Run<'_>) -> Flow {
    let (images, runtime) = cri_paths(run);
    let mut refused: Vec<(String, Location)> = Vec::new();
    let name = below(&runtime, &["containerd", "default_runtime_name"]);
    if let Some(chosen) = run.settings.text(&name) {
        let known = chosen == "runc"
            || run
                .settings
                .get(&below(&runtime, &["containerd", "runtimes", chosen]))
                .is_some();
        if !known {
            let says = "no corresponding runtime configured in `containerd.runtimes`";
            refused.push((says.to_owned(), place(run, &name)));
        }
    }
    let config_path = below(&images, &["registry", "config_path"]);
    let mirrors = below(&images, &["registry", "mirrors"]);
    if run
        .settings
        .text(&config_path)
        .is_some_and(|path| !path.is_empty())
    {
        let count = mirrors.len();
        let has_mirror = run.settings.all().iter().any(|setting| {
            setting.path.len() > count
                && setting
                    .path
                    .iter()
                    .map(String::as_str)
                    .zip(&mirrors)
                    .all(|(a, b)| a == *b)
        });
        if has_mirror {
            let says = "`mirrors` cannot be set when `config_path` is provided";
            refused.push((says.to_owned(), place(run, &mirrors)));
        }
    }
    let idle = below(&runtime, &["stream_idle_timeout"]);
    if let Some(text) = run.settings.text(&idle).filter(|text| !is_duration(text)) {
        let says = format!("time: invalid duration \\\"{text}\\\"");
        refused.push((says, place(run, &idle)));
    }
    if let Some((says, at)) = refused.into_iter().next() {
        return run.lose_cri(run.statement(&rules::CRI_SETTINGS).says(says).at(at));
    }
    Flow::Continue(())
}

/// The snapshotter that the CRI is told to use.
pub(super) fn chosen_snapshotter(run: &Run<'_>) -> String {
    let (images, _) = cri_paths(run);
    let new = below(&images, &["snapshotter"]);
    let old = below(&images, &["containerd", "snapshotter"]);
    let chosen = run.settings.text(&old).or_else(|| run.settings.text(&new));
    chosen.unwrap_or("overlayfs").to_owned()
}

fn snapshotter(run: &mut Run<'_>) -> Flow {
    let name = chosen_snapshotter(run);
    let id = format!("io.containerd.snapshotter.v1.{name}");
    let config = run.node.roots.config.as_ref();
    let is_proxy = config.is_some_and(|config| config.proxies.contains(&name));
    let is_there = SNAPSHOTTERS.contains(&name.as_str()) || is_proxy;
    if is_there && !is_disabled(run, &id) && !run.failed.contains(&id) {
        return Flow::Continue(());
    }
    let rule = if run.failed.contains(&id) {
        &rules::CRI_SNAPSHOTTER_LOST
    } else {
        &rules::SNAPSHOTTER_UNKNOWN
    };
    let target = Target::new(Object::global("snapshotter", Text::from(name.as_str())));
    let mut statement = run.statement(rule).target(target);
    // 2.x misses the default one earlier, when it loads what pulls images.
    if run.release >= Release::V2_0 && name == "overlayfs" && is_disabled(run, &id) {
        statement = statement.says(format!("snapshotter \\\"{name}\\\" not found"));
    }
    run.lose_cri(statement)
}

#[cfg(test)]
mod tests {
    #[test]
    fn durations_are_as_go_writes_them() {
        for (text, want) in [
            ("10s", true),
            ("1h30m", true),
            ("100ms", true),
            ("1.5s", true),
            ("-1s", true),
            ("0", true),
            ("0s", true),
            ("", false),
            ("soon", false),
            ("10", false),
            ("10 s", false),
            ("1.2.3s", false),
            ("s", false),
            ("10sx", false),
        ] {
            assert_eq!(super::is_duration(text), want, "{text}");
        }
    }
}
