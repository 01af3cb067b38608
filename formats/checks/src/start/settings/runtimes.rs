//! What config.toml says of a runtime: read when a pod is made for it, and refused then.
//!
//! 1.x: `pkg/cri/server/helpers.go` (`generateRuntimeOptions`), `runtime/v2/manager.go`; 2.x:
//! `internal/cri/config/config.go`, `core/runtime/v2/shim_manager.go`. A start says nothing of any of it.

use daemon::Release;
use daemon::config::known;
use daemon::start as rules;
use finding::{Location, Object, Text};
use node::network::Program;
use node::{RuntimeProgram, Scalar, Setting};

use super::cri::{below, cri_text, places, runtimes};
use super::{located, place, snapshotter};
use crate::part::Part;
use crate::start::Target;
use crate::start::run::Run;

/// The options of runc's shim, with the types that they take: `containerd.runc.v1.Options`.
const RUNC: &[(&str, &str)] = &[
    ("NoPivotRoot", "a boolean"),
    ("NoNewKeyring", "a boolean"),
    ("ShimCgroup", "a string"),
    ("IoUid", "a number"),
    ("IoGid", "a number"),
    ("BinaryName", "a string"),
    ("Root", "a string"),
    ("CriuPath", "a string"),
    ("SystemdCgroup", "a boolean"),
    ("CriuImagePath", "a string"),
    ("CriuWorkPath", "a string"),
    ("TaskApiAddress", "a string"),
    ("TaskApiVersion", "a number"),
];

/// Those of any other shim: `runtimeoptions.v1.Options`.
const OTHERS: &[(&str, &str)] = &[("TypeUrl", "a string"), ("ConfigPath", "a string")];

/// A runtime's table, and whether pods get it that name none.
struct Runtime {
    name: String,
    kind: String,
    is_default: bool,
}

/// Every runtime that pods may name.
fn all(run: &Run<'_>) -> Vec<Runtime> {
    let base = places(run.release).runtime;
    let default = cri_text(run, &base, &["containerd", "default_runtime_name"]);
    let default = if default.is_empty() { "runc" } else { default };
    let tables = below(&base, &["containerd", "runtimes"]);
    let names = runtimes(run).into_iter();
    // That of the oldest files has a table of its own.
    let has_table =
        |name: &String| name == "runc" || run.settings.get(&below(&tables, &[name])).is_some();
    names
        .filter(has_table)
        .map(|name| {
            let key = below(&tables, &[&name, "runtime_type"]);
            let usual = if name == "runc" && is_filled(run, &tables) {
                "io.containerd.runc.v2"
            } else {
                ""
            };
            let kind = run.settings.text_setting(&key).unwrap_or(usual).to_owned();
            Runtime {
                is_default: name == default,
                name,
                kind,
            }
        })
        .collect()
}

/// Whether a table of `runc` is merged with the built-in one, key by key: by 2.x, and where there is none.
fn is_filled(run: &Run<'_>, tables: &[&str]) -> bool {
    run.release >= Release::V2_0 || run.settings.get(tables).is_none()
}

/// What is refused when a pod is made.
pub(super) fn refused(run: &mut Run<'_>) {
    host_files(run);
    seccomp(run);
    for runtime in all(run) {
        let why = kind(run, &runtime)
            .or_else(|| options(run, &runtime))
            .or_else(|| own_snapshotter(run, &runtime))
            .or_else(|| sandboxer(run, &runtime));
        if let Some((at, why)) = why {
            let whose = if runtime.is_default {
                "makes no pod".to_owned()
            } else {
                format!(
                    "makes no pod of the runtime {}",
                    Text::from(runtime.name.as_str())
                )
            };
            let target = Target::new(Object::global("runtime", runtime.name.as_str()));
            let statement = run.statement(&rules::RUNTIME_REFUSED);
            let statement = statement.does(format!("{whose}: {why}"));
            run.note(statement.at(at).target(target));
            continue;
        }
        untold(run, &runtime);
        programs(run, &runtime);
    }
}

/// A snapshotter of its own that may be there.
fn untold(run: &mut Run<'_>, runtime: &Runtime) {
    if run.release < Release::V1_7 {
        return;
    }
    let name = key_text(run, runtime, "snapshotter").to_owned();
    if name.is_empty() || name == snapshotter::chosen(run) {
        return;
    }
    if let Some(why) = snapshotter::untold(run, &name) {
        let name = Text::from(name.as_str());
        run.not_known(Part::Snapshotter, format!("snapshotter {name}"), why);
    }
}

fn key<'p>(run: &Run<'_>, runtime: &'p Runtime, key: &'p str) -> Vec<&'p str> {
    let base = places(run.release).runtime;
    below(&base, &["containerd", "runtimes", &runtime.name, key])
}

/// `runtime_type` names no shim.
fn kind(run: &Run<'_>, runtime: &Runtime) -> Option<(Location, String)> {
    let kind = runtime.kind.as_str();
    let key = key(run, runtime, "runtime_type");
    let at = match run.settings.get(&key) {
        Some(setting) => located(setting),
        None => place(
            run,
            key.get(..key.len().saturating_sub(1)).unwrap_or_default(),
        ),
    };
    if kind.is_empty() {
        return Some((at, "its runtime_type is empty".to_owned()));
    }
    let path = if run.release < Release::V1_7 {
        ""
    } else {
        key_text(run, runtime, "runtime_path")
    };
    // The last two parts of a name are those of a shim's.
    if kind.starts_with('/') || !path.is_empty() || kind.contains('.') {
        return None;
    }
    let kind = Text::from(kind);
    Some((
        at,
        format!("its runtime_type {kind} is neither the name of a shim nor a path"),
    ))
}

fn key_text<'r>(run: &'r Run<'_>, runtime: &Runtime, name: &str) -> &'r str {
    let key = key(run, runtime, name);
    run.settings.text_setting(&key).unwrap_or_default()
}

/// A value of `options` whose type the shim's options do not have.
fn options(run: &Run<'_>, runtime: &Runtime) -> Option<(Location, String)> {
    let base = key(run, runtime, "options");
    let is_runc = runtime.kind.starts_with("io.containerd.runc.");
    let table = match runtime.kind.as_str() {
        _ if is_runc => RUNC,
        "io.containerd.runtime.v1.linux" | "io.containerd.runhcs.v1" => return None,
        _ => OTHERS,
    };
    let all = run.settings.all().iter();
    let mut own = all.filter_map(|setting| match setting.below(&base)? {
        [name] => Some((setting, name)),
        _ => None,
    });
    own.find_map(|(setting, name)| {
        // A key is found whatever its letters' case.
        let known = table
            .iter()
            .find(|(known, _)| known.eq_ignore_ascii_case(name));
        let (known, want) = known?;
        let fits = match &setting.value {
            Scalar::Text(_) => *want == "a string",
            Scalar::Integer(number) => *want == "a number" && u32::try_from(*number).is_ok(),
            Scalar::Bool(_) => *want == "a boolean",
            _ => false,
        };
        let found = setting.value.word();
        (!fits).then(|| {
            (
                located(setting),
                format!("{known} of its options is {found}, not {want}"),
            )
        })
    })
}

/// A snapshotter of its own (since 1.7) that is not there.
fn own_snapshotter(run: &Run<'_>, runtime: &Runtime) -> Option<(Location, String)> {
    if run.release < Release::V1_7 {
        return None;
    }
    let name = key_text(run, runtime, "snapshotter");
    if name.is_empty() || !snapshotter::is_missing(run, name) {
        return None;
    }
    let at = place(run, &key(run, runtime, "snapshotter"));
    let name = Text::from(name);
    Some((at, format!("its snapshotter {name} is not there")))
}

/// A sandboxer that is none (2.x).
fn sandboxer(run: &Run<'_>, runtime: &Runtime) -> Option<(Location, String)> {
    let name = key_text(run, runtime, "sandboxer");
    if run.release < Release::V2_0 || matches!(name, "" | "podsandbox" | "shim") {
        return None;
    }
    let proxy = ["proxy_plugins", name];
    if run.settings.get(&proxy).is_some()
        || known(run.release).has_plugin(&format!("io.containerd.sandbox.controller.v1.{name}"))
    {
        return None;
    }
    let at = place(run, &key(run, runtime, "sandboxer"));
    let name = Text::from(name);
    Some((at, format!("there is no sandboxer {name}")))
}

/// Programs of the runtime that pods get, of which the evidence does not say whether they are there.
fn programs(run: &mut Run<'_>, runtime: &Runtime) {
    let node = run.node;
    if !runtime.is_default || node.programs.unknown.is_some() {
        return;
    }
    // What is looked for by its name is found in one of many folders.
    let named = [
        below(&key(run, runtime, "options"), &["BinaryName"]),
        key(run, runtime, "runtime_path"),
    ];
    let named = named.map(|key| run.settings.text_setting(&key).unwrap_or_default());
    let is_untold = |one: &&RuntimeProgram| {
        let name = one.wanted.name.as_str();
        name.starts_with('/') && named.contains(&name) && one.found == Program::Unknown
    };
    let untold: Vec<&RuntimeProgram> = node.programs.all.iter().filter(is_untold).collect();
    for one in untold {
        let name = Text::from(one.wanted.name.as_str());
        let why = format!(
            "{} needs it, and whether it is there is not in the evidence",
            one.wanted.by
        );
        run.not_known(Part::Programs, format!("the program {name}"), why);
    }
    // Every release comes with runc's shim; another is a package of its own.
    let path = key_text(run, runtime, "runtime_path");
    let shim = node::shim_program(&runtime.kind).filter(|_| path.is_empty());
    let is_untold = |shim: &String| {
        let mut all = node.programs.all.iter();
        all.any(|one| one.wanted.name == *shim && one.found == Program::Unknown)
    };
    if let Some(shim) = shim.filter(|shim| shim != "containerd-shim-runc-v2" && is_untold(shim)) {
        let why =
            "the runtime that pods get needs it, and whether it is there is not in the evidence";
        let name = format!("the program {}", Text::from(shim));
        run.not_known(Part::Programs, name, why);
    }
    let cgroup = key(run, runtime, "options");
    let cgroup = below(&cgroup, &["ShimCgroup"]);
    let group = run.settings.text_setting(&cgroup).unwrap_or_default();
    if !group.is_empty() {
        let name = format!("ShimCgroup ({})", Text::from(group));
        let why = "no pod is made where the machine has no such control group, and that is not in the files";
        run.not_known(Part::Configuration, name, why);
    }
}

/// A profile for containers that bring none, which is no profile.
fn seccomp(run: &mut Run<'_>) {
    let base = places(run.release).runtime;
    let key = below(&base, &["unset_seccomp_profile"]);
    let profile = run.settings.text_setting(&key).unwrap_or_default();
    let known = ["", "unconfined", "runtime/default", "docker/default"];
    if known.contains(&profile) {
        return;
    }
    let at = place(run, &key);
    let shown = Text::from(profile);
    if let Some(file) = profile.strip_prefix("localhost/") {
        let file = Text::from(file);
        let why = "no container without a profile of its own is made where it is no profile, and the file was not looked into";
        run.not_known(
            Part::Configuration,
            format!("the seccomp profile {file}"),
            why,
        );
        return;
    }
    let does = format!(
        "makes no pod that brings no seccomp profile: unset_seccomp_profile is {shown}, which is none"
    );
    let statement = run.statement(&rules::RUNTIME_REFUSED).does(does);
    run.note(statement.at(at));
}

/// Files of the machine that each pod gets a copy of. A kubelet brings DNS settings of its own.
fn host_files(run: &mut Run<'_>) {
    let has_kubelet = run
        .node
        .clients
        .iter()
        .any(|client| client.who == "kubelet");
    for (path, why) in &run.node.around.host_files {
        let is_needed = *path == "/etc/hosts" || !has_kubelet;
        if is_needed {
            let does = format!("makes no pod: it copies {path} for each, and {why}");
            let statement = run.statement(&rules::HOST_FILE).does(does);
            run.note(statement.at(Location::file(*path)));
        }
    }
}

/// The size of the largest message that the daemon takes or sends.
pub(super) fn messages(run: &mut Run<'_>) {
    for key in ["max_recv_message_size", "max_send_message_size"] {
        let path = ["grpc", key];
        let size = run
            .settings
            .get(&path)
            .map(|setting: &Setting| &setting.value);
        // 0 and less is as if nothing were said.
        if let Some(Scalar::Integer(size)) = size
            && (1..USUAL_MESSAGE).contains(size)
        {
            let does = format!("refuses what its clients ask or get in more than {size} bytes");
            let at = place(run, &path);
            run.note(run.statement(&rules::MESSAGE_SIZE).does(does).at(at));
        }
    }
}

/// What clients take and send by themselves: 4 MiB.
const USUAL_MESSAGE: i64 = 4 << 20;
