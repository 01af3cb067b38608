//! Settings of the CRI: what it refuses, and the snapshotter that it is told to use.
//!
//! 1.x: `pkg/cri/config/config.go` (`ValidatePluginConfig`), `pkg/cri/server/{service,streaming}.go`;
//! 2.x: `internal/cri/config/{config,streaming}.go`, `plugins/cri/{images,runtime}/plugin.go`.

use std::collections::BTreeSet;

use daemon::Release;
use daemon::start as rules;
use finding::{Location, Text};
use node::Scalar;

use super::cri_outside::{base_specs, of_machine, runtime_platforms, tls, unread_files};
use super::duration::is_duration;
use super::{place, value_of};
use crate::part::Part;
use crate::start::Outcome;
use crate::start::run::{Flow, Run};

/// Where the CRI's images, runtime and server are configured, for a release.
pub(super) struct Places {
    pub(super) images: [&'static str; 2],
    pub(super) runtime: [&'static str; 2],
    pub(super) server: [&'static str; 2],
}

pub(super) const fn places(release: Release) -> Places {
    let one = ["plugins", "io.containerd.grpc.v1.cri"];
    match release {
        Release::V1_6 | Release::V1_7 => Places {
            images: one,
            runtime: one,
            server: one,
        },
        _ => Places {
            images: ["plugins", "io.containerd.cri.v1.images"],
            runtime: ["plugins", "io.containerd.cri.v1.runtime"],
            server: one,
        },
    }
}

pub(super) fn below<'p>(base: &[&'p str], more: &[&'p str]) -> Vec<&'p str> {
    [base, more].concat()
}

pub(super) fn cri_text<'r>(run: &'r Run<'_>, base: &[&str], more: &[&str]) -> &'r str {
    run.settings
        .text_setting(&below(base, more))
        .unwrap_or_default()
}

pub(super) fn flag(run: &Run<'_>, base: &[&str], more: &[&str]) -> bool {
    run.settings
        .get(&below(base, more))
        .is_some_and(|setting| setting.value == Scalar::Bool(true))
}

/// The names of the tables below a table.
pub(super) fn names(run: &Run<'_>, base: &[&str]) -> BTreeSet<String> {
    let all = run.settings.all().iter();
    all.filter_map(|setting| setting.below(base)?.first().cloned())
        .collect()
}

pub(super) fn runtimes(run: &Run<'_>) -> BTreeSet<String> {
    let base = below(&places(run.release).runtime, &["containerd", "runtimes"]);
    let mut all = names(run, &base);
    // 1.x puts a table of runtimes in the place of its own, 2.x adds to it.
    if run.release >= Release::V2_0 || run.settings.get(&base).is_none() {
        all.insert("runc".to_owned());
    }
    let old = below(
        &places(run.release).runtime,
        &["containerd", "untrusted_workload_runtime"],
    );
    if run.release < Release::V2_0 && !cri_text(run, &old, &["runtime_type"]).is_empty() {
        all.insert("untrusted".to_owned());
    }
    all
}

/// What is refused, and where.
pub(super) type Refused = Option<(String, Location)>;

fn default_runtime(run: &Run<'_>) -> Refused {
    let runtime = places(run.release).runtime;
    let key = below(&runtime, &["containerd", "default_runtime_name"]);
    if old_default(run).is_some() {
        return None;
    }
    let chosen = run.settings.text_setting(&key).unwrap_or("runc");
    let untrusted = below(&runtime, &["containerd", "runtimes", "untrusted"]);
    let old = below(&runtime, &["containerd", "untrusted_workload_runtime"]);
    if run.release < Release::V2_0
        && !cri_text(run, &old, &["runtime_type"]).is_empty()
        && run.settings.get(&untrusted).is_some()
    {
        return Some(("conflicting definitions".to_owned(), place(run, &old)));
    }
    if chosen.is_empty() {
        return Some((
            "`default_runtime_name` is empty".to_owned(),
            place(run, &key),
        ));
    }
    if !runtimes(run).contains(chosen) {
        let says = "no corresponding runtime configured in `containerd.runtimes`";
        let at = match run.settings.get(&key) {
            Some(_) => place(run, &key),
            None => place(run, &below(&runtime, &["containerd", "runtimes"])),
        };
        return Some((says.to_owned(), at));
    }
    None
}

/// The runtime that pods get which name none, where config.toml says it.
pub(in crate::start) fn default_runtime_type(run: &Run<'_>) -> Option<(Location, String)> {
    let base = places(run.release).runtime;
    let chosen = cri_text(run, &base, &["containerd", "default_runtime_name"]);
    let chosen = if chosen.is_empty() { "runc" } else { chosen };
    let key = below(&base, &["containerd", "runtimes", chosen, "runtime_type"]);
    let kind = run.settings.text_setting(&key)?.to_owned();
    Some((place(run, &key), kind))
}

/// The type of the deprecated table `default_runtime`: where it has one, that is the default runtime of 1.6 and 1.7,
/// whatever `default_runtime_name` says.
fn old_default<'r>(run: &'r Run<'_>) -> Option<&'r str> {
    let base = places(run.release).runtime;
    let key = below(&base, &["containerd", "default_runtime", "runtime_type"]);
    let kind = run.settings.text_setting(&key)?;
    (run.release < Release::V2_0 && !kind.is_empty()).then_some(kind)
}

/// Options that only the oldest shim knows.
fn old_options(run: &Run<'_>) -> Refused {
    if run.release >= Release::V2_0 {
        return None;
    }
    let base = places(run.release).runtime;
    let chosen = run
        .settings
        .text_setting(&below(&base, &["containerd", "default_runtime_name"]))
        .unwrap_or("runc");
    let type_of = |name: &str| {
        let key = below(&base, &["containerd", "runtimes", name, "runtime_type"]);
        run.settings
            .text_setting(&key)
            .unwrap_or_default()
            .to_owned()
    };
    let linux = "io.containerd.runtime.v1.linux";
    let default = old_default(run).map_or_else(|| type_of(chosen), str::to_owned);
    for key in [&["systemd_cgroup"][..], &["containerd", "no_pivot"]] {
        if flag(run, &base, key) && default != linux {
            let name = key.last().copied().unwrap_or_default();
            let says = format!("`{name}` only works for runtime");
            return Some((says, place(run, &below(&base, key))));
        }
    }
    for name in runtimes(run) {
        for key in ["runtime_engine", "runtime_root"] {
            let path = below(&base, &["containerd", "runtimes", &name, key]);
            let is_set = run
                .settings
                .text_setting(&path)
                .is_some_and(|text| !text.is_empty());
            if is_set && type_of(&name) != linux {
                let says = format!("`{key}` only works for runtime");
                return Some((says, place(run, &path)));
            }
        }
    }
    None
}

/// What each runtime says.
fn each_runtime(run: &Run<'_>) -> Refused {
    let base = below(&places(run.release).runtime, &["containerd", "runtimes"]);
    if run.release == Release::V1_6 {
        return None;
    }
    for name in runtimes(run) {
        let of = |key: &'static str| below(&base, &[name.as_str(), key]);
        let all = "privileged_without_host_devices_all_devices_allowed";
        if flag(run, &of(all), &[]) && !flag(run, &of("privileged_without_host_devices"), &[]) {
            let says = format!("`{all}` requires `privileged_without_host_devices`");
            return Some((says, place(run, &of(all))));
        }
        let io = cri_text(run, &of("io_type"), &[]);
        if run.release >= Release::V2_0 && !["", "fifo", "streaming"].contains(&io) {
            let says = "`io_type` can only be `streaming` or `named_pipe`";
            return Some((says.to_owned(), place(run, &of("io_type"))));
        }
    }
    None
}

fn registry(run: &Run<'_>) -> Refused {
    let base = below(&places(run.release).images, &["registry"]);
    if cri_text(run, &base, &["config_path"]).is_empty() {
        return auths(run, &base);
    }
    let mirrors = below(&base, &["mirrors"]);
    if !names(run, &mirrors).is_empty() {
        let says = "`mirrors` cannot be set when `config_path` is provided";
        return Some((says.to_owned(), place(run, &mirrors)));
    }
    let configs = below(&base, &["configs"]);
    for name in names(run, &configs) {
        let tls = below(&configs, &[&name, "tls"]);
        if run.release < Release::V2_0 && run.settings.get(&tls).is_some() {
            let says = "`configs.tls` cannot be set when `config_path` is provided";
            return Some((says.to_owned(), place(run, &tls)));
        }
    }
    auths(run, &base)
}

/// 2.2.0 and 2.2.1 set `config_path` themselves, and then refuse mirrors beside it; an empty one is kept
/// only where a file of version 3 says so.
fn mirrors(run: &mut Run<'_>) -> Flow {
    let base = below(&places(run.release).images, &["registry"]);
    let is_early = match (run.release, run.patch) {
        (Release::V2_2, Some(patch)) => patch < 2,
        (Release::V2_2, None) => true,
        _ => false,
    };
    let is_kept = run.version >= 3 && run.settings.get(&below(&base, &["config_path"])).is_some();
    let mirrors = below(&base, &["mirrors"]);
    if !is_early || is_kept || names(run, &mirrors).is_empty() {
        return Flow::Continue(());
    }
    let at = place(run, &mirrors);
    let statement = run.statement(&rules::MIRRORS_BESIDE_DEFAULT).at(at);
    if run.patch.is_some() {
        return run.lose_cri(statement);
    }
    run.or.push(Outcome::CriDead);
    run.note(statement.perhaps());
    Flow::Continue(())
}

/// Registries whose credentials are under a name that is no URL.
fn auths(run: &Run<'_>, base: &[&str]) -> Refused {
    let auths = below(base, &["auths"]);
    let bad = names(run, &auths)
        .into_iter()
        .find(|name| !node::is_url(name))?;
    let says = format!("failed to parse registry url \\\"{bad}\\\"");
    Some((says, place(run, &auths)))
}

fn durations(run: &Run<'_>) -> Refused {
    let Places {
        images,
        runtime,
        server,
    } = places(run.release);
    let mut keys = vec![(server, "stream_idle_timeout")];
    if run.release > Release::V1_6 {
        keys.push((images, "image_pull_progress_timeout"));
        keys.push((runtime, "drain_exec_sync_io_timeout"));
    }
    keys.into_iter().find_map(|(base, key)| {
        let path = below(&base, &[key]);
        let text = run.settings.text_setting(&path)?;
        let bad = !text.is_empty() && !is_duration(text);
        bad.then(|| {
            (
                format!("time: invalid duration \\\"{text}\\\""),
                place(run, &path),
            )
        })
    })
}

fn programs(run: &Run<'_>) -> Refused {
    let cni = below(&places(run.release).runtime, &["cni"]);
    let dirs = below(&cni, &["bin_dirs"]);
    let one = below(&cni, &["bin_dir"]);
    let both = run.release >= Release::V2_0
        && run.settings.get(&dirs).is_some_and(
            |setting| matches!(&setting.value, Scalar::List(list) if !list.is_empty()),
        )
        && !cri_text(run, &cni, &["bin_dir"]).is_empty();
    both.then(|| {
        let says = "`cni.bin_dir` and `cni.bin_dirs` cannot be set at the same time";
        (says.to_owned(), place(run, &one))
    })
}

/// A file in the place of the folder of networks, which the CRI watches.
fn networks(run: &mut Run<'_>) -> Flow {
    let key = below(&places(run.release).runtime, &["cni", "conf_dir"]);
    let folder = run
        .settings
        .text_setting(&key)
        .filter(|text| !text.is_empty());
    let folder = folder.unwrap_or(node::CNI_FOLDER);
    if run.node.around.is_unmakable(folder) {
        let above = folder.rsplit_once('/').map_or("/", |(above, _)| above);
        let above = Text::from(above);
        let says = format!("failed to create the parent of the cni conf dir={above}");
        let does = format!(
            "starts without the CRI: it cannot make {above}, above the folder of network \
             configurations: the file system is read-only"
        );
        let statement = run.statement(&rules::NETWORK_NO_FOLDER).does(does);
        return run.lose_cri(statement.says(says).at(Location::file(above)));
    }
    if !run.node.around.is_named_taken(folder) {
        return Flow::Continue(());
    }
    let at = Location::file(Text::from(folder));
    let does = "starts without the CRI: the path of its network configurations is not a folder";
    let statement = run.statement(&rules::NETWORK_NO_FOLDER).does(does);
    run.lose_cri(statement.says("failed to create cni conf monitor").at(at))
}

/// Settings that the CRI refuses.
pub(super) fn table(run: &mut Run<'_>) -> Flow {
    let checks: &[fn(&Run<'_>) -> Refused] = &[
        default_runtime,
        old_options,
        each_runtime,
        registry,
        durations,
        programs,
        tls,
        base_specs,
        runtime_platforms,
    ];
    let refused = checks.iter().find_map(|check| check(run));
    if refused.is_none() {
        mirrors(run)?;
        if !run.has_cri {
            return Flow::Continue(());
        }
    }
    if let Some((says, at)) = refused {
        let plain = Text::from(says.replace("\\\"", "\"")).to_string();
        let value = value_of(run, &at);
        let does = format!("{}: {plain}{value}", rules::CRI_SETTINGS.does);
        let statement = run.statement(&rules::CRI_SETTINGS).does(does);
        run.lose_cri(statement.says(says).at(at))
    } else {
        unread_files(run);
        of_machine(run);
        networks(run)
    }
}

/// A ticker of no period panics.
pub(super) fn stats(run: &mut Run<'_>) -> Flow {
    let key = below(&places(run.release).images, &["stats_collect_period"]);
    let period = run.settings.get(&key).map(|setting| &setting.value);
    match period {
        Some(Scalar::Integer(period)) if *period <= 0 => {
            let at = place(run, &key);
            run.say(run.statement(&rules::STATS_PERIOD).at(at))
        }
        _ => Flow::Continue(()),
    }
}

/// Where the streaming server listens: it is told to once the CRI has recovered.
pub(super) fn stream(run: &mut Run<'_>) -> Flow {
    type IsGood = fn(&str) -> bool;
    let server = places(run.release).server;
    let keys: [(&str, IsGood); 2] = [
        ("stream_server_port", is_port),
        ("stream_server_address", is_address),
    ];
    for (key, is_good) in keys {
        let path = below(&server, &[key]);
        if let Some(text) = run.settings.text_setting(&path)
            && !is_good(text)
        {
            let at = place(run, &path);
            return run.say(run.statement(&rules::STREAM_SERVER).at(at));
        }
    }
    let path = below(&server, &["stream_server_address"]);
    let address = run.settings.text_setting(&path).unwrap_or_default();
    if !is_everywhere(address) {
        let name = format!("stream_server_address ({})", Text::from(address));
        let why =
            "whether the machine has the address is not in the files; without it, the daemon exits";
        run.not_known(Part::Configuration, name, why);
    }
    Flow::Continue(())
}

fn is_port(text: &str) -> bool {
    const SERVICES: &[&str] = &["http", "https", "ssh", "domain", "telnet", "ftp", "smtp"];
    text.is_empty() || text.parse::<u16>().is_ok() || SERVICES.contains(&text)
}

/// Whether every machine can listen there.
fn is_everywhere(text: &str) -> bool {
    let bare = text.trim_start_matches('[').trim_end_matches(']');
    match bare.parse::<core::net::IpAddr>() {
        Ok(ip) => ip.is_loopback() || ip.is_unspecified(),
        Err(_) => true,
    }
}

/// Whether a name may be one of this machine.
fn is_address(text: &str) -> bool {
    use std::net::IpAddr;
    match text
        .trim_start_matches('[')
        .trim_end_matches(']')
        .parse::<IpAddr>()
    {
        Ok(_) => true,
        Err(_) => text.is_empty() || text == "localhost",
    }
}

pub(in crate::start) use super::snapshotter::{
    chosen as chosen_snapshotter, loaded as snapshotter,
};
