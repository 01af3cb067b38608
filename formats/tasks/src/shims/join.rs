//! Bundles, sockets and processes become shims.

use std::collections::BTreeMap;

use finding::Text;
use node::Node;
use process::{Process, Processes};
use runc::{Bundle, Keeper, Runtime, SOCKETS, socket_name};
use stuck::{Diagnosis, Host, Shim as Found};

use super::{Child, Condition, KnownBy, Reparented, Shim, ShimProcess};
use crate::{judged, short};

/// All shims of a node, by socket, and the inits that have lost theirs. Of its processes, where all are known, also
/// which tasks hang.
pub fn shims(node: &Node, processes: Option<&Processes>) -> (Vec<Shim>, Vec<Reparented>) {
    let empty = Runtime::default();
    let runtime = node.runtime.read().unwrap_or(&empty);
    let mut shims: BTreeMap<Text, Shim> = BTreeMap::new();
    for bundle in &runtime.bundles {
        of_bundle(bundle, runtime, &mut shims);
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
    let host = processes.map(|processes| Host::new(runtime, processes));
    if let (Some(processes), Some(host)) = (processes, &host) {
        for shim in host.shims() {
            of_process(shim, runtime, processes, &mut shims);
        }
        listeners(processes, &mut shims);
    }
    attribute(node, &mut shims);
    let known = processes.is_some_and(|processes| processes.whole);
    for shim in shims.values_mut() {
        judge(shim, known, runtime);
        shim.ways = shim.conditions.iter().map(|it| it.way(shim)).collect();
    }
    let mut shims: Vec<Shim> = shims.into_values().collect();
    if known && node.runtime.read().is_some() {
        hanging(&mut shims, &judged(node));
    }
    let reparented = processes
        .zip(host.as_ref())
        .map(|(processes, host)| reparented(runtime, processes, host))
        .unwrap_or_default();
    (shims, reparented)
}

/// The socket at which a bundle says that its shim is, or would be.
fn socket_of(bundle: &Bundle) -> Text {
    let said = bundle.shim().map(runc::Address::path);
    said.unwrap_or_else(|| Text::from(format!("{SOCKETS}/{}", bundle.socket)))
}

fn of_bundle(bundle: &Bundle, runtime: &Runtime, shims: &mut BTreeMap<Text, Shim>) {
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
    if !runtime.is_read(bundle) {
        shim.not_read = Some(runtime.keeper(bundle).to_string());
    }
    shim.tasks.push(bundle.id.clone());
}

fn of_process(
    found: &Found<'_>,
    runtime: &Runtime,
    processes: &Processes,
    shims: &mut BTreeMap<Text, Shim>,
) {
    let (namespace, id) = (&found.namespace, &found.id);
    let address = found.address.as_ref().map_or(&b""[..], Text::bytes);
    let name = socket_name(address, namespace.bytes(), id.bytes(), false);
    let path = format!("{SOCKETS}/{name}");
    let computed = match found.other {
        None => Text::from(path),
        Some(stuck::Other::Daemon(_)) if shims.contains_key(&Text::from(path.as_str())) => {
            Text::from(path)
        }
        // In a node inside this one the same path is another socket.
        Some(_) => Text::from(format!("{path} of pid {}", found.process.pid)),
    };
    // A bundle that names another socket for the same group is served by this shim.
    let of_group = |shim: &&Shim| {
        let same = shim.namespace.as_ref() == Some(namespace) && shim.group.as_ref() == Some(id);
        same && found.other.is_none()
    };
    let key = if shims.contains_key(&computed) {
        computed
    } else {
        let named = shims.values().find(of_group);
        named.map_or(computed, |shim| shim.socket.clone())
    };
    // Two shims of one group: the socket is that of one of them. Both are listed.
    let is_taken = shims.get(&key).is_some_and(|shim| shim.process.is_some());
    let holds = |pid: u32| {
        let mut children = processes.children(pid);
        children.any(|child| !child.stat.is_dead())
    };
    let mut second = None;
    if is_taken {
        let first = shims.get(&key).and_then(|shim| shim.process.as_ref());
        let first = first.map_or(0, |process| process.pid);
        let place = |pid: u32| Text::from(format!("{key} of pid {pid}"));
        if holds(found.process.pid) && !holds(first) {
            // The one that holds the container is told with the bundle.
            if let Some(shim) = shims.get_mut(&key) {
                let older = Shim {
                    namespace: shim.namespace.clone(),
                    group: shim.group.clone(),
                    known_by: Some(KnownBy::Process),
                    process: shim.process.take(),
                    is_second: true,
                    ..Shim::default()
                };
                shims.insert(place(first), older);
            }
        } else {
            second = Some(place(found.process.pid));
        }
    }
    let is_second = second.is_some();
    let key = second.unwrap_or(key);
    let shim = shims.entry(key.clone()).or_default();
    shim.is_second = is_second;
    let is_path = key.bytes().ends_with(name.as_bytes());
    shim.socket = if is_path { key } else { Text::default() };
    shim.other.clone_from(&found.other);
    if let Some(keeper @ Keeper::Unread(_)) = Keeper::of_process(found.process.program()) {
        shim.not_read = Some(keeper.to_string());
    }
    if shim.other.is_none() && shim.there.is_none() && runtime.sockets.is_some() {
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
    for shim in shims.values_mut().filter(|shim| shim.other.is_none()) {
        shim.listens = Some(false);
        shim.connections = Some(0);
        shim.backlog = Some(0);
    }
    for socket in sockets {
        let Some(shim) = shims.get_mut(&socket.path) else {
            continue;
        };
        if socket.listens {
            shim.listens = Some(true);
        }
        if socket.waiting {
            shim.backlog = shim.backlog.map(|count| count.saturating_add(1));
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
    let namespaces = node.namespaces();
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
    if shim.other.is_some() || shim.not_read.is_some() {
        return;
    }
    let mut found = Vec::new();
    let has_bundle = !shim.tasks.is_empty();
    let bundles_known = runtime.whole.bundles;
    if shim.process.is_some() && shim.is_second {
        shim.conditions = vec![Condition::ShimTwice];
        return;
    }
    if let Some(process) = &shim.process {
        if !has_bundle && bundles_known {
            found.push(Condition::ShimWithoutBundle);
        }
        match process.state {
            'T' | 't' => found.push(Condition::ShimStopped),
            'D' => found.push(Condition::ShimHangs),
            _ if shim.backlog.is_some_and(|waiting| waiting > 0) => {
                found.push(Condition::ShimMute);
            }
            _ => {}
        }
        let lives = |child: &&Child| !matches!(child.state, 'Z' | 'X');
        // One that keeps the exit code of a task until somebody asks for it is well.
        let keeps = |id: &Text| {
            let mut containers = runtime.containers.iter();
            containers.any(|it| it.id == *id && it.namespace == shim.namespace && it.has_state())
        };
        let keeps = !runtime.whole.containers || shim.tasks.iter().any(keeps);
        let is_idle = !keeps && !process.children.iter().any(|child| lives(&child));
        if is_idle && !has_bundle && bundles_known {
            // A start of containerd looks for shims by their bundles: it does not find this one.
            found.retain(|condition| *condition != Condition::ShimWithoutBundle);
            found.push(Condition::ShimLeftOver);
        } else if is_idle {
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
fn reparented(runtime: &Runtime, processes: &Processes, host: &Host<'_>) -> Vec<Reparented> {
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
        // Of whom another keeper looks after, nothing is known but that.
        let is_kept = !matches!(host.owner_of(processes, process), stuck::Belongs::Nobody);
        if is_it && !is_kept && container.other_daemon(&runtime.state).is_none() {
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

/// Names the tasks of shims that hang: a shim may be well, and its task not.
fn hanging(shims: &mut [Shim], verdicts: &[Diagnosis]) {
    for one in verdicts.iter().filter(|one| one.state.is_stuck()) {
        let owner = shims.iter_mut().find(|shim| {
            shim.other.is_none() && shim.namespace == one.namespace && shim.tasks.contains(&one.id)
        });
        if let Some(shim) = owner {
            let id = short(&one.id);
            shim.hanging.push(format!("{id} is {}", one.state));
        }
    }
}
