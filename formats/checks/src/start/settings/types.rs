//! The type of every value, and keys that the release does not know.

use daemon::Release;
use daemon::config::{Looked, known};
use daemon::start as rules;
use finding::{Location, Object, Text};
use node::{Scalar, Setting};

use super::duration::is_duration;
use super::located;
use super::plugins::is_disabled;
use crate::part::Part;
use crate::start::Target;
use crate::start::run::{Flow, Run};

/// What is wrong with a value, if anything is.
fn wrong(setting: &Setting, release: Release) -> Option<(bool, String)> {
    let known = known(release);
    match known.look(&setting.path, &setting.value) {
        Looked::Wrong => Some((false, String::new())),
        Looked::Duration => match &setting.value {
            Scalar::Text(text) if !is_duration(text) => {
                Some((true, format!("time: invalid duration \"{text}\"")))
            }
            _ => None,
        },
        Looked::Fits | Looked::Unknown => None,
    }
}

fn say(run: &mut Run<'_>, wrong: Vec<(Location, bool, String)>) -> Flow {
    for (at, is_duration, says) in wrong {
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

/// What is decoded when each file is read: all but the tables of plugins.
pub(super) fn top(run: &mut Run<'_>) -> Flow {
    let config = run.node.roots.config.as_ref();
    let all = config.map_or(&[][..], |config| config.settings.all());
    let release = run.release;
    let found = all
        .iter()
        // The tables of plugins are decoded later; that of a plugin must be a table.
        .filter(|setting| {
            setting.path.first().is_none_or(|top| top != "plugins")
                || setting.path.len() <= 2 && setting.value != Scalar::Table
        })
        .filter_map(|setting| {
            let is_plugins = setting.path.first().is_some_and(|top| top == "plugins");
            let (is_duration, says) = if is_plugins {
                (false, String::new())
            } else {
                wrong(setting, release)?
            };
            Some((located(setting), is_duration, says))
        })
        .collect();
    say(run, found)?;
    let timeouts = run.settings.all().iter();
    let timeouts = timeouts.filter_map(|setting| match setting.below(&["timeouts"]) {
        Some([_]) => match &setting.value {
            Scalar::Text(text) if !is_duration(text) => {
                let says = format!("unable to parse {text} into a time duration");
                Some((located(setting), true, says))
            }
            _ => None,
        },
        _ => None,
    });
    let found = timeouts.collect();
    say(run, found)
}

/// What is decoded when the plugins are loaded: the tables of those that are not disabled.
pub(super) fn plugins(run: &mut Run<'_>) -> Flow {
    let known = known(run.release);
    let settings = run.settings.all().iter();
    let found = settings
        .filter(|setting| match setting.path.as_slice() {
            [plugins, id, ..] => {
                plugins == "plugins" && known.has_plugin(id) && !is_disabled(run, id)
            }
            _ => false,
        })
        .filter_map(|setting| {
            let (is_duration, says) = wrong(setting, run.release)?;
            Some((located(setting), is_duration, says))
        })
        .collect();
    say(run, found)
}

/// Plugins with settings that come with other builds of containerd.
fn is_of_another_build(id: &str) -> bool {
    ["stargz", "fuse-overlayfs", "soci", "nydus"]
        .iter()
        .any(|name| id.strip_prefix("io.containerd.snapshotter.v1.") == Some(name))
}

/// Keys and plugins that the release does not know: it ignores them, if it is as it was built by the
/// distribution that was asked; so it cannot be told what they would do.
pub(super) fn unknown(run: &mut Run<'_>) {
    let known = known(run.release);
    let mut found: Vec<(String, String)> = Vec::new();
    let mut gone: Vec<(Location, String)> = Vec::new();
    for setting in run.settings.all() {
        let path = &setting.path;
        let parent = path.get(..path.len().saturating_sub(1)).unwrap_or_default();
        let is_plugins = path.first().is_some_and(|top| top == "plugins");
        let plugin = path.get(1).filter(|_| is_plugins);
        if let Some(id) = plugin
            && !known.has_plugin(id)
        {
            // The table of a plugin is told once; that of a disabled one is not looked at.
            if path.len() == 2 && !is_disabled(run, id) && !is_elsewhere(run, id) {
                let why = if is_of_another_build(id) {
                    "it comes with other builds of containerd than the one that is known here"
                } else {
                    "this release has no such plugin, as far as is known; then the setting has no effect"
                };
                found.push((format!("plugin {id}"), why.to_owned()));
            }
            continue;
        }
        if plugin.is_some_and(|id| is_disabled(run, id)) {
            continue;
        }
        let is_unknown =
            |path: &[String], value: &Scalar| known.look(path, value) == Looked::Unknown;
        // Of a table that is unknown, what is in it is not told again.
        if is_unknown(path, &setting.value)
            && (parent.is_empty() || !is_unknown(parent, &Scalar::Table))
            && is_of_another_release(setting.keys(), &setting.value, Release::V2_0)
            && run.release >= Release::V2_0
        {
            // What was there before 2.0; of a table its keys are looked at.
            let below = |other: &&Setting| other.path.starts_with(path) && says_something(other);
            let all = run.settings.all().iter().filter(below);
            gone.extend(all.map(|it| (located(it), it.keys().join("."))));
        } else if is_unknown(path, &setting.value)
            && (parent.is_empty() || !is_unknown(parent, &Scalar::Table))
            && !is_of_another_release(path, &setting.value, run.release)
        {
            let why = "no rule covers this key of config.toml; a release that does not know it \
                       ignores it";
            found.push((setting.keys().join("."), why.to_owned()));
        }
    }
    for (name, why) in found {
        run.not_known(Part::Configuration, name, why);
    }
    if let Some((at, _)) = gone.first().cloned() {
        let names: Vec<Text> = gone
            .iter()
            .map(|(_, name)| Text::from(name.as_str()))
            .collect();
        let targets = names.into_iter();
        let targets = targets.map(|name| Target::new(Object::global("setting", name)));
        let statement = run.statement(&rules::SETTINGS_GONE).at(at);
        run.note(statement.targets(targets));
    }
}

/// Whether a setting is more than what a daemon takes without it: 0, false, an empty text or list.
fn says_something(setting: &Setting) -> bool {
    match &setting.value {
        Scalar::Text(text) => !text.is_empty(),
        Scalar::Integer(number) => *number != 0,
        Scalar::Bool(flag) => *flag,
        Scalar::List(list) => !list.is_empty(),
        Scalar::Table => false,
        Scalar::Float(_) | Scalar::Others(_) | Scalar::Time => true,
    }
}

/// Whether another release is known to have the key: then this one ignores it.
fn is_of_another_release(path: &[String], value: &Scalar, release: Release) -> bool {
    let others = [Release::V1_6, Release::V1_7, Release::V2_1];
    // 2.0 stands for all of 2.x.
    let is_other = |other: &Release| match release {
        Release::V2_0 => *other < release,
        _ => *other != release,
    };
    let mut others = others.into_iter().filter(is_other);
    others.any(|other| known(other).look(path, value) != Looked::Unknown)
}

/// Whether another release has the plugin.
fn is_elsewhere(run: &Run<'_>, id: &str) -> bool {
    let others = [Release::V1_6, Release::V1_7, Release::V2_1];
    let mut others = others.into_iter().filter(|other| *other != run.release);
    others.any(|other| known(other).has_plugin(id))
}
