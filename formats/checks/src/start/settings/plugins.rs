//! Plugins that the configuration disables or requires.

use daemon::start as rules;
use node::Scalar;

use super::{cri, place};
use crate::start::run::{Flow, Run};

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
pub(in crate::start) fn is_disabled(run: &Run<'_>, id: &str) -> bool {
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
pub(in crate::start) const CRI: &[&str] = &[
    "io.containerd.grpc.v1.cri",
    "io.containerd.cri.v1.images",
    "io.containerd.cri.v1.runtime",
];

/// Snapshotters that come with the daemon.
pub(super) const SNAPSHOTTERS: &[&str] = &[
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
pub(in crate::start) fn required(run: &mut Run<'_>, lost: impl Fn(&str) -> bool) -> Flow {
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
pub(in crate::start) fn plugins(run: &mut Run<'_>) -> Flow {
    required(run, |_| false)?;
    let disabled = CRI.iter().any(|id| is_disabled(run, id));
    if disabled {
        run.has_cri = false;
        return Flow::Continue(());
    }
    cri::table(run)?;
    cri::snapshotter(run)
}
