//! Real captures: what the daemon said of its tasks, against what the files tell.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::disallowed_methods,
    reason = "tests panic where something is wrong"
)]

use std::path::Path;

use evidence::{Evidence, Options};
use runc::{CriState, Doc, Phase, Runtime};
use serde_json::Value;

fn read_capture(packed: &[u8]) -> Runtime {
    let evidence = Evidence::open_stream(packed, &Options::default()).unwrap();
    let root = Path::new("/var/lib/containerd");
    let known = runc::read_runtime(&evidence, root, Path::new("/run/containerd"), &[]);
    let unknown = known.unknown().to_vec();
    let runtime = known.read().cloned();
    runtime.unwrap_or_else(|| panic!("{unknown:?}"))
}

fn truth(node: &str) -> Value {
    let path = testcase::testdata()
        .join("nodes")
        .join(node)
        .join("truth.json");
    serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap()
}

/// Every task that the daemon knew, with the pid and the state that it said.
#[test]
fn what_the_daemon_said_is_what_the_files_tell() {
    let mut seen = 0;
    for node in testcase::nodes()
        .iter()
        .filter(|node| node.ends_with("-running"))
    {
        let runtime = read_capture(&testcase::packed(node));
        let truth = truth(node);
        for (namespace, said) in truth["api"]["namespaces"].as_object().unwrap() {
            for (id, task) in said["tasks"].as_object().unwrap() {
                let container = runtime
                    .containers
                    .iter()
                    .find(|container| container.id == **id)
                    .unwrap_or_else(|| panic!("{node}: {namespace}/{id} is missing"));
                assert_eq!(container.namespace.as_ref().unwrap(), &**namespace);
                let want = match task["status"].as_str().unwrap() {
                    "CREATED" => Phase::Created,
                    _ => Phase::Started,
                };
                let derived = &container.derived;
                assert_eq!((derived.phase, derived.sure), (want, true), "{node}: {id}");
                assert_eq!(container.pid(), task["pid"].as_i64(), "{node}: {id}");
                let bundle = runtime
                    .bundles
                    .iter()
                    .find(|bundle| bundle.id == **id)
                    .unwrap_or_else(|| panic!("{node}: {id} has no bundle"));
                assert_eq!(bundle.init_pid.whole().copied(), task["pid"].as_i64());
                seen += 1;
            }
        }
    }
    assert!(seen >= 20, "{seen} tasks");
}

/// Healthy nodes, in whatever state: nothing is damaged, and every socket is named by the formula.
#[test]
fn healthy_nodes_have_whole_files() {
    for node in testcase::nodes() {
        let runtime = read_capture(&testcase::packed(&node));
        for container in &runtime.containers {
            if !container.state.is_absent() {
                let state = container.state.whole();
                let state = state.unwrap_or_else(|| panic!("{node}: {:?}", container.state));
                assert_eq!(state.id.as_ref(), Some(&container.id), "{node}");
                assert!(state.unknown.is_empty(), "{node}: {:?}", state.unknown);
                let (path, there) = container.bundle.as_ref().unwrap();
                assert_eq!(there, &Ok(()), "{node}: {path}");
            }
        }
        for bundle in &runtime.bundles {
            assert!(bundle.spec.whole().is_some(), "{node}: {:?}", bundle.spec);
            assert_eq!(runtime.keeper(bundle), runc::Keeper::Runc);
            if let Some(shim) = bundle.shim() {
                let want = format!("{}/{}", runc::SOCKETS, bundle.socket);
                assert_eq!(shim.path(), *want, "{node}: {}", bundle.path);
            }
        }
        for cri in &runtime.cri {
            let status = cri.status.whole();
            let status = status.unwrap_or_else(|| panic!("{node}: {:?}", cri.status));
            assert_ne!(status.state(), CriState::Unknown, "{node}");
            assert!(status.unknown.is_empty(), "{node}: {:?}", status.unknown);
        }
        if node.ends_with("-rebooted") {
            assert!(
                runtime.containers.is_empty() && runtime.bundles.is_empty(),
                "{node}"
            );
        }
    }
}

/// All containers of one capture say the same time of boot.
#[test]
fn one_boot_is_implied() {
    for node in testcase::nodes()
        .iter()
        .filter(|node| node.ends_with("-running"))
    {
        let runtime = read_capture(&testcase::packed(node));
        let boots: Vec<_> = runtime
            .containers
            .iter()
            .filter_map(|container| container.state.whole()?.implied_boot())
            .collect();
        let (first, last) = (boots.iter().min().unwrap(), boots.iter().max().unwrap());
        assert!(last.since(*first) <= 1, "{node}: {first} to {last}");
    }
}

/// A real state.json, cut at every byte, is always one truncation, and tells what it still has.
#[test]
fn a_real_state_cut_anywhere_is_truncated() {
    let tar = testcase::node("1.7-running");
    let path = &tar.paths("run/containerd/runc/", "/state.json")[0];
    let whole = &tar.members[tar.position(path).unwrap()].data;
    for end in 0..whole.len() {
        let (state, faults) = runc::State::parse(view::View::new(&whole[..end]));
        assert_eq!(faults.len(), 1, "{end}");
        assert!(faults[0].is_cut(), "{end}: {}", faults[0]);
        assert!(end < 200 || state.init_process_pid.is_some(), "{end}");
    }
    let (_, faults) = runc::State::parse(view::View::new(whole));
    assert_eq!(faults, []);
}

/// The same folder in a tar with whole seconds: what cannot be told is said to be unknowable.
#[test]
fn whole_seconds_make_it_unknowable() {
    let mut tar = testcase::node("1.6-running");
    for member in &mut tar.members {
        for (key, value) in &mut member.pax {
            if key == b"mtime" {
                let end = value
                    .iter()
                    .position(|byte| *byte == b'.')
                    .unwrap_or(value.len());
                value.truncate(end);
            }
        }
    }
    let runtime = read_capture(&tar.write());
    let fresh = runtime
        .containers
        .iter()
        .find(|container| container.id == *"fresh")
        .unwrap();
    let same = fresh.fifo.as_ref().unwrap().mtime == fresh.state_stat.as_ref().unwrap().mtime;
    let want = if same {
        Phase::Unknowable
    } else {
        Phase::Created
    };
    assert_eq!(fresh.derived.phase, want);
    let sleeper = runtime
        .containers
        .iter()
        .find(|container| container.id == *"sleeper")
        .unwrap();
    assert_eq!(sleeper.derived.phase, Phase::Started);
    assert!(matches!(sleeper.state, Doc::Whole(_)));
}

/// Every phase that files tell, made by real runc and crun (`testdata/make/states`).
#[test]
fn every_phase_is_named() {
    let folder = testcase::testdata().join("runtime/states");
    let packed = std::fs::read(folder.join("node.tar.zst")).unwrap();
    let runtime = read_capture(&packed);
    let truth = std::fs::read_to_string(folder.join("truth.txt")).unwrap();
    let said: Vec<Vec<&str>> = truth
        .lines()
        .map(|line| line.split(' ').collect())
        .collect();
    for (id, phase, status) in [
        ("parked", Phase::Created, "created"),
        ("running", Phase::Started, "running"),
        ("updated", Phase::Started, "running"),
        // runc calls these two "created", too: only the FIFO's times tell them apart.
        ("rescued", Phase::Released, "created"),
        ("starting", Phase::Released, "created"),
        // Files do not tell that a process is gone.
        ("dead", Phase::Started, "stopped"),
        ("waits", Phase::Created, "created"),
        ("runs", Phase::Started, "running"),
    ] {
        let found = runtime
            .containers
            .iter()
            .find(|container| container.id == *id);
        let container = found.unwrap_or_else(|| panic!("{id} is missing"));
        assert_eq!(
            container.derived.phase, phase,
            "{id}: {:?}",
            container.derived
        );
        let said = said
            .iter()
            .find(|words| words.first() == Some(&id))
            .unwrap();
        assert_eq!(said.get(1), Some(&status), "{id}");
        // runc says pid 0 for what has stopped; the file keeps the pid that was.
        let pid: i64 = said.get(2).unwrap().parse().unwrap();
        assert!(pid == 0 || container.pid() == Some(pid), "{id}: {pid}");
        assert!(container.has_state());
        assert_eq!(container.bundle.as_ref().unwrap().1, Ok(()), "{id}");
    }
    // runc does not even list the one that hangs in its creation.
    let hooked = runtime
        .containers
        .iter()
        .find(|container| container.id == *"hooked")
        .unwrap();
    assert_eq!(
        (hooked.derived.phase, hooked.pid()),
        (Phase::Creating, None)
    );
    assert!(!truth.contains("hooked"));
    // An update hides the time of the start; the time of creation stands for it.
    let updated = runtime
        .containers
        .iter()
        .find(|container| container.id == *"updated")
        .unwrap();
    assert_eq!(updated.derived.since, updated.created());
    assert!(updated.derived.why.contains("update"));
}
