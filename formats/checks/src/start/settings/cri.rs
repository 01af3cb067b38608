//! Settings of the CRI: what it refuses, and the snapshotter that it is told to use.

use daemon::Release;
use daemon::start as rules;
use finding::{Location, Object, Text};

use super::duration::is_duration;
use super::place;
use super::plugins::{SNAPSHOTTERS, is_disabled};
use crate::start::Target;
use crate::start::run::{Flow, Run};

/// Where the CRI's images and runtime are configured, for a release.
fn paths(run: &Run<'_>) -> (Vec<&'static str>, Vec<&'static str>) {
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

/// Settings that the CRI refuses.
pub(super) fn table(run: &mut Run<'_>) -> Flow {
    let (images, runtime) = paths(run);
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
pub(in crate::start) fn chosen_snapshotter(run: &Run<'_>) -> String {
    let (images, _) = paths(run);
    let new = below(&images, &["snapshotter"]);
    let old = below(&images, &["containerd", "snapshotter"]);
    let chosen = run.settings.text(&old).or_else(|| run.settings.text(&new));
    chosen.unwrap_or("overlayfs").to_owned()
}

/// Whether the snapshotter that the CRI is told to use is there.
pub(super) fn snapshotter(run: &mut Run<'_>) -> Flow {
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
