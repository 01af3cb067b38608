//! Bundles, sockets and processes become shims.

use std::collections::BTreeMap;

use finding::Text;
use node::Node;
use process::{Process, Processes};
use runc::{Bundle, Runtime, SOCKETS, socket_name};

use super::{Child, Condition, KnownBy, Reparented, Shim, ShimProcess};

/// A process of a shim, and what its command line says.
struct Found<'p> {
    process: &'p Process,
    namespace: Option<Text>,
    id: Option<Text>,
    address: Option<Text>,
}

/// All shims of a node, by socket, and the inits that have lost theirs.
pub(super) fn join(node: &Node, processes: Option<&Processes>) -> (Vec<Shim>, Vec<Reparented>) {
    let empty = Runtime::default();
    let runtime = node.runtime.read().unwrap_or(&empty);
    let mut shims: BTreeMap<Text, Shim> = BTreeMap::new();
    for bundle in &runtime.bundles {
        of_bundle(bundle, &mut shims);
    }
    for socket in runtime.sockets.iter().flatten() {
        let shim = shims.entry(socket.path.clone()).or_default();
        shim.socket = socket.path.clone();
        shim.there = Some(true);
        shim.ours |= !socket.bundles.is_empty();
    }
    if runtime.sockets.is_some() {
        for shim in shims.values_mut() {
            shim.there = Some(shim.there.unwrap_or(false));
        }
    }
    let found: Vec<Found<'_>> = processes.map(all).unwrap_or_default();
    if let Some(processes) = processes {
        for shim in &found {
            of_process(shim, runtime, processes, &mut shims);
        }
        listeners(processes, &mut shims);
    }
    attribute(node, &mut shims);
    let known = processes.is_some_and(|processes| processes.whole);
    for shim in shims.values_mut() {
        judge(shim, known, runtime);
    }
    let shims = shims.into_values().collect();
    let reparented = processes
        .map(|processes| reparented(runtime, processes, &found))
        .unwrap_or_default();
    (shims, reparented)
}

/// The socket at which a bundle says that its shim is, or would be.
fn socket_of(bundle: &Bundle) -> Text {
    let said = bundle.shim().map(runc::Address::path);
    said.unwrap_or_else(|| Text::from(format!("{SOCKETS}/{}", bundle.socket)))
}

fn of_bundle(bundle: &Bundle, shims: &mut BTreeMap<Text, Shim>) {
    let path = socket_of(bundle);
    let spec = bundle.spec.get();
    let shim = shims.entry(path.clone()).or_default();
    let name = Text::from(bundle.socket.as_str());
    shim.ours |= path.bytes().ends_with(name.bytes());
    shim.socket = path;
    shim.namespace
        .get_or_insert_with(|| bundle.namespace.clone());
    if let Some(spec) = spec {
        shim.group
            .get_or_insert_with(|| spec.group(&bundle.id).clone());
    }
    shim.known_by = Some(KnownBy::Bundle);
    let pod = spec.and_then(runc::Spec::pod);
    if let Some(name) = pod.as_ref().and_then(|pod| pod.name.as_ref()) {
        let namespace = pod.as_ref().and_then(|pod| pod.namespace.as_ref());
        let full = match namespace {
            Some(namespace) => [namespace.bytes(), name.bytes()].join(&b'/'),
            None => name.bytes().to_vec(),
        };
        shim.pod = Some(Text::from(full));
    }
    shim.binary = shim.binary.take().or_else(|| bundle.shim_binary.clone());
    shim.tasks.push(bundle.id.clone());
}

/// Every process that is a shim and not one of its commands.
fn all(processes: &Processes) -> Vec<Found<'_>> {
    let is_shim = |process: &&Process| {
        let program = process.program();
        let name = program.rsplit(|byte| *byte == b'/').next();
        let is_command = process.cmdline.as_ref().is_some_and(|words| {
            let last = words.last().map(Text::bytes);
            matches!(last, Some(b"start" | b"delete"))
        });
        name.is_some_and(|name| name.starts_with(b"containerd-shim")) && !is_command
    };
    let found = processes.iter().filter(is_shim).map(|process| Found {
        namespace: flag(process, b"-namespace"),
        id: flag(process, b"-id"),
        address: flag(process, b"-address"),
        process,
    });
    found.filter(|shim| shim.id.is_some()).collect()
}

/// The word after `-name` or `--name`.
fn flag(process: &Process, name: &[u8]) -> Option<Text> {
    let words = process.cmdline.as_ref()?;
    let is_name =
        |word: &&Text| word.bytes() == name || word.bytes().strip_prefix(b"-") == Some(name);
    let at = words.iter().position(|word| is_name(&word))?;
    words.get(at.checked_add(1)?).cloned()
}

fn of_process(
    found: &Found<'_>,
    runtime: &Runtime,
    processes: &Processes,
    shims: &mut BTreeMap<Text, Shim>,
) {
    let (Some(namespace), Some(id)) = (&found.namespace, &found.id) else {
        return;
    };
    let address = found.address.as_ref().map_or(&b""[..], Text::bytes);
    let name = socket_name(address, namespace.bytes(), id.bytes(), false);
    let computed = Text::from(format!("{SOCKETS}/{name}"));
    // A bundle that names another socket for the same group is served by this shim.
    let of_group = |shim: &&Shim| {
        shim.namespace.as_ref() == Some(namespace) && shim.group.as_ref() == Some(id)
    };
    let key = if shims.contains_key(&computed) {
        computed
    } else {
        let named = shims.values().find(of_group);
        named.map_or(computed, |shim| shim.socket.clone())
    };
    let shim = shims.entry(key.clone()).or_default();
    shim.socket = key;
    if shim.there.is_none() && runtime.sockets.is_some() {
        shim.there = Some(false);
    }
    shim.namespace.get_or_insert_with(|| namespace.clone());
    shim.group.get_or_insert_with(|| id.clone());
    shim.known_by.get_or_insert(KnownBy::Process);
    let process = found.process;
    let children = processes.children(process.pid).map(|child| Child {
        pid: child.pid,
        state: child.stat.state,
        name: child.stat.comm.clone(),
        init_of: init_of(child, runtime),
    });
    shim.process = Some(ShimProcess {
        pid: process.pid,
        state: process.stat.state,
        ppid: process.stat.ppid,
        address: found.address.clone(),
        bundle: process.cwd.clone(),
        children: children.collect(),
    });
}

/// The container whose init this is: by number and start.
fn init_of(process: &Process, runtime: &Runtime) -> Option<Text> {
    let is_it = |container: &&runc::Container| {
        let start = container
            .best_state()
            .and_then(|state| state.init_process_start);
        container.pid() == Some(i64::from(process.pid))
            && start.is_none_or(|start| start == process.stat.start_ticks)
    };
    let found = runtime.containers.iter().find(is_it)?;
    Some(found.id.clone())
}

/// Who listens at which socket, and what of that has no file.
fn listeners(processes: &Processes, shims: &mut BTreeMap<Text, Shim>) {
    let Some(sockets) = &processes.sockets else {
        return;
    };
    for shim in shims.values_mut() {
        shim.listens = Some(false);
        shim.connections = Some(0);
    }
    for socket in sockets {
        let Some(shim) = shims.get_mut(&socket.path) else {
            continue;
        };
        if socket.listens {
            shim.listens = Some(true);
        }
        if socket.connected {
            shim.connections = shim.connections.map(|count| count.saturating_add(1));
        }
    }
}

/// Sockets that nothing names, by the containers and sandboxes of meta.db.
fn attribute(node: &Node, shims: &mut BTreeMap<Text, Shim>) {
    if shims.values().all(|shim| shim.known_by.is_some()) {
        return;
    }
    let state = node::path_text(&node.roots.state.join("containerd.sock"));
    let config = node.roots.config.as_ref();
    let mut addresses = vec![state];
    addresses.extend(config.and_then(|config| config.address.clone()));
    addresses.push(Text::from("/run/containerd/containerd.sock"));
    addresses.sort();
    addresses.dedup();
    let namespaces = node.meta.rows.iter().flat_map(metadb::MetaDb::namespaces);
    for namespace in namespaces {
        let containers = namespace.containers.read().into_iter().flatten();
        let sandboxes = namespace.sandboxes.read().into_iter().flatten();
        let ids = containers
            .map(|row| &row.key)
            .chain(sandboxes.map(|row| &row.key));
        for id in ids {
            for address in &addresses {
                for debug in [false, true] {
                    let name =
                        socket_name(address.bytes(), namespace.name.bytes(), id.bytes(), debug);
                    let path = Text::from(format!("{SOCKETS}/{name}"));
                    if let Some(shim) = shims.get_mut(&path)
                        && shim.known_by.is_none()
                    {
                        shim.ours = true;
                        shim.namespace = Some(namespace.name.clone());
                        shim.group = Some(id.clone());
                        shim.known_by = Some(KnownBy::Record);
                    }
                }
            }
        }
    }
}

/// What is wrong with a shim; only what is known counts.
fn judge(shim: &mut Shim, processes_known: bool, runtime: &Runtime) {
    let mut found = Vec::new();
    let has_bundle = !shim.tasks.is_empty();
    let bundles_known = runtime.whole.bundles;
    if let Some(process) = &shim.process {
        if !has_bundle && bundles_known {
            found.push(Condition::ShimWithoutBundle);
        }
        match process.state {
            'T' | 't' => found.push(Condition::ShimStopped),
            'D' => found.push(Condition::ShimHangs),
            _ => {}
        }
        let lives = |child: &&Child| !matches!(child.state, 'Z' | 'X');
        // One that keeps the exit code of a task until somebody asks for it is well.
        let keeps = |id: &Text| {
            let mut containers = runtime.containers.iter();
            containers.any(|it| it.id == *id && it.namespace == shim.namespace && it.has_state())
        };
        let keeps = !runtime.whole.containers || shim.tasks.iter().any(keeps);
        if !keeps && !process.children.iter().any(|child| lives(&child)) {
            found.push(Condition::ShimWithoutProcesses);
        }
        if shim.there == Some(false) {
            found.push(Condition::SocketMissing);
        } else if shim.listens == Some(false) {
            found.push(Condition::SocketDead);
        }
    } else if has_bundle {
        if processes_known && shim.listens != Some(true) {
            found.push(Condition::BundleWithoutShim);
        }
        if shim.listens == Some(false) && shim.there == Some(true) {
            found.push(Condition::SocketDead);
        }
    } else if shim.there == Some(true) && shim.listens != Some(true) && bundles_known {
        found.push(if shim.known_by.is_none() && shim.listens.is_none() {
            Condition::SocketForeign
        } else {
            Condition::SocketLeaked
        });
    } else if shim.there == Some(true) && !shim.ours {
        found.push(Condition::SocketForeign);
    }
    found.sort();
    shim.conditions = found;
}

/// Inits that live and are no child of a shim.
fn reparented(runtime: &Runtime, processes: &Processes, shims: &[Found<'_>]) -> Vec<Reparented> {
    let mut found = Vec::new();
    for container in &runtime.containers {
        // What runc was called for by hand has no shim.
        if container.namespace.is_none() {
            continue;
        }
        let pid = container.pid().and_then(|pid| u32::try_from(pid).ok());
        let Some(process) = pid.and_then(|pid| processes.get(pid)) else {
            continue;
        };
        let is_it = init_of(process, runtime).is_some() && !process.stat.is_dead();
        let has_shim = shims
            .iter()
            .any(|shim| shim.process.pid == process.stat.ppid);
        if is_it && !has_shim {
            let parent = processes.get(process.stat.ppid);
            found.push(Reparented {
                namespace: container.namespace.clone(),
                id: container.id.clone(),
                pid: process.pid,
                ppid: process.stat.ppid,
                parent: parent.map(|parent| parent.stat.comm.clone()),
            });
        }
    }
    found
}
