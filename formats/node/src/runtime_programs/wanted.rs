//! Which programs containers need: what config.toml names, what records of meta.db and bundles do.

use finding::Text;
use metadb::{Any, MetaDb};
use runc::Runtime;

use crate::{Roots, Scalar};

/// The tables of the CRI's plugin for runtimes: of version 3, 2 and 1.
const TABLES: &[&str] = &[
    "io.containerd.cri.v1.runtime",
    "io.containerd.grpc.v1.cri",
    "cri",
];
/// What a pod gets that names no runtime.
const DEFAULT: &str = "runc";
/// The runtime that every release has.
const USUAL: &str = "io.containerd.runc.v2";

/// What a program is to containers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Role {
    /// containerd calls it for each task.
    Shim,
    /// The shim calls it.
    Runtime,
}

/// A program that somebody names.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Wanted {
    /// Its name, which is looked for, or its path.
    pub name: String,
    /// What it is.
    pub role: Role,
    /// Who names it, in words.
    pub by: String,
    /// Whether a container or each new pod needs it; else only pods that ask for it.
    pub needed: bool,
}

/// The shim that a runtime's name stands for: `io.containerd.runc.v2` is `containerd-shim-runc-v2`.
pub fn shim(name: &str) -> Option<String> {
    let mut parts = name.rsplit('.');
    let (version, runtime) = (parts.next()?, parts.next()?);
    let plain = |part: &str| {
        !part.is_empty()
            && part
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
    };
    (plain(version) && plain(runtime) && parts.next().is_some())
        .then(|| format!("containerd-shim-{runtime}-{version}"))
}

/// What a runtime of this name needs, with `binary` for the program that its shim calls.
fn both(runtime: &str, binary: Option<&str>, by: &str, needed: bool) -> Vec<Wanted> {
    let is_path = runtime.starts_with('/');
    let own = if is_path {
        Some(runtime.to_owned())
    } else {
        shim(runtime)
    };
    let want = |name: &str, role| Wanted {
        name: name.to_owned(),
        role,
        by: by.to_owned(),
        needed,
    };
    let base = runtime.rsplit('/').next().unwrap_or(runtime);
    let is_runc =
        base.starts_with("io.containerd.runc.") || base.starts_with("containerd-shim-runc-");
    let program = binary.filter(|name| !name.is_empty()).unwrap_or("runc");
    let program = is_runc.then(|| want(program, Role::Runtime));
    own.map(|own| want(&own, Role::Shim))
        .into_iter()
        .chain(program)
        .collect()
}

/// Every program that is named, once for each who names it.
pub(super) fn all(roots: &Roots, rows: Option<&MetaDb>, runtime: Option<&Runtime>) -> Vec<Wanted> {
    let mut found = configured(roots);
    found.extend(recorded(rows));
    found.extend(bundled(runtime));
    found.sort();
    // Who needs it speaks first.
    found.sort_by_key(|it| !it.needed);
    let mut kept: Vec<Wanted> = Vec::new();
    for one in found {
        if kept.iter().all(|it| it.name != one.name) {
            kept.push(one);
        }
    }
    kept
}

/// The runtimes of config.toml.
fn configured(roots: &Roots) -> Vec<Wanted> {
    let config = roots
        .config
        .as_ref()
        .filter(|config| config.faults.is_empty());
    let settings = config.map(|config| &config.settings);
    let all = settings.map_or(&[][..], |settings| settings.all());
    let text = |path: &[&str]| -> Option<&str> {
        TABLES.iter().find_map(|table| {
            let path = [&["plugins", table, "containerd"], path].concat();
            match &settings?.get(&path)?.value {
                Scalar::Text(text) if !text.is_empty() => Some(text.as_str()),
                _ => None,
            }
        })
    };
    let default = text(&["default_runtime_name"]).unwrap_or(DEFAULT);
    let mut names: Vec<&str> = all
        .iter()
        .filter_map(|setting| match setting.path.as_slice() {
            [plugins, table, containerd, runtimes, name, ..]
                if plugins == "plugins"
                    && TABLES.contains(&table.as_str())
                    && containerd == "containerd"
                    && runtimes == "runtimes" =>
            {
                Some(name.as_str())
            }
            _ => None,
        })
        .collect();
    names.push(default);
    names.sort_unstable();
    names.dedup();
    let wanted = names.into_iter().flat_map(|name| {
        let usual = (name == DEFAULT).then_some(USUAL);
        let kind = text(&["runtimes", name, "runtime_type"]).or(usual);
        let path = text(&["runtimes", name, "runtime_path"]);
        let binary = text(&["runtimes", name, "options", "BinaryName"]);
        let by = format!("the runtime {} of config.toml", Text::from(name));
        let needed = name == default;
        let kind = kind.unwrap_or_default();
        let mut wanted = both(kind, binary, &by, needed);
        if let (Some(path), Some(first)) = (path, wanted.first_mut()) {
            path.clone_into(&mut first.name);
        }
        wanted
    });
    // Without a configuration it is the daemon's own that counts.
    let by_default = |it: &mut Wanted| {
        if config.is_none() {
            "containerd, by default".clone_into(&mut it.by);
        }
    };
    let mut wanted: Vec<Wanted> = wanted.collect();
    wanted.iter_mut().for_each(by_default);
    // What cannot be read may name others.
    if roots.config.is_some() && config.is_none() {
        wanted.clear();
    }
    wanted
}

/// The runtimes of records.
fn recorded(rows: Option<&MetaDb>) -> Vec<Wanted> {
    let mut found: Vec<Wanted> = Vec::new();
    for namespace in rows.into_iter().flat_map(MetaDb::namespaces) {
        for row in namespace.containers.read().into_iter().flatten() {
            // Of other runtimes the check of records speaks.
            let runtime = row.value.runtime.as_ref();
            let Some(runtime) = runtime.filter(|it| it.name == *USUAL) else {
                continue;
            };
            let binary = runtime.options.as_ref().and_then(binary_name);
            let binary = binary.as_ref().and_then(|name| name.utf8());
            let by = format!("the container {}/{}", namespace.name, row.key);
            for wanted in both(runtime.name.utf8().unwrap_or_default(), binary, &by, true) {
                if found.iter().all(|it| it.name != wanted.name) {
                    found.push(wanted);
                }
            }
        }
    }
    found
}

/// `binary_name` of `containerd.runc.v1.Options`.
fn binary_name(options: &Any) -> Option<Text> {
    if !options
        .type_url
        .bytes()
        .ends_with(b"containerd.runc.v1.Options")
    {
        return None;
    }
    let fields = metadb::proto_fields(&options.value).ok()?;
    fields.into_iter().find_map(|field| match field.value {
        metadb::ProtoValue::Bytes(bytes) if field.number == 6 => Some(Text::from(bytes)),
        _ => None,
    })
}

/// The programs that the bundles of tasks name: a start looks for the shim's.
fn bundled(runtime: Option<&Runtime>) -> Vec<Wanted> {
    let mut found: Vec<Wanted> = Vec::new();
    let bundles = runtime.into_iter().flat_map(|runtime| &runtime.bundles);
    for bundle in bundles.filter(|bundle| !bundle.hidden) {
        let options = bundle.options.get();
        let binary = options.and_then(|options| options.binary_name.as_ref());
        let named = [
            (&bundle.shim_binary, Role::Shim),
            (&binary.cloned(), Role::Runtime),
        ]
        .map(|(name, role)| {
            (
                name.as_ref()
                    .and_then(|name| name.utf8().map(str::to_owned)),
                role,
            )
        });
        for (name, role) in named {
            let Some(name) = name.filter(|name| !name.is_empty()) else {
                continue;
            };
            if found.iter().all(|it| it.name != name) {
                found.push(Wanted {
                    name,
                    role,
                    by: format!("the task {}/{}", bundle.namespace, bundle.id),
                    needed: true,
                });
            }
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::{Role, both, shim};

    #[test]
    fn a_runtime_stands_for_a_program() {
        for (name, want) in [
            ("io.containerd.runc.v2", Some("containerd-shim-runc-v2")),
            (
                "io.containerd.kata-qemu.v2",
                Some("containerd-shim-kata-qemu-v2"),
            ),
            ("io.containerd.runsc.v1", Some("containerd-shim-runsc-v1")),
            ("runc", None),
            ("io.containerd.../x.v1", None),
        ] {
            assert_eq!(shim(name).as_deref(), want, "{name}");
        }
    }

    #[test]
    fn only_runcs_shim_calls_another_program() {
        let names = |runtime: &str, binary: Option<&str>| -> Vec<(String, Role)> {
            let all = both(runtime, binary, "", true).into_iter();
            all.map(|it| (it.name, it.role)).collect()
        };
        let shim = ("containerd-shim-runc-v2".to_owned(), Role::Shim);
        assert_eq!(
            names("io.containerd.runc.v2", None),
            [shim.clone(), ("runc".to_owned(), Role::Runtime)]
        );
        assert_eq!(
            names("io.containerd.runc.v2", Some("/usr/bin/crun")),
            [shim, ("/usr/bin/crun".to_owned(), Role::Runtime)]
        );
        assert_eq!(
            names("/opt/kata/bin/containerd-shim-kata-v2", None),
            [(
                "/opt/kata/bin/containerd-shim-kata-v2".to_owned(),
                Role::Shim
            )]
        );
        assert_eq!(names("", None), []);
    }
}
