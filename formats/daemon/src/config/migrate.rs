//! Names and places that changed from one version of config.toml to the next.
//!
//! 2.x: `cmd/containerd/server/config/config.go` (version 1), and the `ConfigMigration` of each plugin:
//! `plugins/cri/{cri.go,images/plugin.go,runtime/plugin.go}`, `core/metrics/cgroups`, `plugins/restart`,
//! `core/runtime/v2/shim_manager.go` (version 2).

use node::{Scalar, Setting};

use crate::Release;

/// Plugins with settings that version 1 calls by their last part.
const SHORT: &[(&str, &str)] = &[
    ("cri", "io.containerd.grpc.v1.cri"),
    ("cgroups", "io.containerd.monitor.v1.cgroups"),
    ("linux", "io.containerd.runtime.v1.linux"),
    ("scheduler", "io.containerd.gc.v1.scheduler"),
    ("bolt", "io.containerd.metadata.v1.bolt"),
    ("task", "io.containerd.runtime.v2.task"),
    ("opt", "io.containerd.internal.v1.opt"),
    ("restart", "io.containerd.internal.v1.restart"),
    ("tracing", "io.containerd.internal.v1.tracing"),
    ("otlp", "io.containerd.tracing.processor.v1.otlp"),
    ("aufs", "io.containerd.snapshotter.v1.aufs"),
    ("btrfs", "io.containerd.snapshotter.v1.btrfs"),
    ("devmapper", "io.containerd.snapshotter.v1.devmapper"),
    ("native", "io.containerd.snapshotter.v1.native"),
    ("overlayfs", "io.containerd.snapshotter.v1.overlayfs"),
    ("zfs", "io.containerd.snapshotter.v1.zfs"),
];

/// What 2.x makes of a name of version 1.
fn long(name: &str) -> String {
    if name.contains('.') {
        return name.to_owned();
    }
    let known = SHORT.iter().find(|(short, _)| *short == name);
    match known {
        Some((_, long)) => (*long).to_owned(),
        None if name.ends_with("-service") => format!("io.containerd.service.v1.{name}"),
        None if name == "windows" || name == "windows-lcow" => {
            format!("io.containerd.snapshotter.v1.{name}")
        }
        None => format!("io.containerd.grpc.v1.{name}"),
    }
}

/// Gives a setting another place; where it stands in its file is kept.
fn moved(setting: &Setting, path: Vec<String>) -> Setting {
    let mut new = setting.clone();
    new.written = Some(setting.keys().to_vec());
    new.path = path;
    new
}

/// A file of version 0 or 1, as 2.x reads it.
pub(super) fn names_of_one(file: Vec<Setting>) -> Vec<Setting> {
    file.into_iter()
        .map(|setting| match setting.path.as_slice() {
            [plugins, id, rest @ ..] if plugins == "plugins" => {
                let mut path = vec![plugins.clone(), long(id)];
                path.extend_from_slice(rest);
                if path == setting.path {
                    setting
                } else {
                    moved(&setting, path)
                }
            }
            [key] if key == "disabled_plugins" || key == "required_plugins" => {
                let mut setting = setting;
                if let Scalar::List(ids) = &mut setting.value {
                    for id in ids.iter_mut() {
                        *id = long(id);
                    }
                }
                setting
            }
            _ => setting,
        })
        .collect()
}

/// 1.x looks for a plugin's table by its last part, where the version is 1: gives what is found its
/// whole name, and beside it what is not looked at.
pub(super) fn long_names(all: Vec<Setting>) -> (Vec<Setting>, Vec<Setting>) {
    let mut kept = Vec::new();
    let mut ignored = Vec::new();
    for setting in all {
        match setting.path.as_slice() {
            [plugins, id, rest @ ..] if plugins == "plugins" => {
                let whole = SHORT.iter().find(|(short, _)| short == id);
                let whole = match whole {
                    Some((_, long)) => Some((*long).to_owned()),
                    None if id.ends_with("-service") => {
                        Some(format!("io.containerd.service.v1.{id}"))
                    }
                    None => None,
                };
                if let Some(long) = whole {
                    let mut path = vec![plugins.clone(), long];
                    path.extend_from_slice(rest);
                    kept.push(moved(&setting, path));
                } else if rest.is_empty() {
                    ignored.push(setting);
                }
            }
            _ => kept.push(setting),
        }
    }
    (kept, ignored)
}

/// Tables of the CRI whose keys 1.x takes one level higher, too: its decoder knows the fields of
/// embedded structures at both places.
const EMBEDDED: &[(&str, &[&str])] = &[
    (
        "containerd",
        &[
            "snapshotter",
            "default_runtime_name",
            "default_runtime",
            "untrusted_workload_runtime",
            "runtimes",
            "no_pivot",
            "disable_snapshot_annotations",
            "discard_unpacked_layers",
            "ignore_rdt_not_enabled_errors",
            "ignore_blockio_not_enabled_errors",
        ],
    ),
    (
        "cni",
        &[
            "bin_dir",
            "conf_dir",
            "max_conf_num",
            "conf_template",
            "ip_pref",
            "setup_serially",
        ],
    ),
    ("image_decryption", &["key_model"]),
    (
        "x509_key_pair_streaming",
        &["tls_cert_file", "tls_key_file"],
    ),
];

/// What 1.x takes of the CRI's keys that stand one level too high: nothing where the table to which
/// they belong is there, whatever that holds; else all of them.
pub(super) fn embedded(all: Vec<Setting>) -> Vec<Setting> {
    let place = |setting: &Setting| {
        let key = setting.below(&["plugins", CRI])?.first()?;
        let table = EMBEDDED
            .iter()
            .find(|(_, keys)| keys.contains(&key.as_str()))?;
        Some((table.0, key.clone()))
    };
    let taken: Vec<&str> = EMBEDDED
        .iter()
        .map(|(table, _)| *table)
        .filter(|table| has(&all, &["plugins", CRI, table]))
        .collect();
    all.into_iter()
        .filter_map(|setting| match place(&setting) {
            Some((table, _)) if taken.contains(&table) => None,
            Some((table, _)) => {
                let rest = setting.below(&["plugins", CRI]).unwrap_or_default();
                let path = path(&["plugins", CRI, table], rest);
                Some(moved(&setting, path))
            }
            None => Some(setting),
        })
        .collect()
}

const CRI: &str = "io.containerd.grpc.v1.cri";
const IMAGES: &str = "io.containerd.cri.v1.images";
const RUNTIME: &str = "io.containerd.cri.v1.runtime";

/// Keys of the CRI of version 2 that pull images.
const FOR_IMAGES: &[&str] = &[
    "registry",
    "image_decryption",
    "max_concurrent_downloads",
    "image_pull_progress_timeout",
    "image_pull_with_sync_fs",
    "stats_collect_period",
];
/// Keys that stay where they were.
const FOR_SERVER: &[&str] = &[
    "disable_tcp_service",
    "stream_server_address",
    "stream_server_port",
    "stream_idle_timeout",
    "enable_tls_streaming",
    "x509_key_pair_streaming",
];
/// Keys of its table `containerd` that pull images.
const CONTAINERD_FOR_IMAGES: &[&str] = &[
    "snapshotter",
    "disable_snapshot_annotations",
    "discard_unpacked_layers",
];

fn path(parts: &[&str], rest: &[String]) -> Vec<String> {
    let parts = parts.iter().map(|part| (*part).to_owned());
    parts.chain(rest.iter().cloned()).collect()
}

fn below<'s>(all: &'s [Setting], prefix: &[&str]) -> Vec<(&'s Setting, &'s [String])> {
    all.iter()
        .filter_map(|setting| Some((setting, setting.below(prefix)?)))
        .collect()
}

fn has(all: &[Setting], prefix: &[&str]) -> bool {
    all.iter().any(|setting| setting.below(prefix).is_some())
}

/// Puts what stands below `from` in the place of what stands below `to`.
fn rename(all: &mut Vec<Setting>, from: &[&str], to: &[&str]) {
    let found: Vec<Setting> = below(all, from)
        .into_iter()
        .map(|(setting, rest)| moved(setting, path(to, rest)))
        .collect();
    if !found.is_empty() {
        all.retain(|setting| setting.below(to).is_none() && setting.below(from).is_none());
        all.extend(found);
    }
}

/// The whole, from the version that counts to the newest of a release of 2.x; and what that forgets.
pub(super) fn to_newest(
    mut all: Vec<Setting>,
    version: i64,
    release: Release,
) -> (Vec<Setting>, Vec<Setting>) {
    // `version` 4 of 2.3 changed nothing of what is looked at here.
    if version >= 3 || release < Release::V2_0 {
        return (all, Vec::new());
    }
    let forgotten = forgotten(&all);
    rename(
        &mut all,
        &["plugins", "io.containerd.monitor.v1.cgroups"],
        &["plugins", "io.containerd.monitor.task.v1.cgroups"],
    );
    rename(
        &mut all,
        &["plugins", "io.containerd.internal.v1.restart"],
        &["plugins", "io.containerd.monitor.container.v1.restart"],
    );
    sched_core(&mut all);
    if has(&all, &["plugins", CRI]) {
        images(&mut all);
        runtime(&mut all);
        // Of what was the CRI's, the server's part is left.
        all.retain(|setting| match setting.below(&["plugins", CRI]) {
            Some([key, ..]) => FOR_SERVER.contains(&key.as_str()),
            _ => true,
        });
    }
    (all, forgotten)
}

/// The snapshotter and its like, where no runtime is named: the migration ends before it moves them (2.1.9:
/// `config migrate` of `snapshotter = "native"` gives `overlayfs`).
fn forgotten(all: &[Setting]) -> Vec<Setting> {
    if has(all, &["plugins", CRI, "containerd", "runtimes"]) {
        return Vec::new();
    }
    let table = below(all, &["plugins", CRI, "containerd"]).into_iter();
    let lost = table.filter(|(setting, rest)| {
        matches!(rest, [key] if CONTAINERD_FOR_IMAGES.contains(&key.as_str())
            && !is_built_in(key, &setting.value))
    });
    lost.map(|(setting, _)| setting.clone()).collect()
}

/// What these keys are without a word of config.toml: nothing changes then.
fn is_built_in(key: &str, value: &Scalar) -> bool {
    match value {
        Scalar::Text(text) => text == "overlayfs" || text.is_empty(),
        Scalar::Bool(is) => *is == (key == "disable_snapshot_annotations"),
        _ => false,
    }
}

/// `sched_core` became a variable of the shims' environment, in a table that is made anew.
fn sched_core(all: &mut Vec<Setting>) {
    let task = ["plugins", "io.containerd.runtime.v2.task"];
    if !has(all, &task) {
        return;
    }
    let manager = ["plugins", "io.containerd.shim.v1.manager"];
    all.retain(|setting| setting.below(&manager).is_none());
    let key = [task.as_slice(), &["sched_core"]].concat();
    all.retain(|setting| setting.below(&key).is_none());
}

fn images(all: &mut Vec<Setting>) {
    let mut new: Vec<Setting> = Vec::new();
    for (setting, rest) in below(all, &["plugins", CRI]) {
        match rest {
            [key] if key == "sandbox_image" => {
                new.push(moved(
                    setting,
                    path(&["plugins", IMAGES, "pinned_images", "sandbox"], &[]),
                ));
            }
            [key, ..] if FOR_IMAGES.contains(&key.as_str()) => {
                new.push(moved(setting, path(&["plugins", IMAGES], rest)));
            }
            _ => {}
        }
    }
    // Where no runtime is named, it stops here: the snapshotter is forgotten.
    if has(all, &["plugins", CRI, "containerd", "runtimes"]) {
        for (setting, rest) in below(all, &["plugins", CRI, "containerd"]) {
            if let [key] = rest
                && CONTAINERD_FOR_IMAGES.contains(&key.as_str())
            {
                new.push(moved(setting, path(&["plugins", IMAGES], rest)));
            }
        }
    }
    // Tables are taken over whole.
    let tops: Vec<Vec<String>> = new
        .iter()
        .filter(|setting| setting.path.len() == 3)
        .map(|setting| setting.path.clone())
        .collect();
    all.retain(|setting| {
        let replaced = tops.iter().any(|top| setting.path.starts_with(top));
        let same = new.iter().any(|other| other.path == setting.path);
        !replaced && !same
    });
    all.extend(new);
}

fn runtime(all: &mut Vec<Setting>) {
    let old = below(all, &["plugins", CRI]);
    let mut new: Vec<Setting> = Vec::new();
    // What has a place at `depth` in the new table already keeps it.
    let taken = |to: &[String], depth: usize| {
        let top = to.get(..depth).unwrap_or(to);
        all.iter().any(|setting| setting.path.starts_with(top))
    };
    let bin_dirs = path(&["plugins", RUNTIME, "cni", "bin_dirs"], &[]);
    for (setting, rest) in old {
        let to = path(&["plugins", RUNTIME], rest);
        match rest {
            [key, ..] if FOR_IMAGES.contains(&key.as_str()) || key == "sandbox_image" => {}
            [key, ..] if FOR_SERVER.contains(&key.as_str()) => {}
            [key, sub, ..]
                if key == "containerd" && CONTAINERD_FOR_IMAGES.contains(&sub.as_str()) => {}
            [key] if key == "containerd" || key == "cni" => {
                if !taken(&to, 3) {
                    new.push(moved(setting, to));
                }
            }
            [key, sub] if key == "cni" && sub == "bin_dir" => {
                // A list in the new table is kept only if the daemon takes it for one of strings,
                // which one that was read is not: it is replaced.
                let mut dirs = moved(setting, bin_dirs.clone());
                if let Scalar::Text(dir) = &setting.value {
                    dirs.value = Scalar::List(vec![dir.clone()]);
                }
                new.push(dirs);
            }
            [key, ..] if key == "containerd" || key == "cni" => {
                if !taken(&to, 4) {
                    new.push(moved(setting, to));
                }
            }
            [_, ..] => {
                if !taken(&to, 3) {
                    new.push(moved(setting, to));
                }
            }
            [] => {
                if !has(all, &["plugins", RUNTIME]) {
                    new.push(moved(setting, to));
                }
            }
        }
    }
    if new.iter().any(|setting| setting.path == bin_dirs) {
        all.retain(|setting| setting.path != bin_dirs);
    }
    all.extend(new);
    sandboxers(all);
}

/// `sandbox_mode` is called `sandboxer` now.
fn sandboxers(all: &mut [Setting]) {
    let runtimes = ["plugins", RUNTIME, "containerd", "runtimes"];
    let has: Vec<String> = below(all, &runtimes)
        .into_iter()
        .filter_map(|(_, rest)| match rest {
            [name, key] if key == "sandboxer" => Some(name.clone()),
            _ => None,
        })
        .collect();
    for setting in all.iter_mut() {
        let to = match setting.below(&runtimes) {
            Some([name, key]) if key == "sandbox_mode" && !has.contains(name) => {
                path(&[runtimes.as_slice(), &[name, "sandboxer"]].concat(), &[])
            }
            _ => continue,
        };
        *setting = moved(setting, to);
    }
}

/// Tables of version 2 that a configuration of version 3 still has: they are not looked at.
pub(super) fn split_foreign(all: Vec<Setting>) -> (Vec<Setting>, Vec<Setting>) {
    const OLD: &[&str] = &[
        "io.containerd.monitor.v1.cgroups",
        "io.containerd.internal.v1.restart",
    ];
    let mut kept = Vec::new();
    let mut ignored = Vec::new();
    for setting in all {
        let is_old = match setting.path.as_slice() {
            [plugins, id, ..] if plugins == "plugins" && OLD.contains(&id.as_str()) => true,
            [plugins, id, key, ..] if plugins == "plugins" && id == CRI => {
                !FOR_SERVER.contains(&key.as_str())
            }
            _ => false,
        };
        match is_old {
            false => kept.push(setting),
            true if setting.path.len() <= 3 => ignored.push(setting),
            true => {}
        }
    }
    (kept, ignored)
}
