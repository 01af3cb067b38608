//! Plugins that others need: what is lost with one that is disabled, or refused its settings.

use daemon::Release;
use daemon::config::known;
use daemon::start as rules;
use finding::{Location, Object, Text};
use node::Scalar;

use super::plugins::lose;
use super::{is_disabled, place};
use crate::part::Part;
use crate::start::Target;
use crate::start::run::{Flow, Run};

/// A proxy plugin of a name that is built in: both are registered, and the second is refused.
pub(super) fn proxies(run: &mut Run<'_>) -> Flow {
    let config = run.node.roots.config.as_ref();
    let proxies = config.map(|config| &config.proxies);
    let known = known(run.release);
    let twice = proxies
        .into_iter()
        .flatten()
        .find(|name| known.has_plugin(&format!("io.containerd.snapshotter.v1.{name}")));
    match twice {
        Some(name) => {
            let at = place(run, &["proxy_plugins", name]);
            run.say(run.statement(&rules::PLUGIN_TWICE).at(at))
        }
        None => Flow::Continue(()),
    }
}

/// The types of proxy plugins that a release knows, as its own daemon took them.
fn proxy_types(release: Release) -> &'static [&'static str] {
    const ALL: &[&str] = &[
        "snapshot",
        "io.containerd.snapshotter.v1",
        "content",
        "io.containerd.content.v1",
        "diff",
        "io.containerd.differ.v1",
        "sandbox",
        "io.containerd.sandbox.controller.v1",
    ];
    let count = match release {
        Release::V1_6 => 4,
        Release::V1_7 => 6,
        _ => ALL.len(),
    };
    ALL.get(..count).unwrap_or(ALL)
}

/// A proxy plugin without a type, or of one that the release does not know.
pub(super) fn proxy_type(run: &mut Run<'_>) -> Flow {
    for name in super::cri::names(run, &["proxy_plugins"]) {
        let key = ["proxy_plugins", name.as_str(), "type"];
        let kind = run
            .settings
            .text_setting(&key)
            .unwrap_or_default()
            .to_owned();
        if proxy_types(run.release).contains(&kind.as_str()) {
            continue;
        }
        let shown = Text::from(kind.as_str());
        if run.release > Release::V2_1 && !kind.is_empty() {
            let why = "whether this release knows the type is not known; where not, it panics";
            run.not_known(Part::Plugin, format!("proxy plugin of type {shown}"), why);
            continue;
        }
        let (at, said) = match run.settings.get(&key) {
            Some(_) => (place(run, &key), format!("its type is \"{shown}\"")),
            None => (
                place(run, &["proxy_plugins", name.as_str()]),
                "it has no type".to_owned(),
            ),
        };
        let types = ["snapshot", "content", "diff", "sandbox"];
        let known = types
            .into_iter()
            .filter(|one| proxy_types(run.release).contains(one));
        let known: Vec<&str> = known.collect();
        let does = format!(
            "panics: {said}; this release knows {} for a proxy plugin",
            known.join(", ")
        );
        run.say(run.statement(&rules::PROXY_TYPE).does(does).at(at))?;
    }
    Flow::Continue(())
}

/// What becomes of a daemon without a plugin, as real starts showed.
fn without(run: &Run<'_>, what: &str) -> Vec<String> {
    let known = known(run.release);
    let without = known.without(what);
    let found = without.filter(|id| is_disabled(run, id));
    found.map(str::to_owned).collect()
}

/// Disabled plugins that every request needs.
pub(super) fn api(run: &mut Run<'_>) -> Flow {
    if !without(run, "exits").is_empty() {
        let at = place(run, &["disabled_plugins"]);
        return run.say(run.statement(&rules::REQUIRED_PLUGIN).says("").at(at));
    }
    let dead = without(run, "dead");
    let Some(id) = dead.first() else {
        return Flow::Continue(());
    };
    let at = place(run, &["disabled_plugins"]);
    let target = Target::new(Object::global("plugin", Text::from(id.as_str())));
    run.die(run.statement(&rules::API_NEEDS).at(at).target(target))
}

/// Plugins that the CRI needs: disabled, or refused their settings.
pub(super) fn cri(run: &mut Run<'_>) -> Flow {
    let disabled = without(run, "cri-dead");
    let differs = [
        "plugins",
        "io.containerd.service.v1.diff-service",
        "default",
    ];
    let bad_differ = run
        .settings
        .get(&differs)
        .is_some_and(|setting| match &setting.value {
            Scalar::List(list) => list.iter().any(|name| {
                !known(run.release).has_plugin(&format!("io.containerd.differ.v1.{name}"))
            }),
            _ => false,
        });
    let platforms = ["plugins", "io.containerd.runtime.v2.task", "platforms"];
    let bad_platform = run.settings.get(&platforms).is_some_and(|setting| {
        matches!(&setting.value, Scalar::List(list) if list.iter().any(|name| !is_platform(name)))
    });
    let unpack = [
        "plugins",
        "io.containerd.transfer.v1.local",
        "unpack_config",
    ];
    let bad_unpack = run.release >= Release::V2_0 && bad_unpack(run, &unpack);
    let (id, at) = if bad_unpack {
        (
            "io.containerd.transfer.v1.local".to_owned(),
            place(run, &unpack),
        )
    } else if let Some(id) = disabled.first() {
        (id.clone(), place(run, &["disabled_plugins"]))
    } else if bad_differ {
        (
            "io.containerd.service.v1.diff-service".to_owned(),
            place(run, &differs),
        )
    } else if bad_platform {
        (
            "io.containerd.runtime.v2.task".to_owned(),
            place(run, &platforms),
        )
    } else {
        opt(run);
        return Flow::Continue(());
    };
    let target = Target::new(Object::global("plugin", Text::from(id.as_str())));
    run.lose_cri(run.statement(&rules::CRI_NEEDS).at(at).target(target))
}

/// The folder below root in which the plugin of tasks works.
pub(super) fn tasks(run: &mut Run<'_>) -> Flow {
    let id = "io.containerd.runtime.v2.task";
    let folder = run.node.roots.root.join(id);
    if !run.node.around.is_no_folder(&folder) {
        return Flow::Continue(());
    }
    let at = Location::file(node::path_text(&folder));
    let target = Target::new(Object::global("plugin", id));
    let does = "starts without the CRI: the tasks' folder below root is not a folder, and the plugin that \
        needs it fails";
    let statement = run.statement(&rules::CRI_NEEDS).does(does.to_owned());
    run.lose_cri(statement.at(at).target(target))
}

/// What 2.x unpacks by: a platform, and a snapshotter.
fn bad_unpack(run: &mut Run<'_>, key: &[&str]) -> bool {
    let Some(setting) = run.settings.get(key) else {
        return false;
    };
    if setting.value != Scalar::Table {
        let why =
            "its list of unpack_config was not looked into; where one is refused, there is no CRI";
        run.not_known(Part::Plugin, "plugin io.containerd.transfer.v1.local", why);
        return false;
    }
    let platform = run
        .settings
        .text_setting(&[key, &["platform"]].concat())
        .unwrap_or_default();
    !is_platform(platform)
}

/// `linux/amd64`, `linux/arm/v7`, `linux`.
pub(super) fn is_platform(text: &str) -> bool {
    const ONE: &[&str] = &[
        "linux", "windows", "darwin", "freebsd", "amd64", "arm64", "arm", "386", "x86_64",
        "aarch64", "ppc64le", "riscv64", "s390x", "armhf", "armel", "i386",
    ];
    let parts: Vec<&str> = text.split('/').collect();
    let plain = |part: &&str| {
        !part.is_empty()
            && part
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || b"_.-".contains(&byte))
    };
    if !parts.iter().all(plain) || parts.len() > 4 {
        return false;
    }
    parts.len() > 1 || ONE.contains(&text)
}

/// A folder for programs that cannot be made.
fn opt(run: &mut Run<'_>) {
    let id = "io.containerd.internal.v1.opt";
    let key = ["plugins", id, "path"];
    let is_bad = run
        .settings
        .text_setting(&key)
        .is_some_and(|path| run.node.around.is_named_taken(path));
    if is_bad && run.release >= Release::V1_6 {
        let at = place(run, &key);
        lose(run, id, at);
    }
}
