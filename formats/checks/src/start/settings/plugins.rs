//! Plugins that the configuration disables, requires, or refuses their settings.

use daemon::Release;
use daemon::config::known;
use daemon::start as rules;
use finding::{Object, Text};
use node::Scalar;

use super::{cri, needs, nri, place, runtimes, snapshotter, types};
use crate::part::Part;
use crate::start::Target;
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

/// The ids that version 1 calls by their last part; 2.x has given them whole ones.
pub(in crate::start) fn is_disabled(run: &Run<'_>, id: &str) -> bool {
    let is_short = run.release < Release::V2_0 && run.version < 2;
    listed(run, "disabled_plugins").iter().any(|disabled| {
        if is_short {
            id.rsplit('.').next() == Some(disabled.as_str())
        } else {
            disabled == id
        }
    })
}

/// The CRI's plugins: without one of them there is no CRI.
pub(in crate::start) const CRI: &[&str] = &[
    "io.containerd.grpc.v1.cri",
    "io.containerd.cri.v1.images",
    "io.containerd.cri.v1.runtime",
];

/// A required plugin that is disabled, or that there is not; `lost` says which ones failed.
pub(in crate::start) fn required(run: &mut Run<'_>, lost: impl Fn(&str) -> bool) -> Flow {
    let required = listed(run, "required_plugins");
    let proxies = run.node.roots.config.as_ref().map(|config| &config.proxies);
    let known = known(run.release);
    let is_short = run.release < Release::V2_0 && run.version < 2;
    for id in &required {
        let short = id.strip_prefix("io.containerd.snapshotter.v1.");
        let is_proxy = short.is_some_and(|name| proxies.is_some_and(|all| all.contains(name)));
        let mut plugins = known.plugins();
        // Version 1 looks for short names only.
        let same = plugins.find(|(plugin, _)| {
            if is_short {
                plugin.rsplit('.').next() == Some(id.as_str())
            } else {
                plugin == id
            }
        });
        let says = if same.is_none() && !is_proxy || is_disabled(run, id) {
            format!("required plugin [{id}] not included")
        } else if lost(id) || run.failed.contains(id) || skips(run, id) {
            format!("load required plugin {id}")
        } else if same.is_some_and(|(_, loads)| !loads) {
            let why = "whether it loads depends on the kernel, the disk and the build";
            let name = format!("required plugin {id}");
            run.required.push(format!("{name} may not load; {why}"));
            run.not_known(Part::Plugin, name, why);
            continue;
        } else {
            continue;
        };
        let at = place(run, &["required_plugins"]);
        run.say(run.statement(&rules::REQUIRED_PLUGIN).says(says).at(at))?;
    }
    Flow::Continue(())
}

/// Whether it is known not to load, because nothing is configured for it.
fn skips(run: &Run<'_>, id: &str) -> bool {
    let tracing = [
        "io.containerd.internal.v1.tracing",
        "io.containerd.tracing.processor.v1.otlp",
    ];
    let endpoint = [
        "plugins",
        "io.containerd.tracing.processor.v1.otlp",
        "endpoint",
    ];
    if tracing.contains(&id) {
        return run.settings.get(&endpoint).is_none();
    }
    let name = id.strip_prefix("io.containerd.snapshotter.v1.");
    name.is_some_and(|name| snapshotter::is_missing(run, name))
}

/// What ends the daemon whichever plugins load: two of one name, and tables that cannot be decoded.
pub(in crate::start) fn decoded(run: &mut Run<'_>) -> Flow {
    needs::proxies(run)?;
    types::plugins(run)
}

/// Plugins that the configuration costs, once meta.db is open.
pub(in crate::start) fn plugins(run: &mut Run<'_>) -> Flow {
    decoded(run)?;
    required(run, |_| false)?;
    needs::api(run)?;
    runtimes::messages(run);
    // 2.x has the CRI's images, and their ticker, without the CRI.
    if !is_disabled(run, "io.containerd.cri.v1.images") && run.release >= Release::V2_0 {
        cri::stats(run)?;
    }
    let disabled = CRI.iter().any(|id| is_disabled(run, id));
    if disabled && (run.release >= Release::V2_0 || is_disabled(run, "io.containerd.grpc.v1.cri")) {
        run.has_cri = false;
        return unserved(run);
    }
    cri::stats(run)?;
    let steps: &[fn(&mut Run<'_>) -> Flow] = &[
        needs::cri,
        needs::tasks,
        cri::table,
        cri::snapshotter,
        cri::stream,
        nri::begins,
    ];
    for step in steps {
        step(run)?;
        if !run.has_cri {
            return Flow::Continue(());
        }
    }
    runtimes::refused(run);
    Flow::Continue(())
}

/// A disabled CRI: as packages for Docker have it, and a fault where the kubelet or pods need it.
fn unserved(run: &mut Run<'_>) -> Flow {
    let at = place(run, &["disabled_plugins"]);
    if let Some(kubelet) = crate::clients::kubelet(run.node) {
        let does = format!(
            "starts without the CRI: disabled_plugins of config.toml names it, and {} configures the \
             kubelet to use it",
            kubelet.file
        );
        return run.say(run.statement(&rules::CRI_DISABLED).does(does).at(at));
    }
    // Pods of a time before: the kubelet asks another runtime now.
    if crate::clients::kubelet_of_another(run.node).is_some() {
        return Flow::Continue(());
    }
    let records = run.pods().and_then(|pods| pods.containers.read());
    let records = records.into_iter().flatten();
    let pods: Vec<Target> = records
        .filter(|row| row.cri_kind() == Some("sandbox"))
        .filter_map(|row| row.pod().ok())
        .map(|pod| Object::global("pod", format!("{}/{}", pod.namespace, pod.pod)))
        .map(Target::new)
        .collect();
    if !pods.is_empty() {
        run.note(run.statement(&rules::PODS_UNSERVED).at(at).targets(pods));
    }
    Flow::Continue(())
}

/// A plugin that is lost, and nothing else with it.
pub(super) fn lose(run: &mut Run<'_>, id: &str, at: finding::Location) {
    let target = Target::new(Object::global("plugin", Text::from(id)));
    let statement = run.statement(&rules::PLUGIN_LOST).at(at).target(target);
    run.failed.push(id.to_owned());
    run.note(statement);
}
