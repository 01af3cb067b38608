//! config.toml: faults that end the daemon, and plugins that it costs.

mod cri;
mod duration;
mod plugins;
mod types;

use daemon::Release;
use daemon::start as rules;
use finding::{Location, Unread};
use node::config::ConfigFault;
use node::{Scalar, Setting};
use view::Span;

pub(super) use cri::chosen_snapshotter;
pub(super) use plugins::{CRI, is_disabled, plugins, required};

use super::run::{Flow, Run};

/// Reads the configuration as the daemon would.
pub(super) fn read(run: &mut Run<'_>) -> Flow {
    faults(run)?;
    version(run)?;
    short_ids(run)?;
    types::decoded(run)?;
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
