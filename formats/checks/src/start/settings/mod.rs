//! config.toml: faults that end the daemon, and plugins that it costs.

mod cri;
mod cri_outside;
mod duration;
mod listeners;
mod needs;
mod nri;
mod plugins;
mod runtimes;
mod snapshotter;
mod types;

use daemon::Release;
use daemon::start as rules;
use finding::{Location, Object, Text, Unread};
use node::config::ConfigFault;
use node::{Scalar, Setting};
use view::Span;

pub(super) use cri::{chosen_snapshotter, default_runtime_type};
pub(crate) use duration::is_duration;
pub(super) use listeners::listeners;
pub(super) use plugins::{CRI, decoded, is_disabled, plugins, required};
pub(super) use snapshotter::refused as snapshotters;

use super::Target;
use super::run::{Flow, Run};
use crate::part::Part;

/// Reads the configuration as the daemon would.
pub(super) fn read_settings(run: &mut Run<'_>) -> Flow {
    faults(run)?;
    version(run)?;
    types::top(run)?;
    short_ids(run)?;
    log(run)?;
    ignored(run);
    types::unknown(run);
    let root = run
        .settings
        .text_setting(&["root"])
        .unwrap_or("/var/lib/containerd");
    let state = run
        .settings
        .text_setting(&["state"])
        .unwrap_or("/run/containerd");
    // Other distributions say both on the command line, and so may a unit.
    let unit = run.node.roots.unit.as_ref();
    let by_unit = unit.is_some_and(|unit| unit.root().is_some() || unit.state().is_some());
    if root == state && run.node.roots.whose == "containerd" && !by_unit {
        let at = place(run, &["state"]);
        run.say(run.statement(&rules::ROOT_IS_STATE).at(at))?;
    }
    needs::proxy_type(run)?;
    listeners::before(run)
}

pub(super) fn place(run: &Run<'_>, path: &[&str]) -> Location {
    run.settings.get(path).map(located).unwrap_or_default()
}

fn located(setting: &Setting) -> Location {
    let file = Location::file(setting.file.clone());
    let at = match setting.line {
        Some(line) => file.place("line", line.to_string()),
        None => file,
    };
    at.place("key", setting.keys().join("."))
}

/// ` (it is "nvidia")`: what a setting says, where that is one value.
fn value_of(run: &Run<'_>, at: &Location) -> String {
    let mut all = run.settings.all().iter().rev();
    let found = all.find(|setting| located(setting) == *at);
    let value = found.and_then(|setting| setting.value.shown());
    value.map_or_else(String::new, |value| format!(" (it is {value})"))
}

fn faults(run: &mut Run<'_>) -> Flow {
    let config = run.node.roots.config.as_ref();
    let code = "config/unusable";
    for fault in config.map_or(&[][..], |config| &config.faults) {
        let statement = match fault {
            // What we may not read, the daemon, which is root, may; and what is too large for us it takes.
            ConfigFault::Unread {
                file,
                unread:
                    Unread::Denied | Unread::NotCollected | Unread::NoRoom | Unread::TooLarge { .. },
            } => {
                run.undecided.push(format!("{file} could not be read"));
                continue;
            }
            ConfigFault::Unread {
                file,
                unread: Unread::Special("fifo"),
            } => {
                let rule = run.statement(&rules::CONFIG_WAITS);
                rule.at(Location::file(file.clone()))
            }
            // Of an import, the file that names it was read.
            ConfigFault::Unread {
                file,
                unread: Unread::Dangling(_),
            } if run.settings.all().is_empty() => {
                let rule = run.statement(&rules::CONFIG_DEFAULTS);
                rule.at(Location::file(file.clone()))
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
    encodings(run)
}

/// Bytes that only some releases take: 2.x reads nothing but UTF-8 without a mark before it.
fn encodings(run: &mut Run<'_>) -> Flow {
    let config = run.node.roots.config.as_ref();
    for (file, encoding) in config.into_iter().flat_map(|config| &config.encodings) {
        let at = u64::try_from(encoding.at()).unwrap_or(u64::MAX);
        let location = Location::file(file.clone()).span(Span::new(at, 1));
        if run.release >= Release::V2_0 {
            let does = format!("{}: it {encoding}", rules::BAD_TOML.does);
            run.say(run.statement(&rules::BAD_TOML).does(does).at(location))?;
        } else if !encoding.is_harmless() {
            let why = format!("it {encoding}: what 1.x makes of the value is not known");
            run.not_known(Part::Configuration, file.to_string(), why);
        }
    }
    Flow::Continue(())
}

/// The version of the last file that has one is the version of all of them.
fn version(run: &mut Run<'_>) -> Flow {
    let newest = run.release.config_version();
    let version = run.version;
    if version <= newest {
        return Flow::Continue(());
    }
    let config = run.node.roots.config.as_ref();
    let all = config.map_or(&[][..], |config| config.settings.all());
    let mut named = all.iter().rev();
    let at = named
        .find(|setting| setting.path == ["version"] && setting.value == Scalar::Integer(version))
        .map(located)
        .unwrap_or_default();
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
    run.say(statement.at(at))
}

/// Whether the release takes it for no plugin's name.
fn is_short(id: &str, release: Release) -> bool {
    match release {
        Release::V1_6 => id.split('.').count() < 4,
        Release::V1_7 => !id.starts_with("io.containerd.") || id.splitn(4, '.').count() < 4,
        _ => !id.contains('.'),
    }
}

fn short_ids(run: &mut Run<'_>) -> Flow {
    let is_old = run.release < Release::V2_0;
    if is_old && run.version < 2 {
        return Flow::Continue(());
    }
    let release = run.release;
    let mut found: Vec<(String, Location)> = Vec::new();
    for (key, what) in [
        ("disabled_plugins", "disabled"),
        ("required_plugins", "required"),
    ] {
        for setting in run.settings.list(key) {
            if let Scalar::List(ids) = &setting.value {
                let short = ids.iter().filter(|id| is_short(id, release));
                found.extend(short.map(|id| {
                    let says =
                        format!("invalid {what} plugin URI \"{id}\" expect io.containerd.x.vx");
                    (says, located(setting))
                }));
            }
        }
    }
    // 2.x no longer looks at the names of the tables.
    if is_old {
        let short = run.settings.plugins();
        let short = short.filter(|(_, id)| is_short(id, release));
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

/// Tables with the names of another version, and settings that the migration loses: what they say does not hold.
fn ignored(run: &mut Run<'_>) {
    for (rule, settings) in [
        (&rules::TABLE_IGNORED, &run.ignored),
        (&rules::SETTING_FORGOTTEN, &run.forgotten),
    ] {
        let Some(first) = settings.first() else {
            continue;
        };
        let names = settings.iter().map(|setting| setting.keys().join("."));
        let targets = names.map(|name| Target::new(Object::global("setting", Text::from(name))));
        let statement = run.statement(rule).at(located(first)).targets(targets);
        run.statements.push(statement);
    }
}

/// Whether the daemon takes it for a level of its log.
pub(super) fn is_level(level: &str) -> bool {
    const LEVELS: &[&str] = &[
        "trace", "debug", "info", "warn", "warning", "error", "fatal", "panic",
    ];
    LEVELS.contains(&level.to_ascii_lowercase().as_str())
}

/// The level and the format of the log.
fn log(run: &mut Run<'_>) -> Flow {
    if let Some(level) = run.settings.text_setting(&["debug", "level"]) {
        let known = is_level(level);
        if !level.is_empty() && !known {
            let says = format!("not a valid logrus Level: \"{level}\"");
            let at = place(run, &["debug", "level"]);
            run.say(run.statement(&rules::LOG_SETTINGS).says(says).at(at))?;
        }
    }
    if let Some(format) = run.settings.text_setting(&["debug", "format"])
        && !["", "text", "json"].contains(&format)
    {
        let at = place(run, &["debug", "format"]);
        run.say(run.statement(&rules::LOG_SETTINGS).at(at))?;
    }
    Flow::Continue(())
}

/// A policy that meta.db's plugin does not know.
pub(super) fn policy(run: &mut Run<'_>) -> Flow {
    let path = [
        "plugins",
        "io.containerd.metadata.v1.bolt",
        "content_sharing_policy",
    ];
    let policy = run.settings.text_setting(&path).map(str::to_owned);
    match policy.as_deref() {
        None | Some("" | "shared" | "isolated") => Flow::Continue(()),
        Some(policy) => {
            let says = format!("unknown policy: {policy}");
            let at = place(run, &path);
            run.die(run.statement(&rules::SHARING_POLICY).says(says).at(at))
        }
    }
}
