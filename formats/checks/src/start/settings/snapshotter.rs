//! The snapshotter that the CRI is told to use: whether there is one of that name.

use daemon::Release;
use daemon::config::known;
use daemon::start as rules;
use finding::{Object, Text};

use super::cri::{below, places};
use super::is_disabled;
use crate::part::Part;
use crate::start::Target;
use crate::start::run::{Flow, Run};

/// What is known of a snapshotter.
enum There {
    Yes,
    No,
    Unknown(String),
}

/// The snapshotter that the CRI is told to use.
pub(in crate::start) fn chosen(run: &Run<'_>) -> String {
    let named = run.settings.text_setting(&chosen_key(run));
    named.unwrap_or("overlayfs").to_owned()
}

/// Where config.toml names it.
fn chosen_key(run: &Run<'_>) -> Vec<&'static str> {
    let images = places(run.release).images;
    if run.release >= Release::V2_0 {
        below(&images, &["snapshotter"])
    } else {
        below(&images, &["containerd", "snapshotter"])
    }
}

/// Whether the build is Debian's, of which all plugins are known.
fn is_debians(run: &Run<'_>) -> bool {
    let package = run.node.traces.package.as_ref();
    let package = package.map(ToString::to_string).unwrap_or_default();
    ["~ds", "+ds", "+deb"]
        .iter()
        .any(|mark| package.contains(mark))
}

fn is_there(run: &Run<'_>, name: &str) -> There {
    let id = format!("io.containerd.snapshotter.v1.{name}");
    if is_proxy(run, name) {
        return There::Yes;
    }
    let known = known(run.release);
    let mut plugins = known.plugins();
    let plugin = plugins.find(|(plugin, _)| *plugin == id);
    let needs = snapshots::Snapshotter::named(name).and_then(|known| known.needs);
    match (plugin, needs) {
        (Some((_, true)), _) => There::Yes,
        (Some(_), Some(what)) => needy(run, name, what),
        (Some(_), None) => There::Unknown("whether it loads is not known".to_owned()),
        (None, Some(what)) if !is_debians(run) => There::Unknown(format!(
            "some builds have it, some not; where it is, it needs {what}"
        )),
        (None, _) if is_bundled(run, name) => There::Unknown(format!(
            "the containerd of {} may have it built in",
            run.node.roots.whose
        )),
        (None, _) => There::No,
    }
}

fn is_proxy(run: &Run<'_>, name: &str) -> bool {
    let config = run.node.roots.config.as_ref();
    config.is_some_and(|config| config.proxies.contains(name))
}

/// A snapshotter that is a daemon of its own is there whether it runs or not; without it no image is
/// unpacked and no container made.
fn proxy(run: &mut Run<'_>, name: &str) {
    let address = run
        .settings
        .text_setting(&["proxy_plugins", name, "address"]);
    let address = address.unwrap_or_default().to_owned();
    let absent = run.node.around.is_named_absent(&address);
    let socket = Text::from(address.as_str());
    let why = if absent {
        format!(
            "a daemon of its own, and its socket {socket} is not there: until it listens, no container can be made"
        )
    } else {
        format!("a daemon of its own: whether it listens at {socket} is not in the files")
    };
    run.not_known(Part::Snapshotter, format!("snapshotter {name}"), why);
}

/// Whether a distribution's own build may have it.
fn is_bundled(run: &Run<'_>, name: &str) -> bool {
    ["k3s", "rke2"].contains(&run.node.roots.whose) && ["stargz", "fuse-overlayfs"].contains(&name)
}

/// One that needs something of the machine.
fn needy(run: &Run<'_>, name: &str, what: &str) -> There {
    let id = format!("io.containerd.snapshotter.v1.{name}");
    let set = |key: &str| {
        run.settings
            .text_setting(&["plugins", &id, key])
            .unwrap_or_default()
    };
    let own = run.node.roots.config.as_ref();
    let own = own.and_then(|config| config.snapshotter_roots.get(name));
    let mount = run.node.around.mount.filter(|_| own.is_none());
    match name {
        "devmapper" if set("pool_name").is_empty() => There::No,
        "blockfile" if set("scratch_file").is_empty() => There::No,
        "btrfs" | "zfs" => match mount.and_then(|mount| mount.is_kind(name)) {
            Some(true) => There::Yes,
            Some(false) => There::No,
            None => There::Unknown(format!("it loads only with {what}, and that is not known")),
        },
        _ => There::Unknown(format!("it loads only with {what}, and that is not known")),
    }
}

/// Snapshotters whose settings are refused: 1.x goes on without them, the metadata plugin of 2.x does
/// not.
pub(in crate::start) fn refused(run: &mut Run<'_>) -> Flow {
    let names: Vec<String> = known(run.release)
        .plugins()
        .filter_map(|(id, _)| id.strip_prefix("io.containerd.snapshotter.v1."))
        .map(str::to_owned)
        .collect();
    for name in names {
        let id = format!("io.containerd.snapshotter.v1.{name}");
        // Of overlayfs it is looked at where its stores are.
        if is_disabled(run, &id) || name == "overlayfs" {
            continue;
        }
        let set = |key: &str| {
            let text = run.settings.text_setting(&["plugins", &id, key]);
            text.unwrap_or_default().to_owned()
        };
        let around = &run.node.around;
        let (pool, scratch, size) = (
            set("pool_name"),
            set("scratch_file"),
            set("base_image_size"),
        );
        let root = set("root_path");
        let bad = match name.as_str() {
            "devmapper" if !pool.is_empty() => {
                if size.is_empty() || !size.starts_with(|letter: char| letter.is_ascii_digit()) {
                    true
                } else {
                    let why = "it loads only with its thin pool, and that is not in the files";
                    run.not_known(Part::Snapshotter, "snapshotter devmapper", why);
                    false
                }
            }
            "blockfile" if !scratch.is_empty() => {
                let absent = !scratch.starts_with('/') || around.is_named_absent(&scratch);
                if !absent {
                    let why = "its scratch file was not looked into";
                    run.not_known(Part::Snapshotter, "snapshotter blockfile", why);
                }
                absent
            }
            _ => around.is_named_taken(&root),
        };
        if !bad {
            continue;
        }
        let target = Target::new(Object::global("snapshotter", Text::from(name.as_str())));
        let table = run.settings.get(&["plugins", &id]);
        let at = table.map(super::located).unwrap_or_default();
        run.failed.push(id);
        if run.release >= Release::V2_0 {
            let statement = run.statement(&rules::SNAPSHOTTER_KILLS_METADATA);
            run.die(statement.at(at).target(target))?;
        } else {
            run.note(
                run.statement(&rules::SNAPSHOTTER_LOST)
                    .at(at)
                    .target(target),
            );
        }
    }
    Flow::Continue(())
}

/// Why it is not known whether it loads; nothing where that is known.
pub(super) fn untold(run: &Run<'_>, name: &str) -> Option<String> {
    match is_there(run, name) {
        There::Unknown(why) => Some(why),
        There::Yes | There::No => None,
    }
}

/// Whether it is known not to load.
pub(super) fn is_missing(run: &Run<'_>, name: &str) -> bool {
    matches!(is_there(run, name), There::No)
}

/// Whether the snapshotter that the CRI is told to use is there.
pub(in crate::start) fn loaded(run: &mut Run<'_>) -> Flow {
    let name = chosen(run);
    let id = format!("io.containerd.snapshotter.v1.{name}");
    let there = is_there(run, &name);
    let has_failed = run.failed.contains(&id);
    let disabled = is_disabled(run, &id);
    if let There::Unknown(why) = &there
        && !has_failed
        && !disabled
    {
        run.not_known(
            Part::Snapshotter,
            format!("snapshotter {name}"),
            why.as_str(),
        );
        return Flow::Continue(());
    }
    if matches!(there, There::Yes) && !disabled && !has_failed {
        let told = run.node.snapshotters.iter();
        let mut told = told.filter(|it| it.is_proxy && it.name == *name.as_str());
        if is_proxy(run, &name) && told.next().is_none() {
            proxy(run, &name);
        }
        return Flow::Continue(());
    }
    let rule = if has_failed {
        &rules::CRI_SNAPSHOTTER_LOST
    } else {
        &rules::SNAPSHOTTER_UNKNOWN
    };
    let target = Target::new(Object::global("snapshotter", Text::from(name.as_str())));
    let at = super::place(run, &chosen_key(run));
    let mut statement = run.statement(rule).target(target).at(at);
    // 2.x misses the default one earlier, when it loads what pulls images.
    if run.release >= Release::V2_0 && name == "overlayfs" && disabled {
        statement = statement.says(format!("snapshotter \\\"{name}\\\" not found"));
    }
    run.lose_cri(statement)
}
